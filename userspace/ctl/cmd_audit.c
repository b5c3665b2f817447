// SPDX-License-Identifier: GPL-2.0
/* audit: who did what when, and whether the log that says so is as it was written. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "audit/audit.h"
#include "ctl/ctl.h"
#include "lib/utf8.h"

#define WHEN	19	/* columns of the table */
#define WHO	9
#define FROM	15
#define RESULT	8
#define MORE	(WHEN + 1)	/* where a line goes on */
#define WIDTH	80
#define COLUMN_MAX	64	/* bytes of a column that are shown */

/**
 * struct want - which lines, and how
 * @since: RFC 3339, UTC, without milliseconds; empty, all
 * @device: that are of it; NULL, of any
 * @json: as they are
 * @verify: hold the chain against itself
 * @files: only these
 * @n_files: how many; 0, the gateway's log
 * @ended: numbers of lines that say that a command began, of which another one tells how it ended
 * @n_ended: how many
 * @room: of @ended
 * @printed: the heading was
 */
struct want {
	char since[POLICY_TIME_LEN];
	const char *device;
	bool json;
	bool verify;
	char **files;
	size_t n_files;
	uint64_t *ended;
	size_t n_ended;
	size_t room;
	bool printed;
};

static const char *text_of(const json_t *json, const char *key)
{
	const char *text = json_string_value(json_object_get(json, key));

	return text ? text : "";
}

static bool is_about(const json_t *line, const char *device)
{
	const json_t *words = json_object_get(line, "what");
	size_t i;

	if (!device || !strcasecmp(text_of(line, "device"), device))
		return true;
	for (i = 1; i < json_array_size(words); i++)
		if (!strcasecmp(json_string_value(json_array_get(words, i)) ? : "", device))
			return true;
	return false;
}

static bool is_wanted(const struct want *w, const json_t *line)
{
	return strncmp(text_of(line, "time"), w->since, strcspn(w->since, "Z")) >= 0 && is_about(line, w->device);
}

/* What it says may be anything: a terminal is not to be told what to do. */
static void add_plain(FILE *out, const char *text)
{
	u32 code;
	size_t n;

	for (; *text; text += n) {
		n = utf8_next(text, &code);
		if (code == UTF8_REPLACEMENT || utf8_is_hidden(code))
			fputc('?', out);
		else
			fwrite(text, 1, n, out);
	}
}

/* A column of the table; what is wider goes on. */
static int print_column(int width, const char *text)
{
	char buf[COLUMN_MAX + 1] = "";
	FILE *out = fmemopen(buf, sizeof(buf), "w");

	if (out) {
		add_plain(out, text);
		fclose(out);
	}
	return printf("%-*s ", width, buf);
}

static void add_pair(FILE *out, const json_t *line, const char *key)
{
	const json_t *value = json_object_get(line, key);

	if (json_is_integer(value))
		fprintf(out, ", %s %lld", key, (long long)json_integer_value(value));
	else if (*text_of(line, key)) {
		fprintf(out, ", %s ", key);
		add_plain(out, text_of(line, key));
	}
}

/* What was done, in one line; free(). */
static char *what_of(const json_t *line)
{
	static const char * const keys[] = {
		"device", "serial", "replaces", "reason", "count", "seconds", "lost", "kept", "why",
	};
	const json_t *words = json_object_get(line, "what");
	char *text = NULL;
	size_t len = 0, i;
	FILE *out = open_memstream(&text, &len);

	if (!out)
		return NULL;
	for (i = 0; i < json_array_size(words); i++) {
		if (i)
			fputc(' ', out);
		add_plain(out, json_string_value(json_array_get(words, i)) ? : "?");
	}
	for (i = 0; i < sizeof(keys) / sizeof(*keys); i++)
		add_pair(out, line, keys[i]);
	fclose(out);
	return text;
}

static const char *who_of(const json_t *line, char buf[24])
{
	const json_t *who = json_object_get(line, "who");
	const char *name = *text_of(who, "process") ? text_of(who, "process") : *text_of(who, "operator") ?
			   text_of(who, "operator") : text_of(who, "user");

	snprintf(buf, 24, "%lld", (long long)json_integer_value(json_object_get(who, "uid")));
	return *name ? name : buf;
}

static const char *from_of(const json_t *line)
{
	static const char * const keys[] = { "peer", "ssh", "tty", "unit" };
	const json_t *from = json_object_get(line, "from");
	size_t i;

	for (i = 0; i < sizeof(keys) / sizeof(*keys); i++)
		if (*text_of(from, keys[i]))
			return text_of(from, keys[i]);
	return "-";
}

