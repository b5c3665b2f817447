/* SPDX-License-Identifier: GPL-2.0 */
/* The registry's part about firmware: releases, floors, offers, and what devices run. */
#ifndef CORDON_STORE_FIRMWARE_H
#define CORDON_STORE_FIRMWARE_H

#include "firmware/firmware.h"
#include "store/store.h"

/* As in store.h: 0 or -errno with a sentence in s->error; within a transaction of the caller's where they write. */

/* Releases. -EEXIST: the model has that version already. */
int store_release_add(struct store *s, struct firmware_release *release);	/* gives @id */
int store_release_get(struct store *s, int64_t id, struct firmware_release *out);
int store_release_find(struct store *s, const char *model, const char *version, struct firmware_release *out);
/* model NULL: all; newest version first within a model. */
int store_release_each(struct store *s, const char *model,
		       int (*each)(const struct firmware_release *r, void *arg), void *arg);
int store_release_remove(struct store *s, int64_t id);	/* its open offers are cancelled */
int store_release_rollout(struct store *s, int64_t id, unsigned int percent, bool paused, unsigned int stop_after);
/* How many devices' offers are in each state. */
int store_release_tally(struct store *s, int64_t id, unsigned int tally[FIRMWARE_FAILED + 1]);

/* Floors. */
int store_floor_set(struct store *s, const char *model, const char *version, time_t now);	/* NULL: none */
int store_floor_get(struct store *s, const char *model, struct firmware_floor *out);
int store_floor_each(struct store *s, int (*each)(const struct firmware_floor *f, void *arg), void *arg);

/* What a device runs. Appends to its history when it differs from what was known; keeps the last 32. */
int store_firmware_report(struct store *s, const char *device, const char *version, const char *source, time_t now);
int store_firmware_history(struct store *s, const char *device,
			   int (*each)(const char *version, const char *source, time_t at, void *arg), void *arg);

/*
 * The offer of a device, made if there is none yet: the newest release of its model that is above what it
 * runs (any, if it never told), not below the floor, rolled out to it, neither paused nor stopped, and that it
 * has not failed or cancelled. An older open offer becomes CANCELING (or CANCELED, if the device never saw
 * it run) when a newer takes its place. An open offer of a paused or stopped release that the device has
 * not begun is not given. -ENOENT: nothing for it. Writes only when an offer is made or changes.
 */
int store_offer(struct store *s, const char *device, const char *model, time_t now, struct firmware_action *action,
		struct firmware_release *release);
int store_action_get(struct store *s, int64_t id, struct firmware_action *out);
/* The device's last words; a failure may stop the roll-out (-> *stopped). Success records the version. */
int store_action_change(struct store *s, int64_t id, enum firmware_action_state state, const char *detail, time_t now,
			bool *stopped);
int store_action_each(struct store *s, const char *device,	/* NULL: all */
		      int (*each)(const struct firmware_action *a, void *arg), void *arg);

/* Changes whenever a floor, release, roll-out or reported version does: agent judges postures anew. */
int store_firmware_generation(struct store *s, uint64_t *generation);

#endif
