// SPDX-License-Identifier: GPL-2.0
/* What a change in the fleet means outside of the registry. */
#include <syslog.h>

#include "fleet/internal.h"
#include "lib/policy.h"

/* Both have had it, as where two gateways come together: which one it is, etcd says. */
static void tell_name(const struct store_fleet_effect *e)
{
	char mac[18], had[18];

	serve_log(LOG_WARNING, "another device of the fleet has this name: the one here is to be given another, and a new token",
		  "device", e->name, "mac", policy_mac_text(e->mac, mac), "here", policy_mac_text(e->had, had), NULL);
}

/**
 * fleet_effect - somebody besides the registry must know
 * @f: cordon-fleet, whose registry has it already
 * @e: what
 */
void fleet_effect(struct fleet *f, const struct store_fleet_effect *e)
{
	bool known, expelled = false;

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
		/* The leases of certificates that it has issued end. */
		if (!store_fleet_gateway_get(&f->store, e->name, &known, &expelled) && expelled)
			fleet_kernel_agree(f);
		break;
	case STORE_FLEET_POLICY:
		fleet_policy_changed(f);
		break;
	case STORE_FLEET_NAME:
		tell_name(e);
		break;
	default:
		break;
	}
}