/* Broken at blanks; what does not fit goes on below, where there is more room. */
static void print_what(const char *text, int at)
{
	size_t room = at < WIDTH ? WIDTH - at : 0, n;

	while (strlen(text) > room) {
		for (n = room; n && text[n] != ' '; n--)
			;
		/* A word that is longer than a line stands by itself. */
		if (!n && room == WIDTH - MORE)
			n = strcspn(text, " ");
		printf("%.*s", (int)n, text);
		text += n;
		text += strspn(text, " ");
		room = WIDTH - MORE;
		if (*text)
			printf("\n%*s", MORE, "");
	}
	puts(text);
}

static void print_line(struct want *w, const json_t *line)
{
	const char *result = text_of(line, "result");
	char when[WHEN + 1], buf[24], *what = what_of(line);
	int n;

	if (!w->printed)
		printf("%-*s %-*s %-*s %-*s %s\n", WHEN, "TIME (UTC)", WHO, "WHO", FROM, "FROM", RESULT, "RESULT",
		       "WHAT");
	w->printed = true;
	snprintf(when, sizeof(when), "%s", text_of(line, "time"));
	if (strlen(when) > 10)
		when[10] = ' ';
	n = print_column(WHEN, when) + print_column(WHO, who_of(line, buf)) + print_column(FROM, from_of(line)) +
	    print_column(RESULT, strcmp(result, "begun") ? result : "began");
	print_what(what ? what : "?", n);
	free(what);
}

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

/* First, which commands have ended. */
static int note_ended(const char *text, size_t len, void *arg)
{
	struct want *w = arg;
	json_t *line = json_loadb(text, len, 0, NULL);
	json_int_t begun = json_integer_value(json_object_get(line, "begun"));
	uint64_t *more;

	json_decref(line);
	if (begun <= 0)
		return 0;
	if (w->n_ended == w->room) {
		w->room = w->room ? 2 * w->room : 256;
		more = reallocarray(w->ended, w->room, sizeof(*more));
		if (!more)
			return -ENOMEM;
		w->ended = more;
	}
	w->ended[w->n_ended++] = begun;
	return 0;
}

static int show_line(const char *text, size_t len, void *arg)
{
	struct want *w = arg;
	json_t *line = json_loadb(text, len, 0, NULL);
	uint64_t seq = audit_seq(line);

	if (!seq && !w->json && len)
		puts("(a line that is none: see --verify)");
	if (seq && is_wanted(w, line)) {
		if (w->json)
			printf("%.*s\n", (int)len, text);
		else if (strcmp(text_of(line, "result"), "begun") != 0 ||
			 !bsearch(&seq, w->ended, w->n_ended, sizeof(seq), compare))
			print_line(w, line);
	}
	json_decref(line);
	return 0;
}

static int read_all(struct want *w, int (*each)(const char *line, size_t len, void *arg))
{
	struct audit_reader r = { .each = each, .arg = w };
	int err = w->n_files ? audit_read_files(&r, w->files, w->n_files) : audit_read(&r, audit_path());

	if (!err)
		return EXIT_DONE;
	return complain("audit", r.error[0] ? r.error : strerror(-err));
}

static int show(struct want *w)
{
	int ret = w->json ? EXIT_DONE : read_all(w, note_ended);

	if (w->n_ended)
		qsort(w->ended, w->n_ended, sizeof(*w->ended), compare);
	if (!ret)
		ret = read_all(w, show_line);
	free(w->ended);
	return ret;
}

static const char *name_of(enum audit_what what)
{
	static const char * const names[] = {
		[AUDIT_MISSING] = "missing", [AUDIT_CUT] = "cut", [AUDIT_CHANGED] = "changed",
		[AUDIT_UNVOUCHED] = "unvouched", [AUDIT_MISPLACED] = "misplaced", [AUDIT_FOREIGN] = "foreign",
		[AUDIT_NO_HEAD] = "no_head", [AUDIT_BROKEN] = "broken", [AUDIT_DROPPED] = "rotated_out",
	};

	return names[what];
}

static void print_range(const struct audit_finding *f, const char *where)
{
	if (f->from == f->to)
		printf("line %" PRIu64 " is missing%s\n", f->from, where);
	else
		printf("lines %" PRIu64 " to %" PRIu64 " are missing%s\n", f->from, f->to, where);
}

