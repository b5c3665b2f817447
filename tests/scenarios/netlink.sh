#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The family as others use it: the kernel's own client, transactions, confirmation, refusals, events, rights.
# kernels: all
# sanitize: yes
# cpus: 2
. "$(dirname "$0")/lib.sh"
setup
policy() {
	cat <<-END
		version: 1
		ports: [lan0, lan1]
		uplinks: [wan0, plant0]
		segments: {iot: {${2-}}, wan: {networks: [0.0.0.0/0]}}
		rules: [{from: iot, to: wan, allow: [tcp/$1]}]
		devices:
		  - {name: cam, mac: "$CAM_MAC", network_segment: iot, addresses: [$CAM]}
		  - {name: lock, mac: "$LOCK_MAC", network_segment: iot, addresses: [$LOCK]}
	END
}
# says NAME WORDS COMMAND...: it is refused (1), with these words
says() {
	local name=$1 words=$2 status
	shift 2
	"$@" 2>"$work/said" >/dev/null
	status=$?
	[ $status = 1 ] && grep -q -- "$words" "$work/said" && [ "$(wc -l <"$work/said")" = 1 ]
	status=$?
	[ $status = 0 ] || sed 's/^/# /' "$work/said"
	report $status "$name"
}
ynl() {
	on gw "$(dirname "$0")/../spec/cli.sh" "$@"
}
policy 443 | apply >/dev/null

