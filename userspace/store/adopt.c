// SPDX-License-Identifier: GPL-2.0
/*
 * A registry that was lost, or is older than what the CA has signed since: certificates that it takes over from the
 * devices that show them, revocations from the lists that were signed, and tokens that nobody can vouch for any more.
 */
#include <errno.h>
#include <string.h>

#include "lib/policy.h"
#include "store/db.h"

#define DER_MAX	65536	/* bytes */

/**
 * db_check_mac - is a MAC another device's
 * @s: the registry
 * @name: of the device that is to have it; one that has had both names is no conflict
 * @mac: the MAC
 *
 * Return: 0; -EPERM, it is; another -errno.
 */
int db_check_mac(struct store *s, const char *name, const uint8_t mac[6])
{
	sqlite3_stmt *stmt = db_bind(s, DB_DEVICE_OF_MAC, "bt", mac, (size_t)6, name);
	char other[64] = "", text[18];
	int got = db_step(s, stmt);

	if (got == 1)
		db_text(stmt, 0, other, sizeof(other));
	got = db_end(stmt, got);
	if (got == 1)
		return db_refuse(s, -EPERM, "MAC %s is that of '%s' in the registry, not of '%s'",
				 policy_mac_text(mac, text), other, name);
	return got;
}

static int adopt(struct store *s, const struct store_certificate *c, const uint8_t *der, size_t len)
{
	char text[2 * STORE_SERIAL_LEN + 1];
	int err = db_check_mac(s, c->name, c->mac);

	if (!err)
		err = db_meet_device(s, c);
	if (err)
		return err;
	err = db_run(s, db_bind(s, DB_CERT_ADOPT, "btbbbiib", c->serial, sizeof(c->serial), c->name, c->mac,
				sizeof(c->mac), c->key_id, sizeof(c->key_id), c->fingerprint, sizeof(c->fingerprint),
				(int64_t)c->not_before, (int64_t)c->not_after, der, len));
	if (err == -EEXIST)
		return db_refuse(s, err, "serial number %s is in the registry", db_serial_text(c->serial, text));
	return err ? err : db_run(s, db_bind(s, DB_DEVICE_ENROLLED, "ti", c->name, (int64_t)c->not_before));
}

/**
 * store_cert_adopt - take over a device's certificate that the registry does not know
 * @s: the registry; without a transaction it makes a durable one
 * @cert: all of it but kind and state; the caller has checked the CA's signature, and that the device has the key
 * @der: the certificate
 * @len: of @der
 *
 * It is delivered then, and counts as older than every certificate that was made here: it says nothing of what its
 * device has learned since.
 *
 * Return: 0; -EEXIST, the serial number is in the registry; -EPERM, the registry knows the name by another MAC or the
 * MAC by another name; -EINVAL, an argument; another -errno.
 */
int store_cert_adopt(struct store *s, const struct store_certificate *cert, const uint8_t *der, size_t len)
{
	bool own;
	int err;

	if (!len || len > DER_MAX || cert->not_after <= cert->not_before)
		return db_refuse(s, -EINVAL, "no certificate that could be adopted");
	if (strnlen(cert->name, CORDON_DEVICE_NAME_LEN) >= CORDON_DEVICE_NAME_LEN ||
	    !cordon_name_is_valid(cert->name, CORDON_DEVICE_NAME_LEN))
		return db_refuse(s, -EINVAL, "not a device's name: '%.63s'", cert->name);
	err = db_enter(s, true, &own);
	return err ? err : db_leave(s, own, adopt(s, cert, der, len));
}

static int add_lost(struct store *s, const uint8_t serial[STORE_SERIAL_LEN], time_t when, int reason, time_t ends)
{
	int err = db_run(s, db_bind(s, DB_CERT_LOST, "btiii", serial, (size_t)STORE_SERIAL_LEN, STORE_LOST,
				    (int64_t)ends, (int64_t)when, (int64_t)reason));

	return err ? err : db_run(s, db_bind(s, DB_COUNT_UP, "t", "revocations"));
}

/**
 * store_revoked_add - what is on a revocation list is revoked here, too
 * @s: the registry; without a transaction it makes one
 * @serial: of the certificate, whether it is known here or not
 * @when: seconds since 1970
 * @reason: RFC 5280, 5.3.1; one that no certificate of ours is revoked for counts as none
 * @ends: when a certificate that is not known here ends at the latest
 * @news: set on success: it was not revoked here
 *
 * Return: 0 or -errno.
 */
