// SPDX-License-Identifier: GPL-2.0
/* fleet policy: which gateway has what in force, or why not. */
#include <string.h>
#include <time.h>

#include "ctl/cmd_fleet.h"
#include "ctl/fleet_policy.h"

/* The number that counts: of a trial that is over, the one before. */
static json_int_t number_of(const json_t *order, time_t now)
{
	json_int_t until = json_integer_value(json_object_get(order, "until"));

	return json_integer_value(json_object_get(order, until && until <= now ? "before" : "number"));
}

/* Lines of the gateway's own cordonctl are set below its name. */
static void print_why(const char *why)
{
	const char *end;

	for (; *why; why = *end ? end + 1 : end) {
		end = why + strcspn(why, "\n");
		printf("    %.*s\n", (int)(end - why), why);
	}
}

/**
 * fleet_policy_line - what one gateway has
 * @name: its
 * @gateway: what cordon-fleet says of it
 * @order: what is ordered; null, nothing
 */
void fleet_policy_line(const char *name, const json_t *gateway, const json_t *order)
{
	const json_t *had = json_object_get(gateway, "policy");
	json_int_t number = json_integer_value(json_object_get(had, "number")), wanted = number_of(order, time(NULL));
	json_int_t good = json_integer_value(json_object_get(had, "good"));
	const char *is = json_string_value(json_object_get(had, "is")), *why = json_string_value(json_object_get(had, "why"));

	if (!is)
		printf("%s: nothing of the fleet's", name);
	else
		printf("%s: policy %lld %s%s", name, (long long)number, strcmp(is, "refused") ? "" : "is ", is);
	if (is && (!strcmp(is, "refused") || !strcmp(is, "rolled back")) && good)
		printf(", policy %lld is in force", (long long)good);
	else if (is && !strcmp(is, "in force"))
		printf(", generation %lld", (long long)json_integer_value(json_object_get(had, "generation")));
	if (json_is_true(json_object_get(had, "differs")))
		fputs(", changed on the gateway since", stdout);
	if (is && wanted > number)
		printf(", not yet %lld", (long long)wanted);
	if (json_is_true(json_object_get(gateway, "expelled")))
		fputs(", expelled", stdout);
	else if (!json_is_true(json_object_get(gateway, "here")))
		fputs(", not connected", stdout);
	putchar('\n');
	if (why)
		print_why(why);
}

static void print_order(const json_t *order)
{
	json_int_t number = json_integer_value(json_object_get(order, "number"));
	json_int_t until = json_integer_value(json_object_get(order, "until"));
	json_int_t before = json_integer_value(json_object_get(order, "before"));
	char text[POLICY_TIME_LEN];

	if (!number)
		puts("no policy was ever ordered for the fleet");
	else if (!until)
		printf("policy %lld is the fleet's\n", (long long)number);
	else if (until > time(NULL))
		printf("policy %lld is on trial until %s\n", (long long)number, policy_time_text(until, text));
	else if (before)
		printf("policy %lld was not confirmed by %s: policy %lld is the fleet's\n", (long long)number,
		       policy_time_text(until, text), (long long)before);
	else
		printf("policy %lld was not confirmed by %s\n", (long long)number, policy_time_text(until, text));
}

/* As far as the fleet has it: a gateway that refuses it, or was changed, differs. */
static bool differs(const json_t *gateway, json_int_t wanted)
{
	const json_t *had = json_object_get(gateway, "policy");
	const char *is = json_string_value(json_object_get(had, "is"));

	if (json_is_true(json_object_get(gateway, "expelled")) || !wanted)
		return false;
	if (json_is_true(json_object_get(had, "differs")) || !is || !strcmp(is, "refused"))
		return true;
	if (!strcmp(is, "rolled back"))
		return json_integer_value(json_object_get(had, "good")) != wanted;
	return json_integer_value(json_object_get(had, "number")) != wanted;
}

static int show(const json_t *answer, bool json)
{
	json_t *order = json_object_get(answer, "order"), *gateways = json_object_get(answer, "gateways"), *gateway;
	json_int_t wanted = number_of(order, time(NULL));
	int ret = EXIT_DONE;
	const char *name;

	if (!json)
		print_order(order);
	json_object_foreach(gateways, name, gateway) {
		if (differs(gateway, wanted))
			ret = EXIT_DIFFERS;
		if (!json)
			fleet_policy_line(name, gateway, order);
	}
	if (json)
		json_print(json_pack("{s:O,s:O}", "order", order ? order : json_null(), "gateways", gateways));
	return ret;
}

/**
 * fleet_print_policy - fleet policy
 * @w: the command line
 *
 * Return: an exit status; EXIT_DIFFERS, a gateway has not what is the fleet's.
 */
int fleet_print_policy(const struct fleet_words *w)
{
	json_t *answer = fleet_question(&w->config, NULL, json_pack("{s:s}", "do", "policy"), FLEET_WAIT);
	int ret;

	if (!answer)
		return EXIT_REFUSED;
	ret = show(answer, w->json);
	json_decref(answer);
	return ret;
}
