#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# musl.sh: build Debian's OpenSSL with musl-gcc, static, once, since Debian has none; print the directory.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/apt.sh
. "$here/../apt.sh"
cache=${CORDON_CACHE:-$HOME/.cache/cordon}
root=$cache/musl-$(sha256sum "$here/musl.sh" | cut -c 1-8)
unset MAKEFLAGS MFLAGS MAKELEVEL CC CFLAGS LDFLAGS

# Without what needs the kernel's headers, which musl-gcc does not find, and what a device does not use.
build() {
	local work=$1

	cd "$work"
	debian_apt bookworm:source get update
	debian_apt bookworm:source get source openssl
	cd openssl-*/
	CC=musl-gcc ./Configure "linux-$(uname -m)" --prefix=/usr --libdir="lib/$(musl-gcc -dumpmachine)" \
		--openssldir=/etc/ssl no-shared no-tests no-legacy no-engine no-async no-secure-memory no-comp no-dso \
		no-dtls no-srp no-psk no-idea no-camellia no-aria no-seed no-bf no-cast no-rc2 no-rc4 no-md4 no-mdc2 \
		no-whirlpool no-rmd160 no-sm2 no-sm3 no-sm4
	make -s -j"$(nproc)" build_libs
	make -s DESTDIR="$work/to" install_dev
}

mkdir -p "$cache"
exec 9>"$cache/musl.lock"
flock 9
if [ ! -d "$root" ]; then
	echo "building OpenSSL with musl" >&2
	work=$(mktemp -d "$cache/.musl.XXXXXX")
	trap 'rm -rf "$work"' EXIT
	(build "$work") >"$work/log" 2>&1 || { tail -n 20 "$work/log" >&2; exit 1; }
	mv "$work/to" "$root"
fi
echo "$root"
