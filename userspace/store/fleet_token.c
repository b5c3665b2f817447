// SPDX-License-Identifier: GPL-2.0
/* all/token/NAME: what a token is checked with, and how far it is. It serves one key in the whole fleet. */
#include <errno.h>
#include <string.h>

#include "store/fleet_db.h"

#define HASH_LEN	32
#define MAKER_LEN	64

/**
 * struct token - a token's row
 * @no_key: it is not claimed
 * @no_serial: likewise
 */
struct token {
	int64_t algorithm;
	uint8_t salt[FLEET_SALT_LEN];
	uint8_t hash[HASH_LEN];
	int64_t made;
	int64_t expires;
	int64_t state;
	uint8_t key[32];
	uint8_t serial[STORE_SERIAL_LEN];
	bool no_key;
	bool no_serial;
	char maker[MAKER_LEN];
};

/* 1, there is one; 0 or -errno. */
static int get(struct store *s, const char *name, struct token *t)
{
	sqlite3_stmt *stmt = db_bind(s, DB_FLEET_TOKEN_GET, "t", name);
	int got = db_step(s, stmt);

	memset(t, 0, sizeof(*t));
	if (got == 1) {
		t->algorithm = sqlite3_column_int64(stmt, 0);
		db_blob(stmt, 1, t->salt, sizeof(t->salt));
		db_blob(stmt, 2, t->hash, sizeof(t->hash));
		t->made = sqlite3_column_int64(stmt, 3);
		t->expires = sqlite3_column_int64(stmt, 4);
		t->state = sqlite3_column_int64(stmt, 5);
		t->no_key = !db_blob(stmt, 6, t->key, sizeof(t->key));
		t->no_serial = !db_blob(stmt, 7, t->serial, sizeof(t->serial));
		db_text(stmt, 8, t->maker, sizeof(t->maker));
	}
	return db_end(stmt, got);
}

/** db_fleet_token_value - of its row */
int db_fleet_token_value(struct store *s, const struct fleet_key *k, char **out, size_t *len)
{
	struct token t;
	int got = get(s, k->name, &t);
	json_t *o;

	*out = NULL;
	*len = 0;
	if (got != 1)
		return got;
	o = db_fleet_object();
	db_fleet_set_int(o, "algorithm", t.algorithm);
	db_fleet_set_hex(o, "salt", t.salt, sizeof(t.salt), false);
	db_fleet_set_hex(o, "hash", t.hash, sizeof(t.hash), false);
	db_fleet_set_int(o, "made", t.made);
	db_fleet_set_int(o, "expires", t.expires);
	db_fleet_set_int(o, "state", t.state);
	db_fleet_set_hex(o, "key", t.key, sizeof(t.key), t.no_key);
	db_fleet_set_hex(o, "serial", t.serial, sizeof(t.serial), t.no_serial);
	db_fleet_set_text(o, "maker", t.maker);
	OPENSSL_cleanse(&t, sizeof(t));
	return db_fleet_dump(s, o, out, len);
}

static bool read_token(const json_t *o, struct token *t)
{
	return db_fleet_get_int(o, "algorithm", DB_SCRYPT, &t->algorithm) && t->algorithm &&
	       db_fleet_get_hex(o, "salt", t->salt, sizeof(t->salt), NULL) &&
	       db_fleet_get_hex(o, "hash", t->hash, sizeof(t->hash), NULL) &&
	       db_fleet_get_int(o, "made", FLEET_TIME_MAX, &t->made) &&
	       db_fleet_get_int(o, "expires", FLEET_TIME_MAX, &t->expires) && t->expires > t->made &&
	       db_fleet_get_int(o, "state", DB_TOKEN_USED, &t->state) &&
	       db_fleet_get_hex(o, "key", t->key, sizeof(t->key), &t->no_key) &&
	       db_fleet_get_hex(o, "serial", t->serial, sizeof(t->serial), &t->no_serial) &&
	       (t->state != DB_TOKEN_CLAIMED || (!t->no_key && !t->no_serial)) &&
	       db_fleet_get_text(o, "maker", t->maker, sizeof(t->maker)) &&
	       (!*t->maker || db_is_word(t->maker, sizeof(t->maker)));
}

static int put(struct store *s, const char *name, const struct token *t)
{
	return db_run(s, db_bind(s, DB_FLEET_TOKEN_PUT, "tibbiiibbt", name, t->algorithm, t->salt, sizeof(t->salt), t->hash,
				 sizeof(t->hash), t->made, t->expires, t->state, t->no_key ? NULL : t->key,
				 sizeof(t->key), t->no_serial ? NULL : t->serial, sizeof(t->serial), t->maker));
}

/*
 * The one that is further has it, and of two that are as far the one in etcd. The other's certificate counts no more:
 * a token is for one.
 */
static int merge_claims(struct store *s, struct fleet_in *in, const struct token *own, struct token *t)
{
	const bool ours = own->state > t->state;
	const bool same = own->no_serial == t->no_serial && !memcmp(own->serial, t->serial, sizeof(t->serial));
	uint8_t loser[STORE_SERIAL_LEN];
	bool lost;

	lost = !same && (ours ? t->state == DB_TOKEN_CLAIMED : !own->no_serial);
	memcpy(loser, ours ? t->serial : own->serial, sizeof(loser));
	if (ours)
		*t = *own;
	return lost ? db_fleet_revoke(s, in, loser) : 0;
}

/* 1, @t is to be put; 0, what is here stays; -errno. */
static int merge(struct store *s, struct fleet_in *in, struct token *t)
{
	struct token own;
	int got = get(s, in->k.name, &own);

	if (got < 0)
		return got;
	/* Taken away here: this one, or the one before it. */
	if (!got)
		return !in->withdrawn || memcmp(in->salt, t->salt, sizeof(t->salt));
	if (memcmp(own.salt, t->salt, sizeof(t->salt)))
		return own.made <= t->made;
	got = merge_claims(s, in, &own, t);
	return got ? got : 1;
}

static int device_is_known(struct store *s, const char *name)
{
	struct store_device d;
	int err = store_device_get(s, name, &d);

	return err == -ENOENT ? 0 : err ? err : 1;
}

static int drop(struct store *s, const struct fleet_in *in)
{
	struct token own = { .state = DB_TOKEN_FRESH };
	int got = in->noted ? get(s, in->k.name, &own) : 0;

	if (got < 0)
		return got;
	/* A new one that etcd does not know yet, or one whose use it must not forget. */
	if (got && (in->anew || own.state != DB_TOKEN_FRESH))
		return 0;
	got = db_run(s, db_bind(s, DB_TOKEN_WITHDRAW, "ti", in->k.name, (int64_t)DB_TOKEN_USED + 1));
	return got ? got : db_fleet_text_drop(s, in->key);
}

/** db_fleet_token_apply - its row, by the value */
int db_fleet_token_apply(struct store *s, struct fleet_in *in)
{
	struct token t;
	int got;

	if (!in->value)
		return drop(s, in);
	if (!read_token(in->json, &t))
		return -EPROTO;
	got = device_is_known(s, in->k.name);
	if (got != 1)
		return got ? got : db_fleet_wait(s, in);
	got = db_fleet_text_drop(s, in->key);
	if (!got)
		got = in->noted ? merge(s, in, &t) : 1;
	if (got == 1)
		got = put(s, in->k.name, &t);
	OPENSSL_cleanse(&t, sizeof(t));
	return got;
}
