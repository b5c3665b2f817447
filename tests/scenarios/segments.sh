#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Who may reach whom: rules, replies, isolation, services, the gateway, NAT; IPv4 and IPv6.
# kernels: all
# sanitize: yes
. "$(dirname "$0")/lib.sh"
setup

expect "without a policy everything passes" reaches cam tcp $INET 80

expect "a policy is applied" apply <<-END
	version: 1
	mode: enforce
	ports: [lan0, lan1]
	uplinks: [wan0, plant0]
	segments:
	  iot_zone: {}
	  critical: {}
	  plant: {networks: [10.0.50.0/24, "fd00:50::/64"]}
	  wan: {networks: [0.0.0.0/0, "::/0"]}
	rules:
	  - {from: iot_zone, to: wan, allow: [tcp/443, tcp/8000-8999, udp/443-444, icmp/echo-request, icmp6/echo-request]}
	  - {from: plant, to: iot_zone, allow: [tcp/502]}
	  - {from: iot_zone, to: gateway, allow: [tcp/80]}
	devices:
	  - {name: cam, mac: "$CAM_MAC", network_segment: iot_zone, addresses: [$CAM, "$CAM6"]}
	  - {name: lock, mac: "$LOCK_MAC", network_segment: critical, addresses: [$LOCK, "$LOCK6"], port: lan1}
END

for v in 4 6; do
	[ $v = 4 ] && inet=$INET plant=$PLANT cam=$CAM lock=$LOCK gw=$GW_CAM ||
		inet=$INET6 plant=$PLANT6 cam=$CAM6 lock=$LOCK6 gw=$GW_CAM6
	expect "IPv$v: a rule opens a port" reaches cam tcp $inet 443
	expect "IPv$v: a rule opens a range" reaches cam tcp $inet 8443
	expect "IPv$v: a rule opens UDP" reaches cam udp $inet 443
	expect "IPv$v: a rule opens echo requests" on cam ping -c1 -W3 $inet
	expect "IPv$v: another port stays closed" blocked cam tcp $inet 80
	expect "IPv$v: another protocol stays closed" blocked cam udp $inet 8443
	expect "IPv$v: without a rule nothing opens" blocked lock tcp $inet 443
	expect "IPv$v: the other way is another rule: closed" blocked cam tcp $plant 502
	expect "IPv$v: the other way is another rule: open, and replies pass" reaches plant tcp $cam 502
	expect "IPv$v: from outside nothing opens" blocked inet tcp $cam 443
	expect "IPv$v: device to device without a rule" blocked cam tcp $lock 443
	expect "IPv$v: plant to plant's rule, not to another segment" blocked plant tcp $lock 502
	expect "IPv$v: gateway: by rule" reaches cam tcp $gw 80
	expect "IPv$v: gateway: not without" blocked cam tcp $gw 22
	expect "IPv$v: gateway: DNS without a rule" reaches cam udp $gw 53
	expect "IPv$v: gateway: the ports of serve without a rule" reaches cam tcp $gw 8883
	expect "IPv$v: gateway: from a network only by rule" blocked inet tcp "$([ $v = 4 ] && echo 192.0.2.1 || echo 2001:db8::1)" 80
	expect "IPv$v: what the gateway opens passes" reaches gw tcp $lock 22
done

on gw cordonctl show rules >"$work/rules"
expect "show rules: one that let a connection begin was used" grep -qE "iot_zone -> wan: .*; used [0-9]+s ago" "$work/rules"
expect "a policy with one more rule and its use" sed -i 's/^devices:/  - {from: iot_zone, to: critical, allow: [tcp\/443]}\ndevices:/' "$work/policy.yaml"
expect "it is applied" on gw cordonctl apply "$work/policy.yaml"
# used NAME INDEX WANTED: an expression about the seconds since
used() {
	on gw cordonctl show rules --json >"$work/rules"
	python3 -c 'import json, sys; s = json.load(sys.stdin)[int(sys.argv[1])]["used_seconds"]; sys.exit(not eval(sys.argv[2]))' \
		"$2" "$3" <"$work/rules"
	report $? "$1"
}
used "other rules: none was used yet" 0 "s is None"
blocked cam tcp $INET 80
used "what is denied uses none" 0 "s is None"
expect "a connection begins" reaches cam tcp $INET 443
used "its rule was used" 0 "s is not None and s < 60"
used "another one was not" 3 "s is None"
expect "a device is changed" on gw cordonctl device set cam --model t2
expect "the same policy is applied again" on gw cordonctl apply "$work/policy.yaml"
used "the same rules: it still was" 0 "s is not None and s < 120"

grows "a violation is counted for the device" "devices/$CAM_MAC/anomalies/segment_violation" blocked cam tcp $INET 80
grows "and for the namespace" anomalies/segment_violation blocked cam tcp $INET 80
grows "and for its segment" segments/iot_zone/denied blocked cam tcp $INET 80
grows "and as denied" "devices/$CAM_MAC/denied" blocked cam tcp $INET 80
stays "a passing packet is no violation" anomalies/segment_violation reaches cam tcp $INET 443
grows "it is counted from the device" "devices/$CAM_MAC/rx_packets" reaches cam tcp $INET 443
grows "and to it" "devices/$CAM_MAC/tx_bytes" reaches cam tcp $INET 443
grows "and in its segment" segments/iot_zone/packets reaches cam tcp $INET 443

# NAT: a device behind masquerading is judged by its own address, a forwarded port by where it leads.
on gw nft -f - <<-END
	table ip nat {
		chain post { type nat hook postrouting priority srcnat; oifname wan0 masquerade; }
		chain pre { type nat hook prerouting priority dstnat
			iifname plant0 tcp dport 1502 dnat to $CAM:502
			iifname plant0 tcp dport 1443 dnat to $LOCK:443
		}
	}
END
expect "masquerading: allowed still" reaches cam tcp $INET 443
expect "masquerading: closed still" blocked cam tcp $INET 80
expect "masquerading: another device is still another" blocked lock tcp $INET 443
expect "a forwarded port to what is open" reaches plant tcp 10.0.50.1 1502
expect "a forwarded port to what is closed" blocked plant tcp 10.0.50.1 1443
on gw nft flush ruleset

# An ICMP error belongs to its connection: nobody serves port 444, and says so.
on cam probe udp $INET 444
equal "ICMP errors pass with their connection" 3 $?
on cam probe udp $INET6 444
equal "IPv6: ICMP errors pass with their connection" 3 $?

apply >/dev/null <<-END
	version: 1
	ports: [lan0, lan1]
	uplinks: [wan0, plant0]
	segments:
	  iot_zone: {isolate: true}
	  open: {isolate: false}
	  wan: {networks: [0.0.0.0/0]}
	devices:
	  - {name: cam, mac: "$CAM_MAC", network_segment: iot_zone, addresses: [$CAM]}
	  - {name: lock, mac: "$LOCK_MAC", network_segment: iot_zone, addresses: [$LOCK]}
END
expect "isolate: devices of one segment do not reach one another" blocked cam tcp $LOCK 80
expect "no segment: an address that no network holds" blocked cam tcp $INET6 443
expect "a device is moved" on gw cordonctl device set lock --segment open
expect "into another segment" blocked cam tcp $LOCK 80
expect "the other follows" on gw cordonctl device set cam --segment open
expect "isolate: false lets them" reaches cam tcp $LOCK 80
finish
