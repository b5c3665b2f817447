/* SPDX-License-Identifier: GPL-2.0 */
/* A lease on the word of a certificate that somebody else has seen proved, as who did 802.1X. */
#ifndef CORDON_CERTIFIED_H
#define CORDON_CERTIFIED_H

#include "ctl/ctl.h"
#include "pki/pki.h"

#define CERTIFIED_WHY_LEN	300

/** enum certified - what becomes of it */
enum certified {
	CERTIFIED_LEASED,
	CERTIFIED_FOREIGN,	/* the certificate is none, or no longer one, of this device: to ask again is of no use */
	CERTIFIED_NOT_NOW,	/* the kernel or the registry does not let it, as things are */
};

/**
 * struct certified_lease - a lease that is asked for, and what came of it
 * @mac: of the device
 * @serial: of the certificate
 * @port: the interface that it was proved on
 * @fingerprint: SHA-256 of the certificate, once it is known
 * @device: as it is with its lease
 * @why: a sentence, if there is none
 */
struct certified_lease {
	u8 mac[6];
	u8 serial[PKI_SERIAL_LEN];
	char port[CORDON_IFNAME_LEN];
	u8 fingerprint[PKI_FINGERPRINT_LEN];
	struct cnl_device device;
	char why[CERTIFIED_WHY_LEN];
};

enum certified certified_check(const char *registry, struct certified_lease *l);
enum certified certified_give(const char *registry, struct certified_lease *l);
int certified_end(const u8 mac[6], const u8 fingerprint[PKI_FINGERPRINT_LEN], char why[CERTIFIED_WHY_LEN]);

#endif
