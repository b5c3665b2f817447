// SPDX-License-Identifier: GPL-2.0
/* Interfaces, as status, show and monitor print them. */
#include <stdio.h>
#include <string.h>

#include "ctl/ctl.h"
#include "host/facts.h"

#define SHOWN 20	/* interfaces that status and apply warn of one by one */

static const char *role_name(u32 role)
{
	static const char *const names[] = { "unlisted", "port", "uplink", "loopback", "bridge" };

	return role < sizeof(names) / sizeof(*names) ? names[role] : "unknown";
}

static const char *closed_name(u32 closed)
{
	static const char *const names[] = {
		"none", "not-listed", "on-port", "in-master", "switch", "vrf", "on-closed",
		"was-port", "beside-port"
	};

	return closed < sizeof(names) / sizeof(*names) ? names[closed] : "unknown";
}

static bool is_missing(const struct cnl_interface *i)
{
	return !i->ifindex;
}

static bool is_closed(const struct cnl_interface *i)
{
	return i->ifindex && i->closed != CORDON_CLOSED_NONE;
}

/**
 * interface_why - why it is closed, or whose wire it shares
 * @i: the interface
 * @out: a sentence; empty, there is nothing to say
 * @size: of @out
 */
const char *interface_why(const struct cnl_interface *i, char *out, size_t size)
{
	char buf[CORDON_IFNAME_LEN], *other = buf;

	host_clean(i->other, buf);
	out[0] = '\0';
	if (is_missing(i))
		snprintf(out, size, "there is no such interface");
	else if (i->closed == CORDON_CLOSED_NOT_LISTED && *other)
		snprintf(out, size, "the policy does not list it, and it lies on port %s", other);
	else if (i->closed == CORDON_CLOSED_NOT_LISTED)
		snprintf(out, size, "the policy does not list it");
	else if (i->closed == CORDON_CLOSED_ON_PORT)
		snprintf(out, size, "it is listed as an uplink and lies on port %s", other);
	else if (i->closed == CORDON_CLOSED_IN_MASTER)
		snprintf(out, size, "it is in %s, as which its packets arrive", other);
	else if (i->closed == CORDON_CLOSED_SWITCH)
		snprintf(out, size, "it is a bridge: its members are to be listed instead");
	else if (i->closed == CORDON_CLOSED_VRF)
		snprintf(out, size, "it is a VRF, whose members' packets arrive as theirs");
	else if (i->closed == CORDON_CLOSED_ON_CLOSED)
		snprintf(out, size, "it shares the wire of %s, which is closed", other);
	else if (i->closed == CORDON_CLOSED_WAS_PORT)
		snprintf(out, size, "it is listed as an uplink and was a port before it was renamed");
	else if (i->closed == CORDON_CLOSED_BESIDE_PORT)
		snprintf(out, size, "it is listed as an uplink and is in %s with a port", other);
	else if (i->closed != CORDON_CLOSED_NONE)
		snprintf(out, size, "closed");
	else if (*other && i->role == CORDON_ROLE_BRIDGE)
		snprintf(out, size, "port %s is in it", other);
	else if (*other)
		snprintf(out, size, "it shares the wire of %s", other);
	return out;
}

static void print_warning(const struct cnl_interface *i, bool observe, FILE *out)
{
	char name[CORDON_IFNAME_LEN], text[128];

	host_clean(i->name, name);
	interface_why(i, text, sizeof(text));
	fprintf(out, "warning: %s %s", i->listed == CORDON_ROLE_UNLISTED ? "interface" :
		role_name(i->listed), name);
	if (!is_missing(i))
		fprintf(out, observe ? " would be closed" : " is closed");
	fprintf(out, ": %s\n", text);
}

/**
 * interfaces_warn - tell of interfaces that are not what the policy, or a reader of it, takes them for
 * @all: the interfaces
 * @missing: also of those that are not there
 * @observe: the policy is in mode observe
 * @out: where to
 */
void interfaces_warn(const struct cnl_interfaces *all, bool missing, bool observe, FILE *out)
{
	u32 at, n = 0;

	for (at = 0; at < all->n; at++) {
		const struct cnl_interface *i = &all->list[at];
		bool wanted = is_missing(i) ? missing :
			      is_closed(i) && (i->up || i->listed != CORDON_ROLE_UNLISTED);

		if (wanted && n++ < SHOWN)
			print_warning(i, observe, out);
	}
	if (n > SHOWN)
		fprintf(out, "warning: %u more, see 'cordonctl show interfaces'\n", n - SHOWN);
}

/**
 * interface_print - a line of 'show interfaces'
 * @i: the interface
 */
void interface_print(const struct cnl_interface *i)
{
	char name[CORDON_IFNAME_LEN], by[CORDON_IFNAME_LEN], text[128];
	const char *role = is_missing(i) ? "missing" : is_closed(i) ? "closed" : role_name(i->role);

	interface_why(i, text, sizeof(text));
	printf("%-15s %-8s %-8s %-15s %-4s %s\n", host_clean(i->name, name), role,
	       i->listed == CORDON_ROLE_UNLISTED ? "-" : role_name(i->listed),
	       i->named_by[0] ? host_clean(i->named_by, by) : "-", i->up ? "up" : "down", text);
}

/**
 * interface_print_event - an event about an interface
 * @i: what it is now
 */
void interface_print_event(const struct cnl_interface *i)
{
	char name[CORDON_IFNAME_LEN], text[128];

	host_clean(i->name, name);
	interface_why(i, text, sizeof(text));
	if (is_missing(i))
		printf("interface %s: gone, it is listed as %s\n", name, role_name(i->listed));
	else
		printf("interface %s: %s%s%s\n", name, is_closed(i) ? "closed" : role_name(i->role),
		       *text ? ": " : "", text);
}

/**
 * json_interface - an interface
 * @i: the interface
 */
json_t *json_interface(const struct cnl_interface *i)
{
	json_t *out = json_pack("{s:o,s:s,s:s,s:b,s:b}", "name", json_text(i->name),
				"role", role_name(i->role), "listed", role_name(i->listed),
				"missing", is_missing(i), "up", i->up);

	if (i->ifindex)
		json_object_set_new(out, "ifindex", json_integer(i->ifindex));
	if (i->named_by[0])
		json_object_set_new(out, "named_by", json_text(i->named_by));
	if (is_closed(i))
		json_object_set_new(out, "closed", json_string(closed_name(i->closed)));
	if (i->other[0])
		json_object_set_new(out, "other", json_text(i->other));
	return out;
}
