# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# bare.sh: from nothing to a gateway that guards, with three commands.
. ./lib.sh
. ./gateway.sh

gateway
becomes 60 reaches thing && becomes 60 reaches held
ok "without Cordon both devices reach the host"
try /usr/bin/apt install -y --no-install-recommends ./cordon*.deb
ok "apt install ./cordon*.deb"
try cp gateway.yaml /etc/cordon/policy.yaml
ok "one file is edited"
try systemctl enable --now cordon
ok "systemctl enable --now cordon"
try dkms status cordon && grep -q ': installed' $log
ok "DKMS has built the module"
guarded "at once"
try cordonctl status && grep -q enforce $log
ok "cordonctl status"
