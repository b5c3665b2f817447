// SPDX-License-Identifier: GPL-2.0
/*
 * The registry as a replica of all/ in etcd: a list where it has nothing yet, or too old a revision, then one watch.
 *
 *	wait --> its turn --> list --> watch --> (lost, opened again) --> ...
 *	  ^                              | compacted: list
 *	  '------------------------------' the registry did not take it: from what it has
 *
 * Each time the watch opens, etcd is asked how far it is: the registry is whole when it has reached that.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include "fleet/internal.h"

#define ALL		"all/"
#define REVOKED		"all/revoked/"
#ifndef FLEET_HOUR
#define FLEET_HOUR	3600000U	/* ms; in a test it passes faster */
#endif

/**
 * struct fleet_replica - the registry's way after etcd
 * @f: cordon-fleet
 * @tick: who waits for a revision
 * @turn: when it may list
 * @timer: begins, and begins again
 * @hourly: lists what is revoked
 * @watch: of all/; NULL, none
 * @list: of all/, or NULL
 * @revoked: list of what is revoked, or NULL
 * @look: asks how far etcd is; NULL, it is known, or asked later
 * @batch: of a list, or events of a revision of which more follows
 * @late: revocations that no event told
 * @rooted: the fleet's root is this gateway's, or neither is there
 * @rooting: etcd is asked for it
 * @anew: list, whatever revision the registry has
 * @open: a member tells what happens
 * @looked: since it opened, it is known how far etcd was then
 * @target: that revision
 * @ended: begun again only by somebody else
 * @bad: of the list that is being read: it cannot be held
 * @why: why it is not open
 */
struct fleet_replica {
	struct fleet *f;
	struct fleet_tick *tick;
	struct fleet_turn *turn;
	struct event *timer;
	struct event *hourly;
	struct etcd_watch *watch;
	struct etcd_list *list;
	struct etcd_list *revoked;
	struct etcd_call *look;
	struct fleet_batch batch;
	struct fleet_batch late;
	bool rooted;
	bool rooting;
	bool anew;
	bool open;
	bool looked;
	int64_t target;
	bool ended;
	int bad;
	char why[ETCD_WHY];
};

static void halt(struct fleet_replica *r)
{
	if (r->look)
		etcd_cancel(r->look);
	etcd_watch_free(r->watch);
	etcd_list_free(r->list);
	etcd_list_free(r->revoked);
	r->look = NULL;
	r->watch = NULL;
	r->list = r->revoked = NULL;
	r->open = r->looked = false;
	fleet_turn_over(r->turn);
	fleet_batch_clear(&r->batch);
	fleet_batch_clear(&r->late);
}

/* From what the registry has, after a while. */
static void again(struct fleet_replica *r)
{
	halt(r);
	if (!r->ended)
		fleet_after(r->timer, 500 + fleet_spread(r->f, 3, FLEET_AGAIN * 500, 30000));
	fleet_outbox_forget(r->f);
	fleet_reach(r->f);
}

static void looked(const struct etcd_answer *a, void *arg)
{
	struct fleet_replica *r = arg;
	struct fleet *f = r->f;

	r->look = NULL;
	if (a->result == ETCD_WENT_BACK || a->result == ETCD_OTHER_CLUSTER) {
		fleet_refuse(f, a->why);
		return;
	}
	if (a->result != ETCD_OK) {
		fleet_after(r->timer, 1000);
		return;
	}
	r->looked = true;
	r->target = a->revision;
	fleet_tick_want(r->tick, a->revision);
	if (a->n)
		fleet_self(f, (const char *)a->kv[0].value, a->kv[0].len, a->kv[0].mod_revision);
	else
		fleet_self(f, NULL, 0, 0);
	if (!f->self)
		serve_log(LOG_WARNING, "this gateway is not in the fleet: 'cordonctl fleet add' adds it", "gateway",
			  f->at.gateway, NULL);
	fleet_outbox_poke(f);
}

/* How far is etcd now, and what does it have of this gateway? */
static void look(struct fleet_replica *r)
{
	char key[ETCD_KEY_MAX];

	if (r->look)
		return;
	snprintf(key, sizeof(key), "all/gateway/%s", r->f->at.gateway);
	r->look = etcd_get(r->f->etcd, key, 0, looked, r);
	if (!r->look)
		fleet_after(r->timer, 1000);
}

