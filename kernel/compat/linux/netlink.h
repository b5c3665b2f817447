/* SPDX-License-Identifier: GPL-2.0 */
/* NL_SET_ERR_MSG_FMT() came with 6.2. */
#ifndef _CORDON_COMPAT_LINUX_NETLINK_H
#define _CORDON_COMPAT_LINUX_NETLINK_H

#include_next <linux/netlink.h>

#ifndef NL_SET_ERR_MSG_FMT
#define NETLINK_MAX_FMTMSG_LEN 80

/*
 * The answer that copies the sentence is sent after the handler has
 * returned. So many buffers, taken in turn, that none is taken again by then.
 */
static inline char *cordon_compat_extack_buffer(void)
{
	static char buffers[64][NETLINK_MAX_FMTMSG_LEN];
	static atomic_t next;

	return buffers[(unsigned int)atomic_inc_return(&next) % 64];
}

#define NL_SET_ERR_MSG_FMT(extack, fmt, args...) do {			\
	struct netlink_ext_ack *__extack = (extack);			\
	char *__msg = cordon_compat_extack_buffer();			\
									\
	if (__extack) {							\
		scnprintf(__msg, NETLINK_MAX_FMTMSG_LEN, fmt, ##args);	\
		__extack->_msg = __msg;					\
	}								\
} while (0)
#endif

#endif
