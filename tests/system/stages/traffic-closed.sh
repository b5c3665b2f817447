# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# traffic-closed.sh: a boot in which the module cannot be loaded; then it can.
. ./traffic.sh

try systemctl is-failed cordon
ok "without a module cordon.service fails"
said 'nothing is forwarded (FAIL=closed)'
ok "and says that nothing is forwarded"
before=$(count cam)
held "FAIL=closed" closed
[ "$(count cam)" = "$before" ]
ok "nor does anything else come through"
try ping -c 1 -W 5 198.51.100.1
ok "the gateway itself is not cut off"

echo FAIL=open >/etc/default/cordon
! try systemctl restart cordon
ok "FAIL=open: cordon.service fails"
said 'NOTHING IS GUARDED (FAIL=open)'
ok "and says that nothing is guarded"
flows cam intruder
ok "everything is forwarded"

rm /etc/default/cordon /etc/modprobe.d/broken.conf
try systemctl restart cordon
ok "with the module it starts"
from_now
held "started"
flows cam lock extra
ok "lease and added device are back"
try cordonctl show devices && grep -q 'bell.*quarantined' $log
ok "so is the quarantine"

try systemctl mask --now cordon && flows cam
ok "cordon.service is stopped and masked: its policy stays"
held "stopped"
try cordonctl module unload && flows intruder intruder6 denied denied6 forged stolen bell gone
ok "without the module everything is forwarded: what is counted here can be seen"
try systemctl unmask cordon
