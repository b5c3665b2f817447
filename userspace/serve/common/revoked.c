// SPDX-License-Identifier: GPL-2.0
/* What a revocation list holds, from the registry; and what a registry that is older takes over from a list. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/file.h"
#include "serve/common/revoked.h"
#include "store/store.h"

#define LIST_MAX (64 << 20)	/* bytes: more than PKI_CRL_MAX entries have */

struct entries {
	struct pki_revoked *list;
	size_t n;
	size_t room;
};

/**
 * revoked_is_ours - is a certificate of this gateway's issuer, or of nobody knows which
 * @c: the certificate
 *
 * A list is of its issuer's certificates alone (RFC 5280, 5.2.5: one of others' would have to be an indirect one, which
 * few understand). Other gateways' are on theirs.
 */
bool revoked_is_ours(const struct store_certificate *c)
{
	return !c->gateway[0] || !strcmp(c->name, STORE_LOST);
}

static int add_entry(const struct store_certificate *c, void *arg)
{
	struct pki_revoked *more;
	struct entries *e = arg;

	if (!revoked_is_ours(c))
		return 0;
	if (e->n == e->room) {
		e->room = e->room ? 2 * e->room : 64;
		more = reallocarray(e->list, e->room, sizeof(*more));
		if (!more)
			return -ENOMEM;
		e->list = more;
	}
	memcpy(e->list[e->n].serial, c->serial, PKI_SERIAL_LEN);
	e->list[e->n].when = c->revoked;
	e->list[e->n].reason = c->reason;
	e->n++;
	return 0;
}

/**
 * revoked_is_fresh - is a list good for some time yet, whatever was done to the clock since
 * @made: when it was signed, seconds since 1970
 */
bool revoked_is_fresh(time_t made)
{
	time_t now = time(NULL);

	return made <= now && now - made < REVOKED_VALID / 2;
}

/**
 * revoked_list - the entries of a revocation list
 * @s: the registry
 * @now: seconds since 1970
 * @list: the entries; free(), after a failure as well
 * @n: how many
 *
 * Return: 0 or -errno, with a sentence in @s unless -ENOMEM.
 */
int revoked_list(struct store *s, time_t now, struct pki_revoked **list, size_t *n)
{
	struct entries e = { NULL };
	int err;

	/* RFC 5280, 3.3: it stays until after a list that was made beyond the certificate's end. */
	err = store_revoked_each(s, now - 2 * REVOKED_VALID, add_entry, &e);

	*list = e.list;
	*n = e.n;
	return err;
}

/**
 * revoked_saved - where the server keeps the list that it gave last: beside the CA's directory
 * @ca_dir: that directory
 * @n: which of REVOKED_SAVED files
 * @path: filled
 */
void revoked_saved(const char *ca_dir, unsigned int n, char path[REVOKED_PATH_LEN])
{
	size_t len = strlen(ca_dir);

	while (len > 1 && ca_dir[len - 1] == '/')
		len--;
	snprintf(path, REVOKED_PATH_LEN, "%.*s.crl%s", (int)len, ca_dir, n ? "~" : "");
}

static int read_one(const struct pki_ca *ca, const char *path, struct pki_list *list, unsigned int *bad)
{
	size_t len = 0;
	char *data;
	int err = file_read(path, LIST_MAX, &data, &len);

	if (err)
		return err == -ENOENT ? 0 : err;
	err = len ? pki_list_read(ca, (uint8_t *)data, len, list) : 0;
	free(data);
	if (err != -EINVAL && err != -EPERM)
		return err;
	++*bad;
	return 0;
}

/**
 * revoked_read - the lists that were signed last, and lie in files
 * @ca: the CA; its keys are not needed
 * @ca_dir: its directory: crl.pem within, and what the server keeps beside it
 * @list: filled; free() its entries, after a failure as well
 * @bad: how many files hold no list of this CA, or half of one
 *
 * Return: 0, also where there are none; -errno, a file cannot be read.
 */
