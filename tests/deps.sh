#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# deps.sh GROUP...: install what a group of targets needs and this machine lacks, from Debian's packages.
set -euo pipefail

declare -A packages=(
	[build]="gcc make pkg-config libnl-3-dev libnl-genl-3-dev libyaml-dev libjansson-dev libkmod-dev"
	[vm]="qemu-system-x86 busybox-static kmod cpio xz-utils zstd python3 iproute2 iputils-ping nftables
		socat gcc-12 libelf-dev debootstrap util-linux procps"
	[kunit]="gcc-12 flex bison bc libelf-dev libssl-dev kmod python3 xz-utils"
	[lint]="sparse clang-tidy-14 clang-tidy shellcheck mandoc groff perl git python3-yaml python3-jsonschema"
	[unit]="libasan8 libubsan1 python3 python3-yaml"
)

missing=()
for group; do
	for package in ${packages[$group]:?unknown group $group}; do
		[ "$(dpkg-query -Wf '${db:Status-Abbrev}' "$package" 2>/dev/null)" = "ii " ] || missing+=("$package")
	done
done
[ ${#missing[@]} -gt 0 ] || exit 0

echo "installing: ${missing[*]}" >&2
[ "$(id -u)" = 0 ] || { echo "deps: only root can install them" >&2; exit 1; }
export DEBIAN_FRONTEND=noninteractive
apt-get -qq -o Acquire::Retries=3 update
apt-get -qq -o Acquire::Retries=3 -o DPkg::Lock::Timeout=300 install -y --no-install-recommends "${missing[@]}" \
	>/tmp/cordon-deps.log 2>&1 || { tail -n 20 /tmp/cordon-deps.log >&2; exit 1; }
