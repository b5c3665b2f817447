// SPDX-License-Identifier: GPL-2.0
/* What the history knows of this moment. */
#include <string.h>

#include "history/gauge.h"
#include "lib/policy.h"
#include "metrics/metrics.h"

#define FRESH	60	/* seconds that a sample is good for; one is taken every ten */

/* Families that have a series for each word of a list, those that nothing is known of included. */
struct list {
	const char *(*name)(u32);
	u32 n;
	long long values[CORDON_KINDS];
};

static const struct {
	enum metrics_family family;
	enum gauge gauge;
} figures[] = {
	{ METRICS_GENERATION, GAUGE_GENERATION },
	{ METRICS_MODE, GAUGE_MODE },
	{ METRICS_IN_FORCE, GAUGE_IN_FORCE },
	{ METRICS_AWAITING, GAUGE_AWAITING },
	{ METRICS_LOCKDOWN, GAUGE_LOCKDOWN },
	{ METRICS_APPLIED, GAUGE_APPLIED },
	{ METRICS_DENIED, GAUGE_DENIED },
	{ METRICS_ANOMALIES, GAUGE_ANOMALIES },
	{ METRICS_SEGMENT_PACKETS, GAUGE_SEGMENT_PACKETS },
	{ METRICS_SEGMENT_BYTES, GAUGE_SEGMENT_BYTES },
	{ METRICS_SEGMENT_DENIED, GAUGE_SEGMENT_DENIED },
	{ METRICS_SEGMENT_DEVICES, GAUGE_SEGMENT_DEVICES },
	{ METRICS_DEVICES, GAUGE_DEVICES },
	{ METRICS_UNLISTED, GAUGE_UNLISTED },
	{ METRICS_BINDINGS, GAUGE_BINDINGS },
	{ METRICS_INTERFACE_PRESENT, GAUGE_INTERFACE_PRESENT },
	{ METRICS_INTERFACE_UP, GAUGE_INTERFACE_UP },
	{ METRICS_INTERFACE_CLOSED, GAUGE_INTERFACE_CLOSED },
	{ METRICS_RULES, GAUGE_RULES_OF_ALL },
	{ METRICS_RULE_USED, GAUGE_RULE_USED },
	{ METRICS_ROLLOUT_OFFERED, GAUGE_ROLLOUT_OFFERED },
	{ METRICS_ROLLOUT_SUCCEEDED, GAUGE_ROLLOUT_SUCCEEDED },
	{ METRICS_ROLLOUT_FAILED, GAUGE_ROLLOUT_FAILED },
	{ METRICS_EPISODES, GAUGE_EPISODES },
	{ METRICS_EPISODES_NEW, GAUGE_EPISODES_NEW },
	{ METRICS_CERTIFICATES, GAUGE_CERTIFICATES },
	{ METRICS_CERTIFICATES_ENDING, GAUGE_CERTIFICATES_ENDING },
	{ METRICS_HISTORY_BYTES, GAUGE_BYTES },
};

static int tell(const char *const words[GAUGE_LABELS], long long value, void *arg)
{
	metrics_series(arg, words, value);
	return 0;
}

static int fill(const char *const words[GAUGE_LABELS], long long value, void *arg)
{
	struct list *l = arg;
	u32 i;

	for (i = 0; i < l->n; i++)
		if (!strcmp(l->name(i), words[0]))
			l->values[i] = value;
	return 0;
}

/* A counter that is there from the start shows its first step; a word that this version does not know is left out. */
static int tell_list(struct metrics_out *o, struct history *h, enum gauge gauge, time_t now, struct list *l)
{
	int ret = history_gauge(h, gauge, now, fill, l);
	const char *word;
	u32 i;

	for (i = 0; i < l->n && !ret; i++) {
		word = l->name(i);
		metrics_series(o, &word, l->values[i]);
	}
	return ret;
}

/**
 * metrics_gauge - a family whose series the history has as they are
 * @o: where to
 * @h: the history
 * @family: which
 * @gauge: the history's name for it, an enum gauge
 * @now: seconds since 1970
 *
 * Return: 0; -errno, with a sentence in @h->error.
 */
int metrics_gauge(struct metrics_out *o, struct history *h, enum metrics_family family, int gauge, time_t now)
{
	const char *labels = metrics_name(family)->labels;
	struct list kinds = { .name = policy_kind_name, .n = CORDON_KINDS };
	struct list states = { .name = policy_state_name, .n = CORDON_STATE_QUARANTINED + 1 };

	metrics_begin(o, family);
	if (labels && !strcmp(labels, "kind"))
		return tell_list(o, h, gauge, now, &kinds);
	if (labels && !strcmp(labels, "state"))
		return tell_list(o, h, gauge, now, &states);
	return history_gauge(h, gauge, now, tell, o);
}

static int take(const char *const words[GAUGE_LABELS], long long value, void *arg)
{
	(void)words;
	*(long long *)arg = value;
	return 0;
}

static void one(struct metrics_out *o, enum metrics_family family, long long value)
{
	metrics_begin(o, family);
	metrics_value(o, NULL, value);
}

/* What is old is no longer true. A history that is not even there says nothing. */
static int tell_up(struct metrics_out *o, struct history *h, time_t now)
{
	long long age = -1, module = 0;
	const char *version = CORDON_VERSION;
	bool fresh;
	int ret = 0;

	if (h)
		ret = history_gauge(h, GAUGE_SAMPLE_AGE, now, take, &age);
	if (h && !ret)
		ret = history_gauge(h, GAUGE_UP, now, take, &module);
	if (ret)
		return ret;
	fresh = age >= 0 && age < FRESH;
	one(o, METRICS_UP, module && fresh);
	metrics_begin(o, METRICS_BUILD);
	metrics_series(o, &version, 1);
	one(o, METRICS_WATCH_UP, fresh);
	if (age >= 0)
		one(o, METRICS_SAMPLE_AGE, age);
	return 0;
}

static int tell_certificates(struct metrics_out *o, struct history *h, const struct metrics_options *options)
{
	int ret = metrics_gauge(o, h, METRICS_CERTIFICATE_END, GAUGE_CERTIFICATE_END, options->now);

	if (!ret && options->devices)
		ret = history_gauge(h, GAUGE_DEVICE_CERTIFICATE_END, options->now, tell, o);
	return ret;
}

static int tell_history(struct metrics_out *o, struct history *h, const struct metrics_options *options)
{
	int ret = history_gauge_begin(h);
	size_t i;

	if (ret)
		return ret;
	ret = tell_up(o, h, options->now);
	for (i = 0; i < sizeof(figures) / sizeof(*figures) && !ret; i++)
		ret = metrics_gauge(o, h, figures[i].family, figures[i].gauge, options->now);
	if (!ret)
		ret = tell_certificates(o, h, options);
	if (!ret && options->devices)
		ret = metrics_devices(o, h, options->now);
	history_gauge_end(h);
	return ret;
}

/**
 * metrics_write - all families
 * @h: as history_open() left it; NULL, there is none: then what the server counts, and cordon_watch_up 0
 * @options: what is wanted
 * @out: where to, which is memory or a file: who writes the history waits for it
 *
 * Return: 0; -errno, with a sentence in @h->error, and half of it in @out.
 */
int metrics_write(struct history *h, const struct metrics_options *options, FILE *out)
{
	struct metrics_out o = { .file = out, .format = options->format };
	int ret = h ? tell_history(&o, h, options) : tell_up(&o, NULL, options->now);

	if (ret)
		return ret;
	if (options->serve)
		metrics_serve(&o, options->serve, options->fleet);
	metrics_end(&o);
	return 0;
}
