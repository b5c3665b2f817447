#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# What a policy said of a connection is remembered on its entry, so that its packets take the fast path. There, too,
# each thing that may change without another policy stops the very next packet: quarantine, firmware and lease of either
# end; where a packet comes from, and whose it is; another policy makes the memory void. The long form takes 2,000 turns of each.
# seconds: 1800
# cpus: 2
# kernels: torture
SERVICES='443 4433'
here=$(cd "$(dirname "$0")" && pwd)
. "$(dirname "$0")/lib.sh"
setup
flips=${TORTURE:+2000}
flips=${flips:-5}
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

nothing_else

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
	spawn cam taskset -c 1 probe flow "$to" 443
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
first_packets() {
	local way at long
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
}
unanswered inet first_packets
echo nop >$tracing/current_tracer
echo >$tracing/set_ftrace_filter
echo 1 >$tracing/options/record-cmd
echo 1 >$tracing/tracing_on

turns() {	# NAME FORBID ALLOW
	cases flip $flips $CAM_MAC $out "$@"
}
each() {	# what may change, of cam or of the end that it sends to
	turns "$1: sender quarantined" quality:cam:quarantined quality:cam:active
	turns "$1: sender's lease ends" lease:cam:0 lease:cam:3600
	turns "$1: sender outdated" quality:cam:outdated quality:cam:active
	turns "$1: another policy" "whole:$work/no" "whole:$work/yes"
}
policy udp/443 >"$work/yes"
policy udp/444 | sed '/to: two/d' >"$work/no"
to_the_internet() {
	each "to the internet"
	# An interface that comes up says so over IPv6.
	on gw sysctl -qw net.ipv6.conf.wan0.disable_ipv6=1
	turns "the uplink gets another name" "name:wan0:x0:$server" "name:x0:wan0:$server"
}
to_a_device() {
	each "to a device"
	turns "receiver quarantined" quality:lock:quarantined quality:lock:active
	turns "receiver's lease ends" lease:lock:0 lease:lock:3600
	turns "receiver bound to another port" port:lock:lan0 port:lock:lan1
	turns "receiver's address is another's" set:lock:two:10.0.30.99 set:lock:two:$LOCK
}
server=$INET:$(mac_of inet eth0 | tr -d :)
for way in "wan0 $INET inet to_the_internet" "lan1 $LOCK lock to_a_device"; do
	read -r out to ns what <<<"$way"
	spawn cam taskset -c 1 probe flow "$to" 443
	blast=$!
	passes 50 $out
	report $? "$to: a connection that both ends know"
	unanswered $ns $what
	kill $blast
	wait $blast 2>/dev/null
done

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
forge lock lan1 $CAM_MAC $CAM $INET 5555 443 $flips
forge plant plant0 - $CAM $INET 5555 443 $flips
forge lock lan1 - $CAM $INET 5555 443 $flips
forge cam lan0 - $CAM $INET 5555 443 1
poll 20 has_received inet $((before + 1))
equal "its frames at another port, its address from an uplink or of another device: none arrives" \
	$((before + 1)) "$(received inet)"
forge inet wan0 - $INET $CAM 443 5555 100
poll 20 has_received cam 100
report $? "control: what the server sends arrives"
before=$(received cam)
forge plant plant0 - $INET $CAM 443 5555 $flips
forge inet wan0 - $INET $CAM 443 5555 1
poll 20 has_received cam $((before + 1))
equal "the server's address from another uplink: none arrives" $((before + 1)) "$(received cam)"
exec 8>&-
finish
