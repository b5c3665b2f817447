// SPDX-License-Identifier: GPL-2.0
/* The set of destinations that a device has reached, held against a naive model; what is one destination. */
#include <stdlib.h>

#include "../../kernel/core/known.h"
#include "../../kernel/core/index.h"
#include "tap.h"

#define ROUNDS	200

static u64 seed = 1;

static u64 rnd(void)
{
	seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
	return seed >> 32 ^ seed << 32;
}

static struct cordon_known fresh(void)
{
	const struct cordon_key key = { { rnd(), rnd() } };
	struct cordon_known k;

	cordon_known_init(&k, &key);
	return k;
}

/* One of a thousand, which differ in all that a destination has. */
static struct cordon_destination numbered(u32 i)
{
	return (struct cordon_destination){
		.whom = { i % 3 ? 0x20010db8ULL << 32 : 0, i / 100 * 256 }, .proto = i % 2 ? 6 : 17, .port = i % 100,
	};
}

static bool add(struct cordon_known *k, u32 i)
{
	const struct cordon_destination d = numbered(i);

	return cordon_known_add(k, cordon_known_hash(k, &d));
}

static bool has(const struct cordon_known *k, u32 i)
{
	const struct cordon_destination d = numbered(i);

	return cordon_known_has(k, cordon_known_hash(k, &d));
}

/* Destinations by chance, as many as may fit and more: a flag for each says what the set should. */
static void test_model(void)
{
	bool good = true, seen[1000], wanted;
	u32 round, step, i, n;

	for (round = 0; round < ROUNDS; round++) {
		struct cordon_known k = fresh();

		memset(seen, 0, sizeof(seen));
		for (step = n = 0; step < 600; step++) {
			i = rnd() % 1000;
			wanted = !seen[i] && n < CORDON_MAX_KNOWN;
			good &= add(&k, i) == wanted;
			n += wanted;
			seen[i] |= wanted;
			good &= k.n == n && cordon_known_is_full(&k) == (n == CORDON_MAX_KNOWN);
		}
		for (i = 0; i < 1000; i++)
			good &= has(&k, i) == seen[i];
	}
	ok(good, "in %u rounds it says what a list of flags says", ROUNDS);
}

static void test_full(void)
{
	struct cordon_known k = fresh(), before;
	bool all = true, none = false, once = true;
	u32 i;

	for (i = 0; i < CORDON_MAX_KNOWN; i++)
		once &= add(&k, i) && !add(&k, i);
	ok(once && cordon_known_is_full(&k), "it takes %u, each of them once", CORDON_MAX_KNOWN);
	before = k;
	for (; i < 1000; i++)
		none |= add(&k, i) || has(&k, i);
	ok(!none && !memcmp(&k, &before, sizeof(k)), "full, it takes no other one, and nothing moves");
	for (i = 0; i < CORDON_MAX_KNOWN; i++)
		all &= has(&k, i);
	ok(all, "and has those that it took");
	cordon_known_init(&k, &before.key);
	ok(!k.n && !has(&k, 0) && add(&k, 0), "made anew, it is empty");
}

/* Hashes that all want the same slot, at the end of the table: they go on at its beginning. */
static void test_collisions(void)
{
	struct cordon_known k = fresh(), again = fresh();
	bool good = true;
	u32 i;

	for (i = 0; i < CORDON_MAX_KNOWN; i++)
		good &= !cordon_known_has(&k, ~i) && cordon_known_add(&k, ~i) && !cordon_known_add(&k, ~i);
	for (i = 0; i < CORDON_MAX_KNOWN; i++)
		good &= cordon_known_has(&k, ~i);
	ok(good && !cordon_known_has(&k, ~i), "hashes that collide are told apart");
	ok(k.slots[CORDON_KNOWN_SLOTS - 1] == ~0U && k.slots[0] == ~1U && !k.slots[CORDON_MAX_KNOWN],
	   "they stand one after the other, past the end");
	for (i = 0; i < CORDON_KNOWN_SLOTS; i++)
		if (k.slots[i])
			cordon_known_add(&again, k.slots[i]);
	for (i = 0, good = again.n == k.n; i < CORDON_MAX_KNOWN; i++)
		good &= cordon_known_has(&again, ~i);
	ok(good, "given back in the order of the slots, all are there");
}

static bool same(struct cordon_addr a, struct cordon_addr b)
{
	const struct cordon_destination x = { a, 6, 443 }, y = { b, 6, 443 };
	struct cordon_known k = fresh();

	return cordon_known_hash(&k, &x) == cordon_known_hash(&k, &y);
}

static struct cordon_addr net4(u32 addr)
{
	const struct cordon_addr a = cordon_addr_v4(addr);

	return cordon_destination_network(&a);
}

static struct cordon_addr net6(u64 hi, u64 lo)
{
	const struct cordon_addr a = { hi, lo };

	return cordon_destination_network(&a);
}

static void test_destinations(void)
{
	static const u8 mac[6] = { 2, 0, 0, 0, 1, 1 }, other[6] = { 2, 0, 0, 0, 1, 2 };
	const struct cordon_destination d = { net4(0xc0000201), 6, 443 };
	struct cordon_destination port = d, proto = d;
	struct cordon_known k = fresh(), l = fresh();

	ok(same(net4(0xc0000201), net4(0xc00002fe)), "addresses of one /24 are one destination");
	ok(!same(net4(0xc00002ff), net4(0xc0000300)), "those of the next are another");
	ok(same(net6(0x20010db800010002, 1), net6(0x20010db80001ffff, 2)), "of IPv6, those of one /48");
	ok(!same(net6(0x20010db800010000, 1), net6(0x20010db800020000, 1)), "and no others");
	ok(!same(net4(0xc0000200), net6(0, 0xc0000200)), "0.0.0.0/0 is not ::/96");
	ok(!same(cordon_destination_device(cordon_mac_key(mac)), cordon_destination_device(cordon_mac_key(other))) &&
	   same(cordon_destination_device(cordon_mac_key(mac)), cordon_destination_device(cordon_mac_key(mac))),
	   "a device is its MAC");
	ok(!same(cordon_destination_device(cordon_mac_key(mac)), cordon_destination_gateway()), "and none is the gateway");
	port.port++;
	proto.proto = 17;
	ok(cordon_known_hash(&k, &d) != cordon_known_hash(&k, &port) &&
	   cordon_known_hash(&k, &d) != cordon_known_hash(&k, &proto), "another port or protocol is another destination");
	ok(cordon_known_hash(&k, &d) != cordon_known_hash(&l, &d), "by another key it is another hash");
}

int main(void)
{
	test_model();
	test_full();
	test_collisions();
	test_destinations();
	return tap_done();
}
