// SPDX-License-Identifier: GPL-2.0
/* Certification requests (RFC 2986): a stranger's are read, our own are made. */
#include <errno.h>
#include <openssl/asn1t.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/provider.h>
#include <string.h>
#include <strings.h>

#include "parts.h"

/*
 * A library context in which nothing is implemented. OpenSSL 3.0 decodes a request's key
 * as it parses it, through its list of decoders, which takes ten times as long as all that
 * we need; with no decoder to be found, it leaves the key alone.
 */
static CRYPTO_ONCE once = CRYPTO_ONCE_STATIC_INIT;
static OSSL_LIB_CTX *bare;

static void make_bare(void)
{
	OSSL_LIB_CTX *ctx = OSSL_LIB_CTX_new();

	if (ctx && OSSL_PROVIDER_load(ctx, "null"))
		bare = ctx;
	else
		OSSL_LIB_CTX_free(ctx);
}

static X509_REQ *parse(const uint8_t *der, size_t len, struct pki_error *err)
{
	const unsigned char *p = der;
	X509_REQ *csr;

	if (len > PKI_CSR_MAX) {
		pki_fail(err, -EFBIG, "request of %zu bytes: at most %d", len, PKI_CSR_MAX);
		return NULL;
	}
	if (!CRYPTO_THREAD_run_once(&once, make_bare) || !bare) {
		pki_fail_ssl(err, "OpenSSL has no null provider");
		return NULL;
	}
	csr = (X509_REQ *)ASN1_item_d2i_ex(NULL, &p, (long)len, ASN1_ITEM_rptr(X509_REQ), bare,
					   NULL);
	if (!csr) {
		pki_fail(err, -EINVAL, "not a certification request in DER (RFC 2986, 4)");
		return NULL;
	}
	if (p == der + len)
		return csr;
	pki_fail(err, -EINVAL, "%td bytes behind the request", der + len - p);
	X509_REQ_free(csr);
	return NULL;
}

/* What is signed, as it came: OpenSSL would give its own encoding of it. */
static bool signed_part(const uint8_t *der, size_t len, const uint8_t **tbs, size_t *tbs_len)
{
	const unsigned char *p = der;
	int tag, class;
	long n;

	if (ASN1_get_object(&p, &n, &tag, &class, (long)len) != V_ASN1_CONSTRUCTED)
		return false;
	*tbs = p;
	if (ASN1_get_object(&p, &n, &tag, &class, n) != V_ASN1_CONSTRUCTED)
		return false;
	*tbs_len = p + n - *tbs;
	return true;
}

/* What the signature was made with: false, not with a key of this kind, or nothing we accept. */
static bool signature_digest(const X509_REQ *csr, const EVP_PKEY *key, const EVP_MD **md)
{
	bool curve = EVP_PKEY_is_a(key, "EC");

	*md = NULL;
	switch (X509_REQ_get_signature_nid(csr)) {
	case NID_ED25519:
		return !curve;
	case NID_ecdsa_with_SHA256:
		*md = EVP_sha256();
		return curve;
	case NID_ecdsa_with_SHA384:
		*md = EVP_sha384();
		return curve;
	case NID_ecdsa_with_SHA512:
		*md = EVP_sha512();
		return curve;
	}
	return false;
}

static int verify(const X509_REQ *csr, EVP_PKEY *key, const uint8_t *der, size_t len,
		  struct pki_error *err)
{
	const ASN1_BIT_STRING *signature;
	EVP_MD_CTX *ctx = NULL;
	const uint8_t *tbs;
	const EVP_MD *md;
	size_t tbs_len;
	int good = 0;

