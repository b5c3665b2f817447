/* SPDX-License-Identifier: GPL-2.0 */
/* A restore under way: what cmd_restore.c, restore_ca.c and restore_registry.c share. */
#ifndef CORDON_CTL_RESTORE_H
#define CORDON_CTL_RESTORE_H

#include <limits.h>

#include "ctl/cmd_backup.h"
#include "serve/common/revoked.h"
#include "store/store.h"

#define RESTORING ".restoring"	/* ends the names of what is put together */

/**
 * struct restoring - a restore under way
 * @w: the words
 * @b: the backup, checked
 * @c: where CA, registry and firmware are to be
 * @work: directory with the backup's parts but for firmware
 * @ca: directory of the CA that is put together; empty, none is
 * @passphrase: of the keys in the backup; empty, it was not needed so far
 * @locks: of the state's directory, the server, firmware and the CA; -1, none
 * @in_force: a policy is, and what the kernel holds is newer than any state
 * @request_left_out: nobody has the key of the request for a certificate of the CA that is in the backup
 * @keep_lists: this machine has newer revocation lists of the same CA, and they stay
 * @places: what is put in the place of what
 * @registry: the registry that is put together; @staged, its file, is empty where there is none
 * @staged: that file
 * @kept: name of the registry that was there; empty, there was none
 * @caught: what the registry took over
 */
struct restoring {
	struct backup_words w;
	struct backup b;
	struct serve_config c;
	char work[PATH_MAX];
	char ca[PATH_MAX];
	char passphrase[SECRET_MAX_LEN + 1];
	int locks[4];
	bool in_force;
	bool request_left_out;
	bool keep_lists;
	struct places places;
	struct store registry;
	char staged[PATH_MAX];
	char kept[PATH_MAX];
	struct revoked_caught caught;
};

/* restore_where.c: where a part belongs; NULL, it is left out. */
const char *restore_policy(const struct restoring *r, char path[PATH_MAX]);
const char *restore_config(const struct restoring *r, char path[PATH_MAX]);
const char *restore_state(const struct restoring *r, char path[PATH_MAX]);
const char *restore_last_good(const struct restoring *r, char path[PATH_MAX]);
const char *restore_list(const struct restoring *r, char path[PATH_MAX]);
const char *restore_other_list(const struct restoring *r, char path[PATH_MAX]);

/* restore_ca.c, restore_registry.c; false: it is told why. */
bool restore_stage_ca(struct restoring *r);
bool restore_stage_registry(struct restoring *r);
bool restore_put_registry(struct restoring *r);
void restore_drop_registry(struct restoring *r);

#endif
