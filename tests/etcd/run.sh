#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# run.sh [PATTERN]: the client of userspace/etcd against etcd-server, mutual TLS on loopback. Prints TAP; a minute or so.
# Only the parts whose name matches PATTERN: calls, race, compaction, restore, members.
set -euo pipefail
cd "$(dirname "$0")/../.."
build=${BUILD:-$PWD/build}/etcd
packages='jansson libssl libcrypto libcurl libevent_core'

[ -n "${CORDON_NO_DEPS:-}" ] || tests/deps.sh build etcd
mkdir -p "$build"
# shellcheck disable=SC2046,SC2086
"${CC:-cc}" -std=gnu11 -D_GNU_SOURCE -Wall -Wextra -Werror -g -O1 -fno-omit-frame-pointer \
	-fsanitize=address,undefined -fno-sanitize-recover=undefined -Iinclude/uapi -Iuserspace $(pkg-config --cflags $packages) \
	-o "$build/client" tests/etcd/client.c userspace/etcd/*.c userspace/device/base64.c userspace/lib/file.c \
	$(pkg-config --libs $packages)
PYTHONDONTWRITEBYTECODE=1 exec /usr/bin/python3 tests/etcd/members.py "$build/client" "${1:-}"
