// SPDX-License-Identifier: GPL-2.0
/* kernel/core/reach.c */
#include "fixture.h"

/* The segments behind a port as a sum of bits, IOT the lowest. */
static u32 behind(struct kunit *test, const struct cordon_policy *p,
		  struct cordon_subnet *subnets, u32 n, u16 port)
{
	u8 *demands = kunit_kzalloc(test, p->draft.n_ports * p->draft.n_segments, GFP_KERNEL);
	struct cordon_reach reach[SEGMENTS];
	u32 i, found, bits = 0;

	KUNIT_ASSERT_NOT_NULL(test, demands);
	cordon_subnets_sort(subnets, n);
	for (i = 0; i < p->draft.n_devices; i++)
		cordon_reach_device(p, subnets, n, i, demands);
	found = cordon_reach_port(p, demands, port, NULL);
	KUNIT_ASSERT_LE(test, found, (u32)SEGMENTS);
	KUNIT_EXPECT_EQ(test, cordon_reach_port(p, demands, port, reach), found);
	for (i = 0; i < found; i++)
		bits |= 1 << (reach[i].segment - IOT);
	return bits;
}

static u32 add(struct cordon_subnet *subnets, u32 n, u16 port, struct cordon_addr addr, u8 len)
{
	struct cordon_network_def own = { .addr = addr, .len = len };

	return cordon_subnets_add(subnets, n, port, &own, 1);
}

/* CAM is tied to lan0; LOCK and METER are where they have addresses. */
static void port_by_addresses(struct kunit *test)
{
	struct cordon_policy *p = fixture_seal(test, fixture_new(test));
	struct cordon_subnet s[2 * CORDON_MAX_SUBNETS];
	u32 n = 0;

	KUNIT_EXPECT_EQ(test, behind(test, p, s, 0, 0), BIT(0));
	KUNIT_EXPECT_EQ(test, behind(test, p, s, 0, 1), 0u);
	n = add(s, n, 1, V4(10, 0, 20, 1), 96 + 24);
	KUNIT_EXPECT_EQ(test, behind(test, p, s, n, 0), BIT(0));
	KUNIT_EXPECT_EQ(test, behind(test, p, s, n, 1), BIT(0) | BIT(1));
	KUNIT_EXPECT_EQ(test, behind(test, p, s, add(s, 0, 1, V4(10, 0, 21, 1), 96 + 24), 1), 0u);
	KUNIT_EXPECT_EQ(test, behind(test, p, s, add(s, 0, 1, V4(10, 0, 20, 12), 128), 1), BIT(0));
	KUNIT_EXPECT_EQ(test, behind(test, p, s, add(s, 0, 1, V4(10, 0, 20, 13), 128), 1), BIT(1));
	KUNIT_EXPECT_EQ(test, behind(test, p, s, add(s, 0, 1, V6(0x20, 0x1), 64), 1), BIT(0));
	KUNIT_EXPECT_EQ(test, behind(test, p, s, add(s, 0, 1, V6(0x21, 0x1), 64), 1), 0u);
	/* A network of all IPv6 addresses holds no IPv4 address. */
	KUNIT_EXPECT_EQ(test, behind(test, p, s, add(s, 0, 1, (struct cordon_addr){ 0, 1 }, 0), 1),
			BIT(0));
}

/* The larger one counts, too, and those of other ports beside it do not. */
static void port_by_nested_networks(struct kunit *test)
{
	struct cordon_policy *p = fixture_seal(test, fixture_new(test));
	struct cordon_subnet s[2 * CORDON_MAX_SUBNETS];
	u32 n = 0;

	n = add(s, n, 1, V4(10, 0, 0, 1), 96 + 8);
	n = add(s, n, 0, V4(10, 0, 20, 8), 96 + 29);
	n = add(s, n, 0, V4(10, 0, 20, 12), 128);
	n = add(s, n, 1, V4(10, 0, 20, 9), 96 + 29);
	n = add(s, n, 0, V4(10, 0, 30, 1), 96 + 24);
	KUNIT_EXPECT_EQ(test, behind(test, p, s, n, 0), BIT(0) | BIT(1));
	n = add(s, 0, 1, V4(10, 0, 0, 1), 96 + 8);
	n = add(s, n, 0, V4(10, 0, 20, 16), 96 + 29);
	KUNIT_EXPECT_EQ(test, behind(test, p, s, n, 0), BIT(0));
	n = add(s, 0, 1, V4(10, 0, 0, 1), 96 + 8);
	n = add(s, n, 0, V4(10, 0, 20, 0), 96 + 29);
	KUNIT_EXPECT_EQ(test, behind(test, p, s, n, 1), BIT(0) | BIT(1));
}

