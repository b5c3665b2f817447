// SPDX-License-Identifier: GPL-2.0
/*
 * Status of certificates, by the registry. Whoever asks is a stranger, so what an answer costs is bounded: one about a
 * certificate of ours is signed for all who ask within half of its time, and others, which only the one that asks can
 * use, are signed so often a second and no more.
 */
#include <errno.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include "serve/agent/agent.h"

#define RATE_KNOWN	100	/* signatures a second for answers that are kept ... */
#define RATE_OTHER	50	/* ... and for others */
#define KEEP		(SERVE_OCSP_VALID / 2)

/* By the certificate itself, where more than one issuer may have made it. */
static bool is_issued_by(const struct agent *a, uint64_t issuer, const uint8_t *der, size_t len)
{
	struct pki_error unused;
	X509 *cert, *by;
	bool good;

	if (!a->ca.n_former && !a->config->fleet.n)
		return true;
	cert = pki_cert_parse(der, len, &unused);
	by = issuer ? a->ca.former[issuer - 1].cert : a->ca.issuing;
	good = cert && X509_check_issued(by, cert) == X509_V_OK;
	X509_free(cert);
	return good;
}

/* Of one that is on a list and not in the registry, nothing but that is known. */
static int look_up(struct agent *a, uint64_t issuer, struct pki_ocsp_id *id)
{
	uint8_t serial[STORE_SERIAL_LEN] = { 0 }, *der = NULL;
	struct store_certificate cert;
	size_t len = 0;
	int err;

	id->status = PKI_STATUS_UNKNOWN;
	id->revoked = 0;
	id->reason = 0;
	if (id->serial_len > sizeof(serial))
		return 0;
	memcpy(serial + sizeof(serial) - id->serial_len, id->serial, id->serial_len);
	err = store_cert_get(&a->store, serial, &cert, &der, &len);
	if (err)
		return err == -ENOENT ? 0 : err;
	if (!revoked_is_ours(&cert)) {
		free(der);
		return 0;
	}
	if (cert.state == STORE_REVOKED && (!len || is_issued_by(a, issuer, der, len))) {
		id->status = PKI_STATUS_REVOKED;
		id->revoked = cert.revoked;
		id->reason = cert.reason;
	} else if ((cert.state == STORE_ISSUED || cert.state == STORE_DELIVERED) && is_issued_by(a, issuer, der, len)) {
		/* Nothing of an issuer that was taken back is taken, and that is said (RFC 6960, 2.7). */
		id->revoked = issuer ? a->ca.former[issuer - 1].revoked : 0;
		id->status = id->revoked ? PKI_STATUS_REVOKED : PKI_STATUS_GOOD;
	}
	free(der);
	return 0;
}

/* Serial numbers are random: their last bytes tell them apart. */
static struct agent_ocsp *place(struct agent *a, const struct pki_ocsp_id *id)
{
	size_t i = id->serial[id->serial_len - 1];

	if (id->serial_len > 1)
		i |= (size_t)id->serial[id->serial_len - 2] << 8;
	return &a->ocsp[i % AGENT_OCSP];
}

static bool is_same(const struct agent_ocsp *kept, uint64_t issuer, const struct pki_ocsp_id *id, time_t now)
{
	return kept->der && kept->issuer == issuer && kept->made <= now && now - kept->made < KEEP &&
	       kept->id.digest == id->digest && kept->id.status == id->status && kept->id.revoked == id->revoked &&
	       kept->id.reason == id->reason && kept->id.serial_len == id->serial_len &&
	       !memcmp(kept->id.serial, id->serial, id->serial_len);
}

/* What the server asks for itself is nobody's. */
static void count(struct agent *a, const struct serve_request *q, enum serve_accepted what)
{
	if (q->op == SERVE_OP_OCSP)
		serve_count(&a->counters->accepted[what]);
}

static int sign(struct agent *a, const struct serve_request *q, const struct pki_ocsp *what, struct serve_signed *got)
{
	uint8_t packed[SERVE_OCSP_MAX];
	struct serve_sign s = { .kind = SERVE_SIGN_OCSP, .issuer = (uint32_t)q->number, .csr = packed };
	int err;

	s.csr_len = serve_ocsp_pack(what, packed, sizeof(packed));
	err = serve_sign(&a->signer, &s, a->buf, PRIV_FRAME_MAX, got);
	if (!err && !got->error[0]) {
		count(a, q, SERVE_OCSP_SIGNED);
		return 0;
	}
	serve_log(LOG_ERR, "no status of a certificate", "why", err ? strerror(-err) : got->error, NULL);
	return -EIO;
}

static void answer(struct serve_reply *r, const uint8_t *der, size_t len, time_t age)
{
	r->status = 200;
	r->der = der;
	r->der_len = len;
	r->lease = SERVE_OCSP_VALID - age;
}

/* True: it is answered. */
static bool answer_signed(struct agent *a, const struct serve_request *q, const struct pki_ocsp *what,
			  struct serve_reply *r)
{
	struct serve_signed got;

	if (!serve_bucket_take(&a->ocsp_other, RATE_OTHER) || sign(a, q, what, &got))
		return false;
	answer(r, got.der, got.der_len, 0);
	return true;
}

/* The same for everybody, and without a nonce. */
static void answer_kept(struct agent *a, const struct serve_request *q, struct pki_ocsp *what, struct serve_reply *r)
{
	struct agent_ocsp *kept = place(a, &what->ids[0]);
	time_t now = time(NULL);
	struct serve_signed got;
	uint8_t *der;

	what->nonce_len = 0;
	if (!is_same(kept, q->number, &what->ids[0], now)) {
		if (!serve_bucket_take(&a->ocsp_known, RATE_KNOWN) || sign(a, q, what, &got))
			return;
		der = malloc(got.der_len);
		if (!der)
			return;
		memcpy(der, got.der, got.der_len);
		free(kept->der);
		*kept = (struct agent_ocsp){ .issuer = q->number, .id = what->ids[0], .made = now, .der = der,
					     .len = got.der_len };
	}
	answer(r, kept->der, kept->len, now - kept->made);
}

/**
 * agent_ocsp - say the status of certificates
 * @a: the agent
 * @q: the request
 * @r: the reply; status 503 and nothing else: not now
 *
 * A nonce comes back as long as there are not too many; without it the client still has the status.
 */
void agent_ocsp(struct agent *a, const struct serve_request *q, struct serve_reply *r)
{
	struct pki_ocsp what;
	size_t i;

	if (!serve_ocsp_unpack(q->csr, q->csr_len, &what) || q->number > a->ca.n_former) {
		agent_refuse(a, q, r, 400, SERVE_BAD_REQUEST, "no question for a status");
		return;
	}
	r->status = 503;
	r->retry = 1;
	if (!agent_clock_is_right(a))
		return;
	for (i = 0; i < what.n; i++)
		if (look_up(a, q->number, &what.ids[i])) {
			agent_registry_failed(a, q, r);
			return;
		}
	if (what.n == 1 && what.ids[0].status != PKI_STATUS_UNKNOWN &&
	    (!what.nonce_len || !answer_signed(a, q, &what, r)))
		answer_kept(a, q, &what, r);
	else if (r->status != 200)
		answer_signed(a, q, &what, r);
	if (r->status == 200)
		count(a, q, SERVE_OCSP);
	else
		serve_count(&a->counters->refused[SERVE_CROWDED]);
}

/** agent_ocsp_free - forget what is kept */
void agent_ocsp_free(struct agent *a)
{
	size_t i;

	for (i = 0; i < AGENT_OCSP; i++)
		free(a->ocsp[i].der);
}
