// SPDX-License-Identifier: GPL-2.0
/* explain of what a bridge of ports switches: the frame for one device, its copies for many, questions of neighbours. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/explain.h"
#include "lib/policy.h"
#include "lib/yaml.h"
#include "tap.h"

static const char text[] =
	"version: 1\n"
	"ports: [xlan0, xlan1, xlan2, xlan7]\n"
	"uplinks: [xwan0]\n"
	"segments:\n"
	"  iot: {}\n"
	"  office: {isolate: false}\n"
	"  proven: {authentication: certificate}\n"
	"  vault: {}\n"
	"  wan: {networks: [0.0.0.0/0, \"::/0\"]}\n"
	"rules:\n"
	"  - {from: office, to: iot, allow: [tcp/443, udp/443]}\n"
	"  - {from: office, to: wan, allow: [any]}\n"
	"  - {from: office, to: proven, allow: [tcp/443, udp/443]}\n"
	"  - {from: proven, to: wan, allow: [any]}\n"
	"devices:\n"
	"  - {name: cam, mac: \"02:00:00:00:01:01\", network_segment: iot, addresses: [10.9.20.11, \"fd09:20::11\"]}\n"
	"  - {name: plug, mac: \"02:00:00:00:01:03\", network_segment: iot, addresses: [10.9.20.13], port: xlan2}\n"
	"  - {name: desk, mac: \"02:00:00:00:01:02\", network_segment: office, addresses: [10.9.20.12, \"fd09:20::12\"]}\n"
	"  - {name: lock, mac: \"02:00:00:00:01:04\", network_segment: proven, addresses: [10.9.20.14]}\n"
	"  - {name: far, mac: \"02:00:00:00:01:05\", network_segment: iot, addresses: [10.9.70.15], port: xlan7}\n"
	"  - {name: other, mac: \"02:00:00:00:01:06\", network_segment: iot, addresses: [10.9.30.16], port: xlan1}\n"
	"  - {name: safe, mac: \"02:00:00:00:01:07\", network_segment: vault, addresses: [10.9.20.17], port: xlan0}\n"
	"  - {name: hall, mac: \"02:00:00:00:01:08\", network_segment: office, addresses: [10.9.40.18], port: xlan2, vlan: 30}\n"
	"  - {name: den, mac: \"02:00:00:00:01:09\", network_segment: iot, addresses: [10.9.40.19], port: xlan0, vlan: 30}\n"
	"  - {name: wand, mac: \"02:00:00:00:01:0a\", network_segment: iot, addresses: [10.9.20.20], ports: [xlan0, xlan2]}\n"
	"  - {name: tent, mac: \"02:00:00:00:01:0b\", network_segment: iot, addresses: [10.9.71.20], ports: [xlan2, xlan7]}\n";

static struct cordon_policy *policy;
static struct explain gateway;

static struct cordon_addr address(const char *word)
{
	struct cordon_addr a;

	if (policy_addr_parse(word, &a))
		abort();
	return a;
}

static u32 device(const char *name)
{
	return cordon_policy_device_by_name(policy, name);
}

static struct explain_link *add_link(const char *name, const char *master)
{
	struct explain_link *link;

	if (explain_add_link(&gateway, name))
		abort();
	link = &gateway.links[gateway.n_links - 1];
	snprintf(link->master, sizeof(link->master), "%s", master);
	return link;
}

static void add_network(struct explain_link *link, const char *word, u8 len)
{
	struct cordon_addr a = address(word);

	if (explain_add_address(link, &a, &a, len))
		abort();
}

/* xlan0, xlan1 and xlan2 in xbr0, xlan7 in nothing; cam was seen on xlan0, desk and lock on xlan1. */
static void begin(void)
{
	char path[] = "/tmp/cordon-switched.XXXXXX";
	int fd = mkstemp(path);
	struct cordon_posture well = { .leased = true };
	struct cordon_error err;
	struct explain_link *link;
	struct policy *draft;
	u32 i;

	if (fd < 0 || write(fd, text, sizeof(text) - 1) != (ssize_t)sizeof(text) - 1 ||
	    policy_load(path, &draft, stderr) || policy_seal(draft, &policy, &err))
		abort();
	close(fd);
	unlink(path);
	policy_free(draft);
	gateway.p = policy;
	gateway.ends = calloc(policy->draft.n_devices, sizeof(*gateway.ends));
	gateway.places = calloc(policy->draft.n_devices, sizeof(*gateway.places));
	for (i = 0; i < policy->draft.n_devices; i++)
		gateway.ends[i] = cordon_end_device(policy, i, &well);
	link = add_link("xbr0", "");
	link->is_bridge = true;
	add_network(link, "10.9.20.1", 96 + 24);
	add_network(link, "10.9.30.1", 96 + 24);
	add_network(link, "fd09:20::1", 64);
	add_link("xlan0", "xbr0");
	add_link("xlan1", "xbr0");
	add_link("xlan2", "xbr0");
	add_link("xeth3", "xbr0");
	add_network(add_link("xlan7", ""), "10.9.70.1", 96 + 24);
	add_network(add_link("xwan0", ""), "192.0.2.1", 96 + 24);
	strcpy(gateway.places[device("cam")].seen, "xlan0");
	strcpy(gateway.places[device("desk")].seen, "xlan1");
	strcpy(gateway.places[device("lock")].seen, "xlan1");
}