# A client that knows nothing but the spec.
if [ -z "${SANITIZE-}" ]; then
	ynl --dump device-get --output-json >"$work/json" 2>&1
	equal "the kernel's own client dumps the devices" 2 "$(grep -o '"mac": "[^"]*"' "$work/json" | sort -u | wc -l)"
	ynl --dump segment-get --output-json >"$work/json" 2>&1
	grep -q '"name": "quarantine"' "$work/json"
	report $? "and the segments"
	grep -q '"firmware-grace": 604800' "$work/json" && grep -q '"firmware-postpone": 86400' "$work/json"
	report $? "and what they say of firmware"
	ynl --do device-set --json '{"device": {"name": "lock", "state": "quarantined"}}' >"$work/json" 2>&1
	equal "and quarantines a device" quarantined "$(counter "devices/$LOCK_MAC/state")"
	ynl --do device-set --json '{"device": {"name": "lock", "outdated": 1}}' >"$work/json" 2>&1
	equal "and marks it as outdated, which lifts no quarantine" quarantined "$(counter "devices/$LOCK_MAC/state")"
	ynl --do device-get --json '{"device": {"name": "lock"}}' --output-json >"$work/json" 2>&1
	grep -q '"outdated": 1' "$work/json"
	report $? "and is told both"
	ynl --do device-set --json '{"device": {"name": "lock", "outdated": 0}}' >"$work/json" 2>&1
	equal "and takes the mark back, which lifts none either" quarantined "$(counter "devices/$LOCK_MAC/state")"
	ynl --do device-set --json '{"device": {"name": "lock", "outdated": 2}}' >"$work/json" 2>&1
	grep -q "Numerical result out of range" "$work/json"
	report $? "there is no third answer"
	ynl --do device-set --json '{"device": {"name": "lock", "vlan": 4095}}' >"$work/json" 2>&1
	grep -q "Numerical result out of range" "$work/json"
	report $? "nor a VLAN 4095"
	ynl --do device-set --json '{"device": {"name": "lock", "state": "expired"}}' >"$work/json" 2>&1
	grep -q "follows from the lease" "$work/json"
	report $? "a state that cannot be set is refused with a sentence"
	ynl --do device-set --json '{"device": {"name": "nobody", "lease": 5}}' >"$work/json" 2>&1
	grep -q "unknown device nobody" "$work/json"
	report $? "and so is an unknown device"
	ynl --do device-set --json '{"device": {"name": "lock", "effective-segment": "wan"}}' >"$work/json" 2>&1
	grep -q "no place in this request" "$work/json"
	report $? "and what only replies have"
	ynl --do stage --json '{"mode": "observe"}' >"$work/json" 2>&1
	grep -q "begin one" "$work/json"
	report $? "and staging without a transaction"
	ynl --do begin --json '{"generation": 77}' >"$work/json" 2>&1
	grep -q "generation 77 was expected, but 1 is in force" "$work/json"
	report $? "and a stale generation, naming both"
	on gw cordonctl device release lock >/dev/null

	# Where a device has been.
	been() {	# NAME WORDS MEMBERS: they are refused, with these words
		ynl --do destinations-set --json "{\"destinations\": {\"name\": \"cam\"$3}}" >"$work/json" 2>&1
		grep -q -- "$2" "$work/json"
		report $? "destinations: $1"
	}
	key='"key": "000102030405060708090a0b0c0d0e0f"'
	been "of a segment that does not ask" "segment iot has no limit for new_destination" ''
	policy 443 'anomalies: {new_destination: {limit: 1/1h, then: event}}' | apply >/dev/null
	been "without their key" "destinations without their key" ', "hashes": "00000001", "learning": 0'
	been "that nobody has begun to learn" "nobody has begun to learn" ", $key, \"hashes\": \"00000001\""
	been "half a hash" "is of four bytes" ", $key, \"hashes\": \"000000\", \"learning\": 0"
	been "a hash of 0" "no hash of a destination is 0" ", $key, \"hashes\": \"0000000100000000\", \"learning\": 0"
	been "learned for too long" "Numerical result out of range" ", $key, \"learning\": 7776001"
	ynl --do destinations-set --json "{\"destinations\": {\"name\": \"cam\", $key, \"hashes\": \"0000000100000002\", \"learning\": 0}}" \
		>"$work/json" 2>&1
	ynl --do device-get --json '{"device": {"name": "cam"}}' --output-json >"$work/json" 2>&1
	grep -q '"destinations": 2' "$work/json" && grep -q '"learning": 0' "$work/json"
	report $? "destinations: what is not refused is known"
	ynl --dump destinations-get --output-json >"$work/json" 2>&1
	equal "destinations: of both devices they are told" 2 "$(grep -o '"key"' "$work/json" | wc -l)"
	policy 443 | apply >/dev/null

	# How a staged device begins.
	stage() {	# MEMBERS [OPTION...]: a policy with cam, and a device that the kernel does not know, which begins like that
		local members=$1
		shift
		ynl --multi begin '{}' --multi stage "{\"mode\": \"enforce\", \"port\": [{\"name\": \"lan0\"}],
			\"segment\": [{\"name\": \"iot\", \"authentication\": \"certificate\"}], \"device\": [
			{\"name\": \"cam\", \"mac\": \"$CAM_MAC\", \"segment\": \"iot\", \"address\": [\"0a00140b\"],
			 \"state\": \"quarantined\"},
			{\"name\": \"new\", \"mac\": \"02:00:00:00:08:08\", \"segment\": \"iot\", \"address\": [\"0a001463\"],
			 $members}]}" "$@" >"$work/json" 2>&1
	}
	stage '"certificate": "'"$(printf 'aa%.0s' {1..32})"'"'
	grep -q "and no lease" "$work/json"
	report $? "a staged certificate without a lease is refused"
	stage '"lease": 60, "lease-port": "lan9"'
	grep -q "unknown port lan9" "$work/json"
	report $? "and a lease for a port that is not staged"
	stage '"state": "expired"'
	grep -q "follows from the lease" "$work/json"
	report $? "and a state that follows from the lease"
	stage '"lease": 3600, "lease-port": "lan0", "outdated": 1' --multi commit '{}'
	expect "what is not refused comes into force" on gw cordonctl show devices --json
	grep '"name": "new"' "$work/said" >"$work/json"
	grep -q '"state": "outdated".*"lease_seconds": 3[56].*"lease_port": "lan0"' "$work/json"
	report $? "a device that is new begins as staged"
	equal "one that is known stays as it is" onboarding "$(counter "devices/$CAM_MAC/state")"
	policy 443 | apply >/dev/null
fi

