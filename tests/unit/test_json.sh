#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# --json of every command that needs no kernel, with at least one of each object in it: Python parses it. What needs
# one is in tests/scenarios/json.sh; enroll, renew, checkin and update are in their own tests.
set -u
cd "$(dirname "$0")/../.." || exit 2
ctl=$PWD/build/cordonctl
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
. tests/unit/lib.sh
shown=("$dir/out" "$dir/err")
nasty=$'not \xff\xc3 UTF-8 " \\ \x01'
clean='not \ufffd\ufffd UTF-8 \" \\ \x01'
where=(--registry "$dir/registry.db" --directory "$dir/fw")
ca=(--dir "$dir/ca" --registry "$dir/registry.db")

# json NAME EXPRESSION ARGUMENT...: ends with $status, 0, and a JSON document that fits, called o
json() {
	local name=$1 fits=$2

	shift 2
	"$ctl" "$@" --json >"$dir/out" 2>"$dir/err" </dev/null
	[ $? = "${status-0}" ] &&
		/usr/bin/python3 -c 'import json, sys; o = json.load(open(sys.argv[1], "rb")); assert eval("(" + sys.argv[2] + ")"), o' \
			"$dir/out" "$fits" 2>>"$dir/err"
	ok "$name" $?
}

make -s userspace >"$dir/out" 2>&1
ok "cordonctl is made" $?
cd "$dir" || exit 2
mkdir "$nasty"
head -c 5000 /dev/urandom >"$nasty/fw.img"
cat >policy.yaml <<-'END'
	version: 1
	ports: [lan0]
	uplinks: [wan0]
	segments: {iot: {encryption: TLS1.3}, net: {networks: [10.9.0.0/16], interfaces: [wan0]}}
	rules: [{from: iot, to: net, allow: [tcp/443, gre], related: true}]
	devices: [{name: cam, mac: "02:00:00:00:01:01", network_segment: iot, addresses: [10.0.0.1], port: lan0}]
END

ask=(explain --policy policy.yaml --from cam --to 10.9.0.1)
json "explain: a rule" 'o["verdict"] == "allow" and o["rule"]["related"] and o["rule"]["allow"] == ["tcp/443", "gre"] and
	o["from"]["device"] == "cam" and o["encryption"] == "TLS1.3"' "${ask[@]}" --proto tcp --dport 443
status=3 json "explain: no rule" 'o["verdict"] == "deny" and o["rule"] is None and o["kind"]' "${ask[@]}" --proto esp
json "explain: by a protocol's name" 'o["verdict"] == "allow"' "${ask[@]}" --proto gre
json "explain: and its number" 'o["verdict"] == "allow"' "${ask[@]}" --proto 47
json "explain: a rule that admits related connections" 'o["related"]' "${ask[@]}" --proto tcp --dport 443
status=3 json "explain: a group" '[a["segment"] for a in o["answers"]][0] == "gateway" and o["verdict"] == "deny" and "from" in o' \
	explain --policy policy.yaml --from cam --to 224.0.0.251 --proto udp --dport 5353
cat >tests.yaml <<-END
	policy: policy.yaml
	tests:
	  - {from: cam, to: 10.9.0.1, proto: esp, expect: deny}
	  - {from: cam, to: 10.9.0.1, proto: "47", expect: deny}
END
status=1 json "test" '(o["policy"], o["passed"], o["failed"]) == ("policy.yaml", 1, 1) and
	[(t["line"], t["holds"], bool(t["why"])) for t in o["tests"]] == [(3, True, False), (4, False, True)]' test tests.yaml
json "ca init" 'o["root"]["subject"] and "BEGIN" in o["issuing"]["pem"]' ca init "${ca[@]}" --name 'Ünser "Werk"'
json "ca export" 'o["root"]["fingerprint"] and "Ünser" in o["root"]["subject"]' ca export "${ca[@]}"
json "ca issue" 'o["name"] == "cam" and o["certificate"].startswith("'"$clean"'/")' \
	ca issue cam --mac 02:00:00:00:01:01 --out "$nasty" "${ca[@]}"
json "ca list" '[c["name"] for c in o] == ["cam"] and o[0]["mac"] == "02:00:00:00:01:01"' ca list "${ca[@]}" cam
json "ca list: nothing" 'o == []' ca list "${ca[@]}" nobody
json "firmware sign" 'o["file"] == "'"$clean"'/fw.img" and o["signature"].endswith(".p7s") and o["signer"]' \
	firmware sign "$nasty/fw.img" --ca "$dir/ca" --registry "$dir/registry.db"
"$ctl" ca export "${ca[@]}" >root.crt 2>/dev/null
json "firmware add" 'o["model"] == "acme-t1" and o["notes"] == "ä \"b\""' firmware add "$nasty/fw.img" --model acme-t1 \
	--version 1.0 --signer root.crt --file fw.img --notes 'ä "b"' "${where[@]}"
json "firmware list" 'len(o) == 1 and o[0]["sha256"]' firmware list "${where[@]}"
json "firmware rollout" 'o["percent"] == 50' firmware rollout acme-t1 1.0 --percent 50 "${where[@]}"
json "firmware floor: none" 'o == []' firmware floor "${where[@]}"
json "firmware floor: set" '[f["model"] for f in o] == ["acme-t1"]' firmware floor acme-t1 1.0 "${where[@]}"
json "firmware floor" 'len(o) == 1 and o[0]["version"] == "1.0"' firmware floor "${where[@]}"
json "device token" 'o["device"] == "cam" and o["token"]' device token cam --mac 02:00:00:00:01:01 --registry registry.db
python3 - registry.db <<-'END'
	import sqlite3, sys
	db = sqlite3.connect(sys.argv[1])
	with db:
	    db.execute("UPDATE device SET model = 'acme-t1', firmware = '0.9'")
	    db.execute("INSERT INTO firmware_history VALUES (1, 1, 1800000000, '0.8', 'check-in')")
	    db.execute("INSERT INTO firmware_action (device, release, version, state, offered, changed, detail, round) "
	               "VALUES (1, 1, '1.0', 1, 1800000200, 1800000300, CAST(x'66ff22' AS TEXT), 1)")
END
json "firmware status" 'len(o) == 1 and o[0]["device"] == "cam"' firmware status "${where[@]}"
json "firmware status of a device" 'o["device"] == "cam" and len(o["history"]) == 1 and o["offer"]["detail"] == "f\ufffd\""' \
	firmware status cam "${where[@]}"
json "firmware cancel" 'o["state"] == "canceling"' firmware cancel cam "${where[@]}"
json "ca revoke" '[c["state"] for c in o] == ["revoked"] and o[0]["reason"] == "keyCompromise"' \
	ca revoke cam --reason keyCompromise "${ca[@]}"
echo "1..$n"
exit $failed
