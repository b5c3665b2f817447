// SPDX-License-Identifier: GPL-2.0
/* Which events become entries of the journal: changes of devices' states, anomalies, policies, learned addresses. */
#include <net/if.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include "event/event.h"

/** struct known - a device, and the state that was last told of it */
struct known {
	u8 mac[6];
	u8 state;
};

#define OWNERS	1024	/* addresses whose owners are remembered, each at one place; a power of two */

/** struct owner - an address, and whose it was said to be last */
struct owner {
	struct cordon_addr addr;
	u8 mac[6];
};

/**
 * struct event_log - what has become of events
 * @journal: where entries go
 * @tally: how many there were
 * @known: devices, a tree of search.h
 * @owners: of learned addresses, by their hash; a newer one takes the place
 * @seen: while the kernel is asked for all devices, those that it has told of
 */
struct event_log {
	struct journal journal;
	struct tally tally;
	void *known;
	void *seen;
	struct owner owners[OWNERS];
};

/**
 * event_log_new - write entries from now on
 * @journal: socket of the journal; NULL, the system's
 * @wait_ms: as for journal_open()
 *
 * Return: NULL, no memory.
 */
struct event_log *event_log_new(const char *journal, unsigned int wait_ms)
{
	struct event_log *l = calloc(1, sizeof(*l));

	if (l)
		journal_open(&l->journal, journal, wait_ms);
	return l;
}

static void add_mac(struct journal_entry *e, const u8 mac[6])
{
	char text[18];

	journal_add(e, "CORDON_MAC", "%s", policy_mac_text(mac, text));
}

/* What is more than may be told: an entry when the window ends. */
static int tell_more(const struct tally_count *c, int64_t ms, void *arg)
{
	static const u8 nobody[6];
	struct event_log *l = arg;
	bool anomaly = c->key.what == TALLY_ANOMALY || c->key.what == TALLY_LIMIT;
	bool limit = c->key.what == TALLY_LIMIT, others = c == &l->tally.others;
	const char *kind = anomaly ? policy_kind_name(c->key.kind) :
			   c->key.what == TALLY_STATE ? "changes of state" : "addresses bound or ended";
	bool known = !others && memcmp(c->key.mac, nobody, 6);
	char when[32] = "minute", who[CORDON_DEVICE_NAME_LEN + 16] = "unknown devices";
	struct journal_entry e;

	if (ms / 1000 != TALLY_WINDOW / 1000)
		snprintf(when, sizeof(when), "%lld s", (long long)(ms + 999) / 1000);
	if (known)
		snprintf(who, sizeof(who), "device %s", c->name);
	if (others)
		journal_begin(&e, LOG_NOTICE, JOURNAL_MORE, "more than %u devices and kinds: %llu more in the last %s",
			      TALLY_KEYS, (unsigned long long)c->more, when);
	else
		journal_begin(&e, LOG_NOTICE, JOURNAL_MORE, "%s: %llu more %s%s in the last %s", who,
			      (unsigned long long)c->more, kind, limit ? " (limit reached)" : "", when);
	journal_add(&e, "CORDON_COUNT", "%llu", (unsigned long long)c->more);
	if (known) {
		journal_add(&e, "CORDON_DEVICE", "%s", c->name);
		add_mac(&e, c->key.mac);
	}
	if (!others && anomaly)
		journal_add(&e, "CORDON_ANOMALY", "%s", kind);
	return journal_send(&l->journal, &e);
}

/* The count of a device and a kind, and whether there may be one entry more. */
static struct tally_count *count(struct event_log *l, const struct tally_key *key, const char *name, int64_t now,
				 bool *may)
{
	struct tally_count *c;

	tally_end(&l->tally, now, false, tell_more, l);
	c = tally_find(&l->tally, key, name, now);
	*may = tally_may_tell(&l->tally, c);
	return c;
}

