// SPDX-License-Identifier: GPL-2.0
/*
 * Hooks of IPv4 and IPv6, and the fast path through them: what most packets are is decided on here,
 * in few steps. Whatever is not recognised takes the slow path (slowpath.c), which would say the
 * same of the others.
 */
#include <linux/netfilter_bridge.h>
#include <linux/netfilter_ipv4.h>
#include <linux/netfilter_ipv6.h>
#include <net/ip.h>
#include <net/ipv6.h>
#include <net/netfilter/nf_conntrack.h>
#include <net/netfilter/nf_conntrack_helper.h>
#include <net/route.h>

#include "hint.h"
#include "hook_inet.h"
#include "inspect.h"
#include "net.h"
#include "offload.h"
#include "pkt.h"
#include "ruleset.h"
#include "slowpath.h"
#include "verdict.h"

/* The source is the first address of its family that the device has. */
static __always_inline bool has_source(const struct cordon_host *host, const struct sk_buff *skb,
				       u8 pf)
{
	if (pf == NFPROTO_IPV4)
		return ip_hdr(skb)->saddr == host->v4 && host->v4;
	return ipv6_addr_equal(&ipv6_hdr(skb)->saddr, &host->v6);
}

/* What comes in by a bridge of ports takes the slow path, if its device is tied to one of them. */
static __always_inline bool is_behind(const struct cordon_host *host, u16 port)
{
	return host->port == CORDON_ANY_PORT || host->port == port;
}

/* One of two roles, of which the first is the usual one: the compiler is not to test for both. */
static __always_inline bool is_role(u8 role, u8 usual, u8 other)
{
	if (likely(role == usual))
		return true;
	OPTIMIZER_HIDE_VAR(role);
	return role == other;
}

/* Devices live behind an interface of this role. */
static __always_inline bool has_devices(u8 role)
{
	return is_role(role, CORDON_ROLE_PORT, CORDON_ROLE_BRIDGE);
}

/* An interface where the first step finds it, else one of no role: others take the slow path. */
static __always_inline const struct cordon_interface *interface_of(const struct cordon_ports *ports,
								   const struct net_device *dev)
{
	static const struct cordon_interface none = { .role = CORDON_ROLE_UNLISTED };
	const struct cordon_interface *slot = &ports->slots[dev->ifindex & ports->mask];

	/* Or else its address is worked out twice. */
	OPTIMIZER_HIDE_VAR(slot);
	/* Pairs with the release in ports.c: the rest of the slot was written before. */
	return likely(smp_load_acquire(&slot->ifindex) == dev->ifindex) ? slot : &none;
}

/* The source MAC of a frame of Ethernet right before the network header, as cordon_mac_key(). */
static __always_inline bool has_mac(const struct sk_buff *skb, const struct net_device *in,
				    u64 *mac)
{
	if (unlikely(in->type != ARPHRD_ETHER ||
		     skb->mac_header + ETH_HLEN != (int)skb->network_header))
		return false;
	*mac = cordon_mac_key(eth_hdr(skb)->h_source);
	return true;
}

/* A device's packet comes in on its port, with its first address; or a frame of no device. */
static __always_inline unsigned int prerouting(struct cordon_net *cn, struct sk_buff *skb,
					       const struct nf_hook_state *state, u8 pf)
{
	const struct cordon_ruleset *rs = rcu_dereference(cn->ruleset);
	const struct cordon_interface *in;
	const struct cordon_host *host;
	u32 device;
	u64 mac;
	u8 role;

	if (!rs)
		return NF_ACCEPT;
	if (unlikely(cordon_pkt_must_be_read(skb, pf)))
		return cordon_slow_prerouting(cn, skb, state);
	in = interface_of(rcu_dereference(rs->ports), state->in);
	role = READ_ONCE(in->role);
	if (role != CORDON_ROLE_PORT)
		return is_role(role, CORDON_ROLE_UPLINK, CORDON_ROLE_BRIDGE) ?
		       NF_ACCEPT : cordon_slow_prerouting(cn, skb, state);
	if (unlikely(!has_mac(skb, state->in, &mac)))
		return cordon_slow_prerouting(cn, skb, state);
	device = cordon_ruleset_by_mac(rs, mac);
	if (unlikely(device == CORDON_NO_DEVICE))
		return cordon_slow_stranger(cn, skb, state, rs, in->port);
	host = &rs->hosts[device];
	if (unlikely(!has_source(host, skb, pf) || !is_behind(host, in->port) ||
		     cordon_pkt_has_odd_flags(skb, pf)))
		return cordon_slow_prerouting(cn, skb, state);
	cordon_hint_note(skb, device);
	cordon_traffic_rx(host->device->traffic, cordon_pkt_count(skb), skb->len);
	return NF_ACCEPT;
}

