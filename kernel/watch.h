/* SPDX-License-Identifier: GPL-2.0 */
/* Follows the interfaces of all namespaces, and reports what they are. */
#ifndef _CORDON_WATCH_H
#define _CORDON_WATCH_H

#include <linux/if.h>
#include <linux/types.h>
#include <linux/workqueue.h>

struct cordon_ruleset;
struct net;
struct net_device;

/**
 * struct cordon_report - an interface, as it is shown
 * @name: its name
 * @ifindex: its index; 0, there is none of that name
 * @role: enum cordon_role; of one that is not there, what it would be
 * @listed: enum cordon_role, what its name alone makes of it
 * @closed: enum cordon_closed
 * @named_by: name or pattern that lists it, or NULL
 * @other: interface that it is closed for, or whose wire it shares, or the port that it lies on;
 *	empty
 * @up: it is up
 */
struct cordon_report {
	char name[IFNAMSIZ];
	int ifindex;
	u8 role;
	u8 listed;
	u8 closed;
	const char *named_by;
	char other[IFNAMSIZ];
	bool up;
};

void cordon_report_fill(struct cordon_report *report, const struct cordon_ruleset *rs,
			struct net_device *dev);
bool cordon_report_missing(struct cordon_report *report, const struct cordon_ruleset *rs,
			   struct net *net, u32 i);
u32 cordon_report_names(const struct cordon_ruleset *rs);

void cordon_watch_settle(struct work_struct *work);
int cordon_watch_init(void);
void cordon_watch_exit(void);

#endif
