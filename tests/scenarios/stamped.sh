#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# What a policy said of a connection is remembered on its entry, so that its packets take the fast path. There, too,
# each thing that may change without another policy stops the very next packet: quarantine, firmware and lease of either
# end; where a packet comes from, and whose it is; another policy makes the memory void. The long form takes 30 turns of each.
# seconds: 900
# cpus: 2
# kernels: torture
SERVICES='443 4433'
here=$(cd "$(dirname "$0")" && pwd)
. "$(dirname "$0")/lib.sh"
setup
flips=${TORTURE:+30}
flips=${flips:-2}
tracing=/sys/kernel/tracing

policy() {	# RULE
	cat <<-END
		version: 1
		ports: [lan0, lan1]
		uplinks: [wan0, plant0]
		segments:
		  one: {authentication: certificate}
		  two: {authentication: certificate}
		  wan: {networks: [0.0.0.0/0, "::/0"], interfaces: [wan0]}
		rules:
		- {from: one, to: wan, allow: [$1]}
		- {from: one, to: two, allow: [udp/443]}
		devices:
		- {name: cam, mac: "$CAM_MAC", network_segment: one, addresses: [$CAM, "$CAM6"], port: lan0}
		- {name: lock, mac: "$LOCK_MAC", network_segment: two, addresses: [$LOCK, "$LOCK6"], port: lan1}
	END
}

# Nothing leaves by these but the traffic.
for dev in wan0 lan1; do
	on gw sysctl -qw net.ipv6.conf.$dev.router_solicitations=0 net.ipv6.conf.$dev.mldv2_unsolicited_report_interval=0
done
on gw ip neigh replace $INET lladdr "$(mac_of inet eth0)" nud permanent dev wan0
on gw ip neigh replace $INET6 lladdr "$(mac_of inet eth0)" nud permanent dev wan0
on gw ip neigh replace $LOCK lladdr $LOCK_MAC nud permanent dev lan1

policy udp/443 | apply >/dev/null
on gw cordonctl device lease cam 1h >/dev/null
on gw cordonctl device lease lock 1h >/dev/null

# hits: how often a packet took the slow path behind prerouting, while a command runs. The tracer is attached while
# nothing flows, and once: the emulator gets stuck where kernel text is patched under traffic. Nor does it record the
# names of tasks, for which the scheduler's text is patched.
mountpoint -q $tracing || mount -t tracefs none $tracing
echo 0 >$tracing/tracing_on
echo 0 >$tracing/options/record-cmd
echo cordon_slow_forward >$tracing/set_ftrace_filter
echo function >$tracing/current_tracer
hits() {
	echo >$tracing/trace
	echo 1 >$tracing/tracing_on
	"$@"
	echo 0 >$tracing/tracing_on
	grep -c 'cordon_slow_forward <-' $tracing/trace
}
passes() {	# WANTED OUT: so many packets leave
	local at
	at=$(sent "$2")
	poll 20 has_sent "$2" $((at + $1))
}
sent() {
	on gw cat "/sys/class/net/$1/statistics/tx_packets"
}
refusals() {
	counter "devices/$CAM_MAC/denied"
}
has_sent() {
	[ "$(sent "$1")" -ge "$2" ]
}

for to in $INET $INET6; do
	on cam probe flow "$to" 443 &
	blast=$!
	passes 50 wan0
	report $? "$to: allowed: it flows"
	long=$(hits passes 500 wan0)
	echo "# $to: of 500 packets and more, $long took the slow path"
	[ "$long" -lt 50 ]
	report $? "$to: hardly any took the slow path"
	kill $blast
	wait $blast 2>/dev/null
	[ "$(hits reaches cam udp "$to" 443)" -gt 0 ]
	report $? "$to: control: the first ones of a connection do"
done

# New connections of a device, unanswered: the first packet of each takes the fast path, too, let through or denied.
opens() {	# FAMILY SOURCE TO PORT: 200 connections, each of one datagram
	on cam python3 - "$@" <<-'END'
		import socket
		import sys
		family, source, to, port = sys.argv[1:]
		for _ in range(200):
		    s = socket.socket(getattr(socket, family), socket.SOCK_DGRAM)
		    s.bind((source, 0))
		    s.sendto(b"x", (to, int(port)))
	END
}
on inet nft 'table inet quiet { chain in { type filter hook prerouting priority -300; udp dport 443 drop; }; }'
for way in "AF_INET $CAM $INET" "AF_INET6 $CAM6 $INET6"; do
	at=$(sent wan0)
	long=$(hits opens $way 443)
	poll 20 has_sent wan0 $((at + 200))
	report $? "$way: 200 new connections are let through"
	echo "# of them, $long took the slow path"
	[ "$long" -lt 20 ]
	report $? "$way: hardly any took the slow path"
	at=$(refusals)
	long=$(hits opens $way 444)
	[ "$(refusals)" -ge $((at + 200)) ]
	report $? "$way: what no rule admits is denied"
	[ "$long" -lt 20 ]
	report $? "$way: hardly any took the slow path, either"