/* The connection may get into a flow table, from which nothing keeps it yet. */
static __always_inline bool may_bypass(const struct nf_conn *ct, const struct nf_hook_state *state)
{
	return unlikely(cordon_may_bypass(state->in) || cordon_may_bypass(state->out)) &&
	       !nfct_help(ct);
}

/* The packet goes from one end of its connection to the other. */
static __always_inline bool is_straight(const struct sk_buff *skb, const union nf_inet_addr *src,
					const union nf_inet_addr *dst, u8 pf)
{
	if (pf == NFPROTO_IPV4)
		return ip_hdr(skb)->saddr == src->ip && ip_hdr(skb)->daddr == dst->ip &&
		       !IPCB(skb)->opt.srr_is_hit && skb_rtable(skb)->rt_type == RTN_UNICAST;
	return ipv6_addr_equal(&ipv6_hdr(skb)->saddr, &src->in6) &&
	       ipv6_addr_equal(&ipv6_hdr(skb)->daddr, &dst->in6);
}

/* The address is one of those that were bound, and not of the many others around them. */
static bool is_bound(const struct cordon_ruleset *rs, const struct cordon_addr *addr)
{
	return cordon_bound_has(&rs->bound, addr) &&
	       cordon_policy_device_by_addr(rs->policy, addr) != CORDON_NO_DEVICE;
}

/*
 * An end of the stamp that is no device, and whose address has been bound to one since. From the
 * next epoch on, there is no such stamp.
 */
static noinline bool is_rebound(const struct cordon_ruleset *rs, const struct sk_buff *skb, u8 pf,
				u32 from, u32 to)
{
	const struct cordon_addr src = cordon_pkt_source(skb, pf);
	const struct cordon_addr dst = cordon_pkt_destination(skb, pf);

	return (from >= CORDON_STAMP_SEGMENT && is_bound(rs, &src)) ||
	       (to >= CORDON_STAMP_SEGMENT && is_bound(rs, &dst));
}

/* Where it is counted that an end which is no device sends from an uplink; NULL, it may not. */
static __always_inline struct cordon_traffic __percpu *
sends_from_uplink(const struct cordon_ruleset *rs, u32 end, const struct cordon_interface *in)
{
	const u32 segment = end & ~CORDON_STAMP_SEGMENT;
	const struct cordon_policy *p = rs->policy;

	if (unlikely(READ_ONCE(in->role) != CORDON_ROLE_UPLINK || segment >= p->draft.n_segments ||
		     (p->located[segment] &&
		      !cordon_ports_holds(rcu_dereference(rs->ports), in->ifindex, segment))))
		return NULL;
	return rs->segments[segment]->traffic;
}

/*
 * Likewise, for a device that has sent the packet, from its place and in good state. That its
 * address is the device's has been looked at for the stamp.
 */
static __always_inline struct cordon_traffic __percpu *
sends_from_port(const struct cordon_ruleset *rs, u32 device, const struct sk_buff *skb,
		const struct net_device *dev, const struct cordon_interface *in)
{
	const struct cordon_host *host = &rs->hosts[device];
	u64 mac;

	if (unlikely(!has_devices(READ_ONCE(in->role)) ||
		     !has_mac(skb, dev, &mac) || !cordon_ruleset_is_at(rs, device, mac) ||
		     !is_behind(host, in->port) || !cordon_host_is_active(host, in->wire)))
		return NULL;
	return host->sent;
}

/* A device may be behind an interface of this role: an uplink, too, if it is tied to no port. */
static __always_inline bool is_forwarding(u8 role)
{
	if (likely(role == CORDON_ROLE_PORT || role == CORDON_ROLE_UPLINK))
		return true;
	OPTIMIZER_HIDE_VAR(role);
	return role == CORDON_ROLE_BRIDGE;
}

/* The other end may still be sent to, by this interface. @traffic: where that is counted */
static __always_inline bool may_receive(const struct cordon_ruleset *rs, u32 end,
					const struct cordon_interface *out,
					struct cordon_traffic __percpu **traffic)
{
	const struct cordon_host *host = &rs->hosts[end];
	const u8 role = READ_ONCE(out->role);

	*traffic = NULL;
	if (end >= CORDON_STAMP_SEGMENT)
		return role == CORDON_ROLE_UPLINK;
	if (unlikely(!is_forwarding(role) ||
		     end >= rs->room || !is_behind(host, out->port) ||
		     !cordon_host_is_active(host, 0)))
		return false;
	*traffic = host->device->traffic;
	return true;
}

