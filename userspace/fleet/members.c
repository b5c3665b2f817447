// SPDX-License-Identifier: GPL-2.0
/*
 * Who is in the fleet: "fleet" says below which root, and all/gateway/NAME that NAME is, and with which issuing CA.
 *
 *	init	neither "fleet" nor this gateway is there --> both are put
 *	add	read "fleet" --> it and this gateway are as they were, that one is not there --> it is put
 */
#include <errno.h>
#include <openssl/bn.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <syslog.h>

#include "fleet/internal.h"
#include "lib/policy.h"

#define FLEET_KEY	"fleet"
#define FORMAT		1
#define HEX_LEN		(2 * PKI_FINGERPRINT_LEN + 1)
#define REASON_LEN	ETCD_WHY
#define CLIENT_LEN	256

/**
 * struct member - a question on its way, or a look at the root
 * @entry: among all
 * @f: cordon-fleet
 * @call: to etcd
 * @client: who asked
 * @id: of the question; NULL, nobody asked
 * @gateway: who is to be in the fleet
 * @value: of its key
 * @issuer: SHA-256 of its issuing certificate
 * @then: told of the root
 */
struct member {
	LIST_ENTRY(member) entry;
	struct fleet *f;
	struct etcd_call *call;
	uint64_t client;
	json_t *id;
	char gateway[STORE_GATEWAY_LEN];
	char *value;
	char issuer[HEX_LEN];
	void (*then)(struct fleet *f, enum fleet_root is, const char *why);
};

/**
 * struct fleet_members - this gateway's side of it
 * @ca: its CA, without a key
 * @root: SHA-256 of the root
 * @client: whose certificate this gateway shows to etcd; empty, none
 * @list: on their way
 */
struct fleet_members {
	struct pki_ca ca;
	char root[HEX_LEN];
	char client[CLIENT_LEN];
	LIST_HEAD(, member) list;
};

static bool fingerprint(const X509 *cert, char out[HEX_LEN])
{
	uint8_t digest[PKI_FINGERPRINT_LEN];

	if (pki_fingerprint(cert, digest))
		return false;
	policy_hex_text(digest, sizeof(digest), out);
	return true;
}

static void member_free(struct member *m)
{
	if (m->call)
		etcd_cancel(m->call);
	LIST_REMOVE(m, entry);
	json_decref(m->id);
	free(m->value);
	free(m);
}

static struct member *member_new(struct fleet *f)
{
	struct member *m = calloc(1, sizeof(*m));

	if (!m)
		return NULL;
	m->f = f;
	LIST_INSERT_HEAD(&f->members->list, m, entry);
	return m;
}

/* Answer, and that was it. */
static void finish(struct member *m, const char *is, const char *why)
{
	json_t *more = why ? json_pack("{s:s}", "why", why) : json_pack("{s:s, s:s}", "gateway", m->gateway, "issuer", m->issuer);

	serve_log(why ? LOG_WARNING : LOG_NOTICE, why ? "not taken into the fleet" : "taken into the fleet", "gateway",
		  m->gateway, "why", why, NULL);
	fleet_answer(m->f, m->client, json_incref(m->id), is, more);
	member_free(m);
}

static void refuse(struct fleet *f, uint64_t client, json_t *id, const char *why)
{
	fleet_answer(f, client, id, "refused", json_pack("{s:s}", "why", why));
}

/* Etcd is not there, or says no; what was sent may have been carried out, and is found to be when it is asked again. */
static void fail(struct member *m, const struct etcd_answer *a)
{
	finish(m, a->result == ETCD_REFUSED || a->result == ETCD_WENT_BACK || a->result == ETCD_OTHER_CLUSTER ? "refused" :
	       "unreachable", a->why);
}

static char *gateway_value(const char *pem, const char *issuer)
{
	json_t *j = json_pack("{s:i, s:s, s:s}", "v", FORMAT, "certificate", pem, "issuer", issuer);
	char *text = j ? json_dumps(j, JSON_COMPACT | JSON_SORT_KEYS) : NULL;

	json_decref(j);
	return text;
}

