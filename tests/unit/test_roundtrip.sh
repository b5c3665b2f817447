#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# A policy that is printed and read again stays what it was, whatever its names look like.
exec /usr/bin/python3 "$(dirname "$0")/roundtrip.py" "${CORDON_UNIT:?set by run.sh}/roundtrip"
