// SPDX-License-Identifier: GPL-2.0
/*
 * Somebody at this gateway orders another policy for the fleet, or confirms it.
 *
 *	writer --> registry has it --> texts ... --> texts and order, or as many transactions as these need
 *
 * Each transaction compares the writer's key, and changes it: two who order at once never mix, and nobody's change is
 * lost. Gateways look at texts when the order comes, which is in the last transaction.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <time.h>

#include "fleet/policy.h"
#include "lib/yaml_fleet.h"

#define PUTS	(ETCD_OPS - 2)		/* of texts, beside the writer's key and the order */
#define BYTES	(1200U << 10)		/* of texts in a transaction: etcd takes 1.5 MiB */

struct text {
	char *key;
	char *value;
	size_t len;
};

/**
 * struct fleet_change - an order under way
 * @f: cordon-fleet
 * @client: whom to answer
 * @id: of the question
 * @q: the question
 * @confirming: no texts: the order that there is, for good
 * @call: on its way to etcd; NULL, none
 * @writer: mod revision of the writer's key; 0, not there
 * @order: what is ordered
 * @texts: what is to be written
 * @n: how many
 * @next: the first that is not written yet
 * @last: the transaction under way has the order
 */
struct fleet_change {
	struct fleet *f;
	uint64_t client;
	json_t *id;
	json_t *q;
	bool confirming;
	struct etcd_call *call;
	int64_t writer;
	struct fleet_order order;
	struct text *texts;
	size_t n;
	size_t next;
	bool last;
};

static void forget(struct fleet_change *c)
{
	size_t i;

	if (c->call)
		etcd_cancel(c->call);
	for (i = 0; i < c->n; i++) {
		free(c->texts[i].key);
		free(c->texts[i].value);
	}
	free(c->texts);
	json_decref(c->q);
	json_decref(c->id);
	if (c->f->policy && c->f->policy->change == c)
		c->f->policy->change = NULL;
	free(c);
}

static void say(struct fleet_change *c, const char *is, json_t *more)
{
	json_t *id = c->id;

	c->id = NULL;
	fleet_answer(c->f, c->client, id, is, more);
	forget(c);
}

__attribute__((format(printf, 3, 4)))
static void fail(struct fleet_change *c, const char *is, const char *fmt, ...)
{
	char why[512];
	va_list args;

	va_start(args, fmt);
	vsnprintf(why, sizeof(why), fmt, args);
	va_end(args);
	say(c, is, json_pack("{s:s}", "why", why));
}

/** fleet_change_end - what is under way is given up, and whoever ordered is told */
void fleet_change_end(struct fleet_policy *p)
{
	if (p->change)
		fail(p->change, "unreachable", "cordon-fleet ends, or begins anew: whether a policy is ordered shows 'cordonctl "
		     "fleet policy'");
}

static void done(struct fleet_change *c)
{
	char number[32];

	snprintf(number, sizeof(number), "%lld", (long long)c->order.number);
	serve_log(LOG_NOTICE, c->confirming ? "the fleet's policy is confirmed" : "a policy is ordered for the fleet", "number",
		  number, NULL);
	say(c, "done", json_pack("{s:I,s:I}", "number", (json_int_t)c->order.number, "changed", (json_int_t)c->n));
}

/* The answer was lost: whose order is there now? */
static void looked(const struct etcd_answer *a, void *arg)
{
	struct fleet_change *c = arg;
	struct fleet_order there = { 0 };

	c->call = NULL;
	if (a->result == ETCD_OK && a->n)
		fleet_order_parse((const char *)a->kv[0].value, a->kv[0].len, &there);
	if (there.number == c->order.number && there.until == c->order.until && !strcmp(there.by, c->order.by))
		done(c);
	else if (a->result == ETCD_OK)
		fail(c, "unreachable", "etcd did not answer, and has not taken it: nothing has changed");
	else
		fail(c, "unreachable", "etcd does not answer: whether policy %lld is ordered 'cordonctl fleet policy' shows when "
		     "etcd is back", (long long)c->order.number);
}

static void write_next(struct fleet_change *c);

