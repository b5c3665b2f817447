#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# update against a small server that can misbehave (update_stub.py): what is installed, and what never is.
set -u
here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)
cordonctl=${CORDONCTL:-$top/build/asan/cordonctl}
work=$(mktemp -d)
server=
trap 'stop; rm -rf "$work"' EXIT
. "$here/lib.sh"
shown=("$work/out" "$work/err" "$work/gw/log")

make_ca() {
	local authority='basicConstraints=critical,CA:TRUE' code='extendedKeyUsage=codeSigning'

	certify root /CN=Root root 300 "$authority"
	certify issuing /CN=Issuing root 200 "$authority"
	certify foreign /CN=Root foreign 300 "$authority"
	certify server /CN=gateway issuing 100 'subjectAltName=IP:127.0.0.1' 'extendedKeyUsage=serverAuth'
	certify device /CN=thermostat-1 issuing 30 'subjectAltName=URI:urn:dev:mac:020000fffe000101' 'extendedKeyUsage=clientAuth'
	certify code /CN=code issuing 100 "$code"
	certify foreign-code /CN=code foreign 100 "$code"
	certify expired-code /CN=code issuing -1 "$code"
	cat server.crt issuing.crt > server.pem
	head -c 300000 /dev/urandom > artifact
	echo '{}' > offer
}

stop() {
	[ -z "$server" ] || { kill "$server"; wait "$server"; } 2>/dev/null
	server=
}

serve() {	# sets port
	mkfifo "$work/port"
	python3 -B "$here/update_stub.py" "$work/gw" > "$work/port" 2> "$work/stub.log" &
	server=$!
	read -r _ port < "$work/port"
}

as() {	# MODE [OFFER]: how the server behaves from now on, and what is different in its offer
	: > "$work/gw/log"
	echo "${2:-"{}"}" > "$work/gw/offer"
	echo "$1" > "$work/gw/mode"
}

fresh() {	# a device that was never updated
	rm -rf "$work/state" "$work/ran"
}

words() {	# ARG...: of update, into array
	args=(update --server "127.0.0.1:$port" --cert "$work/gw/device.crt" --key "$work/gw/device.key"
		--ca "$work/gw/root.crt" --model acme-t1 --state "$work/state" "$@")
}

update() {	# STATUS ARG...: with the installer that notes what it is given
	local wanted=$1 got args

	shift
	words "$@" --install "$work/install" -x 'a b'
	"$cordonctl" "${args[@]}" > "$work/out" 2> "$work/err"
	got=$?
	[ $got = "$wanted" ] || { echo "status $got, not $wanted" >> "$work/err"; return 1; }
	parses "$work/out" "$@"
}

said() {
	grep -qF -- "$1" "$work/err" || { echo "was not said: $1" >> "$work/err"; return 1; }
}

saw() {	# LINE: that the server has logged
	grep -qxF -- "$1" "$work/gw/log"
}

told() {	# RESULT: nothing else than this was told at the end
	[ "$(grep '^result' "$work/gw/log" | grep -v running | sed 's/.*"result": "\([a-z]*\)".*/\1/' | tr '\n' ' ')" = "$1" ]
}

ran() {		# the installer was run, once, with the right artifact
	[ "$(wc -l < "$work/ran")" = 1 ] && cmp -s "$work/gw/artifact" "$work/installed"
}

not_run() {
	[ ! -e "$work/ran" ] && [ -z "$(ls -A "$work/state/artifact" 2>/dev/null)" ]
}

sum_is_whole() {	# every byte of the artifact was sent, once
	[ "$(awk '/^sent/ { n += $2 } END { print n }' "$work/gw/log")" = "$(stat -c %s "$work/gw/artifact")" ]
}

part_size() {
	stat -c %s "$work"/state/part-* 2>/dev/null || echo 0
}

cut_short() {	# time is over in the middle of the artifact; more of it, should all be over before
	local seconds

	for seconds in 2 8 32 128; do
		fresh
		: > "$work/gw/log"
		update 1 --timeout ${seconds}s && not_run && told "" || return 1
		[ "$(part_size)" = 0 ] || return 0
	done
	return 1
}

