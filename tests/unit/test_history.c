// SPDX-License-Identifier: GPL-2.0
/* The history's writer: deltas, counters that start again, minutes, hours and days, episodes, bounds, kills. */
#include <errno.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "history/peer.h"
#include "history/read.h"
#include "history/watch.h"
#include "history/writer.h"
#include "tap.h"

#define T0	1800000000	/* a full hour: 1800000000 = 500000 * 3600 */

static char dir[] = "/tmp/cordon-history.XXXXXX";
static struct history_writer w;
static unsigned int begun, over, states, known;

static void on_news(enum history_event event, const struct notify_facts *facts, void *arg)
{
	(void)facts;
	(void)arg;
	begun += event == HISTORY_EPISODE;
	over += event == HISTORY_EPISODE_OVER;
	states += event == HISTORY_STATE;
	known += event == HISTORY_KNOWN;
}

static void start(const char *boot, time_t now)
{
	if (history_writer_open(&w, dir, dir, boot, now)) {
		printf("Bail out! %s\n", w.h.error);
		exit(1);
	}
	/* Processes are killed here, and no machine. */
	sqlite3_exec(w.h.db, "PRAGMA main.synchronous = OFF", NULL, NULL, NULL);
	w.audit = "/nonexistent";
	w.news = on_news;
}

static void forget_all(void)
{
	char path[64];

	snprintf(path, sizeof(path), "%s/history.db", dir);
	unlink(path);
	begun = over = states = 0;
}

static int64_t sql(const char *text)
{
	sqlite3_stmt *stmt = NULL;
	int64_t out = -1;

	if (sqlite3_prepare_v2(w.h.db, text, -1, &stmt, NULL))
		printf("# %s: %s\n", text, sqlite3_errmsg(w.h.db));
	else if (sqlite3_step(stmt) == SQLITE_ROW)
		out = sqlite3_column_int64(stmt, 0);
	sqlite3_finalize(stmt);
	return out;
}

static bool is(const char *what, const char *text, int64_t wanted)
{
	int64_t got = sql(text);

	if (got != wanted)
		printf("# %s: %lld, not %lld\n", text, (long long)got, (long long)wanted);
	return ok(got == wanted, "%s", what);
}

static struct cnl_device device(u8 number, u64 packets, u64 violations)
{
	struct cnl_device d = { .state = CORDON_STATE_ACTIVE };

	memcpy(d.def.mac, (u8[]){ 2, 0, 0, 0, 0, number }, 6);
	snprintf(d.def.name, sizeof(d.def.name), "device-%u", number);
	strcpy(d.segment, "iot_zone");
	strcpy(d.effective_segment, "iot_zone");
	d.stats.rx_packets = packets;
	d.stats.rx_bytes = 100 * packets;
	d.stats.denied = violations;
	d.stats.anomalies[CORDON_KIND_SEGMENT_VIOLATION] = violations;
	return d;
}

static void see(const struct cnl_device *d, time_t now)
{
	history_sample_begin(&w, now);
	history_sample_device(&w, d, now);
	history_sample_end(&w, true, now);
}

static void see_count(u64 packets, time_t now)
{
	struct cnl_device d = device(1, packets, 0);

	see(&d, now);
}

static struct cnl_event violation(u16 port, int action)
{
	struct cnl_event e = { .cmd = CORDON_CMD_ANOMALY_NTF };

	e.anomaly.kind = CORDON_KIND_SEGMENT_VIOLATION;
	e.anomaly.has_mac = true;
	memcpy(e.anomaly.mac, (u8[]){ 2, 0, 0, 0, 0, 1 }, 6);
	e.anomaly.source = cordon_addr_v4(0x0a00140b);
	e.anomaly.destination = cordon_addr_v4(0xc0000201);
	e.anomaly.protocol = 6;
	e.anomaly.dport = port;
	e.anomaly.denied = 1;
	e.anomaly.action = action;
	return e;
}

