// SPDX-License-Identifier: GPL-2.0
/* `notify:` of watch.yaml, and what is wrong with it. */
#include <pwd.h>
#include <stdlib.h>
#include <string.h>

#include "lib/yaml_get.h"
#include "notify/notify.h"

#define WORD_LEN	1024
#define TIMEOUT_MAX	600U
#define NOBODY		65534

static void load_run(struct loader *l, const struct yaml_node *list, struct notify_rule *r)
{
	const struct yaml_node *node;
	const char *text;
	size_t n = 0;

	if (!yaml_is(l, list, YAML_SEQUENCE, "run"))
		return;
	if (!list->n || list->n > NOTIFY_WORDS) {
		report_error(l->report, list->at, "run holds %u words, not 1 to %d", list->n, NOTIFY_WORDS);
		return;
	}
	for (node = list->child; node; node = node->next) {
		text = yaml_text(l, node, "a word of run");
		if (!text)
			continue;
		if (strlen(text) > WORD_LEN)
			report_error(l->report, node->at, "a word of run has more than %d bytes", WORD_LEN);
		else if (node == list->child && text[0] != '/')
			report_error(l->report, node->at, "program '%s' does not begin with /", text);
		r->argv[n] = strdup(text);
		if (!r->argv[n++])
			yaml_no_memory(l, node);
	}
}

static uint32_t load_kinds(struct loader *l, const struct yaml_node *list)
{
	const struct yaml_node *node;
	uint32_t kinds = 0;
	int kind;

	if (!yaml_is(l, list, YAML_SEQUENCE, "kinds"))
		return 0;
	for (node = list->child; node; node = node->next) {
		kind = yaml_text(l, node, "a kind of anomaly") ? yaml_kind(l, node) : -1;
		if (kind >= 0)
			kinds |= 1U << kind;
	}
	return kinds;
}

static uint32_t load_states(struct loader *l, const struct yaml_node *list)
{
	const struct yaml_node *node;
	uint32_t states = 0;
	int state;

	if (!yaml_is(l, list, YAML_SEQUENCE, "states"))
		return 0;
	for (node = list->child; node; node = node->next) {
		state = yaml_enum(l, node, "a state", policy_state_name, CORDON_STATE_QUARANTINED + 1);
		if (state >= 0)
			states |= 1U << state;
	}
	return states;
}

static void default_user(struct notify_rule *r)
{
	const struct passwd *user = getpwnam(NOTIFY_USER);

	r->uid = user ? user->pw_uid : NOBODY;
	r->gid = user ? user->pw_gid : NOBODY;
}

static void load_user(struct loader *l, const struct yaml_node *node, struct notify_rule *r)
{
	const char *text = yaml_text(l, node, "user");
	const struct passwd *user;

	if (!text)
		return;
	user = getpwnam(text);
	if (!user) {
		report_error(l->report, node->at, "there is no user '%s'", text);
	} else if (!user->pw_uid || !user->pw_gid) {
		report_error(l->report, node->at, "user '%s' is root, or in its group: programs are run without rights",
			     text);
	} else {
		r->uid = user->pw_uid;
		r->gid = user->pw_gid;
	}
}

static void load_timeout(struct loader *l, const struct yaml_node *node, struct notify_rule *r)
{
	const char *text = yaml_text(l, node, "timeout");

	if (text && (policy_duration_parse(text, &r->timeout) || !r->timeout || r->timeout > TIMEOUT_MAX))
		report_error(l->report, node->at, "'%s' is not a duration from 1s to 10m", text);
}

static void load_rule(struct loader *l, const struct yaml_node *map, struct notify_rule *r)
{
	enum { RUN, KINDS, STATES, USER, TIMEOUT, N };
	static const struct yaml_field fields[] = {
		{ "run", true }, { "kinds", false }, { "states", false }, { "user", false }, { "timeout", false },
	};
	struct yaml_node *at[N] = { NULL };

	r->timeout = NOTIFY_TIMEOUT;
	default_user(r);
	if (!yaml_fields(l, map, "an entry of notify", fields, N, at))
		return;
	if (at[RUN])
		load_run(l, at[RUN], r);
	if (!at[KINDS] && !at[STATES]) {
		r->kinds = (1U << CORDON_KINDS) - 1;
		r->states = 1U << CORDON_STATE_QUARANTINED;
	}
	if (at[KINDS])
		r->kinds = load_kinds(l, at[KINDS]);
	if (at[STATES])
		r->states = load_states(l, at[STATES]);
	if (at[USER])
		load_user(l, at[USER], r);
	if (at[TIMEOUT])
		load_timeout(l, at[TIMEOUT], r);
}

/**
 * notify_config_load - read `notify:`
 * @l: whose report collects the faults
 * @list: the key's value
 * @out: filled; to be given to notify_config_free() in any case
 */
void notify_config_load(struct loader *l, const struct yaml_node *list, struct notify_config *out)
{
	const struct yaml_node *node;

	memset(out, 0, sizeof(*out));
	if (!yaml_is(l, list, YAML_SEQUENCE, "notify"))
		return;
	for (node = list->child; node; node = node->next) {
		if (out->n == NOTIFY_RULES) {
			report_error(l->report, node->at, "notify holds more than %d entries", NOTIFY_RULES);
			return;
		}
		load_rule(l, node, &out->rules[out->n++]);
	}
}

/** notify_config_free - also a second time */
void notify_config_free(struct notify_config *c)
{
	size_t i, w;

	for (i = 0; i < c->n; i++)
		for (w = 0; c->rules[i].argv[w]; w++)
			free(c->rules[i].argv[w]);
	memset(c, 0, sizeof(*c));
}
