// SPDX-License-Identifier: GPL-2.0
/* Requests that wait for cordon-fleet. There are few, and a device has part in them as little as it needs. */
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "serve/agent/fleet.h"

/**
 * agent_fleet_unreachable - nobody can be asked now
 * @a: the agent
 * @q: the request
 * @r: says so
 */
void agent_fleet_unreachable(struct agent *a, const struct serve_request *q, struct serve_reply *r)
{
	agent_refuse(a, q, r, 503, SERVE_FLEET_UNREACHABLE, "the other gateways are out of reach: try again");
}

static void slot_free(struct agent_fleet *f, struct agent_slot *s)
{
	size_t i;

	if (s->request) {
		OPENSSL_cleanse(s->request, s->len);
		free(s->request);
	}
	OPENSSL_cleanse(s, sizeof(*s));
	f->used--;
	for (i = 0; i < FLEET_SLOTS; i++)
		if (f->slots[i].behind == s) {
			f->slots[i].behind = NULL;
			f->slots[i].ready = true;
		}
}

/* Of the same device, for the same; those that wait behind another do not count, but in @n. */
static const struct agent_slot *find_same(const struct agent_fleet *f, const struct agent_slot *what, unsigned int *n)
{
	const struct agent_slot *s, *first = NULL;

	*n = 0;
	for (s = f->slots; s < f->slots + FLEET_SLOTS; s++) {
		if (s->kind != what->kind || memcmp(s->mac, what->mac, sizeof(s->mac)))
			continue;
		++*n;
		if (!s->behind)
			first = s;
	}
	return first;
}

static struct agent_slot *slot_new(struct agent_fleet *f)
{
	struct agent_slot *s = f->slots;

	if (!f->raw || f->used == FLEET_SLOTS)
		return NULL;
	while (s->kind)
		s++;
	s->request = malloc(f->raw_len);
	if (!s->request)
		return NULL;
	memcpy(s->request, f->raw, f->raw_len);
	s->len = f->raw_len;
	s->until = agent_clock() + FLEET_PATIENCE;
	f->used++;
	return s;
}

/* In its own slot, where it was in one. */
static struct agent_slot *slot_for(struct agent_fleet *f, const struct agent_slot *what)
{
	const struct agent_slot *same;
	struct agent_slot *s = f->now;
	unsigned int n;

	if (!s) {
		same = find_same(f, what, &n);
		s = n < FLEET_PER_DEVICE ? slot_new(f) : NULL;
		if (s)
			s->behind = same;
	}
	if (!s)
		return NULL;
	s->kind = what->kind;
	s->is = FLEET_NOTHING;
	s->cert = what->cert;
	memcpy(s->mac, what->mac, sizeof(s->mac));
	strcpy(s->name, what->name);
	memcpy(s->former, what->former, sizeof(s->former));
	s->replaces = what->replaces;
	return s;
}

/**
 * agent_slot_ask - ask cordon-fleet, and let the request wait
 * @a: the agent
 * @q: the request that is being handled
 * @r: says why it cannot be
 * @what: kind, name, mac, and what else depends on the kind
 * @question: but its id; is taken over
 *
 * Afterwards it waits, or @r says why not: agent_fleet_waits() tells which.
 */
void agent_slot_ask(struct agent *a, const struct serve_request *q, struct serve_reply *r, const struct agent_slot *what,
		    json_t *question)
{
	struct agent_fleet *f = a->fleet;
	struct agent_slot *s;

	if (!f->reachable) {
		json_decref(question);
		agent_fleet_unreachable(a, q, r);
		return;
	}
	s = slot_for(f, what);
	if (!s) {
		json_decref(question);
		agent_refuse(a, q, r, 503, SERVE_CROWDED, "too many requests wait for the other gateways");
		return;
	}
	if (s->behind) {
		json_decref(question);
	} else {
		s->id = ++f->last_id;
		s->asked = f->lines;
		if (!question || json_object_set_new(question, "id", json_integer((json_int_t)s->id))) {
			json_decref(question);
			question = NULL;
		}
		if (agent_fleet_write(a, question)) {
			if (s != f->now)
				slot_free(f, s);
			agent_fleet_unreachable(a, q, r);
			return;
		}
	}
	f->later = true;
}

static const struct {
	const char *word;
	enum agent_slot_is is;
} words[] = {
	{ "done", FLEET_DONE }, { "again", FLEET_AGAIN }, { "elsewhere", FLEET_ELSEWHERE },
	{ "unreachable", FLEET_UNREACHABLE }, { "refused", FLEET_REFUSED },
};

/* Words for people: what is no printable ASCII is left out. */
static void take_words(char out[SERVE_TEXT_LEN], const char *text)
{
	size_t n = 0;

	for (; text && *text && n < SERVE_TEXT_LEN - 1; text++)
		if (*text >= ' ' && *text <= '~')
			out[n++] = *text;
	out[n] = 0;
}

