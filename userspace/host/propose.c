// SPDX-License-Identifier: GPL-2.0
/* A first policy for a machine: which interface is what, who administers it, and which devices are known. */
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "host/propose.h"

#define WAYS	"iot", "admin", "inside", "wan"	/* names of segments, in the order of enum way */

enum way { IOT, ADMIN, INSIDE, WAN, N_WAYS };

static u32 place(const struct proposal *p, const struct host_link *l)
{
	return l - p->facts->links;
}

static bool has_network(const struct proposal *p, u32 link)
{
	u32 i;

	for (i = 0; i < p->facts->n_routes; i++)
		if (p->facts->routes[i].link == link && p->facts->routes[i].direct)
			return true;
	return false;
}

/* What it is a member of, if that is a bridge. */
static const struct host_link *bridge_of(const struct host_facts *f, const struct host_link *l)
{
	const struct host_link *master = l->master[0] ? host_find_link(f, l->master) : NULL;

	return master && master->kind == HOST_BRIDGE ? master : NULL;
}

static bool is_vlan_of(const struct host_link *l, const struct host_link *bridge)
{
	return l->kind == HOST_VLAN && !strcmp(l->below, bridge->name);
}

/*
 * Devices are to be behind the members of a bridge, unless it, or a VLAN of it, leads out, or it is one of containers or
 * guests. It has a network, or its VLANs have, if it filters them.
 */
static bool has_local_members(const struct proposal *p, const struct host_link *bridge)
{
	bool local = has_network(p, place(p, bridge));
	u32 i;

	if (bridge->made || bridge->leads_out)
		return false;
	for (i = 0; i < p->facts->n_links; i++) {
		if (!is_vlan_of(&p->facts->links[i], bridge))
			continue;
		if (p->facts->links[i].leads_out)
			return false;
		local |= bridge->filters && has_network(p, i);
	}
	return local;
}

static enum host_role guess(const struct proposal *p, u32 i)
{
	const struct host_link *l = &p->facts->links[i], *bridge = bridge_of(p->facts, l);

	if (bridge && l->kind != HOST_BRIDGE)
		return has_local_members(p, bridge) ? HOST_PORT : HOST_NONE;
	if (l->kind == HOST_LOOPBACK || (l->master[0] && l->kind != HOST_BRIDGE))
		return HOST_NONE;
	if (l->leads_out || l->kind == HOST_BRIDGE || l->kind == HOST_PPP || l->kind == HOST_TUNNEL)
		return HOST_UPLINK;
	return has_network(p, i) ? HOST_PORT : HOST_NONE;
}

/* Some VLAN on this interface has a role. */
static bool carries(const struct proposal *p, u32 below, enum host_role role)
{
	u32 i;

	for (i = 0; i < p->facts->n_links; i++)
		if (p->roles[i] == role && p->facts->links[i].kind == HOST_VLAN &&
		    !strcmp(p->facts->links[i].below, p->facts->links[below].name))
			return true;
	return false;
}

/* A bridge, with its VLANs, is what its members make of it. */
static void stack_bridges(struct proposal *p)
{
	const struct host_link *bridge;
	u32 i;

	for (i = 0; i < p->facts->n_links; i++)
		if (p->roles[i] == HOST_OVER_PORTS)
			p->roles[i] = HOST_UPLINK;
	for (i = 0; i < p->facts->n_links; i++) {
		bridge = p->roles[i] == HOST_PORT ? bridge_of(p->facts, &p->facts->links[i]) : NULL;
		if (bridge)
			p->roles[place(p, bridge)] = HOST_OVER_PORTS;
	}
	for (i = 0; i < p->facts->n_links; i++) {
		bridge = host_find_link(p->facts, p->facts->links[i].below);
		if (bridge && bridge->kind == HOST_BRIDGE && is_vlan_of(&p->facts->links[i], bridge) &&
		    p->roles[place(p, bridge)] == HOST_OVER_PORTS)
			p->roles[i] = HOST_OVER_PORTS;
	}
}

/**
 * propose_has_devices - devices are behind an interface
 * @p: the proposal
 * @l: the interface
 */
bool propose_has_devices(const struct proposal *p, const struct host_link *l)
{
	return p->roles[place(p, l)] == HOST_PORT || p->roles[place(p, l)] == HOST_OVER_PORTS;
}

