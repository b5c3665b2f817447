#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Interfaces that come late, vanish and return under the policy that lists them: a VLAN on a port, PPPoE's ppp0.
# kernels: torture
# seconds: 600
# needs: tests/vm/daemons.sh
#
#   cam, lock, plant, inet: lib.sh
#   lock  10.0.65.12  VLAN 7 ── lan1.7 ┐
#   inet  203.0.113.1  ══ PPPoE ══ ppp0 ┴ gw
SERVICES='22 80 443'
. "$(dirname "$0")/lib.sh"
tree=$("$(dirname "$0")/../vm/daemons.sh") || exit
setup
enter_tree
modprobe -a ppp_generic pppoe 8021q

policy() {
	sed "${1-}" <<-END | apply
		version: 1
		mode: enforce
		ports: [lan0, lan1, lan1.7]
		uplinks: [wan0, plant0, ppp0]
		segments:
		  iot_zone: {}
		  isp: {networks: [203.0.113.0/24], interfaces: [ppp0]}
		  wan: {networks: [0.0.0.0/0, "::/0"], interfaces: [wan0, ppp0]}
		rules:
		  - {from: iot_zone, to: wan, allow: [tcp/443]}
		  - {from: iot_zone, to: isp, allow: [tcp/443]}
		  - {from: iot_zone, to: gateway, allow: [tcp/22]}
		  - {from: isp, to: gateway, allow: [tcp/443]}
		devices:
		  - {name: cam, mac: "$CAM_MAC", network_segment: iot_zone, addresses: [$CAM, "$CAM6"]}
		  - {name: lock, mac: "$LOCK_MAC", network_segment: iot_zone, addresses: [$LOCK, "$LOCK6", 10.0.65.12]}
	END
}
missing() {	# port|uplink NAME
	on gw cordonctl status 2>&1 | grep -q "warning: $1 $2: there is no such interface"
}
present() {
	! missing "$@"
}

# A VLAN that systemd-networkd or ifupdown makes after the policy
vlan() {
	ip -n gw link add link lan1 name lan1.7 type vlan id 7
	ip -n gw addr add 10.0.65.1/24 dev lan1.7
	ip -n gw link set lan1.7 up
}
vlans() {
	expect "VLAN: status says that it is missing" missing port lan1.7
	ip -n lock link add link eth0 name eth0.7 type vlan id 7
	ip -n lock addr add 10.0.65.12/24 dev eth0.7
	ip -n lock link set eth0.7 up
	vlan
	expect "VLAN: it is no longer missing" present port lan1.7
	expect "VLAN that comes late: a device" poll 20 reaches lock tcp 10.0.65.1 22
	lock_denied "VLAN that comes late: what no rule opens" reaches lock tcp 10.0.65.1 80 500
	ip -n lock link set eth0.7 address 02:00:00:00:01:99
	expect "VLAN that comes late: a stranger" blocked lock tcp 10.0.65.1 22
	ip -n lock link set eth0.7 address $LOCK_MAC
	ip -n gw link del lan1.7
	expect "VLAN: gone, it is missing again" missing port lan1.7
	vlan
	expect "VLAN that returns: a device" poll 20 reaches lock tcp 10.0.65.1 22
	ip -n gw link del lan1.7
	ip -n lock link del eth0.7
}
lock_denied() {	# NAME COMMAND...: lock's connection is denied and counted
	local before
	before=$(kind segment_violation $LOCK_MAC)
	! "${@:2}"
	report $? "$1: refused"
	[ "$(kind segment_violation $LOCK_MAC)" -gt "$before" ]
	report $? "$1: counted as segment_violation"
}

# PPPoE to inet
dial() {
	daemon gw pppd pppd plugin pppoe.so wan0 noauth nodetach noipdefault ifname ppp0 noaccomp nopcomp
	poll 60 dialled
}
dialled() {	# the server gives each connection another address
	address=$(on gw ip -4 -o addr show ppp0 | grep -o '203\.0\.113\.[1-9][0-9]' | head -n 1)
	[ -n "$address" ]
}
dials() {
	printf '%s\n' noauth lcp-echo-interval 0 nodetach >"$work/pppoe.options"
	daemon inet pppoe-server pppoe-server -F -I eth0 -L 203.0.113.1 -R 203.0.113.10 -N 4 -O "$work/pppoe.options"
	on gw nft -f - <<-END
		table ip nat {
			chain postrouting { type nat hook postrouting priority srcnat; oifname "ppp0" masquerade; }
			chain forward { type filter hook forward priority mangle; oifname "ppp0" tcp flags syn tcp option maxseg size set rt mtu; }
		}
	END
	expect "PPPoE: status says that ppp0 is missing" missing uplink ppp0
	for n in first second; do
		expect "PPPoE: the $n connection" dial
		[ -d "/proc/$(cat "$work/pppd.pid")" ] || cat "$work/pppd.log"
		expect "PPPoE: ppp0 is there, $n" present uplink ppp0
		expect "PPPoE: a device to the internet by ppp0, $n" poll 20 reaches cam tcp 203.0.113.1 443
		denied segment_violation "PPPoE: by ppp0, $n, without a rule" reaches cam tcp 203.0.113.1 80 500
		expect "PPPoE: from outside to the gateway, $n" reaches inet tcp "$address" 443
		expect "PPPoE: from outside to the gateway, $n, without a rule" blocked inet tcp "$address" 22
		expect "PPPoE: hung up, $n: ppp0 is missing" hang_up
	done
	expect "PPPoE: a policy without ppp0" policy 's/, ppp0\]/]/; /isp/d'
	expect "PPPoE: a connection" dial
	expect "PPPoE, not listed: a device to the internet" blocked cam tcp 203.0.113.1 443
	expect "PPPoE, not listed: status says that ppp0 is closed" closed_ppp
	kill "$(cat "$work/pppd.pid")"
	expect "the policy, once more" policy
}
hang_up() {
	kill "$(cat "$work/pppd.pid")"
	poll 20 missing uplink ppp0
}
closed_ppp() {
	on gw cordonctl status 2>&1 | grep -q "interface ppp0 is closed: the policy does not list it"
}

expect "a policy that lists what is not there yet" policy
parts=(vlans dials)
[ $# = 0 ] || parts=("$@")
for part in "${parts[@]}"; do
	$part
done
finish
