#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Check-ins: who gets a lease, on whose word, and where it holds.
# kernels: all
# sanitize: yes
# seconds: 600
#
#  twin  cam's MAC and addresses ── lan2 ── gw, besides what lib.sh draws
. "$(dirname "$0")/lib.sh"
extra=twin
setup
host twin lan2 $CAM $CAM6 10.0.20.2 fd00:20::2 $CAM_MAC

cat >"$work/policy" <<-END
	version: 1
	ports: [lan0, lan1, lan2]
	uplinks: [wan0, plant0]
	segments:
	  iot: {authentication: certificate, lease: 20m}
	  critical: {authentication: certificate, lease: 90s}
	  plant: {networks: [10.0.50.0/24, "fd00:50::/64"]}
	  wan: {networks: [0.0.0.0/0, "::/0"]}
	rules:
	  - {from: iot, to: wan, allow: [tcp/443]}
	  - {from: plant, to: iot, allow: [tcp/502]}
	devices:
	  - {name: cam, mac: "$CAM_MAC", network_segment: iot, addresses: [$CAM, "$CAM6"]}
	  - {name: lock, mac: "$LOCK_MAC", network_segment: critical, addresses: [$LOCK, "$LOCK6"], port: lan1}
END
index() {
	on gw cat "/sys/class/net/$1/ifindex"
}
checkin() {
	on gw checkin "$@"
}
# now MAC...: without what is left of the lease
now() {
	checkin show "$@" 2>&1 | sed 's/ [0-9]*$//'
}
# lasts NAME MAC SECONDS: so long, but for what the test itself took
lasts() {
	local left
	left=$(counter "devices/$2/lease_seconds")
	[ "$left" -le "$3" ] && [ "$left" -gt $(($3 - 60)) ] || echo "# $left s are left"
	[ "$left" -le "$3" ] && [ "$left" -gt $(($3 - 60)) ]
	report $? "$1"
}
# says NAME ERRNO WORDS CHECKIN-ARG...: that is refused so, and neither device has changed
says() {
	local name=$1 want="$2: $3" before
	shift 3
	before=$(now $CAM_MAC $LOCK_MAC)
	checkin "$@" >"$work/said" 2>&1
	equal "$name: refused" "1 $want" "$? $(cat "$work/said")"
	equal "$name: nothing changed" "$before" "$(now $CAM_MAC $LOCK_MAC)"
}
# Which of its ports the gateway takes for cam's.
toward() {
	ip -n gw route replace $CAM/32 dev "$1"
	ip -n gw -6 route replace $CAM6/128 dev "$1"
}
lan0=$(index lan0) lan1=$(index lan1) lan2=$(index lan2) wan0=$(index wan0)
toward lan0

says "no policy" ENOENT "no policy is in force" in $CAM_MAC $CAM "$lan0" aa
apply <"$work/policy" >/dev/null

# Refusals before the first lease, then the same with one thing put right.
equal "nobody is authenticated" "cam onboarding onboarding -" "$(now $CAM_MAC)"
says "unknown MAC" ENOENT "no device 02:00:00:00:09:09" in 02:00:00:00:09:09 $CAM "$lan0" aa
says "nobody's address" EADDRNOTAVAIL "address 10.0.20.77 is not bound to $CAM_MAC" in $CAM_MAC 10.0.20.77 "$lan0" aa
says "the neighbour's address" EADDRNOTAVAIL "address $LOCK is not bound to $CAM_MAC, but to lock" in $CAM_MAC $LOCK "$lan0" aa
says "the neighbour's address, IPv6" EADDRNOTAVAIL "$LOCK6 is not bound to $CAM_MAC, but to lock" in $CAM_MAC $LOCK6 "$lan0" aa
says "an uplink" ENODEV "interface $wan0 is no port of the policy" in $CAM_MAC $CAM "$wan0" aa
says "no interface at all" ENODEV "interface 4000000000 is no port of the policy" in $CAM_MAC $CAM 4000000000 aa
says "another's port" EXDEV "lock may be on lan1 only, not on lan0" in $LOCK_MAC $LOCK "$lan0" bb
expect "refused, it is held" blocked cam tcp $INET 443
equal "right address, right port: active" "cam active iot aa" "$(checkin in $CAM_MAC $CAM "$lan0" aa | sed 's/ [0-9]*$//')"
lasts "for as long as its segment says" $CAM_MAC 1200
expect "it may what its segment may" reaches cam tcp $INET 443
equal "the neighbour, from its port" "lock active critical bb" "$(checkin in $LOCK_MAC $LOCK6 "$lan1" bb | sed 's/ [0-9]*$//')"
lasts "for as long as its segment says" $LOCK_MAC 90
on gw cordonctl show devices --json >"$work/json"
grep -q "\"certificate\": \"$(printf 'aa%.0s' {1..32})\"" "$work/json"
report $? "cordonctl shows the certificate"

