# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# gateway.sh (to be sourced, in the guest): the system is a gateway of two devices, see gateway.yaml.
#   thing 10.9.1.2 -- lan0 (system) wan0 -- 10.9.2.2 host
#   held  10.9.3.2 -- lan1

gateway() {
	local name port net

	sysctl -qw net.ipv4.ip_forward=1
	while read -r name port net mac; do
		ip netns add "$name"
		ip link add "$port" type veth peer name eth0 address "$mac" netns "$name"
		ip addr add "$net.1/24" dev "$port"
		ip link set "$port" up
		ip -n "$name" addr add "$net.2/24" dev eth0
		ip -n "$name" link set eth0 up
		ip -n "$name" route add default via "$net.1"
	done <<-END
		thing lan0 10.9.1 02:00:00:00:09:01
		held lan1 10.9.3 02:00:00:00:09:02
		host wan0 10.9.2 02:00:00:00:09:03
	END
}

reaches() {	# DEVICE [ADDRESS]
	ip netns exec "$1" ping -q -c 1 -W 2 "${2-10.9.2.2}" >/dev/null
}

# said WORDS: `systemctl status` of a service that has failed has them
said() {
	try systemctl status -n 50 cordon
	grep -qF -- "$1" "$log"
}

# open_finding TEXT MEND: doctor tells of it, and of what mends it
open_finding() {
	try cordonctl doctor
	grep -F -A1 "$1" "$log" >/tmp/found && grep -q ^OPEN /tmp/found && grep -qF -- "-> $2" /tmp/found
}

closed() {	# WHY
	systemctl is-failed -q cordon
	ok "$1: cordon.service has failed"
	said "nothing is forwarded (FAIL=closed)"
	ok "$1: its status says that nothing is forwarded"
	try nft list table inet cordon_closed
	ok "$1: the table that closes forwarding is there"
	! try reaches thing && ! try reaches held
	ok "$1: nothing is forwarded"
	becomes 60 reaches thing 10.9.1.1
	ok "$1: the gateway itself is within reach"
}

guarded() {	# WHEN
	try systemctl is-active cordon
	ok "$1: cordon.service is active"
	! try nft list table inet cordon_closed
	ok "$1: the table that closes forwarding is gone"
	becomes 60 reaches thing
	ok "$1: what the policy lets out reaches the host"
	! try reaches held
	ok "$1: the other device is held"
}
