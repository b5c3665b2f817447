// SPDX-License-Identifier: GPL-2.0
/* Objects of a policy as netlink attributes. */
#include <net/netlink.h>

#include "clock.h"
#include "core/tls_hello.h"
#include "destinations.h"
#include "event.h"
#include "net.h"
#include "netfilter.h"
#include "netlink.h"
#include "ruleset.h"
#include "watch.h"

static int put_addr(struct sk_buff *skb, int type, const struct cordon_addr *a)
{
	__be64 v6[2] = { cpu_to_be64(a->hi), cpu_to_be64(a->lo) };
	__be32 v4 = cpu_to_be32((u32)a->lo);

	return cordon_addr_is_v4(a) ? nla_put(skb, type, sizeof(v4), &v4) :
				      nla_put(skb, type, sizeof(v6), v6);
}

static int end(struct sk_buff *skb, struct nlattr *nest, int err)
{
	if (err) {
		nla_nest_cancel(skb, nest);
		return -EMSGSIZE;
	}
	nla_nest_end(skb, nest);
	return 0;
}

static int put_tallies(struct sk_buff *skb, const struct cordon_tally *tally)
{
	struct nlattr *nest;
	u32 kind;
	int err = 0;

	for (kind = 0; !err && kind < CORDON_KINDS; kind++) {
		nest = nla_nest_start(skb, CORDON_A_STATS_ANOMALY);
		if (!nest)
			return -EMSGSIZE;
		err = nla_put_u32(skb, CORDON_A_COUNT_KIND, kind) ||
		      nla_put_u64_64bit(skb, CORDON_A_COUNT_COUNT,
					cordon_tally_count(tally, kind), CORDON_A_COUNT_PAD);
		err = end(skb, nest, err);
	}
	return err;
}

static int put_stats(struct sk_buff *skb, int type, const struct cordon_totals *t, u64 denied,
		     const struct cordon_tally *tally)
{
	struct nlattr *nest = nla_nest_start(skb, type);
	int err;

	if (!nest)
		return -EMSGSIZE;
	err = nla_put_u64_64bit(skb, CORDON_A_STATS_RX_PACKETS, t->rx_packets,
				CORDON_A_STATS_PAD) ||
	      nla_put_u64_64bit(skb, CORDON_A_STATS_RX_BYTES, t->rx_bytes, CORDON_A_STATS_PAD) ||
	      nla_put_u64_64bit(skb, CORDON_A_STATS_TX_PACKETS, t->tx_packets,
				CORDON_A_STATS_PAD) ||
	      nla_put_u64_64bit(skb, CORDON_A_STATS_TX_BYTES, t->tx_bytes, CORDON_A_STATS_PAD) ||
	      nla_put_u64_64bit(skb, CORDON_A_STATS_DENIED, denied, CORDON_A_STATS_PAD) ||
	      put_tallies(skb, tally);
	return end(skb, nest, err);
}

/**
 * cordon_fill_policy - summary of what is in force, and the namespace's totals
 * @skb: the message
 * @cn: the namespace
 * @rs: in force, or NULL
 */
int cordon_fill_policy(struct sk_buff *skb, struct cordon_net *cn,
		       const struct cordon_ruleset *rs)
{
	static const struct cordon_draft none;
	const struct cordon_draft *d = rs ? &rs->policy->draft : &none;
	struct cordon_totals sum = {}, one;
	s32 left = READ_ONCE(cn->deadline) - cordon_now();
	u32 i, n = rs ? READ_ONCE(rs->policy->places.n) : 0;

	n -= min(n, READ_ONCE(cn->unlisted.n));
	for (i = 0; i < d->n_segments; i++) {
		cordon_traffic_read(rs->segments[i]->traffic, &one);
		sum.rx_packets += one.rx_packets;
		sum.rx_bytes += one.rx_bytes;
	}
	if (nla_put_u32(skb, CORDON_A_GENERATION, READ_ONCE(cn->generation)) ||
	    nla_put_u32(skb, CORDON_A_MODE, d->mode) ||
	    nla_put_u32(skb, CORDON_A_LOCKDOWN, cordon_lockdown) ||
	    nla_put_u32(skb, CORDON_A_IN_FORCE, !!rs) ||
	    nla_put_u32(skb, CORDON_A_PORTS, d->n_ports) ||
	    nla_put_u32(skb, CORDON_A_UPLINKS, d->n_uplinks) ||
	    nla_put_u32(skb, CORDON_A_SEGMENTS, d->n_segments) ||
	    nla_put_u32(skb, CORDON_A_NETWORKS, d->n_networks) ||
	    nla_put_u32(skb, CORDON_A_RULES, d->n_rules) ||
	    nla_put_u32(skb, CORDON_A_DEVICES, n))
		return -EMSGSIZE;
	if (d->unknown && nla_put_string(skb, CORDON_A_UNKNOWN, d->segments[d->unknown].name))
		return -EMSGSIZE;
	for (i = 0; i < d->n_servers; i++)
		if (put_addr(skb, CORDON_A_DHCP_SERVER, &d->servers[i]))
			return -EMSGSIZE;
	if (READ_ONCE(cn->awaiting) &&
	    nla_put_u32(skb, CORDON_A_CONFIRM, left > 0 ? cordon_tick_seconds(left) : 0))
		return -EMSGSIZE;
	return put_stats(skb, CORDON_A_STATS, &sum, atomic64_read(&cn->denied), cn->tally);
}

