// SPDX-License-Identifier: GPL-2.0
/*
 * The kernel's family, for tests of `cordonctl serve` that need devices and no module: linked over
 * userspace/nl with ld's --wrap into build/serve/cordonctl only. The kernel is a file, CORDON_FAKE_KERNEL,
 * that the test has written and reads; see tests/serve/kernel.py. Its policy is a file, too, CORDON_FAKE_POLICY, for
 * what shows one; else it is of nothing.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/policy.h"
#include "lib/yaml.h"
#include "nl/nl.h"

#define LEASE	3600
#define DEVICES	256

enum held { FREE, QUARANTINED, ONBOARDING, EXPIRED };

struct fake_device {
	char name[64];
	char model[32];
	u8 mac[6];
	u8 automatic;	/* own; CORDON_INHERIT */
	u8 held;	/* enum held */
	u32 address;	/* IPv4 */
	u32 outdated;
	u32 leases;	/* that were given */
	u32 sets;	/* times that it was told of its firmware */
	u32 ends;	/* leases that were ended */
	u8 certificate[32];	/* of the lease that it has; 0, it has none */
};

struct fake_kernel {
	u32 generation;
	u32 n;
	u32 automatic;	/* of the segment */
	u32 grace;
	u32 postpone;
	u32 absent;	/* the module is not loaded */
	struct fake_device devices[DEVICES];
};

static struct fake_kernel *kernel;

int __wrap_cnl_open(struct cnl *nl);
void __wrap_cnl_close(struct cnl *nl);
int __wrap_cnl_summary(struct cnl *nl, struct cnl_summary *out);
int __wrap_cnl_segment_each(struct cnl *nl, int (*each)(const struct cnl_segment *s, void *arg), void *arg);
int __wrap_cnl_device_each(struct cnl *nl, int (*each)(const struct cnl_device *d, void *arg), void *arg);
int __wrap_cnl_device_set(struct cnl *nl, const struct cnl_change *change, struct cnl_device *out);
int __wrap_cnl_binding_get(struct cnl *nl, const struct cordon_addr *addr, struct cnl_binding *out);
int __wrap_cnl_checkin(struct cnl *nl, const u8 mac[6], const struct cordon_addr *peer, u32 ifindex,
		       const u8 certificate[32], struct cnl_device *out);
int __wrap_cnl_lease_end(struct cnl *nl, const u8 mac[6], const u8 certificate[32], struct cnl_device *out);

int __wrap_cnl_interfaces(struct cnl *nl, struct cnl_interfaces *out);
int __wrap_cnl_fetch(struct cnl *nl, struct policy **out, struct cnl_runtime *runtime);
int __wrap_cnl_device_get(struct cnl *nl, const char *name, const u8 *mac, struct cnl_device *out);
int __wrap_cnl_bindings(struct cnl *nl, bool learned, struct cnl_bindings *out);

