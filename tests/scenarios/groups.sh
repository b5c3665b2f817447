#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Packets for a group or for a subnet's broadcast address that the gateway forwards: judged towards all segments on the
# link that they leave by. The gateway routes groups (239.1.1.N and ff05::N), mroute.py:
#   1 cam -> lan1    2 inet -> lan0    3 cam -> plant0    4 cam -> lan1 and plant0    5 inet -> lan1    6 lock -> lan0
# kernels: torture
SERVICES=''
. "$(dirname "$0")/lib.sh"
serve() { :; }
setup

# policy RULES [DEVICES]: lock is tied to no port; its address lies in lan1's subnet
policy() {
	apply >/dev/null <<-END
		version: 1
		ports: [lan0, lan1]
		uplinks: [wan0, plant0]
		segments:
		  iot: {${iot-}}
		  doors: {${doors-}}
		  bells: {}
		  late: {}
		  plant: {networks: [10.0.50.0/24, "fd00:50::/64"]${plant-}}
		  wan: {networks: [0.0.0.0/0, "::/0"]}
		rules:$1
		devices:
		  - {name: cam, mac: "$CAM_MAC", network_segment: iot, addresses: [$CAM, "$CAM6"], port: lan0}
		  - {name: lock, mac: "$LOCK_MAC", network_segment: doors, addresses: [$LOCK, "$LOCK6"]${lock-}}
		  - {name: late, mac: 02:00:00:00:01:09, network_segment: late, addresses: [10.0.31.9, "fd00:31::9"]}${2-}
	END
}

declare -A v4=([cam]=$CAM [lock]=$LOCK [plant]=$PLANT [inet]=$INET)
declare -A v6=([cam]=$CAM6 [lock]=$LOCK6 [plant]=$PLANT6 [inet]=$INET6)
declare -A mac
for h in cam lock plant inet; do
	mac[$h]=$(mac_of $h eth0)
	on $h probe sniff eth0 "$work/$h.seen" >"$work/$h.sniff" &
	poll 20 grep -q ready "$work/$h.sniff"
done
routes=()
for f in 4 6; do
	[ $f = 4 ] && group=239.1.1. || group=ff05::
	declare -n address=v$f
	routes+=("${address[cam]},${group}1,lan0,lan1" "${address[inet]},${group}2,wan0,lan0"
		"${address[cam]},${group}3,lan0,plant0" "${address[cam]},${group}4,lan0,lan1,plant0"
		"${address[inet]},${group}5,wan0,lan1" "${address[lock]},${group}6,lan1,lan0")
done
on gw python3 "$(dirname "$0")/mroute.py" "${routes[@]}" >"$work/mroute" 2>&1 &
poll 20 grep -q ready "$work/mroute"
report $? "the gateway routes groups" || cat "$work/mroute"

# send FAMILY FROM GROUP PORT: one datagram, its number is $number
number=0
send() {
	local group=239.1.1.$3 to=01:00:5e:01:01:0$3 from=${v4[$2]}
	[ "$1" = 4 ] || { group=ff05::$3 to=33:33:00:00:00:0$3 from=${v6[$2]}; }
	number=$((number + 1))
	on "$2" probe send eth0 $number "${mac[$2]}" "$to" "$from" "$group" udp 1000 "$4"
}

seen() {
	grep -qx "$2" "$work/$1.seen"
}

# passes NAME FROM GROUP PORT TO...: it arrives at all of them
passes() {
	local name=$1 f h
	for f in 4 6; do
		send $f "$2" "$3" "$4"
		for h in "${@:5}"; do
			poll 5 seen "$h" $number
			report $? "IPv$f: $name"
		done
	done
}

