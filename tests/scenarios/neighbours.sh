#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Beside what has packet filters, NAT and bridges of its own: Docker and ufw, by the rules that those of Debian 12 load.
# With TORTURE=1 dockerd and ufw themselves, libvirt and firewalld, and a broker that has port 8883.
# What Cordon denies stays denied whatever they accept, and what they drop Cordon does not open.
# kernels: 6.1
# seconds: 1500
# needs: tests/vm/daemons.sh
# torture: tests/vm/neighbours.sh
#
#   web    172.17.0.2     ── docker0 172.17.0.1     ┐
#   guest  192.168.122.x  ── virbr0 192.168.122.1   ┴ gw   (the rest: lib.sh)
SERVICES='22 53 80 443 502 8443'
GW_SERVICES='22 80 443'
. "$(dirname "$0")/lib.sh"
here=$(dirname "$0")
if [ -n "${TORTURE-}" ]; then
	tree=$("$here/../vm/neighbours.sh") || exit
else
	tree=$("$here/../vm/daemons.sh") || exit
fi
setup
extra='guest web'
enter_tree
modprobe -a br_netfilter bridge overlay

# ended NAME: told to end, and gone, and none of its rules is left
ended() {
	local pid
	pid=$(cat "$work/$1.pid")
	kill "$pid"
	poll 60 gone "$pid"
	on gw nft flush ruleset
}
gone() {
	[ ! -d "/proc/$1" ]
}
restore() {	# FILE: as iptables-save writes it
	run gw iptables-restore <"$here/neighbours/$1.rules"
}
saved() {	# NAME: what a package has loaded, to compare with and to renew the file by
	mkdir -p "$CORDON_OUT/keep/neighbours"
	run gw iptables-save >"$CORDON_OUT/keep/neighbours/$1.rules"
}

# policy [SED]: with a rule for each case, marked by its name; SED changes it
policy() {
	sed "${1-}" <<-END | apply
		version: 1
		mode: enforce
		ports: [lan0, lan1]
		uplinks: [wan0, plant0, docker0, "br-*", virbr0]
		segments:
		  iot_zone: {}
		  strict: {encryption: TLS1.3}
		  containers: {networks: [172.17.0.0/16, 172.18.0.0/16], interfaces: [docker0, "br-*"]}
		  guests: {networks: [192.168.122.0/24], interfaces: [virbr0]}
		  plant: {networks: [10.0.50.0/24], interfaces: [plant0]}
		  wan: {networks: [0.0.0.0/0, "::/0"], interfaces: [wan0]}
		rules:
		  - {from: iot_zone, to: wan, allow: [tcp/443]}
		  - {from: iot_zone, to: gateway, allow: [tcp/22]}
		  - {from: iot_zone, to: guests, allow: [tcp/443]}
		  - {from: iot_zone, to: containers, allow: [tcp/80]} # published
		  - {from: wan, to: containers, allow: [tcp/80]} # outside
		  - {from: containers, to: wan, allow: [tcp/443]} # outward
		  - {from: containers, to: iot_zone, allow: [tcp/502]} # device
		  - {from: guests, to: gateway, allow: [udp/67, udp/53, tcp/53]} # lease
		  - {from: guests, to: wan, allow: [tcp/443]} # guest
		  - {from: strict, to: gateway, allow: [tcp/8884]} # broker
		  - {from: plant, to: gateway, allow: [any]}
		devices:
		  - {name: cam, mac: "$CAM_MAC", network_segment: iot_zone, addresses: [$CAM, "$CAM6"]}
		  - {name: lock, mac: "$LOCK_MAC", network_segment: strict, addresses: [$LOCK, "$LOCK6"]}
	END
}
# quietly NAME HOST PORT: cam's connection does not come up, and Cordon counts nothing: it was not Cordon that denied it
quietly() {
	local name=$1 before

	shift
	before=$(kind segment_violation)
	expect "$name: it does not come up" stopped cam tcp "$@" 500
	equal "$name: not by Cordon" "$before" "$(kind segment_violation)"
}
stopped() {	# as blocked(), or by a reject
	on "$1" probe "${@:2}"
	case $? in
	1 | 3) return 0 ;;
	*) return 1 ;;
	esac
}
says_closed() {
	on gw cordonctl status 2>&1 | shows "interface $1 is closed: the policy does not list it"
}
host_on() {	# NS BRIDGE ADDRESS GATEWAY: on a bridge of the gateway's
	ip netns add "$1"
	ip link add "v-$1" netns gw type veth peer name eth0 netns "$1"
	ip -n gw link set "v-$1" master "$2" up
	ip -n "$1" link set lo up
	ip -n "$1" link set eth0 up
	[ -z "${3-}" ] || { ip -n "$1" addr add "$3" dev eth0; ip -n "$1" route add default via "$4"; }
}
bridge() {	# NAME ADDRESS
	ip -n gw link add "$1" type bridge
	ip -n gw addr add "$2" dev "$1"
	ip -n gw link set "$1" up
}
reached_from() {	# who the last connection to inet's port 443 came from, as it sees it
	on inet ss -Htn state all "sport = :443" | awk '{ sub(/:[0-9]*$/, "", $NF); print $NF }' | sort -u
}

