// SPDX-License-Identifier: GPL-2.0
/* The source of a packet: which device sent it, and is the address its own. */
#include <linux/netfilter.h>
#include <net/addrconf.h>

#include "hint.h"
#include "source.h"

DEFINE_PER_CPU(struct cordon_hints, cordon_hints);

static u32 find_by_mac(const struct cordon_pkt *pkt, const u8 *mac)
{
	const struct cordon_ruleset *rs = pkt->rs;
	const u64 key = cordon_mac_key(mac);
	u32 hint = cordon_hint(pkt->skb);

	if (likely(cordon_ruleset_is_at(rs, hint, key)))
		return hint;
	return cordon_ruleset_by_mac(rs, key);
}

/* The device may be where its packet came in; in a bridge, hook_link.c looks at its VLAN. */
static bool is_in_place(const struct cordon_pkt *pkt)
{
	const struct cordon_device_def *def = &pkt->rs->policy->draft.devices[pkt->device];

	return pkt->switched ? cordon_ports_may_be(pkt->ports, def, pkt->in) :
			       cordon_ports_may_have(pkt->ports, def, pkt->in);
}

/**
 * cordon_source_decide - may a packet that came in on a port bear its source; by all its headers
 * @pkt: the packet; @in and @device are set
 * @flow: its headers, as cordon_pkt_flow() reads them; flags are added
 *
 * A link-local address that the packet claims becomes the device's.
 */
struct cordon_verdict cordon_source_decide(const struct cordon_pkt *pkt, struct cordon_flow *flow)
{
	struct cordon_device *device = NULL;
	struct cordon_verdict v;
	u16 in = CORDON_NO_PORT;
	u64 claim = 0;

	if (pkt->device != CORDON_NO_DEVICE) {
		device = pkt->rs->devices[pkt->device];
		claim = atomic64_read(&device->claim);
		if (is_in_place(pkt))
			in = pkt->rs->policy->draft.devices[pkt->device].port;
	}
	/* A device that has no other address yet asks for a service of the gateway from it. */
	if (cordon_addr_is_link_local(&flow->src) &&
	    ipv6_chk_addr(pkt->state->net, &ipv6_hdr(pkt->skb)->daddr, NULL, 0))
		flow->flags |= CORDON_FLOW_GATEWAY;
	v = cordon_decide_source(pkt->rs->policy, pkt->device, in, claim, flow);
	if (v.accept && v.reason == CORDON_PASS_CLAIM && !cordon_pkt_observes(pkt))
		atomic64_set(&device->claim, cordon_flow_claim(flow));
	return v;
}

/**
 * cordon_source_is_bound - an address is bound to a device, and that may be behind a port
 * @p: the policy
 * @ports: the interfaces
 * @device: the device, or CORDON_NO_DEVICE
 * @in: the port
 * @source: the address
 */
bool cordon_source_is_bound(const struct cordon_policy *p, const struct cordon_ports *ports,
			    u32 device, u16 in, const struct cordon_addr *source)
{
	if (device == CORDON_NO_DEVICE || !cordon_policy_device_has(p, device, source))
		return false;
	return cordon_ports_may_have(ports, &p->draft.devices[device], in);
}

static bool holds_on_uplink(const struct cordon_pkt *pkt)
{
	const struct cordon_policy *p = pkt->rs->policy;
	u16 segment;

	if (cordon_policy_device_by_addr(p, &pkt->source) != CORDON_NO_DEVICE)
		return false;
	if (likely(!p->draft.n_interfaces))
		return true;
	segment = cordon_policy_network_segment(p, &pkt->source);
	return segment == CORDON_NO_SEGMENT || !p->located[segment] ||
	       cordon_addr_is_unspecified(&pkt->source) ||
	       cordon_addr_is_link_local(&pkt->source) ||
	       cordon_ports_holds(pkt->ports, pkt->interface->ifindex, segment);
}

static noinline bool holds_read(const struct cordon_pkt *pkt)
{
	struct cordon_flow packet;

	cordon_pkt_flow(pkt->skb, pkt->state->pf, &packet);
	return cordon_source_decide(pkt, &packet).accept;
}

/**
 * cordon_source_holds - the source of a packet that prerouting let through is its sender's own
 * @pkt: the packet; its device is set, if it came in on a port
 *
 * Prerouting may have asked another policy: whatever the hooks behind it decide follows from one
 * policy alone. What comes from an uplink must bear no device's address, and the address of a
 * segment that names its interfaces only if it came in on one of them.
 */
bool cordon_source_holds(struct cordon_pkt *pkt)
{
	const u8 *mac;

	if (pkt->in == CORDON_ANY_PORT)
		return holds_on_uplink(pkt);
	mac = cordon_pkt_mac(pkt->skb);
	if (mac)
		pkt->device = find_by_mac(pkt, mac);
	return likely(pkt->device != CORDON_NO_DEVICE &&
		      cordon_policy_device_has(pkt->rs->policy, pkt->device, &pkt->source) &&
		      is_in_place(pkt)) ||
	       holds_read(pkt);
}
