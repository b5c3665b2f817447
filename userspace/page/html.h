/* SPDX-License-Identifier: GPL-2.0 */
/* Text of a page as it grows, and the one way for a string to get there. */
#ifndef CORDON_PAGE_HTML_H
#define CORDON_PAGE_HTML_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HTML_TEXT	256		/* characters of a string that are shown; then an ellipsis */
#define HTML_MAX	(4 << 20)	/* bytes of a page; more is no page */

/**
 * struct html - a page as it grows
 * @body: its bytes; free() it
 * @len: how many
 * @size: of the buffer
 * @err: -errno: no memory, too long, or a format that is not known here
 */
struct html {
	char *body;
	size_t len, size;
	int err;
};

/**
 * html - add text to a page
 * @o: the page
 * @fmt: markup. %s is a string that is escaped, for text and for quoted attributes; %d, %u, %zu, %ld and %lld are
 *	numbers; %% is a percent sign
 */
void html(struct html *o, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void html_url(struct html *o, const char *text);
void html_bytes(struct html *o, int64_t n);
void html_count(struct html *o, int64_t n);
void html_time(struct html *o, int64_t at);
void html_ago(struct html *o, int64_t at, int64_t now);
void html_device(struct html *o, const char *mac, const char *name);
void html_state(struct html *o, const char *state);
void html_service(struct html *o, int64_t protocol, int64_t dport);

#endif
