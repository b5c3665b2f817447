// SPDX-License-Identifier: GPL-2.0
/* One-time enrolment tokens: made, checked in constant time, claimed. */
#include <errno.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/kdf.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <string.h>

#include "lib/policy.h"
#include "lib/secret.h"
#include "store/db.h"

#define SALT_LEN	16
#define HASH_LEN	32
#define RANDOM_LEN	16	/* 128 bit */
#define MAX_VALID	31536000	/* seconds: a year */
#define CLOCK_SLACK	300	/* seconds that a clock may be corrected by */

/* 16 MiB and some 50 ms: what RFC 7914, 2, calls right where somebody waits. */
#define SCRYPT_N	16384
#define SCRYPT_R	8
#define SCRYPT_P	1

/** struct token - a device's, as it is recorded; one of nobody's is all zero but the decoy */
struct token {
	int algorithm;
	uint8_t salt[SALT_LEN];
	uint8_t hash[HASH_LEN];
	time_t made;
	time_t expires;
	int state;
	uint8_t key_id[32];
	uint8_t serial[STORE_SERIAL_LEN];
	int certificate;	/* enum store_state; -1, there is none */
	bool elsewhere;		/* another gateway made that, or is about to, and has its DER */
};

/**
 * db_token_init - fetch the hashes, while OpenSSL may still read its configuration
 * @s: the registry
 *
 * Return: 0, or -ENOTSUP: OpenSSL lacks them.
 */
int db_token_init(struct store *s)
{
	s->st->sha256 = EVP_MD_fetch(NULL, "SHA2-256", NULL);
	s->st->scrypt = EVP_KDF_fetch(NULL, "SCRYPT", NULL);
	if (!s->st->sha256 || !s->st->scrypt || RAND_bytes(s->st->decoy, sizeof(s->st->decoy)) != 1)
		return db_refuse(s, -ENOTSUP, "OpenSSL has no SHA-256, scrypt or random numbers");
	return 0;
}

static bool hash_fast(struct store *s, const uint8_t salt[SALT_LEN], const char *secret,
		      uint8_t out[HASH_LEN])
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool good;

	good = ctx && EVP_DigestInit_ex2(ctx, s->st->sha256, NULL) &&
	       EVP_DigestUpdate(ctx, salt, SALT_LEN) &&
	       EVP_DigestUpdate(ctx, secret, strlen(secret)) &&
	       EVP_DigestFinal_ex(ctx, out, NULL);
	EVP_MD_CTX_free(ctx);
	return good;
}

static bool hash_slow(struct store *s, const uint8_t salt[SALT_LEN], const char *secret,
		      uint8_t out[HASH_LEN])
{
	EVP_KDF_CTX *ctx = EVP_KDF_CTX_new(s->st->scrypt);
	uint64_t n = SCRYPT_N, memory = 64 << 20;
	uint32_t r = SCRYPT_R, p = SCRYPT_P;
	OSSL_PARAM params[] = {
		OSSL_PARAM_octet_string(OSSL_KDF_PARAM_PASSWORD, (void *)secret, strlen(secret)),
		OSSL_PARAM_octet_string(OSSL_KDF_PARAM_SALT, (void *)salt, SALT_LEN),
		OSSL_PARAM_uint64(OSSL_KDF_PARAM_SCRYPT_N, &n),
		OSSL_PARAM_uint32(OSSL_KDF_PARAM_SCRYPT_R, &r),
		OSSL_PARAM_uint32(OSSL_KDF_PARAM_SCRYPT_P, &p),
		OSSL_PARAM_uint64(OSSL_KDF_PARAM_SCRYPT_MAXMEM, &memory),
		OSSL_PARAM_END
	};
	bool good = ctx && EVP_KDF_derive(ctx, out, HASH_LEN, params) == 1;

	EVP_KDF_CTX_free(ctx);
	return good;
}

/* RFC 4648, 6, in lower case and without padding: 26 characters of 128 bit. */
static void random_text(char out[STORE_TOKEN_LEN], const uint8_t bits[RANDOM_LEN])
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz234567";
	unsigned int have = 0, i, n = 0;
	uint32_t hold = 0;

	for (i = 0; i < RANDOM_LEN; i++) {
		hold = hold << 8 | bits[i];
		for (have += 8; have >= 5; have -= 5)
			out[n++] = letters[hold >> (have - 5) & 31];
	}
	out[n++] = letters[hold << (5 - have) & 31];
	out[n] = 0;
	OPENSSL_cleanse(&hold, sizeof(hold));
}

