// SPDX-License-Identifier: GPL-2.0
/* kernel/core/interface.c */
#include <kunit/test.h>

#include "core/interface.h"

#define UNLISTED	CORDON_ROLE_UNLISTED
#define PORT		CORDON_ROLE_PORT
#define UPLINK		CORDON_ROLE_UPLINK
#define LOOPBACK	CORDON_ROLE_LOOPBACK

static struct cordon_port_def ports[] = { { "lan0" }, { "lan0.5" }, { "wan9" } };
static struct cordon_uplink_def uplinks[] = { { "w*" }, { "wan0" }, { "ppp*" } };
static struct cordon_interface_def places[] = { { "plant0", 5 }, { "br-*", 6 }, { "wan0", 6 } };

static const struct cordon_draft draft = {
	.n_ports = ARRAY_SIZE(ports), .ports = ports,
	.n_uplinks = ARRAY_SIZE(uplinks), .uplinks = uplinks,
	.n_interfaces = ARRAY_SIZE(places), .interfaces = places,
};

static void listed_by_name_or_pattern(struct kunit *test)
{
	static const struct {
		const char *ifname;
		u8 listed;
		u16 entry;
		const char *by;
	} rows[] = {
		{ "lan0", PORT, 0, "lan0" },
		{ "lan0.5", PORT, 1, "lan0.5" },
		{ "wan9", PORT, 2, "wan9" },		/* a port, whatever pattern matches it */
		{ "wan0", UPLINK, 1, "wan0" },		/* its name before a pattern */
		{ "wg0", UPLINK, 0, "w*" },
		{ "ppp12", UPLINK, 2, "ppp*" },
		{ "plant0", UPLINK, 3, "plant0" },
		{ "br-1a2b", UPLINK, 4, "br-*" },
		{ "lan1", UNLISTED, CORDON_NO_ENTRY, NULL },
		{ "lan", UNLISTED, CORDON_NO_ENTRY, NULL },
		{ "xppp0", UNLISTED, CORDON_NO_ENTRY, NULL },
		{ "enx01", UNLISTED, CORDON_NO_ENTRY, NULL },
	};
	const char *by;
	u16 entry;
	u8 listed;
	int i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		listed = cordon_interface_listed(&draft, rows[i].ifname, &entry);
		by = cordon_interface_entry(&draft, listed, entry);
		KUNIT_EXPECT_EQ_MSG(test, listed, rows[i].listed, "%s", rows[i].ifname);
		KUNIT_EXPECT_EQ_MSG(test, entry, rows[i].entry, "%s", rows[i].ifname);
		KUNIT_EXPECT_EQ_MSG(test, !by, !rows[i].by, "%s", rows[i].ifname);
		if (by && rows[i].by)
			KUNIT_EXPECT_STREQ(test, by, rows[i].by);
	}
}

#define PLAIN	CORDON_SHAPE_PLAIN
#define SHARED	CORDON_SHAPE_SHARED
#define TAGGED	CORDON_SHAPE_TAGGED
#define SWITCH	CORDON_SHAPE_SWITCH
#define BRIDGE	CORDON_SHAPE_BRIDGE
#define VRF	CORDON_SHAPE_VRF

#define OVER_PORT	.on_port = true, .below = PORT, .below_known = true, \
			.below_port = true, .below_open = true
/* A port that was closed, or one that lost its name. */
#define OVER_CLOSED	.on_port = true, .below = PORT, .below_known = true, .below_port = true
#define OVER_RENAMED	.on_port = true, .below_known = true, .below_port = true
#define OVER_UPLINK	.below = UPLINK, .below_known = true
#define OVER_UNLISTED	.below_known = true
#define OVER_BRIDGE	.on_port = true, .below_known = true, .on_bridge = true

