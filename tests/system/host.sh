# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# host.sh (to be sourced by the scripts of this directory, with $suite set): a disk with a Debian of its own, what is
# done to it from outside, and stages/NAME.sh run in it, each in a boot. Cases are printed as TAP; end with `finished`.
# What a script has to clear away itself it does in at_end. What was done in the guest, and what it said, is in
# build/system-last/SCRIPT-SUITE/transcript; beside it, where a case failed, the consoles.
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
debs=${BUILD:-$root/build}/deb
[ "$suite" != trixie ] || debs=$root/build/deb-trixie	# by tests/packages/trixie.sh
keep=$root/build/system-last/$(basename "$0" .sh)-$suite
work=$(mktemp -d)
n=0 failed=0

ok() {	# NAME: as the last command went
	local status=$?

	n=$((n + 1))
	if [ $status = 0 ]; then
		echo "ok $n - $1"
	else
		[ ! -s "$work/log" ] || tail -n 40 "$work/log" | sed 's/^/# /'
		echo "not ok $n - $1"
		failed=1
	fi
}

finish() {
	! declare -F at_end >/dev/null || at_end
	rm -rf "$keep"
	mkdir -p "$keep"
	cp "$work/share/transcript" "$keep/" 2>/dev/null
	[ $failed = 0 ] || cp "$work"/share/console* "$work/log" "$keep/" 2>/dev/null
	rm -rf "$work"
}
trap finish EXIT

# on_disk COMMAND...: in a chroot of the disk, in a mount namespace of its own: nothing stays mounted
on_disk() {
	# shellcheck disable=SC2016
	unshare -m --propagation private bash -ec '
		disk=$1 at=$2 debs=$3
		shift 3
		mkdir -p "$at"
		mount -o loop "$disk" "$at"
		mount -t proc proc "$at/proc"
		mount --bind /dev "$at/dev"
		mount -t tmpfs tmpfs "$at/run"
		mkdir "$at/run/debs"
		mount --bind "$debs" "$at/run/debs"
		exec chroot "$at" env -i DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8 PATH=/usr/sbin:/usr/bin:/sbin:/bin "$@"' \
		- "$work/disk" "$work/at" "$debs" "$@" >"$work/log" 2>&1
}

# What a purge has to give back: all but what the system itself writes as it goes, DKMS its signing key, too.
files() {	# NAME
	on_disk bash -c 'find / -xdev \( -path /proc -o -path /run -o -path /tmp -o -path /dev -o -path /var/log -o -path /var/cache \
		-o -path /var/lib/apt -o -path /var/lib/dpkg -o -path /var/lib/systemd -o -path "/var/lib/dkms/mok.*" -o -path /root \) -prune -o ! -path /etc/.updated ! -path /var/.updated -print' &&
		sort "$work/log" >"$work/files-$1"
}

stage() {	# NAME [BOOT-ARG...]: its cases count here; boot.sh says how it ended
	local line
	shopt -s lastpipe

	cp "$here/lib.sh" "$work/share/"
	cat "$here/stages/$1.sh" >"$work/share/stage.sh"
	: >"$work/log"
	printf '==== Debian %s boots: %s\n\n' "$suite" "$1" >>"$work/share/transcript"
	"$here/boot.sh" "${@:2}" "$image" "$work/disk" "$work/share" 2>&1 | while IFS= read -r line; do
		case $line in
		"ok - "*) true; ok "$1: ${line#ok - }" ;;
		"not ok - "*) : >"$work/log"; false; ok "$1: ${line#not ok - }" ;;
		*) echo "# ${line#\# }" ;;
		esac
	done
	[ "${PIPESTATUS[0]}" = 0 ]
	ok "$1: ran to its end"
	mv "$work/share/console" "$work/share/console-$1"
}

finished() {	# the last line of a script
	echo "1..$n"
	exit $failed
}

"$root/tests/deps.sh" system >&2
image=$("$here/image.sh" "$suite") || exit 1
release=$(cat "$image/release")
mkdir -p "$work/share"
cp "$debs"/*.deb "$work/share/"
cp --sparse=always --reflink=auto "$image/disk.ext4" "$work/disk"
