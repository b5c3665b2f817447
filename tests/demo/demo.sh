#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# What Cordon does, step by step: from an unknown device to a leased, policed and counted one.
GW_SERVICES='22 53 80 443 502'
. "$(dirname "$0")/../scenarios/lib.sh"

steps=0 wrong=0

chapter() {
	printf '\n== %s\n' "$1"
}

# try EXPECTED WHAT COMMAND...: EXPECTED is yes or no, WHAT is tried by COMMAND, which succeeds or says no (1)
try() {
	local expected=$1 what=$2 got=no status
	shift 2
	"$@" >/dev/null 2>&1
	status=$?
	[ $status = 0 ] && got=yes
	steps=$((steps + 1))
	if [ $got = "$expected" ] && [ $status -le 1 ]; then
		printf '  %-62s expected %-3s  got %-3s\n' "$what" "$expected" $got
	else
		printf '  %-62s expected %-3s  got %-3s  <-- WRONG\n' "$what" "$expected" $got
		wrong=$((wrong + 1))
	fi
}

# counted PATH WHAT COMMAND...: the counter in sysfs is larger afterwards
counted() {
	local path=$1 what=$2 before after
	shift 2
	before=$(counter "$path")
	"$@" >/dev/null 2>&1
	after=$(counter "$path")
	try yes "$what: counted" [ "$after" -gt "$before" ]
	printf '      /sys/kernel/cordon/%s: %s, then %s\n' "$path" "$before" "$after"
}

run() {
	printf '  gw# %s\n' "$*"
	on gw "$@" 2>&1 | sed 's/^/      /'
}

# On the device: its files by their names.
device() {
	printf '  cam# cordonctl %s\n' "${*//"$work"/.}"
	on cam cordonctl "$@" 2>&1 | sed "s|$work|.|g; s/^/      /"
}

bytes() {
	cat "$work/$1" 2>/dev/null || echo 0
}
moved() {
	[ "$(bytes "$1")" -gt "$2" ]
}
transfer() {
	on "$1" probe transfer $INET 443 "$work/$1.bytes" 2>/dev/null &
	disown
	poll 20 moved "$1.bytes" 0
}
# stands NS: its transfer does not move while the neighbour's does
stands() {
	local clock at
	clock=$(bytes lock.bytes)
	poll 20 moved lock.bytes $((clock + 20000))
	at=$(bytes "$1.bytes") clock=$(bytes lock.bytes)
	poll 20 moved lock.bytes $((clock + 100000)) && [ "$at" = "$(bytes "$1.bytes")" ]
}

echo "A gateway (Debian's kernel $(uname -r)) with two devices, a plant server and an internet host:"
sed -n 's/^# \( .*\)$/  \1/p' "$(dirname "$0")/../scenarios/lib.sh" | head -n 3
setup
GW_MAC=$(mac_of gw lan0)
on inet probe sniff eth0 "$work/seen" >/dev/null &
run modprobe cordon

chapter "Without a policy everything passes"
try yes "cam -> internet, port 80" reaches cam tcp $INET 80
try yes "cam -> internet, port 80, IPv6" reaches cam tcp $INET6 80
try yes "cam -> lock, port 22" reaches cam tcp $LOCK 22

chapter "A policy"
cat >"$work/policy.yaml" <<-END
	version: 1
	mode: enforce
	ports: [lan0, lan1]
	uplinks: [wan0, plant0]
	segments:
	  iot_zone: {authentication: certificate}
	  critical: {}
	  plant: {networks: [10.0.50.0/24, "fd00:50::/64"], interfaces: [plant0]}
	  wan: {networks: [0.0.0.0/0, "::/0"]}
	rules:
	  - {from: iot_zone, to: wan, allow: [tcp/443, tcp/8883]}
	  - {from: critical, to: wan, allow: [tcp/443]}
	  - {from: plant, to: iot_zone, allow: [tcp/502]}
	devices:
	  - {name: cam, mac: "$CAM_MAC", network_segment: iot_zone, addresses: [$CAM, "$CAM6"]}
	  - {name: lock, mac: "$LOCK_MAC", network_segment: critical, addresses: [$LOCK, "$LOCK6"]}
END
sed 's/^/      /' "$work/policy.yaml"
run cordonctl apply "$work/policy.yaml"