until_is() {	# SECONDS COMMAND...
	local i

	for ((i = $1 * 20, $#; i > 0; i--)); do
		"${@:2}" && return 0
		sleep 0.05
	done
	return 1
}

if [ ! "${CORDONCTL:-}" ] && ! make -s -C "$top" build/asan/cordonctl > "$work/log" 2>&1; then
	sed 's/^/# /' "$work/log"
	echo "Bail out! cordonctl does not build"
	exit 1
fi
if ! (mkdir "$work/gw" && cd "$work/gw" && make_ca) > "$work/log" 2>&1; then
	sed 's/^/# /' "$work/log"
	echo "Bail out! no certificates can be made"
	exit 1
fi
cat > "$work/install" <<END
#!/bin/bash
echo "\$# \$1 \$2 \$3 \$CORDON_ARTIFACT \$CORDON_VERSION" >> "$work/ran"
cat "\$3" > "$work/installed"
[ ! -e "$work/hold" ] || touch "$work/held"
for ((i = 0; i < 1200; i++)); do [ -e "$work/hold" ] || break; sleep 0.05; done
[ ! -e "$work/noise" ] || echo "noise of the installer"
[ ! -e "$work/status" ] || exit "\$(cat "$work/status")"
END
chmod +x "$work/install"
: > "$work/out"
: > "$work/err"

# What it is called with.
while IFS='|' read -r name words message; do
	# shellcheck disable=SC2086
	"$cordonctl" $words > "$work/out" 2> "$work/err"
	[ $? = 2 ] && said "$message"
	ok "called with: $name"
done <<-'END'
	nothing at all|update|update: --server, --cert, --key, --ca, --model and --state are needed
	no installer|update --server h --cert c --key k --ca c --model m --state s|--install and a program are needed
	no program|update --server h --cert c --key k --ca c --model m --state s --install|--install and a program are needed
	a program by its name|update --server h --cert c --key k --ca c --model m --state s --install true|with a '/' in it: 'true'
	an installer in one word|update --install=/bin/true|no such option
	a word too many|update x --server h --install /bin/true|too many words before --install: 'x'
	a bad model|update --model a/b|not the name of a model: 'a/b'
	a bad version|update --version latest|not a version that can be compared: 'latest'
	a bad port|update --server h:0|not a port from 1 to 65535
END

serve
as plain
fresh
update 0 && ran && told "success " && [ "$(cat "$work/out")" = "thermostat-1: updated: 1.1.0" ]
ok "an update"
[ "$(cat "$work/ran")" = "3 -x a b $work/state/artifact/t1-1.1.0.img $work/state/artifact/t1-1.1.0.img 1.1.0" ]
ok "the installer gets its words as they are, then the artifact; and the environment"
[ "$(sed -n 's/^result //p' "$work/gw/log")" = '7 {"result": "running", "version": "1.1.0"}
7 {"result": "success", "version": "1.1.0"}' ]
ok "the server is told when it begins, and how it ends"
[ "$(stat -c %a "$work/state")" = 700 ] && [ "$(stat -c %a "$work/state/state.json")" = 600 ] &&
	[ -z "$(ls "$work/state/artifact")" ] && [ "$(ls "$work/state")" = "artifact
state.json" ]
ok "what lies on the disk then is this device's alone, and no artifact"
as plain
rm "$work/ran"
update 0 && not_run && told "success " && [ "$(cat "$work/out")" = "thermostat-1: nothing to do: 1.1.0: installed already" ] && ! grep -q artifact "$work/gw/log"
ok "the same version again: not installed, and the server hears that it is"
fresh
update 0 --version 1.0.9 && ran
ok "a newer version than the one that is given"
fresh
update 0 --version 1.1 --json && not_run &&
	[ "$(cat "$work/out")" = '{"result": "nothing to do", "device": "thermostat-1", "version": "1.1.0", "detail": "installed already"}' ]
ok "the same version as the one that is given, JSON"
fresh
touch "$work/noise"
update 0 --json && [ "$(cat "$work/out")" = '{"result": "updated", "device": "thermostat-1", "version": "1.1.0"}' ] &&
	said "noise of the installer"
ok "JSON, and nothing of the installer's in it"
rm "$work/noise"
as nothing
update 0 && [ "$(cat "$work/out")" = "thermostat-1: nothing to do" ]
ok "no offer"
as taken-back
fresh
update 0 && not_run && told "" && ! grep -q "GET.*artifact" "$work/gw/log" && grep -q "taken back" "$work/out"
ok "an offer that is taken back when it begins"

# The connection breaks off.
for mode in cut cut-properly; do
	as $mode
	fresh
	update 0 && ran && saw "GET /cordon/v1/firmware/7/artifact bytes=150000-" && sum_is_whole && said "trying again in 1 s"
	ok "$mode at 50 %: the rest is asked for, and no byte twice"
done
as pieces
fresh
update 0 && ran && sum_is_whole && [ "$(grep -c 'bytes=' "$work/gw/log")" -ge 4 ]
ok "cut again and again: what comes each time is kept"
as trickle
fresh
update 0 && ran && sum_is_whole
ok "a slow trickle"
as drip
cut_short && said "timed out while waiting for the answer" &&
	until_is 60 grep -q ^failed "$work/gw/log"
ok "too slow a trickle: time is over, no failure is told"
as plain
update 0 && ran && grep -q "artifact bytes=" "$work/gw/log"
ok "and the next call goes on from there"
as no-range
fresh
update 0 && ran && [ "$(grep -c ^sent "$work/gw/log")" = 2 ] && ! sum_is_whole
ok "a server that knows no ranges: all of it comes again"
as busy
fresh
update 0 && ran && said "refused (503): busy"
ok "a server that is busy is asked again"
as plain
fresh
mkdir -m 700 "$work/state"
head -c 100000 /dev/zero > "$work/state/part-$(sha256sum < "$work/gw/artifact" | cut -d ' ' -f 1)"
update 0 && ran && saw "GET /cordon/v1/firmware/7/artifact bytes=100000-" && saw "sent 300000"
ok "a part that a power cut has damaged: all of it comes again"
fresh
mkdir -m 700 "$work/state"
echo of another offer > "$work/state/part-0000"
update 0 && ran && [ ! -e "$work/state/part-0000" ]
ok "a part of another artifact is removed"

# Somebody is killed.
as stall
fresh
words --install "$work/install" -x 'a b'
"$cordonctl" "${args[@]}" > "$work/out" 2> "$work/err" &
pid=$!
half() { [ "$(part_size)" = 150000 ]; }
until_is 60 half
kill -9 $pid
{ wait $pid; } 2> /dev/null
not_run && half && as plain && update 0 && ran && saw "GET /cordon/v1/firmware/7/artifact bytes=150000-" && saw "sent 150000"
ok "kill -9 in the middle of the download, then the rest"
as plain
fresh
touch "$work/hold"
"$cordonctl" "${args[@]}" > "$work/out" 2> "$work/err" &
pid=$!
until_is 60 test -e "$work/held"
kill -9 $pid
{ wait $pid; } 2> /dev/null
update 1 && said "state: another update is at work"
ok "kill -9 while the installer runs: no second one beside it"
rm "$work/hold" "$work/held"
as plain
over() { grep -q succeeded "$work/state/state.json"; }
until_is 60 over
update 0 && ran && [ "$(grep -c '^result.*success' "$work/gw/log")" = 2 ]
ok "and how it ended is told by the next call, without another installation"
as plain
fresh
mkdir -m 700 "$work/state"
interrupted() {	# as a device finds it that was restarted by its installer
	echo '{"issued": 5, "action": 7, "version": "1.1.0", "phase": "installing", "detail": "", "reported": 0, "installed": "1.0"}' > "$work/state/state.json"
}
interrupted
as nothing
update 0 --version 1.1.0 && not_run && saw 'result 7 {"detail": "after the installation 1.1.0 runs", "result": "success", "version": "1.1.0"}'
ok "an installer that restarts the device: the version tells that it went well"
interrupted
as nothing
update 0 --version 1.0 && not_run && saw 'result 7 {"detail": "after the installation 1.0 runs", "result": "failure", "version": "1.1.0"}'
ok "an installer that restarts the device: the version tells that it did not"
interrupted
as plain
update 0 && ran
ok "an installer that was cut off, and nobody knows what runs: again"

# The installer fails.
as plain
fresh
echo 3 > "$work/status"
update 1 && told "failure " && grep -q "the installer's exit status is 3" "$work/gw/log" && said "exit status is 3" &&
	[ -z "$(ls "$work/state/artifact")" ]
ok "an installer that fails"
rm "$work/status"
fresh
echo 'exit 0' > "$work/no-program"
for program in "$work/nowhere" "$work/gw/offer" "$work/no-program"; do
	as plain
	words --install "$program"
	fresh
	! "$cordonctl" "${args[@]}" > "$work/out" 2> "$work/err" && told "failure " && said "cannot be run"
	ok "an installer that cannot be run: ${program##*/}"
	chmod +x "$work/no-program"
done
as deaf
fresh
update 0 && ran && said "which is tried again next time"
ok "a result that cannot be told now"
as nothing
update 0 && told "success "
ok "and is told by the next call"
as forbidding
fresh
update 0 && ran && said "refused (403): not now" && as nothing && update 0 && told "success "
ok "so is one that the server does not take now"
as unknowing
fresh
update 0 && ran && said "refused (404): no such action" && ! said "next time" && as nothing && update 0 && told ""
ok "but not one that it knows nothing of"

as plain
fresh
words --install "$work/install" -x 'a b'
python3 -c 'import pty, sys; sys.exit(pty.spawn(sys.argv[1:]) >> 8)' "$cordonctl" "${args[@]}" > "$work/out" 2> "$work/err" < /dev/null &&
	ran && grep -q 't1-1.1.0.img: 100 % of 0.3 MiB' "$work/out"
ok "progress, on a terminal"

# What must never be run; each in a state of its own, and the right one can be installed after it.
refused() {	# NAME MODE OFFER TOLD MESSAGE [ARG...]
	local name=$1 mode=$2 offer=$3 told=$4 message=$5

	shift 5
	fresh
	as "$mode" "$offer"
	update 1 "$@" && not_run && told "$told" && said "$message"
	ok "refused: $name"
	as plain
	update 0 "$@" && ran && told "success "
	ok "allowed after it"
}

refused "tampered artifact" tampered '{}' "failure " "the artifact is not the one of the offer: its SHA-256 is another"
refused "swapped artifact" swapped '{}' "failure " "the artifact is not the one of the offer: its SHA-256 is another"
refused "truncated artifact" truncated '{}' "failure " "a size that is not the offer's"
refused "truncated artifact without a length" truncated-until-end '{}' "failure " "the server sent less than the offer promises"
refused "longer artifact" longer '{}' "failure " "more content than there should be"
refused "longer artifact without a length" longer-until-end '{}' "failure " "more content than there should be"
refused "another range than was asked for" wrong-range '{}' "failure " "another part of the artifact than was asked for"
refused "a range of a larger whole" lying-range '{}' "failure " "a size that is not the offer's"
refused "a size too large in the offer" plain '{"size": 300001}' "failure " "a size that is not the offer's"
refused "a size too small in the offer" plain '{"size": 299999}' "failure " "more content than there should be"
refused "a size that no disk has" plain '{"size": 999999999999999}' "failure " "no room: "
refused "a redirect of the artifact" redirect '{}' "failure " "a redirect (307), which is not followed"
refused "no artifact" missing '{}' "failure " "refused (404): nothing here"
refused "a redirect of the offer" redirect-offer '{}' "" "a redirect (302), which is not followed"
refused "a page instead of an offer" html '{}' "" "its type is 'text/html', not application/json"
refused "an offer without a signature" unsigned '{}' "" "the offer is not signed: no Cordon-Signature in base64"
refused "an offer that was changed" tampered-offer '{}' "" "the signature is not over this content"
refused "an offer signed by another CA's" by-foreign '{}' "" "foreign: no trusted certificate leads to the signer's"
refused "an offer signed by a device" by-device '{}' "" "the signer's certificate is not for code signing"
refused "an offer signed by what expired" by-expired '{}' "" "the signer's certificate expired"
refused "an offer signed with SHA-1" sha1 '{}' "" "digest sha1: SHA-256 or better is wanted"
refused "the right signature over the wrong model" plain '{"model": "acme-t2"}' "failure " "firmware for model 'acme-t2': this device is a 'acme-t1'"
refused "another device's offer" plain '{"device": "thermostat-2"}' "failure " "an offer to 'thermostat-2': this device is 'thermostat-1'"
refused "an older version" plain '{"version": "1.0.8"}' "failure " "version 1.0.8 is older than 1.0.9, which is installed" --version 1.0.9
refused "an offer that expired" plain '{"issued": -3750, "expires": -150}' "" "the offer expired 1"
refused "an offer of the future" plain '{"issued": 1000, "expires": 2000}' "" "an offer of the future"
refused "a path in the file name" plain '{"file": "../../etc/cron.d/x"}' "" "a file name that is none, or a path"
refused "another server in the URL" plain '{"url": "https://127.0.0.1:1/x"}' "" "a URL that is no path on this server"
refused "a manifest that lacks its hash" plain '{"sha256": null}' "" "no sha256 in it"

as plain
fresh
update 0 --version 1.0 && ran && rm "$work/ran" &&
	as plain '{"issued": -60}' && update 1 --version 1.0 && not_run && told "" && said "a replay: the offer was issued"
ok "refused: an offer older than the last one that was accepted"
as plain
update 0 --version 1.0 && ran
ok "allowed after it"

# The directory.
as plain
fresh
mkdir -m 777 "$work/state"
chmod 777 "$work/state"
update 1 && not_run && said "others than its owner may write to it"
ok "refused: a directory that anybody may write to"
fresh
mkdir -m 700 "$work/state"
echo '{"issued": ' > "$work/state/state.json"
update 1 && not_run && said "state.json: damaged"
ok "refused: a state that is damaged"
fresh
mkdir -m 700 "$work/state"
ln -s "$work/victim" "$work/state/part-$(sha256sum < "$work/gw/artifact" | cut -d ' ' -f 1)"
update 1 && not_run && [ ! -e "$work/victim" ]
ok "refused: a link in the place of the part"
words --install "$work/install"
args[8]=$work/gw/foreign.crt
fresh
! "$cordonctl" "${args[@]}" > "$work/out" 2> "$work/err" && not_run && said "the server's certificate is not trusted"
ok "refused: a server of another CA"

stop
fresh
update 1 && said "cannot connect to port $port: Connection refused"
ok "nobody there"

[ ! -s "$work/stub.log" ] || sed 's/^/# stub: /' "$work/stub.log"
echo "1..$n"
exit $failed
