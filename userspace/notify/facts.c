// SPDX-License-Identifier: GPL-2.0
/* What a program is told, in its environment and as JSON. Names that a device chose must not end a line in either. */
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "lib/policy.h"
#include "lib/utf8.h"
#include "notify/internal.h"

#define VALUE_LEN	1024
#define TIME_LEN	32

/** struct fact - one word: its name in the environment, behind CORDON_, and in JSON */
struct fact {
	const char *env;
	const char *json;
	const char *value;
};

static char *clean(char out[VALUE_LEN], const char *text)
{
	size_t n = 0;

	for (; *text && n + 5 < VALUE_LEN; text++) {
		unsigned char c = *text;

		if (c < ' ' || c >= 0x7f)
			n += sprintf(out + n, "\\x%02x", c);
		else if (c == '\\')
			n += sprintf(out + n, "\\\\");
		else
			out[n++] = c;
	}
	out[n] = 0;
	return out;
}

static int add_env(struct notify_told *t, const char *name, const char *value)
{
	char text[VALUE_LEN];

	if (t->n == NOTIFY_ENV || asprintf(&t->env[t->n], "CORDON_%s=%s", name, clean(text, value)) < 0)
		return -ENOMEM;
	t->env[++t->n] = NULL;
	return 0;
}

static int add_json(json_t *o, const char *name, const char *value)
{
	char *text = utf8_repair(value);
	int ret = !text || json_object_set_new(o, name, json_string(text)) ? -ENOMEM : 0;

	free(text);
	return ret;
}

static int add(struct notify_told *t, json_t *o, const struct fact *f)
{
	int ret;

	if (!f->value || !f->value[0])
		return 0;
	ret = add_env(t, f->env, f->value);
	return ret ? ret : add_json(o, f->json, f->value);
}

static void write_time(char out[TIME_LEN], time_t at)
{
	struct tm tm;

	if (!at || !gmtime_r(&at, &tm) || !strftime(out, TIME_LEN, "%Y-%m-%dT%H:%M:%SZ", &tm))
		out[0] = 0;
}

static int add_facts(struct notify_told *t, json_t *o, const struct notify_facts *f, bool over)
{
	char mac[18], first[TIME_LEN], last[TIME_LEN], count[24];
	static const uint8_t none[sizeof(f->mac)];
	const bool has_mac = memcmp(f->mac, none, sizeof(none)) != 0;
	const struct fact facts[] = {
		{ "ALERT", "alert", over ? "resolved" : "firing" },
		{ "DEVICE", "device", f->device },
		{ "MAC", "mac", has_mac ? policy_mac_text(f->mac, mac) : NULL },
		{ "SEGMENT", "segment", f->segment },
		{ f->is_state ? "STATE" : "ANOMALY", f->is_state ? "state" : "anomaly",
		  f->is_state ? policy_state_name(f->what) : policy_kind_name(f->what) },
		{ "VERDICT", "verdict", f->is_state ? NULL : f->denied ? "denied" : "passed" },
		{ "SOURCE", "source", f->source },
		{ "DESTINATION", "destination", f->destination },
		{ "SERVICE", "service", f->service },
		{ "SERVER_NAME", "server_name", f->server },
		{ "INTERFACE", "interface", f->interface },
		{ "ACTION", "action", f->action },
		{ "WHY", "why", f->why },
		{ "COUNT", "count", count },
		{ "FIRST", "first", first },
		{ "LAST", "last", last },
	};
	int ret = 0;
	size_t i;

	snprintf(count, sizeof(count), "%llu", (unsigned long long)f->count);
	write_time(first, f->first);
	write_time(last, f->last);
	for (i = 0; i < sizeof(facts) / sizeof(*facts) && !ret; i++)
		ret = add(t, o, &facts[i]);
	if (!ret && json_object_set_new(o, "count", json_integer(f->count)))
		ret = -ENOMEM;
	return ret;
}

static int add_json_text(struct notify_told *t, const json_t *o)
{
	char *text = json_dumps(o, JSON_COMPACT);
	int ret = text && asprintf(&t->json, "%s\n", text) >= 0 ? 0 : -ENOMEM;

	free(text);
	return ret;
}

/**
 * notify_tell - facts for a program
 * @t: filled
 * @f: the facts
 * @over: that the episode is over is what is told
 *
 * Return: 0; -ENOMEM, and there is nothing to free.
 */
int notify_tell(struct notify_told *t, const struct notify_facts *f, bool over)
{
	json_t *o = json_object();
	int ret = -ENOMEM;

	memset(t, 0, sizeof(*t));
	t->env[0] = strdup("PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
	t->env[1] = strdup("LANG=C.UTF-8");
	t->n = 2;
	if (o && t->env[0] && t->env[1])
		ret = add_facts(t, o, f, over);
	if (!ret)
		ret = add_json_text(t, o);
	json_decref(o);
	if (ret)
		notify_told_free(t);
	return ret;
}

/**
 * notify_tell_suppressed - add how many alerts nobody was told of
 * @t: after notify_tell(); in the environment alone
 * @n: how many
 */
int notify_tell_suppressed(struct notify_told *t, unsigned long long n)
{
	char text[24];

	snprintf(text, sizeof(text), "%llu", n);
	return add_env(t, "SUPPRESSED", text);
}

/** notify_told_free - after notify_tell(); also a second time */
void notify_told_free(struct notify_told *t)
{
	size_t i;

	for (i = 0; i < t->n; i++)
		free(t->env[i]);
	free(t->json);
	memset(t, 0, sizeof(*t));
}
