// SPDX-License-Identifier: GPL-2.0
/* Sealing a policy: size, validate, build. */
#include "policy.h"

/* Steps of a loop between two pauses of a build: a power of two. */
#define PAUSE_STEPS	1024
/* Bytes that are copied or cleared between two pauses. */
#define PAUSE_BYTES	0x100000

/* Where an interval of ports begins or ends; sorted, they give the openings. */
struct event {
	u32 pair;
	u32 at;			/* protocol << 17 | port, so that 65536 fits */
	signed char all;	/* +1, -1 */
	signed char plaintext;	/* +1, 0, -1 */
	signed char related;	/* likewise */
};

/* A network and its place in the draft. */
struct place {
	struct cordon_network_def def;
	u32 index;
};

/*
 * Slots of an index for each object, at least. Each slot more that a packet's look-up has to try
 * costs twenty instructions; no packet looks up a name. A slot takes four bytes.
 */
enum {
	OF_PACKETS = 4,
	OF_NAMES = 2,
};

/* A power of two. */
static u32 index_slots(u32 n, u32 each)
{
	u32 slots = 8;

	while (slots < each * n)
		slots *= 2;
	return slots;
}

/* One piece of the block; sizes are summed up with base == NULL. */
static void *carve(char *base, size_t *offset, size_t n, size_t size)
{
	void *piece = base ? base + *offset : NULL;

	*offset += (n * size + 7) & ~(size_t)7;
	return piece;
}

#define CARVE(p, field, n) \
	((p)->field = carve(base, &offset, (n), sizeof(*(p)->field)))

/* For @n objects; with those that places are kept free for, slots may be somewhat scarcer. */
static void carve_index(struct cordon_index *index, char *base, size_t *offset, u32 n, u32 places,
			u32 each)
{
	u32 slots = index_slots(max(n, places - places / 4), each);

	index->mask = slots - 1;
	index->slots = carve(base, offset, slots, sizeof(u32));
}

static size_t lay_out(struct cordon_policy *p, char *base, const struct cordon_draft *d)
{
	const u32 addresses = d->n_addresses + d->learners * CORDON_LEARN_ADDRESSES +
			      d->spare * CORDON_SPARE_ADDRESSES +
			      d->wide * CORDON_MAX_DEVICE_ADDRESSES;
	const u32 places = d->n_devices + d->spare + d->wide;
	size_t offset = (sizeof(*p) + 7) & ~(size_t)7;

	CARVE(p, draft.ports, d->n_ports);
	CARVE(p, draft.segments, d->n_segments);
	CARVE(p, draft.networks, d->n_networks);
	CARVE(p, draft.rules, d->n_rules);
	CARVE(p, draft.matches, d->n_matches);
	CARVE(p, draft.devices, (size_t)places + 1);
	CARVE(p, draft.addresses, (size_t)addresses + 1);
	CARVE(p, draft.uplinks, d->n_uplinks);
	CARVE(p, draft.interfaces, d->n_interfaces);
	CARVE(p, draft.servers, d->n_servers);
	CARVE(p, owner, (size_t)addresses + 1);
	CARVE(p, places.next, (size_t)places + 1);
	CARVE(p, places.prev, (size_t)places + 1);
	CARVE(p, places.chain, places);
	CARVE(p, places.width, places);
	CARVE(p, members, d->n_segments);
	CARVE(p, located, d->n_segments);
	carve_index(&p->by_segment, base, &offset, d->n_segments, d->n_segments, OF_NAMES);
	carve_index(&p->by_mac, base, &offset, d->n_devices, places, OF_PACKETS);
	carve_index(&p->by_name, base, &offset, d->n_devices, places, OF_NAMES);
	carve_index(&p->by_addr, base, &offset, d->n_addresses, addresses, OF_PACKETS);
	carve_index(&p->by_pair, base, &offset, d->n_rules, d->n_rules, OF_PACKETS);
	CARVE(p, pairs, d->n_rules);
	CARVE(p, openings, 2 * (size_t)d->n_matches);
	CARVE(p, used, 2 * (size_t)d->n_matches + d->n_rules);
	CARVE(p, v4, 2 * (size_t)d->n_networks + 1);
	CARVE(p, v6, 2 * (size_t)d->n_networks + 1);
	p->places.room = places;
	p->places.room_addresses = addresses;
	return offset;
}

/**
 * cordon_draft_learners - how many devices of a draft learn addresses
 * @draft: the draft
 *
 * There is to be room for those; so this becomes cordon_draft.learners before it is sealed.
 */
