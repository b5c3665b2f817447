#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# What drives Chromium, for who sources it: in the tree's top, with $build set.
# shellcheck disable=SC2154

tests/deps.sh build page >&2
command -v node >/dev/null && command -v npm >/dev/null || tests/deps.sh page-node >&2
make --no-print-directory -s userspace page-server serve-programs >&2

# What the lock file says, and nothing else; scripts of packages do not run.
node=$build/page/node
mkdir -p "$node"
if ! cmp -s tests/page/package-lock.json "$node/installed"; then
	cp tests/page/package.json tests/page/package-lock.json "$node"
	(cd "$node" && npm ci --ignore-scripts --no-audit --no-fund) >&2
	cp tests/page/package-lock.json "$node/installed"
fi
export NODE_PATH=$node/node_modules BUILD=$build PYTHONDONTWRITEBYTECODE=1