# Neither does a refusal take anything away.
says "active, from the neighbour's address" EADDRNOTAVAIL "address $LOCK is not bound to $CAM_MAC, but to lock" in $CAM_MAC $LOCK "$lan0" cc
on gw cordonctl device quarantine cam >/dev/null
says "quarantined" EACCES "cam is quarantined" in $CAM_MAC $CAM "$lan0" aa
expect "quarantined, it stays held" blocked cam tcp $INET 443
on gw cordonctl device release cam >/dev/null
expect "released" checkin in $CAM_MAC $CAM "$lan0" aa
expect "it is free" reaches cam tcp $INET 443

# One connection, many check-ins, with not a file to be opened.
expect "800 check-ins over one connection" checkin in $CAM_MAC $CAM6 "$lan0" aa 800
equal "whose is this address" "$CAM_MAC cam" "$(checkin whose $CAM6)"
checkin whose 10.0.20.77 >"$work/said" 2>&1
equal "nobody's" "1 ENOENT: this address is bound to no device" "$? $(cat "$work/said")"

# The same MAC and address on another port: whoever that is, it has not checked in.
unauthenticated=devices/$CAM_MAC/anomalies/unauthenticated
toward lan2
grows "on another port, cam's lease is none" $unauthenticated blocked twin tcp $INET 443
grows "nor over IPv6" $unauthenticated blocked twin tcp $INET6 443
expect "but check-in is open" reaches twin tcp 10.0.20.2 8883
toward lan0
stays "cam itself goes on" $unauthenticated reaches cam tcp $INET 443
expect "over IPv6, too" reaches cam tcp $INET6 443
expect "and is reached" reaches plant tcp $CAM 502
equal "the device is active still" "cam active iot aa" "$(now $CAM_MAC)"
toward lan2
grows "what the twin answers is none of cam's" devices/$CAM_MAC/denied blocked plant tcp $CAM 502
stays "and, as an answer, no anomaly" devices/$CAM_MAC/anomalies/segment_violation blocked plant tcp $CAM 502

expect "a check-in from there" checkin in $CAM_MAC $CAM "$lan2" aa
stays "takes the lease along" $unauthenticated reaches twin tcp $INET 443
expect "over IPv6, too" reaches twin tcp $INET6 443
toward lan0
grows "and leaves none behind" $unauthenticated blocked cam tcp $INET 443
expect "a check-in from an interface not known" checkin in $CAM_MAC $CAM 0 aa
expect "holds on the one port" reaches cam tcp $INET 443
toward lan2
expect "and the other" reaches twin tcp $INET 443
expect "a check-in on the first one" checkin in $CAM_MAC $CAM "$lan0" aa
expect "holds no more on the other" blocked twin tcp $INET 443
expect "a lease by hand" on gw cordonctl device lease cam 1h
equal "has no certificate" "cam active iot -" "$(now $CAM_MAC)"
expect "and is bound to no port" reaches twin tcp $INET 443
toward lan0
expect "neither" reaches cam tcp $INET 443

# Without an address, the port says who it is: who authenticated it on its link knows no more.
says "no address, no interface" EINVAL "a check-in without an address needs its port" in $CAM_MAC - 0 aa
says "no address, an uplink" ENODEV "interface $wan0 is no port of the policy" in $CAM_MAC - "$wan0" aa
says "no address, another's port" EXDEV "lock may be on lan1 only, not on lan0" in $LOCK_MAC - "$lan0" bb
expect "no address, but its port" checkin in $CAM_MAC - "$lan0" aa
expect "a lease as any check-in's" reaches cam tcp $INET 443
toward lan2
grows "and bound to that port" $unauthenticated blocked twin tcp $INET 443
toward lan0
on gw cordonctl device lease cam 1h >/dev/null