done
on inet nft delete table inet quiet
echo nop >$tracing/current_tracer
echo >$tracing/set_ftrace_filter
echo 1 >$tracing/options/record-cmd
echo 1 >$tracing/tracing_on

flip() {	# NAME FORBID ALLOW
	cases stamped.py $CAM_MAC "$out" $flips "$1" "$2" "$3"
}
each() {	# what may change, of cam or of the end that it sends to
	flip "$1: sender quarantined" "cordonctl device quarantine cam" "cordonctl device release cam"
	flip "$1: sender's lease ends" "cordonctl device lease cam 0" "cordonctl device lease cam 1h"
	flip "$1: sender outdated" "cordonctl device set cam --state outdated" "cordonctl device release cam"
	flip "$1: another policy" "cordonctl apply $work/no" "cordonctl apply $work/yes"
}
policy udp/443 >"$work/yes"
policy udp/444 | sed '/to: two/d' >"$work/no"
out=wan0
on cam probe flow $INET 443 &
blast=$!
each "to the internet"
kill $blast
wait $blast 2>/dev/null
out=lan1
on cam probe flow $LOCK 443 &
blast=$!
each "to a device"
flip "receiver quarantined" "cordonctl device quarantine lock" "cordonctl device release lock"
flip "receiver's lease ends" "cordonctl device lease lock 0" "cordonctl device lease lock 1h"
flip "receiver bound to another port" "cordonctl device set lock --port lan0" "cordonctl device set lock --port lan1"
flip "receiver's address is another's" "cordonctl device set lock --address 10.0.30.99" \
	"cordonctl device set lock --address $LOCK --address $LOCK6"
kill $blast
wait $blast 2>/dev/null

# Others send on the stamped connection: the device's frame at another port, its address from an uplink, the server's
# address from another uplink.
cat >"$work/forge.py" <<-'END'
	import socket
	import struct
	import sys
	sys.path.insert(0, sys.argv[1])
	from raw import End, checksum
	namespace, gateway, mac, source, target, sport, dport, count = sys.argv[2:]
	end = End(namespace, source, gateway)
	udp = struct.pack("!HHHH", int(sport), int(dport), 9, 0) + b"x"
	ip = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(udp), 0, 0, 64, 17, 0) + end.address + socket.inet_aton(target)
	ip = ip[:10] + struct.pack("!H", checksum(ip)) + ip[12:]
	source_mac = bytes.fromhex(mac.replace(":", "")) if mac != "-" else end.mac
	for _ in range(int(count)):
	    end.socket.send(end.gateway + source_mac + b"\x08\x00" + ip + udp)
END
forge() {	# NAMESPACE PORT-OF-GW MAC SOURCE TARGET SPORT DPORT COUNT
	on gw python3 "$work/forge.py" "$here" "$1" "$(mac_of gw "$2")" "${@:3}"
}
received() {	# NAMESPACE
	on "$1" nft list counter ip seen forged | sed -n 's/.*packets \([0-9]*\) .*/\1/p'
}
has_received() {
	[ "$(received "$1")" -ge "$2" ]
}
for ns in inet cam; do
	on $ns nft -f - <<-END
		table ip seen {
		  counter forged { }
		  chain c { type filter hook prerouting priority -300; ip protocol udp udp length 9 counter name forged; }
		}
	END
done
exec 8> >(on cam socat - UDP:$INET:443,sourceport=5555 >"$work/echo")
greets() {
	echo hello >&8
	poll 1 grep -q hello "$work/echo"
}
poll 20 greets
report $? "a connection that both ends know"
forge cam lan0 - $CAM $INET 5555 443 100
poll 20 has_received inet 100
report $? "control: what the device itself sends on it arrives"
before=$(received inet)
forge lock lan1 $CAM_MAC $CAM $INET 5555 443 $((flips * 10))
forge plant plant0 - $CAM $INET 5555 443 $((flips * 10))
forge lock lan1 - $CAM $INET 5555 443 $((flips * 10))
forge cam lan0 - $CAM $INET 5555 443 1
poll 20 has_received inet $((before + 1))
equal "its frames at another port, its address from an uplink or of another device: none arrives" \
	$((before + 1)) "$(received inet)"
forge inet wan0 - $INET $CAM 443 5555 100
poll 20 has_received cam 100
report $? "control: what the server sends arrives"
before=$(received cam)
forge plant plant0 - $INET $CAM 443 5555 $((flips * 10))
forge inet wan0 - $INET $CAM 443 5555 1
poll 20 has_received cam $((before + 1))
equal "the server's address from another uplink: none arrives" $((before + 1)) "$(received cam)"
exec 8>&-
finish
