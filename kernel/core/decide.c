// SPDX-License-Identifier: GPL-2.0
/* The verdict: is the source the sender's own, and may one end open this towards the other. */
#include "decide.h"

#define ICMP6_MLD_QUERY		130
#define ICMP6_MLD_REPORT	131
#define ICMP6_MLD_DONE		132
#define ICMP6_ROUTER_SOLICIT	133
#define ICMP6_NEIGH_SOLICIT	135
#define ICMP6_NEIGH_ADVERT	136
#define ICMP6_REDIRECT		137
#define ICMP6_MLD2_REPORT	143

#define IGMP_V1_REPORT		0x12
#define IGMP_V2_REPORT		0x16
#define IGMP_LEAVE		0x17
#define IGMP_V3_REPORT		0x22

#define PROTO_IGMP	2
#define PROTO_TCP	6
#define PROTO_UDP	17
#define PROTO_DCCP	33
#define PROTO_ICMP6	58
#define PROTO_UDPLITE	136

static struct cordon_verdict pass(enum cordon_reason reason, bool plaintext)
{
	return (struct cordon_verdict){ .accept = true, .plaintext = plaintext, .reason = reason };
}

static struct cordon_verdict deny(enum cordon_reason reason, enum cordon_kind kind)
{
	return (struct cordon_verdict){ .reason = reason, .kind = kind };
}

/**
 * cordon_device_state - state of a device
 * @p: the policy
 * @device: the device
 * @posture: what is known of it besides
 *
 * Return: enum cordon_state.
 */
u8 cordon_device_state(const struct cordon_policy *p, u32 device,
		       const struct cordon_posture *posture)
{
	const struct cordon_device_def *d = &p->draft.devices[device];

	if (posture->quarantined)
		return CORDON_STATE_QUARANTINED;
	if (!posture->leased &&
	    cordon_device_authentication(p, d) == CORDON_AUTHENTICATION_CERTIFICATE)
		return posture->was_leased ? CORDON_STATE_EXPIRED : CORDON_STATE_ONBOARDING;
	return posture->outdated ? CORDON_STATE_OUTDATED : CORDON_STATE_ACTIVE;
}

/**
 * cordon_state_segment - effective segment of a device in a state
 * @p: the policy
 * @device: the device
 * @state: enum cordon_state
 */
u16 cordon_state_segment(const struct cordon_policy *p, u32 device, u8 state)
{
	switch (state) {
	case CORDON_STATE_ACTIVE:
		return p->draft.devices[device].segment;
	case CORDON_STATE_OUTDATED:
		return CORDON_SEGMENT_UPDATE;
	case CORDON_STATE_ONBOARDING:
	case CORDON_STATE_EXPIRED:
		return CORDON_SEGMENT_ONBOARDING;
	default:
		return CORDON_SEGMENT_QUARANTINE;
	}
}

/**
 * cordon_end_device - a device as an end of a connection
 * @p: the policy
 * @device: the device
 * @posture: what is known of it besides
 */
struct cordon_end cordon_end_device(const struct cordon_policy *p, u32 device,
				    const struct cordon_posture *posture)
{
	u8 state = cordon_device_state(p, device, posture);

	return (struct cordon_end){ device, cordon_state_segment(p, device, state), state };
}

/**
 * cordon_end_address - an end that is not a device
 * @p: the policy
 * @addr: its address; its segment is that of the longest network that holds it
 */
struct cordon_end cordon_end_address(const struct cordon_policy *p,
				     const struct cordon_addr *addr)
{
	return (struct cordon_end){ CORDON_NO_DEVICE, cordon_policy_network_segment(p, addr), 0 };
}

/** cordon_end_gateway - the gateway itself as an end of a connection */
struct cordon_end cordon_end_gateway(void)
{
	return (struct cordon_end){ CORDON_NO_DEVICE, CORDON_SEGMENT_GATEWAY, 0 };
}

