// SPDX-License-Identifier: GPL-2.0
/* What serve is made of that needs no process: messages, wrong tokens, bodies and credentials of EST. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../../userspace/device/body.h"
#include "../../userspace/serve/front/range.h"
#include "../../userspace/serve/common/serve.h"
#include "../../userspace/serve/agent/tries.h"
#include "tap.h"

#define N(array) (sizeof(array) / sizeof(*(array)))

/* ---- messages */

static const uint8_t csr[] = { 0x30, 0x03, 0x02, 0x01, 0x00 };
static const uint8_t proof[PKI_PROOF_MAX] = { 0x30, 0x45 };
static const uint8_t cert[PKI_CERT_MAX] = { 0x30, 0x82 };
static const uint8_t chain[SERVE_CHAIN_MAX] = { 0x30, 0x83 };

static void fill_request(struct serve_request *q)
{
	memset(q, 0, sizeof(*q));
	q->op = SERVE_OP_ENROLL;
	q->id = 0x0102030405060708;
	memset(q->peer, 0x11, sizeof(q->peer));
	q->ifindex = 7;
	memset(q->serial, 0x22, sizeof(q->serial));
	memset(q->fingerprint, 0x33, sizeof(q->fingerprint));
	strcpy(q->name, "cam");
	memset(q->secret, 's', sizeof(q->secret) - 1);
	strcpy(q->firmware, "1.4.2");
	memset(q->exporter, 'e', sizeof(q->exporter) - 1);
	memset(q->detail, 'd', sizeof(q->detail) - 1);
	q->number = INT64_MAX;
	q->feedback = SERVE_FEEDBACK_REJECTED;
	q->csr = csr;
	q->csr_len = sizeof(csr);
	q->proof = proof;
	q->proof_len = sizeof(proof);
	q->cert = cert;
	q->cert_len = 600;
	q->chain = chain;
	q->chain_len = 700;
}

static bool same_request(const struct serve_request *a, const struct serve_request *b)
{
	return a->op == b->op && a->id == b->id && !memcmp(a->peer, b->peer, sizeof(a->peer)) &&
	       a->ifindex == b->ifindex && !memcmp(a->serial, b->serial, sizeof(a->serial)) &&
	       !memcmp(a->fingerprint, b->fingerprint, sizeof(a->fingerprint)) &&
	       !strcmp(a->name, b->name) && !strcmp(a->secret, b->secret) &&
	       !strcmp(a->firmware, b->firmware) && !strcmp(a->exporter, b->exporter) &&
	       !strcmp(a->detail, b->detail) && a->number == b->number && a->feedback == b->feedback &&
	       a->csr_len == b->csr_len && !memcmp(a->csr, b->csr, a->csr_len) &&
	       a->proof_len == b->proof_len && !memcmp(a->proof, b->proof, a->proof_len) &&
	       a->cert_len == b->cert_len && !memcmp(a->cert, b->cert, a->cert_len) &&
	       a->chain_len == b->chain_len && !memcmp(a->chain, b->chain, a->chain_len);
}

static void fill_reply(struct serve_reply *r)
{
	memset(r, 0, sizeof(*r));
	r->id = UINT64_MAX;
	r->status = 429;
	r->retry = 600;
	r->lease = 3600;
	memset(r->serial, 0x44, sizeof(r->serial));
	strcpy(r->device, "cam");
	memset(r->segment, 'z', sizeof(r->segment) - 1);
	memset(r->why, 'w', sizeof(r->why) - 1);
	r->number = UINT64_MAX - 1;
	r->der = csr;
	r->der_len = sizeof(csr);
}

static bool same_reply(const struct serve_reply *a, const struct serve_reply *b)
{
	return a->id == b->id && a->status == b->status && a->retry == b->retry &&
	       a->lease == b->lease && !memcmp(a->serial, b->serial, sizeof(a->serial)) &&
	       !strcmp(a->device, b->device) && !strcmp(a->segment, b->segment) &&
	       !strcmp(a->why, b->why) && a->number == b->number && a->der_len == b->der_len &&
	       !memcmp(a->der, b->der, a->der_len);
}