/**
 * cordon_fill_port - a port
 * @skb: the message
 * @rs: in force
 * @i: its place
 */
int cordon_fill_port(struct sk_buff *skb, const struct cordon_ruleset *rs, u32 i)
{
	struct nlattr *nest = nla_nest_start(skb, CORDON_A_PORT);
	int ifindex = cordon_ports_ifindex(rcu_dereference(rs->ports), i);
	int err;

	if (!nest)
		return -EMSGSIZE;
	err = nla_put_string(skb, CORDON_A_PORT_NAME, rs->policy->draft.ports[i].name) ||
	      (ifindex && nla_put_u32(skb, CORDON_A_PORT_IFINDEX, ifindex));
	return end(skb, nest, err);
}

/**
 * cordon_fill_uplink - an uplink, as the policy names it
 * @skb: the message
 * @rs: in force
 * @i: its place
 */
int cordon_fill_uplink(struct sk_buff *skb, const struct cordon_ruleset *rs, u32 i)
{
	struct nlattr *nest = nla_nest_start(skb, CORDON_A_UPLINK);

	if (!nest)
		return -EMSGSIZE;
	return end(skb, nest, nla_put_string(skb, CORDON_A_UPLINK_NAME,
					     rs->policy->draft.uplinks[i].name));
}

static int put_interfaces(struct sk_buff *skb, const struct cordon_draft *d, u32 segment)
{
	u32 i;

	for (i = 0; i < d->n_interfaces; i++)
		if (d->interfaces[i].segment == segment &&
		    nla_put_string(skb, CORDON_A_SEGMENT_INTERFACE, d->interfaces[i].name))
			return -EMSGSIZE;
	return 0;
}

static int put_limits(struct sk_buff *skb, const struct cordon_segment_def *s)
{
	const struct cordon_limit *limits = s->limits;
	struct nlattr *nest;
	u32 kind;
	int err = 0;

	for (kind = 0; !err && kind < CORDON_KINDS; kind++) {
		if (!limits[kind].window)
			continue;
		nest = nla_nest_start(skb, CORDON_A_SEGMENT_LIMIT);
		if (!nest)
			return -EMSGSIZE;
		err = nla_put_u32(skb, CORDON_A_LIMIT_KIND, kind) ||
		      nla_put_u32(skb, CORDON_A_LIMIT_COUNT, limits[kind].count) ||
		      nla_put_u32(skb, CORDON_A_LIMIT_WINDOW, limits[kind].window) ||
		      nla_put_u32(skb, CORDON_A_LIMIT_ACTION, limits[kind].action) ||
		      (kind == CORDON_KIND_NEW_DESTINATION &&
		       nla_put_u32(skb, CORDON_A_LIMIT_LEARN, s->learn));
		err = end(skb, nest, err);
	}
	return err;
}

/**
 * cordon_fill_segment - a segment
 * @skb: the message
 * @rs: in force
 * @i: its place
 */
