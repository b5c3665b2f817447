#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# powercut.sh [CUTS [BOOTS]]: cut the power at random moments (SEED=) while a gateway applies policies, saves
# quarantines and leases, enrols and revokes devices; look what its disk holds, and what the next boot puts in force.
# Prints TAP.
#
# A machine whose power is cut loses what its kernel has not written yet. So does a guest whose emulator is killed: its
# page cache is gone, and what it wrote to its disk is in the host's file, whether the host has synchronised that or
# not. Stopping the emulator and copying the disk gives the very file that killing it at that moment would have left: so
# there are many cuts in a boot, of which the last one kills it (SIGKILL), and the next boot goes on with that disk.
# What this does not show is a disk that loses what it said it had kept.
set -uo pipefail

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
cuts=${1:-50} boots=${2:-4}
seed=${SEED:-$RANDOM}
RANDOM=$seed
work=$(mktemp -d "${TMPDIR:-/tmp}/cordon-powercut.XXXXXX")
n=0 failed=0 vm=''

finish() {
	[ -z "$vm" ] || { kill -KILL "$(cat "$work/disk.pid")"; wait "$vm"; } 2>/dev/null
	rm -rf "$work"
}
trap finish EXIT
trap 'exit 130' HUP INT TERM

report() {	# STATUS NAME [FILE: what was wrong]
	n=$((n + 1))
	if [ "$1" = 0 ]; then
		echo "ok $n - $2"
	else
		[ ! -s "${3-}" ] || sed 's/^/# /' "$3"
		echo "not ok $n - $2"
		failed=1
	fi
}

start() {	# [last]
	rm -f "$work/disk.pid"
	: >"$work/out"
	"$here/vm.sh" -k 6.1 -t 400 -d "$work/disk" "$here/powercut-guest.sh" /dev/vda "$@" >"$work/out" 2>"$work/err" &
	vm=$!
}

said() {	# WORD...: within two minutes
	local deadline=$((SECONDS + 120))

	until grep -q "^$*" "$work/out"; do
		[ $SECONDS -lt $deadline ] && kill -0 "$vm" 2>/dev/null || return
		read -rt 0.1 <> <(:) || :
	done
}

pause() {	# until a random moment within the next 3 s
	read -rt "$((RANDOM % 3)).$(printf '%03d' $((RANDOM % 1000)))" <> <(:) || :
}

# What is written by a stopped emulator is written.
cut_power() {	# NUMBER KILL|STOP
	local pid
	pid=$(cat "$work/disk.pid")
	kill -STOP "$pid"
	until grep -q '^State:	T' "/proc/$pid/status"; do read -rt 0.01 <> <(:) || :; done
	cat "$work/told" "$work/out" >"$work/told-$1"
	[ "$2" = KILL ] || cp --sparse=always "$work/disk" "$work/disk-$1"
	[ "$2" = KILL ] || { kill -CONT "$pid"; return; }
	kill -KILL "$pid"
	wait "$vm" 2>/dev/null
	vm=''
	cp --sparse=always "$work/disk" "$work/disk-$1"
	cp "$work/told-$1" "$work/told"
}

look() {	# NUMBER: what the disk of a cut holds
	local tree=$work/tree
	rm -rf "$tree"
	mkdir "$tree"
	# The journal is replayed, as by a mount.
	e2fsck -fy "$work/disk-$1" >"$work/fsck" 2>&1
	[ $? -lt 4 ] && debugfs -R "rdump / $tree" "$work/disk-$1" >"$work/fsck" 2>&1 &&
		/usr/bin/python3 "$here/powercut.py" "$root/build/cordonctl" "$tree" "$work/told-$1" >"$work/faults" 2>&1
	report $? "cut $1: $(tail -n 1 "$work/told-$1"): the disk holds all that was acknowledged" "$work/faults"
	rm -f "$work/disk-$1"
}

look_booted() {	# NAME
	/usr/bin/python3 "$here/powercut.py" --booted "$work/told" "$work/out" >"$work/faults"
	report $? "$1: what was acknowledged is in force, $(grep -m 1 ^booted "$work/out")" "$work/faults"
	grep '^# boot: ' "$work/out" | cut -c 1-160
}

echo "# SEED=$seed"
truncate -s 96M "$work/disk"
mkfs.ext4 -q "$work/disk"
: >"$work/told"
at=0
for ((boot = 1; boot <= boots; boot++)); do
	start
	if ! said ready; then
		report 1 "boot $boot: comes up" "$work/out"
		sed 's/^/# /' "$work/err"
		break
	fi
	[ $boot = 1 ] || look_booted "boot $boot"
	# Every other time, there is something of this boot to lose.
	[ $((boot % 2)) = 0 ] || { said applied && said saved && said enrolled; } ||
		{ report 1 "boot $boot: a policy is applied, a state saved and a device enrolled" "$work/out"; break; }
	first=$((at + 1))
	while [ $at -lt $((cuts * boot / boots)) ]; do
		pause
		at=$((at + 1))
		if [ $at = $((cuts * boot / boots)) ]; then cut_power $at KILL; else cut_power $at STOP; fi
	done
	for ((i = first; i <= at; i++)); do look $i; done
done
start last
said booted && wait "$vm"
vm=''
look_booted "the last boot"
count() {
	grep -c "^$1" "$work/told"
}
echo "# $(count applied) policies, $(count saved) states, $(count enrolled) enrolments, $(count revoked) revocations" \
	"were acknowledged, $at times the power was cut, in $SECONDS s"
grep ^failed "$work/told" | sort | uniq -c | head -n 5 | sed 's/^/# /'
for what in applied saved enrolled; do
	[ "$(count $what)" -ge $(((boots + 1) / 2)) ] || echo "there are few lines: $what"
done >"$work/faults"
[ $at = "$cuts" ] || echo "the power was cut $at times" >>"$work/faults"
[ ! -s "$work/faults" ]
report $? "there was something to lose, $cuts times" "$work/faults"
echo "1..$n"
exit $failed
