// SPDX-License-Identifier: GPL-2.0
/* Is etcd there, and the registry as etcd is: for whoever lets devices in, and for people. */
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include "fleet/internal.h"

#define COUNTED	60	/* seconds for which the number of gateways is what it was */
#define HEARD	30	/* seconds between two notes in the registry of when etcd was heard */

static void put(struct fleet *f)
{
	if (store_fleet_put(&f->store, &f->at))
		serve_log(LOG_ERR, "registry", "why", f->store.error, NULL);
}

/**
 * fleet_may_write - may this gateway write into etcd
 * @f: cordon-fleet
 *
 * Return: its history is ours, this gateway is in the fleet, and nobody else has its name.
 */
bool fleet_may_write(const struct fleet *f)
{
	return !f->at.refused && f->self && !f->expelled && fleet_replica_is_open(f) && fleet_session_is_held(f);
}

/**
 * fleet_reach - something that @reachable depends on may have changed
 * @f: cordon-fleet
 */
void fleet_reach(struct fleet *f)
{
	bool is = fleet_may_write(f) && fleet_replica_is_whole(f) && fleet_outbox_is_told(f);
	char why[FLEET_WHY];

	if (is == f->reachable)
		return;
	f->reachable = is;
	f->since = time(NULL);
	if (is) {
		f->at.heard = f->since;
		serve_log(LOG_NOTICE, "the registry is as etcd is", NULL);
	} else {
		fleet_trouble(f, why);
		serve_log(LOG_WARNING, "without etcd", "why", why, NULL);
	}
	put(f);
	fleet_socket_state(f);
}

/**
 * fleet_heard - etcd has answered, or its watch has
 * @f: cordon-fleet
 */
void fleet_heard(struct fleet *f)
{
	time_t now = time(NULL);

	/* A clock that was set back counts as well. */
	if (!f->reachable || (now >= f->at.heard && now < f->at.heard + HEARD))
		return;
	f->at.heard = now;
	put(f);
	fleet_socket_state(f);
}

/**
 * fleet_self - what etcd has of this gateway
 * @f: cordon-fleet
 * @value: of all/gateway/NAME; NULL, it is not there
 * @len: of @value
 * @revision: mod revision; one that is known already says nothing new
 */
void fleet_self(struct fleet *f, const char *value, size_t len, int64_t revision)
{
	json_t *j = value ? json_loadb(value, len, 0, NULL) : NULL;
	bool expelled = json_integer_value(json_object_get(j, "expelled")) > 0, was = f->expelled, known = f->self;
	const char *why = json_string_value(json_object_get(j, "why"));

	/* What is no object stays in the fleet, but is not believed to be in it. */
	f->self = json_is_object(j) ? revision : 0;
	f->expelled = f->self && expelled;
	if (f->expelled && !was)
		serve_log(LOG_ERR, "this gateway is expelled from the fleet", "why", why ? why : "", NULL);
	else if (!f->self && known)
		serve_log(LOG_ERR, "this gateway is not in the fleet any more", "gateway", f->at.gateway, NULL);
	json_decref(j);
	fleet_session_poke(f);
	fleet_reach(f);
}

/**
 * fleet_refuse - etcd has another history than this registry: take over nothing, write nothing, until somebody says so
 * @f: cordon-fleet
 * @why: a sentence
 */
void fleet_refuse(struct fleet *f, const char *why)
{
	if (!f->at.refused) {
		f->at.refused = true;
		serve_log(LOG_ALERT, "etcd has another history than this registry: nothing is taken over until "
			  "'cordonctl fleet rejoin'", "why", why, NULL);
		put(f);
	}
	fleet_replica_stop(f);
	fleet_reach(f);
	fleet_socket_state(f);
}

/**
 * fleet_trouble - why etcd is not reachable
 * @f: cordon-fleet
 * @out: a sentence; empty, it is reachable
 */
void fleet_trouble(const struct fleet *f, char out[FLEET_WHY])
{
	out[0] = 0;
	if (f->reachable)
		return;
	if (f->at.refused)
		snprintf(out, FLEET_WHY, "etcd has another history than this registry, as one that was restored from a snapshot");
	else if (!fleet_replica_is_open(f))
		fleet_replica_why(f, out);
	else if (!f->self)
		snprintf(out, FLEET_WHY, "gateway '%s' is not in the fleet: 'cordonctl fleet add' adds it", f->at.gateway);
	else if (f->expelled)
		snprintf(out, FLEET_WHY, "gateway '%s' is expelled from the fleet", f->at.gateway);
	else if (!fleet_session_is_held(f))
		fleet_session_why(f, out);
	else if (!fleet_replica_is_whole(f))
		snprintf(out, FLEET_WHY, "what etcd has is being taken over");
	else
		snprintf(out, FLEET_WHY, "revocations that waited here are being written");
}

static int count(const struct store_fleet_gateway *g, void *arg)
{
	unsigned int *n = arg;

	(void)g;
	++*n;
	return 0;
}

/**
 * fleet_backoff - bound of the wait after a member was lost: who lost the same one come back within 1 ms for each
 * @gateways: of the fleet
 *
 * Return: ms.
 */
unsigned int fleet_backoff(unsigned int gateways)
{
	return gateways < 200 ? 200 : gateways > 30000 ? 30000 : gateways;
}

/** fleet_seconds - a clock that only goes on */
time_t fleet_seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec;
}

/**
 * fleet_gateways_count - how many gateways the fleet has, as far as the registry knows
 * @f: cordon-fleet
 */
unsigned int fleet_gateways_count(struct fleet *f)
{
	time_t now = fleet_seconds();

	if (f->counted && now < f->counted + COUNTED)
		return f->gateways;
	f->counted = now + !now;
	f->gateways = 0;
	store_fleet_gateway_each(&f->store, count, &f->gateways);
	if (f->etcd)
		etcd_pace(f->etcd, fleet_backoff(f->gateways));
	return f->gateways;
}

/**
 * fleet_spread - a time to wait, drawn, so that a large fleet does not do the same thing at the same moment
 * @f: cordon-fleet
 * @each: ms for each gateway of the fleet
 * @least: ms; of the bound
 * @most: ms; of the bound
 *
 * Return: ms.
 */
unsigned int fleet_spread(struct fleet *f, unsigned int each, unsigned int least, unsigned int most)
{
	uint64_t bound = (uint64_t)each * fleet_gateways_count(f);

	bound = bound < least ? least : bound > most ? most : bound;
	return arc4random_uniform((uint32_t)bound + 1);
}

/**
 * fleet_after - a timer
 * @timer: which
 * @ms: from now
 */
void fleet_after(struct event *timer, unsigned int ms)
{
	struct timeval t = { .tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000 };

	event_add(timer, &t);
}
