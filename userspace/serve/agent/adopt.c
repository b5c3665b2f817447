// SPDX-License-Identifier: GPL-2.0
/*
 * A registry that was lost, or is older than what was signed since. At the start it takes over the revocations of the
 * lists that were signed last, and no token of before is good any more. Afterwards a certificate that it does not know
 * is adopted: one that this CA signed, in time, on no list, of a device that neither the registry nor the policy knows
 * by another name or MAC, and of which front says that TLS has proved the key.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>

#include "lib/file.h"
#include "serve/agent/agent.h"
#include "serve/common/revoked.h"

#define LOOK	1	/* seconds between two looks whether something was revoked */
#define SAVE	10	/* seconds between two lists that are written, whatever is revoked meanwhile */
#define RETRY	600	/* seconds after one that could not be made */

static void say_caught(const struct revoked_caught *c)
{
	char revoked[16], tokens[16];

	if (c->bad)
		serve_log(LOG_WARNING, "a file beside the CA holds no revocation list of it: it is left out", NULL);
	if (!c->older)
		return;
	snprintf(revoked, sizeof(revoked), "%u", c->revoked);
	snprintf(tokens, sizeof(tokens), "%u", c->tokens);
	serve_log(LOG_WARNING, "the registry is older than the last revocation list, or was lost: it takes over what "
		  "was revoked, and tokens are withdrawn", "revoked", revoked, "tokens", tokens, NULL);
}

/* What is saved from now on goes to descriptors that are open: no file can be opened later. */
static void open_saved(struct agent *a)
{
	char path[REVOKED_PATH_LEN];
	unsigned int i;

	for (i = 0; i < REVOKED_SAVED; i++) {
		revoked_saved(a->config->ca, i, path);
		a->saved[i] = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
		if (a->saved[i] < 0 || fchmod(a->saved[i], 0644))
			serve_log(LOG_WARNING, "revocation lists cannot be saved: with the registry, revocations "
				  "would be lost", "file", path, "why", strerror(errno), NULL);
	}
}

/**
 * agent_adopt_begin - take over what the registry lacks, and find out whether certificates are adopted
 * @a: the agent, with CA and registry, not confined yet
 *
 * Return: 0 or -errno, with a sentence in the registry's error.
 */
int agent_adopt_begin(struct agent *a)
{
	struct revoked_caught caught;
	int err = revoked_catch_up(&a->ca, a->config->ca, &a->store, false, &caught);

	if (!err) {
		say_caught(&caught);
		err = store_restored_get(&a->store, &a->restored);
	}
	if (!err)
		open_saved(a);
	if (!err && agent_adopts(a))
		serve_log(LOG_WARNING, "certificates of this CA that the registry does not know are adopted", "why",
			  a->config->adopt == SERVE_ADOPT_ON ? "adopt is true" : "the registry was restored or lost",
			  NULL);
	return err;
}

/** agent_adopts - are certificates adopted that the registry does not know */
bool agent_adopts(const struct agent *a)
{
	return a->config->adopt == SERVE_ADOPT_ON || (a->config->adopt == SERVE_ADOPT_RESTORED && a->restored);
}

static int save_to(int fd, const uint8_t *der, size_t len)
{
	int err;

	if (fd < 0 || lseek(fd, 0, SEEK_SET))
		return -EBADF;
	err = file_write_all(fd, der, len);
	if (!err && (ftruncate(fd, (off_t)len) || fdatasync(fd)))
		err = -errno;
	return err;
}

/* One after the other: whenever it ends in between, one of them is whole. */
static void save(struct agent *a)
{
	unsigned int i;
	int err;

	for (i = 0; i < REVOKED_SAVED; i++) {
		err = a->saved[i] < 0 ? 0 : save_to(a->saved[i], a->crl, a->crl_len);
		if (err)
			serve_log(LOG_ERR, "the revocation list cannot be saved", "why", strerror(-err), NULL);
	}
}

/**
 * agent_saved_tick - save the revocation list, if something was revoked since, or half of its time has passed
 * @a: the agent
 * @now: however short it is since the last one
 */
