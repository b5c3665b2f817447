// SPDX-License-Identifier: GPL-2.0
/* Longest-prefix match: networks flattened to disjoint ranges, found by bisection. */
#include "prefix.h"

static struct cordon_addr mask(u8 len)
{
	struct cordon_addr m = { 0, 0 };

	if (len > 64) {
		m.hi = ~0ULL;
		m.lo = ~0ULL << (128 - len);
	} else if (len) {
		m.hi = ~0ULL << (64 - len);
	}
	return m;
}

/**
 * cordon_prefix_last - last address of a network
 * @addr: its first
 * @len: its prefix length, 0..128
 */
struct cordon_addr cordon_prefix_last(const struct cordon_addr *addr, u8 len)
{
	struct cordon_addr m = mask(len);

	return (struct cordon_addr){ addr->hi | ~m.hi, addr->lo | ~m.lo };
}

/**
 * cordon_prefix_is_clean - no bit is set beyond the prefix length
 * @addr: a network's first address
 * @len: its prefix length, 0..128
 */
bool cordon_prefix_is_clean(const struct cordon_addr *addr, u8 len)
{
	struct cordon_addr m = mask(len);

	return !(addr->hi & ~m.hi) && !(addr->lo & ~m.lo);
}

/**
 * cordon_prefix_compare - order networks by address, the wider one first
 * @a: a struct cordon_network_def
 * @b: another
 */
int cordon_prefix_compare(const void *a, const void *b)
{
	const struct cordon_network_def *x = a, *y = b;
	int c = cordon_addr_compare(&x->addr, &y->addr);

	return c ? c : (int)x->len - (int)y->len;
}

/* A border at @start; one that is already there is moved over. */
static u32 border(struct cordon_range *out, u32 n, struct cordon_addr start,
		  u16 segment)
{
	if (n && cordon_addr_equal(&out[n - 1].start, &start))
		n--;
	if (n && out[n - 1].segment == segment)
		return n;
	out[n] = (struct cordon_range){ .start = start, .segment = segment };
	return n + 1;
}

static struct cordon_addr successor(struct cordon_addr a)
{
	if (!++a.lo)
		a.hi++;
	return a;
}

/**
 * cordon_prefix_flatten - turn networks into disjoint ranges
 * @out: room for 2 * @n + 1 ranges
 * @sorted: networks of one address family in the order of cordon_prefix_compare(),
 *	none twice
 * @n: how many
 *
 * Networks nest or are disjoint, so a stack of the open ones tells whose the
 * addresses behind an end are. The free end of @out serves as that stack: each
 * network in it has not yet used its second border.
 *
 * Return: the number of ranges; the first starts at address 0, if there is any.
 */
u32 cordon_prefix_flatten(struct cordon_range *out,
			  const struct cordon_network_def *sorted, u32 n)
{
	const struct cordon_addr zero = { 0, 0 };
	struct cordon_range *stack = out + 2 * n + 1;
	struct cordon_range *top = stack;
	struct cordon_addr last;
	u32 used = 0;
	u32 i;

	if (!n)
		return 0;
	used = border(out, used, zero, CORDON_NO_SEGMENT);
	for (i = 0; i <= n; i++) {
		while (top != stack &&
		       (i == n || cordon_addr_compare(&top->start, &sorted[i].addr) < 0)) {
			last = top->start;
			top++;
			if (last.hi != ~0ULL || last.lo != ~0ULL)
				used = border(out, used, successor(last), top == stack ?
					      CORDON_NO_SEGMENT : top->segment);
		}
		if (i == n)
			break;
		(--top)->start = cordon_prefix_last(&sorted[i].addr, sorted[i].len);
		top->segment = sorted[i].segment;
		used = border(out, used, sorted[i].addr, sorted[i].segment);
	}
	return used;
}

/**
 * cordon_prefix_lookup - whose an address is
 * @ranges: from cordon_prefix_flatten()
 * @n: how many
 * @addr: the address, of the same family
 *
 * Return: the segment, or CORDON_NO_SEGMENT.
 */
u16 cordon_prefix_lookup(const struct cordon_range *ranges, u32 n,
			 const struct cordon_addr *addr)
{
	u32 lo = 0, hi = n;

	if (!n)
		return CORDON_NO_SEGMENT;
	while (hi - lo > 1) {
		u32 mid = lo + (hi - lo) / 2;

		if (cordon_addr_compare(&ranges[mid].start, addr) <= 0)
			lo = mid;
		else
			hi = mid;
	}
	return ranges[lo].segment;
}