# dropped NAME KIND MAC|- FROM GROUP PORT TO OPEN: it is counted, for MAC or for nobody, and does not arrive, as the datagram
# to the port OPEN does that follows it
dropped() {
	local name=$1 kind=$2 of='' f all before n
	[ "$3" = - ] || of=devices/$3/
	for f in 4 6; do
		all=$(counter "anomalies/$kind") before=$(counter "${of}anomalies/$kind")
		send $f "$4" "$5" "$6"
		n=$number
		send $f "$4" "$5" "$8"
		poll 5 seen "$7" $number
		report $? "IPv$f: $name: what follows arrives"
		! seen "$7" $n
		report $? "IPv$f: $name: dropped"
		equal "IPv$f: $name: counted once as $kind" $((all + 1)) "$(counter "anomalies/$kind")"
		equal "IPv$f: $name: of whom it is" $((before + 1)) "$(counter "${of}anomalies/$kind")"
	done
}

RULES="
  - {from: iot, to: doors, allow: [udp/5000, udp/5002]}
  - {from: iot, to: bells, allow: [udp/5001, udp/5002]}
  - {from: iot, to: late, allow: [udp/5002]}
  - {from: iot, to: plant, allow: [udp/6000, udp/5002]}
  - {from: iot, to: wan, allow: [udp/6001]}
  - {from: wan, to: iot, allow: [udp/5004]}
  - {from: plant, to: iot, allow: [udp/9]}
  - {from: doors, to: iot, allow: [udp/7000]}"
expect "a policy" policy "$RULES"
passes "a device's group that a rule opens" cam 1 5000 lock
dropped "one that none opens" segment_violation $CAM_MAC cam 1 5001 lock 5000
equal "the receiver is not to blame" 0 "$(kind segment_violation $LOCK_MAC)"
passes "IPTV that a rule opens" inet 2 5004 cam
dropped "IPTV that none opens" segment_violation - inet 2 5005 cam 5004
passes "a group towards an uplink of another segment than wan" cam 3 6000 plant
dropped "a rule to wan is none to the plant" segment_violation $CAM_MAC cam 3 6001 plant 6000
passes "each copy by itself, the one" cam 4 5000 lock
dropped "each copy by itself, the other" segment_violation $CAM_MAC cam 4 5000 plant 5002
plant=', interfaces: [plant0]'
policy "$RULES"
passes "the uplink that a segment names" cam 3 6000 plant
dropped "the uplink that a segment names: a rule to wan is none" segment_violation $CAM_MAC cam 3 6001 plant 6000

# All that are on the port, listed or by their addresses.
passes "one segment on the port" cam 1 5000 lock
policy "$RULES" "
  - {name: bell, mac: 02:00:00:00:01:08, network_segment: bells, addresses: [10.0.99.8], port: lan1}"
dropped "two segments on the port, and one is closed" segment_violation $CAM_MAC cam 1 5000 lock 5002
dropped "two segments on the port, and the other is closed" segment_violation $CAM_MAC cam 1 5001 lock 5002
passes "two segments on the port, both open" cam 1 5002 lock
policy "$RULES"
passes "one segment again" cam 1 5000 lock

# later WANTED: whether what a rule opens to the first segment alone arrives at once, with addresses as they are now
later() {
	send 4 cam 1 5000
	n=$number
	send 4 cam 1 5002
	poll 5 seen lock $number
	[ "$(seen lock $n && echo open || echo closed)" = "$1" ]
}
later open
report $? "a segment in a subnet that the port has no address in does not count"
ip -n gw addr add 10.0.31.1/24 dev lan1
poll 10 later closed
report $? "it does once the port has one"
dropped "with the port's new address" segment_violation $CAM_MAC cam 1 5000 lock 5002
ip -n gw addr del 10.0.31.1/24 dev lan1
poll 10 later open
report $? "and no more when the address is gone"
ip -n gw addr add fd00:31::1/64 dev lan1 nodad
poll 10 later closed
report $? "the same by an IPv6 address"
ip -n gw addr del fd00:31::1/64 dev lan1
poll 10 later open
report $? "and its end"

