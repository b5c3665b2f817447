#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# scenarios.sh KERNEL [PART/PARTS | NAME...]: run tests/scenarios/*.sh in one boot of a kernel and print one TAP stream;
# of several parts, which may run beside each other, one.
# On other kernels than 6.1, those that say `# kernels: all` in their header: what they try depends on what kernels
# differ in. With TORTURE=1 also those that say `# kernels: torture`, for which `make check` has no time there. What one
# needs that has to be fetched says `# needs: SCRIPT`; `# torture: SCRIPT`, if only for the long form.
set -uo pipefail

here=$(cd "$(dirname "$0")" && pwd)
cd "$here/../.." || exit
line=$1
shift
case ${1-} in
'' | */*)
	part=${1-1/1} number=0
	set --
	for scenario in tests/scenarios/*.sh; do
		[ "$scenario" != tests/scenarios/lib.sh ] || continue
		[ "$line" = 6.1 ] || grep -qE "^# kernels: (all${TORTURE:+|torture})\$" "$scenario" || continue
		[ $((number++ % ${part#*/})) != $((${part%/*} - 1)) ] || set -- "$@" "$scenario"
	done
	;;
*)
	set -- "${@/#/tests/scenarios/}"
	set -- "${@/%/.sh}"
	;;
esac
log=build/vm/$line${part:+.${part%/*}}.log
mkdir -p build/vm
if ! tests/vm/build.sh "$line" >"$log" 2>&1; then
	cat "$log"
	echo "not ok 1 - the module builds for $line"
	echo 1..1
	exit 1
fi
for need in $(sed -nE "s/^# needs${TORTURE:+|^# torture}: //p" "$@" | sort -u); do
	"$need" >/dev/null || { echo "not ok 1 - $need"; echo 1..1; exit 1; }
done
status=0
tests/vm/vm.sh -k "$line" -m 3072 -t "${SCENARIO_TIMEOUT:-3600}" tests/vm/guest.sh "$@" || status=$?
case $status in
0 | 1) ;;
*) echo "not ok - kernel $line: the guest ended with status $status" ;;
esac
exit "$status"