# Docker: web, with port 80 published as 8080
docker_up() {
	if [ -z "${TORTURE-}" ]; then
		bridge docker0 172.17.0.1/16
		host_on web docker0 172.17.0.2/16 172.17.0.1
		serve web
		restore docker
		return
	fi
	mkdir -p "$work/image/bin"
	cp "$(command -v probe)" "$work/image/bin/"
	ldd "$work/image/bin/probe" | grep -o '/[^ ]*' | xargs -I % cp --parents -L % "$work/image"
	daemon gw docker dockerd --storage-driver vfs --data-root /run/docker-data --exec-root /run/docker
	poll 300 grep -q 'API listen' "$work/docker.log" || tail -n 5 "$work/docker.log"
	tar -C "$work/image" -c . | run gw docker import - image
	run gw docker run -d --pull never --name web -p 8080:80 image /bin/probe listen 80 || tail -n 5 "$work/docker.log"
	ip netns attach web "$(run gw docker inspect -f '{{.State.Pid}}' web)"
	saved docker
}
docker_down() {
	if [ -n "${TORTURE-}" ]; then
		ip netns del web
		run gw docker rm -f web
		ended docker
	fi
	on gw nft flush ruleset
	ip -n gw link del docker0
}
published() {	# NS ADDRESS
	reaches "$1" tcp "$2" 8080
}
unpublished() {
	blocked "$1" tcp "$2" 8080
}
docker() {
	docker_up >/dev/null
	expect "Docker, without a policy: a published port" published cam $GW_CAM
	expect "Docker: a policy" policy
	expect "Docker: a published port, from a device" published cam $GW_CAM
	expect "Docker: a published port, from outside" published inet 192.0.2.1
	expect "Docker: the gateway itself" reaches cam tcp $GW_CAM 22
	expect "Docker: a container to the internet" reaches web tcp $INET 443
	expect "Docker: a container to the internet, without a rule" blocked web tcp $INET 80
	expect "Docker: a container to a device" reaches web tcp $CAM 502
	expect "Docker: a container to a device, without a rule" blocked web tcp $CAM 22
	expect "Docker: a device to the internet" reaches cam tcp $INET 443
	denied segment_violation "Docker: a device to the internet, without a rule" reaches cam tcp $INET 80 500
	expect "Docker: a policy without the rule for devices" policy '/# published$/d'
	denied segment_violation "Docker: a published port, without a rule for the container's" reaches cam tcp $GW_CAM 8080 500
	expect "Docker: a rule for the published port's number" policy '/# published$/d; s/\(to: gateway, allow: \[tcp.22\)/\1, tcp\/8080/'
	denied segment_violation "Docker: that opens the gateway's 8080, not the container's 80" reaches cam tcp $GW_CAM 8080 500
	expect "Docker: a policy without the rule for outside" policy '/# outside$/d'
	expect "Docker: a published port, from outside, without a rule" unpublished inet 192.0.2.1
	expect "Docker: and from a device all the same" published cam $GW_CAM
	expect "Docker: a policy without docker0" policy 's/docker0, //g'
	expect "Docker: status says that docker0 is closed" says_closed docker0
	expect "Docker: a published port, with docker0 closed" unpublished cam $GW_CAM
	expect "Docker: a policy, once more" policy
	# As dockerd sets it where it had to switch forwarding on itself
	run gw iptables -P FORWARD DROP
	quietly "Docker, which drops what it does not know: a device to the internet" $INET 443
	run gw iptables -I DOCKER-USER -i lan0 -o wan0 -j ACCEPT
	run gw iptables -I DOCKER-USER -i wan0 -o lan0 -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
	expect "Docker, with a rule in DOCKER-USER: a device to the internet" reaches cam tcp $INET 443
	denied segment_violation "Docker, with a rule in DOCKER-USER: what Cordon does not open" reaches cam tcp $INET 80 500
	docker_down
}

