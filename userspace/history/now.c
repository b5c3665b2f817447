// SPDX-License-Identifier: GPL-2.0
/* How a device is now: its row in live.db, written when it changes. */
#include <stdio.h>
#include <string.h>

#include "history/writer.h"

#define TEXT	1024
#define BASIS	0xcbf29ce484222325ULL

/* FNV-1a */
static uint64_t hash(uint64_t h, unsigned char byte)
{
	return (h ^ byte) * 0x100000001b3ULL;
}

static uint64_t hash_numbers(uint64_t h, const u64 *numbers, size_t n)
{
	size_t i;
	int byte;

	for (i = 0; i < n; i++)
		for (byte = 0; byte < 64; byte += 8)
			h = hash(h, numbers[i] >> byte);
	return h;
}

static uint64_t hash_text(uint64_t h, const char *text)
{
	for (; *text; text++)
		h = hash(h, *text);
	return hash(h, 0);
}

static void ports_text(const struct cnl_device *d, char out[TEXT])
{
	size_t len = 0;
	u32 i;

	out[0] = 0;
	for (i = 0; i < d->ports.n; i++)
		len += snprintf(out + len, TEXT - len, "%s%s", i ? "," : "", d->ports.name[i]);
}

static void addresses_text(const struct cnl_device *d, char out[TEXT])
{
	char addr[POLICY_ADDR_LEN];
	size_t len = 0;
	u32 i;

	out[0] = 0;
	for (i = 0; i < d->def.n && len < TEXT - POLICY_ADDR_LEN - 1; i++)
		len += snprintf(out + len, TEXT - len, "%s%s", i ? " " : "", policy_addr_text(&d->addresses[i], addr));
}

/* The kernel tells seconds from now: where it is the same time within a second, it has not changed. */
static void settle(time_t *kept, time_t when)
{
	if (when > *kept + 1 || when < *kept - 1)
		*kept = when;
}

static void settle_times(struct history_device *t, const struct cnl_device *d, time_t now)
{
	if (d->lease)
		settle(&t->lease_until, now + d->lease);
	else
		t->lease_until = 0;
	if (d->has_learning && d->learning)
		settle(&t->learning, now + d->learning);
	else
		t->learning = 0;
	if (d->def.unlisted) {
		settle(&t->first, now - d->sighting.first);
		settle(&t->last, now - d->sighting.last);
	}
}

static void put_kinds(struct history_writer *w, struct history_device *t)
{
	static const char sql[] = "INSERT OR REPLACE INTO live.now_anomaly VALUES(?1, ?2, ?3)";
	uint64_t h = hash_numbers(BASIS, t->kinds, CORDON_KINDS);
	u32 kind;

	if (h == t->written_kinds)
		return;
	history_run(w, "DELETE FROM live.now_anomaly WHERE device = ?1", "i", t->live);
	for (kind = 0; kind < CORDON_KINDS; kind++)
		if (t->kinds[kind])
			history_run(w, sql, "itc", t->live, policy_kind_name(kind), t->kinds[kind]);
	t->written_kinds = h;
}

static uint64_t hash_row(const struct history_device *t, const struct cnl_device *d)
{
	const u64 numbers[] = {
		t->live, d->state, t->since, d->def.unlisted, d->def.vlan, d->def.authentication, d->def.encryption,
		d->def.firmware, t->lease_until, d->outdated, t->first, t->last, d->has_destinations, d->destinations, t->learning,
		d->has_certificate,
	};
	uint64_t h = hash_numbers(BASIS, numbers, sizeof(numbers) / sizeof(*numbers));
	char text[TEXT];

	h = hash_numbers(h, t->now, HISTORY_COUNTS);
	h = hash_text(hash_text(hash_text(h, t->name), t->segment), d->effective_segment);
	h = hash_text(hash_text(hash_text(h, t->why), d->def.model), d->lease_port);
	h = hash_text(hash_text(hash_text(h, d->sighting.hostname), d->sighting.vendor_class), d->sighting.parameters);
	ports_text(d, text);
	h = hash_text(h, text);
	addresses_text(d, text);
	h = hash_text(h, text);
	return h ? h : 1;
}

