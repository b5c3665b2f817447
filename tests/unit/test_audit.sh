#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The audit log of cordonctl's commands: what is written, what is not begun without it, and what is seen afterwards.
set -u
cd "$(dirname "$0")/../.." || exit 2
ctl=$PWD/build/cordonctl
dir=$(mktemp -d)
. tests/unit/lib.sh
shown=("$dir/out" "$dir/err")
export CORDON_AUDIT=$dir/log/audit.jsonl
mac=02:00:5e:00:53:01

end() {
	umount "$dir/full" 2>/dev/null
	chattr -f -R -a "$dir" 2>/dev/null
	rm -rf "$dir"
}
trap end EXIT

# call STATUS ARGUMENT...: it ends so
call() {
	local want=$1

	shift
	"$ctl" "$@" >"$dir/out" 2>"$dir/err" </dev/null
	[ $? = "$want" ]
}
ca=(--dir "$dir/ca" --registry "$dir/registry.db")
token() {	# STATUS DEVICE OPTION...
	call "$1" device token "$2" --mac $mac --registry "$dir/registry.db" "${@:3}"
}
lines() {	# EXPRESSION: how many lines of the log, called o, it is true of
	/usr/bin/python3 -c 'import json, sys
print(sum(bool(eval(sys.argv[2])) for o in map(json.loads, open(sys.argv[1]))))' "$CORDON_AUDIT" "$1"
}
verify() {	# STATUS LINE...: what it says, and nothing else
	call "$1" audit --verify && printf '%s\n' "${@:2}" | cmp -s - "$dir/out"
}

make -s userspace >"$dir/out" 2>&1
ok "cordonctl is made" $?

# What is written.
call 0 ca init "${ca[@]}" --name Test
ok "ca init" $?
[ "$(lines 'o["what"][:2] == ["ca", "init"]')" = 2 ] && [ "$(lines 'o["result"] == "done" and o["status"] == 0 and o["begun"] == 1')" = 1 ]
ok "a line when it begins, and one with its result" $?
[ "$(lines "o['who']['uid'] == $(id -u) and o['from']['pid'] and o['time'].endswith('Z') and len(o['time']) == 24")" = 2 ]
ok "with who, from where, and when" $?
[ "$(stat -c %a "$dir/log" "$CORDON_AUDIT" "$dir/log/audit.head" | xargs)" = "750 600 600" ]
ok "nobody else may read it" $?
before=$(lines True)
call 0 ca export "${ca[@]}" && call 0 ca issue --help && call 2 ca
ok "what changes nothing ..." $?
[ "$(lines True)" = "$before" ]
ok "... is not in it" $?
call 1 ca init "${ca[@]}"
[ "$(lines 'o["result"] == "refused" and o["status"] == 1')" = 1 ]
ok "a refusal is in it" $?
SUDO_USER=alice call 2 ca issue
[ "$(lines 'o["result"] == "usage" and o["who"]["sudo_user"] == "alice"')" = 1 ]
ok "what was called wrongly, and on whose behalf by sudo's word" $?

# Secrets.
token 0 cam && secret=$(cat "$dir/out")
ok "a token" $?
token 0 cam --set 'Wrzlbrmpft-Unguessed-77' && token 2 cam Wrzlbrmpft && token 2 -s Wrzlbrmpft cam && token 0 cam '--set=Wrzlbrmpft-Other-78'
ok "a token of one's own, in all forms" $?
! grep -qF -e "$secret" -e Wrzlbrmpft "$CORDON_AUDIT" && [ "$(lines '"***" in str(o["what"])')" = 8 ]
ok "neither is in the log, which says that there was one" $?

# Who reads it.
call 0 audit --device cam && grep -q 'device token cam' "$dir/out" && ! grep -q 'ca init' "$dir/out" && ! grep -qE '.{81}' "$dir/out"
ok "audit --device, in 80 columns" $?
call 0 audit --since 2100-01-01 && [ ! -s "$dir/out" ] && call 0 audit --since 1h && [ -s "$dir/out" ]
ok "audit --since" $?
call 0 audit --json && cmp -s "$dir/out" "$CORDON_AUDIT"
ok "audit --json: the lines as they are" $?
call 2 audit --since yesterday && call 2 audit --verify --device cam && call 1 audit "$dir/none"
ok "refused: a time that is none, --verify of a part, a file that is not there" $?
call 0 audit --verify && call 0 audit --verify --json && parses "$dir/out" --json
ok "audit --verify" $?
call 0 audit --verify "$CORDON_AUDIT"
ok "audit --verify FILE" $?

