// SPDX-License-Identifier: GPL-2.0
/* Devices that go out of use. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "store/db.h"

/**
 * struct serials - certificates that are to be revoked
 * @list: their serial numbers
 * @n: how many
 * @known: certificates of the device, revoked ones among them
 */
struct serials {
	uint8_t (*list)[STORE_SERIAL_LEN];
	size_t n;
	size_t known;
};

/* One that is reserved may be made the next moment. */
static int collect(const struct store_certificate *c, void *arg)
{
	uint8_t (*more)[STORE_SERIAL_LEN];
	struct serials *all = arg;

	if (c->kind != DB_KIND_DEVICE)
		return 0;
	all->known++;
	if (c->state == STORE_REVOKED || c->state == STORE_ABANDONED)
		return 0;
	more = reallocarray(all->list, all->n + 1, sizeof(*more));
	if (!more)
		return -ENOMEM;
	all->list = more;
	memcpy(all->list[all->n++], c->serial, STORE_SERIAL_LEN);
	return 0;
}

static int revoke(struct store *s, const char *name, time_t now, int reason, struct serials *all)
{
	int err = store_cert_each(s, name, collect, all);
	size_t i;

	if (err == -ENOMEM)
		db_refuse(s, err, "no memory for the certificates of '%.64s'", name);
	for (i = 0; !err && i < all->n; i++)
		err = store_cert_revoke(s, all->list[i], now, reason);
	return err;
}

static int retire(struct store *s, const char *name, time_t now, int reason, struct store_retired *out)
{
	struct serials all = { NULL, 0, 0 };
	struct store_device device;
	int err = store_device_get(s, name, &device);
	const bool known = !err;

	if (err && err != -ENOENT)
		return err;
	err = revoke(s, name, now, reason, &all);
	out->revoked += all.n;
	free(all.list);
	if (!err && !known && !all.known)
		err = db_refuse(s, -ENOENT, "no device '%.64s' in the registry", name);
	if (err || !known)
		return err;
	out->again = device.retired;
	err = db_pending_drop(s, name);
	if (!err)
		err = db_run(s, db_bind(s, DB_TOKEN_BURN_OF, "t", name));
	if (!err)
		out->token |= sqlite3_changes(s->db) > 0;
	/* A roll-out waits for it no more, and its share is of those that are left. */
	if (!err)
		err = db_run(s, db_bind(s, DB_ACTION_RETIRE, "ti", name, (int64_t)now));
	if (!err && !device.retired)
		err = db_run(s, db_bind(s, DB_DEVICE_RETIRE, "ti", name, (int64_t)now));
	return err;
}

/* The policy's name, should the registry not know it yet; and each that the registry has had for the same MAC. */
static int retire_all(struct store *s, const char *name, const uint8_t *mac, time_t now, int reason,
		      struct store_retired *out)
{
	struct store_device other = { .name = "" };
	int err = mac ? db_device_meet(s, name, mac) : 0;
	bool again;

	if (!err)
		err = retire(s, name, now, reason, out);
	again = out->again;
	while (!err && mac) {
		err = store_device_of_mac(s, mac, &other);
		if (err || other.retired)
			break;
		err = retire(s, other.name, now, reason, out);
	}
	out->again = again;
	return err;
}

/**
 * store_device_retire - a device is out of use
 * @s: the registry; without a transaction it makes a durable one
 * @name: the device's
 * @mac: the policy's for it, by which the registry may know it by other names, or not yet; NULL, it has none
 * @now: seconds since 1970
 * @reason: RFC 5280, 5.3.1
 * @out: set on success
 *
 * Return: 0, also where it was done before; -ENOENT, the registry knows nothing of that name; another -errno. Nothing
 * is changed then.
 */
int store_device_retire(struct store *s, const char *name, const uint8_t *mac, time_t now, int reason,
			struct store_retired *out)
{
	bool own;
	int err;

	memset(out, 0, sizeof(*out));
	err = db_enter(s, true, &own);
	return err ? err : db_leave(s, own, retire_all(s, name, mac, now, reason, out));
}

/**
 * store_device_of_mac - a device by its MAC
 * @s: the registry
 * @mac: its
 * @out: set on success; of several names that had it, the last that enrolled
 *
 * Return: 0; -ENOENT; another -errno.
 */
int store_device_of_mac(struct store *s, const uint8_t mac[6], struct store_device *out)
{
	sqlite3_stmt *stmt = NULL;
	char name[64] = "";
	int got;

	if (sqlite3_prepare_v2(s->db, "SELECT name FROM device WHERE mac = ?1"
			       " ORDER BY retired != 0, enrolled DESC, id DESC LIMIT 1", -1, &stmt, NULL))
		return db_fail(s, "read");
	sqlite3_bind_blob(stmt, 1, mac, 6, SQLITE_STATIC);
	got = db_step(s, stmt);
	if (got == 1)
		db_text(stmt, 0, name, sizeof(name));
	sqlite3_finalize(stmt);
	if (got < 0)
		return got;
	return got ? store_device_get(s, name, out) : db_refuse(s, -ENOENT, "no device with that MAC in the registry");
}

/**
 * store_token_facts - what may be told of a device's token
 * @s: the registry
 * @name: the device's
 * @out: set on success
 *
 * Return: 0, also where there is none; -errno.
 */
int store_token_facts(struct store *s, const char *name, struct store_token_facts *out)
{
	sqlite3_stmt *stmt = NULL;
	int got;

	memset(out, 0, sizeof(*out));
	if (sqlite3_prepare_v2(s->db, "SELECT t.made, t.expires, t.state FROM token AS t"
			       " JOIN device AS d ON d.id = t.device WHERE d.name = ?1", -1, &stmt, NULL))
		return db_fail(s, "read");
	sqlite3_bind_text(stmt, 1, name, -1, SQLITE_STATIC);
	got = db_step(s, stmt);
	if (got == 1) {
		out->known = true;
		out->made = sqlite3_column_int64(stmt, 0);
		out->expires = sqlite3_column_int64(stmt, 1);
		out->used = sqlite3_column_int(stmt, 2) == DB_TOKEN_USED;
	}
	sqlite3_finalize(stmt);
	return got < 0 ? got : 0;
}
