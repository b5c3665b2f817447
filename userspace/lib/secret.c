// SPDX-License-Identifier: GPL-2.0
/* Secrets that a person could choose: which are too weak, and why. */
#include <ctype.h>
#include <errno.h>
#include <openssl/crypto.h>
#include <pwquality.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "secret.h"
#include "secret_words.h"

#define MIN_LEN		12
#define MIN_LEN_BLIND	16	/* where there is no dictionary to look it up in */
#define MIN_LEN_PLAIN	20	/* of letters of one case, or digits, alone */
#define WALK		4	/* keys beside one another, from which on they count as two */
#define LEN		(SECRET_MAX_LEN + 1)

/**
 * struct forms - a secret, as it is compared
 * @lower: in lower case
 * @core: without digits and punctuation at its ends, leet undone, letters and digits only
 * @whole: likewise, but with its ends
 */
struct forms {
	char lower[LEN];
	char core[LEN];
	char whole[LEN];
};

static int refuse(char why[SECRET_WHY_LEN], const char *text)
{
	snprintf(why, SECRET_WHY_LEN, "%s", text);
	return -EPERM;
}

/*
 * What a letter is written as: both sides of a comparison go through it, so that i, l and 1
 * may all become the same. 0: it is left out.
 */
static char plain(char c)
{
	static const char from[] = "0134578@$!|+6l", to[] = "oieastbasiitgi";
	const char *at = c ? strchr(from, c) : NULL;

	if (at)
		return to[at - from];
	return isalnum((unsigned char)c) ? c : 0;
}

static void fold(const char *text, size_t len, char out[LEN])
{
	size_t i, n = 0;

	for (i = 0; i < len; i++)
		if (plain((char)tolower((unsigned char)text[i])))
			out[n++] = plain((char)tolower((unsigned char)text[i]));
	out[n] = 0;
}

static bool is_letter(char c)
{
	return isalpha((unsigned char)c);
}

static void make_forms(const char *secret, struct forms *f)
{
	size_t len = strlen(secret), from = 0, to = len, i;

	for (i = 0; i <= len; i++)
		f->lower[i] = (char)tolower((unsigned char)secret[i]);
	while (from < to && !is_letter(secret[from]) && !strchr("@$", secret[from]))
		from++;
	while (to > from && !is_letter(secret[to - 1]))
		to--;
	fold(secret + from, to - from, f->core);
	fold(secret, len, f->whole);
}

static bool has_control(const char *secret)
{
	const unsigned char *p = (const unsigned char *)secret;

	/* C1 in UTF-8 is 0xc2 and 0x80 to 0x9f. */
	for (; *p; p++)
		if (*p < ' ' || *p == 0x7f || (*p == 0xc2 && p[1] >= 0x80 && p[1] < 0xa0))
			return true;
	return false;
}

static bool begins_with(const char *text, const char *word, size_t *len)
{
	char folded[LEN];

	fold(word, strlen(word), folded);
	*len = strlen(folded);
	return *len && !strncmp(text, folded, *len);
}

/* Is it nothing but words that vendors ship, one after the other. */
static bool is_of_words(const char *text)
{
	bool reached[LEN] = { true };
	size_t len = strlen(text), at, i, n;

	for (at = 0; at < len; at++)
		for (i = 0; reached[at] && secret_words[i]; i++)
			if (begins_with(text + at, secret_words[i], &n))
				reached[at + n] = true;
	return len && reached[len];
}

/* One block again and again; what is left at the end begins it once more. */
static bool is_repeated(const char *text)
{
	size_t len = strlen(text), period, i;

	for (period = 1; 2 * period <= len; period++) {
		for (i = period; i < len && text[i] == text[i - period]; i++)
			;
		if (i == len)
			return true;
	}
	return false;
}

static void reverse(char *text)
{
	size_t len = strlen(text), i;
	char c;

	for (i = 0; i < len / 2; i++) {
		c = text[i];
		text[i] = text[len - 1 - i];
		text[len - 1 - i] = c;
	}
}

/* Characters of text that are not part of word. */
static size_t without(const char *text, const char *word)
{
	size_t left = strlen(text), n = strlen(word);

	while (n && (text = strstr(text, word))) {
		text += n;
		left -= n;
	}
	return left;
}

/* With the word taken out of it, what is left must do. */
static bool leans_on(const char *text, const char *word)
{
	return strstr(text, word) && without(text, word) < MIN_LEN;
}