/**
 * propose_stacks - list what VLANs and bridges need to be listed
 * @p: the proposal, its roles chosen
 *
 * A bridge of ports is in no list. What a VLAN that is a port lies on must be listed, too: as a port, or, where another VLAN on it is an uplink, as an
 * uplink, since nothing on a port is one. And of a port all VLANs are listed.
 */
void propose_stacks(struct proposal *p)
{
	const struct host_link *below;
	u32 i;

	stack_bridges(p);
	for (i = 0; i < p->facts->n_links; i++) {
		if (carries(p, i, HOST_UPLINK) && (p->roles[i] == HOST_PORT || carries(p, i, HOST_PORT)))
			p->roles[i] = HOST_UPLINK;
		else if (carries(p, i, HOST_PORT) && p->roles[i] == HOST_NONE)
			p->roles[i] = HOST_PORT;
	}
	for (i = 0; i < p->facts->n_links; i++) {
		below = p->facts->links[i].kind == HOST_VLAN ? host_find_link(p->facts, p->facts->links[i].below) : NULL;
		if (below && p->roles[i] == HOST_NONE && p->roles[place(p, below)] == HOST_PORT)
			p->roles[i] = HOST_PORT;
	}
}

/**
 * propose_roles - what each interface is likely to be
 * @p: @facts is set; @roles is, on success, and belongs to the caller
 *
 * An uplink is where a default route goes, what has no MAC addresses and what is a bridge of containers or guests; a
 * port, what else has an address, and the members of a bridge that has one. Return: 0 or -ENOMEM.
 */
int propose_roles(struct proposal *p)
{
	u32 i;

	p->roles = calloc(p->facts->n_links + 1, sizeof(*p->roles));
	if (!p->roles)
		return -ENOMEM;
	for (i = 0; i < p->facts->n_links; i++)
		p->roles[i] = guess(p, i);
	propose_stacks(p);
	return 0;
}

/**
 * propose_port_fault - why an interface cannot be a port
 * @f: the facts
 * @l: the interface
 *
 * Return: NULL, it can.
 */
const char *propose_port_fault(const struct host_facts *f, const struct host_link *l)
{
	if (l->kind == HOST_LOOPBACK)
		return "it is the loopback interface";
	if (l->kind == HOST_BRIDGE)
		return "it is a bridge: list its members instead";
	if (l->master[0] && !bridge_of(f, l))
		return "its packets arrive as those of the interface that it is in";
	if (l->kind == HOST_PPP || l->kind == HOST_TUNNEL)
		return "it has no MAC addresses, by which devices are known";
	return NULL;
}

static bool is_beside_port(const struct proposal *p, const struct host_link *l)
{
	const struct host_link *bridge = bridge_of(p->facts, l);

	return bridge && p->roles[place(p, bridge)] == HOST_OVER_PORTS;
}

/**
 * propose_notes - what somebody who reads the policy should know
 * @p: the proposal
 * @prefix: of each line
 * @out: where to
 */
void propose_notes(const struct proposal *p, const char *prefix, FILE *out)
{
	const struct host_facts *f = p->facts;
	char name[CORDON_IFNAME_LEN], master[CORDON_IFNAME_LEN];
	u32 i;

	for (i = 0; i < f->n_links; i++) {
		const struct host_link *l = &f->links[i];

		host_clean(l->name, name);
		if (l->kind == HOST_BRIDGE && l->made && p->roles[i] == HOST_UPLINK)
			fprintf(out, "%s%s: an uplink: containers or guests are behind it\n", prefix, name);
		else if (l->kind == HOST_BRIDGE && p->roles[i] == HOST_UPLINK)
			fprintf(out, "%s%s: an uplink, so that no device behind it is guarded: list its members in ports for that\n",
				prefix, name);
		else if (p->roles[i] == HOST_NONE && is_beside_port(p, l))
			fprintf(out, "%s%s: in neither list, and in %s with a port: to enforce would close it\n", prefix, name,
				host_clean(l->master, master));
		else if (p->roles[i] == HOST_NONE && l->kind != HOST_LOOPBACK && !l->master[0])
			fprintf(out, "%s%s: in neither list, as it has no address: to enforce would close it\n", prefix, name);
	}
	propose_place_notes(p, prefix, out);
	if (f->more_leases)
		fprintf(out, "%smore than %d leases: the others are left out\n", prefix, HOST_LEASES_MAX);
	if (!p->admin && !p->ssh)
		fprintf(out, "%snobody administers this gateway over the network: no rule opens SSH\n", prefix);
}

