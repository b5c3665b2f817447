#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# MACs and addresses made up at random, in their hundred thousands, with TORTURE=1 in their ten millions: whether they are
# denied or held in a segment, and whether it is the MAC that is made up or a device's own address, the kernel's memory
# does not grow with them, each is counted, and a device is served all the while.
# cpus: 2
# seconds: 3000
SERVICES='22 443'
. "$(dirname "$0")/lib.sh"
many=${TORTURE:+10000000}
many=${many:-100000}
setup
modprobe pktgen || exit

policy() {
	apply <<-END
		version: 1
		mode: enforce
		ports: [lan0, lan1]
		uplinks: [wan0, plant0]
		${1-}
		segments:
		  iot_zone: {isolate: true}
		  guests: {isolate: true}
		  wan: {networks: [0.0.0.0/0, "::/0"]}
		rules:
		  - {from: iot_zone, to: wan, allow: [tcp/443]}
		devices:
		  - {name: cam, mac: "$CAM_MAC", network_segment: iot_zone, addresses: [$CAM, "$CAM6"]}
		  - {name: lock, mac: "$LOCK_MAC", network_segment: iot_zone, addresses: [$LOCK, "$LOCK6"]}
	END
}

# generate COUNT DEV SETTING...: frames come in by one of the gateway's interfaces
# shellcheck disable=SC2016
generate() {
	on gw sh -c 'cd /proc/net/pktgen && echo rem_device_all >kpktgend_0 && echo "add_device $1" >kpktgend_0 &&
		for setting in "clone_skb 0" "delay 0" "xmit_mode netif_receive" "count $0" "dst_mac $(cat "/sys/class/net/$1/address")" \
			"${@}"; do [ "$setting" = "$1" ] || echo "$setting" >"$1" || exit; done; echo start >pgctrl' "$1" "$2" "${@:3}"
	# A thread that has not begun yet is not waited for.
	poll 2400 is_done "$2"
}
is_done() {
	on gw cat "/proc/net/pktgen/$1" | shows '^Result: OK'
}
v4=('dst_min 192.0.2.10' 'dst_max 192.0.2.10' 'src_min 10.64.0.0' 'src_max 10.255.255.255' 'flag IPSRC_RND')
v6=('pkt_size 80' 'src6 fd00:20::66' 'dst6 2001:db8::10' 'flag UDPCSUM')
made_up=('src_mac 06:00:00:00:00:00' 'src_mac_count 4294967295' 'flag MACSRC_RND')

used() {
	awk '/^(SUnreclaim|Percpu|VmallocUsed|KernelStack):/ { sum += $2 } END { print sum }' /proc/meminfo
}
# has_settled: it has not been less than before for twenty readings, which is a second at least
has_settled() {
	now=$(used)
	still=$((still + 1))
	[ "$now" -ge "$least" ] || least=$now still=0
	[ $still -ge 20 ]
}
# memory: the kernel's, in KiB, once what waits for a grace period is gone, and what the device's own connections left
memory() {
	local least now still=0
	on gw conntrack -F >/dev/null 2>&1
	least=$(used)
	poll 20 has_settled
	echo "$now"
}
served() {
	reaches cam tcp $INET 443 10000 && reaches cam tcp $INET6 443 10000
}
# strangers NAME COUNT KIND PATH MIB DEV SETTING...: each is counted as that, in at most so much memory
strangers() {
	local name=$1 number=$2 kind=$3 path=$4 most=$5 before grown good=0 bad=0 pid start
	# What the kernel makes for the first of them is there.
	generate 1000 "${@:6}"
	grown=$(memory) before=$(counter "$path") start=$SECONDS
	generate "$number" "${@:6}" &
	pid=$!
	while [ -d /proc/$pid ]; do
		if served; then good=$((good + 1)); else bad=$((bad + 1)); fi
	done
	wait $pid
	report $? "$name: $number come"
	echo "# $name: $number in $((SECONDS - start)) s, and the device's connections meanwhile: $good good, $bad bad"
	[ $good -gt 0 ] && [ $bad = 0 ]
	report $? "$name: a device is served all the while"
	before=$((number - $(counter "$path") + before))
	[ $before = 0 ] || echo "# of $number, $before are counted otherwise"
	# Of billions of MACs, one that is held already comes again now and then.
	[ $before -ge 0 ] && [ $before -le $((number / 1000000)) ]
	report $? "$name: each is counted as $kind"
	grown=$(($(memory) - grown))
	echo "# $name: the kernel's memory is $grown KiB larger"
	[ $grown -le $((most * 1024)) ]
	report $? "$name: it is not by more than $most MiB"
}

expect "a policy that denies them" policy
expect "a device is served" served
strangers "IPv4, denied" "$many" unknown_device anomalies/unknown_device 4 lan0 "${v4[@]}" "${made_up[@]}"
strangers "IPv6, denied" $((many / 5)) unknown_device anomalies/unknown_device 4 lan0 "${v6[@]}" "${made_up[@]}"
strangers "IPv4, of a device's MAC" $((many / 5)) spoofed_source "devices/$LOCK_MAC/anomalies/spoofed_source" 4 lan1 \
	"${v4[@]}" "src_mac $LOCK_MAC"
expect "one that holds them in a segment" policy 'unknown: guests'
# 1,024 of them have a directory in sysfs, too.
strangers "IPv4, held" "$many" unknown_device anomalies/unknown_device 16 lan0 "${v4[@]}" "${made_up[@]}"
# shellcheck disable=SC2016
equal "nothing is counted against the device" "" \
	"$(on gw sh -c 'cd "$0" && grep -LFx 0 -- *' "/sys/kernel/cordon/devices/$CAM_MAC/anomalies")"
finish
