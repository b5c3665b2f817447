#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# --json of every command that asks the kernel, with at least one of each object in it: Python parses it.
# seconds: 120
GW_SERVICES=22
. "$(dirname "$0")/lib.sh"
setup

# json NAME EXPRESSION COMMAND...: its standard output is one JSON document that fits, called o
json() {
	local name=$1 fits=$2
	shift 2
	"$@" >"$work/json" 2>"$work/said" || sed 's/^/# /' "$work/said"
	python3 -c 'import json, sys; o = json.load(open(sys.argv[1], "rb")); assert eval("(" + sys.argv[2] + ")"), o' \
		"$work/json" "$fits" 2>"$work/said" || { tail -n 1 "$work/said" | cut -c1-500; false; } | sed 's/^/# /'
	report "${PIPESTATUS[0]}" "$name"
}
ctl() {
	on gw cordonctl "$@"
}

json "status without a policy" 'o["generation"] == 0 and o["uplinks"] == 0 and o["guard"] == "open" and
	o["interfaces"] == []' ctl status --json
for what in ports uplinks interfaces networks rules devices bindings; do
	json "show $what without a policy" 'o == []' ctl show $what --json
done

policy() {
	cat <<-END
		version: 1
		ports: [$1]
		uplinks: [wan0]
		segments:
		  iot_zone: {isolate: false, anomalies: {segment_violation: {limit: 1000/1m, then: event}}}
		  plant: {networks: [10.0.50.0/24, "fd00:50::/64"], interfaces: [plant0]}
		  wan: {networks: [0.0.0.0/0, "::/0"]}
		rules:
		  - {from: iot_zone, to: wan, allow: [tcp/443, gre, sctp/5060], related: true}
		devices:
		  - {name: cam, mac: "$CAM_MAC", network_segment: iot_zone, addresses: [$CAM, "$CAM6"], port: lan0, model: t1,
		     encryption: any, authentication: none, firmware_auto_update: false}
	END
}
policy lan0 | apply >/dev/null
expect "a policy with one of each is applied" ctl status

json "show: one port" 'o["ports"] == ["lan0"] and o["uplinks"] == ["wan0"] and len(o["devices"]) == 1' ctl show --json
json "show policy" '[s["interfaces"] for s in o["segments"] if s["name"] == "plant"] == [["plant0"]] and
	o["rules"][0]["related"] and o["rules"][0]["allow"] == ["tcp/443", "gre", "sctp/5060"]' ctl show policy --json
json "show ports" 'o == ["lan0"]' ctl show ports --json
json "show uplinks" 'o == ["wan0"]' ctl show uplinks --json
json "show segments" '"iot_zone" in [s["name"] for s in o] and
	[s["anomalies"] for s in o if s["anomalies"]] == [{"segment_violation": {"limit": "1000/1m", "then": "event"}}]' \
	ctl show segments --json
json "show networks" 'len(o) == 4' ctl show networks --json
json "show rules" '[r["used_seconds"] for r in o] == [None]' ctl show rules --json
json "show devices" '[d["port"] for d in o] == ["lan0"]' ctl show devices --json
json "show bindings" 'len(o) == 2' ctl show bindings --json
json "status" 'o["generation"] == 1 and o["uplinks"] == 1 and "stats" in o and o["guard"] == "guarded" and
	"lan0" in [i["name"] for i in o["interfaces"]]' ctl status --json
ip -n gw link add $'odd"\\\xff\x1b' type dummy
json "show interfaces" '[(i["name"], i["role"], i["up"]) for i in o if i["listed"] == "port"] == [("lan0", "port", True)] and
	[i["closed"] for i in o if i["name"].startswith("odd")] == ["not-listed"]' ctl show interfaces --json
ip -n gw link del $'odd"\\\xff\x1b'
json "stats" '[d["name"] for d in o] == ["cam"]' ctl stats --json
json "stats of a device" 'o["name"] == "cam" and "unlisted" in o["anomalies"]' ctl stats cam --json
json "top" 'o["seconds"] > 0 and o["generation"] == 1 and [(d["name"], d["segment"]) for d in o["devices"]] ==
	[("cam", "iot_zone")] and o["devices"][0]["rx_bytes"] >= 0' ctl top --json --count 1 --interval 0.1