static void print_finding(const struct audit_finding *f)
{
	switch (f->what) {
	case AUDIT_MISSING:
		print_range(f, "");
		break;
	case AUDIT_CUT:
		print_range(f, " at the end");
		break;
	case AUDIT_CHANGED:
		printf("line %" PRIu64 " was changed\n", f->from);
		break;
	case AUDIT_UNVOUCHED:
		printf("line %" PRIu64 " may have been changed, as the next one was, which has its hash\n", f->from);
		break;
	case AUDIT_MISPLACED:
		printf("line %" PRIu64 " stands where it does not belong\n", f->from);
		break;
	case AUDIT_FOREIGN:
		printf("after line %" PRIu64 " stands something that is no line\n", f->from);
		break;
	case AUDIT_NO_HEAD:
		puts("audit.head is missing: whether lines were cut off at the end cannot be seen");
		break;
	case AUDIT_BROKEN:
		printf("note: after line %" PRIu64 " writing broke off in the middle of a line\n", f->from);
		break;
	case AUDIT_DROPPED:
		printf("note: lines up to %" PRIu64 " are gone with old files, by rotation\n", f->to);
		break;
	}
}

static void on_finding(const struct audit_finding *f, void *arg)
{
	json_t *list = arg, *one;

	if (!list) {
		print_finding(f);
		return;
	}
	one = json_pack("{s:s,s:b}", "what", name_of(f->what), "fault", audit_is_fault(f->what));
	if (f->from)
		json_object_set_new(one, "line", json_count(f->from));
	if (f->to)
		json_object_set_new(one, "to", json_count(f->to));
	json_array_append_new(list, one);
}

static int verify(const struct want *w)
{
	json_t *list = w->json ? json_array() : NULL;
	struct audit_verifier v = {
		.path = audit_path(), .files = w->n_files ? w->files : NULL, .n_files = w->n_files,
		.found = on_finding, .arg = list,
	};
	struct audit_verified out;

	if (audit_verify(&v, &out)) {
		json_decref(list);
		return complain("audit", v.error);
	}
	if (w->json)
		json_print(json_pack("{s:o,s:o,s:o,s:o}", "lines", json_count(out.lines), "first",
				     json_count(out.first), "last", json_count(out.last), "findings", list));
	else if (!out.faults)
		printf("%zu lines, %" PRIu64 " to %" PRIu64 ": as they were written\n", out.lines, out.first, out.last);
	return out.faults ? EXIT_REFUSED : EXIT_DONE;
}

/* 7d, 2026-01-02, or 2026-01-02T03:04[:05][Z]. */
static bool take_since(struct want *w, const char *word)
{
	static const char * const forms[] = { "%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M:%S" };
	const char *end;
	struct tm tm;
	u32 seconds;
	size_t i;

	if (!policy_duration_parse(word, &seconds)) {
		policy_time_text(time(NULL) - seconds, w->since);
		return true;
	}
	for (i = 0; i < sizeof(forms) / sizeof(*forms); i++) {
		memset(&tm, 0, sizeof(tm));
		end = strptime(word, forms[i], &tm);
		if (!end || strcmp(end + (*end == 'Z'), "") != 0)
			continue;
		policy_time_text(timegm(&tm), w->since);
		return true;
	}
	return false;
}

static int run_audit(const struct command *self, int argc, char **argv)
{
	static const struct option options[] = {
		{ "since", required_argument, NULL, 's' }, { "device", required_argument, NULL, 'd' },
		{ "verify", no_argument, NULL, 'v' }, { "json", no_argument, NULL, 'j' },
		{ "help", no_argument, NULL, OPTION_HELP }, { }
	};
	struct want w = { .since = "" };
	int o;

	while ((o = next_option(self, argc, argv, options)) != -1) {
		if (o == OPTION_HELP)
			return EXIT_DONE;
		if (o == OPTION_ERROR)
			return EXIT_USAGE;
		if (o == 's' && !take_since(&w, optarg))
			return usage_error(self, "neither a duration, as 7d, nor a time, as 2026-01-02T03:04:05Z", optarg);
		if (o == 'd')
			w.device = optarg;
		w.json |= o == 'j';
		w.verify |= o == 'v';
	}
	if (w.verify && (w.since[0] || w.device))
		return usage_error(self, "--verify looks at every line: not with --since or --device", NULL);
	w.files = argv + optind;
	w.n_files = argc - optind;
	return w.verify ? verify(&w) : show(&w);
}

const struct command cmd_audit = {
	"audit", "Say who changed what, when and from where; verify the log that says so",
	"audit [--since WHEN] [--device DEVICE] [--json] [FILE...]\n"
	"audit --verify [--json] [FILE...]",
	"FILE: of the log, in the order of their lines; else all of " AUDIT_PATH ".\n\n"
	"  --since WHEN     7d, 2026-01-02 or 2026-01-02T03:04:05Z (UTC)\n"
	"  --device DEVICE  only what names that device\n"
	"  --verify         name each line that was removed or changed; exit status 1, one was\n"
	"  --json           lines as they are; of --verify, an object\n",
	run_audit
};
