# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# unpack.sh (to be sourced): packages of a Debian suite in a directory of their own, which is for chroot.
# Nothing in it is configured, or is run on this machine: installed, a daemon would be started.
# shellcheck source=tests/apt.sh
. "$(dirname "${BASH_SOURCE[0]}")/../apt.sh"

# unpack NAME SUITE PACKAGE...: once, with what they depend on; print the directory
unpack() {
	local name=$1 suite=$2 cache=${CORDON_CACHE:-$HOME/.cache/cordon} root work deb dir
	shift 2
	# Made otherwise, it is another directory: a guest may be using this one.
	root=$cache/$name-$(printf '%s\n' "$suite" "$@" | cat "${BASH_SOURCE[0]}" - | sha256sum | cut -c 1-8)

	mkdir -p "$cache"
	exec 9>"$cache/$name.lock"
	flock 9
	if [ ! -d "$root" ]; then
		echo "fetching $name" >&2
		work=$(mktemp -d "$cache/.$name.XXXXXX")
		# shellcheck disable=SC2064
		trap "rm -rf '$work'" EXIT
		mkdir -p "$work"/debs/partial "$work"/tree/{dev,etc,proc,home,run,sys,tmp}
		# What base-files and base-passwd would make of it; to a merged /usr, dpkg unpacks through the links.
		for dir in bin lib lib64 sbin; do
			mkdir -p "$work/tree/usr/$dir"
			ln -sT "usr/$dir" "$work/tree/$dir"
		done
		debian_apt "$suite" get update
		# To apt nothing is installed, so what they depend on comes along.
		debian_apt "$suite" get -o Dir::Cache::archives="$work/debs" --no-install-recommends --download-only install "$@" >&2
		for deb in "$work"/debs/*.deb; do
			dpkg --fsys-tarfile "$deb" | tar -x -C "$work/tree" --keep-directory-symlink
		done
		printf '%s\n' root:x:0:0::/home:/bin/sh nobody:x:65534:65534::/:/bin/sh >"$work/tree/etc/passwd"
		printf '%s\n' root:x:0: nogroup:x:65534: >"$work/tree/etc/group"
		mv "$work/tree" "$root"
	fi
	echo "$root"
}