/** __wrap_cnl_open - the file is opened while that may be done */
int __wrap_cnl_open(struct cnl *nl)
{
	const char *path = getenv("CORDON_FAKE_KERNEL");
	void *map;
	int fd;

	memset(nl, 0, sizeof(*nl));
	snprintf(nl->error, sizeof(nl->error), "no kernel: try 'cordonctl module load'");
	if (!kernel && path) {
		fd = open(path, O_RDWR | O_CLOEXEC);
		map = fd < 0 ? MAP_FAILED : mmap(NULL, sizeof(*kernel), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
		if (fd >= 0)
			close(fd);
		kernel = map == MAP_FAILED ? NULL : map;
	}
	return kernel && !kernel->absent ? 0 : -ENOENT;
}

/** __wrap_cnl_close - it stays mapped */
void __wrap_cnl_close(struct cnl *nl)
{
	(void)nl;
}

/** __wrap_cnl_summary - the generation, and that a policy is in force: that is all that is asked for */
int __wrap_cnl_summary(struct cnl *nl, struct cnl_summary *out)
{
	(void)nl;
	memset(out, 0, sizeof(*out));
	out->generation = kernel->generation;
	out->in_force = !getenv("CORDON_FAKE_NO_POLICY");
	return kernel->absent ? -ENOENT : 0;
}

/** __wrap_cnl_segment_each - one, and one that is built in */
int __wrap_cnl_segment_each(struct cnl *nl, int (*each)(const struct cnl_segment *s, void *arg), void *arg)
{
	struct cnl_segment s = { .def.name = "iot_zone" }, quarantine = { .def.name = "quarantine", .id = 1 };
	int err;

	(void)nl;
	s.def.firmware = kernel->automatic;
	s.def.grace = kernel->grace;
	s.def.postpone = kernel->postpone;
	err = each(&s, arg);
	return err ? err : each(&quarantine, arg);
}

static void fill(const struct fake_device *d, struct cnl_device *out)
{
	static const u8 none[32];

	memset(out, 0, sizeof(*out));
	strcpy(out->def.name, d->name);
	strcpy(out->def.model, d->model);
	memcpy(out->def.mac, d->mac, 6);
	out->def.firmware = d->automatic;
	out->def.authentication = CORDON_INHERIT;
	out->def.encryption = CORDON_INHERIT;
	strcpy(out->segment, "iot_zone");
	out->outdated = d->outdated;
	out->state = d->held == QUARANTINED ? CORDON_STATE_QUARANTINED : d->held == ONBOARDING ? CORDON_STATE_ONBOARDING :
		     d->held == EXPIRED ? CORDON_STATE_EXPIRED :
		     d->outdated ? CORDON_STATE_OUTDATED : CORDON_STATE_ACTIVE;
	strcpy(out->effective_segment, d->held == QUARANTINED ? "quarantine" : d->held ? "onboarding" :
	       d->outdated ? "update" : "iot_zone");
	out->lease = memcmp(d->certificate, none, sizeof(none)) ? LEASE : 0;
	out->def.n = !!d->address;
	out->addresses[0] = cordon_addr_v4(d->address);
	out->stats.rx_bytes = 1234567;
	out->stats.rx_packets = 99;
	out->stats.anomalies[CORDON_KIND_SCAN] = 3;
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

/** __wrap_cnl_device_set - what is known of a device's firmware */
int __wrap_cnl_device_set(struct cnl *nl, const struct cnl_change *change, struct cnl_device *out)
{
	struct fake_device *d = kernel->absent ? NULL : find(change->mac);

	(void)nl;
	if (!d)
		return -ENOENT;
	if (change->state >= 0)
		d->held = change->state == CORDON_STATE_QUARANTINED ? QUARANTINED : FREE;
	if (change->outdated >= 0) {
		d->outdated = change->outdated;
		d->sets++;
	}
	fill(d, out);
	return 0;
}

/** __wrap_cnl_binding_get - whose an address is */
int __wrap_cnl_binding_get(struct cnl *nl, const struct cordon_addr *addr, struct cnl_binding *out)
{
	u32 i;

	(void)nl;
	for (i = 0; i < kernel->n && !kernel->absent; i++)
		if (cordon_addr_is_v4(addr) && kernel->devices[i].address == (u32)addr->lo) {
			*out = (struct cnl_binding){ .addr = *addr };
			memcpy(out->mac, kernel->devices[i].mac, 6);
			strcpy(out->name, kernel->devices[i].name);
			return 0;
		}
	return -ENOENT;
}

/** __wrap_cnl_checkin - a lease, if the address is the device's */
int __wrap_cnl_checkin(struct cnl *nl, const u8 mac[6], const struct cordon_addr *peer, u32 ifindex,
		       const u8 certificate[32], struct cnl_device *out)
{
	struct fake_device *d = find(mac);

	if (!d || (peer ? !cordon_addr_is_v4(peer) || d->address != (u32)peer->lo : !ifindex)) {
		snprintf(nl->error, sizeof(nl->error), "not an address of this device");
		return d ? -EADDRNOTAVAIL : -ENOENT;
	}
	if (d->held == QUARANTINED) {
		snprintf(nl->error, sizeof(nl->error), "%s is quarantined", d->name);
		return -EACCES;
	}
	d->leases++;
	memcpy(d->certificate, certificate, sizeof(d->certificate));
	fill(d, out);
	return 0;
}

/** __wrap_cnl_lease_end - counted, if this certificate gave the last one; it has none then */
int __wrap_cnl_lease_end(struct cnl *nl, const u8 mac[6], const u8 certificate[32], struct cnl_device *out)
{
	struct fake_device *d = find(mac);

	(void)nl;
	if (d && (!certificate || !memcmp(d->certificate, certificate, sizeof(d->certificate)))) {
		d->ends++;
		memset(d->certificate, 0, sizeof(d->certificate));
	}
	if (d)
		fill(d, out);
	return d ? 0 : -ENOENT;
}

/** __wrap_cnl_interfaces - there are none */
int __wrap_cnl_interfaces(struct cnl *nl, struct cnl_interfaces *out)
{
	(void)nl;
	memset(out, 0, sizeof(*out));
	return 0;
}

/* The device as the kernel has it, or as the policy begins it. */
static void fill_runtime(const struct policy *p, u32 i, struct cnl_device *out)
{
	const struct cordon_device_def *def = &p->draft.devices[i];
	const struct fake_device *d = kernel ? find(def->mac) : NULL;
	u32 j;

	if (d)
		fill(d, out);
	out->def = *def;
	strcpy(out->segment, p->draft.segments[def->segment].name);
	if (!d)
		strcpy(out->effective_segment, out->segment);
	for (j = 0; j < def->n; j++)
		out->addresses[j] = p->draft.addresses[def->first + j];
}

/** __wrap_cnl_fetch - the policy of a file, or one of nothing but the built-in segments */
int __wrap_cnl_fetch(struct cnl *nl, struct policy **out, struct cnl_runtime *runtime)
{
	const char *path = getenv("CORDON_FAKE_POLICY");
	u32 i;

	(void)nl;
	memset(runtime, 0, sizeof(*runtime));
	*out = NULL;
	if (!path)
		*out = policy_new();
	else if (policy_load(path, out, stderr))
		return -EINVAL;
	if (!*out)
		return -ENOMEM;
	runtime->segments = calloc((*out)->draft.n_segments, sizeof(*runtime->segments));
	runtime->devices = calloc((*out)->draft.n_devices + 1, sizeof(*runtime->devices));
	runtime->rules = calloc((*out)->draft.n_rules + 1, sizeof(*runtime->rules));
	if (!runtime->segments || !runtime->devices || !runtime->rules)
		return -ENOMEM;
	/* One just now, one a day later, one never, and so on. */
	for (i = 0; i < (*out)->draft.n_rules; i++)
		runtime->rules[i] = (struct cnl_rule_use){ i % 3 != 2, i % 3 * 86401 };
	for (i = 0; path && i < (*out)->draft.n_segments; i++) {
		runtime->segments[i].def = (*out)->draft.segments[i];
		runtime->segments[i].id = i;
		runtime->segments[i].packets = 1234567;
	}
	for (i = 0; i < (*out)->draft.n_devices; i++)
		fill_runtime(*out, i, &runtime->devices[i]);
	return 0;
}

/** __wrap_cnl_device_get - one device */
int __wrap_cnl_device_get(struct cnl *nl, const char *name, const u8 *mac, struct cnl_device *out)
{
	u32 i;

	for (i = 0; i < kernel->n; i++) {
		const struct fake_device *d = &kernel->devices[i];

		if (mac ? memcmp(d->mac, mac, 6) != 0 : strcmp(d->name, name) != 0)
			continue;
		fill(d, out);
		return 0;
	}
	snprintf(nl->error, sizeof(nl->error), "no such device");
	return -ENOENT;
}

static void fill_bindings(const struct policy *p, const struct cnl_device *devices, struct cnl_bindings *out)
{
	u32 i, j;

	out->list = calloc(p->draft.n_addresses + 1, sizeof(*out->list));
	for (i = 0; out->list && i < p->draft.n_devices; i++)
		for (j = 0; j < p->draft.devices[i].n; j++) {
			out->list[out->n].addr = devices[i].addresses[j];
			memcpy(out->list[out->n].mac, p->draft.devices[i].mac, 6);
			strcpy(out->list[out->n++].name, p->draft.devices[i].name);
		}
}

/** __wrap_cnl_bindings - those of the policy's file; none is learned */
int __wrap_cnl_bindings(struct cnl *nl, bool learned, struct cnl_bindings *out)
{
	struct cnl_runtime runtime = { .rules = NULL };
	struct policy *p = NULL;
	int err;

	memset(out, 0, sizeof(*out));
	out->learned = learned;
	if (learned)
		return 0;
	err = __wrap_cnl_fetch(nl, &p, &runtime);
	if (!err)
		fill_bindings(p, runtime.devices, out);
	cnl_runtime_free(&runtime);
	policy_free(p);
	return err;
}
