// SPDX-License-Identifier: GPL-2.0
/*
 * complete: what the shells' completions ask for. A line for each word that may come next, a tab and what it is; the line
 * ":files" stands for files. Words come from the commands' own usage and help, and from what the kernel holds.
 */
#include <string.h>

#include "ctl/complete.h"
#include "ctl/words.h"

#define TEXT_SHOWN 60

/**
 * struct asked - what was typed
 * @words: behind the name of the command
 * @n: how many, the last one being the one at hand
 * @now: that one
 */
struct asked {
	char **words;
	int n;
	const char *now;
};

static bool fits(const char *now, const struct word *w)
{
	size_t len = strlen(now);

	return len <= w->len && !memcmp(now, w->text, len);
}

/**
 * complete_offer - print a word, if it is what was begun
 * @now: what was begun
 * @w: the word
 * @text: what it is, or NULL; its first line is shown
 */
void complete_offer(const char *now, const struct word *w, const struct word *text)
{
	size_t i;

	if (!fits(now, w))
		return;
	printf("%.*s", (int)w->len, w->text);
	if (text && text->len)
		putchar('\t');
	for (i = 0; text && i < text->len && i < TEXT_SHOWN && text->text[i] != '\n'; i++)
		putchar(text->text[i]);
	putchar('\n');
}

static bool has(const struct word *w, const char *text)
{
	return memmem(w->text, w->len, text, strlen(text));
}

#ifdef CORDON_DEVICE
/* A device holds no names of others. */
void complete_objects(const char *now, const struct word *value)
{
	(void)now, (void)value;
}
#endif

/* What a word of a usage stands for: one of several words, a file, or what the kernel knows. */
static void offer_value(const char *now, const struct word *value, const struct word *text)
{
	struct word choice = { NULL, 0 }, bare = *value;
	const char *at;
	bool any = false;

	while (bare.len && strchr("[].,", bare.text[bare.len - 1]))
		bare.len--;
	if (word_is_literal(&bare) && !has(&bare, "|")) {
		complete_offer(now, &bare, NULL);
		return;
	}
	for (at = bare.text; at && word_is_literal(&bare); any |= !!at) {
		at = words_choice(at, bare.text + bare.len, &choice);
		if (at)
			complete_offer(now, &choice, NULL);
	}
	choice = (struct word){ NULL, 0 };
	if (any)
		return;
	for (at = text ? text->text : NULL; at; any |= !!at) {
		at = words_choice(at, text->text + text->len, &choice);
		if (at)
			complete_offer(now, &choice, NULL);
	}
	if (any)
		return;
	if (has(&bare, "FILE") || has(&bare, "DIR") || has(&bare, "PROGRAM") || has(&bare, "WHERE") || has(&bare, "CHAIN"))
		puts(":files");
	else
		complete_objects(now, &bare);
}

static const struct option_help *find_option(const struct option_help *list, unsigned int n, const char *name)
{
	unsigned int i;

	for (i = 0; i < n; i++)
		if (word_is(&list[i].name, name))
			return &list[i];
	return NULL;
}

/* The word at @i of what was typed is no option, and no option's value. */
static bool is_positional(const struct asked *a, int i, const struct option_help *list, unsigned int n)
{
	const struct option_help *before = i > 0 ? find_option(list, n, a->words[i - 1]) : NULL;

	return a->words[i][0] != '-' && !(before && before->value.len);
}

/* Verbs, and what stands for something, in a form: not its options and their values. */
static unsigned int positionals(const struct form *f, const struct option_help *list, unsigned int n, struct word *out)
{
	const struct option_help *option;
	unsigned int i, found = 0;
	char name[64];

	for (i = 0; i < f->n; i++) {
		if (!word_is_option(&f->words[i])) {
			if (!word_is(&f->words[i], "|") && !word_is(&f->words[i], "OPTION..."))
				out[found++] = f->words[i];
			continue;
		}
		snprintf(name, sizeof(name), "%.*s", (int)f->words[i].len, f->words[i].text);
		option = find_option(list, n, name);
		i += option && option->value.len && i + 1 < f->n && !word_is_option(&f->words[i + 1]);
	}
	return found;
}

/* One word that is typed as it stands. */
static bool is_verb(const struct word *w)
{
	return word_is_literal(w) && !has(w, "|") && !has(w, "=");
}

