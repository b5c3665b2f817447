// SPDX-License-Identifier: GPL-2.0
/* Wrong tokens: a table of fixed size, each key in one of a few slots. */
#include <string.h>

#include "serve/agent/tries.h"

#define WAYS	8

static unsigned int first_slot(const struct tries *t, const char *key)
{
	uint64_t hash = t->seed;

	for (; *key; key++)
		hash = ((hash ^ (unsigned char)*key) * 0x9e3779b97f4a7c15ULL) ^ (hash >> 29);
	return (hash >> 32) % (TRIES_SLOTS / WAYS) * WAYS;
}

static struct try *find(const struct tries *t, const char *key)
{
	unsigned int i, first = first_slot(t, key);

	for (i = first; i < first + WAYS; i++)
		if (t->slots[i].n && !strcmp(t->slots[i].key, key))
			return (struct try *)&t->slots[i];
	return NULL;
}

/**
 * tries_wait - must this one wait
 * @t: the table
 * @key: an address, or an address, a name and which token that has
 * @most: wrong ones that are let through
 * @now: by a clock that does not go back
 *
 * Return: seconds left of the pause; 0, none.
 */
unsigned int tries_wait(const struct tries *t, const char *key, unsigned int most, time_t now)
{
	const struct try *try = find(t, key);

	return try && try->n >= most && now < try->last + TRIES_PAUSE ?
	       try->last + TRIES_PAUSE - now : 0;
}

/**
 * tries_fail - one more wrong one
 * @t: the table
 * @key: as above; at most TRIES_KEY_LEN - 1 bytes count
 * @now: as above
 */
void tries_fail(struct tries *t, const char *key, time_t now)
{
	unsigned int i, first = first_slot(t, key);
	struct try *try = find(t, key), *slot;

	for (i = first; !try && i < first + WAYS; i++)
		if (!t->slots[i].n)
			try = &t->slots[i];
	if (!try)
		for (i = first, try = &t->slots[first]; i < first + WAYS; i++) {
			slot = &t->slots[i];
			if (slot->last < try->last)
				try = slot;
		}
	if (!try->n || strcmp(try->key, key) || now >= try->last + TRIES_PAUSE) {
		memset(try, 0, sizeof(*try));
		strncpy(try->key, key, sizeof(try->key) - 1);
	}
	try->n++;
	try->last = now;
}

/**
 * tries_forget - the right one came
 * @t: the table
 * @key: as above
 */
void tries_forget(struct tries *t, const char *key)
{
	struct try *try = find(t, key);

	if (try)
		memset(try, 0, sizeof(*try));
}
