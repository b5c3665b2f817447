/* SPDX-License-Identifier: GPL-2.0 */
/* The picture of a policy: who may open what towards whom, as SVG. */
#ifndef CORDON_DRAW_H
#define CORDON_DRAW_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct policy;

#define DRAW_RECENT	86400	/* seconds: used in the last day */

/** enum draw_role - what a segment is to the picture */
enum draw_role {
	DRAW_OWN,	/* the policy's own: a row and a column */
	DRAW_BUILTIN,	/* a row; a column if something is open towards it */
	DRAW_GATEWAY,	/* a column; what it opens passes, so it has no row */
};

/** enum draw_within - what is open between two ends in the same segment, without a rule */
enum draw_within {
	DRAW_ISOLATED,	/* nothing: it has only devices, which are isolated */
	DRAW_HOSTS,	/* all, but between two devices nothing */
	DRAW_OPEN,	/* all */
};

/** enum draw_use - when an opening last let a connection begin */
enum draw_use {
	DRAW_USE_UNTOLD,
	DRAW_USE_RECENT,	/* within DRAW_RECENT */
	DRAW_USE_EARLIER,
	DRAW_USE_NEVER,
};

/**
 * struct draw_segment - a segment
 * @name: shown as it is, but for characters that are none
 * @authentication: what is demanded of its devices; NULL or empty, nothing
 * @encryption: likewise
 * @role: what it is to the picture
 * @within: what is open in it; not looked at, of the gateway
 * @services: its devices reach DHCP, DNS, NTP, enrolment and check-in on the gateway without a rule
 * @unlisted: devices that the policy does not list are in it
 */
struct draw_segment {
	const char *name;
	const char *authentication;
	const char *encryption;
	enum draw_role role;
	enum draw_within within;
	bool services;
	bool unlisted;
};

/**
 * struct draw_opening - a rule
 * @from: place of the segment that opens
 * @to: place of the segment that is opened to; both are less than the number of segments
 * @text: what it opens, as in a policy's file: "tcp/443, udp/5000-5010"
 * @plaintext: without encryption, too
 * @related: what its connections announce, too
 * @use: when it was used
 */
struct draw_opening {
	uint32_t from;
	uint32_t to;
	const char *text;
	bool plaintext;
	bool related;
	enum draw_use use;
};

/**
 * struct draw_policy - what is drawn
 * @segments: in the order in which they are shown
 * @n_segments: how many
 * @openings: of one pair in the order in which they are shown
 * @n_openings: how many
 * @observe: what is not open passes, and is counted
 * @embedded: the picture becomes part of a page, whose style sheet has draw_style() in it
 */
struct draw_policy {
	struct draw_segment *segments;
	uint32_t n_segments;
	struct draw_opening *openings;
	uint32_t n_openings;
	bool observe;
	bool embedded;
};

/* Both return 0, -ENOMEM, or -EIO if @out cannot be written to. */
int draw_matrix(const struct draw_policy *p, FILE *out);
int draw_graph(const struct draw_policy *p, FILE *out);

void draw_style(FILE *out);

/* policy.c */
struct draw_policy *draw_policy_new(const struct policy *p);
void draw_policy_free(struct draw_policy *d);

#endif
