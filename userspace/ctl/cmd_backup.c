// SPDX-License-Identifier: GPL-2.0
/*
 * backup: everything that a gateway would be poorer without, as one file.
 *
 * Private keys are left out, or encrypted one by one: as PKCS #8 with scrypt and AES-256, as 'ca init' itself writes
 * them with a passphrase. So no format of our own protects them, openssl(1) reads each of them, and the rest of a
 * backup can be looked at, checked and restored without the passphrase. A key that has one already is copied as it is.
 */
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "ctl/cmd_ca.h"
#include "ctl/cmd_backup.h"
#include "lib/file.h"
#include "lib/yaml.h"
#include "pki/make.h"
#include "serve/common/revoked.h"
#include "state/state.h"

#define FILE_MAX (256 << 20)

/**
 * struct backing - a backup that is being made
 * @w: the words
 * @c: where CA, registry and firmware are
 * @b: the backup
 * @work: directory beside it, with copies of what may change meanwhile, and the backup until it is whole
 * @locks: of the directories of state, of the CA and of firmware; -1, none
 * @passphrase: of the keys; empty, it was not needed so far
 * @keys: how many are in it
 * @left_out: how many are not
 */
struct backing {
	struct backup_words w;
	struct serve_config c;
	struct backup b;
	char work[PATH_MAX];
	int locks[3];
	char passphrase[SECRET_MAX_LEN + 1];
	unsigned int keys;
	unsigned int left_out;
};

static bool refuse(const char *object, int err)
{
	complain(object, strerror(-err));
	return false;
}

static bool add(struct backing *k, const char *name, const char *from, bool sealed)
{
	return !backup_add(&k->b, name, from, sealed) || !backup_complain(&k->b, k->w.file);
}

/* Bytes that are not in a file of that content. */
static bool add_bytes(struct backing *k, const char *name, const char *data, size_t len, mode_t mode, bool sealed)
{
	char path[PATH_MAX];
	int err;

	if (!backup_path(path, sizeof(path), k->work, name) || !backup_make_parents(path, 0700))
		return false;
	err = file_write(path, data, len, mode);
	return err ? refuse(path, err) : add(k, name, path, sealed);
}

/* A copy of a file that others may write to; one that is not there is left out. */
static bool add_copy(struct backing *k, const char *name, const char *from)
{
	struct stat st;
	char *data;
	size_t len;
	bool good;
	int err;

	if (stat(from, &st))
		return errno == ENOENT || refuse(from, -errno);
	err = S_ISREG(st.st_mode) ? file_read(from, FILE_MAX, &data, &len) : -EINVAL;
	if (err)
		return refuse(from, err);
	good = add_bytes(k, name, data, len, st.st_mode & 0777, false);
	free(data);
	return good;
}

static bool add_in(struct backing *k, const char *name, const char *dir, const char *file)
{
	char path[PATH_MAX];

	return backup_path(path, sizeof(path), dir, file) && add_copy(k, name, path);
}

/* A policy that includes others is one file there, which says the same. */
static bool add_policy(struct backing *k)
{
	char *said = NULL, *text = NULL, **files = NULL;
	struct policy *p = NULL;
	size_t size;
	FILE *errors = open_memstream(&said, &size);
	bool good;

	if (!errors)
		return refuse(k->w.policy, -ENOMEM);
	/* What is wrong with it is told where the backup is looked through. */
	if (!policy_load_files(k->w.policy, &p, &files, errors) && files[1])
		text = kept_text(p);
	fclose(errors);
	free(said);
	if (text)
		fprintf(stderr, "cordonctl: note: %s: includes others: in the backup it is one file that says the same\n",
			k->w.policy);
	if (text)
		good = add_bytes(k, "policy.yaml", text, strlen(text), 0600, false);
	else
		good = files && files[1] ? refuse(k->w.policy, -ENOMEM) : add_copy(k, "policy.yaml", k->w.policy);
	policy_files_free(files);
	policy_free(p);
	free(text);
	return good;
}

/* A key in the clear is encrypted; nothing but that is written. One that has a passphrase is copied. */
static bool add_key(struct backing *k, const char *name, const char *path, const char *text)
{
	struct pki_error why;
	char *sealed = NULL;
	size_t len;
	bool good;
	int err;

	err = backup_recode_key(text, NULL, NULL, &sealed, &len, &why);
	if (!err) {
		OPENSSL_clear_free(sealed, len);
		if (!k->passphrase[0] && !backup_passphrase(&k->w, true, k->passphrase))
			return false;
		err = backup_recode_key(text, NULL, k->passphrase, &sealed, &len, &why);
	}
	if (err && err != -ENOKEY) {
		complain(path, why.text);
		return false;
	}
	good = add_bytes(k, name, err ? text : sealed, err ? strlen(text) : len, 0600, !err);
	if (!err)
		OPENSSL_clear_free(sealed, len);
	k->keys += good;
	return good;
}

