// SPDX-License-Identifier: GPL-2.0
/* What people ask: how it is, who is in the fleet; and what they say: this one is out, this history counts from now on. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <syslog.h>

#include "fleet/internal.h"
#include "lib/policy.h"

#define HERE	"here/"
#define FRESH	1	/* seconds */

/**
 * struct asked - a question that waits for who is connected
 * @entry: among all
 * @client: who asked
 * @id: of the question
 * @answer: so far
 */
struct asked {
	LIST_ENTRY(asked) entry;
	uint64_t client;
	json_t *id;
	json_t *answer;
};

/**
 * struct fleet_here - who is connected, asked once for all who want to know at a time
 * @asked: they
 * @list: of here/; NULL, none is on its way
 * @coming: what it has brought
 * @known: of each gateway, what it said; NULL, nothing is known
 * @until: for so long, by a clock that only goes on, seconds
 */
struct fleet_here {
	LIST_HEAD(, asked) asked;
	struct etcd_list *list;
	json_t *coming;
	json_t *known;
	time_t until;
};

static struct fleet_here here = { .asked = LIST_HEAD_INITIALIZER(here.asked) };

static void answer_all(struct fleet *f)
{
	struct asked *q, *next;

	for (q = LIST_FIRST(&here.asked); q; q = next) {
		next = LIST_NEXT(q, entry);
		LIST_REMOVE(q, entry);
		json_object_set_new(q->answer, "here", here.known ? json_incref(here.known) : json_null());
		fleet_answer(f, q->client, q->id, "done", q->answer);
		free(q);
	}
}

static void on_page(const struct etcd_answer *a, void *arg)
{
	const char *name;
	json_t *j;
	size_t i;

	(void)arg;
	for (i = 0; i < a->n; i++) {
		name = a->kv[i].key + strlen(HERE);
		if (!cordon_name_is_valid(name, STORE_GATEWAY_LEN))
			continue;
		j = json_loadb((const char *)a->kv[i].value, a->kv[i].len, 0, NULL);
		if (json_is_object(j))
			json_object_set(here.coming, name, j);
		json_decref(j);
	}
}

static void on_here(const struct etcd_answer *a, void *arg)
{
	here.list = NULL;
	json_decref(here.known);
	here.known = a->result == ETCD_OK ? json_incref(here.coming) : NULL;
	here.until = fleet_seconds() + FRESH;
	json_decref(here.coming);
	here.coming = NULL;
	answer_all(arg);
}

/* With who is connected, where etcd can be asked; else null. */
static void finish(struct fleet *f, uint64_t client, json_t *id, json_t *so_far)
{
	struct asked *q = calloc(1, sizeof(*q));

	if (!q) {
		json_decref(so_far);
		fleet_say_no(f, client, id, "unreachable", "out of memory");
		return;
	}
	*q = (struct asked){ .client = client, .id = id, .answer = so_far };
	LIST_INSERT_HEAD(&here.asked, q, entry);
	if (here.list)
		return;
	if (!fleet_replica_is_open(f) || f->at.refused) {
		json_decref(here.known);
		here.known = NULL;
	} else if (!here.known || fleet_seconds() >= here.until) {
		here.coming = json_object();
		here.list = etcd_list(f->etcd, HERE, 0, on_page, on_here, f);
		if (here.list)
			return;
		json_decref(here.coming);
		here.coming = NULL;
	}
	answer_all(f);
}

/** fleet_status_end - who still waits is not answered: etcd's client is gone, and calls nobody back */
void fleet_status_end(void)
{
	struct asked *q, *next;

	for (q = LIST_FIRST(&here.asked); q; q = next) {
		next = LIST_NEXT(q, entry);
		LIST_REMOVE(q, entry);
		json_decref(q->id);
		json_decref(q->answer);
		free(q);
	}
	json_decref(here.coming);
	json_decref(here.known);
}

static json_t *members(const struct fleet *f)
{
	json_t *list = json_array();
	size_t i;

	for (i = 0; i < f->config->fleet.n; i++)
		json_array_append_new(list, json_string(f->config->fleet.endpoints[i]));
	return list;
}

