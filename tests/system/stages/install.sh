# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# install.sh: on a running system; each file that came is used.
. ./lib.sh
mark=$(date +%s)

apt install --no-install-recommends ./cordonctl_*.deb ./cordon-device_*.deb
ok "cordonctl and cordon-device install with apt, both at once"
! try systemctl is-active cordon-serve && ! try systemctl is-enabled cordon-serve
ok "no service is enabled or started by that"
! grep -q '^cordon ' /proc/modules
ok "nor is the module loaded"

units=$(dpkg -L cordonctl | grep -E '/systemd/system/.*\.(service|timer|socket)$')
# shellcheck disable=SC2086
try systemd-analyze verify $units && [ ! -s $log ]
ok "systemd-analyze verify has nothing to say of the units"
try systemd-analyze security --threshold=25 cordon-serve.service
ok "cordon-serve: exposure at most 2.5"
try getent passwd cordon-front cordon-agent cordon-signer cordon-page
ok "sysusers: the users of serve are there"
[ "$(stat -c '%a %U' /var/lib/cordon /run/cordon | tr '\n' ' ')" = "700 root 755 root " ]
ok "tmpfiles: the directories are there"
try cordonctl check /etc/cordon/policy.yaml
ok "the example policy is good"
[ "$(command -v cordonctl)" = /usr/sbin/cordonctl ] && try cordonctl status --help && try /usr/bin/cordonctl enroll --help
ok "root's cordonctl is the gateway's, and the device's is there, too"
for page in "1 cordonctl" "8 cordonctl" "4 cordon" "5 cordon-policy" "5 cordon-serve"; do
	# shellcheck disable=SC2086
	try man -w $page
	ok "man $page"
done
# shellcheck disable=SC2016
try bash -c '. /usr/share/bash-completion/bash_completion; _completion_loader cordonctl; COMP_WORDS=(cordonctl app) COMP_CWORD=1
	_cordonctl; [ "${COMPREPLY[*]}" = apply ]'
ok "completion completes"
for doc in cordonctl/README.Debian cordon-dkms/README.Debian cordon-device/devices.md.gz; do
	try zgrep -q . /usr/share/doc/$doc
	ok "doc: $doc"
done

try modprobe cordon
ok "modprobe loads what DKMS has built"
module=$(modinfo -n cordon)
try grep -q /updates/dkms/ <<<"$module"
ok "from DKMS's directory"
# Debian 13 compresses modules.
[ "${module%.xz}" = "$module" ] || { xz -dc "$module" >/tmp/cordon.ko; module=/tmp/cordon.ko; }
try readelf -S "$module" && ! grep -q debug_info $log
ok "which is stripped of debug information"
try cordonctl apply /etc/cordon/policy.yaml
ok "the example policy is put in force"
try cordonctl status && grep -q observe $log
ok "and observes"
try bash ./deny
ok "a gateway of namespaces: what a rule opens passes, without it nothing does"

# What happens is in the journal, with fields.
systemctl start cordon-state
sed 's/^segments:/&\n  spare: {}/' /etc/cordon/policy.yaml >/run/spare.yaml
becomes 60 bash -c "cordonctl apply /run/spare.yaml; cordonctl apply /etc/cordon/policy.yaml; journalctl -q -o cat --since @$mark SYSLOG_IDENTIFIER=cordon \
	MESSAGE_ID=b29b76f640f346dcaae98b3a070b72d2 CORDON_MODE=observe PRIORITY=5 | grep 'policy: generation'"
ok "cordon-state tells the journal of a policy"
systemctl stop cordon-state
try systemctl start cordon-check
ok "cordon-check looks once"
becomes 60 bash -c "journalctl -q -o cat --since @$mark MESSAGE_ID=255fc8fe3b9c415cb592958a66ef23d0 CORDON_CHECK=mode PRIORITY=4 |
	grep 'observe: what is not allowed'"
ok "and what is open is in the journal"
! journalctl -q -o cat --since "@$mark" -u cordon-check | grep -iE 'denied|not permitted|cannot be' >$log
ok "nothing kept it from looking"
try systemctl start cordon-check.timer && systemctl list-timers | grep -q cordon-check
ok "its timer starts"

# serve, as an administrator meets it
systemctl start --no-block cordon-serve
becomes 60 bash -c "journalctl -q -u cordon-serve --since @$mark | grep -q 'cordonctl ca init'"
ok "serve without a CA: the journal says what to do"
systemctl stop cordon-serve
try cordonctl ca init
ok "cordonctl ca init"
python3 -c 'import signal, socket; s = socket.create_server(("", 8883)); print(flush=True); signal.pause()' >/tmp/taken &
taken=$!
becomes 30 test -s /tmp/taken
systemctl start --no-block cordon-serve
becomes 60 bash -c "journalctl -q -u cordon-serve --since @$mark | grep 8883"
ok "a port that is taken: the journal says which"
kill $taken
becomes 60 systemctl is-active cordon-serve
ok "then cordon-serve starts by itself"
try systemctl reload cordon-serve && becomes 30 bash -c "journalctl -q -u cordon-serve --since @$mark | grep -q reload"
ok "reload works, and the log says so"
try curl -skf https://127.0.0.1:8443/healthz
ok "all three processes answer"
for user in front agent signer; do
	try pgrep -u cordon-$user cordonctl
	ok "a process runs as cordon-$user"
