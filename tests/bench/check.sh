#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# check.sh: the benchmark runs, on few devices; its figures are nobody's business here. Prints TAP.
set -uo pipefail

cd "$(dirname "$0")/../.." || exit
echo 1..4
rm -f build/bench.json
failed=0
if PACKETS=2000 tests/bench/run.sh 16; then
	echo "ok 1 - all cases are measured, and each packet comes through"
else
	echo "not ok 1 - all cases are measured, and each packet comes through"
	failed=1
fi
if /usr/bin/python3 -c 'import json; json.load(open("build/bench.json"))["16"]["added"]["cordon, under the TLS gate"]'; then
	echo "ok 2 - build/bench.json holds the table"
else
	echo "not ok 2 - build/bench.json holds the table"
	failed=1
fi
if tests/bench/serve.sh 100 64; then
	echo "ok 3 - the server's enrolments, renewals, check-ins, polls, downloads and lists are measured, and each is granted"
else
	echo "not ok 3 - the server's enrolments, renewals, check-ins, polls, downloads and lists are measured, and each is granted"
	failed=1
fi
if /usr/bin/python3 -c 'import json; r = json.load(open("build/bench.json"))["serve"]
for key in "few", "many":
    for case in "enroll", "renew", "checkin", "poll":
        assert r[key][case]["operations"] == 100 and len(r[key][case]["processes"]) == 3
assert r["bare"]["bare"]["ms"] and r["many"]["crl"]["ms"]
assert r["few"]["download"]["ms"] and r["nginx"]["download"]["ms"]'; then
	echo "ok 4 - build/bench.json holds them, too"
else
	echo "not ok 4 - build/bench.json holds them, too"
	failed=1
fi
exit $failed
