#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# cordonctl device token and approve, where no kernel knows the device: what they print and refuse.
set -u
cd "$(dirname "$0")/../.." || exit 2

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
registry=$dir/lib/registry.db
mac=02:00:5e:00:53:01
. tests/unit/lib.sh
shown=("$dir/out" "$dir/err")

call() {	# EXPECTED_STATUS ARGUMENT...
	local want=$1 status

	shift
	build/cordonctl device "$@" >"$dir/out" 2>"$dir/err" </dev/null
	status=$?
	[[ $status == "$want" ]]
}

# refused STATUS NAME MESSAGE ARGUMENT...: that status, that message, nothing on standard output
refused() {
	local status=$1 name=$2 message=$3

	shift 3
	call "$status" "$@" && [[ ! -s $dir/out ]] && grep -qxF -- "cordonctl: $message" "$dir/err"
	ok "refused: $name" $?
}

make -s userspace >"$dir/out" 2>"$dir/err"
ok "cordonctl is built" $?

refused 1 "approve without a registry" "cam: cannot open the registry '$dir/lib': No such file or directory: 'cordonctl device token' or 'cordonctl serve' makes one" \
	approve cam --registry "$registry"
call 0 token cam --mac $mac --registry "$registry" &&
	[[ $(cat "$dir/out") =~ ^[a-z2-7]{26}$ && ! -s $dir/err ]]
ok "token: 26 characters, and nothing else" $?
[[ $(stat -c %a "$dir/lib" "$registry" | xargs) == "700 600" ]]
ok "token: the registry is private" $?
first=$(cat "$dir/out")
call 0 token cam --mac $mac --registry "$registry" --json --valid 15m --approval &&
	/usr/bin/python3 -c '
import json, sys
o = json.load(open(sys.argv[1]))
assert set(o) == {"device", "mac", "token", "valid_seconds"}, o
assert (o["device"], o["mac"], o["valid_seconds"]) == ("cam", sys.argv[2], 900), o
assert o["token"] != sys.argv[3]
' "$dir/out" $mac "$first" 2>"$dir/err"
ok "token: as JSON, another one" $?
call 0 approve cam --registry "$registry" && [[ ! -s $dir/out ]]
ok "approve: done" $?
refused 1 "approve nobody" "nobody: no device 'nobody' in the registry" approve nobody --registry "$registry"

call 0 token cam --mac $mac --registry "$registry" --set Gr8-otter-lamp-Vine &&
	[[ $(cat "$dir/out") == Gr8-otter-lamp-Vine ]]
ok "set: a strong one" $?
build/cordonctl device token cam --mac $mac --registry "$registry" --set - \
	<<<Gr8-otter-lamp-Vine >"$dir/out" 2>"$dir/err" && [[ $(cat "$dir/out") == Gr8-otter-lamp-Vine ]]
ok "set: a strong one from standard input" $?
refused 1 "a vendor's" "cam: the secret is refused: it is what vendors ship, or made of such words" \
	token cam --mac $mac --registry "$registry" --set P@ssw0rd12345
grep -q 'P@ssw0rd' "$dir/err"
ok "set: and the secret is not repeated" $((! $?))
refused 1 "the device's MAC" "cam: the secret is refused: it holds the device's MAC" \
	token cam --mac $mac --registry "$registry" --set "Gr8-otter-00-53-01"
refused 1 "nothing" "cam: the secret is refused: it is empty" \
	token cam --mac $mac --registry "$registry" --set ''
refused 1 "nothing on standard input" "cam: the secret is refused: it is empty" \
	token cam --mac $mac --registry "$registry" --set -
refused 1 "a group's MAC" "cam: not the MAC of a device: 01:00:5e:00:00:01" \
	token cam --mac 01:00:5e:00:00:01 --registry "$registry"
refused 2 "no device" "device: which device?" token
refused 2 "two devices" "device: too many words: 'b'" token a b
refused 2 "no MAC" "device: not a MAC: '02'" token cam --mac 02
refused 2 "no duration" "device: not a duration from 1s to 365d: '0s'" token cam --valid 0s
refused 2 "too long a duration" "device: not a duration from 1s to 365d: '366d'" token cam --valid 366d
refused 2 "no name" "device: neither a device's name nor a MAC: 'a/b'" token a/b --mac $mac
refused 2 "two MACs" "device: --mac takes a name beside it, not a MAC: '$mac'" token $mac --mac $mac
refused 2 "another verb's option" "device: no such option: '--mac'" approve cam --mac $mac
chmod 660 "$registry"
refused 1 "a registry that others write to" "cam: registry '$registry' has mode 0660: others may write to it" \
	token cam --mac $mac --registry "$registry"
chmod 600 "$registry"
call 0 token cam --mac $mac --registry "$registry"
ok "token: control" $?
echo "1..$n"
exit $failed
