// SPDX-License-Identifier: GPL-2.0
/* kernel/learned.c: addresses that devices have learned; kernel/core/policy.c: the room that they have in a policy */
#include <kunit/test.h>
#include <linux/timekeeping.h>

static u64 at = 1000 * NSEC_PER_SEC;	/* nanoseconds since boot */

static u64 fake_now(void)
{
	return at;
}

#define ktime_get_boottime_ns fake_now
#include "../../../kernel/learned.c"
#undef ktime_get_boottime_ns
#include "core/change.h"
#include "fixture.h"

static const u8 first[ETH_ALEN] __aligned(2) = { 2, 0, 0, 0, 0, 1 };		/* cam's, as fixture.h has it */
static const u8 second[ETH_ALEN] __aligned(2) = { 2, 0, 0, 0, 0, 2 };	/* lock's */

static struct cordon_learned *table(struct kunit *test)
{
	struct cordon_learned *l = kunit_kzalloc(test, sizeof(*l), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, l);
	KUNIT_ASSERT_EQ(test, cordon_learned_init(l), 0);
	return l;
}

static int put(struct cordon_learned *l, const u8 *mac, u32 i, u8 origin, u32 seconds)
{
	const struct cordon_addr a = V4(10, 0, 20, 100 + i);
	struct cordon_binding b;

	cordon_binding_init(&b, &a, origin, seconds);
	return cordon_learned_put(l, mac, &b);
}

static bool has(struct cordon_learned *l, const u8 *mac, u32 i)
{
	const struct cordon_addr a = V4(10, 0, 20, 100 + i);

	return cordon_learned_find(l, mac, &a, NULL);
}

static void device_learns_sixteen_and_no_more(struct kunit *test)
{
	struct cordon_learned *l = table(test);
	struct cordon_addr a;
	u32 i;

	for (i = 0; i < CORDON_MAX_DEVICE_ADDRESSES; i++) {
		KUNIT_EXPECT_EQ(test, put(l, first, i, CORDON_ORIGIN_ND, 60), 0);
		KUNIT_EXPECT_EQ(test, cordon_learned_count(l, first), i + 1);
	}
	KUNIT_EXPECT_EQ(test, put(l, first, i, CORDON_ORIGIN_ND, 60), -ENOSPC);
	KUNIT_EXPECT_EQ(test, put(l, first, 3, CORDON_ORIGIN_ND, 90), 0);
	KUNIT_EXPECT_EQ(test, put(l, second, i, CORDON_ORIGIN_ND, 60), 0);
	for (i = 0; i < CORDON_MAX_DEVICE_ADDRESSES; i++)
		KUNIT_EXPECT_TRUE(test, has(l, first, i) && !has(l, second, i));
	for (i = 0; i < CORDON_MAX_DEVICE_ADDRESSES; i++) {
		a = V4(10, 0, 20, 100 + i);
		KUNIT_EXPECT_TRUE(test, cordon_learned_drop(l, first, &a));
		KUNIT_EXPECT_FALSE(test, cordon_learned_drop(l, first, &a));
	}
	KUNIT_EXPECT_EQ(test, cordon_learned_count(l, first), 0U);
	KUNIT_EXPECT_TRUE(test, has(l, second, CORDON_MAX_DEVICE_ADDRESSES));
	cordon_learned_forget(l, second);
	KUNIT_EXPECT_FALSE(test, has(l, second, CORDON_MAX_DEVICE_ADDRESSES));
	KUNIT_EXPECT_NULL(test, timerqueue_getnext(&l->ends));
	cordon_learned_exit(l);
}

static void bindings_end_in_their_order(struct kunit *test)
{
	struct cordon_learned *l = table(test);
	struct cordon_binding b;
	u8 mac[ETH_ALEN] __aligned(2);

	KUNIT_EXPECT_EQ(test, cordon_learned_due(l, mac, &b), U64_MAX);
	put(l, first, 1, CORDON_ORIGIN_DHCP, 60);
	put(l, second, 2, CORDON_ORIGIN_DHCP, 30);
	put(l, second, 3, CORDON_ORIGIN_DHCP, 0);
	KUNIT_EXPECT_EQ(test, cordon_learned_due(l, mac, &b), at + 30 * NSEC_PER_SEC);
	at += 29 * NSEC_PER_SEC;
	KUNIT_EXPECT_NE(test, cordon_learned_due(l, mac, &b), 0ULL);
	at += NSEC_PER_SEC;
	KUNIT_EXPECT_EQ(test, cordon_learned_due(l, mac, &b), 0ULL);
	KUNIT_EXPECT_TRUE(test, ether_addr_equal(mac, second) && (u8)b.addr.lo == 102);
	cordon_learned_drop(l, mac, &b.addr);
	KUNIT_EXPECT_EQ(test, cordon_learned_due(l, mac, &b), at + 30 * NSEC_PER_SEC);
	/* It is renewed in time. */
	put(l, first, 1, CORDON_ORIGIN_DHCP, 90);
	at += 30 * NSEC_PER_SEC;
	KUNIT_EXPECT_EQ(test, cordon_learned_due(l, mac, &b), at + 60 * NSEC_PER_SEC);
	at += 60 * NSEC_PER_SEC;
	KUNIT_EXPECT_EQ(test, cordon_learned_due(l, mac, &b), 0ULL);
	cordon_learned_drop(l, mac, &b.addr);
	KUNIT_EXPECT_EQ(test, cordon_learned_due(l, mac, &b), U64_MAX);
	KUNIT_EXPECT_TRUE(test, has(l, second, 3));
	cordon_learned_exit(l);
}

