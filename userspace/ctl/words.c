// SPDX-License-Identifier: GPL-2.0
/* A command's usage and help, taken apart: what completes its words is what its help says. */
#include <ctype.h>
#include <string.h>

#include "ctl/words.h"

/** word_is - a word is this text */
bool word_is(const struct word *w, const char *text)
{
	return strlen(text) == w->len && !memcmp(text, w->text, w->len);
}

/** word_same - two words are the same */
bool word_same(const struct word *a, const struct word *b)
{
	return a->len == b->len && !memcmp(a->text, b->text, a->len);
}

/** word_is_option - a word is one of an option, like --json */
bool word_is_option(const struct word *w)
{
	return w->len > 2 && w->text[0] == '-' && w->text[1] == '-';
}

/** word_is_literal - a word is typed as it stands, as a verb is; others stand for something */
bool word_is_literal(const struct word *w)
{
	return w->len && islower((unsigned char)w->text[0]);
}

/**
 * words_form - the next form of a usage
 * @usage: from where
 * @f: filled
 *
 * A line that begins with a space goes on with the one before.
 *
 * Return: from where the next one is; NULL, there is none.
 */
const char *words_form(const char *usage, struct form *f)
{
	static const char between[] = " []\n", after[] = " []\n";
	const char *end = usage, *at;
	size_t len;

	while (*end && !(*end == '\n' && end[1] != ' '))
		end++;
	f->n = 0;
	for (at = usage; at < end && f->n < WORDS_MAX; at += len) {
		at += strspn(at, between);
		len = strcspn(at, after);
		if (at < end && len)
			f->words[f->n++] = (struct word){ at, len };
	}
	return *end ? end + 1 : NULL;
}

/* The end of a line, or of the text. */
static const char *line_end(const char *at)
{
	return at + strcspn(at, "\n");
}

/* Where what is said of an option ends: with the line before the first that does not go on. */
static const char *text_end(const char *at)
{
	const char *end = line_end(at);

	while (*end && !strncmp(end + 1, "      ", 6))
		end = line_end(end + 1);
	return end;
}

static struct option_help *find_option(struct option_help *list, unsigned int n, const struct word *name)
{
	unsigned int i;

	for (i = 0; i < n; i++)
		if (word_same(&list[i].name, name))
			return &list[i];
	return NULL;
}

/* The first word of what follows an option's name, if it is what the option stands before. */
static struct word value_at(const char *at, const char *end)
{
	struct word w = { at + 1, 0 };

	if (*at != ' ' || at[1] == ' ')
		return w;
	w.len = strcspn(w.text, " \n");
	/* --fail closed  what that does */
	if (!isupper((unsigned char)w.text[0]) && !memchr(w.text, '|', w.len) &&
	    (w.text + w.len >= end || strncmp(w.text + w.len, "  ", 2)))
		w.len = 0;
	w.len -= w.len && w.text[w.len - 1] == ',';
	return w;
}

/* One line of the help, of options: "  --cert FILE, --key FILE  what they are". Return: how many are there now. */
static unsigned int read_line(const char *at, struct option_help *list, unsigned int n)
{
	struct option_help one = { .text = { "", 0 } };
	unsigned int first = n;

	for (at += 2; !strncmp(at, "--", 2); at += 2) {
		one.name = (struct word){ at, strcspn(at, " ,\n") };
		at += one.name.len;
		one.value = value_at(at, line_end(at));
		if (one.value.len)
			at = one.value.text + one.value.len;
		if (n < WORDS_MAX && !find_option(list, n, &one.name))
			list[n++] = one;
		if (strncmp(at, ", --", 4))
			break;
	}
	at += strspn(at, " ");
	/* It may begin in the next line. */
	if (*at == '\n' && !strncmp(at + 1, "      ", 6))
		at += 1 + strspn(at + 1, " ");
	for (; first < n; first++)
		list[first].text = (struct word){ at, text_end(at) - at };
	return n;
}

/* From the usage: an option that the help does not explain, or the words that one may stand before. */
static void add_option(struct option_help *list, unsigned int *n, const struct form *f, unsigned int i)
{
	struct option_help *known = find_option(list, *n, &f->words[i]);
	const struct word *next = i + 1 < f->n && !word_is_option(&f->words[i + 1]) &&
				  !word_is(&f->words[i + 1], "|") ? &f->words[i + 1] : NULL;

	if (known && next && memchr(next->text, '|', next->len) && word_is_literal(next))
		known->value = *next;
	if (!known && *n < WORDS_MAX)
		list[(*n)++] = (struct option_help){ .name = f->words[i], .value = next ? *next : (struct word){ "", 0 },
						     .text = { "", 0 } };
}

/**
 * words_options - the options of a command
 * @c: the command
 * @list: filled: those of its help, then others that only its usage has
 *
 * Return: how many.
 */
unsigned int words_options(const struct command *c, struct option_help list[WORDS_MAX])
{
	unsigned int n = 0, i;
	const char *at, *end;
	struct form f;

	for (at = c->help; *at; at = *end ? end + 1 : end) {
		end = line_end(at);
		if (!strncmp(at, "  --", 4))
			n = read_line(at, list, n);
	}
	for (at = c->usage; at;) {
		at = words_form(at, &f);
		for (i = 0; i < f.n; i++)
			if (word_is_option(&f.words[i]))
				add_option(list, &n, &f, i);
	}
	return n;
}

/* A word of a choice. */
static size_t choice_len(const char *at, const char *end)
{
	size_t n = 0;

	while (at + n < end && (isalnum((unsigned char)at[n]) || strchr("_-", at[n]) ||
				(at[n] == '.' && at + n + 1 < end && isalnum((unsigned char)at[n + 1]))))
		n++;
	return n;
}

/* What stands between two words of a choice, "|" with or without spaces. Return: behind it, or NULL. */
static const char *bar(const char *at, const char *end)
{
	at += strspn(at, " \n");
	if (at >= end || *at != '|')
		return NULL;
	at++;
	at += strspn(at, " \n");
	return at < end ? at : NULL;
}

/**
 * words_choice - the next word of what an option's value may be: "event | quarantine"
 * @at: from where
 * @end: to where
 * @choice: filled
 *
 * Return: from where the next one is; NULL, there is none.
 */
const char *words_choice(const char *at, const char *end, struct word *choice)
{
	const char *before = at, *next;
	size_t len;
	bool follows = at > choice->text && choice->text && at == choice->text + choice->len && bar(at, end);

	if (follows)
		before = at = bar(at, end);
	while (at < end) {
		len = choice_len(at, end);
		next = len ? bar(at + len, end) : NULL;
		if (len && (next || (follows && at == before))) {
			*choice = (struct word){ at, len };
			return at + len;
		}
		follows = false;
		at += len ? len : 1;
	}
	return NULL;
}
