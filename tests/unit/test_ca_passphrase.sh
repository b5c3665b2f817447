#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Keys of the CA: their passphrase is set, changed and removed, all of them or none; a root's key in the clear is told of,
# and the root's list is made.
set -u
cd "$(dirname "$0")/../.." || exit 2
ctl=$PWD/build/cordonctl
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
. tests/unit/lib.sh
shown=("$dir/out" "$dir/err")

ca() {	# VERB OPTION...
	"$ctl" ca "$@" --dir "$dir/ca" --registry "$dir/registry.db" >"$dir/out" 2>"$dir/err" </dev/null
}
# said TEXT: on standard error
said() {
	grep -qF -- "$1" "$dir/err"
}
state() {
	(cd "$dir/ca" && find . -type f -exec sha256sum {} + -exec stat -c '%n %a' {} + | sort)
}
# same NAME STATUS: it was refused, and nothing has changed
same() {
	[ "$2" = 1 ] && [ "$(state)" = "$before" ]
	ok "$1" $?
}
# opens FILE PASSPHRASE-FILE: by openssl(1)
opens() {
	openssl pkey -noout -passin "file:$2" -in "$dir/ca/$1" 2>"$dir/err"
}
doctor() {
	"$ctl" doctor --config "$dir/serve.yaml" --policy /nonexistent --state "$dir" >"$dir/out" 2>"$dir/err"
}

make -s userspace >"$dir/out" 2>&1
ok "cordonctl is made" $?
printf 'ca: %s\nregistry: %s\n' "$dir/ca" "$dir/registry.db" >"$dir/serve.yaml"
echo Seven.Tall.Lighthouses >"$dir/one"
echo Forty-two.Brown.Kettles >"$dir/two"
echo password >"$dir/weak"

ca init && said "$dir/ca/root.key lies unencrypted beside issuing.key" && said "'cordonctl ca passphrase'"
ok "ca init: the root's key lies in the clear, which is said with what helps" $?
ca crl
ok "a list, and a registry" $?
ca list && said "root.key lies unencrypted"
ok "ca list says it" $?
doctor
grep -q '^OPEN *root key *.*lies unencrypted' "$dir/out" && grep -q -- '-> cordonctl ca passphrase, or mv' "$dir/out"
ok "doctor says it" $?
ca init --rollover && said "next root"
ok "a next CA is published, whose keys are changed as well" $?
echo notes >"$dir/ca/notes"

before=$(state)
ca init --csr-out "$dir/csr"
same "a request, where there is a CA: refused" $?
[ ! -e "$dir/csr" ]
ok "and none is written" $?
ca passphrase --new-passphrase-file "$dir/weak"
same "a weak passphrase: refused" $?
ca passphrase --new-passphrase-file "$dir/nowhere"
same "no such file: refused" $?
ca passphrase
same "no terminal: refused" $?
ca passphrase notes --new-passphrase-file "$dir/one"
same "a file without a key: refused" $?
mkdir "$dir/ca/mine"
ca passphrase --new-passphrase-file "$dir/one"
same "a directory that is none of a CA's: refused" $?
rmdir "$dir/ca/mine"
ca passphrase --new-passphrase-file "$dir/one" --remove
[ $? = 2 ]
ok "a new one, and none: usage" $?

ca passphrase --new-passphrase-file "$dir/one" && grep -q '^4 keys' "$dir/out" && said ca-passphrase
ok "set" $?
for key in issuing.key root.key next/issuing.key next/root.key; do
	opens "$key" "$dir/one" && grep -q 'BEGIN ENCRYPTED' "$dir/ca/$key" && [ "$(stat -c %a "$dir/ca/$key")" = 600 ]
	ok "$key is encrypted" $?
done
[ "$(cat "$dir/ca/notes")" = notes ] && [ -e "$dir/ca/crl.pem" ] && [ ! -e "$dir/ca.new" ]
ok "the other files are there still, and nothing else" $?
ca crl --passphrase-file "$dir/one"
ok "a list is signed with it" $?
ca crl
[ $? = 1 ] && said "needs a passphrase"
ok "and without it, not" $?
ca list && [ ! -s "$dir/err" ]
ok "ca list says nothing of the root's key any more" $?
doctor
! grep -q 'root key' "$dir/out"
ok "nor does doctor" $?

