// SPDX-License-Identifier: GPL-2.0
/* Certificates in the registry: recorded before they are made, and what became of them. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/policy.h"
#include "store/db.h"
#include "store/fleet.h"

#define DER_MAX		65536	/* bytes */
#define REASON_MAX	10	/* RFC 5280, 5.3.1: aACompromise */
#define REASON_SUPERSEDED 4
#define COLUMN_DER	12

/**
 * db_serial_text - a serial number in hexadecimal
 * @serial: big endian
 * @out: where to
 *
 * Return: @out.
 */
const char *db_serial_text(const uint8_t serial[STORE_SERIAL_LEN],
			   char out[2 * STORE_SERIAL_LEN + 1])
{
	static const char digits[] = "0123456789abcdef";
	size_t i;

	for (i = 0; i < STORE_SERIAL_LEN; i++) {
		out[2 * i] = digits[serial[i] >> 4];
		out[2 * i + 1] = digits[serial[i] & 15];
	}
	out[2 * i] = 0;
	return out;
}

static void read_cert(sqlite3_stmt *stmt, struct store_certificate *out)
{
	memset(out, 0, sizeof(*out));
	db_blob(stmt, 0, out->serial, sizeof(out->serial));
	out->kind = sqlite3_column_int(stmt, 1);
	out->state = sqlite3_column_int(stmt, 2);
	db_text(stmt, 3, out->name, sizeof(out->name));
	db_blob(stmt, 4, out->mac, sizeof(out->mac));
	db_blob(stmt, 5, out->fingerprint, sizeof(out->fingerprint));
	db_blob(stmt, 6, out->key_id, sizeof(out->key_id));
	out->not_before = sqlite3_column_int64(stmt, 7);
	out->not_after = sqlite3_column_int64(stmt, 8);
	out->revoked = sqlite3_column_int64(stmt, 9);
	out->reason = sqlite3_column_int(stmt, 10);
	db_text(stmt, 11, out->gateway, sizeof(out->gateway));
}

static int read_der(struct store *s, sqlite3_stmt *stmt, uint8_t **der, size_t *len)
{
	const void *data = sqlite3_column_blob(stmt, COLUMN_DER);
	size_t size = sqlite3_column_bytes(stmt, COLUMN_DER);

	*der = NULL;
	*len = 0;
	if (!data)
		return 0;
	*der = malloc(size);
	if (!*der)
		return db_refuse(s, -ENOMEM, "no memory for a certificate");
	memcpy(*der, data, size);
	*len = size;
	return 0;
}

/**
 * store_cert_get - a certificate by its serial number
 * @s: the registry
 * @serial: its
 * @out: set on success, otherwise zeroed
 * @der: free(); NULL in it while the certificate is not made yet, or where another gateway made it; may be NULL
 * @len: of @der; may be NULL with it
 *
 * Return: 0; -ENOENT; another -errno.
 */
int store_cert_get(struct store *s, const uint8_t serial[STORE_SERIAL_LEN],
		   struct store_certificate *out, uint8_t **der, size_t *len)
{
	sqlite3_stmt *stmt = db_bind(s, DB_CERT_GET, "b", serial, (size_t)STORE_SERIAL_LEN);
	char text[2 * STORE_SERIAL_LEN + 1];
	int got = db_step(s, stmt);

	memset(out, 0, sizeof(*out));
	if (got == 1) {
		read_cert(stmt, out);
		return db_end(stmt, der ? read_der(s, stmt, der, len) : 0);
	}
	if (db_end(stmt, got) < 0)
		return got;
	return db_refuse(s, -ENOENT, "no certificate %s in the registry",
			 db_serial_text(serial, text));
}

/* Ends @stmt. */
static int walk(struct store *s, sqlite3_stmt *stmt, int (*each)(const struct store_certificate *c, void *arg),
		void *arg)
{
	struct store_certificate cert;
	int got, ret = 0;

	while (!ret && (got = db_step(s, stmt))) {
		if (got == 1)
			read_cert(stmt, &cert);
		ret = got == 1 ? each(&cert, arg) : got;
	}
	sqlite3_finalize(stmt);
	return ret;
}

/**
 * store_cert_each - every certificate, in the order they were reserved in
 * @s: the registry
 * @name: of one device or server; NULL, all
 * @each: called with it; what it returns but 0 ends the walk. May use the registry
 * @arg: for @each
 *
 * Return: 0; what @each returned; -errno.
 */
