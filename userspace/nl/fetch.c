// SPDX-License-Identifier: GPL-2.0
/* What the kernel holds, as a policy and as objects. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nl/nl.h"

static u32 get_u32(struct nlattr *attr, u32 otherwise)
{
	return attr ? nla_get_u32(attr) : otherwise;
}

static u64 get_u64(struct nlattr *attr)
{
	return attr ? nla_get_u64(attr) : 0;
}

static void get_string(struct nlattr *attr, char *out, size_t size)
{
	if (attr)
		nla_strlcpy(out, attr, size);
}

static int read_stats(struct nlattr *nest, struct cnl_stats *out)
{
	struct nlattr *tb[CORDON_A_STATS_MAX + 1], *count[CORDON_A_COUNT_MAX + 1], *attr;
	int rest;
	u32 kind;

	if (nla_parse_nested(tb, CORDON_A_STATS_MAX, nest, NULL))
		return -EPROTO;
	out->rx_packets = get_u64(tb[CORDON_A_STATS_RX_PACKETS]);
	out->rx_bytes = get_u64(tb[CORDON_A_STATS_RX_BYTES]);
	out->tx_packets = get_u64(tb[CORDON_A_STATS_TX_PACKETS]);
	out->tx_bytes = get_u64(tb[CORDON_A_STATS_TX_BYTES]);
	out->denied = get_u64(tb[CORDON_A_STATS_DENIED]);
	nla_for_each_nested(attr, nest, rest) {
		if (nla_type(attr) != CORDON_A_STATS_ANOMALY)
			continue;
		if (nla_parse_nested(count, CORDON_A_COUNT_MAX, attr, NULL))
			return -EPROTO;
		kind = get_u32(count[CORDON_A_COUNT_KIND], CORDON_KINDS);
		if (kind < CORDON_KINDS)
			out->anomalies[kind] = get_u64(count[CORDON_A_COUNT_COUNT]);
	}
	return 0;
}

int cnl_read_summary(struct nlattr **tb, struct cnl_summary *out)
{
	memset(out, 0, sizeof(*out));
	out->generation = get_u32(tb[CORDON_A_GENERATION], 0);
	out->mode = get_u32(tb[CORDON_A_MODE], 0);
	/* A module that does not tell has one in force from the first commit on, roll-backs apart. */
	out->in_force = get_u32(tb[CORDON_A_IN_FORCE], !!out->generation);
	out->awaiting = tb[CORDON_A_CONFIRM];
	out->confirm = get_u32(tb[CORDON_A_CONFIRM], 0);
	out->lockdown = get_u32(tb[CORDON_A_LOCKDOWN], 0);
	out->ports = get_u32(tb[CORDON_A_PORTS], 0);
	out->uplinks = get_u32(tb[CORDON_A_UPLINKS], 0);
	out->segments = get_u32(tb[CORDON_A_SEGMENTS], 0);
	out->networks = get_u32(tb[CORDON_A_NETWORKS], 0);
	out->rules = get_u32(tb[CORDON_A_RULES], 0);
	out->devices = get_u32(tb[CORDON_A_DEVICES], 0);
	get_string(tb[CORDON_A_UNKNOWN], out->unknown, sizeof(out->unknown));
	return tb[CORDON_A_STATS] ? read_stats(tb[CORDON_A_STATS], &out->stats) : 0;
}

static int read_addresses(struct nlattr *nest, struct cnl_device *out)
{
	struct nlattr *attr;
	int rest;

	nla_for_each_nested(attr, nest, rest)
		if (nla_type(attr) == CORDON_A_DEVICE_ADDRESS &&
		    (out->def.n == CORDON_MAX_DEVICE_ADDRESSES ||
		     cnl_read_addr(attr, &out->addresses[out->def.n++])))
			return -EPROTO;
	return 0;
}

/* Text of whoever sent it. */
static void get_text(const struct nlattr *attr, char *out, size_t size)
{
	size_t i, n = attr ? (size_t)nla_len(attr) : 0;
	const unsigned char *in = attr ? nla_data(attr) : NULL;

	for (i = 0; i < n && i + 1 < size; i++)
		out[i] = in[i] >= 0x20 && in[i] < 0x7f ? (char)in[i] : '?';
	out[i] = 0;
}

