/* SPDX-License-Identifier: GPL-2.0 */
/* The kernel's devices, as far as their firmware is concerned. Within the agent. */
#ifndef CORDON_DEVICES_H
#define CORDON_DEVICES_H

#include "firmware/firmware.h"
#include "nl/nl.h"

/**
 * struct device - one of them
 * @mac: of it
 * @automatic: its firmware is updated, and the floor enforced (policy: firmware_auto_update)
 * @outdated: the kernel has it marked so
 * @ours: and we marked it
 * @asked: it has said what it runs since we know it, and since its last update
 * @told: the registry has its model
 * @grace: seconds from a new floor until it is enforced
 * @postpone: seconds for which an update may be put off
 * @action: offered last, or 0
 * @name: of it
 * @model: of it, or empty
 * @version: what it runs, as it told; or empty
 */
struct device {
	uint8_t mac[6];
	bool automatic;
	bool outdated;
	bool ours;
	bool asked;
	bool told;
	uint32_t grace;
	uint32_t postpone;
	int64_t action;
	char name[CORDON_DEVICE_NAME_LEN];
	char model[FIRMWARE_MODEL_LEN];
	char version[FIRMWARE_VERSION_LEN];
};

/**
 * struct devices - all of them
 * @list: in no order
 * @n: how many
 * @mask: size of each index less one
 * @by_mac: places in @list plus one; 0, free
 * @by_name: likewise
 */
struct devices {
	struct device *list;
	uint32_t n;
	uint32_t mask;
	uint32_t *by_mac;
	uint32_t *by_name;
};

int devices_load(struct devices *d, struct cnl *nl);
void devices_free(struct devices *d);
struct device *devices_by_mac(const struct devices *d, const uint8_t mac[6]);
struct device *devices_by_name(const struct devices *d, const char *name);

#endif
