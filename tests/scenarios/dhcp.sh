#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# addresses: auto, with each of three servers of DHCP and three clients: the address is bound before it is used, traffic
# flows, another address is spoofed, nothing healthy is counted, and without the binding nothing passes. Three pairs of
# them; with TORTURE=1 all.
# kernels: torture
# seconds: 900
# needs: tests/vm/dhcp.sh
SERVICES='22 443'
. "$(dirname "$0")/lib.sh"
tree=$("$(dirname "$0")/../vm/dhcp.sh") || exit
setup
enter_tree

# The gateway's side: br0 with cam; lan1, in no bridge, with lock. No one of them has an address of its own.
ip -n gw addr flush dev lan0
ip -n gw link add br0 address 02:00:00:00:01:fe type bridge
ip -n gw link set lan0 master br0
ip -n gw addr add $GW_CAM/24 dev br0
ip -n gw link set br0 up
bare() {
	ip -n "$1" addr flush dev eth0 scope global
	ip -n "$1" neigh flush dev eth0
}
policy() {
	apply <<-END
		version: 1
		mode: enforce
		ports: [lan0, lan1]
		uplinks: [wan0, plant0]
		segments:
		  iot_zone: {}
		  wan: {networks: [0.0.0.0/0, "::/0"]}
		rules:
		  - {from: iot_zone, to: wan, allow: [tcp/443]}
		devices:
		  - {name: cam, mac: "$CAM_MAC", network_segment: iot_zone, addresses: auto}
		  - {name: lock, mac: "$LOCK_MAC", network_segment: iot_zone, addresses: auto}
	END
}

gone() {
	[ ! -d "/proc/$1" ]
}
stop() {	# NAME
	local pid
	pid=$(cat "$work/$1.pid" 2>/dev/null) || return
	kill "$pid" 2>/dev/null
	poll 5 gone "$pid" || kill -9 "$pid"
}
listens_dhcp() {
	on gw sh -c 'ss -Hlnup "sport = :67"; ss -Hlnp -0' | shows "$1"
}

start_dnsmasq() {
	printf '%s\n' port=0 user=root interface=br0 interface=lan1 bind-dynamic dhcp-authoritative no-ping \
		"dhcp-leasefile=$work/dnsmasq.leases" pid-file= "dhcp-range=10.0.20.50,10.0.20.60,1h" \
		"dhcp-range=10.0.30.50,10.0.30.60,1h" >"$work/dnsmasq.conf"
	daemon gw server dnsmasq -k --conf-file="$work/dnsmasq.conf"
	poll 60 listens_dhcp dnsmasq
}
start_isc() {
	cat >"$work/dhcpd.conf" <<-END
		authoritative; default-lease-time 3600; max-lease-time 3600; ping-check false;
		subnet 10.0.20.0 netmask 255.255.255.0 { range 10.0.20.50 10.0.20.60; option routers $GW_CAM; }
		subnet 10.0.30.0 netmask 255.255.255.0 { range 10.0.30.50 10.0.30.60; option routers $GW_LOCK; }
	END
	: >"$work/dhcpd.leases"
	daemon gw server dhcpd -4 -f -d -cf "$work/dhcpd.conf" -lf "$work/dhcpd.leases" -pf "$work/dhcpd.run" br0 lan1
	poll 60 listens_dhcp dhcpd
}
start_kea() {
	cat >"$work/kea.json" <<-END
		{"Dhcp4": {
		  "interfaces-config": {"interfaces": ["br0", "lan1"], "dhcp-socket-type": "raw"},
		  "lease-database": {"type": "memfile", "persist": false},
		  "valid-lifetime": 3600, "authoritative": true,
		  "subnet4": [
		    {"id": 1, "subnet": "10.0.20.0/24", "pools": [{"pool": "10.0.20.50 - 10.0.20.60"}],
		     "option-data": [{"name": "routers", "data": "$GW_CAM"}]},
		    {"id": 2, "subnet": "10.0.30.0/24", "pools": [{"pool": "10.0.30.50 - 10.0.30.60"}],
		     "option-data": [{"name": "routers", "data": "$GW_LOCK"}]}],
		  "loggers": [{"name": "kea-dhcp4", "output_options": [{"output": "stdout"}], "severity": "INFO"}]}}
	END
	KEA_PIDFILE_DIR=$work KEA_LOCKFILE_DIR=none daemon gw server kea-dhcp4 -c "$work/kea.json"
	poll 60 listens_dhcp kea
}
cat >"$work/leased.sh" <<-'END'
	#!/bin/sh
	[ "$1" = bound ] || [ "$1" = renew ] || exit 0
	ip addr add "$ip/24" dev eth0
	[ -z "$router" ] || ip route replace default via "$router"
