// SPDX-License-Identifier: GPL-2.0
/*
 * Other gateways' issuing certificates, which cordon-fleet writes: read as they change, while devices come and go. What
 * they let through here is worth nothing by itself: agent looks each certificate up in the registry.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>

#include "lib/file.h"
#include "serve/front/front.h"

#define FILE_NAME	"issuers.pem"
#define FILE_SIZE	(64 << 20)	/* bytes that are looked at */
#define LOOK		1		/* seconds between two looks */
#define NAMED		32		/* issuers of others that clients are told; of more, they are told of none */

static int read_file(int fd, size_t size, char **text)
{
	char *buf = malloc(size + 1);
	size_t done = 0;
	ssize_t n = 1;

	if (!buf)
		return -ENOMEM;
	while (done < size && n > 0) {
		n = read(fd, buf + done, size - done);
		if (n > 0)
			done += n;
	}
	if (done < size) {
		free(buf);
		return n < 0 ? -EIO : -EAGAIN;
	}
	buf[done] = 0;
	*text = buf;
	return 0;
}

/*
 * Whoever picks a certificate by its issuer's name finds its own, as long as the names of all are few; a list that
 * lacked some would keep those devices out, and one of thousands fills the handshake.
 */
static void name_all(struct front *f)
{
	size_t n = pki_fleet_count(f->ca.fleet), i;
	STACK_OF(X509_NAME) *list = n > NAMED ? sk_X509_NAME_new_null() : SSL_dup_CA_list(f->named);
	X509_NAME *name;

	for (i = 0; list && n <= NAMED && i < n; i++) {
		name = X509_NAME_dup(pki_fleet_name(f->ca.fleet, i));
		if (name && X509_NAME_cmp(name, X509_get_subject_name(f->ca.issuing)) && sk_X509_NAME_push(list, name))
			continue;
		X509_NAME_free(name);
	}
	if (list)
		SSL_CTX_set_client_CA_list(f->tls, list);
}

static void keep(struct front *f, struct pki_fleet *fleet, unsigned int left_out, const struct pki_error *err)
{
	char n[16], left[16];

	pki_fleet_free(f->fleet);
	f->fleet = fleet;
	f->ca.fleet = fleet;
	name_all(f);
	snprintf(n, sizeof(n), "%zu", pki_fleet_count(fleet));
	snprintf(left, sizeof(left), "%u", left_out);
	serve_log(left_out ? LOG_WARNING : LOG_INFO, "issuers of the fleet", "taken", n, "left_out", left, "why",
		  left_out ? err->text : NULL, NULL);
}

static void take(struct front *f, int fd, const struct stat *st)
{
	struct pki_error err = { "" };
	struct pki_fleet *fleet = NULL;
	unsigned int left_out = 0;
	char *text = NULL;
	int ret = S_ISREG(st->st_mode) && st->st_size <= FILE_SIZE ? read_file(fd, st->st_size, &text) : -EFBIG;

	if (text)
		fleet = pki_fleet_read(&f->ca, text, st->st_size, f->fleet, &left_out, &err);
	else
		snprintf(err.text, sizeof(err.text), "%s", strerror(-ret));
	free(text);
	if (fleet)
		keep(f, fleet, left_out, &err);
	else
		serve_log(LOG_ERR, "issuers of the fleet are not taken: what held before holds", "file", FILE_NAME, "why",
			  err.text, NULL);
}

/* One that is gone says nothing: what held before holds. */
static void look(struct front *f)
{
	struct stat st;
	int fd;

	if (fstatat(f->fleet_dir, FILE_NAME, &st, AT_SYMLINK_NOFOLLOW) || file_is_same(&st, &f->fleet_seen))
		return;
	fd = openat(f->fleet_dir, FILE_NAME, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd >= 0 && !fstat(fd, &st))
		take(f, fd, &st);
	else
		serve_log(LOG_ERR, "issuers of the fleet are not taken: what held before holds", "file", FILE_NAME, "why",
			  strerror(errno), NULL);
	f->fleet_seen = st;
	if (fd >= 0)
		close(fd);
}

static void on_look(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	look(arg);
}

/**
 * front_fleet_begin - take other gateways' issuers, and look once a second whether they have changed
 * @f: the front, its TLS and its loop made, not confined yet
 *
 * The directory is open from now on, as the way to it is not: it must be there, and is made where it is not.
 *
 * Return: 0, also where there is no fleet; -1.
 */
int front_fleet_begin(struct front *f)
{
	const char *directory = f->config->fleet.directory;
	const struct timeval each = { LOOK, 0 };

	f->fleet_dir = -1;
	if (!f->config->fleet.n)
		return 0;
	f->named = SSL_dup_CA_list(SSL_CTX_get_client_CA_list(f->tls));
	file_make_dirs(directory, 0755);
	f->fleet_dir = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (f->fleet_dir < 0) {
		serve_log(LOG_ERR, "cannot open the fleet's directory", "directory", directory, "why", strerror(errno), NULL);
		return -1;
	}
	f->fleet_look = event_new(f->base, -1, EV_PERSIST, on_look, f);
	if (!f->named || !f->fleet_look || event_add(f->fleet_look, &each))
		return -1;
	look(f);
	return 0;
}
