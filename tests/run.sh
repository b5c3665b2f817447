#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# run.sh RING COMMAND...: run a ring of tests that prints TAP; keep it in build/results/RING.tap, with one
# failure more where the command says less than the truth: a bad status without a failed case, a plan that
# does not fit, nothing run at all. Always exits 0: tests/tally.sh has the last word.
# With WHOLE=1 it is printed when it has ended, so that rings may run beside each other.
set -uo pipefail

ring=$1 whole=${WHOLE:-}
shift
unset WHOLE
results=${BUILD:-build}/results
tap=$results/$ring.tap
mkdir -p "$results"
start=$SECONDS
printf '\n==== %s%s\n' "$ring" "${whole:+ begins}"
if [ -n "$whole" ]; then exec 3>/dev/null; else exec 3>&1; fi
"$@" </dev/null 2>&1 | tee "$tap" >&3
status=${PIPESTATUS[0]}

# Without a match grep says 1, and that is a count, too.
ran=$(grep -cE '^(not )?ok ' "$tap")
failed=$(grep -cE '^not ok ' "$tap")
plan=$(sed -n 's/^1\.\.\([0-9]\+\).*$/\1/p' "$tap" | tail -n 1)
complain() {
	echo "not ok - $ring: $1" | tee -a "$tap" >&3
}
[ "$ran" -gt 0 ] || complain "no test ran"
[ "$ran" = "${plan:-none}" ] || complain "planned ${plan:-nothing}, ran $ran"
[ "$status" = 0 ] || [ "$failed" -gt 0 ] || complain "exit status $status"
[ -z "$whole" ] || flock "$results" awk -v ring="$ring" 'BEGIN { printf "\n==== %s\n", ring } { print }' "$tap"
echo "# seconds $((SECONDS - start))" >>"$tap"
