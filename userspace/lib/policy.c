// SPDX-License-Identifier: GPL-2.0
/* A policy in user space: lists that grow, sealing, and what a core error means. */
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "policy.h"

#define LOOKUP_SLOTS	4096	/* twice CORDON_MAX_SEGMENTS */

/**
 * policy_new - an empty policy: the built-in segments
 *
 * Return: the policy, or NULL without memory.
 */
struct policy *policy_new(void)
{
	struct policy *p = calloc(1, sizeof(*p));

	if (!p)
		return NULL;
	p->room.segments = 2 * CORDON_BUILTIN_SEGMENTS;
	p->draft.segments = calloc(p->room.segments, sizeof(*p->draft.segments));
	p->lookup = calloc(LOOKUP_SLOTS, sizeof(*p->lookup));
	if (!p->draft.segments || !p->lookup) {
		policy_free(p);
		return NULL;
	}
	cordon_draft_builtin(p->draft.segments);
	p->draft.n_segments = CORDON_BUILTIN_SEGMENTS;
	return p;
}

/**
 * policy_free - free a policy and its lists
 * @p: the policy, or NULL
 */
void policy_free(struct policy *p)
{
	if (!p)
		return;
	free(p->draft.ports);
	free(p->draft.segments);
	free(p->draft.networks);
	free(p->draft.rules);
	free(p->draft.matches);
	free(p->draft.devices);
	free(p->draft.addresses);
	free(p->draft.uplinks);
	free(p->draft.interfaces);
	free(p->draft.servers);
	free(p->idevids);
	free(p->roaming);
	free(p->staying);
	free(p->lookup);
	free(p);
}

/* One more zeroed object at the end of a list. */
static void *append(void **list, u32 *n, u32 *room, size_t size)
{
	void *more;

	if (*n == *room) {
		u32 want = *room ? 2 * *room : 16;

		more = want > *room ? reallocarray(*list, want, size) : NULL;
		if (!more)
			return NULL;
		*list = more;
		*room = want;
	}
	return memset((char *)*list + (size_t)(*n)++ * size, 0, size);
}

#define APPEND(p, field) \
	append((void **)&(p)->draft.field, &(p)->draft.n_##field, &(p)->room.field, \
	       sizeof(*(p)->draft.field))

/** policy_add_port - append a port */
struct cordon_port_def *policy_add_port(struct policy *p)
{
	return APPEND(p, ports);
}

/** policy_add_segment - append a segment with the defaults */
struct cordon_segment_def *policy_add_segment(struct policy *p)
{
	struct cordon_segment_def *s = APPEND(p, segments);

	if (s)
		cordon_segment_def_init(s);
	return s;
}

/** policy_add_network - append a network */
struct cordon_network_def *policy_add_network(struct policy *p)
{
	return APPEND(p, networks);
}

/** policy_add_rule - append a rule that allows nothing yet */
struct cordon_rule_def *policy_add_rule(struct policy *p)
{
	struct cordon_rule_def *r = APPEND(p, rules);

	if (r)
		r->first = p->draft.n_matches;
	return r;
}

/** policy_add_match - append a match to the last rule; NULL also where it can count no more */
struct cordon_match *policy_add_match(struct policy *p)
{
	struct cordon_rule_def *r = &p->draft.rules[p->draft.n_rules - 1];
	struct cordon_match *m = r->n < UINT16_MAX ? APPEND(p, matches) : NULL;

	if (m)
		r->n++;
	return m;
}

/** policy_add_device - append a device without addresses, behind any port, that inherits */
struct cordon_device_def *policy_add_device(struct policy *p)
{
	struct cordon_device_def *d = APPEND(p, devices);

	if (!d)
		return NULL;
	d->first = p->draft.n_addresses;
	d->port = CORDON_ANY_PORT;
	d->authentication = CORDON_INHERIT;
	d->encryption = CORDON_INHERIT;
	d->firmware = CORDON_INHERIT;
	return d;
}

/** policy_add_address - append an address to the last device; NULL also where it can count no more */
struct cordon_addr *policy_add_address(struct policy *p)
{
	struct cordon_device_def *d = &p->draft.devices[p->draft.n_devices - 1];
	struct cordon_addr *a = d->n < UINT8_MAX ? APPEND(p, addresses) : NULL;

	if (a)
		d->fixed = ++d->n;
	return a;
}

/** policy_add_uplink - append a name or pattern of uplinks */
struct cordon_uplink_def *policy_add_uplink(struct policy *p)
{
	return APPEND(p, uplinks);
}

