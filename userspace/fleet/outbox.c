// SPDX-License-Identifier: GPL-2.0
/*
 * What the registry has noted as changed, into etcd. One transaction at a time, of several keys where nobody else writes
 * them; revocations and marks first, and alone. A key that another gateway has changed meanwhile waits until the replica
 * has taken that over, and goes with what the two became.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <syslog.h>
#include <unistd.h>

#include "fleet/internal.h"

#define KEYS		32	/* of a transaction */
#define BYTES		(512U << 10)
#define STUCK		64	/* keys that are left alone for a while */
#define LEFT_ALONE	600	/* seconds */
#define LEFT_ALONE_WINS	5	/* what closes: a member may have been out of space */
#define MINUTE		60	/* seconds, after which it is looked all the same */
#define LOOK_MS		500	/* what inotify does not tell is found out then */
#define EVENTS		100000U	/* keys a second, times gateways that are told of them */
#define RATE_MIN	10	/* keys a second, however many gateways there are */
#define RATE_MAX	500

/**
 * struct stuck - a key that cannot be written
 * @key: empty, none
 * @wins: it is what closes
 * @until: by a clock that only goes on, seconds
 */
struct stuck {
	char key[STORE_KEY_LEN];
	bool wins;
	time_t until;
};

/**
 * struct fleet_outbox - the way into etcd
 * @f: cordon-fleet
 * @timer: a look at the notes
 * @kick: looks soon
 * @kicks: how many there were
 * @wal: told of the registry's file
 * @fd: inotify's, or -1
 * @call: on its way; NULL, none
 * @waits: for the replica
 * @told: what closes was written, since the watch opened
 * @failing: nothing can be written, which was said
 * @closing: only what closes is collected
 * @single: one key at a time, for so many
 * @notes: that are being written
 * @n: of them
 * @bytes: of their values
 * @stuck: keys that are left alone
 * @due: there may be something to write
 * @version: of the registry as others have changed it; what this process changes says so itself
 * @looked: when it was looked for notes last, by a clock that only goes on, seconds
 * @spent: keys of this second
 * @second: which that is
 */
struct fleet_outbox {
	struct fleet *f;
	struct event *timer;
	struct event *kick;
	size_t kicks;
	struct event *wal;
	int fd;
	struct etcd_call *call;
	bool waits;
	bool told;
	bool failing;
	bool closing;
	unsigned int single;
	struct store_fleet_changed notes[KEYS];
	size_t n;
	size_t bytes;
	struct stuck stuck[STUCK];
	bool due;
	uint64_t version;
	time_t looked;
	unsigned int spent;
	time_t second;
};

static void soon(struct fleet_outbox *o, unsigned int ms)
{
	fleet_after(o->timer, ms);
}

static void again(struct fleet_outbox *o, unsigned int ms)
{
	o->due = true;
	soon(o, ms);
}

static void clear(struct fleet_outbox *o)
{
	while (o->n)
		free(o->notes[--o->n].value);
	o->bytes = 0;
}

static struct stuck *stuck_find(struct fleet_outbox *o, const char *key)
{
	size_t i;

	for (i = 0; i < STUCK; i++)
		if (o->stuck[i].until > fleet_seconds() && !strcmp(o->stuck[i].key, key))
			return &o->stuck[i];
	return NULL;
}

/* Something that closes waits, though nothing is handed out. */
static bool is_closing_stuck(const struct fleet_outbox *o)
{
	size_t i;

	for (i = 0; i < STUCK; i++)
		if (o->stuck[i].until > fleet_seconds() && o->stuck[i].wins)
			return true;
	return false;
}

/* In the place of it before, or of the one that was to be tried again first; said once as long as it is remembered. */
static void leave_alone(struct fleet_outbox *o, const struct store_fleet_changed *c, const char *why)
{
	struct stuck *at = &o->stuck[0];
	bool known = false;
	size_t i;

	for (i = 0; i < STUCK && !known; i++) {
		known = !strcmp(o->stuck[i].key, c->key);
		if (known || o->stuck[i].until < at->until)
			at = &o->stuck[i];
	}
	if (!known || !c->wins)
		serve_log(LOG_ERR, c->wins ? "a revocation or mark cannot be written into etcd: it is tried again every 5 seconds" :
			  "a change cannot be written into etcd: it is tried again in ten minutes", "key", c->key, "why", why, NULL);
	snprintf(at->key, sizeof(at->key), "%s", c->key);
	at->wins = c->wins;
	at->until = fleet_seconds() + (c->wins ? LEFT_ALONE_WINS : LEFT_ALONE);
}

