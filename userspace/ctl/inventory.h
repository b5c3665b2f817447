/* SPDX-License-Identifier: GPL-2.0 */
/* Devices as both know them: the kernel's policy, and the registry. */
#ifndef CORDON_INVENTORY_H
#define CORDON_INVENTORY_H

#include "ctl/ctl.h"
#include "store/store.h"

/**
 * struct inventory_device - one
 * @name: its name
 * @mac: its MAC; the policy's, where the two differ
 * @listed: the policy in force lists it; what follows is of that
 * @segment: name
 * @effective: name of its effective segment
 * @state: enum cordon_state
 * @lease: seconds left
 * @model: or empty
 * @known: the registry has it, by this MAC; what follows is of that
 * @registry: all that it has
 * @until: when the certificate ends that it uses; 0, it has none
 */
struct inventory_device {
	char name[CORDON_DEVICE_NAME_LEN];
	u8 mac[6];
	bool listed;
	char segment[CORDON_NAME_LEN];
	char effective[CORDON_NAME_LEN];
	u32 state;
	u32 lease;
	char model[CORDON_NAME_LEN];
	bool known;
	struct store_device registry;
	time_t until;
};

/**
 * struct inventory - all of them, by name
 * @list: the devices
 * @n: how many
 * @room: in @list
 * @kernel: the kernel answered
 * @registry: the registry could be read
 */
struct inventory {
	struct inventory_device *list;
	size_t n;
	size_t room;
	bool kernel;
	bool registry;
};

/* inventory.c */
int inventory_load(struct inventory *v, const char *registry);
void inventory_free(struct inventory *v);

#endif