chapter "An unknown device is dropped, and counted"
counted anomalies/unknown_device "a frame of 02:00:00:00:09:09" \
	on cam probe send eth0 1 02:00:00:00:09:09 "$GW_MAC" $CAM $INET udp 1000 9
try no "it arrived" grep -qx 1 "$work/seen"

chapter "A device that has not proved who it is gets in touch, and no further"
run cat "/sys/kernel/cordon/devices/$CAM_MAC/state"
try yes "cam -> gateway, DNS" reaches cam udp $GW_CAM 53
try no "cam -> internet, port 443, though its segment may" reaches cam tcp $INET 443 500

chapter "The gateway becomes a CA, and serves enrolment and check-in"
run cordonctl ca init --name Gateway
on gw cordonctl ca export >"$work/root.crt"
try yes "cordonctl serve" on gw cordonctl serve
run ps -o user:12,pid,comm -C cordonctl:front,cordonctl:agent,cordonctl:sign
try no "admin as a token: a vendor's default" on gw cordonctl device token cam --set admin
echo "  gw# cordonctl device token cam"
token=$(on gw cordonctl device token cam)
echo "      $token"

chapter "The device makes a key, and gets a certificate for its token (EST)"
try no "lock takes cam's token: wrong address" \
	on lock cordonctl enroll --server "https://$GW_LOCK:8443" --ca "$work/root.crt" --name cam --token "$token" --out "$work/stolen"
device enroll --server "https://$GW_CAM:8443" --ca "$work/root.crt" --name cam --token "$token" --out "$work/cam"
try yes "the certificate is cam's, by name and MAC" \
	sh -c "openssl x509 -in '$work/cam/device.crt' -noout -subject -ext subjectAltName | grep -q 020000fffe000101"
try no "the token a second time" \
	on cam cordonctl enroll --server "https://$GW_CAM:8443" --ca "$work/root.crt" --name cam --token "$token" --out "$work/again"

chapter "A check-in opens the gate: what its segment may, and nothing else"
try no "cam -> internet, port 443: a certificate alone is no lease" reaches cam tcp $INET 443 500
try no "lock checks in with cam's certificate: wrong address" on lock cordonctl checkin --server "$GW_LOCK:8883" \
	--cert "$work/cam/device.crt" --key "$work/cam/device.key" --ca "$work/root.crt"
device checkin --server "[$GW_CAM6]:8883" --cert "$work/cam/device.crt" --key "$work/cam/device.key" --ca "$work/root.crt"
run cat "/sys/kernel/cordon/devices/$CAM_MAC/state" "/sys/kernel/cordon/devices/$CAM_MAC/lease_seconds"
for v in 4 6; do
	[ $v = 4 ] && inet=$INET plant=$PLANT cam=$CAM lock=$LOCK || inet=$INET6 plant=$PLANT6 cam=$CAM6 lock=$LOCK6
	try yes "IPv$v: cam -> internet, port 443" reaches cam tcp $inet 443
	try no "IPv$v: cam -> internet, port 80" reaches cam tcp $inet 80 500
	try yes "IPv$v: plant -> cam, port 502 (by rule)" reaches plant tcp $cam 502
	try no "IPv$v: cam -> plant, port 502 (no rule this way)" reaches cam tcp $plant 502 500
	try no "IPv$v: cam -> lock, sideways" reaches cam tcp $lock 22 500
done
run cordonctl explain --from cam --to lock --proto tcp --dport 22
counted "devices/$CAM_MAC/anomalies/segment_violation" "sideways" reaches cam tcp $LOCK 22 300

chapter "What a device opens is TLS 1.3, on the wire"
certificate
ossl=(openssl s_server -quiet -www -cert "$work/crt" -key "$work/key" -accept)
server inet tcp/4433 "${ossl[@]}" 4433
server inet tcp/4412 "${ossl[@]}" 4412 -tls1_2
tls() {		# PORT
	printf 'GET / HTTP/1.0\r\n\r\n' | on cam timeout 20 openssl s_client -connect "$INET:$1" -ign_eof 2>/dev/null | shows 'HTTP/1.0 200'
}
sed -i 's/{authentication: certificate}/{authentication: certificate, encryption: TLS1.3}/; s|tcp/443, tcp/8883]|tcp/443, tcp/4400-4500]|' \
	"$work/policy.yaml"