/* Keys that may be written in this second. */
static unsigned int allowance(struct fleet_outbox *o)
{
	unsigned int n = fleet_gateways_count(o->f), rate = EVENTS / (n ? n : 1);
	time_t now = fleet_seconds();

	if (now != o->second)
		o->spent = 0;
	o->second = now;
	rate = rate < RATE_MIN ? RATE_MIN : rate > RATE_MAX ? RATE_MAX : rate;
	return rate > o->spent ? rate - o->spent : 0;
}

/* Such notes come before all others, with those that a mark or a row went, which close nothing. */
static bool may_win(const char *key)
{
	return !strncmp(key, "all/revoked/", 12) || !strncmp(key, "all/mark/", 9) || !strncmp(key, "all/gateway/", 12);
}

/* Those that win are not mixed with others, which may make them fail. */
static int collect(const struct store_fleet_changed *c, void *arg)
{
	struct fleet_outbox *o = arg;
	struct store_fleet_changed *to = &o->notes[o->n];

	if (o->closing && !may_win(c->key))
		return -ECANCELED;
	if (stuck_find(o, c->key) || (o->closing && !c->wins))
		return 0;
	if (o->n && (o->notes[0].wins != c->wins || o->bytes + c->len > BYTES))
		return -ECANCELED;
	if (o->n == (o->single ? 1 : KEYS))
		return -ECANCELED;
	*to = *c;
	to->value = NULL;
	if (c->value) {
		to->value = malloc(c->len + 1);
		if (!to->value)
			return -ENOMEM;
		memcpy(to->value, c->value, c->len);
		to->value[c->len] = 0;
	}
	o->bytes += c->len;
	o->n++;
	return 0;
}

static void done(struct fleet_outbox *o, const struct store_fleet_changed *c, int64_t revision)
{
	if (store_fleet_changed_done(&o->f->store, c->key, c->seq, revision))
		serve_log(LOG_ERR, "registry", "why", o->f->store.error, NULL);
}

static void on_replica(bool is, void *arg)
{
	struct fleet_outbox *o = arg;

	o->waits = false;
	again(o, is ? 0 : 1000);
}

/* Of a key in an answer: was it we who wrote it, and the answer was lost? */
static bool is_ours(const struct store_fleet_changed *c, const struct etcd_reply *r)
{
	if (!r->n || !c->value)
		return !r->n && !c->value;
	return r->kv[0].len == c->len && !memcmp(r->kv[0].value, c->value, c->len);
}

/* Somebody else has changed a key. Return: the revision that the replica has to reach before it is tried again. */
static int64_t conflict(struct fleet_outbox *o, const struct store_fleet_changed *c, const struct etcd_reply *r,
			int64_t revision)
{
	int64_t is = r->n ? r->kv[0].mod_revision : 0, known = 0;

	if (c->wins || is == c->revision)
		return 0;
	if (is_ours(c, r)) {
		done(o, c, is);
		return 0;
	}
	if ((is ? is : revision) > o->f->at.revision)
		return is ? is : revision;
	/* Taken over while the answer was on its way, or not taken over at all. */
	if (store_fleet_revision(&o->f->store, c->key, &known) || known != is)
		leave_alone(o, c, "the registry does not take over what etcd has of it");
	return 0;
}

static void conflicts(struct fleet_outbox *o, const struct etcd_answer *a)
{
	int64_t wait = 0, self = a->replies[0].n ? a->replies[0].kv[0].mod_revision : 0, one;
	size_t i;

	/* Our own row: the replica tells what it is now. */
	if (self != o->f->self)
		wait = self ? self : a->revision;
	for (i = 0; i < o->n; i++) {
		one = conflict(o, &o->notes[i], &a->replies[i + 1], a->revision);
		if (one > wait)
			wait = one;
	}
	o->waits = wait;
	if (!wait)
		again(o, 0);
	else if (fleet_replica_after(o->f, wait, on_replica, o))
		on_replica(false, o);
}

