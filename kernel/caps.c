// SPDX-License-Identifier: GPL-2.0
/* How much a namespace may have: less where anybody can make one. */
#include <linux/netlink.h>
#include <linux/user_namespace.h>
#include <net/net_namespace.h>

#include "caps.h"
#include "core/limits.h"

static const struct cordon_caps caps = {
	.transactions	= CORDON_MAX_TRANSACTIONS,
	.ports		= CORDON_MAX_PORTS,
	.uplinks	= CORDON_MAX_UPLINKS,
	.interfaces	= CORDON_MAX_INTERFACES,
	.segments	= CORDON_MAX_SEGMENTS,
	.networks	= CORDON_MAX_NETWORKS,
	.rules		= CORDON_MAX_RULES,
	.matches	= CORDON_MAX_MATCHES,
	.devices	= CORDON_MAX_DEVICES,
	.unlisted	= CORDON_MAX_UNLISTED,
};

static const struct cordon_caps small_caps = {
	.transactions	= CORDON_SMALL_TRANSACTIONS,
	.ports		= CORDON_SMALL_PORTS,
	.uplinks	= CORDON_SMALL_UPLINKS,
	.interfaces	= CORDON_SMALL_INTERFACES,
	.segments	= CORDON_SMALL_SEGMENTS,
	.networks	= CORDON_SMALL_NETWORKS,
	.rules		= CORDON_SMALL_RULES,
	.matches	= CORDON_SMALL_MATCHES,
	.devices	= CORDON_SMALL_DEVICES,
	.unlisted	= CORDON_SMALL_UNLISTED,
	.tallies	= true,
};

/**
 * cordon_caps - what a namespace may have at most
 * @net: the namespace
 *
 * Anybody can have a namespace within a user namespace of their own: that gets the small caps.
 */
const struct cordon_caps *cordon_caps(const struct net *net)
{
	return net->user_ns == &init_user_ns ? &caps : &small_caps;
}

/**
 * cordon_caps_explain - a sentence for what is refused by a cap
 * @extack: gets it
 * @cap: the cap
 * @what: plural of what there would be too many of
 */
void cordon_caps_explain(struct netlink_ext_ack *extack, u32 cap, const char *what)
{
	NL_SET_ERR_MSG_FMT(extack, "too many %s: this network namespace may have %u", what, cap);
}
