// SPDX-License-Identifier: GPL-2.0
/* registry: copy it while it is in use, put a copy back, look whether it is sound. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ctl/cmd_backup.h"
#include "ctl/ctl.h"
#include "pki/pki.h"
#include "serve/common/revoked.h"
#include "serve/common/serve.h"
#include "store/store.h"

/**
 * struct words - what the command line says
 * @self: the command
 * @registry: its file
 * @ca: directory of the CA
 * @run: directory of the server that runs
 * @file: the backup; NULL, none was given
 * @json: print JSON
 */
struct words {
	const struct command *self;
	const char *registry;
	const char *ca;
	const char *run;
	const char *file;
	bool json;
};

/**
 * struct faults - what is wrong with a registry
 * @json: collected here; NULL, each is printed
 * @of: the file that it is
 */
struct faults {
	json_t *json;
	const char *of;
};

static void on_fault(const char *fault, bool damage, void *arg)
{
	const struct faults *f = arg;

	(void)damage;
	if (f->json)
		json_array_append_new(f->json, json_text(fault));
	else
		complain(f->of, fault);
}

static json_t *json_summary_of(const char *file, const struct store_summary *s)
{
	char when[POLICY_TIME_LEN];

	return json_pack("{s:o,s:i,s:o,s:o,s:o,s:o,s:s*}", "file", json_text(file), "version", s->version, "devices",
			 json_count(s->devices), "certificates", json_count(s->certificates), "revoked",
			 json_count(s->revoked), "tokens", json_count(s->tokens), "restored",
			 s->restored ? policy_time_text(s->restored, when) : NULL);
}

static void print_summary(const char *file, const struct store_summary *s)
{
	printf("%s: %llu devices, %llu certificates, of which %llu are revoked, %llu tokens that are not used up\n",
	       file, (unsigned long long)s->devices, (unsigned long long)s->certificates,
	       (unsigned long long)s->revoked, (unsigned long long)s->tokens);
}

static int backup(const struct words *w)
{
	struct faults f = { .of = w->file };
	struct store_summary summary;
	struct store s;
	int err;

	if (store_look(&s, w->registry))
		return complain(w->registry, s.error);
	err = store_backup(&s, w->file, on_fault, &f);
	if (err)
		complain(w->registry, s.error);
	store_close(&s);
	if (err)
		return EXIT_REFUSED;
	/* What is in the file, which may be less than what the registry has by now. */
	err = store_look(&s, w->file);
	if (err)
		return complain(w->file, s.error);
	err = store_summarize(&s, &summary);
	if (err)
		complain(w->file, s.error);
	else if (w->json)
		json_print(json_summary_of(w->file, &summary));
	else
		print_summary(w->file, &summary);
	store_close(&s);
	return err ? EXIT_REFUSED : EXIT_DONE;
}

/**
 * registry_lock_server - no server runs, and none starts meanwhile
 * @run: its directory; without it none runs there
 * @object: what is told of that, where one runs or that cannot be known
 * @fd: to be closed, which ends it; -1, there is nothing to lock
 */
bool registry_lock_server(const char *run, const char *object, int *fd)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/serve.lock", run);
	*fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (*fd < 0 && errno == ENOENT)
		return true;
	if (*fd >= 0 && !fcntl(*fd, F_SETLK, &lock))
		return true;
	if (*fd >= 0 && (errno == EAGAIN || errno == EACCES))
		complain(object, "the server runs: 'cordonctl serve --stop' first");
	else
		complain(path, strerror(errno));
	if (*fd >= 0)
		close(*fd);
	return false;
}

/* Revocations that were signed since the backup; without the CA, the server takes them over when it starts. */
static int catch_up(const struct words *w, struct store *s, struct revoked_caught *caught)
{
	struct pki_ca ca = { .root = NULL };
	struct pki_error why;
	int err;

	memset(caught, 0, sizeof(*caught));
	err = pki_ca_load(w->ca, false, NULL, &ca, &why);
	if (!err) {
		err = revoked_catch_up(&ca, w->ca, s, true, caught);
		pki_ca_free(&ca);
		return err;
	}
	fprintf(stderr, "cordonctl: note: %s: no revocations are taken over now: the server does it when it starts\n",
		why.text);
	err = store_tokens_burn(s, INT64_MAX, &caught->tokens);
	return err ? err : store_restored_put(s, time(NULL));
}

