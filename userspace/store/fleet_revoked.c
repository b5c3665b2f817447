// SPDX-License-Identifier: GPL-2.0
/* all/revoked/SERIAL: stronger than what is said of the certificate itself, and kept until that has ended. */
#include <errno.h>
#include <string.h>

#include "store/fleet_db.h"

#define REASON_SUPERSEDED	4
#define LONGEST		(3650 * 86400LL)	/* s: until a certificate of which no end is known has ended */

/** struct revoked - a revocation, as a value says */
struct revoked {
	int64_t when;
	int64_t reason;
	int64_t until;
	char name[64];
	uint8_t mac[6];
	char by[STORE_GATEWAY_LEN];
};

static int get_more(struct store *s, const uint8_t serial[STORE_SERIAL_LEN], struct revoked *r, bool lost)
{
	sqlite3_stmt *stmt = db_bind(s, DB_FLEET_REVOKED_GET, "b", serial, (size_t)STORE_SERIAL_LEN);
	int got = db_step(s, stmt);

	if (got == 1) {
		db_text(stmt, 0, r->by, sizeof(r->by));
		if (lost) {
			db_text(stmt, 1, r->name, sizeof(r->name));
			db_blob(stmt, 2, r->mac, sizeof(r->mac));
		}
	}
	return db_end(stmt, got < 0 ? got : 0);
}

/* 1, it is revoked; 0 or -errno. */
static int get(struct store *s, const uint8_t serial[STORE_SERIAL_LEN], struct revoked *r)
{
	struct store_certificate c;
	struct store_fleet f;
	int err = store_cert_get(s, serial, &c, NULL, NULL);

	memset(r, 0, sizeof(*r));
	if (err || c.state != STORE_REVOKED)
		return err == -ENOENT ? 0 : err;
	err = store_fleet_get(s, &f);
	if (err)
		return err;
	r->when = c.revoked;
	r->reason = c.reason;
	r->until = c.not_after;
	memcpy(r->name, c.name, sizeof(r->name));
	memcpy(r->mac, c.mac, sizeof(r->mac));
	memcpy(r->by, f.gateway, sizeof(r->by));
	err = get_more(s, serial, r, !strcmp(c.name, STORE_LOST));
	return err ? err : 1;
}

/** db_fleet_revoked_value - of its row */
int db_fleet_revoked_value(struct store *s, const struct fleet_key *k, char **out, size_t *len)
{
	struct revoked r;
	int got = get(s, k->id, &r);
	json_t *o;

	*out = NULL;
	*len = 0;
	if (got != 1)
		return got;
	o = db_fleet_object();
	db_fleet_set_int(o, "when", r.when);
	db_fleet_set_int(o, "reason", r.reason);
	db_fleet_set_int(o, "until", r.until);
	db_fleet_set_text(o, "name", r.name);
	db_fleet_set_mac(o, "mac", r.mac);
	db_fleet_set_text(o, "by", r.by);
	return db_fleet_dump(s, o, out, len);
}

static bool read_revoked(const json_t *o, struct revoked *r)
{
	if (!db_fleet_get_int(o, "when", FLEET_TIME_MAX, &r->when) || !r->when ||
	    !db_fleet_get_int(o, "reason", 10, &r->reason) || !db_fleet_get_int(o, "until", FLEET_TIME_MAX, &r->until) ||
	    !r->until || !db_fleet_get_text(o, "name", r->name, sizeof(r->name)) ||
	    !db_is_word(r->name, sizeof(r->name)) || !db_fleet_get_text(o, "by", r->by, sizeof(r->by)) ||
	    !cordon_name_is_valid(r->by, sizeof(r->by)))
		return false;
	/* 7 is not used, and nothing is held only to be freed again. */
	if (r->reason >= 6 && r->reason <= 8)
		r->reason = 0;
	return db_fleet_get_mac_or_none(o, "mac", r->mac);
}

static void tell(struct fleet_in *in, const struct store_certificate *c)
{
	in->effect->what = STORE_FLEET_REVOKED;
	memcpy(in->effect->mac, c->mac, sizeof(c->mac));
	memcpy(in->effect->fingerprint, c->fingerprint, sizeof(c->fingerprint));
}

