#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# explain and the packet path say the same: random packets, each sent for real and asked about. To one host, to groups
# that the gateway routes everywhere, for broadcast, to the gateway; from devices, hosts on uplinks, a stranger behind a
# port, an interface that is not listed, and with sources that are somebody else's. Then, in VLANs of a bridge:
#
#   cam  10.0.20.11 ── lan0: 20 untagged, 40 tagged ─┐     ┌ br0.20 10.0.20.1
#   plug 10.0.20.13 ── lan2: 20 untagged, 40 tagged ─┤ br0 ┼ br0.30 10.0.30.1
#   lock 10.0.30.12 ── lan1: 30 tagged, 1 untagged ──┘     └ br0.40 10.0.60.1, of 802.1ad      (the rest: lib.sh)
# seconds: 900
# sanitize: yes
SERVICES=''
. "$(dirname "$0")/lib.sh"
here=$(cd "$(dirname "$0")" && pwd)
serve() { :; }
PLUG=10.0.20.13 PLUG_MAC=02:00:00:00:01:03
PROVIDED=10.0.60.13	# plug's in VLAN 40
extra='other plug'
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

# explained TO QUESTION: $where it arrives
explained() {
	local interface rest
	# shellcheck disable=SC2086
	on gw cordonctl explain $2 >"$work/said" 2>&1
	where=''
	while IFS=: read -r interface rest; do
		case $interface:$rest in
		neighbours:*) ;;
		allow:*) where+=" $1" ;;
		*": allow:"*) where+=" ${behind[$interface]}" ;;
		esac
	done <"$work/said"
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
		explained "$to" "$question"
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

# VLANs
# frame NAME TO allow|deny FROM DEV DMAC SRC DST QUESTION: a datagram, which is said to get there or not; agree.py asks whether
frame() {
	local name=$1 to=$2 wanted=$3 from=$4 who=$4 smac where
	[ "$from" != inet ] || who=$7
	number=$((number + 1))
	smac=$(mac_of "$from" "$5")
	echo "$number $smac $6 $7 $8 udp $((10000 + number)) 443" | on "$from" probe frames "$5"
	explained "$to" "--from $who --to $8 --proto udp --dport 443 ${9-}"
	echo "$number|$to|$name|$where" >>"$work/verdicts"
	equal "$name: explained" "$([ "$wanted" = deny ] || echo " $to")" "$where"
	[ "$wanted" = "$([ "$where" ] && echo allow || echo deny)" ] || sed 's/^/# /' "$work/said"
	[ "$wanted" = deny ] || poll 5 grep -qx "$number" "$work/$to.seen"
}
# vlans LINE...: what bridge(8) takes, of the gateway's
vlans() {
	printf 'vlan %s\n' "$@" | on gw bridge -batch -
}
# on_bridge VLAN ADDRESS PROTOCOL: the gateway's interface
on_bridge() {
	ip -n gw link add link br0 name "br0.$1" type vlan proto "$3" id "$1"
	ip -n gw addr add "$2/24" dev "br0.$1"
	ip -n gw link set "br0.$1" up
}
host plug lan2 $PLUG fd00:20::13 $GW_CAM $GW_CAM6 $PLUG_MAC
on plug probe sniff eth0 "$work/plug.seen" >"$work/plug.sniff" &
poll 20 grep -q ready "$work/plug.sniff"
bridge_lan lan0 lan1 lan2
ip -n gw addr flush dev br0 scope global
ip -n gw link set br0 type bridge vlan_filtering 1
vlans "del dev lan0 vid 1" "del dev lan2 vid 1" "add dev lan0 vid 20 pvid untagged" "add dev lan2 vid 20 pvid untagged" \
	"add dev lan1 vid 30" "add dev lan0 vid 40" "add dev lan2 vid 40" "add dev br0 vid 20 self" "add dev br0 vid 30 self" \
	"add dev br0 vid 40 self"
on_bridge 20 $GW_CAM 802.1Q
on_bridge 30 $GW_LOCK 802.1Q
ip -n lock link add link eth0 name eth0.30 type vlan id 30
ip -n cam link add link eth0 name eth0.40 type vlan proto 802.1ad id 40
ip -n lock link set eth0.30 up
ip -n cam link set eth0.40 up
ip -n gw neigh replace $LOCK lladdr $LOCK_MAC dev br0.30 nud permanent
ip -n gw neigh replace $PLUG lladdr $PLUG_MAC dev br0.20 nud permanent
bridge=$(mac_of gw br0) wan=${gw[inet]}
vlan_policy() {
	apply <<-END
		version: 1
		ports: [lan0, lan1, lan2]
		uplinks: [wan0, plant0]
		segments:
		  iot: {isolate: false}
		  wan: {networks: [0.0.0.0/0, "::/0"]}
		rules:
		  - {from: iot, to: wan, allow: [udp/443]}
		  - {from: wan, to: iot, allow: [udp/443]}
		  - {from: iot, to: gateway, allow: [udp/443]}
		devices:
		  - {name: cam, mac: "$CAM_MAC", network_segment: iot, addresses: [$CAM], port: lan0}
		  - {name: plug, mac: "$PLUG_MAC", network_segment: iot, addresses: [$PLUG, $PROVIDED], port: lan2}
		  - {name: lock, mac: "$LOCK_MAC", network_segment: iot, addresses: [$LOCK], port: lan1, vlan: 30}
	END
}
expect "devices in VLANs of a bridge" vlan_policy
# It would be refused: one of 802.1ad is no VLAN of the bridge, and comes later.
on_bridge 40 10.0.60.1 802.1ad
ip -n gw neigh replace $PROVIDED lladdr $PLUG_MAC dev br0.40 nud permanent

