#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# selftest.sh: what the harness must see, it sees. Prints TAP.
set -uo pipefail

cd "$(dirname "$0")/../.." || exit
mkdir -p build/vm
work=$(mktemp -d "$PWD/build/vm/selftest.XXXXXX")
trap 'rm -rf "$work"' EXIT
count=0 failed=0

# report STATUS NAME: what was said stands in $work/out
report() {
	count=$((count + 1))
	if [ "$1" = 0 ]; then
		echo "ok $count - $2"
	else
		sed 's/^/# /' "$work/out"
		echo "not ok $count - $2"
		failed=1
	fi
}

# expect STATUS NAME WORDS COMMAND...: the command ends with STATUS, and somebody says WORDS
expect() {
	local wanted=$1 name=$2 words=$3 status=0

	shift 3
	"$@" >"$work/out" 2>&1 </dev/null || status=$?
	echo "# status $status, wanted $wanted" >>"$work/out"
	[ "$status" = "$wanted" ] && grep -qE -- "$words" "$work/out"
	report $? "$name"
}

# in_guest STATUS NAME WORDS SCRIPT [VM-ARG...]
in_guest() {
	local wanted=$1 name=$2 words=$3

	echo "$4" >"$work/script"
	shift 4
	expect "$wanted" "$name" "$words" tests/vm/vm.sh -t 200 "$@" "$work/script"
}

# Rings, and their sum: no guest needed.
# ring STATUS NAME WORDS SCRIPT: a ring of that script, added up
ring() {
	expect "$1" "$2" "$3" env BUILD="$work/sum" bash -c \
		'rm -rf "$BUILD"; tests/run.sh r bash -c "$1" && tests/tally.sh r' - "$4"
}

rings() {
	ring 0 "a ring that passes is counted" '^2 passed, 0 failed, 1 skipped$' \
		'echo "ok 1 - a"; echo "ok 2 - b"; echo "ok 3 - c # SKIP"; echo 1..3'
	ring 1 "a failed case fails the sum" '^1 passed, 1 failed$' 'echo 1..2; echo "ok 1 - a"; echo "not ok 2 - b"'
	ring 1 "a status without a failed case is a failure" 'not ok - r: exit status 3' 'echo 1..1; echo "ok 1 - a"; exit 3'
	ring 1 "a plan not kept is a failure" 'not ok - r: planned 2, ran 1' 'echo 1..2; echo "ok 1 - a"'
	ring 1 "no plan is a failure" 'not ok - r: planned nothing, ran 1' 'echo "ok 1 - a"'
	ring 1 "nothing run is a failure" '^0 passed, 1 failed$' 'echo 1..0'
	expect 1 "a ring that did not run is a failure" '^0 passed, 1 failed$' env BUILD="$work/none" tests/tally.sh r
}

guests() {
	in_guest 0 "a clean script passes, as root, with the module and cordonctl at hand" '^0 .*/build/cordonctl$' \
		'modprobe cordon && rmmod cordon && echo $(id -u) $(type -P cordonctl)'
	in_guest 7 "a script's status arrives" 'vm: exit status 7' 'exit 7'
	in_guest 0 "output arrives to its end" '^line 3000$' 'for ((i = 1; i <= 3000; i++)); do echo line $i; done'
	in_guest 3 "a warning fails the run, though the script clears dmesg" 'WARNING:.*planted' \
		'modprobe planted fault=warn; dmesg -C; exit 0'
	in_guest 3 "an oops fails the run" 'NULL pointer dereference' 'modprobe planted fault=oops; exit 0'
	in_guest 125 "a guest that panics is told" 'Kernel panic.*planted' 'modprobe planted fault=panic'
	in_guest 125 "a guest that reboots is told" 'the guest died' 'echo b >/proc/sysrq-trigger; tail -f /dev/null'
	in_guest 0 "a guest that does not come up in its time is begun again" 'once more' 'exit 0' -b 1
	in_guest 124 "a guest that hangs is ended" 'timed out after 20 s' 'exec tail -f /dev/null' -t 20
}

