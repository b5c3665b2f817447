#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The tools that attack a local network, on a device that somebody took over. Without a policy each does harm to another
# device, which shows that it works here; with one it is counted, as what it is, against the device that it runs on, and
# the other keeps its neighbours, its routes and its connections. What each counts is printed. A few of them;
# with TORTURE=1 all. They run between network namespaces of a guest, and nowhere else.
# kernels: torture
# seconds: 2400
# needs: tests/vm/attack.sh
#
#   cam (taken over) ── lan0 ┐
#   plug (attacked) ─── lan2 ┴ br0 10.0.20.1 fd00:20::1        lock (taken over) ── lan1 10.0.30.1        (the rest: lib.sh)
SERVICES='53 443'
. "$(dirname "$0")/lib.sh"
tree=$("$(dirname "$0")/../vm/attack.sh") || exit
extra=plug
PLUG=10.0.20.13 PLUG6=fd00:20::13 PLUG_MAC=02:00:00:00:01:03
BR_MAC=02:00:00:00:01:fe
setup
mkdir -p "$tree/var"
enter_tree
host plug lan2 $PLUG $PLUG6 $GW_CAM $GW_CAM6 $PLUG_MAC
serve plug
bridge_lan lan0 lan2
# What its packages' scripts would link to.
libraries=$(cd "$tree" && ls -d usr/lib/*/blas usr/lib/*/lapack 2>/dev/null | sed 's,^,/,' | paste -sd :)
sed -i 's/^ec_uid = .*/ec_uid = 0/; s/^ec_gid = .*/ec_gid = 0/' "$tree/etc/ettercap/etter.conf"
# A victim that hears routers, and a tool that does not have to ask for whom it attacks.
on plug sysctl -qw net.ipv6.conf.eth0.accept_ra=2 net.ipv6.conf.eth0.accept_redirects=1
link_local() {
	ip -n "$1" -6 -o addr show dev "$2" scope link | sed 's/.*inet6 //; s,/.*,,'
}
cat >"$work/leased.sh" <<-'END'
	#!/bin/sh
	[ "$1" != bound ] || echo "bound $ip by $serverid"
END
chmod +x "$work/leased.sh"
printf '%s\n' port=0 user=root interface=br0 bind-dynamic dhcp-authoritative no-ping log-facility=- "dhcp-leasefile=$work/leases" \
	"pid-file=$work/server" "dhcp-range=10.0.20.100,10.0.20.109,1h" >"$work/server.conf"
printf '%s\n' port=0 user=root interface=eth0 bind-dynamic dhcp-authoritative no-ping "dhcp-leasefile=$work/rogue.leases" \
	"pid-file=$work/rogue" "dhcp-range=10.0.20.200,10.0.20.209,1h" "dhcp-option=3,$CAM" enable-ra \
	"dhcp-range=fd00:20::,ra-only,64" "ra-param=eth0,high,4" >"$work/rogue.conf"

# policy true|false: whether devices are isolated from each other
policy() {
	apply <<-END
		version: 1
		mode: enforce
		ports: [lan0, lan1, lan2]
		uplinks: [wan0, plant0]
		segments:
		  iot_zone: {isolate: $1}
		  wan: {networks: [0.0.0.0/0, "::/0"]}
		rules:
		  - {from: iot_zone, to: wan, allow: [tcp/443]}
		  - {from: iot_zone, to: gateway, allow: [udp/53]}
		devices:
		  - {name: cam, mac: "$CAM_MAC", network_segment: iot_zone, addresses: [$CAM, "$CAM6"]}
		  - {name: plug, mac: "$PLUG_MAC", network_segment: iot_zone, addresses: [$PLUG, "$PLUG6"]}
		  - {name: lock, mac: "$LOCK_MAC", network_segment: iot_zone, addresses: [$LOCK, "$LOCK6"]}
	END
}

# What the attacked device has: the MAC of its gateway, by ARP and neighbour discovery, its networks and its routers
knows() {	# NS ADDRESS: the MAC that it has for this neighbour
	ip -n "$1" neigh show "$2" | sed -n 's/.*lladdr \([^ ]*\).*/\1/p'
}
asks() {	# it hears anew who its gateway is
	ip -n plug neigh flush dev eth0
	reaches plug udp $GW_CAM 53
	reaches plug udp $GW_CAM6 53
}
networks() {
	ip -n plug -6 route show table all | grep -vE '^(unreachable|anycast|multicast)|^ff|^fe80' | sed 's/ expires [0-9]*sec//; s/ *$//' | sort
}
heal() {
	ip -n plug link set eth0 down
	ip -n plug link set eth0 up
	ip -n plug addr replace $PLUG6/64 dev eth0 nodad
	ip -n plug route replace default via $GW_CAM
	ip -n plug route replace ::/0 via $GW_CAM6
	ip -n gw neigh flush all
	ip -n plug neigh flush all
	: >"$work/leases"
}

