// SPDX-License-Identifier: GPL-2.0
/*
 * One CA in place of another, in two steps. Publish: the next CA lies in next/ beside the present one, which
 * goes on signing; devices come to know the next root. Activate: the next CA takes the place of the present
 * one. Each step is one rename, so that whoever is killed when: the step was taken or it was not.
 */
#include <errno.h>
#include <openssl/err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../lib/file.h"
#include "make.h"

#define NUMBER_MAX	1000000
#define ADDED		2	/* certificates that a roll-over adds to what devices are given */
#define DAY		86400
#define BRIDGE		"issuing-with-old.crt"

/**
 * struct roll - a roll-over
 * @w: the next CA
 * @old: the present one
 * @old_key: of the present root; NULL, it is not at hand
 * @number: of what is kept of the present one
 */
struct roll {
	struct pki_work w;
	struct pki_ca old;
	EVP_PKEY *old_key;
	int number;
};

static int end(struct roll *r, int ret)
{
	pki_work_end(&r->w, ret);
	EVP_PKEY_free(r->old_key);
	pki_ca_free(&r->old);
	return ret;
}

/**
 * pki_work_name_next - the plan's name, or that of the CA that is to be replaced
 * @w: the plan is set
 * @old: the present CA
 *
 * Return: 0 or -EINVAL.
 */
int pki_work_name_next(struct pki_work *w, const struct pki_ca *old)
{
	char cn[PKI_CA_NAME_MAX + sizeof(PKI_ISSUING_SUFFIX)] = "", *suffix;

	if (w->plan->name)
		return pki_work_name(w, w->plan->name);
	X509_NAME_get_text_by_NID(X509_get_subject_name(old->issuing), NID_commonName, cn, sizeof(cn));
	suffix = strstr(cn, PKI_ISSUING_SUFFIX);
	if (suffix)
		*suffix = 0;
	return pki_work_name(w, cn);
}

static bool is_same_root(const struct roll *r)
{
	return r->w.plan->root && !X509_cmp(r->old.root, r->w.plan->root);
}

/* The one that was given, or the one in the directory. */
static int take_old_key(struct roll *r)
{
	const struct pki_ca_plan *plan = r->w.plan;
	int ret;

	if (is_same_root(r))
		return 0;
	if (plan->old_root_key && EVP_PKEY_up_ref(plan->old_root_key)) {
		r->old_key = plan->old_root_key;
	} else {
		ret = pki_key_load(r->w.dir, "root.key", plan->passphrase, &r->old_key, r->w.err);
		if (ret == -ENOENT)
			return pki_fail(r->w.err, -EPERM, "%.100s/root.key is not there: only with it can devices "
					"that know the present root come to trust the next: put it back, or name "
					"it with --old-root-key; another's root: --csr-out", r->w.dir);
		if (ret)
			return ret;
	}
	return X509_check_private_key(r->old.root, r->old_key) ? 0 :
	       pki_fail(r->w.err, -EPERM, "the old root's key is not that of %.150s/root.crt", r->w.dir);
}

/**
 * pki_work_room - is there room for the next CA's certificates in what devices take from cacerts
 * @w: its error is set
 * @old: the present CA
 * @added: how many come to those of @old
 *
 * All that they would be told is "too many".
 *
 * Return: 0 or -E2BIG.
 */
int pki_work_room(const struct pki_work *w, const struct pki_ca *old, int added)
{
	STACK_OF(X509) *certs = sk_X509_new_null();
	int ret = certs ? pki_ca_trust(old, certs) : -ENOMEM, n = sk_X509_num(certs);

	sk_X509_free(certs);
	if (ret)
		return pki_fail(w->err, ret, "out of memory");
	return n + added <= PKI_BAG_MAX ? 0 :
	       pki_fail(w->err, -E2BIG, "%.150s/previous: with %d certificates there would be more than the %d that "
			"devices take: delete what has served", w->dir, n + added, PKI_BAG_MAX);
}

