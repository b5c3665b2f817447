/* SPDX-License-Identifier: GPL-2.0 */
/* Kernel, registry and who holds what, all of straw: for tests of fleet/kernel.c. */
#ifndef FLEET_KERNEL_H
#define FLEET_KERNEL_H

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "fleet/kernel.h"

#include "tap.h"

#define DEVICES	4
#define EVENTS	16

static struct device {
	bool there, quarantined, unlisted, outdated, certified;
	uint32_t lease;
	uint8_t certificate;
} devices[DEVICES];

static struct {
	bool absent;		/* the module is not loaded */
	int set, each, get;	/* what these answer, if not 0 */
	bool lost;		/* events were */
	struct cnl_event events[EVENTS];
	unsigned int n, told;
	struct cnl_listener *listener;
	unsigned int sets;
} kernel;

static struct {
	bool marks[DEVICES], revoked[256], expelled[256];
	unsigned int notes;
	char why[128];
	int fail, read_fail;
	bool someone;		/* is expelled */
} registry;

static struct {
	unsigned int ended, leased, looks;
	size_t n;
} holder;

static unsigned int pokes;
static struct event_base *base;
static struct serve_config config;
static struct fleet fleet;

static void mac_of(unsigned int i, uint8_t mac[6])
{
	memcpy(mac, (uint8_t[6]){ 2, 0, 0, 0, 2, i }, 6);
}

static struct device *find(const uint8_t *mac)
{
	return mac[5] < DEVICES && devices[mac[5]].there ? &devices[mac[5]] : NULL;
}

static void fill(const struct device *d, struct cnl_device *out)
{
	memset(out, 0, sizeof(*out));
	mac_of(d - devices, out->def.mac);
	snprintf(out->def.name, sizeof(out->def.name), "dev-%u", (unsigned int)(d - devices));
	out->def.unlisted = d->unlisted;
	out->state = d->quarantined ? CORDON_STATE_QUARANTINED : d->outdated ? CORDON_STATE_OUTDATED : CORDON_STATE_ACTIVE;
	out->outdated = d->outdated;
	out->lease = d->lease;
	out->has_certificate = d->certified;
	out->certificate[0] = d->certificate;
}

static void tell_device(const struct device *d)
{
	struct cnl_event *e = &kernel.events[kernel.n++ % EVENTS];

	memset(e, 0, sizeof(*e));
	e->cmd = CORDON_CMD_DEVICE_NTF;
	fill(d, &e->device);
}

static void tell_policy(void)
{
	struct cnl_event *e = &kernel.events[kernel.n++ % EVENTS];

	memset(e, 0, sizeof(*e));
	e->cmd = CORDON_CMD_POLICY_NTF;
}

int cnl_open(struct cnl *nl)
{
	memset(nl, 0, sizeof(*nl));
	snprintf(nl->error, sizeof(nl->error), "no family");
	if (kernel.absent)
		return -ENOENT;
	nl->sock = nl_socket_alloc();
	return nl->sock ? 0 : -ENOMEM;
}

void cnl_close(struct cnl *nl)
{
	nl_socket_free(nl->sock);
	nl->sock = NULL;
}

int cnl_join(struct cnl *nl, struct cnl_listener *listener)
{
	(void)nl;
	kernel.listener = listener;
	return 0;
}

int cnl_hear(struct cnl *nl)
{
	(void)nl;
	if (kernel.lost) {
		kernel.lost = false;
		kernel.told = kernel.n;
		return -ENOBUFS;
	}
	if (kernel.told < kernel.n)
		kernel.listener->event(&kernel.events[kernel.told++ % EVENTS], kernel.listener->arg);
	return 0;
}

int cnl_summary(struct cnl *nl, struct cnl_summary *out)
{
	(void)nl;
	memset(out, 0, sizeof(*out));
	return kernel.absent ? -ENOENT : 0;
}

int cnl_device_get(struct cnl *nl, const char *name, const u8 *mac, struct cnl_device *out)
{
	(void)nl;
	(void)name;
	if (kernel.get || !find(mac))
		return kernel.get ? kernel.get : -ENOENT;
	fill(find(mac), out);
	return 0;
}

int cnl_device_set(struct cnl *nl, const struct cnl_change *change, struct cnl_device *out)
{
	struct device *d = find(change->mac);

	(void)nl;
	if (kernel.set || !d)
		return kernel.set ? kernel.set : -ENOENT;
	kernel.sets++;
	d->quarantined = change->state == CORDON_STATE_QUARANTINED;
	if (change->state == CORDON_STATE_ACTIVE)
		d->outdated = false;
	if (change->outdated >= 0)
		d->outdated = change->outdated;
	tell_device(d);
	fill(d, out);
	return 0;
}

int cnl_device_each(struct cnl *nl, int (*each)(const struct cnl_device *device, void *arg), void *arg)
{
	struct cnl_device out;
	unsigned int i;

	(void)nl;
	/* Not in order. */
	for (i = DEVICES; i-- > 0 && !kernel.each;)
		if (devices[i].there) {
			fill(&devices[i], &out);
			each(&out, arg);
		}
	return kernel.each;
}