static const struct role_row {
	const char *name;
	struct cordon_interface_facts facts;
	u8 role;
	u8 closed;
	u8 fault;
} role_rows[] = {
	{ "loopback", { LOOPBACK, PLAIN }, LOOPBACK, CORDON_CLOSED_NONE, CORDON_STACK_SOUND },
	{ "port", { PORT, PLAIN }, PORT, CORDON_CLOSED_NONE, CORDON_STACK_SOUND },
	{ "uplink", { UPLINK, PLAIN }, UPLINK, CORDON_CLOSED_NONE, CORDON_STACK_SOUND },
	{ "unlisted", { UNLISTED, PLAIN }, UNLISTED, CORDON_CLOSED_NOT_LISTED, CORDON_STACK_SOUND },
	{ "port that became an uplink", { UPLINK, PLAIN, .was_port = true }, UNLISTED,
	  CORDON_CLOSED_WAS_PORT, CORDON_STACK_SOUND },
	{ "port that is not listed any more", { UNLISTED, PLAIN, .was_port = true }, UNLISTED,
	  CORDON_CLOSED_NOT_LISTED, CORDON_STACK_SOUND },

	{ "port in a master", { PORT, PLAIN, .enslaved = true }, UNLISTED,
	  CORDON_CLOSED_IN_MASTER, CORDON_STACK_ENSLAVED },
	{ "uplink in a master", { UPLINK, PLAIN, .enslaved = true }, UPLINK,
	  CORDON_CLOSED_NONE, CORDON_STACK_SOUND },
	{ "unlisted in a master", { UNLISTED, PLAIN, .enslaved = true }, UNLISTED,
	  CORDON_CLOSED_NOT_LISTED, CORDON_STACK_SOUND },
	{ "bridge as port", { PORT, SWITCH }, UNLISTED, CORDON_CLOSED_SWITCH, CORDON_STACK_SWITCH },
	{ "bridge as uplink", { UPLINK, SWITCH }, UPLINK, CORDON_CLOSED_NONE, CORDON_STACK_SOUND },
	{ "VRF as port", { PORT, VRF }, UNLISTED, CORDON_CLOSED_VRF, CORDON_STACK_VRF },
	{ "VRF as uplink", { UPLINK, VRF }, UPLINK, CORDON_CLOSED_NONE, CORDON_STACK_SOUND },

	{ "bond over a port, as uplink", { UPLINK, PLAIN, OVER_PORT }, UNLISTED,
	  CORDON_CLOSED_ON_PORT, CORDON_STACK_UPLINK },
	{ "bridge over a port, as uplink", { UPLINK, SWITCH, OVER_PORT }, UNLISTED,
	  CORDON_CLOSED_ON_PORT, CORDON_STACK_UPLINK },
	{ "bond over a port, as port", { PORT, PLAIN, OVER_PORT }, PORT,
	  CORDON_CLOSED_NONE, CORDON_STACK_SOUND },
	{ "bond over a port, unlisted", { UNLISTED, PLAIN, OVER_PORT }, UNLISTED,
	  CORDON_CLOSED_NOT_LISTED, CORDON_STACK_UNLISTED },
	{ "bond over what is not listed, as port", { PORT, PLAIN, OVER_UNLISTED }, PORT,
	  CORDON_CLOSED_NONE, CORDON_STACK_SOUND },

	{ "bridge of a port", { UNLISTED, BRIDGE, .has_ports = true, OVER_PORT },
	  CORDON_ROLE_BRIDGE, CORDON_CLOSED_NONE, CORDON_STACK_SOUND },
	{ "bridge of a renamed port", { UNLISTED, BRIDGE, .has_ports = true, OVER_RENAMED },
	  CORDON_ROLE_BRIDGE, CORDON_CLOSED_NONE, CORDON_STACK_SOUND },
	{ "bridge of a port, in a VRF",
	  { UNLISTED, BRIDGE, .enslaved = true, .has_ports = true, OVER_PORT }, UNLISTED,
	  CORDON_CLOSED_IN_MASTER, CORDON_STACK_ENSLAVED },
	{ "bridge of a port, as port", { PORT, BRIDGE, .has_ports = true, OVER_PORT }, UNLISTED,
	  CORDON_CLOSED_SWITCH, CORDON_STACK_SWITCH },
	{ "bridge of a port, as uplink", { UPLINK, BRIDGE, .has_ports = true, OVER_PORT }, UNLISTED,
	  CORDON_CLOSED_ON_PORT, CORDON_STACK_UPLINK },
	{ "bridge over a bond over a port", { UNLISTED, BRIDGE, OVER_PORT }, UNLISTED,
	  CORDON_CLOSED_NOT_LISTED, CORDON_STACK_UNLISTED },
	{ "bridge of uplinks, unlisted", { UNLISTED, BRIDGE, OVER_UPLINK }, UNLISTED,
	  CORDON_CLOSED_NOT_LISTED, CORDON_STACK_SOUND },
	{ "Open vSwitch over a port", { UNLISTED, SWITCH, OVER_PORT }, UNLISTED,
	  CORDON_CLOSED_NOT_LISTED, CORDON_STACK_UNLISTED },
	{ "port in a bridge that is an uplink",
	  { PORT, PLAIN, .enslaved = true, .beside_port = true }, UNLISTED,
	  CORDON_CLOSED_IN_MASTER, CORDON_STACK_ENSLAVED },
	{ "port in a bridge",
	  { PORT, PLAIN, .enslaved = true, .bridged = true, .beside_port = true }, PORT,
	  CORDON_CLOSED_NONE, CORDON_STACK_SOUND },
	{ "macvlan over a port, as port, in a bridge",
	  { PORT, SHARED, .enslaved = true, .bridged = true, .beside_port = true, OVER_PORT },
	  UNLISTED, CORDON_CLOSED_IN_MASTER, CORDON_STACK_ENSLAVED },
	{ "uplink in a bridge with a port",
	  { UPLINK, PLAIN, .enslaved = true, .bridged = true, .beside_port = true }, UNLISTED,
	  CORDON_CLOSED_BESIDE_PORT, CORDON_STACK_BESIDE },
	{ "uplink in a bridge of uplinks", { UPLINK, PLAIN, .enslaved = true, .bridged = true },
	  UPLINK, CORDON_CLOSED_NONE, CORDON_STACK_SOUND },

	{ "VLAN over a port, as port", { PORT, TAGGED, OVER_PORT }, PORT,
	  CORDON_CLOSED_NONE, CORDON_STACK_SOUND },
	{ "VLAN over a port, as uplink", { UPLINK, TAGGED, OVER_PORT }, UNLISTED,
	  CORDON_CLOSED_ON_PORT, CORDON_STACK_UPLINK },
	{ "VLAN over a port, unlisted", { UNLISTED, TAGGED, OVER_PORT }, UNLISTED,
	  CORDON_CLOSED_NOT_LISTED, CORDON_STACK_UNLISTED },
	{ "VLAN over an unlisted VLAN over a port, as uplink",
	  { UPLINK, TAGGED, .on_port = true, OVER_UNLISTED }, UNLISTED,
	  CORDON_CLOSED_ON_PORT, CORDON_STACK_UPLINK },
	{ "VLAN over a closed port, as uplink", { UPLINK, TAGGED, OVER_CLOSED }, UNLISTED,
	  CORDON_CLOSED_ON_PORT, CORDON_STACK_UPLINK },
	{ "VLAN over a renamed port, as uplink", { UPLINK, TAGGED, OVER_RENAMED }, UNLISTED,
	  CORDON_CLOSED_ON_PORT, CORDON_STACK_UPLINK },
	{ "VLAN over what is not listed, as port", { PORT, TAGGED, OVER_UNLISTED }, PORT,
	  CORDON_CLOSED_NONE, CORDON_STACK_BELOW },
	{ "VLAN over what is not listed, as uplink", { UPLINK, TAGGED, OVER_UNLISTED }, UPLINK,
	  CORDON_CLOSED_NONE, CORDON_STACK_SOUND },
	{ "VLAN over an uplink, as port", { PORT, TAGGED, OVER_UPLINK }, PORT,
	  CORDON_CLOSED_NONE, CORDON_STACK_SOUND },
	{ "VLAN over another namespace's, as port", { PORT, TAGGED }, PORT,
	  CORDON_CLOSED_NONE, CORDON_STACK_SOUND },

	{ "VLAN of a bridge of ports", { UNLISTED, TAGGED, OVER_BRIDGE, .below_open = true },
	  CORDON_ROLE_BRIDGE, CORDON_CLOSED_NONE, CORDON_STACK_SOUND },
	{ "VLAN of a bridge of ports, in a bridge",
	  { UNLISTED, TAGGED, .enslaved = true, OVER_BRIDGE, .below_open = true }, UNLISTED,
	  CORDON_CLOSED_IN_MASTER, CORDON_STACK_ENSLAVED },
	{ "VLAN of a closed bridge of ports", { UNLISTED, TAGGED, OVER_BRIDGE }, UNLISTED,
	  CORDON_CLOSED_ON_CLOSED, CORDON_STACK_SOUND },
	{ "VLAN of a bridge of ports, as uplink",
	  { UPLINK, TAGGED, OVER_BRIDGE, .below_open = true }, UNLISTED,
	  CORDON_CLOSED_ON_PORT, CORDON_STACK_UPLINK },
	{ "VLAN of a bridge of ports, as port",
	  { PORT, TAGGED, OVER_BRIDGE, .below_open = true }, PORT,
	  CORDON_CLOSED_NONE, CORDON_STACK_BELOW },

	{ "macvlan over a port, as port", { PORT, SHARED, OVER_PORT }, PORT,
	  CORDON_CLOSED_NONE, CORDON_STACK_SOUND },
	{ "macvlan over a port, as uplink", { UPLINK, SHARED, OVER_PORT }, PORT,
	  CORDON_CLOSED_NONE, CORDON_STACK_SOUND },
	{ "macvlan over a port, unlisted", { UNLISTED, SHARED, OVER_PORT }, UNLISTED,
	  CORDON_CLOSED_NOT_LISTED, CORDON_STACK_SOUND },
	{ "macvlan over a closed port, as port", { PORT, SHARED, OVER_CLOSED }, UNLISTED,
	  CORDON_CLOSED_ON_CLOSED, CORDON_STACK_SOUND },
	{ "macvlan over a closed port, as uplink", { UPLINK, SHARED, OVER_CLOSED }, UNLISTED,
	  CORDON_CLOSED_ON_CLOSED, CORDON_STACK_SOUND },
	{ "macvlan over a renamed port, as uplink", { UPLINK, SHARED, OVER_RENAMED }, UNLISTED,
	  CORDON_CLOSED_ON_CLOSED, CORDON_STACK_SOUND },
	{ "macvlan over a port, as uplink, in a bridge",
	  { UPLINK, SHARED, .enslaved = true, OVER_PORT }, UNLISTED,
	  CORDON_CLOSED_IN_MASTER, CORDON_STACK_ENSLAVED },
	{ "macvlan over an uplink, as uplink", { UPLINK, SHARED, OVER_UPLINK }, UPLINK,
	  CORDON_CLOSED_NONE, CORDON_STACK_SOUND },
	{ "macvlan over an uplink, as port", { PORT, SHARED, OVER_UPLINK }, PORT,
	  CORDON_CLOSED_NONE, CORDON_STACK_SOUND },
	{ "macvlan over an unlisted VLAN over a port, as uplink",
	  { UPLINK, SHARED, .on_port = true, OVER_UNLISTED }, UNLISTED,
	  CORDON_CLOSED_ON_PORT, CORDON_STACK_UPLINK },
};

