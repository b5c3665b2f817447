#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# run.sh: the pages in Debian's Chromium, in light and dark, on a desk and on a phone: what axe finds, what names that
# are hostile do, what is there without JavaScript, what the keyboard reaches (browse.js); and an operator's click, taken by
# the server itself (operate.py). Prints TAP; pictures: build/page/*.png.
set -euo pipefail

cd "$(dirname "$0")/../.."
build=${BUILD:-$PWD/build}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

. tests/page/prepare.sh

tests/history/madeup.py "$work/plain" "$work/plain-live" --devices 90 --days 30
tests/history/madeup.py "$work/hostile" "$work/hostile-live" --devices 90 --days 3 --hostile
rm -f "$build"/page/*.png
status=0
node tests/page/browse.js "$work/plain" "$work/plain-live" "$work/hostile" "$work/hostile-live" "$build/page/page-server" \
	"$build/page" >"$work/browse" || status=1
tests/page/operate.py >"$work/operate" 2>&1 || status=1

# Two plans become one; what ends before its plan has a failure more.
for part in browse operate; do
	grep -q '^1\.\.[0-9]' "$work/$part" || echo "not ok 0 - $part: ran to its end" >>"$work/$part"
done
awk '/^1\.\./ { next } /^(not )?ok / { sub(/ok [0-9]+/, "ok " ++n) } { print } END { print "1.." n }' "$work/browse" "$work/operate"
exit $status
