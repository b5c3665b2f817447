// SPDX-License-Identifier: GPL-2.0
/* Transactions: staged by a socket, committed at one stroke or forgotten with it. */
#include <linux/mm.h>
#include <linux/random.h>
#include <linux/sched/signal.h>
#include <linux/sizes.h>
#include <linux/slab.h>

#include "bind.h"
#include "caps.h"
#include "destinations.h"
#include "net.h"
#include "publish.h"
#include "ruleset.h"
#include "transaction.h"

static u32 bucket(const struct cordon_transaction *t, const char *name)
{
	return siphash(name, strlen(name), &t->key) % ARRAY_SIZE(t->first);
}

/* The transaction of a socket; NULL, it has none. */
static struct cordon_transaction *find(struct cordon_net *cn, u32 portid)
{
	struct cordon_transaction *t;

	lockdep_assert_held(&cn->transactions_lock);
	list_for_each_entry(t, &cn->transactions, list)
		if (t->portid == portid)
			return t;
	return NULL;
}

static bool has(struct cordon_net *cn, u32 portid)
{
	bool found;

	spin_lock(&cn->transactions_lock);
	found = find(cn, portid);
	spin_unlock(&cn->transactions_lock);
	return found;
}

static void transaction_free(struct cordon_transaction *t)
{
	kvfree(t->draft.ports);
	kvfree(t->draft.segments);
	kvfree(t->draft.networks);
	kvfree(t->draft.rules);
	kvfree(t->draft.matches);
	kvfree(t->draft.devices);
	kvfree(t->draft.addresses);
	kvfree(t->draft.uplinks);
	kvfree(t->draft.interfaces);
	kvfree(t->draft.servers);
	kvfree(t->starts);
	kvfree(t->told);
	cordon_transaction_forget(t, 0);
	kvfree(t->been);
	kvfree(t);
}

/* Off the list, it is the caller's alone. */
static struct cordon_transaction *take(struct cordon_net *cn, u32 portid)
{
	struct cordon_transaction *t;

	spin_lock(&cn->transactions_lock);
	t = find(cn, portid);
	if (t) {
		list_del(&t->list);
		cn->n_transactions--;
	}
	spin_unlock(&cn->transactions_lock);
	return t;
}

static int stage_builtin(struct cordon_transaction *t)
{
	struct cordon_segment_def builtin[CORDON_BUILTIN_SEGMENTS];
	int i;

	cordon_draft_builtin(builtin);
	for (i = 0; i < CORDON_BUILTIN_SEGMENTS; i++)
		if (IS_ERR(cordon_transaction_segment(t, builtin[i].name)))
			return -ENOMEM;
	return 0;
}

/**
 * cordon_transaction_begin - open a transaction on a socket
 * @cn: the namespace
 * @portid: the socket
 * @extack: gets a sentence
 *
 * Context: cordon_net.lock held; may sleep.
 * Return: 0; -EBUSY, the socket has one, or too many are open; -ENOMEM.
 */
int cordon_transaction_begin(struct cordon_net *cn, u32 portid, struct netlink_ext_ack *extack)
{
	struct cordon_transaction *t;

	lockdep_assert_held(&cn->lock);
	if (has(cn, portid)) {
		NL_SET_ERR_MSG(extack, "this socket has a transaction already");
		return -EBUSY;
	}
	if (READ_ONCE(cn->n_transactions) >= cn->caps->transactions) {
		NL_SET_ERR_MSG_FMT(extack, "too many transactions are open, the limit is %u",
				   cn->caps->transactions);
		return -EBUSY;
	}
	t = kvzalloc(sizeof(*t), GFP_KERNEL_ACCOUNT);
	if (!t)
		return -ENOMEM;
	t->caps = cn->caps;
	get_random_bytes(&t->key, sizeof(t->key));
	if (stage_builtin(t)) {
		transaction_free(t);
		return -ENOMEM;
	}
	t->portid = portid;
	t->generation = cn->generation;
	cordon_transaction_return(cn, t);
	return 0;
}

/**
 * cordon_transaction_take - the transaction of a socket, to work on it
 * @cn: the namespace
 * @portid: the socket
 * @extack: gets a sentence
 *
 * Until cordon_transaction_return(), nobody else finds or frees it.
 *
 * Context: cordon_net.lock held. Return: it, or NULL.
 */
struct cordon_transaction *cordon_transaction_take(struct cordon_net *cn, u32 portid,
						   struct netlink_ext_ack *extack)
{
	struct cordon_transaction *t;

