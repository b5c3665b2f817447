// SPDX-License-Identifier: GPL-2.0
/* Signatures over firmware: detached CMS (RFC 5652), made and checked while the content streams by. */
#include <errno.h>
#include <limits.h>
#include <openssl/cms.h>
#include <openssl/err.h>
#include <string.h>

#include "parts.h"

#define DEPTH_MAX	8	/* intermediate certificates */
#define LEVEL_112_BIT	2	/* OpenSSL's: RSA from 2048 bit on, no SHA-1 in the chain */
#define READ_LEN	65536

/**
 * struct content - what is signed, as it streams by
 * @bio: where from
 * @error: errno of a read() that failed, which OpenSSL takes for the end when it signs
 */
struct content {
	BIO *bio;
	int error;
};

static long note_error(BIO *bio, int what, const char *data, size_t len, int argi, long argl, int ret,
		       size_t *processed)
{
	struct content *c = (struct content *)BIO_get_callback_arg(bio);

	(void)data, (void)len, (void)argi, (void)argl, (void)processed;
	if (what == (BIO_CB_READ | BIO_CB_RETURN) && ret < 0)
		c->error = errno ? errno : EIO;
	return ret;
}

/*
 * Takes @source, of which OpenSSL reads 1 or 4 KiB at a time otherwise. Memory goes through the buffer, too:
 * CMS_verify() leaks the copy that it makes of a memory BIO when it fails early.
 */
static void content_open(struct content *c, BIO *source)
{
	BIO *buffer = BIO_new(BIO_f_buffer());

	*c = (struct content){ NULL };
	if (source && buffer && BIO_set_read_buffer_size(buffer, READ_LEN) == 1) {
		BIO_set_callback_ex(source, note_error);
		BIO_set_callback_arg(source, (char *)c);
		c->bio = BIO_push(buffer, source);
		return;
	}
	BIO_free(buffer);
	BIO_free(source);
}

static BIO *memory(const void *data, size_t len)
{
	return len <= INT_MAX ? BIO_new_mem_buf(data, (int)len) : NULL;
}

/* A CA that may sign data, as one that certifies itself does, could certify somebody who may, too. */
static bool may_sign_code(X509 *cert)
{
	uint32_t flags = X509_get_extension_flags(cert);

	return !(flags & EXFLAG_INVALID) && (flags & EXFLAG_XKUSAGE) &&
	       (X509_get_extended_key_usage(cert) & XKU_CODE_SIGN) &&
	       (X509_get_key_usage(cert) & KU_DIGITAL_SIGNATURE);
}

static int check_signer(X509 *signer, EVP_PKEY *key, struct pki_error *err)
{
	if (EVP_PKEY_is_a(key, "ED25519") || EVP_PKEY_is_a(key, "ED448"))
		return pki_fail(err, -EPERM, "key of kind %s: sign with P-256, P-384 or RSA",
				EVP_PKEY_get0_type_name(key));
	if (!may_sign_code(signer))
		return pki_fail(err, -EPERM,
				"the certificate is not for code signing (RFC 5280, 4.2.1.12)");
	if (!X509_check_private_key(signer, key))
		return pki_fail(err, -EPERM, "the key is not that of the certificate");
	return 0;
}

static ASN1_OBJECT *type_of(enum pki_content kind)
{
	return kind == PKI_CONTENT_OFFER ? OBJ_txt2obj(PKI_OFFER_OID, 1) : OBJ_dup(OBJ_nid2obj(NID_pkcs7_data));
}

static bool set_type(CMS_ContentInfo *cms, enum pki_content kind)
{
	ASN1_OBJECT *type = type_of(kind);
	bool good = type && CMS_set1_eContentType(cms, type) == 1;

	ASN1_OBJECT_free(type);
	return good;
}

static bool has_type(CMS_ContentInfo *cms, enum pki_content kind)
{
	const ASN1_OBJECT *has = CMS_get0_eContentType(cms);
	ASN1_OBJECT *type = type_of(kind);
	bool good = type && has && !OBJ_cmp(type, has);

	ASN1_OBJECT_free(type);
	return good;
}