/** policy_add_interface - append an interface of the last segment */
struct cordon_interface_def *policy_add_interface(struct policy *p)
{
	struct cordon_interface_def *n = APPEND(p, interfaces);

	if (n)
		n->segment = p->draft.n_segments - 1;
	return n;
}

/** policy_add_server - append the address of a trusted server of DHCP */
struct cordon_addr *policy_add_server(struct policy *p)
{
	return APPEND(p, servers);
}

/** policy_add_idevid - append the manufacturer's certificate of the last device */
struct policy_idevid *policy_add_idevid(struct policy *p)
{
	struct policy_idevid *v = append((void **)&p->idevids, &p->n_idevids, &p->room_idevids, sizeof(*v));

	if (v)
		v->device = p->draft.n_devices - 1;
	return v;
}

static bool append_place(u32 **list, u32 *n, u32 *room, u32 place)
{
	u32 *to = append((void **)list, n, room, sizeof(*to));

	if (to)
		*to = place;
	return to;
}

/** policy_set_roaming - the devices of the last segment may go from gateway to gateway */
bool policy_set_roaming(struct policy *p)
{
	return append_place(&p->roaming, &p->n_roaming, &p->room_roaming, p->draft.n_segments - 1);
}

/** policy_set_staying - the last device may not, whatever its segment says */
bool policy_set_staying(struct policy *p)
{
	return append_place(&p->staying, &p->n_staying, &p->room_staying, p->draft.n_devices - 1);
}