u32 cordon_draft_learners(const struct cordon_draft *draft)
{
	u32 i, n = 0;

	for (i = 0; i < draft->n_devices; i++)
		n += !!draft->devices[i].learn;
	return n;
}

/**
 * cordon_policy_size - memory that a draft needs when sealed
 * @draft: the draft; only its numbers are looked at, and they are within limits.h
 *
 * Return: bytes.
 */
size_t cordon_policy_size(const struct cordon_draft *draft)
{
	struct cordon_policy p;

	return lay_out(&p, NULL, draft);
}

/**
 * cordon_policy_scratch_size - memory that sealing needs besides
 * @draft: as for cordon_policy_size()
 *
 * Return: bytes, at least 1.
 */
size_t cordon_policy_scratch_size(const struct cordon_draft *draft)
{
	size_t events = 2 * (size_t)draft->n_matches * sizeof(struct event);
	size_t places = draft->n_networks *
			(sizeof(struct place) + sizeof(struct cordon_network_def));

	return events > places ? events + 1 : places + 1;
}

/* Once in PAUSE_STEPS steps, let others run. Return: true, give up. */
static bool paused(const struct cordon_build *how, u32 step)
{
	return !(step & (PAUSE_STEPS - 1)) && how->pause && how->pause();
}

static int fault(struct cordon_error *err, enum cordon_fault why,
		 enum cordon_object object, u32 index, u32 other)
{
	*err = (struct cordon_error){ why, object, index, other };
	return -EINVAL;
}

static int check_counts(const struct cordon_draft *d, struct cordon_error *err)
{
	if (d->n_ports > CORDON_MAX_PORTS)
		return fault(err, CORDON_FAULT_TOO_MANY, CORDON_OBJECT_PORT, d->n_ports, 0);
	if (d->n_uplinks > CORDON_MAX_UPLINKS)
		return fault(err, CORDON_FAULT_TOO_MANY, CORDON_OBJECT_UPLINK, d->n_uplinks, 0);
	if (d->n_interfaces > CORDON_MAX_INTERFACES)
		return fault(err, CORDON_FAULT_TOO_MANY, CORDON_OBJECT_INTERFACE,
			     d->n_interfaces, 0);
	if (d->n_segments > CORDON_MAX_SEGMENTS)
		return fault(err, CORDON_FAULT_TOO_MANY, CORDON_OBJECT_SEGMENT,
			     d->n_segments, 0);
	if (d->n_networks > CORDON_MAX_NETWORKS)
		return fault(err, CORDON_FAULT_TOO_MANY, CORDON_OBJECT_NETWORK,
			     d->n_networks, 0);
	if (d->n_rules > CORDON_MAX_RULES || d->n_matches > CORDON_MAX_MATCHES)
		return fault(err, CORDON_FAULT_TOO_MANY, CORDON_OBJECT_RULE, d->n_rules, 0);
	if (d->n_servers > CORDON_MAX_SERVERS)
		return fault(err, CORDON_FAULT_TOO_MANY, CORDON_OBJECT_SERVER, d->n_servers, 0);
	if (d->n_devices > CORDON_MAX_DEVICES)
		return fault(err, CORDON_FAULT_TOO_MANY, CORDON_OBJECT_DEVICE,
			     d->n_devices, 0);
	return 0;
}

/* dev_valid_name() is the kernel's business; here only what must hold. */
static bool ifname_is_valid(const char *name)
{
	return name[0] && memchr(name, 0, CORDON_IFNAME_LEN);
}

static bool is_port(const struct cordon_draft *d, const char *name)
{
	u32 i;

	for (i = 0; i < d->n_ports; i++)
		if (!strcmp(d->ports[i].name, name))
			return true;
	return false;
}

static int check_uplinks(const struct cordon_draft *d, struct cordon_error *err)
{
	u32 i, j;

	for (i = 0; i < d->n_uplinks; i++) {
		const char *name = d->uplinks[i].name;

		if (!ifname_is_valid(name))
			return fault(err, CORDON_FAULT_NAME, CORDON_OBJECT_UPLINK, i, 0);
		if (is_port(d, name))
			return fault(err, CORDON_FAULT_IS_PORT, CORDON_OBJECT_UPLINK, i, 0);
		for (j = 0; j < i; j++)
			if (!strcmp(d->uplinks[j].name, name))
				return fault(err, CORDON_FAULT_DUPLICATE_NAME,
					     CORDON_OBJECT_UPLINK, i, j);
	}
	return 0;
}

