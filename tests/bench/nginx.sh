#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# nginx.sh: unpack Debian's nginx, once; print the program. Installed, it would be started.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/apt.sh
. "$here/../apt.sh"
cache=${CORDON_CACHE:-$HOME/.cache/cordon}
tree=$cache/nginx

mkdir -p "$cache"
exec 9>"$cache/nginx.lock"
flock 9
if [ ! -d "$tree" ]; then
	work=$(mktemp -d "$cache/.nginx.XXXXXX")
	trap 'rm -rf "$work"' EXIT
	debian_apt bookworm get update
	(cd "$work" && debian_apt bookworm get download nginx) >&2
	dpkg -x "$work"/nginx_*.deb "$work/tree"
	mv "$work/tree" "$tree"
fi
echo "$tree/usr/sbin/nginx"
