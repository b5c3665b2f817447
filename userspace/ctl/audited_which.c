// SPDX-License-Identifier: GPL-2.0
/* Which calls are in the audit log, and their words, without what is secret. */
#include <stdlib.h>
#include <string.h>

#include "ctl/audited.h"
#include "ctl/ctl.h"

#define WORDS_MAX	2000	/* bytes of all words of a call, and then they are cut */
#define HIDDEN		"***"

/**
 * struct rule - of a command
 * @name: of the command
 * @not: verbs that change nothing, between blanks; NULL, the command has no verbs
 * @anyway: verbs that close something; or the command does
 * @unless: an option with which it changes nothing
 */
struct rule {
	const char *name;
	const char *not;
	const char *anyway;
	const char *unless;
};

/* A verb that is not here is in the log, so a new one needs to be named only where it changes nothing. */
static const struct rule rules[] = {
	{ "apply", NULL, NULL, "--dry-run" },
	{ "confirm", NULL, NULL, NULL },
	{ "save", NULL, NULL, "--dry-run" },
	{ "boot", NULL, " boot ", NULL },
	{ "backup", NULL, " backup ", NULL },	/* of keys, too */
	{ "restore", NULL, NULL, "--dry-run" },
	{ "module", " status ", " load reload ", NULL },
	{ "state", " save show watch ", " ", NULL },
	{ "registry", " backup check ", " ", NULL },
	{ "ca", " list export ", " revoke crl ", NULL },
	{ "history", NULL, " history ", NULL },	/* where it acknowledges */
	{ "firmware", " list status ", " remove cancel ", NULL },
	{ "fleet", " status gateways where policy ", " expel ", NULL },
	{ "device", " list show pending unknown ", " quarantine retire revoke ", NULL },
};

static bool is_among(const char *word, const char *list)
{
	size_t len = strlen(word);
	const char *at = list;

	while (len && (at = strstr(at, word))) {
		if (at > list && at[-1] == ' ' && at[len] == ' ')
			return true;
		at += len;
	}
	return false;
}

/* Where the word before it is an option, it may be that one's value: then it is none. */
static bool has_option(int argc, char **argv, const char *option)
{
	int i;

	for (i = 1; i < argc && strcmp(argv[i], "--"); i++)
		if (!strcmp(argv[i], option) && argv[i - 1][0] != '-')
			return true;
	return false;
}

/* An export for hostapd issues a certificate; --hostapd may be cut short, and have its value behind a '='. */
static bool issues(int argc, char **argv)
{
	bool found = false;
	int i;

	for (i = 2; i < argc; i++)
		found |= !strncmp(argv[i], "--ho", 4);
	return found && !strcmp(argv[0], "ca") && !strcmp(argv[1], "export");
}

/* 'device lease NAME 0' ends one; 'device set NAME --state quarantined', and nothing else, is a quarantine. */
static bool closes(int argc, char **argv)
{
	if (argc < 4 || strcmp(argv[0], "device") != 0)
		return false;
	if (argc == 4 && !strcmp(argv[1], "lease"))
		return !strcmp(argv[3], "0") || !strcmp(argv[3], "end");
	return argc == 5 && !strcmp(argv[1], "set") && !strcmp(argv[3], "--state") &&
	       !strcasecmp(argv[4], "quarantined");
}

/* 'history' shows, unless it acknowledges; the option may be cut short, and have its value behind a '='. */
static bool acknowledges(int argc, char **argv)
{
	bool found = false;
	int i;

	for (i = 1; i < argc; i++)
		found |= !strncmp(argv[i], "--ac", 4);
	return found;
}

/**
 * audited_which - is a call in the audit log
 * @argc: its words
 * @argv: its words; the first one is the command's name
 *
 * The verb is the first word after that, or nothing is known of it, and it is in the log.
 */
enum audited audited_which(int argc, char **argv)
{
	const char *verb = argc > 1 ? argv[1] : "";
	const struct rule *r = NULL;
	size_t i;

	for (i = 0; i < sizeof(rules) / sizeof(*rules) && !r; i++)
		if (!strcmp(argv[0], rules[i].name))
			r = &rules[i];
	if (!r || has_option(argc, argv, "--help") || has_option(argc, argv, "-h"))
		return AUDITED_NOT;
	if (!strcmp(argv[0], "history") && !acknowledges(argc, argv))
		return AUDITED_NOT;
	if (r->not && (argc == 1 || (is_among(verb, r->not) && !issues(argc, argv))))
		return AUDITED_NOT;
	if (r->unless && (has_option(argc, argv, r->unless) || has_option(argc, argv, "-n")))
		return AUDITED_NOT;
	if (r->anyway && is_among(r->not ? verb : argv[0], r->anyway))
		return AUDITED_ANYWAY;
	return closes(argc, argv) ? AUDITED_ANYWAY : AUDITED;
}