int cnl_lease_end(struct cnl *nl, const u8 mac[6], const u8 certificate[32], struct cnl_device *out)
{
	struct device *d = find(mac);

	(void)nl;
	if (kernel.set || !d)
		return kernel.set ? kernel.set : -ENOENT;
	if (!certificate || (d->certified && d->certificate == certificate[0])) {
		d->lease = 0;
		d->certified = false;
		tell_device(d);
	}
	fill(d, out);
	return 0;
}

void serve_log(int priority, const char *event, ...)
{
	(void)priority;
	(void)event;
}

int store_fleet_mark(struct store *s, const uint8_t mac[6], bool quarantine, const char *why, time_t when)
{
	(void)s;
	(void)when;
	if (registry.fail)
		return registry.fail;
	registry.notes += registry.marks[mac[5]] != quarantine;
	registry.marks[mac[5]] = quarantine;
	snprintf(registry.why, sizeof(registry.why), "%s", why);
	return 0;
}

int store_fleet_mark_each(struct store *s, int (*each)(const uint8_t mac[6], const char *why, const char *by,
						       time_t since, void *arg), void *arg)
{
	uint8_t mac[6];
	unsigned int i;

	(void)s;
	for (i = 0; i < DEVICES && !registry.read_fail; i++) {
		mac_of(i, mac);
		if (registry.marks[i])
			each(mac, "", "", 1, arg);
	}
	return registry.read_fail;
}

int store_revoked_each(struct store *s, time_t ends, int (*each)(const struct store_certificate *c, void *arg), void *arg)
{
	struct store_certificate c;
	int i;

	(void)s;
	(void)ends;
	for (i = 255; i >= 0; i--) {
		memset(&c, 0, sizeof(c));
		c.fingerprint[0] = i;
		if (registry.revoked[i])
			each(&c, arg);
	}
	return 0;
}

int store_fleet_gateway_each(struct store *s, int (*each)(const struct store_fleet_gateway *g, void *arg), void *arg)
{
	struct store_fleet_gateway g = { .name = "b", .expelled = registry.someone };

	(void)s;
	return each(&g, arg);
}

/* The registry calls device 3 otherwise than the policy. */
int store_cert_each(struct store *s, const char *name, int (*each)(const struct store_certificate *c, void *arg), void *arg)
{
	struct store_certificate c = { .name = "" };
	unsigned int i;

	(void)s;
	if (!strcmp(name, "dev-3"))
		return 0;
	for (i = 0; i < 256; i++) {
		c.fingerprint[0] = i;
		c.serial[0] = i;
		each(&c, arg);
	}
	return 0;
}

int store_device_of_mac(struct store *s, const uint8_t mac[6], struct store_device *out)
{
	(void)s;
	memset(out, 0, sizeof(*out));
	snprintf(out->name, sizeof(out->name), "other-%u", mac[5]);
	return 0;
}

int store_fleet_issuer(struct store *s, const uint8_t serial[STORE_SERIAL_LEN], char gateway[STORE_GATEWAY_LEN],
		       bool *expelled)
{
	(void)s;
	*gateway = 0;
	*expelled = registry.expelled[serial[0]];
	return 0;
}

void fleet_outbox_poke(struct fleet *f)
{
	(void)f;
	pokes++;
}

void fleet_holder_lease_ended(struct fleet *f, const uint8_t mac[6])
{
	(void)f;
	(void)mac;
	holder.ended++;
}

void fleet_holder_leased(struct fleet *f, const uint8_t mac[6])
{
	(void)f;
	(void)mac;
	holder.leased++;
}

void fleet_holder_leases(struct fleet *f, const struct fleet_lease *leases, size_t n)
{
	size_t i;

	(void)f;
	holder.looks++;
	holder.n = n;
	for (i = 1; i < n; i++)
		if (memcmp(leases[i - 1].mac, leases[i].mac, 6) >= 0)
			holder.n = 999;
}

static void hear_all(void)
{
	while (fleet.connected && kernel.told < kernel.n)
		kernel_hear(fleet.kernel);
}

/* What was to be compared is, and what follows is heard. */
static void turn(void)
{
	hear_all();
	kernel_tick(fleet.kernel);
	hear_all();
}

static void reset(void)
{
	unsigned int i;

	fleet_kernel_end(&fleet);
	memset(&devices, 0, sizeof(devices));
	memset(&kernel, 0, sizeof(kernel));
	memset(&registry, 0, sizeof(registry));
	memset(&holder, 0, sizeof(holder));
	for (i = 0; i + 1 < DEVICES; i++)
		devices[i].there = true;
}

static void begin(void)
{
	if (fleet_kernel_begin(&fleet))
		abort();
	hear_all();
}

static void here(unsigned int i, bool quarantined)
{
	devices[i].quarantined = quarantined;
	tell_device(&devices[i]);
	hear_all();
}

static void everywhere(unsigned int i, bool quarantined)
{
	uint8_t mac[6];

	mac_of(i, mac);
	registry.marks[i] = quarantined;
	fleet_kernel_mark(&fleet, mac, quarantined);
}

#endif
