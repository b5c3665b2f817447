#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# daemons.sh: unpack what runs on a gateway beside Cordon, once; print the directory, which is for chroot.
set -euo pipefail

# shellcheck source=tests/vm/unpack.sh
. "$(dirname "$0")/unpack.sh"
unpack daemons bookworm keepalived wireguard-tools vsftpd igmpproxy smcroute avahi-daemon dnsmasq-base iptables mosquitto \
	mosquitto-clients ppp pppoe
