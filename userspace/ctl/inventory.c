// SPDX-License-Identifier: GPL-2.0
/* Devices as kernel and registry know them; where one of the two is not there, as the other does. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/inventory.h"
#include "pki/pki.h"

static int compare(const void *a, const void *b)
{
	return strcmp(((const struct inventory_device *)a)->name, ((const struct inventory_device *)b)->name);
}

static struct inventory_device *add(struct inventory *v, const char *name)
{
	struct inventory_device *more, *d;

	if (v->n == v->room) {
		v->room = v->room ? 2 * v->room : 64;
		more = reallocarray(v->list, v->room, sizeof(*more));
		if (!more)
			return NULL;
		v->list = more;
	}
	d = &v->list[v->n++];
	memset(d, 0, sizeof(*d));
	snprintf(d->name, sizeof(d->name), "%s", name);
	return d;
}

/* Of those that are there so far, which are sorted. */
static struct inventory_device *find(struct inventory *v, size_t n, const char *name)
{
	struct inventory_device key;

	snprintf(key.name, sizeof(key.name), "%s", name);
	return n ? bsearch(&key, v->list, n, sizeof(key), compare) : NULL;
}

static int add_known(const struct store_device *known, void *arg)
{
	struct inventory_device *d = add(arg, known->name);

	if (!d)
		return -ENOMEM;
	memcpy(d->mac, known->mac, sizeof(d->mac));
	d->known = true;
	d->registry = *known;
	return 0;
}

static int add_end(const char *name, time_t from, time_t until, void *arg)
{
	struct inventory *v = arg;
	struct inventory_device *d = find(v, v->n, name);

	(void)from;
	if (d)
		d->until = until;
	return 0;
}

/* What one that is listed adds to those of the registry, of which there are @known. */
struct adding {
	struct inventory *v;
	size_t known;
};

static int add_listed(const struct cnl_device *k, void *arg)
{
	struct adding *a = arg;
	struct inventory_device *d;

	if (k->def.unlisted)
		return 0;
	d = find(a->v, a->known, k->def.name);
	/* Another device by the same name: the registry speaks of the one before. */
	if (d && memcmp(d->mac, k->def.mac, sizeof(d->mac))) {
		d->known = false;
		d->until = 0;
	}
	if (!d)
		d = add(a->v, k->def.name);
	if (!d)
		return -ENOMEM;
	memcpy(d->mac, k->def.mac, sizeof(d->mac));
	d->listed = true;
	strcpy(d->segment, k->segment);
	strcpy(d->effective, k->effective_segment);
	strcpy(d->model, k->def.model);
	d->state = k->state;
	d->lease = k->lease;
	return 0;
}

static int ask_registry(struct inventory *v, const char *path)
{
	struct store s;
	int err = store_peek(&s, path);

	if (err) {
		complain_note(s.error, "certificates and check-ins are not shown");
		return 0;
	}
	v->registry = true;
	err = store_device_each(&s, add_known, v);
	if (v->n)
		qsort(v->list, v->n, sizeof(*v->list), compare);
	if (!err)
		err = store_expiry_each(&s, PKI_DEVICE, 0, add_end, v);
	if (err)
		complain(path, err == -ENOMEM ? "out of memory" : s.error);
	store_close(&s);
	return err;
}

static int ask_kernel(struct inventory *v)
{
	struct adding a = { v, v->n };
	struct cnl nl;
	int err = cnl_open(&nl);
	size_t i;

	if (err) {
		complain_note(nl.error, "states and leases are not shown");
		return 0;
	}
	v->kernel = true;
	do {
		v->n = a.known;
		for (i = 0; i < v->n; i++)
			v->list[i].listed = false;
		err = cnl_device_each(&nl, add_listed, &a);
	} while (err == -EAGAIN);
	if (err)
		complain_nl(&nl);
	cnl_close(&nl);
	return err;
}

/**
 * inventory_load - every device that kernel or registry know, by name
 * @v: set; inventory_free() it, whatever this returns
 * @registry: its file
 *
 * That one of the two is not there is said on standard error.
 *
 * Return: an exit status; EXIT_REFUSED, told why, also where neither is there.
 */
int inventory_load(struct inventory *v, const char *registry)
{
	memset(v, 0, sizeof(*v));
	if (ask_registry(v, registry) || ask_kernel(v))
		return EXIT_REFUSED;
	if (v->n)
		qsort(v->list, v->n, sizeof(*v->list), compare);
	return v->kernel || v->registry ? EXIT_DONE : EXIT_REFUSED;
}

/** inventory_free - forget the devices */
void inventory_free(struct inventory *v)
{
	free(v->list);
	memset(v, 0, sizeof(*v));
}