static void hear(const struct cnl_event *e, time_t now)
{
	history_begin(&w, now);
	history_anomaly(&w, e, now);
	history_commit(&w);
}

static void test_deltas(void)
{
	forget_all();
	start("a", T0);
	see_count(1000, T0);
	history_minute(&w, T0 + 60);
	is("what was counted before the first look is nobody's", "SELECT count(*) FROM minute", 0);
	see_count(1010, T0 + 70);
	see_count(1030, T0 + 80);
	history_minute(&w, T0 + 120);
	is("a minute has what came in it", "SELECT rx_packets FROM minute WHERE at = 1800000060", 30);
	is("and bytes", "SELECT rx_bytes FROM minute WHERE at = 1800000060", 3000);
	history_minute(&w, T0 + 180);
	is("a minute of zeros is no row", "SELECT count(*) FROM minute", 1);
	see_count(1035, T0 + 190);
	history_minute(&w, T0 + 240);
	is("an hour is not made each minute", "SELECT count(*) FROM hour", 0);
	history_minute(&w, T0 + HISTORY_ROLL);
	is("the hour has both", "SELECT rx_packets FROM hour WHERE at = 1800000000", 35);
	is("and the day", "SELECT sum(rx_packets) FROM day", 35);
	history_writer_close(&w);
	start("a", T0 + 600);
	see_count(1100, T0 + 600);
	history_minute(&w, T0 + 660);
	is("what came while nobody wrote is not lost", "SELECT sum(rx_packets) FROM minute", 100);
	is("nor is it a restart", "SELECT count(*) FROM restart", 0);
	history_writer_close(&w);
}

static void test_restart(void)
{
	forget_all();
	start("a", T0);
	see_count(100, T0);
	see_count(150, T0 + 10);
	see_count(20, T0 + 20);
	history_minute(&w, T0 + 60);
	is("a smaller counter is all new, and what came before it stays", "SELECT sum(rx_packets) FROM minute", 70);
	is("a restart is noticed", "SELECT count(*) FROM restart", 1);
	see_count(30, T0 + 70);
	history_minute(&w, T0 + 120);
	is("once", "SELECT count(*) FROM restart", 1);
	history_writer_close(&w);
	start("b", T0 + 180);
	see_count(500, T0 + 180);
	history_minute(&w, T0 + 240);
	is("another boot: a larger counter is all new, too", "SELECT sum(rx_packets) FROM minute", 80 + 500);
	is("and a restart", "SELECT count(*) FROM restart", 2);
	history_boot(&w, "c", T0 + 250);
	see_count(600, T0 + 260);
	history_minute(&w, T0 + 300);
	is("a module that is loaded anew: likewise", "SELECT sum(rx_packets) FROM minute", 80 + 500 + 600);
	history_writer_close(&w);
}

/* The disk is full, or broken: nothing is half written, and the next minute has it all. */
static void test_failed(void)
{
	struct cnl_event e = violation(22, -1);

	forget_all();
	start("a", T0);
	see_count(0, T0);
	see_count(40, T0 + 10);
	sqlite3_exec(w.h.db, "CREATE TEMP TRIGGER t BEFORE INSERT ON main.minute BEGIN SELECT raise(ABORT, 'no room'); END", NULL, NULL,
		     NULL);
	ok(history_minute(&w, T0 + 60) == -EIO && strstr(w.h.error, "no room"), "a minute that cannot be written: it is said why");
	is("none of it was", "SELECT count(*) FROM minute", 0);
	hear(&e, T0 + 61);
	sqlite3_exec(w.h.db, "DROP TRIGGER t", NULL, NULL, NULL);
	see_count(45, T0 + 70);
	ok(!history_minute(&w, T0 + 120), "control: there is room again");
	is("nothing was lost", "SELECT sum(rx_packets) FROM minute", 45);
	history_roll(&w, T0 + 120);
	history_roll(&w, T0 + 120);
	is("nor counted twice", "SELECT rx_packets FROM hour", 45);
	history_writer_close(&w);
}

