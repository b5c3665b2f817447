#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# setup on machines that are only directories: what it proposes, asks and refuses. What it writes passes check.
set -u
cd "$(dirname "$0")/../.." || exit 2
ctl=$PWD/build/cordonctl
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
. tests/unit/lib.sh
shown=("$dir/out" "$dir/policy.yaml")
root=$dir/root
policy=$dir/policy.yaml
late=4102444800

machine() {
	rm -rf "$root" "$policy"
	mkdir -p "$root/sys/class/net" "$root/proc/net" "$root/var/lib/misc" "$root/var/lib/kea"
	echo "Iface Destination Gateway Flags RefCnt Use Metric Mask MTU Window IRTT" >"$root/proc/net/route"
	echo "IP address HW type Flags HW address Mask Device" >"$root/proc/net/arp"
	link lo 772
}
# link NAME [TYPE [DEVTYPE]]
link() {
	mkdir -p "$root/sys/class/net/$1"
	echo "${2:-1}" >"$root/sys/class/net/$1/type"
	printf 'DEVTYPE=%s\nINTERFACE=%s\n' "${3:-none}" "$1" >"$root/sys/class/net/$1/uevent"
}
vlan() {
	link "$1" 1 vlan
	mkdir "$root/sys/class/net/$1/lower_$2"
}
# bridge NAME MEMBER...
bridge() {
	local name=$1 member
	shift
	link "$name" 1 bridge
	mkdir "$root/sys/class/net/$name/bridge"
	for member; do
		link "$member"
		ln -s "../$name" "$root/sys/class/net/$member/master"
	done
}
# As the kernel prints the bytes on this machine.
number() {
	python3 -c 'import socket, struct, sys; print("%08X" % struct.unpack("=I", socket.inet_aton(sys.argv[1])))' "$1"
}
# route LINK NETWORK MASK [GATEWAY]
route() {
	local flags=0001
	[ -z "${4-}" ] || flags=0003
	printf '%s\t%s\t%s\t%s\t0\t0\t0\t%s\t0\t0\t0\n' "$1" "$(number "$2")" "$(number "${4:-0.0.0.0}")" $flags "$(number "$3")" \
		>>"$root/proc/net/route"
}
lease() {
	echo "${4:-$late} $1 $2 $3 *" >>"$root/var/lib/misc/dnsmasq.leases"
}
neighbour() {
	echo "$1 0x1 0x2 $2 * $3" >>"$root/proc/net/arp"
}
# setup ARGUMENT...: as from a session, where $ssh says so; nobody is there to be asked
setup() {
	if [ "${ssh-}" ]; then
		SSH_CONNECTION=$ssh "$ctl" setup --root "$root" --out "$policy" "$@" </dev/null >"$dir/out" 2>&1
	else
		env -u SSH_CONNECTION setsid -w "$ctl" setup --root "$root" --out "$policy" "$@" </dev/null >"$dir/out" 2>&1
	fi
}
# makes NAME ARGUMENT...: a policy, which passes check
makes() {
	local name=$1
	shift
	rm -f "$policy"
	setup "$@" && "$ctl" check "$policy" >"$dir/checked" 2>&1 && grep -qx 'mode: observe' "$policy"
	ok "$name: a policy in mode observe, which passes check" $?
}
# refuses NAME WORDS ARGUMENT...: and writes nothing
refuses() {
	local name=$1 words=$2
	shift 2
	setup "$@"
	[ $? = 1 ] && grep -qF -- "$words" "$dir/out" && [ ! -e "$policy" ]
	ok "$name: refused" $?
}
holds() {
	grep -qF -- "$2" "$policy"
	ok "$1" $?
}
lacks() {
	! grep -qF -- "$2" "$policy"
	ok "$1" $?
}
# opens NAME allow|deny ARGUMENT...: by the policy, to the gateway
opens() {
	local name=$1 want=$2
	shift 2
	"$ctl" explain --policy "$policy" --to gateway "$@" >"$dir/out" 2>&1
	grep -q "^\(gateway: \)\?$want: " "$dir/out"
	ok "$name" $?
}

