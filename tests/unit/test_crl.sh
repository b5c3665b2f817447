#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# A revocation list that ends: `ca crl --renew` is for a timer, and doctor says when there was none.
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
silent() {
	[ ! -s "$dir/out" ] && [ ! -s "$dir/err" ]
}
number() {
	openssl crl -in "$dir/ca/crl.pem" -noout -crlnumber
}
ends() {	# in seconds since 1970
	date -d "$(openssl crl -in "$dir/ca/crl.pem" -noout -nextupdate | cut -d= -f2)" +%s
}
# old DAYS: the list in crl.pem is one that ends in so many days, or ended so many ago
old() {
	openssl ca -config "$dir/ca.cnf" -gencrl -cert "$dir/ca/issuing.crt" -keyfile "$dir/ca/issuing.key" -md sha256 \
		-crl_lastupdate "$(date -u -d '-9 days' +%Y%m%d%H%M%SZ)" \
		-crl_nextupdate "$(date -u -d "$1 days" +%Y%m%d%H%M%SZ)" -out "$dir/ca/crl.pem" >"$dir/out" 2>"$dir/err"
	ok "a list, made nine days ago, that ends in $1 days" $?
}
# doctor LINE
doctor() {
	"$ctl" doctor --config "$dir/serve.yaml" --policy /nonexistent --state "$dir" >"$dir/out" 2>"$dir/err"
	grep -qE -- "$1" "$dir/out"
	ok "doctor: $1" $?
}

make -s userspace >"$dir/out" 2>&1
ok "cordonctl is made" $?
printf 'ca: %s\nregistry: %s\n' "$dir/ca" "$dir/registry.db" >"$dir/serve.yaml"
printf '[ca]\ndefault_ca = x\n[x]\ndatabase = %s\ncrlnumber = %s\ncrl_extensions = e\n[e]\nauthorityKeyIdentifier = keyid\n' \
	"$dir/index" "$dir/number" >"$dir/ca.cnf"
: >"$dir/index"
echo 01 >"$dir/number"

ca crl --renew && silent
ok "without a CA there is nothing to renew" $?
ca init
ok "a CA" $?
ca crl --renew && silent && [ ! -e "$dir/ca/crl.pem" ]
ok "without a list neither" $?
ca crl && [ -s "$dir/out" ]
ok "a list is made" $?
before=$(number)
ca crl --renew && silent && [ "$(number)" = "$before" ]
ok "which is good for days, and stays" $?
doctor '^ok +revocation +the list in .* is good until'
old 3
ca crl --renew && silent && [ "$(ends)" -gt $(($(date +%s) + 500000)) ]
ok "it is renewed when more than half of its time is over" $?
old -1
doctor '^OPEN +revocation +the list in .* has ended'
doctor '-> cordonctl ca crl --renew; systemctl start cordon-check.timer'
ca crl --renew && silent && [ "$(number)" != "crlNumber=0x01" ]
ok "and when it has ended" $?
doctor '^ok +revocation'
echo nonsense >"$dir/ca/crl.pem"
doctor '^OPEN +revocation +.* is no revocation list of this CA'
old -1
ca list && grep -q "^cordonctl: warning: the revocation list in $dir/ca/crl.pem has ended .*; 'cordonctl ca crl --renew'" "$dir/err"
ok "ca list warns of it" $?
old 1
ca list && grep -q '^cordonctl: warning: the revocation list in .* ends ' "$dir/err"
ok "and of one that ends soon" $?
old 3
ca list && ! grep -q '^cordonctl: warning: ' "$dir/err"
ok "but not of one that is in time" $?
ca crl --renew --out "$dir/file"
[ $? = 2 ]
ok "--renew and --out" $?
echo "1..$n"
exit $failed