static bool is_of_name(const struct forms *f, const char *name)
{
	char word[LEN];

	fold(name, strnlen(name, SECRET_MAX_LEN), word);
	if (strlen(word) < 3)
		return *word && !strcmp(f->core, word);
	if (leans_on(f->whole, word))
		return true;
	reverse(word);
	return leans_on(f->whole, word);
}

static bool holds_mac(const char *flat, const unsigned char *mac)
{
	char hex[13], last[7];

	/* Its last six digits are what is printed on many a label. */
	snprintf(hex, sizeof(hex), "%02x%02x%02x%02x%02x%02x", mac[0], mac[1], mac[2], mac[3],
		 mac[4], mac[5]);
	memcpy(last, hex + 6, sizeof(last));
	if (strstr(flat, last))
		return true;
	reverse(last);
	if (strstr(flat, last))
		return true;
	snprintf(hex, sizeof(hex), "%02x%02x%02x%02x%02x%02x", mac[5], mac[4], mac[3], mac[2],
		 mac[1], mac[0]);
	return strstr(flat, hex);
}

static bool is_of_mac(const struct forms *f, const unsigned char *mac)
{
	char flat[LEN];
	size_t i, n = 0;
	bool holds;

	for (i = 0; f->lower[i]; i++)
		if (!strchr(":-._ ", f->lower[i]))
			flat[n++] = f->lower[i];
	flat[n] = 0;
	holds = holds_mac(flat, mac);
	OPENSSL_cleanse(flat, sizeof(flat));
	return holds;
}

/* Where a key is: a row in tens, a column in ones; -1, on none of these. */
static int key_of(char c)
{
	static const char * const rows[] = { "1234567890-=", "qwertyuiop[]", "asdfghjkl;'",
					     "zxcvbnm,./" };
	static const char shifted[] = "!@#$%^&*()", plain_keys[] = "1234567890";
	const char *at;
	int i;

	at = strchr(shifted, c);
	if (at)
		c = plain_keys[at - shifted];
	for (i = 0; i < 4; i++) {
		at = strchr(rows[i], c);
		if (at)
			return 16 * i + (int)(at - rows[i]);
	}
	return -1;
}

static bool beside(char a, char b)
{
	int from = key_of(a), to = key_of(b), down, right;

	if (from < 0 || to < 0)
		return a == b;
	down = to / 16 - from / 16;
	right = to % 16 - from % 16;
	return down >= -1 && down <= 1 && right >= -1 && right <= 1;
}

/* The alphabet and the digits, either way. */
static bool next_to(char a, char b)
{
	return isalnum((unsigned char)a) && (b == a + 1 || b == a - 1);
}

/* What is left when fingers that walk over the keyboard count as two keys. */
static size_t substance(const char *text, bool (*follows)(char a, char b))
{
	size_t len = strlen(text), n = 0, i = 0, run;

	while (i < len) {
		for (run = 1; i + run < len && follows(text[i + run - 1], text[i + run]); run++)
			;
		n += run >= WALK ? 2 : run;
		i += run;
	}
	return n;
}

