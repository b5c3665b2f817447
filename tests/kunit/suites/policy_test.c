// SPDX-License-Identifier: GPL-2.0
/* kernel/core/policy.c */
#include <linux/siphash.h>

#include "fixture.h"

/* Each row breaks the good policy in one place. */
static void looser(struct fixture *f) { f->devices[CAM].authentication = 0; }
static void bad_name(struct fixture *f) { f->devices[LOCK].name[1] = '/'; }
static void no_name(struct fixture *f) { f->segments[PLANT].name[0] = 0; }
static void builtin_name(struct fixture *f) { strscpy(f->segments[WAN].name, "update", 32); }
static void gateway_device(struct fixture *f) { f->devices[LOCK].segment = 0; }
static void gateway_rule(struct fixture *f) { f->rules[2].from = 0; }
static void builtin_network(struct fixture *f) { f->networks[2].segment = 2; }
static void two_ports(struct fixture *f) { f->ports[1] = f->ports[0]; }
static void two_segments(struct fixture *f) { strscpy(f->segments[WAN].name, "iot", 32); }
static void two_names(struct fixture *f) { strscpy(f->devices[METER].name, "cam", 64); }
static void two_macs(struct fixture *f) { memcpy(f->devices[METER].mac, f->devices[LOCK].mac, 6); }
static void two_addresses(struct fixture *f) { f->addresses[4] = f->addresses[1]; }
static void two_networks(struct fixture *f) { f->networks[2] = f->networks[0]; }
static void group_mac(struct fixture *f) { f->devices[LOCK].mac[0] |= 1; }
static void no_mac(struct fixture *f) { memset(f->devices[LOCK].mac, 0, 6); }
static void multicast(struct fixture *f) { f->addresses[2] = V4(224, 0, 0, 1); }
static void loopback(struct fixture *f) { f->addresses[3] = (struct cordon_addr){ 0, 1 }; }
static void unspecified(struct fixture *f) { f->addresses[3] = (struct cordon_addr){ 0, 0 }; }
static void host_bits(struct fixture *f) { f->networks[2].addr.lo |= 1; }
static void no_segment(struct fixture *f) { f->devices[METER].segment = SEGMENTS; }
static void no_rule_segment(struct fixture *f) { f->rules[3].to = SEGMENTS; }
static void no_port(struct fixture *f) { f->devices[CAM].port = 2; }
static void same_port(struct fixture *f) { f->devices[CAM].n_also = 1; }
static void no_second_port(struct fixture *f) { f->devices[CAM].n_also = 1; f->devices[CAM].also[0] = 2; }
static void second_alone(struct fixture *f) { f->devices[LOCK].n_also = 1; }
static void five_ports(struct fixture *f) { f->devices[CAM].n_also = CORDON_MAX_DEVICE_PORTS; }
static void vlan_alone(struct fixture *f) { f->devices[METER].vlan = 20; }
static void vlan_4095(struct fixture *f) { f->devices[CAM].vlan = 4095; }
static void upside_down(struct fixture *f) { f->matches[1].hi = 1; }
static void icmp_range(struct fixture *f) { f->matches[5].hi = 256; }
static void lease_zero(struct fixture *f) { f->segments[IOT].lease = 0; }
static void lease_long(struct fixture *f) { f->segments[IOT].lease = CORDON_MAX_LEASE + 1; }
static void grace_long(struct fixture *f) { f->segments[IOT].grace = CORDON_MAX_GRACE + 1; }
static void postpone_long(struct fixture *f) { f->segments[IOT].postpone = U32_MAX; }
static void learn_short(struct fixture *f) { f->segments[IOT].learn = CORDON_MIN_LEARN - 1; }
static void learn_long(struct fixture *f) { f->segments[IOT].learn = CORDON_MAX_LEARN + 1; }
static void value(struct fixture *f) { f->segments[IOT].encryption = 3; }
static void mode(struct fixture *f) { f->draft.mode = 2; }
static void half_limit(struct fixture *f) { f->segments[IOT].limits[3].count = 1; }

