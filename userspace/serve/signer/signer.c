// SPDX-License-Identifier: GPL-2.0
/*
 * The process that holds the CA's key, and one that signs offers of firmware: a request comes in by a pipe, a
 * certificate or a signature goes out by another.
 */
#include <errno.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include "firmware/manifest.h"
#include "lib/wire.h"
#include "serve/common/revoked.h"
#include "serve/signer/signer.h"

static void put_sign(struct wire_out *out, const struct serve_sign *what)
{
	const struct pki_profile *p = &what->profile;
	size_t i;

	wire_put_u32(out, what->kind);
	if (what->kind == SERVE_SIGN_REQUEST || what->kind == SERVE_SIGN_RELOAD || what->kind == SERVE_SIGN_NOTHING)
		return;
	if (what->kind == SERVE_SIGN_OFFER) {
		wire_put_blob(out, what->csr, what->csr_len);
		return;
	}
	if (what->kind == SERVE_SIGN_OCSP) {
		wire_put_u32(out, what->issuer);
		wire_put_blob(out, what->csr, what->csr_len);
		return;
	}
	if (what->kind == SERVE_SIGN_CRL) {
		wire_put_u64(out, what->number);
		wire_put_u32(out, what->issuer);
		wire_put_u32(out, what->n_entries);
		for (i = 0; i < what->n_entries; i++) {
			wire_put_fixed(out, what->entries[i].serial, PKI_SERIAL_LEN);
			wire_put_u64(out, what->entries[i].when);
			wire_put_u32(out, what->entries[i].reason);
		}
		return;
	}
	wire_put_u32(out, p->kind);
	wire_put_text(out, p->name);
	wire_put_blob(out, p->mac, p->mac ? 6 : 0);
	wire_put_u32(out, p->n_names);
	for (i = 0; i < p->n_names; i++)
		wire_put_text(out, p->names[i]);
	wire_put_fixed(out, p->serial, PKI_SERIAL_LEN);
	wire_put_u64(out, p->not_before);
	wire_put_u64(out, p->not_after);
	wire_put_fixed(out, what->key_id, sizeof(what->key_id));
	wire_put_text(out, what->exporter);
	wire_put_blob(out, what->csr, what->csr_len);
}

/**
 * serve_sign - have something signed
 * @signer: pipes to the signer
 * @what: is wanted
 * @buf: for the question and the answer, which @out points into
 * @size: of @buf
 * @out: certificate or revocation list, or why there is none
 *
 * Return: 0; -EPIPE and the like, the signer is gone.
 */
int serve_sign(const struct priv_channel *signer, const struct serve_sign *what, uint8_t *buf, size_t size,
	       struct serve_signed *out)
{
	struct wire_out question = { .buf = buf, .size = size };
	struct wire_in answer;
	ssize_t len;
	int err;

	put_sign(&question, what);
	if (question.bad)
		return -EMSGSIZE;
	err = priv_send(signer, buf, question.len);
	if (err)
		return err;
	len = priv_receive(signer, buf, size);
	if (len < 0)
		return len;
	answer = (struct wire_in){ .p = buf, .left = len };
	wire_text(&answer, out->error, sizeof(out->error));
	out->der = wire_blob(&answer, PRIV_FRAME_MAX, &out->der_len);
	return wire_end(&answer) ? 0 : -EPROTO;
}

/**
 * struct job - a question on its way through the signer
 * @what: the question
 * @name: for its profile
 * @names: for its profile
 * @list: for its profile
 * @exporter: for @what
 */
struct job {
	struct serve_sign what;
	char name[SERVE_NAME_LEN];
	char names[SERVE_NAMES_MAX][SERVE_NAME_LEN];
	const char *list[SERVE_NAMES_MAX];
	char exporter[SERVE_FIRMWARE_LEN];
};

