#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# `cordonctl test`: what of a policy holds, what does not, and where; files that are wrong; JUnit's XML.
set -u
cd "$(dirname "$0")/../.." || exit 2
ctl=$PWD/build/cordonctl
readme=$PWD/README.md
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
. tests/unit/lib.sh
shown=("$dir/out")
cd "$dir" || exit 2
mkdir sub

# README's policy, and a device that has an address.
sed -n '/^version: 1/,/^ *```/p' "$readme" | sed '/```/d' >sub/policy.yaml
echo '  - {name: meter, mac: "02:00:00:00:01:02", network_segment: iot_zone, addresses: [10.0.20.12], port: lan2}' >>sub/policy.yaml

# tried STATUS ARGUMENT...
tried() {
	local status=$1

	shift
	"$ctl" test "$@" >out 2>&1
	[ $? = "$status" ]
}

# has NAME WORDS: the last one printed them
has() {
	grep -qF -- "$2" out
	ok "$1" $?
}

cat >sub/tests.yaml <<-'END'
	policy: policy.yaml
	tests:
	  - {from: thermostat-1, to: wan, proto: tcp, port: 443, expect: allow}
	  - {from: thermostat-1, to: wan, proto: tcp, port: https, expect: allow}
	  - {from: thermostat-1, to: wan, proto: tcp, port: 80, expect: deny, kind: segment_violation}
	  - {from: thermostat-1, to: meter, proto: tcp, port: 443, expect: deny}
	  - {from: iot_zone, to: iot_zone, proto: icmp, port: echo-request, expect: deny, kind: segment_violation}
	  - {from: thermostat-1, state: onboarding, to: wan, proto: tcp, port: 443, expect: deny, kind: unauthenticated}
	  - {from: thermostat-1, state: quarantined, to: gateway, proto: udp, port: 53, expect: allow}
	  - {from: thermostat-1, to: gateway, proto: udp, port: domain, expect: allow}
	  - {from: thermostat-1, to: gateway, proto: tcp, port: 22, expect: deny}
	  - {from: plant, to: thermostat-1, proto: tcp, port: 502, expect: allow}
	  - {from: plant, to: thermostat-1, proto: tcp, port: 502, to_state: quarantined, expect: deny}
	  - {from: wan, to: thermostat-1, proto: tcp, port: 502, expect: deny}
	  - {from: admin, to: gateway, proto: tcp, port: ssh, expect: allow}
	  - {from: admin, to: thermostat-1, proto: tcp, port: 443, expect: allow}
	  - {from: wan, to: gateway, proto: tcp, port: 22, expect: deny}
	  - {from: meter, source: 10.0.20.13, to: wan, proto: tcp, port: 443, expect: deny, kind: spoofed_source}
	  - {from: meter, in: lan1, to: wan, proto: tcp, port: 443, expect: deny, kind: moved_port}
	  - {from: "02:00:00:00:01:02", to: 10.0.50.7, proto: udp, port: 47808, expect: deny}
	  - {name: "by IPv6", from: meter, to: "2001:db8::1", proto: icmp6, port: echo-request, expect: deny}
	  - {name: "a <wrong> & \"quoted\" one", from: meter, to: gateway, proto: gre, expect: allow}
END
tried 1 sub/tests.yaml --junit out.xml
ok "a policy that is not all that is expected" $?
has "it is summed up" "20 expectations: 17 hold, 3 do not"
has "where, what and why: a state" "sub/tests.yaml:9:5: thermostat-1 -> gateway udp/53, quarantined: expected allow, and it is deny: no rule opens it"
has "a segment" "sub/tests.yaml:16:5: admin -> thermostat-1 tcp/443: expected allow, and it is deny: no rule opens it (segment_violation)"
has "one with a name" 'sub/tests.yaml:22:5: a <wrong> & "quoted" one: expected allow'
[ "$(grep -c ': expected ' out)" = 3 ]
ok "and no other" $?
python3 - out.xml >out 2>&1 <<-'END'
	import sys, xml.etree.ElementTree
	suite = xml.etree.ElementTree.parse(sys.argv[1]).getroot()
	assert (suite.tag, suite.get("tests"), suite.get("failures")) == ("testsuite", "20", "3"), suite.attrib
	cases = suite.findall("testcase")
	failed = [(c.get("name"), f.text) for c in cases for f in c.findall("failure")]
	assert len(cases) == 20 and len(failed) == 3, failed
	assert failed[-1] == ('a <wrong> & "quoted" one', "sub/tests.yaml:22:5"), failed
	assert cases[0].get("name") == "thermostat-1 -> wan tcp/443" and not list(cases[0])
