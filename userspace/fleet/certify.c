// SPDX-License-Identifier: GPL-2.0
/*
 * A certificate is made once in the fleet: its serial number reserved, its token claimed, and what the token was claimed for
 * before revoked, in one transaction.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "fleet/internal.h"
#include "lib/policy.h"

#define ASKED	64	/* questions at a time: what revokes is to have its turn */
#define CLAIMED	1	/* of a token, as the registry has it */
#define SUPERSEDED 4	/* RFC 5280, 5.3.1 */

/**
 * struct asked - a question on its way
 * @entry: among all
 * @f: cordon-fleet
 * @client: who asked
 * @id: of the question; NULL, it is answered
 * @self: key of this gateway
 * @cert: key of the certificate
 * @token: key of the token; empty, there is none
 * @former: key of the revocation of the certificate that the token was claimed for; empty, there is none to revoke
 * @value: of the certificate
 * @claim: of the token, claimed; NULL, it is none's
 * @revocation: of @former
 */
struct asked {
	LIST_ENTRY(asked) entry;
	struct fleet *f;
	uint64_t client;
	json_t *id;
	char self[ETCD_KEY_MAX];
	char cert[ETCD_KEY_MAX];
	char token[ETCD_KEY_MAX];
	char former[ETCD_KEY_MAX];
	char *value;
	char *claim;
	char *revocation;
};

static LIST_HEAD(, asked) all = LIST_HEAD_INITIALIZER(all);
static unsigned int n_all;

static void forget(struct asked *q)
{
	LIST_REMOVE(q, entry);
	n_all--;
	free(q->value);
	free(q->claim);
	free(q->revocation);
	free(q);
}

static void answer(struct asked *q, const char *is, json_t *more)
{
	fleet_answer(q->f, q->client, q->id, is, more);
	forget(q);
}

static void say_no(struct asked *q, const char *is, const char *why)
{
	fleet_say_no(q->f, q->client, q->id, is, why);
	forget(q);
}

static bool is_hex(const char *text, size_t len)
{
	return text && strlen(text) == len && strspn(text, "0123456789abcdef") == len;
}

/* The whole value is ours: who else would have drawn this serial number for this key? */
static bool is_ours(const struct asked *q, const struct etcd_kv *kv)
{
	return kv->len == strlen(q->value) && !memcmp(kv->value, q->value, kv->len);
}

static void on_replica(bool is, void *arg)
{
	if (is)
		answer(arg, "again", NULL);
	else
		say_no(arg, "unreachable", "the registry does not reach what etcd has");
}

/* Somebody was faster: the registry is to have that before it is looked into again. */
static void lost(struct asked *q, const struct etcd_answer *a)
{
	const struct etcd_reply *cert = &a->replies[1], *token = a->n_replies > 2 ? &a->replies[2] : NULL;
	int64_t wait = 0;

	if (cert->n && is_ours(q, &cert->kv[0])) {
		answer(q, "done", NULL);
		return;
	}
	if (cert->n) {
		say_no(q, "refused", "the serial number is another certificate's");
		return;
	}
	if (token)
		wait = token->n ? token->kv[0].mod_revision : a->revision;
	if (a->replies[0].n && a->replies[0].kv[0].mod_revision > wait)
		wait = a->replies[0].kv[0].mod_revision;
	if (!wait)
		wait = a->revision;
	if (fleet_replica_after(q->f, wait, on_replica, q))
		on_replica(false, q);
}

/* The answer was lost: what is there now? Nothing, and it may still come to be: nobody is told that it did not. */
static void reread(const struct etcd_answer *a, void *arg)
{
	struct asked *q = arg;

	if (a->result == ETCD_OK && a->n && is_ours(q, &a->kv[0]))
		answer(q, "done", NULL);
	else
		say_no(q, "unreachable", a->result == ETCD_OK ? "etcd has not said whether it was done" : a->why);
}

static void done(const struct etcd_answer *a, void *arg)
{
	struct asked *q = arg;
	struct fleet *f = q->f;

	if (a->result == ETCD_OK && a->succeeded) {
		fleet_heard(f);
		answer(q, "done", json_pack("{s:I}", "revision", (json_int_t)a->revision));
	} else if (a->result == ETCD_OK && a->n_replies >= 2) {
		lost(q, a);
	} else if (a->unsure && etcd_get(f->etcd, q->cert, 0, reread, q)) {
		return;
	} else {
		say_no(q, a->result == ETCD_REFUSED ? "refused" : "unreachable", a->why);
	}
}