/* Whatever its name: what holds a private key is none of the other files. */
static bool add_ca_file(struct backing *k, const char *name, const char *path)
{
	char *text = NULL;
	size_t len = 0;
	struct stat st;
	bool good;
	int err;

	if (stat(path, &st))
		return refuse(path, -errno);
	err = file_read(path, FILE_MAX, &text, &len);
	if (err)
		return refuse(path, err);
	if (!backup_has_key(text)) {
		good = add_bytes(k, name, text, len, st.st_mode & 0777, false);
	} else {
		k->left_out += !k->w.keys;
		good = !k->w.keys || add_key(k, name, path, text);
	}
	explicit_bzero(text, len);
	free(text);
	return good;
}

static bool add_entry(struct backing *k, const char *name, const char *path)
{
	if (!backup_name_is_known(name)) {
		fprintf(stderr, "cordonctl: note: %s: not in the backup: letters, digits and ._-~ alone are names there\n",
			path);
		return true;
	}
	return strncmp(name, "firmware/", 9) ? add_ca_file(k, name, path) : add(k, name, path, false);
}

/* The files of a directory, which need not be there; those that begin with a dot are somebody's half-written ones. */
static bool add_dir(struct backing *k, const char *prefix, const char *dir)
{
	char path[PATH_MAX], name[NAME_MAX + 16];
	const struct dirent *entry;
	DIR *all = opendir(dir);
	bool good = true;
	struct stat st;

	if (!all)
		return errno == ENOENT || refuse(dir, -errno);
	while (good && (errno = 0, entry = readdir(all))) {
		good = backup_path(path, sizeof(path), dir, entry->d_name);
		snprintf(name, sizeof(name), "%s%s", prefix, entry->d_name);
		if (good && entry->d_name[0] != '.' && !lstat(path, &st) && S_ISREG(st.st_mode))
			good = add_entry(k, name, path);
	}
	if (good && errno)
		good = refuse(dir, -errno);
	closedir(all);
	return good;
}

static bool add_ca(struct backing *k)
{
	char path[REVOKED_PATH_LEN];
	unsigned int i;

	for (i = 0; i < REVOKED_SAVED; i++) {
		revoked_saved(k->c.ca, i, path);
		if (!add_copy(k, i ? "ca.crl~" : "ca.crl", path))
			return false;
	}
	return add_dir(k, "ca/", k->c.ca) &&
	       backup_path(path, sizeof(path), k->c.ca, "next") && add_dir(k, "ca/next/", path) &&
	       backup_path(path, sizeof(path), k->c.ca, "previous") && add_dir(k, "ca/previous/", path) &&
	       backup_path(path, sizeof(path), k->c.ca, "request") && add_dir(k, "ca/request/", path);
}

static bool add_registry(struct backing *k)
{
	char path[PATH_MAX];
	struct store s;
	int err;

	if (access(k->c.registry, F_OK) && errno == ENOENT)
		return true;
	if (!backup_path(path, sizeof(path), k->work, "registry.db"))
		return false;
	err = store_look(&s, k->c.registry);
	if (!err) {
		err = store_backup(&s, path, NULL, NULL);
		store_close(&s);
	}
	if (err) {
		complain(k->c.registry, s.error);
		return false;
	}
	return add(k, "registry.db", path, false);
}

/* The registry before the revocation lists: what is revoked in between is on these. */
static bool add_all(struct backing *k)
{
	return add_policy(k) && add_copy(k, "serve.yaml", k->w.config) &&
	       add_in(k, "state/state", k->w.state, "state") &&
	       add_in(k, "state/policy.yaml", k->w.state, "policy.yaml") &&
	       add_registry(k) && add_ca(k) && add_dir(k, "firmware/", k->c.firmware);
}

/* An 'apply', a roll-over of the CA or a release that is added meanwhile would be there in half. */
static bool lock_all(struct backing *k)
{
	struct pki_error why;

	if (!access(k->w.state, F_OK)) {
		k->locks[0] = kept_lock(k->w.state);
		if (k->locks[0] < 0)
			return refuse(k->w.state, k->locks[0]);
	}
	if (!backup_lock_ca(k->c.ca, k->locks[0], &k->locks[1]))
		return false;
	if (!access(k->c.firmware, F_OK)) {
		k->locks[2] = firmware_dir_lock(k->c.firmware, (gid_t)-1, &why);
		if (k->locks[2] < 0)
			complain(k->c.firmware, why.text);
	}
	return access(k->c.firmware, F_OK) || k->locks[2] >= 0;
}

static void unlock_all(struct backing *k)
{
	size_t i;

	for (i = 0; i < sizeof(k->locks) / sizeof(*k->locks); i++)
		if (k->locks[i] >= 0)
			close(k->locks[i]);
}

