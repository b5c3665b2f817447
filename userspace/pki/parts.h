/* SPDX-License-Identifier: GPL-2.0 */
/* What the files of this room share. */
#ifndef CORDON_PKI_PARTS_H
#define CORDON_PKI_PARTS_H

#include <openssl/x509v3.h>

#include "pki.h"

#define PKI_QUOTE_LEN	72

int pki_fail_ssl(struct pki_error *err, const char *what);
const char *pki_quote(const void *text, size_t len, char out[PKI_QUOTE_LEN]);
void pki_name_text(const X509_NAME *name, char *out, size_t size);
const char *pki_date(const ASN1_TIME *t, char out[16]);
int pki_time(const ASN1_TIME *t, time_t *out);
int pki_time_get(const ASN1_TIME *t, int64_t *out);
bool pki_time_set(ASN1_TIME *t, int64_t seconds);

/* key.c */
EVP_PKEY *pki_public_decode(const X509_PUBKEY *pub, struct pki_error *err);
int pki_public_copy(X509_PUBKEY *to, const X509_PUBKEY *from);
const EVP_MD *pki_digest(const EVP_PKEY *key);
bool pki_key_is_accepted(const EVP_PKEY *key, struct pki_error *err);

/* hardware.c */
EVP_PKEY *pki_hardware_open(const char *text, size_t len, const char *passphrase, struct pki_error *err);

/* build.c */
X509 *pki_cert_begin(const X509_NAME *issuer, const X509_PUBKEY *key, const uint8_t *serial,
		     int64_t not_before, int64_t not_after);
bool pki_cert_key_ids(X509 *cert, const X509 *issuer, const X509 *same);
AUTHORITY_KEYID *pki_authority(const X509 *issuer);
bool pki_cert_usage(X509 *cert, bool ca, int pathlen);
bool pki_name_set(X509_NAME *name, const char *cn);
bool pki_serial_is_valid(const uint8_t serial[PKI_SERIAL_LEN]);
ASN1_INTEGER *pki_serial_asn1(const uint8_t serial[PKI_SERIAL_LEN]);

/* cert.c */
const X509 *pki_issuer_of(const struct pki_ca *ca, X509 *cert);
int pki_client_claim(const struct pki_ca *ca, X509 *cert, time_t now, uint32_t late, struct pki_error *err);

/* identity.c */
int pki_common_name(const X509 *cert, char name[PKI_NAME_LEN], struct pki_error *err);

/* operator.c */
bool pki_operator_purpose(EXTENDED_KEY_USAGE *eku);
bool pki_operator_policy(X509 *cert);

/* names.c */
int pki_chain_allows(const struct pki_ca *ca, X509 *cert, enum pki_kind kind, struct pki_error *err);
int pki_chain_purpose(const struct pki_ca *ca, enum pki_kind kind, struct pki_error *err);
int pki_chain_end(const struct pki_ca *ca, time_t *until);

/* revoked.c */
#define PKI_ROOT_LIST		"root-crl.pem"

int pki_revoked_load(struct pki_ca *ca, const char *dir, struct pki_error *err);
bool pki_revoked_names(const struct pki_ca *ca, X509 *cert);
/* fleet.c */
bool pki_fleet_find(const struct pki_fleet *f, X509 *cert, time_t *from, time_t *until);
/* status.c */
bool pki_status_add(X509 *cert, const struct pki_ca *ca);

/* ca.c */
#define PKI_REQUEST_DIR		"request"
#define PKI_REQUEST_NEW		"request.new"	/* while it is put together */
#define PKI_REQUEST_FILE	"request.pem"
#define PKI_CHAIN_FILE		"chain.crt"
#define PKI_PREVIOUS_MAX	64	/* certificates that are kept of previous CAs */

int pki_cert_load(const char *dir, const char *file, X509 **out, struct pki_error *err);
int pki_key_load(const char *dir, const char *file, const char *passphrase, EVP_PKEY **out,
		 struct pki_error *err);
X509 *pki_ca_issuer(const struct pki_ca *ca, size_t n);
int pki_previous_each(const char *dir, int (*each)(const char *file, X509 *cert, void *arg),
		      void *arg, struct pki_error *err);

#endif
