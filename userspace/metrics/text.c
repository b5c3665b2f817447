// SPDX-License-Identifier: GPL-2.0
/* Families and their series, as text. A reader refuses all of it for one byte that is wrong, so labels are UTF-8. */
#include <string.h>

#include "lib/utf8.h"
#include "metrics/metrics.h"

/** metrics_content_type - for an answer over HTTP */
const char *metrics_content_type(enum metrics_format format)
{
	return format == METRICS_PLAIN ? "text/plain; version=0.0.4; charset=utf-8" :
					 "application/openmetrics-text; version=1.0.0; charset=utf-8";
}

/* OpenMetrics names a family without what its type appends to a series. */
static int family_len(const struct metrics_out *o)
{
	int len = strlen(o->family->name);

	if (o->format == METRICS_PLAIN || o->family->type == METRICS_GAUGE)
		return len;
	return len - (int)strlen(o->family->type == METRICS_COUNTER ? "_total" : "_info");
}

/**
 * metrics_begin - the series that follow are of this family
 * @o: where to
 * @family: of what; each is begun once
 */
void metrics_begin(struct metrics_out *o, enum metrics_family family)
{
	const char *type;
	int len;

	o->family = metrics_name(family);
	type = o->family->type == METRICS_COUNTER ? "counter" :
	       o->family->type == METRICS_INFO && o->format == METRICS_OPENMETRICS ? "info" : "gauge";
	len = family_len(o);
	fprintf(o->file, "# HELP cordon_%.*s %s.\n# TYPE cordon_%.*s %s\n", len, o->family->name, o->family->help, len,
		o->family->name, type);
}

/* What is no UTF-8 becomes U+FFFD. Return: bytes written; 0, there is no room. */
static size_t put_char(char *out, size_t room, const char *text, size_t len, uint32_t code)
{
	char escaped[2] = { '\\', *text == '\n' ? 'n' : *text };

	if (code == UTF8_REPLACEMENT) {
		text = UTF8_REPLACEMENT_TEXT;
		len = strlen(text);
	}
	if (*text == '\\' || *text == '"' || *text == '\n') {
		text = escaped;
		len = 2;
	}
	if (len > room)
		return 0;
	memcpy(out, text, len);
	return len;
}

static size_t put_value(char *out, size_t room, const char *value)
{
	size_t n = 0, len, put;
	uint32_t code;

	for (; *value; value += len) {
		len = utf8_next(value, &code);
		put = put_char(out + n, room - n, value, len, code);
		if (!put)
			break;
		n += put;
	}
	return n;
}

/**
 * metrics_label - one more label of a series
 * @l: labels; its first one has @l->len 0
 * @name: of the label
 * @value: any text; what is longer than METRICS_VALUE_LEN is cut
 */
void metrics_label(struct metrics_labels *l, const char *name, const char *value)
{
	size_t len = strlen(name), room = sizeof(l->text) - l->len;

	if (room < len + 8)
		return;
	room -= len + 5;	/* a comma, =, two quotation marks, NUL */
	if (room > METRICS_VALUE_LEN)
		room = METRICS_VALUE_LEN;
	if (l->len)
		l->text[l->len++] = ',';
	memcpy(l->text + l->len, name, len);
	l->len += len;
	l->text[l->len++] = '=';
	l->text[l->len++] = '"';
	l->len += put_value(l->text + l->len, room, value);
	l->text[l->len++] = '"';
	l->text[l->len] = 0;
}

/**
 * metrics_value - one series of the family
 * @o: after metrics_begin()
 * @labels: as metrics_label() made them; NULL, it has none
 * @value: of now
 */
void metrics_value(struct metrics_out *o, const char *labels, long long value)
{
	char number[24], *at = number + sizeof(number);
	unsigned long long rest = value < 0 ? 0 - (unsigned long long)value : (unsigned long long)value;

	/* There are many of these: printf() would take half of the time. */
	*--at = '\n';
	do {
		*--at = '0' + rest % 10;
		rest /= 10;
	} while (rest);
	if (value < 0)
		*--at = '-';
	fputs_unlocked("cordon_", o->file);
	fputs_unlocked(o->family->name, o->file);
	if (labels) {
		putc_unlocked('{', o->file);
		fputs_unlocked(labels, o->file);
		putc_unlocked('}', o->file);
	}
	putc_unlocked(' ', o->file);
	fwrite_unlocked(at, 1, number + sizeof(number) - at, o->file);
}

/**
 * metrics_series - one series of the family, whose labels are put together first
 * @o: after metrics_begin()
 * @words: values of the family's labels, in their order
 * @value: of now
 */
void metrics_series(struct metrics_out *o, const char *const *words, long long value)
{
	const char *at = o->family->labels;
	struct metrics_labels l = { .len = 0 };
	char name[32];
	size_t len, i;

	for (i = 0; at && *at; i++) {
		len = strcspn(at, ",");
		snprintf(name, sizeof(name), "%.*s", (int)len, at);
		metrics_label(&l, name, words[i]);
		at += len + (at[len] == ',');
	}
	metrics_value(o, l.len ? l.text : NULL, value);
}

/** metrics_end - there are no more families */
void metrics_end(struct metrics_out *o)
{
	if (o->format == METRICS_OPENMETRICS)
		fputs("# EOF\n", o->file);
}