int store_cert_each(struct store *s, const char *name,
		    int (*each)(const struct store_certificate *c, void *arg), void *arg)
{
	static const char all[] =
		"SELECT serial, kind, state, name, mac, fingerprint, key_id, not_before,"
		" not_after, revoked, reason, gateway FROM certificate ORDER BY id";
	static const char one[] =
		"SELECT serial, kind, state, name, mac, fingerprint, key_id, not_before,"
		" not_after, revoked, reason, gateway FROM certificate WHERE name = ?1 ORDER BY id";
	sqlite3_stmt *stmt = NULL;

	if (sqlite3_prepare_v2(s->db, name ? one : all, -1, &stmt, NULL))
		return db_fail(s, "read");
	if (name)
		sqlite3_bind_text(stmt, 1, name, -1, SQLITE_STATIC);
	return walk(s, stmt, each, arg);
}

/**
 * store_cert_newest - the newest certificates of a device, from the last that was reserved on
 * @s: the registry
 * @name: the device's
 * @most: so many at most
 * @each: as in store_cert_each()
 * @arg: for @each
 *
 * Return: 0; what @each returned; -errno.
 */
int store_cert_newest(struct store *s, const char *name, unsigned int most,
		      int (*each)(const struct store_certificate *c, void *arg), void *arg)
{
	sqlite3_stmt *stmt = NULL;

	if (sqlite3_prepare_v2(s->db, "SELECT serial, kind, state, name, mac, fingerprint, key_id, not_before,"
			       " not_after, revoked, reason, gateway FROM certificate"
			       " WHERE name = ?1 AND kind = 0 ORDER BY id DESC LIMIT ?2", -1, &stmt, NULL))
		return db_fail(s, "read");
	sqlite3_bind_text(stmt, 1, name, -1, SQLITE_STATIC);
	sqlite3_bind_int64(stmt, 2, most);
	return walk(s, stmt, each, arg);
}

/**
 * store_revoked_each - every certificate that is revoked, in the order they were reserved in
 * @s: the registry
 * @ends: those that end before are left out (RFC 5280, 3.3)
 * @each: as in store_cert_each()
 * @arg: for @each
 *
 * Return: 0; what @each returned; -errno.
 */
int store_revoked_each(struct store *s, time_t ends, int (*each)(const struct store_certificate *c, void *arg),
		       void *arg)
{
	sqlite3_stmt *stmt = NULL;

	if (sqlite3_prepare_v2(s->db, "SELECT serial, kind, state, name, mac, fingerprint, key_id, not_before,"
			       " not_after, revoked, reason, gateway FROM certificate"
			       " WHERE state = 3 AND not_after >= ?1 ORDER BY id", -1, &stmt, NULL))
		return db_fail(s, "read");
	sqlite3_bind_int64(stmt, 1, ends);
	return walk(s, stmt, each, arg);
}

static int check_new(struct store *s, const struct store_certificate *c)
{
	const bool device = c->kind == DB_KIND_DEVICE;

	if (!db_is_word(c->name, sizeof(c->name)) ||
	    (device && !cordon_name_is_valid(c->name, sizeof(c->name))))
		return db_refuse(s, -EINVAL, "not a name to certify: '%.63s'", c->name);
	if (c->not_after <= c->not_before)
		return db_refuse(s, -EINVAL, "a certificate that ends before it begins");
	return 0;
}

/**
 * db_meet_device - see that name and MAC of a certificate are one device's
 * @s: the registry, in a transaction
 * @c: the certificate; a device that the registry does not know yet is added
 *
 * Return: 0; -EPERM, the registry has another MAC for the name, or it was retired; another -errno.
 */
int db_meet_device(struct store *s, const struct store_certificate *c)
{
	struct store_device device;
	char has[18], wants[18];
	int err;

	err = db_run(s, db_bind(s, DB_DEVICE_MEET, "tb", c->name, c->mac, sizeof(c->mac)));
	if (!err)
		err = store_device_get(s, c->name, &device);
	if (!err && memcmp(device.mac, c->mac, sizeof(c->mac)))
		err = db_refuse(s, -EPERM, "device '%s' has MAC %s in the registry, not %s: a new "
				"token changes it", c->name, policy_mac_text(device.mac, has),
				policy_mac_text(c->mac, wants));
	if (!err && device.retired)
		err = db_refuse(s, -EPERM, "device '%s' was retired: a new token takes it back", c->name);
	return err;
}

