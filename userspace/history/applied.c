// SPDX-License-Identifier: GPL-2.0
/* Policies that came into force: by whom, and what they changed. */
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "history/writer.h"
#include "lib/diff.h"

static void print_change(const struct policy_change *c, FILE *out)
{
	const char *only = c->op == POLICY_DELETE ? c->before : c->after;

	if (c->op != POLICY_CHANGE)
		fprintf(out, "%c %s %s%s%s\n", c->op == POLICY_ADD ? '+' : '-', c->object, c->name, only ? ": " : "",
			only ? only : "");
	else if (!strcmp(c->object, c->name))
		fprintf(out, "~ %s: %s -> %s\n", c->object, c->before, c->after);
	else
		fprintf(out, "~ %s %s: %s: %s -> %s\n", c->object, c->name, c->field ? c->field : "",
			c->before ? c->before : "-", c->after ? c->after : "-");
}

/* As `cordonctl diff` prints them, no more than HISTORY_CHANGES bytes. NULL: nothing is known of the policy before. */
static char *changes(const struct policy *before, const struct policy *after)
{
	struct policy_diff diff = { NULL, 0 };
	char *text = NULL;
	size_t size = 0, i;
	FILE *out;

	if (!before || !after || policy_diff(before, after, &diff))
		return NULL;
	out = open_memstream(&text, &size);
	for (i = 0; out && i < diff.n; i++) {
		print_change(&diff.changes[i], out);
		fflush(out);
		if (size > HISTORY_CHANGES && i + 1 < diff.n) {
			fprintf(out, "... and %zu more changes\n", diff.n - i - 1);
			break;
		}
	}
	if (out)
		fclose(out);
	policy_diff_free(&diff);
	if (text && size && text[size - 1] == '\n')
		text[size - 1] = 0;
	return text;
}

static bool find_who(const struct history_writer *w, time_t now, char who[HISTORY_WHO_LEN])
{
	static const char *const words[][2] = { { "apply" }, { "boot" }, { "setup" }, { "restore" }, { "state" }, { "device" } };
	size_t i;

	for (i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (history_who(w, words[i], now, who))
			return true;
	return false;
}

/**
 * history_policy_put - keep a policy in memory
 * @w: the writer
 * @p: the policy, which becomes @w's; NULL, none
 */
void history_policy_put(struct history_writer *w, struct policy *p)
{
	struct cordon_error err;

	policy_free(w->policy);
	free(w->sealed);
	w->policy = p;
	w->sealed = NULL;
	if (p && policy_seal(p, &w->sealed, &err))
		w->sealed = NULL;
}

/* @other: not the one that was in force before, with devices that were changed since. */
static void replace(struct history_writer *w, struct policy *p, bool other)
{
	size_t i;

	history_policy_put(w, p);
	history_self(w);
	/* What holds of a device depends on its segment. */
	for (i = 0; other && i < w->n; i++)
		w->list[i]->written = 0;
}

/* Generations count from 1 again after that. */
static time_t booted(time_t now)
{
	struct timespec up;

	return clock_gettime(CLOCK_BOOTTIME, &up) ? 0 : now - up.tv_sec - 1;
}

/**
 * history_applied - which policy is in force
 * @w: the writer, in a transaction
 * @p: the policy, or NULL: none is; becomes @w's
 * @s: about it
 * @now: the time
 *
 * One that the databases have already is no news.
 */
void history_applied(struct history_writer *w, struct policy *p, const struct cnl_summary *s, time_t now)
{
	static const char last[] = "SELECT generation FROM applied WHERE at >= ?1 ORDER BY at DESC, rowid DESC LIMIT 1";
	static const char put[] = "INSERT INTO applied VALUES(?1, ?2, ?3, ?4, ?5)";
	char who[HISTORY_WHO_LEN] = "", *text;
	int64_t generation = -1;
	const bool known = w->policy, other = !known || w->policy->generation != s->generation;

	history_get(w, &generation, last, "i", (int64_t)booted(now));
	if (other && (known || generation != s->generation) && s->generation) {
		text = changes(w->policy, p);
		find_who(w, now, who);
		history_run(w, put, "iitet", (int64_t)now, (int64_t)s->generation, s->in_force ? policy_mode_name(s->mode) : "none",
			    who, text);
		free(text);
	}
	replace(w, p, other);
	if (other)
		history_rules(w);
}
