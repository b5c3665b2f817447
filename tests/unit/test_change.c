// SPDX-License-Identifier: GPL-2.0
/*
 * Changes of single devices in a sealed policy: after each of many random steps the indexes say what a naive model says;
 * and whoever looks on meanwhile sees each device whole. With TORTURE=1 a million steps.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "../../kernel/core/change.h"
#include "tap.h"

#define MACS	700
#define NAMES	1000
#define ADDRS	3000
#define SPARE	100
#define START	300

enum { ONE = CORDON_BUILTIN_SEGMENTS, TWO, SEGMENTS };

/* What is known of a device without any of the code under test. */
struct model_device {
	bool exists;
	u32 name;
	u16 segment;
	u16 port;
	u16 also;
	u8 n_also;
	u16 vlan;
	u32 n;
	u32 addrs[CORDON_MAX_DEVICE_ADDRESSES];
	u32 rank;
};

static struct model_device model[MACS];
static int owner_of[ADDRS], name_of[NAMES];
static u32 until[ADDRS], rank, now, sealed, settled, full;
static struct cordon_policy *policy;
static u64 seed = 1;

static u32 rnd(u32 n)
{
	seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
	return (u32)(seed >> 33) % n;
}

static struct cordon_addr addr_of(u32 id)
{
	if (id % 3)
		return cordon_addr_v4(0x0a000000 + id);
	return (struct cordon_addr){ 0xfd00000000000000ULL, id };
}

static void mac_of(u32 id, u8 *mac)
{
	memcpy(mac, (u8 []){ 2, 0, 0, 0, id >> 8, id }, 6);
}

static void def_of(u32 id, struct cordon_device_def *def, struct cordon_addr *addrs)
{
	const struct model_device *m = &model[id];
	u32 i;

	memset(def, 0, sizeof(*def));
	mac_of(id, def->mac);
	snprintf(def->name, sizeof(def->name), "n%u", m->name);
	def->segment = m->segment;
	def->port = m->port;
	def->n_also = m->n_also;
	def->also[0] = m->also;
	def->vlan = m->vlan;
	def->n = m->n;
	def->authentication = def->encryption = def->firmware = CORDON_INHERIT;
	for (i = 0; i < m->n; i++)
		addrs[i] = addr_of(m->addrs[i]);
}

static int compare_ranks(const void *a, const void *b)
{
	const u32 *x = a, *y = b;

	return model[*x].rank < model[*y].rank ? -1 : model[*x].rank > model[*y].rank;
}

/* The devices in the order in which they came. Return: how many. */
static u32 in_order(u32 *ids)
{
	u32 i, n = 0;

	for (i = 0; i < MACS; i++)
		if (model[i].exists)
			ids[n++] = i;
	qsort(ids, n, sizeof(*ids), compare_ranks);
	return n;
}

/* All that the model has, sealed. */
static void seal(void)
{
	static struct cordon_device_def devices[MACS];
	static struct cordon_addr addrs[MACS * CORDON_MAX_DEVICE_ADDRESSES];
	struct cordon_segment_def segments[SEGMENTS];
	struct cordon_port_def ports[2] = { { "lan0" }, { "lan1" } };
	struct cordon_draft d = {
		.n_ports = 2, .ports = ports, .n_segments = SEGMENTS, .segments = segments,
		.devices = devices, .addresses = addrs, .spare = SPARE,
	};
	const struct cordon_build how = { .key = { { ++sealed, 7 } } };
	struct cordon_error err;
	u32 ids[MACS], i;
	void *scratch;

	cordon_draft_builtin(segments);
	cordon_segment_def_init(&segments[ONE]);
	strcpy(segments[ONE].name, "one");
	cordon_segment_def_init(&segments[TWO]);
	strcpy(segments[TWO].name, "two");
	d.n_devices = in_order(ids);
	for (i = 0; i < d.n_devices; i++) {
		def_of(ids[i], &devices[i], &addrs[d.n_addresses]);
		devices[i].first = d.n_addresses;
		d.n_addresses += devices[i].n;
	}
	free(policy);
	policy = malloc(cordon_policy_size(&d));
	scratch = malloc(cordon_policy_scratch_size(&d));
	if (!policy || !scratch || cordon_policy_build(policy, &d, &how, scratch, &err))
		abort();
	free(scratch);
}

