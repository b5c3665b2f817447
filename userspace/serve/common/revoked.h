/* SPDX-License-Identifier: GPL-2.0 */
/* What revocation lists hold, from the registry; and what a registry takes over from them. */
#ifndef CORDON_REVOKED_H
#define CORDON_REVOKED_H

#include "pki/pki.h"

#define REVOKED_VALID	(7 * 86400)	/* seconds from one list to its next update */
#define REVOKED_SOON	(2 * 86400)	/* a list that ends so soon was not renewed in time */
#define REVOKED_SAVED	2		/* files that the server keeps the list in, of which one is whole at any time */
#define REVOKED_PATH_LEN 300

struct store;
struct store_certificate;

bool revoked_is_fresh(time_t made);
bool revoked_is_ours(const struct store_certificate *c);
int revoked_list(struct store *s, time_t now, struct pki_revoked **list, size_t *n);

/**
 * struct revoked_caught - what a registry has taken over
 * @older: it was older than the last list, or made anew
 * @number: of the last list
 * @revoked: certificates that it did not know to be revoked
 * @tokens: that were not used up, and are now
 * @bad: files that hold no list of this CA
 */
struct revoked_caught {
	bool older;
	uint64_t number;
	unsigned int revoked;
	unsigned int tokens;
	unsigned int bad;
};

void revoked_saved(const char *ca_dir, unsigned int n, char path[REVOKED_PATH_LEN]);
int revoked_until(const struct pki_ca *ca, const char *ca_dir, time_t *until);
int revoked_read(const struct pki_ca *ca, const char *ca_dir, struct pki_list *list, unsigned int *bad);
int revoked_catch_up(const struct pki_ca *ca, const char *ca_dir, struct store *s, bool restored,
		     struct revoked_caught *out);

#endif
