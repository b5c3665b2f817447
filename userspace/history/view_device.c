// SPDX-License-Identifier: GPL-2.0
/* What a page shows of devices. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sqlite3.h>

#include "history/view_in.h"

/* ?1: part of a name, address, ..., as LIKE has it; ?2: state; ?3: segment, of the policy or as it is; '' for all. */
#define FILTER \
	" FROM live.now WHERE (?1 = '' OR name LIKE ?1 ESCAPE '\\' OR mac LIKE ?1 ESCAPE '\\' OR addresses LIKE ?1 ESCAPE '\\'" \
	" OR hostname LIKE ?1 ESCAPE '\\' OR model LIKE ?1 ESCAPE '\\' OR version LIKE ?1 ESCAPE '\\'" \
	" OR id IN (SELECT device FROM live.binding WHERE ?1 <> '' AND address LIKE ?1 ESCAPE '\\'))" \
	" AND (?2 = '' OR state = ?2) AND (?3 = '' OR segment = ?3 OR effective = ?3)"

#define COLUMNS \
	"id, mac, name, segment, effective, state, since, why, listed, model, ports, vlan, addresses, authentication," \
	" encryption, firmware, lease_until, lease_port, outdated, certificate, certificate_end, version, hostname," \
	" vendor_class, parameters, first, last, destinations, learning, rx_packets, rx_bytes, tx_packets, tx_bytes," \
	" denied, anomalies"

static const struct view_field device_fields[] = {
	VIEW_NUMBER(view_device, id), VIEW_TEXT(view_device, mac), VIEW_TEXT(view_device, name),
	VIEW_TEXT(view_device, segment), VIEW_TEXT(view_device, effective), VIEW_TEXT(view_device, state),
	VIEW_NUMBER(view_device, since), VIEW_TEXT(view_device, why), VIEW_NUMBER(view_device, listed),
	VIEW_TEXT(view_device, model), VIEW_TEXT(view_device, ports), VIEW_NUMBER(view_device, vlan),
	VIEW_TEXT(view_device, addresses), VIEW_TEXT(view_device, authentication), VIEW_TEXT(view_device, encryption),
	VIEW_NUMBER(view_device, firmware), VIEW_NUMBER(view_device, lease_until), VIEW_TEXT(view_device, lease_port),
	VIEW_NUMBER(view_device, outdated), VIEW_TEXT(view_device, certificate), VIEW_NUMBER(view_device, certificate_end),
	VIEW_TEXT(view_device, version), VIEW_TEXT(view_device, hostname), VIEW_TEXT(view_device, vendor_class),
	VIEW_TEXT(view_device, parameters), VIEW_NUMBER(view_device, first), VIEW_NUMBER(view_device, last),
	VIEW_NUMBER(view_device, destinations), VIEW_NUMBER(view_device, learning), VIEW_NUMBER(view_device, rx_packets),
	VIEW_NUMBER(view_device, rx_bytes), VIEW_NUMBER(view_device, tx_packets), VIEW_NUMBER(view_device, tx_bytes),
	VIEW_NUMBER(view_device, denied), VIEW_NUMBER(view_device, anomalies), VIEW_NUMBER(view_device, gone),
};
static const struct view_shape device_shape = VIEW_SHAPE(device_fields);

/* By which words devices are sorted, and what stands for each in SQL: no word of a reader gets there. */
static const struct {
	const char *word, *sql;
} orders[] = {
	{ "name", "name" }, { "state", "state" }, { "segment", "segment" }, { "last", "coalesce(last, 0)" },
	{ "denied", "denied" }, { "anomalies", "anomalies" },
};

static const char *order(const char *word)
{
	size_t i;

	for (i = 0; word && i < sizeof(orders) / sizeof(*orders); i++)
		if (!strcmp(word, orders[i].word))
			return orders[i].sql;
	return orders[0].sql;
}

