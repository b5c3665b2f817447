/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What of the registry is shared by a fleet of gateways: as keys and values of etcd, and back.
 *
 * A gateway that is in no fleet has these tables, and nothing in them; no statement of it is slower. One that has joined
 * has triggers: each change of a row that is shared notes its key as *changed*, in the same transaction, whoever makes
 * it (agent, cordonctl). cordon-fleet puts into etcd what is noted, as it is then. What comes from etcd is applied with
 * the triggers held still. So what is said while etcd is away waits on the disk, and nothing is said twice.
 *
 * Keys are without the prefix: "all/device/NAME", see Documentation/fleet.md. Values are JSON.
 */
#ifndef CORDON_STORE_FLEET_H
#define CORDON_STORE_FLEET_H

#include "store/store.h"

#define STORE_KEY_LEN		512
#define STORE_GATEWAY_LEN	64

/**
 * struct store_fleet - which fleet, and how far this registry is
 * @gateway: this one's name; empty, it is in none
 * @cluster: etcd's id; 0, it never was reached
 * @revision: all up to it is in the registry; 0, nothing was taken over yet
 * @witness: as in struct etcd_position
 * @mod_revision: likewise
 * @heard: when etcd was last known to be as told here, seconds since 1970; 0, never
 * @refused: etcd has another history than this registry: nothing is taken over until somebody says so
 */
struct store_fleet {
	char gateway[STORE_GATEWAY_LEN];
	uint64_t cluster;
	int64_t revision;
	char witness[STORE_KEY_LEN];
	int64_t mod_revision;
	time_t heard;
	bool refused;
};

/* -ENOENT, it is in no fleet. */
int store_fleet_get(struct store *s, struct store_fleet *out);
/* All but the gateway's name. Within a transaction of the caller's, or one of its own. */
int store_fleet_put(struct store *s, const struct store_fleet *f);
/* Makes the triggers, and notes all rows that are shared as changed. Its own name again: nothing. -EEXIST, another. */
int store_fleet_join(struct store *s, const char *gateway);
/* Takes triggers, notes, and what is known of etcd away; rows stay. */
int store_fleet_leave(struct store *s);

/**
 * struct store_fleet_changed - a key that is to be put
 * @seq: number of the note
 * @key: its
 * @value: JSON; NULL, its row is gone: it is to be deleted
 * @len: of @value
 * @revision: mod revision in etcd, as far as this registry knows; 0, it is not there
 * @wins: nothing is compared: a revocation, a quarantine
 */
struct store_fleet_changed {
	int64_t seq;
	char key[STORE_KEY_LEN];
	char *value;
	size_t len;
	int64_t revision;
	bool wins;
};

/* The oldest notes, so many at most; each may return -errno to end. Revocations and marks come first. */
int store_fleet_changed_each(struct store *s, unsigned int most,
			     int (*each)(const struct store_fleet_changed *c, void *arg), void *arg);
/* It is in etcd, with this mod revision; the note goes unless its row changed since. */
int store_fleet_changed_done(struct store *s, const char *key, int64_t seq, int64_t revision);
/* How many notes there are, and of when the oldest is. */
int store_fleet_changed_count(struct store *s, uint64_t *n, time_t *oldest);

/** enum store_fleet_what - what has changed, where somebody besides the registry must know */
enum store_fleet_what {
	STORE_FLEET_NOTHING,
	STORE_FLEET_REVOKED,	/* mac, fingerprint: end its lease; mac is zero where the registry does not know it */
	STORE_FLEET_MARK,	/* mac: quarantine says whether */
	STORE_FLEET_GATEWAY,	/* name: came, changed, or was expelled */
	STORE_FLEET_POLICY,	/* key: a policy, or what is in force */
	STORE_FLEET_RELEASE,	/* roll-outs, floors */
	STORE_FLEET_NAME,	/* name: of a device that this registry had with the MAC had; it is mac's */
};

