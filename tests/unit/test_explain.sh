#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# explain on a file, with interfaces that this machine does not have: what it asks for, and where a packet comes in and
# leaves. What it says of addresses is in model.py, and beside the kernel in tests/scenarios/explain.sh.
set -u
cd "$(dirname "$0")/../.." || exit 2
ctl=$PWD/build/cordonctl
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
. tests/unit/lib.sh
shown=("$dir/out")

cat >"$dir/policy.yaml" <<-END
	version: 1
	ports: [xlan0, xlan1]
	uplinks: [xwan0]
	segments:
	  iot: {}
	  plant: {networks: [10.9.50.0/24], interfaces: ["xplant*"]}
	  wan: {networks: [0.0.0.0/0, "::/0"]}
	rules:
	  - {from: iot, to: wan, allow: [tcp/21], related: true}
	  - {from: iot, to: wan, allow: [udp/5000]}
	  - {from: plant, to: iot, allow: [any]}
	  - {from: plant, to: gateway, allow: [udp/67]}
	  - {from: wan, to: iot, allow: [any]}
	devices:
	  - {name: cam, mac: "02:00:00:00:01:01", network_segment: iot, addresses: [10.9.20.11, "fd09:20::11"], port: xlan0}
	  - {name: tag, mac: "02:00:00:00:01:02", network_segment: iot, addresses: [10.9.20.12]}
END

sed '$a\  - {name: phone, mac: "02:00:00:00:01:03", network_segment: iot, addresses: auto, port: xlan0}\
  - {name: watch, mac: "02:00:00:00:01:04", network_segment: iot, addresses: [10.9.20.14], auto: true}' \
	"$dir/policy.yaml" >"$dir/learning.yaml"

# says NAME STATUS WORDS ARGUMENT...: it ends with this status, and prints these words
says() {
	local name=$1 status=$2 words=$3

	shift 3
	"$ctl" explain --policy "$dir/policy.yaml" "$@" >"$dir/out" 2>&1
	[ $? = "$status" ] && grep -qF -- "$words" "$dir/out"
	ok "$name" $?
}

says "a rule" 0 "allow: a rule opens it (rule 1: iot -> wan)" --from cam --to 198.51.100.7 --proto udp --dport 5000
says "the fast path, of what is established" 0 "; once it is established, its packets take the fast path" \
	--from cam --to 198.51.100.7 --proto udp --dport 5000
"$ctl" explain --policy "$dir/policy.yaml" --from cam --to 198.51.100.7 --proto udp --dport 5001 >"$dir/out" 2>&1
! grep -q "fast path" "$dir/out"
ok "not of what is denied" $?
says "nor of what is for the gateway" 0 '"fast_path": false' --from cam --to gateway --proto udp --dport 53 --json
says "JSON: the fast path" 0 '"fast_path": true' --from cam --to 198.51.100.7 --proto udp --dport 5000 --json
says "a rule that admits what is announced" 0 "(rule 0: iot -> wan, related too)" --from cam --to 198.51.100.7 --proto tcp --dport 21
says "a source that is not the device's" 3 "(spoofed_source)" --from cam --source 10.9.20.12 --to 198.51.100.7 --proto udp --dport 5000
says "a segment: one of its devices" 0 "from iot: device cam, active, in segment iot" --from iot --to wan --proto udp --dport 5000
says "twice the same segment: two of its devices" 3 "to   iot: device tag, active, in segment iot" --from iot --to iot --proto udp --dport 5000
says "a segment of networks: a host in them" 0 "from plant: in segment plant" --from plant --to cam --proto tcp --dport 1
says "a segment that nobody is in" 1 "cordonctl: quarantine: nobody is in that segment: name a device" \
	--from quarantine --to cam --proto tcp --dport 1
