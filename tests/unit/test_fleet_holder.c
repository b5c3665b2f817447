// SPDX-License-Identifier: GPL-2.0
/*
 * Which gateway holds a device: two gateways and an etcd in memory, in every order that their messages can have. An
 * agent asks, and gives the lease when the answer is there.
 */
#include <errno.h>
#include <stdarg.h>
#include <syslog.h>
#include <time.h>

#include "fleet/holder.h"

#include "fake_etcd.h"
#include "tap.h"

#define GATEWAYS	2
#define DEVICES		3
#define DEPTH		160
#define ORDERS		4000

enum { A, B };

/* What a gateway has, besides what is tested. */
static struct gateway {
	struct fleet f;
	struct serve_config config;
	struct etcd etcd;
	bool held[DEVICES], leased[DEVICES], operator[DEVICES];
	bool known[DEVICES];	/* lease told as an event */
	bool granting[DEVICES];	/* the answer is there, the lease comes */
	bool roam;
	int kernel;		/* what it answers, if not 0 */
	int disk;		/* what the registry answers, if not 0 */
	unsigned int answers, ends;
	char is[16], more[256];
} gateways[GATEWAYS];

static struct event_base *base;
static bool b_expelled;

static void mac_of(unsigned int device, uint8_t mac[6])
{
	memcpy(mac, (uint8_t[6]){ 2, 0, 0, 0, 1, device }, 6);
}

static struct gateway *gateway_of(const struct fleet *f)
{
	return f == &gateways[A].f ? &gateways[A] : &gateways[B];
}

static struct gateway *store_of(const struct store *s)
{
	return s == &gateways[A].f.store ? &gateways[A] : &gateways[B];
}

void serve_log(int priority, const char *event, ...)
{
	(void)priority;
	(void)event;
}

int store_fleet_held(struct store *s, const uint8_t mac[6], bool *held)
{
	*held = store_of(s)->held[mac[5]];
	return 0;
}

int store_fleet_hold(struct store *s, const uint8_t mac[6], bool held)
{
	struct gateway *g = store_of(s);

	if (!g->disk)
		g->held[mac[5]] = held;
	return g->disk;
}

int store_fleet_held_each(struct store *s, int (*each)(const uint8_t mac[6], void *arg), void *arg)
{
	uint8_t mac[6];
	unsigned int i;

	for (i = 0; i < DEVICES; i++) {
		mac_of(i, mac);
		if (store_of(s)->held[i])
			each(mac, arg);
	}
	return 0;
}

int store_fleet_gateway_get(struct store *s, const char *name, bool *known, bool *expelled)
{
	(void)s;
	*known = true;
	*expelled = b_expelled && !strcmp(name, "b");
	return 0;
}

int fleet_kernel_end_lease(struct fleet *f, const uint8_t mac[6])
{
	struct gateway *g = gateway_of(f);

	g->ends++;
	if (!g->kernel)
		g->leased[mac[5]] = false;
	return g->kernel;
}

int fleet_kernel_lease(struct fleet *f, const uint8_t mac[6], struct fleet_lease *out)
{
	struct gateway *g = gateway_of(f);

	memset(out, 0, sizeof(*out));
	memcpy(out->mac, mac, 6);
	strcpy(out->name, "dev");
	out->left = 60;
	out->certified = !g->operator[mac[5]];
	out->roam = g->roam;
	return g->kernel ? g->kernel : g->leased[mac[5]] ? 0 : -ENOENT;
}

void fleet_answer(struct fleet *f, uint64_t client, json_t *id, const char *is, json_t *more)
{
	struct gateway *g = gateway_of(f);
	const char *text = json_string_value(json_object_get(more, "gateway"));

	if (!text)
		text = json_string_value(json_object_get(more, "why"));
	g->answers++;
	snprintf(g->is, sizeof(g->is), "%s", is);
	snprintf(g->more, sizeof(g->more), "%s", text ? text : "");
	if (!strcmp(is, "done"))
		g->granting[client] = true;
	json_decref(id);
	json_decref(more);
}