/* A name of an interface has no space. */
static void add_ports(struct journal_entry *e, const struct cnl_ports *ports)
{
	char text[CORDON_MAX_DEVICE_PORTS * (CORDON_IFNAME_LEN + 1)] = "";
	size_t len = 0;
	u32 i;

	for (i = 0; i < ports->n; i++)
		len += snprintf(text + len, sizeof(text) - len, "%s%s", i ? " " : "", ports->name[i]);
	if (len)
		journal_add(e, "CORDON_PORTS", "%s", text);
}

static void add_anomaly(struct journal_entry *e, const struct cnl_event *event)
{
	char text[POLICY_ADDR_LEN], service[EVENT_SERVICE_LEN], version[EVENT_TLS_LEN], interface[IF_NAMESIZE];

	journal_add(e, "CORDON_ANOMALY", "%s", policy_kind_name(event->anomaly.kind));
	journal_add(e, "CORDON_VERDICT", "%s", event->anomaly.denied ? "denied" : "passed");
	if (event->anomaly.name[0])
		journal_add(e, "CORDON_DEVICE", "%s", event->anomaly.name);
	if (event->anomaly.has_mac)
		add_mac(e, event->anomaly.mac);
	if (event->anomaly.ifindex)
		journal_add(e, "CORDON_IFINDEX", "%u", event->anomaly.ifindex);
	if (event->anomaly.ifindex && if_indextoname(event->anomaly.ifindex, interface))
		journal_add(e, "CORDON_INTERFACE", "%s", interface);
	add_ports(e, &event->anomaly.ports);
	journal_add(e, "CORDON_SOURCE", "%s", policy_addr_text(&event->anomaly.source, text));
	journal_add(e, "CORDON_DESTINATION", "%s", policy_addr_text(&event->anomaly.destination, text));
	journal_add(e, "CORDON_SERVICE", "%s",
		    event_service_text(event->anomaly.protocol, event->anomaly.dport, service));
	if (event->anomaly.server[0])
		journal_add(e, "CORDON_SERVER_NAME", "%s", event->anomaly.server);
	if (event->anomaly.tls_offered)
		journal_add(e, "CORDON_TLS_OFFERED", "%s", event_tls_text(event->anomaly.tls_offered, version));
	if (event->anomaly.tls_selected)
		journal_add(e, "CORDON_TLS_SELECTED", "%s", event_tls_text(event->anomaly.tls_selected, version));
	if (event->anomaly.action >= 0)
		journal_add(e, "CORDON_ACTION", "%s", policy_action_name(event->anomaly.action));
	journal_add(e, "CORDON_COUNT", "%llu", 1 + (unsigned long long)event->anomaly.suppressed);
}

static int send_anomaly(struct event_log *l, const struct cnl_event *event)
{
	bool limit = event->anomaly.action >= 0;
	char text[EVENT_TEXT_LEN];
	struct journal_entry e;

	journal_begin(&e, limit ? LOG_WARNING : event->anomaly.denied ? LOG_NOTICE : LOG_INFO, JOURNAL_ANOMALY, "%s",
		      event_anomaly_text(event, text));
	add_anomaly(&e, event);
	return journal_send(&l->journal, &e);
}

/* One that is not told, or not taken, is told of when the window ends. */
static void tell_anomaly(struct event_log *l, const struct cnl_event *event, int64_t now)
{
	bool limit = event->anomaly.action >= 0, may;
	struct tally_key key = { .what = limit ? TALLY_LIMIT : TALLY_ANOMALY, .kind = event->anomaly.kind };
	struct tally_count *c;

	if (event->anomaly.name[0] && event->anomaly.has_mac)
		memcpy(key.mac, event->anomaly.mac, 6);
	c = count(l, &key, event->anomaly.name, now, &may);
	if (!may || send_anomaly(l, event))
		c->more += 1 + (u64)event->anomaly.suppressed;
}

static int compare(const void *a, const void *b)
{
	return memcmp(((const struct known *)a)->mac, ((const struct known *)b)->mac, 6);
}

/* Return: NULL, no memory. */
static struct known *know(void **tree, const struct cnl_device *d)
{
	struct known *k = malloc(sizeof(*k)), **at;

	if (!k)
		return NULL;
	memcpy(k->mac, d->def.mac, 6);
	k->state = d->state;
	at = tsearch(k, tree, compare);
	if (!at || *at != k)
		free(k);
	return at ? *at : NULL;
}

