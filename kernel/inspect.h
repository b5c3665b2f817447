/* SPDX-License-Identifier: GPL-2.0 */
/* TLS inspection: connections are read up to their verdict, which stays with them. */
#ifndef _CORDON_INSPECT_H
#define _CORDON_INSPECT_H

#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/netfilter.h>
#include <linux/skbuff.h>
#include <linux/udp.h>

#include "core/tls_hello.h"
#include "inspector.h"

struct cordon_device;
struct cordon_inspect_bucket;
struct cordon_net;
struct netlink_ext_ack;
struct nf_hook_state;

#define CORDON_INSPECT_MAX		16384	/* connections of a namespace at a time */
#define CORDON_INSPECT_OTHERS_MAX	(CORDON_INSPECT_MAX / 2)	/* opened by no device */
#define CORDON_INSPECT_DEVICE_MAX	200	/* opened by a device; as many by others to it */
#define CORDON_INSPECT_SECONDS		60	/* for a handshake, from its first byte on */

#define CORDON_TCP_FLAGS	13	/* where the flags are in the header (RFC 9293, 3.1) */
#define CORDON_TCP_SYN		0x02

/* A record of DTLS that is not encrypted, with a handshake message (RFC 6347, 4.1; RFC 9147, 4) */
#define CORDON_DTLS_HEADER	5	/* its type, version and epoch */
#define CORDON_DTLS_HANDSHAKE	22
#define CORDON_DTLS_MAJOR	0xfe

/** enum cordon_inspect - what becomes of a packet */
enum cordon_inspect {
	CORDON_INSPECT_PASS,
	CORDON_INSPECT_HOLD,	/* not now: it will be sent again */
	CORDON_INSPECT_REFUSE,	/* the connection is not what is demanded */
	CORDON_INSPECT_REFUSED,	/* that was said, and counted, before */
};

/**
 * struct cordon_inspect_ctx - a packet under TLS inspection
 * @ct: the connection's entry; NULL, it has none
 * @device: the device that opened the connection; if none did, the one that it was opened to
 * @skb: the packet
 * @pf: NFPROTO_IPV4 or NFPROTO_IPV6
 * @original: it goes in the original direction of its connection
 * @others: no device opened the connection
 * @demand: enum cordon_encryption, not any
 * @observe: nothing is to be refused
 * @kind: set with CORDON_INSPECT_REFUSE: enum cordon_kind
 * @unseen: likewise: the connection's beginning was not seen, or is forgotten
 * @blameless: likewise: neither end need have caused it
 * @told: likewise: @facts was set
 * @facts: memory of the caller's for what the hellos said
 * @in: the namespace's inspector; cordon_inspect()'s, as is what follows
 * @bucket: that the connection is in, or would be; locked
 * @offset: of the header of TCP or UDP
 */
struct cordon_inspect_ctx {
	struct nf_conn *ct;
	struct cordon_device *device;
	struct sk_buff *skb;
	u8 pf;
	bool original;
	bool others;
	u8 demand;
	bool observe;
	u8 kind;
	bool unseen;
	bool blameless;
	bool told;
	struct cordon_tls_facts *facts;
	struct cordon_inspector *in;
	struct cordon_inspect_bucket *bucket;
	unsigned int offset;
};

static inline bool cordon_inspect_is_handshake(const u8 *record)
{
	return record[0] == CORDON_DTLS_HANDSHAKE && record[1] == CORDON_DTLS_MAJOR &&
	       !record[3] && !record[4];
}

/*
 * May the packet begin a connection, on an entry that had one before? False only for what is
 * known to have no SYN, or to be no handshake of DTLS; where that is not at hand it may.
 */
static inline bool cordon_inspect_may_begin(const struct sk_buff *skb, u8 pf)
{
	unsigned int at = skb_network_offset(skb);
	u8 protocol;

	if (pf == NFPROTO_IPV4) {
		protocol = ip_hdr(skb)->protocol;
		at += ip_hdr(skb)->ihl * 4;
	} else {
		protocol = ipv6_hdr(skb)->nexthdr;
		at += sizeof(struct ipv6hdr);
	}
	if (protocol == IPPROTO_TCP) {
		at += CORDON_TCP_FLAGS;
		return at >= skb_headlen(skb) || skb->data[at] & CORDON_TCP_SYN;
	}
	if (protocol != IPPROTO_UDP)
		return pf != NFPROTO_IPV4;
	at += sizeof(struct udphdr);
	return at + CORDON_DTLS_HEADER > skb_headlen(skb) ?
	       skb_is_nonlinear(skb) : cordon_inspect_is_handshake(skb->data + at);
}

/* The connection has had its verdict, is at least what is demanded, and does not begin anew. */
static inline bool cordon_inspect_passed(const struct cordon_inspector *in,
					 const struct nf_conn *ct, const struct sk_buff *skb,
					 u8 pf, u8 demand)
{
	u8 mark = ct ? cordon_inspect_mark(in, ct) : CORDON_MARK_NONE;

	return mark >= demand && mark != CORDON_MARK_FAILED && !cordon_inspect_may_begin(skb, pf);
}

enum cordon_inspect cordon_inspect(struct cordon_net *cn, struct cordon_inspect_ctx *ctx);
unsigned int cordon_inspect_reset(struct sk_buff *skb, const struct nf_hook_state *state,
				  bool both);
void cordon_inspect_unreachable(struct sk_buff *skb, const struct nf_hook_state *state);

int cordon_inspector_start(struct cordon_net *cn);
int cordon_inspector_label(struct cordon_net *cn, bool demanded, struct netlink_ext_ack *extack);
void cordon_inspector_stop(struct cordon_net *cn);

int cordon_inspect_init(void);
void cordon_inspect_exit(void);

#endif