struct store_fleet_effect {
	enum store_fleet_what what;
	char name[STORE_GATEWAY_LEN];
	uint8_t mac[6];
	uint8_t had[6];
	uint8_t fingerprint[32];
	bool quarantine;
};

/*
 * Take over what etcd has: value NULL, the key was deleted. Where a row was changed here, too, and is not put yet, the two
 * are merged (what closes wins: revoked, retired, burnt, delivered) and the note stays. -EPROTO: the value makes no
 * sense; the key is noted as such, counted (store_fleet_strange()), and what was there stays. Within a transaction.
 */
int store_fleet_apply(struct store *s, const char *key, const char *value, size_t len, int64_t revision,
		      struct store_fleet_effect *effect);
int store_fleet_strange(struct store *s, uint64_t *n);

/*
 * All of "all/" again, as it is at one revision: begin, apply each, end. The rows whose keys did not come are deleted, but
 * revocations that have not ended, and what is noted as changed. All in one transaction of the caller's.
 */
int store_fleet_list_begin(struct store *s);
int store_fleet_list_end(struct store *s, unsigned int *gone);

/* Note every row again: etcd has lost what this registry has. Revocations, marks and serials only, where @lost. */
int store_fleet_note_all(struct store *s, bool lost);

/* Which devices this gateway holds the lease of, for the fleet. */
int store_fleet_held(struct store *s, const uint8_t mac[6], bool *held);
int store_fleet_hold(struct store *s, const uint8_t mac[6], bool held);
int store_fleet_held_each(struct store *s, int (*each)(const uint8_t mac[6], void *arg), void *arg);

/* Quarantine that the whole fleet keeps. Says nothing to a kernel; noted as changed unless it is so already. */
int store_fleet_mark(struct store *s, const uint8_t mac[6], bool quarantine, const char *why, time_t when);
int store_fleet_mark_each(struct store *s, int (*each)(const uint8_t mac[6], const char *why, const char *by,
						       time_t since, void *arg), void *arg);

/**
 * struct store_fleet_gateway - a gateway of the fleet
 * @name: its
 * @issuer: SHA-256 of its issuing certificate
 * @certificate: that, in PEM; NULL, none
 * @expelled: since when it is cut out; 0, it is not
 * @why: in words
 * @value: all of it, as JSON
 */
struct store_fleet_gateway {
	char name[STORE_GATEWAY_LEN];
	uint8_t issuer[32];
	const char *certificate;
	time_t expelled;
	const char *why;
	const char *value;
};

int store_fleet_gateway_each(struct store *s, int (*each)(const struct store_fleet_gateway *g, void *arg), void *arg);
int store_fleet_gateway_get(struct store *s, const char *name, bool *known, bool *expelled);
/* Who issued a certificate: its gateway's name, empty without a fleet; and was that expelled, or is none of the fleet. */
int store_fleet_issuer(struct store *s, const uint8_t serial[STORE_SERIAL_LEN], char gateway[STORE_GATEWAY_LEN],
		       bool *expelled);
/* Has the registry certificates by a gateway, which may have no row any more. */
int store_fleet_has_issued(struct store *s, const char *gateway, bool *has);

/* Another number each time that another connection has written the registry; what this one writes is no such change. */
int store_fleet_version(struct store *s, uint64_t *version);

/* What a claim compares with: the token's mod revision as this registry knows it; 0, etcd has none. */
int store_fleet_revision(struct store *s, const char *key, int64_t *revision);
/* The value of a key as this registry has it; NULL in *value, it has none. free(). */
int store_fleet_value(struct store *s, const char *key, char **value, size_t *len);
/* SHA-256 over all keys with their revisions, in order: the same on two gateways that have taken over the same. */
int store_fleet_digest(struct store *s, uint8_t out[32], uint64_t *keys);

/* Other texts that the fleet shares, kept as they are: policies. Names: all/policy/... */
int store_fleet_text(struct store *s, const char *key, char **text, size_t *len, int64_t *revision);

#endif
