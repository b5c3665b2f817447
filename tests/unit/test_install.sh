#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# What `make install` leaves, and what systemd makes of it; the module is tests/vm's and tests/system's.
set -u
cd "$(dirname "$0")/../.." || exit 2
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
. tests/unit/lib.sh
root=$dir/root
shown=("$dir/out" "$dir/err")
unset MAKEFLAGS MFLAGS MAKELEVEL

install() {	# install|uninstall
	make -s DESTDIR="$root" PREFIX=/usr "$1-userspace" >"$dir/out" 2>"$dir/err"
}

silent() {
	[ ! -s "$dir/out" ] && [ ! -s "$dir/err" ]
}

installed() {	# how many files
	find "$root" ! -type d 2>/dev/null | wc -l
}

make -s userspace >"$dir/out" 2>&1
ok "cordonctl is made" $?
install install
ok "it is installed"
silent
ok "and nothing is said"

wanted=(usr/sbin/cordonctl usr/share/man/man{4/cordon.4,5/cordon-policy.5,5/cordon-serve.5,5/cordonctl-json.5,8/cordonctl.8}
	usr/share/man/man8/cordonctl-{audit,backup,boot,ca,device,firmware,hostapd,policy,serve,show}.8
	usr/share/bash-completion/completions/cordonctl usr/share/zsh/vendor-completions/_cordonctl
	usr/share/fish/vendor_completions.d/cordonctl.fish usr/lib/systemd/system/cordon-serve.service
	usr/share/cordon/monitoring/{prometheus.yml,cordon.rules.yml,alertmanager.yml,cordon.dashboard.json}
	usr/lib/systemd/system/cordon{,-state,-check,-hostapd}.service usr/lib/systemd/system/cordon-check.timer
	usr/lib/sysusers.d/cordon.conf usr/lib/tmpfiles.d/cordon.conf etc/cordon/policy.yaml)
for file in "${wanted[@]}"; do
	[ -s "$root/$file" ]
	ok "installed: $file"
done
! grep -rnE '@[A-Z]+@' "$root/etc" "$root/usr/lib" "$root/usr/share" >"$dir/out" 2>&1
ok "no word is left to fill in"

# The users are made, and systemd has nothing to say of a line.
mkdir -p "$dir/users/etc"
systemd-sysusers --root="$dir/users" "$root/usr/lib/sysusers.d/cordon.conf" >"$dir/out" 2>"$dir/err"
ok "sysusers: every line is valid"
for user in front agent signer page; do
	grep -q "^cordon-$user:" "$dir/users/etc/passwd"
	ok "sysusers: cordon-$user is made"
done
systemd-tmpfiles --root="$dir/users" --create "$root/usr/lib/tmpfiles.d/cordon.conf" >"$dir/out" 2>"$dir/err"
[ "$(stat -c %a "$dir/users/var/lib/cordon" "$dir/users/run/cordon" 2>>"$dir/err" | tr '\n' ' ')" = "700 755 " ]
ok "tmpfiles: the directories are made, with their modes"

# In tenths; what the unit may do is more than it needs otherwise.
for unit in cordon-serve:25 cordon-state:19 cordon-check:24 cordon-hostapd:17 cordon-watch:28 cordon:47; do
	systemd-analyze security --no-pager --offline=true --threshold="${unit#*:}" \
		"$root/usr/lib/systemd/system/${unit%:*}.service" >"$dir/out" 2>"$dir/err"
	ok "${unit%:*}.service: its exposure is at most ${unit#*:} tenths"
done

# The fleet's own: nothing of it comes with the rest.
[ ! -e "$root/usr/sbin/cordon-fleet" ]
ok "cordon-fleet is installed by itself"
make -s DESTDIR="$dir/fleet" PREFIX=/usr install-fleet >"$dir/out" 2>"$dir/err" && silent
ok "and is"
[ "$(cd "$dir/fleet" && find . -type f | sort | tr '\n' ' ')" = "./usr/lib/systemd/system/cordon-fleet.service $(:
	)./usr/lib/sysusers.d/cordon-fleet.conf ./usr/sbin/cordon-fleet ./usr/share/man/man8/cordon-fleet.8 " ]
ok "cordon-fleet: program, unit, user, manual"
systemd-sysusers --root="$dir/users" "$dir/fleet/usr/lib/sysusers.d/cordon-fleet.conf" >"$dir/out" 2>"$dir/err" &&
	grep -q '^cordon-fleet:' "$dir/users/etc/passwd"
ok "cordon-fleet: its user is made"
systemd-analyze security --no-pager --offline=true --threshold=27 \
	"$dir/fleet/usr/lib/systemd/system/cordon-fleet.service" >"$dir/out" 2>"$dir/err"
ok "cordon-fleet.service: its exposure is at most 27 tenths"
! ldd build/cordonctl | grep -q libcurl && ldd build/cordon-fleet | grep -q libcurl
ok "cordonctl does not load libcurl, cordon-fleet does"

"$root/usr/sbin/cordonctl" check "$root/etc/cordon/policy.yaml" >"$dir/out" 2>"$dir/err" && [ ! -s "$dir/err" ]
ok "the example policy is good, and nothing is to be warned of"
grep -qx 'mode: observe' "$root/etc/cordon/policy.yaml"
ok "and observes"

echo '# mine' >>"$root/etc/cordon/policy.yaml"
install install
tail -n 1 "$root/etc/cordon/policy.yaml" | grep -qx '# mine'
ok "installed again: a configuration that was changed stays"
install uninstall
silent && [ "$(installed)" = 1 ] && [ -e "$root/etc/cordon/policy.yaml" ]
ok "uninstalled: what was changed is all that is left"
rm "$root/etc/cordon/policy.yaml"
install install && install uninstall && [ "$(installed)" = 0 ]
ok "unchanged: nothing is left"
echo "1..$n"
exit $failed