# What ends the harness ends its guest.
killed() {
	local vm qemu deadline=$((SECONDS + 30))

	echo 'exec tail -f /dev/null' >"$work/script"
	tests/vm/vm.sh "$work/script" >"$work/out" 2>&1 </dev/null &
	vm=$!
	until qemu=$(pgrep -P "$(pgrep -P $vm timeout)" qemu 2>/dev/null) || [ $SECONDS -gt $deadline ]; do :; done
	kill $vm
	wait $vm
	until [ ! -e "/proc/${qemu:-none}" ] || [ $SECONDS -gt $deadline ]; do :; done
	[ -n "$qemu" ] && [ ! -e "/proc/$qemu" ]
	report $? "a harness that is ended leaves no guest behind"
}

scenario() {
	cat >"$work/$1.sh"
}

scenarios() {
	scenario good <<-'END'
		echo 1..1
		echo "ok 1 - works"
		tail -f /dev/null &
	END
	scenario bad <<-'END'
		echo "not ok 1 - works"
		echo 1..1
		exit 1
	END
	scenario short <<-'END'
		echo 1..2
		echo "ok 1 - works"
	END
	scenario splat <<-'END'
		modprobe planted fault=warn
		dmesg -C
		rmmod planted
		echo "ok 1 - works"
		echo 1..1
	END
	scenario left <<-'END'
		ip netns add forgotten
		modprobe cordon
		echo "ok 1 - works"
		echo 1..1
	END
	scenario slow <<-'END'
		# seconds: 3
		echo 1..1
		echo "ok 1 - works"
		exec tail -f /dev/null
	END
	scenario last <<-'END'
		[ -z "$(ip netns list; lsmod | grep '^cordon ')" ] && echo "ok 1 - nothing is in its way"
		echo 1..1
	END
	sed 's/^\t*//' >"$work/wanted" <<-'END'
		ok 1 - good: works
		ok 2 - good: leaves nothing behind
		ok 3 - good: the kernel has nothing to complain of
		not ok 4 - bad: works
		not ok 5 - bad: exit status 1
		ok 6 - bad: leaves nothing behind
		ok 7 - bad: the kernel has nothing to complain of
		ok 8 - short: works
		not ok 9 - short: planned 2, ran 1
		ok 10 - short: leaves nothing behind
		ok 11 - short: the kernel has nothing to complain of
		ok 12 - splat: works
		ok 13 - splat: leaves nothing behind
		not ok 14 - splat: the kernel has nothing to complain of
		ok 15 - left: works
		not ok 16 - left: leaves nothing behind: forgotten, cordon
		ok 17 - left: the kernel has nothing to complain of
		ok 18 - slow: works
		not ok 19 - slow: ended after its limit of 3 s
		ok 20 - slow: leaves nothing behind
		ok 21 - slow: the kernel has nothing to complain of
		ok 22 - last: nothing is in its way
		ok 23 - last: leaves nothing behind
		ok 24 - last: the kernel has nothing to complain of
		1..24
	END
	tests/vm/vm.sh -t 300 tests/vm/guest.sh "$work"/{good,bad,short,splat,left,slow,last}.sh >"$work/said" 2>&1 </dev/null
	# lsmod's columns and the numbers of its dependants are the machine's.
	grep -E '^(not )?ok |^1\.\.' "$work/said" | sed 's/, cordon .*/, cordon/' |
		diff "$work/wanted" - >"$work/out" || cat "$work/said" >>"$work/out"
	[ ! -s "$work/out" ]
	report $? "each scenario answers for itself: cases, plan, status, time, leftovers, splats"
}

tests/vm/build.sh 6.1 >"$work/build" 2>&1 || sed 's/^/# /' "$work/build"
rings
guests
killed
scenarios
echo "1..$count"
exit $failed