/* Neighbour discovery and listener reports: never from afar (RFC 4861, 7.1; RFC 3810, 5.2.13). */
static bool is_link_control(const struct cordon_flow *f)
{
	if (f->proto != PROTO_ICMP6)
		return false;
	switch (f->dport) {
	case ICMP6_ROUTER_SOLICIT:
	case ICMP6_NEIGH_SOLICIT:
	case ICMP6_NEIGH_ADVERT:
		return f->hop_limit == 255;
	case ICMP6_MLD_REPORT:
	case ICMP6_MLD_DONE:
	case ICMP6_MLD2_REPORT:
		return f->hop_limit == 1 && cordon_addr_is_multicast(&f->dst);
	default:
		return false;
	}
}

/**
 * cordon_flow_is_autoconf - what a device must send before it has an address, or beside it
 * @f: facts about one packet
 *
 * DHCP from 0.0.0.0 (RFC 2131, 4.1); duplicate address detection, router
 * solicitation and listener reports from :: (RFC 4861, 4.1; RFC 4862, 5.4.2;
 * RFC 3590); those, neighbour discovery and DHCPv6 (RFC 8415, 7.1) from a
 * link-local address.
 */
bool cordon_flow_is_autoconf(const struct cordon_flow *f)
{
	if (f->flags & CORDON_FLOW_FRAGMENT)
		return false;
	if (cordon_addr_is_v4(&f->src))
		return cordon_addr_is_unspecified(&f->src) && f->proto == PROTO_UDP &&
		       f->sport == CORDON_PORT_DHCP_CLIENT && f->dport == CORDON_PORT_DHCP &&
		       (u32)f->dst.lo == 0xffffffff;
	if (cordon_addr_is_unspecified(&f->src))
		return is_link_control(f) && f->dport != ICMP6_NEIGH_ADVERT;
	if (!cordon_addr_is_link_local(&f->src))
		return false;
	return is_link_control(f) ||
	       (f->proto == PROTO_UDP && f->sport == CORDON_PORT_DHCP6_CLIENT &&
		f->dport == CORDON_PORT_DHCP6);
}

/**
 * cordon_flow_is_for_host - what the gateway needs of its uplinks as a host there
 * @f: facts about a packet that came in on an uplink, for the gateway itself
 *
 * Neighbour discovery, what routers advertise, listener and group membership,
 * and answers to its own DHCP requests, which may come from another address
 * than it asked (RFC 2131, 4.3.2; RFC 8415, 18.2). Hosts that look for a
 * router there ask the gateway for a service: rules say so.
 */
bool cordon_flow_is_for_host(const struct cordon_flow *f)
{
	bool v4 = cordon_addr_is_v4(&f->src);

	switch (f->proto) {
	case PROTO_ICMP6:
		return (f->dport >= ICMP6_MLD_QUERY && f->dport <= ICMP6_REDIRECT &&
			f->dport != ICMP6_ROUTER_SOLICIT) || f->dport == ICMP6_MLD2_REPORT;
	case PROTO_IGMP:
		return true;
	case PROTO_UDP:
		return f->dport == (v4 ? 68 : 546);
	default:
		return false;
	}
}

/*
 * An address may be claimed by its owner; what nobody has, if it is link-local or the device learns
 * its addresses.
 */
static bool may_claim(const struct cordon_policy *p, u32 device, const struct cordon_flow *f)
{
	u32 owner;

	if (!cordon_addr_is_unspecified(&f->src) || cordon_addr_is_v4(&f->src) ||
	    f->dport != ICMP6_NEIGH_SOLICIT)
		return true;
	owner = cordon_policy_device_by_addr(p, &f->target);
	if (owner == CORDON_NO_DEVICE)
		return cordon_addr_is_link_local(&f->target) || p->draft.devices[device].learn;
	/* Not by its place, of which a device that is being changed has two. */
	return !memcmp(p->draft.devices[owner].mac, p->draft.devices[device].mac,
		       sizeof(p->draft.devices[device].mac));
}

#define LINK_LOCAL_PREFIX	0xfe80000000000000ULL	/* fe80::/64 */

/**
 * cordon_mac_of_identifier - the MAC that an interface identifier is derived from
 * @id: the identifier
 * @mac: gets it
 *
 * Return: false, it is derived from none (RFC 4291, appendix A).
 */
bool cordon_mac_of_identifier(u64 id, u8 *mac)
{
	if ((id >> 24 & 0xffff) != 0xfffe)
		return false;
	id ^= 0x0200000000000000ULL;
	mac[0] = id >> 56;
	mac[1] = id >> 48;
	mac[2] = id >> 40;
	mac[3] = id >> 16;
	mac[4] = id >> 8;
	mac[5] = id;
	return true;
}

