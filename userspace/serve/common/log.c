// SPDX-License-Identifier: GPL-2.0
/* One line for what happens: text or JSON, to standard error or the system's log. */
#include <ctype.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>

#include "serve/common/serve.h"

#define BUCKETS	256	/* kinds of lines */
#define BURST	500	/* lines of one kind, at once; then one a second */

static const char *log_process = "serve";
static bool log_json, log_background, log_syslog;

/**
 * serve_log_open - whose lines they are
 * @process: which one writes
 * @json: as JSON, else as text
 * @background: it will go there
 */
void serve_log_open(const char *process, bool json, bool background)
{
	log_process = process;
	log_json = json;
	log_background = background;
}

/**
 * serve_log_detach - the process has started, and may be in the background
 *
 * Then standard error stays what it is where that is a file; else the system's log takes over.
 */
void serve_log_detach(void)
{
	struct stat st;
	int null;

	if (!log_background || (!fstat(STDERR_FILENO, &st) && S_ISREG(st.st_mode)))
		return;
	openlog("cordonctl", LOG_NDELAY | LOG_PID, LOG_DAEMON);
	log_syslog = true;
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (null < 0)
		return;
	dup2(null, STDERR_FILENO);
	close(null);
}

/* What devices say may hold anything. */
static void put_value(FILE *out, const char *value)
{
	bool plain = *value;
	const char *c;

	for (c = value; *c; c++)
		if (!isgraph((unsigned char)*c) || strchr("\"\\=", *c))
			plain = false;
	if (plain) {
		fputs(value, out);
		return;
	}
	fputc('"', out);
	for (c = value; *c; c++) {
		if (*c == '"' || *c == '\\')
			fprintf(out, "\\%c", *c);
		else if (isprint((unsigned char)*c))
			fputc(*c, out);
		else
			fprintf(out, "\\x%02x", (unsigned char)*c);
	}
	fputc('"', out);
}

static void fill_text(FILE *out, const char *event, va_list pairs)
{
	const char *key, *value;

	fprintf(out, "%s: %s", log_process, event);
	while ((key = va_arg(pairs, const char *))) {
		value = va_arg(pairs, const char *);
		if (!value)
			continue;
		fprintf(out, " %s=", key);
		put_value(out, value);
	}
}

static void fill_json(FILE *out, int priority, const char *event, va_list pairs)
{
	static const char * const levels[] = {
		"emerg", "alert", "crit", "error", "warning", "notice", "info", "debug",
	};
	json_t *line = json_object(), *text;
	const char *key, *value;

	json_object_set_new(line, "time", json_integer(time(NULL)));
	json_object_set_new(line, "level", json_string(levels[priority & 7]));
	json_object_set_new(line, "process", json_string(log_process));
	json_object_set_new(line, "event", json_string(event));
	while ((key = va_arg(pairs, const char *))) {
		value = va_arg(pairs, const char *);
		text = value ? json_string(value) : NULL;
		if (value)
			json_object_set_new(line, key, text ? text : json_string("not UTF-8"));
	}
	json_dumpf(line, out, JSON_COMPACT | JSON_ENSURE_ASCII);
	json_decref(line);
}

static void write_line(int priority, const char *event, va_list pairs)
{
	char *line = NULL;
	size_t len = 0, at = 0;
	ssize_t n = 0;
	FILE *out = open_memstream(&line, &len);

	if (!out)
		return;
	if (log_json)
		fill_json(out, priority, event, pairs);
	else
		fill_text(out, event, pairs);
	if (!log_syslog)
		fputc('\n', out);
	fclose(out);
	if (log_syslog)
		syslog(priority, "%s", line);
	for (; !log_syslog && at < len && n >= 0; at += n)
		n = write(STDERR_FILENO, line + at, len - at);
	free(line);
}

static void put_line(int priority, const char *event, ...) __attribute__((sentinel));

static void put_line(int priority, const char *event, ...)
{
	va_list pairs;

	va_start(pairs, event);
	write_line(priority, event, pairs);
	va_end(pairs);
}

/**
 * struct bucket - lines of one kind that may still be written
 * @at: when it was filled up last
 * @left: lines
 * @dropped: lines that were not written since the last that was
 */
struct bucket {
	time_t at;
	unsigned int left;
	unsigned long dropped;
};

/* Of a kind are lines about the same event and the same reason, or the same device. */
static struct bucket *bucket_of(const char *event, const char *first)
{
	static struct bucket all[BUCKETS];
	uint32_t hash = 0;

	for (; *event; event++)
		hash = hash * 31 + (unsigned char)*event;
	for (; *first; first++)
		hash = hash * 31 + (unsigned char)*first;
	return &all[hash % BUCKETS];
}

/* Whoever can cause a line could fill the disk with it. False: the line is counted instead. */
static bool may_write(struct bucket *b)
{
	struct timespec now;
	time_t more;

	clock_gettime(CLOCK_BOOTTIME, &now);
	more = now.tv_sec - b->at;
	b->left = !b->at || b->left + more >= BURST ? BURST : b->left + more;
	b->at = now.tv_sec;
	if (!b->left) {
		b->dropped++;
		return false;
	}
	b->left--;
	return true;
}

/* How many lines like this one were left out before it. */
static void tell_dropped(struct bucket *b, const char *event)
{
	char number[24];

	if (!b->dropped)
		return;
	snprintf(number, sizeof(number), "%lu", b->dropped);
	b->dropped = 0;
	put_line(LOG_NOTICE, "lines left out", "like", event, "number", number, NULL);
}

/**
 * serve_log - a line
 * @priority: of syslog(3)
 * @event: what happened, one word or a few
 * @...: pairs of key and value, then NULL
 *
 * Of lines with the same event and the same first value, at most BURST are written at once and one a second.
 */
void serve_log(int priority, const char *event, ...)
{
	const char *key, *first = NULL;
	struct bucket *b;
	va_list pairs;

	va_start(pairs, event);
	key = va_arg(pairs, const char *);
	if (key)
		first = va_arg(pairs, const char *);
	va_end(pairs);
	b = bucket_of(event, first ? first : "");
	if (!may_write(b))
		return;
	tell_dropped(b, event);
	va_start(pairs, event);
	write_line(priority, event, pairs);
	va_end(pairs);
}