static struct explain_answer answers[16];

static struct explain_packet packet_of(const char *from, const char *to, int proto, int port)
{
	struct explain_packet packet = { .flow = { .dst = address(to), .proto = proto, .dport = port } };
	const struct cordon_device_def *d;
	u32 i;

	packet.device = device(from);
	d = &policy->draft.devices[packet.device];
	packet.flow.src = policy->draft.addresses[d->first];
	for (i = 0; i < d->n; i++)
		if (cordon_addr_is_v4(&policy->draft.addresses[d->first + i]) == cordon_addr_is_v4(&packet.flow.dst))
			packet.flow.src = policy->draft.addresses[d->first + i];
	return packet;
}

/* What becomes of it, as in "xlan1:pass", "here:segment_violation" or "xlan1:no", not counted. */
static const char *told(struct explain_packet packet)
{
	static char out[512];
	size_t len = 0;
	u32 i, n;

	explain_complete(&gateway, &packet);
	n = explain_packet(&gateway, &packet, answers);
	for (i = 0; i < n; i++) {
		const struct explain_answer *a = &answers[i];

		len += snprintf(out + len, sizeof(out) - len, "%s%s:%s", i ? " " : "",
				a->local ? "here" : a->out ? a->out->name : "-",
				a->v.accept ? "pass" : a->uncounted ? "no" : policy_kind_name(a->v.kind));
	}
	return out;
}

static void expect(const char *name, const char *wanted, struct explain_packet packet)
{
	const char *got = told(packet);

	ok(!strcmp(wanted, got), "%s: %s", name, got);
}

enum { TCP = 6, UDP = 17, IGMP = 2, ICMP6 = 58 };