/* On the heap and of exactly that length, so that a byte read too many is found. */
static bool unpacks_request(const uint8_t *buf, size_t len, struct serve_request *q)
{
	uint8_t *copy = malloc(len ? len : 1);
	bool good;

	memcpy(copy, buf, len);
	good = serve_request_unpack(copy, len, q);
	free(copy);
	return good;
}

static bool unpacks_reply(const uint8_t *buf, size_t len, struct serve_reply *r)
{
	uint8_t *copy = malloc(len ? len : 1);
	bool good;

	memcpy(copy, buf, len);
	good = serve_reply_unpack(copy, len, r);
	free(copy);
	return good;
}

static void test_request(void)
{
	static uint8_t buf[SERVE_REQUEST_MAX];
	struct serve_request q, got;
	size_t len, i, wrong = 0;

	fill_request(&q);
	len = serve_request_pack(&q, buf, sizeof(buf));
	ok(len && serve_request_unpack(buf, len, &got) && same_request(&q, &got),
	   "request: what is packed is unpacked");
	for (i = 0; i < len; i++)
		wrong += unpacks_request(buf, i, &got);
	ok(!wrong, "request: cut at any of %zu bytes it is none", len);
	buf[len] = 0;
	ok(!unpacks_request(buf, len + 1, &got), "request: with a byte behind it, it is none");
	for (wrong = 0, i = 0; i < len; i++)
		wrong += serve_request_pack(&q, buf, i) != 0;
	ok(!wrong, "request: no smaller buffer takes it");
	ok(serve_request_pack(&q, buf, len) == len, "request: one of its size does");
}

/* Where each length stands: behind the fixed fields, and behind one another. */
static void test_request_lengths(void)
{
	static const uint32_t lies[] = { 0x80000000, 0xffffffff, 0x7fffffff, 65536, PKI_CSR_MAX + 1 };
	static uint8_t buf[SERVE_REQUEST_MAX], bent[SERVE_REQUEST_MAX];
	size_t at[8], len, i, k, wrong = 0;
	struct serve_request q, got;

	fill_request(&q);
	len = serve_request_pack(&q, buf, sizeof(buf));
	at[0] = 4 + 8 + sizeof(q.peer) + 4 + sizeof(q.serial) + sizeof(q.fingerprint);
	at[1] = at[0] + 4 + strlen(q.name);
	at[2] = at[1] + 4 + strlen(q.secret);
	at[3] = at[2] + 4 + strlen(q.firmware);
	at[4] = at[3] + 4 + strlen(q.exporter);
	at[5] = at[4] + 4 + strlen(q.detail) + 8 + 4;
	at[6] = at[5] + 4 + q.csr_len;
	at[7] = at[6] + 4 + q.proof_len;
	for (i = 0; i < N(at); i++)
		for (k = 0; k < N(lies); k++) {
			memcpy(bent, buf, len);
			bent[at[i]] = lies[k] >> 24;
			bent[at[i] + 1] = lies[k] >> 16;
			bent[at[i] + 2] = lies[k] >> 8;
			bent[at[i] + 3] = lies[k];
			wrong += unpacks_request(bent, len, &got);
		}
	ok(!wrong, "request: a length that lies makes it none");
	memcpy(bent, buf, len);
	bent[at[0] + 4 + 1] = 0;
	ok(!unpacks_request(bent, len, &got), "request: a NUL in a text makes it none");
	ok(unpacks_request(buf, len, &got), "request: and without any of that it is one");
}

static void test_request_sizes(void)
{
	static uint8_t buf[2 * SERVE_REQUEST_MAX], big[PKI_CSR_MAX + PKI_CERT_MAX];
	struct serve_request q, got;
	size_t len;

	fill_request(&q);
	q.csr = big;
	q.csr_len = PKI_CSR_MAX;
	q.cert_len = sizeof(cert);
	len = serve_request_pack(&q, buf, SERVE_REQUEST_MAX);
	ok(len && serve_request_unpack(buf, len, &got) && same_request(&q, &got),
	   "request: the largest one fits SERVE_REQUEST_MAX");
	q.proof_len = PKI_PROOF_MAX + 1;
	q.proof = big;
	len = serve_request_pack(&q, buf, sizeof(buf));
	ok(len && !serve_request_unpack(buf, len, &got), "request: one with a longer proof is none");
	q.proof_len = 0;
	q.cert = big;
	q.cert_len = PKI_CERT_MAX + 1;
	len = serve_request_pack(&q, buf, sizeof(buf));
	ok(len && !serve_request_unpack(buf, len, &got), "request: one with a longer certificate is none");
	q.cert_len = 0;
	q.csr_len = PKI_CSR_MAX + 1;
	len = serve_request_pack(&q, buf, sizeof(buf));
	ok(len && !serve_request_unpack(buf, len, &got), "request: a larger one is none");
	memset(&q, 0, sizeof(q));
	len = serve_request_pack(&q, buf, sizeof(buf));
	ok(len && serve_request_unpack(buf, len, &got) && !got.csr_len && !got.name[0],
	   "request: an empty one is one");
}

