// SPDX-License-Identifier: GPL-2.0
/* Base64 as EST carries it (RFC 8951, 3.1). */
#include <errno.h>
#include <limits.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "base64.h"

/**
 * base64_encode - bytes to one line, without a line's end
 * @data: the bytes
 * @len: of @data
 *
 * Return: the text, free(); or NULL.
 */
char *base64_encode(const void *data, size_t len)
{
	char *text = len > INT_MAX / 2 ? NULL : malloc((len + 2) / 3 * 4 + 1);

	if (text)
		EVP_EncodeBlock((unsigned char *)text, data, (int)len);
	return text;
}

/* OpenSSL would take a '-' for the end of a PEM block: what is no base64 is refused here. */
static int squeeze(const char *text, size_t len, unsigned char *out, size_t *n)
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				      "0123456789+/=";
	size_t i;

	for (i = 0; i < len; i++) {
		if (text[i] == '\r' || text[i] == '\n' || text[i] == ' ' || text[i] == '\t')
			continue;
		if (!text[i] || !strchr(letters, text[i]))
			return -EINVAL;
		out[(*n)++] = text[i];
	}
	return *n && *n % 4 == 0 ? 0 : -EINVAL;
}

/**
 * base64_decode - text, wrapped in any way or not at all, to bytes
 * @text: the text
 * @len: of @text
 * @out: the bytes, free(); at least one
 * @out_len: of @out
 *
 * Return: 0; -EINVAL, it is empty or no base64; -ENOMEM.
 */
int base64_decode(const char *text, size_t len, uint8_t **out, size_t *out_len)
{
	unsigned char *packed = len > INT_MAX / 2 ? NULL : malloc(len + 1);
	unsigned char *bytes = packed ? malloc(len + 1) : NULL;
	EVP_ENCODE_CTX *ctx = bytes ? EVP_ENCODE_CTX_new() : NULL;
	int first = 0, last = 0, err = -ENOMEM;
	size_t n = 0;

	if (!ctx)
		goto out;
	err = squeeze(text, len, packed, &n);
	if (err)
		goto out;
	EVP_DecodeInit(ctx);
	err = -EINVAL;
	if (EVP_DecodeUpdate(ctx, bytes, &first, packed, (int)n) < 0 ||
	    EVP_DecodeFinal(ctx, bytes + first, &last) != 1 || first + last <= 0)
		goto out;
	*out = bytes;
	*out_len = first + last;
	bytes = NULL;
	err = 0;
out:
	EVP_ENCODE_CTX_free(ctx);
	free(bytes);
	free(packed);
	return err;
}
