// SPDX-License-Identifier: GPL-2.0
/* Keys: made, read, written; public ones taken apart without OpenSSL's decoder, which is slow. */
#include <errno.h>
#include <limits.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/rand.h>
#include <string.h>

#include "parts.h"

/* What a guess at a stolen key's passphrase costs: 16 MiB, some 50 ms. */
#define SCRYPT_N	16384
#define SCRYPT_R	8
#define SCRYPT_P	1
#define SALT_LEN	16

/**
 * struct kind - a kind of key
 * @word: on the command line
 * @type: OpenSSL's
 * @group: OpenSSL's, of a curve
 * @nid: of the curve
 * @len: bytes of the public key
 */
static const struct kind {
	const char *word;
	const char *type;
	const char *group;
	int nid;
	int len;
} kinds[] = {
	[PKI_P256] = { "p256", "EC", "prime256v1", NID_X9_62_prime256v1, 65 },
	[PKI_P384] = { "p384", "EC", "secp384r1", NID_secp384r1, 97 },
	[PKI_ED25519] = { "ed25519", "ED25519", NULL, NID_ED25519, 32 },
};

#define N_KINDS ((int)(sizeof(kinds) / sizeof(*kinds)))

/**
 * pki_key_find - a kind of key by its word
 * @word: p256, p384 or ed25519
 *
 * Return: enum pki_key, or -1.
 */
int pki_key_find(const char *word)
{
	int i;

	for (i = 0; i < N_KINDS; i++)
		if (!strcmp(word, kinds[i].word))
			return i;
	return -1;
}

/**
 * pki_key_new - make a key
 * @kind: which
 *
 * Return: EVP_PKEY_free() it; NULL, no memory or no random numbers.
 */
EVP_PKEY *pki_key_new(enum pki_key kind)
{
	if (kinds[kind].group)
		return EVP_PKEY_Q_keygen(NULL, NULL, kinds[kind].type, kinds[kind].group);
	return EVP_PKEY_Q_keygen(NULL, NULL, kinds[kind].type);
}

static int kind_of(const EVP_PKEY *key, char group[64])
{
	int i;

	group[0] = 0;
	EVP_PKEY_get_utf8_string_param(key, OSSL_PKEY_PARAM_GROUP_NAME, group, 64, NULL);
	for (i = 0; i < N_KINDS; i++)
		if (EVP_PKEY_is_a(key, kinds[i].type) &&
		    (!kinds[i].group || !strcmp(group, kinds[i].group)))
			return i;
	return -1;
}

static int refuse_kind(struct pki_error *err, const char *name)
{
	return pki_fail(err, -EPERM, "key of kind %s: use P-256, P-384 or Ed25519", name);
}

/**
 * pki_key_is_accepted - is it of a kind that we use
 * @key: the key
 * @err: why not
 */
bool pki_key_is_accepted(const EVP_PKEY *key, struct pki_error *err)
{
	const char *type = EVP_PKEY_get0_type_name(key);
	char group[64];

	if (kind_of(key, group) >= 0)
		return true;
	refuse_kind(err, group[0] ? group : type ? type : "unknown");
	return false;
}

/**
 * pki_digest - what a key signs with
 * @key: the key
 *
 * Return: NULL for Ed25519, which digests by itself.
 */
const EVP_MD *pki_digest(const EVP_PKEY *key)
{
	if (EVP_PKEY_is_a(key, "ED25519"))
		return NULL;
	return EVP_PKEY_get_bits(key) > 256 ? EVP_sha384() : EVP_sha256();
}

/* PBES2 with scrypt: OpenSSL's own default is 2048 rounds of PBKDF2. */
static X509_SIG *encrypt(PKCS8_PRIV_KEY_INFO *key, const char *passphrase)
{
	unsigned char salt[SALT_LEN];
	X509_SIG *sealed = NULL;
	X509_ALGOR *pbe = NULL;

	if (RAND_bytes(salt, sizeof(salt)) == 1)
		pbe = PKCS5_pbe2_set_scrypt(EVP_aes_256_cbc(), salt, sizeof(salt), NULL, SCRYPT_N,
					    SCRYPT_R, SCRYPT_P);
	if (pbe)
		sealed = PKCS8_set0_pbe(passphrase, (int)strlen(passphrase), key, pbe);
	if (pbe && !sealed)
		X509_ALGOR_free(pbe);
	return sealed;
}

/**
 * pki_key_pem - a private key as PEM, PKCS#8
 * @key: the key
 * @passphrase: protects it; NULL, nothing does
 * @pem: the text, terminated; OPENSSL_clear_free() @len of it
 * @len: its length
 *
 * Return: 0, or -ENOMEM.
 */