/* In a fleet, the number was reserved there first, and is in the registry from there. */
static bool is_reserved(struct store *s, const struct store_certificate *c)
{
	struct store_certificate own;
	struct store_fleet f;

	return !store_fleet_get(s, &f) && !store_cert_get(s, c->serial, &own, NULL, NULL) && !*own.gateway &&
	       own.state == STORE_RESERVED && own.kind == c->kind && !strcmp(own.name, c->name) &&
	       !memcmp(own.mac, c->mac, sizeof(c->mac)) && !memcmp(own.key_id, c->key_id, sizeof(c->key_id));
}

static int reserve(struct store *s, const struct store_certificate *c)
{
	char text[2 * STORE_SERIAL_LEN + 1];
	int err = c->kind == DB_KIND_DEVICE ? db_meet_device(s, c) : 0;

	if (err)
		return err;
	err = db_run(s, db_bind(s, DB_CERT_PUT, "bitbbii", c->serial, sizeof(c->serial),
				(int64_t)c->kind, c->name, c->mac, sizeof(c->mac), c->key_id,
				sizeof(c->key_id), (int64_t)c->not_before, (int64_t)c->not_after));
	if (err == -EEXIST && is_reserved(s, c))
		return 0;
	if (err == -EEXIST)
		db_refuse(s, err, "serial number %s is taken", db_serial_text(c->serial, text));
	return err;
}

/**
 * store_cert_reserve - record a certificate that is about to be made
 * @s: the registry; without a transaction it makes one
 * @cert: serial, kind, name, mac, key_id, not_before and not_after
 *
 * Return: 0, in a fleet also where it was reserved there; -EEXIST, the serial number is taken;
 * -EPERM, the registry knows the device by another MAC; -EINVAL, an argument; another -errno.
 */
int store_cert_reserve(struct store *s, const struct store_certificate *cert)
{
	bool own;
	int err;

	err = check_new(s, cert);
	if (!err)
		err = db_enter(s, true, &own);
	return err ? err : db_leave(s, own, reserve(s, cert));
}

/* The certificate, which must be in that state. */
static int expect(struct store *s, const uint8_t serial[STORE_SERIAL_LEN], enum store_state state,
		  struct store_certificate *out)
{
	static const char * const names[] = {
		[STORE_RESERVED] = "reserved", [STORE_ISSUED] = "issued",
		[STORE_DELIVERED] = "delivered", [STORE_REVOKED] = "revoked",
		[STORE_ABANDONED] = "abandoned",
	};
	char text[2 * STORE_SERIAL_LEN + 1];
	int err = store_cert_get(s, serial, out, NULL, NULL);

	if (!err && out->state != state)
		err = db_refuse(s, -EPERM, "certificate %s is %s, not %s",
				db_serial_text(serial, text), names[out->state], names[state]);
	return err;
}

static int issue(struct store *s, const uint8_t serial[STORE_SERIAL_LEN], const uint8_t *der,
		 size_t len, const uint8_t fingerprint[32], time_t not_after)
{
	struct store_certificate cert;
	int err = expect(s, serial, STORE_RESERVED, &cert);

	if (!err && not_after <= cert.not_before)
		err = db_refuse(s, -EINVAL, "a certificate that ends before it begins");
	return err ? err : db_run(s, db_bind(s, DB_CERT_ISSUED, "bbbi", serial,
					     (size_t)STORE_SERIAL_LEN, der, len, fingerprint,
					     (size_t)32, (int64_t)not_after));
}

/**
 * store_cert_issued - a reserved certificate is made; commit before anybody gets it
 * @s: the registry; without a transaction it makes one
 * @serial: its
 * @der: the certificate
 * @len: of @der
 * @fingerprint: SHA-256 of @der
 * @not_after: as it was made
 *
 * Return: 0; -ENOENT; -EPERM, it is not reserved (any more); -EINVAL; another -errno.
 */