static int check_interfaces(struct cordon_policy *p, const struct cordon_build *how,
			    struct cordon_error *err)
{
	const struct cordon_draft *d = &p->draft;
	u32 i, j;

	for (i = 0; i < d->n_interfaces; i++) {
		const struct cordon_interface_def *n = &d->interfaces[i];

		/* Each is held against up to CORDON_MAX_NETWORKS networks. */
		if (paused(how, i * 64))
			return -EINTR;
		if (!ifname_is_valid(n->name))
			return fault(err, CORDON_FAULT_NAME, CORDON_OBJECT_INTERFACE, i, 0);
		if (is_port(d, n->name))
			return fault(err, CORDON_FAULT_IS_PORT, CORDON_OBJECT_INTERFACE, i, 0);
		if (n->segment >= d->n_segments)
			return fault(err, CORDON_FAULT_UNKNOWN_SEGMENT, CORDON_OBJECT_INTERFACE,
				     i, 0);
		for (j = 0; j < d->n_networks && d->networks[j].segment != n->segment; j++)
			;
		if (j == d->n_networks)
			return fault(err, CORDON_FAULT_NO_NETWORK, CORDON_OBJECT_INTERFACE, i, 0);
		for (j = 0; j < i; j++)
			if (d->interfaces[j].segment == n->segment &&
			    !strcmp(d->interfaces[j].name, n->name))
				return fault(err, CORDON_FAULT_DUPLICATE_NAME,
					     CORDON_OBJECT_INTERFACE, i, j);
		p->located[n->segment] = 1;
	}
	return 0;
}

static int check_ports(const struct cordon_draft *d, struct cordon_error *err)
{
	u32 i, j;

	for (i = 0; i < d->n_ports; i++) {
		const char *name = d->ports[i].name;

		if (!ifname_is_valid(name))
			return fault(err, CORDON_FAULT_NAME, CORDON_OBJECT_PORT, i, 0);
		for (j = 0; j < i; j++)
			if (!strcmp(d->ports[j].name, name))
				return fault(err, CORDON_FAULT_DUPLICATE_NAME,
					     CORDON_OBJECT_PORT, i, j);
	}
	return 0;
}

static int check_segment(const struct cordon_segment_def *s, u32 i, struct cordon_error *err)
{
	u32 k;

	if (!cordon_name_is_valid(s->name, sizeof(s->name)))
		return fault(err, CORDON_FAULT_NAME, CORDON_OBJECT_SEGMENT, i, 0);
	if (i >= CORDON_BUILTIN_SEGMENTS &&
	    cordon_segment_builtin(s->name) != CORDON_NO_SEGMENT)
		return fault(err, CORDON_FAULT_BUILTIN, CORDON_OBJECT_SEGMENT, i, 0);
	if (!s->lease || s->lease > CORDON_MAX_LEASE)
		return fault(err, CORDON_FAULT_LEASE, CORDON_OBJECT_SEGMENT, i, 0);
	if (s->authentication > CORDON_AUTHENTICATION_CERTIFICATE ||
	    s->encryption > CORDON_ENCRYPTION_TLS1_3 || s->firmware > 1 || s->isolate > 1 ||
	    s->grace > CORDON_MAX_GRACE || s->postpone > CORDON_MAX_GRACE ||
	    s->learn < CORDON_MIN_LEARN || s->learn > CORDON_MAX_LEARN)
		return fault(err, CORDON_FAULT_VALUE, CORDON_OBJECT_SEGMENT, i, 0);
	for (k = 0; k < CORDON_KINDS; k++)
		if (s->limits[k].action > CORDON_ACTION_QUARANTINE ||
		    !s->limits[k].window != !s->limits[k].count)
			return fault(err, CORDON_FAULT_VALUE, CORDON_OBJECT_SEGMENT, i, 0);
	return 0;
}

