// SPDX-License-Identifier: GPL-2.0
/* kernel/core/dhcp.c: what messages say of addresses; what is cut off or changed says nothing, and is not read beyond. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../kernel/core/dhcp.h"
#include "tap.h"

#define FIXED 240

static const u8 mac[6] = { 2, 0, 0, 0, 1, 1 };

/* A message of DHCPv4 with these options; returns its length. */
static u32 make4(u8 *m, u8 op, const u8 *options, u32 len)
{
	memset(m, 0, FIXED);
	m[0] = op;
	m[1] = 1;
	m[2] = 6;
	memcpy(m + 12, "\x0a\x00\x14\x0b", 4);	/* ciaddr */
	memcpy(m + 16, "\x0a\x00\x14\x0c", 4);	/* yiaddr */
	memcpy(m + 28, mac, 6);
	memcpy(m + 236, "\x63\x82\x53\x63", 4);
	memcpy(m + FIXED, options, len);
	return FIXED + len;
}

/* In memory of just its length, so that a byte too far is found. */
static int read_exactly(int (*read)(struct cordon_dhcp *, const u8 *, u32), struct cordon_dhcp *out, const u8 *m, u32 len)
{
	u8 *copy = malloc(len ? len : 1);
	int ret;

	memcpy(copy, m, len);
	memset(out, 0xa5, sizeof(*out));
	ret = read(out, copy, len);
	free(copy);
	return ret;
}

static bool nothing(const struct cordon_dhcp *m)
{
	return m->says == CORDON_DHCP_OTHER && !m->n;
}

static bool is_v4(const struct cordon_addr *a, u32 v4)
{
	const struct cordon_addr b = cordon_addr_v4(v4);

	return cordon_addr_equal(a, &b);
}

#define OPTIONS4(...) (const u8[]){ __VA_ARGS__ }, sizeof((const u8[]){ __VA_ARGS__ })

static void v4(void)
{
	struct cordon_dhcp d;
	u8 m[2000];
	u32 len;

	len = make4(m, 2, OPTIONS4(53, 1, 5, 51, 4, 0, 0, 0x0e, 0x10, 255));
	ok(!read_exactly(cordon_dhcp_read, &d, m, len) && d.says == CORDON_DHCP_BINDS && d.n == 1 && !d.request &&
	   is_v4(&d.addresses[0], 0x0a00140c) && d.seconds[0] == 3600 && !memcmp(d.mac, mac, 6), "an acknowledgement binds");
	len = make4(m, 2, OPTIONS4(53, 1, 5, 51, 4, 255, 255, 255, 255, 255));
	ok(!read_exactly(cordon_dhcp_read, &d, m, len) && d.seconds[0] == CORDON_DHCP_FOREVER, "also for ever");
	len = make4(m, 2, OPTIONS4(53, 1, 5, 255));
	ok(!read_exactly(cordon_dhcp_read, &d, m, len) && nothing(&d), "an answer to DHCPINFORM does not");
	len = make4(m, 2, OPTIONS4(53, 1, 2, 51, 4, 0, 0, 0x0e, 0x10, 255));
	ok(!read_exactly(cordon_dhcp_read, &d, m, len) && nothing(&d), "an offer does not");
	len = make4(m, 1, OPTIONS4(53, 1, 5, 51, 4, 0, 0, 0x0e, 0x10, 255));
	ok(!read_exactly(cordon_dhcp_read, &d, m, len) && nothing(&d) && d.request, "a client acknowledges nothing");
	len = make4(m, 2, OPTIONS4(53, 1, 6, 255));
	ok(!read_exactly(cordon_dhcp_read, &d, m, len) && d.says == CORDON_DHCP_REFUSES && !d.n, "a NAK refuses");
	len = make4(m, 1, OPTIONS4(53, 1, 7, 255));
	ok(!read_exactly(cordon_dhcp_read, &d, m, len) && d.says == CORDON_DHCP_ENDS && d.n == 1 && d.request &&
	   is_v4(&d.addresses[0], 0x0a00140b), "a release ends the client's address");
	len = make4(m, 1, OPTIONS4(53, 1, 4, 50, 4, 10, 0, 20, 13, 255));
	ok(!read_exactly(cordon_dhcp_read, &d, m, len) && d.says == CORDON_DHCP_ENDS && d.n == 1 &&
	   is_v4(&d.addresses[0], 0x0a00140d), "a decline the one that it names");
	len = make4(m, 2, OPTIONS4(0, 0, 53, 1, 5, 52, 1, 1, 255, 51, 4, 0, 0, 0, 9));
	memcpy(m + 108, "\x33\x04\x00\x00\x00\x3c\xff", 7);
	ok(!read_exactly(cordon_dhcp_read, &d, m, len) && d.says == CORDON_DHCP_BINDS && d.seconds[0] == 60,
	   "options may be in the field of the file, and none is behind the end");
	ok(!d.relayed, "no relay has part in it");
	m[27] = 1;
	ok(!read_exactly(cordon_dhcp_read, &d, m, len) && d.relayed, "but in what bears its address");
	m[1] = 6;
	ok(!read_exactly(cordon_dhcp_read, &d, m, len) && !memcmp(d.mac, "\0\0\0\0\0\0", 6), "another hardware has no MAC");
}

