// SPDX-License-Identifier: GPL-2.0
/* Denied packets: counted, charged to a device, held against its limits, and reported. */
#include <linux/netfilter.h>

#include "anomaly.h"
#include "event.h"
#include "net.h"

/* Return: it was not in quarantine before. */
static bool quarantine(const struct cordon_pkt *pkt, u32 device)
{
	if (test_and_set_bit(CORDON_DEVICE_QUARANTINED, &pkt->rs->devices[device]->flags))
		return false;
	cordon_netlink_device(pkt->cn, pkt->rs, device);
	return true;
}

/**
 * struct outcome - what has become of an anomaly
 * @kind: enum cordon_kind
 * @denied: the packet is dropped
 * @acted: the limit of the kind has acted
 * @held: by that, the device is in quarantine, and was not before
 * @action: enum cordon_action, how
 */
struct outcome {
	u8 kind;
	bool denied;
	bool acted;
	bool held;
	u8 action;
};

/* The ports that a device is tied to, where it is at none of them. */
static void name_ports(const struct cordon_pkt *pkt, u32 device, struct cordon_anomaly *a)
{
	const struct cordon_draft *d = &pkt->rs->policy->draft;
	const struct cordon_device_def *def = &d->devices[device];

	/* Or else it is in another VLAN there, or has a lease elsewhere. */
	if (cordon_ports_may_be(pkt->ports, def, pkt->in))
		return;
	for (; a->n_ports < cordon_device_ports(def); a->n_ports++)
		a->ports[a->n_ports] = d->ports[cordon_device_port(def, a->n_ports)].name;
}

/*
 * Hold an anomaly, which is counted in @tally, against the limit of its kind. If that is reached,
 * set what follows, and quarantine where that is what follows. A policy that only observes counts
 * towards no limit, so that nothing follows from that time when it is enforced later.
 *
 * @tally is NULL if there was no memory. Nobody knows then how many there were, and a limit that
 * quarantines does so at once; no other one acts.
 */
static void limit_outcome(const struct cordon_pkt *pkt, u32 device, struct cordon_tally *tally,
			  struct outcome *o)
{
	const struct cordon_draft *d = &pkt->rs->policy->draft;
	const struct cordon_limit *limit;

	limit = &d->segments[d->devices[device].segment].limits[o->kind];
	if (cordon_pkt_observes(pkt) || !limit->window ||
	    (tally && !cordon_tally_limit(&tally[o->kind], limit)))
		return;
	o->action = limit->action;
	/* Whoever is at another port may have taken the device's MAC. */
	if (o->kind == CORDON_KIND_MOVED_PORT)
		o->action = CORDON_ACTION_EVENT;
	o->held = o->action == CORDON_ACTION_QUARANTINE && quarantine(pkt, device);
	o->acted = tally || o->held;
}

/*
 * Send an event, if the rate allows one. Headers that nothing else asked for are read here. @tally:
 * the device's; or the namespace's, if there is no device or no memory.
 */
static noinline void tell(const struct cordon_pkt *pkt, u32 device, struct cordon_tally *tally,
			  struct outcome o, const struct cordon_tls_facts *tls)
{
	const struct cordon_draft *d = &pkt->rs->policy->draft;
	bool known = device != CORDON_NO_DEVICE;
	struct cordon_flow packet;
	struct cordon_anomaly a = {
		.kind = o.kind,
		.mac = pkt->in == CORDON_ANY_PORT ? NULL : cordon_pkt_mac(pkt->skb),
		.tls = tls,
		.ifindex = pkt->state->in ? pkt->state->in->ifindex : 0,
		.flow = &pkt->flow,
		.denied = o.denied,
		.acted = o.acted,
		.action = o.action,
	};

	if (!cordon_tally_event(&tally[o.kind], &a.suppressed) && !o.acted)
		return;
	if (pkt->unread) {
		cordon_pkt_flow(pkt->skb, pkt->state->pf, &packet);
		a.flow = &packet;
	}
	if (known) {
		a.name = d->devices[device].name;
		a.mac = d->devices[device].mac;
		if (o.kind == CORDON_KIND_MOVED_PORT)
			name_ports(pkt, device, &a);
	}
	cordon_netlink_anomaly(pkt->cn, &a);
}

/**
 * cordon_charge - count an anomaly, and do what the device's limit for it says
 * @pkt: the packet that is the anomaly
 * @device: the device that is to blame, or CORDON_NO_DEVICE
 * @kind: enum cordon_kind
 * @limit: the device's limit may act on it
 * @tls: what the hellos said, or NULL; for the event
 *
 * Context: softirq, or bottom halves off; RCU read side.
 */
void cordon_charge(const struct cordon_pkt *pkt, u32 device, u8 kind, bool limit,
		   const struct cordon_tls_facts *tls)
{
	struct outcome o = { .kind = kind };
	struct cordon_tally *tally = NULL;

	atomic64_inc(&pkt->cn->tally[kind].count);
	if (device != CORDON_NO_DEVICE) {
		tally = cordon_device_tally(pkt->rs->devices[device]);
		if (tally)
			atomic64_inc(&tally[kind].count);
		if (limit)
			limit_outcome(pkt, device, tally, &o);
	}
	if (!cordon_netlink_listening(pkt->cn))
		return;
	o.denied = !cordon_pkt_observes(pkt);
	tell(pkt, device, tally ?: pkt->cn->tally, o, tls);
}

