#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# apply --fleet, confirm --fleet and fleet policy, against a cordon-fleet of straw (fleet_stub.py).
set -u
cd "$(dirname "$0")/../.." || exit 2
here=$PWD/tests/unit
ctl=$PWD/build/cordonctl
dir=$(mktemp -d)
stub=
trap '[ -z "$stub" ] || kill "$stub"; rm -rf "$dir"' EXIT
. tests/unit/lib.sh
shown=("$dir/out" "$dir/stub.log")

make -s userspace >"$dir/out" 2>&1
ok "cordonctl is made" $?
cd "$dir" || exit 2
cat >serve.yaml <<END
registry: {etcd: ["http://127.0.0.1:1"], gateway: a, run: $dir/run, directory: $dir/fleet, file: $dir/registry.db}
END
echo 'est: {listen: ["127.0.0.1:1"]}' >alone.yaml

# fresh: DIR with two good files, and a fleet of two gateways that has nothing yet
fresh() {
	rm -rf f answer.json
	mkdir -p f/gateway
	cat >f/common.yaml <<-'END'
		segments:
		  iot: {authentication: certificate}
		  net:
		    networks: [10.9.0.0/16]
		rules:
		  - {from: iot, to: net,
		     allow: [tcp/443]}
	END
	cat >f/gateway/a.yaml <<-'END'
		version: 1
		mode: enforce
		include: ../common.yaml
		ports: [lan0, lan1]
		uplinks: [wan0]
		devices:
		  - {name: cam-1, mac: "02:00:00:00:01:01", network_segment: iot,
		     addresses: [10.1.0.7]}
	END
	printf 'version: 1\ninclude: [../common.yaml]\nports:\n  - lan0\nuplinks: [wan0]\n' >f/gateway/b.yaml
	cat >gateways.json <<-'END'
		{"a": {"here": true, "expelled": false, "ports": ["lan0", "lan1", "wan0"], "policy": null},
		 "b": {"here": true, "expelled": false, "ports": ["lan0", "wan0"], "policy": null},
		 "old": {"here": false, "expelled": true, "ports": [], "policy": null}}
	END
	echo '{"a": {"is": "in force"}, "b": {"is": "in force"}}' >becomes.json
	: >asked
}

# says NAME STATUS WORDS ARGUMENT...: also in what is printed
says() {
	local name=$1 status=$2 words=$3

	shift 3
	timeout 60 "$ctl" "$@" >"$dir/out" 2>&1 </dev/null
	[ $? = "$status" ] && grep -qF -- "$words" "$dir/out"
	ok "$name" $?
}
apply() {	# NAME STATUS WORDS ARGUMENT...
	says "$1" "$2" "$3" apply --fleet f --config serve.yaml "${@:4}"
}
# unasked NAME: nothing was ordered
unasked() {
	! grep -q '"do": "apply"' asked
	ok "$1" $?
}
prints() {	# NAME WORDS
	grep -qF -- "$2" "$dir/out"
	ok "$1" $?
}

fresh
says "without cordon-fleet" 1 "fleet: " apply --fleet f --config serve.yaml
says "a gateway that is in no fleet" 1 "this gateway is in no fleet" apply --fleet f --config alone.yaml
says "no such settings" 1 "nowhere.yaml" apply --fleet f --config nowhere.yaml
says "not with a file, too" 2 "too many words" apply --fleet f x.yaml
says "not with --state" 2 "not with --fleet: --state" apply --fleet f --state x
says "--config is a fleet's" 2 "only with --fleet: --config" apply f/gateway/a.yaml --config serve.yaml
says "likewise to confirm" 2 "only with --fleet: --config" confirm --config serve.yaml
says "and --state is not" 2 "not with --fleet: --state" confirm --fleet --state x
/usr/bin/python3 -B "$here/fleet_stub.py" "$dir" >ready 2>stub.log &
stub=$!
for _ in $(seq 100); do
	[ -s ready ] || read -rt 0.1 <> <(:)
done

says "a gateway's file is a policy" 0 "2 segments, 1 networks, 1 rules, 1 devices: good" check f/gateway/a.yaml
apply "a dry run" 0 "f: nothing was changed (--dry-run)" --dry-run
prints "tells what each gateway gets" "a: 2 ports, 2 segments, 1 rules, 1 devices"
unasked "and orders nothing"
apply "both take it" 0 "policy 1 of the fleet is ordered"
prints "which one says" "a: policy 1 in force, generation 3"
prints "and the other" "b: policy 1 in force, generation 3"
/usr/bin/python3 - <<'END'
import json
question = [q for q in map(json.loads, open("asked")) if q["do"] == "apply"][0]
assert question["gateways"] == {n: open(f"f/gateway/{n}.yaml").read() for n in "ab"}, question
assert question["common"] == open("f/common.yaml").read() and question["confirm"] == 0 and not question["force"]
END
ok "the files go as they are" $?

# wrong NAME WORDS SED-FILE SED-EXPRESSION: with the file changed, refused
wrong() {
	fresh
	sed -i "$4" "$3"
	apply "$1" 1 "$2"
	unasked "$1: nothing is ordered"
}
wrong "a port that is not there" "f/gateway/b.yaml:4:5: gateway 'b' has no interface 'lan7'" f/gateway/b.yaml s/lan0/lan7/
fresh
sed -i s/lan0/lan7/ f/gateway/b.yaml
apply "with --force, it is" 0 "b: policy 2 in force" --force
wrong "in the common file, too" "f/common.yaml:1:9: gateway 'b' has no interface 'lan2'" f/common.yaml '1i ports: [lan2]'
wrong "a mistake has its place" "f/gateway/a.yaml:7:62: unknown segment 'iott'" f/gateway/a.yaml 's/: iot,/: iott,/'
wrong "no YAML" "f/gateway/a.yaml:3:5: not YAML" f/gateway/a.yaml '1i {['
wrong "a file of one's own disk" "f/gateway/a.yaml:3:10: a gateway's file of a fleet includes ../common.yaml and nothing else" \
	f/gateway/a.yaml s,../common.yaml,/etc/passwd,
