# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# traffic-install.sh: a bare Debian becomes a gateway that guards, and does so whatever is done to it.
. ./traffic.sh

flows cam cam6 denied denied6 forged bell lock extra gone intruder intruder6 stolen
ok "without Cordon everything is forwarded, since the boot"
apt install --no-install-recommends "./cordonctl_${old}_amd64.deb"
ok "cordonctl is installed with apt"
cat >/etc/cordon/policy.yaml <<-END
	version: 1
	mode: enforce
	ports: [lan0]
	uplinks: [wan0]
	segments:
	  iot: {}
	  critical: {authentication: certificate}
	  wan: {networks: [0.0.0.0/0, "::/0"]}
	rules:
	  - {from: iot, to: wan, allow: [udp/4000, udp/4002]}
	  - {from: critical, to: wan, allow: [udp/4000]}
	devices:
	  - {name: cam, mac: "02:00:00:00:01:01", network_segment: iot, addresses: [10.0.20.11, "fd00:20::11"], port: lan0}
	  - {name: bell, mac: "02:00:00:00:01:02", network_segment: iot, addresses: [10.0.20.12]}
	  - {name: lock, mac: "02:00:00:00:01:03", network_segment: critical, addresses: [10.0.20.13]}
	  - {name: gone, mac: "02:00:00:00:01:05", network_segment: iot, addresses: [10.0.20.15]}
END
try cat /etc/cordon/policy.yaml
try systemctl enable --now cordon
ok "systemctl enable --now cordon"
loaded "$old"
ok "with the module of $old"
from_now
held "enabled"
flows cam cam6 bell gone
ok "what a rule opens comes through"

try sed -i 's|udp/4002|&, udp/4003|' /etc/cordon/policy.yaml
try systemctl reload cordon && try cordonctl confirm
ok "systemctl reload cordon, and cordonctl confirm"
held "reloaded"
flows cam cam6 bell gone
ok "what came through before does"

try cordonctl device quarantine bell
ok "a device is quarantined"
try cordonctl device del gone
ok "one is deleted"
from_now bell gone
before=$(count lock) extra=$(count extra)
settle
[ "$(count lock) $(count extra)" = "$before $extra" ]
ok "one without a lease is held, and one that is not listed"
try cordonctl device lease lock 1h
ok "a lease is given"
try cordonctl device add extra --mac 02:00:00:00:01:04 --segment iot --address 10.0.20.14
ok "a device is added"
flows lock extra
ok "both come through"

for _ in 1 2 3; do
	try systemctl restart cordon
done
ok "systemctl restart cordon, three times"
held "restarted"
for _ in 1 2 3; do
	try cordonctl module reload
done
ok "cordonctl module reload, three times"
held "another module"
flows cam cam6 lock extra
ok "what came through before does"