int store_cert_issued(struct store *s, const uint8_t serial[STORE_SERIAL_LEN], const uint8_t *der,
		      size_t len, const uint8_t fingerprint[32], time_t not_after)
{
	bool own;
	int err;

	if (!len || len > DER_MAX)
		return db_refuse(s, -EINVAL, "a certificate of %zu bytes", len);
	err = db_enter(s, true, &own);
	return err ? err : db_leave(s, own, issue(s, serial, der, len, fingerprint, not_after));
}

/**
 * db_deliver - an issued certificate has arrived: its token is used up
 * @s: the registry, in a transaction
 * @cert: it
 *
 * Return: 0 or -errno.
 */
int db_deliver(struct store *s, const struct store_certificate *cert)
{
	int err;

	err = db_run(s, db_bind(s, DB_CERT_DELIVERED, "b", cert->serial, sizeof(cert->serial)));
	if (!err && cert->kind == DB_KIND_DEVICE)
		err = db_run(s, db_bind(s, DB_TOKEN_BURN, "tb", cert->name, cert->serial,
					sizeof(cert->serial)));
	if (!err && cert->kind == DB_KIND_DEVICE)
		err = db_run(s, db_bind(s, DB_DEVICE_ENROLLED, "ti", cert->name,
					(int64_t)cert->not_before));
	return err;
}

static int deliver(struct store *s, const uint8_t serial[STORE_SERIAL_LEN])
{
	struct store_certificate cert;
	int err = expect(s, serial, STORE_ISSUED, &cert);

	/* It was handed out twice, and both arrived. */
	if (err == -EPERM && cert.state == STORE_DELIVERED)
		return 0;
	return err ? err : db_deliver(s, &cert);
}

/**
 * store_cert_delivered - the device has its certificate; the token is used up with it
 * @s: the registry; without a transaction it makes one
 * @serial: its
 *
 * Return: 0, also where it was delivered before; -ENOENT; -EPERM, it is not issued or is
 * revoked; another -errno.
 */
int store_cert_delivered(struct store *s, const uint8_t serial[STORE_SERIAL_LEN])
{
	bool own;
	int err;

	err = db_enter(s, true, &own);
	return err ? err : db_leave(s, own, deliver(s, serial));
}

static int revoke(struct store *s, const uint8_t serial[STORE_SERIAL_LEN], time_t when, int reason)
{
	char text[2 * STORE_SERIAL_LEN + 1];
	struct store_certificate cert;
	int err = store_cert_get(s, serial, &cert, NULL, NULL);

	if (!err && cert.state == STORE_REVOKED)
		err = db_refuse(s, -EALREADY, "certificate %s is revoked already",
				db_serial_text(serial, text));
	if (!err)
		err = db_run(s, db_bind(s, DB_CERT_REVOKE, "bii", serial, (size_t)STORE_SERIAL_LEN,
					(int64_t)when, (int64_t)reason));
	/* What was approved before was not approved in spite of this. */
	if (!err && cert.kind == DB_KIND_DEVICE && reason != REASON_SUPERSEDED)
		err = db_pending_drop(s, cert.name);
	return err ? err : db_run(s, db_bind(s, DB_COUNT_UP, "t", "revocations"));
}

/**
 * store_cert_revoke - a certificate is no longer to be trusted
 * @s: the registry; without a transaction it makes one
 * @serial: its, in whatever state: one that was reserved may have been made
 * @when: seconds since 1970
 * @reason: RFC 5280, 5.3.1; but for superseded, it takes a device's approvals back
 *
 * Return: 0; -ENOENT; -EALREADY; -EINVAL, no such reason; another -errno.
 */
int store_cert_revoke(struct store *s, const uint8_t serial[STORE_SERIAL_LEN], time_t when,
		      int reason)
{
	bool own;
	int err;

	/* 7 is not used; 6 and 8 are for holding a certificate, and these are never freed again. */
	if (reason < 0 || reason > REASON_MAX || (reason >= 6 && reason <= 8))
		return db_refuse(s, -EINVAL, "no such reason for a revocation: %d", reason);
	err = db_enter(s, true, &own);
	return err ? err : db_leave(s, own, revoke(s, serial, when, reason));
}

/**
 * store_recover - what was reserved before a crash was never handed out
 * @s: the registry, with nobody else issuing; without a transaction it makes one
 * @abandoned: how many there were; may be NULL
 *
 * Return: 0 or -errno.
 */
