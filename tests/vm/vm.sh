#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# vm.sh [-k 6.1|6.12|7.3] [-c CPUS] [-i] [-m MIB] [-t SECONDS] [-a KERNEL-ARGS] SCRIPT [ARG...]
# Boot a Debian kernel under emulation, with this machine's root file system read-only under a tmpfs, the
# module in the module tree and cordonctl on the PATH; run SCRIPT as root, stream its output, exit with its
# status. -i: one CPU on which a guest nanosecond is an executed instruction.
#   3: the script succeeded, but the guest's log holds a splat   124: timed out   125: the guest died
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
line=6.1 cpus=2 icount='' memory=2048 limit=600 extra=''
while getopts k:c:im:t:a: option; do
	case $option in
	k) line=$OPTARG ;;
	c) cpus=$OPTARG ;;
	i) icount=1 ;;
	m) memory=$OPTARG ;;
	t) limit=$OPTARG ;;
	a) extra=$OPTARG ;;
	*) exit 2 ;;
	esac
done
shift $((OPTIND - 1))
[ $# -gt 0 ] && [ -r "$1" ] || { echo "vm: no script: ${1-}" >&2; exit 2; }

script=$(realpath "$1")
shift
kernel=$("$here/fetch.sh" "$line")
[ -d "$root/build/vm/$line/modules" ] || { echo "vm: build/vm/$line is not built" >&2; exit 2; }

splats='BUG:|BUG at|WARNING:|UBSAN|KASAN|KCSAN|ODEBUG|Oops|general protection|Kernel panic|refcount_t:|corruption|scheduling while atomic|possible (circular|recursive) locking|suspicious RCU|inconsistent lock|leaked|unregister_netdevice: waiting|blocked for more than|rcu.* (stall|detected)|soft lockup|hard LOCKUP|unreferenced object|cut here'

mkdir -p "$root/build/vm/run"
out=$(mktemp -d "$root/build/vm/run/$line.XXXXXX")
keep=$root/build/vm/last-$line
trap 'rm -rf "$out"' EXIT
{
	echo "export PATH=$(printf %q "$root/build"):/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
	echo 'export HOME=/root LC_ALL=C.UTF-8 CORDON_OUT=/out'
	echo "export CORDON_CACHE=$(printf %q "${CORDON_CACHE:-$HOME/.cache/cordon}")"
	echo 'ln -s /proc/self/fd /dev/fd; ln -s /proc/self/fd/0 /dev/stdin; ln -s /proc/self/fd/1 /dev/stdout'
	echo 'ln -s /proc/self/fd/2 /dev/stderr'
	echo 'exec </dev/null >/dev/ttyS1 2>&1'
	echo 'stty -F /dev/ttyS1 raw -echo 2>/dev/null; ip link set lo up'
	echo "cd $(printf %q "$PWD")"
	printf 'bash'
	printf ' %q' "$script" "$@"
	echo
	echo 'echo $? >/out/status; dmesg >/out/dmesg; sync; echo o >/proc/sysrq-trigger; tail -f /dev/null'
} >"$out/stage2"

if [ -n "$icount" ]; then
	machine=(-accel tcg,thread=single -smp 1 -icount shift=0,sleep=off)
else
	machine=(-accel tcg,thread=multi,tb-size=256 -smp "$cpus")
fi
status=0
timeout -k 5 "$limit" qemu-system-x86_64 -nodefaults -no-user-config -machine q35,hpet=off -cpu max -m "$memory" \
	"${machine[@]}" -display none -no-reboot -kernel "$kernel/vmlinux" -initrd "$kernel/initrd" \
	-append "console=ttyS0 quiet loglevel=4 panic=-1 tsc=reliable no_timer_check cordon.modules=$root/build/vm/$line/modules $extra" \
	-chardev file,id=con,path="$out/console" -serial chardev:con \
	-chardev stdio,id=out,signal=off -serial chardev:out \
	-fsdev local,id=r,path=/,security_model=none,readonly=on,multidevs=remap \
	-device virtio-9p-pci,fsdev=r,mount_tag=hostroot \
	-fsdev local,id=o,path="$out",security_model=none -device virtio-9p-pci,fsdev=o,mount_tag=out \
	</dev/null 2>"$out/qemu" || status=$?

if [ -s "$out/status" ]; then
	status=$(cat "$out/status")
elif [ "$status" = 124 ] || [ "$status" = 137 ]; then
	status=124
	echo "vm: timed out after $limit s" >&2
else
	status=125
	echo "vm: the guest died; the end of its log:" >&2
	tail -n 30 "$out/console" "$out/qemu" >&2
fi
if cat "$out/dmesg" "$out/console" 2>/dev/null | grep -E "$splats" >"$out/splats"; then
	[ "$status" != 0 ] || status=3
	echo "vm: the guest's log holds:" >&2
	sort -u "$out/splats" | head -n 20 >&2
fi
[ ! -d "$out/keep" ] || cp -r "$out/keep/." "$root/build/"
if [ "$status" != 0 ]; then
	rm -rf "$keep"
	mv "$out" "$keep"
	echo "vm: exit status $status; logs: build/vm/last-$line" >&2
fi
exit "$status"
