#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# initrd.sh DIR RELEASE FILE [BUSYBOX]: make a kernel's initramfs: busybox, and the modules that reach the host's file
# system.
set -euo pipefail

dir=$1 release=$2 file=$3 busybox=${4:-/bin/busybox}
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work" "$work.cpio"' EXIT

mkdir -p "$work"/{bin,m,proc,sys,dev,host,rw,new}
cp "$busybox" "$work/bin/busybox"
for module in virtio_pci 9pnet_virtio 9p overlay; do
	modprobe -d "$dir" -S "$release" --show-depends "$module" | awk '$1 == "insmod" { print $2 }'
done | awk '!seen[$0]++' | while read -r file; do
	name=$(basename "$file")
	name=${name%%.ko*}.ko
	case $file in
	*.xz) xz -dc "$file" >"$work/m/$name" ;;
	*.zst) zstd -qdc "$file" >"$work/m/$name" ;;
	*) cp "$file" "$work/m/$name" ;;
	esac
	echo "$name" >>"$work/order"
done
install -m 755 "$here/init" "$work/init"
# Not compressed: unpacking is what costs under emulation.
(cd "$work" && find . | busybox cpio -o -H newc 2>/dev/null) >"$work.cpio"
mv "$work.cpio" "$file"
