#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# A fleet: three members of etcd and three gateways, each with a kernel policy of its own. A device enrols at A, checks in
# at B, roams to C; what is revoked or quarantined at A stops at C, in a second.
# cpus: 2
# seconds: 600
# needs: tests/fleet/tools.sh
#
#   m1 m2 m3  etcd, mutual TLS ─┐
#   inet      10.9.0.100 ───────┤ 10.9.0.0/24, a bridge in hub
#             ┌──── wan0 A ─────┤
#   cam ══════╪════ wan0 B ─────┤   cam and lock: 10.0.20.11 and .12, one MAC and address at each gateway; a link to
#   lock      └──── wan0 C ─────┘   each, of which one is up: lan0 of A, B and C is cam's, lan1 lock's
. "$(dirname "$0")/lib.sh"
extra='hub m1 m2 m3 inet A B C cam lock'
# What serves as another user asks cordon-fleet in there.
chmod 755 "$work"
mkfifo "$work/never"
trap teardown EXIT
modprobe cordon || exit 1
python3 "$(dirname "$0")/fleet.py" "$work"
status=$?
teardown
exit $status
