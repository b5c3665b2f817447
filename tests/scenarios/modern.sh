#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# TLS inspection and the stacks of Debian 13: OpenSSL 3.5 with X25519MLKEM768, node, curl, nginx, mosquitto, QUIC; and
# those that speak in the clear.
# kernels: 6.1
# seconds: 600
# needs: tests/vm/modern.sh
SERVICES=53
. "$(dirname "$0")/lib.sh"
modern=$("$(dirname "$0")/../vm/modern.sh") || exit
setup
mounts="$modern/dev $modern/proc $modern$work"
mkdir -p "$modern$work" "$work/htdocs"
mount --bind /dev "$modern/dev" && mount -t proc proc "$modern/proc" && mount --bind "$work" "$modern$work" || exit

cat <<-END | apply >/dev/null
	version: 1
	ports: [lan0, lan1]
	uplinks: [wan0, plant0]
	segments:
	  iot_zone: {encryption: TLS1.3}
	  older: {encryption: TLS1.2}
	  plant: {networks: [10.0.50.0/24, "fd00:50::/64"]}
	  wan: {networks: [0.0.0.0/0, "::/0"]}
	rules:
	  - {from: iot_zone, to: wan, allow: ["tcp/*", "udp/*"]}
	  - {from: older, to: wan, allow: ["tcp/*", "udp/*"]}
	  - {from: plant, to: wan, allow: ["tcp/*", "udp/*"]}
	  - {from: plant, to: iot_zone, allow: ["tcp/*", "udp/*"]}
	devices:
	  - {name: cam, mac: "$CAM_MAC", network_segment: iot_zone, addresses: [$CAM, "$CAM6"]}
	  - {name: lock, mac: "$LOCK_MAC", network_segment: older, addresses: [$LOCK, "$LOCK6"]}
END
# run NS COMMAND...: of Debian 13
run() {
	on "$1" timeout 30 chroot "$modern" "${@:2}"
}
serve_modern() {	# NS tcp/PORT|udp/PORT COMMAND...
	server "$1" "$2" chroot "$modern" "${@:3}"
}

# Each is true once both sides have said something encrypted.
openssl30() {	# NS HOST PORT OPTION...: this machine's
	printf 'GET / HTTP/1.0\r\n\r\n' | on "$1" timeout 20 openssl s_client -connect "$2:$3" -ign_eof "${@:4}" 2>/dev/null |
		grep -q 'HTTP/1.[01] 200'
}
openssl35() {
	printf 'GET / HTTP/1.0\r\n\r\n' | run "$1" openssl s_client -connect "$2:$3" -ign_eof "${@:4}" >"$work/openssl" 2>&1
	grep -q 'HTTP/1.[01] 200' "$work/openssl"
}
curl8() {	# NS HOST PORT OPTION...
	run "$1" curl -ksS --max-time 25 "${@:4}" "https://$2:$3/" 2>"$work/curl" | shows .
}
node() {	# HOST PORT [MAX-VERSION]: from cam
	local said
	echo "$@" >&"${NODE[1]}"
	read -r -t 30 said <&"${NODE[0]}" && [ "$said" = ok ]
}
mqtt() {	# NS PORT OPTION...: a message reaches the broker
	run "$1" mosquitto_pub -h $INET -p "$2" -q 1 -t test -m message "${@:3}" 2>"$work/mqtt"
}
older() {	# COMMAND...: its OpenSSL knows no TLS 1.3
	OPENSSL_CONF=$work/older.cnf "$@"
}
ngtcp2() {	# NS HOST PORT OPTION...
	run "$1" gtlsclient --exit-on-all-streams-close --no-quic-dump --handshake-timeout=20s "${@:4}" "$2" "$3" \
		https://server.example/ >"$work/ngtcp2" 2>&1
	grep -q 'ngtcp2 says' "$work/ngtcp2"	# in a dump of what came
}
ssh() {	# NS
	[ "$(run "$1" dbclient -y -y -i "$work/id" root@$INET 'echo shell' 2>"$work/ssh")" = shell ]
}
telnet() {	# NS
	echo 'echo a "shell"; exit' >&5
	on "$1" timeout 20 busybox telnet $INET 23 <&5 >"$work/telnet" 2>&1
	grep -q 'a shell' "$work/telnet"
}

certificate
echo 'ngtcp2 says' >"$work/htdocs/index.html"
cat >"$work/older.cnf" <<-'END'
	openssl_conf = all
	[all]
	ssl_conf = ssl
	[ssl]
	system_default = older
	[older]
	MaxProtocol = TLSv1.2
