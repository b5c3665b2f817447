// SPDX-License-Identifier: GPL-2.0
/* Fields, names and values of a policy's YAML, and what is said where they are wrong. */
#include "suggest.h"
#include "yaml_get.h"

#define FIELDS_MAX	32

struct seen_slot {
	struct seen_key key;
	u32 line;		/* from 1; 0, the slot is free */
	const struct report *in;
};

/* An unknown word. Guesses cost, so only errors that are printed get one, which is returned. */
static const char *unknown(struct loader *l, const struct yaml_node *node, const char *what,
		    const char *(*candidate)(const void *, u32), const void *of, u32 n)
{
	const char *meant = NULL;

	if (l->report->errors < REPORT_MAX)
		meant = suggest(node->text, candidate, of, n);
	if (meant)
		report_error(l->report, node->at, "unknown %s '%s': did you mean '%s'?",
			     what, node->text, meant);
	else
		report_error(l->report, node->at, "unknown %s '%s'", what, node->text);
	return meant;
}

/** yaml_no_memory - the one fault that is not the file's */
void yaml_no_memory(struct loader *l, const struct yaml_node *node)
{
	report_error(l->report, node->at, "not enough memory");
}

/**
 * yaml_is - a value is of the kind that belongs there
 * @l: the loader
 * @node: the value
 * @kind: what it must be
 * @what: its name
 *
 * Null is an empty list and an empty mapping: a key whose entries are all commented out.
 */
bool yaml_is(struct loader *l, const struct yaml_node *node, enum yaml_kind kind, const char *what)
{
	static const char * const names[] = {
		[YAML_SCALAR] = "one value", [YAML_SEQUENCE] = "a list", [YAML_MAPPING] = "a mapping",
	};

	if (node->kind == kind || (kind != YAML_SCALAR && yaml_is_null(node)))
		return true;
	if (node->kind != YAML_BAD)
		report_error(l->report, node->at, "%s must be %s", what, names[kind]);
	return false;
}

/** yaml_text - text of a scalar, or NULL, which is reported */
const char *yaml_text(struct loader *l, const struct yaml_node *node, const char *what)
{
	return yaml_is(l, node, YAML_SCALAR, what) ? node->text : NULL;
}

static const char *field_name(const void *of, u32 i)
{
	return ((const struct yaml_field *)of)[i].name;
}

static void take_field(struct loader *l, const struct yaml_node *key,
		       const struct yaml_field *fields, u32 n,
		       const struct yaml_node **keys, struct yaml_node **out)
{
	const char *meant;
	u32 i;

	for (i = 0; i < n; i++) {
		if (strcmp(fields[i].name, key->text))
			continue;
		if (keys[i]) {
			report_error(l->report, key->at, "key '%s' a second time: the first is on line %u",
				     key->text, keys[i]->at.line + 1);
			return;
		}
		keys[i] = key;
		out[i] = key->next;
		return;
	}
	/* One fault, and not a missing key besides. */
	meant = unknown(l, key, "key", field_name, fields, n);
	for (i = 0; i < n; i++)
		if (meant == fields[i].name && !keys[i])
			keys[i] = key;
}

/**
 * yaml_fields - the values of a mapping by key
 * @l: the loader
 * @map: the mapping
 * @what: what it is
 * @fields: keys that it may have
 * @n: how many
 * @out: the value of each, or NULL
 *
 * Return: @map is a mapping and has what is required; other faults are only reported.
 */
bool yaml_fields(struct loader *l, const struct yaml_node *map, const char *what,
		 const struct yaml_field *fields, u32 n, struct yaml_node **out)
{
	const struct yaml_node *keys[FIELDS_MAX] = { NULL }, *key;
	bool complete = true;
	u32 i;

	for (i = 0; i < n; i++)
		out[i] = NULL;
	if (!yaml_is(l, map, YAML_MAPPING, what))
		return false;
	for (key = map->child; key; key = key->next->next)
		if (yaml_text(l, key, "a key"))
			take_field(l, key, fields, n, keys, out);
	for (i = 0; i < n; i++) {
		if (!fields[i].required || out[i])
			continue;
		if (!keys[i])
			report_error(l->report, map->at, "%s without '%s'", what, fields[i].name);
		complete = false;
	}
	return complete;
}

/**
 * yaml_has - a mapping has a key, or one that was probably meant to be it
 * @map: the mapping
 * @fields: keys that it may have
 * @n: how many
 * @field: which of them
 */
bool yaml_has(const struct yaml_node *map, const struct yaml_field *fields, u32 n, u32 field)
{
	const struct yaml_node *key;
	u32 i;

	for (key = map->child; key; key = key->next->next) {
		if (key->kind != YAML_SCALAR)
			continue;
		for (i = 0; i < n && strcmp(fields[i].name, key->text); i++)
			;
		if (i == field || (i == n && suggest(key->text, field_name, fields, n) == fields[field].name))
			return true;
	}
	return false;
}

/**
 * yaml_enum - one of some names
 * @l: the loader
 * @node: the value
 * @what: its key
 * @name: gives the names
 * @n: how many
 *
 * Return: which, or -1, which is reported.
 */
int yaml_enum(struct loader *l, const struct yaml_node *node, const char *what,
	      const char *(*name)(u32), u32 n)
{
	const char *text = yaml_text(l, node, what);
	char list[128] = "";
	size_t at = 0;
	u32 i;

	if (!text)
		return -1;
	for (i = 0; i < n; i++) {
		if (!strcmp(text, name(i)))
			return i;
		at += snprintf(list + at, sizeof(list) - at, "%s%s",
			       !i ? "" : i + 1 < n ? ", " : " or ", name(i));
	}
	report_error(l->report, node->at, "%s must be %s, not '%s'", what, list, text);
	return -1;
}