END
ok "JUnit: all of them, and which failed" $?
[ "$(stat -c %a out.xml)" = 644 ]
ok "JUnit: whoever builds may read it" $?

sed -i '/quarantined, to: gateway\|from: admin, to: thermo\|wrong/d' sub/tests.yaml
tried 0 sub/tests.yaml
ok "a policy that is" $?
has "it is summed up, too" "17 expectations: 17 hold, 0 do not"
tried 0 - --policy sub/policy.yaml <sub/tests.yaml
ok "from standard input, of another policy" $?
sed 's/10.0.20.12\]/10.0.20.13]/' sub/policy.yaml >other.yaml
tried 1 sub/tests.yaml --policy other.yaml
ok "of a policy that is not" $?
has "which is seen" "expected deny as spoofed_source, and it is allow"

# A kind that it does not count as does not hold.
printf 'tests:\n  - {from: meter, to: wan, proto: tcp, port: 80, expect: deny, kind: unauthenticated}\n' >kind.yaml
tried 1 kind.yaml --policy sub/policy.yaml
ok "another kind" $?
has "which is told" "expected deny as unauthenticated, and it is deny: no rule opens it (segment_violation)"

# wrong NAME TEXT WORDS: a file of that says so, and nothing is tested
wrong() {
	printf '%b' "$2" >wrong.yaml
	tried 1 wrong.yaml --policy sub/policy.yaml --junit none.xml && grep -qF -- "$3" out && ! grep -q "hold," out && [ ! -e none.xml ]
	ok "$1" $?
}
one='from: meter, to: wan, proto: tcp, port: 80'
wrong "no list" 'policy: x\n' "1:1: a file of expectations without 'tests'"
wrong "an empty one" 'tests: []\n' "1:8: no expectation: nothing would be tested"
wrong "not a list" 'tests: 7\n' "1:8: tests must be a list"
wrong "a key that is mistyped" "tests:\n  - {$one, expct: deny}\n" "unknown key 'expct': did you mean 'expect'?"
wrong "without what is expected" "tests:\n  - {$one}\n" "2:5: an expectation without 'expect'"
wrong "no verdict" "tests:\n  - {$one, expect: maybe}\n" "verdict must be deny or allow, not 'maybe'"
wrong "no state" "tests:\n  - {$one, expect: deny, state: asleep}\n" "state must be onboarding, active, expired, outdated or quarantined, not 'asleep'"
wrong "no kind" "tests:\n  - {$one, expect: deny, kind: rude}\n" "unknown anomaly 'rude'"
wrong "a kind of what is allowed" "tests:\n  - {$one, expect: allow, kind: scan}\n" "what is allowed is no anomaly"
wrong "no protocol" "tests:\n  - {from: meter, to: wan, proto: tcq, expect: deny}\n" "2:35: not the name or number of a protocol: 'tcq'"
wrong "no port" "tests:\n  - {from: meter, to: wan, proto: tcp, expect: deny}\n" "2:35: a destination port is needed"
wrong "not a port" "tests:\n  - {from: meter, to: wan, proto: tcp, port: 70000, expect: deny}\n" \
	"2:46: not a port, a service or a type of that protocol: '70000'"

# What cannot be asked does not hold, whatever is expected.
unasked() {	# NAME EXPECTATION WORDS
	printf 'tests:\n  - {%s}\n' "$2" >unasked.yaml
	tried 1 unasked.yaml --policy sub/policy.yaml && grep -qF -- "$3" out
	ok "$1" $?
}
unasked "no such device" 'from: nobody, to: wan, proto: tcp, port: 80, expect: deny' "neither a device, nor a segment, nor an address: 'nobody'"
unasked "a state of what is no device" 'from: wan, state: active, to: meter, proto: tcp, port: 1, expect: deny' \
	"only a device has a state, and 'wan' is none"
unasked "a group" 'from: meter, to: 224.0.0.251, proto: udp, port: 5353, expect: deny' "goes where the gateway's interfaces are"

tried 1 none.yaml
ok "no such file" $?
has "which is told, too" "none.yaml: "
tried 1 sub/tests.yaml --policy none.yaml
ok "no such policy" $?
has "it is named" "none.yaml: "
tried 1 sub/tests.yaml --junit none/out.xml
ok "JUnit's file cannot be written" $?
has "it is named, too" "none/out.xml: "
tried 2
ok "no file" $?
tried 2 a b
ok "two files" $?
tried 2 --frob
ok "no such option" $?
echo "1..$n"
exit $failed