static bool get_certificate(struct wire_in *in, struct job *j)
{
	struct pki_profile *p = &j->what.profile;
	const uint8_t *key_id;
	size_t mac_len, i;

	p->kind = wire_u32(in);
	wire_text(in, j->name, sizeof(j->name));
	p->name = j->name;
	p->mac = wire_blob(in, 6, &mac_len);
	p->n_names = wire_u32(in);
	if (p->n_names > SERVE_NAMES_MAX || (p->kind == PKI_DEVICE) != (mac_len == 6))
		return false;
	for (i = 0; i < p->n_names; i++) {
		wire_text(in, j->names[i], sizeof(j->names[i]));
		j->list[i] = j->names[i];
	}
	p->names = j->list;
	p->serial = wire_fixed(in, PKI_SERIAL_LEN);
	p->not_before = wire_u64(in);
	p->not_after = wire_u64(in);
	key_id = wire_fixed(in, sizeof(j->what.key_id));
	if (key_id)
		memcpy(j->what.key_id, key_id, sizeof(j->what.key_id));
	wire_text(in, j->exporter, sizeof(j->exporter));
	j->what.exporter = j->exporter;
	j->what.csr = wire_blob(in, PKI_CSR_MAX, &j->what.csr_len);
	return wire_end(in) && (p->kind == PKI_DEVICE || p->kind == PKI_SERVER || p->kind == PKI_CODE);
}

static bool get_crl(struct wire_in *in, struct job *j)
{
	struct serve_sign *what = &j->what;
	const uint8_t *serial;
	size_t i;

	what->number = wire_u64(in);
	what->issuer = wire_u32(in);
	what->n_entries = wire_u32(in);
	if (what->n_entries > in->left / 28)
		return false;
	what->entries = calloc(what->n_entries + 1, sizeof(*what->entries));
	if (!what->entries)
		return false;
	for (i = 0; i < what->n_entries; i++) {
		serial = wire_fixed(in, PKI_SERIAL_LEN);
		if (serial)
			memcpy(what->entries[i].serial, serial, PKI_SERIAL_LEN);
		what->entries[i].when = wire_u64(in);
		what->entries[i].reason = wire_u32(in);
	}
	return wire_end(in);
}

/**
 * struct signer - what the process has
 * @config: its own copy; agent's is another
 * @ca: with its key
 * @code: key that signs offers of firmware; it never leaves the process
 * @code_cert: of @code; NULL, there is none yet
 * @chain: what leads from @code_cert to the root
 * @responder: signs statuses
 */
struct signer {
	struct serve_config config;
	struct pki_ca ca;
	EVP_PKEY *code;
	X509 *code_cert;
	STACK_OF(X509) *chain;
	struct responder responder;
};

/* Nobody else gets a certificate to sign firmware with. */
static bool is_own_key(const struct signer *s, X509_REQ *csr)
{
	uint8_t own[32], asked[32];

	return !pki_key_id(s->code, own) && !pki_public_id(X509_REQ_get_X509_PUBKEY(csr), asked) &&
	       !memcmp(own, asked, sizeof(own));
}

/* As OpenSSL decodes its key, which a fresh one's is not. */
static int keep_code(struct signer *s, const uint8_t *der, size_t len, struct pki_error *err)
{
	X509 *cert = pki_cert_parse(der, len, err);

	if (!cert)
		return -EINVAL;
	X509_free(s->code_cert);
	s->code_cert = cert;
	return 0;
}

/* Agent and signer must mean the same key: agent has decided by it. */
static bool is_key(X509_REQ *csr, const uint8_t key_id[32])
{
	uint8_t asked[32];

	return !pki_public_id(X509_REQ_get_X509_PUBKEY(csr), asked) && !memcmp(asked, key_id, sizeof(asked));
}

/* The server's own request, and that of signer's key for offers, ask for nothing: the names are the configuration's. */
static int check_request(const struct signer *s, const struct job *j, X509_REQ *csr, struct pki_error *err)
{
	const struct pki_profile *p = &j->what.profile;

	if (!is_key(csr, j->what.key_id))
		return pki_fail(err, -EPERM, "the request's key is not the one that was looked at");
	if (p->kind == PKI_DEVICE)
		return pki_csr_check(csr, p->name, p->mac, j->exporter[0] ? j->exporter : NULL, err);
	if (!pki_csr_is_bare(csr))
		return pki_fail(err, -EPERM, "the server's own request asks for names: they are the configuration's");
	return p->kind == PKI_CODE && !is_own_key(s, csr) ? pki_fail(err, -EPERM, "a key that is not signer's own") : 0;
}

