// SPDX-License-Identifier: GPL-2.0
/*
 * Who issues certificates at the other gateways of a fleet: as many as there are gateways, so of each only what a claim
 * is held against is kept, and found by its key identifier.
 */
#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdlib.h>
#include <string.h>

#include "parts.h"

#define KEY_ID_MAX	32
#define AUTH_LEVEL	2	/* OpenSSL's: 112 bits, so RSA of 2048, SHA-256 */

/**
 * struct issuer - an issuing certificate that the fleet's root leads to
 * @id: its SKI
 * @id_len: of @id
 * @fingerprint: of the certificate
 * @name: its subject
 * @key: its public key, DER
 * @key_len: of @key
 * @from: seconds since 1970
 * @until: likewise
 */
struct issuer {
	uint8_t id[KEY_ID_MAX];
	size_t id_len;
	uint8_t fingerprint[PKI_FINGERPRINT_LEN];
	X509_NAME *name;
	uint8_t *key;
	size_t key_len;
	time_t from;
	time_t until;
};

/**
 * struct pki_fleet - those of all gateways
 * @list: by @id, of two of one key the one that ends later first
 * @n: how many
 * @room: for so many
 * @known: those of @list, by their fingerprints; NULL, while it is put together
 */
struct pki_fleet {
	struct issuer *list;
	size_t n;
	size_t room;
	const struct issuer **known;
};

static int by_id(const void *a, const void *b)
{
	const struct issuer *x = a, *y = b;
	int diff = (x->id_len > y->id_len) - (x->id_len < y->id_len);

	if (!diff)
		diff = memcmp(x->id, y->id, x->id_len);
	return diff ? diff : (x->until < y->until) - (x->until > y->until);
}

static int by_fingerprint(const void *a, const void *b)
{
	const struct issuer *const *x = a, *const *y = b;

	return memcmp((*x)->fingerprint, (*y)->fingerprint, sizeof((*x)->fingerprint));
}

/** pki_fleet_free - forget them; NULL is none */
void pki_fleet_free(struct pki_fleet *f)
{
	size_t i;

	for (i = 0; f && i < f->n; i++) {
		X509_NAME_free(f->list[i].name);
		free(f->list[i].key);
	}
	if (f) {
		free(f->list);
		free(f->known);
	}
	free(f);
}

/** pki_fleet_count - how many there are */
size_t pki_fleet_count(const struct pki_fleet *f)
{
	return f ? f->n : 0;
}

/** pki_fleet_name - subject of one of them; it stays theirs */
const X509_NAME *pki_fleet_name(const struct pki_fleet *f, size_t i)
{
	return f->list[i].name;
}

/* By OpenSSL, from the root, whatever the time is: a claim is held against that. */
static int verify(const struct pki_ca *ca, X509 *cert, struct pki_error *err)
{
	X509_STORE_CTX *ctx = X509_STORE_CTX_new();
	X509_STORE *store = X509_STORE_new();
	int ret = 0;

	if (!ctx || !store || !X509_STORE_add_cert(store, ca->root) ||
	    !X509_STORE_CTX_init(ctx, store, cert, ca->intermediates)) {
		ret = pki_fail(err, -ENOMEM, "out of memory");
		goto out;
	}
	X509_STORE_CTX_set_flags(ctx, X509_V_FLAG_NO_CHECK_TIME);
	X509_VERIFY_PARAM_set_auth_level(X509_STORE_CTX_get0_param(ctx), AUTH_LEVEL);
	X509_VERIFY_PARAM_set_depth(X509_STORE_CTX_get0_param(ctx), PKI_CHAIN_MAX);
	if (X509_verify_cert(ctx) != 1)
		ret = pki_fail(err, -EPERM, "this CA's root does not lead to it: %s",
			       X509_verify_cert_error_string(X509_STORE_CTX_get_error(ctx)));
out:
	X509_STORE_free(store);
	X509_STORE_CTX_free(ctx);
	ERR_clear_error();
	return ret;
}

/**
 * pki_fleet_check - is a certificate one of a CA that issues, below the same root as this one
 * @ca: the CA; its key is not needed
 * @cert: the certificate
 * @err: why not
 *
 * Return: 0; with @err, -EPERM, or -ENOMEM.
 */
