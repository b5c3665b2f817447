// SPDX-License-Identifier: GPL-2.0
/* Devices in the registry, and their check-ins. */
#include <errno.h>
#include <string.h>

#include "store/db.h"

#define COLUMN_ID	9
#define COLUMN_CHECKINS	10

static void read_device(sqlite3_stmt *stmt, struct store_device *out)
{
	memset(out, 0, sizeof(*out));
	db_text(stmt, 0, out->name, sizeof(out->name));
	db_blob(stmt, 1, out->mac, sizeof(out->mac));
	out->approval = sqlite3_column_int(stmt, 2);
	out->approved = sqlite3_column_int(stmt, 3);
	out->enrolled = sqlite3_column_int64(stmt, 4);
	out->checkin = sqlite3_column_int64(stmt, 5);
	db_text(stmt, 6, out->firmware, sizeof(out->firmware));
	db_text(stmt, 7, out->model, sizeof(out->model));
	out->retired = sqlite3_column_int64(stmt, 8);
}

/* 0, or -errno: -ENOENT is told. */
static int find(struct store *s, const char *name, struct store_device *out, int64_t *id,
		int64_t *checkins)
{
	sqlite3_stmt *stmt = db_bind(s, DB_DEVICE_GET, "t", name);
	int got = db_step(s, stmt);

	if (got == 1) {
		read_device(stmt, out);
		*id = sqlite3_column_int64(stmt, COLUMN_ID);
		*checkins = sqlite3_column_int64(stmt, COLUMN_CHECKINS);
		return db_end(stmt, 0);
	}
	if (db_end(stmt, got) < 0)
		return got;
	return db_refuse(s, -ENOENT, "no device '%.64s' in the registry", name);
}

/**
 * store_device_get - a device by its name
 * @s: the registry
 * @name: its
 * @out: set on success
 *
 * Return: 0; -ENOENT; another -errno.
 */
int store_device_get(struct store *s, const char *name, struct store_device *out)
{
	int64_t id, checkins;

	return find(s, name, out, &id, &checkins);
}

/**
 * store_device_approve - an operator lets it have its certificate
 * @s: the registry
 * @name: the device's
 *
 * Return: 0; -ENOENT; another -errno.
 */
int store_device_approve(struct store *s, const char *name)
{
	bool own;
	int err;

	err = db_enter(s, true, &own);
	if (err)
		return err;
	err = db_run(s, db_bind(s, DB_DEVICE_APPROVE, "t", name));
	if (!err && !sqlite3_changes(s->db))
		err = db_refuse(s, -ENOENT, "no device '%.64s' in the registry", name);
	return db_leave(s, own, err);
}

/* As a new token would make it. */
static int replace(struct store *s, const char *name, const uint8_t mac[6])
{
	int err = db_run(s, db_bind(s, DB_FIRMWARE_FORGET, "tb", name, mac, (size_t)6));

	if (!err)
		err = db_run(s, db_bind(s, DB_ACTION_FORGET, "tb", name, mac, (size_t)6));
	if (!err)
		err = db_run(s, db_bind(s, DB_DEVICE_PUT, "tbi", name, mac, (size_t)6, (int64_t)0));
	if (!err)
		err = db_pending_drop(s, name);
	/* Of the device by the MAC before, used up or not. */
	return err ? err : db_run(s, db_bind(s, DB_TOKEN_WITHDRAW, "ti", name, (int64_t)DB_TOKEN_USED + 1));
}

/**
 * db_device_meet - as store_device_meet(), whoever else has that MAC
 * @s: the registry, in a transaction
 * @name: of the device
 * @mac: its
 *
 * Return: 0 or -errno.
 */
int db_device_meet(struct store *s, const char *name, const uint8_t mac[6])
{
	struct store_device device;
	int err = db_run(s, db_bind(s, DB_DEVICE_MEET, "tb", name, mac, (size_t)6));

	if (!err)
		err = store_device_get(s, name, &device);
	return err || !memcmp(device.mac, mac, sizeof(device.mac)) ? err : replace(s, name, mac);
}

/**
 * store_device_meet - see that a device is in the registry
 * @s: the registry; without a transaction it makes one
 * @name: its
 * @mac: its; another one than before makes it another device, which never enrolled and has no token
 *
 * Return: 0; -EPERM, the MAC is that of another name; another -errno.
 */