static void no_address(struct fixture *f)
{
	f->devices[METER].n = 0;
	f->draft.n_addresses--;
}

static void no_match(struct fixture *f)
{
	f->rules[3].n = 0;
	f->draft.n_matches -= 2;
}

static const struct fault_row {
	void (*wreck)(struct fixture *f);
	struct cordon_error err;
} faults[] = {
	{ looser, { CORDON_FAULT_LOOSER, CORDON_OBJECT_DEVICE, CAM, 0 } },
	{ bad_name, { CORDON_FAULT_NAME, CORDON_OBJECT_DEVICE, LOCK, 0 } },
	{ no_name, { CORDON_FAULT_NAME, CORDON_OBJECT_SEGMENT, PLANT, 0 } },
	{ builtin_name, { CORDON_FAULT_BUILTIN, CORDON_OBJECT_SEGMENT, WAN, 0 } },
	{ gateway_device, { CORDON_FAULT_BUILTIN, CORDON_OBJECT_DEVICE, LOCK, 0 } },
	{ gateway_rule, { CORDON_FAULT_BUILTIN, CORDON_OBJECT_RULE, 2, 0 } },
	{ builtin_network, { CORDON_FAULT_BUILTIN, CORDON_OBJECT_NETWORK, 2, 0 } },
	{ two_ports, { CORDON_FAULT_DUPLICATE_NAME, CORDON_OBJECT_PORT, 1, 0 } },
	{ two_segments, { CORDON_FAULT_DUPLICATE_NAME, CORDON_OBJECT_SEGMENT, WAN, IOT } },
	{ two_names, { CORDON_FAULT_DUPLICATE_NAME, CORDON_OBJECT_DEVICE, METER, CAM } },
	{ two_macs, { CORDON_FAULT_DUPLICATE_MAC, CORDON_OBJECT_DEVICE, METER, LOCK } },
	{ two_addresses, { CORDON_FAULT_DUPLICATE_ADDRESS, CORDON_OBJECT_ADDRESS, 4, CAM } },
	{ two_networks, { CORDON_FAULT_DUPLICATE_NETWORK, CORDON_OBJECT_NETWORK, 2, 0 } },
	{ group_mac, { CORDON_FAULT_MAC, CORDON_OBJECT_DEVICE, LOCK, 0 } },
	{ no_mac, { CORDON_FAULT_MAC, CORDON_OBJECT_DEVICE, LOCK, 0 } },
	{ multicast, { CORDON_FAULT_ADDRESS, CORDON_OBJECT_ADDRESS, 2, LOCK } },
	{ loopback, { CORDON_FAULT_ADDRESS, CORDON_OBJECT_ADDRESS, 3, LOCK } },
	{ unspecified, { CORDON_FAULT_ADDRESS, CORDON_OBJECT_ADDRESS, 3, LOCK } },
	{ host_bits, { CORDON_FAULT_HOST_BITS, CORDON_OBJECT_NETWORK, 2, 0 } },
	{ no_segment, { CORDON_FAULT_UNKNOWN_SEGMENT, CORDON_OBJECT_DEVICE, METER, 0 } },
	{ no_rule_segment, { CORDON_FAULT_UNKNOWN_SEGMENT, CORDON_OBJECT_RULE, 3, 0 } },
	{ no_port, { CORDON_FAULT_UNKNOWN_PORT, CORDON_OBJECT_DEVICE, CAM, 0 } },
	{ same_port, { CORDON_FAULT_PORTS, CORDON_OBJECT_DEVICE, CAM, 0 } },
	{ no_second_port, { CORDON_FAULT_UNKNOWN_PORT, CORDON_OBJECT_DEVICE, CAM, 0 } },
	{ second_alone, { CORDON_FAULT_PORTS, CORDON_OBJECT_DEVICE, LOCK, 0 } },
	{ five_ports, { CORDON_FAULT_PORTS, CORDON_OBJECT_DEVICE, CAM, 0 } },
	{ vlan_alone, { CORDON_FAULT_VLAN, CORDON_OBJECT_DEVICE, METER, 0 } },
	{ vlan_4095, { CORDON_FAULT_VLAN, CORDON_OBJECT_DEVICE, CAM, 0 } },
	{ no_match, { CORDON_FAULT_NO_MATCH, CORDON_OBJECT_RULE, 3, 0 } },
	{ upside_down, { CORDON_FAULT_MATCH, CORDON_OBJECT_RULE, 0, 0 } },
	{ icmp_range, { CORDON_FAULT_MATCH, CORDON_OBJECT_RULE, 3, 0 } },
	{ no_address, { CORDON_FAULT_NO_ADDRESS, CORDON_OBJECT_DEVICE, METER, 0 } },
	{ lease_zero, { CORDON_FAULT_LEASE, CORDON_OBJECT_SEGMENT, IOT, 0 } },
	{ lease_long, { CORDON_FAULT_LEASE, CORDON_OBJECT_SEGMENT, IOT, 0 } },
	{ grace_long, { CORDON_FAULT_VALUE, CORDON_OBJECT_SEGMENT, IOT, 0 } },
	{ postpone_long, { CORDON_FAULT_VALUE, CORDON_OBJECT_SEGMENT, IOT, 0 } },
	{ learn_short, { CORDON_FAULT_VALUE, CORDON_OBJECT_SEGMENT, IOT, 0 } },
	{ learn_long, { CORDON_FAULT_VALUE, CORDON_OBJECT_SEGMENT, IOT, 0 } },
	{ value, { CORDON_FAULT_VALUE, CORDON_OBJECT_SEGMENT, IOT, 0 } },
	{ mode, { CORDON_FAULT_VALUE, CORDON_OBJECT_POLICY, 0, 0 } },
	{ half_limit, { CORDON_FAULT_VALUE, CORDON_OBJECT_SEGMENT, IOT, 0 } },
};

