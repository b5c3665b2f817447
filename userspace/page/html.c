// SPDX-License-Identifier: GPL-2.0
/* Text of a page as it grows. Every string of foreign origin gets there by escape(), which html() calls. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/policy.h"
#include "lib/utf8.h"
#include "page/html.h"

static void put(struct html *o, const char *text, size_t len)
{
	size_t size = o->size ? o->size : 16384;
	char *body;

	if (o->err)
		return;
	if (o->len + len > HTML_MAX) {
		o->err = -E2BIG;
		return;
	}
	while (size < o->len + len + 1)
		size *= 2;
	if (size != o->size) {
		body = realloc(o->body, size);
		if (!body) {
			o->err = -ENOMEM;
			return;
		}
		o->body = body;
		o->size = size;
	}
	memcpy(o->body + o->len, text, len);
	o->len += len;
	o->body[o->len] = 0;
}

/* A string, so that it is text wherever it stands, and at most so much of it. */
static void escape(struct html *o, const char *text, unsigned int left)
{
	uint32_t code;
	size_t n;

	for (; text && *text && left--; text += n) {
		n = utf8_next(text, &code);
		switch (code) {
		case '&':	put(o, "&amp;", 5); break;
		case '<':	put(o, "&lt;", 4); break;
		case '>':	put(o, "&gt;", 4); break;
		case '"':	put(o, "&#34;", 5); break;
		case '\'':	put(o, "&#39;", 5); break;
		case '`':	put(o, "&#96;", 5); break;
		case '\t':
		case '\n':	put(o, " ", 1); break;
		default:
			if (code == UTF8_REPLACEMENT || utf8_is_hidden(code))
				put(o, UTF8_REPLACEMENT_TEXT, strlen(UTF8_REPLACEMENT_TEXT));
			else
				put(o, text, n);
		}
	}
	if (text && *text)
		put(o, "\xe2\x80\xa6", 3);
}

static void number(struct html *o, const char *fmt, long long n)
{
	char text[32];

	put(o, text, (size_t)snprintf(text, sizeof(text), *fmt == 'u' || *fmt == 'z' ? "%llu" : "%lld", n));
}

/* One conversion; returns how long it is. */
static size_t convert(struct html *o, const char *fmt, va_list *args)
{
	if (*fmt == 's')
		escape(o, va_arg(*args, const char *), HTML_TEXT);
	else if (*fmt == 'd')
		number(o, fmt, va_arg(*args, int));
	else if (*fmt == 'u')
		number(o, fmt, va_arg(*args, unsigned int));
	else if (*fmt == '%')
		put(o, fmt, 1);
	else if (!strncmp(fmt, "zu", 2))
		number(o, fmt, (long long)va_arg(*args, size_t));
	else if (!strncmp(fmt, "ld", 2))
		number(o, fmt, va_arg(*args, long));
	else if (!strncmp(fmt, "lld", 3))
		number(o, fmt, va_arg(*args, long long));
	else
		o->err = -EINVAL;
	return *fmt == 'l' ? 2 + (fmt[1] == 'l') : *fmt == 'z' ? 2 : 1;
}

void html(struct html *o, const char *fmt, ...)
{
	const char *percent;
	va_list args;

	va_start(args, fmt);
	while (!o->err && (percent = strchr(fmt, '%'))) {
		put(o, fmt, (size_t)(percent - fmt));
		fmt = percent + 1;
		fmt += convert(o, fmt, &args);
	}
	va_end(args);
	put(o, fmt, strlen(fmt));
}

/** html_long - a string of which more is shown than of others */
void html_long(struct html *o, const char *text)
{
	escape(o, text, HTML_LONG);
}

