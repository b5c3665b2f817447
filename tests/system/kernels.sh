#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# kernels.sh: a Debian 12 that boots guarded gets the kernel of backports with apt, and DKMS builds the module for it.
# Then what goes wrong with that: a kernel without headers, a module that does not compile, a kernel that refuses its
# signature. Forwarding is closed then, and is said to be, with what mends it. Prints TAP.
# What compiles runs in a chroot of the guest's disk, all the rest in the running system: stages/*.sh, a boot for each.
set -uo pipefail

# host.sh reads it.
# shellcheck disable=SC2034
suite=bookworm
# shellcheck source=tests/system/host.sh
. "$(dirname "$0")/host.sh"
# shellcheck source=tests/apt.sh
. "$here/../apt.sh"

# The kernel's packages, fetched once; one that is there stays good when the mirror moves on.
kernel_debs() {
	local cache=${CORDON_CACHE:-$HOME/.cache/cordon} line=bookworm-backports dir release
	dir=$cache/upgrade-6.12

	exec 8>"$dir.lock"
	flock 8
	if [ ! -e "$dir/release" ]; then
		echo "fetching a kernel of $line with its headers" >&2
		rm -rf "$dir"
		mkdir -p "$dir"
		debian_apt $line get update
		release=$(debian_apt $line cache depends linux-headers-amd64 | sed -n 's/^ *Depends: linux-headers-\([0-9].*-amd64\)$/\1/p')
		(cd "$dir" && debian_apt $line get download linux-image-amd64 linux-headers-amd64 "linux-image-$release" \
			"linux-headers-$release" "linux-headers-${release%-amd64}-common" "linux-kbuild-${release%-amd64}" >&2) || return
		# What its headers want, and those of the older kernel do not.
		debian_apt bookworm get update
		(cd "$dir" && debian_apt bookworm get download pahole libbpf1 libdw1 >&2) || return
		echo "$release" >"$dir/release"
	fi
	echo "$dir"
}

# boots RELEASE: from now on the guest is started with this kernel of its disk
boots() {
	image=$work/kernel-$1
	mkdir -p "$image"
	debugfs -R "dump /boot/vmlinuz-$1 $image/vmlinuz" "$work/disk" >"$work/log" 2>&1 &&
		debugfs -R "dump /boot/initrd.img-$1 $image/initrd" "$work/disk" >>"$work/log" 2>&1 &&
		/usr/bin/python3 "$here/../vm/vmlinux.py" "$image/vmlinuz" "$image/vmlinux" >>"$work/log" 2>&1 && [ -s "$image/initrd" ]
	ok "$1 and its initramfs are on the disk"
}

apt_install() {	# PACKAGE...: from the packages that stand in for a mirror
	on_disk apt-get -y -o APT::Sandbox::User=root install --no-install-recommends "$@"
}

built() {	# RELEASE
	on_disk dkms status -m cordon -k "$1"
	grep -q ': installed' "$work/log"
}

# doctor TEXT MEND: it finds a kernel without a module, and says what mends that
doctor() {
	on_disk cordonctl doctor || :
	grep -F -A1 "$1" "$work/log" >"$work/found" && grep -qF -- "-> $2" "$work/found"
}

break_source() {
	# shellcheck disable=SC2016
	on_disk bash -ec 'for file in /usr/src/cordon-*/kernel/main.c; do cp "$file" "$file.good"; echo "#error on purpose" >"$file"; done'
}

mend_source() {
	# shellcheck disable=SC2016
	on_disk bash -ec 'for file in /usr/src/cordon-*/kernel/main.c; do mv "$file.good" "$file"; done'
}

kernel=$(kernel_debs)
ok "the packages of a kernel are there"
new=$(cat "$kernel/release")
ours=$debs debs=$work/repo
mkdir "$debs"
ln -f "$ours"/*.deb "$kernel"/*.deb "$debs/" 2>/dev/null || cp "$ours"/*.deb "$kernel"/*.deb "$debs/"
cp "$here/gateway.sh" "$work/share/"
cp "$here/gateway.yaml" "$debs/"
on_disk bash -ec 'cd /run/debs
	apt-ftparchive packages . >Packages
	echo "deb [trusted=yes] file:/run/debs ./" >/etc/apt/sources.list
	apt-get -o APT::Sandbox::User=root update'
ok "a repository with them"

apt_install cordon-dkms cordonctl
ok "cordon-dkms and cordonctl install with apt"
on_disk bash -ec 'cp /run/debs/gateway.yaml /etc/cordon/policy.yaml; systemctl enable cordon'
ok "cordon is enabled"
stage guarded -t 900
cp --sparse=always --reflink=auto "$work/disk" "$work/before"

apt_install linux-image-amd64 linux-headers-amd64
ok "apt upgrades the kernel from $release to $new"
built "$new"
ok "DKMS has built the module for $new"
boots "$new"
stage guarded -t 900
stage enforced -t 900 -a module.sig_enforce=1

mv "$work/before" "$work/disk"
# What an administrator has who never asked for headers, and got those of the kernel before with DKMS.
on_disk apt-get -y purge linux-headers-amd64 && apt_install linux-image-amd64
ok "the kernel is upgraded, but has no headers"
! built "$new"
ok "so that it has no module"
doctor "$new has no module" "apt-get install linux-headers-$new && dkms autoinstall -k $new"
ok "doctor says so, and what mends it"
break_source
on_disk bash -c "apt-get -y -o APT::Sandbox::User=root install --no-install-recommends linux-headers-$new && dkms autoinstall -k $new"
[ $? != 0 ]
ok "a module that does not compile: the command fails"
! built "$new"
ok "and there still is no module"
doctor "$new has no module" "dkms autoinstall -k $new; if that fails, see /var/lib/dkms/cordon/*/build/make.log"
ok "doctor says so, and where to look"
on_disk bash -c 'grep -h "on purpose" /var/lib/dkms/cordon/*/build/make.log'
ok "where it stands why"
# It is compiled here, and not installed before the guest runs.
mend_source && on_disk bash -c "dkms build cordon/\$(ls /var/lib/dkms/cordon | sed -n '/^[0-9]/p') -k $new"
ok "the module compiles again"
! built "$new"
ok "and is not installed yet"
boots "$new"
stage broken -t 1500
finished
