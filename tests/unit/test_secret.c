// SPDX-License-Identifier: GPL-2.0
/* Secrets: what is refused, with which words, and what passes. */
#include <errno.h>
#include <string.h>

#include "../../userspace/lib/secret.h"
#include "tap.h"

#define DEFAULT	 "it is what vendors ship, or made of such words"
#define REPEATED "it repeats one block"
#define WALKS	 "it walks over the keyboard"
#define COUNTS	 "it counts or spells the alphabet"
#define OF_NAME	 "it is made of the device's name"
#define OF_MAC	 "it holds the device's MAC"
#define SHORT	 "it is shorter than 12 bytes"
#define PLAIN	 "it is shorter than 20 bytes and of one kind of characters"
#define CONTROL	 "it holds control characters"

#define NAME	"thermostat-1"
static const unsigned char mac[6] = { 0x02, 0x1a, 0x2b, 0x3c, 0x4d, 0x5e };

struct row {
	const char *secret;
	const char *why;	/* how it begins; NULL, it passes */
};

static const struct row rows[] = {
	{ "", "it is empty" },
	/* what vendors ship, and Mirai tries */
	{ "admin", DEFAULT }, { "ADMIN", DEFAULT }, { "root", DEFAULT }, { "123456", DEFAULT },
	{ "password", DEFAULT }, { "P@ssw0rd", DEFAULT }, { "P@$$w0rd", DEFAULT },
	{ "p4ssw0rd", DEFAULT }, { "Pa55word!", DEFAULT }, { "password1!", DEFAULT },
	{ "changeme", DEFAULT }, { "ch4ng3m3", DEFAULT }, { "default", DEFAULT },
	{ "welcome1", DEFAULT }, { "W3lc0me2024!", DEFAULT }, { "raspberry", DEFAULT },
	{ "ubnt", DEFAULT }, { "vizxv", DEFAULT }, { "xc3511", DEFAULT }, { "7ujMko0admin", DEFAULT },
	{ "7ujMko0vizxv", DEFAULT }, { "anko", DEFAULT }, { "hunt5759", DEFAULT }, { "juantech", DEFAULT },
	{ "Zte521", DEFAULT }, { "klv1234", DEFAULT }, { "OxhlwSG8", DEFAULT }, { "S2fGqNFs", DEFAULT },
	{ "smcadmin", DEFAULT }, { "letmein", DEFAULT }, { "realtek", DEFAULT },
	/* longer ones, which libpwquality by itself accepts */
	{ "P@ssw0rd12345!", DEFAULT }, { "Adm1nistrator123!", DEFAULT }, { "raspberry2024!!", DEFAULT },
	{ "admin/admin-2024", DEFAULT }, { "Root:Toor:Admin:99", DEFAULT },
	{ "My-Secret-Password", DEFAULT }, { "!!!changeme!!!", DEFAULT },
	{ "ubnt-ubnt-ubnt-1", DEFAULT }, { "Raspberry-Pi-Admin-2023", DEFAULT },
	/* of the device itself */
	{ "thermostat-1", OF_NAME }, { "Thermostat-1-2024!", OF_NAME }, { "x7-1-tatsomreht-Q", OF_NAME },
	{ "th3rm0st4t_1.9Kq", OF_NAME },
	{ "02:1a:2b:3c:4d:5e", OF_MAC }, { "021A2B3C4D5E-Vine", OF_MAC }, { "02-1a-2b-3c-4d-5e", OF_MAC },
	{ "021a.2b3c.4d5e", OF_MAC }, { "Gr8-otter-3c4d5e", OF_MAC }, { "Gr8-otter-3C:4D:5E", OF_MAC },
	{ "5e:4d:3c:2b:1a:02", OF_MAC }, { "e5d4c3b2a120", OF_MAC },
	/* no thought went into it */
	{ "qwertyuiop[]", WALKS }, { "1qaz2wsx3edc", WALKS }, { "!QAZ@WSX#EDC", WALKS },
	{ "zaq12wsxcde3", WALKS }, { "poiuytrewq98", WALKS }, { "asdfghjkl;'x", WALKS },
	{ "nmnmnmnm1234", REPEATED },
	{ "xK9#xK9#xK9#", REPEATED }, { "xK9mQvL7-xK9mQvL7-", REPEATED }, { "zzzzzzzzzzzz", REPEATED },
	{ "efghijklmnop", COUNTS }, { "Zyxwvutsrqponm", COUNTS },
	{ "839472615038", PLAIN }, { "bvmwkxqrhtzlp", PLAIN },
	{ "x7Kq2mVt9pL", SHORT }, { "aB3$", SHORT },
	/* cracklib's */
	{ "Unbelievable1", "it fails the dictionary check" },
	{ "aaaaab7Kq2mVt9p", "it contains more than 4 same characters consecutively" },
	/* what a terminal would act on */
	{ "x7Kq2mVt9pLw\n", CONTROL }, { "x7Kq2\x1b[2JmVt9pLw", CONTROL }, { "x7Kq2mVt9pLw\x7f", CONTROL },
	{ "x7Kq2mVt9pLw\xc2\x9b" "31m", CONTROL },
	/* controls */
	{ "x7Kq2mVt9pLw", NULL }, { "correct horse battery staple", NULL },
	{ "Gr8-otter-lamp-Vine", NULL }, { "tHe?rm0.x7Kq2mVt", NULL },
	{ "thermostat-1 x7Kq2mVt9pLw", NULL }, { "k7w4-zmq9-x2vt-p8rd", NULL },
	{ "Gr\xc3\xbc\xc3\x9f-otter-lamp-Vine", NULL }, { "3c4d-otter-lamp-Vine", NULL },
	{ "uupgf5bt2gxs3uqpmwpsdlybu4", NULL },
};