static void begin(struct gateway *g, const char *name)
{
	char key[64];

	memset(g, 0, sizeof(*g));
	strcpy(g->config.fleet.gateway, name);
	g->config.fleet.offline = 3600;
	g->f.config = &g->config;
	g->f.base = base;
	g->f.etcd = &g->etcd;
	g->f.reachable = true;
	snprintf(key, sizeof(key), "all/gateway/%s", name);
	fake_put(key, "{}");
	g->f.self = fake_revision;
	snprintf(key, sizeof(key), "here/%s", name);
	fake_put(key, "{}");
	if (fleet_holder_begin(&g->f))
		abort();
	g->f.holder->every = 0;
}

static void end_all(void)
{
	fleet_holder_end(&gateways[A].f);
	fleet_holder_end(&gateways[B].f);
}

/* Anew. */
static void begin_all(void)
{
	end_all();
	b_expelled = false;
	fake_full = false;
	fake_forget();
	begin(&gateways[A], "a");
	begin(&gateways[B], "b");
	event_base_loop(base, EVLOOP_NONBLOCK);
	fake_settle();
}

static void ask(int at, unsigned int device, bool roam)
{
	char mac[18];
	json_t *q;

	snprintf(mac, sizeof(mac), "02:00:00:00:01:%02x", device);
	q = json_pack("{s:s, s:s, s:s, s:i, s:b}", "name", "dev", "mac", mac, "port", "lan1", "lease", 600, "roam", roam);
	fleet_hold(&gateways[at].f, device, json_integer(1), q);
	json_decref(q);
}

/* Agent gives the lease that it has asked for, and the kernel tells of it. */
static void grant(struct gateway *g, unsigned int device)
{
	uint8_t mac[6];

	mac_of(device, mac);
	g->granting[device] = false;
	g->leased[device] = true;
	fleet_holder_leased(&g->f, mac);
}

/* What a look at the kernel finds, and what follows, until nothing does. */
static void look(struct gateway *g)
{
	struct fleet_lease leases[DEVICES];
	unsigned int i;
	size_t n = 0;

	for (i = 0; i < DEVICES; i++)
		if (g->leased[i]) {
			memset(&leases[n], 0, sizeof(leases[n]));
			mac_of(i, leases[n].mac);
			leases[n++].certified = !g->operator[i];
		}
	fleet_holder_leases(&g->f, leases, n);
	for (i = 0; i < 8; i++) {
		hold_look(g->f.holder);
		fake_settle();
	}
}

/* The one call that is on its way, there and back. */
static void go_on(enum fake_fate fate)
{
	struct etcd_call *c = fake_calls;

	if (c->state == FAKE_SENT)
		fake_carry_out(c, fate);
	fake_answer(c);
}

/* If that is due, without waiting for it. */
static void list_again(struct gateway *g)
{
	if (!event_pending(g->f.holder->again, EV_TIMEOUT, NULL))
		return;
	event_active(g->f.holder->again, EV_TIMEOUT, 1);
	event_base_loop(base, EVLOOP_NONBLOCK);
	fake_settle();
}

static const char *owner_of(unsigned int device)
{
	static struct hold_owner owner;
	char key[HOLD_KEY];
	struct etcd_kv kv;
	uint8_t mac[6];

	mac_of(device, mac);
	hold_key(key, mac);
	fake_kv(fake_find(key, true), &kv);
	hold_owner_read(&kv, fake_value(key) ? 1 : 0, &owner);
	return owner.gateway;
}

/* Which way is taken where there are several: all of them, one after the other; where that are too many, any. */
static struct {
	int way[DEPTH], ways[DEPTH];
	int depth, known;
	uint32_t drawn;		/* 0: one after the other */
} path;