int store_device_meet(struct store *s, const char *name, const uint8_t mac[6])
{
	bool own;
	int err;

	err = db_enter(s, true, &own);
	if (err)
		return err;
	err = db_check_mac(s, name, mac);
	return db_leave(s, own, err ? err : db_device_meet(s, name, mac));
}

/**
 * store_device_each - every device, by name
 * @s: the registry
 * @each: called with it; what it returns but 0 ends the walk. May use the registry
 * @arg: for @each
 *
 * Return: 0; what @each returned; -errno.
 */
int store_device_each(struct store *s, int (*each)(const struct store_device *d, void *arg),
		      void *arg)
{
	struct store_device device;
	sqlite3_stmt *stmt = NULL;
	int got, ret = 0;

	/* One of its own, as @each may come back here. */
	if (sqlite3_prepare_v2(s->db, "SELECT name, mac, approval, approved, enrolled, checkin,"
			       " firmware, model, retired FROM device ORDER BY name", -1, &stmt, NULL))
		return db_fail(s, "read");
	while (!ret && (got = db_step(s, stmt))) {
		if (got == 1)
			read_device(stmt, &device);
		ret = got == 1 ? each(&device, arg) : got;
	}
	sqlite3_finalize(stmt);
	return ret;
}

/* Whoever shows the certificate has it, whether or not its delivery was recorded. */
static int check_certificate(struct store *s, const struct store_device *d,
			     const uint8_t serial[STORE_SERIAL_LEN])
{
	char text[2 * STORE_SERIAL_LEN + 1];
	struct store_certificate cert;
	int err = store_cert_get(s, serial, &cert, NULL, NULL);

	if (err)
		return err;
	db_serial_text(serial, text);
	if (cert.kind != DB_KIND_DEVICE || strcmp(cert.name, d->name) ||
	    memcmp(cert.mac, d->mac, sizeof(d->mac)))
		return db_refuse(s, -EPERM, "certificate %s is not of device '%s'", text, d->name);
	if (cert.state == STORE_REVOKED)
		return db_refuse(s, -EPERM, "certificate %s is revoked", text);
	if (cert.state == STORE_ISSUED)
		return db_deliver(s, &cert);
	if (cert.state != STORE_DELIVERED)
		return db_refuse(s, -EPERM, "certificate %s was never issued", text);
	return 0;
}

static int record(struct store *s, const char *name, const uint8_t serial[STORE_SERIAL_LEN],
		  time_t now, const char *firmware)
{
	int64_t id = 0, checkins = 0;
	struct store_device device;
	int err;

	err = find(s, name, &device, &id, &checkins);
	if (!err)
		err = check_certificate(s, &device, serial);
	if (err)
		return err;
	if (!firmware)
		firmware = device.firmware;
	else if (*firmware)
		err = store_firmware_report(s, name, firmware, "check-in", now);
	if (err)
		return err;
	err = db_run(s, db_bind(s, DB_DEVICE_CHECKIN, "iit", id, (int64_t)now, firmware));
	if (err)
		return err;
	return db_run(s, db_bind(s, DB_CHECKIN_PUT, "iiibt", id, checkins % DB_CHECKINS,
				 (int64_t)now, serial, (size_t)STORE_SERIAL_LEN, firmware));
}

/**
 * store_checkin - a device has proved who it is
 * @s: the registry; without a transaction it makes one that is not durable
 * @name: the device's
 * @serial: of the certificate it showed
 * @now: when
 * @firmware: as it told, printable ASCII; NULL, it did not
 *
 * The last 16 of a device are kept. A certificate whose delivery was not recorded is
 * delivered with it, and its token used up.
 *
 * Return: 0; -ENOENT, no such device or certificate; -EPERM, it is another's, revoked or
 * was never issued; -EINVAL, @firmware; another -errno.
 */
int store_checkin(struct store *s, const char *name, const uint8_t serial[STORE_SERIAL_LEN],
		  time_t now, const char *firmware)
{
	bool own;
	int err;

	if (firmware && *firmware &&
	    !db_is_word(firmware, sizeof(((struct store_device *)0)->firmware)))
		return db_refuse(s, -EINVAL, "the firmware's version is longer than 63 bytes, or "
				 "not printable ASCII");
	err = db_enter(s, false, &own);
	return err ? err : db_leave(s, own, record(s, name, serial, now, firmware));
}
