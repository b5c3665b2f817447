#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# A policy of several files: what they say together, and where it is said that something is wrong.
set -u
cd "$(dirname "$0")/../.." || exit 2
ctl=$PWD/build/cordonctl
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
. tests/unit/lib.sh
shown=("$dir/out")

make -s userspace >"$dir/out" 2>&1
ok "cordonctl is made" $?
cd "$dir" || exit 2
mkdir policy.d empty.d
cat >policy.yaml <<-'END'
	version: 1
	ports: [lan0]
	include: policy.d/*.yaml
	rules: [{from: iot, to: net, allow: [tcp/443]}]
	devices:
	  - {name: cam, mac: "02:00:00:00:01:01", network_segment: iot, addresses: [10.0.0.1]}
END
cat >policy.d/10-net.yaml <<-'END'
	uplinks: [wan0]
	segments: {iot: {}, net: {networks: [10.9.0.0/16], interfaces: [wan0]}}
END
cat >policy.d/20-shop.yaml <<-'END'
	version: 1
	devices:
	  - {name: till, mac: "02:00:00:00:01:02", network_segment: shop, addresses: [10.0.0.2]}
	segments: {shop: {}}
	rules: [{from: shop, to: net, allow: [tcp/8443]}]
	ports: [lan1]
END
: >policy.d/30-nothing.yaml
echo 'version: 2' >policy.d/.hidden.yaml

# says NAME STATUS WORDS ARGUMENT...
says() {
	local name=$1 status=$2 words=$3

	shift 3
	"$ctl" "$@" >"$dir/out" 2>&1 </dev/null
	[ $? = "$status" ] && grep -qF -- "$words" "$dir/out"
	ok "$name" $?
}
# wrong NAME WORDS FILE TEXT: with one more file, the policy is refused
wrong() {
	printf '%s\n' "$4" >"$3"
	says "$1" 1 "$2" check policy.yaml
	rm "$3"
}

says "all files are one policy" 0 "policy.yaml: 3 segments, 1 networks, 2 rules, 2 devices: good" check policy.yaml
says "from elsewhere, the files are beside the one that includes them" 0 "3 segments" check "$dir/policy.yaml"
for who in cam:443 till:8443; do
	says "a rule holds: $who" 0 "allow" explain --policy policy.yaml --from ${who%:*} --to 10.9.0.1 --proto tcp --dport ${who#*:}
	says "and no other: $who" 3 "deny" explain --policy policy.yaml --from ${who%:*} --to 10.9.0.1 --proto tcp --dport 22
done
wrong "a fault is told with its file and line" "policy.d/99.yaml:1:28: unknown segment 'shpo': did you mean 'shop'?" \
	policy.d/99.yaml 'rules: [{from: iot,    to: shpo, allow: [any]}]'
wrong "what comes twice: where it was" "mac '02:00:00:00:01:01' a second time: the first is on line 6 of policy.yaml" \
	policy.d/99.yaml 'devices: [{name: x, mac: "02:00:00:00:01:01", network_segment: iot, addresses: [10.0.0.9]}]'
for key in 'mode: observe' 'unknown: iot' 'include: policy.yaml'; do
	wrong "not in an included file: ${key%:*}" "policy.d/99.yaml:1:$((${#key} - $(wc -c <<<"${key#*: }") + 2)): '${key%:*}' belongs into the file that includes this one" \
		policy.d/99.yaml "$key"
done
wrong "a key that there is not" "unknown key 'device': did you mean 'devices'?" policy.d/99.yaml 'device: []'
wrong "another version" "policy.d/99.yaml:1:10: version must be 1, not '2'" policy.d/99.yaml 'version: 2'
wrong "no YAML" "policy.d/99.yaml:2:1: not YAML" policy.d/99.yaml '{['
wrong "no mapping" "an included file must be a mapping" policy.d/99.yaml '- x'

# include NAME STATUS WORDS VALUE
include() {
	sed "s|^include:.*|include: $4|" policy.yaml >p.yaml
	says "$1" "$2" "$3" check p.yaml
}
include "a list" 0 "2 devices: good" '[policy.d/1*, policy.d/20-shop.yaml]'
include "the whole path" 0 "2 devices: good" "$dir/policy.d/*.yaml"
include "a pattern that nothing fits" 1 "unknown segment 'iot'" 'empty.d/*.yaml'
include "a file that is not there" 1 "p.yaml:3:10: cannot include 'policy.d/x.yaml': there is no such file" policy.d/x.yaml
include "a directory that is not there" 1 "cannot include 'none.d/*.yaml': No such file or directory" 'none.d/*.yaml'
include "a directory" 1 "cordonctl: policy.d: Is a directory" policy.d
include "itself" 1 "'*.yaml' includes p.yaml a second time" '"*.yaml"'
include "the same twice" 1 "includes policy.d/10-net.yaml a second time" '[policy.d/*.yaml, policy.d/10-net.yaml]'
include "no file" 1 "include must be a file, or a list of files, like policy.d/*.yaml" '{a: b}'
include "nothing" 1 "unknown segment 'iot'" ''
odd=policy.d/$(printf '40\033[2J.yaml')
echo 'x: y' >"$odd"
says "a name that a terminal would obey" 1 "policy.d/40\x1b[2J.yaml:1:1: unknown key 'x'" check policy.yaml
rm "$odd"
mkfifo policy.d/40-pipe.yaml
timeout 20 "$ctl" check policy.yaml >"$dir/out" 2>&1
[ $? = 1 ] && grep -qF "policy.yaml:3:10: 'policy.d/*.yaml' includes policy.d/40-pipe.yaml, which is not a regular file" "$dir/out"
ok "a pipe, which is not waited for" $?
rm policy.d/40-pipe.yaml
for name in 'shop [1]' 'a*b' 'x\y' 'what?'; do
	mkdir "$name" && cp -r policy.yaml policy.d "$name"
	says "the name of the directory is no pattern: $name" 0 "2 devices: good" check "$name/policy.yaml"
done
for ((i = 0; i < 257; i++)); do : >empty.d/$i.yaml; done
include "too many" 1 "'empty.d/*.yaml': more than 256 files are included" 'empty.d/*.yaml'
sed "s,^include:.*,include: $dir/policy.d/*.yaml," policy.yaml | "$ctl" check - >"$dir/out" 2>&1
ok "from standard input, by whole paths" $?
! "$ctl" check - <policy.yaml >"$dir/out" 2>&1 && grep -qF "from standard input, include /a/whole/path" "$dir/out"
ok "from standard input, no others" $?

printf 'ca: %s/ca\nregistry: %s/registry.db\nfirmware: {directory: %s/fw}\n' "$dir" "$dir" "$dir" >serve.yaml
"$ctl" backup --policy policy.yaml --config serve.yaml --state none b.tar >"$dir/out" 2>&1 &&
	grep -qF "includes others: in the backup it is one file" "$dir/out" && tar -xOf b.tar policy.yaml >one.yaml
ok "a backup of it" $?
says "it says the same in one file" 0 "one.yaml: 3 segments, 1 networks, 2 rules, 2 devices: good" check one.yaml
echo "1..$n"
exit $failed