static struct known *find(void **tree, const struct cnl_device *d)
{
	struct known key, **at;

	memcpy(key.mac, d->def.mac, 6);
	at = tfind(&key, tree, compare);
	return at ? *at : NULL;
}

static int priority_of(u32 state, const char *was)
{
	if (state == CORDON_STATE_QUARANTINED)
		return LOG_WARNING;
	if (state == CORDON_STATE_EXPIRED || state == CORDON_STATE_OUTDATED)
		return LOG_NOTICE;
	return was && !strcmp(was, policy_state_name(CORDON_STATE_QUARANTINED)) ? LOG_NOTICE : LOG_INFO;
}

static int send_state(struct event_log *l, const struct cnl_device *d, const char *was)
{
	bool quarantined = d->state == CORDON_STATE_QUARANTINED;
	char before[48] = "";
	struct journal_entry e;

	if (was)
		snprintf(before, sizeof(before), ", was %s", was);
	journal_begin(&e, priority_of(d->state, was), quarantined ? JOURNAL_QUARANTINED : JOURNAL_STATE,
		      "device %s: %s%s, in segment %s", d->def.name, policy_state_name(d->state), before,
		      d->effective_segment);
	journal_add(&e, "CORDON_DEVICE", "%s", d->def.name);
	add_mac(&e, d->def.mac);
	journal_add(&e, "CORDON_STATE", "%s", policy_state_name(d->state));
	if (was)
		journal_add(&e, "CORDON_STATE_BEFORE", "%s", was);
	journal_add(&e, "CORDON_SEGMENT", "%s", d->effective_segment);
	return journal_send(&l->journal, &e);
}

/* @was: its state before; NULL, it was not known. A quarantine is told in any case: only an administrator ends it. */
static void tell_state(struct event_log *l, const struct cnl_device *d, const char *was, int64_t now)
{
	struct tally_key key = { .what = TALLY_STATE };
	struct tally_count *c;
	bool may;

	if (d->state == CORDON_STATE_QUARANTINED) {
		l->journal.lost += !!send_state(l, d, was);
		return;
	}
	memcpy(key.mac, d->def.mac, 6);
	c = count(l, &key, d->def.name, now, &may);
	if (!may || send_state(l, d, was))
		c->more++;
}

/* An event about a device is one about its lease, too, and that is no news. */
static void hear_device(struct event_log *l, const struct cnl_device *d, int64_t now)
{
	struct known *k = find(&l->known, d);
	const char *was = k ? policy_state_name(k->state) : NULL;

	if (k && k->state == d->state)
		return;
	if (!k)
		k = know(&l->known, d);
	if (k)
		k->state = d->state;
	tell_state(l, d, was, now);
}

static struct owner *find_owner(struct event_log *l, const struct cordon_addr *a)
{
	return &l->owners[((a->hi ^ a->lo) * 0x9e3779b97f4a7c15ULL) >> 32 & (OWNERS - 1)];
}

static int send_binding(struct event_log *l, const struct cnl_binding *b)
{
	char text[EVENT_TEXT_LEN], addr[POLICY_ADDR_LEN];
	struct journal_entry e;

	journal_begin(&e, LOG_INFO, JOURNAL_BINDING, "%s", event_binding_text(b, text));
	journal_add(&e, "CORDON_DEVICE", "%s", b->name);
	add_mac(&e, b->mac);
	journal_add(&e, "CORDON_ADDRESS", "%s", policy_addr_text(&b->addr, addr));
	journal_add(&e, "CORDON_ORIGIN", "%s", policy_origin_name(b->origin));
	return journal_send(&l->journal, &e);
}

