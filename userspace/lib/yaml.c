// SPDX-License-Identifier: GPL-2.0
/* A policy from YAML: the file, those that it includes, and what is on top of them. */
#include <stdlib.h>

#include "yaml.h"
#include "yaml_get.h"
#include "yaml_source.h"

/* Where devices are held that the policy does not list; they are denied unless it says so. */
static void load_unknown(struct loader *l, struct yaml_node *node)
{
	const char *name = yaml_text(l, node, "unknown");
	u16 segment;

	if (!name || !strcmp(name, "deny"))
		return;
	segment = policy_find_segment(l->policy, name);
	if (segment == CORDON_NO_SEGMENT)
		report_error(l->report, node->at, "unknown segment '%s'", name);
	else if (segment == CORDON_SEGMENT_GATEWAY)
		report_error(l->report, node->at, "no device can be in segment '%s'", name);
	else
		l->policy->draft.unknown = segment;
}

enum top_field { T_VERSION, T_MODE, T_INCLUDE, T_UNKNOWN, T_PORTS, T_UPLINKS, T_SEGMENTS, T_RULES, T_DEVICES,
		 T_SERVERS, T_FIELDS };

static const struct yaml_field fields[T_FIELDS] = {
	[T_VERSION] = { "version", false },
	[T_MODE] = { "mode", false },
	[T_INCLUDE] = { "include", false },
	[T_UNKNOWN] = { "unknown", false },
	[T_PORTS] = { "ports", false },
	[T_UPLINKS] = { "uplinks", false },
	[T_SEGMENTS] = { "segments", false },
	[T_RULES] = { "rules", false },
	[T_DEVICES] = { "devices", false },
	[T_SERVERS] = { "dhcp_servers", false },
};

/** struct part - what one of the files says, by key */
struct part {
	struct yaml_node *v[T_FIELDS];
};

static void read_version(struct loader *l, const struct yaml_node *node)
{
	const char *version = node ? yaml_text(l, node, "version") : NULL;

	if (version && strcmp(version, "1"))
		report_error(l->report, node->at, "version must be 1, not '%s'", version);
}

/* The keys of an included file, which only adds to lists. */
static void read_included(struct loader *l, const struct yaml_node *root, struct part *part)
{
	u32 i;

	yaml_fields(l, root, "an included file", fields, T_FIELDS, part->v);
	read_version(l, part->v[T_VERSION]);
	for (i = T_MODE; i <= T_UNKNOWN; i++)
		if (part->v[i])
			report_error(l->report, part->v[i]->at, "'%s' belongs into the file that includes this one",
				     fields[i].name);
}

/* The keys of the file itself, and of those that it includes. */
static void read_parts(struct loader *l, struct yaml_sources *s, struct part *parts)
{
	const struct yaml_node *root = s->list[0]->tree.root;
	struct yaml_field needed[T_FIELDS];
	u32 i;

	memcpy(needed, fields, sizeof(needed));
	needed[T_VERSION].required = true;
	yaml_fields(l, root, "a policy", needed, T_FIELDS, parts[0].v);
	read_version(l, parts[0].v[T_VERSION]);
	if (parts[0].v[T_INCLUDE])
		yaml_sources_include(s, parts[0].v[T_INCLUDE]);
	for (i = 1; i < s->n; i++) {
		l->report = &s->list[i]->report;
		if (s->list[i]->tree.root && !yaml_is_null(s->list[i]->tree.root))
			read_included(l, s->list[i]->tree.root, &parts[i]);
	}
}

/* What all files say under one key, and for that key. */
static void load_lists(struct loader *l, struct yaml_sources *s, const struct part *parts, u32 field,
		       void (*load)(struct loader *l, const struct yaml_node *list))
{
	u32 i;

	for (i = 0; i < s->n; i++) {
		l->report = &s->list[i]->report;
		if (parts[i].v[field])
			load(l, parts[i].v[field]);
	}
	l->report = &s->list[0]->report;
}

static bool any_has(const struct yaml_sources *s, u32 field)
{
	const struct yaml_node *root;
	u32 i;

	for (i = 0; i < s->n; i++) {
		root = s->list[i]->tree.root;
		if (root && (root->kind != YAML_MAPPING ? !i : yaml_has(root, fields, T_FIELDS, field)))
			return true;
	}
	return false;
}

