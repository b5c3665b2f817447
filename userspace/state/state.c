// SPDX-License-Identifier: GPL-2.0
/* What is saved: gathered from the kernel's answers. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "state/state.h"

#define JITTER 2	/* seconds that the end of the same lease may seem to move, as it is told in whole seconds */
#define DRIFT 600	/* likewise, of learning: a clock that was set, or a machine that slept, is no reason to write */

/** state_new - nothing to tell; NULL, no memory */
struct state *state_new(void)
{
	struct state *s = calloc(1, sizeof(*s));

	if (s)
		s->changed = policy_new();
	if (s && !s->changed) {
		free(s);
		return NULL;
	}
	return s;
}

/**
 * state_free - free it
 * @s: NULL is let through
 */
void state_free(struct state *s)
{
	if (!s)
		return;
	policy_free(s->changed);
	free(s->devices);
	free(s->deleted);
	free(s->bindings);
	free(s->destinations);
	free(s);
}

/* Room for one more in a list that doubles; NULL, no memory. */
static void *more(void *list, u32 n, size_t size)
{
	return n & (n - 1) ? list : realloc(list, (n ? 2 * (size_t)n : 1) * size);
}

/**
 * state_add - tell of one more device
 * @s: the state
 * @mac: of the device
 *
 * Return: it, zeroed, valid until the next; NULL, no memory.
 */
struct state_device *state_add(struct state *s, const u8 mac[6])
{
	struct state_device *list = more(s->devices, s->n_devices, sizeof(*list)), *d;

	if (!list)
		return NULL;
	s->devices = list;
	d = memset(&list[s->n_devices++], 0, sizeof(*d));
	memcpy(d->mac, mac, sizeof(d->mac));
	return d;
}

/**
 * state_delete - tell that a device was deleted at run time
 * @s: the state
 * @mac: of the device
 *
 * Return: 0 or -ENOMEM.
 */
int state_delete(struct state *s, const u8 mac[6])
{
	void *list = more(s->deleted, s->n_deleted, sizeof(*s->deleted));

	if (!list)
		return -ENOMEM;
	s->deleted = list;
	memcpy(s->deleted[s->n_deleted++], mac, sizeof(*s->deleted));
	return 0;
}

/**
 * state_bind - tell of an address that was learned
 * @s: the state
 * @b: the binding
 *
 * Return: 0 or -ENOMEM.
 */
int state_bind(struct state *s, const struct state_binding *b)
{
	struct state_binding *list = more(s->bindings, s->n_bindings, sizeof(*list));

	if (!list)
		return -ENOMEM;
	s->bindings = list;
	list[s->n_bindings++] = *b;
	return 0;
}

/**
 * state_been - tell of one more device where it has been
 * @s: the state
 *
 * Return: that, zeroed, valid until the next; NULL, no memory.
 */
struct state_destinations *state_been(struct state *s)
{
	struct state_destinations *list = more(s->destinations, s->n_destinations, sizeof(*list));

	if (!list)
		return NULL;
	s->destinations = list;
	return memset(&list[s->n_destinations++], 0, sizeof(*list));
}

/* By its name, which is added where it is new. */
static int put_segment(struct policy *p, const char *name, u16 *segment)
{
	struct cordon_segment_def *s;

	*segment = policy_find_segment(p, name);
	if (*segment != CORDON_NO_SEGMENT)
		return 0;
	s = policy_add_segment(p);
	if (!s)
		return -ENOMEM;
	snprintf(s->name, sizeof(s->name), "%s", name);
	*segment = p->draft.n_segments - 1;
	return 0;
}

static int put_port(struct policy *p, const char *name, u16 *port)
{
	struct cordon_port_def *def;

	*port = policy_find_port(p, name);
	if (*port != CORDON_ANY_PORT)
		return 0;
	def = policy_add_port(p);
	if (!def)
		return -ENOMEM;
	snprintf(def->name, sizeof(def->name), "%s", name);
	*port = p->draft.n_ports - 1;
	return 0;
}

/* Its ports, likewise. @d: a copy of @v in @to */
static int put_ports(struct policy *to, const struct policy *from, const struct cordon_device_def *v,
		     struct cordon_device_def *d)
{
	u32 i;
	u16 port;

	d->port = CORDON_ANY_PORT;
	d->n_also = 0;
	for (i = 0; i < cordon_device_ports(v); i++) {
		if (put_port(to, from->draft.ports[cordon_device_port(v, i)].name, &port))
			return -ENOMEM;
		cordon_device_add_port(d, port);
	}
	return 0;
}

