// SPDX-License-Identifier: GPL-2.0
/* What the policy says of a packet's connection, and what follows from it. */
#include <linux/netfilter.h>
#include <net/netfilter/nf_conntrack.h>

#include "anomaly.h"
#include "behaviour.h"
#include "endpoint.h"
#include "inspect.h"
#include "net.h"
#include "offload.h"
#include "verdict.h"

/* An ICMP error, with which an end answers what the other one sent. */
static bool is_error(const struct cordon_pkt *pkt)
{
	return pkt->related && !pkt->ct->master;
}

/*
 * Connection tracking has seen no SYN of it, as after a restart of the gateway, and the policy lets
 * the other end open it: what looks like the originator may be the end that answers.
 */
static bool may_be_answer(const struct cordon_pkt *pkt)
{
	return pkt->flow.proto == IPPROTO_TCP && pkt->ct &&
	       pkt->ct->proto.tcp.seen[0].flags & IP_CT_TCP_FLAG_BE_LIBERAL &&
	       cordon_decide_answer(pkt->rs->policy, &pkt->from, &pkt->to, pkt->flow.proto,
				    pkt->flow.sport);
}

/*
 * Datagrams say nothing of who began. Where the policy lets the other end ask, this may be an
 * answer whose entry is gone: it timed out, or others filled connection tracking.
 */
static bool may_be_late(const struct cordon_pkt *pkt)
{
	return pkt->flow.proto == IPPROTO_UDP && pkt->ct && !pkt->related &&
	       cordon_decide_answer(pkt->rs->policy, &pkt->from, &pkt->to, pkt->flow.proto,
				    pkt->flow.sport);
}

/**
 * cordon_verdict_deny - deny a packet by what the policy says of its connection
 * @pkt: the packet; both ends are known
 * @v: what the policy says
 * @many: the packet is for more than one host
 *
 * The end that opened the connection is to blame, and its own packets count as the anomaly; no
 * limit acts on what may be a late answer. Replies, ICMP errors among them, are denied and no
 * anomaly. Nor is what fails for the state of the other end alone, and what every host says to all
 * on its link.
 *
 * Return: NF_DROP, or NF_ACCEPT where the policy only observes.
 */
unsigned int cordon_verdict_deny(const struct cordon_pkt *pkt, const struct cordon_verdict *v,
				 bool many)
{
	struct cordon_verdict blame;

	cordon_count_denied(pkt);
	if (!pkt->original || is_error(pkt) || v->reason == CORDON_DENY_RECEIVER ||
	    may_be_answer(pkt))
		return cordon_drop(pkt);
	blame = cordon_decide_blame(pkt->rs->policy, v, &pkt->from, &pkt->to, pkt->flow.proto,
				    pkt->flow.dport);
	if (blame.reason == CORDON_DENY_RECEIVER)
		return cordon_drop(pkt);
	if (many && pkt->to.segment == CORDON_SEGMENT_GATEWAY)
		return cordon_drop(pkt);
	cordon_charge(pkt, pkt->from.device, v->kind, !may_be_late(pkt), NULL);
	return cordon_drop(pkt);
}

/* A packet is refused by TLS inspection: tell the ends. Return: NF_ACCEPT, it is a reset now. */
static unsigned int tell_ends(const struct cordon_pkt *pkt, const struct cordon_end *sender,
			      bool both)
{
	struct nf_hook_state state = *pkt->state;

	/* A frame that is only switched has no route: what is sent back finds its own. */
	if (pkt->switched)
		state.hook = NF_INET_PRE_ROUTING;
	if (pkt->flow.proto == IPPROTO_TCP)
		return cordon_inspect_reset(pkt->skb, &state, both);
	/* Not what comes from outside: its source may be anybody's. */
	if (pkt->flow.proto == IPPROTO_UDP && sender->device != CORDON_NO_DEVICE)
		cordon_inspect_unreachable(pkt->skb, &state);
	return NF_DROP;
}

/*
 * A connection that must be encrypted, and is not known to be: have TLS inspection read the packet,
 * and refuse the connection if it cannot become what is demanded. The sender is to blame, if it is
 * a device. What others send on a connection that a device opened is counted of that device, but no
 * limit acts on it, since they may be the cause. What others send on a connection that they opened
 * is theirs.
 */
