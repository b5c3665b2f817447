// SPDX-License-Identifier: GPL-2.0
/* What of a saved state still fits: the policy may be another, and the clock may be wrong. */
#include <errno.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timex.h>

#include "lib/file.h"
#include "state/state.h"

/* The kernel's clock was set from one that runs while the machine does not. */
static bool has_rtc(void)
{
	bool found = false;
	glob_t list;
	size_t i, len;
	char *text;

	if (glob("/sys/class/rtc/*/hctosys", 0, NULL, &list))
		return false;
	for (i = 0; !found && i < list.gl_pathc; i++) {
		if (file_read(list.gl_pathv[i], 16, &text, &len))
			continue;
		found = *text == '1';
		free(text);
	}
	globfree(&list);
	return found;
}

static bool same_boot(const struct state *s)
{
	bool same = false;
	size_t len;
	char *id;

	if (file_read("/proc/sys/kernel/random/boot_id", STATE_BOOT_LEN, &id, &len))
		return false;
	id[strcspn(id, "\n")] = 0;
	same = *id && !strcmp(id, s->boot);
	free(id);
	return same;
}

/**
 * state_clock_is_right - may ends of leases be compared with this clock?
 * @s: the state
 * @now: what the clock says
 *
 * It must not be before the state was saved. And either the machine has not been started again
 * since, or the clock has come from one that ran meanwhile: the machine's own, or the network's.
 */
bool state_clock_is_right(const struct state *s, int64_t now)
{
	struct timex t = { .modes = 0 };
	int net;

	if (now < s->saved)
		return false;
	if (same_boot(s) || has_rtc())
		return true;
	net = adjtimex(&t);
	return net >= 0 && net != TIME_ERROR;
}

enum fate { KEEP, REPLACE, REMOVE };

/**
 * struct overlay - run-time changes on their way into a policy
 * @p: the policy
 * @base: the one that they were made to, or NULL
 * @sealed: @p, to look up devices
 * @sealed_base: @base, likewise, or NULL
 * @s: the state
 * @say: where what does not fit is told
 * @fate: of each device of @p
 * @by: of each device that is replaced, by which of the changed ones
 * @append: of each changed device, it is a new one
 */
struct overlay {
	struct policy *p;
	const struct policy *base;
	struct cordon_policy *sealed;
	struct cordon_policy *sealed_base;
	const struct state *s;
	FILE *say;
	u8 *fate;
	u32 *by;
	u8 *append;
};

static void skip(const struct overlay *o, const char *name, const char *why)
{
	fprintf(o->say, "cordonctl: state: device '%s': %s\n", name, why);
}

static u32 in_base(const struct overlay *o, const u8 *mac)
{
	return o->sealed_base ? cordon_policy_device_by_mac(o->sealed_base, mac) : CORDON_NO_DEVICE;
}

/* The policy says of device @i what it said when the change was made. */
static bool untouched(const struct overlay *o, u32 i, u32 before)
{
	return before != CORDON_NO_DEVICE && state_same_device(o->p, i, o->base, before);
}

/* Why a changed device cannot be in the policy beside the others; NULL, it can. */
static const char *misfit(const struct overlay *o, u32 c, u32 self)
{
	const struct policy *from = o->s->changed;
	const struct cordon_device_def *d = &from->draft.devices[c];
	u32 i, other;

	if (policy_find_segment(o->p, from->draft.segments[d->segment].name) == CORDON_NO_SEGMENT)
		return "the policy has no such segment any more; left out";
	for (i = 0; i < cordon_device_ports(d); i++)
		if (policy_find_port(o->p, from->draft.ports[cordon_device_port(d, i)].name) == CORDON_ANY_PORT)
			return "the policy has no such port any more; left out";
	other = cordon_policy_device_by_name(o->sealed, d->name);
	if (other != CORDON_NO_DEVICE && other != self)
		return "the policy has another device of that name; left out";
	for (i = 0; i < d->n; i++) {
		other = cordon_policy_device_by_addr(o->sealed, &from->draft.addresses[d->first + i]);
		if (other != CORDON_NO_DEVICE && other != self)
			return "the policy gives its address to another device; left out";
	}
	return NULL;
}

static void decide_changed(struct overlay *o, u32 c)
{
	const struct cordon_device_def *d = &o->s->changed->draft.devices[c];
	u32 i = cordon_policy_device_by_mac(o->sealed, d->mac), before = in_base(o, d->mac);
	const char *why = NULL;

	if (i != CORDON_NO_DEVICE && state_same_device(o->p, i, o->s->changed, c))
		return;
	if (i == CORDON_NO_DEVICE && before != CORDON_NO_DEVICE)
		why = "the policy does not have it any more; left out";
	else if (i != CORDON_NO_DEVICE && !untouched(o, i, before))
		why = "the policy says something else of it since it was changed at run time, and holds";
	else
		why = misfit(o, c, i);
	if (why) {
		skip(o, d->name, why);
	} else if (i == CORDON_NO_DEVICE) {
		o->append[c] = 1;
	} else {
		o->fate[i] = REPLACE;
		o->by[i] = c;
	}
}