static int choose(struct store *s, const char *secret, char *out, size_t size)
{
	uint8_t bits[RANDOM_LEN];

	if (secret) {
		if (!*secret || strlen(secret) > SECRET_MAX_LEN)
			return db_refuse(s, -EINVAL, "a secret must have 1 to %d bytes",
					 SECRET_MAX_LEN);
		if (strlen(secret) >= size)
			return db_refuse(s, -EINVAL, "no room for the secret");
		memcpy(out, secret, strlen(secret) + 1);
		return 0;
	}
	if (size < STORE_TOKEN_LEN)
		return db_refuse(s, -EINVAL, "no room for the secret");
	if (RAND_priv_bytes(bits, sizeof(bits)) != 1)
		return db_refuse(s, -EIO, "OpenSSL has no random numbers");
	random_text(out, bits);
	OPENSSL_cleanse(bits, sizeof(bits));
	return 0;
}

static int check_new(struct store *s, const char *name, const uint8_t mac[6], unsigned int valid)
{
	if (strnlen(name, CORDON_DEVICE_NAME_LEN) >= CORDON_DEVICE_NAME_LEN ||
	    !cordon_name_is_valid(name, CORDON_DEVICE_NAME_LEN))
		return db_refuse(s, -EINVAL, "not a device's name: '%.64s'", name);
	if (!db_is_mac(mac))
		return db_refuse(s, -EINVAL, "not the MAC of a device: "
				 "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2], mac[3],
				 mac[4], mac[5]);
	if (!valid || valid > MAX_VALID)
		return db_refuse(s, -EINVAL, "a token is valid for 1 s to 365 d, not %u s", valid);
	return 0;
}

static int put(struct store *s, const char *name, const uint8_t mac[6], const struct token *t,
	       bool approval)
{
	bool own;
	int err;

	err = db_enter(s, true, &own);
	if (err)
		return err;
	err = db_run(s, db_bind(s, DB_FIRMWARE_FORGET, "tb", name, mac, (size_t)6));
	if (!err)
		err = db_run(s, db_bind(s, DB_ACTION_FORGET, "tb", name, mac, (size_t)6));
	if (!err)
		err = db_run(s, db_bind(s, DB_DEVICE_PUT, "tbi", name, mac, (size_t)6,
					(int64_t)approval));
	if (!err)
		err = db_pending_drop(s, name);
	if (!err)
		err = db_run(s, db_bind(s, DB_TOKEN_PUT, "tibbii", name, (int64_t)t->algorithm,
					t->salt, sizeof(t->salt), t->hash, sizeof(t->hash),
					(int64_t)t->made, (int64_t)t->expires));
	return db_leave(s, own, err);
}

/**
 * store_token_new - give a device a token
 * @s: the registry
 * @name: the device's; it need not be known
 * @mac: its; another one than before makes it another device, which never enrolled
 * @secret: a person's choice, which the caller has checked; NULL, make one
 * @valid: seconds
 * @approval: it takes an operator's approval, too
 * @now: seconds since 1970
 * @out: the secret; only its hash is kept
 * @size: of @out; STORE_TOKEN_LEN where it is made
 *
 * Replaces the device's older one, and takes approvals back.
 *
 * Return: 0; -EINVAL, an argument; another -errno. @out is empty then.
 */
int store_token_new(struct store *s, const char *name, const uint8_t mac[6], const char *secret,
		    unsigned int valid, bool approval, time_t now, char *out, size_t size)
{
	struct token t = { .algorithm = secret ? DB_SCRYPT : DB_SHA256 };
	bool hashed;
	int err;

	if (size)
		*out = 0;
	err = check_new(s, name, mac, valid);
	if (!err)
		err = choose(s, secret, out, size);
	if (err)
		return err;
	t.made = now;
	t.expires = now + valid;
	if (RAND_bytes(t.salt, sizeof(t.salt)) == 1)
		hashed = secret ? hash_slow(s, t.salt, out, t.hash)
				: hash_fast(s, t.salt, out, t.hash);
	else
		hashed = false;
	err = hashed ? put(s, name, mac, &t, approval) :
	      db_refuse(s, -EIO, "OpenSSL cannot hash a token");
	if (err)
		OPENSSL_cleanse(out, size);
	OPENSSL_cleanse(&t, sizeof(t));
	return err;
}