	if (!signed_part(der, len, &tbs, &tbs_len))
		return pki_fail(err, -EINVAL, "not a certification request in DER (RFC 2986, 4)");
	if (!signature_digest(csr, key, &md))
		return pki_fail(err, -EPERM,
				"signature algorithm %s: use ECDSA with SHA-2, or Ed25519",
				OBJ_nid2sn(X509_REQ_get_signature_nid(csr)));
	X509_REQ_get0_signature(csr, &signature, NULL);
	if (signature->flags & 7)
		return pki_fail(err, -EINVAL, "signature that is not whole bytes (RFC 2986, 4.2)");
	ctx = EVP_MD_CTX_new();
	if (ctx && EVP_DigestVerifyInit(ctx, NULL, md, NULL, key) == 1)
		good = EVP_DigestVerify(ctx, ASN1_STRING_get0_data(signature),
					ASN1_STRING_length(signature), tbs, tbs_len);
	EVP_MD_CTX_free(ctx);
	return good == 1 ? 0 :
	       pki_fail(err, -EPERM, "request is not signed with the key in it (RFC 2986, 4.2)");
}

/**
 * pki_csr_parse - a request that proves possession of the key in it
 * @der: its bytes, from anybody
 * @len: how many
 * @err: why not
 *
 * Return: X509_REQ_free() it; NULL with @err.
 */
X509_REQ *pki_csr_parse(const uint8_t *der, size_t len, struct pki_error *err)
{
	X509_REQ *csr = parse(der, len, err);
	EVP_PKEY *key = NULL;
	int ret = -EINVAL;

	if (!csr)
		return NULL;
	if (X509_REQ_get_version(csr) != X509_REQ_VERSION_1) {
		pki_fail(err, -EINVAL, "request of another version than 1 (RFC 2986, 4.1)");
		goto out;
	}
	key = pki_public_decode(X509_REQ_get_X509_PUBKEY(csr), err);
	if (key)
		ret = verify(csr, key, der, len, err);
out:
	EVP_PKEY_free(key);
	if (!ret)
		return csr;
	X509_REQ_free(csr);
	return NULL;
}

static int check_subject(const X509_REQ *csr, const char *name, struct pki_error *err)
{
	const X509_NAME *subject = X509_REQ_get_subject_name(csr);
	int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
	char shown[PKI_QUOTE_LEN];
	unsigned char *cn;
	int len, ret = 0;

	if (at < 0)
		return 0;
	if (X509_NAME_get_index_by_NID(subject, NID_commonName, at) >= 0)
		return pki_fail(err, -EPERM, "more than one CN");
	/* Of whichever of the string types (RFC 5280, 4.1.2.4). */
	len = ASN1_STRING_to_UTF8(&cn, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)));
	if (len < 0) {
		ERR_clear_error();
		return pki_fail(err, -EPERM, "CN that cannot be read: this device is '%s'", name);
	}
	if ((size_t)len != strlen(name) || memcmp(cn, name, len))
		ret = pki_fail(err, -EPERM, "CN '%s': this device is '%s'", pki_quote(cn, len, shown), name);
	OPENSSL_free(cn);
	return ret;
}

/* A host's name is the device's own, with or without a domain, or somebody else's. */
static bool is_own_host(const ASN1_STRING *dns, const char *name)
{
	const char *text = (const char *)ASN1_STRING_get0_data(dns);
	size_t len = ASN1_STRING_length(dns), own = strlen(name);

	return len >= own && !strncasecmp(text, name, own) && (len == own || text[own] == '.');
}

/* Names of another kind than ours are left out of the certificate, unless they claim to be another. */
static int check_alt_name(const X509_EXTENSION *ext, const char *device, const uint8_t mac[6],
			  struct pki_error *err)
{
	GENERAL_NAMES *names = X509V3_EXT_d2i((X509_EXTENSION *)ext);
	char urn[PKI_URN_LEN];
	int i, ret = 0;

	if (!names)
		return pki_fail(err, -EPERM, "SAN that cannot be read (RFC 5280, 4.2.1.6)");
	pki_urn(mac, urn);
	for (i = 0; !ret && i < sk_GENERAL_NAME_num(names); i++) {
		const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);
		const ASN1_STRING *uri = name->d.uniformResourceIdentifier;
		char shown[PKI_QUOTE_LEN];

