#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# explain and the packet path say the same: random packets, each sent for real and asked about. To one host, to groups
# that the gateway routes everywhere, for broadcast, to the gateway; from devices, hosts on uplinks, a stranger behind a
# port, an interface that is not listed, and with sources that are somebody else's.
# seconds: 900
# sanitize: yes
SERVICES=''
. "$(dirname "$0")/lib.sh"
here=$(cd "$(dirname "$0")" && pwd)
serve() { :; }
extra=other
setup
host other other0 10.9.0.10 fd00:9::10 10.9.0.1 fd00:9::1

apply >/dev/null <<-END
	version: 1
	ports: [lan0, lan1]
	uplinks: [wan0]
	segments:
	  iot: {}
	  guarded: {authentication: certificate}
	  plant: {networks: [10.0.50.0/24, "fd00:50::/64"], interfaces: ["plant*"]}
	  wan: {networks: [0.0.0.0/0, "2001:db8::/32"]}
	rules:
	  - {from: iot, to: wan, allow: [tcp/443, udp/400-500, icmp/echo-request]}
	  - {from: iot, to: plant, allow: [icmp6/*, udp/*]}
	  - {from: iot, to: gateway, allow: [udp/443, udp/450]}
	  - {from: plant, to: iot, allow: [any]}
	  - {from: plant, to: gateway, allow: [udp/80]}
	  - {from: wan, to: guarded, allow: [tcp/80, udp/80-90]}
	  - {from: wan, to: iot, allow: [udp/502]}
	  - {from: wan, to: plant, allow: [udp/502]}
	  - {from: guarded, to: iot, allow: [tcp/22, tcp/80-90, udp/80-90]}
	  - {from: guarded, to: wan, allow: [tcp/*, udp/450]}
	devices:
	  - {name: cam, mac: "$CAM_MAC", network_segment: iot, addresses: [$CAM, "$CAM6"]}
	  - {name: lock, mac: "$LOCK_MAC", network_segment: guarded, addresses: [$LOCK, "$LOCK6"], port: lan1}
END

declare -A v4=([cam]=$CAM [lock]=$LOCK [plant]=$PLANT [inet]=$INET [other]=10.9.0.10)
declare -A v6=([cam]=$CAM6 [lock]=$LOCK6 [plant]=$PLANT6 [inet]=$INET6 [other]=fd00:9::10)
declare -A gw4=([cam]=$GW_CAM [lock]=$GW_LOCK [plant]=10.0.50.1 [inet]=192.0.2.1 [other]=10.9.0.1)
declare -A gw6=([cam]=$GW_CAM6 [lock]=$GW_LOCK6 [plant]=fd00:50::1 [inet]=2001:db8::1 [other]=fd00:9::1)
declare -A port=([cam]=lan0 [lock]=lan1 [plant]=plant0 [inet]=wan0 [other]=other0)
declare -A behind=([lan0]=cam [lan1]=lock [plant0]=plant [wan0]=inet [other0]=other [gateway]=gw)
declare -A mac gw local6
hosts=(cam lock plant inet other)
ports=(22 53 80 85 443 450 502 8883)
STRANGER=02:00:00:00:09:09
links=lan0,lan1,plant0,wan0,other0
routes=()
for h in "${hosts[@]}"; do
	mac[$h]=$(mac_of "$h" eth0)
	gw[$h]=$(mac_of gw "${port[$h]}")
	local6[$h]=$(on gw ip -6 -o addr show dev "${port[$h]}" scope link | sed 's/.*inet6 \([^/]*\).*/\1/')
	on "$h" probe sniff eth0 "$work/$h.seen" >"$work/$h.sniff" &
	poll 20 grep -q ready "$work/$h.sniff"
	out=$(echo ",$links," | sed "s/,${port[$h]},/,/; s/^,//; s/,$//")
	routes+=("${v4[$h]},239.1.1.1,${port[$h]},$out" "${v6[$h]},ff05::1,${port[$h]},$out")
	on gw sysctl -qw net.ipv4.conf."${port[$h]}".bc_forwarding=1
done
on gw sysctl -qw net.ipv4.conf.all.bc_forwarding=1
on gw python3 "$here/mroute.py" "${routes[@]}" >"$work/mroute" 2>&1 &
poll 20 grep -q ready "$work/mroute"
on gw python3 "$here/hear.py" "$work/gw.seen" "$links" 239.1.1.1,224.0.0.251,ff05::1,ff02::fb "${ports[@]}" >"$work/hear" 2>&1 &
poll 20 grep -q ready "$work/hear"
report $? "the gateway routes groups, and listens" || cat "$work/mroute" "$work/hear"

# pick WORD...: one of them
pick() {
	shift $((RANDOM % $#))
	chosen=$1
}

# A sender: $from, its MAC $smac, its source $src, and how explain is told: $who
some_sender() {
	local v=$1
	local -n own=v$v
	pick "${hosts[@]}"
	from=$chosen smac=${mac[$from]} src=${own[$from]}
	who="--from $src"
	case $from$((RANDOM % 10)) in
	cam0) smac=$STRANGER src=10.0.20.99; [ "$v" = 4 ] || src=fd00:20::99; who="--from $src" ;;
	cam1) src=${own[lock]} who="--from cam --source $src" ;;
	cam2) [ "$v" = 4 ] || src=fe80::ff:fe00:101; who="--from cam --source $src" ;;
	inet[01]) src=${own[plant]} who="--from $src" ;;
	inet2) src=${own[cam]} who="--from $src" ;;
	esac
	who+=" --in ${port[$from]}"
}

