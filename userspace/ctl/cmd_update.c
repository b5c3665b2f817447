// SPDX-License-Identifier: GPL-2.0
/* update: a device gets its firmware, and has it installed if it is the right one. */
#include <errno.h>
#include <inttypes.h>
#include <openssl/x509_vfy.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

#include "ctl/remote.h"
#include "device/flat.h"
#include "firmware/update.h"

#define UPDATE_PORT	"8443"
#define TIMEOUT		3600	/* seconds until the artifact is there, where none are given */
#define SILENCE		30000	/* milliseconds */
#define TELL_TIMEOUT	20	/* seconds for what is told, however long all else took */
#define TELL_TRIES	3
#define MIB		1048576

/**
 * struct words - what the command line says, and what is at work
 * @r: server, deadline
 * @dir: of the state
 * @install: the installer and its arguments; NULL behind them
 * @name: of this device
 * @running: version that was installed last, as the state has it
 * @self: what this device knows of itself
 * @anchors: whom to trust
 * @vendor_path: certificates of which one must have signed the artifact, or NULL
 * @vendor: what is in it
 * @state: what this device remembers
 * @m: the offer
 * @shown: when progress was shown last, on tls_clock(); 0, never
 */
struct words {
	struct remote r;
	const char *dir;
	char **install;
	char name[PKI_NAME_LEN];
	char running[FIRMWARE_VERSION_LEN];
	struct firmware_self self;
	STACK_OF(X509) *anchors;
	const char *vendor_path;
	STACK_OF(X509) *vendor;
	struct update_state state;
	struct firmware_manifest m;
	int64_t shown;
};

static const struct option options[] = {
	{ "server", required_argument, NULL, 's' }, { "model", required_argument, NULL, 'm' },
	{ "version", required_argument, NULL, 'v' }, { "state", required_argument, NULL, 'd' },
	{ "vendor-cert", required_argument, NULL, 'V' }, REMOTE_CERT, REMOTE_OPTIONS
};

/* One option; a sentence about what is wrong with it, or NULL. */
static const char *take(struct words *w, int option, char *value)
{
	switch (option) {
	case 's':
		return strncasecmp(value, "https://", 8) ? remote_host(&w->r, value, UPDATE_PORT) :
							   remote_server(&w->r, value);
	case 'm':
		w->self.model = value;
		return firmware_model_is_valid(value) ? NULL : "not the name of a model";
	case 'v':
		w->self.version = value;
		return firmware_version_is_valid(value) ? NULL : "not a version that can be compared";
	case 'd':
		w->dir = value;
		return NULL;
	case 'V':
		w->vendor_path = value;
		return NULL;
	}
	return remote_take(&w->r, option, value);
}

/* What became of it, on standard output. */
static int finish(const struct words *w, int status, const char *result, const char *version, const char *detail)
{
	if (!w->r.json) {
		if (status == EXIT_DONE)
			printf("%s: %s%s%s%s%s\n", w->name, result, version ? ": " : "", version ? version : "",
			       detail ? ": " : "", detail ? detail : "");
		return status;
	}
	fputs("{\"result\": ", stdout);
	flat_put_text(stdout, result);
	fputs(", \"device\": ", stdout);
	flat_put_text(stdout, w->name);
	if (version) {
		fputs(", \"version\": ", stdout);
		flat_put_text(stdout, version);
	}
	if (detail) {
		fputs(", \"detail\": ", stdout);
		flat_put_text(stdout, detail);
	}
	puts("}");
	return status;
}

static int fail(const struct words *w, const char *what, const char *why)
{
	remote_complain(&w->r, what, why);
	return finish(w, EXIT_REFUSED, "failed", w->m.version[0] ? w->m.version : NULL, why);
}

static int save(struct words *w)
{
	struct pki_error why;

	return update_state_save(w->dir, &w->state, &why) ? fail(w, NULL, why.text) : 0;
}

