// SPDX-License-Identifier: GPL-2.0
/*
 * A kernel for cordon-fleet: a file, CORDON_FAKE_FLEET_KERNEL, that the test writes and reads; see fake_kernel.py. What
 * changes in it is an event. Without the file there is no module.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "nl/nl.h"

#define DEVICES	8

/* As fake_kernel.py has it. */
struct fake_device {
	u8 mac[6];
	u8 quarantined;
	u8 roam;
	u32 lease;
	u8 certificate[32];
};

struct fake_kernel {
	u32 absent;	/* the module is not loaded */
	u32 n;
	struct fake_device devices[DEVICES];
};

static struct fake_kernel *kernel, before;
static struct cnl_listener *listener;
static bool told[DEVICES];	/* to change, by who listens: that is an event, too */
static int timer = -1;

int __wrap_cnl_open(struct cnl *nl);
void __wrap_cnl_close(struct cnl *nl);
int __wrap_cnl_summary(struct cnl *nl, struct cnl_summary *out);
int __wrap_cnl_interfaces(struct cnl *nl, struct cnl_interfaces *out);
int __wrap_cnl_device_each(struct cnl *nl, int (*each)(const struct cnl_device *d, void *arg), void *arg);
int __wrap_cnl_device_get(struct cnl *nl, const char *name, const u8 *mac, struct cnl_device *out);
int __wrap_cnl_device_set(struct cnl *nl, const struct cnl_change *change, struct cnl_device *out);
int __wrap_cnl_lease_end(struct cnl *nl, const u8 mac[6], const u8 certificate[32], struct cnl_device *out);
int __wrap_cnl_join(struct cnl *nl, struct cnl_listener *l);
int __wrap_cnl_hear(struct cnl *nl);
int __wrap_nl_socket_get_fd(const struct nl_sock *sock);
int __wrap_nl_socket_set_nonblocking(const struct nl_sock *sock);

