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
# Another list is another directory: a guest may be using this one.
root=$cache/modern-$(echo "${packages[*]}" | sha256sum | cut -c 1-8)

mkdir -p "$cache"
exec 9>"$cache/modern.lock"
flock 9
if [ ! -d "$root" ]; then
	echo "fetching clients and servers of Debian 13" >&2
	work=$(mktemp -d "$cache/.modern.XXXXXX")
	trap 'rm -rf "$work"' EXIT
	mkdir -p "$work"/debs/partial "$work"/root/{dev,etc,proc,root,run,tmp}
	debian_apt trixie get update
	# To apt nothing is installed, so what they depend on comes along.
	debian_apt trixie get -o Dir::Cache::archives="$work/debs" --no-install-recommends --download-only install "${packages[@]}" >&2
	for deb in "$work"/debs/*.deb; do
		dpkg -x "$deb" "$work/root"
	done
	# What base-files and base-passwd would make of it.
	for dir in bin lib lib64 sbin; do
		ln -sT "usr/$dir" "$work/root/$dir"
	done
	echo 'root:x:0:0::/root:/bin/sh' >"$work/root/etc/passwd"
	echo 'root:x:0:' >"$work/root/etc/group"
	mv "$work/root" "$root"
fi
echo "$root"
