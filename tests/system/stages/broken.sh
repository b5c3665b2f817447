# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# broken.sh: the kernel that runs has no module.
. ./lib.sh
. ./gateway.sh
running=$(uname -r)
mend="dkms autoinstall -k $running"

gateway
closed "no module"
said "not installed for this kernel: 'cordonctl doctor' says which command mends that"
ok "its status says why, and whom to ask"
open_finding "the module is not installed for the kernel that runs ($running)" "$mend"
ok "doctor says which command mends it"
open_finding "not loaded: nothing is guarded" "mend what follows, then systemctl start cordon"
ok "and what then starts the guard"

echo FAIL=open >>/etc/default/cordon
! try systemctl restart cordon
ok "FAIL=open: it still is a failure"
said "NOTHING IS GUARDED (FAIL=open): everything is forwarded"
ok "and loud"
try journalctl -q -b -u cordon -p crit && grep -q "NOTHING IS GUARDED" $log
ok "in the journal as critical"
! try nft list table inet cordon_closed && becomes 60 reaches thing && becomes 20 reaches held
ok "everything is forwarded"
sed -i '/^FAIL=open$/d' /etc/default/cordon
! try systemctl restart cordon
ok "FAIL=closed again"
closed "closed again"

# shellcheck disable=SC2086
try $mend
ok "doctor's command installs the module"
try systemctl start cordon
ok "systemctl start cordon"
guarded "mended"
try cordonctl status && grep -q enforce $log
ok "the policy is in force"
