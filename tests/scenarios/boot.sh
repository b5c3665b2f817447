#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Boot, restart, another module, no module: a quarantined device and an intruder send all the time, and nothing of theirs
# comes through. A healthy device with a lease sends, too: that its packets come through again is the clock.
# seconds: 900
. "$(dirname "$0")/lib.sh"
STRAY=10.0.30.99	# an address on lock's link that is nobody's
setup
rmmod cordon
state=$work/state
mkdir "$work/modprobe"

policy() {	# [LINE...]: further ones
	cat <<-END
		version: 1
		ports: [lan0, lan1]
		uplinks: [wan0, plant0]
		segments:
		  iot: {}
		  critical: {authentication: certificate}
		  wan: {networks: [0.0.0.0/0]}
		rules:
		  - {from: iot, to: wan, allow: [icmp/echo-request]}
		  - {from: critical, to: wan, allow: [icmp/echo-request]}
		devices:
		  - {name: cam, mac: "$CAM_MAC", network_segment: iot, addresses: [$CAM]}
		  - {name: lock, mac: "$LOCK_MAC", network_segment: critical, addresses: [$LOCK]}
	END
	printf '%s\n' "$@"
}
ctl() {
	on gw cordonctl "$@"
}
boot() {
	ctl boot "$work/policy.yaml" --state "$state" "$@"
}
reload() {
	ctl module reload "$work/policy.yaml" --state "$state" "$@"
}
# What has arrived of whom: cam, lock or stray
arrived() {
	on inet nft list counter ip seen "$1" | sed -n 's/.*packets \([0-9]*\) .*/\1/p'
}
more() {	# NAME THAN
	[ "$(arrived "$1")" -gt "$2" ]
}
# flows NAME WHOM: it comes through, now and for a while
flows() {
	local before
	before=$(arrived "$2")
	poll 30 more "$2" $((before + 20))
	report $? "$1"
}
# held NAME: nothing has come from cam and the intruder since the last time this was asked
held() {
	equal "$1: of the quarantined device 0 packets came through" "$cam" "$(arrived cam)"
	equal "$1: of the intruder 0 packets came through" 0 "$(arrived stray)"
}
has() {
	ctl show devices --json | shows "\"name\": \"$1\""
}
saved() {	# PATTERN: what watch has written
	grep -q "$1" "$state/state"
}
state_of() {
	counter "devices/$1/state"
}
# tells NAME WORDS: what was called last did
tells() {
	grep -q -- "$2" "$work/said"
	report $? "$1"
}

on lock ip addr add $STRAY/24 dev eth0
on inet nft -f - <<-END
	table ip seen {
		counter cam {}
		counter lock {}
		counter stray {}
		chain input {
			type filter hook input priority 0;
			icmp type echo-request ip saddr $CAM counter name cam
			icmp type echo-request ip saddr $LOCK counter name lock
			icmp type echo-request ip saddr $STRAY counter name stray
		}
	}
END
on cam ping -q -i 0.02 $INET >/dev/null &
on lock ping -q -i 0.02 $INET >/dev/null &
on lock ping -q -i 0.02 -I $STRAY $INET >/dev/null &
disown -a
for who in cam lock stray; do
	flows "without a module everything is forwarded: $who" $who
done

# The power comes back: no interface is up yet.
for port in lan0 lan1; do
	ip -n gw link set $port down
done
on inet nft reset counters >/dev/null
policy >"$work/policy.yaml"
expect "boot, without a state" boot
for port in lan0 lan1; do
	ip -n gw link set $port up
done
flows "boot: the policy is in force" cam
equal "boot: a device without a lease is held" 0 "$(arrived lock)"
refuse "boot: the table that closed the gateway is gone" on gw nft list table inet cordon_closed
expect "boot: the policy is kept as the last good one" grep -q "name: \"cam\"" "$state/policy.yaml"
equal "and only root reads it" "600 600" "$(stat -c %a "$state/policy.yaml" "$state/state" | xargs)"

on gw cordonctl state watch --state "$state" >"$work/watch" 2>&1 &
disown
expect "a check-in" on gw checkin in $LOCK_MAC $LOCK "$(on gw cat /sys/class/net/lan1/ifindex)" aa
ctl show devices --json >"$work/said"
tells "which shows its port" '"lease_port": "lan1"'
expect "a device is added at run time" ctl device add extra --mac 02:00:00:00:07:07 --segment iot --address 10.0.20.77
expect "and quarantined, by its MAC" ctl device quarantine 02:00:00:00:07:07
expect "a device is quarantined" ctl device quarantine cam
expect "the state is written by itself: quarantine" poll 30 saved quarantined
expect "the lease, and its port" poll 30 saved '"lease_port": "lan1"'
expect "the device that was added" poll 30 saved 10.0.20.77
told() {	# WORDS: what watch has said; there is no journal here
	grep -q "^cordon: $1" "$work/watch"
}
expect "a quarantine is told of" poll 30 told "device cam: quarantined, was active, in segment quarantine"
expect "and what the device sends then" poll 30 told "anomaly .*: cam ($CAM_MAC) on lan0: $CAM -> $INET icmp/echo-request: denied"
flows "the healthy device sends" lock
cam=$(arrived cam)
held "before"

expect "the state is saved" ctl state save --state "$state"
expect "restart" boot
flows "restart: the healthy device sends" lock
held restart

