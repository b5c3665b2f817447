// SPDX-License-Identifier: GPL-2.0
/* A set of MACs, ordered. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fleet/macs.h"

/* Where it is, or would be. */
static size_t place(const struct macs *m, const uint8_t mac[6])
{
	size_t from = 0, to = m->n, middle;

	while (from < to) {
		middle = from + (to - from) / 2;
		if (memcmp(m->list[middle], mac, 6) < 0)
			from = middle + 1;
		else
			to = middle;
	}
	return from;
}

static bool is_at(const struct macs *m, size_t i, const uint8_t mac[6])
{
	return i < m->n && !memcmp(m->list[i], mac, 6);
}

/**
 * macs_has - is it in the set
 * @m: the set
 * @mac: it
 */
bool macs_has(const struct macs *m, const uint8_t mac[6])
{
	return is_at(m, place(m, mac), mac);
}

/**
 * macs_add - put it into the set
 * @m: the set
 * @mac: it
 *
 * Return: 0, also if it was there; -ENOSPC, the set has MACS_MAX; -ENOMEM.
 */
int macs_add(struct macs *m, const uint8_t mac[6])
{
	size_t i = place(m, mac), size = m->size ? 2 * m->size : 64;
	uint8_t (*grown)[6];

	if (is_at(m, i, mac))
		return 0;
	if (m->n == MACS_MAX)
		return -ENOSPC;
	if (m->n == m->size) {
		grown = realloc(m->list, size * sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		m->list = grown;
		m->size = size;
	}
	memmove(m->list + i + 1, m->list + i, (m->n - i) * sizeof(*m->list));
	memcpy(m->list[i], mac, 6);
	m->n++;
	return 0;
}

/**
 * macs_del - take it out of the set
 * @m: the set
 * @mac: it, which need not be there
 */
void macs_del(struct macs *m, const uint8_t mac[6])
{
	size_t i = place(m, mac);

	if (!is_at(m, i, mac))
		return;
	m->n--;
	memmove(m->list + i, m->list + i + 1, (m->n - i) * sizeof(*m->list));
}

/**
 * macs_free - empty the set
 * @m: the set
 */
void macs_free(struct macs *m)
{
	free(m->list);
	*m = (struct macs){ .list = NULL };
}