static void written(const struct etcd_answer *a, void *arg)
{
	struct fleet_change *c = arg;

	c->call = NULL;
	if (a->result == ETCD_OK && a->succeeded) {
		c->writer = a->revision;
		if (c->last)
			done(c);
		else
			write_next(c);
	} else if (a->result == ETCD_OK) {
		fail(c, "refused", "somebody else ordered a policy meanwhile, or this gateway was expelled: nothing has changed; "
		     "look at 'cordonctl fleet policy', and call it again");
	} else if (c->last && a->unsure) {
		c->call = etcd_get(c->f->etcd, POLICY_ORDER, 0, looked, c);
		if (!c->call)
			fail(c, "unreachable", "whether it is ordered is not known: see 'cordonctl fleet policy'");
	} else {
		fail(c, a->result == ETCD_REFUSED ? "refused" : "unreachable", "nothing has changed: %s", a->why);
	}
}

/* As many texts as fit, and the order where these are the last. */
static void write_next(struct fleet_change *c)
{
	char self[STORE_KEY_LEN], *order = NULL, by[STORE_GATEWAY_LEN + 32];
	struct etcd_compare same[] = {
		{ .key = self, .target = ETCD_MOD, .number = c->f->self },
		{ .key = POLICY_WRITER, .target = ETCD_MOD, .number = c->writer },
	};
	struct etcd_op puts[ETCD_OPS] = {
		{ .verb = ETCD_PUT, .key = POLICY_WRITER, .value = by },
	};
	struct etcd_txn t = { .compares = same, .n_compares = 2, .then = puts, .n_then = 1 };
	size_t bytes = 0;
	json_t *json;

	if (c->f->expelled) {
		fail(c, "refused", "nothing has changed: this gateway was expelled");
		return;
	}
	snprintf(self, sizeof(self), "all/gateway/%s", c->f->config->fleet.gateway);
	puts[0].len = snprintf(by, sizeof(by), "{\"v\":1,\"by\":\"%s\"}", c->f->config->fleet.gateway);
	for (; c->next < c->n && t.n_then <= PUTS && (!bytes || bytes + c->texts[c->next].len <= BYTES); c->next++) {
		puts[t.n_then++] = (struct etcd_op){
			.verb = ETCD_PUT, .key = c->texts[c->next].key, .value = c->texts[c->next].value,
			.len = c->texts[c->next].len,
		};
		bytes += c->texts[c->next].len;
	}
	c->last = c->next == c->n;
	if (c->last) {
		json = fleet_order_json(&c->order);
		order = json_dumps(json, JSON_COMPACT);
		json_decref(json);
		puts[t.n_then++] = (struct etcd_op){
			.verb = ETCD_PUT, .key = POLICY_ORDER, .value = order, .len = order ? strlen(order) : 0,
		};
	}
	c->call = c->last && !order ? NULL : etcd_txn(c->f->etcd, &t, 0, written, c);
	free(order);
	if (!c->call)
		fail(c, "unreachable", "nothing has changed: too much else is under way to etcd");
}

/* Return: false, it was answered. */
static bool add_text(struct fleet_change *c, const char *key, json_t *texts, json_t *text)
{
	json_t *value = fleet_texts_put(texts, c->order.before, c->order.number, json_incref(text));
	struct text *t = &c->texts[c->n];

	t->value = json_dumps(value, JSON_COMPACT);
	t->key = strdup(key);
	t->len = t->value ? strlen(t->value) : 0;
	json_decref(value);
	c->n++;
	if (!t->value || !t->key)
		fail(c, "refused", "out of memory");
	else if (t->len > BYTES)
		fail(c, "refused", "%s: the file and the one before are %zu bytes in etcd, where %u is the most", key, t->len, BYTES);
	else
		return true;
	return false;
}

/*
 * What changes is a text that the policy which counts has otherwise. Texts of a policy that never was ordered have
 * numbers, too: the new one is above.
 */
static int each_text(struct fleet_change *c, int (*each)(struct fleet_change *c, const char *key, json_t *texts,
							 json_t *text))
{
	json_t *gateways = json_object_get(c->q, "gateways"), *common = json_object_get(c->q, "common"), *text, *texts;
	char key[STORE_KEY_LEN];
	const char *name;
	int err, ret;

	texts = fleet_texts_read(&c->f->store, POLICY_COMMON, &err);
	ret = each(c, POLICY_COMMON, texts, json_is_string(common) ? common : json_null());
	json_decref(texts);
	json_object_foreach(gateways, name, text) {
		if (ret)
			break;
		snprintf(key, sizeof(key), POLICY_GATEWAY "%s", name);
		texts = fleet_texts_read(&c->f->store, key, &err);
		ret = each(c, key, texts, text);
		json_decref(texts);
	}
	return ret;
}