/* What was not written is not there, nor counted: whom the kernel forgets while nothing can be written, and strangers. */
static void test_failed_look(void)
{
	struct cnl_device stranger = device(9, 1, 0), other = device(2, 7, 0);
	int i;

	forget_all();
	start("a", T0);
	see_count(0, T0);
	history_sample_begin(&w, T0 + 1);
	history_sample_device(&w, &other, T0 + 1);
	history_sample_end(&w, false, T0 + 1);
	history_minute(&w, T0 + 1);
	is("control: two devices are there", "SELECT count(*) FROM live.now", 2);
	is("control: and counted", "SELECT count(*) FROM base WHERE device = 2", 1);
	sqlite3_exec(w.h.db, "CREATE TEMP TRIGGER t BEFORE INSERT ON main.state BEGIN SELECT raise(ABORT, 'no room'); END", NULL, NULL,
		     NULL);
	stranger.def.unlisted = true;
	stranger.def.name[0] = stranger.segment[0] = 0;
	for (i = 0; i < 5; i++)
		see(&stranger, T0 + 2 + i);
	sqlite3_exec(w.h.db, "DROP TRIGGER t", NULL, NULL, NULL);
	ok(w.n == 0 && w.unlisted == 0, "who could not be written has no row");
	see_count(0, T0 + 10);
	is("who went meanwhile is not there", "SELECT count(*) FROM live.now", 1);
	is("and counts from nothing", "SELECT count(*) FROM base WHERE device = 2", 0);
	history_writer_close(&w);
}

static void test_gone(void)
{
	struct cnl_device other = device(2, 7, 0);

	forget_all();
	start("a", T0);
	see_count(0, T0);
	see_count(40, T0 + 10);
	see(&other, T0 + 20);
	is("of a device that went, what was seen last is written", "SELECT sum(rx_packets) FROM minute", 40);
	is("it is not there now", "SELECT count(*) FROM live.now WHERE name = 'device-1'", 0);
	see_count(50, T0 + 30);
	history_minute(&w, T0 + 60);
	is("it came back, and counts from nothing", "SELECT sum(rx_packets) FROM minute WHERE device = 1", 90);
	history_sample_begin(&w, T0 + 70);
	history_sample_end(&w, false, T0 + 70);
	is("control: a look that broke off removes nothing", "SELECT count(*) FROM live.now", 1);
	history_writer_close(&w);
}

