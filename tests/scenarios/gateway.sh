#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# What runs on a real gateway, all at once: keepalived, WireGuard, a helper for FTP, multicast routing, avahi's reflector,
# dnsmasq. Each works without a policy, works with one that has a rule for it, and is denied without that rule.
# kernels: torture
# seconds: 900
# needs: tests/vm/daemons.sh
#
#   vpn    10.0.60.10  fd00:60::10  ══ WireGuard, by way of inet and wan0 ══ wg0 ┐
#   admin  10.0.70.10  fd00:70::10  ───────────────────────────────────── admin0 ┴ gw   (the rest: lib.sh)
SERVICES='22 53 80 443 502'
. "$(dirname "$0")/lib.sh"
daemons=$("$(dirname "$0")/../vm/daemons.sh") || exit
talk=$(dirname "$0")/gateway.py
setup
extra='vpn admin'
mounts="$daemons/dev $daemons/proc $daemons$work"
mkdir -p "$daemons$work" "$daemons/srv/ftp" "$work/services" "$work/none"
mount --bind /dev "$daemons/dev" && mount -t proc proc "$daemons/proc" && mount --bind "$work" "$daemons$work" || exit
host admin admin0 10.0.70.10 fd00:70::10 10.0.70.1 fd00:70::1

# run NS COMMAND...: one of the daemons' packages
run() {
	on "$1" chroot "$daemons" "${@:2}"
}
# daemon NS NAME COMMAND...: runs until the end, with a /run of its own; its log is $work/NAME.log, its pid in $work/pid
daemon() {
	local ns=$1 log=$work/$2.log
	shift 2
	# shellcheck disable=SC2016
	ip netns exec "$ns" bash -c 'mount -t tmpfs run "$0/run" && mount --bind "$1" "$0/etc/avahi/services" &&
		mkdir -p "$0/run/vsftpd/empty" && exec chroot "$0" "${@:2}"' \
		"$daemons" "${services:-$work/none}" "$@" >>"$log" 2>&1 <>"$work/never" &
	echo $! >"$work/pid"
	disown
}
talk() {	# NS COMMAND...
	on "$1" python3 "$talk" "${@:2}"
}
# listen NS FILE COMMAND...: a line in $work/FILE for whatever is heard from now on
listen() {
	local ns=$1 file=$work/$2
	shift 2
	ip netns exec "$ns" python3 "$talk" "$@" "$file" >"$file.said" 2>&1 <>"$work/never" &
	echo $! >"$file.pid"
	disown
	poll 20 grep -q ready "$file" || sed 's/^/# /' "$file.said"
}
lines() {
	wc -l <"$work/$1"
}

by() {	# 4|6 WORD WORD: the one for IPv4, or for IPv6
	if [ "$1" = 4 ]; then echo "$2"; else echo "$3"; fi
}

# Each of these is true if it works within so many seconds, by IPv4 or IPv6: CASE 4|6 SECONDS

