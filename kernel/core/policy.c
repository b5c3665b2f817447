// SPDX-License-Identifier: GPL-2.0
/* Sealing a policy: size, validate, build; and the look-ups in it. */
#include "policy.h"

#define FNV_OFFSET	0xcbf29ce484222325ULL
#define FNV_PRIME	0x100000001b3ULL
#define GOLDEN		0x9e3779b97f4a7c15ULL

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

static const char * const builtin[CORDON_BUILTIN_SEGMENTS] = {
	[CORDON_SEGMENT_GATEWAY]	= "gateway",
	[CORDON_SEGMENT_ONBOARDING]	= "onboarding",
	[CORDON_SEGMENT_QUARANTINE]	= "quarantine",
	[CORDON_SEGMENT_UPDATE]		= "update",
};

/**
 * cordon_segment_def_init - the defaults of a segment
 * @s: the segment
 */
void cordon_segment_def_init(struct cordon_segment_def *s)
{
	memset(s, 0, sizeof(*s));
	s->isolate = 1;
	s->lease = CORDON_DEFAULT_LEASE;
	s->grace = CORDON_DEFAULT_GRACE;
	s->postpone = CORDON_DEFAULT_POSTPONE;
}

/**
 * cordon_draft_builtin - the segments with which every draft begins
 * @segments: room for CORDON_BUILTIN_SEGMENTS
 */
void cordon_draft_builtin(struct cordon_segment_def *segments)
{
	u32 i;

	for (i = 0; i < CORDON_BUILTIN_SEGMENTS; i++) {
		cordon_segment_def_init(&segments[i]);
		memcpy(segments[i].name, builtin[i], strlen(builtin[i]) + 1);
	}
}

/**
 * cordon_segment_builtin - the built-in segment of a name
 * @name: NUL-terminated
 *
 * Return: its number, or CORDON_NO_SEGMENT.
 */
u16 cordon_segment_builtin(const char *name)
{
	u16 i;

	for (i = 0; i < CORDON_BUILTIN_SEGMENTS; i++)
		if (!strcmp(builtin[i], name))
			return i;
	return CORDON_NO_SEGMENT;
}

static bool is_alnum(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/**
 * cordon_name_is_valid - a name is a word that can stand in a path and a table
 * @name: the name
 * @size: of its buffer, within which its NUL must lie
 *
 * Letters, digits, '_', '-' and '.', the first one a letter, a digit or '_'.
 */
bool cordon_name_is_valid(const char *name, size_t size)
{
	size_t i;

	if (!is_alnum(name[0]) && name[0] != '_')
		return false;
	for (i = 1; i < size && name[i]; i++)
		if (!is_alnum(name[i]) && name[i] != '_' && name[i] != '-' && name[i] != '.')
			return false;
	return i < size;
}

/**
 * cordon_ifname_matches - an interface has a name, or one of a pattern
 * @pattern: NUL-terminated; each * in it stands for any characters, or none
 * @name: of the interface
 */
bool cordon_ifname_matches(const char *pattern, const char *name)
{
	const char *star = NULL, *back = NULL;

	while (*name) {
		if (*pattern == '*') {
			star = pattern++;
			back = name;
		} else if (*pattern == *name) {
			pattern++;
			name++;
		} else if (star) {
			pattern = star + 1;
			name = ++back;
		} else {
			return false;
		}
	}
	while (*pattern == '*')
		pattern++;
	return !*pattern;
}

static u64 mac_key(const u8 *mac)
{
	return (u64)mac[0] << 40 | (u64)mac[1] << 32 | (u64)mac[2] << 24 |
	       (u64)mac[3] << 16 | (u64)mac[4] << 8 | mac[5];
}

static u32 hash_key(u64 key)
{
	return (key * GOLDEN) >> 32;
}

static u32 hash_addr(const struct cordon_addr *a)
{
	u64 k = a->hi * FNV_PRIME ^ a->lo;

	return hash_key(k ^ k >> 32);
}

static u32 hash_name(const char *name)
{
	u64 h = FNV_OFFSET;

	while (*name)
		h = (h ^ (u8)*name++) * FNV_PRIME;
	return hash_key(h);
}

static u32 hash_pair(u16 from, u16 to)
{
	return hash_key((u64)from << 16 | to);
}

/* Slots of an index of n: a power of two, at most half of it in use. */
static u32 index_slots(u32 n)
{
	u32 slots = 8;

	while (slots < 2 * n)
		slots *= 2;
	return slots;
}

#define index_find(index, hash, it, same) ({				\
	u32 _slot = (hash) & (index)->mask;				\
	u32 _found = CORDON_NO_DEVICE;					\
									\
	for (; (index)->slots[_slot]; _slot = (_slot + 1) & (index)->mask) { \
		u32 it = (index)->slots[_slot] - 1;			\
									\
		if (same) {						\
			_found = it;					\
			break;						\
		}							\
	}								\
	_found;								\
})

