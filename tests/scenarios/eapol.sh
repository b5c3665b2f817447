#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# 802.1X: wpa_supplicant on the devices, hostapd and FreeRADIUS on the gateway as `ca export --hostapd` writes their files,
# `cordonctl hostapd` between them and the kernel. A port of its own (lan0) and a member of a bridge (lan1).
# seconds: 900
# needs: tests/vm/eapol.sh
SERVICES='22 443'
GW_SERVICES='22 53'
. "$(dirname "$0")/lib.sh"
tree=$("$(dirname "$0")/../vm/eapol.sh") || exit
setup
enter_tree
for dir in "$tree/run/freeradius" "$tree/tmp" "$work/hostapd"; do
	mkdir -p "$dir"
done
bridge_lan lan1
ip -n gw addr flush dev br0
ip -n gw addr add $GW_LOCK/24 dev br0
ip -n gw addr add $GW_LOCK6/64 dev br0 nodad

ctl() {
	on gw cordonctl "$@"
}
state() {
	counter "devices/$1/state"
}
is() {	# MAC STATE
	[ "$(state "$1")" = "$2" ]
}
policy() {
	apply <<-END
		version: 1
		ports: [lan0, lan1]
		uplinks: [wan0, plant0]
		segments:
		  iot_zone: {authentication: certificate, lease: 1h}
		  wan: {networks: [0.0.0.0/0, "::/0"]}
		rules:
		  - {from: iot_zone, to: wan, allow: [tcp/443]}
		devices:
		  - {name: cam, mac: "$CAM_MAC", network_segment: iot_zone, addresses: [$CAM, "$CAM6"], port: lan0}
		  - {name: lock, mac: "$LOCK_MAC", network_segment: iot_zone, addresses: [$LOCK, "$LOCK6"], port: lan1}
	END
}
policy >/dev/null
export=$work/8021x

expect "ca init" ctl ca init
expect "cam's certificate" ctl ca issue cam --out "$work/cam"
expect "lock's" ctl ca issue lock --out "$work/lock"
expect "ca export --hostapd" ctl ca export --hostapd "$export" lan0 lan1
sed -i "s#^ctrl_interface=.*#ctrl_interface=$work/hostapd#; s/^eap_reauth_period=.*/eap_reauth_period=3500/" "$export"/hostapd-*.conf

radius() {
	grep -q 'Ready to process requests' "$work/radius.log"
}
daemon gw radius /usr/sbin/freeradius -f -l stdout -d "$export" -n radiusd
poll 120 radius || sed 's/^/# /' "$work/radius.log"
daemon gw hostapd /usr/sbin/hostapd "$export/hostapd-lan0.conf" "$export/hostapd-lan1.conf"
spawn gw cordonctl hostapd --control "$work/hostapd" --token "$export/token" >>"$work/helper.log" 2>&1
helper=$!
disown
hears() {
	[ "$(grep -c 'hears hostapd' "$work/helper.log")" = 2 ]
}
poll 60 hears
report $? "the helper hears hostapd of both ports"

# supplicant NS NAME CERTIFICATE: one that says it is NAME
supplicant() {
	mkdir -p "$work/wpa"
	cat >"$work/wpa.conf" <<-END
		ctrl_interface=$work/wpa/$1
		ap_scan=0
		fast_reauth=0
		network={
			key_mgmt=IEEE8021X
			eap=TLS
			eapol_flags=0
			identity="$2"
			ca_cert="$work/$3/ca.crt"
			client_cert="$work/$3/$3.crt"
			private_key="$work/$3/$3.key"
			domain_match="cordon-8021x"
		}
	END
	cp "$work/wpa.conf" "$work/wpa.$1.conf"
	daemon "$1" "wpa.$1" /usr/sbin/wpa_supplicant -Dwired -ieth0 -c "$work/wpa.$1.conf"
}
gone() {
	[ ! -d "/proc/$1" ]
}
without() {	# NS: no supplicant
	local pid
	pid=$(cat "$work/wpa.$1.pid")
	kill "$pid"
	poll 20 gone "$pid"
	rm -rf "$work/wpa/$1"
}
wpa() {	# NS COMMAND...
	run "$1" /usr/sbin/wpa_cli -p "$work/wpa/$1" -i eth0 "${@:2}"
}
said() {
	grep -q -- "$1" "$work/helper.log"
}