/**
 * agent_slot_answer - cordon-fleet has answered
 * @a: the agent
 * @answer: what; one that nobody waits for any more is let go by, and a word that is not known is none of good news
 */
void agent_slot_answer(struct agent *a, const json_t *answer)
{
	const char *is = json_string_value(json_object_get(answer, "is"));
	const json_t *id = json_object_get(answer, "id");
	struct agent_fleet *f = a->fleet;
	struct agent_slot *s;
	size_t i;

	if (!json_is_integer(id) || json_integer_value(id) <= 0)
		return;
	for (s = f->slots; s < f->slots + FLEET_SLOTS; s++)
		if (s->kind && s->id == (uint64_t)json_integer_value(id))
			break;
	if (s == f->slots + FLEET_SLOTS)
		return;
	s->id = 0;
	s->ready = true;
	s->is = FLEET_UNREACHABLE;
	for (i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (!strcmp(is, words[i].word))
			s->is = words[i].is;
	take_words(s->why, json_string_value(json_object_get(answer, s->is == FLEET_ELSEWHERE ? "gateway" : "why")));
}

/** agent_slots_lost - the connection is gone, and with it the answers to all that was asked */
void agent_slots_lost(struct agent *a)
{
	struct agent_slot *s;

	for (s = a->fleet->slots; s < a->fleet->slots + FLEET_SLOTS; s++)
		if (s->kind && s->id) {
			s->id = 0;
			s->ready = true;
			s->is = FLEET_UNREACHABLE;
		}
}

/** agent_slots_late - who has waited for long enough waits no more; one that says nothing at all is not listened to any more */
void agent_slots_late(struct agent *a)
{
	struct agent_fleet *f = a->fleet;
	bool silent = false;
	struct agent_slot *s;
	time_t now;

	if (!f->used)
		return;
	now = agent_clock();
	for (s = f->slots; s < f->slots + FLEET_SLOTS; s++) {
		if (!s->kind || s->ready || now < s->until)
			continue;
		silent |= s->id && s->asked == f->lines;
		s->id = 0;
		s->behind = NULL;
		s->ready = true;
		s->is = FLEET_UNREACHABLE;
	}
	if (silent && f->fd >= 0)
		agent_fleet_hang_up(a, "it does not answer");
}

static void refuse(struct agent *a, const struct agent_slot *s, const struct serve_request *q, uint8_t *out)
{
	struct serve_reply r = { .id = q->id };

	strcpy(r.device, s->name);
	if (s->is == FLEET_ELSEWHERE)
		agent_refuse(a, q, &r, 403, SERVE_MOVED_GATEWAY, "%s is at gateway %s, and may not go from one to another",
			     s->name, s->why[0] ? s->why : "?");
	else if (s->is == FLEET_REFUSED)
		agent_refuse(a, q, &r, 403, SERVE_FLEET_REFUSED, "refused in the fleet: %s", s->why[0] ? s->why : "not told why");
	else
		agent_fleet_unreachable(a, q, &r);
	agent_reply(a, q, &r, out);
}

/* From the start, with what is known now. */
static void handle_again(struct agent *a, struct agent_slot *s, const struct serve_request *q, uint8_t *out)
{
	struct agent_fleet *f = a->fleet;

	f->now = s;
	agent_answer(a, q, out);
	f->now = NULL;
}

static void run(struct agent *a, struct agent_slot *s, uint8_t *out)
{
	struct agent_fleet *f = a->fleet;
	struct serve_request q;

	s->ready = false;
	f->later = false;
	if (s->is == FLEET_AGAIN && ++s->tries > FLEET_TRIES)
		s->is = FLEET_UNREACHABLE;
	if (!serve_request_unpack(s->request, s->len, &q)) {
		slot_free(f, s);
		return;
	}
	if (s->is <= FLEET_AGAIN)
		handle_again(a, s, &q, out);
	else
		refuse(a, s, &q, out);
	OPENSSL_cleanse(q.secret, sizeof(q.secret));
	if (!f->later)
		slot_free(f, s);
	f->later = false;
}

/**
 * agent_slots_run - handle again what can go on
 * @a: the agent
 * @out: room for a reply
 */
void agent_slots_run(struct agent *a, uint8_t *out)
{
	struct agent_fleet *f = a->fleet;
	struct agent_slot *s = f->slots;

	while (f->used && s < f->slots + FLEET_SLOTS) {
		if (s->kind && s->ready) {
			run(a, s, out);
			s = f->slots;	/* one that waited behind it may be before it */
		} else {
			s++;
		}
	}
}

/** agent_slots_free - forget all of them, and the tokens that they hold */
void agent_slots_free(struct agent_fleet *f)
{
	struct agent_slot *s;

	for (s = f->slots; s < f->slots + FLEET_SLOTS; s++)
		if (s->kind)
			slot_free(f, s);
}