int revoked_read(const struct pki_ca *ca, const char *ca_dir, struct pki_list *list, unsigned int *bad)
{
	char path[REVOKED_PATH_LEN];
	unsigned int i;
	int err;

	memset(list, 0, sizeof(*list));
	*bad = 0;
	snprintf(path, sizeof(path), "%s/crl.pem", ca_dir);
	err = read_one(ca, path, list, bad);
	for (i = 0; !err && i < REVOKED_SAVED; i++) {
		revoked_saved(ca_dir, i, path);
		err = read_one(ca, path, list, bad);
	}
	return err;
}

/**
 * revoked_until - when crl.pem ends
 * @ca: the CA; its keys are not needed
 * @ca_dir: its directory
 * @until: seconds since 1970; 0, there is no list
 *
 * Return: 0; -EINVAL, the file holds no list of this CA; another -errno.
 */
int revoked_until(const struct pki_ca *ca, const char *ca_dir, time_t *until)
{
	struct pki_list list = { .n = 0 };
	char path[REVOKED_PATH_LEN];
	unsigned int bad = 0;
	int err;

	snprintf(path, sizeof(path), "%s/crl.pem", ca_dir);
	err = read_one(ca, path, &list, &bad);
	*until = list.until;
	free(list.entries);
	return err ? err : bad ? -EINVAL : 0;
}

/* No certificate of the CA ends later. */
static time_t last_end(const struct pki_ca *ca)
{
	time_t from, until, last = 0;
	size_t i;

	if (!pki_validity(ca->issuing, &from, &until))
		last = until;
	for (i = 0; i < ca->n_former; i++)
		if (!pki_validity(ca->former[i].cert, &from, &until) && until > last)
			last = until;
	return last;
}

static int take_over(const struct pki_ca *ca, struct store *s, const struct pki_list *list, bool restored,
		     struct revoked_caught *out)
{
	time_t now = time(NULL), ends = last_end(ca);
	const struct pki_revoked *r;
	bool news;
	size_t i;
	int err = 0;

	for (i = 0; !err && i < list->n; i++) {
		r = &list->entries[i];
		err = store_revoked_add(s, r->serial, r->when, r->reason, ends, &news);
		out->revoked += !err && news;
	}
	if (!err)
		err = store_crl_raise(s, list->number);
	/* A token that was made after the list was made after what was lost. */
	if (!err)
		err = store_tokens_burn(s, restored ? INT64_MAX : list->made, &out->tokens);
	return err ? err : store_restored_put(s, now);
}

/**
 * revoked_catch_up - let a registry that is older than the last list take over what was signed since
 * @ca: the CA; its keys are not needed
 * @ca_dir: its directory
 * @s: the registry, in no transaction
 * @restored: it is known to be older, and none of its tokens is to be good any more
 * @out: what it has taken over
 *
 * Each list has a greater number than those before, which the registry counts before the list is signed: so one that
 * counts less is an older one, or a new one in the place of one that was lost.
 *
 * Return: 0, also where it is not older; -errno, with a sentence in @s.
 */
int revoked_catch_up(const struct pki_ca *ca, const char *ca_dir, struct store *s, bool restored,
		     struct revoked_caught *out)
{
	struct pki_list list;
	uint64_t counted;
	int err;

	memset(out, 0, sizeof(*out));
	err = revoked_read(ca, ca_dir, &list, &out->bad);
	if (err)
		snprintf(s->error, sizeof(s->error), "the revocation lists of %.120s cannot be read: %s", ca_dir,
			 strerror(-err));
	if (!err)
		err = store_crl_last(s, &counted);
	out->number = list.number;
	out->older = !err && (restored || list.number > counted);
	if (out->older)
		err = store_begin(s, true);
	if (out->older && !err) {
		err = take_over(ca, s, &list, restored, out);
		if (err)
			store_rollback(s);
		else
			err = store_commit(s);
	}
	free(list.entries);
	return err;
}