int cordon_fill_segment(struct sk_buff *skb, const struct cordon_ruleset *rs, u32 i)
{
	const struct cordon_segment_def *s = &rs->policy->draft.segments[i];
	struct nlattr *nest = nla_nest_start(skb, CORDON_A_SEGMENT);
	struct cordon_totals t;
	int err;

	if (!nest)
		return -EMSGSIZE;
	cordon_traffic_read(rs->segments[i]->traffic, &t);
	err = nla_put_string(skb, CORDON_A_SEGMENT_NAME, s->name) ||
	      nla_put_u32(skb, CORDON_A_SEGMENT_ID, i) ||
	      nla_put_u32(skb, CORDON_A_SEGMENT_AUTHENTICATION, s->authentication) ||
	      nla_put_u32(skb, CORDON_A_SEGMENT_ENCRYPTION, s->encryption) ||
	      nla_put_u32(skb, CORDON_A_SEGMENT_FIRMWARE_AUTO_UPDATE, s->firmware) ||
	      nla_put_u32(skb, CORDON_A_SEGMENT_ISOLATE, s->isolate) ||
	      nla_put_u32(skb, CORDON_A_SEGMENT_LEASE, s->lease) ||
	      nla_put_u32(skb, CORDON_A_SEGMENT_FIRMWARE_GRACE, s->grace) ||
	      nla_put_u32(skb, CORDON_A_SEGMENT_FIRMWARE_POSTPONE, s->postpone) ||
	      put_limits(skb, s) ||
	      put_interfaces(skb, &rs->policy->draft, i) ||
	      nla_put_u32(skb, CORDON_A_SEGMENT_DEVICES, cordon_ruleset_count(rs, i)) ||
	      nla_put_u64_64bit(skb, CORDON_A_SEGMENT_PACKETS, t.rx_packets,
				CORDON_A_SEGMENT_PAD) ||
	      nla_put_u64_64bit(skb, CORDON_A_SEGMENT_BYTES, t.rx_bytes,
				CORDON_A_SEGMENT_PAD) ||
	      nla_put_u64_64bit(skb, CORDON_A_SEGMENT_DENIED,
				atomic64_read(&rs->segments[i]->denied), CORDON_A_SEGMENT_PAD);
	return end(skb, nest, err);
}

/**
 * cordon_fill_network - a network
 * @skb: the message
 * @rs: in force
 * @i: its place
 */
int cordon_fill_network(struct sk_buff *skb, const struct cordon_ruleset *rs, u32 i)
{
	const struct cordon_draft *d = &rs->policy->draft;
	const struct cordon_network_def *n = &d->networks[i];
	struct nlattr *nest = nla_nest_start(skb, CORDON_A_NETWORK);
	int err;

	if (!nest)
		return -EMSGSIZE;
	err = put_addr(skb, CORDON_A_NETWORK_ADDRESS, &n->addr) ||
	      nla_put_u32(skb, CORDON_A_NETWORK_PREFIX_LEN,
			  cordon_addr_is_v4(&n->addr) ? n->len - 96 : n->len) ||
	      nla_put_string(skb, CORDON_A_NETWORK_SEGMENT, d->segments[n->segment].name);
	return end(skb, nest, err);
}

static int put_match(struct sk_buff *skb, const struct cordon_match *m)
{
	struct nlattr *nest = nla_nest_start(skb, CORDON_A_RULE_MATCH);
	int err = 0;

	if (!nest)
		return -EMSGSIZE;
	if (m->proto != CORDON_PROTO_ANY)
		err = nla_put_u32(skb, CORDON_A_MATCH_PROTOCOL, m->proto) ||
		      nla_put_u32(skb, CORDON_A_MATCH_LOW, m->lo) ||
		      nla_put_u32(skb, CORDON_A_MATCH_HIGH, m->hi);
	return end(skb, nest, err);
}

/**
 * cordon_fill_rule - a rule
 * @skb: the message
 * @rs: in force
 * @i: its place
 */
int cordon_fill_rule(struct sk_buff *skb, const struct cordon_ruleset *rs, u32 i)
{
	const struct cordon_draft *d = &rs->policy->draft;
	const struct cordon_rule_def *r = &d->rules[i];
	struct nlattr *nest = nla_nest_start(skb, CORDON_A_RULE);
	u32 j, used;
	s32 ago;
	int err;

	if (!nest)
		return -EMSGSIZE;
	err = nla_put_string(skb, CORDON_A_RULE_FROM, d->segments[r->from].name) ||
	      nla_put_string(skb, CORDON_A_RULE_TO, d->segments[r->to].name) ||
	      nla_put_u32(skb, CORDON_A_RULE_PLAINTEXT, r->plaintext) ||
	      nla_put_u32(skb, CORDON_A_RULE_RELATED, r->related) ||
	      nla_put_u32(skb, CORDON_A_RULE_INDEX, i);
	used = cordon_policy_rule_used(rs->policy, i);
	/* Another CPU's clock may be a step ahead of this one's. */
	ago = (s32)(cordon_jiffy_now() - used);
	if (!err && used)
		err = nla_put_u32(skb, CORDON_A_RULE_USED, cordon_jiffy_seconds(max(ago, 0)));
	for (j = 0; !err && j < r->n; j++)
		err = put_match(skb, &d->matches[r->first + j]);
	return end(skb, nest, err);
}

