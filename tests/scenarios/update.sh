#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# A device below the floor reaches nothing but its update, gets it over DDI, and is back.
# seconds: 300
GW_SERVICES='22 53 80 443 502'
. "$(dirname "$0")/lib.sh"
setup
mkdir -p "$work/cam"

policy() {
	cat <<-END
		version: 1
		ports: [lan0, lan1]
		uplinks: [wan0, plant0]
		segments:
		  iot_zone: {authentication: certificate, firmware_auto_update: $1, firmware: {grace: 0s}}
		  wan: {networks: [0.0.0.0/0, "::/0"]}
		rules:
		  - {from: iot_zone, to: wan, allow: [tcp/443]}
		devices:
		  - {name: cam, mac: "$CAM_MAC", network_segment: iot_zone, addresses: [$CAM, "$CAM6"], model: acme-t1}
		  - {name: lock, mac: "$LOCK_MAC", network_segment: iot_zone, addresses: [$LOCK, "$LOCK6"], model: acme-t2}
	END
}
ctl() {
	on gw cordonctl "$@"
}
state() {
	counter "devices/$CAM_MAC/state"
}
is() {
	[ "$(state)" = "$1" ]
}
# ddi PATH [OPTION...]: of the device; an absolute URL as it is
ddi() {
	local url=$1

	shift
	[[ $url == https://* ]] || url=https://$GW_CAM:8443/default/controller/v1/cam${url:+/$url}
	on cam curl -fsS --max-time 60 --cacert "$work/root.crt" --cert "$work/cam/device.crt" --key "$work/cam/device.key" "$@" "$url"
}
# link NAME: where a poll's link leads; empty, it has none
link() {
	ddi "" | python3 -c 'import json, sys; print(json.load(sys.stdin)["_links"].get(sys.argv[1], {}).get("href", ""))' "$1"
}
offered() {
	[ -n "$(link deploymentBase)" ]
}
checkin() {
	on cam cordonctl checkin --server "$GW_CAM:8883" --cert "$work/cam/device.crt" --key "$work/cam/device.key" \
		--ca "$work/root.crt" --firmware "$1" >/dev/null
}

expect "a CA" ctl ca init --name Gateway
ctl ca export | sed -n '1,/END CERTIFICATE/p' >"$work/root.crt"
policy true | apply >/dev/null
echo "server_names: [$GW_CAM, $GW_LOCK]" >"$work/serve.yaml"
expect "the server starts" on gw cordonctl serve --config "$work/serve.yaml"
expect "cam enrols" on cam cordonctl enroll --server "https://$GW_CAM:8443" --ca "$work/root.crt" --name cam \
	--token "$(ctl device token cam)" --out "$work/cam"
expect "and checks in with 1.0" checkin 1.0
equal "it is active" active "$(state)"
expect "traffic flows" reaches cam tcp $INET 443
equal "nothing is offered" "" "$(link deploymentBase)"

head -c 300000 /dev/urandom >"$work/t1-1.1.swu"
ctl firmware sign "$work/t1-1.1.swu" >"$work/said" 2>&1
report $? "firmware sign"
ctl firmware add "$work/t1-1.1.swu" --model acme-t1 --version 1.1 >>"$work/said" 2>&1
report $? "firmware add"
expect "it is offered" poll 10 offered
expect "and traffic flows as before" reaches cam tcp $INET 443

expect "firmware floor" ctl firmware floor acme-t1 1.1
poll 10 is outdated
report $? "below the floor: outdated"
equal "in segment update" update "$(counter "devices/$CAM_MAC/effective_segment")"
expect "outdated: no traffic" blocked cam tcp $INET 443
expect "outdated: a check-in lifts nothing" checkin 1.0
equal "outdated: after it" outdated "$(state)"

url=$(link deploymentBase)
file=$(ddi "$url" | python3 -c 'import json, sys
print(json.load(sys.stdin)["deployment"]["chunks"][0]["artifacts"][0]["_links"]["download"]["href"])')
ddi "$file" -r 0-99999 -o "$work/got"
ddi "$file" -C - -o "$work/got"
expect "outdated: its update can be had, in two parts" cmp "$work/got" "$work/t1-1.1.swu"
on lock curl -sS --max-time 60 --cacert "$work/root.crt" --cert "$work/cam/device.crt" --key "$work/cam/device.key" \
	-o "$work/said" -w '%{http_code}' "${file/$GW_CAM/$GW_LOCK}" >"$work/code"
equal "not from another device's address" 403 "$(cat "$work/code")"
ddi "$url/feedback" -H 'Content-Type: application/json' -d '{"status": {"execution": "closed", "result": {"finished": "success"}}}' >/dev/null
report $? "feedback: success"
equal "active again" active "$(state)"
expect "traffic flows again" reaches cam tcp $INET 443

expect "quarantined" ctl device quarantine cam
expect "a floor that it does not reach" ctl firmware floor acme-t1 2.0
marked() {
	ctl stats --prometheus >"$work/metrics"
	grep -qx "cordon_serve_updates_total{what=\"outdated\"} $1" "$work/metrics"
}
expect "it is marked" poll 10 marked 2
expect "no floor" ctl firmware floor acme-t1 none
restored() {
	ctl stats --prometheus >"$work/metrics"
	grep -qx "cordon_serve_updates_total{what=\"restored\"} $1" "$work/metrics"
}
expect "and is no longer" poll 10 restored 2
equal "quarantined all the time" quarantined "$(state)"
expect "released" ctl device release cam
equal "active" active "$(state)"

policy false | apply >/dev/null
expect "a floor, and firmware_auto_update: false" ctl firmware floor acme-t1 3.0
expect "it is not offered anything" poll 10 eval "! offered"
equal "and not confined" active "$(state)"
expect "the server ends" ctl serve --stop --config "$work/serve.yaml"
rm -rf /var/lib/cordon
finish
