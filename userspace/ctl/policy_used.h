/* SPDX-License-Identifier: GPL-2.0 */
/* Which of a policy's rules were used, for its picture. */
#ifndef CORDON_CTL_POLICY_USED_H
#define CORDON_CTL_POLICY_USED_H

#include "draw/draw.h"
#include "history/rule.h"

int policy_used(struct draw_policy *d, struct history *h, time_t now);

#endif
