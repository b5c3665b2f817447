#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# unknown: SEGMENT. A device that no policy lists is held in that segment, with addresses that are learned; it is listed,
# and adopted. Made-up MACs by the thousand take no more room than there is, and nobody's place.
# seconds: 300
#
#   cam ── lan0 ┐
#   plug ─ lan2 ┴ br0 10.0.20.1 fd00:20::1          lock ── lan1 10.0.30.1          (the rest: lib.sh)
SERVICES='22 80 443'
. "$(dirname "$0")/lib.sh"
extra=plug
PLUG=10.0.20.13 PLUG6=fd00:20::13 PLUG_MAC=02:00:00:00:01:03 NEW_MAC=02:00:00:00:01:04
setup

host plug lan2 $PLUG $PLUG6 $GW_CAM $GW_CAM6 $PLUG_MAC
serve plug
bridge_lan lan0 lan2

# policy [SED]: cam alone is listed
# shellcheck disable=SC2120
policy() {
	sed "${1-}" <<-END | apply
		version: 1
		mode: enforce
		ports: [lan0, lan1, lan2]
		uplinks: [wan0, plant0]
		unknown: guests
		segments:
		  iot_zone: {isolate: true}
		  guests: {isolate: true}
		  wan: {networks: [0.0.0.0/0, "::/0"]}
		rules:
		  - {from: iot_zone, to: wan, allow: [tcp/443]}
		  - {from: guests, to: wan, allow: [tcp/80]}
		devices:
		  - {name: cam, mac: "$CAM_MAC", network_segment: iot_zone, addresses: [$CAM, "$CAM6"]}
	END
}
# unknowns: MAC and hostname of each, as the gateway lists them
unknowns() {
	on gw cordonctl device unknown --json | python3 -c '
import json, sys
for d in json.load(sys.stdin):
    print(d["mac"], d.get("hostname", "-"), d["random_mac"], d["segment"])'
}
is_unknown() {	# MAC
	unknowns | tee "$work/unknowns" | shows "^$1 .* True guests$"
}
nobody_unknown() {
	[ -z "$(unknowns)" ]
}

expect "a policy that denies them" policy '/^unknown/d'
before=$(total unknown_device)
expect "who is in no policy reaches nothing" blocked plug tcp $INET 80
expect "and is counted" test "$(total unknown_device)" -gt "$before"
expect "and not listed" nobody_unknown
expect "one that holds them in a segment" policy
expect "in a bridge: it reaches what that segment may" poll 20 reaches plug tcp $INET 80
expect "by IPv6, too" poll 20 reaches plug tcp $INET6 80
expect "and no more" blocked plug tcp $INET 443
expect "nor a device" blocked plug tcp $CAM 443
expect "behind a port in no bridge, likewise" poll 20 reaches lock tcp $INET 80
expect "it is listed" is_unknown $PLUG_MAC
expect "so is the other" is_unknown $LOCK_MAC
on gw cordonctl device unknown >"$work/list"
expect "for people, too" grep -q "^$PLUG_MAC  (made-up MAC) " "$work/list"
expect "its addresses are bound to it" sh -c "ip netns exec gw cordonctl show bindings | grep -q '^$PLUG .*arp'"
expect "the policy does not have it" sh -c "! ip netns exec gw cordonctl show policy | grep -q $PLUG_MAC"
ip -n plug addr add $CAM/24 dev eth0
grows "another's address is not its own" "devices/$PLUG_MAC/anomalies/arp_spoof" on plug sh -c \
	"ip neigh flush dev eth0; ping -c 1 -W 1 -I $CAM $GW_CAM"
ip -n plug addr del $CAM/24 dev eth0

# What it tells a server of DHCP, which need not answer
on plug busybox udhcpc -i eth0 -f -n -q -t 2 -T 1 -x hostname:kitchen -V acme -s /bin/true >/dev/null 2>&1
unknowns >"$work/unknowns"
on gw cordonctl device unknown >"$work/list"
expect "its name, as it says" grep -q "^$PLUG_MAC kitchen " "$work/unknowns"
expect "and its kind" grep -q 'kitchen .*acme' "$work/list"

expect "the same policy once more" policy 's/443/8443/'
expect "it is still there" is_unknown $PLUG_MAC
expect "and reaches what it may" reaches plug tcp $INET 80
policy >/dev/null

expect "it is adopted" on gw cordonctl device adopt $PLUG_MAC plug --segment iot_zone
expect "and is no longer unknown" sh -c "! ip netns exec gw cordonctl device unknown | grep -q $PLUG_MAC"
expect "but in the policy" sh -c "ip netns exec gw cordonctl show policy | grep -q 'name: \"plug\"'"
expect "and reaches what its segment may" reaches plug tcp $INET 443
expect "and not what the other may" blocked plug tcp $INET 80
refuse "nobody is adopted twice" on gw cordonctl device adopt $PLUG_MAC plug2 --segment iot_zone
refuse "nor who was not seen" on gw cordonctl device adopt 02:00:00:00:77:77 nobody --segment iot_zone

# Made-up MACs, at one port; at another port somebody comes who is not made up
cat >"$work/flood.py" <<-'END'
	import os, socket, time
	s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
	s.bind(("eth0", 0))
	end = time.monotonic() + 120
	while time.monotonic() < end:
	    for _ in range(100):
	        mac = b"\x02" + os.urandom(5)
	        s.send(b"\xff" * 6 + mac + b"\x08\x06" + bytes.fromhex("0001080006040001") + mac + bytes(4) + bytes(6) + bytes([10, 0, 20, 1]))
END
many_unknown() {
	[ "$(unknowns | wc -l)" -gt 20 ]
}
spawn plug python3 "$work/flood.py"
flood=$! began=$SECONDS
expect "made-up MACs come" poll 20 many_unknown
ip -n lock -batch - <<-END
	link set eth0 down
	link set eth0 address $NEW_MAC
	addr flush dev eth0
	addr add 10.0.30.13/24 dev eth0
	link set eth0 up
	route replace default via $GW_LOCK
END
expect "who comes at another port meanwhile is held, too" poll 60 reaches lock tcp $INET 80
expect "and listed" is_unknown $NEW_MAC
expect "while they come" kill -0 $flood
kill $flood
wait $flood 2>/dev/null
n=$(unknowns | wc -l)
expect "of made-up MACs there are no more than may be" test "$n" -le 1024
# On each of the two ports in use; SECONDS cuts off what is no whole one.
expect "and they came slowly" test "$n" -le $((2 * 16 * (SECONDS - began + 2)))
expect "the device is served all the while" reaches cam tcp $INET 443
expect "a policy that denies them again" policy '/^unknown/d'
expect "nobody is left" nobody_unknown
expect "and reaches anything" blocked lock tcp $INET 80
finish