/* What was typed before the word at hand is a way to begin this form. Return: how many of its words that are; -1, no. */
static int matches(const struct asked *a, const struct word *words, unsigned int n, const struct option_help *list,
		   unsigned int n_options)
{
	unsigned int at = 0;
	int i;

	for (i = 0; i < a->n - 1; i++) {
		if (!is_positional(a, i, list, n_options))
			continue;
		if (at < n && is_verb(&words[at]) && !word_is(&words[at], a->words[i]))
			return -1;
		at += at < n && !has(&words[at], "...");
	}
	return at;
}

static bool form_has(const struct form *f, const struct word *name)
{
	unsigned int i;

	for (i = 0; i < f->n; i++)
		if (word_same(&f->words[i], name))
			return true;
	return false;
}

/* An option that no form names is one of all. */
static bool any_form_has(const char *usage, const struct word *name)
{
	struct form f;

	while (usage) {
		usage = words_form(usage, &f);
		if (form_has(&f, name))
			return true;
	}
	return false;
}

/* Where in a form's words the word at hand is, if what was typed before begins it; -1, it does not. @found: how many */
static int next_in(const struct form *f, const struct asked *a, const struct option_help *list, unsigned int n,
		   struct word words[WORDS_MAX], unsigned int *found)
{
	int at;

	*found = positionals(f, list, n, words);
	at = *found ? matches(a, words + 1, *found - 1, list, n) : -1;
	return at < 0 ? at : at + 1;
}

/* Options of the forms that what was typed may be. */
static void offer_options(const struct command *c, const struct asked *a, const struct option_help *list, unsigned int n)
{
	static const struct word help = { "--help", 6 };
	struct word words[WORDS_MAX];
	bool known[WORDS_MAX] = { false };
	unsigned int i, found;
	const char *at = c->usage;
	struct form f;
	int next;

	while (at) {
		at = words_form(at, &f);
		next = next_in(&f, a, list, n, words, &found);
		/* A verb comes before options. */
		if (next < 0 || ((unsigned int)next < found && is_verb(&words[next])))
			continue;
		for (i = 0; i < n; i++)
			known[i] |= form_has(&f, &list[i].name) || !any_form_has(c->usage, &list[i].name);
	}
	for (i = 0; i < n; i++)
		if (known[i])
			complete_offer(a->now, &list[i].name, &list[i].text);
	complete_offer(a->now, &help, NULL);
}

/* The next word of each form that what was typed may be. */
static void offer_words(const struct command *c, const struct asked *a, const struct option_help *list, unsigned int n)
{
	struct word words[WORDS_MAX], offered[WORDS_MAX];
	unsigned int found, n_offered = 0, i;
	const char *at = c->usage;
	struct form f;
	int next;

	while (at) {
		at = words_form(at, &f);
		next = next_in(&f, a, list, n, words, &found);
		if (next < 0 || (unsigned int)next >= found)
			continue;
		for (i = 0; i < n_offered && !word_same(&offered[i], &words[next]); i++)
			;
		if (i < n_offered || n_offered == WORDS_MAX)
			continue;
		offered[n_offered++] = words[next];
		offer_value(a->now, &words[next], NULL);
	}
}

static void complete(const struct command *c, const struct asked *a)
{
	struct option_help list[WORDS_MAX];
	unsigned int n = words_options(c, list);
	const struct option_help *before = a->n > 1 ? find_option(list, n, a->words[a->n - 2]) : NULL;

	if (before && before->value.len)
		offer_value(a->now, &before->value, &before->text);
	else if (a->now[0] == '-')
		offer_options(c, a, list, n);
	else
		offer_words(c, a, list, n);
}

/**
 * complete_words - answer a shell
 * @commands: all there are
 * @n: how many
 * @argc: words typed behind cordonctl, the last one being at hand
 * @argv: they
 */
int complete_words(const struct command * const *commands, size_t n, int argc, char **argv)
{
	static const char * const others[] = { "help", "--help", "--version" };
	struct asked a = { argv + 1, argc - 1, argc ? argv[argc - 1] : "" };
	bool first = argc < 2 || (argc == 2 && !strcmp(argv[0], "help"));
	struct word w;
	size_t i;

	for (i = 0; i < n; i++) {
		w = (struct word){ commands[i]->summary, strlen(commands[i]->summary) };
		if (first)
			complete_offer(a.now, &(struct word){ commands[i]->name, strlen(commands[i]->name) }, &w);
		else if (!strcmp(argv[0], commands[i]->name))
			complete(commands[i], &a);
	}
	for (i = 0; i < sizeof(others) / sizeof(*others) && argc < 2; i++)
		complete_offer(a.now, &(struct word){ others[i], strlen(others[i]) }, NULL);
	return EXIT_DONE;
}
