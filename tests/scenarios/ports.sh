#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# A device of several ports: it is itself behind each of them, with the same addresses, and behind no other; its lease is
# where it checked in, or at each of its ports; routed, in a bridge, at run time and over a restart.
# kernels: all
# seconds: 600
#
#  twin  cam's MAC and addresses ── lan2 ── gw ── lan3 ── cam's MAC and addresses  far
#
# besides what lib.sh draws. lan0 and lan2 are cam's ports.
GW_SERVICES='22 53 443'
. "$(dirname "$0")/lib.sh"

NEAR=10.0.20.12 NEAR6=fd00:20::12	# lock, moved into cam's network
extra='twin far'
setup
host twin lan2 $CAM $CAM6 10.0.20.2 fd00:20::2 $CAM_MAC
host far lan3 $CAM $CAM6 10.0.20.3 fd00:20::3 $CAM_MAC
serve twin
serve far
state=$work/state
moved=devices/$CAM_MAC/anomalies/moved_port

policy() {
	cat <<-END
		version: 1
		ports: [lan0, lan1, lan2, lan3, lan4, lan5]
		uplinks: [wan0, plant0]
		segments:
		  iot: {isolate: false}
		  office: {isolate: false}
		  plant: {networks: [10.0.50.0/24, "fd00:50::/64"]}
		  wan: {networks: [0.0.0.0/0, "::/0"]}
		rules:
		  - {from: iot, to: wan, allow: [tcp/443]}
		  - {from: plant, to: iot, allow: [tcp/502]}
		  - {from: office, to: iot, allow: [tcp/443]}
		devices:
		  - {name: cam, mac: "$CAM_MAC", network_segment: iot, addresses: [$CAM, "$CAM6"], ports: [lan0, lan2]}
		  - {name: lock, mac: "$LOCK_MAC", network_segment: office, addresses: [$NEAR, "$NEAR6"], port: lan1}
	END
}
ctl() {
	on gw cordonctl "$@"
}
# in_force NAME [SED]: the policy, changed like that
in_force() {
	policy | sed "${2-}" >"$work/policy.yaml"
	expect "$1: the policy is put in force" ctl apply "$work/policy.yaml" --state "$state"
}
index() {
	on gw cat "/sys/class/net/$1/ifindex"
}
# checks_in NAME DEV: cam does, over that interface
checks_in() {
	equal "$1" "cam active iot aa" "$(on gw checkin in $CAM_MAC $CAM "$(index "$2")" aa | sed 's/ [0-9]*$//')"
}
# says NAME WORDS COMMAND...: it is refused, with these words
says() {
	refuse "$1: refused" "${@:3}"
	grep -qF "$2" "$work/said" || sed 's/^/# /' "$work/said"
	grep -qF "$2" "$work/said"
	report $? "$1: the sentence"
}
# ports WORDS: a device is shown with these
ports() {
	ctl show devices --json | shows "$1"
}
# bound WORDS: a binding is
bound() {
	ctl show bindings | shows "$1"
}
# Which of its ports the gateway takes for cam's.
toward() {
	ip -n gw route replace $CAM/32 dev "$1"
	ip -n gw -6 route replace $CAM6/128 dev "$1"
}
# itself NAME NS: it passes there, from there and to there
itself() {
	expect "$1: to the internet, IPv4" poll 20 reaches "$2" tcp $INET 443
	expect "$1: to the internet, IPv6" poll 20 reaches "$2" tcp $INET6 443
	expect "$1: what no rule admits is denied, as ever" blocked "$2" tcp $INET 80
	expect "$1: from the gateway" poll 20 reaches gw tcp $CAM 22
	expect "$1: from beyond an uplink" poll 20 reaches plant tcp $CAM 502
}
# strange NAME NS: at no port of its own
strange() {
	grows "$1: it counts as moved" $moved blocked "$2" tcp $INET 443
	expect "$1: not to the internet, IPv4" blocked "$2" tcp $INET 443
	expect "$1: nor IPv6" blocked "$2" tcp $INET6 443
	expect "$1: no service of the gateway" blocked "$2" tcp "$3" 53
}

