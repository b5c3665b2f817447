/* SPDX-License-Identifier: GPL-2.0 */
/* What EST carries: certificates that come, requests that a certificate is renewed with. */
#ifndef CORDON_EST_MESSAGE_H
#define CORDON_EST_MESSAGE_H

#include <openssl/evp.h>
#include <openssl/x509.h>
#include <stddef.h>
#include <stdint.h>

#define EST_CERTS_MAX	16	/* in one message */

STACK_OF(X509) *est_certs_parse(const char *text, size_t len, const char **why);
int est_certs_vouch(STACK_OF(X509) *certs, X509 *cert, const char **why);
uint8_t *est_renewal_new(EVP_PKEY *key, const X509 *cert, const char *binding, size_t *len);

#endif
