// SPDX-License-Identifier: GPL-2.0
/*
 * An agent that lies, for tests/serve/liar.py: linked over serve_agent() and serve_front() with ld's --wrap into
 * build/serve/forger only. Signer is the real one. It asks for what signer must refuse, and for what it must grant,
 * prints "WHAT: granted" or "WHAT: refused: WHY" for each, and ends.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "firmware/manifest.h"
#include "serve/common/serve.h"

#define DAY	86400

int __wrap_serve_front(struct serve_config *config, struct serve_counters *counters, struct priv_channel *agent,
		       void (*ready)(void *arg), void *arg);
int __wrap_serve_agent(struct serve_config *config, struct serve_counters *counters, struct priv_channel *front,
		       struct priv_channel *signer, int page);

static const uint8_t mac[6] = { 2, 0, 0, 0, 0, 1 };
static const struct priv_channel *to_signer;
static uint8_t *buf;

/** __wrap_serve_front - until agent ends */
int __wrap_serve_front(struct serve_config *config, struct serve_counters *counters, struct priv_channel *agent,
		       void (*ready)(void *arg), void *arg)
{
	char byte;

	(void)config, (void)counters;
	ready(arg);
	return read(agent->in, &byte, 1) > 0;
}

static bool ask(const char *what, const struct serve_sign *question)
{
	struct serve_signed got;

	if (serve_sign(to_signer, question, buf, PRIV_FRAME_MAX, &got)) {
		printf("%s: signer is gone\n", what);
		return false;
	}
	printf("%s: %s%s\n", what, got.error[0] ? "refused: " : "granted", got.error);
	return !got.error[0];
}

/* By a request of a fresh key; @other_key: agent says that it is another one. */
static void certificate(const char *what, struct pki_profile p, const char *cn, bool other_key)
{
	struct serve_sign q = { .kind = SERVE_SIGN_CERTIFICATE, .exporter = "" };
	EVP_PKEY *key = pki_key_new(PKI_P256);
	uint8_t serial[PKI_SERIAL_LEN], *csr = NULL;

	pki_serial_new(serial);
	p.serial = serial;
	q.profile = p;
	pki_csr_new(key, cn, NULL, &csr, &q.csr_len);
	q.csr = csr;
	pki_key_id(key, q.key_id);
	q.key_id[0] ^= other_key;
	ask(what, &q);
	OPENSSL_free(csr);
	EVP_PKEY_free(key);
}

static void certificates(const struct serve_config *config, time_t now)
{
	const char *own[] = { config->names[0] }, *bank[] = { "bank.example" };
	const struct pki_profile device = { PKI_DEVICE, "cam", mac, NULL, 0, NULL, now - 60, now + DAY };
	const struct pki_profile server = { PKI_SERVER, config->names[0], NULL, own, 1, NULL, now - 60, now + DAY };
	struct pki_profile p;

	certificate("a device", device, "cam", false);
	certificate("the server", server, NULL, false);
	certificate("a device, by another key than was decided on", device, "cam", true);
	certificate("a device, asked for by another's name", device, "lock", false);
	p = device;
	p.not_after = now + 3650LL * DAY;
	certificate("a device for ten years", p, "cam", false);
	p = server;
	p.names = bank;
	certificate("a server that is not ours", p, NULL, false);
	p.name = "bank.example";
	certificate("a server that is not ours, by its CN, too", p, NULL, false);
	certificate("the server, by a request with a name", server, "bank.example", false);
	p = server;
	p.not_after = now + 365LL * DAY;
	certificate("the server for a year", p, NULL, false);
	p = (struct pki_profile){ PKI_CODE, SERVE_CODE_NAME, NULL, NULL, 0, NULL, now - 60, now + DAY };
	certificate("code signing for agent's key", p, NULL, false);
}

/* Signer's own key gets its certificate, as no offer is signed before. */
static void certify_offers(time_t now)
{
	struct serve_sign q = { .kind = SERVE_SIGN_REQUEST, .exporter = "" };
	uint8_t serial[PKI_SERIAL_LEN], csr[PKI_CSR_MAX];
	const unsigned char *p = csr;
	struct serve_signed got;
	X509_REQ *req;

	if (serve_sign(to_signer, &q, buf, PRIV_FRAME_MAX, &got) || got.der_len > sizeof(csr))
		return;
	memcpy(csr, got.der, got.der_len);
	pki_serial_new(serial);
	q = (struct serve_sign){ .kind = SERVE_SIGN_CERTIFICATE, .exporter = "", .csr = csr, .csr_len = got.der_len };
	q.profile = (struct pki_profile){ PKI_CODE, SERVE_CODE_NAME, NULL, NULL, 0, serial, now - 60, now + DAY };
	req = d2i_X509_REQ(NULL, &p, (long)q.csr_len);
	if (req)
		pki_public_id(X509_REQ_get_X509_PUBKEY(req), q.key_id);
	X509_REQ_free(req);
	ask("code signing for signer's key", &q);
}

static void offer(const char *what, const char *text)
{
	const struct serve_sign q = { .kind = SERVE_SIGN_OFFER, .csr = (const uint8_t *)text, .csr_len = strlen(text) };

	ask(what, &q);
}

static void offers(time_t now)
{
	struct firmware_manifest m = {
		.device = "cam", .action = 1, .model = "acme", .version = "1.1", .file = "image.swu", .size = 1,
		.url = "/image", .notes = "$(reboot)", .issued = now, .expires = now + MANIFEST_LIFE,
	};
	size_t len;
	char *text = firmware_manifest_text(&m, &len);

	offer("an offer", text);
	free(text);
	m.issued += DAY;
	m.expires += DAY;
	text = firmware_manifest_text(&m, &len);
	offer("an offer of tomorrow", text);
	free(text);
	offer("a script", "#!/bin/sh\nreboot\n");
	offer("a script between braces", "{ reboot; }\n");
	offer("nothing", "");
}

/** __wrap_serve_agent - ask, and go */
int __wrap_serve_agent(struct serve_config *config, struct serve_counters *counters, struct priv_channel *front,
		       struct priv_channel *signer, int page)
{
	time_t now = time(NULL);

	(void)counters;
	(void)page;
	to_signer = signer;
	buf = malloc(PRIV_FRAME_MAX);
	if (!buf || priv_send(front, "", 0))
		return 1;
	certificates(config, now);
	certify_offers(now);
	offers(now);
	fflush(stdout);
	free(buf);
	return 0;
}
