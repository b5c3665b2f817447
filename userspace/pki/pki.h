/* SPDX-License-Identifier: GPL-2.0 */
/* Keys, requests, certificates and revocation lists of the gateway's own CA. */
#ifndef CORDON_PKI_H
#define CORDON_PKI_H

#include <openssl/evp.h>
#include <openssl/x509.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#define PKI_ERROR_LEN		256
#define PKI_SERIAL_LEN		16		/* bytes: 128 bit, the first bit is 0 */
#define PKI_FINGERPRINT_LEN	32		/* SHA-256 of the DER */
#define PKI_NAME_LEN		64		/* a device's name, terminated */
#define PKI_URN_LEN		32		/* urn:dev:mac:020000fffe000101 */
#define PKI_CSR_MAX		8192		/* bytes of a request that is looked at */
#define PKI_PROOF_MAX		160		/* bytes of a signature of the old key; P-384 has 104 */
#define PKI_CERT_MAX		8192		/* bytes of a certificate that is looked at */
#define PKI_CMS_MAX		65536		/* bytes of a signature that is looked at */
#define PKI_CRL_MAX		1000000		/* entries of a revocation list */
#define PKI_CA_NAME_MAX		40		/* bytes of a CA's name, as in "NAME issuing CA" */
#define PKI_TIME_LEN		24		/* 2026-01-02T03:04:05Z */
#define PKI_CA_DIR		"/var/lib/cordon/ca"
#define PKI_BAG_MAX		16		/* certificates that a device takes from cacerts */
#define PKI_STATUS_URL_LEN	161		/* where lists and statuses are found, terminated */
#define PKI_ISSUER_ID_LEN	65		/* an issuer's subject key identifier in hexadecimal, terminated */
#define PKI_BACKDATE		86400		/* seconds that a device's clock may be behind */
#define PKI_CHAIN_MAX		8		/* certificates from the issuing one to the root, both included */
/* Below 2.25 (X.667): UUIDs, that nobody has to register. */
#define PKI_OPERATOR_EKU	"2.25.288794413989839717149228718384977042979"
#define PKI_OPERATOR_POLICY	"2.25.218876189079583623759734697172196803927"

struct pki_fleet;

/** struct pki_error - why something was refused: lower case, no full stop, RFC clause where one rules */
struct pki_error {
	char text[PKI_ERROR_LEN];
};

