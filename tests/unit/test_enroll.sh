#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# enroll, renew and checkin against a small server that can misbehave (est_stub.py).
set -u
here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)
cordonctl=${CORDONCTL:-$top/build/asan/cordonctl}
work=$(mktemp -d)
server=
trap 'stop; rm -rf "$work"' EXIT
. "$here/lib.sh"
shown=("$work/out" "$work/err" "$work/ca/log")

make_ca() {
	local authority='basicConstraints=critical,CA:TRUE'

	certify root /CN=Root root 300 "$authority"
	certify issuing /CN=Issuing root 200 "$authority"
	certify foreign /CN=Root foreign 300 "$authority"
	certify server /CN=gateway issuing 100 'subjectAltName=IP:127.0.0.1,DNS:localhost' 'extendedKeyUsage=serverAuth'
	certify other-name /CN=127.0.0.1 issuing 100 'subjectAltName=DNS:elsewhere' 'extendedKeyUsage=serverAuth'
	certify other /CN=other root 100 'basicConstraints=CA:FALSE'
	openssl pkey -in other.key -pubout -out other.pub
	cat server.crt issuing.crt > server.pem
	openssl x509 -req -in other-name.req -CA issuing.crt -CAkey issuing.key -CAcreateserial -days 100 \
		-extfile other-name.cnf -force_pubkey <(openssl pkey -in server.key -pubout) -out other-name.crt
	cat other-name.crt issuing.crt > other-name.pem
	printf '%s\n' 'subjectAltName=URI:urn:dev:mac:020000fffe000101' 'extendedKeyUsage=clientAuth' > device.cnf
}

fingerprint() {
	openssl x509 -noout -fingerprint -sha256 -in "$1" | cut -d = -f 2
}

stop() {
	[ -z "$server" ] || { kill "$server"; wait "$server"; } 2>/dev/null
	server=
}

serve() {	# sets est and checkin to ports
	mkfifo "$work/ports"
	python3 -B "$here/est_stub.py" "$work/ca" > "$work/ports" 2> "$work/stub.log" &
	server=$!
	read -r _ est _ checkin < "$work/ports"
}