int pki_fleet_check(const struct pki_ca *ca, X509 *cert, struct pki_error *err)
{
	const ASN1_OCTET_STRING *id = X509_get0_subject_key_id(cert);
	int ret;

	if (X509_check_ca(cert) != 1)
		return pki_fail(err, -EPERM, "not a CA's certificate (RFC 5280, 4.2.1.9)");
	if (!(X509_get_key_usage(cert) & KU_KEY_CERT_SIGN))
		return pki_fail(err, -EPERM, "may not sign certificates (RFC 5280, 4.2.1.3)");
	if (!id || ASN1_STRING_length(id) < 1 || ASN1_STRING_length(id) > KEY_ID_MAX)
		return pki_fail(err, -EPERM, "has no SKI of 1 to %d bytes (RFC 5280, 4.2.1.2)", KEY_ID_MAX);
	if (X509_self_signed(cert, 0) == 1)
		return pki_fail(err, -EPERM, "a root, not what it has signed");
	ret = verify(ca, cert, err);
	if (!ret && pki_revoked_names(ca, cert))
		ret = pki_fail(err, -EPERM, "it was revoked by who is above it");
	return ret;
}

/* Room for one more, zeroed; NULL, no memory. */
static struct issuer *room_for(struct pki_fleet *f)
{
	size_t room = f->room ? 2 * f->room : 16;
	struct issuer *more;

	if (f->n == f->room) {
		more = reallocarray(f->list, room, sizeof(*more));
		if (!more)
			return NULL;
		f->list = more;
		f->room = room;
	}
	memset(&f->list[f->n], 0, sizeof(*f->list));
	return &f->list[f->n];
}

/* Of @what, and of these, copies. */
static int keep(struct pki_fleet *f, const struct issuer *what, const X509_NAME *name, const uint8_t *key, size_t key_len,
		struct pki_error *err)
{
	struct issuer *at = room_for(f);
	X509_NAME *copy = X509_NAME_dup(name);
	uint8_t *spki = malloc(key_len);

	if (!at || !copy || !spki) {
		X509_NAME_free(copy);
		free(spki);
		return pki_fail(err, -ENOMEM, "out of memory");
	}
	*at = *what;
	at->name = copy;
	at->key = memcpy(spki, key, key_len);
	at->key_len = key_len;
	f->n++;
	return 0;
}

/* That its signature holds was found out before. */
static const struct issuer *find_known(const struct pki_fleet *before, const uint8_t fingerprint[PKI_FINGERPRINT_LEN])
{
	struct issuer key;
	const struct issuer *at = &key, **found;

	if (!before || !before->n)
		return NULL;
	memcpy(key.fingerprint, fingerprint, sizeof(key.fingerprint));
	found = bsearch(&at, before->known, before->n, sizeof(*before->known), by_fingerprint);
	return found ? *found : NULL;
}

static int take_new(const struct pki_ca *ca, struct pki_fleet *f, X509 *cert, struct issuer *what, struct pki_error *err)
{
	int ret = pki_fleet_check(ca, cert, err), len;
	const ASN1_OCTET_STRING *id;
	uint8_t *key = NULL;

	if (ret)
		return ret;
	if (pki_validity(cert, &what->from, &what->until))
		return pki_fail(err, -EPERM, "dates that are none (RFC 5280, 4.1.2.5)");
	id = X509_get0_subject_key_id(cert);
	what->id_len = ASN1_STRING_length(id);
	memcpy(what->id, ASN1_STRING_get0_data(id), what->id_len);
	len = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(cert), &key);
	ret = len > 0 ? keep(f, what, X509_get_subject_name(cert), key, len, err) : pki_fail(err, -ENOMEM, "out of memory");
	OPENSSL_free(key);
	return ret;
}

/* A certificate of the file; -EPERM, it is left out. */
static int take(const struct pki_ca *ca, struct pki_fleet *f, const struct pki_fleet *before, const uint8_t *der,
		long len, struct pki_error *err)
{
	struct issuer what = { .id_len = 0 };
	const struct issuer *known;
	char name[PKI_QUOTE_LEN];
	struct pki_error why;
	X509 *cert;
	int ret;

	if (EVP_Digest(der, len, what.fingerprint, NULL, EVP_sha256(), NULL) != 1)
		return pki_fail(err, -ENOMEM, "out of memory");
	known = find_known(before, what.fingerprint);
	if (known)
		return keep(f, known, known->name, known->key, known->key_len, err);
	cert = pki_cert_parse(der, len, err);
	if (!cert)
		return -EPERM;
	ret = take_new(ca, f, cert, &what, &why);
	pki_subject_text(cert, name, sizeof(name));
	if (ret)
		pki_fail(err, ret, "'%s': %.150s", name, why.text);
	X509_free(cert);
	return ret;
}

static int sort(struct pki_fleet *f, struct pki_error *err)
{
	size_t i;

	f->known = calloc(f->n + 1, sizeof(*f->known));
	if (!f->known)
		return pki_fail(err, -ENOMEM, "out of memory");
	if (f->n)
		qsort(f->list, f->n, sizeof(*f->list), by_id);
	for (i = 0; i < f->n; i++)
		f->known[i] = &f->list[i];
	qsort(f->known, f->n, sizeof(*f->known), by_fingerprint);
	return 0;
}