		if (name->type == GEN_DNS && !is_own_host(name->d.dNSName, device))
			ret = pki_fail(err, -EPERM, "DNS name '%s': this device is '%s'",
				       pki_quote(ASN1_STRING_get0_data(name->d.dNSName),
						 ASN1_STRING_length(name->d.dNSName), shown), device);
		else if (name->type == GEN_URI && ((size_t)ASN1_STRING_length(uri) != strlen(urn) ||
			 memcmp(ASN1_STRING_get0_data(uri), urn, strlen(urn))))
			ret = pki_fail(err, -EPERM, "SAN '%s': this device may have %s alone",
				       pki_quote(ASN1_STRING_get0_data(uri),
						 ASN1_STRING_length(uri), shown), urn);
	}
	GENERAL_NAMES_free(names);
	return ret;
}

static int check_constraints(const X509_EXTENSION *ext, struct pki_error *err)
{
	BASIC_CONSTRAINTS *bc = X509V3_EXT_d2i((X509_EXTENSION *)ext);
	bool ca = bc && bc->ca;

	BASIC_CONSTRAINTS_free(bc);
	if (!bc)
		return pki_fail(err, -EPERM,
				"basicConstraints that cannot be read (RFC 5280, 4.2.1.9)");
	return ca ? pki_fail(err, -EPERM, "CA:TRUE: a device does not get a CA's certificate") : 0;
}

/* Clients ask for much that no device's certificate has: it is signed without, unless it claims what it may not. */
static int check_extension(const X509_EXTENSION *ext, const char *name, const uint8_t mac[6],
			   struct pki_error *err)
{
	switch (OBJ_obj2nid(X509_EXTENSION_get_object((X509_EXTENSION *)ext))) {
	case NID_subject_alt_name:
		return check_alt_name(ext, name, mac, err);
	case NID_basic_constraints:
		return check_constraints(ext, err);
	}
	return 0;
}

static int check_extensions(const ASN1_TYPE *value, const char *name, const uint8_t mac[6],
			    struct pki_error *err)
{
	const unsigned char *p;
	X509_EXTENSIONS *list = NULL;
	int i, ret = 0;

	if (value && value->type == V_ASN1_SEQUENCE) {
		p = ASN1_STRING_get0_data(value->value.sequence);
		list = d2i_X509_EXTENSIONS(NULL, &p, ASN1_STRING_length(value->value.sequence));
	}
	if (!list)
		return pki_fail(err, -EPERM, "extensions that cannot be read (RFC 2985, 5.4.2)");
	for (i = 0; !ret && i < sk_X509_EXTENSION_num(list); i++) {
		X509_EXTENSION *ext = sk_X509_EXTENSION_value(list, i);

		if (X509v3_get_ext_by_OBJ(list, X509_EXTENSION_get_object(ext), i) >= 0)
			ret = pki_fail(err, -EPERM, "an extension a second time (RFC 5280, 4.2)");
		else
			ret = check_extension(ext, name, mac, err);
	}
	sk_X509_EXTENSION_pop_free(list, X509_EXTENSION_free);
	return ret;
}

/* RFC 7030, 3.5; over TLS 1.3 with RFC 9266's binding. */
static int check_binding(const ASN1_TYPE *value, const char *exporter, struct pki_error *err)
{
	const ASN1_STRING *text = NULL;
	int type = value ? value->type : V_ASN1_UNDEF;

	if (!exporter)
		return 0;
	if (type == V_ASN1_PRINTABLESTRING || type == V_ASN1_UTF8STRING ||
	    type == V_ASN1_IA5STRING || type == V_ASN1_T61STRING)
		text = value->value.asn1_string;
	if (text && (size_t)ASN1_STRING_length(text) == strlen(exporter) &&
	    !CRYPTO_memcmp(ASN1_STRING_get0_data(text), exporter, strlen(exporter)))
		return 0;
	return pki_fail(err, -EPERM, "challengePassword is not this connection's binding "
			"(RFC 7030, 3.5; RFC 9266, 3)");
}

