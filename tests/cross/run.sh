#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# run.sh: a device's cordonctl for other machines, built and run under qemu-user; and the library's unit tests, and a CA,
# where a time_t has 32 bits and a char no sign. Prints TAP.
set -uo pipefail

cd "$(dirname "$0")/../.." || exit
export PYTHONDONTWRITEBYTECODE=1
unset MAKEFLAGS MFLAGS MAKELEVEL
base=$PWD/build/cross
count=0 failed=0
mkdir -p "$base"

# report STATUS NAME: what was said stands in $base/log
report() {
	count=$((count + 1))
	if [ "$1" = 0 ]; then
		echo "ok $count - $2"
		return
	fi
	grep -vE '^(ok |# )' "$base/log" | tail -n 30 | sed 's/^/# /'
	echo "not ok $count - $2"
	failed=1
}

case_of() {	# NAME COMMAND...: it succeeds
	local name=$1

	shift
	"$@" >"$base/log" 2>&1 </dev/null
	report $? "$name"
}

# silent COMMAND...: it succeeds and says nothing but what a linker says of a static glibc
silent() {
	"$@" 2>&1 | tee "$base/said" && ! grep 'warning: ' "$base/said" | grep -v 'in statically linked applications requires'
}

build() {	# WHERE SYSROOT CC MAKE-ARG...
	local where=$1 sysroot=$2 cc=$3

	shift 3
	silent make -s -j"$(nproc)" BUILD="$base/$where" SYSROOT="$sysroot" CC="$cc" WERROR=1 "$@"
}

# called WHERE COMMAND...: a program that does what the command does
called() {
	local file=$base/$1/called

	shift
	printf '#!/bin/sh\nexec' >"$file"
	printf ' %q' "$@" >>"$file"
	echo ' "$@"' >>"$file"
	chmod +x "$file"
}

# device WHERE SYSROOT CC STATIC EMULATOR...
device() {
	local where=$1 sysroot=$2 cc=$3 static=$4 program=$base/$1/device/cordonctl

	shift 4
	case_of "$where: builds without a warning" build "$where" "$sysroot" "$cc" STATIC="$static" device
	[ -x "$program" ] || return
	called "$where" "$@" "$program"
	[ "$static" = 0 ] || case_of "$where: needs no library" bash -c '! readelf -d "$1" | grep NEEDED' - "$program"
	case_of "$where: runs" "$base/$where/called" --version
	case_of "$where: enrols and checks in here" python3 tests/cross/device.py "$base/$where/called"
	case_of "$where: enrolment, all of it" env CORDONCTL="$base/$where/called" bash tests/unit/test_enroll.sh
}

# A unit test of the library, built and run for armhf.
unit() {
	local name=$1 sysroot=$2
	local env=(env PKG_CONFIG_SYSROOT_DIR="$sysroot" PKG_CONFIG_LIBDIR="$sysroot/usr/lib/arm-linux-gnueabihf/pkgconfig")
	local packages=(yaml-0.1 jansson libssl libcrypto sqlite3 pwquality libnl-3.0 libnl-genl-3.0 libnl-nf-3.0 libcurl
		libevent_core)

	# shellcheck disable=SC2046
	arm-linux-gnueabihf-gcc --sysroot="$sysroot" -std=gnu11 -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 -Wall -Wextra -Werror -g \
		-O1 -Wl,--as-needed -Iinclude/uapi -Iuserspace $("${env[@]}" pkg-config --cflags "${packages[@]}") -o "$base/armhf/$name" \
		"tests/unit/$name.c" "$base/armhf/libcordon.a" $("${env[@]}" pkg-config --libs "${packages[@]}") &&
		CORDON_UNIT=$base/armhf qemu-arm-static -L "$sysroot" "$base/armhf/$name"
}

# A root of 20 years ends in 20 years.
long_root() {
	local dir=$base/armhf/ca want

	rm -rf "$dir"
	qemu-arm-static -L "$1" "$base/armhf/cordonctl" ca init --dir "$dir" --name Test || return
	want=$(date -u -d '+20 years' +%Y)
	openssl x509 -noout -enddate -dateopt iso_8601 -in "$dir/root.crt" | tee "$base/said"
	grep -q "=$want-" "$base/said" && openssl verify -CAfile "$dir/root.crt" "$dir/issuing.crt"
}

# What was built for another machine is no part of this one's.
again() {
	build again "$arm64" aarch64-linux-gnu-gcc device && make -s -j"$(nproc)" BUILD="$base/again" device &&
		"$base/again/device/cordonctl" --version
}

arm64=$(tests/cross/sysroot.sh arm64) && armhf=$(tests/cross/sysroot.sh armhf) && musl=$(tests/cross/sysroot.sh musl) ||
	{ echo "Bail out! no packages of other architectures"; exit 1; }
case_of "the server of this machine is built" make -s -j"$(nproc)" userspace serve-programs
device arm64 "$arm64" aarch64-linux-gnu-gcc 0 qemu-aarch64-static -L "$arm64"
device arm64-static "$arm64" aarch64-linux-gnu-gcc 1 qemu-aarch64-static
device armhf "$armhf" arm-linux-gnueabihf-gcc 0 qemu-arm-static -L "$armhf"
device armhf-static "$armhf" arm-linux-gnueabihf-gcc 1 qemu-arm-static
device musl "$musl" musl-gcc 1
case_of "one compiler after the other" again

case_of "arm64: the module builds without a warning" bash -c 'tests/vm/build.sh 6.1-arm64 W=1 | tee /dev/stderr | wc -c | grep -x 0'
case_of "armhf: the gateway's builds without a warning" build armhf "$armhf" arm-linux-gnueabihf-gcc userspace "$base/armhf/libcordon.a"
case_of "armhf: the CA's root ends in 20 years" long_root "$armhf"
# Not those that need the kernel's own seccomp, ioctls of network cards, which the emulator does not pass on, or times
# that 32 bits do not hold.
for source in tests/unit/test_*.c; do
	name=$(basename "$source" .c)
	case $name in test_store_crash | test_pki_ca | test_signer | test_bypass) continue ;; esac
	case_of "armhf: $name" unit "$name" "$armhf"
done
echo "1..$count"
exit $failed
