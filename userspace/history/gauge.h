/* SPDX-License-Identifier: GPL-2.0 */
/* Figures of this moment, for the metrics. */
#ifndef CORDON_HISTORY_GAUGE_H
#define CORDON_HISTORY_GAUGE_H

#include "history/history.h"

#define GAUGE_LABELS	6	/* words that a figure has at most */
#define GAUGE_RULES	1000	/* rules that are told of ... */
#define GAUGE_ROLLOUTS	100	/* ... roll-outs, the newest ... */
#define GAUGE_OTHERS	1000	/* ... interfaces, certificates of none of the devices */

/** enum gauge - what is asked for; words: its labels, in their order */
enum gauge {
	GAUGE_UP,
	GAUGE_SAMPLE_AGE,
	GAUGE_GENERATION,
	GAUGE_MODE,			/* mode */
	GAUGE_IN_FORCE,
	GAUGE_AWAITING,
	GAUGE_LOCKDOWN,
	GAUGE_APPLIED,
	GAUGE_DENIED,
	GAUGE_ANOMALIES,		/* kind */
	GAUGE_SEGMENT_PACKETS,		/* segment */
	GAUGE_SEGMENT_BYTES,
	GAUGE_SEGMENT_DENIED,
	GAUGE_SEGMENT_DEVICES,
	GAUGE_DEVICES,			/* state */
	GAUGE_UNLISTED,
	GAUGE_BINDINGS,			/* origin */
	GAUGE_INTERFACE_PRESENT,	/* interface, role */
	GAUGE_INTERFACE_UP,
	GAUGE_INTERFACE_CLOSED,
	GAUGE_RULES_OF_ALL,
	GAUGE_RULE_USED,		/* rule, from, to, matches */
	GAUGE_ROLLOUT_OFFERED,		/* rollout, model, version, state */
	GAUGE_ROLLOUT_SUCCEEDED,
	GAUGE_ROLLOUT_FAILED,
	GAUGE_EPISODES,			/* kind */
	GAUGE_EPISODES_NEW,
	GAUGE_CERTIFICATES,		/* what */
	GAUGE_CERTIFICATES_ENDING,
	GAUGE_CERTIFICATE_END,		/* what, name: all but devices' */
	GAUGE_DEVICE_CERTIFICATE_END,	/* what, name */
	GAUGE_DEVICE_ANOMALIES,		/* device, mac, segment, kind */
	GAUGE_DEVICE_EPISODES,
	GAUGE_BYTES,
	GAUGES,
};

/**
 * struct gauge_device - a device of the policy, in numbers
 * @name: its name, as all words of another's choice
 * @mac: its address
 * @segment: its own
 * @state: cordonctl's word
 * @rx_packets: as the kernel counts, as the four behind it
 * @destinations: that are known; -1, none are learned
 * @lease_until: seconds since 1970; 0, there is none
 * @bindings: addresses that are bound to it
 */
struct gauge_device {
	const char *name;
	const char *mac;
	const char *segment;
	const char *state;
	long long rx_packets;
	long long rx_bytes;
	long long tx_packets;
	long long tx_bytes;
	long long denied;
	long long destinations;
	long long lease_until;
	long long bindings;
};

/* gauge.c; what @each returns but 0 ends the walk. Every function returns 0, @each's, or -errno with a sentence. */
int history_gauge(struct history *h, enum gauge what, time_t now,
		  int (*each)(const char *const words[GAUGE_LABELS], long long value, void *arg), void *arg);
int history_gauge_devices(struct history *h, int (*each)(const struct gauge_device *d, void *arg), void *arg);
int history_gauge_begin(struct history *h);
void history_gauge_end(struct history *h);

#endif