static noinline unsigned int inspect(const struct cordon_pkt *pkt, u8 demand)
{
	const struct cordon_end *sender = cordon_pkt_sender(pkt);
	const bool others = pkt->from.device == CORDON_NO_DEVICE;
	const bool own = sender->device != CORDON_NO_DEVICE;
	struct cordon_tls_facts facts;
	struct cordon_inspect_ctx ctx = {
		.facts = &facts,
		.ct = pkt->ct,
		.device = pkt->rs->devices[others ? pkt->to.device : pkt->from.device],
		.skb = pkt->skb,
		.pf = pkt->state->pf,
		.original = pkt->original,
		.others = others,
		.demand = demand,
		.observe = cordon_pkt_observes(pkt),
	};
	enum cordon_inspect what = cordon_inspect(pkt->cn, &ctx);

	if (likely(what == CORDON_INSPECT_PASS))
		return NF_ACCEPT;
	if (what == CORDON_INSPECT_HOLD)
		return cordon_drop(pkt);
	cordon_count_denied(pkt);
	if (what == CORDON_INSPECT_REFUSE)
		cordon_charge(pkt, own ? sender->device : pkt->from.device, ctx.kind,
			      own && !ctx.blameless, ctx.told ? &facts : NULL);
	if (cordon_pkt_observes(pkt))
		return NF_ACCEPT;
	return tell_ends(pkt, sender, ctx.unseen || what == CORDON_INSPECT_REFUSED);
}

/* A device's connection is forwarded where flow tables may be: its packets must pass the hooks. */
static bool keep_from_flow_tables(const struct cordon_pkt *pkt)
{
	if (likely(!cordon_may_bypass(pkt->state->in) && !cordon_may_bypass(pkt->state->out)))
		return true;
	if (!pkt->ct ||
	    (pkt->from.device == CORDON_NO_DEVICE && pkt->to.device == CORDON_NO_DEVICE))
		return true;
	return cordon_keep_from_flow_tables(pkt->ct);
}

/**
 * cordon_verdict_note_many - remember the rules by which a packet for many passes
 * @pkt: the packet; its sender is known
 * @v: the acceptance by cordon_decide_many(), which is that of the last segment
 * @reach: the segments that it reaches
 * @n: how many
 *
 * Mostly there is one; only what would let it reach the others is looked up again.
 */
void cordon_verdict_note_many(const struct cordon_pkt *pkt, const struct cordon_verdict *v,
			      const struct cordon_reach *reach, u32 n)
{
	struct cordon_end to = { .device = CORDON_NO_DEVICE };
	struct cordon_verdict other;
	u32 i;

	for (i = 0; i + 1 < n; i++) {
		to.segment = reach[i].segment;
		other = cordon_decide_connection(pkt->rs->policy, &pkt->from, &to,
						 pkt->flow.proto, pkt->flow.dport);
		cordon_verdict_note(pkt->rs, &other);
	}
	cordon_verdict_note(pkt->rs, v);
}

static bool is_held(const struct cordon_end *end)
{
	return end->device != CORDON_NO_DEVICE && end->state != CORDON_STATE_ACTIVE;
}

/* An end of a connection has part in the one that announced it: the device, or else its segment. */
static bool has_part(const struct cordon_pkt *master, const struct cordon_end *end)
{
	const struct cordon_ruleset *rs = master->rs;

	return (end->segment == master->from.segment &&
		cordon_ruleset_is_same(rs, end->device, master->from.device)) ||
	       (end->segment == master->to.segment &&
		cordon_ruleset_is_same(rs, end->device, master->to.device));
}

/*
 * A connection that a helper of connection tracking announced: it is decided on as the one that
 * announced it, if that one's rule admits it, and between the same ends: what is announced is the
 * word of one of them, which says nothing about other devices. What the gateway opened admits what
 * it announces.
 */
static noinline struct cordon_verdict decide_related(const struct cordon_pkt *pkt)
{
	struct cordon_pkt master = *pkt;
	struct cordon_verdict v;
	bool own;

	cordon_pkt_connection(pkt->ct->master, &master.flow);
	own = pkt->to.segment == CORDON_SEGMENT_GATEWAY ||
	      pkt->from.segment == CORDON_SEGMENT_GATEWAY;
	if (own && cordon_addr_equal(&master.flow.src, &pkt->flow.dst))
		return (struct cordon_verdict){
			.accept = true, .plaintext = true, .reason = CORDON_PASS_GATEWAY,
		};
	master.from = cordon_endpoint(pkt, &master.flow.src);
	master.to = own ? cordon_end_gateway() : cordon_endpoint(pkt, &master.flow.dst);
	v = cordon_decide_connection(pkt->rs->policy, &master.from, &master.to, master.flow.proto,
				     master.flow.dport);
	if (v.accept && v.related && has_part(&master, &pkt->from) && has_part(&master, &pkt->to))
		return v;
	/* An end that is held: what it announced in good state is nobody's anomaly. */
	return (struct cordon_verdict){
		.reason = is_held(&master.from) || is_held(&master.to) ? CORDON_DENY_RECEIVER :
									  CORDON_DENY_RELATED,
		.kind = CORDON_KIND_SEGMENT_VIOLATION,
	};
}

