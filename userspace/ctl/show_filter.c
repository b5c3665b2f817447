// SPDX-License-Identifier: GPL-2.0
/* Which of the kernel's objects 'show' shows. */
#include <string.h>

#include "ctl/show.h"
#include "lib/suggest.h"

static bool is_or_any(const char *wanted, const char *name)
{
	return !wanted || !strcmp(wanted, name);
}

static bool is_device(const struct filter *f, const char *name, const u8 *mac)
{
	return f->is_mac ? !memcmp(f->mac, mac, sizeof(f->mac)) : is_or_any(f->name, name);
}

/** shown_wants_segment - is the i-th segment shown */
bool shown_wants_segment(const struct shown *s, u32 i)
{
	return is_or_any(s->filter.name, s->p->draft.segments[i].name);
}

/** shown_wants_network - likewise, a network */
bool shown_wants_network(const struct shown *s, u32 i)
{
	const char *segment = s->p->draft.segments[s->p->draft.networks[i].segment].name;

	return is_or_any(s->filter.segment, segment) && is_or_any(s->filter.name, segment);
}

/** shown_wants_rule - likewise, a rule */
bool shown_wants_rule(const struct shown *s, u32 i)
{
	const struct cordon_draft *d = &s->p->draft;

	return is_or_any(s->filter.from, d->segments[d->rules[i].from].name) &&
	       is_or_any(s->filter.to, d->segments[d->rules[i].to].name);
}

/** shown_wants_device - likewise, a device: of a segment is one that the policy has in it, and one that is held in it */
bool shown_wants_device(const struct shown *s, u32 i)
{
	const struct cnl_device *v = &s->runtime.devices[i];

	return is_device(&s->filter, v->def.name, v->def.mac) &&
	       (is_or_any(s->filter.segment, v->segment) || is_or_any(s->filter.segment, v->effective_segment));
}

/** shown_wants_binding - likewise, a binding: by the device, or by the address */
bool shown_wants_binding(const struct shown *s, u32 i)
{
	const struct cnl_binding *b = &s->bindings.list[i];
	char addr[POLICY_ADDR_LEN];

	return is_device(&s->filter, b->name, b->mac) || !strcmp(s->filter.name, policy_addr_text(&b->addr, addr));
}

/** shown_wants_interface - likewise, an interface */
bool shown_wants_interface(const struct shown *s, u32 i)
{
	return is_or_any(s->filter.name, s->interfaces.list[i].name);
}

static const char *segment_name(const void *of, u32 i)
{
	return ((const struct policy *)of)->draft.segments[i].name;
}

/**
 * shown_check_segment - a segment that is not in the policy is a mistake, and not one that nothing is of
 * @p: the policy
 * @name: or NULL
 *
 * Return: an exit status.
 */
int shown_check_segment(const struct policy *p, const char *name)
{
	const char *meant;
	char why[96];
	u32 i;

	for (i = 0; name && i < p->draft.n_segments; i++)
		if (!strcmp(p->draft.segments[i].name, name))
			return EXIT_DONE;
	if (!name)
		return EXIT_DONE;
	meant = suggest(name, segment_name, p, p->draft.n_segments);
	snprintf(why, sizeof(why), "no such segment%s%s%s", meant ? ": did you mean '" : "", meant ? meant : "",
		 meant ? "'?" : "");
	return complain(name, why);
}
