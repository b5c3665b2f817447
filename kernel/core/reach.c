// SPDX-License-Identifier: GPL-2.0
/* Whom a packet for many reaches: the segments on the link that it leaves by. */
#include "reach.h"

static bool subnet_holds(const struct cordon_subnet *s, const struct cordon_addr *addr)
{
	struct cordon_addr last = cordon_prefix_last(&s->addr, s->len);

	return cordon_addr_compare(&s->addr, addr) <= 0 && cordon_addr_compare(addr, &last) <= 0;
}

static struct cordon_subnet subnet(u16 port, const struct cordon_addr *addr, u8 len)
{
	struct cordon_addr rest = cordon_prefix_last(&(struct cordon_addr){ 0, 0 }, len);

	return (struct cordon_subnet){
		.addr = { addr->hi & ~rest.hi, addr->lo & ~rest.lo },
		.parent = CORDON_NO_SUBNET, .port = port, .len = len,
	};
}

/**
 * cordon_subnets_add - note the networks that the addresses of a port lie in
 * @subnets: the networks so far, room for CORDON_MAX_SUBNETS more
 * @n: how many there are
 * @port: the port
 * @own: its addresses, with the lengths of their networks
 * @n_own: how many; more than CORDON_MAX_SUBNETS, and a device may be behind it by any address
 *
 * Return: how many there are now.
 */
u32 cordon_subnets_add(struct cordon_subnet *subnets, u32 n, u16 port,
		       const struct cordon_network_def *own, u32 n_own)
{
	const struct cordon_addr v4 = cordon_addr_v4(0), v6 = { 0, 0 };
	u32 i;

	if (n_own > CORDON_MAX_SUBNETS) {
		subnets[n++] = subnet(port, &v4, 96);
		subnets[n++] = subnet(port, &v6, 0);
		return n;
	}
	for (i = 0; i < n_own; i++)
		if (!cordon_addr_is_link_local(&own[i].addr))
			subnets[n++] = subnet(port, &own[i].addr, own[i].len);
	return n;
}

static int compare(const void *a, const void *b)
{
	const struct cordon_subnet *x = a, *y = b;
	int order = cordon_addr_compare(&x->addr, &y->addr);

	return order ? order : (int)x->len - (int)y->len;
}

/**
 * cordon_subnets_sort - make networks ready for cordon_reach_device()
 * @subnets: the networks of all ports
 * @n: how many
 */
void cordon_subnets_sort(struct cordon_subnet *subnets, u32 n)
{
	u32 i, up;

	sort(subnets, n, sizeof(*subnets), compare, NULL);
	for (i = 1; i < n; i++) {
		for (up = i - 1; up != CORDON_NO_SUBNET; up = subnets[up].parent)
			if (subnet_holds(&subnets[up], &subnets[i].addr))
				break;
		subnets[i].parent = up;
	}
}

/* The last network that begins at or before an address; what holds it is this, or holds this. */
static u32 find_subnet(const struct cordon_subnet *subnets, u32 n, const struct cordon_addr *addr)
{
	u32 lo = 0, hi = n;

	while (lo < hi) {
		u32 mid = lo + (hi - lo) / 2;

		if (cordon_addr_compare(&subnets[mid].addr, addr) <= 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo ? lo - 1 : CORDON_NO_SUBNET;
}

/* Return: it was noted before. */
static bool mark(const struct cordon_policy *p, u16 port, const struct cordon_device_def *d,
		 u8 *demands)
{
	u8 *demand = &demands[(size_t)port * p->draft.n_segments + d->segment];
	const u8 own = 1 + cordon_device_encryption(p, d);
	const bool known = *demand >= own;

	*demand = max(*demand, own);
	return known;
}

/**
 * cordon_reach_device - note behind which ports a device is
 * @p: the policy
 * @subnets: the networks of all ports, sorted
 * @n: how many
 * @device: the device
 * @demands: of each port, a byte for each segment: 0, none of its devices is there; else one more
 *	than the strictest demand of those that are
 *
 * A device that is tied to ports may be behind each of them; any other is behind those in whose
 * networks it has an address.
 *
 * Return: @demands said so already.
 */
bool cordon_reach_device(const struct cordon_policy *p, const struct cordon_subnet *subnets,
			 u32 n, u32 device, u8 *demands)
{
	const struct cordon_device_def *d = &p->draft.devices[device];
	const struct cordon_addr *addr = &p->draft.addresses[d->first];
	bool known = true;
	u32 i, at;

	for (i = 0; i < cordon_device_ports(d); i++)
		known &= mark(p, cordon_device_port(d, i), d, demands);
	if (d->port != CORDON_ANY_PORT)
		return known;
	for (i = 0; i < d->n; i++) {
		at = find_subnet(subnets, n, &addr[i]);
		for (; at != CORDON_NO_SUBNET; at = subnets[at].parent)
			if (cordon_addr_is_v4(&subnets[at].addr) == cordon_addr_is_v4(&addr[i]) &&
			    subnet_holds(&subnets[at], &addr[i]))
				known &= mark(p, subnets[at].port, d, demands);
	}
	return known;
}

/**
 * cordon_reach_port - the segments behind a port
 * @p: the policy
 * @demands: by cordon_reach_device(), of all devices
 * @port: the port
 * @out: filled, room for as many as there are; NULL, only count them
 *
 * Return: how many.
 */
u32 cordon_reach_port(const struct cordon_policy *p, const u8 *demands, u16 port,
		      struct cordon_reach *out)
{
	const u8 *row = &demands[(size_t)port * p->draft.n_segments];
	u32 i, n = 0;

	for (i = 0; i < p->draft.n_segments; i++) {
		if (!row[i])
			continue;
		if (out)
			out[n] = (struct cordon_reach){ i, row[i] - 1 };
		n++;
	}
	return n;
}

/**
 * cordon_reach_add - a segment is on the link of an uplink
 * @out: the segments so far, room for CORDON_MAX_REACH
 * @n: how many
 * @segment: the segment
 *
 * No device lives there, so nothing is demanded.
 *
 * Return: how many there are now; those that there is no room for are counted, too.
 */
u32 cordon_reach_add(struct cordon_reach *out, u32 n, u16 segment)
{
	u32 i;

	for (i = 0; i < n && i < CORDON_MAX_REACH; i++)
		if (out[i].segment == segment)
			return n;
	if (n < CORDON_MAX_REACH)
		out[n] = (struct cordon_reach){ segment, CORDON_ENCRYPTION_ANY };
	return n + 1;
}

/**
 * cordon_reach_own - an uplink has an address of its own
 * @p: the policy
 * @own: the address
 * @out: the segments so far, room for CORDON_MAX_REACH
 * @n: how many
 *
 * The segment whose network it lies in is on the link; CORDON_NO_SEGMENT, where it lies in none. A
 * link-local address does not count.
 *
 * Return: how many there are now, as cordon_reach_add().
 */
u32 cordon_reach_own(const struct cordon_policy *p, const struct cordon_addr *own,
		     struct cordon_reach *out, u32 n)
{
	if (cordon_addr_is_link_local(own))
		return n;
	return cordon_reach_add(out, n, cordon_policy_network_segment(p, own));
}
