// SPDX-License-Identifier: GPL-2.0
/* setup in a bridge that filters VLANs: which device it ties to which port and VLAN, by what the kernel says of both. */
#include <linux/if_bridge.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "host/propose.h"
#include "lib/yaml.h"
#include "tap.h"

enum { BR0, BR0_20, BR0_30, LAN1, LAN2, LAN3, WAN0, N_LINKS };

static struct host_facts facts;

/* br0 with 10.0.1.0/24, and its VLANs 20 and 30 with 10.0.20.0/24 and 10.0.30.0/24 */
static void begin(void)
{
	static const char *const names[] = { "br0", "br0.20", "br0.30", "lan1", "lan2", "lan3", "wan0" };
	static const u32 nets[] = { [BR0] = 0x0a000100, [BR0_20] = 0x0a001400, [BR0_30] = 0x0a001e00 };
	u32 i;

	facts = (struct host_facts){ .n_links = N_LINKS, .asked = true };
	facts.links = calloc(N_LINKS, sizeof(*facts.links));
	facts.routes = calloc(N_LINKS, sizeof(*facts.routes));
	facts.leases = calloc(16, sizeof(*facts.leases));
	if (!facts.links || !facts.routes || !facts.leases)
		abort();
	for (i = 0; i < N_LINKS; i++) {
		strcpy(facts.links[i].name, names[i]);
		facts.links[i].index = i + 1;
	}
	for (i = BR0; i <= BR0_30; i++)
		facts.routes[facts.n_routes++] = (struct host_route){
			{ .addr = cordon_addr_v4(nets[i]), .len = 96 + 24 }, i, true };
	facts.routes[facts.n_routes++] = (struct host_route){ { .addr = cordon_addr_v4(0), .len = 96 }, WAN0, false };
	facts.links[WAN0].leads_out = true;
	facts.links[BR0].kind = HOST_BRIDGE;
	facts.links[BR0].filters = true;
	facts.links[BR0_20].vlan = 20;
	facts.links[BR0_30].vlan = 30;
	for (i = BR0_20; i <= BR0_30; i++) {
		facts.links[i].kind = HOST_VLAN;
		strcpy(facts.links[i].below, "br0");
	}
	for (i = LAN1; i <= LAN3; i++)
		strcpy(facts.links[i].master, "br0");
}

static union {
	struct nlmsghdr head;
	char bytes[1024];
} message;

static void *add(int type, const void *data, size_t size)
{
	struct rtattr *attr = (void *)(message.bytes + NLMSG_ALIGN(message.head.nlmsg_len));

	attr->rta_type = type;
	attr->rta_len = RTA_LENGTH(size);
	if (size)
		memcpy(RTA_DATA(attr), data, size);
	message.head.nlmsg_len = NLMSG_ALIGN(message.head.nlmsg_len) + RTA_ALIGN(attr->rta_len);
	return attr;
}

static int take(void)
{
	return host_bridges_take(&facts, &message, message.head.nlmsg_len);
}

/* An interface is in the VLANs from @from to @to. */
static void in_vlans(int link, u16 from, u16 to, u16 flags)
{
	struct ifinfomsg info = { .ifi_family = AF_BRIDGE, .ifi_index = link + 1 };
	struct bridge_vlan_info first = { flags | BRIDGE_VLAN_INFO_RANGE_BEGIN, from },
				last = { flags | BRIDGE_VLAN_INFO_RANGE_END, to }, only = { flags, from };
	struct rtattr *spec;

	memset(&message, 0, sizeof(message));
	message.head = (struct nlmsghdr){ .nlmsg_len = NLMSG_LENGTH(sizeof(info)), .nlmsg_type = RTM_NEWLINK };
	memcpy(NLMSG_DATA(&message.head), &info, sizeof(info));
	spec = add(IFLA_AF_SPEC, NULL, 0);
	if (from == to)
		add(IFLA_BRIDGE_VLAN_INFO, &only, sizeof(only));
	else {
		add(IFLA_BRIDGE_VLAN_INFO, &first, sizeof(first));
		add(IFLA_BRIDGE_VLAN_INFO, &last, sizeof(last));
	}
	spec->rta_len = message.bytes + message.head.nlmsg_len - (char *)spec;
	if (take() != 1)
		abort();
}

