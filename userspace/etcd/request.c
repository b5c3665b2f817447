// SPDX-License-Identifier: GPL-2.0
/* What is asked of etcd, and what the answers mean. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "etcd/internal.h"

/**
 * answer_free - what an answer holds
 * @a: the answer
 */
void answer_free(struct etcd_answer *a)
{
	size_t i;

	kv_free(a->kv, a->n);
	for (i = 0; i < a->n_replies; i++)
		kv_free(a->replies[i].kv, a->replies[i].n);
	free(a->replies);
	memset(a, 0, sizeof(*a));
}

static void *wrong(void)
{
	errno = EINVAL;
	return NULL;
}

/* Sets a field; @whole becomes NULL if there is no memory. */
static void put(json_t **whole, const char *name, json_t *value)
{
	if (*whole && !json_object_set_new(*whole, name, value))
		return;
	if (!*whole)
		json_decref(value);
	json_decref(*whole);
	*whole = NULL;
}

static bool parse_range(struct etcd *e, const json_t *root, struct etcd_answer *a)
{
	return json_flag(root, "more", &a->more) && json_kvs(e, root, &a->kv, &a->n);
}

/* Keys that begin with @under, or the one. */
static json_t *range_of(const struct etcd *e, const char *under, bool all, const char *after)
{
	json_t *r = json_object();

	/* The first key behind another is that one with a byte 0 more. */
	put(&r, "key", after ? json_key(e, after, "", 1) : json_key(e, under, NULL, 0));
	if (all)
		put(&r, "range_end", json_key_end(e, under));
	return r;
}

/**
 * etcd_range - keys in their order, as they are or were; never older than what this client has seen
 * @e: the client
 * @r: which
 * @timeout: ms
 * @done: is called with them
 * @arg: for @done
 *
 * Return: the call; NULL, see etcd.h.
 */
struct etcd_call *etcd_range(struct etcd *e, const struct etcd_range *r, unsigned int timeout, etcd_done *done,
			     void *arg)
{
	json_t *body;

	if (!key_valid(e, r->under, !r->one) || (r->after && (r->one || !key_valid(e, r->after, false) ||
	    strncmp(r->after, r->under, strlen(r->under)))) || r->revision < 0)
		return wrong();
	body = range_of(e, r->under, !r->one, r->after);
	if (r->limit)
		put(&body, "limit", json_number(r->limit));
	if (r->revision)
		put(&body, "revision", json_number(r->revision));
	return call_new(e, "/v3/kv/range", body, false, timeout, parse_range, done, arg);
}

/**
 * etcd_get - one key
 * @e: the client
 * @key: which
 * @timeout: ms
 * @done: is called with it, or none
 * @arg: for @done
 *
 * Return: the call; NULL, see etcd.h.
 */
struct etcd_call *etcd_get(struct etcd *e, const char *key, unsigned int timeout, etcd_done *done, void *arg)
{
	struct etcd_range r = { .under = key, .one = true };

	return etcd_range(e, &r, timeout, done, arg);
}

static json_t *compare(const struct etcd *e, const struct etcd_compare *c)
{
	static const char *const targets[] = { "VERSION", "CREATE", "MOD" };
	static const char *const fields[] = { "version", "create_revision", "mod_revision" };
	json_t *j = json_object();

	put(&j, "key", json_key(e, c->key, NULL, 0));
	put(&j, "target", json_string(targets[c->target]));
	put(&j, "result", json_string("EQUAL"));
	put(&j, fields[c->target], json_number(c->number));
	return j;
}

static json_t *operation(const struct etcd *e, const struct etcd_op *op)
{
	static const char *const names[] = { "request_put", "request_range", "request_delete_range" };
	json_t *in = range_of(e, op->key, op->all, NULL), *out = json_object();

	if (op->verb == ETCD_PUT) {
		put(&in, "value", json_bytes(op->value, op->len));
		if (op->lease)
			put(&in, "lease", json_number(op->lease));
	}
	put(&out, names[op->verb], in);
	return out;
}

static json_t *operations(const struct etcd *e, const struct etcd_op *op, size_t n)
{
	json_t *list = json_array();
	size_t i;

	for (i = 0; list && i < n; i++) {
		if (!json_array_append_new(list, operation(e, &op[i])))
			continue;
		json_decref(list);
		list = NULL;
	}
	return list;
}

static bool ops_valid(const struct etcd *e, const struct etcd_op *op, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		if ((unsigned int)op[i].verb > ETCD_DELETE || (op[i].verb == ETCD_PUT && op[i].all) ||
		    op[i].lease < 0 || !key_valid(e, op[i].key, op[i].all))
			return false;
	return n <= ETCD_OPS;
}

static bool txn_valid(const struct etcd *e, const struct etcd_txn *t)
{
	size_t i;

	for (i = 0; i < t->n_compares; i++)
		if (!key_valid(e, t->compares[i].key, false) || (unsigned int)t->compares[i].target > ETCD_MOD)
			return false;
	return t->n_compares <= ETCD_OPS && ops_valid(e, t->then, t->n_then) &&
	       ops_valid(e, t->otherwise, t->n_otherwise);
}

static bool parse_reply(struct etcd *e, const json_t *j, struct etcd_reply *r)
{
	const json_t *get = json_object_get(j, "response_range"), *gone = json_object_get(j, "response_delete_range");

	if (get)
		return json_kvs(e, get, &r->kv, &r->n);
	return gone ? json_i64(gone, "deleted", &r->deleted) : !!json_object_get(j, "response_put");
}