static void what_is_seen_goes_on(struct kunit *test)
{
	struct cordon_learned *l = table(test);
	const struct cordon_addr seen = V4(10, 0, 20, 101), other = V4(10, 0, 20, 103);
	struct cordon_binding b;
	u8 mac[ETH_ALEN] __aligned(2);

	put(l, first, 1, CORDON_ORIGIN_ND, CORDON_LEARNED_IDLE);
	put(l, first, 2, CORDON_ORIGIN_DHCP, CORDON_LEARNED_IDLE);
	at += (u64)CORDON_LEARNED_IDLE / 2 * NSEC_PER_SEC;
	cordon_learned_seen(l, first, &seen);
	cordon_learned_seen(l, first, &other);
	cordon_learned_seen(l, second, &seen);
	at += (u64)CORDON_LEARNED_IDLE / 2 * NSEC_PER_SEC;
	/* What a server gave ends, seen or not. */
	KUNIT_EXPECT_EQ(test, cordon_learned_due(l, mac, &b), 0ULL);
	KUNIT_EXPECT_EQ(test, (u8)b.addr.lo, (u8)102);
	cordon_learned_drop(l, mac, &b.addr);
	KUNIT_EXPECT_EQ(test, cordon_learned_due(l, mac, &b),
			at + (u64)CORDON_LEARNED_IDLE / 2 * NSEC_PER_SEC);
	at += (u64)CORDON_LEARNED_IDLE / 2 * NSEC_PER_SEC;
	KUNIT_EXPECT_EQ(test, cordon_learned_due(l, mac, &b), 0ULL);
	cordon_learned_exit(l);
}

static struct fixture *learning(struct kunit *test)
{
	struct fixture *f = fixture_new(test);

	f->devices[CAM].learn = CORDON_LEARN_AUTO;
	f->devices[CAM].fixed = f->devices[CAM].n;
	f->draft.learners = 1;
	return f;
}

static void device_is_given_what_nobody_else_has(struct kunit *test)
{
	struct cordon_addr addresses[CORDON_MAX_DEVICE_ADDRESSES];
	struct cordon_learned *l = table(test);
	struct fixture *f = learning(test);
	struct cordon_policy *p = fixture_seal(test, f);
	struct cordon_device_def def = p->draft.devices[CAM];
	struct cordon_binding b;

	memcpy(addresses, &p->draft.addresses[def.first], def.n * sizeof(addresses[0]));
	put(l, p->draft.devices[CAM].mac, 1, CORDON_ORIGIN_DHCP, 60);
	cordon_binding_init(&b, &f->addresses[2], CORDON_ORIGIN_ND, 60);	/* lock's */
	cordon_learned_put(l, def.mac, &b);
	cordon_binding_init(&b, &f->addresses[0], CORDON_ORIGIN_ND, 60);	/* its own */
	cordon_learned_put(l, def.mac, &b);
	cordon_learned_append(l, p, &def, addresses);
	KUNIT_EXPECT_EQ(test, def.n, (u8)3);
	KUNIT_EXPECT_EQ(test, def.fixed, (u8)2);
	KUNIT_EXPECT_EQ(test, (u8)addresses[2].lo, (u8)101);
	/* Once more, it is the same. */
	cordon_learned_append(l, p, &def, addresses);
	KUNIT_EXPECT_EQ(test, def.n, (u8)3);
	def.learn = CORDON_LEARN_NONE;
	def.n = 2;
	cordon_learned_append(l, p, &def, addresses);
	KUNIT_EXPECT_EQ(test, def.n, (u8)2);
	/* The policy binds none of them to it as one that was learned. */
	cordon_learned_sweep(l, p);
	KUNIT_EXPECT_EQ(test, cordon_learned_all(l, def.mac, &b), 0U);
	cordon_learned_exit(l);
}

