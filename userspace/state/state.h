/* SPDX-License-Identifier: GPL-2.0 */
/* What the kernel holds that the policy file does not, on its way through a restart. */
#ifndef CORDON_STATE_H
#define CORDON_STATE_H

#include <stdio.h>

#include "nl/nl.h"

#define STATE_DIR	"/var/lib/cordon"
#define STATE_VERSION	1
#define STATE_BOOT_LEN	40

/**
 * struct state_device - what is told of one device
 * @mac: of the device
 * @name: when it was saved, for people
 * @quarantined: it was
 * @outdated: its firmware was too old
 * @leased: it had a lease
 * @lease_end: when that ends, in seconds since 1970; 0, it had ended before
 * @lease_port: that the lease is bound to, or empty
 * @has_certificate: a check-in gave the lease
 * @certificate: SHA-256 of the certificate that it was made with
 */
struct state_device {
	u8 mac[6];
	char name[CORDON_DEVICE_NAME_LEN];
	bool quarantined;
	bool outdated;
	bool leased;
	int64_t lease_end;
	char lease_port[CORDON_IFNAME_LEN];
	bool has_certificate;
	u8 certificate[CORDON_CERTIFICATE_LEN];
};

/**
 * struct state_binding - an address that was learned
 * @addr: the address
 * @mac: of the device that has it
 * @name: of the device when it was saved, for people
 * @origin: enum cordon_origin
 * @end: when it ends, in seconds since 1970; 0, it does not
 */
struct state_binding {
	struct cordon_addr addr;
	u8 mac[6];
	char name[CORDON_DEVICE_NAME_LEN];
	u32 origin;
	int64_t end;
};

/**
 * struct state_destinations - where a device has been
 * @saved: that, and the device's MAC and name; its @learning is 0
 * @learn_end: when learning ends, in seconds since 1970; 0, that is over, or has not begun
 */
struct state_destinations {
	struct cnl_destinations saved;
	int64_t learn_end;
};

/**
 * struct state - what is saved
 * @saved: when, in seconds since 1970
 * @boot: of which boot of this machine
 * @devices: those of which there is something to tell
 * @n_devices: how many
 * @changed: devices that were added or changed at run time, as they were then
 * @deleted: MACs of those that were deleted at run time
 * @n_deleted: how many
 * @bindings: addresses that were learned
 * @n_bindings: how many
 * @destinations: where devices have been
 * @n_destinations: how many devices
 */
struct state {
	int64_t saved;
	char boot[STATE_BOOT_LEN];
	struct state_device *devices;
	u32 n_devices;
	struct policy *changed;
	u8 (*deleted)[6];
	u32 n_deleted;
	struct state_binding *bindings;
	u32 n_bindings;
	struct state_destinations *destinations;
	u32 n_destinations;
};

/* state.c: what is saved. */
struct state *state_new(void);
void state_free(struct state *s);
struct state_device *state_add(struct state *s, const u8 mac[6]);
int state_delete(struct state *s, const u8 mac[6]);
int state_bind(struct state *s, const struct state_binding *b);
struct state_destinations *state_been(struct state *s);
int state_copy_device(struct policy *to, const struct policy *from, u32 i);
bool state_same_device(const struct policy *a, u32 i, const struct policy *b, u32 j);
int state_collect(struct state *s, const struct policy *kernel, const struct cnl_device *devices);
int state_collect_bindings(struct state *s, const struct cnl_bindings *all);
int state_collect_destinations(struct state *s, const struct cnl_destinations_list *all);
int state_compare(struct state *s, const struct policy *kernel, const struct policy *base);
bool state_settle(struct state *s, const struct state *before);

/* restore.c: what of it still fits. */
bool state_clock_is_right(const struct state *s, int64_t now);
int state_overlay(struct policy *p, const struct policy *base, const struct state *s, FILE *say);
int state_starts(const struct policy *p, const struct state *s, int64_t now, bool clock,
		 struct cnl_start **out, FILE *say);
int state_bindings(const struct policy *p, const struct state *s, int64_t now, bool clock, struct cnl_begin *out);
bool state_policy_learns(const struct policy *p);
int state_destinations(const struct policy *p, const struct state *s, int64_t now, bool clock, struct cnl_begin *out);

/* file.c: as JSON. */
int state_load(const char *path, struct state **out, FILE *errors);
int state_save(const char *path, const struct state *s);

/* kept.c: the directory. */
int kept_is_default_place(void);
char *kept_path(const char *dir, const char *name);
int kept_lock(const char *dir);
char *kept_text(const struct policy *p);
int kept_policy(const char *dir, const struct policy *p);
int kept_policy_text(const char *dir, const char *text);
int kept_unconfirmed(const char *dir, const char *text);
int kept_forget(const char *dir);
bool kept_is_unconfirmed(const char *dir, const struct policy *p);
struct policy *kept_last_good(const char *dir, FILE *errors);

#endif
