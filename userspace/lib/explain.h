/* SPDX-License-Identifier: GPL-2.0 */
/* What the hooks would do to one packet, found out with the code that they run. */
#ifndef CORDON_EXPLAIN_H
#define CORDON_EXPLAIN_H

#include "../../kernel/core/decide.h"

/** enum explain_reason - why a verdict is what it is, beside enum cordon_reason: on a link the kernel tells none */
enum explain_reason {
	EXPLAIN_PASS_NEIGHBOURS = CORDON_REASONS,	/* they may ask for each other's MAC */
	EXPLAIN_PASS_BESIDE,		/* both are behind one port */
	EXPLAIN_PASS_ARP,		/* with the gateway itself */
	EXPLAIN_DENY_NEIGHBOURS,
	EXPLAIN_DENY_NOBODY,		/* no other device has the address */
	EXPLAIN_DENY_ELSEWHERE,		/* its owner is behind another port */
	EXPLAIN_DENY_VLAN,		/* it is in another VLAN */
	EXPLAIN_DENY_NO_PVID,		/* a port has no VLAN of untagged frames */
	EXPLAIN_DENY_NOT_IN_VLAN,	/* a port is not in the VLAN */
	EXPLAIN_DENY_TAG,		/* it has a tag that says nothing of VLANs */
	EXPLAIN_DENY_NO_GATEWAY,	/* the gateway itself is not in the VLAN */
	EXPLAIN_DENY_OF_LINK,		/* it is for the gateway alone, as who is in which group */
	EXPLAIN_DENY_ROGUE,		/* only routers, or servers of DHCP, say it */
	EXPLAIN_DENY_LEASE,		/* the device's lease holds on another port of the bridge */
	EXPLAIN_DENY_NO_BRIDGE,		/* it does not leave its link, as that is no bridge's */
	EXPLAIN_REASONS
};

/**
 * struct explain_link - an interface of the gateway
 * @name: its name
 * @wire: of a macvlan or ipvlan, the interface whose wire it shares; empty, it has its own
 * @master: what it is in, such as a bridge; or empty
 * @below: of a VLAN, of 802.1ad, too, the interface that it lies on; or empty
 * @vlan: its number; 0, it is none of 802.1Q
 * @is_bridge: it is a bridge
 * @filters: it is one that filters VLANs
 * @provider: its tags are those of 802.1ad
 * @pvid: of a bridge that filters them and of its members, the VLAN of untagged frames; 0, none
 * @in_vlan: likewise, a bit for each VLAN that it is in
 * @untagged: likewise, a bit for each whose frames leave without a tag
 * @n: how many addresses it has
 * @self: the addresses
 * @net: of each, the address whose network it is in, with the length: its own, or that of a peer
 */
struct explain_link {
	char name[CORDON_IFNAME_LEN];
	char wire[CORDON_IFNAME_LEN];
	char master[CORDON_IFNAME_LEN];
	char below[CORDON_IFNAME_LEN];
	u16 vlan;
	bool is_bridge;
	bool filters;
	bool provider;
	u16 pvid;
	u8 in_vlan[(CORDON_MAX_VLAN + 1) / 8 + 1];
	u8 untagged[(CORDON_MAX_VLAN + 1) / 8 + 1];
	u32 n;
	struct cordon_addr *self;
	struct cordon_network_def *net;
};

/**
 * struct explain_place - where a device is
 * @seen: the port of a bridge where that has learned its MAC, or empty
 * @lease: the port that its lease is bound to, or empty
 */
struct explain_place {
	char seen[CORDON_IFNAME_LEN];
	char lease[CORDON_IFNAME_LEN];
};

/**
 * struct explain - what packets are decided on by
 * @p: the policy
 * @ends: each device as an end of a connection, as it is now
 * @places: of each device, where it is; NULL, nothing is known of it
 * @n_links: length of @links
 * @links: the gateway's interfaces; but for the loopback one
 */
struct explain {
	const struct cordon_policy *p;
	struct cordon_end *ends;
	struct explain_place *places;
	u32 n_links;
	struct explain_link *links;
};

/**
 * struct explain_packet - the first packet of a connection
 * @gateway: the gateway itself sends it
 * @to_gateway: it is for the gateway, by whichever of its addresses
 * @device: whose MAC it bears; CORDON_NO_DEVICE, nobody's, or it comes from an uplink
 * @arp: it is a question of ARP; @flow has the sender's address and the one that is asked for
 * @solicits: it is one of neighbour discovery; explain_complete() makes it of @flow, where it is as for ARP
 * @flow: what is in it
 * @in: interface that it comes in on; NULL, the one that is likely
 * @out: interface that it leaves by; NULL, the one that is likely, or for many each
 */
struct explain_packet {
	bool gateway;
	bool to_gateway;
	u32 device;
	bool arp;
	bool solicits;
	struct cordon_flow flow;
	const struct explain_link *in;
	const struct explain_link *out;
};

/**
 * struct explain_answer - what becomes of a packet, or of one copy
 * @out: interface that it leaves by; NULL, not known
 * @local: it is delivered to the gateway
 * @from: the end that sends it
 * @to: the end that it is for; of many, those that are to blame for a denial
 * @v: the verdict
 * @encryption: enum cordon_encryption, what the connection must be
 * @rule: the rule that opens it, or CORDON_NO_DEVICE
 * @fast: once it is established, its packets take the fast path
 * @switched: the bridge takes it from one port to another, and nothing routes it
 * @neighbours: of a switched one for one device: the two may ask for each other's MAC
 * @uncounted: a denial is not counted
 */
struct explain_answer {
	const struct explain_link *out;
	bool local;
	struct cordon_end from;
	struct cordon_end to;
	struct cordon_verdict v;
	u8 encryption;
	u32 rule;
	bool fast;
	bool switched;
	bool neighbours;
	bool uncounted;
};

int explain_machine(struct explain *e);
int explain_learn(struct explain *e);
int explain_add_link(struct explain *e, const char *name);
int explain_add_address(struct explain_link *link, const struct cordon_addr *self,
			const struct cordon_addr *peer, u8 len);
const struct explain_link *explain_find_link(const struct explain *e, const char *name);
void explain_free(struct explain *e);
bool explain_on_link(const struct explain_link *link, const struct cordon_addr *a, const struct cordon_addr *b);

const struct explain_link *explain_broadcast(const struct explain *e, const struct cordon_addr *a);
bool explain_is_many(const struct explain *e, const struct explain_packet *packet);
void explain_complete(const struct explain *e, struct explain_packet *packet);
u32 explain_packet(const struct explain *e, const struct explain_packet *packet,
		   struct explain_answer *answers);
const char *explain_reason(u8 reason);

#endif