static void read_sighting(struct nlattr **tb, struct cnl_sighting *out)
{
	const struct nlattr *attr = tb[CORDON_A_DEVICE_PARAMETERS];
	const unsigned char *in = attr ? nla_data(attr) : NULL;
	int i, n = attr ? nla_len(attr) : 0;
	size_t at = 0;

	out->first = get_u32(tb[CORDON_A_DEVICE_FIRST_SEEN], 0);
	out->last = get_u32(tb[CORDON_A_DEVICE_LAST_SEEN], 0);
	get_text(tb[CORDON_A_DEVICE_HOSTNAME], out->hostname, sizeof(out->hostname));
	get_text(tb[CORDON_A_DEVICE_VENDOR_CLASS], out->vendor_class, sizeof(out->vendor_class));
	for (i = 0; i < n && at + 5 < sizeof(out->parameters); i++)
		at += snprintf(out->parameters + at, sizeof(out->parameters) - at, "%s%u", i ? "," : "", in[i]);
}

/* Return: 0; -EPROTO, there are more than a device can have: those that there is room for are read. */
int cnl_read_ports(struct nlattr *nest, int type, struct cnl_ports *out)
{
	struct nlattr *attr;
	int rest;

	out->n = 0;
	nla_for_each_nested(attr, nest, rest) {
		if (nla_type(attr) != type)
			continue;
		if (out->n == CORDON_MAX_DEVICE_PORTS)
			return -EPROTO;
		get_string(attr, out->name[out->n++], sizeof(out->name[0]));
	}
	return 0;
}

int cnl_read_device(struct nlattr *nest, struct cnl_device *out)
{
	struct nlattr *tb[CORDON_A_DEVICE_MAX + 1], *attr;
	int err;

	memset(out, 0, sizeof(*out));
	if (nla_parse_nested(tb, CORDON_A_DEVICE_MAX, nest, NULL) ||
	    !tb[CORDON_A_DEVICE_MAC] || nla_len(tb[CORDON_A_DEVICE_MAC]) != 6)
		return -EPROTO;
	memcpy(out->def.mac, nla_data(tb[CORDON_A_DEVICE_MAC]), 6);
	get_string(tb[CORDON_A_DEVICE_NAME], out->def.name, sizeof(out->def.name));
	get_string(tb[CORDON_A_DEVICE_MODEL], out->def.model, sizeof(out->def.model));
	get_string(tb[CORDON_A_DEVICE_SEGMENT], out->segment, sizeof(out->segment));
	get_string(tb[CORDON_A_DEVICE_EFFECTIVE_SEGMENT], out->effective_segment,
		   sizeof(out->effective_segment));
	out->def.authentication = get_u32(tb[CORDON_A_DEVICE_AUTHENTICATION], CORDON_INHERIT);
	out->def.encryption = get_u32(tb[CORDON_A_DEVICE_ENCRYPTION], CORDON_INHERIT);
	out->def.firmware = get_u32(tb[CORDON_A_DEVICE_FIRMWARE_AUTO_UPDATE], CORDON_INHERIT);
	/* A module that does not tell learns nothing. */
	out->def.learn = get_u32(tb[CORDON_A_DEVICE_LEARN], CORDON_LEARN_NONE);
	out->def.roam = get_u32(tb[CORDON_A_DEVICE_ROAM], 0);
	out->def.vlan = get_u32(tb[CORDON_A_DEVICE_VLAN], 0);
	out->def.unlisted = get_u32(tb[CORDON_A_DEVICE_UNLISTED], 0);
	read_sighting(tb, &out->sighting);
	out->has_destinations = tb[CORDON_A_DEVICE_DESTINATIONS];
	out->destinations = get_u32(tb[CORDON_A_DEVICE_DESTINATIONS], 0);
	out->has_learning = tb[CORDON_A_DEVICE_LEARNING];
	out->learning = get_u32(tb[CORDON_A_DEVICE_LEARNING], 0);
	out->state = get_u32(tb[CORDON_A_DEVICE_STATE], 0);
	out->lease = get_u32(tb[CORDON_A_DEVICE_LEASE], 0);
	out->outdated = get_u32(tb[CORDON_A_DEVICE_OUTDATED], 0);
	attr = tb[CORDON_A_DEVICE_CERTIFICATE];
	out->has_certificate = attr;
	if (attr && nla_len(attr) != sizeof(out->certificate))
		return -EPROTO;
	if (attr)
		memcpy(out->certificate, nla_data(attr), sizeof(out->certificate));
	get_string(tb[CORDON_A_DEVICE_LEASE_PORT], out->lease_port, sizeof(out->lease_port));
	if (tb[CORDON_A_DEVICE_STATS] && read_stats(tb[CORDON_A_DEVICE_STATS], &out->stats))
		return -EPROTO;
	err = cnl_read_ports(nest, CORDON_A_DEVICE_PORT, &out->ports);
	return err ? err : read_addresses(nest, out);
}

