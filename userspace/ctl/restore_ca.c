// SPDX-License-Identifier: GPL-2.0
/* restore: the CA's directory, with the keys of the backup or, where it has none of a certificate, of this machine. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ctl/restore.h"
#include "lib/file.h"
#include "pki/make.h"
#include "pki/parts.h"

#define REQUEST	"ca/" PKI_REQUEST_DIR "/"	/* begins the names of what waits for a certificate of the CA */
#define FILE_MAX (64 << 20)

static bool refuse(const char *object, int err)
{
	complain(object, strerror(-err));
	return false;
}

static bool is_key(const char *name)
{
	size_t len = strlen(name);

	return len > 4 && !strcmp(name + len - 4, ".key");
}

/* One file into another, which may be a key. */
static bool copy(const char *from, const char *to, mode_t mode)
{
	char *data;
	size_t len;
	int err = file_read(from, FILE_MAX, &data, &len);

	if (err)
		return refuse(from, err);
	err = backup_make_parents(to, 0700) ? file_write(to, data, len, mode) : -EIO;
	explicit_bzero(data, len);
	free(data);
	return !err || refuse(to, err);
}

/* As it was before the backup: in the clear. */
static bool unseal(struct restoring *r, const char *from, const char *to)
{
	struct pki_error why;
	char *text, *clear;
	size_t len;
	int err;

	if (!r->passphrase[0] && !backup_passphrase(&r->w, false, r->passphrase))
		return false;
	err = file_read(from, FILE_MAX, &text, &len);
	if (err)
		return refuse(from, err);
	err = backup_recode_key(text, r->passphrase, NULL, &clear, &len, &why);
	free(text);
	if (err) {
		fprintf(stderr, "cordonctl: %s: %s: %s; nothing was changed\n", r->w.file, from + strlen(r->work) + 1, why.text);
		return false;
	}
	err = backup_make_parents(to, 0700) ? file_write(to, clear, len, 0600) : -EIO;
	OPENSSL_clear_free(clear, len);
	return !err || refuse(to, err);
}

static bool stage_one(struct restoring *r, const struct backup_part *p)
{
	char from[PATH_MAX], to[PATH_MAX];

	if (!backup_path(from, sizeof(from), r->work, p->name) ||
	    !backup_path(to, sizeof(to), r->ca, p->name + strlen("ca/")))
		return false;
	if ((p->sealed || is_key(p->name)) && !r->w.keys)
		return true;
	return p->sealed ? unseal(r, from, to) : copy(from, to, is_key(p->name) ? 0600 : p->mode);
}

/* The key of a certificate that is the same here and in the backup, which is without it. */
static bool carry_key(struct restoring *r, const struct backup_part *p)
{
	char here[PATH_MAX], to[PATH_MAX];
	size_t len;

	if (!backup_path(here, sizeof(here), r->c.ca, p->name + strlen("ca/")) ||
	    !backup_path(to, sizeof(to), r->ca, p->name + strlen("ca/")))
		return false;
	len = strlen(here);
	if (len < 4 || strcmp(here + len - 4, ".crt") || !backup_is_same(p, here))
		return true;
	strcpy(here + len - 4, ".key");
	strcpy(to + strlen(to) - 4, ".key");
	return access(here, F_OK) || !access(to, F_OK) || copy(here, to, 0600);
}

/*
 * A request waits for the certificate of its key: the backup's, or, where the same request waits here, this machine's.
 * Without either it would wait for ever, and keep another from being made: it is left out.
 */
static bool stage_request(struct restoring *r)
{
	const struct backup_part *csr = backup_find(&r->b, REQUEST PKI_REQUEST_FILE);
	const struct backup_part *key = r->w.keys ? backup_find(&r->b, REQUEST "issuing.key") : NULL;
	char here[PATH_MAX], from[PATH_MAX], to[PATH_MAX];

	if (!csr)
		return true;
	if (!backup_path(here, sizeof(here), r->c.ca, PKI_REQUEST_DIR "/" PKI_REQUEST_FILE) ||
	    !backup_path(from, sizeof(from), r->c.ca, PKI_REQUEST_DIR "/issuing.key") ||
	    !backup_path(to, sizeof(to), r->ca, PKI_REQUEST_DIR "/issuing.key"))
		return false;
	if (key)
		return stage_one(r, csr) && stage_one(r, key);
	r->request_left_out = !backup_is_same(csr, here) || access(from, F_OK);
	return r->request_left_out || (stage_one(r, csr) && copy(from, to, 0600));
}