router() {
	machine
	link eth0
	link eth1
	route eth0 0.0.0.0 0.0.0.0 198.51.100.1
	route eth0 198.51.100.0 255.255.255.0
	route eth1 10.0.20.0 255.255.255.0
	neighbour 10.0.20.50 02:00:00:00:01:50 eth1
	lease 02:00:00:00:01:01 10.0.20.11 cam
	lease 02:00:00:00:01:02 10.0.20.12 lock.lan
}

# A router with two interfaces, administered from outside.
router
ssh="203.0.113.7 50000 198.51.100.2 22"
makes "two interfaces"
cp "$dir/out" "$dir/kept"
holds "what has an address is a port" 'ports: ["eth1"]'
holds "where the default route goes is an uplink" 'uplinks: ["eth0"]'
holds "the session's client may administer" 'networks: ["203.0.113.7/32"]'
holds "a lease is a device, on its port, and its address is learned" \
	'name: "cam", mac: "02:00:00:00:01:01", network_segment: "iot", addresses: auto, port: "eth1"'
holds "by its name without the domain" '{name: "lock", mac: "02:00:00:00:01:02"'
opens "the session is open" allow --from 203.0.113.7 --in eth0 --proto tcp --dport 22
opens "that of a neighbour is not" deny --from 203.0.113.8 --in eth0 --proto tcp --dport 22
for at in udp/53 udp/67 udp/123; do
	opens "$at is open to a device" allow --from cam --proto ${at%/*} --dport ${at#*/}
	opens "$at is open to who administers" allow --from 203.0.113.7 --in eth0 --proto ${at%/*} --dport ${at#*/}
done
grep -qF "cordonctl device bind --leases $root/var/lib/misc/dnsmasq.leases " "$dir/kept"
ok "it is said how those that have an address keep it" $?
cp "$policy" "$dir/before"
setup
[ $? = 1 ] && grep -qF -- "--force replaces it" "$dir/out" && cmp -s "$policy" "$dir/before"
ok "a policy that is there is not replaced" $?
setup --force --admin 203.0.113.0/24 && grep -qF 'networks: ["203.0.113.0/24"]' "$policy"
ok "but with --force; and more may administer" $?
setup more
[ $? = 2 ] && [ "$(grep -c cordonctl "$dir/out")" = 2 ]
ok "called wrongly: how it is called, in lines that go on" $?
cp userspace/packaging/policy.yaml "$policy"
setup && grep -q 'names no port and no device, and is replaced' "$dir/out" && ! cmp -s userspace/packaging/policy.yaml "$policy"
ok "the example that is installed guards nothing, and is replaced" $?
[ "$(find "$dir" -maxdepth 1 -name 'policy.yaml?*' | wc -l)" = 0 ]
ok "nothing else is left beside it" $?
rm "$policy"
refuses "another network than the session's" "it would cut off the SSH session" --admin 192.0.2.0/24
refuses "a network that is none" "not a network" --admin 203.0.113.300
refuses "a network with bits beyond it" "bits beyond the prefix" --admin 203.0.113.7/24
refuses "a network behind a port" "it is behind a port" --admin 10.0.20.0/24
refuses "an interface that is not there" "--ports: eth7: this machine has no such interface" --ports eth7
refuses "the loopback interface" "--uplinks: lo: it is the loopback interface" --uplinks lo
setup --out - && [ ! -e "$policy" ] && grep -qx 'version: 1' "$dir/out"
ok "--out -: printed" $?

# From a port: whoever administers is a device.
ssh="10.0.20.50 50000 10.0.20.1 2222"
makes "a session from a port"
holds "its client is a device, by ARP" 'mac: "02:00:00:00:01:50", network_segment: "admin", addresses: ["10.0.20.50"], port: "eth1"'
opens "and gets in at the port of SSH" allow --from 10.0.20.50 --in eth1 --proto tcp --dport 2222
opens "other devices do not" deny --from cam --in eth1 --proto tcp --dport 2222
ssh="10.0.20.11 50000 10.0.20.1 22"
makes "a session from a device with a lease"
holds "it has its name, the session's address, and learns others" \
	'name: "cam", mac: "02:00:00:00:01:01", network_segment: "admin", addresses: ["10.0.20.11"], auto: true, port: "eth1"'
