#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Interfaces that come late, vanish and return under the policy that lists them: a VLAN on a port, a network card on
# USB, PPPoE's ppp0. While a card does, somebody unknown sends all the time, and none of it comes through.
# With TORTURE=1 also an access point of hostapd's.
# kernels: torture
# seconds: 600
# needs: tests/vm/daemons.sh
# torture: tests/vm/neighbours.sh
#
#   cam, lock, plant, inet: lib.sh
#   lock  10.0.65.12  VLAN 7 ── lan1.7 ┐
#   inet  203.0.113.1  ══ PPPoE ══ ppp0 ┤
#   one   10.0.66.11 ┐                  ├ gw
#   two   10.0.66.12 ┴ radio ─── wlan0 ┘
SERVICES='22 80 443'
. "$(dirname "$0")/lib.sh"
tree=daemons
[ -z "${TORTURE-}" ] || tree=neighbours
tree=$("$(dirname "$0")/../vm/$tree.sh") || exit
setup
enter_tree
modprobe -a ppp_generic pppoe 8021q

policy() {
	sed "${1-}" <<-END | apply
		version: 1
		mode: enforce
		ports: [lan0, lan1, lan1.7]
		uplinks: [wan0, plant0, ppp0]
		segments:
		  iot_zone: {}
		  isp: {networks: [203.0.113.0/24], interfaces: [ppp0]}
		  wan: {networks: [0.0.0.0/0, "::/0"], interfaces: [wan0, ppp0]}
		rules:
		  - {from: iot_zone, to: wan, allow: [tcp/443, udp/9]}
		  - {from: iot_zone, to: isp, allow: [tcp/443]}
		  - {from: iot_zone, to: gateway, allow: [tcp/22]}
		  - {from: isp, to: gateway, allow: [tcp/443]}
		devices:
		  - {name: cam, mac: "$CAM_MAC", network_segment: iot_zone, addresses: [$CAM, "$CAM6"]}
		  - {name: lock, mac: "$LOCK_MAC", network_segment: iot_zone, addresses: [$LOCK, "$LOCK6", 10.0.65.12]}
	END
}
missing() {	# port|uplink NAME
	on gw cordonctl status 2>&1 | shows "warning: $1 $2: there is no such interface"
}
present() {
	! missing "$@"
}
stranger() {	# yes|no: whether what sends behind lan1 has a MAC that nobody knows
	local mac=$LOCK_MAC
	[ "$1" = no ] || mac=02:00:00:00:01:99
	ip -n lock link set eth0 address "$mac"
}
arrived() {	# datagrams to inet's port 9
	on inet nft list counter inet count arrived | sed -n 's/.*packets \([0-9]*\).*/\1/p'
}
more() {	# FILE BEFORE
	[ "$(counter "$1")" -gt "$2" ]
}
# counted NAME ANOMALY: what the stranger sends is, from now on
counted() {
	expect "$1: what a stranger sends is counted as $2" poll 20 more "anomalies/$2" "$(counter "anomalies/$2")"
}

# A VLAN that systemd-networkd or ifupdown makes after the policy
vlan() {
	ip -n gw link add link lan1 name lan1.7 type vlan id 7
	ip -n gw addr add 10.0.65.1/24 dev lan1.7
	ip -n gw link set lan1.7 up
}
vlans() {
	expect "VLAN: status says that it is missing" missing port lan1.7
	ip -n lock link add link eth0 name eth0.7 type vlan id 7
	ip -n lock addr add 10.0.65.12/24 dev eth0.7
	ip -n lock link set eth0.7 up
	vlan
	expect "VLAN: it is no longer missing" present port lan1.7
	expect "VLAN that comes late: a device" poll 20 reaches lock tcp 10.0.65.1 22
	lock_denied "VLAN that comes late: what no rule opens" reaches lock tcp 10.0.65.1 80 500
	ip -n lock link set eth0.7 address 02:00:00:00:01:99
	expect "VLAN that comes late: a stranger" blocked lock tcp 10.0.65.1 22
	ip -n lock link set eth0.7 address $LOCK_MAC
	ip -n gw link del lan1.7
	expect "VLAN: gone, it is missing again" missing port lan1.7
	vlan
	expect "VLAN that returns: a device" poll 20 reaches lock tcp 10.0.65.1 22
	ip -n gw link del lan1.7
	ip -n lock link del eth0.7
}
lock_denied() {	# NAME COMMAND...: lock's connection is denied and counted
	local before
	before=$(kind segment_violation $LOCK_MAC)
	! "${@:2}"
	report $? "$1: refused"
	[ "$(kind segment_violation $LOCK_MAC)" -gt "$before" ]
	report $? "$1: counted as segment_violation"
}

