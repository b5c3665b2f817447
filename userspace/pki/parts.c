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
			"%s: %s%s", what, why ? why : "failed",
			pki_hardware_is_used() ? ": is what holds the key still there?" : "");
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

/* Days from 1970-01-01 to a day of the Gregorian calendar; the year may be any, the month is 1 to 12. */
static int64_t days_until(int64_t year, int month, int day)
{
	int64_t y = month <= 2 ? year - 1 : year, era = (y >= 0 ? y : y - 399) / 400;
	int64_t of_era = y - era * 400, of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;

	return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

/* The day that is so many days after 1970-01-01. */
static void day_of(int64_t days, int *year, int *month, int *day)
{
	int64_t z = days + 719468, era = (z >= 0 ? z : z - 146096) / 146097, of_era = z - era * 146097;
	int64_t years = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
	int64_t of_year = of_era - (365 * years + years / 4 - years / 100), m = (5 * of_year + 2) / 153;

	*day = (int)(of_year - (153 * m + 2) / 5 + 1);
	*month = (int)(m < 10 ? m + 3 : m - 9);
	*year = (int)(years + era * 400 + (*month <= 2));
}

/**
 * pki_time_set - a time in a certificate or a revocation list
 * @t: set, as RFC 5280, 4.1.2.5 wants it: UTCTime until 2049
 * @seconds: since 1970; need not fit into a time_t, which ends in 2038 where it has 32 bits
 *
 * Return: false, no memory, or no year of four digits.
 */
bool pki_time_set(ASN1_TIME *t, int64_t seconds)
{
	int64_t days = (seconds >= 0 ? seconds : seconds - 86399) / 86400, rest = seconds - days * 86400;
	int year, month, day;
	char text[32];

	if (days < -719162 || days > 2932896)
		return false;
	day_of(days, &year, &month, &day);
	snprintf(text, sizeof(text), "%04d%02d%02d%02d%02d%02dZ", year, month, day, (int)(rest / 3600),
		 (int)(rest / 60 % 60), (int)(rest % 60));
	return ASN1_TIME_set_string_X509(t, text) == 1;
}

/**
 * pki_time_fit - the nearest time that a time_t holds
 * @seconds: since 1970
 * @size: of the time_t, in bytes
 *
 * Where it has 32 bits, a certificate that ends after 2038 ends, for comparisons, when time does.
 */
int64_t pki_time_fit(int64_t seconds, size_t size)
{
	if (size > 4)
		return seconds;
	return seconds > INT32_MAX ? INT32_MAX : seconds < INT32_MIN ? INT32_MIN : seconds;
}

/**
 * pki_later - a time that is so many seconds later
 * @now: seconds since 1970
 * @seconds: how many
 *
 * Return: the time, or the last that a time_t holds.
 */
time_t pki_later(time_t now, int64_t seconds)
{
	return (time_t)pki_time_fit((int64_t)now + seconds, sizeof(time_t));
}

/**
 * pki_time_get - seconds since 1970, also where no time_t holds them
 * @t: a time
 * @out: where to
 *
 * Return: 0, or -EINVAL.
 */
int pki_time_get(const ASN1_TIME *t, int64_t *out)
{
	struct tm tm;

	if (!ASN1_TIME_to_tm(t, &tm))
		return -EINVAL;
	*out = days_until(tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday) * 86400 + tm.tm_hour * 3600 + tm.tm_min * 60 +
	       tm.tm_sec;
	return 0;
}

/**
 * pki_time - seconds since 1970
 * @t: a time
 * @out: where to; the nearest that a time_t holds
 *
 * Return: 0, or -EINVAL.
 */
int pki_time(const ASN1_TIME *t, time_t *out)
{
	int64_t seconds;

	if (pki_time_get(t, &seconds))
		return -EINVAL;
	*out = (time_t)pki_time_fit(seconds, sizeof(time_t));
	return 0;
}

/**
 * pki_time_text - a time, UTC
 * @t: a time
 * @out: as RFC 3339 wants it
 *
 * Return: @out.
 */
const char *pki_time_text(const ASN1_TIME *t, char out[PKI_TIME_LEN])
{
	struct tm tm;

	if (!ASN1_TIME_to_tm(t, &tm) || !strftime(out, PKI_TIME_LEN, "%Y-%m-%dT%H:%M:%SZ", &tm))
		snprintf(out, PKI_TIME_LEN, "?");
	return out;
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