/* A text for LIKE that finds itself anywhere; "" stays so. */
static void pattern(char *out, size_t size, const char *text)
{
	char *at = out, *end = out + size - 3;

	if (text && *text) {
		*at++ = '%';
		for (; *text && at < end; text++) {
			if (strchr("%_\\", *text))
				*at++ = '\\';
			*at++ = *text;
		}
		*at++ = '%';
	}
	*at = 0;
}

static const char *word(const char *text)
{
	return text ? text : "";
}

/** view_devices - a page of those devices that @f says */
int view_devices(struct history *h, const struct view_filter *f, view_fn *fn, void *ctx)
{
	char sql[2048], like[256];

	pattern(like, sizeof(like), f->text);
	snprintf(sql, sizeof(sql), "SELECT " COLUMNS ", 0" FILTER " ORDER BY %s %s, mac LIMIT %d OFFSET ?4", order(f->sort),
		 f->descending ? "DESC" : "ASC", VIEW_PAGE);
	return view_each(h, &device_shape, fn, ctx, sql, "tttn", like, word(f->state), word(f->segment),
			 (int64_t)f->page * VIEW_PAGE);
}

/** view_devices_count - how many there are on all pages */
int view_devices_count(struct history *h, const struct view_filter *f, int64_t *out)
{
	char like[256];

	pattern(like, sizeof(like), f->text);
	return view_number(h, out, "SELECT count(*)" FILTER, "ttt", like, word(f->state), word(f->segment));
}

/** view_devices_new - how many were seen for the first time since @since */
int view_devices_new(struct history *h, int64_t since, int64_t *out)
{
	return view_number(h, out, "SELECT count(*) FROM device WHERE first >= ?1 AND mac <> ''", "n", since);
}

/** view_device - one device, also one that is no longer there; returns 1, or 0 if there never was one */
int view_device(struct history *h, const char *mac, view_fn *fn, void *ctx)
{
	int n = view_each(h, &device_shape, fn, ctx, "SELECT " COLUMNS ", 0 FROM live.now WHERE mac = ?1", "t", mac);

	if (n)
		return n;
	return view_each(h, &device_shape, fn, ctx,
			 "SELECT id, mac, name, segment, '', '', 0, '', 0, '', '', 0, '', '', '', 0, 0, '', 0, '', 0, '', '', '', '',"
			 " first, last, 0, 0, 0, 0, 0, 0, 0, 0, 1 FROM device WHERE mac = ?1", "t", mac);
}

static const struct view_field binding_fields[] = {
	VIEW_TEXT(view_binding, address), VIEW_TEXT(view_binding, origin), VIEW_NUMBER(view_binding, until),
};
static const struct view_shape binding_shape = VIEW_SHAPE(binding_fields);

/** view_bindings - a device's addresses */
int view_bindings(struct history *h, int64_t device, view_fn *fn, void *ctx)
{
	return view_each(h, &binding_shape, fn, ctx, "SELECT address, origin, until FROM live.binding WHERE device = ?1"
			 " ORDER BY address LIMIT 100", "n", device);
}

static const struct view_field denial_fields[] = {
	VIEW_TEXT(view_denial, kind), VIEW_TEXT(view_denial, source), VIEW_TEXT(view_denial, destination),
	VIEW_NUMBER(view_denial, protocol), VIEW_NUMBER(view_denial, dport), VIEW_TEXT(view_denial, from),
	VIEW_TEXT(view_denial, to), VIEW_TEXT(view_denial, rule), VIEW_NUMBER(view_denial, first),
	VIEW_NUMBER(view_denial, last), VIEW_NUMBER(view_denial, count),
};
static const struct view_shape denial_shape = VIEW_SHAPE(denial_fields);

/** view_denials - what a device was denied, the last first */
int view_denials(struct history *h, int64_t device, view_fn *fn, void *ctx)
{
	return view_each(h, &denial_shape, fn, ctx,
			 "SELECT kind, source, destination, protocol, dport, from_segment, to_segment, rule, first, last, count"
			 " FROM denial WHERE device = ?1 ORDER BY last DESC LIMIT ?2", "nn", device, (int64_t)HISTORY_DENIALS);
}