static int sign(enum pki_content kind, X509 *signer, EVP_PKEY *key, STACK_OF(X509) *chain, struct content *content,
		uint8_t **der, size_t *len, struct pki_error *err)
{
	const unsigned int flags = CMS_BINARY | CMS_DETACHED | CMS_NOSMIMECAP;
	CMS_ContentInfo *cms = NULL;
	unsigned char *out = NULL;
	int ret, size = -1;

	ret = check_signer(signer, key, err);
	if (ret)
		return ret;
	cms = content->bio ? CMS_sign(NULL, NULL, chain, NULL, flags | CMS_PARTIAL) : NULL;
	if (cms && set_type(cms, kind) && CMS_add1_signer(cms, signer, key, pki_digest(key), flags) &&
	    CMS_final(cms, content->bio, NULL, flags) && !content->error)
		size = i2d_CMS_ContentInfo(cms, &out);
	CMS_ContentInfo_free(cms);
	if (content->error)
		return pki_fail(err, -content->error, "cannot be read: %s", strerror(content->error));
	if (size <= 0)
		return pki_fail_ssl(err, "the signature cannot be made");
	if (size > PKI_CMS_MAX) {
		OPENSSL_free(out);
		return pki_fail(err, -EFBIG, "signature of %d bytes: at most %d", size, PKI_CMS_MAX);
	}
	*der = out;
	*len = size;
	return 0;
}

/**
 * pki_cms_sign - sign what a file holds
 * @signer: a certificate for code signing, its key decoded by OpenSSL
 * @key: of @signer: P-256, P-384 or RSA
 * @chain: goes along, so that whoever trusts the root alone can check; NULL, none
 * @fd: read from its offset to its end
 * @der: the signature, detached; OPENSSL_free()
 * @len: of @der
 * @err: why not
 *
 * Return: 0; with @err, -EPERM, @signer and @key cannot sign this; -EIO, @fd cannot be read, or OpenSSL
 * failed; -EFBIG, @chain is too long; -ENOMEM.
 */
int pki_cms_sign(X509 *signer, EVP_PKEY *key, STACK_OF(X509) *chain, int fd, uint8_t **der, size_t *len,
		 struct pki_error *err)
{
	struct content content;
	int ret;

	content_open(&content, BIO_new_fd(fd, BIO_NOCLOSE));
	ret = sign(PKI_CONTENT_FILE, signer, key, chain, &content, der, len, err);
	BIO_free_all(content.bio);
	return ret;
}

/**
 * pki_cms_sign_buf - sign what is in memory
 * @kind: what that is
 * @signer: as for pki_cms_sign()
 * @key: likewise
 * @chain: likewise
 * @data: what is signed
 * @size: of @data
 * @der: likewise
 * @len: likewise
 * @err: likewise
 *
 * Return: as pki_cms_sign().
 */
int pki_cms_sign_buf(enum pki_content kind, X509 *signer, EVP_PKEY *key, STACK_OF(X509) *chain, const void *data,
		     size_t size, uint8_t **der, size_t *len, struct pki_error *err)
{
	struct content content;
	int ret;

	content_open(&content, memory(data, size));
	ret = sign(kind, signer, key, chain, &content, der, len, err);
	BIO_free_all(content.bio);
	return ret;
}

static CMS_ContentInfo *parse(enum pki_content kind, const uint8_t *der, size_t len, struct pki_error *err)
{
	const unsigned char *p = der;
	CMS_ContentInfo *cms;

	if (len > PKI_CMS_MAX) {
		pki_fail(err, -EBADMSG, "signature of %zu bytes: at most %d", len, PKI_CMS_MAX);
		return NULL;
	}
	cms = d2i_CMS_ContentInfo(NULL, &p, (long)len);
	if (!cms)
		pki_fail(err, -EBADMSG, "not a CMS signature in DER (RFC 5652, 3)");
	else if (p != der + len)
		pki_fail(err, -EBADMSG, "%td bytes behind the signature", der + len - p);
	else if (OBJ_obj2nid(CMS_get0_type(cms)) != NID_pkcs7_signed)
		pki_fail(err, -EBADMSG, "a CMS, but no SignedData (RFC 5652, 5.1)");
	else if (!has_type(cms, kind))
		pki_fail(err, -EBADMSG, "signs something else than %s (RFC 5652, 5.3)",
			 kind == PKI_CONTENT_OFFER ? "an offer" : "data");
	else if (CMS_is_detached(cms) != 1)
		pki_fail(err, -EBADMSG, "the signature brings its own content: a detached one is wanted (RFC 5652, 5.2)");
	else
		return cms;
	CMS_ContentInfo_free(cms);
	return NULL;
}

static bool digest_is_good(int nid)
{
	return nid == NID_sha256 || nid == NID_sha384 || nid == NID_sha512 || nid == NID_sha3_256 ||
	       nid == NID_sha3_384 || nid == NID_sha3_512;
}

/*
 * Without signed attributes, those of another signature would do as the content of this one
 * (RFC 5652, 5.4): whatever the signer ever signed could be passed off as firmware.
 */