/**
 * struct build - a policy that is being made
 * @p: from what
 * @out: it
 * @segments: places of ours, or CORDON_NO_SEGMENT
 * @failed: out of memory
 */
struct build {
	const struct proposal *p;
	struct policy *out;
	u16 segments[N_WAYS];
	bool failed;
};

static void add_segment(struct build *b, enum way way)
{
	static const char *const names[N_WAYS] = { WAYS };
	struct cordon_segment_def *s = policy_add_segment(b->out);

	b->failed |= !s;
	if (!s)
		return;
	strcpy(s->name, names[way]);
	b->segments[way] = b->out->draft.n_segments - 1;
}

static void add_network(struct build *b, enum way way, const struct cordon_addr *addr, u8 len)
{
	struct cordon_network_def *n = policy_add_network(b->out);

	b->failed |= !n;
	if (n)
		*n = (struct cordon_network_def){ .addr = *addr, .len = len, .segment = b->segments[way] };
}

static void add_interface(struct build *b, enum way way, const char *name)
{
	struct cordon_interface_def *i = policy_add_interface(b->out);

	b->failed |= !i;
	if (!i)
		return;
	strcpy(i->name, name);
	i->segment = b->segments[way];
}

/* A pppd gives its interfaces numbers as they come. */
static const char *listed_name(const struct host_link *l)
{
	return l->kind == HOST_PPP && !strncmp(l->name, "ppp", 3) ? "ppp*" : l->name;
}

static void add_uplink(struct build *b, const char *name)
{
	struct cordon_uplink_def *u;
	u32 i;

	for (i = 0; i < b->out->draft.n_uplinks; i++)
		if (!strcmp(b->out->draft.uplinks[i].name, name))
			return;
	u = policy_add_uplink(b->out);
	b->failed |= !u;
	if (u)
		strcpy(u->name, name);
}

static void add_links(struct build *b)
{
	const struct host_facts *f = b->p->facts;
	struct cordon_port_def *port;
	u32 i;

	for (i = 0; i < f->n_links && !b->failed; i++) {
		if (b->p->roles[i] == HOST_UPLINK)
			add_uplink(b, listed_name(&f->links[i]));
		if (b->p->roles[i] != HOST_PORT)
			continue;
		port = policy_add_port(b->out);
		b->failed |= !port;
		if (port)
			strcpy(port->name, f->links[i].name);
	}
}

static bool same_network(const struct cordon_network_def *a, const struct cordon_network_def *b)
{
	return a->len == b->len && cordon_addr_equal(&a->addr, &b->addr);
}

static bool has_segment_network(const struct build *b, const struct cordon_network_def *net)
{
	u32 i;

	for (i = 0; i < b->out->draft.n_networks; i++)
		if (same_network(&b->out->draft.networks[i], net))
			return true;
	return false;
}

/* Networks on an uplink that leads to no default route: containers, guests, what is behind a bridge or a tunnel. */
static bool is_inside(const struct build *b, const struct host_route *r)
{
	return r->direct && b->p->roles[r->link] == HOST_UPLINK && !b->p->facts->links[r->link].leads_out;
}

static void add_inside(struct build *b)
{
	const struct host_facts *f = b->p->facts;
	u32 i, j;

	for (i = 0; i < f->n_routes && !b->failed; i++) {
		const struct host_route *r = &f->routes[i];

		if (!is_inside(b, r) || has_segment_network(b, &r->net) ||
		    b->out->draft.n_networks + 8 > CORDON_MAX_NETWORKS)
			continue;
		if (b->segments[INSIDE] == CORDON_NO_SEGMENT)
			add_segment(b, INSIDE);
		add_network(b, INSIDE, &r->net.addr, r->net.len);
		for (j = 0; j < b->out->draft.n_interfaces; j++)
			if (b->out->draft.interfaces[j].segment == b->segments[INSIDE] &&
			    !strcmp(b->out->draft.interfaces[j].name, listed_name(&f->links[r->link])))
				break;
		if (j == b->out->draft.n_interfaces)
			add_interface(b, INSIDE, listed_name(&f->links[r->link]));
	}
}

/* To the rule that was added last. */
static void add_match(struct build *b, const char *text)
{
	struct cordon_match *m = policy_add_match(b->out);

	b->failed |= !m || policy_match_parse(text, m);
}

static void add_rule(struct build *b, u16 from, u16 to, const char *const *matches)
{
	struct cordon_rule_def *r = policy_add_rule(b->out);

	b->failed |= !r;
	if (!r)
		return;
	r->from = from;
	r->to = to;
	for (; *matches; matches++)
		add_match(b, *matches);
}