/* Whatever is said, the secret is not. */
static bool discloses(const char *why, const char *secret)
{
	return strlen(secret) >= 4 && strstr(why, secret);
}

static void check_rows(void)
{
	char why[SECRET_WHY_LEN];
	size_t i;
	int ret;

	for (i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		const struct row *r = &rows[i];

		memset(why, 'x', sizeof(why));
		ret = secret_check(r->secret, NAME, mac, why);
		if (!r->why)
			ok(!ret && !*why, "passes: %s: %s", r->secret, why);
		else
			ok(ret == -EPERM && !strncmp(why, r->why, strlen(r->why)) &&
			   !discloses(why, r->secret), "refused: %s: %s", r->secret, why);
	}
}

static void check_length(void)
{
	static const char letters[] = "x7Kq2mVt9pLwR4zB8nYc5HsJ3dGf6TbUeN1aPo0WiQ";
	char why[SECRET_WHY_LEN], text[1024];
	unsigned int state = 1;
	size_t i;

	for (i = 0; i < sizeof(text); i++) {
		state = state * 1103515245 + 12345;
		text[i] = letters[(state >> 16) % (sizeof(letters) - 1)];
	}
	text[SECRET_MAX_LEN] = 0;
	ok(!secret_check(text, NAME, mac, why), "length: 128 bytes: %s", why);
	text[SECRET_MAX_LEN] = 'x';
	text[SECRET_MAX_LEN + 1] = 0;
	ok(secret_check(text, NAME, mac, why) && !strcmp(why, "it is longer than 128 bytes"),
	   "length: 129 bytes: %s", why);
	text[SECRET_MAX_LEN + 1] = 'x';
	text[sizeof(text) - 1] = 0;
	ok(secret_check(text, NAME, mac, why) && !strcmp(why, "it is longer than 128 bytes"),
	   "length: 1023 bytes: %s", why);
	memset(text, 'a', SECRET_MAX_LEN);
	text[SECRET_MAX_LEN] = 0;
	ok(secret_check(text, NAME, mac, why), "length: 128 times the same: %s", why);
}

static void check_nobody(void)
{
	char why[SECRET_WHY_LEN];

	ok(!secret_check("x7Kq2mVt9pLw", NULL, NULL, why), "nobody: passes");
	ok(secret_check("P@ssw0rd", NULL, NULL, why), "nobody: refused");
	ok(!secret_check("thermostat-1/x7", NULL, NULL, why), "nobody: a name of nobody's: %s", why);
	ok(!secret_check("x7Kq2mVt9pLw", "a", mac, why), "short name: its letter does no harm: %s", why);
	ok(!secret_check("campfire-Bronze-47", "cam", mac, why), "short name: part of a long one: %s", why);
	ok(secret_check("cam-cam-cam-Xy7", "cam", mac, why), "short name: nothing but it: %s", why);
}

/* What is asked for where there is no dictionary must not be less. */
static void check_blind(void)
{
	char why[SECRET_WHY_LEN];

	ok(secret_check_by("x7Kq2mVt9pLw", NAME, mac, NULL, why) &&
	   !strncmp(why, "it is shorter than 16 bytes, and there is no dictionary", 55),
	   "blind: 12 bytes: %s", why);
	ok(!secret_check_by("x7Kq2mVt9pLwR4zB", NAME, mac, NULL, why), "blind: 16 bytes: %s", why);
	ok(secret_check_by("P@ssw0rd12345678!", NAME, mac, NULL, why) && !strcmp(why, DEFAULT),
	   "blind: a default: %s", why);
	ok(secret_check_by("x7Kq2mVt9pLwR4zB", NAME, mac, "/nonexistent/dict", why),
	   "blind: a dictionary that cannot be read: %s", why);
}

int main(void)
{
	check_rows();
	check_length();
	check_nobody();
	check_blind();
	return tap_done();
}