static int choose(int ways)
{
	int i = path.depth++;

	if (path.drawn) {
		path.drawn = path.drawn * 1664525 + 1013904223;
		return (path.drawn >> 8) % ways;
	}
	if (path.depth > DEPTH)
		abort();
	if (i >= path.known) {
		path.way[i] = 0;
		path.ways[i] = ways;
		path.known = path.depth;
	}
	return path.way[i];
}

static bool next_path(void)
{
	while (path.known && path.way[path.known - 1] + 1 >= path.ways[path.known - 1])
		path.known--;
	if (!path.known)
		return false;
	path.way[path.known - 1]++;
	path.depth = 0;
	return true;
}

/** struct scene - what happens in all orders */
struct scene {
	const char *name;
	bool roam;
	int first[4];		/* who asks at once, one after the other; -1 */
	int later;		/* who asks again at any time; -1 */
	int faults;
	bool held_by_a;		/* to begin with */
};

/* Something that can happen next, chosen among all that can. False: nothing. */
static bool step(const struct scene *s, bool *later, int *faults)
{
	struct { char what; size_t i; } can[FAKE_CALLS + 16];
	size_t i, n = 0;

	for (i = 0; i < FAKE_CALLS; i++)
		if (fake_calls[i].state != FAKE_FREE) {
			can[n].what = fake_calls[i].state == FAKE_SENT ? 's' : 'a';
			can[n++].i = i;
		}
	for (i = 0; i < GATEWAYS; i++)
		if (fake_watches[i].told < fake_watches[i].n) {
			can[n].what = 'w';
			can[n++].i = i;
		}
	for (i = 0; i < GATEWAYS; i++)
		if (gateways[i].granting[0]) {
			can[n].what = 'g';
			can[n++].i = i;
		}
	if (s->later >= 0 && !*later)
		can[n++].what = 'l';
	if (!n)
		return false;
	i = n > 1 ? choose(n) : 0;
	switch (can[i].what) {
	case 's':
		i = can[i].i;
		n = *faults && fake_calls[i].writes ? choose(3) : FAKE_WELL;
		*faults -= n != FAKE_WELL;
		fake_carry_out(&fake_calls[i], n);
		break;
	case 'a':
		fake_answer(&fake_calls[can[i].i]);
		break;
	case 'w':
		fake_tell(&fake_watches[can[i].i]);
		break;
	case 'g':
		grant(&gateways[can[i].i], 0);
		break;
	default:
		*later = true;
		ask(s->later, 0, s->roam);
	}
	return true;
}

/* Of one order: what is wrong, or NULL. */
static const char *play(const struct scene *s)
{
	bool later = false, one;
	int faults = s->faults, i;

	begin_all();
	if (s->held_by_a) {
		ask(A, 0, false);
		fake_settle();
		grant(&gateways[A], 0);
	}
	for (i = 0; i < 4 && s->first[i] >= 0; i++)
		ask(s->first[i], 0, s->roam);
	while (step(s, &later, &faults))
		;
	for (i = 0; i < 3; i++) {
		look(&gateways[A]);
		look(&gateways[B]);
	}
	for (i = 0; i < GATEWAYS; i++)
		list_again(&gateways[i]);
	for (i = 0; i < GATEWAYS; i++) {
		struct gateway *g = &gateways[i];

		if (g->leased[0] != g->held[0])
			return "held is not what has the lease";
		if (g->held[0] && strcmp(owner_of(0), g->config.fleet.gateway) != 0)
			return "held, and etcd says otherwise";
	}
	if (gateways[A].held[0] && gateways[B].held[0])
		return "both hold it";
	one = gateways[A].held[0] || gateways[B].held[0];
	if (!one && !s->faults)
		return "nobody holds it";
	if (!one && *owner_of(0))
		return "nobody holds it, and etcd says somebody does";
	if (!s->roam && s->held_by_a && !gateways[A].held[0])
		return "it was taken, and does not roam";
	if (fake_value("to/a/moved/02:00:00:00:01:00") || fake_value("to/b/moved/02:00:00:00:01:00"))
		return "what was moved is still told";
	return NULL;
}