static int load_old(struct roll *r)
{
	const struct pki_ca_plan *plan = r->w.plan;
	int ret = pki_ca_load(r->w.dir, true, plan->passphrase, &r->old, r->w.err);

	if (ret)
		return ret;
	if (r->old.next)
		return pki_fail(r->w.err, -EALREADY, "%.150s/next: a next CA is published already: activate it",
				r->w.dir);
	ret = pki_work_none_waits(&r->w);
	if (!ret)
		ret = pki_work_room(&r->w, &r->old, ADDED);
	if (!ret)
		ret = take_old_key(r);
	return ret ? ret : pki_work_name_next(&r->w, &r->old);
}

/* One root signed with the other's key (RFC 4210, 4.4), or the issuing certificate with the other root's. */
static X509 *cross(X509 *cert, int pathlen, X509 *issuer, EVP_PKEY *signer)
{
	struct pki_ca_cert c = {
		.key = X509_get_X509_PUBKEY(cert), .same = cert, .issuer = issuer, .signer = signer,
		.pathlen = pathlen,
	};

	if (pki_time_get(X509_get0_notBefore(cert), &c.from) || pki_time_get(X509_get0_notAfter(cert), &c.until))
		return NULL;
	return pki_work_sign(&c);
}

/* A certificate as devices and servers have them, for a look at what leads to it. */
static X509 *sample(X509 *issuing, EVP_PKEY *key, time_t now, struct pki_error *err)
{
	static const char *const names[] = { "roll-over" };
	const struct pki_ca ca = { .issuing = issuing, .key = key };
	X509_PUBKEY *pub = pki_key_public(key);
	uint8_t serial[PKI_SERIAL_LEN];
	const struct pki_profile profile = {
		.kind = PKI_SERVER, .name = names[0], .names = names, .n_names = 1, .serial = serial,
		.not_before = now - DAY, .not_after = now + DAY,
	};
	X509 *cert;

	pki_serial_new(serial);
	cert = pub ? pki_issue(&ca, pub, &profile, err) : NULL;
	X509_PUBKEY_free(pub);
	return cert;
}

/* As who reads it has it: of what was just made OpenSSL knows neither key nor extensions. */
static X509 *reread(X509 *cert)
{
	struct pki_error unused;
	unsigned char *der = NULL;
	int len = cert ? i2d_X509(cert, &der) : 0;
	X509 *read = len > 0 ? pki_cert_parse(der, len, &unused) : NULL;

	OPENSSL_free(der);
	return read;
}

/* Why who trusts one root alone does not trust a certificate; X509_V_OK, they do. */
static int chain_error(X509 *root, X509 *cert, STACK_OF(X509) *chain, time_t now)
{
	X509_STORE_CTX *ctx = X509_STORE_CTX_new();
	X509_STORE *store = X509_STORE_new();
	int why = X509_V_ERR_OUT_OF_MEM;

	if (ctx && store && X509_STORE_add_cert(store, root) && X509_STORE_CTX_init(ctx, store, cert, chain)) {
		X509_VERIFY_PARAM_set_time(X509_STORE_CTX_get0_param(ctx), now);
		why = X509_verify_cert(ctx) == 1 ? X509_V_OK : X509_STORE_CTX_get_error(ctx);
	}
	X509_STORE_free(store);
	X509_STORE_CTX_free(ctx);
	ERR_clear_error();
	return why;
}

/* What the next CA is going to sign is trusted by who knows one of the roots alone. */
static int prove(const struct roll *r, X509 *bridge, X509 *old_with_new)
{
	X509 *made = sample(r->w.issuing, r->w.key, r->w.plan->now, r->w.err);
	X509 *cert = reread(made), *root = reread(r->w.root), *first = reread(bridge), *second = reread(old_with_new);
	STACK_OF(X509) *chain = sk_X509_new_null();
	int present = X509_V_ERR_OUT_OF_MEM, next = present, why;

	if (cert && root && first && second && chain && sk_X509_push(chain, first) && sk_X509_push(chain, second)) {
		present = chain_error(r->old.root, cert, chain, r->w.plan->now);
		next = chain_error(root, cert, chain, r->w.plan->now);
	}
	why = present != X509_V_OK ? present : next;
	sk_X509_free(chain);
	X509_free(second);
	X509_free(first);
	X509_free(root);
	X509_free(cert);
	X509_free(made);
	return why == X509_V_OK ? 0 :
	       pki_fail(r->w.err, -EPERM, "devices that know the %s root alone would not trust the next CA: %s",
			why == present ? "present" : "next", X509_verify_cert_error_string(why));
}

