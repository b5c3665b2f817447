#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# run.sh [N...]: what the hooks cost with N devices (16 and 65,536), beside nftables doing the same in the same
# boot; as a table, and as build/bench.json. All is counted in instructions, so other load does not matter.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
cd "$here/../.."
[ $# -gt 0 ] || set -- 16 65536
# Slabs of many objects: with few, a kfree() may take its slow path for each packet of one case and for none of
# another, 280 instructions that are nobody's.
slabs='slab_nomerge slub_min_objects=128 slub_max_order=5'
unset MAKEFLAGS MFLAGS MAKELEVEL

tests/log.sh "building the module for 6.1" tests/vm/build.sh 6.1
results=()
for n; do
	dir=$PWD/build/bench/$n
	mkdir -p "$dir"
	/usr/bin/python3 "$here/rules.py" "$n" "$dir"
	echo "measuring $n devices" >&2
	tests/vm/vm.sh -i -m 4096 -t 1500 -a "$slabs" "$here/guest.sh" "$n" "$dir" >"$dir/out" || { tail -n 30 "$dir/out"; exit 1; }
	results+=("$n=$dir/out")
done
/usr/bin/python3 "$here/report.py" build/bench.json "${results[@]}"
