#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# What may come next on a command line, as the three shells ask for it; it is what the commands' help says and what they
# take. And the help fits a terminal.
set -u
cd "$(dirname "$0")/../.." || exit 2
top=$PWD
ctl=$PWD/build/cordonctl
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
. tests/unit/lib.sh
shown=("$dir/out")
PATH=$PWD/build:$PATH

make -s userspace >"$dir/out" 2>&1
ok "cordonctl is made" $?

# offers NAME WORDS WORD...: all that may come behind these words, but for options
offers() {
	local name=$1 wanted=$2

	shift 2
	"$ctl" complete "$@" | cut -f 1 | tr '\n' ' ' >"$dir/out"
	[ "$(cat "$dir/out")" = "${wanted:+$wanted }" ]
	ok "$name" $?
}
offers "a command" "apply" ap
offers "commands that begin alike" "status stats state" stat
offers "one that there is not" "" xyzzy ""
offers "help for one" "firmware" help firm
offers "a choice in brackets" "segments" show seg
offers "a verb" "release" device rel
offers "verbs that begin alike" "add adopt approve" device a
offers "an option" "--dry-run" apply --dry
offers "an option after others" "--verbose" apply --dry-run policy.yaml --v
offers "a file" ":files" apply ""
offers "an option's file" ":files" apply --state ""
offers "an option's words" "TLS1.3 TLS1.2" device set cam --encryption TLS
offers "words in the usage" "traffic denied anomalies name" top --sort ""
offers "words in several lines" "cessationOfOperation" ca revoke cam --reason ces
offers "kinds of anomaly" "rogue_dhcp rogue_ra" monitor --kind rogue
offers "a protocol" "tcp" explain --proto tc
offers "who: the gateway, too" "gateway" explain --from gate
offers "an option of another verb: not of this one" "" device bind --enc
offers "of the verb that has it" "--encryption" device add cam --enc
offers "nothing behind what is whole" "" device del cam ""

# What is offered is taken; --help says nothing else.
all=0 refused=''
for command in $("$ctl" complete "" | cut -f 1 | grep -vE '^(help|--.*)$'); do
	verbs=$("$ctl" complete "$command" "" | cut -f 1 | grep -E '^[a-z][a-z-]*$')
	"$ctl" "$command" --help | awk -v c="$command" 'length > 79 { print "# " c ": " $0; bad = 1 } END { exit bad }' >>"$dir/wide"
	"$ctl" "$command" --help | sed -n '/^usage/,/^$/p; s/^\(  --.*\)   .*/\1/p; /^  --/p' |
		sed 's/^\(  --[^ ]*\( [^ ]*\)\?\)  .*/\1/' | grep -oE -- '--[a-z][a-z0-9-]+' | sort -u >"$dir/help"
	for verb in '' $verbs; do
		for option in $("$ctl" complete "$command" $verb - | cut -f 1 | sort -u); do
			all=$((all + 1))
			echo "$option" >>"$dir/offered"
			"$ctl" "$command" $verb "$option" x --help </dev/null 2>&1 | grep -qF 'no such option' && refused+=" $command $verb $option"
		done
	done
	echo --help >>"$dir/help"
	sort -u "$dir/offered" | comm -3 - <(sort -u "$dir/help") >"$dir/differ"
	rm "$dir/offered"
	if [ -s "$dir/differ" ]; then
		sed "s/^/# $command: /" "$dir/differ"
		differ=y
	fi
done
[ -z "${differ-}" ]
ok "options that are offered are those of the help"
[ $all -gt 150 ] && [ -z "$refused" ] || echo "# $all offered, refused:$refused"
[ $all -gt 150 ] && [ -z "$refused" ]
ok "each of them is taken"
cp "$dir/wide" "$dir/out"
[ ! -s "$dir/wide" ]
ok "no line of the help is longer than 79 columns"
[ "$("$ctl" --help | awk 'length > 79')" = "" ]
ok "nor of the list of commands"

# What is wrong is named.
"$ctl" check policy.yaml -qj >"$dir/out" 2>&1
grep -qF "check: no such option: '-qj'" "$dir/out"
ok "of several letters in one word: the word that has the wrong one" $?

# The shells
mkdir "$dir/here"
cd "$dir/here" || exit 2
touch policy.yaml other.txt
# shellcheck disable=SC2016
bash=$(bash -c '
	source "$0/userspace/ctl/cordonctl.bash-completion"
	ask() { COMP_WORDS=(cordonctl "$@"); COMP_CWORD=$#; _cordonctl; echo "${COMPREPLY[@]}"; }
	ask appl; ask device rel; ask apply --st; ask apply pol; ask apply ""' "$top" 2>&1)
echo "$bash" >"$dir/out"
[ "$bash" = "apply
release
--state
policy.yaml
other.txt policy.yaml" ] || [ "$bash" = "apply
release
--state
policy.yaml
policy.yaml other.txt" ]
ok "bash"
# shellcheck disable=SC2016
zsh -f -c '
	compadd() { eval "echo \${$@[-1]}" }
	_files() { echo files }
	ask() { words=(cordonctl "$@"); CURRENT=$#words; source '"'$top/userspace/ctl/cordonctl.zsh-completion'"'; }
	ask appl; ask device rel; ask apply --st; ask apply ""' >"$dir/out" 2>&1
[ "$(cat "$dir/out")" = "apply
release
--state
files" ]
ok "zsh"
HOME=$dir fish -c "source '$top/userspace/ctl/cordonctl.fish-completion'
	for line in 'cordonctl appl' 'cordonctl device rel' 'cordonctl apply --st' 'cordonctl apply pol'
		complete -C \$line
	end" 2>"$dir/err" | cut -f 1 >"$dir/out"
[ "$(cat "$dir/out")" = "apply
release
--state
policy.yaml" ]
ok "fish"

# An interface is called whatever its maker likes: nothing of it runs, in any of the shells.
mkdir "$dir/bin"
printf '#!/bin/sh\nprintf "%%s\\tinterface\\n" "\$(touch pwned)" "a;b\\$HOME" lan0\n' >"$dir/bin/cordonctl"
chmod +x "$dir/bin/cordonctl"
# shellcheck disable=SC2016
PATH=$dir/bin:$PATH bash -c '
	source "$0/userspace/ctl/cordonctl.bash-completion"
	COMP_WORDS=(cordonctl monitor ""); COMP_CWORD=2; _cordonctl
	for word in "${COMPREPLY[@]}"; do eval "printf \"%s\\n\" $word"; done' "$top" >"$dir/out" 2>&1
# shellcheck disable=SC2016
[ "$(cat "$dir/out")" = '$(touch pwned)
a;b$HOME
lan0' ] && [ ! -e pwned ]
ok "bash: what is offered is one word" $?
# shellcheck disable=SC2016
unshare -rn bash -c 'ip link add "$(printf "lan9\033]0;x")" type veth peer name "\$(x)" && "$0" complete explain --in ""' "$ctl" >"$dir/out" 2>&1
if [ $? = 0 ] || unshare -rn ip link add lan9 type veth 2>/dev/null; then
	[ "$(cut -f 1 "$dir/out" | sort | xargs)" = '$(x) lo' ]
	ok "a name with control characters is not offered, others are" $?
fi
echo "1..$n"
exit $failed
