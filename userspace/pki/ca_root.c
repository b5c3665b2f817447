// SPDX-License-Identifier: GPL-2.0
/*
 * A root's revocation list, of issuing CAs. What was taken back is in the list itself, so that it can be made where the
 * root's key is, without a registry: each list takes over the one before.
 */
#include <errno.h>
#include <limits.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "../lib/file.h"
#include "make.h"

#define FILE_MAX_LEN	(1 << 20)
#define LIST_DAYS	400	/* a root's key is fetched once a year */
#define DAY		86400

/* What the list that is there holds; none, there is none. */
static int read_list(const struct pki_ca *root, const char *path, struct pki_list *list, struct pki_error *err)
{
	char *text = NULL;
	size_t len = 0;
	int ret = file_read(path, FILE_MAX_LEN, &text, &len);

	if (ret)
		return ret == -ENOENT ? 0 : pki_fail(err, ret, "%.200s: %s", path, strerror(-ret));
	ret = pki_list_read(root, (const uint8_t *)text, len, list);
	free(text);
	if (ret)
		return pki_fail(err, ret, "%.200s: no revocation list of this root", path);
	/* Who made it elsewhere may have given longer ones; without them, the next list would let them in again. */
	return list->left_out ? pki_fail(err, -E2BIG, "%.170s: has %zu serial numbers of more than %d bytes, which the next list "
					 "would lack: make it where that one was made", path, list->left_out,
					 PKI_SERIAL_LEN) : 0;
}

/* One entry more; what is there already stays as it is. */
static int add_entry(const struct pki_ca *root, struct pki_list *list, const struct pki_root_plan *plan,
		     struct pki_error *err)
{
	EVP_PKEY *key = X509_get0_pubkey(root->issuing);
	struct pki_revoked *more, entry = { .when = plan->now, .reason = plan->reason };
	size_t i;

	if (X509_check_issued(root->issuing, plan->revoke) != X509_V_OK || X509_verify(plan->revoke, key) != 1 ||
	    X509_check_ca(plan->revoke) != 1)
		return pki_fail(err, -EPERM, "not a CA's certificate that this root signed");
	if (!X509_cmp(plan->revoke, root->issuing))
		return pki_fail(err, -EPERM, "it is the root itself, which no list can take back");
	if (pki_serial(plan->revoke, entry.serial))
		return pki_fail(err, -EINVAL, "a serial number of more than %d bytes", PKI_SERIAL_LEN);
	for (i = 0; i < list->n; i++)
		if (!memcmp(list->entries[i].serial, entry.serial, sizeof(entry.serial)))
			return pki_fail(err, -EALREADY, "revoked already");
	more = reallocarray(list->entries, list->n + 1, sizeof(*more));
	if (!more)
		return pki_fail(err, -ENOMEM, "out of memory");
	more[list->n++] = entry;
	list->entries = more;
	return 0;
}

static int make(const struct pki_ca *root, const struct pki_list *list, time_t now, char **pem, size_t *len,
		struct pki_error *err)
{
	BIO *bio = BIO_new(BIO_s_mem());
	uint8_t *der = NULL;
	size_t size = 0;
	char *text;
	long n = 0;
	int ret = pki_crl(root, list->entries, list->n, list->number + 1, now,
			  pki_later(now, (int64_t)LIST_DAYS * DAY), &der, &size, err);

	if (!ret && bio && PEM_write_bio(bio, PEM_STRING_X509_CRL, "", der, (long)size) > 0)
		n = BIO_get_mem_data(bio, &text);
	*pem = n > 0 ? strndup(text, n) : NULL;
	*len = n;
	OPENSSL_free(der);
	BIO_free(bio);
	return ret || *pem ? ret : pki_fail(err, -ENOMEM, "out of memory");
}

/**
 * pki_root_crl - a fresh revocation list of the root, in the CA's directory
 * @dir: of the CA
 * @plan: whose key, and what is revoked by it
 * @pem: the list, free()
 * @len: of @pem
 * @err: why not
 *
 * Return: 0; -EPERM, the key is not the root's, or the certificate is none of it; -EALREADY, it is revoked; -E2BIG, the
 * list that is there has what cannot be taken over; as of pki_ca_load(); -errno. @err tells, and the list is as it was.
 */
int pki_root_crl(const char *dir, const struct pki_root_plan *plan, char **pem, size_t *len, struct pki_error *err)
{
	struct pki_work w = { .lock = -1, .err = err };
	struct pki_list list = { .n = 0 };
	char path[PATH_MAX + 64];
	struct pki_ca ca, root;
	int ret;

	*pem = NULL;
	ret = pki_ca_load(dir, false, NULL, &ca, err);
	if (ret)
		return ret;
	root = (struct pki_ca){ .issuing = ca.root, .key = plan->key };
	snprintf(path, sizeof(path), "%s/" PKI_ROOT_LIST, dir);
	ret = pki_work_begin(&w, dir);
	if (!ret && !X509_check_private_key(ca.root, plan->key))
		ret = pki_fail(err, -EPERM, "the key is not that of %.150s/root.crt", dir);
	if (!ret && !(X509_get_key_usage(ca.root) & KU_CRL_SIGN))
		ret = pki_fail(err, -EPERM, "the root may not sign revocation lists (RFC 5280, 4.2.1.3)");
	if (!ret)
		ret = read_list(&root, path, &list, err);
	if (!ret && plan->revoke)
		ret = add_entry(&root, &list, plan, err);
	if (!ret)
		ret = make(&root, &list, plan->now, pem, len, err);
	if (!ret && file_write(path, *pem, *len, 0644))
		ret = pki_fail(err, -EIO, "%.200s: cannot be written", path);
	if (ret) {
		free(*pem);
		*pem = NULL;
	}
	free(list.entries);
	pki_work_end(&w, ret);
	pki_ca_free(&ca);
	ERR_clear_error();
	return ret;
}
