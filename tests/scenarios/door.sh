#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The door: whose packet is it, and is its source its own. Single frames, so that what is counted is known.
# kernels: all
# sanitize: yes
. "$(dirname "$0")/lib.sh"
setup

policy() {
	cat <<-END
		version: 1
		mode: $1
		ports: [lan0, lan1]
		uplinks: [wan0, plant0]
		segments:
		  iot_zone: {isolate: false}
		  wan: {networks: [0.0.0.0/0, "::/0"]}
		rules:
		  - {from: iot_zone, to: wan, allow: [any]}
		  - {from: iot_zone, to: gateway, allow: [any]}
		  - {from: wan, to: iot_zone, allow: [any]}
		devices:
		  - {name: cam, mac: "$CAM_MAC", network_segment: iot_zone, addresses: [$CAM, "$CAM6"], port: lan0}
		  - {name: lock, mac: "$LOCK_MAC", network_segment: iot_zone, addresses: [$LOCK, "$LOCK6"]}
	END
}

GW=$(mac_of gw lan0)
GW_LAN1=$(mac_of gw lan1)
GW_WAN=$(mac_of gw wan0)
number=0
on inet probe sniff eth0 "$work/inet" >"$work/sniff.ready" &
poll 20 grep -q ready "$work/sniff.ready"

# frame NS SMAC SRC DST PROTO SPORT DPORT: one frame through the gateway
frame() {
	local ns=$1 to=$GW
	shift
	[ "$ns" != inet ] || to=$GW_WAN
	[ "$ns" != lock ] || to=$GW_LAN1
	number=$((number + 1))
	on "$ns" probe send eth0 $number "$1" "$to" "$2" "$3" "$4" "$5" "$6"
}

arrived() {
	grep -qx "$number" "$work/inet"
}

# passes NAME FRAME...: it reaches the internet
passes() {
	local name=$1
	shift
	frame "$@"
	poll 3 arrived
	report $? "$name"
}

# dropped NAME KIND MAC|- FRAME...: it is counted as KIND, for MAC and in all, and does not arrive: the next one that may pass does
dropped() {
	local name=$1 kind=$2 mac=$3 before all last
	shift 3
	all=$(counter "anomalies/$kind")
	[ "$mac" = - ] || before=$(counter "devices/$mac/anomalies/$kind")
	frame "$@"
	last=$number
	frame cam $CAM_MAC $CAM $INET udp 1000 9
	poll 3 arrived
	equal "$name: dropped" 1 "$(grep -cx "$last" "$work/inet" | sed 's/0/none/; s/^none$/1/')"
	equal "$name: counted as $kind" $((all + 1)) "$(counter "anomalies/$kind")"
	[ "$mac" = - ] || equal "$name: counted for the device" $((before + 1)) "$(counter "devices/$mac/anomalies/$kind")"
}

policy enforce | apply >/dev/null
passes "its own address passes" cam $CAM_MAC $CAM $INET udp 1000 9
passes "IPv6: its own address passes" cam $CAM_MAC $CAM6 $INET6 udp 1000 9
spawn gw cordonctl monitor --json --count 1 >"$work/event" 2>"$work/monitor"
monitor=$!
poll 20 grep -q listening "$work/monitor"
dropped "an unknown MAC" unknown_device - cam 02:00:00:00:09:09 $CAM $INET udp 1000 9
poll 20 grep -q anomaly "$work/event"
python3 -c 'import json, sys; o = json.load(open(sys.argv[1]))
assert [o[k] for k in ("kind", "mac", "source", "destination", "dport")] == ["unknown_device", "02:00:00:00:09:09", *sys.argv[2:], 9], o' \
	"$work/event" $CAM $INET
