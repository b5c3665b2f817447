#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The history: what a device does, what is done to it and who changes the policy is found in it, and its sums are the
# kernel's counters, also when the writer was killed.
# seconds: 60
. "$(dirname "$0")/lib.sh"
setup
export CORDON_AUDIT=$work/audit.jsonl

printf 'sample: 1s\nregistry: %s/none.db\n' "$work" >"$work/watch.yaml"
watch() {
	spawn gw cordonctl watch --config "$work/watch.yaml" --history "$work/history" --run "$work/run" 2>>"$work/watch.err"
	watcher=$!
}
watch
poll 20 test -e $work/run/live.db
python3 -c 'import sqlite3,sys; print(sqlite3.sqlite_version)'
sqlite3() {
	python3 - "$@" <<'P'
import sqlite3, sys
db = sqlite3.connect(sys.argv[1] + "/history/history.db")
db.execute("ATTACH ? AS live", (sys.argv[1] + "/run/live.db",))
for row in db.execute(sys.argv[2]): print(row)
P
}
cat >$work/p <<-END
version: 1
ports: [lan0, lan1]
uplinks: [wan0]
segments:
  iot_zone: {isolate: false, anomalies: {segment_violation: {limit: 1000/1m, then: event}, scan: {limit: 20/10s, then: quarantine}}}
  plant: {networks: [10.0.50.0/24, "fd00:50::/64"], interfaces: [plant0]}
  wan: {networks: [0.0.0.0/0, "::/0"]}
rules:
  - {from: iot_zone, to: wan, allow: [tcp/443]}
devices:
  - {name: cam, mac: "$CAM_MAC", network_segment: iot_zone, addresses: [$CAM, "$CAM6"], port: lan0, model: t1}
END
apply <$work/p
on cam probe tcp $INET 443; on cam probe tcp $INET 22
read -r -t 3 <>"$work/never"
on gw cordonctl device quarantine cam
read -r -t 3 <>"$work/never"
sed -i 's,tcp/443,tcp/8443,' $work/p; apply <$work/p
read -r -t 3 <>"$work/never"
kill $watcher; wait $watcher
cat $work/watch.err
for t in device base base_anomaly minute hour episode denial state applied restart live.meta live.now live.now_anomaly live.total_anomaly live.binding live.segment live.rule live.interface; do echo "== $t"; sqlite3 $work "SELECT * FROM $t"; done
tail -3 $work/audit.jsonl
echo ok 1 - x; count=1
echo 1..1
