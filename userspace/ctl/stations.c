// SPDX-License-Identifier: GPL-2.0
/* Stations that hostapd has authenticated, and the leases that they have for it. */
#include <string.h>
#include <syslog.h>

#include "ctl/stations.h"
#include "serve/common/serve.h"
#include "store/store.h"

static struct station *find(struct stations *s, const char *port, const u8 mac[6])
{
	size_t i;

	for (i = 0; i < s->n; i++)
		if (!memcmp(s->list[i].mac, mac, 6) && !strcmp(s->list[i].port, port))
			return &s->list[i];
	return NULL;
}

static struct station *add(struct stations *s, const char *port, const u8 mac[6])
{
	struct station *new;

	if (s->n == STATIONS_MAX)
		return NULL;
	new = &s->list[s->n++];
	memset(new, 0, sizeof(*new));
	snprintf(new->port, sizeof(new->port), "%s", port);
	memcpy(new->mac, mac, 6);
	new->seen = true;
	return new;
}

static void drop(struct stations *s, struct station *of)
{
	*of = s->list[--s->n];
}

static void refused(const char *port, const u8 mac[6], const char *why)
{
	char text[18];

	serve_log(LOG_NOTICE, "no lease", "port", port, "mac", policy_mac_text(mac, text), "why", why, NULL);
}

/* The lease of another session of this device is that session's no more: it holds where the device was seen last. */
static void drop_elsewhere(struct stations *s, const struct station *here)
{
	const u8 *mac = here->mac;
	size_t i;

	for (i = s->n; i--;)
		if (&s->list[i] != here && !memcmp(s->list[i].mac, mac, 6))
			s->list[i].leased = false;
}

static void end_lease(const struct station *of)
{
	char why[CERTIFIED_WHY_LEN], mac[18];

	if (!of->leased)
		return;
	policy_mac_text(of->mac, mac);
	if (certified_end(of->mac, of->fingerprint, why))
		serve_log(LOG_ERR, "a lease cannot be ended", "port", of->port, "mac", mac, "why", why, NULL);
	else
		serve_log(LOG_INFO, "the lease is over", "port", of->port, "mac", mac, NULL);
}

/**
 * stations_end - a session is over, and its lease with it
 * @s: the stations
 * @port: of the session
 * @mac: likewise; nothing happens if there is none
 */
void stations_end(struct stations *s, const char *port, const u8 mac[6])
{
	struct station *of = find(s, port, mac);

	if (!of)
		return;
	end_lease(of);
	drop(s, of);
}

static void tell_lease(const struct certified_lease *l, const struct eapol_session *session)
{
	char lease[16], period[16], mac[18];

	policy_duration_text(l->device.lease, lease);
	policy_duration_text(session->period, period);
	serve_log(LOG_INFO, "lease", "device", l->device.def.name, "segment", l->device.effective_segment, "lease", lease,
		  "port", l->port, "mac", policy_mac_text(l->mac, mac), NULL);
	if (!session->period || session->period >= l->device.lease)
		serve_log(LOG_WARNING, "the lease ends before hostapd authenticates again: set eap_reauth_period", "device",
			  l->device.def.name, "lease", lease, "eap_reauth_period", period, NULL);
}

/* One that is authenticated anew, with a certificate. True: out with it. */
static bool authenticated(struct stations *s, struct station *of, const struct eapol_session *session,
			  const u8 serial[PKI_SERIAL_LEN])
{
	struct certified_lease l = { .why = "" };
	enum certified what;

	memcpy(l.mac, of->mac, sizeof(l.mac));
	memcpy(l.serial, serial, sizeof(l.serial));
	snprintf(l.port, sizeof(l.port), "%s", of->port);
	what = certified_give(s->registry, &l);
	if (what == CERTIFIED_LEASED) {
		memcpy(of->serial, l.serial, sizeof(of->serial));
		memcpy(of->fingerprint, l.fingerprint, sizeof(of->fingerprint));
		of->successes = session->successes;
		of->settled = of->leased = true;
		of->told = false;
		drop_elsewhere(s, of);
		tell_lease(&l, session);
		return false;
	}
	if (what == CERTIFIED_FOREIGN) {
		refused(of->port, of->mac, l.why);
		end_lease(of);
		drop(s, of);
		return true;
	}
	/* What it has lasts as long as it was given for; the next walk tries again. */
	if (!of->told)
		refused(of->port, of->mac, l.why);
	of->told = true;
	return false;
}

