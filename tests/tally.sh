#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# tally.sh RING...: add up what tests/run.sh kept of each ring; fail when anything failed or nothing ran.
set -uo pipefail

results=${BUILD:-build}/results
mkdir -p "$results"
passed=0 failed=0 skipped=0
printf '\n%-16s %8s %8s %8s %8s\n' ring passed failed skipped seconds
for ring; do
	tap=$results/$ring.tap
	if [ ! -e "$tap" ]; then
		echo "not ok - $ring did not run" >"$tap"
	fi
	s=$(grep -ciE '^ok .*# skip' "$tap")
	p=$(($(grep -cE '^ok ' "$tap") - s))
	f=$(grep -cE '^not ok ' "$tap")
	printf '%-16s %8d %8d %8d %8s\n' "$ring" "$p" "$f" "$s" "$(sed -n 's/^# seconds //p' "$tap")"
	passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
done
# With what was said of it before and after: often nothing else is left of a run.
for ring; do
	awk -v ring="$ring" '
		/^not ok / { for (i = said > 10 ? said - 9 : 1; i <= said; i++) print ring ": " note[i]; print ring ": " $0; after = 10 }
		/^#/ { if (after && after--) print ring ": " $0; else note[++said] = $0; next }
		{ said = 0; after = /^not ok / ? 10 : 0 }' "$results/$ring.tap"
done
echo "$passed passed, $failed failed$([ $skipped = 0 ] || echo ", $skipped skipped")" | tee "$results/tally"
[ $failed = 0 ] && [ $passed -gt 0 ]
