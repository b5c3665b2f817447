#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# run.sh [N...]: what the hooks cost with N devices and one more that they send to (16, 1,024, 65,536, and 262,143 as a
# policy may have no more), beside nftables and programs of eBPF that do the same in the same boot; as a table, also in
# build/bench.txt, and as build/bench.json. All is counted in instructions, so other load does not matter.
# CASES: some of tests/bench/guest.sh's only; PACKETS: for each figure.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
cd "$here/../.."
[ $# -gt 0 ] || set -- 16 1024 65536 262143
read -ra cases <<<"${CASES-}"
# Slabs of many objects: with few, a kfree() may take its slow path for each packet of one case and for none of
# another, 280 instructions that are nobody's.
slabs='slab_nomerge slub_min_objects=128 slub_max_order=5'
unset MAKEFLAGS MFLAGS MAKELEVEL

tests/log.sh "building the module for 6.1" tests/vm/build.sh 6.1
mkdir -p build/bench
"${CC:-gcc}" -O2 -Wall -Wextra -Werror -o build/bench/spent "$here/spent.c"
"${CC:-gcc}" -O2 -Wall -Wextra -Werror -o build/bench/acks "$here/acks.c"
results=()
for n; do
	dir=$PWD/build/bench/$n
	mkdir -p "$dir"
	/usr/bin/python3 "$here/rules.py" "$n" "$dir"
	tests/log.sh "building the programs of eBPF" "$here/ebpf/build.sh" "$n" "$dir"
	echo "measuring $n devices" >&2
	some=("${cases[@]}")
	# What does not depend on N is not measured again, and nft takes minutes for so many.
	[ "$n" -le 65536 ] || [ $# = 1 ] || [ -n "${CASES-}" ] || some=(plain tracked ebpf cordon control)
	tests/vm/vm.sh -i -m 4096 -t 1500 -a "$slabs" "$here/guest.sh" "$n" "$dir" "${PACKETS:-10000}" "${some[@]}" >"$dir/out" ||
		{ tail -n 30 "$dir/out"; exit 1; }
	results+=("$n=$dir/out")
done
{
	echo "Revision $(git describe --always --dirty 2>/dev/null || echo unknown)"
	/usr/bin/python3 "$here/report.py" build/bench.json "${results[@]}"
} | tee build/bench.txt
