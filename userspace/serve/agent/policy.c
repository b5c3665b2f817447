// SPDX-License-Identifier: GPL-2.0
/*
 * What the policy's file says and the kernel does not know: which devices have a manufacturer's certificate, and which
 * may go from one gateway to another.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include "lib/file.h"
#include "lib/yaml.h"
#include "serve/agent/agent.h"

#define READ_EACH	60	/* seconds after which the file is read again, changed or not: others may be part of it ... */
#define READ_RETRY	10	/* ... and after a failure */

static_assert(SERVE_MANUFACTURER_LEN == CORDON_NAME_LEN, "an issuer in the policy is a manufacturer's name");

/** agent_policy_free - forget it; it is read again when it is needed */
void agent_policy_free(struct agent_policy *p)
{
	free(p->vendored);
	free(p->places);
	memset(p, 0, sizeof(*p));
}

static int keep_vendored(struct agent_policy *to, const struct policy *p)
{
	struct agent_vendored *list = calloc(p->n_idevids + 1, sizeof(*list));
	const struct cordon_device_def *d;
	u32 i;

	if (!list)
		return -ENOMEM;
	for (i = 0; i < p->n_idevids; i++) {
		d = &p->draft.devices[p->idevids[i].device];
		strcpy(list[i].issuer, p->idevids[i].issuer);
		strcpy(list[i].serial, p->idevids[i].serial);
		strcpy(list[i].name, d->name);
		memcpy(list[i].mac, d->mac, sizeof(list[i].mac));
	}
	free(to->vendored);
	to->vendored = list;
	to->n_vendored = p->n_idevids;
	return 0;
}

static int compare_places(const void *a, const void *b)
{
	const struct agent_place_def *x = a, *y = b;

	return memcmp(x->mac, y->mac, sizeof(x->mac));
}

static int keep_places(struct agent_policy *to, const struct policy *p)
{
	struct agent_place_def *list = calloc(p->draft.n_devices + 1, sizeof(*list));
	const struct cordon_device_def *d;
	u32 i;

	if (!list)
		return -ENOMEM;
	for (i = 0; i < p->draft.n_devices; i++) {
		d = &p->draft.devices[i];
		memcpy(list[i].mac, d->mac, sizeof(list[i].mac));
		list[i].lease = p->draft.segments[d->segment].lease;
		list[i].roam = policy_may_roam(p, i);
	}
	qsort(list, p->draft.n_devices, sizeof(*list), compare_places);
	free(to->places);
	to->places = list;
	to->n_places = p->draft.n_devices;
	return 0;
}

static bool is_manufacturer(const struct agent_idevid *v, const char *name)
{
	size_t i;

	for (i = 0; i < v->n; i++)
		if (!strcmp(v->list[i].name, name))
			return true;
	return false;
}

/* The two files are checked one by one; that they fit together is seen here. Of several, the first is told. */
static void warn_unknown(const struct agent_idevid *v, const struct agent_policy *p)
{
	size_t i;

	for (i = 0; i < p->n_vendored; i++)
		if (!is_manufacturer(v, p->vendored[i].issuer)) {
			serve_log(LOG_WARNING, "the policy's file names a manufacturer that serve.yaml does not", "manufacturer",
				  p->vendored[i].issuer, "device", p->vendored[i].name, NULL);
			return;
		}
}

static int read_policy(struct agent *a, char **why)
{
	size_t len = 0;
	FILE *errors = open_memstream(why, &len);
	struct policy *p = NULL;
	int err = errors ? 0 : -ENOMEM;

	if (!err && policy_load(a->config->policy, &p, errors))
		err = -EINVAL;
	if (errors)
		fclose(errors);
	if (!err && a->idevid.n)
		err = keep_vendored(&a->policy, p);
	if (!err && a->fleet)
		err = keep_places(&a->policy, p);
	policy_free(p);
	return err;
}

/**
 * agent_policy_load - know the policy's file as it is now
 * @a: the agent; without manufacturers and without a fleet, nothing is read
 *
 * It is read again where it has changed, and else once a minute at most, or every ten seconds while it is of no use.
 *
 * Return: 0; -errno, it cannot be read or has a fault, which is logged: what was known before is not to be used then.
 */
int agent_policy_load(struct agent *a)
{
	struct agent_policy *p = &a->policy;
	time_t now = agent_clock();
	struct stat is = { .st_ino = 0 };
	char *why = NULL;
	int err;

	if (!a->idevid.n && !a->fleet)
		return 0;
	if (stat(a->config->policy, &is))
		memset(&is, 0, sizeof(is));
	if (now < p->until && file_is_same(&is, &p->file))
		return p->err;
	err = read_policy(a, &why);
	if (!err && a->idevid.n)
		warn_unknown(&a->idevid, p);
	else if (err && (!p->err || !file_is_same(&is, &p->file)))
		serve_log(LOG_ERR, "the policy's file cannot be used: no enrolment by a manufacturer's certificate, and no "
			  "device comes from another gateway", "file", a->config->policy, "why",
			  why && *why ? why : strerror(-err), NULL);
	p->err = err;
	p->file = is;
	p->until = now + (err ? READ_RETRY : READ_EACH);
	free(why);
	return err;
}

/** agent_vendored_find - the device of a manufacturer's serial number, or NULL */
const struct agent_vendored *agent_vendored_find(const struct agent_policy *p, const char *issuer, const char *serial)
{
	size_t i;

	for (i = 0; i < p->n_vendored; i++)
		if (!strcmp(p->vendored[i].serial, serial) && !strcmp(p->vendored[i].issuer, issuer))
			return &p->vendored[i];
	return NULL;
}

/**
 * agent_policy_place - what the policy's file says of a device that comes
 * @a: the agent, in a fleet
 * @mac: of the device
 *
 * Return: it; where the file cannot be read or does not have the device, one that may not roam.
 */
const struct agent_place_def *agent_policy_place(struct agent *a, const uint8_t mac[6])
{
	static const struct agent_place_def none = { .lease = CORDON_DEFAULT_LEASE };
	struct agent_place_def key = { .roam = false };
	const struct agent_place_def *found = NULL;

	memcpy(key.mac, mac, sizeof(key.mac));
	if (!agent_policy_load(a) && a->policy.places)
		found = bsearch(&key, a->policy.places, a->policy.n_places, sizeof(key), compare_places);
	return found ? found : &none;
}
