#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# regen.sh [DIR]: write what the kernel's own generator makes of the netlink spec, below DIR (default:
# the checkout). regen.sh --validate: only hold the spec against the kernel's schema.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
spec=Documentation/netlink/specs/cordon.yaml
tools=$("$here/ynl.sh")

stage=$(mktemp -d)
trap 'rm -rf "$stage"' EXIT

# tree NAME: a place that looks like a kernel tree, which the tools insist on
tree() {
	mkdir -p "$stage/$1/Documentation/netlink/specs"
	cp "$tools"/Documentation/netlink/*.yaml "$stage/$1/Documentation/netlink/"
	: >"$stage/$1/MAINTAINERS"
}

# generate TREE MODE KIND FILE
generate() {
	mkdir -p "$stage/out/$(dirname "$4")" "$out/$(dirname "$4")"
	/usr/bin/python3 "$tools/tools/net/ynl/pyynl/ynl_gen_c.py" --spec "$stage/$1/$spec" \
		--mode "$2" "--$3" -o "$stage/out/$4"
	# 6.1 has no NLA_POLICY_MAX_LEN(), and takes ranges by a pointer that is not const. The generator passes over
	# the flags of a multicast group; the one group there is has them.
	sed -i -E -e 's|tools/net/ynl/ynl-regen.sh|make spec|' \
		-e 's/NLA_POLICY_MAX_LEN\(([^)]*)\)/{ .type = NLA_BINARY, .len = \1, }/' \
		-e 's/^(\t\[CORDON_NLGRP_EVENTS\] = \{ "events",) \},/\1 GENL_MCAST_CAP_NET_ADMIN, },/' \
		-e 's/^static const (struct netlink_range_validation)/static \1/' "$stage/out/$4"
	# An unchanged file keeps its time, so that nothing is built again for it.
	cmp -s "$stage/out/$4" "$out/$4" || cp "$stage/out/$4" "$out/$4"
}

tree published
cp "$root/$spec" "$stage/published/$spec"
/usr/bin/python3 "$tools/tools/net/ynl/pyynl/cli.py" --spec "$stage/published/$spec" --validate
[ "${1:-}" != --validate ] || exit 0

# Only the legacy schema knows kernel-policy (see stage.py).
tree kernel
cp "$tools/Documentation/netlink/genetlink-legacy.yaml" "$stage/kernel/Documentation/netlink/genetlink.yaml"
/usr/bin/python3 "$here/stage.py" "$root/$spec" >"$stage/kernel/$spec"

out=$(realpath -m "${1:-$root}")
generate published uapi header include/uapi/linux/cordon.h
generate kernel kernel header kernel/netlink_gen.h
generate kernel kernel source kernel/netlink_gen.c
