#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# ynl.sh: fetch the kernel's own tools from Debian's newest linux-source, once; print their directory,
# laid out like a kernel tree. For the netlink spec: generator, client, schemas; for lint: checkpatch
# and kernel-doc.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
cache=${CORDON_CACHE:-$HOME/.cache/cordon}
ynl=$cache/ynl

mkdir -p "$cache"
exec 8>"$cache/ynl.lock"
flock 8
if [ ! -d "$ynl" ]; then
	work=$(mktemp -d "$cache/.ynl.XXXXXX")
	trap 'rm -rf "$work"' EXIT
	deb=$("$here/debsource.sh" "$work" 'linux-source-7\.[0-9]+' trixie-backports)
	name=$(basename "$deb" | cut -d_ -f1)
	mkdir "$work/tree"
	dpkg-deb --fsys-tarfile "$deb" | tar xO "./usr/src/$name.tar.xz" |
		tar xJ -C "$work/tree" --strip-components=1 "$name"/{tools/net/ynl/pyynl,Documentation/netlink} \
			"$name"/{tools/docs/kernel-doc,tools/lib/python/kdoc} \
			"$name"/scripts/{checkpatch.pl,spelling.txt,const_structs.checkpatch}
	# The tools find the root of the tree by this file.
	: >"$work/tree/MAINTAINERS"
	mv "$work/tree" "$ynl"
fi
echo "$ynl"
