#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Nobody holds the machine up: names and addresses that collide, a namespace that anybody can make, readers and
# listeners without a right. No packets; gw is the gateway's namespace, a stranger's is made with unshare -Urn.
# kernels: torture
# seconds: 1500
# cpus: 2
. "$(dirname "$0")/lib.sh"
here=$(cd "$(dirname "$0")" && pwd)
N=${COLLIDING:-128000}
mkfifo "$work/never"
chmod 755 "$work"
group=/sys/fs/cgroup/stranger
end() {
	rmdir "$group" 2>/dev/null
	teardown
}
trap end EXIT
ip netns add gw

nobody() {
	setpriv --reuid 65534 --regid 65534 --clear-groups "$@"
}
stranger() {
	nobody unshare -Urn "$@"
}
family() {
	/usr/bin/python3 "$here/family.py" "$@"
}
# says NAME WORDS COMMAND...: it is refused (1), with these words
says() {
	local name=$1 words=$2 status
	shift 2
	"$@" >"$work/said" 2>&1
	status=$?
	[ $status = 1 ] && grep -q -- "$words" "$work/said"
	status=$?
	[ $status = 0 ] || sed 's/^/# /' "$work/said"
	report $status "$name"
}

# Whoever joined the number of the group before it was one hears nothing.
mkfifo "$work/told"
nobody /usr/bin/python3 "$here/family.py" wait /tmp/unprivileged.ready <"$work/told" >"$work/heard" &
waiting=$!
exec 5>"$work/told"
poll 20 test -s /tmp/unprivileged.ready
modprobe cordon || exit 1
echo 'version: 1
segments: {iot: {}, wan: {networks: [0.0.0.0/0]}}
mode: observe
devices: [{name: cam, mac: "02:00:00:00:01:01", network_segment: iot, addresses: [10.0.20.11]}]' >"$work/policy.yaml"
chmod 644 "$work/policy.yaml"
expect "a policy in the initial namespace, with an event" cordonctl apply "$work/policy.yaml"
echo >&5
wait $waiting
equal "who waited for the group's number hears nothing" "0 of a number that was free" "$(cat "$work/heard")"
rm -f /tmp/unprivileged.ready

# Events
says "events are refused to who has no right" "not permitted" nobody /usr/bin/python3 "$here/family.py" join
says "cordonctl says why" "CAP_NET_ADMIN" nobody timeout 20 cordonctl monitor --count 1
expect "root may hear them" family join
expect "the owner of a namespace may hear its own" stranger /usr/bin/python3 "$here/family.py" join
expect "reading is everybody's" nobody cordonctl show segments

# A stranger's namespace has small caps.
# many DEVICES SEGMENTS RULES NETWORKS MATCHES: a policy of so many
many() {
	awk -v devices="$1" -v segments="$2" -v rules="$3" -v networks="$4" -v matches="$5" 'BEGIN {
		print "version: 1\nmode: observe\nsegments:"
		for (i = 0; i < segments; i++) {
			printf "  s%d: {networks: [", i
			for (j = i; j < networks; j += segments)
				printf "%s10.%d.%d.0/24", j == i ? "" : ", ", 100 + j / 256, j % 256
			print "]}"
		}
		print "rules:"
		for (i = 0; i < rules; i++) {
			printf "  - {from: s%d, to: s%d, allow: [", i % segments, i / segments
			for (j = i; j < matches; j += rules)
				printf "%stcp/%d", j == i ? "" : ", ", 1 + j
			print "]}"
		}
		print "devices:"
		for (i = 0; i < devices; i++)
			printf "  - {name: d%d, mac: \"02:00:00:00:%02x:%02x\", network_segment: s0, addresses: [10.1.%d.%d]}\n",
				i, i / 256, i % 256, i / 256, i % 256
	}' >"$work/many.yaml"
	chmod 644 "$work/many.yaml"
}
many 1024 60 1024 512 4096
expect "a stranger's policy of all that it may have is taken" stranger cordonctl apply "$work/many.yaml"
while read -r what cap devices segments rules networks matches; do
	many "$devices" "$segments" "$rules" "$networks" "$matches"
	says "one more of $what is refused, with the limit" "too many $what: this network namespace may have $cap" \
		stranger cordonctl apply "$work/many.yaml"
	expect "and taken in the initial user namespace" on gw cordonctl apply "$work/many.yaml"
done <<-END
	devices 1024 1025 1 1 1 1
	segments 64 1 61 1 1 1
	rules 1024 1 40 1025 1 1025
	networks 512 1 1 1 513 1
	matches 4096 1 60 1024 1 4097
END
{ cat "$work/policy.yaml"; printf 'uplinks: ['; seq -s, -f 'wan%g' 17; echo ']'; } >"$work/uplinks.yaml"
says "one uplink more as well" "too many uplinks: this network namespace may have 16" \
	stranger cordonctl apply "$work/uplinks.yaml"