as() {	# MODE: how the server behaves from now on
	rm -f "$work/ca/log" "$work"/ca/*.csr
	echo "$1" > "$work/ca/mode"
}

ctl() {	# STATUS ARG...
	local wanted=$1 got

	shift
	"$cordonctl" "$@" > "$work/out" 2> "$work/err"
	got=$?
	[ $got = "$wanted" ] || { echo "status $got, not $wanted" >> "$work/err"; return 1; }
	parses "$work/out" "$@"
}

enroll() {	# STATUS DIR ARG...
	local wanted=$1 dir=$2

	shift 2
	ctl "$wanted" enroll --server "https://127.0.0.1:$est" --name thermostat-1 --token right-token \
		--out "$work/$dir" "$@"
}

enroll_ca() {	# STATUS DIR ARG...
	enroll "$@" --ca "$work/ca/root.crt"
}

said() {
	grep -qF -- "$1" "$work/err"
}

server_saw() {
	grep -qxF -- "$1" "$work/ca/log"
}

in_vain() {	# COMMAND...: time is over while it waits for the answer; more of it, should all be over before
	local seconds

	for seconds in 1 4 16 64; do
		"$@" --timeout ${seconds}s || return 1
		said "timed out while waiting for the answer" && return 0
	done
	return 1
}

no_token_sent() {
	! grep -q enroll "$work/ca/log" 2>/dev/null
}

no_cert() {
	[ ! -e "$work/$1/device.crt" ]
}

pair_agrees() {	# DIR
	[ "$(openssl pkey -in "$work/$1/device.key" -pubout)" = "$(openssl x509 -in "$work/$1/device.crt" -noout -pubkey)" ]
}

request_key() {	# NUMBER: of the request
	openssl req -in "$work/ca/$1.csr" -noout -pubkey
}

renew() {	# STATUS DIR ARG...
	local wanted=$1 dir=$2

	shift 2
	ctl "$wanted" renew --server "https://127.0.0.1:$est" --dir "$work/$dir" "$@"
}

checkin() {	# STATUS SERVER ARG...
	local wanted=$1 at=$2

	shift 2
	ctl "$wanted" checkin --server "$at" --cert "$work/good/device.crt" --key "$work/good/device.key" \
		--ca "$work/good/ca.crt" "$@"
}

if [ ! "${CORDONCTL:-}" ] && ! make -s -C "$top" build/asan/cordonctl > "$work/log" 2>&1; then
	sed 's/^/# /' "$work/log"
	echo "Bail out! cordonctl does not build"
	exit 1
fi
if ! (mkdir "$work/ca" && cd "$work/ca" && make_ca) > "$work/log" 2>&1; then
	sed 's/^/# /' "$work/log"
	echo "Bail out! no certificates can be made"
	exit 1
fi
: > "$work/out"
: > "$work/err"

# What it is called with.
while IFS='|' read -r name words message; do
	# shellcheck disable=SC2086
	ctl 2 $words && said "$message"
	ok "$name"
done <<-'END'
	nothing at all|enroll|enroll: --server, --name, --token and --out are needed
	nobody to trust|enroll --server https://h --name a --token t --out o|copy the gateway's root certificate
	two to trust|enroll --server https://h --name a --token t --out o --ca c --fingerprint 0000000000000000000000000000000000000000000000000000000000000000|either --ca or --fingerprint
	plain HTTP|enroll --server http://h|not a URL that begins with https://: 'http://h'
	a path|enroll --server https://h/est|a URL with a path
	bad port|enroll --server https://h:0|not a port from 1 to 65535
	IPv6 without brackets|enroll --server https://fd00::1|an IPv6 address needs brackets
	bracket that is open|enroll --server https://[fd00::1|no ']' after '['
	bad host|enroll --server https://user@h|not a host name or an address
	short fingerprint|enroll --fingerprint ab:cd|not a SHA-256 fingerprint
	unknown kind of key|enroll --key rsa|not p256, p384 or ed25519, nor the URI or file of a key in hardware: 'rsa'
	bad name|enroll --name a:b|not a valid name: 'a:b'
	no time|enroll --timeout 0s|not a duration from 1s to 1d
	renew without files|renew --server https://h|--server and --dir are needed
	renew, percentage|renew --if-older 101|more than 100 per cent: '101'
	checkin without files|checkin --server h|--server, --cert, --key and --ca are needed
	checkin, firmware|checkin --firmware ä|a character that no version has
END

serve
as plain
enroll_ca 0 good
ok "enroll: with a CA file"
pair_agrees good && openssl verify -CAfile "$work/good/ca.crt" "$work/good/device.crt" > "$work/out"
ok "enroll: key, certificate and CA agree"
[ "$(stat -c %a "$work/good/device.key")" = 600 ]
ok "enroll: the key is its owner's alone"
[ "$(openssl req -in "$work/ca/1.csr" -noout -subject)" = "subject=CN = thermostat-1" ] &&
	openssl req -in "$work/ca/1.csr" -noout -text | grep -qE 'challengePassword *: ?[A-Za-z0-9+/]{43}='
ok "enroll: the request names the device and the connection"
ctl 0 enroll --server "https://localhost:$est/" --fingerprint "$(fingerprint "$work/ca/root.crt")" \
	--name thermostat-1 --token-file - --key ed25519 --json --out "$work/pinned" <<< right-token
ok "enroll: by name, with the right fingerprint, the token from standard input"
python3 -c 'import json, sys; o = json.load(open(sys.argv[1])); assert o["result"] == "enrolled", o' "$work/out" &&
	pair_agrees pinned && openssl pkey -in "$work/pinned/device.key" -noout -text | grep -q ED25519
ok "enroll: JSON, and the kind of key"
nasty=$'not \xff\xc3 UTF-8 " \\ \x01'
ctl 0 enroll --server "https://localhost:$est/" --ca "$work/ca/root.crt" --name thermostat-1 --token-file - --json \
	--out "$work/$nasty" <<< right-token &&
	python3 -c 'import json, sys; o = json.load(open(sys.argv[1], "rb")); assert "/not \ufffd\ufffd UTF-8 \" \\ \x01/" in o["certificate"], o' "$work/out"
ok "enroll: JSON with a path that is no UTF-8"
enroll_ca 1 good --key p384 && said "good/device.key: there is a key of another kind already" && pair_agrees good
ok "enroll: a key of another kind is not overwritten"

as plain
enroll 1 wrong-ca --ca "$work/ca/foreign.crt" && said "the server's certificate is not trusted: " &&
	no_token_sent && no_cert wrong-ca
ok "enroll: wrong CA"
enroll 1 wrong-pin --fingerprint "$(fingerprint "$work/ca/foreign.crt")" &&
	said "none of its root certificates has this fingerprint" && no_token_sent && no_cert wrong-pin
ok "enroll: wrong fingerprint"
enroll 1 not-root --fingerprint "$(fingerprint "$work/ca/issuing.crt")" &&
	said "none of its root certificates has this fingerprint" && no_token_sent
ok "enroll: fingerprint of what is no root"
enroll 1 no-ca --ca "$work/ca/device.cnf" && said "ca/device.cnf: no certificate in PEM" && no_token_sent
ok "enroll: CA file without a certificate"
ctl 1 enroll --server "https://127.0.0.1:$est" --ca "$work/ca/root.crt" --name thermostat-1 --token wrong \
	--out "$work/wrong-token" && no_cert wrong-token && said "cordonctl: enroll: https://127.0.0.1:$est: refused (401):" &&
	said "the token is used up?[2J or wrong" && ! said "second line"
ok "enroll: wrong token, with the server's reason, fit for a terminal"
as foreign
enroll 1 fake --fingerprint "$(fingerprint "$work/ca/foreign.crt")" &&
	said "the server's certificate is not trusted: " && no_token_sent && no_cert fake
ok "enroll: the root is the right one, but not the server's"
as other-name
enroll_ca 1 other-name && said "the server's certificate is not trusted: IP address mismatch" && no_token_sent
ok "enroll: certificate of another server"
as tls12
enroll_ca 1 tls12 && said "alert 'protocol version'" && no_token_sent
ok "enroll: TLS 1.2"

as approve
enroll_ca 0 approve && said "approval is awaited" && pair_agrees approve
ok "enroll: 202, then 200"
as approve-later
enroll_ca 1 later --timeout 5m && said "approval is awaited: try again in 3600 s" && no_cert later
ok "enroll: 202, and longer than there is time"
as limit
enroll_ca 1 limit && said "refused (429): too many attempts; try again in 77 s" && no_cert limit
ok "enroll: 429"
as garbage
enroll_ca 1 garbage && said "the server's answer is not understood: no base64" && no_cert garbage
ok "enroll: garbage"
as html
enroll_ca 1 html && said "its type is 'text/html', not application/pkcs7-mime" && no_cert html
ok "enroll: a page instead of a certificate"
as other-key
enroll_ca 1 other-key && said "the certificate that came is of another key" && no_cert other-key
ok "enroll: another key's certificate"
as silent
in_vain enroll_ca 1 silent && no_cert silent
ok "enroll: a server that is silent"
ctl 1 enroll --server https://nowhere.invalid --ca "$work/ca/root.crt" --name a --token t --out "$work/nowhere" &&
	said "cannot resolve 'nowhere.invalid': "
ok "enroll: a name that nobody has"

as break-first
enroll_ca 1 broken && said "the server closed the connection while waiting for the answer" && no_cert broken &&
	enroll_ca 0 broken && pair_agrees broken && [ "$(request_key 1)" = "$(request_key 2)" ]
ok "enroll: broken off, then repeated, with the same key"
for mode in chunked until-close unwrapped; do
	as $mode
	enroll_ca 0 $mode && pair_agrees $mode
	ok "enroll: answers come $mode"
done

as plain
cp "$work/good/device.crt" "$work/before"
renew 0 good && server_saw "renewal by thermostat-1" && pair_agrees good && ! cmp -s "$work/before" "$work/good/device.crt"
ok "renew: the same key"
openssl req -in "$work/ca/1.csr" -noout -text | grep -q 'URI:urn:dev:mac:020000fffe000101' &&
	[ "$(request_key 1)" = "$(openssl pkey -in "$work/good/device.key" -pubout)" ]
ok "renew: subject, names and key stay"
cp "$work/good/device.key" "$work/before.key"
renew 0 good --rekey && pair_agrees good && ! cmp -s "$work/before.key" "$work/good/device.key" &&
	[ ! -e "$work/good/device.key.new" ] && [ ! -e "$work/good/device.crt.new" ]
ok "renew: another key"
cp "$work/good/device.crt" "$work/before"
renew 0 good --if-older 50 && grep -q '^not due: thermostat-1: ' "$work/out" && cmp -s "$work/before" "$work/good/device.crt"
ok "renew: not due yet"
renew 0 good --if-older 0 && grep -q '^renewed: thermostat-1: ' "$work/out"
ok "renew: due"
as break-first
cp "$work/good/device.key" "$work/before.key"
renew 1 good --rekey && cmp -s "$work/before.key" "$work/good/device.key" && pair_agrees good &&
	renew 0 good --rekey && pair_agrees good && [ "$(request_key 1)" = "$(request_key 2)" ]
ok "renew: another key, broken off, then repeated, with the same new key"
as other-key
cp "$work/good/device.crt" "$work/before"
renew 1 good && said "the certificate that came is of another key" && cmp -s "$work/before" "$work/good/device.crt"
ok "renew: another key's certificate"
mkdir "$work/alien"
cp "$work/ca/other.key" "$work/alien/device.key"
cp "$work/good/device.crt" "$work/good/ca.crt" "$work/alien/"
renew 1 alien && said "alien/device.key: not the key of"
ok "renew: key and certificate that do not agree"

as plain
checkin 0 "127.0.0.1:$checkin" && [ "$(cat "$work/out")" = "Welcome IoT Device" ] && server_saw "hello Cordon check-in"
ok "checkin: welcome"
checkin 0 "localhost:$checkin" --firmware 1.4.2 --json && server_saw "hello firmware 1.4.2" &&
	[ "$(cat "$work/out")" = '{"answer": "Welcome IoT Device", "welcome": true}' ]
ok "checkin: firmware, JSON"
checkin 0 "https://127.0.0.1:$est" --firmware 1.4.2 && server_saw 'checkin {"firmware": "1.4.2"}' &&
	[ "$(cat "$work/out")" = 'thermostat-1: in iot_zone, leased for 3600 s' ]
ok "checkin: over HTTPS"
checkin 0 "https://127.0.0.1:$est" --json && server_saw 'checkin {}' &&
	[ "$(cat "$work/out")" = '{"device": "thermostat-1", "segment": "iot_zone", "lease_seconds": 3600}' ]
ok "checkin: over HTTPS, JSON"
as plain
ctl 1 checkin --server "127.0.0.1:$checkin" --cert "$work/good/device.crt" --key "$work/good/device.key" \
	--ca "$work/ca/foreign.crt" && said "the server's certificate is not trusted: " && ! grep -q hello "$work/ca/log"
ok "checkin: wrong CA"
ctl 1 checkin --server "127.0.0.1:$checkin" --cert "$work/ca/foreign.crt" --key "$work/ca/foreign.key" \
	--ca "$work/good/ca.crt" && said "the server broke off while waiting for the answer: alert '"
ok "checkin: a certificate of another CA"
as refuse
checkin 1 "127.0.0.1:$checkin" && [ "$(cat "$work/out")" = "refused: not from this address" ]
ok "checkin: refused"
checkin 1 "https://127.0.0.1:$est" && said "refused (403): not from this address"
ok "checkin: over HTTPS, refused"
as silent
in_vain checkin 1 "127.0.0.1:$checkin"
ok "checkin: a server that is silent"

stop
enroll_ca 1 nobody && said "cannot connect to port $est: Connection refused"
ok "enroll: nobody there"

[ ! -s "$work/stub.log" ] || sed 's/^/# stub: /' "$work/stub.log"
echo "1..$n"
exit $failed
