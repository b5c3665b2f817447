// SPDX-License-Identifier: GPL-2.0
/* The loop of `cordonctl watch`: events as they come, a look at everything once in a while, a row a minute. */
#include <cap-ng.h>
#include <errno.h>
#include <grp.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "history/peer.h"
#include "history/watch.h"
#include "history/writer.h"
#include "lib/file.h"

#define RETRY	1000	/* ms until it is tried again to find the module */
#define BATCH	1	/* seconds that events wait for others, to be written with them */
#define STEADY	3600	/* seconds for which the wall clock has to go evenly, until it says what is old */
#define JUMP	60	/* seconds by which it may differ */

/**
 * struct watcher - what watches
 * @config: watch.yaml
 * @w: the writer
 * @control: who asks
 * @peers: reads connection tracking; NULL, it cannot be read
 * @notify: runs programs; NULL, there are none
 * @ask: the connection that the kernel is asked on
 * @events: the one that tells of events
 * @listener: of @events
 * @connected: both are open
 * @policy: another policy may be in force
 * @again: which one could not be seen: with the next look
 * @looked: when the last look began, by a clock that only goes on, in ms
 * @minute: of the wall clock, in which the last row was written
 * @epoch: of the wall clock, when the other one was 0
 * @steady: since when that has been so, by the other one, in ms
 * @said: the last thing that was complained of, so that it is said once
 */
