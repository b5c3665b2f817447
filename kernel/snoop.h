/* SPDX-License-Identifier: GPL-2.0 */
/* What packets tell of the addresses of devices that learn theirs. */
#ifndef _CORDON_SNOOP_H
#define _CORDON_SNOOP_H

#include <linux/types.h>

struct cordon_addr;
struct cordon_net;
struct cordon_pkt;
struct cordon_ruleset;
struct cordon_snooper;
struct sk_buff;

void cordon_snoop_init(struct cordon_snooper *s);
void cordon_snoop_exit(struct cordon_snooper *s);

bool cordon_snoop_address(const struct cordon_pkt *pkt, const struct cordon_addr *addr);
void cordon_snoop_seen(const struct cordon_pkt *pkt, const struct cordon_addr *addr);
void cordon_snoop_stranger(struct cordon_net *cn, const u8 *mac, int in);
int cordon_snoop_request(const struct cordon_pkt *pkt);
u32 cordon_snoop_client(const struct cordon_pkt *pkt);
unsigned int cordon_snoop_reply(struct cordon_net *cn, const struct cordon_ruleset *rs,
				struct sk_buff *skb);

#endif
