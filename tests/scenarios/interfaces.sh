#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# What each interface is to the policy: listed or closed, by its name and by what it is stacked on; at commit and later.
# kernels: torture
# seconds: 900
SERVICES='22 443'
. "$(dirname "$0")/lib.sh"
setup
for ns in cam lock; do
	on $ns sysctl -qw net.ipv6.conf.all.keep_addr_on_down=1 net.ipv6.conf.eth0.keep_addr_on_down=1
done
on gw sysctl -qw net.ipv6.conf.all.keep_addr_on_down=1 net.ipv4.conf.all.arp_ignore=1

# policy PORTS UPLINKS [MODE]: cam and lock are devices; who comes in on an uplink may ask the gateway for 22
policy() {
	cat <<-END
		version: 1
		mode: ${3:-enforce}
		ports: [$1]
		uplinks: [$2]
		segments:
		  iot_zone: {}
		  wan: {networks: [0.0.0.0/0, "::/0"]}
		rules:
		  - {from: iot_zone, to: wan, allow: [tcp/443]}
		  - {from: iot_zone, to: gateway, allow: [tcp/22]}
		  - {from: wan, to: gateway, allow: [tcp/22]}
		devices:
		  - {name: cam, mac: "$CAM_MAC", network_segment: iot_zone, addresses: [$CAM, "$CAM6", 10.0.65.11, "fd00:65::11"]}
		  - {name: lock, mac: "$LOCK_MAC", network_segment: iot_zone, addresses: [$LOCK, "$LOCK6"]}
	END
}

# in_force NAME PORTS UPLINKS [MODE]
in_force() {
	policy "${@:2}" >"$work/policy"
	expect "$1: is put in force" on gw cordonctl apply "$work/policy"
}

# tied NAME DEVICE PORT PORTS UPLINKS: in force, with a device that may be behind that port only
tied() {
	policy "${@:4}" | sed "/name: $2,/s/}\$/, port: $3}/" >"$work/policy"
	expect "$1: is put in force" on gw cordonctl apply "$work/policy"
}

# refused NAME SENTENCE PORTS UPLINKS
refused() {
	policy "${@:3}" >"$work/policy"
	refuse "$1: is refused" on gw cordonctl apply "$work/policy"
	grep -qF "$2" "$work/said" || sed 's/^/# /' "$work/said"
	grep -qF "$2" "$work/said"
	report $? "$1: the sentence"
}

# status_says NAME WORDS
status_says() {
	on gw cordonctl status >"$work/said" 2>&1
	grep -qF "$2" "$work/said" || sed 's/^/# /' "$work/said"
	grep -qF "$2" "$work/said"
	report $? "status: $1"
}

first_line() {
	[[ $(on gw cordonctl status) == "$1"* ]]
}

# interface NAME KEY: of status --json
interface() {
	on gw cordonctl status --json | python3 -c '
import json, sys
for i in json.load(sys.stdin)["interfaces"]:
    if i["name"] == sys.argv[1]:
        print(i.get(sys.argv[2]))' "$@"
}

# open_to NAME HOST ADDRESS ADDRESS6 PORT, closed_to likewise
# Perhaps not at once: neighbour discovery may have failed while it was closed, and waits before it tries again.
open_to() {
	expect "$1: passes, IPv4" poll 20 reaches "$2" tcp "$3" "$5"
	expect "$1: passes, IPv6" poll 20 reaches "$2" tcp "$4" "$5"
}
closed_to() {
	expect "$1: blocked, IPv4" blocked "$2" tcp "$3" "$5"
	expect "$1: blocked, IPv6" blocked "$2" tcp "$4" "$5"
}

# event KIND NAME WORDS: what the monitor says of an interface
event() {
	poll 20 grep -qF "interface $2: $3" "$work/events"
	report $? "event: $1"
}

events=''
listen() {
	: >"$work/events"
	: >"$work/listening"
	spawn gw cordonctl monitor >"$work/events" 2>"$work/listening"
	events=$!
	poll 20 grep -q listening "$work/listening"
}
deaf() {
	kill "$events"
	wait "$events" 2>/dev/null
}