static void on_news(enum etcd_watch_news what, int64_t revision, const char *why, void *arg)
{
	struct fleet_replica *r = arg;

	(void)revision;
	snprintf(r->why, sizeof(r->why), "%s", why);
	switch (what) {
	case ETCD_WATCH_OPEN:
		r->open = true;
		r->looked = false;
		fleet_heard(r->f);
		look(r);
		return;
	case ETCD_WATCH_LOST:
		r->open = r->looked = false;
		fleet_outbox_forget(r->f);
		fleet_reach(r->f);
		return;
	case ETCD_WATCH_COMPACTED:
		serve_log(LOG_NOTICE, "etcd has compacted what was not taken over yet: all is listed", "why", why, NULL);
		r->anew = true;
		again(r);
		return;
	default:
		fleet_refuse(r->f, why);
	}
}

/* What was taken over may be what somebody waits for. */
static void moved(struct fleet_replica *r)
{
	fleet_tick_reached(r->tick);
	fleet_heard(r->f);
	fleet_reach(r->f);
	fleet_outbox_poke(r->f);
}

static void on_events(const struct etcd_event *event, size_t n, int64_t through, void *arg)
{
	struct fleet_replica *r = arg;
	size_t i;
	int err = 0;

	for (i = 0; !err && i < n; i++) {
		err = fleet_batch_add(&r->batch, &event[i].kv, event[i].deleted);
		if (!strcmp(event[i].kv.key, FLEET_TICK))
			fleet_tick_seen(r->tick, event[i].kv.mod_revision);
	}
	if (err)
		serve_log(LOG_ERR, "what etcd has is too much", "why", strerror(-err), NULL);
	/* More of the last revision follows. */
	if (!err && !through)
		return;
	if (!err)
		err = fleet_batch_take(r->f, &r->batch, etcd_watch_position(r->watch), false);
	if (err) {
		snprintf(r->why, sizeof(r->why), "the registry does not take over what etcd has");
		again(r);
		return;
	}
	moved(r);
}

static void watch(struct fleet_replica *r)
{
	static const struct etcd_watch_ops ops = { .events = on_events, .news = on_news };
	const struct store_fleet *at = &r->f->at;
	struct etcd_position from = { .revision = at->revision, .mod_revision = at->mod_revision };

	snprintf(from.witness, sizeof(from.witness), "%s", at->witness);
	r->watch = etcd_watch_new(r->f->etcd, ALL, &from, &ops, r);
	if (!r->watch) {
		snprintf(r->why, sizeof(r->why), "the watch does not begin: %s", strerror(errno));
		again(r);
	}
}

static void on_page(const struct etcd_answer *a, void *arg)
{
	struct fleet_replica *r = arg;
	size_t i;

	for (i = 0; !r->bad && i < a->n; i++) {
		r->bad = fleet_batch_add(&r->batch, &a->kv[i], false);
		if (!strcmp(a->kv[i].key, FLEET_TICK))
			fleet_tick_seen(r->tick, a->kv[i].mod_revision);
	}
}

static void listed(struct fleet_replica *r, const struct etcd_answer *a)
{
	struct etcd_position to = { .revision = a->revision };
	const struct fleet_batch *b = &r->batch;
	size_t i, newest = 0;

	/* What changed last is what a history that was cut off there would lack first. */
	for (i = 1; i < b->n; i++)
		if (b->items[i].revision > b->items[newest].revision)
			newest = i;
	if (b->n) {
		snprintf(to.witness, sizeof(to.witness), "%s", b->items[newest].key);
		to.mod_revision = b->items[newest].revision;
	}
	if (r->bad || fleet_batch_take(r->f, &r->batch, &to, true)) {
		if (r->bad)
			serve_log(LOG_ERR, "what etcd has is too much", "why", strerror(-r->bad), NULL);
		snprintf(r->why, sizeof(r->why), "the registry does not take over what etcd has");
		again(r);
		return;
	}
	r->anew = false;
	fleet_turn_over(r->turn);
	moved(r);
	watch(r);
}

static void on_list(const struct etcd_answer *a, void *arg)
{
	struct fleet_replica *r = arg;

	r->list = NULL;
	if (a->result == ETCD_OK) {
		listed(r, a);
	} else if (a->result == ETCD_WENT_BACK || a->result == ETCD_OTHER_CLUSTER) {
		fleet_refuse(r->f, a->why);
	} else {
		snprintf(r->why, sizeof(r->why), "%s", a->why);
		again(r);
	}
}

