#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# includes-selftest.sh: each include that the rule forbids is found, and nothing that it allows.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT
failed=0

# try EXPECTED FILE HEADER: FILE of an otherwise lawful tree includes HEADER
try() {
	local verdict=allowed

	rm -rf "${tree:?}"/*
	mkdir -p "$tree"/kernel/{core,compat} "$tree"/include/uapi/linux "$tree"/userspace/{lib,nl,pki,device,ctl,draw} \
		"$tree"/userspace/serve/{common,front,agent,signer}
	touch "$tree"/kernel/{core/policy,device,hook_door,netlink,sysfs,trace}.h "$tree"/include/uapi/linux/cordon.h \
		"$tree"/userspace/{lib/lib,nl/nl,pki/pki,device/device}.h \
		"$tree"/userspace/serve/{common/serve,front/front,agent/agent}.h
	echo "#include $3" >"$tree/$2"
	/usr/bin/python3 "$here/includes.py" "$tree" >/dev/null || verdict=forbidden
	[ $verdict = "$1" ] || { echo "$2: $3 is $verdict, should be $1"; failed=1; }
}

try allowed kernel/core/decide.c '"policy.h"'
try allowed kernel/core/decide.c '<linux/types.h>'
try allowed kernel/core/decide.c '<uapi/linux/cordon.h>'
try forbidden kernel/core/decide.c '<linux/slab.h>'
try forbidden kernel/core/decide.c '"../device.h"'
try forbidden kernel/core/decide.c '<stdio.h>'
try allowed kernel/binding.c '"core/policy.h"'
try allowed kernel/binding.c '<linux/slab.h>'
try allowed kernel/binding.c '"trace.h"'
try forbidden kernel/binding.c '"netlink.h"'
try allowed kernel/hook_forward.c '"hook_door.h"'
try forbidden kernel/hook_forward.c '"netlink.h"'
try forbidden kernel/netlink.c '"sysfs.h"'
try forbidden kernel/sysfs.c '"hook_door.h"'
try allowed kernel/main.c '"netlink.h"'
try allowed userspace/nl/nl.c '"../lib/lib.h"'
try forbidden userspace/lib/lib.c '"../nl/nl.h"'
try forbidden userspace/pki/pki.c '"../nl/nl.h"'
try forbidden userspace/device/est.c '"nl/nl.h"'
try allowed userspace/device/est.c '"../pki/pki.h"'
try forbidden userspace/nl/nl.c '"../pki/pki.h"'
try allowed userspace/draw/svg.c '"../lib/lib.h"'
try forbidden userspace/draw/svg.c '"../nl/nl.h"'
try allowed userspace/ctl/ctl.c '"../pki/pki.h"'
try forbidden userspace/ctl/ctl.c '"../../kernel/device.h"'
try allowed userspace/serve/front/http.c '"serve/common/serve.h"'
try forbidden userspace/serve/front/http.c '"serve/agent/agent.h"'
try forbidden userspace/serve/front/http.c '"nl/nl.h"'
try allowed userspace/serve/agent/kernel.c '"nl/nl.h"'
try forbidden userspace/serve/agent/kernel.c '"serve/front/front.h"'
try forbidden userspace/serve/signer/signer.c '"serve/agent/agent.h"'
try forbidden userspace/serve/common/log.c '"serve/front/front.h"'
exit $failed