/**
 * struct fetch - a policy on its way out of the kernel
 * @p: what is there so far
 * @runtime: likewise, may be NULL
 * @n_devices: length of @runtime->devices
 * @n_segments: length of @runtime->segments
 * @last: the segment or port that was named last, since neighbours are often alike
 */
struct fetch {
	struct policy *p;
	struct cnl_runtime *runtime;
	u32 n_devices;
	u32 n_segments;
	u16 last;
};

static int on_port(struct nlattr **tb, void *arg)
{
	struct nlattr *port[CORDON_A_PORT_MAX + 1];
	struct cordon_port_def *def;
	struct fetch *f = arg;

	if (!tb[CORDON_A_PORT] ||
	    nla_parse_nested(port, CORDON_A_PORT_MAX, tb[CORDON_A_PORT], NULL))
		return -EPROTO;
	def = policy_add_port(f->p);
	if (!def)
		return -ENOMEM;
	get_string(port[CORDON_A_PORT_NAME], def->name, sizeof(def->name));
	return 0;
}

static int read_limits(struct nlattr *nest, struct cordon_segment_def *def)
{
	struct nlattr *limit[CORDON_A_LIMIT_MAX + 1], *attr;
	int rest;
	u32 kind;

	nla_for_each_nested(attr, nest, rest) {
		if (nla_type(attr) != CORDON_A_SEGMENT_LIMIT)
			continue;
		if (nla_parse_nested(limit, CORDON_A_LIMIT_MAX, attr, NULL))
			return -EPROTO;
		kind = get_u32(limit[CORDON_A_LIMIT_KIND], CORDON_KINDS);
		if (kind >= CORDON_KINDS)
			continue;
		def->limits[kind].count = get_u32(limit[CORDON_A_LIMIT_COUNT], 0);
		def->limits[kind].window = get_u32(limit[CORDON_A_LIMIT_WINDOW], 0);
		def->limits[kind].action = get_u32(limit[CORDON_A_LIMIT_ACTION], 0);
		def->learn = get_u32(limit[CORDON_A_LIMIT_LEARN], def->learn);
	}
	return 0;
}

static int read_segment(struct nlattr *nest, struct cnl_segment *out)
{
	struct nlattr *tb[CORDON_A_SEGMENT_MAX + 1];

	memset(out, 0, sizeof(*out));
	cordon_segment_def_init(&out->def);
	if (nla_parse_nested(tb, CORDON_A_SEGMENT_MAX, nest, NULL))
		return -EPROTO;
	get_string(tb[CORDON_A_SEGMENT_NAME], out->def.name, sizeof(out->def.name));
	out->def.authentication = get_u32(tb[CORDON_A_SEGMENT_AUTHENTICATION], 0);
	out->def.encryption = get_u32(tb[CORDON_A_SEGMENT_ENCRYPTION], 0);
	out->def.firmware = get_u32(tb[CORDON_A_SEGMENT_FIRMWARE_AUTO_UPDATE], 0);
	out->def.isolate = get_u32(tb[CORDON_A_SEGMENT_ISOLATE], 1);
	out->def.lease = get_u32(tb[CORDON_A_SEGMENT_LEASE], CORDON_DEFAULT_LEASE);
	out->def.grace = get_u32(tb[CORDON_A_SEGMENT_FIRMWARE_GRACE], CORDON_DEFAULT_GRACE);
	out->def.postpone = get_u32(tb[CORDON_A_SEGMENT_FIRMWARE_POSTPONE], CORDON_DEFAULT_POSTPONE);
	out->id = get_u32(tb[CORDON_A_SEGMENT_ID], 0);
	out->devices = get_u32(tb[CORDON_A_SEGMENT_DEVICES], 0);
	out->packets = get_u64(tb[CORDON_A_SEGMENT_PACKETS]);
	out->bytes = get_u64(tb[CORDON_A_SEGMENT_BYTES]);
	out->denied = get_u64(tb[CORDON_A_SEGMENT_DENIED]);
	return read_limits(nest, &out->def);
}

