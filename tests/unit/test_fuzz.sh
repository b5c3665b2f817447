#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The fuzzers' corpora and seeds, replayed: no reader passes what its oracle does not.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 2

dir=${CORDON_UNIT:?set by run.sh}/fuzz
n=0
tests/fuzz/build.sh "$dir" tests/fuzz/replay.c "${CC:-cc}" || exit 1
for target in tls datagram; do
	n=$((n + 1))
	if "$dir/$target" "tests/fuzz/corpus/$target"/* "$dir/seeds/$target"/*; then
		echo "ok $n - $target: corpus and seeds"
	else
		echo "not ok $n - $target: corpus and seeds"
	fi
done
echo "1..$n"