#define UNTAGGED	(BRIDGE_VLAN_INFO_PVID | BRIDGE_VLAN_INFO_UNTAGGED)

/* A bridge's entry of 02:00:00:00:01:@mac, as far as @bridge; or a network card's own. */
static void make_entry(u8 mac, int index, u16 vlan, u16 state, bool bridge)
{
	struct ndmsg entry = { .ndm_family = AF_BRIDGE, .ndm_ifindex = index, .ndm_state = state };
	const u8 address[6] = { 2, 0, 0, 0, 1, mac };
	const u32 master = BR0 + 1;

	memset(&message, 0, sizeof(message));
	message.head = (struct nlmsghdr){ .nlmsg_len = NLMSG_LENGTH(sizeof(entry)), .nlmsg_type = RTM_NEWNEIGH };
	memcpy(NLMSG_DATA(&message.head), &entry, sizeof(entry));
	add(NDA_LLADDR, address, 6);
	if (bridge)
		add(NDA_MASTER, &master, sizeof(master));
	if (vlan)
		add(NDA_VLAN, &vlan, sizeof(vlan));
}

static void seen(u8 mac, int link, u16 vlan)
{
	make_entry(mac, link + 1, vlan, NUD_REACHABLE, true);
	if (take() != 1)
		abort();
}

static void lease(u8 mac, u32 addr)
{
	struct host_lease *l = &facts.leases[facts.n_leases++];

	*l = (struct host_lease){ .addr = cordon_addr_v4(addr), .mac = { 2, 0, 0, 0, 1, mac }, .until = 4102444800 };
}

/* What becomes of it, notes before it; free() it. */
static char *proposed(const struct host_ssh *ssh, const struct host_link *link, char why[256])
{
	struct proposal p = { .facts = &facts, .ssh = ssh, .link = link, .service = 22 };
	struct policy *policy;
	char *text = NULL;
	size_t size;
	FILE *out;

	if (propose_roles(&p))
		abort();
	if (!propose_policy(&p, &policy, why)) {
		out = open_memstream(&text, &size);
		if (!out)
			abort();
		propose_notes(&p, "# ", out);
		policy_print(policy, out);
		fclose(out);
		policy_free(policy);
	}
	free(p.roles);
	return text;
}

static void end(char *text)
{
	free(text);
	host_facts_free(&facts);
}

static void expect(const char *text, const char *wanted, const char *name)
{
	if (!ok(text && strstr(text, wanted), "%s", name))
		printf("# wanted %s\n%s\n", wanted, text ? text : "nothing");
}

static void lacks(const char *text, const char *unwanted, const char *name)
{
	if (!ok(text && !strstr(text, unwanted), "%s", name))
		printf("# unwanted %s\n%s\n", unwanted, text ? text : "nothing");
}

#define DEVICE(mac)	"mac: \"02:00:00:00:01:" mac "\", network_segment: \"iot\", addresses: auto"

/* lan1 is a trunk of VLANs 20 to 30, lan2 has 20 untagged, lan3 has 1 and 30, tagged. */
static void members(void)
{
	in_vlans(BR0, 1, 1, UNTAGGED);
	in_vlans(LAN1, 20, 30, 0);
	in_vlans(LAN1, 1, 1, UNTAGGED);
	in_vlans(LAN2, 20, 20, UNTAGGED);
	in_vlans(LAN3, 30, 30, 0);
	in_vlans(LAN3, 1, 1, UNTAGGED);
}