wrong "no version" "f/gateway/b.yaml" f/gateway/b.yaml 1d
fresh
sed -i s/lan0/lan7/ f/gateway/a.yaml f/gateway/b.yaml
apply "all that is wrong is told" 1 "gateway 'a' has no interface 'lan7'"
prints "not only the first" "gateway 'b' has no interface 'lan7'"
fresh
rm f/common.yaml
apply "what is included must be there" 1 "cannot include '../common.yaml'"
sed -i /include/d f/gateway/?.yaml
sed -i '/devices/,$d' f/gateway/a.yaml
apply "without a common file" 0 "is ordered"
prints "there is none for anybody" "b: policy"
fresh
printf 'version: 1\nuplinks: []\n' >f/gateway/c.yaml
apply "a file of a stranger" 1 "f/gateway/c.yaml: there is no gateway of this name in the fleet"
apply "also with --force" 1 "no gateway of this name" --force
mv f/gateway/c.yaml f/gateway/old.yaml
apply "of one that was expelled" 1 "f/gateway/old.yaml: this gateway was expelled"
unasked "nothing of these is ordered"
fresh
rm f/gateway/b.yaml
apply "a gateway without a file" 1 "gateway 'b' is in the fleet, and has no file gateway/b.yaml"
unasked "nothing is ordered"
apply "with --force it keeps what it has" 0 "is ordered" --force
fresh
head -c 600000 /dev/zero | tr '\0' '#' >>f/gateway/a.yaml
apply "a large file" 1 "f/gateway/a.yaml: too large for a fleet"
fresh
printf '{"a": {"here": true, "expelled": false, "ports": ["lan0"], "policy": null}' >gateways.json
rm f/gateway/a.yaml f/common.yaml
printf 'version: 1\nports: [lan0]\nuplinks: []\n' >f/gateway/a.yaml
head -c 500000 /dev/zero | tr '\0' '#' >>f/gateway/a.yaml
for name in b c d e; do
	cp f/gateway/a.yaml f/gateway/$name.yaml
	printf ', "%s": {"here": true, "expelled": false, "ports": ["lan0"], "policy": null}' $name >>gateways.json
done
echo '}' >>gateways.json
apply "all together are too much" 1 "f: too large for a fleet: its files are 2500"
unasked "and nothing is ordered"
fresh
printf 'x\0' >>f/gateway/a.yaml
apply "no text" 1 "f/gateway/a.yaml: a NUL character"
fresh
rm f/gateway/*
apply "no files" 1 "f/gateway: there is no NAME.yaml"
rm -r f/gateway
apply "no directory" 1 "f/gateway: No such file or directory"
fresh
sed -i '/include/d' f/gateway/b.yaml
sed -i '/include/d; /devices/,$d' f/gateway/a.yaml
apply "a common file for nobody" 0 "warning: f/common.yaml: no gateway's file has 'include: ../common.yaml'"

fresh
printf '%s\n' '{"a": {"is": "in force"}, "b": {"is": "refused", "why": "gateway/b.yaml:4:5: no\nsuch"}}' >becomes.json
apply "one refuses" 1 "b: policy"
prints "says so" "is refused, policy 1 is in force"
prints "and why" "    gateway/b.yaml:4:5: no"
prints "the other has it" "in force, generation 3"
fresh
sed -i '/"b"/s/"here": true/"here": false/' gateways.json
echo '{"a": {"is": "in force"}}' >becomes.json
apply "one is not connected" 0 "b: is not connected: it puts it in force when it is back"
fresh
echo '{"a": {"is": "in force"}}' >becomes.json
apply "one does not answer" 1 "b: has not answered within 1 s: see 'cordonctl fleet policy'" --wait 1s
says "--wait is a fleet's" 2 "only with --fleet: --wait" apply f/gateway/a.yaml --wait 1s
says "for a time" 2 "not a duration from 1s to 1d" apply --fleet f --wait 0s
fresh
echo '{"is": "refused", "why": "somebody else ordered a policy meanwhile"}' >answer.json
apply "cordon-fleet refuses" 1 "fleet: refused: somebody else ordered"
echo '{"is": "unreachable", "why": "etcd is out of reach"}' >answer.json
apply "etcd is away" 1 "fleet: unreachable: etcd is out of reach"

fresh
echo '{"a": {"is": "on trial"}, "b": {"is": "on trial"}}' >becomes.json
apply "on trial" 0 "is on trial: each gateway goes back in 300 s unless 'cordonctl confirm --fleet'" --confirm 5m
prints "as each says" "b: policy"
echo '{"a": {"is": "in force"}, "b": {"is": "in force"}}' >becomes.json
says "confirmed" 0 "of the fleet is confirmed" confirm --fleet --config serve.yaml
prints "as each says" "in force, generation 3"
echo '{"is": "refused", "why": "policy 9 of the fleet is confirmed already"}' >answer.json
says "twice" 1 "fleet: refused: policy 9 of the fleet is confirmed already" confirm --fleet --config serve.yaml
for words in "where device" "add gateway" "expel gateway"; do
	says "${words% *}, of nobody: before anything is read" 2 "fleet: which ${words#* }?" fleet "${words% *}" --config none.yaml
done
says "where, of one" 1 "none.yaml" fleet where cam1 --config none.yaml
echo "1..$n"
exit $failed