# Somebody hears of moves, or no longer.
listen() {
	spawn gw cordonctl monitor --json >"$work/events" 2>"$work/monitor"
	monitor=$!
	poll 20 grep -q listening "$work/monitor"
}
unlisten() {
	kill $monitor
	wait $monitor 2>/dev/null
}
# told NS WORDS: of a move there, as often as it takes
told() {
	blocked "$1" tcp $INET 443
	grep '"moved_port"' "$work/events" | shows "$2"
}

# Routed: each port has a network of its own, and the address is where the route says.
in_force "routed"
expect "the policy is shown with the ports" ports '"ports": \["lan0", "lan2"\]'
expect "and so is a binding" bound lan0,lan2
toward lan0
itself "the first port" cam
toward lan2
itself "the second port" twin
toward lan3
grows "another port: nothing of the gateway's leaves there" anomalies/moved_port blocked gw tcp $CAM 22
grows "another port: nor what is forwarded" anomalies/moved_port blocked plant tcp $CAM 502
listen
strange "another port" far 10.0.20.3
expect "and its ports are told" poll 20 told far '"ports": \["lan0", "lan2"\]'
unlisten
toward lan0
itself "and back again" cam

# At run time.
expect "one port, at run time" ctl device set cam --port lan0
expect "which is shown as one" ports '"port": "lan0"'
expect "it is there" poll 20 reaches cam tcp $INET 443
toward lan2
grows "the second is none of its own now" $moved blocked twin tcp $INET 443
expect "two others" ctl device set cam --port lan3,lan2
expect "it is at one" poll 20 reaches twin tcp $INET 443
toward lan3
expect "and at the other" poll 20 reaches far tcp $INET 443
toward lan0
grows "and at the first no longer" $moved blocked cam tcp $INET 443
expect "any port" ctl device set cam --port any
expect "it is there" poll 20 reaches cam tcp $INET 443
says "one port twice" "port lan0 a second time" ctl device set cam --port lan0,lan2,lan0
says "an unknown port" "unknown port lan7" ctl device set cam --port lan0,lan7
expect "a device is added with two" ctl device add new --mac 02:00:00:00:05:05 --segment iot --address 10.0.20.77 --port lan0,lan2
expect "which it has" ports '"name": "new".*"ports": \["lan0", "lan2"\]'
ctl device del new >/dev/null
ynl() {
	on gw "$(dirname "$0")/../spec/cli.sh" "$@" >"$work/json" 2>&1
}
# refuses NAME WORDS PORTS: the kernel, whoever asks
refuses() {
	ynl --do device-set --json "{\"device\": {\"name\": \"cam\", \"port\": $3}}"
	grep -qF "$2" "$work/json" || sed 's/^/# /' "$work/json"
	grep -qF "$2" "$work/json"
	report $? "$1"
}
refuses "the kernel refuses five" "more than 4 ports" '["lan0", "lan1", "lan2", "lan3", "lan4"]'
refuses "and one without a name among others" "a port without a name among others" '["lan0", ""]'
refuses "likewise, the first" "a port without a name among others" '["", "lan0"]'
expect "nothing of which has tied it" poll 20 reaches cam tcp $INET 443
expect "four are taken" ynl --do device-set --json '{"device": {"name": "cam", "port": ["lan0", "lan1", "lan4", "lan5"]}}'
expect "and told" ynl --do device-get --json '{"device": {"name": "cam"}}' --output-json
expect "as a list" grep -q '"port": \["lan0", "lan1", "lan4", "lan5"\]' "$work/json"
toward lan2
grows "and none else is its own" $moved blocked twin tcp $INET 443
expect "an empty one unties it" ynl --do device-set --json '{"device": {"name": "cam", "port": [""]}}'
expect "so that it is there" poll 20 reaches twin tcp $INET 443

