// SPDX-License-Identifier: GPL-2.0
/* Calls of etcd's client, and lists, against a server of straw: what is cut, garbage, too much, late, or of another history. */
#include "etcd_straw.h"
#include "tap.h"

static struct {
	bool done;
	unsigned int times;
	enum etcd_result result;
	char why[ETCD_WHY];
	bool unsure;
	int64_t revision;
	size_t n;
	char key[64];
	char value[64];
	bool succeeded;
	size_t replies;
	int64_t ttl;
} last;

static void remember(const struct etcd_answer *a, void *arg)
{
	(void)arg;
	last.done = true;
	last.times++;
	last.result = a->result;
	snprintf(last.why, sizeof(last.why), "%s", a->why);
	last.unsure = a->unsure;
	last.revision = a->revision;
	last.n = a->n;
	last.succeeded = a->succeeded;
	last.replies = a->n_replies;
	last.ttl = a->ttl;
	if (a->n) {
		snprintf(last.key, sizeof(last.key), "%s", a->kv[0].key);
		snprintf(last.value, sizeof(last.value), "%s", (char *)a->kv[0].value);
	}
}

static bool get(struct etcd *e)
{
	memset(&last, 0, sizeof(last));
	return etcd_get(e, "a", 0, remember, NULL) && until(&last.done, 5000);
}

static bool put(struct etcd *e)
{
	struct etcd_compare absent = { .key = "a", .target = ETCD_CREATE };
	struct etcd_op op = { .verb = ETCD_PUT, .key = "a", .value = "1", .len = 1 };
	struct etcd_txn t = { &absent, 1, &op, 1, NULL, 0 };

	memset(&last, 0, sizeof(last));
	return etcd_txn(e, &t, 0, remember, NULL) && until(&last.done, 5000);
}

static unsigned int objects;
static char sum[256];

static bool count_object(json_t *object, void *arg)
{
	char *text = json_dumps(object, JSON_COMPACT);

	(void)arg;
	objects++;
	strncat(sum, text, sizeof(sum) - strlen(sum) - 1);
	free(text);
	return true;
}

static void streams(void)
{
	static const char text[] = "{\"a\":\"}{\\\"\\\\\"}\n {\"b\":[{\"c\":1},[]]}{}\r\n{\"d\":\"\\u00e4]\"}";
	static const char *const bad[] = { "x", "[1]", "{}x", "}", "{]", "{\"a\":}", "{\"a\":1,\"a\":2}", "\"{}\"",
					   "{\"a\":\"\xff\"}", "null" };
	struct stream s = { .max = 64 };
	bool all = true;
	size_t i, j;
	char whole[256];

	for (i = 0; i < sizeof(text); i++) {
		objects = 0;
		sum[0] = 0;
		all &= !stream_put(&s, text, i, count_object, NULL) &&
		       !stream_put(&s, text + i, sizeof(text) - 1 - i, count_object, NULL) && objects == 4;
		if (!i)
			strcpy(whole, sum);
		all &= !strcmp(whole, sum);
	}
	ok(all, "a stream: the same objects wherever it is cut");
	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		int err = 0;

		stream_reset(&s);
		for (j = 0; !err && bad[i][j]; j++)
			err = stream_put(&s, &bad[i][j], 1, count_object, NULL);
		ok(err == -EBADMSG, "a stream: no row of objects: %s",
		   strchr(bad[i], '\xff') ? "not UTF-8" : bad[i]);
	}
	stream_reset(&s);
	ok(stream_put(&s, "{\"a\":\"", 6, count_object, NULL) == 0 &&
	   stream_put(&s, "12345678901234567890123456789012345678901234567890123456", 56, count_object, NULL) == 0 &&
	   stream_put(&s, "1\"}", 3, count_object, NULL) == -EFBIG, "a stream: an object that is too long");
	stream_reset(&s);
	ok(stream_put(&s, "{[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[", 38, count_object, NULL) == -EBADMSG, "a stream: too deep");
	stream_free(&s);
}

