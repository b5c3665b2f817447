#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Single devices change while packets flow: in place, and so often that places are used again and again. What both the old
# and the new say passes, what neither says does not, and no stamp outlives what it was made for: not an address that is
# taken from the device, not a device that goes, not an address that becomes a device's. With TORTURE 2,000 turns of each.
# seconds: 1800
# cpus: 2
# kernels: torture
SERVICES='443 4433'
. "$(dirname "$0")/lib.sh"
setup
flips=${TORTURE:+2000}
flips=${flips:-5}
changes=${TORTURE:+20000}
changes=${changes:-500}

nothing_else

apply >/dev/null <<-END
	version: 1
	ports: [lan0, lan1]
	uplinks: [wan0, plant0]
	segments: {may: {}, cannot: {}, quiet: {}, wan: {networks: [0.0.0.0/0, "::/0"]}}
	rules:
	- {from: may, to: wan, allow: [udp/443]}
	- {from: may, to: quiet, allow: [udp/443]}
	devices:
	- {name: first, mac: "02:00:00:00:02:01", network_segment: may, addresses: [10.0.20.91]}
	- {name: cam, mac: "$CAM_MAC", network_segment: may, addresses: [$CAM, "$CAM6"], port: lan0}
	- {name: lock, mac: "$LOCK_MAC", network_segment: quiet, addresses: [$LOCK, "$LOCK6"], port: lan1}
	- {name: last, mac: "02:00:00:00:02:02", network_segment: may, addresses: [10.0.20.92]}
END
cp "$work/policy.yaml" "$work/yes.yaml"

sent() {
	on gw cat /sys/class/net/wan0/statistics/tx_packets
}
has_sent() {
	[ "$(sent)" -ge "$1" ]
}
flows() {
	poll 20 has_sent $(($(sent) + 50))
}
anomalies() {
	echo $(($(total spoofed_source) + $(total segment_violation) + $(total unknown_device) + $(total unjudged)))
}
generation() {
	counter policy/generation
}

# What both say: the device keeps its address, another comes and goes, and its segment's rule stays.
spawn cam probe blast $INET 443
blast=$!
flows
report $? "allowed: traffic flows"
seen=$(counter "devices/$CAM_MAC/denied") said=$(anomalies) before=$(generation) packets=$(sent)
on gw rebind $changes set:cam:may:$CAM,10.0.20.98 set:cam:may:$CAM set:cam:may:10.0.20.97,$CAM >"$work/took"
report $? "$changes changes of the device that sends"
on gw rebind $changes set:last:may:10.0.20.96 set:last:may:10.0.20.92 add:other:020000000203:may:10.0.20.93 del:other >>"$work/took"
report $? "$changes changes of others"
echo "# each took $(tr '\n' ' ' <"$work/took")meanwhile $(($(sent) - packets)) packets left"
[ $(($(sent) - packets)) -gt $((changes / 4)) ]
report $? "it flowed meanwhile"
equal "each was one generation" $((before + 2 * changes)) "$(generation)"
equal "not one packet was denied" "$seen" "$(counter "devices/$CAM_MAC/denied")"
equal "and nothing was counted" "$said" "$(anomalies)"
on gw cordonctl device set cam --address $CAM --address $CAM6 >/dev/null
on gw cordonctl diff "$work/yes.yaml" >"$work/diff"
equal "as it was, the policy differs in nothing" "" "$(cat "$work/diff")"
equal "and lists the devices in its order" "first cam lock last " \
	"$(on gw cordonctl show devices --json | sed -n 's/.*"name": "\([a-z]*\)".*/\1/p' | tr '\n' ' ')"

# What neither says: with the right address in a segment that may not, or with another address in one that may.
on gw cordonctl device set cam --segment cannot --address $CAM >/dev/null
is_counted() {
	[ "$(kind segment_violation)" -gt 0 ]
}
poll 20 is_counted
report $? "in another segment: denied"
packets=$(sent) seen=$(counter "devices/$CAM_MAC/denied")
on gw rebind $changes set:cam:may:10.0.20.98 set:cam:cannot:$CAM >"$work/took"
report $? "$changes changes between two that both deny"
equal "not one packet came through" "$packets" "$(sent)"
[ $(($(counter "devices/$CAM_MAC/denied") - seen)) -gt $((changes / 10)) ]
report $? "packets kept coming"
on gw cordonctl device set cam --segment may --address $CAM >/dev/null
flows
report $? "allowed again: it flows"
kill $blast
wait $blast 2>/dev/null

# A stamped connection, and its binding goes.
turns() {	# NAME FORBID ALLOW
	cases flip $flips $CAM_MAC $out "$@"
}
ghost=add:ghost:020000000204
bindings_of_the_sender() {
	turns "the sender has another address" set:cam:may:10.0.20.99 set:cam:may:$CAM
	turns "the sender's address is another device's" "set:cam:may:10.0.20.99;$ghost:quiet:$CAM" "del:ghost;set:cam:may:$CAM"
	turns "the server's address becomes a device's" "$ghost:quiet:$INET:lan1" del:ghost
	turns "the server's address is added to a device's" set:lock:quiet:$LOCK,$INET set:lock:quiet:$LOCK
}
out=wan0
spawn cam taskset -c 1 probe flow $INET 443
blast=$!
flows
report $? "control: it flows"
unanswered inet bindings_of_the_sender
on gw cordonctl device del cam >/dev/null
unknown=$(total unknown_device)
more_unknown() {
	[ "$(total unknown_device)" -gt $((unknown + $1)) ]
}
poll 20 more_unknown 2
packets=$(sent)
poll 20 more_unknown 10
equal "the device is deleted: not one packet passed" "$packets" "$(sent)"
on gw cordonctl device add cam --mac $CAM_MAC --segment may --address $CAM --port lan0 >/dev/null
flows
report $? "it is added again: it flows"
kill $blast
wait $blast 2>/dev/null
again=add:lock:${LOCK_MAC//:/}:quiet:$LOCK:lan1
bindings_of_the_receiver() {
	turns "the receiver has another address" set:lock:quiet:10.0.30.99 set:lock:quiet:$LOCK
	turns "the receiver is deleted" del:lock "$again"
	turns "the receiver's address goes to another device" "del:lock;$ghost:cannot:$LOCK" "del:ghost;$again"
}
out=lan1
spawn cam taskset -c 1 probe flow $LOCK 443
blast=$!
has_received() {
	[ "$(on gw cat /sys/class/net/lan1/statistics/tx_packets)" -ge "$1" ]
}
poll 20 has_received $(($(on gw cat /sys/class/net/lan1/statistics/tx_packets) + 50))
report $? "control: it flows to another device"
unanswered lock bindings_of_the_receiver
kill $blast
wait $blast 2>/dev/null

# All places are used up at once, and the policy is sealed anew.
come=() go=()
for i in $(seq 100); do
	come+=("add:d$i:0200000003$(printf %02x "$i"):may:10.0.21.$i")
	go+=("del:d$i")
done
expect "100 devices come, more than there are places for" on gw rebind 100 "${come[@]}"
equal "all of them are there" 104 "$(on gw cordonctl show devices --json | grep -c '"name"')"
expect "and go" on gw rebind 100 "${go[@]}"
equal "none of them is left" 4 "$(on gw ls /sys/kernel/cordon/devices | wc -l)"
finish