/** html_url - a string as a part of a query */
void html_url(struct html *o, const char *text)
{
	char code[4];

	for (; text && *text; text++) {
		if (strchr("-._~", *text) || (*text >= '0' && *text <= '9') || (*text >= 'a' && *text <= 'z') ||
		    (*text >= 'A' && *text <= 'Z')) {
			put(o, text, 1);
		} else {
			snprintf(code, sizeof(code), "%%%02X", (unsigned char)*text);
			put(o, code, 3);
		}
	}
}

/** html_bytes - a number of bytes, for people */
void html_bytes(struct html *o, int64_t n)
{
	static const char * const units[] = { "B", "kB", "MB", "GB", "TB", "PB", "EB" };
	double size = (double)n;
	char text[32];
	size_t i = 0;

	while (size >= 999.5 && i + 1 < sizeof(units) / sizeof(*units)) {
		size /= 1000;
		i++;
	}
	snprintf(text, sizeof(text), i && size < 9.95 ? "%.1f" : "%.0f", size);
	html(o, "%s&nbsp;%s", text, units[i]);
}

/** html_count - a number, with spaces between its thousands */
void html_count(struct html *o, int64_t n)
{
	char text[32];
	int len = snprintf(text, sizeof(text), "%lld", (long long)n), i;

	for (i = 0; i < len; i++) {
		if (i && (len - i) % 3 == 0 && text[i - 1] != '-')
			put(o, "\xe2\x80\xaf", 3);
		put(o, text + i, 1);
	}
}

/** html_time - a time, in the gateway's zone; a dash for none */
void html_time(struct html *o, int64_t at)
{
	char machine[32], text[32];
	time_t when = (time_t)at;
	struct tm utc, local;

	if (!at || !gmtime_r(&when, &utc) || !localtime_r(&when, &local) ||
	    !strftime(machine, sizeof(machine), "%Y-%m-%dT%H:%M:%SZ", &utc) ||
	    !strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", &local)) {
		html(o, "<span class=\"none\">\xe2\x80\x93</span>");
		return;
	}
	html(o, "<time datetime=\"%s\">%s</time>", machine, text);
}

/** html_ago - how long ago a time is, or how long until then */
void html_ago(struct html *o, int64_t at, int64_t now)
{
	int64_t s = at < now ? now - at : at - now;
	char text[32];

	if (s < 120)
		snprintf(text, sizeof(text), "%lld s", (long long)s);
	else if (s < 7200)
		snprintf(text, sizeof(text), "%lld min", (long long)s / 60);
	else if (s < 172800)
		snprintf(text, sizeof(text), "%lld h", (long long)s / 3600);
	else
		snprintf(text, sizeof(text), "%lld d", (long long)s / 86400);
	if (!at)
		html(o, "<span class=\"none\">\xe2\x80\x93</span>");
	else if (at <= now)
		html(o, "%s ago", text);
	else
		html(o, "in %s", text);
}

/** html_device - a device's name, and its page */
void html_device(struct html *o, const char *mac, const char *name)
{
	html(o, "<a href=\"/device/%s\"><bdi>%s</bdi></a>", mac, *name ? name : mac);
}

/** html_state - a state, and a colour that says the same */
void html_state(struct html *o, const char *state)
{
	static const char * const known[] = { "onboarding", "active", "expired", "outdated", "quarantined" };
	size_t i = 0;

	while (i < sizeof(known) / sizeof(*known) && strcmp(known[i], state))
		i++;
	html(o, "<span class=\"state state-%s\">%s</span>", i < sizeof(known) / sizeof(*known) ? known[i] : "other",
	     *state ? state : "not there");
}

/** html_service - tcp/443; a dash for none */
void html_service(struct html *o, int64_t protocol, int64_t dport)
{
	char text[POLICY_PROTO_LEN];

	if (protocol <= 0 || protocol > 255)
		html(o, "<span class=\"none\">\xe2\x80\x93</span>");
	else if (dport)
		html(o, "%s/%lld", policy_proto_text((uint8_t)protocol, text), (long long)dport);
	else
		html(o, "%s", policy_proto_text((uint8_t)protocol, text));
}
