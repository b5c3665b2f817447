// SPDX-License-Identifier: GPL-2.0
/* Which gateway holds which device: who waits for whose key, and what was got when. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <time.h>

#include "fleet/holder.h"

const char *hold_key(char out[HOLD_KEY], const uint8_t mac[6])
{
	char text[18];

	snprintf(out, HOLD_KEY, "holder/%s", policy_mac_text(mac, text));
	return out;
}

/* It becomes part of keys. */
static bool is_name(const char *gateway)
{
	size_t n = strspn(gateway, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_");

	return n && !gateway[n] && n < STORE_GATEWAY_LEN;
}

/**
 * hold_owner_read - what holder/MAC says
 * @kv: what etcd found
 * @n: 0, nothing
 * @out: filled
 */
void hold_owner_read(const struct etcd_kv *kv, size_t n, struct hold_owner *out)
{
	json_int_t since = 0, until = 0;
	const char *gateway, *attempt;
	json_t *j;

	memset(out, 0, sizeof(*out));
	out->sound = true;
	if (!n)
		return;
	out->revision = kv->mod_revision;
	j = json_loadb((const char *)kv->value, kv->len, JSON_REJECT_DUPLICATES, NULL);
	out->sound = !json_unpack(j, "{s:s, s:s, s:I, s:I}", "gateway", &gateway, "attempt", &attempt, "since", &since,
				  "until", &until) &&
		     is_name(gateway) && strlen(attempt) < sizeof(out->attempt) &&
		     since > 0 && until >= since && until < INT64_MAX / 2;
	if (out->sound) {
		strcpy(out->gateway, gateway);
		strcpy(out->attempt, attempt);
		out->span = until - since;
	}
	json_decref(j);
}

struct hold *hold_find(const struct fleet_holder *h, const uint8_t mac[6])
{
	struct hold *w;

	TAILQ_FOREACH(w, &h->works, entry)
		if (w->running && !memcmp(w->mac, mac, 6))
			return w;
	return NULL;
}

/* NULL: too many at a time, or no memory. */
struct hold *hold_new(struct fleet_holder *h, enum hold_kind kind, const uint8_t mac[6])
{
	struct hold *w = h->n < HOLD_WORKS ? calloc(1, sizeof(*w)) : NULL;

	if (!w)
		return NULL;
	w->h = h;
	w->kind = kind;
	memcpy(w->mac, mac, 6);
	TAILQ_INSERT_TAIL(&h->works, w, entry);
	h->n++;
	return w;
}

void hold_end(struct hold *w)
{
	struct fleet_holder *h = w->h;
	uint8_t mac[6];
	struct hold *next;

	memcpy(mac, w->mac, 6);
	TAILQ_REMOVE(&h->works, w, entry);
	h->n--;
	if (w->call)
		etcd_cancel(w->call);
	json_decref(w->id);
	free(w);
	TAILQ_FOREACH(next, &h->works, entry) {
		if (memcmp(next->mac, mac, 6) != 0)
			continue;
		hold_begin(next);
		return;
	}
}

int64_t hold_revision(const struct fleet_holder *h, const uint8_t mac[6])
{
	int64_t last = 0;
	size_t i;

	for (i = 0; i < HOLD_RECENT; i++)
		if (h->recent[i].revision > last && !memcmp(h->recent[i].mac, mac, 6))
			last = h->recent[i].revision;
	return last;
}

void hold_note(struct fleet_holder *h, const uint8_t mac[6], int64_t revision)
{
	struct hold_recent *r = &h->recent[h->next++ % HOLD_RECENT];

	memcpy(r->mac, mac, 6);
	r->revision = revision;
	r->when = time(NULL);
}

bool hold_fresh(const struct fleet_holder *h, const uint8_t mac[6])
{
	time_t now = time(NULL);
	size_t i;

	for (i = 0; i < HOLD_RECENT; i++)
		if (h->recent[i].revision && !memcmp(h->recent[i].mac, mac, 6) && h->recent[i].when <= now &&
		    now - h->recent[i].when < HOLD_FRESH)
			return true;
	return false;
}

/* Another gateway has it. Where the lease cannot be ended now, the next look finds one that nobody asked for. */
bool hold_lost(struct fleet_holder *h, const uint8_t mac[6], const char *to)
{
	struct fleet *f = h->f;
	char text[18];
	int err;

	fleet_kernel_end_lease(f, mac);
	err = store_fleet_hold(&f->store, mac, false);
	serve_log(err ? LOG_ERR : LOG_NOTICE, "a device is at another gateway: its lease here ended", "mac",
		  policy_mac_text(mac, text), "to", to, "why", err ? f->store.error : NULL, NULL);
	return !err;
}

/* NULL, or what is wrong with the question. */
static const char *read_question(const json_t *q, struct hold *w)
{
	const char *name = json_string_value(json_object_get(q, "name"));
	const char *port = json_string_value(json_object_get(q, "port"));
	const json_t *roam = json_object_get(q, "roam");
	json_int_t lease = json_integer_value(json_object_get(q, "lease"));

	if (!name || !*name || strlen(name) >= sizeof(w->name))
		return "hold: name: a device's name is wanted";
	if (!port || strlen(port) >= sizeof(w->port))
		return "hold: port: an interface's name is wanted";
	if (lease <= 0 || lease > INT32_MAX)
		return "hold: lease: seconds are wanted";
	if (!json_is_boolean(roam))
		return "hold: roam: true or false is wanted";
	strcpy(w->name, name);
	strcpy(w->port, port);
	w->lease = lease;
	w->roam = json_is_true(roam);
	return NULL;
}

/**
 * fleet_hold - a device is at this gateway: it, and no other one, is to hold it
 * @f: cordon-fleet
 * @client: who asks
 * @id: of the question; taken over
 * @q: name, mac, port, lease, roam
 */
void fleet_hold(struct fleet *f, uint64_t client, json_t *id, const json_t *q)
{
	const char *text = json_string_value(json_object_get(q, "mac")), *why;
	struct fleet_holder *h = f->holder;
	uint8_t mac[6];
	struct hold *w;

	if (!text || policy_mac_parse(text, mac)) {
		fleet_answer(f, client, id, "refused", json_pack("{s:s}", "why", "hold: mac: a MAC is wanted"));
		return;
	}
	if (!f->reachable) {
		fleet_answer(f, client, id, "unreachable", json_pack("{s:s}", "why", "etcd is out of reach"));
		return;
	}
	w = hold_new(h, HOLD_ASKED, mac);
	if (!w) {
		fleet_answer(f, client, id, "unreachable", json_pack("{s:s}", "why", "too many come at a time"));
		return;
	}
	w->client = client;
	why = read_question(q, w);
	if (why) {
		fleet_answer(f, client, id, "refused", json_pack("{s:s}", "why", why));
		hold_end(w);
		return;
	}
	w->id = id;
	if (!hold_find(h, mac))
		hold_begin(w);
}

static void on_pace(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	hold_look(arg);
}

/**
 * fleet_holder_begin - hear who takes devices over, and be ready for questions
 * @f: cordon-fleet
 *
 * Return: 0; -ENOMEM, which was said.
 */
int fleet_holder_begin(struct fleet *f)
{
	struct fleet_holder *h = calloc(1, sizeof(*h));

	if (h)
		h->pace = event_new(f->base, -1, 0, on_pace, h);
	if (!h || !h->pace) {
		free(h);
		serve_log(LOG_ERR, "out of memory", NULL);
		return -ENOMEM;
	}
	h->f = f;
	h->every = 100;
	TAILQ_INIT(&h->works);
	snprintf(h->to, sizeof(h->to), "to/%s/", f->config->fleet.gateway);
	f->holder = h;
	moved_begin(h);
	return 0;
}

void fleet_holder_end(struct fleet *f)
{
	struct fleet_holder *h = f->holder;
	struct hold *w;

	if (!h)
		return;
	moved_end(h);
	if (h->check_call)
		etcd_cancel(h->check_call);
	while ((w = TAILQ_FIRST(&h->works))) {
		TAILQ_REMOVE(&h->works, w, entry);
		if (w->call)
			etcd_cancel(w->call);
		/* Who asked has only so many questions at a time. */
		if (w->id)
			fleet_answer(f, w->client, w->id, "unreachable", json_pack("{s:s}", "why", "etcd is asked anew"));
		free(w);
	}
	event_free(h->pace);
	macs_free(&h->look);
	macs_free(&h->retry);
	macs_free(&h->idle);
	macs_free(&h->check);
	free(h);
	f->holder = NULL;
}