static int build_segments(struct cordon_policy *p, struct cordon_error *err)
{
	const struct cordon_draft *d = &p->draft;
	u32 i, other;
	int ret;

	if (d->n_segments < CORDON_BUILTIN_SEGMENTS)
		return fault(err, CORDON_FAULT_BUILTIN, CORDON_OBJECT_POLICY, 0, 0);
	for (i = 0; i < CORDON_BUILTIN_SEGMENTS; i++)
		if (cordon_segment_builtin(d->segments[i].name) != i)
			return fault(err, CORDON_FAULT_BUILTIN, CORDON_OBJECT_SEGMENT, i, 0);
	for (i = 0; i < d->n_segments; i++) {
		ret = check_segment(&d->segments[i], i, err);
		if (ret)
			return ret;
		other = cordon_policy_segment_by_name(p, d->segments[i].name);
		if (other != CORDON_NO_SEGMENT)
			return fault(err, CORDON_FAULT_DUPLICATE_NAME, CORDON_OBJECT_SEGMENT,
				     i, other);
		ret = cordon_index_add(&p->by_segment, cordon_hash_name(p, d->segments[i].name), i);
		if (ret)
			return ret;
	}
	return 0;
}

static int build_networks(struct cordon_policy *p, void *scratch, struct cordon_error *err)
{
	const struct cordon_draft *d = &p->draft;
	struct cordon_network_def *plain;
	struct place *sorted = scratch;
	u32 i, n4 = 0;

	for (i = 0; i < d->n_networks; i++) {
		const struct cordon_network_def *n = &d->networks[i];

		if (n->segment >= d->n_segments)
			return fault(err, CORDON_FAULT_UNKNOWN_SEGMENT,
				     CORDON_OBJECT_NETWORK, i, 0);
		if (n->segment < CORDON_BUILTIN_SEGMENTS)
			return fault(err, CORDON_FAULT_BUILTIN, CORDON_OBJECT_NETWORK, i, 0);
		if (n->len > 128 || (cordon_addr_is_v4(&n->addr) && n->len < 96) ||
		    !cordon_prefix_is_clean(&n->addr, n->len))
			return fault(err, CORDON_FAULT_HOST_BITS, CORDON_OBJECT_NETWORK, i, 0);
		sorted[i].def = *n;
		sorted[i].index = i;
	}
	sort(sorted, d->n_networks, sizeof(*sorted), cordon_prefix_compare, NULL);
	for (i = 1; i < d->n_networks; i++)
		if (!cordon_prefix_compare(&sorted[i - 1], &sorted[i]))
			return fault(err, CORDON_FAULT_DUPLICATE_NETWORK, CORDON_OBJECT_NETWORK,
				     max(sorted[i - 1].index, sorted[i].index),
				     min(sorted[i - 1].index, sorted[i].index));

	/* IPv4 first, each family in order. */
	plain = (struct cordon_network_def *)(sorted + d->n_networks);
	for (i = 0; i < d->n_networks; i++)
		if (cordon_addr_is_v4(&sorted[i].def.addr))
			plain[n4++] = sorted[i].def;
	p->n_v4 = cordon_prefix_flatten(p->v4, plain, n4);
	n4 = 0;
	for (i = 0; i < d->n_networks; i++)
		if (!cordon_addr_is_v4(&sorted[i].def.addr))
			plain[n4++] = sorted[i].def;
	p->n_v6 = cordon_prefix_flatten(p->v6, plain, n4);
	return 0;
}

static u16 proto_max(u8 proto)
{
	return proto == 1 || proto == 58 ? 255 : 65535;
}

static bool proto_has_range(u8 proto)
{
	return proto == CORDON_PROTO_ANY || cordon_proto_has_ports(proto) ||
	       proto_max(proto) == 255;
}

static int check_rule(const struct cordon_draft *d, u32 i, u32 expected_first,
		      struct cordon_error *err)
{
	const struct cordon_rule_def *r = &d->rules[i];
	const struct cordon_match *m;
	u32 j;

	if (r->from >= d->n_segments || r->to >= d->n_segments)
		return fault(err, CORDON_FAULT_UNKNOWN_SEGMENT, CORDON_OBJECT_RULE, i, 0);
	if (r->from == CORDON_SEGMENT_GATEWAY)
		return fault(err, CORDON_FAULT_BUILTIN, CORDON_OBJECT_RULE, i, 0);
	if (!r->n)
		return fault(err, CORDON_FAULT_NO_MATCH, CORDON_OBJECT_RULE, i, 0);
	if (r->n > CORDON_MAX_RULE_MATCHES)
		return fault(err, CORDON_FAULT_TOO_MANY, CORDON_OBJECT_RULE, i, 0);
	if (r->plaintext > 1 || r->related > 1 || r->first != expected_first ||
	    r->n > d->n_matches - r->first)
		return fault(err, CORDON_FAULT_VALUE, CORDON_OBJECT_RULE, i, 0);
	m = &d->matches[r->first];
	for (j = 0; j < r->n; j++) {
		if (m[j].lo > m[j].hi || m[j].hi > proto_max(m[j].proto))
			return fault(err, CORDON_FAULT_MATCH, CORDON_OBJECT_RULE, i, 0);
		if ((m[j].lo || m[j].hi != proto_max(m[j].proto)) && !proto_has_range(m[j].proto))
			return fault(err, CORDON_FAULT_NO_PORTS, CORDON_OBJECT_RULE, i, 0);
	}
	return 0;
}