static void build_refuses_each_fault(struct kunit *test)
{
	struct cordon_policy *p;
	struct cordon_error err;
	struct fixture *f;
	int i;

	for (i = 0; i < ARRAY_SIZE(faults); i++) {
		f = fixture_new(test);
		KUNIT_ASSERT_EQ_MSG(test, fixture_build(test, f, &p, &err), 0, "control %d", i);
		faults[i].wreck(f);
		KUNIT_EXPECT_EQ_MSG(test, fixture_build(test, f, &p, &err), -EINVAL, "row %d", i);
		KUNIT_EXPECT_EQ_MSG(test, err.fault, faults[i].err.fault, "row %d", i);
		KUNIT_EXPECT_EQ_MSG(test, err.object, faults[i].err.object, "row %d", i);
		KUNIT_EXPECT_EQ_MSG(test, err.index, faults[i].err.index, "row %d", i);
		KUNIT_EXPECT_EQ_MSG(test, err.other, faults[i].err.other, "row %d", i);
	}
}

static void build_of_nothing_but_builtin_segments(struct kunit *test)
{
	struct fixture *f = fixture_new(test);
	struct cordon_policy *p;

	f->draft = (struct cordon_draft){
		.segments = f->segments, .n_segments = CORDON_BUILTIN_SEGMENTS,
	};
	p = fixture_seal(test, f);
	KUNIT_EXPECT_EQ(test, cordon_policy_device_by_name(p, "cam"), CORDON_NO_DEVICE);
	KUNIT_EXPECT_NULL(test, cordon_policy_pair(p, 1, 2));
}

