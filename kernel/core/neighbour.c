// SPDX-License-Identifier: GPL-2.0
/* What devices say on their link, by what is in it: neighbours, and who gives addresses. */
#include "decide.h"
#include "neighbour.h"

#define ICMP6_MLD_QUERY		130
#define ICMP6_MLD_DONE		132
#define ICMP6_ROUTER_SOLICIT	133
#define ICMP6_ROUTER_ADVERT	134
#define ICMP6_NEIGH_SOLICIT	135
#define ICMP6_REDIRECT		137
#define ICMP6_MLD2_REPORT	143

#define PROTO_IGMP	2
#define PROTO_UDP	17
#define PROTO_ICMP6	58

/**
 * cordon_flow_is_discovery - a packet is a message of neighbour discovery (RFC 4861)
 * @f: facts about it
 */
bool cordon_flow_is_discovery(const struct cordon_flow *f)
{
	return f->proto == PROTO_ICMP6 && f->dport >= ICMP6_ROUTER_SOLICIT &&
	       f->dport <= ICMP6_REDIRECT;
}

/**
 * cordon_flow_is_of_link - a packet is about the link, and of no connection
 * @f: facts about it
 *
 * Neighbour discovery, and who is in which group.
 */
bool cordon_flow_is_of_link(const struct cordon_flow *f)
{
	if (f->proto == PROTO_IGMP || cordon_flow_is_discovery(f))
		return true;
	return f->proto == PROTO_ICMP6 &&
	       (f->dport == ICMP6_MLD2_REPORT ||
		(f->dport >= ICMP6_MLD_QUERY && f->dport <= ICMP6_MLD_DONE));
}

/**
 * cordon_flow_is_router - only a router says this
 * @f: facts about a packet
 */
bool cordon_flow_is_router(const struct cordon_flow *f)
{
	return f->proto == PROTO_ICMP6 &&
	       (f->dport == ICMP6_ROUTER_ADVERT || f->dport == ICMP6_REDIRECT);
}

/**
 * cordon_flow_is_server - only a server of DHCP says this
 * @f: facts about a packet
 *
 * From whatever port: clients look at their own.
 */
bool cordon_flow_is_server(const struct cordon_flow *f)
{
	bool v4 = cordon_addr_is_v4(&f->src);
	u16 server = v4 ? CORDON_PORT_DHCP : CORDON_PORT_DHCP6;
	u16 client = v4 ? CORDON_PORT_DHCP_CLIENT : CORDON_PORT_DHCP6_CLIENT;

	return f->proto == PROTO_UDP && (f->sport == server || f->dport == client);
}

/**
 * cordon_flow_is_for_server - a packet is for servers of DHCP
 * @f: facts about it
 */
bool cordon_flow_is_for_server(const struct cordon_flow *f)
{
	return f->proto == PROTO_UDP &&
	       f->dport == (cordon_addr_is_v4(&f->src) ? CORDON_PORT_DHCP : CORDON_PORT_DHCP6);
}

/* The device that a link-local address is derived from the MAC of, or that it is bound to. */
static u32 owner_of(const struct cordon_policy *p, const struct cordon_addr *a)
{
	u32 device = cordon_policy_device_by_addr(p, a);
	u8 mac[6];

	if (device == CORDON_NO_DEVICE && cordon_addr_is_link_local(a) &&
	    cordon_mac_of_identifier(a->lo, mac))
		device = cordon_policy_device_by_mac(p, mac);
	return device;
}

/**
 * cordon_flow_asks - whom a packet for many asks for the MAC of an address
 * @p: the policy
 * @f: facts about it
 * @device: gets the device that has the address; or CORDON_NO_DEVICE
 *
 * Return: what it asks.
 */
enum cordon_asks cordon_flow_asks(const struct cordon_policy *p, const struct cordon_flow *f,
				  u32 *device)
{
	*device = CORDON_NO_DEVICE;
	if (f->proto != PROTO_ICMP6 || f->dport != ICMP6_NEIGH_SOLICIT)
		return CORDON_ASKS_NOTHING;
	*device = owner_of(p, &f->target);
	return *device == CORDON_NO_DEVICE && cordon_addr_is_link_local(&f->target) ?
	       CORDON_ASKS_LINK : CORDON_ASKS_OWNER;
}
