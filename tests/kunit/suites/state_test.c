// SPDX-License-Identifier: GPL-2.0
/* kernel/clock.c, tally.c, stats.c, destinations.c, device.c: what outlives a policy; how kernel/ruleset.h finds it */
#include <kunit/test.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>

/* What device.c takes by kcalloc(), tallies, it takes here. */
static void *take(size_t n, size_t size, gfp_t gfp);

#define kcalloc take
#include "../../../kernel/clock.c"
#include "../../../kernel/tally.c"
#include "../../../kernel/stats.c"
#include "../../../kernel/destinations.c"
#include "../../../kernel/device.c"
#undef kcalloc
#include "pkt.h"
#include "ruleset.h"

static const u8 mac[ETH_ALEN] = { 2, 0, 0, 0, 0, 1 };
static const u8 ones[CORDON_CERTIFICATE_LEN] = { [0] = 1, [CORDON_CERTIFICATE_LEN - 1] = 1 };
static const u8 twos[CORDON_CERTIFICATE_LEN] = { [0] = 1, [CORDON_CERTIFICATE_LEN - 1] = 2 };

static struct cordon_traffic_pool *pool;
static bool no_memory;
static struct cordon_device *overtaken;	/* by another CPU, which takes tallies for it first */
static gfp_t taken;

static void *take(size_t n, size_t size, gfp_t gfp)
{
	struct cordon_device *d = overtaken;

	overtaken = NULL;
	if (d)
		cordon_device_tally(d);
	taken = gfp;
	return no_memory ? NULL : kcalloc(n, size, gfp);
}

static void ticks_and_back(struct kunit *test)
{
	u32 s;

	for (s = 0; s < 100000; s += 977)
		KUNIT_EXPECT_LE(test, cordon_tick_seconds(cordon_ticks(s)), s);
	KUNIT_EXPECT_GE(test, cordon_tick_seconds(cordon_ticks(3600)), 3599U);
	KUNIT_EXPECT_EQ(test, cordon_ticks(0), 0U);
	KUNIT_EXPECT_LT(test, cordon_ticks(CORDON_MAX_LEASE), (u32)S32_MAX);
}

static void lease_makes_and_ends(struct kunit *test)
{
	struct cordon_device *d = cordon_device_new(pool, mac, false);
	struct cordon_posture q;

	KUNIT_ASSERT_NOT_NULL(test, d);
	cordon_device_posture(d, 0, &q);
	KUNIT_EXPECT_FALSE(test, q.leased || q.was_leased || q.quarantined || q.outdated);
	cordon_device_lease(d, 0);
	cordon_device_posture(d, 0, &q);
	KUNIT_EXPECT_FALSE(test, q.was_leased);
	cordon_device_lease(d, 3600);
	cordon_device_posture(d, 0, &q);
	KUNIT_EXPECT_TRUE(test, q.leased && q.was_leased);
	KUNIT_EXPECT_GE(test, cordon_device_lease_seconds(d), 3598U);
	cordon_device_lease(d, 0);
	cordon_device_posture(d, 0, &q);
	KUNIT_EXPECT_TRUE(test, !q.leased && q.was_leased);
	KUNIT_EXPECT_EQ(test, cordon_device_lease_seconds(d), 0U);
	set_bit(CORDON_DEVICE_QUARANTINED, &d->flags);
	cordon_device_posture(d, 0, &q);
	KUNIT_EXPECT_TRUE(test, q.quarantined && !q.outdated);
	cordon_device_put(d);
}

static bool leased_at(const struct cordon_device *d, int ifindex)
{
	struct cordon_posture q;

	cordon_device_posture(d, ifindex, &q);
	return q.leased;
}

