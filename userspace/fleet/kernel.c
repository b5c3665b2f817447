// SPDX-License-Identifier: GPL-2.0
/*
 * Quarantine, both ways, and leases that end. What the kernel did by itself, or at an operator's word, becomes a mark
 * for the fleet; a mark of the fleet is set in the kernel. It ends there: what the registry says already is not said
 * again.
 *
 * Doubt closes. A release counts for the fleet only where this program has seen the quarantine and hears of the
 * release; a kernel that was just booted, or whose events were lost, takes over all marks.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <stdlib.h>
#include <syslog.h>
#include <time.h>

#include "fleet/kernel.h"

#define TICK		2000	/* ms between two looks whether the module is there */
#define LOOK		5	/* ticks between two looks at all devices */
#define APART		500	/* ms between two comparisons */
#define APART_MAX	30000	/* where they fail */
#define PAUSE	1000	/* ms until the module is looked for again: what it has not heard of yet passes so long */
#define DRAIN		4096	/* messages that are read before a comparison */

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

static void schedule(struct fleet_kernel *k)
{
	int64_t wait = k->f->connected ? TICK : PAUSE;
	struct timeval in;

	if (k->f->connected && k->agree)
		wait = k->agreed + k->apart - now_ms();
	if (wait < 0)
		wait = 0;
	in = (struct timeval){ wait / 1000, wait % 1000 * 1000 };
	event_add(k->tick, &in);
}

static void agree_soon(struct fleet_kernel *k)
{
	k->agree = true;
	if (k->f->connected)
		schedule(k);
}

static void disconnect(struct fleet_kernel *k, const char *why)
{
	if (k->hear)
		event_free(k->hear);
	k->hear = NULL;
	if (k->f->connected) {
		cnl_close(&k->f->nl);
		cnl_close(&k->events);
	}
	k->f->connected = false;
	macs_free(&k->marked);
	if (why && !k->said)
		serve_log(LOG_WARNING, "no kernel module: it is looked for until it is there", "why", why, NULL);
	k->said |= !!why;
}

/**
 * kernel_mark - write into the registry what the kernel does
 * @k: the kernel
 * @mac: the device
 * @quarantine: it holds it
 *
 * Return: 0, also if it is there already; -errno, which was said.
 */
int kernel_mark(struct fleet_kernel *k, const uint8_t mac[6], bool quarantine)
{
	struct fleet *f = k->f;
	char why[STORE_GATEWAY_LEN + 32], text[18];
	int err;

	snprintf(why, sizeof(why), "by the gateway %s", f->config->fleet.gateway);
	err = store_fleet_mark(&f->store, mac, quarantine, why, time(NULL));
	if (err)
		serve_log(LOG_ERR, "the registry takes no mark; it is tried again", "mac", policy_mac_text(mac, text),
			  "why", f->store.error, NULL);
	else	/* What this process writes itself, the outbox does not see. */
		fleet_outbox_poke(f);
	return err;
}

static void hear_state(struct fleet_kernel *k, const struct cnl_device *d)
{
	const uint8_t *mac = d->def.mac;
	struct cnl_device now;

	/* Who is in no policy may have borrowed the address of a device that others know. */
	if (d->def.unlisted)
		return;
	if (d->state == CORDON_STATE_QUARANTINED) {
		if (!macs_has(&k->marked, mac) && !kernel_mark(k, mac, true))
			macs_add(&k->marked, mac);
		return;
	}
	/* The event may be older than a quarantine that was set since. */
	if (!macs_has(&k->marked, mac) || cnl_device_get(&k->f->nl, NULL, mac, &now) ||
	    now.state == CORDON_STATE_QUARANTINED)
		return;
	if (!kernel_mark(k, mac, false))
		macs_del(&k->marked, mac);
}

static int on_event(const struct cnl_event *e, void *arg)
{
	struct fleet_kernel *k = arg;

	if (e->cmd == CORDON_CMD_POLICY_NTF)
		agree_soon(k);
	if (e->cmd != CORDON_CMD_DEVICE_NTF)
		return 0;
	hear_state(k, &e->device);
	if (!e->device.lease)
		fleet_holder_lease_ended(k->f, e->device.def.mac);
	else if (e->device.has_certificate)
		fleet_holder_leased(k->f, e->device.def.mac);
	return 0;
}

void kernel_hear(struct fleet_kernel *k)
{
	int err = cnl_hear(&k->events);

	if (err == -ENOBUFS) {
		serve_log(LOG_NOTICE, "events of the kernel were lost: all is compared", NULL);
		agree_soon(k);
	} else if (err) {
		disconnect(k, k->events.error);
		schedule(k);
	}
}

