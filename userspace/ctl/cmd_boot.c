// SPDX-License-Identifier: GPL-2.0
/* boot: the module, the policy and the state, put in force at once; and nothing is forwarded before. */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "ctl/ctl.h"
#include "lib/file.h"
#include "lib/machine.h"
#include "lib/yaml.h"
#include "state/state.h"

#define OFF	"cordon.off"

/**
 * struct boot - a start under way
 * @file: the policy
 * @dir: of what is kept
 * @open: without a policy in force the gateway forwards, as if there were no Cordon
 * @reload: the module that is loaded is to be replaced
 * @lock: on @dir
 * @failed: something went wrong; the exit status says so
 */
struct boot {
	const char *file;
	const char *dir;
	bool open;
	bool reload;
	int lock;
	bool failed;
};

/* Standard error is the journal's, not a file's or a terminal's, see systemd.exec(5). */
static bool is_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	char here[64];
	struct stat st;

	if (!stream || fstat(STDERR_FILENO, &st))
		return false;
	snprintf(here, sizeof(here), "%llu:%llu", (unsigned long long)st.st_dev, (unsigned long long)st.st_ino);
	return !strcmp(stream, here);
}

/* In the journal with a priority. */
__attribute__((format(printf, 2, 3)))
static void say(int priority, const char *fmt, ...)
{
	va_list args;

	if (is_journal())
		fprintf(stderr, "<%d>", priority);
	fputs("cordonctl: boot: ", stderr);
	va_start(args, fmt);
	vfprintf(stderr, fmt, args);
	va_end(args);
	fputc('\n', stderr);
}

enum { CRITICAL = 2, ERROR = 3, WARNING = 4, NOTICE = 5 };

/* One of the words that the kernel was started with. */
static bool is_off(void)
{
	char *line = NULL, *word, *at;
	bool off = false;
	size_t len;

	if (file_read("/proc/cmdline", 64 << 10, &line, &len))
		return false;
	for (word = strtok_r(line, " \n", &at); word; word = strtok_r(NULL, " \n", &at))
		off |= !strcmp(word, OFF) || !strcmp(word, OFF "=1");
	free(line);
	return off;
}

/* The state, if it can be had: what cannot be read is told, and the gateway is guarded without it. */
static struct state *read_state(struct boot *b)
{
	char *path = kept_path(b->dir, "state");
	char *aside = kept_path(b->dir, "state.unreadable");
	struct state *s = NULL;
	int err = path && aside ? state_load(path, &s, stderr) : -ENOMEM;

	if (err && err != -ENOENT) {
		say(CRITICAL, "the state cannot be read: quarantines and leases are NOT restored; it is in %s/%s",
		    b->dir, aside && !rename(path, aside) ? "state.unreadable" : "state");
		b->failed = true;
	}
	free(path);
	free(aside);
	return s;
}

/* What was changed at run time; where it does not fit, the policy as it is in the file. */
static struct policy *with_changes(const struct boot *b, struct policy *p, const struct state *s,
				   const char *path)
{
	struct policy *base, *again = NULL;
	int err;

	if (!s)
		return p;
	base = kept_last_good(b->dir, stderr);
	err = state_overlay(p, base, s, stderr);
	policy_free(base);
	if (!err)
		return p;
	say(ERROR, "devices that were added or changed at run time are left out");
	policy_free(p);
	return policy_load(path, &again, stderr) ? NULL : again;
}

/* What of the state the policy begins with; freed with begin_free(). Return: 0 or -errno. */
static int find_begin(const struct policy *p, const struct state *s, struct cnl_begin *begin)
{
	int64_t now = time(NULL);
	bool clock;
	int err;

	*begin = (struct cnl_begin){ .starts = NULL };
	if (!s)
		return 0;
	clock = state_clock_is_right(s, now);
	if (!clock)
		say(WARNING, "the clock cannot be relied on: no lease is restored, devices check in again; "
		    "learned addresses have as long as when they were saved");
	err = state_starts(p, s, now, clock, &begin->starts, stderr);
	if (!err)
		err = state_bindings(p, s, now, clock, begin);
	return err ? err : state_destinations(p, s, now, clock, begin);
}

