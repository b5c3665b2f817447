// SPDX-License-Identifier: GPL-2.0
/* Facts out of packets and out of connection tracking. */
#include <linux/icmp.h>
#include <linux/icmpv6.h>
#include <linux/igmp.h>
#include <linux/tcp.h>
#include <linux/udp.h>
#include <net/ip.h>
#include <net/ipv6.h>
#include <net/ndisc.h>
#include <net/netfilter/nf_conntrack.h>
#include <net/route.h>

#include "inspector.h"
#include "pkt.h"

#define ICMP_ROUTER_ADVERT	9	/* RFC 1256 */
#define ICMP_ROUTER_SOLICIT	10

static void malformed(struct cordon_flow *flow)
{
	flow->flags |= CORDON_FLOW_MALFORMED;
}

/*
 * A header ends behind the packet. All of them must be in the first fragment (RFC 1858, 3.1;
 * RFC 7112, 5): otherwise nothing that decides by one fragment sees what arrives.
 */
static void cut_off(struct cordon_flow *flow)
{
	flow->flags |= flow->flags & CORDON_FLOW_FRAGMENT ? CORDON_FLOW_BAD_PART :
							    CORDON_FLOW_MALFORMED;
}

static void read_tcp(const struct sk_buff *skb, int offset, unsigned int len,
		     struct cordon_flow *flow)
{
	struct tcphdr buf;
	const struct tcphdr *th = skb_header_pointer(skb, offset, sizeof(buf), &buf);

	if (!th || len < sizeof(*th))
		return cut_off(flow);
	if (th->doff * 4 < sizeof(*th))
		return malformed(flow);
	if (th->doff * 4 > len)
		return cut_off(flow);
	flow->sport = ntohs(th->source);
	flow->dport = ntohs(th->dest);
	if (!cordon_tcp_flags_are_sound(((const u8 *)th)[CORDON_TCP_FLAGS]))
		flow->flags |= CORDON_FLOW_BAD_FLAGS;
}

static void read_udp(const struct sk_buff *skb, int offset, unsigned int len,
		     struct cordon_flow *flow)
{
	struct udphdr buf;
	const struct udphdr *uh = skb_header_pointer(skb, offset, sizeof(buf), &buf);
	unsigned int said;

	if (!uh || len < sizeof(*uh))
		return cut_off(flow);
	/* A length of 0 stands for a jumbogram (RFC 2675, 4). */
	said = ntohs(uh->len);
	if ((said && said < sizeof(*uh)) ||
	    (said > len && !(flow->flags & CORDON_FLOW_FRAGMENT)))
		return malformed(flow);
	flow->sport = ntohs(uh->source);
	flow->dport = ntohs(uh->dest);
}

/* UDP-Lite, SCTP, DCCP: source and destination port come first. */
static void read_ports(const struct sk_buff *skb, int offset, unsigned int len,
		       struct cordon_flow *flow)
{
	__be16 buf[2];
	const __be16 *ports = skb_header_pointer(skb, offset, sizeof(buf), buf);

	if (!ports || len < sizeof(buf))
		return cut_off(flow);
	flow->sport = ntohs(ports[0]);
	flow->dport = ntohs(ports[1]);
}

/* ICMP, ICMPv6, IGMP: the type is the first byte. */
static void read_type(const struct sk_buff *skb, int offset, unsigned int len,
		      unsigned int least, struct cordon_flow *flow)
{
	const struct in6_addr *target;
	struct in6_addr target_buf;
	u8 buf;
	const u8 *type = skb_header_pointer(skb, offset, sizeof(buf), &buf);

	if (!type || len < least)
		return cut_off(flow);
	flow->dport = *type;
	if (flow->proto != IPPROTO_ICMPV6 || *type != NDISC_NEIGHBOUR_SOLICITATION)
		return;
	target = skb_header_pointer(skb, offset + sizeof(struct icmp6hdr), sizeof(target_buf),
				    &target_buf);
	if (!target || len < sizeof(struct icmp6hdr) + sizeof(*target))
		return cut_off(flow);
	flow->target = cordon_pkt_v6(target);
}

static void read_payload(const struct sk_buff *skb, int offset, unsigned int len,
			 struct cordon_flow *flow)
{
	if (flow->flags & CORDON_FLOW_LATER)
		return;
	switch (flow->proto) {
	case IPPROTO_TCP:
		return read_tcp(skb, offset, len, flow);
	case IPPROTO_UDP:
		return read_udp(skb, offset, len, flow);
	case IPPROTO_UDPLITE:
	case IPPROTO_SCTP:
	case IPPROTO_DCCP:
		return read_ports(skb, offset, len, flow);
	case IPPROTO_ICMP:
		return read_type(skb, offset, len, sizeof(struct icmphdr), flow);
	case IPPROTO_ICMPV6:
		return read_type(skb, offset, len, 4, flow);
	case IPPROTO_IGMP:
		return read_type(skb, offset, len, sizeof(struct igmphdr), flow);
	}
}

