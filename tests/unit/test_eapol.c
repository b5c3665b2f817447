// SPDX-License-Identifier: GPL-2.0
/* What is read of hostapd: a station's fields, events, and whose certificate a session names. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "eapol/eapol.h"
#include "tap.h"

#define MAC	"02:00:00:00:01:01\n"
#define TOKEN	"0123456789abcdef0123456789abcdef"
#define SERIAL	"3dccbdb3ebbb2e982916d622e4c14b76"
#define BEGIN	MAC "flags=[AUTHORIZED]\naid=0\nsupported_rates=\ndot1xAuthPaeState=5\ndot1xAuthReAuthPeriod=1800\n" \
		"dot1xAuthReAuthEnabled=TRUE\ndot1xAuthBackendAuthSuccesses=7\n"
#define USER	"dot1xAuthSessionUserName="
#define END	"\nlast_eap_type_as=13 (TLS)\n"

static const uint8_t mac[6] = { 2, 0, 0, 0, 1, 1 };

struct row {
	const char *name;
	const char *text;
	int err;
	bool authorized;
	bool authenticated;
};

static const struct row rows[] = {
	{ "authenticated", BEGIN USER "cam" END, 0, true, true },
	{ "in the middle of a re-authentication", MAC "flags=[AUTHORIZED]\ndot1xAuthPaeState=4\ndot1xAuthReAuthPeriod=1\n"
	  "dot1xAuthReAuthEnabled=FALSE\ndot1xAuthBackendAuthSuccesses=1\n" USER "cam" END, 0, true, false },
	{ "authenticated, the port closed", MAC "flags=\ndot1xAuthPaeState=5\ndot1xAuthReAuthPeriod=1\n"
	  "dot1xAuthReAuthEnabled=FALSE\ndot1xAuthBackendAuthSuccesses=1\n" USER "cam" END, 0, false, false },
	{ "not begun", MAC "flags=[AUTHORIZED]\naid=0\n", 0, false, false },
	{ "its MAC alone", MAC, 0, false, false },
	{ "no station", "FAIL\n", -ENOENT, false, false },
	{ "nothing", "", -ENOENT, false, false },
	{ "half a MAC", "02:00:00\n", -ENOENT, false, false },
	{ "a MAC, cut off", "02:00:00:00:01:01", -ENOENT, false, false },
	{ "a second name in the name", BEGIN USER "x\n" USER "y" END, -EBADMSG, false, false },
	{ "flags in the name", BEGIN USER "x\nflags=[AUTHORIZED]" END, -EBADMSG, false, false },
	{ "a state in the name", BEGIN USER "x\ndot1xAuthPaeState=5" END, -EBADMSG, false, false },
	{ "a line end in the name", BEGIN USER "x\ny" END, 0, true, true },
	{ "no name", BEGIN "last_eap_type_as=13 (TLS)\n", -EBADMSG, false, false },
	{ "no flags", MAC "dot1xAuthPaeState=5\ndot1xAuthReAuthPeriod=1\ndot1xAuthBackendAuthSuccesses=1\n" USER "x" END,
	  -EBADMSG, false, false },
	{ "a state that is no number", MAC "flags=[AUTHORIZED]\ndot1xAuthPaeState=5x\ndot1xAuthReAuthPeriod=1\n"
	  "dot1xAuthBackendAuthSuccesses=1\n" USER "x" END, -EBADMSG, false, false },
	{ "a state below zero", MAC "flags=[AUTHORIZED]\ndot1xAuthPaeState=-5\ndot1xAuthReAuthPeriod=1\n"
	  "dot1xAuthBackendAuthSuccesses=1\n" USER "x" END, -EBADMSG, false, false },
	{ "a count of 33 bits", MAC "flags=[AUTHORIZED]\ndot1xAuthPaeState=5\ndot1xAuthReAuthPeriod=1\n"
	  "dot1xAuthBackendAuthSuccesses=4294967296\n" USER "x" END, -EBADMSG, false, false },
};

static void check_rows(void)
{
	struct eapol_session s;
	size_t i;
	int err;

	for (i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		memset(&s, 0xff, sizeof(s));
		err = eapol_session_parse(rows[i].text, &s);
		ok(err == rows[i].err && s.authorized == rows[i].authorized && s.authenticated == rows[i].authenticated,
		   "session: %s", rows[i].name);
		if (err)
			ok(!s.user[0] && !s.successes, "session: %s: nothing of it is taken", rows[i].name);
		if (err != -ENOENT)
			ok(!memcmp(s.mac, mac, 6), "session: %s: whose it is", rows[i].name);
	}
	eapol_session_parse(rows[0].text, &s);
	ok(s.successes == 7 && s.period == 1800 && !strcmp(s.user, "cam"), "session: its fields");
	eapol_session_parse(rows[1].text, &s);
	ok(!s.period, "session: no re-authentication: no period");
}

/* A name as long as RADIUS has them, one longer, and a reply that may have been cut off. */
static void check_lengths(void)
{
	char text[EAPOL_REPLY_MAX], name[EAPOL_REPLY_MAX];
	struct eapol_session s;

	memset(name, 'n', sizeof(name));
	snprintf(text, sizeof(text), BEGIN USER "%.253s" END, name);
	ok(!eapol_session_parse(text, &s) && strlen(s.user) == 253, "session: a name of 253 bytes");
	snprintf(text, sizeof(text), BEGIN USER "%.254s" END, name);
	ok(eapol_session_parse(text, &s) == -EBADMSG && !s.authorized, "session: one of 254");
	memset(text, 'n', sizeof(text) - 1);
	text[sizeof(text) - 1] = 0;
	memcpy(text, BEGIN USER "cam\n", strlen(BEGIN USER "cam\n"));
	ok(eapol_session_parse(text, &s) == -EBADMSG && !s.authorized, "session: a reply that fills its room");
}

