#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# addresses: auto. What a server of DHCP gives a device is bound to it before it can use it, and until it ends; what it
# takes by itself within the link's networks, by neighbour discovery and, where the policy says so, by ARP, too.
# kernels: all
# seconds: 480
# needs: tests/vm/daemons.sh
#
#   cam ── lan0 ┐
#   plug ─ lan2 ┴ br0 10.0.20.1 fd00:20::1          lock ── lan1 10.0.30.1          (the rest: lib.sh)
SERVICES='22 53 443'
. "$(dirname "$0")/lib.sh"
tree=$("$(dirname "$0")/../vm/daemons.sh") || exit
extra=plug
# What lock would have there by RFC 4862
DERIVED=fd00:20::ff:fe00:102
PLUG=10.0.20.13 PLUG6=fd00:20::13 PLUG_MAC=02:00:00:00:01:03
modprobe br_netfilter
setup
enter_tree

bridge() {
	host plug lan2 $PLUG $PLUG6 $GW_CAM $GW_CAM6 $PLUG_MAC
	serve plug
	bridge_lan lan0 lan2
}
bare() {	# NS: it has no address but a link-local one
	ip -n "$1" addr flush dev eth0 scope global
}

# policy [SED]
policy() {
	sed "${1-}" <<-END | apply
		version: 1
		mode: enforce
		ports: [lan0, lan1, lan2]
		uplinks: [wan0, plant0]
		segments:
		  iot_zone: {isolate: true}
		  wan: {networks: [0.0.0.0/0, "::/0"]}
		rules:
		  - {from: iot_zone, to: wan, allow: [tcp/443]}
		devices:
		  - {name: cam, mac: "$CAM_MAC", network_segment: iot_zone, addresses: auto}
		  - {name: lock, mac: "$LOCK_MAC", network_segment: iot_zone, addresses: auto}
		  - {name: plug, mac: "$PLUG_MAC", network_segment: iot_zone, addresses: [$PLUG, "$PLUG6"]}
	END
}

# bindings: address device origin seconds, a line each
bindings() {
	on gw cordonctl show bindings --json | python3 -c '
import json, sys
for b in json.load(sys.stdin):
    print(b["address"], b["device"], b["origin"], b.get("lease_seconds", "-"))'
}
bound() {	# ADDRESS NAME ORIGIN
	bindings | tee "$work/bindings" | shows "^$1 $2 $3 "
}
unbound() {
	! bindings | tee "$work/bindings" | shows "^$1 "
}
lasts() {	# ADDRESS: how many seconds
	bindings | awk -v a="$1" '$1 == a { print $4 }'
}
# from NS ADDRESS PORT: a connection to inet from this address comes up
from() {
	on "$1" python3 -c '
import socket, sys
v6 = ":" in sys.argv[1]
s = socket.socket(socket.AF_INET6 if v6 else socket.AF_INET)
s.settimeout(1)
s.bind((sys.argv[1], 0))
s.connect((sys.argv[3] if v6 else sys.argv[2], int(sys.argv[4])))' "$2" $INET $INET6 "$3"
}
# lease NS [OPTION...]: a client gets an address; it prints bound ADDRESS
lease() {
	on "$1" busybox udhcpc -i eth0 -f -n -t 5 -T 2 -A 1 -s "$work/leased.sh" "${@:2}" >"$work/$1.lease" 2>&1
}
leased() {	# NS ADDRESS
	lease "$1" -q && grep -q "^bound $2\$" "$work/$1.lease"
}
healthy() {	# NAME MAC: it has done nothing that counts
	# shellcheck disable=SC2016
	equal "$1: nothing is counted against it" "" "$(on gw sh -c 'cd "$0" && grep -LFx 0 -- *' \
		"/sys/kernel/cordon/devices/$2/anomalies")"
}
blocked_from() {
	! from "$1" "$2" 443
}

cat >"$work/leased.sh" <<-'END'
	#!/bin/sh
	[ "$1" = bound ] || [ "$1" = renew ] || exit 0
	ip addr flush dev eth0 scope global
	ip addr add "$ip/24" dev eth0
	ip route replace default via "${ip%.*}.1"
	echo "bound $ip"
