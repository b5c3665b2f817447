// SPDX-License-Identifier: GPL-2.0
/* The ends of a connection are told that it is over, by resets or by an ICMP error. */
#include <linux/tcp.h>
#include <net/ip.h>
#include <net/ip6_checksum.h>
#include <net/ipv6.h>
#include <net/netfilter/ipv4/nf_reject.h>
#include <net/netfilter/ipv6/nf_reject.h>

#include "inspect.h"

static __sum16 checksum(const struct sk_buff *skb, u8 pf, unsigned int offset)
{
	unsigned int len = skb->len - offset;
	__wsum sum = skb_checksum(skb, offset, len, 0);

	if (pf == NFPROTO_IPV4)
		return csum_tcpudp_magic(ip_hdr(skb)->saddr, ip_hdr(skb)->daddr, len, IPPROTO_TCP,
					 sum);
	return csum_ipv6_magic(&ipv6_hdr(skb)->saddr, &ipv6_hdr(skb)->daddr, len, IPPROTO_TCP, sum);
}

/* All that is left is its place in the stream, where the receiver waits for it (RFC 5961, 3.2). */
static bool become_reset(struct sk_buff *skb, u8 pf, unsigned int offset)
{
	unsigned int all = offset + sizeof(struct tcphdr);
	struct tcphdr *th;

	if (pskb_trim(skb, all) || skb_ensure_writable(skb, all))
		return false;
	th = (struct tcphdr *)(skb->data + offset);
	tcp_flag_word(th) &= TCP_FLAG_ACK;
	tcp_flag_word(th) |= TCP_FLAG_RST;
	th->doff = sizeof(*th) / 4;
	th->urg_ptr = 0;
	if (pf == NFPROTO_IPV4) {
		ip_hdr(skb)->tot_len = htons(skb->len - skb_network_offset(skb));
		ip_send_check(ip_hdr(skb));
	} else {
		ipv6_hdr(skb)->payload_len = htons(skb->len - skb_network_offset(skb) -
						   sizeof(struct ipv6hdr));
	}
	skb_gso_reset(skb);
	skb->ip_summed = CHECKSUM_NONE;
	th->check = 0;
	th->check = checksum(skb, pf, offset);
	return true;
}

/**
 * cordon_inspect_reset - end a connection, so that neither end waits
 * @skb: a packet of it, of TCP, that is not to pass
 * @state: the hook's
 * @both: tell the sender, too, not the receiver alone
 *
 * The receiver gets a reset in the packet's place, unless it only asks for a connection. For the
 * first packet that is refused the sender is told when it sends it again: a reset that is lost
 * comes again for as long as somebody is there who sends.
 *
 * Context: RCU read side. Return: NF_ACCEPT, it is the reset now; NF_DROP.
 */
unsigned int cordon_inspect_reset(struct sk_buff *skb, const struct nf_hook_state *state,
				  bool both)
{
	unsigned short frag = 0;
	const struct tcphdr *th;
	unsigned int offset = 0;
	struct tcphdr buf;

	if (state->pf == NFPROTO_IPV4)
		offset = skb_network_offset(skb) + ip_hdrlen(skb);
	else if (ipv6_find_hdr(skb, &offset, IPPROTO_TCP, &frag, NULL) < 0)
		return NF_DROP;
	th = skb_header_pointer(skb, offset, sizeof(buf), &buf);
	if (!th)
		return NF_DROP;
	if (both || th->syn) {
		if (state->pf == NFPROTO_IPV4)
			nf_send_reset(state->net, state->sk, skb, state->hook);
		else
			nf_send_reset6(state->net, state->sk, skb, state->hook);
	}
	if (th->syn)
		return NF_DROP;
	return become_reset(skb, state->pf, offset) ? NF_ACCEPT : NF_DROP;
}

/**
 * cordon_inspect_unreachable - tell a device that nobody is there who takes its datagram
 * @skb: the datagram, which is not to pass
 * @state: the hook's
 *
 * The kernel's own limits on ICMP errors apply.
 *
 * Context: RCU read side.
 */
void cordon_inspect_unreachable(struct sk_buff *skb, const struct nf_hook_state *state)
{
	if (state->pf == NFPROTO_IPV4)
		nf_send_unreach(skb, ICMP_PORT_UNREACH, state->hook);
	else
		nf_send_unreach6(state->net, skb, ICMPV6_PORT_UNREACH, state->hook);
}