/* The identity is the registry's, and never the server's own for a device. */
static int certify(struct signer *s, const struct job *j, uint8_t **der, size_t *len, struct pki_error *err)
{
	const struct pki_profile *p = &j->what.profile;
	X509_REQ *csr = pki_csr_parse(j->what.csr, j->what.csr_len, err);
	X509 *cert = NULL;
	int n;

	if (!csr)
		return -EINVAL;
	if (!signer_allows(&s->config, p, time(NULL), err) && !check_request(s, j, csr, err))
		cert = pki_issue(&s->ca, X509_REQ_get_X509_PUBKEY(csr), p, err);
	X509_REQ_free(csr);
	if (!cert)
		return -EINVAL;
	n = i2d_X509(cert, der);
	X509_free(cert);
	*len = n > 0 ? n : 0;
	if (n > 0 && p->kind == PKI_CODE)
		return keep_code(s, *der, *len, err);
	return n > 0 ? 0 : -ENOMEM;
}

static int sign_offer(const struct signer *s, struct wire_in *in, uint8_t **der, size_t *len, struct pki_error *err)
{
	size_t size;
	const uint8_t *text = wire_blob(in, MANIFEST_MAX, &size);

	if (!wire_end(in) || !s->code_cert)
		return -EINVAL;
	if (firmware_manifest_judge((const char *)text, size, time(NULL), err))
		return -EPERM;
	return pki_cms_sign_buf(PKI_CONTENT_OFFER, s->code_cert, s->code, s->chain, text, size, der, len, err);
}

/**
 * signer_issuer - one of the CA's issuers, as far as it signs
 * @ca: with its keys
 * @which: as in struct serve_sign
 * @out: filled; it is @ca's
 *
 * Return: false, there is no such.
 */
bool signer_issuer(const struct pki_ca *ca, uint32_t which, struct pki_ca *out)
{
	if (which > ca->n_former)
		return false;
	*out = (struct pki_ca){ .issuing = ca->issuing, .key = ca->key };
	if (which)
		*out = (struct pki_ca){ .issuing = ca->former[which - 1].cert, .key = ca->former[which - 1].key };
	return true;
}

/* Each names all that is revoked, as no serial is given twice: whose issuer was which need not be known. */
static int sign_list(const struct pki_ca *ca, const struct serve_sign *what, uint8_t **der, size_t *len,
		     struct pki_error *err)
{
	struct pki_ca issuer;
	time_t now = time(NULL);

	if (!signer_issuer(ca, what->issuer, &issuer))
		return pki_fail(err, -EINVAL, "no such issuer");
	return pki_crl(&issuer, what->entries, what->n_entries, what->number, now, now + REVOKED_VALID, der, len, err);
}

static void answer(struct signer *s, struct wire_in *in, struct wire_out *out)
{
	struct job j = { .what.kind = wire_u32(in) };
	struct pki_error err = { "the question makes no sense" };
	uint8_t *der = NULL;
	size_t len = 0;
	int ret = -EINVAL;

	switch (j.what.kind) {
	case SERVE_SIGN_CERTIFICATE:
		if (get_certificate(in, &j))
			ret = certify(s, &j, &der, &len, &err);
		break;
	case SERVE_SIGN_CRL:
		if (get_crl(in, &j))
			ret = sign_list(&s->ca, &j.what, &der, &len, &err);
		break;
	case SERVE_SIGN_REQUEST:
		if (wire_end(in))
			ret = pki_csr_new(s->code, NULL, NULL, &der, &len);
		break;
	case SERVE_SIGN_NOTHING:
		ret = wire_end(in) ? 0 : -EINVAL;
		break;
	case SERVE_SIGN_OFFER:
		ret = sign_offer(s, in, &der, &len, &err);
		break;
	case SERVE_SIGN_OCSP:
		ret = responder_sign(&s->responder, &s->ca, in, &der, &len, &err);
		break;
	case SERVE_SIGN_RELOAD:
		ret = wire_end(in) ? signer_reload(&s->config) : -EINVAL;
		if (ret)
			pki_fail(&err, ret, "signer cannot take it");
		break;
	}
	if (!ret && len > SERVE_SIGNED_MAX) {
		ret = -E2BIG;
		pki_fail(&err, ret, "%zu bytes to answer with: at most %u", len, SERVE_SIGNED_MAX);
	}
	wire_put_text(out, ret ? err.text : "");
	wire_put_blob(out, der, ret ? 0 : len);
	OPENSSL_free(der);
	free(j.what.entries);
}

