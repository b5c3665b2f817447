// SPDX-License-Identifier: GPL-2.0
/* Watches of etcd's client against a server of straw: what is cut, garbage, out of order, silent, or of another history. */
#include "etcd_straw.h"
#include "tap.h"

static struct {
	char text[1024];
	enum etcd_watch_news news;
	int64_t revision;
	char why[ETCD_WHY];
	bool over;
	bool quit;
	struct etcd_watch *w;
} seen;

/* "+a@6 " for each event, "|6 " where all up to a revision is known. */
static void on_events(const struct etcd_event *v, size_t n, int64_t through, void *arg)
{
	size_t at = strlen(seen.text), i;

	(void)arg;
	for (i = 0; i < n; i++)
		at += snprintf(seen.text + at, sizeof(seen.text) - at, "%c%s@%d ", v[i].deleted ? '-' : '+', v[i].kv.key,
			       (int)v[i].kv.mod_revision);
	if (through)
		snprintf(seen.text + at, sizeof(seen.text) - at, "|%d ", (int)through);
	if (seen.quit)
		etcd_watch_free(seen.w);
}

static void on_news(enum etcd_watch_news what, int64_t revision, const char *why, void *arg)
{
	static const char *const names[] = { "OPEN ", "LOST ", "COMPACTED ", "BACK ", "OTHER " };

	(void)arg;
	strcat(seen.text, names[what]);
	seen.news = what;
	seen.revision = revision;
	snprintf(seen.why, sizeof(seen.why), "%s", why);
	seen.over |= what > ETCD_WATCH_LOST;
}

static const struct etcd_watch_ops ops = { on_events, on_news };

static void watch(struct etcd *e, int64_t revision, const char *witness, int64_t mod)
{
	struct etcd_position from = { .revision = revision, .mod_revision = mod };

	strcpy(from.witness, witness);
	memset(&seen, 0, sizeof(seen));
	seen.w = etcd_watch_new(e, "d/", &from, &ops, NULL);
}

static bool comes(const char *text)
{
	int64_t end = now_ms() + 5000;

	while (!strstr(seen.text, text) && now_ms() < end)
		pass(5);
	if (!strcmp(seen.text, text))
		return true;
	printf("# '%s', not '%s': %s\n", seen.text, text, seen.why);
	return false;
}

#define CREATED "{\"result\":{" OWN ",\"created\":true}}\n"

static void expect_check(int revision)
{
	expect(ANSWER, 200, "POST /v3/kv/range", "{" OWN "}", revision);
}

static void watch_events(void)
{
	struct etcd *e = client();

	begin();
	expect_check(9);
	expect(TRICKLE, 200, "{\"create_request\":{\"key\":\"Yy9kLw==\",\"range_end\":\"Yy9kMA==\",\"start_revision\":\"6\","
	       "\"progress_notify\":true,\"fragment\":true}}",
	       CREATED "{\"result\":{" OWN ",\"watch_id\":\"-1\"}}\n{\"result\":{" OWN ",\"watch_id\":\"5\"}}\n"
	       "{\"result\":{" OWN ",\"events\":[{\"kv\":%s},{\"type\":\"DELETE\",\"kv\":{\"key\":\"Yy9kL2I=\",\"mod_revision\":\"6\"}}]}}"
	       "{\"result\":{" OWN ",\"events\":[{\"kv\":%s}]}}\n{\"result\":{" OWN "}}\n{\"result\":{" OWN "}}",
	       9, 50, 50, 9, kv("c/d/a", 6, "x"), 9, kv("c/d/a", 8, "y"), 12, 11);
	watch(e, 5, "", 0);
	ok(comes("OPEN +d/a@6 -d/b@6 |6 +d/a@8 |8 |12 ") && all_asked() && etcd_watch_position(seen.w)->revision == 12 &&
	   !strcmp(etcd_watch_position(seen.w)->witness, "d/a") && etcd_watch_position(seen.w)->mod_revision == 8,
	   "a watch byte by byte: in order, with progress, but not that which is out of turn or goes back");
	etcd_watch_free(seen.w);
	pass(20);

	begin();
	expect_check(9);
	expect(STREAM, 200, NULL, CREATED "{\"result\":{" OWN ",\"fragment\":true,\"events\":[{\"kv\":%s},{\"kv\":%s},{\"kv\":%s}]}}\n{",
	       9, 9, kv("c/d/a", 6, ""), kv("c/d/a", 7, ""), kv("c/d/b", 7, ""));
	watch(e, 5, "", 0);
	comes("OPEN +d/a@6 +d/a@7 +d/b@7 ");
	ok(etcd_watch_position(seen.w)->revision == 6 && etcd_watch_position(seen.w)->mod_revision == 6,
	   "a revision of which more follows: not yet known");
	begin();
	expect(ANSWER, 200, "{\"key\":\"Yy9kL2E=\",\"revision\":\"6\"}", "{" OWN ",\"kvs\":[%s]}", 9, kv("c/d/a", 6, ""));
	expect(STREAM, 200, "\"start_revision\":\"7\"", CREATED "{\"result\":{" OWN ",\"events\":[{\"kv\":%s},{\"kv\":%s},{\"kv\":%s}]}}",
	       9, 9, kv("c/d/a", 7, ""), kv("c/d/b", 7, ""), kv("c/d/c", 7, ""));
	hang_up_all();
	ok(comes("OPEN +d/a@6 +d/a@7 +d/b@7 LOST OPEN +d/c@7 |7 ") && all_asked(),
	   "cut within a revision: it goes on from there, and tells no event twice");
	seen.quit = true;
	begin();
	expect(ANSWER, 200, NULL, "{" OWN ",\"kvs\":[%s]}", 9, kv("c/d/c", 7, ""));
	expect(STREAM, 200, "\"start_revision\":\"8\"", CREATED "{\"result\":{" OWN ",\"events\":[{\"kv\":%s}]}}"
	       "{\"result\":{" OWN ",\"events\":[{\"kv\":%s}]}}", 9, 9, kv("c/d/a", 8, ""), 9, kv("c/d/a", 9, ""));
	hang_up_all();
	ok(comes("OPEN +d/a@6 +d/a@7 +d/b@7 LOST OPEN +d/c@7 |7 LOST OPEN +d/a@8 |8 ") && LIST_EMPTY(&e->watches),
	   "freed by its own callback: nothing more is told");
	etcd_free(e);
}

