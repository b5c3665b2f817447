/* SPDX-License-Identifier: GPL-2.0 */
/* What the files of the registry's fleet share: keys, values, notes. */
#ifndef CORDON_STORE_FLEET_DB_H
#define CORDON_STORE_FLEET_DB_H

#include <jansson.h>

#include "lib/policy.h"
#include "store/db.h"
#include "store/fleet.h"

#define FLEET_VALUE_MAX		65536		/* bytes of a value */
#define FLEET_POLICY_MAX	(1 << 20)	/* of a policy */
#define FLEET_TIME_MAX		253402300799	/* the last second of year 9999 */
#define FLEET_SALT_LEN		16

/** enum fleet_kind - what a key says */
enum fleet_kind {
	FLEET_DEVICE, FLEET_TOKEN, FLEET_PENDING, FLEET_CERT, FLEET_REVOKED, FLEET_MARK, FLEET_GATEWAY, FLEET_RELEASE,
	FLEET_POLICY,
	FLEET_KINDS
};

/**
 * struct fleet_key - a key, taken apart
 * @kind: of it
 * @name: of a device or gateway; of a release, the model
 * @version: of a release
 * @id: serial number, SHA-256 of a public key, or MAC
 */
struct fleet_key {
	enum fleet_kind kind;
	char name[64];
	char version[64];
	uint8_t id[32];
};

/**
 * struct fleet_in - a key that etcd has another value of than the registry
 * @key: the key
 * @k: taken apart
 * @json: its value; NULL, it was deleted, or is no JSON
 * @value: NULL, it was deleted
 * @len: of @value
 * @noted: its row was changed here, too
 * @anew: it is a token that was made here, or a roll-out of which an operator said something here
 * @withdrawn: it is a token that was taken away here, with the salt @salt
 * @salt: see there
 * @renote: set to have it noted, though it was not
 * @self: this gateway's name
 * @effect: set to what somebody besides the registry must know
 */
struct fleet_in {
	const char *key;
	struct fleet_key k;
	const json_t *json;
	const char *value;
	size_t len;
	bool noted;
	bool anew;
	bool withdrawn;
	uint8_t salt[FLEET_SALT_LEN];
	bool renote;
	char self[STORE_GATEWAY_LEN];
	struct store_fleet_effect *effect;
};

/* fleet_key.c */
int db_fleet_parse(const char *key, struct fleet_key *out);
const char *db_fleet_name_key(char out[STORE_KEY_LEN], const char *kind, const char *name);
const char *db_fleet_hex_key(char out[STORE_KEY_LEN], const char *kind, const uint8_t *id, size_t len);

/* fleet_json.c: false, it is missing or makes no sense. */
bool db_fleet_mac(const char *text, uint8_t mac[6]);
bool db_fleet_get_int(const json_t *o, const char *name, int64_t max, int64_t *out);
bool db_fleet_get_bool(const json_t *o, const char *name, bool *out);
bool db_fleet_get_hex(const json_t *o, const char *name, uint8_t *out, size_t len, bool *null);
bool db_fleet_get_mac(const json_t *o, const char *name, uint8_t mac[6]);
bool db_fleet_get_mac_or_none(const json_t *o, const char *name, uint8_t mac[6]);
bool db_fleet_get_text(const json_t *o, const char *name, char *out, size_t size);
json_t *db_fleet_object(void);
void db_fleet_set_int(json_t *o, const char *name, int64_t value);
void db_fleet_set_bool(json_t *o, const char *name, bool value);
void db_fleet_set_hex(json_t *o, const char *name, const uint8_t *bytes, size_t len, bool null);
void db_fleet_set_mac(json_t *o, const char *name, const uint8_t mac[6]);
void db_fleet_set_text(json_t *o, const char *name, const char *text);
int db_fleet_dump(struct store *s, json_t *o, char **out, size_t *len);

/* fleet_join.c */
int db_fleet_triggers(struct store *s, sqlite3 *db);

/* fleet_note.c */
int db_fleet_note(struct store *s, const char *key, bool first);
int db_fleet_unnote(struct store *s, const char *key);
int db_fleet_find_note(struct store *s, struct fleet_in *in);
int db_fleet_know(struct store *s, const char *key, int64_t revision, bool gone, bool strange);

/* fleet_apply.c */
int db_fleet_take(struct store *s, struct fleet_in *in);
int db_fleet_wait(struct store *s, const struct fleet_in *in);

/* fleet_text.c: values that wait for what they belong to; policies. */
int db_fleet_text_put(struct store *s, const char *key, const char *value, size_t len);
int db_fleet_text_get(struct store *s, const char *key, char **value, size_t *len);
int db_fleet_text_drop(struct store *s, const char *key);
int db_fleet_text_next(struct store *s, const char *from, const char *to, char key[STORE_KEY_LEN]);

/*
 * Each kind: the value of its row, NULL where there is none; and the row by a value. What is merged there is left for
 * the caller to compare with the value.
 */
int db_fleet_device_value(struct store *s, const struct fleet_key *k, char **out, size_t *len);
int db_fleet_device_apply(struct store *s, struct fleet_in *in);
int db_fleet_token_value(struct store *s, const struct fleet_key *k, char **out, size_t *len);
int db_fleet_token_apply(struct store *s, struct fleet_in *in);
int db_fleet_pending_value(struct store *s, const struct fleet_key *k, char **out, size_t *len);
int db_fleet_pending_apply(struct store *s, struct fleet_in *in);
int db_fleet_pending_set_aside(struct store *s, const char *name);
int db_fleet_cert_value(struct store *s, const struct fleet_key *k, char **out, size_t *len);
int db_fleet_cert_apply(struct store *s, struct fleet_in *in);
int db_fleet_revoked_value(struct store *s, const struct fleet_key *k, char **out, size_t *len);
int db_fleet_revoked_apply(struct store *s, struct fleet_in *in);
int db_fleet_revoke(struct store *s, struct fleet_in *in, const uint8_t serial[STORE_SERIAL_LEN]);
int db_fleet_mark_value(struct store *s, const struct fleet_key *k, char **out, size_t *len);
int db_fleet_mark_apply(struct store *s, struct fleet_in *in);
int db_fleet_gateway_value(struct store *s, const struct fleet_key *k, char **out, size_t *len);
int db_fleet_gateway_apply(struct store *s, struct fleet_in *in);
int db_fleet_gateway_strange(struct store *s, const struct fleet_in *in);
int db_fleet_release_value(struct store *s, const struct fleet_key *k, char **out, size_t *len);
int db_fleet_release_apply(struct store *s, struct fleet_in *in);
int db_fleet_release_added(struct store *s, const char *model, const char *version);
int db_fleet_release_removed(struct store *s, int64_t id);

#endif
