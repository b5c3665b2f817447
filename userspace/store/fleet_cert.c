// SPDX-License-Identifier: GPL-2.0
/* all/cert/SERIAL: what is known of a certificate, but for its DER and whether it is revoked. */
#include <errno.h>
#include <string.h>

#include "store/fleet_db.h"

#define KIND_MAX	3	/* pki.h */

/**
 * struct cert - a certificate, as a value says
 * @no_fingerprint: it is not made yet
 */
struct cert {
	struct store_certificate c;
	bool no_fingerprint;
};

static bool is_made(const struct store_certificate *c)
{
	static const uint8_t none[32];

	return memcmp(c->fingerprint, none, sizeof(none)) != 0;
}

/* A revoked one's state of before is not kept: that it was made is. */
static int64_t told_state(const struct store_certificate *c)
{
	if (c->state != STORE_REVOKED)
		return c->state;
	return is_made(c) ? STORE_ISSUED : STORE_ABANDONED;
}

/** db_fleet_cert_value - of its row; one of which only the serial number is known has none */
int db_fleet_cert_value(struct store *s, const struct fleet_key *k, char **out, size_t *len)
{
	struct store_certificate c;
	struct store_fleet f;
	int err = store_cert_get(s, k->id, &c, NULL, NULL);
	json_t *o;

	*out = NULL;
	*len = 0;
	if (err || !strcmp(c.name, STORE_LOST))
		return err == -ENOENT ? 0 : err;
	err = store_fleet_get(s, &f);
	if (err)
		return err;
	o = db_fleet_object();
	db_fleet_set_text(o, "name", c.name);
	db_fleet_set_mac(o, "mac", c.mac);
	db_fleet_set_int(o, "kind", c.kind);
	db_fleet_set_int(o, "state", told_state(&c));
	db_fleet_set_hex(o, "fingerprint", c.fingerprint, sizeof(c.fingerprint), !is_made(&c));
	db_fleet_set_hex(o, "key", c.key_id, sizeof(c.key_id), false);
	db_fleet_set_int(o, "from", c.not_before);
	db_fleet_set_int(o, "until", c.not_after);
	db_fleet_set_text(o, "gateway", *c.gateway ? c.gateway : f.gateway);
	return db_fleet_dump(s, o, out, len);
}

static bool read_names(const json_t *o, struct store_certificate *c)
{
	bool good;

	good = db_fleet_get_text(o, "name", c->name, sizeof(c->name)) && db_is_word(c->name, sizeof(c->name)) &&
	       strcmp(c->name, STORE_LOST) && db_fleet_get_text(o, "gateway", c->gateway, sizeof(c->gateway)) &&
	       cordon_name_is_valid(c->gateway, sizeof(c->gateway));
	if (!good || (c->kind == DB_KIND_DEVICE && !cordon_name_is_valid(c->name, sizeof(c->name))))
		return false;
	/* A server has none. */
	return c->kind == DB_KIND_DEVICE ? db_fleet_get_mac(o, "mac", c->mac) : db_fleet_get_mac_or_none(o, "mac", c->mac);
}

static bool read_cert(const json_t *o, struct cert *out)
{
	int64_t kind, state, from, until;
	bool good;

	good = db_fleet_get_int(o, "kind", KIND_MAX, &kind) && db_fleet_get_int(o, "state", STORE_ABANDONED, &state) &&
	       state != STORE_REVOKED && db_fleet_get_int(o, "from", FLEET_TIME_MAX, &from) &&
	       db_fleet_get_int(o, "until", FLEET_TIME_MAX, &until) && until > from &&
	       db_fleet_get_hex(o, "key", out->c.key_id, sizeof(out->c.key_id), NULL) &&
	       db_fleet_get_hex(o, "fingerprint", out->c.fingerprint, sizeof(out->c.fingerprint), &out->no_fingerprint);
	if (!good)
		return false;
	out->c.kind = (int)kind;
	out->c.state = (enum store_state)state;
	out->c.not_before = from;
	out->c.not_after = until;
	if (out->no_fingerprint && (state == STORE_ISSUED || state == STORE_DELIVERED))
		return false;
	return read_names(o, &out->c);
}

