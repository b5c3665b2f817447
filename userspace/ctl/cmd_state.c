// SPDX-License-Identifier: GPL-2.0
/* state: what the kernel holds that the policy file does not, saved and given back. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "ctl/ctl.h"
#include "event/event.h"
#include "state/state.h"

#define AT_MOST	3	/* seconds between two writes */
#define AT_LEAST 60	/* seconds: that a lease goes on is no event */
#define LOOK	10	/* seconds until it is seen that the module has gone */
#define WAIT	1000	/* ms, for a journal that has no room */

/**
 * struct place - where state is
 * @dir: of what is kept
 * @file: the state
 * @lock: on @dir; closed by place_free()
 */
struct place {
	const char *dir;
	char *file;
	int lock;
};

static void place_free(struct place *at)
{
	free(at->file);
	if (at->lock >= 0)
		close(at->lock);
}

/* @alone: nothing but @file is needed. */
static int find_place(struct place *at, const char *dir, const char *file, bool alone)
{
	*at = (struct place){ .dir = alone ? NULL : keep_place(dir, true), .lock = -1 };
	if (!at->dir && !alone)
		return EXIT_REFUSED;
	at->file = file ? strdup(file) : kept_path(at->dir, "state");
	return at->file ? EXIT_DONE : complain("state", "out of memory");
}

static int lock_place(struct place *at)
{
	at->lock = kept_lock(at->dir);
	return at->lock < 0 ? complain(at->dir, strerror(-at->lock)) : EXIT_DONE;
}

static int save(struct place *at)
{
	struct state *s = NULL;
	struct cnl nl;
	int ret, err;

	if (lock_place(at) || !open_kernel(&nl))
		return EXIT_REFUSED;
	ret = keep_collect(&nl, at->dir, &s) ? complain_nl(&nl) : EXIT_DONE;
	cnl_close(&nl);
	if (ret)
		return ret;
	err = state_save(at->file, s);
	if (err)
		ret = complain(at->file, strerror(-err));
	else
		printf("%s: %u devices with a state, %u changed and %u deleted at run time, %u learned addresses, "
		       "destinations of %u devices\n",
		       at->file, s->n_devices, s->changed->draft.n_devices, s->n_deleted, s->n_bindings,
		       s->n_destinations);
	state_free(s);
	return ret;
}

static int load(const struct place *at, struct state **s)
{
	int err = state_load(at->file, s, stderr);

	return err == -ENOENT ? complain(at->file, "no state was saved") : err ? EXIT_REFUSED : EXIT_DONE;
}

static void print_time(const char *what, int64_t when)
{
	char text[32] = "";
	time_t t = when;
	struct tm tm;

	if (localtime_r(&t, &tm))
		strftime(text, sizeof(text), "%F %T", &tm);
	printf("%s %s", what, text);
}

static void print_device(const struct state_device *d)
{
	char mac[18];

	printf("%s %s:", policy_mac_text(d->mac, mac), d->name);
	if (d->quarantined)
		printf(" quarantined");
	if (d->outdated)
		printf(" outdated");
	if (d->leased && d->lease_end)
		print_time(" lease until", d->lease_end);
	else if (d->leased)
		printf(" lease ended");
	if (d->lease_port[0])
		printf(" on %s", d->lease_port);
	putchar('\n');
}

static void print_binding(const struct state_binding *b)
{
	char mac[18], addr[POLICY_ADDR_LEN];

	printf("%s %s: %s by %s", policy_mac_text(b->mac, mac), b->name, policy_addr_text(&b->addr, addr),
	       policy_origin_name(b->origin));
	if (b->end)
		print_time(" until", b->end);
	putchar('\n');
}

static void print_destinations(const struct state_destinations *d)
{
	char mac[18];

	printf("%s %s: %u destinations known", policy_mac_text(d->saved.mac, mac), d->saved.name, d->saved.n);
	if (d->learn_end)
		print_time(", learning until", d->learn_end);
	putchar('\n');
}

static void print_state(const struct state *s)
{
	const struct cordon_draft *c = &s->changed->draft;
	char mac[18];
	u32 i;

	print_time("saved", s->saved);
	putchar('\n');
	for (i = 0; i < s->n_devices; i++)
		print_device(&s->devices[i]);
	for (i = 0; i < c->n_devices; i++)
		printf("%s %s: added or changed at run time\n", policy_mac_text(c->devices[i].mac, mac),
		       c->devices[i].name);
	for (i = 0; i < s->n_deleted; i++)
		printf("%s: deleted at run time\n", policy_mac_text(s->deleted[i], mac));
	for (i = 0; i < s->n_bindings; i++)
		print_binding(&s->bindings[i]);
	for (i = 0; i < s->n_destinations; i++)
		print_destinations(&s->destinations[i]);
}

