#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# scenarios.sh KERNEL [NAME...]: run tests/scenarios/*.sh in one boot of a kernel and print one TAP stream.
# On other kernels than 6.1, those that say `# kernels: all` in their header.
set -uo pipefail

here=$(cd "$(dirname "$0")" && pwd)
cd "$here/../.." || exit
line=$1
shift
if [ $# = 0 ]; then
	if [ "$line" = 6.1 ]; then
		mapfile -t names < <(ls tests/scenarios/*.sh | grep -v /lib.sh)
	else
		mapfile -t names < <(grep -lE '^# kernels: all$' tests/scenarios/*.sh)
	fi
else
	mapfile -t names < <(printf 'tests/scenarios/%s.sh\n' "$@")
fi
tests/vm/build.sh "$line" >build/vm/build.log 2>&1 || { cat build/vm/build.log; echo "not ok 1 - the module builds"; echo 1..1; exit 1; }
tests/vm/vm.sh -k "$line" -m 3072 -t "${SCENARIO_TIMEOUT:-2400}" tests/vm/guest.sh "${names[@]}"
status=$?
case $status in
0 | 1) ;;
*)
	echo "not ok - kernel $line: the guest ended with status $status"
	exit "$status"
	;;
esac
exit $status
