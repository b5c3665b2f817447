// SPDX-License-Identifier: GPL-2.0
/* Which gateway holds a device: what is asked, what is refused, what comes of an etcd that is away. */
#include "fleet_gateways.h"

/* The one call that is on its way, there and back. */
static void go_on(enum fake_fate fate)
{
	struct etcd_call *c = fake_calls;

	if (c->state == FAKE_SENT)
		fake_carry_out(c, fate);
	fake_answer(c);
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
	event_base_free(base);
	return tap_done();
}