/*
 * Where a fragment lies in its datagram. All but the last are multiples of 8 bytes, and none ends
 * behind 65,535 (RFC 791, 3.2; RFC 8200, 4.5). In front of one that begins at the second 8 bytes of
 * TCP there is only room for a first one that is too short, or it replaces the first one's flags
 * (RFC 3128, 2).
 */
static void read_place(struct cordon_flow *flow, unsigned int from, bool more, unsigned int len)
{
	if ((more && len % 8) || from + len > IP_MAX_MTU ||
	    (from == 8 && flow->proto == IPPROTO_TCP))
		flow->flags |= CORDON_FLOW_BAD_PART;
}

static void read_v4(const struct sk_buff *skb, struct cordon_flow *flow)
{
	const struct iphdr *iph = ip_hdr(skb);
	unsigned int head = iph->ihl * 4, len = ntohs(iph->tot_len) - head;

	flow->proto = iph->protocol;
	flow->hop_limit = iph->ttl;
	if (ip_is_fragment(iph)) {
		flow->flags |= CORDON_FLOW_FRAGMENT;
		read_place(flow, (ntohs(iph->frag_off) & IP_OFFSET) * 8,
			   iph->frag_off & htons(IP_MF), len);
	}
	if (iph->frag_off & htons(IP_OFFSET))
		flow->flags |= CORDON_FLOW_LATER;
	read_payload(skb, skb_network_offset(skb) + head, len, flow);
}

/*
 * The fragment header of IPv6, if there is a whole one, and where it is. ipv6_find_hdr() does not
 * tell where a later fragment begins, and finds nothing in one whose payload begins with an
 * extension header, of which the first fragment has the rest.
 */
static const struct frag_hdr *find_v6_fragment(const struct sk_buff *skb, unsigned int *offset,
					       struct frag_hdr *buf)
{
	*offset = 0;
	if (ipv6_find_hdr(skb, offset, NEXTHDR_FRAGMENT, NULL, NULL) < 0)
		return NULL;
	return skb_header_pointer(skb, *offset, sizeof(*buf), buf);
}

/* Return: false, there is no whole fragment header. */
static bool read_v6_fragment(const struct sk_buff *skb, struct cordon_flow *flow)
{
	unsigned int offset, from;
	struct frag_hdr buf;
	const struct frag_hdr *fh = find_v6_fragment(skb, &offset, &buf);

	if (!fh)
		return false;
	flow->flags |= CORDON_FLOW_FRAGMENT;
	flow->proto = fh->nexthdr;
	from = ntohs(fh->frag_off) & IP6_OFFSET;
	if (from)
		flow->flags |= CORDON_FLOW_LATER;
	read_place(flow, from, fh->frag_off & htons(IP6_MF), skb->len - offset - sizeof(*fh));
	return true;
}

static void read_v6(const struct sk_buff *skb, struct cordon_flow *flow)
{
	const struct ipv6hdr *ip6 = ipv6_hdr(skb);
	unsigned int offset = skb_network_offset(skb) + sizeof(*ip6);
	int proto = ip6->nexthdr;
	int flags = 0;

	flow->hop_limit = ip6->hop_limit;
	if (cordon_addr_is_v4(&flow->src) || cordon_addr_is_v4(&flow->dst))
		return malformed(flow);
	if (ipv6_ext_hdr(proto)) {
		offset = 0;
		proto = ipv6_find_hdr(skb, &offset, -1, NULL, &flags);
		if ((proto < 0 || flags & IP6_FH_F_FRAG) && !read_v6_fragment(skb, flow))
			return malformed(flow);
		/* It lies in another fragment; or, without a place, in one within this. */
		if ((proto < 0 || !offset) && !(flow->flags & CORDON_FLOW_LATER))
			return cut_off(flow);
	}
	if (!(flow->flags & CORDON_FLOW_LATER))
		flow->proto = proto;
	read_payload(skb, offset, skb->len - offset, flow);
}

static void part_v4(const struct sk_buff *skb, struct cordon_part *part)
{
	const struct iphdr *iph = ip_hdr(skb);

	part->id = ntohs(iph->id);
	part->where = iph->protocol;
	part->from = (ntohs(iph->frag_off) & IP_OFFSET) * 8;
	part->to = part->from + ntohs(iph->tot_len) - iph->ihl * 4;
	part->last = !(iph->frag_off & htons(IP_MF));
}

