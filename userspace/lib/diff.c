// SPDX-License-Identifier: GPL-2.0
/* What changes between two policies: each kind of object sorted by its key, then merged. */
#include <stdio.h>

#include "diff.h"
#include "policy.h"

#define KEY_LEN		80
#define TEXT_LEN	80

/* An object by the text under which both policies know it. */
struct item {
	char key[KEY_LEN];
	u32 at;
};

/* One thing that one rule allows. */
struct allowed {
	const char *from;
	const char *to;
	struct cordon_match match;
	u8 plaintext;
	u8 related;
};

struct work {
	const struct policy *before;
	const struct policy *after;
	struct policy_diff *out;
	size_t room;
	bool failed;
};

typedef void (*key_fn)(const struct cordon_draft *d, u32 at, char key[KEY_LEN]);
typedef void (*change_fn)(struct work *w, const char *key, u32 before, u32 after);

static char *copy(struct work *w, const char *text)
{
	char *c = text ? strdup(text) : NULL;

	w->failed |= text && !c;
	return c;
}

static void emit(struct work *w, enum policy_change_op op, const char *object, const char *name,
		 const char *field, const char *before, const char *after)
{
	struct policy_change *more, *c;

	if (w->out->n == w->room) {
		w->room = w->room ? 2 * w->room : 16;
		more = reallocarray(w->out->changes, w->room, sizeof(*more));
		if (!more) {
			w->room = w->out->n;
			w->failed = true;
			return;
		}
		w->out->changes = more;
	}
	c = &w->out->changes[w->out->n++];
	*c = (struct policy_change){ .op = op, .object = object, .field = field };
	c->name = copy(w, name);
	c->before = copy(w, before);
	c->after = copy(w, after);
}

/* A field whose texts differ; NULL, it has none. */
static void field(struct work *w, const char *object, const char *name, const char *what,
		  const char *before, const char *after)
{
	if (before == after || (before && after && !strcmp(before, after)))
		return;
	emit(w, POLICY_CHANGE, object, name, what, before, after);
}

static int item_compare(const void *a, const void *b)
{
	return strcmp(((const struct item *)a)->key, ((const struct item *)b)->key);
}

static struct item *items(struct work *w, const struct policy *p, u32 first, u32 n, key_fn key)
{
	struct item *list = calloc((size_t)n + 1, sizeof(*list));
	u32 i;

	if (!list) {
		w->failed = true;
		return NULL;
	}
	for (i = first; i < n; i++) {
		key(&p->draft, i, list[i - first].key);
		list[i - first].at = i;
	}
	if (n > first)
		qsort(list, n - first, sizeof(*list), item_compare);
	return list;
}

/* Walk both lists by key; @change hears of what is in both, @object's other ones come or go. */
static void merge(struct work *w, const char *object, u32 first, u32 nb, u32 na, key_fn key,
		  const char *(*name)(const struct cordon_draft *, const struct item *),
		  change_fn change)
{
	struct item *b = items(w, w->before, first, nb, key);
	struct item *a = items(w, w->after, first, na, key);
	u32 i = 0, j = 0;
	int c;

	nb -= first;
	na -= first;
	while (a && b && (i < nb || j < na)) {
		c = i == nb ? 1 : j == na ? -1 : strcmp(b[i].key, a[j].key);
		if (c < 0) {
			emit(w, POLICY_DELETE, object, name(&w->before->draft, &b[i]), NULL, NULL, NULL);
			i++;
		} else if (c > 0) {
			emit(w, POLICY_ADD, object, name(&w->after->draft, &a[j]), NULL, NULL, NULL);
			j++;
		} else {
			if (change)
				change(w, b[i].key, b[i].at, a[j].at);
			i++;
			j++;
		}
	}
	free(a);
	free(b);
}

static const char *key_name(const struct cordon_draft *d, const struct item *i)
{
	(void)d;
	return i->key;
}

static void port_key(const struct cordon_draft *d, u32 at, char key[KEY_LEN])
{
	snprintf(key, KEY_LEN, "%s", d->ports[at].name);
}

static void uplink_key(const struct cordon_draft *d, u32 at, char key[KEY_LEN])
{
	snprintf(key, KEY_LEN, "%s", d->uplinks[at].name);
}

static void server_key(const struct cordon_draft *d, u32 at, char key[KEY_LEN])
{
	policy_addr_text(&d->servers[at], key);
}

