// SPDX-License-Identifier: GPL-2.0
/* All keys below a prefix, in pages, as they were at one revision, however long that takes and whoever writes. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "etcd/internal.h"

/*
 * A member goes through all keys that are left of a range for each page, whatever its limit (etcd 3.4: 0.3 s for
 * 2,000,000 keys): so pages are few and large. One that is too long is asked for with half as many keys, and one that
 * does not come in time, as the way is slow, with a tenth.
 */
#define PAGE	5000
#define SMALL	500

/**
 * struct etcd_list - a list that is being read
 * @entry: among the client's
 * @e: whose
 * @under: prefix
 * @range: what is asked next
 * @after: the last key so far
 * @call: on its way; NULL, none
 * @page: called for each
 * @done: called at the end
 * @arg: for both
 * @busy: a callback is being called
 * @dead: it was freed in there
 */
struct etcd_list {
	LIST_ENTRY(etcd_list) entry;
	struct etcd *e;
	char under[ETCD_KEY_MAX];
	struct etcd_range range;
	char after[ETCD_KEY_MAX];
	struct etcd_call *call;
	etcd_done *page;
	etcd_done *done;
	void *arg;
	bool busy;
	bool dead;
};

static void got(const struct etcd_answer *a, void *arg);

static bool ask(struct etcd_list *l)
{
	l->call = etcd_range(l->e, &l->range, 0, got, l);
	return l->call;
}

static void discard(struct etcd_list *l)
{
	LIST_REMOVE(l, entry);
	if (l->call)
		etcd_cancel(l->call);
	free(l);
}

static void end(struct etcd_list *l, const struct etcd_answer *a)
{
	etcd_done *done = l->done;
	void *arg = l->arg;

	discard(l);
	done(a, arg);
}

static bool shrink(struct etcd_list *l, const struct etcd_answer *a)
{
	if (a->too_long && l->range.limit > 1)
		l->range.limit /= 2;
	else if ((a->result == ETCD_TIMED_OUT || (a->result == ETCD_UNREACHABLE && a->slow)) && l->range.limit > SMALL)
		l->range.limit = SMALL;
	else
		return false;
	return true;
}

static void got(const struct etcd_answer *a, void *arg)
{
	struct etcd_answer last = { .result = a->result, .why = a->why, .cluster = a->cluster };
	struct etcd_list *l = arg;

	l->call = NULL;
	if (shrink(l, a) && ask(l))
		return;
	if (a->result != ETCD_OK) {
		end(l, &last);
		return;
	}
	/* The revision of the first page is that of all. */
	if (!l->range.revision)
		l->range.revision = a->revision;
	last.revision = l->range.revision;
	l->busy = true;
	l->page(a, l->arg);
	l->busy = false;
	if (l->dead) {
		discard(l);
		return;
	}
	if (!a->more) {
		end(l, &last);
		return;
	}
	if (a->n) {
		snprintf(l->after, sizeof(l->after), "%s", a->kv[a->n - 1].key);
		l->range.after = l->after;
		if (ask(l))
			return;
	}
	last.result = ETCD_REFUSED;
	last.why = a->n ? "too many calls wait" : "a page without a key, and more behind it";
	end(l, &last);
}

/**
 * etcd_list - all keys below a prefix at one revision
 * @e: the client
 * @under: prefix, which may be ""
 * @limit: keys of a page, fewer where they are too long for an answer, or its time; 0, 5,000
 * @page: called with each page, in the order of keys
 * @done: called once: ETCD_OK, all was there, at @revision; ETCD_COMPACTED, it took too long: begin anew. The list is
 *        gone then
 * @arg: for both
 *
 * Return: the list; NULL, see etcd.h.
 */
struct etcd_list *etcd_list(struct etcd *e, const char *under, unsigned int limit, etcd_done *page, etcd_done *done,
			    void *arg)
{
	struct etcd_list *l;

	if (!key_valid(e, under, true)) {
		errno = EINVAL;
		return NULL;
	}
	l = calloc(1, sizeof(*l));
	if (!l)
		return NULL;
	l->e = e;
	snprintf(l->under, sizeof(l->under), "%s", under);
	l->range.under = l->under;
	l->range.limit = limit ? limit : PAGE;
	l->page = page;
	l->done = done;
	l->arg = arg;
	if (!ask(l)) {
		free(l);
		return NULL;
	}
	LIST_INSERT_HEAD(&e->lists, l, entry);
	return l;
}

/**
 * etcd_list_free - give it up; it calls nobody any more
 * @l: a list that is not done, or NULL
 */
void etcd_list_free(struct etcd_list *l)
{
	if (!l)
		return;
	if (l->busy)
		l->dead = true;
	else
		discard(l);
}

/**
 * list_free_all - give all up
 * @e: the client
 */
void list_free_all(struct etcd *e)
{
	struct etcd_list *l, *next;

	for (l = LIST_FIRST(&e->lists); l; l = next) {
		next = LIST_NEXT(l, entry);
		discard(l);
	}
}
