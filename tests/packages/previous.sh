#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# previous.sh DIRECTORY: build the packages of a version before this one into DIRECTORY, for what tests an upgrade: the same
# sources under a lower number, with other configuration files, and an index, so that apt takes DIRECTORY as an archive.
set -euo pipefail

root=$(cd "$(dirname "$0")/../.." && pwd)
[ $# = 1 ] || { echo "usage: previous.sh DIRECTORY" >&2; exit 2; }
version=$(sed -n 's/^VERSION := //p' "$root/Makefile")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

tar -c -C "$root" --exclude=./.git --exclude=./build . | tar -x -C "$work"
sed -i "s/^VERSION := .*/VERSION := 0.0.1/" "$work/Makefile"
sed -i "1s/($version)/(0.0.1)/" "$work/userspace/packaging/debian/changelog"
for file in userspace/packaging/policy.yaml userspace/units/cordon.default; do
	echo "# as it was before" >>"$work/$file"
done
"$work/userspace/packaging/deb.sh" "$1" -b
cd "$1"
dpkg-scanpackages --multiversion . >Packages
