// SPDX-License-Identifier: GPL-2.0
/*
 * A front that lies, for tests/serve/liar.py: linked over serve_front() with ld's --wrap into build/serve/liar only.
 * Agent and signer are the real ones. Each line of its standard input is a request to agent, of words NAME=VALUE:
 *
 *	op= number= ifindex=			numbers
 *	name= secret= firmware= exporter= detail=	text without blanks
 *	peer= serial= fingerprint= csr= proof= cert=	hexadecimal
 *
 * and each line of its standard output the answer: STATUS RETRY SERIAL DER WHY; an empty DER is "-".
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/policy.h"
#include "serve/common/serve.h"

#define LINE	65536

int __wrap_serve_front(struct serve_config *config, struct serve_counters *counters, struct priv_channel *agent,
		       const struct serve_manager *manager);

static size_t from_hex(const char *text, uint8_t *out, size_t size)
{
	unsigned int byte;
	size_t n = 0;

	while (n < size && sscanf(text + 2 * n, "%2x", &byte) == 1)
		out[n++] = byte;
	return n;
}

static void to_hex(const uint8_t *data, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		printf("%02x", data[i]);
	if (!len)
		putchar('-');
	putchar(' ');
}

/* One word into the request; what is too long is cut, as the test says nothing of the kind. */
static void take(struct serve_request *q, const char *name, const char *value, uint8_t *csr, uint8_t *proof,
		 uint8_t *cert)
{
	const struct {
		const char *name;
		char *text;
		size_t size;
	} texts[] = {
		{ "name", q->name, sizeof(q->name) }, { "secret", q->secret, sizeof(q->secret) },
		{ "firmware", q->firmware, sizeof(q->firmware) }, { "exporter", q->exporter, sizeof(q->exporter) },
		{ "detail", q->detail, sizeof(q->detail) },
	};
	size_t i;

	for (i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		if (!strcmp(name, texts[i].name))
			snprintf(texts[i].text, texts[i].size, "%s", value);
	if (!strcmp(name, "op"))
		q->op = strtoul(value, NULL, 10);
	else if (!strcmp(name, "number"))
		q->number = strtoull(value, NULL, 10);
	else if (!strcmp(name, "ifindex"))
		q->ifindex = strtoul(value, NULL, 10);
	else if (!strcmp(name, "peer"))
		from_hex(value, q->peer, sizeof(q->peer));
	else if (!strcmp(name, "serial"))
		from_hex(value, q->serial, sizeof(q->serial));
	else if (!strcmp(name, "fingerprint"))
		from_hex(value, q->fingerprint, sizeof(q->fingerprint));
	else if (!strcmp(name, "csr"))
		q->csr_len = from_hex(value, csr, PKI_CSR_MAX);
	else if (!strcmp(name, "proof"))
		q->proof_len = from_hex(value, proof, PKI_PROOF_MAX);
	else if (!strcmp(name, "cert"))
		q->cert_len = from_hex(value, cert, PKI_CERT_MAX);
}

static bool ask(const struct priv_channel *agent, char *line, uint8_t *buf)
{
	static uint8_t csr[PKI_CSR_MAX], proof[PKI_PROOF_MAX], cert[PKI_CERT_MAX];
	struct serve_request q = { .id = 1, .csr = csr, .proof = proof, .cert = cert };
	struct serve_reply r;
	char *word, *value;
	ssize_t len;

	for (word = strtok(line, " \n"); word; word = strtok(NULL, " \n")) {
		value = strchr(word, '=');
		if (!value)
			return false;
		*value++ = 0;
		take(&q, word, value, csr, proof, cert);
	}
	if (priv_send(agent, buf, serve_request_pack(&q, buf, SERVE_REQUEST_MAX)))
		return false;
	len = priv_receive(agent, buf, SERVE_REPLY_MAX);
	if (len < 0 || !serve_reply_unpack(buf, len, &r))
		return false;
	printf("%u %u ", r.status, r.retry);
	to_hex(r.serial, sizeof(r.serial));
	to_hex(r.der, r.der_len);
	printf("%s\n", r.why);
	return !fflush(stdout);
}

/** __wrap_serve_front - until standard input ends, or agent does */
int __wrap_serve_front(struct serve_config *config, struct serve_counters *counters, struct priv_channel *agent,
		       const struct serve_manager *manager)
{
	uint8_t *buf = malloc(SERVE_REPLY_MAX);
	char *line = malloc(LINE);

	(void)config;
	(void)counters;
	manager->ready(manager->arg);
	while (buf && line && fgets(line, LINE, stdin) && ask(agent, line, buf))
		;
	free(line);
	free(buf);
	return 0;
}
