#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# run.sh [PATTERN]: what a reader of the code should not have to look for. Prints TAP; a failed case's
# findings come as comments before it. Only the cases whose name matches PATTERN, if there is one.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
cd "$here/../.."
# make names its own targets and options in the environment, which are not for the builds below
unset MAKEFLAGS MFLAGS MAKELEVEL
tools=$(tests/spec/ynl.sh)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
pattern=${1:-}
count=0 failed=0

# check NAME COMMAND...: passes when the command finds nothing, that is, succeeds and says nothing. As
# set -e does not hold in here, a step that fails in a function must at least say so, and all do.
check() {
	local name=$1

	[[ $name =~ $pattern ]] || return 0
	shift
	count=$((count + 1))
	if "$@" >"$work/found" 2>&1 && [ ! -s "$work/found" ]; then
		echo "ok $count - $name"
	else
		head -n 100 "$work/found" | sed 's/^/# /'
		echo "not ok $count - $name"
		failed=1
	fi
}

# files GLOB...: those of the checkout; it is a finding that there are none
files() {
	git ls-files -co --exclude-standard -- "$@" | while read -r file; do
		[ ! -e "$file" ] || echo "$file"
	done | grep . || { echo "nothing to look at: $*" >&2; return 1; }
}

# Written by hand, that is, not by the netlink spec's generator.
kernel_sources() {
	files 'kernel/*.[ch]' 'include/*.h' | xargs grep -L YNL-GEN
}

generated() {
	local file

	tests/spec/regen.sh "$work/generated"
	(cd "$work/generated" && find . -type f) | while read -r file; do
		diff -u "$file" "$work/generated/$file"
	done
}

versions() {
	! kernel_sources | grep -v ^kernel/compat/ | xargs grep -nE 'LINUX_VERSION_CODE|KERNEL_VERSION|linux/version\.h'
}

# Ignored: kzalloc_obj() is newer than the kernels that this builds for; iterators use an argument again,
# and one that names a member takes no parentheses; versions are for kernel/compat, see above, and
# LINUX_VERSION_CODE looks like a constant; the core's shim for user space makes u8 of uint8_t.
checkpatch() {
	kernel_sources >"$work/files"
	xargs perl "$tools/scripts/checkpatch.pl" --no-tree --strict --terse --quiet --no-summary --show-types \
		--ignore ALLOC_WITH_SIZEOF,MACRO_ARG_REUSE,MACRO_ARG_PRECEDENCE \
		--ignore LINUX_VERSION_CODE,CONSTANT_COMPARISON,PREFER_KERNEL_TYPES -f <"$work/files"
}

kernel_doc() {
	kernel_sources >"$work/files"
	xargs /usr/bin/python3 "$tools/tools/docs/kernel-doc" -none -Werror <"$work/files" 2>&1 | sort -u
}

# um_build: the sanitizers' kernel is a 6.1 as well
um_build() {
	local stage

	stage=$(tests/kunit/build.sh lint W=1 C=2 CHECK=sparse)
	! grep -E 'warning:|error:' "$stage/log"
}

vm_build() {
	tests/vm/build.sh "$@" >"$work/build" 2>&1 || { cat "$work/build"; return 1; }
	! grep -E 'warning:|error:' "$work/build" | grep -v 'pahole version differs'
}

clang_tidy() {
	/usr/bin/python3 "$here/compile-commands.py" >"$work/compile_commands.json"
	/usr/bin/python3 -c 'import json, sys; [print(c["file"]) for c in json.load(sys.stdin)]' \
		<"$work/compile_commands.json" | sort -u >"$work/files"
	[ -s "$work/files" ] || { echo "nothing to look at: the build compiles nothing"; return 1; }
	xargs -P "$(nproc)" -n 4 clang-tidy --quiet -p "$work" --config-file="$here/clang-tidy.yaml" \
		<"$work/files" 2>"$work/noise" || { grep error: "$work/noise"; return 1; }
}

shell_scripts() {
	files '*.sh' >"$work/files"
	while read -r file; do
		bash -n "$file"
	done <"$work/files"
	xargs shellcheck -S warning -e SC1091,SC2154,SC2034,SC2054 <"$work/files"
}

licences() {
	files '*.[ch]' '*.sh' '*.py' '*.mk' '*.yaml' Makefile '*Kbuild' >"$work/files"
	while read -r file; do
		grep -q SPDX-License-Identifier <(head -n 2 "$file") || echo "$file: no SPDX line"
	done <"$work/files"
}

manuals() {
	files 'Documentation/*.[1-8]' >"$work/files"
	xargs mandoc -T lint -W warning <"$work/files"
}

readme() {
	[ "$(wc -l <README.md)" -le 120 ] || echo "README.md: more than 120 lines"
}

top_level() {
	files . | cut -d/ -f1 | sort -u | grep -vxE \
		'\..*|COPYING|Documentation|Kbuild|Makefile|README\.md|include|kernel|tests|userspace' || :
}

# A test that sleeps for whole seconds is slow where it passes and flaky where it does not: poll.
sleeps() {
	files 'tests/*' >"$work/files"
	! xargs grep -nE '(^|[^a-z_.])sleep +[1-9][0-9]*([^.0-9]|$)|time\.sleep\([1-9]' <"$work/files"
}

# grep -q ends at the first match; with pipefail the pipe has then failed if who writes has more to say.
pipes() {
	files 'tests/*.sh' >"$work/files"
	xargs grep -lE 'pipefail|scenarios/lib\.sh|"\$\(dirname "\$0"\)/lib\.sh"' <"$work/files" >"$work/strict"
	xargs grep -nE "^[^#]*[^|]\| *grep -[a-zA-Z]*q" <"$work/strict" | grep -v 'sh -c "' || :
}

paths() {
	files . >"$work/files"
	! xargs grep -nIE '(^|[^A-Za-z0-9_.$}/-])/(home|work|Users|root)/[a-z.]' <"$work/files"
}

check "the spec fits the kernel's schema" tests/spec/regen.sh --validate
check "the generated files are what the spec gives" generated
check "includes keep to the rooms" tests/lint/includes.py
check "includes: a planted fault is found" tests/lint/includes-selftest.sh
check "security.md names tests that are there" tests/lint/promises.py
check "security.md: a planted fault is found" tests/lint/promises-selftest.sh
check "only kernel/compat knows kernel versions" versions
check "checkpatch" checkpatch
check "kernel-doc" kernel_doc
check "W=1 and sparse, 6.1 um" um_build
check "W=1 and sparse, 6.1" vm_build 6.1 W=1 C=2
check "W=1, 6.12" vm_build 6.12 W=1
check "W=1, 7.3" vm_build 7.3 W=1
check "clang-tidy" clang_tidy
check "shell scripts" shell_scripts
check "manual pages" manuals
check "every source says its licence" licences
check "README is at most 120 lines" readme
check "nothing new at the top level" top_level
check "no test sleeps" sleeps
check "no pipe ends before it is read" pipes
check "no path of somebody's machine" paths
echo "1..$count"
[ $count -gt 0 ] || failed=1
exit $failed
