#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# TLS inspection: what a device of an encrypted segment opens is TLS as it is demanded, or is refused and counted.
# kernels: all
# sanitize: yes
# seconds: 600
. "$(dirname "$0")/lib.sh"
setup
here=$(dirname "$0")
NOBODY=10.0.20.99 SOMEWHERE=192.0.2.99	# cam's and the internet's, but no stack answers for them
ip -n gw neigh replace $NOBODY lladdr $CAM_MAC dev lan0
ip -n gw neigh replace $SOMEWHERE lladdr "$(mac_of inet eth0)" dev wan0

# policy MODE ENCRYPTION: of the segment that cam is in
policy() {
	cat <<-END
		version: 1
		mode: $1
		ports: [lan0, lan1]
		uplinks: [wan0, plant0]
		segments:
		  iot_zone: {encryption: $2, isolate: false}
		  older: {encryption: TLS1.2}
		  plant: {networks: [10.0.50.0/24, "fd00:50::/64"]}
		  wan: {networks: [0.0.0.0/0, "::/0"]}
		rules:
		  - {from: iot_zone, to: wan, allow: ["tcp/*", "udp/*"]}
		  - {from: iot_zone, to: gateway, allow: [tcp/80]}
		  - {from: older, to: wan, allow: ["tcp/*"]}
		  - {from: iot_zone, to: plant, allow: [tcp/502], plaintext: true}
		devices:
		  - {name: cam, mac: "$CAM_MAC", network_segment: iot_zone, addresses: [$CAM, "$CAM6", $NOBODY]}
		  - {name: lock, mac: "$LOCK_MAC", network_segment: older, addresses: [$LOCK, "$LOCK6"]}
	END
}
# tls NS HOST PORT TIMES [--tls12]: how many connections worked
tls() {
	local ns=$1
	shift
	on "$ns" python3 "$here/connect.py" "$@" 2>"$work/why"
}
# counted NAME KIND TIMES COMMAND...: the command's connections do not work, and each is counted once
counted() {
	local name=$1 kind=$2 times=$3 before
	shift 3
	before=$(kind "$kind")
	equal "$name: none works" 0 "$("$@")"
	equal "$name: $times counted as $kind" $((before + times)) "$(kind "$kind")"
	sed 's/^/# /' "$work/why"
}
probed() {	# NS HOST PORT: 1, an echo comes back
	if reaches "$@" >"$work/why" 2>&1; then echo 1; else echo 0; fi
}
open_connections() {
	on inet ss -Htn state established "sport = :$1" | wc -l
}
closed() {
	[ "$(open_connections "$1")" = 0 ]
}

certificate
ossl=(openssl s_server -quiet -www -cert "$work/crt" -key "$work/key" -accept)
server inet tcp/4433 "${ossl[@]}" 4433
server inet tcp/4412 "${ossl[@]}" 4412 -tls1_2
server inet tcp/4413 "${ossl[@]}" 4413 -tls1_3
server inet tcp/4414 "${ossl[@]}" 4414 -tls1_3 -groups P-384
server inet tcp/2222 socat TCP6-LISTEN:2222,fork,reuseaddr SYSTEM:'echo SSH-2.0-server; cat'
server inet tcp/2223 socat -u TCP-LISTEN:2223,fork,reuseaddr OPEN:/dev/null

policy enforce any | apply >/dev/null
equal "control: TLS 1.2 where nothing is demanded" 1 "$(tls cam $INET 4412)"
equal "control: HTTP where nothing is demanded" 1 "$(probed cam tcp $INET 80)"
on cam probe transfer $INET 80 "$work/before" &
disown
moved() {
	[ "$(cat "$work/before" 2>/dev/null || echo 0)" -gt "$1" ]
}
poll 20 moved 0
report $? "control: a transfer in the clear runs"

policy enforce TLS1.3 | apply >/dev/null
unjudged() {
	[ "$(kind unjudged)" -gt 0 ]
}
poll 20 unjudged
report $? "what began before the demand is refused: unjudged"

# One that takes its time, until the end of this scenario
printf %b "$(sed -n '2,/^S/{/^S/!s/../\\x&/gp}' "$here/../vectors/tls/o30.flow" | tr -d '\n')" >"$work/hello"
coproc late { on lock socat - TCP:$INET:2223 2>/dev/null; }
head -c 6 "$work/hello" >&"${late[1]}"
begun=$SECONDS

equal "TLS 1.3" 1 "$(tls cam $INET 4433)"
equal "TLS 1.3, IPv6" 1 "$(tls cam $INET6 4433)"
equal "TLS 1.3, after a HelloRetryRequest" 1 "$(tls cam $INET 4414)"
on gw cordonctl monitor --json --count 1 >"$work/event" 2>"$work/monitor" &
disown
poll 20 grep -q listening "$work/monitor"
counted "a server of TLS 1.2 only" tls_downgrade 1 tls cam $INET 4412
counted "a server of TLS 1.2 only, IPv6" tls_downgrade 1 tls cam $INET6 4412
counted "a client of TLS 1.2 only" tls_downgrade 1 tls cam $INET 4433 1 --tls12
poll 20 closed 4412
report $? "the server does not wait either"
poll 20 test -s "$work/event"
grep -q '"server_name": *"server.example"' "$work/event" && grep -q '"tls_selected": *"TLS1.2"' "$work/event" &&
	grep -q '"tls_offered": *"TLS1.3"' "$work/event"
