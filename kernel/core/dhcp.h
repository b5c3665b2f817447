/* SPDX-License-Identifier: GPL-2.0 */
/* Readers of DHCP: bytes in, what they say of addresses out. */
#ifndef _CORDON_DHCP_H
#define _CORDON_DHCP_H

#include "policy.h"

#define CORDON_DHCP_MAX_ADDRESSES	8	/* of one message that are looked at */

/** enum cordon_dhcp_says - what a message says of the addresses in it */
enum cordon_dhcp_says {
	CORDON_DHCP_OTHER,	/* nothing that holds */
	CORDON_DHCP_BINDS,	/* a server: they are the client's, for so long */
	CORDON_DHCP_REFUSES,	/* a server: the client has none (RFC 2131, 3.1) */
	CORDON_DHCP_ENDS,	/* the client: it gives them back, or another has them */
};

/**
 * struct cordon_dhcp - a message of DHCP
 * @mac: of the client, of DHCPv4; all zero, it is none of Ethernet
 * @says: what it says
 * @request: a client sent it, or a relay for one
 * @relayed: a relay has part in it (RFC 2131, 4.1; RFC 8415, 19.1)
 * @n: length of @addresses
 * @addresses: what it is about
 * @seconds: for each, how long; 0, its end; CORDON_DHCP_FOREVER
 */
struct cordon_dhcp {
	u8 mac[6];
	u8 says;
	bool request;
	bool relayed;
	u8 n;
	struct cordon_addr addresses[CORDON_DHCP_MAX_ADDRESSES];
	u32 seconds[CORDON_DHCP_MAX_ADDRESSES];
};

/**
 * struct cordon_dhcp_client - what a client says of itself (RFC 2132, 3.14, 9.13 and 9.8)
 * @hostname: any bytes
 * @class: likewise
 * @parameters: options that it asks for
 * @hostname_len: of @hostname
 * @class_len: of @class
 * @n_parameters: of @parameters
 */
struct cordon_dhcp_client {
	u8 hostname[CORDON_DHCP_TEXT_LEN];
	u8 class[CORDON_DHCP_TEXT_LEN];
	u8 parameters[CORDON_DHCP_TEXT_LEN];
	u8 hostname_len;
	u8 class_len;
	u8 n_parameters;
};

#define CORDON_DHCP_FOREVER	0xffffffffU	/* RFC 2131, 3.3; RFC 8415, 7.7 */

int cordon_dhcp_read(struct cordon_dhcp *out, const u8 *message, u32 len);
void cordon_dhcp_client_read(struct cordon_dhcp_client *out, const u8 *message, u32 len);
int cordon_dhcp6_read(struct cordon_dhcp *out, const u8 *message, u32 len);

#endif