/* A reply of DHCPv6 with an association of two addresses; returns its length. */
static u32 make6(u8 *m, u8 type, u8 association)
{
	static const u8 addresses[] = {
		0, 5, 0, 24, 0xfd, 0, 0, 0x20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 30, 0, 0, 0, 60,
		0, 5, 0, 24, 0xfd, 0, 0, 0x20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0,
	};
	u32 len = 4, skip = association == 3 ? 12 : 4;

	memset(m, 0, 100);
	m[0] = type;
	memcpy(m + len, "\x00\x01\x00\x02\xaa\xbb", 6);	/* a client's identifier */
	len += 6;
	m[len + 1] = association;
	m[len + 3] = skip + sizeof(addresses);
	len += 4 + skip;
	memcpy(m + len, addresses, sizeof(addresses));
	return len + sizeof(addresses);
}

static void v6(void)
{
	struct cordon_dhcp d;
	u8 m[200];
	u32 len;

	len = make6(m, 7, 3);
	ok(!read_exactly(cordon_dhcp6_read, &d, m, len) && d.says == CORDON_DHCP_BINDS && d.n == 2 && d.seconds[0] == 60 &&
	   !d.seconds[1] && d.addresses[0].hi == 0xfd00002000000000ULL && d.addresses[1].lo == 2,
	   "a reply binds, and ends what has no time left");
	len = make6(m, 7, 4);
	ok(!read_exactly(cordon_dhcp6_read, &d, m, len) && d.n == 2, "temporary addresses, too");
	len = make6(m, 7, 25);
	ok(!read_exactly(cordon_dhcp6_read, &d, m, len) && !d.n, "a delegated prefix is none");
	len = make6(m, 8, 3);
	ok(!read_exactly(cordon_dhcp6_read, &d, m, len) && d.says == CORDON_DHCP_ENDS && d.request && d.n == 2,
	   "a release ends");
	len = make6(m, 2, 3);
	ok(!read_exactly(cordon_dhcp6_read, &d, m, len) && nothing(&d), "an advertisement does neither");
	len = make6(m, 13, 3);
	ok(!read_exactly(cordon_dhcp6_read, &d, m, len) && nothing(&d), "nor what a relay is told");
	ok(!d.relayed, "which is no request");
	len = make6(m, 12, 3);
	ok(!read_exactly(cordon_dhcp6_read, &d, m, len) && nothing(&d) && d.request && d.relayed, "a relay's request is known");
}

/* Each length, and each byte changed in turn: nothing is read beyond, and a failure says nothing. */
static void cut(void)
{
	bool silent = true, bounded = true;
	struct cordon_dhcp d;
	u8 m[2000];
	u32 len, n, i;

	len = make4(m, 2, OPTIONS4(53, 1, 5, 52, 1, 3, 51, 4, 0, 0, 0x0e, 0x10, 255));
	for (n = 0; n <= len; n++)
		if (read_exactly(cordon_dhcp_read, &d, m, n))
			silent &= nothing(&d);
	for (i = 0; i < len * 256; i++) {
		u8 was = m[i / 256];

		m[i / 256] = i;
		if (read_exactly(cordon_dhcp_read, &d, m, len))
			silent &= nothing(&d);
		bounded &= d.n <= CORDON_DHCP_MAX_ADDRESSES;
		m[i / 256] = was;
	}
	len = make6(m, 7, 3);
	for (n = 0; n <= len; n++)
		if (read_exactly(cordon_dhcp6_read, &d, m, n))
			silent &= nothing(&d);
	for (i = 0; i < len * 256; i++) {
		u8 was = m[i / 256];

		m[i / 256] = i;
		if (read_exactly(cordon_dhcp6_read, &d, m, len))
			silent &= nothing(&d);
		bounded &= d.n <= CORDON_DHCP_MAX_ADDRESSES;
		m[i / 256] = was;
	}
	ok(silent, "what cannot be read says nothing");
	ok(bounded, "and never more addresses than there is room for");
	memset(m, 0, sizeof(m));
	m[0] = 7;
	for (len = 4, i = 0; i < 30; i++, len += 44) {
		m[len + 1] = 3;
		m[len + 3] = 40;
		m[len + 4 + 12 + 1] = 5;
		m[len + 4 + 12 + 3] = 24;
		m[len + 4 + 12 + 4 + 15] = i;
	}
	ok(!read_exactly(cordon_dhcp6_read, &d, m, len) && d.n == CORDON_DHCP_MAX_ADDRESSES, "of many, the first ones");
}

int main(void)
{
	v4();
	v6();
	cut();
	return tap_done();
}
