#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# cordonctl top: what it shows of devices that send, on a terminal and without one.
# seconds: 120
SERVICES='443'
. "$(dirname "$0")/lib.sh"
setup
apply >/dev/null <<-END
	version: 1
	ports: [lan0, lan1]
	uplinks: [wan0]
	segments:
	  iot: {}
	  wan: {networks: [0.0.0.0/0, "::/0"]}
	rules:
	  - {from: iot, to: wan, allow: [udp/443]}
	devices:
	  - {name: cam, mac: "$CAM_MAC", network_segment: iot, addresses: [$CAM, "$CAM6"]}
	  - {name: lock, mac: "$LOCK_MAC", network_segment: iot, addresses: [$LOCK, "$LOCK6"], port: lan1}
END
ctl() {
	on gw cordonctl "$@"
}

# cam sends what a rule admits, lock what none does.
for host in "cam 443" "lock 7"; do
	spawn "${host% *}" python3 -c '
import select, socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
while True:
    s.sendto(b"x" * 972, (sys.argv[1], int(sys.argv[2])))
    select.select([], [], [], 0.05)' "$INET" "${host#* }"
done
reading() {	# ARGUMENT...: name and rates of each device: packets and bytes from it, denied, anomalies
	ctl top --json --count 1 --interval 1 "$@" | python3 -c '
import json, sys
o = json.load(sys.stdin)
for d in o["devices"]:
    print(d["name"], *("some" if d[k] > 0 else "none" for k in ("rx_packets", "rx_bytes", "denied", "anomalies")))'
}
settled() {
	[ "$(reading | sort | xargs)" = "cam some some none none lock some some some some" ]
}
expect "rates of what is sent, and of what is denied" poll 20 settled
equal "sorted by what is denied" "lock cam" "$(reading --sort denied | cut -d ' ' -f 1 | xargs)"
equal "one device" "cam" "$(reading --device cam | cut -d ' ' -f 1 | xargs)"
refuse "a device that is not there" ctl top --count 1 --device nobody
equal "without a terminal, a table" "cam lock" "$(ctl top --count 1 --interval 0.2 --sort name | awk '/^(cam|lock) / { print $1 }' | xargs)"
equal "stats: kinds" "lock segment_violation" "$(ctl stats --kinds | awk 'NR > 1 && $1 == "lock" { print $1, $2 }')"
cases top.py
finish