/* Set; return code. */
int pki_fail(struct pki_error *err, int code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/** enum pki_key - kinds of keys that are accepted and made */
enum pki_key {
	PKI_P256,
	PKI_P384,
	PKI_ED25519,
};

/** enum pki_kind - what a certificate is for */
enum pki_kind {
	PKI_DEVICE,		/* clientAuth; CN = name, SAN URI = URN of the MAC */
	PKI_SERVER,		/* serverAuth + id-kp-cmcRA (RFC 6402, 2.10); SAN DNS/IP */
	PKI_CODE,		/* codeSigning: firmware and the manifests that offer it; no SAN */
	PKI_OPERATOR,		/* clientAuth + PKI_OPERATOR_EKU, policy PKI_OPERATOR_POLICY; CN = name, no SAN */
};

/**
 * struct pki_profile - what is to be certified
 * @kind: what for
 * @name: CN
 * @mac: of a device
 * @names: of a server: DNS names and addresses
 * @n_names: how many
 * @serial: big endian, as the registry has recorded it
 * @not_before: seconds since 1970
 * @not_after: likewise; cut to the issuer's own end
 */
struct pki_profile {
	enum pki_kind kind;
	const char *name;
	const uint8_t *mac;
	const char *const *names;
	size_t n_names;
	const uint8_t *serial;
	time_t not_before;
	time_t not_after;
};

/** struct pki_revoked - an entry of a revocation list; reason as in RFC 5280, 5.3.1 */
struct pki_revoked {
	uint8_t serial[PKI_SERIAL_LEN];
	time_t when;
	int reason;
};

/**
 * struct pki_issuer - an issuing certificate of a CA before
 * @cert: it
 * @key: NULL, not asked for, or not there any more
 * @revoked: since when, by the list of who is above it; 0, it is not
 */
struct pki_issuer {
	X509 *cert;
	EVP_PKEY *key;
	time_t revoked;
};

/**
 * struct pki_ca - the CA, as it lies in its directory
 * @root: trust anchor
 * @issuing: signs what devices and the server get
 * @key: of @issuing; NULL where it was not asked for
 * @others: root and issuing certificates of CAs before and of the next one, what was between before, and the cross
 *	certificates (RFC 7030, 4.1.3); may be empty, never NULL
 * @bridge: after a roll-over: @issuing as certified by the root before, for devices that know that one alone; or NULL
 * @next: root of the CA that is published to follow, in @others as well unless it is @root; or NULL
 * @next_issuing: issuing certificate of that one, in @others as well; or NULL
 * @intermediates: from the issuer of @issuing to the one that @root certified; NULL, @root certified @issuing itself
 * @revoked: by the list of who is above: @issuing, or one of @intermediates; nothing is issued then, nor taken
 * @former: issuing certificates of CAs before, oldest first
 * @n_former: how many
 * @lists: of who is above, all that were found; or NULL
 * @fleet: other gateways' issuing certificates, the caller's: what a client claims of one of them is taken, too; or NULL
 * @status_url: what certificates name, see pki_status_add(), the caller's; NULL or empty, they name nothing
 */
struct pki_ca {
	X509 *root;
	X509 *issuing;
	EVP_PKEY *key;
	STACK_OF(X509) *others;
	X509 *bridge;
	X509 *next;
	X509 *next_issuing;
	STACK_OF(X509) *intermediates;
	bool revoked;
	struct pki_issuer *former;
	size_t n_former;
	STACK_OF(X509_CRL) *lists;
	const struct pki_fleet *fleet;
	const char *status_url;
};

/**
 * struct pki_ca_plan - a CA that is to be made
 * @name: goes into its subjects; NULL at a roll-over: the old one's
 * @key: kind of all keys
 * @passphrase: for all keys, those of the CA that is rolled over as well; NULL, none
 * @old_root_key: at a roll-over: key of the present root, where root.key is kept elsewhere; or NULL
 * @root: imported; NULL, a root is made
 * @root_key: of @root, used and not stored; or the key in hardware of the root that is made
 * @root_reference: names @root_key in hardware, and is stored; NULL, a root that is made gets a new key
 * @issuing_key: of the issuing certificate, in hardware; NULL, a new one is made
 * @issuing_reference: names @issuing_key, and is stored
 * @names: of the gateway's server, for a request: what its certificate is to be for, and nothing else; or NULL
 * @n_names: how many, 0 or up to PKI_SERVER_NAMES
 * @now: the time; validity begins PKI_BACKDATE earlier
 */
struct pki_ca_plan {
	const char *name;
	enum pki_key key;
	const char *passphrase;
	EVP_PKEY *old_root_key;
	X509 *root;
	EVP_PKEY *root_key;
	const char *root_reference;
	EVP_PKEY *issuing_key;
	const char *issuing_reference;
	const char *const *names;
	size_t n_names;
	time_t now;
};

#define PKI_SERVER_NAMES	32
#define PKI_SERVER_NAME_LEN	256

/**
 * struct pki_issuing_plan - the certificate of a gateway's issuing CA
 * @gateway: whose; goes into its subject
 * @names: of the gateway's server, the only ones that are certified; or NULL: as the request says
 * @n_names: how many
 * @root: who signs
 * @key: of @root
 * @now: the time; validity begins PKI_BACKDATE earlier
 * @until: its end, or that of @root
 */
struct pki_issuing_plan {
	const char *gateway;
	const char *const *names;
	size_t n_names;
	X509 *root;
	EVP_PKEY *key;
	time_t now;
	time_t until;
};

/* Keys. */
EVP_PKEY *pki_key_new(enum pki_key kind);
int pki_key_find(const char *word);			/* p256 p384 ed25519; or -1 */
/* PEM, PKCS#8; passphrase may be NULL. Freed with OPENSSL_clear_free(). */
int pki_key_pem(EVP_PKEY *key, const char *passphrase, char **pem, size_t *len);
EVP_PKEY *pki_key_parse(const char *pem, size_t len, const char *passphrase, struct pki_error *err);
/* Keys in hardware: a file may hold a URI, or a TPM's wrapped key, in the place of a key. */
bool pki_key_is_uri(const char *word);
bool pki_key_is_reference(const char *text, size_t len);
int pki_key_reference(const char *word, size_t max, char **text, size_t *len);
bool pki_pin_was_refused(void);
bool pki_hardware_is_used(void);

/* Identity. */
void pki_urn(const uint8_t mac[6], char out[PKI_URN_LEN]);		/* RFC 9039, 4.1 */
int pki_urn_parse(const char *urn, uint8_t mac[6]);			/* 0 or -EINVAL */
/* CN and MAC of a device certificate; exactly one CN, exactly one URN among the SANs. */
int pki_identity(const X509 *cert, char name[PKI_NAME_LEN], uint8_t mac[6], struct pki_error *err);
/* The subject for people (RFC 4514), in printable ASCII, cut to fit. */
void pki_subject_text(const X509 *cert, char *out, size_t size);
int pki_fingerprint(const X509 *cert, uint8_t out[PKI_FINGERPRINT_LEN]);
int pki_serial(const X509 *cert, uint8_t out[PKI_SERIAL_LEN]);
void pki_serial_new(uint8_t out[PKI_SERIAL_LEN]);
void pki_serial_text(const uint8_t serial[PKI_SERIAL_LEN], char out[2 * PKI_SERIAL_LEN + 1]);
int pki_serial_find(const char *text, uint8_t out[PKI_SERIAL_LEN]);	/* hex, colons let through */
/* A key as people compare it: SHA256: and the base64 of pki_key_id() without padding, as ssh-keygen has it. */
#define PKI_KEY_TEXT_LEN	51
const char *pki_key_text(const uint8_t id[32], char out[PKI_KEY_TEXT_LEN]);
int pki_key_text_parse(const char *text, uint8_t id[32]);		/* 0 or -EINVAL */
/* SHA-256 of the SubjectPublicKeyInfo's DER. */
int pki_key_id(EVP_PKEY *key, uint8_t out[32]);
int pki_public_id(const X509_PUBKEY *key, uint8_t out[32]);
/* For pki_issue(), of a key that is at hand. X509_PUBKEY_free(). */
X509_PUBKEY *pki_key_public(EVP_PKEY *key);
/* Not before and not after, seconds since 1970; the nearest that a time_t holds. */
int pki_validity(const X509 *cert, time_t *from, time_t *to);
int64_t pki_time_fit(int64_t seconds, size_t size);
time_t pki_later(time_t now, int64_t seconds);
const char *pki_time_text(const ASN1_TIME *t, char out[PKI_TIME_LEN]);

/*
 * A request: DER within PKI_CSR_MAX, nothing behind it, a key that is accepted, its
 * signature made with that key. NULL with err. X509_REQ_free(). Its key is not decoded:
 * X509_REQ_get_X509_PUBKEY() gives it to pki_issue() and pki_public_id(),
 * X509_REQ_get0_pubkey() gives NULL.
 */
X509_REQ *pki_csr_parse(const uint8_t *der, size_t len, struct pki_error *err);
/*
 * May name/mac have what the request asks for: CN empty or the name; SANs none or the
 * own URN only; no CA:TRUE; no extension that would be dropped silently but SAN,
 * keyUsage, extendedKeyUsage (which are ours to set). exporter: what a challengePassword
 * or RFC 9266 binding in the request must be (base64), NULL where there is none to hold
 * it against.
 */
int pki_csr_check(const X509_REQ *csr, const char *name, const uint8_t mac[6],
		  const char *exporter, struct pki_error *err);
/* A request of our own, signed; subject CN may be NULL. exporter: challengePassword, or NULL. */
int pki_csr_new(EVP_PKEY *key, const char *name, const char *exporter, uint8_t **der, size_t *len);

/* Does it ask for nothing but its key: no name, no attribute. */
bool pki_csr_is_bare(const X509_REQ *csr);

/* The old key's signature over a request for another one. */
int pki_proof_new(EVP_PKEY *key, const uint8_t *csr, size_t len, uint8_t proof[PKI_PROOF_MAX], size_t *proof_len);
int pki_proof_check(const uint8_t *cert, size_t cert_len, const uint8_t *csr, size_t len, const uint8_t *proof,
		    size_t proof_len, struct pki_error *err);

/* Certificates. */
bool pki_is_server(const char *name);
time_t pki_begin(time_t now, time_t end);
time_t pki_made(time_t begin, time_t end);
bool pki_ends_soon(time_t from, time_t until, time_t now);
X509 *pki_issue(const struct pki_ca *ca, const X509_PUBKEY *subject,
		const struct pki_profile *profile, struct pki_error *err);
/* Does it say it is one of this CA, in time, for a client (a device). 0, or with err -EPERM, -EKEYEXPIRED. */
int pki_claim(const struct pki_ca *ca, X509 *cert, time_t now, struct pki_error *err);
int pki_claim_late(const struct pki_ca *ca, X509 *cert, time_t now, uint32_t late, struct pki_error *err);
/* An operator's, in time, the signature checked. 0, or with err -EKEYEXPIRED; -ENOTUNIQ, another client's; -EPERM. */
int pki_operator_claim(const struct pki_ca *ca, X509 *cert, time_t now, char name[PKI_NAME_LEN], struct pki_error *err);
bool pki_is_operator(const X509 *cert);
X509 *pki_cert_parse(const uint8_t *der, size_t len, struct pki_error *err);
/* A device's certificate that this CA signed, in time: the signature is checked before anything is parsed. */
X509 *pki_cert_verify(const struct pki_ca *ca, const uint8_t *der, size_t len, time_t now, struct pki_error *err);
/* Degenerate PKCS#7 (RFC 7030, 4.1.3 and 4.2.3), DER; OPENSSL_free(). */
int pki_certs_only(X509 *const *certs, size_t n, uint8_t **der, size_t *len);
/* The same of one certificate's DER, which is not looked into: a tenth of the time. */
int pki_cert_wrap(const uint8_t *cert, size_t cert_len, uint8_t **der, size_t *len);

/*
 * The directory: root.crt issuing.crt issuing.key [root.key] [chain.crt] [root-crl.pem] [previous/…] [next/…]
 * [request/…], see cordonctl(8).
 * 0, or with err: -ENOKEY, the key needs a passphrase; -EKEYREJECTED, not this one; -EINPROGRESS, it waits for its
 * certificate; -errno.
 */
int pki_ca_load(const char *dir, bool with_key, const char *passphrase, struct pki_ca *ca,
		struct pki_error *err);
void pki_ca_free(struct pki_ca *ca);
/* What cacerts gives: issuing, root, those of other CAs; the certificates stay the CA's. */
int pki_ca_trust(const struct pki_ca *ca, STACK_OF(X509) *certs);
int pki_ca_certs(const struct pki_ca *ca, uint8_t **der, size_t *len);

/* Issuing certificates of a fleet's gateways, all below this CA's root; for pki_ca.fleet. check: 0, or with err -EPERM. */
#define PKI_FLEET_MAX		20000
struct pki_fleet *pki_fleet_read(const struct pki_ca *ca, const char *pem, size_t len, const struct pki_fleet *before,
				 unsigned int *left_out, struct pki_error *err);
void pki_fleet_free(struct pki_fleet *f);
size_t pki_fleet_count(const struct pki_fleet *f);
const X509_NAME *pki_fleet_name(const struct pki_fleet *f, size_t i);
int pki_fleet_check(const struct pki_ca *ca, X509 *cert, struct pki_error *err);

/*
 * Manufacturers' certificates of devices (IEEE 802.1AR). load: PEM, sk_X509_pop_free(). verify: 0, or with err
 * -EKEYEXPIRED, not at this time; -EPERM, it does not lead to these roots; -EINVAL; -ENOMEM. serial: of the subject.
 */
int pki_vendor_load(const char *path, STACK_OF(X509) **roots, struct pki_error *err);
int pki_vendor_verify(STACK_OF(X509) *roots, X509 *cert, const uint8_t *chain, size_t chain_len, time_t now,
		      struct pki_error *err);
int pki_vendor_serial(const X509 *cert, char *out, size_t size, struct pki_error *err);

/* What goes along with a certificate of this CA; the certificates stay the CA's. */
int pki_ca_chain(const struct pki_ca *ca, STACK_OF(X509) *chain);

/* A whole new CA at dir, where none may be; all or nothing. */
int pki_ca_make(const char *dir, const struct pki_ca_plan *plan, struct pki_error *err);
/* The two steps to the next one: published beside the present one, then in its place; all or nothing. */
int pki_ca_publish(const char *dir, const struct pki_ca_plan *plan, struct pki_error *err);
int pki_ca_activate(const char *dir, time_t now, struct pki_error *err);

/* Where others find lists and statuses. */
const char *pki_status_url_check(const char *url);
bool pki_issuer_id(const X509 *issuer, char out[PKI_ISSUER_ID_LEN]);

/*
 * An issuing CA below a root that is not here: its key and a request, PEM, free(); then the chain that came of it. At
 * a roll-over (@next) what is imported is published to follow.
 */
int pki_ca_request(const char *dir, const struct pki_ca_plan *plan, bool next, char **pem, size_t *len,
		   struct pki_error *err);

/* Where the root's key is, for a request: X509_free(); NULL with err. */
X509 *pki_issuing_sign(const uint8_t *der, size_t len, const struct pki_issuing_plan *plan, struct pki_error *err);
/* The server's names in it; none, it has no such constraints. */
void pki_issuing_names(const X509 *cert, char names[PKI_SERVER_NAMES][PKI_SERVER_NAME_LEN], size_t *n);

/**
 * struct pki_import - a chain that came from elsewhere
 * @pem: certificates, in any order
 * @len: of @pem
 * @root: where it is not among them; or NULL
 * @passphrase: of the key that waits; or NULL
 * @now: the time
 */
struct pki_import {
	const char *pem;
	size_t len;
	X509 *root;
	const char *passphrase;
	time_t now;
};

/**
 * struct pki_root_plan - a revocation list of the root's
 * @key: of the root
 * @revoke: a CA's certificate that is on it from now on; NULL, what was is
 * @reason: as in struct pki_revoked
 * @now: the time
 */
struct pki_root_plan {
	EVP_PKEY *key;
	X509 *revoke;
	int reason;
	time_t now;
};

/* When the last list beside a CA was made that says which issuing CAs were revoked; 0, there is none. */
time_t pki_revoked_made(const char *dir);
int pki_root_crl(const char *dir, const struct pki_root_plan *plan, char **pem, size_t *len, struct pki_error *err);

/* What a file is to hold, @out and @len set, OPENSSL_clear_free(); or as it is. 0, or -errno with @err. */
typedef int pki_rewrite_fn(const char *name, const char *text, char **out, size_t *len, void *arg,
			   struct pki_error *err);
int pki_ca_rewrite(const char *dir, pki_rewrite_fn *each, void *arg, struct pki_error *err);

/* 0, it is in force; 1, it is published to follow; -errno with @err, and @dir is as it was. */
int pki_ca_import(const char *dir, const struct pki_import *what, struct pki_error *err);

/*
 * What signs firmware: a certificate of the CA and its key, both in code.pem of the CA's directory, so that
 * they cannot disagree. -ENOENT, there is none yet; else as pki_ca_load().
 */
int pki_code_load(const char *dir, const char *passphrase, X509 **cert, EVP_PKEY **key, struct pki_error *err);
int pki_code_save(const char *dir, const char *passphrase, X509 *cert, EVP_PKEY *key, struct pki_error *err);
/* Good enough to sign with until a time: of this CA, for code signing, and not over by then. */
bool pki_code_is_good(const struct pki_ca *ca, X509 *cert, time_t now, time_t until);

/* A CRL, DER; entries in any order. */
int pki_crl(const struct pki_ca *ca, const struct pki_revoked *entries, size_t n, uint64_t number,
	    time_t this_update, time_t next_update, uint8_t **der, size_t *len,
	    struct pki_error *err);

/**
 * struct pki_list - what revocation lists hold
 * @number: the greatest of a list
 * @made: when that one was made
 * @until: when there should be a newer one; 0, it does not say
 * @entries: of all of them; one may be there more than once
 * @n: how many
 * @left_out: entries whose serial numbers are too long to be ours
 */
struct pki_list {
	uint64_t number;
	time_t made;
	time_t until;
	struct pki_revoked *entries;
	size_t n;
	size_t left_out;
};

/* Lists of this CA, one in DER or any number in PEM: what they hold is added. */
int pki_list_read(const struct pki_ca *ca, const uint8_t *data, size_t len, struct pki_list *list);

#define PKI_OCSP_MAX		4096	/* bytes of a request that is looked at */
#define PKI_OCSP_IDS		8	/* certificates that one request may ask for */
#define PKI_OCSP_SERIAL_MAX	20	/* bytes (RFC 5280, 4.1.2.2) */
#define PKI_OCSP_NONCE_MAX	128	/* bytes (RFC 9654, 2.1) */
#define PKI_OCSP_DIGESTS	4	/* hash functions that name an issuer */

/** enum pki_ocsp_error - answers without a signature: OCSPResponseStatus (RFC 6960, 4.2.1) */
enum pki_ocsp_error {
	PKI_OCSP_GOOD,		/* it has one */
	PKI_OCSP_MALFORMED,
	PKI_OCSP_INTERNAL,
	PKI_OCSP_LATER,
	PKI_OCSP_FOREIGN = 6,	/* unauthorized: another issuer's certificate */
};

/** enum pki_ocsp_status - of a certificate: CertStatus (RFC 6960, 4.2.1) */
enum pki_ocsp_status {
	PKI_STATUS_GOOD,
	PKI_STATUS_REVOKED,
	PKI_STATUS_UNKNOWN,
};

/**
 * struct pki_ocsp_id - a certificate whose status is asked for, and its status
 * @digest: which hash function the client names the issuer by: 0, SHA-1; below PKI_OCSP_DIGESTS
 * @serial: big endian, without leading zeros
 * @serial_len: of @serial
 * @status: enum pki_ocsp_status
 * @revoked: when
 * @reason: as in struct pki_revoked
 */
struct pki_ocsp_id {
	uint32_t digest;
	uint8_t serial[PKI_OCSP_SERIAL_MAX];
	size_t serial_len;
	uint32_t status;
	time_t revoked;
	int reason;
};

/**
 * struct pki_ocsp - what a client asks, and what is answered
 * @ids: certificates, all of one issuer
 * @n: how many
 * @nonce: comes back in the answer
 * @nonce_len: of @nonce; 0, there is none
 */
struct pki_ocsp {
	struct pki_ocsp_id ids[PKI_OCSP_IDS];
	size_t n;
	uint8_t nonce[PKI_OCSP_NONCE_MAX];
	size_t nonce_len;
};

/* Status of certificates: OCSP (RFC 6960). */
enum pki_ocsp_error pki_ocsp_read(const struct pki_ca *ca, const uint8_t *der, size_t len, struct pki_ocsp *out,
				  unsigned int *issuer);
int pki_ocsp_refuse(enum pki_ocsp_error why, uint8_t **der, size_t *len);
X509 *pki_ocsp_responder(const struct pki_ca *ca, EVP_PKEY *key, time_t now, time_t until, struct pki_error *err);
int pki_ocsp_sign(const X509 *issuer, X509 *responder, EVP_PKEY *key, const struct pki_ocsp *what, time_t now,
		  time_t until, uint8_t **der, size_t *len, struct pki_error *err);

/**
 * enum pki_content - what a signature is over, as it says itself (RFC 5652, 5.3: eContentType, signed as an attribute):
 *	one over the one kind is none over the other
 */
enum pki_content {
	PKI_CONTENT_FILE,	/* id-data: an artifact */
	PKI_CONTENT_OFFER,	/* PKI_OFFER_OID: an offer of firmware/manifest.h */
};

/* An arc that needs no registration (ITU-T X.667): the UUID 6f3f1c0e-9d0b-4a7e-8b55-0f4f6d2a9c31. */
#define PKI_OFFER_OID	"2.25.147871991299479329994808971922472868913"

/*
 * Signatures over files: CMS (RFC 5652), DER, detached; the content is streamed, never whole in memory.
 * signer: for code signing, P-256, P-384 or RSA, decoded by OpenSSL; chain may be NULL. OPENSSL_free() der.
 */
int pki_cms_sign(X509 *signer, EVP_PKEY *key, STACK_OF(X509) *chain, int fd, uint8_t **der, size_t *len,
		 struct pki_error *err);
int pki_cms_sign_buf(enum pki_content kind, X509 *signer, EVP_PKEY *key, STACK_OF(X509) *chain, const void *data,
		     size_t size, uint8_t **der, size_t *len, struct pki_error *err);
/*
 * By exactly one signer, over what fd gives from its offset on, SHA-256 or better, by a certificate for code
 * signing that an anchor leads to, or that is one, in time. signer: its subject for people; may be NULL. 0, or
 * with err: -EBADMSG (no CMS, or not over this), -EPERM (foreign, wrong purpose), -EKEYEXPIRED, -errno.
 */
int pki_cms_verify(const uint8_t *der, size_t len, int fd, STACK_OF(X509) *anchors, time_t now, char *signer,
		   size_t size, struct pki_error *err);
int pki_cms_verify_buf(enum pki_content kind, const uint8_t *der, size_t len, const void *data, size_t data_len,
		       STACK_OF(X509) *anchors, time_t now, char *signer, size_t size, struct pki_error *err);

#endif
