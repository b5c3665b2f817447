// SPDX-License-Identifier: GPL-2.0
/* What etcd has, into the registry: one key at a time. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "store/fleet_db.h"

static int policy_apply(struct store *s, struct fleet_in *in)
{
	in->effect->what = STORE_FLEET_POLICY;
	return in->value ? db_fleet_text_put(s, in->key, in->value, in->len) : db_fleet_text_drop(s, in->key);
}

static const struct {
	int (*value)(struct store *s, const struct fleet_key *k, char **out, size_t *len);
	int (*apply)(struct store *s, struct fleet_in *in);
} kinds[FLEET_KINDS] = {
	[FLEET_DEVICE] = { db_fleet_device_value, db_fleet_device_apply },
	[FLEET_TOKEN] = { db_fleet_token_value, db_fleet_token_apply },
	[FLEET_PENDING] = { db_fleet_pending_value, db_fleet_pending_apply },
	[FLEET_CERT] = { db_fleet_cert_value, db_fleet_cert_apply },
	[FLEET_REVOKED] = { db_fleet_revoked_value, db_fleet_revoked_apply },
	[FLEET_MARK] = { db_fleet_mark_value, db_fleet_mark_apply },
	[FLEET_GATEWAY] = { db_fleet_gateway_value, db_fleet_gateway_apply },
	[FLEET_RELEASE] = { db_fleet_release_value, db_fleet_release_apply },
	[FLEET_POLICY] = { NULL, policy_apply },	/* see store_fleet_value() */
};

/** db_fleet_wait - a value without the row that it belongs to is kept until that comes; 0 or -errno */
int db_fleet_wait(struct store *s, const struct fleet_in *in)
{
	return db_fleet_text_put(s, in->key, in->value, in->len);
}

/**
 * store_fleet_value - the value of a key, as this registry has it
 * @s: the registry
 * @key: the key
 * @value: free(); NULL, it has none
 * @len: of @value
 *
 * Return: 0; -EPROTO, no key; another -errno.
 */
int store_fleet_value(struct store *s, const char *key, char **value, size_t *len)
{
	struct fleet_key k;

	*value = NULL;
	*len = 0;
	if (db_fleet_parse(key, &k))
		return db_refuse(s, -EPROTO, "not a key of a fleet: '%.120s'", key);
	if (k.kind == FLEET_POLICY)
		return db_fleet_text_get(s, key, value, len);
	return kinds[k.kind].value(s, &k, value, len);
}

/* Is the row what etcd has: then there is nothing to tell. */
static int settle(struct store *s, const struct fleet_in *in)
{
	char *value = NULL;
	json_t *own;
	size_t len;
	int err = store_fleet_value(s, in->key, &value, &len);
	bool same;

	if (err)
		return err;
	own = value ? json_loadb(value, len, 0, NULL) : NULL;
	same = value && in->json ? own && json_equal(own, in->json) : !value && !in->value;
	json_decref(own);
	free(value);
	return same ? db_fleet_unnote(s, in->key) : 0;
}

/**
 * db_fleet_take - take a value over, or merge it with what is here
 * @s: the registry, in a transaction
 * @in: key, k, json, value, len, self and effect are set
 *
 * Return: 0; -EPROTO, the value makes no sense, and nothing is changed; another -errno.
 */
int db_fleet_take(struct store *s, struct fleet_in *in)
{
	int err = db_fleet_find_note(s, in), again;

	if (!err)
		err = db_run(s, db_bind(s, DB_FLEET_STILL, "i", (int64_t)1));
	if (err)
		return err;
	err = kinds[in->k.kind].apply(s, in);
	again = db_run(s, db_bind(s, DB_FLEET_STILL, "i", (int64_t)0));
	if (again)
		return again;
	if (!err && in->noted)
		err = settle(s, in);
	if (!err && in->renote)
		err = db_fleet_note(s, in->key, in->k.kind == FLEET_REVOKED);
	return err;
}

/* Not one that makes no sense: -EPROTO. */
static int read_value(struct fleet_in *in, json_t **json)
{
	int64_t version;

	*json = NULL;
	if (db_fleet_parse(in->key, &in->k))
		return -EPROTO;
	if (!in->value)
		return 0;
	if (in->k.kind == FLEET_POLICY)
		return in->len > FLEET_POLICY_MAX ? -EPROTO : 0;
	if (in->len > FLEET_VALUE_MAX)
		return -EPROTO;
	*json = json_loadb(in->value, in->len, JSON_REJECT_DUPLICATES, NULL);
	return json_is_object(*json) && db_fleet_get_int(*json, "v", 1, &version) && version == 1 ? 0 : -EPROTO;
}

static int take_over(struct store *s, struct fleet_in *in, int64_t revision)
{
	json_t *json;
	int err = read_value(in, &json), ret;

	in->json = json;
	ret = err ? err : db_fleet_take(s, in);
	json_decref(json);
	if (ret == -EPROTO) {
		memset(in->effect, 0, sizeof(*in->effect));
		err = in->k.kind == FLEET_GATEWAY && in->value ? db_fleet_gateway_strange(s, in) : 0;
		if (err)
			return err;
		db_refuse(s, ret, "the value of '%.120s' makes no sense", in->key);
	}
	if (ret && ret != -EPROTO)
		return ret;
	err = db_fleet_know(s, in->key, revision, !in->value, ret == -EPROTO);
	return err ? err : ret;
}

/**
 * store_fleet_apply - take over what etcd has of a key
 * @s: the registry, in a transaction of the caller's
 * @key: the key
 * @value: NULL, it was deleted
 * @len: of @value
 * @revision: of the change; what is not newer than what is known is left out
 * @effect: set to what somebody besides the registry must know
 *
 * Return: 0; -EPROTO, it makes no sense, and what was there stays; -ENOENT, the registry is in no fleet; another -errno.
 */
int store_fleet_apply(struct store *s, const char *key, const char *value, size_t len, int64_t revision,
		      struct store_fleet_effect *effect)
{
	struct fleet_in in = { .key = key, .value = value, .len = len, .effect = effect };
	sqlite3_stmt *stmt;
	struct store_fleet f;
	int got, err;

	memset(effect, 0, sizeof(*effect));
	if (sqlite3_get_autocommit(s->db))
		return db_refuse(s, -EINVAL, "no transaction to take a key over in");
	if (!db_is_word(key, STORE_KEY_LEN))
		return db_refuse(s, -EPROTO, "not a key of a fleet: '%.120s'", key);
	err = store_fleet_get(s, &f);
	if (err)
		return err;
	memcpy(in.self, f.gateway, sizeof(in.self));
	stmt = db_bind(s, DB_FLEET_KNOWN, "t", key);
	got = db_step(s, stmt);
	if (got == 1 && sqlite3_column_int64(stmt, 0) >= revision) {
		db_end(stmt, 0);
		return value ? db_run(s, db_bind(s, DB_FLEET_SEEN, "t", key)) : 0;
	}
	err = db_end(stmt, got < 0 ? got : 0);
	return err ? err : take_over(s, &in, revision);
}