static void configs(void)
{
	static const struct {
		struct etcd_endpoint at;
		const char *prefix, *message;
	} bad[] = {
		{ { .url = "https://127.0.0.1" }, "c/", "endpoint 'https://127.0.0.1' is not https://HOST:PORT" },
		{ { .url = "https://127.0.0.1:1/x" }, "c/", "is not https://HOST:PORT" },
		{ { .url = "https://u:p@127.0.0.1:1" }, "c/", "is not https://HOST:PORT" },
		{ { .url = "http://192.0.2.1:1" }, "c/", "is not https, which only loopback may do without" },
		{ { .url = "ftp://127.0.0.1:1" }, "c/", "is not https" },
		{ { .url = "https://etcd1.example:1" }, "c/", "has a name: say its address beside it" },
		{ { .url = "http://127.0.0.1:1" }, "", "the prefix is not" },
		{ { .url = "http://127.0.0.1:1" }, "a b", "the prefix is not" },
		{ { .url = "https://127.0.0.1:1" }, "c/", "https needs ca, cert and key" },
	};
	char why[ETCD_WHY];
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct etcd_config c = { .endpoints = &bad[i].at, .n = 1, .prefix = bad[i].prefix };
		struct etcd *e = etcd_new(base, &c, why, sizeof(why));

		ok(!e && strstr(why, bad[i].message), "refused: %s %s", bad[i].at.url, bad[i].prefix);
		if (!e && !strstr(why, bad[i].message))
			printf("# %s\n", why);
		etcd_free(e);
	}
}

static void keys(void)
{
	struct etcd *e = client();
	char longer[ETCD_KEY_MAX + 1];
	struct etcd_op op = { .verb = ETCD_PUT, .key = "a", .all = true };
	struct etcd_txn t = { .then = &op, .n_then = 1 };

	memset(longer, 'x', sizeof(longer));
	longer[ETCD_KEY_MAX - 2] = 0;
	ok(!etcd_get(e, "", 0, remember, NULL) && errno == EINVAL && !etcd_get(e, "a b", 0, remember, NULL) &&
	   !etcd_get(e, longer, 0, remember, NULL) && !etcd_txn(e, &t, 0, remember, NULL),
	   "keys that are none: refused before anything is sent");
	longer[ETCD_KEY_MAX - 3] = 0;
	begin();
	expect(ANSWER, 200, NULL, "{" OWN "}", 5);
	memset(&last, 0, sizeof(last));
	ok(etcd_get(e, longer, 0, remember, NULL) && until(&last.done, 5000) && last.result == ETCD_OK, "the longest key");
	etcd_free(e);
}

static void answers(void)
{
	struct etcd *e = client();

	begin();
	expect(ANSWER, 200, "{\"key\":\"Yy9h\"}", "{" OWN ",\"kvs\":[%s],\"count\":\"1\"}", 5, kv("c/a", 5, "x"));
	ok(get(e) && last.result == ETCD_OK && last.revision == 5 && last.n == 1 && !strcmp(last.key, "a") &&
	   !strcmp(last.value, "x") && !last.why[0] && all_asked(), "a key: its prefix is put before it, and taken off");
	begin();
	expect(ANSWER, 200, NULL, "{" OWN ",\"kvs\":[%s]}", 5, kv("d/a", 5, "x"));
	ok(get(e) && last.result == ETCD_REFUSED && strstr(last.why, "not understood"), "a key of somebody else's: refused");
	begin();
	expect(ANSWER, 200, "\"target\":\"CREATE\",\"result\":\"EQUAL\",\"create_revision\":\"0\"",
	       "{" OWN ",\"succeeded\":true,\"responses\":[{\"response_put\":{\"header\":{\"revision\":\"6\"}}}]}", 6);
	ok(put(e) && last.result == ETCD_OK && last.succeeded && last.replies == 1 && all_asked(), "a transaction: the first branch");
	begin();
	expect(ANSWER, 200, NULL, "{" OWN "}", 6);
	ok(put(e) && last.result == ETCD_OK && !last.succeeded && !last.replies, "a transaction: the other branch");
	begin();
	expect(ANSWER, 200, "{\"ID\":\"77\"}", "{\"result\":{" OWN ",\"ID\":\"77\",\"TTL\":\"9\"}}\n", 6);
	expect(ANSWER, 200, NULL, "{\"result\":{" OWN ",\"ID\":\"77\"}}\n", 6);
	memset(&last, 0, sizeof(last));
	ok(etcd_lease_keep(e, 77, 0, remember, NULL) && until(&last.done, 5000) && last.result == ETCD_OK && last.ttl == 9,
	   "a lease is kept: an answer that comes as a stream");
	last.done = false;
	ok(etcd_lease_keep(e, 77, 0, remember, NULL) && until(&last.done, 5000) && last.result == ETCD_OK && last.ttl == 0,
	   "a lease that is gone");
	etcd_free(e);
}