static int check_info(CMS_SignerInfo *info, struct pki_error *err)
{
	const ASN1_OBJECT *digest;
	X509_ALGOR *algorithm;
	char name[80];

	CMS_SignerInfo_get0_algs(info, NULL, NULL, &algorithm, NULL);
	X509_ALGOR_get0(&digest, NULL, NULL, algorithm);
	if (!digest_is_good(OBJ_obj2nid(digest))) {
		OBJ_obj2txt(name, sizeof(name), digest, 0);
		return pki_fail(err, -EPERM, "digest %s: SHA-256 or better is wanted", name);
	}
	if (CMS_signed_get_attr_by_NID(info, NID_pkcs9_messageDigest, -1) < 0)
		return pki_fail(err, -EPERM, "no signed attributes (RFC 5652, 5.3)");
	return 0;
}

/* Its certificate may be missing in the signature where it is an anchor itself. */
static int find_signer(CMS_ContentInfo *cms, STACK_OF(X509) *anchors, X509 **signer, struct pki_error *err)
{
	STACK_OF(CMS_SignerInfo) *infos = CMS_get0_SignerInfos(cms);
	int n = infos ? sk_CMS_SignerInfo_num(infos) : 0, ret;
	CMS_SignerInfo *info;

	if (n != 1)
		return pki_fail(err, n ? -EPERM : -EBADMSG, "%d signers: one is wanted", n);
	info = sk_CMS_SignerInfo_value(infos, 0);
	ret = check_info(info, err);
	if (ret)
		return ret;
	*signer = NULL;
	if (CMS_set1_signers_certs(cms, anchors, 0) == 1)
		CMS_SignerInfo_get0_algs(info, NULL, signer, NULL, NULL);
	return *signer ? 0 : pki_fail(err, -EPERM, "foreign: the signer's certificate is not there");
}

static int name_chain_error(X509_STORE_CTX *ctx, struct pki_error *err)
{
	X509 *at = X509_STORE_CTX_get_current_cert(ctx);
	int why = X509_STORE_CTX_get_error(ctx);
	char day[16];

	if (why == X509_V_ERR_CERT_HAS_EXPIRED && at)
		return pki_fail(err, -EKEYEXPIRED, "the signer's certificate%s expired %s",
				X509_STORE_CTX_get_error_depth(ctx) ? "'s issuer" : "",
				pki_date(X509_get0_notAfter(at), day));
	if (why == X509_V_ERR_CERT_NOT_YET_VALID && at)
		return pki_fail(err, -EKEYEXPIRED, "the signer's certificate%s is not yet valid: from %s",
				X509_STORE_CTX_get_error_depth(ctx) ? "'s issuer" : "",
				pki_date(X509_get0_notBefore(at), day));
	if (why == X509_V_ERR_OUT_OF_MEM)
		return pki_fail(err, -ENOMEM, "out of memory");
	return pki_fail(err, -EPERM, "foreign: no trusted certificate leads to the signer's (%s)",
			X509_verify_cert_error_string(why));
}

/* An issuer that is limited to other purposes issues none for this one; a trust anchor stands for itself. */
static int check_purpose(X509_STORE_CTX *ctx, struct pki_error *err)
{
	STACK_OF(X509) *chain = X509_STORE_CTX_get0_chain(ctx);
	int i;

	if (!may_sign_code(sk_X509_value(chain, 0)))
		return pki_fail(err, -EPERM,
				"the signer's certificate is not for code signing (RFC 5280, 4.2.1.12)");
	for (i = 1; i < sk_X509_num(chain) - 1; i++) {
		X509 *issuer = sk_X509_value(chain, i);

		if ((X509_get_extension_flags(issuer) & EXFLAG_XKUSAGE) &&
		    !(X509_get_extended_key_usage(issuer) & (XKU_CODE_SIGN | XKU_ANYEKU)))
			return pki_fail(err, -EPERM,
					"the signer's issuer may not issue for code signing (RFC 5280, 4.2.1.12)");
	}
	return 0;
}

static X509_STORE *store_of(STACK_OF(X509) *anchors, X509 *only, time_t now)
{
	X509_STORE *store = X509_STORE_new();
	X509_VERIFY_PARAM *param = store ? X509_STORE_get0_param(store) : NULL;
	bool good = param;
	int i;

	if (good) {
		X509_VERIFY_PARAM_set_time(param, now);
		X509_VERIFY_PARAM_set_depth(param, DEPTH_MAX);
		X509_VERIFY_PARAM_set_auth_level(param, LEVEL_112_BIT);
		X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_PARTIAL_CHAIN);
		good = !only || X509_STORE_add_cert(store, only);
	}
	for (i = 0; good && !only && i < sk_X509_num(anchors); i++)
		good = X509_STORE_add_cert(store, sk_X509_value(anchors, i));
	if (good)
		return store;
	X509_STORE_free(store);
	return NULL;
}