/* What holds is a device's own demand, or its segment's. */
static const struct cordon_segment_def *find_segment(const struct history_writer *w, const char *name)
{
	u16 i = w->policy ? policy_find_segment(w->policy, name) : CORDON_NO_SEGMENT;

	return i == CORDON_NO_SEGMENT ? NULL : &w->policy->draft.segments[i];
}

static void put_row(struct history_writer *w, struct history_device *t, const struct cnl_device *d)
{
	/* What the registry says of it is registry.c's. */
	static const char sql[] =
		"INSERT INTO live.now(id, mac, name, segment, effective, state, since, why, listed, model, ports, vlan, addresses,"
		" authentication, encryption, firmware, lease_until, lease_port, outdated, hostname, vendor_class, parameters, first,"
		" last, destinations, learning, rx_packets, rx_bytes, tx_packets, tx_bytes, denied, anomalies)"
		" VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22, ?23, ?24,"
		" ?25, ?26, ?27, ?28, ?29, ?30, ?31, ?32) ON CONFLICT(mac) DO UPDATE SET id = ?1, name = ?3, segment = ?4,"
		" effective = ?5, state = ?6, since = ?7, why = ?8, listed = ?9, model = ?10, ports = ?11, vlan = ?12, addresses = ?13,"
		" authentication = ?14, encryption = ?15, firmware = ?16, lease_until = ?17, lease_port = ?18, outdated = ?19,"
		" hostname = ?20, vendor_class = ?21, parameters = ?22, first = ?23, last = ?24, destinations = ?25, learning = ?26,"
		" rx_packets = ?27, rx_bytes = ?28, tx_packets = ?29, tx_bytes = ?30, denied = ?31, anomalies = ?32";
	const struct cordon_segment_def *s = find_segment(w, d->segment);
	u32 authentication = d->def.authentication, encryption = d->def.encryption, firmware = d->def.firmware;
	char mac[18], ports[TEXT], addresses[TEXT];

	if (s && authentication == CORDON_INHERIT)
		authentication = s->authentication;
	if (s && encryption == CORDON_INHERIT)
		encryption = s->encryption;
	if (s && firmware == CORDON_INHERIT)
		firmware = s->firmware;
	ports_text(d, ports);
	addresses_text(d, addresses);
	policy_mac_text(t->mac, mac);
	history_run(w, sql, "itttttzeieezettizeieeezzizcccccc", t->live, mac, t->name[0] ? t->name : mac, t->segment,
		    d->effective_segment, policy_state_name(d->state), (int64_t)t->since, t->why, (int64_t)!d->def.unlisted,
		    d->def.model, ports, (int64_t)d->def.vlan, addresses,
		    authentication == CORDON_INHERIT ? NULL : policy_authentication_name(authentication),
		    encryption == CORDON_INHERIT ? NULL : policy_encryption_name(encryption), (int64_t)(firmware == 1),
		    (int64_t)t->lease_until, d->lease_port, (int64_t)d->outdated, d->sighting.hostname,
		    d->sighting.vendor_class, d->sighting.parameters, (int64_t)t->first, (int64_t)t->last,
		    (int64_t)(d->has_destinations ? d->destinations : 0), (int64_t)t->learning, t->now[0], t->now[1], t->now[2],
		    t->now[3], t->now[4], t->now[5]);
}

/**
 * history_now_put - see that live.db has a device as it is
 * @w: the writer, in a transaction
 * @t: the device
 * @d: as the kernel has it
 */
void history_now_put(struct history_writer *w, struct history_device *t, const struct cnl_device *d)
{
	uint64_t h;

	settle_times(t, d, w->begun);
	h = hash_row(t, d);
	if (h != t->written)
		put_row(w, t, d);
	t->written = h;
	put_kinds(w, t);
}
