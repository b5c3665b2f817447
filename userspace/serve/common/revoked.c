// SPDX-License-Identifier: GPL-2.0
/* What a revocation list holds, from the registry. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "serve/common/revoked.h"
#include "store/store.h"

struct entries {
	struct pki_revoked *list;
	size_t n;
	size_t room;
};

static int add_entry(const struct store_certificate *c, void *arg)
{
	struct pki_revoked *more;
	struct entries *e = arg;

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
