# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# traffic-upgrade.sh: the next boot; then another version.
. ./traffic.sh

as_before() {	# NAME
	flows cam cam6 lock extra
	ok "$1: what is allowed comes through, with its lease, and what was added"
	try cordonctl show devices && grep -q 'bell.*quarantined' $log
	ok "$1: what is quarantined is"
}

try systemctl is-active cordon cordon-state
ok "cordon.service and cordon-state.service are up"
held "shut down and booted"
as_before booted
loaded "$old"
ok "with the module of $old"

# What is in the file, but was not applied, is no business of an upgrade.
cp /etc/cordon/policy.yaml /tmp/
sed -i 's|udp/4000, |udp/4000, udp/4001, |' /etc/cordon/policy.yaml
apt install --no-install-recommends "./cordonctl_${version}_amd64.deb" "./cordon-dkms_${version}_all.deb"
ok "both packages are upgraded with apt"
[ "$(grep -c '^Replacing the module' $log)" = 1 ]
ok "which says once that it replaces the module"
loaded "$version"
ok "the module of $version is in the kernel"
held "upgraded"
as_before upgraded
try systemctl is-active cordon cordon-state
ok "cordon.service and cordon-state.service are up"
cp /tmp/policy.yaml /etc/cordon/
