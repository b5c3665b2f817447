/* SPDX-License-Identifier: GPL-2.0 */
/* Whether somebody still gets to this machine under a policy. */
#ifndef CORDON_HOST_LOCKOUT_H
#define CORDON_HOST_LOCKOUT_H

#include "host/facts.h"
#include "host/session.h"
#include "lib/explain.h"

#define LOCKOUT_STATE_NONE	0xff	/* of a device that the kernel does not know yet */
#define LOCKOUT_WHY_LEN		256

/**
 * struct lockout - a policy, ready to be asked
 * @sealed: it
 * @e: the same, with devices as they are, and interfaces
 */
struct lockout {
	struct cordon_policy *sealed;
	struct explain e;
};

int lockout_new(const struct policy *p, const u8 *states, struct lockout *out);
void lockout_free(struct lockout *l);
const char *lockout_port(const struct cordon_policy *p, const struct host_facts *f, const char *link,
			 const struct cordon_addr *client);
bool lockout_session(struct lockout *l, const struct host_ssh *s, const char *link, char why[LOCKOUT_WHY_LEN]);
bool lockout_service(const struct lockout *l, u16 port, char why[LOCKOUT_WHY_LEN]);

#endif