static void checkin_binds_to_port(struct kunit *test)
{
	struct cordon_device *d = cordon_device_new(pool, mac, false);
	struct cordon_posture q;

	KUNIT_ASSERT_NOT_NULL(test, d);
	KUNIT_EXPECT_TRUE(test, cordon_device_checkin(d, 3600, 5, "lan5", ones));
	KUNIT_EXPECT_TRUE(test, leased_at(d, 5));
	KUNIT_EXPECT_FALSE(test, leased_at(d, 6));
	/* For what is sent to it, the lease counts as it is. */
	KUNIT_EXPECT_TRUE(test, leased_at(d, 0));
	cordon_device_posture(d, 6, &q);
	KUNIT_EXPECT_TRUE(test, q.was_leased);
	/* Again from there is no news, from elsewhere it is. */
	KUNIT_EXPECT_FALSE(test, cordon_device_checkin(d, 3600, 5, "lan5", ones));
	KUNIT_EXPECT_TRUE(test, cordon_device_checkin(d, 3600, 6, "lan6", ones));
	KUNIT_EXPECT_FALSE(test, leased_at(d, 5));
	KUNIT_EXPECT_TRUE(test, leased_at(d, 6));
	KUNIT_EXPECT_TRUE(test, cordon_device_checkin(d, 3600, 6, "lan6", twos));
	/* From who knows where, and by hand: everywhere. */
	KUNIT_EXPECT_TRUE(test, cordon_device_checkin(d, 3600, 0, "", twos));
	KUNIT_EXPECT_TRUE(test, leased_at(d, 5) && leased_at(d, 6));
	cordon_device_checkin(d, 3600, 5, "lan5", ones);
	cordon_device_lease(d, 3600);
	KUNIT_EXPECT_TRUE(test, leased_at(d, 5) && leased_at(d, 6));
	/* The end of a bound lease sets nobody free. */
	cordon_device_checkin(d, 3600, 5, "lan5", ones);
	cordon_device_lease(d, 0);
	KUNIT_EXPECT_EQ(test, d->lease_ifindex, 5);
	KUNIT_EXPECT_FALSE(test, leased_at(d, 0) || leased_at(d, 5) || leased_at(d, 6));
	cordon_device_put(d);
}

static void certificate_while_its_lease_lasts(struct kunit *test)
{
	struct cordon_device *d = cordon_device_new(pool, mac, false);
	u8 held[CORDON_CERTIFICATE_LEN];

	KUNIT_ASSERT_NOT_NULL(test, d);
	KUNIT_EXPECT_FALSE(test, cordon_device_certificate(d, held));
	cordon_device_checkin(d, 3600, 0, "", ones);
	KUNIT_EXPECT_TRUE(test, cordon_device_certificate(d, held));
	KUNIT_EXPECT_EQ(test, memcmp(held, ones, sizeof(held)), 0);
	cordon_device_checkin(d, 3600, 0, "", twos);
	KUNIT_EXPECT_TRUE(test, cordon_device_certificate(d, held));
	KUNIT_EXPECT_EQ(test, memcmp(held, twos, sizeof(held)), 0);
	cordon_device_lease(d, 3600);
	KUNIT_EXPECT_FALSE(test, cordon_device_certificate(d, held));
	cordon_device_checkin(d, 3600, 0, "", ones);
	cordon_device_lease(d, 0);
	KUNIT_EXPECT_FALSE(test, cordon_device_certificate(d, held));
	cordon_device_checkin(d, 3600, 0, "", ones);
	KUNIT_EXPECT_TRUE(test, cordon_device_certificate(d, held));
	/* It has run out. */
	d->lease_end = cordon_now() - 1;
	KUNIT_EXPECT_FALSE(test, cordon_device_certificate(d, held));
	cordon_device_put(d);
}

static void device_begins_as_it_once_was(struct kunit *test)
{
	struct cordon_device *d = cordon_device_new(pool, mac, false);
	struct cordon_device_start start = { .quarantined = true, .outdated = true };
	struct cordon_posture q;

	KUNIT_ASSERT_NOT_NULL(test, d);
	cordon_device_start(d, &start);
	cordon_device_posture(d, 0, &q);
	KUNIT_EXPECT_TRUE(test, q.quarantined && q.outdated);
	KUNIT_EXPECT_FALSE(test, q.leased || q.was_leased);
	cordon_device_put(d);

	d = cordon_device_new(pool, mac, false);
	KUNIT_ASSERT_NOT_NULL(test, d);
	start = (struct cordon_device_start){ .leased = true };
	cordon_device_start(d, &start);
	cordon_device_posture(d, 0, &q);
	KUNIT_EXPECT_FALSE(test, q.leased || q.quarantined || q.outdated);
	KUNIT_EXPECT_TRUE(test, q.was_leased);
	cordon_device_put(d);
}

