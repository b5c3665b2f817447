# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# lib.sh (to be sourced): a gateway with two devices, a plant and an internet, and how to look at them.
#
#  cam  10.0.20.11  fd00:20::11  02:00:00:00:01:01 ── lan0 ┐          ┌ plant0 ── plant  10.0.50.10  fd00:50::10
#                                                          ├─── gw ───┤
#  lock 10.0.30.12  fd00:30::12  02:00:00:00:01:02 ── lan1 ┘          └ wan0 ──── inet   192.0.2.10  2001:db8::10
#
# Each host echoes TCP and UDP on the ports of $SERVICES, the gateway on those of $GW_SERVICES. Every deny has its allow control.
set -uo pipefail

CAM=10.0.20.11 CAM6=fd00:20::11 CAM_MAC=02:00:00:00:01:01
LOCK=10.0.30.12 LOCK6=fd00:30::12 LOCK_MAC=02:00:00:00:01:02
PLANT=10.0.50.10 PLANT6=fd00:50::10
INET=192.0.2.10 INET6=2001:db8::10
GW_CAM=10.0.20.1 GW_CAM6=fd00:20::1 GW_LOCK=10.0.30.1 GW_LOCK6=fd00:30::1
SERVICES=${SERVICES-'22 53 80 443 502 8443 8883'}
GW_SERVICES=${GW_SERVICES-$SERVICES}

count=0 failed=0
extra=''	# further namespaces, a scenario's own
mounts=''	# likewise
work=$(mktemp -d)

on() {
	enter "$@"
}

# spawn NAMESPACE COMMAND...: in the background, as process $!, where that of `on ... &` would be a shell's
spawn() {
	enter "$@" &
}

report() {
	count=$((count + 1))
	if [ "$1" = 0 ]; then echo "ok $count - $2"; else echo "not ok $count - $2"; failed=1; fi
}

# expect NAME COMMAND...: it succeeds
expect() {
	local name=$1
	shift
	"$@" >"$work/said" 2>&1
	local status=$?
	[ $status = 0 ] || sed 's/^/# /' "$work/said"
	report $status "$name"
}

# shows PATTERN...: as `grep -q` does, but it reads to the end: with pipefail, whoever writes into a pipe that is closed fails
shows() {
	local lines
	lines=$(grep "$@")
}

# refuse NAME COMMAND...: it fails, as a command that says no (1), not as one that cannot run
refuse() {
	local name=$1
	shift
	"$@" >"$work/said" 2>&1
	local status=$?
	[ $status = 1 ] || { echo "# status $status"; sed 's/^/# /' "$work/said"; }
	[ $status = 1 ]
	report $? "$name"
}

# equal NAME WANTED GOT
equal() {
	[ "$2" = "$3" ] || echo "# wanted '$2', got '$3'"
	[ "$2" = "$3" ]
	report $? "$1"
}

# poll SECONDS COMMAND...: until it succeeds, or the time is over
poll() {
	local end=$((SECONDS + $1))
	shift
	until "$@" >/dev/null 2>&1; do
		[ $SECONDS -lt $end ] || return 1
		read -r -t 0.05 <>"$work/never"
	done
	return 0
}

# Few processes: to start one takes a tenth of a second in the emulator.
host() {
	local ns=$1 dev=$2 v4=$3 v6=$4 gw4=$5 gw6=$6
	ip -batch - <<-END
		netns add $ns
		link add $dev netns gw type veth peer name eth0 netns $ns
	END
	enter -w "$ns" net.ipv6.conf.all.accept_dad=0 net.ipv6.conf.eth0.accept_dad=0
	enter -w gw net.ipv6.conf."$dev".accept_dad=0
	ip -n gw -batch - <<-END
		addr add $gw4/24 dev $dev
		addr add $gw6/64 dev $dev nodad
		link set $dev up
	END
	ip -n "$ns" -batch - <<-END
		link set lo up
		${7:+link set eth0 address $7}
		addr add $v4/24 dev eth0
		addr add $v6/64 dev eth0 nodad
		link set eth0 up
		route add default via $gw4
		route add ::/0 via $gw6
	END
}

is_ready() {	# NS: it serves
	[[ $(<"$work/$1.ready") == *ready* ]]
}

serve() {
	local ports=$SERVICES

	[ "$1" != gw ] || ports=$GW_SERVICES
	# shellcheck disable=SC2086
	probe in "$1" listen $ports >"$work/$1.ready" 2>&1 &
	poll 20 is_ready "$1" || { cat "$work/$1.ready"; echo "Bail out! $1 does not serve"; exit 1; }
}