/**
 * cordon_flow_claim - the link-local address that a packet claims for its sender
 * @f: facts about a packet with CORDON_PASS_CLAIM
 *
 * Return: the address's interface identifier; never 0.
 */
u64 cordon_flow_claim(const struct cordon_flow *f)
{
	return cordon_addr_is_unspecified(&f->src) ? f->target.lo : f->src.lo;
}

/**
 * cordon_identifier_is_others - an interface identifier is derived from the MAC of another device
 * @p: the policy
 * @device: the one that uses it
 * @id: the identifier
 */
bool cordon_identifier_is_others(const struct cordon_policy *p, u32 device, u64 id)
{
	u8 mac[6];

	return cordon_mac_of_identifier(id, mac) &&
	       memcmp(mac, p->draft.devices[device].mac, sizeof(mac)) &&
	       cordon_policy_device_by_mac(p, mac) != CORDON_NO_DEVICE;
}

/* Whether a link-local address can be the device's by the rule of RFC 4291 or by its claim. */
static bool may_be_own(const struct cordon_policy *p, u32 device, const struct cordon_addr *a)
{
	return a->hi == LINK_LOCAL_PREFIX && a->lo &&
	       !cordon_identifier_is_others(p, device, a->lo);
}

static bool is_derived(const struct cordon_policy *p, u32 device, u64 id)
{
	u8 mac[6];

	return cordon_mac_of_identifier(id, mac) &&
	       !memcmp(mac, p->draft.devices[device].mac, sizeof(mac));
}

/*
 * A client of DHCP has its address longer than it is known here. The server's answer binds it (RFC
 * 2131, 4.4.5).
 */
static bool is_renewal(const struct cordon_flow *f)
{
	return cordon_addr_is_v4(&f->src) && f->proto == PROTO_UDP &&
	       f->sport == CORDON_PORT_DHCP_CLIENT && f->dport == CORDON_PORT_DHCP &&
	       !(f->flags & CORDON_FLOW_FRAGMENT);
}

/*
 * A source that is bound to nobody. A link-local one is the device's if it is derived from its
 * MAC, if the device claimed it by duplicate address detection, or if it is the first one that it
 * uses: its detection may lie before the policy. It is good for the link and the gateway only.
 */
static struct cordon_verdict decide_unbound(const struct cordon_policy *p, u32 device, u64 claim,
					    const struct cordon_flow *f)
{
	bool own = may_be_own(p, device, &f->src);
	bool link = cordon_addr_is_link_local(&f->dst) || cordon_addr_is_multicast(&f->dst) ||
		    f->flags & CORDON_FLOW_GATEWAY;

	if (cordon_addr_is_unspecified(&f->src)) {
		if (!cordon_flow_is_autoconf(f) || !may_claim(p, device, f))
			return deny(CORDON_DENY_SPOOFED, CORDON_KIND_SPOOFED_SOURCE);
		own = f->dport == ICMP6_NEIGH_SOLICIT && f->proto == PROTO_ICMP6 &&
		      may_be_own(p, device, &f->target);
		return pass(own ? CORDON_PASS_CLAIM : CORDON_PASS_SOURCE, false);
	}
	if (own && link && (f->src.lo == claim || is_derived(p, device, f->src.lo)))
		return pass(CORDON_PASS_SOURCE, false);
	if (own && link && !claim)
		return pass(CORDON_PASS_CLAIM, false);
	if (own && cordon_flow_is_autoconf(f))
		return pass(CORDON_PASS_SOURCE, false);
	if (p->draft.devices[device].learn && is_renewal(f))
		return pass(CORDON_PASS_SOURCE, false);
	return deny(CORDON_DENY_SPOOFED, CORDON_KIND_SPOOFED_SOURCE);
}

/**
 * cordon_decide_source - is this packet the device's own
 * @p: the policy
 * @device: whose MAC it bears, or CORDON_NO_DEVICE
 * @port: port that it came in on
 * @claim: interface identifier of the link-local address that the device claimed, 0 if none
 * @f: facts about the packet
 *
 * Return: the verdict; with CORDON_PASS_CLAIM, cordon_flow_claim() is what the device claims from
 * now on.
 */