rm "$policy"
ssh="10.0.20.99 50000 10.0.20.1 22"
refuses "nobody knows its MAC" "neither ARP nor a lease tells its MAC"

# Nobody is logged in.
ssh=
refuses "no session" "no SSH session tells from where this gateway is administered"
makes "no session, from nowhere" --admin none
lacks "nobody administers" '  admin:'
makes "no session, a network" --admin 198.51.100.0/25
opens "which is open" allow --from 198.51.100.9 --in eth0 --proto tcp --dport 22
ssh="127.0.0.1 50000 127.0.0.1 22"
makes "a session of the machine with itself" --admin none

# A bridge.
ssh="203.0.113.7 50000 198.51.100.2 22"
machine
link eth0
bridge br0 lan1 lan2
route eth0 0.0.0.0 0.0.0.0 198.51.100.1
route br0 192.168.1.0 255.255.255.0
neighbour 192.168.1.7 02:00:00:00:01:07 br0
lease 02:00:00:00:01:01 192.168.1.11 cam
lease 02:00:00:00:01:02 192.168.1.12 nas 0
makes "a bridge"
holds "its members are ports, and it is in no list" 'ports: ["lan1", "lan2"]'
holds "where the default route goes is the uplink" 'uplinks: ["eth0"]'
holds "a lease behind it is a device, on any of them" '{name: "cam", mac: "02:00:00:00:01:01", network_segment: "iot", addresses: auto}'
holds "one for ever is an address for good, and others are learned" \
	'{name: "nas", mac: "02:00:00:00:01:02", network_segment: "iot", addresses: ["192.168.1.12"], auto: true}'
rm "$policy"
refuses "a bridge as a port" "--ports: br0: it is a bridge: list its members instead" --ports br0
makes "one of its members" --ports lan1
holds "the other one is named" "# lan2: in neither list, and in br0 with a port: to enforce would close it"
ssh="192.168.1.7 50000 192.168.1.1 22"
makes "a session by a bridge of ports"
holds "its client is a device" 'mac: "02:00:00:00:01:07", network_segment: "admin", addresses: ["192.168.1.7"], auto: true'
opens "the session stays" allow --from device-020000000107 --proto tcp --dport 22
rm "$policy"
refuses "a network behind it" "it is behind a port" --admin 192.168.1.0/24
link eth1
route eth1 10.0.20.0 255.255.255.0
makes "a bridge as an uplink beside a port" --ports eth1 --uplinks br0,eth0
holds "it is said that nothing behind it is guarded" "# br0: an uplink, so that no device behind it is guarded"
opens "a session by it stays" allow --from 192.168.1.7 --in br0 --proto tcp --dport 22
opens "DNS stays open behind it" allow --from 192.168.1.8 --in br0 --proto udp --dport 53
ssh="203.0.113.7 50000 198.51.100.2 22"
makes "a bridge that is not given as an uplink" --ports eth1 --uplinks eth0
lacks "is none" '"br0"'

# VLANs of a bridge: below a directory there is no kernel that tells which of its ports is in which.
ssh="203.0.113.7 50000 198.51.100.2 22"
machine
link eth0
bridge br0 lan1 lan2
vlan br0.30 br0
route eth0 0.0.0.0 0.0.0.0 198.51.100.1
route br0 192.168.1.0 255.255.255.0
route br0.30 192.168.30.0 255.255.255.0
lease 02:00:00:00:01:01 192.168.1.11 cam
lease 02:00:00:00:01:02 192.168.30.12 lock
echo 1 >"$root/sys/class/net/br0/bridge/vlan_filtering"
mkdir "$root/proc/net/vlan"
printf '%s\n' 'VLAN Dev name	 | VLAN ID' 'Name-Type: VLAN_NAME_TYPE_RAW_PLUS_VID_NO_PAD' 'br0.30         | 30  | br0' \
	>"$root/proc/net/vlan/config"
