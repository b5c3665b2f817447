// SPDX-License-Identifier: GPL-2.0
/*
 * A fleet's policy on one gateway: what is ordered, what hand does with it, and what is told. etcd and registry are a
 * list of keys in here, the kernel is a number, and cordonctl a script that writes down what it was called with.
 */
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
		if (has && strstr(has, words) && !fleet.policy->busy && !fleet.policy->again)
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

#define APPLY(confirm, text, common) "{\"do\":\"apply\",\"confirm\":" #confirm ",\"common\":" common \
	",\"gateways\":{\"a\":\"" text "\",\"b\":\"version: 1\\n\"}}"
#define ONE	"version: 1\\nmode: observe\\nports: [lan0]\\ninclude: ../common.yaml\\n"
#define TWO	"version: 1\\nmode: observe\\nports: [lan0, lan1]\\ninclude: ../common.yaml\\n"
#define COMMON	"\"segments: {iot: {}}\\n\""

static void refused(const char *name, const char *question, const char *words, uint64_t client)
{
	ask(question, client);
	ok(!strcmp(said_is, "refused") && strstr(why(), words), "refused: %s: %s", name, why());
}

static void test_refused(void)
{
	refused("not root", APPLY(0, ONE, "null"), "only root", 9);
	refused("not root's to confirm", "{\"do\":\"confirm\"}", "only root", 9);
	refused("no gateways", "{\"do\":\"apply\",\"gateways\":{}}", "no sense", 1);
	refused("a stranger", "{\"do\":\"apply\",\"gateways\":{\"x\":\"version: 1\"}}", "'x' is not in the fleet", 1);
	refused("an expelled one", "{\"do\":\"apply\",\"gateways\":{\"gone\":\"version: 1\"}}", "'gone' is not in", 1);
	refused("one is missing", "{\"do\":\"apply\",\"gateways\":{\"a\":\"version: 1\"}}", "'b' is in the fleet, and has no file", 1);
	refused("an empty file", "{\"do\":\"apply\",\"gateways\":{\"a\":\"\",\"b\":\"x\"}}", "'a': the file is empty", 1);
	refused("no number", APPLY(-1, ONE, "null"), "no sense", 1);
	refused("nothing to confirm", "{\"do\":\"confirm\"}", "no policy was ever ordered", 1);
	etcd_is = AWAY;
	ask(APPLY(0, ONE, "null"), 1);
	ok(!strcmp(said_is, "unreachable") && strstr(why(), "nothing has changed"), "etcd is away: %s", why());
	etcd_is = BEATEN;
	refused("somebody was faster", APPLY(0, ONE, COMMON), "somebody else ordered", 1);
	ok(!value_of(POLICY_ORDER), "nothing of it is ordered");
}

static void test_for_good(void)
{
	ask(APPLY(0, ONE, COMMON), 1);
	ok(!strcmp(said_is, "done") && number() == 1 && transactions == 1, "a first policy, in one transaction");
	kernel.generation = 8;
	ok(until("\"number\":1,\"is\":\"in force\""), "is in force here");
	ok(holds_text("argv", "apply gateway/a.yaml\n"), "by fixed words");
	ok(holds_text("a.yaml", "include: ../common.yaml") && holds_text("common.yaml", "segments: {iot: {}}"),
	   "its two files were there");
	ok(!holds_text("env", "HOME") && holds_text("env", "PATH=/usr/sbin"), "its environment is its own");
	ok(holds_text("policy.yaml", "# The fleet's policy, number 1") && holds_text("policy.yaml", "iot"),
	   "the next start has it");
	ok(holds_text("policy.yaml.before", "# mine"), "what was there is kept");
	ask(APPLY(0, ONE, COMMON), 1);
	ok(!strcmp(said_is, "done") && number() == 1 && !transactions, "the same again is no change");
}

