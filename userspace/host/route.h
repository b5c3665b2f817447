/* SPDX-License-Identifier: GPL-2.0 */
/* By which interface an address is reached. */
#ifndef CORDON_HOST_ROUTE_H
#define CORDON_HOST_ROUTE_H

#include "lib/policy.h"

bool host_route_ask(const struct cordon_addr *to, const struct cordon_addr *from, char link[CORDON_IFNAME_LEN]);

#endif
