#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# A port becomes the member of a bond that is an uplink, and leaves it: a bond takes its members' frames from before the
# link is announced until after it has ended. linger.ko keeps these moments open.
# kernels: torture
SERVICES=53
. "$(dirname "$0")/lib.sh"
setup
modprobe bonding
modprobe linger || exit 1
cases bond.py
rmmod linger
finish