	lockdep_assert_held(&cn->lock);
	t = take(cn, portid);
	if (!t)
		NL_SET_ERR_MSG(extack, "this socket has no transaction: begin one");
	return t;
}

/**
 * cordon_transaction_return - the reverse of cordon_transaction_take()
 * @cn: the namespace
 * @t: the transaction
 */
void cordon_transaction_return(struct cordon_net *cn, struct cordon_transaction *t)
{
	spin_lock(&cn->transactions_lock);
	list_add(&t->list, &cn->transactions);
	cn->n_transactions++;
	spin_unlock(&cn->transactions_lock);
}

/* A device that only the new ruleset refers to is new, too: what is in force does not know it. */
static void start_devices(const struct cordon_transaction *t, struct cordon_ruleset *rs)
{
	struct cordon_device *device;
	u32 i;

	for (i = 0; i < t->n_starts; i++) {
		device = rs->devices[t->starts[i].device];
		if (refcount_read(&device->refs) == 1)
			cordon_device_start(device, &t->starts[i]);
		cond_resched();
	}
}

/* Likewise, of those whose segment asks where they go. */
static void start_destinations(const struct cordon_transaction *t, struct cordon_ruleset *rs)
{
	struct cordon_destinations *d;
	u32 i, device;

	for (i = 0; i < t->n_been; i++) {
		cond_resched();
		device = cordon_policy_device_by_mac(rs->policy, t->been[i].mac);
		if (device == CORDON_NO_DEVICE || refcount_read(&rs->devices[device]->refs) != 1)
			continue;
		d = cordon_device_destinations(rs->devices[device]);
		if (d)
			cordon_destinations_copy(d, t->been[i].destinations);
	}
}

/**
 * cordon_transaction_commit - put in force what a socket has staged
 * @cn: the namespace
 * @portid: the socket
 * @confirm: seconds, see cordon_publish()
 * @extack: gets a sentence
 *
 * The transaction is over, whatever comes of it.
 *
 * Context: cordon_net.lock held; sleeps.
 * Return: 0; -ENOENT, no transaction; -ESTALE, another policy came into force
 * since it began; or what cordon_ruleset_new(), cordon_publish_check() and
 * cordon_publish() say.
 */
int cordon_transaction_commit(struct cordon_net *cn, u32 portid, u32 confirm,
			      struct netlink_ext_ack *extack)
{
	struct cordon_transaction *t = cordon_transaction_take(cn, portid, extack);
	struct cordon_ruleset *rs;
	int ret;
	u32 i;

	if (!t)
		return -ENOENT;
	if (t->generation != cn->generation) {
		NL_SET_ERR_MSG_FMT(extack, "begun at generation %u, but %u is in force",
				   t->generation, cn->generation);
		transaction_free(t);
		return -ESTALE;
	}
	/* First, as there is to be room for it. What comes to nothing, the next sweep forgets. */
	for (i = 0; i < t->n_told && !fatal_signal_pending(current); i++) {
		cordon_bind_restore(cn, &t->told[i]);
		cond_resched();
	}
	rs = cordon_ruleset_new(cn, &t->draft, extack);
	if (!IS_ERR(rs)) {
		start_devices(t, rs);
		start_destinations(t, rs);
		cordon_ruleset_carry(cn, rs);
	}
	transaction_free(t);
	if (IS_ERR(rs))
		return PTR_ERR(rs);
	ret = cordon_publish_check(cn, rs, extack);
	if (!ret)
		ret = cordon_publish(cn, rs, confirm, extack);
	if (ret)
		cordon_ruleset_free(rs);
	return ret;
}

/**
 * cordon_transaction_abort - forget what a socket has staged
 * @cn: the namespace
 * @portid: the socket
 * @extack: gets a sentence
 *
 * It waits for nobody: not for cordon_net.lock, nor for a commit that holds it. What
 * another request of the socket works on, it does not find.
 *
 * Context: may sleep. Return: 0; -ENOENT, there is nothing.
 */
int cordon_transaction_abort(struct cordon_net *cn, u32 portid, struct netlink_ext_ack *extack)
{
	struct cordon_transaction *t = take(cn, portid);

	if (!t) {
		NL_SET_ERR_MSG(extack, "this socket has no transaction: begin one");
		return -ENOENT;
	}
	transaction_free(t);
	return 0;
}