# rename OLD NEW, enslave DEV MASTER, free DEV: all with the link down, as every kernel lets one
rename() {
	ip -n gw link set "$1" down
	ip -n gw link set "$1" name "$2"
	ip -n gw link set "$2" up
}
enslave() {
	ip -n gw link set "$1" down
	ip -n gw link set "$1" master "$2"
	ip -n gw link set "$1" up
}
free() {
	ip -n gw link set "$1" down
	ip -n gw link set "$1" nomaster
	ip -n gw link set "$1" up
}
# addresses FROM TO: move the gateway's addresses on lock's network to another interface
addresses() {
	ip -n gw addr flush dev "$1" scope global
	ip -n gw link set "$2" up
	on gw sysctl -qw "net.ipv6.conf.$2.accept_dad=0"
	ip -n gw addr add $GW_LOCK/24 dev "$2"
	ip -n gw addr add $GW_LOCK6/64 dev "$2" nodad
}

# What the gateway is, in the first line.
expect "no policy: OPEN" first_line OPEN
policy 'lan0, lan1' 'wan0, plant0' observe >"$work/policy"
expect "a first policy, to be confirmed" on gw cordonctl apply --confirm 1s "$work/policy"
expect "a first policy that nobody confirmed is gone: OPEN" poll 20 first_line OPEN
equal "and in JSON" open "$(on gw cordonctl status --json | sed -n 's/.*"guard": "\(.*\)".*/\1/p')"
open_to "OPEN: a stranger" lock $GW_LOCK $GW_LOCK6 22

# A misspelt port.
in_force "a port that is not there" 'lan0, lan11' 'wan0, plant0'
expect "mode enforce: GUARDED" first_line GUARDED
status_says "a port that is not there" "warning: port lan11: there is no such interface"
status_says "an interface that is not listed" "warning: interface lan1 is closed: the policy does not list it"
closed_to "who is behind an interface that is not listed, to the gateway" lock $GW_LOCK $GW_LOCK6 22
closed_to "who is behind an interface that is not listed, to the internet" lock $INET $INET6 443
grows "it counts as unlisted" anomalies/unlisted blocked lock tcp $GW_LOCK 22
open_to "a device behind a port" cam $INET $INET6 443
open_to "a host behind an uplink" plant 10.0.50.1 fd00:50::1 22
equal "a port that is not there, in JSON" "True port" "$(interface lan11 missing) $(interface lan11 listed)"
equal "an interface that is not listed, in JSON" "unlisted not-listed" "$(interface lan1 role) $(interface lan1 closed)"
on gw cordonctl show interfaces >"$work/table" 2>&1
expect "show interfaces: what is missing" grep -qE '^lan11 +missing +port' "$work/table"
expect "show interfaces: what is closed" grep -qE '^lan1 +closed +- ' "$work/table"
expect "show interfaces: what is open" grep -qE '^wan0 +uplink +uplink +wan0 +up' "$work/table"

# Renamed, with the policy in force.
in_force "mode observe" 'lan0, lan11' 'wan0, plant0' observe
expect "mode observe: OBSERVING" first_line OBSERVING
status_says "what would be closed" "warning: interface lan1 would be closed: the policy does not list it"
open_to "mode observe: who is behind an interface that is not listed" lock $GW_LOCK $GW_LOCK6 22
in_force "both ports" 'lan0, lan1' 'wan0, plant0, "up-*", "bond*", "br-*", "team*", "vrf*", "lan0.*"'
open_to "a device behind the other port" lock $INET $INET6 443
listen
rename lan0 enx01
closed_to "a port that is renamed" cam $INET $INET6 443
closed_to "a port that is renamed, to the gateway" cam $GW_CAM $GW_CAM6 22
status_says "the port is missing" "warning: port lan0: there is no such interface"
status_says "the new name is closed" "warning: interface enx01 is closed: the policy does not list it"
event "the port is gone" lan0 "gone, it is listed as port"
event "the new name is closed" enx01 "closed: the policy does not list it"
: >"$work/events"
rename enx01 lan0
open_to "a port that has its name again" cam $INET $INET6 443
event "the port is there again" lan0 port
rename lan0 up-lan
closed_to "a port that gets the name of an uplink" cam $INET $INET6 443
closed_to "a port that gets the name of an uplink, to the gateway" cam $GW_CAM $GW_CAM6 22
status_says "why" "warning: uplink up-lan is closed: it is listed as an uplink and was a port before it was renamed"
equal "in JSON" "unlisted was-port" "$(interface up-lan role) $(interface up-lan closed)"
rename up-lan enx01
rename enx01 up-lan
closed_to "the same by way of another name" cam $INET $INET6 443
rename up-lan lan0
open_to "and when it has its name back" cam $INET $INET6 443
deaf

