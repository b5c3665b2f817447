/* SPDX-License-Identifier: GPL-2.0 */
/* A device that the policy in force does not list is held in the segment for such. */
#ifndef _CORDON_ADMIT_H
#define _CORDON_ADMIT_H

#include <linux/types.h>

struct cordon_net;

int cordon_admit(struct cordon_net *cn, const u8 *mac, int in);

#endif
