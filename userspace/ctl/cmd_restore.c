// SPDX-License-Identifier: GPL-2.0
/*
 * restore: put back what 'cordonctl backup' has saved.
 *
 * In this order, so that a fault changes nothing: the file is checked, byte for byte, and so is what is in it; all of
 * it is put together beside the places where it belongs; then files and directories take these places by renames, and
 * last the registry does in one transaction. If one of them fails, those before are taken back.
 */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "ctl/cmd_backup.h"
#include "ctl/restore.h"
#include "lib/file.h"
#include "pki/make.h"
#include "pki/parts.h"
#include "state/state.h"

/* Files that are parts by themselves, in the order in which they are put in place. */
static const struct single {
	const char *name;
	const char *(*where)(const struct restoring *r, char path[PATH_MAX]);
	mode_t mode;	/* of directories that are made for it */
} singles[] = {
	{ "ca.crl", restore_list, 0700 }, { "ca.crl~", restore_other_list, 0700 },
	{ "state/policy.yaml", restore_last_good, 0700 }, { "state/state", restore_state, 0700 },
	{ "serve.yaml", restore_config, 0755 }, { "policy.yaml", restore_policy, 0755 },
};

#define N_SINGLES (sizeof(singles) / sizeof(*singles))

static bool is_below(const struct backup_part *p, const char *dir)
{
	return !strncmp(p->name, dir, strlen(dir));
}

static unsigned int count(const struct restoring *r, const char *dir)
{
	unsigned int n = 0;
	size_t i;

	for (i = 0; i < r->b.n; i++)
		n += is_below(&r->b.parts[i], dir);
	return n;
}

/* Beside its place; whoever has the file that is replaced has this one. */
static bool stage_file(struct restoring *r, const struct backup_part *p, const char *to, const char *like)
{
	char staged[PATH_MAX];
	struct stat st;

	if (snprintf(staged, sizeof(staged), "%s" RESTORING, to) >= (int)sizeof(staged))
		return complain(to, strerror(ENAMETOOLONG)), false;
	unlink(staged);
	if (backup_extract(&r->b, p, staged, true))
		return !backup_complain(&r->b, r->w.file);
	if (places_add(&r->places, staged, to, false)) {
		unlink(staged);
		return complain(to, strerror(ENOMEM)), false;
	}
	if (!geteuid() && !stat(like, &st) && lchown(staged, S_ISDIR(st.st_mode) ? 0 : st.st_uid, st.st_gid))
		return complain(staged, strerror(errno)), false;
	return true;
}

static bool stage_firmware(struct restoring *r)
{
	char path[PATH_MAX];
	struct pki_error why;
	size_t i;

	if (!count(r, "firmware/"))
		return true;
	r->locks[2] = firmware_dir_lock(r->c.firmware, (gid_t)-1, &why);
	if (r->locks[2] < 0)
		return complain(r->c.firmware, why.text), false;
	for (i = 0; i < r->b.n; i++) {
		const struct backup_part *p = &r->b.parts[i];

		if (!is_below(p, "firmware/"))
			continue;
		if (!backup_path(path, sizeof(path), r->c.firmware, p->name + strlen("firmware/")))
			return false;
		/* Named by their contents, most of them are there. */
		if (!backup_is_same(p, path) && !stage_file(r, p, path, r->c.firmware))
			return false;
	}
	return true;
}

static bool stage_singles(struct restoring *r)
{
	const struct backup_part *p;
	char path[PATH_MAX];
	const char *to;
	size_t i;

	for (i = 0; i < N_SINGLES; i++) {
		p = backup_find(&r->b, singles[i].name);
		to = p ? singles[i].where(r, path) : NULL;
		if (to && (!backup_make_parents(to, singles[i].mode) || !stage_file(r, p, to, to)))
			return false;
	}
	return true;
}

static void print_one(const char *what, const char *to, bool dry)
{
	if (dry)
		printf("%s: %s: would be %s\n", what, to, access(to, F_OK) ? "made" : "replaced");
	else
		printf("%s: %s\n", what, to);
}

