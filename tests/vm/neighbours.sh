#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# neighbours.sh: unpack what makes packet filters and interfaces of its own on a gateway, once; print the directory,
# which is for chroot. It is large, and slow in the emulator: for `make torture`.
set -euo pipefail

# shellcheck source=tests/vm/unpack.sh
. "$(dirname "$0")/unpack.sh"
unpack neighbours bookworm firewalld ufw dbus iptables docker.io libvirt-daemon-system libvirt-clients dnsmasq-base \
	mosquitto mosquitto-clients ppp pppoe hostapd wpasupplicant iw ifupdown vlan systemd procps kmod
