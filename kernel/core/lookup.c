// SPDX-License-Identifier: GPL-2.0
/* Look-ups in a sealed policy. */
#include "policy.h"

/**
 * cordon_policy_device_by_mac - which device a MAC belongs to
 * @p: the policy
 * @mac: six bytes
 *
 * Return: the device, or CORDON_NO_DEVICE.
 */
u32 cordon_policy_device_by_mac(const struct cordon_policy *p, const u8 *mac)
{
	const struct cordon_device_def *d = p->draft.devices;

	return cordon_index_find(&p->by_mac, cordon_hash_mac(p, mac), i,
				 i != p->places.room && !memcmp(d[i].mac, mac, 6));
}

/**
 * cordon_policy_device_by_name - which device has a name
 * @p: the policy
 * @name: NUL-terminated
 *
 * Return: the device, or CORDON_NO_DEVICE.
 */
u32 cordon_policy_device_by_name(const struct cordon_policy *p, const char *name)
{
	const struct cordon_device_def *d = p->draft.devices;

	return cordon_index_find(&p->by_name, cordon_hash_name(p, name), i,
				 i != p->places.room && !strcmp(d[i].name, name));
}

/**
 * cordon_policy_device_by_addr - which device an address is bound to
 * @p: the policy
 * @addr: the address
 *
 * Return: the device, or CORDON_NO_DEVICE.
 */
u32 cordon_policy_device_by_addr(const struct cordon_policy *p,
				 const struct cordon_addr *addr)
{
	const struct cordon_addr *a = p->draft.addresses;
	u32 found = cordon_index_find(&p->by_addr, cordon_hash_addr(p, addr), i,
			       cordon_addr_equal(&a[i], addr));

	return found == CORDON_NO_DEVICE ? found : p->owner[found];
}

/**
 * cordon_policy_device_has - an address is bound to a device
 * @p: the policy
 * @device: the device
 * @addr: the address
 */
bool cordon_policy_device_has(const struct cordon_policy *p, u32 device,
			      const struct cordon_addr *addr)
{
	const struct cordon_device_def *d = &p->draft.devices[device];
	const struct cordon_addr *a = &p->draft.addresses[d->first];
	u32 i;

	for (i = 0; i < d->n; i++)
		if (cordon_addr_equal(&a[i], addr))
			return true;
	return false;
}

/**
 * cordon_policy_device_learned - an address is bound to a device, and not by the policy
 * @p: the policy
 * @device: the device
 * @addr: the address
 */
bool cordon_policy_device_learned(const struct cordon_policy *p, u32 device,
				  const struct cordon_addr *addr)
{
	const struct cordon_device_def *d = &p->draft.devices[device];
	const struct cordon_addr *a = &p->draft.addresses[d->first];
	u32 i;

	for (i = cordon_device_fixed(d); i < d->n; i++)
		if (cordon_addr_equal(&a[i], addr))
			return true;
	return false;
}

/**
 * cordon_policy_serves - an address is that of a trusted server of DHCP
 * @p: the policy
 * @addr: the address
 */
bool cordon_policy_serves(const struct cordon_policy *p, const struct cordon_addr *addr)
{
	u32 i;

	for (i = 0; i < p->draft.n_servers; i++)
		if (cordon_addr_equal(&p->draft.servers[i], addr))
			return true;
	return false;
}

/**
 * cordon_policy_is_server - a device is trusted as a server of DHCP
 * @p: the policy
 * @device: the device; what it has learned does not make it one
 */
bool cordon_policy_is_server(const struct cordon_policy *p, u32 device)
{
	const struct cordon_device_def *d = &p->draft.devices[device];
	u32 i;

	if (!p->draft.n_servers)
		return false;
	for (i = d->first; i < d->first + cordon_device_fixed(d); i++)
		if (cordon_policy_serves(p, &p->draft.addresses[i]))
			return true;
	return false;
}

