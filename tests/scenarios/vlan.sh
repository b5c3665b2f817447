#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Devices in VLANs of a bridge that filters them: each is behind its port, in its VLAN, tagged or untagged, and nowhere
# else. What is switched within a VLAN and routed between them is judged as in any bridge, IPv4, IPv6, ARP and ND.
# kernels: all
# seconds: 360
#
#   cam  10.0.20.11 ── lan0: 20 untagged ────────────────┐
#   plug 10.0.20.13 ── lan2: 20 untagged, 30 tagged ─────┤
#   lock 10.0.20.12 ┐                                    ├ br0 ┬ br0.20 10.0.20.1 fd00:20::1
#                   ├ lan1: 20, 30 tagged, 1 untagged ───┘     └ br0.30 10.0.40.1 fd00:40::1      (the rest: lib.sh)
#   desk 10.0.40.14 ┘
SERVICES='22 53 443'
. "$(dirname "$0")/lib.sh"
PLUG=10.0.20.13 PLUG6=fd00:20::13 PLUG_MAC=02:00:00:00:01:03
NEAR=10.0.20.12 NEAR6=fd00:20::12	# lock, moved into cam's network
DESK=10.0.40.14 DESK6=fd00:40::14 DESK_MAC=02:00:00:00:01:04
extra='plug desk'
setup

# tagged NS DEV VLAN MAC V4 V6 GW4 GW6: an interface of lock's trunk, in another namespace or in its own
tagged() {
	[ "$1" = lock ] || ip netns add "$1"
	enter -w "$1" net.ipv6.conf.all.accept_dad=0 net.ipv6.conf.default.accept_dad=0
	ip -n lock link add link eth0 name "$2" address "$4" type vlan id "$3"
	[ "$1" = lock ] || ip -n lock link set "$2" netns "$1"
	ip -n "$1" -batch - <<-END
		link set lo up
		addr add $5/24 dev $2
		addr add $6/64 dev $2 nodad
		link set $2 up
		route replace default via $7
		route replace ::/0 via $8
	END
}

host plug lan2 $PLUG $PLUG6 $GW_CAM $GW_CAM6 $PLUG_MAC
serve plug
bridge_lan lan0 lan1 lan2
ip -n gw addr flush dev br0 scope global
ip -n lock addr flush dev eth0
tagged lock eth0.20 20 $LOCK_MAC $NEAR $NEAR6 $GW_CAM $GW_CAM6
tagged desk eth0.30 30 $DESK_MAC $DESK $DESK6 10.0.40.1 fd00:40::1
serve desk
ip -n gw link set br0 type bridge vlan_filtering 1
on gw bridge -batch - <<-END
	vlan del dev lan0 vid 1
	vlan del dev lan2 vid 1
	vlan add dev lan0 vid 20 pvid untagged
	vlan add dev lan2 vid 20 pvid untagged
	vlan add dev lan2 vid 30
	vlan add dev lan1 vid 20
	vlan add dev lan1 vid 30
	vlan add dev br0 vid 20 self
	vlan add dev br0 vid 30 self
END
enter -w gw net.ipv6.conf.default.accept_dad=0
# vlan_interface VLAN V4 V6: the gateway's own
vlan_interface() {
	ip -n gw link add link br0 name "br0.$1" type vlan id "$1"
	ip -n gw addr add "$2/24" dev "br0.$1"
	ip -n gw addr add "$3/64" dev "br0.$1" nodad
	ip -n gw link set "br0.$1" up
}
vlan_interface 20 $GW_CAM $GW_CAM6
vlan_interface 30 10.0.40.1 fd00:40::1