static void part_v6(const struct sk_buff *skb, struct cordon_part *part)
{
	unsigned int offset;
	struct frag_hdr buf;
	const struct frag_hdr *fh = find_v6_fragment(skb, &offset, &buf);

	if (!fh)
		return;
	part->id = ntohl(fh->identification);
	part->from = ntohs(fh->frag_off) & IP6_OFFSET;
	part->to = part->from + skb->len - offset - sizeof(*fh);
	part->last = !(fh->frag_off & htons(IP6_MF));
}

/**
 * cordon_pkt_part - which part of which datagram a fragment is
 * @skb: one whose flow says that it is a fragment, and as a stack cuts it
 * @pf: NFPROTO_IPV4 or NFPROTO_IPV6
 * @part: filled, with the protocol of IPv4 as @where
 */
void cordon_pkt_part(const struct sk_buff *skb, u8 pf, struct cordon_part *part)
{
	*part = (struct cordon_part){
		.src = cordon_pkt_source(skb, pf), .dst = cordon_pkt_destination(skb, pf),
	};
	if (pf == NFPROTO_IPV4)
		part_v4(skb, part);
	else
		part_v6(skb, part);
}

/**
 * cordon_pkt_payload - the protocol of the payload, and where it begins
 * @skb: the packet, put together, after connection tracking
 * @pf: NFPROTO_IPV4 or NFPROTO_IPV6
 * @offset: filled
 *
 * Return: the protocol; -1 or another negative number, it is not to be found.
 */
int cordon_pkt_payload(const struct sk_buff *skb, u8 pf, unsigned int *offset)
{
	unsigned short frag = 0;
	int proto;

	if (pf == NFPROTO_IPV4) {
		*offset = skb_network_offset(skb) + ip_hdrlen(skb);
		return ip_hdr(skb)->protocol;
	}
	*offset = 0;
	proto = ipv6_find_hdr(skb, offset, -1, &frag, NULL);
	return frag ? -1 : proto;
}

/**
 * cordon_pkt_flow - facts about one packet
 * @skb: its network header is pulled and sound, as after ip_rcv() and ip6_rcv()
 * @pf: NFPROTO_IPV4 or NFPROTO_IPV6
 * @flow: filled
 *
 * @flow's flags say of a fragment what can be told by itself; whether it overlaps others says
 * cordon_fragment_overlaps().
 */
void cordon_pkt_flow(const struct sk_buff *skb, u8 pf, struct cordon_flow *flow)
{
	memset(flow, 0, sizeof(*flow));
	flow->src = cordon_pkt_source(skb, pf);
	flow->dst = cordon_pkt_destination(skb, pf);
	if (pf == NFPROTO_IPV4)
		read_v4(skb, flow);
	else
		read_v6(skb, flow);
}

static struct cordon_addr tuple_addr(const union nf_inet_addr *a, u16 l3num)
{
	return l3num == NFPROTO_IPV4 ? cordon_addr_v4(ntohl(a->ip)) : cordon_pkt_v6(&a->in6);
}

/**
 * cordon_pkt_connection - facts about the connection that a packet is of
 * @ct: the connection
 * @flow: filled: who opened it, as it really is; where it really goes
 *
 * Source translation shows in the reply's destination only, destination
 * translation in the reply's source: the end that opened a connection is the
 * original's source, the end that answers it the reply's.
 */
void cordon_pkt_connection(const struct nf_conn *ct, struct cordon_flow *flow)
{
	const struct nf_conntrack_tuple *o = &ct->tuplehash[IP_CT_DIR_ORIGINAL].tuple;
	const struct nf_conntrack_tuple *r = &ct->tuplehash[IP_CT_DIR_REPLY].tuple;

	flow->src = tuple_addr(&o->src.u3, o->src.l3num);
	flow->dst = tuple_addr(&r->src.u3, r->src.l3num);
	flow->proto = o->dst.protonum;
	flow->sport = 0;
	switch (flow->proto) {
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		flow->dport = o->dst.u.icmp.type;
		break;
	case IPPROTO_TCP:
	case IPPROTO_UDP:
	case IPPROTO_UDPLITE:
	case IPPROTO_SCTP:
	case IPPROTO_DCCP:
		flow->sport = ntohs(o->src.u.all);
		flow->dport = ntohs(r->src.u.all);
		break;
	default:
		flow->dport = 0;
	}
}

/*
 * Connection tracking knows nothing of IGMP's types, and some kernels' nothing of the ports of DCCP
 * and UDP-Lite: then each packet is decided on by its own. Return: as cordon_pkt_track().
 */