run cordonctl diff "$work/policy.yaml"
run cordonctl apply "$work/policy.yaml"
try yes "cam -> a server of TLS 1.3" tls 4433
counted "devices/$CAM_MAC/anomalies/tls_downgrade" "a server that selects TLS 1.2" tls 4412
try no "cam -> a server that selects TLS 1.2" tls 4412
counted "devices/$CAM_MAC/anomalies/plaintext" "something in the clear" reaches cam tcp $INET 443
try no "cam -> internet, port 443, in the clear" reaches cam tcp $INET 443
sed -i 's|tcp/4400-4500]|&, plaintext: true|' "$work/policy.yaml"
run cordonctl apply "$work/policy.yaml"
try yes "a rule may exempt what it opens" reaches cam tcp $INET 443

chapter "Nobody borrows an address or a MAC"
counted "devices/$CAM_MAC/anomalies/spoofed_source" "cam with lock's address" \
	on cam probe send eth0 2 $CAM_MAC "$GW_MAC" $LOCK $INET udp 1000 443
counted "devices/$CAM_MAC/anomalies/spoofed_source" "cam with lock's address, IPv6" \
	on cam probe send eth0 3 $CAM_MAC "$GW_MAC" $LOCK6 $INET6 udp 1000 443
counted "devices/$LOCK_MAC/anomalies/spoofed_source" "cam with lock's MAC" \
	on cam probe send eth0 4 $LOCK_MAC "$GW_MAC" $CAM $INET udp 1000 443

chapter "Quarantine cuts what is running; the neighbour's goes on"
transfer cam
transfer lock
try yes "both transfers run" test -s "$work/lock.bytes" -a -s "$work/cam.bytes"
run cordonctl device quarantine cam
try yes "cam's transfer stands still, lock's goes on" stands cam
try no "cam -> gateway, DNS" reaches cam udp $GW_CAM 53 500
run cordonctl device release cam
at=$(bytes cam.bytes)
try yes "released: cam's transfer goes on" poll 60 moved cam.bytes "$at"

chapter "A revoked certificate ends the lease at once; another one begins a new lease"
run cordonctl ca revoke cam --reason keyCompromise
try yes "cam's transfer stands still, lock's goes on" stands cam
try no "cam checks in" on cam cordonctl checkin --server "$GW_CAM:8883" \
	--cert "$work/cam/device.crt" --key "$work/cam/device.key" --ca "$work/root.crt"
token=$(on gw cordonctl device token cam)
device enroll --server "https://$GW_CAM:8443" --ca "$work/root.crt" --name cam --token "$token" --out "$work/new"
device checkin --server "$GW_CAM:8883" --cert "$work/new/device.crt" --key "$work/new/device.key" --ca "$work/root.crt"
at=$(bytes cam.bytes)
try yes "cam's transfer goes on" poll 60 moved cam.bytes "$at"
run cordonctl ca list

chapter "Firmware below the floor: the device reaches its update, and nothing else"
state_is() {
	[ "$(counter "devices/$CAM_MAC/state")" = "$1" ]
}
sed -i 's/encryption: TLS1.3}/encryption: TLS1.3, firmware_auto_update: true, firmware: {grace: 0s}}/; s/name: cam,/name: cam, model: acme-t1,/' \
	"$work/policy.yaml"
run cordonctl apply "$work/policy.yaml"
device checkin --server "$GW_CAM:8883" --cert "$work/new/device.crt" --key "$work/new/device.key" --ca "$work/root.crt" --firmware 1.0
head -c 300000 /dev/urandom >"$work/acme-1.1.img"
run cordonctl firmware sign "$work/acme-1.1.img"
run cordonctl firmware add "$work/acme-1.1.img" --model acme-t1 --version 1.1
run cordonctl firmware floor acme-t1 1.1
try yes "the state becomes outdated" poll 10 state_is outdated
try yes "cam's transfer stands still, lock's goes on" stands cam
try no "cam -> internet, port 443" reaches cam tcp $INET 443 500
printf '#!/bin/sh\ncp "$1" %s\n' "$work/flashed" >"$work/install"
chmod +x "$work/install"
device update --server "$GW_CAM:8443" --cert "$work/new/device.crt" --key "$work/new/device.key" --ca "$work/root.crt" \
	--model acme-t1 --version 1.0 --state "$work/update" --install "$work/install"
try yes "what was installed is what was signed" cmp "$work/flashed" "$work/acme-1.1.img"
run cordonctl firmware status cam
try yes "the state becomes active" poll 10 state_is active
at=$(bytes cam.bytes)
try yes "cam's transfer goes on" poll 60 moved cam.bytes "$at"

