// SPDX-License-Identifier: GPL-2.0
/* all/gateway/NAME: who signs in the fleet, and who was cut out. Each writes its own into etcd itself. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "store/fleet_db.h"

#define CERTIFICATE_LEN	32768
#define WHY_LEN		256

/** struct row - of a gateway */
struct row {
	uint8_t issuer[32];
	char certificate[CERTIFICATE_LEN];
	int64_t expelled;
	char why[WHY_LEN];
};

/* 1, there is one; 0 or -errno. */
static int get(struct store *s, const char *name, int64_t *expelled, char **value)
{
	sqlite3_stmt *stmt = db_bind(s, DB_FLEET_GATEWAY_GET, "t", name);
	int got = db_step(s, stmt);

	*expelled = got == 1 ? sqlite3_column_int64(stmt, 0) : 0;
	if (value)
		*value = got == 1 ? strdup((const char *)sqlite3_column_text(stmt, 1)) : NULL;
	if (value && got == 1 && !*value)
		got = db_refuse(s, -ENOMEM, "no memory for a value");
	return db_end(stmt, got);
}

/** db_fleet_gateway_value - as it came */
int db_fleet_gateway_value(struct store *s, const struct fleet_key *k, char **out, size_t *len)
{
	int64_t expelled;
	int got = get(s, k->name, &expelled, out);

	*len = *out ? strlen(*out) : 0;
	return got < 0 ? got : 0;
}

/* Lines of text. */
static bool take_certificate(const json_t *o, char out[CERTIFICATE_LEN])
{
	const char *text = json_string_value(json_object_get(o, "certificate"));
	size_t i;

	*out = 0;
	if (!text)
		return !json_object_get(o, "certificate") || json_is_null(json_object_get(o, "certificate"));
	if (strlen(text) >= CERTIFICATE_LEN)
		return false;
	for (i = 0; text[i]; i++)
		if ((text[i] < ' ' && text[i] != '\n' && text[i] != '\r') || text[i] > '~')
			return false;
	strcpy(out, text);
	return true;
}

static bool is_missing(const json_t *o, const char *name)
{
	return !json_object_get(o, name) || json_is_null(json_object_get(o, name));
}

/* That it was expelled counts whatever else the value says: the gateway itself may have written that. */
static bool read_row(const json_t *o, struct row *r)
{
	bool null, good;

	memset(r, 0, sizeof(*r));
	if (!is_missing(o, "expelled") && !db_fleet_get_int(o, "expelled", FLEET_TIME_MAX, &r->expelled))
		return false;
	good = is_missing(o, "issuer") || db_fleet_get_hex(o, "issuer", r->issuer, sizeof(r->issuer), &null);
	good = take_certificate(o, r->certificate) && good;
	good = (is_missing(o, "why") || db_fleet_get_text(o, "why", r->why, sizeof(r->why))) && good;
	return good || r->expelled;
}

static int put(struct store *s, const struct fleet_in *in, const struct row *r)
{
	char *value = strndup(in->value, in->len);
	int err;

	if (!value)
		return db_refuse(s, -ENOMEM, "no memory for a value");
	err = db_run(s, db_bind(s, DB_FLEET_GATEWAY_PUT, "tbtitt", in->k.name, r->issuer, sizeof(r->issuer),
				r->certificate, r->expelled, r->why, value));
	free(value);
	return err;
}

/* 1, @r is to be put; 0, what is here stays; -errno. */
static int judge(struct store *s, struct fleet_in *in, const struct row *r)
{
	int64_t expelled;
	int got = get(s, in->k.name, &expelled, NULL);

	if (got != 1 || !expelled)
		return got < 0 ? got : in->value || !in->noted;
	if (in->value && r->expelled)
		return 1;
	/* As a revocation: told again, whoever has taken it back, as it may have been the gateway itself. */
	in->renote = true;
	return 0;
}

/** db_fleet_gateway_strange - its value makes no sense: where it was expelled, that is told again; 0 or -errno */
int db_fleet_gateway_strange(struct store *s, const struct fleet_in *in)
{
	int64_t expelled;
	int got = get(s, in->k.name, &expelled, NULL);

	return got == 1 && expelled ? db_fleet_note(s, in->key, true) : got < 0 ? got : 0;
}