# States, encryption
on gw cordonctl device quarantine cam >/dev/null
before=$(kind segment_violation)
send 4 cam 1 5000
n=$number
violates() {
	[ "$(kind segment_violation)" -gt "$before" ]
}
poll 5 violates
report $? "what a quarantined device sends is counted"
on gw cordonctl device release cam >/dev/null
passes "when it is released, it passes" cam 1 5000 lock
! seen lock $n
report $? "what it sent in quarantine was dropped"
iot='encryption: TLS1.3' policy "$RULES
  - {from: iot, to: doors, allow: [udp/5003], plaintext: true}"
dropped "encryption is demanded of the sender" plaintext $CAM_MAC cam 1 5000 lock 5003
lock=', encryption: TLS1.3' policy "$RULES
  - {from: wan, to: doors, allow: [udp/5004]}
  - {from: wan, to: doors, allow: [udp/5003], plaintext: true}"
dropped "encryption is demanded of one that receives" plaintext - inet 5 5004 lock 5003
iot='isolate: false' policy "$RULES"

# On the gateway's own link: for the gateway, if for anybody.
counted() {
	echo "$(counter anomalies/segment_violation) $(counter anomalies/unjudged)"
}
mdns() {
	number=$((number + 1))
	on "$1" probe send eth0 $number "${mac[$1]}" 01:00:5e:00:00:fb "${v4[$1]}" 224.0.0.251 udp 5353 5353
	on "$1" probe send eth0 $number "${mac[$1]}" 33:33:00:00:00:fb "${v6[$1]}" ff02::fb udp 5353 5353
	on "$1" probe send eth0 $number "${mac[$1]}" ff:ff:ff:ff:ff:ff "${v4[$1]}" 255.255.255.255 udp 5353 5353
}
on gw python3 - >"$work/joined" <<-'END' &
	import signal, socket, struct
	s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
	t = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
	for name in "lan0", "wan0":
	    i = struct.pack("I", socket.if_nametoindex(name))
	    s.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, socket.inet_aton("224.0.0.251") + bytes(4) + i)
	    t.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP, socket.inet_pton(socket.AF_INET6, "ff02::fb") + i)
	print("ready", flush=True)
	signal.pause()
END
poll 20 grep -q ready "$work/joined"
before=$(counted)
denied=$(counter "devices/$CAM_MAC/denied")
mdns cam
equal "mDNS and broadcast of a device that no rule opens are denied" $((denied + 3)) "$(counter "devices/$CAM_MAC/denied")"
mdns inet
equal "and no anomaly, nor are those of a host on an uplink" "$before" "$(counted)"
policy "$RULES
  - {from: iot, to: gateway, allow: [udp/5353]}"
denied=$(counter "devices/$CAM_MAC/denied")
mdns cam
equal "with a rule they are not denied" "$denied" "$(counter "devices/$CAM_MAC/denied")"

# Wake-on-LAN: a datagram for a subnet's broadcast address
on gw sysctl -qw net.ipv4.conf.all.bc_forwarding=1 net.ipv4.conf.plant0.bc_forwarding=1 net.ipv4.conf.lan1.bc_forwarding=1
wake() {
	number=$((number + 1))
	on "$1" probe send eth0 $number "${mac[$1]}" "$(mac_of gw "$2")" "${v4[$1]}" 10.0.20.255 udp 1000 "$3"
}
wake plant plant0 9
poll 5 seen cam $number
report $? "directed broadcast that a rule opens"
before=$(counter anomalies/segment_violation)
wake plant plant0 10
n=$number
wake plant plant0 9
poll 5 seen cam $number && ! seen cam $n
report $? "one that none opens is dropped"
equal "and counted" $((before + 1)) "$(counter anomalies/segment_violation)"
wake lock lan1 7000
poll 5 seen cam $number
report $? "directed broadcast of a device that a rule opens"
before=$(kind segment_violation $LOCK_MAC)
wake lock lan1 7001
n=$number
wake lock lan1 7000
poll 5 seen cam $number && ! seen cam $n
report $? "one that none opens is dropped"
equal "and counted for the device" $((before + 1)) "$(kind segment_violation $LOCK_MAC)"
finish
