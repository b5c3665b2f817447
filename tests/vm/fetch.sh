#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# fetch.sh 6.1|6.12|7.3|6.1-arm64: fetch a Debian kernel with its headers, once; print its directory:
#   vmlinux  release  lib/modules/RELEASE  kbuild (for make -C)
# The newest of its line that the mirror has; one that is there stays good when the mirror moves on.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/apt.sh
. "$here/../apt.sh"
cache=${CORDON_CACHE:-$HOME/.cache/cordon}
line=$1
# The directory's path is in the headers' makefiles, so it is made where it stays, and marked when done.
dir=$cache/vm/$line

arch=amd64
case $line in
6.1) suite=bookworm image=linux-image ;;
6.1-arm64) suite=bookworm:arm64 image=linux-image arch=arm64 ;;
6.12) suite=bookworm-backports image=linux-image ;;
7.*) suite=trixie-backports image=linux-binary ;;
*) echo "fetch: no kernel $line: 6.1, 6.12, 7.3 or 6.1-arm64" >&2; exit 2 ;;
esac

# The packages of one kernel, by their exact names.
download() {
	local release common kbuild

	debian_apt "$suite" get update
	release=$(debian_apt "$suite" cache depends "linux-headers-$arch" |
		sed -n "s/^ *Depends: linux-headers-\\([0-9].*-$arch\\)\$/\\1/p" | head -n 1)
	[ -n "$release" ] || { echo "fetch: $suite has no linux-headers-$arch" >&2; exit 1; }
	common=${release%"-$arch"}-common
	kbuild=$(debian_apt "$suite" cache depends "linux-headers-$release" |
		sed -n 's/^ *Depends: \(linux-kbuild-.*\)$/\1/p' | head -n 1)
	# It has the programs of the kernel's build, which run here.
	debian_apt "${suite%:*}" get update
	(cd "$debs" && debian_apt "${suite%:*}" get download "$kbuild" >&2)
	set -- "linux-headers-$release" "linux-headers-$common"
	if [ "$image" = linux-binary ]; then
		set -- "$@" "linux-binary-$release" "linux-modules-$release" "linux-base-$release"
	else
		set -- "$@" "linux-image-$release"
	fi
	# Only 6.1 has its compiler's plugins in a package of their own.
	[ "$line" != 6.1 ] || set -- "$@" linux-compiler-gcc-12-x86
	(cd "$debs" && debian_apt "$suite" get download "$@" >&2)
}

# What the packages take for granted is where they are not: absolute links, absolute includes.
repair() {
	local release=$1 headers=$dir/usr/src/linux-headers-$1 link target

	find "$dir/usr/src" "$dir/usr/lib" -type l | while read -r link; do
		target=$(readlink "$link")
		case $target in /usr/* | /lib/*) ln -sfn "$dir$target" "$link" ;; esac
	done
	grep -rlE '(^|[ =])/usr/(src|lib)/linux-' "$headers"/Makefile "$headers"/.kernelvariables \
		"$dir"/usr/src/*/Makefile 2>/dev/null | while read -r file; do
		sed -i -E "s#(^|[ =])(/usr/(src|lib)/linux-)#\1$dir\2#g" "$file"
	done
	ln -sfn "$headers" "$dir/kbuild"
}

make_kernel() {
	local release image

	for deb in "$debs"/*.deb; do
		dpkg -x "$deb" "$dir"
	done
	if [ -d "$dir/usr/lib/modules" ]; then
		mkdir -p "$dir/lib"
		cp -al "$dir/usr/lib/modules" "$dir/lib/"
		rm -rf "$dir/usr/lib/modules"
	fi
	release=$(cd "$dir/lib/modules" && for r in *; do [ ! -d "$r/kernel" ] || echo "$r"; done | head -n 1)
	repair "$release"
	image=$dir/boot/vmlinuz-$release
	[ -e "$image" ] || image=$dir/lib/modules/$release/vmlinuz
	if [ "$arch" = amd64 ]; then
		/usr/bin/python3 "$here/vmlinux.py" "$image" "$dir/vmlinux"
	else
		ln "$image" "$dir/vmlinux"
	fi
	depmod -b "$dir" "$release"
	echo "$release" >"$dir/release.new"
	mv "$dir/release.new" "$dir/release"
}

mkdir -p "$cache/vm"
exec 9>"$cache/vm/$line.lock"
flock 9
if [ ! -e "$dir/release" ]; then
	echo "fetching kernel $line" >&2
	rm -rf "$dir"
	mkdir -p "$dir"
	debs=$(mktemp -d)
	trap 'rm -rf "$debs"' EXIT
	download
	make_kernel >&2
fi
# Headers of trixie's kernels want trixie's compiler.
case $line in 7.*) "$here/chroot.sh" >/dev/null ;; esac
echo "$dir"