/* The key that signs offers is of the CA's strength, as far as CMS knows its kind. */
static int open_all(struct signer *s, const struct serve_config *config, const char *passphrase,
		    struct pki_error *err)
{
	int ret = pki_ca_load(config->ca, true, passphrase, &s->ca, err);

	if (ret)
		return ret;
	s->code = pki_key_new(EVP_PKEY_is_a(s->ca.key, "EC") && EVP_PKEY_get_bits(s->ca.key) > 256 ? PKI_P384 :
			      PKI_P256);
	s->chain = sk_X509_new_null();
	s->ca.status_url = s->config.status_url;
	if (s->code && s->chain && !pki_ca_chain(&s->ca, s->chain) && responder_init(&s->responder, &s->ca))
		return 0;
	strcpy(err->text, "out of memory");
	return -ENOMEM;
}

/**
 * serve_signer - be the signer, until the agent is gone
 * @config: names the CA
 * @passphrase: of its key, or NULL; wiped
 * @agent: pipes to the agent
 *
 * Says one empty message when it is ready.
 *
 * Return: exit status; SERVE_PIN_REFUSED, to be started again by a person alone.
 */
int serve_signer(const struct serve_config *config, char *passphrase, struct priv_channel *agent)
{
	struct priv_role role = { .user = "cordon-signer" };
	uint8_t *buf = malloc(PRIV_FRAME_MAX), *reply = malloc(PRIV_FRAME_MAX);
	char error[PRIV_ERROR_LEN], dir[SERVE_NAME_LEN];
	struct pki_error err;
	struct wire_out out;
	struct signer s = { .config = *config };
	struct wire_in in;
	ssize_t len = -EPERM;

	strcpy(dir, config->path);
	*strrchr(dir, '/') = 0;
	role.readable = dir[0] ? dir : "/";
	role.also[0] = config->token_directory;
	if (!buf || !reply || open_all(&s, config, passphrase, &err)) {
		serve_log(LOG_ERR, access(config->ca, F_OK) ? "cannot load the CA; 'cordonctl ca init' makes one" :
			  "cannot load the CA", "ca", config->ca, "why",
			  buf && reply ? err.text : "out of memory", NULL);
		goto out;
	}
	if (passphrase)
		OPENSSL_cleanse(passphrase, strlen(passphrase));
	serve_log_detach();
	role.hardware = pki_hardware_is_used();
	if (priv_enter(&role, error) < 0) {
		serve_log(LOG_ERR, "cannot confine the process", "why", error, NULL);
		goto out;
	}
	len = priv_send(agent, "", 0);
	while (len >= 0) {
		len = priv_receive(agent, buf, PRIV_FRAME_MAX);
		if (len < 0)
			break;
		in = (struct wire_in){ .p = buf, .left = len };
		out = (struct wire_out){ .buf = reply, .size = PRIV_FRAME_MAX };
		answer(&s, &in, &out);
		if (out.bad)
			break;
		len = priv_send(agent, reply, out.len);
	}
out:
	responder_free(&s.responder);
	sk_X509_free(s.chain);
	X509_free(s.code_cert);
	EVP_PKEY_free(s.code);
	pki_ca_free(&s.ca);
	free(reply);
	free(buf);
	return len == -EPIPE ? 0 : pki_pin_was_refused() ? SERVE_PIN_REFUSED : 1;
}