static void orders(const struct scene *s)
{
	const char *wrong = NULL;
	unsigned int n = 0, drawn = 0;

	memset(&path, 0, sizeof(path));
	do {
		wrong = play(s);
		end_all();
		n++;
	} while (!wrong && n < ORDERS && next_path());
	path.drawn = n == ORDERS ? 1 : 0;
	for (; !wrong && path.drawn && n < 2 * ORDERS; n++) {
		drawn = path.drawn;
		wrong = play(s);
		end_all();
	}
	ok(!wrong, "%s: in %s order one gateway holds it%s%s", s->name, drawn ? "any" : "every", wrong ? ": " : "",
	   wrong ? wrong : "");
	printf("# %u orders, the last drawn from %u\n", n, drawn);
}

static void test_orders(void)
{
	static const struct scene scenes[] = {
		{ "two ask", false, { A, B, -1 }, -1, 0, false },
		{ "two ask, it roams", true, { A, B, -1 }, -1, 0, false },
		{ "B asks what A holds", false, { B, -1 }, -1, 0, true },
		{ "B asks what A holds, it roams", true, { B, -1 }, -1, 0, true },
		{ "B asks what A holds, it roams, and is back at A", true, { B, -1 }, A, 0, true },
		{ "two ask, an answer is lost", false, { A, B, -1 }, -1, 1, false },
		{ "two ask, it roams, an answer is lost", true, { A, B, -1 }, -1, 1, false },
		{ "B asks what A holds, it roams, two answers are lost", true, { B, -1 }, -1, 2, true },
		{ "one gateway is asked twice, an answer is lost", false, { A, A, -1 }, -1, 1, false },
	};
	size_t i;

	for (i = 0; i < sizeof(scenes) / sizeof(*scenes); i++)
		orders(&scenes[i]);
}

/* A holds device 0, and its lease is there. */
static void begin_held(void)
{
	begin_all();
	ask(A, 0, false);
	fake_settle();
	grant(&gateways[A], 0);
	fake_settle();
}

static bool answered(int at, const char *is)
{
	bool right = gateways[at].answers == 1 && !strcmp(gateways[at].is, is);

	if (!right)
		printf("# %u answers, %s: %s\n", gateways[at].answers, gateways[at].is, gateways[at].more);
	gateways[at].answers = 0;
	return right;
}

static void test_ask(void)
{
	const char *value;
	json_t *j;

	begin_held();
	ok(answered(A, "done") && gateways[A].held[0], "a device that nobody holds is held by who asks");
	value = fake_value("holder/02:00:00:00:01:00");
	j = json_loads(value ? value : "", 0, NULL);
	ok(json_integer_value(json_object_get(j, "v")) == 1 && !strcmp(json_string_value(json_object_get(j, "port")), "lan1") &&
	   json_integer_value(json_object_get(j, "until")) - json_integer_value(json_object_get(j, "since")) == 600 + 3600,
	   "holder: where it is, and for how long at most without another word: its lease, and offline");
	json_decref(j);
	ask(B, 0, false);
	fake_settle();
	ok(answered(B, "elsewhere") && !strcmp(gateways[B].more, "a") && !gateways[B].held[0],
	   "a device that another gateway holds is refused, with its name");
	ok(!fake_value("to/a/gone") && gateways[A].leased[0], "and nothing is said of who is there, nor its lease ended");
	ask(A, 0, false);
	fake_settle();
	ok(answered(A, "done") && gateways[A].held[0], "who holds it may ask again");
	ask(B, 0, true);
	fake_settle();
	ok(answered(B, "done") && !gateways[A].held[0] && !gateways[A].leased[0],
	   "a device that roams is taken over, and its lease at the other one ends");
	ok(!fake_value("to/a/moved/02:00:00:00:01:00"), "what was told is deleted");
	end_all();
}

