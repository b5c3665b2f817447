#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# chaos.sh [PATTERN]: a fleet of three gateways with a kernel of straw (tests/serve/fake_nl.c) on three members of etcd, all in
# namespaces of this machine, as root. Prints TAP. Only the parts whose name matches PATTERN: prompt, torment, compacted, restored.
# TORTURE=1: 1,000 enrolments and 5,000 check-ins under 50 faults; else a tenth. SEED= repeats the faults.
set -euo pipefail
cd "$(dirname "$0")/../.."

[ "$(id -u)" = 0 ] || { echo "1..0 # SKIP namespaces need root"; exit 0; }
[ -n "${CORDON_NO_DEPS:-}" ] || tests/deps.sh build etcd serve
make -s userspace serve-programs rig-programs >&2
PYTHONDONTWRITEBYTECODE=1 exec /usr/bin/python3 tests/rig/chaos.py "${1:-}"
