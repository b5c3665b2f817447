#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# explain and the packet path say the same: 240 random packets, each sent for real and asked about.
# seconds: 600
. "$(dirname "$0")/lib.sh"
setup
apply >/dev/null <<-END
	version: 1
	ports: [lan0, lan1]
	uplinks: [wan0, plant0]
	segments:
	  iot: {}
	  guarded: {authentication: certificate}
	  plant: {networks: [10.0.50.0/24, "fd00:50::/64"]}
	  wan: {networks: [0.0.0.0/0, "2001:db8::/32"]}
	rules:
	  - {from: iot, to: wan, allow: [tcp/443, udp/400-500, icmp/echo-request]}
	  - {from: iot, to: plant, allow: [icmp6/*, udp/*]}
	  - {from: plant, to: iot, allow: [any]}
	  - {from: wan, to: guarded, allow: [tcp/80]}
	  - {from: guarded, to: iot, allow: [tcp/22, tcp/80-90]}
	  - {from: guarded, to: wan, allow: [tcp/*]}
	devices:
	  - {name: cam, mac: "$CAM_MAC", network_segment: iot, addresses: [$CAM, "$CAM6"]}
	  - {name: lock, mac: "$LOCK_MAC", network_segment: guarded, addresses: [$LOCK, "$LOCK6"]}
END

declare -A v4=([cam]=$CAM [lock]=$LOCK [plant]=$PLANT [inet]=$INET)
declare -A v6=([cam]=$CAM6 [lock]=$LOCK6 [plant]=$PLANT6 [inet]=$INET6)
declare -A port=([cam]=lan0 [lock]=lan1 [plant]=plant0 [inet]=wan0)
declare -A mac gw
hosts=(cam lock plant inet)
ports=(22 53 80 85 443 450 502 8883)
for h in "${hosts[@]}"; do
	mac[$h]=$(mac_of "$h" eth0)
	gw[$h]=$(mac_of gw "${port[$h]}")
	on "$h" probe sniff eth0 "$work/$h.seen" >"$work/$h.sniff" &
	poll 20 grep -q ready "$work/$h.sniff"
done

# Half of them while the device that must authenticate has no lease.
RANDOM=4711
number=0 wrong=0 allowed=0
round() {
	local from to proto dport family src dst name i
	: >"$work/asked"
	for h in "${hosts[@]}"; do
		: >"$work/$h.frames"
	done
	for ((i = 0; i < 120; i++)); do
		from=${hosts[RANDOM % 4]}
		to=${hosts[RANDOM % 4]}
		[ "$from" != "$to" ] || continue
		number=$((number + 1))
		dport=${ports[RANDOM % 8]}
		case $((RANDOM % 5)) in 0 | 1) proto=tcp ;; 2 | 3) proto=udp ;; 4) proto=icmp ;; esac
		if ((RANDOM % 2)); then src=${v4[$from]} dst=${v4[$to]} name=$proto; else src=${v6[$from]} dst=${v6[$to]} name=${proto/icmp/icmp6}; fi
		[ $proto != icmp ] || dport=$([ $name = icmp ] && echo 8 || echo 128)
		echo "$number ${mac[$from]} ${gw[$from]} $src $dst $proto $((10000 + number)) $dport" >>"$work/$from.frames"
		echo "$number $from $to $src $dst $name $dport" >>"$work/asked"
	done
	for h in "${hosts[@]}"; do
		on "$h" probe frames eth0 <"$work/$h.frames"
	done
	while read -r n from to src dst name dport; do
		verdict=$(on gw cordonctl explain --from "$src" --to "$dst" --proto "$name" --dport "$dport" | grep -oE '^(allow|deny)')
		echo "$n $verdict $from $to $src $dst $name $dport" >>"$work/verdicts"
		# What may pass is waited for; what may not is looked for when all that came later is there.
		[ "$verdict" != allow ] || poll 5 grep -qx "$n" "$work/$to.seen"
	done <"$work/asked"
}
round
on gw cordonctl device lease lock 1h >/dev/null
round
round
while read -r n verdict from to src dst name dport; do
	grep -qx "$n" "$work/$to.seen" && seen=allow || seen=deny
	[ $seen = deny ] || allowed=$((allowed + 1))
	[ "$verdict" = $seen ] || { wrong=$((wrong + 1)); echo "# $from $src -> $to $dst $name/$dport: explained $verdict, seen $seen"; }
done <"$work/verdicts"
echo "# $number packets, $allowed of them arrived"
[ $number -ge 200 ]
report $? "at least 200 packets"
[ $allowed -gt 40 ] && [ $((number - allowed)) -gt 40 ]
report $? "many that may and many that may not"
equal "explain is right about each" 0 $wrong
finish