/**
 * cordon_transactions_abort - forget all that is staged in a namespace
 * @cn: the namespace
 */
void cordon_transactions_abort(struct cordon_net *cn)
{
	struct cordon_transaction *t, *tmp;
	LIST_HEAD(all);

	spin_lock(&cn->transactions_lock);
	list_splice_init(&cn->transactions, &all);
	cn->n_transactions = 0;
	spin_unlock(&cn->transactions_lock);
	list_for_each_entry_safe(t, tmp, &all, list)
		transaction_free(t);
}

/* Lists may be of many megabytes. */
static void copy(void *to, const void *from, size_t len)
{
	size_t at, piece;

	for (at = 0; at < len; at += piece) {
		piece = min_t(size_t, len - at, SZ_1M);
		memcpy(to + at, from + at, piece);
		cond_resched();
	}
}

/* Room for one more at the end of a list; the new place is zeroed. */
static void *append(void *listp, u32 *n, u32 *room, u32 max, size_t size)
{
	void **list = listp;
	void *more;
	u32 want;

	if (*n == max)
		return ERR_PTR(-E2BIG);
	if (*n == *room) {
		want = min(max_t(u32, 16, *room * 2), max);
		more = kvmalloc_array(want, size, GFP_KERNEL_ACCOUNT);
		if (!more)
			return ERR_PTR(-ENOMEM);
		copy(more, *list, *n * size);
		kvfree(*list);
		*list = more;
		*room = want;
	}
	return memset(*list + (*n)++ * size, 0, size);
}