static void settle(void)
{
	while (cordon_change_reclaim(policy) != CORDON_NO_DEVICE)
		;
	settled++;
}

static u32 find(u32 id)
{
	u8 mac[6];

	mac_of(id, mac);
	return cordon_policy_device_by_mac(policy, mac);
}

/* Have the policy say what the model says of a device by now; @old is its place. */
static bool put(u32 id, u32 old)
{
	struct cordon_addr addrs[CORDON_MAX_DEVICE_ADDRESSES];
	struct cordon_device_def def;
	struct cordon_error err;
	u32 place;
	int ret;

	def_of(id, &def, addrs);
	ret = cordon_change_prepare(policy, old, &def, addrs, &place, &err);
	if (ret == -ENOSPC) {
		settle();
		ret = cordon_change_prepare(policy, old, &def, addrs, &place, &err);
	}
	if (ret == -ENOSPC || ret == -EAGAIN) {
		full++;
		seal();
		return true;
	}
	if (ret)
		return false;
	if (!rnd(20)) {
		cordon_change_cancel(policy, place);
		return put(id, old);
	}
	cordon_change_publish(policy, old, place);
	return true;
}

/* Take @n addresses that nobody has, as far as there are any. */
static void bind(u32 id, u32 n)
{
	struct model_device *m = &model[id];
	u32 tries, a;

	for (tries = 0; tries < 200 && n && m->n < CORDON_MAX_DEVICE_ADDRESSES; tries++) {
		a = rnd(ADDRS);
		if (owner_of[a] >= 0)
			continue;
		owner_of[a] = id;
		until[a] = now + 1 + rnd(2000);
		m->addrs[m->n++] = a;
		n--;
	}
}

static void unbind(u32 id, u32 i)
{
	struct model_device *m = &model[id];

	owner_of[m->addrs[i]] = -1;
	m->addrs[i] = m->addrs[--m->n];
}

static void rename_to_free(u32 id)
{
	struct model_device *m = &model[id];
	u32 name;

	do
		name = rnd(NAMES);
	while (name_of[name] >= 0);
	if (m->exists)
		name_of[m->name] = -1;
	m->name = name;
	name_of[name] = id;
}

static void forget(u32 id)
{
	struct model_device *m = &model[id];

	while (m->n)
		unbind(id, 0);
	name_of[m->name] = -1;
	m->exists = false;
}

/* To a port, and so many times to another. */
static void tie(u32 id, u16 port, u8 n_also, u16 also)
{
	model[id].port = port;
	model[id].n_also = n_also;
	model[id].also = also;
}

static bool add(u32 id)
{
	struct model_device *m = &model[id];

	rename_to_free(id);
	m->segment = rnd(2) ? ONE : TWO;
	tie(id, rnd(3) ? rnd(2) : CORDON_ANY_PORT, 0, 0);
	m->n = 0;
	bind(id, rnd(8) ? 1 + rnd(3) : 1 + rnd(CORDON_MAX_DEVICE_ADDRESSES));
	if (!m->n) {
		forget(id);
		return true;
	}
	m->rank = ++rank;
	m->exists = true;
	return policy ? put(id, CORDON_NO_DEVICE) : true;
}

static bool del(u32 id)
{
	cordon_change_remove(policy, find(id));
	forget(id);
	return true;
}

/* What is bound longer than it may be is not any more; a device with nothing left goes. */
static bool expire(u32 id)
{
	struct model_device *m = &model[id];
	u32 old = find(id), i = 0, before = m->n;

	while (i < m->n)
		if (until[m->addrs[i]] <= now)
			unbind(id, i);
		else
			i++;
	if (!m->n)
		return del(id);
	return before == m->n || put(id, old);
}