# A terminal is not told what to do, by whatever column; other letters stay.
printf '{"seq":1,"time":"\\u001b[31m","who":{"user":"\\u001b]0;j\\u00f6rg\\u0007"},"from":{"ssh":"\\u009b2J"},"what":["x\\u009b1m"],%s\n' \
	'"result":"\u001b[1m","device":"\u202ec\u00e4m","prev":"x"}' >"$dir/evil.jsonl"
call 0 audit "$dir/evil.jsonl" && ! LC_ALL=C grep -qP '\x1b|\x07|\xc2\x9b|\xe2\x80\xae' "$dir/out" && grep -qF 'jörg' "$dir/out" && grep -qF 'device ?cäm' "$dir/out"
ok "what is in a line tells a terminal nothing" $?

# What is in its place says what it is.
mkdir "$dir/odd"
ln -s "$CORDON_AUDIT" "$dir/odd/audit.jsonl"
for words in "audit" "audit --verify" "device token cam --mac $mac --registry $dir/registry.db"; do
	# shellcheck disable=SC2086
	CORDON_AUDIT=$dir/odd/audit.jsonl call 1 $words && grep -qF "odd/audit.jsonl: a symbolic link, which is not followed" "$dir/err"
	ok "a symbolic link: ${words%% --mac*}" $?
done
rm "$dir/odd/audit.jsonl"
mkfifo "$dir/odd/audit.jsonl"
CORDON_AUDIT=$dir/odd/audit.jsonl call 1 audit && grep -qF "odd/audit.jsonl: not a regular file" "$dir/err"
ok "a pipe, which is not waited for" $?

# Whoever ends a command in the middle.
mkfifo "$dir/fifo"
exec 9<>"$dir/fifo"	# it waits for a secret that does not come
"$ctl" device token half --mac $mac --registry "$dir/registry.db" --set - >/dev/null 2>"$dir/err" <&9 &
pid=$!
for _ in $(seq 500); do
	[ "$(lines '"half" in o["what"]')" = 0 ] || break
	read -rt 0.01 <> <(:) || :
done
kill -9 $pid
wait $pid 2>/dev/null
[ "$(lines '"half" in o["what"] and o["result"] == "begun"')" = 1 ] && [ "$(lines '"half" in o["what"]')" = 1 ]
ok "one that was killed is seen to have begun" $?
call 0 audit && grep -q 'began  *device token half' "$dir/out"
ok "audit says so" $?

# Many at once.
before=$(lines True)
for i in $(seq 12); do
	"$ctl" device token "many$i" --mac "02:00:5e:00:54:$(printf %02x "$i")" --registry "$dir/registry.db" >/dev/null 2>"$dir/err" &
done
wait
[ $(($(lines True) - before)) = 24 ] && call 0 audit --verify
ok "a dozen commands at once: one chain" $?

# Somebody helps the truth along.
cp "$CORDON_AUDIT" "$dir/whole"
sed -i -e 7d -e '4s/"status":1/"status":0/' "$CORDON_AUDIT"
verify 1 "line 7 is missing" "line 4 was changed"
ok "one removed, one changed: --verify names both, and nothing else" $?
cp "$dir/whole" "$CORDON_AUDIT"
verify 0 "$(wc -l <"$dir/whole") lines, 1 to $(wc -l <"$dir/whole"): as they were written"
ok "allowed: as it was" $?
head -n -1 "$dir/whole" >"$CORDON_AUDIT"
verify 1 "line $(wc -l <"$dir/whole") is missing at the end"
ok "the last one removed" $?
cp "$dir/whole" "$CORDON_AUDIT"

# A log that cannot be written.
chmod 755 "$dir"
call 0 ca issue lamp "${ca[@]}" --mac 02:00:5e:00:53:09 --out "$dir"
ok "a certificate" $?
mv "$dir/log" "$dir/kept"
touch "$dir/log"
token 1 refused && [ ! -s "$dir/out" ] && [ "$(wc -l <"$dir/err")" = 1 ] &&
	grep -qF "cordonctl: device: not begun, as the audit log cannot be written: $dir/log:" "$dir/err"
ok "no log: a token is not made, with one sentence" $?
/usr/bin/python3 -c 'import sqlite3, sys
sys.exit(sqlite3.connect(sys.argv[1]).execute("SELECT count(*) FROM device WHERE name = ?", ("refused",)).fetchone()[0])' \
	"$dir/registry.db"
