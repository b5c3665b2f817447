#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# guest.sh N DIR PACKETS [CASE...]: in a guest in which a nanosecond is an instruction: measure N devices with what
# tests/bench/rules.py wrote to DIR. Prints `RESULT case what value spread` lines: the median of three and the difference
# between the largest and the smallest.
#
#   (pktgen) gd ── gw ── gx      packets are put into gd's receive path; gx is a dummy that drops what it sends
#
# Waiting for the host's files would count as instructions: what is timed is copied first, and run once before.
set -uo pipefail

n=$1 dir=$2 packets=$3 rounds=3 handshakes=$(($3 / 10)) inspections=10000
shift 3
flows=$((n < packets ? n : packets))
work=/run/bench
flows_of_tls='o30 o35-vs35'
mac=02:00:00:00:00:00 peer=198.18.0.1

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
	ip route add 10.0.0.0/13 via 169.254.1.2 dev gd
	ip route add 198.18.0.0/15 via 169.254.2.2 dev gx
	ip route add 192.88.99.0/24 via 169.254.2.2 dev gx
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

# forward COUNT SPORT-RANGE DPORT: from the devices in turn to $peer, the first of them with $mac
forward() {
	send gd "$1" "dst_mac $gd_mac" "src_mac $mac" "src_mac_count $n" "src_min $first" "src_max $last" \
		"dst_min $peer" "dst_max $peer" "udp_src_min ${2%-*}" "udp_src_max ${2#*-}" \
		"udp_dst_min $3" "udp_dst_max $3"
}

# answer COUNT SPORT DPORT: from the internet to the devices in turn
answer() {
	send gx "$1" "dst_mac $gx_mac" "src_mac 06:00:00:00:00:01" "src_mac_count 1" "src_min 198.18.0.1" \
		"src_max 198.18.0.1" "dst_min $first" "dst_max $last" "udp_src_min $2" "udp_src_max $2" \
		"udp_dst_min $3" "udp_dst_max $3"
}

# of DEV: packets that it has sent
of() {
	cat "/sys/class/net/$1/statistics/tx_packets"
}

# The median of the rounds, and how far they lie apart
middle() {
	sort -n $work/rounds | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)], v[NR] - v[1] }'
}

# measure CASE WHAT EXPECTED DEV COMMAND...: the median of the rounds; so many packets must have left by DEV
measure() {
	local case=$1 what=$2 expected=$3 dev=$4 before came

	shift 4
	before=$(of "$dev")
	for ((i = 0; i < rounds; i++)); do
		"$@"
	done >$work/rounds
	came=$(($(of "$dev") - before))
	[ $came = $((rounds * expected)) ] || die "$case, $what: $came of $((rounds * expected)) packets came through"
	say "$case" "$what" "$(middle)"
}

through() {	# CASE WHAT COMMAND...
	measure "$1" "$2" $packets gx "${@:3}"
}

