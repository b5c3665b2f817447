// SPDX-License-Identifier: GPL-2.0
/* Manufacturers, their roots, and the devices for which the policy's file names a certificate of theirs. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include "lib/yaml.h"
#include "serve/agent/agent.h"

#define READ_EACH	60	/* seconds after which the file is read again, changed or not: others may be part of it ... */
#define READ_RETRY	10	/* ... and after a failure */

static_assert(SERVE_MANUFACTURER_LEN == CORDON_NAME_LEN, "an issuer in the policy is a manufacturer's name");

static bool has(STACK_OF(X509) *roots, const X509 *cert)
{
	int i;

	for (i = 0; cert && i < sk_X509_num(roots); i++)
		if (!X509_cmp(sk_X509_value(roots, i), cert))
			return true;
	return false;
}

/* Else devices' certificates would be manufacturers' as well. */
static bool has_ours(STACK_OF(X509) *roots, const struct pki_ca *ca)
{
	int i;

	for (i = 0; i < sk_X509_num(ca->others); i++)
		if (has(roots, sk_X509_value(ca->others, i)))
			return true;
	return has(roots, ca->root) || has(roots, ca->issuing);
}

/**
 * agent_manufacturers_load - read the roots of the manufacturers
 * @c: says who they are
 * @ca: our own, which must not be among them
 * @to: filled; no device is known yet
 *
 * Return: 0, or -1: why not is logged, and @to is empty.
 */
int agent_manufacturers_load(const struct serve_config *c, const struct pki_ca *ca, struct agent_idevid *to)
{
	struct pki_error err = { "" };
	size_t i;

	memset(to, 0, sizeof(*to));
	for (i = 0; i < c->n_manufacturers; i++) {
		strcpy(to->list[i].name, c->manufacturers[i].name);
		if (pki_vendor_load(c->manufacturers[i].roots, &to->list[i].roots, &err))
			break;
		to->n++;
		if (has_ours(to->list[i].roots, ca)) {
			pki_fail(&err, -EINVAL, "%s: has a certificate of this gateway's own CA", c->manufacturers[i].roots);
			break;
		}
	}
	if (i == c->n_manufacturers)
		return 0;
	serve_log(LOG_ERR, "cannot use a manufacturer's roots", "manufacturer", c->manufacturers[i].name, "why", err.text,
		  NULL);
	agent_manufacturers_free(to);
	return -1;
}

/** agent_manufacturers_free - forget manufacturers and devices */
void agent_manufacturers_free(struct agent_idevid *v)
{
	size_t i;

	for (i = 0; i < v->n; i++)
		sk_X509_pop_free(v->list[i].roots, X509_free);
	free(v->devices);
	memset(v, 0, sizeof(*v));
}

static bool is_same(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
	       a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec &&
	       a->st_ctim.tv_sec == b->st_ctim.tv_sec && a->st_ctim.tv_nsec == b->st_ctim.tv_nsec;
}

/* Of a whole policy what is needed here. */
static int keep(struct agent_idevid *v, const struct policy *p)
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
	free(v->devices);
	v->devices = list;
	v->n_devices = p->n_idevids;
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
static void warn_unknown(const struct agent_idevid *v)
{
	size_t i;

	for (i = 0; i < v->n_devices; i++)
		if (!is_manufacturer(v, v->devices[i].issuer)) {
			serve_log(LOG_WARNING, "the policy's file names a manufacturer that serve.yaml does not", "manufacturer",
				  v->devices[i].issuer, "device", v->devices[i].name, NULL);
			return;
		}
}

static int read_policy(struct agent_idevid *v, const char *path, char **why)
{
	size_t len = 0;
	FILE *errors = open_memstream(why, &len);
	struct policy *p = NULL;
	int err = errors ? 0 : -ENOMEM;

	if (!err && policy_load(path, &p, errors))
		err = -EINVAL;
	if (errors)
		fclose(errors);
	if (!err)
		err = keep(v, p);
	policy_free(p);
	return err;
}

/**
 * agent_vendored_load - know the devices of the policy's file as it is now
 * @a: the agent; without manufacturers, nothing is read
 *
 * It is read again where it has changed, and else once a minute at most, or every ten seconds while it is of no use.
 *
 * Return: 0; -errno, it cannot be read or has a fault, which is logged: nobody is known then.
 */
int agent_vendored_load(struct agent *a)
{
	struct agent_idevid *v = &a->idevid;
	const char *path = a->config->policy;
	time_t now = agent_clock();
	struct stat is = { .st_ino = 0 };
	char *why = NULL;
	int err;

	if (!v->n)
		return 0;
	if (stat(path, &is))
		memset(&is, 0, sizeof(is));
	if (now < v->until && is_same(&is, &v->file))
		return v->err;
	err = read_policy(v, path, &why);
	v->err = err;
	v->file = is;
	v->until = now + (err ? READ_RETRY : READ_EACH);
	if (!err)
		warn_unknown(v);
	else
		serve_log(LOG_ERR, "the policy's file cannot be used for enrolments by manufacturers' certificates", "file",
			  path, "why", why && *why ? why : strerror(-err), NULL);
	free(why);
	return err;
}

/** agent_vendored_find - the device of a manufacturer's serial number, or NULL */
const struct agent_vendored *agent_vendored_find(const struct agent_idevid *v, const char *issuer, const char *serial)
{
	size_t i;

	for (i = 0; i < v->n_devices; i++)
		if (!strcmp(v->devices[i].serial, serial) && !strcmp(v->devices[i].issuer, issuer))
			return &v->devices[i];
	return NULL;
}