/* What a stream says that cannot be: it is lost, nothing of the message is told, and it goes on. */
static void watch_garbage(void)
{
	static const char *const table[] = {
		"x", "{\"result\":{}}", "{\"error\":{\"grpc_code\":14,\"message\":\"etcdserver: no leader\"}}",
		"{\"result\":{" OWN ",\"canceled\":true,\"cancel_reason\":\"why\"}}",
		"{\"result\":{" OWN ",\"events\":[{\"kv\":{\"key\":\"Yy9kL2E=\",\"mod_revision\":\"8\"}},{\"kv\":{\"key\":\"Yy9kL2E=\",\"mod_revision\":\"7\"}}]}}",
		"{\"result\":{" OWN ",\"events\":[{\"kv\":{\"key\":\"Yy9kL2E=\",\"mod_revision\":\"8\"}},{\"kv\":{\"key\":\"Yy9l\",\"mod_revision\":\"9\"}}]}}",
		"{\"result\":{" OWN ",\"events\":[{\"kv\":{\"key\":\"Yy9kL2E=\",\"mod_revision\":\"-1\"}}]}}",
		"{\"result\":{" OWN ",\"events\":[{\"type\":\"EAT\",\"kv\":{\"key\":\"Yy9kL2E=\",\"mod_revision\":\"8\"}}]}}",
	};
	size_t i;

	for (i = 0; i < sizeof(table) / sizeof(*table); i++) {
		struct etcd *e = client();
		char text[1024];

		begin();
		snprintf(text, sizeof(text), "%s%s", CREATED, table[i]);
		expect_check(9);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
#pragma GCC diagnostic ignored "-Wformat-security"
		expect(STREAM, 200, NULL, text, 9, 9);
#pragma GCC diagnostic pop
		expect(ANSWER, 200, "\"revision\":\"5\"", "{" OWN "}", 9);
		expect(STREAM, 200, "\"start_revision\":\"6\"", CREATED "{\"result\":{" OWN ",\"events\":[{\"kv\":%s}]}}", 9, 9,
		       kv("c/d/a", 8, ""));
		watch(e, 5, "", 0);
		ok(comes("OPEN LOST OPEN +d/a@8 |8 ") && all_asked(), "a watch that says %s", table[i]);
		etcd_free(e);
	}
}

