// SPDX-License-Identifier: GPL-2.0
/* etcd's client against a server of straw: what is cut, garbage, too much, late, out of order, or of another history. */
#include <arpa/inet.h>
#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/listener.h>
#include <stdlib.h>
#include <string.h>

#include "device/base64.h"
#include "etcd/internal.h"

#include "tap.h"

#define TURNS	32
#define OWN	"\"header\":{\"cluster_id\":\"14841639068965178418\",\"member_id\":\"1\",\"revision\":\"%d\",\"raft_term\":\"2\"}"

enum how { ANSWER, TRICKLE, STREAM, CUT, HANG };

/* What the server does next: with a request that has @wants in it, if not NULL; else it is a fault. */
struct turn {
	enum how how;
	int status;
	const char *wants;
	char *body;
};

struct guest {
	struct bufferevent *bev;
	struct evbuffer *left;
	struct event *timer;
	LIST_ENTRY(guest) entry;
};

static LIST_HEAD(, guest) guests = LIST_HEAD_INITIALIZER(guests);
static struct event_base *base;
static struct turn turns[TURNS];
static size_t n_turns, turn;
static unsigned int requests, unwanted;
static char url[64], nobody[64];

static void guest_free(struct guest *g)
{
	LIST_REMOVE(g, entry);
	event_free(g->timer);
	evbuffer_free(g->left);
	bufferevent_free(g->bev);
	free(g);
}

/* One byte, and the next in a moment. */
static void trickle(evutil_socket_t fd, short what, void *arg)
{
	struct guest *g = arg;

	(void)fd;
	(void)what;
	evbuffer_remove_buffer(g->left, bufferevent_get_output(g->bev), 1);
	if (evbuffer_get_length(g->left))
		event_active(g->timer, EV_TIMEOUT, 1);
}

static void serve(struct guest *g, const char *request)
{
	struct evbuffer *out = bufferevent_get_output(g->bev);
	struct turn *t = &turns[turn];

	requests++;
	if (turn >= n_turns) {
		printf("# unforeseen: %s\n", request);
		unwanted++;
		return;
	}
	turn++;
	if (t->wants && !strstr(request, t->wants)) {
		printf("# not as wanted (%s): %s\n", t->wants, request);
		unwanted++;
	}
	if (t->how == HANG)
		return;
	if (t->how == CUT) {
		guest_free(g);
		return;
	}
	if (t->how == TRICKLE)
		out = g->left;
	evbuffer_add_printf(out, "HTTP/1.1 %d X\r\nContent-Type: application/json\r\n", t->status);
	if (t->how == ANSWER)
		evbuffer_add_printf(out, "Content-Length: %zu\r\n", strlen(t->body));
	evbuffer_add_printf(out, "\r\n%s", t->body);
	if (t->how == TRICKLE)
		trickle(-1, 0, g);
}

static void on_read(struct bufferevent *bev, void *arg)
{
	struct evbuffer *in = bufferevent_get_input(bev);
	char *text = (char *)evbuffer_pullup(in, -1), *end, *length;
	size_t n = evbuffer_get_length(in);
	static char request[8192];

	if (n >= sizeof(request))
		abort();
	memcpy(request, text, n);
	request[n] = 0;
	end = strstr(request, "\r\n\r\n");
	length = strstr(request, "Content-Length: ");
	if (!end || !length || n < (size_t)(end + 4 - request) + strtoul(length + 16, NULL, 10))
		return;
	evbuffer_drain(in, n);
	serve(arg, request);
}

static void on_event(struct bufferevent *bev, short what, void *arg)
{
	(void)bev;
	if (what & (BEV_EVENT_EOF | BEV_EVENT_ERROR))
		guest_free(arg);
}

static void on_accept(struct evconnlistener *l, evutil_socket_t fd, struct sockaddr *a, int len, void *arg)
{
	struct guest *g = calloc(1, sizeof(*g));

	(void)l;
	(void)a;
	(void)len;
	(void)arg;
	if (!g)
		abort();
	g->bev = bufferevent_socket_new(base, fd, BEV_OPT_CLOSE_ON_FREE);
	g->left = evbuffer_new();
	g->timer = event_new(base, -1, 0, trickle, g);
	LIST_INSERT_HEAD(&guests, g, entry);
	bufferevent_setcb(g->bev, on_read, NULL, on_event, g);
	bufferevent_enable(g->bev, EV_READ | EV_WRITE);
}

/* A server, and a port at which there is none. */
static struct evconnlistener *listen_at_loopback(char at[64])
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
	socklen_t len = sizeof(a);
	struct evconnlistener *l;

	l = evconnlistener_new_bind(base, on_accept, NULL, LEV_OPT_CLOSE_ON_FREE | LEV_OPT_REUSEABLE, 16,
				    (struct sockaddr *)&a, sizeof(a));
	if (!l || getsockname(evconnlistener_get_fd(l), (struct sockaddr *)&a, &len))
		abort();
	snprintf(at, 64, "http://127.0.0.1:%d", ntohs(a.sin_port));
	return l;
}