static void lease_waits_for_its_port(struct kunit *test)
{
	struct cordon_device *d = cordon_device_new(pool, mac, false);
	struct cordon_device_start start = {
		.leased = true, .lease = 60, .certified = true, .port = "lan5",
	};
	char port[CORDON_IFNAME_LEN];
	u8 held[CORDON_CERTIFICATE_LEN];

	KUNIT_ASSERT_NOT_NULL(test, d);
	KUNIT_EXPECT_FALSE(test, cordon_device_lease_port(d, port));
	memcpy(start.certificate, ones, sizeof(ones));
	cordon_device_start(d, &start);
	KUNIT_EXPECT_TRUE(test, cordon_device_certificate(d, held));
	KUNIT_EXPECT_EQ(test, memcmp(held, ones, sizeof(held)), 0);
	KUNIT_EXPECT_TRUE(test, cordon_device_lease_port(d, port));
	KUNIT_EXPECT_STREQ(test, port, "lan5");
	KUNIT_EXPECT_FALSE(test, leased_at(d, 5) || leased_at(d, 6));
	cordon_device_bind(d, 5);
	KUNIT_EXPECT_TRUE(test, leased_at(d, 5));
	KUNIT_EXPECT_FALSE(test, leased_at(d, 6));
	/* Given by hand, it is bound to none. */
	cordon_device_lease(d, 60);
	KUNIT_EXPECT_FALSE(test, cordon_device_lease_port(d, port));
	cordon_device_put(d);
}

static void limit_fires_once_in_a_window(struct kunit *test)
{
	const struct cordon_limit limit = { .count = 5, .window = 3600 };
	struct cordon_tally t = {};
	int i, fired = 0;

	for (i = 1; i <= 20; i++)
		if (cordon_tally_limit(&t, &limit)) {
			fired++;
			KUNIT_EXPECT_EQ(test, i, 5);
		}
	KUNIT_EXPECT_EQ(test, fired, 1);
	/* The window is over: it counts from one again. */
	t.window -= cordon_ticks(3600);
	for (i = 1; i <= 4; i++)
		KUNIT_EXPECT_FALSE(test, cordon_tally_limit(&t, &limit));
	KUNIT_EXPECT_TRUE(test, cordon_tally_limit(&t, &limit));
}

/* Each row: the limit when the anomaly falls, and whether it is the one that acts. */
static const struct limit_row {
	u32 count;
	bool acts;
} limits[] = {
	{ 5, false }, { 5, false }, { 5, false },
	{ 2, true },	/* lowered below what was counted: at once */
	{ 2, false }, { 1, false }, { 9, false },	/* once in a window, whatever follows */
};

static void limit_acts_again_after_release(struct kunit *test)
{
	struct cordon_device *d = cordon_device_new(pool, mac, false);
	const struct cordon_limit limit = { .count = 1, .window = 3600 };
	struct cordon_tally *t;

	KUNIT_ASSERT_NOT_NULL(test, d);
	/* One that did nothing wrong can be let out, too. */
	cordon_device_release(d);
	t = cordon_device_tally(d);
	KUNIT_ASSERT_NOT_NULL(test, t);
	KUNIT_EXPECT_TRUE(test, cordon_tally_limit(&t[CORDON_KIND_BAD_FLAGS], &limit));
	KUNIT_EXPECT_FALSE(test, cordon_tally_limit(&t[CORDON_KIND_BAD_FLAGS], &limit));
	set_bit(CORDON_DEVICE_QUARANTINED, &d->flags);
	cordon_device_release(d);
	KUNIT_EXPECT_FALSE(test, test_bit(CORDON_DEVICE_QUARANTINED, &d->flags));
	KUNIT_EXPECT_TRUE(test, cordon_tally_limit(&t[CORDON_KIND_BAD_FLAGS], &limit));
	cordon_device_put(d);
}

static void limit_that_changes_acts_once(struct kunit *test)
{
	struct cordon_tally t = {};
	struct cordon_limit limit = { .window = 3600 };
	int i;

	for (i = 0; i < ARRAY_SIZE(limits); i++) {
		limit.count = limits[i].count;
		KUNIT_EXPECT_EQ_MSG(test, cordon_tally_limit(&t, &limit), limits[i].acts,
				    "row %d", i);
	}
	t.window -= cordon_ticks(3600);
	limit.count = 1;
	KUNIT_EXPECT_TRUE(test, cordon_tally_limit(&t, &limit));
	KUNIT_EXPECT_FALSE(test, cordon_tally_limit(&t, &limit));
	/* No count is so large that it runs into the flag. */
	t.window -= cordon_ticks(3600);
	limit.count = U32_MAX;
	KUNIT_EXPECT_FALSE(test, cordon_tally_limit(&t, &limit));
	atomic_set(&t.in_window, CORDON_TALLY_ACTED - 2);
	KUNIT_EXPECT_TRUE(test, cordon_tally_limit(&t, &limit));
	KUNIT_EXPECT_FALSE(test, cordon_tally_limit(&t, &limit));
}

