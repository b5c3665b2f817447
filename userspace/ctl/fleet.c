// SPDX-License-Identifier: GPL-2.0
/* Devices, and what they run: by the kernel's policy, and by the registry. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/cmd_firmware.h"

static int compare(const void *a, const void *b)
{
	return strcmp(((const struct fleet_device *)a)->name, ((const struct fleet_device *)b)->name);
}

static struct fleet_device *add(struct fleet *f, const char *name)
{
	struct fleet_device *more, *d;

	if (f->n == f->room) {
		f->room = f->room ? 2 * f->room : 64;
		more = reallocarray(f->list, f->room, sizeof(*more));
		if (!more)
			return NULL;
		f->list = more;
	}
	d = &f->list[f->n++];
	memset(d, 0, sizeof(*d));
	snprintf(d->name, sizeof(d->name), "%s", name);
	d->state = -1;
	return d;
}

static int add_known(const struct store_device *known, void *arg)
{
	struct fleet_device *d;

	if (known->retired)
		return 0;
	d = add(arg, known->name);
	if (!d)
		return -ENOMEM;
	memcpy(d->mac, known->mac, sizeof(d->mac));
	snprintf(d->model, sizeof(d->model), "%s", known->model);
	snprintf(d->version, sizeof(d->version), "%s", known->firmware);
	return 0;
}

static void take(struct fleet_device *d, const struct cnl_device *v, const struct cordon_segment_def *g)
{
	memcpy(d->mac, v->def.mac, sizeof(d->mac));
	strcpy(d->model, v->def.model);
	d->automatic = v->def.firmware == CORDON_INHERIT ? g->firmware : v->def.firmware;
	d->grace = g->grace;
	d->state = v->state;
}

static int add_policy(struct fleet *f, const struct policy *p, const struct cnl_runtime *runtime)
{
	const size_t known = f->n;
	struct fleet_device key, *d;
	u32 i;

	for (i = 0; i < p->draft.n_devices; i++) {
		strcpy(key.name, runtime->devices[i].def.name);
		d = known ? bsearch(&key, f->list, known, sizeof(key), compare) : NULL;
		if (!d)
			d = add(f, key.name);
		if (!d)
			return -ENOMEM;
		take(d, &runtime->devices[i], &p->draft.segments[p->draft.devices[i].segment]);
	}
	return 0;
}

/* Without a kernel there is the registry. */
static int ask_kernel(struct fleet *f)
{
	struct cnl_runtime runtime = { NULL, NULL, NULL };
	struct policy *p = NULL;
	struct cnl nl;
	int err = 0;

	if (cnl_open(&nl))
		return 0;
	if (!cnl_fetch(&nl, &p, &runtime)) {
		f->kernel = true;
		err = add_policy(f, p, &runtime);
		cnl_runtime_free(&runtime);
		policy_free(p);
	}
	cnl_close(&nl);
	return err;
}

/**
 * fleet_load - every device that kernel or registry knows, by name
 * @f: set; fleet_free() it, whatever this returns
 * @s: the registry
 *
 * Return: 0; -ENOMEM; an -errno of the registry.
 */
int fleet_load(struct fleet *f, struct store *s)
{
	int err;

	memset(f, 0, sizeof(*f));
	err = store_device_each(s, add_known, f);
	if (f->n)
		qsort(f->list, f->n, sizeof(*f->list), compare);
	if (!err)
		err = ask_kernel(f);
	if (f->n)
		qsort(f->list, f->n, sizeof(*f->list), compare);
	return err;
}

/** fleet_free - forget the devices */
void fleet_free(struct fleet *f)
{
	free(f->list);
	memset(f, 0, sizeof(*f));
}