/* That a lease was renewed is no news. */
static void tell_binding(struct event_log *l, const struct cnl_binding *b, int64_t now)
{
	struct owner *o = find_owner(l, &b->addr);
	struct tally_key key = { .what = TALLY_BINDING };
	struct tally_count *c;
	bool may;

	if (b->ends && !b->lease) {
		*o = (struct owner){ { 0, 0 }, { 0 } };
	} else if (cordon_addr_equal(&o->addr, &b->addr) && !memcmp(o->mac, b->mac, 6)) {
		return;
	} else {
		o->addr = b->addr;
		memcpy(o->mac, b->mac, 6);
	}
	memcpy(key.mac, b->mac, 6);
	c = count(l, &key, b->name, now, &may);
	if (!may || send_binding(l, b))
		c->more++;
}

static void tell_policy(struct event_log *l, const struct cnl_summary *s)
{
	struct journal_entry e;

	if (!s->in_force)
		journal_begin(&e, LOG_WARNING, JOURNAL_POLICY, "policy: generation %u was not confirmed, and none is in force",
			      s->generation);
	else
		journal_begin(&e, LOG_NOTICE, JOURNAL_POLICY, "policy: generation %u is in force, mode %s, %u devices%s",
			      s->generation, policy_mode_name(s->mode), s->devices, s->awaiting ? ", awaits confirmation" : "");
	journal_add(&e, "CORDON_GENERATION", "%u", s->generation);
	if (s->in_force)
		journal_add(&e, "CORDON_MODE", "%s", policy_mode_name(s->mode));
	journal_add(&e, "CORDON_IN_FORCE", "%d", s->in_force);
	journal_add(&e, "CORDON_AWAITING", "%d", s->awaiting);
	journal_add(&e, "CORDON_DEVICES", "%u", s->devices);
	l->journal.lost += !!journal_send(&l->journal, &e);
}

/**
 * event_log_event - what the kernel told
 * @l: the log
 * @e: of this
 * @now: by a clock that only goes on, in ms
 */
void event_log_event(struct event_log *l, const struct cnl_event *e, int64_t now)
{
	if (e->cmd == CORDON_CMD_DEVICE_NTF)
		hear_device(l, &e->device, now);
	else if (e->cmd == CORDON_CMD_ANOMALY_NTF)
		tell_anomaly(l, e, now);
	else if (e->cmd == CORDON_CMD_POLICY_NTF)
		tell_policy(l, &e->summary);
	else if (e->cmd == CORDON_CMD_BINDING_NTF)
		tell_binding(l, &e->binding, now);
}

/**
 * event_log_seen - a device, as the kernel answers that is asked for all of them
 * @l: the log
 * @d: the device
 * @now: as in event_log_event()
 *
 * That a lease has ended is no event of the kernel's, and events may be lost. Told is what has changed, and of a device
 * that is new, that it is quarantined. Return: 0; -1, no memory.
 */
int event_log_seen(struct event_log *l, const struct cnl_device *d, int64_t now)
{
	struct known *k = find(&l->known, d);

	if (!know(&l->seen, d))
		return -1;
	if (k && k->state != d->state)
		tell_state(l, d, policy_state_name(k->state), now);
	else if (!k && d->state == CORDON_STATE_QUARANTINED)
		tell_state(l, d, NULL, now);
	if (k)
		k->state = d->state;
	return 0;
}

/**
 * event_log_looked - the kernel has answered
 * @l: the log, after event_log_seen()
 * @all: it has told of every device
 */
void event_log_looked(struct event_log *l, bool all)
{
	void *gone = all ? l->known : l->seen;

	if (all)
		l->known = l->seen;
	l->seen = NULL;
	tdestroy(gone, free);
}

/**
 * event_log_tick - write what is due
 * @l: the log
 * @now: as in event_log_event()
 *
 * Return: ms until there is more to do; -1, there is nothing.
 */
int64_t event_log_tick(struct event_log *l, int64_t now)
{
	tally_end(&l->tally, now, false, tell_more, l);
	return tally_due(&l->tally, now);
}

/**
 * event_log_free - the end of it: what was not told yet is
 * @l: the log, or NULL
 * @now: as in event_log_event()
 */
void event_log_free(struct event_log *l, int64_t now)
{
	if (!l)
		return;
	tally_end(&l->tally, now, true, tell_more, l);
	tdestroy(l->known, free);
	tdestroy(l->seen, free);
	journal_close(&l->journal);
	free(l);
}
