// SPDX-License-Identifier: GPL-2.0
/* In which state a device is, and why. */
#include <stdio.h>
#include <string.h>

#include "history/writer.h"

#define UNKNOWN	"by a limit or an operator"
#define SOON	30	/* seconds between an anomaly, or an operator's call, and what it brings about */

static bool by_operator(const struct history_writer *w, const struct history_device *t, time_t now,
			char who[HISTORY_WHO_LEN])
{
	char mac[18];
	const char *words[] = { "device", t->name, NULL };
	const char *by_mac[] = { "device", policy_mac_text(t->mac, mac), NULL };

	return history_who(w, words, now, who) || history_who(w, by_mac, now, who);
}

static void why_quarantined(const struct history_writer *w, struct history_device *t, time_t now)
{
	char who[HISTORY_WHO_LEN];

	if (t->acted < CORDON_KINDS && now - t->acted_at <= SOON)
		snprintf(t->why, sizeof(t->why), "%s: its limit was reached", policy_kind_name(t->acted));
	else if (by_operator(w, t, now, who))
		snprintf(t->why, sizeof(t->why), "quarantined by %s", who);
	else
		snprintf(t->why, sizeof(t->why), UNKNOWN);
}

/**
 * history_state_because - an anomaly quarantined a device
 * @w: the writer, in a transaction
 * @t: the device
 * @kind: of the anomaly
 * @now: the time
 *
 * The kernel may tell of the state first.
 */
void history_state_because(struct history_writer *w, struct history_device *t, u32 kind, time_t now)
{
	static const char sql[] = "UPDATE state SET why = ?3 WHERE device = ?1 AND at = ?2";

	t->acted = kind;
	t->acted_at = now;
	if (!t->known || t->state != CORDON_STATE_QUARANTINED || now - t->since > SOON || strcmp(t->why, UNKNOWN) != 0)
		return;
	why_quarantined(w, t, now);
	history_run(w, sql, "iit", t->id, (int64_t)t->since, t->why);
}

/* It is not any more what only an operator ends, or firmware that is new enough. */
static void why_other(const struct history_writer *w, struct history_device *t, const struct cnl_device *d, bool was,
		      time_t now)
{
	bool released = was && t->state == CORDON_STATE_QUARANTINED;
	char who[HISTORY_WHO_LEN];

	if (released && by_operator(w, t, now, who))
		snprintf(t->why, sizeof(t->why), "released by %s", who);
	else if (released)
		snprintf(t->why, sizeof(t->why), "released");
	else if (d->state == CORDON_STATE_OUTDATED)
		snprintf(t->why, sizeof(t->why), "its firmware is too old, or an operator said so");
	else if (d->state == CORDON_STATE_EXPIRED)
		snprintf(t->why, sizeof(t->why), "its lease has ended");
	else if (d->state == CORDON_STATE_ONBOARDING)
		snprintf(t->why, sizeof(t->why), "it has no lease yet");
	else if (d->has_certificate && d->lease)
		snprintf(t->why, sizeof(t->why), "checked in");
	else if (d->lease && by_operator(w, t, now, who))
		snprintf(t->why, sizeof(t->why), "lease given by %s", who);
	else
		snprintf(t->why, sizeof(t->why), d->lease ? "its lease holds" : "nobody demands a certificate of it");
}

static void tell(struct history_writer *w, const struct history_device *t, enum history_event event)
{
	struct notify_facts news = { .is_state = true, .what = t->state, .device = t->name, .segment = t->segment, .why = t->why,
				     .first = t->since, .last = w->begun };

	memcpy(news.mac, t->mac, sizeof(news.mac));
	if (w->news)
		w->news(event, &news, w->arg);
}

/** history_state_known - tell of the state that a device was in when the writer began; @t: as the databases have it */
void history_state_known(struct history_writer *w, const struct history_device *t)
{
	if (t->known)
		tell(w, t, HISTORY_KNOWN);
}

/**
 * history_state - see in which state a device is
 * @w: the writer, in a transaction
 * @t: the device
 * @d: as the kernel has it
 * @now: the time
 */
void history_state(struct history_writer *w, struct history_device *t, const struct cnl_device *d, time_t now)
{
	static const char put[] = "INSERT OR REPLACE INTO state VALUES(?1, ?2, ?3, ?4, ?5)";
	bool was = t->known, other = !t->known || t->state != d->state;

	if (!other && !strcmp(t->effective, d->effective_segment))
		return;
	if (was && other)
		tell(w, t, HISTORY_STATE_OVER);
	if (other && d->state == CORDON_STATE_QUARANTINED)
		why_quarantined(w, t, now);
	else if (other)
		why_other(w, t, d, was, now);
	t->acted = other ? CORDON_KINDS : t->acted;
	t->known = true;
	t->state = d->state;
	memcpy(t->effective, d->effective_segment, sizeof(t->effective));
	/* Two in one second are two rows. */
	t->since = now > t->since ? now : t->since + 1;
	if (t->id == HISTORY_NOBODY)
		return;
	history_run(w, put, "iitte", t->id, (int64_t)t->since, policy_state_name(t->state), t->effective, t->why);
	if (was && other)
		tell(w, t, HISTORY_STATE);
}