static bool parse_txn(struct etcd *e, const json_t *root, struct etcd_answer *a)
{
	const json_t *list = json_object_get(root, "responses");
	size_t i, n = json_array_size(list);

	if ((list && !json_is_array(list)) || n > ETCD_OPS || !json_flag(root, "succeeded", &a->succeeded))
		return false;
	a->replies = calloc(n + 1, sizeof(*a->replies));
	if (!a->replies)
		return false;
	for (i = 0; i < n; i++) {
		if (!parse_reply(e, json_array_get(list, i), &a->replies[i]))
			return false;
		a->n_replies++;
	}
	return true;
}

/**
 * etcd_txn - compare, then one of two lists of operations; all at one revision
 * @e: the client
 * @t: what; copied
 * @timeout: ms
 * @done: is called with which branch it was, and what its operations gave
 * @arg: for @done
 *
 * Return: the call; NULL, see etcd.h.
 */
struct etcd_call *etcd_txn(struct etcd *e, const struct etcd_txn *t, unsigned int timeout, etcd_done *done, void *arg)
{
	json_t *body = json_object(), *list = json_array();
	bool writes = false;
	size_t i;

	if (!txn_valid(e, t)) {
		json_decref(body);
		json_decref(list);
		return wrong();
	}
	for (i = 0; list && i < t->n_compares; i++) {
		if (!json_array_append_new(list, compare(e, &t->compares[i])))
			continue;
		json_decref(list);
		list = NULL;
	}
	for (i = 0; i < t->n_then; i++)
		writes |= t->then[i].verb != ETCD_GET;
	for (i = 0; i < t->n_otherwise; i++)
		writes |= t->otherwise[i].verb != ETCD_GET;
	put(&body, "compare", list);
	put(&body, "success", operations(e, t->then, t->n_then));
	put(&body, "failure", operations(e, t->otherwise, t->n_otherwise));
	return call_new(e, "/v3/kv/txn", body, writes, timeout, parse_txn, done, arg);
}

static bool parse_lease(struct etcd *e, const json_t *root, struct etcd_answer *a)
{
	(void)e;
	return json_i64(root, "ID", &a->lease) && json_i64(root, "TTL", &a->ttl);
}

static bool parse_grant(struct etcd *e, const json_t *root, struct etcd_answer *a)
{
	return parse_lease(e, root, a) && a->lease && a->ttl;
}

static struct etcd_call *lease_call(struct etcd *e, const char *path, int64_t lease, bool writes, unsigned int timeout,
				    etcd_done *done, void *arg)
{
	json_t *body = json_object();

	put(&body, "ID", json_number(lease));
	return call_new(e, path, body, writes, timeout, parse_lease, done, arg);
}

/**
 * etcd_lease_grant - a lease, with which keys may go
 * @e: the client
 * @ttl: seconds
 * @timeout: ms
 * @done: is called with its id, and the seconds that it got
 * @arg: for @done
 *
 * Return: the call; NULL, see etcd.h.
 */
struct etcd_call *etcd_lease_grant(struct etcd *e, int64_t ttl, unsigned int timeout, etcd_done *done, void *arg)
{
	json_t *body;

	if (ttl <= 0)
		return wrong();
	body = json_object();
	put(&body, "TTL", json_number(ttl));
	return call_new(e, "/v3/lease/grant", body, true, timeout, parse_grant, done, arg);
}

/**
 * etcd_lease_keep - its time begins anew
 * @e: the client
 * @lease: id
 * @timeout: ms
 * @done: is called with the seconds that it has; 0, it is gone, and its keys are
 * @arg: for @done
 *
 * Return: the call; NULL, see etcd.h.
 */
struct etcd_call *etcd_lease_keep(struct etcd *e, int64_t lease, unsigned int timeout, etcd_done *done, void *arg)
{
	if (lease <= 0)
		return wrong();
	return lease_call(e, "/v3/lease/keepalive", lease, false, timeout, done, arg);
}

/**
 * etcd_lease_revoke - it ends now, and its keys go
 * @e: the client
 * @lease: id
 * @timeout: ms
 * @done: is called; ETCD_REFUSED, there was none such
 * @arg: for @done
 *
 * Return: the call; NULL, see etcd.h.
 */
struct etcd_call *etcd_lease_revoke(struct etcd *e, int64_t lease, unsigned int timeout, etcd_done *done, void *arg)
{
	if (lease <= 0)
		return wrong();
	return lease_call(e, "/v3/lease/revoke", lease, true, timeout, done, arg);
}

static bool parse_status(struct etcd *e, const json_t *root, struct etcd_answer *a)
{
	const char *version = json_string_value(json_object_get(root, "version"));
	uint64_t leader;

	(void)e;
	if (!version || !json_i64(root, "dbSize", &a->size) || !json_u64(root, "leader", &leader))
		return false;
	snprintf(a->version, sizeof(a->version), "%s", version);
	a->leader = leader;
	return true;
}

/**
 * etcd_status - how the member does that is asked
 * @e: the client
 * @timeout: ms
 * @done: is called with it
 * @arg: for @done
 *
 * Return: the call; NULL, see etcd.h.
 */
struct etcd_call *etcd_status(struct etcd *e, unsigned int timeout, etcd_done *done, void *arg)
{
	return call_new(e, "/v3/maintenance/status", json_object(), false, timeout, parse_status, done, arg);
}
