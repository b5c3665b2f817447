/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What a page shows of the two databases. Every list is bounded. Texts are as devices, operators and policies gave
 * them: any bytes, and never NULL. A number or a time that is not known is 0. A row and its texts are there only while
 * the function that is called for it runs. Every function returns 0 or more, or -errno with a sentence in h->error.
 */
#ifndef CORDON_HISTORY_VIEW_H
#define CORDON_HISTORY_VIEW_H

#include "history/history.h"

#define VIEW_PAGE	100	/* rows of a page of devices or events */
#define VIEW_FEW	20	/* rows of a list that is one of several */
#define VIEW_POINTS	366	/* of a plot, at most */
#define VIEW_WORD	128
#define VIEW_MAC	18

typedef void view_fn(const void *row, void *ctx);

/** struct view_status - how the gateway is; no_module: when it was sampled, the kernel module was not loaded */
struct view_status {
	bool no_module;
	int64_t sampled, generation, in_force, awaiting, confirm, lockdown, applied_at;
	int64_t rx_bytes, tx_bytes, rx_packets, denied, anomalies;
	char mode[VIEW_WORD], unknown[VIEW_WORD], applied_by[VIEW_WORD];
};

/** struct view_count - how many there are of a word: devices in a state, anomalies of a kind */
struct view_count {
	const char *word;
	int64_t count, devices;
};

/** struct view_device - a device as it is now; @gone: no longer in the policy or behind a port */
struct view_device {
	int64_t id, since, listed, vlan, firmware, lease_until, outdated, certificate_end, first, last, destinations, learning;
	int64_t rx_packets, rx_bytes, tx_packets, tx_bytes, denied, anomalies, gone;
	const char *mac, *name, *segment, *effective, *state, *why, *model, *ports, *addresses, *authentication, *encryption;
	const char *lease_port, *certificate, *version, *hostname, *vendor_class, *parameters;
};

/** struct view_filter - which devices, and in which order; NULL: all of them */
struct view_filter {
	const char *text, *state, *segment, *sort;
	bool descending;
	unsigned int page;	/* from 0 */
};

struct view_binding {
	const char *address, *origin;
	int64_t until;
};

struct view_denial {
	const char *kind, *source, *destination, *from, *to, *rule;
	int64_t protocol, dport, first, last, count;
};

struct view_peer {
	const char *peer, *segment, *mac, *name;
	int64_t protocol, dport, opened, first, last, connections;
};

/** struct view_point - what came in one step of a plot */
struct view_point {
	int64_t rx, tx, denied, anomalies;
};

/** struct view_series - a plot; @step: seconds; @from: start of the first step */
struct view_series {
	int64_t from, step;
	unsigned int n;
	struct view_point points[VIEW_POINTS];
};

/** struct view_event - an episode of anomalies, a change of state, or a policy; @what: "anomaly", "state", "policy" */
struct view_event {
	const char *what, *mac, *name, *kind, *segment, *text, *source, *destination, *server, *tls, *interface, *ports;
	const char *action, *acknowledged_by;
	int64_t key, device, at, first, count, protocol, dport, acknowledged;
};

/** struct view_where - which events; @what: NULL, all; @at: not after it; @skip: rows of that second seen already */
struct view_where {
	const char *what;
	int64_t at;
	unsigned int skip, limit;
};

struct view_certificate {
	const char *serial, *name, *kind;
	int64_t until;
};

struct view_interface {
	const char *name, *role, *closed;
	int64_t present, up;
};

struct view_rule {
	const char *from, *to, *matches;
	int64_t id, plaintext, related, used;
};

struct view_rollout {
	const char *model, *version, *state;
	int64_t id, share, offered, succeeded, failed, began;
};

/* view.c */
int view_status(struct history *h, struct view_status *out);
int view_states(struct history *h, view_fn *fn, void *ctx);
int view_segments(struct history *h, view_fn *fn, void *ctx);
int view_interfaces(struct history *h, view_fn *fn, void *ctx);
int view_certificates(struct history *h, int64_t until, view_fn *fn, void *ctx);
int view_certificates_count(struct history *h, int64_t until, int64_t *out);
int view_rules(struct history *h, view_fn *fn, void *ctx);
int view_rollouts(struct history *h, view_fn *fn, void *ctx);
int view_unknown(struct history *h, int64_t *out);

/* view_device.c */
int view_devices(struct history *h, const struct view_filter *f, view_fn *fn, void *ctx);
int view_devices_count(struct history *h, const struct view_filter *f, int64_t *out);
int view_devices_new(struct history *h, int64_t since, int64_t *out);
int view_device(struct history *h, const char *mac, view_fn *fn, void *ctx);
int view_bindings(struct history *h, int64_t device, view_fn *fn, void *ctx);
int view_denials(struct history *h, int64_t device, view_fn *fn, void *ctx);
int view_peers(struct history *h, int64_t device, view_fn *fn, void *ctx);
int view_anomalies(struct history *h, int64_t device, view_fn *fn, void *ctx);
int view_series(struct history *h, int64_t device, const char *span, int64_t now, struct view_series *out);

/* view_event.c */
int view_events(struct history *h, const struct view_where *w, view_fn *fn, void *ctx);
int view_events_from(struct history *h, int64_t at, view_fn *fn, void *ctx);
int view_events_of(struct history *h, int64_t device, const char *what, view_fn *fn, void *ctx);
int view_episodes_open(struct history *h, int64_t now, view_fn *fn, void *ctx);
int view_episodes_open_count(struct history *h, int64_t now, int64_t *out);
int view_kinds(struct history *h, int64_t since, view_fn *fn, void *ctx);
int view_states_changed(struct history *h, int64_t since, view_fn *fn, void *ctx);

#endif