/* The place of a pair, which is added if it is not there; or -EAGAIN, see cordon_index_add(). */
static int pair_get(struct cordon_policy *p, u16 from, u16 to)
{
	u32 found = cordon_index_find(&p->by_pair, cordon_hash_pair(p, from, to), i,
			       p->pairs[i].from == from && p->pairs[i].to == to);

	if (found != CORDON_NO_DEVICE)
		return found;
	if (cordon_index_add(&p->by_pair, cordon_hash_pair(p, from, to), p->n_pairs))
		return -EAGAIN;
	p->pairs[p->n_pairs] = (struct cordon_pair){ .from = from, .to = to };
	return p->n_pairs++;
}

/**
 * struct sorting - a sort that pauses
 * @how: the build's
 * @steps: comparisons so far
 * @stop: give up; what is sorted does not matter any more
 */
struct sorting {
	const struct cordon_build *how;
	u32 *steps;
	bool *stop;
};

static int event_compare(const void *a, const void *b, const void *priv)
{
	const struct sorting *s = priv;
	const struct event *x = a, *y = b;

	if (*s->stop || paused(s->how, ++*s->steps)) {
		*s->stop = true;
		return 0;
	}
	if (x->pair != y->pair)
		return x->pair < y->pair ? -1 : 1;
	return x->at < y->at ? -1 : x->at > y->at;
}

/* Sorted events to disjoint openings: one wherever the number of rules that allow changes. */
static int sweep(struct cordon_policy *p, const struct cordon_build *how,
		 const struct event *e, u32 n)
{
	u32 all = 0, plaintext = 0, related = 0;
	struct cordon_opening *o;
	struct cordon_pair *pair;
	u32 i;

	for (i = 0; i < n; i++) {
		if (paused(how, i))
			return -EINTR;
		all += e[i].all;
		plaintext += e[i].plaintext;
		related += e[i].related;
		if (i + 1 == n || !all || e[i + 1].at == e[i].at)
			continue;
		pair = &p->pairs[e[i].pair];
		if (!pair->n++)
			pair->first = p->n_openings;
		o = &p->openings[p->n_openings++];
		o->proto = e[i].at >> 17;
		o->lo = e[i].at & 0xffff;
		o->hi = (e[i + 1].at - 1) & 0xffff;
		o->plaintext = !!plaintext;
		o->related = !!related;
	}
	return 0;
}

static int build_openings(struct cordon_policy *p, const struct cordon_build *how,
			  struct event *e, u32 n)
{
	u32 steps = 0;
	bool stop = false;
	const struct sorting sorting = { how, &steps, &stop };

	sort_r(e, n, sizeof(*e), event_compare, NULL, &sorting);
	return stop ? -EINTR : sweep(p, how, e, n);
}

static int build_rules(struct cordon_policy *p, const struct cordon_build *how, void *scratch,
		       struct cordon_error *err)
{
	const struct cordon_draft *d = &p->draft;
	struct event *e = scratch;
	u32 i, j, first = 0, n = 0;
	int at, ret;

	for (i = 0; i < d->n_rules; i++) {
		const struct cordon_rule_def *r = &d->rules[i];
		struct cordon_pair *pair;

		/* A rule has up to CORDON_MAX_RULE_MATCHES matches. */
		if (paused(how, i * 32))
			return -EINTR;
		ret = check_rule(d, i, first, err);
		if (ret)
			return ret;
		first += r->n;
		at = pair_get(p, r->from, r->to);
		if (at < 0)
			return at;
		pair = &p->pairs[at];
		for (j = 0; j < r->n; j++) {
			const struct cordon_match *m = &d->matches[r->first + j];

			if (m->proto == CORDON_PROTO_ANY) {
				pair->any = 1;
				pair->any_plaintext |= r->plaintext;
				pair->any_related |= r->related;
				continue;
			}
			e[n++] = (struct event){ at, (u32)m->proto << 17 | m->lo,
						 1, r->plaintext, r->related };
			e[n++] = (struct event){ at, ((u32)m->proto << 17 | m->hi) + 1,
						 -1, -(int)r->plaintext,
						 -(int)r->related };
		}
	}
	if (first != d->n_matches)
		return fault(err, CORDON_FAULT_VALUE, CORDON_OBJECT_POLICY, 0, 0);
	return build_openings(p, how, e, n);
}

