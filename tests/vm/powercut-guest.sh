#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# powercut-guest.sh DISK [last]: in the guest, for powercut.sh: put in force what is on the disk, and tell what that is;
# then apply policies, save quarantines and leases, enrol and revoke devices for ever. What is begun and what is
# acknowledged is told, a line each. With "last", nothing after the start.
set -u

disk=$1
yaml=/etc/cordon/policy.yaml
fleet=60

quietly() {
	local said=/tmp/said.$BASHPID

	"$@" >"$said" 2>&1 && return
	echo "failed: $*: $(tail -n 3 "$said" | tr '\n' ' ')"
	return 1
}

mac() {	# NUMBER
	printf '02:00:00:00:%02x:%02x' $(($1 / 256)) $(($1 % 256))
}

# As an editor does it: over the old file, and without waiting for the disk.
write_policy() {	# MARK
	local i

	{
		printf '%s\n' 'version: 1' 'mode: observe' 'ports: [lan0]' 'uplinks: [wan0]' \
			"segments: {iot: {authentication: certificate}, mark-$1: {}}" devices:
		for ((i = 1; i <= 2 * fleet; i++)); do
			echo "  - {name: d$i, mac: \"$(mac "$i")\", network_segment: iot, addresses: [10.0.20.$i]}"
		done
	} >$yaml
}

in_force() {
	cordonctl show segments | sed -n 's/^mark-\([0-9]*\).*/\1/p'
}

apply_for_ever() {	# MARK: of the policy in force
	local mark=$1

	while :; do
		mark=$((mark + 1))
		echo "applying $mark"
		write_policy $mark
		quietly cordonctl apply $yaml && echo "applied $mark"
	done
}

# A quarantine and a lease are acknowledged as lasting when the state is saved.
save_for_ever() {
	local i held

	while :; do
		for ((i = 1; i <= fleet; i++)); do
			held=$((fleet + i))
			grep -q "\"d$held\"" /var/lib/cordon/state 2>/dev/null && continue
			quietly cordonctl device quarantine "d$i" && quietly cordonctl device lease "d$held" 1d &&
				quietly cordonctl state save && echo "saved d$i d$held"
		done
		read -rt 1 <> <(:) || :
	done
}

# What the kernel holds of it
tell_states() {
	cordonctl show devices | awk '$4 == "quarantined" { print "quarantined", $1 }
		$4 == "active" && $6 + 0 > 0 { print "leased", $1 }'
}

enrol_for_ever() {	# TAG: of the names
	local i name token serial

	for ((i = 1; ; i++)); do
		name=$1-$i
		token=$(cordonctl device token "$name" --mac "02:00:01:$1:$(mac $i | cut -c 13-)")
		echo "enrolling $name"
		quietly cordonctl enroll --server https://localhost:8443 --ca /var/lib/cordon/ca/root.crt --name "$name" \
			--token "$token" --out "/tmp/$name" || continue
		serial=$(openssl x509 -noout -serial -in "/tmp/$name/device.crt")
		echo "enrolled ${serial#serial=}"
		[ $((i % 2)) = 0 ] || continue
		echo "revoking ${serial#serial=}"
		quietly cordonctl ca revoke "$name" && echo "revoked ${serial#serial=}"
		quietly cordonctl ca crl && echo "listed ${serial#serial=}"
	done
}

modprobe -a virtio_blk ext4 dummy
mkdir -p /disk /etc/cordon /var/lib/cordon
until [ -b "$disk" ]; do read -rt 0.1 <> <(:) || :; done
# Without what ext4 does for programs that do not synchronise, and with much that is not written yet.
mount -o noauto_da_alloc,commit=60 "$disk" /disk || { echo "failed: mount"; exit 1; }
mkdir -p /disk/etc /disk/lib
chmod 700 /disk/lib
mount --bind /disk/etc /etc/cordon
mount --bind /disk/lib /var/lib/cordon
ip link add lan0 type dummy
ip link add wan0 type dummy
ip link set lan0 up
ip link set wan0 up
if [ ! -e $yaml ]; then
	write_policy 0
	printf 'est: {allow_remote: true}\nserver_names: [localhost]\n' >/etc/cordon/serve.yaml
	quietly cordonctl ca init --name Gateway
	sync
fi
cordonctl boot >/tmp/boot 2>&1
status=$?
mark=$(in_force)
echo "booted ${mark:-nothing} status $status"
[ $status = 0 ] || sed 's/^/# boot: /' /tmp/boot
tell_states
[ ! -e /var/lib/cordon/registry.db ] || quietly cordonctl registry check && echo "registry is sound"
[ "${2-}" != last ] || { echo ready; exit 0; }
quietly cordonctl serve || exit
cordonctl state watch >/dev/null 2>&1 &
apply_for_ever "${mark:-0}" &
save_for_ever &
# Names and MACs of this boot alone.
enrol_for_ever "$(printf %02x $((mark % 251)))" &
echo ready
wait