END
chmod +x "$work/leased.sh"
dnsmasq() {	# NAME NS OPTION...
	local name=$1 ns=$2
	shift 2
	printf '%s\n' port=0 user=root bind-dynamic dhcp-authoritative no-ping log-dhcp "dhcp-leasefile=$work/$name.leases" \
		"pid-file=$work/$name.dnsmasq" "$@" >"$work/$name.conf"
	daemon "$ns" "$name" dnsmasq -k --conf-file="$work/$name.conf"
	poll 10 test -s "$work/$name.dnsmasq"
}
ended() {
	kill "$(cat "$work/$1.pid")"
	poll 10 gone "$(cat "$work/$1.pid")"
}
gone() {
	[ ! -d "/proc/$1" ]
}

bridge
bare cam
bare lock
dnsmasq server gw interface=br0 interface=lan1 "dhcp-range=10.0.20.50,10.0.20.60,1h" "dhcp-range=10.0.30.50,10.0.30.60,1h" \
	dhcp-option=option:router
expect "a policy with addresses: auto" policy
expect "no address is bound yet" unbound 10.0.20.50

# bridged 0|1: what a bridge switches passes the hooks of IP, or not
bridged() {
	on gw sysctl -qw net.bridge.bridge-nf-call-iptables="$1" net.bridge.bridge-nf-call-ip6tables="$1" \
		net.bridge.bridge-nf-call-arptables="$1"
}
bridged 0
expect "a device in a bridge gets its lease" lease cam -q
expect "and gives it back, as far as the gateway knows" on gw cordonctl device unbind "$(sed -n 's/^bound //p' "$work/cam.lease")"
bare cam
bridged 1
expect "with br_netfilter, too" lease cam -q
address=$(sed -n 's/^bound //p' "$work/cam.lease")
expect "and its address is bound to it, by DHCP" bound "$address" cam dhcp
expect "for as long as the server said" test "$(lasts "$address")" -gt 3500
ip -n cam route replace default via $GW_CAM
expect "and passes where a rule says so" reaches cam tcp $INET 443
expect "and not where none does" blocked cam tcp $INET 22
ip -n cam addr add 10.0.20.99/24 dev eth0
ip -n cam neigh flush dev eth0
grows "another address is spoofed, by ARP" "devices/$CAM_MAC/anomalies/arp_spoof" from cam 10.0.20.99 443
ip -n cam neigh replace $GW_CAM lladdr 02:00:00:00:01:fe nud permanent dev eth0
grows "and by IP" "devices/$CAM_MAC/anomalies/spoofed_source" from cam 10.0.20.99 443
expect "and does not pass" blocked_from cam 10.0.20.99
ip -n cam addr del 10.0.20.99/24 dev eth0

# ask NS CHADDR [OPTIONS [RELAY]]: a DHCPREQUEST from its address, in the name of another, or cut off, or by a relay
ask() {
	on "$1" python3 -c '
import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
s.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"eth0")
s.bind(("", 68))
mac = bytes.fromhex(sys.argv[1].replace(":", ""))
s.sendto(b"\x01\x01\x06\x00" + bytes(20) + socket.inet_aton(sys.argv[3]) + mac + bytes(202) + bytes.fromhex("63825363" + sys.argv[2]), ("255.255.255.255", 67))' \
		"$2" "${3-350103ff}" "${4-0.0.0.0}"
}
# relay NS: a message of DHCPv6 as a relay sends it, within it a request for addresses
relay() {
	on "$1" python3 -c '
import socket
s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
s.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"eth0")
s.bind(("::", 546))
inner = bytes.fromhex("01aabbcc" + "0001000a00030001020000000103" + "0003000c" + "00000001" + "00" * 8)
s.sendto(b"\x0c\x00" + bytes(32) + b"\x00\x09" + len(inner).to_bytes(2, "big") + inner,
         ("ff02::1:2", 547, 0, socket.if_nametoindex("eth0")))'
}
stays "it may ask in its own name" "devices/$CAM_MAC/denied" ask cam $CAM_MAC
grows "and in no other's" "devices/$CAM_MAC/anomalies/spoofed_source" ask cam $LOCK_MAC
grows "nor as a relay, which would get it addresses of other networks" "devices/$CAM_MAC/anomalies/spoofed_source" \
	ask cam $CAM_MAC 350103ff $GW_LOCK
