// SPDX-License-Identifier: GPL-2.0
/*
 * Which devices run firmware that is too old: the kernel confines those to their update. Judged when a
 * device tells its version, when floors change, and when a grace ends; told to the kernel only where that
 * changes something.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include "serve/agent/agent.h"

#define TICK	1	/* seconds between two looks at generations */
#define AGAIN	5	/* seconds after which what the kernel did not take is tried again */
#define RELOAD	300	/* seconds after which the kernel's devices are read again */

static const struct firmware_floor *find_floor(const struct agent_posture *p, const char *model)
{
	size_t i;

	for (i = 0; *model && i < p->n_floors; i++)
		if (!strcmp(p->floors[i].model, model))
			return &p->floors[i];
	return NULL;
}

static bool is_outdated(struct agent *a, const struct device *d, time_t now)
{
	const struct firmware_floor *floor = find_floor(&a->posture, d->model);
	time_t until = 0;
	bool outdated;

	if (!d->automatic || !floor)
		return false;
	outdated = firmware_is_outdated(floor, d->version, d->grace, now, &until);
	if (until && (!a->posture.until || until < a->posture.until))
		a->posture.until = until;
	return outdated;
}

/* Return: 1, the kernel has changed it; -1, it has not: it is tried again soon. */
static int tell_kernel(struct agent *a, struct device *d, bool outdated, struct cnl_device *now)
{
	struct cnl_change change = CNL_CHANGE_NONE;

	change.mac = d->mac;
	change.outdated = outdated;
	if (agent_connect(a) || cnl_device_set(&a->nl, &change, now)) {
		serve_log(LOG_ERR, "a device's posture cannot be set", "device", d->name, "why", a->nl.error, NULL);
		a->posture.reload = agent_clock() + AGAIN;
		return -1;
	}
	d->outdated = outdated;
	d->ours = outdated;
	serve_count(&a->counters->updates[outdated ? SERVE_UPDATE_OUTDATED : SERVE_UPDATE_RESTORED]);
	serve_log(LOG_NOTICE, outdated ? "outdated" : "no longer outdated", "device", d->name, "model", d->model,
		  "firmware", d->version[0] ? d->version : NULL, NULL);
	return 1;
}

/*
 * Of devices that are only to report, and of those without a model, the mark is an operator's, unless it is
 * one that we made.
 */
static int judge(struct agent *a, struct device *d, time_t now, struct cnl_device *out)
{
	bool outdated = is_outdated(a, d, now);

	if (outdated == d->outdated || (!outdated && !d->ours && (!d->automatic || !d->model[0])))
		return 0;
	return tell_kernel(a, d, outdated, out);
}

static void judge_all(struct agent *a)
{
	struct cnl_device out;
	time_t now = time(NULL);
	uint32_t i;

	a->posture.until = 0;
	for (i = 0; i < a->devices.n; i++)
		if (judge(a, &a->devices.list[i], now, &out) < 0)
			break;
}

/**
 * agent_posture_told - a device has told what it runs
 * @a: the agent
 * @d: the device
 * @version: of its firmware
 * @now: filled if the kernel was told something
 *
 * Return: the kernel was.
 */
bool agent_posture_told(struct agent *a, struct device *d, const char *version, struct cnl_device *now)
{
	if (!strcmp(d->version, version))
		return false;
	snprintf(d->version, sizeof(d->version), "%s", version);
	return judge(a, d, time(NULL), now) > 0;
}

static int on_floor(const struct firmware_floor *floor, void *arg)
{
	struct agent_posture *p = arg;
	struct firmware_floor *list = reallocarray(p->floors, p->n_floors + 1, sizeof(*list));

	if (!list)
		return -ENOMEM;
	p->floors = list;
	list[p->n_floors++] = *floor;
	return 0;
}