policy() {	# [SED]
	sed "${1-}" <<-END
		version: 1
		mode: enforce
		ports: [lan0, lan1, lan2]
		uplinks: [wan0, plant0]
		segments:
		  iot_zone: {isolate: true}
		  office: {isolate: false}
		  lab: {isolate: true}
		  wan: {networks: [0.0.0.0/0, "::/0"]}
		rules:
		  - {from: office, to: iot_zone, allow: [tcp/443, udp/443, icmp/echo-request, icmp6/echo-request]}
		  - {from: office, to: lab, allow: [tcp/443]}
		  - {from: lab, to: iot_zone, allow: [tcp/443, udp/443]}
		  - {from: iot_zone, to: wan, allow: [tcp/443]}
		  - {from: office, to: wan, allow: [tcp/443, udp/443]}
		  - {from: lab, to: wan, allow: [tcp/443]}
		  - {from: iot_zone, to: gateway, allow: [tcp/22]}
		  - {from: lab, to: gateway, allow: [tcp/22]}
		devices:
		  - {name: cam, mac: "$CAM_MAC", network_segment: iot_zone, addresses: [$CAM, "$CAM6"], port: lan0, vlan: 20}
		  - {name: plug, mac: "$PLUG_MAC", network_segment: iot_zone, addresses: [$PLUG, "$PLUG6"], port: lan2}
		  - {name: lock, mac: "$LOCK_MAC", network_segment: office, addresses: [$NEAR, "$NEAR6"], port: lan1, vlan: 20}
		  - {name: desk, mac: "$DESK_MAC", network_segment: lab, addresses: [$DESK, "$DESK6"], port: lan1, vlan: 30}
		  - {name: pad, mac: "02:00:00:00:01:05", network_segment: lab, addresses: auto, port: lan1, vlan: 30}
	END
}
in_force() {	# NAME [SED]
	policy "${2-}" >"$work/policy"
	expect "$1: the policy is put in force" on gw cordonctl apply "$work/policy"
}
refused() {	# NAME SENTENCE SED
	policy "$3" >"$work/policy"
	refuse "$1: is refused" on gw cordonctl apply "$work/policy"
	grep -qF "$2" "$work/said" || sed 's/^/# /' "$work/said"
	grep -qF "$2" "$work/said"
	report $? "$1: the sentence"
}

expect "without a policy: everything passes in a VLAN" poll 20 reaches lock tcp $CAM 22
expect "without a policy: and between them" poll 20 reaches desk tcp $CAM 22
refused "a VLAN of the bridge as an uplink" "br0.20 is a VLAN of a bridge of ports: take it out of uplinks" 's/plant0]/plant0, br0.20]/'
refused "a VLAN of the bridge as a port" "br0.20 is a VLAN of a bridge of ports: take it out of ports" 's/lan2]/lan2, br0.20]/'
refused "a VLAN without a port" "vlan is one of a port's" 's/port: lan0, //'
in_force "devices in VLANs"
on gw cordonctl show interfaces >"$work/interfaces" 2>&1
expect "a VLAN of the bridge is one of ports, too" grep -qE "^br0\.20 +bridge " "$work/interfaces"
on gw cordonctl show policy >"$work/shown"
expect "the policy is shown with its VLANs" grep -q 'port: "lan1", vlan: 30}' "$work/shown"
expect "and is the same when it is read again" on gw cordonctl diff "$work/shown"
on gw cordonctl show bindings >"$work/bindings"
expect "bindings are shown with their devices' VLANs" grep -qE "^$DESK +$DESK_MAC +desk +lan1 +30 +policy " "$work/bindings"
expect "and without, where the policy gives none" grep -qE "^$PLUG +$PLUG_MAC +plug +lan2 +- +policy " "$work/bindings"
equal "likewise as JSON" "20 20 30 None" "$(on gw cordonctl show bindings --json | python3 -c '
import json, sys
vlans = {b["address"]: b.get("vlan") for b in json.load(sys.stdin)}
print(*(vlans[address] for address in sys.argv[1:]))' $CAM $NEAR $DESK $PLUG)"

# What the policy says of devices in one VLAN, and of them and the rest of the world; "in" is IPv4 or IPv6.
judged() {	# IN CAM PLUG DESK GW INET
	expect "$1: in one VLAN, tagged to untagged, a rule admits it" poll 20 reaches lock tcp "$2" 443
	expect "$1: likewise, to a device of its port's PVID" poll 20 reaches lock tcp "$3" 443
	expect "$1: no rule admits it" blocked lock tcp "$2" 22
	expect "$1: isolated from each other" blocked cam tcp "$3" 443
	expect "$1: routed to another VLAN" poll 20 reaches lock tcp "$4" 443
	expect "$1: and back" poll 20 reaches desk tcp "$2" 443
	expect "$1: routed to another VLAN, no rule admits it" blocked lock tcp "$4" 22
	expect "$1: nor the other way round" blocked cam tcp "$4" 443
	expect "$1: to the internet, untagged" poll 20 reaches cam tcp "$6" 443
	expect "$1: to the internet, tagged" poll 20 reaches desk tcp "$6" 443
	expect "$1: to the internet, no rule admits it" blocked desk tcp "$6" 22
	expect "$1: to the gateway" poll 20 reaches desk tcp "$5" 22
	expect "$1: to the gateway, no rule admits it" blocked lock tcp "$5" 22
	expect "$1: from the gateway, untagged" poll 20 reaches gw tcp "$2" 22
	expect "$1: from the gateway, tagged" poll 20 reaches gw tcp "$4" 22
}
judged IPv4 $CAM $PLUG $DESK $GW_CAM $INET
judged IPv6 $CAM6 $PLUG6 $DESK6 $GW_CAM6 $INET6