# One that comes later.
listen
extra=late
host late late0 10.0.60.11 fd00:60::11 10.0.60.1 fd00:60::1
event "an interface that is not listed appears" late0 "closed: the policy does not list it"
closed_to "one that comes later, to the gateway" late 10.0.60.1 fd00:60::1 22
closed_to "one that comes later, to the internet" late $INET $INET6 443
rename late0 up-late
event "an uplink comes" up-late uplink
open_to "one that comes later and is listed" late 10.0.60.1 fd00:60::1 22
ip -n gw link del up-late
event "an uplink goes" up-late "gone, it is listed as uplink"
deaf

# A VLAN over a port: the device tags its frames into it.
tag() {
	ip -n gw link add link lan0 name lan0.5 type vlan id 5
	on gw sysctl -qw net.ipv6.conf.lan0/5.accept_dad=0
	ip -n gw addr add 10.0.65.1/24 dev lan0.5
	ip -n gw addr add fd00:65::1/64 dev lan0.5 nodad
	ip -n gw link set lan0.5 up
}
ip -n cam link add link eth0 name eth0.5 type vlan id 5
on cam sysctl -qw net.ipv6.conf.eth0/5.accept_dad=0
ip -n cam addr add 10.0.65.11/24 dev eth0.5
ip -n cam addr add fd00:65::11/64 dev eth0.5 nodad
ip -n cam link set eth0.5 up
tag
status_says "a VLAN that matches an uplink's pattern and came later" "warning: uplink lan0.5 is closed: it is listed as an uplink and lies on port lan0"
closed_to "a VLAN over a port, by a pattern of uplinks" cam 10.0.65.1 fd00:65::1 22
refused "a VLAN over a port, as uplink" "lan0.5 lies on port lan0: list it in ports, not in uplinks" 'lan0, lan1' 'wan0, plant0, lan0.5'
refused "a VLAN over a port, not listed" "lan0.5 lies on port lan0 and is not listed" 'lan0, lan1' 'wan0, plant0'
refused "a VLAN as port over what is not listed" "lan0 is below port lan0.5 and is not listed" 'lan0.5, lan1' 'wan0, plant0'
in_force "a VLAN over a port, as port" 'lan0, lan1, lan0.5' 'wan0, plant0'
open_to "a VLAN over a port, as port" cam 10.0.65.1 fd00:65::1 22
open_to "the port below it" cam $GW_CAM $GW_CAM6 22
tied "a device that is tied to a VLAN" cam lan0.5 'lan0, lan1, lan0.5' 'wan0, plant0'
open_to "a device that is tied to a VLAN, there" cam 10.0.65.1 fd00:65::1 22
closed_to "a device that is tied to a VLAN, by the port below it" cam $GW_CAM $GW_CAM6 22
grows "it counts as moved" "devices/$CAM_MAC/anomalies/moved_port" blocked cam tcp $GW_CAM 22
tied "a device that is tied to the port below a VLAN" cam lan0 'lan0, lan1, lan0.5' 'wan0, plant0'
open_to "a device that is tied to the port below a VLAN, there" cam $GW_CAM $GW_CAM6 22
closed_to "a device that is tied to the port below a VLAN, by the VLAN" cam 10.0.65.1 fd00:65::1 22
ip -n gw link del lan0.5
in_force "the VLAN is no longer listed" 'lan0, lan1' 'wan0, plant0, "up-*", "bond*", "br-*", "team*", "vrf*"'
tag
closed_to "a VLAN that is not listed and came later" cam 10.0.65.1 fd00:65::1 22
expect "a change of one device is not refused for it" on gw cordonctl device set lock --model acme
ip -n gw link del lan0.5
open_to "the port after that" cam $GW_CAM $GW_CAM6 22