/**
 * cordon_policy_check_address - an address that a device may have
 * @a: the address
 *
 * Return: 0 or -EINVAL.
 */
int cordon_policy_check_address(const struct cordon_addr *a)
{
	return cordon_addr_is_unspecified(a) || cordon_addr_is_multicast(a) ||
	       cordon_addr_is_loopback(a) ? -EINVAL : 0;
}

/* The ports that a device is tied to exist, and each is one of its own. */
static enum cordon_fault check_tied(const struct cordon_draft *d,
				    const struct cordon_device_def *v)
{
	u32 i, j;

	if (v->n_also >= CORDON_MAX_DEVICE_PORTS || (v->n_also && v->port == CORDON_ANY_PORT))
		return CORDON_FAULT_PORTS;
	for (i = 0; i < cordon_device_ports(v); i++) {
		if (cordon_device_port(v, i) >= d->n_ports)
			return CORDON_FAULT_UNKNOWN_PORT;
		for (j = 0; j < i; j++)
			if (cordon_device_port(v, j) == cordon_device_port(v, i))
				return CORDON_FAULT_PORTS;
	}
	return CORDON_FAULT_NONE;
}

/**
 * cordon_policy_check_device - whether a device is sound by itself
 * @p: the policy
 * @i: its place
 * @expected_first: where its addresses must begin
 * @err: why not
 *
 * Return: 0 or -EINVAL.
 */
int cordon_policy_check_device(const struct cordon_policy *p, u32 i, u32 expected_first,
			       struct cordon_error *err)
{
	const struct cordon_draft *d = &p->draft;
	const struct cordon_device_def *v = &d->devices[i];
	const struct cordon_segment_def *s;
	enum cordon_fault why;

	if (!cordon_name_is_valid(v->name, sizeof(v->name)) ||
	    (v->model[0] && !cordon_name_is_valid(v->model, sizeof(v->model))))
		return fault(err, CORDON_FAULT_NAME, CORDON_OBJECT_DEVICE, i, 0);
	if (v->mac[0] & 1 || !cordon_mac_key(v->mac))
		return fault(err, CORDON_FAULT_MAC, CORDON_OBJECT_DEVICE, i, 0);
	if (v->segment >= d->n_segments)
		return fault(err, CORDON_FAULT_UNKNOWN_SEGMENT, CORDON_OBJECT_DEVICE, i, 0);
	s = &d->segments[v->segment];
	if (v->segment == CORDON_SEGMENT_GATEWAY)
		return fault(err, CORDON_FAULT_BUILTIN, CORDON_OBJECT_DEVICE, i, 0);
	why = check_tied(d, v);
	if (why)
		return fault(err, why, CORDON_OBJECT_DEVICE, i, 0);
	if (v->vlan > CORDON_MAX_VLAN || (v->vlan && v->port == CORDON_ANY_PORT))
		why = CORDON_FAULT_VLAN;
	else if (!v->n && !v->learn)
		why = CORDON_FAULT_NO_ADDRESS;
	else if (v->n > CORDON_MAX_DEVICE_ADDRESSES)
		why = CORDON_FAULT_TOO_MANY;
	else if (v->first != expected_first || v->n > d->n_addresses - v->first)
		why = CORDON_FAULT_VALUE;
	else if (v->roam > 1 || v->learn > CORDON_LEARN_AUTO_STATIC ||
		 (v->learn && v->fixed > v->n))
		why = CORDON_FAULT_VALUE;
	else if ((v->authentication > CORDON_AUTHENTICATION_CERTIFICATE &&
		  v->authentication != CORDON_INHERIT) ||
		 (v->encryption > CORDON_ENCRYPTION_TLS1_3 && v->encryption != CORDON_INHERIT) ||
		 (v->firmware > 1 && v->firmware != CORDON_INHERIT))
		why = CORDON_FAULT_VALUE;
	else if (v->authentication < s->authentication || v->encryption < s->encryption ||
		 v->firmware < s->firmware)
		why = CORDON_FAULT_LOOSER;
	return why ? fault(err, why, CORDON_OBJECT_DEVICE, i, 0) : 0;
}

