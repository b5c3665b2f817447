#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# promises.py finds what it is for: a document with one fault each, in a tree of its own.
# shellcheck disable=SC2016 # the backquotes are the document's
set -u
here=$(cd "$(dirname "$0")" && pwd)
tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT
failed=0
mkdir -p "$tree/Documentation" "$tree/tests"
echo 'tap.ok(good, "it is refused")' >"$tree/tests/a.py"

try() {	# good|bad WHAT, the document on standard input
	local verdict=good

	cat >"$tree/Documentation/security.md"
	/usr/bin/python3 "$here/promises.py" "$tree" >/dev/null || verdict=bad
	[[ $verdict == "$1" ]] && return
	echo "$2: $verdict"
	failed=1
}

head=$'| what | promise | test |\n|---|---|---|\n'
try good "a promise and its test" <<<"$head"'| a | b | `tests/a.py`: "it is refused" |'
try bad "a case that is not there" <<<"$head"'| a | b | `tests/a.py`: "it is refused", "it is granted" |'
try bad "a file that is not there" <<<"$head"'| a | b | `tests/b.py`: "it is refused" |'
try bad "a promise without a test" <<<"$head"$'| a | b | `tests/a.py`: "it is refused" |\n| c | d | |'
try bad "nothing" <<<'words'
exit "$failed"
