// SPDX-License-Identifier: GPL-2.0
/* cordon-fleet's beginning and end: files, the registry, the socket; then fewer rights; then the loop. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>

#include "fleet/internal.h"
#include "lib/file.h"

#define LEAVE_MS	1500	/* for the last word to etcd */

static int fail(const char *what, const char *why, int err)
{
	serve_log(LOG_ERR, what, "why", why, NULL);
	return err;
}

static int open_etcd(struct fleet *f, const struct fleet_endpoints *at)
{
	const struct serve_fleet *c = &f->config->fleet;
	struct etcd_config e = {
		.endpoints = at->at, .n = at->n, .ca = c->ca, .cert = c->cert, .key = c->key, .prefix = c->prefix,
		.cluster = f->at.cluster, .backoff_min = fleet_backoff(fleet_gateways_count(f)),
	};
	char why[ETCD_WHY];

	f->etcd = etcd_new(f->base, &e, why, sizeof(why));
	return f->etcd ? 0 : fail("etcd's client does not begin", why, -EINVAL);
}

static int open_registry(struct fleet *f)
{
	const char *name = f->config->fleet.gateway;
	int err = store_open(&f->store, f->config->registry, true);

	if (!err)
		err = store_fleet_join(&f->store, name);
	if (err == -EEXIST)
		return fail("the registry is another gateway's: 'cordonctl fleet leave' makes it nobody's", f->store.error, err);
	if (!err)
		err = store_fleet_get(&f->store, &f->at);
	return err ? fail("registry", f->store.error, err) : 0;
}

/*
 * Root and cordon-fleet write there, each files of its own: root may not have the right to write where it is not the
 * owner, and of others' files none is replaced (01000). It is the working directory, as the way to it is root's.
 */
static int make_directory(struct fleet *f, const char *path)
{
	int err = file_make_dirs(path, 0755);

	if (!err && ((!f->owner && chown(path, 0, priv_group(FLEET_USER))) || chmod(path, 01775) || chdir(path)))
		err = -errno;
	if (!err)
		err = fleet_session_instance(f->instance);
	return err ? fail(path, strerror(-err), err) : 0;
}

static int open_all(struct fleet *f, struct fleet_endpoints *at)
{
	const struct serve_fleet *c = &f->config->fleet;
	int err = make_directory(f, c->directory);

	if (!err)
		err = open_registry(f);
	if (!err)
		err = fleet_members_begin(f);
	if (!err)
		err = fleet_issuers_begin(f);
	if (!err)
		err = fleet_resolve(c, at);
	if (!err)
		err = open_etcd(f, at);
	if (!err)
		err = fleet_socket_begin(f);
	/* What has files of its own to open. */
	if (!err)
		err = fleet_outbox_begin(f);
	return err ? err : fleet_row_begin(f);
}

static int confine(const struct fleet *f, const struct fleet_endpoints *at)
{
	struct priv_role role = {
		.user = FLEET_USER, .net_admin = true, .network = true, .netlink = true, .database = true,
		.writable = f->config->fleet.directory,
	};
	char error[PRIV_ERROR_LEN];
	size_t i;

	for (i = 0; i < at->n && i < PRIV_CONNECT; i++)
		role.connect[i] = at->port[i];
	return priv_enter(&role, error) < 0 ? fail("cannot confine the process", error, -EPERM) : 0;
}

/* Those that face etcd, which a rejoin begins anew. */
static int begin(struct fleet *f)
{
	int err = fleet_session_begin(f);

	if (!err)
		err = fleet_replica_begin(f);
	if (!err)
		err = fleet_holder_begin(f);
	return err ? err : fleet_policy_begin(f);
}

static void end(struct fleet *f)
{
	fleet_policy_end(f);
	fleet_holder_end(f);
	fleet_replica_end(f);
	fleet_session_end(f);
}

static void on_anew(evutil_socket_t fd, short what, void *arg)
{
	struct fleet *f = arg;

	(void)fd;
	(void)what;
	end(f);
	etcd_forget(f->etcd);
	f->self = 0;
	fleet_reach(f);
	if (begin(f)) {
		serve_log(LOG_ERR, "cannot begin anew", NULL);
		event_base_loopexit(f->base, NULL);
	}
}

/**
 * fleet_anew - forget what was known of etcd's history, and begin as if it was met for the first time
 * @f: cordon-fleet
 */
void fleet_anew(struct fleet *f)
{
	event_active(f->anew, EV_TIMEOUT, 1);
}

static void on_left(void *arg)
{
	event_base_loopbreak(arg);
}

static void on_signal(evutil_socket_t number, short what, void *arg)
{
	static const struct timeval most = { .tv_usec = LEAVE_MS % 1000 * 1000, .tv_sec = LEAVE_MS / 1000 };
	struct fleet *f = arg;

	(void)number;
	(void)what;
	event_base_loopexit(f->base, &most);
	fleet_session_leave(f, on_left, f->base);
}

static int loop(struct fleet *f, void (*ready)(void *arg), void *arg)
{
	struct event *term = evsignal_new(f->base, SIGTERM, on_signal, f);
	struct event *interrupt = evsignal_new(f->base, SIGINT, on_signal, f);
	int err = -ENOMEM;

	f->anew = evtimer_new(f->base, on_anew, f);
	if (term && interrupt && f->anew && !event_add(term, NULL) && !event_add(interrupt, NULL))
		err = fleet_kernel_begin(f);
	if (!err)
		err = begin(f);
	if (!err) {
		ready(arg);
		if (event_base_dispatch(f->base) < 0)
			err = -EIO;
	}
	end(f);
	fleet_kernel_end(f);
	if (f->anew)
		event_free(f->anew);
	if (term)
		event_free(term);
	if (interrupt)
		event_free(interrupt);
	return err;
}

/**
 * fleet_run - be cordon-fleet, until a signal ends it
 * @f: cordon-fleet, with its configuration, and the hand started
 * @ready: called once it answers
 * @arg: for @ready
 *
 * Return: 0; -errno, which is logged.
 */
int fleet_run(struct fleet *f, void (*ready)(void *arg), void *arg)
{
	struct fleet_endpoints at;
	int err;

	f->base = event_base_new();
	err = f->base ? open_all(f, &at) : -ENOMEM;
	if (!err)
		err = confine(f, &at);
	if (!err)
		err = loop(f, ready, arg);
	fleet_row_end(f);
	fleet_outbox_end(f);
	fleet_socket_end(f);
	fleet_issuers_end(f);
	fleet_members_end(f);
	etcd_free(f->etcd);
	fleet_certify_end();
	fleet_status_end();
	fleet_expel_end();
	fleet_where_end();
	store_close(&f->store);
	if (f->base)
		event_base_free(f->base);
	return err;
}
