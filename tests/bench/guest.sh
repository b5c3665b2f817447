#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# guest.sh N DIR: in a guest in which a nanosecond is an instruction: measure N devices with what
# tests/bench/rules.py wrote to DIR. Prints `RESULT case what value` lines.
#
#   (pktgen) gd ── gw ── gx      packets are put into gd's receive path; gx is a dummy that drops what it sends
#
# Waiting for the host's files would count as instructions: what is timed is copied first, and run once before.
set -uo pipefail

n=$1 dir=$2 packets=20000 rounds=3 handshakes=2000 inspections=10000
flows=$((n < packets ? n : packets))
work=/run/bench
flows_of_tls='o30 o35-vs35'

say() {
	echo "RESULT $*"
}

die() {
	echo "bench: $*" >&2
	exit 1
}

topology() {
	modprobe -a dummy tun pktgen nf_tables nf_conntrack nf_conntrack_netlink || die "modules are missing"
	sysctl -qw net.netfilter.nf_conntrack_buckets=262144 net.netfilter.nf_conntrack_max=2000000
	sysctl -qw net.netfilter.nf_conntrack_udp_timeout=3000 net.netfilter.nf_conntrack_udp_timeout_stream=3000
	add_dummies
}

add_dummies() {
	for dev in gd gx; do
		ip link add $dev type dummy
	done
	network
}

# Both interfaces anew, of another kind; connection tracking's entries stay
dummies() {
	ip link del gd
	ip link del gx
	add_dummies
}

taps() {
	ip link del gd
	ip link del gx
	for dev in gd gx; do
		ip tuntap add dev $dev mode tap || die "no taps"
	done
	network
}

# Addresses of gd and gx, and where devices and the internet are
network() {
	local dev

	for dev in gd gx; do
		sysctl -qw net.ipv6.conf.$dev.disable_ipv6=1 net.ipv4.conf.$dev.send_redirects=0
		ip link set $dev up
	done
	sysctl -qw net.ipv4.ip_forward=1 net.ipv4.conf.all.send_redirects=0
	ip addr add 169.254.1.1/30 dev gd
	ip addr add 169.254.2.1/30 dev gx
	ip neigh replace 169.254.1.2 lladdr 02:ff:00:00:00:01 nud permanent dev gd
	ip neigh replace 169.254.2.2 lladdr 02:ff:00:00:00:02 nud permanent dev gx
	ip route add 10.0.0.0/15 via 169.254.1.2 dev gd
	ip route add 198.18.0.0/15 via 169.254.2.2 dev gx
	first=10.0.0.16
	last=$(ip_of $((0x0a000010 + n - 1)))
	gd_mac=$(cat /sys/class/net/gd/address)
	gx_mac=$(cat /sys/class/net/gx/address)
}

ip_of() {
	echo $(($1 >> 24)).$(($1 >> 16 & 255)).$(($1 >> 8 & 255)).$(($1 & 255))
}

pktgen() {
	local file=/proc/net/pktgen/$1

	shift
	for command; do
		echo "$command" >"$file" || die "pktgen refuses $command"
	done
}

# send DEV COUNT SETTING...: print the instructions of each packet
send() {
	local dev=$1 count=$2

	shift 2
	pktgen kpktgend_0 rem_device_all "add_device $dev"
	pktgen "$dev" "count $count" "clone_skb 0" "pkt_size 60" "delay 0" "xmit_mode netif_receive" "$@"
	pktgen pgctrl start
	sed -n 's/^Result: OK: \([0-9]*\)(.*usec, \([0-9]*\) (.*/\1 \2/p' "/proc/net/pktgen/$dev" |
		awk '{ printf "%.0f\n", $1 * 1000 / $2 }'
}

# forward COUNT SPORT-RANGE DPORT: from the devices in turn to the internet
forward() {
	send gd "$1" "dst_mac $gd_mac" "src_mac 02:00:00:00:00:00" "src_mac_count $n" "src_min $first" "src_max $last" \
		"dst_min 198.18.0.1" "dst_max 198.18.0.1" "udp_src_min ${2%-*}" "udp_src_max ${2#*-}" \
		"udp_dst_min $3" "udp_dst_max $3"
}

# answer COUNT SPORT DPORT: from the internet to the devices in turn
answer() {
	send gx "$1" "dst_mac $gx_mac" "src_mac 06:00:00:00:00:01" "src_mac_count 1" "src_min 198.18.0.1" \
		"src_max 198.18.0.1" "dst_min $first" "dst_max $last" "udp_src_min $2" "udp_src_max $2" \
		"udp_dst_min $3" "udp_dst_max $3"
}

sent() {
	cat /sys/class/net/gx/statistics/tx_packets
}

