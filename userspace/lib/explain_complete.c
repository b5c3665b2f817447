// SPDX-License-Identifier: GPL-2.0
/* What of a packet nobody asks about, as a sound one has it. */
#include <netinet/in.h>

#include "explain.h"

#define DHCP_CLIENT	68
#define DHCP6_CLIENT	546
#define EPHEMERAL	49152	/* a source port that means nothing */

#define MLD_REPORT	131
#define MLD_DONE	132
#define MLD2_REPORT	143
#define NEIGHBOUR_SOLICIT	135

static bool is_listener_report(const struct cordon_flow *f)
{
	return f->proto == IPPROTO_ICMPV6 &&
	       (f->dport == MLD_REPORT || f->dport == MLD_DONE || f->dport == MLD2_REPORT);
}

/* By which of its addresses the gateway is reached from a source that is good for the link only. */
static struct cordon_addr gateway_address(const struct cordon_flow *f)
{
	if (cordon_addr_is_v4(&f->src))
		return cordon_addr_v4(0xffffffff);
	if (cordon_addr_is_unspecified(&f->src) || is_listener_report(f))
		return (struct cordon_addr){ 0xff02000000000000ULL, 1 };
	return (struct cordon_addr){ 0xfe80000000000000ULL, 1 };
}

/* Who has the address that it is for? To the group of those that may (RFC 4291, 2.7.1). */
static void solicit(struct cordon_flow *f)
{
	f->target = f->dst;
	f->dst.hi = 0xff02000000000000ULL;
	f->dst.lo = 0x00000001ff000000ULL | (f->target.lo & 0xffffff);
	f->proto = IPPROTO_ICMPV6;
	f->dport = NEIGHBOUR_SOLICIT;
	f->hop_limit = 255;
}

/**
 * explain_complete - fill in what nobody asks about, as a sound packet has it
 * @e: the gateway
 * @packet: source and destination, protocol and destination port are known
 *
 * The source port of a DHCP client, the hop limits of neighbour discovery (RFC 4861, 7.1) and of
 * listener reports (RFC 3810, 5); who solicits asks for an address of his own.
 */
void explain_complete(const struct explain *e, struct explain_packet *packet)
{
	const struct cordon_device_def *d;
	struct cordon_flow *f = &packet->flow;
	u32 i;

	f->sport = EPHEMERAL;
	if (f->proto == IPPROTO_UDP && f->dport == CORDON_PORT_DHCP)
		f->sport = DHCP_CLIENT;
	if (f->proto == IPPROTO_UDP && f->dport == CORDON_PORT_DHCP6)
		f->sport = DHCP6_CLIENT;
	f->hop_limit = f->proto == IPPROTO_ICMPV6 ? 255 : 64;
	if (is_listener_report(f))
		f->hop_limit = 1;
	/* What servers of DHCP send. */
	if (f->proto == IPPROTO_UDP && f->dport == DHCP_CLIENT)
		f->sport = CORDON_PORT_DHCP;
	if (f->proto == IPPROTO_UDP && f->dport == DHCP6_CLIENT)
		f->sport = CORDON_PORT_DHCP6;
	if (packet->to_gateway)
		f->dst = gateway_address(f);
	d = packet->device == CORDON_NO_DEVICE ? NULL : &e->p->draft.devices[packet->device];
	for (i = 0; d && i < d->n; i++)
		if (!cordon_addr_is_v4(&e->p->draft.addresses[d->first + i]))
			f->target = e->p->draft.addresses[d->first + i];
	if (packet->solicits)
		solicit(f);
}