struct watcher {
	const struct watch_config *config;
	struct history_writer w;
	struct watch_control control;
	struct history_peers *peers;
	struct notify *notify;
	struct cnl ask;
	struct cnl events;
	struct cnl_listener listener;
	bool connected;
	bool policy;
	bool again;
	int64_t looked;
	time_t minute;
	int64_t epoch;
	int64_t steady;
	char said[CNL_ERROR_LEN];
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

static void say(struct watcher *v, const char *what, const char *why)
{
	char text[CNL_ERROR_LEN];

	snprintf(text, sizeof(text), "%.40s: %.200s", what, why);
	if (strcmp(text, v->said) != 0)
		fprintf(stderr, "cordonctl: watch: %s\n", text);
	memcpy(v->said, text, sizeof(text));
}

/* Which boot, and which load of the module: its folder in sysfs has another number each time. */
static void find_boot(char out[HISTORY_BOOT_LEN])
{
	char *id = NULL;
	struct stat st;
	size_t len;

	if (file_read("/proc/sys/kernel/random/boot_id", 64, &id, &len))
		id = NULL;
	if (id)
		id[strcspn(id, "\n")] = 0;
	if (stat("/sys/module/cordon", &st))
		st.st_ino = 0;
	snprintf(out, HISTORY_BOOT_LEN, "%.40s/%llu", id ? id : "", (unsigned long long)st.st_ino);
	free(id);
}

static void find_module(char out[HISTORY_MODULE_LEN])
{
	char *text = NULL;
	size_t len;

	if (file_read("/sys/module/cordon/version", 64, &text, &len))
		text = NULL;
	snprintf(out, HISTORY_MODULE_LEN, "%.*s", text ? (int)strcspn(text, "\n") : 0, text ? text : "");
	free(text);
}

static void commit(struct watcher *v)
{
	if (history_commit(&v->w))
		say(v, "history", v->w.h.error);
}

static void hear_device(struct watcher *v, const struct cnl_device *d, time_t now)
{
	struct history_device *t = history_track(&v->w, d, now);

	if (!t)
		return;
	history_state(&v->w, t, d, now);
	if (t->counted)
		history_now_put(&v->w, t, d);
}

static int on_event(const struct cnl_event *e, void *arg)
{
	struct watcher *v = arg;
	time_t now = time(NULL);

	if (e->cmd == CORDON_CMD_POLICY_NTF)
		v->policy = true;
	if (e->cmd != CORDON_CMD_ANOMALY_NTF && e->cmd != CORDON_CMD_DEVICE_NTF)
		return 0;
	if (history_begin(&v->w, now))
		say(v, "history", v->w.h.error);
	else if (e->cmd == CORDON_CMD_ANOMALY_NTF)
		history_anomaly(&v->w, e, now);
	else
		hear_device(v, &e->device, now);
	return 0;
}

static void on_news(enum history_event event, const struct notify_facts *facts, void *arg)
{
	struct watcher *v = arg;

	if (event == HISTORY_KNOWN)
		notify_known(v->notify, facts);
	else if (event == HISTORY_EPISODE || event == HISTORY_STATE)
		notify_begin(v->notify, facts, now_ms());
	else
		notify_end(v->notify, facts, now_ms());
}

static void disconnect(struct watcher *v)
{
	if (v->connected) {
		cnl_close(&v->ask);
		cnl_close(&v->events);
	}
	v->connected = false;
	v->looked = 0;
}

/* That there is no module is seen as often as what is with it. One that is there and does not answer is not seen. */
static void look_for_module(struct watcher *v)
{
	time_t now = time(NULL);

	if (now_ms() < v->looked + 1000LL * v->config->sample || !access("/sys/module/cordon", F_OK) || errno != ENOENT)
		return;
	v->looked = now_ms();
	if (!history_begin(&v->w, now))
		history_meta_down(&v->w, now);
	commit(v);
}

static int connect_both(struct watcher *v)
{
	char boot[HISTORY_BOOT_LEN];

	if (cnl_open(&v->ask)) {
		say(v, "kernel", v->ask.error);
		return -1;
	}
	if (cnl_open(&v->events)) {
		cnl_close(&v->ask);
		return -1;
	}
	v->connected = true;
	v->policy = true;
	v->looked = now_ms() - 1000LL * v->config->sample;
	v->listener = (struct cnl_listener){ on_event, v, 0 };
	nl_socket_set_nonblocking(v->events.sock);
	if (cnl_join(&v->events, &v->listener)) {
		say(v, "kernel", v->events.error);
		disconnect(v);
		return -1;
	}
	find_boot(boot);
	find_module(v->w.module);
	history_boot(&v->w, boot, time(NULL));
	return 0;
}

static int on_device(const struct cnl_device *d, void *arg)
{
	struct watcher *v = arg;

	return history_sample_device(&v->w, d, v->w.begun);
}

/* What is in force, and what it changed. Devices are known before, so that events of them are. */
static void look_at_policy(struct watcher *v, time_t now)
{
	struct cnl_runtime runtime = { NULL, NULL, NULL };
	struct cnl_summary s;
	struct policy *p = NULL;
	u32 rules;

	v->policy = false;
	v->again = true;
	if (cnl_summary(&v->ask, &s) || (s.in_force && cnl_fetch(&v->ask, &p, &runtime))) {
		say(v, "kernel", v->ask.error);
		return;
	}
	/* None: then all of the next one is new. */
	if (!p)
		p = policy_new();
	if (!p || history_begin(&v->w, now)) {
		cnl_runtime_free(&runtime);
		policy_free(p);
		return;
	}
	rules = p->draft.n_rules;
	p->generation = s.generation;
	history_applied(&v->w, p, &s, now);
	history_rules_used(&v->w, runtime.rules, rules, now);
	cnl_runtime_free(&runtime);
	v->again = v->w.failed;
}

static int look_at_rest(struct watcher *v, time_t now)
{
	struct cnl_interfaces interfaces = { NULL, 0 };
	struct cnl_bindings bindings = { NULL, 0, false };
	struct cnl_summary s;
	int err = cnl_summary(&v->ask, &s);

	if (err)
		return err;
	if (!cnl_interfaces(&v->ask, &interfaces))
		history_interfaces(&v->w, &interfaces);
	cnl_interfaces_free(&interfaces);
	if (!cnl_bindings(&v->ask, false, &bindings))
		history_bindings(&v->w, &bindings, now);
	cnl_bindings_free(&bindings);
	history_segments_begin(&v->w);
	if (!cnl_segment_each(&v->ask, history_segment, &v->w))
		history_segments_end(&v->w);
	history_meta(&v->w, &s, now);
	return 0;
}

static void look(struct watcher *v)
{
	time_t now = time(NULL);
	bool failed;
	int err;

	v->looked = now_ms();
	commit(v);
	if (v->policy || v->again)
		look_at_policy(v, now);
	history_sample_begin(&v->w, now);
	err = cnl_device_each(&v->ask, on_device, v);
	if (!err)
		err = look_at_rest(v, now);
	/* history_sample_end() says why, and forgets that it did. */
	failed = v->w.failed;
	if (err && err != -EAGAIN && !failed)
		say(v, "kernel", v->ask.error);
	if (history_sample_end(&v->w, !err, now))
		say(v, "history", v->w.h.error);
	if (err && err != -EAGAIN && !failed)
		disconnect(v);
}

/* A gateway without a battery begins in 1970, one whose battery is bad anywhere: nothing is old for that. */
static bool is_steady(struct watcher *v, time_t now)
{
	int64_t epoch = now - now_ms() / 1000;

	if (llabs(epoch - v->epoch) > JUMP) {
		v->epoch = epoch;
		v->steady = now_ms();
	}
	return now_ms() - v->steady >= 1000LL * STEADY;
}

/* Deltas of the minute that is over; what is old goes; what the registry and connection tracking say. */
static void write_minute(struct watcher *v, time_t now)
{
	v->minute = now / 60;
	if (v->connected && !ended)
		look(v);
	if (history_minute(&v->w, now))
		say(v, "history", v->w.h.error);
	if (history_begin(&v->w, now))
		return;
	if (is_steady(v, now))
		history_prune(&v->w, now);
	history_registry(&v->w, v->config->registry, v->config->ca, now);
	if (v->peers)
		history_peers_take(&v->w, v->peers, now);
	commit(v);
	/* What was changed at run time is none of the next policy's changes. */
	v->policy = true;
}

static void hear(struct watcher *v)
{
	int err = cnl_hear(&v->events);

	if (err == -ENOBUFS) {
		say(v, "kernel", "events were lost: all is looked at anew");
		v->policy = true;
		v->looked = now_ms() - 1000LL * v->config->sample;
	} else if (err) {
		disconnect(v);
	}
}

static void wait_for_more(struct watcher *v)
{
	struct pollfd fds[2 + WATCH_CLIENTS + NOTIFY_RUNNING] = { { .fd = v->connected ? nl_socket_get_fd(v->events.sock) : -1, .events = POLLIN } };
	int64_t next = v->looked + 1000LL * v->config->sample - now_ms();
	int wait = !v->connected || v->w.open ? RETRY : next < 0 ? 0 : (int)next;
	unsigned int n = 1 + watch_control_poll(&v->control, fds + 1);
	int64_t tick = v->notify ? notify_tick(v->notify, now_ms()) : -1;

	if (v->notify)
		n += notify_poll(v->notify, fds + n);

	if (wait > 1000LL * v->config->sample)
		wait = 1000 * v->config->sample;
	if (v->policy && v->connected)
		wait = 0;
	if (tick >= 0 && tick < wait)
		wait = (int)tick;
	if (poll(fds, n, wait) <= 0)
		memset(fds, 0, sizeof(fds));
	if (fds[0].revents)
		hear(v);
	watch_control_answer(&v->control, fds + 1, &v->w);
}

static void watch_once(struct watcher *v)
{
	time_t now = time(NULL);

	if (!v->connected && connect_both(v))
		look_for_module(v);
	if (v->connected && (v->policy || now_ms() >= v->looked + 1000LL * v->config->sample))
		look(v);
	if (now / 60 != v->minute)
		write_minute(v, now);
	if (v->w.open && now >= v->w.begun + BATCH)
		commit(v);
	wait_for_more(v);
}

/*
 * The directories are the page's to read. live.db's may also be passed through by who asks to acknowledge; nobody else
 * can open anything in it.
 */
static int make_place(const char *dir, mode_t mode)
{
	struct stat st;

	if (!stat(dir, &st))
		return S_ISDIR(st.st_mode) ? 0 : -ENOTDIR;
	return file_make_dirs(dir, mode);
}

static void become_group(void)
{
	const struct group *group = getgrnam(WATCH_GROUP);

	if (group && getegid() != group->gr_gid && setegid(group->gr_gid))
		fprintf(stderr, "cordonctl: watch: warning: group " WATCH_GROUP ": %s: the page cannot read the history\n",
			strerror(errno));
}

/* The registry is another user's, which is why it may be read all the same; and programs are run as another user. */
static void drop_rights(bool programs)
{
	static const unsigned int kept[] = { CAP_NET_ADMIN, CAP_DAC_READ_SEARCH, CAP_SETUID, CAP_SETGID, CAP_KILL };
	const size_t n = programs ? 5 : 2;
	bool have[5];
	size_t i;

	capng_get_caps_process();
	for (i = 0; i < n; i++)
		have[i] = capng_have_capability(CAPNG_PERMITTED, kept[i]);
	capng_clear(CAPNG_SELECT_BOTH);
	for (i = 0; i < n; i++)
		if (have[i])
			capng_update(CAPNG_ADD, CAPNG_EFFECTIVE | CAPNG_PERMITTED, kept[i]);
	capng_apply(CAPNG_SELECT_CAPS);
}

static int begin(struct watcher *v, const char *dir, const char *live_dir)
{
	char boot[HISTORY_BOOT_LEN];
	int err;

	become_group();
	umask(0027);
	err = make_place(dir, 0750);
	if (err) {
		say(v, dir, strerror(-err));
		return err;
	}
	err = make_place(live_dir, 0751);
	if (!err)
		err = watch_control_open(&v->control, live_dir);
	if (err) {
		say(v, live_dir, strerror(-err));
		return err;
	}
	find_boot(boot);
	err = history_writer_open(&v->w, dir, live_dir, boot, time(NULL));
	if (err) {
		say(v, "history", v->w.h.error);
		watch_control_close(&v->control);
	}
	return err;
}

/**
 * watch_run - watch until a signal ends it
 * @c: watch.yaml
 * @dir: directory of history.db
 * @live_dir: directory of live.db
 *
 * Return: 0, or -errno, and it was said what is wrong.
 */
int watch_run(struct watch_config *c, const char *dir, const char *live_dir)
{
	struct watcher v = { .config = c, .minute = time(NULL) / 60, .steady = now_ms() };
	struct sigaction end = { .sa_handler = on_end };
	int err = begin(&v, dir, live_dir);

	if (err)
		return err;
	sigaction(SIGTERM, &end, NULL);
	sigaction(SIGINT, &end, NULL);
	v.peers = history_peers_new();
	v.notify = c->notify.n ? notify_new(&c->notify, stderr) : NULL;
	if (v.notify) {
		v.w.news = on_news;
		v.w.arg = &v;
		history_episodes_known(&v.w);
	}
	drop_rights(v.notify);
	while (!ended)
		watch_once(&v);
	if (v.connected)
		look(&v);
	write_minute(&v, time(NULL));
	disconnect(&v);
	history_peers_free(v.peers);
	notify_free(v.notify);
	v.w.news = NULL;
	history_writer_close(&v.w);
	watch_control_close(&v.control);
	return 0;
}
