// SPDX-License-Identifier: GPL-2.0
/* A table of the kernel's devices, found by MAC and by name; read anew when the policy changes. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "serve/agent/devices.h"

#define PRIME 0x9e3779b97f4a7c15ULL

static uint32_t hash(const void *key, size_t len)
{
	const uint8_t *p = key;
	uint64_t h = len;

	while (len--)
		h = (h ^ *p++) * PRIME;
	return h >> 32;
}

/* Where it is, or is to be. */
static uint32_t *slot_of_mac(const struct devices *d, const uint8_t mac[6])
{
	uint32_t i = hash(mac, 6) & d->mask;

	while (d->by_mac[i] && memcmp(d->list[d->by_mac[i] - 1].mac, mac, 6))
		i = (i + 1) & d->mask;
	return &d->by_mac[i];
}

static uint32_t *slot_of_name(const struct devices *d, const char *name)
{
	uint32_t i = hash(name, strlen(name)) & d->mask;

	while (d->by_name[i] && strcmp(d->list[d->by_name[i] - 1].name, name))
		i = (i + 1) & d->mask;
	return &d->by_name[i];
}

/** devices_by_mac - the device of a MAC, or NULL */
struct device *devices_by_mac(const struct devices *d, const uint8_t mac[6])
{
	uint32_t at = d->by_mac ? *slot_of_mac(d, mac) : 0;

	return at ? &d->list[at - 1] : NULL;
}

/** devices_by_name - the device of a name, or NULL */
struct device *devices_by_name(const struct devices *d, const char *name)
{
	uint32_t at = d->by_name ? *slot_of_name(d, name) : 0;

	return at ? &d->list[at - 1] : NULL;
}

/** devices_free - forget all of them */
void devices_free(struct devices *d)
{
	free(d->list);
	free(d->by_mac);
	free(d->by_name);
	memset(d, 0, sizeof(*d));
}

/**
 * struct load - a table that is being read
 * @d: so far
 * @size: room in @d->list
 * @segments: all of them
 * @n_segments: how many
 * @last: the one that was looked for last, as neighbours are often alike
 */
struct load {
	struct devices d;
	uint32_t size;
	struct cnl_segment *segments;
	uint32_t n_segments;
	uint32_t last;
};

static int on_segment(const struct cnl_segment *segment, void *arg)
{
	struct load *l = arg;
	struct cnl_segment *list = reallocarray(l->segments, l->n_segments + 1, sizeof(*list));

	if (!list)
		return -ENOMEM;
	l->segments = list;
	list[l->n_segments++] = *segment;
	return 0;
}

static const struct cordon_segment_def *find_segment(struct load *l, const char *name)
{
	uint32_t i;

	for (i = 0; i < l->n_segments; i++, l->last++) {
		if (l->last >= l->n_segments)
			l->last = 0;
		if (!strcmp(l->segments[l->last].def.name, name))
			return &l->segments[l->last].def;
	}
	return NULL;
}

static int on_device(const struct cnl_device *device, void *arg)
{
	const struct cordon_segment_def *segment;
	struct load *l = arg;
	struct device *to;

	if (l->d.n == l->size) {
		l->size = l->size ? 2 * l->size : 64;
		to = reallocarray(l->d.list, l->size, sizeof(*to));
		if (!to)
			return -ENOMEM;
		l->d.list = to;
	}
	segment = find_segment(l, device->segment);
	if (!segment)	/* it came meanwhile */
		return -EAGAIN;
	to = &l->d.list[l->d.n++];
	memset(to, 0, sizeof(*to));
	memcpy(to->mac, device->def.mac, 6);
	to->automatic = device->def.firmware == CORDON_INHERIT ? segment->firmware : device->def.firmware;
	to->outdated = device->outdated;
	to->grace = segment->grace;
	to->postpone = segment->postpone;
	strcpy(to->name, device->def.name);
	snprintf(to->model, sizeof(to->model), "%s", device->def.model);
	return 0;
}

static int make_index(struct devices *d)
{
	uint32_t size = 64, i;

	while (size < 2 * d->n)
		size *= 2;
	d->mask = size - 1;
	d->by_mac = calloc(size, sizeof(*d->by_mac));
	d->by_name = calloc(size, sizeof(*d->by_name));
	if (!d->by_mac || !d->by_name)
		return -ENOMEM;
	for (i = 0; i < d->n; i++) {
		*slot_of_mac(d, d->list[i].mac) = i + 1;
		*slot_of_name(d, d->list[i].name) = i + 1;
	}
	return 0;
}

/* What the kernel does not know of a device outlives the policy. */
static void keep(struct devices *d, const struct devices *old)
{
	const struct device *was;
	struct device *is;

	for (is = d->list; is < d->list + d->n; is++) {
		was = devices_by_mac(old, is->mac);
		if (!was)
			continue;
		is->ours = was->ours && is->outdated;
		is->asked = was->asked;
		is->told = was->told && !strcmp(is->name, was->name) && !strcmp(is->model, was->model);
		is->action = was->action;
		strcpy(is->version, was->version);
	}
}

/**
 * devices_load - read them from the kernel
 * @d: the table; what is in it stays on failure
 * @nl: the connection
 *
 * Return: 0; -EAGAIN, the policy changed meanwhile; another -errno.
 */
int devices_load(struct devices *d, struct cnl *nl)
{
	struct load l = { .size = 0 };
	int err = cnl_segment_each(nl, on_segment, &l);

	if (!err)
		err = cnl_device_each(nl, on_device, &l);
	if (!err)
		err = make_index(&l.d);
	free(l.segments);
	if (err) {
		devices_free(&l.d);
		return err;
	}
	keep(&l.d, d);
	devices_free(d);
	*d = l.d;
	return 0;
}
