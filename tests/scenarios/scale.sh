#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# 16,384 devices in 64 segments, with TORTURE 65,536: apply, look, change one, count, compare, unload. Prints what memory it takes.
# seconds: 1500
# cpus: 2
. "$(dirname "$0")/lib.sh"
N=${TORTURE:+65536}
N=${N:-16384}
mkfifo "$work/never"
trap teardown EXIT
ip netns add gw
ip link add lan0 netns gw type dummy

awk -v n=$N 'BEGIN {
	print "version: 1\nports: [lan0]\nuplinks: [wan0, plant0]\nsegments:"
	for (i = 0; i < 64; i++)
		printf "  s%d: {}\n", i
	print "  wan: {networks: [0.0.0.0/0]}\nrules:"
	for (i = 0; i < 64; i++)
		printf "  - {from: s%d, to: wan, allow: [tcp/443]}\n", i
	print "devices:"
	for (i = 0; i < n; i++)
		printf "  - {name: d%d, mac: \"02:00:00:%02x:%02x:%02x\", network_segment: s%d, addresses: [10.%d.%d.%d]}\n",
			i, i / 65536, i / 256 % 256, i % 256, i % 64, 16 + i / 65536, i / 256 % 256, i % 256
}' >"$work/policy.yaml"

memory() {
	awk '/^(SUnreclaim|Percpu|VmallocUsed):/ { sum += $2 } END { print sum }' /proc/meminfo
}

# run SYSFS: everything once, with or without a directory for each device
run() {
	local before what="$2"

	expect "$what: the module loads" modprobe cordon "device_sysfs=$1"
	before=$(memory)
	expect "$what: $N devices are applied" on gw cordonctl apply "$work/policy.yaml"
	echo "# $what: $((($(memory) - before) * 1024 / N)) bytes of kernel memory for each device"
	equal "$what: status knows them" $N "$(on gw cordonctl status --json | sed -n 's/.*"devices": \([0-9]*\).*/\1/p')"
	on gw cordonctl show devices --json >"$work/devices.json"
	equal "$what: show lists them" $N "$(grep -c '"name"' "$work/devices.json")"
	expect "$what: diff finds nothing" on gw cordonctl diff "$work/policy.yaml"
	on gw cordonctl device set d4711 --segment s0 >/dev/null
	on gw cordonctl diff "$work/policy.yaml" >"$work/diff"
	equal "$what: one changed, and diff says 3" 3 $?
	equal "$what: and which" "~ device d4711: network_segment: s0 -> s39" "$(cat "$work/diff")"
	equal "$what: stats lists them" $((N + 1)) "$(on gw cordonctl stats | wc -l)"
	equal "$what: sysfs has a directory for $([ "$1" = 1 ] && echo each || echo none)" $(($1 * N)) \
		"$(on gw ls /sys/kernel/cordon/devices | wc -l)"
	expect "$what: apply brings it back" on gw cordonctl apply "$work/policy.yaml"
	expect "$what: the module unloads" rmmod cordon
}
run 0 "without directories"
run 1 "with directories"
finish
