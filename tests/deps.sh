#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# deps.sh GROUP...: install what a group of targets needs and this machine lacks, from Debian's packages.
set -euo pipefail

declare -A packages=(
	[build]="gcc libc6-dev make pkg-config libnl-3-dev libnl-genl-3-dev libnl-nf-3-dev libyaml-dev libjansson-dev libkmod-dev libssl-dev
		libcurl4-openssl-dev libsqlite3-dev libevent-dev libpwquality-dev cracklib-runtime libseccomp-dev libcap-ng-dev"
	[vm]="qemu-system-x86 busybox-static kmod cpio xz-utils zstd python3 iproute2 iputils-ping nftables conntrack
		socat gcc-12 libelf-dev debootstrap util-linux procps
		e2fsprogs openssl curl strace gnutls-bin strongswan-pki libstrongswan-standard-plugins python3-yaml"
	[bench]="clang libbpf-dev bpftool conntrack"
	[cross]="gcc-aarch64-linux-gnu gcc-arm-linux-gnueabihf libc6-dev-arm64-cross libc6-dev-armhf-cross musl-tools
		qemu-user-static dpkg-dev perl openssl python3"
	[arm64]="qemu-system-arm"
	[kunit]="gcc-12 flex bison bc libelf-dev libssl-dev kmod python3 xz-utils"
	[lint]="sparse clang-tidy-14 clang-tidy shellcheck mandoc groff perl git python3-yaml python3-jsonschema"
	[fuzz]="clang libclang-rt-14-dev"
	[unit]="fish libasan8 libubsan1 netbase openssl python3 python3-prometheus-client
		python3-yaml systemd zsh"
	[etcd]="curl etcd-client etcd-server iproute2 nftables openssl python3"
	[deb]="debhelper dh-dkms dkms dpkg-dev fakeroot pkg-config lintian systemd"
	[deb-long]="debootstrap piuparts locales util-linux"
	[system]="qemu-system-x86 debootstrap e2fsprogs python3 xz-utils zstd util-linux iproute2 nftables procps"
	[page]="chromium curl fonts-dejavu-core iproute2 libjs-dygraphs openssl python3 util-linux"
	[page-node]="nodejs npm"
	[serve]="curl gnutls-bin openssl python3 iproute2 util-linux strace strongswan-pki libstrongswan-standard-plugins
		softhsm2 opensc libengine-pkcs11-openssl swtpm tpm2-openssl tpm2-tools"
)

wanted=()
for group; do
	# shellcheck disable=SC2206
	wanted+=(${packages[$group]:?unknown group $group})
done

missing() {
	dpkg-query -Wf '${Package} ${db:Status-Status}\n' "${wanted[@]}" 2>/dev/null |
		awk '$2 == "installed" { print $1 }' | sort -u | comm -13 - <(printf '%s\n' "${wanted[@]}" | sort -u)
}

mapfile -t lacking < <(missing)
[ ${#lacking[@]} -gt 0 ] || exit 0
echo "installing ${lacking[*]}" >&2
[ "$(id -u)" = 0 ] || { echo "deps: only root can install them" >&2; exit 1; }

# Another make may be at it; what it has installed is no longer missing.
exec 9</etc/debian_version
flock 9
mapfile -t lacking < <(missing)
[ ${#lacking[@]} -gt 0 ] || exit 0

export DEBIAN_FRONTEND=noninteractive
log=$(mktemp)
trap 'rm -f "$log"' EXIT

update() {
	apt-get -qq -o Acquire::Retries=3 -o DPkg::Lock::Timeout=300 update
}

install() {
	apt-get -qq -o Acquire::Retries=3 -o DPkg::Lock::Timeout=300 install -y --no-install-recommends "${lacking[@]}"
}

{
	[ -n "$(find /var/lib/apt/lists -maxdepth 1 -name '*_Packages*' -mtime -1 -print -quit)" ] || update || update
	# The mirror may have moved on since.
	install || { update && install; }
} >"$log" 2>&1 || { tail -n 20 "$log" >&2; exit 1; }
