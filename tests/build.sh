#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# build.sh: user space builds without a warning, by gcc. Prints TAP.
set -uo pipefail

cd "$(dirname "$0")/.." || exit
echo 1..1
unset MAKEFLAGS MFLAGS MAKELEVEL
if make --no-print-directory -j"$(nproc)" WERROR=1 userspace; then
	echo "ok 1 - cordonctl builds without a warning"
else
	echo "not ok 1 - cordonctl builds without a warning"
	exit 1
fi
