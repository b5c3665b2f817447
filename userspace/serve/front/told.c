// SPDX-License-Identifier: GPL-2.0
/* What whoever runs the server is told of it: by the counters, and by the service manager. */
#include "serve/front/front.h"

/** front_certificate_told - when the certificate ends by which the server is known now */
void front_certificate_told(struct front *f)
{
	X509 *cert = f->tls ? SSL_CTX_get0_certificate(f->tls) : NULL;
	time_t from, until;

	if (cert && !pki_validity(cert, &from, &until))
		__atomic_store_n(&f->counters->certificate_until, until, __ATOMIC_RELAXED);
}

static void on_reloaded(struct front *f, void *arg, const struct serve_reply *r)
{
	(void)arg;
	(void)r;
	f->manager->reload(true, f->manager->arg);
}

/**
 * front_reload_ask - have agent and signer read the configuration again
 * @f: the front, whose manager was told that a reload begins
 *
 * It is over when agent says so; where too much is waiting already, nobody waits for that.
 */
void front_reload_ask(struct front *f)
{
	struct serve_request q = { .op = SERVE_OP_RELOAD };

	if (front_ask(f, &q, on_reloaded, f))
		return;
	q.id = 0;
	front_tell(f, &q);
	f->manager->reload(true, f->manager->arg);
}