static void refusals(void)
{
	static const struct {
		int status;
		const char *body;
		enum etcd_result result;
		const char *why;
	} table[] = {
		{ 400, "{\"error\":\"etcdserver: x\",\"message\":\"etcdserver: x\",\"code\":3}", ETCD_REFUSED, "etcdserver: x" },
		{ 400, "{\"code\":3,\"message\":\"etcdserver: y\",\"details\":[]}", ETCD_REFUSED, "etcdserver: y" },
		{ 200, "{\"error\":{\"grpc_code\":5,\"http_code\":404,\"message\":\"z\"}}", ETCD_REFUSED, "z" },
		{ 400, "{\"message\":\"a\\u001b[2J\\n\",\"code\":3}", ETCD_REFUSED, "a?[2J?" },
		{ 400, "{\"error\":\"etcdserver: mvcc: required revision has been compacted\",\"code\":11}", ETCD_COMPACTED, "compacted" },
		{ 400, "{\"error\":\"etcdserver: mvcc: required revision is a future revision\",\"code\":11}", ETCD_WENT_BACK, "future" },
		{ 200, "{\"header\":{\"cluster_id\":\"7\",\"revision\":\"9\"}}", ETCD_OTHER_CLUSTER, "is of cluster 7, not 14841639068965178418" },
	};
	size_t i;

	for (i = 0; i < sizeof(table) / sizeof(*table); i++) {
		struct etcd *e = client();

		begin();
		expect(ANSWER, 200, NULL, "{" OWN "}", 5);
		expect(ANSWER, table[i].status, NULL, "%s", table[i].body);
		get(e);
		ok(get(e) && last.result == table[i].result && strstr(last.why, table[i].why) && all_asked(), "it says %s",
		   table[i].body);
		if (!strstr(last.why, table[i].why))
			printf("# %s\n", last.why);
		etcd_free(e);
	}
}

static void garbage(void)
{
	static const char *const table[] = { "", "{", "null", "[]", "{}", "<html>", "{\"header\":{\"cluster_id\":\"x\"}}",
					     "{\"header\":{\"cluster_id\":-1}}", "{\"header\":{\"cluster_id\":\"99999999999999999999\"}}" };
	size_t i;

	for (i = 0; i < sizeof(table) / sizeof(*table); i++) {
		struct etcd *e = client();

		begin();
		expect(ANSWER, 200, NULL, "%s", table[i]);
		expect(ANSWER, 200, NULL, "{" OWN "}", 5);
		expect(ANSWER, 200, NULL, "%s", table[i]);
		get(e);
		ok(last.result == ETCD_OK && put(e) && last.result == ETCD_UNREACHABLE && last.unsure && all_asked(),
		   "garbage: a read is asked again, a change is not: %s", table[i]);
		etcd_free(e);
	}
}

