#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# piuparts.sh bookworm|trixie: Debian's piuparts installs, upgrades, removes and purges the packages of build/deb or
# build/deb-trixie in a bare Debian: nothing is left, and no file is moved or changed. The version before is that of
# previous.sh. Kernel headers are there, so DKMS compiles the module; systemd is, too, since its own purge leaves
# directories. What piuparts.d has is run in the chroot. Prints TAP.
set -uo pipefail

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
# shellcheck source=tests/apt.sh
. "$here/../apt.sh"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
n=0 failed=0
# Set, it would be asked for in the chroot, too.
unset TMPDIR

ok() {	# NAME: as the last command went
	local status=$?

	n=$((n + 1))
	if [ $status = 0 ]; then echo "ok $n - $1"; else tail -n 40 "$work/log" | sed 's/^/# /'; echo "not ok $n - $1"; failed=1; fi
}

# In the log: FAIL tells what is wrong, and the lines that begin with two spaces after it, where.
verdict() {
	sed -n '/ ERROR: FAIL/,/^[0-9]/p' "$work/piuparts" | grep -v ' DEBUG: ' >"$work/log"
	[ ! -s "$work/log" ]
}

suite=${1:-bookworm}
"$root/tests/deps.sh" build deb deb-long >&2
case $suite in
bookworm)
	debs=$root/build/deb
	previous=$root/build/deb-previous
	"$root/userspace/packaging/deb.sh" "$debs" >"$work/log" 2>&1 && "$here/previous.sh" "$previous" >>"$work/log" 2>&1
	;;
trixie)
	debs=$root/build/deb-trixie previous=$root/build/deb-trixie/previous
	"$here/trixie.sh" >"$work/log" 2>&1 && "$here/trixie.sh" /tree/tests/packages/previous.sh /out/previous >>"$work/log" 2>&1
	;;
*) echo "piuparts: no suite $suite: bookworm or trixie" >&2; exit 2 ;;
esac
ok "$suite: the packages are built, and those of a version before"
chroot=$("$root/tests/vm/chroot.sh" "$suite") || exit 1
# In a mount namespace of its own: what it mounts is not there when $work is removed, though it were killed.
unshare -m --propagation private piuparts -t "$work" -e "$chroot" -d "$suite" -m "$(debian_mirror)" \
	--no-eatmydata --no-adequate --warn-on-usr-move=fail --fake-essential-packages=linux-headers-amd64,systemd \
	--scriptsdir="$here/piuparts.d" --bindmount="$previous" --extra-repo="deb [trusted=yes] file://$previous ./" \
	-l "$work/piuparts" "$debs"/*.deb >/dev/null 2>&1
status=$?
grep 'waiting for DKMS' "$work/piuparts" | sed 's/^ */# /'
verdict && tail -n 20 "$work/piuparts" >"$work/log" && [ $status = 0 ]
ok "$suite: installed, upgraded, removed and purged: nothing is left"
tail -n 40 "$work/piuparts" >"$work/log"
grep -q ' INFO: PASS: Installation and purging test' "$work/piuparts" &&
	grep -q ' INFO: PASS: Installation, upgrade and purging tests' "$work/piuparts"
ok "$suite: both the installation and the upgrade were tried"
grep -E '^ *(Preparing to unpack|Unpacking) .*cordonctl' "$work/piuparts" >"$work/log"
grep -qE 'Unpacking cordonctl .*over \(0\.0\.1\)' "$work/log"
ok "$suite: upgraded from the version before"
grep -iE 'dkms|cordon\.ko' "$work/piuparts" >"$work/log"
[ "$(grep -cE '^ *(cordon\.ko:|Installing /lib/modules/.*/cordon\.ko)' "$work/log")" -ge 3 ]
ok "$suite: each time DKMS compiled the module"
echo "1..$n"
exit $failed
