# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# lib.sh (to be sourced, in the guest): cases, which host.sh counts, and a transcript of what was done.
export DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8 HOME=/root
log=/tmp/log

ok() {	# NAME: as the last command went
	local status=$?

	if [ $status = 0 ]; then echo "ok - $1"; else tail -n 20 "$log" | sed 's/^/# /'; echo "not ok - $1"; fi
	printf '# %s: %s\n\n' "$([ $status = 0 ] && echo ok || echo NOT OK)" "$1" >>transcript
}

try() {	# COMMAND...: what it says is shown where the case fails
	local status=0

	"$@" >"$log" 2>&1 || status=$?
	{ printf '$ %s\n' "$*"; cat "$log"; [ $status = 0 ] || echo "(exit status $status)"; } >>transcript
	return $status
}

becomes() {	# SECONDS COMMAND...: succeeds in that time
	local deadline=$((SECONDS + $1))

	shift
	until "$@" >"$log" 2>&1; do
		[ $SECONDS -lt $deadline ] || return
		read -rt 0.2 <> <(:) || :
	done
}

apt() {
	try apt-get -y -q -o Dpkg::Use-Pty=0 "$@"
}

# Nothing that makes a system's multi-user.target waits for cordon.service, as networks do: a stage may begin before that
# has come to its end.
has_started() {
	[ "$(systemctl show -p ActiveState --value cordon)" != activating ]
}
becomes 120 has_started
