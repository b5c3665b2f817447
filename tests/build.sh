#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# build.sh: user space builds without a warning, by gcc. Prints TAP.
# Warnings have a build of their own: what an earlier make has compiled would not warn again.
set -uo pipefail

cd "$(dirname "$0")/.." || exit
unset MAKEFLAGS MFLAGS MAKELEVEL
failed=0

# built NUMBER NAME MAKE-ARG...
built() {
	local number=$1 name=$2

	shift 2
	if make --no-print-directory -j"$(nproc)" "$@"; then
		echo "ok $number - $name"
	else
		echo "not ok $number - $name"
		failed=1
	fi
}

echo 1..2
built 1 "cordonctl builds without a warning" BUILD="$PWD/build/werror" WERROR=1 userspace
built 2 "cordonctl and the tools of the tests are built" userspace test-tools
exit $failed
