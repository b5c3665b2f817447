#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# run.sh RING COMMAND...: run a ring of tests that prints TAP; keep it in build/results/RING.tap, with one
# failure more where the command says less than the truth: a bad status without a failed case, a plan that
# does not fit, nothing run at all. Always exits 0: tests/tally.sh has the last word.
set -uo pipefail

ring=$1
shift
results=${BUILD:-build}/results
mkdir -p "$results"
start=$SECONDS
printf '\n==== %s\n' "$ring"
"$@" </dev/null 2>&1 | tee "$results/$ring.tap"
status=${PIPESTATUS[0]}

# Without a match grep says 1, and that is a count, too.
ran=$(grep -cE '^(not )?ok ' "$results/$ring.tap")
failed=$(grep -cE '^not ok ' "$results/$ring.tap")
plan=$(sed -n 's/^1\.\.\([0-9]\+\).*$/\1/p' "$results/$ring.tap" | tail -n 1)
complain() {
	echo "not ok - $ring: $1" | tee -a "$results/$ring.tap"
}
[ "$ran" -gt 0 ] || complain "no test ran"
[ "$ran" = "${plan:-none}" ] || complain "planned ${plan:-nothing}, ran $ran"
[ "$status" = 0 ] || [ "$failed" -gt 0 ] || complain "exit status $status"
echo "# seconds $((SECONDS - start))" >>"$results/$ring.tap"