static void test_episodes(void)
{
	struct cnl_event e = violation(22, -1), limit = violation(23, CORDON_ACTION_EVENT);
	struct cnl_device d = device(1, 0, 0);
	int i;

	forget_all();
	start("a", T0);
	see(&d, T0);
	hear(&e, T0 + 1);
	is("an event begins an episode", "SELECT count(*) FROM episode", 1);
	is("with its first facts", "SELECT dport FROM episode", 22);
	d = device(1, 0, 10);
	see(&d, T0 + 5);
	is("it has as many as the kernel counted", "SELECT count FROM episode", 10);
	hear(&limit, T0 + 30);
	d = device(1, 0, 11);
	see(&d, T0 + 31);
	is("another one is the same episode", "SELECT count(*) FROM episode", 1);
	is("counted once", "SELECT count FROM episode", 11);
	is("what was done is in it", "SELECT action = 'event' FROM episode", 1);
	history_minute(&w, T0 + 60);
	ok(begun == 1 && !over, "who wants to know was told of the beginning, once");
	history_minute(&w, T0 + 31 + HISTORY_QUIET + 61);
	history_minute(&w, T0 + 31 + HISTORY_QUIET + 121);
	ok(over == 1, "and of the end, once");
	history_writer_close(&w);
	start("a", T0 + 1000);
	known = 0;
	history_episodes_known(&w);
	ok(known == 1, "after a restart: of what was not over when the last minute with something in it was written");
	history_minute(&w, T0 + 1060);
	ok(over == 2, "and that it is over");
	history_minute(&w, T0 + 1120);
	ok(over == 2, "once more, no oftener");
	d = device(1, 0, 12);
	see(&d, T0 + 2000);
	is("after a quiet time another episode, though no event was heard", "SELECT count(*) FROM episode", 2);
	for (i = 0; i < HISTORY_DENIALS + 20; i++) {
		e = violation(1000 + i, -1);
		hear(&e, T0 + 2001 + i);
	}
	is("the last denials are kept, no more", "SELECT count(*) FROM denial", HISTORY_DENIALS);
	is("the oldest went", "SELECT min(dport) FROM denial", 1020);
	e.anomaly.mac[0] = 6;
	hear(&e, T0 + 3000);
	is("what no known device did is that of unknown ones", "SELECT count(*) FROM episode WHERE device = 0", 1);
	e.anomaly.kind = CORDON_KIND_RATE;
	for (i = 0; i < HISTORY_EPISODES_KEPT + 20; i++)
		hear(&e, T0 + 4000 + i * (HISTORY_QUIET + 1));
	is("of one kind the last episodes are kept, no more", "SELECT count(*) FROM episode WHERE device = 0 AND kind = 'rate'",
	   HISTORY_EPISODES_KEPT);
	is("and those of other kinds", "SELECT count(*) FROM episode WHERE device = 0", HISTORY_EPISODES_KEPT + 1);
	history_begin(&w, T0);
	ok(!history_acknowledge(&w, 1, "anna", T0 + 4000), "it is acknowledged");
	ok(history_acknowledge(&w, 1, "bob", T0 + 4000) == -EALREADY, "not twice");
	ok(history_acknowledge(&w, 999999, "bob", T0 + 4000) == -ENOENT, "nor one that is not there");
	history_commit(&w);
	is("by whom stays", "SELECT acknowledged_by = 'anna' FROM episode WHERE id = 1", 1);
	history_writer_close(&w);
}

static void test_states(void)
{
	struct cnl_device d = device(1, 0, 0);
	struct cnl_event e = violation(22, CORDON_ACTION_QUARANTINE);
	int i;

	forget_all();
	start("a", T0);
	see(&d, T0);
	is("a state that is new is a row", "SELECT count(*) FROM state", 1);
	see(&d, T0 + 10);
	is("the same one is none", "SELECT count(*) FROM state", 1);
	hear(&e, T0 + 11);
	d.state = CORDON_STATE_QUARANTINED;
	strcpy(d.effective_segment, "quarantine");
	see(&d, T0 + 12);
	is("why: the limit", "SELECT why = 'segment_violation: its limit was reached' FROM state WHERE state = 'quarantined'", 1);
	d.state = CORDON_STATE_ACTIVE;
	see(&d, T0 + 13);
	d.state = CORDON_STATE_QUARANTINED;
	see(&d, T0 + 14);
	is("not known, where nothing says it", "SELECT why = 'by a limit or an operator' FROM state WHERE at = 1800000014", 1);
	hear(&e, T0 + 14);
	is("likewise if the state is told first", "SELECT why = 'segment_violation: its limit was reached' FROM state"
	   " WHERE at = 1800000014", 1);
	is("live.db has it", "SELECT effective = 'quarantine' AND since = 1800000014 FROM live.now", 1);
	ok(states == 3, "who wants to know was told");
	history_writer_close(&w);
	start("a", T0 + 100);
	see(&d, T0 + 100);
	is("the same after a restart is no row", "SELECT count(*) FROM state", 4);
	is("and is since then", "SELECT since FROM live.now", T0 + 14);
	for (i = 0; i < HISTORY_STATES_KEPT + 50; i++) {
		d.state = i & 1 ? CORDON_STATE_ACTIVE : CORDON_STATE_EXPIRED;
		history_begin(&w, T0 + 200);
		history_state(&w, history_find(&w, d.def.mac), &d, T0 + 200);
	}
	history_commit(&w);
	is("two in one second are two", "SELECT count(*) FROM state", HISTORY_STATES_KEPT + 54);
	history_begin(&w, T0 + 300);
	history_prune(&w, T0 + 300);
	history_commit(&w);
	is("of a device that changes all the time the last ones are kept", "SELECT count(*) FROM state", HISTORY_STATES_KEPT);
	history_writer_close(&w);
}