static void on_hear(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	kernel_hear(arg);
}

void kernel_drain(struct fleet_kernel *k)
{
	struct pollfd fd = { .events = POLLIN };
	unsigned int i;

	for (i = 0; i < DRAIN && k->f->connected; i++) {
		fd.fd = nl_socket_get_fd(k->events.sock);
		if (poll(&fd, 1, 0) <= 0)
			return;
		kernel_hear(k);
	}
}

static int connect_both(struct fleet_kernel *k)
{
	struct fleet *f = k->f;
	char why[CNL_ERROR_LEN];

	if (cnl_open(&f->nl)) {
		snprintf(why, sizeof(why), "%s", f->nl.error);
		disconnect(k, why);
		return -1;
	}
	if (cnl_open(&k->events)) {
		cnl_close(&f->nl);
		return -1;
	}
	f->connected = true;
	k->listener = (struct cnl_listener){ on_event, k, 0 };
	nl_socket_set_nonblocking(k->events.sock);
	k->hear = cnl_join(&k->events, &k->listener) ? NULL :
		  event_new(f->base, nl_socket_get_fd(k->events.sock), EV_READ | EV_PERSIST, on_hear, k);
	if (!k->hear) {
		snprintf(why, sizeof(why), "%s", k->events.error);
		disconnect(k, why);
		return -1;
	}
	event_add(k->hear, NULL);
	if (k->said)
		serve_log(LOG_NOTICE, "the kernel module is there", NULL);
	k->said = false;
	k->ticks = 0;
	k->agree = true;
	return 0;
}

static void agree(struct fleet_kernel *k, bool all)
{
	int err;

	k->agreed = now_ms();
	kernel_drain(k);
	if (!k->f->connected)
		return;
	err = kernel_agree(k, all);
	/* Whatever it was, it is tried again: soon if the policy changed meanwhile, else with the next look. */
	if (err)
		k->agree = k->agree || all || err == -EAGAIN;
	else if (all)
		k->agree = false;
	k->apart = !err || err == -EAGAIN ? APART : 2 * k->apart < APART_MAX ? 2 * k->apart : APART_MAX;
}

void kernel_tick(struct fleet_kernel *k)
{
	struct cnl_summary s;
	char why[CNL_ERROR_LEN];

	if (!k->f->connected && connect_both(k)) {
		/* It is looked for again. */
	} else if (cnl_summary(&k->f->nl, &s)) {
		snprintf(why, sizeof(why), "%s", k->f->nl.error);
		disconnect(k, why);
	} else if (k->agree || ++k->ticks % LOOK == 0) {
		agree(k, k->agree);
	}
	schedule(k);
}

static void on_tick(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	kernel_tick(arg);
}

/**
 * fleet_kernel_begin - find the kernel's module, and hear it; where there is none, it is looked for
 * @f: cordon-fleet
 *
 * Return: 0; -ENOMEM, which was said.
 */
int fleet_kernel_begin(struct fleet *f)
{
	struct fleet_kernel *k = calloc(1, sizeof(*k));

	if (k)
		k->tick = event_new(f->base, -1, 0, on_tick, k);
	if (!k || !k->tick) {
		free(k);
		serve_log(LOG_ERR, "out of memory", NULL);
		return -ENOMEM;
	}
	k->f = f;
	k->apart = APART;
	f->kernel = k;
	kernel_tick(k);
	return 0;
}

void fleet_kernel_end(struct fleet *f)
{
	struct fleet_kernel *k = f->kernel;

	if (!k)
		return;
	disconnect(k, NULL);
	event_free(k->tick);
	macs_free(&k->owed);
	free(k);
	f->kernel = NULL;
}

/* A failure that is none of the device's: all is compared once more. */
static void failed(struct fleet_kernel *k, const uint8_t mac[6], const char *what)
{
	char text[18];

	serve_log(LOG_ERR, what, "mac", policy_mac_text(mac, text), "why", k->f->nl.error, NULL);
	agree_soon(k);
}

/**
 * fleet_kernel_revoked - a certificate is revoked: the lease that it gave ends
 * @f: cordon-fleet
 * @mac: whom it names; all zero, not known
 * @fingerprint: its SHA-256
 */
void fleet_kernel_revoked(struct fleet *f, const uint8_t mac[6], const uint8_t fingerprint[32])
{
	static const uint8_t nobody[6];
	struct cnl_device now;
	int err;

	/* Without a kernel all is compared when there is one. */
	if (!f->connected)
		return;
	if (!memcmp(mac, nobody, sizeof(nobody))) {
		agree_soon(f->kernel);
		return;
	}
	err = cnl_lease_end(&f->nl, mac, fingerprint, &now);
	if (err && err != -ENOENT)
		failed(f->kernel, mac, "a lease cannot be ended; it is tried again");
}

