#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# prepare.sh: fetch and build, once, what the rings need and every checkout shares. The downloads overlap
# with the long build of the test kernel.
set -uo pipefail

cd "$(dirname "$0")/.." || exit
start=$SECONDS
tests/kunit/fetch.sh >/dev/null &
build=$!
for line in 6.1 6.12 7.3; do
	tests/vm/fetch.sh "$line" >/dev/null || echo "prepare: no kernel $line" >&2
done
tests/spec/ynl.sh >/dev/null || echo "prepare: no spec tools" >&2
wait $build || echo "prepare: no test kernel" >&2
echo "test kernels are ready after $((SECONDS - start)) s"