/** db_fleet_gateway_apply - its row, by the value; that it was expelled stays, whatever comes */
int db_fleet_gateway_apply(struct store *s, struct fleet_in *in)
{
	struct row *r = calloc(1, sizeof(*r));
	int got = 1;

	if (!r)
		return db_refuse(s, -ENOMEM, "no memory for a gateway");
	in->effect->what = STORE_FLEET_GATEWAY;
	memcpy(in->effect->name, in->k.name, sizeof(in->effect->name));
	if (in->value && !read_row(in->json, r))
		got = -EPROTO;
	if (got == 1)
		got = judge(s, in, r);
	if (got == 1)
		got = in->value ? put(s, in, r) : db_run(s, db_bind(s, DB_FLEET_GATEWAY_DROP, "t", in->k.name));
	free(r);
	return got;
}

static int call(sqlite3_stmt *stmt, int (*each)(const struct store_fleet_gateway *g, void *arg), void *arg)
{
	struct store_fleet_gateway g = { .expelled = sqlite3_column_int64(stmt, 3) };

	db_text(stmt, 0, g.name, sizeof(g.name));
	db_blob(stmt, 1, g.issuer, sizeof(g.issuer));
	g.certificate = (const char *)sqlite3_column_text(stmt, 2);
	if (g.certificate && !*g.certificate)
		g.certificate = NULL;
	g.why = (const char *)sqlite3_column_text(stmt, 4);
	g.value = (const char *)sqlite3_column_text(stmt, 5);
	return g.why && g.value ? each(&g, arg) : -ENOMEM;
}

/**
 * store_fleet_gateway_each - every gateway, by name
 * @s: the registry
 * @each: called with it; what it returns but 0 ends the walk. May use the registry
 * @arg: for @each
 *
 * Return: 0; what @each returned; -errno.
 */
int store_fleet_gateway_each(struct store *s, int (*each)(const struct store_fleet_gateway *g, void *arg), void *arg)
{
	sqlite3_stmt *stmt = NULL;
	int got, ret = 0;

	if (sqlite3_prepare_v2(s->db, "SELECT name, issuer, certificate, expelled, why, value FROM fleet_gateway"
			       " ORDER BY name", -1, &stmt, NULL))
		return db_fail(s, "read");
	while (!ret && (got = db_step(s, stmt)))
		ret = got == 1 ? call(stmt, each, arg) : got;
	sqlite3_finalize(stmt);
	return ret;
}

/**
 * store_fleet_gateway_get - is there such a gateway
 * @s: the registry
 * @name: its
 * @known: set on success
 * @expelled: likewise: it was cut out
 *
 * Return: 0 or -errno.
 */
int store_fleet_gateway_get(struct store *s, const char *name, bool *known, bool *expelled)
{
	int64_t since;
	int got = get(s, name, &since, NULL);

	*known = got == 1;
	*expelled = since != 0;
	return got < 0 ? got : 0;
}

static int is_other(struct store *s, const char *gateway, bool *other)
{
	struct store_fleet f;
	int err = store_fleet_get(s, &f);

	*other = err || strcmp(gateway, f.gateway);
	return err == -ENOENT ? 0 : err;
}

/**
 * store_fleet_issuer - whose certificate is it
 * @s: the registry
 * @serial: its
 * @gateway: that made it; empty where the registry is in no fleet and made it itself
 * @expelled: that gateway was cut out, or is none of the fleet: another than this one, and not known
 *
 * Return: 0; -ENOENT, no such certificate; another -errno.
 */
int store_fleet_issuer(struct store *s, const uint8_t serial[STORE_SERIAL_LEN], char gateway[STORE_GATEWAY_LEN],
		       bool *expelled)
{
	sqlite3_stmt *stmt = db_bind(s, DB_FLEET_ISSUER, "b", serial, (size_t)STORE_SERIAL_LEN);
	char text[2 * STORE_SERIAL_LEN + 1];
	int got = db_step(s, stmt);
	bool known;

	*gateway = 0;
	*expelled = false;
	if (got == 1)
		db_text(stmt, 0, gateway, STORE_GATEWAY_LEN);
	if (db_end(stmt, got) < 0)
		return got;
	if (!got)
		return db_refuse(s, -ENOENT, "no certificate %s in the registry", db_serial_text(serial, text));
	got = store_fleet_gateway_get(s, gateway, &known, expelled);
	if (!got && !known && *gateway)
		got = is_other(s, gateway, expelled);
	return got;
}

/** store_fleet_has_issued - are there certificates by a gateway, whether it has a row or not; 0 or -errno */
int store_fleet_has_issued(struct store *s, const char *gateway, bool *has)
{
	sqlite3_stmt *stmt = db_bind(s, DB_FLEET_HAS_ISSUED, "t", gateway);
	int got = db_step(s, stmt);

	*has = got == 1;
	return db_end(stmt, got < 0 ? got : 0);
}
