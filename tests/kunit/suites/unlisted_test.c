// SPDX-License-Identifier: GPL-2.0
/* kernel/unlisted.c: what is known of devices that no policy lists */
#include <kunit/test.h>
#include <linux/timekeeping.h>

static u32 second = 1000;	/* since boot */

static time64_t fake_now(void)
{
	return second;
}

#define ktime_get_boottime_seconds fake_now
#include "../../../kernel/unlisted.c"
#undef ktime_get_boottime_seconds
#include "fixture.h"

/* Indexes of ports */
#define LAN	1
#define WLAN	2

static struct cordon_unlisted *nobody(struct kunit *test)
{
	struct cordon_unlisted *u = kunit_kzalloc(test, sizeof(*u), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, u);
	cordon_unlisted_init(u);
	return u;
}

static const u8 *mac_of(u32 i)
{
	static u8 mac[ETH_ALEN] __aligned(2);

	mac[0] = 2;
	mac[4] = i >> 8;
	mac[5] = i;
	return mac;
}

static void each_is_there_once_and_goes(struct kunit *test)
{
	struct cordon_dhcp_client client = { .hostname = "kitchen", .hostname_len = 7 };
	struct cordon_unlisted *u = nobody(test);
	struct cordon_sighting s;
	u32 i;

	for (i = 0; i < CORDON_MAX_UNLISTED; i++)
		KUNIT_ASSERT_EQ(test, cordon_unlisted_add(u, mac_of(i), LAN), 0);
	KUNIT_EXPECT_EQ(test, u->n, (u32)CORDON_MAX_UNLISTED);
	second += 5;
	cordon_unlisted_seen(u, mac_of(7), &client);
	cordon_unlisted_seen(u, mac_of(CORDON_MAX_UNLISTED), &client);
	KUNIT_ASSERT_TRUE(test, cordon_unlisted_get(u, mac_of(7), &s));
	KUNIT_EXPECT_EQ(test, cordon_unlisted_ago(s.first), 5U);
	KUNIT_EXPECT_EQ(test, cordon_unlisted_ago(s.last), 0U);
	KUNIT_EXPECT_EQ(test, s.client.hostname_len, (u8)7);
	/* To be seen again by something else takes nothing of that back. */
	cordon_unlisted_seen(u, mac_of(7), NULL);
	KUNIT_ASSERT_TRUE(test, cordon_unlisted_get(u, mac_of(7), &s));
	KUNIT_EXPECT_EQ(test, s.client.hostname_len, (u8)7);
	KUNIT_EXPECT_FALSE(test, cordon_unlisted_get(u, mac_of(CORDON_MAX_UNLISTED), &s));
	cordon_unlisted_del(u, mac_of(7));
	cordon_unlisted_del(u, mac_of(7));
	KUNIT_EXPECT_FALSE(test, cordon_unlisted_get(u, mac_of(7), &s));
	KUNIT_EXPECT_EQ(test, u->n, CORDON_MAX_UNLISTED - 1U);
	cordon_unlisted_exit(u);
}

static void who_was_seen_least_lately_makes_room(struct kunit *test)
{
	struct cordon_unlisted *u = nobody(test);
	u8 mac[ETH_ALEN] __aligned(2);

	cordon_unlisted_add(u, mac_of(1), LAN);
	second += 10;
	cordon_unlisted_add(u, mac_of(2), LAN);
	second += IDLE - 11;
	KUNIT_EXPECT_FALSE(test, cordon_unlisted_spare(u, LAN, mac));
	second += 1;
	KUNIT_ASSERT_TRUE(test, cordon_unlisted_spare(u, LAN, mac));
	KUNIT_EXPECT_TRUE(test, ether_addr_equal(mac, mac_of(1)));
	cordon_unlisted_seen(u, mac_of(1), NULL);
	second += 10;
	KUNIT_ASSERT_TRUE(test, cordon_unlisted_spare(u, LAN, mac));
	KUNIT_EXPECT_TRUE(test, ether_addr_equal(mac, mac_of(2)));
	cordon_unlisted_exit(u);
}

