#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The module goes 20 times, and namespaces go 20 times, in the midst of traffic; with TORTURE, 100 times.
# seconds: 1200
# cpus: 2
. "$(dirname "$0")/lib.sh"
setup
times=${TORTURE:+100}
times=${times:-20}
cat >"$work/policy" <<-END
	version: 1
	ports: [lan0, lan1]
	uplinks: [wan0, plant0]
	segments: {iot: {}, wan: {networks: [0.0.0.0/0]}}
	rules:
	  - {from: iot, to: wan, allow: [tcp/443]}
	  - {from: iot, to: gateway, allow: [icmp/echo-request]}
	devices:
	  - {name: cam, mac: "$CAM_MAC", network_segment: iot, addresses: [$CAM]}
	  - {name: other, mac: "02:00:00:00:02:02", network_segment: iot, addresses: [10.9.0.2]}
END
# Allowed both ways, denied, and from an unknown device; not so fast that nothing else gets a turn.
on cam ping -q -i 0.002 $INET >/dev/null &
on lock ping -q -i 0.002 $INET >/dev/null &
on cam probe transfer $INET 443 "$work/up" &
disown -a
moved() {
	[ "$(cat "$work/up")" -gt "$1" ]
}
expect "a transfer runs" poll 20 moved 0

# All modules together may have 8 KiB per processor beside what they ask for; who finds none left is not loaded.
reserved() {
	python3 -c '
import struct, sys
elf = open(sys.argv[1], "rb").read()
at, = struct.unpack_from("<Q", elf, 40)
each, n, names = struct.unpack_from("<HHH", elf, 58)
sections = [struct.unpack_from("<IIQQQQ", elf, at + i * each) for i in range(n)]
name = lambda s: elf[sections[names][4] + s[0]:].split(b"\0", 1)[0]
print(sum(s[5] for s in sections if name(s).startswith(b".data..percpu")))' "$(modinfo -n cordon)"
}
expect "of what all modules share per processor it takes next to nothing" test "$(reserved)" -le 512

bytes=$(cat "$work/up")
bad=0
for ((i = 0; i < times; i++)); do
	modprobe cordon && on gw cordonctl apply "$work/policy" >/dev/null 2>&1 && rmmod cordon || bad=$((bad + 1))
done
equal "$times times: load, apply, unload" 0 $bad
echo "# $(($(cat "$work/up") - bytes)) bytes came through meanwhile"
expect "the transfer goes on meanwhile" moved $((bytes + 100000))

# From here on each namespace has traffic of its own.
{ ip netns pids cam; ip netns pids lock; } | xargs kill
modprobe cordon
# The device's packets are accepted, and answered, before its gateway goes.
seen() {
	[ "$(on x cat /sys/kernel/cordon/devices/02:00:00:00:02:02/tx_packets)" -gt 0 ]
}
bad=0
for ((i = 0; i < times; i++)); do
	ip netns add x
	ip netns add y
	ip link add lan0 netns x type veth peer name eth0 address 02:00:00:00:02:02 netns y
	printf '%s\n' "addr add 10.9.0.1/24 dev lan0" "link set lan0 up" | ip -n x -batch -
	printf '%s\n' "addr add 10.9.0.2/24 dev eth0" "link set eth0 up" | ip -n y -batch -
	on x cordonctl apply "$work/policy" >/dev/null 2>&1 || bad=$((bad + 1))
	on y ping -q -i 0.01 10.9.0.1 >/dev/null 2>&1 &
	disown
	poll 5 seen || bad=$((bad + 1))
	ip netns del x
	ip netns pids y | xargs -r kill 2>/dev/null
	ip netns del y
done
equal "$times times: a namespace with a policy and traffic is deleted" 0 $bad
finish