says "a service by its name" 0 "allow: a rule opens it (rule 0: iot -> wan, related too)" --from cam --to wan --proto tcp --dport ftp
says "one that there is not" 2 "not a port, a service or a type of that protocol: 'ftpx'" --from cam --to wan --proto tcp --dport ftpx
says "no port" 2 "a destination port is needed" --from cam --to wan --proto tcp
says "a device on another port" 3 "(moved_port)" --from cam --in xlan1 --to 198.51.100.7 --proto udp --dport 5000
says "a device without a port, there" 0 "allow: " --from tag --in xlan1 --to 198.51.100.7 --proto udp --dport 5000
says "an address of no device behind a port" 3 "(unknown_device)" --from 10.9.20.99 --in xlan0 --to 198.51.100.7 --proto udp --dport 5000
says "an address of a device, from an uplink" 3 "(spoofed_source)" --from 10.9.20.11 --in xwan0 --to tag --proto tcp --dport 1
says "an interface that is not listed" 3 "deny: the policy does not list the interface (unlisted)" --from 198.51.100.7 --in xeth9 --to cam --proto tcp --dport 1
says "another uplink" 0 "allow: " --from 198.51.100.7 --in xwan0 --to cam --proto tcp --dport 1
says "a segment's own interface" 0 "allow: " --from 10.9.50.9 --in xplant7 --to cam --proto tcp --dport 1
says "not a segment's own interface" 3 "(spoofed_source)" --from 10.9.50.9 --in xwan0 --to cam --proto tcp --dport 1
says "a device's port" 0 "allow: " --from 198.51.100.7 --to cam --out xlan0 --proto tcp --dport 1
says "another than a device's port" 3 "would leave by another port" --from 198.51.100.7 --to cam --out xlan1 --proto tcp --dport 1
says "another than a device's port, from the gateway" 3 "(moved_port)" --from gateway --to cam --out xlan1 --proto tcp --dport 1
says "no device behind a port" 3 "(unjudged)" --from 198.51.100.7 --to 10.9.20.99 --out xlan1 --proto tcp --dport 1
says "a group, by a port" 0 "allow: a rule opens it (rule 4: wan -> iot)" --from 198.51.100.7 --to 239.1.1.1 --out xlan0 --proto udp --dport 5
says "a group, by a port without devices" 3 "deny: nobody is known to be on that link (unjudged)" \
	--from 198.51.100.7 --to 239.1.1.1 --out xlan1 --proto udp --dport 5
says "a group, by a segment's uplink" 3 "deny: no rule opens it (segment_violation)" --from cam --to 239.1.1.1 --out xplant1 --proto udp --dport 5000
says "a group that stays on its link" 3 "gateway: deny: no rule opens it" --from cam --to 224.0.0.251 --proto udp --dport 5353
says "DHCP of a device" 0 "gateway: allow: open to every device" --from cam --source 0.0.0.0 --to 255.255.255.255 --proto udp --dport 67
says "DHCP of a device, otherwise" 0 "allow: open to every device" --from cam --source 0.0.0.0 --to gateway --proto udp --dport 67
says "other than DHCP from 0.0.0.0" 3 "(spoofed_source)" --from cam --source 0.0.0.0 --to 255.255.255.255 --proto udp --dport 69
says "DHCP on an uplink: the segment that names it" 0 "gateway: allow: a rule opens it (rule 3: plant -> gateway)" \
	--from 0.0.0.0 --in xplant0 --to 255.255.255.255 --proto udp --dport 67
says "DHCP on an uplink without addresses" 3 "gateway: deny: an end belongs to no segment" \
	--from 0.0.0.0 --in xwan0 --to 255.255.255.255 --proto udp --dport 67
says "an answer to the gateway's own DHCP" 0 "allow: the gateway needs it" --from 198.51.100.7 --in xwan0 --to gateway --proto udp --dport 68
says "a router's advertisement" 0 "gateway: allow: the gateway needs it" --from fe80::1 --in xwan0 --to ff02::1 --proto icmp6 --dport 134
says "a device's link-local address, to a group" 3 "gateway: deny: no rule opens it" \
	--from cam --source fe80::5 --to ff02::fb --proto udp --dport 5353
