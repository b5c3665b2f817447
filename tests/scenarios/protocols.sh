#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Every IP protocol by name and by number, and IGMP.
# kernels: torture
. "$(dirname "$0")/lib.sh"
setup
cases protocols.py
finish
