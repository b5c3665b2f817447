#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# A flow table takes what is established past every hook, but not what is under the TLS gate.
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
	  wan: {networks: [0.0.0.0/0, "::/0"]}
	rules:
	  - {from: iot_zone, to: wan, allow: ["tcp/*"]}
	  - {from: office, to: wan, allow: ["tcp/*"]}
	devices:
	  - {name: cam, mac: "$CAM_MAC", network_segment: iot_zone, addresses: [$CAM, "$CAM6"]}
	  - {name: lock, mac: "$LOCK_MAC", network_segment: office, addresses: [$LOCK, "$LOCK6"]}
END
on gw nft -f - <<-END
	table inet fast {
	  flowtable f { hook ingress priority 0; devices = { lan0, lan1, wan0 }; }
	  chain forward { type filter hook forward priority 0; meta l4proto tcp flow add @f; }
	}
END
report $? "a flow table of what is forwarded"
connections() {	# ADDRESS: of the one from there, as connection tracking shows them
	on gw grep "src=$1 dst=$INET " /proc/net/nf_conntrack
}
offloaded() {
	connections "$1" | grep -q OFFLOAD
}
answered() {	# NS WORD
	grep -q "$2" "$work/$1.heard"
}

certificate
ossl=(openssl s_server -rev -quiet -cert "$work/crt" -key "$work/key" -accept)
server inet tcp/4433 "${ossl[@]}" 4433 -tls1_3
server inet tcp/4412 "${ossl[@]}" 4412 -tls1_2
mkfifo "$work/lock.says" "$work/cam.says"
on lock socat - TCP:$INET:80 <>"$work/lock.says" >"$work/lock.heard" 2>&1 &
disown
on cam openssl s_client -quiet -connect $INET:4433 <>"$work/cam.says" >"$work/cam.heard" 2>&1 &
disown
# The server of TLS says it backwards.
for word in one two; do
	echo $word >"$work/lock.says"
	echo $word >"$work/cam.says"
	poll 20 answered lock $word
	report $? "lock's connection answers $word"
done
poll 20 answered cam eno && poll 20 answered cam owt
report $? "cam's, of TLS 1.3, answers twice, too"
poll 20 offloaded $LOCK
report $? "lock's is offloaded, as nothing is demanded of it"
connections $CAM | grep -q ESTABLISHED
report $? "cam's is known"
! offloaded $CAM
report $? "and is not offloaded"
equal "a server of TLS 1.2 only is out of reach" 0 "$(on cam python3 "$here/connect.py" $INET 4412 2>/dev/null)"
equal "counted as tls_downgrade" 1 "$(kind tls_downgrade)"
refuse "HTTP is, too" reaches cam tcp $INET 80
equal "counted as plaintext" 1 "$(kind plaintext)"
on gw cordonctl device quarantine cam >/dev/null
echo four >"$work/cam.says"
stopped() {
	[ "$(counter "devices/$CAM_MAC/denied")" -gt 2 ]
}
poll 20 stopped
! answered cam ruof
report $? "quarantine stops it at the next packet"
finish