static int write_crosses(const struct roll *r)
{
	X509 *new_with_old, *old_with_new, *bridge;
	int ret;

	if (is_same_root(r))
		return 0;
	new_with_old = cross(r->w.root, 1, r->old.root, r->old_key);
	old_with_new = cross(r->old.root, 1, r->w.root, r->w.root_key);
	bridge = cross(r->w.issuing, 0, r->old.root, r->old_key);
	ret = pki_work_write_cert(&r->w, "new-with-old.crt", new_with_old);
	if (!ret)
		ret = pki_work_write_cert(&r->w, "old-with-new.crt", old_with_new);
	if (!ret)
		ret = pki_work_write_cert(&r->w, BRIDGE, bridge);
	if (!ret)
		ret = prove(r, bridge, old_with_new);
	X509_free(bridge);
	X509_free(new_with_old);
	X509_free(old_with_new);
	return ret;
}

/**
 * pki_ca_publish - make the CA that is to follow, and let devices come to know it
 * @dir: of the CA that is to be replaced; it goes on signing
 * @plan: of the next one; old_root_key is needed where root.key is not in @dir
 * @err: why not
 *
 * Return: 0; -EALREADY, one is published; -EPERM, the root's key is elsewhere, or devices would not trust the
 * next root by the present one; as of pki_ca_load() and pki_ca_make(). @err tells, and @dir is as it was.
 */
int pki_ca_publish(const char *dir, const struct pki_ca_plan *plan, struct pki_error *err)
{
	struct roll r = { .w = { .plan = plan, .lock = -1, .err = err } };
	char next[PATH_MAX + 8];
	int ret = pki_work_begin(&r.w, dir);

	if (!ret)
		ret = load_old(&r);
	if (!ret)
		ret = pki_work_temp(&r.w, "/next.new");
	if (!ret)
		ret = pki_work_build(&r.w);
	if (!ret)
		ret = write_crosses(&r);
	snprintf(next, sizeof(next), "%s/next", r.w.dir);
	if (!ret)
		ret = pki_work_place(&r.w, next, 0);
	if (!ret && file_sync_dir(r.w.dir))
		ret = pki_fail(err, -EIO, "%.200s: cannot be synchronized", r.w.dir);
	return end(&r, ret);
}

static int link_previous(const struct roll *r, const char *from, const char *what, bool needed)
{
	char to[64];

	snprintf(to, sizeof(to), "previous/%02d-%s", r->number, what);
	return pki_work_link(&r->w, from, to, needed);
}

/* What has ended is not kept. The key of an issuing certificate is: it signs its revocation list. */
static int keep_previous(const char *file, X509 *cert, void *arg)
{
	char path[NAME_MAX + 16], key[NAME_MAX + 16];
	struct roll *r = arg;
	long number = strtol(file, NULL, 10);
	time_t from, until;
	int ret;

	if (number >= r->number && number < NUMBER_MAX)
		r->number = (int)number + 1;
	if (pki_validity(cert, &from, &until) || until <= r->w.plan->now)
		return 0;
	snprintf(path, sizeof(path), "previous/%s", file);
	snprintf(key, sizeof(key), "previous/%.*s.key", (int)strlen(file) - 4, file);
	ret = pki_work_link(&r->w, path, path, true);
	return ret ? ret : pki_work_link(&r->w, key, key, false);
}

