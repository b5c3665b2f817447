#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Commands that are called wrongly, as far as no kernel is needed: what is refused, with which words.
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
	"$ctl" "$@" >"$dir/out" 2>&1
	[ $? = "$status" ] && grep -qF -- "$words" "$dir/out"
	ok "$name" $?
}

make -s userspace >"$dir/out" 2>&1
ok "cordonctl is made" $?
refuses "no command" 2 "no such command: 'xyzzy'" xyzzy
refuses "a command, mistyped" 2 "no such command: 'aply': did you mean 'apply'?" aply
refuses "help for one" 2 "no such command: 'statu': did you mean 'status'?" help statu
for help in -h --help; do
	refuses "$help" 0 "usage: cordonctl COMMAND" $help
	refuses "of a command: $help" 0 "usage: cordonctl apply [FILE]" apply $help
done
export POSIXLY_CORRECT=1
refuses "whatever the environment: help behind other words" 0 "usage: cordonctl firmware" firmware remove x --help
unset POSIXLY_CORRECT
printf '%s\n' 'version: 1' 'uplinks: [wan0]' >"$dir/p.yaml"
ask=(explain --policy "$dir/p.yaml" --from gateway --to 10.0.0.1 --proto tcp --dport 1)
refuses "a letter for an option: -j" 0 '"verdict": "allow"' "${ask[@]}" -j
refuses "with its value: -o" 2 "option needs a value: '-o'" setup -o
refuses "a letter of another command: -v" 2 "no such option: '-v'" "${ask[@]}" -v
on_terminal() {
	TERM=xterm "$@" script -qec "$ctl ${ask[*]}" /dev/null </dev/null >"$dir/out" 2>&1
	grep -q $'\033\[32mallow\033\[0m: ' "$dir/out"
}
on_terminal env
ok "on a terminal, in colour" $?
! on_terminal env NO_COLOR=1
ok "not with NO_COLOR" $?
! on_terminal env TERM=dumb
ok "nor where there are none" $?
refuses "nor into a file" 0 "allow: the gateway" "${ask[@]}"
# One sentence each, with what helps, and a path in it once.
refuses "no registry" 1 "cordonctl: cannot open the registry '$dir/none': No such file or directory: 'cordonctl device token' or 'cordonctl serve' makes one" \
	ca list --registry "$dir/none/registry.db"
refuses "no CA" 1 "root.crt: No such file or directory: 'cordonctl ca init' makes a CA" ca export --dir "$dir/none"
[ "$(wc -l <"$dir/out")" = 1 ]
ok "in one line" $?
if [ "$(id -u)" = 0 ]; then
	# As somebody who may not: what the tree lies in may be root's own.
	cp "$ctl" "$dir/cordonctl"
	mkdir -m 700 "$dir/closed"
	chmod 755 "$dir" "$dir/cordonctl"
	may_not() {
		setpriv --reuid 65534 --regid 65534 --clear-groups "$dir/cordonctl" "${@:3}" >"$dir/out" 2>&1
		[ $? = 1 ] && grep -q "^cordonctl: .*$2: try it with sudo\$" "$dir/out"
		ok "as somebody: $1" $?
	}
	may_not "the registry" "cannot open the registry '$dir/closed/registry.db': Permission denied" ca list --registry "$dir/closed/registry.db"
	may_not "a new CA" "Permission denied" ca init --dir "$dir/closed/ca"
	may_not "a new token" "Permission denied" device token cam --mac 02:00:00:00:01:01 --registry "$dir/closed/registry.db"
	refuses "as root: no such advice" 1 "none: No such file or directory" check "$dir/none"
fi
refuses "no short option: -x" 2 "no such option: '-x'" apply -x
refuses "two policy files" 2 "one file at a time: 'b.yaml'" check a.yaml b.yaml
if [ ! -e /etc/cordon/policy.yaml ]; then
	for command in apply check diff; do
		refuses "$command without a file: the gateway's own" 1 "/etc/cordon/policy.yaml: No such file or directory: 'cordonctl setup' writes a first one" $command
	done
fi
refuses "monitor: no kind" 2 "not a kind of anomaly: 'scam'" monitor --kind scam
refuses "device: no verb" 2 "no such verb: 'lits'" device lits
refuses "device: a verb, and no device" 2 "which device?" device del
refuses "learn: nobody" 2 "which device?" device learn
refuses "learn: too much" 2 "too many words: '7d'" device learn cam 7d
refuses "learn: with an option of set" 2 "these options are for add and set" device learn cam --learn auto
refuses "bind: nobody" 2 "which device?" device bind
refuses "bind: no address" 2 "which address?" device bind cam
refuses "bind: no device's name" 2 "neither a device's name nor a MAC: 'a b'" device bind "a b" 10.0.0.1
refuses "bind: no address, but a word" 2 "not an address: '10.0.0'" device bind cam 10.0.0
refuses "bind: no duration" 2 "not a duration up to 365d: '5'" device bind cam 10.0.0.1 5
refuses "bind: none of 0" 2 "not a duration up to 365d: '0s'" device bind cam 10.0.0.1 0s
refuses "bind: none of more than a year" 2 "not a duration up to 365d: '366d'" device bind cam 10.0.0.1 366d
refuses "bind: too much" 2 "too many words: 'more'" device bind cam 10.0.0.1 1h more
refuses "bind: a file, and a device besides" 2 "too many words: 'cam'" device bind --leases /dev/null cam
refuses "bind: a file that is not there" 1 "$dir/none: No such file or directory" device bind --leases "$dir/none"
refuses "bind: an unknown option" 2 "no such option: '--foo'" device bind --foo
refuses "unbind: nothing" 2 "which address?" device unbind
refuses "unbind: no address" 2 "not an address: 'cam'" device unbind cam
refuses "unbind: too much" 2 "too many words: '10.0.0.2'" device unbind 10.0.0.1 10.0.0.2
refuses "--learn: another word" 2 "not auto, auto-static or none: 'yes'" device set cam --learn yes
refuses "--learn, with another verb" 2 "these options are for add and set" device quarantine cam --learn auto
refuses "--address auto: the option is named" 2 "--learn auto has addresses learned" device set cam --address auto
refuses "add: neither addresses nor learned ones" 2 "--address or --learn" device add cam --mac 02:00:00:00:01:01 --segment iot
refuses "add: nor with none" 2 "--address or --learn" device add cam --mac 02:00:00:00:01:01 --segment iot --learn none
if [ ! -d /sys/kernel/cordon ]; then
	refuses "what is sound goes to the kernel: add" 1 "is the module loaded?" device add cam --mac 02:00:00:00:01:01 --segment iot --learn auto
	refuses "learn" 1 "is the module loaded?" device learn cam
	refuses "bind" 1 "is the module loaded?" device bind cam 10.0.0.1 1h
	refuses "bind, by MAC, for ever" 1 "is the module loaded?" device bind 02:00:00:00:01:01 fd00::1
	refuses "a file" 1 "is the module loaded?" device bind --leases /dev/null
	refuses "unbind" 1 "is the module loaded?" device unbind 10.0.0.1
fi
echo "1..$n"
exit $failed