report $? "an unknown MAC: the event says what it sent"
kill $monitor 2>/dev/null
wait $monitor 2>/dev/null
dropped "IPv6: an unknown MAC" unknown_device - cam 02:00:00:00:09:09 $CAM6 $INET6 udp 1000 9
dropped "the neighbour's address" spoofed_source $CAM_MAC cam $CAM_MAC $LOCK $INET udp 1000 9
dropped "IPv6: the neighbour's address" spoofed_source $CAM_MAC cam $CAM_MAC $LOCK6 $INET6 udp 1000 9
dropped "an address that is nobody's" spoofed_source $CAM_MAC cam $CAM_MAC 10.0.20.99 $INET udp 1000 9
dropped "IPv6: an address that is nobody's" spoofed_source $CAM_MAC cam $CAM_MAC fd00:20::99 $INET6 udp 1000 9
dropped "the gateway's address" spoofed_source $CAM_MAC cam $CAM_MAC $GW_CAM $INET udp 1000 9
dropped "the neighbour's MAC with its own address" spoofed_source $LOCK_MAC cam $LOCK_MAC $CAM $INET udp 1000 9
dropped "a device with a port behind another" moved_port $CAM_MAC lock $CAM_MAC $CAM $INET udp 1000 9
passes "a device without a port, behind another" cam $LOCK_MAC $LOCK $INET udp 1000 9
dropped "link-local is not for more than the link" spoofed_source $CAM_MAC cam $CAM_MAC fe80::1234 $INET6 udp 1000 9
dropped "0.0.0.0 is for DHCP only" spoofed_source $CAM_MAC cam $CAM_MAC 0.0.0.0 $GW_CAM udp 68 69
dropped "DHCP from 0.0.0.0 is for everybody, not for one" spoofed_source $CAM_MAC cam $CAM_MAC 0.0.0.0 $INET udp 68 67
stays "DHCP from 0.0.0.0 is no spoofing" anomalies/spoofed_source frame cam $CAM_MAC 0.0.0.0 255.255.255.255 udp 68 67
dropped "a device's address from an uplink" spoofed_source - inet "$(mac_of inet eth0)" $CAM $LOCK udp 1000 9

# Headers by hand: IPv4, UDP whose length says more than there is; TCP that ends in its header
hex() {
	on cam probe hex eth0 "${GW//:/}" "${CAM_MAC//:/}" "$@"
}
ipv4() {
	local proto=$1 len=$2
	printf '080045000%03x0000%04x40%02x' "$len" "${3:-0}" "$proto"
	local sum=$((0x4500 + len + ${3:-0} + 0x4000 + proto + 0x0a00 + 0x140b + 0xc000 + 0x020a))
	sum=$(((sum & 0xffff) + (sum >> 16)))
	sum=$(((sum & 0xffff) + (sum >> 16)))
	printf '%04x0a00140bc000020a' $((0xffff - sum))
}
grows "UDP that says more than it holds is malformed" "devices/$CAM_MAC/anomalies/malformed" hex "$(ipv4 17 28)" 03e80009 0fff0000
stays "UDP that says the truth is not" "devices/$CAM_MAC/anomalies/malformed" hex "$(ipv4 17 28)" 03e80009 00080000
grows "TCP cut off in its header is malformed" "devices/$CAM_MAC/anomalies/malformed" hex "$(ipv4 6 32)" 03e80009 0000000100000000
grows "a first fragment without its whole header is one that no stack cuts" "devices/$CAM_MAC/anomalies/fragment" hex "$(ipv4 6 36 0x2000)" 03e80009 0000000100000000 50020000

# Fragments: the source of each is held against the bindings.
expect "fragments of its own pass" on cam ping -c1 -W3 -s 3000 $INET
expect "IPv6: fragments of its own pass" on cam ping -c1 -W3 -s 3000 $INET6
ip -n cam addr add 10.0.20.99/24 dev eth0
grows "fragments with another's address are spoofed" "devices/$CAM_MAC/anomalies/spoofed_source" on cam ping -I 10.0.20.99 -c1 -W1 -s 3000 $INET
ip -n cam addr del 10.0.20.99/24 dev eth0

# Duplicate address detection: for itself yes, for the neighbour no.
ns_dad() {
	on cam probe hex eth0 3333ff000099 "${CAM_MAC//:/}" "86dd6000000000183aff" 00000000000000000000000000000000 \
		ff0200000000000000000001ff000099 "8700${2:-0000}00000000" "$1"
}
stays "DAD for its own address" anomalies/spoofed_source ns_dad fd000020000000000000000000000011
grows "DAD for the neighbour's" "devices/$CAM_MAC/anomalies/spoofed_source" ns_dad fd000030000000000000000000000012

# observe: the same verdicts and counts, and all passes
policy observe | apply >/dev/null
equal "sysfs says observe" observe "$(counter policy/mode)"
before=$(counter "devices/$CAM_MAC/anomalies/spoofed_source")
passes "observe: a spoofed source passes" cam $CAM_MAC 10.0.20.99 $INET udp 1000 9
equal "observe: and is counted once" $((before + 1)) "$(counter "devices/$CAM_MAC/anomalies/spoofed_source")"
grows "observe: an unknown MAC is counted" anomalies/unknown_device frame cam 02:00:00:00:09:09 $CAM $INET udp 1000 9
passes "observe: and passes" cam 02:00:00:00:09:09 $CAM $INET udp 1000 9
finish
