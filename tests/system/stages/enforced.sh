# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# enforced.sh: the kernel was started with module.sig_enforce=1, as it does by itself under Secure Boot; the key that
# DKMS has made and signed with is none that it knows.
. ./lib.sh
. ./gateway.sh

[ "$(cat /sys/module/module/parameters/sig_enforce)" = Y ]
ok "the kernel demands signatures"
try openssl x509 -inform der -noout -in /var/lib/dkms/mok.pub
ok "DKMS has made a key"
[ "$(modinfo -F signer cordon)" = "DKMS module signing key" ]
ok "and signed the module with it"
gateway
closed "a key that is not enrolled"
said "mokutil --import /var/lib/dkms/mok.pub"
ok "its status says what to do"
open_finding "the key that DKMS signs with is not enrolled" "mokutil --import /var/lib/dkms/mok.pub"
ok "doctor does, too"
module=$(modinfo -n cordon)
case $module in
*.xz) xz -d "$module" && truncate -s -28 "${module%.xz}" && xz "${module%.xz}" ;;
*) truncate -s -28 "$module" ;;
esac
try systemctl restart cordon
[ $? != 0 ]
ok "a module without a signature: cordon.service does not start"
closed "without a signature"
open_finding "the module has no signature" "dkms unbuild cordon/"
ok "doctor says what signs it"
