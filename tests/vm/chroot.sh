#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# chroot.sh [bookworm|trixie]: make a build root of a Debian, of 13 if none is named, once; print its directory.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/apt.sh
. "$here/../apt.sh"
cache=${CORDON_CACHE:-$HOME/.cache/cordon}
suite=${1:-trixie}
root=$cache/$suite
case $suite in
bookworm) packages=make,gcc-12,libc6-dev,libelf1,xz-utils ;;
trixie) packages=make,gcc-14,libc6-dev,libelf1t64,xz-utils ;;
*) echo "chroot: no suite $suite: bookworm or trixie" >&2; exit 2 ;;
esac

mkdir -p "$cache"
exec 9>"$cache/$suite.lock"
flock 9
if [ ! -d "$root" ]; then
	echo "making a build root of Debian $suite" >&2
	work=$(mktemp -d "$cache/.$suite.XXXXXX")
	trap 'rm -rf "$work"' EXIT
	debootstrap --variant=minbase "--include=$packages" "$suite" "$work/root" \
		"$(debian_mirror)" >"$work/log" 2>&1 || { tail -n 20 "$work/log" >&2; exit 1; }
	mv "$work/root" "$root"
fi
echo "$root"
