#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# guest.sh SCENARIO...: in the guest: run one scenario after the other, number their cases through, and see
# that each leaves the machine as it found it.
set -uo pipefail

total=0 failed=0

# report STATUS NAME
report() {
	total=$((total + 1))
	if [ "$1" = 0 ]; then echo "ok $total - $2"; else echo "not ok $total - $2"; failed=1; fi
}

for scenario; do
	name=$(basename "$scenario" .sh)
	start=$SECONDS
	limit=$(sed -n 's/^# seconds: \([0-9]\+\)$/\1/p' "$scenario")
	dmesg -C
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
		status=*) status=${line#status=} ;;
		*) echo "$line" ;;
		esac
	done < <(timeout -k 5 "${limit:-240}" bash "$scenario" 2>&1; echo "status=$?")
	[ "$ran" = "$plan" ] || report 1 "$name: planned ${plan:-nothing}, ran $ran"
	[ "$status" = 0 ] || report 1 "$name: exit status $status"
	left=$(ip netns list; lsmod | grep '^cordon ')
	[ -z "$left" ]
	report $? "$name: leaves nothing behind${left:+: $left}"
	[ -z "$left" ] || { ip -all netns del; rmmod cordon; }
	echo "# $name: $((SECONDS - start)) s"
done
echo "1..$total"
exit $failed
