/* SPDX-License-Identifier: GPL-2.0 */
/* What the files of explain share. */
#ifndef CORDON_EXPLAIN_IN_H
#define CORDON_EXPLAIN_IN_H

#include "explain.h"

#define EXPLAIN_NO_VLAN	0xffff	/* frames are in none that could be told */

/* explain_role.c */
u8 explain_role(const struct explain *e, const struct explain_link *link);
u16 explain_port(const struct explain *e, const struct explain_link *link);
bool explain_has_devices(const struct explain *e, const struct explain_link *link);
bool explain_may_be(const struct explain *e, u16 tied, u16 at);
bool explain_may_be_at(const struct explain *e, u32 device, u16 at);
const struct explain_link *explain_link_of_port(const struct explain *e, u16 port);
const struct explain_link *explain_bridge(const struct explain *e, const struct explain_link *link);
const struct explain_link *explain_place(const struct explain *e, u32 device);
bool explain_may_have(const struct explain *e, u32 device, const struct explain_link *link);
bool explain_may_lead(const struct explain *e, u32 device, const struct explain_link *link);
u16 explain_vlan(const struct explain *e, u32 device, const struct explain_link *link);
const struct explain_link *explain_home(const struct explain *e, u32 device, const struct explain_link *link);
struct cordon_verdict explain_enters(const struct explain *e, u32 device, const struct explain_link *link);
struct cordon_verdict explain_leaves(const struct explain *e, const struct explain_link *link, u16 vlan);
bool explain_is_home(const struct explain *e, u32 device, const struct explain_link *link);

/* explain_dump.c */
bool explain_dump_take(struct explain *e, const void *message, int len);
void explain_dump(struct explain *e);

/* explain_reach.c */
u32 explain_own_segments(const struct cordon_policy *p, const struct explain_link *link, struct cordon_reach *reach);
u32 explain_reach_uplink(const struct cordon_policy *p, const struct explain_link *link, struct cordon_reach *reach);
u32 explain_reach_port(const struct explain *e, u16 port, struct cordon_reach **out);
void explain_each(const struct explain *e, const struct explain_packet *packet, const struct cordon_reach *reach,
		  u32 n, struct explain_answer *a);

/* explain_bridge.c */
bool explain_is_switched(const struct explain *e, const struct explain_packet *packet, const struct explain_link *in);
struct cordon_verdict explain_sound(const struct explain *e, const struct explain_packet *packet,
				    const struct explain_link *in);
void explain_switched(const struct explain *e, const struct explain_packet *packet, const struct explain_link *in,
		      struct explain_answer *a);
void explain_brought(const struct explain *e, u32 device, struct explain_answer *a);
u32 explain_copies(const struct explain *e, const struct explain_packet *packet, const struct explain_link *in,
		   const struct explain_answer *base, struct explain_answer *answers);

/* explain.c */

static inline struct cordon_verdict explain_deny(u8 reason, u8 kind)
{
	return (struct cordon_verdict){ .reason = reason, .kind = kind };
}

static inline struct cordon_verdict explain_pass(u8 reason)
{
	return (struct cordon_verdict){ .accept = true, .plaintext = true, .reason = reason };
}

#endif
