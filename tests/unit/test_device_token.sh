#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# cordonctl device token, pending and approve, where no kernel knows the device: what they print and refuse.
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

has() {	# PATTERN
	grep -q -- "$1" "$dir/out"
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

# What there is: never the secret.
call 0 token door --mac 02:00:5e:00:53:02 --registry "$registry" --valid 1h --approval
secret=$(cat "$dir/out")
call 0 token --list --registry "$registry" && [[ $(wc -l <"$dir/out") == 3 ]] && has 'cam  *open .*Z  *[a-z]' &&
	has 'door  *open .*, needs an approval' && ! has "$secret"
ok "list: device, state, when made, its end, by whom; not the secret" $?
call 0 token --list --registry "$registry" --json && /usr/bin/python3 -c '
import json, sys
text = open(sys.argv[1]).read()
o = json.loads(text)
assert [t["device"] for t in o] == ["cam", "door"], o
assert set(o[0]) == {"device", "mac", "state", "made", "maker", "ends", "chosen", "approval"}, o
assert not o[0]["approval"] and o[1]["approval"] and o[1]["state"] == "open" and sys.argv[2] not in text, o
' "$dir/out" "$secret" 2>"$dir/err"
ok "list: as JSON" $?
call 0 token --withdraw door --registry "$registry" && [[ ! -s $dir/out ]] && call 0 token --list --registry "$registry" &&
	! has door && has cam
ok "withdraw: it is gone, and no other" $?
refused 1 "withdraw twice" "door: device 'door' has no token" token --withdraw door --registry "$registry"
refused 1 "withdraw nobody's" "nobody: no device 'nobody' in the registry" token --withdraw nobody --registry "$registry"
refused 2 "list and make" "device: --list and --withdraw go with --registry and --json alone" token --list --valid 1h
refused 2 "withdraw whose" "device: which device?" token --withdraw
refused 2 "list one" "device: too many words: 'cam'" token --list cam

# waits DEVICE KEY SECONDS: a key has come with the device's token, that long ago
waits() {
	/usr/bin/python3 -c '
import sqlite3, sys, time
db = sqlite3.connect(sys.argv[1])
with db:
    db.execute("INSERT INTO pending SELECT id, ?, 0, ?, ?, ?, 0 FROM device WHERE name = ?",
               (bytes([int(sys.argv[3])]) * 32, "10.0.20.11", time.time_ns() // 10**9 - 2 * int(sys.argv[4]),
                time.time_ns() // 10**9 - int(sys.argv[4]), sys.argv[2]))
' "$registry" "$@"
}
key1=SHA256:AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE
key2=SHA256:AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI
call 0 token door --mac 02:00:5e:00:53:02 --registry "$registry" --approval
call 0 pending --registry "$registry" && [[ $(cat "$dir/out") == none ]]
ok "pending: none" $?
waits door 1 60
call 0 pending --registry "$registry" && has "^door $key1\$" &&
	has '  by token from 10.0.20.11, first 20.*Z, last 20.*Z$'
ok "pending: whose, which key, from where, when first and last" $?
refused 1 "another key" "door: the key that waits is $key1, not $key2" approve door --fingerprint $key2 --registry "$registry"
waits door 2 30
refused 1 "one of two keys" "door: 2 keys wait: 'cordonctl device pending' shows them, and --fingerprint says which one" \
	approve door --registry "$registry"
call 0 approve 02:00:5e:00:53:02 --fingerprint $key1 --registry "$registry" &&
	[[ $(cat "$dir/out") == "door: the key $key1 is approved" ]]
ok "approve: that key, by the device's MAC" $?
call 0 pending --registry "$registry" --json && /usr/bin/python3 -c '
import json, sys
o = json.load(open(sys.argv[1]))
assert [(p["device"], p["fingerprint"], p["approved"]) for p in o] == [
    ("door", sys.argv[2], True), ("door", sys.argv[3], False)], o
assert set(o[0]) == {"device", "mac", "fingerprint", "by", "address", "first", "last", "approved"}, o
' "$dir/out" $key1 $key2 2>"$dir/err"
ok "pending: as JSON; and the other key still waits" $?
call 0 approve door --registry "$registry" && [[ $(cat "$dir/out") == "door: the key $key2 is approved" ]]
ok "approve: the only one that waits" $?
call 0 token door --mac 02:00:5e:00:53:02 --registry "$registry" --approval && call 0 pending --registry "$registry" &&
	[[ $(cat "$dir/out") == none ]]
ok "approve: a new token takes all of it back" $?
call 0 approve door --fingerprint $key1 --registry "$registry" && call 0 pending --registry "$registry" &&
	has "^door $key1 approved" && has 'has not come yet'
ok "approve: a key that has not come yet" $?
refused 2 "no fingerprint" "device: not a key's fingerprint like SHA256:... of 43 digits: 'SHA256:AQ'" \
	approve door --fingerprint SHA256:AQ
refused 1 "approve a MAC of nobody" "02:00:5e:00:53:09: no device '02:00:5e:00:53:09' in the registry" \
	approve 02:00:5e:00:53:09 --registry "$registry"
refused 2 "pending what" "device: too many words: 'door'" pending door

chmod 660 "$registry"
refused 1 "a registry that others write to" "cam: registry '$registry' has mode 0660: others may write to it" \
	token cam --mac $mac --registry "$registry"
chmod 600 "$registry"
call 0 token cam --mac $mac --registry "$registry"
ok "token: control" $?
echo "1..$n"
exit $failed
