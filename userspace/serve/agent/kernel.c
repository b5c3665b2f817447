// SPDX-License-Identifier: GPL-2.0
/* What the agent asks of the kernel; the module may come and go meanwhile. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "serve/agent/agent.h"

/**
 * agent_connect - be connected to the kernel
 * @a: the agent
 *
 * Return: 0, or what cnl_open() returns.
 */
int agent_connect(struct agent *a)
{
	int err;

	if (a->connected)
		return 0;
	err = cnl_open(&a->nl);
	a->connected = !err;
	return err;
}

static void disconnect_kernel(struct agent *a)
{
	if (a->connected)
		cnl_close(&a->nl);
	a->connected = false;
	a->posture.policy = 0;
}

/* A module that was loaded anew has another family; what an old number gets is ENOENT, too. */
static bool worth_another(struct agent *a, int err)
{
	if (err != -ENOENT && err != -EIO && err != -EPROTO && err != -EOPNOTSUPP)
		return false;
	disconnect_kernel(a);
	return !agent_connect(a);
}

/**
 * agent_summary - what policy is in force
 * @a: the agent
 * @out: filled
 *
 * Return: 0 or -errno.
 */
int agent_summary(struct agent *a, struct cnl_summary *out)
{
	int err = agent_connect(a);

	if (!err)
		err = cnl_summary(&a->nl, out);
	if (err && worth_another(a, err))
		err = cnl_summary(&a->nl, out);
	return err;
}

/**
 * agent_place - where a request came from
 * @a: the agent
 * @peer: address it came from
 * @mac: of the device that it is about, or NULL
 * @name: of the device that has @peer, or empty
 *
 * Without the module there are no ports, and nobody's address is a device's.
 */
enum agent_place agent_place(struct agent *a, const struct cordon_addr *peer, const uint8_t *mac,
			     char name[CORDON_DEVICE_NAME_LEN])
{
	struct cnl_binding b;
	int err;

	name[0] = 0;
	if (agent_connect(a))
		return AGENT_PLACE_REMOTE;
	err = cnl_binding_get(&a->nl, peer, &b);
	if (err && worth_another(a, err))
		err = cnl_binding_get(&a->nl, peer, &b);
	if (!err) {
		memcpy(name, b.name, sizeof(b.name));
		return mac && !memcmp(mac, b.mac, 6) ? AGENT_PLACE_OWN : AGENT_PLACE_OTHER;
	}
	return err == -ENOENT || !a->connected ? AGENT_PLACE_REMOTE : AGENT_PLACE_UNKNOWN;
}

/**
 * agent_device_state - quarantine a device, or release it
 * @a: the agent
 * @mac: of the device
 * @state: enum cordon_state
 * @out: the device as it is then
 *
 * Return: 0, or what cnl_device_set() returns, with a sentence in @a->nl.error; -ENOTCONN, there is no kernel module.
 */
int agent_device_state(struct agent *a, const uint8_t mac[6], int state, struct cnl_device *out)
{
	struct cnl_change change = CNL_CHANGE_NONE;
	int err = agent_connect(a);

	if (err)
		return -ENOTCONN;
	change.mac = mac;
	change.state = state;
	err = cnl_device_set(&a->nl, &change, out);
	if (err && worth_another(a, err))
		err = cnl_device_set(&a->nl, &change, out);
	return a->connected ? err : -ENOTCONN;
}

/**
 * agent_lease_likely - would the kernel grant a lease, as far as can be known before
 * @a: the agent
 * @q: the check-in
 * @mac: of the device, as its certificate says
 *
 * Before a device is taken over from another gateway, which cannot be undone.
 *
 * Return: 0, or what agent_lease() would return, with a sentence in @a->nl.error.
 */
int agent_lease_likely(struct agent *a, const struct serve_request *q, const uint8_t mac[6])
{
	char text[POLICY_ADDR_LEN], of[18];
	struct cordon_addr peer;
	struct cnl_device d;
	int err = agent_connect(a);
	u8 i;

	if (!err)
		err = cnl_device_get(&a->nl, NULL, mac, &d);
	if (err && worth_another(a, err))
		err = cnl_device_get(&a->nl, NULL, mac, &d);
	if (err)
		return a->connected ? err : -ENOTCONN;
	agent_peer(q, &peer, text);
	for (i = 0; i < d.def.n; i++)
		if (d.addresses[i].hi == peer.hi && d.addresses[i].lo == peer.lo)
			break;
	if (i == d.def.n) {
		snprintf(a->nl.error, sizeof(a->nl.error), "%s is not bound to %s", text, policy_mac_text(mac, of));
		return -EADDRNOTAVAIL;
	}
	if (d.state != CORDON_STATE_QUARANTINED)
		return 0;
	snprintf(a->nl.error, sizeof(a->nl.error), "%.50s is quarantined", d.def.name);
	return -EACCES;
}

/**
 * agent_lease - let the kernel grant a lease
 * @a: the agent
 * @q: the check-in
 * @mac: of the device, as its certificate says
 * @out: the device as it is then
 *
 * The kernel holds address and interface against the device, and knows how long its segment's leases are. Without an
 * interface, none is asked for: front knows it of every connection.
 *
 * Return: 0, or what cnl_checkin() returns, with a sentence in @a->nl.error.
 */
int agent_lease(struct agent *a, const struct serve_request *q, const uint8_t mac[6], struct cnl_device *out)
{
	char text[POLICY_ADDR_LEN];
	struct cordon_addr peer;
	int err = agent_connect(a);

	if (err)
		return -ENOTCONN;
	/* The kernel would let the lease hold on every port. */
	if (!q->ifindex) {
		snprintf(a->nl.error, sizeof(a->nl.error), "a check-in through no interface");
		return -ENODEV;
	}
	agent_peer(q, &peer, text);
	err = cnl_checkin(&a->nl, mac, &peer, q->ifindex, q->fingerprint, out);
	if (err && worth_another(a, err))
		err = cnl_checkin(&a->nl, mac, &peer, q->ifindex, q->fingerprint, out);
	return a->connected ? err : -ENOTCONN;
}
