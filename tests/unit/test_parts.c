// SPDX-License-Identifier: GPL-2.0
/* Overlaps of fragments, held against a model that remembers each byte of each datagram. */
#include <stdlib.h>

#include "../../kernel/core/parts.h"
#include "tap.h"

#define STEPS	400000
#define UNITS	24	/* of 8 bytes, in a datagram */
#define LIMIT	450

static const struct cordon_key key = { { 1, 2 } };
static struct cordon_parts parts;
static u64 seed = 1;

static u32 rnd(u32 below)
{
	seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
	return (seed >> 33) % below;
}

/* What came of a datagram, byte by byte. */
struct model {
	bool has[UNITS + 1];
	u32 end;
	bool bad;
	bool lost;
};

static u32 runs(const struct model *m)
{
	u32 i, n = 0;

	for (i = 0; i < UNITS; i++)
		n += m->has[i] && (!i || !m->has[i - 1]);
	return n;
}

/* Which of the bytes have come: 0 none, 1 some, 2 all. */
static u32 covered(const struct model *m, u32 from, u32 to)
{
	u32 i, n = 0;

	for (i = from; i < to; i++)
		n += m->has[i];
	return n == to - from ? 2 : n > 0;
}

static bool is_beyond(const struct model *m, u32 to)
{
	for (; to < UNITS; to++)
		if (m->has[to])
			return true;
	return false;
}

static bool model_overlaps(struct model *m, u32 from, u32 to, bool last)
{
	struct model was = *m;
	u32 i;

	if (!from && last)
		return false;
	if (m->bad)
		return true;
	if (m->lost)
		return false;
	if (m->end ? to > m->end || (last && to != m->end) : last && is_beyond(m, to))
		return m->bad = true;
	if (last)
		m->end = to;
	if (covered(m, from, to))
		return m->bad = covered(m, from, to) == 1;
	for (i = from; i < to; i++)
		m->has[i] = true;
	/* One that would make a gap too many is not remembered, and nor is any other. */
	m->lost = runs(m) > CORDON_PARTS_RUNS && runs(m) > runs(&was);
	if (m->end && covered(m, 0, m->end) == 2)
		*m = (struct model){ 0 };
	return false;
}

static struct cordon_part of(u32 datagram, u32 from, u32 to, bool last)
{
	return (struct cordon_part){
		.src = cordon_addr_v4(0x0a000001), .dst = cordon_addr_v4(0x0a000002), .id = datagram, .where = 17,
		.from = from * 8, .to = to * 8, .last = last,
	};
}

static bool overlaps(u32 datagram, u32 from, u32 to, bool last, u32 now)
{
	struct cordon_part part = of(datagram, from, to, last);

	return cordon_parts_overlap(&parts, &key, &part, now, LIMIT);
}

/* Random fragments of few datagrams, which are begun anew now and then: those of a model and of none other. */
static void test_model(void)
{
	struct model models[2] = { 0 };
	u32 step, wrong = 0, told = 0, whole = 0, base = 0, i, from, to;
	bool last, had;

	for (step = 0; step < STEPS; step++) {
		if (!(step % 24)) {
			base += 2;
			memset(models, 0, sizeof(models));
		}
		i = rnd(2);
		/* Mostly as a stack cuts it, in four pieces. */
		from = rnd(4) * UNITS / 4;
		to = from + UNITS / 4;
		if (!rnd(12)) {
			from = rnd(UNITS);
			to = from + 1 + rnd(UNITS - from);
		}
		last = to == UNITS || !rnd(40);
		had = models[i].end || runs(&models[i]);
		if (overlaps(base + i, from, to, last, step) != model_overlaps(&models[i], from, to, last))
			wrong++;
		told += models[i].bad;
		whole += had && !models[i].bad && !models[i].lost && !models[i].end && !runs(&models[i]);
	}
	ok(!wrong, "as a model that remembers each byte: %u of %u wrong", wrong, STEPS);
	ok(told > STEPS / 10 && whole > 1000, "some overlap, and some become whole: %u, %u", told, whole);
}