static void fill(const char *table, int64_t rows, int64_t at)
{
	char text[256];

	snprintf(text, sizeof(text), "INSERT INTO %s(device, at, rx_packets) WITH RECURSIVE c(n) AS (VALUES(1) UNION ALL SELECT n + 1"
		 " FROM c WHERE n < %lld) SELECT n, %lld, 1 FROM c", table, (long long)rows, (long long)at);
	if (sqlite3_exec(w.h.db, text, NULL, NULL, NULL))
		printf("# %s\n", sqlite3_errmsg(w.h.db));
}

static void prune(time_t now)
{
	history_begin(&w, now);
	history_prune(&w, now);
	history_commit(&w);
}

static void test_prune(void)
{
	forget_all();
	start("a", T0);
	fill("minute", HISTORY_PRUNED + 5, T0 - HISTORY_MINUTES_KEPT - 60);
	fill("minute", 3, T0 - 60);
	fill("hour", 2, T0 - HISTORY_HOURS_KEPT - 1);
	fill("hour", 1, T0 - HISTORY_HOURS_KEPT + 1);
	fill("day", 2, T0 - HISTORY_DAYS_KEPT - 1);
	fill("day", 1, T0 - HISTORY_DAYS_KEPT + 1);
	prune(T0);
	is("so many are removed at a time", "SELECT count(*) FROM minute", 8);
	prune(T0);
	is("and the rest the next time", "SELECT count(*) FROM minute", 3);
	is("hours", "SELECT count(*) FROM hour", 1);
	is("days", "SELECT count(*) FROM day", 1);
	history_writer_close(&w);
}

static void test_bounded(void)
{
	struct history_connection c = { .protocol = 6, .opened = true, .fresh = true };
	struct cnl_device d = device(1, 0, 0);
	u32 i;

	forget_all();
	start("a", T0);
	history_sample_begin(&w, T0);
	for (i = 0; i < HISTORY_UNLISTED + 100; i++) {
		d.def.unlisted = true;
		d.def.name[0] = d.segment[0] = 0;
		d.def.mac[4] = i >> 8;
		d.def.mac[5] = i;
		history_sample_device(&w, &d, T0);
	}
	history_sample_end(&w, true, T0);
	is("devices that nobody lists: so many have a history", "SELECT count(*) FROM device", HISTORY_UNLISTED);
	is("all are there now", "SELECT count(*) FROM live.now", HISTORY_UNLISTED + 100);
	history_sample_begin(&w, T0 + 10);
	d = device(1, 0, 0);
	history_sample_device(&w, &d, T0 + 10);
	history_sample_end(&w, true, T0 + 10);
	is("one that is listed has one in any case", "SELECT count(*) FROM device WHERE name = 'device-1'", 1);
	for (i = 0; i < 2 * HISTORY_UNLISTED; i++)
		prune(T0 + HISTORY_UNLISTED_KEPT + 3600);
	is("after a month those are gone", "SELECT count(*) FROM device", 1);
	for (i = 0; i < HISTORY_PEERS + 30; i++) {
		c.peer = cordon_addr_v4(0xc6336400 + i);
		history_begin(&w, T0 + i);
		history_peer(&w, w.list[0]->id, &c, T0 + i);
	}
	history_commit(&w);
	is("the last peers are kept, no more", "SELECT count(*) FROM peer", HISTORY_PEERS);
	c.fresh = false;
	history_begin(&w, T0 + 200);
	history_peer(&w, w.list[0]->id, &c, T0 + 200);
	is("a connection that goes on is not written", "SELECT max(last) FROM peer", T0 + HISTORY_PEERS + 29);
	history_peer(&w, w.list[0]->id, &c, T0 + HISTORY_PEERS + 29 + 301);
	is("until a while later", "SELECT max(last) FROM peer", T0 + HISTORY_PEERS + 330);
	is("and is one", "SELECT max(connections) FROM peer", 1);
	history_commit(&w);
	prune(T0 + 50 + HISTORY_DAYS_KEPT);
	is("the old ones are not", "SELECT count(*) FROM peer", HISTORY_PEERS - 20);
	history_writer_close(&w);
}