int kernel_quarantine(struct fleet_kernel *k, const uint8_t mac[6])
{
	struct cnl_change change = CNL_CHANGE_NONE;
	struct cnl_device now;
	int err;

	change.mac = mac;
	change.state = CORDON_STATE_QUARANTINED;
	err = cnl_device_set(&k->f->nl, &change, &now);
	if (!err)
		macs_add(&k->marked, mac);
	return err;
}

/* Its firmware is as old as it was: only the quarantine ends. */
int kernel_release(struct fleet_kernel *k, const uint8_t mac[6])
{
	struct cnl_change change = CNL_CHANGE_NONE;
	struct cnl_device now;
	int err;

	err = cnl_device_get(&k->f->nl, NULL, mac, &now);
	if (err)
		return err;
	macs_del(&k->marked, mac);
	if (now.state != CORDON_STATE_QUARANTINED)
		return 0;
	change.mac = mac;
	change.state = CORDON_STATE_ACTIVE;
	change.outdated = now.outdated;
	return cnl_device_set(&k->f->nl, &change, &now);
}

/**
 * fleet_kernel_mark - the fleet holds a device in quarantine, or does so no more
 * @f: cordon-fleet
 * @mac: the device; one that no policy here lists is taken up when one does
 * @quarantine: it does
 */
void fleet_kernel_mark(struct fleet *f, const uint8_t mac[6], bool quarantine)
{
	struct fleet_kernel *k = f->kernel;
	int err;

	if (quarantine)
		macs_del(&k->owed, mac);
	/* What it holds without a mark was not read yet, or not compared: the end of an older quarantine is none of that. */
	if (!f->connected || (!quarantine && !macs_has(&k->marked, mac))) {
		if (!quarantine && (!f->connected || k->agree))
			macs_add(&k->owed, mac);
		return;
	}
	err = quarantine ? kernel_quarantine(k, mac) : kernel_release(k, mac);
	if (!err || err == -ENOENT)
		return;
	if (!quarantine)
		macs_add(&k->owed, mac);
	failed(k, mac, quarantine ? "a device cannot be held in quarantine; it is tried again" :
				    "a quarantine cannot be ended; it is tried again");
}

/**
 * fleet_kernel_agree - compare all marks, and all leases with the certificates that gave them; soon
 * @f: cordon-fleet
 */
void fleet_kernel_agree(struct fleet *f)
{
	if (f->kernel)
		agree_soon(f->kernel);
}

/**
 * fleet_kernel_forget - the registry is an older one: a mark that it lacks is none that went
 * @f: cordon-fleet
 */
void fleet_kernel_forget(struct fleet *f)
{
	if (!f->kernel)
		return;
	macs_free(&f->kernel->marked);
	macs_free(&f->kernel->owed);
}

/**
 * fleet_kernel_end_lease - end a device's lease, whoever gave it
 * @f: cordon-fleet
 * @mac: the device
 *
 * Return: 0, there is none any more; -ENOTCONN, there is no kernel; another -errno, which was said.
 */
int fleet_kernel_end_lease(struct fleet *f, const uint8_t mac[6])
{
	struct cnl_device now;
	char text[18];
	int err;

	if (!f->connected)
		return -ENOTCONN;
	err = cnl_lease_end(&f->nl, mac, NULL, &now);
	if (!err || err == -ENOENT)
		return 0;
	serve_log(LOG_ERR, "a lease cannot be ended", "mac", policy_mac_text(mac, text), "why", f->nl.error, NULL);
	return err;
}

void kernel_lease(const struct cnl_device *d, struct fleet_lease *out)
{
	memcpy(out->mac, d->def.mac, 6);
	snprintf(out->name, sizeof(out->name), "%s", d->def.name);
	snprintf(out->port, sizeof(out->port), "%s", d->lease_port);
	out->left = d->lease;
	out->certified = d->has_certificate;
	out->roam = d->def.roam;
}

/**
 * fleet_kernel_lease - has a device a lease
 * @f: cordon-fleet
 * @mac: the device
 * @out: it
 *
 * Return: 0; -ENOENT, it has none; -ENOTCONN or another -errno, that is not known.
 */
int fleet_kernel_lease(struct fleet *f, const uint8_t mac[6], struct fleet_lease *out)
{
	struct cnl_device now;
	int err;

	if (!f->connected)
		return -ENOTCONN;
	err = cnl_device_get(&f->nl, NULL, mac, &now);
	if (err || !now.lease)
		return err ? err : -ENOENT;
	kernel_lease(&now, out);
	return 0;
}
