#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Manual and help know the same commands, verbs and options: what --help says (which the completion says, too) is in the
# manual of the command's group, and what a synopsis says is in the help.
set -u
cd "$(dirname "$0")/../.." || exit 2
ctl=$PWD/build/cordonctl
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
. tests/unit/lib.sh
shown=("$dir/out")

make -s userspace >"$dir/out" 2>&1
ok "cordonctl is made" $?
# Of each synopsis a line: page, command, and what follows, as it is typed
for page in Documentation/man/cordonctl*.8; do
	awk -v page="$page" '
		/^\.Sh/ { here = $2 == "SYNOPSIS" }
		here && /^\.Nm/ { if (line) print page, line; line = ""; sub(/^\.Nm( cordonctl)? ?/, ""); if (NF) line = $0; next }
		here && /^\./ { sub(/^\./, ""); line = line " " $0 }
		END { if (line) print page, line }' "$page" |
		sed -E 's/ (Op|Oo|Oc|Ar|Cm|No|Ns|Ic)\>//g; s/ Fl -/ --/g; s/ Fl ([a-z])\>/ -\1/g; s/  +/ /g'
done >"$dir/synopsis"

# options COMMAND [VERB]: as the completion has them
options() {
	"$ctl" complete "$@" - | cut -f 1 | grep -vx -- --help | sort -u
}
missing='' surplus='' pages=''
for command in $("$ctl" complete "" | cut -f 1 | grep -vE '^(help|--.*)$'); do
	page=$(awk -v c="$command" '$2 == c { print $1; exit }' "$dir/synopsis")
	[ -n "$page" ] || { pages+=" $command"; continue; }
	verbs=$("$ctl" complete "$command" "" | cut -f 1 | grep -E '^[a-z][a-z-]*$')
	for verb in ${verbs:-''}; do
		# shellcheck disable=SC2086
		options "$command" ${verb:-} >>"$dir/options"
		[ -z "$verb" ] || awk -v c="$command" -v v="$verb" '$2 == c' "$dir/synopsis" | grep -qwe "$verb" || missing+=" $command:$verb"
	done
	sort -u "$dir/options" -o "$dir/options"
	while read -r option; do
		grep -qE -- "(^\.|[( ])Fl (.* , )?-${option#--}( |$)" "$page" || missing+=" $command:$option"
	done <"$dir/options"
	surplus+=$(awk -v c="$command" '$2 == c' "$dir/synopsis" | grep -oE -- '--[a-z][a-z0-9-]+' | sort -u | comm -23 - "$dir/options" |
		sed "s/^/ $command:/")
	rm "$dir/options"
done
echo "no manual:$pages" >"$dir/out"
[ -z "$pages" ]
ok "each command is in a synopsis"
echo "not in the manual:$missing" >"$dir/out"
[ -z "$missing" ]
ok "each verb and option of the help is in the manual"
echo "not in the help:$surplus" >"$dir/out"
[ -z "$surplus" ]
ok "each option of a synopsis is in the help"
echo "1..$n"
exit $failed
