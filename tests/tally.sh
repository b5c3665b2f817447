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
for ring; do
	grep -E '^not ok ' "$results/$ring.tap" | sed "s/^/$ring: /"
done
echo "$passed passed, $failed failed$([ $skipped = 0 ] || echo ", $skipped skipped")" | tee "$results/tally"
[ $failed = 0 ] && [ $passed -gt 0 ]