static void lookups_find_what_is_there_and_nothing_else(struct kunit *test)
{
	struct fixture *f = fixture_new(test);
	struct cordon_policy *p = fixture_seal(test, f);
	struct cordon_addr foreign = V4(10, 0, 20, 99), plant = V4(10, 0, 50, 1);
	const u8 unknown[6] = { 2, 0, 0, 0, 0, 9 };
	int i;

	for (i = 0; i < DEVICES; i++) {
		KUNIT_EXPECT_EQ(test, cordon_policy_device_by_mac(p, f->devices[i].mac), i);
		KUNIT_EXPECT_EQ(test, cordon_policy_device_by_name(p, f->devices[i].name), i);
	}
	for (i = 0; i < 5; i++)
		KUNIT_EXPECT_EQ(test, cordon_policy_device_by_addr(p, &f->addresses[i]), i / 2);
	KUNIT_EXPECT_EQ(test, cordon_policy_device_by_mac(p, unknown), CORDON_NO_DEVICE);
	KUNIT_EXPECT_EQ(test, cordon_policy_device_by_addr(p, &foreign), CORDON_NO_DEVICE);
	KUNIT_EXPECT_TRUE(test, cordon_policy_device_has(p, CAM, &f->addresses[1]));
	KUNIT_EXPECT_FALSE(test, cordon_policy_device_has(p, CAM, &f->addresses[2]));
	KUNIT_EXPECT_EQ(test, cordon_policy_segment_by_name(p, "plant"), PLANT);
	KUNIT_EXPECT_EQ(test, cordon_policy_segment_by_name(p, "nowhere"), CORDON_NO_SEGMENT);
	KUNIT_EXPECT_EQ(test, cordon_policy_network_segment(p, &plant), PLANT);
	KUNIT_EXPECT_EQ(test, cordon_policy_network_segment(p, &foreign), WAN);
	KUNIT_EXPECT_EQ(test, p->members[IOT], 2U);
}

/* The kernel's hsiphash() is SipHash-1-3 on 64 bits, cut off. */
static void siphash_is_the_kernels(struct kunit *test)
{
	static const char text[] = "the quick brown fox jumps over the lazy dog";
	const struct cordon_key key = { { 0x0706050403020100ULL, 0x0f0e0d0c0b0a0908ULL } };
	const hsiphash_key_t same = { { 0x0706050403020100UL, 0x0f0e0d0c0b0a0908UL } };
	const __le64 two[2] = { cpu_to_le64(0x1122334455667788ULL), cpu_to_le64(~0ULL) };
	char name[sizeof(text)];
	size_t n;

	for (n = 0; n < sizeof(text); n++) {
		memset(name, 0, sizeof(name));
		memcpy(name, text, n);
		KUNIT_EXPECT_EQ_MSG(test, (u32)cordon_siphash_string(&key, name),
				    hsiphash(name, n, &same), "%zu bytes", n);
	}
	KUNIT_EXPECT_EQ(test, (u32)cordon_siphash_two(&key, 0x1122334455667788ULL, ~0ULL),
			hsiphash(two, sizeof(two), &same));
}

enum { CROWD = 320, CROWD_SLOTS = 2048 };

/* A draft of @n devices with addresses that share one place in a table hashed by @key. */
static struct cordon_draft crowd(struct kunit *test, struct fixture *f,
				 const struct cordon_key *key)
{
	struct cordon_multipliers multipliers;
	struct cordon_draft d = f->draft;
	struct cordon_addr address = V4(10, 0, 0, 0);
	u32 i = 0;

	d.n_devices = CROWD / CORDON_MAX_DEVICE_ADDRESSES;
	d.n_addresses = CROWD;
	d.devices = kunit_kzalloc(test, d.n_devices * sizeof(*d.devices), GFP_KERNEL);
	d.addresses = kunit_kzalloc(test, CROWD * sizeof(*d.addresses), GFP_KERNEL);
	KUNIT_ASSERT_TRUE(test, d.devices && d.addresses);
	cordon_multipliers_init(&multipliers, key);
	for (; i < CROWD; address.lo++)
		if (!(cordon_multilinear(&multipliers, address.lo, address.hi) & (CROWD_SLOTS - 1)))
			d.addresses[i++] = address;
	for (i = 0; i < d.n_devices; i++) {
		d.devices[i] = f->devices[METER];
		snprintf(d.devices[i].name, sizeof(d.devices[i].name), "d%u", i);
		d.devices[i].mac[4] = i;
		d.devices[i].first = i * CORDON_MAX_DEVICE_ADDRESSES;
		d.devices[i].n = CORDON_MAX_DEVICE_ADDRESSES;
	}
	return d;
}

