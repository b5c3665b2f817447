/* SPDX-License-Identifier: GPL-2.0 */
/* Figures in OpenMetrics, and in Prometheus' older text format. */
#ifndef CORDON_METRICS_H
#define CORDON_METRICS_H

#include <stdbool.h>
#include <stdio.h>
#include <time.h>

#include "history/history.h"

#define METRICS_LABELS_LEN	1024
#define METRICS_VALUE_LEN	256	/* bytes of a label's value; what is longer is cut */
#define METRICS_LABELS		6	/* of a series */

struct serve_counters;

/** enum metrics_format - how it is written */
enum metrics_format {
	METRICS_OPENMETRICS,
	METRICS_PLAIN,		/* Prometheus' text format, 0.0.4 */
};

/** enum metrics_family - all that there is; what each is, is in names.c */
enum metrics_family {
	METRICS_UP,
	METRICS_BUILD,
	METRICS_WATCH_UP,
	METRICS_SAMPLE_AGE,
	METRICS_GENERATION,
	METRICS_MODE,
	METRICS_IN_FORCE,
	METRICS_AWAITING,
	METRICS_LOCKDOWN,
	METRICS_APPLIED,
	METRICS_DENIED,
	METRICS_ANOMALIES,
	METRICS_SEGMENT_PACKETS,
	METRICS_SEGMENT_BYTES,
	METRICS_SEGMENT_DENIED,
	METRICS_SEGMENT_DEVICES,
	METRICS_DEVICES,
	METRICS_UNLISTED,
	METRICS_BINDINGS,
	METRICS_INTERFACE_PRESENT,
	METRICS_INTERFACE_UP,
	METRICS_INTERFACE_CLOSED,
	METRICS_RULES,
	METRICS_RULE_USED,
	METRICS_ROLLOUT_OFFERED,
	METRICS_ROLLOUT_SUCCEEDED,
	METRICS_ROLLOUT_FAILED,
	METRICS_EPISODES,
	METRICS_EPISODES_NEW,
	METRICS_CERTIFICATES,
	METRICS_CERTIFICATES_ENDING,
	METRICS_CERTIFICATE_END,
	METRICS_HISTORY_BYTES,
	METRICS_SERVE_START,
	METRICS_SERVE_CONNECTIONS,
	METRICS_SERVE_ACCEPTED,
	METRICS_SERVE_REFUSED,
	METRICS_SERVE_UPDATES,
	METRICS_FLEET_REACHABLE,
	METRICS_FLEET_HEARD,
	METRICS_DEVICE_RX_PACKETS,
	METRICS_DEVICE_RX_BYTES,
	METRICS_DEVICE_TX_PACKETS,
	METRICS_DEVICE_TX_BYTES,
	METRICS_DEVICE_DENIED,
	METRICS_DEVICE_ANOMALIES,
	METRICS_DEVICE_EPISODES,
	METRICS_DEVICE_STATE,
	METRICS_DEVICE_DESTINATIONS,
	METRICS_DEVICE_LEASE,
	METRICS_DEVICE_BINDINGS,
	METRICS_FAMILIES,
};

/** enum metrics_type - of a family */
enum metrics_type { METRICS_GAUGE, METRICS_COUNTER, METRICS_INFO };

/**
 * struct metrics_name - what a family is
 * @name: of its series, without "cordon_"; a counter's ends in _total, an info's in _info
 * @type: enum metrics_type
 * @labels: with commas between; NULL, it has one series
 * @series: how many there are, for people
 * @help: a sentence without its full stop
 */
struct metrics_name {
	const char *name;
	enum metrics_type type;
	const char *labels;
	const char *series;
	const char *help;
};

/**
 * struct metrics_out - where series go
 * @file: there
 * @format: enum metrics_format
 * @family: of what
 */
struct metrics_out {
	FILE *file;
	enum metrics_format format;
	const struct metrics_name *family;
};

/**
 * struct metrics_labels - labels of one series, escaped, without the braces
 * @len: of @text
 * @text: NUL-terminated
 */
struct metrics_labels {
	size_t len;
	char text[METRICS_LABELS_LEN];
};

/**
 * struct metrics_options - what is wanted
 * @devices: a series for each device, too
 * @serve: the server's counters; NULL, they are not at hand
 * @fleet: and it is in a fleet
 * @now: seconds since 1970
 * @format: enum metrics_format
 */
struct metrics_options {
	bool devices;
	const struct serve_counters *serve;
	bool fleet;
	time_t now;
	enum metrics_format format;
};

/* names.c */
const struct metrics_name *metrics_name(enum metrics_family family);
void metrics_names(FILE *out);

/* text.c */
void metrics_begin(struct metrics_out *o, enum metrics_family family);
void metrics_value(struct metrics_out *o, const char *labels, long long value);
void metrics_series(struct metrics_out *o, const char *const *words, long long value);
void metrics_label(struct metrics_labels *l, const char *name, const char *value);
void metrics_end(struct metrics_out *o);
const char *metrics_content_type(enum metrics_format format);

/* serve.c, devices.c */
void metrics_serve(struct metrics_out *o, const struct serve_counters *c, bool fleet);
int metrics_devices(struct metrics_out *o, struct history *h, time_t now);

/* write.c */
int metrics_write(struct history *h, const struct metrics_options *o, FILE *out);
int metrics_gauge(struct metrics_out *o, struct history *h, enum metrics_family family, int gauge, time_t now);

#endif