# Over a restart: what was said at run time, and where it holds.
expect "two ports, at run time" ctl device set cam --port lan2,lan3
expect "the state is saved" ctl state save --state "$state"
expect "the module is unloaded" rmmod cordon
expect "boot" ctl boot "$work/policy.yaml" --state "$state"
expect "with both ports" ports '"ports": \["lan2", "lan3"\]'
expect "it is at one" poll 20 reaches twin tcp $INET 443
toward lan3
expect "and at the other" poll 20 reaches far tcp $INET 443
toward lan0
grows "and not where the policy had it" $moved blocked cam tcp $INET 443

# A lease is where the check-in was; with roam, at each of its ports.
proven='s/iot: {/iot: {authentication: certificate, /'
unauthenticated=devices/$CAM_MAC/anomalies/unauthenticated
in_force "a lease" "$proven"
expect "without a lease: not the internet" blocked cam tcp $INET 443
says "a check-in elsewhere" "EXDEV: cam may be on its 2 ports only, not on lan3" \
	on gw checkin in $CAM_MAC $CAM "$(index lan3)" aa
checks_in "a check-in at the first port" lan0
expect "with a lease: the internet" poll 20 reaches cam tcp $INET 443
toward lan2
grows "at the second port it has none" $unauthenticated blocked twin tcp $INET 443
expect "but may check in" reaches twin tcp 10.0.20.2 53
checks_in "which it does" lan2
expect "and has it there" reaches twin tcp $INET 443
toward lan0
grows "and at the first no longer" $unauthenticated blocked cam tcp $INET 443
says "roam, and one port" "a device that roams is not tied to one port" ctl device set cam --roam true --port lan0
expect "roam, at run time" ctl device set cam --roam true
says "one port, and roam" "a device that roams is not tied to one port" ctl device set cam --port lan0
checks_in "a check-in at the first port" lan0
expect "roam: the internet" poll 20 reaches cam tcp $INET 443
toward lan2
expect "roam: at the second port, too" poll 20 reaches twin tcp $INET 443
toward lan3
strange "roam: at another" far 10.0.20.3
expect "the state is saved" ctl state save --state "$state"
expect "the module is unloaded" rmmod cordon
expect "boot, with a lease" ctl boot "$work/policy.yaml" --state "$state"
toward lan2
expect "it holds at the second port" poll 20 reaches twin tcp $INET 443
toward lan0
expect "and at the first" poll 20 reaches cam tcp $INET 443
toward lan3
grows "and at no other" $moved blocked far tcp $INET 443

# In a bridge: cam goes from port to port, and takes its addresses along.
ip -n gw route del $CAM/32
ip -n gw -6 route del $CAM6/128
ip -n lock addr flush dev eth0 scope global
ip -n lock addr add $NEAR/24 dev eth0
ip -n lock addr add $NEAR6/64 dev eth0 nodad
ip -n lock route replace default via $GW_CAM
ip -n lock -6 route replace default via $GW_CAM6
bridge_lan lan0 lan1 lan2 lan3
for ns in twin far; do
	ip -n $ns route replace default via $GW_CAM
	ip -n $ns -6 route replace default via $GW_CAM6
done
for ns in cam twin far; do
	ip -n $ns neigh flush all
done
# Nobody has to be asked where it is.
for to in $CAM $CAM6; do
	ip -n lock neigh replace $to lladdr $CAM_MAC nud permanent dev eth0
	ip -n gw neigh replace $to lladdr $CAM_MAC nud permanent dev br0
