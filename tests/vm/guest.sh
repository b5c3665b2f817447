#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# guest.sh SCENARIO...: in the guest: run one scenario after the other, number their cases through, and see
# that each leaves the machine, and the kernel's log, as it found them.
# A line `# seconds: N` in a scenario sets its limit. One that says `# cpus: 2` has all processors; others have one:
# what they do, they do in turn, and every process that starts in the emulator is twice as dear with two.
set -uo pipefail

here=$(dirname "$0")
total=0 failed=0
# Ends a scenario's output; what it left running may hold on to the pipe.
end="end-of-scenario-$$"

# report STATUS NAME
report() {
	total=$((total + 1))
	if [ "$1" = 0 ]; then echo "ok $total - $2"; else echo "not ok $total - $2"; failed=1; fi
}

# Splats since the mark, which stands in the log itself: a scenario may clear dmesg.
splats_since() {
	dd if=/dev/kmsg iflag=nonblock bs=8k 2>/dev/null | sed "1,/;$1\$/d" | "$here/splats.sh"
}

online() {	# 0|1: the other processors
	local cpu

	for cpu in /sys/devices/system/cpu/cpu[1-9]*/online; do
		[ ! -e "$cpu" ] || [ "$(cat "$cpu")" = "$1" ] || echo "$1" >"$cpu"
	done
}

for scenario; do
	name=$(basename "$scenario" .sh)
	start=$SECONDS
	limit=$(sed -n 's/^# seconds: \([0-9]\+\)$/\1/p' "$scenario")
	limit=${limit:-400}
	online "$(grep -c '^# cpus: 2$' "$scenario")"
	# No CA or registry of the one before.
	rm -rf /etc/cordon /var/lib/cordon
	echo "scenario: $name" >/dev/kmsg
	ran=0 plan='' status=none
	while IFS= read -r line; do
		case $line in
		"ok "* | "not ok "*)
			ran=$((ran + 1))
			text=${line#*ok }
			[[ $text =~ ^[0-9]*' '?-?' '?(.*)$ ]]
			[[ $line == ok* ]]
			report $? "$name: ${BASH_REMATCH[1]}"
			;;
		1..*) plan=${line#1..} ;;
		"$end "*) status=${line#* }; break ;;
		*) echo "$line" ;;
		esac
	done < <(timeout -k 5 "$limit" bash "$scenario" 2>&1; status=$?; printf '\n%s %s\n' "$end" $status)
	[ "$ran" = "$plan" ] || report 1 "$name: planned ${plan:-nothing}, ran $ran"
	case $status in
	0) ;;
	124 | 137) report 1 "$name: ended after its limit of $limit s" ;;
	*) report 1 "$name: exit status $status" ;;
	esac
	left=$(ip netns list; lsmod | grep '^cordon ')
	[ -z "$left" ]
	report $? "$name: leaves nothing behind${left:+: ${left//$'\n'/, }}"
	[ -z "$left" ] || { ip -all netns del; rmmod cordon; }
	splats=$(splats_since "scenario: $name")
	[ -z "$splats" ] || echo "$splats" | sed 's/^[^;]*;/# /'
	[ -z "$splats" ]
	report $? "$name: the kernel has nothing to complain of"
	echo "# $name: $((SECONDS - start)) s"
done
online 1
echo "1..$total"
exit $failed
