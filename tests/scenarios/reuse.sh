#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# A connection that begins anew on the conntrack entry of an older one gets no verdict from it: clear text is refused and
# counted, TLS 1.3 passes. The long form takes 2,000 turns where the older one had its stamp.
# kernels: all
# seconds: 900
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
	  - {from: wan, to: iot_zone, allow: ["tcp/7000-7999"]}
	devices:
	  - {name: cam, mac: "$CAM_MAC", network_segment: iot_zone, addresses: [$CAM, "$CAM6", $NOBODY]}
END

certificate
server inet tcp/4433 python3 "$here/either.py" serve 4433 "$work/crt" "$work/key"
# ask NAME ANSWERS HOST LINE...: one connection for each line, all from one port
from=5000
ask() {
	local name=$1 wanted=$2 host=$3
	shift 3
	from=$((from + 1))
	equal "$name" "$wanted" "$(on cam python3 "$here/either.py" "$host" 4433 $from "$@" 2>"$work/why" | xargs)"
	sed 's/^/# /' "$work/why"
}
for host in $INET $INET6; do
	for how in reset close "vanish vanish"; do
		before=$(kind plaintext)
		ask "$host: TLS, then $how, then in the clear" "yes no" "$host" "tls $how" plain
		equal "$host: counted once as plaintext" $((before + 1)) "$(kind plaintext)"
		ask "$host: TLS, then $how, then TLS" "yes yes" "$host" "tls $how" tls
	done
	ask "$host: in the clear, then TLS" "no yes" "$host" plain tls
done
equal "nothing else was counted" "0 0 0" "$(kind tls_downgrade) $(kind malformed) $(kind unjudged)"

turns=${TORTURE:+2000}
on cam python3 "$here/reopen.py" "${turns:-6}" "$here/../vectors/tls/o30.flow" "cam,$NOBODY,$(mac_of gw lan0)" \
	"inet,$SOMEWHERE,$(mac_of gw wan0)" >"$work/raw" 2>"$work/why" || sed 's/^/# /' "$work/why"
# arrives WANTED CASE
arrives() {
	equal "$2: $1" "$1" "$(sed -n "s/^$2: //p" "$work/raw")"
}
while IFS=: read -r name _; do
	case $name in
	*", in the clear") arrives rst "$name" ;;
	*", TLS") arrives whole "$name" ;;
	esac
done <"$work/raw"
arrives - "a stale SYN\/ACK"
arrives - "a SYN\/ACK of nobody's SYN"
arrives passed "the connection after them"
arrives syn "a bare SYN"
arrives passed "the connection after it"
arrives - "a bare SYN with data"
finish