/* Of an URI: what stands for a PIN or a password in it. */
static char *without_pin(const char *word)
{
	static const char * const names[] = { "pin-value=", "password=", "passwd=" };
	char *out = strdup(word), *at, *end, *more;
	size_t i, from;

	for (i = 0; i < sizeof(names) / sizeof(*names); i++)
		for (from = 0; out && (at = strcasestr(out + from, names[i]));) {
			at += strlen(names[i]);
			end = at + strcspn(at, "&;");
			from = at - out;
			if (asprintf(&more, "%.*s" HIDDEN "%s", (int)from, out, end) < 0)
				more = NULL;
			free(out);
			out = more;
		}
	return out;
}

/* https://NAME:PASSWORD@HOST */
static void hide_login(char *word)
{
	char *at = strstr(word, "://"), *colon, *end;

	if (!at)
		return;
	at += 3;
	end = at + strcspn(at, "/?#");
	colon = memchr(at, ':', end - at);
	at = memrchr(at, '@', end - at);
	if (at && colon && colon < at)
		memset(colon + 1, '*', at - colon - 1);
}

/**
 * struct secrets - where the words of a call may be secret
 * @token: it is 'device token'
 * @hide: the next word is
 * @operand: the device was named; another word is something else, which was typed there
 */
struct secrets {
	bool token;
	bool hide;
	bool operand;
};

static bool is_word(const char *word, size_t len, const char * const *list, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (strlen(list[i]) == len && !strncmp(word, list[i], len))
			return true;
	return false;
}

#define IS_WORD(word, len, list) is_word(word, len, list, sizeof(list) / sizeof(*(list)))

/* Options of 'device token' that are shown; those with a value come first. */
static const char * const shown[] = {
	"--mac", "--valid", "--registry", "--approval", "--json", "--list", "--withdraw",
};
#define SHOWN_WITH_VALUE	3

static const char * const secret[] = { "--set", "--token", "--secret", "--pin", "--password", "--passphrase" };

static char *hide_value(struct secrets *s, const char *word, size_t name)
{
	char *out;

	s->hide = !word[name];
	return asprintf(&out, "%.*s%s", (int)name, word, word[name] ? "=" HIDDEN : "") < 0 ? NULL : out;
}

/* Of 'device token', known options and the device are shown, nothing else: --set may be typed wrongly, too. */
static char *token_word(struct secrets *s, const char *word, size_t name)
{
	bool second = s->operand;

	if (word[0] == '-' && IS_WORD(word, name, shown))
		return strdup(word);
	if (word[0] == '-') {
		/* What it takes is not known, so nothing is that comes after it. */
		s->operand = true;
		if (!strncmp(word, "--", 2))
			return hide_value(s, word, name);
		s->hide = true;
		return strdup("-" HIDDEN);
	}
	s->operand = true;
	return strdup(second ? HIDDEN : word);
}

/* NULL: no memory. */
static char *show_word(struct secrets *s, const char *before, const char *word)
{
	size_t name = strcspn(word, "=");
	bool hidden = s->hide;

	s->hide = false;
	if (hidden)
		return strdup(HIDDEN);
	if (IS_WORD(word, name, secret))
		return hide_value(s, word, name);
	if (s->token && !is_word(before, strlen(before), shown, SHOWN_WITH_VALUE))
		return token_word(s, word, name);
	return without_pin(word);
}

static bool is_token(int argc, char **argv)
{
	int i;

	if (argc < 2 || strcmp(argv[0], "device") != 0)
		return false;
	for (i = 1; argv[1][0] == '-' && i < argc; i++)
		if (!strcmp(argv[i], "token"))
			return true;
	return !strcmp(argv[1], "token");
}

/**
 * audited_words - the words of a call
 * @argc: how many
 * @argv: the words
 *
 * Return: an array, without what is secret; NULL, no memory.
 */
json_t *audited_words(int argc, char **argv)
{
	struct secrets s = { .token = is_token(argc, argv) };
	json_t *out = json_array();
	size_t bytes = 0;
	char *word;
	int i;

	for (i = 0; i < argc; i++) {
		/* The command's name and the verb are what the rules know. */
		word = !i || (i == 1 && argv[1][0] != '-') ? strdup(argv[i]) : show_word(&s, argv[i - 1], argv[i]);
		bytes += word ? strlen(word) : 0;
		if (!word || bytes > WORDS_MAX) {
			free(word);
			json_array_append_new(out, json_string("..."));
			break;
		}
		hide_login(word);
		json_array_append_new(out, json_text(word));
		free(word);
	}
	return out;
}