/* An address goes from one device, which keeps another, to this one. */
static bool move(u32 id)
{
	struct model_device *m = &model[id], *from;
	u32 a = rnd(ADDRS), other;

	if (owner_of[a] < 0 || owner_of[a] == (int)id || m->n == CORDON_MAX_DEVICE_ADDRESSES)
		return true;
	other = owner_of[a];
	from = &model[other];
	if (from->n == 1)
		return true;
	for (u32 i = 0; i < from->n; i++)
		if (from->addrs[i] == a) {
			unbind(other, i);
			break;
		}
	if (!put(other, find(other)))
		return false;
	owner_of[a] = id;
	m->addrs[m->n++] = a;
	return put(id, find(id));
}

static bool set(u32 id)
{
	struct model_device *m = &model[id];
	u32 old = find(id);

	switch (rnd(5)) {
	case 0:
		bind(id, 1 + rnd(2));
		break;
	case 1:
		if (m->n > 1)
			unbind(id, rnd(m->n));
		break;
	case 2:
		rename_to_free(id);
		break;
	case 3:
		tie(id, rnd(2), 0, 0);
		if (rnd(2))
			tie(id, m->port, 1, !m->port);
		break;
	default:
		m->segment = m->segment == ONE ? TWO : ONE;
	}
	return put(id, old);
}

static bool agrees_on(u32 id)
{
	struct cordon_addr addrs[CORDON_MAX_DEVICE_ADDRESSES];
	struct cordon_device_def def, *d;
	u32 place = find(id), i;

	if (!model[id].exists)
		return place == CORDON_NO_DEVICE;
	if (place >= policy->places.room || !cordon_policy_is_device(policy, place))
		return false;
	def_of(id, &def, addrs);
	d = &policy->draft.devices[place];
	if (memcmp(d->mac, def.mac, 6) || strcmp(d->name, def.name) || d->segment != def.segment ||
	    d->port != def.port || d->n_also != def.n_also || (d->n_also && d->also[0] != def.also[0]) ||
	    d->n != def.n)
		return false;
	for (i = 0; i < d->n; i++)
		if (!cordon_policy_device_has(policy, place, &addrs[i]))
			return false;
	return true;
}

static bool agrees_on_addr(u32 a)
{
	struct cordon_addr addr = addr_of(a);
	u32 place = cordon_policy_device_by_addr(policy, &addr);

	return place == (owner_of[a] < 0 ? CORDON_NO_DEVICE : find(owner_of[a]));
}

static bool agrees_on_name(u32 n)
{
	char name[16];

	snprintf(name, sizeof(name), "n%u", n);
	return cordon_policy_device_by_name(policy, name) ==
	       (name_of[n] < 0 ? CORDON_NO_DEVICE : find(name_of[n]));
}

/* Slots without an object do not pile up. */
static bool is_tidy(const struct cordon_index *index, u32 n)
{
	return index->used >= n && index->used <= n + n / 2 + 8;
}

static bool agrees(void)
{
	const struct cordon_places *places = &policy->places;
	u32 ids[MACS], n = in_order(ids), i, at = places->next[places->room], one = 0;

	for (i = 0; i < n; i++, at = places->next[at]) {
		if (at != find(ids[i]))
			return false;
		one += model[ids[i]].segment == ONE;
	}
	if (at != places->room || places->n != n || policy->members[ONE] != one ||
	    policy->members[TWO] != n - one)
		return false;
	if (!is_tidy(&policy->by_mac, n) || !is_tidy(&policy->by_name, n))
		return false;
	for (i = 0; i < MACS; i++)
		if (!agrees_on(i))
			return false;
	for (i = 0, n = 0; i < ADDRS; i++) {
		if (!agrees_on_addr(i))
			return false;
		n += owner_of[i] >= 0;
	}
	if (!is_tidy(&policy->by_addr, n))
		return false;
	for (i = 0; i < NAMES; i++)
		if (!agrees_on_name(i))
			return false;
	return true;
}

