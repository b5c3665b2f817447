// SPDX-License-Identifier: GPL-2.0
/* What registry and CA know: when certificates end, what devices run, and how roll-outs go. They are only read. */
#include <errno.h>
#include <string.h>

#include "history/writer.h"
#include "pki/pki.h"
#include "store/firmware.h"
#include "store/store.h"

#define ENDED	(30 * 86400)	/* seconds for which a certificate is told of that has ended */

/**
 * struct reading - a registry that is read
 * @w: the writer
 * @store: the registry
 * @now: the time
 */
struct reading {
	struct history_writer *w;
	struct store store;
	time_t now;
};

static const char put_certificate[] =
	"INSERT INTO live.certificate VALUES(?1, ?2, ?3, ?4) ON CONFLICT(serial) DO UPDATE SET until = ?4 WHERE until <> ?4";
static const char keep[] = "INSERT OR IGNORE INTO temp.kept VALUES(?1)";

static int on_device(const struct store_device *d, void *arg)
{
	static const char sql[] = "UPDATE live.now SET version = ?2 WHERE mac = ?1 AND version IS NOT ?2";
	struct reading *r = arg;
	char mac[18];

	return history_run(r->w, sql, "te", policy_mac_text(d->mac, mac), d->firmware);
}

static const char *kind_name(int kind)
{
	static const char *const names[] = { "device", "server", "code", "operator" };

	return kind >= 0 && kind < (int)(sizeof(names) / sizeof(*names)) ? names[kind] : "other";
}

static int on_certificate(const struct store_certificate *c, void *arg)
{
	static const char now[] =
		"UPDATE live.now SET certificate = ?2, certificate_end = ?3 WHERE mac = ?1 AND coalesce(certificate_end, 0) < ?3";
	char serial[2 * STORE_SERIAL_LEN + 1], mac[18];
	struct reading *r = arg;

	if ((c->state != STORE_ISSUED && c->state != STORE_DELIVERED) || c->not_after < r->now - ENDED)
		return 0;
	policy_hex_text(c->serial, STORE_SERIAL_LEN, serial);
	history_run(r->w, put_certificate, "ttti", serial, c->name, kind_name(c->kind), (int64_t)c->not_after);
	if (c->kind == PKI_DEVICE)
		history_run(r->w, now, "tti", policy_mac_text(c->mac, mac), serial, (int64_t)c->not_after);
	return history_run(r->w, keep, "t", serial);
}

static void put_ca(struct history_writer *w, const char *kind, const X509 *cert)
{
	char text[2 * PKI_SERIAL_LEN + 1], name[128] = "";
	uint8_t serial[PKI_SERIAL_LEN];
	time_t from, until;

	if (pki_validity(cert, &from, &until))
		return;
	/* A root of another's making may have a number that is longer than ours. */
	if (pki_serial(cert, serial))
		snprintf(text, sizeof(text), "%s", kind);
	else
		pki_serial_text(serial, text);
	X509_NAME_get_text_by_NID(X509_get_subject_name(cert), NID_commonName, name, sizeof(name));
	history_run(w, put_certificate, "ttti", text, name, kind, (int64_t)until);
	history_run(w, keep, "t", text);
}

/* Those in use: from root to what signs. */
static void read_ca(struct history_writer *w, const char *dir)
{
	struct pki_error unused;
	struct pki_ca ca;
	int i;

	if (pki_ca_load(dir, false, NULL, &ca, &unused))
		return;
	put_ca(w, "root", ca.root);
	for (i = ca.intermediates ? sk_X509_num(ca.intermediates) : 0; i > 0; i--)
		put_ca(w, "intermediate", sk_X509_value(ca.intermediates, i - 1));
	put_ca(w, "issuing", ca.issuing);
	pki_ca_free(&ca);
}

static void read_certificates(struct reading *r, const char *ca)
{
	static const char drop[] = "DELETE FROM live.certificate WHERE serial NOT IN (SELECT key FROM temp.kept)";
	static const char now[] =
		"UPDATE live.now SET certificate = NULL, certificate_end = NULL"
		" WHERE certificate IS NOT NULL AND certificate NOT IN (SELECT key FROM temp.kept)";

	read_ca(r->w, ca);
	if (!store_cert_each(&r->store, NULL, on_certificate, r)) {
		history_run(r->w, drop, "");
		history_run(r->w, now, "");
	}
	history_run(r->w, "DELETE FROM temp.kept", "");
}

static int on_release(const struct firmware_release *f, void *arg)
{
	static const char put[] =
		"INSERT INTO live.rollout VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) ON CONFLICT(id) DO UPDATE SET state = ?4,"
		" share = ?5, offered = ?6, succeeded = ?7, failed = ?8"
		" WHERE (state, share, offered, succeeded, failed) IS NOT (?4, ?5, ?6, ?7, ?8)";
	unsigned int tally[FIRMWARE_FAILED + 1] = { 0 }, open;
	struct reading *r = arg;

	if (store_release_tally(&r->store, f->id, tally))
		return 0;
	open = tally[FIRMWARE_OFFERED] + tally[FIRMWARE_RUNNING] + tally[FIRMWARE_CANCELING];
	history_run(r->w, put, "itttiiiii", f->id, f->model, f->version,
		    f->stopped ? "stopped" : f->paused ? "paused" : open ? "running" : f->percent ? "waiting" : "none",
		    (int64_t)f->percent,
		    (int64_t)open + tally[FIRMWARE_SUCCEEDED] + tally[FIRMWARE_FAILED] + tally[FIRMWARE_CANCELED],
		    (int64_t)tally[FIRMWARE_SUCCEEDED], (int64_t)tally[FIRMWARE_FAILED], (int64_t)f->added);
	return history_run(r->w, keep, "i", f->id);
}

static void read_releases(struct reading *r)
{
	if (!store_release_each(&r->store, NULL, on_release, r))
		history_run(r->w, "DELETE FROM live.rollout WHERE id NOT IN (SELECT key FROM temp.kept)", "");
	history_run(r->w, "DELETE FROM temp.kept", "");
}

/**
 * history_registry - see that live.db has what registry and CA have
 * @w: the writer, in a transaction
 * @path: of the registry; where it cannot be read, what is known stays
 * @ca: directory of the CA; where it cannot be read, its certificates are not known
 * @now: the time
 */
void history_registry(struct history_writer *w, const char *path, const char *ca, time_t now)
{
	struct reading r = { .w = w, .now = now };

	if (store_peek(&r.store, path))
		return;
	store_device_each(&r.store, on_device, &r);
	read_certificates(&r, ca);
	read_releases(&r);
	store_close(&r.store);
}