/**
 * cordon_charge_limit - count that a device goes over a limit of its segment, and do what that says
 * @pkt: the packet that is one too many
 * @device: the device
 * @kind: enum cordon_kind
 * @tally: the device's
 * @accepted: the packet passes, unless the device is quarantined now
 *
 * Such a kind is counted when its limit is passed, once in a window, so also where the policy only
 * observes; nothing follows there.
 *
 * Context: softirq, or bottom halves off; RCU read side. Return: the device was not in quarantine
 * before, and is now.
 */
bool cordon_charge_limit(const struct cordon_pkt *pkt, u32 device, u8 kind,
			 struct cordon_tally *tally, bool accepted)
{
	const struct cordon_draft *d = &pkt->rs->policy->draft;
	struct outcome o = { .kind = kind };
	bool held = false;

	atomic64_inc(&pkt->cn->tally[kind].count);
	atomic64_inc(&tally[kind].count);
	if (!cordon_pkt_observes(pkt)) {
		o.acted = true;
		o.action = d->segments[d->devices[device].segment].limits[kind].action;
		held = o.action == CORDON_ACTION_QUARANTINE && quarantine(pkt, device);
		o.denied = held || !accepted;
	}
	if (cordon_netlink_listening(pkt->cn))
		tell(pkt, device, tally, o, NULL);
	return held;
}

/**
 * cordon_charge_passing - count an anomaly that passes unless the device's limit for it quarantines
 * @pkt: the packet that is the anomaly, and that the policy accepts
 * @device: the device
 * @kind: enum cordon_kind
 * @tally: the device's
 *
 * Context and return: as cordon_charge_limit().
 */
bool cordon_charge_passing(const struct cordon_pkt *pkt, u32 device, u8 kind,
			   struct cordon_tally *tally)
{
	struct outcome o = { .kind = kind };

	atomic64_inc(&pkt->cn->tally[kind].count);
	atomic64_inc(&tally[kind].count);
	limit_outcome(pkt, device, tally, &o);
	o.denied = o.held;
	if (cordon_netlink_listening(pkt->cn))
		tell(pkt, device, tally, o, NULL);
	return o.held;
}

/**
 * cordon_deny - deny a packet before the ends of its connection are known
 * @pkt: the packet; its sender is to blame, if it is a device
 * @kind: enum cordon_kind
 *
 * No limit acts on what connection tracking calls invalid: it may follow from what the other end
 * sent, or from a packet that was lost behind the gateway.
 *
 * Return: NF_DROP, or NF_ACCEPT where the policy only observes.
 */
unsigned int cordon_deny(const struct cordon_pkt *pkt, u8 kind)
{
	atomic64_add(cordon_pkt_count(pkt->skb), &pkt->cn->denied);
	if (pkt->device != CORDON_NO_DEVICE)
		atomic64_add(cordon_pkt_count(pkt->skb), &pkt->rs->devices[pkt->device]->denied);
	cordon_charge(pkt, pkt->device, kind, kind != CORDON_KIND_UNJUDGED, NULL);
	return cordon_drop(pkt);
}

/**
 * cordon_deny_unblamed - deny a packet for which no device is to blame
 * @pkt: the packet
 * @kind: enum cordon_kind
 *
 * Return: as cordon_deny().
 */
unsigned int cordon_deny_unblamed(const struct cordon_pkt *pkt, u8 kind)
{
	atomic64_add(cordon_pkt_count(pkt->skb), &pkt->cn->denied);
	if (pkt->device != CORDON_NO_DEVICE)
		atomic64_add(cordon_pkt_count(pkt->skb), &pkt->rs->devices[pkt->device]->denied);
	cordon_charge(pkt, CORDON_NO_DEVICE, kind, false, NULL);
	return cordon_drop(pkt);
}

/**
 * cordon_count_denied - count a denied packet of which both ends are known
 * @pkt: the packet; counted for the sender, its segment and the receiver
 */
void cordon_count_denied(const struct cordon_pkt *pkt)
{
	const struct cordon_end *receiver = cordon_pkt_receiver(pkt);
	const struct cordon_end *sender = cordon_pkt_sender(pkt);
	u32 device = pkt->device != CORDON_NO_DEVICE ? pkt->device : sender->device;

	atomic64_add(cordon_pkt_count(pkt->skb), &pkt->cn->denied);
	if (sender->segment != CORDON_NO_SEGMENT)
		atomic64_add(cordon_pkt_count(pkt->skb),
			     &pkt->rs->segments[sender->segment]->denied);
	if (device != CORDON_NO_DEVICE)
		atomic64_add(cordon_pkt_count(pkt->skb), &pkt->rs->devices[device]->denied);
	if (receiver->device != CORDON_NO_DEVICE && receiver->device != device)
		atomic64_add(cordon_pkt_count(pkt->skb),
			     &pkt->rs->devices[receiver->device]->denied);
}
