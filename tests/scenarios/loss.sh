#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# TLS inspection on a bad line: segments are lost, come twice, and in disorder. The argument says how many connections of each
# kind (20); ten at a time.
# kernels: 6.1
# seconds: 1500
. "$(dirname "$0")/lib.sh"
setup
here=$(dirname "$0")
times=${1:-20}

cat <<-END | apply >/dev/null
	version: 1
	ports: [lan0, lan1]
	uplinks: [wan0, plant0]
	segments:
	  iot_zone: {encryption: TLS1.3}
	  wan: {networks: [0.0.0.0/0, "::/0"]}
	rules:
	  - {from: iot_zone, to: wan, allow: ["tcp/*"]}
	devices:
	  - {name: cam, mac: "$CAM_MAC", network_segment: iot_zone, addresses: [$CAM, "$CAM6"]}
END
tls() {
	on cam python3 "$here/connect.py" $INET "$1" "$times" 2>"$work/why"
}

certificate
ossl=(openssl s_server -quiet -www -cert "$work/crt" -key "$work/key" -accept)
for n in {0..9}; do
	server inet tcp/443$n "${ossl[@]}" 443$n -tls1_3
	server inet tcp/442$n "${ossl[@]}" 442$n -tls1_2
done
# Behind the gate, on the way to the server and to the device; and before it, on the way from them.
for at in "gw lan0" "gw wan0" "cam eth0" "inet eth0"; do
	tc -n "${at% *}" qdisc add dev "${at#* }" root netem delay 2ms 1ms loss 5% duplicate 5% reorder 25%
	report $? "a bad line at $at"
done
equal "TLS 1.3: all $times complete" "$times" "$(tls 4430-4439)"
sed 's/^/# /' "$work/why"
equal "none of them is counted" "0 0 0 0" "$(kind plaintext) $(kind tls_downgrade) $(kind malformed) $(kind unjudged)"
equal "TLS 1.2: all $times fail" 0 "$(tls 4420-4429)"
sed 's/^/# /' "$work/why"
# A connection that the line itself ended before its verdict is counted nowhere.
counted=$(kind tls_downgrade)
[ "$counted" -le "$times" ] && [ "$counted" -gt $((times * 9 / 10)) ]
report $? "and are counted as tls_downgrade: $counted"
equal "as nothing else" "0 0" "$(kind plaintext) $(kind malformed)"
# Who does not hear that the connection was reset gives up after connection tracking has: its FIN is nobody's.
late=$(grep -c TimeoutError "$work/why")
[ "$(kind unjudged)" -le "$late" ]
report $? "but for what comes of a connection that has ended long since: $(kind unjudged) of $late"
finish
