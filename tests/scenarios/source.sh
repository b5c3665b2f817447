#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Sources that no policy lists: link-local addresses of IPv6, what every host says to all on its link, the gateway's own
# copies, IPv4-mapped addresses, segments that say where their networks are, later fragments.
# kernels: torture
. "$(dirname "$0")/lib.sh"
setup
cases source.py
finish
