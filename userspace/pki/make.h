/* SPDX-License-Identifier: GPL-2.0 */
/* A CA that is being made, or rolled over: what ca_make.c and ca_roll.c share. */
#ifndef CORDON_PKI_MAKE_H
#define CORDON_PKI_MAKE_H

#include <limits.h>
#include <sys/types.h>

#include "parts.h"

#define PKI_ISSUING_SUFFIX	" issuing CA"

/**
 * struct pki_work - a CA that is being made
 * @plan: what is asked for
 * @dir: where the CA is, or is to be
 * @temp: where new files are put together; empty, not yet, or no longer ours to remove
 * @lock: the directory that holds @dir, locked
 * @name: for the subjects
 * @root: the new root
 * @root_key: of @root
 * @issuing: the new issuing certificate
 * @key: of @issuing
 * @err: why not
 */
struct pki_work {
	const struct pki_ca_plan *plan;
	char dir[PATH_MAX];
	char temp[PATH_MAX + 16];
	int lock;
	char name[PKI_CA_NAME_MAX + 1];
	X509 *root;
	EVP_PKEY *root_key;
	X509 *issuing;
	EVP_PKEY *key;
	struct pki_error *err;
};

/**
 * struct pki_ca_cert - a certificate of a CA
 * @key: what is certified
 * @cn: its subject, where @same is NULL
 * @same: subject and SKI are this one's
 * @issuer: NULL, it signs itself
 * @signer: key of the issuer
 * @pathlen: how many CAs may follow
 * @from: valid from
 * @until: until then, or until the issuer's end
 * @limits: name constraints, or NULL
 */
struct pki_ca_cert {
	const X509_PUBKEY *key;
	const char *cn;
	const X509 *same;
	const X509 *issuer;
	EVP_PKEY *signer;
	int pathlen;
	int64_t from;
	int64_t until;
	NAME_CONSTRAINTS *limits;
};

/* ca_make.c; each returns 0 or -errno with the work's error. */
X509 *pki_work_sign(const struct pki_ca_cert *c);
int pki_work_check_root(const struct pki_work *w);
int pki_work_begin(struct pki_work *w, const char *dir);
int pki_work_temp(struct pki_work *w, const char *suffix);
int pki_work_name(struct pki_work *w, const char *name);
int pki_work_build(struct pki_work *w);
int pki_work_write_cert(const struct pki_work *w, const char *file, X509 *cert);
int pki_work_write_key(const struct pki_work *w, const char *file, EVP_PKEY *key, const char *reference);
EVP_PKEY *pki_work_take_key(const struct pki_work *w, EVP_PKEY *key);
int pki_work_write(const struct pki_work *w, const char *file, const void *data, size_t len, mode_t mode);
int pki_work_place(struct pki_work *w, const char *to, unsigned int flags);
void pki_work_end(struct pki_work *w, int ret);
void pki_tree_remove(const char *path);

/* ca_link.c; likewise. */
int pki_work_link(const struct pki_work *w, const char *from, const char *to, bool needed);
int pki_work_link_rest(const struct pki_work *w, const char *const *known);

/* ca_limits.c */
NAME_CONSTRAINTS *pki_limits_new(const char *const *names, size_t n, struct pki_error *err);
int pki_limits_names(const NAME_CONSTRAINTS *nc, char names[PKI_SERVER_NAMES][PKI_SERVER_NAME_LEN], size_t *n,
		     struct pki_error *err);

/* ca_request.c; likewise. */
int pki_work_none_waits(const struct pki_work *w);

/* ca_roll.c; likewise. */
int pki_work_name_next(struct pki_work *w, const struct pki_ca *old);
int pki_work_room(const struct pki_work *w, const struct pki_ca *old, int added);

#endif
