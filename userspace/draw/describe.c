// SPDX-License-Identifier: GPL-2.0
/* The picture in words, for those who do not see it. */
#include "draw/svg.h"
#include "lib/xml.h"

#define OPENINGS	200	/* that are told one by one */
#define TEXT		200	/* characters of one */

static void put_name(const struct draw_segment *s, FILE *out)
{
	xml_text(s->name, SIZE_MAX, SVG_NAME, out);
}

static void describe_opening(const struct draw_policy *p, const struct draw_opening *o, FILE *out)
{
	static const char * const use[] = {
		[DRAW_USE_UNTOLD] = "", [DRAW_USE_RECENT] = "; used in the last day",
		[DRAW_USE_EARLIER] = "; not used in the last day", [DRAW_USE_NEVER] = "; not used since rules were last changed",
	};

	if (o->from >= p->n_segments || o->to >= p->n_segments)
		return;
	put_name(&p->segments[o->from], out);
	fputs(" to ", out);
	put_name(&p->segments[o->to], out);
	fputs(": ", out);
	xml_text(o->text, SIZE_MAX, TEXT, out);
	fprintf(out, "%s%s%s.\n", o->plaintext ? "; plaintext, too" : "", o->related ? "; related, too" : "", use[o->use]);
}

static void describe_segment(const struct draw_segment *s, FILE *out)
{
	const bool authentication = s->authentication && *s->authentication;

	if ((!authentication && !(s->encryption && *s->encryption)) || s->role == DRAW_GATEWAY)
		return;
	put_name(s, out);
	fputs(" demands ", out);
	if (authentication)
		xml_text(s->authentication, SIZE_MAX, SVG_NAME, out);
	if (s->encryption && *s->encryption) {
		fputs(authentication ? " and " : "", out);
		xml_text(s->encryption, SIZE_MAX, SVG_NAME, out);
	}
	fputs(".\n", out);
}

/**
 * svg_describe - what a picture shows, in sentences; of a large policy, the beginning
 * @p: what is drawn
 * @out: where to
 */
void svg_describe(const struct draw_policy *p, FILE *out)
{
	uint32_t i;

	fprintf(out, "%u segments, %u rules.\n", p->n_segments, p->n_openings);
	for (i = 0; i < p->n_openings && i < OPENINGS; i++)
		describe_opening(p, &p->openings[i], out);
	if (i < p->n_openings)
		fprintf(out, "And %u more.\n", p->n_openings - i);
	for (i = 0; i < p->n_segments && i < OPENINGS; i++)
		describe_segment(&p->segments[i], out);
	fputs("What no rule opens is closed.", out);
}
