// SPDX-License-Identifier: GPL-2.0
/* Addresses that devices have learned, in a policy beside those that it gives. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "policy.h"

/**
 * struct work - a policy that gets them
 * @p: the policy
 * @list: what was learned, by MAC
 * @n: how many
 * @taken: addresses that somebody has, in order
 * @n_taken: how many
 */
struct work {
	struct policy *p;
	struct policy_learned *list;
	u32 n;
	struct cordon_addr *taken;
	u32 n_taken;
};

static int by_mac(const void *a, const void *b)
{
	const struct policy_learned *x = a, *y = b;
	int c = memcmp(x->mac, y->mac, 6);

	return c ? c : cordon_addr_compare(&x->addr, &y->addr);
}

static int by_mac_alone(const void *a, const void *b)
{
	return memcmp(((const struct policy_learned *)a)->mac, ((const struct policy_learned *)b)->mac, 6);
}

static int by_addr(const void *a, const void *b)
{
	return cordon_addr_compare(a, b);
}

static bool is_taken(const struct work *w, const struct cordon_addr *a)
{
	return bsearch(a, w->taken, w->n_taken, sizeof(*a), by_addr);
}

/* What of the list a device has; @n: how many. */
static const struct policy_learned *learned(const struct work *w, const u8 mac[6], u32 *n)
{
	struct policy_learned key;
	const struct policy_learned *found, *end = w->list + w->n;

	memcpy(key.mac, mac, 6);
	found = bsearch(&key, w->list, w->n, sizeof(key), by_mac_alone);
	for (; found && found > w->list && !by_mac_alone(&found[-1], &key); found--)
		;
	for (*n = 0; found && found + *n < end && !by_mac_alone(&found[*n], &key); ++*n)
		;
	return found;
}

/* The addresses of device @i, behind those of the devices before it. */
static void append(struct work *w, u32 i, struct cordon_addr *addresses, u32 *at)
{
	struct cordon_draft *d = &w->p->draft;
	struct cordon_device_def *v = &d->devices[i];
	const struct policy_learned *l;
	u32 first = *at, j, n;

	if (v->n)
		memcpy(&addresses[*at], &d->addresses[v->first], v->n * sizeof(*addresses));
	*at += v->n;
	l = v->learn ? learned(w, v->mac, &n) : NULL;
	for (j = 0; l && j < n && *at - first < CORDON_MAX_DEVICE_ADDRESSES; j++)
		if (!is_taken(w, &l[j].addr) && !cordon_policy_check_address(&l[j].addr))
			addresses[(*at)++] = l[j].addr;
	v->first = first;
	v->n = *at - first;
}

/* Whatever two devices are said to have is nobody's: the list is of one moment, and the policy of another. */
static void drop_doubles(struct work *w)
{
	u32 i, n = 0;

	for (i = 0; i < w->n; i++)
		w->taken[i] = w->list[i].addr;
	qsort(w->taken, w->n, sizeof(*w->taken), by_addr);
	for (i = 0; i + 1 < w->n; i++)
		if (cordon_addr_equal(&w->taken[i], &w->taken[i + 1]))
			w->taken[n++] = w->taken[i];
	w->n_taken = n;
}

/**
 * policy_learn - append what devices have learned to the addresses that the policy gives them
 * @p: the policy
 * @list: what was learned; sorted anew
 * @n: how many
 *
 * Left out is what is none of a device that learns, what the policy gives to somebody, and what is too much for one.
 * What is printed, compared or put in force is none the less the policy without them, see cordon_device_fixed().
 *
 * Return: 0 or -ENOMEM.
 */
int policy_learn(struct policy *p, struct policy_learned *list, u32 n)
{
	struct cordon_draft *d = &p->draft;
	struct work w = { .p = p, .list = list, .n = n };
	struct cordon_addr *addresses;
	u32 i, at = 0;

	if (!n)
		return 0;
	qsort(list, n, sizeof(*list), by_mac);
	w.taken = malloc(((size_t)d->n_addresses + n) * sizeof(*w.taken));
	addresses = malloc(((size_t)d->n_addresses + n) * sizeof(*addresses));
	if (!w.taken || !addresses) {
		free(w.taken);
		free(addresses);
		return -ENOMEM;
	}
	drop_doubles(&w);
	if (d->n_addresses)
		memcpy(&w.taken[w.n_taken], d->addresses, d->n_addresses * sizeof(*w.taken));
	w.n_taken += d->n_addresses;
	qsort(w.taken, w.n_taken, sizeof(*w.taken), by_addr);
	for (i = 0; i < d->n_devices; i++)
		append(&w, i, addresses, &at);
	free(w.taken);
	free(d->addresses);
	d->addresses = addresses;
	d->n_addresses = at;
	p->room.addresses = at;
	return 0;
}