static void decide_deleted(struct overlay *o, const u8 *mac)
{
	u32 i = cordon_policy_device_by_mac(o->sealed, mac);

	if (i == CORDON_NO_DEVICE)
		return;
	if (untouched(o, i, in_base(o, mac)))
		o->fate[i] = REMOVE;
	else
		skip(o, o->p->draft.devices[i].name,
		     "was deleted at run time, and is in the policy again");
}

/* The policy's devices anew, in their order, those that are added at the end. */
static int rebuild(struct overlay *o)
{
	struct policy old = *o->p;
	int err = 0;
	u32 i;

	o->p->draft.devices = NULL;
	o->p->draft.addresses = NULL;
	o->p->draft.n_devices = o->p->draft.n_addresses = 0;
	o->p->room.devices = o->p->room.addresses = 0;
	policy_forget_places(o->p);
	for (i = 0; !err && i < old.draft.n_devices; i++)
		if (o->fate[i] != REMOVE)
			err = o->fate[i] == KEEP ? state_copy_device(o->p, &old, i) :
						   state_copy_device(o->p, o->s->changed, o->by[i]);
	for (i = 0; !err && i < o->s->changed->draft.n_devices; i++)
		if (o->append[i])
			err = state_copy_device(o->p, o->s->changed, i);
	free(old.draft.devices);
	free(old.draft.addresses);
	return err;
}

static int check(const struct overlay *o)
{
	struct cordon_policy *sealed = NULL;
	struct cordon_error err;
	char text[512];
	int ret = policy_seal(o->p, &sealed, &err);

	free(sealed);
	if (ret != -EINVAL)
		return ret;
	policy_error_text(o->p, &err, text, sizeof(text));
	fprintf(o->say, "cordonctl: state: what was changed at run time does not fit the policy: %s\n", text);
	return ret;
}

/**
 * state_overlay - devices that were added, changed or deleted at run time, in a policy again
 * @p: the policy; of no use after an error
 * @base: the one that the changes were made to, or NULL
 * @s: the state
 * @say: where what does not fit, and is left out, is told
 *
 * What the policy says of a device holds where that has changed since.
 *
 * Return: 0; -EINVAL, they do not fit together; -ENOMEM.
 */
int state_overlay(struct policy *p, const struct policy *base, const struct state *s, FILE *say)
{
	u32 n = s->changed->draft.n_devices, i;
	struct overlay o = {
		.p = p, .base = base, .s = s, .say = say, .append = calloc(n + 1, 1),
		.fate = calloc(p->draft.n_devices + 1, 1),
		.by = calloc(p->draft.n_devices + 1, sizeof(*o.by)),
	};
	struct cordon_error why;
	int err = o.append && o.fate && o.by ? 0 : -ENOMEM;

	if (!err && (n || s->n_deleted))
		err = policy_seal(p, &o.sealed, &why);
	if (!err && base && o.sealed)
		err = policy_seal(base, &o.sealed_base, &why);
	for (i = 0; !err && i < n; i++)
		decide_changed(&o, i);
	for (i = 0; !err && i < s->n_deleted; i++)
		decide_deleted(&o, s->deleted[i]);
	if (!err && o.sealed)
		err = rebuild(&o);
	if (!err && o.sealed)
		err = check(&o);
	free(o.sealed);
	free(o.sealed_base);
	free(o.append);
	free(o.fate);
	free(o.by);
	return err;
}

/* A lease of a device that is in the policy; what is left of it, if the clock can tell. */
static void start_lease(struct cnl_start *start, const struct policy *p, const struct state_device *d,
			int64_t left, FILE *say)
{
	start->leased = true;
	if (left <= 0)
		return;
	if (d->lease_port[0] && policy_find_port(p, d->lease_port) == CORDON_ANY_PORT) {
		fprintf(say, "cordonctl: state: device '%s': its lease is for port '%s', which the policy does not have "
			"any more; it must check in again\n", d->name, d->lease_port);
		return;
	}
	start->lease = left > CORDON_MAX_LEASE ? CORDON_MAX_LEASE : left;
	memcpy(start->lease_port, d->lease_port, sizeof(start->lease_port));
	start->has_certificate = d->has_certificate;
	memcpy(start->certificate, d->certificate, sizeof(start->certificate));
}

/**
 * state_starts - how the devices of a policy begin
 * @p: the policy
 * @s: the state
 * @now: seconds since 1970
 * @clock: ends of leases may be compared with @now; else no lease is restored
 * @out: one for each device of @p; free()
 * @say: where what does not fit, and is left out, is told
 *
 * Return: 0 or -errno.
 */
int state_starts(const struct policy *p, const struct state *s, int64_t now, bool clock,
		 struct cnl_start **out, FILE *say)
{
	struct cnl_start *starts = calloc(p->draft.n_devices + 1, sizeof(*starts));
	struct cordon_policy *sealed = NULL;
	struct cordon_error why;
	u32 i, found;
	int err = starts ? policy_seal(p, &sealed, &why) : -ENOMEM;