struct cordon_verdict cordon_decide_source(const struct cordon_policy *p, u32 device, u16 port,
					   u64 claim, const struct cordon_flow *f)
{
	const struct cordon_device_def *d;

	if (device == CORDON_NO_DEVICE)
		return deny(CORDON_DENY_UNKNOWN_DEVICE, CORDON_KIND_UNKNOWN_DEVICE);
	d = &p->draft.devices[device];
	if (!cordon_device_may_be_at(d, port))
		return deny(CORDON_DENY_MOVED, CORDON_KIND_MOVED_PORT);
	if (f->flags & CORDON_FLOW_MALFORMED)
		return deny(CORDON_DENY_MALFORMED, CORDON_KIND_MALFORMED);
	if (f->flags & CORDON_FLOW_BAD_PART)
		return deny(CORDON_DENY_FRAGMENT, CORDON_KIND_FRAGMENT);
	if (f->flags & CORDON_FLOW_BAD_FLAGS)
		return deny(CORDON_DENY_FLAGS, CORDON_KIND_BAD_FLAGS);
	if (cordon_policy_device_has(p, device, &f->src))
		return pass(CORDON_PASS_SOURCE, false);
	if (cordon_policy_device_by_addr(p, &f->src) != CORDON_NO_DEVICE)
		return deny(CORDON_DENY_SPOOFED, CORDON_KIND_SPOOFED_SOURCE);
	return decide_unbound(p, device, claim, f);
}

/* Open to every device that is not quarantined: what it needs to get in and to stay on the link. */
static bool is_service(u16 from, u8 proto, u16 port)
{
	/* What the gateway opens towards it, or rules from quarantine allow, needs a neighbour. */
	if (from == CORDON_SEGMENT_QUARANTINE)
		return proto == PROTO_ICMP6 &&
		       (port == ICMP6_NEIGH_SOLICIT || port == ICMP6_NEIGH_ADVERT);
	switch (proto) {
	case PROTO_UDP:
		return port == CORDON_PORT_DNS || port == CORDON_PORT_DHCP ||
		       port == CORDON_PORT_DHCP6 || port == CORDON_PORT_NTP;
	case PROTO_IGMP:
		return port == IGMP_V1_REPORT || port == IGMP_V2_REPORT || port == IGMP_LEAVE ||
		       port == IGMP_V3_REPORT;
	case PROTO_TCP:
		return port == CORDON_PORT_DNS || port == CORDON_PORT_EST ||
		       port == CORDON_PORT_CHECKIN;
	case PROTO_ICMP6:
		return port == ICMP6_ROUTER_SOLICIT || port == ICMP6_NEIGH_SOLICIT ||
		       port == ICMP6_NEIGH_ADVERT || port == ICMP6_MLD_REPORT ||
		       port == ICMP6_MLD_DONE || port == ICMP6_MLD2_REPORT;
	default:
		return false;
	}
}

/**
 * cordon_decide_connection - may one end open this towards the other
 * @p: the policy
 * @from: the end that opened the connection
 * @to: the end it was opened to
 * @proto: IANA number
 * @port: destination port or ICMP type
 *
 * The same is asked for every packet of the connection, in both directions.
 */
