#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# A packet that goes elsewhere than its connection, by a source route of IPv4 or IPv6 or by a translation that connection
# tracking is not told of, does not pass.
# kernels: all
. "$(dirname "$0")/lib.sh"
setup
cases diverted.py
finish
