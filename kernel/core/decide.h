/* SPDX-License-Identifier: GPL-2.0 */
/* The verdict. */
#ifndef _CORDON_DECIDE_H
#define _CORDON_DECIDE_H

#include "flow.h"
#include "policy.h"
#include "reach.h"

/* What devices may open towards the gateway without a rule. */
#define CORDON_PORT_DNS		53
#define CORDON_PORT_DHCP	67
#define CORDON_PORT_NTP		123
#define CORDON_PORT_DHCP6	547
#define CORDON_PORT_EST		8443
#define CORDON_PORT_CHECKIN	8883

/* What devices ask for an address from. */
#define CORDON_PORT_DHCP_CLIENT		68
#define CORDON_PORT_DHCP6_CLIENT	546

/** enum cordon_reason - why a verdict is what it is */
enum cordon_reason {
	CORDON_PASS_RULE,		/* a rule opens it */
	CORDON_PASS_SERVICE,		/* open to every device that is not quarantined */
	CORDON_PASS_SEGMENT,		/* both ends are in one segment that does not isolate */
	CORDON_PASS_SOURCE,		/* at prerouting: the source is the device's own */
	CORDON_PASS_GATEWAY,		/* the gateway itself opened it */
	CORDON_DENY_NO_RULE,
	CORDON_DENY_ISOLATED,
	CORDON_DENY_NO_SEGMENT,		/* an end belongs to no segment */
	CORDON_DENY_UNAUTHENTICATED,	/* no rule, and the originator's lease is missing */
	CORDON_DENY_UNKNOWN_DEVICE,
	CORDON_DENY_MOVED,
	CORDON_DENY_SPOOFED,
	CORDON_DENY_MALFORMED,
	CORDON_PASS_CLAIM,		/* likewise, and it claims a link-local address */
	CORDON_DENY_RELATED,		/* announced, but no rule admits what is announced */
	CORDON_DENY_RECEIVER,		/* only for the state of the receiving device */
	CORDON_DENY_UNLISTED,		/* an interface that the policy does not list */
	CORDON_DENY_WRONG_PORT,		/* it would leave by another port than the device's */
	CORDON_DENY_UNENCRYPTED,	/* it is for many, which TLS cannot encrypt */
	CORDON_DENY_NO_LINK,		/* it is for many, and nobody is known on that link */
	CORDON_DENY_LINK_ONLY,		/* it would leave the link that its source is good for */
	CORDON_PASS_UPKEEP,		/* the gateway needs it as a host on its uplink */
	CORDON_DENY_FLAGS,		/* flags of TCP that no stack sets together */
	CORDON_DENY_FRAGMENT,		/* part of a datagram as no stack cuts it */
	CORDON_REASONS
};

/**
 * struct cordon_verdict - what becomes of a packet
 * @accept: it may pass
 * @reason: why
 * @kind: where it may not, the anomaly that it is
 * @plaintext: where it may, encryption is not demanded of it
 * @related: where it may, so may what it announces
 * @use: where a rule opens it, the place that it has in cordon_policy.used
 */
struct cordon_verdict {
	bool accept;
	bool plaintext;
	bool related;
	u8 kind;		/* enum cordon_kind */
	u8 reason;		/* enum cordon_reason */
	u32 use;
};

/**
 * struct cordon_posture - what is known of a device besides the policy
 * @quarantined: an operator or a limit said so
 * @outdated: its firmware is below the floor
 * @leased: it has proved who it is and that still holds
 * @was_leased: it did so once
 */
struct cordon_posture {
	bool quarantined;
	bool outdated;
	bool leased;
	bool was_leased;
};

/**
 * struct cordon_end - one end of a connection
 * @device: the device, or CORDON_NO_DEVICE
 * @segment: effective segment, or CORDON_NO_SEGMENT
 * @state: of a device, enum cordon_state
 */
struct cordon_end {
	u32 device;
	u16 segment;
	u8 state;
};

u8 cordon_device_state(const struct cordon_policy *p, u32 device,
		       const struct cordon_posture *posture);
u16 cordon_state_segment(const struct cordon_policy *p, u32 device, u8 state);
struct cordon_end cordon_end_device(const struct cordon_policy *p, u32 device,
				    const struct cordon_posture *posture);
struct cordon_end cordon_end_address(const struct cordon_policy *p,
				     const struct cordon_addr *addr);
struct cordon_end cordon_end_gateway(void);

struct cordon_verdict cordon_decide_source(const struct cordon_policy *p, u32 device, u16 port,
					   u64 claim, const struct cordon_flow *flow);
struct cordon_verdict cordon_decide_connection(const struct cordon_policy *p,
					       const struct cordon_end *from,
					       const struct cordon_end *to, u8 proto, u16 port);
struct cordon_verdict cordon_decide_many(const struct cordon_policy *p,
					 const struct cordon_end *from,
					 const struct cordon_reach *reach, u32 n,
					 u8 proto, u16 port);
struct cordon_verdict cordon_decide_blame(const struct cordon_policy *p,
					  const struct cordon_verdict *v,
					  const struct cordon_end *from,
					  const struct cordon_end *to, u8 proto, u16 port);
bool cordon_decide_answer(const struct cordon_policy *p, const struct cordon_end *from,
			  const struct cordon_end *to, u8 proto, u16 port);
u8 cordon_decide_encryption(const struct cordon_policy *p, const struct cordon_verdict *v,
			    const struct cordon_end *from, const struct cordon_end *to);
bool cordon_decide_neighbours(const struct cordon_policy *p, const struct cordon_end *a,
			      const struct cordon_end *b);
bool cordon_decide_near(const struct cordon_policy *p, const struct cordon_end *from,
			const struct cordon_reach *reach, u32 n);
bool cordon_mac_of_identifier(u64 id, u8 *mac);
bool cordon_identifier_is_others(const struct cordon_policy *p, u32 device, u64 id);
bool cordon_decide_may_stamp(const struct cordon_flow *flow, const struct cordon_end *from,
			     const struct cordon_end *to);
bool cordon_flow_is_autoconf(const struct cordon_flow *flow);
bool cordon_flow_is_for_host(const struct cordon_flow *flow);
u64 cordon_flow_claim(const struct cordon_flow *flow);

#endif