frame "a member with a PVID, switched" cam allow plug eth0 $CAM_MAC $PLUG $CAM
frame "a member with a PVID, routed" inet allow plug eth0 "$bridge" $PLUG $INET
frame "a member with a PVID, to the gateway" gw allow plug eth0 "$bridge" $PLUG $GW_CAM
frame "to a member with a PVID, switched" plug allow cam eth0 $PLUG_MAC $CAM $PLUG
frame "to a member with a PVID, routed" plug allow inet eth0 "$wan" $INET $PLUG "--in wan0"
vlans "add dev lan2 vid 20 untagged"
frame "a member without a PVID, switched" cam deny plug eth0 $CAM_MAC $PLUG $CAM
frame "a member without a PVID, routed" inet deny plug eth0 "$bridge" $PLUG $INET
frame "a member without a PVID, to the gateway" gw deny plug eth0 "$bridge" $PLUG $GW_CAM
frame "to a member without a PVID, switched" plug deny cam eth0 $PLUG_MAC $CAM $PLUG
frame "to a member without a PVID, routed" plug deny inet eth0 "$wan" $INET $PLUG "--in wan0"
vlans "add dev lan2 vid 20 pvid untagged"
frame "with a PVID again, switched" cam allow plug eth0 $CAM_MAC $PLUG $CAM

frame "a tagged member, routed" inet allow lock eth0.30 "$bridge" $LOCK $INET
frame "a tagged member, to the gateway" gw allow lock eth0.30 "$bridge" $LOCK $GW_LOCK
frame "to a tagged member, routed" lock allow inet eth0 "$wan" $INET $LOCK "--in wan0"
frame "from one VLAN to another, routed" lock allow cam eth0 "$bridge" $CAM $LOCK
vlans "del dev br0 vid 30 self"
frame "the gateway is not in the VLAN, routed" inet deny lock eth0.30 "$bridge" $LOCK $INET
frame "the gateway is not in the VLAN, to it" gw deny lock eth0.30 "$bridge" $LOCK $GW_LOCK
frame "the gateway is not in the VLAN, from outside" lock deny inet eth0 "$wan" $INET $LOCK "--in wan0"
vlans "add dev br0 vid 30 self" "del dev lan1 vid 30"
frame "a member that is not in the VLAN, routed" inet deny lock eth0.30 "$bridge" $LOCK $INET
frame "a member that is not in the VLAN, to the gateway" gw deny lock eth0.30 "$bridge" $LOCK $GW_LOCK
frame "to a member that is not in the VLAN, routed" lock deny inet eth0 "$wan" $INET $LOCK "--in wan0"
vlans "add dev lan1 vid 30"
frame "in it again, routed" inet allow lock eth0.30 "$bridge" $LOCK $INET

frame "in by a VLAN of the bridge" inet allow cam eth0 "$bridge" $CAM $INET "--in br0.20"
frame "in by a VLAN of 802.1ad" inet deny cam eth0.40 "$bridge" $CAM $INET "--in br0.40"
frame "out by a VLAN of the bridge" plug allow inet eth0 "$wan" $INET $PLUG "--in wan0"
frame "out by a VLAN of 802.1ad" plug deny inet eth0 "$wan" $INET $PROVIDED "--in wan0"
# What was denied would be there by now.
frame "all the others are seen" cam allow plug eth0 $CAM_MAC $PLUG $CAM
frame "at lock, too" lock allow cam eth0 "$bridge" $CAM $LOCK
frame "at plug, too" plug allow cam eth0 $PLUG_MAC $CAM $PLUG
frame "in the internet, too" inet allow cam eth0 "$bridge" $CAM $INET

python3 "$here/agree.py" "$work" gw plug "${hosts[@]}" >"$work/agreed"
grep '^#' "$work/agreed"
read -r number allowed many wrong < <(grep -v '^#' "$work/agreed")
echo "# $number packets, $allowed of them arrived, $many of those for many"
[ "$allowed" -gt 20 ] && [ $((number - allowed)) -gt 20 ] && [ "$many" -gt 5 ]
report $? "many that may and many that may not, also for many"
equal "explain is right about each" 0 "$wrong"
finish
