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
static void put(FILE *out, const char *text)
{
	for (; *text; text++)
		putc(*text >= ' ' && *text < 0x7f ? *text : '?', out);
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

static void put_time(FILE *out, time_t at)
{
	char text[32] = "?";
	struct tm tm;

	if (localtime_r(&at, &tm))
		strftime(text, sizeof(text), "%F %T", &tm);
	fprintf(out, "  %s  ", text);
}

/** history_text_head - what it is of */
void history_text_head(const struct history_question *q)
{
	char ago[PEOPLE_LEN];

	if (q->scope.device >= 0) {
		put(q->out, q->device.name);
		fprintf(q->out, " (%s), ", q->device.mac);
		if (q->device.segment[0])
			put(q->out, q->device.segment);
		else
			fputs("in no policy", q->out);
	} else if (q->scope.segment) {
		fputs("segment ", q->out);
		put(q->out, q->scope.segment);
	} else {
		fputs("the gateway", q->out);
	}
	fprintf(q->out, ", the last %s\n", people_time(q->now - q->scope.since, ago));
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

static void put_line(FILE *out, const u64 cells[CELLS])
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
		fputs(utf8 ? blocks[level] : ascii[level], out);
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
		fprintf(q->out, "  %-9s ", names[i]);
		if (terminal_is()) {
			putc('|', q->out);
			put_line(q->out, l->cells[i]);
			fputs("| ", q->out);
		}
		fprintf(q->out, "%s%s\n", people_number(l->sums[i], false, number), i <= TO ? " bytes" : "");
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
	put(q->out, text_of(row, "device"));
	fputs(": ", q->out);
}

static void put_service(FILE *out, const struct history_row *row)
{
	char service[EVENT_SERVICE_LEN];

	put(out, text_of(row, "source"));
	fputs(" -> ", out);
	put(out, text_of(row, "destination"));
	fprintf(out, " %s", event_service_text(number_of(row, "protocol"), number_of(row, "dport"), service));
}

static void put_named(FILE *out, const char *before, const struct history_row *row, const char *name)
{
	const char *text = text_of(row, name);

	if (!*text)
		return;
	fputs(before, out);
	put(out, text);
}

static void print_state(const struct history_row *row, const struct history_question *q)
{
	put_time(q->out, number_of(row, "at"));
	put_device(row, q);
	put(q->out, text_of(row, "state"));
	put_named(q->out, ", in ", row, "segment");
	put_named(q->out, ": ", row, "why");
	putc('\n', q->out);
}

static void print_episode(const struct history_row *row, const struct history_question *q)
{
	int64_t last = number_of(row, "last"), first = number_of(row, "first");
	char lasted[PEOPLE_LEN];

	put_time(q->out, first);
	fprintf(q->out, "#%lld ", (long long)number_of(row, "id"));
	put_device(row, q);
	put(q->out, text_of(row, "kind"));
	fprintf(q->out, ", %lld times in %s", (long long)number_of(row, "count"), people_time(last > first ? last - first : 0, lasted));
	if (*text_of(row, "source")) {
		fputs(", first ", q->out);
		put_service(q->out, row);
	}
	put_named(q->out, ", server ", row, "server");
	put_named(q->out, ", ", row, "tls");
	put_named(q->out, ", on ", row, "interface");
	put_named(q->out, ", action ", row, "action");
	put_named(q->out, ", seen by ", row, "acknowledged_by");
	if (q->now - last < HISTORY_QUIET)
		fputs(", goes on", q->out);
	putc('\n', q->out);
}

static void print_denial(const struct history_row *row, const struct history_question *q)
{
	put_time(q->out, number_of(row, "last"));
	put_device(row, q);
	put(q->out, text_of(row, "kind"));
	fputs(", ", q->out);
	put_service(q->out, row);
	put_named(q->out, ", ", row, "from");
	put_named(q->out, " -> ", row, "to");
	fprintf(q->out, ", %lld times", (long long)number_of(row, "count"));
	put_named(q->out, "; allowed by ", row, "rule");
	putc('\n', q->out);
}

static void print_peer(const struct history_row *row, const struct history_question *q)
{
	char service[EVENT_SERVICE_LEN];

	put_time(q->out, number_of(row, "last"));
	fprintf(q->out, "%s ", number_of(row, "opened") ? "to" : "from");
	put(q->out, text_of(row, "peer"));
	fprintf(q->out, " %s", event_service_text(number_of(row, "protocol"), number_of(row, "dport"), service));
	put_named(q->out, ", in ", row, "segment");
	fprintf(q->out, ", %lld connections\n", (long long)number_of(row, "connections"));
}

static void print_restart(const struct history_row *row, const struct history_question *q)
{
	put_time(q->out, number_of(row, "at"));
	put_device(row, q);
	fputs("its counters began again\n", q->out);
}

static void print_applied(const struct history_row *row, const struct history_question *q)
{
	const char *changes = text_of(row, "changes");
	size_t len;

	put_time(q->out, number_of(row, "at"));
	fprintf(q->out, "generation %lld, ", (long long)number_of(row, "generation"));
	put(q->out, text_of(row, "mode"));
	put_named(q->out, ", by ", row, "who");
	putc('\n', q->out);
	for (; *changes; changes += len + (changes[len] == '\n')) {
		char *line = strndup(changes, len = strcspn(changes, "\n"));

		fputs("      ", q->out);
		put(q->out, line ? line : "");
		putc('\n', q->out);
		free(line);
	}
}

static int print_row(const struct history_row *row, void *arg)
{
	struct rows *r = arg;

	if (!r->n++)
		fprintf(r->q->out, "%s\n", r->title);
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