static void segment_key(const struct cordon_draft *d, u32 at, char key[KEY_LEN])
{
	snprintf(key, KEY_LEN, "%s", d->segments[at].name);
}

static void network_key(const struct cordon_draft *d, u32 at, char key[KEY_LEN])
{
	policy_network_text(&d->networks[at], key);
}

/* A device is its MAC: its name may change. */
static void device_key(const struct cordon_draft *d, u32 at, char key[KEY_LEN])
{
	policy_mac_text(d->devices[at].mac, key);
}

static const char *device_name(const struct cordon_draft *d, const struct item *i)
{
	return d->devices[i->at].name;
}

static const char *yes_no(u8 value)
{
	return value ? "true" : "false";
}

static const char *limit_text(const struct cordon_segment_def *s, u32 kind, char buf[TEXT_LEN])
{
	const struct cordon_limit *l = &s->limits[kind];
	char window[16], learn[16];
	int n;

	if (!l->count)
		return NULL;
	n = snprintf(buf, TEXT_LEN, "%s: %u/%s, %s", policy_kind_name(kind), l->count,
		     policy_duration_text(l->window, window), policy_action_name(l->action));
	if (kind == CORDON_KIND_NEW_DESTINATION)
		snprintf(buf + n, TEXT_LEN - n, ", learn %s", policy_duration_text(s->learn, learn));
	return buf;
}

static int name_compare(const void *a, const void *b)
{
	return strcmp(*(const char * const *)a, *(const char * const *)b);
}

/* Where a segment's networks are, in alphabetical order; NULL: anywhere. free() it. */
static char *interfaces_text(struct work *w, const struct cordon_draft *d, u32 segment)
{
	const char **names = calloc((size_t)d->n_interfaces + 1, sizeof(*names));
	char *text = NULL;
	u32 n = 0, i;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	for (i = 0; names && i < d->n_interfaces; i++)
		if (d->interfaces[i].segment == segment)
			names[n++] = d->interfaces[i].name;
	if (n)
		qsort(names, n, sizeof(*names), name_compare);
	for (i = 0; out && i < n; i++)
		fprintf(out, "%s%s", i ? ", " : "", names[i]);
	w->failed |= !names || !out || fclose(out);
	free(names);
	if (n)
		return text;
	free(text);
	return NULL;
}

static void interfaces_change(struct work *w, const char *name, u32 before, u32 after)
{
	char *b = interfaces_text(w, &w->before->draft, before);
	char *a = interfaces_text(w, &w->after->draft, after);

	field(w, "segment", name, "interfaces", b, a);
	free(b);
	free(a);
}

static void segment_change(struct work *w, const char *name, u32 before, u32 after)
{
	const struct cordon_segment_def *b = &w->before->draft.segments[before];
	const struct cordon_segment_def *a = &w->after->draft.segments[after];
	char bt[TEXT_LEN], at[TEXT_LEN];
	u32 k;

	field(w, "segment", name, "authentication", policy_authentication_name(b->authentication),
	      policy_authentication_name(a->authentication));
	field(w, "segment", name, "encryption", policy_encryption_name(b->encryption),
	      policy_encryption_name(a->encryption));
	field(w, "segment", name, "firmware_auto_update", yes_no(b->firmware), yes_no(a->firmware));
	field(w, "segment", name, "firmware.grace", policy_duration_text(b->grace, bt),
	      policy_duration_text(a->grace, at));
	field(w, "segment", name, "firmware.postpone", policy_duration_text(b->postpone, bt),
	      policy_duration_text(a->postpone, at));
	field(w, "segment", name, "isolate", yes_no(b->isolate), yes_no(a->isolate));
	field(w, "segment", name, "lease", policy_duration_text(b->lease, bt),
	      policy_duration_text(a->lease, at));
	for (k = 0; k < CORDON_KINDS; k++)
		field(w, "segment", name, "anomalies", limit_text(b, k, bt), limit_text(a, k, at));
	interfaces_change(w, name, before, after);
}

static void network_change(struct work *w, const char *name, u32 before, u32 after)
{
	const struct cordon_draft *b = &w->before->draft, *a = &w->after->draft;

	field(w, "network", name, "segment", b->segments[b->networks[before].segment].name,
	      a->segments[a->networks[after].segment].name);
}