# Whether it does harm, without a policy
harms_arp() {
	[ "$(knows plug $GW_CAM)" = $CAM_MAC ]
}
harms_nd() {
	[ "$(knows plug $GW_CAM6)" != $CAM_MAC ] || return 0
	ip -n plug neigh flush dev eth0
	reaches plug udp $GW_CAM6 53 500
	[ "$(knows plug $GW_CAM6)" = $CAM_MAC ]
}
harms_routes() {
	[ "$(networks)" != "$healthy" ]
}
harms_pool() {	# addresses are gone
	[ "$(wc -l <"$work/leases")" -ge 5 ]
}
harms_asked() {	# the gateway's server has to do
	[ "$(grep -c DHCPDISCOVER "$work/server.log")" -ge 20 ]
}
harms_lease() {	# who asks for an address gets one of the device's
	run plug busybox udhcpc -i eth0 -f -n -q -t 3 -T 1 -s "$work/leased.sh" | shows "bound 10.0.20.20"
}
received() {
	on "$1" cat "/sys/class/net/$2/statistics/rx_packets"
}
harms_flood() {	# hundreds of packets a second come through
	local before
	before=$(received inet eth0)
	poll 3 false
	[ $(($(received inet eth0) - before)) -gt 300 ]
}
harms_ports() {
	grep -qE '^53/(tcp|udp) open' "$work/tool.log"
}

# How often each kind was counted: of all, and of a device
kinds_of() {	# NS
	local dir=anomalies mac
	case $1 in
	cam) mac=$CAM_MAC ;; lock) mac=$LOCK_MAC ;; plug) mac=$PLUG_MAC ;; all) mac='' ;;
	esac
	# shellcheck disable=SC2016
	on gw sh -c 'cd "/sys/kernel/cordon/$0" && grep -H "" -- *' "${mac:+devices/$mac/}$dir" | tr : ' '
}
# counted NS: what has come since then, a kind and a number each
counted() {
	join <(sort "$work/before.$1") <(kinds_of "$1" | sort) | awk '$3 > $2 { print $1, $3 - $2 }'
}
# start NS COMMAND...: the tool runs, until it is stopped
start() {
	tool_in=$1
	ip netns pids "$1" | sort >"$work/there"
	LD_LIBRARY_PATH=$libraries daemon "$1" tool "${@:2}"
}
gone() {
	[ ! -d "/proc/$1" ]
}
# The processes of the tool, with those that it has started
tool_pids() {
	ip netns pids "$tool_in" | sort | comm -13 "$work/there" -
}
ended() {
	[ -z "$(tool_pids)" ]
}
# At once: what they do when they are asked to end is of no interest, and yersinia crashes.
stop() {
	tool_pids | xargs -r kill -9 2>/dev/null
	poll 5 ended
}
any_of() {	# NS KINDS: one of them has been counted
	counted "$1" | shows -E "^($2) "
}
served() {
	reaches plug tcp $INET 443 && reaches plug tcp $INET6 443
}

# What it takes to see the harm
before() {	# HARM
	heal
	[ "$1" != pool ] && [ "$1" != asked ] || { daemon gw server dnsmasq -k --conf-file="$work/server.conf"; poll 20 test -s "$work/server"; }
	asks
	healthy=$(networks)
}
after() {	# HARM
	[ "$1" != pool ] && [ "$1" != asked ] || { kill "$(cat "$work/server.pid")"; poll 5 gone "$(cat "$work/server.pid")"; rm -f "$work/server"; }
}

# works HARM NAME NS COMMAND...: without a policy
works() {
	local harm=$1 name=$2
	before "$harm"
	start "${@:3}"
	poll 15 "harms_$harm" || tail -n 20 "$work/tool.log" | sed 's/^/# /'
	"harms_$harm"
	report $? "$name: without a policy it does harm"
	stop
	after "$harm"
}
# harmless HARM KINDS NAME NS COMMAND...: with one. KINDS are those that the tool is, of which one must be counted of its
# device; all|KINDS, which no device is charged with, as the frames bear none's MAC.
harmless() {
	local harm=$1 kinds=$2 name=$3 ns=$4 whose=$4
	case $kinds in all:*) whose=all kinds=${kinds#all:} ;; esac
	before "$harm"
	served
	for who in all cam lock; do kinds_of $who >"$work/before.$who"; done
	start "${@:4}"
	[ "$kinds" = - ] || poll 5 any_of "$whose" "$kinds"
	! "harms_$harm"
	report $? "$name: it does no harm"
	if [ "$kinds" != - ]; then
		poll 15 any_of "$whose" "$kinds" || tail -n 20 "$work/tool.log" | sed 's/^/# /'
		any_of "$whose" "$kinds"
		report $? "$name: and counts"
	fi
	expect "$name: the other is served meanwhile" served
	asks
	stop
	after "$harm"
	equal "$name: the other knows its gateway" "$BR_MAC $BR_MAC" "$(knows plug $GW_CAM) $(knows plug $GW_CAM6)"
	equal "$name: and the gateway it" "$PLUG_MAC $PLUG_MAC" "$(knows gw $PLUG) $(knows gw $PLUG6)"
	equal "$name: its networks and routers are what they were" "$healthy" "$(networks)"
	equal "$name: nothing is counted against it" "" "$(kinds_of plug | grep -v ' 0$')"
	{
		printf '%s, on %s' "$name" "$ns"
		counted "$ns" | awk '{ printf "%s %s %s", (NR > 1 ? "," : ":"), $1, $2 }'
		join -a 1 <(counted all | sort) <(counted "$ns" | sort) |
			awk '$2 > $3 { printf "%s %s %s", (n++ ? "," : "; of no device:"), $1, $2 - $3 }'
		echo
	} | sed 's/^/# /'
}

