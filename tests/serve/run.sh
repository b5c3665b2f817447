#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# run.sh [NAME...]: `cordonctl serve` without the module, as its clients and its enemies see it. One TAP stream.
#   est        EST in every form, curl, strongSwan
#   refuse     bad input: refused, counted, nothing issued
#   ddi        hawkBit's DDI: polls, offers, downloads, feedback; with a kernel of straw
#   hawkbit    what rauc-hawkbit-updater 1.4 sends, odd requests and versions; likewise
#   offers     firmware without hawkBit, roll-outs, slow downloads; likewise
#   update     cordonctl update, from the file that is signed to the device that runs it; likewise
#   posture    which devices are confined for their firmware; likewise
#   liar       a front that lies to agent and signer
#   full       no room on the disk, no descriptors
#   idevid     first enrolment by a manufacturer's certificate; with a kernel of straw
#   processes  who may do what; start, stop, reload; serve.yaml
#   flood      floods of TLS records, chains, renewals and revocations (TRIES=)
#   beside     how long an honest check-in takes beside floods of TLS records and chains
#   rollover   from one CA to the next: 20 devices of three kinds, killed at each step
#   chain      a CA below a company's RSA root: request, import, devices, roll-over, passphrases, constraints
#   fleet_chain  gateways with issuing CAs of their own below one root: name constraints, issuers.pem, OCSP
#   late       certificates that have ended, and are renewed; likewise
#   ocsp       lists and statuses over plain HTTP, stapled, renewed in time; hostile requests
#   expiry     certificates that end: said before they do; with a kernel of straw
#   registry   the registry copied while devices enrol, an older one put back, damaged, deleted; with a kernel of straw
#   backup     everything into one file and back; files that are damaged, cut off or hostile (KILLS= SEED=)
#   audit      the audit log: what was issued and refused, how much of it, and what is seen when it was changed
#   eapol      802.1X: hostapd of straw, whose lease a session gives; what `ca export --hostapd` writes
#   hardware   the CA's key and a device's in an HSM (SoftHSM2) and a TPM (swtpm)
#   devices    device list, show and retire, by kernel and registry, and without one of them; with a kernel of straw
#   page       the page: who may look and act, forms of others, streams, slow and many clients; with a kernel of straw
#   fleet      a gateway among others: what is asked of cordon-fleet, and what happens without it (a liar); with a kernel of straw
#   crash      kill -9 while 1,000 devices enrol (DEVICES= KILLS= SEED=)
# All at once, as they wait a good deal, and the last one takes longest.
set -u
cd "$(dirname "$0")/../.." || exit 2

build=${BUILD:-$PWD/build}
export BUILD=$build PYTHONDONTWRITEBYTECODE=1
work=$(mktemp -d)
n=0
failed=0
jobs=()

# Each removes what it has made when it is told to end, so that is waited for.
end() {
	kill "${jobs[@]}" 2>/dev/null
	wait
	rm -rf "$work"
}
trap end EXIT
trap 'exit 1' INT TERM

report() {	# ok|"not ok" NAME
	n=$((n + 1))
	[[ $1 == ok ]] || failed=$((failed + 1))
	echo "$1 $n - $2"
}

# Numbers of its own for each case, its plan checked, and its status a case of its own.
renumber() {	# NAME STATUS
	local line plan=none seen=0

	while IFS= read -r line; do
		case $line in
		"ok "*)		report ok "$1: ${line#ok * - }"; seen=$((seen + 1)) ;;
		"not ok "*)	report "not ok" "$1: ${line#not ok * - }"; seen=$((seen + 1)) ;;
		1..*)		plan=${line#1..} ;;
		*)		echo "# ${line#\# }" ;;
		esac
	done <"$work/$1"
	if [[ $2 == 0 && $plan == "$seen" ]]; then
		report ok "$1: ran to its end"
	else
		report "not ok" "$1: status $2, planned $plan, seen $seen"
	fi
}

start() {	# NAME
	/usr/bin/python3 "tests/serve/$1.py" >"$work/$1" 2>&1 </dev/null &
	jobs+=($!)
}

finish() {	# NAME PID
	wait "$2"
	renumber "$1" $?
}

echo "TAP version 13"
if ! make -s userspace serve-programs >"$work/log" 2>&1; then
	sed 's/^/# /' "$work/log"
	echo "Bail out! cordonctl does not build"
	exit 1
fi
[[ $# -gt 0 ]] || set -- est refuse ddi hawkbit offers update posture liar idevid full processes flood beside rollover chain fleet_chain late devices expiry ocsp eapol registry backup audit hardware page fleet crash
for name; do
	start "$name"
done
at=0
for name; do
	finish "$name" "${jobs[at]}"
	at=$((at + 1))
done
echo "1..$n"
[[ $failed == 0 ]]