static char *fleet_value(const char *root)
{
	json_t *j = json_pack("{s:i, s:s}", "v", FORMAT, "root", root);
	char *text = j ? json_dumps(j, JSON_COMPACT | JSON_SORT_KEYS) : NULL;

	json_decref(j);
	return text;
}

/* Return: free(); NULL, no memory. */
static char *pem_of(X509 *cert)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *text = NULL, *out = NULL;
	long len;

	if (bio && PEM_write_bio_X509(bio, cert)) {
		len = BIO_get_mem_data(bio, &text);
		out = len > 0 ? strndup(text, len) : NULL;
	}
	BIO_free(bio);
	return out;
}

static bool member_value(struct member *m, X509 *cert)
{
	char *pem = fingerprint(cert, m->issuer) ? pem_of(cert) : NULL;

	m->value = pem ? gateway_value(pem, m->issuer) : NULL;
	free(pem);
	return m->value;
}

/**
 * fleet_root_is_right - is the fleet's root that of this gateway's CA
 * @f: cordon-fleet
 * @value: of the key "fleet"
 * @len: of @value
 * @why: a sentence, if it is not
 * @size: of @why
 */
bool fleet_root_is_right(const struct fleet *f, const char *value, size_t len, char *why, size_t size)
{
	json_t *j = json_loadb(value, len, JSON_REJECT_DUPLICATES, NULL);
	const char *root = json_string_value(json_object_get(j, "root"));
	bool good = false;

	if (json_integer_value(json_object_get(j, "v")) != FORMAT || !root)
		snprintf(why, size, "the fleet's own entry in etcd is none that this version knows");
	else if (strcmp(root, f->members->root) != 0)
		snprintf(why, size, "the fleet's root has SHA-256 %.64s, this gateway's CA has a root with %s", root,
			 f->members->root);
	else
		good = true;
	json_decref(j);
	return good;
}

static void on_root(const struct etcd_answer *a, void *arg)
{
	struct member *m = arg;
	void (*then)(struct fleet *f, enum fleet_root is, const char *why) = m->then;
	enum fleet_root is = FLEET_ROOT_UNKNOWN;
	struct fleet *f = m->f;
	char why[REASON_LEN] = "";

	m->call = NULL;
	if (a->result != ETCD_OK)
		snprintf(why, sizeof(why), "%s", a->why);
	else if (!a->n)
		is = FLEET_ROOT_NONE;
	else
		is = fleet_root_is_right(f, (char *)a->kv[0].value, a->kv[0].len, why, sizeof(why)) ? FLEET_ROOT_RIGHT :
		     FLEET_ROOT_WRONG;
	if (is == FLEET_ROOT_NONE)
		snprintf(why, sizeof(why), "there is no fleet in etcd yet: 'cordonctl fleet init' on its first gateway");
	member_free(m);
	if (a->result == ETCD_WENT_BACK || a->result == ETCD_OTHER_CLUSTER)
		fleet_refuse(f, why);
	then(f, is, why);
}

/**
 * fleet_root_look - ask etcd for the fleet's root
 * @f: cordon-fleet, with etcd and members
 * @then: told once, from the loop; not if cordon-fleet ends before
 *
 * Return: 0; -errno, nothing was asked.
 */
int fleet_root_look(struct fleet *f, void (*then)(struct fleet *f, enum fleet_root is, const char *why))
{
	struct member *m = member_new(f);

	if (!m)
		return -ENOMEM;
	m->then = then;
	m->call = etcd_get(f->etcd, FLEET_KEY, 0, on_root, m);
	if (m->call)
		return 0;
	member_free(m);
	return -EAGAIN;
}

static const struct etcd_kv *found(const struct etcd_answer *a, size_t n)
{
	return n < a->n_replies && a->replies[n].n ? &a->replies[n].kv[0] : NULL;
}