/* What the registry has of a key. NULL, nothing, or out of memory. */
static json_t *row(const struct asked *q, const char *key)
{
	char *text = NULL;
	size_t len = 0;
	json_t *j;

	if (store_fleet_value(&q->f->store, key, &text, &len) || !text)
		return NULL;
	j = json_loadb(text, len, 0, NULL);
	free(text);
	return j;
}

/* One that was never made, or is revoked already, needs no revocation. */
static bool is_to_be_revoked(const struct asked *q, const json_t *cert)
{
	json_t *revoked = row(q, q->former);

	json_decref(revoked);
	return !revoked && json_integer_value(json_object_get(cert, "state")) != STORE_ABANDONED;
}

/*
 * The certificate that the token was claimed for until now may have been made. It is revoked with the claim: whoever
 * takes its place may be killed before anything is made, and the next one finds no trace of the one before. False, it
 * cannot be told what to revoke, or out of memory.
 */
static bool supersede(struct asked *q, const char *serial)
{
	char key[ETCD_KEY_MAX];
	json_t *cert, *j = NULL;

	if (!serial)
		return false;
	snprintf(key, sizeof(key), "all/cert/%s", serial);
	snprintf(q->former, sizeof(q->former), "all/revoked/%s", serial);
	cert = row(q, key);
	if (cert && !is_to_be_revoked(q, cert)) {
		q->former[0] = 0;
		json_decref(cert);
		return true;
	}
	if (cert)
		j = json_pack("{s:i, s:I, s:i, s:O, s:O, s:O, s:s}", "v", 1, "when", (json_int_t)time(NULL), "reason", SUPERSEDED,
			      "until", json_object_get(cert, "until"), "name", json_object_get(cert, "name"), "mac",
			      json_object_get(cert, "mac"), "by", q->f->at.gateway);
	q->revocation = j ? json_dumps(j, JSON_COMPACT | JSON_SORT_KEYS) : NULL;
	json_decref(j);
	json_decref(cert);
	return q->revocation;
}

/* The token's row as the registry has it, claimed. NULL, all is ready; else what is to be answered, and why. */
static const char *claim(struct asked *q, const json_t *question, const char **why)
{
	json_t *token = row(q, q->token);
	int64_t revision = 0, state;
	const char *is = NULL;

	*why = token ? "out of memory" : "the registry has no such token";
	if (!token || store_fleet_revision(&q->f->store, q->token, &revision)) {
		json_decref(token);
		return "refused";
	}
	state = json_integer_value(json_object_get(token, "state"));
	/* The registry has another one by now than whoever asks has looked at, or has seen it used. */
	if (state > CLAIMED || json_integer_value(json_object_get(question, "revision")) != revision)
		is = "again";
	else if (state == CLAIMED && !supersede(q, json_string_value(json_object_get(token, "serial"))))
		is = "refused";
	if (is)
		*why = "the registry does not say which certificate the token was claimed for";
	if (!is) {
		json_object_set_new(token, "state", json_integer(CLAIMED));
		json_object_set(token, "key", json_object_get(question, "key"));
		json_object_set(token, "serial", json_object_get(question, "serial"));
		q->claim = json_dumps(token, JSON_COMPACT | JSON_SORT_KEYS);
		is = q->claim ? NULL : "refused";
	}
	json_decref(token);
	return is;
}

static size_t put(struct etcd_op *op, const char *key, const char *value)
{
	*op = (struct etcd_op){ .verb = ETCD_PUT, .key = key, .value = value, .len = strlen(value) };
	return 1;
}

static void transact(struct asked *q, int64_t revision)
{
	const struct etcd_compare compares[] = {
		{ .key = q->self, .target = ETCD_MOD, .number = q->f->self },
		{ .key = q->cert, .target = ETCD_CREATE, .number = 0 },
		{ .key = q->token, .target = ETCD_MOD, .number = revision },
	};
	const struct etcd_op otherwise[] = {
		{ .verb = ETCD_GET, .key = q->self }, { .verb = ETCD_GET, .key = q->cert }, { .verb = ETCD_GET, .key = q->token },
	};
	struct etcd_op then[3];
	struct etcd_txn t = {
		.compares = compares, .n_compares = q->claim ? 3 : 2, .then = then,
		.otherwise = otherwise, .n_otherwise = q->claim ? 3 : 2,
	};

	if (q->revocation)
		t.n_then += put(&then[t.n_then], q->former, q->revocation);
	t.n_then += put(&then[t.n_then], q->cert, q->value);
	if (q->claim)
		t.n_then += put(&then[t.n_then], q->token, q->claim);
	if (!etcd_txn(q->f->etcd, &t, 0, done, q))
		say_no(q, "unreachable", "too much waits for etcd");
}