/**
 * cordon_policy_segment_by_name - which segment has a name
 * @p: the policy
 * @name: NUL-terminated
 *
 * Return: the segment, or CORDON_NO_SEGMENT.
 */
u16 cordon_policy_segment_by_name(const struct cordon_policy *p, const char *name)
{
	const struct cordon_segment_def *s = p->draft.segments;

	/* CORDON_NO_DEVICE becomes CORDON_NO_SEGMENT. */
	static_assert((u16)CORDON_NO_DEVICE == CORDON_NO_SEGMENT);
	return cordon_index_find(&p->by_segment, cordon_hash_name(p, name), i,
				 !strcmp(s[i].name, name));
}

/**
 * cordon_policy_network_segment - segment of the longest network that holds an address
 * @p: the policy
 * @addr: the address
 *
 * Return: the segment, or CORDON_NO_SEGMENT.
 */
u16 cordon_policy_network_segment(const struct cordon_policy *p,
				  const struct cordon_addr *addr)
{
	return cordon_addr_is_v4(addr) ? cordon_prefix_lookup(p->v4, p->n_v4, addr) :
					 cordon_prefix_lookup(p->v6, p->n_v6, addr);
}

/**
 * cordon_policy_is_uplink - an interface is listed, as one that may forward and is no port
 * @p: the policy
 * @ifname: of the interface
 */
bool cordon_policy_is_uplink(const struct cordon_policy *p, const char *ifname)
{
	u32 i;

	for (i = 0; i < p->draft.n_ports; i++)
		if (!strcmp(p->draft.ports[i].name, ifname))
			return false;
	for (i = 0; i < p->draft.n_uplinks; i++)
		if (cordon_ifname_matches(p->draft.uplinks[i].name, ifname))
			return true;
	for (i = 0; i < p->draft.n_interfaces; i++)
		if (cordon_ifname_matches(p->draft.interfaces[i].name, ifname))
			return true;
	return false;
}

/**
 * cordon_policy_segment_is_at - addresses of a segment's networks may come in on an interface
 * @p: the policy
 * @segment: the segment
 * @ifname: of an uplink
 */
bool cordon_policy_segment_is_at(const struct cordon_policy *p, u16 segment, const char *ifname)
{
	u32 i;

	if (!p->located[segment])
		return true;
	for (i = 0; i < p->draft.n_interfaces; i++)
		if (p->draft.interfaces[i].segment == segment &&
		    cordon_ifname_matches(p->draft.interfaces[i].name, ifname))
			return true;
	return false;
}

/**
 * cordon_policy_pair - what one segment may open towards another
 * @p: the policy
 * @from: segment that opens
 * @to: segment that is opened to
 *
 * Return: the pair, or NULL where nothing may be opened.
 */
const struct cordon_pair *cordon_policy_pair(const struct cordon_policy *p,
					     u16 from, u16 to)
{
	u32 found = cordon_index_find(&p->by_pair, cordon_hash_pair(p, from, to), i,
			       p->pairs[i].from == from && p->pairs[i].to == to);

	return found == CORDON_NO_DEVICE ? NULL : &p->pairs[found];
}

