#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The history: what a device does, what is done to it, and who changes the policy is found in it; its sums are the
# kernel's counters, also when its writer was killed.
# seconds: 120
. "$(dirname "$0")/lib.sh"
setup
export CORDON_AUDIT=$work/audit.jsonl

printf 'sample: 1s\nregistry: %s/none.db\nnotify: [{run: [%s/tell], user: nobody}]\n' "$work" "$work" >"$work/watch.yaml"
install -m 1777 -d "$work/told"
printf '#!/bin/sh\ncat >%s/told/$CORDON_ALERT-$CORDON_ANOMALY$CORDON_STATE\n' "$work" >"$work/tell"
chmod 755 "$work" "$work/tell"

begin() {
	spawn gw cordonctl watch --config "$work/watch.yaml" --history "$work/history" --run "$work/run" 2>>"$work/watch.err"
	watcher=$!
	poll 20 test -S "$work/run/control"
}
finds() {	# EXPRESSION [WORD...]: true of the history, called o
	local fits=$1
	shift
	on gw cordonctl history "$@" --history "$work/history" --json >"$work/json" &&
		python3 -c 'import json, sys; o = json.load(open(sys.argv[1], "rb")); sys.exit(not eval("(" + sys.argv[2] + ")"))' "$work/json" "$fits"
}
found() {	# NAME EXPRESSION [WORD...]: within a while
	local name=$1
	shift
	poll 20 finds "$@"
	local status=$?
	[ $status = 0 ] || cut -c1-1500 "$work/json" | sed 's/^/# /'
	report $status "$name"
}
sums() {	# what the history has of cam, all of it
	on gw cordonctl history cam --history "$work/history" --json | python3 -c '
import json, sys
rows = json.load(sys.stdin)["series"]
print(*(sum(r[k] for r in rows) for k in ("rx_packets", "rx_bytes", "tx_packets", "tx_bytes", "denied")))'
}
counters() {
	local name
	for name in rx_packets rx_bytes tx_packets tx_bytes denied; do counter "devices/$CAM_MAC/$name"; done | xargs
}

begin
expect "the writer begins without a policy" test -S "$work/run/control"
policy() {
	cat <<-END
		version: 1
		ports: [lan0, lan1]
		uplinks: [wan0]
		segments:
		  iot_zone: {isolate: false, anomalies: {scan: {limit: 15/10s, then: quarantine}}}
		  plant: {networks: [10.0.50.0/24, "fd00:50::/64"], interfaces: [plant0]}
		  wan: {networks: [0.0.0.0/0, "::/0"]}
		rules:
		  - {from: iot_zone, to: wan, allow: [tcp/$1]}
		devices:
		  - {name: cam, mac: "$CAM_MAC", network_segment: iot_zone, addresses: [$CAM, "$CAM6"], port: lan0}
		  - {name: lock, mac: "$LOCK_MAC", network_segment: iot_zone, addresses: [$LOCK, "$LOCK6"], port: lan1}
	END
}
policy 443 | apply >/dev/null
found "a policy that comes into force, who applied it, and what it brought" '[(p["generation"], p["mode"], p["who"]) for p in
	o["policies"]] == [(1, "enforce", "root")] and "+ device cam" in o["policies"][0]["changes"]'
found "the first state" '[s["state"] for s in o["states"]] == ["active"]' cam

expect "control: what a rule opens" reaches cam tcp $INET 443
blocked cam tcp $INET 22
report $? "control: what none does"
found "what was denied, and the rule that would have allowed it" '[(d["kind"], d["dport"], d["from"], d["to"], d["rule"]) for d in
	o["denials"] if d["kind"] == "segment_violation"] == [("segment_violation", 22, "iot_zone", "wan",
	"{from: iot_zone, to: wan, allow: [tcp/22]}")]' cam
found "an anomaly is an episode, with its first facts" '[(e["source"], e["destination"], e["dport"], e["interface"]) for e in
	o["episodes"] if e["kind"] == "segment_violation"] == [("'$CAM'", "'$INET'", 22, "lan0")]' cam
expect "a program is told of it" poll 20 test -s "$work/told/firing-segment_violation"
found "nothing of it is another device's" 'o["episodes"] == [] and o["denials"] == []' lock
number=$(python3 -c 'import json, sys; print(json.load(open(sys.argv[1], "rb"))["episodes"][0]["id"])' "$work/json" 2>/dev/null || echo 1)
expect "it is acknowledged" on gw cordonctl history --acknowledge "$number" --run "$work/run"
refuse "not twice" on gw cordonctl history --acknowledge "$number" --run "$work/run"
found "by whom is there" '[e["acknowledged_by"] for e in o["episodes"] if e["id"] == '"$number"'] == ["root"]'
shows acknowledge "$work/audit.jsonl"
report $? "and in the audit log"

# As nmap does: one connection after the other, to many ports
on lock python3 -c '
import socket
for port in range(1000, 1040):
    s = socket.socket()
    s.settimeout(0.02)
    s.connect_ex(("'$INET'", port))
    s.close()'
found "a scan ends in quarantine, and why is said" '[(s["state"], s["segment"], s["why"]) for s in o["states"]][1:] ==
	[("quarantined", "quarantine", "scan: its limit was reached")]' lock
found "it is an anomaly of its kind" '[(e["device"], e["action"]) for e in o["episodes"]] == [("lock", "quarantine")]' --anomaly scan
expect "a program is told of that, too" poll 20 test -s "$work/told/firing-quarantined"
expect "an operator quarantines" on gw cordonctl device quarantine cam
found "who did is said" '[(s["state"], s["why"]) for s in o["states"]][1:] == [("quarantined", "quarantined by root")]' cam
expect "and releases" on gw cordonctl device release cam
found "who did is said, too" '[(s["state"], s["why"]) for s in o["states"]][2:] == [("active", "released by root")]' cam

policy 8443 | apply >/dev/null
found "a commit: what it changed" 'o["policies"][-1]["generation"] == 2 and
	o["policies"][-1]["changes"] == "~ rule iot_zone -> wan: allow: tcp/443 -> tcp/8443"'
expect "control: another connection" reaches cam tcp $INET 8443

kill -9 $watcher
wait $watcher 2>/dev/null
reaches cam tcp $INET 8443
begin
found "killed and begun again: no second policy" '[p["generation"] for p in o["policies"]] == [1, 2]'
found "nor another state" 'len(o["states"]) == 3' cam
expect "it goes on" reaches cam tcp $INET 8443
before=none
settled() {	# the device says nothing more
	local now
	now=$(counters)
	[ "$now" = "$before" ] || { before=$now; false; }
}
on gw ip link set lan0 down
poll 20 settled
kill $watcher
wait $watcher
report $? "it ends when it is asked to"
equal "sums are the kernel's counters" "$(counters)" "$(sums)"
found "with whom it talks" '[(p["protocol"], p["dport"], p["opened"], p["segment"]) for p in o["peers"] if p["peer"] == "'$INET'"
	and p["dport"] == 8443] == [(6, 8443, 1, "wan")]' cam
equal "no counter is said to have begun again" 0 "$(finds 'o["restarts"] == []'; echo $?)"
on gw cordonctl history cam --history "$work/history" >"$work/text"
shows 'quarantined by root' "$work/text" && shows 'allow: \[tcp/22\]' "$work/text"
report $? "as text, while nobody writes"
refuse "there is nobody to acknowledge" on gw cordonctl history --acknowledge 1 --run "$work/run"
equal "it had nothing to complain of" '' "$(<"$work/watch.err")"
finish