/* What is there already under the gateway's key: what was asked for, as after an answer that was lost; or a sentence. */
static const char *compare_known(const struct member *m, const struct etcd_kv *kv)
{
	json_t *j = json_loadb((char *)kv->value, kv->len, 0, NULL);
	const char *issuer = json_string_value(json_object_get(j, "issuer")), *why = NULL;
	const json_t *expelled = json_object_get(j, "expelled");

	if (json_is_true(expelled) || json_integer_value(expelled))
		why = "a gateway of this name was expelled: let it come back under another name, with another issuing CA";
	else if (!issuer || strcmp(issuer, m->issuer) != 0)
		why = "a gateway of this name is in the fleet, with another issuing CA: the next one it tells itself";
	json_decref(j);
	return why;
}

static void on_init(const struct etcd_answer *a, void *arg)
{
	const struct etcd_kv *fleet = found(a, 0), *own = found(a, 1);
	struct member *m = arg;
	char why[REASON_LEN];
	const char *known;

	m->call = NULL;
	if (a->result != ETCD_OK) {
		fail(m, a);
	} else if (a->succeeded) {
		finish(m, "done", NULL);
	} else if (!fleet) {
		finish(m, "refused", "a gateway of this name is in etcd, and no fleet: is the prefix another installation's?");
	} else if (!fleet_root_is_right(m->f, (char *)fleet->value, fleet->len, why, sizeof(why))) {
		finish(m, "refused", why);
	} else {
		known = own ? compare_known(m, own) : "there is a fleet: 'cordonctl fleet add' on a gateway of it";
		finish(m, known ? "refused" : "done", known);
	}
}

static int put_first(struct member *m)
{
	char key[ETCD_KEY_MAX], *fleet = fleet_value(m->f->members->root);
	const struct etcd_compare compares[] = {
		{ .key = FLEET_KEY, .target = ETCD_CREATE }, { .key = key, .target = ETCD_CREATE },
	};
	const struct etcd_op then[] = {
		{ .verb = ETCD_PUT, .key = FLEET_KEY, .value = fleet, .len = fleet ? strlen(fleet) : 0 },
		{ .verb = ETCD_PUT, .key = key, .value = m->value, .len = strlen(m->value) },
	};
	const struct etcd_op otherwise[] = { { .verb = ETCD_GET, .key = FLEET_KEY }, { .verb = ETCD_GET, .key = key } };
	const struct etcd_txn t = { .compares = compares, .n_compares = 2, .then = then, .n_then = 2, .otherwise = otherwise,
				    .n_otherwise = 2 };

	snprintf(key, sizeof(key), "all/gateway/%s", m->gateway);
	m->call = fleet ? etcd_txn(m->f->etcd, &t, 0, on_init, m) : NULL;
	free(fleet);
	return m->call ? 0 : -EAGAIN;
}

/**
 * fleet_init - begin a fleet, with this gateway in it
 * @f: cordon-fleet
 * @client: who asked
 * @id: of the question; is taken over
 * @q: the question
 */
void fleet_init(struct fleet *f, uint64_t client, json_t *id, const json_t *q)
{
	struct member *m = member_new(f);

	(void)q;
	if (!m) {
		refuse(f, client, id, "out of memory");
		return;
	}
	m->client = client;
	m->id = id;
	snprintf(m->gateway, sizeof(m->gateway), "%s", f->config->fleet.gateway);
	if (!fleet_ca(f) || !member_value(m, fleet_ca(f)->issuing))
		finish(m, "refused", fleet_ca(f) ? "out of memory" : "this gateway has no CA: 'cordonctl ca init' makes one");
	else if (put_first(m))
		finish(m, "unreachable", "etcd cannot be asked now");
}

