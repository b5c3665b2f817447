#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# arm64.sh [SCENARIO...]: the packages for arm64, in build/deb-arm64: built in a Debian 12 of this machine's architecture by
# its cross compilers, against Debian's libraries for arm64. With scenarios: what the packages install, and the module of
# cordon-dkms's sources, in a virtual machine of arm64, see guest.sh; `make arm64-ready` before it. Prints TAP.
set -uo pipefail

# shellcheck source=tests/packages/layer.sh
. "$(dirname "$0")/layer.sh"
# shellcheck source=tests/apt.sh
. "$root/tests/apt.sh"
debs=$root/build/deb-arm64
unpacked=$debs/unpacked
log=$(mktemp)
trap 'rm -f "$log"' EXIT
n=0 failed=0

case_of() {	# NAME COMMAND...: it succeeds
	local name=$1

	shift
	n=$((n + 1))
	if "$@" >"$log" 2>&1 </dev/null; then echo "ok $n - $name"; return; fi
	tail -n 40 "$log" | sed 's/^/# /'
	echo "not ok $n - $name"
	failed=1
}

# In a layer, what it says is no part of the output; its lock is held until the end of the script.
built() {
	in_layer /tree/userspace/packaging/deb.sh /out -a arm64 -Pcross
}

unpack() {
	rm -rf "$unpacked"
	for deb in "$debs"/*.deb; do
		dpkg-deb -x "$deb" "$unpacked" || return
	done
}

of_arm64() {
	local program

	for program in usr/sbin/cordonctl usr/bin/cordonctl; do
		readelf -h "$unpacked/$program" | tee "$unpacked/header"
		grep -q 'Machine: *AArch64' "$unpacked/header" || return
	done
}

# To apt nothing is installed, so all that they depend on has to be had.
installable() {
	debian_apt bookworm:arm64 get update
	debian_apt bookworm:arm64 get --simulate --no-install-recommends install "$debs"/cordonctl_*_arm64.deb \
		"$debs"/cordon-device_*_arm64.deb "$debs"/cordon-dkms_*_all.deb
}

# By the command that is in its dkms.conf.
compiled() (
	kernel=$("$root/tests/vm/fetch.sh" 6.1-arm64)
	# shellcheck disable=SC2034
	kernel_source_dir=$kernel/kbuild dkms_tree=$debs/dkms module=cordon
	module_version=$(basename "$unpacked"/usr/src/cordon-*)
	module_version=${module_version#cordon-}
	rm -rf "$dkms_tree"
	mkdir -p "$dkms_tree/$module/$module_version"
	cp -r "$unpacked/usr/src/cordon-$module_version" "$dkms_tree/$module/$module_version/build"
	# shellcheck source=/dev/null
	. "$unpacked/usr/src/cordon-$module_version/dkms.conf"
	ARCH=arm64 CROSS_COMPILE=aarch64-linux-gnu- bash -c "${MAKE[0]}" || return
	cp "$dkms_tree/$module/$module_version/build/${BUILT_MODULE_NAME[0]}.ko" "$debs/"
)

layer bookworm "$debs" arm64
case_of "the packages are built for arm64" built
[ $failed = 0 ] || { echo "1..$n"; exit 1; }
# shellcheck disable=SC2016
case_of "lintian finds no error and no warning" in_layer \
	bash -c 'lintian --allow-root --fail-on error,warning --tag-display-limit 0 /out/*.changes'
case_of "they unpack" unpack
case_of "their programs are of arm64" of_arm64
case_of "Debian has for arm64 what they depend on" installable
case_of "the module of cordon-dkms's sources is compiled, by the command of its dkms.conf" compiled
echo "1..$n"
[ $# -gt 0 ] && [ $failed = 0 ] || exit $failed
cd "$root" || exit
tests/vm/build.sh 6.1-arm64 || exit
tests/vm/vm.sh -k 6.1-arm64 -m 3072 -t 3600 tests/packages/guest.sh "$@"
