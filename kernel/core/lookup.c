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
	u32 lo = 0, hi = pair->n;

	while (lo < hi) {
		u32 mid = lo + (hi - lo) / 2;

		if (o[mid].proto < proto || (o[mid].proto == proto && o[mid].hi < port))
			lo = mid + 1;
		else
			hi = mid;
	}
	if (lo == pair->n || o[lo].proto != proto || o[lo].lo > port)
		return NULL;
	return &o[lo];
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