static void policy_has_room_for_what_is_learned(struct kunit *test)
{
	struct fixture *f = learning(test);
	struct cordon_policy *p = fixture_seal(test, f);
	struct cordon_addr addresses[CORDON_MAX_DEVICE_ADDRESSES];
	struct cordon_device_def def = p->draft.devices[CAM];
	const struct cordon_addr taken = f->addresses[2];
	struct cordon_error err;
	u32 place;

	KUNIT_EXPECT_TRUE(test, p->learns);
	KUNIT_EXPECT_GE(test, p->places.width[CAM], (u8)2);
	KUNIT_EXPECT_EQ(test, cordon_policy_device_by_addr(p, &taken), (u32)LOCK);
	KUNIT_EXPECT_EQ(test, p->draft.devices[LOCK].first,
			p->draft.devices[CAM].first + 2 + CORDON_LEARN_ADDRESSES);
	KUNIT_EXPECT_FALSE(test, cordon_policy_device_learned(p, CAM, &f->addresses[0]));
	/* Without spare places it is sealed anew; with what it has learned, it is as wide. */
	addresses[0] = f->addresses[0];
	addresses[1] = f->addresses[1];
	addresses[2] = V4(10, 0, 20, 77);
	def.n = 3;
	KUNIT_EXPECT_EQ(test, cordon_change_prepare(p, CAM, &def, addresses, &place, &err), -ENOSPC);
	f->draft.spare = 1;
	p = fixture_seal(test, f);
	KUNIT_ASSERT_EQ(test, cordon_change_prepare(p, CAM, &def, addresses, &place, &err), 0);
	cordon_change_publish(p, CAM, place);
	KUNIT_EXPECT_EQ(test, cordon_policy_device_by_addr(p, &addresses[2]), place);
	KUNIT_EXPECT_TRUE(test, cordon_policy_device_learned(p, place, &addresses[2]));
	KUNIT_EXPECT_FALSE(test, cordon_policy_device_learned(p, place, &addresses[1]));
}

static void policy_counts_its_learners(struct kunit *test)
{
	struct fixture *f = learning(test);
	struct cordon_policy *p;
	struct cordon_error err;

	KUNIT_EXPECT_EQ(test, cordon_draft_learners(&f->draft), 1U);
	f->devices[CAM].fixed = 3;
	KUNIT_EXPECT_EQ(test, fixture_build(test, f, &p, &err), -EINVAL);
	KUNIT_EXPECT_EQ(test, err.fault, CORDON_FAULT_VALUE);
	f->devices[CAM].fixed = 2;
	f->devices[CAM].learn = CORDON_LEARN_AUTO_STATIC + 1;
	KUNIT_EXPECT_EQ(test, fixture_build(test, f, &p, &err), -EINVAL);
	f->devices[CAM].learn = CORDON_LEARN_AUTO;
	f->draft.learners = 2;
	KUNIT_EXPECT_EQ(test, fixture_build(test, f, &p, &err), -EINVAL);
	f->draft.learners = 1;
	KUNIT_EXPECT_EQ(test, fixture_build(test, f, &p, &err), 0);
}

static void server_is_a_device(struct kunit *test)
{
	struct fixture *f = fixture_new(test);
	struct cordon_addr servers[] = { f->addresses[2], V4(10, 0, 20, 200) };
	struct cordon_policy *p;
	struct cordon_error err;

	f->draft.servers = servers;
	f->draft.n_servers = 1;
	p = fixture_seal(test, f);
	KUNIT_EXPECT_TRUE(test, cordon_policy_is_server(p, LOCK));
	KUNIT_EXPECT_FALSE(test, cordon_policy_is_server(p, CAM));
	f->draft.n_servers = 2;
	KUNIT_EXPECT_EQ(test, fixture_build(test, f, &p, &err), -EINVAL);
	KUNIT_EXPECT_EQ(test, err.fault, CORDON_FAULT_NOT_A_DEVICE);
	KUNIT_EXPECT_EQ(test, err.index, 1U);
}

static struct kunit_case cases[] = {
	KUNIT_CASE(device_learns_sixteen_and_no_more),
	KUNIT_CASE(bindings_end_in_their_order),
	KUNIT_CASE(what_is_seen_goes_on),
	KUNIT_CASE(device_is_given_what_nobody_else_has),
	KUNIT_CASE(policy_has_room_for_what_is_learned),
	KUNIT_CASE(policy_counts_its_learners),
	KUNIT_CASE(server_is_a_device),
	{}
};

static struct kunit_suite suite = { .name = "cordon_learned", .test_cases = cases };
kunit_test_suite(suite);