static void one_device(void)
{
	struct explain_packet packet;

	expect("a rule admits it", "xlan0:pass", packet_of("desk", "10.9.20.11", TCP, 443));
	ok(answers[0].switched && !answers[0].fast && answers[0].neighbours, "it is switched, and not by the fast path");
	expect("a rule admits it, IPv6", "xlan0:pass", packet_of("desk", "fd09:20::11", TCP, 443));
	expect("to a device that is tied to its port", "xlan2:pass", packet_of("desk", "10.9.20.13", TCP, 443));
	expect("no rule admits it", "xlan0:segment_violation", packet_of("desk", "10.9.20.11", TCP, 22));
	expect("in a segment that isolates", "xlan2:segment_violation", packet_of("cam", "10.9.20.13", TCP, 443));
	ok(answers[0].switched && !answers[0].neighbours, "nor do they find each other");
	expect("nobody has the address", "-:unjudged", packet_of("desk", "10.9.20.99", TCP, 443));
	expect("both behind one port: not by the gateway", "xlan1:pass", packet_of("desk", "10.9.20.14", TCP, 22));
	packet = packet_of("desk", "10.9.20.11", TCP, 443);
	packet.out = explain_find_link(&gateway, "xlan2");
	expect("a copy for another port than the receiver's", "xlan2:no", packet);
	packet = packet_of("cam", "10.9.20.12", TCP, 443);
	packet.in = explain_find_link(&gateway, "xeth3");
	expect("a member that is not listed", "-:unlisted", packet);
	packet = packet_of("plug", "10.9.20.12", TCP, 443);
	packet.in = explain_find_link(&gateway, "xlan0");
	expect("from another port than its own", "-:moved_port", packet);
	packet = packet_of("cam", "10.9.20.12", UDP, 443);
	packet.flow.src = address("10.9.20.13");
	expect("another's source", "-:spoofed_source", packet);
	expect("what servers of DHCP send", "-:rogue_dhcp", packet_of("cam", "10.9.20.12", UDP, 68));
	expect("what routers send", "-:rogue_ra", packet_of("cam", "fd09:20::12", ICMP6, 134));
}

static void routed(void)
{
	struct explain_packet packet;

	expect("to the internet: routed", "-:pass", packet_of("desk", "198.51.100.7", TCP, 443));
	ok(!answers[0].switched && answers[0].fast, "by the fast path");
	expect("to the gateway", "here:segment_violation", packet_of("desk", "10.9.20.1", TCP, 22));
	expect("likewise, a service", "here:pass", packet_of("desk", "10.9.20.1", TCP, 53));
	expect("to another network of the same bridge: routed", "xbr0:segment_violation",
	       packet_of("cam", "10.9.30.16", TCP, 443));
	ok(!answers[0].switched, "and not switched");
	expect("likewise, and a rule admits it", "xbr0:pass", packet_of("desk", "10.9.30.16", TCP, 443));
	ok(!answers[0].switched && !answers[0].fast, "by the slow path");
	expect("to a port in no bridge: routed", "xlan7:pass", packet_of("desk", "10.9.70.15", TCP, 443));
	expect("from a port in no bridge: routed", "xbr0:segment_violation", packet_of("far", "10.9.20.11", TCP, 443));
	packet = packet_of("far", "10.9.20.13", TCP, 443);
	packet.gateway = true;
	expect("from the gateway", "xbr0:pass", packet);
	packet = packet_of("cam", "10.9.20.12", TCP, 443);
	packet.in = explain_find_link(&gateway, "xlan7");
	expect("a port in no bridge is not the bridge", "xbr0:segment_violation", packet);
}

static void many(void)
{
	expect("a broadcast, in a segment that isolates", "here:segment_violation xlan1:no xlan2:no",
	       packet_of("cam", "10.9.20.255", UDP, 5353));
	expect("a broadcast that a rule admits towards one port", "here:segment_violation xlan0:no xlan2:pass",
	       packet_of("desk", "10.9.20.255", UDP, 443));
	ok(answers[2].switched && !answers[2].fast, "it is switched");
	expect("a group of the link", "here:segment_violation xlan0:no xlan2:pass",
	       packet_of("desk", "224.0.0.251", UDP, 443));
	expect("a group is not routed towards a bridge", "here:segment_violation xbr0:unjudged xwan0:segment_violation",
	       packet_of("far", "239.1.1.1", UDP, 443));
	expect("who is in which group is for the gateway alone", "here:pass xlan0:no xlan2:no",
	       packet_of("desk", "224.0.0.22", IGMP, 0x22));
}

