// SPDX-License-Identifier: GPL-2.0
/* apply --fleet, confirm --fleet: order it, and wait for what the gateways say. */
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "ctl/cmd_fleet.h"
#include "ctl/fleet_policy.h"
#include "lib/yaml_fleet.h"

#define ORDER	30000	/* ms for the order: many transactions, if the fleet is large */
#define SHOW	10000	/* ms for a question */
#define QUESTION	((2U << 20) - 64)	/* bytes of a question */
#define PAUSE	300000	/* us between two questions */

static time_t monotonic(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec;
}

static const char *is_of(const json_t *gateway)
{
	const char *is = json_string_value(json_object_get(json_object_get(gateway, "policy"), "is"));

	return is ? is : "";
}

/*
 * What this order made of it: with --confirm "in force" only if it was confirmed since, without it not what was on trial
 * before.
 */
static bool has_answered(const json_t *gateway, json_int_t number, bool trial)
{
	const json_t *policy = json_object_get(gateway, "policy");
	const char *is = is_of(gateway);

	return json_integer_value(json_object_get(policy, "number")) == number && (trial || strcmp(is, "on trial"));
}

static bool is_good(const json_t *gateway, bool trial)
{
	return !strcmp(is_of(gateway), trial ? "on trial" : "in force") || !strcmp(is_of(gateway), "in force");
}

/* Gateways that have answered since are printed, and forgotten. Return: how many that are connected have not. */
static size_t take(json_t *gateways, json_t *waiting, const json_t *order, json_int_t number, bool trial, int *ret)
{
	json_t *gateway, *next;
	size_t left = 0;
	const char *name;
	void *tmp;

	json_object_foreach_safe(waiting, tmp, name, next) {
		gateway = json_object_get(gateways, name);
		if (!gateway || json_is_true(json_object_get(gateway, "expelled"))) {
			json_object_del(waiting, name);
		} else if (has_answered(gateway, number, trial)) {
			fleet_policy_line(name, gateway, order);
			if (!is_good(gateway, trial))
				*ret = EXIT_REFUSED;
			json_object_del(waiting, name);
		} else {
			left += json_is_true(json_object_get(gateway, "here"));
		}
	}
	fflush(stdout);
	return left;
}

/* Those that are left. */
static void say_missing(json_t *gateways, json_t *waiting, uint32_t wait, int *ret)
{
	const char *name;
	json_t *one;

	json_object_foreach(waiting, name, one) {
		if (json_is_true(json_object_get(json_object_get(gateways, name), "here"))) {
			printf("%s: has not answered within %u s: see 'cordonctl fleet policy'\n", name, wait);
			*ret = EXIT_REFUSED;
		} else {
			printf("%s: is not connected: it puts it in force when it is back\n", name);
		}
	}
}

static int wait_for(const struct serve_config *c, json_t *waiting, json_int_t number, bool trial, uint32_t wait)
{
	time_t until = monotonic() + wait;
	json_t *answer = NULL, *gateways;
	int ret = EXIT_DONE;
	size_t left = 1;

	while (left && monotonic() < until) {
		if (answer)
			usleep(PAUSE);
		json_decref(answer);
		answer = fleet_question(c, NULL, json_pack("{s:s}", "do", "policy"), SHOW);
		if (!answer)
			return EXIT_REFUSED;
		gateways = json_object_get(answer, "gateways");
		left = take(gateways, waiting, json_object_get(answer, "order"), number, trial, &ret);
	}
	say_missing(json_object_get(answer, "gateways"), waiting, wait, &ret);
	json_decref(answer);
	return ret;
}

/* NULL: a file is no UTF-8, or there is no memory. */
static json_t *question(const struct fleet_dir *d, const struct fleet_order_options *o)
{
	json_t *gateways = json_object(), *common = d->common ? json_stringn(d->common, d->common_size) : json_null();
	size_t i;

	for (i = 0; i < d->n; i++)
		if (json_object_set_new(gateways, d->files[i].gateway, json_stringn(d->files[i].text, d->files[i].size))) {
			complain(d->files[i].path, "is not UTF-8");
			json_decref(gateways);
			json_decref(common);
			return NULL;
		}
	if (!common) {
		complain(d->common_path, "is not UTF-8");
		json_decref(gateways);
		return NULL;
	}
	return json_pack("{s:s,s:o,s:o,s:I,s:b}", "do", "apply", "common", common, "gateways", gateways, "confirm",
			 (json_int_t)o->confirm, "force", o->force);
}

/* As cordon-fleet takes it: it reads no more. */
static int check_size(const char *dir, const json_t *q)
{
	size_t size = json_dumpb(q, NULL, 0, JSON_COMPACT);

	if (size <= QUESTION)
		return EXIT_DONE;
	fprintf(stderr, "cordonctl: %s: too large for a fleet: its files are %zu bytes as JSON, and %u the most\n", dir, size,
		QUESTION);
	return EXIT_REFUSED;
}