static void test_questions(void)
{
	static const struct {
		const char *text, *is, *why;
	} rows[] = {
		{ "{}", "refused", "mac" },
		{ "{\"mac\":\"02:00\"}", "refused", "mac" },
		{ "{\"mac\":1}", "refused", "mac" },
		{ "{\"mac\":\"02:00:00:00:01:00\"}", "refused", "name" },
		{ "{\"mac\":\"02:00:00:00:01:00\",\"name\":\"\"}", "refused", "name" },
		{ "{\"mac\":\"02:00:00:00:01:00\",\"name\":\"d\"}", "refused", "port" },
		{ "{\"mac\":\"02:00:00:00:01:00\",\"name\":\"d\",\"port\":\"much-too-long-name\"}", "refused", "port" },
		{ "{\"mac\":\"02:00:00:00:01:00\",\"name\":\"d\",\"port\":\"\",\"lease\":0,\"roam\":true}", "refused", "lease" },
		{ "{\"mac\":\"02:00:00:00:01:00\",\"name\":\"d\",\"port\":\"\",\"lease\":1e9}", "refused", "lease" },
		{ "{\"mac\":\"02:00:00:00:01:00\",\"name\":\"d\",\"port\":\"\",\"lease\":9}", "refused", "roam" },
		{ "{\"mac\":\"02:00:00:00:01:00\",\"name\":\"d\",\"port\":\"\",\"lease\":9,\"roam\":false}", "done", "" },
	};
	size_t i;
	json_t *q;

	begin_all();
	for (i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		q = json_loads(rows[i].text, 0, NULL);
		fleet_hold(&gateways[A].f, 0, json_integer(1), q);
		json_decref(q);
		fake_settle();
		ok(answered(A, rows[i].is) && strstr(gateways[A].more, rows[i].why) && !gateways[A].f.holder->n,
		   "%s: %s", rows[i].text, rows[i].is);
	}
	end_all();
}

static void test_out_of_reach(void)
{
	unsigned int i;

	begin_all();
	gateways[A].f.reachable = false;
	ask(A, 0, false);
	ok(answered(A, "unreachable"), "without etcd the answer is there at once");
	gateways[A].f.reachable = true;
	fake_full = true;
	ask(A, 0, false);
	ok(answered(A, "unreachable"), "a client that takes no more calls is not waited for");
	fake_full = false;
	ask(A, 0, false);
	go_on(FAKE_LOST_CALL);
	ok(answered(A, "unreachable") && !gateways[A].held[0], "nor is etcd, when it does not answer");
	ask(A, 2, false);
	go_on(FAKE_WELL);
	go_on(FAKE_LOST_ANSWER);
	fake_settle();
	ok(answered(A, "done") && gateways[A].held[2] && fake_find("holder/02:00:00:00:01:02", false)->version == 1,
	   "what was written, but for the answer, is known by its number");
	gateways[A].f.self = 0;
	ask(A, 0, false);
	ok(answered(A, "unreachable"), "a gateway that is not in the fleet holds nothing");
	gateways[A].f.self = 1;
	ask(A, 0, false);
	fake_settle();
	ok(answered(A, "unreachable") && !gateways[A].held[0] && !*owner_of(0),
	   "nor does one whose entry in the fleet is another than it knows");
	b_expelled = true;
	ask(B, 0, false);
	fake_settle();
	ok(answered(B, "refused") && !gateways[B].held[0], "nor does one that is expelled");
	gateways[A].disk = -EIO;
	gateways[A].f.self = fake_find("all/gateway/a", false)->mod;
	ask(A, 0, false);
	fake_settle();
	ok(answered(A, "refused"), "what the registry does not take is no lease");
	gateways[A].disk = 0;
	look(&gateways[A]);
	ok(!*owner_of(0), "and is given back");
	for (i = 0; i < HOLD_WORKS; i++)
		ask(A, 0, false);
	ok(!gateways[A].answers, "questions of one device wait for one another");
	ask(A, 1, false);
	ok(answered(A, "unreachable"), "but so many only");
	fake_settle();
	ok(gateways[A].answers == HOLD_WORKS && gateways[A].held[0], "and all are answered");
	end_all();
}

