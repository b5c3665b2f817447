// SPDX-License-Identifier: GPL-2.0
/*
 * What is ordered for the fleet, put in force on this gateway. The order is in the registry, as all that the fleet
 * shares; hand does it, one thing at a time. While it does nothing else waits: devices come and go by the policy that is
 * in force, and a gateway that comes back lets them in before it has the new one.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "fleet/policy.h"

#define TICK_TRIAL	1	/* seconds */
#define TICK		15
#define RETRY		300	/* seconds until what was refused is tried again: an interface may have come */

static time_t monotonic(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec;
}

static void set_tick(struct fleet_policy *p)
{
	bool soon = p->had.is == FLEET_ON_TRIAL || p->said != p->told;
	struct timeval t = { .tv_sec = soon ? TICK_TRIAL : TICK };

	event_add(p->tick, &t);
}

static bool summary(struct fleet_policy *p, struct cnl_summary *s)
{
	return p->f->connected && !cnl_summary(&p->f->nl, s);
}

/* Without it nothing is put in force any more: the service starts anew. */
static void hand_is_gone(struct fleet_policy *p, int err)
{
	serve_log(LOG_ERR, "the process that puts policies in force has ended", "why", strerror(-err), NULL);
	event_del(p->hand);
	priv_channel_close(&p->f->hand);
	event_base_loopexit(p->f->base, NULL);
}

static bool ask(struct fleet_policy *p, enum hand_do what, const char *common, const char *text)
{
	int err = p->f->hand.out < 0 ? -EPIPE :
		  hand_ask(&p->f->hand, what, p->number, p->confirm, p->order.force, common, text);

	p->busy = !err;
	p->doing = what;
	p->tried = monotonic();
	if (err && p->f->hand.out >= 0)
		hand_is_gone(p, err);
	return !err;
}

/* It is so: to be noted here, and told to the others. */
static void settle(struct fleet_policy *p, enum fleet_is is, const char *why)
{
	struct fleet_had *h = &p->had;
	struct cnl_summary s;
	char *note;

	h->is = is;
	h->at = time(NULL);
	fleet_boot_id(h->boot);
	snprintf(h->why, sizeof(h->why), "%s", why);
	if (summary(p, &s))
		h->generation = p->seen = s.generation;
	p->said++;
	note = fleet_had_note(h);
	if (note)
		ask(p, HAND_WRITE, NULL, note);
	free(note);
	fleet_policy_report(p);
	set_tick(p);
}

static void settle_order(struct fleet_policy *p, int64_t number, enum fleet_is is, const char *why)
{
	char text[32];

	p->had.number = number;
	p->had.revision = p->order.revision;
	if (is == FLEET_IN_FORCE) {
		p->had.good = number;
		p->had.differs = false;
	}
	snprintf(text, sizeof(text), "%lld", (long long)number);
	serve_log(is == FLEET_REFUSED ? LOG_ERR : LOG_NOTICE, "the fleet's policy", "number", text, "is", fleet_is_name(is),
		  "why", *why ? why : NULL, NULL);
	settle(p, is, why);
}

/* Return: the gateway's text, borrowed from *texts; NULL, and it is settled. */
static const char *text_of(struct fleet_policy *p, const char *key, json_t **texts, bool needed)
{
	const char *text;
	int err;

	*texts = fleet_texts_read(&p->f->store, key, &err);
	text = json_string_value(fleet_texts_at(*texts, p->number));
	if (err)
		settle_order(p, p->number, FLEET_REFUSED, err == -EPROTO ? "what etcd has of it makes no sense" :
							  strerror(-err));
	else if (!text && needed)
		settle_order(p, p->number, FLEET_REFUSED, "it has no file for this gateway");
	return text;
}

static void put_in_force(struct fleet_policy *p, const struct fleet_order *o, int64_t number, uint32_t confirm)
{
	char key[STORE_KEY_LEN];
	const char *common = NULL, *text;
	json_t *texts, *commons = NULL;

	p->order = *o;
	p->number = number;
	p->confirm = confirm;
	snprintf(key, sizeof(key), POLICY_GATEWAY "%s", p->f->config->fleet.gateway);
	text = text_of(p, key, &texts, true);
	if (text)
		common = text_of(p, POLICY_COMMON, &commons, false);
	if (text && !p->busy)
		ask(p, HAND_APPLY, common, text);
	json_decref(texts);
	json_decref(commons);
}

/* It was refused, by this very order, and not long ago. */
static bool was_refused(const struct fleet_policy *p, const struct fleet_order *o, int64_t number)
{
	return p->had.is == FLEET_REFUSED && p->had.number == number && p->had.revision == o->revision &&
	       monotonic() - p->tried < RETRY;
}

