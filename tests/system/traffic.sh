#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# traffic.sh [bookworm|trixie]: devices and an intruder send all the time, while the gateway between them and the
# internet is installed, restarted, upgraded, rebooted, and cannot load its module. Prints TAP.
#   cam, bell, lock, extra, gone: devices --+
#   x: the intruder                       --+-- lan0 (gateway, a virtual machine) wan0 -- inet: counts what arrives
# Each is a network namespace of the host; the stages read in $work/share/counts what has arrived so far. The gateway
# begins with a version before the packages of build/deb, which is upgraded to them.
set -uo pipefail

suite=${1:-bookworm}
# shellcheck source=tests/system/host.sh
. "$(dirname "$0")/host.sh"

ns=cordon-$$
pids=()
at_end() {
	local name

	[ ${#pids[@]} = 0 ] || kill "${pids[@]}" 2>/dev/null
	for name in lan inet cam bell lock extra gone x; do
		ip netns del "$ns-$name" 2>/dev/null
	done
}

on() {	# NAMESPACE COMMAND...
	ip netns exec "$ns-$1" "${@:2}"
}

switch() {	# NAME TAP
	ip -n "$ns-lan" link add "$1" type bridge mcast_snooping 0
	ip -n "$ns-lan" tuntap add "$2" mode tap
	ip -n "$ns-lan" link set "$2" master "$1" up
	ip -n "$ns-lan" link set "$1" up
}

host() {	# NAME SWITCH MAC ADDRESS/LENGTH...
	local address

	ip netns add "$ns-$1"
	on "$1" sysctl -qw net.ipv6.conf.default.accept_dad=0 net.ipv6.conf.default.autoconf=0 net.ipv4.conf.all.arp_ignore=1
	ip -n "$ns-lan" link add "$1" type veth peer name eth0 address "$3" netns "$ns-$1"
	ip -n "$ns-lan" link set "$1" master "$2" up
	ip -n "$ns-$1" link set lo up
	ip -n "$ns-$1" link set eth0 up
	for address in "${@:4}"; do
		ip -n "$ns-$1" addr add "$address" dev eth0
	done
}

# What answers no ARP, since it is not guarded yet or the sender is nobody, must not keep anything from being sent.
guest_is_gateway() {	# NAME
	ip -n "$ns-$1" neigh replace 10.0.20.1 lladdr 02:00:00:00:20:01 dev eth0 nud permanent
	ip -n "$ns-$1" neigh replace fd00:20::1 lladdr 02:00:00:00:20:01 dev eth0 nud permanent
	ip -n "$ns-$1" route add default via 10.0.20.1
	ip -n "$ns-$1" -6 route add default via fd00:20::1
}

device() {	# NAME MAC ADDRESS...
	host "$1" br-lan "$2" "${@:3}"
	guest_is_gateway "$1"
}

surroundings() {
	ip netns add "$ns-lan"
	on lan sysctl -qw net.ipv6.conf.default.disable_ipv6=1
	switch br-lan lan0
	switch br-wan wan0
	host inet br-wan 02:00:00:00:ff:01 198.51.100.1/24 2001:db8:ff::1/64
	ip -n "$ns-inet" route add 10.0.0.0/8 via 198.51.100.2
	ip -n "$ns-inet" -6 route add fd00::/8 via 2001:db8:ff::2
	device cam 02:00:00:00:01:01 10.0.20.11/24 fd00:20::11/64
	device bell 02:00:00:00:01:02 10.0.20.12/24
	device lock 02:00:00:00:01:03 10.0.20.13/24
	device extra 02:00:00:00:01:04 10.0.20.14/24
	device gone 02:00:00:00:01:05 10.0.20.15/24
	device x 02:00:00:00:66:66 10.0.20.66/24 fd00:20::66/64
	# An address that is nobody's, and the camera's in the hands of the intruder; they answer no ARP for these.
	ip -n "$ns-cam" addr add 10.0.20.99/32 dev lo
	ip -n "$ns-x" addr add 10.0.20.11/32 dev lo
	on inet nft -f - <<-END
		table inet seen {
			$(printf 'counter %s {}\n' cam cam6 denied denied6 forged bell lock extra gone intruder intruder6 stolen other)
			chain input {
				type filter hook input priority 0;
				meta l4proto != udp accept
				ip saddr 10.0.20.11 udp dport 4000 counter name cam drop
				ip6 saddr fd00:20::11 udp dport 4000 counter name cam6 drop
				ip saddr 10.0.20.11 udp dport 4001 counter name denied drop
				ip6 saddr fd00:20::11 udp dport 4001 counter name denied6 drop
				ip saddr 10.0.20.11 udp dport 4002 counter name stolen drop
				ip saddr 10.0.20.99 counter name forged drop
				ip saddr 10.0.20.12 counter name bell drop
				ip saddr 10.0.20.13 counter name lock drop
				ip saddr 10.0.20.14 counter name extra drop
				ip saddr 10.0.20.15 counter name gone drop
				ip saddr 10.0.20.66 counter name intruder drop
				ip6 saddr fd00:20::66 counter name intruder6 drop
				ip saddr 10.0.0.0/8 counter name other drop
				ip6 saddr fd00::/8 counter name other drop
			}
		}
	END
	on x nft -f - <<-END
		table inet seen {
			counter sent {}
			chain output {
				type filter hook output priority 0;
				meta l4proto udp counter name sent
			}
		}
	END
}

look() {	# without end: what has been counted so far
	while :; do
		{ on inet nft list counters; on x nft list counters; } |
			awk '$1 == "counter" { name = $2 } $1 == "packets" { print name, $2 }' >"$work/counts"
		cp "$work/counts" "$work/share/counts.new"
		mv "$work/share/counts.new" "$work/share/counts"
		read -rt 0.2 <> <(:)
	done
}

send() {	# NAMESPACE SRC/PORT...
	ip netns exec "$ns-$1" "$here/send.py" 198.51.100.1 2001:db8:ff::1 "${@:2}" &
	pids+=($!)
}

# PACKAGE... as those of a version before: nothing but the number differs.
age() {
	local package tree=$work/tree

	for package; do
		dpkg-deb -R "$package" "$tree" || return
		sed -i "s/\\b$version\\b/$old/" "$tree"/DEBIAN/{control,postinst,prerm}
		if [ -d "$tree/usr/src/cordon-$version" ]; then
			mv "$tree/usr/src/cordon-$version" "$tree/usr/src/cordon-$old"
			sed -i "s/\"$version\"/\"$old\"/" "$tree/usr/src/cordon-$old/"{dkms.conf,kernel/main.c}
		fi
		dpkg-deb -b "$tree" "$work/share/" || return
		rm -r "$tree"
	done
}

# DKMS compiles here for both versions, as the emulator would take minutes for each: the old one is installed, and of
# the new one the result lies where DKMS looks for it when cordon-dkms is upgraded. Modules that no such gateway has are
# removed: depmod reads them all.
prepare() {
	cp "$here/stages/network.sh" "$work/share/"
	debs=$work/share
	on_disk bash -O extglob -exc "
		cd /lib/modules/$release/kernel
		rm -r sound arch/x86/kvm drivers/!(virtio|block|char|net) drivers/net/{wireless,ethernet}
		bash /run/debs/network.sh
		apt-get -y -o APT::Sandbox::User=root install --no-install-recommends /run/debs/cordon-dkms_${old}_all.deb
		dpkg-deb -x /run/debs/cordon-dkms_${version}_all.deb /run/new
		mv /run/new/usr/src/cordon-$version /usr/src/
		dkms build -m cordon -v $version -k $release
		mkdir /usr/share/cordon-dkms
		dkms mktarball -m cordon -v $version -k $release --archive /usr/share/cordon-dkms/cordon-$version.dkms.tar.gz
		dkms remove -m cordon -v $version --all
		rm -r /usr/src/cordon-$version"
}

version=$(dpkg-deb -f "$debs"/cordonctl_*.deb Version)
old=0.0.1
age "$debs"/cordonctl_*.deb "$debs"/cordon-dkms_*.deb >"$work/log" 2>&1
ok "packages of a version before: $old"
prepare
ok "its module is built, and that of $version"
echo "$old $version" >"$work/share/versions"
surroundings >"$work/log" 2>&1
ok "devices, an intruder and an internet of network namespaces"
look &
pids+=($!)
send cam 10.0.20.11/4000 10.0.20.11/4001 10.0.20.99/4000 fd00:20::11/4000 fd00:20::11/4001
for device in bell/12 lock/13 extra/14 gone/15; do
	send "${device%/*}" "10.0.20.${device#*/}/4000"
done
send x 10.0.20.66/4000 10.0.20.11/4002 fd00:20::66/4000
cp "$here/stages/traffic.sh" "$work/share/"
for part in install upgrade closed off; do
	arguments=(-t 900 -n "$ns-lan")
	[ $part != off ] || arguments+=(-a cordon.off)
	[ $part != closed ] || on_disk bash -c 'echo "install cordon /bin/false" >/etc/modprobe.d/broken.conf'
	stage "traffic-$part" "${arguments[@]}"
done
finished