static int addr_compare(const void *a, const void *b)
{
	return cordon_addr_compare(a, b);
}

static const char *addresses_text(const struct cordon_draft *d, const struct cordon_device_def *v,
				  char *buf, size_t size)
{
	struct cordon_addr sorted[UINT8_MAX];
	char text[POLICY_ADDR_LEN];
	u32 i, n = cordon_device_fixed(v);
	size_t at = 0;

	buf[0] = 0;
	if (n) {
		memcpy(sorted, &d->addresses[v->first], n * sizeof(*sorted));
		qsort(sorted, n, sizeof(*sorted), addr_compare);
	}
	for (i = 0; i < n && at < size; i++)
		at += snprintf(buf + at, size - at, "%s%s", i ? ", " : "",
			       policy_addr_text(&sorted[i], text));
	if (v->learn && at < size)
		snprintf(buf + at, size - at, "%s%s", n ? ", " : "", policy_learn_name(v->learn));
	return buf;
}

static const char *vlan_text(const struct cordon_device_def *v, char *buf)
{
	return v->vlan && sprintf(buf, "%u", v->vlan) ? buf : NULL;
}

static const char *ports_text(const struct cordon_draft *d, const struct cordon_device_def *v, char *buf)
{
	return *policy_ports_text(d, v, buf) ? buf : NULL;
}

#define OWN(value, text) ((value) == CORDON_INHERIT ? NULL : text(value))

static void device_change(struct work *w, const char *key, u32 before, u32 after)
{
	const struct cordon_draft *bd = &w->before->draft, *ad = &w->after->draft;
	const struct cordon_device_def *b = &bd->devices[before], *a = &ad->devices[after];
	char bt[(UINT8_MAX + 1) * POLICY_ADDR_LEN], at[(UINT8_MAX + 1) * POLICY_ADDR_LEN];
	const char *name = a->name;

	(void)key;
	field(w, "device", name, "name", b->name, a->name);
	field(w, "device", name, "network_segment", bd->segments[b->segment].name,
	      ad->segments[a->segment].name);
	field(w, "device", name, "addresses", addresses_text(bd, b, bt, sizeof(bt)),
	      addresses_text(ad, a, at, sizeof(at)));
	field(w, "device", name, b->n_also || a->n_also ? "ports" : "port", ports_text(bd, b, bt),
	      ports_text(ad, a, at));
	field(w, "device", name, "vlan", vlan_text(b, bt), vlan_text(a, at));
	field(w, "device", name, "roam", yes_no(b->roam), yes_no(a->roam));
	field(w, "device", name, "model", b->model[0] ? b->model : NULL,
	      a->model[0] ? a->model : NULL);
	field(w, "device", name, "authentication", OWN(b->authentication, policy_authentication_name),
	      OWN(a->authentication, policy_authentication_name));
	field(w, "device", name, "encryption", OWN(b->encryption, policy_encryption_name),
	      OWN(a->encryption, policy_encryption_name));
	field(w, "device", name, "firmware_auto_update", OWN(b->firmware, yes_no),
	      OWN(a->firmware, yes_no));
}

static int pair_compare(const struct allowed *x, const struct allowed *y)
{
	int c = strcmp(x->from, y->from);

	return c ? c : strcmp(x->to, y->to);
}

static int allowed_compare(const void *a, const void *b)
{
	const struct allowed *x = a, *y = b;
	int c = pair_compare(x, y);

	if (c)
		return c;
	if (x->match.proto != y->match.proto)
		return (int)x->match.proto - y->match.proto;
	if (x->match.lo != y->match.lo)
		return (int)x->match.lo - y->match.lo;
	if (x->match.hi != y->match.hi)
		return (int)x->match.hi - y->match.hi;
	if (x->plaintext != y->plaintext)
		return (int)x->plaintext - y->plaintext;
	return (int)x->related - y->related;
}

static struct allowed *allowed_list(struct work *w, const struct policy *p, u32 *n)
{
	const struct cordon_draft *d = &p->draft;
	struct allowed *list = calloc((size_t)d->n_matches + 1, sizeof(*list));
	u32 i, j;