static void on_added(const struct etcd_answer *a, void *arg)
{
	const struct etcd_kv *there = found(a, 0);
	struct member *m = arg;
	const char *known;

	m->call = NULL;
	if (a->result != ETCD_OK) {
		fail(m, a);
	} else if (a->succeeded) {
		finish(m, "done", NULL);
	} else if (there) {
		known = compare_known(m, there);
		finish(m, known ? "refused" : "done", known);
	} else {
		finish(m, "refused", "this gateway's own entry has changed meanwhile, or it was expelled: look at it, and try again");
	}
}

static int put_other(struct member *m, int64_t fleet)
{
	char key[ETCD_KEY_MAX], self[ETCD_KEY_MAX];
	const struct etcd_compare compares[] = {
		{ .key = FLEET_KEY, .target = ETCD_MOD, .number = fleet },
		{ .key = self, .target = ETCD_MOD, .number = m->f->self },
		{ .key = key, .target = ETCD_CREATE },
	};
	const struct etcd_op then = { .verb = ETCD_PUT, .key = key, .value = m->value, .len = strlen(m->value) };
	const struct etcd_op otherwise = { .verb = ETCD_GET, .key = key };
	const struct etcd_txn t = { .compares = compares, .n_compares = 3, .then = &then, .n_then = 1,
				    .otherwise = &otherwise, .n_otherwise = 1 };

	snprintf(key, sizeof(key), "all/gateway/%s", m->gateway);
	snprintf(self, sizeof(self), "all/gateway/%s", m->f->config->fleet.gateway);
	m->call = etcd_txn(m->f->etcd, &t, 0, on_added, m);
	return m->call ? 0 : -EAGAIN;
}

static void on_fleet(const struct etcd_answer *a, void *arg)
{
	struct member *m = arg;
	char why[REASON_LEN];

	m->call = NULL;
	if (a->result != ETCD_OK)
		fail(m, a);
	else if (!a->n)
		finish(m, "refused", "there is no fleet in etcd: 'cordonctl fleet init' on its first gateway");
	else if (!fleet_root_is_right(m->f, (char *)a->kv[0].value, a->kv[0].len, why, sizeof(why)))
		finish(m, "refused", why);
	else if (put_other(m, a->kv[0].mod_revision))
		finish(m, "unreachable", "etcd cannot be asked now");
}

/* Another gateway with this issuing CA would be expelled with it. */
static int is_taken(const struct store_fleet_gateway *g, void *arg)
{
	const struct member *m = arg;
	char issuer[HEX_LEN];

	policy_hex_text(g->issuer, sizeof(g->issuer), issuer);
	return !strcmp(issuer, m->issuer) && strcmp(g->name, m->gateway) != 0 ? -EEXIST : 0;
}

/* The first certificate in it, which must be of a CA that issues below the root. */
static X509 *take_certificate(const struct fleet *f, const char *pem, struct pki_error *err)
{
	BIO *bio = pem ? BIO_new_mem_buf(pem, -1) : NULL;
	X509 *cert = bio ? PEM_read_bio_X509(bio, NULL, NULL, NULL) : NULL;
	time_t from, until;

	BIO_free(bio);
	if (!cert)
		snprintf(err->text, sizeof(err->text), "holds no certificate (PEM)");
	else if (!pki_fleet_check(&f->members->ca, cert, err)) {
		if (!pki_validity(cert, &from, &until) && until > time(NULL))
			return cert;
		snprintf(err->text, sizeof(err->text), "the certificate has expired");
	}
	X509_free(cert);
	return NULL;
}

/* A sentence, or NULL. */
static const char *prepare(struct member *m, const json_t *q, struct pki_error *err)
{
	const char *name = json_string_value(json_object_get(q, "gateway"));
	const char *pem = json_string_value(json_object_get(q, "certificate"));
	struct fleet *f = m->f;
	X509 *cert;
	bool good;
	int ret;

	if (!name || strlen(name) >= sizeof(m->gateway) || !cordon_name_is_valid(name, sizeof(m->gateway)))
		return "not a gateway's name";
	strcpy(m->gateway, name);
	/* Its row is there, and as it was. */
	if (f->expelled)
		return "this gateway is expelled from the fleet";
	if (!f->self || !fleet_ca(f))
		return f->self ? "this gateway has no CA" : "this gateway is in no fleet itself";
	cert = take_certificate(f, pem, err);
	if (!cert)
		return err->text;
	good = member_value(m, cert);
	X509_free(cert);
	if (!good)
		return "out of memory";
	ret = store_fleet_gateway_each(&f->store, is_taken, m);
	return !ret ? NULL : ret == -EEXIST ? "another gateway of the fleet has this issuing CA" : f->store.error;
}

