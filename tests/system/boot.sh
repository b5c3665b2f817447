#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# boot.sh [-t SECONDS] [-a KERNEL-ARGS] [-n NAMESPACE] IMAGE DISK SHARE: boot the system of IMAGE, see image.sh, from
# DISK, a copy of its disk.ext4 that is made if it is not there. With a network namespace of the host, the guest has two
# network cards: 02:00:00:00:20:01 and 02:00:00:00:ff:02, whose other ends are the taps lan0 and wan0 of NAMESPACE.
# When the system is up it runs SHARE/stage.sh, whose output comes here, and powers off.
# The exit status is the stage's.   124: timed out   125: the guest died
set -euo pipefail

limit=300 extra='' inside=() cards=(-nic none)
card() {	# TAP MAC
	cards+=(-netdev "tap,id=$1,ifname=$1,script=no,downscript=no" -device "virtio-net-pci,netdev=$1,mac=$2,romfile=")
}
while getopts t:a:n: option; do
	case $option in
	t) limit=$OPTARG ;;
	a) extra=$OPTARG ;;
	n) inside=(ip netns exec "$OPTARG") cards=(); card lan0 02:00:00:00:20:01; card wan0 02:00:00:00:ff:02 ;;
	*) exit 2 ;;
	esac
done
shift $((OPTIND - 1))
image=$1 disk=$2 share=$3

[ -e "$disk" ] || cp --sparse=always --reflink=auto "$image/disk.ext4" "$disk"
rm -f "$share/status"
status=0
# With more than one thread, the emulator gets stuck where kernel text is patched under traffic.
timeout --foreground -k 5 "$limit" "${inside[@]}" qemu-system-x86_64 -nodefaults -no-user-config \
	-machine q35,hpet=off -cpu max -m 1536 -accel tcg,thread=single,tb-size=512 -smp 1 -display none -no-reboot "${cards[@]}" \
	-kernel "$image/vmlinux" -initrd "$image/initrd" \
	-append "root=/dev/vda rw console=ttyS0 panic=-1 tsc=reliable no_timer_check mitigations=off $extra" \
	-drive "file=$disk,format=raw,if=virtio,cache=unsafe" -device virtio-rng-pci \
	-chardev "file,id=con,path=$share/console" -serial chardev:con -chardev stdio,id=out,signal=off -serial chardev:out \
	-fsdev "local,id=s,path=$share,security_model=none" -device virtio-9p-pci,fsdev=s,mount_tag=share \
	</dev/null || status=$?
if [ "$status" = 124 ] || [ "$status" = 137 ]; then
	echo "boot: timed out after $limit s; the end of its console:" >&2
	tail -n 15 "$share/console" >&2
	exit 124
fi
[ -s "$share/status" ] || { echo "boot: the guest died; the end of its console:" >&2; tail -n 30 "$share/console" >&2; exit 125; }
exit "$(cat "$share/status")"