# A card on USB: gone, and back under the kernel's name, which udev changes
plug() {	# yes|no, as of stranger()
	ip link add usb0 netns gw type veth peer name eth0 netns lock
	ip -n lock addr add $LOCK/24 dev eth0
	ip -n lock link set eth0 up
	stranger "$1"
	ip -n lock route add default via $GW_LOCK
	ip -n gw link set usb0 up
}
named() {	# NAME: usb0 gets it
	ip -n gw link set usb0 down
	ip -n gw link set usb0 name "$1"
	ip -n gw addr add $GW_LOCK/24 dev "$1"
	ip -n gw link set "$1" up
	# The stranger's answers to ARP are not heard.
	ip -n lock neigh replace $GW_LOCK lladdr "$(mac_of gw "$1")" dev eth0
}
cards() {
	local n

	on inet nft -f - <<-END
		table inet count {
			counter arrived { }
			chain input { type filter hook prerouting priority filter; udp dport 9 counter name arrived; }
		}
	END
	ip netns exec lock python3 - $INET <<-'END' &
		import socket, sys, time
		with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
		    while True:
		        try:
		            udp.sendto(b"x", (sys.argv[1], 9))
		        except OSError:
		            pass
		        time.sleep(0.002)
	END
	sender=$!
	stranger yes
	ip -n lock neigh replace $GW_LOCK lladdr "$(mac_of gw lan1)" dev eth0
	ip -n lock route replace default via $GW_LOCK
	counted "card" unknown_device
	poll 20 equal_twice
	before=$(arrived)
	for n in 1 2 3; do
		ip -n gw link del lan1
		expect "card: pulled, $n: it is missing" missing port lan1
		plug yes
		on lock ip neigh replace $GW_LOCK lladdr "$(mac_of gw usb0)" dev eth0
		counted "card: plugged in, under another name, $n" unlisted
		named lan1
		expect "card: named, $n: it is there" present port lan1
		counted "card: named, $n" unknown_device
	done
	for n in 1 2 3; do
		ip -n gw link set lan1 down
		ip -n gw link set lan1 name eth7
		ip -n gw link set eth7 up
		ip -n gw link set eth7 down
		ip -n gw link set eth7 name lan1
		ip -n gw link set lan1 up
	done
	counted "card: renamed under traffic" unknown_device
	equal "card: nothing of it came through" "$before" "$(arrived)"
	ip -n gw link del lan1
	plug no
	named lan1
	expect "card: from the device itself all comes through" poll 20 through "$before"
	kill $sender
}
through() {
	[ "$(arrived)" -gt "$1" ]
}
equal_twice() {	# nothing of the device's own is on its way any more
	local n
	n=$(arrived)
	[ "$n" = "$(arrived)" ]
}

# PPPoE to inet
dial() {
	daemon gw pppd pppd plugin pppoe.so wan0 noauth nodetach noipdefault ifname ppp0 noaccomp nopcomp
	poll 60 dialled
}
dialled() {	# the server gives each connection another address
	address=$(on gw ip -4 -o addr show ppp0 | grep -o '203\.0\.113\.[1-9][0-9]' | head -n 1)
	[ -n "$address" ]
}
dials() {
	printf '%s\n' noauth lcp-echo-interval 0 nodetach >"$work/pppoe.options"
	daemon inet pppoe-server pppoe-server -F -I eth0 -L 203.0.113.1 -R 203.0.113.10 -N 4 -O "$work/pppoe.options"
	on gw nft -f - <<-END
		table ip nat {
			chain postrouting { type nat hook postrouting priority srcnat; oifname "ppp0" masquerade; }
			chain forward { type filter hook forward priority mangle; oifname "ppp0" tcp flags syn tcp option maxseg size set rt mtu; }
		}
	END
	expect "PPPoE: status says that ppp0 is missing" missing uplink ppp0
	for n in first second; do
		expect "PPPoE: the $n connection" dial
		[ -d "/proc/$(cat "$work/pppd.pid")" ] || cat "$work/pppd.log"
		expect "PPPoE: ppp0 is there, $n" present uplink ppp0
		expect "PPPoE: a device to the internet by ppp0, $n" poll 20 reaches cam tcp 203.0.113.1 443
		denied segment_violation "PPPoE: by ppp0, $n, without a rule" reaches cam tcp 203.0.113.1 80 500
		expect "PPPoE: from outside to the gateway, $n" reaches inet tcp "$address" 443
		expect "PPPoE: from outside to the gateway, $n, without a rule" blocked inet tcp "$address" 22
		expect "PPPoE: hung up, $n: ppp0 is missing" hang_up
	done
	expect "PPPoE: a policy without ppp0" policy 's/, ppp0\]/]/; /isp/d'
	expect "PPPoE: a connection" dial
	expect "PPPoE, not listed: a device to the internet" blocked cam tcp 203.0.113.1 443
	expect "PPPoE, not listed: status says that ppp0 is closed" closed_ppp
	kill "$(cat "$work/pppd.pid")"
	expect "the policy, once more" policy
}
hang_up() {
	kill "$(cat "$work/pppd.pid")"
	poll 20 missing uplink ppp0
}
closed_ppp() {
	on gw cordonctl status 2>&1 | shows "interface ppp0 is closed: the policy does not list it"
}