ok "and nothing was done" $?
call 0 ca list "${ca[@]}"
ok "allowed: what changes nothing" $?
call 0 ca revoke lamp "${ca[@]}" && grep -qF "note: this is not in the audit log, which cannot be written: $dir/log:" "$dir/err"
ok "a certificate is revoked all the same, and that is said" $?
call 1 device quarantine cam && grep -qF 'note: this is not in the audit log' "$dir/err" && grep -q 'cordonctl: kernel:' "$dir/err"
ok "and a device is quarantined, as far as there is a kernel" $?
rm "$dir/log"
mv "$dir/kept" "$dir/log"
chmod 777 "$dir/log"
token 1 refused && grep -qF "$dir/log: others may write there" "$dir/err"
ok "refused: a directory in which others may write" $?
chmod 750 "$dir/log"
token 0 allowed
ok "allowed: once that is mended" $?

# A disk without room.
mkdir "$dir/full"
if mount -t tmpfs -o size=64k,mode=0700 cordon-test "$dir/full" 2>"$dir/err"; then
	CORDON_AUDIT=$dir/full/audit.jsonl token 0 room
	ok "a small disk: a token" $?
	dd if=/dev/zero of="$dir/full/fill" bs=512 >"$dir/out" 2>&1
	for i in 1 2 3 4 5 6 7 8 9 10 11 12; do	# until the last page is written to its end, too
		CORDON_AUDIT=$dir/full/audit.jsonl token 0 room || break
	done
	[ "$i" -lt 12 ] && grep -qF "not begun, as the audit log cannot be written: $dir/full/audit.jsonl: No space left" "$dir/err"
	ok "full: it is not begun" $?
	CORDON_AUDIT=$dir/full/audit.jsonl call 0 ca revoke lamp "${ca[@]}" ||
		{ CORDON_AUDIT=$dir/full/audit.jsonl call 1 device quarantine cam && grep -q 'kernel:' "$dir/err"; }
	ok "full: what closes something is" $?
	rm "$dir/full/fill"
	CORDON_AUDIT=$dir/full/audit.jsonl token 0 room && CORDON_AUDIT=$dir/full/audit.jsonl call 0 audit --verify
	ok "room again: the log goes on, as it was written" $?
	umount "$dir/full"
else
	for what in "a small disk: a token" "full: it is not begun" "full: what closes something is" "room again"; do
		ok "$what # SKIP nothing can be mounted here" 0
	done
fi

# Where it is when nobody says otherwise.
touch "$dir/attribute"
mkdir "$dir/var"
if chattr +a "$dir/attribute" 2>/dev/null && unshare --mount --propagation private true 2>/dev/null; then
	cat >"$dir/inside" <<-'END'
		mount --bind "$dir/var" /var/log && unset CORDON_AUDIT || exit 3
		"$ctl" device token usual --mac 02:00:5e:00:53:55 --registry "$dir/registry.db" &&
			! sed -i 1d /var/log/cordon/audit.jsonl && ! truncate -s 0 /var/log/cordon/audit.jsonl &&
			! rm -f /var/log/cordon/audit.jsonl && "$ctl" ca crl "${@}" && "$ctl" audit --verify
	END
	export dir ctl
	unshare --mount --propagation private bash "$dir/inside" "${ca[@]}" >"$dir/out" 2>"$dir/err" </dev/null
	ok "in its usual place it is append-only, and written" $?
	[ "$(stat -c %a "$dir/var/cordon" "$dir/var/cordon/audit.jsonl" | xargs)" = "750 600" ]
	ok "in a directory that is made for it" $?
else
	ok "in its usual place it is append-only # SKIP there is no such attribute here" 0
	ok "in a directory that is made for it # SKIP likewise" 0
fi

# Somebody who is not the operator.
cp "$ctl" "$dir/cordonctl"
if [ "$(id -u)" = 0 ] && setpriv --reuid 65534 --clear-groups "$dir/cordonctl" --version >/dev/null 2>&1; then
	mkdir "$dir/home" && chown 65534 "$dir/home"
	setpriv --reuid 65534 --clear-groups --bounding-set -all "$dir/cordonctl" ca init --dir "$dir/home/ca" --registry "$dir/home/r.db" \
		>"$dir/out" 2>"$dir/err"
	status=$?
	[ $status = 0 ] && ! grep -qi audit "$dir/err" && [ "$(lines '"'"$dir/home/ca"'" in o["what"]')" = 0 ]
	ok "a user's own CA is not in the gateway's log, and needs none" $?
else
	ok "a user's own CA # SKIP there is no other user to be had here" 0
fi
echo "1..$n"
exit $failed
