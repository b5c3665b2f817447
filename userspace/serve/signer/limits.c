// SPDX-License-Identifier: GPL-2.0
/* What the configuration lets be certified, by signer's own copy of it: agent is not asked. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "serve/signer/signer.h"
#include "lib/policy.h"

#define SLACK		60		/* seconds that the clock may be set back between agent and here */
#define BACKDATE_MAX	(2 * 86400)	/* seconds that a certificate may begin before now */

static int check_times(const struct pki_profile *p, uint32_t valid, time_t now, struct pki_error *err)
{
	if (p->not_before < now - BACKDATE_MAX || p->not_before > now + SLACK)
		return pki_fail(err, -EPERM, "a certificate that does not begin now");
	if (p->not_after <= p->not_before || p->not_after - SLACK > (int64_t)now + valid)
		return pki_fail(err, -EPERM, "a certificate for longer than the %u s that the configuration allows",
				valid);
	return 0;
}

static bool is_ours(const struct serve_config *config, const char *name)
{
	size_t i;

	for (i = 0; i < config->n_names; i++)
		if (!strcmp(config->names[i], name))
			return true;
	return false;
}

/* A common name has at most 64 bytes (RFC 5280, A.1). */
static bool is_common_name(const struct serve_config *config, const char *name)
{
	size_t len = strlen(name);

	return len && len == strnlen(config->names[0], PKI_NAME_LEN - 1) && !memcmp(config->names[0], name, len);
}

static int check_server(const struct serve_config *config, const struct pki_profile *p, struct pki_error *err)
{
	size_t i;

	if (!p->n_names || !is_common_name(config, p->name))
		return pki_fail(err, -EPERM, "a server certificate for '%.64s', which the configuration does not name",
				p->name);
	for (i = 0; i < p->n_names; i++)
		if (!is_ours(config, p->names[i]))
			return pki_fail(err, -EPERM,
					"a server certificate for '%.64s', which the configuration does not name",
					p->names[i]);
	return 0;
}

/**
 * signer_allows - may there be such a certificate, whoever asks
 * @config: signer's own copy
 * @p: what is to be certified
 * @now: seconds since 1970
 * @err: why not
 *
 * A device is who the registry says, which signer does not have: of it, only the form is looked at.
 *
 * Return: 0; -EPERM with @err.
 */
int signer_allows(const struct serve_config *config, const struct pki_profile *p, time_t now, struct pki_error *err)
{
	switch (p->kind) {
	case PKI_DEVICE:
		if (p->n_names || !cordon_name_is_valid(p->name, PKI_NAME_LEN))
			return pki_fail(err, -EPERM, "a device's certificate with a name that is no device's");
		return check_times(p, config->valid, now, err);
	case PKI_SERVER:
		return check_server(config, p, err) ? -EPERM : check_times(p, SERVE_SERVER_VALID, now, err);
	case PKI_CODE:
		if (p->n_names || strcmp(p->name, SERVE_CODE_NAME))
			return pki_fail(err, -EPERM, "a certificate for offers with another name");
		return check_times(p, SERVE_CODE_VALID, now, err);
	case PKI_OPERATOR:
		return pki_fail(err, -EPERM, "an operator's certificate: 'cordonctl ca operator' alone makes these");
	}
	return pki_fail(err, -EPERM, "a certificate of no kind that there is");
}

/**
 * signer_reload - read the configuration again
 * @config: what holds; changed on success
 *
 * Names of this machine's own stay as they were at the start, when all of them could be seen.
 *
 * Return: 0; -EINVAL, it cannot be read, or is wrong: what held before holds.
 */
int signer_reload(struct serve_config *config)
{
	/* A file that was there at the start has to be there. */
	const char *path = config->from_file ? config->path : NULL;
	struct serve_config fresh;

	if (serve_config_load(path, &fresh, stderr))
		return -EINVAL;
	config->valid = fresh.valid;
	strcpy(config->status_url, fresh.status_url);
	if (!fresh.own_names) {
		memcpy(config->names, fresh.names, sizeof(fresh.names));
		config->n_names = fresh.n_names;
	}
	return 0;
}