static int find_number(struct fleet_change *c, const char *key, json_t *texts, json_t *text)
{
	int64_t last = fleet_texts_last(texts);

	(void)key;
	(void)text;
	if (last >= c->order.number)
		c->order.number = last + 1;
	return 0;
}

static int find_changed(struct fleet_change *c, const char *key, json_t *texts, json_t *text)
{
	const json_t *was = c->order.before ? fleet_texts_at(texts, c->order.before) : NULL;

	/* Of a policy that was not ordered, or is over, a later text must not become this one's. */
	if (json_equal(was, text) && fleet_texts_last(texts) <= c->order.before)
		return 0;
	if (json_is_null(text) && !texts)
		return 0;
	return add_text(c, key, texts, text) ? 0 : -ECANCELED;
}

/* Who is in the fleet and not in the question keeps what it has: not the text of a policy that nobody confirmed. */
static int keep_missing(const struct store_fleet_gateway *g, void *arg)
{
	struct fleet_change *c = arg;
	json_t *gateways = json_object_get(c->q, "gateways"), *texts, *text;
	char key[STORE_KEY_LEN];
	int err;

	if (g->expelled || json_object_get(gateways, g->name))
		return 0;
	snprintf(key, sizeof(key), POLICY_GATEWAY "%s", g->name);
	texts = fleet_texts_read(&c->f->store, key, &err);
	text = c->order.before ? fleet_texts_at(texts, c->order.before) : NULL;
	json_object_set_new(gateways, g->name, text ? json_incref(text) : json_null());
	json_decref(texts);
	return 0;
}

/* All as the registry has it, which is what etcd had when the writer's key was read. */
static void compose(struct fleet_change *c)
{
	time_t now = time(NULL);
	struct fleet_order was;
	int err = fleet_order_read(&c->f->store, &was);
	json_int_t seconds = json_integer_value(json_object_get(c->q, "confirm"));

	if (err == -EPROTO)
		memset(&was, 0, sizeof(was));	/* whoever orders anew mends it */
	else if (err) {
		fail(c, "refused", "the registry: %s", strerror(-err));
		return;
	}
	if (was.until > now) {
		fail(c, "refused", "policy %lld is on trial for another %lld s: confirm it with 'cordonctl confirm --fleet', or "
		     "wait", (long long)was.number, (long long)(was.until - now));
		return;
	}
	c->order.before = fleet_order_good(&was);
	c->order.number = was.number + 1;
	c->order.confirm = seconds;
	c->order.until = seconds ? now + seconds : 0;
	c->order.force = json_is_true(json_object_get(c->q, "force"));
	store_fleet_gateway_each(&c->f->store, keep_missing, c);
	each_text(c, find_number);
	c->texts = calloc(json_object_size(json_object_get(c->q, "gateways")) + 1, sizeof(*c->texts));
	if (!c->texts)
		fail(c, "refused", "out of memory");
	else if (each_text(c, find_changed))
		return;
	else if (!c->n && was.number && !was.until) {
		c->order = was;
		done(c);
	} else {
		write_next(c);
	}
}

static void compose_confirmed(struct fleet_change *c)
{
	int err = fleet_order_read(&c->f->store, &c->order);
	time_t now = time(NULL);

	if (err)
		fail(c, "refused", "the order: %s", strerror(-err));
	else if (!c->order.number)
		fail(c, "refused", "no policy was ever ordered for the fleet");
	else if (!c->order.until)
		fail(c, "refused", "policy %lld of the fleet is confirmed already", (long long)c->order.number);
	else if (c->order.until <= now)
		fail(c, "refused", "policy %lld of the fleet was not confirmed in time: the gateways have gone back to the one "
		     "before", (long long)c->order.number);
	else {
		c->order.until = 0;
		c->order.confirm = 0;
		c->order.before = 0;
		snprintf(c->order.by, sizeof(c->order.by), "%s", c->f->config->fleet.gateway);
		write_next(c);
	}
}

static void caught_up(bool is, void *arg)
{
	struct fleet *f = arg;
	struct fleet_change *c = f->policy ? f->policy->change : NULL;

	if (!c)
		return;
	if (!is)
		fail(c, "unreachable", "nothing has changed: etcd went out of reach");
	else if (c->confirming)
		compose_confirmed(c);
	else
		compose(c);
}