static void add_rules(struct build *b)
{
	static const char *const services[] = { "udp/53", "tcp/53", "udp/67", "udp/547", "udp/123", "icmp/echo-request",
						"icmp6/echo-request", NULL },
				 *const out[] = { "tcp/443", "tcp/8883", "udp/123", NULL }, *const any[] = { "any", NULL };
	char ssh[16];
	const char *const admin[] = { ssh, NULL };
	enum way way;

	snprintf(ssh, sizeof(ssh), "tcp/%u", b->p->service);
	if (b->segments[ADMIN] != CORDON_NO_SEGMENT)
		add_rule(b, b->segments[ADMIN], CORDON_SEGMENT_GATEWAY, admin);
	for (way = IOT; way <= INSIDE; way++)
		if (b->segments[way] != CORDON_NO_SEGMENT)
			add_rule(b, b->segments[way], CORDON_SEGMENT_GATEWAY, services);
	add_rule(b, b->segments[IOT], b->segments[WAN], out);
	for (way = ADMIN; way <= INSIDE; way++)
		if (b->segments[way] != CORDON_NO_SEGMENT)
			add_rule(b, b->segments[way], b->segments[WAN], any);
}

static bool name_is_taken(const struct policy *p, const char *name)
{
	u32 i;

	for (i = 0; i + 1 < p->draft.n_devices; i++)
		if (!strcmp(p->draft.devices[i].name, name))
			return true;
	return false;
}

/* As the device calls itself, unless another does; else by its MAC, which is nobody else's. */
static void name_device(struct policy *p, struct cordon_device_def *d, const char *name)
{
	if (name[0] && strcmp(name, "gateway") && !name_is_taken(p, name))
		strcpy(d->name, name);
	else
		snprintf(d->name, sizeof(d->name), "device-%02x%02x%02x%02x%02x%02x", d->mac[0], d->mac[1], d->mac[2],
			 d->mac[3], d->mac[4], d->mac[5]);
	if (name_is_taken(p, d->name))
		snprintf(d->name, sizeof(d->name), "device-%02x%02x%02x%02x%02x%02x-%u", d->mac[0], d->mac[1], d->mac[2],
			 d->mac[3], d->mac[4], d->mac[5], p->draft.n_devices);
}

/* An address of a device is reached by this interface. */
static bool has_devices(const struct build *b, const struct host_link *l)
{
	return l && propose_has_devices(b->p, l);
}

static bool has_addr(const struct policy *p, const struct cordon_addr *addr)
{
	u32 i;

	for (i = 0; i < p->draft.n_addresses; i++)
		if (cordon_addr_equal(&p->draft.addresses[i], addr))
			return true;
	return false;
}

/* What a lease that ends is for is learned, and on a bridge what else a device of a home takes. */
static bool is_learned(const struct build *b, const struct host_lease *l, const struct host_link *link)
{
	return l->until || b->p->roles[place(b->p, link)] == HOST_OVER_PORTS;
}

/*
 * A MAC that is reached by one interface, and all addresses that it has there for good; nothing, if it is listed
 * already.
 */
static void add_device(struct build *b, const u8 mac[6], const struct host_link *link, enum way way, const char *name)
{
	const struct host_facts *f = b->p->facts;
	struct cordon_device_def *d;
	struct host_place at;
	struct cordon_addr *a;
	u32 i;

	for (i = 0; i < b->out->draft.n_devices; i++)
		if (!memcmp(b->out->draft.devices[i].mac, mac, 6))
			return;
	if (propose_place(b->p, mac, link, &at))
		return;
	d = policy_add_device(b->out);
	b->failed |= !d;
	if (!d)
		return;
	memcpy(d->mac, mac, 6);
	d->segment = b->segments[way];
	d->port = at.port ? policy_find_port(b->out, at.port->name) : CORDON_ANY_PORT;
	d->vlan = at.vlan;
	d->authentication = CORDON_INHERIT;
	d->encryption = CORDON_INHERIT;
	d->firmware = CORDON_INHERIT;
	name_device(b->out, d, name);
	for (i = 0; i < f->n_leases && d->n < CORDON_MAX_DEVICE_ADDRESSES && !b->failed; i++) {
		if (memcmp(f->leases[i].mac, mac, 6) || has_addr(b->out, &f->leases[i].addr) ||
		    host_find_route(f, &f->leases[i].addr) != link)
			continue;
		if (is_learned(b, &f->leases[i], link))
			d->learn = CORDON_LEARN_AUTO;
		if (f->leases[i].until)
			continue;
		a = policy_add_address(b->out);
		b->failed |= !a;
		if (!a)
			return;
		*a = f->leases[i].addr;
	}
}

