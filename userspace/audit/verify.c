// SPDX-License-Identifier: GPL-2.0
/*
 * Which lines were removed, and which were changed. Each line has the hash of the one before, so a line is as it was
 * written if the next one says so; the last one, if audit.head does. A line whose number is not the one that must come
 * is judged by those around it, so that one that was changed is not taken for several that are missing.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "audit/audit.h"

#define SUM	32	/* bytes of a hash */

/**
 * struct line - what is remembered of a line
 * @said: its number, as it says; 0, it is no line
 * @number: as it must be; 0, it has none
 * @hash: of it
 * @prev: of the one before, as it says
 * @broken: of half a line before it, as it says
 * @has_broken: it says so
 * @changed: seen by its number
 * @denied: the next one, or audit.head, has another hash
 */
struct line {
	uint64_t said;
	uint64_t number;
	uint8_t hash[SUM];
	uint8_t prev[SUM];
	uint8_t broken[SUM];
	bool has_broken;
	bool changed;
	bool denied;
};

struct lines {
	struct line *list;
	size_t n;
	size_t room;
	uint64_t dropped;
	bool no_memory;
};

/**
 * struct walk - verification under way
 * @v: how
 * @out: what it gives
 * @end: number of the last line, as audit.head has it; 0, it is not known
 */
struct walk {
	struct audit_verifier *v;
	struct audit_verified *out;
	uint64_t end;
};

/** audit_is_fault - is it one, or does it only explain something */
bool audit_is_fault(enum audit_what what)
{
	return what != AUDIT_BROKEN && what != AUDIT_DROPPED;
}

static void found(struct walk *w, enum audit_what what, uint64_t from, uint64_t to)
{
	const struct audit_finding f = { what, from, to };

	w->out->faults += audit_is_fault(what);
	w->v->found(&f, w->v->arg);
}

static bool parse_sum(const char *text, uint8_t out[SUM])
{
	static const char digits[] = "0123456789abcdef";
	size_t i;

	if (!text || strlen(text) != 2 * SUM || strspn(text, digits) != 2 * SUM)
		return false;
	for (i = 0; i < SUM; i++)
		out[i] = (strchr(digits, text[2 * i]) - digits) << 4 | (strchr(digits, text[2 * i + 1]) - digits);
	return true;
}

static const char *text_of(const json_t *json, const char *key)
{
	return json_string_value(json_object_get(json, key));
}

static void take(struct lines *all, struct line *l, const char *text, size_t len)
{
	json_t *json = json_loadb(text, len, 0, NULL);
	char hash[AUDIT_HASH_LEN];
	json_int_t dropped;

	audit_hash(text, len, hash);
	parse_sum(hash, l->hash);
	l->said = audit_seq(json);
	if (!parse_sum(text_of(json, "prev"), l->prev))
		l->said = 0;
	l->has_broken = parse_sum(text_of(json, "broken"), l->broken);
	dropped = json_integer_value(json_object_get(json, "dropped_until"));
	if (dropped > 0 && (uint64_t)dropped > all->dropped)
		all->dropped = dropped;
	json_decref(json);
}

static int add_line(const char *text, size_t len, void *arg)
{
	struct lines *all = arg;
	struct line *more;

	if (all->n == all->room) {
		all->room = all->room ? 2 * all->room : 1024;
		more = reallocarray(all->list, all->room, sizeof(*more));
		if (!more) {
			all->no_memory = true;
			return -ENOMEM;
		}
		all->list = more;
	}
	memset(&all->list[all->n], 0, sizeof(*all->list));
	take(all, &all->list[all->n++], text, len);
	return 0;
}

/* Writing broke off there, and the line that came next says so. */
static bool is_broken(const struct lines *all, size_t i)
{
	size_t next = i + 1;

	/* Of several halves, the last one is named. */
	while (next < all->n && !all->list[next].said)
		next++;
	return next < all->n && all->list[next].has_broken &&
	       !memcmp(all->list[next].broken, all->list[next - 1].hash, SUM);
}

/* The number that line @i claims is not the one after @before. */
static void judge(struct walk *w, struct lines *all, size_t i, uint64_t before)
{
	struct line *l = &all->list[i];
	bool is_last = i + 1 == all->n;
	uint64_t next = !is_last ? all->list[i + 1].said : w->end ? w->end + 1 : 0;
	bool fits = next == before + 2;

	if (!l->said && (is_broken(all, i) || (is_last && w->end <= before))) {
		found(w, AUDIT_BROKEN, before, 0);
	} else if (!l->said && next == before + 1) {
		found(w, AUDIT_FOREIGN, before, 0);
	} else if (!l->said || fits) {
		l->number = before + 1;
		l->changed = true;
	} else if (l->said > before) {
		found(w, AUDIT_MISSING, before + 1, l->said - 1);
		l->number = l->said;
	} else {
		found(w, AUDIT_MISPLACED, l->said, 0);
	}
}

