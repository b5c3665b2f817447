// SPDX-License-Identifier: GPL-2.0
/* What a page shows of what happened: episodes of anomalies, changes of state, policies. */
#include <stdio.h>
#include <string.h>
#include <sqlite3.h>

#include "history/view_in.h"

/* The same columns for each of the three, of which each has some. */
#define EPISODE \
	"SELECT 'anomaly' AS what, e.id AS key, e.device AS device, e.last AS at, e.first, d.mac, d.name, e.kind, d.segment," \
	" '' AS text, e.count, e.source, e.destination, e.protocol, e.dport, e.server, e.tls, e.interface, e.ports, e.action," \
	" e.acknowledged, e.acknowledged_by"
#define STATE \
	"SELECT 'state', s.device, s.device, s.at, s.at, d.mac, d.name, s.state, s.segment, s.why, 0, '', '', 0, 0, '', ''," \
	" '', '', '', 0, ''"
#define APPLIED \
	"SELECT 'policy', generation, 0, at, at, '', who, mode, '', changes, 0, '', '', 0, 0, '', '', '', '', '', 0, ''"

static const struct view_field event_fields[] = {
	VIEW_TEXT(view_event, what), VIEW_NUMBER(view_event, key), VIEW_NUMBER(view_event, device),
	VIEW_NUMBER(view_event, at), VIEW_NUMBER(view_event, first), VIEW_TEXT(view_event, mac),
	VIEW_TEXT(view_event, name), VIEW_TEXT(view_event, kind), VIEW_TEXT(view_event, segment),
	VIEW_TEXT(view_event, text), VIEW_NUMBER(view_event, count), VIEW_TEXT(view_event, source),
	VIEW_TEXT(view_event, destination), VIEW_NUMBER(view_event, protocol), VIEW_NUMBER(view_event, dport),
	VIEW_TEXT(view_event, server), VIEW_TEXT(view_event, tls), VIEW_TEXT(view_event, interface),
	VIEW_TEXT(view_event, ports), VIEW_TEXT(view_event, action), VIEW_NUMBER(view_event, acknowledged),
	VIEW_TEXT(view_event, acknowledged_by),
};
static const struct view_shape event_shape = VIEW_SHAPE(event_fields);

/** view_events - those of @w, the newest first */
int view_events(struct history *h, const struct view_where *w, view_fn *fn, void *ctx)
{
	return view_each(h, &event_shape, fn, ctx,
			 "SELECT * FROM ("
			 "SELECT * FROM (" EPISODE " FROM episode e JOIN device d ON d.id = e.device WHERE e.last <= ?1"
			 " AND ?2 IN ('', 'anomaly') ORDER BY e.last DESC, e.id DESC LIMIT ?3 + ?4)"
			 " UNION ALL SELECT * FROM (" STATE " FROM state s JOIN device d ON d.id = s.device WHERE s.at <= ?1"
			 " AND ?2 IN ('', 'state') ORDER BY s.at DESC, s.device DESC LIMIT ?3 + ?4)"
			 " UNION ALL SELECT * FROM (" APPLIED " FROM applied WHERE at <= ?1"
			 " AND ?2 IN ('', 'policy') ORDER BY at DESC, generation DESC LIMIT ?3 + ?4))"
			 " ORDER BY at DESC, what, key DESC LIMIT ?3 OFFSET ?4",
			 "ntnn", w->at, w->what ? w->what : "", (int64_t)w->limit, (int64_t)w->skip);
}

/** view_events_from - those at @at or after it, the oldest first */
int view_events_from(struct history *h, int64_t at, view_fn *fn, void *ctx)
{
	return view_each(h, &event_shape, fn, ctx,
			 "SELECT * FROM ("
			 "SELECT * FROM (" EPISODE " FROM episode e JOIN device d ON d.id = e.device WHERE e.last >= ?1"
			 " ORDER BY e.last DESC LIMIT ?2)"
			 " UNION ALL SELECT * FROM (" STATE " FROM state s JOIN device d ON d.id = s.device WHERE s.at >= ?1"
			 " ORDER BY s.at DESC LIMIT ?2)"
			 " UNION ALL SELECT * FROM (" APPLIED " FROM applied WHERE at >= ?1 ORDER BY at DESC LIMIT ?2)"
			 " ORDER BY at DESC, what, key DESC LIMIT ?2) ORDER BY at, what, key",
			 "nn", at, (int64_t)VIEW_PAGE);
}

/** view_events_of - a device's episodes ("anomaly") or states ("state"), the newest first */
int view_events_of(struct history *h, int64_t device, const char *what, view_fn *fn, void *ctx)
{
	if (!strcmp(what, "state"))
		return view_each(h, &event_shape, fn, ctx,
				 STATE " FROM state s JOIN device d ON d.id = s.device WHERE s.device = ?1 ORDER BY s.at DESC"
				 " LIMIT ?2", "nn", device, (int64_t)VIEW_FEW);
	return view_each(h, &event_shape, fn, ctx,
			 EPISODE " FROM episode e JOIN device d ON d.id = e.device WHERE e.device = ?1 ORDER BY e.last DESC LIMIT ?2",
			 "nn", device, (int64_t)VIEW_FEW);
}

/** view_episodes_open - episodes that are not over and that nobody acknowledged, the newest first */
int view_episodes_open(struct history *h, int64_t now, view_fn *fn, void *ctx)
{
	return view_each(h, &event_shape, fn, ctx,
			 EPISODE " FROM episode e JOIN device d ON d.id = e.device WHERE e.last >= ?1 AND e.acknowledged IS NULL"
			 " ORDER BY e.last DESC, e.id DESC LIMIT ?2", "nn", now - HISTORY_QUIET, (int64_t)VIEW_FEW);
}

/** view_episodes_open_count - how many there are */
int view_episodes_open_count(struct history *h, int64_t now, int64_t *out)
{
	return view_number(h, out, "SELECT count(*) FROM episode WHERE last >= ?1 AND acknowledged IS NULL", "n",
			   now - HISTORY_QUIET);
}

static const struct view_field kind_fields[] = {
	VIEW_TEXT(view_count, word), VIEW_NUMBER(view_count, count), VIEW_NUMBER(view_count, devices),
};
static const struct view_shape kind_shape = VIEW_SHAPE(kind_fields);

/** view_kinds - episodes since @since by kind, and of how many devices */
int view_kinds(struct history *h, int64_t since, view_fn *fn, void *ctx)
{
	return view_each(h, &kind_shape, fn, ctx,
			 "SELECT kind, count(*), count(DISTINCT device) FROM episode WHERE last >= ?1 GROUP BY kind"
			 " ORDER BY count(*) DESC, kind LIMIT 32", "n", since);
}

/** view_states_changed - how often a device came into each state since @since */
int view_states_changed(struct history *h, int64_t since, view_fn *fn, void *ctx)
{
	return view_each(h, &kind_shape, fn, ctx,
			 "SELECT state, count(*), count(DISTINCT device) FROM state WHERE at >= ?1 GROUP BY state"
			 " ORDER BY count(*) DESC, state LIMIT 32", "n", since);
}
