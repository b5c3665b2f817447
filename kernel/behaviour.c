// SPDX-License-Identifier: GPL-2.0
/* What a device opens, held against its segment's limits for it. */
#include <linux/tcp.h>
#include <net/netfilter/nf_conntrack.h>

#include "anomaly.h"
#include "behaviour.h"
#include "destinations.h"

/* The other end may ask something there, and this may answer what is forgotten. */
static bool may_be_answer(const struct cordon_pkt *pkt)
{
	return cordon_decide_answer(pkt->rs->policy, &pkt->from, &pkt->to, pkt->flow.proto,
				    pkt->flow.sport);
}

/* Connection tracking has seen no SYN of it, as when the gateway was started anew. */
static bool is_midway(const struct cordon_pkt *pkt)
{
	return pkt->flow.proto == IPPROTO_TCP &&
	       pkt->ct->proto.tcp.seen[0].flags & IP_CT_TCP_FLAG_BE_LIBERAL;
}

/*
 * A SYN opens a connection, also where its sender has had it look as if it had begun before:
 * connection tracking lets it pass then, and believes the answer.
 */
static bool has_syn(const struct cordon_pkt *pkt)
{
	const struct tcphdr *th;
	struct tcphdr buf;
	unsigned int at;

	if (cordon_pkt_payload(pkt->skb, pkt->state->pf, &at) != IPPROTO_TCP)
		return false;
	th = skb_header_pointer(pkt->skb, at, sizeof(buf), &buf);
	return th && th->syn;
}

/* The first packet of a connection to one host, or one of those to which nobody has answered. */
static bool is_early(const struct cordon_pkt *pkt)
{
	return pkt->ct && pkt->original && !pkt->established && !pkt->related &&
	       !cordon_pkt_is_for_many(pkt);
}

/*
 * The packet, an early one, opens a connection, or tries to: the first one that connection tracking
 * sees of it. What is denied is never confirmed, so each try is a first one. A datagram may be a
 * late answer.
 */
static bool is_opening(const struct cordon_pkt *pkt)
{
	if (is_midway(pkt))
		return has_syn(pkt);
	return !nf_ct_is_confirmed(pkt->ct) &&
	       (pkt->flow.proto != IPPROTO_UDP || !may_be_answer(pkt));
}

/* Likewise, a connection has begun before, and by the device: the other end may not. */
static bool has_opened(const struct cordon_pkt *pkt)
{
	return is_midway(pkt) && !nf_ct_is_confirmed(pkt->ct) && !may_be_answer(pkt);
}

/* One connection more than the limit allows in its window. Another policy begins another one. */
static bool is_too_fast(const struct cordon_pkt *pkt, struct cordon_tallies *t,
			const struct cordon_limit *allowed)
{
	const struct cordon_limit limit = {
		.count = min(allowed->count, CORDON_TALLY_ACTED - 2) + 1,
		.window = allowed->window,
	};

	if (!limit.window)
		return false;
	if (READ_ONCE(t->committed) != pkt->rs->committed) {
		WRITE_ONCE(t->committed, pkt->rs->committed);
		atomic_set(&t->kind[CORDON_KIND_RATE].in_window, 0);
	}
	return cordon_tally_limit(&t->kind[CORDON_KIND_RATE], &limit);
}

/* One target more. Without memory it is not known. */
static bool is_too_wide(const struct cordon_pkt *pkt, struct cordon_tallies *t,
			const struct cordon_limit *limit)
{
	const struct cordon_target target = {
		.addr = pkt->flow.dst, .proto = pkt->flow.proto, .port = pkt->flow.dport,
	};
	struct cordon_scan *scan = limit->window ? cordon_device_scan(t) : NULL;

	return scan && cordon_scan_limit(scan, limit, pkt->rs->committed, &target);
}

/* A device is known by its MAC, a service by its network. */
static struct cordon_addr whom(const struct cordon_pkt *pkt)
{
	const struct cordon_draft *d = &pkt->rs->policy->draft;

	if (pkt->to.device != CORDON_NO_DEVICE)
		return cordon_destination_device(cordon_mac_key(d->devices[pkt->to.device].mac));
	if (pkt->to.segment == CORDON_SEGMENT_GATEWAY)
		return cordon_destination_gateway();
	return cordon_destination_network(&pkt->flow.dst);
}

/* It has never been there, and where it goes has been learned. */
static bool is_new(const struct cordon_pkt *pkt, const struct cordon_segment_def *segment)
{
	const struct cordon_device *device = pkt->rs->devices[pkt->from.device];
	const struct cordon_destination to = {
		.whom = whom(pkt), .proto = pkt->flow.proto, .port = pkt->flow.dport,
	};
	/* They are there since the limit is; see cordon_ruleset_remember(). */
	struct cordon_destinations *been = cordon_device_destinations(device);

	return been && cordon_destinations_meet(been, &to, segment->learn);
}

/**
 * cordon_behaviour_opens - count what a device opens, and do what its limits say
 * @pkt: a packet, whose sender's connection it may open; both ends are known, and the device is
 *	watched
 * @accepted: the policy lets it pass
 *
 * A device that has done nothing wrong is not punished for a lack of memory: what it opens is not
 * counted then. Where it has been is remembered of what passes alone, in memory that it has; there,
 * what it has opened before counts, too: a healthy device goes where it has been.
 *
 * Context: softirq, or bottom halves off; RCU read side.
 * Return: the device was not in quarantine before, and is now.
 */
bool cordon_behaviour_opens(const struct cordon_pkt *pkt, bool accepted)
{
	const struct cordon_draft *d = &pkt->rs->policy->draft;
	const u32 device = pkt->from.device;
	const struct cordon_segment_def *segment = &d->segments[d->devices[device].segment];
	const struct cordon_limit *limits = segment->limits;
	struct cordon_tallies *t;
	bool held = false, opens;

	if (!is_early(pkt))
		return false;
	opens = is_opening(pkt);
	if (!opens && !has_opened(pkt))
		return false;
	t = cordon_device_tallies(pkt->rs->devices[device]);
	if (!t)
		return false;
	if (opens && is_too_fast(pkt, t, &limits[CORDON_KIND_RATE]))
		held = cordon_charge_limit(pkt, device, CORDON_KIND_RATE, t->kind, accepted);
	if (opens && is_too_wide(pkt, t, &limits[CORDON_KIND_SCAN]))
		held |= cordon_charge_limit(pkt, device, CORDON_KIND_SCAN, t->kind, accepted);
	if (accepted && !held && limits[CORDON_KIND_NEW_DESTINATION].window &&
	    is_new(pkt, segment))
		held = cordon_charge_passing(pkt, device, CORDON_KIND_NEW_DESTINATION, t->kind);
	return held;
}