static int show(const struct place *at, bool json)
{
	json_error_t why;
	struct state *s;
	json_t *all;

	if (load(at, &s))
		return EXIT_REFUSED;
	if (!json) {
		print_state(s);
	} else {
		all = json_load_file(at->file, 0, &why);
		json_print(all);
	}
	state_free(s);
	return EXIT_DONE;
}

/* The kernel knows the device: what can be given back by hand is, one thing after the other. */
static int restore_device(struct cnl *nl, const struct state_device *d, bool clock)
{
	struct cnl_change change = CNL_CHANGE_NONE;
	int64_t left = d->leased && clock ? d->lease_end - time(NULL) : 0;
	struct cnl_device out;

	change.mac = d->mac;
	if (d->quarantined)
		change.state = CORDON_STATE_QUARANTINED;
	if (d->outdated)
		change.outdated = 1;
	if (left > 0 && !d->lease_port[0] && !d->has_certificate)
		change.lease = left > CORDON_MAX_LEASE ? CORDON_MAX_LEASE : left;
	else if (left > 0)
		fprintf(stderr, "cordonctl: state: device '%s': its lease is bound to a check-in; it must check in again\n",
			d->name);
	if (change.state < 0 && change.outdated < 0 && change.lease < 0)
		return 0;
	return cnl_device_set(nl, &change, &out);
}

static int restore_devices(struct cnl *nl, const struct state *s)
{
	bool clock = state_clock_is_right(s, time(NULL));
	int ret = EXIT_DONE;
	u32 i;

	if (!clock)
		fputs("cordonctl: state: the clock cannot be relied on: no lease is restored, and learned addresses have as "
		      "long as when they were saved\n", stderr);
	for (i = 0; i < s->n_devices; i++)
		if (restore_device(nl, &s->devices[i], clock)) {
			fprintf(stderr, "cordonctl: state: device '%s': %s\n", s->devices[i].name, nl->error);
			ret = EXIT_REFUSED;
		}
	return ret;
}

/* What is known of an address by now holds. */
static int restore_binding(struct cnl *nl, const struct cnl_binding *b)
{
	char addr[POLICY_ADDR_LEN];
	struct cnl_binding now;

	if (!cnl_binding_get(nl, &b->addr, &now) || !cnl_binding_set(nl, b, &now))
		return EXIT_DONE;
	fprintf(stderr, "cordonctl: state: address %s: %s\n", policy_addr_text(&b->addr, addr), nl->error);
	return EXIT_REFUSED;
}

/* Where it went since it was listed is forgotten: it is what was saved that holds. */
static int restore_been(struct cnl *nl, const struct cnl_destinations *d)
{
	if (!cnl_destinations_set(nl, d))
		return EXIT_DONE;
	fprintf(stderr, "cordonctl: state: device '%s': %s\n", d->name, nl->error);
	return EXIT_REFUSED;
}

static int restore_learned(struct cnl *nl, const struct state *s)
{
	struct cnl_begin begin = { .bindings = NULL };
	struct cnl_runtime runtime;
	int64_t now = time(NULL);
	int ret = EXIT_DONE;
	struct policy *p;
	bool clock;
	u32 i;

	if (!s->n_bindings && !s->n_destinations)
		return EXIT_DONE;
	if (cnl_fetch(nl, &p, &runtime))
		return complain_nl(nl);
	cnl_runtime_free(&runtime);
	clock = state_clock_is_right(s, now);
	if (state_bindings(p, s, now, clock, &begin) || state_destinations(p, s, now, clock, &begin))
		ret = complain("state", "what was learned cannot be restored: out of memory");
	for (i = 0; i < begin.n_bindings; i++)
		ret |= restore_binding(nl, &begin.bindings[i]);
	for (i = 0; i < begin.n_destinations; i++)
		ret |= restore_been(nl, &begin.destinations[i]);
	free(begin.bindings);
	free(begin.destinations);
	policy_free(p);
	return ret;
}