static void failures(void)
{
	struct etcd_endpoint two[] = { { .url = nobody }, { .url = url } };
	struct etcd_config c = { .endpoints = two, .n = 2, .prefix = "c/", .timeout = 500, .backoff_min = 20, .backoff_max = 40 };
	struct etcd *e = client();
	char big[6000];

	memset(big, ' ', sizeof(big));
	big[sizeof(big) - 1] = 0;
	begin();
	expect(ANSWER, 200, NULL, "%s{" OWN "}", big, 5);
	ok(get(e) && last.result == ETCD_REFUSED && strstr(last.why, "more than 4096 bytes"), "an answer that is too long");
	begin();
	expect(CUT, 0, NULL, "x");
	expect(ANSWER, 200, NULL, "{" OWN "}", 5);
	ok(get(e) && last.result == ETCD_OK && all_asked(), "cut off: a read is asked again");
	begin();
	expect(CUT, 0, NULL, "x");
	ok(put(e) && last.result == ETCD_UNREACHABLE && last.unsure && requests == 1,
	   "cut off on a connection that was kept: a change is not sent again, and is unsure");
	pass(50);
	ok(requests == 1, "nor is it later");
	begin();
	expect(ANSWER, 503, NULL, "{\"error\":\"etcdserver: no leader\",\"code\":14}");
	expect(ANSWER, 200, NULL, "{" OWN ",\"succeeded\":true}", 6);
	ok(put(e) && last.result == ETCD_OK && last.succeeded && all_asked(), "no leader: a change is sent again");
	begin();
	expect(ANSWER, 503, NULL, "{\"error\":\"etcdserver: request timed out\",\"code\":14}");
	ok(put(e) && last.result == ETCD_UNREACHABLE && last.unsure && all_asked(), "etcd itself is not sure: nor are we");
	pass(50);
	begin();
	expect(HANG, 0, NULL, "x");
	ok(put(e) && last.result == ETCD_TIMED_OUT && last.unsure && all_asked(), "no answer to a change: in time, unsure");
	pass(50);
	begin();
	expect(HANG, 0, NULL, "x");
	ok(get(e) && last.result == ETCD_TIMED_OUT && !last.unsure && all_asked(), "no answer to a read: nothing is unsure");
	pass(50);
	begin();
	expect(ANSWER, 200, NULL, "{" OWN "}", 4);
	ok(get(e) && last.result == ETCD_WENT_BACK && strstr(last.why, "is at revision 4, and was at 6") && all_asked(),
	   "a revision that went back");
	etcd_free(e);
	begin();
	expect(ANSWER, 200, NULL, "{" OWN ",\"succeeded\":true}", 6);
	expect(ANSWER, 200, NULL, "{" OWN ",\"succeeded\":true}", 6);
	e = client_of(&c);
	e->current = 0;
	ok(put(e) && last.result == ETCD_OK && put(e) && last.result == ETCD_OK && all_asked(),
	   "nobody is there: another member gets the change");
	etcd_free(e);
	c.n = 1;
	e = client_of(&c);
	ok(put(e) && last.result == ETCD_UNREACHABLE && !last.unsure && last.why[0], "nobody is there at all: unreachable, nothing sent");
	etcd_free(e);
}

