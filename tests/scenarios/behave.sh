#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# What gives a device away: flags of TCP that no stack sets, fragments that none cuts, scans, and too many connections.
# kernels: all
# sanitize: yes
. "$(dirname "$0")/lib.sh"
setup
cases behave.py
finish
