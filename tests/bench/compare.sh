#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# compare.sh REVISION [N...]: the same table for another revision and for this checkout, and the difference of what each
# packet costs, in percent. Both are measured by this checkout's tests/bench.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
cd "$here/../.."
[ $# -gt 0 ] || { echo "compare: which revision? BASE=" >&2; exit 2; }
revision=$(git rev-parse --verify --quiet "$1^{commit}") ||
	{ echo "compare: no revision $1" >&2; exit 2; }
shift
[ $# -gt 0 ] || set -- 16 65536
export CASES=${CASES:-plain idle tracked cordon gate}
base=$PWD/build/compare
unset MAKEFLAGS MFLAGS MAKELEVEL BUILD

if [ "$(git -C "$base" rev-parse HEAD 2>/dev/null)" != "$revision" ]; then
	git worktree prune
	[ ! -e "$base" ] || git worktree remove --force "$base"
	git worktree add --quiet --detach "$base" "$revision"
fi
rm -rf "$base/tests/bench"
cp -a "$here" "$base/tests/bench"
make -C "$base" --no-print-directory userspace-quiet test-tools
"$base/tests/bench/run.sh" "$@" >"$base/build/table"
tests/bench/run.sh "$@" >build/table
echo "before: $revision"
cat "$base/build/table"
echo "now: $(git rev-parse HEAD)$(git diff --quiet HEAD || echo ', and what is not committed')"
cat build/table
/usr/bin/python3 "$here/report.py" --compare "$base/build/bench.json" build/bench.json
