// SPDX-License-Identifier: GPL-2.0
/*
 * issuers.pem: issuing certificates of all gateways that were not expelled, for front, which has no registry. Written
 * some time after the last change: a list of the fleet changes thousands at once.
 */
#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include "fleet/internal.h"
#include "lib/file.h"

#define FILE_NAME	"issuers.pem"
#define SOON		50	/* ms, and 1 for 10 gateways: in which changes may add up */
#define AGAIN		10000	/* ms after one that could not be written */
#define OWN_MAX		8	/* certificates that a gateway has at a time */

typedef uint8_t digest[PKI_FINGERPRINT_LEN];

/**
 * struct fleet_issuers - the file
 * @f: cordon-fleet
 * @timer: when it is written
 * @known: SHA-256 of certificates in it, sorted: their signatures are not verified again
 * @n: how many
 */
struct fleet_issuers {
	struct fleet *f;
	struct event *timer;
	digest *known;
	size_t n;
};

/**
 * struct listing - the next one
 * @own: the one before
 * @f: cordon-fleet
 * @out: its text
 * @list: SHA-256 of its certificates
 * @n: how many
 * @room: for so many
 */
struct listing {
	struct fleet_issuers *own;
	struct fleet *f;
	BIO *out;
	digest *list;
	size_t n;
	size_t room;
};

static int compare(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(digest));
}

static int keep(struct listing *l, X509 *cert, const digest id)
{
	size_t room = l->room ? 2 * l->room : 16;
	digest *more;

	if (l->n == l->room) {
		more = reallocarray(l->list, room, sizeof(*more));
		if (!more)
			return -ENOMEM;
		l->list = more;
		l->room = room;
	}
	memcpy(l->list[l->n++], id, sizeof(digest));
	return PEM_write_bio_X509(l->out, cert) ? 0 : -ENOMEM;
}

static bool is_good(const struct listing *l, const char *gateway, X509 *cert, const digest id)
{
	struct pki_error err;

	if (l->own->n && bsearch(id, l->own->known, l->own->n, sizeof(digest), compare))
		return true;
	if (!pki_fleet_check(fleet_ca(l->f), cert, &err))
		return true;
	serve_log(LOG_WARNING, "an issuing certificate of the fleet is left out", "gateway", gateway, "why", err.text, NULL);
	return false;
}

/* Other gateways wrote them: each is read and written anew, so that one of them cannot spoil the file. */
static int take(const struct store_fleet_gateway *g, void *arg)
{
	BIO *in = g->certificate && !g->expelled ? BIO_new_mem_buf(g->certificate, -1) : NULL;
	struct listing *l = arg;
	unsigned int n = 0;
	X509 *cert;
	digest id;
	int ret = 0;

	while (in && !ret && n++ < OWN_MAX && (cert = PEM_read_bio_X509(in, NULL, NULL, NULL))) {
		if (!pki_fingerprint(cert, id) && is_good(l, g->name, cert, id))
			ret = keep(l, cert, id);
		X509_free(cert);
	}
	ERR_clear_error();
	BIO_free(in);
	return ret;
}

/* None at all: front holds on to what it has, as it does to a file that is empty. Its own gateway's is always there. */
static int write_now(struct fleet_issuers *own)
{
	struct listing l = { .own = own, .f = own->f, .out = BIO_new(BIO_s_mem()) };
	int ret = l.out ? 0 : -ENOMEM;
	char *text = NULL;
	long len;

	if (!ret && fleet_ca(own->f))
		ret = store_fleet_gateway_each(&own->f->store, take, &l);
	len = ret ? 0 : BIO_get_mem_data(l.out, &text);
	if (len > 0)
		ret = file_write(FILE_NAME, text, len, 0644);
	if (!ret) {
		if (l.n)
			qsort(l.list, l.n, sizeof(digest), compare);
		free(own->known);
		own->known = l.list;
		own->n = l.n;
		l.list = NULL;
	}
	free(l.list);
	BIO_free(l.out);
	return ret;
}

static void on_time(evutil_socket_t fd, short what, void *arg)
{
	struct fleet_issuers *own = arg;
	int ret = write_now(own);

	(void)fd;
	(void)what;
	if (!ret)
		return;
	serve_log(LOG_ERR, "issuers of the fleet cannot be written", "file", FILE_NAME, "why", strerror(-ret), NULL);
	fleet_after(own->timer, AGAIN);
}

/**
 * fleet_issuers_write - gateways have changed: write the file soon
 * @f: cordon-fleet
 */
void fleet_issuers_write(struct fleet *f)
{
	unsigned int soon = SOON + fleet_gateways_count(f) / 10;

	/* Not put off by further changes; each time all certificates are read, some 50 us for each. */
	if (f->issuers && !event_pending(f->issuers->timer, EV_TIMEOUT, NULL))
		fleet_after(f->issuers->timer, soon);
}

/**
 * fleet_issuers_begin - be ready to write the file, and write it soon
 * @f: cordon-fleet, with registry and members, in its directory
 *
 * Return: 0; -errno, with a line in the log.
 */
int fleet_issuers_begin(struct fleet *f)
{
	struct fleet_issuers *own = calloc(1, sizeof(*own));

	if (own)
		own->timer = evtimer_new(f->base, on_time, own);
	if (!own || !own->timer) {
		free(own);
		serve_log(LOG_ERR, "out of memory", NULL);
		return -ENOMEM;
	}
	own->f = f;
	f->issuers = own;
	fleet_issuers_write(f);
	return 0;
}

/** fleet_issuers_end - the file stays as it is */
void fleet_issuers_end(struct fleet *f)
{
	struct fleet_issuers *own = f->issuers;

	if (!own)
		return;
	event_free(own->timer);
	free(own->known);
	free(own);
	f->issuers = NULL;
}

/* One more; a root is none that issues. */
static bool add_own(BIO *out, X509 *cert, time_t now, unsigned int *n)
{
	time_t from, until;

	if (!cert || *n == OWN_MAX || pki_validity(cert, &from, &until) || until <= now)
		return true;
	++*n;
	return PEM_write_bio_X509(out, cert);
}

/**
 * fleet_issuers_own - what all/gateway/NAME is to say of this gateway's issuers
 * @f: cordon-fleet, with members
 * @issuer: set: SHA-256 of the present one
 *
 * The present one, the next one, and those before, latest first, whose devices may still have certificates of theirs.
 *
 * Return: PEM, free(); NULL, there is no CA, or no memory.
 */
char *fleet_issuers_own(const struct fleet *f, uint8_t issuer[PKI_FINGERPRINT_LEN])
{
	const struct pki_ca *ca = fleet_ca(f);
	char *text = NULL, *out = NULL;
	time_t now = time(NULL);
	unsigned int n = 0;
	BIO *bio;
	size_t i;
	bool good;
	long len;

	if (!ca)
		return NULL;
	bio = BIO_new(BIO_s_mem());
	good = bio && !pki_fingerprint(ca->issuing, issuer) && add_own(bio, ca->issuing, now, &n) &&
	       add_own(bio, ca->next_issuing, now, &n);
	for (i = good ? ca->n_former : 0; good && i; i--)
		if (!ca->former[i - 1].revoked)
			good = add_own(bio, ca->former[i - 1].cert, now, &n);
	len = good ? BIO_get_mem_data(bio, &text) : 0;
	if (len > 0)
		out = strndup(text, len);
	BIO_free(bio);
	return out;
}
