/* SPDX-License-Identifier: GPL-2.0 */
/* What the verbs of 'cordonctl firmware' share. */
#ifndef CORDON_CMD_FIRMWARE_H
#define CORDON_CMD_FIRMWARE_H

#include "ctl/ctl.h"
#include "store/firmware.h"

#define FIRMWARE_WORDS_MAX	2

/**
 * struct firmware_words - what the command line says
 * @self: the command
 * @registry: the registry's file
 * @directory: of the artifacts
 * @ca: directory of our CA
 * @json: print JSON
 * @model: of a new release
 * @version: likewise
 * @signature: its file, or NULL
 * @signer: file of the certificates that may have signed it; NULL, our CA
 * @file: name that devices are given, or NULL
 * @notes: for people, or NULL
 * @percent: of a roll-out; -1, not given
 * @stop_after: that many failures; -1, not given
 * @pause: of a roll-out
 * @resume: of a roll-out
 * @word: what is no option, terminated by NULL
 */
struct firmware_words {
	const struct command *self;
	const char *registry;
	const char *directory;
	const char *ca;
	bool json;
	const char *model;
	const char *version;
	const char *signature;
	const char *signer;
	const char *file;
	const char *notes;
	int percent;
	int stop_after;
	bool pause;
	bool resume;
	const char *word[FIRMWARE_WORDS_MAX + 1];
};

/* cmd_firmware.c */
bool firmware_registry(const struct firmware_words *w, bool create, struct store *s);
int firmware_complain(const struct firmware_words *w, const struct store *s);
int firmware_lock(const struct firmware_words *w);
const char *firmware_action_name(enum firmware_action_state state);
bool firmware_find(const struct firmware_words *w, struct store *s, struct firmware_release *out);
void firmware_warn_stranded(struct store *s, const char *model);

/* The verbs. */
int firmware_add(const struct firmware_words *w);
int firmware_remove(const struct firmware_words *w);
int firmware_list(const struct firmware_words *w);
int firmware_set_floor(const struct firmware_words *w);
int firmware_rollout(const struct firmware_words *w);
int firmware_status(const struct firmware_words *w);
int firmware_cancel(const struct firmware_words *w);

/* cmd_firmware_list.c */
int firmware_print_release(const struct firmware_words *w, struct store *s, int64_t id);

/* fleet.c */

/**
 * struct fleet_device - a device that kernel or registry knows
 * @name: its
 * @mac: its
 * @model: by the policy; where no kernel says, as the registry has it; or empty
 * @version: as it told, or empty
 * @automatic: its updates are: it can be outdated
 * @grace: of its segment
 * @state: enum cordon_state; -1, the kernel does not know it
 */
struct fleet_device {
	char name[CORDON_DEVICE_NAME_LEN];
	u8 mac[6];
	char model[CORDON_NAME_LEN];
	char version[FIRMWARE_VERSION_LEN];
	bool automatic;
	u32 grace;
	int state;
};

/**
 * struct fleet - all of them, by name
 * @list: of devices
 * @n: how many
 * @room: in @list
 * @kernel: it was asked
 */
struct fleet {
	struct fleet_device *list;
	size_t n;
	size_t room;
	bool kernel;
};

int fleet_load(struct fleet *f, struct store *s);
void fleet_free(struct fleet *f);

#endif
