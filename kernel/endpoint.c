// SPDX-License-Identifier: GPL-2.0
/* The ends of a connection: a device, or an address in a segment. */
#include <net/ndisc.h>

#include "endpoint.h"
#include "link.h"

/* The segment of an address on the uplink at hand, if its networks are reached there. */
static u16 uplink_segment(const struct cordon_pkt *pkt, const struct cordon_addr *addr)
{
	const struct cordon_policy *p = pkt->rs->policy;

	/* Who has no address yet, or one of the link, is in the segment of the link. */
	if (cordon_addr_is_unspecified(addr) || cordon_addr_is_link_local(addr))
		return cordon_link_segment(p, pkt->ports, pkt->state->in);
	return cordon_policy_network_segment(p, addr);
}

/**
 * cordon_endpoint - who is the end of a connection that has an address
 * @pkt: a packet of the connection
 * @addr: the address
 */
struct cordon_end cordon_endpoint(const struct cordon_pkt *pkt, const struct cordon_addr *addr)
{
	bool sender = cordon_addr_equal(addr, &pkt->source);
	struct cordon_end end;
	u32 device = pkt->device;

	/* A device is known by its MAC, even where its source is :: or 0.0.0.0. */
	if (device == CORDON_NO_DEVICE || !sender)
		device = cordon_policy_device_by_addr(pkt->rs->policy, addr);
	/* Its own by MAC, by whichever address: an ICMP error may come from another one. */
	if (device != CORDON_NO_DEVICE && cordon_ruleset_is_same(pkt->rs, device, pkt->device))
		return cordon_ruleset_sender(pkt->rs, pkt->device, pkt->interface->wire);
	if (device != CORDON_NO_DEVICE)
		return cordon_ruleset_end(pkt->rs, device);
	end = cordon_end_address(pkt->rs->policy, addr);
	if (unlikely(sender && pkt->interface &&
		     (cordon_addr_is_unspecified(addr) || cordon_addr_is_link_local(addr))))
		end.segment = uplink_segment(pkt, addr);
	return end;
}

/**
 * cordon_endpoint_is_outsider - the sender has no part in the connection that its packet is about
 * @pkt: the packet
 *
 * An ICMP error is decided on as the connection that it is about, whoever sends it. Where the end
 * on whose side it is sent is a device, only that device may; beyond an uplink, any router.
 */
bool cordon_endpoint_is_outsider(const struct cordon_pkt *pkt)
{
	return pkt->related &&
	       cordon_endpoint(pkt, pkt->original ? &pkt->flow.src : &pkt->flow.dst).device !=
		       pkt->device;
}

/**
 * cordon_endpoint_neighbour - which device has the link-local destination of a packet
 * @pkt: the packet
 * @dev: the interface that it leaves by
 *
 * The policy does not list such addresses: the neighbour table says to whose MAC the packet goes.
 *
 * Return: the device, or CORDON_NO_DEVICE: the address is not resolved, or to no device.
 */
u32 cordon_endpoint_neighbour(const struct cordon_pkt *pkt, const struct net_device *dev)
{
	u32 device = CORDON_NO_DEVICE;
	struct neighbour *n;
	u8 mac[ETH_ALEN];

	if (dev->type != ARPHRD_ETHER)
		return device;
	rcu_read_lock_bh();
	n = __ipv6_neigh_lookup_noref((struct net_device *)dev, &ipv6_hdr(pkt->skb)->daddr);
	if (n && READ_ONCE(n->nud_state) & NUD_VALID) {
		neigh_ha_snapshot((char *)mac, n, dev);
		device = cordon_policy_device_by_mac(pkt->rs->policy, mac);
	}
	rcu_read_unlock_bh();
	return device;
}

/**
 * cordon_endpoint_leaves_elsewhere - a packet would not leave by a port of its receiver
 * @pkt: the packet; @out is set
 * @receiver: the end that it goes to; only a device that is tied to a port has one
 */
bool cordon_endpoint_leaves_elsewhere(const struct cordon_pkt *pkt,
				      const struct cordon_end *receiver)
{
	const struct cordon_device_def *device;

	if (receiver->device == CORDON_NO_DEVICE)
		return false;
	device = &pkt->rs->policy->draft.devices[receiver->device];
	if (!pkt->out)
		return device->port != CORDON_ANY_PORT;
	return !cordon_ports_may_have(pkt->ports, device, pkt->out->port);
}
