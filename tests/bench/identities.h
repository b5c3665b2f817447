/* SPDX-License-Identifier: GPL-2.0 */
/* What fill.c makes and load.c uses. */
#ifndef CORDON_BENCH_IDENTITIES_H
#define CORDON_BENCH_IDENTITIES_H

#include <stdint.h>
#include <stdio.h>

/*
 * DIR/ca, DIR/server.pem (a chain) and DIR/server.key; DIR/few/registry.db knows the first BENCH_FEW
 * devices, DIR/many/registry.db all; DIR/identities holds a record for each. Both know a release, DIR/image,
 * which lies in DIR/few/firmware and DIR/many/firmware; device 0 is offered it, all others run it.
 */
#define BENCH_FEW	16
#define BENCH_MODEL	"bench"
#define BENCH_IMAGE	(64 << 20)	/* bytes of the release */
#define BENCH_DER_MAX	2048

/** struct identity - a device's certificate and key, DER */
struct identity {
	uint32_t cert_len;
	uint32_t key_len;
	uint8_t cert[BENCH_DER_MAX];
	uint8_t key[BENCH_DER_MAX];
};

/* Device i, from 0: its address is 127.a.b.c, too. */
static inline uint32_t bench_number(uint32_t i)
{
	return 0x010000 + i;
}

static inline void bench_mac(uint32_t i, uint8_t mac[6])
{
	uint32_t n = bench_number(i);
	int b;

	for (b = 0; b < 6; b++)
		mac[b] = b ? b < 3 ? 0 : n >> (8 * (5 - b)) : 2;
}

static inline void bench_name(uint32_t i, char name[64])
{
	snprintf(name, 64, "device-%u", bench_number(i));
}

#endif
