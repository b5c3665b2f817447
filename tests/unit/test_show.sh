#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# show: one thing by its name, or those of a segment; top. The kernel is one of straw, whose policy is a file.
set -u
cd "$(dirname "$0")/../.." || exit 2
ctl=$PWD/build/serve/cordonctl
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
. tests/unit/lib.sh
shown=("$dir/out" "$dir/err")

make -s userspace serve-programs >"$dir/out" 2>&1
ok "cordonctl is made" $?
truncate -s 64K "$dir/kernel"
cat >"$dir/policy.yaml" <<-'END'
	version: 1
	ports: [lan0]
	uplinks: [wan0]
	segments: {iot: {}, cams: {}, net: {networks: [10.9.0.0/16, "2001:db8::/32"]}, plant: {networks: [10.8.0.0/16]}}
	rules:
	  - {from: iot, to: net, allow: [tcp/443]}
	  - {from: cams, to: net, allow: [tcp/8883]}
	  - {from: net, to: cams, allow: [tcp/554]}
	devices:
	  - {name: cam, mac: "02:00:00:00:01:01", network_segment: cams, addresses: [10.0.0.1]}
	  - {name: bell, mac: "02:00:00:00:01:02", network_segment: iot, addresses: [10.0.0.2, 10.0.0.3]}
END
export CORDON_FAKE_KERNEL=$dir/kernel CORDON_FAKE_POLICY=$dir/policy.yaml

# json NAME EXPRESSION ARGUMENT...: a JSON document that fits, called o
json() {
	local name=$1 fits=$2

	shift 2
	"$ctl" show "$@" --json >"$dir/out" 2>"$dir/err"
	[ $? = 0 ] && /usr/bin/python3 -c 'import json, sys; o = json.load(open(sys.argv[1])); assert eval(sys.argv[2]), o' \
		"$dir/out" "$fits" 2>>"$dir/err"
	ok "$name" $?
}

# refuses NAME STATUS WORDS ARGUMENT...: and prints nothing
refuses() {
	local name=$1 status=$2 words=$3

	shift 3
	"$ctl" show "$@" >"$dir/out" 2>"$dir/err"
	[ $? = "$status" ] && [ ! -s "$dir/out" ] && grep -qF -- "$words" "$dir/err"
	ok "$name" $?
}

json "devices: all" '[d["name"] for d in o] == ["cam", "bell"]' devices
json "devices: one by its name" '[d["name"] for d in o] == ["bell"]' devices bell
json "devices: one by its MAC" '[d["name"] for d in o] == ["cam"]' devices 02:00:00:00:01:01
json "devices: those of a segment" '[d["name"] for d in o] == ["bell"]' devices --segment iot
json "devices: of a segment that has none" 'o == []' devices --segment net
json "segments: one" '[s["name"] for s in o] == ["cams"]' segments cams
json "rules: from" '[r["index"] for r in o] == [1]' rules --from cams
json "rules: to" '[r["index"] for r in o] == [0, 1]' rules --to net
json "rules: from and to" 'o == []' rules --from iot --to cams
json "networks: of a segment" '[n["network"] for n in o] == ["10.8.0.0/16"]' networks plant
json "networks: likewise, by --segment" 'len(o) == 2' networks --segment net
json "bindings: of a device" '[b["address"] for b in o] == ["10.0.0.2", "10.0.0.3"]' bindings bell
json "bindings: of an address" '[b["device"] for b in o] == ["bell"]' bindings 10.0.0.3
json "bindings: all" 'len(o) == 3' bindings
refuses "devices: nobody" 1 "cordonctl: nobody: no such device" devices nobody
refuses "bindings: nobody" 1 "cordonctl: 10.0.0.9: no such device or address" bindings 10.0.0.9
refuses "segments: none, but one alike" 1 "cordonctl: cam: no such segment: did you mean 'cams'?" segments cam
refuses "devices: of no segment" 1 "cordonctl: plants: no such segment: did you mean 'plant'?" devices --segment plants
refuses "rules: from none" 1 "cordonctl: xyzzy: no such segment" rules --from xyzzy
refuses "rules: to none" 1 "cordonctl: xyzzy: no such segment" rules --to xyzzy
refuses "interfaces: none" 1 "cordonctl: eth9: no such interface" interfaces eth9
refuses "policy: no name" 2 "too many words: 'iot'" policy iot
refuses "rules: no name" 2 "too many words: 'iot'" rules iot
refuses "devices: two names" 2 "too many words: 'bell'" devices cam bell
refuses "--segment, with rules" 2 "--segment is for devices and networks, not for: 'rules'" rules --segment iot
refuses "--from, with devices" 2 "--from and --to are for rules, not for: 'devices'" devices --from iot
refuses "nothing of that name" 2 "nothing of that name: 'device'" device
"$ctl" show segments iot >"$dir/out" 2>&1 && grep -q ' 1\.2M ' "$dir/out" && ! grep -q 1234567 "$dir/out"
ok "large numbers are rounded" $?
"$ctl" show segments iot --bytes >"$dir/out" 2>&1 && grep -q ' 1234567 ' "$dir/out"
ok "but for --bytes" $?
"$ctl" top --count 1 --interval 0.1 >"$dir/out" 2>&1 && grep -q "ANOM/s TRAFFIC" "$dir/out"
ok "top: a graph" $?
"$ctl" top --count 1 --interval 0.1 --bytes >"$dir/out" 2>&1 && grep -q "ANOM/s\$" "$dir/out"
ok "top --bytes: none" $?
echo "1..$n"
exit $failed
