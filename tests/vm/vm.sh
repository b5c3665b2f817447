#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# vm.sh [-k 6.1|6.12|7.3|6.1-arm64] [-c CPUS] [-i] [-m MIB] [-t SECONDS] [-b SECONDS] [-a KERNEL-ARGS] [-d DISK]
#       [-p PLUGIN] SCRIPT [ARG...]
# Boot a Debian kernel under emulation, with this machine's root file system read-only under a tmpfs, the
# module in the module tree and cordonctl on the PATH; run SCRIPT as root, stream its output, exit with its
# status. -i: one CPU on which a guest nanosecond is an executed instruction. -b: for it to come up.
# -d: a file that is its disk (virtio); DISK.pid gets the emulator's number, for whoever cuts its power.
# -p: a plugin of the emulator's, with its arguments.
# Of arm64 the root is Debian's packages, see tests/cross/sysroot.sh, with the checkout in its place, and what is on the
# PATH is build/arm64. Its emulator counts no instructions for us.
#   3: the script succeeded, but the guest's log holds a splat   124: timed out   125: the guest died
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
line=6.1 cpus=2 icount='' memory=2048 limit=600 boot=120 extra='' disk=() plugin=()
while getopts k:c:im:t:b:a:d:p: option; do
	case $option in
	k) line=$OPTARG ;;
	c) cpus=$OPTARG ;;
	i) icount=1 ;;
	m) memory=$OPTARG ;;
	t) limit=$OPTARG ;;
	b) boot=$OPTARG ;;
	a) extra=$OPTARG ;;
	d) disk=(-drive "file=$OPTARG,format=raw,if=virtio,cache=writeback" -pidfile "$OPTARG.pid") ;;
	p) plugin=(-plugin "$OPTARG") ;;
	*) exit 2 ;;
	esac
done
shift $((OPTIND - 1))
[ $# -gt 0 ] && [ -r "$1" ] || { echo "vm: no script: ${1-}" >&2; exit 2; }

kernel=$("$here/fetch.sh" "$line")
[ -e "$root/build/vm/$line/initrd" ] || { echo "vm: build/vm/$line is not built: make vm-ready KERNEL=$line" >&2; exit 2; }

# What differs between the machines.
case $line in
*-arm64)
	[ -z "$icount" ] || { echo "vm: no -i for $line" >&2; exit 2; }
	emulator=qemu-system-aarch64 board=(-machine virt,gic-version=3) processor=cortex-a72 console=ttyAMA0
	bin=$root/build/arm64 serial=ttyS0 out_device=(-device pci-serial,chardev=out)
	extra="cordon.root=$("$root/tests/cross/sysroot.sh" arm64) cordon.bind=$root $extra"
	;;
*)
	emulator=qemu-system-x86_64 board=(-machine q35,hpet=off) processor=max console=ttyS0
	bin=$root/build serial=ttyS1 out_device=(-serial chardev:out)
	extra="tsc=reliable no_timer_check $extra"
	;;
esac

mkdir -p "$root/build/vm/run"
out=$(mktemp -d "$root/build/vm/run/$line.XXXXXX")
keep=$root/build/vm/last-$line
qemu=''
trap '[ -z "$qemu" ] || kill "$qemu"; rm -rf "$out"' EXIT
trap 'exit 130' HUP INT TERM

