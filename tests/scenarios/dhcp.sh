#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# addresses: auto, with each of four servers of DHCP and four clients: the address is bound before it is used, traffic
# flows, another address is spoofed, nothing healthy is counted, and the binding ends with the lease: when the client
# gives it back, and when its time is over. Four pairs of them; with TORTURE=1 all. DHCPv6, by one server and two clients.
# kernels: torture
# seconds: 1800
# needs: tests/vm/dhcp.sh
SERVICES='22 443'
. "$(dirname "$0")/lib.sh"
tree=$("$(dirname "$0")/../vm/dhcp.sh") || exit
setup
enter_tree
# Of what a client of networkd's identifies itself by.
echo 0123456789abcdef0123456789abcdef >"$tree/etc/machine-id"

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

# Seconds that a lease lasts; dnsmasq gives none for less than 120.
lease=3600
start_dnsmasq() {
	printf '%s\n' port=0 user=root interface=br0 interface=lan1 bind-dynamic dhcp-authoritative no-ping \
		"dhcp-leasefile=$work/dnsmasq.leases" pid-file= "dhcp-range=10.0.20.50,10.0.20.60,$lease" \
		"dhcp-range=10.0.30.50,10.0.30.60,$lease" >"$work/dnsmasq.conf"
	daemon gw server dnsmasq -k --conf-file="$work/dnsmasq.conf"
	poll 60 listens_dhcp dnsmasq
}
start_isc() {
	cat >"$work/dhcpd.conf" <<-END
		authoritative; default-lease-time $lease; max-lease-time $lease; ping-check false;
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
		  "valid-lifetime": $lease, "authoritative": true,
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
# networkd NS NAME: with $work/NAME*.network, and a /run of its own. Where /sys is read-only it does not wait for udev.
networkd() {
	# shellcheck disable=SC2016
	ip netns exec "$1" unshare -m sh -c 'mount -t sysfs -o ro sys "$0/sys" && mount -t tmpfs run "$0/run" &&
		mkdir -p "$0/run/systemd/network" "$0/run/systemd/netif" && cp "$1"*.network "$0/run/systemd/network/" &&
		chmod -R a+rX "$0/run/systemd" && chown 990:990 "$0/run/systemd/netif" &&
		exec chroot "$0" /usr/lib/systemd/systemd-networkd' "$tree" "$work/$2" >"$work/$2.log" 2>&1 <>"$work/never" &
	echo $! >"$work/$2.pid"
	disown
}
start_networkd() {
	local dev
	for dev in br0 lan1; do
		cat >"$work/server-$dev.network" <<-END
			[Match]
			Name=$dev
			[Network]
			Address=$([ $dev = br0 ] && echo $GW_CAM || echo $GW_LOCK)/24
			DHCPServer=yes
			IPv6AcceptRA=no
			ConfigureWithoutCarrier=yes
			KeepConfiguration=static
			[DHCPServer]
			PoolOffset=50
			PoolSize=10
			DefaultLeaseTimeSec=$lease
			MaxLeaseTimeSec=$lease
			EmitDNS=no
		END
	done
	# It sets them, and would do so for ever where they are set otherwise.
	ip -n gw -4 addr flush dev br0
	ip -n gw -4 addr flush dev lan1
	networkd gw server
	poll 60 listens_dhcp systemd-network
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
client_networkd() {
	printf '%s\n' '[Match]' Name=eth0 '[Network]' DHCP=ipv4 LinkLocalAddressing=no IPv6AcceptRA=no '[DHCPv4]' \
		SendRelease=yes UseDNS=no >"$work/client.network"
	networkd "$1" client
}
# release CLIENT NS: it gives its address back, and ends
release() {
	case $1 in
	dhclient) run "$2" dhclient -4 -r -lf "$work/dhclient.leases" -pf "$work/dhclient.run" eth0 ;;
	dhcpcd) kill -ALRM "$(cat "$work/client.pid")" ;;
	*) kill "$(cat "$work/client.pid")" ;;
	esac
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

