// SPDX-License-Identifier: GPL-2.0
/* Connections of devices stay out of flow tables. */
#include <net/netfilter/nf_conntrack_helper.h>

#include "offload.h"

/**
 * cordon_keep_from_flow_tables - have every packet of a connection pass the hooks
 * @ct: its entry
 *
 * A flow table, of software or hardware, forwards the packets of a connection before any hook sees
 * them. nftables and act_ct do not put a connection in one whose entry has the extension for
 * helpers, as helpers must see every packet, too. The extension is added here, and no helper set:
 * it costs an allocation and some bytes for each new connection. It can be added only before the
 * entry is confirmed, which is when its first packet leaves; for a confirmed one nothing is done.
 *
 * Context: RCU read side. Return: false, there is no memory: the packet must not pass, or the
 * connection might be offloaded.
 */
bool cordon_keep_from_flow_tables(struct nf_conn *ct)
{
	return nf_ct_is_confirmed(ct) || nfct_help(ct) || nf_ct_helper_ext_add(ct, GFP_ATOMIC);
}