/*
 * Number before that of the first line. It has the one that it says, unless the next one says that this cannot be, or
 * is the second one of those that are there by what rotation has removed.
 */
static uint64_t begin(const struct lines *all)
{
	uint64_t said, second;
	size_t i;

	for (i = 0; i < all->n && !all->list[i].said; i++)
		;
	if (i == all->n || all->list[i].said <= i)
		return 0;
	said = all->list[0].said;
	second = all->n > 1 ? all->list[1].said : 0;
	if (said && second > 1 && (said >= second || (said != all->dropped + 1 && second == all->dropped + 2)))
		return second - 2;
	return all->list[i].said - i - 1;
}

/* What each line must be, by its own word and that of those around it. */
static void give_numbers(struct walk *w, struct lines *all)
{
	uint64_t before = begin(all);
	size_t i;

	for (i = 0; i < all->n; i++) {
		if (all->list[i].said == before + 1)
			all->list[i].number = before + 1;
		else
			judge(w, all, i, before);
		if (!all->list[i].number)
			continue;
		before = all->list[i].number;
		if (!w->out->first)
			w->out->first = before;
	}
	w->out->last = before;
}

/* Does the line after one, if it is there and is one, have its hash. */
static void compare(struct lines *all)
{
	struct line *before = NULL, *l;
	size_t i;

	for (i = 0; i < all->n; i++) {
		l = &all->list[i];
		if (!l->number)
			continue;
		if (before && l->said && l->number == before->number + 1)
			before->denied = memcmp(l->prev, before->hash, SUM) != 0;
		before = l;
	}
}

static void tell_changed(struct walk *w, const struct lines *all)
{
	const struct line *l, *next;
	size_t i, j;

	for (i = 0; i < all->n; i++) {
		l = &all->list[i];
		for (j = i + 1; j < all->n && !all->list[j].number; j++)
			;
		next = j < all->n ? &all->list[j] : NULL;
		if (l->changed)
			found(w, AUDIT_CHANGED, l->number, 0);
		else if (l->denied)
			found(w, next && next->denied ? AUDIT_UNVOUCHED : AUDIT_CHANGED, l->number, 0);
	}
}

/* What was cut off, and whether the last line is the one that was written last. */
static void check_end(struct walk *w, struct lines *all, const struct audit_reader *r)
{
	struct line *last = NULL;
	uint8_t sum[SUM];
	size_t i;

	if (!r->has_end) {
		if (all->n)
			found(w, AUDIT_NO_HEAD, 0, 0);
		return;
	}
	for (i = all->n; i && !last; i--)
		if (all->list[i - 1].number)
			last = &all->list[i - 1];
	if (r->end.seq > w->out->last)
		found(w, AUDIT_CUT, w->out->last + 1, r->end.seq);
	else if (last && last->number == r->end.seq && parse_sum(r->end.hash, sum))
		last->denied = memcmp(sum, last->hash, SUM) != 0;
}

static void check_begin(struct walk *w, const struct lines *all)
{
	uint64_t first = w->out->first;

	if (first && all->dropped && all->dropped < first)
		found(w, AUDIT_DROPPED, 0, all->dropped);
	if (first > all->dropped + 1)
		found(w, AUDIT_MISSING, all->dropped + 1, first - 1);
}

/**
 * audit_verify - is a log as it was written
 * @v: which log, and whom to tell; on failure, with a sentence
 * @out: filled
 *
 * Return: 0, whatever was found; -errno, it cannot be read.
 */
int audit_verify(struct audit_verifier *v, struct audit_verified *out)
{
	struct lines all = { .list = NULL };
	struct audit_reader r = { .each = add_line, .arg = &all };
	struct walk w = { v, out, 0 };
	int err = v->files ? audit_read_files(&r, v->files, v->n_files) : audit_read(&r, v->path);

	memset(out, 0, sizeof(*out));
	if (all.no_memory)
		snprintf(r.error, sizeof(r.error), "out of memory");
	if (err) {
		snprintf(v->error, sizeof(v->error), "%s", r.error);
		free(all.list);
		return err;
	}
	out->lines = all.n;
	w.end = r.has_end ? r.end.seq : 0;
	give_numbers(&w, &all);
	if (!v->files)
		check_begin(&w, &all);
	compare(&all);
	if (!v->files)
		check_end(&w, &all, &r);
	tell_changed(&w, &all);
	free(all.list);
	return 0;
}
