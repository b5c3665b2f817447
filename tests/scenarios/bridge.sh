#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Ports in a bridge: what is switched between them is judged as what is routed, IPv4, IPv6 and ARP; nothing is judged or
# counted twice with br_netfilter, and nothing escapes without; frames reach whom they may reach, and nobody beside.
# kernels: all
# seconds: 420
SERVICES='22 53 443'
. "$(dirname "$0")/lib.sh"

PLUG=10.0.20.13 PLUG6=fd00:20::13 PLUG_MAC=02:00:00:00:01:03
NEAR=10.0.20.12 NEAR6=fd00:20::12	# lock, moved into cam's network
extra=plug
setup

# br0 with cam, lock and plug, each on a port of its own
bridge() {
	host plug lan2 $PLUG $PLUG6 $GW_CAM $GW_CAM6 $PLUG_MAC
	ip -n lock addr flush dev eth0 scope global
	ip -n lock addr add $NEAR/24 dev eth0
	ip -n lock addr add $NEAR6/64 dev eth0 nodad
	ip -n lock route replace default via $GW_CAM
	ip -n lock -6 route replace default via $GW_CAM6
	serve plug
	bridge_lan lan0 lan1 lan2
}

policy() {
	cat <<-END
		version: 1
		mode: enforce
		ports: [lan0, lan1, lan2]
		uplinks: [wan0, plant0]
		segments:
		  iot_zone: {isolate: true}
		  office: {isolate: false}
		  wan: {networks: [0.0.0.0/0, "::/0"]}
		rules:
		  - {from: office, to: iot_zone, allow: [tcp/443, udp/443, icmp/echo-request, icmp6/echo-request]}
		  - {from: iot_zone, to: wan, allow: [tcp/443]}
		  - {from: office, to: wan, allow: [tcp/443, udp/443]}
		  - {from: iot_zone, to: gateway, allow: [tcp/22]}
		devices:
		  - {name: cam, mac: "$CAM_MAC", network_segment: iot_zone, addresses: [$CAM, "$CAM6"]}
		  - {name: plug, mac: "$PLUG_MAC", network_segment: iot_zone, addresses: [$PLUG, "$PLUG6"], port: lan2}
		  - {name: lock, mac: "$LOCK_MAC", network_segment: office, addresses: [$NEAR, "$NEAR6"]}
	END
}

neighbours_forget() {
	for ns in gw cam lock plug; do
		ip -n $ns neigh flush all
	done
}

# judged WORDS: what the policy says of three devices in a bridge, and of them and the rest of the world
judged() {
	neighbours_forget
	expect "$1: a rule admits it, IPv4" poll 20 reaches lock tcp $CAM 443
	expect "$1: a rule admits it, IPv6" poll 20 reaches lock tcp $CAM6 443
	expect "$1: likewise, to a device that is tied to its port" poll 20 reaches lock tcp $PLUG 443
	expect "$1: UDP and its answer" poll 20 reaches lock udp $CAM 443
	grows "$1: no rule admits it, and it counts" "devices/$LOCK_MAC/anomalies/segment_violation" blocked lock tcp $CAM 22
	expect "$1: no rule admits it, IPv4" blocked lock tcp $CAM 22
	expect "$1: no rule admits it, IPv6" blocked lock tcp $CAM6 22
	expect "$1: nor the other way round" blocked cam tcp $NEAR 443
	expect "$1: isolated from each other, IPv4" blocked cam tcp $PLUG 443
	expect "$1: isolated from each other, IPv6" blocked cam tcp $PLUG6 443
	expect "$1: routed to the internet, IPv4" poll 20 reaches cam tcp $INET 443
	expect "$1: routed to the internet, IPv6" poll 20 reaches cam tcp $INET6 443
	expect "$1: routed, and no rule admits it" blocked cam tcp $INET 22
	expect "$1: to the gateway" poll 20 reaches cam tcp $GW_CAM 22
	expect "$1: to the gateway, no rule admits it" blocked lock tcp $GW_CAM 22
	expect "$1: from the gateway" poll 20 reaches gw tcp $CAM 22
}

bridge
expect "without a policy: everything passes" poll 20 reaches lock tcp $CAM 22
expect "without a policy: to another device" poll 20 reaches lock tcp $PLUG 443
# As the bridge knows where they are, and the neighbours each other's MAC, nobody has to be asked first.
for to in "$CAM $CAM_MAC" "$PLUG $PLUG_MAC"; do
	ip -n lock neigh replace "${to% *}" lladdr "${to#* }" nud permanent dev eth0
	ip -n gw neigh replace "${to% *}" lladdr "${to#* }" nud permanent dev br0
done
policy | sed 's/, port: lan2//' >"$work/policy"
expect "ports in a bridge: the policy is put in force" on gw cordonctl apply "$work/policy"
expect "a device that has not said anything since: by the bridge" poll 2 reaches lock tcp $CAM 443
expect "likewise, from the gateway" poll 2 reaches gw tcp $PLUG 443
policy >"$work/policy"
expect "a device is tied to its port: the policy is put in force" on gw cordonctl apply "$work/policy"
on gw cordonctl show interfaces >"$work/interfaces" 2>&1
expect "the bridge is one of ports" grep -qE "^br0 +bridge " "$work/interfaces"
judged "without br_netfilter"
cases bridge.py

