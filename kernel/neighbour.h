/* SPDX-License-Identifier: GPL-2.0 */
/* What devices say on their link. */
#ifndef _CORDON_NEIGHBOUR_H
#define _CORDON_NEIGHBOUR_H

#include "core/neighbour.h"
#include "pkt.h"

/** enum cordon_dhcp_from - who sends a frame, where servers of DHCP are listed */
enum cordon_dhcp_from {
	CORDON_DHCP_FROM_NOBODY,	/* it is of something else */
	CORDON_DHCP_FROM_CLIENT,
	CORDON_DHCP_FROM_SERVER,	/* a listed one */
};

int cordon_neighbour_arp(struct cordon_pkt *pkt);
int cordon_neighbour_input(const struct cordon_pkt *pkt);
int cordon_neighbour_source(const struct cordon_pkt *pkt, int kind);
enum cordon_dhcp_from cordon_neighbour_dhcp(const struct cordon_pkt *pkt);
int cordon_neighbour_ip(const struct cordon_pkt *pkt);
bool cordon_neighbour_is_of_link(const struct cordon_pkt *pkt);
enum cordon_asks cordon_neighbour_asked(const struct cordon_pkt *pkt, u32 *device);

#endif