	for (i = 0; !err && i < s->n_devices; i++) {
		const struct state_device *d = &s->devices[i];

		found = cordon_policy_device_by_mac(sealed, d->mac);
		if (found == CORDON_NO_DEVICE) {
			fprintf(say, "cordonctl: state: device '%s': the policy does not have it any more; left out\n",
				d->name);
			continue;
		}
		starts[found].quarantined = d->quarantined;
		starts[found].outdated = d->outdated;
		if (d->leased)
			start_lease(&starts[found], p, d, clock ? d->lease_end - now : 0, say);
	}
	free(sealed);
	if (err)
		free(starts);
	else
		*out = starts;
	return err;
}

/*
 * What is left of a binding; 0, nothing. Where the clock cannot tell, as much as when it was saved: a device that
 * believes in its address asks nobody for it, and would be cut off until it does. If somebody else has it by now, that
 * is learned again.
 */
static int64_t binding_left(const struct state_binding *b, const struct state *s, int64_t now, bool clock)
{
	int64_t left = b->end - (clock ? now : s->saved);

	return left > CORDON_MAX_LEASE ? CORDON_MAX_LEASE : left > 0 ? left : 0;
}

/**
 * state_bindings - addresses that were learned, and that a policy can begin with
 * @p: the policy
 * @s: the state
 * @now: seconds since 1970
 * @clock: ends may be compared with @now
 * @out: gets them; free() its @bindings
 *
 * Left out are those that have ended, and those of devices that the policy does not have, or that learn nothing by it.
 *
 * Return: 0 or -errno.
 */
int state_bindings(const struct policy *p, const struct state *s, int64_t now, bool clock, struct cnl_begin *out)
{
	struct cnl_binding *list = calloc((size_t)s->n_bindings + 1, sizeof(*list));
	struct cordon_policy *sealed = NULL;
	struct cordon_error why;
	u32 i, found, n = 0;
	int err = list ? policy_seal(p, &sealed, &why) : -ENOMEM;

	for (i = 0; !err && i < s->n_bindings; i++) {
		const struct state_binding *b = &s->bindings[i];

		found = cordon_policy_device_by_mac(sealed, b->mac);
		if (found == CORDON_NO_DEVICE || !sealed->draft.devices[found].learn ||
		    (b->end && !binding_left(b, s, now, clock)))
			continue;
		list[n].addr = b->addr;
		memcpy(list[n].mac, b->mac, sizeof(b->mac));
		list[n].origin = b->origin;
		list[n].ends = b->end;
		list[n++].lease = b->end ? binding_left(b, s, now, clock) : 0;
	}
	free(sealed);
	if (err) {
		free(list);
		return err;
	}
	out->bindings = list;
	out->n_bindings = n;
	return 0;
}

static bool segment_learns(const struct cordon_segment_def *s)
{
	return s->limits[CORDON_KIND_NEW_DESTINATION].window;
}

/**
 * state_policy_learns - does a policy ask where devices go?
 * @p: the policy
 */
bool state_policy_learns(const struct policy *p)
{
	u32 i;

	for (i = 0; i < p->draft.n_segments; i++)
		if (segment_learns(&p->draft.segments[i]))
			return true;
	return false;
}

/* What is left of learning; where the clock cannot tell, as much as when it was saved. */
static u32 learning_left(const struct state_destinations *d, const struct state *s, int64_t now, bool clock)
{
	int64_t left = d->learn_end ? d->learn_end - (clock ? now : s->saved) : 0;

	return left > CORDON_MAX_LEARN ? CORDON_MAX_LEARN : left > 0 ? left : 0;
}

/**
 * state_destinations - where the devices of a policy had been
 * @p: the policy
 * @s: the state
 * @now: seconds since 1970
 * @clock: ends may be compared with @now
 * @out: gets that; free() its @destinations
 *
 * Left out are devices that the policy does not have, or of which it does not ask where they go.
 *
 * Return: 0 or -errno.
 */
int state_destinations(const struct policy *p, const struct state *s, int64_t now, bool clock, struct cnl_begin *out)
{
	struct cnl_destinations *list = calloc((size_t)s->n_destinations + 1, sizeof(*list));
	struct cordon_policy *sealed = NULL;
	const struct cordon_draft *d;
	struct cordon_error why;
	u32 i, found, n = 0;
	int err = list ? policy_seal(p, &sealed, &why) : -ENOMEM;

	for (i = 0; !err && i < s->n_destinations; i++) {
		d = &sealed->draft;
		found = cordon_policy_device_by_mac(sealed, s->destinations[i].saved.mac);
		if (found == CORDON_NO_DEVICE || !segment_learns(&d->segments[d->devices[found].segment]))
			continue;
		list[n] = s->destinations[i].saved;
		list[n++].learning = learning_left(&s->destinations[i], s, now, clock);
	}
	free(sealed);
	if (err) {
		free(list);
		return err;
	}
	out->destinations = list;
	out->n_destinations = n;
	return 0;
}
