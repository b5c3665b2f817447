// SPDX-License-Identifier: GPL-2.0
/* doctor: a CA that waits for its certificate, one that was revoked, a root's key that lies in the clear. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>

#include "ctl/cmd_ca.h"
#include "ctl/doctor.h"
#include "serve/common/serve.h"

/**
 * doctor_ca - the CA is one that signs, and its root is not where it signs
 * @d: the doctor, with @config
 */
void doctor_ca(struct doctor *d)
{
	char mend[2 * PATH_MAX];
	struct pki_error why;
	struct pki_ca ca;
	int err;

	if (!d->config)
		return;
	err = pki_ca_load(d->config->ca, false, NULL, &ca, &why);
	if (err == -EINPROGRESS)
		doctor_say(d, OPEN, "CA", "cordonctl ca import CHAIN", "%s", why.text);
	if (err)
		return;
	if (ca.revoked)
		doctor_say(d, OPEN, "CA", "cordonctl ca init --rollover", "the issuing certificate was revoked, or one above it: "
			   "nothing is issued");
	pki_ca_free(&ca);
	snprintf(mend, sizeof(mend), "cordonctl ca passphrase, or mv %s/root.key to where it is safe until a roll-over",
		 d->config->ca);
	if (ca_root_is_clear(d->config->ca))
		doctor_say(d, OPEN, "root key", mend, "%s/root.key lies unencrypted beside issuing.key", d->config->ca);
}
