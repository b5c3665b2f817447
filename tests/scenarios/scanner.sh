#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# nmap on a device that somebody took over: each way in which it looks for open ports is cut.
# needs: tests/vm/scanner.sh
. "$(dirname "$0")/lib.sh"
tree=$("$(dirname "$0")/../vm/scanner.sh") || exit
setup
mkdir -p "$tree/var"
enter_tree
# What its packages' scripts would link to.
libraries=$(cd "$tree" && ls -d usr/lib/*/blas usr/lib/*/lapack 2>/dev/null | sed 's,^,/,' | paste -sd :)

policy() {
	cat <<-END
		version: 1
		ports: [lan0, lan1]
		uplinks: [wan0, plant0]
		segments:
		  watched:
		    anomalies: {bad_flags: {limit: 5/1h, then: quarantine}, scan: {limit: 40/1h, then: quarantine}}
		  wan: {networks: [0.0.0.0/0, "::/0"]}
		rules:
		  - {from: watched, to: wan, allow: [any]}
		devices:
		  - {name: cam, mac: "$CAM_MAC", network_segment: watched, addresses: [$CAM, "$CAM6"], port: lan0}
	END
}

quarantined() {
	[ "$(counter "devices/$CAM_MAC/state")" = quarantined ]
}

# nmap of cam, as somebody would have it who took it over
scan() {
	LD_LIBRARY_PATH=$libraries run cam nmap -n -Pn --max-retries 0 --host-timeout 60s "$@" </dev/null
}

policy | apply >/dev/null
scan -sS -p 443 $INET >"$work/found" 2>&1
grep -q '^443/tcp open' "$work/found" || sed 's/^/# /' "$work/found"
expect "nmap: one port is found open" grep -q '^443/tcp open' "$work/found"
equal "nmap: one port is no scan" active "$(counter "devices/$CAM_MAC/state")"
while read -r kind how; do
	policy | apply >/dev/null
	before=$(kind "$kind")
	# shellcheck disable=SC2086
	scan $how $INET >"$work/found" 2>&1
	expect "nmap $how: it is quarantined" quarantined
	[ "$(kind "$kind")" -gt "$before" ]
	report $? "nmap $how: for $kind"
	on gw cordonctl device release cam >/dev/null
	expect "nmap $how: released, it goes on" reaches cam tcp $INET 443
done <<-END
	scan -sS -p 1-100
	scan -sT -p 101-200
	scan -sU -p 201-300
	bad_flags -sX -p 1-100
	bad_flags -sN -p 1-100
	bad_flags -sF -p 1-100
END
policy | apply >/dev/null
scan -sS -f -p 1-20 $INET >"$work/found" 2>&1
[ "$(kind fragment)" -gt 0 ]
report $? "nmap -f: its fragments are counted"
! grep -q '/tcp open' "$work/found"
report $? "nmap -f: and find nothing"
finish
