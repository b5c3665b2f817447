#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# run.sh [SECONDS [TARGET...]]: fuzz each target for so long, from its corpus and seeds. What libFuzzer says
# is in build/fuzz/TARGET.log, what it found in build/fuzz/found; a finding that is mended goes to
# tests/fuzz/corpus/TARGET under a name that says what it was. Prints TAP.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 2

dir=$PWD/build/fuzz
seconds=${1:-60}
targets=("${@:2}")
[ ${#targets[@]} -gt 0 ] || targets=(tls datagram)
n=0
failed=0

fuzz() {	# TARGET
	local log=$dir/$1.log status=0

	mkdir -p "$dir/grown/$1" "$dir/found"
	"$dir/$1" -dict="tests/fuzz/$1.dict" -max_len=4096 -max_total_time="$seconds" -print_final_stats=1 \
		-artifact_prefix="$dir/found/$1-" "$dir/grown/$1" "tests/fuzz/corpus/$1" "$dir/seeds/$1" \
		>"$log" 2>&1 || status=$?
	n=$((n + 1))
	grep -aE '^stat::(number_of_executed_units|peak_rss_mb)|^Done ' "$log" | sed 's/^/# /'
	grep -aE '^#[0-9]+.* cov: ' "$log" | tail -n 1 | sed 's/^#/# at /'
	if [ $status = 0 ]; then
		echo "ok $n - $1: nothing found"
	else
		grep -aE "^$1: |ERROR|runtime error|Test unit" "$log" | sed 's/^/# /'
		echo "not ok $n - $1: nothing found"
		failed=1
	fi
}

echo "TAP version 13"
tests/fuzz/build.sh "$dir" -fsanitize=fuzzer "${CLANG:-clang}" || { echo "Bail out! it does not build"; exit 1; }
for target in "${targets[@]}"; do
	fuzz "$target"
done
echo "1..$n"
exit $failed
