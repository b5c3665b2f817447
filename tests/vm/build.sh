#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# build.sh 6.1|6.12|7.3|6.1-arm64 [MAKE-ARG...]: build the module for a kernel, in a copy of the checkout, and stage
# it in a copy of the kernel's module tree. What the compiler says goes to stdout.
# Afterwards: build/vm/KERNEL/modules (for /lib/modules), build/vm/KERNEL/initrd, build/vm/KERNEL/src/cordon.ko
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
line=$1
shift
kernel=$("$here/fetch.sh" "$line")
release=$(cat "$kernel/release")
stage=$root/build/vm/$line
# Modules for tests, beside cordon: directories with a Kbuild.
extra=(tests/vm/planted tests/vm/steady tests/vm/linger tests/bench/tracked)

# compile DIR: run the kernel's make over DIR
compile() {
	local dir=$1 chroot cache
	shift
	set -- -s -C "$kernel/kbuild" M="$dir" CONFIG_DEBUG_INFO_BTF_MODULES= -j"$(nproc)" "$@" modules
	case $line in
	7.*)
		chroot=$("$here/chroot.sh")
		cache=${CORDON_CACHE:-$HOME/.cache/cordon}
		# A mount namespace of its own: nothing stays mounted.
		unshare -m --propagation private bash -ec '
			chroot=$1 cache=$2 stage=$3
			shift 3
			mkdir -p "$chroot$cache" "$chroot$stage"
			mount --bind "$cache" "$chroot$cache"
			mount --bind "$stage" "$chroot$stage"
			mount -t proc proc "$chroot/proc"
			exec chroot "$chroot" make "$@"' - "$chroot" "$cache" "$stage" "$@" 2>&1
		;;
	*-arm64) make ARCH=arm64 CROSS_COMPILE=aarch64-linux-gnu- "$@" 2>&1 ;;
	*) make "$@" 2>&1 ;;
	esac
}

# copy DIR ITEM...: into DIR; objects there stay for the next build, sources that are gone go
copy() {
	local dir=$1
	shift
	mkdir -p "$dir"
	find "$dir" -name '*.[ch]' ! -name '*.mod.c' -delete
	cp -a "$@" "$dir/"
}

mkdir -p "$stage"
exec 8>"$stage/lock"
flock 8
unset MAKEFLAGS MFLAGS MAKELEVEL
# What another kernel made is of no use, if it has the same release, too.
stamp="$kernel $release $(stat -c %Y "$kernel/release")"
if [ "$(cat "$stage/stamp" 2>/dev/null)" != "$stamp" ]; then
	rm -rf "$stage"/{src,tests,modules,tree,initrd,stamp}
	mkdir -p "$stage/modules" "$stage/tree/lib"
	cp -al "$kernel/lib/modules/$release" "$stage/modules/" 2>/dev/null ||
		cp -as "$kernel/lib/modules/$release" "$stage/modules/"
	ln -s "$stage/modules" "$stage/tree/lib/modules"
	echo "$stamp" >"$stage/stamp"
fi
if [ ! "$stage/initrd" -nt "$here/init" ] || [ ! "$stage/initrd" -nt "$here/initrd.sh" ]; then
	case $line in
	*-arm64) "$here/initrd.sh" "$kernel" "$release" "$stage/initrd" "$("$root/tests/cross/sysroot.sh" arm64)/bin/busybox" ;;
	*) "$here/initrd.sh" "$kernel" "$release" "$stage/initrd" ;;
	esac
fi

# W=1 and C=2 must see every file.
[ $# = 0 ] || rm -rf "$stage/src"
copy "$stage/src" "$root/Kbuild" "$root/kernel" "$root/include"
compile "$stage/src" "$@"
for dir in "${extra[@]}"; do
	copy "$stage/$dir" "$root/$dir"/*
	compile "$stage/$dir"
done

# New files, not new contents: a guest may be reading the old ones.
updates=$stage/modules/$release/updates
mkdir -p "$updates"
find "$stage/src" "$stage/tests" -name '*.ko' -exec cp --remove-destination -t "$updates" {} +
depmod -b "$stage/tree" "$release"