/* In order, in disorder, with copies: what a healthy line makes of a datagram. */
static void test_healthy(void)
{
	u32 order[8], i, j, t, wrong = 0;

	for (t = 0; t < 20000; t++) {
		for (i = 0; i < 8; i++)
			order[i] = i;
		for (i = 7; i && t % 4; i--) {
			u32 swap = order[i];

			j = rnd(i + 1);
			order[i] = order[j];
			order[j] = swap;
		}
		for (i = 0; i < 8; i++) {
			wrong += overlaps(1000000 + t, order[i] * 3, order[i] * 3 + 3, order[i] == 7, t);
			if (i < 7 && !rnd(4))
				wrong += overlaps(1000000 + t, order[i] * 3, order[i] * 3 + 3, order[i] == 7, t);
		}
	}
	ok(!wrong, "what came in disorder and twice does not overlap: %u wrong", wrong);
}

static void test_time(void)
{
	u32 began = (u32)-3;	/* the clock wraps */

	overlaps(1, 0, 2, false, began);
	ok(overlaps(1, 1, 3, false, began + LIMIT - 1), "within its time a datagram is remembered, also where the clock wraps");
	ok(overlaps(1, 3, 4, true, began + LIMIT - 1), "whatever comes of it then is refused");
	ok(!overlaps(1, 3, 4, true, began + LIMIT), "not after it");
	ok(!overlaps(1, 0, 3, false, began + LIMIT), "which ends the next one with that number");
	ok(!overlaps(1, 1, 4, false, began + LIMIT), "whole, it is forgotten");
}

/* Whoever sends many datagrams drives out the oldest, and nothing grows. */
static void test_flood(void)
{
	struct cordon_part part = of(7, 0, 2, false), other = of(7, 1, 3, false);
	u32 i, kept = 0;

	memset(&parts, 0, sizeof(parts));
	for (i = 0; i < 40; i++)
		overlaps(100 + i, 0, 2, false, i);
	for (i = 20; i < 40; i++)
		kept += overlaps(100 + i, 1, 3, false, 40);
	ok(kept >= 18, "of 40 datagrams on their way the last ones are remembered: %u of 20", kept);
	for (i = 0; i < 100000; i++)
		overlaps(1000 + i, 0, 2, false, 41 + i / 1000);
	ok(!overlaps(139, 3, 5, false, 141), "a flood drives out what came before");
	ok(overlaps(100999, 1, 3, false, 141), "and itself is told");

	cordon_parts_overlap(&parts, &key, &part, 200, LIMIT);
	other.where = 6;
	ok(!cordon_parts_overlap(&parts, &key, &other, 200, LIMIT), "another protocol is another datagram");
	other = of(7, 1, 3, false);
	other.dst.lo++;
	ok(!cordon_parts_overlap(&parts, &key, &other, 200, LIMIT), "so is another destination");
	other = of(7, 1, 3, false);
	other.src.hi++;
	ok(!cordon_parts_overlap(&parts, &key, &other, 200, LIMIT), "and another source");
	other = of(7, 1, 3, false);
	ok(cordon_parts_overlap(&parts, &key, &other, 200, LIMIT), "but not the same");
	ok(sizeof(parts) <= 6144, "%zu bytes for each processor", sizeof(parts));
}

/* RFC 6946: a datagram that is whole in one fragment has no part in others, whatever number it bears. */
static void test_whole(void)
{
	memset(&parts, 0, sizeof(parts));
	ok(!overlaps(5, 0, 3, false, 1) && !overlaps(5, 0, 2, true, 1), "a whole datagram overlaps none by the same number");
	ok(!overlaps(5, 3, 6, true, 1), "which goes on");
	overlaps(6, 0, 2, false, 1);
	ok(overlaps(6, 1, 3, false, 1) && !overlaps(6, 0, 2, true, 1), "nor is it refused with one that is");
}

int main(void)
{
	test_model();
	test_healthy();
	test_time();
	test_flood();
	test_whole();
	return tap_done();
}
