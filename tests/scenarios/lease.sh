#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# States and leases: what a device may do follows at the next packet, for connections that run, too.
# kernels: all
# sanitize: yes
. "$(dirname "$0")/lib.sh"
GW_SERVICES="$SERVICES 67"
setup

policy() {
	cat <<-END
		version: 1
		ports: [lan0, lan1]
		uplinks: [wan0, plant0]
		segments:
		  iot_zone: {authentication: certificate}
		  open: {}
		  plant: {networks: [10.0.50.0/24, "fd00:50::/64"]}
		  wan: {networks: [0.0.0.0/0, "::/0"]}
		rules:
		  $1
		  - {from: open, to: wan, allow: [tcp/443]}
		  - {from: plant, to: iot_zone, allow: [tcp/502]}
		  - {from: update, to: plant, allow: [tcp/80]}
		  - {from: iot_zone, to: gateway, allow: [tcp/22]}
		devices:
		  - {name: cam, mac: "$CAM_MAC", network_segment: iot_zone, addresses: [$CAM, "$CAM6"]}
		  - {name: lock, mac: "$LOCK_MAC", network_segment: open, addresses: [$LOCK, "$LOCK6"]}
	END
}
allowed='- {from: iot_zone, to: wan, allow: [tcp/443]}'
denied='- {from: iot_zone, to: wan, allow: [tcp/444]}'
ctl() {
	on gw cordonctl "$@"
}
state() {
	echo "$(counter "devices/$CAM_MAC/state") $(counter "devices/$CAM_MAC/effective_segment")"
}

policy "$allowed" | apply >/dev/null
equal "a device that must authenticate begins in onboarding" "onboarding onboarding" "$(state)"
equal "and has no lease" 0 "$(counter "devices/$CAM_MAC/lease_seconds")"
expect "onboarding: not yet to where its segment may" blocked cam tcp $INET 443
grows "and counted as unauthenticated" "devices/$CAM_MAC/anomalies/unauthenticated" blocked cam tcp $INET 443
expect "onboarding: DNS on the gateway" reaches cam udp $GW_CAM 53
expect "onboarding: enrolment on the gateway" reaches cam tcp $GW_CAM 8443
expect "onboarding: check-in on the gateway, IPv6" reaches cam tcp $GW_CAM6 8883
expect "onboarding: nothing else on the gateway" blocked cam tcp $GW_CAM 22
expect "onboarding: nobody reaches it" blocked plant tcp $CAM 502
expect "a device that need not is active at once" reaches lock tcp $INET 443

expect "a lease" ctl device lease cam 1h
equal "makes it active in its own segment" "active iot_zone" "$(state)"
expect "active: allowed" reaches cam tcp $INET 443
expect "active, IPv6: allowed" reaches cam tcp $INET6 443
expect "active: what its segment may on the gateway" reaches cam tcp $GW_CAM 22
expect "active: reached by rule" reaches plant tcp $CAM 502

# A transfer in each direction, and the neighbour's beside them as a clock.
bytes() {
	cat "$work/$1" 2>/dev/null || echo 0
}
moved() {
	[ "$(bytes "$1")" -gt $(($2 + ${3:-0})) ]
}
start() {
	on cam probe transfer $INET 443 "$work/up" &
	disown
	on plant probe transfer $CAM 502 "$work/down" &
	disown
	on lock probe transfer $INET 443 "$work/neighbour" &
	disown
	poll 20 moved up 0 && poll 20 moved down 0 && poll 20 moved neighbour 0
	report $? "$1: transfers run"
}
# still NAME FILE...: nothing of these moves while the neighbour's goes on
still() {
	local name=$1 clock at file
	shift
	declare -A at
	# What the sockets had received already is read by now.
	clock=$(bytes neighbour)
	poll 20 moved neighbour "$clock" 20000
	for file; do
		at[$file]=$(bytes "$file")
	done
	clock=$(bytes neighbour)
	poll 20 moved neighbour "$clock" 100000
	report $? "$name: the neighbour's transfer goes on"
	for file; do
		equal "$name: $file stands still" "${at[$file]}" "$(bytes "$file")"
	done
}
stop() {
	pkill -f 'probe transfer'
	rm -f "$work"/{up,down,neighbour}
}

