#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# From a token to traffic: EST with curl, strongSwan and cordonctl, check-in, the lease's end, renewal, revocation.
# seconds: 600
GW_SERVICES='22 53 80 443 502'
. "$(dirname "$0")/lib.sh"
setup
here=$(dirname "$0")
mkdir -p "$work"/{cam,lock,stranger}

policy() {
	cat <<-END
		version: 1
		ports: [lan0, lan1]
		uplinks: [wan0, plant0]
		segments:
		  iot_zone: {authentication: certificate, lease: $1}
		  wan: {networks: [0.0.0.0/0, "::/0"]}
		rules:
		  - {from: iot_zone, to: wan, allow: [tcp/443]}
		devices:
		  - {name: cam, mac: "$CAM_MAC", network_segment: iot_zone, addresses: [$CAM, "$CAM6"]}
		  - {name: lock, mac: "$LOCK_MAC", network_segment: iot_zone, addresses: [$LOCK, "$LOCK6"]}
	END
}
ctl() {
	on gw cordonctl "$@"
}
state() {
	counter "devices/$1/state"
}
# refusals REASON: how many the server has counted
refusals() {
	ctl stats --prometheus | sed -n "s/^cordon_serve_refused_total{reason=\"$1\"} //p"
}
# counted NAME REASON COMMAND...: the command's answer is no welcome, and the refusal is counted under its reason
counted() {
	local name=$1 reason=$2 before
	shift 2
	before=$(refusals "$reason")
	"$@" >"$work/said" 2>&1
	! grep -q Welcome "$work/said"
	report $? "$name: refused"
	equal "$name: counted as $reason" $((before + 1)) "$(refusals "$reason")"
	sed 's/^/# /' "$work/said" | tail -n 1
}
welcomed() {
	"$@" >"$work/said" 2>&1
	grep -qx "Welcome IoT Device" "$work/said" || { sed 's/^/# /' "$work/said"; return 1; }
}
expired() {
	[ "$(state "$1")" = expired ]
}
est() {
	local ns=$1 what=$2
	shift 2
	on "$ns" curl -sS --max-time 60 --cacert "$work/root.crt" -w '%{stderr}%{http_code}' "$@" \
		"https://$GW_CAM:8443/.well-known/est/$what" 2>"$work/code"
}
code_is() {
	grep -qx "$1" "$work/code" || { sed 's/^/# /' "$work/code"; return 1; }
}

expect "a CA" ctl ca init --name Gateway
ctl ca export | sed -n '1,/END CERTIFICATE/p' >"$work/root.crt"
policy 1h | apply >/dev/null
cat >"$work/serve.yaml" <<-END
	server_names: [gateway, $GW_CAM, "$GW_CAM6", $GW_LOCK, "$GW_LOCK6"]
END
on gw cordonctl serve --config "$work/serve.yaml" >"$work/serve.log" 2>&1
report $? "the server starts"
equal "three processes, none of them root" "" "$(ps -o uid= -C cordonctl:front,cordonctl:agent,cordonctl:sign | grep -w 0)"
[ "$(pgrep -c '^cordonctl:(front|agent|sign)$')" = 3 ]
report $? "and all three are there"

# curl and openssl
token=$(ctl device token cam)
on cam openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$work/cam/key" -subj /CN=cam \
	-outform DER -out "$work/cam/csr" 2>/dev/null
base64 "$work/cam/csr" >"$work/cam/csr.b64"
post=(-H 'Content-Type: application/pkcs10' --data-binary "@$work/cam/csr.b64")
est lock simpleenroll -u "cam:$token" "${post[@]}" >"$work/said"
code_is 403
report $? "a neighbour with the device's token is refused: it has not its address"
est cam simpleenroll -u "cam:$token" "${post[@]}" >"$work/cam/p7"
code_is 200
report $? "curl enrols"
base64 -d "$work/cam/p7" | openssl pkcs7 -inform DER -print_certs -out "$work/cam/crt"
expect "its certificate is the CA's" openssl verify -CAfile "$work/root.crt" -untrusted /var/lib/cordon/ca/issuing.crt "$work/cam/crt"
est cam simpleenroll -u "cam:$token" "${post[@]}" >"$work/said"
code_is 401
report $? "the token is used up"

