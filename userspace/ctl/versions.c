// SPDX-License-Identifier: GPL-2.0
/* What devices said they run, for whoever may read the registry. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/ctl.h"
#include "store/store.h"

/**
 * struct version - a device and what it runs
 * @name: of the device
 * @firmware: as it told
 */
struct version {
	char name[CORDON_DEVICE_NAME_LEN];
	char firmware[64];
};

static int add(const struct store_device *d, void *arg)
{
	struct versions *v = arg;
	struct version *more;

	if (!d->firmware[0])
		return 0;
	if (v->n == v->room) {
		v->room = v->room ? 2 * v->room : 64;
		more = reallocarray(v->list, v->room, sizeof(*more));
		if (!more)
			return -ENOMEM;
		v->list = more;
	}
	strcpy(v->list[v->n].name, d->name);
	strcpy(v->list[v->n++].firmware, d->firmware);
	return 0;
}

/**
 * versions_load - read the registry, if it is there and may be read
 * @v: set; versions_free() it
 * @path: of the registry
 *
 * The list is by name, as the registry gives it.
 */
void versions_load(struct versions *v, const char *path)
{
	struct store s;

	memset(v, 0, sizeof(*v));
	if (store_peek(&s, path))
		return;
	store_device_each(&s, add, v);
	store_close(&s);
}

static int compare(const void *name, const void *version)
{
	return strcmp(name, ((const struct version *)version)->name);
}

/**
 * versions_find - what a device runs
 * @v: the versions
 * @name: of the device
 *
 * Return: its version; NULL, not known.
 */
const char *versions_find(const struct versions *v, const char *name)
{
	const struct version *found = v->n ? bsearch(name, v->list, v->n, sizeof(*found), compare) : NULL;

	return found ? found->firmware : NULL;
}

/** versions_free - forget them */
void versions_free(struct versions *v)
{
	free(v->list);
	memset(v, 0, sizeof(*v));
}
