// SPDX-License-Identifier: GPL-2.0
/* Expel a gateway: all others refuse what its CA signed, and it writes nothing any more. */
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <syslog.h>

#include "fleet/internal.h"
#include "lib/policy.h"

#define WHY	256
#define ROW	32768	/* bytes of a row that is kept beside the mark: escaped anew it is longer, and 64 KiB are read */

/**
 * struct asked - a question on its way
 * @entry: among all
 * @f: cordon-fleet
 * @client: who asked
 * @id: of the question
 * @name: of the gateway
 * @why: in words
 * @value: of its row, as it is to be
 */
struct asked {
	LIST_ENTRY(asked) entry;
	struct fleet *f;
	uint64_t client;
	json_t *id;
	char name[STORE_GATEWAY_LEN];
	char why[WHY];
	char *value;
};

static LIST_HEAD(, asked) all = LIST_HEAD_INITIALIZER(all);

static void forget(struct asked *q)
{
	LIST_REMOVE(q, entry);
	free(q->value);
	free(q);
}

static void say_no(struct asked *q, const char *is, const char *why)
{
	fleet_say_no(q->f, q->client, q->id, is, why);
	forget(q);
}

/** fleet_expel_end - who still waits is not answered: etcd's client is gone, and calls nobody back */
void fleet_expel_end(void)
{
	struct asked *q, *next;

	for (q = LIST_FIRST(&all); q; q = next) {
		next = LIST_NEXT(q, entry);
		json_decref(q->id);
		forget(q);
	}
}

static void done(const struct etcd_answer *a, void *arg)
{
	struct asked *q = arg;

	if (a->result == ETCD_OK && a->succeeded) {
		serve_log(LOG_WARNING, "a gateway is expelled", "gateway", q->name, "why", q->why, NULL);
		fleet_answer(q->f, q->client, q->id, "done", NULL);
		forget(q);
	} else if (a->result == ETCD_OK) {
		say_no(q, "again", "not expelled: this gateway's own row has just changed; call it again");
	} else {
		say_no(q, a->result == ETCD_REFUSED ? "refused" : "unreachable", a->why);
	}
}

/* The gateway wrote the row itself: what of it others could not read would keep them from reading that it is out. */
static void mark(struct asked *q, const struct etcd_kv *kv)
{
	json_t *row = kv && kv->len <= ROW ? json_loadb((const char *)kv->value, kv->len, 0, NULL) : NULL;

	if (!json_is_object(row)) {
		/* What makes no sense is out all the same. */
		json_decref(row);
		row = json_object();
	}
	json_object_set_new(row, "v", json_integer(1));
	json_object_set_new(row, "expelled", json_integer(time(NULL)));
	json_object_set_new(row, "why", json_string(q->why));
	json_object_set_new(row, "by", json_string(q->f->at.gateway));
	q->value = json_dumps(row, JSON_COMPACT | JSON_SORT_KEYS);
	json_decref(row);
}

/* It may have deleted its row itself; then what it has issued says that there was one. */
static bool has_issued(struct asked *q)
{
	bool has;

	return !store_fleet_has_issued(&q->f->store, q->name, &has) && has;
}

static void got(const struct etcd_answer *a, void *arg)
{
	struct asked *q = arg;
	char self[ETCD_KEY_MAX], key[ETCD_KEY_MAX];
	/* Not that the row is as it was read: a gateway that goes on writing it would not be cut out. */
	const struct etcd_compare compare = { .key = self, .target = ETCD_MOD, .number = q->f->self };
	struct etcd_op op = { .verb = ETCD_PUT, .key = key };
	const struct etcd_txn t = { .compares = &compare, .n_compares = 1, .then = &op, .n_then = 1 };
	bool known, expelled = false;

	if (a->result != ETCD_OK) {
		say_no(q, "unreachable", a->why);
		return;
	}
	if (!a->n && !has_issued(q)) {
		say_no(q, "refused", "the fleet has no such gateway");
		return;
	}
	/* By the registry, which is what counts: in etcd it may say so itself, in a way that nobody else reads. */
	if (!store_fleet_gateway_get(&q->f->store, q->name, &known, &expelled) && expelled) {
		say_no(q, "refused", "it is expelled already");
		return;
	}
	mark(q, a->n ? &a->kv[0] : NULL);
	snprintf(self, sizeof(self), "all/gateway/%s", q->f->at.gateway);
	snprintf(key, sizeof(key), "all/gateway/%s", q->name);
	op.value = q->value;
	op.len = q->value ? strlen(q->value) : 0;
	if (!q->value || !etcd_txn(q->f->etcd, &t, 0, done, q))
		say_no(q, "unreachable", "out of memory, or too much waits for etcd");
}

/**
 * fleet_expel - a gateway is out from now on
 * @f: cordon-fleet
 * @client: who says so: root
 * @id: of the question
 * @question: it
 */
void fleet_expel(struct fleet *f, uint64_t client, json_t *id, const json_t *question)
{
	const char *name = json_string_value(json_object_get(question, "gateway"));
	const char *why = json_string_value(json_object_get(question, "why"));
	char key[ETCD_KEY_MAX];
	struct asked *q;

	if (!name || !cordon_name_is_valid(name, STORE_GATEWAY_LEN) || !why || !*why || strlen(why) >= WHY) {
		fleet_say_no(f, client, id, "refused", "expel: the name of a gateway and a reason are wanted");
		return;
	}
	if (!strcmp(name, f->at.gateway)) {
		fleet_say_no(f, client, id, "refused", "a gateway does not expel itself: another one does");
		return;
	}
	q = f->reachable ? calloc(1, sizeof(*q)) : NULL;
	if (!q) {
		fleet_say_no(f, client, id, "unreachable", f->reachable ? "out of memory" : "etcd is out of reach");
		return;
	}
	*q = (struct asked){ .f = f, .client = client, .id = id };
	snprintf(q->name, sizeof(q->name), "%s", name);
	snprintf(q->why, sizeof(q->why), "%s", why);
	LIST_INSERT_HEAD(&all, q, entry);
	snprintf(key, sizeof(key), "all/gateway/%s", name);
	if (!etcd_get(f->etcd, key, 0, got, q))
		say_no(q, "unreachable", "too much waits for etcd");
}