static bool step(void)
{
	u32 id = rnd(MACS);

	now++;
	if (!rnd(300))
		settle();
	if (!model[id].exists)
		return add(id);
	switch (rnd(8)) {
	case 0:
		return del(id);
	case 1:
	case 2:
		return expire(id);
	case 3:
		return move(id);
	default:
		return set(id);
	}
}

static void test_model(u32 steps)
{
	bool good = true;
	u32 i;

	memset(owner_of, -1, sizeof(owner_of));
	memset(name_of, -1, sizeof(name_of));
	for (i = 0; i < START; i++)
		add(i);
	seal();
	ok(agrees(), "sealed: it says what the model says");
	for (i = 0; good && i < steps; i++) {
		good = step() && agrees_on(rnd(MACS)) && agrees_on_addr(rnd(ADDRS)) &&
		       agrees_on_name(rnd(NAMES));
		if (i % 1009 == 0)
			good = good && agrees();
	}
	ok(good && agrees(), "%u steps: look-ups say what the model says (stopped after %u)", steps, i);
	ok(full && settled > full, "places ran out, were reclaimed %u times, and sealed anew %u times", settled, full);
}

static int prepare(u32 id, u32 old, struct cordon_error *err)
{
	struct cordon_addr addrs[CORDON_MAX_DEVICE_ADDRESSES];
	struct cordon_device_def def;
	u32 place;

	def_of(id, &def, addrs);
	return cordon_change_prepare(policy, old, &def, addrs, &place, err);
}

/* What a draft may not hold, a change may not bring; and nothing has changed then. */
static void test_refused(void)
{
	static const struct {
		const char *name;
		enum cordon_fault fault;
	} rows[] = {
		{ "another device's address", CORDON_FAULT_DUPLICATE_ADDRESS },
		{ "an address twice", CORDON_FAULT_DUPLICATE_ADDRESS },
		{ "another device's name", CORDON_FAULT_DUPLICATE_NAME },
		{ "a segment that is none", CORDON_FAULT_UNKNOWN_SEGMENT },
		{ "a port that is none", CORDON_FAULT_UNKNOWN_PORT },
		{ "no address", CORDON_FAULT_NO_ADDRESS },
		{ "a MAC that is another's", CORDON_FAULT_DUPLICATE_MAC },
		{ "a VLAN without a port", CORDON_FAULT_VLAN },
		{ "a VLAN that is none", CORDON_FAULT_VLAN },
		{ "one port twice", CORDON_FAULT_PORTS },
		{ "a second port that is none", CORDON_FAULT_UNKNOWN_PORT },
		{ "a second port without a first one", CORDON_FAULT_PORTS },
		{ "five ports", CORDON_FAULT_PORTS },
	};
	struct cordon_error err;
	struct model_device was;
	u32 ids[MACS], i, old;
	int ret;

	in_order(ids);
	old = find(ids[0]);
	for (i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		was = model[ids[0]];
		switch (i) {
		case 0: model[ids[0]].addrs[0] = model[ids[1]].addrs[0]; break;
		case 1: model[ids[0]].n = 2; model[ids[0]].addrs[1] = model[ids[0]].addrs[0]; break;
		case 2: model[ids[0]].name = model[ids[1]].name; break;
		case 3: model[ids[0]].segment = SEGMENTS; break;
		case 4: model[ids[0]].port = 2; break;
		case 5: model[ids[0]].n = 0; break;
		case 7: model[ids[0]].port = CORDON_ANY_PORT; model[ids[0]].vlan = 20; break;
		case 8: model[ids[0]].port = 0; model[ids[0]].vlan = 4095; break;
		case 9: tie(ids[0], 1, 1, 1); break;
		case 10: tie(ids[0], 1, 1, 2); break;
		case 11: tie(ids[0], CORDON_ANY_PORT, 1, 0); break;
		case 12: tie(ids[0], 1, 4, 0); break;
		}
		ret = prepare(ids[0], i == 6 ? CORDON_NO_DEVICE : old, &err);
		model[ids[0]] = was;
		ok(ret == -EINVAL && err.fault == rows[i].fault && agrees(), "refused: %s", rows[i].name);
	}
	ret = prepare(ids[0], old, &err);
	ok(!ret, "control: the device as it is");
}

