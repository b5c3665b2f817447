#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The gateway as a host on its uplinks, hosts there that have no address yet, and by which interface a packet for a
# device leaves.
# kernels: torture
. "$(dirname "$0")/lib.sh"
setup
cases uplink.py
finish
