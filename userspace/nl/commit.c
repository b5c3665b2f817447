// SPDX-License-Identifier: GPL-2.0
/* A policy on its way into the kernel: many objects to a message. */
#include <stdio.h>
#include <string.h>

#include "nl/nl.h"

#define FULL (28 * 1024)	/* a message that has this much is sent */

/**
 * struct commit - a transaction under way
 * @nl: the connection
 * @msg: being filled, or NULL
 * @d: what is staged
 * @begin: what it begins with
 * @done: objects
 * @all: objects
 * @progress: told after each message, may be NULL
 */
struct commit {
	struct cnl *nl;
	struct nl_msg *msg;
	const struct cordon_draft *d;
	const struct cnl_begin *begin;
	u32 done;
	u32 all;
	void (*progress)(u32 done, u32 all);
};

static int flush(struct commit *c)
{
	struct nl_msg *msg = c->msg;

	c->msg = NULL;
	if (!msg)
		return 0;
	if (c->progress)
		c->progress(c->done, c->all);
	return cnl_talk(c->nl, msg, NULL, NULL);
}

/* The object that put() makes of place @i, in this message or the next. */
static int stage(struct commit *c, int (*put)(struct commit *c, u32 i), u32 i)
{
	int err = 0;

	if (c->msg && nlmsg_hdr(c->msg)->nlmsg_len >= FULL)
		err = flush(c);
	if (!err && !c->msg) {
		c->msg = cnl_message(c->nl, CORDON_CMD_STAGE, 0);
		if (!c->msg) {
			snprintf(c->nl->error, sizeof(c->nl->error), "out of memory");
			return -ENOMEM;
		}
	}
	c->done++;
	return err ? err : put(c, i);
}

static int put_mode(struct commit *c, u32 i)
{
	(void)i;
	return nla_put_u32(c->msg, CORDON_A_MODE, c->d->mode);
}

static int put_port(struct commit *c, u32 i)
{
	struct nlattr *nest = nla_nest_start(c->msg, CORDON_A_PORT);
	int err = nla_put_string(c->msg, CORDON_A_PORT_NAME, c->d->ports[i].name);

	nla_nest_end(c->msg, nest);
	return err;
}

static int put_uplink(struct commit *c, u32 i)
{
	struct nlattr *nest = nla_nest_start(c->msg, CORDON_A_UPLINK);
	int err = nla_put_string(c->msg, CORDON_A_UPLINK_NAME, c->d->uplinks[i].name);

	nla_nest_end(c->msg, nest);
	return err;
}

static int put_server(struct commit *c, u32 i)
{
	return cnl_put_addr(c->msg, CORDON_A_DHCP_SERVER, &c->d->servers[i]);
}

static int put_unknown(struct commit *c, u32 i)
{
	(void)i;
	return nla_put_string(c->msg, CORDON_A_UNKNOWN, c->d->segments[c->d->unknown].name);
}

static int put_interfaces(struct commit *c, u32 segment)
{
	const struct cordon_draft *d = c->d;
	u32 i;

	for (i = 0; i < d->n_interfaces; i++)
		if (d->interfaces[i].segment == segment &&
		    nla_put_string(c->msg, CORDON_A_SEGMENT_INTERFACE, d->interfaces[i].name))
			return -NLE_NOMEM;
	return 0;
}

static int put_limit(struct nl_msg *msg, u32 kind, const struct cordon_segment_def *s)
{
	const struct cordon_limit *l = &s->limits[kind];
	struct nlattr *nest = nla_nest_start(msg, CORDON_A_SEGMENT_LIMIT);
	int err;

	err = nla_put_u32(msg, CORDON_A_LIMIT_KIND, kind) ||
	      nla_put_u32(msg, CORDON_A_LIMIT_COUNT, l->count) ||
	      nla_put_u32(msg, CORDON_A_LIMIT_WINDOW, l->window) ||
	      nla_put_u32(msg, CORDON_A_LIMIT_ACTION, l->action) ||
	      (kind == CORDON_KIND_NEW_DESTINATION && nla_put_u32(msg, CORDON_A_LIMIT_LEARN, s->learn));
	nla_nest_end(msg, nest);
	return err;
}