static void questions(void)
{
	struct explain_packet packet = packet_of("cam", "10.9.20.12", 0, 0);

	packet.arp = true;
	expect("ARP: one that may open something towards it", "xlan1:pass xlan2:no", packet);
	packet = packet_of("cam", "10.9.20.13", 0, 0);
	packet.arp = true;
	expect("ARP: in a segment that isolates", "xlan1:no xlan2:no", packet);
	packet.flow.dst = address("10.9.20.1");
	expect("ARP: the gateway", "here:pass", packet);
	packet.flow.dst = address("10.9.20.99");
	expect("ARP: nobody", "xlan1:no xlan2:no", packet);
	packet = packet_of("cam", "10.9.20.12", 0, 0);
	packet.arp = true;
	packet.flow.src = address("10.9.20.13");
	expect("ARP: another's address", "-:arp_spoof", packet);
	packet.flow.src = address("0.0.0.0");
	expect("ARP: is the address free", "xlan1:pass xlan2:no", packet);
	packet = packet_of("far", "10.9.70.16", 0, 0);
	packet.arp = true;
	expect("ARP: a port in no bridge", "-:no", packet);
	packet = packet_of("cam", "fd09:20::12", 0, 0);
	packet.solicits = true;
	expect("neighbour discovery: a question", "here:pass xlan1:pass xlan2:no", packet);
	packet = packet_of("cam", "fe80::9", 0, 0);
	packet.solicits = true;
	expect("neighbour discovery: a link-local address that nobody is known by", "here:pass xlan1:pass xlan2:pass", packet);
	expect("neighbour discovery: an answer", "xlan1:pass", packet_of("cam", "fd09:20::12", ICMP6, 136));
}

static void leases(void)
{
	struct explain_packet packet = packet_of("lock", "198.51.100.7", TCP, 443);
	u32 lock = device("lock");

	strcpy(gateway.places[lock].lease, "xlan1");
	packet.in = explain_find_link(&gateway, "xlan1");
	expect("a lease, where it holds", "-:pass", packet);
	packet.in = explain_find_link(&gateway, "xlan0");
	expect("a lease that holds on another port", "-:moved_port", packet);
	packet = packet_of("desk", "10.9.20.14", TCP, 443);
	strcpy(gateway.places[lock].seen, "xlan2");
	expect("towards it", "xlan2:pass", packet);
	gateway.places[lock].seen[0] = '\0';
	expect("towards one that nobody has seen", "-:pass", packet);
}

/* A device of several ports: behind each of them, and behind the one where it was seen, if that is one of them. */
static void several(void)
{
	struct explain_packet packet = packet_of("wand", "10.9.20.1", TCP, 53);
	struct explain_place *wand = &gateway.places[device("wand")];

	expect("of several ports: from whichever it is", "here:pass", packet);
	packet.in = explain_find_link(&gateway, "xlan0");
	expect("from the first", "here:pass", packet);
	packet.in = explain_find_link(&gateway, "xlan2");
	expect("from the second", "here:pass", packet);
	packet.in = explain_find_link(&gateway, "xlan1");
	expect("from another", "-:moved_port", packet);
	packet.arp = true;
	packet.flow.dst = address("10.9.20.12");
	expect("ARP from another", "-:moved_port", packet);
	packet.in = explain_find_link(&gateway, "xlan2");
	expect("ARP from the second", "xlan0:no xlan1:pass", packet);
	expect("towards it, where nobody has seen it", "-:pass", packet_of("desk", "10.9.20.20", TCP, 443));
	packet = packet_of("desk", "10.9.20.20", TCP, 443);
	packet.out = explain_find_link(&gateway, "xlan2");
	expect("then by each of its ports", "xlan2:pass", packet);
	strcpy(wand->seen, "xlan1");
	expect("it was seen where it may not be: likewise", "xlan2:pass", packet);
	strcpy(wand->seen, "xlan0");
	expect("it was seen at the other one", "xlan2:no", packet);
	expect("by that one", "xlan0:pass", packet_of("desk", "10.9.20.20", TCP, 443));
	wand->seen[0] = '\0';
	packet = packet_of("far", "10.9.71.20", TCP, 443);
	packet.out = explain_find_link(&gateway, "xlan7");
	packet.gateway = true;
	expect("routed, by a port of its own", "xlan7:pass", packet);
	packet.out = explain_find_link(&gateway, "xwan0");
	expect("routed, by none of them", "xwan0:moved_port", packet);
	packet = packet_of("tent", "10.9.70.1", TCP, 53);
	packet.in = explain_find_link(&gateway, "xlan7");
	expect("a port in no bridge, beside one in it", "here:pass", packet);
	packet.in = explain_find_link(&gateway, "xbr0");
	expect("and that one", "here:pass", packet);
}

