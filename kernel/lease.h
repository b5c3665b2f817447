/* SPDX-License-Identifier: GPL-2.0 */
/* Leases that wait for the interface of a port. */
#ifndef _CORDON_LEASE_H
#define _CORDON_LEASE_H

struct cordon_net;

void cordon_leases_bind(struct cordon_net *cn);

#endif
