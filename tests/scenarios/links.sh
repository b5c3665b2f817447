#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# What the kernel knows of the links behind ports, while addresses, interfaces, policies and namespaces change under it
# and the module is unloaded. No packets; the sanitizers see to the rest.
# sanitize: yes
. "$(dirname "$0")/lib.sh"
mkfifo "$work/never"
trap teardown EXIT
modprobe cordon || exit 1

policy() {
	echo 'version: 1
ports: [lan0, lan1]
uplinks: [wan0]
segments: {iot: {}, doors: {}, wan: {networks: [0.0.0.0/0, "::/0"]}}
devices:'
	for ((i = 1; i < 100; i++)); do
		printf -- '- {name: d%d, mac: "02:00:00:00:02:%02x", network_segment: %s, addresses: [10.1.%d.%d, "fd01::%x"]}\n' \
			$i $i "$([ $((i % 2)) = 0 ] && echo iot || echo doors)" $((i % 8)) $i $i
	done
}
policy >"$work/policy.yaml"

make_gateway() {
	ip netns add "$1"
	for dev in lan0 lan1 wan0; do
		ip -n "$1" link add $dev type veth peer name "p$dev"
		ip -n "$1" link set $dev up
	done
	on "$1" cordonctl apply "$work/policy.yaml" >/dev/null
}

# Addresses come and go until the namespace does. $2: how often
churn() {
	local i
	for ((i = 0; i < ${2:-1000000}; i++)); do
		ip -n "$1" addr add 10.1.$((i % 8)).1/24 dev lan$((i % 2)) || return 0
		ip -n "$1" addr add fd01::ffff:$((i % 8))/64 dev lan0 nodad
		ip -n "$1" addr flush dev lan$((i % 2))
	done 2>/dev/null
}

expect "a gateway" make_gateway gw
expect "addresses come and go" churn gw 40
churn gw 30 &
for i in 1 2 3 4 5; do
	on gw cordonctl apply "$work/policy.yaml" >/dev/null
	on gw cordonctl device set d1 --segment "$([ $((i % 2)) = 0 ] && echo iot || echo doors)" >/dev/null
	ip -n gw link set lan1 down
	ip -n gw link set lan1 name lan9
	ip -n gw link set lan9 name lan1
	ip -n gw link set lan1 up
done
wait $!
expect "policies and names change meanwhile" on gw cordonctl apply "$work/policy.yaml"
for ((i = 0; i < 60; i++)); do
	ip -n gw addr add 10.2.$i.1/24 dev lan0
done
expect "more addresses than are looked at" on gw cordonctl apply "$work/policy.yaml"
expect "a roll-back" on gw cordonctl apply --confirm 1s "$work/policy.yaml"
rolled() {
	! on gw cordonctl status | shows -i confirm
}
poll 20 rolled
report $? "has come"

# A namespace that ends with the work queued; again and again, its first policy is as new as its addresses.
for i in 1 2 3 4; do
	make_gateway "gone$i"
	churn "gone$i" 3
	ip -n "gone$i" addr add 10.1.1.1/24 dev lan0
	ip netns del "gone$i"
done
report 0 "namespaces end with addresses just changed"
make_gateway last
churn last &
pid=$!
rmmod cordon
report $? "the module goes while addresses change"
kill $pid
wait $pid 2>/dev/null
ip netns del last
finish
