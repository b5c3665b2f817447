/* SPDX-License-Identifier: GPL-2.0 */
/* Within the signer. */
#ifndef CORDON_SIGNER_H
#define CORDON_SIGNER_H

#include "lib/wire.h"
#include "serve/common/serve.h"

/* limits.c */
int signer_allows(const struct serve_config *config, const struct pki_profile *p, time_t now, struct pki_error *err);
int signer_reload(struct serve_config *config);

/* signer.c */
bool signer_issuer(const struct pki_ca *ca, uint32_t which, struct pki_ca *out);

/* responder.c */

/**
 * struct responder - what signs statuses, in the name of each issuer
 * @key: made at the start; it never leaves the process
 * @certs: of @key: by the present issuer, then by those of pki_ca.former; NULL, none yet
 * @n: how many
 */
struct responder {
	EVP_PKEY *key;
	X509 **certs;
	size_t n;
};

bool responder_init(struct responder *r, const struct pki_ca *ca);
void responder_free(struct responder *r);
int responder_sign(struct responder *r, const struct pki_ca *ca, struct wire_in *in, uint8_t **der, size_t *len,
		   struct pki_error *err);

#endif