# started NAME CLIENT NS: it has a lease
started() {
	modprobe -r cordon
	modprobe cordon
	bare "$3"
	expect "$1: a policy" policy
	client_$2 "$3"
	expect "$1: a lease" poll 40 has_address "$3"
	has_address "$3" || sed 's/^/# /' "$work/server.log" "$work/client.log"
}
# by NS: its MAC, and the gateway's interface and address there
by() {
	if [ "$1" = cam ]; then echo $CAM_MAC br0 $GW_CAM; else echo $LOCK_MAC lan1 $GW_LOCK; fi
}
# spoofs NAME NS ADDRESS: what comes from this address is dropped, as its MAC has no right to it
spoofs() {
	local mac dev via
	read -r mac dev via < <(by "$2")
	ip -n "$2" addr replace "$3/24" dev eth0
	ip -n "$2" route replace default via "$via"
	ip -n "$2" neigh replace "$via" lladdr "$(mac_of gw "$dev")" nud permanent dev eth0
	grows "$1 is spoofed" "devices/$mac/anomalies/spoofed_source" from "$2" "$3"
	refuse "$1 does not pass" from "$2" "$3"
	ip -n "$2" addr del "$3/24" dev eth0
	ip -n "$2" neigh del "$via" dev eth0 2>/dev/null
}
# with SERVER CLIENT NS: until the client gives its address back
with() {
	local name="$1, $2, $3" address mac via
	read -r mac _ via < <(by "$3")
	started "$name" "$2" "$3"
	address=$(address_of "$3")
	expect "$name: $address is bound" is_bound "$address" "$3"
	ip -n "$3" route replace default via "$via"
	expect "$name: and passes" poll 10 reaches "$3" tcp $INET 443
	# shellcheck disable=SC2016
	equal "$name: nothing is counted" "" \
		"$(on gw sh -c 'cd "$0" && grep -LFx 0 -- *' "/sys/kernel/cordon/devices/$mac/anomalies")"
	spoofs "$name: another address" "$3" "${address%.*}.99"
	release "$2" "$3" >/dev/null 2>&1
	expect "$name: it gives it back, and it is bound no longer" poll 10 is_unbound "$address"
	spoofs "$name: the address that it had" "$3" "$address"
	stop client
}
# over SERVER CLIENT NS: until the lease is over, of a client that died
over() {
	local name="$1, $2, $3, a lease of $lease s" address
	started "$name" "$2" "$3"
	address=$(address_of "$3")
	expect "$name: $address is bound" is_bound "$address" "$3"
	kill -9 "$(cat "$work/client.pid")"
	expect "$name: it is over, and the address is bound no longer" poll $((lease + 5)) is_unbound "$address"
	spoofs "$name: the address that it had" "$3" "$address"
}
for server in dnsmasq kea isc networkd; do
	expect "$server: it serves" start_$server
	if [ -n "${TORTURE-}" ]; then
		for client in udhcpc dhclient dhcpcd networkd; do
			with $server $client cam
			with $server $client lock
		done
		stop server
		lease=$([ $server = dnsmasq ] && echo 120 || echo 10)
		expect "$server: it gives short leases" start_$server
		over $server networkd cam
		over $server dhcpcd lock
		lease=3600
	else
		case $server in
		dnsmasq) with dnsmasq udhcpc cam ;;
		kea) with kea dhclient lock ;;
		isc) with isc dhcpcd cam ;;
		networkd) with networkd networkd lock ;;
		esac
	fi
	stop server
done
# DHCPv6, by two clients of dnsmasq
start_dnsmasq6() {
	printf '%s\n' port=0 user=root interface=br0 bind-dynamic enable-ra "dhcp-leasefile=$work/dnsmasq.leases" pid-file= \
		"dhcp-range=fd00:20::50,fd00:20::5f,64,1h" "ra-param=br0,5" >"$work/dnsmasq.conf"
	daemon gw server dnsmasq -k --conf-file="$work/dnsmasq.conf"
	poll 60 listens_dhcp6
}
listens_dhcp6() {
	on gw ss -Hlnup "sport = :547" | shows dnsmasq
}
client_dhclient6() {
	: >"$work/dhclient.leases"
	daemon "$1" client dhclient -6 -d -lf "$work/dhclient.leases" -pf "$work/dhclient.run" eth0
}
client_dhcpcd6() {
	daemon "$1" client dhcpcd -6 -B -C resolv.conf eth0
}
address6_of() {
	ip -n cam -6 -o addr show dev eth0 scope global | sed -n 's/.*inet6 \(fd00:20::5[0-9a-f]\)\/.*/\1/p' | head -1
}
has_address6() {
	[ -n "$(address6_of)" ]
}
# has_link_local: its own, and nobody else's; clients of IPv4 leave the interface without one
has_link_local() {
	ip -n cam -6 -o addr show dev eth0 scope link -tentative | shows 'inet6 fe80:'
}
make_link_local() {
	on cam sysctl -qw net.ipv6.conf.eth0.disable_ipv6=0 net.ipv6.conf.eth0.addr_gen_mode=0
	has_link_local || { ip -n cam link set eth0 down && ip -n cam link set eth0 up; }
	poll 20 has_link_local
}
from6() {
	on cam python3 -c '
import socket, sys
s = socket.socket(socket.AF_INET6)
s.settimeout(1)
s.bind((sys.argv[1], 0))
s.connect((sys.argv[2], 443))' "$1" $INET6
}
ip -n gw -6 addr replace $GW_CAM6/64 dev br0 nodad
on gw sysctl -qw net.ipv6.conf.br0.accept_dad=0
expect "DHCPv6: dnsmasq serves" start_dnsmasq6
for client in dhclient6 dhcpcd6; do
	modprobe -r cordon
	modprobe cordon
	ip -n cam -6 addr flush dev eth0 scope global
	# What routers say of the prefix is no client's to use here: its address is the server's.
	on cam sysctl -qw net.ipv6.conf.eth0.autoconf=0
	expect "DHCPv6, $client: a link-local address" make_link_local
	expect "DHCPv6, $client: a policy" policy
	client_$client cam
	expect "DHCPv6, $client: a lease" poll 40 has_address6
	has_address6 || sed 's/^/# /' "$work/server.log" "$work/client.log"
	address=$(address6_of)
	expect "DHCPv6, $client: $address is bound by DHCP" is_bound "$address" cam
	ip -n cam -6 route replace default via $GW_CAM6
	expect "DHCPv6, $client: and passes" poll 10 from6 "$address"
	# shellcheck disable=SC2016
	equal "DHCPv6, $client: nothing is counted" "" \
		"$(on gw sh -c 'cd "$0" && grep -LFx 0 -- *' "/sys/kernel/cordon/devices/$CAM_MAC/anomalies")"
	kill "$(cat "$work/client.pid")"
	on gw cordonctl device unbind "$address" >/dev/null
	expect "DHCPv6, $client: without its binding" is_unbound "$address"
	stop client
done
stop server
if [ -z "${TORTURE-}" ]; then
	lease=10
	expect "isc: it gives short leases" start_isc
	over isc networkd cam
	stop server
fi
finish