# What the kernel only keeps comes back as it went in.
policy 443 "firmware_auto_update: true, firmware: {grace: 0s, postpone: 90m}" >"$work/kept"
expect "grace and postponement of firmware are kept" on gw cordonctl apply "$work/kept"
expect "and are those of the policy" on gw cordonctl diff "$work/kept"
on gw cordonctl show >"$work/json" 2>&1
grep -q "firmware: {grace: 0s, postpone: 90m}" "$work/json"
report $? "and are shown"
policy 443 | apply >/dev/null

# A commit that nobody confirms takes itself back.
generation=$(counter policy/generation)
policy 444 >"$work/other"
expect "a commit that must be confirmed" on gw cordonctl apply --confirm 6s "$work/other"
expect "is in force" blocked cam tcp $INET 443
policy 445 >"$work/third"
on gw cordonctl apply "$work/third" >"$work/said" 2>&1
grep -q "awaits confirmation" "$work/said"
report $? "no other commit comes in between"
back() {
	reaches cam tcp $INET 443 500
}
expect "unconfirmed, the policy before comes back" poll 30 back
equal "as a generation of its own" $((generation + 2)) "$(counter policy/generation)"
expect "another" on gw cordonctl apply --confirm 60s "$work/other"
expect "is confirmed, from another session" setsid -w ip netns exec gw cordonctl confirm
says "only once" "no policy awaits confirmation" on gw cordonctl confirm
expect "and stays" blocked cam tcp $INET 443
policy 443 | apply >/dev/null

# Limits act in the packet path.
policy 443 'anomalies: {segment_violation: {limit: 5/60s, then: quarantine}}' | apply >/dev/null
expect "below the limit nothing happens" blocked cam tcp $INET 80
equal "it is still active" active "$(counter "devices/$CAM_MAC/state")"
for i in 1 2 3 4 5; do
	on cam probe udp $INET 9 50
done
equal "at the limit it is quarantined" quarantined "$(counter "devices/$CAM_MAC/state")"
expect "at once" blocked cam tcp $INET 443
on gw cordonctl device release cam >/dev/null
expect "and free again when released" reaches cam tcp $INET 443

# The first anomaly of a device takes memory. Without any it is denied, counted as far as can be, told, and a limit that
# quarantines does so at once.
fail=/sys/kernel/debug/failslab
memory() {
	echo $((!$1 * 100)) >$fail/probability
}
# violate COUNT
violate() {
	for ((i = 0; i < $1; i++)); do
		on cam probe udp $INET 9 50
	done
}
seen() {
	echo "$(counter "devices/$CAM_MAC/anomalies/segment_violation") $(counter "devices/$CAM_MAC/denied")" \
		"$(counter "devices/$CAM_MAC/state") $(($(counter anomalies/segment_violation) - before))"
}
if [ "$(cat /sys/kernel/slab/kmalloc-512/failslab 2>/dev/null)" = 1 ]; then
	on gw cordonctl device del cam >/dev/null
	policy 443 'anomalies: {segment_violation: {limit: 3/60s, then: event}}' | apply >/dev/null
	expect "a device that has done nothing wrong" reaches cam tcp $INET 443
	printf 'Y\n' | tee $fail/cache-filter >$fail/ignore-gfp-wait
	printf -- '-1\n' >$fail/times
	echo 0 >$fail/verbose
	before=$(counter anomalies/segment_violation)
	on gw cordonctl monitor --count 1 >"$work/events" 2>"$work/monitor" &
	monitor=$!
	poll 20 grep -q listening "$work/monitor"
	memory 0
	violate 4
	memory 1
	wait $monitor
	equal "no memory: what can be counted is, and no other limit acts" "0 4 active 4" "$(seen)"
	expect "and it is told" grep -q 'anomaly segment_violation: cam .*: denied' "$work/events"
	policy 443 'anomalies: {segment_violation: {limit: 1000/60s, then: quarantine}}' | apply >/dev/null
	memory 0
	violate 1
	memory 1
	equal "a limit that quarantines does so at once" "0 5 quarantined 5" "$(seen)"
	on gw cordonctl device release cam >/dev/null
	violate 2
	equal "with memory, only when it is reached" "2 7 active 7" "$(seen)"
	expect "and what is allowed passes" reaches cam tcp $INET 443