expect "before the check-in: nothing" blocked cam tcp $INET 443
counted "TLS 1.2" tls_version on cam python3 "$here/plain.py" $GW_CAM "$work/root.crt" "$work/cam/crt" "$work/cam/key" --tls12
counted "without a certificate" no_certificate on cam python3 "$here/plain.py" $GW_CAM "$work/root.crt"
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=cam -days 1 \
	-addext subjectAltName=URI:urn:dev:mac:020000fffe000101 \
	-keyout "$work/stranger/key" -out "$work/stranger/crt" 2>/dev/null
counted "with a stranger's certificate" certificate_foreign on cam python3 "$here/plain.py" $GW_CAM "$work/root.crt" "$work/stranger/crt" "$work/stranger/key"
counted "with a neighbour's certificate, from its own address" wrong_address on lock python3 "$here/plain.py" $GW_LOCK "$work/root.crt" "$work/cam/crt" "$work/cam/key"
equal "none of it made a lease" onboarding "$(state $CAM_MAC)"
expect "a plain Python client is welcome" welcomed on cam python3 "$here/plain.py" $GW_CAM "$work/root.crt" "$work/cam/crt" "$work/cam/key"
equal "it is active" active "$(state $CAM_MAC)"
expect "and traffic flows" reaches cam tcp $INET 443
fingerprint=$(openssl x509 -in "$work/cam/crt" -noout -fingerprint -sha256 | sed 's/.*=//; s/://g' | tr A-F a-f)
ctl show devices --json | shows "\"certificate\": *\"$fingerprint\""
report $? "the kernel knows by which certificate"

# strongSwan
cat >"$work/strongswan.conf" <<-END
	libtls { version_max = 1.3 }
	pki { load = aes sha1 sha2 random nonce x509 revocation constraints pubkey pkcs1 pkcs7 pkcs8 pem openssl gcm hmac kdf }
END
token=$(ctl device token lock)
on lock openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$work/lock/key" -subj /CN=lock \
	-outform DER -out "$work/lock/csr" 2>/dev/null
on lock env STRONGSWAN_CONF="$work/strongswan.conf" pki --est --url "https://$GW_LOCK:8443" --in "$work/lock/csr" \
	--cacert "$work/root.crt" --cacert /var/lib/cordon/ca/issuing.crt --userpass "lock:$token" --outform pem \
	>"$work/lock/crt" 2>"$work/said"
grep -q BEGIN "$work/lock/crt" || sed 's/^/# /' "$work/said"
expect "strongSwan enrols" openssl x509 -in "$work/lock/crt" -noout -checkend 60
expect "and checks in over HTTPS" on lock curl -fsS --max-time 60 --cacert "$work/root.crt" --cert "$work/lock/crt" --key "$work/lock/key" \
	-d '{"firmware": "1.4.2"}' "https://$GW_LOCK:8443/cordon/v1/checkin"
equal "lock is active" active "$(state $LOCK_MAC)"
expect "lock: traffic flows" reaches lock tcp $INET 443

# The lease's end
policy 4s | apply >/dev/null
expect "a check-in for a short lease" welcomed on cam python3 "$here/plain.py" $GW_CAM "$work/root.crt" "$work/cam/crt" "$work/cam/key"
poll 20 expired $CAM_MAC
report $? "the lease ends"
expect "and traffic stops" blocked cam tcp $INET 443
policy 1h | apply >/dev/null

# renew, check in
cp "$work/root.crt" "$work/cam/ca.crt"
mv "$work/cam/key" "$work/cam/device.key"
mv "$work/cam/crt" "$work/cam/device.crt"
chmod 600 "$work/cam/device.key"
before=$(openssl x509 -in "$work/cam/device.crt" -noout -serial)
expect "cordonctl renew" on cam cordonctl renew --server "https://$GW_CAM:8443" --dir "$work/cam"
[ "$before" != "$(openssl x509 -in "$work/cam/device.crt" -noout -serial)" ]
report $? "the certificate is another"
expect "cordonctl checkin, IPv6" on cam cordonctl checkin --server "[$GW_CAM6]:8883" --cert "$work/cam/device.crt" \
	--key "$work/cam/device.key" --ca "$work/cam/ca.crt" --firmware 1.4.2