static bool is_on_trial(const struct fleet_policy *p, const struct fleet_order *o)
{
	return p->had.is == FLEET_ON_TRIAL && p->had.number == o->number;
}

/* Generations begin anew when the machine does. */
static bool same_boot(const struct fleet_policy *p)
{
	char boot[sizeof(p->had.boot)];

	fleet_boot_id(boot);
	return !strcmp(boot, p->had.boot);
}

/* The kernel may have rolled it back by now, and somebody may try another one. */
static bool still_awaits(struct fleet_policy *p)
{
	struct cnl_summary s;

	return !summary(p, &s) || (same_boot(p) && s.awaiting && s.generation == p->had.generation);
}

static void take_good(struct fleet_policy *p, const struct fleet_order *o)
{
	if (p->had.good == o->number) {
		if (p->had.number == o->number && p->had.is == FLEET_IN_FORCE)
			return;
		p->order = *o;
		settle_order(p, o->number, FLEET_IN_FORCE, "");
	} else if (is_on_trial(p, o) && still_awaits(p)) {
		p->order = *o;
		p->number = o->number;
		p->confirm = 0;
		ask(p, HAND_CONFIRM, NULL, NULL);
	} else if (!was_refused(p, o, o->number)) {
		put_in_force(p, o, o->number, 0);
	}
}

static void take_trial(struct fleet_policy *p, const struct fleet_order *o, time_t now)
{
	time_t left = o->until - now;

	if (p->had.number == o->number)
		return;
	put_in_force(p, o, o->number, left < (time_t)o->confirm ? (uint32_t)left : o->confirm);
}

/* Nobody confirmed it: the policy before is the fleet's. */
static void take_before(struct fleet_policy *p, const struct fleet_order *o)
{
	if (is_on_trial(p, o))
		return;		/* the kernel ends it, and tick() sees that */
	if (o->before && p->had.good != o->before) {
		if (!was_refused(p, o, o->before))
			put_in_force(p, o, o->before, 0);
	} else if (p->had.number != o->number) {
		p->order = *o;
		settle_order(p, o->number, FLEET_ROLLED_BACK, "its trial was over when it came to this gateway");
	}
}

static void consider(struct fleet_policy *p)
{
	time_t now = time(NULL);
	struct fleet_order o;
	int err;

	if (p->busy || !p->known)
		return;
	err = fleet_order_read(&p->f->store, &o);
	if (err)
		serve_log(LOG_ERR, "the fleet's policy: the order cannot be read", "why", strerror(-err), NULL);
	else if (!o.number)
		return;
	else if (!o.until)
		take_good(p, &o);
	else if (now < o.until)
		take_trial(p, &o, now);
	else
		take_before(p, &o);
}

static void applied(struct fleet_policy *p, int status, const char *said)
{
	char why[HAND_WHY];

	snprintf(why, sizeof(why), "%.*s", HAND_WHY - 1, said);
	if (status && !*why)
		snprintf(why, sizeof(why), "%s", status < 0 ? strerror(-status) : "cordonctl does not say why");
	if (!status)
		settle_order(p, p->number, p->confirm ? FLEET_ON_TRIAL : FLEET_IN_FORCE, "");
	else if (p->doing == HAND_CONFIRM && !still_awaits(p))
		p->had.is = FLEET_ROLLED_BACK;	/* in that moment: it is put in force anew */
	else
		settle_order(p, p->number, FLEET_REFUSED, why);
}

static void compared(struct fleet_policy *p, int status)
{
	bool differs = status == 3;

	if ((status && !differs) || differs == p->had.differs)
		return;
	p->had.differs = differs;
	serve_log(LOG_NOTICE, differs ? "the policy in force is not the fleet's any more: it was changed here" :
		  "the policy in force is the fleet's", NULL);
	settle(p, p->had.is, p->had.why);
}

static void on_answer(evutil_socket_t fd, short what, void *arg)
{
	struct fleet_policy *p = arg;
	char said[HAND_NOTE];
	int status, err = hand_answered(&p->f->hand, &status, said);

	(void)fd;
	(void)what;
	if (err == -EAGAIN)
		return;
	if (err) {
		hand_is_gone(p, err);
		return;
	}
	p->busy = false;
	switch (p->doing) {
	case HAND_APPLY:
	case HAND_CONFIRM:
	case HAND_KEEP:
		applied(p, status, said);
		break;
	case HAND_DIFFERS:
		compared(p, status);
		break;
	case HAND_READ:
		fleet_had_parse(status ? "" : said, &p->had);
		p->known = true;
		p->said += !!p->had.number;
		break;
	case HAND_WRITE:
		if (status)
			serve_log(LOG_ERR, "the fleet's policy: what is in force cannot be noted", "why", strerror(-status),
				  NULL);
		break;
	}
	consider(p);
	set_tick(p);
}

