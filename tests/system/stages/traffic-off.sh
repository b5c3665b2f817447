# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# traffic-off.sh: a boot with cordon.off.
. ./traffic.sh

said 'NOTHING IS GUARDED: the kernel was started with cordon.off'
ok "it is said that nothing is guarded"
! grep -q '^cordon ' /proc/modules
ok "no module is loaded"
flows cam intruder intruder6 denied forged
ok "everything is forwarded"