# A second MAC address of the gateway's on its port, as keepalived has it.
ip -n gw link add link lan0 name mv0 type macvlan mode private
on gw sysctl -qw net.ipv6.conf.mv0.accept_dad=0
ip -n gw addr add 10.0.20.2/24 dev mv0 noprefixroute
ip -n gw addr add fd00:20::2/64 dev mv0 nodad noprefixroute
ip -n gw link set mv0 up
closed_to "a macvlan over a port, not listed" cam 10.0.20.2 fd00:20::2 22
in_force "a macvlan over a port, not listed" 'lan0, lan1' 'wan0, plant0, "mv*", "br-*"'
open_to "a macvlan over a port, in uplinks" cam 10.0.20.2 fd00:20::2 22
equal "it is the port to packets" "port lan0" "$(interface mv0 role) $(interface mv0 other)"
ip -n cam link set eth0 address 02:00:00:00:01:99
closed_to "a stranger by a macvlan over a port" cam 10.0.20.2 fd00:20::2 22
ip -n cam link set eth0 address $CAM_MAC
in_force "a macvlan over a port, in ports" 'lan0, lan1, mv0' 'wan0, plant0, "br-*"'
open_to "a macvlan over a port, in ports" cam 10.0.20.2 fd00:20::2 22
open_to "the port below it" cam $GW_CAM $GW_CAM6 22
# one_wire NAME: cam may come in on either, and be reached, also where it is tied to one of them
one_wire() {
	moved=$(kind moved_port)
	open_to "$1, to the other's address" cam 10.0.20.2 fd00:20::2 22
	open_to "$1, to the port's" cam $GW_CAM $GW_CAM6 22
	open_to "$1, through the gateway" cam $INET $INET6 443
	open_to "$1, from the gateway" gw $CAM $CAM6 22
	equal "$1: nothing counts as moved" "$moved" "$(kind moved_port)"
	for in in lan0 mv0; do
		explained "$1, in on $in" $in allow
	done
}
explained() {	# NAME INTERFACE WORD: what explain says of what cam sends to the gateway there
	on gw cordonctl explain --from cam --to gateway --proto tcp --dport 22 --in $2 >"$work/said" 2>&1
	grep -q "^$3" "$work/said" || sed 's/^/# /' "$work/said"
	grep -q "^$3" "$work/said"
	report $? "explain: $1"
}
tied "a device that is tied to a macvlan" cam mv0 'lan0, lan1, mv0' 'wan0, plant0'
one_wire "a device that is tied to a macvlan"
tied "a device that is tied to the port below a macvlan" cam lan0 'lan0, lan1, mv0' 'wan0, plant0'
one_wire "a device that is tied to the port below a macvlan"
tied "a device that is tied to a macvlan over another port" lock mv0 'lan0, lan1, mv0' 'wan0, plant0'
closed_to "a device that is tied to a macvlan over another port" lock $GW_LOCK $GW_LOCK6 22
grows "it counts as moved" "devices/$LOCK_MAC/anomalies/moved_port" blocked lock tcp $GW_LOCK 22
tied "a device that is tied to another port than the macvlan's" cam lan1 'lan0, lan1, mv0' 'wan0, plant0'
explained "a device that is tied to another port than the macvlan's" mv0 deny
tied "a device that is tied to a macvlan, once more" cam mv0 'lan0, lan1, mv0' 'wan0, plant0'
ip -n gw link del mv0
closed_to "a device that is tied to a macvlan that is gone" cam $GW_CAM $GW_CAM6 22
status_says "a macvlan that is gone" "warning: port mv0: there is no such interface"
# over KIND MODE: mv0 as that, over lan0
over() {
	ip -n gw link add link lan0 name mv0 type "$1" mode "$2"
	on gw sysctl -qw net.ipv6.conf.mv0.accept_dad=0
	ip -n gw addr add 10.0.20.2/24 dev mv0 noprefixroute
	ip -n gw addr add fd00:20::2/64 dev mv0 nodad noprefixroute
	ip -n gw link set mv0 up
	# It has another MAC than the one before.
	ip -n cam neigh flush dev eth0
}
over ipvlan l2
one_wire "an ipvlan of that name that came later"
ip -n gw link del mv0
over macvlan private
one_wire "a macvlan that came later"
in_force "a macvlan over a port, in uplinks" 'lan0, lan1' 'wan0, plant0, mv0'
rename lan0 enx01
status_says "a macvlan over a port that was renamed" "warning: uplink mv0 is closed: it shares the wire of enx01, which is closed"
closed_to "a macvlan over a port that was renamed" cam 10.0.20.2 fd00:20::2 22
expect "a change of one device leaves it so" on gw cordonctl device set lock --model acme2
equal "still closed" on-closed "$(interface mv0 closed)"
rename enx01 lan0
open_to "a macvlan over a port that has its name again" cam 10.0.20.2 fd00:20::2 22
ip -n gw link del mv0