report $? "the event says which server, what was offered and what selected"
sed 's/^/# /' "$work/event"
counted "HTTP" plaintext 1 probed cam tcp $INET 80
counted "HTTP, IPv6" plaintext 1 probed cam tcp $INET6 80
counted "HTTP to the gateway" plaintext 1 probed cam tcp $GW_CAM 80
counted "a datagram in the clear" plaintext 1 probed cam udp $INET 53
before=$(kind plaintext)
on cam timeout 20 socat -u TCP:$INET:2222 - >"$work/banner" 2>&1
[ ! -s "$work/banner" ] || grep -qi reset "$work/banner"
report $? "a server that speaks first, like SSH: nothing of it arrives"
equal "it is counted as plaintext" $((before + 1)) "$(kind plaintext)"
expect "a rule may exempt" reaches cam tcp $PLANT 502
equal "encryption: TLS1.2 admits 1.2" 1 "$(tls lock $INET 4412)"
equal "and 1.3" 1 "$(tls lock $INET 4413)"
equal "but not what is no TLS" 0 "$(probed lock tcp $INET 80)"
equal "which is counted" 1 "$(kind plaintext $LOCK_MAC)"

# In small segments
small() {
	for ns in cam inet; do
		ip -n $ns route replace default via "$(ip -n $ns route show default | awk '{ print $3 }')" dev eth0 advmss "$1"
	done
}
for mss in 536 88; do
	small $mss
	equal "MSS $mss: TLS 1.3" 5 "$(tls cam $INET 4433 5)"
	counted "MSS $mss: TLS 1.2" tls_downgrade 5 tls cam $INET 4412 5
done
small 1460

# More than a device may have in their handshake at a time
cat >"$work/crowd.py" <<-'END'
	import socket, sys
	held = []
	try:
	    while len(held) < 250:
	        held.append(socket.create_connection((sys.argv[1], 80), timeout=20))
	except OSError as error:
	    print(len(held), type(error).__name__, flush=True)
	sys.stdin.read()
END
mkfifo "$work/hold"
before=$(kind unjudged)
on cam python3 "$work/crowd.py" $INET >"$work/crowd" <>"$work/hold" &
disown
poll 60 test -s "$work/crowd"
equal "200 connections of a device in their handshake, and no more" "200 ConnectionRefusedError" "$(cat "$work/crowd")"
equal "the next is counted as unjudged" $((before + 1)) "$(kind unjudged)"
equal "a neighbour's are its own" 1 "$(tls lock $INET 4433)"
pkill -f "$work/crowd.py"
again() {
	[ "$(tls cam $INET 4433)" = 1 ]
}
poll 30 again
report $? "once they are over, there is room"

# Segments as no honest stack would send them
on cam python3 "$here/raw.py" "$here/../vectors/tls/o30.flow" "cam,$NOBODY,$(mac_of gw lan0)" \
	"inet,$SOMEWHERE,$(mac_of gw wan0)" >"$work/raw" 2>"$work/why" || sed 's/^/# /' "$work/why"
# arrives WANTED CASE
arrives() {
	equal "$2: $1" "$1" "$(sed -n "s/^$2: //p" "$work/raw")"
}
arrives whole "a hello"
arrives - "what lies ahead"
arrives passed "then its beginning"
arrives passed "then the rest, sent again"
arrives passed "what was read before, once more"
arrives whole "a hello behind a second SYN"
arrives - "in the clear, what the first SYN promised"
arrives whole "a SYN with a hello, RFC 7413"
arrives - "a SYN in the clear"
arrives whole "a hello after both opened"
arrives rst "urgent data"
arrives rst "a reset in between"
arrives rst "in the clear, after a reset"

# Longer than a handshake may take
past() {
	[ $SECONDS -gt $((begun + 61)) ]
}
refused_late() {
	[ "$(kind unjudged $LOCK_MAC)" -gt "$before" ]
}
poll 70 past
before=$(kind unjudged $LOCK_MAC)
tail -c +7 "$work/hello" >&"${late[1]}"
poll 20 refused_late
report $? "what goes on after its minute is refused: unjudged"

policy observe TLS1.3 | apply >/dev/null
before=$(kind tls_downgrade)
equal "only observed, TLS 1.2 passes" 1 "$(tls cam $INET 4412)"
equal "and is counted once" $((before + 1)) "$(kind tls_downgrade)"
before=$(kind plaintext)
equal "only observed, HTTP passes" 1 "$(probed cam tcp $INET 80)"
equal "and is counted once" $((before + 1)) "$(kind plaintext)"
finish
