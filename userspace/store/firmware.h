/* SPDX-License-Identifier: GPL-2.0 */
/* The registry's part about firmware: releases, floors, offers, and what devices run. */
#ifndef CORDON_STORE_FIRMWARE_H
#define CORDON_STORE_FIRMWARE_H

#include "firmware/firmware.h"
#include "store/store.h"

/* As in store.h: 0 or -errno with a sentence in s->error. What writes makes a transaction unless the caller has one. */

/*
 * Releases. -EEXIST: the model has that version already (1.0 and 1.0.0 are one), or that file by another
 * version; -EPERM: below the floor. Sets @id.
 */
int store_release_add(struct store *s, struct firmware_release *release);
int store_release_get(struct store *s, int64_t id, struct firmware_release *out);
int store_release_find(struct store *s, const char *model, const char *version, struct firmware_release *out);
/* model NULL: all; newest version first within a model. */
int store_release_each(struct store *s, const char *model,
		       int (*each)(const struct firmware_release *r, void *arg), void *arg);
int store_release_remove(struct store *s, int64_t id);	/* its open offers are cancelled */
/* @stopped stays as it is. */
int store_release_rollout(struct store *s, int64_t id, unsigned int percent, bool paused, unsigned int stop_after);
/* Neither paused nor stopped; failures count from 0, and who failed or cancelled is offered it again. */
int store_release_resume(struct store *s, int64_t id);
/* How many devices' offers are in each state. */
int store_release_tally(struct store *s, int64_t id, unsigned int tally[FIRMWARE_FAILED + 1]);
/* Is it the file of any release: 1, 0, or -errno. */
int store_release_has_file(struct store *s, const uint8_t sha256[32]);

/*
 * Floors. A floor that is raised begins a grace for those that it catches anew; who was below the one before
 * has had its grace. NULL: none, and what was is forgotten.
 */
int store_floor_set(struct store *s, const char *model, const char *version, time_t now);
int store_floor_get(struct store *s, const char *model, struct firmware_floor *out);
int store_floor_each(struct store *s, int (*each)(const struct firmware_floor *f, void *arg), void *arg);

/*
 * What a device runs. Appends to its history when it differs from what was known, and keeps the last 32; the
 * open offer of that version has succeeded then. store_checkin() reports by itself, as "check-in".
 */
int store_firmware_report(struct store *s, const char *device, const char *version, const char *source, time_t now);
/* Last first. */
int store_firmware_history(struct store *s, const char *device,
			   int (*each)(const char *version, const char *source, time_t at, void *arg), void *arg);
/* Which model it is, or "": what a roll-out's share is a share of. store_offer() does it, too. Writes if it differs. */
int store_device_model(struct store *s, const char *device, const char *model);

/*
 * The offer of a device, made if there is none yet: the newest release of its model that is above what it
 * runs (any, if it never told), not below the floor, rolled out to it, neither paused nor stopped, and that it
 * has not failed or cancelled (nor succeeded with three times, and runs something older all the same; once,
 * where it tells free text). Of a
 * roll-out at N %, N % of the model's devices that the registry knows get offers, rounded up, and never more.
 *
 * A device has one open offer at a time. It becomes CANCELING (or CANCELED, if the device never saw it run)
 * when a newer takes its place, or when it does not fit any more: below the floor, not above what the device
 * runs now, or its release is gone. While it is CANCELING it is the one that is given; its release is
 * zeroed if it is gone. The next is made when the device has said CANCELED, SUCCEEDED or FAILED.
 *
 * An open offer of a paused or stopped release that the device has not begun is not given. -ENOENT: nothing
 * for it, or no such device. Writes only when an offer is made or changes.
 */
int store_offer(struct store *s, const char *device, const char *model, time_t now, struct firmware_action *action,
		struct firmware_release *release);
int store_action_get(struct store *s, int64_t id, struct firmware_action *out);
/*
 * The device's last words, and where it is: RUNNING, SUCCEEDED, FAILED, CANCELED; an operator's: CANCELING,
 * which is CANCELED at once if the device never saw it run. RUNNING after CANCELING: the device will not stop;
 * what it says before it knows is said with CANCELING. detail NULL: as it was. A failure may stop the roll-out (-> *stopped, may be NULL). Success records the version. What is
 * over stays: the same state again is 0, another -EALREADY.
 */
int store_action_change(struct store *s, int64_t id, enum firmware_action_state state, const char *detail, time_t now,
			bool *stopped);
/* The last first. */
int store_action_each(struct store *s, const char *device,	/* NULL: all */
		      int (*each)(const struct firmware_action *a, void *arg), void *arg);

/* Changes whenever a floor, release, roll-out or reported version does: agent judges postures anew. */
int store_firmware_generation(struct store *s, uint64_t *generation);

#endif