/* Place of the first of @n openings that does not end before a port. */
static u32 first_opening(const struct cordon_opening *o, u32 n, u8 proto, u16 port)
{
	u32 lo = 0, hi = n;

	while (lo < hi) {
		u32 mid = lo + (hi - lo) / 2;

		if (o[mid].proto < proto || (o[mid].proto == proto && o[mid].hi < port))
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

/**
 * cordon_policy_opening - the opening of a pair that lets something through
 * @p: the policy
 * @pair: two segments
 * @proto: IANA number
 * @port: destination port or ICMP type
 *
 * Return: the opening, or NULL.
 */
const struct cordon_opening *cordon_policy_opening(const struct cordon_policy *p,
						   const struct cordon_pair *pair,
						   u8 proto, u16 port)
{
	const struct cordon_opening *o = &p->openings[pair->first];
	u32 lo = first_opening(o, pair->n, proto, port);

	if (lo == pair->n || o[lo].proto != proto || o[lo].lo > port)
		return NULL;
	return &o[lo];
}

/* The later of two times, by a clock that wraps; 0 is never. */
static u32 later(u32 a, u32 b)
{
	return !a || (b && (s32)(b - a) > 0) ? b : a;
}

/**
 * cordon_policy_rule_used - when a rule last let a connection begin
 * @p: the policy
 * @rule: place of the rule
 *
 * Where rules overlap, each of them did. Times are as cordon_policy_note_use() was told.
 *
 * Return: the time; 0, never since the policy was built.
 */
u32 cordon_policy_rule_used(const struct cordon_policy *p, u32 rule)
{
	const struct cordon_rule_def *r = &p->draft.rules[rule];
	const struct cordon_match *m = &p->draft.matches[r->first];
	const struct cordon_pair *pair = cordon_policy_pair(p, r->from, r->to);
	const struct cordon_opening *o = &p->openings[pair->first];
	u32 i, j, used = 0;

	for (i = 0; i < r->n; i++) {
		const bool any = m[i].proto == CORDON_PROTO_ANY;

		if (any)
			used = later(used, READ_ONCE(p->used[cordon_policy_use(p, pair, NULL)]));
		for (j = any ? 0 : first_opening(o, pair->n, m[i].proto, m[i].lo);
		     j < pair->n && (any || (o[j].proto == m[i].proto && o[j].lo <= m[i].hi)); j++)
			used = later(used, READ_ONCE(p->used[cordon_policy_use(p, pair, &o[j])]));
	}
	return used;
}

/**
 * cordon_policy_carry_used - a policy whose rules are those of another one goes on with their use
 * @p: the policy, which no packet can see
 * @before: the other one
 */
void cordon_policy_carry_used(struct cordon_policy *p, const struct cordon_policy *before)
{
	const struct cordon_draft *a = &p->draft, *b = &before->draft;
	const struct cordon_match *m = a->matches, *n = b->matches;
	u32 i;

	if (a->n_segments != b->n_segments || a->n_rules != b->n_rules ||
	    a->n_matches != b->n_matches ||
	    memcmp(a->rules, b->rules, a->n_rules * sizeof(*a->rules)))
		return;
	for (i = 0; i < a->n_segments; i++)
		if (strcmp(a->segments[i].name, b->segments[i].name))
			return;
	for (i = 0; i < a->n_matches; i++)
		if (m[i].proto != n[i].proto || m[i].lo != n[i].lo || m[i].hi != n[i].hi)
			return;
	for (i = 0; i < p->n_openings + p->n_pairs; i++)
		p->used[i] = READ_ONCE(before->used[i]);
}

/**
 * cordon_policy_rule - the first rule that opens something
 * @p: the policy
 * @from: segment that opens
 * @to: segment that is opened to
 * @proto: IANA number
 * @port: destination port or ICMP type
 *
 * For explanations: it walks through all rules. The verdict never asks it.
 *
 * Return: place of the rule, or CORDON_NO_DEVICE.
 */
u32 cordon_policy_rule(const struct cordon_policy *p, u16 from, u16 to,
		       u8 proto, u16 port)
{
	const struct cordon_rule_def *r = p->draft.rules;
	const struct cordon_match *m;
	u32 i, j;

	for (i = 0; i < p->draft.n_rules; i++) {
		if (r[i].from != from || r[i].to != to)
			continue;
		m = &p->draft.matches[r[i].first];
		for (j = 0; j < r[i].n; j++)
			if (m[j].proto == CORDON_PROTO_ANY ||
			    (m[j].proto == proto && m[j].lo <= port && port <= m[j].hi))
				return i;
	}
	return CORDON_NO_DEVICE;
}