chapter "A lease ends by itself, with no process of ours alive"
sed -i 's/{authentication: certificate/&, lease: 5s/' "$work/policy.yaml"
run cordonctl apply "$work/policy.yaml"
device checkin --server "$GW_CAM:8883" --cert "$work/new/device.crt" --key "$work/new/device.key" --ca "$work/root.crt"
run cordonctl serve --stop
try no "a process of ours is running" pgrep 'cordon'
try yes "the state becomes expired" poll 10 state_is expired
try yes "cam's transfer stands still, lock's goes on" stands cam
pkill -f 'probe transfer'

chapter "A home's bridge: addresses by DHCP, and a device that no policy lists"
BULB_MAC=02:00:00:00:01:0b PHONE_MAC=02:00:00:00:01:0f
extra='bulb phone'
ip -n gw link add br0 address 02:00:00:00:01:fe type bridge
for ns in bulb:lan4:$BULB_MAC phone:lan5:$PHONE_MAC; do
	IFS=: read -r name port mac <<<"$ns"
	host "$name" "$port" 10.0.40.99 fd00:40::99 10.0.40.1 fd00:40::1 "$mac"
	ip -n "$name" addr flush dev eth0 scope global
	ip -n gw addr flush dev "$port"
	ip -n gw link set "$port" master br0
	serve "$name"
done
ip -n gw addr add 10.0.40.1/24 dev br0
ip -n gw link set br0 up
printf '%s\n' 'start 10.0.40.10' 'end 10.0.40.20' 'interface br0' 'option subnet 255.255.255.0' 'option router 10.0.40.1' \
	'option lease 3600' "lease_file $work/udhcpd.leases" "pidfile $work/udhcpd.pid" >"$work/udhcpd.conf"
: >"$work/udhcpd.leases"
spawn gw busybox udhcpd -f "$work/udhcpd.conf" 2>/dev/null
printf '%s\n' '#!/bin/sh' '[ "$1" = bound ] || exit 0' 'ip addr add "$ip/24" dev eth0' 'ip route replace default via "$router"' \
	>"$work/leased"
chmod +x "$work/leased"
dhcp() {	# NS HOSTNAME
	on "$1" busybox udhcpc -i eth0 -f -q -n -t 5 -T 1 -A 1 -x "hostname:$2" -s "$work/leased"
}
address_of() {
	ip -n "$1" -4 -o addr show dev eth0 scope global | sed 's/.*inet //; s,/.*,,'
}
sed -i 's/^ports: .*/ports: [lan0, lan1, lan4, lan5]/; s/^segments:/unknown: guests\n&\n  guests: {isolate: true}/
	s/^rules:/&\n  - {from: guests, to: wan, allow: [tcp\/80]}/' "$work/policy.yaml"
cat >>"$work/policy.yaml" <<-END
	  - {name: bulb, mac: "$BULB_MAC", network_segment: guests, addresses: auto}
END
run cordonctl apply "$work/policy.yaml"
try yes "bulb gets its address by DHCP" dhcp bulb bulb
try yes "bulb -> internet, port 80" reaches bulb tcp $INET 80
try yes "phone, which no policy lists, gets one, too" dhcp phone kitchen-phone
try yes "phone -> internet, port 80" reaches phone tcp $INET 80
try no "phone -> bulb, on the same bridge" reaches phone tcp "$(address_of bulb)" 80 500
ip -n phone addr add "$(address_of bulb)/24" dev eth0
ip -n phone neigh flush dev eth0
counted "devices/$PHONE_MAC/anomalies/arp_spoof" "phone says that it has bulb's address" \
	on phone ping -c 1 -W 1 -I "$(address_of bulb)" 10.0.40.1
run cordonctl show bindings
run cordonctl device unknown
run cordonctl device adopt $PHONE_MAC phone --segment guests

chapter "What the gateway saw"
run cordonctl stats
run cordonctl status
run sh -c "cd /sys/kernel/cordon/devices/$CAM_MAC && grep . state rx_packets tx_packets denied anomalies/*"
teardown

echo
if [ $wrong = 0 ] && [ $steps -gt 50 ]; then
	echo "$steps steps, all as expected"
	echo "demo: ok"
else
	echo "$steps steps, $wrong not as expected"
	echo "demo: FAILED"
	exit 1
fi