static void got_writer(const struct etcd_answer *a, void *arg)
{
	struct fleet_change *c = arg;

	c->call = NULL;
	if (a->result != ETCD_OK) {
		fail(c, "unreachable", "nothing has changed: %s", a->why);
		return;
	}
	c->writer = a->n ? a->kv[0].mod_revision : 0;
	if (fleet_replica_after(c->f, c->writer, caught_up, c->f))
		fail(c, "unreachable", "nothing has changed: the registry does not follow etcd");
}

/* Return: NULL, it may begin; else why not. @is: of the answer. */
static const char *may_begin(struct fleet *f, uint64_t client, const char **is)
{
	*is = "refused";
	if (!fleet_is_root(f, client))
		return "only root orders policies";
	if (!f->policy)
		return "cordon-fleet has only begun";
	if (f->policy->change)
		return "another 'apply --fleet' or 'confirm --fleet' of this gateway is under way";
	*is = "unreachable";
	return f->reachable ? NULL : "nothing has changed: etcd is out of reach";
}

static void begin(struct fleet *f, uint64_t client, json_t *id, const json_t *q, bool confirming)
{
	const char *is, *why = may_begin(f, client, &is);
	struct fleet_change *c = why ? NULL : calloc(1, sizeof(*c));

	if (!c) {
		fleet_answer(f, client, id, is, json_pack("{s:s}", "why", why ? why : "out of memory"));
		return;
	}
	*c = (struct fleet_change){ .f = f, .client = client, .id = id, .q = json_deep_copy(q), .confirming = confirming };
	snprintf(c->order.by, sizeof(c->order.by), "%s", f->config->fleet.gateway);
	f->policy->change = c;
	c->call = etcd_get(f->etcd, POLICY_WRITER, 0, got_writer, c);
	if (!c->call)
		fail(c, "unreachable", "nothing has changed: too much else is under way to etcd");
}

/* What is left to check here, in @arg: the gateways' texts. */
struct missing {
	const json_t *gateways;
	char name[STORE_GATEWAY_LEN];
};

static int find_missing(const struct store_fleet_gateway *g, void *arg)
{
	struct missing *m = arg;

	if (!g->expelled && !json_object_get(m->gateways, g->name))
		snprintf(m->name, sizeof(m->name), "%s", g->name);
	return 0;
}

/* Return: NULL; else why not, in @why. */
static const char *check(struct fleet *f, const json_t *q, char why[256])
{
	json_t *gateways = json_object_get(q, "gateways"), *common = json_object_get(q, "common"), *text;
	json_t *confirm = json_object_get(q, "confirm");
	struct missing m = { .gateways = gateways };
	bool known, expelled;
	const char *name;

	if (!json_object_size(gateways) || (common && !json_is_string(common) && !json_is_null(common)) ||
	    (confirm && (!json_is_integer(confirm) || json_integer_value(confirm) < 0 || json_integer_value(confirm) > 86400)))
		return "the question makes no sense";
	if (json_string_length(common) > POLICY_FLEET_TEXT)
		return "common.yaml is too large: at most 512 KiB";
	json_object_foreach(gateways, name, text) {
		snprintf(why, 256, "gateway '%.63s' is not in the fleet, or was expelled", name);
		if (store_fleet_gateway_get(&f->store, name, &known, &expelled) || !known || expelled)
			return why;
		snprintf(why, 256, "gateway '%.63s': the file is empty, or larger than 512 KiB", name);
		if (!json_string_length(text) || json_string_length(text) > POLICY_FLEET_TEXT)
			return why;
	}
	if (json_is_true(json_object_get(q, "force")))
		return NULL;
	if (store_fleet_gateway_each(&f->store, find_missing, &m))
		return "the registry cannot be read";
	snprintf(why, 256, "gateway '%s' is in the fleet, and has no file", m.name);
	return m.name[0] ? why : NULL;
}

/** fleet_apply - the question "apply" */
void fleet_apply(struct fleet *f, uint64_t client, json_t *id, const json_t *q)
{
	const char *why;
	char text[256];

	why = fleet_is_root(f, client) ? check(f, q, text) : "only root orders policies";
	if (why)
		fleet_answer(f, client, id, "refused", json_pack("{s:s}", "why", why));
	else
		begin(f, client, id, q, false);
}

/** fleet_confirm - the question "confirm" */
void fleet_confirm(struct fleet *f, uint64_t client, json_t *id, const json_t *q)
{
	begin(f, client, id, q, true);
}
