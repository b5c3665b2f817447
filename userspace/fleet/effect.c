// SPDX-License-Identifier: GPL-2.0
/* What a change in the fleet means outside of the registry. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include "fleet/internal.h"
#include "lib/file.h"

#define ISSUERS	"issuers.pem"	/* in the working directory */

/**
 * fleet_effect - somebody besides the registry must know
 * @f: cordon-fleet, whose registry has it already
 * @e: what
 */
void fleet_effect(struct fleet *f, const struct store_fleet_effect *e)
{
	switch (e->what) {
	case STORE_FLEET_REVOKED:
		fleet_kernel_revoked(f, e->mac, e->fingerprint);
		break;
	case STORE_FLEET_MARK:
		fleet_kernel_mark(f, e->mac, e->quarantine);
		break;
	case STORE_FLEET_GATEWAY:
		f->counted = 0;
		fleet_issuers_write(f);
		break;
	case STORE_FLEET_POLICY:
		fleet_policy_changed(f);
		break;
	default:
		break;
	}
}

static int add(const struct store_fleet_gateway *g, void *arg)
{
	FILE *out = arg;

	if (g->certificate && g->certificate[0] && !g->expelled) {
		fputs(g->certificate, out);
		if (g->certificate[strlen(g->certificate) - 1] != '\n')
			fputc('\n', out);
	}
	return 0;
}

/**
 * fleet_issuers_write - issuing certificates of the gateways that are in the fleet, for who speaks TLS with devices
 * @f: cordon-fleet
 */
void fleet_issuers_write(struct fleet *f)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);
	int err = out ? store_fleet_gateway_each(&f->store, add, out) : -ENOMEM;

	if (out && fclose(out) && !err)
		err = -ENOMEM;
	if (!err)
		err = file_write(ISSUERS, text, len, 0644);
	if (err)
		serve_log(LOG_ERR, "issuers of other gateways are not written", "file", ISSUERS, "why", strerror(-err), NULL);
	free(text);
}