static void print_parts(const struct restoring *r)
{
	char when[POLICY_TIME_LEN], path[PATH_MAX], what[64];
	unsigned int ca;
	const char *to;
	size_t i;

	printf("%s: made %s by cordonctl %s, %zu files, sound\n", r->w.file, policy_time_text(r->b.made, when),
	       r->b.version, r->b.n);
	for (i = N_SINGLES; i--;) {
		to = backup_find(&r->b, singles[i].name) ? singles[i].where(r, path) : NULL;
		if (to)
			print_one(singles[i].name, to, r->w.dry);
	}
	if (backup_find(&r->b, "registry.db"))
		print_one("registry.db", r->c.registry, r->w.dry);
	ca = count(r, "ca/") - (r->request_left_out ? count(r, "ca/" PKI_REQUEST_DIR "/") : 0);
	snprintf(what, sizeof(what), "ca, %u files", ca);
	if (ca)
		print_one(what, r->c.ca, r->w.dry);
	snprintf(what, sizeof(what), "firmware, %u files", count(r, "firmware/"));
	if (count(r, "firmware/"))
		print_one(what, r->c.firmware, r->w.dry);
}

static void print_kept(const struct restoring *r)
{
	size_t i;

	for (i = 0; i < r->places.n; i++)
		if (r->places.list[i].kept[0])
			printf("what was there before: %s\n", r->places.list[i].kept);
	if (r->kept[0])
		printf("what was there before: %s\n", r->kept);
}

/* A CA that waits for its certificate issues nothing in any case. */
static void print_next_ca(const struct restoring *r)
{
	char path[PATH_MAX], cert[PATH_MAX];

	if (!count(r, "ca/") || !backup_path(path, sizeof(path), r->c.ca, "issuing.key") ||
	    !backup_path(cert, sizeof(cert), r->c.ca, "issuing.crt"))
		return;
	if (access(path, F_OK) && !access(cert, F_OK))
		printf("the CA has no issuing.key: nothing can be issued until it is at %s\n", path);
	if (r->request_left_out)
		printf("the request for a certificate of the CA is left out, as its key is not there: 'cordonctl ca init %s"
		       "--csr-out FILE' makes another\n", access(cert, F_OK) ? "" : "--rollover ");
}

static void print_next(const struct restoring *r)
{
	char path[PATH_MAX];

	if (backup_find(&r->b, "registry.db"))
		printf("revocations that were signed since the backup: %u, taken over\n"
		       "tokens of the backup: %u, withdrawn: 'cordonctl device token' makes new ones\n"
		       "certificates issued since the backup: adopted when their devices come (cordon-serve(5), adopt)\n",
		       r->caught.revoked, r->caught.tokens);
	print_next_ca(r);
	if (!r->in_force) {
		puts("next: 'systemctl restart cordon' puts policy and state in force, 'systemctl start cordon-serve' starts "
		     "the server");
		return;
	}
	printf("the policy in force stays in force: 'cordonctl apply %s' puts the restored one in force\n", r->w.policy);
	if (backup_find(&r->b, "state/state"))
		printf("and 'cordonctl state restore %s' gives back its state\n", restore_state(r, path));
}

/* What is not in its place is of no use to anybody. */
static void clean(struct restoring *r)
{
	size_t i;

	for (i = 0; i < r->places.n; i++)
		if (!r->places.list[i].dir && r->places.list[i].staged)
			unlink(r->places.list[i].staged);
	places_free(&r->places);
	if (r->ca[0])
		pki_tree_remove(r->ca);
	if (r->work[0])
		pki_tree_remove(r->work);
	for (i = 0; i < sizeof(r->locks) / sizeof(*r->locks); i++)
		if (r->locks[i] >= 0)
			close(r->locks[i]);
	explicit_bzero(r->passphrase, sizeof(r->passphrase));
	backup_free(&r->b);
}

static int put_back(struct restoring *r)
{
	char why[512];
	bool good;

	good = stage_firmware(r) && restore_stage_ca(r) && stage_singles(r) && restore_stage_registry(r);
	if (good && places_put(&r->places, why, sizeof(why))) {
		complain(why, "nothing was changed");
		good = false;
	}
	if (good && !restore_put_registry(r)) {
		places_undo(&r->places);
		good = false;
	}
	restore_drop_registry(r);
	if (!good)
		return EXIT_REFUSED;
	/* Whoever puts a policy back by hand does not try it any more. */
	if (!r->in_force && backup_find(&r->b, "policy.yaml"))
		kept_forget(r->w.state);
	print_parts(r);
	print_kept(r);
	print_next(r);
	return EXIT_DONE;
}