# once WORDS: each is counted once
once() {
	local to
	for to in $CAM $CAM6; do ip -n gw neigh replace "$to" lladdr $CAM_MAC nud permanent dev br0; done
	for to in $NEAR $NEAR6; do ip -n gw neigh replace "$to" lladdr $LOCK_MAC nud permanent dev br0; done
	for to in "$CAM" "$INET"; do
		counted_ten "$1: ten datagrams to $to are counted as ten" "10 $([ "$to" = "$CAM" ] && echo 10 || echo 0) 10" \
			lock "$to" "devices/$LOCK_MAC/rx_packets" "devices/$CAM_MAC/tx_packets" segments/office/packets
	done
}
once "without br_netfilter"

modprobe br_netfilter
on gw sysctl -qw net.bridge.bridge-nf-call-iptables=1 net.bridge.bridge-nf-call-ip6tables=1 net.bridge.bridge-nf-call-arptables=1
judged "with br_netfilter"
cases bridge.py "with br_netfilter"
once "with br_netfilter"
on gw sysctl -qw net.bridge.bridge-nf-call-iptables=0 net.bridge.bridge-nf-call-ip6tables=0 net.bridge.bridge-nf-call-arptables=0

ip -n gw link set br0 type bridge vlan_filtering 1
judged "a bridge that knows VLANs"
ip -n gw link set br0 type bridge vlan_filtering 0

# What is not listed has no part in it, and what would open it is not put in force.
ip -n gw link add lan3 type veth peer name eth1 netns plant
ip -n gw link set lan3 master br0 up
ip -n plant link set eth1 up
ip -n plant addr add 10.0.20.99/24 dev eth1
grows "a member that is not listed: what comes in counts as unlisted" anomalies/unlisted on plant ping -c 1 -W 1 -I eth1 $GW_CAM
expect "a member that is not listed: nothing gets to the gateway" blocked plant tcp $GW_CAM 22
refused() {	# NAME SENTENCE SED
	policy | sed "$3" >"$work/policy"
	refuse "$1: is refused" on gw cordonctl apply "$work/policy"
	grep -qF "$2" "$work/said" || sed 's/^/# /' "$work/said"
	grep -qF "$2" "$work/said"
	report $? "$1: the sentence"
}
refused "a member as an uplink" "uplink lan3 is in br0 with a port: list it in ports" 's/plant0]/plant0, lan3]/'
refused "the bridge as an uplink" "br0 is the bridge of port lan0: take it out of uplinks" 's/plant0]/plant0, br0]/'
refused "the bridge as a port" "port br0 is a bridge: list its members instead" 's/lan2]/lan2, br0]/'
policy >"$work/policy"
expect "the policy is put in force again" on gw cordonctl apply "$work/policy"
judged "beside a member that is not listed"
ip -n gw link set lan3 nomaster

# A lease, and where it holds. Who bears cam's MAC on another port takes neither its lease nor its frames.
policy | sed 's/{isolate: true}/{isolate: true, authentication: certificate}/' >"$work/policy"
expect "certificates are demanded: the policy is put in force" on gw cordonctl apply "$work/policy"
br0=$(on gw cat /sys/class/net/br0/ifindex)
expect "without a lease: the gateway's services are open" poll 20 reaches cam tcp $GW_CAM 53
expect "without a lease: not the internet" blocked cam tcp $INET 443
expect "without a lease: nobody gets to it" blocked lock tcp $CAM 443
equal "a check-in by the bridge" "cam active iot_zone aa" "$(on gw checkin in $CAM_MAC $CAM "$br0" aa | sed 's/ [0-9]*$//')"
expect "with a lease: the internet" reaches cam tcp $INET 443
expect "with a lease: others get to it, IPv4" poll 20 reaches lock tcp $CAM 443
expect "with a lease: others get to it, IPv6" poll 20 reaches lock tcp $CAM6 443
ip -n lock addr flush dev eth0 scope global
ip -n lock link set eth0 address $CAM_MAC
ip -n lock addr add $CAM/24 dev eth0
ip -n lock route replace default via $GW_CAM
moved=devices/$CAM_MAC/anomalies/moved_port
grows "its MAC on another port: counts as moved" $moved blocked lock tcp $INET 443
expect "its MAC on another port: not the internet" blocked lock tcp $INET 443
expect "its MAC on another port: no service of the gateway" blocked lock tcp $GW_CAM 53
expect "and cam goes on" reaches cam tcp $INET 443
ip -n lock addr flush dev eth0 scope global
ip -n lock link set eth0 address $LOCK_MAC
ip -n lock addr add $NEAR/24 dev eth0
ip -n lock route replace default via $GW_CAM
neighbours_forget
expect "the neighbour, under its own name" poll 20 reaches lock tcp $CAM 443
on gw cordonctl device lease cam 0s >/dev/null
expect "the lease is over: nobody gets to it" blocked lock tcp $CAM 443
expect "the lease is over: not the internet" blocked cam tcp $INET 443

# observe: the same is counted, and all passes.
policy | sed 's/^mode: .*/mode: observe/' >"$work/policy"
expect "observe: the policy is put in force" on gw cordonctl apply "$work/policy"
grows "observe: no rule admits it, and it counts" "devices/$LOCK_MAC/anomalies/segment_violation" reaches lock tcp $CAM 22
expect "observe: and passes" reaches lock tcp $CAM 22
expect "observe: between isolated devices, too" poll 20 reaches cam tcp $PLUG 443

# A kernel that cannot tell who opened what a bridge switches.
rmmod cordon
rmmod nf_conntrack_bridge
echo 'install nf_conntrack_bridge /bin/false' >/etc/modprobe.d/cordon-test.conf
modprobe cordon
refused "without nf_conntrack_bridge" "a port is in a bridge: the kernel lacks nf_conntrack_bridge" ''
rm /etc/modprobe.d/cordon-test.conf
policy >"$work/policy"
expect "with it: the policy is put in force" on gw cordonctl apply "$work/policy"
finish
