/* SPDX-License-Identifier: GPL-2.0 */
/* A set of MACs, ordered. */
#ifndef CORDON_FLEET_MACS_H
#define CORDON_FLEET_MACS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MACS_MAX (1U << 20)	/* as many as a fleet may have devices */

/**
 * struct macs - a set; all zero is an empty one
 * @list: in order
 * @n: how many
 * @size: that there is memory for
 */
struct macs {
	uint8_t (*list)[6];
	size_t n;
	size_t size;
};

bool macs_has(const struct macs *m, const uint8_t mac[6]);
/* 0, also if it is in it already; -ENOSPC; -ENOMEM. */
int macs_add(struct macs *m, const uint8_t mac[6]);
void macs_del(struct macs *m, const uint8_t mac[6]);
void macs_free(struct macs *m);	/* empty again */

#endif
