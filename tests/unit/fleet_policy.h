/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What surrounds a fleet's policy on one gateway: etcd and registry are a list of keys in here, the kernel is a number, and
 * cordonctl a script that writes down what it was called with.
 */
#ifndef FLEET_POLICY_H
#define FLEET_POLICY_H

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "fleet/policy.h"
#include "lib/file.h"

#include "tap.h"
#include "tree.h"

#define KEYS	64
#define POLICY	"version: 1\nmode: observe\nports: [lan0]\n"

/* What etcd has; the registry has what is below all/. */
static struct { char key[STORE_KEY_LEN]; char *value; int64_t revision; } keys[KEYS];
static size_t n_keys;
static int64_t revision = 100;
static enum { GOOD, AWAY, LOST, BEATEN } etcd_is;
static unsigned int transactions;

static struct cnl_summary kernel = { .generation = 7, .in_force = true };
static struct fleet fleet;
static struct serve_config config;
static char dir[64], said_is[32];
static json_t *said;

static size_t find(const char *key)
{
	size_t i;

	for (i = 0; i < n_keys && strcmp(keys[i].key, key); i++)
		;
	return i;
}

static const char *value_of(const char *key)
{
	size_t i = find(key);

	return i < n_keys ? keys[i].value : NULL;
}

static void put(const char *key, const char *value, size_t len)
{
	size_t i = find(key);

	if (i == n_keys)
		snprintf(keys[n_keys++].key, sizeof(keys[0].key), "%s", key);
	free(keys[i].value);
	keys[i].value = strndup(value, len);
	keys[i].revision = revision;
}

/* Answers come from the loop, as etcd's do. */
struct etcd_call {
	etcd_done *done;
	void *arg;
	struct etcd_answer a;
	struct etcd_kv kv;
};

static void on_call(evutil_socket_t fd, short what, void *arg)
{
	struct etcd_call *c = arg;

	(void)fd;
	(void)what;
	if (c->done)
		c->done(&c->a, c->arg);
	free(c);
	if (fleet.policy)
		fleet_policy_changed(&fleet);
}

static struct etcd_call *call(etcd_done *done, void *arg)
{
	struct etcd_call *c = calloc(1, sizeof(*c));
	struct timeval now = { 0 };

	c->done = done;
	c->arg = arg;
	c->a.why = "";
	c->a.revision = revision;
	if (etcd_is == AWAY) {
		c->a.result = ETCD_UNREACHABLE;
		c->a.why = "no member answers";
	}
	event_base_once(fleet.base, -1, EV_TIMEOUT, on_call, c, &now);
	return c;
}

void etcd_cancel(struct etcd_call *c)
{
	c->done = NULL;
}

struct etcd_call *etcd_get(struct etcd *e, const char *key, unsigned int timeout, etcd_done *done, void *arg)
{
	struct etcd_call *c = call(done, arg);
	size_t i = find(key);

	(void)e;
	(void)timeout;
	if (i == n_keys)
		return c;
	c->kv = (struct etcd_kv){ .key = keys[i].key, .value = (uint8_t *)keys[i].value, .len = strlen(keys[i].value),
				  .mod_revision = keys[i].revision };
	c->a.kv = &c->kv;
	c->a.n = 1;
	return c;
}

static bool holds(const struct etcd_compare *c)
{
	size_t i = find(c->key);

	return (i < n_keys ? keys[i].revision : 0) == c->number;
}

struct etcd_call *etcd_txn(struct etcd *e, const struct etcd_txn *t, unsigned int timeout, etcd_done *done, void *arg)
{
	bool good = etcd_is != AWAY;
	struct etcd_call *c;
	size_t i;

	(void)e;
	(void)timeout;
	transactions++;
	if (etcd_is == BEATEN) {	/* somebody writes a policy first */
		revision++;
		put(POLICY_WRITER, "{}", 2);
		etcd_is = GOOD;
	}
	for (i = 0; good && i < t->n_compares; i++)
		good = holds(&t->compares[i]);
	revision += good;
	for (i = 0; good && i < t->n_then; i++)
		put(t->then[i].key, t->then[i].value, t->then[i].len);
	c = call(done, arg);
	c->a.succeeded = good;
	if (etcd_is == LOST) {
		c->a.result = ETCD_TIMED_OUT;
		c->a.unsure = true;
		etcd_is = GOOD;
	}
	return c;
}

struct etcd_list *etcd_list(struct etcd *e, const char *under, unsigned int limit, etcd_done *page, etcd_done *done,
			    void *arg)
{
	struct etcd_kv kv[KEYS];
	struct etcd_answer a = { .kv = kv };
	size_t i;

	(void)e;
	(void)limit;
	for (i = 0; i < n_keys; i++)
		if (!strncmp(keys[i].key, under, strlen(under)))
			kv[a.n++] = (struct etcd_kv){ .key = keys[i].key, .value = (uint8_t *)keys[i].value,
						      .len = strlen(keys[i].value) };
	page(&a, arg);
	return (struct etcd_list *)call(done, arg);
}

void etcd_list_free(struct etcd_list *l)
{
	(void)l;
}

int store_fleet_text(struct store *s, const char *key, char **text, size_t *len, int64_t *rev)
{
	size_t i = find(key);

	(void)s;
	*text = i < n_keys ? strdup(keys[i].value) : NULL;
	*len = *text ? strlen(*text) : 0;
	*rev = i < n_keys ? keys[i].revision : 0;
	return 0;
}