static const char *bool_name(u32 i)
{
	return i ? "true" : "false";
}

/** yaml_bool - 1, 0, or -1, which is reported */
int yaml_bool(struct loader *l, const struct yaml_node *node, const char *what)
{
	return yaml_enum(l, node, what, bool_name, 2);
}

/**
 * yaml_name - a name as the core takes it
 * @l: the loader
 * @node: the value
 * @what: its key
 * @out: where to
 * @size: of @out
 *
 * Return: it is one; else that is reported.
 */
bool yaml_name(struct loader *l, const struct yaml_node *node, const char *what,
	       char *out, size_t size)
{
	const char *text = yaml_text(l, node, what);

	if (!text)
		return false;
	snprintf(out, size, "%s", text);
	if (strlen(text) < size && cordon_name_is_valid(text, size))
		return true;
	report_error(l->report, node->at,
		     "%s '%s' must be 1 to %zu letters, digits, '_', '-' or '.', not beginning with '-' or '.'",
		     what, text, size - 1);
	return false;
}

static const char *segment_name(const void *of, u32 i)
{
	return ((const struct policy *)of)->draft.segments[i].name;
}

/** yaml_segment - the segment of a name, or CORDON_NO_SEGMENT, which is reported */
u16 yaml_segment(struct loader *l, const struct yaml_node *node, const char *what)
{
	const char *text = yaml_text(l, node, what);
	u16 found;

	if (!text)
		return CORDON_NO_SEGMENT;
	found = policy_find_segment(l->policy, text);
	if (found == CORDON_NO_SEGMENT)
		unknown(l, node, "segment", segment_name, l->policy, l->policy->draft.n_segments);
	return found;
}

static const char *port_name(const void *of, u32 i)
{
	return ((const struct policy *)of)->draft.ports[i].name;
}

/** yaml_port - the port of a name, or CORDON_ANY_PORT, which is reported */
u16 yaml_port(struct loader *l, const struct yaml_node *node)
{
	const char *text = yaml_text(l, node, "port");
	u16 found;

	if (!text)
		return CORDON_ANY_PORT;
	found = policy_find_port(l->policy, text);
	if (found == CORDON_ANY_PORT)
		unknown(l, node, "port", port_name, l->policy, l->policy->draft.n_ports);
	return found;
}

static const char *kind_name(const void *of, u32 i)
{
	(void)of;
	return policy_kind_name(i);
}

/** yaml_kind - the kind of anomaly of a name, or -1, which is reported */
int yaml_kind(struct loader *l, const struct yaml_node *node)
{
	int kind = policy_kind_find(node->text);

	if (kind < 0)
		unknown(l, node, "anomaly", kind_name, NULL, CORDON_KINDS);
	return kind;
}

/** seen_name - the key of a name */
struct seen_key seen_name(const char *text)
{
	struct seen_key k = { 0xcbf29ce484222325ULL, 0, text };

	while (*text)
		k.hi = (k.hi ^ (u8)*text++) * 0x100000001b3ULL;
	return k;
}

static struct seen_slot *seen_find(const struct seen *s, const struct seen_key *k)
{
	u32 at = ((k->hi * 0x100000001b3ULL ^ k->lo) * 0x9e3779b97f4a7c15ULL) >> 32 & s->mask;
	struct seen_slot *slot;

	for (;; at = (at + 1) & s->mask) {
		slot = &s->slots[at];
		if (!slot->line)
			return slot;
		if (slot->key.hi == k->hi && slot->key.lo == k->lo &&
		    (!k->text || !strcmp(slot->key.text, k->text)))
			return slot;
	}
}

/* Room for one more, at most half of the slots in use. */
static bool seen_grow(struct seen *s)
{
	struct seen more = { .n = s->n };
	u32 i;

	if (s->slots && 2 * s->n <= s->mask)
		return true;
	more.mask = s->slots ? 2 * s->mask + 1 : 63;
	more.slots = calloc((size_t)more.mask + 1, sizeof(*more.slots));
	if (!more.slots)
		return false;
	for (i = 0; s->slots && i <= s->mask; i++)
		if (s->slots[i].line)
			*seen_find(&more, &s->slots[i].key) = s->slots[i];
	free(s->slots);
	*s = more;
	return true;
}

/**
 * yaml_seen - remember something, and report it where it came before
 * @l: the loader
 * @s: where it is remembered
 * @key: what
 * @node: where it stands, a scalar
 * @what: its name
 *
 * Return: it came before.
 */
bool yaml_seen(struct loader *l, struct seen *s, struct seen_key key,
	       const struct yaml_node *node, const char *what)
{
	struct seen_slot *slot;

	if (!seen_grow(s)) {
		yaml_no_memory(l, node);
		return true;
	}
	slot = seen_find(s, &key);
	if (slot->line) {
		report_error(l->report, node->at, "%s '%s' a second time: the first is on line %u%s%s",
			     what, node->text, slot->line, slot->in != l->report ? " of " : "",
			     slot->in != l->report ? slot->in->path : "");
		return true;
	}
	*slot = (struct seen_slot){ key, node->at.line + 1, l->report };
	s->n++;
	return false;
}

/**
 * yaml_was_seen - was something remembered?
 * @s: where it would be
 * @key: what
 */
bool yaml_was_seen(const struct seen *s, struct seen_key key)
{
	return s->slots && seen_find(s, &key)->line;
}
