/* SPDX-License-Identifier: GPL-2.0 */
/* Stations that hostapd has authenticated, and the leases that they have for it. */
#ifndef CORDON_STATIONS_H
#define CORDON_STATIONS_H

#include "ctl/certified.h"
#include "eapol/eapol.h"

#define STATIONS_MAX	4096	/* on all ports; more get no lease */

/**
 * struct station - one that is authenticated
 * @port: behind which
 * @mac: its
 * @serial: of the certificate that it was authenticated by
 * @fingerprint: likewise, SHA-256
 * @successes: hostapd's count at the time
 * @settled: it got its lease for that
 * @leased: and that lease is this session's still
 * @told: that it has none was logged
 * @seen: in the walk that is under way
 */
struct station {
	char port[IF_NAMESIZE];
	u8 mac[6];
	u8 serial[PKI_SERIAL_LEN];
	u8 fingerprint[PKI_FINGERPRINT_LEN];
	u32 successes;
	bool settled;
	bool leased;
	bool told;
	bool seen;
};

/**
 * struct stations - all of them
 * @registry: its file
 * @token: by which the RADIUS server's answers are known
 * @list: in no order
 * @n: how many
 * @revocations: of the registry, when all were last held against it
 * @checking: they are being held against it, up to @at, as it is at @next
 * @at: likewise
 * @next: likewise
 */
struct stations {
	const char *registry;
	char token[EAPOL_TOKEN_LEN];
	struct station list[STATIONS_MAX];
	size_t n;
	uint64_t revocations;
	bool checking;
	size_t at;
	uint64_t next;
};

/* True: hostapd is to throw it out. */
bool stations_look(struct stations *s, const char *port, const struct eapol_session *session);
void stations_end(struct stations *s, const char *port, const u8 mac[6]);
void stations_forget(struct stations *s, const char *port);
void stations_walk_begin(struct stations *s, const char *port);
void stations_walk_end(struct stations *s, const char *port);
bool stations_revoked(struct stations *s, char port[IF_NAMESIZE], u8 mac[6]);

#endif
