#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# check.sh: the benchmark runs, on few devices; its figures are nobody's business here. Prints TAP.
set -uo pipefail

cd "$(dirname "$0")/../.." || exit
echo 1..2
rm -f build/bench.json
failed=0
if tests/bench/run.sh 16; then
	echo "ok 1 - all cases are measured, and each packet comes through"
else
	echo "not ok 1 - all cases are measured, and each packet comes through"
	failed=1
fi
if /usr/bin/python3 -c 'import json; json.load(open("build/bench.json"))["16"]["added"]["cordon, established"]'; then
	echo "ok 2 - build/bench.json holds the table"
else
	echo "not ok 2 - build/bench.json holds the table"
	failed=1
fi
exit $failed