struct cordon_verdict cordon_decide_connection(const struct cordon_policy *p,
					       const struct cordon_end *from,
					       const struct cordon_end *to, u8 proto, u16 port)
{
	bool device = from->device != CORDON_NO_DEVICE;
	const struct cordon_opening *o;
	const struct cordon_pair *pair;
	struct cordon_verdict v;
	enum cordon_kind kind;

	if (from->segment == CORDON_NO_SEGMENT || to->segment == CORDON_NO_SEGMENT)
		return deny(CORDON_DENY_NO_SEGMENT, CORDON_KIND_UNJUDGED);
	if (from->segment == CORDON_SEGMENT_GATEWAY)
		return pass(CORDON_PASS_GATEWAY, true);
	pair = cordon_policy_pair(p, from->segment, to->segment);
	if (pair) {
		o = cordon_policy_opening(p, pair, proto, port);
		if (o || pair->any) {
			v = pass(CORDON_PASS_RULE, pair->any_plaintext || (o && o->plaintext));
			v.related = pair->any_related || (o && o->related);
			v.use = cordon_policy_use(p, pair, o);
			return v;
		}
	}
	if (device && to->segment == CORDON_SEGMENT_GATEWAY &&
	    is_service(from->segment, proto, port))
		return pass(CORDON_PASS_SERVICE, true);

	kind = CORDON_KIND_SEGMENT_VIOLATION;
	if (device && (from->state == CORDON_STATE_ONBOARDING ||
		       from->state == CORDON_STATE_EXPIRED))
		kind = CORDON_KIND_UNAUTHENTICATED;
	if (from->segment != to->segment)
		return deny(kind == CORDON_KIND_UNAUTHENTICATED ? CORDON_DENY_UNAUTHENTICATED :
			    CORDON_DENY_NO_RULE, kind);
	if (device && to->device != CORDON_NO_DEVICE &&
	    p->draft.segments[from->segment].isolate)
		return deny(CORDON_DENY_ISOLATED, kind);
	return pass(CORDON_PASS_SEGMENT, false);
}

/* An end as it would be if it were a device in good state. */
static struct cordon_end in_good_state(const struct cordon_policy *p, const struct cordon_end *end)
{
	struct cordon_end well = *end;

	if (end->device != CORDON_NO_DEVICE) {
		well.state = CORDON_STATE_ACTIVE;
		well.segment = p->draft.devices[end->device].segment;
	}
	return well;
}

/**
 * cordon_decide_blame - for what the end that opened a connection is to blame
 * @p: the policy
 * @v: the denial of a packet that it sent
 * @from: the end
 * @to: the end it was opened to
 * @proto: IANA number
 * @port: destination port or ICMP type
 *
 * Return: @v, or CORDON_DENY_RECEIVER where the connection would be open but for the state of the
 * other end, a device that is quarantined, outdated or without a lease: nobody is to blame.
 */
struct cordon_verdict cordon_decide_blame(const struct cordon_policy *p,
					  const struct cordon_verdict *v,
					  const struct cordon_end *from,
					  const struct cordon_end *to, u8 proto, u16 port)
{
	struct cordon_verdict blame = *v;
	struct cordon_end well = in_good_state(p, to);

	if (to->device == CORDON_NO_DEVICE || to->state == CORDON_STATE_ACTIVE)
		return blame;
	if (cordon_decide_connection(p, from, &well, proto, port).accept)
		blame.reason = CORDON_DENY_RECEIVER;
	return blame;
}

/**
 * cordon_decide_answer - may the end that a connection is opened to open it the other way round
 * @p: the policy
 * @from: the end that seems to open it
 * @to: the end it is opened to; if it is a device, as if in good state
 * @proto: IANA number
 * @port: source port
 */
bool cordon_decide_answer(const struct cordon_policy *p, const struct cordon_end *from,
			  const struct cordon_end *to, u8 proto, u16 port)
{
	struct cordon_end well = in_good_state(p, to);

	return cordon_decide_connection(p, &well, from, proto, port).accept;
}

/* What must be true of the connections of an end that is a device; of others, nothing. */
static u8 end_encryption(const struct cordon_policy *p, const struct cordon_end *end)
{
	const struct cordon_device_def *d;

	if (end->device == CORDON_NO_DEVICE)
		return CORDON_ENCRYPTION_ANY;
	d = &p->draft.devices[end->device];
	return d->encryption != CORDON_INHERIT ? d->encryption :
						 p->draft.segments[end->segment].encryption;
}

/**
 * cordon_decide_encryption - what a connection must be that may be opened
 * @p: the policy
 * @v: cordon_decide_connection()'s verdict
 * @from: the end that opened the connection
 * @to: the end it was opened to
 *
 * Of two devices the stricter demand counts. A device that is held in another segment than its own
 * has that one's, unless it has its own.
 *
 * Return: enum cordon_encryption.
 */
u8 cordon_decide_encryption(const struct cordon_policy *p, const struct cordon_verdict *v,
			    const struct cordon_end *from, const struct cordon_end *to)
{
	u8 mine, other;

	if (v->plaintext || !p->encrypted)
		return CORDON_ENCRYPTION_ANY;
	mine = end_encryption(p, from);
	other = end_encryption(p, to);
	return mine > other ? mine : other;
}

