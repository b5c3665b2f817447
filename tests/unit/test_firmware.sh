#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# cordonctl firmware, where no kernel knows the devices: what is stored, refused, printed, and left when it is killed.
set -u
cd "$(dirname "$0")/../.." || exit 2

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
ctl=$PWD/build/cordonctl
where=(--registry "$dir/lib/registry.db" --directory "$dir/fw")
. tests/unit/lib.sh
shown=("$dir/out" "$dir/err")

call() {	# EXPECTED_STATUS ARGUMENT...
	local want=$1 status

	shift
	"$ctl" firmware "$@" >"$dir/out" 2>"$dir/err" </dev/null
	status=$?
	[[ $status == "$want" ]]
}

# refused STATUS NAME MESSAGE ARGUMENT...: that status, that message, nothing on standard output, nothing stored
refused() {
	local status=$1 name=$2 message=$3 before

	shift 3
	before=$(ls -A "$dir/fw" 2>&1)
	call "$status" "$@" "${where[@]}" && [[ ! -s $dir/out && $before == "$(ls -A "$dir/fw" 2>&1)" ]] &&
		grep -qxF -- "cordonctl: $message" "$dir/err"
	ok "refused: $name" $?
}

# stored: how many files lie with the artifacts
stored() {
	find "$dir/fw" -type f | wc -l
}

# json EXPRESSION: true of what was printed
json() {
	/usr/bin/python3 -c 'import json, sys; o = json.load(open(sys.argv[1])); assert eval(sys.argv[2]), o' \
		"$dir/out" "$1" 2>>"$dir/err"
}

# key NAME SUBJECT DAYS USAGE [CA]: a certificate that signs
key() {
	local name=$dir/$1 ca=${5-}

	printf 'basicConstraints = critical, CA:FALSE\nkeyUsage = critical, digitalSignature\nextendedKeyUsage = %s\n' \
		"$4" >"$name.cnf"
	openssl ecparam -genkey -name prime256v1 -noout -out "$name.key"
	openssl req -new -key "$name.key" -subj "$2" -out "$name.req"
	if [[ $ca ]]; then
		openssl x509 -req -in "$name.req" -CA "$dir/$ca.crt" -CAkey "$dir/$ca.key" -CAcreateserial -days "$3" \
			-extfile "$name.cnf" -out "$name.crt"
	else
		openssl x509 -req -in "$name.req" -signkey "$name.key" -days "$3" -extfile "$name.cnf" -out "$name.crt"
	fi
}

# sign FILE NAME [OUTFORM]
sign() {
	openssl cms -sign -binary -md sha256 -in "$1" -signer "$dir/$2.crt" -inkey "$dir/$2.key" -outform "${3-DER}" \
		-out "$1.p7s"
}

{
	make -s userspace
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout "$dir/ca.key" -out "$dir/ca.crt" \
		-subj "/O=Acme/CN=Acme CA" -days 100 -addext "keyUsage=critical,keyCertSign"
	key vendor "/O=Acme/CN=Acme firmware" 100 codeSigning ca
	key alone "/O=Lone/CN=Lone firmware" 100 codeSigning
	key stranger "/O=Evil/CN=Evil firmware" 100 codeSigning
	key server "/O=Acme/CN=www" 100 serverAuth ca
	key late "/O=Acme/CN=Acme of yesterday" 0 codeSigning ca
} >"$dir/out" 2>"$dir/err"
[[ -s $dir/late.crt ]]
ok "cordonctl and certificates are made" $?

cd "$dir" || exit 2
for i in 1 2 3 4; do
	head -c 300000 /dev/urandom >"app-$i.swu"
	sign app-$i.swu vendor 2>/dev/null
done
sum=$(sha256sum <app-1.swu)
sum=${sum%% *}
release=(--model acme-t1 --version 1.0 --signer ca.crt)

# Before there is anything.
refused 1 "list without a registry" "cannot open the registry '$dir/lib': No such file or directory: 'cordonctl device token' or 'cordonctl serve' makes one" list
refused 1 "no such file" "none.swu: it is not signed: there is no FILE.p7s, and no --signature" add none.swu "${release[@]}"

# What is good.
call 0 add app-1.swu "${release[@]}" "${where[@]}" --notes $'Fixes\n  – things' --json &&
	json 'o["model"] == "acme-t1" and o["version"] == "1.0" and o["file"] == "app-1.swu" and o["size"] == 300000' &&
	json 'o["notes"] == "Fixes\n  – things" and o["percent"] == 100 and o["stop_after"] == 5 and o["state"] == "offered"' &&
	json '"Acme firmware" in o["signer"] and o["sha256"] == "'"$sum"'"'