END
cat >"$work/nginx.conf" <<-END
	daemon off;
	user root;
	pid $work/nginx.pid;
	error_log stderr;
	events {}
	http {
		access_log off;
		ssl_certificate $work/crt;
		ssl_certificate_key $work/key;
		server {
			listen 443 ssl;
			listen [::]:443 ssl;
			listen 443 quic;
			listen [::]:443 quic;
			return 200 "nginx\n";
		}
	}
END
tls="
certfile $work/crt
keyfile $work/key"
printf '%s\n' 'user root' 'allow_anonymous true' 'max_queued_messages 0' 'log_dest stderr' 'log_type notice' 'log_type subscribe' \
	'listener 1883' "listener 8883$tls" >"$work/mosquitto.conf"
printf '%s\n' 'user root' 'allow_anonymous true' 'log_dest stderr' "listener 8884$tls" >"$work/mosquitto.older.conf"
mkfifo "$work/typed"
exec 5<>"$work/typed"

# node takes seconds to start: one client for all cases, which is asked "HOST PORT [MAX-VERSION]" and says ok or why not.
coproc NODE { on cam chroot "$modern" node -e '
	require("readline").createInterface({input: process.stdin}).on("line", (line) => {
		const [host, port, maxVersion] = line.split(" ");
		require("https").get({host, port, maxVersion, rejectUnauthorized: false, agent: false}, (answer) => {
			answer.resume().on("end", () => console.log("ok"));
		}).on("error", (error) => console.log(error.code));
	});' 2>"$work/node"; }
serve_modern inet tcp/2012 node -e '
	const [key, cert] = process.argv.slice(1).map((name) => require("fs").readFileSync(name));
	for (const [port, maxVersion] of [[2030, "TLSv1.3"], [2012, "TLSv1.2"]])
		require("https").createServer({key, cert, maxVersion}, (_, answer) => answer.end("node")).listen(port);
	' "$work/key" "$work/crt"
ossl=(openssl s_server -quiet -www -cert "$work/crt" -key "$work/key" -accept)
server inet tcp/4430 "${ossl[@]}" 4430
server inet tcp/4434 "${ossl[@]}" 4434 -groups P-384
server inet tcp/4412 "${ossl[@]}" 4412 -tls1_2
serve_modern inet tcp/3530 "${ossl[@]}" 3530
serve_modern inet tcp/3534 "${ossl[@]}" 3534 -groups X25519MLKEM768
serve_modern inet tcp/3512 "${ossl[@]}" 3512 -tls1_2
serve_modern cam tcp/3530 "${ossl[@]}" 3530

# A hello with a key of ML-KEM takes more than one segment.
expect "OpenSSL 3.5 to itself: TLS 1.3" openssl35 cam $INET 3530 -msg
expect "OpenSSL 3.5: by X25519MLKEM768" grep -q 'Negotiated TLS1.3 group: X25519MLKEM768' "$work/openssl"
hello=$(sed -n 's/^>>> .*Handshake \[length \([0-9a-f]*\)\], ClientHello$/\1/p' "$work/openssl")
[ $((0x${hello:-0})) -gt 1460 ]
report $? "OpenSSL 3.5: with a hello of $((0x${hello:-0})) bytes"
expect "OpenSSL 3.5 to 3.0: TLS 1.3" openssl35 cam $INET 4430
expect "OpenSSL 3.5 to 3.0: TLS 1.3, after a HelloRetryRequest" openssl35 cam $INET 4434
expect "OpenSSL 3.5 to itself: TLS 1.3, after a HelloRetryRequest for ML-KEM" \
	openssl35 cam $INET 3534 -groups X25519:X25519MLKEM768
expect "OpenSSL 3.5: a session" openssl35 cam $INET 3530 -sess_out "$work/session"
expect "OpenSSL 3.5: the session goes on, TLS 1.3" openssl35 cam $INET 3530 -sess_in "$work/session"
expect "OpenSSL 3.5: it was resumed" grep -q '^Reused, TLSv1.3' "$work/openssl"
expect "OpenSSL 3.0 to 3.5: TLS 1.3" openssl30 cam $INET 3530
denied tls_downgrade "OpenSSL 3.5 to 3.0 of 1.2" openssl35 cam $INET 4412
denied tls_downgrade "OpenSSL 3.5 to itself of 1.2" openssl35 cam $INET 3512
expect "OpenSSL 3.5 to itself of 1.2, where that is enough" openssl35 lock $INET 3512
denied tls_downgrade "OpenSSL 3.5 of 1.2" openssl35 cam $INET 3530 -tls1_2
denied tls_downgrade "OpenSSL 3.0 of 1.2 to 3.5" openssl30 cam $INET 3530 -tls1_2
expect "OpenSSL 3.5 of 1.2, where that is enough" openssl35 lock $INET 3530 -tls1_2
expect "a device answers OpenSSL 3.5: TLS 1.3" openssl35 plant $CAM 3530
expect "a device answers OpenSSL 3.0: TLS 1.3" openssl30 plant $CAM 3530
denied_other tls_downgrade "a device answers OpenSSL 3.5 of 1.2" openssl35 plant $CAM 3530 -tls1_2

expect "node to itself: TLS 1.3" node $INET 2030
expect "node to OpenSSL 3.0: TLS 1.3" node $INET 4430
expect "node to OpenSSL 3.5: TLS 1.3" node $INET 3530
expect "OpenSSL 3.5 to node: TLS 1.3" openssl35 cam $INET 2030
denied tls_downgrade "node to itself of 1.2" node $INET 2012
denied tls_downgrade "node to OpenSSL 3.0 of 1.2" node $INET 4412
denied tls_downgrade "OpenSSL 3.5 to node of 1.2" openssl35 cam $INET 2012
expect "OpenSSL 3.5 to node of 1.2, where that is enough" openssl35 lock $INET 2012
denied tls_downgrade "node of 1.2" node $INET 2030 TLSv1.2

serve_modern inet tcp/443 nginx -c "$work/nginx.conf"
expect "curl 8 to nginx: TLS 1.3" curl8 cam $INET 443
denied tls_downgrade "curl 8 of 1.2 to nginx" curl8 cam $INET 443 --tls-max 1.2
expect "curl 8 of 1.2 to nginx, where that is enough" curl8 lock $INET 443 --tls-max 1.2
equal "nothing was taken for no TLS" "0 0 0" "$(kind plaintext) $(kind malformed) $(kind unjudged)"

# A day's messages, one for each minute, at more than 3,600 times the speed
serve_modern inet tcp/8883 mosquitto -c "$work/mosquitto.conf"
older serve_modern inet tcp/8884 mosquitto -c "$work/mosquitto.older.conf"
day() {
	local minute
	for ((minute = 1; minute <= 1440; minute++)); do
		echo "$minute"
		read -r -t 0.01 <&5
	done
	return 0
}
broker=(-h "$INET" -p 8883 --cafile "$work/crt" --insecure -q 1 -t day)
on cam timeout 120 chroot "$modern" mosquitto_sub "${broker[@]}" -i subscriber -C 1440 >"$work/subscriber" 2>&1 &
subscribed=$!
poll 20 grep -q 'subscriber 1 day' "$work/server.inet.8883"
report $? "mosquitto: a device subscribes over TLS 1.3"
day | on cam timeout 120 chroot "$modern" mosquitto_pub "${broker[@]}" -i publisher -l
report $? "mosquitto: a device publishes over TLS 1.3"
wait $subscribed
equal "all 1440 messages of a day arrive, in order" "$(seq 1440)" "$(cat "$work/subscriber")"
connections() {
	grep -c "connected from .* as $1 " "$work/server.inet.8883"
}
equal "each over one connection" "1 1" "$(connections subscriber) $(connections publisher)"
denied tls_downgrade "mosquitto to a broker of 1.2" mqtt cam 8884 --cafile "$work/crt" --insecure
expect "mosquitto to a broker of 1.2, where that is enough" mqtt lock 8884 --cafile "$work/crt" --insecure
denied tls_downgrade "mosquitto of 1.2" older mqtt cam 8883 --cafile "$work/crt" --insecure
expect "mosquitto of 1.2, where that is enough" older mqtt lock 8883 --cafile "$work/crt" --insecure
equal "nothing of this was taken for no TLS" 0 "$(kind plaintext)"
denied plaintext "mosquitto in the clear" mqtt cam 1883
expect "mosquitto in the clear, where nothing is demanded" mqtt plant 1883

mkdir -p "$modern/home/.ssh"
run inet dropbearkey -t ed25519 -f "$work/id" 2>"$work/ssh" | grep ^ssh- >"$modern/home/.ssh/authorized_keys"
run inet dropbearkey -t ed25519 -f "$work/host" >"$work/ssh" 2>&1
serve_modern inet tcp/22 dropbear -F -E -r "$work/host" -p 22
server inet tcp/23 busybox telnetd -F -l /bin/sh
expect "SSH, where nothing is demanded" ssh plant
denied plaintext "SSH" ssh cam
expect "telnet, where nothing is demanded" telnet plant
denied plaintext "telnet" telnet cam

gtls=(gtlsserver --no-quic-dump --no-http-dump -d "$work/htdocs")
serve_modern inet udp/4433 "${gtls[@]}" '*' 4433 "$work/key" "$work/crt"
serve_modern inet udp/4434 "${gtls[@]}" -V '*' 4434 "$work/key" "$work/crt"
serve_modern inet udp/4435 "${gtls[@]}" --preferred-versions=v2,v1 '*' 4435 "$work/key" "$work/crt"
serve_modern cam udp/4433 "${gtls[@]}" '*' 4433 "$work/key" "$work/crt"
before="$(kind plaintext) $(kind tls_downgrade)"
expect "QUIC, curl to nginx: HTTP/3" curl8 cam $INET 443 --http3-only
expect "QUIC, curl to nginx: HTTP/3, IPv6" curl8 cam "[$INET6]" 443 --http3-only
expect "QUIC, curl to ngtcp2" curl8 cam $INET 4433 --http3-only
expect "QUIC, ngtcp2 to itself: version 1" ngtcp2 cam $INET 4433 -v v1
expect "QUIC, ngtcp2 to itself: version 2" ngtcp2 cam $INET 4433 -v v2
expect "QUIC, ngtcp2 to itself: after a Retry" ngtcp2 cam $INET 4434
expect "QUIC: the Retry came" grep -q 'type=Retry' "$work/ngtcp2"
expect "QUIC, ngtcp2 to itself: from version 1 to 2 on the way" ngtcp2 cam $INET 4435 -v v1 --available-versions=v1,v2
expect "QUIC: it ended in version 2" grep -q 'the negotiated version is 0x6b3343cf' "$work/ngtcp2"
expect "QUIC, ngtcp2 to itself: version negotiation" \
	ngtcp2 cam $INET 4433 -v 0x1a2a3a4a --preferred-versions=v1,v2 --available-versions=v1,v2
expect "QUIC: the list of versions came" grep -q 'type=VN' "$work/ngtcp2"
expect "QUIC: a session" ngtcp2 cam $INET 4433 --session-file="$work/quic.session" --tp-file="$work/quic.tp" --wait-for-ticket
expect "QUIC: the session goes on" ngtcp2 cam $INET 4433 --session-file="$work/quic.session" --tp-file="$work/quic.tp"
expect "QUIC: with early data" grep -q 'type=0RTT' "$work/ngtcp2"
expect "QUIC: a device answers curl" curl8 plant $CAM 4433 --http3-only
expect "QUIC: a device answers ngtcp2 in version 2" ngtcp2 plant $CAM 4433 -v v2
equal "none of it is counted" "$before" "$(kind plaintext) $(kind tls_downgrade)"
draft() {	# NS: the server says that it knows no such version
	ngtcp2 "$1" $INET 4433 -v 0xff00001d --handshake-timeout=3s
	grep -q 'type=VN' "$work/ngtcp2"
}
denied tls_downgrade "QUIC: a draft" draft cam
expect "QUIC: a draft, where nothing is demanded" draft plant
received() {	# NS: datagrams
	on "$1" awk '/^Udp:/ { n = $2 } END { print n }' /proc/net/snmp
}
more() {
	[ "$(received "$1")" -gt "$2" ]
}
datagram() {	# SECONDS NS SERVER-NS SERVER: one in the clear arrives in time
	local before
	before=$(received "$3")
	on "$2" bash -c "echo in the clear >/dev/udp/$4/4433"
	poll "$1" more "$3" "$before"
}
denied plaintext "a datagram in the clear to QUIC's port" datagram 2 cam inet $INET
expect "a datagram in the clear to QUIC's port, where nothing is demanded" datagram 20 plant inet $INET
denied_other plaintext "a datagram in the clear to a device's QUIC" datagram 2 plant cam $CAM

# What the sender's kernel leaves in one piece, as it does where QUIC sends several datagrams at once
cat >"$work/batch.py" <<-'END'
	import socket, sys
	UDP_SEGMENT = 103
	initial = bytes.fromhex("c0000000010801020304050607080000449e").ljust(1200, b"\0")
	with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
	    udp.setsockopt(socket.IPPROTO_UDP, UDP_SEGMENT, 1200)
	    udp.sendto((initial if sys.argv[2] == "quic" else bytes(1200)) * 3, (sys.argv[1], 53))
END
batch() {	# SECONDS NS quic|clear: three datagrams arrive in time
	local before
	before=$(received inet)
	on "$2" python3 "$work/batch.py" $INET "$3"
	poll "$1" more inet $((before + 2))
}
expect "three datagrams of QUIC in one piece" batch 20 cam quic
denied plaintext "three datagrams in the clear in one piece" batch 2 cam clear
expect "three datagrams in the clear in one piece, where nothing is demanded" batch 20 plant clear
finish
