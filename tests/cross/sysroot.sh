#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# sysroot.sh arm64|armhf|musl: unpack Debian's packages of another architecture, once, or build what there is no package
# of; print the directory. It is for SYSROOT= of `make device` (that of arm64 and armhf also of `make userspace`), for
# qemu-user's -L, and that of arm64 for a virtual machine.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/vm/unpack.sh
. "$here/../vm/unpack.sh"

device=(libc6-dev linux-libc-dev libssl-dev)
gateway=(libnl-3-dev libnl-genl-3-dev libnl-nf-3-dev libnl-route-3-dev libyaml-dev libjansson-dev libkmod-dev libsqlite3-dev
	libevent-dev libpwquality-dev libseccomp-dev libcap-ng-dev libcurl4-openssl-dev)
machine=(bash coreutils dash findutils grep gzip hostname iproute2 iputils-ping kmod libc-bin mawk mount nftables openssl procps
	python3 sed socat util-linux cracklib-runtime busybox-static)

case ${1-} in
arm64) tree=$(unpack arm64 bookworm:arm64 "${device[@]}" "${gateway[@]}" "${machine[@]}") ;;
armhf) tree=$(unpack armhf bookworm:armhf "${device[@]}" "${gateway[@]}") ;;
musl) exec "$here/musl.sh" ;;
*) echo "sysroot: arm64, armhf or musl, not '${1-}'" >&2; exit 2 ;;
esac

# A linker follows absolute links into this machine's own libraries.
find "$tree/usr/lib" -type l -lname '/*' | while read -r link; do
	ln -sfnr "$tree$(readlink "$link")" "$link"
done
# What the package's scripts would have done.
[ ! -e "$tree/usr/bin/mawk" ] || ln -sfn mawk "$tree/usr/bin/awk"
echo "$tree"
