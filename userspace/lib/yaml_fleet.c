// SPDX-License-Identifier: GPL-2.0
/* What is asked of a file of a fleet's policy before it goes to a gateway, besides that it is a policy. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "yaml_fleet.h"
#include "yaml_tree.h"

/* Return: false, it was told why it cannot be read. The tree is to be freed in any case. */
static bool take(struct yaml_tree *t, struct report *r, const char *text, size_t size)
{
	char *copy = malloc(size + 1);

	*t = (struct yaml_tree){ .report = r };
	if (!copy) {
		report_file(r, strerror(ENOMEM));
		return false;
	}
	yaml_tree_take(t, memcpy(copy, text, size), size, r);
	return t->root && !r->errors;
}

static int done(struct yaml_tree *t, struct report *r)
{
	int errors = r->errors;

	report_end(r);
	yaml_tree_free(t);
	return errors;
}

static void check_include(struct report *r, const struct yaml_node *value, bool *common)
{
	const struct yaml_node *one = value->kind == YAML_SEQUENCE ? value->child : value;

	if (yaml_is_null(value))
		return;
	for (; one; one = value->kind == YAML_SEQUENCE ? one->next : NULL) {
		if (one->kind == YAML_SCALAR && !strcmp(one->text, POLICY_FLEET_COMMON))
			*common = true;
		else
			report_error(r, one->at, "a gateway's file of a fleet includes " POLICY_FLEET_COMMON
				     " and nothing else, as nothing else gets to the gateway");
	}
}

/**
 * policy_fleet_includes - a gateway's file may include the common one, and no other of the gateway's own disk
 * @path: as it is printed
 * @text: the file
 * @size: of @text
 * @common: set, if it includes the common one
 * @errors: where faults are written
 *
 * Return: the number of faults.
 */
int policy_fleet_includes(const char *path, const char *text, size_t size, bool *common, FILE *errors)
{
	struct report r = { .path = path, .out = errors };
	const struct yaml_node *key;
	struct yaml_tree t;

	*common = false;
	if (take(&t, &r, text, size) && t.root->kind == YAML_MAPPING)
		for (key = t.root->child; key && key->next; key = key->next->next)
			if (key->kind == YAML_SCALAR && !strcmp(key->text, "include"))
				check_include(&r, key->next, common);
	return done(&t, &r);
}

static void check_ports(struct report *r, const struct yaml_node *list, const char *gateway,
			bool (*has)(const char *port, void *arg), void *arg)
{
	const struct yaml_node *one;

	if (list->kind != YAML_SEQUENCE)
		return;
	for (one = list->child; one; one = one->next)
		if (one->kind == YAML_SCALAR && !has(one->text, arg))
			report_error(r, one->at, "gateway '%s' has no interface '%s'", gateway, one->text);
}

/**
 * policy_fleet_ports - every port that a file lists is there
 * @path: as it is printed
 * @text: the file
 * @size: of @text
 * @gateway: whose ports they are
 * @has: whether it has one
 * @arg: for @has
 * @errors: where faults are written
 *
 * Return: the number of faults.
 */
int policy_fleet_ports(const char *path, const char *text, size_t size, const char *gateway,
		       bool (*has)(const char *port, void *arg), void *arg, FILE *errors)
{
	struct report r = { .path = path, .out = errors };
	const struct yaml_node *key;
	struct yaml_tree t;

	if (take(&t, &r, text, size) && t.root->kind == YAML_MAPPING)
		for (key = t.root->child; key && key->next; key = key->next->next)
			if (key->kind == YAML_SCALAR && !strcmp(key->text, "ports"))
				check_ports(&r, key->next, gateway, has, arg);
	return done(&t, &r);
}