/* Of the server that may run now: what its configuration says, or, where that is of no use, the one that comes. */
static const char *find_run(const struct restoring *r, struct serve_config *present)
{
	FILE *nowhere = fopen("/dev/null", "w");
	bool good = nowhere && !access(r->w.config, F_OK) && !serve_config_load(r->w.config, present, nowhere);

	if (nowhere)
		fclose(nowhere);
	return good ? present->run : r->c.run;
}

static bool read_config(struct restoring *r)
{
	char path[PATH_MAX];

	if (!backup_find(&r->b, "serve.yaml"))
		return !serve_config_load(r->w.config_given ? r->w.config : NULL, &r->c, stderr);
	return backup_path(path, sizeof(path), r->work, "serve.yaml") && !serve_config_load(path, &r->c, stderr);
}

/* The backup as files, whole and good, in a directory of their own. */
static bool look(struct restoring *r)
{
	if (backup_open(&r->b, r->w.file) || backup_check(&r->b)) {
		fprintf(stderr, "cordonctl: %s: %s; nothing was changed\n", r->w.file, r->b.error);
		return false;
	}
	r->locks[0] = kept_lock(r->w.state);
	if (r->locks[0] < 0)
		return complain(r->w.state, strerror(-r->locks[0])), false;
	if (!backup_path(r->work, sizeof(r->work), r->w.state, "restoring"))
		return false;
	/* Of one that was killed. */
	pki_tree_remove(r->work);
	return backup_unpack(&r->b, r->w.file, r->work) && backup_contents_check(&r->b, r->w.file, r->work) &&
	       read_config(r);
}

static int restore(struct restoring *r)
{
	struct serve_config present;
	int ret = EXIT_REFUSED;

	if (!look(r))
		return EXIT_REFUSED;
	r->in_force = policy_in_force();
	if (r->w.dry) {
		print_parts(r);
		return EXIT_DONE;
	}
	if (registry_lock_server(find_run(r, &present), "restore", &r->locks[1]) &&
	    backup_lock_ca(r->c.ca, r->locks[0], &r->locks[3]))
		ret = put_back(r);
	return ret;
}

static int run_restore(const struct command *self, int argc, char **argv)
{
	static const struct option options[] = {
		{ "dry-run", no_argument, NULL, 'n' }, { "without-keys", no_argument, NULL, 'K' },
		{ "passphrase-file", required_argument, NULL, 'f' },
		{ "policy", required_argument, NULL, 'p' }, { "config", required_argument, NULL, 'c' },
		{ "state", required_argument, NULL, 's' }, { "help", no_argument, NULL, OPTION_HELP }, { }
	};
	struct restoring r = {
		.w = { .policy = POLICY_PATH, .config = SERVE_CONFIG, .keys = true },
		.locks = { -1, -1, -1, -1 }, .b.fd = -1,
	};
	time_t now = time(NULL);
	struct tm tm;
	int ret;

	if (!backup_words_take(self, argc, argv, options, &r.w, &ret))
		return ret;
	r.w.state = keep_place(r.w.state, true);
	if (!r.w.state)
		return EXIT_REFUSED;
	if (gmtime_r(&now, &tm))
		strftime(r.places.stamp, sizeof(r.places.stamp), "%Y%m%dT%H%M%SZ", &tm);
	ret = restore(&r);
	clean(&r);
	return ret;
}

const struct command cmd_restore = {
	"restore", "Put back what 'cordonctl backup' has saved",
	"restore FILE [--dry-run] [--without-keys] [--passphrase-file FILE] [--policy FILE]\n"
	"        [--config FILE] [--state DIR]",
	"While no server runs. The file is checked before anything is changed; all of it is put\n"
	"back, or nothing; what is replaced is kept as *.before-TIME. What a backup does not have\n"
	"stays as it is, and so does the policy in force. What was revoked since the backup stays\n"
	"revoked.\n\n"
	"  --dry-run               check it, say what would be put where, and change nothing\n"
	"  --without-keys          leave private keys of the CA as they are\n"
	"  --passphrase-file FILE  of the private keys in it; else it is asked for\n"
	"  --policy FILE           instead of " POLICY_PATH "\n"
	"  --config FILE           instead of " SERVE_CONFIG "; what the backup's says of\n"
	"                          CA, registry and firmware holds\n"
	"  --state DIR             of state and last good policy (" STATE_DIR ")\n", run_restore
};
