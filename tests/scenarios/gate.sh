#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# TLS inspection: who is charged with what it refuses, what is older than the demand, what others open towards a device,
# labels that are not Cordon's, DTLS that goes on after conntrack has forgotten it.
# kernels: torture
# seconds: 500
. "$(dirname "$0")/lib.sh"
setup
here=$(dirname "$0")
NOBODY=10.0.20.99 SOMEWHERE=192.0.2.99	# cam's and the internet's, but no stack answers for them
ip -n gw neigh replace $NOBODY lladdr $CAM_MAC dev lan0
ip -n gw neigh replace $SOMEWHERE lladdr "$(mac_of inet eth0)" dev wan0

# policy MODE ENCRYPTION LIMIT: of the segment that cam is in; LIMIT anomalies quarantine
policy() {
	cat <<-END
		version: 1
		mode: $1
		ports: [lan0, lan1]
		uplinks: [wan0, plant0]
		segments:
		  iot_zone:
		    encryption: $2
		    anomalies:
		      plaintext: {limit: $3/60s, then: quarantine}
		      tls_downgrade: {limit: $3/60s, then: quarantine}
		      malformed: {limit: $3/60s, then: quarantine}
		      unjudged: {limit: $3/60s, then: quarantine}
		  servers:
		    encryption: $2
		    anomalies: {tls_downgrade: {limit: 1/60s, then: quarantine}}
		  wan: {networks: [0.0.0.0/0, "::/0"]}
		rules:
		  - {from: iot_zone, to: wan, allow: ["tcp/*", "udp/*"]}
		  - {from: wan, to: iot_zone, allow: ["tcp/*"]}
		  - {from: wan, to: servers, allow: ["tcp/*"]}
		devices:
		  - {name: cam, mac: "$CAM_MAC", network_segment: iot_zone, addresses: [$CAM, "$CAM6", $NOBODY]}
		  - {name: lock, mac: "$LOCK_MAC", network_segment: servers, addresses: [$LOCK, "$LOCK6"]}
	END
}
state() {
	counter "devices/${1:-$CAM_MAC}/state"
}
tls() {	# NS HOST PORT [TIMES [--tls12]]: how many connections worked
	local ns=$1
	shift
	on "$ns" python3 "$here/connect.py" "$@" 2>"$work/why"
}
# ends NAME NS ARGUMENT...: ends.py goes on, and writes to $work/NAME
ends() {
	local name=$1 ns=$2
	shift 2
	on "$ns" python3 "$here/ends.py" "$@" >"$work/$name" 2>&1 <>"$work/never" &
	disown
}
said() {	# NAME WORD
	grep -q "^$2\$" "$work/$1"
}
certificate
ossl=(openssl s_server -quiet -www -cert "$work/crt" -key "$work/key" -accept)
server inet tcp/4433 "${ossl[@]}" 4433 -tls1_3
server inet tcp/4412 "${ossl[@]}" 4412 -tls1_2
server inet tcp/4434 "${ossl[@]}" 4434 -tls1_3
server inet tcp/2222 socat TCP6-LISTEN:2222,fork,reuseaddr SYSTEM:'echo SSH-2.0-server; cat'
server cam tcp/4433 "${ossl[@]}" 4433 -tls1_3
server lock tcp/4412 "${ossl[@]}" 4412 -tls1_2

# Older than the demand. Entries that were made before any policy have no labels.
for host in $INET $INET6; do
	[ $host = $INET ] && port=7002 || port=7003
	ends first.server.$host inet listen $port
	poll 20 listens inet tcp/$port
	ends first.device.$host cam talk "$host" $port
	poll 20 said first.server.$host open && poll 20 said first.device.$host open
	report $? "$host: control: a connection in the clear is open before any policy"
done
policy enforce TLS1.3 1 | apply >/dev/null
for host in $INET $INET6; do
	poll 3 said first.device.$host reset && poll 3 said first.server.$host reset
	report $? "$host: older than any policy: both ends are reset at once"
done
equal "each is counted once" 2 "$(kind unjudged)"
policy enforce any 1 | apply >/dev/null
for host in $INET $INET6; do
	ends server.$host inet listen 7001
	poll 20 listens inet tcp/7001
	ends device.$host cam talk "$host" 7001
	poll 20 said server.$host open && poll 20 said device.$host open
	report $? "$host: control: a connection in the clear is open"
	before=$(kind unjudged)
	policy enforce TLS1.3 1 | apply >/dev/null
	poll 3 said device.$host reset
	report $? "$host: older than the demand: the device's end is reset at once"
	poll 3 said server.$host reset
	report $? "$host: and the server's"
	equal "$host: it is counted once" $((before + 1)) "$(kind unjudged)"
	policy enforce any 1 | apply >/dev/null
done
equal "the device is not quarantined for it" active "$(state)"
policy enforce TLS1.3 1 | apply >/dev/null

# It says nothing for more than a minute, until the end of this scenario.
mkfifo "$work/silent.says"
on cam python3 "$here/ends.py" silent $INET 4434 >"$work/silent" 2>&1 <>"$work/silent.says" &
disown
poll 20 said silent open
begun=$SECONDS