__attribute__((format(printf, 4, 5)))
static void expect(enum how how, int status, const char *wants, const char *fmt, ...)
{
	struct turn *t = &turns[n_turns++];
	va_list args;

	va_start(args, fmt);
	t->how = how;
	t->status = status;
	t->wants = wants;
	if (n_turns > TURNS || vasprintf(&t->body, fmt, args) < 0)
		abort();
	va_end(args);
}

static void begin(void)
{
	for (turn = 0; turn < n_turns; turn++)
		free(turns[turn].body);
	turn = n_turns = requests = unwanted = 0;
}

/* All that was foreseen was asked, and nothing else. */
static bool all_asked(void)
{
	if (turn != n_turns)
		printf("# %zu of %zu asked\n", turn, n_turns);
	return turn == n_turns && !unwanted;
}

static bool until(const bool *done, int ms)
{
	int64_t end = now_ms() + ms;
	struct timeval t = { .tv_usec = 5000 };

	while (!*done && now_ms() < end) {
		event_base_loopexit(base, &t);
		event_base_dispatch(base);
	}
	return *done;
}

static void pass(int ms)
{
	bool never = false;

	until(&never, ms);
}

static struct etcd *client_of(const struct etcd_config *c)
{
	char why[ETCD_WHY];
	struct etcd *e = etcd_new(base, c, why, sizeof(why));

	if (!e) {
		printf("# %s\n", why);
		abort();
	}
	return e;
}

static struct etcd *client(void)
{
	struct etcd_endpoint at = { .url = url };
	struct etcd_config c = { .endpoints = &at, .n = 1, .prefix = "c/", .timeout = 600, .backoff_min = 20,
				 .backoff_max = 40, .answer = 4096, .rate = 1000 };

	return client_of(&c);
}

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

/* A key in etcd's JSON; in a buffer that is used again soon. */
static const char *kv(const char *key, int revision, const char *value)
{
	static char text[16][256];
	static unsigned int next;
	char *k = base64_encode(key, strlen(key)), *v = base64_encode(value, strlen(value)), *out = text[next++ % 16];

	snprintf(out, sizeof(text[0]), "{\"key\":\"%s\",\"create_revision\":\"1\",\"mod_revision\":\"%d\",\"version\":\"1\","
		 "\"value\":\"%s\"}", k, revision, v);
	free(k);
	free(v);
	return out;
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
	begin();
	expect(ANSWER, 200, NULL, "{" OWN ",\"kvs\":[%s],\"more\":true}", 12, kv("c/d1", 3, ""));
	memset(&last, 0, sizeof(last));
	pages = 0;
	unwanted_list = etcd_list(e, "d", 2, on_unwanted, remember, NULL);
	pass(50);
	ok(pages == 1 && !last.times && all_asked() && LIST_EMPTY(&e->lists), "a list that its own page ends");
	etcd_free(e);
}

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
	while (!LIST_EMPTY(&guests))
		guest_free(LIST_FIRST(&guests));
	ok(comes("OPEN +d/a@6 +d/a@7 +d/b@7 LOST OPEN +d/c@7 |7 ") && all_asked(),
	   "cut within a revision: it goes on from there, and tells no event twice");
	seen.quit = true;
	begin();
	expect(ANSWER, 200, NULL, "{" OWN ",\"kvs\":[%s]}", 9, kv("c/d/c", 7, ""));
	expect(STREAM, 200, "\"start_revision\":\"8\"", CREATED "{\"result\":{" OWN ",\"events\":[{\"kv\":%s}]}}"
	       "{\"result\":{" OWN ",\"events\":[{\"kv\":%s}]}}", 9, 9, kv("c/d/a", 8, ""), 9, kv("c/d/a", 9, ""));
	while (!LIST_EMPTY(&guests))
		guest_free(LIST_FIRST(&guests));
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
	struct evconnlistener *server, *gone;

	setvbuf(stdout, NULL, _IOLBF, 0);
	base = event_base_new();
	server = listen_at_loopback(url);
	gone = listen_at_loopback(nobody);
	evconnlistener_free(gone);
	streams();
	configs();
	keys();
	answers();
	refusals();
	garbage();
	failures();
	limits();
	lists();
	watch_events();
	watch_garbage();
	watch_ends();
	watch_bounds();
	begin();
	while (!LIST_EMPTY(&guests))
		guest_free(LIST_FIRST(&guests));
	evconnlistener_free(server);
	event_base_free(base);
	curl_global_cleanup();
	return tap_done();
}