static void index_add(struct cordon_index *index, u32 hash, u32 place)
{
	u32 slot = hash & index->mask;

	while (index->slots[slot])
		slot = (slot + 1) & index->mask;
	index->slots[slot] = place + 1;
}

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

	return index_find(&p->by_mac, hash_key(mac_key(mac)), i, !memcmp(d[i].mac, mac, 6));
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

	return index_find(&p->by_name, hash_name(name), i, !strcmp(d[i].name, name));
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
	u32 found = index_find(&p->by_addr, hash_addr(addr), i,
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
 * cordon_policy_segment_by_name - which segment has a name
 * @p: the policy
 * @name: NUL-terminated
 *
 * Return: the segment, or CORDON_NO_SEGMENT.
 */
u16 cordon_policy_segment_by_name(const struct cordon_policy *p, const char *name)
{
	u32 i;

	for (i = 0; i < p->draft.n_segments; i++)
		if (!strcmp(p->draft.segments[i].name, name))
			return i;
	return CORDON_NO_SEGMENT;
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
	u32 found = index_find(&p->by_pair, hash_pair(from, to), i,
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

/* One piece of the block; sizes are summed up with base == NULL. */
static void *carve(char *base, size_t *offset, size_t n, size_t size)
{
	void *piece = base ? base + *offset : NULL;

	*offset += (n * size + 7) & ~(size_t)7;
	return piece;
}

#define CARVE(p, field, n) \
	((p)->field = carve(base, &offset, (n), sizeof(*(p)->field)))

static void carve_index(struct cordon_index *index, char *base, size_t *offset, u32 n)
{
	u32 slots = index_slots(n);

	index->mask = slots - 1;
	index->slots = carve(base, offset, slots, sizeof(u32));
}

static size_t lay_out(struct cordon_policy *p, char *base, const struct cordon_draft *d)
{
	size_t offset = (sizeof(*p) + 7) & ~(size_t)7;

	CARVE(p, draft.ports, d->n_ports);
	CARVE(p, draft.segments, d->n_segments);
	CARVE(p, draft.networks, d->n_networks);
	CARVE(p, draft.rules, d->n_rules);
	CARVE(p, draft.matches, d->n_matches);
	CARVE(p, draft.devices, d->n_devices);
	CARVE(p, draft.addresses, d->n_addresses);
	CARVE(p, draft.uplinks, d->n_uplinks);
	CARVE(p, draft.interfaces, d->n_interfaces);
	CARVE(p, owner, d->n_addresses);
	CARVE(p, members, d->n_segments);
	CARVE(p, located, d->n_segments);
	carve_index(&p->by_mac, base, &offset, d->n_devices);
	carve_index(&p->by_name, base, &offset, d->n_devices);
	carve_index(&p->by_addr, base, &offset, d->n_addresses);
	carve_index(&p->by_pair, base, &offset, d->n_rules);
	CARVE(p, pairs, d->n_rules);
	CARVE(p, openings, 2 * (size_t)d->n_matches);
	CARVE(p, v4, 2 * (size_t)d->n_networks + 1);
	CARVE(p, v6, 2 * (size_t)d->n_networks + 1);
	return offset;
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

static int check_interfaces(struct cordon_policy *p, struct cordon_error *err)
{
	const struct cordon_draft *d = &p->draft;
	u32 i, j;

	for (i = 0; i < d->n_interfaces; i++) {
		const struct cordon_interface_def *n = &d->interfaces[i];

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
	    s->grace > CORDON_MAX_GRACE || s->postpone > CORDON_MAX_GRACE)
		return fault(err, CORDON_FAULT_VALUE, CORDON_OBJECT_SEGMENT, i, 0);
	for (k = 0; k < CORDON_KINDS; k++)
		if (s->limits[k].action > CORDON_ACTION_QUARANTINE ||
		    !s->limits[k].window != !s->limits[k].count)
			return fault(err, CORDON_FAULT_VALUE, CORDON_OBJECT_SEGMENT, i, 0);
	return 0;
}

static int check_segments(const struct cordon_draft *d, struct cordon_error *err)
{
	u32 i, j;
	int ret;

	if (d->n_segments < CORDON_BUILTIN_SEGMENTS)
		return fault(err, CORDON_FAULT_BUILTIN, CORDON_OBJECT_POLICY, 0, 0);
	for (i = 0; i < CORDON_BUILTIN_SEGMENTS; i++)
		if (strcmp(d->segments[i].name, builtin[i]))
			return fault(err, CORDON_FAULT_BUILTIN, CORDON_OBJECT_SEGMENT, i, 0);
	for (i = 0; i < d->n_segments; i++) {
		ret = check_segment(&d->segments[i], i, err);
		if (ret)
			return ret;
		for (j = 0; j < i; j++)
			if (!strcmp(d->segments[j].name, d->segments[i].name))
				return fault(err, CORDON_FAULT_DUPLICATE_NAME,
					     CORDON_OBJECT_SEGMENT, i, j);
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
	return proto == CORDON_PROTO_ANY || cordon_proto_has_ports(proto) || proto_max(proto) == 255;
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
	if (r->plaintext > 1 || r->related > 1 || r->first != expected_first || r->n > d->n_matches - r->first)
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

static u32 pair_get(struct cordon_policy *p, u16 from, u16 to)
{
	u32 found = index_find(&p->by_pair, hash_pair(from, to), i,
			       p->pairs[i].from == from && p->pairs[i].to == to);

	if (found != CORDON_NO_DEVICE)
		return found;
	p->pairs[p->n_pairs] = (struct cordon_pair){ .from = from, .to = to };
	index_add(&p->by_pair, hash_pair(from, to), p->n_pairs);
	return p->n_pairs++;
}

static int event_compare(const void *a, const void *b)
{
	const struct event *x = a, *y = b;

	if (x->pair != y->pair)
		return x->pair < y->pair ? -1 : 1;
	return x->at < y->at ? -1 : x->at > y->at;
}

/* Sorted events to disjoint openings: one wherever the number of rules that allow changes. */
static void sweep(struct cordon_policy *p, const struct event *e, u32 n)
{
	u32 all = 0, plaintext = 0, related = 0;
	struct cordon_opening *o;
	struct cordon_pair *pair;
	u32 i;

	for (i = 0; i < n; i++) {
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
}

static int build_rules(struct cordon_policy *p, void *scratch, struct cordon_error *err)
{
	const struct cordon_draft *d = &p->draft;
	struct event *e = scratch;
	u32 i, j, first = 0, n = 0;
	int ret;

	for (i = 0; i < d->n_rules; i++) {
		const struct cordon_rule_def *r = &d->rules[i];
		struct cordon_pair *pair;
		u32 at;

		ret = check_rule(d, i, first, err);
		if (ret)
			return ret;
		first += r->n;
		at = pair_get(p, r->from, r->to);
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
	sort(e, n, sizeof(*e), event_compare, NULL);
	sweep(p, e, n);
	return 0;
}

static int check_address(const struct cordon_addr *a)
{
	return cordon_addr_is_unspecified(a) || cordon_addr_is_multicast(a) ||
	       cordon_addr_is_loopback(a) ? -EINVAL : 0;
}

static int check_device(const struct cordon_policy *p, u32 i, u32 expected_first,
			struct cordon_error *err)
{
	const struct cordon_draft *d = &p->draft;
	const struct cordon_device_def *v = &d->devices[i];
	const struct cordon_segment_def *s;
	enum cordon_fault why = CORDON_FAULT_NONE;

	if (!cordon_name_is_valid(v->name, sizeof(v->name)) ||
	    (v->model[0] && !cordon_name_is_valid(v->model, sizeof(v->model))))
		return fault(err, CORDON_FAULT_NAME, CORDON_OBJECT_DEVICE, i, 0);
	if (v->mac[0] & 1 || !mac_key(v->mac))
		return fault(err, CORDON_FAULT_MAC, CORDON_OBJECT_DEVICE, i, 0);
	if (v->segment >= d->n_segments)
		return fault(err, CORDON_FAULT_UNKNOWN_SEGMENT, CORDON_OBJECT_DEVICE, i, 0);
	s = &d->segments[v->segment];
	if (v->segment == CORDON_SEGMENT_GATEWAY)
		why = CORDON_FAULT_BUILTIN;
	else if (v->port != CORDON_ANY_PORT && v->port >= d->n_ports)
		why = CORDON_FAULT_UNKNOWN_PORT;
	else if (!v->n)
		why = CORDON_FAULT_NO_ADDRESS;
	else if (v->n > CORDON_MAX_DEVICE_ADDRESSES)
		why = CORDON_FAULT_TOO_MANY;
	else if (v->first != expected_first || v->n > d->n_addresses - v->first)
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

static int build_addresses(struct cordon_policy *p, u32 device, struct cordon_error *err)
{
	const struct cordon_device_def *v = &p->draft.devices[device];
	const struct cordon_addr *a = p->draft.addresses;
	u32 i, other;

	for (i = v->first; i < v->first + v->n; i++) {
		if (check_address(&a[i]))
			return fault(err, CORDON_FAULT_ADDRESS, CORDON_OBJECT_ADDRESS, i, device);
		other = cordon_policy_device_by_addr(p, &a[i]);
		if (other != CORDON_NO_DEVICE)
			return fault(err, CORDON_FAULT_DUPLICATE_ADDRESS,
				     CORDON_OBJECT_ADDRESS, i, other);
		p->owner[i] = device;
		index_add(&p->by_addr, hash_addr(&a[i]), i);
	}
	return 0;
}

static int build_devices(struct cordon_policy *p, struct cordon_error *err)
{
	const struct cordon_draft *d = &p->draft;
	u32 i, other, first = 0;
	int ret;

	for (i = 0; i < d->n_devices; i++) {
		const struct cordon_device_def *v = &d->devices[i];

		ret = check_device(p, i, first, err);
		if (ret)
			return ret;
		first += v->n;
		other = cordon_policy_device_by_mac(p, v->mac);
		if (other != CORDON_NO_DEVICE)
			return fault(err, CORDON_FAULT_DUPLICATE_MAC, CORDON_OBJECT_DEVICE,
				     i, other);
		other = cordon_policy_device_by_name(p, v->name);
		if (other != CORDON_NO_DEVICE)
			return fault(err, CORDON_FAULT_DUPLICATE_NAME, CORDON_OBJECT_DEVICE,
				     i, other);
		ret = build_addresses(p, i, err);
		if (ret)
			return ret;
		index_add(&p->by_mac, hash_key(mac_key(v->mac)), i);
		index_add(&p->by_name, hash_name(v->name), i);
		p->members[v->segment]++;
		p->encrypted |= cordon_device_encryption(p, v) != CORDON_ENCRYPTION_ANY;
	}
	if (first != d->n_addresses)
		return fault(err, CORDON_FAULT_VALUE, CORDON_OBJECT_POLICY, 0, 0);
	return 0;
}

static void copy(void *to, const void *from, size_t n, size_t size)
{
	if (n)
		memcpy(to, from, n * size);
}

/**
 * cordon_policy_build - validate a draft and seal it
 * @p: cordon_policy_size() bytes, 8-byte aligned; overwritten
 * @draft: the draft; not needed afterwards
 * @scratch: cordon_policy_scratch_size() bytes, 8-byte aligned
 * @err: why not, where -EINVAL is returned
 *
 * The numbers of @draft must not exceed limits.h by so much that the sizes
 * could not be allocated; whatever else is wrong with it is found here.
 *
 * Return: 0, or -EINVAL; then @p must not be used.
 */
int cordon_policy_build(struct cordon_policy *p, const struct cordon_draft *draft,
			void *scratch, struct cordon_error *err)
{
	struct cordon_draft *d = &p->draft;
	int ret;

	*err = (struct cordon_error){ CORDON_FAULT_NONE, CORDON_OBJECT_POLICY, 0, 0 };
	memset(p, 0, lay_out(p, NULL, draft));
	*d = *draft;
	lay_out(p, (char *)p, draft);
	copy(d->ports, draft->ports, d->n_ports, sizeof(*d->ports));
	copy(d->segments, draft->segments, d->n_segments, sizeof(*d->segments));
	copy(d->networks, draft->networks, d->n_networks, sizeof(*d->networks));
	copy(d->rules, draft->rules, d->n_rules, sizeof(*d->rules));
	copy(d->matches, draft->matches, d->n_matches, sizeof(*d->matches));
	copy(d->devices, draft->devices, d->n_devices, sizeof(*d->devices));
	copy(d->addresses, draft->addresses, d->n_addresses, sizeof(*d->addresses));
	copy(d->uplinks, draft->uplinks, d->n_uplinks, sizeof(*d->uplinks));
	copy(d->interfaces, draft->interfaces, d->n_interfaces, sizeof(*d->interfaces));

	if (d->mode > CORDON_MODE_OBSERVE)
		return fault(err, CORDON_FAULT_VALUE, CORDON_OBJECT_POLICY, 0, 0);
	ret = check_counts(d, err);
	if (!ret)
		ret = check_ports(d, err);
	if (!ret)
		ret = check_uplinks(d, err);
	if (!ret)
		ret = check_segments(d, err);
	if (!ret)
		ret = build_networks(p, scratch, err);
	if (!ret)
		ret = check_interfaces(p, err);
	if (!ret)
		ret = build_rules(p, scratch, err);
	if (!ret)
		ret = build_devices(p, err);
	return ret;
}