/**
 * pki_csr_check - may a device have what its request asks for
 * @csr: from pki_csr_parse()
 * @name: of the device
 * @mac: likewise
 * @exporter: base64 of the connection's binding; NULL, there is no connection
 * @err: why not
 *
 * Return: 0; -EPERM with @err.
 */
int pki_csr_check(const X509_REQ *csr, const char *name, const uint8_t mac[6],
		  const char *exporter, struct pki_error *err)
{
	bool extensions = false, binding = false;
	int i, ret = check_subject(csr, name, err);

	for (i = 0; !ret && i < X509_REQ_get_attr_count(csr); i++) {
		X509_ATTRIBUTE *a = X509_REQ_get_attr(csr, i);
		int nid = OBJ_obj2nid(X509_ATTRIBUTE_get0_object(a));
		bool *seen = nid == NID_pkcs9_challengePassword ? &binding : &extensions;

		if (nid != NID_ext_req && nid != NID_ms_ext_req &&
		    nid != NID_pkcs9_challengePassword)
			continue;
		if (*seen || X509_ATTRIBUTE_count(a) != 1)
			return pki_fail(err, -EPERM,
					"%s more than once, or without a value (RFC 2985, 5.4)",
					OBJ_nid2ln(nid));
		*seen = true;
		if (nid == NID_pkcs9_challengePassword)
			ret = check_binding(X509_ATTRIBUTE_get0_type(a, 0), exporter, err);
		else
			ret = check_extensions(X509_ATTRIBUTE_get0_type(a, 0), name, mac, err);
	}
	return ret;
}

/**
 * pki_csr_is_bare - does a request ask for nothing but its key
 * @csr: from pki_csr_parse()
 */
bool pki_csr_is_bare(const X509_REQ *csr)
{
	return !X509_NAME_entry_count(X509_REQ_get_subject_name(csr)) && X509_REQ_get_attr_count(csr) <= 0;
}

/**
 * pki_csr_new - a request for a certificate
 * @key: what is to be certified; signs it
 * @name: CN; NULL, the subject is empty
 * @exporter: base64 of the connection's binding, sent as challengePassword; NULL, none
 * @der: the request; OPENSSL_free()
 * @len: of @der
 *
 * Return: 0; -EINVAL, a kind of key that is not accepted or no name; -ENOMEM.
 */
int pki_csr_new(EVP_PKEY *key, const char *name, const char *exporter, uint8_t **der, size_t *len)
{
	X509_PUBKEY *pub = pki_key_public(key);
	X509_REQ *csr = X509_REQ_new();
	unsigned char *out = NULL;
	int n, err = -EINVAL;

	if (!csr || !pub || pki_public_copy(X509_REQ_get_X509_PUBKEY(csr), pub) ||
	    !X509_REQ_set_version(csr, X509_REQ_VERSION_1))
		goto out;
	if (name && !pki_name_set(X509_REQ_get_subject_name(csr), name))
		goto out;
	if (exporter && !X509_REQ_add1_attr_by_NID(csr, NID_pkcs9_challengePassword, MBSTRING_ASC,
						   (const unsigned char *)exporter, -1))
		goto out;
	err = -ENOMEM;
	if (!X509_REQ_sign(csr, key, pki_digest(key)))
		goto out;
	n = i2d_X509_REQ(csr, &out);
	if (n <= 0)
		goto out;
	*der = out;
	*len = n;
	err = 0;
out:
	ERR_clear_error();
	X509_PUBKEY_free(pub);
	X509_REQ_free(csr);
	return err;
}