many 1024 1 1 1 1
says "nor is a device added by itself" "too many devices: this network namespace may have 1024" \
	stranger sh -c "cordonctl apply $work/many.yaml && cordonctl device add more --mac 02:00:00:01:00:00 --segment s0 --address 10.1.9.9"
says "two transactions at a time" "too many transactions are open, the limit is 2" \
	stranger /usr/bin/python3 "$here/family.py" begin 3
expect "two are taken" stranger /usr/bin/python3 "$here/family.py" begin 2
says "$N addresses are refused" "too many devices: this network namespace may have 1024" \
	stranger /usr/bin/python3 "$here/family.py" commit old "$N"
equal "in sysfs, a stranger has directories for segments, and none for devices" "6 0" "$(nobody unshare -Urnm sh -c "
	cordonctl apply '$work/policy.yaml' >/dev/null 2>&1 && mount -t sysfs none /mnt && cd /mnt/kernel/cordon &&
	echo \$(ls segments | wc -l) \$(ls devices | wc -l)" 2>&1)"
equal "the gateway has" 1 "$(ls /sys/kernel/cordon/devices | wc -l)"

# Addresses that collided by the hash that was unkeyed
# The first commit makes the devices, the others find them.
on gw /usr/bin/python3 "$here/family.py" commit random "$N" >/dev/null
# best old|random: the shortest of three times, as others may have had the processor in one
best() {
	local i
	for i in 1 2 3; do
		on gw /usr/bin/python3 "$here/family.py" commit "$1" "$N"
	done | sort -n | head -n 1
}
random=$(best random)
old=$(best old)
echo "# $N addresses that collided: $old ms; as many others: $random ms"
[ "${old:-0}" -gt 0 ] && [ $((old * 2)) -lt $((random * 3)) ]
report $? "addresses that collided take less than 1.5 times as long as others"

# A commit, and others at the same time
read -r took times longest <<<"$(on gw /usr/bin/python3 "$here/family.py" busy "$N")"
echo "# a commit of $took ms; meanwhile asked and closed $times times, the longest $longest ms"
[ "${longest:-999999}" -lt $((took / 4)) ] && [ "$times" -gt 8 ]
report $? "meanwhile, who asks or closes a socket does not wait for it"

# Memory
kernel_memory() {
	awk '/^(Slab|Percpu|VmallocUsed):/ { sum += $2 } END { print sum }' /proc/meminfo
}
accounted() {
	awk '/^(slab|percpu|vmalloc) / { sum += $2 } END { print int(sum / 1024) }' "$group/memory.stat"
}
if mkdir -p /sys/fs/cgroup && mount -t cgroup2 none /sys/fs/cgroup 2>/dev/null || [ -e /sys/fs/cgroup/cgroup.procs ]; then
	echo +memory >/sys/fs/cgroup/cgroup.subtree_control
	mkdir "$group"
	echo 64M >"$group/memory.max"
	echo 0 >"$group/memory.swap.max" 2>/dev/null
	mkfifo "$work/on"
	holders=''
	for i in 1 2 3 4; do
		(
			echo $BASHPID >"$group/cgroup.procs"
			exec setpriv --reuid 65534 --regid 65534 --clear-groups unshare -Urn sh -c "
				echo >/tmp/unprivileged.begun.$i
				read -r go <'$work/on'
				exec /usr/bin/python3 '$here/family.py' hold /tmp/unprivileged.held.$i"
		) <>"$work/never" >"$work/held.$i" 2>&1 &
		holders="$holders $!"
	done
	for i in 1 2 3 4; do
		poll 60 test -e /tmp/unprivileged.begun.$i
	done
	before=$(kernel_memory) own=$(accounted)
	exec 6<>"$work/on"
	for i in 1 2 3 4; do
		echo go >&6
	done
	held=0
	for i in 1 2 3 4; do
		poll 120 test -e /tmp/unprivileged.held.$i && held=$((held + 1))
	done
	after=$(kernel_memory) theirs=$(accounted)
	grew=$((after - before)) inside=$((theirs - own))
	echo "# $held namespaces with all that they may have: the kernel's memory grew by $grew KiB, the cgroup's by $inside KiB"
	[ $((grew - inside)) -le $((65536 / 20)) ] && [ $held = 4 ] && [ "$inside" -gt 4096 ]
	report $? "outside a cgroup of 64 MiB, memory grows by at most 5 % of that"
	cat "$work"/held.[1-4] | sed 's/^/# /'
	# shellcheck disable=SC2086
	kill $holders
	# shellcheck disable=SC2086
	wait $holders 2>/dev/null
	rm -f /tmp/unprivileged.begun.* /tmp/unprivileged.held.*
else
	report 1 "this kernel has memory cgroups"
fi
finish