static void test_reply(void)
{
	static uint8_t buf[4096], big[100000], large[200000];
	struct serve_reply r, got;
	size_t len, i, wrong = 0;

	fill_reply(&r);
	len = serve_reply_pack(&r, buf, sizeof(buf));
	ok(len && serve_reply_unpack(buf, len, &got) && same_reply(&r, &got),
	   "reply: what is packed is unpacked");
	for (i = 0; i < len; i++)
		wrong += unpacks_reply(buf, i, &got);
	ok(!wrong, "reply: cut at any of %zu bytes it is none", len);
	buf[len] = 0;
	ok(!unpacks_reply(buf, len + 1, &got), "reply: with a byte behind it, it is none");
	for (wrong = 0, i = 0; i < len; i++)
		wrong += serve_reply_pack(&r, buf, i) != 0;
	ok(!wrong, "reply: no smaller buffer takes it");
	r.der = big;
	r.der_len = sizeof(big);
	len = serve_reply_pack(&r, large, sizeof(large));
	ok(len && serve_reply_unpack(large, len, &got) && same_reply(&r, &got),
	   "reply: a long revocation list");
}

/* ---- offers */

static void fill_offer(struct serve_offer *o)
{
	memset(o, 0, sizeof(*o));
	o->kind = SERVE_OFFER_CANCEL;
	o->action = 7;
	o->forced = true;
	o->tell = true;
	o->poll = 300;
	o->release.id = INT64_MAX;
	memset(o->release.model, 'm', sizeof(o->release.model) - 1);
	memset(o->release.version, '1', sizeof(o->release.version) - 1);
	memset(o->release.file, 'f', sizeof(o->release.file) - 1);
	memset(o->release.notes, 'n', sizeof(o->release.notes) - 1);
	o->release.size = UINT64_MAX;
	memset(&o->release.hashes, 0x55, sizeof(o->release.hashes));
}

static bool unpacks_offer(const uint8_t *buf, size_t len, struct serve_offer *o)
{
	uint8_t *copy = malloc(len ? len : 1);
	bool good;

	memcpy(copy, buf, len);
	good = serve_offer_unpack(copy, len, o);
	free(copy);
	return good;
}

static void test_offer(void)
{
	static uint8_t buf[SERVE_OFFER_MAX + 1];
	struct serve_offer o, got;
	size_t len, i, wrong = 0;

	fill_offer(&o);
	len = serve_offer_pack(&o, buf, SERVE_OFFER_MAX);
	ok(len && serve_offer_unpack(buf, len, &got) && got.kind == o.kind && got.action == o.action && got.forced &&
	   got.tell && got.poll == o.poll && got.release.id == o.release.id && got.release.size == o.release.size &&
	   !strcmp(got.release.model, o.release.model) && !strcmp(got.release.version, o.release.version) &&
	   !strcmp(got.release.file, o.release.file) && !strcmp(got.release.notes, o.release.notes) &&
	   !memcmp(&got.release.hashes, &o.release.hashes, sizeof(o.release.hashes)),
	   "offer: the largest one fits SERVE_OFFER_MAX, and what is packed is unpacked");
	for (i = 0; i < len; i++)
		wrong += unpacks_offer(buf, i, &got);
	ok(!wrong, "offer: cut at any of %zu bytes it is none", len);
	ok(!unpacks_offer(buf, len + 1, &got), "offer: with a byte behind it, it is none");
	for (wrong = 0, i = 0; i < len; i++)
		wrong += serve_offer_pack(&o, buf, i) != 0;
	ok(!wrong, "offer: no smaller buffer takes it");
	o.kind = SERVE_OFFER_CANCEL + 1;
	len = serve_offer_pack(&o, buf, SERVE_OFFER_MAX);
	ok(len && !serve_offer_unpack(buf, len, &got), "offer: of a kind that is none, it is none");
}

