# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# reboot.sh: the next boot; then an upgrade, and the end of it.
. ./lib.sh

becomes 60 systemctl is-active cordon-serve
ok "cordon-serve runs again"
try curl -skf https://127.0.0.1:8443/healthz
ok "and answers"
echo '# mine' >>/etc/cordon/policy.yaml
fingerprint=$(cordonctl ca export 2>&1 | sha256sum)
main=$(systemctl show -P MainPID cordon-serve)
apt install --reinstall --no-install-recommends ./cordonctl_*.deb
ok "an upgrade"
becomes 60 systemctl is-active cordon-serve && [ "$(systemctl show -P MainPID cordon-serve)" != "$main" ]
ok "what ran was started anew"
[ "$(tail -n 1 /etc/cordon/policy.yaml)" = '# mine' ] && [ "$(cordonctl ca export 2>&1 | sha256sum)" = "$fingerprint" ]
ok "policy and CA are kept"

apt remove cordonctl
ok "cordonctl is removed"
! try systemctl is-active cordon-serve && ! try pgrep -f 'cordonctl serve'
ok "nothing of it runs"
[ -d /var/lib/cordon/ca ] && [ -e /etc/cordon/policy.yaml ]
ok "CA and policy are kept"
apt purge cordonctl cordon-device
ok "it is purged"
left=$(find / -xdev \( -path /proc -o -path /usr/src -o -path /var/lib/dkms \) -prune -o -name '*cordon*' -print |
	grep -vE '^/(usr/share/doc/cordon-dkms|var/lib/dpkg/info/cordon-dkms|lib/modules/|usr/lib/modules/|var/cache/|var/log/)')
[ -z "$left" ] || echo "# left: $left"
[ -z "$left" ]
ok "nothing is left of it"