static int link_next(const struct roll *r)
{
	static const char *const files[] = { "root.crt", "issuing.crt", "issuing.key", "root.key", BRIDGE,
					     PKI_CHAIN_FILE };
	char from[32];
	size_t i;
	int ret = 0;

	for (i = 0; !ret && i < sizeof(files) / sizeof(*files); i++) {
		snprintf(from, sizeof(from), "next/%s", files[i]);
		ret = pki_work_link(&r->w, from, files[i], i < 3);
	}
	return ret;
}

/* Of a root that stays there is nothing to keep. One that was imported has no cross certificates: all, or none. */
static int link_old(const struct roll *r)
{
	char bridge[PATH_MAX + 32];
	int ret = link_previous(r, "issuing.crt", "issuing.crt", true);
	bool crossed;

	snprintf(bridge, sizeof(bridge), "%s/next/" BRIDGE, r->w.dir);
	crossed = !access(bridge, F_OK);
	if (!ret)
		ret = link_previous(r, "issuing.key", "issuing.key", false);
	if (!ret)
		ret = link_previous(r, PKI_CHAIN_FILE, PKI_CHAIN_FILE, false);
	if (ret || !X509_cmp(r->old.root, r->old.next))
		return ret;
	ret = link_previous(r, "root.crt", "root.crt", true);
	if (!ret)
		ret = link_previous(r, "next/old-with-new.crt", "old-with-new.crt", crossed);
	return ret ? ret : link_previous(r, "next/new-with-old.crt", "new-with-old.crt", crossed);
}

static int assemble(struct roll *r)
{
	static const char *const known[] = { "root.crt", "root.key", "issuing.crt", "issuing.key", BRIDGE, PKI_CHAIN_FILE,
					     "next", "next.new", "previous", PKI_REQUEST_DIR, PKI_REQUEST_NEW, NULL };
	char path[PATH_MAX + 32];
	int ret;

	snprintf(path, sizeof(path), "%s/previous", r->w.temp);
	if (mkdir(path, 0700))
		return pki_fail(r->w.err, -errno, "%.200s: %s", path, strerror(errno));
	ret = pki_previous_each(r->w.dir, keep_previous, r, r->w.err);
	if (!ret)
		ret = link_old(r);
	if (!ret)
		ret = link_next(r);
	if (!ret)
		ret = pki_work_link_rest(&r->w, known);
	if (!ret && file_sync_dir(path))
		ret = pki_fail(r->w.err, -EIO, "%.200s: cannot be synchronized", path);
	return ret;
}

/* What is put in place can be loaded, whatever was kept: a list of a root that is not kept cannot. */
static int check_whole(const struct roll *r)
{
	struct pki_ca ca;
	int ret = pki_ca_load(r->w.temp, false, NULL, &ca, r->w.err);

	if (!ret)
		pki_ca_free(&ca);
	return ret;
}

/**
 * pki_ca_activate - from now on the CA that was published signs
 * @dir: of the CA
 * @now: what has ended by then is not kept
 * @err: why not
 *
 * What the old one issued stays good: its certificates stay in previous/, with the key that signs its revocation
 * list. The old root's key is deleted: the cross certificate that it was needed for is there.
 *
 * Return: 0; -ENOENT, none is published; -EISDIR, a directory is in the way; -EBUSY; -errno. @err tells, and
 * @dir is as it was.
 */
int pki_ca_activate(const char *dir, time_t now, struct pki_error *err)
{
	const struct pki_ca_plan plan = { .now = now };
	struct roll r = { .w = { .plan = &plan, .lock = -1, .err = err }, .number = 1 };
	int ret = pki_work_begin(&r.w, dir);

	if (!ret)
		ret = pki_ca_load(r.w.dir, false, NULL, &r.old, err);
	if (!ret && !r.old.next)
		ret = pki_fail(err, -ENOENT, "%.150s/next: no next CA is published", r.w.dir);
	if (!ret)
		ret = pki_work_temp(&r.w, ".new");
	if (!ret)
		ret = assemble(&r);
	if (!ret)
		ret = check_whole(&r);
	if (!ret)
		ret = pki_work_place(&r.w, r.w.dir, RENAME_EXCHANGE);
	if (!ret)
		pki_tree_remove(r.w.temp);
	return end(&r, ret);
}