static void check_events(void)
{
	static const struct {
		const char *text;
		int what;
	} events[] = {
		{ "<3>AP-STA-CONNECTED 02:00:00:00:01:01", EAPOL_CHANGED },
		{ "<3>AP-STA-DISCONNECTED 02:00:00:00:01:01", EAPOL_ENDED },
		{ "<3>CTRL-EVENT-EAP-SUCCESS2 02:00:00:00:01:01", EAPOL_CHANGED },
		{ "<3>CTRL-EVENT-EAP-SUCCESS 02:00:00:00:01:01", EAPOL_CHANGED },
		{ "AP-STA-CONNECTED 02:00:00:00:01:01 keyid=x", EAPOL_CHANGED },
		{ "<3>CTRL-EVENT-EAP-STARTED 02:00:00:00:01:01", -ENOENT }, { "<3>AP-STA-CONNECTED ", -ENOENT },
		{ "<3>AP-STA-CONNECTED 02:00:00:00:01", -ENOENT }, { "<3", -ENOENT }, { "", -ENOENT },
	};
	uint8_t got[6];
	size_t i;
	int what;

	for (i = 0; i < sizeof(events) / sizeof(*events); i++) {
		memset(got, 0xff, sizeof(got));
		what = eapol_event_parse(events[i].text, got);
		ok(what == events[i].what && (what < 0 || !memcmp(got, mac, 6)), "event: %s", events[i].text);
	}
}

static void check_serials(void)
{
	static const struct {
		const char *user;
		bool good;
	} users[] = {
		{ "cordon-" TOKEN "-" SERIAL, true }, { "cordon-" TOKEN "-3DCCBDB3EBBB2E982916D622E4C14B76", true },
		{ "cordon-" TOKEN "-", false }, { "cordon-" TOKEN, false }, { "cordon-" TOKEN "-" SERIAL "00", false },
		{ "cordon-" TOKEN "-%{TLS-Client-Cert-Serial}", false }, { "cordon-" TOKEN "_" SERIAL, false },
		{ "cordon-0123456789abcdef0123456789abcdee-" SERIAL, false }, { "Cordon-" TOKEN "-" SERIAL, false },
		{ "cordon--" SERIAL, false }, { SERIAL, false }, { "cam", false }, { "", false },
	};
	struct eapol_session s = { .successes = 0 };
	uint8_t serial[PKI_SERIAL_LEN], none[PKI_SERIAL_LEN] = { 0 }, want[PKI_SERIAL_LEN];
	size_t i;
	int err;

	pki_serial_find(SERIAL, want);
	for (i = 0; i < sizeof(users) / sizeof(*users); i++) {
		memset(serial, 0, sizeof(serial));
		snprintf(s.user, sizeof(s.user), "%s", users[i].user);
		err = eapol_serial(&s, TOKEN, serial);
		ok(users[i].good ? !err && !memcmp(serial, want, sizeof(want)) :
		   err == -EACCES && !memcmp(serial, none, sizeof(none)), "certificate: '%s'", users[i].user);
	}
}

static void check_token(void)
{
	static const struct {
		const char *text;
		int err;
	} files[] = {
		{ TOKEN, 0 }, { TOKEN "\n", 0 }, { "", -EINVAL }, { TOKEN "0", -EINVAL }, { TOKEN "\n\n", -EINVAL },
		{ "0123456789ABCDEF0123456789abcdef", -EINVAL }, { "0123456789abcdef0123456789abcde", -EINVAL },
		{ "0123456789abcdef0123456789abcde-", -EINVAL },
	};
	char path[] = "/tmp/test_eapol.XXXXXX", token[EAPOL_TOKEN_LEN];
	int fd = mkstemp(path), err;
	size_t i;

	for (i = 0; i < sizeof(files) / sizeof(*files); i++) {
		if (ftruncate(fd, 0) || pwrite(fd, files[i].text, strlen(files[i].text), 0) < 0)
			break;
		err = eapol_token_read(path, token);
		ok(err == files[i].err && !strcmp(token, err ? "" : TOKEN), "token: '%s'", files[i].text);
	}
	close(fd);
	unlink(path);
	ok(eapol_token_read(path, token) == -ENOENT, "token: none");
}

int main(void)
{
	check_rows();
	check_lengths();
	check_events();
	check_serials();
	check_token();
	return tap_done();
}