	*n = 0;
	if (!list) {
		w->failed = true;
		return NULL;
	}
	for (i = 0; i < d->n_rules; i++) {
		const struct cordon_rule_def *r = &d->rules[i];

		for (j = 0; j < r->n; j++)
			list[(*n)++] = (struct allowed){ d->segments[r->from].name,
							 d->segments[r->to].name,
							 d->matches[r->first + j], r->plaintext,
							 r->related };
	}
	qsort(list, *n, sizeof(*list), allowed_compare);
	return list;
}

/* All that a pair is allowed, once each, and where the next pair begins. */
static char *pair_text(struct work *w, const struct allowed *list, u32 n, u32 *at)
{
	u32 first = *at;
	char *text = NULL, buf[POLICY_MATCH_LEN];
	size_t size;
	FILE *out = open_memstream(&text, &size);

	for (; *at < n && !pair_compare(&list[first], &list[*at]); (*at)++) {
		if (!out || (*at > first && !allowed_compare(&list[*at - 1], &list[*at])))
			continue;
		fprintf(out, "%s%s%s%s", *at > first ? ", " : "",
			policy_match_text(&list[*at].match, buf),
			list[*at].plaintext ? " (plaintext)" : "", list[*at].related ? " (related)" : "");
	}
	if (!out || fclose(out)) {
		w->failed = true;
		free(text);
		return NULL;
	}
	return text;
}

/* Rules only allow: what counts is what each pair of segments is allowed by all of them. */
static void diff_rules(struct work *w)
{
	u32 nb, na, i = 0, j = 0;
	struct allowed *b = allowed_list(w, w->before, &nb);
	struct allowed *a = allowed_list(w, w->after, &na);
	char name[2 * CORDON_NAME_LEN + 8], *bt, *at;
	int c;

	while (a && b && !w->failed && (i < nb || j < na)) {
		c = i == nb ? 1 : j == na ? -1 : pair_compare(&b[i], &a[j]);
		snprintf(name, sizeof(name), "%s -> %s", c > 0 ? a[j].from : b[i].from,
			 c > 0 ? a[j].to : b[i].to);
		bt = c <= 0 ? pair_text(w, b, nb, &i) : NULL;
		at = c >= 0 ? pair_text(w, a, na, &j) : NULL;
		if (c)
			emit(w, c < 0 ? POLICY_DELETE : POLICY_ADD, "rule", name, NULL, bt, at);
		else
			field(w, "rule", name, "allow", bt, at);
		free(bt);
		free(at);
	}
	free(a);
	free(b);
}

static const char *unknown_text(const struct cordon_draft *d)
{
	return d->unknown ? d->segments[d->unknown].name : "deny";
}

/**
 * policy_diff - what changes between two policies
 * @before: one, without faults
 * @after: another
 * @out: the changes, on success; policy_diff_free() them
 *
 * Return: 0, or -ENOMEM.
 */
int policy_diff(const struct policy *before, const struct policy *after,
		struct policy_diff *out)
{
	const struct cordon_draft *b = &before->draft, *a = &after->draft;
	struct work w = { .before = before, .after = after, .out = out };

	*out = (struct policy_diff){ NULL, 0 };
	field(&w, "mode", "mode", "mode", policy_mode_name(b->mode), policy_mode_name(a->mode));
	field(&w, "unknown", "unknown", "unknown", unknown_text(b), unknown_text(a));
	merge(&w, "port", 0, b->n_ports, a->n_ports, port_key, key_name, NULL);
	merge(&w, "uplink", 0, b->n_uplinks, a->n_uplinks, uplink_key, key_name, NULL);
	merge(&w, "dhcp_server", 0, b->n_servers, a->n_servers, server_key, key_name, NULL);
	merge(&w, "segment", CORDON_BUILTIN_SEGMENTS, b->n_segments, a->n_segments, segment_key,
	      key_name, segment_change);
	merge(&w, "network", 0, b->n_networks, a->n_networks, network_key, key_name,
	      network_change);
	diff_rules(&w);
	merge(&w, "device", 0, b->n_devices, a->n_devices, device_key, device_name, device_change);
	if (!w.failed)
		return 0;
	policy_diff_free(out);
	return -ENOMEM;
}

/**
 * policy_diff_free - free the changes
 * @d: the difference
 */
void policy_diff_free(struct policy_diff *d)
{
	size_t i;

	for (i = 0; i < d->n; i++) {
		free(d->changes[i].name);
		free(d->changes[i].before);
		free(d->changes[i].after);
	}
	free(d->changes);
	*d = (struct policy_diff){ NULL, 0 };
}
