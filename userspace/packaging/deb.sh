#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# deb.sh DIRECTORY [DPKG-BUILDPACKAGE-ARG...]: build the Debian packages, and the source package, into DIRECTORY.
# debian/ lies beside this script, where dpkg wants it at the top: so the sources are copied, those of a checkout or of an
# unpacked archive, and debian/ is put on top of them. The same sources give the same bytes.
set -euo pipefail

root=$(cd "$(dirname "$0")/../.." && pwd)
[ $# -gt 0 ] || { echo "usage: deb.sh DIRECTORY [DPKG-BUILDPACKAGE-ARG...]" >&2; exit 2; }
mkdir -p "$1"
out=$(cd "$1" && pwd)
shift
unset MAKEFLAGS MFLAGS MAKELEVEL BUILD CFLAGS LDFLAGS

cd "$root"
changelog=userspace/packaging/debian/changelog
version=$(dpkg-parsechangelog -l "$changelog" -S Version)
wanted=$(sed -n 's/^VERSION := //p' Makefile)
[ "$version" = "$wanted" ] || { echo "deb: Makefile says version $wanted, $changelog $version" >&2; exit 1; }
stamp=$(dpkg-parsechangelog -l "$changelog" -S Timestamp)

sources() {	# what git would add, or what a fresh archive has
	if [ "$(git rev-parse --show-toplevel 2>/dev/null)" = "$root" ]; then
		git ls-files -z -co --exclude-standard
	else
		find . -path ./build -prune -o -path ./.git -prune -o -type f \
			! -name '*.o' ! -name '*.ko' ! -name '*.mod' ! -name '*.mod.c' ! -name '.*.cmd' ! -name '*.pyc' \
			! -name modules.order ! -name Module.symvers -printf '%P\0'
	fi | while IFS= read -r -d '' file; do
		[ ! -e "$file" ] || printf '%s\0' "$file"
	done | LC_ALL=C sort -z
}

work=$(mktemp -d "$out/.deb.XXXXXX")
trap 'rm -rf "$work"' EXIT
tree=$work/cordon-$version
mkdir "$tree"
# The build of the packages takes no part in the tests' data.
sources | grep -zvE '^(\.|tests/fuzz/corpus/|tests/vectors/)' | tar -c --null -T - | tar -x -C "$tree"
mv "$tree/userspace/packaging/debian" "$tree/debian"
find "$tree" -type f -perm /111 -exec chmod 755 {} +
find "$tree" -type f ! -perm /111 -exec chmod 644 {} +
find "$tree" -type d -exec chmod 755 {} +
find "$tree" -exec touch -h -d "@$stamp" {} +

umask 022
# What debugs the programs is as large as all the rest: a distribution's build makes it.
(cd "$tree" && DEB_BUILD_OPTIONS="noautodbgsym parallel=$(nproc) ${DEB_BUILD_OPTIONS-}" dpkg-buildpackage -us -uc "$@")
rm -f "$out"/cordon*.{deb,dsc,tar.*,changes,buildinfo}
find "$work" -maxdepth 1 -type f -exec mv -t "$out" {} +