equal "without 802.1X: not authenticated" onboarding "$(state $CAM_MAC)"
denied unauthenticated "without 802.1X" reaches cam tcp $INET 443

# Its own certificate
supplicant cam cam cam
poll 60 is $CAM_MAC active
report $? "with its certificate, cam is active" || sed 's/^/# /' "$work/helper.log"
expect "traffic flows" reaches cam tcp $INET 443
expect "over IPv6, too" reaches cam tcp $INET6 443
denied segment_violation "but what no rule opens" reaches cam tcp $INET 22
fingerprint=$(openssl x509 -in "$work/cam/cam.crt" -noout -fingerprint -sha256 | sed 's/.*=//; s/://g' | tr A-F a-f)
ctl show devices --json >"$work/json"
grep -q "\"certificate\": \"$fingerprint\"" "$work/json"
report $? "the lease is that certificate's"
equal "EAPOL is nothing that Cordon counts" 0 "$(kind unjudged)"

# Logoff
expect "logoff" wpa cam logoff
poll 30 is $CAM_MAC expired
report $? "the lease is over"
denied unauthenticated "at the next packet" reaches cam tcp $INET 443
expect "logon" wpa cam logon
poll 60 is $CAM_MAC active
report $? "it is active again"
expect "traffic flows again" reaches cam tcp $INET 443

# A member of a bridge
refuse "lock's, before" reaches lock tcp $INET 443
supplicant lock lock lock
poll 60 is $LOCK_MAC active
report $? "in a bridge: lock is active"
expect "in a bridge: traffic flows" reaches lock tcp $INET 443
without lock
expect "deauthenticated" run gw /usr/sbin/hostapd_cli -p "$work/hostapd" -i lan1 deauthenticate $LOCK_MAC
poll 30 is $LOCK_MAC expired
report $? "in a bridge: thrown out, its lease is over"

# lock's certificate with cam's MAC, whatever it calls itself: EAP-TLS lets it in, Cordon does not
without cam
ctl device lease cam 0 >/dev/null
for name in cam lock; do
	: >"$work/helper.log"
	supplicant cam $name lock
	poll 60 said "the certificate is that of lock"
	report $? "cam's MAC, lock's certificate, name $name: refused, and logged" || sed 's/^/# /' "$work/helper.log"
	equal "cam's MAC, lock's certificate, name $name: no lease" expired "$(state $CAM_MAC)"
	refuse "cam's MAC, lock's certificate, name $name: denied" reaches cam tcp $INET 443
	without cam
done
# What FreeRADIUS does not know
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=cam -days 1 -keyout "$work/cam/other.key" \
	-out "$work/cam/other.crt" 2>/dev/null
mkdir "$work/other"
cp "$work/cam/ca.crt" "$work/cam/other.key" "$work/cam/other.crt" "$work/other"
supplicant cam cam other
failed() {
	grep -q 'CTRL-EVENT-EAP-FAILURE' "$work/wpa.cam.log"
}
poll 60 failed
report $? "a certificate of one's own making: EAP fails"
equal "no lease for it" expired "$(state $CAM_MAC)"
without cam

# Another CA below the same root, which gives cam's serial number again
mkdir "$work/forged"
cp "$work/cam/ca.crt" "$work/forged"
printf '%s\n' '[ca]' basicConstraints=critical,CA:TRUE,pathlen:0 keyUsage=critical,keyCertSign '[leaf]' \
	extendedKeyUsage=clientAuth keyUsage=critical,digitalSignature >"$work/forged/ext"
