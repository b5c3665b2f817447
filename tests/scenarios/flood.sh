#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# First packets from outside, whose sources may be forged, neither keep others out of a device nor are charged to it.
. "$(dirname "$0")/lib.sh"
setup
cases flood.py
finish
