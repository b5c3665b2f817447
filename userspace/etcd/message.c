// SPDX-License-Identifier: GPL-2.0
/* What a watch's stream says: events, each once and in order, how far it is, and why it ends. */
#include <stdlib.h>
#include <string.h>

#include "etcd/watch.h"

/* An event is known. */
static void apply(struct etcd_watch *w, const struct etcd_event *v)
{
	if (v->kv.mod_revision > w->next.revision) {
		w->at = w->next;
		w->at.revision = v->kv.mod_revision - 1;
		w->next.revision = v->kv.mod_revision;
		w->part = 0;
	}
	w->part++;
	if (!v->deleted) {
		snprintf(w->next.witness, sizeof(w->next.witness), "%s", v->kv.key);
		w->next.mod_revision = v->kv.mod_revision;
	} else if (!strcmp(w->next.witness, v->kv.key)) {
		w->next.mod_revision = 0;
	}
	if (v->kv.mod_revision > w->e->seen)
		w->e->seen = v->kv.mod_revision;
}

/* Was it told before: by a stream that was cut within its revision, or by a member that begins too early? */
static bool known(struct etcd_watch *w, int64_t revision)
{
	if (revision <= w->at.revision || revision < w->next.revision)
		return true;
	if (revision > w->next.revision || !w->skip)
		return false;
	w->skip--;
	return true;
}

static bool parse_event(struct etcd_watch *w, const json_t *j, struct etcd_event *v)
{
	const char *type = json_string_value(json_object_get(j, "type"));

	if (!json_kv(w->e, json_object_get(j, "kv"), &v->kv))
		return false;
	v->deleted = type && !strcmp(type, "DELETE");
	if ((!type || v->deleted || !strcmp(type, "PUT")) && !strncmp(v->kv.key, w->under, strlen(w->under)))
		return true;
	free(v->kv.key);
	free(v->kv.value);
	return false;
}

static void free_events(struct etcd_event *v, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		free(v[i].kv.key);
		free(v[i].kv.value);
	}
	free(v);
}

/* All of a message's events, or none: nothing has moved if one of them is none. */
static struct etcd_event *parse_events(struct etcd_watch *w, const json_t *list, size_t *n)
{
	size_t all = json_array_size(list);
	struct etcd_event *v = calloc(all, sizeof(*v));
	int64_t last = w->last;

	for (*n = 0; v && *n < all; ++*n) {
		if (!parse_event(w, json_array_get(list, *n), &v[*n]))
			break;
		if (v[*n].kv.mod_revision < last) {
			++*n;
			break;
		}
		last = v[*n].kv.mod_revision;
	}
	if (v && *n == all && last >= w->last && v[all - 1].kv.mod_revision == last) {
		w->last = last;
		return v;
	}
	snprintf(w->why, sizeof(w->why), "%.100s: events that are none, or out of order", w->transfer.at->url);
	free_events(v, v ? *n : 0);
	return NULL;
}

static bool events(struct etcd_watch *w, const json_t *list, bool fragment)
{
	int64_t before = w->at.revision;
	size_t i, n = 0, all;
	struct etcd_event *v = parse_events(w, list, &all);

	if (!v)
		return false;
	for (i = 0; i < all; i++) {
		struct etcd_event next = v[i];

		if (known(w, next.kv.mod_revision)) {
			free(next.kv.key);
			free(next.kv.value);
			continue;
		}
		apply(w, &next);
		v[n++] = next;
	}
	if (!fragment)
		w->at = w->next;
	if (n || w->at.revision > before)
		w->ops.events(v, n, fragment ? 0 : w->at.revision, w->arg);
	free_events(v, n);
	return !w->dead;
}

static bool created(struct etcd_watch *w, int64_t id)
{
	w->id = id;
	if (w->doomed)
		return true;
	watch_timer(w, watch_pulse(w));
	endpoint_good(w->transfer.at);
	w->state = OPEN;
	w->opened = now_ms();
	w->told = false;
	watch_tell(w, ETCD_WATCH_OPEN, w->at.revision, w->transfer.at->url);
	return !w->dead;
}

static bool canceled(struct etcd_watch *w, const json_t *result)
{
	const char *reason = json_string_value(json_object_get(result, "cancel_reason"));
	int64_t compacted;

	snprintf(w->why, sizeof(w->why), "%.100s ends the watch: %.150s", w->transfer.at->url,
		 reason ? reason : "it does not say why");
	if (!json_i64(result, "compact_revision", &compacted) || !compacted)
		return false;
	snprintf(w->why, sizeof(w->why), "events up to revision %lld are compacted, and known are those up to %lld",
		 (long long)compacted, (long long)w->at.revision);
	return watch_end(w, ETCD_WATCH_COMPACTED, compacted);
}

/* Nothing has happened up to this revision. */
static bool progress(struct etcd_watch *w, int64_t revision)
{
	if (w->next.revision != w->at.revision || revision <= w->at.revision)
		return true;
	w->at.revision = revision;
	w->next.revision = revision;
	w->ops.events(NULL, 0, revision, w->arg);
	return !w->dead;
}

static bool fault(struct etcd_watch *w, const json_t *object)
{
	char text[200];
	int64_t code;

	if (!json_fault(object, &code, text, sizeof(text)))
		snprintf(text, sizeof(text), "does not answer as etcd does");
	snprintf(w->why, sizeof(w->why), "%.100s: %s", w->transfer.at->url, text);
	return false;
}

/**
 * watch_message - one of the stream's objects; from within curl
 * @object: the object
 * @arg: the watch
 *
 * Return: the stream goes on.
 */
bool watch_message(json_t *object, void *arg)
{
	const json_t *result = json_object_get(object, "result"), *list = json_object_get(result, "events");
	bool is_created, is_canceled, fragment;
	struct etcd_watch *w = arg;
	struct header h;
	int64_t id;

	if (!json_header(result, &h) || !json_flag(result, "created", &is_created) ||
	    !json_flag(result, "canceled", &is_canceled) || !json_flag(result, "fragment", &fragment))
		return fault(w, object);
	if (w->e->cluster && h.cluster != w->e->cluster) {
		snprintf(w->why, sizeof(w->why), "%.100s is of cluster %llu, not %llu", w->transfer.at->url,
			 (unsigned long long)h.cluster, (unsigned long long)w->e->cluster);
		return watch_end(w, ETCD_WATCH_OTHER_CLUSTER, 0);
	}
	if (is_canceled)
		return canceled(w, result);
	/* -1 answers who asks for progress, out of turn: events before it may still come. */
	if (!json_i64(result, "watch_id", &id))
		return true;
	if (is_created)
		return created(w, id);
	if (w->doomed)
		return watch_end(w, ETCD_WATCH_COMPACTED, w->at.revision + 1);
	if (w->state != OPEN || id != w->id)
		return true;
	return json_array_size(list) ? events(w, list, fragment) : progress(w, h.revision);
}
