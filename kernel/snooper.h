/* SPDX-License-Identifier: GPL-2.0 */
/* What a namespace keeps of what packets told of addresses. */
#ifndef _CORDON_SNOOPER_H
#define _CORDON_SNOOPER_H

#include <linux/list.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>

/** enum cordon_teller - who told something; of each so much may wait */
enum cordon_teller {
	CORDON_TELLER_SERVER,
	CORDON_TELLER_DEVICE,
	CORDON_TELLER_STRANGER,
	CORDON_TELLERS,
};

/**
 * struct cordon_snooper - what packets have told and nobody has looked at yet
 * @lock: of the rest
 * @news: what they told, the first one first
 * @n: how many, by who told them
 * @work: looks at them
 */
struct cordon_snooper {
	spinlock_t lock;	/* the list, for moments */
	struct list_head news;
	u32 n[CORDON_TELLERS];
	struct work_struct work;
};

#endif