/**
 * state_copy_device - append a device of one policy to another
 * @to: gets its segment and its ports, too, where it lacks them
 * @from: another policy
 * @i: the device
 *
 * Return: 0 or -ENOMEM.
 */
int state_copy_device(struct policy *to, const struct policy *from, u32 i)
{
	const struct cordon_device_def *v = &from->draft.devices[i];
	struct cordon_device_def *d;
	struct cordon_addr *a;
	u32 j, first;
	u16 segment;

	if (put_segment(to, from->draft.segments[v->segment].name, &segment))
		return -ENOMEM;
	d = policy_add_device(to);
	if (!d)
		return -ENOMEM;
	first = d->first;
	*d = *v;
	d->first = first;
	d->n = 0;
	d->segment = segment;
	if (put_ports(to, from, v, d))
		return -ENOMEM;
	for (j = 0; j < v->n; j++) {
		a = policy_add_address(to);
		if (!a)
			return -ENOMEM;
		*a = from->draft.addresses[v->first + j];
	}
	return 0;
}

/**
 * state_same_device - do two policies say the same of a device?
 * @a: a policy
 * @i: the device in @a
 * @b: another
 * @j: the device in @b
 */
bool state_same_device(const struct policy *a, u32 i, const struct policy *b, u32 j)
{
	const struct cordon_device_def *x = &a->draft.devices[i], *y = &b->draft.devices[j];
	char xp[POLICY_PORTS_LEN], yp[POLICY_PORTS_LEN];

	return !memcmp(x->mac, y->mac, sizeof(x->mac)) && !strcmp(x->name, y->name) &&
	       !strcmp(x->model, y->model) && x->n == y->n && x->learn == y->learn &&
	       x->roam == y->roam && x->vlan == y->vlan &&
	       x->authentication == y->authentication && x->encryption == y->encryption &&
	       x->firmware == y->firmware &&
	       !strcmp(a->draft.segments[x->segment].name, b->draft.segments[y->segment].name) &&
	       !strcmp(policy_ports_text(&a->draft, x, xp), policy_ports_text(&b->draft, y, yp)) &&
	       !memcmp(&a->draft.addresses[x->first], &b->draft.addresses[y->first],
		       x->n * sizeof(struct cordon_addr));
}

static int collect_one(struct state *s, const struct cnl_device *d)
{
	struct state_device *to;
	bool quarantined = d->state == CORDON_STATE_QUARANTINED;
	bool leased = d->lease || d->state == CORDON_STATE_EXPIRED;

	if (!quarantined && !d->outdated && !leased)
		return 0;
	to = state_add(s, d->def.mac);
	if (!to)
		return -ENOMEM;
	memcpy(to->name, d->def.name, sizeof(to->name));
	to->quarantined = quarantined;
	to->outdated = d->outdated;
	to->leased = leased;
	if (!d->lease)
		return 0;
	to->lease_end = s->saved + d->lease;
	memcpy(to->lease_port, d->lease_port, sizeof(to->lease_port));
	to->has_certificate = d->has_certificate;
	memcpy(to->certificate, d->certificate, sizeof(to->certificate));
	return 0;
}

/**
 * state_collect - what the kernel says of the state of devices
 * @s: with the time that it is saved
 * @kernel: the policy in force
 * @devices: beside its devices, one for each
 *
 * Return: 0 or -ENOMEM.
 */
int state_collect(struct state *s, const struct policy *kernel, const struct cnl_device *devices)
{
	int err = 0;
	u32 i;

	for (i = 0; !err && i < kernel->draft.n_devices; i++)
		err = collect_one(s, &devices[i]);
	return err;
}

/**
 * state_collect_bindings - what the kernel says of learned addresses
 * @s: with the time that it is saved
 * @all: they, without those that the policy gives
 *
 * Return: 0 or -ENOMEM.
 */
int state_collect_bindings(struct state *s, const struct cnl_bindings *all)
{
	struct state_binding b;
	int err = 0;
	u32 i;

	for (i = 0; !err && i < all->n; i++) {
		const struct cnl_binding *from = &all->list[i];

		b = (struct state_binding){ .addr = from->addr, .origin = from->origin,
					    .end = from->ends ? s->saved + from->lease : 0 };
		memcpy(b.mac, from->mac, sizeof(b.mac));
		memcpy(b.name, from->name, sizeof(b.name));
		err = state_bind(s, &b);
	}
	return err;
}

/**
 * state_collect_destinations - what the kernel says of where devices have been
 * @s: with the time that it is saved
 * @all: that
 *
 * Return: 0 or -ENOMEM.
 */