static int build(struct kunit *test, const struct cordon_draft *d, const struct cordon_build *how,
		 struct cordon_policy **p)
{
	void *scratch = kunit_kzalloc(test, cordon_policy_scratch_size(d), GFP_KERNEL);
	struct cordon_error err;

	*p = kunit_kzalloc(test, cordon_policy_size(d), GFP_KERNEL);
	KUNIT_ASSERT_TRUE(test, scratch && *p);
	return cordon_policy_build(*p, d, how, scratch, &err);
}

static void build_asks_for_another_key_where_too_many_collide(struct kunit *test)
{
	struct cordon_build how = { .key = { { 3, 4 } } };
	struct fixture *f = fixture_new(test);
	struct cordon_draft d = crowd(test, f, &how.key);
	struct cordon_policy *p;
	u32 i;

	KUNIT_EXPECT_EQ(test, build(test, &d, &how, &p), -EAGAIN);
	KUNIT_ASSERT_EQ(test, p->by_addr.mask, CROWD_SLOTS - 1U);
	how.key.k[0]++;
	KUNIT_ASSERT_EQ(test, build(test, &d, &how, &p), 0);
	for (i = 0; i < CROWD; i++)
		KUNIT_EXPECT_EQ(test, cordon_policy_device_by_addr(p, &d.addresses[i]),
				i / CORDON_MAX_DEVICE_ADDRESSES);
}

/* Words in a row, as addresses and MACs are, do not pile up: no key but a bad one needs many steps. */
static void multilinear_spreads_words_in_a_row(struct kunit *test)
{
	enum { WORDS = 16384, SLOTS = 2 * WORDS };
	u8 *taken = kunit_kzalloc(test, SLOTS, GFP_KERNEL);
	struct cordon_multipliers m;
	u32 i, k, slot, steps, most, bad = 0;

	KUNIT_ASSERT_NOT_NULL(test, taken);
	for (k = 0; k < 64; k++) {
		cordon_multipliers_init(&m, &(const struct cordon_key){ { k, 7 } });
		memset(taken, 0, SLOTS);
		for (i = 0, most = 0; i < WORDS; i++) {
			slot = cordon_multilinear(&m, CORDON_V4_PREFIX | (0x0a000000 + i), 0);
			for (steps = 0; taken[slot % SLOTS]; slot++)
				steps++;
			taken[slot % SLOTS] = 1;
			most = max(most, steps);
		}
		bad += most > CORDON_MAX_PROBES / 2;
	}
	KUNIT_EXPECT_LE(test, bad, 1);
}

static u32 pauses, killed_at;

static bool pause_and_count(void)
{
	return ++pauses == killed_at;
}

/* Whenever it is told to give up, it does; told so never, it asks often enough. */
static void build_pauses_and_gives_up(struct kunit *test)
{
	const struct cordon_build how = { .key = { { 3, 4 } }, .pause = pause_and_count };
	struct fixture *f = fixture_new(test);
	struct cordon_policy *p;
	u32 all, i, n = 10000;

	f->draft.rules = kunit_kzalloc(test, n * sizeof(*f->draft.rules), GFP_KERNEL);
	f->draft.matches = kunit_kzalloc(test, n * sizeof(*f->draft.matches), GFP_KERNEL);
	KUNIT_ASSERT_TRUE(test, f->draft.rules && f->draft.matches);
	for (i = 0; i < n; i++) {
		f->draft.rules[i] = (struct cordon_rule_def){ i, 1, IOT, WAN, i & 1 };
		f->draft.matches[i] = (struct cordon_match){ 6, i * 7919 % n, i * 7919 % n };
	}
	f->draft.n_rules = n;
	f->draft.n_matches = n;
	pauses = 0;
	killed_at = 0;
	KUNIT_ASSERT_EQ(test, build(test, &f->draft, &how, &p), 0);
	all = pauses;
	/* The rules, the openings, and the comparisons of the sort: more than n log n of 2 n. */
	KUNIT_EXPECT_GT(test, all, n / 32 + 2 * n / 1024 + 2 * n * 14 / 1024);
	for (killed_at = 1; killed_at <= all; killed_at += 1 + all / 50) {
		pauses = 0;
		KUNIT_EXPECT_EQ_MSG(test, build(test, &f->draft, &how, &p), -EINTR, "at %u",
				    killed_at);
		KUNIT_EXPECT_EQ(test, pauses, killed_at);
	}
}