static void list(void *arg)
{
	struct fleet_replica *r = arg;

	snprintf(r->why, sizeof(r->why), "all that etcd has is being read");
	fleet_batch_clear(&r->batch);
	r->bad = 0;
	r->list = etcd_list(r->f->etcd, ALL, 0, on_page, on_list, r);
	if (!r->list) {
		snprintf(r->why, sizeof(r->why), "too many calls wait");
		again(r);
	}
}

/* Another fleet's devices are none of ours: nothing is taken over, and that is looked at again now and then. */
static void on_root(struct fleet *f, enum fleet_root is, const char *why)
{
	struct fleet_replica *r = f->replica;

	if (!r || !r->rooting)
		return;
	r->rooting = false;
	r->rooted = is == FLEET_ROOT_RIGHT || is == FLEET_ROOT_NONE;
	snprintf(r->why, sizeof(r->why), "%s", why);
	if (is == FLEET_ROOT_WRONG)
		serve_log(LOG_ALERT, "etcd has another fleet: nothing is taken over", "why", why, NULL);
	if (r->rooted)
		fleet_after(r->timer, 0);
	else if (is == FLEET_ROOT_WRONG)
		fleet_after(r->timer, 60000);
	else
		again(r);
}

static void ask_root(struct fleet_replica *r)
{
	if (r->rooting)
		return;
	r->rooting = true;
	if (!fleet_root_look(r->f, on_root))
		return;
	r->rooting = false;
	fleet_after(r->timer, 1000);
}

static void on_time(evutil_socket_t fd, short what, void *arg)
{
	struct fleet_replica *r = arg;

	(void)fd;
	(void)what;
	if (r->f->at.refused || r->ended)
		return;
	if (!r->rooted && fleet_ca(r->f))
		ask_root(r);
	else if (r->open && !r->looked)
		look(r);
	else if (!r->watch && !r->list && (r->anew || !r->f->at.revision))
		fleet_turn_want(r->turn, list, r, r->why);
	else if (!r->watch && !r->list)
		watch(r);
}

/* Only what the watch should have told by now, and did not (etcd 18089). */
static void on_revoked(const struct etcd_answer *a, void *arg)
{
	struct fleet_replica *r = arg;
	int64_t known;
	size_t i;

	for (i = 0; i < a->n; i++)
		if (a->kv[i].mod_revision <= r->f->at.revision &&
		    (store_fleet_revision(&r->f->store, a->kv[i].key, &known) || known != a->kv[i].mod_revision))
			fleet_batch_add(&r->late, &a->kv[i], false);
}

static void on_revoked_all(const struct etcd_answer *a, void *arg)
{
	struct fleet_replica *r = arg;

	r->revoked = NULL;
	if (a->result == ETCD_OK && r->late.n && !r->f->at.refused)
		fleet_batch_take(r->f, &r->late, NULL, false);
	fleet_batch_clear(&r->late);
}

static void on_hour(evutil_socket_t fd, short what, void *arg)
{
	struct fleet_replica *r = arg;

	(void)fd;
	(void)what;
	fleet_after(r->hourly, FLEET_HOUR / 2 + arc4random_uniform(FLEET_HOUR));
	if (r->open && !r->revoked)
		r->revoked = etcd_list(r->f->etcd, REVOKED, 0, on_revoked, on_revoked_all, r);
}

/**
 * fleet_replica_begin - take over what etcd has, from now on
 * @f: cordon-fleet
 *
 * Return: 0; -ENOMEM.
 */
int fleet_replica_begin(struct fleet *f)
{
	struct fleet_replica *r = calloc(1, sizeof(*r));

	if (!r)
		return -ENOMEM;
	f->replica = r;
	r->f = f;
	snprintf(r->why, sizeof(r->why), "no member of etcd was asked yet");
	r->tick = fleet_tick_new(f);
	r->turn = fleet_turn_new(f);
	r->timer = evtimer_new(f->base, on_time, r);
	r->hourly = evtimer_new(f->base, on_hour, r);
	if (!r->tick || !r->turn || !r->timer || !r->hourly) {
		serve_log(LOG_ERR, "out of memory", NULL);
		return -ENOMEM;
	}
	/* Not all gateways at once, when the power comes back. */
	fleet_after(r->timer, fleet_spread(f, 3, 0, 30000));
	fleet_after(r->hourly, FLEET_HOUR / 2 + arc4random_uniform(FLEET_HOUR));
	return 0;
}

