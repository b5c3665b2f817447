#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# dhcp.sh: unpack servers and clients of DHCP, once; print the directory, which is for chroot.
set -euo pipefail

# shellcheck source=tests/vm/unpack.sh
. "$(dirname "$0")/unpack.sh"
tree=$(unpack dhcp bookworm dnsmasq-base kea-dhcp4-server kea-dhcp6-server isc-dhcp-server isc-dhcp-client dhcpcd-base udhcpc \
	systemd iptables)
# Whom they would become, as their packages make them
for user in systemd-network:990 dhcpcd:991 _kea:992; do
	grep -q "^${user%:*}:" "$tree/etc/passwd" || {
		echo "${user%:*}:x:${user#*:}:${user#*:}::/:/bin/false" >>"$tree/etc/passwd"
		echo "${user%:*}:x:${user#*:}:" >>"$tree/etc/group"
	}
done
echo "$tree"
