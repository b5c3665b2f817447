// SPDX-License-Identifier: GPL-2.0
/* Connections of devices stay out of flow tables. */
#include <net/netfilter/nf_conntrack_helper.h>

#include "offload.h"

static int has_ingress(struct net_device *dev, struct netdev_nested_priv *priv)
{
	return cordon_dev_has_ingress(dev);
}

/**
 * cordon_lower_has_ingress - cordon_dev_has_ingress() of what an interface is stacked on
 * @dev: the interface
 *
 * Context: RCU read side.
 */
bool cordon_lower_has_ingress(struct net_device *dev)
{
	struct netdev_nested_priv priv = { };

	return netdev_walk_all_lower_dev_rcu(dev, has_ingress, &priv);
}

/**
 * cordon_keep_from_flow_tables - have every packet of a connection pass the hooks
 * @ct: its entry
 *
 * A flow table, of software or hardware, forwards the packets of a connection before any hook sees
 * them. nftables and act_ct do not put a connection in one whose entry has the extension for
 * helpers, as helpers must see every packet, too. The extension is added here, and no helper set.
 * It can be added only before the entry is confirmed, which is when its first packet leaves. An
 * entry that was confirmed before there was a flow table is removed: the connection's next packet
 * makes another one.
 *
 * Context: RCU read side; for connections on interfaces of which cordon_may_bypass() is true.
 * Return: false, the packet must not pass: its entry is gone, or there is no memory.
 */
bool cordon_keep_from_flow_tables(struct nf_conn *ct)
{
	if (nfct_help(ct))
		return true;
	if (!nf_ct_is_confirmed(ct))
		return nf_ct_helper_ext_add(ct, GFP_ATOMIC);
	nf_ct_kill(ct);
	return false;
}

static int is_offloaded(struct nf_conn *ct, void *data)
{
	return test_bit(IPS_OFFLOAD_BIT, &ct->status) || test_bit(IPS_HW_OFFLOAD_BIT, &ct->status);
}

/**
 * cordon_tear_out_of_flow_tables - forget all connections that are in a flow table
 * @net: the namespace
 *
 * For those that were put there before the hooks: their packets pass no hook that could do it. Flow
 * tables drop them within a second, or two.
 *
 * Context: sleeps.
 */
void cordon_tear_out_of_flow_tables(struct net *net)
{
	const struct nf_ct_iter_data data = { .net = net };

	nf_ct_iterate_cleanup_net(is_offloaded, &data);
}
