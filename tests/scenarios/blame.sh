#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Who is charged for what is denied, and that a mode which only observes leaves nothing behind.
# kernels: torture
. "$(dirname "$0")/lib.sh"
setup
cases blame.py
finish