/* @given: the first of its addresses, which stands at @place in the draft */
static int build_addresses(struct cordon_policy *p, u32 device, const struct cordon_addr *given,
			   u32 place, struct cordon_error *err)
{
	const struct cordon_device_def *v = &p->draft.devices[device];
	struct cordon_addr *a = p->draft.addresses;
	u32 i, other;
	int ret;

	for (i = v->first; i < v->first + v->n; i++, place++) {
		a[i] = *given++;
		if (cordon_policy_check_address(&a[i]))
			return fault(err, CORDON_FAULT_ADDRESS, CORDON_OBJECT_ADDRESS, place,
				     device);
		other = cordon_policy_device_by_addr(p, &a[i]);
		if (other != CORDON_NO_DEVICE)
			return fault(err, CORDON_FAULT_DUPLICATE_ADDRESS,
				     CORDON_OBJECT_ADDRESS, place, other);
		p->owner[i] = device;
		ret = cordon_index_add(&p->by_addr, cordon_hash_addr(p, &a[i]), i);
		if (ret)
			return ret;
	}
	return 0;
}

/* Addresses, and room for those that it learns. */
static u32 stretch(const struct cordon_device_def *v)
{
	return v->n + (v->learn ? CORDON_LEARN_ADDRESSES : 0);
}

static u8 width_of(u32 n)
{
	u8 width = 0;

	while (n >>= 1)
		width++;
	return width;
}

/**
 * cordon_device_room - for how many addresses a device has room where it is sealed
 * @d: the device
 */
u32 cordon_device_room(const struct cordon_device_def *d)
{
	return 1U << width_of(stretch(d));
}

/* Behind the last device so far. */
static void append(struct cordon_places *places, u32 i)
{
	u32 last = places->prev[places->room];

	places->next[last] = i;
	places->prev[i] = last;
	places->next[i] = places->room;
	places->prev[places->room] = i;
	places->n++;
}

/* Nobody is anywhere yet. What is at the place that no device has, no look-up may take for one. */
static int build_places(struct cordon_policy *p, const struct cordon_build *how)
{
	struct cordon_places *places = &p->places;
	u32 i;

	for (i = 0; i <= places->room; i++) {
		places->prev[i] = CORDON_NO_DEVICE;
		if (paused(how, i))
			return -EINTR;
	}
	places->next[places->room] = places->room;
	places->prev[places->room] = places->room;
	for (i = 0; i < CORDON_WIDTHS; i++)
		places->free[i] = CORDON_NO_DEVICE;
	places->gone = CORDON_NO_DEVICE;
	p->owner[places->room_addresses] = CORDON_NO_DEVICE;
	p->by_mac.left = places->room + 1;
	p->by_name.left = places->room + 1;
	p->by_addr.left = places->room_addresses + 1;
	return 0;
}

static int build_devices(struct cordon_policy *p, const struct cordon_build *how,
			 const struct cordon_addr *given, struct cordon_error *err)
{
	struct cordon_draft *d = &p->draft;
	u32 i, other, first = 0, learners = 0;
	int ret;

	ret = build_places(p, how);
	if (ret)
		return ret;
	for (i = 0; i < d->n_devices; i++) {
		struct cordon_device_def *v = &d->devices[i];

		/* A device has up to CORDON_MAX_DEVICE_ADDRESSES addresses. */
		if (paused(how, i * 16))
			return -EINTR;
		ret = cordon_policy_check_device(p, i, first, err);
		if (ret)
			return ret;
		v->first = first + learners * CORDON_LEARN_ADDRESSES;
		learners += !!v->learn;
		other = cordon_policy_device_by_mac(p, v->mac);
		if (other != CORDON_NO_DEVICE)
			return fault(err, CORDON_FAULT_DUPLICATE_MAC, CORDON_OBJECT_DEVICE,
				     i, other);
		other = cordon_policy_device_by_name(p, v->name);
		if (other != CORDON_NO_DEVICE)
			return fault(err, CORDON_FAULT_DUPLICATE_NAME, CORDON_OBJECT_DEVICE,
				     i, other);
		ret = build_addresses(p, i, &given[first], first, err);
		if (!ret)
			ret = cordon_index_add(&p->by_mac, cordon_hash_mac(p, v->mac), i);
		if (!ret)
			ret = cordon_index_add(&p->by_name, cordon_hash_name(p, v->name), i);
		if (ret)
			return ret;
		first += v->n;
		append(&p->places, i);
		p->places.width[i] = width_of(stretch(v));
		p->members[v->segment]++;
		p->encrypted |= cordon_device_encryption(p, v) != CORDON_ENCRYPTION_ANY;
	}
	if (first != d->n_addresses || learners != d->learners)
		return fault(err, CORDON_FAULT_VALUE, CORDON_OBJECT_POLICY, 0, 0);
	d->n_addresses += learners * CORDON_LEARN_ADDRESSES;
	p->learns = learners;
	return 0;
}

