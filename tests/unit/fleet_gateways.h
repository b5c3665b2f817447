/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Two gateways of a fleet, an etcd in memory, and of each gateway what holder.c and its neighbours need: a registry, a
 * kernel, an agent that asks.
 */
#ifndef FLEET_GATEWAYS_H
#define FLEET_GATEWAYS_H

#include <errno.h>
#include <stdarg.h>
#include <syslog.h>
#include <time.h>

#include "fleet/holder.h"

#include "fake_etcd.h"
#include "tap.h"

#define GATEWAYS	2
#define DEVICES		3

enum { A, B };

/* What a gateway has, besides what is tested. */
static struct gateway {
	struct fleet f;
	struct serve_config config;
	struct etcd etcd;
	bool held[DEVICES], leased[DEVICES], operator[DEVICES];
	bool known[DEVICES];	/* lease told as an event */
	bool granting[DEVICES];	/* the answer is there, the lease comes */
	bool roam;
	int kernel;		/* what it answers, if not 0 */
	int disk;		/* what the registry answers, if not 0 */
	unsigned int answers, ends;
	char is[16], more[256];
} gateways[GATEWAYS];

static struct event_base *base;
static bool b_expelled;

static void mac_of(unsigned int device, uint8_t mac[6])
{
	memcpy(mac, (uint8_t[6]){ 2, 0, 0, 0, 1, device }, 6);
}

static struct gateway *gateway_of(const struct fleet *f)
{
	return f == &gateways[A].f ? &gateways[A] : &gateways[B];
}

static struct gateway *store_of(const struct store *s)
{
	return s == &gateways[A].f.store ? &gateways[A] : &gateways[B];
}

void serve_log(int priority, const char *event, ...)
{
	(void)priority;
	(void)event;
}

int store_fleet_held(struct store *s, const uint8_t mac[6], bool *held)
{
	*held = store_of(s)->held[mac[5]];
	return 0;
}

int store_fleet_hold(struct store *s, const uint8_t mac[6], bool held)
{
	struct gateway *g = store_of(s);

	if (!g->disk)
		g->held[mac[5]] = held;
	return g->disk;
}

int store_fleet_held_each(struct store *s, int (*each)(const uint8_t mac[6], void *arg), void *arg)
{
	uint8_t mac[6];
	unsigned int i;

	for (i = 0; i < DEVICES; i++) {
		mac_of(i, mac);
		if (store_of(s)->held[i])
			each(mac, arg);
	}
	return 0;
}

int store_fleet_gateway_get(struct store *s, const char *name, bool *known, bool *expelled)
{
	(void)s;
	*known = true;
	*expelled = b_expelled && !strcmp(name, "b");
	return 0;
}

int fleet_kernel_end_lease(struct fleet *f, const uint8_t mac[6])
{
	struct gateway *g = gateway_of(f);

	g->ends++;
	if (!g->kernel)
		g->leased[mac[5]] = false;
	return g->kernel;
}

int fleet_kernel_lease(struct fleet *f, const uint8_t mac[6], struct fleet_lease *out)
{
	struct gateway *g = gateway_of(f);

	memset(out, 0, sizeof(*out));
	memcpy(out->mac, mac, 6);
	strcpy(out->name, "dev");
	out->left = 60;
	out->certified = !g->operator[mac[5]];
	out->roam = g->roam;
	return g->kernel ? g->kernel : g->leased[mac[5]] ? 0 : -ENOENT;
}

void fleet_answer(struct fleet *f, uint64_t client, json_t *id, const char *is, json_t *more)
{
	struct gateway *g = gateway_of(f);
	const char *text = json_string_value(json_object_get(more, "gateway"));

	if (!text)
		text = json_string_value(json_object_get(more, "why"));
	g->answers++;
	snprintf(g->is, sizeof(g->is), "%s", is);
	snprintf(g->more, sizeof(g->more), "%s", text ? text : "");
	if (!strcmp(is, "done"))
		g->granting[client] = true;
	json_decref(id);
	json_decref(more);
}

static void begin(struct gateway *g, const char *name)
{
	char key[64];

	memset(g, 0, sizeof(*g));
	strcpy(g->config.fleet.gateway, name);
	g->config.fleet.offline = 3600;
	g->f.config = &g->config;
	g->f.base = base;
	g->f.etcd = &g->etcd;
	g->f.reachable = true;
	snprintf(key, sizeof(key), "all/gateway/%s", name);
	fake_put(key, "{}");
	g->f.self = fake_revision;
	snprintf(key, sizeof(key), "here/%s", name);
	fake_put(key, "{}");
	if (fleet_holder_begin(&g->f))
		abort();
	g->f.holder->every = 0;
}

static void end_all(void)
{
	fleet_holder_end(&gateways[A].f);
	fleet_holder_end(&gateways[B].f);
}

/* Anew. */
static void begin_all(void)
{
	end_all();
	b_expelled = false;
	fake_full = false;
	fake_forget();
	begin(&gateways[A], "a");
	begin(&gateways[B], "b");
	event_base_loop(base, EVLOOP_NONBLOCK);
	fake_settle();
}

static void ask(int at, unsigned int device, bool roam)
{
	char mac[18];
	json_t *q;

	snprintf(mac, sizeof(mac), "02:00:00:00:01:%02x", device);
	q = json_pack("{s:s, s:s, s:s, s:i, s:b}", "name", "dev", "mac", mac, "port", "lan1", "lease", 600, "roam", roam);
	fleet_hold(&gateways[at].f, device, json_integer(1), q);
	json_decref(q);
}

/* Agent gives the lease that it has asked for, and the kernel tells of it. */
static void grant(struct gateway *g, unsigned int device)
{
	uint8_t mac[6];

	mac_of(device, mac);
	g->granting[device] = false;
	g->leased[device] = true;
	fleet_holder_leased(&g->f, mac);
}

/* What a look at the kernel finds, and what follows, until nothing does. */
static void look(struct gateway *g)
{
	struct fleet_lease leases[DEVICES];
	unsigned int i;
	size_t n = 0;

	for (i = 0; i < DEVICES; i++)
		if (g->leased[i]) {
			memset(&leases[n], 0, sizeof(leases[n]));
			mac_of(i, leases[n].mac);
			leases[n++].certified = !g->operator[i];
		}
	fleet_holder_leases(&g->f, leases, n);
	for (i = 0; i < 8; i++) {
		hold_look(g->f.holder);
		fake_settle();
	}
}

/* If that is due, without waiting for it. */
static void list_again(struct gateway *g)
{
	if (!event_pending(g->f.holder->again, EV_TIMEOUT, NULL))
		return;
	event_active(g->f.holder->again, EV_TIMEOUT, 1);
	event_base_loop(base, EVLOOP_NONBLOCK);
	fake_settle();
}

static const char *owner_of(unsigned int device)
{
	static struct hold_owner owner;
	char key[HOLD_KEY];
	struct etcd_kv kv;
	uint8_t mac[6];

	mac_of(device, mac);
	hold_key(key, mac);
	fake_kv(fake_find(key, true), &kv);
	hold_owner_read(&kv, fake_value(key) ? 1 : 0, &owner);
	return owner.gateway;
}

#endif
