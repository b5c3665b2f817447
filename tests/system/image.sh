#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# image.sh [bookworm|trixie]: make a Debian as an administrator has it, with systemd as PID 1 and a kernel with its
# headers, once; print its directory:
#   disk.ext4 (never written to: boot a copy-on-write disk over it)  vmlinux  initrd  release
# What our packages depend on is installed, since the guests have no network, but nothing of ours.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/apt.sh
. "$here/../apt.sh"
cache=${CORDON_CACHE:-$HOME/.cache/cordon}
suite=${1:-bookworm}
packages=(systemd systemd-sysv udev dbus kmod initramfs-tools linux-image-amd64 linux-headers-amd64 dkms gcc libc6-dev make
	iproute2 iputils-ping nftables openssl curl procps bash-completion man-db python3-minimal apt-utils
	libnl-3-200 libnl-genl-3-200 libnl-nf-3-200 libnl-route-3-200 libyaml-0-2 libjansson4 libkmod2 libsqlite3-0 libseccomp2
	libcap-ng0 cracklib-runtime etcd-server)
case $suite in
bookworm) packages+=(libssl3 libevent-core-2.1-7 libevent-extra-2.1-7 libevent-openssl-2.1-7 libpwquality1 libcurl4) ;;
trixie) packages+=(libssl3t64 libevent-core-2.1-7t64 libevent-extra-2.1-7t64 libevent-openssl-2.1-7t64 libpwquality1 libcurl4t64) ;;
*) echo "image: no suite $suite: bookworm or trixie" >&2; exit 2 ;;
esac
# Made otherwise, it is another directory.
image=$cache/system-$suite-$(printf '%s\n' "${packages[@]}" | cat "$0" "$here/stage.service" - | sha256sum | cut -c 1-8)

in_root() {
	chroot "$root" env -i DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8 PATH=/usr/sbin:/usr/bin:/sbin:/bin "$@"
}

# Runs in a mount namespace of its own: nothing stays mounted.
fill() {
	local mirror apt
	mirror=$(debian_mirror)
	debootstrap --variant=minbase "$suite" "$root" "$mirror"
	mount -t proc proc "$root/proc"
	mount --bind /dev "$root/dev"
	for apt in /etc/apt/apt.conf.d/*proxy*; do
		[ ! -e "$apt" ] || cp "$apt" "$root/etc/apt/apt.conf.d/"
	done
	# No daemon is started in here.
	printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"
	chmod 755 "$root/usr/sbin/policy-rc.d"
	in_root apt-get -qq -o APT::Sandbox::User=root update
	in_root apt-get -qq -y -o APT::Sandbox::User=root install --no-install-recommends "${packages[@]}"
	in_root apt-get clean
	# A small initramfs is unpacked sooner.
	printf 'MODULES=list\nCOMPRESS=gzip\n' >"$root/etc/initramfs-tools/conf.d/small"
	printf 'virtio_pci\nvirtio_blk\next4\n' >>"$root/etc/initramfs-tools/modules"
	in_root update-initramfs -u
	rm -f "$root/usr/sbin/policy-rc.d" "$root"/etc/apt/apt.conf.d/*proxy*
	echo gateway >"$root/etc/hostname"
	printf '127.0.0.1 localhost gateway\n::1 localhost\n' >"$root/etc/hosts"
	echo '/dev/vda / ext4 defaults 0 1' >"$root/etc/fstab"
	: >"$root/etc/machine-id"
	cp "$here/stage.service" "$root/etc/systemd/system/"
	in_root systemctl -q enable stage
	in_root systemctl -q disable etcd
	# They would run in the middle of a test.
	in_root systemctl -q mask apt-daily.timer apt-daily-upgrade.timer man-db.timer dpkg-db-backup.timer \
		e2scrub_all.timer e2scrub_reap.service fstrim.timer
}

mkdir -p "$cache"
exec 9>"$cache/system-$suite.lock"
flock 9
if [ ! -d "$image" ]; then
	echo "making an image of Debian $suite" >&2
	work=$(mktemp -d "$cache/.system.XXXXXX")
	trap 'rm -rf "$work"' EXIT
	root=$work/root
	export root here suite
	export -f fill in_root debian_mirror
	# shellcheck disable=SC2016
	PACKAGES="${packages[*]}" unshare -m --propagation private bash -ec 'read -ra packages <<<"$PACKAGES"; fill' \
		>"$work/log" 2>&1 || { tail -n 20 "$work/log" >&2; exit 1; }
	release=$(basename "$(ls -d "$root"/lib/modules/*)")
	/usr/bin/python3 "$here/../vm/vmlinux.py" "$root/boot/vmlinuz-$release" "$work/vmlinux"
	cp "$root/boot/initrd.img-$release" "$work/initrd"
	echo "$release" >"$work/release"
	truncate -s 4G "$work/disk.ext4"
	mkfs.ext4 -q -d "$root" "$work/disk.ext4"
	rm -rf "$root"
	mv "$work" "$image"
	trap - EXIT
fi
echo "$image"