/* The list with room for place @n: its length doubles whenever it is a power of two. */
static void *grow(void *list, u32 n, size_t size)
{
	return n & (n - 1) ? list : reallocarray(list, n ? 2 * (size_t)n : 1, size);
}

static int on_uplink(struct nlattr **tb, void *arg)
{
	struct nlattr *uplink[CORDON_A_UPLINK_MAX + 1];
	struct cordon_uplink_def *def;
	struct fetch *f = arg;

	if (!tb[CORDON_A_UPLINK] ||
	    nla_parse_nested(uplink, CORDON_A_UPLINK_MAX, tb[CORDON_A_UPLINK], NULL))
		return -EPROTO;
	def = policy_add_uplink(f->p);
	if (!def)
		return -ENOMEM;
	get_string(uplink[CORDON_A_UPLINK_NAME], def->name, sizeof(def->name));
	return 0;
}

/* Of the segment that was read last. */
static int read_interfaces(struct fetch *f, struct nlattr *nest)
{
	struct cordon_interface_def *def;
	struct nlattr *attr;
	int rest;

	nla_for_each_nested(attr, nest, rest) {
		if (nla_type(attr) != CORDON_A_SEGMENT_INTERFACE)
			continue;
		def = policy_add_interface(f->p);
		if (!def)
			return -ENOMEM;
		get_string(attr, def->name, sizeof(def->name));
	}
	return 0;
}

static int on_segment(struct nlattr **tb, void *arg)
{
	struct cordon_segment_def *def;
	struct cnl_segment read, *list;
	struct fetch *f = arg;

	if (!tb[CORDON_A_SEGMENT] || read_segment(tb[CORDON_A_SEGMENT], &read))
		return -EPROTO;
	/* A new policy has the built-in ones, and the kernel tells them first. */
	if (f->n_segments >= CORDON_BUILTIN_SEGMENTS) {
		def = policy_add_segment(f->p);
		if (!def)
			return -ENOMEM;
		*def = read.def;
		if (read_interfaces(f, tb[CORDON_A_SEGMENT]))
			return -ENOMEM;
	}
	list = grow(f->runtime->segments, f->n_segments, sizeof(read));
	if (!list)
		return -ENOMEM;
	f->runtime->segments = list;
	f->runtime->segments[f->n_segments++] = read;
	return 0;
}

static int find_segment(struct fetch *f, struct nlattr *attr, u16 *segment)
{
	const char *name = attr ? nla_get_string(attr) : "";

	if (f->last >= f->p->draft.n_segments ||
	    strcmp(f->p->draft.segments[f->last].name, name))
		f->last = policy_find_segment(f->p, name);
	*segment = f->last;
	return f->last == CORDON_NO_SEGMENT ? -EAGAIN : 0;
}

static int on_network(struct nlattr **tb, void *arg)
{
	struct nlattr *network[CORDON_A_NETWORK_MAX + 1];
	struct cordon_network_def *def;
	struct fetch *f = arg;

	if (!tb[CORDON_A_NETWORK] ||
	    nla_parse_nested(network, CORDON_A_NETWORK_MAX, tb[CORDON_A_NETWORK], NULL) ||
	    !network[CORDON_A_NETWORK_ADDRESS])
		return -EPROTO;
	def = policy_add_network(f->p);
	if (!def)
		return -ENOMEM;
	if (cnl_read_addr(network[CORDON_A_NETWORK_ADDRESS], &def->addr))
		return -EPROTO;
	def->len = get_u32(network[CORDON_A_NETWORK_PREFIX_LEN], 0);
	if (cordon_addr_is_v4(&def->addr))
		def->len += 96;
	return find_segment(f, network[CORDON_A_NETWORK_SEGMENT], &def->segment);
}