/* The bridge filters VLANs: 1 is untagged at all its ports, and 30 tagged. */
static void vlans(void)
{
	struct explain_packet packet = packet_of("hall", "10.9.40.19", TCP, 443);
	struct explain_link *link;
	u32 i;

	expect("in a VLAN, and the bridge filters none", "-:moved_port", packet);
	strcpy(gateway.places[device("lock")].seen, "xlan1");
	for (i = 0; i < gateway.n_links; i++) {
		link = &gateway.links[i];
		link->filters = link->is_bridge;
		link->pvid = 1;
		link->in_vlan[0] = 1 << 1;
		link->in_vlan[30 / 8] = 1 << 30 % 8;
	}
	link = add_link("xbr0.30", "");
	link->vlan = 30;
	strcpy(link->below, "xbr0");
	add_network(link, "10.9.40.1", 96 + 24);
	expect("in one VLAN: switched", "xlan0:pass", packet);
	ok(answers[0].switched, "by the bridge");
	expect("in one VLAN, no rule admits it", "xlan0:segment_violation", packet_of("hall", "10.9.40.19", TCP, 22));
	expect("to another VLAN: routed", "xbr0:pass", packet_of("hall", "10.9.20.11", TCP, 443));
	ok(!answers[0].switched, "and not switched");
	expect("from another VLAN: routed", "xbr0.30:pass", packet_of("desk", "10.9.40.19", TCP, 443));
	expect("untagged, as before", "xlan0:pass", packet_of("desk", "10.9.20.11", TCP, 443));
	expect("untagged, to a device of another port", "xlan2:pass", packet_of("desk", "10.9.20.13", TCP, 443));
	packet.arp = true;
	expect("ARP: one in its VLAN", "xlan0:pass xlan1:no", packet);
	packet.flow.dst = address("10.9.20.11");
	expect("ARP: one in another VLAN", "xlan0:no xlan1:no", packet);
	packet.arp = false;
	packet = packet_of("hall", "10.9.40.19", TCP, 443);
	packet.in = explain_find_link(&gateway, "xbr0");
	expect("a device in another VLAN than its own", "-:moved_port", packet);
	packet.in = explain_find_link(&gateway, "xbr0.30");
	expect("and in its own", "xlan0:pass", packet);
	packet.in = NULL;
	packet.gateway = true;
	expect("from the gateway", "xbr0.30:pass", packet);
	gateway.links[explain_find_link(&gateway, "xlan1") - gateway.links].in_vlan[30 / 8] = 0;
	expect("a broadcast, to ports that are in its VLAN", "here:segment_violation xlan0:no",
	       packet_of("hall", "10.9.40.255", UDP, 443));
}

static struct explain_link *link_of(const char *name)
{
	return (struct explain_link *)explain_find_link(&gateway, name);
}