/* A port with too many networks may have any device behind it. */
static void port_by_too_many_networks(struct kunit *test)
{
	struct cordon_policy *p = fixture_seal(test, fixture_new(test));
	struct cordon_network_def own[CORDON_MAX_SUBNETS + 1];
	struct cordon_subnet s[2 * CORDON_MAX_SUBNETS];
	u32 i;

	for (i = 0; i <= CORDON_MAX_SUBNETS; i++)
		own[i] = (struct cordon_network_def){ .addr = V4(172, 16, i, 1), .len = 96 + 24 };
	i = cordon_subnets_add(s, 0, 1, own, CORDON_MAX_SUBNETS);
	KUNIT_EXPECT_EQ(test, behind(test, p, s, i, 1), 0u);
	i = cordon_subnets_add(s, 0, 1, own, CORDON_MAX_SUBNETS + 1);
	KUNIT_EXPECT_EQ(test, behind(test, p, s, i, 1), BIT(0) | BIT(1));
}

/* Of all devices of a segment that are there the strictest demand holds. */
static void port_demands_the_strictest(struct kunit *test)
{
	struct fixture *f = fixture_new(test);
	struct cordon_reach reach[SEGMENTS];
	u8 demands[2 * SEGMENTS] = { 0 };
	struct cordon_policy *p;
	u32 i;

	f->devices[LOCK].port = 0;
	f->devices[CAM].encryption = CORDON_ENCRYPTION_TLS1_3;
	f->devices[LOCK].encryption = CORDON_ENCRYPTION_TLS1_2;
	p = fixture_seal(test, f);
	for (i = 0; i < DEVICES; i++)
		cordon_reach_device(p, NULL, 0, i, demands);
	KUNIT_ASSERT_EQ(test, cordon_reach_port(p, demands, 0, reach), 1u);
	KUNIT_EXPECT_EQ(test, (u32)reach[0].segment, (u32)IOT);
	KUNIT_EXPECT_EQ(test, (u32)reach[0].encryption, (u32)CORDON_ENCRYPTION_TLS1_3);
}

/* A device that is tied to ports may be behind each of them, and behind no other. */
static void port_of_several(struct kunit *test)
{
	const struct cordon_network_def own = { .addr = V4(10, 0, 20, 1), .len = 96 + 24 };
	u8 demands[3 * SEGMENTS] = { 0 };
	struct fixture *f = fixture_new(test);
	struct cordon_subnet s[CORDON_MAX_SUBNETS];
	struct cordon_policy *p;
	u32 n;

	f->devices[CAM].port = 1;
	f->devices[CAM].also[0] = 0;
	f->devices[CAM].n_also = 1;
	p = fixture_seal(test, f);
	n = cordon_subnets_add(s, 0, 2, &own, 1);
	KUNIT_EXPECT_FALSE(test, cordon_reach_device(p, s, n, CAM, demands));
	KUNIT_EXPECT_EQ(test, cordon_reach_port(p, demands, 0, NULL), 1u);
	KUNIT_EXPECT_EQ(test, cordon_reach_port(p, demands, 1, NULL), 1u);
	KUNIT_EXPECT_EQ(test, cordon_reach_port(p, demands, 2, NULL), 0u);
	KUNIT_EXPECT_TRUE(test, cordon_reach_device(p, s, n, CAM, demands));
	demands[IOT] = 0;
	KUNIT_EXPECT_FALSE(test, cordon_reach_device(p, s, n, CAM, demands));
}

static void uplink_by_own_addresses(struct kunit *test)
{
	const struct cordon_addr plant = V4(10, 0, 50, 1), wan = V4(192, 0, 2, 1);
	const struct cordon_addr link = { 0xfe80000000000000ULL, 1 };
	struct cordon_policy *p = fixture_seal(test, fixture_new(test));
	struct cordon_reach reach[CORDON_MAX_REACH];
	u32 n = 0, i;

	n = cordon_reach_own(p, &link, reach, n);
	KUNIT_EXPECT_EQ(test, n, 0u);
	n = cordon_reach_own(p, &plant, reach, n);
	n = cordon_reach_own(p, &wan, reach, n);
	n = cordon_reach_own(p, &plant, reach, n);
	KUNIT_EXPECT_EQ(test, n, 2u);
	KUNIT_EXPECT_EQ(test, (u32)reach[0].segment, (u32)PLANT);
	KUNIT_EXPECT_EQ(test, (u32)reach[1].segment, (u32)WAN);
	/* Too many are counted, not kept. */
	for (i = 100; i < 100 + CORDON_MAX_REACH; i++)
		n = cordon_reach_add(reach, n, i);
	KUNIT_EXPECT_GT(test, n, (u32)CORDON_MAX_REACH);
}

static struct kunit_case reach_cases[] = {
	KUNIT_CASE(port_by_addresses),
	KUNIT_CASE(port_by_nested_networks),
	KUNIT_CASE(port_by_too_many_networks),
	KUNIT_CASE(port_demands_the_strictest),
	KUNIT_CASE(port_of_several),
	KUNIT_CASE(uplink_by_own_addresses),
	{}
};

static struct kunit_suite reach_suite = { .name = "reach", .test_cases = reach_cases };
kunit_test_suite(reach_suite);