# libvirt: its default network, with guest in it
libvirt_up() {
	mkdir -p "$tree/etc/libvirt/qemu/networks"
	cp "$tree/usr/share/libvirt/networks/default.xml" "$tree/etc/libvirt/qemu/networks/"
	printf '%s\n' 'unix_sock_group = "root"' 'auth_unix_rw = "none"' >"$tree/etc/libvirt/libvirtd.conf"
	printf '%s:x:%s:%s::/:/bin/sh\n' libvirt-qemu 64055 64055 dnsmasq 108 65534 >>"$tree/etc/passwd"
	printf '%s:x:%s:\n' libvirt-qemu 64055 kvm 106 libvirt 107 >>"$tree/etc/group"
	daemon gw libvirt libvirtd
	poll 300 virsh net-list --all || tail -n 5 "$work/libvirt.log"
	virsh net-start default || tail -n 5 "$work/libvirt.log"
	host_on guest virbr0
	# shellcheck disable=SC2016
	printf '%s\n' '#!/bin/sh' '[ "$1" = bound ] || exit 0' 'ip addr add $ip/24 dev eth0; ip route add default via $router' \
		>"$work/leased.sh"
	chmod +x "$work/leased.sh"
}
virsh() {
	run gw virsh -q -c network:///system "$@"
}
leased() {	# SECONDS
	on guest busybox udhcpc -i eth0 -f -q -n -t "$1" -T 1 -A 1 -s "$work/leased.sh"
}
unleased() {
	! leased 1
}
answers() {	# NS SERVER: its DNS does, whatever it says
	on "$1" timeout 20 busybox nslookup -type=a guest.test "$2" >"$work/answer" 2>&1
	grep -qE 'NXDOMAIN|REFUSED|SERVFAIL|Address' "$work/answer"
}
libvirt() {
	libvirt_up >/dev/null
	expect "libvirt: a policy without the rule for DHCP" policy '/# lease$/d'
	expect "libvirt: no lease" unleased
	expect "libvirt: a policy" policy
	expect "libvirt: a guest's lease" leased 20
	serve guest
	expect "libvirt: a guest asks its dnsmasq" answers guest 192.168.122.1
	expect "libvirt: a guest to the internet" reaches guest tcp $INET 443
	expect "libvirt: a guest to the internet, without a rule" blocked guest tcp $INET 80
	expect "libvirt: a guest to a device, without a rule" blocked guest tcp $CAM 502
	address=$(on guest ip -4 -o addr show eth0 | awk '{ sub(/\/.*/, "", $4); print $4 }')
	quietly "libvirt, whose NAT network nobody may enter: a device to a guest" "$address" 443
	# All of it, or libvirt may refuse the rest before Cordon does.
	run gw iptables -I LIBVIRT_FWI -o virbr0 -p tcp -j ACCEPT
	expect "libvirt, with a rule that lets it in: a device to a guest" reaches cam tcp "$address" 443
	denied segment_violation "libvirt, with a rule: what Cordon does not open" reaches cam tcp "$address" 80 500
	expect "libvirt: a policy without virbr0" policy 's/, virbr0\]/]/; /virbr0/d; /guests/d'
	expect "libvirt: status says that virbr0 is closed" says_closed virbr0
	expect "libvirt: a guest to the internet, with virbr0 closed" blocked guest tcp $INET 443
	virsh net-destroy default >/dev/null
	ended libvirt
}

