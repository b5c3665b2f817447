// SPDX-License-Identifier: GPL-2.0
/* Which gateway has which policy in force: what each says of itself in etcd. */
#include <stdlib.h>
#include <string.h>

#include "fleet/policy.h"

#define PAGE	500	/* keys */
#define SHOWS	4	/* questions at once */

/**
 * struct fleet_show - a question that waits for etcd
 * @f: cordon-fleet
 * @next: the next question
 * @client: whom to answer
 * @id: of the question
 * @gateways: what is known of each, by name
 * @list: under way
 * @from: it is of from/; else of here/
 */
struct fleet_show {
	struct fleet *f;
	struct fleet_show *next;
	uint64_t client;
	json_t *id;
	json_t *gateways;
	struct etcd_list *list;
	bool from;
};

static void forget(struct fleet_show *s)
{
	struct fleet_show **at;

	if (s->list)
		etcd_list_free(s->list);
	for (at = &s->f->policy->shows; *at && *at != s; at = &(*at)->next)
		;
	if (*at)
		*at = s->next;
	json_decref(s->gateways);
	json_decref(s->id);
	free(s);
}

static void say(struct fleet_show *s, const char *is, json_t *more)
{
	json_t *id = s->id;

	s->id = NULL;
	fleet_answer(s->f, s->client, id, is, more);
	forget(s);
}

/** fleet_shows_end - whoever asked is told that nothing comes */
void fleet_shows_end(struct fleet_policy *p)
{
	while (p->shows)
		say(p->shows, "unreachable", json_pack("{s:s}", "why", "cordon-fleet ends, or begins anew"));
}

static void add_interfaces(json_t *to, json_t *from)
{
	json_t *one;
	size_t i;

	json_array_foreach(from, i, one)
		if (json_is_string(one))
			json_array_append(to, one);
}

static int add_gateway(const struct store_fleet_gateway *g, void *arg)
{
	json_t *value = g->value ? json_loads(g->value, 0, NULL) : NULL, *ports = json_array();

	add_interfaces(ports, json_object_get(value, "ports"));
	add_interfaces(ports, json_object_get(value, "uplinks"));
	json_object_set_new(arg, g->name, json_pack("{s:b,s:b,s:o,s:n}", "here", false, "expelled", !!g->expelled, "ports",
						    ports, "policy"));
	json_decref(value);
	return 0;
}

/* here/NAME, or from/NAME/policy. */
static void page(const struct etcd_answer *a, void *arg)
{
	struct fleet_show *s = arg;
	char name[STORE_GATEWAY_LEN];
	const char *rest, *slash;
	json_t *gateway;
	size_t i;

	for (i = 0; a->result == ETCD_OK && i < a->n; i++) {
		rest = a->kv[i].key + strlen("here/");
		slash = strchr(rest, '/');
		if (s->from ? !slash || strcmp(slash, "/policy") : !!slash)
			continue;
		snprintf(name, sizeof(name), "%.*s", (int)(slash ? (size_t)(slash - rest) : strlen(rest)), rest);
		gateway = json_object_get(s->gateways, name);
		if (gateway && s->from)
			json_object_set_new(gateway, "policy", json_loadb((const char *)a->kv[i].value, a->kv[i].len, 0, NULL));
		else if (gateway)
			json_object_set_new(gateway, "here", json_true());
	}
}

static json_t *answer(struct fleet_show *s)
{
	struct fleet_order o;
	json_t *order;

	if (fleet_order_read(&s->f->store, &o) || !o.number)
		order = json_null();
	else
		order = fleet_order_json(&o);
	if (json_is_object(order))
		json_object_set_new(order, "generation", json_integer(o.revision));
	return json_pack("{s:o,s:O,s:I}", "order", order, "gateways", s->gateways, "now", (json_int_t)time(NULL));
}

static void listed(const struct etcd_answer *a, void *arg)
{
	struct fleet_show *s = arg;

	s->list = NULL;
	if (a->result != ETCD_OK) {
		say(s, "unreachable", json_pack("{s:s}", "why", a->why));
		return;
	}
	if (s->from) {
		say(s, "done", answer(s));
		return;
	}
	s->from = true;
	s->list = etcd_list(s->f->etcd, "from/", PAGE, page, listed, s);
	if (!s->list)
		say(s, "unreachable", json_pack("{s:s}", "why", "too much else is under way to etcd"));
}

/** fleet_policies - the question "policy" */
void fleet_policies(struct fleet *f, uint64_t client, json_t *id, const json_t *q)
{
	struct fleet_show *s, *one;
	unsigned int n = 0;

	(void)q;
	for (one = f->policy ? f->policy->shows : NULL; one; one = one->next)
		n++;
	s = f->policy && n < SHOWS ? calloc(1, sizeof(*s)) : NULL;
	if (!s) {
		fleet_answer(f, client, id, "unreachable", json_pack("{s:s}", "why", "too many ask at once"));
		return;
	}
	*s = (struct fleet_show){ .f = f, .next = f->policy->shows, .client = client, .id = id, .gateways = json_object() };
	f->policy->shows = s;
	if (!fleet_is_root(f, client))
		say(s, "refused", json_pack("{s:s}", "why", "only root is told"));
	else if (store_fleet_gateway_each(&f->store, add_gateway, s->gateways))
		say(s, "refused", json_pack("{s:s}", "why", "the registry cannot be read"));
	else if (!(s->list = etcd_list(f->etcd, "here/", PAGE, page, listed, s)))
		say(s, "unreachable", json_pack("{s:s}", "why", "etcd is out of reach"));
}
