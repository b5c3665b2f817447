// SPDX-License-Identifier: GPL-2.0
/* Sentences about what was refused, and times. */
#include <errno.h>
#include <openssl/err.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "parts.h"

/**
 * pki_fail - say what was refused
 * @err: where to
 * @code: -errno
 * @fmt: the sentence
 *
 * Whatever OpenSSL had to say is dropped, so that the next one who asks is not misled.
 *
 * Return: @code.
 */
int pki_fail(struct pki_error *err, int code, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(err->text, sizeof(err->text), fmt, args);
	va_end(args);
	ERR_clear_error();
	return code;
}

/**
 * pki_fail_ssl - say that OpenSSL could not do something, and its reason
 * @err: where to
 * @what: was to be done
 *
 * Return: -EIO, or -ENOMEM.
 */
int pki_fail_ssl(struct pki_error *err, const char *what)
{
	unsigned long code = ERR_peek_last_error();
	const char *why = ERR_reason_error_string(code);

	return pki_fail(err, ERR_GET_REASON(code) == ERR_R_MALLOC_FAILURE ? -ENOMEM : -EIO,
			"%s: %s", what, why ? why : "failed");
}

/**
 * pki_quote - foreign bytes, fit to be printed
 * @text: the bytes
 * @len: how many
 * @out: them; what is not printable ASCII is a '?', what is too long is cut
 *
 * Return: @out.
 */
const char *pki_quote(const void *text, size_t len, char out[PKI_QUOTE_LEN])
{
	const unsigned char *in = text;
	size_t i;

	for (i = 0; i < len && i < PKI_QUOTE_LEN - 1; i++)
		out[i] = in[i] >= 0x20 && in[i] < 0x7f && in[i] != '\'' ? in[i] : '?';
	out[i] = 0;
	return out;
}

/**
 * pki_time - seconds since 1970
 * @t: a time
 * @out: where to
 *
 * Return: 0, or -EINVAL.
 */
int pki_time(const ASN1_TIME *t, time_t *out)
{
	struct tm tm;

	if (!ASN1_TIME_to_tm(t, &tm))
		return -EINVAL;
	*out = timegm(&tm);
	return 0;
}

/**
 * pki_date - the day of a time, UTC
 * @t: a time
 * @out: 2026-01-02
 *
 * Return: @out.
 */
const char *pki_date(const ASN1_TIME *t, char out[16])
{
	struct tm tm;

	if (!ASN1_TIME_to_tm(t, &tm) || !strftime(out, 16, "%Y-%m-%d", &tm))
		snprintf(out, 16, "?");
	return out;
}