# What a server does on the device's connection is counted of the device, and no limit acts.
before=$(kind tls_downgrade)
equal "a server of TLS 1.2 only: refused" 0 "$(tls cam $INET 4412)"
equal "counted" $((before + 1)) "$(kind tls_downgrade)"
before=$(kind plaintext)
on cam timeout 20 socat -u TCP:$INET:2222 - >"$work/banner" 2>&1
[ ! -s "$work/banner" ] || grep -qi reset "$work/banner"
report $? "a server that speaks first, in the clear: nothing arrives"
equal "counted" $((before + 1)) "$(kind plaintext)"
equal "the limit of 1 does not act" active "$(state)"
equal "control: TLS 1.3" 1 "$(tls cam $INET 4433)"

# What a host says on a connection that it opened is not the device's.
before=$(kind plaintext) all=$(total plaintext) denied=$(counter devices/$CAM_MAC/denied)
refuse "a host speaks plain text to a device's port" reaches inet tcp $CAM 4433
refuse "IPv6" reaches inet tcp $CAM6 4433
equal "it is not counted of the device" "$before" "$(kind plaintext)"
equal "but in the total" $((all + 2)) "$(total plaintext)"
[ "$(counter devices/$CAM_MAC/denied)" -gt "$denied" ]
report $? "and as denied"
equal "the limit does not act" active "$(state)"
equal "control: TLS 1.3 to the device" 1 "$(tls inet $CAM 4433)"

# Half-open connections from outside.
cat >"$work/syns.py" <<-'END'
	import sys
	sys.path.insert(0, sys.argv[1])
	from raw import SYN, End
	device, server = (End(*word.split(",")) for word in sys.argv[2:])
	for port in range(20000, 20450):
	    server.send(device, (port, 9999), SYN, 999, 0, b"")
END
before=$(kind unjudged) all=$(total unjudged)
on cam python3 "$work/syns.py" "$here" "cam,$NOBODY,$(mac_of gw lan0)" "inet,$SOMEWHERE,$(mac_of gw wan0)"
report $? "450 SYNs to a port of the device"
seen() {
	[ "$(on gw grep -c "src=$SOMEWHERE dst=$NOBODY .*dport=9999 " /proc/net/nf_conntrack)" = 450 ]
}
poll 20 seen
report $? "control: they passed"
equal "they take nothing of the device's: its own connections work" 5 "$(tls cam $INET 4433 5)"
equal "nor do they shut others out" 5 "$(tls inet $CAM 4433 5)"
equal "nothing is counted" "$before $all" "$(kind unjudged) $(total unjudged)"

# Labels that are not Cordon's
on gw nft -f - <<-END
	table inet labels {
	  chain forward { type filter hook forward priority -10; tcp dport 4433 ct label set 1; tcp dport 80 ct label set 127; }
	}
END
report $? "an operator's own labels"
equal "a label of the users': TLS 1.3 works" 1 "$(tls cam $INET 4433)"
policy enforce TLS1.3 1000 | apply >/dev/null
before=$(kind plaintext)
refuse "a label of Cordon's, 127, lets nothing through in the clear" reaches cam tcp $INET 80
equal "counted as plaintext" $((before + 1)) "$(kind plaintext)"
mkfifo "$work/cam.says"
server inet tcp/4443 openssl s_server -rev -quiet -cert "$work/crt" -key "$work/key" -accept 4443 -tls1_3
on cam openssl s_client -quiet -connect $INET:4443 <>"$work/cam.says" >"$work/cam.heard" 2>&1 &
disown
echo one >"$work/cam.says"
poll 20 grep -q eno "$work/cam.heard"
report $? "control: a connection of TLS 1.3 runs"
before=$(kind unjudged)
on gw nft add rule inet labels forward tcp dport 4443 ct label set 126
echo two >"$work/cam.says"
judged() {
	[ "$(kind unjudged)" -gt "$before" ]
}
poll 20 judged
report $? "a label set in its verdict: it is refused, and counted as unjudged"
! grep -q owt "$work/cam.heard"
report $? "nothing passes"
on gw nft delete table inet labels

# DTLS that goes on
midway=17fefd00010000000000050010000102030405060708090a0b0c0d0e0f
for host in $INET $INET6; do
	before=$(kind unjudged)
	equal "$host: DTLS that conntrack has forgotten: an ICMP error" ConnectionRefusedError \
		"$(on cam python3 "$here/ends.py" datagram "$host" 53 $midway)"
	equal "$host: counted as unjudged" $((before + 1)) "$(kind unjudged)"
done

# Only observed
policy observe TLS1.3 1 | apply >/dev/null
before=$(kind plaintext)
expect "only observed, HTTP passes" reaches cam tcp $INET 80
equal "and is counted" $((before + 1)) "$(kind plaintext)"
expect "again" reaches cam tcp $INET 80
equal "no limit acts" active "$(state)"
policy enforce TLS1.3 1 | apply >/dev/null
equal "nor does it once it is enforced" active "$(state)"
equal "control: TLS 1.3" 1 "$(tls cam $INET 4433)"

past() {
	[ $SECONDS -gt $((begun + 61)) ]
}
poll 70 past
echo now >"$work/silent.says"
poll 20 said silent 'done'
report $? "silent for a minute after its handshake of TCP, then TLS: it works"

# What the device itself does is charged to it, with the limit.
equal "a device that selects TLS 1.2: refused" 0 "$(tls inet $LOCK 4412)"
equal "counted of it" 1 "$(kind tls_downgrade $LOCK_MAC)"
equal "the limit acts" quarantined "$(state $LOCK_MAC)"
refuse "a device that speaks plain text" reaches cam tcp $INET 80
equal "the limit acts" quarantined "$(state)"
finish