static int compare_places(const void *a, const void *b)
{
	const u32 *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/* Appended in order. */
static bool has_place(const u32 *list, u32 n, u32 place)
{
	return n && bsearch(&place, list, n, sizeof(*list), compare_places);
}

/** policy_is_roaming - does a segment say that its devices may go from gateway to gateway */
bool policy_is_roaming(const struct policy *p, u32 segment)
{
	return has_place(p->roaming, p->n_roaming, segment);
}

/** policy_is_staying - does a device say itself that it may not */
bool policy_is_staying(const struct policy *p, u32 device)
{
	return has_place(p->staying, p->n_staying, device);
}

/**
 * policy_may_roam - may a device go from one gateway of a fleet to another
 * @p: the policy, of a file: the kernel does not know
 * @device: its place
 *
 * What the device says itself comes before what its segment says.
 */
bool policy_may_roam(const struct policy *p, u32 device)
{
	const struct cordon_device_def *d = &p->draft.devices[device];

	return d->roam || (policy_is_roaming(p, d->segment) && !policy_is_staying(p, device));
}

/** policy_forget_places - forget what is known by devices' places alone, before these change: the kernel has none of it */
void policy_forget_places(struct policy *p)
{
	p->n_idevids = p->n_staying = 0;
}

static u32 hash(const char *name)
{
	u32 h = 2166136261U;

	while (*name)
		h = (h ^ (u8)*name++) * 16777619U;
	return h ^ h >> 16;
}

/**
 * policy_find_segment - the segment of a name
 * @p: the policy
 * @name: NUL-terminated
 *
 * Asked for each of 65,536 devices. What it remembers is compared again before
 * it is believed, since the caller may have renamed a segment meanwhile.
 *
 * Return: its place, or CORDON_NO_SEGMENT.
 */
u16 policy_find_segment(const struct policy *p, const char *name)
{
	u16 *slot = &p->lookup[hash(name) % LOOKUP_SLOTS];
	u32 i;

	if (*slot < p->draft.n_segments && !strcmp(p->draft.segments[*slot].name, name))
		return *slot;
	for (i = 0; i < p->draft.n_segments && i < CORDON_NO_SEGMENT; i++)
		if (!strcmp(p->draft.segments[i].name, name))
			return *slot = i;
	return CORDON_NO_SEGMENT;
}

/**
 * policy_find_port - the port of a name
 * @p: the policy
 * @name: NUL-terminated
 *
 * Return: its place, or CORDON_ANY_PORT.
 */
u16 policy_find_port(const struct policy *p, const char *name)
{
	u32 i;

	for (i = 0; i < p->draft.n_ports && i < CORDON_ANY_PORT; i++)
		if (!strcmp(p->draft.ports[i].name, name))
			return i;
	return CORDON_ANY_PORT;
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/**
 * policy_ports_text - the ports that a device is tied to, by their names, of which the order says nothing
 * @d: the draft that has the device
 * @v: the device
 * @buf: where to
 *
 * Return: @buf; empty, it is tied to none.
 */
const char *policy_ports_text(const struct cordon_draft *d, const struct cordon_device_def *v,
			      char buf[POLICY_PORTS_LEN])
{
	const char *names[CORDON_MAX_DEVICE_PORTS];
	u32 i, n = 0;
	size_t at = 0;

	for (i = 0; i < cordon_device_ports(v) && i < CORDON_MAX_DEVICE_PORTS; i++)
		if (cordon_device_port(v, i) < d->n_ports)
			names[n++] = d->ports[cordon_device_port(v, i)].name;
	qsort(names, n, sizeof(*names), compare_names);
	buf[0] = 0;
	for (i = 0; i < n; i++)
		at += snprintf(buf + at, POLICY_PORTS_LEN - at, "%s%s", i ? ", " : "", names[i]);
	return buf;
}

/**
 * policy_seal - seal with the kernel's own code
 * @p: the policy
 * @out: the sealed policy, on success; free() it
 * @err: why not
 *
 * Return: 0, as cordon_policy_build(), or -ENOMEM.
 */
int policy_seal(const struct policy *p, struct cordon_policy **out, struct cordon_error *err)
{
	struct cordon_build how = { .pause = NULL };
	struct cordon_draft d = p->draft;
	struct cordon_policy *sealed;
	int tries = 0, ret = -ENOMEM;
	void *scratch;

	d.learners = cordon_draft_learners(&d);
	sealed = malloc(cordon_policy_size(&d));
	scratch = malloc(cordon_policy_scratch_size(&d));
	*err = (struct cordon_error){ CORDON_FAULT_NONE, CORDON_OBJECT_POLICY, 0, 0 };
	while (sealed && scratch && tries++ < CORDON_MAX_KEYS) {
		if (getentropy(&how.key, sizeof(how.key)) < 0)
			ret = -errno;
		else
			ret = cordon_policy_build(sealed, &d, &how, scratch, err);
		if (ret != -EAGAIN)
			break;
	}
	free(scratch);
	if (ret)
		free(sealed);
	else
		*out = sealed;
	return ret;
}

static const char *segment_name(const struct policy *p, u16 at)
{
	return at < p->draft.n_segments ? p->draft.segments[at].name : "?";
}

/* "device 'thermostat-1'"; the other one of a collision is named the same way. */
static void object_text(const struct policy *p, enum cordon_object object, u32 i,
			char *buf, size_t size)
{
	const struct cordon_draft *d = &p->draft;
	char addr[POLICY_ADDR_LEN];

	snprintf(buf, size, "policy");
	if (object == CORDON_OBJECT_PORT && i < d->n_ports)
		snprintf(buf, size, "port '%.*s'", CORDON_IFNAME_LEN, d->ports[i].name);
	else if (object == CORDON_OBJECT_UPLINK && i < d->n_uplinks)
		snprintf(buf, size, "uplink '%.*s'", CORDON_IFNAME_LEN, d->uplinks[i].name);
	else if (object == CORDON_OBJECT_INTERFACE && i < d->n_interfaces)
		snprintf(buf, size, "interface '%.*s' of segment '%s'", CORDON_IFNAME_LEN,
			 d->interfaces[i].name, segment_name(p, d->interfaces[i].segment));
	else if (object == CORDON_OBJECT_SEGMENT && i < d->n_segments)
		snprintf(buf, size, "segment '%.*s'", CORDON_NAME_LEN, d->segments[i].name);
	else if (object == CORDON_OBJECT_NETWORK && i < d->n_networks)
		snprintf(buf, size, "network '%s'", policy_network_text(&d->networks[i], addr));
	else if (object == CORDON_OBJECT_RULE && i < d->n_rules)
		snprintf(buf, size, "rule %u (%s -> %s)", i + 1,
			 segment_name(p, d->rules[i].from), segment_name(p, d->rules[i].to));
	else if (object == CORDON_OBJECT_DEVICE && i < d->n_devices)
		snprintf(buf, size, "device '%.*s'", CORDON_DEVICE_NAME_LEN, d->devices[i].name);
	else if (object == CORDON_OBJECT_ADDRESS && i < d->n_addresses)
		snprintf(buf, size, "address '%s'", policy_addr_text(&d->addresses[i], addr));
	else if (object == CORDON_OBJECT_SERVER && i < d->n_servers)
		snprintf(buf, size, "DHCP server '%s'", policy_addr_text(&d->servers[i], addr));
}

static const char * const faults[] = {
	[CORDON_FAULT_NONE] = "not enough memory",
	[CORDON_FAULT_TOO_MANY] = "too many",
	[CORDON_FAULT_NAME] = "a name must be letters, digits, '_', '-' and '.', and short enough",
	[CORDON_FAULT_BUILTIN] = "a built-in segment cannot stand here",
	[CORDON_FAULT_DUPLICATE_NAME] = "the name is taken by",
	[CORDON_FAULT_DUPLICATE_MAC] = "the MAC is taken by",
	[CORDON_FAULT_DUPLICATE_ADDRESS] = "already an address of",
	[CORDON_FAULT_DUPLICATE_NETWORK] = "the same as",
	[CORDON_FAULT_MAC] = "its MAC is a multicast one or zero",
	[CORDON_FAULT_ADDRESS] = "not an address that a device can have",
	[CORDON_FAULT_HOST_BITS] = "has host bits set",
	[CORDON_FAULT_UNKNOWN_SEGMENT] = "unknown segment",
	[CORDON_FAULT_UNKNOWN_PORT] = "unknown port",
	[CORDON_FAULT_NO_MATCH] = "allows nothing",
	[CORDON_FAULT_MATCH] = "a range is upside down or too large for its protocol",
	[CORDON_FAULT_LOOSER] = "demands less than its segment",
	[CORDON_FAULT_NO_ADDRESS] = "has no address",
	[CORDON_FAULT_LEASE] = "the lease must be at least a second and at most 365 days",
	[CORDON_FAULT_VALUE] = "a value that does not exist",
	[CORDON_FAULT_IS_PORT] = "is a port of this policy",
	[CORDON_FAULT_NO_NETWORK] = "its segment has no network",
	[CORDON_FAULT_VLAN] = "has a VLAN that is none, or without a port",
	[CORDON_FAULT_PORTS] = "is tied to too many ports, or to one of them twice",
	[CORDON_FAULT_NO_PORTS] = "names ports of a protocol that has none",
	[CORDON_FAULT_NOT_A_DEVICE] = "is no address of a device",
};

/* What is too many where the list itself, and not one object of it, is too long. */
static const char *list_text(enum cordon_object object)
{
	switch (object) {
	case CORDON_OBJECT_PORT:
		return "ports";
	case CORDON_OBJECT_UPLINK:
		return "uplinks";
	case CORDON_OBJECT_INTERFACE:
		return "interfaces of segments";
	case CORDON_OBJECT_SERVER:
		return "DHCP servers";
	case CORDON_OBJECT_SEGMENT:
		return "segments";
	case CORDON_OBJECT_NETWORK:
		return "networks";
	case CORDON_OBJECT_RULE:
		return "rules, or matches in them";
	case CORDON_OBJECT_DEVICE:
		return "devices";
	default:
		return "objects";
	}
}

/**
 * policy_error_text - a sentence for a core error
 * @p: the policy that was to be sealed
 * @err: what cordon_policy_build() said
 * @buf: where to; always terminated
 * @size: of @buf
 */
void policy_error_text(const struct policy *p, const struct cordon_error *err,
		       char *buf, size_t size)
{
	char what[160], other[160] = "";

	object_text(p, err->object, err->index, what, sizeof(what));
	if (err->fault == CORDON_FAULT_TOO_MANY && !strcmp(what, "policy")) {
		snprintf(buf, size, "policy: too many %s: %u", list_text(err->object), err->index);
		return;
	}
	switch (err->fault) {
	case CORDON_FAULT_DUPLICATE_NAME:
	case CORDON_FAULT_DUPLICATE_MAC:
	case CORDON_FAULT_DUPLICATE_ADDRESS:
	case CORDON_FAULT_DUPLICATE_NETWORK:
		other[0] = ' ';
		object_text(p, err->object == CORDON_OBJECT_ADDRESS ? CORDON_OBJECT_DEVICE :
			    err->object, err->other, other + 1, sizeof(other) - 1);
		break;
	case CORDON_FAULT_TOO_MANY:
		snprintf(other, sizeof(other), " %s",
			 err->object == CORDON_OBJECT_RULE ? "matches" : "addresses");
		break;
	default:
		break;
	}
	snprintf(buf, size, "%s: %s%s", what,
		 err->fault < sizeof(faults) / sizeof(faults[0]) ? faults[err->fault] :
		 "refused", other);
}
