#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# What a scrape gives, of a history that is made up: held against the table of names, by Prometheus' own tools, and in time.
set -u
cd "$(dirname "$0")/../.." || exit 2
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
. tests/unit/lib.sh
shown=("$dir/out" "$dir/err")
now=1800000000
metrics=$PWD/build/metrics/metrics

give() {	# DEVICES FILE OPTION...
	"$metrics" --at $now "${@:3}" "$dir/$1" "$dir/$1.live" >"$2" 2>"$dir/err"
}

# Strict, and nobody's here.
client() {
	/usr/bin/python3 -c 'import sys
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse
sys.exit(not len(list(parse(open(sys.argv[1], encoding="utf-8", newline="").read()))))' "$1" >"$dir/out" 2>"$dir/err"
}

make -s build/metrics/metrics build/metrics.names >"$dir/out" 2>&1
ok "the exposition is made"
tools=$(tests/metrics/tools.sh 2>"$dir/err")/usr/bin
ok "Prometheus' tools are there"
for devices in 60 200 10000; do
	/usr/bin/python3 tests/history/madeup.py "$dir/$devices" "$dir/$devices.live" --devices $devices --days 1 --now $now --hostile \
		>"$dir/out" 2>"$dir/err"
done
ok "histories are made up"

give 60 "$dir/text" --counts && tests/metrics/check.py build/metrics.names "$dir/text" all >"$dir/out" 2>"$dir/err"
ok "OpenMetrics, and every family of the table, with hostile names"
client "$dir/text"
ok "and another's reader takes it"
give 60 "$dir/plain" --counts --plain && "$tools/promtool" check metrics <"$dir/plain" >"$dir/out" 2>&1 && [ ! -s "$dir/out" ]
ok "promtool check metrics: nothing to say"
sed 's/^cordon_up 1$/cordon_up{a="b} 1/' "$dir/plain" | "$tools/promtool" check metrics >"$dir/out" 2>&1
[ $? != 0 ]
ok "control: a label that is not closed is found"

for devices in 60 200; do
	give $devices "$dir/few.$devices" --no-devices && tests/metrics/check.py build/metrics.names "$dir/few.$devices" nodevices \
		>"$dir/series.$devices" 2>"$dir/err"
	ok "devices are left out: none of $devices has a series"
done
[ -s "$dir/series.60" ] && cmp "$dir/series.60" "$dir/series.200" >"$dir/out"
ok "and the number of series does not depend on them"

"$metrics" --at $now >"$dir/text" && tests/metrics/check.py build/metrics.names "$dir/text" >"$dir/out" 2>"$dir/err" &&
	grep -qx 'cordon_watch_up 0' "$dir/text"
ok "without a history: cordon_watch_up 0"
give 60 "$dir/text" --at $((now + 100)) && grep -qx 'cordon_watch_up 0' "$dir/text" &&
	grep -qx 'cordon_sample_age_seconds 104' "$dir/text"
ok "an old sample: cordon_watch_up 0, and how old"

give 10000 "$dir/out" --bench 3 && read -r took _ <"$dir/out" && [ "$took" -le 150 ]
ok "10,000 devices in at most 150 ms of processor time: ${took-?} ms"
echo "1..$n"
exit $failed