# A destination: $dst; $to, the host or "many"
some_target() {
	local v=$1
	local -n own=v$v mine=gw$v
	pick one one one group group link everybody near gateway gateway
	to=$chosen
	case $to in
	one) pick "${hosts[@]}"; to=$chosen dst=${own[$to]} ;;
	group) to=many; [ "$v" = 4 ] && dst=239.1.1.1 || dst=ff05::1 ;;
	link) to=many; [ "$v" = 4 ] && dst=224.0.0.251 || dst=ff02::fb ;;
	everybody) to=many; [ "$v" = 4 ] && dst=255.255.255.255 || dst=ff02::fb ;;
	near)
		pick "${hosts[@]}"
		to=broadcast dst=${mine[$chosen]%.*}.255
		[ "$v" = 4 ] || { to=gw; dst=${local6[$from]}; }
		;;
	gateway) to=gw; pick "${hosts[@]}"; dst=${mine[$chosen]} ;;
	esac
}

# Half of them while the device that must authenticate has no lease.
RANDOM=4711
packets=${TORTURE:+200}
packets=${packets:-40}
number=0
round() {
	local from to proto dport v src dst name smac who i
	: >"$work/asked"
	for h in "${hosts[@]}"; do
		: >"$work/$h.frames"
	done
	for ((i = 0; i < $1; i++)); do
		v=$((RANDOM % 2 ? 4 : 6))
		some_sender $v
		some_target $v
		[ "$from" != "$to" ] || continue
		number=$((number + 1))
		dport=${ports[RANDOM % 8]}
		pick tcp udp udp icmp
		proto=$chosen
		# What the gateway gets shows on its UDP sockets.
		case $to in many | broadcast | gw) proto=udp ;; esac
		name=$proto
		[ "$proto" != icmp ] || { [ $v = 4 ] || name=icmp6; dport=$([ $v = 4 ] && echo 8 || echo 128); }
		echo "$number $smac ${gw[$from]} $src $dst $proto $((10000 + number)) $dport" >>"$work/$from.frames"
		echo "$number $to $who --to $dst --proto $name --dport $dport" >>"$work/asked"
	done
	for h in "${hosts[@]}"; do
		on "$h" probe frames eth0 <"$work/$h.frames"
	done
	while read -r n to question; do
		# shellcheck disable=SC2086
		on gw cordonctl explain $question >"$work/said" 2>&1
		where=''
		while IFS=: read -r interface rest; do
			case $interface:$rest in
			allow:*) where+=" $to" ;;
			*": allow:"*) where+=" ${behind[$interface]}" ;;
			esac
		done <"$work/said"
		# With bc_forwarding, what is for broadcast elsewhere is not delivered to the gateway.
		[ "$to" != broadcast ] || where=${where/ gw/}
		echo "$n|$to|$question|$where" >>"$work/verdicts"
		# What may pass is waited for; what may not is looked for when all that came later is there.
		for h in $where; do
			poll 5 grep -qx "$n" "$work/$h.seen"
		done
	done <"$work/asked"
}
round "$packets"
on gw cordonctl device lease lock 1h >/dev/null
round "$packets"
round "$packets"
python3 "$here/agree.py" "$work" gw "${hosts[@]}" >"$work/agreed"
grep '^#' "$work/agreed"
read -r number allowed many wrong < <(grep -v '^#' "$work/agreed")
echo "# $number packets, $allowed of them arrived, $many of those for many"
[ "$allowed" -gt 20 ] && [ $((number - allowed)) -gt 20 ] && [ "$many" -gt 5 ]
report $? "many that may and many that may not, also for many"
equal "explain is right about each" 0 "$wrong"
finish
