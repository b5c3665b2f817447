#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# chroot.sh: make a build root of Debian 13, once; print its directory.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/apt.sh
. "$here/../apt.sh"
cache=${CORDON_CACHE:-$HOME/.cache/cordon}
root=$cache/trixie

mkdir -p "$cache"
exec 9>"$cache/trixie.lock"
flock 9
if [ ! -d "$root" ]; then
	echo "making a build root of Debian 13" >&2
	work=$(mktemp -d "$cache/.trixie.XXXXXX")
	trap 'rm -rf "$work"' EXIT
	debootstrap --variant=minbase --include=make,gcc-14,libc6-dev,libelf1t64,xz-utils trixie "$work/root" \
		"$(debian_mirror)" >"$work/log" 2>&1 || { tail -n 20 "$work/log" >&2; exit 1; }
	mv "$work/root" "$root"
fi
echo "$root"