/* Every port of every protocol: what the openings say is what a walk through the rules says. */
static void openings_agree_with_the_rules(struct kunit *test)
{
	struct fixture *f = fixture_new(test);
	struct cordon_policy *p = fixture_seal(test, f);
	const struct cordon_pair *pair = cordon_policy_pair(p, IOT, WAN);
	static const u8 protos[] = { 1, 6, 17, 58 };
	u32 port, rule, i, j;
	bool plaintext;

	KUNIT_ASSERT_NOT_NULL(test, pair);
	for (i = 0; i < ARRAY_SIZE(protos); i++)
		for (port = 0; port < 65536; port++) {
			const struct cordon_opening *o =
				cordon_policy_opening(p, pair, protos[i], port);

			rule = cordon_policy_rule(p, IOT, WAN, protos[i], port);
			KUNIT_ASSERT_EQ_MSG(test, !!o, rule != CORDON_NO_DEVICE, "%u/%u",
					    protos[i], port);
			plaintext = false;
			for (j = 2; j < 3; j++)
				plaintext |= f->matches[j].proto == protos[i] &&
					     f->matches[j].lo <= port && port <= f->matches[j].hi;
			if (o)
				KUNIT_ASSERT_EQ_MSG(test, o->plaintext, plaintext, "%u/%u",
						    protos[i], port);
		}
	KUNIT_EXPECT_TRUE(test, cordon_policy_pair(p, PLANT, IOT)->any);
	KUNIT_EXPECT_TRUE(test, cordon_policy_pair(p, PLANT, IOT)->any_plaintext);
	KUNIT_EXPECT_NULL(test, cordon_policy_pair(p, WAN, IOT));
}

static void names_that_are_valid_and_not(struct kunit *test)
{
	static const char * const good[] = { "a", "_x", "a-b.c_9", "0" };
	static const char * const bad[] = { "", ".", "..", "-a", "a/b", "a b", "\xc3\xa4", "a:b" };
	char full[4] = { 'a', 'b', 'c', 'd' };
	int i;

	for (i = 0; i < ARRAY_SIZE(good); i++)
		KUNIT_EXPECT_TRUE_MSG(test, cordon_name_is_valid(good[i], 32), "%s", good[i]);
	for (i = 0; i < ARRAY_SIZE(bad); i++)
		KUNIT_EXPECT_FALSE_MSG(test, cordon_name_is_valid(bad[i], 32), "%s", bad[i]);
	KUNIT_EXPECT_FALSE(test, cordon_name_is_valid(full, sizeof(full)));
}

static struct kunit_case policy_cases[] = {
	KUNIT_CASE(build_refuses_each_fault),
	KUNIT_CASE(build_of_nothing_but_builtin_segments),
	KUNIT_CASE(lookups_find_what_is_there_and_nothing_else),
	KUNIT_CASE(siphash_is_the_kernels),
	KUNIT_CASE(build_asks_for_another_key_where_too_many_collide),
	KUNIT_CASE(multilinear_spreads_words_in_a_row),
	KUNIT_CASE(build_pauses_and_gives_up),
	KUNIT_CASE(openings_agree_with_the_rules),
	KUNIT_CASE(names_that_are_valid_and_not),
	{}
};

static struct kunit_suite policy_suite = { .name = "policy", .test_cases = policy_cases };
kunit_test_suite(policy_suite);