/* A port has no PVID, is not in a VLAN, or has no interface of the gateway in its VLAN; behind vlans(). */
static void members(void)
{
	struct explain_packet packet = packet_of("plug", "198.51.100.7", TCP, 443);
	struct explain_link *xlan2 = link_of("xlan2"), *xlan0 = link_of("xlan0"), *bridge = link_of("xbr0");

	expect("a port with a PVID", "-:segment_violation", packet);
	xlan2->pvid = 0;
	expect("a port without a PVID", "-:unjudged", packet);
	packet = packet_of("far", "10.9.20.13", TCP, 443);
	packet.gateway = true;
	expect("from the gateway, to a device behind it", "xbr0:no", packet);
	packet = packet_of("desk", "10.9.20.13", TCP, 443);
	expect("to a device behind it: switched", "xlan2:no", packet);
	packet.arp = true;
	expect("ARP for it", "xlan0:no xlan2:no", packet);
	packet = packet_of("hall", "10.9.40.19", TCP, 443);
	expect("tagged there, a device in its VLAN", "xlan0:pass", packet);
	xlan2->pvid = 1;
	expect("with a PVID again", "xlan2:pass", packet_of("desk", "10.9.20.13", TCP, 443));

	xlan2->in_vlan[30 / 8] = 0;
	expect("a port that is not in the device's VLAN", "-:no", packet);
	ok(answers[0].v.reason == EXPLAIN_DENY_NOT_IN_VLAN, "that is why");
	xlan2->in_vlan[30 / 8] = 1 << 30 % 8;
	xlan0->in_vlan[30 / 8] = 0;
	expect("to such a port: switched", "xlan0:no", packet);
	expect("to such a port: routed", "xbr0.30:no", packet_of("desk", "10.9.40.19", TCP, 443));
	xlan0->in_vlan[30 / 8] = 1 << 30 % 8;
	expect("to one that is in it: routed", "xbr0.30:pass", packet_of("desk", "10.9.40.19", TCP, 443));

	expect("the gateway is in the VLAN", "-:pass", packet_of("hall", "198.51.100.7", TCP, 443));
	bridge->in_vlan[30 / 8] = 0;
	expect("the gateway is not in the VLAN", "-:no", packet_of("hall", "198.51.100.7", TCP, 443));
	expect("likewise, to itself", "here:no", packet_of("hall", "10.9.40.1", TCP, 53));
	expect("likewise, from it", "xbr0.30:no", packet_of("desk", "10.9.40.19", TCP, 443));
	expect("switched all the same", "xlan0:pass", packet);
	bridge->in_vlan[30 / 8] = 1 << 30 % 8;
}

/* Tags of 802.1ad say nothing: what is untagged in such a bridge passes. */
static void providers(void)
{
	struct explain_packet packet = packet_of("hall", "10.9.40.19", TCP, 443);
	struct explain_link *bridge = link_of("xbr0");
	u32 i;

	bridge->provider = true;
	for (i = 0; i < gateway.n_links; i++)
		gateway.links[i].untagged[0] = 1 << 1;
	expect("a provider's bridge, tagged", "-:unjudged", packet);
	expect("a provider's bridge, untagged", "xlan0:pass", packet_of("desk", "10.9.20.11", TCP, 443));
	link_of("xlan0")->untagged[0] = 0;
	expect("a provider's bridge, untagged, and tagged where it leaves", "xlan0:no",
	       packet_of("desk", "10.9.20.11", TCP, 443));
	bridge->provider = false;
	/* As explain_machine() has an interface of 802.1ad. */
	packet = packet_of("hall", "198.51.100.7", TCP, 443);
	packet.in = link_of("xbr0.30");
	expect("in by a VLAN of the bridge", "-:pass", packet);
	link_of("xbr0.30")->vlan = 0;
	expect("in by one of 802.1ad", "-:unlisted", packet);
	link_of("xbr0.30")->vlan = 30;
	bridge->filters = false;
	expect("in by a VLAN of a bridge that does not filter", "-:moved_port", packet);
	packet = packet_of("desk", "198.51.100.7", TCP, 443);
	packet.in = link_of("xbr0.30");
	expect("likewise, of a device in none", "-:moved_port", packet);
	packet.in = NULL;
	expect("and where it is", "-:pass", packet);
}

int main(void)
{
	begin();
	one_device();
	routed();
	many();
	questions();
	leases();
	several();
	vlans();
	members();
	providers();
	explain_free(&gateway);
	free(policy);
	return tap_done();
}
