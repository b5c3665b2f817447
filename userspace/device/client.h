/* SPDX-License-Identifier: GPL-2.0 */
/* A device's side of enrolment over secure transport (RFC 7030, 8951), and of the check-in. */
#ifndef CORDON_EST_CLIENT_H
#define CORDON_EST_CLIENT_H

#include <openssl/evp.h>
#include <openssl/x509.h>
#include <stdint.h>

#include "tls/client.h"

#define EST_ERROR_LEN		512
#define EST_REASON_LEN		200
#define EST_FINGERPRINT_LEN	32	/* SHA-256 of the DER */
#define EST_PROOF_FIELD		"Cordon-Rekey-Proof"	/* base64 of pki_proof_new() */
#define EST_ANSWER_LEN		1024	/* of the check-in's line */

/** enum est_result - how it went */
enum est_result {
	EST_DONE,
	EST_FAILED,	/* no proper answer, or one that is not to be believed; error says why */
	EST_REFUSED,	/* the server says no; error says which */
	EST_PENDING,	/* the server wants to be asked again in retry_after seconds */
};

/**
 * struct est - a server, and who asks it
 * @server: whom
 * @trust: anchors; NULL: none yet
 * @cert: to show, or NULL
 * @key: of @cert
 * @chain: certificates that lead from @cert to its root, or NULL
 * @user: name for the first enrolment, or NULL
 * @token: secret for the first enrolment, or NULL
 * @deadline: of everything, on tls_clock()
 * @idle: milliseconds that a server may be silent; 0, until @deadline
 * @retry_after: seconds, with EST_PENDING
 * @error: with EST_FAILED and EST_REFUSED: lower case, no full stop
 */
struct est {
	struct tls_target server;
	X509_STORE *trust;
	X509 *cert;
	EVP_PKEY *key;
	STACK_OF(X509) *chain;
	const char *user;
	const char *token;
	int64_t deadline;
	int idle;
	long retry_after;
	char error[EST_ERROR_LEN];
};

/**
 * struct est_lease - what a check-in gave
 * @device: name
 * @segment: where the device is now
 * @seconds: until the next check-in
 */
struct est_lease {
	char device[128];
	char segment[128];
	int64_t seconds;
};

const char *est_url_parse(const char *url, struct tls_target *out);
void est_url_text(const struct tls_target *server, char *out, size_t size);
const char *est_plain(char *out, size_t size, const char *text);

enum est_result est_cacerts(struct est *e, STACK_OF(X509) **certs);
enum est_result est_bootstrap(struct est *e, const uint8_t fingerprint[EST_FINGERPRINT_LEN]);
enum est_result est_enroll(struct est *e, EVP_PKEY *key, const char *name, X509 **cert);
enum est_result est_renew(struct est *e, EVP_PKEY *key, X509 **cert);
enum est_result est_checkin(struct est *e, const char *firmware, struct est_lease *lease);
enum est_result est_greet(struct est *e, const char *firmware, char answer[EST_ANSWER_LEN]);

#endif
