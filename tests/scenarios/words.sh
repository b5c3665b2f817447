#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The policy's words on their way into the kernel and back: uplinks, interfaces, related, protocols, names that look
# like something else; and what apply and check say of a machine that does not fit.
# seconds: 120
. "$(dirname "$0")/lib.sh"
setup
ctl() {
	on gw cordonctl "$@"
}
# says TEXT: the last command that ran with its output in $work/out
says() {
	grep -qF -- "$1" "$work/out" || { sed 's/^/# /' "$work/out"; false; }
}

printf 'version: 1\nports: [lan0, lan1]\n' >"$work/policy.yaml"
refuse "enforce without uplinks: refused" ctl apply "$work/policy.yaml"
cp "$work/said" "$work/out"
says ":1:1: uplinks is missing: name the interfaces that are no ports and may forward, like uplinks: ["
report $? "and told why"
said=$(sed -n 's/.*like uplinks: \[\(.*\)\] (this machine has: \(.*\)); what is in neither list is closed$/\1/p' "$work/out")
equal "with this machine's other interfaces" "plant0 wan0" "$(printf '%s' "$said" | tr -d , | tr ' ' '\n' | sort | xargs)"
printf 'uplinks: [%s]\n' "$said" >>"$work/policy.yaml"
expect "pasted, it is a policy" ctl apply "$work/policy.yaml"
sed -i '/uplinks/d' "$work/policy.yaml"
printf 'mode: observe\n' >>"$work/policy.yaml"
ctl apply "$work/policy.yaml" >"$work/out" 2>&1
report $? "to observe, a policy may do without"
says ':1:1: warning: uplinks is missing: '
report $? "which is warned of"

cat >"$work/words.yaml" <<-END
	version: 1
	ports: [lan0, lan11]
	uplinks: [wan0, "ppp*", wlan7]
	segments:
	  yes: {networks: [10.0.50.0/24], interfaces: [plant0, "wg*"]}
	  "12":
	  null: {networks: ["fd00:50::/64"], interfaces: ["wg*", plant0]}
	  wan: {networks: [0.0.0.0/0, "::/0"]}
	rules:
	  - {from: "12", to: wan, allow: [tcp/21], related: true}
	  - {from: "12", to: yes, allow: [gre, esp, sctp/5060, dccp/1-9, udplite/*, 47, 200, vrrp, ipv6-icmp/*, any]}
	devices:
	  - {name: on, mac: "$CAM_MAC", network_segment: "12", addresses: [$CAM, "$CAM6"], model: 1e3}
END
ctl apply "$work/words.yaml" >"$work/out" 2>&1
report $? "a policy with all the words is applied"
says "port 'lan11': this machine has no such interface"
report $? "a port that is not there: a warning"
! says "rp_filter" >/dev/null
report $? "apply leaves rp_filter to check"
says "uplink 'wlan7': this machine has no such interface"
report $? "an uplink that is not there: a warning"
! says "'ppp" >/dev/null
report $? "a pattern that matches none: no warning"
ctl diff "$work/words.yaml" >"$work/out" 2>&1
equal "the kernel has what the file says" "0 0" "$? $(wc -l <"$work/out" | sed "s/^2$/0/")"
ctl show >"$work/shown.yaml"
ctl diff "$work/shown.yaml" >/dev/null 2>&1
equal "what show prints is what the kernel has" 0 $?
printf 'version: 1\nuplinks: []\n' | apply >/dev/null 2>&1
equal "an empty policy has none of it" "0 0" "$(ctl show uplinks | wc -l) $(ctl show rules | wc -l)"
expect "what show printed is applied" ctl apply "$work/shown.yaml"
ctl show >"$work/again.yaml"
cmp "$work/shown.yaml" "$work/again.yaml"
report $? "and shown the same"
/usr/bin/python3 - "$work/shown.yaml" <<-'END'
	import sys, yaml
	p = yaml.safe_load(open(sys.argv[1]))
	assert list(p["segments"]) == ["yes", "12", "null", "wan"], p["segments"]
	assert p["devices"][0]["name"] == "on" and p["devices"][0]["model"] == "1e3", p["devices"]
	assert p["uplinks"] == ["wan0", "ppp*", "wlan7"], p["uplinks"]
	assert p["segments"]["null"]["interfaces"] == ["wg*", "plant0"], p["segments"]
	assert p["rules"][0]["related"] is True and "related" not in p["rules"][1], p["rules"]
	assert p["rules"][1]["allow"] == ["gre", "esp", "sctp/5060", "dccp/1-9", "udplite/*", "gre", "200", "vrrp",
	                                  "icmp6/*", "any"], p["rules"]
END
report $? "to another reader of YAML, names are names"
equal "show uplinks" "wan0 ppp* wlan7" "$(ctl show uplinks | xargs)"
ctl show rules >"$work/out"
says "12 -> wan: tcp/21 (related)"
report $? "show rules: related"
ctl show segments >"$work/out"
grep -q '^yes .* plant0,wg\*$' "$work/out" && grep -q '^wan .* -$' "$work/out"
report $? "show segments: interfaces"
ctl status >"$work/out"
says "2 ports, 3 uplinks, "
report $? "status counts uplinks"
ctl explain --from on --to 10.0.50.10 --proto esp >"$work/out"
says "allow: a rule opens it"
report $? "explain: a protocol by name"
sed -i 's/, wlan7/, wlan8/; s/, related: true//; s/interfaces: \[plant0, "wg\*"\]/interfaces: [plant0]/' "$work/words.yaml"
ctl diff "$work/words.yaml" >"$work/out" 2>/dev/null
says "+ uplink wlan8" && says "- uplink wlan7" && says "~ segment yes: interfaces: plant0, wg* -> plant0" &&
	says "~ rule 12 -> wan: allow: tcp/21 (related) -> tcp/21"
report $? "diff: uplinks, interfaces, related"

# Who believes a source address: with rp_filter off, nobody asks where it comes from.
source_policy() {
	cat <<-END
		version: 1
		ports: [lan0, lan1]
		uplinks: [wan0, plant0]
		segments:
		  plant: {networks: [10.0.50.0/24]${1-}}
		  wan: {networks: [0.0.0.0/0, "::/0"]}
	END
}
warning="warning: segment 'plant' has networks and names no interfaces, and rp_filter is off on uplink '"
source_policy >"$work/policy.yaml"
ctl check "$work/policy.yaml" >"$work/out" 2>&1
report $? "check: networks anywhere, rp_filter off"
says "$warning"
report $? "is warned of"
for where in wan0 plant0; do
	on gw sysctl -qw net.ipv4.conf.$where.rp_filter=2
done
ctl check "$work/policy.yaml" >"$work/out" 2>&1
! says "rp_filter" >/dev/null
report $? "with rp_filter on: no warning"
on gw sysctl -qw net.ipv4.conf.plant0.rp_filter=0
ctl check "$work/policy.yaml" >"$work/out" 2>&1
says "${warning}plant0'"
report $? "off on one uplink: that one is named"
on gw sysctl -qw net.ipv4.conf.all.rp_filter=1
ctl check "$work/policy.yaml" >"$work/out" 2>&1
! says "rp_filter" >/dev/null
report $? "on for all: no warning"
on gw sysctl -qw net.ipv4.conf.all.rp_filter=0
source_policy ', interfaces: [plant0]' >"$work/policy.yaml"
ctl check "$work/policy.yaml" >"$work/out" 2>&1
! says "rp_filter" >/dev/null
report $? "with interfaces: no warning"
finish