static int put(struct store *s, const struct store_certificate *c)
{
	return db_run(s, db_bind(s, DB_FLEET_CERT_PUT, "biitbbbiiiit", c->serial, sizeof(c->serial), (int64_t)c->kind,
				 (int64_t)c->state, c->name, c->mac, sizeof(c->mac), is_made(c) ? c->fingerprint : NULL,
				 sizeof(c->fingerprint), c->key_id, sizeof(c->key_id), (int64_t)c->not_before,
				 (int64_t)c->not_after, (int64_t)c->revoked, (int64_t)c->reason, c->gateway));
}

/* One serial number is one certificate: another by the same number is somebody's mistake or worse. */
static bool is_another(const struct store_certificate *own, const struct store_certificate *c)
{
	if (!strcmp(own->name, STORE_LOST))
		return false;
	return own->kind != c->kind || strcmp(own->name, c->name) || memcmp(own->mac, c->mac, sizeof(c->mac)) ||
	       memcmp(own->key_id, c->key_id, sizeof(c->key_id)) ||
	       (is_made(own) && is_made(c) && memcmp(own->fingerprint, c->fingerprint, sizeof(c->fingerprint))) ||
	       (*own->gateway && strcmp(own->gateway, "?") && strcmp(own->gateway, c->gateway));
}

/* Both sides changed it: it goes from reserved over issued to delivered, or is abandoned for good. */
static void merge(const struct store_certificate *own, struct store_certificate *c)
{
	if (!strcmp(own->name, STORE_LOST) || c->state == STORE_ABANDONED)
		return;
	if (own->state != STORE_REVOKED && own->state > c->state)
		c->state = own->state;
	if (is_made(own)) {
		memcpy(c->fingerprint, own->fingerprint, sizeof(c->fingerprint));
		c->not_after = own->not_after;
	}
}

/* A device that was retired here, which etcd does not know yet, has got no certificate meanwhile. */
static int check_retired(struct store *s, struct fleet_in *in, const struct store_certificate *c)
{
	char key[STORE_KEY_LEN];
	struct fleet_in device = { .key = db_fleet_name_key(key, "device", c->name) };
	struct store_device d;
	int err;

	if (c->kind != DB_KIND_DEVICE || c->state == STORE_REVOKED || c->state == STORE_ABANDONED)
		return 0;
	err = store_device_get(s, c->name, &d);
	if (err || !d.retired)
		return err == -ENOENT ? 0 : err;
	err = db_fleet_find_note(s, &device);
	return err || !device.noted ? err : db_fleet_revoke(s, in, c->serial);
}

static int drop(struct store *s, const struct fleet_in *in)
{
	struct store_certificate own;
	int err = store_cert_get(s, in->k.id, &own, NULL, NULL);

	if (err)
		return err == -ENOENT ? 0 : err;
	/* That it is revoked counts until it has ended. */
	if (in->noted || (own.state == STORE_REVOKED && own.not_after >= time(NULL)))
		return 0;
	return db_run(s, db_bind(s, DB_FLEET_CERT_DROP, "b", in->k.id, (size_t)STORE_SERIAL_LEN));
}

static int put_over(struct store *s, const struct fleet_in *in, const struct store_certificate *own,
		    struct store_certificate *c)
{
	if (is_another(own, c))
		return -EPROTO;
	if (in->noted)
		merge(own, c);
	if (own->state == STORE_REVOKED) {
		c->state = STORE_REVOKED;
		c->revoked = own->revoked;
		c->reason = own->reason;
		in->effect->what = STORE_FLEET_REVOKED;
		memcpy(in->effect->mac, c->mac, sizeof(c->mac));
		memcpy(in->effect->fingerprint, c->fingerprint, sizeof(c->fingerprint));
	}
	return put(s, c);
}

/** db_fleet_cert_apply - its row, by the value; a revocation stays */
int db_fleet_cert_apply(struct store *s, struct fleet_in *in)
{
	struct store_certificate own;
	struct cert t = { .c = { .kind = 0 } };
	int err;

	if (!in->value)
		return drop(s, in);
	if (!read_cert(in->json, &t))
		return -EPROTO;
	memcpy(t.c.serial, in->k.id, STORE_SERIAL_LEN);
	if (!strcmp(t.c.gateway, in->self))
		memset(t.c.gateway, 0, sizeof(t.c.gateway));
	err = store_cert_get(s, t.c.serial, &own, NULL, NULL);
	if (!err)
		return put_over(s, in, &own, &t.c);
	if (err != -ENOENT)
		return err;
	err = put(s, &t.c);
	return err ? err : check_retired(s, in, &t.c);
}
