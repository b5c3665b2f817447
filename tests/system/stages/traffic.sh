# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# traffic.sh (to be sourced by traffic-*.sh, in the guest): what has arrived at the internet, of whom, so far.
. ./lib.sh
read -r old version <versions
# Of these nothing may arrive while the policy is in force; those that were allowed before are added.
forbidden="denied denied6 forged intruder intruder6 stolen other"
[ ! -e forbidden ] || forbidden=$(cat forbidden)

count() {	# NAME
	sed -n "s/^$1 //p" counts
}

more() {	# NAME THAN
	[ "$(count "$1")" -ge "$2" ]
}

# grows SECONDS NAME BY
grows() {
	becomes "$1" more "$2" $(($(count "$2") + $3))
}

# What has been forwarded is counted when two hundred more were sent and, in force, twenty more of the camera's arrived.
settle() {
	grows 60 sent 200 && { [ "${1-}" = closed ] || grows 120 cam 20; }
}

flows() {	# NAME...: it arrives, now
	local name

	for name; do
		grows 120 "$name" 20 || { cat counts; return 1; }
	done >$log
}

arrived() {
	local name

	for name in $forbidden; do
		echo "$name $(count "$name")"
	done
}

# What arrived until now was allowed, or before the guard.
from_now() {	# [NAME...]: which is forbidden from now on
	forbidden="$forbidden $*"
	echo "$forbidden" >forbidden
	settle
	arrived >base
}

unjudged() {	# of all that is forbidden, what has arrived since from_now, in this boot and in those before
	awk 'FILENAME == "base" { base[$1] = $2; next } $1 in base { print $1, $2 - base[$1] }' base counts
}

# held NAME [closed]: that is nothing, while they went on sending
held() {
	settle "${2-}" && try count sent && try unjudged && ! grep -qv ' 0$' $log
	ok "$1: packets that came through unjudged: 0"
}

loaded() {
	try cat /sys/module/cordon/version && [ "$(cat $log)" = "$1" ]
}

said() {	# PATTERN: the journal of this boot has it of cordon.service
	try journalctl -q -b -u cordon && grep -q -- "$1" $log
}