/* @n targets from @first on; how often the limit acts */
static int scanned(struct cordon_scan *s, u32 committed, u16 first, u16 n)
{
	const struct cordon_limit limit = { .count = 20, .window = 3600 };
	struct cordon_target target = { .addr = { 1, 2 }, .proto = IPPROTO_TCP, .port = first };
	int acted = 0;

	for (; n--; target.port++)
		acted += cordon_scan_limit(s, &limit, committed, &target);
	return acted;
}

static void scan_limit_acts_once_in_a_window(struct kunit *test)
{
	struct cordon_device *d = cordon_device_new(pool, mac, true);
	struct cordon_scan *s;

	KUNIT_ASSERT_NOT_NULL(test, d);
	s = cordon_device_scan(cordon_device_tallies(d));
	KUNIT_EXPECT_EQ(test, scanned(s, 1, 1, 15), 0);
	KUNIT_EXPECT_EQ(test, scanned(s, 1, 1, 15), 0);
	KUNIT_EXPECT_EQ(test, scanned(s, 1, 16, 15), 1);
	KUNIT_EXPECT_EQ(test, scanned(s, 1, 31, 100), 0);
	/* It is over. */
	s->window -= cordon_ticks(3600);
	KUNIT_EXPECT_EQ(test, scanned(s, 1, 1, 15), 0);
	KUNIT_EXPECT_EQ(test, scanned(s, 1, 16, 15), 1);
	/* The device is let out. */
	cordon_device_release(d);
	KUNIT_EXPECT_EQ(test, scanned(s, 1, 1, 15), 0);
	KUNIT_EXPECT_EQ(test, scanned(s, 1, 16, 15), 1);
	/* By another policy, too */
	KUNIT_EXPECT_EQ(test, scanned(s, 2, 1, 15), 0);
	KUNIT_EXPECT_EQ(test, scanned(s, 2, 16, 15), 1);
	/* Nobody waits for another CPU. */
	atomic_set(&s->busy, 1);
	KUNIT_EXPECT_EQ(test, scanned(s, 3, 1, 100), 0);
	atomic_set(&s->busy, 0);
	KUNIT_EXPECT_EQ(test, scanned(s, 3, 1, 100), 1);
	cordon_device_put(d);
}

static void targets_come_with_the_first_one(struct kunit *test)
{
	struct cordon_device *d = cordon_device_new(pool, mac, false);
	struct cordon_tallies *t;

	KUNIT_ASSERT_NOT_NULL(test, d);
	t = cordon_device_tallies(d);
	KUNIT_ASSERT_NOT_NULL(test, t);
	KUNIT_EXPECT_NULL(test, t->scan);
	no_memory = true;
	KUNIT_EXPECT_NULL(test, cordon_device_scan(t));
	no_memory = false;
	KUNIT_EXPECT_NOT_NULL(test, cordon_device_scan(t));
	KUNIT_EXPECT_EQ(test, taken, GFP_ATOMIC | __GFP_NOWARN);
	KUNIT_EXPECT_PTR_EQ(test, cordon_device_scan(t), t->scan);
	cordon_device_put(d);
}

static struct cordon_destination port(u16 number)
{
	return (struct cordon_destination){
		.whom = cordon_destination_gateway(), .proto = IPPROTO_TCP, .port = number,
	};
}

/* @n destinations from @first on, which are learned for an hour; how many count as new */
static int met(struct cordon_destinations *d, u16 first, u16 n)
{
	struct cordon_destination to;
	int count = 0;

	local_bh_disable();
	while (n--) {
		to = port(first++);
		count += cordon_destinations_meet(d, &to, 3600);
	}
	local_bh_enable();
	return count;
}