static bool is_there(void)
{
	const char *path = getenv("CORDON_FAKE_FLEET_KERNEL");
	void *map;
	int fd;

	if (!kernel && path) {
		fd = open(path, O_RDWR | O_CLOEXEC);
		map = fd < 0 ? MAP_FAILED : mmap(NULL, sizeof(*kernel), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
		if (fd >= 0)
			close(fd);
		kernel = map == MAP_FAILED ? NULL : map;
	}
	return kernel && !kernel->absent;
}

/** __wrap_cnl_open - the file stays open */
int __wrap_cnl_open(struct cnl *nl)
{
	memset(nl, 0, sizeof(*nl));
	snprintf(nl->error, sizeof(nl->error), "no module");
	return is_there() ? 0 : -ENOENT;
}

/** __wrap_cnl_close - nothing to do */
void __wrap_cnl_close(struct cnl *nl)
{
	(void)nl;
}

/** __wrap_cnl_summary - a policy is in force */
int __wrap_cnl_summary(struct cnl *nl, struct cnl_summary *out)
{
	memset(out, 0, sizeof(*out));
	out->in_force = true;
	snprintf(nl->error, sizeof(nl->error), "the module is gone");
	return is_there() ? 0 : -ENOENT;
}

/** __wrap_cnl_interfaces - none */
int __wrap_cnl_interfaces(struct cnl *nl, struct cnl_interfaces *out)
{
	(void)nl;
	memset(out, 0, sizeof(*out));
	return 0;
}

static void fill(const struct fake_device *d, struct cnl_device *out)
{
	static const u8 none[32];

	memset(out, 0, sizeof(*out));
	memcpy(out->def.mac, d->mac, 6);
	snprintf(out->def.name, sizeof(out->def.name), "d%02x", d->mac[5]);
	out->def.roam = d->roam;
	out->state = d->quarantined ? CORDON_STATE_QUARANTINED : CORDON_STATE_ACTIVE;
	out->lease = d->lease;
	out->has_certificate = d->lease && memcmp(d->certificate, none, sizeof(none)) != 0;
	memcpy(out->certificate, d->certificate, sizeof(out->certificate));
}

static struct fake_device *find(const u8 *mac)
{
	u32 i;

	for (i = 0; i < kernel->n; i++)
		if (!memcmp(kernel->devices[i].mac, mac, 6))
			return &kernel->devices[i];
	return NULL;
}

/** __wrap_cnl_device_each - every device */
int __wrap_cnl_device_each(struct cnl *nl, int (*each)(const struct cnl_device *d, void *arg), void *arg)
{
	struct cnl_device out;
	int err = 0;
	u32 i;

	(void)nl;
	for (i = 0; !err && i < kernel->n; i++) {
		fill(&kernel->devices[i], &out);
		err = each(&out, arg);
	}
	return err;
}

/** __wrap_cnl_device_get - one device */
int __wrap_cnl_device_get(struct cnl *nl, const char *name, const u8 *mac, struct cnl_device *out)
{
	const struct fake_device *d = find(mac);

	(void)nl;
	(void)name;
	if (d)
		fill(d, out);
	return d ? 0 : -ENOENT;
}

/* What somebody else changes from now on is another change. */
static void tell(const struct fake_device *d, struct cnl_device *out)
{
	before.devices[d - kernel->devices] = *d;
	told[d - kernel->devices] = true;
	fill(d, out);
}

/** __wrap_cnl_device_set - whether it is held in quarantine */
int __wrap_cnl_device_set(struct cnl *nl, const struct cnl_change *change, struct cnl_device *out)
{
	struct fake_device *d = find(change->mac);

	(void)nl;
	if (!d)
		return -ENOENT;
	if (change->state >= 0)
		d->quarantined = change->state == CORDON_STATE_QUARANTINED;
	tell(d, out);
	return 0;
}

/** __wrap_cnl_lease_end - if it is this certificate's, or whoever's */
int __wrap_cnl_lease_end(struct cnl *nl, const u8 mac[6], const u8 certificate[32], struct cnl_device *out)
{
	struct fake_device *d = find(mac);

	(void)nl;
	if (!d)
		return -ENOENT;
	if (!certificate || !memcmp(d->certificate, certificate, sizeof(d->certificate)))
		d->lease = 0;
	tell(d, out);
	return 0;
}

/** __wrap_cnl_join - the file is looked at every few milliseconds */
int __wrap_cnl_join(struct cnl *nl, struct cnl_listener *l)
{
	const struct itimerspec often = { { 0, 5000000 }, { 0, 5000000 } };

	(void)nl;
	listener = l;
	before = *kernel;
	if (timer < 0)
		timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	return timer < 0 || timerfd_settime(timer, 0, &often, NULL) ? -EIO : 0;
}

/** __wrap_cnl_hear - what has changed in it */
int __wrap_cnl_hear(struct cnl *nl)
{
	struct cnl_event e = { .cmd = CORDON_CMD_DEVICE_NTF };
	struct fake_kernel now = *kernel;
	uint64_t times;
	u32 i;

	(void)nl;
	if (read(timer, &times, sizeof(times)) < 0)
		return 0;
	for (i = 0; i < now.n && i < DEVICES; i++) {
		if (!told[i] && !memcmp(&now.devices[i], &before.devices[i], sizeof(now.devices[i])))
			continue;
		told[i] = false;
		before.devices[i] = now.devices[i];
		fill(&now.devices[i], &e.device);
		listener->event(&e, listener->arg);
	}
	return 0;
}

/** __wrap_nl_socket_get_fd - what tells that there is an event */
int __wrap_nl_socket_get_fd(const struct nl_sock *sock)
{
	(void)sock;
	return timer;
}

/** __wrap_nl_socket_set_nonblocking - it is so */
int __wrap_nl_socket_set_nonblocking(const struct nl_sock *sock)
{
	(void)sock;
	return 0;
}
