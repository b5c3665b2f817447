#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# build.sh DIR DRIVER COMPILER...: the fuzzers, each as DIR/NAME, with libFuzzer (DRIVER is an option) or
# another main(); and DIR/seeds/NAME, inputs made of the tests' tables and the captured connections.
set -euo pipefail
cd "$(dirname "$0")/../.."

dir=$1 driver=$2
shift 2
flags=(-std=gnu11 -D_GNU_SOURCE -Wall -Wextra -Werror -g -O1 -fno-omit-frame-pointer -Iinclude/uapi)

mkdir -p "$dir"/seeds/{tls,datagram}
for target in tls datagram; do
	"$@" "${flags[@]}" "$driver" -fno-sanitize-recover=undefined -fsanitize=address,undefined \
		-o "$dir/$target" tests/fuzz/{$target,oracle}.c kernel/core/{tls,tls_hello,dtls,quic}.c
done
"$@" "${flags[@]}" -o "$dir/seed" tests/fuzz/seed.c kernel/core/{tls,tls_hello,dtls,quic}.c
"$dir/seed" "$dir/seeds"
for flow in tests/vectors/{tls,dtls}/*.flow; do
	target=tls
	[[ $flow == */tls/* ]] || target=datagram
	for demand in 2 3; do
		{ printf %s $demand; cat "$flow"; } >"$dir/seeds/$target/$(basename "$flow" .flow)-$demand"
	done
done
