#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# What was done to devices at run time gets into the policy's files, and nothing else does: not what is not in force, not
# into a file that somebody is working at.
# seconds: 120
. "$(dirname "$0")/lib.sh"
setup
file=$work/policy.yaml

ctl() {
	on gw cordonctl "$@"
}
save() {
	ctl save "$file" --state "$work/state" "$@"
}
put() {
	ctl apply "$file" --state "$work/state" "$@"
}
is_same() {
	ctl diff "$file"
}
# unsaved NAMES: status names these devices
unsaved() {
	ctl status --state "$work/state" --json | python3 -c '
import json, sys
assert json.load(sys.stdin)["unsaved"] == sys.argv[1:]' "$@"
}
says() {
	ctl status --state "$work/state" | shows "$1"
}

mkdir "$work/policy.d"
cat >"$work/main.yaml" <<-END
	# the gateway of the shop
	version: 1
	ports: [lan0, lan1]
	uplinks: [wan0, plant0]
	include: policy.d/*.yaml
	segments:
	  iot: {}
	  guests: {}
	  wan: {networks: [0.0.0.0/0, "::/0"]}
	rules:
	  - {from: iot, to: wan, allow: [tcp/443]}	# what they need
	devices:
	  - name: cam	# in the hall
	    mac: "$CAM_MAC"
	    network_segment: iot
	    addresses: [$CAM]
END
cat >"$work/policy.d/lock.yaml" <<-END
	# the lock's
	devices: [{name: lock, mac: "$LOCK_MAC", network_segment: iot, addresses: [$LOCK]}]
END
chmod 640 "$work/main.yaml"
ln -s main.yaml "$file"
refuse "no policy is in force: nothing to save" save
expect "a policy" put
expect "nothing is unsaved" unsaved
expect "save says so" save
shows 'nothing to save' <"$work/said"
report $? "in these words"

expect "cam moves" ctl device set cam --segment guests --address $CAM --address $CAM6
expect "lock goes" ctl device del lock
expect "meter comes" ctl device add meter --mac 02:00:00:00:01:09 --segment iot --learn auto
expect "status names them" unsaved cam lock meter
expect "and what helps" says "changes of 3 devices, as cam: 'cordonctl save'"
sum=$(cat "$work/main.yaml" "$work/policy.d/lock.yaml" | sha256sum)
expect "--dry-run" save --dry-run
shows '^+ device meter' <"$work/said"
report $? "it says what would be written"
equal "and writes nothing" "$sum" "$(cat "$work/main.yaml" "$work/policy.d/lock.yaml" | sha256sum)"

sed -i 's/^# the gateway of the shop/&\nmode: observe/' "$work/main.yaml"
refuse "not into a file that is not what was applied" save
shows 'was changed since it was applied, in mode mode' <"$work/said"
report $? "that is said"
sed -i '/^mode: observe/d' "$work/main.yaml"
equal "nothing was written" "$sum" "$(cat "$work/main.yaml" "$work/policy.d/lock.yaml" | sha256sum)"
refuse "not to standard input" ctl save - --state "$work/state"
expect "save" save
equal "the file" "$(cat <<-END
	# the gateway of the shop
	version: 1
	ports: [lan0, lan1]
	uplinks: [wan0, plant0]
	include: policy.d/*.yaml
	segments:
	  iot: {}
	  guests: {}
	  wan: {networks: [0.0.0.0/0, "::/0"]}
	rules:
	  - {from: iot, to: wan, allow: [tcp/443]}	# what they need
	devices:
	  - name: cam	# in the hall
	    mac: "$CAM_MAC"
	    network_segment: "guests"
	    addresses: ["$CAM", "$CAM6"]
	  - {name: "meter", mac: "02:00:00:00:01:09", network_segment: "iot", addresses: auto}
END
)" "$(cat "$work/main.yaml")"
equal "the file that it includes" "# the lock's
devices: []" "$(cat "$work/policy.d/lock.yaml")"
equal "its mode, and the link to it" "640 $work/main.yaml" "$(stat -c %a "$work/main.yaml") $(readlink -f "$file")"
expect "the file is the policy in force" is_same
expect "nothing is unsaved any more" unsaved
expect "apply has nothing to do" put
shows 'no change' <"$work/said"
report $? "it says so"

sed -i 's|tcp/443|tcp/443, tcp/80|' "$work/main.yaml"
expect "a policy that awaits confirmation" put --confirm 60s
refuse "is not saved" save
shows "awaits confirmation" <"$work/said"
report $? "that is said"
finish