static void begin_free(struct cnl_begin *begin)
{
	free(begin->starts);
	free(begin->bindings);
	free(begin->destinations);
}

/* A policy with the state, at one stroke. */
static int commit(struct cnl *nl, const struct policy *p, const struct state *s, const char *path)
{
	struct cnl_begin begin;
	struct cnl_summary in;
	u32 generation;
	int ret = EXIT_REFUSED;

	if (find_begin(p, s, &begin))
		say(ERROR, "the state cannot be restored: out of memory");
	else if (cnl_summary(nl, &in) ||
		 cnl_commit(nl, p, &begin, in.generation, 0, &generation, NULL))
		say(ERROR, "%s: the kernel refuses it: %s", path, nl->error);
	else
		ret = EXIT_DONE;
	if (!ret)
		say(NOTICE, "%s: generation %u is in force, %u devices", path, generation, p->draft.n_devices);
	begin_free(&begin);
	return ret;
}

static void keep(struct boot *b, const char *text)
{
	int err = kept_policy_text(b->dir, text);

	if (!err)
		return;
	say(ERROR, "%s: the policy cannot be kept for the next start: %s", b->dir, strerror(-err));
	b->failed = true;
}

static int put_in_force(struct boot *b, struct cnl *nl, const struct state *s, const char *path,
			bool last_good)
{
	struct policy *p = NULL;
	char *text;
	int ret;

	if (policy_load(path, &p, stderr))
		return EXIT_REFUSED;
	if (!last_good && kept_is_unconfirmed(b->dir, p)) {
		say(ERROR, "%s: was being applied when it ended, and never confirmed: apply it again", path);
		policy_free(p);
		return EXIT_REFUSED;
	}
	machine_compare(p, path, stderr);
	text = kept_text(p);
	p = with_changes(b, p, s, path);
	ret = p && text ? commit(nl, p, s, path) : EXIT_REFUSED;
	policy_free(p);
	if (!ret && !last_good)
		keep(b, text);
	free(text);
	return ret;
}

static int put_last_good(struct boot *b, struct cnl *nl, const struct state *s)
{
	char *path = kept_path(b->dir, "policy.yaml");
	int ret = EXIT_REFUSED;

	if (path && !access(path, F_OK))
		ret = put_in_force(b, nl, s, path, true);
	if (!ret)
		say(CRITICAL, "%s is not in force: the last good policy, %s, is", b->file, path);
	free(path);
	return ret;
}

/* Return: EXIT_DONE, a policy is in force, the one that was asked for or the last good one. */
static int guard(struct boot *b, struct cnl *nl)
{
	struct state *s = read_state(b);
	int ret = put_in_force(b, nl, s, b->file, false);

	if (ret) {
		b->failed = true;
		ret = put_last_good(b, nl, s);
	}
	state_free(s);
	/* What could not be restored is gone from now on: the file holds what is. */
	if (!ret && keep_state(nl, b->dir)) {
		say(ERROR, "the state cannot be saved: %s", nl->error);
		b->failed = true;
	}
	return ret;
}

/* A policy that is in force already knows better than the file what devices are. */
static void save_before(struct boot *b)
{
	struct cnl nl;

	if (!policy_in_force() || cnl_open(&nl))
		return;
	if (keep_state(&nl, b->dir)) {
		say(ERROR, "the state cannot be saved: %s", nl.error);
		b->failed = true;
	}
	cnl_close(&nl);
}

/* While a policy is in force, nothing passes that it does not let pass: no table is needed. */
static void close_forwarding(struct boot *b)
{
	if ((policy_in_force() && !b->reload) || !closed_install())
		return;
	say(ERROR, "nothing keeps packets from being forwarded until the module is loaded");
	b->failed |= !b->open;
}

static void give_up(const struct boot *b)
{
	if (policy_in_force()) {
		say(ERROR, "what was in force before stays in force");
	} else if (b->open) {
		say(CRITICAL, "NOTHING IS GUARDED (FAIL=open): everything is forwarded");
		if (module_is_loaded())
			module_unload();
		closed_remove();
	} else {
		say(CRITICAL, "no policy is in force, and nothing is forwarded (FAIL=closed); mend it, then call "
		    "'cordonctl boot' or 'systemctl restart cordon'");
	}
}