/* 1, there is one; 0, t is a decoy; -errno. */
static int find(struct store *s, const char *name, struct token *t, bool *slow)
{
	sqlite3_stmt *stmt;
	int got;

	memset(t, 0, sizeof(*t));
	memcpy(t->salt, s->st->decoy, sizeof(t->salt));
	memcpy(t->hash, s->st->decoy, sizeof(t->hash));
	stmt = db_bind(s, DB_TOKEN_SLOW, "");
	got = db_step(s, stmt);
	*slow = got == 1 && sqlite3_column_int(stmt, 0);
	if (db_end(stmt, got) < 0)
		return got;
	stmt = db_bind(s, DB_TOKEN_GET, "t", name);
	got = db_step(s, stmt);
	if (got == 1) {
		t->algorithm = sqlite3_column_int(stmt, 0);
		if (!db_blob(stmt, 1, t->salt, sizeof(t->salt)) ||
		    !db_blob(stmt, 2, t->hash, sizeof(t->hash)))
			t->algorithm = 0;
		t->made = sqlite3_column_int64(stmt, 3);
		t->expires = sqlite3_column_int64(stmt, 4);
		t->state = sqlite3_column_int(stmt, 5);
		db_blob(stmt, 6, t->key_id, sizeof(t->key_id));
		db_blob(stmt, 7, t->serial, sizeof(t->serial));
		t->certificate = sqlite3_column_type(stmt, 8) == SQLITE_NULL ? -1 :
				 sqlite3_column_int(stmt, 8);
		t->elsewhere = sqlite3_column_int(stmt, 9);
	}
	return db_end(stmt, got);
}

/*
 * As long as any token of a person's choice is recorded, every check hashes slowly, too, so
 * that the time it takes tells neither whether there is such a name nor which kind it has.
 */
static int compare(struct store *s, const struct token *t, const char *secret, bool slow,
		   bool *same)
{
	uint8_t fast_hash[HASH_LEN], slow_hash[HASH_LEN] = { 0 };
	bool fast_same, slow_same;
	int err = 0;

	if (!hash_fast(s, t->salt, secret, fast_hash) ||
	    (slow && !hash_slow(s, t->salt, secret, slow_hash))) {
		err = db_refuse(s, -EIO, "OpenSSL cannot hash a token");
	} else {
		fast_same = !CRYPTO_memcmp(fast_hash, t->hash, sizeof(fast_hash));
		slow_same = !CRYPTO_memcmp(slow_hash, t->hash, sizeof(slow_hash));
		*same = (t->algorithm == DB_SHA256 && fast_same) ||
			(t->algorithm == DB_SCRYPT && slow && slow_same);
	}
	OPENSSL_cleanse(fast_hash, sizeof(fast_hash));
	OPENSSL_cleanse(slow_hash, sizeof(slow_hash));
	return err;
}

/* Of the device's own token. */
static enum store_token judge(const struct token *t, const uint8_t key_id[32], time_t now)
{
	if (t->state == DB_TOKEN_USED)
		return STORE_TOKEN_USED;
	/* Before it was made: the clock was set back, and how old it is cannot be known. */
	if (now >= t->expires || now < t->made - CLOCK_SLACK)
		return STORE_TOKEN_EXPIRED;
	if (t->state == DB_TOKEN_FRESH || t->certificate == STORE_ABANDONED)
		return STORE_TOKEN_GOOD;
	/* Revoked before it arrived: whoever did that wants no second one made of this token. */
	if (t->certificate != STORE_RESERVED && t->certificate != STORE_ISSUED)
		return STORE_TOKEN_USED;
	/* What is not here cannot be handed out again. */
	return CRYPTO_memcmp(t->key_id, key_id, sizeof(t->key_id)) || t->elsewhere ? STORE_TOKEN_OTHER_KEY :
	       STORE_TOKEN_PENDING;
}

/**
 * store_token_check - is it this device's token, and what does it open
 * @s: the registry
 * @name: who it says it is
 * @secret: what it showed
 * @key_id: of the key it wants certified
 * @now: seconds since 1970
 * @verdict: set on success. PENDING: hand out that certificate again (while it is
 *	STORE_RESERVED, another request is about to make it). OTHER_KEY, also where another
 *	gateway has it: revoke that one as superseded and issue anew. Both only until the token
 *	expires
 * @device: the device; zeroed with WRONG; may be NULL
 * @serial: of the certificate, with PENDING and OTHER_KEY; may be NULL
 *
 * Return: 0 or -errno; without a verdict nothing is allowed.
 */
int store_token_check(struct store *s, const char *name, const char *secret,
		      const uint8_t key_id[32], time_t now, enum store_token *verdict,
		      struct store_device *device, uint8_t serial[STORE_SERIAL_LEN])
{
	struct store_device found;
	bool slow, same = false;
	struct token t;
	int got, err;

