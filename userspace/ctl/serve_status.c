// SPDX-License-Identifier: GPL-2.0
/* serve --status: does the server run, how, and with the configuration that its files have. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ctl/ctl.h"
#include "serve/common/serve.h"

/* What a setting was when the server started; empty, not known. */
static const char *setting(const char *settings, const char *name, char out[SERVE_TEXT_LEN])
{
	const size_t len = strlen(name);
	const char *at = settings;

	out[0] = 0;
	for (; at && *at; at = strchr(at, '\n') ? strchr(at, '\n') + 1 : NULL)
		if (!strncmp(at, name, len) && at[len] == ' ') {
			snprintf(out, SERVE_TEXT_LEN, "%.*s", (int)strcspn(at + len + 1, "\n"), at + len + 1);
			break;
		}
	return out;
}

static void print_start(const struct serve_counters *c, const char *settings)
{
	char when[POLICY_TIME_LEN], ago[PEOPLE_LEN], est[SERVE_TEXT_LEN], checkin[SERVE_TEXT_LEN];
	const time_t now = time(NULL);

	printf("running since %s (%s), %llu connections\n", policy_time_text(c->started, when),
	       people_time(now > (time_t)c->started ? now - c->started : 0, ago), (unsigned long long)c->connections);
	if (*setting(settings, "est.listen", est))
		printf("listens at %s for EST, at %s for check-ins\n", est, setting(settings, "checkin.listen", checkin));
	if (*setting(settings, "page", est))
		printf("has a page at %s\n", est);
	if (*setting(settings, "metrics", est))
		printf("has metrics at %s\n", est);
	if (c->certificate_until)
		printf("server certificate: %s %s%s%s\n", (time_t)c->certificate_until > now ? "ends" : "ended",
		       policy_time_text(c->certificate_until, when), (time_t)c->certificate_until > now ? ", in " : "",
		       (time_t)c->certificate_until > now ? people_time(c->certificate_until - now, ago) : "");
}

/* False, the server is alone. */
static bool in_fleet(const char *settings)
{
	char members[SERVE_TEXT_LEN];

	return *setting(settings, "registry.etcd", members);
}

static void print_fleet(const struct serve_counters *c, const char *settings)
{
	char gateway[SERVE_TEXT_LEN], when[POLICY_TIME_LEN];

	if (!in_fleet(settings))
		return;
	printf("fleet: gateway %s, %s", setting(settings, "registry.gateway", gateway),
	       c->fleet_reachable ? "reachable" : "out of reach");
	if (c->fleet_since)
		printf(" since %s", policy_time_text(c->fleet_since, when));
	if (!c->fleet_reachable && c->fleet_heard)
		printf(", last heard of at %s", policy_time_text(c->fleet_heard, when));
	putchar('\n');
}

static json_t *json_fleet(const struct serve_counters *c, const char *settings)
{
	char gateway[SERVE_TEXT_LEN];

	if (!in_fleet(settings))
		return json_null();
	return json_pack("{s:o,s:b,s:o,s:o}", "gateway", json_text(setting(settings, "registry.gateway", gateway)),
			 "reachable", c->fleet_reachable != 0, "since", json_count(c->fleet_since), "heard",
			 json_count(c->fleet_heard));
}

static void print_sums(const struct serve_counters *c)
{
	const char *comma = "granted: ";
	char number[PEOPLE_LEN];
	unsigned int i;

	for (i = 0; i < SERVE_ACCEPTED; i++)
		if (c->accepted[i]) {
			printf("%s%s %s", comma, serve_accepted_name(i), people_number(c->accepted[i], false, number));
			comma = ", ";
		}
	puts(*comma == ',' ? "" : "granted: nothing");
	comma = "refused: ";
	for (i = 0; i < SERVE_REFUSED; i++)
		if (c->refused[i]) {
			printf("%s%s %s", comma, serve_refused_name(i), people_number(c->refused[i], false, number));
			comma = ", ";
		}
	puts(*comma == ',' ? "" : "refused: nothing");
}

static void print_text(const struct serve_counters *c, const char *settings)
{
	char when[POLICY_TIME_LEN];

	print_start(c, settings);
	print_fleet(c, settings);
	print_sums(c);
	if (c->accepted[SERVE_ADOPTED])
		printf("adopted %llu certificates that the registry did not know, see the log\n",
		       (unsigned long long)c->accepted[SERVE_ADOPTED]);
	if (!c->reloaded) {
		puts("configuration: as it was at the start");
		return;
	}
	printf("configuration: read again at %s, ", policy_time_text(c->reloaded, when));
	if (c->config_faults)
		printf("not taken for %llu faults: what held before holds, see the log\n",
		       (unsigned long long)c->config_faults);
	else
		puts("taken");
	if (c->certificate_faults)
		puts("certificate and key: not taken: what held before holds, see the log");
}

/* Words between blanks, as an array. */
static json_t *json_words(char *text)
{
	json_t *out = json_array();
	char *word;

	while ((word = strsep(&text, " ")))
		if (*word)
			json_array_append_new(out, json_text(word));
	return out;
}

static json_t *json_status(const struct serve_counters *c, const char *settings)
{
	char est[SERVE_TEXT_LEN], checkin[SERVE_TEXT_LEN], page[SERVE_TEXT_LEN], metrics[SERVE_TEXT_LEN];
	char file[SERVE_TEXT_LEN], until[POLICY_TIME_LEN];
	json_t *accepted = json_object(), *refused = json_object();
	unsigned int i;

	for (i = 0; i < SERVE_ACCEPTED; i++)
		json_object_set_new(accepted, serve_accepted_name(i), json_count(c->accepted[i]));
	for (i = 0; i < SERVE_REFUSED; i++)
		json_object_set_new(refused, serve_refused_name(i), json_count(c->refused[i]));
	setting(settings, "est.listen", est);
	setting(settings, "checkin.listen", checkin);
	setting(settings, "page", page);
	setting(settings, "metrics", metrics);
	return json_pack("{s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o}",
			 "started", json_count(c->started), "connections", json_count(c->connections),
			 "adopted", json_count(c->accepted[SERVE_ADOPTED]), "reloaded", json_count(c->reloaded),
			 "config_faults", json_count(c->config_faults),
			 "certificate_faults", json_count(c->certificate_faults),
			 "config", json_text(setting(settings, "config", file)), "est", json_words(est),
			 "checkin", json_words(checkin), "page", json_words(page), "metrics", json_words(metrics),
			 "certificate_not_after", c->certificate_until ?
			 json_string(policy_time_text(c->certificate_until, until)) : json_null(),
			 "fleet", json_fleet(c, settings), "accepted", accepted, "refused", refused);
}

/**
 * serve_status - print how the server is that runs
 * @config: where it runs
 * @json: as JSON
 *
 * Return: EXIT_DONE; EXIT_REFUSED, also where something of the configuration was not taken.
 */
int serve_status(const struct serve_config *config, bool json)
{
	struct serve_counters c;
	char *settings = NULL;
	int err = serve_counters_read(config->run, &c);

	if (err)
		return complain(config->run, err == -EPROTO ? "counters of another version" : strerror(-err));
	if (serve_settings_read(config, &settings))
		settings = NULL;
	if (json)
		json_print(json_status(&c, settings));
	else
		print_text(&c, settings);
	free(settings);
	return c.config_faults || c.certificate_faults ? EXIT_REFUSED : EXIT_DONE;
}
