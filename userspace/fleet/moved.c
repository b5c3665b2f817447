// SPDX-License-Identifier: GPL-2.0
/*
 * "to/NAME/": what other gateways tell this one. Listed, then watched; each key is deleted when what it says is done.
 *
 *	moved/MAC	another one has the device now: its lease here ends
 *	gone		another one could not find this one: here it is
 */
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include "fleet/holder.h"

#define PAGE		256
#define PAUSE_MIN	1000	/* ms until it is listed again */
#define PAUSE_MAX	30000

/* Each waits a time of its own, as all gateways may have been cut off at once. */
static void list_later(struct fleet_holder *h)
{
	uint32_t drawn;
	unsigned int wait;
	struct timeval in;

	evutil_secure_rng_get_bytes(&drawn, sizeof(drawn));
	wait = h->pause / 2 + drawn % (h->pause / 2 + 1);
	in = (struct timeval){ wait / 1000, wait % 1000 * 1000 };
	if (event_pending(h->again, EV_TIMEOUT, NULL))
		return;
	h->pause = 2 * h->pause < PAUSE_MAX ? 2 * h->pause : PAUSE_MAX;
	event_add(h->again, &in);
}

/* What is not deleted is in the next list: to do it twice does no harm. */
static void deleted(const struct etcd_answer *a, void *arg)
{
	struct fleet *f = arg;

	if (f->holder && (a->result != ETCD_OK || !a->succeeded))
		list_later(f->holder);
}

static void delete_key(struct fleet_holder *h, const struct etcd_kv *kv)
{
	char own[HOLD_KEY];
	const struct etcd_compare compares[] = {
		{ .key = kv->key, .target = ETCD_MOD, .number = kv->mod_revision },
		{ .key = own, .target = ETCD_MOD, .number = h->f->self },
	};
	const struct etcd_op op = { .verb = ETCD_DELETE, .key = kv->key };
	const struct etcd_txn t = { compares, 2, &op, 1, NULL, 0 };

	snprintf(own, sizeof(own), "all/gateway/%s", h->f->config->fleet.gateway);
	if (!h->f->self || !etcd_txn(h->f->etcd, &t, 0, deleted, h->f))
		h->failed = true;
}

static void take_moved(struct fleet_holder *h, const struct etcd_kv *kv, const char *text)
{
	json_t *j = json_loadb((const char *)kv->value, kv->len, JSON_REJECT_DUPLICATES, NULL);
	const char *to = json_string_value(json_object_get(j, "to"));
	struct hold *w;
	uint8_t mac[6];

	if (policy_mac_parse(text, mac)) {
		serve_log(LOG_WARNING, "a key of etcd makes no sense; it is deleted", "key", kv->key, NULL);
		delete_key(h, kv);
		json_decref(j);
		return;
	}
	w = hold_find(h, mac);
	if (w && w->moved < kv->mod_revision)
		w->moved = kv->mod_revision;
	/* If we have it again since, that was in another transaction, which deleted this key. */
	if (hold_revision(h, mac) > kv->mod_revision || hold_lost(h, mac, to))
		delete_key(h, kv);
	else
		h->failed = true;
	json_decref(j);
}

static void take(struct fleet_holder *h, const struct etcd_kv *kv)
{
	const char *name = kv->key + strlen(h->to);

	if (!strncmp(name, "moved/", 6))
		take_moved(h, kv, name + 6);
	else if (!strcmp(name, "gone"))
		delete_key(h, kv);
}

static void on_events(const struct etcd_event *event, size_t n, int64_t through, void *arg)
{
	struct fleet_holder *h = arg;
	size_t i;

	(void)through;
	for (i = 0; i < n; i++)
		if (!event[i].deleted)
			take(h, &event[i].kv);
	if (h->failed)
		list_later(h);
}

static void on_news(enum etcd_watch_news what, int64_t revision, const char *why, void *arg)
{
	struct fleet_holder *h = arg;

	(void)revision;
	(void)why;
	if (what == ETCD_WATCH_OPEN) {
		hold_check_all(h);
	} else if (what != ETCD_WATCH_LOST) {
		/* The replica says what it is; here it is begun anew until it goes. */
		etcd_watch_free(h->watch);
		h->watch = NULL;
		list_later(h);
	}
}

static void on_page(const struct etcd_answer *a, void *arg)
{
	struct fleet_holder *h = arg;
	size_t i;

	for (i = 0; i < a->n; i++)
		take(h, &a->kv[i]);
}

static void on_listed(const struct etcd_answer *a, void *arg)
{
	static const struct etcd_watch_ops ops = { on_events, on_news };
	struct etcd_position from = { .revision = a->revision };
	struct fleet_holder *h = arg;

	h->list = NULL;
	if (a->result == ETCD_OK && !h->watch)
		h->watch = etcd_watch_new(h->f->etcd, h->to, &from, &ops, h);
	if (!h->watch || h->failed) {
		list_later(h);
		return;
	}
	h->pause = PAUSE_MIN;
}

static void on_again(evutil_socket_t fd, short what, void *arg)
{
	struct fleet_holder *h = arg;

	(void)fd;
	(void)what;
	if (h->list)
		return;
	h->failed = false;
	h->list = etcd_list(h->f->etcd, h->to, PAGE, on_page, on_listed, h);
	if (!h->list)
		list_later(h);
}

/**
 * moved_begin - list "to/NAME/", and watch it
 * @h: with @to
 */
void moved_begin(struct fleet_holder *h)
{
	h->pause = PAUSE_MIN;
	h->again = event_new(h->f->base, -1, 0, on_again, h);
	if (h->again)
		event_active(h->again, EV_TIMEOUT, 1);
}

void moved_end(struct fleet_holder *h)
{
	if (h->list)
		etcd_list_free(h->list);
	etcd_watch_free(h->watch);
	if (h->again)
		event_free(h->again);
}