static int read_matches(struct fetch *f, struct nlattr *nest)
{
	struct nlattr *match[CORDON_A_MATCH_MAX + 1], *attr;
	struct cordon_match *m;
	int rest;

	nla_for_each_nested(attr, nest, rest) {
		if (nla_type(attr) != CORDON_A_RULE_MATCH)
			continue;
		if (nla_parse_nested(match, CORDON_A_MATCH_MAX, attr, NULL))
			return -EPROTO;
		m = policy_add_match(f->p);
		if (!m)
			return -ENOMEM;
		m->proto = get_u32(match[CORDON_A_MATCH_PROTOCOL], CORDON_PROTO_ANY);
		m->lo = get_u32(match[CORDON_A_MATCH_LOW], 0);
		m->hi = get_u32(match[CORDON_A_MATCH_HIGH], 0);
	}
	return 0;
}

static int on_rule(struct nlattr **tb, void *arg)
{
	struct nlattr *rule[CORDON_A_RULE_MAX + 1];
	struct cordon_rule_def *def;
	struct cnl_rule_use *list;
	struct fetch *f = arg;
	u32 n = f->p->draft.n_rules;
	int err;

	if (!tb[CORDON_A_RULE] ||
	    nla_parse_nested(rule, CORDON_A_RULE_MAX, tb[CORDON_A_RULE], NULL))
		return -EPROTO;
	def = policy_add_rule(f->p);
	if (!def)
		return -ENOMEM;
	def->plaintext = get_u32(rule[CORDON_A_RULE_PLAINTEXT], 0);
	def->related = get_u32(rule[CORDON_A_RULE_RELATED], 0);
	err = find_segment(f, rule[CORDON_A_RULE_FROM], &def->from);
	if (!err)
		err = find_segment(f, rule[CORDON_A_RULE_TO], &def->to);
	if (!err)
		err = read_matches(f, tb[CORDON_A_RULE]);
	if (err)
		return err;
	list = grow(f->runtime->rules, n, sizeof(*list));
	if (!list)
		return -ENOMEM;
	f->runtime->rules = list;
	list[n] = (struct cnl_rule_use){ rule[CORDON_A_RULE_USED], get_u32(rule[CORDON_A_RULE_USED], 0) };
	return 0;
}

/* Return: 0; -EAGAIN, the policy has no such port: another one is in force by now. */
static int tie_device(const struct policy *p, struct cordon_device_def *def, const struct cnl_ports *ports)
{
	u32 i;
	u16 port;

	def->port = CORDON_ANY_PORT;
	for (i = 0; i < ports->n; i++) {
		port = policy_find_port(p, ports->name[i]);
		if (port == CORDON_ANY_PORT)
			return -EAGAIN;
		cordon_device_add_port(def, port);
	}
	return 0;
}

static int add_device(struct fetch *f, const struct cnl_device *read)
{
	struct cordon_device_def *def = policy_add_device(f->p);
	struct cordon_addr *addr;
	u32 i, first;

	if (!def)
		return -ENOMEM;
	first = def->first;
	*def = read->def;
	def->first = first;
	def->n = def->fixed = 0;
	if (f->last >= f->p->draft.n_segments ||
	    strcmp(f->p->draft.segments[f->last].name, read->segment))
		f->last = policy_find_segment(f->p, read->segment);
	def->segment = f->last;
	if (def->segment == CORDON_NO_SEGMENT || tie_device(f->p, def, &read->ports))
		return -EAGAIN;
	for (i = 0; i < read->def.n; i++) {
		addr = policy_add_address(f->p);
		if (!addr)
			return -ENOMEM;
		*addr = read->addresses[i];
	}
	return 0;
}

static int on_device(struct nlattr **tb, void *arg)
{
	struct cnl_device *read, *list;
	struct fetch *f = arg;

	list = grow(f->runtime->devices, f->n_devices, sizeof(*read));
	if (!list)
		return -ENOMEM;
	f->runtime->devices = list;
	read = &list[f->n_devices];
	if (!tb[CORDON_A_DEVICE] || cnl_read_device(tb[CORDON_A_DEVICE], read))
		return -EPROTO;
	/* It is none of the policy's. */
	if (read->def.unlisted)
		return 0;
	f->n_devices++;
	return add_device(f, read);
}

