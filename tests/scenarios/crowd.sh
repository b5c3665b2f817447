#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Those who come to keep the server busy do not keep out a device that comes to check in.
# seconds: 600
# cpus: 2
GW_SERVICES='22 53 80'
. "$(dirname "$0")/lib.sh"
setup
here=$(dirname "$0")

apply >/dev/null <<-END
	version: 1
	ports: [lan0, lan1]
	uplinks: [wan0, plant0]
	segments:
	  iot_zone: {authentication: certificate, lease: 1h}
	devices:
	  - {name: cam, mac: "$CAM_MAC", network_segment: iot_zone, addresses: [$CAM, "$CAM6"]}
	  - {name: lock, mac: "$LOCK_MAC", network_segment: iot_zone, addresses: [$LOCK, "$LOCK6"]}
END
on gw cordonctl ca init --name Gateway >/dev/null
on gw cordonctl ca export >"$work/root.crt"
echo "server_names: [$GW_CAM, $GW_LOCK]" >"$work/serve.yaml"
on gw cordonctl serve --config "$work/serve.yaml" >"$work/serve.log" 2>&1
report $? "the server starts"
on gw cordonctl ca issue cam --out "$work" >/dev/null
chmod 600 "$work/cam.key"

checkin() {
	on cam cordonctl checkin --server $GW_CAM:8883 --cert "$work/cam.crt" --key "$work/cam.key" --ca "$work/root.crt"
}
# how many of ten succeed
ten() {
	local good=0
	for _ in 1 2 3 4 5 6 7 8 9 10; do
		checkin >"$work/said" 2>&1 && good=$((good + 1)) || sed 's/^/# /' "$work/said"
	done
	echo $good
}
exists() {
	[ -s "$1" ]
}
connections() {
	on gw cordonctl stats --prometheus | sed -n 's/^cordon_serve_connections //p'
}
crowded() {
	[ "$(connections)" -ge 60 ]
}

equal "ten check-ins, and nobody else" 10 "$(ten | tail -n 1)"
on lock python3 "$here/crowd.py" $GW_LOCK 100 "$work/slow1" >"$work/slow1.log" 2>&1 &
slow1=$!
on cam python3 "$here/crowd.py" $GW_CAM 100 "$work/slow2" >"$work/slow2.log" 2>&1 &
slow2=$!
poll 60 exists "$work/slow1" && poll 60 exists "$work/slow2" && poll 20 crowded
report $? "200 slow clients, half of them from the device's own address"
echo "# $(connections) connections"
beside=$(ten)
equal "ten check-ins beside them" 10 "${beside##*$'\n'}"
[ "$beside" = 10 ] || echo "$beside"
on lock probe garbage $GW_LOCK 8443 5000 "$work/garbage1" &
garbage1=$!
on lock probe garbage $GW_LOCK 8883 5000 "$work/garbage2" &
garbage2=$!
poll 60 exists "$work/garbage1" && poll 60 exists "$work/garbage2"
report $? "10,000 garbage connections begin"
good=0 tried=0
while kill -0 $garbage1 2>/dev/null || kill -0 $garbage2 2>/dev/null; do
	checkin >"$work/said" 2>&1 && good=$((good + 1)) || sed 's/^/# /' "$work/said"
	tried=$((tried + 1))
done
echo "# $tried check-ins meanwhile"
[ $tried -gt 0 ]
report $? "check-ins while they last"
equal "and each succeeds" $tried $good
equal "all the garbage came" "5000 5000" "$(cat "$work/garbage1") $(cat "$work/garbage2")"
equal "ten check-ins afterwards" 10 "$(ten | tail -n 1)"
rm -f "$work/slow1" "$work/slow2"
wait $slow1 $slow2
sed 's/^/# /' "$work"/slow*.log
sed -n 's/.*refused reason=\([a-z_]*\).*/\1/p' "$work/serve.log" | sort | uniq -c | sed 's/^/# /'
expect "the server stops" on gw cordonctl serve --stop --config "$work/serve.yaml"
rm -rf /var/lib/cordon
finish
