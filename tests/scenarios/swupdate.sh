#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Debian's SWUpdate gets a confined device its firmware over DDI: an update, one that is canceled, one that is badly signed.
# kernels: 6.1
# seconds: 600
# needs: tests/vm/modern.sh
GW_SERVICES='53'
. "$(dirname "$0")/lib.sh"
modern=$("$(dirname "$0")/../vm/modern.sh") || exit
setup
mounts="$modern/dev $modern/proc $modern$work"
mkdir -p "$modern$work" "$work/cam"
mount --bind /dev "$modern/dev" && mount -t proc proc "$modern/proc" && mount --bind "$work" "$modern$work" || exit

ctl() {
	on gw cordonctl "$@"
}
cat <<-END | apply >/dev/null
	version: 1
	ports: [lan0, lan1]
	uplinks: [wan0, plant0]
	segments:
	  iot_zone: {authentication: certificate, firmware_auto_update: true, firmware: {grace: 0s}}
	  wan: {networks: [0.0.0.0/0, "::/0"]}
	rules:
	  - {from: iot_zone, to: wan, allow: [tcp/443]}
	devices:
	  - {name: cam, mac: "$CAM_MAC", network_segment: iot_zone, addresses: [$CAM, "$CAM6"], model: acme-t1}
END
is() {
	[ "$(counter "devices/$CAM_MAC/state")" = "$1" ]
}
# image VERSION [DESCRIPTION]: signed as it is described, or else than it is
image() {
	local dir=$work/image.$1 sum
	mkdir "$dir"
	head -c 200000 /dev/urandom >"$dir/app"
	sum=$(sha256sum "$dir/app" | cut -d ' ' -f 1)
	cat >"$dir/sw-description" <<-END
		software = {
			version = "$1";
			hardware-compatibility: [ "1" ];
			files: ( { filename = "app"; path = "$work/flashed"; sha256 = "$sum"; } );
		}
	END
	openssl cms -sign -in "$dir/sw-description" -out "$dir/sw-description.sig" -signer "$work/vendor.crt" -inkey "$work/vendor.key" \
		-outform DER -nosmimecap -binary
	[ -z "${2-}" ] || echo "$2" >>"$dir/sw-description"
	(cd "$dir" && printf '%s\n' sw-description sw-description.sig app | cpio -o --quiet -H crc) >"$work/t1-$1.swu"
	ctl firmware sign "$work/t1-$1.swu" >/dev/null &&
		ctl firmware add "$work/t1-$1.swu" --model acme-t1 --version "$1"
}
# swupdate VERSION [CONFIRM]: runs on cam, which is of that version; CONFIRM, as after a restart: 2, it went well
swupdate() {
	cat >"$work/swupdate.cfg" <<-END
		globals: { loglevel = 5; bootloader = "none"; public-key-file = "$work/vendor.crt"; };
		identify: ( { name = "version"; value = "$1"; } );
		suricatta: {
			tenant = "default"; id = "cam"; url = "https://$GW_CAM:8443"; polldelay = 3; retrywait = 1;
			initial-report-resend-period = 1;
			cafile = "$work/ca.crt"; sslcert = "$work/cam/device.crt"; sslkey = "$work/cam/device.key";
		};
	END
	on cam chroot "$modern" swupdate -f "$work/swupdate.cfg" -H t1:1 -u "-S hawkbit${2:+ -c $2}" >>"$work/swupdate.log" 2>&1 &
	disown
}
ends() {
	pkill -x swupdate
	poll 20 eval '! pgrep -x swupdate'
}
action() {	# VERSION STATE: its last offer
	ctl firmware status cam --json | python3 -c 'import json, sys
print(any((a["version"], a["state"]) == tuple(sys.argv[1:]) for a in json.load(sys.stdin)["actions"]))' "$1" "$2" | shows True
}
flashed() {
	cmp -s "$work/flashed" "$work/image.$1/app"
}
said() {
	report "$1" "$2"
	[ "$1" = 0 ] || grep -aE 'ERROR|FAILURE|execution|details|Got channel reply' "$work/swupdate.log" | tail -n 30 | sed 's/^/# /'
}

expect "a CA" ctl ca init --name Gateway
ctl ca export | sed -n '1,/END CERTIFICATE/p' >"$work/ca.crt"
# When it starts, SWUpdate tells what runs, and looks at its offer at the poll after that.
printf '%s\n' "server_names: [$GW_CAM]" 'firmware: {poll: 10s}' >"$work/serve.yaml"
expect "the server starts" on gw cordonctl serve --config "$work/serve.yaml"
expect "cam enrols" on cam cordonctl enroll --server "https://$GW_CAM:8443" --ca "$work/ca.crt" --name cam \
	--token "$(ctl device token cam)" --out "$work/cam"
expect "and checks in with 1.0" on cam cordonctl checkin --server "$GW_CAM:8883" --cert "$work/cam/device.crt" \
	--key "$work/cam/device.key" --ca "$work/ca.crt" --firmware 1.0
# SWUpdate checks a signature of its own, the vendor's, as its manual has it made.
openssl req -x509 -newkey rsa:2048 -nodes -days 30 -subj "/O=Acme/CN=target" -keyout "$work/vendor.key" -out "$work/vendor.crt" 2>/dev/null
expect "an image" image 1.1
expect "a floor" ctl firmware floor acme-t1 1.1
poll 10 is outdated
report $? "cam is below it: outdated"

swupdate 1.0
poll 90 flashed 1.1
said $? "SWUpdate installs what is offered"
poll 30 action 1.1 running
said $? "and leaves the action open until its restart"
ends
swupdate 1.1 2
poll 60 action 1.1 succeeded
said $? "after its restart it closes the action"
poll 10 is active
report $? "cam is active"
ends

expect "another image" image 1.2
offer=$(on cam curl -fsS --cacert "$work/ca.crt" --cert "$work/cam/device.crt" --key "$work/cam/device.key" \
	"https://$GW_CAM:8443/default/controller/v1/cam" | python3 -c 'import json, sys
print(json.load(sys.stdin)["_links"]["deploymentBase"]["href"])')
on cam curl -fsS --cacert "$work/ca.crt" --cert "$work/cam/device.crt" --key "$work/cam/device.key" -H 'Content-Type: application/json' \
	-d '{"status": {"execution": "proceeding", "result": {"finished": "none"}}}' "${offer%%\?*}/feedback" >/dev/null
report $? "cam begins with it"
expect "an operator takes it back" ctl firmware cancel cam
expect "which cam does not know yet" action 1.2 canceling
swupdate 1.1
poll 60 action 1.2 canceled
said $? "SWUpdate honours it"
! flashed 1.2
report $? "and installs nothing"
ends

expect "an image that was changed after it was signed" image 1.3 "/* changed */"
swupdate 1.1
poll 90 action 1.3 failed
said $? "SWUpdate does not take it, and says so"
grep -qa 'Signature verification failed' "$work/swupdate.log"
said $? "because of its signature"
flashed 1.1
report $? "and installs nothing"
ends
expect "the server ends" ctl serve --stop --config "$work/serve.yaml"
rm -rf /var/lib/cordon
finish