static void test_away(void)
{
	char text[64];
	int64_t now = time(NULL);

	begin_held();
	fake_put("here/a", NULL);
	ask(B, 0, false);
	fake_settle();
	ok(answered(B, "elsewhere") && !gateways[B].held[0], "a gateway that is away holds what it holds");
	/* A's watch has told it, and it has answered by deleting it. */
	ok(!fake_value("to/a/gone"), "one that is there after all deletes what is said of it");
	fleet_holder_end(&gateways[A].f);
	ask(B, 0, false);
	fake_settle();
	ok(answered(B, "elsewhere") && fake_value("to/a/gone"), "since when it is away is written down");
	snprintf(text, sizeof(text), "{\"v\":1,\"at\":%lld}", (long long)(now - 600 - 3600 - HOLD_SKEW + 30));
	fake_put("to/a/gone", text);
	ask(B, 0, false);
	fake_settle();
	ok(answered(B, "elsewhere"), "as long as it may still hold it, nobody else does");
	fake_put("to/a/gone", "{\"v\":1,\"at\":\"long ago\"}");
	ask(B, 0, false);
	fake_settle();
	ok(answered(B, "elsewhere"), "nor when that makes no sense");
	snprintf(text, sizeof(text), "{\"v\":1,\"at\":%lld}", (long long)(now - 600 - 3600 - HOLD_SKEW - 30));
	fake_put("to/a/gone", text);
	fake_put("here/a", "{}");
	ask(B, 0, false);
	fake_settle();
	ok(answered(B, "elsewhere"), "nor when it is there again");
	fake_put("here/a", NULL);
	ask(B, 0, false);
	go_on(FAKE_WELL);
	go_on(FAKE_WELL);
	fake_put("here/a", "{}");
	fake_settle();
	ok(answered(B, "elsewhere") && !gateways[B].held[0], "nor when it comes back in that moment");
	fake_put("here/a", NULL);
	ask(B, 0, false);
	fake_settle();
	ok(answered(B, "done") && gateways[B].held[0] && fake_value("to/a/moved/02:00:00:00:01:00"),
	   "after that it is taken over, and that is told");
	end_all();
}

static void test_expelled(void)
{
	begin_all();
	ask(B, 0, false);
	fake_settle();
	answered(B, "done");
	b_expelled = true;
	ask(A, 0, false);
	fake_settle();
	ok(answered(A, "done") && gateways[A].held[0] && !strcmp(owner_of(0), "a"), "what an expelled gateway holds counts nothing");
	ok(gateways[B].held[0], "and it is told nothing");
	fake_put("holder/02:00:00:00:01:01", "{\"gateway\":\"../b\",\"attempt\":\"\",\"since\":1,\"until\":2}");
	ask(A, 1, false);
	fake_settle();
	ok(answered(A, "refused") && !gateways[A].held[1], "a holder that makes no sense is not overwritten");
	ask(A, 1, true);
	fake_settle();
	ok(answered(A, "done") && gateways[A].held[1], "unless the device roams");
	end_all();
}

static void forget_fresh(struct gateway *g)
{
	size_t i;

	for (i = 0; i < HOLD_RECENT; i++)
		g->f.holder->recent[i].when = 0;
}