static void test_seen(void)
{
	char *text, why[256];

	begin();
	members();
	lease(1, 0x0a00010b);
	seen(1, LAN1, 1);
	lease(2, 0x0a00140c);
	seen(2, LAN2, 20);
	lease(3, 0x0a001e0d);
	seen(3, LAN1, 30);
	lease(4, 0x0a00140e);
	seen(4, LAN1, 20);
	lease(5, 0x0a001e0f);
	seen(5, LAN1, 30);
	seen(5, LAN3, 30);
	lease(6, 0x0a001e10);
	lease(6, 0x0a001410);
	seen(6, LAN1, 20);
	seen(6, LAN1, 30);
	lease(7, 0x0a000111);
	seen(7, LAN1, 1);
	seen(7, LAN3, 1);
	lease(8, 0x0a001e12);
	seen(8, LAN3, 1);
	seen(8, LAN3, 30);
	text = proposed(NULL, NULL, why);
	expect(text, "ports: [\"lan1\", \"lan2\", \"lan3\"]\nuplinks: [\"wan0\"]\n",
	       "members are ports, VLANs of the bridge are in no list");
	expect(text, DEVICE("01") "}", "untagged: no port, and no VLAN");
	expect(text, DEVICE("02") "}", "a PVID that is not the bridge's: likewise");
	expect(text, DEVICE("03") ", port: \"lan1\", vlan: 30}", "tagged: its port and its VLAN");
	expect(text, DEVICE("04") ", port: \"lan1\", vlan: 20}", "tagged, where others have it untagged: likewise");
	lacks(text, "mac: \"02:00:00:00:01:05\"", "at two ports, tagged: not listed");
	expect(text, "# 02:00:00:00:01:05: on br0.30, seen in more than one VLAN, or at more than one port: not listed there",
	       "which is said");
	lacks(text, "mac: \"02:00:00:00:01:06\"", "in two VLANs, with an address in each: not listed");
	expect(text, DEVICE("07") "}", "at two ports, untagged: listed");
	expect(text, DEVICE("08") ", port: \"lan3\", vlan: 30}", "untagged now and then: in the VLAN of its address");
	end(text);
}

static void test_silent(void)
{
	char *text, why[256];

	begin();
	members();
	lease(1, 0x0a00010b);
	lease(2, 0x0a00140c);
	lease(3, 0x0a001e0d);
	text = proposed(NULL, NULL, why);
	expect(text, DEVICE("01") "}", "silent, in a VLAN that is untagged at all its ports: listed");
	lacks(text, "mac: \"02:00:00:00:01:02\"", "silent, in one that is untagged at one, and tagged at another: not listed");
	expect(text, "# 02:00:00:00:01:02: on br0.20, in a VLAN, and behind which port is not known: not listed there",
	       "which is said");
	lacks(text, "mac: \"02:00:00:00:01:03\"", "silent, in one that is tagged at two: not listed");
	end(text);
	begin();
	in_vlans(BR0, 1, 1, UNTAGGED);
	in_vlans(LAN1, 30, 30, 0);
	in_vlans(LAN2, 20, 20, UNTAGGED);
	in_vlans(LAN3, 1, 1, 0);
	lease(1, 0x0a00010b);
	lease(2, 0x0a00140c);
	lease(3, 0x0a001e0d);
	text = proposed(NULL, NULL, why);
	expect(text, DEVICE("01") ", port: \"lan3\", vlan: 1}", "silent, in one that is tagged at one alone: there");
	expect(text, DEVICE("02") "}", "silent, in one that is untagged at one alone: listed");
	expect(text, DEVICE("03") ", port: \"lan1\", vlan: 30}", "silent, in another that is tagged at one alone: there");
	end(text);
	begin();
	facts.asked = false;
	lease(1, 0x0a00010b);
	lease(3, 0x0a001e0d);
	text = proposed(NULL, NULL, why);
	expect(text, DEVICE("01") "}", "nobody was asked: who is reached by the bridge is listed");
	lacks(text, "mac: \"02:00:00:00:01:03\"", "nobody was asked: who is reached by a VLAN of it is not");
	end(text);
}