static bool is_known(const struct station *of, const struct eapol_session *session, const u8 serial[PKI_SERIAL_LEN])
{
	return of->settled && of->successes == session->successes && !memcmp(of->serial, serial, PKI_SERIAL_LEN);
}

/**
 * stations_look - what hostapd says of a station now
 * @s: the stations
 * @port: where
 * @session: it
 *
 * A lease is given once for each authentication that succeeded, and ends when hostapd's port is closed for the station.
 *
 * Return: true, no certificate speaks for this session: hostapd is to throw it out.
 */
bool stations_look(struct stations *s, const char *port, const struct eapol_session *session)
{
	struct station *of = find(s, port, session->mac);
	u8 serial[PKI_SERIAL_LEN];

	if (!session->authorized) {
		stations_end(s, port, session->mac);
		return false;
	}
	if (of)
		of->seen = true;
	/* Under way: who it is, is not known yet. */
	if (!session->authenticated)
		return false;
	if (eapol_serial(session, s->token, serial)) {
		refused(port, session->mac, "the RADIUS server named no certificate");
		stations_end(s, port, session->mac);
		return true;
	}
	if (of && is_known(of, session, serial))
		return false;
	if (!of)
		of = add(s, port, session->mac);
	if (of)
		return authenticated(s, of, session, serial);
	refused(port, session->mac, "too many stations");
	return true;
}

/**
 * stations_forget - hostapd of a port is gone, and what it knew
 * @s: the stations
 * @port: where
 *
 * Nobody has said that the sessions are over: their leases last for as long as they were given.
 */
void stations_forget(struct stations *s, const char *port)
{
	size_t i;

	/* Others may be at places that were looked at. */
	s->checking = false;
	for (i = s->n; i--;)
		if (!strcmp(s->list[i].port, port))
			drop(s, &s->list[i]);
}

/**
 * stations_walk_begin - each station of a port is about to be looked at
 * @s: the stations
 * @port: where
 */
void stations_walk_begin(struct stations *s, const char *port)
{
	size_t i;

	for (i = 0; i < s->n; i++)
		if (!strcmp(s->list[i].port, port))
			s->list[i].seen = false;
}

/**
 * stations_walk_end - whoever was not seen is not there any more
 * @s: the stations
 * @port: where
 */
void stations_walk_end(struct stations *s, const char *port)
{
	size_t i;

	for (i = s->n; i--;)
		if (!s->list[i].seen && !strcmp(s->list[i].port, port)) {
			end_lease(&s->list[i]);
			drop(s, &s->list[i]);
		}
}

/* Something was revoked since the last time, or it cannot be told. */
static bool revocations_changed(const struct stations *s, uint64_t *now)
{
	struct store store;
	bool changed;

	if (store_peek(&store, s->registry))
		return false;
	changed = !store_revocations(&store, now) && *now != s->revocations;
	store_close(&store);
	return changed;
}

/**
 * stations_revoked - one whose certificate does not count any more, if there is any
 * @s: the stations; its lease has ended, and it is none of them any more
 * @port: of it; hostapd is to authenticate it anew
 * @mac: likewise
 *
 * Called until there is none. Whoever revokes a certificate has ended its lease already; this is for what else there is.
 */
bool stations_revoked(struct stations *s, char port[IF_NAMESIZE], u8 mac[6])
{
	struct certified_lease l = { .why = "" };
	struct station *of;

	if (!s->checking) {
		if (!s->n || !revocations_changed(s, &s->next))
			return false;
		s->checking = true;
		s->at = 0;
	}
	for (; s->at < s->n; s->at++) {
		of = &s->list[s->at];
		memcpy(l.mac, of->mac, sizeof(l.mac));
		memcpy(l.serial, of->serial, sizeof(l.serial));
		if (!of->leased || certified_check(s->registry, &l) != CERTIFIED_FOREIGN)
			continue;
		memcpy(port, of->port, IF_NAMESIZE);
		memcpy(mac, l.mac, 6);
		refused(port, mac, l.why);
		end_lease(of);
		drop(s, of);
		return true;
	}
	s->checking = false;
	s->revocations = s->next;
	return false;
}
