// SPDX-License-Identifier: GPL-2.0
/*
 * Which gateway holds a device: two gateways want it, in every order that their messages can have. An agent asks, and
 * gives the lease when the answer is there.
 */
#include "fleet_gateways.h"

#define DEPTH		160
#define ORDERS		4000	/* one after the other, and as many drawn */

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

int main(void)
{
	base = event_base_new();
	test_orders();
	event_base_free(base);
	return tap_done();
}