/* The kernel's timer is over, or somebody on this gateway confirmed it. */
static void watch_trial(struct fleet_policy *p)
{
	struct cnl_summary s;

	if (still_awaits(p) || !summary(p, &s))
		return;
	p->order.revision = p->had.revision;
	p->number = p->had.number;
	p->confirm = 0;
	if (same_boot(p) && s.generation == p->had.generation)
		ask(p, HAND_KEEP, NULL, NULL);
	else
		settle_order(p, p->had.number, FLEET_ROLLED_BACK, "nobody confirmed it");
}

/* Somebody may have applied another policy here, or changed a device. */
static void watch_changes(struct fleet_policy *p)
{
	struct cnl_summary s;

	if (!p->had.good || p->had.is == FLEET_ON_TRIAL || !summary(p, &s) || s.generation == p->seen || s.awaiting)
		return;
	p->seen = s.generation;
	ask(p, HAND_DIFFERS, NULL, NULL);
}

static void on_tick(evutil_socket_t fd, short what, void *arg)
{
	struct fleet_policy *p = arg;

	(void)fd;
	(void)what;
	if (p->known && !p->busy && p->had.is == FLEET_ON_TRIAL)
		watch_trial(p);
	if (p->known && !p->busy)
		consider(p);
	if (p->known && !p->busy)
		watch_changes(p);
	fleet_policy_report(p);
	set_tick(p);
}

/**
 * fleet_policy_changed - an order, or a text, has come
 * @f: cordon-fleet
 */
void fleet_policy_changed(struct fleet *f)
{
	struct timeval now = { 0 };

	/* The texts of one policy are many events: once, when they are through. */
	if (f->policy)
		event_add(f->policy->tick, &now);
}

/** fleet_policy_status - what this gateway has of the fleet's policies; null, nothing ever was ordered */
json_t *fleet_policy_status(const struct fleet *f)
{
	return f->policy && f->policy->had.number ? fleet_had_json(&f->policy->had) : json_null();
}

/**
 * fleet_policy_begin - look after the fleet's policy
 * @f: with hand, loop, registry and kernel
 *
 * Return: 0 or -errno.
 */
int fleet_policy_begin(struct fleet *f)
{
	struct fleet_policy *p = calloc(1, sizeof(*p));

	if (!p)
		return -ENOMEM;
	f->policy = p;
	p->f = f;
	p->hand = event_new(f->base, f->hand.in, EV_READ | EV_PERSIST, on_answer, p);
	p->tick = evtimer_new(f->base, on_tick, p);
	if (!p->hand || !p->tick || event_add(p->hand, NULL)) {
		fleet_policy_end(f);
		return -ENOMEM;
	}
	if (!ask(p, HAND_READ, NULL, NULL)) {
		fleet_policy_end(f);
		return -EPIPE;
	}
	return 0;
}

/** fleet_policy_end - what is in force stays */
void fleet_policy_end(struct fleet *f)
{
	struct fleet_policy *p = f->policy;

	if (!p)
		return;
	fleet_change_end(p);
	fleet_shows_end(p);
	if (p->report)
		etcd_cancel(p->report);
	if (p->hand)
		event_free(p->hand);
	if (p->tick)
		event_free(p->tick);
	f->policy = NULL;
	free(p);
}

/**
 * fleet_hand_start - start the process that stays root
 * @f: with the configuration; nothing else is open
 *
 * Return: 0 or -errno.
 */
int fleet_hand_start(struct fleet *f)
{
	static char directory[SERVE_NAME_LEN + 16], program[PATH_MAX + 16];
	static struct hand_place place;
	ssize_t len = readlink("/proc/self/exe", program, PATH_MAX - 1);
	char *slash;

	f->hand = (struct priv_channel){ -1, -1 };
	if (len < 0)
		return -errno;
	program[len] = 0;
	slash = strrchr(program, '/');
	strcpy(slash ? slash + 1 : program, "cordonctl");
	snprintf(directory, sizeof(directory), "%s/policy", f->config->fleet.directory);
	place = (struct hand_place){
		.directory = directory, .gateway = f->config->fleet.gateway, .policy = f->config->policy,
		.state = f->state, .cordonctl = program, .timeout = 120000,
	};
	return hand_start(&place, &f->hand);
}