grows "with DHCPv6 neither" "devices/$CAM_MAC/anomalies/spoofed_source" relay cam
grows "nor so that nobody can read it" "devices/$CAM_MAC/anomalies/malformed" ask cam $LOCK_MAC 35010339ff
expect "a device behind a port in no bridge gets its lease" lease lock -q
there=$(sed -n 's/^bound //p' "$work/lock.lease")
expect "and its address is bound to it" bound "$there" lock dhcp
ip -n lock route replace default via $GW_LOCK
expect "and passes" reaches lock tcp $INET 443
stays "it may ask in its own name" "devices/$LOCK_MAC/denied" ask lock $LOCK_MAC
healthy "the device behind a port in no bridge" $LOCK_MAC
grows "and in no other's" "devices/$LOCK_MAC/anomalies/spoofed_source" ask lock $CAM_MAC

expect "the same policy once more" policy
expect "its bindings are still there" bound "$address" cam dhcp
expect "and pass" reaches cam tcp $INET 443
policy 's/name: cam,/name: cam, model: acme,/' >/dev/null
expect "another policy" bound "$address" cam dhcp
expect "and pass there" reaches lock tcp $INET 443
on gw sh -c "cordonctl apply --confirm 1s '$work/policy.yaml'" >/dev/null 2>&1
expect "a policy that nobody confirms: while it waits" reaches cam tcp $INET 443
expect "and when the one before is back" poll 20 sh -c "! ip netns exec gw cordonctl status | grep -qi confirm"
expect "its bindings are there" bound "$address" cam dhcp

# A client gives its address back
lease_held() {
	on cam busybox udhcpc -i eth0 -f -R -t 5 -T 2 -A 1 -s "$work/leased.sh" >"$work/cam.held" 2>&1 &
	held=$!
	poll 20 grep -q ^bound "$work/cam.held"
}
expect "a client that gives its address back" lease_held
kill -TERM "$(pgrep -f 'udhcpc -i eth0 -f -R')"
wait "$held"
expect "and it is bound no longer" poll 10 unbound "$address"
ip -n cam addr add "$address/24" dev eth0 2>/dev/null
expect "nor passes" blocked_from cam "$address"
bridged 0
expect "until it asks again" leased cam "$address"
expect "and passes" reaches cam tcp $INET 443

# What is set by hand, as it is restored, and ends
on gw cordonctl device unbind "$address" >/dev/null
expect "a binding that is taken away" unbound "$address"
expect "does not pass" blocked_from cam "$address"
expect "one that is made by hand" on gw cordonctl device bind cam "$address" 2s
expect "passes" reaches cam tcp $INET 443
expect "and ends by the clock" poll 10 unbound "$address"
expect "and does not pass then" blocked_from cam "$address"

# No server of DHCP but the gateway
ended server
dnsmasq rogue plug interface=eth0 "dhcp-range=10.0.20.70,10.0.20.80,1h" dhcp-option=3,$PLUG
refuse "a device that is a server serves nobody" lease cam -q
expect "a policy that lists it" policy "s/^ports:/dhcp_servers: [$PLUG]\n&/"
expect "it serves" lease cam -q
refuse "what others rely on is not deleted" on gw cordonctl device del plug
refuse "nor given another address" on gw cordonctl device set plug --address 10.0.20.14
elsewhere=$(sed -n 's/^bound //p' "$work/cam.lease")
expect "and its address is bound" bound "$elsewhere" cam dhcp
ip -n cam route replace default via $GW_CAM
expect "and passes" reaches cam tcp $INET 443
expect "though the two may not reach one another" blocked cam tcp $PLUG 443
ended rogue
policy >/dev/null

# IPv6: stateless, with addresses that change; dhcp.sh has DHCPv6
for dev in all eth0; do
	on cam sysctl -qw net.ipv6.conf.$dev.accept_dad=1 net.ipv6.conf.$dev.accept_ra=2 net.ipv6.conf.$dev.use_tempaddr=2
done
before=$(kind spoofed_source)/$(kind nd_spoof)
dnsmasq router gw interface=br0 enable-ra "dhcp-range=fd00:20::,ra-only,64" ra-param=br0,low,4
addresses6() {	# STABLE|temporary
	ip -n cam -6 -o addr show dev eth0 scope global -tentative | grep "$1" | sed 's/.*inet6 //; s,/.*,,'
}
has_both() {
	[ -n "$(addresses6 mngtmpaddr)" ] && [ -n "$(addresses6 temporary)" ]
}
expect "router advertisements: the device makes addresses" poll 30 has_both
for kind in mngtmpaddr temporary; do
	address=$(addresses6 $kind | head -1)
	expect "its $kind address is bound to it" poll 5 bound "$address" cam nd
	expect "and passes" from cam "$address" 443