int store_fleet_gateway_each(struct store *s, int (*each)(const struct store_fleet_gateway *g, void *arg), void *arg)
{
	static const struct store_fleet_gateway all[] = {
		{ .name = "a", .value = "{\"ports\":[\"lan0\"],\"uplinks\":[\"wan0\"]}" },
		{ .name = "b", .value = "{\"ports\":[\"lan0\"]}" },
		{ .name = "gone", .expelled = 5, .value = "{}" },
	};
	int i, err = 0;

	(void)s;
	for (i = 0; !err && i < 3; i++)
		err = each(&all[i], arg);
	return err;
}

int store_fleet_gateway_get(struct store *s, const char *name, bool *known, bool *expelled)
{
	(void)s;
	*expelled = !strcmp(name, "gone");
	*known = *expelled || !strcmp(name, "a") || !strcmp(name, "b");
	return 0;
}

int fleet_replica_after(struct fleet *f, int64_t at, void (*then)(bool is, void *arg), void *arg)
{
	(void)at;
	then(true, f == arg ? arg : NULL);
	return 0;
}

int cnl_summary(struct cnl *nl, struct cnl_summary *s)
{
	(void)nl;
	*s = kernel;
	return 0;
}

void serve_log(int priority, const char *event, ...)
{
	(void)priority;
	(void)event;
}

unsigned int fleet_gateways_count(struct fleet *f)
{
	(void)f;
	return 1;
}

unsigned int fleet_spread(struct fleet *f, unsigned int each, unsigned int least, unsigned int most)
{
	(void)f;
	(void)each;
	(void)least;
	return most;
}

bool fleet_is_root(struct fleet *f, uint64_t client)
{
	(void)f;
	return client != 9;
}

void fleet_answer(struct fleet *f, uint64_t client, json_t *id, const char *is, json_t *more)
{
	(void)f;
	(void)client;
	json_decref(id);
	json_decref(said);
	said = more;
	snprintf(said_is, sizeof(said_is), "%s", is);
}

static void write_file(const char *name, const char *text)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	file_write(path, text, strlen(text), 0755);
}

/* free() */
static char *read_file(const char *name)
{
	char path[128], *text = NULL;
	size_t len;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return file_read(path, 1 << 20, &text, &len) ? strdup("") : text;
}

static bool holds_text(const char *name, const char *words)
{
	char *text = read_file(name);
	bool is = strstr(text, words);

	free(text);
	return is;
}

static time_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec;
}

/* Turn the loop until from/a/policy says so: 20 s at most. */
static bool until(const char *words)
{
	const char *has;
	time_t end = now() + 20;

	do {
		has = value_of("from/a/policy");
		if (has && strstr(has, words) && !fleet.policy->busy)
			return true;
		event_base_loop(fleet.base, EVLOOP_ONCE);
	} while (now() < end);
	printf("# %s\n", has ? has : "nothing");
	return false;
}

static bool until_said(void)
{
	time_t end = now() + 20;

	while (!said_is[0] && now() < end)
		event_base_loop(fleet.base, EVLOOP_ONCE);
	return said_is[0];
}

/* The answer to a question, in said_is and said. */
static void ask(const char *question, uint64_t client)
{
	json_t *q = json_loads(question, 0, NULL);
	const char *what = json_string_value(json_object_get(q, "do"));

	said_is[0] = 0;
	transactions = 0;
	(!strcmp(what, "apply") ? fleet_apply : !strcmp(what, "confirm") ? fleet_confirm : fleet_policies)(
		&fleet, client, json_integer(1), q);
	json_decref(q);
	until_said();
}

static const char *why(void)
{
	const char *text = json_string_value(json_object_get(said, "why"));

	return text ? text : "";
}

static int64_t number(void)
{
	return json_integer_value(json_object_get(said, "number"));
}

static void start(const char *state)
{
	static struct hand_place place;
	static char policies[80], program[80], policy[80];

	snprintf(policies, sizeof(policies), "%s/policy", dir);
	snprintf(program, sizeof(program), "%s/cordonctl", dir);
	snprintf(policy, sizeof(policy), "%s/policy.yaml", dir);
	snprintf(config.policy, sizeof(config.policy), "%s", policy);
	place = (struct hand_place){ policies, "a", policy, state, program, 5000 };
	ok(!hand_start(&place, &fleet.hand), "hand starts");
	ok(!fleet_policy_begin(&fleet), "and is asked what was before");
}

static void stop(void)
{
	fleet_policy_end(&fleet);
	priv_channel_close(&fleet.hand);
}

static void set_up(void)
{
	snprintf(dir, sizeof(dir), "/tmp/cordon-policy-XXXXXX");
	if (!mkdtemp(dir))
		exit(1);
	/* Writes down its words and its environment; does as the file "does" says. */
	write_file("cordonctl", "#!/bin/sh\necho \"$*\" >>\"${0%/*}/argv\"\nenv >\"${0%/*}/env\"\n"
		   "cp common.yaml gateway/a.yaml \"${0%/*}/\" 2>/dev/null\n. \"${0%/*}/does\"\n");
	write_file("does", "exit 0\n");
	write_file("policy.yaml", "# mine\nversion: 1\n");
	config.fleet.n = 1;
	strcpy(config.fleet.gateway, "a");
	fleet.config = &config;
	fleet.base = event_base_new();
	fleet.connected = fleet.reachable = true;
	put("all/gateway/a", "{}", 2);
	put("here/a", "{}", 2);
	fleet.self = revision;
}

#endif
