#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# A verdict over UDP does not outlive its connection: another handshake of DTLS on the same ports is read, too.
# kernels: all
. "$(dirname "$0")/lib.sh"
setup
cases again.py
finish