static int put_revoked(struct store *s, const uint8_t serial[STORE_SERIAL_LEN], int64_t when, int64_t reason)
{
	int err = db_run(s, db_bind(s, DB_CERT_REVOKE, "bii", serial, (size_t)STORE_SERIAL_LEN, when, reason));

	return err ? err : db_run(s, db_bind(s, DB_COUNT_UP, "t", "revocations"));
}

static int put_lost(struct store *s, const uint8_t serial[STORE_SERIAL_LEN], const struct revoked *r)
{
	struct store_certificate c = { .state = STORE_REVOKED, .name = STORE_LOST, .gateway = "?" };
	int err;

	memcpy(c.serial, serial, sizeof(c.serial));
	err = db_run(s, db_bind(s, DB_FLEET_CERT_PUT, "biitbbbiiiit", c.serial, sizeof(c.serial), (int64_t)c.kind,
				(int64_t)c.state, c.name, c.mac, sizeof(c.mac), NULL, (size_t)0, c.key_id,
				sizeof(c.key_id), (int64_t)0, r->until, r->when, r->reason, c.gateway));
	return err ? err : db_run(s, db_bind(s, DB_COUNT_UP, "t", "revocations"));
}

/**
 * db_fleet_revoke - revoke a certificate while another key is taken over
 * @s: the registry, in a transaction, with its triggers still
 * @in: that key; its effect is set
 * @serial: of the certificate, which need not be known
 *
 * Return: 0 or -errno.
 */
int db_fleet_revoke(struct store *s, struct fleet_in *in, const uint8_t serial[STORE_SERIAL_LEN])
{
	const int64_t now = time(NULL);
	struct revoked r = { .when = now, .reason = REASON_SUPERSEDED, .until = now + LONGEST };
	struct store_certificate c;
	char key[STORE_KEY_LEN];
	int err = store_cert_get(s, serial, &c, NULL, NULL);

	if (!err && c.state == STORE_REVOKED)
		return 0;
	if (err && err != -ENOENT)
		return err;
	err = err ? put_lost(s, serial, &r) : put_revoked(s, serial, now, REASON_SUPERSEDED);
	if (!err)
		err = db_fleet_note(s, db_fleet_hex_key(key, "revoked", serial, STORE_SERIAL_LEN), true);
	tell(in, &c);
	return err;
}

/* A revocation that has not ended is put again: whoever comes new must hear of it. */
static int drop(struct store *s, struct fleet_in *in)
{
	struct store_certificate c;
	int err = store_cert_get(s, in->k.id, &c, NULL, NULL);

	if (err || c.state != STORE_REVOKED)
		return err == -ENOENT ? 0 : err;
	if (c.not_after >= time(NULL)) {
		in->renote = true;
		return 0;
	}
	return db_run(s, db_bind(s, DB_FLEET_CERT_DROP, "b", in->k.id, (size_t)STORE_SERIAL_LEN));
}

/* Two have revoked it, and neither compared: it counts from the first time on, which is told again. */
static void merge(const struct revoked *own, struct revoked *r, bool *renote)
{
	*renote = own->when < r->when;
	if (*renote) {
		r->when = own->when;
		r->reason = own->reason;
		memcpy(r->by, own->by, sizeof(r->by));
	}
}

/** db_fleet_revoked_apply - its row, by the value */
int db_fleet_revoked_apply(struct store *s, struct fleet_in *in)
{
	struct store_certificate c;
	struct revoked r, own;
	int err, was;

	if (!in->value)
		return drop(s, in);
	if (!read_revoked(in->json, &r))
		return -EPROTO;
	was = get(s, in->k.id, &own);
	if (was < 0)
		return was;
	if (was)
		merge(&own, &r, &in->renote);
	err = store_cert_get(s, in->k.id, &c, NULL, NULL);
	if (err && err != -ENOENT)
		return err;
	if (err) {
		memcpy(c.mac, r.mac, sizeof(c.mac));
		err = put_lost(s, in->k.id, &r);
	} else {
		err = put_revoked(s, in->k.id, r.when, r.reason);
	}
	tell(in, &c);
	if (!err && strcmp(r.by, in->self))
		return db_run(s, db_bind(s, DB_FLEET_REVOKED_PUT, "bttb", in->k.id, (size_t)STORE_SERIAL_LEN, r.by, r.name,
					 r.mac, sizeof(r.mac)));
	return err ? err : db_run(s, db_bind(s, DB_FLEET_REVOKED_DROP, "b", in->k.id, (size_t)STORE_SERIAL_LEN));
}
