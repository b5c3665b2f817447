/* SPDX-License-Identifier: GPL-2.0 */
/* The one device that a command is about, as kernel and registry know it. */
#ifndef CORDON_SUBJECT_H
#define CORDON_SUBJECT_H

#include "ctl/ctl.h"
#include "store/store.h"

/**
 * struct subject - a device
 * @name: its name
 * @mac: its MAC; the policy's, where the two differ
 * @kernel: the module is loaded, and @nl is open
 * @listed: the policy in force lists the device: @device
 * @registry: the registry is there, and @store is open
 * @known: it has the device, by this MAC: @record
 * @former: it has the name by another MAC: @record is of that
 */
struct subject {
	char name[CORDON_DEVICE_NAME_LEN];
	u8 mac[6];
	bool kernel;
	struct cnl nl;
	bool listed;
	struct cnl_device device;
	bool registry;
	struct store store;
	bool known;
	bool former;
	struct store_device record;
};

/* subject.c */
int subject_open(const struct command *self, struct subject *s, const char *word, const char *registry, bool change);
void subject_close(struct subject *s);

#endif
