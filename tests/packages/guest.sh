#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# guest.sh SCENARIO...: in a virtual machine of arm64: what the packages of build/deb-arm64 have, as arm64.sh has
# unpacked it, is put where a package manager would install it, the module where the checkout's was; then scenarios.
set -euo pipefail

debs=build/deb-arm64
tar -c -C "$debs/unpacked" . | tar -x -C / --keep-directory-symlink
mount --bind "$debs/cordon.ko" "$(modinfo -n cordon)"
export PATH=/usr/sbin:$PATH
[ "$(command -v cordonctl)" = /usr/sbin/cordonctl ]
# There is no cmp.
same() {
	[ "$(sha256sum <"$1")" = "$(sha256sum <"$2")" ]
}
same /usr/sbin/cordonctl "$debs/unpacked/usr/sbin/cordonctl"
same "$(modinfo -n cordon)" "$debs/cordon.ko"
cordonctl --version
cordonctl check /etc/cordon/policy.yaml
/usr/bin/cordonctl --version
set -- "${@/#/tests/scenarios/}"
exec tests/vm/guest.sh "${@/%/.sh}"
