/* SPDX-License-Identifier: GPL-2.0 */
/* The clock of the packet path. */
#ifndef _CORDON_CLOCK_H
#define _CORDON_CLOCK_H

#include <linux/jiffies.h>
#include <linux/math64.h>
#include <linux/types.h>

/* Time on the packet path: 2^27 ns, about 0.13 s; wraps after 18 years of uptime. */
#define CORDON_TICK_SHIFT	27

/* For what is only told to people: a clock of one load, in steps of 2^8 jiffies. */
#define CORDON_JIFFY_SHIFT	8

static inline u32 cordon_jiffy_now(void)
{
	u64 jiffy = get_jiffies_64();

	return jiffy >> CORDON_JIFFY_SHIFT;
}

static inline u32 cordon_jiffy_seconds(u32 steps)
{
	return div_u64((u64)steps << CORDON_JIFFY_SHIFT, HZ);
}

u32 cordon_now(void);
u32 cordon_ticks(u32 seconds);
u32 cordon_tick_seconds(u32 ticks);

#endif