ok "add: signed by a vendor whose CA is trusted" $?
[[ $(stat -c %a "$dir/lib/registry.db" fw "fw/$sum" "fw/$sum.p7s" | xargs) == "600 750 640 640" ]] &&
	cmp -s app-1.swu "fw/$sum" && cmp -s app-1.swu.p7s "fw/$sum.p7s"
ok "add: stored by its hash, with its signature" $?
sign app-2.swu alone PEM 2>/dev/null
call 0 add "$dir/app-2.swu" --model acme-t1 --version 1.1-rc.1 --signer alone.crt --file t1.bin --percent 20 --stop-after 3 \
	--pause "${where[@]}" && grep -q "^acme-t1 1.1-rc.1: paused, 20 % of its devices, 0 failures, signed by .*Lone firmware" out
ok "add: signed in PEM, by the very certificate" $?
openssl x509 -in alone.crt -outform DER -out alone.der
sign app-3.swu alone 2>/dev/null
mv app-3.swu.p7s elsewhere
call 0 add app-3.swu --signature elsewhere --signer alone.der --model other --version 7 "${where[@]}"
ok "add: certificate in DER, signature elsewhere" $?
call 0 list "${where[@]}" && [[ $(awk 'NR > 1 { print $1, $2, $3, $4 }' out | xargs) == \
	"acme-t1 1.1-rc.1 paused 20% acme-t1 1.0 offered 100% other 7 offered 100%" ]]
ok "list: by model, the newest first" $?
call 0 list other --json "${where[@]}" && json '[r["version"] for r in o] == ["7"] and sum(o[0]["offers"].values()) == 0'
ok "list: of a model, as JSON" $?

# What is not.
refused 1 "the version is there" "app-4.swu: model 'acme-t1' has version 1.0 already" \
	add app-4.swu --model acme-t1 --version 1 --signer ca.crt
refused 1 "an old file by a new version" "app-1.swu: that file is version 1.0 of model 'acme-t1' already" \
	add app-1.swu --model acme-t1 --version 9 --signer ca.crt
new=(--model acme-t1 --version 2.0)
refused 1 "unsigned" "elsewhere: it is not signed: there is no FILE.p7s, and no --signature" add elsewhere "${new[@]}" --signer ca.crt

# says NAME PATTERN FILE ARGUMENT...: refused with a line like this, and nothing is stored
says() {
	local name=$1 pattern=$2 before
	shift 2
	before=$(ls -A fw)
	call 1 add "$@" "${new[@]}" "${where[@]}" && [[ ! -s out && $before == "$(ls -A fw)" && $(wc -l <err) == 1 ]] &&
		grep -qE -- "^cordonctl: $pattern$" err
	ok "refused: $name" $?
}
sign app-4.swu stranger 2>/dev/null
says "a stranger's signature" "app-4.swu: foreign: no trusted certificate leads to the signer's .*" app-4.swu --signer ca.crt
sign app-4.swu server 2>/dev/null
says "not for code signing" "app-4.swu: the signer's certificate is not for code signing .*" app-4.swu --signer ca.crt
sign app-4.swu late 2>/dev/null
says "expired" "app-4.swu: the signer's certificate expired 20[-0-9]*" app-4.swu --signer ca.crt
sign app-4.swu vendor 2>/dev/null
cp app-4.swu tampered.swu
printf x | dd of=tampered.swu bs=1 seek=1000 conv=notrunc 2>/dev/null
says "tampered" "tampered.swu: the signature is not over this content" tampered.swu --signature app-4.swu.p7s --signer ca.crt
head -c 299999 app-4.swu >short.swu
says "truncated" "short.swu: the signature is not over this content" short.swu --signature app-4.swu.p7s --signer ca.crt
says "swapped" "app-3.swu: the signature is not over this content" app-3.swu --signature app-4.swu.p7s --signer ca.crt
head -c 700 app-4.swu.p7s >half.p7s
says "half a signature" "app-4.swu: not a CMS signature in DER .*" app-4.swu --signature half.p7s --signer ca.crt
says "a certificate as a signature" "ca.crt: PEM, but of something else than a signature" app-4.swu --signature ca.crt --signer ca.crt
head -c 65537 /dev/zero >large
says "a large signature" "large: too large for a signature" app-4.swu --signature large --signer ca.crt
: >empty
says "an empty signature" "empty: it is empty" app-4.swu --signature empty --signer ca.crt
says "no certificate" "app-4.swu.p7s: not a certificate in DER .*" app-4.swu --signer app-4.swu.p7s
says "no signer's file" "none.crt: No such file or directory" app-4.swu --signer none.crt
says "no artifact" "none.swu: No such file or directory" none.swu --signature app-4.swu.p7s --signer ca.crt
says "an empty artifact" "empty: it is empty" empty --signature app-4.swu.p7s --signer ca.crt
says "a directory" "fw: it is a directory" fw --signature app-4.swu.p7s --signer ca.crt
mkfifo pipe
says "a pipe" "pipe: it is not a regular file" pipe --signature app-4.swu.p7s --signer ca.crt
truncate -s 4294967297 huge
says "larger than 4 GiB" "huge: it is larger than 4 GiB" huge --signature app-4.swu.p7s --signer ca.crt
cp app-4.swu 'a b'
says "a name that is none" "a b: not a file name for devices: letters, digits and ._\+~-; give one with --file" 'a b' \
	--signature app-4.swu.p7s --signer ca.crt
