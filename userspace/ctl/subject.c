// SPDX-License-Identifier: GPL-2.0
/* The one device that a command is about: found by name or MAC where the kernel or the registry knows it. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/subject.h"
#include "lib/suggest.h"

/*
 * Where something is changed, only a module that is not loaded may be missing: one that cannot be asked may hold a
 * lease.
 */
static int open_kernel_of(struct subject *s, bool change)
{
	int err = cnl_open(&s->nl);

	s->kernel = !err;
	if (err && change && err != -ENOENT)
		return complain_nl(&s->nl);
	if (err)
		complain_note(s->nl.error, change ? "there is no lease to end" : "neither state nor lease is shown");
	return EXIT_DONE;
}

static int open_registry_of(struct subject *s, const char *path, bool change)
{
	int err = change ? store_open(&s->store, path, false) : store_peek(&s->store, path);

	s->registry = !err;
	if (err && change && err != -ENOENT)
		return complain(path, s->store.error);
	if (err)
		complain_note(s->store.error, change ? "there is no certificate to revoke" :
		     "neither certificate nor check-in is shown");
	return EXIT_DONE;
}

static int ask_kernel(struct subject *s, const char *name, const u8 *mac)
{
	int err = s->kernel ? cnl_device_get(&s->nl, name, mac, &s->device) : -ENOENT;

	if (err && err != -ENOENT)
		return complain_nl(&s->nl);
	s->listed = !err;
	if (!err) {
		strcpy(s->name, s->device.def.name);
		memcpy(s->mac, s->device.def.mac, sizeof(s->mac));
	}
	return EXIT_DONE;
}

/* By the name that the policy has for the device, if it has one. */
static int ask_registry(struct subject *s, const char *name, const u8 *mac)
{
	int err = -ENOENT;

	if (s->registry && s->listed)
		err = store_device_get(&s->store, s->name, &s->record);
	else if (s->registry)
		err = name ? store_device_get(&s->store, name, &s->record) :
		      store_device_of_mac(&s->store, mac, &s->record);
	if (err && err != -ENOENT)
		return complain("registry", s->store.error);
	if (err)
		return EXIT_DONE;
	s->former = s->listed && memcmp(s->record.mac, s->mac, sizeof(s->mac));
	s->known = !s->former;
	if (!s->listed) {
		strcpy(s->name, s->record.name);
		memcpy(s->mac, s->record.mac, sizeof(s->mac));
	}
	return EXIT_DONE;
}

/** struct names - of devices, for a word that none has */
struct names {
	char (*list)[CORDON_DEVICE_NAME_LEN];
	u32 n;
	u32 room;
};

static int add_name(struct names *all, const char *name)
{
	void *more;

	if (all->n == all->room) {
		all->room = all->room ? 2 * all->room : 64;
		more = reallocarray(all->list, all->room, sizeof(*all->list));
		if (!more)
			return -ENOMEM;
		all->list = more;
	}
	snprintf(all->list[all->n++], sizeof(*all->list), "%s", name);
	return 0;
}

static int add_listed(const struct cnl_device *d, void *arg)
{
	return d->def.unlisted ? 0 : add_name(arg, d->def.name);
}

static int add_known(const struct store_device *d, void *arg)
{
	return d->retired ? 0 : add_name(arg, d->name);
}

static const char *name_at(const void *of, u32 i)
{
	return ((const struct names *)of)->list[i];
}

/* Who could be asked, has no such device; is there one whose name is alike. */
static int no_such(struct subject *s, const char *word)
{
	const char *who = s->kernel && s->registry ? "neither the policy in force nor the registry has such a device" :
			  s->kernel ? "the policy in force has no such device" : "the registry has no such device";
	struct names all = { NULL, 0, 0 };
	const char *meant = NULL;
	char why[192];

	if (!s->kernel && !s->registry)
		return complain(word, "nobody is there who could know that device");
	if (s->kernel)
		cnl_device_each(&s->nl, add_listed, &all);
	if (s->registry)
		store_device_each(&s->store, add_known, &all);
	if (all.n)
		meant = suggest(word, name_at, &all, all.n);
	snprintf(why, sizeof(why), "%s%s%s%s", who, meant ? ": did you mean '" : "", meant ? meant : "", meant ? "'?" : "");
	free(all.list);
	return complain(word, why);
}

static int find(struct subject *s, const char *word, const char *name, const u8 *mac)
{
	int ret = ask_kernel(s, name, mac);

	if (!ret)
		ret = ask_registry(s, name, mac);
	if (ret || s->listed || s->known)
		return ret;
	return no_such(s, word);
}

/**
 * subject_open - find a device, and keep open who knows it
 * @self: the command
 * @s: set; subject_close() it, whatever this returns
 * @word: its name or MAC
 * @registry: its file
 * @change: it is to be changed
 *
 * That kernel or registry is not there is said on standard error.
 *
 * Return: an exit status.
 */
int subject_open(const struct command *self, struct subject *s, const char *word, const char *registry, bool change)
{
	const char *name;
	const u8 *mac;
	u8 buf[6];
	int ret;

	memset(s, 0, sizeof(*s));
	if (!parse_device(word, &name, &mac, buf))
		return usage_error(self, "neither a device's name nor a MAC", word);
	ret = open_registry_of(s, registry, change);
	if (!ret)
		ret = open_kernel_of(s, change);
	return ret ? ret : find(s, word, name, mac);
}

/** subject_close - close kernel and registry */
void subject_close(struct subject *s)
{
	if (s->kernel)
		cnl_close(&s->nl);
	if (s->registry)
		store_close(&s->store);
	s->kernel = false;
	s->registry = false;
}