/* ---- ranges */

static void test_range(void)
{
	static const struct {
		const char *field;
		uint64_t size;
		enum range want;
		uint64_t first, end;
	} ranges[] = {
		{ NULL, 10, RANGE_ALL, 0, 0 }, { "", 10, RANGE_ALL, 0, 0 }, { "bytes=0-0", 10, RANGE_PART, 0, 1 },
		{ "bytes=0-", 10, RANGE_PART, 0, 10 }, { "bytes=9-", 10, RANGE_PART, 9, 10 },
		{ "bytes=10-", 10, RANGE_BEYOND, 0, 0 }, { "bytes=3-100", 10, RANGE_PART, 3, 10 },
		{ "bytes=-3", 10, RANGE_PART, 7, 10 }, { "bytes=-30", 10, RANGE_PART, 0, 10 },
		{ "bytes=-0", 10, RANGE_BEYOND, 0, 0 }, { "bytes=-1", 0, RANGE_BEYOND, 0, 0 },
		{ "bytes=0-", 0, RANGE_BEYOND, 0, 0 }, { "bytes=5-4", 10, RANGE_ALL, 0, 0 },
		{ "BYTES= 1-2 ", 10, RANGE_PART, 1, 3 }, { "bytes=1-2,4-5", 10, RANGE_ALL, 0, 0 },
		{ "bytes=", 10, RANGE_ALL, 0, 0 }, { "bytes=-", 10, RANGE_ALL, 0, 0 },
		{ "bytes=1", 10, RANGE_ALL, 0, 0 }, { "bytes=a-b", 10, RANGE_ALL, 0, 0 },
		{ "bytes=1-2-3", 10, RANGE_ALL, 0, 0 }, { "bytes=--1", 10, RANGE_ALL, 0, 0 },
		{ "items=1-2", 10, RANGE_ALL, 0, 0 },
		{ "bytes=18446744073709551616-", 10, RANGE_BEYOND, 0, 0 },
		{ "bytes=0-18446744073709551615", 10, RANGE_PART, 0, 10 },
		{ "bytes=-99999999999999999999999999", 10, RANGE_PART, 0, 10 },
		{ "bytes=4611686018427387903-", 1ULL << 62, RANGE_PART, (1ULL << 62) - 1, 1ULL << 62 },
	};
	static const struct {
		const char *field;
		bool want;
	} tags[] = {
		{ NULL, false }, { "", false }, { "*", true }, { "\"a\"", true }, { "W/\"a\"", true },
		{ "\"b\", \"a\"", true }, { "\"b\",\"a\"", true }, { "\"b\" , W/\"a\"", true },
		{ "\"b,\\\"\", \"a\"", false }, { "a", false }, { "\"a", false }, { "\"ab\"", false },
		{ "\"b\" \"a\"", false }, { "\"b", false }, { ",,\"a\"", true }, { "W/", false },
	};
	uint64_t first, end;
	enum range got;
	size_t i;

	for (i = 0; i < N(ranges); i++) {
		got = range_parse(ranges[i].field, ranges[i].size, &first, &end);
		ok(got == ranges[i].want &&
		   (got != RANGE_PART || (first == ranges[i].first && end == ranges[i].end)),
		   "range: '%s' of %llu", ranges[i].field ? ranges[i].field : "none",
		   (unsigned long long)ranges[i].size);
	}
	for (i = 0; i < N(tags); i++)
		ok(range_etag_matches(tags[i].field, "\"a\"") == tags[i].want, "entity tags: %s",
		   tags[i].field ? tags[i].field : "none");
}

/* ---- wrong tokens */

static void fail_times(struct tries *t, const char *key, time_t now, unsigned int n)
{
	while (n--)
		tries_fail(t, key, now);
}

