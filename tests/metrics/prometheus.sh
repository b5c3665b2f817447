# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# prometheus.sh (to be sourced): Prometheus and Alertmanager of Debian, with the files that are shipped, but for how often.
# The caller has $here, this directory, and two functions: beside NAME COMMAND... starts a program, and inside NAME COMMAND...
# one of those that tests/metrics/tools.sh unpacked; both do not wait for it.

# monitor DIR SECONDS: they run; DIR/told is what people are told of
monitor() {
	local at=$1 files=$here/../../userspace/monitoring every=$2

	mkdir -p "$at"/{tsdb,alerts}
	: >"$at/told"
	sed "s/^    interval: .*/    interval: ${every}s/; s/\[2m\]/[$((every * 6))s]/" "$files/cordon.rules.yml" >"$at/cordon.rules.yml"
	sed -E "s/^( *(scrape|evaluation)_interval:).*/\\1 ${every}s/" "$files/prometheus.yml" >"$at/prometheus.yml"
	sed -E "s/^( *group_wait:) 10s/\\1 ${every}s/; s/^( *group_interval:).*/\\1 ${every}s/" "$files/alertmanager.yml" >"$at/alertmanager.yml"
	beside receiver /usr/bin/python3 "$here/receiver.py" 9095 "$at/told"
	inside alertmanager /usr/bin/prometheus-alertmanager --config.file="$at/alertmanager.yml" --storage.path="$at/alerts" \
		--cluster.listen-address= --web.listen-address=127.0.0.1:9093 --log.level=warn
	inside prometheus /usr/bin/prometheus --config.file="$at/prometheus.yml" --storage.tsdb.path="$at/tsdb" \
		--web.listen-address=127.0.0.1:9090 --log.level=warn
}

# told DIR STATUS ALERT DEVICE KIND: how often they were; it fails where they were not
told() {
	grep -cxF "$2 $3 $4 $5" "$1/told"
}