static bool is_request(const struct backup_part *p)
{
	return !strncmp(p->name, REQUEST, strlen(REQUEST));
}

/* A file of this machine's CA, where there is one, in the place of the backup's. */
static bool carry(struct restoring *r, const char *name, mode_t mode)
{
	char from[PATH_MAX], to[PATH_MAX];

	return backup_path(from, sizeof(from), r->c.ca, name) && backup_path(to, sizeof(to), r->ca, name) &&
	       (access(from, F_OK) || copy(from, to, mode));
}

static bool has_code(const struct restoring *r)
{
	return r->w.keys && backup_find(&r->b, "ca/code.pem");
}

static bool is_same_ca(const struct restoring *r, const struct pki_ca *saved)
{
	struct pki_error unused;
	X509 *root;
	bool same;

	if (pki_cert_load(r->c.ca, "root.crt", &root, &unused))
		return false;
	same = !X509_cmp(root, saved->root);
	X509_free(root);
	return same;
}

/*
 * Lists of this CA are not made older: what was signed since the backup stays. What signs firmware stays, too, if the
 * backup does not have it.
 */
static bool carry_rest(struct restoring *r)
{
	struct pki_list ours = { .n = 0 }, theirs = { .n = 0 };
	struct pki_error why;
	struct pki_ca saved;
	char dir[PATH_MAX];
	unsigned int bad;
	bool same;
	int err;

	if (!backup_path(dir, sizeof(dir), r->work, "ca"))
		return false;
	err = pki_ca_load(dir, false, NULL, &saved, &why);
	if (err == -EINPROGRESS)	/* has signed nothing yet */
		return true;
	if (err)
		return complain("ca", why.text), false;
	same = is_same_ca(r, &saved);
	if (!revoked_read(&saved, r->c.ca, &ours, &bad) && !revoked_read(&saved, dir, &theirs, &bad))
		r->keep_lists = ours.number > theirs.number;
	free(ours.entries);
	free(theirs.entries);
	pki_ca_free(&saved);
	if (same && pki_revoked_made(r->c.ca) > pki_revoked_made(dir) && !carry(r, "root-crl.pem", 0644))
		return false;
	return (!r->keep_lists || carry(r, "crl.pem", 0644)) && (!same || has_code(r) || carry(r, "code.pem", 0600));
}

/* A key with a passphrase of its own cannot be looked at. */
static bool check(struct restoring *r)
{
	char path[PATH_MAX];
	struct pki_error why;
	struct pki_ca ca;
	int err;

	if (!backup_path(path, sizeof(path), r->ca, "issuing.key"))
		return false;
	err = pki_ca_load(r->ca, !access(path, F_OK), NULL, &ca, &why);
	if (!err)
		pki_ca_free(&ca);
	else if (err != -ENOKEY && err != -EINPROGRESS)
		complain("ca", why.text);
	return !err || err == -ENOKEY || err == -EINPROGRESS;
}

/**
 * restore_stage_ca - put the CA together, beside its place
 * @r: checked
 */
bool restore_stage_ca(struct restoring *r)
{
	bool good = true, any = false;
	size_t i;

	for (i = 0; i < r->b.n; i++)
		any |= !strncmp(r->b.parts[i].name, "ca/", 3);
	if (!any)
		return true;
	snprintf(r->ca, sizeof(r->ca), "%s" RESTORING, r->c.ca);
	pki_tree_remove(r->ca);
	for (i = 0; good && i < r->b.n; i++)
		if (!strncmp(r->b.parts[i].name, "ca/", 3) && !is_request(&r->b.parts[i]))
			good = stage_one(r, &r->b.parts[i]);
	good = good && stage_request(r);
	/* There was nothing but that request. */
	if (good && r->request_left_out && access(r->ca, F_OK))
		return true;
	for (i = 0; good && i < r->b.n; i++)
		if (!strncmp(r->b.parts[i].name, "ca/", 3))
			good = carry_key(r, &r->b.parts[i]);
	good = good && carry_rest(r) && check(r);
	if (good && places_add(&r->places, r->ca, r->c.ca, true))
		good = refuse(r->c.ca, -ENOMEM);
	return good;
}