fi

policy 443 | apply >/dev/null

# Events.
on gw cordonctl monitor --count 2 >"$work/events" 2>"$work/monitor" &
monitor=$!
poll 20 grep -q listening "$work/monitor"
on gw cordonctl device quarantine lock >/dev/null
on lock probe udp $INET 9 50
wait $monitor
when='[0-9]\{4\}-[0-9][0-9]-[0-9][0-9] [0-9:]\{8\}'
equal "a change of state is told, with the time" "device lock: quarantined, in quarantine, lease 0 s" \
	"$(sed -n "1s/^$when //p" "$work/events")"
grep -q "^$when anomaly segment_violation: lock ($LOCK_MAC) on lan1: $LOCK -> $INET udp/9[ (a-z)]*: denied" "$work/events"
report $? "an anomaly is told"
on gw cordonctl status >"$work/said"
grep -q "^devices: .*1 quarantined" "$work/said"
report $? "status has devices by their states"
on gw cordonctl device release lock >/dev/null

# Rights, namespaces, single changes.
says "without CAP_NET_ADMIN nobody hears where devices go" "not permitted" on gw setpriv --reuid 65534 --clear-groups \
	cordonctl device learn cam
says "without CAP_NET_ADMIN nothing changes" "not permitted" on gw setpriv --reuid 65534 --clear-groups cordonctl device quarantine cam
expect "but everybody may look" on gw setpriv --reuid 65534 --clear-groups cordonctl show devices
expect "the owner of a user namespace rules its network" unshare -Urn cordonctl apply "$work/other"
equal "and the gateway's policy knows nothing of it" active "$(counter "devices/$LOCK_MAC/state")"
says "a device's address is one device's" "is bound to device cam already" on gw cordonctl device add new --mac 02:00:00:00:05:05 --segment iot --address $CAM
says "so is its MAC" "the MAC is taken" on gw cordonctl device add new --mac $CAM_MAC --segment iot --address 10.0.20.77
says "a VLAN is of a port" "device cam: a VLAN is from 1 to 4094, and of a port" on gw cordonctl device set cam --vlan 20
says "an unknown segment" "unknown segment nowhere" on gw cordonctl device set cam --segment nowhere
expect "a device is added" on gw cordonctl device add new --mac 02:00:00:00:05:05 --segment iot --address 10.0.20.77 --port lan0
equal "and known" new "$(counter devices/02:00:00:00:05:05/name)"
expect "and deleted" on gw cordonctl device del 02:00:00:00:05:05
ip -n gw link add br0 type bridge
ip -n gw link set lan0 master br0
on gw cordonctl show interfaces >"$work/interfaces"
expect "a port that is put into a bridge is one still" grep -q '^lan0 *port ' "$work/interfaces"
expect "and the bridge is one of ports" grep -q '^br0 *bridge .*port lan0 is in it' "$work/interfaces"
ip -n gw link set lan0 nomaster
on gw cordonctl show interfaces >"$work/interfaces"
expect "and outside of it, too" grep -q '^lan0 *port ' "$work/interfaces"
expect "and the bridge is in no list" grep -q '^br0 *closed .*does not list it' "$work/interfaces"
ip -n gw link set lan1 down
ip -n gw link set lan1 name lan7
ip -n gw link set lan7 up
ip -n gw route replace 10.0.30.0/24 dev lan7 2>/dev/null
grows "an interface with another name is no port, and closed" anomalies/unlisted on lock probe tcp $INET 443 300
rmmod cordon
says "without the module" "is the module loaded? try 'cordonctl module load'" on gw cordonctl status
expect "cordonctl loads it" cordonctl module load lockdown=1
expect "lockdown: nothing is forwarded before the first policy" blocked cam tcp $INET 443
expect "lockdown: the gateway itself is there" reaches cam tcp $GW_CAM 22
policy 443 | apply >/dev/null
expect "lockdown: the first policy opens" reaches cam tcp $INET 443
finish