/* As the registry has the value of a certificate that is reserved, and not made yet. */
static char *certificate(const struct fleet *f, const json_t *q)
{
	json_t *j = json_pack("{s:i, s:O, s:O, s:O, s:n, s:s, s:O, s:O, s:O, s:i}", "v", 1, "name", json_object_get(q, "name"),
			      "mac", json_object_get(q, "mac"), "key", json_object_get(q, "key"), "fingerprint", "gateway",
			      f->at.gateway, "kind", json_object_get(q, "kind"), "from", json_object_get(q, "from"), "until",
			      json_object_get(q, "until"), "state", STORE_RESERVED);
	char *text = j ? json_dumps(j, JSON_COMPACT | JSON_SORT_KEYS) : NULL;

	json_decref(j);
	return text;
}

/* NULL, it makes sense. */
static const char *fault(const json_t *q)
{
	const char *name = json_string_value(json_object_get(q, "name"));
	const char *mac = json_string_value(json_object_get(q, "mac"));
	uint8_t bytes[6];

	if (!name || !cordon_name_is_valid(name, 64))
		return "certify: name: a name is wanted";
	if (!mac || policy_mac_parse(mac, bytes))
		return "certify: mac: a MAC is wanted";
	if (!is_hex(json_string_value(json_object_get(q, "serial")), 2 * STORE_SERIAL_LEN))
		return "certify: serial: 16 bytes in hexadecimal are wanted";
	if (!is_hex(json_string_value(json_object_get(q, "key")), 64))
		return "certify: key: 32 bytes in hexadecimal are wanted";
	if (!json_is_integer(json_object_get(q, "kind")) || !json_is_integer(json_object_get(q, "from")) ||
	    !json_is_integer(json_object_get(q, "until")))
		return "certify: kind, from and until: numbers are wanted";
	/* Else a claim that has just come from another gateway would be replaced, which nobody has looked at. */
	if (json_is_true(json_object_get(q, "token")) && !json_is_integer(json_object_get(q, "revision")))
		return "certify: revision: with a token, the one that was looked at is wanted";
	return NULL;
}

/**
 * fleet_certify - may a certificate with this serial number be made, and is the token its?
 * @f: cordon-fleet
 * @client: who asks
 * @id: of the question
 * @question: it
 */
void fleet_certify(struct fleet *f, uint64_t client, json_t *id, const json_t *question)
{
	const char *wrong = fault(question), *is = NULL, *why = "out of memory";
	const char *name = json_string_value(json_object_get(question, "name"));
	struct asked *q;

	if (wrong || !f->reachable) {
		fleet_say_no(f, client, id, wrong ? "refused" : "unreachable", wrong ? wrong : "etcd is out of reach");
		return;
	}
	q = n_all < ASKED ? calloc(1, sizeof(*q)) : NULL;
	if (!q) {
		fleet_say_no(f, client, id, "unreachable", n_all < ASKED ? "out of memory" : "too much is asked at a time");
		return;
	}
	*q = (struct asked){ .f = f, .client = client, .id = id, .value = certificate(f, question) };
	LIST_INSERT_HEAD(&all, q, entry);
	n_all++;
	snprintf(q->self, sizeof(q->self), "all/gateway/%s", f->at.gateway);
	snprintf(q->cert, sizeof(q->cert), "all/cert/%s", json_string_value(json_object_get(question, "serial")));
	snprintf(q->token, sizeof(q->token), "all/token/%s", name);
	if (!q->value)
		is = "refused";
	else if (json_is_true(json_object_get(question, "token")))
		is = claim(q, question, &why);
	if (is && !strcmp(is, "again"))
		answer(q, is, NULL);
	else if (is)
		say_no(q, is, why);
	else
		transact(q, json_integer_value(json_object_get(question, "revision")));
}

/** fleet_certify_end - who still waits is not answered: etcd's client is gone, and calls nobody back */
void fleet_certify_end(void)
{
	struct asked *q, *next;

	for (q = LIST_FIRST(&all); q; q = next) {
		next = LIST_NEXT(q, entry);
		json_decref(q->id);
		forget(q);
	}
}
