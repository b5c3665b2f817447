#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# run.sh: the pages in Debian's Chromium, in light and dark, on a desk and on a phone: what axe finds, what names that
# are hostile do, what is there without JavaScript, what the keyboard reaches. Prints TAP; pictures: build/page/*.png.
set -euo pipefail

cd "$(dirname "$0")/../.."
build=${BUILD:-$PWD/build}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

tests/deps.sh build page >&2
command -v node >/dev/null && command -v npm >/dev/null || tests/deps.sh page-node >&2
make --no-print-directory -s page-server >&2

# What the lock file says, and nothing else; scripts of packages do not run.
node=$build/page/node
mkdir -p "$node"
if ! cmp -s tests/page/package-lock.json "$node/installed"; then
	cp tests/page/package.json tests/page/package-lock.json "$node"
	(cd "$node" && npm ci --ignore-scripts --no-audit --no-fund) >&2
	cp tests/page/package-lock.json "$node/installed"
fi

tests/history/madeup.py "$work/plain" "$work/plain-live" --devices 90 --days 30
tests/history/madeup.py "$work/hostile" "$work/hostile-live" --devices 90 --days 3 --hostile
rm -f "$build"/page/*.png
NODE_PATH=$node/node_modules node tests/page/browse.js "$work/plain" "$work/plain-live" "$work/hostile" "$work/hostile-live" \
	"$build/page/page-server" "$build/page"