call 1 add app-4.swu "${new[@]}" "${where[@]}" --ca "$dir/no-ca" && grep -q "'cordonctl ca init' makes a CA" err
ok "refused: our CA is to have signed it, and there is none" $?
"$ctl" ca init --dir "$dir/our" --registry "$dir/lib/registry.db" --name Home >out 2>err
says "another CA's, where ours is to have signed" "app-4.swu: foreign: .*" app-4.swu --ca "$dir/our"

long=$(head -c 10000 /dev/zero | tr '\0' 1)
refused 2 "a version of 10 kB" "firmware: not a version: '${long:0:40}...'" add app-4.swu --model m --version "$long"
refused 2 "no version" "firmware: not a version: 'v1?[2J'" add app-4.swu --model m --version $'v1\e[2J'
refused 2 "no model" "firmware: not a model's name: '../m'" add app-4.swu --model ../m --version 1
refused 2 "a path" "firmware: not a file name for devices: '../../etc/passwd'" add app-4.swu "${new[@]}" --file ../../etc/passwd
refused 2 "a path of another system" "firmware: not a file name for devices: 'c:\\x'" add app-4.swu "${new[@]}" --file 'c:\x'
refused 2 "a parent" "firmware: not a file name for devices: '..'" add app-4.swu "${new[@]}" --file ..
refused 2 "notes that a terminal obeys" "firmware: not lines of text, or 1 KiB or more: '?[2J'" \
	add app-4.swu "${new[@]}" --notes $'\e[2J'
refused 2 "notes that are no text" "firmware: not lines of text, or 1 KiB or more: '???'" add app-4.swu "${new[@]}" --notes $'\xff\xfe\xfd'
refused 2 "notes of 10 kB" "firmware: not lines of text, or 1 KiB or more: '${long:0:40}...'" add app-4.swu "${new[@]}" --notes "$long"
refused 2 "a share" "firmware: not a number from 0 to 100: '101'" add app-4.swu "${new[@]}" --percent 101
refused 2 "a negative share" "firmware: not a number from 0 to 100: '-1'" add app-4.swu "${new[@]}" --percent -1
refused 2 "a count" "firmware: not a number of failures: 'x'" add app-4.swu "${new[@]}" --stop-after x
refused 2 "without a version" "firmware: add needs --model and --version" add app-4.swu --model m
refused 2 "two files" "firmware: too many words: 'b'" add a b "${new[@]}"
refused 2 "no file" "firmware: which file?" add "${new[@]}"
refused 2 "no verb" "firmware: no such verb: 'flash'" flash
refused 2 "another verb's option" "firmware: an option that this verb does not know: 'percent'" list --percent 1
refused 2 "pause and resume" "firmware: an option that this verb does not know: 'resume'" add app-4.swu "${new[@]}" --pause --resume
refused 2 "pause and resume of a roll-out" "firmware: --pause or --resume, not both" rollout acme-t1 1.0 --pause --resume
refused 2 "a roll-out of nothing" "firmware: rollout needs --percent, --pause, --resume or --stop-after" rollout acme-t1 1.0
refused 1 "a roll-out of none" "$dir/lib/registry.db: no version 5 of model 'acme-t1' in the registry" rollout acme-t1 5 --percent 1
refused 1 "to remove none" "$dir/lib/registry.db: no version 5 of model 'acme-t1' in the registry" remove acme-t1 5