static void the_port_with_the_most_makes_room(struct kunit *test)
{
	struct cordon_unlisted *u = nobody(test);
	u8 mac[ETH_ALEN] __aligned(2);
	u32 i;

	cordon_unlisted_add(u, mac_of(0), WLAN);
	for (i = 1; i < 4; i++) {
		second++;
		cordon_unlisted_add(u, mac_of(i), LAN);
	}
	cordon_unlisted_seen(u, mac_of(1), NULL);
	KUNIT_EXPECT_FALSE(test, cordon_unlisted_spare(u, LAN, mac));
	KUNIT_ASSERT_TRUE(test, cordon_unlisted_spare(u, WLAN, mac));
	KUNIT_EXPECT_TRUE(test, ether_addr_equal(mac, mac_of(2)));
	cordon_unlisted_del(u, mac);
	cordon_unlisted_add(u, mac_of(4), WLAN);
	KUNIT_EXPECT_FALSE(test, cordon_unlisted_spare(u, WLAN, mac));
	/* One that is quiet makes no room for the port that has the most. */
	cordon_unlisted_add(u, mac_of(5), LAN);
	second += IDLE;
	cordon_unlisted_seen(u, mac_of(1), NULL);
	cordon_unlisted_seen(u, mac_of(3), NULL);
	cordon_unlisted_seen(u, mac_of(5), NULL);
	KUNIT_EXPECT_FALSE(test, cordon_unlisted_spare(u, LAN, mac));
	cordon_unlisted_exit(u);
}

static void so_many_come_in_a_second(struct kunit *test)
{
	struct cordon_unlisted *u = nobody(test);
	u32 i;

	for (i = 0; i < A_SECOND; i++)
		KUNIT_EXPECT_FALSE(test, cordon_unlisted_hurries(u, LAN));
	KUNIT_EXPECT_TRUE(test, cordon_unlisted_hurries(u, LAN));
	KUNIT_EXPECT_TRUE(test, cordon_unlisted_hurry(u, LAN));
	KUNIT_EXPECT_FALSE(test, cordon_unlisted_hurry(u, WLAN));
	KUNIT_EXPECT_FALSE(test, cordon_unlisted_hurries(u, WLAN));
	second++;
	KUNIT_EXPECT_FALSE(test, cordon_unlisted_hurries(u, LAN));
	cordon_unlisted_exit(u);
}

static void policy_takes_along_its_own(struct kunit *test)
{
	struct cordon_unlisted *u = nobody(test);
	struct fixture *f = fixture_new(test);
	struct cordon_policy *p;
	struct cordon_sighting s;

	f->devices[LOCK].unlisted = 1;
	p = fixture_seal(test, f);
	cordon_unlisted_add(u, f->devices[CAM].mac, LAN);
	cordon_unlisted_add(u, f->devices[LOCK].mac, LAN);
	cordon_unlisted_add(u, mac_of(9), LAN);
	cordon_unlisted_sweep(u, p);
	KUNIT_EXPECT_EQ(test, u->n, 1U);
	KUNIT_EXPECT_TRUE(test, cordon_unlisted_get(u, f->devices[LOCK].mac, &s));
	cordon_unlisted_sweep(u, NULL);
	KUNIT_EXPECT_EQ(test, u->n, 0U);
	cordon_unlisted_exit(u);
}

static struct kunit_case cases[] = {
	KUNIT_CASE(each_is_there_once_and_goes),
	KUNIT_CASE(who_was_seen_least_lately_makes_room),
	KUNIT_CASE(the_port_with_the_most_makes_room),
	KUNIT_CASE(so_many_come_in_a_second),
	KUNIT_CASE(policy_takes_along_its_own),
	{}
};

static struct kunit_suite suite = { .name = "cordon_unlisted", .test_cases = cases };
kunit_test_suite(suite);
