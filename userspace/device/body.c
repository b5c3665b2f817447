// SPDX-License-Identifier: GPL-2.0
/* Base64 bodies (RFC 8951, 3.2) and Basic credentials (RFC 7617), liberally read. */
#include <ctype.h>
#include <errno.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "device/base64.h"
#include "device/body.h"

#define CREDENTIALS_MAX	512	/* bytes of base64 */

/*
 * What a request should be signed with (RFC 7030, 4.5.2): ecdsa-with-SHA256, and a key on P-256.
 * SEQUENCE { OID 1.2.840.10045.4.3.2, SEQUENCE { OID 1.2.840.10045.2.1, SET { OID 1.2.840.10045.3.1.7 } } }
 */
const uint8_t est_csr_attributes[] = {
	0x30, 0x21, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02,
	0x30, 0x15, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01,
	0x31, 0x0a, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07,
};
const size_t est_csr_attributes_len = sizeof(est_csr_attributes);

/* Of PEM, what lies between its lines: text may stand around them (RFC 7468, 2). */
static size_t inside(const char **body, size_t len)
{
	const char *begin = memmem(*body, len, "-----BEGIN ", 11), *end;

	if (!begin)
		return len;
	len -= begin - *body;
	end = memchr(begin, '\n', len);
	if (!end)
		return 0;
	*body = end + 1;
	len -= *body - begin;
	end = memmem(*body, len, "-----END ", 9);
	return end ? (size_t)(end - *body) : len;
}

static size_t strip(const char *body, size_t len, char *out)
{
	size_t n = 0, i;

	len = inside(&body, len);
	for (i = 0; i < len; i++)
		if (!isspace((unsigned char)body[i]))
			out[n++] = body[i];
	return n;
}

/**
 * est_body_decode - bytes of a base64 body
 * @body: wrapped or not, LF or CR LF; or PEM, with text around it or without
 * @len: of @body
 * @out: gets them
 * @size: of @out
 * @out_len: how many
 *
 * Return: 0; -EINVAL, it is not base64; -EMSGSIZE, they do not fit. @out and @out_len are left alone then.
 */
int est_body_decode(const char *body, size_t len, uint8_t *out, size_t size, size_t *out_len)
{
	char *clean = malloc(len + 1);
	uint8_t *bytes = NULL;
	int err = -ENOMEM;
	size_t n;

	if (clean)
		err = base64_decode(clean, strip(body, len, clean), &bytes, &n);
	if (!err && n > size)
		err = -EMSGSIZE;
	if (!err) {
		memcpy(out, bytes, n);
		*out_len = n;
	}
	if (bytes)
		OPENSSL_cleanse(bytes, n);
	free(bytes);
	free(clean);
	return err;
}

/**
 * est_body_encode - a body of one base64 line
 * @der: bytes
 * @len: how many
 * @out_len: length of the body
 *
 * Return: the body, ending in LF and a NUL; free(). NULL, no memory.
 */
char *est_body_encode(const uint8_t *der, size_t len, size_t *out_len)
{
	char *line = base64_encode(der, len), *out = NULL;
	int n = line ? asprintf(&out, "%s\n", line) : -1;

	free(line);
	*out_len = n < 0 ? 0 : n;
	return n < 0 ? NULL : out;
}

/**
 * est_basic_auth - name and secret of an Authorization header
 * @header: its value, or NULL
 * @name: gets the name
 * @name_size: of @name
 * @secret: gets the secret
 * @secret_size: of @secret
 *
 * Return: false, it holds none, or none that could be right; both are empty then.
 */
bool est_basic_auth(const char *header, char *name, size_t name_size, char *secret, size_t secret_size)
{
	uint8_t text[CREDENTIALS_MAX];
	bool good = false;
	uint8_t *colon;
	size_t len, n;

	name[0] = 0;
	secret[0] = 0;
	if (!header || strncasecmp(header, "Basic ", 6) || strlen(header) > CREDENTIALS_MAX ||
	    est_body_decode(header + 6, strlen(header + 6), text, sizeof(text), &len))
		return false;
	colon = memchr(text, ':', len);
	if (colon && !memchr(text, 0, len)) {
		n = colon - text;
		len -= n + 1;
		good = n && n < name_size && len && len < secret_size;
	}
	if (good) {
		memcpy(name, text, n);
		name[n] = 0;
		memcpy(secret, colon + 1, len);
		secret[len] = 0;
	}
	OPENSSL_cleanse(text, sizeof(text));
	return good;
}

/**
 * est_media_type - is that the type of a body
 * @header: Content-Type's value, or NULL
 * @type: which it should be; parameters do not matter
 */
bool est_media_type(const char *header, const char *type)
{
	size_t n = strlen(type);

	return header && !strncasecmp(header, type, n) &&
	       (!header[n] || header[n] == ';' || isspace((unsigned char)header[n]));
}