makes "a bridge that filters VLANs"
holds "its members are ports, and it and its VLAN are in no list" 'ports: ["lan1", "lan2"]'
holds "the uplink is another" 'uplinks: ["eth0"]'
holds "who is reached by the bridge itself is a device" 'name: "cam"'
lacks "who is reached by a VLAN is none" 'name: "lock"'
holds "which is said" "# 02:00:00:00:01:02: on br0.30, in a VLAN, and behind which port is not known: not listed there"
neighbour 192.168.30.9 02:00:00:00:01:09 br0.30
rm "$policy"
ssh="192.168.30.9 50000 192.168.30.1 22"
refuses "a session by a VLAN" "on br0.30, in a VLAN, and behind which port is not known"
ssh="203.0.113.7 50000 198.51.100.2 22"
link eth1
route eth1 10.0.20.0 255.255.255.0
route br0.30 0.0.0.0 0.0.0.0 192.168.30.1
makes "a VLAN of the bridge that leads out"
holds "is an uplink, as is the bridge" 'uplinks: ["br0", "br0.30", "eth0"]'

# VLANs on one wire, of which one is the uplink; then none is.
ssh="203.0.113.7 50000 198.51.100.2 22"
machine
link eth0
vlan eth0.10 eth0
vlan eth0.20 eth0
vlan eth0.30 eth0
route eth0.10 0.0.0.0 0.0.0.0 198.51.100.1
route eth0.20 10.0.20.0 255.255.255.0
route eth0.30 10.0.30.0 255.255.255.0
makes "VLANs"
holds "those with addresses are ports" 'ports: ["eth0.20", "eth0.30"]'
holds "what they lie on is no port, as one is an uplink" 'uplinks: ["eth0", "eth0.10"]'
machine
link eth0
link wan0
vlan eth0.20 eth0
vlan eth0.99 eth0
route wan0 0.0.0.0 0.0.0.0 198.51.100.1
route eth0.20 10.0.20.0 255.255.255.0
makes "VLANs on a wire of devices"
holds "it is a port, and so is each VLAN on it" 'ports: ["eth0", "eth0.20", "eth0.99"]'

makes "a VLAN that is given" --ports eth0.20
holds "with all that it needs" 'ports: ["eth0", "eth0.20", "eth0.99"]'

# No leases, PPPoE, Docker.
machine
link eth0
link eth1
link ppp0 512
link wg0 65534
bridge docker0
bridge br-0123456789ab veth1
route ppp0 0.0.0.0 0.0.0.0
route ppp0 198.51.100.1 255.255.255.255
route eth1 10.0.20.0 255.255.255.0
route docker0 172.17.0.0 255.255.0.0
route br-0123456789ab 172.18.0.0 255.255.0.0
route wg0 10.9.0.0 255.255.255.0
makes "PPPoE and Docker, no leases"
holds "PPP by whichever number, containers, tunnels: uplinks" 'uplinks: ["br-0123456789ab", "docker0", "ppp*", "wg0"]'
holds "what PPPoE runs over is left out, and said" "# eth0: in neither list, as it has no address"
lacks "there is no device" "devices:"
opens "containers keep DNS" allow --from 172.17.0.2 --in docker0 --proto udp --dport 53
opens "and DHCP" allow --from 0.0.0.0 --in docker0 --proto udp --dport 67
opens "but not from elsewhere" deny --from 172.17.0.2 --in ppp0 --proto udp --dport 53
opens "the session, by PPP" allow --from 203.0.113.7 --in ppp0 --proto tcp --dport 22
makes "lists that are given" --ports eth0,eth1 --uplinks ppp0
holds "are those" 'ports: ["eth0", "eth1"]'

# Without a default route nobody knows what leads out.
machine
link eth0
link eth1
route eth0 10.0.20.0 255.255.255.0
route eth1 10.0.30.0 255.255.255.0
ssh=
refuses "no default route" "no uplink: there is no default route" --admin none
makes "no uplink at all" --admin none --uplinks none
makes "an uplink that is given" --admin none --uplinks eth0 --ports eth1
rm "$policy"
machine
link eth0
route eth0 0.0.0.0 0.0.0.0 198.51.100.1
refuses "one interface" "no port" --admin none

