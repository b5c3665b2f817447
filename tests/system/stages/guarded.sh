# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# guarded.sh: the system was started and is guarded, whatever its kernel.
. ./lib.sh
. ./gateway.sh
running=$(uname -r)

grep -q '^cordon ' /proc/modules
ok "$running: the module is loaded"
try cordonctl status && grep -q enforce $log
ok "$running: the policy is in force"
gateway
guarded "$running"
try cordonctl doctor
grep -q '^ok *module ' $log && ! grep -qE '^OPEN *(module|kernel|next kernel|Secure Boot) ' $log
ok "$running: doctor finds a module for each kernel"