/* Return: EXIT_DONE, a policy is in force. */
static int load_and_guard(struct boot *b)
{
	struct cnl nl;
	int ret;

	if (b->reload && module_is_loaded() && module_unload()) {
		b->failed = true;
		return policy_in_force() ? EXIT_DONE : EXIT_REFUSED;
	}
	if (module_load("lockdown=1") || !open_kernel(&nl))
		return EXIT_REFUSED;
	ret = guard(b, &nl);
	cnl_close(&nl);
	return ret;
}

static int start(struct boot *b)
{
	int ret;

	b->lock = kept_lock(b->dir);
	if (b->lock < 0) {
		say(ERROR, "%s: %s", b->dir, strerror(-b->lock));
		b->failed = true;
	}
	save_before(b);
	if (!b->reload || !b->failed)
		close_forwarding(b);
	if (b->reload && b->failed) {
		say(ERROR, "the module is not replaced");
		return EXIT_REFUSED;
	}
	ret = load_and_guard(b);
	if (ret)
		give_up(b);
	else if (closed_remove())
		ret = EXIT_REFUSED;
	if (b->lock >= 0)
		close(b->lock);
	return ret || b->failed ? EXIT_REFUSED : EXIT_DONE;
}

/* A misspelt word in /etc/default/cordon must not keep the gateway from being guarded. */
static void take_fail(struct boot *b, const char *word)
{
	b->open = !strcmp(word, "open");
	if (b->open || !strcmp(word, "closed"))
		return;
	say(ERROR, "FAIL is neither open nor closed: '%s'; taken for closed", word);
	b->failed = true;
}

static int take(const struct command *self, struct boot *b, int argc, char **argv)
{
	static const struct option options[] = {
		{ "state", required_argument, NULL, 's' }, { "fail", required_argument, NULL, 'f' },
		{ "help", no_argument, NULL, OPTION_HELP }, { }
	};
	int o;

	while ((o = next_option(self, argc, argv, options)) != -1) {
		if (o == OPTION_HELP || o == OPTION_ERROR)
			return o;
		if (o == 's')
			b->dir = optarg;
		if (o == 'f')
			take_fail(b, optarg);
	}
	if (argc - optind > 1) {
		usage_error(self, "too many words", argv[optind + 1]);
		return OPTION_ERROR;
	}
	b->file = argc > optind ? argv[optind] : POLICY_PATH;
	return 0;
}

static int run(const struct command *self, int argc, char **argv, bool reload)
{
	struct boot b = { .reload = reload, .lock = -1 };
	int o = take(self, &b, argc, argv);

	if (o)
		return o == OPTION_HELP ? EXIT_DONE : EXIT_USAGE;
	b.dir = keep_place(b.dir, true);
	if (!b.dir)
		return EXIT_REFUSED;
	if (is_off()) {
		say(CRITICAL, "NOTHING IS GUARDED: the kernel was started with " OFF);
		return EXIT_REFUSED;
	}
	return start(&b);
}

/**
 * module_reload - module reload: another module, and nothing is forwarded meanwhile
 * @self: the command
 * @argc: its words, "reload" among them
 * @argv: its words
 */
int module_reload(const struct command *self, int argc, char **argv)
{
	return run(self, argc - 1, argv + 1, true);
}

static int run_boot(const struct command *self, int argc, char **argv)
{
	return run(self, argc, argv, false);
}

const struct command cmd_boot = {
	"boot", "Load the module, and put policy and saved state in force at once",
	"boot [FILE] [--state DIR] [--fail closed|open]",
	"FILE is " POLICY_PATH " unless given. Where it no longer validates, the last good\n"
	"policy is put in force, and the exit status is 1. With " OFF " among the words that\n"
	"the kernel was started with, nothing is done.\n\n"
	"  --state DIR    where state and last good policy are kept (" STATE_DIR ")\n"
	"  --fail closed  without a policy in force nothing is forwarded (the default)\n"
	"  --fail open    without one everything is\n", run_boot
};