static void test_tries(void)
{
	struct tries *t = calloc(1, sizeof(*t));
	time_t now = 1000;

	ok(!tries_wait(t, "cam", TRIES_MAX, now), "tries: none, no pause");
	fail_times(t, "cam", now, TRIES_MAX - 1);
	ok(!tries_wait(t, "cam", TRIES_MAX, now), "tries: one less than too many, no pause");
	tries_fail(t, "cam", now + 10);
	ok(tries_wait(t, "cam", TRIES_MAX, now + 10) == TRIES_PAUSE, "tries: too many, a pause since the last");
	ok(tries_wait(t, "cam", TRIES_MAX, now + 10 + TRIES_PAUSE - 1) == 1, "tries: to its last second");
	ok(!tries_wait(t, "cam", TRIES_MAX, now + 10 + TRIES_PAUSE), "tries: then it is over");
	ok(!tries_wait(t, "lock", TRIES_MAX, now + 10), "tries: another may go on");
	ok(!tries_wait(t, "ca", TRIES_MAX, now + 10) && !tries_wait(t, "cam2", TRIES_MAX, now + 10) &&
	   !tries_wait(t, "", TRIES_MAX, now + 10), "tries: and so may who is nearly called like that");
	now += 10 + TRIES_PAUSE;
	tries_fail(t, "cam", now);
	ok(!tries_wait(t, "cam", TRIES_MAX, now), "tries: after the pause they are counted from one");
	fail_times(t, "cam", now, TRIES_MAX - 1);
	ok(tries_wait(t, "cam", TRIES_MAX, now), "tries: and again there are too many");
	tries_forget(t, "cam");
	ok(!tries_wait(t, "cam", TRIES_MAX, now), "tries: the right one came: forgotten");
	tries_forget(t, "nobody");
	fail_times(t, "cam", now, TRIES_MAX - 1);
	ok(!tries_wait(t, "cam", TRIES_MAX, now), "tries: all of them");
	free(t);
}

/* Of names that all share a table's few slots with another one, few do so in a table of another seed. */
static void test_tries_seed(void)
{
	struct tries *a = calloc(1, sizeof(*a)), *b = calloc(1, sizeof(*b));
	unsigned int i, found = 0;
	char key[TRIES_KEY_LEN];

	b->seed = 12345;
	fail_times(a, "cam", 1000, TRIES_MAX);
	fail_times(b, "cam", 1000, TRIES_MAX);
	for (i = 0; i < 1000000 && found < 64; i++) {
		snprintf(key, sizeof(key), "x%u", i);
		tries_fail(a, key, 1001);
		if (tries_wait(a, "cam", TRIES_MAX, 1001))
			continue;
		/* It was pushed out by this one and those before: they would do the same in b. */
		found++;
		tries_fail(b, key, 1001);
		fail_times(a, "cam", 1000, TRIES_MAX);
	}
	ok(found == 64 && tries_wait(b, "cam", TRIES_MAX, 1001), "tries: who knows one seed does not know another");
	free(a);
	free(b);
}

static void test_tries_flood(void)
{
	struct tries *t = calloc(1, sizeof(*t));
	char key[TRIES_KEY_LEN];
	unsigned int i;

	for (i = 0; i < 10 * TRIES_SLOTS; i++) {
		snprintf(key, sizeof(key), "name-%u", i);
		tries_fail(t, key, 1000 + i);
	}
	fail_times(t, key, 1000 + i, TRIES_MAX - 1);
	ok(tries_wait(t, key, TRIES_MAX, 1000 + i), "tries: in a flood the latest is counted");
	fail_times(t, "cam", 1000 + i, TRIES_MAX);
	ok(tries_wait(t, "cam", TRIES_MAX, 1000 + i), "tries: after a flood there is room");
	memset(key, 'n', sizeof(key) - 1);
	key[sizeof(key) - 1] = 0;
	fail_times(t, key, 1000 + i, TRIES_MAX);
	ok(tries_wait(t, key, TRIES_MAX, 1000 + i), "tries: the longest key counts");
	free(t);
}

/* ---- bodies */

