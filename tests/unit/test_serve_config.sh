#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# serve.yaml as editors leave it: empty, commented out, with a byte order mark, with other ends of lines.
set -u
cd "$(dirname "$0")/../.." || exit 2
ctl=$PWD/build/cordonctl
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
. tests/unit/lib.sh
shown=("$dir/out" "$dir/err")

# check STATUS NAME TEXT [MESSAGE]
check() {
	local got

	printf '%b' "$3" >"$dir/serve.yaml"
	"$ctl" serve --check --config "$dir/serve.yaml" >"$dir/out" 2>"$dir/err" </dev/null
	got=$?
	[ $got = "$1" ] && { [ -z "${4-}" ] || grep -qxF "$dir/serve.yaml:$4" "$dir/err"; }
	ok "$2" $?
}

make -s userspace >"$dir/out" 2>&1
ok "cordonctl is made" $?
names='server_names: [gateway.example]\n'
check 0 "accepted: what is usual" "est: {approval: true}\n$names"
check 0 "accepted: an empty file" ''
check 0 "accepted: nothing but comments" '# est: {}\n'
check 0 "accepted: mappings of which nothing is there" 'est:\ncheckin: ~\nfirmware: null\n'
check 0 "accepted: a byte order mark" "\xef\xbb\xbf$names"
check 0 "accepted: lines that end with CR LF" "est:\r\n  approval: true\r\n"
check 1 "refused: a fault behind a byte order mark" '\xef\xbb\xbfest: {aproval: true}\n' \
	"1:7: unknown key 'aproval': did you mean 'approval'?"
check 1 "refused: a fault behind CR LF" 'est:\r\n  approval: perhaps\r\n' \
	"2:13: approval must be false or true, not 'perhaps'"
check 1 "refused: an empty list of addresses" 'est:\n  listen:\n' "2:10: listen names no address"
check 1 "refused: an empty list of names" 'server_names:\n' "1:14: server_names holds 0 names, not 1 to 32"
check 1 "refused: null where a word belongs" 'est: {approval: }\n' "1:17: approval must be false or true, not ''"
check 0 "accepted: adopt" 'adopt: false\n'
check 1 "refused: adopt with another word" 'adopt: restored\n' "1:8: adopt must be false or true, not 'restored'"
check 0 "accepted: a renewal after the end" 'est: {renew_after_expiry: 365d}\n'
check 1 "refused: a renewal after the registry has forgotten" 'est: {renew_after_expiry: 366d}\n' \
	"1:27: '366d' is not a duration from 0s to 365d"
acme='{name: acme, roots: /etc/cordon/acme.pem}'
check 0 "accepted: manufacturers" "policy: /etc/cordon/policy.yaml\nmanufacturers: [$acme, {name: zeta, roots: /z.pem}]\n"
check 0 "accepted: no manufacturers" 'manufacturers: []\n'
check 1 "refused: a manufacturer twice" "manufacturers:\n  - $acme\n  - $acme\n" \
	"3:12: manufacturer 'acme' a second time"
check 1 "refused: a manufacturer without roots" 'manufacturers: [{name: acme}]\n' "1:17: a manufacturer without 'roots'"
check 1 "refused: a manufacturer without a name" 'manufacturers: [{roots: /a.pem}]\n' "1:17: a manufacturer without 'name'"
check 1 "refused: a manufacturer's name" 'manufacturers: [{name: "a b", roots: /a.pem}]\n' \
	"1:24: name 'a b' must be 1 to 31 letters, digits, '_', '-' or '.', not beginning with '-' or '.'"
check 1 "refused: roots somewhere" 'manufacturers: [{name: acme, roots: acme.pem}]\n' \
	"1:37: roots 'acme.pem' does not begin with /"
check 1 "refused: too many manufacturers" "manufacturers: [$(printf '{name: m%s, roots: /m.pem}, ' {1..17})]\n" \
	"1:456: more than 16 manufacturers"
check 1 "refused: a policy somewhere" 'policy: policy.yaml\n' "1:9: policy 'policy.yaml' does not begin with /"
tls='ca: /ca.pem, cert: /c.pem, key: /k.pem'
check 0 "accepted: a registry's file" 'registry: /srv/registry.db\n'
check 0 "accepted: a registry that is shared" \
	"registry: {file: /srv/r.db, etcd: ['https://10.0.0.1:2379', 'https://[fd00::1]:2379'], $tls, prefix: plant/, gateway: north, offline: 2h}\n"
check 1 "refused: a shared registry without members" "registry: {etcd: [], $tls}\n" "1:18: etcd holds 0 members, not 1 to 16"
check 1 "refused: members that are not said" "registry: {$tls}\n" "1:11: registry without 'etcd'"
check 1 "refused: a member that is no URL" "registry: {etcd: [10.0.0.1], $tls}\n" \
	"1:19: '10.0.0.1' is not a URL like https://10.0.0.1:2379"
check 1 "refused: etcd without TLS on another machine" 'registry: {etcd: ["http://10.0.0.1:2379"]}\n' \
	"1:19: 'http://10.0.0.1:2379' is not a URL like https://10.0.0.1:2379"
check 0 "accepted: without TLS on this machine" 'registry: {etcd: ["http://127.0.0.1:2379"], gateway: a}\n'
check 1 "refused: TLS without a certificate of its own" 'registry: {etcd: ["https://10.0.0.1:2379"], ca: /c.pem}\n' \
	"1:11: registry: ca, cert and key are needed for https"
check 1 "refused: a gateway's name" "registry: {etcd: ['https://10.0.0.1:2379'], $tls, gateway: a/b}\n" \
	"1:94: gateway 'a/b' must be 1 to 63 letters, digits, '_', '-' or '.', not beginning with '-' or '.'"
check 1 "refused: offline for how long" "registry: {etcd: ['https://10.0.0.1:2379'], $tls, offline: long}\n" \
	"1:94: 'long' is not a duration from 0s to 3650d"
check 1 "refused: a word of a registry" "registry: {etc: ['https://10.0.0.1:2379'], $tls}\n" \
	"1:12: unknown key 'etc': did you mean 'etcd'?"
check 1 "refused: a list" '[]\n' "1:1: serve.yaml must be a mapping"
echo "1..$n"
exit $failed
