// SPDX-License-Identifier: GPL-2.0
/* Leases that wait for the interface of a port. */
#include <linux/rcupdate.h>
#include <linux/sched.h>

#include "lease.h"
#include "net.h"
#include "ruleset.h"

/* The interface of the port that a lease waits for; 0, there is none so far. */
static int lease_wire(const struct cordon_ruleset *rs, const char *name)
{
	const struct cordon_draft *d = &rs->policy->draft;
	const struct cordon_interface *interface;
	int wire = 0;
	u32 port;

	for (port = 0; port < d->n_ports; port++)
		if (!strcmp(d->ports[port].name, name))
			break;
	if (port == d->n_ports)
		return 0;
	rcu_read_lock();
	interface = cordon_ports_find(rcu_dereference(rs->ports),
				      cordon_ports_ifindex(rcu_dereference(rs->ports), port));
	if (interface)
		wire = interface->wire;
	rcu_read_unlock();
	return wire;
}

/**
 * cordon_leases_bind - bind the leases that wait for the interface of a port
 * @cn: the namespace
 *
 * Context: cordon_net.lock held; may sleep.
 */
void cordon_leases_bind(struct cordon_net *cn)
{
	struct cordon_ruleset *rs = cordon_net_ruleset(cn);
	struct cordon_device *device;
	int wire;
	u32 i;

	cn->leases_wait = false;
	for (i = 0; rs && i < rs->policy->draft.n_devices; i++) {
		device = rs->devices[i];
		if (cordon_policy_is_device(rs->policy, i) &&
		    device->lease_ifindex == CORDON_LEASE_WAITS) {
			wire = lease_wire(rs, device->lease_port);
			if (wire)
				cordon_device_bind(device, wire);
			else
				cn->leases_wait = true;
		}
		cond_resched();
	}
}
