// SPDX-License-Identifier: GPL-2.0
/* The history as people read it: lines of blocks, and a line for each thing that happened. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/ctl.h"
#include "ctl/history_text.h"
#include "event/event.h"

#define CELLS	60	/* of a sparkline */

/* What others said, such as the name of a server: what is not printable ASCII is a question mark. */
static void put(const char *text)
{
	for (; *text; text++)
		putchar(*text >= ' ' && *text < 0x7f ? *text : '?');
}

static const char *text_of(const struct history_row *row, const char *name)
{
	const struct history_value *v = history_value(row, name);

	return v && v->text ? v->text : "";
}

static int64_t number_of(const struct history_row *row, const char *name)
{
	const struct history_value *v = history_value(row, name);

	return v ? v->number : 0;
}

static void put_time(time_t at)
{
	char text[32] = "?";
	struct tm tm;

	if (localtime_r(&at, &tm))
		strftime(text, sizeof(text), "%F %T", &tm);
	printf("  %s  ", text);
}

/** history_text_head - what it is of */
void history_text_head(const struct history_question *q)
{
	char ago[PEOPLE_LEN];

	if (q->scope.device >= 0) {
		put(q->device.name);
		printf(" (%s), ", q->device.mac);
		if (q->device.segment[0])
			put(q->device.segment);
		else
			fputs("in no policy", stdout);
	} else if (q->scope.segment) {
		fputs("segment ", stdout);
		put(q->scope.segment);
	} else {
		fputs("the gateway", stdout);
	}
	printf(", the last %s\n", people_time(q->now - q->scope.since, ago));
}

enum line { FROM, TO, DENIED, ANOMALIES, LINES };

/**
 * struct lines - series on their way to be printed
 * @q: what is asked for
 * @cells: bytes or counts of each part of the time
 * @sums: of all
 */
struct lines {
	const struct history_question *q;
	u64 cells[LINES][CELLS];
	u64 sums[LINES];
};

static int add_series(const struct history_row *row, void *arg)
{
	static const char *const names[LINES] = { "rx_bytes", "tx_bytes", "denied", "anomalies" };
	struct lines *l = arg;
	const struct history_scope *s = &l->q->scope;
	int64_t at = number_of(row, "at") + s->step / 2 - s->since, whole = l->q->now - s->since;
	int64_t cell = whole > 0 ? at * CELLS / whole : 0;
	int i;

	cell = cell < 0 ? 0 : cell >= CELLS ? CELLS - 1 : cell;
	for (i = 0; i < LINES; i++) {
		l->cells[i][cell] += number_of(row, names[i]);
		l->sums[i] += number_of(row, names[i]);
	}
	return 0;
}

static void put_line(const u64 cells[CELLS])
{
	static const char *const blocks[] = { " ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█" };
	static const char *const ascii[] = { " ", ".", ".", ":", ":", "|", "|", "#", "#" };
	const bool utf8 = terminal_is_utf8();
	u64 most = 0;
	int i, level;

	for (i = 0; i < CELLS; i++)
		most = cells[i] > most ? cells[i] : most;
	for (i = 0; i < CELLS; i++) {
		level = most && cells[i] ? 1 + (int)(7 * ((double)cells[i] / (double)most)) : 0;
		fputs(utf8 ? blocks[level] : ascii[level], stdout);
	}
}

/* The lines are for a terminal; a file gets the sums. */
static int print_series(struct history *h, const struct history_question *q)
{
	static const char *const names[LINES] = { "from", "to", "denied", "anomalies" };
	struct lines *l = calloc(1, sizeof(*l));
	char number[PEOPLE_LEN];
	int err, i;

	if (!l)
		return -ENOMEM;
	l->q = q;
	err = history_read(h, HISTORY_SERIES, &q->scope, add_series, l);
	for (i = 0; !err && i < LINES; i++) {
		printf("  %-9s ", names[i]);
		if (terminal_is()) {
			putchar('|');
			put_line(l->cells[i]);
			fputs("| ", stdout);
		}
		printf("%s%s\n", people_number(l->sums[i], false, number), i <= TO ? " bytes" : "");
	}
	free(l);
	return err;
}

/**
 * struct rows - of one kind, on their way to be printed
 * @q: what is asked for
 * @title: printed before the first
 * @print: prints one
 * @n: how many were
 */
struct rows {
	const struct history_question *q;
	const char *title;
	void (*print)(const struct history_row *row, const struct history_question *q);
	unsigned int n;
};

static void put_device(const struct history_row *row, const struct history_question *q)
{
	if (q->scope.device >= 0)
		return;
	put(text_of(row, "device"));
	fputs(": ", stdout);
}

