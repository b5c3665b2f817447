#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# modern.sh: unpack what Debian 13 has of clients and servers, once; print the directory, which is for chroot.
# Nothing in it was configured, or is run on this machine.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/apt.sh
. "$here/../apt.sh"
cache=${CORDON_CACHE:-$HOME/.cache/cordon}
packages=(openssl curl nginx nodejs mosquitto mosquitto-clients dropbear-bin dash ngtcp2-client ngtcp2-server swupdate)
# Made otherwise, it is another directory: a guest may be using this one.
root=$cache/modern-$(sha256sum <"$here/modern.sh" | cut -c 1-8)

mkdir -p "$cache"
exec 9>"$cache/modern.lock"
flock 9
if [ ! -d "$root" ]; then
	echo "fetching clients and servers of Debian 13" >&2
	work=$(mktemp -d "$cache/.modern.XXXXXX")
	trap 'rm -rf "$work"' EXIT
	mkdir -p "$work"/debs/partial "$work"/tree/{dev,etc,proc,home,run,tmp}
	debian_apt trixie get update
	# To apt nothing is installed, so what they depend on comes along.
	debian_apt trixie get -o Dir::Cache::archives="$work/debs" --no-install-recommends --download-only install "${packages[@]}" >&2
	for deb in "$work"/debs/*.deb; do
		dpkg -x "$deb" "$work/tree"
	done
	# What base-files and base-passwd would make of it.
	for dir in bin lib lib64 sbin; do
		ln -sT "usr/$dir" "$work/tree/$dir"
	done
	echo 'root:x:0:0::/home:/bin/sh' >"$work/tree/etc/passwd"
	echo 'root:x:0:' >"$work/tree/etc/group"
	mv "$work/tree" "$root"
fi
echo "$root"
