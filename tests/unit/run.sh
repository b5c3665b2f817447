#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Build the unit tests with ASan and UBSan, run them and the scripts beside them: one TAP stream, one plan.
set -u
shopt -s extglob nullglob
cd "$(dirname "$0")/../.." || exit 2

build=$PWD/build/unit
log=$build/log
n=0
failed=0

mkdir -p "$build"
export CORDON_UNIT=$build
# What cordonctl does here is none of this machine's business.
export CORDON_AUDIT=$build/audit/audit.jsonl
export ASAN_OPTIONS=abort_on_error=0:detect_leaks=1 UBSAN_OPTIONS=print_stacktrace=1
# LeakSanitizer cannot work where it may not trace, as under a debugger.
[[ ${CORDON_NO_LSAN:-} ]] && ASAN_OPTIONS=${ASAN_OPTIONS%1}0

report() {	# ok|"not ok" NAME
	n=$((n + 1))
	[[ $1 == ok ]] || failed=$((failed + 1))
	echo "$1 $n - $2"
}

# Numbers of its own for each test, its plan checked, and its status a test of its own.
renumber() {	# NAME STATUS
	local line plan=none seen=0

	while IFS= read -r line; do
		case $line in
		"ok "*)		report ok "$1: ${line##ok +([0-9])?( - )}"; seen=$((seen + 1)) ;;
		"not ok "*)	report "not ok" "$1: ${line##not ok +([0-9])?( - )}"; seen=$((seen + 1)) ;;
		1..*)		plan=${line#1..} ;;
		*)		echo "# ${line#\# }" ;;
		esac
	done < "$log"
	if [[ $2 == 0 && $plan == "$seen" ]]; then
		report ok "$1: ran to its end"
	else
		report "not ok" "$1: status $2, planned $plan, seen $seen"
	fi
}

run() {	# NAME COMMAND...
	local name=$1

	shift
	"$@" > "$log" 2>&1
	renumber "$name" $?
}

compile() {	# NAME: tests/unit/NAME.c to build/unit/NAME
	local packages='yaml-0.1 jansson libssl libcrypto sqlite3 pwquality libnl-3.0 libnl-genl-3.0 libnl-nf-3.0
		libcurl libevent_core'

	# shellcheck disable=SC2046,SC2086
	"${CC:-cc}" -std=gnu11 -D_GNU_SOURCE -Wall -Wextra -Werror -g -O1 -fno-omit-frame-pointer \
		-fsanitize=address,undefined -fno-sanitize-recover=undefined -Wl,--as-needed -Iinclude/uapi -Iuserspace \
		$(pkg-config --cflags $packages) -o "$build/$1" "tests/unit/$1.c" \
		build/asan/libcordon.a $(pkg-config --libs $packages) -lm > "$log" 2>&1
}

echo "TAP version 13"
if ! make -s build/asan/libcordon.a > "$log" 2>&1; then
	sed 's/^/# /' "$log"
	echo "Bail out! the sanitized library does not build"
	exit 1
fi
for source in tests/unit/*.c; do
	name=$(basename "$source" .c)
	if ! compile "$name"; then
		sed 's/^/# /' "$log"
		report "not ok" "$name: compiles"
	elif [[ $name == test_* ]]; then
		run "$name" "$build/$name"
	fi
done
for script in tests/unit/*.sh tests/metrics/test_*.sh; do
	[[ $script == */@(run|lib).sh ]] || run "$(basename "$script" .sh)" bash "$script"
done
echo "1..$n"
[[ $failed == 0 ]]