# What setup makes of leases, and of what the bridge has seen: nobody is locked out when that is enforced.
leases="$CAM_MAC $CAM cam *
$PLUG_MAC $PLUG plug *
$LOCK_MAC $NEAR lock *
$DESK_MAC $DESK desk *
02:00:00:00:01:05 10.0.40.15 pad *"
sed 's/^/0 /' <<<"$leases" >"$work/leases"
for to in "cam $GW_CAM" "plug $GW_CAM" "lock $GW_CAM" "desk 10.0.40.1"; do
	read -r ns gateway <<<"$to"
	poll 20 reaches "$ns" tcp "$gateway" 53
done
expect "setup" on gw cordonctl setup --yes --admin none --ports lan0,lan1,lan2 --uplinks wan0,plant0 --leases "$work/leases" \
	--out "$work/made"
expect "setup: untagged, at their PVID" \
	test "$(grep -cE 'name: "(cam|plug)", .*auto: true}' "$work/made")" = 2
expect "setup: tagged, at a port" grep -qE 'name: "lock", .*auto: true, port: "lan1", vlan: 20}' "$work/made"
expect "setup: likewise, in another VLAN" grep -qE 'name: "desk", .*auto: true, port: "lan1", vlan: 30}' "$work/made"
refuse "setup: one that was not seen is not listed" grep -q '"pad"' "$work/made"
expect "setup: which is said" grep -q '^# 02:00:00:00:01:05: on br0.30, in a VLAN, and behind which port is not known' "$work/made"
sed -i 's/^mode: .*/mode: enforce/' "$work/made"
expect "setup: its policy is put in force" on gw cordonctl apply "$work/made"
for to in "cam $GW_CAM" "plug $GW_CAM" "lock $GW_CAM" "desk 10.0.40.1"; do
	read -r ns gateway <<<"$to"
	expect "setup: $ns is not locked out" poll 20 reaches "$ns" tcp "$gateway" 53
	expect "setup: $ns, no rule admits it" blocked "$ns" tcp "$gateway" 22
done
in_force "the policy of before"
expect "devices are judged as before" poll 20 reaches lock tcp $CAM 443
cases vlan.py

modprobe br_netfilter
on gw sysctl -qw net.bridge.bridge-nf-call-iptables=1 net.bridge.bridge-nf-call-ip6tables=1 net.bridge.bridge-nf-call-arptables=1
for to in "IPv4 $CAM $PLUG $INET" "IPv6 $CAM6 $PLUG6 $INET6"; do
	read -r six cam plug inet <<<"$to"
	expect "with br_netfilter, $six: in one VLAN, a rule admits it" poll 20 reaches lock tcp "$cam" 443
	expect "with br_netfilter, $six: isolated from each other" blocked cam tcp "$plug" 443
	expect "with br_netfilter, $six: routed to another VLAN" poll 20 reaches desk tcp "$cam" 443
	expect "with br_netfilter, $six: to the internet" poll 20 reaches cam tcp "$inet" 443
done
# By the name of the VLAN's interface, what is switched seems to go from that to the bridge.
for named in 0 1; do
	on gw sysctl -qw net.bridge.bridge-nf-pass-vlan-input-dev=$named net.bridge.bridge-nf-filter-vlan-tagged=$named
	for to in $CAM $CAM6; do
		counted_ten "with br_netfilter, named by VLAN $named: ten datagrams to $to are counted as ten, and their answers" \
			"10 10 10 10" lock "$to" "devices/$LOCK_MAC/rx_packets" "devices/$CAM_MAC/tx_packets" \
			"devices/$CAM_MAC/rx_packets" "devices/$LOCK_MAC/tx_packets"
	done
	counted_ten "with br_netfilter, named by VLAN $named: so are ten to the internet" "10 10" lock $INET \
		"devices/$LOCK_MAC/rx_packets" "devices/$LOCK_MAC/tx_packets"
done
on gw sysctl -qw net.bridge.bridge-nf-pass-vlan-input-dev=0 net.bridge.bridge-nf-filter-vlan-tagged=0
on gw sysctl -qw net.bridge.bridge-nf-call-iptables=0 net.bridge.bridge-nf-call-ip6tables=0 net.bridge.bridge-nf-call-arptables=0

# A device in another VLAN than where it is
equal "device set: into another VLAN" 30 \
	"$(on gw cordonctl device set cam --vlan 30 --json | python3 -c 'import json, sys; print(json.load(sys.stdin)["vlan"])')"