static void test_bridges(void)
{
	char *text, why[256];

	begin();
	members();
	facts.links[BR0].filters = false;
	lease(1, 0x0a00010b);
	lease(3, 0x0a001e0d);
	text = proposed(NULL, NULL, why);
	expect(text, DEVICE("01") "}", "a bridge that does not filter: who is untagged is listed");
	expect(text, "# 02:00:00:00:01:03: on br0.30, in a VLAN of a bridge that does not filter VLANs", "who is tagged is not");
	end(text);
	begin();
	members();
	facts.links[BR0].provider = true;
	lease(1, 0x0a00010b);
	seen(1, LAN1, 1);
	lease(3, 0x0a001e0d);
	seen(3, LAN1, 30);
	text = proposed(NULL, NULL, why);
	expect(text, DEVICE("01") "}", "a provider's bridge: who is untagged is listed");
	expect(text, "# 02:00:00:00:01:03: on br0.30, in a VLAN of a bridge whose tags are 802.1ad's", "who is tagged is not");
	end(text);
	begin();
	members();
	facts.routes[BR0].direct = false;
	lease(3, 0x0a001e0d);
	seen(3, LAN1, 30);
	text = proposed(NULL, NULL, why);
	expect(text, DEVICE("03") ", port: \"lan1\", vlan: 30}", "a bridge of which only the VLANs have networks");
	end(text);
	begin();
	members();
	facts.links[BR0_20].leads_out = true;
	lease(3, 0x0a001e0d);
	seen(3, LAN1, 30);
	text = proposed(NULL, NULL, why);
	expect(text, "ports: [\"br0.30\"]", "a bridge of which a VLAN leads out: its VLANs are ports");
	expect(text, DEVICE("03") ", port: \"br0.30\"}", "and devices are behind them");
	end(text);
}

static void test_session(void)
{
	struct host_ssh ssh = { .client = cordon_addr_v4(0x0a001e0d), .server = cordon_addr_v4(0x0a001e01), .port = 22 };
	char *text, why[256] = "";

	begin();
	members();
	lease(3, 0x0a001e0d);
	text = proposed(&ssh, &facts.links[BR0_30], why);
	ok(!text && strstr(why, "comes from 10.0.30.13, which is on br0.30, in a VLAN, and behind which port is not known"),
	   "a session from nobody knows where: refused");
	seen(3, LAN3, 30);
	text = proposed(&ssh, &facts.links[BR0_30], why);
	expect(text, "network_segment: \"admin\", addresses: [\"10.0.30.13\"], auto: true, port: \"lan3\", vlan: 30}",
	       "a session from a VLAN: its client is a device there");
	end(text);
}

static void test_answers(void)
{
	u32 i;

	begin();
	make_entry(1, LAN1 + 1, 30, NUD_PERMANENT, true);
	ok(take() == 1 && !facts.n_seen, "the bridge's own MAC is none of a device");
	make_entry(1, LAN1 + 1, 30, NUD_REACHABLE, false);
	ok(take() == 1 && !facts.n_seen, "what a network card keeps is none");
	make_entry(1, WAN0 + 1, 0, NUD_REACHABLE, true);
	ok(take() == 1 && !facts.n_seen, "nor what is no member");
	make_entry(1, 99, 0, NUD_REACHABLE, true);
	ok(take() == 1 && !facts.n_seen, "nor what is not there");
	make_entry(1, LAN1 + 1, 30, NUD_REACHABLE, true);
	message.head.nlmsg_len = NLMSG_LENGTH(4);
	ok(take() < 0 && !facts.n_seen, "a message that is too short");
	make_entry(1, LAN1 + 1, 30, NUD_REACHABLE, true);
	message.head.nlmsg_type = NLMSG_ERROR;
	ok(take() < 0, "an error");
	message.head.nlmsg_type = NLMSG_DONE;
	ok(!take(), "the end");
	for (i = 0; i < HOST_SEEN_MAX; i++)
		seen(i, LAN1, 30);
	make_entry(1, LAN1 + 1, 30, NUD_REACHABLE, true);
	ok(take() < 0 && facts.n_seen == HOST_SEEN_MAX, "too many");
	in_vlans(LAN1, 4090, 4095, 0);
	ok(facts.links[LAN1].in_vlan[4094 / 8] & 1 << 4094 % 8, "VLANs up to the last");
	end(NULL);
}

int main(void)
{
	test_seen();
	test_silent();
	test_bridges();
	test_session();
	test_answers();
	return tap_done();
}
