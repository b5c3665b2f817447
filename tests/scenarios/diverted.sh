#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# A packet that goes elsewhere than its destination says, by a source route of IPv4 or IPv6, does not pass.
# kernels: all
. "$(dirname "$0")/lib.sh"
setup
cases diverted.py
finish
