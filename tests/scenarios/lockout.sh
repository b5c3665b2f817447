#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Who applies a policy over SSH is not cut off by it, and who confirms it has shown more than that he can type '&&'.
# seconds: 300
GW_SERVICES="22 80"	# the server has its own
. "$(dirname "$0")/lib.sh"
setup
session="$PLANT 50000 10.0.50.1 22"

# policy RULE...
policy() {
	cat <<-END
		version: 1
		ports: [lan0, lan1]
		uplinks: [wan0, plant0]
		segments:
		  iot: {authentication: certificate}
		  plant: {networks: [10.0.50.0/24], interfaces: [plant0]}
		  wan: {networks: [0.0.0.0/0, "::/0"]}
		rules:
		  - {from: iot, to: wan, allow: [tcp/443]}
	END
	[ $# = 0 ] || printf '  - %s\n' "$@"
	cat <<-END
		devices:
		  - {name: cam, mac: "$CAM_MAC", network_segment: iot, addresses: [$CAM]}
	END
}
policy >"$work/shut"
policy '{from: plant, to: gateway, allow: [tcp/22]}' >"$work/open"
policy '{from: plant, to: gateway, allow: [tcp/22, tcp/80]}' >"$work/wide"
policy '{from: plant, to: gateway, allow: [tcp/22]}' '{from: onboarding, to: gateway, allow: [tcp/9443]}' >"$work/served"
sed 's/^version: 1/&\nmode: observe/' "$work/shut" >"$work/watched"

generation() {
	on gw cordonctl status --json | sed -n 's/.*"generation": \([0-9]*\).*/\1/p'
}
over_ssh() {
	SSH_CONNECTION=$session on gw "$@"
}
# As under sudo: only a process above has the variable.
under_sudo() {
	SSH_CONNECTION=$session bash -c 'env -u SSH_CONNECTION ip netns exec gw "$@"; exit $?' sudo "$@"
}
said() {
	grep -qF -- "$1" "$work/said" || sed 's/^/# /' "$work/said"
	grep -qF -- "$1" "$work/said"
	report $? "it says: $1"
}

refuse "what cuts off the session is refused" over_ssh cordonctl apply "$work/shut"
said "it would cut off the SSH session that you are in, from $PLANT, by plant0, to 10.0.50.1 port 22: no rule opens it (from segment plant to gateway)"
refuse "and so under sudo" under_sudo cordonctl apply "$work/shut"
refuse "and by --dry-run" over_ssh cordonctl apply --dry-run "$work/shut"
equal "nothing was put in force" 0 "$(generation)"
expect "what only observes is not" over_ssh cordonctl apply "$work/watched"
expect "what keeps it is not" over_ssh cordonctl apply "$work/open"
refuse "from there, too, what cuts it off is refused" over_ssh cordonctl apply "$work/shut"
expect "the session still gets in" reaches plant tcp 10.0.50.1 22
expect "without a session nothing is refused" on gw cordonctl apply "$work/shut"
expect "and it is cut off" blocked plant tcp 10.0.50.1 22
expect "who got in no more loses nothing" over_ssh cordonctl apply --verbose "$work/shut"
expect "and is given it back" over_ssh cordonctl apply "$work/open"
expect "--force cuts off" over_ssh cordonctl apply --force "$work/shut"
said "it would cut off the SSH session"
expect "and back" on gw cordonctl apply "$work/open"

# In one script, or one line of a shell, confirm comes too early to mean anything.
refuse "apply --confirm && confirm: not confirmed" setsid -w ip netns exec gw env SSH_CONNECTION="$session" \
	bash -c "cordonctl apply --confirm 60s $work/shut && cordonctl confirm"
said "it would cut off the SSH session"
said "not confirmed: it was applied from this session a moment ago"
expect "the policy is in force meanwhile" blocked plant tcp 10.0.50.1 22
refuse "nor from another terminal of the same connection" setsid -w ip netns exec gw env SSH_CONNECTION="$session" cordonctl confirm
expect "from another connection it is confirmed" setsid -w ip netns exec gw env SSH_CONNECTION="$PLANT 50001 10.0.50.1 22" \
	cordonctl confirm
expect "and stays" blocked plant tcp 10.0.50.1 22
expect "later the same session may confirm, too" setsid -w ip netns exec gw bash -c "cordonctl apply --confirm 60s $work/open
	for ((;;)); do cordonctl confirm && exit; read -r -t 0.2 <>$work/never; ((SECONDS < 30)) || exit 1; done"

# Devices would not reach the server.
mkdir -p /etc/cordon
printf 'est: {listen: "[::]:9443"}\nca: %s\nregistry: %s\n' "$work/ca" "$work/registry.db" >/etc/cordon/serve.yaml
chmod 755 "$work"
cordonctl ca init --dir "$work/ca" --registry "$work/registry.db" >"$work/said" 2>&1
expect "without a server, its ports are nobody's" on gw cordonctl apply "$work/wide"
expect "a rule that opens its port" on gw cordonctl apply "$work/served"
expect "a server runs" on gw cordonctl serve
refuse "devices would not reach its port: refused" on gw cordonctl apply "$work/open"
said "devices would no longer reach 'cordonctl serve' (est: port 9443): the device has no lease, and no rule opens it to onboarding"
expect "--force: not" on gw cordonctl apply --force "$work/open"
expect "and where they do, it is not" on gw cordonctl apply "$work/served"
printf 'est: {listen: "10.0.30.1:8443"}\nca: %s\nregistry: %s\n' "$work/ca" "$work/registry.db" >/etc/cordon/serve.yaml
sed 's/, lan1//' "$work/open" >"$work/unlisted"
refuse "it would close the interface at which it listens" on gw cordonctl apply "$work/unlisted"
said "it would close lan1, at whose address 'cordonctl serve' listens (est: port 8443)"
on gw cordonctl serve --stop

# What setup writes of this machine keeps the session, once it is enforced.
expect "setup" over_ssh cordonctl setup --yes --ports lan0,lan1 --uplinks wan0,plant0 --out "$work/made"
expect "what it wrote is good" on gw cordonctl check "$work/made"
sed -i 's/^mode: observe/mode: enforce/' "$work/made"
expect "and may be enforced" over_ssh cordonctl apply "$work/made"
expect "the session still gets in" reaches plant tcp 10.0.50.1 22
expect "and nothing else" blocked plant tcp 10.0.50.1 80
expect "back" on gw cordonctl apply "$work/served"

# The doctor, of a gateway that is well but for a few things.
doctor() {
	on gw cordonctl doctor --policy "$work/served" >"$work/said"
	[ $? = 1 ]
}
expect "doctor: something is open" doctor
for at in "ok      module        loaded" "ok      mode          enforce" "ok      interfaces    each is a port or an uplink" \
	"ok      file          $work/served is the policy in force" "OPEN    serve         it does not run"; do
	doctor
	said "$at"
done
for at in "ok      closed        no table" "ok      XDP           no program" "ok      tc            nothing redirects" \
	"ok      offload       no port or uplink"; do
	said "$at"
done

# What takes packets past the hooks, and what closes a gateway that is guarded.
on gw nft -f - <<-END
	table inet cordon_closed {
	}
	table inet fast {
	  flowtable f { hook ingress priority 0; devices = { lan0, wan0 }; }
	}
END
report $? "a table that is left over, and a flow table"
expect "an XDP program at a port" on gw python3 "$(dirname "$0")/xdp.py" lan0
on gw tc qdisc add dev wan0 clsact
expect "a redirect at an uplink" on gw tc filter add dev wan0 ingress matchall action mirred egress redirect dev lan1
doctor
said "OPEN    closed        table inet cordon_closed is left over: nothing is forwarded, although a policy is in force"
said "-> nft delete table inet cordon_closed"
said "OPEN    XDP           port lan0 has an XDP program (generic): what it redirects or sends back passes no hook"
said "-> ip link set dev lan0 xdpgeneric off"
said "OPEN    tc            uplink wan0 has a filter at its ingress (matchall): what it redirects is not judged"
said "ok      offload       port lan0 is in flow table f of table inet fast: devices' connections are kept out"
expect "what mends it: XDP" on gw ip link set dev lan0 xdpgeneric off
expect "what mends it: the table" on gw nft delete table inet cordon_closed
on gw tc qdisc del dev wan0 clsact
on gw nft delete table inet fast
doctor
for at in "ok      closed        no table" "ok      XDP           no program" "ok      tc            nothing redirects" \
	"ok      offload       no port or uplink"; do
	said "$at"
done

# What a power cut would undo.
kept() {
	on gw cordonctl doctor --policy "$work/served" --state "$work/state" >"$work/said"
}
on gw cordonctl apply --state "$work/state" "$work/served" >/dev/null
expect "the state is saved" on gw cordonctl state save --state "$work/state"
kept
said "ok      state         quarantines, leases and changes are saved in $work/state/state"
on gw cordonctl device quarantine cam
kept
said "OPEN    state         quarantines, leases or devices have changed since $work/state/state was saved"
expect "what mends it" on gw cordonctl state save --state "$work/state"
kept
said "ok      state         quarantines"
on gw cordonctl device release cam
ip -n gw link add xtra0 type dummy
ip -n gw link set xtra0 up
ip -n gw link set lan1 down
ip -n gw link set lan1 name gone1
on gw cordonctl device quarantine cam
doctor
said "OPEN    interfaces    xtra0 is closed: the policy does not list it"
said "OPEN    interfaces    port lan1 is missing"
expect "with another mode" on gw cordonctl apply "$work/watched"
doctor
said "OPEN    mode          observe: what is not allowed is counted, and passes"
said "differs from the policy in force"
on gw cordonctl doctor --json >"$work/json"
python3 -c 'import json, sys; d = json.load(open(sys.argv[1]))
sys.exit(d["open"] != sum(f["state"] == "open" for f in d["findings"]) or not all(f["mend"] for f in d["findings"] if f["state"] == "open"))' \
	"$work/json"
report $? "in JSON; what is open says what mends it"
finish