int store_revoked_add(struct store *s, const uint8_t serial[STORE_SERIAL_LEN], time_t when, int reason, time_t ends,
		      bool *news)
{
	bool own;
	int err;

	if (reason < 0 || reason > 10 || (reason >= 6 && reason <= 8))
		reason = 0;
	err = db_enter(s, true, &own);
	if (err)
		return err;
	err = store_cert_revoke(s, serial, when, reason);
	*news = err != -EALREADY;
	if (err == -ENOENT)
		err = add_lost(s, serial, when, reason, ends);
	return db_leave(s, own, err == -EALREADY ? 0 : err);
}

/**
 * store_tokens_burn - no token of before is good any more, nor an approval
 * @s: the registry; without a transaction it makes one
 * @until: those that were made by then
 * @burnt: how many were not used up
 *
 * Return: 0 or -errno.
 */
int store_tokens_burn(struct store *s, int64_t until, unsigned int *burnt)
{
	bool own;
	int err;

	err = db_enter(s, true, &own);
	if (err)
		return err;
	err = db_run(s, db_bind(s, DB_TOKEN_BURN_ALL, "i", until));
	if (!err)
		*burnt = sqlite3_changes(s->db);
	/* What was approved may have been used since. */
	if (!err)
		err = db_run(s, db_bind(s, DB_PENDING_DROP_ALL, ""));
	if (!err)
		err = db_run(s, db_bind(s, DB_DEVICE_UNAPPROVE_ALL, ""));
	return db_leave(s, own, err);
}

static int count(struct store *s, const char *name, int64_t *value)
{
	sqlite3_stmt *stmt = db_bind(s, DB_COUNT, "t", name);
	int got = db_step(s, stmt);

	*value = got == 1 ? sqlite3_column_int64(stmt, 0) : 0;
	return db_end(stmt, got < 0 ? got : 0);
}

/**
 * store_crl_last - the number of the last revocation list that this registry gave
 * @s: the registry
 * @number: 0, none yet
 *
 * Return: 0 or -errno.
 */
int store_crl_last(struct store *s, uint64_t *number)
{
	int64_t value;
	int err = count(s, "crl", &value);

	*number = value;
	return err;
}

/**
 * store_crl_raise - the next revocation list has a greater number
 * @s: the registry; without a transaction it makes one
 * @number: than this
 *
 * Return: 0; -EINVAL, no number that could be counted on; another -errno.
 */
int store_crl_raise(struct store *s, uint64_t number)
{
	bool own;
	int err;

	if (number > INT64_MAX / 2)
		return db_refuse(s, -EINVAL, "a revocation list with a number that is none of ours");
	err = db_enter(s, true, &own);
	if (err)
		return err;
	return db_leave(s, own, db_run(s, db_bind(s, DB_COUNT_RAISE, "ti", "crl", (int64_t)number)));
}

/**
 * store_restored_put - the registry is older than what was signed since
 * @s: the registry; without a transaction it makes one
 * @when: that was found, seconds since 1970
 *
 * Return: 0 or -errno.
 */
int store_restored_put(struct store *s, time_t when)
{
	bool own;
	int err;

	err = db_enter(s, true, &own);
	if (err)
		return err;
	err = db_run(s, db_bind(s, DB_COUNT_PUT, "ti", "restored", (int64_t)when));
	/* What the fleet shares is listed anew; nothing of it is told that etcd may know better. */
	if (!err)
		err = db_run(s, db_bind(s, DB_FLEET_STALE_NOTES, ""));
	if (!err)
		err = db_run(s, db_bind(s, DB_FLEET_STALE_KEYS, ""));
	if (!err)
		err = db_run(s, db_bind(s, DB_FLEET_STALE, ""));
	return db_leave(s, own, err);
}

/**
 * store_restored_get - was the registry restored, or lost
 * @s: the registry
 * @when: last, seconds since 1970; 0, never
 *
 * Return: 0 or -errno.
 */
int store_restored_get(struct store *s, time_t *when)
{
	int64_t value;
	int err = count(s, "restored", &value);

	*when = value;
	return err;
}