static void test_release(void)
{
	struct gateway *a = &gateways[A];
	uint8_t mac[6];

	mac_of(0, mac);
	begin_all();
	ask(A, 0, false);
	fake_settle();
	fleet_holder_lease_ended(&a->f, mac);
	hold_look(a->f.holder);
	fake_settle();
	ok(a->held[0] && !strcmp(owner_of(0), "a"), "who was just told that it holds a device has time to give the lease");
	forget_fresh(a);
	fleet_holder_lease_ended(&a->f, mac);
	hold_look(a->f.holder);
	ok(!a->held[0], "a lease has ended: agent asks before the next one");
	fake_settle();
	ok(!*owner_of(0), "and the device is nobody's");
	begin_held();
	forget_fresh(a);
	fleet_holder_lease_ended(&a->f, mac);
	hold_look(a->f.holder);
	fake_settle();
	ok(a->held[0], "a device that has a lease again is kept");
	a->leased[0] = false;
	look(a);
	ok(a->held[0], "held, and without a lease at one look: it may be on its way");
	look(a);
	ok(!a->held[0] && !*owner_of(0), "without one at the next look: it is nobody's");
	end_all();
}

static void test_release_fails(void)
{
	struct gateway *a = &gateways[A];
	uint8_t mac[6];

	mac_of(0, mac);
	begin_held();
	forget_fresh(a);
	a->kernel = -ENOTCONN;
	fleet_holder_lease_ended(&a->f, mac);
	hold_look(a->f.holder);
	fake_settle();
	ok(a->held[0], "without a kernel nobody knows, and nothing is released");
	a->kernel = 0;
	a->leased[0] = false;
	a->f.reachable = false;
	fleet_holder_lease_ended(&a->f, mac);
	hold_look(a->f.holder);
	ok(a->held[0], "nor without etcd");
	a->f.reachable = true;
	hold_look(a->f.holder);
	go_on(FAKE_WELL);
	fake_carry_out(&fake_calls[0], FAKE_LOST_CALL);
	a->f.reachable = false;
	go_on(FAKE_LOST_CALL);
	ok(!a->held[0] && !strcmp(owner_of(0), "a"), "etcd goes while it is released");
	a->f.reachable = true;
	look(a);
	ok(!*owner_of(0), "it is done when etcd is back");
	begin_held();
	forget_fresh(a);
	a->leased[0] = false;
	gateways[B].roam = true;
	fleet_holder_lease_ended(&a->f, mac);
	ask(B, 0, true);
	fake_settle();
	hold_look(a->f.holder);
	fake_settle();
	ok(!strcmp(owner_of(0), "b") && gateways[B].held[0], "what another one has by then is not deleted");
	end_all();
}

static void test_claim(void)
{
	struct gateway *a = &gateways[A], *b = &gateways[B];

	begin_held();
	grant(b, 0);
	fake_settle();
	ok(!b->leased[0] && !b->held[0] && a->leased[0], "a lease that nobody asked for, of a device that another one holds, ends");
	b->roam = true;
	grant(b, 0);
	fake_settle();
	ok(b->leased[0] && b->held[0] && !a->leased[0] && !a->held[0], "if it roams, it is taken over");
	grant(a, 1);
	fake_settle();
	ok(a->held[1] && !strcmp(owner_of(1), "a"), "one that nobody holds is claimed");
	a->operator[2] = a->leased[2] = true;
	look(a);
	ok(!a->held[2] && a->leased[2] && !*owner_of(2), "an operator's lease is nobody's business");
	a->operator[2] = false;
	look(a);
	ok(a->held[2] && !strcmp(owner_of(2), "a"), "one without an event is found");
	end_all();
}