END
chmod +x "$work/leased.sh"
client_udhcpc() {
	daemon "$1" client udhcpc -i eth0 -f -R -s "$work/leased.sh"
}
client_dhclient() {
	: >"$work/dhclient.leases"
	daemon "$1" client dhclient -4 -d -lf "$work/dhclient.leases" -pf "$work/dhclient.run" eth0
}
client_dhcpcd() {
	daemon "$1" client dhcpcd -4 -B --noipv4ll -C resolv.conf eth0
}
address_of() {
	ip -n "$1" -4 -o addr show dev eth0 scope global | sed 's/.*inet //; s,/.*,,' | head -1
}
has_address() {
	[ -n "$(address_of "$1")" ]
}
bindings() {
	on gw cordonctl show bindings
}
is_bound() {	# ADDRESS NAME
	bindings | shows -E "^$1 .* $2 .*dhcp"
}
is_unbound() {
	! bindings | shows "^$1 "
}
from() {
	on "$1" python3 -c '
import socket, sys
s = socket.socket()
s.settimeout(1)
s.bind((sys.argv[1], 0))
s.connect((sys.argv[2], 443))' "$2" $INET
}

# leased NAME NS DEVICE MAC VIA: after a client got its lease
leased() {
	local name=$1 ns=$2 mac=$4 via=$5 address other counted
	address=$(address_of "$ns")
	expect "$name: $address is bound" is_bound "$address" "$3"
	ip -n "$ns" route replace default via "$via"
	expect "$name: and passes" poll 10 reaches "$ns" tcp $INET 443
	# shellcheck disable=SC2016
	counted=$(on gw sh -c 'cd "$0" && grep -LFx 0 -- *' "/sys/kernel/cordon/devices/$mac/anomalies")
	equal "$name: nothing is counted" "" "$counted"
	other=${address%.*}.99
	ip -n "$ns" addr add "$other/24" dev eth0
	ip -n "$ns" neigh replace "$via" lladdr "$(mac_of gw "${6-br0}")" nud permanent dev eth0
	grows "$name: another address is spoofed" "devices/$mac/anomalies/spoofed_source" from "$ns" "$other"
	ip -n "$ns" addr del "$other/24" dev eth0
	on gw cordonctl device unbind "$address" >/dev/null
	expect "$name: without its binding" is_unbound "$address"
	refuse "$name: nothing passes" from "$ns" "$address"
}
# with SERVER CLIENT NS
with() {
	modprobe -r cordon
	modprobe cordon
	bare "$3"
	expect "$1, $2, $3: a policy" policy
	client_$2 "$3"
	expect "$1, $2, $3: a lease" poll 40 has_address "$3"
	has_address "$3" || sed 's/^/# /' "$work/server.log" "$work/client.log"
	if [ "$3" = cam ]; then
		leased "$1, $2, $3" cam cam $CAM_MAC $GW_CAM br0
	else
		leased "$1, $2, $3" lock lock $LOCK_MAC $GW_LOCK lan1
	fi
	stop client
}
for server in dnsmasq kea isc; do
	expect "$server: it serves" start_$server
	if [ -n "${TORTURE-}" ]; then
		for client in udhcpc dhclient dhcpcd; do
			with $server $client cam
			with $server $client lock
		done
	else
		case $server in
		dnsmasq) with dnsmasq udhcpc cam ;;
		kea) with kea dhclient lock ;;
		isc) with isc dhcpcd cam ;;
		esac
	fi
	stop server
done
finish