static void print_restored(const struct words *w, const struct store_summary *s, const struct revoked_caught *c,
			   const char *kept)
{
	json_t *json;

	if (w->json) {
		json = json_summary_of(w->registry, s);
		json_object_set_new(json, "revocations_taken_over", json_count(c->revoked));
		json_object_set_new(json, "tokens_withdrawn", json_count(c->tokens));
		if (kept[0])
			json_object_set_new(json, "kept", json_text(kept));
		json_print(json);
		return;
	}
	print_summary(w->registry, s);
	printf("revocations that were signed since the backup: %u, taken over\n"
	       "tokens of the backup: %u, withdrawn, as they may have been used since: "
	       "'cordonctl device token' makes new ones\n"
	       "certificates issued since the backup: adopted when their devices come (cordon-serve(5), adopt)\n"
	       "firmware releases, floors and roll-outs: as they were in the backup\n", c->revoked, c->tokens);
	if (kept[0])
		printf("what was there before: %s\n", kept);
	if (c->bad)
		fprintf(stderr, "cordonctl: note: %u files hold no revocation list of this CA, and were left out\n",
			c->bad);
}

/* Into the copy first, then the copy into the registry. */
static int put_back(const struct words *w, const char *staged)
{
	char kept[PATH_MAX] = "";
	struct revoked_caught caught;
	struct store_summary summary;
	struct store s;
	int err;

	if (store_open(&s, staged, false))
		return complain(w->file, s.error);
	err = catch_up(w, &s, &caught);
	if (!err)
		err = store_summarize(&s, &summary);
	if (!err)
		err = store_replace(&s, w->registry, kept, sizeof(kept));
	if (err)
		complain(w->registry, s.error);
	else
		print_restored(w, &summary, &caught, kept);
	store_close(&s);
	return err ? EXIT_REFUSED : EXIT_DONE;
}

/* Nothing but a sound registry is put back. */
static bool is_sound(const struct words *w, const char *staged)
{
	struct faults f = { .of = w->file };
	unsigned int faults = 0, damage = 0;
	struct store s;
	int err = store_look(&s, staged);

	if (!err) {
		err = store_check(&s, on_fault, &f, &faults, &damage);
		store_close(&s);
	}
	if (err)
		complain(w->file, s.error);
	else if (damage)
		complain(w->file, "it is damaged, and not restored");
	else if (faults)
		fputs("cordonctl: note: it is restored with these faults\n", stderr);
	return !err && !damage;
}

static int restore(const struct words *w)
{
	char staged[PATH_MAX];
	int ret = EXIT_REFUSED, lock;
	struct store s;

	if (!registry_lock_server(w->run, "registry", &lock))
		return EXIT_REFUSED;
	if (store_stage(&s, w->file, w->registry, staged, sizeof(staged)))
		complain(w->file, s.error);
	else if (is_sound(w, staged))
		ret = put_back(w, staged);
	store_unstage(staged);
	if (lock >= 0)
		close(lock);
	return ret;
}

/* What a list says to be revoked must be revoked here; 0 or -errno. */
static int check_list(struct store *s, const struct pki_list *list, struct faults *f, unsigned int *faults)
{
	char fault[256], serial[2 * PKI_SERIAL_LEN + 1];
	struct store_certificate cert;
	size_t i;
	int err;

	for (i = 0; i < list->n; i++) {
		err = store_cert_get(s, list->entries[i].serial, &cert, NULL, NULL);
		if (err && err != -ENOENT)
			return err;
		/* One that ended long ago is forgotten, and an old list still has it. */
		if (err || cert.state == STORE_REVOKED)
			continue;
		pki_serial_text(list->entries[i].serial, serial);
		snprintf(fault, sizeof(fault), "certificate %s of %.63s is on a revocation list, and not revoked here",
			 serial, cert.name);
		on_fault(fault, false, f);
		++*faults;
	}
	return 0;
}

/* Against what the CA has signed; where there is no CA, nothing is said of it. */
static int check_ca(const struct words *w, struct store *s, struct faults *f, unsigned int *faults)
{
	struct pki_list list = { .n = 0 };
	unsigned int bad = 0;
	struct pki_error why;
	uint64_t counted;
	struct pki_ca ca;
	char fault[256];
	int err;

	if (pki_ca_load(w->ca, false, NULL, &ca, &why))
		return 0;
	err = revoked_read(&ca, w->ca, &list, &bad);
	if (!err)
		err = store_crl_last(s, &counted);
	if (!err && list.number > counted) {
		snprintf(fault, sizeof(fault), "it is older than the last revocation list, which has number %llu: "
			 "the server takes over what it lacks when it starts", (unsigned long long)list.number);
		on_fault(fault, false, f);
		++*faults;
	}
	if (!err)
		err = check_list(s, &list, f, faults);
	free(list.entries);
	pki_ca_free(&ca);
	return err;
}