int pki_key_pem(EVP_PKEY *key, const char *passphrase, char **pem, size_t *len)
{
	PKCS8_PRIV_KEY_INFO *p8 = EVP_PKEY2PKCS8(key);
	BIO *bio = BIO_new(BIO_s_secmem());
	X509_SIG *sealed = NULL;
	int err = -ENOMEM;
	char *text;
	long n;

	if (!p8 || !bio)
		goto out;
	if (passphrase)
		sealed = encrypt(p8, passphrase);
	if (passphrase ? !sealed || !PEM_write_bio_PKCS8(bio, sealed) :
			 !PEM_write_bio_PKCS8_PRIV_KEY_INFO(bio, p8))
		goto out;
	n = BIO_get_mem_data(bio, &text);
	*pem = n > 0 ? OPENSSL_zalloc(n + 1) : NULL;
	if (!*pem)
		goto out;
	memcpy(*pem, text, n);
	*len = n;
	err = 0;
out:
	ERR_clear_error();
	X509_SIG_free(sealed);
	PKCS8_PRIV_KEY_INFO_free(p8);
	BIO_free(bio);
	return err;
}

/* What the PEM reader asks for a passphrase. */
struct asked {
	const char *passphrase;
	bool asked;
};

static int answer(char *buf, int size, int writing, void *arg)
{
	struct asked *a = arg;
	size_t len = a->passphrase ? strlen(a->passphrase) : 0;

	(void)writing;
	a->asked = true;
	if (!len || len > (size_t)size)
		return -1;
	memcpy(buf, a->passphrase, len);
	return (int)len;
}

/**
 * pki_key_parse - a private key from PEM, or the one in hardware that a text names
 * @pem: the text
 * @len: its length
 * @passphrase: for a protected one; may be NULL
 * @err: why not: "needs a passphrase", "not this passphrase", "holds no key", its kind
 *
 * Return: EVP_PKEY_free() it; NULL, with @err and errno ENOKEY, EKEYREJECTED or EINVAL; of pki_hardware_open()
 * others as well.
 */
EVP_PKEY *pki_key_parse(const char *pem, size_t len, const char *passphrase, struct pki_error *err)
{
	struct asked asked = { .passphrase = passphrase };
	EVP_PKEY *key = NULL;
	BIO *bio;

	if (pki_key_is_reference(pem, len))
		return pki_hardware_open(pem, len, passphrase, err);
	bio = len <= INT_MAX ? BIO_new_mem_buf(pem, (int)len) : NULL;
	if (bio)
		key = PEM_read_bio_PrivateKey(bio, NULL, answer, &asked);
	BIO_free(bio);
	if (key && pki_key_is_accepted(key, err)) {
		ERR_clear_error();
		return key;
	}
	errno = EINVAL;
	if (!key && asked.asked && !passphrase)
		errno = -pki_fail(err, -ENOKEY, "needs a passphrase");
	else if (!key && asked.asked)
		errno = -pki_fail(err, -EKEYREJECTED, "not this passphrase");
	else if (!key)
		errno = -pki_fail(err, -EINVAL, "holds no private key (PEM)");
	EVP_PKEY_free(key);
	return NULL;
}

static int public_kind(const X509_PUBKEY *pub, const uint8_t **bits, int *len,
		       struct pki_error *err)
{
	const ASN1_OBJECT *curve = NULL;
	ASN1_OBJECT *type;
	X509_ALGOR *alg;
	const void *value;
	char name[80];
	int form, nid, i;

	X509_PUBKEY_get0_param(&type, bits, len, &alg, pub);
	X509_ALGOR_get0(NULL, &form, &value, alg);
	nid = OBJ_obj2nid(type);
	if (nid == NID_X9_62_id_ecPublicKey && form == V_ASN1_OBJECT) {
		curve = value;
		nid = OBJ_obj2nid(curve);
	} else if (nid == NID_X9_62_id_ecPublicKey ||
		   (nid == NID_ED25519 && form != V_ASN1_UNDEF)) {
		return pki_fail(err, -EPERM,
				"key with parameters of its own (RFC 5480, 2.1.1; RFC 8410, 3)");
	}
	for (i = 0; i < N_KINDS; i++)
		if (nid == kinds[i].nid && !curve == !kinds[i].group)
			return i;
	OBJ_obj2txt(name, sizeof(name), curve ? curve : type, 0);
	return refuse_kind(err, name);
}

/**
 * pki_public_decode - a key from a SubjectPublicKeyInfo
 * @pub: the SubjectPublicKeyInfo; whether OpenSSL has decoded it does not matter
 * @err: why not
 *
 * A tenth of what OpenSSL 3.0's decoder takes. That the point is on its curve is checked.
 *
 * Return: EVP_PKEY_free() it; NULL with @err.
 */
