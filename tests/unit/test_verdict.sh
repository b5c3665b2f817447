#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The verdict of the core against that of a naive model.
exec python3 "$(dirname "$0")/model.py" "${CORDON_UNIT:?set by run.sh}/verdict"
