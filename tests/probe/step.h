/* SPDX-License-Identifier: GPL-2.0 */
/* Changes of the policy in force, from a word each, as fast as the kernel takes them. */
#ifndef CORDON_PROBE_STEP_H
#define CORDON_PROBE_STEP_H

#include "nl/nl.h"

struct policy;

/**
 * struct step - one change
 * @kind: its first letter, see step_read()
 * @name: of the device, or of the interface
 * @segment: that the device is in from then on; empty, where it was
 * @port: likewise; or the interface's new name
 * @mac: of the device or of the neighbour
 * @addresses: likewise
 * @n: how many
 * @state: enum cordon_state; -1, as it was
 * @lease: seconds; -1, as it was
 * @policy: to be put in force
 */
struct step {
	char kind;
	char name[CORDON_DEVICE_NAME_LEN];
	char segment[CORDON_NAME_LEN];
	char port[CORDON_IFNAME_LEN];
	u8 mac[6];
	struct cordon_addr addresses[CORDON_MAX_DEVICE_ADDRESSES];
	u32 n;
	int state;
	int64_t lease;
	struct policy *policy;
};

int step_read(struct step *s, char *text);
int step_take(struct cnl *nl, const struct step *s);

#endif
