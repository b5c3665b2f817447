# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# network.sh: in a chroot of the disk: a gateway of systemd-networkd, from lan0 to wan0.
etc=/etc/systemd/network

card() {	# NAME MAC ADDRESS...
	printf '[Match]\nMACAddress=%s\n[Link]\nName=%s\n' "$2" "$1" >$etc/10-"$1".link
	{
		printf '[Match]\nName=%s\n[Network]\nIPv6AcceptRA=no\n' "$1"
		printf 'Address=%s\n' "${@:3}"
	} >$etc/20-"$1".network
}

card lan0 02:00:00:00:20:01 10.0.20.1/24 fd00:20::1/64
card wan0 02:00:00:00:ff:02 198.51.100.2/24 2001:db8:ff::2/64
# As early as can be.
printf 'net.ipv4.ip_forward=1\nnet.ipv6.conf.all.forwarding=1\n' >/etc/sysctl.d/forward.conf
systemctl -q enable systemd-networkd
systemctl -q disable systemd-networkd-wait-online