static void test_trial(void)
{
	ask(APPLY(600, TWO, COMMON), 1);
	ok(number() == 2 && json_integer_value(json_object_get(said, "changed")) == 1, "one text has changed");
	kernel.generation = 9;
	kernel.awaiting = true;
	ok(until("\"number\":2,\"is\":\"on trial\""), "it is on trial");
	ok(holds_text("argv", "apply gateway/a.yaml --confirm 600s\n"), "by the kernel's own timer");
	ok(holds_text("policy.yaml", "number 1"), "the next start has the one before");
	refused("one is on trial", APPLY(0, ONE, COMMON), "policy 2 is on trial for another", 1);
	etcd_is = LOST;
	ask("{\"do\":\"confirm\"}", 1);
	ok(!strcmp(said_is, "done") && number() == 2, "confirmed, though the answer was lost");
	ok(until("\"number\":2,\"is\":\"in force\""), "and in force for good");
	kernel.awaiting = false;
	ok(holds_text("argv", "confirm\n"), "by fixed words");
	ok(holds_text("policy.yaml", "number 2") && holds_text("policy.yaml", "lan1"), "also for the next start");
	refused("confirmed already", "{\"do\":\"confirm\"}", "is confirmed already", 1);
}

static void test_rolled_back(void)
{
	ask(APPLY(600, ONE, COMMON), 1);
	kernel.generation = 10;
	kernel.awaiting = true;
	ok(until("\"number\":3,\"is\":\"on trial\""), "another trial");
	kernel.generation = 11;
	kernel.awaiting = false;
	ok(until("\"is\":\"rolled back\",\"why\":\"nobody confirmed it\""), "that nobody confirms");
	ok(strstr(value_of("from/a/policy"), "\"good\":2"), "the one before counts");
	ok(holds_text("policy.yaml", "number 2"), "also for the next start");
}

/* The order of policy 3 is over by the clock. */
static void expire(void)
{
	static const char over[] = "{\"v\":1,\"number\":3,\"until\":5,\"confirm\":600,\"before\":2,\"force\":false,\"by\":\"a\"}";

	revision++;
	put(POLICY_ORDER, over, strlen(over));
	fleet_policy_changed(&fleet);
}

static void test_refuses(void)
{
	size_t i = find(POLICY_ORDER);
	int64_t before;

	expire();
	before = keys[i].revision;
	refused("too late", "{\"do\":\"confirm\"}", "was not confirmed in time", 1);
	ok(keys[i].revision == before, "and nothing is written");
	ask(APPLY(0, TWO, COMMON), 1);
	ok(until("\"number\":4,\"is\":\"in force\"") && holds_text("a.yaml", "lan1"),
	   "what was in force before, again: not the text that nobody confirmed");
	write_file("does", "echo 'gateway/a.yaml:3:9: no such port' >&2; exit 1\n");
	ask(APPLY(0, ONE, "null"), 1);
	ok(number() == 5, "a number is given once");
	ok(until("\"number\":5,\"is\":\"refused\",\"why\":\"gateway/a.yaml:3:9: no such port\""), "refused, and why");
	ok(strstr(value_of("from/a/policy"), "\"good\":4"), "the one before stays");
	write_file("does", "head -c 100000 /dev/zero | tr '\\0' '\\377' >&2; exit 1\n");
	ask(APPLY(0, "version: 1\\nports: [lan9]\\n", "null"), 1);
	ok(until("\"number\":6,\"is\":\"refused\",\"why\":\"???"), "what it says is bounded, and text");
	ok(strlen(value_of("from/a/policy")) < HAND_NOTE, "in etcd, too");
	write_file("argv", "");
	ask(APPLY(0, "version: 1\\ninclude: /etc/shadow\\n", "null"), 1);
	ok(until("\"number\":7,\"is\":\"refused\",\"why\":\"gateway/a.yaml:2:10: a gateway's file"), "no file of its own disk");
	ok(!holds_text("argv", "apply"), "not even tried");
	write_file("does", "exit 0\n");
	ask(APPLY(0, ONE, COMMON), 1);
	kernel.generation = 12;
	ok(until("\"number\":8,\"is\":\"in force\""), "a better one is taken");
}

/* On the gateway itself somebody says 'cordonctl confirm'. */
static void test_confirmed_here(void)
{
	ask(APPLY(600, TWO, COMMON), 1);
	kernel.generation = 20;
	kernel.awaiting = true;
	ok(until("\"number\":9,\"is\":\"on trial\""), "on trial");
	write_file("argv", "");
	kernel.awaiting = false;
	ok(until("\"number\":9,\"is\":\"in force\""), "confirmed on the gateway itself, it is in force");
	ok(holds_text("policy.yaml", "number 9") && !holds_text("argv", "confirm"), "also for the next start");
	ask("{\"do\":\"confirm\"}", 1);
	ok(number() == 9 && !holds_text("argv", "confirm"), "confirmed for the fleet, nothing is left to do");
}