#ifdef CONFIG_64BIT
/*
 * A packet of a connection that the ruleset in force has stamped. What else may have changed is
 * looked at anew: who sends it and whether it comes from its place, both ends' states and leases,
 * where it goes, and, once inspected, whether another connection begins.
 */
static __always_inline bool pass_forward(const struct cordon_net *cn, struct sk_buff *skb,
					 const struct nf_hook_state *state, u8 pf)
{
	const struct cordon_ruleset *rs = rcu_dereference(cn->ruleset);
	struct cordon_traffic __percpu *sent, *received;
	const struct cordon_interface *in;
	const union nf_inet_addr *src, *dst;
	const struct cordon_ports *ports;
	enum ip_conntrack_info ctinfo;
	const struct nf_conn *ct = nf_ct_get(skb, &ctinfo);
	u32 from, to;
	u64 stamp;

	if (!rs || !ct)
		return false;
	stamp = cordon_inspect_stamp(ct);
	if (!cordon_stamp_holds(&rs->stamp, (unsigned long)ct, stamp))
		return false;
	src = &ct->tuplehash[IP_CT_DIR_ORIGINAL].tuple.src.u3;
	dst = &ct->tuplehash[IP_CT_DIR_REPLY].tuple.src.u3;
	from = stamp & CORDON_STAMP_END;
	to = stamp >> CORDON_STAMP_END_BITS & CORDON_STAMP_END;
	if (ctinfo == IP_CT_ESTABLISHED_REPLY) {
		swap(src, dst);
		swap(from, to);
	} else if (unlikely(ctinfo != IP_CT_ESTABLISHED)) {
		return false;
	}
	if (unlikely(!is_straight(skb, src, dst, pf) || may_bypass(ct, state) ||
		     (stamp & CORDON_STAMP_INSPECTED && cordon_inspect_may_begin(skb, pf)) ||
		     (cordon_ruleset_has_bound(rs) && is_rebound(rs, skb, pf, from, to))))
		return false;
	ports = rcu_dereference(rs->ports);
	in = interface_of(ports, state->in);
	sent = from >= CORDON_STAMP_SEGMENT ? sends_from_uplink(rs, from, in) :
					     sends_from_port(rs, from, skb, state->in, in);
	if (unlikely(!sent || !may_receive(rs, to, interface_of(ports, state->out), &received)))
		return false;
	cordon_traffic_both(sent, received, cordon_pkt_count(skb), skb->len);
	return true;
}
#else
static __always_inline bool pass_forward(const struct cordon_net *cn, struct sk_buff *skb,
					 const struct nf_hook_state *state, u8 pf)
{
	return false;
}
#endif

/* The packet is for one host, and none of its addresses is a mapped one. */
static __always_inline bool is_for_one(const struct sk_buff *skb, u8 pf)
{
	if (pf == NFPROTO_IPV4)
		return skb_rtable(skb)->rt_type == RTN_UNICAST;
	return !ipv6_addr_is_multicast(&ipv6_hdr(skb)->daddr) && !cordon_pkt_is_mapped(skb, pf);
}

/*
 * The first packet of a connection of TCP or UDP that a device in good state opens from its first
 * address: a rule admits it, and nothing else is demanded; or none does.
 */
static __always_inline unsigned int forward_new(struct cordon_net *cn, struct sk_buff *skb,
						const struct nf_hook_state *state, u8 pf)
{
	struct cordon_first first = {
		.rs = rcu_dereference(cn->ruleset),
		.from.state = CORDON_STATE_ACTIVE, .to.state = CORDON_STATE_ACTIVE,
	};
	struct cordon_end *from = &first.from, *to = &first.to;
	struct cordon_traffic __percpu *sent, *received;
	const struct cordon_ruleset *rs = first.rs;
	const struct nf_conntrack_tuple *o, *r;
	const struct cordon_ports *ports;
	enum ip_conntrack_info ctinfo;
	const struct nf_conn *ct = nf_ct_get(skb, &ctinfo);
	struct cordon_addr dst;
	u16 port;

	if (!rs || !ct || ctinfo != IP_CT_NEW || ct->master || !is_for_one(skb, pf))
		goto slow;
	o = &ct->tuplehash[IP_CT_DIR_ORIGINAL].tuple;
	r = &ct->tuplehash[IP_CT_DIR_REPLY].tuple;
	port = ntohs(r->src.u.all);
	if ((o->dst.protonum != IPPROTO_TCP && o->dst.protonum != IPPROTO_UDP) || !port ||
	    !is_straight(skb, &o->src.u3, &r->src.u3, pf) || may_bypass(ct, state))
		goto slow;
	ports = rcu_dereference(rs->ports);
	first.in = interface_of(ports, state->in);
	from->device = cordon_hint(skb);
	sent = sends_from_port(rs, from->device, skb, state->in, first.in);
	if (!sent || !has_source(&rs->hosts[from->device], skb, pf) ||
	    unlikely(rs->hosts[from->device].watched) ||
	    /* br_netfilter may show what a bridge only switches. */
	    unlikely(first.in->port == CORDON_BRIDGE_PORT && nf_bridge_get_physoutdev(skb)))
		goto slow;
	from->segment = rs->hosts[from->device].segment;
	dst = cordon_pkt_destination(skb, pf);
	to->device = cordon_policy_device_by_addr(rs->policy, &dst);
	if (to->device == CORDON_NO_DEVICE)
		to->segment = cordon_policy_network_segment(rs->policy, &dst);
	else
		to->segment = rs->hosts[to->device].segment;
	if (!may_receive(rs, to->device == CORDON_NO_DEVICE ? CORDON_STAMP_SEGMENT : to->device,
			 interface_of(ports, state->out), &received))
		goto slow;
	first.v = cordon_decide_connection(rs->policy, from, to, o->dst.protonum, port);
	if (unlikely(!first.v.accept))
		return cordon_slow_refusal(cn, skb, state, &first);
	if (cordon_decide_encryption(rs->policy, &first.v, from, to) != CORDON_ENCRYPTION_ANY)
		goto slow;
	cordon_verdict_note(rs, &first.v);
	cordon_traffic_both(sent, received, cordon_pkt_count(skb), skb->len);
	return NF_ACCEPT;
slow:
	return cordon_slow_forward(cn, skb, state);
}

