#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# run.sh: the KUnit suites, on User Mode Linux with sanitizers; then proof that the sanitizers bite,
# with deliberate bugs. Prints TAP.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
failed=0 count=0

# report STATUS NAME
report() {
	count=$((count + 1))
	if [ "$1" = 0 ]; then echo "ok $count - $2"; else echo "not ok $count - $2"; failed=1; fi
}

guest=$(mktemp -d)
trap 'rm -rf "$guest"' EXIT

suites() {
	local built status=0

	built=$("$here/build.sh" kunit) || { report 1 "the suites compile"; return; }
	cat >"$guest/suites" <<-END
		insmod "$built/cordon_kunit.ko" || exit
		cat /sys/kernel/debug/kunit/*/results
		rmmod cordon_kunit
	END
	UML_MODULE=no "$here/uml.sh" "$guest/suites" >"$guest/ktap" || status=$?
	/usr/bin/python3 "$here/ktap.py" <"$guest/ktap" >"$guest/tap" || failed=1
	cat "$guest/tap"
	count=$(grep -cE '^(not )?ok ' "$guest/tap")
	report $status "the suites' log holds no splat, and no memory leaked"
}

# Each line: a deliberate bug, and what the kernel has to say of it.
planted() {
	local built bug words

	built=$("$here/build.sh" planted) || { report 1 "the deliberate bugs compile"; return; }
	echo "insmod '$built/planted.ko'" >"$guest/planted"
	if UML_MODULE=no "$here/uml.sh" "$guest/planted" >"$guest/bugs" 2>&1; then
		report 1 "a run with deliberate bugs fails"
		return
	fi
	report 0 "a run with deliberate bugs fails"
	while IFS=: read -r bug words; do
		report "$(grep -q "$words" "$guest/bugs"; echo $?)" "$bug is caught"
	done <<-END
		sleep in atomic context:BUG: sleeping function called
		read of an RCU pointer by no reader:suspicious rcu_dereference_check
		lock order inversion:possible circular locking dependency
		shift out of bounds:UBSAN: shift-out-of-bounds
		use after free:KASAN: use-after-free
		memory leak:unreferenced object
	END
}

suites
planted
echo "1..$count"
exit $failed