struct each {
	int (*each)(const struct cnl_segment *segment, void *arg);
	void *arg;
};

static int on_each(struct nlattr **tb, void *arg)
{
	struct cnl_segment segment;
	struct each *e = arg;

	if (!tb[CORDON_A_SEGMENT] || read_segment(tb[CORDON_A_SEGMENT], &segment))
		return -EPROTO;
	return e->each(&segment, e->arg);
}

/**
 * cnl_segment_each - every segment, built-in ones included
 * @nl: the connection
 * @each: told of each
 * @arg: for @each
 *
 * Return: -EAGAIN, the policy changed meanwhile and some may be missing.
 */
int cnl_segment_each(struct cnl *nl, int (*each)(const struct cnl_segment *segment, void *arg), void *arg)
{
	struct each e = { each, arg };

	return cnl_talk(nl, cnl_message(nl, CORDON_CMD_SEGMENT_GET, NLM_F_DUMP), on_each, &e);
}

static int on_server(struct nlattr *attr, void *arg)
{
	struct cordon_addr *server;
	struct fetch *f = arg;

	if (nla_type(attr) != CORDON_A_DHCP_SERVER)
		return 0;
	server = policy_add_server(f->p);
	if (!server)
		return -ENOMEM;
	return cnl_read_addr(attr, server);
}

static int fetch_once(struct cnl *nl, struct fetch *f)
{
	static const struct {
		u8 cmd;
		int (*on)(struct nlattr **tb, void *arg);
	} dumps[] = {
		{ CORDON_CMD_PORT_GET, on_port },
		{ CORDON_CMD_UPLINK_GET, on_uplink },
		{ CORDON_CMD_SEGMENT_GET, on_segment },
		{ CORDON_CMD_NETWORK_GET, on_network },
		{ CORDON_CMD_RULE_GET, on_rule },
		{ CORDON_CMD_DEVICE_GET, on_device },
	};
	struct cnl_summary before, after;
	int err = cnl_summary(nl, &before);
	size_t i;

	for (i = 0; !err && i < sizeof(dumps) / sizeof(*dumps); i++)
		err = cnl_talk(nl, cnl_message(nl, dumps[i].cmd, NLM_F_DUMP), dumps[i].on, f);
	if (!err)
		err = cnl_talk_each(nl, cnl_message(nl, CORDON_CMD_POLICY_GET, 0), on_server, f);
	if (!err)
		err = cnl_summary(nl, &after);
	if (!err && before.generation != after.generation)
		err = -EAGAIN;
	if (!err) {
		f->p->generation = after.generation;
		f->p->draft.mode = after.mode;
		f->p->draft.unknown = after.unknown[0] ? policy_find_segment(f->p, after.unknown) :
							 CORDON_SEGMENT_GATEWAY;
	}
	return err;
}

/**
 * cnl_runtime_free - free what cnl_fetch() gave
 * @runtime: emptied
 */
void cnl_runtime_free(struct cnl_runtime *runtime)
{
	free(runtime->devices);
	free(runtime->segments);
	free(runtime->rules);
	runtime->devices = NULL;
	runtime->segments = NULL;
	runtime->rules = NULL;
}

/**
 * cnl_fetch - the policy in force, of one generation
 * @nl: the connection
 * @out: the policy
 * @runtime: state and counters, of that moment
 *
 * Tried again when another policy came into force meanwhile.
 */
int cnl_fetch(struct cnl *nl, struct policy **out, struct cnl_runtime *runtime)
{
	struct fetch f;
	int tries, err;

	for (tries = 0; tries < 20; tries++) {
		runtime->devices = NULL;
		runtime->segments = NULL;
		runtime->rules = NULL;
		f = (struct fetch){ .p = policy_new(), .runtime = runtime };
		if (!f.p) {
			snprintf(nl->error, sizeof(nl->error), "out of memory");
			return -ENOMEM;
		}
		err = fetch_once(nl, &f);
		if (!err) {
			*out = f.p;
			return 0;
		}
		policy_free(f.p);
		cnl_runtime_free(runtime);
		if (err != -EAGAIN)
			return err;
	}
	snprintf(nl->error, sizeof(nl->error), "the policy changes faster than it can be read");
	return err;
}