static void limits(void)
{
	struct etcd_endpoint at = { .url = url };
	struct etcd_config c = { .endpoints = &at, .n = 1, .prefix = "c/", .rate = 20, .burst = 2, .queued = 6, .in_flight = 2 };
	struct etcd *e = client_of(&c);
	unsigned int i, least = 1000, most = 0;
	struct etcd_call *call;
	int64_t start = now_ms();
	bool never = false;

	begin();
	for (i = 0; i < 6; i++)
		expect(ANSWER, 200, NULL, "{" OWN "}", 5);
	memset(&last, 0, sizeof(last));
	for (i = 0; i < 6; i++)
		etcd_get(e, "a", 0, remember, NULL);
	ok(!etcd_get(e, "a", 0, remember, NULL) && errno == EAGAIN, "more calls than may wait: refused");
	while (last.times < 6 && now_ms() < start + 5000)
		until(&never, 5);
	ok(last.times == 6 && now_ms() - start >= 180, "requests a second: six take %d ms", (int)(now_ms() - start));
	for (i = 0; i < 500; i++) {
		unsigned int wait = backoff(e, 30);

		least = wait < least ? wait : least;
		most = wait > most ? wait : most;
	}
	ok(most > 20000 && most <= 30010 && least < 3000 && backoff(e, 0) <= 510, "waits are drawn, up to a bound");
	begin();
	expect(HANG, 0, NULL, "x");
	memset(&last, 0, sizeof(last));
	call = etcd_get(e, "a", 0, remember, NULL);
	for (i = 0; i < 200 && !requests; i++)
		pass(5);
	etcd_cancel(call);
	call = etcd_get(e, "a", 0, remember, NULL);
	etcd_cancel(call);
	pass(20);
	ok(requests == 1 && !last.times && !e->n_running && !e->n_waiting, "calls that are cancelled, on the way and before");
	begin();
	expect(HANG, 0, NULL, "x");
	expect(HANG, 0, NULL, "x");
	for (i = 0; i < 4; i++)
		etcd_get(e, "a", 0, remember, NULL);
	for (i = 0; i < 400 && requests < 2; i++)
		pass(5);
	pass(100);
	ok(requests == 2, "requests in flight: two");
	etcd_free(e);
	ok(!last.times, "the client ends: nobody is called");
}

static unsigned int pages, page_keys;

static void on_page(const struct etcd_answer *a, void *arg)
{
	(void)arg;
	pages++;
	page_keys += a->n;
}

static struct etcd_list *unwanted_list;

static void on_unwanted(const struct etcd_answer *a, void *arg)
{
	(void)arg;
	pages += a->n;
	etcd_list_free(unwanted_list);
}

/* Pages that are too long, or too slow. */
static void long_lists(struct etcd *e)
{
	char big[6000];

	memset(big, ' ', sizeof(big));
	big[sizeof(big) - 1] = 0;
	begin();
	expect(ANSWER, 200, "\"limit\":\"3\"}", "{" OWN ",\"kvs\":[%s],\"more\":true}", 12, kv("c/d1", 3, ""));
	expect(ANSWER, 200, "{\"key\":\"Yy9kMQA=\",\"range_end\":\"Yy9l\",\"limit\":\"3\",\"revision\":\"12\"}", "%s{" OWN "}", big, 12);
	expect(ANSWER, 200, "{\"key\":\"Yy9kMQA=\",\"range_end\":\"Yy9l\",\"limit\":\"1\",\"revision\":\"12\"}",
	       "{" OWN ",\"kvs\":[%s],\"more\":true}", 13, kv("c/d2", 4, ""));
	expect(ANSWER, 200, "\"limit\":\"1\",\"revision\":\"12\"}", "{" OWN ",\"kvs\":[%s]}", 13, kv("c/d3", 5, ""));
	memset(&last, 0, sizeof(last));
	pages = page_keys = 0;
	ok(etcd_list(e, "d", 3, on_page, remember, NULL) && until(&last.done, 5000) && last.result == ETCD_OK &&
	   last.revision == 12 && pages == 3 && page_keys == 3 && all_asked(), "a page that is too long: with fewer keys");
	begin();
	expect(ANSWER, 200, "\"limit\":\"1\"}", "%s{" OWN "}", big, 13);
	memset(&last, 0, sizeof(last));
	ok(etcd_list(e, "d", 1, on_page, remember, NULL) && until(&last.done, 5000) && last.result == ETCD_REFUSED &&
	   strstr(last.why, "more than 4096 bytes") && all_asked(), "one key that is too long: refused");
	begin();
	expect(HANG, 0, "\"limit\":\"5000\"}", "x");
	expect(ANSWER, 200, "\"limit\":\"500\"}", "{" OWN ",\"kvs\":[%s]}", 13, kv("c/d1", 3, ""));
	memset(&last, 0, sizeof(last));
	ok(etcd_list(e, "d", 0, on_page, remember, NULL) && until(&last.done, 5000) && last.result == ETCD_OK && all_asked(),
	   "a page that does not come in time: with fewer keys");
	begin();
	expect(HANG, 0, "\"limit\":\"500\"}", "x");
	memset(&last, 0, sizeof(last));
	ok(etcd_list(e, "d", 500, on_page, remember, NULL) && until(&last.done, 5000) && last.result == ETCD_TIMED_OUT &&
	   all_asked(), "a small one neither: it is over");
}