before=$(state)
ca passphrase --passphrase-file "$dir/two" --new-passphrase-file "$dir/two"
same "with another one: refused" $?
ca passphrase --passphrase-file "$dir/one" --new-passphrase-file "$dir/two" && opens issuing.key "$dir/two" &&
	! opens issuing.key "$dir/one"
ok "changed" $?
ca passphrase root.key --passphrase-file "$dir/two" --new-passphrase-file "$dir/one" && opens root.key "$dir/one" &&
	opens issuing.key "$dir/two"
ok "one key alone" $?
before=$(state)
ca passphrase --passphrase-file "$dir/two" --remove
same "all, of which one has another passphrase: refused" $?
said "root.key: not this passphrase" && said "'ca passphrase FILE'"
ok "and which, and what helps" $?
ca passphrase issuing.key --passphrase-file "$dir/two" --remove && openssl pkey -noout -in "$dir/ca/issuing.key" &&
	opens root.key "$dir/one"
ok "removed" $?

# The root's list.
cp "$dir/ca/issuing.crt" "$dir/issuing.crt"
verified() {
	openssl verify -CAfile "$dir/ca/root.crt" -CRLfile "$dir/ca/root-crl.pem" -crl_check "$dir/issuing.crt" >"$dir/out" 2>"$dir/err"
}
ca crl --root --passphrase-file "$dir/one" --out "$dir/list.pem" && cmp -s "$dir/list.pem" "$dir/ca/root-crl.pem" && verified
ok "ca crl --root: openssl takes the issuing CA by it" $?
ca export
ok "and so do we" $?
ca crl --root --revoke "$dir/ca/notes" --passphrase-file "$dir/one"
[ $? = 1 ]
ok "--revoke of what is none: refused" $?
ca crl --revoke "$dir/issuing.crt"
[ $? = 2 ]
ok "--revoke without --root: usage" $?
ca revoke cam --reason cACompromise
[ $? = 2 ]
ok "--reason cACompromise of a device: usage" $?
mv "$dir/ca/root.key" "$dir/root.key"
ca crl --root
[ $? = 1 ] && said "name it with --root-key FILE"
ok "the key is elsewhere: said" $?
ca crl --root --root-key "$dir/root.key" --passphrase-file "$dir/one" --revoke "$dir/issuing.crt" --reason cACompromise &&
	said root-crl.pem
ok "revoked, with the key from elsewhere" $?
! verified && grep -q "certificate revoked" "$dir/err"
ok "openssl refuses the issuing CA by it" $?
ca issue cam --mac 02:00:00:00:00:01 --out "$dir/cam"
[ $? = 1 ] && said "was revoked"
ok "nothing is issued" $?
doctor
grep -q '^OPEN *CA *the issuing certificate was revoked' "$dir/out"
ok "doctor says it" $?
rm "$dir/ca/root-crl.pem"
ca issue cam --mac 02:00:00:00:00:01 --out "$dir/cam"
ok "without the list it is" $?

# A CA that waits for its certificate.
rm -r "$dir/ca"
ca init --csr-out "$dir/csr" && said "'cordonctl ca import CHAIN'"
ok "a request" $?
ca list && said "waits for its certificate" && said "'cordonctl ca import CHAIN'"
ok "ca list says that it waits, and what helps" $?
doctor
grep -q '^OPEN *CA *this CA waits for its certificate' "$dir/out" && grep -q -- '-> cordonctl ca import CHAIN' "$dir/out"
ok "doctor says it" $?
ca passphrase --new-passphrase-file "$dir/one" && opens request/issuing.key "$dir/one"
ok "the key that waits is given a passphrase" $?
for words in '--root-cert x' '--old-root-key x --rollover' '--json'; do
	# shellcheck disable=SC2086
	ca init --csr-out "$dir/csr" $words
	[ $? = 2 ]
	ok "--csr-out and $words: usage" $?
done
ca import
[ $? = 2 ]
ok "import of nothing: usage" $?
ca import "$dir/nowhere"
[ $? = 1 ] && said "nowhere: No such file"
ok "import of a file that is not there: refused" $?
echo "1..$n"
exit $failed