static void destinations_are_learned_then_counted(struct kunit *test)
{
	struct cordon_destinations *d = cordon_destinations_new(GFP_KERNEL);
	u32 left;

	KUNIT_ASSERT_NOT_NULL(test, d);
	KUNIT_EXPECT_FALSE(test, cordon_destinations_left(d, &left));
	KUNIT_EXPECT_EQ(test, left, 0U);
	/* Learning begins with the first one. */
	KUNIT_EXPECT_EQ(test, met(d, 1, 10), 0);
	KUNIT_EXPECT_TRUE(test, cordon_destinations_left(d, &left));
	KUNIT_EXPECT_GE(test, left, 3590U);
	KUNIT_EXPECT_LE(test, left, 3600U);
	d->end -= cordon_ticks(3500);
	KUNIT_EXPECT_EQ(test, met(d, 5, 10), 0);
	KUNIT_EXPECT_TRUE(test, cordon_destinations_left(d, &left));
	KUNIT_EXPECT_LE(test, left, 101U);
	/* It is over: what is known is none, what is new is one, once. */
	d->end -= cordon_ticks(200);
	KUNIT_EXPECT_TRUE(test, cordon_destinations_left(d, &left));
	KUNIT_EXPECT_EQ(test, left, 0U);
	KUNIT_EXPECT_EQ(test, met(d, 1, 14), 0);
	KUNIT_EXPECT_EQ(test, met(d, 1, 15), 1);
	KUNIT_EXPECT_EQ(test, met(d, 1, 15), 0);
	KUNIT_EXPECT_EQ(test, d->known.n, 15U);
	/* Anew */
	cordon_destinations_anew(d);
	KUNIT_EXPECT_FALSE(test, cordon_destinations_left(d, &left));
	KUNIT_EXPECT_EQ(test, d->known.n, 0U);
	KUNIT_EXPECT_EQ(test, met(d, 100, 10), 0);
	KUNIT_EXPECT_TRUE(test, cordon_destinations_left(d, &left));
	KUNIT_EXPECT_GE(test, left, 3590U);
	kfree(d);
}

static void destinations_that_are_too_many_alarm_nobody(struct kunit *test)
{
	struct cordon_destinations *d = cordon_destinations_new(GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, d);
	KUNIT_EXPECT_EQ(test, met(d, 1, CORDON_MAX_KNOWN - 1), 0);
	cordon_destinations_set_left(d, 0);
	KUNIT_EXPECT_EQ(test, met(d, 1000, 50), 1);
	KUNIT_EXPECT_EQ(test, met(d, 1000, 500), 0);
	KUNIT_EXPECT_EQ(test, d->known.n, CORDON_MAX_KNOWN);
	kfree(d);
}

static void destinations_are_given_back(struct kunit *test)
{
	struct cordon_destinations *d = cordon_destinations_new(GFP_KERNEL);
	struct cordon_destinations *from = cordon_destinations_new(GFP_KERNEL);
	u32 left;

	KUNIT_ASSERT_NOT_NULL(test, d);
	KUNIT_ASSERT_NOT_NULL(test, from);
	met(from, 1, 100);
	met(d, 500, 20);
	cordon_destinations_set_left(from, 0);
	cordon_destinations_copy(d, from);
	KUNIT_EXPECT_TRUE(test, cordon_destinations_left(d, &left));
	KUNIT_EXPECT_EQ(test, left, 0U);
	KUNIT_EXPECT_EQ(test, d->known.n, 100U);
	KUNIT_EXPECT_EQ(test, met(d, 1, 100), 0);
	KUNIT_EXPECT_EQ(test, met(d, 500, 20), 20);
	cordon_destinations_anew(from);
	cordon_destinations_copy(d, from);
	KUNIT_EXPECT_FALSE(test, cordon_destinations_left(d, &left));
	KUNIT_EXPECT_EQ(test, met(d, 500, 20), 0);
	kfree(from);
	kfree(d);
}