static void test_body_good(void)
{
	static const struct {
		const char *what, *body, *bytes;
		size_t len;
	} rows[] = {
		{ "one byte", "YQ==", "a", 1 },
		{ "two bytes", "YWI=", "ab", 2 },
		{ "three bytes", "YWJj", "abc", 3 },
		{ "LF behind it", "YWJj\n", "abc", 3 },
		{ "CR LF within", "YW\r\nJj\r\n", "abc", 3 },
		{ "white space all over", " Y\tW\vJ\fj ", "abc", 3 },
		{ "PEM", "-----BEGIN X-----\nYWJj\n-----END X-----\n", "abc", 3 },
		{ "PEM, CR LF", "-----BEGIN X-----\r\nYWJj\r\n-----END X-----\r\n", "abc", 3 },
		{ "PEM that does not end in LF", "-----BEGIN X-----\nYWJj\n-----END X-----", "abc", 3 },
		{ "PEM with text before it",
		  "Certificate Request:\n  Version: 1 (0x0)\n-----BEGIN X-----\nYWJj\n-----END X-----\n", "abc", 3 },
		{ "PEM with text around it",
		  "Subject: a\r\n-----BEGIN X-----\r\nYWJj\r\n-----END X-----\r\nYWJj\r\n", "abc", 3 },
		{ "zeroes", "AAAA", "\0\0\0", 3 },
		{ "all ones", "////", "\xff\xff\xff", 3 },
	};
	uint8_t out[16];
	size_t i, len;

	for (i = 0; i < N(rows); i++) {
		len = 99;
		ok(!est_body_decode(rows[i].body, strlen(rows[i].body), out, sizeof(out), &len) &&
		   len == rows[i].len && !memcmp(out, rows[i].bytes, len), "body: %s", rows[i].what);
	}
}

static void test_body_bad(void)
{
	static const struct {
		const char *what, *body;
		size_t len;
		int err;
	} rows[] = {
		{ "empty", "", 0, -EINVAL },
		{ "white space", " \r\n\t", 4, -EINVAL },
		{ "a PEM line alone", "-----BEGIN X-----\n", 18, -EINVAL },
		{ "dashes", "-----", 5, -EINVAL },
		{ "text and a PEM line", "YWJj\n-----BEGIN X-----", 21, -EINVAL },
		{ "text where PEM should be", "YWJj\n-----BEGIN X-----\n-----END X-----\nYWJj", 42, -EINVAL },
		{ "four dashes", "----", 4, -EINVAL },
		{ "one letter", "Y", 1, -EINVAL },
		{ "two letters", "YW", 2, -EINVAL },
		{ "three letters", "YWJ", 3, -EINVAL },
		{ "five letters", "YWJjY", 5, -EINVAL },
		{ "padding alone", "====", 4, -EINVAL },
		{ "three of padding", "Y===", 4, -EINVAL },
		{ "padding within", "YQ==YWJj", 8, -EINVAL },
		{ "padding before", "=YWJ", 4, -EINVAL },
		{ "a letter that is none", "YW*j", 4, -EINVAL },
		{ "URL-safe letters", "_-__", 4, -EINVAL },
		{ "NUL", "YW\0j", 4, -EINVAL },
		{ "a byte above 127", "YW\xe4j", 4, -EINVAL },
		{ "one byte too many", "YWJjZGVmZ2hpamtsbW5vcHE=", 24, -EMSGSIZE },
	};
	uint8_t out[16], before[16];
	size_t i, len;
	char *copy;
	int err;

	memset(before, 0x5a, sizeof(before));
	for (i = 0; i < N(rows); i++) {
		len = 99;
		memcpy(out, before, sizeof(out));
		copy = malloc(rows[i].len ? rows[i].len : 1);
		memcpy(copy, rows[i].body, rows[i].len);
		err = est_body_decode(copy, rows[i].len, out, sizeof(out), &len);
		free(copy);
		ok(err == rows[i].err && len == 99 && !memcmp(out, before, sizeof(out)),
		   "body: %s: refused, nothing moved", rows[i].what);
	}
	ok(!est_body_decode("YWJjZGVmZ2hpamtsbW5vcA==", 24, out, sizeof(out), &len) && len == 16,
	   "body: and the most that fits is taken");
}