/* The session's client, where it is behind a port: a device, as all else there would be unknown. */
static bool add_client(struct build *b, char why[256])
{
	char text[POLICY_ADDR_LEN], name[CORDON_IFNAME_LEN];
	struct cordon_device_def *d;
	struct host_place at;
	const char *doubt;
	const u8 *mac;
	u32 i;

	if (!b->p->ssh || !has_devices(b, b->p->link))
		return true;
	mac = host_find_mac(b->p->facts, &b->p->ssh->client);
	if (!mac) {
		snprintf(why, 256, "the SSH session comes from %s on port %s, and neither ARP nor a lease tells its MAC: connect "
			 "over IPv4, or from another interface", policy_addr_text(&b->p->ssh->client, text),
			 host_clean(b->p->link->name, name));
		return false;
	}
	doubt = propose_place(b->p, mac, b->p->link, &at);
	if (doubt) {
		snprintf(why, 256, "the SSH session comes from %s, which is on %s, %s: connect from another interface",
			 policy_addr_text(&b->p->ssh->client, text), host_clean(b->p->link->name, name), doubt);
		return false;
	}
	add_device(b, mac, b->p->link, ADMIN, "");
	/* Whatever the lease: this address keeps the session. */
	d = b->out->draft.n_devices ? &b->out->draft.devices[b->out->draft.n_devices - 1] : NULL;
	for (i = 0; d && i < b->p->facts->n_leases; i++)
		if (cordon_addr_equal(&b->p->facts->leases[i].addr, &b->p->ssh->client))
			name_device(b->out, d, b->p->facts->leases[i].name);
	if (d && !has_addr(b->out, &b->p->ssh->client)) {
		struct cordon_addr *a = policy_add_address(b->out);

		b->failed |= !a;
		if (a)
			*a = b->p->ssh->client;
		if (b->p->roles[place(b->p, b->p->link)] == HOST_OVER_PORTS)
			d->learn = CORDON_LEARN_AUTO;
	}
	return true;
}

static void add_devices(struct build *b)
{
	const struct host_facts *f = b->p->facts;
	const struct host_link *link;
	u32 i;

	for (i = 0; i < f->n_leases && !b->failed; i++) {
		link = host_find_route(f, &f->leases[i].addr);
		if (has_devices(b, link) && !has_addr(b->out, &f->leases[i].addr))
			add_device(b, f->leases[i].mac, link, IOT, f->leases[i].name);
	}
}

static void add_admin(struct build *b)
{
	bool client = b->p->ssh && has_devices(b, b->p->link);

	if (!b->p->admin && !client)
		return;
	add_segment(b, ADMIN);
	if (b->failed || !b->p->admin)
		return;
	add_network(b, ADMIN, &b->p->admin_net.addr, b->p->admin_net.len);
	if (b->p->admin_link)
		add_interface(b, ADMIN, listed_name(b->p->admin_link));
}

/**
 * propose_policy - make it
 * @p: from what
 * @out: the policy, in mode observe; policy_free()
 * @why: set on -EINVAL
 *
 * Return: 0; -EINVAL, it cannot be made; -ENOMEM.
 */
int propose_policy(const struct proposal *p, struct policy **out, char why[256])
{
	struct cordon_addr v4 = cordon_addr_v4(0), v6 = { 0, 0 };
	struct build b = { .p = p, .out = policy_new() };
	enum way way;
	bool good;

	if (!b.out)
		return -ENOMEM;
	for (way = IOT; way < N_WAYS; way++)
		b.segments[way] = CORDON_NO_SEGMENT;
	b.out->draft.mode = CORDON_MODE_OBSERVE;
	add_links(&b);
	add_segment(&b, IOT);
	add_admin(&b);
	add_inside(&b);
	add_segment(&b, WAN);
	add_network(&b, WAN, &v4, 96);
	add_network(&b, WAN, &v6, 0);
	if (!b.failed)
		add_rules(&b);
	good = b.failed || add_client(&b, why);
	if (good && !b.failed)
		add_devices(&b);
	if (good && !b.failed) {
		*out = b.out;
		return 0;
	}
	policy_free(b.out);
	return b.failed ? -ENOMEM : -EINVAL;
}