done
# Three weeks of privacy addresses, a new one each day, where a day takes some three seconds; each lasts for a week.
newest() {
	ip -n cam -6 -o addr show dev eth0 scope global temporary -tentative -deprecated | sed 's/.*inet6 //; s,/.*,,' | head -1
}
is_new() {
	address=$(newest) && [ -n "$address" ] && ! grep -qxF "$address" "$work/addresses"
}
passes_again() {
	from cam "$address" 443 || ! addresses6 "" | shows -xF "$address"
}
if [ -n "${TORTURE-}" ]; then
	on cam sysctl -qw net.ipv6.conf.eth0.max_desync_factor=0 net.ipv6.conf.eth0.temp_prefered_lft=6 \
		net.ipv6.conf.eth0.temp_valid_lft=24
	newest >"$work/addresses"
	refused=0 most=0 start=$SECONDS
	for i in $(seq 21); do
		poll 30 is_new || break
		echo "$address" >>"$work/addresses"
		from cam "$address" 443 || { refused=$((refused + 1)); echo "# $address is refused"; }
		n=$(bindings | grep -c ' cam ')
		[ "$n" -le $most ] || most=$n
	done
	echo "# $(wc -l <"$work/addresses") temporary addresses in $((SECONDS - start)) s, of which $(addresses6 temporary | wc -l)" \
		"are valid; $most were bound at most"
	equal "three weeks of privacy addresses: they come" 22 "$(wc -l <"$work/addresses")"
	equal "each of them passes" 0 $refused
	expect "of all together it has sixteen at most" test $most -le 16
	refused=0
	# Of one that made room for another, the first packet is dropped. Of one that ends now, there is none.
	for address in $(addresses6 temporary) $(addresses6 mngtmpaddr); do
		poll 10 passes_again || refused=$((refused + 1))
	done
	equal "those that are valid still pass" 0 $refused
fi
equal "nothing is counted against it for that" "$before" "$(kind spoofed_source)/$(kind nd_spoof)"
ip -n cam addr add fd00:99::1/64 dev eth0 nodad
grows "an address of another network is spoofed" "devices/$CAM_MAC/anomalies/spoofed_source" from cam fd00:99::1 443
grows "another device's is, too" "devices/$CAM_MAC/anomalies/spoofed_source" on cam sh -c \
	"ip addr add $PLUG6/64 dev eth0 nodad; ip neigh flush dev eth0; ping -6 -c 1 -W 1 -I $PLUG6 $GW_CAM6; ip addr del $PLUG6/64 dev eth0"
grows "one that is derived from another device's MAC is, though nobody has it" "devices/$CAM_MAC/anomalies/spoofed_source" \
	on cam sh -c "ip addr add $DERIVED/64 dev eth0 nodad; ip neigh flush dev eth0; ping -6 -c 1 -W 1 -I $DERIVED $GW_CAM6
	ip addr del $DERIVED/64 dev eth0"
expect "and it is not bound to it" unbound $DERIVED
for i in $(seq 40); do
	ip -n cam addr add fd00:20::a:$i/64 dev eth0
done
expect "of many it has sixteen at most" poll 10 sh -c "[ \$(ip netns exec gw cordonctl show bindings | grep -c ' cam ') = 16 ]"
expect "the same policy once more" policy
expect "it has them still" sh -c "[ \$(ip netns exec gw cordonctl show bindings | grep -c ' cam ') = 16 ]"
ended router

# IPv4 that nobody gave it
expect "a policy with auto: {static: true}" policy '/cam/s/addresses: auto/addresses: {auto: {static: true}}/'
bare cam
ip -n cam addr add 10.0.20.40/24 dev eth0
ip -n cam route replace default via $GW_CAM
ip -n cam neigh flush dev eth0
expect "an address that nobody has is its own" poll 20 reaches cam tcp $INET 443
expect "by ARP" bound 10.0.20.40 cam arp
ip -n cam addr add $PLUG/24 dev eth0
grows "that of another device is not" "devices/$CAM_MAC/anomalies/arp_spoof" on cam sh -c \
	"ip neigh flush dev eth0; ping -c 1 -W 1 -I $PLUG $GW_CAM"
finish
