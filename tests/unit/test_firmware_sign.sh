#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# firmware sign: by a certificate of our CA, which is made when it is needed, and by one's own.
set -u
cd "$(dirname "$0")/../.." || exit 2

ctl=$PWD/build/cordonctl
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
. tests/unit/lib.sh
shown=("$dir/out" "$dir/err")

sign() {	# STATUS ARGUMENT...
	local wanted=$1 got

	shift
	"$ctl" firmware sign "$@" > out 2> err < /dev/null
	got=$?
	[ $got = "$wanted" ] || { echo "status $got, not $wanted" >> err; return 1; }
}

ours() {	# STATUS CA ARGUMENT...
	local wanted=$1 ca=$2

	shift 2
	sign "$wanted" fw.img --ca "$ca" --registry "$ca.db" "$@"
}

said() {
	grep -qF -- "$1" err || { echo "was not said: $1" >> err; return 1; }
}

verified() {	# SIGNATURE FILE CA: by openssl(1), and for code signing
	openssl cms -verify -binary -inform DER -in "$1" -content "$2" -CAfile "$3" -purpose any -signer signer.crt \
		-out /dev/null 2>> err && openssl x509 -in signer.crt -noout -ext extendedKeyUsage | grep -q 'Code Signing'
}

certificates() {	# CA: kind and state of each
	"$ctl" ca list --registry "$1.db" --json | python3 -c \
		'import json, sys; print(*sorted(c["kind"] + " " + c["state"] for c in json.load(sys.stdin)), sep=", ")'
}

serial() {
	openssl x509 -in "$1/code.pem" -noout -serial
}

key() {	# NAME USAGE: key and certificate of a vendor
	printf '%s\n' 'basicConstraints=CA:FALSE' "extendedKeyUsage=$2" > "$1.cnf"
	openssl ecparam -genkey -name prime256v1 -noout -out "$1.key"
	openssl req -new -key "$1.key" -subj "/CN=$1" -out "$1.req"
	openssl x509 -req -in "$1.req" -signkey "$1.key" -days 30 -extfile "$1.cnf" -out "$1.crt"
}

if ! make -s userspace > "$dir/log" 2>&1; then
	sed 's/^/# /' "$dir/log"
	echo "Bail out! cordonctl does not build"
	exit 1
fi
cd "$dir" || exit 2
: > out
: > err
head -c 100000 /dev/urandom > fw.img
echo 'vivid-otter-quarry-41-lantern' > pass
echo 'another-otter-quarry-41-lantern' > wrong
for ca in plain racing; do
	"$ctl" ca init --dir $ca --registry $ca.db > log 2>&1
done
"$ctl" ca init --dir sealed --registry sealed.db --passphrase-file pass --key ed25519 > log 2>&1
"$ctl" ca init --dir strong --registry strong.db --key p384 > log 2>&1
key vendor codeSigning 2> log
key tls clientAuth 2> log
openssl pkcs8 -topk8 -in vendor.key -out vendor.sealed -passout file:pass

# What it is called with.
while IFS='|' read -r name words message; do
	# shellcheck disable=SC2086
	sign 2 $words && said "$message"
	ok "called with: $name"
done <<-'END'
	nothing at all||firmware: which file?
	two files|a b|too many words: 'b'
	a key alone|a --key k|--key and --cert come together
	a certificate alone|a --cert c|--key and --cert come together
	another verb's option|a --model m|no such option: '--model'
	no file to write to|a --out|option needs a value: '--out'
END

ours 0 plain && verified fw.img.p7s fw.img plain/root.crt && [ "$(stat -c %a plain/code.pem)" = 600 ] &&
	grep -q '^fw.img.p7s: signed by CN=firmware signing, whose certificate ends ' out
ok "the first signature: a certificate is made for it, and kept"
[ "$(certificates plain)" = "code delivered" ]
ok "the registry knows it"
before=$(serial plain)
ours 0 plain --out other.p7s --json && verified other.p7s fw.img plain/root.crt && [ "$(serial plain)" = "$before" ] &&
	python3 -c 'import json, sys; o = json.load(open("out")); assert o["signature"] == "other.p7s" and "serial=" + o["serial"].upper() == sys.argv[1], o' "$before"