static int put_segment(struct commit *c, u32 i)
{
	const struct cordon_segment_def *s = &c->d->segments[i];
	struct nlattr *nest = nla_nest_start(c->msg, CORDON_A_SEGMENT);
	u32 kind;
	int err;

	err = nla_put_string(c->msg, CORDON_A_SEGMENT_NAME, s->name) ||
	      nla_put_u32(c->msg, CORDON_A_SEGMENT_AUTHENTICATION, s->authentication) ||
	      nla_put_u32(c->msg, CORDON_A_SEGMENT_ENCRYPTION, s->encryption) ||
	      nla_put_u32(c->msg, CORDON_A_SEGMENT_FIRMWARE_AUTO_UPDATE, s->firmware) ||
	      nla_put_u32(c->msg, CORDON_A_SEGMENT_ISOLATE, s->isolate) ||
	      nla_put_u32(c->msg, CORDON_A_SEGMENT_LEASE, s->lease) ||
	      nla_put_u32(c->msg, CORDON_A_SEGMENT_FIRMWARE_GRACE, s->grace) ||
	      nla_put_u32(c->msg, CORDON_A_SEGMENT_FIRMWARE_POSTPONE, s->postpone);
	for (kind = 0; !err && kind < CORDON_KINDS; kind++)
		if (s->limits[kind].window)
			err = put_limit(c->msg, kind, s);
	if (!err)
		err = put_interfaces(c, i);
	nla_nest_end(c->msg, nest);
	return err;
}

static int put_network(struct commit *c, u32 i)
{
	const struct cordon_network_def *n = &c->d->networks[i];
	struct nlattr *nest = nla_nest_start(c->msg, CORDON_A_NETWORK);
	int err;

	err = cnl_put_addr(c->msg, CORDON_A_NETWORK_ADDRESS, &n->addr) ||
	      nla_put_u32(c->msg, CORDON_A_NETWORK_PREFIX_LEN,
			  cordon_addr_is_v4(&n->addr) ? n->len - 96 : n->len) ||
	      nla_put_string(c->msg, CORDON_A_NETWORK_SEGMENT, c->d->segments[n->segment].name);
	nla_nest_end(c->msg, nest);
	return err;
}

static int put_match(struct nl_msg *msg, const struct cordon_match *m)
{
	struct nlattr *nest = nla_nest_start(msg, CORDON_A_RULE_MATCH);
	int err = 0;

	if (m->proto != CORDON_PROTO_ANY)
		err = nla_put_u32(msg, CORDON_A_MATCH_PROTOCOL, m->proto) ||
		      nla_put_u32(msg, CORDON_A_MATCH_LOW, m->lo) ||
		      nla_put_u32(msg, CORDON_A_MATCH_HIGH, m->hi);
	/* An empty nest stands for everything: it must not be trimmed. */
	nla_nest_end_keep_empty(msg, nest);
	return err;
}

static int put_rule(struct commit *c, u32 i)
{
	const struct cordon_rule_def *r = &c->d->rules[i];
	struct nlattr *nest = nla_nest_start(c->msg, CORDON_A_RULE);
	u32 j;
	int err;

	err = nla_put_string(c->msg, CORDON_A_RULE_FROM, c->d->segments[r->from].name) ||
	      nla_put_string(c->msg, CORDON_A_RULE_TO, c->d->segments[r->to].name) ||
	      nla_put_u32(c->msg, CORDON_A_RULE_PLAINTEXT, r->plaintext) ||
	      nla_put_u32(c->msg, CORDON_A_RULE_RELATED, r->related);
	for (j = 0; !err && j < r->n; j++)
		err = put_match(c->msg, &c->d->matches[r->first + j]);
	nla_nest_end(c->msg, nest);
	return err;
}

static int put_start(struct nl_msg *msg, const struct cnl_start *s)
{
	int err = 0;

	if (s->quarantined)
		err = nla_put_u32(msg, CORDON_A_DEVICE_STATE, CORDON_STATE_QUARANTINED);
	if (!err && s->outdated)
		err = nla_put_u32(msg, CORDON_A_DEVICE_OUTDATED, 1);
	if (!err && s->leased)
		err = nla_put_u32(msg, CORDON_A_DEVICE_LEASE, s->lease);
	if (!err && s->leased && s->lease_port[0])
		err = nla_put_string(msg, CORDON_A_DEVICE_LEASE_PORT, s->lease_port);
	if (!err && s->leased && s->has_certificate)
		err = nla_put(msg, CORDON_A_DEVICE_CERTIFICATE, sizeof(s->certificate), s->certificate);
	return err;
}