static void role_of_each_stack(struct kunit *test)
{
	const struct role_row *row;
	u8 role, closed;
	int i;

	for (i = 0; i < ARRAY_SIZE(role_rows); i++) {
		row = &role_rows[i];
		role = cordon_interface_role(&row->facts, &closed);
		KUNIT_EXPECT_EQ_MSG(test, role, row->role, "%s", row->name);
		KUNIT_EXPECT_EQ_MSG(test, closed, row->closed, "%s", row->name);
		KUNIT_EXPECT_EQ_MSG(test, (role == UNLISTED), !!closed, "%s", row->name);
	}
}

static void fault_of_each_stack(struct kunit *test)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(role_rows); i++)
		KUNIT_EXPECT_EQ_MSG(test, (u8)cordon_interface_fault(&role_rows[i].facts),
				    role_rows[i].fault, "%s", role_rows[i].name);
}

/* Of all facts that can be told apart: what lies on a port is never an uplink. */
static void nothing_on_a_port_is_an_uplink(struct kunit *test)
{
	struct cordon_interface_facts f;
	u8 closed;
	u32 bits;

	for (bits = 0; bits < 4 * 5 * 4 * 16; bits++) {
		f = (struct cordon_interface_facts){
			.listed = bits % 4, .shape = bits / 4 % 5, .below = bits / 20 % 4,
			.enslaved = bits / 80 & 1, .below_known = bits / 80 & 2,
			.below_port = bits / 80 & 4, .below_open = bits / 80 & 8, .on_port = true,
		};
		KUNIT_EXPECT_NE_MSG(test, cordon_interface_role(&f, &closed), (u8)UPLINK,
				    "facts %u", bits);
		if (f.listed == UNLISTED)
			KUNIT_EXPECT_EQ_MSG(test, cordon_interface_role(&f, &closed),
					    (u8)UNLISTED, "facts %u", bits);
	}
}

static struct kunit_case cases[] = {
	KUNIT_CASE(listed_by_name_or_pattern),
	KUNIT_CASE(role_of_each_stack),
	KUNIT_CASE(fault_of_each_stack),
	KUNIT_CASE(nothing_on_a_port_is_an_uplink),
	{}
};

static struct kunit_suite suite = {
	.name = "interface",
	.test_cases = cases,
};

kunit_test_suite(suite);
