#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# uml.sh SCRIPT [ARG...]: boot the sanitizer kernel in User Mode Linux, with this machine's root file
# system under a tmpfs, the freshly built module in the module tree and cordonctl on the PATH; run SCRIPT
# as root, stream its output, exit with its status. 3: the log holds a splat, or kmemleak a leak.
# 124: timed out ($UML_TIMEOUT, 900 s), and what the guest was at is shown; 125: the guest died. A failed run's log stays
# in build/uml/last.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
kernel=$("$here/fetch.sh")
script=$(realpath "$1")
shift

splats='BUG|WARNING:|UBSAN:|ODEBUG:|INFO:|Oops|general protection|Kernel panic|refcount_t:|corruption|scheduling while atomic|leaked reference|unregister_netdevice: waiting'

mkdir -p "$root/build/uml"
out=$(mktemp -d "$root/build/uml/run.XXXXXX")
trap 'rm -rf "$out"' EXIT

# depmod runs here: in the guest it would take long.
release=$(cat "$kernel/include/config/kernel.release")
mkdir -p "$out/tree/lib/modules/$release"
ln -s "tree/lib/modules/$release" "$out/modules"
cp "$kernel"/modules.builtin* "$out/modules/"
: >"$out/modules/modules.order"
if [ "${UML_MODULE:-yes}" = yes ]; then
	cp "$("$here/build.sh" module)/cordon.ko" "$out/modules/"
fi
depmod -b "$out/tree" "$release"

{
	echo "export PATH=$(printf %q "$root/build"):\$PATH"
	echo "cd $(printf %q "$PWD") || exit"
	printf 'exec bash'
	printf ' %q' "$script" "$@"
	echo
} >"$out/script"

limit=${UML_TIMEOUT:-900}

# look: where the guest is, for whoever has to find out why it does not end: its kernel, and below it what its processes run in
look() {
	local main

	main=$(pgrep -of "^$kernel/linux .*uml_dir=$out/")
	ps -o pid=,stat=,time=,wchan:32= -p "$main" --ppid "$main"
	! command -v gdb >/dev/null || gdb -batch -p "$main" -ex bt 2>/dev/null | grep '^#'
}

mkfifo "$out/over"
exec 9<>"$out/over"
{ read -r -t $((limit - limit / 10)) -u 9 || look >"$out/seen" 2>&1; } &
watcher=$!

# The guest's memory is a file in TMPDIR; the kernel's log goes to stderr, the script's output to stdout. A script may let
# failslab act on kmalloc-512 alone (A).
timeout -k 5 "$limit" env -i PATH="$PATH" TMPDIR=/dev/shm "$kernel/linux" mem=1G \
	uml_dir="$out/" root=/dev/root rootfstype=hostfs rootflags=/ ro init="$here/init.sh" \
	console=tty1 con=null con0=null,fd:1 con1=null,fd:2 panic=-1 slub_debug=A,kmalloc-512 CORDON_OUT="$out" \
	</dev/null 2>"$out/log" 9>&- | cat || [ "${PIPESTATUS[0]}" != 124 ] || echo 124 >"$out/status"
echo >&9
wait $watcher || :

status=$(cat "$out/status" 2>/dev/null || echo 125)
sed -n '/cordon: script starts/,$p' "$out/log" | tail -n +2 >"$out/after"
# Without that line there is no log to judge by.
[ -s "$out/after" ] || grep -q 'cordon: script starts' "$out/log" || status=125
if [ "$status" = 125 ]; then
	echo "uml: the guest died; the end of its log:" >&2
	tail -n 30 "$out/log" >&2
elif grep -qE "$splats" "$out/after" || [ -s "$out/kmemleak" ]; then
	[ "$status" != 0 ] || status=3
	echo "uml: the guest's log holds:" >&2
	grep -hE "$splats|^unreferenced object" "$out/after" "$out/kmemleak" >&2 || :
	echo "uml: in full:" >&2
	{ grep -E -A 25 "$splats" "$out/after" | head -n 80; head -n 40 "$out/kmemleak"; } >&2 || :
fi
if [ "$status" != 0 ]; then
	echo "uml: status $status after $SECONDS s" >&2
	[ ! -s "$out/seen" ] || { echo "uml: shortly before it was ended:"; cat "$out/seen"; tail -n 5 "$out/log"; } >&2
	rm -rf "$root/build/uml/last"
	mkdir "$root/build/uml/last"
	cp "$out/log" "$out/after" "$out/kmemleak" "$root/build/uml/last/" 2>/dev/null || :
fi
exit "$status"
