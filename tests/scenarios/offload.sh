#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# A flow table takes what is established past every hook, but not the connections of devices.
# kernels: all
# seconds: 300
. "$(dirname "$0")/lib.sh"
setup
here=$(dirname "$0")

cat <<-END | apply >/dev/null
	version: 1
	ports: [lan0, lan1]
	uplinks: [wan0, plant0]
	segments:
	  iot_zone: {encryption: TLS1.3}
	  office: {}
	  plant: {networks: [10.0.50.0/24, "fd00:50::/64"]}
	  wan: {networks: [0.0.0.0/0, "::/0"]}
	rules:
	  - {from: wan, to: plant, allow: ["tcp/*"]}
	  - {from: iot_zone, to: wan, allow: ["tcp/*"]}
	  - {from: office, to: wan, allow: ["tcp/*"]}
	devices:
	  - {name: cam, mac: "$CAM_MAC", network_segment: iot_zone, addresses: [$CAM, "$CAM6"]}
	  - {name: lock, mac: "$LOCK_MAC", network_segment: office, addresses: [$LOCK, "$LOCK6"]}
END
on gw nft -f - <<-END
	table inet fast {
	  flowtable f { hook ingress priority 0; devices = { lan0, lan1, plant0, wan0 }; }
	  chain forward { type filter hook forward priority 0; meta l4proto tcp flow add @f; }
	}
END
report $? "a flow table of what is forwarded"
connections() {	# FROM [TO]: as connection tracking shows them
	on gw grep "src=$1 dst=${2:-$INET} " /proc/net/nf_conntrack
}
offloaded() {
	connections "$@" | shows OFFLOAD
}
answered() {	# NS WORD
	grep -q "$2" "$work/$1.heard"
}

certificate
ossl=(openssl s_server -rev -quiet -cert "$work/crt" -key "$work/key" -accept)
server inet tcp/4433 "${ossl[@]}" 4433 -tls1_3
server inet tcp/4412 "${ossl[@]}" 4412 -tls1_2
mkfifo "$work/lock.says" "$work/cam.says" "$work/inet.says"
on lock socat - TCP:$INET:80 <>"$work/lock.says" >"$work/lock.heard" 2>&1 &
disown
on inet socat - TCP:$PLANT:80 <>"$work/inet.says" >"$work/inet.heard" 2>&1 &
disown
on cam openssl s_client -quiet -connect $INET:4433 <>"$work/cam.says" >"$work/cam.heard" 2>&1 &
disown
# The server of TLS says it backwards.
for word in one two; do
	for ns in lock inet cam; do
		echo $word >"$work/$ns.says"
	done
	for ns in lock inet; do
		poll 20 answered $ns $word
		report $? "the connection of $ns answers $word"
	done
done
poll 20 answered cam eno && poll 20 answered cam owt
report $? "cam's, of TLS 1.3, answers twice, too"
offloaded $INET $PLANT
report $? "control: the one between wan and plant is offloaded, as no device is at its ends"
connections $LOCK | shows ESTABLISHED
report $? "lock's is known"
! offloaded $LOCK
report $? "and is not offloaded, though nothing is demanded of it"
connections $CAM | shows ESTABLISHED
report $? "cam's is known"
! offloaded $CAM
report $? "and is not offloaded"
equal "a server of TLS 1.2 only is out of reach" 0 "$(on cam python3 "$here/connect.py" $INET 4412 2>/dev/null)"
equal "counted as tls_downgrade" 1 "$(kind tls_downgrade)"
refuse "HTTP is, too" reaches cam tcp $INET 80
equal "counted as plaintext" 1 "$(kind plaintext)"
for ns in cam lock; do
	on gw cordonctl device quarantine $ns >/dev/null
done
echo four >"$work/cam.says"
echo four >"$work/lock.says"
stopped() {	# MAC BEFORE
	[ "$(counter "devices/$1/denied")" -gt "$2" ]
}
poll 20 stopped $CAM_MAC 2
! answered cam ruof
report $? "quarantine stops cam's connection at the next packet"
poll 20 stopped $LOCK_MAC 0
! answered lock four
report $? "and lock's"
echo four >"$work/inet.says"
poll 20 answered inet four
report $? "control: the other one goes on"
finish