# The end of a lease, of one certificate's or whoever's.
equal "no certificate gave it: none ends it" "cam active iot -" "$(checkin end $CAM_MAC aa | sed 's/ [0-9]*$//')"
checkin in $CAM_MAC $CAM "$lan0" aa >/dev/null
equal "another certificate does not end it" "cam active iot aa" "$(checkin end $CAM_MAC ab | sed 's/ [0-9]*$//')"
expect "and it goes on" reaches cam tcp $INET 443
equal "its own does" "cam expired onboarding - 0" "$(checkin end $CAM_MAC aa)"
expect "at the next packet" blocked cam tcp $INET 443
toward lan2
expect "on every port" blocked twin tcp $INET 443
toward lan0
checkin in $CAM_MAC $CAM "$lan0" aa >/dev/null
equal "without a certificate, any ends" "cam expired onboarding - 0" "$(checkin end $CAM_MAC any)"

# What a client that knows the spec alone may say, and may not.
if [ -z "${SANITIZE-}" ]; then
	# do CASE WORDS JSON
	do_checkin() {
		on gw "$(dirname "$0")/../spec/cli.sh" --do checkin --output-json --json "$3" >"$work/ynl" 2>&1
		grep -q -- "$2" "$work/ynl"
		local status=$?
		[ $status = 0 ] || tail -n 3 "$work/ynl" | sed 's/^/# /'
		report $status "the kernel's own client: $1"
	}
	print32=$(printf 'ee%.0s' {1..32})
	id="\"mac\": \"$CAM_MAC\", \"certificate\": \"$print32\""
	need="a check-in needs a MAC, one address and a certificate"
	do_checkin "no certificate" "$need" "{\"device\": {\"mac\": \"$CAM_MAC\", \"address\": \"0a00140b\"}}"
	do_checkin "neither address nor port" "without an address needs its port" "{\"device\": {$id}}"
	do_checkin "two addresses" "$need" "{\"device\": {$id, \"address\": [\"0a00140b\", \"0a00140c\"]}}"
	do_checkin "a name" "no place in this request" "{\"device\": {$id, \"address\": \"0a00140b\", \"name\": \"cam\"}}"
	do_checkin "a port by name" "no place in this request" "{\"device\": {$id, \"address\": \"0a00140b\"}, \"port\": {\"name\": \"lan0\"}}"
	do_checkin "no ifindex" "given by its ifindex" "{\"device\": {$id, \"address\": \"0a00140b\"}, \"port\": {}}"
	equal "none of these has changed anything" "cam expired onboarding -" "$(now $CAM_MAC)"
	do_checkin "all of it" '"certificate": "eeee' "{\"device\": {$id, \"address\": \"0a00140b\"}, \"port\": {\"ifindex\": $lan0}}"
	equal "has" "cam active iot ee" "$(now $CAM_MAC)"
	checkin end $CAM_MAC any >/dev/null
fi
on gw setpriv --reuid 65534 --clear-groups checkin in $CAM_MAC $CAM "$lan0" aa >"$work/said" 2>&1
equal "without CAP_NET_ADMIN" "1 EPERM: not permitted: CAP_NET_ADMIN is needed" "$? $(cat "$work/said")"
equal "there is no lease" "cam expired onboarding -" "$(now $CAM_MAC)"

# Told is what changes.
on gw cordonctl monitor --count 3 >"$work/events" 2>"$work/monitor" &
monitor=$!
poll 20 grep -q listening "$work/monitor"
checkin in $CAM_MAC $CAM "$lan0" aa >/dev/null
checkin in $CAM_MAC $CAM "$lan0" aa >/dev/null
checkin in $CAM_MAC 10.0.20.77 "$lan0" aa >/dev/null 2>&1
checkin end $CAM_MAC ab >/dev/null
checkin in $CAM_MAC $CAM "$lan2" aa >/dev/null
checkin end $CAM_MAC aa >/dev/null
wait $monitor
equal "a check-in, a move and an end are told, and nothing else" "active active expired" \
	"$(sed -n 's/.* device cam: \([a-z]*\),.*/\1/p' "$work/events" | xargs)"
finish