says "and further" 3 "(spoofed_source)" --from cam --source fe80::5 --to 2001:db8::7 --proto udp --dport 5000
says "0.0.0.0 of anywhere" 1 "any host may have that address: --in is needed" --from 0.0.0.0 --to gateway --proto udp --dport 67
says "0.0.0.0 behind a port" 1 "--from DEVICE --source ADDRESS is needed" --from 0.0.0.0 --in xlan0 --to gateway --proto udp --dport 67
says "an IPv4-mapped source" 1 "an IPv4-mapped address" --from ::ffff:10.9.50.10 --to cam --proto tcp --dport 1
says "an IPv4-mapped destination" 1 "an IPv4-mapped address" --from cam --to ::ffff:10.9.50.10 --proto tcp --dport 1
says "a question of ARP, by no bridge" 3 "deny: it stays on its link" --from tag --to 10.9.20.13 --in xlan1 --proto arp
says "a question of ARP that claims another's address" 3 "(arp_spoof)" --from tag --source 10.9.20.11 --to 10.9.20.13 --in xlan1 --proto arp
says "a question of ARP for IPv6" 1 "asks for addresses of IPv4" --from cam --to fd09:20::12 --proto arp
says "a question of neighbour discovery for IPv4" 1 "asks for addresses of IPv6" --from cam --to 10.9.20.12 --proto nd
says "a question of a host that is no device" 1 "no device" --from 198.51.100.7 --to cam --proto arp
says "a question with a port" 2 "no port goes with a question for an address: '1'" --from cam --to tag --proto arp --dport 1
says "a router's advertisement, of a device" 3 "(rogue_ra)" --from cam --to ff02::1 --proto icmp6 --dport 134
says "neither device nor address" 1 "neither a device, nor a segment, nor an address" --from nobody --to cam --proto tcp --dport 1
! grep -q "note:" "$dir/out" && says "what nobody learns is not said to be learned later" 3 "(unknown_device)" \
	--from 10.9.20.99 --in xlan0 --to 198.51.100.7 --proto udp --dport 5000 && ! grep -q "note:" "$dir/out"
ok "and has no note" $?

cp "$dir/learning.yaml" "$dir/policy.yaml"
says "a device that learns, by a file" 0 "note: a file has no learned addresses: judged is as if there were one" \
	--from phone --to 198.51.100.7 --proto udp --dport 5000
says "and the verdict" 0 "allow: a rule opens it (rule 1: iot -> wan)" \
	--from phone --to 198.51.100.7 --proto udp --dport 5000
says "what no rule opens" 3 "deny: no rule opens it" --from phone --to 198.51.100.7 --proto udp --dport 5001
says "towards it" 0 "allow: a rule opens it (rule 4: wan -> iot)" --from 198.51.100.7 --to phone --proto tcp --dport 1
says "by its MAC, over IPv6" 0 "allow: a rule opens it (rule 1: iot -> wan)" \
	--from 02:00:00:00:01:03 --to 2001:db8:7::7 --proto udp --dport 5000
says "to itself" 3 "deny: the segment isolates" --from phone --to phone --proto tcp --dport 1
says "JSON: that it is assumed" 0 '"assumed": true' --from phone --to 198.51.100.7 --proto udp --dport 5000 --json
says "from an address that it may have" 3 "note: device phone learns its addresses: 10.9.20.13 is not learned yet" \
	--from phone --source 10.9.20.13 --to 198.51.100.7 --proto udp --dport 5000
says "and what is said of it now" 3 "deny: the source address is not the sender's (spoofed_source)" \
	--from phone --source 10.9.20.13 --to 198.51.100.7 --proto udp --dport 5000
says "JSON" 3 '"not_learned": "10.9.20.13"' --from phone --source 10.9.20.13 --to 198.51.100.7 --proto udp --dport 5000 --json
says "one of its own" 0 "allow: a rule opens it" --from watch --to 198.51.100.7 --proto udp --dport 5000
says "another's address" 3 "(spoofed_source)" --from watch --source 10.9.20.11 --to 198.51.100.7 --proto udp --dport 5000
! grep -q "note:" "$dir/out"
ok "will not be learned" $?
says "DHCP, before anything is learned" 0 "gateway: allow: open to every device" \
	--from phone --source 0.0.0.0 --to 255.255.255.255 --proto udp --dport 67
says "an address of nobody behind a port" 3 "10.9.20.99 may be one that is not learned yet" \
	--from 10.9.20.99 --in xlan0 --to 198.51.100.7 --proto udp --dport 5000
says "towards it" 3 "10.9.20.99 may be one that is not learned yet" --from 198.51.100.7 --to 10.9.20.99 --out xlan1 --proto tcp --dport 1
echo "1..$n"
exit $failed