/* Counts as fast as it can; how far it came is in shared memory before the writer sees it. */
static void write_on(volatile u64 *count, time_t now)
{
	start("a", now);
	for (;; now += 7) {
		see_count(++*count, now);
		if (*count % 3 == 0)
			history_minute(&w, now);
	}
}

static void test_killed(void)
{
	volatile u64 *count = mmap(NULL, sizeof(*count), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int i, ready = 0, equal = 0;
	u64 before;
	pid_t pid;

	forget_all();
	start("a", T0);
	see_count(0, T0);
	history_writer_close(&w);
	for (i = 0; i < 20; i++) {
		before = *count;
		pid = fork();
		if (!pid)
			write_on(count, T0 + 1000 * i);
		/* Until it has done something, and then in the middle of whatever it is at. */
		while (*count < before + 5 + i && !waitpid(pid, NULL, WNOHANG))
			;
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		ready += *count > before;
		start("a", T0 + 1000 * i + 999);
		see_count(*count, T0 + 1000 * i + 999);
		history_minute(&w, T0 + 1000 * i + 999);
		history_roll(&w, T0 + 1000 * i + 999);
		equal += sql("SELECT sum(rx_packets) FROM minute") == (int64_t)*count &&
			 sql("SELECT sum(rx_packets) FROM hour") == (int64_t)*count &&
			 sql("SELECT rx_packets FROM base") == (int64_t)*count;
		history_writer_close(&w);
	}
	ok(ready == 20, "control: it wrote each time");
	ok(equal == 20, "killed 20 times: sums are what was counted");
	munmap((void *)count, sizeof(*count));
}

static int count_rows(const struct history_row *row, void *arg)
{
	(void)row;
	++*(int *)arg;
	return 0;
}

static void test_read(void)
{
	struct history_scope all = { .device = -1, .since = T0, .step = 60 };
	struct cnl_event e = violation(22, -1);
	struct cnl_device d = device(1, 0, 0);
	struct history_name name;
	struct history h;
	int n = 0;

	forget_all();
	start("a", T0);
	see(&d, T0);
	hear(&e, T0 + 1);
	see_count(5, T0 + 10);
	history_minute(&w, T0 + 60);
	history_writer_close(&w);
	ok(history_open(&h, dir, "/nonexistent") == -ENOENT, "without live.db it is not opened");
	ok(!history_open(&h, dir, NULL), "unless nobody wants that");
	ok(!history_lookup(&h, "02:00:00:00:00:01", &name) && !strcmp(name.name, "device-1"), "a device by its MAC");
	ok(history_lookup(&h, "nobody", &name) == -ENOENT, "not one that was never there");
	ok(!history_read(&h, HISTORY_EPISODES, &all, count_rows, &n) && n == 1, "an episode is read");
	all.kind = "scan";
	n = 0;
	ok(!history_read(&h, HISTORY_EPISODES, &all, count_rows, &n) && !n, "not one of another kind");
	all.segment = "other";
	ok(!history_read(&h, HISTORY_SERIES, &all, count_rows, &n) && !n, "nor a series of another segment");
	all.segment = "iot_zone";
	ok(!history_read(&h, HISTORY_SERIES, &all, count_rows, &n) && n == 1, "control: of its own");
	history_close(&h);
}

int main(void)
{
	char command[64];

	if (!mkdtemp(dir))
		return 2;
	test_deltas();
	test_restart();
	test_failed();
	test_failed_look();
	test_gone();
	test_episodes();
	test_states();
	test_prune();
	test_bounded();
	test_killed();
	test_read();
	snprintf(command, sizeof(command), "rm -rf %s", dir);
	return system(command) ? 2 : tap_done();
}