static int put_device(struct commit *c, u32 i)
{
	const struct cordon_device_def *v = &c->d->devices[i];
	struct nlattr *nest = nla_nest_start(c->msg, CORDON_A_DEVICE);
	u32 j;
	int err;

	err = nla_put_string(c->msg, CORDON_A_DEVICE_NAME, v->name) ||
	      nla_put(c->msg, CORDON_A_DEVICE_MAC, 6, v->mac) ||
	      nla_put_string(c->msg, CORDON_A_DEVICE_SEGMENT, c->d->segments[v->segment].name);
	for (j = 0; !err && j < cordon_device_fixed(v); j++)
		err = cnl_put_addr(c->msg, CORDON_A_DEVICE_ADDRESS,
				  &c->d->addresses[v->first + j]);
	if (!err && v->learn)
		err = nla_put_u32(c->msg, CORDON_A_DEVICE_LEARN, v->learn);
	if (!err && v->roam)
		err = nla_put_u32(c->msg, CORDON_A_DEVICE_ROAM, v->roam);
	for (j = 0; !err && j < cordon_device_ports(v); j++)
		err = nla_put_string(c->msg, CORDON_A_DEVICE_PORT, c->d->ports[cordon_device_port(v, j)].name);
	if (!err && v->vlan)
		err = nla_put_u32(c->msg, CORDON_A_DEVICE_VLAN, v->vlan);
	if (!err && v->authentication != CORDON_INHERIT)
		err = nla_put_u32(c->msg, CORDON_A_DEVICE_AUTHENTICATION, v->authentication);
	if (!err && v->encryption != CORDON_INHERIT)
		err = nla_put_u32(c->msg, CORDON_A_DEVICE_ENCRYPTION, v->encryption);
	if (!err && v->firmware != CORDON_INHERIT)
		err = nla_put_u32(c->msg, CORDON_A_DEVICE_FIRMWARE_AUTO_UPDATE, v->firmware);
	if (!err && v->model[0])
		err = nla_put_string(c->msg, CORDON_A_DEVICE_MODEL, v->model);
	if (!err && c->begin->starts)
		err = put_start(c->msg, &c->begin->starts[i]);
	nla_nest_end(c->msg, nest);
	return err;
}

static int put_binding(struct commit *c, u32 i)
{
	return cnl_put_binding(c->msg, &c->begin->bindings[i]);
}

static int put_destinations(struct commit *c, u32 i)
{
	return cnl_put_destinations(c->msg, &c->begin->destinations[i]);
}

static int stage_all(struct commit *c)
{
	const struct {
		int (*put)(struct commit *c, u32 i);
		u32 from;
		u32 n;
	} lists[] = {
		{ put_mode, 0, 1 },
		{ put_port, 0, c->d->n_ports },
		{ put_uplink, 0, c->d->n_uplinks },
		{ put_segment, CORDON_BUILTIN_SEGMENTS, c->d->n_segments },
		{ put_network, 0, c->d->n_networks },
		{ put_rule, 0, c->d->n_rules },
		{ put_device, 0, c->d->n_devices },
		{ put_server, 0, c->d->n_servers },
		{ put_unknown, 0, !!c->d->unknown },
		{ put_binding, 0, c->begin->n_bindings },
		{ put_destinations, 0, c->begin->n_destinations },
	};
	int err = 0;
	size_t l;
	u32 i;

	for (l = 0; l < sizeof(lists) / sizeof(*lists); l++)
		for (i = lists[l].from; !err && i < lists[l].n; i++)
			err = stage(c, lists[l].put, i);
	return err ? err : flush(c);
}

static int read_generation(struct nlattr **tb, void *arg)
{
	if (!tb[CORDON_A_GENERATION])
		return -EPROTO;
	*(u32 *)arg = nla_get_u32(tb[CORDON_A_GENERATION]);
	return 0;
}

/**
 * cnl_commit - replace the kernel's policy
 * @nl: the connection
 * @p: the policy
 * @begin: what it begins with, or NULL
 * @generation: the one that it takes over from
 * @confirm: seconds within which cnl_confirm() must come, 0 for never
 * @committed: the new generation
 * @progress: told now and then, may be NULL
 */
int cnl_commit(struct cnl *nl, const struct policy *p, const struct cnl_begin *begin, u32 generation,
	       u32 confirm, u32 *committed, void (*progress)(u32 done, u32 all))
{
	static const struct cnl_begin anew;
	const struct cordon_draft *d = &p->draft;
	struct commit c = {
		.nl = nl, .d = d, .begin = begin ? begin : &anew, .progress = progress,
		.all = 1 + d->n_ports + d->n_uplinks + d->n_segments - CORDON_BUILTIN_SEGMENTS +
		       d->n_networks + d->n_rules + d->n_devices + d->n_servers + !!d->unknown +
		       (begin ? begin->n_bindings + begin->n_destinations : 0),
	};
	struct nl_msg *msg;
	int err;

	msg = cnl_message(nl, CORDON_CMD_BEGIN, 0);
	if (msg)
		nla_put_u32(msg, CORDON_A_GENERATION, generation);
	err = cnl_talk(nl, msg, NULL, NULL);
	if (err)
		return err;
	err = stage_all(&c);
	nlmsg_free(c.msg);
	if (err) {
		char why[CNL_ERROR_LEN];

		/* The abort's own answer must not hide the reason. */
		memcpy(why, nl->error, sizeof(why));
		cnl_talk(nl, cnl_message(nl, CORDON_CMD_ABORT, 0), NULL, NULL);
		memcpy(nl->error, why, sizeof(why));
		return err;
	}
	msg = cnl_message(nl, CORDON_CMD_COMMIT, 0);
	if (msg && confirm)
		nla_put_u32(msg, CORDON_A_CONFIRM, confirm);
	return cnl_talk(nl, msg, read_generation, committed);
}