/* The ports that a device is tied to, each in an attribute. */
static int put_ports(struct sk_buff *skb, int type, const struct cordon_draft *d,
		     const struct cordon_device_def *v)
{
	int err = 0;
	u32 i;

	for (i = 0; !err && i < cordon_device_ports(v); i++)
		err = nla_put_string(skb, type, d->ports[cordon_device_port(v, i)].name);
	return err;
}

static int put_device_def(struct sk_buff *skb, const struct cordon_draft *d,
			  const struct cordon_device_def *v)
{
	u32 i;

	if (nla_put_string(skb, CORDON_A_DEVICE_NAME, v->name) ||
	    nla_put(skb, CORDON_A_DEVICE_MAC, ETH_ALEN, v->mac) ||
	    nla_put_string(skb, CORDON_A_DEVICE_SEGMENT, d->segments[v->segment].name))
		return -EMSGSIZE;
	for (i = 0; i < cordon_device_fixed(v); i++)
		if (put_addr(skb, CORDON_A_DEVICE_ADDRESS, &d->addresses[v->first + i]))
			return -EMSGSIZE;
	if (put_ports(skb, CORDON_A_DEVICE_PORT, d, v) ||
	    (v->authentication != CORDON_INHERIT &&
	     nla_put_u32(skb, CORDON_A_DEVICE_AUTHENTICATION, v->authentication)) ||
	    (v->encryption != CORDON_INHERIT &&
	     nla_put_u32(skb, CORDON_A_DEVICE_ENCRYPTION, v->encryption)) ||
	    (v->firmware != CORDON_INHERIT &&
	     nla_put_u32(skb, CORDON_A_DEVICE_FIRMWARE_AUTO_UPDATE, v->firmware)) ||
	    (v->learn && nla_put_u32(skb, CORDON_A_DEVICE_LEARN, v->learn)) ||
	    (v->roam && nla_put_u32(skb, CORDON_A_DEVICE_ROAM, v->roam)) ||
	    (v->vlan && nla_put_u32(skb, CORDON_A_DEVICE_VLAN, v->vlan)) ||
	    (v->model[0] && nla_put_string(skb, CORDON_A_DEVICE_MODEL, v->model)))
		return -EMSGSIZE;
	return 0;
}

/* Of a device that no policy lists, what is known of it. */
static int put_sighting(struct sk_buff *skb, const struct cordon_ruleset *rs,
			const struct cordon_device_def *v)
{
	struct cordon_sighting s;
	const struct cordon_dhcp_client *c = &s.client;

	if (!v->unlisted || !cordon_unlisted_get(&rs->cn->unlisted, v->mac, &s))
		return 0;
	return nla_put_u32(skb, CORDON_A_DEVICE_UNLISTED, 1) ||
	       nla_put_u32(skb, CORDON_A_DEVICE_FIRST_SEEN, cordon_unlisted_ago(s.first)) ||
	       nla_put_u32(skb, CORDON_A_DEVICE_LAST_SEEN, cordon_unlisted_ago(s.last)) ||
	       (c->hostname_len && nla_put(skb, CORDON_A_DEVICE_HOSTNAME, c->hostname_len,
					   c->hostname)) ||
	       (c->class_len && nla_put(skb, CORDON_A_DEVICE_VENDOR_CLASS, c->class_len,
					c->class)) ||
	       (c->n_parameters && nla_put(skb, CORDON_A_DEVICE_PARAMETERS, c->n_parameters,
					   c->parameters));
}