/* What was written is read again: each byte, and whether it would do. */
static bool verify(struct backing *k, const char *path)
{
	char dir[PATH_MAX];
	struct backup b;
	bool good = false;

	if (!backup_path(dir, sizeof(dir), k->work, "read"))
		return false;
	if (backup_open(&b, path) || backup_check(&b))
		backup_complain(&b, k->w.file);
	else
		good = backup_unpack(&b, k->w.file, dir) && backup_contents_check(&b, k->w.file, dir);
	backup_free(&b);
	return good;
}

static bool write_and_verify(struct backing *k)
{
	char path[PATH_MAX];
	int err;

	if (!backup_path(path, sizeof(path), k->work, "backup"))
		return false;
	if (!k->b.n) {
		complain(k->w.file, "there is nothing to back up");
		return false;
	}
	if (backup_write(&k->b, path))
		return !backup_complain(&k->b, k->w.file);
	if (!verify(k, path))
		return false;
	err = rename(path, k->w.file) ? -errno : file_sync_parent(k->w.file);
	return !err || refuse(k->w.file, err);
}

static void note_outside(const char *file, const char *what)
{
	if (file[0])
		fprintf(stderr, "cordonctl: note: %s (%s of serve.yaml): not in the backup: keep it elsewhere\n", file, what);
}

static void print(const struct backing *k)
{
	uint64_t bytes = 0;
	size_t i;

	for (i = 0; i < k->b.n; i++)
		bytes += k->b.parts[i].size;
	printf("%s: %zu files, %llu bytes, read again and checked\n", k->w.file, k->b.n, (unsigned long long)bytes);
	if (k->keys)
		printf("private keys of the CA: %u, encrypted; without the passphrase they are lost\n", k->keys);
	if (k->left_out)
		printf("private keys of the CA: %u, NOT in it (--with-keys)\n", k->left_out);
	note_outside(k->c.passphrase_file, "passphrase_file");
	note_outside(k->c.certificate, "certificate");
	note_outside(k->c.key, "key");
}

static bool is_target(const char *path)
{
	struct stat st;

	if (lstat(path, &st) ? errno == ENOENT : S_ISREG(st.st_mode))
		return true;
	complain(path, "is there, and is not a regular file");
	return false;
}

static bool make_work(struct backing *k)
{
	if (snprintf(k->work, sizeof(k->work), "%s.XXXXXX", k->w.file) >= (int)sizeof(k->work))
		return refuse(k->w.file, -ENAMETOOLONG);
	if (mkdtemp(k->work))
		return true;
	k->work[0] = 0;
	return refuse(k->w.file, -errno);
}

static int make(struct backing *k)
{
	bool good = lock_all(k) && add_all(k);

	good = good && write_and_verify(k);
	unlock_all(k);
	if (good)
		print(k);
	return good ? EXIT_DONE : EXIT_REFUSED;
}

static int run_backup(const struct command *self, int argc, char **argv)
{
	static const struct option options[] = {
		{ "with-keys", no_argument, NULL, 'k' }, { "passphrase-file", required_argument, NULL, 'f' },
		{ "policy", required_argument, NULL, 'p' }, { "config", required_argument, NULL, 'c' },
		{ "state", required_argument, NULL, 's' }, { "help", no_argument, NULL, OPTION_HELP }, { }
	};
	struct backing k = { .w = { .policy = POLICY_PATH, .config = SERVE_CONFIG }, .locks = { -1, -1, -1 } };
	int ret;

	if (!backup_words_take(self, argc, argv, options, &k.w, &ret))
		return ret;
	if (k.w.passphrase_file && !k.w.keys)
		return usage_error(self, "--passphrase-file is of use with --with-keys alone", NULL);
	k.w.state = keep_place(k.w.state, true);
	if (!k.w.state || !is_target(k.w.file) ||
	    serve_config_load(k.w.config_given ? k.w.config : NULL, &k.c, stderr))
		return EXIT_REFUSED;
	backup_init(&k.b, time(NULL));
	ret = make_work(&k) ? make(&k) : EXIT_REFUSED;
	if (k.work[0])
		pki_tree_remove(k.work);
	explicit_bzero(k.passphrase, sizeof(k.passphrase));
	backup_free(&k.b);
	return ret;
}

const struct command cmd_backup = {
	"backup", "Put everything into one file: policy, state, registry, CA, firmware",
	"backup FILE [--with-keys [--passphrase-file FILE]] [--policy FILE] [--config FILE]\n"
	"       [--state DIR]",
	"FILE is a tar, 0600. It is read again and checked before it takes the place of an older\n"
	"one. 'cordonctl restore FILE' puts it back; 'restore FILE --dry-run' checks it.\n\n"
	"  --with-keys             with the CA's private keys, each encrypted with a passphrase\n"
	"  --passphrase-file FILE  which is in FILE; else it is asked for\n"
	"  --policy FILE           instead of " POLICY_PATH "\n"
	"  --config FILE           instead of " SERVE_CONFIG ", which says where CA,\n"
	"                          registry and firmware are\n"
	"  --state DIR             of state and last good policy (" STATE_DIR ")\n", run_backup
};