/* Room for them comes with the policy that asks, charged to its author, and stays. */
static void destinations_come_before_packets(struct kunit *test)
{
	struct cordon_device *d = cordon_device_new(pool, mac, false);
	struct cordon_destinations *been;

	KUNIT_ASSERT_NOT_NULL(test, d);
	KUNIT_EXPECT_NULL(test, cordon_device_destinations(d));
	no_memory = true;
	KUNIT_EXPECT_EQ(test, cordon_device_remember(d), -ENOMEM);
	no_memory = false;
	KUNIT_EXPECT_NULL(test, cordon_device_destinations(d));
	KUNIT_EXPECT_EQ(test, cordon_device_remember(d), 0);
	KUNIT_EXPECT_EQ(test, taken, GFP_KERNEL_ACCOUNT);
	been = cordon_device_destinations(d);
	KUNIT_ASSERT_NOT_NULL(test, been);
	met(been, 1, 3);
	KUNIT_EXPECT_EQ(test, cordon_device_remember(d), 0);
	KUNIT_EXPECT_PTR_EQ(test, cordon_device_destinations(d), been);
	KUNIT_EXPECT_EQ(test, been->known.n, 3U);
	cordon_device_put(d);
}

static void event_at_most_once_a_second(struct kunit *test)
{
	struct cordon_tally t = {};
	u32 suppressed = 99;
	int i;

	atomic64_inc(&t.count);
	KUNIT_EXPECT_TRUE(test, cordon_tally_event(&t, &suppressed));
	KUNIT_EXPECT_EQ(test, suppressed, 0U);
	for (i = 0; i < 7; i++)
		atomic64_inc(&t.count);
	KUNIT_EXPECT_FALSE(test, cordon_tally_event(&t, &suppressed));
	t.event -= cordon_ticks(1);
	KUNIT_EXPECT_TRUE(test, cordon_tally_event(&t, &suppressed));
	KUNIT_EXPECT_EQ(test, suppressed, 6U);
}

static void tallies_come_with_the_first_anomaly(struct kunit *test)
{
	struct cordon_device *d = cordon_device_new(pool, mac, false);
	struct cordon_tally *tally;
	u8 kind;

	KUNIT_ASSERT_NOT_NULL(test, d);
	KUNIT_EXPECT_NULL(test, cordon_device_anomalies(d));
	KUNIT_EXPECT_EQ(test, cordon_tally_count(cordon_device_anomalies(d), 0), 0LL);
	tally = cordon_device_tally(d);
	KUNIT_ASSERT_NOT_NULL(test, tally);
	KUNIT_EXPECT_EQ(test, taken, GFP_ATOMIC | __GFP_NOWARN);
	for (kind = 0; kind < CORDON_KINDS; kind++)
		KUNIT_EXPECT_EQ(test, cordon_tally_count(tally, kind), 0LL);
	atomic64_inc(&tally[CORDON_KINDS - 1].count);
	KUNIT_EXPECT_PTR_EQ(test, cordon_device_tally(d), tally);
	KUNIT_EXPECT_EQ(test, cordon_tally_count(cordon_device_anomalies(d), CORDON_KINDS - 1),
			1LL);
	cordon_device_put(d);
}

static void tallies_without_memory_are_tried_again(struct kunit *test)
{
	struct cordon_device *d = cordon_device_new(pool, mac, false);

	KUNIT_ASSERT_NOT_NULL(test, d);
	no_memory = true;
	KUNIT_EXPECT_NULL(test, cordon_device_tally(d));
	KUNIT_EXPECT_NULL(test, cordon_device_anomalies(d));
	KUNIT_EXPECT_NULL(test, cordon_device_new(pool, mac, true));
	no_memory = false;
	KUNIT_EXPECT_NOT_NULL(test, cordon_device_tally(d));
	cordon_device_put(d);
}

static void tallies_of_whom_is_charged_come_at_once(struct kunit *test)
{
	struct cordon_device *d = cordon_device_new(pool, mac, true);

	KUNIT_ASSERT_NOT_NULL(test, d);
	KUNIT_EXPECT_EQ(test, taken, GFP_KERNEL_ACCOUNT);
	KUNIT_EXPECT_PTR_EQ(test, cordon_device_anomalies(d),
			    (const struct cordon_tally *)cordon_device_tally(d));
	cordon_device_put(d);
}

static void tallies_of_two_cpus_are_the_same(struct kunit *test)
{
	struct cordon_device *d = cordon_device_new(pool, mac, false);
	struct cordon_tally *tally;

	KUNIT_ASSERT_NOT_NULL(test, d);
	overtaken = d;
	tally = cordon_device_tally(d);
	KUNIT_EXPECT_NOT_NULL(test, tally);
	KUNIT_EXPECT_PTR_EQ(test, (const struct cordon_tally *)tally,
			    cordon_device_anomalies(d));
	cordon_device_put(d);
}