/* Where somebody looks where it goes, how many destinations of it are known. */
static int put_destinations(struct sk_buff *skb, const struct cordon_ruleset *rs, u32 i)
{
	const struct cordon_destinations *been = cordon_device_destinations(rs->devices[i]);
	const struct cordon_draft *d = &rs->policy->draft;
	u32 left;

	if (!been ||
	    !d->segments[d->devices[i].segment].limits[CORDON_KIND_NEW_DESTINATION].window)
		return 0;
	return nla_put_u32(skb, CORDON_A_DEVICE_DESTINATIONS, READ_ONCE(been->known.n)) ||
	       (cordon_destinations_left(been, &left) &&
		nla_put_u32(skb, CORDON_A_DEVICE_LEARNING, left));
}

/**
 * cordon_fill_device - a device, with state and counters
 * @skb: the message
 * @rs: in force
 * @i: its place
 */
int cordon_fill_device(struct sk_buff *skb, const struct cordon_ruleset *rs, u32 i)
{
	const struct cordon_draft *d = &rs->policy->draft;
	const struct cordon_device *device = rs->devices[i];
	struct nlattr *nest = nla_nest_start(skb, CORDON_A_DEVICE);
	struct cordon_end now = cordon_ruleset_end(rs, i);
	u8 certificate[CORDON_CERTIFICATE_LEN];
	char port[CORDON_IFNAME_LEN];
	struct cordon_totals t;
	int err;

	if (!nest)
		return -EMSGSIZE;
	cordon_traffic_read(device->traffic, &t);
	err = put_device_def(skb, d, &d->devices[i]) || put_sighting(skb, rs, &d->devices[i]) ||
	      put_destinations(skb, rs, i) ||
	      nla_put_u32(skb, CORDON_A_DEVICE_STATE, now.state) ||
	      nla_put_string(skb, CORDON_A_DEVICE_EFFECTIVE_SEGMENT,
			     d->segments[now.segment].name) ||
	      nla_put_u32(skb, CORDON_A_DEVICE_LEASE, cordon_device_lease_seconds(device)) ||
	      nla_put_u32(skb, CORDON_A_DEVICE_OUTDATED,
			  test_bit(CORDON_DEVICE_OUTDATED, &device->flags)) ||
	      put_stats(skb, CORDON_A_DEVICE_STATS, &t, atomic64_read(&device->denied),
			cordon_device_anomalies(device)) ||
	      (cordon_device_certificate(device, certificate) &&
	       nla_put(skb, CORDON_A_DEVICE_CERTIFICATE, sizeof(certificate), certificate)) ||
	      (cordon_device_lease_port(device, port) &&
	       nla_put_string(skb, CORDON_A_DEVICE_LEASE_PORT, port));
	return end(skb, nest, err);
}

/**
 * cordon_fill_binding - a binding
 * @skb: the message
 * @rs: in force
 * @i: place of its address
 */
int cordon_fill_binding(struct sk_buff *skb, const struct cordon_ruleset *rs, u32 i)
{
	const struct cordon_draft *d = &rs->policy->draft;
	const struct cordon_device_def *v = &d->devices[rs->policy->owner[i]];
	struct nlattr *nest = nla_nest_start(skb, CORDON_A_BINDING);
	struct cordon_binding b = { .origin = CORDON_ORIGIN_POLICY };
	int err;

	if (!nest)
		return -EMSGSIZE;
	/* What it has lost just now has ended. */
	if (i >= v->first + cordon_device_fixed(v) &&
	    !cordon_learned_find(&rs->cn->learned, v->mac, &d->addresses[i], &b))
		cordon_binding_init(&b, &d->addresses[i], CORDON_ORIGIN_DHCP, 1);
	err = put_addr(skb, CORDON_A_BINDING_ADDRESS, &d->addresses[i]) ||
	      nla_put_u32(skb, CORDON_A_BINDING_ORIGIN, b.origin) ||
	      (b.end && nla_put_u32(skb, CORDON_A_BINDING_LEASE, cordon_binding_seconds(&b))) ||
	      nla_put(skb, CORDON_A_BINDING_MAC, ETH_ALEN, v->mac) ||
	      nla_put_string(skb, CORDON_A_BINDING_NAME, v->name) ||
	      put_ports(skb, CORDON_A_BINDING_PORT, d, v);
	return end(skb, nest, err);
}

/**
 * cordon_fill_learned - a binding that was learned, as it is told
 * @skb: the message
 * @def: of its device
 * @b: the binding
 * @ended: it has ended
 */