static int check(const struct words *w)
{
	const char *file = w->file ? w->file : w->registry;
	struct faults f = { .json = w->json ? json_array() : NULL, .of = file };
	struct store_summary summary = { .version = 0 };
	unsigned int faults = 0, damage = 0;
	struct store s;
	json_t *json;
	int err = store_look(&s, file);

	if (err) {
		json_decref(f.json);
		return complain(file, s.error);
	}
	err = store_check(&s, on_fault, &f, &faults, &damage);
	/* A backup is older than what was signed since, and is none the worse for it. */
	if (!err && !damage && !w->file)
		err = check_ca(w, &s, &f, &faults);
	if (!err && !damage)
		err = store_summarize(&s, &summary);
	if (err)
		complain(file, s.error);
	store_close(&s);
	if (w->json) {
		json = json_summary_of(file, &summary);
		json_object_set_new(json, "faults", f.json);
		json_print(json);
	} else if (!damage && !err) {
		print_summary(file, &summary);
		if (!faults)
			printf("%s: sound\n", file);
	}
	return err || faults ? EXIT_REFUSED : EXIT_DONE;
}

static const struct verb {
	const char *name;
	bool needs_file;
	int (*run)(const struct words *w);
} verbs[] = {
	{ "backup", true, backup }, { "restore", true, restore }, { "check", false, check },
};

static const struct verb *find_verb(const char *name)
{
	size_t i;

	for (i = 0; i < sizeof(verbs) / sizeof(*verbs); i++)
		if (!strcmp(verbs[i].name, name))
			return &verbs[i];
	return NULL;
}

static int run_registry(const struct command *self, int argc, char **argv)
{
	static const struct option options[] = {
		{ "registry", required_argument, NULL, 'r' }, { "ca", required_argument, NULL, 'c' },
		{ "run", required_argument, NULL, 'n' }, { "json", no_argument, NULL, 'j' },
		{ "help", no_argument, NULL, OPTION_HELP }, { }
	};
	struct words w = { .self = self, .registry = STORE_PATH, .ca = PKI_CA_DIR, .run = SERVE_RUN };
	const struct verb *verb;
	int o;

	while ((o = next_option(self, argc, argv, options)) != -1) {
		if (o == OPTION_HELP)
			return EXIT_DONE;
		if (o == OPTION_ERROR)
			return EXIT_USAGE;
		if (o == 'r')
			w.registry = optarg;
		else if (o == 'c')
			w.ca = optarg;
		else if (o == 'n')
			w.run = optarg;
		w.json |= o == 'j';
	}
	if (optind == argc)
		return usage_error(self, "backup, restore or check?", NULL);
	verb = find_verb(argv[optind]);
	if (!verb)
		return usage_error(self, "no such verb", argv[optind]);
	if (argc > optind + 2)
		return usage_error(self, "too many words", argv[optind + 2]);
	w.file = argv[optind + 1];
	if (verb->needs_file && !w.file)
		return usage_error(self, "a file is missing", NULL);
	return verb->run(&w);
}

const struct command cmd_registry = {
	"registry", "Copy the registry, put a copy back, look whether it is sound",
	"registry backup FILE [--registry FILE] [--json]\n"
	"registry restore FILE [--registry FILE] [--ca DIR] [--run DIR] [--json]\n"
	"registry check [FILE] [--registry FILE] [--ca DIR] [--json]",
	"backup     all of it as it is at one moment, while the server runs; the copy is checked\n"
	"restore    while no server runs: what was revoked since stays revoked, tokens of the backup\n"
	"           are withdrawn, certificates issued since are adopted; what was there is kept\n"
	"check      is the file sound, and does what it says fit together; exit status 1, it does not\n\n"
	"  --registry FILE  instead of /var/lib/cordon/registry.db\n"
	"  --ca DIR         of the CA, instead of /var/lib/cordon/ca\n"
	"  --run DIR        of the server, instead of /run/cordon\n"
	"  --json           print JSON\n",
	run_registry
};