static void print_ordered(const json_t *answer, uint32_t confirm)
{
	json_int_t number = json_integer_value(json_object_get(answer, "number"));

	if (!json_integer_value(json_object_get(answer, "changed")))
		printf("policy %lld of the fleet: no change\n", (long long)number);
	else if (confirm)
		printf("policy %lld of the fleet is on trial: each gateway goes back in %u s unless 'cordonctl confirm --fleet' "
		       "comes before\n", (long long)number, confirm);
	else
		printf("policy %lld of the fleet is ordered\n", (long long)number);
	fflush(stdout);
}

static int order(const struct serve_config *c, const char *dir, const struct fleet_dir *d,
		 const struct fleet_order_options *o)
{
	json_t *q = question(d, o), *answer, *waiting;
	size_t i;
	int ret;

	if (!q || check_size(dir, q)) {
		json_decref(q);
		return EXIT_REFUSED;
	}
	answer = fleet_question(c, NULL, q, ORDER);
	if (!answer)
		return EXIT_REFUSED;
	waiting = json_object();
	print_ordered(answer, o->confirm);
	for (i = 0; i < d->n; i++)
		json_object_set_new(waiting, d->files[i].gateway, json_true());
	ret = wait_for(c, waiting, json_integer_value(json_object_get(answer, "number")), o->confirm, o->wait);
	json_decref(waiting);
	json_decref(answer);
	return ret;
}

/* What the files say, and what is wrong with it where they are to be put in force. */
static int check(const struct serve_config *c, const struct fleet_dir *d, bool force)
{
	json_t *answer = fleet_question(c, NULL, json_pack("{s:s}", "do", "policy"), SHOW);
	size_t i;
	int ret;

	if (!answer)
		return EXIT_REFUSED;
	ret = fleet_dir_check(d, json_object_get(answer, "gateways"), force);
	json_decref(answer);
	for (i = 0; !ret && i < d->n; i++)
		printf("%s: %s\n", d->files[i].gateway, d->files[i].summary);
	return ret;
}

/**
 * fleet_policy_apply - order a policy for the fleet, and wait for its gateways
 * @dir: DIR
 * @o: how
 *
 * Return: an exit status: refused also where one gateway refuses it, or is connected and says nothing.
 */
int fleet_policy_apply(const char *dir, const struct fleet_order_options *o)
{
	struct serve_config *c = calloc(1, sizeof(*c));
	struct fleet_dir d = { NULL };
	int ret = c ? fleet_config(o->config, c) : complain("serve.yaml", "out of memory");

	if (!ret)
		ret = fleet_dir_read(&d, dir);
	if (!ret)
		ret = check(c, &d, o->force);
	if (!ret && o->dry)
		printf("%s: nothing was changed (--dry-run)\n", dir);
	else if (!ret)
		ret = order(c, dir, &d, o);
	fleet_dir_free(&d);
	free(c);
	return ret;
}

/* All that are connected must say that it is confirmed. */
static int wait_confirmed(const struct serve_config *c, json_int_t number, uint32_t wait)
{
	json_t *answer = fleet_question(c, NULL, json_pack("{s:s}", "do", "policy"), SHOW), *waiting;
	const char *name;
	json_t *one;
	int ret;

	if (!answer)
		return EXIT_REFUSED;
	waiting = json_object();
	json_object_foreach(json_object_get(answer, "gateways"), name, one)
		json_object_set_new(waiting, name, json_true());
	json_decref(answer);
	ret = wait_for(c, waiting, number, false, wait);
	json_decref(waiting);
	return ret;
}

/**
 * fleet_policy_confirm - keep the policy that the fleet has on trial
 * @config: serve.yaml; NULL, the usual one
 * @wait: seconds for the gateways' answers
 *
 * Return: an exit status.
 */
int fleet_policy_confirm(const char *config, uint32_t wait)
{
	struct serve_config *c = calloc(1, sizeof(*c));
	json_t *answer = NULL;
	json_int_t number;
	int ret = c ? fleet_config(config, c) : complain("serve.yaml", "out of memory");

	if (!ret) {
		answer = fleet_question(c, NULL, json_pack("{s:s}", "do", "confirm"), ORDER);
		ret = answer ? EXIT_DONE : EXIT_REFUSED;
	}
	if (answer) {
		number = json_integer_value(json_object_get(answer, "number"));
		json_decref(answer);
		printf("policy %lld of the fleet is confirmed\n", (long long)number);
		fflush(stdout);
		ret = wait_confirmed(c, number, wait);
	}
	free(c);
	return ret;
}
