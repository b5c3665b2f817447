#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# selftest.sh: what the harness must see, it sees. Prints TAP.
set -uo pipefail

cd "$(dirname "$0")/../.." || exit
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
count=0 failed=0
tests/vm/build.sh 6.1 >"$work/build" 2>&1 || cat "$work/build"

# expect STATUS NAME SCRIPT [WORDS]: running SCRIPT in the guest ends with STATUS, and somebody says WORDS
expect() {
	local status=0

	count=$((count + 1))
	echo "$3" >"$work/script"
	tests/vm/vm.sh -t 40 "$work/script" >"$work/out" 2>&1 || status=$?
	if [ "$status" = "$1" ] && grep -q "${4:-}" "$work/out"; then
		echo "ok $count - $2"
	else
		sed 's/^/# /' "$work/out"
		echo "not ok $count - $2: status $status"
		failed=1
	fi
}

expect 0 "a clean script passes, as root, with the module at hand" 'id -u; modprobe cordon && rmmod cordon' '^0$'
expect 7 "a script's status arrives" 'exit 7'
expect 3 "a warning in the log fails the run" 'modprobe planted fault=warn' 'WARNING:'
expect 3 "an oops fails the run" 'modprobe planted fault=oops; exit 0' 'NULL pointer dereference'
expect 125 "a guest that dies is told" 'modprobe planted fault=panic' 'Kernel panic'
expect 124 "a guest that hangs is ended" 'echo hanging; exec tail -f /dev/null' 'timed out after 40 s'
echo "1..$count"
exit $failed