static bool is_plain(const char *secret)
{
	size_t len = strlen(secret);

	return strspn(secret, "0123456789") == len ||
	       strspn(secret, "abcdefghijklmnopqrstuvwxyz") == len ||
	       strspn(secret, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == len;
}

static int check_shape(const char *secret, const struct forms *f, char why[SECRET_WHY_LEN])
{
	if (is_of_words(f->core) || is_of_words(f->whole))
		return refuse(why, "it is what vendors ship, or made of such words");
	if (strlen(secret) < MIN_LEN)
		return refuse(why, "it is shorter than 12 bytes");
	if (is_repeated(f->lower) || is_repeated(f->core))
		return refuse(why, "it repeats one block");
	if (substance(f->lower, beside) < 8)
		return refuse(why, "it walks over the keyboard");
	if (substance(f->lower, next_to) < 8)
		return refuse(why, "it counts or spells the alphabet");
	if (is_plain(secret) && strlen(secret) < MIN_LEN_PLAIN)
		return refuse(why, "it is shorter than 20 bytes and of one kind of characters");
	return 0;
}

/* Settings of our own alone: what is refused must not depend on the machine. */
static pwquality_settings_t *settings(const char *dictionary)
{
	pwquality_settings_t *pwq = pwquality_default_settings();

	if (pwq &&
	    (pwquality_set_int_value(pwq, PWQ_SETTING_MIN_LENGTH, MIN_LEN) ||
	     pwquality_set_int_value(pwq, PWQ_SETTING_MAX_REPEAT, 4) ||
	     pwquality_set_int_value(pwq, PWQ_SETTING_MAX_SEQUENCE, 5) ||
	     pwquality_set_int_value(pwq, PWQ_SETTING_USER_CHECK, 0) ||
	     pwquality_set_int_value(pwq, PWQ_SETTING_DICT_CHECK, !!dictionary) ||
	     (dictionary && pwquality_set_str_value(pwq, PWQ_SETTING_DICT_PATH, dictionary)))) {
		pwquality_free_settings(pwq);
		return NULL;
	}
	return pwq;
}

static int check_quality(const char *secret, const char *dictionary, char why[SECRET_WHY_LEN])
{
	static const char subject[] = "The password ";
	pwquality_settings_t *pwq = settings(dictionary);
	char buf[PWQ_MAX_ERROR_MESSAGE_LEN];
	const char *text;
	void *aux = NULL;
	int ret;

	if (!pwq)
		return refuse(why, "libpwquality cannot check it");
	/* A user by that name has no entry that cracklib could compare it with. */
	ret = pwquality_check(pwq, secret, NULL, "cordon-device", &aux);
	pwquality_free_settings(pwq);
	if (ret >= 0)
		return 0;
	text = pwquality_strerror(buf, sizeof(buf), ret, aux);
	if (!strncmp(text, subject, sizeof(subject) - 1))
		snprintf(why, SECRET_WHY_LEN, "it %s", text + sizeof(subject) - 1);
	else
		snprintf(why, SECRET_WHY_LEN, "libpwquality: %s", text);
	return -EPERM;
}

/* Debian's, and where others have it; without the ending. */
static const char *find_dictionary(void)
{
	static const char * const places[] = {
		"/var/cache/cracklib/cracklib_dict", "/usr/share/cracklib/pw_dict",
		"/usr/lib/cracklib_dict",
	};
	char file[64];
	size_t i;

	for (i = 0; i < sizeof(places) / sizeof(*places); i++) {
		snprintf(file, sizeof(file), "%s.pwd", places[i]);
		if (!access(file, R_OK))
			return places[i];
	}
	return NULL;
}

/**
 * secret_check_by - secret_check() with a dictionary of the caller's
 * @secret: the secret
 * @name: the device's; NULL
 * @mac: the device's; NULL
 * @dictionary: of cracklib, path without its ending; NULL, there is none: a longer secret
 *	is asked for, as nobody can say whether it is a word
 * @why: a sentence, where it is refused
 *
 * Return: 0 or -EPERM.
 */
int secret_check_by(const char *secret, const char *name, const unsigned char *mac,
		    const char *dictionary, char why[SECRET_WHY_LEN])
{
	size_t len = strnlen(secret, LEN);
	struct forms f = { 0 };
	int err;

	why[0] = 0;
	if (!len)
		return refuse(why, "it is empty");
	if (len > SECRET_MAX_LEN)
		return refuse(why, "it is longer than 128 bytes");
	if (has_control(secret))
		return refuse(why, "it holds control characters");
	make_forms(secret, &f);
	if (mac && is_of_mac(&f, mac))
		err = refuse(why, "it holds the device's MAC");
	else if (name && is_of_name(&f, name))
		err = refuse(why, "it is made of the device's name");
	else
		err = check_shape(secret, &f, why);
	if (!err && !dictionary && len < MIN_LEN_BLIND)
		err = refuse(why, "it is shorter than 16 bytes, and there is no dictionary to "
			     "look it up in: install cracklib-runtime");
	if (!err)
		err = check_quality(secret, dictionary, why);
	OPENSSL_cleanse(&f, sizeof(f));
	return err;
}

/**
 * secret_check - is a secret too weak
 * @secret: the secret
 * @name: the device's; NULL
 * @mac: the device's; NULL
 * @why: a sentence, where it is refused
 *
 * Return: 0 or -EPERM.
 */
int secret_check(const char *secret, const char *name, const unsigned char *mac,
		 char why[SECRET_WHY_LEN])
{
	return secret_check_by(secret, name, mac, find_dictionary(), why);
}
