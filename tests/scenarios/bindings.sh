#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# cordonctl and learned addresses: the policy there and back, bindings by hand and by a file of leases, what is said of
# them, and that they come back with the state. That they are learned from packets is in learned.sh.
# seconds: 240
SERVICES='22 443'
. "$(dirname "$0")/lib.sh"
setup
state=$work/state
EXTRA=10.0.20.77 EXTRA6=fd00:20::77

policy() {
	cat <<-END
		version: 1
		ports: [lan0, lan1]
		uplinks: [wan0, plant0]
		dhcp_servers: [$LOCK, "$LOCK6"]
		segments:
		  iot: {}
		  wan: {networks: [0.0.0.0/0, "::/0"]}
		rules:
		  - {from: iot, to: wan, allow: [tcp/443]}
		devices:
		  - {name: cam, mac: "$CAM_MAC", network_segment: iot, addresses: [$CAM], auto: true, port: lan0}
		  - {name: lock, mac: "$LOCK_MAC", network_segment: iot, addresses: [$LOCK, "$LOCK6"]}
		  - {name: phone, mac: "02:00:00:00:01:05", network_segment: iot, addresses: auto}
		  - {name: box, mac: "02:00:00:00:01:06", network_segment: iot, addresses: {auto: {static: true}}}
	END
}
ctl() {
	on gw cordonctl "$@"
}
# json NAME EXPRESSION COMMAND...: its standard output is one JSON document that fits, called o
json() {
	local name=$1 fits=$2
	shift 2
	"$@" >"$work/json" 2>"$work/said" || sed 's/^/# /' "$work/said"
	python3 -c 'import json, sys; o = json.load(open(sys.argv[1], "rb")); assert eval("(" + sys.argv[2] + ")"), o' \
		"$work/json" "$fits" 2>"$work/said" || { tail -n 1 "$work/said" | cut -c1-500; false; } | sed 's/^/# /'
	report "${PIPESTATUS[0]}" "$name"
}
says() {	# NAME WORDS: what was called last did
	grep -qF -- "$2" "$work/said"
	report $? "$1"
}
# from NS ADDRESS PORT: a connection to inet from this address comes up
from() {
	on "$1" python3 -c '
import socket, sys
v6 = ":" in sys.argv[1]
s = socket.socket(socket.AF_INET6 if v6 else socket.AF_INET)
s.settimeout(1)
s.bind((sys.argv[1], 0))
s.connect((sys.argv[3] if v6 else sys.argv[2], int(sys.argv[4])))' "$2" $INET $INET6 "$3" 2>/dev/null
}
held() {
	! from "$@"
}
bound() {	# ADDRESS DEVICE
	ctl show bindings | shows "^$1 .* $2 "
}
unbound() {
	! ctl show bindings | shows "^$1 "
}

# The policy, there and back.
policy | apply >/dev/null
expect "a policy with addresses: auto and dhcp_servers is applied" ctl diff "$work/policy.yaml"
ctl show policy >"$work/back.yaml"
expect "what the kernel holds is the same" ctl diff "$work/back.yaml"
expect "and can be applied" ctl apply "$work/back.yaml"
ctl show policy | diff - "$work/back.yaml" >"$work/said"
report $? "and is printed the same again"
json "show policy" "o['dhcp_servers'] == ['$LOCK', '$LOCK6'] and
	[d.get('learn') for d in o['devices']] == ['auto', None, 'auto', 'auto-static'] and
	[d.get('learned') for d in o['devices']] == [[], None, [], []]" ctl show policy --json
json "show bindings: those of the policy" "sorted((b['address'], b['device'], b['origin']) for b in o) ==
	sorted([('$CAM', 'cam', 'policy'), ('$LOCK', 'lock', 'policy'), ('$LOCK6', 'lock', 'policy')]) and
	all('lease_seconds' not in b for b in o)" ctl show bindings --json

# By hand.
ip -n cam addr add $EXTRA/24 dev eth0
ip -n cam addr add $EXTRA6/64 dev eth0 nodad
expect "an address that is listed passes" from cam $CAM 443
expect "one that is not bound does not" held cam $EXTRA 443
spawn gw cordonctl monitor --json >"$work/events" 2>"$work/monitor"
monitor=$!
poll 20 grep -q listening "$work/monitor"
json "device bind" "o['address'] == '$EXTRA' and o['device'] == 'cam' and o['origin'] == 'dhcp' and
	3590 < o['lease_seconds'] <= 3600 and o['mac'] == '$CAM_MAC'" ctl device bind cam $EXTRA 1h --json