# firewall NAME: one that lets the gateway's 22 in from lan0, and 443 and 80 through from lan0 to wan0, and drops the rest
firewall() {
	expect "$1: a policy" policy 's/\(to: wan, allow: \[tcp.443\)/\1, tcp\/502/'
	expect "$1: what both open, to the internet" poll 20 reaches cam tcp $INET 443
	expect "$1: what both open, to the gateway" reaches cam tcp $GW_CAM 22
	denied segment_violation "$1: what it alone opens" reaches cam tcp $INET 80 500
	quietly "$1: what Cordon alone opens" $INET 502
	quietly "$1: what is open to every device without a rule" $GW_CAM 8883
}
ufw() {
	if [ -z "${TORTURE-}" ]; then
		restore ufw
	else
		cp "$tree"/usr/share/ufw/{*.init,ufw.conf,iptables/*.rules} "$tree/etc/ufw/"
		run gw ufw allow in on lan0 proto tcp to any port 22 >"$work/ufw.log"
		run gw ufw route allow in on lan0 out on wan0 proto tcp to any port 80,443 >>"$work/ufw.log"
		run gw ufw --force enable >>"$work/ufw.log" || cat "$work/ufw.log"
		saved ufw
	fi
	firewall ufw
	on gw nft flush ruleset
}
firewalld() {
	printf '%s:x:%s:101::/:/bin/sh\n' messagebus 101 >>"$tree/etc/passwd"
	echo messagebus:x:101: >>"$tree/etc/group"
	cat >"$tree/etc/firewalld/zones/devices.xml" <<-END
		<zone><interface name="lan0"/><interface name="lan1"/><service name="ssh"/></zone>
	END
	cat >"$tree/etc/firewalld/zones/external.xml" <<-END
		<zone><interface name="wan0"/><masquerade/></zone>
	END
	cat >"$tree/etc/firewalld/policies/outward.xml" <<-END
		<policy target="CONTINUE"><ingress-zone name="devices"/><egress-zone name="external"/>
		<port port="80" protocol="tcp"/><port port="443" protocol="tcp"/></policy>
	END
	mkdir -p "$tree/run/dbus"
	daemon gw dbus dbus-daemon --system --nofork --nopidfile
	daemon gw firewalld /usr/sbin/firewalld --nofork --nopid
	poll 400 filtered || tail -n 5 "$work/firewalld.log"
	firewall firewalld
	ended firewalld
	ended dbus
}
filtered() {	# its last chains are there
	on gw nft list chain inet firewalld filter_FORWARD_POLICIES_pre && on gw nft list ruleset | grep 'dport 443'
}

# A broker on the gateway, with and without port 8883
mqtt() {	# NS PORT [older]: its --tls-version is a minimum, so an older one is OpenSSL's to set
	local at=$GW_LOCK conf=/dev/null
	[ "$1" != cam ] || at=$GW_CAM
	[ -z "${3-}" ] || conf=$work/older.cnf
	OPENSSL_CONF=$conf run "$1" mosquitto_pub -h "$at" -p "$2" -q 1 -t test -m message --cafile "$work/crt" --insecure
}
tls_denied() {	# NAME COMMAND...: lock's
	local before
	before=$(kind tls_downgrade $LOCK_MAC)
	! "${@:2}" >/dev/null 2>&1
	report $? "$1: refused"
	[ "$(kind tls_downgrade $LOCK_MAC)" -gt "$before" ]
	report $? "$1: counted as tls_downgrade"
}
broker() {
	certificate
	chmod 644 "$work/key"
	printf '%s\n' 'openssl_conf = all' '[all]' 'ssl_conf = ssl' '[ssl]' 'system_default = older' '[older]' \
		'MaxProtocol = TLSv1.2' >"$work/older.cnf"
	printf '%s\n' 'user root' 'allow_anonymous true' "listener 8883" "certfile $work/crt" "keyfile $work/key" \
		"listener 8884" "certfile $work/crt" "keyfile $work/key" >"$work/mosquitto.conf"
	daemon gw mosquitto mosquitto -c "$work/mosquitto.conf"
	poll 20 listens gw tcp/8884
	expect "mosquitto: a policy" policy
	expect "mosquitto on a port with a rule: TLS 1.3" mqtt lock 8884
	tls_denied "mosquitto on a port with a rule: TLS 1.2" mqtt lock 8884 older
	denied segment_violation "mosquitto on a port with a rule for others" mqtt cam 8884
	expect "mosquitto on 8883, which is open to every device: without a rule" mqtt cam 8883
	expect "mosquitto on 8883: TLS 1.2, too, from who must speak TLS 1.3" mqtt lock 8883 older
	on gw cordonctl ca init >"$work/said" 2>&1 || sed 's/^/# /' "$work/said"
	refuse "cordonctl serve: the port is mosquitto's" on gw cordonctl serve
	cp "$work/said" "$work/serve"
	expect "cordonctl serve: says which port" grep -qE 'the port is taken.*8883' "$work/serve"
	expect "cordonctl serve: says whose it is" grep -qF "mosquitto, process $(on gw pgrep -x mosquitto)" "$work/serve"
	expect "a policy with a device that needs the server" policy 's/^\(  strict: {\)/\1authentication: certificate, /'
	on gw cordonctl doctor >"$work/doctor" 2>&1
	expect "cordonctl doctor: says it, too" grep -q "its port 8883 (checkin) is taken: mosquitto, process" "$work/doctor"
	kill "$(cat "$work/mosquitto.pid")"
	poll 20 not_listens
	expect "cordonctl serve: when the port is free" on gw cordonctl serve
	expect "cordonctl serve: stops" on gw cordonctl serve --stop
}
not_listens() {
	! listens gw tcp/8883
}

parts=(docker ufw)
[ -z "${TORTURE-}" ] || parts+=(libvirt firewalld broker)
[ $# = 0 ] || parts=("$@")
for part in "${parts[@]}"; do
	"$part"
done
rmmod br_netfilter
finish