static void test_changed_here(void)
{
	json_t *status;

	write_file("does", "case $1 in diff) exit 3;; esac\n");
	kernel.generation = 23;
	fleet_policy_changed(&fleet);
	ok(until("\"differs\":true"), "somebody applied another one here");
	status = fleet_policy_status(&fleet);
	ok(json_is_true(json_object_get(status, "differs")), "fleet status says so");
	json_decref(status);
	ok(holds_text("argv", "diff ") && !holds_text("argv", "--fleet"), "which diff tells");
	write_file("does", "exit 0\n");
	kernel.generation = 24;
	fleet_policy_changed(&fleet);
	ok(until("\"differs\":false"), "and back");
}

static void test_again(void)
{
	stop();
	write_file("argv", "");
	start(NULL);
	ok(until("\"number\":9,\"is\":\"in force\"") && fleet.policy->had.good == 9, "a new start knows what there is");
	ok(!holds_text("argv", "apply"), "and applies nothing");
	stop();
	/* While it was away: 10 was put in force, 11 is on trial, and that is over. */
	revision++;
	put(POLICY_GATEWAY "a", "{\"v\":1,\"texts\":[{\"number\":11,\"text\":\"version: 9\"},{\"number\":10,\"text\":\"version: 1"
	    "\\nmode: observe\\nports: [lan8]\\n\"}]}", 200);
	put(POLICY_ORDER, "{\"v\":1,\"number\":11,\"until\":5,\"confirm\":60,\"before\":10,\"by\":\"b\"}", 200);
	start("/state");
	kernel.generation = 25;
	ok(until("\"number\":11,\"is\":\"rolled back\""), "it says that the trial was over");
	ok(fleet.policy->had.good == 10 && holds_text("a.yaml", "lan8"), "and has what was confirmed meanwhile");
	ok(holds_text("policy.yaml", "number 10"), "also for the next start");
	ok(holds_text("argv", "apply gateway/a.yaml --state /state\n"), "and in the place of the last good one that was said");
}

/* cordon-fleet begins anew while hand is at work: what it says of that is not taken for something else. */
static void test_anew(void)
{
	write_file("does", "case $1 in apply) echo old >&2; exit 1;; esac\n");
	ask(APPLY(0, TWO, COMMON), 1);
	while (!fleet.policy->busy || fleet.policy->doing != HAND_APPLY)
		event_base_loop(fleet.base, EVLOOP_ONCE);
	fleet_policy_end(&fleet);
	ok(!fleet_policy_begin(&fleet), "begun anew");
	ok(until("\"number\":12,\"is\":\"refused\"") && fleet.policy->had.good == 10, "the order is tried again, and refused");
}

static void test_shows(void)
{
	json_t *a;

	ask("{\"do\":\"policy\"}", 1);
	a = json_object_get(json_object_get(said, "gateways"), "a");
	ok(!strcmp(said_is, "done") && json_is_true(json_object_get(a, "here")) &&
	   json_array_size(json_object_get(a, "ports")) == 2, "who is here, with which interfaces");
	ok(json_integer_value(json_object_get(json_object_get(a, "policy"), "number")) == 11, "and which policy");
	a = json_object_get(json_object_get(said, "gateways"), "b");
	ok(json_is_false(json_object_get(a, "here")) && json_is_null(json_object_get(a, "policy")), "and who is not");
	ask("{\"do\":\"policy\"}", 9);
	ok(!strcmp(said_is, "refused"), "only root is told");
}

int main(void)
{
	set_up();
	start(NULL);
	test_refused();
	test_for_good();
	test_trial();
	test_rolled_back();
	test_refuses();
	test_confirmed_here();
	test_changed_here();
	test_again();
	test_shows();
	test_anew();
	stop();
	json_decref(said);
	while (n_keys)
		free(keys[--n_keys].value);
	event_base_loop(fleet.base, EVLOOP_NONBLOCK);
	event_base_free(fleet.base);
	tree_remove(dir);
	return tap_done();
}