static noinline unsigned int forward_new_v4(void *priv, struct sk_buff *skb,
					    const struct nf_hook_state *state)
{
	return forward_new(priv, skb, state, NFPROTO_IPV4);
}

static noinline unsigned int forward_new_v6(void *priv, struct sk_buff *skb,
					    const struct nf_hook_state *state)
{
	return forward_new(priv, skb, state, NFPROTO_IPV6);
}

static unsigned int prerouting_v4(void *priv, struct sk_buff *skb,
				  const struct nf_hook_state *state)
{
	return prerouting(priv, skb, state, NFPROTO_IPV4);
}

static unsigned int prerouting_v6(void *priv, struct sk_buff *skb,
				  const struct nf_hook_state *state)
{
	return prerouting(priv, skb, state, NFPROTO_IPV6);
}

static unsigned int forward_v4(void *priv, struct sk_buff *skb, const struct nf_hook_state *state)
{
	return likely(pass_forward(priv, skb, state, NFPROTO_IPV4)) ?
	       NF_ACCEPT : forward_new_v4(priv, skb, state);
}

static unsigned int forward_v6(void *priv, struct sk_buff *skb, const struct nf_hook_state *state)
{
	return likely(pass_forward(priv, skb, state, NFPROTO_IPV6)) ?
	       NF_ACCEPT : forward_new_v6(priv, skb, state);
}

static unsigned int input(void *priv, struct sk_buff *skb, const struct nf_hook_state *state)
{
	return cordon_slow_input(priv, skb, state);
}

static unsigned int output(void *priv, struct sk_buff *skb, const struct nf_hook_state *state)
{
	return cordon_slow_output(priv, skb, state);
}

#define HOOK(fn, family, num, prio) \
	{ .hook = (fn), .pf = (family), .hooknum = (num), .priority = (prio) }

/*
 * Prerouting before defragmentation (-450), the others after destination and before source NAT.
 * Each namespace has a copy, with its struct cordon_net as the argument.
 */
const struct nf_hook_ops cordon_inet_hooks[CORDON_INET_HOOKS] = {
	HOOK(prerouting_v4, NFPROTO_IPV4, NF_INET_PRE_ROUTING, NF_IP_PRI_FIRST),
	HOOK(forward_v4, NFPROTO_IPV4, NF_INET_FORWARD, NF_IP_PRI_FILTER),
	HOOK(input, NFPROTO_IPV4, NF_INET_LOCAL_IN, NF_IP_PRI_FILTER),
	HOOK(output, NFPROTO_IPV4, NF_INET_LOCAL_OUT, NF_IP_PRI_FILTER),
	HOOK(prerouting_v6, NFPROTO_IPV6, NF_INET_PRE_ROUTING, NF_IP6_PRI_FIRST),
	HOOK(forward_v6, NFPROTO_IPV6, NF_INET_FORWARD, NF_IP6_PRI_FILTER),
	HOOK(input, NFPROTO_IPV6, NF_INET_LOCAL_IN, NF_IP6_PRI_FILTER),
	HOOK(output, NFPROTO_IPV6, NF_INET_LOCAL_OUT, NF_IP6_PRI_FILTER),
};