ok "the second: by the same; JSON"
echo >> fw.img
! verified fw.img.p7s fw.img plain/root.crt
ok "a byte more in the file, and it is not signed any more"
"$ctl" ca revoke "$(openssl x509 -in plain/code.pem -noout -serial | cut -d = -f 2)" --dir plain --registry plain.db > log 2>&1
ours 0 plain && [ "$(serial plain)" != "$before" ] && [ "$(certificates plain)" = "code delivered, code revoked" ]
ok "it was revoked: there is another"
before=$(serial plain)
"$ctl" ca init --dir plain --registry plain.db --rollover > log 2>&1
"$ctl" ca init --dir plain --registry plain.db --rollover --activate >> log 2>&1
ours 0 plain && [ "$(serial plain)" != "$before" ] && verified fw.img.p7s fw.img plain/root.crt
ok "the CA was rolled over: there is another"
before=$(serial plain)
mv plain.db gone.db
ours 0 plain && [ "$(serial plain)" != "$before" ] && [ "$(certificates plain)" = "code delivered" ]
ok "the registry does not know it: there is another"

ours 0 sealed --passphrase-file pass && verified fw.img.p7s fw.img sealed/root.crt &&
	grep -q 'BEGIN ENCRYPTED PRIVATE KEY' sealed/code.pem
ok "a CA with a passphrase, and of Ed25519: the key has the passphrase, too"
before=$(serial sealed)
ours 0 sealed --passphrase-file pass && [ "$(serial sealed)" = "$before" ]
ok "and is used again with it"
rm fw.img.p7s
ours 1 sealed --passphrase-file wrong && said "not this passphrase" && [ ! -e fw.img.p7s ]
ok "refused: another passphrase"
ours 1 sealed && said "the key needs a passphrase" && [ ! -e fw.img.p7s ]
ok "refused: no passphrase"
ours 0 strong && verified fw.img.p7s fw.img strong/root.crt && openssl x509 -in strong/code.pem -noout -text | grep -q P-384
ok "a CA on P-384: so is the key"
rm fw.img.p7s
echo damaged > strong/code.pem
ours 1 strong && said "strong/code.pem: holds no private key" && [ ! -e fw.img.p7s ]
ok "refused: what lies there is damaged"
ours 1 nowhere && said "nowhere/root.crt: No such file or directory" && [ ! -e fw.img.p7s ]
ok "refused: no CA"
for i in 1 2 3 4; do
	"$ctl" firmware sign fw.img --ca racing --registry racing.db --out "race$i" > log 2>&1 &
done
wait
[ "$(certificates racing)" = "code delivered" ] && verified race1 fw.img racing/root.crt && verified race4 fw.img racing/root.crt
ok "four at once: one certificate"

sign 0 fw.img --key vendor.key --cert vendor.crt && verified fw.img.p7s fw.img vendor.crt
ok "one's own key"
sign 0 fw.img --key vendor.sealed --cert vendor.crt --passphrase-file pass && verified fw.img.p7s fw.img vendor.crt
ok "one's own key, with a passphrase"
rm fw.img.p7s
sign 1 fw.img --key vendor.sealed --cert vendor.crt --passphrase-file wrong && said "vendor.sealed: not this passphrase"
ok "refused: another passphrase for it"
sign 1 fw.img --key tls.key --cert tls.crt && said "tls.crt: the certificate is not for code signing"
ok "refused: a certificate for TLS"
sign 1 fw.img --key tls.key --cert vendor.crt && said "vendor.crt: the key is not that of the certificate"
ok "refused: another's key"
sign 1 fw.img --key vendor.crt --cert vendor.crt && said "vendor.crt: holds no private key"
ok "refused: no key"
sign 1 fw.img --key vendor.key --cert vendor.key && said "vendor.key: holds no certificate"
ok "refused: no certificate"
sign 1 nothing.img --key vendor.key --cert vendor.crt && said "nothing.img: No such file or directory"
ok "refused: no file"
sign 1 . --out dir.p7s --key vendor.key --cert vendor.crt && said ".: cannot be read: Is a directory" && [ ! -e dir.p7s ]
ok "refused: a directory"
sign 1 fw.img --out nowhere/x --key vendor.key --cert vendor.crt && said "nowhere/x: No such file or directory"
ok "refused: nowhere to write to"
[ ! -e fw.img.p7s ]
ok "and none of them has left a signature"
truncate -s 300M sparse.img
(ulimit -v 200000 && sign 0 sparse.img --key vendor.key --cert vendor.crt) && verified sparse.img.p7s sparse.img vendor.crt
ok "a file larger than the memory that there is"

echo "1..$n"
exit $failed