static void load_all(struct loader *l, struct yaml_sources *s)
{
	struct part parts[YAML_SOURCES] = { 0 };
	const struct part *top = parts;

	read_parts(l, s, parts);
	l->report = &s->list[0]->report;
	if (top->v[T_MODE])
		l->policy->draft.mode = max(0, yaml_enum(l, top->v[T_MODE], "mode", policy_mode_name,
							 CORDON_MODE_OBSERVE + 1));
	/* Whatever the order of the file, nothing is used before it is known. */
	load_lists(l, s, parts, T_PORTS, yaml_load_ports);
	load_lists(l, s, parts, T_UPLINKS, yaml_load_uplinks);
	load_lists(l, s, parts, T_SEGMENTS, yaml_load_segments);
	load_lists(l, s, parts, T_RULES, yaml_load_rules);
	load_lists(l, s, parts, T_DEVICES, yaml_load_devices);
	load_lists(l, s, parts, T_SERVERS, yaml_load_servers);
	if (top->v[T_UNKNOWN])
		load_unknown(l, top->v[T_UNKNOWN]);
	if (!any_has(s, T_UPLINKS))
		yaml_want_uplinks(l, s->list[0]->tree.root->at);
}

/* What the core finds and these files did not: it must not pass either. */
static void check_sealed(struct loader *l, const struct yaml_node *root)
{
	struct cordon_policy *sealed;
	struct cordon_error err;
	char text[512];

	if (!policy_seal(l->policy, &sealed, &err)) {
		free(sealed);
		return;
	}
	policy_error_text(l->policy, &err, text, sizeof(text));
	report_error(l->report, root->at, "%s", text);
}

static void forget(struct loader *l)
{
	u32 i;

	free(l->names.slots);
	free(l->segments.slots);
	free(l->ports.slots);
	free(l->uplinks.slots);
	free(l->macs.slots);
	free(l->addresses.slots);
	free(l->servers.slots);
	free(l->idevids.slots);
	for (i = 0; i < YAML_PREFIX_LENGTHS; i++)
		free(l->networks[i].slots);
}

/* Return: the policy, or NULL: what is wrong was reported. */
static struct policy *load(struct yaml_sources *s)
{
	struct loader l = { .report = &s->list[0]->report };
	const struct yaml_node *root = s->list[0]->tree.root;

	if (!root)
		return NULL;
	if (yaml_is_null(root)) {
		report_error(l.report, root->at, "the file says nothing");
		return NULL;
	}
	l.policy = policy_new();
	if (!l.policy)
		report_file(l.report, "not enough memory");
	else
		load_all(&l, s);
	if (!yaml_sources_errors(s))
		check_sealed(&l, root);
	forget(&l);
	return l.policy;
}

/**
 * yaml_sources_load - read a policy, and keep the files that it was read from
 * @s: filled; free it with yaml_sources_free(), whatever happened
 * @path: the file, "-" for standard input
 * @out: the policy, on success
 *
 * Return: 0, or the number of faults.
 */
int yaml_sources_load(struct yaml_sources *s, const char *path, struct policy **out)
{
	struct policy *p;
	int errors;

	if (!yaml_source_add(s, path)) {
		fprintf(s->errors, "cordonctl: %s: not enough memory\n", path);
		return 1;
	}
	p = load(s);
	errors = yaml_sources_errors(s);
	if (errors)
		policy_free(p);
	else
		*out = p;
	return errors;
}

/* The names of the files, NULL behind the last; NULL, no memory. */
static char **names_of(const struct yaml_sources *s)
{
	char **files = calloc(s->n + 1, sizeof(*files));
	u32 i;

	for (i = 0; files && i < s->n; i++) {
		files[i] = strdup(s->list[i]->path);
		if (!files[i]) {
			policy_files_free(files);
			return NULL;
		}
	}
	return files;
}

/**
 * policy_load_files - read a policy file and what it includes, and say which files these are
 * @path: the file, "-" for standard input
 * @out: the policy, on success
 * @files: their names, the first being @path, and NULL behind the last, on success; free with policy_files_free()
 * @errors: where faults and warnings are written
 *
 * Return: 0, or the number of faults.
 */
int policy_load_files(const char *path, struct policy **out, char ***files, FILE *errors)
{
	struct yaml_sources s = { .errors = errors };
	int faults = yaml_sources_load(&s, path, out);

	*files = faults ? NULL : names_of(&s);
	if (!faults && !*files) {
		fprintf(errors, "cordonctl: %s: not enough memory\n", path);
		policy_free(*out);
		faults = 1;
	}
	yaml_sources_free(&s);
	return faults;
}

/** policy_files_free - forget them; NULL is let through */
void policy_files_free(char **files)
{
	size_t i;

	for (i = 0; files && files[i]; i++)
		free(files[i]);
	free(files);
}

/**
 * policy_load - read a policy file, and what it includes
 * @path: the file, "-" for standard input
 * @out: the policy, on success
 * @errors: where faults and warnings are written
 *
 * Return: 0, or the number of faults.
 */
int policy_load(const char *path, struct policy **out, FILE *errors)
{
	char **files;
	int faults = policy_load_files(path, out, &files, errors);

	policy_files_free(files);
	return faults;
}