	*verdict = STORE_TOKEN_WRONG;
	memset(device ? device : &found, 0, sizeof(found));
	if (serial)
		memset(serial, 0, STORE_SERIAL_LEN);
	if (strlen(secret) > SECRET_MAX_LEN)
		secret = "";
	got = find(s, name, &t, &slow);
	err = got < 0 ? got : compare(s, &t, secret, slow, &same);
	if (!err && same && got == 1)
		err = store_device_get(s, name, device ? device : &found);
	if (!err && same && got == 1) {
		*verdict = judge(&t, key_id, now);
		if (serial &&
		    (*verdict == STORE_TOKEN_PENDING || *verdict == STORE_TOKEN_OTHER_KEY))
			memcpy(serial, t.serial, STORE_SERIAL_LEN);
	}
	OPENSSL_cleanse(&t, sizeof(t));
	return err;
}

/**
 * store_token_mark - which token does a device have
 * @s: the registry
 * @name: the device's
 * @mark: another one for each token; 0, the device has none
 *
 * Return: 0 or -errno.
 */
int store_token_mark(struct store *s, const char *name, uint64_t *mark)
{
	struct token t;
	bool slow;
	int got = find(s, name, &t, &slow);

	*mark = 0;
	if (got == 1)
		memcpy(mark, t.salt, sizeof(*mark));
	OPENSSL_cleanse(&t, sizeof(t));
	return got < 0 ? got : 0;
}

/**
 * store_token_random - is it this device's token, and not a person's choice
 * @s: the registry
 * @name: who it says it is
 * @secret: what it showed
 * @right: set on success
 *
 * Return: 0 or -errno.
 */
int store_token_random(struct store *s, const char *name, const char *secret, bool *right)
{
	struct token t;
	bool slow, same = false;
	int got = find(s, name, &t, &slow), err;

	err = got < 0 ? got : compare(s, &t, secret, false, &same);
	*right = !err && got == 1 && same;
	OPENSSL_cleanse(&t, sizeof(t));
	return err;
}

static bool is_live(const struct token *t)
{
	return t->state == DB_TOKEN_CLAIMED &&
	       (t->certificate == STORE_RESERVED || t->certificate == STORE_ISSUED);
}

static int claim(struct store *s, const char *name, const uint8_t key_id[32],
		 const uint8_t serial[STORE_SERIAL_LEN])
{
	char text[2 * STORE_SERIAL_LEN + 1];
	struct store_certificate cert;
	struct token t;
	bool slow;
	int got;

	got = find(s, name, &t, &slow);
	if (got <= 0)
		return got ? got : db_refuse(s, -ENOENT, "device '%.64s' has no token", name);
	got = store_cert_get(s, serial, &cert, NULL, NULL);
	if (got)
		return got;
	db_serial_text(serial, text);
	if (strcmp(cert.name, name) || memcmp(cert.key_id, key_id, sizeof(cert.key_id)) ||
	    (cert.state != STORE_RESERVED && cert.state != STORE_ISSUED))
		return db_refuse(s, -EPERM, "certificate %s is not to be had for a token of '%s'",
				 text, name);
	if (t.state == DB_TOKEN_USED)
		return db_refuse(s, -EPERM, "the token of '%s' is used up", name);
	if (is_live(&t) && memcmp(t.serial, serial, STORE_SERIAL_LEN))
		return db_refuse(s, -EPERM, "the token of '%s' is claimed for certificate %s", name,
				 db_serial_text(t.serial, text));
	return db_run(s, db_bind(s, DB_TOKEN_CLAIM, "tbb", name, key_id, (size_t)32, serial,
				 (size_t)STORE_SERIAL_LEN));
}

/**
 * store_token_claim - a certificate is made for a device's token
 * @s: the registry; without a transaction it makes one
 * @name: the device's
 * @key_id: of the certificate's key
 * @serial: of the certificate, which is reserved or issued
 *
 * A token is claimed for one certificate at a time: another is refused until the first one
 * is revoked or abandoned.
 *
 * Return: 0; -ENOENT, no token or no certificate; -EPERM, used up, claimed already, or not
 * this device's certificate; another -errno.
 */
int store_token_claim(struct store *s, const char *name, const uint8_t key_id[32],
		      const uint8_t serial[STORE_SERIAL_LEN])
{
	bool own;
	int err;

	err = db_enter(s, true, &own);
	return err ? err : db_leave(s, own, claim(s, name, key_id, serial));
}