json "top: another segment" 'o["devices"] == []' ctl top --json --count 1 --interval 0.1 --segment plant
json "explain: a rule" 'o["rule"]["index"] == 0' ctl explain --from cam --to $INET --proto gre --json
json "explain: none" 'o["rule"] is None' ctl explain --from cam --to $INET --proto esp --json
json "explain: the gateway, and addresses" 'o["verdict"]' ctl explain --from $INET --to gateway --proto tcp --dport 22 --json

policy 'lan0, lan1' >"$work/policy.yaml"
json "diff: another port" '[(c["op"], c["object"], c["name"]) for c in o] == [("add", "port", "lan1")]' \
	ctl diff "$work/policy.yaml" --json
policy lan0 >"$work/policy.yaml"
json "diff: none" 'o == []' ctl diff "$work/policy.yaml" --json

json "device add" 'o["name"] == "lock"' ctl device add lock --mac $LOCK_MAC --segment iot_zone --address $LOCK --json
json "device set" 'o["model"] == "x"' ctl device set lock --model x --json
json "device lease" 'o["lease_seconds"] > 0' ctl device lease lock 1h --json
json "device quarantine" 'o["state"] == "quarantined"' ctl device quarantine lock --json
json "device release" 'o["state"] == "active"' ctl device release lock --json
json "device token" 'o["token"]' ctl device token lock --registry "$work/registry.db" --json
json "device del" 'o is None' ctl device del lock --json
json "firmware status" '[d["device"] for d in o] == ["cam", "lock"]' \
	ctl firmware status --registry "$work/registry.db" --directory "$work" --json

# Events: another policy, a device's state, an anomaly, an interface; each is a document in a line of its own.
spawn gw cordonctl monitor --json >"$work/events" 2>"$work/monitor"
monitor=$!
poll 20 grep -q listening "$work/monitor"
filters=()
for filter in "--device cam" "--device $CAM_MAC" "--kind segment_violation" "--device cam --kind segment_violation"; do
	# shellcheck disable=SC2086
	spawn gw cordonctl monitor --json $filter >"$work/filtered-${#filters[@]}" 2>"$work/listening-${#filters[@]}"
	poll 20 grep -q listening "$work/listening-${#filters[@]}"
	filters+=($!)
done
policy 'lan0, lan1' | apply >/dev/null
ctl device quarantine cam >/dev/null
ctl device release cam >/dev/null
blocked cam tcp $INET 22
poll 20 grep -q anomaly "$work/events"
report $? "monitor: an anomaly"
ip -n gw link add later type dummy
poll 20 grep -q '"later"' "$work/events"
report $? "monitor: an interface"
kill $monitor 2>/dev/null
wait $monitor 2>/dev/null
python3 -c 'import json, sys; o = [json.loads(line)["event"] for line in open(sys.argv[1], "rb")]; assert set(o) == {"policy", "device", "anomaly", "interface"}, o' \
	"$work/events"
report $? "monitor: a document in each line"
# Whoever has told of the anomaly has left out what came before it.
for i in 0 1 2 3; do
	poll 20 grep -q anomaly "$work/filtered-$i"
done
kill "${filters[@]}" 2>/dev/null
wait "${filters[@]}" 2>/dev/null
filtered() {	# NUMBER
	python3 -c 'import json, sys; print(*sorted({json.loads(line)["event"] for line in open(sys.argv[1], "rb")}))' "$work/filtered-$1"
}
equal "monitor --device: what is of that device" "anomaly device" "$(filtered 0)"
equal "by its MAC" "anomaly device" "$(filtered 1)"
equal "monitor --kind: anomalies only" anomaly "$(filtered 2)"
equal "both" anomaly "$(filtered 3)"

json "ca init" 'o["root"]["pem"]' ctl ca init --name Gateway --json
echo "server_names: [$GW_CAM]" >"$work/serve.yaml"
expect "the server starts" on gw cordonctl serve --config "$work/serve.yaml"
json "stats of the server" 'o["connections"] == 0 and o["accepted"]' ctl stats --serve --json
expect "the server stops" ctl serve --stop --config "$work/serve.yaml"
finish