static void answered(const struct etcd_answer *a, void *arg)
{
	struct fleet_outbox *o = arg;
	size_t i;

	o->call = NULL;
	if (a->result == ETCD_OK && a->succeeded) {
		if (!store_begin(&o->f->store, false)) {
			for (i = 0; i < o->n; i++)
				done(o, &o->notes[i], a->revision);
			if (store_commit(&o->f->store))
				store_rollback(&o->f->store);
		}
		o->single -= o->single > 0;
		o->failing = false;
		again(o, 0);
		fleet_heard(o->f);
	} else if (a->result == ETCD_OK && a->n_replies == o->n + 1) {
		conflicts(o, a);
	} else if (a->result == ETCD_REFUSED && o->n > 1) {
		/* One of them; which, one at a time tells. */
		o->single = KEYS;
		again(o, 0);
	} else {
		/* What was sent may have been done: the compare of the next time tells. */
		if (a->result == ETCD_REFUSED)
			leave_alone(o, &o->notes[0], a->why);
		else if (!o->failing)
			serve_log(LOG_WARNING, "what waits here cannot be written into etcd now", "why", a->why, NULL);
		o->failing = a->result != ETCD_REFUSED;
		again(o, 1000);
	}
	clear(o);
}

static void transact(struct fleet_outbox *o)
{
	struct etcd_compare compares[KEYS + 1];
	struct etcd_op then[KEYS], otherwise[KEYS + 1];
	struct etcd_txn t = { .compares = compares, .then = then, .otherwise = otherwise };
	char self[ETCD_KEY_MAX];
	size_t i;

	snprintf(self, sizeof(self), "all/gateway/%s", o->f->at.gateway);
	compares[t.n_compares++] = (struct etcd_compare){ .key = self, .target = ETCD_MOD, .number = o->f->self };
	otherwise[t.n_otherwise++] = (struct etcd_op){ .verb = ETCD_GET, .key = self };
	for (i = 0; i < o->n; i++) {
		const struct store_fleet_changed *c = &o->notes[i];

		if (!c->wins)
			compares[t.n_compares++] = (struct etcd_compare){ .key = c->key, .target = ETCD_MOD,
									  .number = c->revision };
		then[t.n_then++] = (struct etcd_op){ .verb = c->value ? ETCD_PUT : ETCD_DELETE, .key = c->key,
						     .value = c->value, .len = c->len };
		otherwise[t.n_otherwise++] = (struct etcd_op){ .verb = ETCD_GET, .key = c->key };
	}
	o->spent += o->n;
	o->call = etcd_txn(o->f->etcd, &t, 0, answered, o);
	if (o->call)
		return;
	if (errno == EINVAL)
		leave_alone(o, &o->notes[0], "its name is none that etcd's client takes");
	clear(o);
	again(o, 1000);
}

static int collect_all(struct fleet_outbox *o, bool closing)
{
	int err;

	o->closing = closing;
	err = store_fleet_changed_each(&o->f->store, KEYS + STUCK, collect, o);
	return err == -ECANCELED ? 0 : err;
}

/*
 * What waits, into @notes: first what closes, which waits for nothing. The registry remembers what it has handed out, so
 * that is a change of it, too.
 */
static int take(struct fleet_outbox *o)
{
	struct store *s = &o->f->store;
	uint64_t n = 0;
	int err = store_fleet_changed_count(s, &n, NULL);

	clear(o);
	if (err || !n)
		return err;
	err = store_begin(s, false);
	if (err)
		return err;
	err = collect_all(o, true);
	if (!err && !o->n && !o->waits)
		err = collect_all(o, false);
	if (!err)
		err = store_commit(s);
	if (err)
		store_rollback(s);
	return err;
}

static void drain(struct fleet_outbox *o)
{
	unsigned int room = allowance(o);

	if (o->call || !fleet_may_write(o->f))
		return;
	o->due = false;
	o->looked = fleet_seconds();
	if (take(o)) {
		serve_log(LOG_ERR, "registry", "why", o->f->store.error, NULL);
		clear(o);
		o->due = true;
		return;
	}
	if (!o->n || !o->notes[0].wins) {
		o->told = !is_closing_stuck(o);
		fleet_reach(o->f);
		o->due = o->n > room;
		while (o->n > room)
			free(o->notes[--o->n].value);
	}
	if (o->n)
		transact(o);
}