# What devices and files say.
router
ssh="203.0.113.7 50000 198.51.100.2 22"
lease 02:00:00:00:01:03 10.0.20.13 $'x",mac:"evil'
lease 02:00:00:00:01:04 10.0.20.14 cam
lease 02:00:00:00:01:05 10.0.20.15 $'\e[2J'
lease 02:00:00:00:01:06 10.0.20.16 "$(printf 'a%.0s' {1..64})"
lease 02:00:00:00:01:07 10.0.20.17 true
lease 02:00:00:00:01:08 10.0.20.18 '*'
lease 02:00:00:00:01:09 10.0.20.19 gateway
lease 02:00:00:00:01:0a 10.0.20.20 old 1000
lease 01:00:5e:00:00:01 10.0.20.21 group
lease zz:00:00:00:00:01 10.0.20.22 bad
lease 02:00:00:00:01:0b 10.0.99.23 elsewhere
lease 02:00:00:00:01:0c 10.0.20.12 thief
lease 02:00:00:00:01:0d 10.0.20.24 pump 0
printf 'duid 00:01\n%s 5 fd00::5 v6 00:01\n\n \ngarbage\n' $late >>"$root/var/lib/misc/dnsmasq.leases"
makes "names of all kinds"
for mac in 03 04 05 06 08 09; do
	holds "02:00:00:00:01:$mac is called by its MAC" "{name: \"device-0200000001$mac\", mac: \"02:00:00:00:01:$mac\""
done
holds "a word that YAML knows stands in quotes" '{name: "true", mac: "02:00:00:00:01:07"'
lacks "a lease that has ended is none" '"old"'
lacks "a group has no lease" '"group"'
lacks "what is behind no port is no device of a port" '10.0.99.23'
lacks "who has an address last has it" '"lock"'
holds "and is a device" '{name: "thief", mac: "02:00:00:00:01:0c", network_segment: "iot", addresses: auto'
holds "a lease for ever, on a port: an address for good, and nothing is learned" \
	'{name: "pump", mac: "02:00:00:00:01:0d", network_segment: "iot", addresses: ["10.0.20.24"], port: "eth1"}'
! grep -q $'\e' "$policy" "$dir/out"
ok "no control character comes through" $?

router
rm "$root/var/lib/misc/dnsmasq.leases"
{
	echo address,hwaddr,client_id,valid_lifetime,expire,subnet_id,fqdn_fwd,fqdn_rev,hostname,state,user_context,pool_id
	echo "10.0.20.31,02:00:00:00:01:31,,3600,$late,1,0,0,first.lan,0,,0"
	echo "10.0.20.32,02:00:00:00:01:32,,3600,$late,1,0,0,gone,0,,0"
	echo "10.0.20.32,02:00:00:00:01:32,,0,$late,1,0,0,gone,2,,0"
	echo "10.0.20.33,02:00:00:00:01:31,,3600,$late,1,0,0,first,0,,0"
	echo "10.0.20.34"
} >"$root/var/lib/kea/kea-leases4.csv"
makes "Kea's leases"
holds "both addresses of a MAC: one device" '{name: "first", mac: "02:00:00:00:01:31", network_segment: "iot", addresses: auto'
lacks "what Kea took back is none" '"gone"'
makes "another file" --leases "$root/var/lib/kea/kea-leases4.csv"
holds "is read" '"first"'
rm "$policy"
refuses "a file that is not there" "No such file" --leases "$dir/none"
cp -r "$root/sys/class/net/eth1" "$root/sys/class/net/"$'e\eth"1'
route $'e\eth"1' 10.0.40.0 255.255.255.0
makes "an interface with a strange name"
! grep -q $'\e' "$policy" "$dir/out"
ok "is quoted" $?

# Somebody is asked.
router
if command -v script >/dev/null; then
	printf 'eth1\r\rnone\r' | env -u SSH_CONNECTION setsid -w script -qec "$ctl setup --root $root --out $policy" /dev/null >"$dir/out" 2>&1
	grep -q 'Interfaces behind which devices live \[eth1\]' "$dir/out" && "$ctl" check "$policy" >"$dir/checked" 2>&1
	ok "on a terminal it asks" $?
else
	echo "ok $((++n)) - on a terminal it asks # SKIP no script(1)"
fi
echo "1..$n"
exit $failed