static X509 *same_of(STACK_OF(X509) *certs, X509 *cert)
{
	int i;

	for (i = 0; i < sk_X509_num(certs); i++)
		if (!X509_cmp(sk_X509_value(certs, i), cert))
			return sk_X509_value(certs, i);
	return NULL;
}

/* Whoever is trusted by name is not asked who issued it, though its issuers may come along, and be expired. */
static int check_chain(CMS_ContentInfo *cms, X509 *signer, STACK_OF(X509) *anchors, time_t now,
		       struct pki_error *err)
{
	X509 *self = same_of(anchors, signer);
	X509_STORE *store = store_of(anchors, self, now);
	STACK_OF(X509) *between = self ? NULL : CMS_get1_certs(cms);
	X509_STORE_CTX *ctx = X509_STORE_CTX_new();
	int ret;

	if (!store || !ctx || !X509_STORE_CTX_init(ctx, store, signer, between))
		ret = pki_fail(err, -ENOMEM, "out of memory");
	else if (X509_verify_cert(ctx) != 1)
		ret = name_chain_error(ctx, err);
	else
		ret = check_purpose(ctx, err);
	sk_X509_pop_free(between, X509_free);
	X509_STORE_CTX_free(ctx);
	X509_STORE_free(store);
	return ret;
}

/* Chain and purpose come first: a stranger shall not have gigabytes hashed. */
static int verify(enum pki_content kind, const uint8_t *der, size_t len, struct content *content,
		  STACK_OF(X509) *anchors, time_t now, char *name, size_t size, struct pki_error *err)
{
	const unsigned int flags = CMS_BINARY | CMS_DETACHED | CMS_NO_SIGNER_CERT_VERIFY;
	CMS_ContentInfo *cms = parse(kind, der, len, err);
	X509 *signer = NULL;
	int ret = cms ? 0 : -EBADMSG;

	if (!ret && !content->bio)
		ret = pki_fail(err, -ENOMEM, "out of memory");
	if (!ret)
		ret = find_signer(cms, anchors, &signer, err);
	if (!ret)
		ret = check_chain(cms, signer, anchors, now, err);
	if (!ret && CMS_verify(cms, anchors, NULL, content->bio, NULL, flags) != 1)
		ret = content->error ?
		      pki_fail(err, -content->error, "cannot be read: %s", strerror(content->error)) :
		      pki_fail(err, -EBADMSG, "the signature is not over this content");
	if (!ret && name)
		pki_subject_text(signer, name, size);
	CMS_ContentInfo_free(cms);
	ERR_clear_error();
	return ret;
}

/**
 * pki_cms_verify - is it a signature over what a file holds, by somebody who may
 * @der: the signature
 * @len: of @der
 * @fd: read from its offset to its end
 * @anchors: certificates that are trusted: CAs, or the signer's very own
 * @now: seconds since 1970
 * @signer: the signer's subject (RFC 4514), printable ASCII, cut to fit; on success; may be NULL
 * @size: of @signer
 * @err: why not
 *
 * Whether the certificate was revoked is not looked at.
 *
 * Return: 0; with @err, -EBADMSG, no detached CMS, or not over this; -EPERM, more than one signer, a digest
 * below SHA-256, no anchor leads to the signer, or it is not for code signing; -EKEYEXPIRED, not at this
 * time; -errno of read(); -ENOMEM.
 */
int pki_cms_verify(const uint8_t *der, size_t len, int fd, STACK_OF(X509) *anchors, time_t now, char *signer,
		   size_t size, struct pki_error *err)
{
	struct content content;
	int ret;

	content_open(&content, BIO_new_fd(fd, BIO_NOCLOSE));
	ret = verify(PKI_CONTENT_FILE, der, len, &content, anchors, now, signer, size, err);
	BIO_free_all(content.bio);
	return ret;
}

/**
 * pki_cms_verify_buf - is it a signature over what is in memory, by somebody who may
 * @kind: what that is
 * @der: as for pki_cms_verify()
 * @len: likewise
 * @data: what is signed
 * @data_len: of @data
 * @anchors: likewise
 * @now: likewise
 * @signer: likewise
 * @size: likewise
 * @err: likewise
 *
 * Return: as pki_cms_verify().
 */
int pki_cms_verify_buf(enum pki_content kind, const uint8_t *der, size_t len, const void *data, size_t data_len,
		       STACK_OF(X509) *anchors, time_t now, char *signer, size_t size, struct pki_error *err)
{
	struct content content;
	int ret;

	content_open(&content, memory(data, data_len));
	ret = verify(kind, der, len, &content, anchors, now, signer, size, err);
	BIO_free_all(content.bio);
	return ret;
}
