// SPDX-License-Identifier: GPL-2.0
/* The clock of the packet path. */
#include <linux/ktime.h>
#include <linux/math64.h>

#include "clock.h"

/**
 * cordon_now - the clock of the packet path
 *
 * Goes on while the machine sleeps, so that a lease does.
 *
 * Return: ticks, see CORDON_TICK_SHIFT.
 */
u32 cordon_now(void)
{
	return ktime_get_coarse_boottime_ns() >> CORDON_TICK_SHIFT;
}

/**
 * cordon_ticks - seconds in the clock of the packet path
 * @seconds: at most CORDON_MAX_LEASE
 */
u32 cordon_ticks(u32 seconds)
{
	return ((u64)seconds * NSEC_PER_SEC) >> CORDON_TICK_SHIFT;
}

/**
 * cordon_tick_seconds - ticks in seconds, rounded up
 * @ticks: as from cordon_ticks()
 */
u32 cordon_tick_seconds(u32 ticks)
{
	return div_u64(((u64)ticks << CORDON_TICK_SHIFT) + NSEC_PER_SEC - 1, NSEC_PER_SEC);
}