/**
 * cordon_decide_many - may an end open this towards all segments that one packet reaches
 * @p: the policy
 * @from: the end that sends it, to a group or for broadcast
 * @reach: the segments of the hosts that it reaches, each once
 * @n: how many; 0, nobody knows whom it reaches
 * @proto: IANA number
 * @port: destination port
 *
 * Whom the packet is for shows on the interface that it leaves by, and nobody there can be left
 * out: it passes if it may be opened towards each of the segments. TLS cannot encrypt it, so that
 * where encryption is demanded, a rule must lift that.
 *
 * Return: the first denial, or an acceptance.
 */
struct cordon_verdict cordon_decide_many(const struct cordon_policy *p,
					 const struct cordon_end *from,
					 const struct cordon_reach *reach, u32 n,
					 u8 proto, u16 port)
{
	struct cordon_end to = { .device = CORDON_NO_DEVICE };
	u8 own = end_encryption(p, from);
	struct cordon_verdict v;
	u32 i;

	if (!n)
		return deny(CORDON_DENY_NO_LINK, CORDON_KIND_UNJUDGED);
	for (i = 0; i < n; i++) {
		to.segment = reach[i].segment;
		v = cordon_decide_connection(p, from, &to, proto, port);
		/* Whoever receives it may be another device of the same segment. */
		if (v.accept && v.reason == CORDON_PASS_SEGMENT &&
		    from->device != CORDON_NO_DEVICE && p->draft.segments[to.segment].isolate)
			v = deny(CORDON_DENY_ISOLATED, CORDON_KIND_SEGMENT_VIOLATION);
		if (!v.accept)
			return v;
		if (!v.plaintext && max(own, reach[i].encryption) != CORDON_ENCRYPTION_ANY)
			return deny(CORDON_DENY_UNENCRYPTED, CORDON_KIND_PLAINTEXT);
	}
	return v;
}

/**
 * cordon_decide_neighbours - may one end open anything towards the other, or the other way round
 * @p: the policy
 * @a: an end
 * @b: another one on the same link
 *
 * Then they may ask for each other's MAC.
 */
bool cordon_decide_neighbours(const struct cordon_policy *p, const struct cordon_end *a,
			      const struct cordon_end *b)
{
	if (a->segment == CORDON_NO_SEGMENT || b->segment == CORDON_NO_SEGMENT)
		return false;
	if (cordon_policy_pair(p, a->segment, b->segment) ||
	    cordon_policy_pair(p, b->segment, a->segment))
		return true;
	return a->segment == b->segment && !p->draft.segments[a->segment].isolate;
}

/**
 * cordon_decide_near - likewise, of an end and one of those that a packet for many reaches
 * @p: the policy
 * @from: the end that sends it
 * @reach: the segments of the others
 * @n: how many
 */
bool cordon_decide_near(const struct cordon_policy *p, const struct cordon_end *from,
			const struct cordon_reach *reach, u32 n)
{
	struct cordon_end to = { .device = CORDON_NO_DEVICE };
	u32 i;

	for (i = 0; i < n; i++) {
		to.segment = reach[i].segment;
		if (cordon_decide_neighbours(p, from, &to))
			return true;
	}
	return false;
}

/* What holds for an end changes with the policy alone, or is looked at for each packet. */
static bool is_steady(const struct cordon_end *end, const struct cordon_addr *addr)
{
	if (cordon_addr_is_unspecified(addr) || cordon_addr_is_link_local(addr))
		return false;
	return end->device == CORDON_NO_DEVICE || end->state == CORDON_STATE_ACTIVE;
}

/**
 * cordon_decide_may_stamp - may the verdict on a connection be remembered, see core/stamp.h
 * @f: facts about the connection, which is accepted
 * @from: the end that opened it
 * @to: the end it was opened to
 *
 * Not where each packet has ports or a type of its own that connection tracking does not know.
 */
bool cordon_decide_may_stamp(const struct cordon_flow *f, const struct cordon_end *from,
			     const struct cordon_end *to)
{
	return f->proto != PROTO_IGMP && f->proto != PROTO_UDPLITE && f->proto != PROTO_DCCP &&
	       is_steady(from, &f->src) && is_steady(to, &f->dst);
}
