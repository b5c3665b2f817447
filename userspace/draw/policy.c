// SPDX-License-Identifier: GPL-2.0
/* What is drawn of a policy. */
#include <stdlib.h>
#include <string.h>

#include "draw/draw.h"
#include "lib/policy.h"

/**
 * struct of_policy - what is drawn, with what it points to
 * @d: what is drawn
 * @names: of the segments
 * @texts: of the rules
 */
struct of_policy {
	struct draw_policy d;
	char (*names)[CORDON_NAME_LEN];
	char **texts;
};

/* Devices and networks: what is open between two of a segment differs. One without either is meant for devices. */
static void find_members(const struct cordon_draft *c, bool *devices, bool *networks)
{
	uint32_t i;

	for (i = 0; i < c->n_networks; i++)
		networks[c->networks[i].segment] = true;
	for (i = 0; i < c->n_devices; i++)
		devices[c->devices[i].segment] = true;
	if (c->unknown != CORDON_SEGMENT_GATEWAY)
		devices[c->unknown] = true;
	for (i = 0; i < c->n_segments; i++)
		devices[i] |= !networks[i];
}

static enum draw_role role(uint32_t segment)
{
	return segment == CORDON_SEGMENT_GATEWAY ? DRAW_GATEWAY : segment < CORDON_BUILTIN_SEGMENTS ? DRAW_BUILTIN : DRAW_OWN;
}

static void fill_segment(struct of_policy *o, const struct cordon_draft *c, uint32_t i, bool devices, bool networks)
{
	const struct cordon_segment_def *s = &c->segments[i];
	struct draw_segment *out = &o->d.segments[i];

	memcpy(o->names[i], s->name, sizeof(o->names[i]));
	out->name = o->names[i];
	if (s->authentication != CORDON_AUTHENTICATION_NONE)
		out->authentication = policy_authentication_name(s->authentication);
	if (s->encryption != CORDON_ENCRYPTION_ANY)
		out->encryption = policy_encryption_name(s->encryption);
	out->role = role(i);
	out->within = !s->isolate || !devices ? DRAW_OPEN : networks ? DRAW_HOSTS : DRAW_ISOLATED;
	out->services = devices && i != CORDON_SEGMENT_GATEWAY && i != CORDON_SEGMENT_QUARANTINE;
	out->unlisted = c->unknown == i && i != CORDON_SEGMENT_GATEWAY;
}

static bool fill_segments(struct of_policy *o, const struct cordon_draft *c)
{
	bool *devices = calloc(c->n_segments, sizeof(*devices)), *networks = calloc(c->n_segments, sizeof(*networks));
	const bool good = devices && networks;
	uint32_t i;

	if (good) {
		find_members(c, devices, networks);
		for (i = 0; i < c->n_segments; i++)
			fill_segment(o, c, i, devices[i], networks[i]);
		o->d.n_segments = c->n_segments;
	}
	free(devices);
	free(networks);
	return good;
}

static char *matches_text(const struct cordon_draft *c, const struct cordon_rule_def *r)
{
	char *out = malloc((size_t)r->n * (POLICY_MATCH_LEN + 2) + 1), *at = out, match[POLICY_MATCH_LEN];
	uint32_t i;

	for (i = 0; out && i < r->n; i++)
		at += sprintf(at, "%s%s", i ? ", " : "", policy_match_text(&c->matches[r->first + i], match));
	if (out)
		*at = 0;
	return out;
}

static bool fill_openings(struct of_policy *o, const struct cordon_draft *c)
{
	const struct cordon_rule_def *r;
	uint32_t i;

	for (i = 0; i < c->n_rules; i++) {
		r = &c->rules[i];
		o->texts[i] = matches_text(c, r);
		if (!o->texts[i])
			return false;
		o->d.openings[i] = (struct draw_opening){ .from = r->from, .to = r->to, .text = o->texts[i],
							  .plaintext = r->plaintext, .related = r->related };
		o->d.n_openings++;
	}
	return true;
}

/**
 * draw_policy_new - what is drawn of a policy
 * @p: the policy; it is not needed afterwards
 *
 * Its rules are the openings, in their order.
 *
 * Return: for draw_policy_free(); NULL, no memory.
 */
struct draw_policy *draw_policy_new(const struct policy *p)
{
	const struct cordon_draft *c = &p->draft;
	struct of_policy *o = calloc(1, sizeof(*o));

	if (!o)
		return NULL;
	o->names = calloc(c->n_segments, sizeof(*o->names));
	o->texts = calloc((size_t)c->n_rules + 1, sizeof(*o->texts));
	o->d.segments = calloc(c->n_segments, sizeof(*o->d.segments));
	o->d.openings = calloc((size_t)c->n_rules + 1, sizeof(*o->d.openings));
	o->d.observe = c->mode == CORDON_MODE_OBSERVE;
	if (o->names && o->texts && o->d.segments && o->d.openings && fill_segments(o, c) && fill_openings(o, c))
		return &o->d;
	draw_policy_free(&o->d);
	return NULL;
}

/**
 * draw_policy_free - give back what draw_policy_new() made
 * @d: it, or NULL
 */
void draw_policy_free(struct draw_policy *d)
{
	struct of_policy *o = (struct of_policy *)d;
	uint32_t i;

	if (!o)
		return;
	for (i = 0; o->texts && i < d->n_openings; i++)
		free(o->texts[i]);
	free(o->texts);
	free(o->names);
	free(d->segments);
	free(d->openings);
	free(o);
}