/* One writer gives a device other addresses and another model, over and over; the others look it up. */
struct look {
	atomic_ulong rounds;
	atomic_bool stop;
	unsigned long torn;
	unsigned long lost;
};

static bool is_whole(u32 place)
{
	const struct cordon_device_def *d = &policy->draft.devices[place];
	const struct cordon_addr *a = &policy->draft.addresses[d->first];
	unsigned long version = strtoul(d->model + 1, NULL, 10);

	return d->n == 1 + version % 3 && a[d->n - 1].lo == (d->n == 1 ? 1 : version << 8 | (d->n - 1)) &&
	       a[0].lo == 1;
}

static void *look(void *arg)
{
	const struct cordon_addr kept = { 0xfe00, 1 };
	u8 mac[6] = { 2, 9, 9, 9, 9, 9 };
	struct look *l = arg;
	u32 by_mac, by_addr;

	while (!atomic_load(&l->stop)) {
		by_mac = cordon_policy_device_by_mac(policy, mac);
		by_addr = cordon_policy_device_by_addr(policy, &kept);
		if (by_mac == CORDON_NO_DEVICE || by_addr == CORDON_NO_DEVICE)
			l->lost++;
		else if (!is_whole(by_mac) || !is_whole(by_addr))
			l->torn++;
		atomic_fetch_add(&l->rounds, 1);
	}
	return NULL;
}

static void wait_for(struct look *l)
{
	unsigned long then = atomic_load(&l->rounds);

	while (atomic_load(&l->rounds) - then < 2)
		sched_yield();
}

static void publish(u32 version)
{
	struct cordon_addr addrs[3] = { { 0xfe00, 1 }, { 0xfe00, version << 8 | 1 }, { 0xfe00, version << 8 | 2 } };
	struct cordon_device_def def = {
		.mac = { 2, 9, 9, 9, 9, 9 }, .segment = ONE, .port = CORDON_ANY_PORT, .n = 1 + version % 3,
		.authentication = CORDON_INHERIT, .encryption = CORDON_INHERIT, .firmware = CORDON_INHERIT,
		.name = "looked-at",
	};
	u32 old = cordon_policy_device_by_mac(policy, def.mac), place;
	struct cordon_error err;

	snprintf(def.model, sizeof(def.model), "v%u", version);
	if (cordon_change_prepare(policy, old, &def, addrs, &place, &err))
		abort();
	cordon_change_publish(policy, old, place);
}

static u32 addresses_used(void)
{
	const struct cordon_places *places = &policy->places;
	u32 i, n = 0;

	for (i = places->next[places->room]; i != places->room; i = places->next[i])
		n += policy->draft.devices[i].n;
	return n;
}

static void test_lookers(u32 versions)
{
	struct look l = { 0 };
	pthread_t thread;
	u32 v;

	seal();
	publish(1);
	if (pthread_create(&thread, NULL, look, &l))
		abort();
	for (v = 2; v < versions; v++) {
		publish(v);
		if (v % 50)
			continue;
		wait_for(&l);
		settle();
	}
	wait_for(&l);
	atomic_store(&l.stop, true);
	pthread_join(thread, NULL);
	ok(!l.torn && !l.lost, "%lu looks at a device that changed %u times: %lu not whole, %lu not found",
	   atomic_load(&l.rounds), versions, l.torn, l.lost);
	ok(policy->by_addr.used < 1.1 * addresses_used(), "its index has %u slots in use for %u addresses",
	   policy->by_addr.used, addresses_used());
}

int main(void)
{
	const bool torture = getenv("TORTURE");

	test_model(torture ? 1000000 : 60000);
	test_refused();
	test_lookers(torture ? 200000 : 50000);
	free(policy);
	return tap_done();
}