setup() {
	mkfifo "$work/never"
	trap teardown EXIT
	ip netns add gw
	# The gateway's own, for counter().
	mkdir "$work/sys"
	enter -s "$work/sys" gw
	ip -n gw link set lo up
	enter -w gw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1 net.ipv4.conf.all.rp_filter=0 \
		net.ipv4.conf.default.rp_filter=0 net.ipv4.icmp_ratelimit=0
	host cam lan0 $CAM $CAM6 $GW_CAM $GW_CAM6 $CAM_MAC
	host lock lan1 $LOCK $LOCK6 $GW_LOCK $GW_LOCK6 $LOCK_MAC
	host plant plant0 $PLANT $PLANT6 10.0.50.1 fd00:50::1
	host inet wan0 $INET $INET6 192.0.2.1 2001:db8::1
	for ns in gw cam lock plant inet; do
		serve $ns
	done
	modprobe cordon || exit 1
}

teardown() {
	local pids
	trap - EXIT
	pids=$(jobs -p)
	# shellcheck disable=SC2086
	[ -z "$pids" ] || { kill $pids; wait $pids; } 2>/dev/null
	for ns in $extra cam lock plant inet gw; do
		ip netns pids $ns 2>/dev/null | xargs -r kill -9 2>/dev/null
		ip netns del $ns 2>/dev/null
	done
	# shellcheck disable=SC2086
	[ -z "$mounts" ] || umount -l $mounts
	[ ! -d "$work/sys" ] || enter -u "$work/sys"
	rmmod cordon 2>/dev/null
	rm -rf "$work"
}

# The end of every scenario.
finish() {
	teardown
	echo "1..$count"
	exit $failed
}

reaches() {
	probe in "$1" "$2" "$3" "$4" "${5:-3000}"
}

# Denied is denied at once: what would pass passes in milliseconds, and has its control beside it.
blocked() {
	probe in "$1" "$2" "$3" "$4" "${5:-500}"
	[ $? = 1 ]
}

apply() {
	cat >"$work/policy.yaml"
	on gw cordonctl apply "$work/policy.yaml"
}

# counter PATH: a value below /sys/kernel/cordon, as the gateway sees it
counter() {
	local value
	value=$(<"$work/sys/kernel/cordon/$1") && echo "$value"
}

# grows NAME PATH COMMAND...: the counter is larger after the command than before it
grows() {
	local name=$1 path=$2 before after
	shift 2
	before=$(counter "$path")
	"$@" >/dev/null 2>&1
	after=$(counter "$path")
	[ "$after" -gt "$before" ] || echo "# $path: $before, then $after"
	[ "$after" -gt "$before" ]
	report $? "$name"
}

# stays NAME PATH COMMAND...: it is not
stays() {
	local name=$1 path=$2 before
	shift 2
	before=$(counter "$path")
	"$@" >/dev/null 2>&1
	equal "$name" "$before" "$(counter "$path")"
}

# cases COMMAND [ARG...]: those of a command in the gateway's namespace, or of a script here, which prints them as wire.py does
cases() {
	local line name=$1
	case $name in
	*.py) shift; set -- python3 "tests/scenarios/$name" "$@" ;;
	esac
	while IFS= read -r line; do
		case $line in
		"ok "*) report 0 "${line#ok }" ;;
		"not ok "*) report 1 "${line#not ok }" ;;
		*) echo "$line" ;;
		esac
	done < <(on gw "$@" 2>&1 || echo "not ok $name: exit status $?")
}

# nothing_else: nothing leaves by wan0 and lan1 but what is forwarded: no questions of neighbours, and no answers to theirs
nothing_else() {
	local ns dev from to
	while read -r ns dev to from; do
		on gw sysctl -qw net.ipv6.conf.$dev.router_solicitations=0 net.ipv6.conf.$dev.mldv2_unsolicited_report_interval=0
		on gw ip neigh replace "$to" lladdr "$(mac_of "$ns" eth0)" nud permanent dev "$dev"
		on "$ns" ip neigh replace "$from" lladdr "$(mac_of gw "$dev")" nud permanent dev eth0
	done <<-END
		inet wan0 $INET 192.0.2.1
		inet wan0 $INET6 2001:db8::1
		lock lan1 $LOCK $GW_LOCK
		lock lan1 $LOCK6 $GW_LOCK6
	END
}

# unanswered NAMESPACE COMMAND...: datagrams for port 443 there get no answer while a command runs
unanswered() {
	on "$1" nft 'table inet quiet { chain in { type filter hook prerouting priority -300; udp dport 443 drop; }; }'
	"${@:2}"
	on "$1" nft delete table inet quiet
}

# kind NAME [MAC]: how often it was counted of a device
kind() {
	counter "devices/${2:-$CAM_MAC}/anomalies/$1"
}

total() {
	counter "anomalies/$1"
}

# denied KIND NAME COMMAND...: cam's connection does not come up, and is counted as that
denied() {
	local kind=$1 name=$2 before
	shift 2
	before=$(kind "$kind")
	! "$@"
	report $? "$name: refused"
	[ "$(kind "$kind")" -gt "$before" ]
	report $? "$name: counted as $kind"
}