/* False: not now; it stays in the state, and is told next time. What the server does not want is told, too. */
static bool report(struct words *w)
{
	const bool good = w->state.phase == UPDATE_SUCCEEDED;
	struct est *e = &w->r.est;
	enum update_result ret = UPDATE_LATER;
	struct pki_error why;
	int i;

	for (i = 0; i < TELL_TRIES && ret == UPDATE_LATER; i++) {
		if (i)
			sleep(i);
		e->deadline = tls_clock() + TELL_TIMEOUT * 1000;
		ret = update_tell(e, w->state.action, good ? "success" : "failure", w->state.version,
				  w->state.detail);
	}
	w->state.reported = ret != UPDATE_LATER;
	if (ret == UPDATE_LATER || ret == UPDATE_BAD)
		fprintf(stderr, "cordonctl: update: %s: the result could not be told%s: %s\n", w->r.url,
			ret == UPDATE_LATER ? ", which is tried again next time" : "", e->error);
	if (update_state_save(w->dir, &w->state, &why))
		remote_complain(&w->r, NULL, why.text);
	return w->state.reported;
}

static void settle_on(struct words *w, enum update_phase phase, const char *detail)
{
	w->state.phase = phase;
	w->state.reported = false;
	est_plain(w->state.detail, sizeof(w->state.detail), detail);
	if (phase == UPDATE_SUCCEEDED)
		strcpy(w->state.installed, w->state.version);
}

/*
 * An installer that restarted the device, or was cut off by the power: which version runs now tells how it went.
 * Where nobody says which one does, it is installed again.
 */
static void settle(struct words *w)
{
	char detail[UPDATE_DETAIL_LEN];

	if (w->state.phase == UPDATE_INSTALLING && w->self.version) {
		snprintf(detail, sizeof(detail), "after the installation %s runs", w->self.version);
		settle_on(w, firmware_version_compare(w->self.version, w->state.version) ? UPDATE_FAILED :
			  UPDATE_SUCCEEDED, detail);
	}
	if ((w->state.phase == UPDATE_SUCCEEDED || w->state.phase == UPDATE_FAILED) && !w->state.reported)
		report(w);
	strcpy(w->running, w->state.installed);
	if (!w->self.version && w->running[0])
		w->self.version = w->running;
}

static void show_progress(void *arg, uint64_t have, uint64_t all)
{
	struct words *w = arg;
	int64_t now = tls_clock();

	if (now - w->shown < 200 && have != all)
		return;
	w->shown = now;
	fprintf(stderr, "\r%s: %3u %% of %.1f MiB ", w->m.file, (unsigned int)(have * 100 / all), (double)all / MIB);
}

static void show_retry(void *arg, const char *why, long seconds)
{
	struct words *w = arg;

	fprintf(stderr, "%scordonctl: update: %s: %s; trying again in %ld s\n", w->shown ? "\n" : "", w->r.url, why,
		seconds);
	w->shown = 0;
}

/* Of what was signed for somebody else, or long ago, the server need not hear: no offer of today is meant. */
static int refuse(struct words *w, int err, const char *why)
{
	if (err != -ESTALE) {
		w->state.action = w->m.action;
		strcpy(w->state.version, w->m.version);
		settle_on(w, err == -EALREADY ? UPDATE_SUCCEEDED : UPDATE_FAILED, why);
		report(w);
	}
	if (err == -EALREADY)
		return finish(w, EXIT_DONE, "nothing to do", w->m.version, "installed already");
	return fail(w, "the offer is refused", why);
}

static int withdrawn(struct words *w)
{
	w->state.phase = UPDATE_IDLE;
	return save(w) ? EXIT_REFUSED : finish(w, EXIT_DONE, "nothing to do", w->m.version,
					       "the offer was taken back");
}

static int give_up(struct words *w, const char *why)
{
	settle_on(w, UPDATE_FAILED, why);
	report(w);
	return fail(w, NULL, w->state.detail);
}

