// SPDX-License-Identifier: GPL-2.0
/* Versions, and the other words that name a release: what they may look like, which is newer. */
#include <stdio.h>
#include <string.h>

#include "firmware/firmware.h"
#include "../../kernel/core/policy.h"

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static size_t digits(const char *at)
{
	size_t n = 0;

	while (is_digit(at[n]))
		n++;
	return n;
}

static size_t identifier(const char *at)
{
	size_t n = 0;

	while (is_digit(at[n]) || is_letter(at[n]) || at[n] == '-')
		n++;
	return n;
}

/* Tags of git and many vendors write v2.0. */
static const char *skip_v(const char *version)
{
	return (*version == 'v' || *version == 'V') && is_digit(version[1]) ? version + 1 : version;
}

/* Dot-separated, none empty; pre-release: a number has no leading zero (9). NULL, it is not so. */
static const char *skip_tags(const char *at, bool prerelease)
{
	size_t n;

	for (;; at++) {
		n = identifier(at);
		if (!n || (prerelease && n > 1 && *at == '0' && digits(at) == n))
			return NULL;
		at += n;
		if (*at != '.')
			return at;
	}
}

/**
 * firmware_version_is_valid - can it be compared
 * @version: terminated, or NULL
 *
 * Semantic Versioning 2.0.0, but for the numbers before the tags: any count of them, and
 * leading zeros, as in 2026.04. A v before them says nothing.
 */
bool firmware_version_is_valid(const char *version)
{
	const char *at;
	size_t n;

	if (!version || strnlen(version, FIRMWARE_VERSION_LEN) >= FIRMWARE_VERSION_LEN)
		return false;
	for (at = skip_v(version);; at++) {
		n = digits(at);
		if (!n)
			return false;
		at += n;
		if (*at != '.')
			break;
	}
	if (*at == '-')
		at = skip_tags(at + 1, true);
	if (at && *at == '+')
		at = skip_tags(at + 1, false);
	return at && !*at;
}

/* As long as they may be: no number type would do. */
static int compare_numbers(const char *a, size_t a_len, const char *b, size_t b_len)
{
	for (; a_len && *a == '0'; a_len--)
		a++;
	for (; b_len && *b == '0'; b_len--)
		b++;
	if (a_len != b_len)
		return a_len < b_len ? -1 : 1;
	return memcmp(a, b, a_len);
}

/* 11.4: numbers by their value, words by their bytes, and a number before a word. */
static int compare_tags(const char *a, size_t a_len, const char *b, size_t b_len)
{
	const bool a_number = digits(a) == a_len, b_number = digits(b) == b_len;
	int order;

	if (a_number && b_number)
		return compare_numbers(a, a_len, b, b_len);
	if (a_number != b_number)
		return a_number ? -1 : 1;
	order = memcmp(a, b, a_len < b_len ? a_len : b_len);
	return order ? order : (a_len > b_len) - (a_len < b_len);
}

/* 11.3: without a tag it is the release itself, and newer; 11.4.4: more tags are newer than fewer. */
static int compare_prereleases(const char *a, const char *b)
{
	size_t a_len, b_len;
	int order;

	if (*a != '-' || *b != '-')
		return (*b == '-') - (*a == '-');
	do {
		a_len = identifier(++a);
		b_len = identifier(++b);
		order = compare_tags(a, a_len, b, b_len);
		if (order)
			return order;
		a += a_len;
		b += b_len;
	} while (*a == '.' && *b == '.');
	return (*a == '.') - (*b == '.');
}

/* 2026-04-01 is 2026.04.01, not a pre-release of 2026. */
static void undash_date(const char *version, char out[FIRMWARE_VERSION_LEN])
{
	snprintf(out, FIRMWARE_VERSION_LEN, "%s", skip_v(version));
	if (digits(out) == 4 && out[4] == '-' && digits(out + 5) == 2 && out[7] == '-' && digits(out + 8) == 2 &&
	    !identifier(out + 10))
		out[4] = out[7] = '.';
}

/**
 * firmware_version_compare - which is newer
 * @left: valid
 * @right: valid
 *
 * Build metadata does not count (10). A date with dashes is compared like one with dots.
 *
 * Return: negative, @left is older; 0, neither is; positive, @left is newer.
 */
int firmware_version_compare(const char *left, const char *right)
{
	char a_text[FIRMWARE_VERSION_LEN], b_text[FIRMWARE_VERSION_LEN];
	const char *a = a_text, *b = b_text;
	size_t a_len, b_len;
	int order;

	undash_date(left, a_text);
	undash_date(right, b_text);
	do {
		a_len = digits(a);
		b_len = digits(b);
		order = compare_numbers(a, a_len, b, b_len);
		if (order)
			return order;
		a += a_len;
		b += b_len;
		/* Where one has no more numbers, it goes on with zeros. */
		a += *a == '.';
		b += *b == '.';
	} while (is_digit(*a) || is_digit(*b));
	return compare_prereleases(a, b);
}

/**
 * firmware_model_is_valid - is it a name as policies give to models
 * @model: terminated, or NULL
 */
bool firmware_model_is_valid(const char *model)
{
	return model && cordon_name_is_valid(model, FIRMWARE_MODEL_LEN);
}

/**
 * firmware_file_is_valid - is it a name that devices may be told
 * @file: terminated, or NULL
 *
 * It stands in URLs, headers and command lines: letters, digits and "._+~-", the first one a letter, a
 * digit or '_'.
 */
bool firmware_file_is_valid(const char *file)
{
	size_t i;

	if (!file || (!is_digit(file[0]) && !is_letter(file[0]) && file[0] != '_'))
		return false;
	for (i = 1; i < FIRMWARE_FILE_LEN && file[i]; i++)
		if (!is_digit(file[i]) && !is_letter(file[i]) && !strchr("._+~-", file[i]))
			return false;
	return i < FIRMWARE_FILE_LEN;
}