/* An address is a device's by the policy, so that nobody else can become the server. */
static int check_servers(const struct cordon_policy *p, struct cordon_error *err)
{
	const struct cordon_draft *d = &p->draft;
	u32 i;

	for (i = 0; i < d->n_servers; i++)
		if (cordon_policy_device_by_addr(p, &d->servers[i]) == CORDON_NO_DEVICE)
			return fault(err, CORDON_FAULT_NOT_A_DEVICE, CORDON_OBJECT_SERVER, i, 0);
	return 0;
}

/* Copy @n objects, or clear them where @from is NULL; with pauses. */
static int copy(const struct cordon_build *how, void *to, const void *from, size_t n, size_t size)
{
	size_t left = n * size, piece;

	for (; left; left -= piece) {
		piece = left < PAUSE_BYTES ? left : PAUSE_BYTES;
		if (from) {
			memcpy(to, from, piece);
			from = (const char *)from + piece;
		} else {
			memset(to, 0, piece);
		}
		to = (char *)to + piece;
		if (paused(how, 0))
			return -EINTR;
	}
	return 0;
}

#define COPY(how, d, draft, field)						\
	copy(how, (d)->field, (draft)->field, (d)->n_##field, sizeof(*(d)->field))

static int copy_draft(struct cordon_draft *d, const struct cordon_draft *draft,
		      const struct cordon_build *how)
{
	return COPY(how, d, draft, ports) || COPY(how, d, draft, segments) ||
	       COPY(how, d, draft, networks) || COPY(how, d, draft, rules) ||
	       COPY(how, d, draft, matches) || COPY(how, d, draft, devices) ||
	       COPY(how, d, draft, uplinks) || COPY(how, d, draft, interfaces) ||
	       COPY(how, d, draft, servers) ? -EINTR : 0;
}

/**
 * cordon_policy_build - validate a draft and seal it
 * @p: cordon_policy_size() bytes, 8-byte aligned; overwritten
 * @draft: the draft; not needed afterwards
 * @how: the key, and when to give up
 * @scratch: cordon_policy_scratch_size() bytes, 8-byte aligned
 * @err: why not, where -EINVAL is returned
 *
 * The numbers of @draft must not exceed limits.h by so much that the sizes
 * could not be allocated; whatever else is wrong with it is found here.
 *
 * Return: 0; else @p must not be used: -EINVAL, @err says why; -EINTR, @how said
 * to give up; -EAGAIN, by this key too many objects collide: try another one.
 */
int cordon_policy_build(struct cordon_policy *p, const struct cordon_draft *draft,
			const struct cordon_build *how, void *scratch,
			struct cordon_error *err)
{
	struct cordon_draft *d = &p->draft;
	int ret;

	*err = (struct cordon_error){ CORDON_FAULT_NONE, CORDON_OBJECT_POLICY, 0, 0 };
	if (copy(how, p, NULL, 1, lay_out(p, NULL, draft)))
		return -EINTR;
	p->key = how->key;
	cordon_multipliers_init(&p->multipliers, &how->key);
	*d = *draft;
	lay_out(p, (char *)p, draft);
	ret = copy_draft(d, draft, how);
	if (ret)
		return ret;

	if (d->mode > CORDON_MODE_OBSERVE || d->unknown >= d->n_segments)
		return fault(err, CORDON_FAULT_VALUE, CORDON_OBJECT_POLICY, 0, 0);
	ret = check_counts(d, err);
	if (!ret)
		ret = check_ports(d, err);
	if (!ret)
		ret = check_uplinks(d, err);
	if (!ret)
		ret = build_segments(p, err);
	if (!ret)
		ret = build_networks(p, scratch, err);
	if (!ret)
		ret = check_interfaces(p, how, err);
	if (!ret)
		ret = build_rules(p, how, scratch, err);
	if (!ret)
		ret = build_devices(p, how, draft->addresses, err);
	if (!ret)
		ret = check_servers(p, err);
	return ret;
}
