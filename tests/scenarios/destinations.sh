#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Where a device goes: learned, told when it is new, carried over commits, changes and another module.
# kernels: all
# sanitize: yes
. "$(dirname "$0")/lib.sh"
setup
cases destinations.py
finish