# A port becomes a member of something that a pattern of uplinks matches.
in_force "patterns" 'lan0, lan1' 'wan0, plant0, "bond*", "br-*", "team*", "vrf*"'
# master NAME SENTENCE KIND...: lan1 in it, and out again
master() {
	local name=$1 sentence=$2
	ip -n gw link add "$name" type "${@:3}" || return
	open_to "$name: before" lock $GW_LOCK $GW_LOCK6 22
	listen
	enslave lan1 "$name"
	event "$name: the port is closed" lan1 "closed: it is in $name, as which its packets arrive"
	event "$name: so is the master" "$name" "closed: it is listed as an uplink and lies on port lan1"
	equal "$name: the port, in JSON" "unlisted in-master $name" "$(interface lan1 role) $(interface lan1 closed) $(interface lan1 other)"
	status_says "$name lies on a port" "warning: uplink $name is closed: it is listed as an uplink and lies on port lan1"
	[ "$3" = vrf ] || addresses lan1 "$name"
	ip -n gw link set "$name" up
	closed_to "$name: who is behind it, to the gateway" lock $GW_LOCK $GW_LOCK6 22
	closed_to "$name: who is behind it, to the internet" lock $INET $INET6 443
	open_to "$name: the other port" cam $INET $INET6 443
	refused "$name: the policy, once more" "$sentence" 'lan0, lan1' "wan0, $name"
	: >"$work/events"
	free lan1
	event "$name: open again" "$name" uplink
	event "$name: the port, too" lan1 port
	deaf
	ip -n gw link del "$name"
	addresses lan1 lan1
	open_to "$name: after" lock $GW_LOCK $GW_LOCK6 22
}
for module in bonding bridge vrf team; do
	modprobe $module 2>/dev/null
done
master bond9 "port lan1 is in bond9: packets arrive as bond9's" bond mode active-backup miimon 100
master br-9 "br-9 is the bridge of port lan1: take it out of uplinks" bridge
master vrf9 "port lan1 is in vrf9: packets arrive as vrf9's" vrf table 9
[ ! -d /sys/module/team ] || master team9 "port lan1 is in team9: packets arrive as team9's" team

# Masters that are ports themselves.
ip -n gw link add bond9 type bond mode active-backup miimon 100
enslave lan1 bond9
addresses lan1 bond9
ip -n gw link set bond9 up
in_force "a bond as port, its member not listed" 'lan0, bond9' 'wan0, plant0'
open_to "a device behind a bond" lock $GW_LOCK $GW_LOCK6 22
tied "a device that is tied to a bond" lock bond9 'lan0, bond9' 'wan0, plant0'
open_to "a device that is tied to a bond" lock $GW_LOCK $GW_LOCK6 22
open_to "a device that is tied to a bond, from the gateway" gw $LOCK $LOCK6 22
ip -n lock link set eth0 address 02:00:00:00:01:99
closed_to "a stranger behind a bond" lock $GW_LOCK $GW_LOCK6 22
ip -n lock link set eth0 address $LOCK_MAC
refused "a bond over a port, not listed" "port lan1 is in bond9: packets arrive as bond9's" 'lan0, lan1' 'wan0, plant0'
free lan1
ip -n gw link del bond9
addresses lan1 lan1
ip -n gw link add br0 type bridge
refused "a bridge as port" "port br0 is a bridge: list its members instead" 'lan0, br0' 'wan0, plant0'
ip -n gw link del br0
ip -n gw link add vrf9 type vrf table 9
refused "a VRF as port" "port vrf9 is a VRF: its members' packets arrive as theirs" 'lan0, vrf9' 'wan0, plant0'
ip -n gw link del vrf9

# Containers on a bridge that is an uplink, with bridged frames shown to netfilter.
modprobe br_netfilter
in_force "a bridge that is an uplink" 'lan0, lan1' 'wan0, plant0, "docker*"'
ip -n gw link add docker0 type bridge
ip -n gw link set docker0 up
extra='late two'
for n in 1 2; do
	ns=$(echo $extra | cut -d ' ' -f $n)
	ip netns add "$ns" 2>/dev/null
	ip link add veth$n netns gw type veth peer name eth1 netns "$ns"
	on "$ns" sysctl -qw net.ipv6.conf.eth1.accept_dad=0
	ip -n "$ns" link set lo up
	ip -n "$ns" addr add 172.17.0.$n/24 dev eth1
	ip -n "$ns" addr add fd00:17::$n/64 dev eth1 nodad
	ip -n "$ns" link set eth1 up
	ip -n gw link set veth$n master docker0 up
done
serve two
open_to "containers of a bridge that is an uplink, among themselves" late 172.17.0.2 fd00:17::2 443
equal "its members are not listed, and need not be" not-listed "$(interface veth1 closed)"
open_to "devices, with br_netfilter" cam $INET $INET6 443
policy 'lan0, lan1' 'wan0, plant0' | apply >/dev/null 2>&1
closed_to "containers of a bridge that is not listed" late 172.17.0.2 fd00:17::2 443

rmmod cordon
rmmod br_netfilter
modprobe cordon lockdown=1
expect "no policy, lockdown: LOCKED" first_line LOCKED
closed_to "LOCKED: to the internet" cam $INET $INET6 443
open_to "LOCKED: to the gateway" cam $GW_CAM $GW_CAM6 22
finish