static void traffic_adds_up(struct kunit *test)
{
	struct cordon_device *d = cordon_device_new(pool, mac, false);
	struct cordon_totals sum;

	KUNIT_ASSERT_NOT_NULL(test, d);
	local_bh_disable();
	cordon_traffic_rx(d->traffic, 1, 100);
	cordon_traffic_rx(d->traffic, 3, 50);
	KUNIT_EXPECT_TRUE(test, softirq_count());
	local_bh_enable();
	/* In process context, too; and it leaves bottom halves as they were. */
	cordon_traffic_tx(d->traffic, 1, 7);
	KUNIT_EXPECT_FALSE(test, softirq_count());
	cordon_traffic_read(d->traffic, &sum);
	KUNIT_EXPECT_EQ(test, sum.rx_packets, 4ULL);
	KUNIT_EXPECT_EQ(test, sum.rx_bytes, 150ULL);
	KUNIT_EXPECT_EQ(test, sum.tx_packets, 1ULL);
	KUNIT_EXPECT_EQ(test, sum.tx_bytes, 7ULL);
	cordon_device_put(d);
}

/* Places are used again; a block goes with its last device, the pool with its last block. */
static void counters_come_in_blocks(struct kunit *test)
{
	const unsigned int n = CORDON_TRAFFIC_PLACES;
	struct cordon_traffic_pool *own = cordon_traffic_pool_new();
	struct cordon_traffic_block *first, *second;
	struct cordon_totals sum;
	unsigned int i, place;

	KUNIT_ASSERT_NOT_NULL(test, own);
	first = cordon_traffic_take(own, &place);
	KUNIT_ASSERT_NOT_NULL(test, first);
	for (i = 1; i < n; i++) {
		KUNIT_EXPECT_PTR_EQ(test, cordon_traffic_take(own, &place), first);
		KUNIT_EXPECT_EQ(test, place, i);
	}
	second = cordon_traffic_take(own, &place);
	KUNIT_ASSERT_NOT_NULL(test, second);
	KUNIT_EXPECT_PTR_NE(test, second, first);
	KUNIT_EXPECT_EQ(test, refcount_read(&own->refs), 3U);
	/* What was counted at a place is not the next device's. */
	cordon_traffic_rx(first->traffic + 7, 1, 100);
	cordon_traffic_rx(first->traffic + 8, 2, 200);
	cordon_traffic_give(first, 7);
	KUNIT_EXPECT_PTR_EQ(test, cordon_traffic_take(own, &place), first);
	KUNIT_EXPECT_EQ(test, place, 7U);
	cordon_traffic_read(first->traffic + 7, &sum);
	KUNIT_EXPECT_EQ(test, sum.rx_packets + sum.rx_bytes, 0ULL);
	cordon_traffic_read(first->traffic + 8, &sum);
	KUNIT_EXPECT_EQ(test, sum.rx_packets, 2ULL);
	/* One after another for long, in the block that has room. */
	for (i = 0; i < 3 * n; i++) {
		KUNIT_EXPECT_PTR_EQ(test, cordon_traffic_take(own, &place), second);
		cordon_traffic_give(second, place);
	}
	for (i = 0; i < n; i++)
		cordon_traffic_give(first, i);
	KUNIT_EXPECT_EQ(test, refcount_read(&own->refs), 2U);
	/* The namespace goes before its last device. */
	cordon_traffic_pool_put(own);
	cordon_traffic_give(second, 0);
}

/* Each row: the length, and what the stack and a tap say of the packets in it. */
static const struct count_row {
	unsigned int len, segs, size, count;
} counts[] = {
	{ 1500, 0, 0, 1 },
	{ 14480, 10, 1448, 10 },
	{ 14480, 0, 1448, 10 },	/* of a tap, not counted yet */
	{ 100, 0, 1448, 1 },
};

static void merged_packets_are_as_many_as_on_the_wire(struct kunit *test)
{
	struct sk_buff *skb = alloc_skb(16384, GFP_KERNEL);
	int i;

	KUNIT_ASSERT_NOT_NULL(test, skb);
	for (i = 0; i < ARRAY_SIZE(counts); i++) {
		skb_trim(skb, 0);
		skb_put(skb, counts[i].len);
		skb_shinfo(skb)->gso_segs = counts[i].segs;
		skb_shinfo(skb)->gso_size = counts[i].size;
		KUNIT_EXPECT_EQ_MSG(test, cordon_pkt_count(skb), counts[i].count, "row %d", i);
	}
	kfree_skb(skb);
}