static noinline u8 track_ports(struct cordon_pkt *pkt)
{
	struct cordon_flow packet;

	switch (pkt->flow.proto) {
	case IPPROTO_IGMP:
	case IPPROTO_UDPLITE:
	case IPPROTO_DCCP:
		break;
	default:
		return 0;
	}
	cordon_pkt_flow(pkt->skb, pkt->state->pf, &packet);
	/* An ICMP error has none of these: it is decided on as of port 0. */
	if (packet.proto != pkt->flow.proto)
		return 0;
	pkt->flow.sport = pkt->original ? packet.sport : packet.dport;
	pkt->flow.dport = pkt->original || packet.proto == IPPROTO_IGMP ? packet.dport
									: packet.sport;
	return packet.flags & CORDON_FLOW_MALFORMED ? CORDON_KIND_MALFORMED : 0;
}

/*
 * Messages that are no request, no reply and no error: connection tracking leaves some of them
 * untracked, and calls the others invalid, whatever they hold.
 */
static bool is_notice(const struct cordon_flow *packet)
{
	switch (packet->proto) {
	case IPPROTO_ICMP:
		return packet->dport == ICMP_ROUTER_ADVERT ||
		       packet->dport == ICMP_ROUTER_SOLICIT;
	case IPPROTO_ICMPV6:
		return packet->dport > ICMPV6_ECHO_REPLY && packet->dport != ICMPV6_NI_QUERY &&
		       packet->dport != ICMPV6_NI_REPLY;
	default:
		return false;
	}
}

/*
 * A bridge of ports takes a frame for many to more than one of them, and to the gateway. Before it
 * is confirmed, its entry cannot be of several copies, so the gateway's has none; with br_netfilter
 * it gets no other. It opens something, and is decided on by itself.
 */
static bool is_copy_of_bridge(const struct cordon_pkt *pkt)
{
	return pkt->in == CORDON_BRIDGE_PORT && pkt->state->hook == NF_INET_LOCAL_IN &&
	       cordon_pkt_is_for_many(pkt);
}

static u64 read_word(const struct nf_conn *ct)
{
#ifdef CONFIG_64BIT
	return cordon_inspect_stamp(ct);
#else
	return 0;
#endif
}

/**
 * cordon_pkt_track - what connection tracking says of a packet
 * @pkt: the packet; @flow, @ct and what follows from them are set
 *
 * Return: 0, or the kind of what connection tracking makes nothing of: a packet whose headers
 * contradict one another is malformed, a fragment or flags of TCP as no stack sends them are of
 * these kinds, and any other is unjudged.
 */
u8 cordon_pkt_track(struct cordon_pkt *pkt)
{
	enum ip_conntrack_info ctinfo;
	struct nf_conn *ct = nf_ct_get(pkt->skb, &ctinfo);

	pkt->ct = ct;
	if (likely(ct)) {
		pkt->word = read_word(ct);
		pkt->established = ctinfo % IP_CT_IS_REPLY == IP_CT_ESTABLISHED;
		cordon_pkt_connection(ct, &pkt->flow);
		pkt->original = CTINFO2DIR(ctinfo) == IP_CT_DIR_ORIGINAL;
		pkt->related = ctinfo % IP_CT_IS_REPLY == IP_CT_RELATED;
		return likely(pkt->flow.dport) ? 0 : track_ports(pkt);
	}
	cordon_pkt_flow(pkt->skb, pkt->state->pf, &pkt->flow);
	pkt->original = true;
	if (pkt->flow.flags & CORDON_FLOW_MALFORMED)
		return CORDON_KIND_MALFORMED;
	if (pkt->flow.flags & CORDON_FLOW_BAD_PART)
		return CORDON_KIND_FRAGMENT;
	if (ctinfo == IP_CT_UNTRACKED || is_notice(&pkt->flow) || is_copy_of_bridge(pkt))
		return 0;
	return pkt->flow.flags & CORDON_FLOW_BAD_FLAGS ? CORDON_KIND_BAD_FLAGS :
							 CORDON_KIND_UNJUDGED;
}

/**
 * cordon_pkt_is_for_many - the packet itself, not its connection, is for more than one host
 * @pkt: the packet
 */
bool cordon_pkt_is_for_many(const struct cordon_pkt *pkt)
{
	const struct rtable *rt;

	if (pkt->state->pf == NFPROTO_IPV6)
		return ipv6_addr_is_multicast(&ipv6_hdr(pkt->skb)->daddr);
	if (ipv4_is_multicast(ip_hdr(pkt->skb)->daddr) || ipv4_is_lbcast(ip_hdr(pkt->skb)->daddr))
		return true;
	rt = skb_rtable(pkt->skb);
	return rt && rt->rt_type == RTN_BROADCAST;
}
