#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The build for devices: what it needs, and which commands it has.
set -u
cd "$(dirname "$0")/../.." || exit 2
out=$(make -s device WERROR=1 2>&1)
status=$?
needs=$(ldd build/device/cordonctl | awk '{ sub(".*/", "", $1); sub(/[-.].*/, "", $1); print $1 }' | sort | tr '\n' ' ')
commands=$(build/device/cordonctl --help | sed -n 's/^  \([a-z]*\) .*/\1/p' | tr '\n' ' ')

echo "1..4"
[ $status = 0 ] && [ -z "$out" ] && echo "ok 1 - builds" || { echo "$out"; echo "not ok 1 - builds"; }
case " $needs" in
" ld libc libcrypto libssl linux ") echo "ok 2 - needs OpenSSL and the C library alone" ;;
*) echo "not ok 2 - needs OpenSSL and the C library alone, not: $needs" ;;
esac
[ "$commands" = "enroll renew checkin update " ] && echo "ok 3 - has the commands of a device alone" ||
	echo "not ok 3 - has the commands of a device alone, not: $commands"
none=$(make -s device BUILD="$(mktemp -du)" CC='cc -nostdinc' 2>&1)
[[ $none == "device: cc finds no OpenSSL for "* ]] && echo "ok 4 - says so where OpenSSL is missing" ||
	{ echo "$none"; echo "not ok 4 - says so where OpenSSL is missing"; }