void agent_saved_tick(struct agent *a, bool now)
{
	uint64_t revocations;

	if (!now && agent_clock() < a->saved_next)
		return;
	a->saved_next = agent_clock() + LOOK;
	if (store_revocations(&a->store, &revocations))
		return;
	if (a->is_saved && revocations == a->saved_revocations && revoked_is_fresh(a->saved_made))
		return;
	a->saved_next = agent_clock() + SAVE;
	if (!agent_clock_is_right(a))
		return;
	if (agent_crl_renew(a)) {
		a->saved_next = agent_clock() + RETRY;
		return;
	}
	save(a);
	a->is_saved = true;
	a->saved_revocations = a->crl_revocations;
	a->saved_made = a->crl_made;
}

/* The policy names the device otherwise: it was renamed, or replaced. */
static bool is_policy_against(struct agent *a, const struct store_certificate *c, struct pki_error *why)
{
	const struct device *by_mac, *by_name;

	a->posture.tick = 0;
	agent_posture_tick(a);
	by_mac = devices_by_mac(&a->devices, c->mac);
	by_name = devices_by_name(&a->devices, c->name);
	if (by_mac && strcmp(by_mac->name, c->name))
		return pki_fail(why, true, "the policy has another name for the device: %s", by_mac->name);
	if (by_name && memcmp(by_name->mac, c->mac, sizeof(c->mac)))
		return pki_fail(why, true, "the policy has another MAC for the name");
	return false;
}

/* By what the CA signed alone; that it is what front speaks of is held against it. */
static int read_certificate(const struct agent *a, const struct serve_request *q, struct store_certificate *out,
			    struct pki_error *why)
{
	X509 *cert = pki_cert_verify(&a->ca, q->cert, q->cert_len, time(NULL), why);
	int err = -EPERM;

	if (!cert)
		return err;
	if (!pki_identity(cert, out->name, out->mac, why) && !pki_serial(cert, out->serial) &&
	    !pki_fingerprint(cert, out->fingerprint) && !pki_public_id(X509_get_X509_PUBKEY(cert), out->key_id) &&
	    !pki_validity(cert, &out->not_before, &out->not_after))
		err = 0;
	X509_free(cert);
	if (!err && (memcmp(out->serial, q->serial, sizeof(out->serial)) ||
		     memcmp(out->fingerprint, q->fingerprint, sizeof(out->fingerprint))))
		err = pki_fail(why, -EPERM, "not the certificate that was shown");
	return err;
}

static int adopt(struct agent *a, const struct serve_request *q, struct store_certificate *cert, struct pki_error *why)
{
	int err = read_certificate(a, q, cert, why);

	if (!err && is_policy_against(a, cert, why))
		err = -EPERM;
	if (!err) {
		err = store_cert_adopt(&a->store, cert, q->cert, q->cert_len);
		if (err)
			pki_fail(why, err, "%s", a->store.error);
	}
	return err;
}

/**
 * agent_adopt - take over the certificate that a request came with, if it is to be
 * @a: the agent, in no transaction
 * @q: the request, with the certificate
 *
 * Whatever comes of it, the request is judged afterwards as any other.
 */
void agent_adopt(struct agent *a, const struct serve_request *q)
{
	char serial[2 * PKI_SERIAL_LEN + 1], peer[POLICY_ADDR_LEN];
	struct store_certificate cert = { .kind = PKI_DEVICE };
	struct pki_error why = { "it makes no sense" };
	struct cordon_addr addr;
	int err;

	if (!q->cert_len || !agent_adopts(a) || store_cert_get(&a->store, q->serial, &cert, NULL, NULL) != -ENOENT)
		return;
	memset(&cert, 0, sizeof(cert));
	cert.kind = PKI_DEVICE;
	pki_serial_text(q->serial, serial);
	err = adopt(a, q, &cert, &why);
	if (!err)
		serve_count(&a->counters->accepted[SERVE_ADOPTED]);
	serve_log(err ? LOG_NOTICE : LOG_WARNING, err ? "not adopted" : "adopted", "device",
		  q->name[0] ? q->name : NULL, "serial", serial, "peer", agent_peer(q, &addr, peer), "why",
		  err ? why.text : "this CA signed it, and the registry did not know it", NULL);
	if (!err)
		agent_audit_adopted(a, q, &cert);
}
