// SPDX-License-Identifier: GPL-2.0
/* How many targets a sketch says there were, held against how many there were, over many keys. */
#include <stdlib.h>

#include "../../kernel/core/sketch.h"
#include "tap.h"

#define KEYS	2000

static u64 seed = 1;

static u64 rnd(void)
{
	seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
	return seed >> 32 ^ seed << 32;
}

static struct cordon_sketch fresh(void)
{
	const struct cordon_key key = { { rnd(), rnd() } };
	struct cordon_sketch s;

	cordon_sketch_init(&s, &key);
	return s;
}

/* As a scan goes through them: ports of a host, hosts of a network, or both; all of them differ. */
static void target(u32 i, struct cordon_addr *addr, u8 *proto, u16 *port, u32 how)
{
	*proto = how == 3 ? 17 : 6;
	*port = how == 0 ? i : how == 1 ? 443 : i % 100;
	*addr = how == 0 ? cordon_addr_v4(0xc0000201) : how == 1 ? cordon_addr_v4(0x0a000000 + i) :
		(struct cordon_addr){ 0x20010db800000000ULL, i / 100 };
}

/* @n different targets, each of them @times: the error in percent. */
static double error_of(struct cordon_sketch *s, u32 n, u32 times, u32 how)
{
	struct cordon_addr addr;
	u16 port;
	u8 proto;
	u32 i;

	for (i = 0; i < n * times; i++) {
		target(i % n, &addr, &proto, &port, how);
		cordon_sketch_add(s, &addr, proto, port);
	}
	return 100.0 * ((double)cordon_sketch_count(s) - n) / n;
}

static void test_error(u32 n, double bound)
{
	double worst = 0, sum = 0, sizes = 0, e;
	struct cordon_sketch s;
	u32 i;

	for (i = 0; i < KEYS; i++) {
		s = fresh();
		e = error_of(&s, n, 1, i % 4);
		sum += e;
		e = e < 0 ? -e : e;
		sizes += e;
		worst = max(worst, e);
	}
	printf("# %u targets: mean error %+.2f %%, mean size of it %.2f %%, worst of %u %.2f %%\n", n, sum / KEYS,
	       sizes / KEYS, KEYS, worst);
	ok(worst <= bound && sum / KEYS < 0.5 && sum / KEYS > -0.5, "%u targets are told within %g percent", n, bound);
}

static void test_again(void)
{
	struct cordon_addr addr = cordon_addr_v4(0xc0000201);
	struct cordon_sketch s = fresh();
	u32 i, count;

	for (i = 0; i < 100000; i++)
		cordon_sketch_add(&s, &addr, 6, 443);
	ok(cordon_sketch_count(&s) == 1, "one target, a hundred thousand times, is one");
	ok(!cordon_sketch_add(&s, &addr, 6, 443), "and is not new");
	cordon_sketch_add(&s, &addr, 6, 444);
	cordon_sketch_add(&s, &addr, 17, 443);
	addr.lo++;
	cordon_sketch_add(&s, &addr, 6, 443);
	ok(cordon_sketch_count(&s) == 4, "another port, protocol or address is another target");
	cordon_sketch_clear(&s);
	ok(!cordon_sketch_count(&s), "cleared, it has seen nothing");
	error_of(&s, 5000, 1, 0);
	count = cordon_sketch_count(&s);
	error_of(&s, 5000, 3, 0);
	ok(cordon_sketch_count(&s) == count, "targets that come again change nothing");
}

static void test_full(void)
{
	struct cordon_sketch s = fresh();
	u32 i, last = 0, count;
	bool grows = true;

	for (i = 0; i < 300000; i += 1000) {
		for (u32 k = i; k < i + 1000; k++) {
			struct cordon_addr addr = { 1, k };

			cordon_sketch_add(&s, &addr, 6, 1);
		}
		count = cordon_sketch_count(&s);
		grows &= count >= last;
		last = count;
	}
	ok(grows && !s.unset && last > 20000 && last < 40000, "full, it stays where it is");
}

int main(void)
{
	test_again();
	test_error(10, 10);
	test_error(100, 10);
	test_error(1000, 10);
	test_error(10000, 10);
	test_full();
	return tap_done();
}