#ifdef CONFIG_64BIT
static u32 end_of_stamp(const struct cordon_end *end)
{
	return end->device != CORDON_NO_DEVICE ? end->device : CORDON_STAMP_SEGMENT | end->segment;
}

/*
 * The packet is accepted: so are the next ones of its connection, if that is all there is to ask.
 * Of what another connection announced it is not. Nor is it where a bridge may switch the same
 * connection: the hooks of IP see that with br_netfilter, and have no say in it. Whatever happened
 * to the entry since its word was read, among that another verdict of TLS inspection, has changed
 * the word, and there is no stamp.
 */
static void stamp(const struct cordon_pkt *pkt, bool inspected)
{
	u64 *word = cordon_inspect_stamp_word(pkt->ct);
	u64 body;

	if (!word || pkt->ct->master || !cordon_decide_may_stamp(&pkt->flow, &pkt->from, &pkt->to))
		return;
	body = cordon_stamp_body(end_of_stamp(&pkt->from), end_of_stamp(&pkt->to)) |
	       (inspected ? CORDON_STAMP_INSPECTED : 0);
	cmpxchg64(word, pkt->word,
		  cordon_stamp_seal(&pkt->rs->stamp, (unsigned long)pkt->ct, body));
}
#else
static void stamp(const struct cordon_pkt *pkt, bool inspected)
{
}
#endif

static bool may_be_switched(const struct cordon_pkt *pkt)
{
	return pkt->switched || (pkt->state->in == pkt->state->out &&
				 pkt->in == CORDON_BRIDGE_PORT);
}

/**
 * cordon_verdict - decide on a packet by its connection
 * @pkt: the packet; both ends of its connection are known
 *
 * Return: NF_ACCEPT or NF_DROP; whatever follows from it is counted.
 */
unsigned int cordon_verdict(struct cordon_pkt *pkt)
{
	const struct cordon_end *receiver = cordon_pkt_receiver(pkt);
	const struct cordon_end *sender = cordon_pkt_sender(pkt);
	const struct cordon_ruleset *rs = pkt->rs;
	struct cordon_verdict v;
	bool decided;
	u8 demand;

	v = cordon_decide_connection(rs->policy, &pkt->from, &pkt->to, pkt->flow.proto,
				     pkt->flow.dport);
	if (unlikely(!v.accept && pkt->ct && pkt->ct->master))
		v = decide_related(pkt);
	if (unlikely(cordon_behaviour_is_watched(pkt)) &&
	    cordon_behaviour_opens(pkt, v.accept) && v.accept) {
		cordon_count_denied(pkt);
		return cordon_drop(pkt);
	}
	if (unlikely(!v.accept))
		return cordon_verdict_deny(pkt, &v, cordon_pkt_is_for_many(pkt));
	demand = cordon_decide_encryption(rs->policy, &v, &pkt->from, &pkt->to);
	decided = demand == CORDON_ENCRYPTION_ANY ||
		  likely(cordon_inspect_passed(&pkt->cn->inspector, pkt->ct, pkt->skb,
					       pkt->state->pf, demand));
	if (!decided && inspect(pkt, demand) != NF_ACCEPT)
		return NF_DROP;
	if (pkt->original && !pkt->established)
		cordon_verdict_note(rs, &v);
	if (pkt->state->hook == NF_INET_FORWARD) {
		if (unlikely(!keep_from_flow_tables(pkt)) &&
		    cordon_deny_unblamed(pkt, CORDON_KIND_UNJUDGED) != NF_ACCEPT)
			return NF_DROP;
		if (decided && pkt->established && !may_be_switched(pkt))
			stamp(pkt, demand != CORDON_ENCRYPTION_ANY);
	}
	cordon_traffic_rx(rs->segments[sender->segment]->traffic,
			  cordon_pkt_count(pkt->skb), pkt->skb->len);
	if (receiver->device != CORDON_NO_DEVICE)
		cordon_traffic_tx(rs->devices[receiver->device]->traffic,
				  cordon_pkt_count(pkt->skb), pkt->skb->len);
	return NF_ACCEPT;
}