done
# goes DEV: from now on, it is behind that port alone; the bridge knows nothing of it
goes() {
	local dev
	for dev in lan0 lan2 lan3; do
		ip -n gw link set $dev "$([ $dev = "$1" ] && echo up || echo down)"
	done
	ip -n gw link set br0 type bridge fdb_flush
}
# switched NAME NS: between ports of the bridge, and by the gateway
switched() {
	itself "$1" "$2"
	expect "$1: from another device, IPv4" poll 20 reaches lock tcp $CAM 443
	expect "$1: from another device, IPv6" poll 20 reaches lock tcp $CAM6 443
	expect "$1: what no rule admits, as ever" blocked lock tcp $CAM 22
	expect "$1: a service of the gateway" reaches "$2" tcp $GW_CAM 53
}
goes lan0
# While all were up, one at another port may have said something.
expect "in a bridge: the module is unloaded" rmmod cordon
expect "in a bridge: the module is loaded" modprobe cordon
in_force "bridged"
expect "nobody has seen it: it is reached by its first port" poll 20 reaches lock tcp $CAM 443
switched "bridged, the first port" cam
goes lan2
switched "bridged, the second port" twin
goes lan3
strange "bridged, another port" far $GW_CAM
expect "bridged, another port: nobody gets to it" blocked lock tcp $CAM 443
expect "bridged, another port: nor the gateway" blocked gw tcp $CAM 22
goes lan2
expect "the module is unloaded" rmmod cordon
expect "the module is loaded" modprobe cordon
in_force "anew"
expect "nobody has seen it: it is reached by its second port" poll 20 reaches gw tcp $CAM 22
goes lan0
in_force "bridged, a lease" "$proven"
expect "bridged, without a lease: a service of the gateway" poll 20 reaches cam tcp $GW_CAM 53
checks_in "bridged: a check-in at the first port" br0
expect "bridged, with a lease: the internet" poll 20 reaches cam tcp $INET 443
goes lan2
listen
strange "bridged, without roam, the second port" twin $GW_CAM
expect "and is told" poll 20 told twin '"kind": "moved_port"'
equal "of no port where it should be instead" "" "$(grep '"moved_port"' "$work/events" | grep -o '"ports*": [^,}]*')"
unlisten
ctl device lease cam 0 >/dev/null
expect "the lease is over: a service of the gateway" poll 20 reaches twin tcp $GW_CAM 53
expect "the lease is over: not the internet" blocked twin tcp $INET 443
in_force "bridged, roam" "$proven; s/ports: \[lan0, lan2\]/ports: [lan0, lan2], roam: true/"
checks_in "bridged, roam: a check-in at the second port" br0
switched "bridged, roam, the second port" twin
goes lan0
switched "bridged, roam, the first port" cam
goes lan3
strange "bridged, roam, another port" far $GW_CAM

# In a VLAN of both ports, and in another one.
ip -n gw link set br0 type bridge vlan_filtering 1
for dev in lan0 lan2; do
	bridge -n gw vlan add dev $dev vid 20 pvid untagged
done
bridge -n gw vlan add dev br0 vid 20 self
ip -n gw link add link br0 name br0.20 type vlan id 20
ip -n gw addr del $GW_CAM/24 dev br0
ip -n gw addr add $GW_CAM/24 dev br0.20
ip -n gw link set br0.20 up
ip -n gw neigh replace $CAM lladdr $CAM_MAC nud permanent dev br0.20
in_force "in a VLAN" 's/ports: \[lan0, lan2\]/&, vlan: 20/'
goes lan0
expect "in a VLAN: the first port" poll 20 reaches cam tcp $INET 443
goes lan2
expect "in a VLAN: the second port" poll 20 reaches twin tcp $INET 443
expect "in a VLAN: from the gateway" poll 20 reaches gw tcp $CAM 22
bridge -n gw vlan add dev lan2 vid 30 pvid untagged
grows "in another VLAN of the second port: it counts as moved" $moved blocked twin tcp $INET 443
goes lan0
expect "in its own, at the first" poll 20 reaches cam tcp $INET 443
finish