expect "and it passes" from cam $EXTRA 443
expect "where a rule says so" held cam $EXTRA 22
expect "by MAC, without an end, over IPv6" ctl device bind $CAM_MAC $EXTRA6
says "in words" "address $EXTRA6: bound to cam ($CAM_MAC) by DHCP"
json "show devices" "[(d['addresses'], d['learned']) for d in o if d['name'] == 'cam'] ==
	[(['$CAM'], ['$EXTRA', '$EXTRA6'])]" ctl show devices --json
ctl show devices >"$work/said"
says "in words" " $CAM auto:$EXTRA,$EXTRA6"
ctl show bindings >"$work/said"
says "show bindings, in words" "$EXTRA6 "
expect "the policy is the same" ctl diff "$work/policy.yaml"
json "explain: from what was learned" 'o["verdict"] == "allow" and "not_learned" not in o and o["from"]["device"] == "cam"' \
	ctl explain --from $EXTRA --in lan0 --to $INET --proto tcp --dport 443 --json
ctl explain --from cam --source 10.0.20.78 --to $INET --proto tcp --dport 443 >"$work/said"
equal "explain: from what was not" 3 $?
says "it is said" "note: device cam learns its addresses: 10.0.20.78 is not learned yet"
refuse "explain: a device that has learned nothing" ctl explain --from phone --to $INET --proto tcp --dport 443
says "it is said, too" "phone: it learns its addresses, and has learned none yet"
expect "another policy keeps what was learned" ctl apply --force "$work/back.yaml"
expect "unbind" ctl device unbind $EXTRA
expect "and it does not pass any more" held cam $EXTRA 443
expect "what is listed does" from cam $CAM 443
poll 20 grep -q '"lease_seconds": 0' "$work/events"
kill $monitor 2>/dev/null
wait $monitor 2>/dev/null
python3 -c '
import json, sys
o = [e for e in map(json.loads, open(sys.argv[1], "rb")) if e["event"] == "binding"]
assert [(e["address"], e["device"], e["origin"]) for e in o] == [(a, "cam", "dhcp") for a in sys.argv[2:]], o
assert o[0]["lease_seconds"] > 3590 and "lease_seconds" not in o[1] and o[2]["lease_seconds"] == 0, o' \
	"$work/events" $EXTRA $EXTRA6 $EXTRA 2>"$work/said" || sed 's/^/# /' "$work/said"
report "${PIPESTATUS[0]}" "monitor: bound, bound without an end, ended"

refuse "a device that learns nothing" ctl device bind lock 10.0.30.77
says "it is said" "lock"
refuse "an address that the policy gives to another" ctl device bind cam $LOCK
refuse "no device" ctl device bind nobody 10.0.20.78
refuse "no address of a device" ctl device bind cam 224.0.0.1
refuse "unbind: an address of the policy" ctl device unbind $CAM
refuse "unbind: an address of nobody" ctl device unbind 10.0.20.78

# By files of leases.
now=$(date +%s)
cat >"$work/dnsmasq.leases" <<-END
	$((now + 3600)) $CAM_MAC $EXTRA cam *
	$((now + 7200)) 02:00:00:00:01:05 10.0.20.55 phone *
	$((now + 60)) 02:00:00:00:01:05 10.0.20.54 phone *
	$((now - 5)) 02:00:00:00:01:06 10.0.20.56 box *
	$((now + 3600)) $LOCK_MAC 10.0.30.88 lock *
	$((now + 3600)) 02:00:00:00:09:09 10.0.20.99 stranger *
	$((now + 3600)) 02:00:00:00:01:06 $LOCK box *
	duid 00:01:00:01:2c:1f:2a:3b:02:00:00:00:01:ff
	0 16777473 fd00:20::55 phone 00:03:00:01:02:00:00:00:01:05
END
json "device bind --leases: dnsmasq" 'o == {"bound": 4, "others": 2, "given": 1, "refused": 0}' \
	ctl device bind --leases "$work/dnsmasq.leases" --json
json "what is bound by it" "sorted((b['address'], b['device'], round(b.get('lease_seconds', 0) / 100)) for b in o if b['origin'] == 'dhcp') ==
	sorted([('$EXTRA', 'cam', 36), ('$EXTRA6', 'cam', 0), ('10.0.20.55', 'phone', 72), ('fd00:20::55', 'phone', 0)])" \
	ctl show bindings --json