/**
 * fleet_add - let a gateway into the fleet
 * @f: cordon-fleet
 * @client: who asked
 * @id: of the question; is taken over
 * @q: "gateway", "certificate"
 */
void fleet_add(struct fleet *f, uint64_t client, json_t *id, const json_t *q)
{
	struct member *m = member_new(f);
	struct pki_error err;
	const char *why;

	if (!m) {
		refuse(f, client, id, "out of memory");
		return;
	}
	m->client = client;
	m->id = id;
	why = prepare(m, q, &err);
	if (why) {
		finish(m, "refused", why);
		return;
	}
	m->call = etcd_get(f->etcd, FLEET_KEY, 0, on_fleet, m);
	if (!m->call)
		finish(m, "unreachable", "etcd cannot be asked now");
}

/* So that whoever expels this gateway can tell etcd's members whom to let in no more. */
static void read_client(struct fleet *f)
{
	BIO *in = f->config->fleet.cert[0] ? BIO_new_file(f->config->fleet.cert, "r") : NULL;
	X509 *cert = in ? PEM_read_bio_X509(in, NULL, NULL, NULL) : NULL;
	BIGNUM *number = cert ? ASN1_INTEGER_to_BN(X509_get0_serialNumber(cert), NULL) : NULL;
	char subject[128], *serial = number ? BN_bn2hex(number) : NULL;

	if (serial) {
		pki_subject_text(cert, subject, sizeof(subject));
		snprintf(f->members->client, sizeof(f->members->client), "serial number %.64s, '%s'", serial, subject);
	}
	OPENSSL_free(serial);
	BN_free(number);
	X509_free(cert);
	BIO_free(in);
	ERR_clear_error();
}

/** fleet_client - serial number and subject of this gateway's certificate for etcd; empty, it has none */
const char *fleet_client(const struct fleet *f)
{
	return f->members->client;
}

/**
 * fleet_members_begin - know this gateway's root
 * @f: cordon-fleet, which may still open files
 *
 * Without a CA there is nothing to compare, and no server that would let a device in.
 *
 * Return: 0; -errno, with a line in the log.
 */
int fleet_members_begin(struct fleet *f)
{
	struct fleet_members *own = calloc(1, sizeof(*own));
	struct pki_error err = { "out of memory" };
	int ret = own ? pki_ca_load(f->config->ca, false, NULL, &own->ca, &err) : -ENOMEM;

	if (ret)
		serve_log(ret == -ENOENT ? LOG_WARNING : LOG_ERR, "cannot load the CA", "why", err.text, NULL);
	if (ret && ret != -ENOENT) {
		free(own);
		return ret;
	}
	LIST_INIT(&own->list);
	f->members = own;
	read_client(f);
	return ret || fingerprint(own->ca.root, own->root) ? 0 : -ENOMEM;
}

/** fleet_members_end - who asked is not answered any more */
void fleet_members_end(struct fleet *f)
{
	struct fleet_members *own = f->members;
	struct member *m, *next;

	if (!own)
		return;
	for (m = LIST_FIRST(&own->list); m; m = next) {
		next = LIST_NEXT(m, entry);
		member_free(m);
	}
	pki_ca_free(&own->ca);
	free(own);
	f->members = NULL;
}

/** fleet_ca - this gateway's CA, without a key; NULL, there is none yet */
const struct pki_ca *fleet_ca(const struct fleet *f)
{
	return f->members->ca.root ? &f->members->ca : NULL;
}