equal "active again" active "$(state $CAM_MAC)"
expect "traffic flows again" reaches cam tcp $INET 443

# What it runs, as it told: written down a moment later.
told() {
	ctl show devices --json | shows '"name": "cam".*"firmware": "1.4.2"'
}
poll 20 told
report $? "show devices has its firmware"
equal "and so has firmware status" "1.4.2 check-in free active" \
	"$(ctl firmware status | awk '$1 == "cam" { print $3, $4, $6, $7 }')"

# revoke
on cam probe transfer $INET 443 "$work/up" &
disown
on lock probe transfer $INET 443 "$work/neighbour" &
disown
bytes() {
	cat "$work/$1" 2>/dev/null || echo 0
}
moved() {
	[ "$(bytes "$1")" -gt "$2" ]
}
poll 20 moved up 0 && poll 20 moved neighbour 0
report $? "transfers run"
expect "ca revoke" ctl ca revoke cam --reason keyCompromise
equal "the lease is over with the command" expired "$(state $CAM_MAC)"
clock=$(bytes neighbour)
poll 20 moved neighbour $((clock + 20000))
at=$(bytes up) clock=$(bytes neighbour)
poll 20 moved neighbour $((clock + 100000))
report $? "the neighbour's transfer goes on"
equal "the revoked device's stands still" "$at" "$(bytes up)"
counted "a revoked certificate" certificate_revoked on cam cordonctl checkin --server $GW_CAM:8883 --cert "$work/cam/device.crt" \
	--key "$work/cam/device.key" --ca "$work/cam/ca.crt"
on cam curl -sS --max-time 60 --cacert "$work/root.crt" "https://$GW_CAM:8443/cordon/v1/crl" |
	openssl crl -inform DER -noout -text >"$work/said"
grep -q "Key Compromise" "$work/said"
report $? "the revocation list says so"

# Revoked when agent has looked into the registry, and has not asked the kernel yet
agent=$(pgrep -x cordonctl:agent)
asking() {	# sendmsg(2), on x86-64
	grep -q '^46 ' "/proc/$agent/syscall"
}
traced() {
	! grep -q '^TracerPid:[[:space:]]*0$' "/proc/$agent/status"
}
before=$(refusals certificate_revoked)
strace -o "$work/trace" -e trace=sendmsg -e inject=sendmsg:delay_enter=300s -p "$agent" 2>"$work/said" &
tracer=$!
disown
poll 60 traced || sed 's/^/# /' "$work/said"
on lock python3 "$here/plain.py" $GW_LOCK "$work/root.crt" "$work/lock/crt" "$work/lock/key" >"$work/late" 2>&1 &
late=$!
poll 60 asking
report $? "a check-in is about to be granted"
expect "ca revoke, meanwhile" ctl ca revoke lock
kill $tracer
wait $late
grep -qx "refused: the certificate is revoked" "$work/late" || { sed 's/^/# /' "$work/late"; false; }
report $? "it is refused after all"
equal "and the lease is over" expired "$(state $LOCK_MAC)"
equal "it is counted" $((before + 1)) "$(refusals certificate_revoked)"

# cordonctl alone, trusting the gateway's CA by its fingerprint
token=$(ctl device token cam)
root=$(openssl x509 -in "$work/root.crt" -noout -fingerprint -sha256 | sed 's/.*=//')
refuse "another CA's fingerprint is not trusted" on cam cordonctl enroll --server "https://$GW_CAM:8443" --fingerprint "${root/%??/00}" \
	--name cam --token "$token" --out "$work/cam/fresh"
expect "cordonctl enroll" on cam cordonctl enroll --server "https://$GW_CAM:8443" --fingerprint "$root" \
	--name cam --token "$token" --out "$work/cam/fresh"
expect "cordonctl checkin" on cam cordonctl checkin --server $GW_CAM:8883 --cert "$work/cam/fresh/device.crt" \
	--key "$work/cam/fresh/device.key" --ca "$work/cam/fresh/ca.crt"
equal "active with a new certificate" active "$(state $CAM_MAC)"

expect "the server stops" ctl serve --stop --config "$work/serve.yaml"
expect "the kernel goes on without it" reaches cam tcp $INET 443
sed 's/^/# /' "$work/serve.log"
rm -rf /var/lib/cordon
finish