start quarantine
expect "a device is quarantined" ctl device quarantine cam
equal "the state says so" "quarantined quarantine" "$(state)"
still quarantine up down
expect "quarantined: not even DNS" blocked cam udp $GW_CAM 53
grows "quarantined: what it tries is a violation" "devices/$CAM_MAC/anomalies/segment_violation" blocked cam tcp $INET 443
expect "a device is released" ctl device release cam
equal "and active again" "active iot_zone" "$(state)"
clock=$(bytes up)
poll 60 moved up "$clock"
report $? "released: its transfer goes on where it stood"
stop

start "change of policy"
policy "$denied" | apply >/dev/null
still "change of policy" up
expect "the part of the policy that stays, stays" moved down 0
policy "$allowed" | apply >/dev/null
stop

start "end of a lease"
expect "a lease of 3 s" ctl device lease cam 3s
equal "nothing of ours runs" "" "$(pgrep -x cordonctl)"
expired() {
	[ "$(state)" = "expired onboarding" ]
}
poll 10 expired
report $? "a lease ends by itself"
still "end of a lease" up down
grows "expired: unauthenticated" "devices/$CAM_MAC/anomalies/unauthenticated" blocked cam tcp $INET 443
expect "expired: check-in stays open" reaches cam tcp $GW_CAM 8883
expect "a new lease" ctl device lease cam 1h
expect "opens again" reaches cam tcp $INET 443
stop

start outdated
expect "a device is outdated" ctl device set cam --state outdated
equal "and held in update" "outdated update" "$(state)"
still outdated up down
expect "outdated: what rules from update say" reaches cam tcp $PLANT 80
expect "outdated: not what its segment may" blocked cam tcp $INET 443
expect "outdated: not what its segment may on the gateway" blocked cam tcp $GW_CAM 22
expect "outdated: nobody reaches it" blocked plant tcp $CAM 502
expect "outdated: DNS on the gateway" reaches cam udp $GW_CAM 53
expect "outdated: its update's server on the gateway" reaches cam tcp $GW_CAM 8443
expect "outdated: check-in on the gateway, IPv6" reaches cam tcp $GW_CAM6 8883
expect "outdated: DHCP on the gateway" reaches cam udp $GW_CAM 67
equal "sysfs counts it in the built-in segment" 1 "$(counter segments/update/devices)"
policy "$denied" | apply >/dev/null
policy "$allowed" | apply >/dev/null
equal "outdated outlives a change of policy" "outdated update" "$(state)"
expect "and a new lease" ctl device lease cam 1h
equal "which does not lift it" "outdated update" "$(state)"
expect "it is up to date" ctl device set cam --state active
equal "and active in its own segment" "active iot_zone" "$(state)"
clock=$(bytes up)
poll 60 moved up "$clock"
report $? "its transfer goes on where it stood"
stop
expect "a lease is ended" ctl device lease cam 0
equal "it is expired" "expired onboarding" "$(state)"

# The state outlives a change of policy; a device that leaves it is forgotten.
ctl device lease cam 1h >/dev/null
policy "$denied" | apply >/dev/null
equal "a lease outlives a change of policy" "active iot_zone" "$(state)"
packets=$(counter "devices/$CAM_MAC/rx_packets")
[ "$packets" -gt 0 ]
report $? "counters outlive it, too"
expect "a device is deleted" ctl device del cam
refuse "its directory is gone" on gw test -d "/sys/kernel/cordon/devices/$CAM_MAC"
grows "its packets are an unknown device's" anomalies/unknown_device blocked cam tcp $INET 444
finish
