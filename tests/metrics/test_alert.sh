#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# From a row of the history to a person, and back: real Prometheus and Alertmanager, in a network namespace of their own.
# With a gateway instead of rows: tests/scenarios/prometheus.sh.
set -u
cd "$(dirname "$0")/../.." || exit 2
tree=${1-}
if [ -z "$tree" ]; then
	make -s build/metrics/metrics >/dev/null 2>&1
	exec unshare --user --map-root-user --mount --net --pid --fork --kill-child --mount-proc bash "$0" "$(tests/metrics/tools.sh)"
fi
dir=$(mktemp -d)
mkfifo "$dir/never"
trap 'umount -ql "$tree$dir" && rmdir "$tree$dir"; rm -rf "$dir"' EXIT
. tests/unit/lib.sh
shown=("$dir/log" "$dir/monitor/told")
here=$PWD/tests/metrics
. tests/metrics/prometheus.sh
ip link set lo up
# A directory by the same name within.
mount --bind "$tree" "$tree" && mkdir -p "$tree$dir" && mount --bind "$dir" "$tree$dir"
ok "Prometheus is there"

beside() {
	"${@:2}" >>"$dir/log" 2>&1 &
}

inside() {
	chroot "$tree" "${@:2}" >>"$dir/log" 2>&1 &
}

poll() {	# SECONDS COMMAND...
	local end=$((SECONDS + $1))

	shift
	until "$@" >/dev/null 2>&1; do
		[ $SECONDS -lt $end ] || return 1
		read -r -t 0.2 <>"$dir/never"
	done
	return 0
}

history() {	# SQL
	/usr/bin/python3 -c 'import sqlite3, sys
db = sqlite3.connect(sys.argv[1] + "/history.db")
db.execute("ATTACH ? AS live", (sys.argv[1] + "/live.db",))
with db:
    db.executescript(sys.argv[2])' "$dir/history" "$1"
}

up() {	# VALUE: how Prometheus sees us
	curl -sf 'http://127.0.0.1:9090/api/v1/query?query=cordon_up' | grep -F "\"$1\"]"
}

active() {	# how many alerts there are
	curl -sf http://127.0.0.1:9093/api/v2/alerts | /usr/bin/python3 -c 'import json, sys; print(len(json.load(sys.stdin)))'
}

/usr/bin/python3 tests/history/madeup.py "$dir/history" "$dir/history" --devices 1 --days 1 >"$dir/log" 2>&1
history "DELETE FROM episode; DELETE FROM live.now_anomaly; DELETE FROM live.certificate; DELETE FROM live.interface;
	UPDATE live.now SET name = 'cam', state = 'active', listed = 1;
	UPDATE live.meta SET value = unixepoch() + 3600 WHERE key = 'sampled'"
ok "a history of one device"
beside scraped /usr/bin/python3 "$here/scraped.py" 9842 "$PWD/build/metrics/metrics" "$dir/history" "$dir/history"
monitor "$dir/monitor" 1
poll 60 up 1
ok "Prometheus takes what is scraped"
[ $failed = 0 ] || { echo "1..$n"; exit 1; }

history "INSERT INTO episode(device, kind, first, last, count) VALUES(1, 'scan', unixepoch(), unixepoch() + 3600, 40)"
poll 60 told "$dir/monitor" firing CordonDeviceAttack cam scan
ok "a scan: people are told within a minute"
history "UPDATE episode SET count = 400"
poll 5 false
[ "$(told "$dir/monitor" firing CordonDeviceAttack cam scan)" = 1 ] && [ "$(wc -l <"$dir/monitor/told")" = 1 ]
ok "once, and of nothing else, whatever it goes on to"
history "UPDATE episode SET acknowledged = unixepoch(), acknowledged_by = 'anna'"
poll 60 told "$dir/monitor" resolved CordonDeviceAttack cam scan
ok "acknowledged: it is resolved"
poll 30 eval '[ "$(active)" = 0 ]'
ok "and nothing is left"
echo "1..$n"
exit $failed