static void reference_outlives_its_maker(struct kunit *test)
{
	struct cordon_segment *s = cordon_segment_new("iot");

	KUNIT_ASSERT_NOT_NULL(test, s);
	KUNIT_EXPECT_PTR_EQ(test, cordon_segment_get(s), s);
	cordon_segment_put(s);
	KUNIT_EXPECT_STREQ(test, s->name, "iot");
	cordon_segment_put(s);
	cordon_segment_put(NULL);
	cordon_device_put(NULL);
}

/* What was put is freed by callbacks of this module, after a grace period. */
static int state_init(struct kunit_suite *suite)
{
	pool = cordon_traffic_pool_new();
	return pool ? cordon_device_init() : -ENOMEM;
}

static void state_exit(struct kunit_suite *suite)
{
	rcu_barrier();
	cordon_traffic_pool_put(pool);
	cordon_device_exit();
}

/* Whoever has read the index finds, at a place that is left meanwhile, a device behind no port; not an unknown one. */
static void device_that_leaves_is_not_unknown(struct kunit *test)
{
	static struct cordon_host hosts[1];
	static u32 slots[4];
	static struct cordon_ruleset rs = {
		.hosts = hosts, .macs = slots, .macs_mask = 3, .multiplier = 1,
	};
	const u64 key = cordon_mac_key(mac);

	hosts[0].mac = key;
	hosts[0].port = CORDON_ANY_PORT;
	KUNIT_EXPECT_EQ(test, cordon_ruleset_by_mac(&rs, key), CORDON_NO_DEVICE);
	slots[cordon_multiply(1, key) & 3] = 1;
	KUNIT_EXPECT_EQ(test, cordon_ruleset_by_mac(&rs, key), 0U);
	KUNIT_EXPECT_EQ(test, cordon_ruleset_by_mac(&rs, key ^ 1), CORDON_NO_DEVICE);
	cordon_host_leave(&hosts[0]);
	KUNIT_EXPECT_EQ(test, cordon_ruleset_by_mac(&rs, key), 0U);
	KUNIT_EXPECT_EQ(test, hosts[0].port, (u16)CORDON_NO_PORT);
}

static struct kunit_case state_cases[] = {
	KUNIT_CASE(ticks_and_back),
	KUNIT_CASE(lease_makes_and_ends),
	KUNIT_CASE(checkin_binds_to_port),
	KUNIT_CASE(certificate_while_its_lease_lasts),
	KUNIT_CASE(device_begins_as_it_once_was),
	KUNIT_CASE(lease_waits_for_its_port),
	KUNIT_CASE(limit_fires_once_in_a_window),
	KUNIT_CASE(limit_that_changes_acts_once),
	KUNIT_CASE(limit_acts_again_after_release),
	KUNIT_CASE(scan_limit_acts_once_in_a_window),
	KUNIT_CASE(targets_come_with_the_first_one),
	KUNIT_CASE(destinations_are_learned_then_counted),
	KUNIT_CASE(destinations_that_are_too_many_alarm_nobody),
	KUNIT_CASE(destinations_are_given_back),
	KUNIT_CASE(destinations_come_before_packets),
	KUNIT_CASE(event_at_most_once_a_second),
	KUNIT_CASE(tallies_come_with_the_first_anomaly),
	KUNIT_CASE(tallies_without_memory_are_tried_again),
	KUNIT_CASE(tallies_of_whom_is_charged_come_at_once),
	KUNIT_CASE(tallies_of_two_cpus_are_the_same),
	KUNIT_CASE(traffic_adds_up),
	KUNIT_CASE(counters_come_in_blocks),
	KUNIT_CASE(merged_packets_are_as_many_as_on_the_wire),
	KUNIT_CASE(reference_outlives_its_maker),
	KUNIT_CASE(device_that_leaves_is_not_unknown),
	{}
};

static struct kunit_suite state_suite = {
	.name = "state",
	.suite_init = state_init,
	.suite_exit = state_exit,
	.test_cases = state_cases,
};
kunit_test_suite(state_suite);
