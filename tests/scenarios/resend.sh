#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Segments that are sent again pass if their bytes are the ones that were read, however they are cut.
# kernels: all
# seconds: 300
. "$(dirname "$0")/lib.sh"
setup
here=$(dirname "$0")
NOBODY=10.0.20.99 SOMEWHERE=192.0.2.99	# cam's and the internet's, but no stack answers for them
ip -n gw neigh replace $NOBODY lladdr $CAM_MAC dev lan0
ip -n gw neigh replace $SOMEWHERE lladdr "$(mac_of inet eth0)" dev wan0

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
	  - {name: cam, mac: "$CAM_MAC", network_segment: iot_zone, addresses: [$CAM, "$CAM6", $NOBODY]}
END
on cam python3 "$here/resend.py" "$here/../vectors/tls/o30.flow" "cam,$NOBODY,$(mac_of gw lan0)" \
	"inet,$SOMEWHERE,$(mac_of gw wan0)" >"$work/raw" 2>"$work/why" || sed 's/^/# /' "$work/why"
# arrives WANTED CASE
arrives() {
	equal "$2: $1" "$1" "$(sed -n "s/^$2: //p" "$work/raw")"
}
arrives rst "the hello's place, in the clear"
arrives rst "its end, with another byte"
arrives whole "the hello again"
arrives passed "again, cut elsewhere"
arrives passed "again, its other part"
arrives passed "cut elsewhere, with what follows"
arrives rst "another byte before what follows"
arrives passed "other bytes in place of acknowledged ones"
arrives passed "and the rest after them"
arrives passed "the server's hello again"
arrives rst "its place, in the clear"
arrives passed "what follows it"
arrives whole "the client's hello again, after it"
arrives passed "what follows once that is acknowledged"
arrives rst "an urgent byte is announced"
arrives - "more than may be in flight"
arrives passed "once some of it is acknowledged"
equal "other bytes than before are malformed, and so is an urgent byte" 5 "$(kind malformed)"
equal "nothing else was counted" "0 0 0" "$(kind plaintext) $(kind tls_downgrade) $(kind unjudged)"
finish