EVP_PKEY *pki_public_decode(const X509_PUBKEY *pub, struct pki_error *err)
{
	OSSL_PARAM params[3], *p = params;
	EVP_PKEY_CTX *ctx = NULL;
	EVP_PKEY *key = NULL;
	const uint8_t *bits;
	int kind, len;

	kind = public_kind(pub, &bits, &len, err);
	if (kind < 0)
		return NULL;
	if (len != kinds[kind].len ||
	    (kinds[kind].group && bits[0] != POINT_CONVERSION_UNCOMPRESSED)) {
		pki_fail(err, -EPERM, "key of %d bytes is no %s key (RFC 5480, 2.2; RFC 8410, 4)",
			 len, kinds[kind].word);
		return NULL;
	}
	if (kinds[kind].group)
		*p++ = OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME,
							(char *)kinds[kind].group, 0);
	*p++ = OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, (void *)bits, len);
	*p = OSSL_PARAM_construct_end();
	ctx = EVP_PKEY_CTX_new_from_name(NULL, kinds[kind].type, NULL);
	if (!ctx || EVP_PKEY_fromdata_init(ctx) <= 0 ||
	    EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, params) <= 0)
		pki_fail(err, -EPERM, "no valid %s key: not a point of its curve",
			 kinds[kind].word);
	EVP_PKEY_CTX_free(ctx);
	return key;
}

static int public_fill(X509_PUBKEY *to, int kind, const uint8_t *bits, int len)
{
	ASN1_OBJECT *self = OBJ_nid2obj(kinds[kind].nid);
	uint8_t *copy = OPENSSL_memdup(bits, len);
	bool curve = kinds[kind].group;

	if (copy && X509_PUBKEY_set0_param(to, curve ? OBJ_nid2obj(NID_X9_62_id_ecPublicKey) : self,
					   curve ? V_ASN1_OBJECT : V_ASN1_UNDEF,
					   curve ? self : NULL, copy, len))
		return 0;
	OPENSSL_free(copy);
	return -ENOMEM;
}

/**
 * pki_public_copy - copy a SubjectPublicKeyInfo into a certificate's
 * @to: the certificate's
 * @from: a key that is accepted
 *
 * Return: 0; -EPERM, another kind of key; -ENOMEM.
 */
int pki_public_copy(X509_PUBKEY *to, const X509_PUBKEY *from)
{
	struct pki_error ignored;
	const uint8_t *bits;
	int len, kind;

	kind = public_kind(from, &bits, &len, &ignored);
	return kind < 0 ? kind : public_fill(to, kind, bits, len);
}

/**
 * pki_key_public - a key's SubjectPublicKeyInfo
 * @key: of a kind that is accepted
 *
 * Return: X509_PUBKEY_free() it; NULL, another kind of key or no memory.
 */
X509_PUBKEY *pki_key_public(EVP_PKEY *key)
{
	X509_PUBKEY *pub = X509_PUBKEY_new();
	unsigned char *bits = NULL;
	char group[64];
	int kind, err = -ENOMEM;
	size_t len = 0;

	kind = kind_of(key, group);
	if (kind >= 0 && kinds[kind].group) {
		len = EVP_PKEY_get1_encoded_public_key(key, &bits);
	} else if (kind >= 0 && EVP_PKEY_get_raw_public_key(key, NULL, &len) == 1) {
		bits = OPENSSL_malloc(len);
		if (bits && EVP_PKEY_get_raw_public_key(key, bits, &len) != 1)
			len = 0;
	}
	if (pub && bits && len)
		err = public_fill(pub, kind, bits, (int)len);
	OPENSSL_free(bits);
	if (!err)
		return pub;
	ERR_clear_error();
	X509_PUBKEY_free(pub);
	return NULL;
}

/**
 * pki_public_id - what a key is known by
 * @key: its SubjectPublicKeyInfo
 * @out: SHA-256 of its DER
 *
 * Return: 0, or -ENOMEM.
 */
int pki_public_id(const X509_PUBKEY *key, uint8_t out[32])
{
	unsigned char *der = NULL;
	int len = i2d_X509_PUBKEY(key, &der), good = 0;

	if (len > 0)
		good = EVP_Digest(der, len, out, NULL, EVP_sha256(), NULL);
	OPENSSL_free(der);
	return good ? 0 : -ENOMEM;
}

/**
 * pki_key_id - what a key is known by
 * @key: of a kind that is accepted
 * @out: SHA-256 of its SubjectPublicKeyInfo's DER
 *
 * Return: 0; -ENOMEM, another kind of key or no memory.
 */
int pki_key_id(EVP_PKEY *key, uint8_t out[32])
{
	X509_PUBKEY *pub = pki_key_public(key);
	int err = pub ? pki_public_id(pub, out) : -ENOMEM;

	X509_PUBKEY_free(pub);
	return err;
}