expect "it passes" from cam $EXTRA 443
{
	echo address,duid,valid_lifetime,expire,subnet_id,pref_lifetime,lease_type,iaid,prefix_len,fqdn_fwd,fqdn_rev,hostname,hwaddr,state,user_context,hwtype,hwaddr_source,pool_id
	echo "fd00:20::66,00:03:00:01:02:00:00:00:01:06,3600,$((now + 3600)),1,1800,0,7,128,0,0,box,,0,,,,0"
	echo "fd00:21::,00:03:00:01:02:00:00:00:01:06,3600,$((now + 3600)),1,1800,2,7,64,0,0,box,,0,,,,0"
} >"$work/kea.csv"
expect "Kea, IPv6" ctl device bind --leases "$work/kea.csv"
says "one, and no prefix" "kea.csv: 1 bound; left out: 0 of no device that learns, 0 that the policy gives, 0 refused"
expect "which is there" bound fd00:20::66 box

# Through a restart.
expect "state save" ctl state save --state "$state"
says "with five" ", 5 learned addresses"
expect "state show" ctl state show "$state/state"
says "one of them" "$CAM_MAC cam: $EXTRA by dhcp until "
expect "all of them are unbound" sh -c "for a in $EXTRA $EXTRA6 10.0.20.55; do ip netns exec gw cordonctl device unbind \$a || exit; done"
expect "phone's goes to box" ctl device bind box 10.0.20.55
expect "state restore" ctl state restore --state "$state"
expect "gives them back" bound $EXTRA cam
expect "those, too, that have no end" bound $EXTRA6 cam
expect "but what is known by now holds" bound 10.0.20.55 box
expect "and it passes" from cam $EXTRA 443
ctl device unbind 10.0.20.55 >/dev/null 2>&1
ctl state restore --state "$state" >/dev/null 2>&1
ctl state save --state "$state" >/dev/null
expect "the module is unloaded" rmmod cordon
expect "boot" ctl boot "$work/policy.yaml" --state "$state"
expect "brings them back, with the policy" bound $EXTRA cam
expect "all of them" bound fd00:20::66 box
json "with what is left" "[3000 < b['lease_seconds'] <= 3600 for b in o if b['address'] == '$EXTRA'] == [True]" ctl show bindings --json
expect "and it passes" from cam $EXTRA 443
spawn gw cordonctl state watch --state "$state" 2>"$work/watch"
watch=$!
ctl device bind phone 10.0.20.57 1h >/dev/null
poll 20 grep -q 10.0.20.57 "$state/state"
report $? "state watch saves one that is new"
kill $watch
wait $watch 2>/dev/null

# More than the policy in force has room for: it is sealed anew, and is the same policy, which waits for its confirmation.
{
	policy
	for i in {1..16}; do
		printf '  - {name: many%d, mac: "02:00:00:00:02:%02x", network_segment: iot, addresses: auto}\n' "$i" "$i"
	done
} >"$work/many.yaml"
{
	echo duid 00:01:00:01:2c:1f:2a:3b:02:00:00:00:01:ff
	for i in {1..16}; do
		for j in {1..16}; do
			printf '%d 16777473 fd00:%x::%x many%d 00:03:00:01:02:00:00:00:02:%02x\n' $((now + 7200)) $((256 + i)) "$j" "$i" "$i"
		done
	done
} >"$work/many.leases"
expect "a policy that awaits its confirmation" ctl apply --confirm 10m "$work/many.yaml"
ctl status --json >"$work/before"
json "learns 256 addresses" 'o == {"bound": 256, "others": 0, "given": 0, "refused": 0}' \
	ctl device bind --leases "$work/many.leases" --json
expect "the first of them" bound fd00:101::1 many1
expect "and the last" bound fd00:110::10 many16
json "it has the same number, and waits" \
	"o['generation'] == json.load(open('$work/before'))['generation'] and o['confirm_seconds'] > 0" ctl status --json
expect "and is confirmed" ctl confirm
expect "the policy is the same" ctl diff "$work/many.yaml"
expect "what was learned is there" bound fd00:110::10 many16
policy | apply >/dev/null

# One device at a time.
expect "device set --learn none" ctl device set cam --learn none
expect "ends what was learned" unbound $EXTRA
expect "and it does not pass" held cam $EXTRA 443
expect "what is listed does" from cam $CAM 443
json "device set --learn auto-static" 'o["learn"] == "auto-static" and len(o["addresses"]) == 1' \
	ctl device set cam --learn auto-static --json
json "device add --learn" 'o["learn"] == "auto" and o["addresses"] == []' \
	ctl device add new --mac 02:00:00:00:01:07 --segment iot --learn auto --json
expect "an address for it" ctl device bind new 10.0.20.58
refuse "a policy with a server that is no device is refused" sh -c "sed 's/^dhcp_servers.*/dhcp_servers: [10.0.20.9]/' $work/policy.yaml >$work/bad.yaml; exec ip netns exec gw cordonctl apply $work/bad.yaml"
says "with its place" "bad.yaml:4:16: DHCP server '10.0.20.9' is no address of a device"
finish
