/* SPDX-License-Identifier: GPL-2.0 */
/* Wrong tokens, by address and name together, and by address. */
#ifndef CORDON_TRIES_H
#define CORDON_TRIES_H

#include <stdint.h>
#include <time.h>

#define TRIES_MAX	5	/* wrong ones for a name from an address, then there is a pause ... */
#define TRIES_PEER_MAX	50	/* wrong ones from an address for whatever names, likewise */
#define TRIES_PAUSE	600	/* ... of so many seconds after the last */
#define TRIES_SLOTS	4096
#define TRIES_KEY_LEN	128

/**
 * struct tries - the most recent failures; the oldest gives way to a new one
 * @seed: random, so that nobody can choose names that push out another's
 * @slots: each key is in one of a few
 */
struct tries {
	uint32_t seed;
	struct try {
		char key[TRIES_KEY_LEN];
		unsigned int n;
		time_t last;
	} slots[TRIES_SLOTS];
};

unsigned int tries_wait(const struct tries *t, const char *key, unsigned int most, time_t now);
void tries_fail(struct tries *t, const char *key, time_t now);
void tries_forget(struct tries *t, const char *key);

#endif
