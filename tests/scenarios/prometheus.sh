#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Prometheus and Alertmanager of Debian scrape the gateway: nmap from a device becomes an alert within a minute, one, and
# resolves when somebody acknowledges it. All three run on the gateway, with the files that are shipped.
# seconds: 400
# needs: tests/metrics/tools.sh
GW_SERVICES='22 53 80 443 502'
. "$(dirname "$0")/lib.sh"
here=$(cd "$(dirname "$0")/../metrics" && pwd)
. "$here/prometheus.sh"
tree=$("$here/tools.sh") || exit
setup
mkdir -p "$tree/var"
enter_tree
# What its packages' scripts would link to, for nmap.
libraries=$(cd "$tree" && ls -d usr/lib/*/blas usr/lib/*/lapack 2>/dev/null | sed 's,^,/,' | paste -sd :)

beside() {
	spawn gw "${@:2}" >"$work/$1.log" 2>&1
}

inside() {
	daemon gw "$@"
}

fetch() {	# URL
	on gw curl -sf --max-time 20 "$1"
}

ctl() {
	on gw cordonctl "$@"
}

# series PATTERN: a line of what is scraped
series() {
	fetch http://127.0.0.1:9842/metrics | shows -E "$1"
}

# sees EXPRESSION VALUE: Prometheus does
sees() {
	fetch "http://127.0.0.1:9090/api/v1/query?query=$1" | shows -F "\"$2\"]"
}

# active ALERT: how many Alertmanager has
active() {
	fetch "http://127.0.0.1:9093/api/v2/alerts?filter=alertname=$1" |
		python3 -c 'import json, sys; print(len(json.load(sys.stdin)))'
}

none_active() {
	[ "$(active "$1")" = 0 ]
}

episode() {	# the number of the scan's
	python3 -c 'import sqlite3, sys
db = sqlite3.connect("file:" + sys.argv[1] + "/history.db?mode=ro", uri=True)
print(db.execute("SELECT max(id) FROM episode WHERE kind = ?", ("scan",)).fetchone()[0])' "$work/history"
}

apply >/dev/null <<-END
	version: 1
	ports: [lan0, lan1]
	uplinks: [wan0, plant0]
	segments:
	  watched:
	    anomalies: {scan: {limit: 40/1h, then: event}}
	  wan: {networks: [0.0.0.0/0, "::/0"]}
	rules:
	  - {from: watched, to: wan, allow: [any]}
	devices:
	  - {name: cam, mac: "$CAM_MAC", network_segment: watched, addresses: [$CAM, "$CAM6"], port: lan0}
	  - {name: lock, mac: "$LOCK_MAC", network_segment: watched, addresses: [$LOCK, "$LOCK6"], port: lan1}
END
chmod 755 "$work"
mkdir "$work"/{history,live}
printf 'sample: 2s\n' >"$work/watch.yaml"
beside watch cordonctl watch --config "$work/watch.yaml" --history "$work/history" --run "$work/live"
poll 60 test -e "$work/live/live.db"
report $? "the history is written"
# For the page's group, which this machine may not have.
chmod 644 "$work"/{history/history,live/live}.db
ctl ca init --name Gateway >/dev/null
cat >"$work/serve.yaml" <<-END
	server_names: [gateway, $GW_CAM]
	metrics: [127.0.0.1:9842]
	history: $work/history
	history_live: $work/live
END
ctl serve --config "$work/serve.yaml" >"$work/serve.log" 2>&1
report $? "the server starts"
[ $failed = 0 ] || { sed 's/^/# /' "$work/serve.log"; finish; }
poll 60 series '^cordon_up 1$'
report $? "it is scraped: the module is loaded"
[ $failed = 0 ] || { on gw curl -s http://127.0.0.1:9842/metrics | head -n 20 | sed 's/^/# /'; ls -l "$work"/{history,live} "$work/watch.log"; finish; }
expect "and who is where" series '^cordon_device_state\{device="cam",mac="02:00:00:00:01:01",segment="watched",state="active"\} 1$'
monitor "$work/monitor" 5
poll 120 sees cordon_up 1
report $? "Prometheus takes it"
[ $failed = 0 ] || tail -n 5 "$work"/*.log | sed 's/^/# /'

# Whatever else there is to say of a gateway in a test, it is said before.
before=$(grep -c . "$work/monitor/told")
LD_LIBRARY_PATH=$libraries run cam nmap -n -Pn --max-retries 0 --host-timeout 60s -sS -p 1-100 $INET </dev/null >"$work/found" 2>&1
scanned=$SECONDS
poll 60 told "$work/monitor" firing CordonDeviceAttack cam scan
report $? "nmap from a device: people are told within a minute"
echo "# after $((SECONDS - scanned)) s"
[ "$failed" = 0 ] || { tail -n 5 "$work"/*.log "$work/found" "$work/monitor/told"; fetch http://127.0.0.1:9842/metrics | grep -a scan; } | sed 's/^/# /'
equal "of the device next to it nobody is told" 0 "$(grep -c ' lock ' "$work/monitor/told")"
poll 15 false
equal "once" 1 "$(told "$work/monitor" firing CordonDeviceAttack cam scan)"
equal "by one alert" 1 "$(active CordonDeviceAttack)"
echo "# told: $(($(grep -c . "$work/monitor/told") - before)) since then"
sed 's/^/# /' "$work/monitor/told"

expect "somebody acknowledges it" ctl history --acknowledge "$(episode)" --run "$work/live"
poll 60 told "$work/monitor" resolved CordonDeviceAttack cam scan
report $? "it is resolved"
poll 30 none_active CordonDeviceAttack
report $? "and nothing is left"
finish