int store_recover(struct store *s, unsigned int *abandoned)
{
	bool own;
	int err;

	err = db_enter(s, true, &own);
	if (err)
		return err;
	err = db_run(s, db_bind(s, DB_CERT_RECOVER, ""));
	if (!err && abandoned)
		*abandoned = sqlite3_changes(s->db);
	return db_leave(s, own, err);
}

/**
 * store_prune - forget certificates that ended long ago
 * @s: the registry; without a transaction it makes one
 * @before: those that ended before; leave a revoked one time to be on a CRL after its end
 *	(RFC 5280, 3.3)
 * @gone: how many; may be NULL
 *
 * Return: 0 or -errno.
 */
int store_prune(struct store *s, time_t before, unsigned int *gone)
{
	bool own;
	int err;

	err = db_enter(s, true, &own);
	if (err)
		return err;
	err = db_run(s, db_bind(s, DB_CERT_PRUNE, "i", (int64_t)before));
	if (!err && gone)
		*gone = sqlite3_changes(s->db);
	return db_leave(s, own, err);
}

static int count(struct store *s, const char *name, uint64_t *value)
{
	sqlite3_stmt *stmt = db_bind(s, DB_COUNT, "t", name);
	int got = db_step(s, stmt);

	if (got == 1)
		*value = sqlite3_column_int64(stmt, 0);
	else if (!got)
		got = db_refuse(s, -EIO, "the registry has no counter '%s'", name);
	return db_end(stmt, got < 0 ? got : 0);
}

/**
 * store_crl_number - the number of the next CRL (RFC 5280, 5.2.3)
 * @s: the registry; without a transaction it makes a durable one
 * @number: never the same twice, once it is committed
 *
 * Return: 0 or -errno.
 */
int store_crl_number(struct store *s, uint64_t *number)
{
	bool own;
	int err;

	err = db_enter(s, true, &own);
	if (err)
		return err;
	err = db_run(s, db_bind(s, DB_COUNT_UP, "t", "crl"));
	if (!err)
		err = count(s, "crl", number);
	return db_leave(s, own, err);
}

/**
 * store_revocations - how often something was revoked
 * @s: the registry
 * @generation: whoever keeps a CRL compares it
 *
 * Return: 0 or -errno.
 */
int store_revocations(struct store *s, uint64_t *generation)
{
	return count(s, "revocations", generation);
}

/**
 * store_cert_has_key - has a device a certificate of a key that counts
 * @s: the registry
 * @name: the device's
 * @mac: likewise
 * @key_id: SHA-256 of the SubjectPublicKeyInfo
 * @now: seconds since 1970
 * @has: it has one that was made, is not revoked and not over; set on success
 *
 * Return: 0 or -errno.
 */
int store_cert_has_key(struct store *s, const char *name, const uint8_t mac[6], const uint8_t key_id[32],
		       time_t now, bool *has)
{
	sqlite3_stmt *stmt = db_bind(s, DB_CERT_KEY, "tbbi", name, mac, (size_t)6, key_id, (size_t)32, (int64_t)now);
	int got = db_step(s, stmt);

	if (got == 1)
		*has = sqlite3_column_int(stmt, 0);
	return db_end(stmt, got < 0 ? got : 0);
}

/**
 * store_rekey_get - when a device last got another key without the old key's signature
 * @s: the registry
 * @name: the device's
 * @when: seconds since 1970; 0, never; set on success
 *
 * Return: 0 or -errno.
 */
int store_rekey_get(struct store *s, const char *name, time_t *when)
{
	sqlite3_stmt *stmt = db_bind(s, DB_REKEY_GET, "t", name);
	int got = db_step(s, stmt);

	if (got >= 0)
		*when = got == 1 ? sqlite3_column_int64(stmt, 0) : 0;
	return db_end(stmt, got < 0 ? got : 0);
}

/**
 * store_rekey_put - a device gets another key without the old key's signature
 * @s: the registry, in a transaction
 * @name: the device's
 * @mac: likewise, if the registry does not have it yet
 * @when: seconds since 1970
 *
 * Return: 0 or -errno.
 */
int store_rekey_put(struct store *s, const char *name, const uint8_t mac[6], time_t when)
{
	int err = db_run(s, db_bind(s, DB_DEVICE_MEET, "tb", name, mac, (size_t)6));

	return err ? err : db_run(s, db_bind(s, DB_REKEY_PUT, "ti", name, (int64_t)when));
}