static int read_all(const struct pki_ca *ca, struct pki_fleet *f, const struct pki_fleet *before, BIO *in,
		    unsigned int *left_out, struct pki_error *err)
{
	char *name = NULL, *header = NULL;
	unsigned char *der = NULL;
	struct pki_error why;
	unsigned int n = 0;
	int ret = 0;
	long len;

	ERR_clear_error();
	while (!ret && PEM_read_bio(in, &name, &header, &der, &len)) {
		if (++n > PKI_FLEET_MAX)
			ret = pki_fail(err, -E2BIG, "more than %d certificates", PKI_FLEET_MAX);
		else if (strcmp(name, PEM_STRING_X509) != 0)
			ret = pki_fail(err, -EINVAL, "%u in it is no certificate", n);
		else
			ret = take(ca, f, before, der, len, &why);
		if (ret == -EPERM && !(*left_out)++)
			*err = why;
		else if (ret == -ENOMEM)
			*err = why;
		ret = ret == -EPERM ? 0 : ret;
		OPENSSL_free(name);
		OPENSSL_free(header);
		OPENSSL_free(der);
	}
	if (!ret && ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE)
		ret = pki_fail(err, -EINVAL, "certificate %u cannot be read (PEM)", n + 1);
	if (!ret && !n)
		ret = pki_fail(err, -EINVAL, "holds no certificate (PEM)");
	ERR_clear_error();
	return ret;
}

/**
 * pki_fleet_read - issuing certificates of a fleet's gateways
 * @ca: this gateway's; its key is not needed
 * @pem: the certificates
 * @len: of @pem
 * @before: what was read before: what is in it is not verified again; or NULL
 * @left_out: how many are not below this CA's root, or do not issue, or were revoked
 * @err: why nothing could be read, or why the first one is left out
 *
 * A file that is cut off, or holds something else, is an error as a whole: it is not known what it lacks.
 *
 * Return: pki_fleet_free() it; NULL with @err.
 */
struct pki_fleet *pki_fleet_read(const struct pki_ca *ca, const char *pem, size_t len, const struct pki_fleet *before,
				 unsigned int *left_out, struct pki_error *err)
{
	BIO *in = len <= INT_MAX ? BIO_new_mem_buf(pem, (int)len) : NULL;
	struct pki_fleet *f = calloc(1, sizeof(*f));
	int ret = -ENOMEM;

	*left_out = 0;
	if (in && f)
		ret = read_all(ca, f, before, in, left_out, err);
	else
		pki_fail(err, ret, "out of memory");
	if (!ret)
		ret = sort(f, err);
	BIO_free(in);
	if (!ret)
		return f;
	pki_fleet_free(f);
	return NULL;
}

static bool has_signed(const struct issuer *issuer, X509 *cert)
{
	const uint8_t *at = issuer->key;
	EVP_PKEY *key = d2i_PUBKEY(NULL, &at, (long)issuer->key_len);
	bool good = key && X509_verify(cert, key) == 1;

	EVP_PKEY_free(key);
	ERR_clear_error();
	return good;
}

/**
 * pki_fleet_find - which gateway of the fleet issued a certificate, or rather: until when it may
 * @f: the fleet's; or NULL
 * @cert: the certificate, parsed by OpenSSL
 * @from: set: when the issuing certificate begins, seconds since 1970
 * @until: set: when it ends
 *
 * By its signature: what the registry says of a certificate, any gateway may have written there, and one that is expelled
 * later must not leave certificates in the name of others.
 *
 * Return: false, none.
 */
bool pki_fleet_find(const struct pki_fleet *f, X509 *cert, time_t *from, time_t *until)
{
	const ASN1_OCTET_STRING *id = X509_get0_authority_key_id(cert);
	size_t low = 0, high = f ? f->n : 0, middle;
	struct issuer key = { .until = (time_t)pki_time_fit(INT64_MAX, sizeof(time_t)) };

	if (!id || !high || ASN1_STRING_length(id) < 1 || ASN1_STRING_length(id) > KEY_ID_MAX)
		return false;
	key.id_len = ASN1_STRING_length(id);
	memcpy(key.id, ASN1_STRING_get0_data(id), key.id_len);
	/* The first that is not before it: of one key, the one that ends last. */
	while (low < high) {
		middle = low + (high - low) / 2;
		if (by_id(&f->list[middle], &key) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	for (; low < f->n && f->list[low].id_len == key.id_len && !memcmp(f->list[low].id, key.id, key.id_len); low++)
		if (!X509_NAME_cmp(f->list[low].name, X509_get_issuer_name(cert)) && has_signed(&f->list[low], cert)) {
			*from = f->list[low].from;
			*until = f->list[low].until;
			return true;
		}
	return false;
}