int state_collect_destinations(struct state *s, const struct cnl_destinations_list *all)
{
	struct state_destinations *to;
	u32 i;

	for (i = 0; i < all->n; i++) {
		if (!all->list[i].has_learning)
			continue;
		to = state_been(s);
		if (!to)
			return -ENOMEM;
		to->saved = all->list[i];
		to->learn_end = to->saved.learning ? s->saved + to->saved.learning : 0;
		to->saved.learning = 0;
	}
	return 0;
}

/**
 * state_compare - which devices were added, changed or deleted at run time
 * @s: gets them
 * @kernel: the policy in force
 * @base: the one that was put in force as a whole
 *
 * Return: 0 or -errno.
 */
int state_compare(struct state *s, const struct policy *kernel, const struct policy *base)
{
	struct cordon_policy *before = NULL, *now = NULL;
	struct cordon_error why;
	u32 i, found;
	int err;

	err = policy_seal(base, &before, &why);
	if (!err)
		err = policy_seal(kernel, &now, &why);
	for (i = 0; !err && i < kernel->draft.n_devices; i++) {
		found = cordon_policy_device_by_mac(before, kernel->draft.devices[i].mac);
		if (found == CORDON_NO_DEVICE || !state_same_device(kernel, i, base, found))
			err = state_copy_device(s->changed, kernel, i);
	}
	for (i = 0; !err && i < base->draft.n_devices; i++)
		if (cordon_policy_device_by_mac(now, base->draft.devices[i].mac) == CORDON_NO_DEVICE)
			err = state_delete(s, base->draft.devices[i].mac);
	free(before);
	free(now);
	return err;
}

/* The same end as before, if it has moved by no more than that. */
static int64_t settle_by(int64_t end, int64_t before, int64_t most)
{
	int64_t moved = end - before;

	return moved >= -most && moved <= most ? before : end;
}

static int64_t settle_end(int64_t end, int64_t before)
{
	return settle_by(end, before, JITTER);
}

static bool settle_destinations(struct state_destinations *d, const struct state_destinations *before)
{
	const struct cnl_destinations *x = &d->saved, *y = &before->saved;

	if (d->learn_end && before->learn_end)
		d->learn_end = settle_by(d->learn_end, before->learn_end, DRIFT);
	return d->learn_end == before->learn_end && !memcmp(x->mac, y->mac, sizeof(x->mac)) && !strcmp(x->name, y->name) &&
	       !memcmp(x->key, y->key, sizeof(x->key)) && x->n == y->n &&
	       !memcmp(x->hashes, y->hashes, x->n * sizeof(*x->hashes));
}

static bool settle_binding(struct state_binding *b, const struct state_binding *before)
{
	b->end = settle_end(b->end, before->end);
	return cordon_addr_equal(&b->addr, &before->addr) && !memcmp(b->mac, before->mac, sizeof(b->mac)) &&
	       !strcmp(b->name, before->name) && b->origin == before->origin && b->end == before->end;
}

static bool settle_device(struct state_device *d, const struct state_device *before)
{
	d->lease_end = settle_end(d->lease_end, before->lease_end);
	return !memcmp(d->mac, before->mac, sizeof(d->mac)) && !strcmp(d->name, before->name) &&
	       d->quarantined == before->quarantined && d->outdated == before->outdated &&
	       d->leased == before->leased && d->lease_end == before->lease_end &&
	       !strcmp(d->lease_port, before->lease_port) && d->has_certificate == before->has_certificate &&
	       !memcmp(d->certificate, before->certificate, sizeof(d->certificate));
}

/**
 * state_settle - is there anything new to save?
 * @s: as it is now; ends of leases that seem to have moved a little are put back
 * @before: as it was saved, or NULL
 *
 * Return: there is not.
 */
bool state_settle(struct state *s, const struct state *before)
{
	bool same;
	u32 i;

	if (!before || s->n_devices != before->n_devices || s->n_deleted != before->n_deleted ||
	    s->n_bindings != before->n_bindings || s->n_destinations != before->n_destinations ||
	    s->changed->draft.n_devices != before->changed->draft.n_devices)
		return false;
	same = !s->n_deleted || !memcmp(s->deleted, before->deleted, s->n_deleted * sizeof(*s->deleted));
	for (i = 0; i < s->n_devices; i++)
		same &= settle_device(&s->devices[i], &before->devices[i]);
	for (i = 0; i < s->n_bindings; i++)
		same &= settle_binding(&s->bindings[i], &before->bindings[i]);
	for (i = 0; i < s->n_destinations; i++)
		same &= settle_destinations(&s->destinations[i], &before->destinations[i]);
	for (i = 0; i < s->changed->draft.n_devices; i++)
		same &= state_same_device(s->changed, i, before->changed, i);
	return same;
}
