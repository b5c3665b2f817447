#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# run.sh [PATTERN]: cordon-fleet on etcd-server, mutual TLS on loopback, without the kernel's module: several gateways, each
# with a registry of its own. Prints TAP. Only the parts whose name matches PATTERN: see the end of fleet.py.
set -euo pipefail
cd "$(dirname "$0")/../.."
export BUILD=${BUILD:-$PWD/build}

[ -n "${CORDON_NO_DEPS:-}" ] || tests/deps.sh build etcd unit
if ! log=$(make -s fleet-asan 2>&1); then
	sed 's/^/# /' <<<"$log"
	echo "Bail out! cordon-fleet does not build"
	exit 1
fi
PYTHONDONTWRITEBYTECODE=1 exec /usr/bin/python3 tests/fleet/fleet.py "$BUILD" "${1:-}"