grows "it is not where it should be: counts as moved" "devices/$CAM_MAC/anomalies/moved_port" blocked cam tcp $INET 443
expect "nothing gets to it" blocked lock tcp $CAM 443
expect "not from the gateway, either" blocked gw tcp $CAM 22
on gw cordonctl diff "$work/shown" >"$work/diff" 2>&1
expect "and diff says so" grep -q "device cam: vlan: 30 -> 20" "$work/diff"
expect "device set: back" on gw cordonctl device set cam --vlan 20
expect "it is there again" poll 20 reaches cam tcp $INET 443

# One that is tied to no port is in the PVID of where it is. Somebody hears of what it does elsewhere.
in_force "one is tied to no port" 's/, port: lan2}/}/'
spawn gw cordonctl monitor --json >"$work/events" 2>"$work/monitor"
monitor=$!
poll 20 grep -q listening "$work/monitor"
ip -n plug -batch - <<-END
	link add link eth0 name eth0.30 type vlan id 30
	addr add 10.0.40.77/24 dev eth0.30
	link set eth0.30 up
END
grows "tied to no port: another VLAN counts as moved" "devices/$PLUG_MAC/anomalies/moved_port" \
	on plug sh -c 'ping -c 1 -W 1 10.0.40.1 || :'
expect "and is told" poll 20 grep -q '"kind": *"moved_port"' "$work/events"
equal "of no port that it should be on" "" "$(grep '"moved_port"' "$work/events" | grep -o '"port": *"[^"]*"')"
expect "it passes where it is" poll 20 reaches plug tcp $INET 443
kill $monitor
wait $monitor 2>/dev/null
ip -n plug link del eth0.30

# A lease that a check-in over a VLAN's interface gave
in_force "certificates are demanded" 's/{isolate: false}/{isolate: false, authentication: certificate}/'
expect "without a lease: not the internet" blocked lock tcp $INET 443
reaches lock tcp $GW_CAM 53
equal "a check-in by the VLAN's interface" "lock active office aa" \
	"$(on gw checkin in $LOCK_MAC $NEAR "$(on gw cat /sys/class/net/br0.20/ifindex)" aa | sed 's/ [0-9]*$//')"
expect "with a lease: the internet" reaches lock tcp $INET 443
expect "with a lease: others in the VLAN" reaches lock tcp $CAM 443

# observe: the same is counted, and all passes.
in_force "observe" 's/^mode: .*/mode: observe/; s/port: lan0, vlan: 20/port: lan0, vlan: 30/'
grows "observe: another VLAN counts" "devices/$CAM_MAC/anomalies/moved_port" poll 20 reaches cam tcp $INET 443
expect "observe: and passes" reaches cam tcp $INET 443

# Who is in no policy is let in where it is untagged, and not in a VLAN that is tagged.
in_force "unknown devices have a segment" 's/^segments:/unknown: lab\nsegments:/; /name: \(desk\|plug\),/d'
expect "an unknown device in the PVID" poll 20 reaches plug tcp $INET 443
expect "an unknown device, tagged" blocked desk tcp $INET 443
equal "is not let in" $PLUG_MAC "$(on gw cordonctl device unknown --json | python3 -c '
import json, sys
print(*(d["mac"] for d in json.load(sys.stdin) if d["mac"] != "02:00:00:00:99:98"))')"

# On a port in no bridge, and in a bridge that does not filter VLANs, there are none.
in_force "once more"
ip -n gw link set br0 type bridge vlan_filtering 0
grows "a bridge that does not filter: a tag is unjudged" anomalies/unjudged blocked lock tcp $CAM 443
grows "and who is in a VLAN is not there" "devices/$CAM_MAC/anomalies/moved_port" blocked cam tcp $GW_CAM 22
in_force "untagged devices" 's/, vlan: 20//; s/vlan: 30/vlan: 40/'
ip -n gw link set br0.20 down
ip -n gw addr add 10.0.20.2/24 dev br0
expect "and who is in none, is" poll 20 reaches cam tcp 10.0.20.2 22
expect "isolated all the same" blocked cam tcp $PLUG 443
ip -n gw addr del 10.0.20.2/24 dev br0
in_force "in VLANs again"
ip -n gw link set lan0 nomaster
ip -n gw addr add 10.0.20.2/24 dev lan0
ip -n cam neigh flush all
grows "a port in no bridge: who is in a VLAN is not there" "devices/$CAM_MAC/anomalies/moved_port" blocked cam tcp 10.0.20.2 22
in_force "without a VLAN" 's/port: lan0, vlan: 20/port: lan0/'
expect "and who is in none, is" poll 20 reaches cam tcp 10.0.20.2 22
finish