/**
 * fleet_status - how it is
 * @f: cordon-fleet
 * @client: who asks
 * @id: of the question
 * @q: it
 */
void fleet_status(struct fleet *f, uint64_t client, json_t *id, const json_t *q)
{
	char why[FLEET_WHY], digest[65] = "", cluster[24];
	uint64_t keys = 0, waiting = 0, strange = 0;
	uint8_t sum[32];
	time_t oldest = 0;
	json_t *j;

	(void)q;
	fleet_trouble(f, why);
	if (!store_fleet_digest(&f->store, sum, &keys))
		policy_hex_text(sum, sizeof(sum), digest);
	store_fleet_changed_count(&f->store, &waiting, &oldest);
	store_fleet_strange(&f->store, &strange);
	snprintf(cluster, sizeof(cluster), "%llx", (unsigned long long)f->at.cluster);
	j = json_pack("{s:s, s:b, s:I, s:I, s:s, s:b, s:b, s:b, s:s, s:I, s:s, s:I, s:I, s:I, s:I, s:I}", "gateway", f->at.gateway,
		      "reachable", f->reachable, "since", (json_int_t)f->since, "heard", (json_int_t)f->at.heard, "why", why,
		      "refused", f->at.refused, "expelled", f->expelled, "member", f->self != 0, "cluster", cluster, "revision",
		      (json_int_t)f->at.revision, "digest", digest, "keys", (json_int_t)keys, "waiting", (json_int_t)waiting,
		      "waiting_since", (json_int_t)(waiting ? oldest : 0), "strange", (json_int_t)strange, "now",
		      (json_int_t)time(NULL));
	json_object_set_new(j, "etcd", members(f));
	json_object_set_new(j, "policy", fleet_policy_status(f));
	finish(f, client, id, j);
}

static int add(const struct store_fleet_gateway *g, void *arg)
{
	json_t *j = json_pack("{s:I, s:s, s:o}", "expelled", (json_int_t)g->expelled, "why", g->why ? g->why : "", "value",
			      g->value ? json_loads(g->value, 0, NULL) : json_null());

	if (!j)
		return 0;
	return json_object_set_new(arg, g->name, j) ? -ENOMEM : 0;
}

/**
 * fleet_gateways - which gateways the fleet has
 * @f: cordon-fleet
 * @client: who asks
 * @id: of the question
 * @q: it
 */
void fleet_gateways(struct fleet *f, uint64_t client, json_t *id, const json_t *q)
{
	json_t *list = json_object();

	(void)q;
	if (store_fleet_gateway_each(&f->store, add, list)) {
		json_decref(list);
		fleet_say_no(f, client, id, "refused", f->store.error);
		return;
	}
	finish(f, client, id, json_pack("{s:o}", "gateways", list));
}

/**
 * fleet_rejoin - etcd's history is to count from now on; what it lacks of ours is written there again
 * @f: cordon-fleet
 * @client: who says so: root
 * @id: of the question
 * @q: it
 */
void fleet_rejoin(struct fleet *f, uint64_t client, json_t *id, const json_t *q)
{
	struct store_fleet at = f->at;
	int err;

	(void)q;
	if (!f->at.refused) {
		fleet_say_no(f, client, id, "refused", "etcd has the history that this registry has: there is nothing to rejoin");
		return;
	}
	at.refused = false;
	at.cluster = 0;
	at.revision = 0;
	at.witness[0] = 0;
	at.mod_revision = 0;
	err = store_begin(&f->store, true);
	if (!err) {
		err = store_fleet_note_all(&f->store, true);
		if (!err)
			err = store_fleet_put(&f->store, &at);
		if (!err)
			err = store_commit(&f->store);
		if (err)
			store_rollback(&f->store);
	}
	if (err) {
		fleet_say_no(f, client, id, "refused", f->store.error);
		return;
	}
	f->at = at;
	serve_log(LOG_NOTICE, "the history that etcd has counts from now on: its lists are taken over, and what it lost is put there",
		  NULL);
	fleet_anew(f);
	fleet_answer(f, client, id, "done", NULL);
}
