// SPDX-License-Identifier: GPL-2.0
/* What hostapd says of a station, and which certificate that speaks of. */
#include <errno.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "eapol/eapol.h"
#include "lib/file.h"
#include "lib/policy.h"

#define PAE_AUTHENTICATED	5	/* IEEE 802.1X-2004, 9.4.1: AUTHENTICATED */
#define USER_PREFIX		"cordon-"

/* What is wanted of a reply; each may be there once. */
enum { FLAGS, STATE, PERIOD, PERIODIC, SUCCESSES, USER, FIELDS };

static const char * const keys[FIELDS] = {
	[FLAGS] = "flags", [STATE] = "dot1xAuthPaeState", [PERIOD] = "dot1xAuthReAuthPeriod",
	[PERIODIC] = "dot1xAuthReAuthEnabled", [SUCCESSES] = "dot1xAuthBackendAuthSuccesses",
	[USER] = "dot1xAuthSessionUserName",
};

/** struct field - a value within a reply */
struct field {
	const char *at;
	size_t len;
};

static int find_key(const char *line, size_t len)
{
	int i;

	for (i = 0; i < FIELDS; i++)
		if (len > strlen(keys[i]) && line[strlen(keys[i])] == '=' && !strncmp(line, keys[i], strlen(keys[i])))
			return i;
	return -1;
}

/*
 * A station chooses what it calls itself, line ends and all, and that is written into the reply as it is. So a key that
 * is there twice makes the reply worthless: which one is hostapd's is not to be told.
 */
static int find_fields(const char *text, struct field fields[FIELDS])
{
	size_t len;
	int key;

	for (; *text; text += len + !!text[len]) {
		len = strcspn(text, "\n");
		key = find_key(text, len);
		if (key < 0)
			continue;
		if (fields[key].at)
			return -EBADMSG;
		fields[key].at = text + strlen(keys[key]) + 1;
		fields[key].len = len - strlen(keys[key]) - 1;
	}
	return 0;
}

static bool take_number(const struct field *f, uint32_t *out)
{
	unsigned long value;
	char *end;

	if (!f->at || f->at[0] < '0' || f->at[0] > '9')
		return false;
	errno = 0;
	value = strtoul(f->at, &end, 10);
	if (errno || end != f->at + f->len || value > UINT32_MAX)
		return false;
	*out = value;
	return true;
}

static bool has_flag(const struct field *f, const char *flag)
{
	const char *at = f->at ? memmem(f->at, f->len, flag, strlen(flag)) : NULL;

	return at;
}

/**
 * eapol_session_parse - read what hostapd says of a station
 * @text: a reply to STA, STA-FIRST or STA-NEXT
 * @out: on success; after -EBADMSG its MAC is set, and nothing is authorized
 *
 * Return: 0; -EBADMSG, it has fields twice or not as they should be; -ENOENT, it is of no station.
 */
int eapol_session_parse(const char *text, struct eapol_session *out)
{
	struct field fields[FIELDS] = { { NULL, 0 } };
	size_t len = strcspn(text, "\n");
	uint32_t state = 0;
	char mac[18];

	memset(out, 0, sizeof(*out));
	if (len != sizeof(mac) - 1 || !text[len])
		return -ENOENT;
	memcpy(mac, text, len);
	mac[len] = 0;
	if (policy_mac_parse(mac, out->mac))
		return -ENOENT;
	/* Cut off, it may be without what would be there twice. */
	if (strlen(text) >= EAPOL_REPLY_MAX - 1 || find_fields(text + len + 1, fields))
		return -EBADMSG;
	/* Of one that has not begun to authenticate, hostapd says no more. */
	if (!fields[STATE].at)
		return 0;
	if (!fields[FLAGS].at || !fields[USER].at || fields[USER].len >= sizeof(out->user) ||
	    !take_number(&fields[STATE], &state) || !take_number(&fields[PERIOD], &out->period) ||
	    !take_number(&fields[SUCCESSES], &out->successes))
		return -EBADMSG;
	memcpy(out->user, fields[USER].at, fields[USER].len);
	if (!has_flag(&fields[PERIODIC], "TRUE"))
		out->period = 0;
	out->authorized = has_flag(&fields[FLAGS], "[AUTHORIZED]");
	out->authenticated = out->authorized && state == PAE_AUTHENTICATED;
	return 0;
}

/**
 * eapol_event_parse - which station an event is about
 * @text: the event, with its priority in front
 * @mac: filled on success
 *
 * Return: EAPOL_ENDED; EAPOL_CHANGED; -ENOENT, it is about no session.
 */
int eapol_event_parse(const char *text, uint8_t mac[6])
{
	static const struct {
		const char *name;
		int what;
	} events[] = {
		{ "AP-STA-DISCONNECTED ", EAPOL_ENDED }, { "AP-STA-CONNECTED ", EAPOL_CHANGED },
		{ "CTRL-EVENT-EAP-SUCCESS ", EAPOL_CHANGED }, { "CTRL-EVENT-EAP-SUCCESS2 ", EAPOL_CHANGED },
	};
	char word[18] = "";
	size_t i;

	if (*text == '<')
		text += strcspn(text, ">");
	if (*text == '>')
		text++;
	for (i = 0; i < sizeof(events) / sizeof(*events); i++) {
		if (strncmp(text, events[i].name, strlen(events[i].name)))
			continue;
		snprintf(word, sizeof(word), "%s", text + strlen(events[i].name));
		return policy_mac_parse(word, mac) ? -ENOENT : events[i].what;
	}
	return -ENOENT;
}

/** eapol_token_is_valid - is it one that eapol_token_read() takes */
bool eapol_token_is_valid(const char *token)
{
	return strlen(token) == EAPOL_TOKEN_DIGITS && strspn(token, "0123456789abcdef") == EAPOL_TOKEN_DIGITS;
}

/**
 * eapol_token_read - the word by which the RADIUS server's answers are known
 * @path: of its file
 * @token: OPENSSL_cleanse() it
 *
 * Return: 0; -EINVAL, it holds something else; another -errno.
 */
int eapol_token_read(const char *path, char token[EAPOL_TOKEN_LEN])
{
	char *text = NULL;
	size_t len = 0;
	int err = file_read(path, EAPOL_TOKEN_LEN + 1, &text, &len);

	token[0] = 0;
	if (err)
		return err == -EFBIG ? -EINVAL : err;
	if (len && text[len - 1] == '\n')
		text[len - 1] = 0;
	err = eapol_token_is_valid(text) ? 0 : -EINVAL;
	if (!err)
		memcpy(token, text, EAPOL_TOKEN_LEN);
	OPENSSL_cleanse(text, len);
	free(text);
	return err;
}

/**
 * eapol_serial - the certificate that a session was proved with
 * @s: it
 * @token: what the RADIUS server puts before a serial number, and no station knows
 * @serial: filled on success
 *
 * What a station calls itself stands in the same place until that server has answered, and where it says nothing.
 *
 * Return: 0; -EACCES, the server did not say this.
 */
int eapol_serial(const struct eapol_session *s, const char *token, uint8_t serial[PKI_SERIAL_LEN])
{
	const size_t prefix = sizeof(USER_PREFIX) - 1, at = prefix + EAPOL_TOKEN_DIGITS;

	if (strlen(s->user) <= at + 1 || strncmp(s->user, USER_PREFIX, prefix) || s->user[at] != '-' ||
	    CRYPTO_memcmp(s->user + prefix, token, EAPOL_TOKEN_DIGITS))
		return -EACCES;
	return pki_serial_find(s->user + at + 1, serial) ? -EACCES : 0;
}