static void put_service(const struct history_row *row)
{
	char service[EVENT_SERVICE_LEN];

	put(text_of(row, "source"));
	fputs(" -> ", stdout);
	put(text_of(row, "destination"));
	printf(" %s", event_service_text(number_of(row, "protocol"), number_of(row, "dport"), service));
}

static void put_named(const char *before, const struct history_row *row, const char *name)
{
	const char *text = text_of(row, name);

	if (!*text)
		return;
	fputs(before, stdout);
	put(text);
}

static void print_state(const struct history_row *row, const struct history_question *q)
{
	put_time(number_of(row, "at"));
	put_device(row, q);
	put(text_of(row, "state"));
	put_named(", in ", row, "segment");
	put_named(": ", row, "why");
	putchar('\n');
}

static void print_episode(const struct history_row *row, const struct history_question *q)
{
	int64_t last = number_of(row, "last"), first = number_of(row, "first");
	char lasted[PEOPLE_LEN];

	put_time(first);
	printf("#%lld ", (long long)number_of(row, "id"));
	put_device(row, q);
	put(text_of(row, "kind"));
	printf(", %lld times in %s", (long long)number_of(row, "count"), people_time(last > first ? last - first : 0, lasted));
	if (*text_of(row, "source")) {
		fputs(", first ", stdout);
		put_service(row);
	}
	put_named(", server ", row, "server");
	put_named(", ", row, "tls");
	put_named(", on ", row, "interface");
	put_named(", action ", row, "action");
	put_named(", seen by ", row, "acknowledged_by");
	if (q->now - last < HISTORY_QUIET)
		fputs(", goes on", stdout);
	putchar('\n');
}

static void print_denial(const struct history_row *row, const struct history_question *q)
{
	put_time(number_of(row, "last"));
	put_device(row, q);
	put(text_of(row, "kind"));
	fputs(", ", stdout);
	put_service(row);
	put_named(", ", row, "from");
	put_named(" -> ", row, "to");
	printf(", %lld times", (long long)number_of(row, "count"));
	put_named("; allowed by ", row, "rule");
	putchar('\n');
}

static void print_peer(const struct history_row *row, const struct history_question *q)
{
	char service[EVENT_SERVICE_LEN];

	(void)q;
	put_time(number_of(row, "last"));
	printf("%s ", number_of(row, "opened") ? "to" : "from");
	put(text_of(row, "peer"));
	printf(" %s", event_service_text(number_of(row, "protocol"), number_of(row, "dport"), service));
	put_named(", in ", row, "segment");
	printf(", %lld connections\n", (long long)number_of(row, "connections"));
}

static void print_restart(const struct history_row *row, const struct history_question *q)
{
	put_time(number_of(row, "at"));
	put_device(row, q);
	puts("its counters began again");
}

static void print_applied(const struct history_row *row, const struct history_question *q)
{
	const char *changes = text_of(row, "changes");
	size_t len;

	(void)q;
	put_time(number_of(row, "at"));
	printf("generation %lld, ", (long long)number_of(row, "generation"));
	put(text_of(row, "mode"));
	put_named(", by ", row, "who");
	putchar('\n');
	for (; *changes; changes += len + (changes[len] == '\n')) {
		char *line = strndup(changes, len = strcspn(changes, "\n"));

		fputs("      ", stdout);
		put(line ? line : "");
		putchar('\n');
		free(line);
	}
}

static int print_row(const struct history_row *row, void *arg)
{
	struct rows *r = arg;

	if (!r->n++)
		puts(r->title);
	r->print(row, r->q);
	return 0;
}

/**
 * history_text - print one part
 * @h: the databases
 * @table: which
 * @q: what is asked for
 *
 * Return: as history_read().
 */
int history_text(struct history *h, enum history_table table, const struct history_question *q)
{
	static const struct {
		const char *title;
		void (*print)(const struct history_row *row, const struct history_question *q);
	} how[HISTORY_TABLES] = {
		[HISTORY_STATES] = { "states", print_state }, [HISTORY_EPISODES] = { "anomalies", print_episode },
		[HISTORY_DENIED] = { "denied", print_denial }, [HISTORY_TALKS] = { "talks", print_peer },
		[HISTORY_RESTARTS] = { "restarts", print_restart }, [HISTORY_APPLIED] = { "policies", print_applied },
	};
	struct rows r = { .q = q, .title = how[table].title, .print = how[table].print };

	return table == HISTORY_SERIES ? print_series(h, q) : history_read(h, table, &q->scope, print_row, &r);
}
