#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# device bind, unbind and --learn, as far as no kernel is needed: what is refused, with which words.
set -u
cd "$(dirname "$0")/../.." || exit 2
ctl=$PWD/build/cordonctl
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
. tests/unit/lib.sh
shown=("$dir/out")

# refuses NAME STATUS WORDS ARGUMENT...
refuses() {
	local name=$1 status=$2 words=$3

	shift 3
	"$ctl" device "$@" >"$dir/out" 2>&1
	[ $? = "$status" ] && grep -qF -- "$words" "$dir/out"
	ok "$name" $?
}

make -s userspace >"$dir/out" 2>&1
ok "cordonctl is made" $?
refuses "bind: nobody" 2 "which device?" bind
refuses "bind: no address" 2 "which address?" bind cam
refuses "bind: no device's name" 2 "neither a device's name nor a MAC: 'a b'" bind "a b" 10.0.0.1
refuses "bind: no address, but a word" 2 "not an address: '10.0.0'" bind cam 10.0.0
refuses "bind: no duration" 2 "not a duration up to 365d: '5'" bind cam 10.0.0.1 5
refuses "bind: none of 0" 2 "not a duration up to 365d: '0s'" bind cam 10.0.0.1 0s
refuses "bind: none of more than a year" 2 "not a duration up to 365d: '366d'" bind cam 10.0.0.1 366d
refuses "bind: too much" 2 "too many words: 'more'" bind cam 10.0.0.1 1h more
refuses "bind: a file, and a device besides" 2 "too many words: 'cam'" bind --leases /dev/null cam
refuses "bind: a file that is not there" 1 "$dir/none: No such file or directory" bind --leases "$dir/none"
refuses "bind: an unknown option" 2 "no such option: '--foo'" bind --foo
refuses "unbind: nothing" 2 "which address?" unbind
refuses "unbind: no address" 2 "not an address: 'cam'" unbind cam
refuses "unbind: too much" 2 "too many words: '10.0.0.2'" unbind 10.0.0.1 10.0.0.2
refuses "--learn: another word" 2 "not auto, auto-static or none: 'yes'" set cam --learn yes
refuses "--learn, with another verb" 2 "these options are for add and set" quarantine cam --learn auto
refuses "--address auto: the option is named" 2 "--learn auto has addresses learned" set cam --address auto
refuses "add: neither addresses nor learned ones" 2 "--address or --learn" add cam --mac 02:00:00:00:01:01 --segment iot
refuses "add: nor with none" 2 "--address or --learn" add cam --mac 02:00:00:00:01:01 --segment iot --learn none
if [ ! -d /sys/kernel/cordon ]; then
	refuses "what is sound goes to the kernel: add" 1 "is the module loaded?" add cam --mac 02:00:00:00:01:01 --segment iot --learn auto
	refuses "bind" 1 "is the module loaded?" bind cam 10.0.0.1 1h
	refuses "bind, by MAC, for ever" 1 "is the module loaded?" bind 02:00:00:00:01:01 fd00::1
	refuses "a file" 1 "is the module loaded?" bind --leases /dev/null
	refuses "unbind" 1 "is the module loaded?" unbind 10.0.0.1
fi
echo "1..$n"
exit $failed
