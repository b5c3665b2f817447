// SPDX-License-Identifier: GPL-2.0
/* fleet status, gateways, where: what cordon-fleet says, for a person. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ctl/cmd_fleet.h"
#include "lib/policy.h"

#define CLOCK	60	/* seconds that clocks may differ by */

static json_int_t number(const json_t *o, const char *name)
{
	return json_integer_value(json_object_get(o, name));
}

static const char *text(const json_t *o, const char *name)
{
	const char *s = json_string_value(json_object_get(o, name));

	return s ? s : "";
}

static const char *ago(json_int_t then, json_int_t now, char out[PEOPLE_LEN])
{
	return people_time(now > then ? (u64)(now - then) : 0, out);
}

/* How far a gateway's clock is ahead, as far as what it said last shows. */
static void print_clocks(const json_t *here)
{
	const char *name;
	json_int_t ahead;
	json_t *one;

	json_object_foreach((json_t *)here, name, one) {
		ahead = number(one, "clock");
		if (llabs(ahead) > CLOCK)
			printf("clock      %s is %lld s %s the clock of etcd: set it right, or what ends is not told alike\n", name,
			       (long long)llabs(ahead), ahead > 0 ? "ahead of" : "behind");
	}
}

static void print_waiting(const json_t *s)
{
	char since[PEOPLE_LEN];

	if (!number(s, "waiting"))
		return;
	printf("waiting    %lld changes for etcd, the oldest for %s\n", (long long)number(s, "waiting"),
	       ago(number(s, "waiting_since"), number(s, "now"), since));
}

static void print_members(const json_t *s)
{
	const json_t *list = json_object_get(s, "etcd");
	size_t i;

	fputs("etcd       ", stdout);
	for (i = 0; i < json_array_size(list); i++)
		printf("%s%s", i ? ", " : "", json_string_value(json_array_get(list, i)));
	puts("");
}

static void print_refused(const json_t *s)
{
	if (!json_is_true(json_object_get(s, "refused")))
		return;
	puts("refused    etcd has another history than this registry, as one that was restored from a snapshot.");
	puts("           Nothing is taken over, and nothing is written. See which of the two is right; if it is etcd's,");
	puts("           'cordonctl fleet rejoin' takes it over, and writes what it lost of revocations there.");
}

static void print_policy(const json_t *had)
{
	bool refused = !strcmp(text(had, "is"), "refused");

	if (!json_is_object(had))
		return;
	printf("policy     %lld %s%s%s\n", (long long)number(had, "number"), refused ? "is " : "", text(had, "is"),
	       json_is_true(json_object_get(had, "differs")) ? ", changed on this gateway since" : "");
}

static void print_status(const json_t *s)
{
	char since[PEOPLE_LEN], heard[PEOPLE_LEN];
	const json_t *here = json_object_get(s, "here");
	bool reachable = json_is_true(json_object_get(s, "reachable"));

	printf("gateway    %s\n", text(s, "gateway"));
	printf("etcd is    %s for %s\n", reachable ? "reachable" : "NOT reachable",
	       ago(number(s, "since"), number(s, "now"), since));
	if (!reachable && *text(s, "why"))
		printf("why        %s\n", text(s, "why"));
	if (number(s, "heard"))
		printf("heard      %s ago\n", ago(number(s, "heard"), number(s, "now"), heard));
	else
		puts("heard      never");
	print_refused(s);
	print_members(s);
	printf("registry   as of revision %lld of cluster %s, %lld keys, digest %.16s\n", (long long)number(s, "revision"),
	       text(s, "cluster"), (long long)number(s, "keys"), text(s, "digest"));
	print_policy(json_object_get(s, "policy"));
	print_waiting(s);
	if (number(s, "strange"))
		printf("strange    %lld values in etcd make no sense, and are left out: see the journal\n",
		       (long long)number(s, "strange"));
	if (json_is_object(here))
		printf("connected  %zu gateways\n", json_object_size(here));
	print_clocks(here);
}

/**
 * fleet_print_status - how it is
 * @w: the command line
 *
 * Return: exit status.
 */
int fleet_print_status(const struct fleet_words *w)
{
	json_t *s = fleet_question(&w->config, NULL, json_pack("{s:s}", "do", "status"), FLEET_WAIT);

	if (!s)
		return EXIT_REFUSED;
	if (w->json) {
		json_print(s);
		return EXIT_DONE;
	}
	print_status(s);
	json_decref(s);
	return EXIT_DONE;
}

static void print_gateway(const char *name, const json_t *g, const json_t *here)
{
	const json_t *is = json_object_get(here, name);
	char since[PEOPLE_LEN], when[POLICY_TIME_LEN];

	printf("%-20s ", name);
	if (number(g, "expelled")) {
		policy_time_text(number(g, "expelled"), when);
		printf("expelled %s: %s\n", when, text(g, "why"));
	} else if (!json_is_object(here)) {
		printf("version %s\n", text(json_object_get(g, "value"), "version"));
	} else if (is) {
		printf("connected for %s, version %s, revision %lld\n", ago(number(is, "since"), time(NULL), since),
		       text(is, "version"), (long long)number(is, "revision"));
	} else {
		puts("not connected");
	}
}

/**
 * fleet_print_gateways - which gateways the fleet has
 * @w: the command line
 *
 * Return: exit status.
 */
int fleet_print_gateways(const struct fleet_words *w)
{
	json_t *s = fleet_question(&w->config, NULL, json_pack("{s:s}", "do", "gateways"), FLEET_WAIT), *g;
	const char *name;

	if (!s)
		return EXIT_REFUSED;
	if (w->json) {
		json_print(s);
		return EXIT_DONE;
	}
	if (!json_is_object(json_object_get(s, "here")))
		puts("etcd is not reachable: which of them are connected is not known");
	json_object_foreach(json_object_get(s, "gateways"), name, g)
		print_gateway(name, g, json_object_get(s, "here"));
	json_decref(s);
	return EXIT_DONE;
}

/**
 * fleet_print_where - at which gateway a device is
 * @w: the command line
 *
 * Return: exit status.
 */
int fleet_print_where(const struct fleet_words *w)
{
	char since[PEOPLE_LEN];
	const json_t *holder;
	json_t *s;

	s = fleet_question(&w->config, w->name, json_pack("{s:s, s:s}", "do", "where", "device", w->name), FLEET_WAIT);
	if (!s)
		return EXIT_REFUSED;
	holder = json_object_get(s, "holder");
	if (w->json) {
		json_print(s);
		return EXIT_DONE;
	}
	if (json_is_object(holder))
		printf("%s (%s) is at gateway %s, on port %s, for %s\n", text(holder, "name"), text(s, "mac"), text(holder, "gateway"),
		       text(holder, "port"), ago(number(holder, "since"), time(NULL), since));
	else
		printf("%s (%s) is at no gateway: none has given it a lease\n", w->name, text(s, "mac"));
	json_decref(s);
	return EXIT_DONE;
}