/**
 * fleet_replica_end - no more; whoever waits for a revision is told
 * @f: cordon-fleet
 */
void fleet_replica_end(struct fleet *f)
{
	struct fleet_replica *r = f->replica;

	if (!r)
		return;
	r->ended = true;
	halt(r);
	fleet_tick_free(r->tick);
	fleet_turn_free(r->turn);
	if (r->timer)
		event_free(r->timer);
	if (r->hourly)
		event_free(r->hourly);
	free(r);
	f->replica = NULL;
}

/**
 * fleet_replica_stop - until it is begun anew
 * @f: cordon-fleet
 */
void fleet_replica_stop(struct fleet *f)
{
	struct fleet_replica *r = f->replica;

	if (!r)
		return;
	r->ended = true;
	halt(r);
	event_del(r->timer);
	fleet_outbox_forget(f);
	fleet_tick_fail(r->tick);
}

/* It may be of before the fleet, and then notes nothing; or another gateway's. Return: it is this gateway's, in the fleet. */
static bool is_still_ours(struct fleet *f, struct store_fleet *at)
{
	int err = store_fleet_get(&f->store, at);

	if (err == -ENOENT) {
		err = store_fleet_join(&f->store, f->config->fleet.gateway);
		if (!err)
			err = store_fleet_get(&f->store, at);
	}
	if (!err && !strcmp(at->gateway, f->config->fleet.gateway))
		return true;
	/* One that cannot be read now is looked at with the next change; with another gateway's nothing is to be done. */
	if (err && err != -EEXIST) {
		serve_log(LOG_ERR, "registry", "why", f->store.error, NULL);
		return false;
	}
	serve_log(LOG_ERR, "the registry was replaced, and is another gateway's: this ends", "registry's", at->gateway, NULL);
	event_base_loopexit(f->base, NULL);
	return false;
}

/**
 * fleet_replica_compare - somebody else has written the registry: was it put back from a backup?
 * @f: cordon-fleet
 *
 * If so, etcd is listed anew. What the kernel holds in quarantine and the backup does not is not taken for released.
 */
void fleet_replica_compare(struct fleet *f)
{
	struct fleet_replica *r = f->replica;
	struct store_fleet at;

	if (!r || !is_still_ours(f, &at) || at.revision || !f->at.revision)
		return;
	serve_log(LOG_NOTICE, "the registry was put back from a backup: all is listed", NULL);
	f->at.revision = 0;
	f->at.witness[0] = 0;
	f->at.mod_revision = 0;
	if (store_fleet_put(&f->store, &f->at))
		serve_log(LOG_ERR, "registry", "why", f->store.error, NULL);
	fleet_kernel_forget(f);
	if (r->ended)
		return;
	r->anew = true;
	again(r);
	fleet_after(r->timer, 0);
}

/**
 * fleet_replica_after - wait until the registry has reached a revision
 * @f: cordon-fleet
 * @revision: this one
 * @then: called once, perhaps from here: it has; or, false, that cannot be told
 * @arg: for @then
 *
 * Return: 0; -errno, then @then is not called.
 */
int fleet_replica_after(struct fleet *f, int64_t revision, void (*then)(bool is, void *arg), void *arg)
{
	if (revision <= f->at.revision) {
		then(true, arg);
		return 0;
	}
	return f->replica && !f->replica->ended ? fleet_tick_after(f->replica->tick, revision, then, arg) : -EHOSTUNREACH;
}

/**
 * fleet_replica_is_open - a member tells what happens, and has the history that the registry has
 * @f: cordon-fleet
 */
bool fleet_replica_is_open(const struct fleet *f)
{
	return f->replica && f->replica->open;
}

/**
 * fleet_replica_is_whole - the registry has all that etcd had when the watch opened
 * @f: cordon-fleet
 */
bool fleet_replica_is_whole(const struct fleet *f)
{
	const struct fleet_replica *r = f->replica;

	return r && r->open && r->looked && r->target <= f->at.revision;
}

/**
 * fleet_replica_why - why it is not open
 * @f: cordon-fleet
 * @out: a sentence
 */
void fleet_replica_why(const struct fleet *f, char out[FLEET_WHY])
{
	snprintf(out, FLEET_WHY, "%s", f->replica ? f->replica->why : "it ends");
}
