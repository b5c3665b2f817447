// SPDX-License-Identifier: GPL-2.0
/* The revocation list: one copy for all who fetch it. */
#include <stdlib.h>
#include <string.h>

#include "serve/front/front.h"

static void put(struct crl *crl)
{
	if (crl && !--crl->users)
		free(crl);
}

/**
 * crl_sent - an answer with a list is sent, or never will be
 * @body: its bytes
 * @len: of @body
 * @arg: the list, whose users were counted up for the answer
 */
void crl_sent(const void *body, size_t len, void *arg)
{
	(void)body;
	(void)len;
	put(arg);
}

/**
 * crl_keep - take a newer list in the place of the one before, which goes when the last answer with it is sent
 * @f: the front
 * @r: agent's reply with it
 */
void crl_keep(struct front *f, const struct serve_reply *r)
{
	struct crl *crl = malloc(sizeof(*crl) + r->der_len);

	put(f->crl);
	f->crl = crl;
	if (!crl)
		return;
	crl->users = 1;
	crl->number = r->number;
	crl->len = r->der_len;
	memcpy(crl->der, r->der, r->der_len);
}
