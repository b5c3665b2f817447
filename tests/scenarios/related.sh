#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# What a helper of connection tracking announces: FTP, judged as the connection that announces it.
# kernels: all
. "$(dirname "$0")/lib.sh"
setup
cases related.py
finish