# The module goes and comes: another version, say.
lease=$(counter "devices/$LOCK_MAC/lease_seconds")
on gw checkin show $LOCK_MAC | sed 's/ [0-9]*$//' >"$work/before"
expect "another module" reload
flows "another module: the healthy device sends" lock
held "another module"
equal "its lease is the same check-in's" "$(cat "$work/before")" "$(on gw checkin show $LOCK_MAC | sed 's/ [0-9]*$//')"
[ "$(counter "devices/$LOCK_MAC/lease_seconds")" -le $((lease + 1)) ]
report $? "and no longer than it was"
expect "the device that was added is there" has extra
equal "and in the state that it was in" quarantined "$(state_of 02:00:00:00:07:07)"
expect "the state goes into a file" ctl state save "$work/copy" --state "$state"
expect "it is shown" ctl state show "$work/copy" --state "$state"
tells "with the quarantine" "$CAM_MAC cam: quarantined"
tells "and the lease, and its port" "$LOCK_MAC lock: lease until .* on lan1"
tells "and the device that was added" "02:00:00:00:07:07 extra: added or changed at run time"
expect "a device is released" ctl device release extra
expect "the file is restored" ctl state restore "$work/copy" --state "$state"
equal "and the device quarantined again" quarantined "$(state_of 02:00:00:00:07:07)"
refuse "in a namespace that is not the machine's, nothing is done without --state" ctl state save
expect "watch goes on with the new module" ctl device del extra
gone() {
	! grep -q 10.0.20.77 "$state/state"
}
expect "and saves what happens" poll 60 gone

# A lease for a port that is not there yet waits for it, and holds nowhere else.
ip -n gw link set lan1 down
ip -n gw link set lan1 name late0
ip -n gw link set late0 up
expect "another module, while a port is missing" reload
equal "the lease is restored" active "$(state_of $LOCK_MAC)"
ip -n gw link set late0 down
ip -n gw link set late0 name lan1
ip -n gw link set lan1 up
flows "and holds when the port comes" lock
held "a port that comes late"

cp "$work/policy.yaml" "$work/good.yaml"
policy 'no such key: 1' >"$work/policy.yaml"
refuse "a policy that does not validate" reload
tells "the last good one is in force" "the last good policy"
flows "with it the healthy device sends" lock
held "a policy that does not validate"

# Who is locked out by what he tries pulls the plug.
policy | sed 's/critical, to: wan/critical, to: gateway/' >"$work/policy.yaml"
expect "a policy is tried" ctl apply --confirm 1h --state "$state" "$work/policy.yaml"
refuse "and never confirmed: the next start does not take it" reload
tells "but the last good one" "never confirmed"
flows "with it the healthy device sends again" lock
held "a policy that was never confirmed"
# A policy that is confirmed is kept, and one that takes itself back is not.
policy | sed 's|icmp/echo-request|icmp/echo-request, tcp/444|' >"$work/policy.yaml"
kept() {
	grep -q "$1" "$state/policy.yaml"
}
expect "a policy is tried for good" ctl apply --confirm 1h --state "$state" "$work/policy.yaml"
refuse "before it is confirmed, it is not kept" kept tcp/444
refuse "another is refused meanwhile" ctl apply --state "$state" "$work/good.yaml"
expect "and the first one still is the one that is tried" grep -q tcp/444 "$state/unconfirmed.yaml"
expect "confirmed" ctl confirm --state "$state"
expect "it is" kept tcp/444
refuse "and is none that is tried" test -e "$state/unconfirmed.yaml"
cp "$work/good.yaml" "$work/policy.yaml"
expect "one is tried for a moment" ctl apply --confirm 1s --state "$state" "$work/policy.yaml"
back() {
	ctl show | shows tcp/444
}
expect "it takes itself back" poll 30 back
expect "and the one before stays the last good one" kept tcp/444
expect "applied without, it is" ctl apply --state "$state" "$work/policy.yaml"
refuse "the last good one" kept tcp/444

echo "blacklist cordon" >/etc/modprobe.d/cordon-test.conf
refuse "no module: that fails" reload
tells "and is said" "nothing is forwarded"
expect "nothing is judged" test ! -d /sys/module/cordon
lock=$(arrived lock)
blocked lock udp $INET 53
report $? "no module: nothing is forwarded"
equal "of the healthy device neither" "$lock" "$(arrived lock)"
expect "no module: the gateway itself is within reach" reaches plant tcp 10.0.50.1 22
held "no module"
rm /etc/modprobe.d/cordon-test.conf
expect "the module is there again" boot
flows "the healthy device sends" lock
held "the module is there again"

# cordon.off, and FAIL=open: the gateway is as if there were no Cordon.
echo "quiet cordon.off" >"$work/cmdline"
mount --bind "$work/cmdline" /proc/cmdline
generation=$(counter policy/generation)
refuse "cordon.off: nothing is done" boot
umount /proc/cmdline
equal "nor is what is in force touched" "$generation" "$(counter policy/generation)"
tells "and that is said" "NOTHING IS GUARDED"
echo "blacklist cordon" >/etc/modprobe.d/cordon-test.conf
refuse "the module is gone" reload
refuse "no module, and FAIL is misspelt: it is closed" boot --fail opne
tells "which is said" "neither open nor closed: 'opne'"
held "a misspelt FAIL"
refuse "no module, FAIL=open" boot --fail open
rm /etc/modprobe.d/cordon-test.conf
flows "FAIL=open: everything is forwarded" stray
pkill -x -f "cordonctl state watch --state $state"
finish
