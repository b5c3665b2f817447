#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# tools.sh: fetch Prometheus and Alertmanager of Debian 12, once; print the directory that has usr/bin/promtool and the rest.
# Not installed: that would start them.
set -euo pipefail

# shellcheck source=tests/apt.sh
. "$(dirname "$0")/../apt.sh"
cache=${CORDON_CACHE:-$HOME/.cache/cordon}
dir=$cache/monitoring

mkdir -p "$cache"
exec 9>"$cache/monitoring.lock"
flock 9
if [ ! -d "$dir" ]; then
	echo "fetching Prometheus" >&2
	work=$(mktemp -d "$cache/.monitoring.XXXXXX")
	trap 'rm -rf "$work"' EXIT
	mkdir "$work/tree"
	debian_apt bookworm get update
	(cd "$work" && debian_apt bookworm get download prometheus prometheus-alertmanager >&2)
	for deb in "$work"/*.deb; do
		dpkg -x "$deb" "$work/tree"
	done
	chmod 755 "$work/tree"
	mv "$work/tree" "$dir"
fi
echo "$dir"