#define APPEND(t, field, max) \
	(note_cap(t, max, #field), \
	 append(&(t)->draft.field, &(t)->draft.n_##field, &(t)->room.field, max, \
		sizeof(*(t)->draft.field)))

/* If the object at hand is refused with -E2BIG, that is why. */
static void note_cap(struct cordon_transaction *t, u32 cap, const char *what)
{
	t->full = cap;
	t->what = what;
}

/*
 * Each of these adds one object to a transaction: zeroed, a segment with its
 * defaults, a match or an address to the rule or device that came last. The
 * pointer holds until the next of its kind. ERR_PTR: -E2BIG, one more than the
 * namespace's caps allow, see cordon_transaction.full; -ENOMEM. Context:
 * cordon_net.lock held; may sleep.
 */
struct cordon_port_def *cordon_transaction_port(struct cordon_transaction *t)
{
	return APPEND(t, ports, t->caps->ports);
}

struct cordon_uplink_def *cordon_transaction_uplink(struct cordon_transaction *t)
{
	return APPEND(t, uplinks, t->caps->uplinks);
}

struct cordon_addr *cordon_transaction_server(struct cordon_transaction *t)
{
	return APPEND(t, servers, CORDON_MAX_SERVERS);
}

/* A binding of any device. */
struct cordon_told *cordon_transaction_binding(struct cordon_transaction *t)
{
	const u32 most = t->caps->devices * CORDON_MAX_DEVICE_ADDRESSES;

	note_cap(t, most, "bindings");
	return append(&t->told, &t->n_told, &t->room_told, most, sizeof(*t->told));
}

/* It belongs to the segment that came last. */
struct cordon_interface_def *cordon_transaction_interface(struct cordon_transaction *t)
{
	struct cordon_interface_def *n = APPEND(t, interfaces, t->caps->interfaces);

	if (!IS_ERR(n))
		n->segment = t->draft.n_segments - 1;
	return n;
}

struct cordon_segment_def *cordon_transaction_segment(struct cordon_transaction *t,
						      const char *name)
{
	struct cordon_segment_def *s = APPEND(t, segments, t->caps->segments);
	u32 b = bucket(t, name);

	if (IS_ERR(s))
		return s;
	cordon_segment_def_init(s);
	strscpy(s->name, name, sizeof(s->name));
	t->next[t->draft.n_segments - 1] = t->first[b];
	t->first[b] = t->draft.n_segments;
	return s;
}

struct cordon_network_def *cordon_transaction_network(struct cordon_transaction *t)
{
	return APPEND(t, networks, t->caps->networks);
}

struct cordon_rule_def *cordon_transaction_rule(struct cordon_transaction *t)
{
	struct cordon_rule_def *r = APPEND(t, rules, t->caps->rules);

	if (!IS_ERR(r))
		r->first = t->draft.n_matches;
	return r;
}

struct cordon_match *cordon_transaction_match(struct cordon_transaction *t)
{
	struct cordon_rule_def *r = &t->draft.rules[t->draft.n_rules - 1];
	struct cordon_match *m;

	if (r->n == CORDON_MAX_RULE_MATCHES) {
		note_cap(t, 0, NULL);
		return ERR_PTR(-E2BIG);
	}
	m = APPEND(t, matches, t->caps->matches);
	if (!IS_ERR(m))
		r->n++;
	return m;
}

struct cordon_device_def *cordon_transaction_device(struct cordon_transaction *t)
{
	struct cordon_device_def *d = APPEND(t, devices, t->caps->devices);

	if (!IS_ERR(d))
		d->first = t->draft.n_addresses;
	return d;
}

struct cordon_addr *cordon_transaction_address(struct cordon_transaction *t)
{
	struct cordon_device_def *d = &t->draft.devices[t->draft.n_devices - 1];
	struct cordon_addr *a;

	if (d->n == CORDON_MAX_DEVICE_ADDRESSES) {
		note_cap(t, 0, NULL);
		return ERR_PTR(-E2BIG);
	}
	a = APPEND(t, addresses, t->caps->devices * CORDON_MAX_DEVICE_ADDRESSES);
	if (!IS_ERR(a))
		d->n++;
	return a;
}

/* It belongs to the device that came last, which has no other. */
struct cordon_device_start *cordon_transaction_start(struct cordon_transaction *t)
{
	struct cordon_device_start *s;

	note_cap(t, t->caps->devices, "devices");
	s = append(&t->starts, &t->n_starts, &t->room_starts, t->caps->devices, sizeof(*s));
	if (!IS_ERR(s))
		s->device = t->draft.n_devices - 1;
	return s;
}

/**
 * cordon_transaction_destinations - where a device had been, of any device
 * @t: the transaction
 * @mac: of the device
 * @destinations: belong to the transaction from now on, unless an error is returned
 *
 * Context: cordon_net.lock held; may sleep.
 * Return: 0; -E2BIG, see cordon_transaction.full; -ENOMEM.
 */
int cordon_transaction_destinations(struct cordon_transaction *t, const u8 *mac,
				    struct cordon_destinations *destinations)
{
	struct cordon_been *b;

	note_cap(t, t->caps->devices, "devices");
	b = append(&t->been, &t->n_been, &t->room_been, t->caps->devices, sizeof(*b));
	if (IS_ERR(b))
		return PTR_ERR(b);
	ether_addr_copy(b->mac, mac);
	b->destinations = destinations;
	return 0;
}

/**
 * cordon_transaction_forget - forget where devices had been
 * @t: the transaction
 * @been: of how many of them is kept what was staged first
 *
 * Context: may sleep.
 */
void cordon_transaction_forget(struct cordon_transaction *t, u32 been)
{
	while (t->n_been > been) {
		kfree(t->been[--t->n_been].destinations);
		cond_resched();
	}
}

/**
 * cordon_transaction_find_segment - a segment that was staged
 * @t: the transaction
 * @name: of the segment
 *
 * Return: its place, or CORDON_NO_SEGMENT.
 */
u16 cordon_transaction_find_segment(const struct cordon_transaction *t, const char *name)
{
	u16 at;

	for (at = t->first[bucket(t, name)]; at; at = t->next[at - 1])
		if (!strcmp(t->draft.segments[at - 1].name, name))
			return at - 1;
	return CORDON_NO_SEGMENT;
}

/**
 * cordon_transaction_undo - forget what was staged since
 * @t: the transaction
 * @before: its draft as it was then
 */
void cordon_transaction_undo(struct cordon_transaction *t, const struct cordon_draft *before)
{
	struct cordon_draft *d = &t->draft;
	u32 b;

	/* Newest first, each is the head of its chain. */
	while (d->n_segments > before->n_segments) {
		b = bucket(t, d->segments[--d->n_segments].name);
		t->first[b] = t->next[d->n_segments];
	}
	d->mode = before->mode;
	d->n_ports = before->n_ports;
	d->n_networks = before->n_networks;
	d->n_rules = before->n_rules;
	d->n_matches = before->n_matches;
	d->n_devices = before->n_devices;
	d->n_addresses = before->n_addresses;
	d->n_uplinks = before->n_uplinks;
	d->n_interfaces = before->n_interfaces;
	d->n_servers = before->n_servers;
	d->unknown = before->unknown;
	while (t->n_starts && t->starts[t->n_starts - 1].device >= d->n_devices)
		t->n_starts--;
}
