/* SPDX-License-Identifier: GPL-2.0 */
/* Changes of single devices in a sealed policy, in place and while packets look at it. */
#ifndef _CORDON_CHANGE_H
#define _CORDON_CHANGE_H

#include "policy.h"

/**
 * DOC: changes in place
 *
 * What is at a place, the definition of a device and its addresses, is never changed while anybody
 * can find it. A device that changes is written to another place, which nobody can find, and then
 * each slot of the indexes that leads to the old place is made to lead to the new one, by one
 * store. So who looks a device up, by whatever it is looked up by, has all of it as it was before,
 * or all of it as it is now, and keeps that as long as it likes within its grace period. Two
 * look-ups of one device may come to its two places; MACs tell that it is the same.
 *
 * The old place is gone: no index leads there. The caller reclaims it when nobody who found it
 * before is left, and nothing that names places is believed any more (stamp.h).
 *
 * Changes are one at a time; the caller sees to that. None allocates: there are as many places, and
 * addresses, as were spared when the policy was sealed. When they run out, or too many objects
 * collide, the policy has to be sealed anew.
 *
 * prepare -> publish, or cancel;  remove;  and later reclaim
 */
int cordon_change_prepare(struct cordon_policy *p, u32 old, const struct cordon_device_def *def,
			  const struct cordon_addr *addresses, u32 *place,
			  struct cordon_error *err);
void cordon_change_cancel(struct cordon_policy *p, u32 place);
void cordon_change_publish(struct cordon_policy *p, u32 old, u32 place);
void cordon_change_remove(struct cordon_policy *p, u32 place);
u32 cordon_change_reclaim(struct cordon_policy *p);
bool cordon_change_binds(const struct cordon_policy *p, u32 old, u32 place);

#endif