# through CASE WHAT COMMAND...: the median of the rounds; every packet must have come through
through() {
	local case=$1 what=$2 before after

	shift 2
	before=$(sent)
	for ((i = 0; i < rounds; i++)); do
		"$@"
	done >$work/rounds
	after=$(sent)
	[ $((after - before)) = $((rounds * packets)) ] ||
		die "$case, $what: $((after - before)) of $((rounds * packets)) packets came through"
	say "$case" "$what" "$(sort -n $work/rounds | sed -n "$((rounds / 2 + 1))p")"
}

# connections SPORT DPORT: one of each device, answered
connections() {
	forward "$flows" "$1-$1" "$2" >/dev/null
	answer "$flows" "$2" "$1" >/dev/null
	forward "$flows" "$1-$1" "$2" >/dev/null
}

# What is left of a case before it: its entries have no labels, or are judged otherwise.
flush() {
	conntrack -F >$work/flushed 2>&1 || { cat $work/flushed; die "entries of connection tracking stay"; }
}

established() {
	flush
	connections 1000 2000
	through "$1" established forward $packets 1000-1000 2000
}

# Each round opens connections that no round before it has opened.
port=3000
fresh() {
	port=$((port + 1))
	forward $packets 1000-50998 $port
}

new() {
	flush
	fresh >/dev/null
	through "$1" new fresh
}

memory() {
	awk '/^(SUnreclaim|Percpu|VmallocUsed):/ { sum += $2 } END { print sum * 1024 }' /proc/meminfo
}

# load CASE COMMAND...: its instructions, and the kernel memory it takes for each device
load() {
	local case=$1 before after

	shift
	TIMEFORMAT='%U %S'
	before=$(memory)
	{ time "$@" >/dev/null 2>$work/said; } 2>$work/time || { cat $work/said; die "$case does not load"; }
	after=$(memory)
	awk -v case="$case" '{ printf "RESULT %s load %.0f\n", case, ($1 + $2) * 1e9 }' $work/time
	say "$case" bytes $(((after - before) / n))
}

mkdir -p $work
cp "$dir/policy.yaml" "$dir/rules.nft" $work/ || exit
for flow in $flows_of_tls; do
	cp "$(dirname "$0")/../vectors/tls/$flow.flow" $work/ || exit
done
topology

forward 200 1000-1000 2000 >/dev/null
through plain stateless forward $packets 1000-1000 2000
modprobe cordon device_sysfs=0 || exit
through idle stateless forward $packets 1000-1000 2000
rmmod cordon

modprobe tracked || exit
new tracked
established tracked
rmmod tracked

nft -c -f $work/rules.nft
load nftables nft -f $work/rules.nft
new nftables
established nftables
nft flush ruleset

modprobe cordon device_sysfs=0 || exit
cordonctl check $work/policy.yaml >/dev/null
load cordon cordonctl apply $work/policy.yaml
new cordon
established cordon

# No TLS comes from pktgen: a program behind two taps opens the connections first, by a datagram of QUIC each way. They
# have labels from then on, so that they cost the same without the demand.
sed 's/isolate: false/&, encryption: TLS1.3/' $work/policy.yaml >$work/tls.yaml
cordonctl apply $work/tls.yaml >/dev/null || die "the policy that demands TLS does not load"
taps
handshake "$n" "$n" quic 1001 >/dev/null || die "connections of QUIC do not come through"
dummies
through gated established forward $packets 1001-1001 2001
cordonctl apply $work/policy.yaml >/dev/null || die "the policy that demands nothing does not load"
through ungated established forward $packets 1001-1001 2001
rmmod cordon

# Whole handshakes, of TCP, come from a program behind two taps. Without the demand as with it, connections have labels.
taps
sed 's|udp/2000-4000|&, tcp/443|' $work/tls.yaml >$work/demanding.yaml
sed 's/, encryption: TLS1.3//' $work/demanding.yaml >$work/undemanding.yaml
modprobe cordon device_sysfs=0 || exit
port=1024
# handshakes FLOW: a new port for all of them
handshakes() {
	port=$((port + 1000))
	handshake $handshakes "$n" "$work/$1.flow" $port || die "handshakes do not come through"
}
for case in gated:demanding ungated:undemanding; do
	cordonctl apply $work/${case#*:}.yaml >/dev/null || die "the policy for handshakes does not load"
	for flow in $flows_of_tls; do
		handshakes $flow >/dev/null
		handshakes $flow >$work/handshake
		say ${case%:*} $flow "$(cat $work/handshake)"
	done
done
if [ "$n" -ge $inspections ]; then
	cordonctl apply $work/demanding.yaml >/dev/null || die "the policy for handshakes does not load"
	handshake $inspections "$n" $work/o30.flow 60000 hold >/dev/null || die "not so many at a time"
	awk '$1 == "cordon_inspection" { print "RESULT gated inspections", $2; print "RESULT gated inspection_bytes", $15 * $6 * 4096 }' /proc/slabinfo
fi
rmmod cordon
