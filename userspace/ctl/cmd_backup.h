/* SPDX-License-Identifier: GPL-2.0 */
/* What backup and restore share: where the parts of a backup are on a gateway, and whether they are any good. */
#ifndef CORDON_CMD_BACKUP_H
#define CORDON_CMD_BACKUP_H

#include "backup/backup.h"
#include "ctl/ctl.h"
#include "lib/secret.h"
#include "serve/common/serve.h"

/**
 * struct backup_words - what the command line says
 * @policy: the policy's file
 * @config: serve.yaml
 * @config_given: it was named; else it need not be there
 * @state: directory of state and last good policy
 * @passphrase_file: or NULL
 * @keys: with private keys of the CA
 * @dry: change nothing
 * @file: the backup
 */
struct backup_words {
	const char *policy;
	const char *config;
	bool config_given;
	const char *state;
	const char *passphrase_file;
	bool keys;
	bool dry;
	const char *file;
};

/* backup_contents.c; each prints why not. */
bool backup_words_take(const struct command *self, int argc, char **argv, const struct option *options,
		       struct backup_words *w, int *ret);
bool backup_passphrase(const struct backup_words *w, bool is_new, char out[SECRET_MAX_LEN + 1]);
bool backup_unpack(struct backup *b, const char *file, const char *dir);
bool backup_contents_check(const struct backup *b, const char *file, const char *dir);
bool backup_path(char *out, size_t size, const char *dir, const char *name);
bool backup_make_parents(const char *path, mode_t mode);
bool backup_lock_ca(const char *ca, int state, int *fd);
int backup_complain(const struct backup *b, const char *file);

/* cmd_registry.c */
bool registry_lock_server(const char *run, const char *object, int *fd);

#endif