static const struct view_field peer_fields[] = {
	VIEW_TEXT(view_peer, peer), VIEW_NUMBER(view_peer, protocol), VIEW_NUMBER(view_peer, dport),
	VIEW_NUMBER(view_peer, opened), VIEW_TEXT(view_peer, mac), VIEW_TEXT(view_peer, name), VIEW_TEXT(view_peer, segment),
	VIEW_NUMBER(view_peer, first), VIEW_NUMBER(view_peer, last), VIEW_NUMBER(view_peer, connections),
};
static const struct view_shape peer_shape = VIEW_SHAPE(peer_fields);

/** view_peers - whom a device talks to, the last first */
int view_peers(struct history *h, int64_t device, view_fn *fn, void *ctx)
{
	return view_each(h, &peer_shape, fn, ctx,
			 "SELECT p.peer, p.protocol, p.dport, p.opened, d.mac, d.name, p.segment, p.first, p.last, p.connections"
			 " FROM peer p LEFT JOIN device d ON d.id = p.other WHERE p.device = ?1 ORDER BY p.last DESC LIMIT ?2",
			 "nn", device, (int64_t)HISTORY_PEERS);
}

static const struct view_field anomaly_fields[] = {
	VIEW_TEXT(view_count, word), VIEW_NUMBER(view_count, count),
};
static const struct view_shape anomaly_shape = VIEW_SHAPE(anomaly_fields);

/** view_anomalies - a device's anomalies by kind, since the kernel began to count */
int view_anomalies(struct history *h, int64_t device, view_fn *fn, void *ctx)
{
	return view_each(h, &anomaly_shape, fn, ctx,
			 "SELECT kind, count FROM live.now_anomaly WHERE device = ?1 AND count ORDER BY count DESC LIMIT 64", "n",
			 device);
}

/* struct span - which rows a plot adds up */
static const struct span {
	const char *word, *table;
	unsigned int step, n;
} spans[] = {
	{ "day", "minute", 300, 288 }, { "week", "hour", 3600, 168 }, { "year", "day", 86400, 365 },
};

/** struct step - a row: what came in a step of a plot */
struct step {
	int64_t index;
	struct view_point point;
};

static const struct view_field step_fields[] = {
	VIEW_NUMBER(step, index), VIEW_NUMBER(step, point.rx), VIEW_NUMBER(step, point.tx), VIEW_NUMBER(step, point.denied),
	VIEW_NUMBER(step, point.anomalies),
};
static const struct view_shape step_shape = VIEW_SHAPE(step_fields);

static void put_step(const void *row, void *ctx)
{
	const struct step *step = row;
	struct view_series *out = ctx;

	if (step->index >= 0 && step->index < out->n)
		out->points[step->index] = step->point;
}

/**
 * view_series - a device's traffic, denials and anomalies, for a plot whose last step is the one in which @now is
 * @h: the databases
 * @device: its id
 * @span: "day", "week" or "year"
 * @now: the time
 * @out: is filled; steps in which nothing came are zeros
 *
 * Return: how many steps had something; -EINVAL, there is no such span; or -errno.
 */
int view_series(struct history *h, int64_t device, const char *span, int64_t now, struct view_series *out)
{
	const struct span *s = spans;
	char sql[512];

	while (s < spans + sizeof(spans) / sizeof(*spans) && strcmp(s->word, span))
		s++;
	if (s == spans + sizeof(spans) / sizeof(*spans)) {
		snprintf(h->error, sizeof(h->error), "there is no such span: day, week or year");
		return -EINVAL;
	}
	memset(out, 0, sizeof(*out));
	out->step = s->step;
	out->n = s->n;
	out->from = (now / s->step + 1 - s->n) * s->step;
	snprintf(sql, sizeof(sql), "SELECT (at - ?2) / ?3 AS i, sum(rx_bytes), sum(tx_bytes), sum(denied), sum(anomalies)"
		 " FROM %s WHERE device = ?1 AND at >= ?2 AND at < ?2 + ?3 * ?4 GROUP BY i", s->table);
	return view_each(h, &step_shape, put_step, out, sql, "nnnn", device, out->from, out->step, (int64_t)out->n);
}