int cordon_fill_learned(struct sk_buff *skb, const struct cordon_device_def *def,
			const struct cordon_binding *b, bool ended)
{
	struct nlattr *nest = nla_nest_start(skb, CORDON_A_BINDING);
	int err;

	if (!nest)
		return -EMSGSIZE;
	err = put_addr(skb, CORDON_A_BINDING_ADDRESS, &b->addr) ||
	      nla_put(skb, CORDON_A_BINDING_MAC, ETH_ALEN, def->mac) ||
	      nla_put_string(skb, CORDON_A_BINDING_NAME, def->name) ||
	      nla_put_u32(skb, CORDON_A_BINDING_ORIGIN, b->origin) ||
	      ((ended || b->end) && nla_put_u32(skb, CORDON_A_BINDING_LEASE,
						ended ? 0 : cordon_binding_seconds(b)));
	return end(skb, nest, err);
}

/**
 * cordon_fill_anomaly - an anomaly
 * @skb: the message
 * @a: the anomaly
 */
int cordon_fill_anomaly(struct sk_buff *skb, const struct cordon_anomaly *a)
{
	struct nlattr *nest = nla_nest_start(skb, CORDON_A_ANOMALY);
	char name[CORDON_TLS_NAME_LEN + 1] = "";
	int err, i;

	if (!nest)
		return -EMSGSIZE;
	if (a->tls)
		memcpy(name, a->tls->name, a->tls->name_len);
	err = nla_put_u32(skb, CORDON_A_ANOMALY_KIND, a->kind) ||
	      (a->mac && nla_put(skb, CORDON_A_ANOMALY_MAC, ETH_ALEN, a->mac)) ||
	      (a->name && nla_put_string(skb, CORDON_A_ANOMALY_NAME, a->name)) ||
	      (a->ifindex && nla_put_u32(skb, CORDON_A_ANOMALY_IFINDEX, a->ifindex)) ||
	      put_addr(skb, CORDON_A_ANOMALY_SOURCE, &a->flow->src) ||
	      put_addr(skb, CORDON_A_ANOMALY_DESTINATION, &a->flow->dst) ||
	      nla_put_u32(skb, CORDON_A_ANOMALY_PROTOCOL, a->flow->proto) ||
	      nla_put_u32(skb, CORDON_A_ANOMALY_DPORT, a->flow->dport) ||
	      nla_put_u32(skb, CORDON_A_ANOMALY_SUPPRESSED, a->suppressed) ||
	      nla_put_u32(skb, CORDON_A_ANOMALY_DENIED, a->denied) ||
	      (a->acted && nla_put_u32(skb, CORDON_A_ANOMALY_ACTION, a->action)) ||
	      (name[0] && nla_put_string(skb, CORDON_A_ANOMALY_SERVER_NAME, name)) ||
	      (a->tls && a->tls->offered &&
	       nla_put_u32(skb, CORDON_A_ANOMALY_TLS_OFFERED, a->tls->offered)) ||
	      (a->tls && a->tls->selected &&
	       nla_put_u32(skb, CORDON_A_ANOMALY_TLS_SELECTED, a->tls->selected));
	for (i = 0; !err && i < a->n_ports; i++)
		err = nla_put_string(skb, CORDON_A_ANOMALY_PORT, a->ports[i]);
	return end(skb, nest, err);
}

/**
 * cordon_fill_interface - an interface
 * @skb: the message
 * @r: what it is
 */
int cordon_fill_interface(struct sk_buff *skb, const struct cordon_report *r)
{
	struct nlattr *nest = nla_nest_start(skb, CORDON_A_INTERFACE);
	int err;

	if (!nest)
		return -EMSGSIZE;
	err = nla_put_string(skb, CORDON_A_INTERFACE_NAME, r->name) ||
	      (r->ifindex && nla_put_u32(skb, CORDON_A_INTERFACE_IFINDEX, r->ifindex)) ||
	      nla_put_u32(skb, CORDON_A_INTERFACE_ROLE, r->role) ||
	      nla_put_u32(skb, CORDON_A_INTERFACE_LISTED, r->listed) ||
	      (r->named_by && nla_put_string(skb, CORDON_A_INTERFACE_NAMED_BY, r->named_by)) ||
	      nla_put_u32(skb, CORDON_A_INTERFACE_CLOSED, r->closed) ||
	      (r->other[0] && nla_put_string(skb, CORDON_A_INTERFACE_OTHER, r->other)) ||
	      nla_put_u32(skb, CORDON_A_INTERFACE_UP, r->up);
	return end(skb, nest, err);
}
