#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# TLS inspection and the stacks that people use: OpenSSL, GnuTLS, curl, Python, as clients and as servers; DTLS.
# kernels: 6.1
# seconds: 600
. "$(dirname "$0")/lib.sh"
setup
here=$(dirname "$0")

cat <<-END | apply >/dev/null
	version: 1
	ports: [lan0, lan1]
	uplinks: [wan0, plant0]
	segments:
	  iot_zone: {encryption: TLS1.3}
	  older: {encryption: TLS1.2}
	  wan: {networks: [0.0.0.0/0, "::/0"]}
	rules:
	  - {from: iot_zone, to: wan, allow: ["tcp/*", "udp/*"]}
	  - {from: older, to: wan, allow: ["tcp/*", "udp/*"]}
	devices:
	  - {name: cam, mac: "$CAM_MAC", network_segment: iot_zone, addresses: [$CAM, "$CAM6"]}
	  - {name: lock, mac: "$LOCK_MAC", network_segment: older, addresses: [$LOCK, "$LOCK6"]}
END
# Each is true once both sides have said something encrypted.
python() {
	[ "$(on "$1" python3 "$here/connect.py" $INET "$2" 1 "${@:3}" 2>/dev/null)" = 1 ]
}
curl_tls() {
	on "$1" curl -ks --max-time 20 "${@:3}" "https://$INET:$2/" >/dev/null
}
openssl_tls() {
	printf 'GET / HTTP/1.0\r\n\r\n' | on "$1" timeout 20 openssl s_client -connect $INET:"$2" -ign_eof "${@:3}" 2>/dev/null |
		grep -q 'HTTP/1.0 200'
}
gnutls_tls() {
	printf 'GET / HTTP/1.0\r\n\r\n' | on "$1" timeout 20 gnutls-cli --insecure --no-ca-verification -p "$2" "${@:3}" $INET 2>&1 |
		grep -q 'HTTP/1.0 200'
}
# Datagrams: the handshake is all.
openssl_dtls() {
	on "$1" timeout 10 openssl s_client -dtls -connect $INET:"$2" </dev/null 2>/dev/null | shows 'Cipher is ECDHE'
}
gnutls_dtls() {
	on "$1" timeout 10 gnutls-cli --udp --insecure --no-ca-verification -p "$2" $INET </dev/null 2>&1 | shows 'Handshake was completed'
}

certificate
ossl=(openssl s_server -quiet -cert "$work/crt" -key "$work/key" -accept)
gtls=(gnutls-serv --x509certfile "$work/crt" --x509keyfile "$work/key" -p)
server inet tcp/4430 "${ossl[@]}" 4430 -www
server inet tcp/4412 "${ossl[@]}" 4412 -www -tls1_2
server inet tcp/4440 "${gtls[@]}" 4440 --http
server inet tcp/4442 "${gtls[@]}" 4442 --http --priority NORMAL:-VERS-ALL:+VERS-TLS1.2
server inet udp/5684 "${ossl[@]}" 5684 -dtls
server inet udp/5685 "${gtls[@]}" 5685 --udp --echo

for port in 4430 4440; do
	[ $port = 4430 ] && stack=OpenSSL || stack=GnuTLS
	expect "Python to $stack: TLS 1.3" python cam $port
	expect "curl to $stack: TLS 1.3" curl_tls cam $port
	expect "OpenSSL to $stack: TLS 1.3" openssl_tls cam $port
	expect "OpenSSL to $stack: TLS 1.3, P-384 only" openssl_tls cam $port -groups P-384
	expect "GnuTLS to $stack: TLS 1.3" gnutls_tls cam $port
	expect "GnuTLS to $stack: TLS 1.3, without the compatibility mode" gnutls_tls cam $port --priority NORMAL:%DISABLE_TLS13_COMPAT_MODE
done
for port in 4412 4442; do
	[ $port = 4412 ] && stack=OpenSSL || stack=GnuTLS
	denied tls_downgrade "Python to $stack of 1.2" python cam $port
	denied tls_downgrade "curl to $stack of 1.2" curl_tls cam $port
	denied tls_downgrade "OpenSSL to $stack of 1.2" openssl_tls cam $port
	denied tls_downgrade "GnuTLS to $stack of 1.2" gnutls_tls cam $port
	expect "OpenSSL to $stack of 1.2, where that is enough" openssl_tls lock $port
	expect "GnuTLS to $stack of 1.2, where that is enough" gnutls_tls lock $port
done
denied tls_downgrade "Python of 1.2" python cam 4430 --tls12
denied tls_downgrade "curl of 1.2" curl_tls cam 4430 --tls-max 1.2
denied tls_downgrade "OpenSSL of 1.2" openssl_tls cam 4440 -tls1_2
denied tls_downgrade "GnuTLS of 1.2" gnutls_tls cam 4430 --priority NORMAL:-VERS-ALL:+VERS-TLS1.2

expect "OpenSSL: DTLS 1.2, where that is enough" openssl_dtls lock 5684
denied tls_downgrade "OpenSSL: DTLS 1.2" openssl_dtls cam 5684
expect "GnuTLS: DTLS 1.2, where that is enough" gnutls_dtls lock 5685
denied tls_downgrade "GnuTLS: DTLS 1.2" gnutls_dtls cam 5685
equal "nothing was taken for no TLS" "0 0 0" "$(kind plaintext) $(kind malformed) $(kind unjudged)"
finish