/* The policy in force with what was changed at run time, if that makes a difference. */
static int restore_changes(struct cnl *nl, const struct state *s, const struct policy *base)
{
	struct cnl_runtime runtime;
	struct policy *p = NULL;
	u32 generation;
	int ret = EXIT_DONE;

	if (!s->changed->draft.n_devices && !s->n_deleted)
		return EXIT_DONE;
	if (cnl_fetch(nl, &p, &runtime))
		return complain_nl(nl);
	cnl_runtime_free(&runtime);
	if (state_overlay(p, base, s, stderr))
		ret = complain("state", "what was changed at run time is left out");
	else if (cnl_commit(nl, p, NULL, p->generation, 0, &generation, NULL))
		ret = complain_nl(nl);
	policy_free(p);
	return ret;
}

static int restore(struct place *at)
{
	struct policy *base;
	struct state *s;
	struct cnl nl;
	int ret;

	if (load(at, &s))
		return EXIT_REFUSED;
	if (lock_place(at) || !open_kernel(&nl)) {
		state_free(s);
		return EXIT_REFUSED;
	}
	base = kept_last_good(at->dir, stderr);
	ret = restore_changes(&nl, s, base);
	if (restore_devices(&nl, s))
		ret = EXIT_REFUSED;
	if (restore_learned(&nl, s))
		ret = EXIT_REFUSED;
	if (!ret)
		printf("%s: restored\n", at->file);
	policy_free(base);
	cnl_close(&nl);
	state_free(s);
	return ret;
}

/**
 * struct watch - a state that is kept up to date, and events that are written to the journal
 * @at: where
 * @log: of events
 * @ask: the connection that the state is asked for on
 * @events: the one that tells of changes
 * @listener: of @events
 * @connected: both are open
 * @last: as it was saved, or NULL
 * @dirty: something has changed since
 * @written: when it was saved, or nothing was new, by now_ms()
 * @look: something of which there may have been no event has changed
 * @looked: when the states of all devices were asked for, by now_ms()
 */
struct watch {
	struct place *at;
	struct event_log *log;
	struct cnl ask;
	struct cnl events;
	struct cnl_listener listener;
	bool connected;
	struct state *last;
	bool dirty;
	int64_t written;
	bool look;
	int64_t looked;
};

static volatile sig_atomic_t ended;

static void on_end(int sig)
{
	ended = sig;
}

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

static int on_event(const struct cnl_event *e, void *arg)
{
	struct watch *w = arg;

	if (e->cmd == CORDON_CMD_DEVICE_NTF || e->cmd == CORDON_CMD_POLICY_NTF || e->cmd == CORDON_CMD_BINDING_NTF)
		w->dirty = true;
	w->look |= e->cmd == CORDON_CMD_POLICY_NTF;
	event_log_event(w->log, e, now_ms());
	return 0;
}

static int on_device(const struct cnl_device *d, void *arg)
{
	struct watch *w = arg;

	return event_log_seen(w->log, d, now_ms()) ? -ENOMEM : 0;
}

/* Where it did not come to an end it is done again. */
static void look(struct watch *w)
{
	int err = cnl_device_each(&w->ask, on_device, w);

	event_log_looked(w->log, !err);
	w->look = err;
	w->looked = now_ms();
}

static void disconnect(struct watch *w)
{
	if (w->connected) {
		cnl_close(&w->ask);
		cnl_close(&w->events);
	}
	w->connected = false;
}

/* What happened before is in the first state that is asked for. */
static int connect_both(struct watch *w)
{
	if (cnl_open(&w->ask))
		return -1;
	if (cnl_open(&w->events)) {
		cnl_close(&w->ask);
		return -1;
	}
	w->connected = true;
	w->dirty = true;
	w->look = true;
	w->listener = (struct cnl_listener){ on_event, w, 0 };
	nl_socket_set_nonblocking(w->events.sock);
	if (!cnl_join(&w->events, &w->listener))
		return 0;
	complain_nl(&w->events);
	disconnect(w);
	return -1;
}

/* A failure is told, and it is tried again: the next one may find room on the disk. */
static void save_new(struct watch *w, struct state *s)
{
	int err;

	if (state_settle(s, w->last)) {
		state_free(s);
		return;
	}
	err = state_save(w->at->file, s);
	if (err)
		complain(w->at->file, strerror(-err));
	w->dirty = err;
	state_free(err ? s : w->last);
	w->last = err ? NULL : s;
}

static void write_state(struct watch *w)
{
	struct state *s;
	int err;

	w->written = now_ms();
	w->dirty = false;
	if (!w->connected || lock_place(w->at))
		return;
	err = keep_collect(&w->ask, w->at->dir, &s);
	if (!err)
		save_new(w, s);
	else if (err != -ENODATA)
		disconnect(w);
	close(w->at->lock);
	w->at->lock = -1;
}