static int install(struct words *w, const char *path)
{
	struct pki_error why;

	if (update_install(w->dir, w->install, path, &w->state, w->r.json, &why))
		return give_up(w, why.text);
	report(w);
	update_artifact_remove(w->dir);
	if (w->state.phase != UPDATE_SUCCEEDED)
		return fail(w, w->install[0], w->state.detail);
	return finish(w, EXIT_DONE, "updated", w->m.version, NULL);
}

/* The offer is good. It is remembered before anything else, so that an older one is known for what it is. */
static int carry_out(struct words *w)
{
	struct update_download d = {
		.est = &w->r.est, .dir = w->dir, .m = &w->m, .vendor = w->vendor, .retry = show_retry, .arg = w,
		.progress = isatty(STDERR_FILENO) && !w->r.json ? show_progress : NULL,
	};
	enum update_result ret;
	char *path = NULL;
	int status;

	w->state = (struct update_state){ .issued = w->m.issued, .action = w->m.action, .phase = UPDATE_ACCEPTED };
	strcpy(w->state.version, w->m.version);
	if (w->self.version)
		snprintf(w->state.installed, sizeof(w->state.installed), "%s", w->self.version);
	if (save(w))
		return EXIT_REFUSED;
	ret = update_tell(&w->r.est, w->m.action, "running", w->m.version, NULL);
	if (ret != UPDATE_WITHDRAWN)
		ret = update_download(&d, &path);
	if (w->shown)
		fputc('\n', stderr);
	if (ret == UPDATE_WITHDRAWN)
		return withdrawn(w);
	if (ret == UPDATE_LATER)
		return fail(w, w->r.url, w->r.est.error);
	status = ret == UPDATE_DONE ? install(w, path) : give_up(w, w->r.est.error);
	free(path);
	return status;
}

static int ask(struct words *w)
{
	struct update_offer offer = { };
	struct pki_error why = { "" };
	time_t now = time(NULL);
	enum update_result ret;
	int err;

	ret = update_ask(&w->r.est, &offer);
	if (ret == UPDATE_NOTHING)
		return finish(w, EXIT_DONE, "nothing to do", NULL, NULL);
	if (ret != UPDATE_DONE)
		return fail(w, w->r.url, w->r.est.error);
	w->self.device = w->name;
	w->self.issued = w->state.issued;
	err = firmware_manifest_open(offer.json, offer.len, offer.der, offer.der_len, w->anchors, now, &w->m, &why);
	free(offer.json);
	free(offer.der);
	if (err)
		return fail(w, "the offer is refused", why.text);
	err = firmware_manifest_check(&w->m, &w->self, now, &why);
	return err ? refuse(w, err, why.text) : carry_out(w);
}

static int with_state(struct words *w)
{
	int64_t deadline = w->r.est.deadline;
	struct pki_error why = { "" };
	int lock, status;

	lock = update_dir_open(w->dir, &why);
	if (lock < 0)
		return fail(w, NULL, why.text);
	if (update_state_load(w->dir, &w->state, &why)) {
		status = fail(w, NULL, why.text);
	} else {
		settle(w);
		w->r.est.deadline = deadline;
		status = ask(w);
	}
	close(lock);
	return status;
}

/* All certificates of a file; NULL with @error. */
static STACK_OF(X509) *load_certs(const char *path, char error[IDENTITY_ERROR_LEN])
{
	X509_STORE *store = identity_trust_load(path, error);
	STACK_OF(X509) *certs = store ? X509_STORE_get1_all_certs(store) : NULL;

	if (store && !certs)
		strcpy(error, "out of memory");
	X509_STORE_free(store);
	return certs;
}