# gw holds the virtual address until it hears that plant's router, of higher priority, has it.
vrrp() {
	poll "$2" not holds plant0 "$(by "$1" 10.0.50.254 fd00:50::254)"
}
not() {
	"$@"
	[ $? = 1 ]
}
holds() {	# DEV ADDRESS
	on gw ip -o addr show "$1" | shows " $2/"
}
alone() {	# 4|6: gw has taken the address
	poll 20 holds plant0 "$(by "$1" 10.0.50.254 fd00:50::254)"
}
# A device reaches the gateway by a virtual address, whose MAC is that of an interface above lan0.
virtual() {
	reaches cam tcp "$(by "$1" 10.0.20.254 fd00:20::254)" 80 "${2}000"
}
owns() {	# 4|6
	poll 20 holds "$(by "$1" vrrp.53 vrrp6.53)" "$(by "$1" 10.0.20.254 fd00:20::254)"
}
retire() {	# keepalived takes its interfaces away again
	kill "$(cat "$work/virtual")"
	poll 20 not on gw ip link show vrrp.53 && poll 20 not on gw ip link show vrrp6.53
}
# Somebody on the road reaches a device through the gateway's WireGuard; a device has a tunnel of its own.
wireguard() {
	reaches vpn tcp "$(by "$1" $CAM $CAM6)" 502 "${2}000"
}
tunnel() {
	run cam wg set wg2 peer "$(cat "$work/server.pub")" endpoint "$(by "$1" "$INET:51820" "[$INET6]:51820")"
	reaches cam tcp "$(by "$1" 10.0.61.10 fd00:61::10)" 443 "${2}000"
}
# FTP: the server opens the connection for data (PORT, EPRT), or the client (PASV, EPSV).
get() {	# NS HOST SECONDS OPTION...
	[ "$(on "$1" curl -sS --max-time "$3" "${@:4}" "ftp://$2/file" 2>"$work/curl")" = data ]
}
ftp() {
	get cam "$(by "$1" $INET "[$INET6]")" "$2" -P - "$(by "$1" --disable-eprt --eprt)"
}
ftpd() {
	get plant "$(by "$1" $CAM "[$CAM6]")" "$2" -P - "$(by "$1" --disable-eprt --eprt)"
}
passive() {
	get plant "$(by "$1" $CAM "[$CAM6]")" "$2" "$(by "$1" --disable-epsv --epsv)"
}
control() {	# NS HOST: a file's size, which is said in the connection that is there
	on "$1" curl -sSI --max-time 20 "ftp://$2/file" 2>"$work/curl" | shows 'Content-Length: 5'
}
# A group that cam has joined: what inet sends to it arrives.
stream() {
	local before end=$((SECONDS + $2))

	before=$(lines "group$1")
	until [ "$(lines "group$1")" -gt "$before" ]; do
		[ $SECONDS -lt $end ] || return 1
		talk inet stream eth0 "$(by "$1" 239.1.1.1 ff0e::101)" 5004 1
	done
}
# plant asks for what cam offers by mDNS.
mdns() {
	talk plant browse eth0 "$(by "$1" 224.0.0.251 ff02::fb)" _http._tcp.local camera "$2"
}
# dnsmasq on an uplink, and behind a port
lease() {
	if [ "$1" = 4 ]; then leased admin 10.0.70.10 "$2"; else talk admin solicit eth0 "$2"; fi
}
leased() {	# NS ADDRESS SECONDS
	on "$1" busybox udhcpc -i eth0 -f -q -n -t "$3" -T 1 -A 1 -s "$work/leased.sh" 2>&1 | shows "^bound $2$"
}
# heard NS FILE FROM TO: the protocols that arrived; the last one passes by every policy
heard() {
	: >"$work/$2"
	talk "$1" say eth0 "$3" "$4"
	poll 20 grep -q '^99$' "$work/$2"
	sort -u "$work/$2" | paste -sd ' '
}
through() {	# 4|6: from cam to inet
	heard cam through"$1" "$(by "$1" $CAM $CAM6)" "$(by "$1" $INET $INET6)"
}
routing() {	# 4|6: from plant to the gateway, to the group of all OSPF routers
	heard plant routing"$1" "$(by "$1" $PLANT $PLANT6)" "$(by "$1" 224.0.0.5 ff02::5)"
}

# instance NAME ID DEV PRIORITY OPTION ADDRESS...: of keepalived
instance() {
	printf '%s\n' "vrrp_instance $1 {" 'state BACKUP' 'advert_int 0.3' "virtual_router_id $2" "interface $3" "priority $4" "$5" \
		'virtual_ipaddress {' "${@:6}" '}' '}'
}
keepalived() {	# NS NAME: with NAME.conf
	daemon "$1" "$2" keepalived -n -P -l -G -f "$work/$2.conf"
}
routers() {
	local name dev priority

	while read -r name dev priority; do
		printf '%s\n' 'global_defs {' 'vrrp_version 3' '}' >"$work/$name.conf"
		instance v4 51 "$dev" "$priority" '' 10.0.50.254/24 >>"$work/$name.conf"
		instance v6 52 "$dev" "$priority" '' fe80::50:254/64 fd00:50::254/64 >>"$work/$name.conf"
	done <<-END
		router plant0 100
		peer eth0 200
	END
	{
		printf '%s\n' 'global_defs {' 'vrrp_version 3' '}'
		instance virtual4 53 lan0 100 'use_vmac vrrp.53' 10.0.20.254/32
		instance virtual6 53 lan0 100 'use_vmac vrrp6.53' fe80::20:254/64 fd00:20::254/128
	} >"$work/virtual.conf"
	keepalived gw router
	alone 4 && alone 6
	keepalived plant peer
	keepalived gw virtual
	mv "$work/pid" "$work/virtual"
}

# end NS DEV ADDRESSES KEY PEER OPTION...: an end of a tunnel
end() {
	local ns=$1 dev=$2 addresses=$3 key=$4 peer=$5 address
	shift 5
	for address in $addresses; do
		ip -n "$ns" addr add "$address" dev "$dev"
	done
	run "$ns" wg set "$dev" private-key "$work/$key.key" peer "$(cat "$work/$peer.pub")" "$@"
	ip -n "$ns" link set "$dev" up
}
tunnels() {
	local name

	for name in gw road cam server; do
		(umask 077; run gw wg genkey >"$work/$name.key")
		run gw wg pubkey <"$work/$name.key" >"$work/$name.pub"
	done
	ip netns add vpn
	# Its socket stays in the namespace that it was made in.
	ip -n inet link add wg1 type wireguard
	ip -n inet link set wg1 netns vpn
	ip -n gw link add wg0 type wireguard
	ip -n inet link add wg2 type wireguard
	ip -n cam link add wg2 type wireguard
	run gw wg set wg0 listen-port 51820
	run inet wg set wg2 listen-port 51820
	end gw wg0 '10.0.60.1/24 fd00:60::1/64' gw road allowed-ips 10.0.60.0/24,fd00:60::/64
	end vpn wg1 '10.0.60.10/24 fd00:60::10/64' road gw allowed-ips 10.0.0.0/16,fd00::/16 endpoint 192.0.2.1:51820
	end inet wg2 '10.0.61.10/24 fd00:61::10/64' server cam allowed-ips 10.0.61.11,fd00:61::11
	end cam wg2 '10.0.61.11/24 fd00:61::11/64' cam server allowed-ips 10.0.61.10,fd00:61::10
	ip -n vpn route add 10.0.20.0/24 dev wg1
	ip -n vpn route add fd00:20::/64 dev wg1
}

servers() {
	local ns

	echo data >"$daemons/srv/ftp/file"
	chmod 644 "$daemons/srv/ftp/file"
	printf '%s\n' listen=NO listen_ipv6=YES anonymous_enable=YES no_anon_password=YES anon_root=/srv/ftp ftp_username=nobody \
		nopriv_user=nobody secure_chroot_dir=/run/vsftpd/empty connect_from_port_20=YES seccomp_sandbox=NO isolate=NO \
		isolate_network=NO background=NO >"$work/vsftpd.conf"
	for ns in inet cam; do
		daemon $ns ftp-$ns vsftpd "$work/vsftpd.conf"
		poll 20 listens $ns tcp/21 || sed 's/^/# /' "$work/ftp-$ns.log"
	done
	on gw nft -f - <<-END
		table inet helpers {
			ct helper ftp { type "ftp" protocol tcp; }
			chain prerouting { type filter hook prerouting priority filter; tcp dport 21 ct helper set "ftp"; }
		}
	END
	printf '%s\n' '#!/bin/sh' "echo \"\$1 \$ip\"" >"$work/leased.sh"
	chmod +x "$work/leased.sh"
	printf '%s\n' port=0 user=root interface=lan0 interface=admin0 bind-dynamic dhcp-authoritative no-ping \
		"dhcp-leasefile=$work/leases" "pid-file=$work/dnsmasq.pid" \
		"dhcp-host=$CAM_MAC,$CAM" "dhcp-host=$(mac_of admin eth0),10.0.70.10" dhcp-range=10.0.20.2,10.0.20.99 \
		dhcp-range=10.0.70.2,10.0.70.99 dhcp-range=fd00:70::100,fd00:70::1ff,64 >"$work/dnsmasq.conf"
	daemon gw dnsmasq dnsmasq -k --conf-file="$work/dnsmasq.conf"
}

groups() {
	printf '%s\n' quickleave 'phyint wan0 upstream ratelimit 0 threshold 1' 'phyint lan0 downstream ratelimit 0 threshold 1' \
		'phyint lan1 disabled' 'phyint plant0 disabled' 'phyint admin0 disabled' 'phyint wg0 disabled' >"$work/igmpproxy.conf"
	daemon gw igmpproxy igmpproxy -n "$work/igmpproxy.conf"
	printf '%s\n' "mroute from wan0 source $INET6 group ff0e::101 to lan0" >"$work/smcroute.conf"
	# The table for IPv4 is igmpproxy's.
	on gw ip -6 mrule add lookup 200
	daemon gw smcroute smcrouted -n -t 200 -f "$work/smcroute.conf"
	listen cam group4 join eth0 239.1.1.1 5004
	listen cam group6 join eth0 ff0e::101 5004
}

avahi() {	# NS [yes|no INTERFACES]: whether it is a reflector, and of what
	printf '%s\n' '[server]' "host-name=$1" use-ipv4=yes use-ipv6=yes enable-dbus=no "allow-interfaces=${3-eth0}" \
		'[wide-area]' enable-wide-area=no '[publish]' publish-workstation=no \
		'[reflector]' "enable-reflector=${2-no}" >"$work/avahi-$1.conf"
	daemon "$1" "avahi-$1" avahi-daemon --no-chroot --no-drop-root --no-rlimits -f "$work/avahi-$1.conf"
	poll 20 grep -q 'Server startup complete' "$work/avahi-$1.log"
}
reflector() {	# afresh, as it remembers what it has heard
	[ ! -e "$work/reflector" ] || { kill "$(cat "$work/reflector")"; rm "$work/avahi-gw.log"; }
	avahi gw yes lan0,plant0
	mv "$work/pid" "$work/reflector"
}
names() {
	echo 'avahi:x:100:100::/:/bin/sh' >>"$daemons/etc/passwd"
	echo 'avahi:x:100:' >>"$daemons/etc/group"
	echo '<service-group><name>camera</name><service><type>_http._tcp</type><port>80</port></service></service-group>' \
		>"$work/services/camera.service"
	reflector
	services=$work/services avahi cam
}

routers
tunnels
servers
groups
names
for v in 4 6; do
	listen inet through$v hear eth0 $v
	listen gw routing$v hear plant0 $v
done

# policy [SED]: with a rule for each case, marked by its name; SED changes it
ports='lan0, lan1'
policy() {
	sed "${1-}" <<-END | apply
		version: 1
		mode: enforce
		ports: [$ports]
		uplinks: [plant0, wan0, admin0, wg0]
		segments:
		  iot_zone: {}
		  plant: {networks: [10.0.50.0/24, "fd00:50::/64"], interfaces: [plant0]}
		  admin: {networks: [10.0.70.0/24, "fd00:70::/64"], interfaces: [admin0]}
		  vpn: {networks: [10.0.60.0/24, "fd00:60::/64"], interfaces: [wg0]}
		  wan: {networks: [0.0.0.0/0, "::/0"], interfaces: [wan0]}
		rules:
		  - {from: plant, to: gateway, allow: [99]}
		  - {from: iot_zone, to: wan, allow: [99]}
		  - {from: plant, to: gateway, allow: [vrrp]} # vrrp
		  - {from: iot_zone, to: gateway, allow: [tcp/80]} # virtual
		  - {from: wan, to: gateway, allow: [udp/51820]} # outside
		  - {from: vpn, to: iot_zone, allow: [tcp/502]} # inside
		  - {from: iot_zone, to: wan, allow: [udp/51820]} # tunnel
		  - {from: iot_zone, to: wan, allow: [tcp/21], related: true}
		  - {from: plant, to: iot_zone, allow: [tcp/21], related: true}
		  - {from: wan, to: iot_zone, allow: [udp/5004]} # stream
		  - {from: plant, to: gateway, allow: [udp/5353]} # question
		  - {from: iot_zone, to: gateway, allow: [udp/5353]} # answer
		  - {from: admin, to: gateway, allow: [udp/67, udp/547]} # lease
		  - {from: iot_zone, to: wan, allow: [esp, gre, ospf, vrrp, sctp/5060]} # protocols
		  - {from: plant, to: gateway, allow: [ospf]} # routing
		devices:
		  - {name: cam, mac: "$CAM_MAC", network_segment: iot_zone, addresses: [$CAM, "$CAM6"]}
		  - {name: lock, mac: "$LOCK_MAC", network_segment: iot_zone, addresses: [$LOCK, "$LOCK6"]}
	END
}
# without RULE CASE...: none of these works
without() {
	local rule=$1 name v
	shift
	expect "without rule '$rule': a policy" policy "/# $rule\$/d"
	[ "$rule" != answer ] || reflector
	for name; do
		for v in 4 6; do
			expect "without rule '$rule': no $name, IPv$v" not "$name" $v 2
		done
	done
}
# each WHEN: all of them work
each() {
	local name v

	for name in vrrp wireguard tunnel ftp ftpd passive stream mdns lease; do
		for v in 4 6; do
			expect "$1: $name, IPv$v" $name $v 20
		done
	done
	expect "$1: a device's lease" leased cam $CAM 20
}
# reach WHEN THROUGH ROUTING: these protocols arrive
reach() {
	local v

	for v in 4 6; do
		equal "$1: protocols through the gateway, IPv$v" "$2" "$(through $v)"
		equal "$1: protocols to the gateway, IPv$v" "$3" "$(routing $v)"
	done
}
charged() {
	on gw sh -c "grep -H . /sys/kernel/cordon/devices/$CAM_MAC/anomalies/*" | sed 's/.*anomalies.//' | grep -v ':0$'
}
rejoin() {	# leave both groups, and join them again
	local v

	for v in 4 6; do
		kill "$(cat "$work/group$v.pid")"
		rm "$work/group$v"
	done
	listen cam group4 join eth0 239.1.1.1 5004
	listen cam group6 join eth0 ff0e::101 5004
}

all='99 esp gre ospf sctp/5060 sctp/5061 vrrp'
each "without a policy"
reach "without a policy" "$all" "$all"
for v in 4 6; do
	expect "without a policy: an address of keepalived's own interface, IPv$v" virtual $v 20
done
expect "keepalived takes its interfaces away" retire

expect "a policy with a rule for each" policy
before=$(charged)
rejoin
each "with a policy"
equal "the device, which left its groups and joined them again, is charged with nothing" "$before" "$(charged)"
reach "with a policy" '99 esp gre ospf sctp/5060 vrrp' '99 ospf vrrp'
expect "the gateway hears what it sends to a group itself, IPv4" talk gw loop lan0 239.1.1.9 5355
expect "the gateway hears what it sends to a group itself, IPv6" talk gw loop lan0 ff02::99 5355

expect "without rule 'vrrp': a policy" policy '/# vrrp$/d'
for v in 4 6; do
	expect "without rule 'vrrp': the gateway believes itself alone, IPv$v" alone $v
done
without outside wireguard
without inside wireguard
without tunnel tunnel
without stream stream
without question mdns
without answer mdns
without lease lease
expect "without wg0: a policy" policy 's/, wg0]/]/; /^  *vpn:/d; /vpn,/d'
for v in 4 6; do
	expect "without wg0: no wireguard, IPv$v" not wireguard $v 2
	expect "without wg0: vrrp, IPv$v" vrrp $v 20
done
expect "without rules 'protocols', 'routing': a policy" policy '/# protocols$/d; /# routing$/d'
reach "without rules 'protocols', 'routing'" 99 '99 vrrp'
expect "without 'related': a policy" policy 's/, related: true//'
before=$(charged)
for v in 4 6; do
	expect "without 'related': no ftp, IPv$v" not ftp $v 3
done
equal "what a server opens is not charged to the device" "$before" "$(charged)"
for v in 4 6; do
	expect "without 'related': no ftpd, IPv$v" not ftpd $v 3
	expect "without 'related': no passive, IPv$v" not passive $v 3
done
expect "without 'related': the connection of the client" control cam $INET
expect "without 'related': the connection of the client, IPv6" control cam "[$INET6]"
expect "without 'related': the connection to the server" control plant $CAM
expect "without 'related': the connection to the server, IPv6" control plant "[$CAM6]"
expect "with all rules again" policy
for v in 4 6; do
	expect "with all rules again: vrrp, IPv$v" vrrp $v 20
	expect "with all rules again: wireguard, IPv$v" wireguard $v 20
done

# An interface above a port that comes later is closed, until it is listed.
keepalived gw virtual
for v in 4 6; do
	expect "keepalived makes an interface above lan0, IPv$v" owns $v
	expect "not listed, it is closed, IPv$v" not virtual $v 1
done
grows "and its packets are counted as unlisted" anomalies/unlisted virtual 4 1
expect "another policy that does not list it" policy 's/udp.5004/udp\/5005/'
warning=$(grep '^warning: interface vrrp.53 ' "$work/said")	# the next case writes there, too
expect "says that it is closed" grep ' is closed: .* it lies on port lan0$' <<<"$warning"
expect "and it is" not virtual 4 1
ports='lan0, lan1, vrrp.53, vrrp6.53'
expect "a policy that lists it" policy
for v in 4 6; do
	expect "listed, it is open, IPv$v" virtual $v 20
done
without virtual virtual
equal "nobody was unknown" 0 "$(counter anomalies/unknown_device)"
finish
