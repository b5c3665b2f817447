// SPDX-License-Identifier: GPL-2.0
/* Interfaces in a policy's YAML: ports, uplinks, and where a segment's networks are. */
#include "machine.h"
#include "yaml.h"
#include "yaml_get.h"

#define NAMED	16	/* interfaces of the machine that a message names */

/* As the kernel's dev_valid_name(); a pattern has characters that names may have, '*' among them. */
static const char *ifname(struct loader *l, const struct yaml_node *node, const char *what)
{
	const char *name = yaml_text(l, node, what);

	if (!name)
		return NULL;
	if (*name && strlen(name) < CORDON_IFNAME_LEN && strcmp(name, ".") && strcmp(name, "..") &&
	    !name[strcspn(name, "/: \t\n\v\f\r")])
		return name;
	report_error(l->report, node->at, "%s '%s' is no name of an interface", what, name);
	return NULL;
}

/**
 * yaml_load_ports - read the list of ports
 * @l: the loader
 * @list: the value of "ports"
 */
void yaml_load_ports(struct loader *l, const struct yaml_node *list)
{
	const struct yaml_node *node;
	struct cordon_port_def *port;
	const char *name;

	if (!yaml_is(l, list, YAML_SEQUENCE, "ports"))
		return;
	for (node = list->child; node; node = node->next) {
		if (l->policy->draft.n_ports == CORDON_MAX_PORTS) {
			report_error(l->report, node->at, "more than %u ports", CORDON_MAX_PORTS);
			return;
		}
		name = ifname(l, node, "port");
		if (!name || yaml_seen(l, &l->ports, seen_name(name), node, "port"))
			continue;
		port = policy_add_port(l->policy);
		if (port)
			strcpy(port->name, name);
		else
			yaml_no_memory(l, node);
	}
}

/* A name, or a pattern of names, that is no port. */
static const char *no_port(struct loader *l, const struct yaml_node *node, const char *what)
{
	const char *name = ifname(l, node, what);

	if (!name || policy_find_port(l->policy, name) == CORDON_ANY_PORT)
		return name;
	report_error(l->report, node->at, "%s '%s' is a port of this policy", what, name);
	return NULL;
}

/**
 * yaml_load_uplinks - read the list of uplinks
 * @l: the loader; ports are known
 * @list: the value of "uplinks"
 */
void yaml_load_uplinks(struct loader *l, const struct yaml_node *list)
{
	struct cordon_uplink_def *uplink;
	const struct yaml_node *node;
	const char *name;

	if (!yaml_is(l, list, YAML_SEQUENCE, "uplinks"))
		return;
	for (node = list->child; node; node = node->next) {
		if (l->policy->draft.n_uplinks == CORDON_MAX_UPLINKS) {
			report_error(l->report, node->at, "more than %u uplinks", CORDON_MAX_UPLINKS);
			return;
		}
		name = no_port(l, node, "uplink");
		if (!name || yaml_seen(l, &l->uplinks, seen_name(name), node, "uplink"))
			continue;
		uplink = policy_add_uplink(l->policy);
		if (uplink)
			strcpy(uplink->name, name);
		else
			yaml_no_memory(l, node);
	}
}

/* The segment that was read last names it already. */
static bool is_named(const struct cordon_draft *d, const char *name)
{
	u32 i;

	for (i = d->n_interfaces; i-- && d->interfaces[i].segment == d->n_segments - 1; )
		if (!strcmp(d->interfaces[i].name, name))
			return true;
	return false;
}

/**
 * yaml_load_interfaces - read where the networks of a segment are
 * @l: the loader; ports are known, and the segment is the last one
 * @list: the value of "interfaces"
 */
void yaml_load_interfaces(struct loader *l, const struct yaml_node *list)
{
	const struct cordon_draft *d = &l->policy->draft;
	struct cordon_interface_def *interface;
	const struct yaml_node *node;
	const char *name;

	if (!yaml_is(l, list, YAML_SEQUENCE, "interfaces"))
		return;
	for (node = list->child; node; node = node->next) {
		if (d->n_interfaces == CORDON_MAX_INTERFACES) {
			report_error(l->report, node->at, "the segments name more than %u interfaces",
				     CORDON_MAX_INTERFACES);
			return;
		}
		name = no_port(l, node, "interface");
		if (name && is_named(d, name)) {
			report_error(l->report, node->at, "interface '%s' a second time in this segment", name);
			continue;
		}
		interface = name ? policy_add_interface(l->policy) : NULL;
		if (interface)
			strcpy(interface->name, name);
		else if (name)
			yaml_no_memory(l, node);
	}
}

/* One more word of a list in YAML. */
static void put_word(FILE *out, u32 i, const char *name)
{
	fputs(!i ? "" : ", ", out);
	policy_print_name(name, out);
}

/* Interfaces of this machine that the policy does not name, as they could stand in the file; free() it. */
static char *unnamed(const struct policy *p, u32 *n)
{
	char (*names)[CORDON_IFNAME_LEN] = NULL, *text = NULL;
	u32 all = machine_interfaces(&names), i;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	*n = 0;
	for (i = 0; out && i < all; i++) {
		if (machine_is_named(p, names[i]))
			continue;
		if (*n < NAMED)
			put_word(out, *n, names[i]);
		++*n;
	}
	if (out && *n > NAMED)
		fprintf(out, " and %u more", *n - NAMED);
	if (out)
		fclose(out);
	free(names);
	return text;
}

/**
 * yaml_want_uplinks - say that a policy has no list of uplinks, and what could be in it
 * @l: the loader; ports and segments are known
 * @at: where it could stand
 *
 * To observe, a policy may do without.
 */
void yaml_want_uplinks(struct loader *l, struct report_mark at)
{
	bool enforce = l->policy->draft.mode == CORDON_MODE_ENFORCE;
	char *others, text[768];
	u32 n;

	others = unnamed(l->policy, &n);
	snprintf(text, sizeof(text), "uplinks is missing: name the interfaces that are no ports and may forward, "
		 "like uplinks: [%s] (this machine has%s%s); what is in neither list is closed%s",
		 n && n <= NAMED && others ? others : n ? "wan0" : "", n ? ": " : " no other",
		 n && others ? others : "", enforce ? "" : " in mode enforce");
	free(others);
	if (enforce)
		report_error(l->report, at, "%s", text);
	else
		report_warning(l->report, at, "%s", text);
}