denied() {	# CASE WHAT COMMAND...
	measure "$1" "$2" 0 gx "${@:3}"
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

# The same connections, the other way
reply() {
	measure "$1" reply $packets gd answer $packets 2000 1000
}

# From the devices in turn to one more, which has answered
between() {
	local peer=10.7.255.254

	flush
	forward "$flows" 1000-1000 2000 >/dev/null
	send gd "$flows" "dst_mac $gd_mac" "src_mac 02:88:00:00:00:00" "src_mac_count 1" "src_min $peer" "src_max $peer" \
		"dst_min $first" "dst_max $last" "udp_src_min 2000" "udp_src_max 2000" "udp_dst_min 1000" \
		"udp_dst_max 1000" >/dev/null
	forward "$flows" 1000-1000 2000 >/dev/null
	measure "$1" between $packets gd forward $packets 1000-1000 2000
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

# A MAC that is no device's; a network of no segment
stranger() {
	local mac=02:77:00:00:00:00

	forward $packets 1000-1000 2000
}

forbidden() {
	local peer=192.88.99.1

	forward $packets 1000-50998 2000
}

refusals() {
	flush
	stranger >/dev/null
	denied "$1" first stranger
	flush
	forbidden >/dev/null
	denied "$1" second forbidden
}

packets_of() {
	new "$1"
	established "$1"
	reply "$1"
	between "$1"
}

case_plain() {
	through plain stateless forward $packets 1000-1000 2000
	measure plain reply $packets gd answer $packets 2000 1000
}

case_idle() {
	modprobe cordon device_sysfs=0 || die "no module"
	through idle stateless forward $packets 1000-1000 2000
	rmmod cordon
}

# What others are held against: connection tracking alone, and hooks that drop where Cordon's would.
case_tracked() {
	modprobe tracked || die "no module"
	packets_of tracked
	rmmod tracked
	modprobe tracked drop_first=1 || die "no module"
	denied tracked first stranger
	rmmod tracked
	modprobe tracked drop_second=1 || die "no module"
	flush
	denied tracked second forbidden
	rmmod tracked
}

case_nftables() {
	nft -c -f $work/rules.nft
	load nftables nft -f $work/rules.nft
	packets_of nftables
	nft flush ruleset
}

# Maps are freed a while after the programs that use them.
detach() {
	tc qdisc del dev gd clsact
	for ((i = 0; i < 100; i++)); do
		[ -n "$(bpftool map list)" ] || return
		sleep 0.1
	done
	die "maps stay"
}

# The map of connections is for twice what a case opens; conntrack runs beside it, for NAT.
case_ebpf() {
	local form

	cp "$dir/guardctl" "$dir"/*.bpf.o $work/ || exit
	modprobe -a cls_bpf sch_ingress tracked || die "modules are missing"
	for form in lru flat; do
		$work/guardctl gd $work/$form.bpf.o $work/devices.txt || die "guardctl: $form"
		detach
		load ebpf_$form $work/guardctl gd $work/$form.bpf.o $work/devices.txt
		packets_of ebpf_$form
		refusals ebpf_$form
		detach
	done
	rmmod tracked
}

case_cordon() {
	modprobe cordon device_sysfs=0 || die "no module"
	cordonctl check $work/policy.yaml >/dev/null
	load cordon cordonctl apply $work/policy.yaml
	packets_of cordon
	refusals cordon
	rmmod cordon
}

# Devices that need a lease, and have one: a check-in each, so not of many
# Limits for all that a device opens, which none of these reaches
case_watch() {
	local limits='scan: {limit: 10000/1h, then: event}, rate: {limit: 4000000000/1h, then: event}'

	[ "$n" -le 1024 ] || return 0
	limits+=', new_destination: {limit: 1000000/1h, then: event, learn: 1h}'
	modprobe cordon device_sysfs=0 || die "no module"
	sed "s|isolate: false|&, anomalies: {$limits}|" $work/policy.yaml >$work/watch.yaml
	cordonctl apply $work/watch.yaml >/dev/null || die "the policy with limits does not load"
	packets_of watch
	rmmod cordon
}
case_lease() {
	local device segment ip

	[ "$n" -le 1024 ] || return 0
	modprobe cordon device_sysfs=0 || die "no module"
	sed 's/isolate: false/&, authentication: certificate, lease: 24h/' $work/policy.yaml >$work/lease.yaml
	cordonctl apply $work/lease.yaml >/dev/null || die "the policy with leases does not load"
	while read -r device segment ip; do
		[ "$device" = net ] || checkin in "$device" "$ip" "$(cat /sys/class/net/gd/ifindex)" aa >/dev/null || die "no lease"
	done <$work/devices.txt
	packets_of lease
	rmmod cordon
}

# pktgen counts no IPv6 addresses up: one device
send6() {	# DEV SRC DST SPORT DPORT
	local mac

	mac=$(cat "/sys/class/net/$1/address")
	send "$1" "$packets" "dst_mac $mac" "src_mac 02:00:00:00:00:00" "src_mac_count 1" "pkt_size 80" "flag UDPCSUM" \
		"src6 $2" "dst6 $3" "udp_src_min $4" "udp_src_max $4" "udp_dst_min $5" "udp_dst_max $5"
}

established6() {
	local device=2001:db8:1::1 peer=2001:db8:2::1

	flush
	send6 gd $device $peer 1000 2000 >/dev/null
	send6 gx $peer $device 2000 1000 >/dev/null
	send6 gd $device $peer 1000 2000 >/dev/null
	through "$1" established send6 gd $device $peer 1000 2000
}

case_ipv6() {
	local dev net=1

	sysctl -qw net.ipv6.conf.all.forwarding=1
	for dev in gd gx; do
		sysctl -qw net.ipv6.conf.$dev.accept_dad=0 net.ipv6.conf.$dev.disable_ipv6=0
		ip addr add fd00:$net::1/64 dev $dev
		ip neigh replace fd00:$net::2 lladdr 02:ff:00:00:00:0$net nud permanent dev $dev
		ip route add 2001:db8:$net::/64 via fd00:$net::2 dev $dev
		net=2
	done
	modprobe tracked || die "no module"
	established6 tracked6
	rmmod tracked
	sed 's/{name: d0,.*addresses: \[/&"2001:db8:1::1", /; s|198.18.0.0/15|&, "2001:db8:2::/64"|' $work/policy.yaml >$work/v6.yaml
	modprobe cordon device_sysfs=0 || die "no module"
	cordonctl apply $work/v6.yaml >/dev/null || die "the policy with IPv6 does not load"
	established6 cordon6
	rmmod cordon
	for dev in gd gx; do
		sysctl -qw net.ipv6.conf.$dev.disable_ipv6=1
	done
}

# What the flow table of nftables saves, and that connections of devices keep out of it where there is a policy.
case_flowtable() {
	modprobe -a nf_flow_table nft_flow_offload || die "modules are missing"
	nft -f - <<-END || die "no flow table"
		table ip fast {
			flowtable f { hook ingress priority 0; devices = { gd, gx }; }
			chain forward { type filter hook forward priority filter + 1; ct state established flow add @f; }
		}
	END
	established flowtable
	modprobe cordon device_sysfs=0 || die "no module"
	cordonctl apply $work/policy.yaml >/dev/null || die "the policy does not load"
	established flowtable_cordon
	rmmod cordon
	nft flush ruleset
}

# Each device's address is another one on the uplink, so that answers find their connection.
case_nat() {
	nft -f - <<-END || die "no NAT"
		table ip nat {
			chain post {
				type nat hook postrouting priority srcnat
				oifname gx snat ip prefix to ip saddr map { 10.0.0.0/13 : 100.64.0.0/13 }
			}
		}
	END
	nat_established nat
	modprobe cordon device_sysfs=0 || die "no module"
	cordonctl apply $work/policy.yaml >/dev/null || die "the policy does not load"
	nat_established nat_cordon
	rmmod cordon
	nft flush ruleset
}

nat_established() {
	flush
	forward "$flows" 1000-1000 2000 >/dev/null
	translated "$flows"
	forward "$flows" 1000-1000 2000 >/dev/null
	through "$1" established forward $packets 1000-1000 2000
}

# Answers to the addresses that the devices have there
translated() {
	local first last

	first=100.64.0.16
	last=$(ip_of $((0x64400010 + n - 1)))
	answer "$1" 2000 1000 >/dev/null
}

# spend CASE WHAT COMMAND...: the instructions of the command and of the kernel for it; {} is another number each time
spend() {
	local case=$1 what=$2 i

	shift 2
	for ((i = 0; i < rounds; i++)); do
		$work/spent "${@//\{\}/$i}" || die "$case: $*"
	done 2>$work/rounds >/dev/null
	say "$case" "$what" "$(middle)"
}

# The control plane, of one of N and of all of them: whole commands, beside one that does nothing.
case_control() {
	modprobe cordon device_sysfs=0 || die "no module"
	cordonctl apply $work/policy.yaml >/dev/null || die "the policy does not load"
	spend cordon nothing cordonctl --version
	spend cordon set cordonctl device set d1 --model 'other{}'
	spend cordon dump cordonctl show devices --json
	rmmod cordon
}

# workers: nanoseconds that the kernel's own have worked
workers() {
	local task sum=0 ns

	for task in /proc/[0-9]*; do
		[[ $(<"$task/comm") == kworker* ]] && read -r ns _ <"$task/schedstat" && sum=$((sum + ns))
	done 2>/dev/null
	echo $sum
}

# ran_pktgen: nanoseconds that pktgen has
ran_pktgen() {
	cut -d ' ' -f 1 "/proc/$(pgrep -x kpktgend_0)/schedstat"
}

# pause SECONDS: of the guest's, which take no time; without a process, whose start is others' work, too
pause() {
	read -r -t "$1" <>$work/never
}

# acks COUNT FIRST ADDRESS SECONDS: to so many devices, and what comes of them; print the instructions of each
acks() {
	local before spent

	before=$(workers)
	spent=$($work/spent $work/acks "$2" "$1" "$3" "$4" 2000 2>&1) || die "learned: $spent"
	# The worker is behind by the last few.
	pause 0.1
	echo $((($(workers) - before + spent) / $1))
}

# How many bindings there are
bindings() {
	cordonctl show bindings | wc -l
}

# beside COUNT: established packets of the first $flows devices, whatever else runs; print the instructions of each
beside() {
	local before came

	came=$(of gx)
	before=$(ran_pktgen)
	send gd "$1" "dst_mac $gd_mac" "src_mac $mac" "src_mac_count $flows" "src_min $first" \
		"src_max $(ip_of $((0x0a000010 + flows - 1)))" "dst_min $peer" "dst_max $peer" "udp_src_min 1000" \
		"udp_src_max 1000" "udp_dst_min 2000" "udp_dst_max 2000" >/dev/null
	before=$(($(ran_pktgen) - before))
	came=$(($(of gx) - came))
	[ $came = "$1" ] || die "learned: $came of $1 packets came through"
	echo $((before / $1))
}

# several COMMAND...: $rounds times, {} is another number each time
several() {
	local i

	for ((i = 0; i < rounds; i++)); do
		"${@//\{\}/$((i * 4))}" || exit
	done >$work/rounds
}

# ends COUNT FIRST ADDRESS: leases of two seconds, and what their ends take
ends() {
	local before all

	acks "$1" "$2" "$3" 2 >/dev/null
	all=$n before=$(workers)
	pause 4
	before=$(($(workers) - before))
	all=$(($(bindings) + $1 - all))
	[ $all -le 1 ] || die "learned: $all bindings have not ended"
	echo $((before / $1))
}

# The shell that waits for pktgen may have no child that ends meanwhile.
busy() {
	$work/acks $last $changes "$1" 86400 1000 &
	echo "$(beside $((packets * 10)))"
	wait $!
}

# Of devices that learn their addresses from a server of DHCP on the gateway: a change, and a packet while there are a
# thousand a second. An acknowledgement that changes nothing is what the server itself costs.
case_learned() {
	local changes=1000 rounds=7 last was

	# Of few, what it takes to start a process would be most of it.
	[ "$n" -ge 1024 ] || return 0
	last=$((n - changes))
	modprobe cordon device_sysfs=0 || die "no module"
	sed 's/addresses: \[[^]]*\]}$/addresses: auto}/' $work/policy.yaml >$work/auto.yaml
	cordonctl apply $work/auto.yaml >/dev/null || die "the policy does not load"
	was=$(memory)
	# As pktgen counts them up: of the first $flows devices, and of all.
	acks 1 $((flows - 1)) "$first" 86400 >/dev/null
	acks $((flows - 1)) 0 "$(ip_of $((0x0a000011)))" 86400 >/dev/null
	[ "$n" -lt $((flows + changes)) ] || say learned add "$(acks $((n - flows)) "$flows" "$(ip_of $((0x0a000010 + flows)))" 86400)"
	[ "$(bindings)" -ge "$n" ] || die "learned: $(bindings) of $n are bound"
	say learned bytes $((($(memory) - was) / n))
	several acks $((flows - 1)) 0 "$(ip_of $((0x0a000011)))" 86400
	say learned known "$(middle)"
	several acks $changes $last 10.5.{}.0 86400
	say learned move "$(middle)"
	several ends $changes $last 10.6.{}.0
	say learned end "$(middle)"
	if [ "$n" -ge $((flows + changes)) ]; then
		flush
		connections 1000 2000
		several beside $((packets * 10))
		say learned quiet "$(middle)"
		several busy 10.7.{}.0
		say learned busy "$(middle)"
	fi
	rmmod cordon
}

# traced WHAT COMMAND...: it is, the second time
traced() {
	local what=$1

	shift
	"$@" >/dev/null
	"$work/mark" begin
	"$@" >/dev/null
	"$work/mark" end
	say trace "$what"
}

# For tests/bench/trace
case_trace() {
	cp "$dir/mark" $work/ || exit
	modprobe cordon device_sysfs=0 || die "no module"
	cordonctl apply $work/policy.yaml >/dev/null || die "the policy does not load"
	mkdir -p /out/keep/bench/trace
	cp /proc/kallsyms /out/keep/bench/trace/
	flush
	connections 1000 2000
	traced established forward $packets 1000-1000 2000
	traced reply answer $packets 2000 1000
	flush
	traced new fresh
	flush
	traced "denied at the first hook" stranger
	traced "denied at the second hook" forbidden
	rmmod cordon
}

# handshakes FLOW: a new port for all of them
handshakes() {
	port=$((port + 1000))
	handshake $handshakes "$n" "$work/$1.flow" $port || die "handshakes do not come through"
}

# Whole handshakes, of TCP, come from a program behind two taps. Without the demand as with it, connections have labels.
handshakes_of_tls() {
	local port=1024 case flow

	taps
	sed 's|udp/2000-4000|&, tcp/443|' $work/tls.yaml >$work/demanding.yaml
	sed 's/, encryption: TLS1.3//' $work/demanding.yaml >$work/undemanding.yaml
	modprobe cordon device_sysfs=0 || exit
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
}

# No TLS comes from pktgen: a program behind two taps opens the connections first, by a datagram of QUIC each way. They
# have labels from then on, so that they cost the same without the demand.
case_gate() {
	modprobe cordon device_sysfs=0 || die "no module"
	flush
	sed 's/isolate: false/&, encryption: TLS1.3/' $work/policy.yaml >$work/tls.yaml
	cordonctl apply $work/tls.yaml >/dev/null || die "the policy that demands TLS does not load"
	taps
	handshake "$n" "$n" quic 1001 >/dev/null || die "connections of QUIC do not come through"
	dummies
	through gated established forward $packets 1001-1001 2001
	cordonctl apply $work/policy.yaml >/dev/null || die "the policy that demands nothing does not load"
	through ungated established forward $packets 1001-1001 2001
	rmmod cordon
	handshakes_of_tls
	dummies
}

mkdir -p $work
mkfifo $work/never
cp "$dir/policy.yaml" "$dir/rules.nft" "$dir/devices.txt" $work/ || exit
cp "$dir"/../spent "$dir"/../acks $work/ || exit
for flow in $flows_of_tls; do
	cp "$(dirname "$0")/../vectors/tls/$flow.flow" $work/ || exit
done

[ $# -gt 0 ] || set -- plain idle tracked nftables ebpf cordon watch control learned lease ipv6 flowtable nat gate
topology
forward 200 1000-1000 2000 >/dev/null
for case; do
	"case_$case"
done
