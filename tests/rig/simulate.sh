#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# simulate.sh: what a fleet of 200 gateways and 1,000,000 devices asks of etcd, measured: `make bench-fleet`, some 15
# minutes. GATEWAYS=, DEVICES= (of each), REVOCATIONS=, and LOAD=, the seconds that filling etcd may take.
set -euo pipefail
cd "$(dirname "$0")/../.."
build=${BUILD:-$PWD/build}/rig
packages='jansson libssl libcrypto libcurl libevent_core'

[ -n "${CORDON_NO_DEPS:-}" ] || tests/deps.sh build etcd
mkdir -p "$build"
# shellcheck disable=SC2046,SC2086
"${CC:-cc}" -std=gnu11 -D_GNU_SOURCE -Wall -Wextra -Werror -g -O2 -Iinclude/uapi -Iuserspace $(pkg-config --cflags $packages) \
	-o "$build/gateway" tests/rig/gateway.c userspace/etcd/*.c userspace/device/base64.c userspace/lib/file.c \
	$(pkg-config --libs $packages)
PYTHONDONTWRITEBYTECODE=1 exec /usr/bin/python3 tests/rig/simulate.py "$build/gateway"