/* The module may have gone, and come back: then both connections are of no use. */
static void hear(struct watch *w, int ms)
{
	struct pollfd fd = { .fd = nl_socket_get_fd(w->events.sock), .events = POLLIN };
	struct cnl_summary summary;
	int ready = poll(&fd, 1, ms), err = 0;

	if (ready > 0)
		err = cnl_hear(&w->events);
	else if (!ready && cnl_summary(&w->ask, &summary))
		disconnect(w);
	if (err == -ENOBUFS)
		w->dirty = w->look = true;
	else if (err)
		disconnect(w);
}

/* When to do something that is done often where there is reason to. */
static int64_t due(int64_t last, bool soon)
{
	return last + 1000 * (soon ? AT_MOST : AT_LEAST);
}

/* How long to wait for an event, in ms. */
static int patience(const struct watch *w, int64_t tick)
{
	bool soon = w->dirty || w->look || !w->last;
	int most = 1000 * (soon ? AT_MOST : LOOK);

	return tick >= 0 && tick < most ? (int)tick : most;
}

static void watch_once(struct watch *w)
{
	int64_t tick;

	if (w->connected && now_ms() >= due(w->looked, w->look))
		look(w);
	if (w->connected && now_ms() >= due(w->written, w->dirty || !w->last))
		write_state(w);
	tick = event_log_tick(w->log, now_ms());
	if (w->connected)
		hear(w, patience(w, tick));
	else if (connect_both(w))
		poll(NULL, 0, AT_MOST * 1000);
}

static int watch(struct place *at)
{
	int64_t never = now_ms() - AT_LEAST * 1000;
	struct watch w = { .at = at, .log = event_log_new(NULL, WAIT), .written = never, .looked = never };
	struct sigaction end = { .sa_handler = on_end };

	if (!w.log)
		return complain("state", "out of memory");
	sigaction(SIGTERM, &end, NULL);
	sigaction(SIGINT, &end, NULL);
	while (!ended)
		watch_once(&w);
	write_state(&w);
	disconnect(&w);
	state_free(w.last);
	event_log_free(w.log, now_ms());
	return EXIT_DONE;
}

static int run_verb(const struct command *self, const char *verb, struct place *at, bool json)
{
	if (!strcmp(verb, "save"))
		return save(at);
	if (!strcmp(verb, "restore"))
		return restore(at);
	if (!strcmp(verb, "show"))
		return show(at, json);
	if (!strcmp(verb, "watch"))
		return watch(at);
	return usage_error(self, "save, restore, show or watch?", *verb ? verb : NULL);
}

static int run_state(const struct command *self, int argc, char **argv)
{
	static const struct option options[] = {
		{ "state", required_argument, NULL, 's' }, { "json", no_argument, NULL, 'j' },
		{ "help", no_argument, NULL, OPTION_HELP }, { }
	};
	const char *dir = NULL, *verb, *file;
	bool json = false;
	struct place at;
	int o, ret;

	while ((o = next_option(self, argc, argv, options)) != -1) {
		if (o == OPTION_HELP)
			return EXIT_DONE;
		if (o == OPTION_ERROR)
			return EXIT_USAGE;
		json |= o == 'j';
		if (o == 's')
			dir = optarg;
	}
	verb = argc > optind ? argv[optind] : "";
	if (argc - optind > 2)
		return usage_error(self, "too many words", argv[optind + 2]);
	file = argc - optind == 2 ? argv[optind + 1] : NULL;
	ret = find_place(&at, dir, file, file && !strcmp(verb, "show"));
	if (!ret)
		ret = run_verb(self, verb, &at, json);
	place_free(&at);
	return ret;
}

const struct command cmd_state = {
	"state", "Save and give back what the policy file does not say: quarantines, leases, addresses, changes",
	"state save [FILE]\nstate restore [FILE]\nstate show [FILE] [--json]\nstate watch",
	"'cordonctl boot' gives it all back; restore is for a policy in force, and cannot give\n"
	"back a lease that a check-in gave: the device checks in again. watch saves whenever\n"
	"something changes, at most every 3 s, until it is ended, and writes quarantines, changes of\n"
	"state and denials to the journal. FILE: DIR/state.\n\n"
	"  --state DIR  where state and last good policy are kept (" STATE_DIR ")\n"
	"  --json       print the file as it is\n", run_state
};