# A pipe, and what lies where the guest has file systems of its own, comes along as a copy; of arm64 only the checkout is
# there.
script=$(realpath "$1")
case $line:$script in
*:/dev/* | *:/proc/* | *:/run/* | *:/sys/*) cat "$1" >"$out/script"; script=/out/script ;;
*-arm64:"$root"/*) ;;
*-arm64:*) cat "$1" >"$out/script"; script=/out/script ;;
esac
shift

{
	echo "export PATH=$(printf %q "$bin"):/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
	echo 'export HOME=/root LC_ALL=C.UTF-8 CORDON_OUT=/out'
	echo "export CORDON_CACHE=$(printf %q "${CORDON_CACHE:-$HOME/.cache/cordon}")"
	echo "export TORTURE=$(printf %q "${TORTURE-}")"
	echo 'ln -s /proc/self/fd /dev/fd; ln -s /proc/self/fd/0 /dev/stdin; ln -s /proc/self/fd/1 /dev/stdout'
	echo 'ln -s /proc/self/fd/2 /dev/stderr'
	echo "exec </dev/null >/dev/$serial 2>&1"
	echo "stty -F /dev/$serial raw -echo 2>/dev/null; ip link set lo up"
	echo ': >/out/started'
	# With more than one thread, the emulator gets stuck where kernel text is patched under traffic.
	[ -n "$icount" ] || echo 'modprobe steady'
	echo "cd $(printf %q "$PWD")"
	printf 'bash'
	printf ' %q' "$script" "$@"
	echo
	# The status comes last, when the output is out and the log is kept: all of it, whoever cleared dmesg.
	echo "status=\$?; stty -F /dev/$serial raw -echo"
	echo 'dd if=/dev/kmsg of=/out/dmesg bs=8k iflag=nonblock 2>/dev/null'
	echo 'echo $status >/out/status; sync; echo o >/proc/sysrq-trigger; tail -f /dev/null'
} >"$out/stage2"

if [ -n "$icount" ]; then
	# Without fast string moves, the kernel copies eight bytes with an instruction that is counted. With them it would
	# be one byte, where a processor that has them moves 32 and more at a time.
	machine=(-accel tcg,thread=single -smp 1 -icount shift=0,sleep=off -cpu max,-erms)
else
	machine=(-accel tcg,thread=multi,tb-size=256 -smp "$cpus" -cpu "$processor")
fi
start() {
	timeout --foreground -k 5 "$limit" "$emulator" -nodefaults -no-user-config "${board[@]}" -m "$memory" \
		"${machine[@]}" -display none -no-reboot -kernel "$kernel/vmlinux" -initrd "$root/build/vm/$line/initrd" \
		-append "console=$console quiet loglevel=4 panic=-1 log_buf_len=4M printk.devkmsg=on cordon.modules=$root/build/vm/$line/modules $extra" \
		-chardev file,id=con,path="$out/console" -serial chardev:con \
		-chardev stdio,id=out,signal=off "${out_device[@]}" \
		-fsdev local,id=r,path=/,security_model=none,readonly=on,multidevs=remap \
		-device virtio-9p-pci,fsdev=r,mount_tag=hostroot \
		-fsdev local,id=o,path="$out",security_model=none -device virtio-9p-pci,fsdev=o,mount_tag=out \
		"${disk[@]}" "${plugin[@]}" </dev/null 2>"$out/qemu" &
	qemu=$!
}

# False: it stands before the script, where nothing of ours runs yet.
comes_up() {
	local deadline=$((SECONDS + boot))

	until [ -e "$out/started" ] || ! kill -0 "$qemu" 2>/dev/null; do
		[ $SECONDS -lt $deadline ] || return
		sleep 0.1
	done
}

# Now and then the emulator gets stuck in a guest that boots.
start
for _ in 1 2; do
	! comes_up || break
	echo "vm: the guest does not come up; once more" >&2
	tail -n 5 "$out/console" >&2
	kill "$qemu"
	wait "$qemu" || :
	start
done
status=0
wait "$qemu" || status=$?
qemu=''

if [ "$status" = 124 ] || [ "$status" = 137 ]; then
	status=124
	echo "vm: timed out after $limit s$([ ! -s "$out/status" ] || echo ', after the script had ended'); the end of its log:" >&2
	tail -n 10 "$out/console" >&2
elif [ -s "$out/status" ]; then
	status=$(cat "$out/status")
else
	status=125
	echo "vm: the guest died; the end of its log:" >&2
	tail -n 30 "$out/console" "$out/qemu" >&2
fi
if "$here/splats.sh" "$out/dmesg" "$out/console" >"$out/splats"; then
	[ "$status" != 0 ] || status=3
	echo "vm: the guest's log holds:" >&2
	sed 's/^[0-9]*,[0-9]*,[0-9]*,[^;]*;//; s/^\[ *[0-9.]*\] //' "$out/splats" | awk '!seen[$0]++' | head -n 20 >&2
fi
[ ! -d "$out/keep" ] || cp -r "$out/keep/." "$root/build/"
if [ "$status" != 0 ]; then
	rm -rf "$keep"
	mv "$out" "$keep"
	echo "vm: exit status $status; logs: build/vm/last-$line" >&2
fi
exit "$status"