certify() {	# NAME ISSUER SECTION SERIAL
	openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=$1" -keyout "$work/forged/$1.key" \
		-out "$work/forged/$1.csr" 2>/dev/null
	openssl x509 -req -in "$work/forged/$1.csr" -CA "$2.crt" -CAkey "$2.key" -set_serial "$4" -days 1 \
		-extfile "$work/forged/ext" -extensions "$3" -out "$work/forged/$1.crt" 2>/dev/null
}
certify other /var/lib/cordon/ca/root ca 0x77
certify forged "$work/forged/other" leaf "0x$(openssl x509 -in "$work/cam/cam.crt" -noout -serial | sed 's/.*=//')"
cat "$work/forged/other.crt" >>"$work/forged/forged.crt"
expect "a forged certificate: the root has it" openssl verify -CAfile /var/lib/cordon/ca/root.crt -untrusted "$work/forged/other.crt" \
	"$work/forged/forged.crt"
rm -f "$work/wpa.cam.log"
supplicant cam cam forged
poll 60 failed
report $? "cam's serial number by another CA below the root: EAP fails" || sed 's/^/# /' "$work/helper.log"
equal "and no lease for it" expired "$(state $CAM_MAC)"
without cam

# Revocation
supplicant cam cam cam
poll 120 is $CAM_MAC active
report $? "control: its own certificate again"
expect "traffic flows" reaches cam tcp $INET 443
: >"$work/helper.log"
expect "ca revoke" ctl ca revoke cam
equal "the lease is over with the command" expired "$(state $CAM_MAC)"
denied unauthenticated "revoked" reaches cam tcp $INET 443
poll 60 said "the certificate is revoked"
report $? "authenticated anew, it is refused" || sed 's/^/# /' "$work/helper.log"
equal "no lease for it" expired "$(state $CAM_MAC)"
without cam
rm -rf "$work/cam"
expect "another certificate" ctl ca issue cam --out "$work/cam"
supplicant cam cam cam
poll 120 is $CAM_MAC active
report $? "it is active with that"
old=$(openssl x509 -in "$work/cam/cam.crt" -noout -serial | sed 's/.*=//')
leases() {
	grep -c ' lease device=cam ' "$work/helper.log"
}
: >"$work/helper.log"
expect "a third one, which the supplicant is not told of" ctl ca issue cam --out "$work/cam"
expect "the one before is revoked" ctl ca revoke "$old"
another() {
	[ "$(leases)" = 1 ]
}
poll 60 another
report $? "hostapd asks it anew, and it has a lease by the third" || sed 's/^/# /' "$work/helper.log"
equal "it is active" active "$(state $CAM_MAC)"

# By hand, as who has another authenticator would
serial=$(openssl x509 -in "$work/lock/lock.crt" -noout -serial | sed 's/.*=//')
refuse "device lease: another's certificate" ctl device lease cam --certificate "$serial" --port lan0
refuse "device lease: no port of its own" ctl device lease lock --certificate "$serial" --port lan0
refuse "device lease: a bridge is no port" ctl device lease lock --certificate "$serial" --port br0
equal "none has changed anything" "active expired" "$(state $CAM_MAC) $(state $LOCK_MAC)"
expect "device lease --certificate" ctl device lease lock --certificate "$serial" --port lan1
equal "it has a lease" active "$(state $LOCK_MAC)"
expect "device lease end --certificate" ctl device lease lock end --certificate "$serial"
equal "and none any more" expired "$(state $LOCK_MAC)"

# Nobody there: nothing changes but that leases run out
kill $helper
expect "the helper has gone: traffic flows" reaches cam tcp $INET 443
grep -q "$(cat "$export/token")" "$work/helper.log" "$work/hostapd.log" "$work/radius.log"
[ $? = 1 ]
report $? "the token is in no log"
[ "$failed" = 0 ] || sed 's/^/# /' "$work/helper.log" "$work/hostapd.log" "$work/radius.log" | tail -n 60
rm -rf /var/lib/cordon
finish