done
# The history, who is told, and what shows it
mkdir -p /usr/local/sbin
printf '#!/bin/sh\necho "told as $(id -un): $CORDON_ALERT $CORDON_STATE $CORDON_MAC" >&2\n' >/usr/local/sbin/tell
chmod 755 /usr/local/sbin/tell
echo 'notify: [{run: [/usr/local/sbin/tell], states: [quarantined]}]' >/etc/cordon/watch.yaml
sed 's/^segments:/&\n  spare: {}/; s/^devices:.*/devices:\n  - {name: spare, mac: "02:00:00:00:09:09", network_segment: spare, addresses: [192.0.2.99]}/' \
	/etc/cordon/policy.yaml >/run/spare.yaml
grep -q '^devices:' /run/spare.yaml || printf 'devices:\n  - {name: spare, mac: "02:00:00:00:09:09", network_segment: spare, addresses: [192.0.2.99]}\n' >>/run/spare.yaml
try cordonctl apply /run/spare.yaml && try systemctl start cordon-watch
ok "cordon-watch starts"
becomes 60 cordonctl history spare && try cordonctl device quarantine spare
becomes 60 bash -c "journalctl -q -o cat -u cordon-watch --since @$mark | grep 'told as nobody: firing quarantined 02:00:00:00:09:09'"
ok "within its unit's bounds, a program is told of a quarantine"
becomes 60 bash -c "cordonctl history spare | grep 'quarantined by root'"
ok "and the history knows who did it"
printf 'page: [127.0.0.1:8444]\nmetrics: [127.0.0.1:9842]\n' >>/etc/cordon/serve.yaml
try systemctl restart cordon-serve && becomes 60 bash -c "curl -skf https://127.0.0.1:8444/devices | grep 'quarantined'"
ok "the page shows it"
try curl -sf http://127.0.0.1:9842/metrics && grep -q '^cordon_up 1' $log && grep -q '^cordon_watch_up 1' $log
ok "so do metrics"
try pgrep -u cordon-page cordonctl
ok "a process runs as cordon-page"
rm /etc/cordon/watch.yaml /etc/cordon/serve.yaml /usr/local/sbin/tell
try cordonctl apply /etc/cordon/policy.yaml && try systemctl stop cordon-watch && try systemctl restart cordon-serve
ok "as it was before"

# A fleet of one, on Debian's etcd.
apt install --no-install-recommends ./cordon-fleet_*.deb
ok "cordon-fleet installs"
! try systemctl is-active cordon-fleet && ! try systemctl is-enabled cordon-fleet
ok "and is not started by that"
cp -a /etc/cordon/policy.yaml /run/policy.yaml
printf 'registry: {etcd: ["http://127.0.0.1:2379"], gateway: north}\n' >/etc/cordon/serve.yaml
try systemctl start etcd && try systemctl start cordon-fleet && try systemctl restart cordon-serve
ok "etcd, cordon-fleet and cordon-serve start"
try cordonctl fleet init
ok "a fleet begins"
becomes 60 bash -c "cordonctl fleet status --json | grep '\"reachable\": *true'"
ok "and is reached"
try pgrep -u cordon-fleet cordon-fleet && try cordonctl fleet gateways
ok "a process runs as cordon-fleet"
becomes 60 bash -c "cordonctl serve --status | grep -E 'fleet.*north'"
ok "the server of devices knows of it"
mkdir -p /run/fleet/gateway
cp /run/spare.yaml /run/fleet/gateway/north.yaml
try cordonctl apply --fleet /run/fleet --confirm 2m && try cordonctl confirm --fleet
ok "a policy of the fleet is put in force, and confirmed, within the unit's bounds"
try cordonctl show devices spare && try grep -q 02:00:00:00:09:09 /etc/cordon/policy.yaml && [ -e /etc/cordon/policy.yaml.before ]
ok "and is what the next start has"
try cordonctl device token spare && try cordonctl device quarantine spare
becomes 60 bash -c "journalctl -q -u cordon-fleet --since @$mark | wc -l && ! cordonctl fleet status | grep -i 'waiting: *[1-9]'"
ok "a quarantine goes into etcd"
! journalctl -q -o cat -u cordon-fleet --since "@$mark" | grep -iE 'denied|not permitted|killed'
ok "cordon-fleet wants nothing that its unit takes"
try systemctl stop cordon-fleet && try cordonctl fleet leave
ok "it leaves"
mv /run/policy.yaml /etc/cordon/policy.yaml
rm -f /etc/cordon/serve.yaml /etc/cordon/policy.yaml.before
try systemctl stop etcd && rm -rf /var/lib/etcd/default
apt purge cordon-fleet && [ ! -e /var/lib/cordon-fleet ]
ok "cordon-fleet is purged"
try cordonctl apply /etc/cordon/policy.yaml && try systemctl restart cordon-serve
ok "as it was alone"

main=$(systemctl show -P MainPID cordon-serve)
kill -9 "$main"
becomes 60 bash -c "[ \$(systemctl show -P MainPID cordon-serve) != $main ] && systemctl is-active cordon-serve"
ok "killed, it is started again"
try systemctl enable cordon-serve
ok "it is enabled"
