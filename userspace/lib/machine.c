// SPDX-License-Identifier: GPL-2.0
/* This machine's interfaces, beside what a policy says of them. */
#include <net/if.h>

#include "machine.h"
#include "utf8.h"

#define RP_FILTER "/proc/sys/net/ipv4/conf/%s/rp_filter"

/**
 * machine_interfaces - the interfaces of this network namespace, loopback apart
 * @out: their names, in the kernel's order; free() them
 *
 * Return: how many.
 */
u32 machine_interfaces(char (**out)[CORDON_IFNAME_LEN])
{
	struct if_nameindex *list = if_nameindex();
	u32 n = 0, i;

	for (i = 0; list && list[i].if_index; i++)
		;
	*out = calloc(i + 1, sizeof(**out));
	for (i = 0; *out && list && list[i].if_index; i++)
		if (strcmp(list[i].if_name, "lo"))
			snprintf((*out)[n++], sizeof(**out), "%s", list[i].if_name);
	if_freenameindex(list);
	return n;
}

/**
 * machine_is_named - an interface is a port, an uplink or an interface of a segment
 * @p: the policy, complete or not
 * @ifname: of the interface
 */
bool machine_is_named(const struct policy *p, const char *ifname)
{
	const struct cordon_draft *d = &p->draft;
	u32 i;

	if (policy_find_port(p, ifname) != CORDON_ANY_PORT)
		return true;
	for (i = 0; i < d->n_uplinks; i++)
		if (cordon_ifname_matches(d->uplinks[i].name, ifname))
			return true;
	for (i = 0; i < d->n_interfaces; i++)
		if (cordon_ifname_matches(d->interfaces[i].name, ifname))
			return true;
	return false;
}

static void warn_missing(const char *path, const char *what, const char *name, FILE *out)
{
	char *text;

	if (strchr(name, '*') || if_nametoindex(name))
		return;
	text = utf8_repair(name);
	fprintf(out, "%s: warning: %s '%s': this machine has no such interface\n", path, what, text ? text : "");
	free(text);
}

static bool filters(const char *ifname)
{
	char path[sizeof(RP_FILTER) + CORDON_IFNAME_LEN];
	FILE *file;
	int c;

	snprintf(path, sizeof(path), RP_FILTER, ifname);
	file = fopen(path, "r");
	if (!file)
		return true;	/* unknown: nothing is said of it */
	c = fgetc(file);
	fclose(file);
	return c != '0';
}

static bool is_default_route(const struct cordon_network_def *n)
{
	return n->len == (cordon_addr_is_v4(&n->addr) ? 96 : 0);
}

/* The first segment with networks that may come in anywhere, or CORDON_NO_SEGMENT. */
static u16 unlocated(const struct cordon_draft *d)
{
	u32 i, j;

	for (i = 0; i < d->n_networks; i++) {
		if (is_default_route(&d->networks[i]))
			continue;
		for (j = 0; j < d->n_interfaces && d->interfaces[j].segment != d->networks[i].segment; j++)
			;
		if (j == d->n_interfaces)
			return d->networks[i].segment;
	}
	return CORDON_NO_SEGMENT;
}

/**
 * machine_compare_source - warn where nobody asks by which uplink a source address comes in
 * @p: the policy
 * @path: its file, as it is printed
 * @out: where to
 *
 * Neither the policy, for a segment with networks that names no interfaces, nor the routing: rp_filter
 * is off. Told of one segment and one uplink.
 */
void machine_compare_source(const struct policy *p, const char *path, FILE *out)
{
	char (*names)[CORDON_IFNAME_LEN] = NULL;
	u16 segment = unlocated(&p->draft);
	u32 n = machine_interfaces(&names), i;

	if (segment == CORDON_NO_SEGMENT || filters("all"))
		n = 0;
	for (i = 0; i < n; i++) {
		if (policy_find_port(p, names[i]) != CORDON_ANY_PORT || !machine_is_named(p, names[i]) ||
		    filters(names[i]))
			continue;
		fprintf(out, "%s: warning: segment '%s' has networks and names no interfaces, and rp_filter is off "
			"on uplink '%s': whoever is behind it may send from their addresses\n", path,
			p->draft.segments[segment].name, names[i]);
		break;
	}
	free(names);
}

/**
 * machine_compare - warn of interfaces that this machine lacks for a policy
 * @p: the policy
 * @path: its file, as it is printed
 * @out: where to
 */
void machine_compare(const struct policy *p, const char *path, FILE *out)
{
	const struct cordon_draft *d = &p->draft;
	u32 i;

	for (i = 0; i < d->n_ports; i++)
		warn_missing(path, "port", d->ports[i].name, out);
	for (i = 0; i < d->n_uplinks; i++)
		warn_missing(path, "uplink", d->uplinks[i].name, out);
	for (i = 0; i < d->n_interfaces; i++)
		warn_missing(path, "interface", d->interfaces[i].name, out);
}