# The tools: HARM KINDS NAME NS COMMAND..., a line each; those of the short form first
tools() {
	cat <<-END
		arp arp_spoof arpspoof cam arpspoof -i eth0 -t $PLUG $GW_CAM
		routes rogue_ra fake_router6 cam atk6-fake_router6 eth0 fd00:bad::/64
	END
	[ -n "${TORTURE-}" ] || return
	cat <<-END
		lease rogue_ra|rogue_dhcp dnsmasq cam dnsmasq -k --conf-file=$work/rogue.conf
		nd - parasite6 cam atk6-parasite6 -l eth0
		pool spoofed_source dhcpstarv cam dhcpstarv -i eth0
		flood segment_violation hping3_-S cam hping3 -i u1000 -S -p 53 $INET
		arp arp_spoof ettercap_arp cam ettercap -T -q -z -o -i eth0 -j $work/hosts -M arp:remote /$PLUG// /$GW_CAM//
		lease heard:rogue_dhcp ettercap_dhcp cam ettercap -T -q -z -i eth0 -M dhcp:10.0.20.200-209/255.255.255.0/$CAM
		asked all:unknown_device yersinia_dhcp cam yersinia dhcp -attack 1 -interface eth0
		routes rogue_ra fake_router26 cam atk6-fake_router26 -A fd00:bad::/64 eth0
		routes rogue_ra|nd_spoof|fragment fake_router26_-E_F cam atk6-fake_router26 -E F -A fd00:bad::/64 eth0
		nd nd_spoof|spoofed_source fake_advertise6 cam atk6-fake_advertise6 -w 1 eth0 $GW_CAM6 ff02::1 $CAM_MAC
		flood spoofed_source hping3_--rand-source cam hping3 -i u1000 --rand-source -S -p 443 $INET
		flood segment_violation hping3_--udp cam hping3 -i u1000 --udp -p 53 $INET
		flood segment_violation hping3_--icmp cam hping3 -i u1000 --icmp $INET
		flood bad_flags hping3_-F_-P_-U cam hping3 -i u1000 -F -P -U -p 443 $INET
		flood spoofed_source hping3_-a cam hping3 -i u1000 -a $PLUG -S -p 443 $INET
		flood spoofed_source hping3_-a,_routed lock hping3 -i u1000 -a $CAM -S -p 443 $INET
		flood bad_flags hping3_-X,_routed lock hping3 -i u1000 -X -p 443 $INET
		ports segment_violation nmap_-sS cam nmap -n -Pn -sS --max-retries 0 -p 1-100 $INET
		ports segment_violation nmap_-sU cam nmap -n -Pn -sU --max-retries 0 -p 50-60 $INET
		ports bad_flags nmap_-sX cam nmap -n -Pn -sX --max-retries 0 -p 1-100 $INET
		ports bad_flags nmap_-sN cam nmap -n -Pn -sN --max-retries 0 -p 1-100 $INET
		ports bad_flags nmap_-sF,_routed lock nmap -n -Pn -sF --max-retries 0 -p 1-100 $INET
	END
}
each() {	# FUNCTION
	local harm kinds name command
	while read -r harm kinds name command; do
		# Of what is routed it is no matter whether devices are isolated.
		case $isolate,$harm in true,flood | true,ports) continue ;; esac
		# Of who is isolated it hears no question.
		case $isolate,$kinds in true,heard:*) kinds=- ;; esac
		kinds=${kinds#heard:} name=${name//_/ }
		# shellcheck disable=SC2086
		if [ "$1" = works ]; then works $harm "$name" $command; else harmless $harm "$kinds" "$name" $command; fi
	done < <(tools)
}

# A tool that asks first who has an address finds it.
known() {
	ip -n cam neigh replace $PLUG lladdr $PLUG_MAC nud permanent dev eth0
	ip -n cam neigh replace $GW_CAM lladdr $BR_MAC nud permanent dev eth0
	ip -n cam neigh replace $GW_CAM6 lladdr $BR_MAC nud permanent dev eth0
}
known
printf '%s\n' "$PLUG $PLUG_MAC -" "$GW_CAM $BR_MAC -" >"$work/hosts"
isolate=''
each works
heal
for isolate in false ${TORTURE:+true}; do
	expect "devices' isolation is $isolate: a policy" policy $isolate
	expect "who is attacked is served" poll 20 served
	each harmless
	expect "what the device may do, it does still" reaches cam tcp $INET 443
done
finish
