#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# fetch.sh: build the User Mode Linux kernel with sanitizers, once; print its directory, which serves
# `make -C DIR ARCH=um M=...` and holds the bootable `linux`.
# It stays in $CORDON_CACHE/uml under a key of fragments and compiler; `fetch.sh --key` prints that.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
cache=${CORDON_CACHE:-$HOME/.cache/cordon}/uml
key=$({ grep -h CONFIG "$here"/*.config; cat "$here"/*.patch; gcc-12 --version; } | sha256sum | cut -c1-12)

[ "${1:-}" != --key ] || { echo "$key"; exit; }
mkdir -p "$cache"
exec 8>"$cache/lock"
flock 8
for built in "$cache"/*-"$key"; do
	[ ! -x "$built/linux" ] || { echo "$built"; exit; }
done

work=$(mktemp -d "$cache/.build.XXXXXX")
trap 'rm -rf "$work"' EXIT

# Headers and sources of drivers that no test needs are most of the source; their Kconfig files stay.
unpack() {
	local deb name

	deb=$("$here/../spec/debsource.sh" "$work" 'linux-source-6\.1' bookworm)
	name=$(basename "$deb" | cut -d_ -f1)
	basename "$deb" | cut -d_ -f2 >"$work/version"
	dpkg-deb --fsys-tarfile "$deb" | tar xO "./usr/src/$name.tar.xz" |
		tar xJ -C "$work" --exclude="$name/Documentation" \
			--exclude="$name"/{sound,drivers/{gpu,media,net/ethernet,net/wireless}}/'*.[ch]'
	mv "$work/$name" "$work/src"
	mkdir "$work/src/Documentation"
	: >"$work/src/Documentation/Kconfig"
	patch -sd "$work/src" -p1 <"$here/atomic-sleep-6.1.patch"
}

# Kconfig drops what it cannot have without a word: every line asked for must have taken.
configure() {
	local line missed=0

	cat "$here"/{base,debug}.config >"$work/fragments"
	make -sC "$work/src" ARCH=um CC=gcc-12 KCONFIG_ALLCONFIG="$work/fragments" alldefconfig
	while read -r line; do
		case $line in
		CONFIG_*) grep -qxF "$line" "$work/src/.config" && continue ;;
		'# CONFIG_'*) line=${line#\# }; grep -q "^${line% is not set}=" "$work/src/.config" || continue ;;
		*) continue ;;
		esac
		echo "fetch: did not take: $line" >&2
		missed=1
	done <"$work/fragments"
	return $missed
}

# What remains is what builds modules and boots.
prune() {
	cd "$work/src"
	find . -type f \( -name '*.o' -o -name '*.a' -o -name '*.cmd' -o -name '*.order' -o -name 'vmlinux*' \) -delete
	find . -type f ! -path './include/*' ! -path './scripts/*' ! -path './arch/um/*' ! -path './arch/x86/*' \
		! -path ./linux ! -path ./Makefile ! -path ./Kbuild ! -path ./.config ! -path ./Module.symvers \
		! -name 'modules.builtin*' -delete
	rm -rf tools
	find arch include -type f -name '*.[cS]' -delete
	find . -type d -empty -delete
	mkdir -p arch/um/include/generated/uapi	# named on every command line
	strip --strip-debug linux
}

unpack
configure
make -sC "$work/src" ARCH=um CC=gcc-12 -j"$(nproc)" linux modules >"$work/log" 2>&1 ||
	{ tail -n 30 "$work/log" >&2; exit 1; }
(prune)
mv "$work/src" "$cache/$(cat "$work/version")-$key"
echo "$cache/$(cat "$work/version")-$key"
