#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The picture of a policy: sound, and what it shows is what the policy says. See draw.py.
set -u
cd "$(dirname "$0")/../.." || exit 2
ctl=$PWD/build/cordonctl
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
. tests/unit/lib.sh
shown=("$dir/out" "$dir/err")
unit=${CORDON_UNIT:-$PWD/build/unit}

make -s userspace serve-programs >"$dir/out" 2>&1
ok "cordonctl is made" $?

# see VERB FILE ...: by draw.py
see() {
	/usr/bin/python3 tests/unit/draw.py "$@" >"$dir/out" 2>&1
}

cat >"$dir/small.yaml" <<-END
	version: 1
	ports: [xlan0]
	uplinks: [xwan0]
	segments: {iot: {}, wan: {networks: [0.0.0.0/0]}}
	rules: []
	devices:
	  - {name: cam, mac: "02:00:00:00:01:01", network_segment: iot, addresses: [10.9.20.11]}
	  - {name: bell, mac: "02:00:00:00:01:02", network_segment: iot, addresses: [10.9.20.12]}
END
cat >"$dir/open.yaml" <<-END
	version: 1
	mode: observe
	ports: [xlan0]
	uplinks: [xwan0]
	unknown: guests
	segments:
	  iot: {encryption: TLS1.3, authentication: none}
	  family: {isolate: false}
	  guests: {encryption: TLS1.2}
	  plant: {networks: [10.9.50.0/24], interfaces: ["xplant*"]}
	  office: {networks: [10.9.60.0/24], interfaces: [xoffice0]}
	  wan: {networks: [0.0.0.0/0]}
	rules:
	  - {from: iot, to: wan, allow: [tcp/443, udp/5000-5010]}
	  - {from: iot, to: wan, allow: [tcp/21], related: true}
	  - {from: iot, to: iot, allow: [tcp/22], plaintext: true}
	  - {from: family, to: iot, allow: [any], plaintext: true}
	  - {from: guests, to: wan, allow: [tcp/*, icmp/echo-request]}
	  - {from: plant, to: gateway, allow: [tcp/22]}
	  - {from: iot, to: gateway, allow: [tcp/443]}
	  - {from: quarantine, to: wan, allow: [tcp/80]}
	  - {from: plant, to: onboarding, allow: [tcp/80]}
	devices:
	  - {name: cam, mac: "02:00:00:00:01:01", network_segment: iot, addresses: [10.9.20.11]}
	  - {name: bell, mac: "02:00:00:00:01:02", network_segment: iot, addresses: [10.9.20.12]}
	  - {name: pad, mac: "02:00:00:00:01:03", network_segment: family, addresses: [10.9.20.13]}
	  - {name: tv, mac: "02:00:00:00:01:04", network_segment: family, addresses: [10.9.20.14]}
	  - {name: phone, mac: "02:00:00:00:01:05", network_segment: guests, addresses: [10.9.20.15]}
	  - {name: watch, mac: "02:00:00:00:01:06", network_segment: guests, addresses: [10.9.20.16]}
	  - {name: fax, mac: "02:00:00:00:01:07", network_segment: office, addresses: [10.9.20.17]}
	  - {name: copier, mac: "02:00:00:00:01:08", network_segment: office, addresses: [10.9.20.18]}
END
sed -n '/^```yaml/,/^```/{/^```/d;p}' README.md >"$dir/readme.yaml"
for name in small open readme; do
	for form in matrix graph; do
		"$ctl" policy draw --$form "$dir/$name.yaml" >"$dir/$name-$form.svg" 2>"$dir/err" && see sound "$dir/$name-$form.svg"
		ok "$name, $form: sound" $?
		see cells "$dir/$name-$form.svg" "$dir/$name.yaml"
		ok "$name, $form: what rules open, and nothing else" $?
	done
	see contrast "$dir/$name-matrix.svg"
	ok "$name: can be read, light and dark" $?
done
for name in small open; do
	see agrees "$dir/$name-matrix.svg" "$dir/$name.yaml" "$ctl"
	ok "$name: what explain says" $?
done
"$ctl" explain --policy "$dir/open.yaml" --from fax --to 10.9.60.5 --proto tcp --dport 80 >"$dir/out" 2>"$dir/err" &&
	sed -n '/data-from="office" data-to="office"/,/^<.g>/p' "$dir/open-matrix.svg" >"$dir/office" &&
	grep -qF '>any</text><circle class="mark"' "$dir/office"
ok "of a segment of hosts and isolated devices, both" $?
sed 's|data-from="plant" data-to="gateway"|data-from="plant" data-to="iot"|' "$dir/open-matrix.svg" >"$dir/wrong.svg"
! see cells "$dir/wrong.svg" "$dir/open.yaml" && ! see agrees "$dir/wrong.svg" "$dir/open.yaml" "$ctl"
ok "a planted fault is found" $?
"$ctl" policy draw - <"$dir/open.yaml" | cmp - "$dir/open-matrix.svg" >"$dir/out" 2>&1
ok "once more, and from standard input: the same bytes" $?
grep -qF 'mode observe' "$dir/open-matrix.svg" && ! grep -qF 'mode observe' "$dir/small-matrix.svg"
ok "of a policy that only observes, that it does" $?
grep -qF 'unlisted devices' "$dir/open-matrix.svg" && ! grep -qF 'unlisted devices' "$dir/small-matrix.svg"
ok "where devices are that no policy lists" $?
width=$(sed -n 's/^<svg.* width="\([0-9]*\)".*/\1/p' "$dir/readme-matrix.svg")
[ $((13 * 390 / ${width:-9999})) -ge 10 ]
ok "README's, 390 pixels wide: letters of 10 pixels or more" $?

# What no file says
for form in matrix graph; do
	[ $form = matrix ] && times=16 || times=1
	for what in hostile crowded none embedded 128; do
		"$unit/draw" $what $form >"$dir/$what-$form.svg" 2>"$dir/err" && see sound "$dir/$what-$form.svg"
		ok "$what, $form: sound" $?
	done
	"$unit/draw" 128 $form | cmp - "$dir/128-$form.svg" >"$dir/out" 2>&1
	ok "128 segments, $form: the same bytes" $?
	/usr/bin/python3 -c '
import collections, sys, xml.etree.ElementTree as ET
seen = collections.Counter(e.text for e in ET.parse(sys.argv[1]).iter() if e.get("class") == "name")
sys.exit(seen != {f"segment_{i}": int(sys.argv[2]) for i in range(128)})' \
		"$dir/128-$form.svg" $times >"$dir/out" 2>&1 &&
		[ "$(wc -c <"$dir/128-$form.svg")" -lt 1000000 ]
	ok "128 segments, $form: all are there, in a matrix each 16 rows and columns again, in less than a megabyte" $?
	! grep -E '<style|<\?xml|style=' "$dir/embedded-$form.svg" >"$dir/out"
	ok "$form, in a page: no style of its own" $?
	grep -qF '<text class="quiet"' "$dir/crowded-$form.svg" && grep -qF '>P</text>' "$dir/crowded-$form.svg"
	ok "$form: what has no room is counted, and hides no plaintext" $?
	"$unit/draw" hostile $form >/dev/full 2>"$dir/err"
	[ $? = 1 ] && grep -qF 'Input/output error' "$dir/err"
	ok "$form: what cannot be written is told" $?
done
! grep -lE 'nobody|nowhere' "$dir"/hostile-*.svg >"$dir/out"
ok "a rule of a segment that is not there is left out" $?

# The policy in force, of a kernel of straw
truncate -s 64K "$dir/kernel"
export CORDON_FAKE_KERNEL=$dir/kernel CORDON_FAKE_POLICY=$dir/open.yaml
build/serve/cordonctl policy draw --live >"$dir/live.svg" 2>"$dir/err" && see sound "$dir/live.svg" &&
	see cells "$dir/live.svg" "$dir/open.yaml" &&
	grep -qxF 'iot to wan: tcp/443, udp/5000-5010; used in the last day.' "$dir/live.svg" &&
	grep -qxF 'iot to wan: tcp/21; related, too; not used in the last day.' "$dir/live.svg" &&
	grep -qxF 'iot to iot: tcp/22; plaintext, too; not used since rules were last changed.' "$dir/live.svg" &&
	[ "$(grep -c 'class="mark full"' "$dir/live.svg")" -ge 4 ] && grep -qF '>used before that</text>' "$dir/live.svg"
ok "--live: the policy in force, and when its rules were used" $?
! grep -F 'used' "$dir/open-matrix.svg" >"$dir/out"
ok "of a file, nothing is said of that" $?
CORDON_FAKE_NO_POLICY=1 build/serve/cordonctl policy draw --live >"$dir/out" 2>"$dir/err"
[ $? = 1 ] && [ ! -s "$dir/out" ] && grep -qxF 'cordonctl: policy: none is in force, everything passes' "$dir/err"
ok "--live: without a policy in force, no picture that says that it is closed" $?

# refused STATUS WORDS ARGUMENT...
refused() {
	local status=$1 words=$2

	shift 2
	"$ctl" policy "$@" >"$dir/out" 2>"$dir/err"
	[ $? = "$status" ] && [ ! -s "$dir/out" ] && grep -qF -- "$words" "$dir/err"
	ok "refused: policy ${*##*/}" $?
}
refused 2 "draw?"
refused 2 "draw?: 'paint'" paint
refused 2 "a file, or --live: 'x.yaml'" draw --live x.yaml
refused 2 "--matrix or --graph?" draw --matrix --graph
refused 2 "too many words: 'y'" draw x y
refused 2 "no such option" draw --circle
refused 1 "none.yaml" draw "$dir/none.yaml"
sed 's/to: wan/to: nowhere/' "$dir/open.yaml" >"$dir/wrong.yaml"
refused 1 "wrong.yaml:14:" draw "$dir/wrong.yaml"
"$ctl" policy draw "$dir/small.yaml" 2>"$dir/err" >/dev/full
[ $? = 1 ] && grep -qF 'the picture cannot be written' "$dir/err"
ok "a full disk is told" $?

mkdir "$dir/main.d"
{ sed '/^rules/,$d' "$dir/small.yaml"; echo 'include: main.d/*.yaml'; } >"$dir/main.yaml"
sed -n '/^devices/,$p' "$dir/small.yaml" >"$dir/main.d/devices.yaml"
echo 'rules: [{from: iot, to: wan, allow: [tcp/443]}]' >"$dir/main.d/rules.yaml"
"$ctl" policy draw "$dir/main.yaml" 2>"$dir/err" | grep -xF 'iot to wan: tcp/443.' >"$dir/out"
ok "of a policy in several files, all" $?

mkdir "$dir/pictures"
make -s picture-policy PICTURES="$dir/pictures" >"$dir/out" 2>&1 &&
	cmp "$dir/pictures/policy.svg" Documentation/pictures/policy.svg >>"$dir/out" 2>&1
ok "Documentation/pictures/policy.svg is README's policy (make pictures)" $?
echo "1..$n"
exit $failed
