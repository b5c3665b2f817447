/* SPDX-License-Identifier: GPL-2.0 */
/* What devices say on their link, by what is in it: neighbours, and who gives addresses. */
#ifndef _CORDON_CORE_NEIGHBOUR_H
#define _CORDON_CORE_NEIGHBOUR_H

#include "flow.h"
#include "policy.h"

/** enum cordon_asks - whom a frame for many asks */
enum cordon_asks {
	CORDON_ASKS_NOTHING,	/* it is no question of neighbours */
	CORDON_ASKS_OWNER,	/* the owner of a bound address, or one that has none */
	CORDON_ASKS_LINK,	/* whoever has a link-local address, which no policy lists */
};

bool cordon_flow_is_discovery(const struct cordon_flow *f);
bool cordon_flow_is_of_link(const struct cordon_flow *f);
bool cordon_flow_is_router(const struct cordon_flow *f);
bool cordon_flow_is_server(const struct cordon_flow *f);
bool cordon_flow_is_for_server(const struct cordon_flow *f);
enum cordon_asks cordon_flow_asks(const struct cordon_policy *p, const struct cordon_flow *f,
				  u32 *device);

#endif