# Our own CA.
our=(--ca "$dir/our" --registry "$dir/lib/registry.db")
head -c 100000 /dev/urandom >ours.img
call 0 sign ours.img "${our[@]}" && call 0 add ours.img --model ours --version 1 "${where[@]}" --ca our &&
	call 0 remove ours 1 "${where[@]}"
ok "add: signed by our CA" $?
"$ctl" ca revoke "firmware signing" --dir our --registry lib/registry.db >out 2>err
says "signed by a certificate that was revoked" "ours.img: the signer's certificate was revoked" ours.img --ca our
call 0 sign ours.img "${our[@]}" && call 0 add ours.img --model ours --version 1 "${where[@]}" --ca our &&
	call 0 remove ours 1 "${where[@]}"
ok "add: and signed anew" $?

# Floors.
call 0 floor acme-t1 1.0 "${where[@]}" && [[ ! -s out && ! -s err ]]
ok "floor: set" $?
call 0 floor acme-t1 1.5 "${where[@]}" && grep -qx "cordonctl: warning: model 'acme-t1' has no release of version 1.5 or newer: \
devices below its floor have no way back" err
ok "floor: above every release, with a warning" $?
call 0 floor --json "${where[@]}" && json '[f["model"] + f["version"] for f in o] == ["acme-t11.5"]'
ok "floor: printed" $?
call 0 list acme-t1 "${where[@]}" && [[ $(awk 'NR > 1 { print $3 }' out | xargs) == "below-floor below-floor" ]]
ok "list: what is below the floor" $?
refused 1 "below the floor" "app-4.swu: version 1.4 is below the floor of model 'acme-t1', 1.5" \
	add app-4.swu --model acme-t1 --version 1.4 --signer ca.crt
refused 1 "a floor that is no version" "$dir/lib/registry.db: not a version: 'high'" floor acme-t1 high
refused 1 "a floor of 10 kB" "$dir/lib/registry.db: not a version: '${long:0:64}'" floor acme-t1 "$long"
call 0 floor acme-t1 none "${where[@]}" && call 0 floor "${where[@]}" && [[ ! -s out ]]
ok "floor: none" $?

# Roll-outs.
call 0 rollout acme-t1 1.1-rc.1 --percent 50 "${where[@]}" && grep -q ": paused, 50 %" out
ok "rollout: more, and still paused" $?
call 0 rollout acme-t1 1.1-rc.1 --resume "${where[@]}" --json && json 'o["state"] == "offered" and o["percent"] == 50'
ok "rollout: resumed" $?
call 0 rollout acme-t1 1.1-rc.1 --pause --stop-after 9 "${where[@]}" --json && json 'o["state"] == "paused" and o["stop_after"] == 9'
ok "rollout: paused" $?

# Devices.
"$ctl" device token cam --mac 02:00:5e:00:53:01 --registry "$dir/lib/registry.db" >out 2>err
call 0 status "${where[@]}" --json && json '[d["device"] for d in o] == ["cam"] and o[0]["verdict"] == "free"'
ok "status: of all, as JSON" $?
call 0 status 02:00:5e:00:53:01 "${where[@]}" && grep -qx "cam (02:00:5e:00:53:01): model -, version never told" out &&
	grep -qx "offered nothing" out
ok "status: of one, by its MAC" $?
refused 1 "nobody's status" "nobody: the registry does not know this device" status nobody
refused 1 "no device's status" "firmware: neither a device's name nor a MAC" status a/b
refused 1 "nothing to cancel" "cam: it is offered nothing" cancel cam

/usr/bin/python3 - "$dir/lib/registry.db" <<-END
	import sqlite3, sys
	db = sqlite3.connect(sys.argv[1])
	db.executescript("""
	UPDATE device SET model = 'acme-t1', firmware = '0.9';
	INSERT INTO firmware_history VALUES (1, 1, 1800000000, '0.8', 'check-in'), (1, 2, 1800000100, '0.9', 'ddi');
	INSERT INTO firmware_action (device, release, version, state, offered, changed, detail, round)
	 VALUES (1, 1, '1.0', 5, 1800000000, 1800000050, 'no space', 1), (1, 1, '1.0', 1, 1800000200, 1800000300, '50 %', 2);
	""")
