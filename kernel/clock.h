/* SPDX-License-Identifier: GPL-2.0 */
/* The clock of the packet path. */
#ifndef _CORDON_CLOCK_H
#define _CORDON_CLOCK_H

#include <linux/types.h>

/* Time on the packet path: 2^27 ns, about 0.13 s; wraps after 18 years of uptime. */
#define CORDON_TICK_SHIFT	27

u32 cordon_now(void);
u32 cordon_ticks(u32 seconds);
u32 cordon_tick_seconds(u32 ticks);

#endif