static int on_version(const struct store_device *known, void *arg)
{
	struct agent *a = arg;
	struct device *d = devices_by_name(&a->devices, known->name);

	if (d)
		snprintf(d->version, sizeof(d->version), "%s", known->firmware);
	return 0;
}

/* Floors, and what devices run. */
static int read_registry(struct agent *a)
{
	struct agent_posture *p = &a->posture;
	int err;

	/* What is told but not written down yet is younger than the registry. */
	agent_records_write(a, true);
	free(p->floors);
	p->floors = NULL;
	p->n_floors = 0;
	err = store_floor_each(&a->store, on_floor, p);
	return err ? err : store_device_each(&a->store, on_version, a);
}

/* A roll-out's share is one of all devices of a model, whether they have asked yet or not. */
static void tell_models(struct agent *a)
{
	struct devices *all = &a->devices;
	struct device *d = all->list;
	int err;

	while (d < all->list + all->n && d->told)
		d++;
	if (d == all->list + all->n || store_begin(&a->store, false))
		return;
	for (; d < all->list + all->n; d++) {
		err = d->told ? 0 : store_device_model(&a->store, d->name, d->model);
		d->told = !err;
		if (err && err != -ENOENT)
			serve_log(LOG_ERR, "registry", "device", d->name, "why", a->store.error, NULL);
	}
	if (store_commit(&a->store))
		store_rollback(&a->store);
}

static bool policy_changed(struct agent *a, time_t now)
{
	struct agent_posture *p = &a->posture;
	struct cnl_summary summary;

	if (agent_summary(a, &summary))
		return false;
	if (summary.generation == p->policy && now < p->reload)
		return false;
	if (devices_load(&a->devices, &a->nl))
		return false;
	tell_models(a);
	p->policy = summary.generation;
	p->reload = now + RELOAD;
	return true;
}

static bool registry_changed(struct agent *a)
{
	uint64_t generation;

	if (store_firmware_generation(&a->store, &generation)) {
		serve_log(LOG_ERR, "registry", "why", a->store.error, NULL);
		return false;
	}
	if (generation == a->posture.generation)
		return false;
	a->posture.generation = generation;
	return true;
}

/**
 * agent_posture_tick - judge all devices anew if there is a reason
 * @a: the agent
 *
 * Cheap to call, and to be called at least once a second.
 */
void agent_posture_tick(struct agent *a)
{
	struct agent_posture *p = &a->posture;
	bool policy, registry, due;
	time_t now = agent_clock();

	if (now < p->tick)
		return;
	p->tick = now + TICK;
	policy = policy_changed(a, now);
	registry = registry_changed(a);
	due = p->until && time(NULL) >= p->until;
	if (!policy && !registry && !due)
		return;
	if ((policy || registry) && read_registry(a)) {
		serve_log(LOG_ERR, "registry", "why", a->store.error, NULL);
		p->generation = 0;
		return;
	}
	judge_all(a);
}

/**
 * agent_posture_begin - begin a transaction about one device's firmware
 * @a: the agent
 * @alone: nobody else has changed the registry since all devices were judged
 *
 * Return: 0 or -errno.
 */
int agent_posture_begin(struct agent *a, bool *alone)
{
	uint64_t generation;
	int err = store_begin(&a->store, false);

	if (err)
		return err;
	err = store_firmware_generation(&a->store, &generation);
	if (err)
		store_rollback(&a->store);
	*alone = !err && generation == a->posture.generation;
	return err;
}

/**
 * agent_posture_commit - end it; what it changed is no reason to judge all devices
 * @a: the agent
 * @alone: as agent_posture_begin() said
 *
 * Return: 0 or -errno; then nothing is changed.
 */
int agent_posture_commit(struct agent *a, bool alone)
{
	uint64_t generation = 0;
	int err = store_firmware_generation(&a->store, &generation);

	if (!err)
		err = store_commit(&a->store);
	if (err)
		store_rollback(&a->store);
	else if (alone)
		a->posture.generation = generation;
	return err;
}