static int update(struct words *w)
{
	struct identity id = { .key_path = w->r.key, .cert_path = w->r.cert, .lock = -1 };
	struct est *e = &w->r.est;
	struct pki_error why = { "" };
	int status = EXIT_REFUSED;
	uint8_t mac[6];

	if (identity_load(&id)) {
		remote_complain(&w->r, NULL, id.error);
		goto out;
	}
	if (pki_identity(id.cert, w->name, mac, &why)) {
		remote_complain(&w->r, w->r.cert, why.text);
		goto out;
	}
	if (w->vendor_path)
		w->vendor = load_certs(w->vendor_path, id.error);
	if (w->vendor_path && !w->vendor) {
		remote_complain(&w->r, NULL, id.error);
		goto out;
	}
	e->cert = id.cert;
	e->key = id.key;
	e->trust = identity_trust_load(w->r.ca, id.error);
	w->anchors = e->trust ? X509_STORE_get1_all_certs(e->trust) : NULL;
	if (w->anchors)
		status = with_state(w);
	else
		remote_complain(&w->r, NULL, e->trust ? "out of memory" : id.error);
out:
	sk_X509_pop_free(w->vendor, X509_free);
	sk_X509_pop_free(w->anchors, X509_free);
	identity_free(&id);
	return status;
}

/* What stands behind --install is the installer's, options as well. */
static int find_install(int argc, char **argv)
{
	int i;

	for (i = 1; i < argc; i++)
		if (!strcmp(argv[i], "--install"))
			return i;
	return argc;
}

static int run_update(const struct command *self, int argc, char **argv)
{
	int words = find_install(argc, argv), o, ret;
	struct words w = { .install = argv + words + (words < argc) };
	const char *problem;

	remote_init(&w.r, self);
	w.r.est.deadline = tls_clock() + TIMEOUT * 1000;
	w.r.est.idle = SILENCE;
	while ((o = next_option(self, words, argv, options)) != -1) {
		if (o == OPTION_HELP || o == OPTION_ERROR)
			return o == OPTION_HELP ? EXIT_DONE : EXIT_USAGE;
		problem = take(&w, o, optarg);
		if (problem)
			return usage_error(self, problem, optarg);
	}
	if (optind < words)
		return usage_error(self, "too many words before --install", argv[optind]);
	if (!w.r.url[0] || !w.r.cert || !w.r.key || !w.r.ca || !w.self.model || !w.dir)
		return usage_error(self, "--server, --cert, --key, --ca, --model and --state are needed", NULL);
	if (!w.install[0])
		return usage_error(self, "--install and a program are needed, behind all else", NULL);
	if (!strchr(w.install[0], '/'))
		return usage_error(self, "an installer is named by its path, with a '/' in it", w.install[0]);
	ret = update(&w);
	remote_free(&w.r);
	return ret;
}

const struct command cmd_update = {
	"update", "Get this device its firmware, verify it, and have it installed",
	"update --server HOST[:PORT] --cert FILE --key FILE --ca FILE --model MODEL --state DIR [OPTION...]"
	" --install PROGRAM [ARGUMENT...]",
	"On the device. The program is run, without a shell, only if the offer is signed by the gateway's CA,\n"
	"for this device and model, newer than what runs, and the artifact is the one of the offer. Its last\n"
	"argument is the artifact's path, which is also in CORDON_ARTIFACT; the version is in CORDON_VERSION.\n"
	"What breaks off is continued by the next call. Exit status 0 when there was nothing to do, too.\n\n"
	"  --server HOST[:PORT] the gateway (default port 8443)\n"
	"  --cert FILE          the device's certificate, PEM\n"
	"  --key FILE           its key, PEM\n"
	"  --ca FILE            whom to trust: root certificate of the gateway, PEM\n"
	"  --vendor-cert FILE   the artifact must be signed by the vendor, too: one of these certificates, PEM\n"
	"  --model MODEL        which this device is, as in the gateway's policy\n"
	"  --version VERSION    which runs; without it, the one that was installed last\n"
	"  --state DIR          what has come so far, and what is remembered; this device's alone\n"
	"  --timeout DURATION   until the artifact is there (default 1h); the installer has no limit\n"
	"  --json               print the result as JSON\n"
	"  --install PROGRAM    by its path; all that follows is its own\n",
	run_update
};
