#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# No packet is judged by a mixture of two policies. Under A the device is in one, which may not, and two may;
# under B it is in two, which may not, and one may. A mixture would let packets through; a policy never does.
# seconds: 900
# cpus: 2
. "$(dirname "$0")/lib.sh"
setup

policy() {
	cat <<-END
		version: 1
		ports: [lan0, lan1]
		uplinks: [wan0, plant0]
		segments: {one: {}, two: {}, wan: {networks: [0.0.0.0/0]}}
		rules: [{from: $2, to: wan, allow: [udp/443]}]
		devices: [{name: cam, mac: "$CAM_MAC", network_segment: $1, addresses: [$CAM]}]
	END
}
policy one two >"$work/a"
policy two one >"$work/b"

on inet nft -f - <<-END
	table ip t {
		counter c {
		}
		chain c {
			type filter hook prerouting priority -300
			udp dport 443 counter name c
		}
	}
END
arrived() {
	on inet nft list counter ip t c | sed -n 's/.*packets \([0-9]*\) .*/\1/p'
}
more_than() {
	[ "$(arrived)" -gt "$1" ]
}

on cam probe blast $INET 443 &
blast=$!
policy one one | apply >/dev/null
expect "allowed: traffic flows, and is known to connection tracking" poll 20 more_than 1000

on gw cordonctl apply "$work/a" >/dev/null
before=$(arrived)
denied=$(counter "devices/$CAM_MAC/denied")
expect "2,000 swaps of two policies that both deny" on gw swap "$work/b" "$work/a" 2000
equal "not one packet came through" "$before" "$(arrived)"
tried=$(($(counter "devices/$CAM_MAC/denied") - denied))
echo "# $tried packets were denied meanwhile"
[ $tried -gt 2000 ]
report $? "packets kept coming: more than one for each swap"

policy one one | apply >/dev/null
expect "allowed again: traffic still flows" poll 20 more_than $((before + 1000))
pkill -f 'probe blast'
wait $blast 2>/dev/null
finish
