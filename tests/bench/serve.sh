#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# serve.sh [OPERATIONS [DEVICES]]: what the server's processes take for each enrolment, check-in and question for
# firmware, with 16 registered devices and with many, beside a bare TLS handshake, and for a download of firmware,
# beside nginx; as a table, and in build/bench.json.
#
#   load ══ bare      127.0.0.1:8400, in a network namespace of their own
#        ══ few       127.0.0.1:8410, check-ins at 8411
#        ══ many      127.0.0.1:8420, check-ins at 8421
#        ══ nginx     127.0.0.1:8430
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
cd "$here/../.."
operations=${1:-2000} devices=${2:-10000}
unset MAKEFLAGS MFLAGS MAKELEVEL
if [ "${CORDON_BENCH_NET:-}" != own ]; then
	tests/log.sh "building the server's benchmark" make --no-print-directory bench-programs
	"$here/nginx.sh" >/dev/null
	CORDON_BENCH_NET=own exec unshare --net "$0" "$@"
fi

bin=$PWD/build/bench
dir=$(mktemp -d)
chmod 755 "$dir"
started=()
finish() {
	local pid

	for pid in "${started[@]}"; do
		kill "$pid" 2>/dev/null || :
		wait "$pid" 2>/dev/null || :
	done
	rm -rf "$dir"
}
trap finish EXIT
ip link set lo up

# until WHAT COMMAND...: for at most 20 s
until_true() {
	local what=$1 i

	shift
	for ((i = 0; i < 400; i++)); do
		"$@" 2>/dev/null && return
		sleep 0.05
	done
	echo "bench: $what does not start" >&2
	cat "$dir"/*.log >&2
	exit 1
}

listening() {
	[ -n "$(ss -Hltn "sport = :$1")" ]
}

start_server() {	# NAME PORT DEVICES
	cat >"$dir/$1.yaml" <<-END
		est: {listen: "127.0.0.1:$2", renew_interval: 0s}
		checkin: {listen: "127.0.0.1:$(($2 + 1))"}
		ca: $dir/ca
		registry: $dir/$1/registry.db
		firmware: {directory: $dir/$1/firmware}
		certificate: $dir/server.pem
		key: $dir/server.key
		run: $dir/run-$1
	END
	CORDON_BENCH_DEVICES=$3 "$bin/cordonctl" serve --foreground --config "$dir/$1.yaml" 2>"$dir/$1.log" &
	started+=($!)
	until_true "$1" grep -q ': ready' "$dir/$1.log"
}

# A worker with the same files, the same cipher, and Debian's settings otherwise. No log: ours is of a line for each.
start_nginx() {	# PORT
	mkdir "$dir/nginx"
	cat "$dir/ca/root.crt" "$dir/ca/issuing.crt" >"$dir/nginx/clients.pem"
	cat >"$dir/nginx/nginx.conf" <<-END
		user root;
		worker_processes 1;
		daemon off;
		pid $dir/nginx/pid;
		error_log stderr;
		events { worker_connections 768; }
		http {
			access_log off;
			sendfile on;
			tcp_nopush on;
			client_body_temp_path $dir/nginx/body;
			proxy_temp_path $dir/nginx/proxy;
			fastcgi_temp_path $dir/nginx/fastcgi;
			uwsgi_temp_path $dir/nginx/uwsgi;
			scgi_temp_path $dir/nginx/scgi;
			server {
				listen 127.0.0.1:$1 ssl;
				root $dir;
				ssl_certificate $dir/server.pem;
				ssl_certificate_key $dir/server.key;
				ssl_client_certificate $dir/nginx/clients.pem;
				ssl_verify_client on;
				ssl_verify_depth 2;
				ssl_protocols TLSv1.3;
				ssl_conf_command Ciphersuites TLS_AES_128_GCM_SHA256;
			}
		}
	END
	"$("$here/nginx.sh")" -e stderr -p "$dir/nginx" -c "$dir/nginx/nginx.conf" 2>"$dir/nginx.log" &
	started+=($!)
	until_true nginx listening "$1"
	until_true nginx pgrep -P $! >/dev/null
}

processes() {	# FRONT: front, agent and signer
	local pid

	for pid in $(pgrep -P "$1"); do
		printf '%s %s\n' "$(cat "/proc/$pid/comm")" "$pid"
	done | sort | awk -v front="$1" '{ list = list "," $2 } END { print front list }'
}

echo "registering $devices devices" >&2
"$bin/fill" "$dir" "$devices"
"$bin/bare" "$dir" 8400 >/dev/null 2>"$dir/bare.log" &
started+=($!)
until_true bare listening 8400
start_server few 8410 16
start_server many 8420 "$devices"
start_nginx 8430
echo "measuring $operations enrolments, renewals, check-ins and polls" >&2
"$bin/load" "$dir" "$operations" "$devices" "8400:${started[0]}" "8410:$(processes "${started[1]}")" \
	"8420:$(processes "${started[2]}")" "8430:$(pgrep -P "${started[3]}")" >"$bin/serve"
/usr/bin/python3 "$here/serve.py" "$devices" "$bin/serve" build/bench.json