# denied_other KIND NAME COMMAND...: the same for what another host opens to cam, whom nothing is charged
denied_other() {
	local kind=$1 name=$2 cam all
	shift 2
	cam=$(kind "$kind") all=$(total "$kind")
	! "$@"
	report $? "$name: refused"
	[ "$(total "$kind")" -gt "$all" ]
	report $? "$name: counted as $kind"
	equal "$name: not the device's" "$cam" "$(kind "$kind")"
}

# listens NS tcp/PORT|udp/PORT
listens() {
	local how=-t
	[ "${2%/*}" = tcp ] || how=-u
	on "$1" ss -Hln $how "sport = :${2#*/}" | shows .
}

# ten NS TO PATH...: ten datagrams and their answers, and how far each of these counters went
ten() {
	local ns=$1 to=$2 path before=() went=()
	shift 2
	for path; do before+=("$(counter "$path")"); done
	on "$ns" python3 -c '
import socket, sys
s = socket.socket(socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET, socket.SOCK_DGRAM)
s.settimeout(5)
for _ in range(10):
    s.sendto(b"once", (sys.argv[1], 443))
    s.recv(100)' "$to"
	for path; do went+=($(($(counter "$path") - before[${#went[@]}]))); done
	echo "${went[*]}"
}

# counted_ten NAME WANTED NS TO PATH...: they go as far as that. Hosts say other things now and then (neighbour discovery
# asks once more for seconds), so it is looked at until they are quiet: what is counted twice is so every time.
counted_ten() {
	local name=$1 wanted=$2 got end=$((SECONDS + 30))
	shift 2
	reaches "$1" udp "$2" 443
	got=$(ten "$@")
	until [ "$got" = "$wanted" ] || [ $SECONDS -ge $end ]; do
		got=$(ten "$@")
	done
	equal "$name" "$wanted" "$got"
}

# server NS tcp/PORT|udp/PORT COMMAND...: runs until the end
server() {
	local ns=$1 port=$2 log=$work/server.$1.${2#*/}
	shift 2
	on "$ns" "$@" >"$log" 2>&1 <>"$work/never" &
	disown
	poll 20 listens "$ns" "$port" || sed 's/^/# /' "$log"
}

# A server's, in $work/key and $work/crt
certificate() {
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=server.example -days 1 \
		-keyout "$work/key" -out "$work/crt" 2>/dev/null
}

mac_of() {
	on "$1" cat "/sys/class/net/$2/address"
}

# bridge_lan DEV...: the gateway's ports DEV become members of br0, which has the gateway's addresses in cam's networks
bridge_lan() {
	local dev
	# Of its own, or it would be the lowest of its members.
	ip -n gw link add br0 address 02:00:00:00:01:fe type bridge
	on gw sysctl -qw net.ipv6.conf.br0.accept_dad=0
	for dev; do
		ip -n gw addr flush dev "$dev"
		ip -n gw link set "$dev" master br0
	done
	ip -n gw addr add $GW_CAM/24 dev br0
	ip -n gw addr add $GW_CAM6/64 dev br0 nodad
	ip -n gw link set br0 up
}

# enter_tree: make what tests/vm/unpack.sh unpacked in $tree fit to be run in, until the end; what the packages' own
# scripts would do when they are installed, and no more
enter_tree() {
	local name tool

	mounts="$tree/dev $tree/proc $tree/run $tree$work $tree"
	mount --bind "$tree" "$tree" && mkdir -p "$tree$work" && mount --rbind /dev "$tree/dev" && mount -t proc proc "$tree/proc" &&
		mount -t tmpfs run "$tree/run" && mount --bind "$work" "$tree$work" || exit
	for name in iptables ip6tables; do
		for tool in '' -save -restore; do
			ln -sf xtables-nft-multi "$tree/usr/sbin/$name$tool"
		done
	done
	ln -sf ebtables-nft "$tree/usr/sbin/ebtables"
	cp /usr/bin/busybox "$tree/usr/bin/"
	[ -e "$tree/usr/bin/sh" ] || ln -s busybox "$tree/usr/bin/sh"
	ln -sfT /run "$tree/var/run"
}

# run NS COMMAND...: one of the packages in $tree, with the namespace's own /sys
# shellcheck disable=SC2016
in_tree='mount -t sysfs sys "$0/sys" && mount -t cgroup2 none "$0/sys/fs/cgroup" && exec chroot "$0" "$@"'
run() {
	ip netns exec "$1" sh -c "$in_tree" "$tree" "${@:2}"
}

# daemon NS NAME COMMAND...: the same, until the end; its pid is in $work/NAME.pid, what it says in $work/NAME.log
daemon() {
	local ns=$1 name=$2
	shift 2
	ip netns exec "$ns" sh -c "$in_tree" "$tree" "$@" >"$work/$name.log" 2>&1 <>"$work/never" &
	echo $! >"$work/$name.pid"
	disown
}
