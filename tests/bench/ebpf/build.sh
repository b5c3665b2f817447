#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# build.sh N DIR: guardctl, and its programs for N devices, for the types of the kernel of tests/vm; into DIR
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
n=$1 dir=$2 bits=6
# Half of the slots of an array stay free.
while [ $((1 << bits)) -lt $((2 * n)) ]; do
	bits=$((bits + 1))
done
bpf=(clang -O2 -g -target bpf -mcpu=v3 -Wall -I "$dir" -c "$here/guard.bpf.c")
"$(command -v bpftool || echo /usr/sbin/bpftool)" btf dump file "$("$here/../../vm/fetch.sh" 6.1)/vmlinux" format c >"$dir/vmlinux.h"
"${bpf[@]}" -o "$dir/lru.bpf.o"
"${bpf[@]}" -DFLAT -DBITS=$bits -o "$dir/flat.bpf.o"
"${CC:-gcc}" -O2 -Wall -Wextra -Werror -Wno-sign-compare -o "$dir/guardctl" "$here/guardctl.c" -lbpf