/* Have others changed the registry? */
static bool is_changed(struct fleet_outbox *o)
{
	uint64_t version;

	if (store_fleet_version(&o->f->store, &version) || version == o->version)
		return false;
	o->version = version;
	fleet_replica_compare(o->f);
	return true;
}

static void on_time(evutil_socket_t fd, short what, void *arg)
{
	struct fleet_outbox *o = arg;

	(void)fd;
	(void)what;
	soon(o, LOOK_MS);
	if (is_changed(o) || fleet_seconds() >= o->looked + MINUTE)
		o->due = true;
	if (o->due)
		drain(o);
}

/* A transaction counts when its log is on the disk, of which nobody tells: a few looks, further and further apart. */
static const unsigned int kicks[] = { 1, 3, 8, 20, 50, 120 };

static void on_kick(evutil_socket_t fd, short what, void *arg)
{
	struct fleet_outbox *o = arg;

	(void)fd;
	(void)what;
	if (is_changed(o)) {
		o->due = true;
		drain(o);
	}
	if (++o->kicks < sizeof(kicks) / sizeof(*kicks))
		fleet_after(o->kick, kicks[o->kicks]);
}

static void on_wal(evutil_socket_t fd, short what, void *arg)
{
	struct fleet_outbox *o = arg;
	char events[4096];

	(void)what;
	while (read(fd, events, sizeof(events)) > 0)
		;
	o->kicks = 0;
	/* Not put off by whoever goes on writing. */
	if (!event_pending(o->kick, EV_TIMEOUT, NULL))
		fleet_after(o->kick, kicks[0]);
}

/* Who changes the registry writes into its log first. Without inotify the timer finds out. */
static void watch_wal(struct fleet_outbox *o)
{
	char path[PATH_MAX], wal[PATH_MAX + 8];

	o->fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (o->fd < 0 || !realpath(o->f->config->registry, path))
		return;
	snprintf(wal, sizeof(wal), "%s-wal", path);
	if (inotify_add_watch(o->fd, wal, IN_MODIFY) < 0)
		return;
	o->wal = event_new(o->f->base, o->fd, EV_READ | EV_PERSIST, on_wal, o);
	if (o->wal)
		event_add(o->wal, NULL);
}

/**
 * fleet_outbox_begin - write what waits, from now on
 * @f: cordon-fleet, with its files still to be opened
 *
 * Return: 0; -ENOMEM.
 */
int fleet_outbox_begin(struct fleet *f)
{
	struct fleet_outbox *o = calloc(1, sizeof(*o));

	if (!o)
		return -ENOMEM;
	f->outbox = o;
	o->f = f;
	o->fd = -1;
	o->timer = evtimer_new(f->base, on_time, o);
	o->kick = evtimer_new(f->base, on_kick, o);
	if (!o->timer || !o->kick)
		return -ENOMEM;
	watch_wal(o);
	again(o, LOOK_MS);
	return 0;
}

/**
 * fleet_outbox_end - no more; what is noted stays noted
 * @f: cordon-fleet, whose replica has ended
 */
void fleet_outbox_end(struct fleet *f)
{
	struct fleet_outbox *o = f->outbox;

	if (!o)
		return;
	if (o->call)
		etcd_cancel(o->call);
	clear(o);
	if (o->timer)
		event_free(o->timer);
	if (o->kick)
		event_free(o->kick);
	if (o->wal)
		event_free(o->wal);
	if (o->fd >= 0)
		close(o->fd);
	free(o);
	f->outbox = NULL;
}

/**
 * fleet_outbox_poke - there may be something, or it may go now
 * @f: cordon-fleet
 */
void fleet_outbox_poke(struct fleet *f)
{
	if (f->outbox)
		again(f->outbox, 0);
}

/**
 * fleet_outbox_forget - the watch is gone: what closes is looked for anew
 * @f: cordon-fleet
 */
void fleet_outbox_forget(struct fleet *f)
{
	if (!f->outbox)
		return;
	f->outbox->told = false;
	f->outbox->due = true;
}

/**
 * fleet_outbox_is_told - what waited here and closes is in etcd
 * @f: cordon-fleet
 */
bool fleet_outbox_is_told(const struct fleet *f)
{
	return f->outbox && f->outbox->told;
}