static void watch_ends(void)
{
	struct etcd *e = client();
	int64_t start;

	begin();
	expect_check(9);
	expect(STREAM, 200, NULL, CREATED "{\"result\":{\"header\":{\"cluster_id\":\"14841639068965178418\"},\"canceled\":true,"
	       "\"compact_revision\":\"7\"}}", 9);
	watch(e, 5, "", 0);
	ok(comes("OPEN COMPACTED ") && seen.revision == 7 && all_asked(), "compacted while it began: from the stream");
	pass(100);
	ok(requests == 2, "and it is over");
	etcd_watch_free(seen.w);
	begin();
	expect(ANSWER, 400, NULL, "{\"error\":\"etcdserver: mvcc: required revision has been compacted\",\"code\":11}");
	expect(STREAM, 200, NULL, CREATED "{\"result\":{\"header\":{\"cluster_id\":\"14841639068965178418\"},\"canceled\":true,"
	       "\"compact_revision\":\"7\"}}", 9);
	watch(e, 5, "", 0);
	ok(comes("COMPACTED ") && seen.revision == 7 && all_asked(), "compacted before: it is never open");
	etcd_watch_free(seen.w);
	begin();
	expect(ANSWER, 400, NULL, "{\"error\":\"etcdserver: mvcc: required revision has been compacted\",\"code\":11}");
	expect(STREAM, 200, NULL, CREATED "{\"result\":{" OWN ",\"events\":[{\"kv\":%s}]}}", 9, 9, kv("c/d/a", 8, ""));
	start = now_ms();
	watch(e, 5, "", 0);
	ok(comes("COMPACTED ") && seen.revision == 6 && now_ms() - start < 1500, "compacted at the very next revision, of which a deletion may be gone");
	etcd_watch_free(seen.w);
	begin();
	expect(ANSWER, 400, NULL, "{\"error\":\"etcdserver: mvcc: required revision is a future revision\",\"code\":11}");
	watch(e, 500, "", 0);
	ok(comes("BACK ") && all_asked(), "a revision that etcd has not reached: it went back");
	etcd_watch_free(seen.w);
	begin();
	expect(ANSWER, 200, "{\"key\":\"Yy9kL2E=\",\"revision\":\"8\"}", "{" OWN ",\"kvs\":[%s]}", 900, kv("c/d/a", 6, ""));
	watch(e, 8, "d/a", 7);
	ok(comes("BACK ") && strstr(seen.why, "key d/a was of revision 7, and is of 6"),
	   "another history that has grown longer: the witness tells");
	etcd_watch_free(seen.w);
	begin();
	expect(ANSWER, 200, NULL, "{" OWN ",\"kvs\":[%s]}", 900, kv("c/d/a", 7, ""));
	expect(STREAM, 200, NULL, "{\"result\":{\"header\":{\"cluster_id\":\"7\",\"revision\":\"900\"},\"created\":true}}");
	watch(e, 8, "d/a", 7);
	ok(comes("OTHER ") && strstr(seen.why, "cluster 7"), "a stream of another cluster; the witness was right");
	etcd_free(e);
}

static void watch_bounds(void)
{
	struct etcd_endpoint at = { .url = url };
	struct etcd_config c = { .endpoints = &at, .n = 1, .prefix = "c/", .timeout = 300, .backoff_min = 20, .backoff_max = 40 };
	struct etcd *e = client();
	char big[5000];

	memset(big, 'x', sizeof(big));
	big[sizeof(big) - 1] = 0;
	begin();
	expect_check(9);
	expect(STREAM, 200, NULL, CREATED "{\"result\":\"%s\"}", 9, big);
	expect_check(9);
	expect(STREAM, 200, NULL, CREATED, 9);
	watch(e, 5, "", 0);
	ok(comes("OPEN LOST OPEN "), "a message that is too long: lost, and on");
	etcd_free(e);
	e = client();
	begin();
	expect_check(9);
	expect(HANG, 0, NULL, "x");
	expect_check(9);
	expect(STREAM, 200, NULL, CREATED, 9);
	watch(e, 5, "", 0);
	ok(comes("LOST OPEN "), "a member that does not begin the watch: another try");
	etcd_free(e);
	c.pulse = 40;
	e = client_of(&c);
	begin();
	expect_check(9);
	expect(STREAM, 200, NULL, CREATED, 9);
	expect(ANSWER, 200, "POST /v3/maintenance/status", "{" OWN ",\"version\":\"3.4\",\"dbSize\":\"1\",\"leader\":\"1\"}", 9);
	expect(HANG, 0, "POST /v3/maintenance/status", "x");
	expect_check(9);
	expect(STREAM, 200, NULL, CREATED, 9);
	expect(ANSWER, 200, "POST /v3/maintenance/status", "{" OWN ",\"version\":\"3.4\",\"dbSize\":\"1\"}", 9);
	expect_check(9);
	expect(STREAM, 200, NULL, CREATED, 9);
	watch(e, 5, "", 0);
	ok(comes("OPEN LOST OPEN LOST OPEN ") && all_asked(), "a member that hangs, or has no leader, while a watch waits: lost");
	etcd_free(e);
}

int main(void)
{
	set_up();
	watch_events();
	watch_garbage();
	watch_ends();
	watch_bounds();
	tear_down();
	return tap_done();
}
