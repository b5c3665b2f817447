// SPDX-License-Identifier: GPL-2.0
/* What names a key in hardware: a URI (RFC 7512, tpm2-openssl's), or a TPM's wrapped key in PEM. */
#include <ctype.h>
#include <errno.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "../lib/file.h"
#include "hardware.h"

#define KEY	"PRIVATE KEY-----"
#define WRAPPED	"-----BEGIN TSS2 "
#define SOURCE	"pin-source="

static const char *const schemes[] = { "pkcs11:", "handle:", "object:" };

/**
 * pki_key_is_uri - does a word name a key in hardware
 * @word: a command line's, or the beginning of a file
 */
bool pki_key_is_uri(const char *word)
{
	size_t i;

	for (i = 0; i < sizeof(schemes) / sizeof(*schemes); i++)
		if (!strncasecmp(word, schemes[i], strlen(schemes[i])))
			return true;
	return false;
}

/* Is the first key of a PEM file one that a TPM has wrapped. */
static bool is_wrapped(const char *text, size_t len)
{
	const char *key = memmem(text, len, KEY, strlen(KEY));

	return key && key - text >= (ptrdiff_t)strlen(WRAPPED) && !memcmp(key - strlen(WRAPPED), WRAPPED, strlen(WRAPPED));
}

/**
 * pki_key_is_reference - does a file hold a key, or say which key in hardware is meant
 * @text: of the file
 * @len: of @text
 */
bool pki_key_is_reference(const char *text, size_t len)
{
	char head[16];

	snprintf(head, sizeof(head), "%.*s", (int)(len < sizeof(head) ? len : sizeof(head) - 1), text);
	return pki_key_is_uri(head) || is_wrapped(text, len);
}

/**
 * pki_key_text - what a command line's word for a key stands for
 * @word: a URI, which names a key in hardware, or the path of a file
 * @max: bytes of the file
 * @text: the URI itself, or what is in the file; OPENSSL_cleanse() @len of it, and free() it
 * @len: of @text
 *
 * Return: 0 or -errno.
 */
int pki_key_text(const char *word, size_t max, char **text, size_t *len)
{
	if (!pki_key_is_uri(word))
		return file_read(word, max, text, len);
	*text = strdup(word);
	*len = strlen(word);
	return *text ? 0 : -ENOMEM;
}

static int refuse(struct pki_error *err, const char *uri, const char *why)
{
	return pki_fail(err, -EINVAL, "%.100s: %s", uri, why);
}

/* Percent-encoding taken off (RFC 3986, 2.1). */
static bool decode(const char *in, char *out, size_t size)
{
	size_t n = 0;
	char hex[3];

	for (; *in && n + 1 < size; n++) {
		out[n] = *in++;
		if (out[n] != '%')
			continue;
		if (!isxdigit((unsigned char)in[0]) || !isxdigit((unsigned char)in[1]))
			return false;
		snprintf(hex, sizeof(hex), "%.2s", in);
		out[n] = (char)strtol(hex, NULL, 16);
		if (!out[n])
			return false;
		in += 2;
	}
	out[n] = 0;
	return !*in;
}

/* pin-source= alone: a PIN itself would be in the process list, and other modules than the configured ones run code. */
static int take_query(struct pki_reference *r, const char *query, struct pki_error *err)
{
	r->ask = !strcmp(query, "pass") && strncasecmp(r->uri, "pkcs11:", 7) != 0;
	if (r->ask)
		return 0;
	if (strstr(query, "pin-value="))
		return refuse(err, r->uri, "a PIN does not belong into a URI: write it into a file and give ?pin-source=FILE");
	if (strncmp(query, SOURCE, strlen(SOURCE)) != 0 || strchr(query, '&'))
		return refuse(err, r->uri, "of a URI's query, pin-source= alone is taken");
	query += strlen(SOURCE);
	if (!strncmp(query, "file:", 5))
		query += strncmp(query, "file://", 7) ? 5 : 7;
	if (query[0] != '/')
		return refuse(err, r->uri, "pin-source: not the path of a file, from / on");
	if (!decode(query, r->file, sizeof(r->file)))
		return refuse(err, r->uri, "pin-source: percent-encoding that is none (RFC 3986, 2.1)");
	return 0;
}

/* Does a URI's path say @name, and what. */
static bool says(const char *uri, const char *name)
{
	size_t len = strlen(name);
	const char *at;

	for (at = strchr(uri, ':'); at; at = strchr(at, ';')) {
		at++;
		if (!strncmp(at, name, len) && at[len] == '=' && at[len + 1] && at[len + 1] != ';')
			return true;
	}
	return false;
}

/* A PIN goes to one token and no other: each that it is tried at counts it as a wrong one. */
static int check_uri(const struct pki_reference *r, struct pki_error *err)
{
	if (strncasecmp(r->uri, "pkcs11:", 7) != 0)
		return r->uri[7] ? 0 : refuse(err, r->uri, "which of the TPM's keys? as handle:0x81000001");
	if (!says(r->uri, "token") && !says(r->uri, "serial"))
		return refuse(err, r->uri, "which token? give token= or serial= (RFC 7512, 2.3)");
	if (!says(r->uri, "object") && !says(r->uri, "id"))
		return refuse(err, r->uri, "which key? give object= or id= (RFC 7512, 2.3)");
	return 0;
}

static int read_pin(struct pki_reference *r, struct pki_error *err)
{
	char *text = NULL;
	size_t len = 0, n;
	int ret = file_read(r->file, PKI_PIN_MAX + 2, &text, &len);

	if (ret)
		return pki_fail(err, ret, "%.200s: %s", r->file, strerror(-ret));
	n = strcspn(text, "\r\n");
	if (n && n <= PKI_PIN_MAX && n + strspn(text + n, "\r\n") == len)
		memcpy(r->pin, text, n + 1);
	else
		ret = pki_fail(err, -EINVAL, "%.200s: must be a PIN of 1 to %d bytes, on one line", r->file, PKI_PIN_MAX);
	r->pin[ret ? 0 : n] = 0;
	OPENSSL_cleanse(text, len);
	free(text);
	return ret;
}

/**
 * pki_reference_parse - which key in hardware is meant
 * @text: a URI on one line, or PEM
 * @len: of @text
 * @out: OPENSSL_cleanse() it, on failure as well; points into @text
 * @err: why not
 *
 * Return: 0; -EINVAL, not a URI that is taken; -errno, the PIN's file cannot be read.
 */
int pki_reference_parse(const char *text, size_t len, struct pki_reference *out, struct pki_error *err)
{
	char *query;
	size_t i;
	int ret;

	memset(out, 0, sizeof(*out));
	if (is_wrapped(text, len)) {
		out->pem = text;
		out->len = len;
		return 0;
	}
	while (len && isspace((unsigned char)text[len - 1]))
		len--;
	if (len >= sizeof(out->uri))
		return pki_fail(err, -EINVAL, "a URI of %zu bytes: at most %d", len, PKI_URI_MAX - 1);
	for (i = 0; i < len; i++)
		if (text[i] <= ' ' || text[i] > '~')
			return pki_fail(err, -EINVAL, "a URI with a character that none has (RFC 3986, 2): encode it with %%");
	memcpy(out->uri, text, len);
	query = strchr(out->uri, '?');
	if (query)
		*query++ = 0;
	ret = check_uri(out, err);
	if (!ret && query)
		ret = take_query(out, query, err);
	if (!ret && out->file[0])
		ret = read_pin(out, err);
	return ret;
}
