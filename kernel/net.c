// SPDX-License-Identifier: GPL-2.0
/* What a network namespace has. */
#include <net/netns/generic.h>

#include "net.h"

unsigned int cordon_net_id;

/**
 * cordon_net - what a namespace has
 * @net: the namespace
 */
struct cordon_net *cordon_net(const struct net *net)
{
	return net_generic(net, cordon_net_id);
}