END
call 0 floor acme-t1 1.0 "${where[@]}" && call 0 status cam "${where[@]}" --json &&
	json 'o["version"] == "0.9" and o["source"] == "ddi" and o["told"] == "2027-01-15T08:01:40Z" and o["floor"] == "1.0"' &&
	json 'o["verdict"] == "below" and o["offer"]["state"] == "running" and o["offer"]["detail"] == "50 %"' &&
	json '[h["version"] for h in o["history"]] == ["0.9", "0.8"] and [a["state"] for a in o["actions"]] == ["running", "failed"]'
ok "status: version, source, floor, verdict, offer, history" $?
call 0 status cam "${where[@]}" && grep -q "^floor 1.0: below, and only reported$" out && grep -q "^offered 1.0: running" out &&
	grep -q "0.8 .*check-in" out && grep -q "1.0 .*failed, action 1: no space" out
ok "status: the same in words" $?
call 0 cancel cam "${where[@]}" && grep -qx "cam: 1.0 is on its way: the device is told to stop when it asks next" out
ok "cancel: what has begun" $?
call 0 cancel cam "${where[@]}" --json && json 'o["state"] == "canceling"'
ok "cancel: again" $?

# Removed.
call 0 remove acme-t1 1.0.0 "${where[@]}" && [[ ! -e fw/$sum && ! -e fw/$sum.p7s && ! -s err ]]
ok "remove: the file goes, too" $?
cp app-2.swu same.swu
call 0 add same.swu --model third --version 1 --signature app-2.swu.p7s --signer alone.crt "${where[@]}" &&
	call 0 remove acme-t1 1.1-rc.1 "${where[@]}" && grep -q "no way back" err && [[ $(stored) == 4 ]] &&
	call 0 remove third 1 "${where[@]}" &&
	[[ $(stored) == 2 ]]
ok "remove: a file of two releases goes with the second, and who is stranded is told" $?
call 0 floor acme-t1 none "${where[@]}"

# Orphans of somebody who was killed, and what is nobody's to remove.
touch fw/.new-abcdef "fw/$sum" "fw/$sum.p7s" "fw/$sum.p7s.abcdef" fw/README
call 0 add app-1.swu --model swept --version 1 --signer ca.crt "${where[@]}" && [[ -s fw/$sum && $(stored) == 5 ]]
ok "add: what was left behind is swept away" $?
rm fw/README

# A disk that is full in the middle of it.
if [[ $EUID == 0 ]] && mkdir full && mount -t tmpfs -o size=1m,mode=755 tmpfs full 2>/dev/null; then
	head -c 3000000 /dev/urandom >big.swu
	sign big.swu vendor 2>/dev/null
	call 1 add big.swu --model big --version 1 --signer ca.crt --registry "$dir/lib/registry.db" --directory full &&
		grep -qx "cordonctl: big.swu: cannot write a copy: No space left on device" err && [[ -z $(ls -A full) ]] &&
		call 0 list big --json "${where[@]}" && json 'o == []'
	ok "refused: a full disk, which leaves nothing" $?
	umount full
else
	ok "refused: a full disk # SKIP no tmpfs can be mounted here" 0
fi

# Killed at any moment: whatever is listed is there, whole and signed; the next one clears up.
head -c 4000000 /dev/urandom >kill.swu
sign kill.swu vendor 2>/dev/null
bad=0
listed=0
for ((i = 0; i < 40; i++)); do
	"$ctl" firmware add kill.swu --model kill --version 1 --signer ca.crt "${where[@]}" >/dev/null 2>&1 &
	/usr/bin/python3 -c "import time; time.sleep(0.0025 * $i)"
	kill -9 $! 2>/dev/null
	wait $! 2>/dev/null
	call 0 list kill --json "${where[@]}" || bad=$((bad + 1))
	if json 'len(o) == 1'; then
		listed=$((listed + 1))
		hash=$(sha256sum <kill.swu)
		hash=${hash%% *}
		cmp -s kill.swu "fw/$hash" && cmp -s kill.swu.p7s "fw/$hash.p7s" || bad=$((bad + 1))
		call 0 remove kill 1 "${where[@]}" || bad=$((bad + 1))
	fi
done
echo "# $listed of 40 came through"
[[ $bad == 0 ]]
ok "killed at 40 moments: what is listed is whole" $?
call 0 add app-4.swu --model last --version 1 --signer ca.crt "${where[@]}" &&
	call 0 list --json "${where[@]}" && json '2 * len({r["sha256"] for r in o}) == '"$(stored)"
ok "killed: the next add clears up" $?
echo "1..$n"
exit $failed