static void test_check(void)
{
	struct gateway *a = &gateways[A];
	struct etcd_call *check;
	size_t i;

	begin_held();
	ask(A, 1, false);
	fake_settle();
	grant(a, 1);
	ask(A, 2, false);
	fake_settle();
	grant(a, 2);
	forget_fresh(a);
	fake_put("holder/02:00:00:00:01:00", "{\"gateway\":\"b\",\"attempt\":\"\",\"since\":1,\"until\":2}");
	fake_put("holder/02:00:00:00:01:01", NULL);
	fake_watches[A].ops.news(ETCD_WATCH_OPEN, 0, "", a->f.holder);
	look(a);
	look(a);
	ok(!a->held[0] && !a->leased[0], "etcd is back: what is another gateway's by now is let go");
	ok(a->held[1] && a->leased[1] && !strcmp(owner_of(1), "a"), "what is nobody's is claimed again");
	ok(a->held[2] && a->leased[2] && !a->f.holder->check.n, "what is ours is kept");
	fake_put("holder/02:00:00:00:01:00", "{\"gateway\":\"b\",\"attempt\":\"\",\"since\":1,\"until\":2}");
	a->held[0] = true;
	a->held[1] = a->held[2] = a->leased[1] = a->leased[2] = false;
	fake_watches[A].ops.news(ETCD_WATCH_OPEN, 0, "", a->f.holder);
	hold_look(a->f.holder);
	check = a->f.holder->check_call;
	fake_carry_out(check, FAKE_WELL);
	ask(A, 0, true);
	for (i = 0; i < FAKE_CALLS; i++)
		while (&fake_calls[i] != check && fake_calls[i].state == FAKE_SENT) {
			fake_carry_out(&fake_calls[i], FAKE_WELL);
			fake_answer(&fake_calls[i]);
		}
	grant(a, 0);
	fake_answer(check);
	fake_settle();
	ok(a->held[0] && a->leased[0], "what became ours while that was read is kept, too");
	end_all();
}

static void test_told(void)
{
	struct gateway *a = &gateways[A];

	begin_held();
	fake_put("to/a/moved/nonsense", "{}");
	fake_put("to/a/moved/02:00:00:00:01:02", "nonsense");
	fake_put("to/a/other", "{}");
	fake_settle();
	ok(!fake_value("to/a/moved/nonsense") && !fake_value("to/a/moved/02:00:00:00:01:02") && fake_value("to/a/other"),
	   "keys that make no sense are deleted, those of others are not");
	ok(a->held[0] && a->leased[0], "and end no lease");
	a->disk = -EIO;
	fake_put("to/a/moved/02:00:00:00:01:00", "{\"to\":\"b\"}");
	fake_settle();
	ok(!a->leased[0] && fake_value("to/a/moved/02:00:00:00:01:00"), "what the registry does not take stays told");
	a->disk = 0;
	list_again(a);
	ok(!a->held[0] && !fake_value("to/a/moved/02:00:00:00:01:00"), "until it does");
	begin_held();
	fleet_holder_end(&a->f);
	fake_put("to/a/moved/02:00:00:00:01:00", "{\"to\":\"b\"}");
	fake_put("to/a/gone", "{\"at\":1}");
	if (fleet_holder_begin(&a->f))
		abort();
	event_base_loop(base, EVLOOP_NONBLOCK);
	fake_settle();
	ok(!a->held[0] && !a->leased[0] && !fake_value("to/a/moved/02:00:00:00:01:00") && !fake_value("to/a/gone"),
	   "what was told while it was away is done when it begins");
	ask(A, 0, true);
	fake_settle();
	grant(a, 0);
	fleet_holder_end(&a->f);
	ask(B, 0, true);
	fake_settle();
	if (fleet_holder_begin(&a->f))
		abort();
	ask(A, 0, true);
	fake_settle();
	ok(a->held[0] && !fake_value("to/a/moved/02:00:00:00:01:00"), "what we have again takes what was told with it");
	event_base_loop(base, EVLOOP_NONBLOCK);
	fake_settle();
	ok(a->held[0], "so that it is not done later");
	fake_watches[A].ops.news(ETCD_WATCH_COMPACTED, 0, "", a->f.holder);
	a->leased[1] = a->held[1] = true;
	fake_put("to/a/moved/02:00:00:00:01:01", "{\"to\":\"b\"}");
	list_again(a);
	ok(!a->held[1] && !a->leased[1], "a watch that is over is begun anew, with a list");
	end_all();
}

int main(void)
{
	base = event_base_new();
	test_ask();
	test_questions();
	test_out_of_reach();
	test_away();
	test_expelled();
	test_release();
	test_release_fails();
	test_claim();
	test_check();
	test_told();
	test_orders();
	event_base_free(base);
	return tap_done();
}