static void test_body_round(void)
{
	uint8_t data[300], back[300];
	size_t n, len, got, wrong = 0;
	char *text;

	for (n = 0; n < sizeof(data); n++)
		data[n] = n * 37;
	for (n = 1; n < sizeof(data); n++) {
		text = est_body_encode(data, n, &len);
		got = 0;
		if (!text || strlen(text) != len || text[len - 1] != '\n' || strchr(text, '\n') != text + len - 1 ||
		    est_body_decode(text, len, back, sizeof(back), &got) || got != n ||
		    memcmp(data, back, n))
			wrong++;
		free(text);
	}
	ok(!wrong, "body: one line with LF, and back, of 1 to 299 bytes");
}

static void test_credentials(void)
{
	static const struct {
		const char *what, *header, *name, *secret;
	} rows[] = {
		{ "name and secret", "Basic Y2FtOnNlY3JldA==", "cam", "secret" },
		{ "lower case", "basic Y2FtOnNlY3JldA==", "cam", "secret" },
		{ "more space", "Basic   Y2FtOnNlY3JldA==", "cam", "secret" },
		{ "a colon in the secret", "Basic Y2FtOmE6Yg==", "cam", "a:b" },
		{ "none", NULL, "", "" },
		{ "an empty one", "", "", "" },
		{ "another scheme", "Bearer Y2FtOnNlY3JldA==", "", "" },
		{ "the scheme alone", "Basic", "", "" },
		{ "the scheme and a space", "Basic ", "", "" },
		{ "no space", "BasicY2FtOnNlY3JldA==", "", "" },
		{ "not base64", "Basic cam:secret", "", "" },
		{ "no colon", "Basic Y2Ft", "", "" },
		{ "no name", "Basic OnNlY3JldA==", "", "" },
		{ "no secret", "Basic Y2FtOg==", "", "" },
		{ "a colon alone", "Basic Og==", "", "" },
		{ "NUL in the name", "Basic Y2EAOnNlY3JldA==", "", "" },
		{ "NUL in the secret", "Basic Y2FtOnNlAGV0", "", "" },
		{ "a name too long", "Basic Y2FtZXJhLTEyMzQ1OnNlY3JldA==", "", "" },
		{ "a secret too long", "Basic Y2FtOnNlY3JldHNlY3JldA==", "", "" },
	};
	char name[8], secret[8];
	size_t i;

	for (i = 0; i < N(rows); i++) {
		strcpy(name, "before");
		strcpy(secret, "before");
		ok(est_basic_auth(rows[i].header, name, sizeof(name), secret, sizeof(secret)) ==
		   !!rows[i].name[0] && !strcmp(name, rows[i].name) && !strcmp(secret, rows[i].secret),
		   "credentials: %s", rows[i].what);
	}
}

static void test_long_credentials(void)
{
	static char header[8192];
	char name[64], secret[64];
	size_t n, wrong = 0;

	for (n = 1; n < sizeof(header) - 7; n++) {
		strcpy(header, "Basic ");
		memset(header + 6, 'Y', n);
		header[6 + n] = 0;
		wrong += est_basic_auth(header, name, sizeof(name), secret, sizeof(secret));
	}
	ok(!wrong, "credentials: without a colon, of 1 to %zu letters", n - 1);
}

static void test_media_type(void)
{
	static const struct {
		const char *header;
		bool good;
	} rows[] = {
		{ "application/pkcs10", true }, { "Application/PKCS10", true },
		{ "application/pkcs10; charset=x", true }, { "application/pkcs10;", true },
		{ "application/pkcs10 ; a=b", true }, { NULL, false }, { "", false },
		{ "application/pkcs1", false }, { "application/pkcs10x", false },
		{ "text/plain", false }, { "xapplication/pkcs10", false }, { "application/pkcs10,", false },
	};
	size_t i;

	for (i = 0; i < N(rows); i++)
		ok(est_media_type(rows[i].header, "application/pkcs10") == rows[i].good,
		   "media type: '%s': %s", rows[i].header ? rows[i].header : "(none)",
		   rows[i].good ? "it is" : "it is not");
}

int main(void)
{
	test_request();
	test_request_lengths();
	test_request_sizes();
	test_reply();
	test_offer();
	test_range();
	test_tries();
	test_tries_seed();
	test_tries_flood();
	test_body_good();
	test_body_bad();
	test_body_round();
	test_credentials();
	test_long_credentials();
	test_media_type();
	return tap_done();
}
