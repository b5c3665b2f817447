// SPDX-License-Identifier: GPL-2.0
/* What a device opens, held against its segment's limits for it. */
#include <net/netfilter/nf_conntrack.h>

#include "anomaly.h"
#include "behaviour.h"
#include "destinations.h"

/*
 * It may be an answer, to what connection tracking has forgotten, as when the gateway was started
 * anew: of TCP no SYN was seen; a datagram comes from where the other end may ask something.
 */
static bool may_be_answer(const struct cordon_pkt *pkt)
{
	if (pkt->flow.proto == IPPROTO_TCP)
		return pkt->ct->proto.tcp.seen[0].flags & IP_CT_TCP_FLAG_BE_LIBERAL;
	return pkt->flow.proto == IPPROTO_UDP &&
	       cordon_decide_answer(pkt->rs->policy, &pkt->from, &pkt->to, pkt->flow.proto,
				    pkt->flow.sport);
}

/*
 * The packet opens a connection to one host, or tries to: the first one that connection tracking
 * sees of it. What is denied is never confirmed, so each try is a first one.
 */
static bool is_opening(const struct cordon_pkt *pkt)
{
	return pkt->ct && pkt->original && !pkt->established && !pkt->related &&
	       !nf_ct_is_confirmed(pkt->ct) && !cordon_pkt_is_for_many(pkt) && !may_be_answer(pkt);
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
 * counted then. Where it has been is remembered of what passes alone, in memory that it has.
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
	bool held = false;

	if (!is_opening(pkt))
		return false;
	t = cordon_device_tallies(pkt->rs->devices[device]);
	if (!t)
		return false;
	if (is_too_fast(pkt, t, &limits[CORDON_KIND_RATE]))
		held = cordon_charge_limit(pkt, device, CORDON_KIND_RATE, t->kind, accepted);
	if (is_too_wide(pkt, t, &limits[CORDON_KIND_SCAN]))
		held |= cordon_charge_limit(pkt, device, CORDON_KIND_SCAN, t->kind, accepted);
	if (accepted && !held && limits[CORDON_KIND_NEW_DESTINATION].window &&
	    is_new(pkt, segment))
		held = cordon_charge_passing(pkt, device, CORDON_KIND_NEW_DESTINATION, t->kind);
	return held;
}
