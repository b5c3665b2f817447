#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# attack.sh: unpack what attacks a local network, once; print the directory, which is for chroot. It runs between the
# network namespaces of a guest, and nowhere else.
set -euo pipefail

# shellcheck source=tests/vm/unpack.sh
. "$(dirname "$0")/unpack.sh"
unpack attack bookworm nmap dsniff ettercap-text-only yersinia thc-ipv6 hping3 dhcpstarv dnsmasq-base iptables
