#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# run.sh [N]: with N devices, in which functions the hooks spend a packet's instructions, how many lock, and how many lines
# of the cache they touch; from a trace of the emulator's. Also in build/bench/trace.txt.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
cd "$here/../../.."
n=${1:-16} dir=$PWD/build/bench/trace
unset MAKEFLAGS MFLAGS MAKELEVEL

tests/log.sh "building the module for 6.1" tests/vm/build.sh 6.1
mkdir -p "$dir"
version=$(qemu-system-x86_64 --version | sed -n 's/^QEMU emulator version \([0-9]*\).*/\1/p')
"${CC:-gcc}" -std=gnu11 -O2 -Wall -Wextra -Wno-unused-parameter -Werror -fPIC -shared -fvisibility=hidden \
	-DPLUGIN_API=$((version < 9 ? 1 : 2)) -o "$dir/plugin.so" "$here/plugin.c"
"${CC:-gcc}" -O2 -Wall -Wextra -Werror -o "$dir/mark" "$here/mark.c"
"${CC:-gcc}" -O2 -Wall -Wextra -Werror -o "$dir/../spent" "$here/../spent.c"
/usr/bin/python3 "$here/../rules.py" "$n" "$dir"
rm -f "$dir/events"
tests/vm/vm.sh -i -m 4096 -t 1500 -p "$dir/plugin.so,out=$dir/events" "$here/../guest.sh" "$n" "$dir" 40 trace >"$dir/out" ||
	{ tail -n 30 "$dir/out"; exit 1; }
/usr/bin/python3 "$here/report.py" "$dir/events" "$dir/kallsyms" "$dir/out" | tee build/bench/trace.txt
rm -f "$dir/events"
