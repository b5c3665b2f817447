/* SPDX-License-Identifier: GPL-2.0 */
/* Between kernel.c, which hears and tells, and agree.c, which compares. */
#ifndef CORDON_FLEET_KERNEL_H
#define CORDON_FLEET_KERNEL_H

#include "fleet/fleet.h"
#include "fleet/macs.h"

/**
 * struct fleet_kernel - the kernel, as the fleet sees it
 * @f: whose
 * @events: the connection that tells of events; requests go over @f->nl
 * @listener: of @events
 * @hear: something is there to be read from @events
 * @tick: when it is time to look whether the module is there, or to compare
 * @marked: devices that the kernel holds in quarantine, of which the registry has, or had, the mark. Only of these a
 *	release is one for the fleet, and only these may be released because the mark is gone
 * @owed: devices whose mark went while there was no kernel
 * @said: it was said that there is none
 * @ticks: since it was found
 * @agree: all is to be compared
 * @apart: ms between two comparisons
 * @agreed: when it was last compared, by a clock that only goes on, in ms
 */
struct fleet_kernel {
	struct fleet *f;
	struct cnl events;
	struct cnl_listener listener;
	struct event *hear;
	struct event *tick;
	struct macs marked;
	struct macs owed;
	bool said;
	unsigned int ticks;
	bool agree;
	unsigned int apart;
	int64_t agreed;
};

/* kernel.c */
void kernel_hear(struct fleet_kernel *k);	/* one message of @events */
void kernel_drain(struct fleet_kernel *k);	/* all that are there */
void kernel_tick(struct fleet_kernel *k);
int kernel_quarantine(struct fleet_kernel *k, const uint8_t mac[6]);
int kernel_release(struct fleet_kernel *k, const uint8_t mac[6]);
void kernel_lease(const struct cnl_device *d, struct fleet_lease *out);	/* 0 seconds @left: it has none */
int kernel_mark(struct fleet_kernel *k, const uint8_t mac[6], bool quarantine);

/* agree.c */

/**
 * kernel_agree - compare the kernel with the registry
 * @k: the kernel
 * @all: revoked certificates, too, and every mark is set again; else what is known to be on its way as an event is left
 *	 to that
 *
 * Return: 0; -EAGAIN, the policy changed meanwhile; another -errno.
 */
int kernel_agree(struct fleet_kernel *k, bool all);

#endif
