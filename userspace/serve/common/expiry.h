/* SPDX-License-Identifier: GPL-2.0 */
/* Which certificates end, and which of them somebody should look at. */
#ifndef CORDON_SERVE_EXPIRY_H
#define CORDON_SERVE_EXPIRY_H

#include "pki/pki.h"
#include "store/store.h"

/**
 * struct expiry - a certificate that is in use
 * @what: "root", "issuing", "server" or "device"
 * @name: of server or device; else empty
 * @until: when it ends
 * @soon: it should have been renewed by now, or there is just time enough for a roll-over
 */
struct expiry {
	const char *what;
	char name[PKI_NAME_LEN];
	time_t until;
	bool soon;
};

/* ca and s may be NULL: those are left out. What each returns but 0 ends the walk, and is returned. */
int expiry_each(const struct pki_ca *ca, struct store *s, time_t now, int (*each)(const struct expiry *e, void *arg),
		void *arg);

#endif