/* Of two members. */
static void slow_lists(void)
{
	struct etcd_endpoint two[] = { { .url = url }, { .url = url } };
	struct etcd_config c = { .endpoints = two, .n = 2, .prefix = "c/", .timeout = 300, .backoff_min = 20, .backoff_max = 40 };
	struct etcd *e = client_of(&c);

	begin();
	expect(STALL, 200, "\"limit\":\"5000\"}", "{" OWN ",\"kvs\":[%s]", 13, kv("c/d1", 3, ""));
	expect(ANSWER, 200, "\"limit\":\"500\"}", "{" OWN ",\"kvs\":[%s]}", 13, kv("c/d1", 3, ""));
	memset(&last, 0, sizeof(last));
	ok(etcd_list(e, "d", 0, on_page, remember, NULL) && until(&last.done, 5000) && last.result == ETCD_OK && all_asked(),
	   "a page that no member brings in time: with fewer keys");
	etcd_free(e);
}

static void lists(void)
{
	struct etcd *e = client();

	begin();
	expect(ANSWER, 200, "{\"key\":\"Yy9k\",\"range_end\":\"Yy9l\",\"limit\":\"2\"}", "{" OWN ",\"kvs\":[%s,%s],\"more\":true}", 9,
	       kv("c/d1", 3, ""), kv("c/d2", 4, ""));
	/* c/d2 and a 0, at the first page's revision, though etcd is at another one by now */
	expect(ANSWER, 200, "{\"key\":\"Yy9kMgA=\",\"range_end\":\"Yy9l\",\"limit\":\"2\",\"revision\":\"9\"}",
	       "{" OWN ",\"kvs\":[%s]}", 12, kv("c/d3", 5, ""));
	memset(&last, 0, sizeof(last));
	pages = page_keys = 0;
	ok(etcd_list(e, "d", 2, on_page, remember, NULL) && until(&last.done, 5000) && last.result == ETCD_OK &&
	   last.revision == 9 && pages == 2 && page_keys == 3 && all_asked(), "a list: pages at one revision");
	begin();
	expect(ANSWER, 200, NULL, "{" OWN ",\"kvs\":[%s],\"more\":true}", 12, kv("c/d1", 3, ""));
	expect(ANSWER, 400, NULL, "{\"error\":\"etcdserver: mvcc: required revision has been compacted\",\"code\":11}");
	memset(&last, 0, sizeof(last));
	ok(etcd_list(e, "d", 2, on_page, remember, NULL) && until(&last.done, 5000) && last.result == ETCD_COMPACTED,
	   "a list that took too long");
	begin();
	expect(ANSWER, 200, NULL, "{" OWN ",\"more\":true}", 12);
	memset(&last, 0, sizeof(last));
	ok(etcd_list(e, "d", 2, on_page, remember, NULL) && until(&last.done, 5000) && last.result == ETCD_REFUSED,
	   "a list without an end: refused");
	long_lists(e);
	begin();
	expect(ANSWER, 200, NULL, "{" OWN ",\"kvs\":[%s],\"more\":true}", 13, kv("c/d1", 3, ""));
	memset(&last, 0, sizeof(last));
	pages = 0;
	unwanted_list = etcd_list(e, "d", 2, on_unwanted, remember, NULL);
	pass(50);
	ok(pages == 1 && !last.times && all_asked() && LIST_EMPTY(&e->lists), "a list that its own page ends");
	etcd_free(e);
}

int main(void)
{
	set_up();
	streams();
	configs();
	keys();
	answers();
	refusals();
	garbage();
	failures();
	limits();
	lists();
	slow_lists();
	tear_down();
	return tap_done();
}