# An access point, and two stations of it that are devices
radio() {	# NUMBER NS: it is the namespace's wlan0
	chroot "$tree" iw "phy#$1" set netns "$(ip netns pids "$2" | head -n 1)"
	[ "$1" = 0 ] || ip -n "$2" link set "wlan$1" name wlan0
}
station() {	# NUMBER NS MAC ADDRESS
	ip netns add "$2"
	serve "$2"
	radio "$1" "$2"
	ip -n "$2" link set wlan0 address "$3"
	ip -n "$2" link set lo up
	ip -n "$2" addr add "$4/24" dev wlan0
	daemon "$2" "station-$2" wpa_supplicant -i wlan0 -D nl80211 -c "$work/station.conf"
}
known() {	# NAME MAC NUMBER: a line of the policy
	echo "  - {name: $1, mac: '$2', network_segment: iot_zone, addresses: [10.0.66.$3]}"
}
access_point() {	# yes|no: whether it passes frames from one station to another
	printf '%s\n' interface=wlan0 driver=nl80211 ssid=cordon hw_mode=g channel=1 "ap_isolate=$1" >"$work/hostapd.conf"
	daemon gw hostapd hostapd "$work/hostapd.conf"
	poll 60 grep -q AP-ENABLED "$work/hostapd.log"
}
radios() {
	local one=02:00:00:00:02:01 two=02:00:00:00:02:02

	extra='one two'
	printf '%s\n' 'network={' 'ssid="cordon"' key_mgmt=NONE '}' >"$work/station.conf"
	expect "access point: a policy" policy "s/, lan1.7\]/, wlan0]/; s/^devices:/&\\n$(known one $one 11)\\n$(known two $two 12)/"
	expect "access point: status says that it is missing" missing port wlan0
	modprobe mac80211_hwsim radios=3
	radio 0 gw
	ip -n gw addr add 10.0.66.1/24 dev wlan0
	access_point 0
	report $? "access point: hostapd has it"
	expect "access point: it is there" present port wlan0
	station 1 one $one 10.0.66.11
	station 2 two $two 10.0.66.12
	expect "access point: a station to the gateway" poll 60 reaches one tcp 10.0.66.1 22
	expect "access point: another" poll 60 reaches two tcp 10.0.66.1 22
	expect "access point: a station to the gateway, without a rule" blocked one tcp 10.0.66.1 80
	expect "without ap_isolate: a station to another, whatever the policy says" poll 20 reaches one tcp 10.0.66.12 443
	kill "$(cat "$work/hostapd.pid")"
	poll 20 grep -q AP-DISABLED "$work/hostapd.log"
	access_point 1
	expect "with ap_isolate: a station to the gateway" poll 60 reaches one tcp 10.0.66.1 22
	expect "with ap_isolate: another" poll 60 reaches two tcp 10.0.66.1 22
	expect "with ap_isolate: a station to another" blocked one tcp 10.0.66.12 443
	kill "$(cat "$work/hostapd.pid")"
	rmmod mac80211_hwsim
}

expect "a policy that lists what is not there yet" policy
parts=(vlans dials cards)
[ -z "${TORTURE-}" ] || parts+=(radios)
[ $# = 0 ] || parts=("$@")
for part in "${parts[@]}"; do
	$part
done
finish
