// SPDX-License-Identifier: GPL-2.0
/* From the words of a question to the packet that it is about. */
#include <netdb.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/ctl.h"
#include "ctl/question.h"
#include "lib/yaml.h"

/* A device as it is now; offline, as one that has its lease. */
static struct cordon_end device_end(const struct facts *f, u32 i)
{
	struct cordon_posture posture = { .leased = true };
	u32 state;

	if (!f->runtime.devices)
		return cordon_end_device(f->sealed, i, &posture);
	state = f->runtime.devices[i].state;
	return (struct cordon_end){ i, cordon_state_segment(f->sealed, i, state), state };
}

/**
 * struct who - one end, as it is written
 * @gateway: the gateway
 * @device: the device, or CORDON_NO_DEVICE
 * @named: it is written as a name or a MAC
 * @segment: it is written as a segment of networks, or CORDON_NO_SEGMENT
 * @addr: the address, where one is written
 */
struct who {
	bool gateway;
	u32 device;
	bool named;
	u16 segment;
	struct cordon_addr addr;
};

static bool wrong(struct fault *fault, const char *word, const char *why)
{
	*fault = (struct fault){ word, why };
	return false;
}

static bool is_self(const struct facts *f, const struct cordon_addr *a)
{
	u32 i, j;

	for (i = 0; i < f->e.n_links; i++)
		for (j = 0; j < f->e.links[i].n; j++)
			if (cordon_addr_equal(&f->e.links[i].self[j], a))
				return true;
	return false;
}

/**
 * question_device - the device of a name or a MAC
 * @f: the policy, sealed
 * @word: the name or the MAC
 *
 * Return: CORDON_NO_DEVICE, it is none.
 */
u32 question_device(const struct facts *f, const char *word)
{
	u8 mac[6];

	return policy_mac_parse(word, mac) ? cordon_policy_device_by_name(f->sealed, word) :
					     cordon_policy_device_by_mac(f->sealed, mac);
}

/* The first device of a segment, or else the one after @but. */
static u32 device_of(const struct facts *f, u16 segment, u32 but)
{
	const struct cordon_draft *d = &f->sealed->draft;
	u32 i;

	for (i = 0; i < d->n_devices; i++)
		if (d->devices[i].segment == segment && i != but)
			return i;
	return CORDON_NO_DEVICE;
}

/* A segment stands for one of its devices, another one than @but; or for a host of its networks. */
static bool find_in_segment(const struct facts *f, const char *word, u32 but, struct who *who, struct fault *fault)
{
	const struct cordon_draft *d = &f->sealed->draft;
	u32 i;

	for (i = 0; i < d->n_segments && strcmp(d->segments[i].name, word); i++)
		;
	if (i == d->n_segments)
		return wrong(fault, word, strchr(word, ':') && strchr(word, '.') ?
			     "an IPv4-mapped address, which no packet may bear" :
			     "neither a device, nor a segment, nor an address");
	who->device = device_of(f, i, but);
	if (who->device != CORDON_NO_DEVICE)
		return true;
	who->named = false;
	who->segment = i;
	for (i = 0; i < d->n_networks; i++)
		if (d->networks[i].segment == who->segment)
			return true;
	return wrong(fault, word, device_of(f, who->segment, CORDON_NO_DEVICE) == CORDON_NO_DEVICE ?
		     "nobody is in that segment: name a device" : "a segment with one device only");
}

static bool find_who(const struct facts *f, const char *word, u32 but, struct who *who, struct fault *fault)
{
	*who = (struct who){ .device = CORDON_NO_DEVICE, .segment = CORDON_NO_SEGMENT };
	if (!strcmp(word, "gateway")) {
		who->gateway = true;
		return true;
	}
	if (!policy_addr_parse(word, &who->addr)) {
		who->device = cordon_policy_device_by_addr(f->sealed, &who->addr);
		who->gateway = is_self(f, &who->addr);
		return true;
	}
	who->named = true;
	who->device = question_device(f, word);
	return who->device != CORDON_NO_DEVICE || find_in_segment(f, word, but, who, fault);
}

/* An address that is in this segment, and neither a device's nor the gateway's. */
static bool is_host_of(const struct facts *f, u16 segment, const struct cordon_addr *a)
{
	return cordon_policy_network_segment(f->sealed, a) == segment && !is_self(f, a) &&
	       cordon_policy_device_by_addr(f->sealed, a) == CORDON_NO_DEVICE;
}

/* It is in none of the gateway's own networks. */
static bool is_far(const struct facts *f, const struct cordon_addr *a)
{
	u32 i;

	for (i = 0; i < f->e.n_links && !explain_on_link(&f->e.links[i], a, a); i++)
		;
	return i == f->e.n_links;
}

/* A host of a network: one that is for documentation (RFC 5737, RFC 3849), or else one of its first addresses. */
static bool pick_host(const struct facts *f, const struct cordon_network_def *net, struct cordon_addr *out)
{
	const struct cordon_addr last = cordon_prefix_last(&net->addr, net->len);
	const struct cordon_addr example[] = {
		cordon_addr_v4(0xc0000201), cordon_addr_v4(0xc6336401), cordon_addr_v4(0xcb007101),
		{ 0x20010db800000000ULL, 1 },
	};
	u32 i;

	for (i = 0; i < sizeof(example) / sizeof(*example); i++) {
		*out = example[i];
		if (cordon_addr_is_v4(out) == cordon_addr_is_v4(&net->addr) && is_host_of(f, net->segment, out) &&
		    is_far(f, out))
			return true;
	}
	*out = net->addr;
	for (i = 0; i < 64 && cordon_addr_compare(out, &last) < 0; i++) {
		out->lo++;
		if (is_host_of(f, net->segment, out))
			return true;
	}
	return false;
}

/* A host of a segment of networks, of the family that is meant if it has one. */
static bool pick_from_networks(const struct facts *f, const char *word, struct who *who, bool v4, struct fault *fault)
{
	const struct cordon_draft *d = &f->sealed->draft;
	struct cordon_addr a;
	bool found = false;
	u32 i;

	for (i = 0; i < d->n_networks; i++) {
		if (d->networks[i].segment != who->segment ||
		    (found && cordon_addr_is_v4(&d->networks[i].addr) != v4) ||
		    !pick_host(f, &d->networks[i], &a))
			continue;
		found = true;
		who->addr = a;
		if (cordon_addr_is_v4(&a) == v4)
			break;
	}
	return found || wrong(fault, word, "which address of that segment? Name one");
}

/* An address of a device, of the other end's family if it has one. */
static bool pick_address(const struct facts *f, const char *word, struct who *who, bool v4, struct fault *fault)
{
	const struct cordon_device_def *d;
	const struct cordon_addr *a;
	u32 i;

	if (who->segment != CORDON_NO_SEGMENT)
		return pick_from_networks(f, word, who, v4, fault);
	if (!who->named)
		return true;
	d = &f->sealed->draft.devices[who->device];
	a = &f->sealed->draft.addresses[d->first];
	if (!d->n)
		return wrong(fault, d->name, "it learns its addresses, and has learned none yet");
	who->addr = a[0];
	for (i = 0; i < d->n; i++)
		if (cordon_addr_is_v4(&a[i]) == v4) {
			who->addr = a[i];
			break;
		}
	return true;
}

/* An address is written, or follows from nothing else. */
static bool is_address(const struct who *who)
{
	return !who->named && !who->gateway && who->segment == CORDON_NO_SEGMENT;
}

/* Which family is meant: that of an address, where one is written. */
static bool means_v4(const struct question *q, const struct who *from, const struct who *to)
{
	if (q->arp || q->solicits)
		return q->arp;
	if (is_address(to))
		return cordon_addr_is_v4(&to->addr);
	if (is_address(from))
		return cordon_addr_is_v4(&from->addr);
	return q->proto != IPPROTO_ICMPV6;
}

/**
 * question_needs_interface - an address says nothing without the interface that it is on
 * @a: the address
 */
bool question_needs_interface(const struct cordon_addr *a)
{
	return cordon_addr_is_unspecified(a) || cordon_addr_is_link_local(a);
}

/* A question for an address has one of its own kind at either end, and a device asks it. */
static bool check_neighbours(const struct question *q, const struct who *from, const struct who *to, struct fault *fault)
{
	if (from->device == CORDON_NO_DEVICE)
		return wrong(fault, q->from, "no device: what others ask for is not decided on");
	if (to->gateway && !to->named && !strcmp(q->to, "gateway"))
		return wrong(fault, q->to, "which address of it is asked for?");
	if (cordon_addr_is_v4(&to->addr) != q->arp || (!q->source && cordon_addr_is_v4(&from->addr) != q->arp))
		return wrong(fault, q->arp ? "arp" : "nd", q->arp ?
			     "asks for addresses of IPv4, of an address of IPv4" :
			     "asks for addresses of IPv6, of an address of IPv6");
	return true;
}

static bool find_ends(const struct facts *f, const struct question *q, struct who *from, struct who *to,
		      struct fault *fault)
{
	if (!find_who(f, q->from, CORDON_NO_DEVICE, from, fault) || !find_who(f, q->to, from->device, to, fault))
		return false;
	if (!q->source && !pick_address(f, q->from, from, means_v4(q, from, to), fault))
		return false;
	if (!pick_address(f, q->to, to, means_v4(q, from, to), fault))
		return false;
	if (q->source && policy_addr_parse(q->source, &from->addr))
		return wrong(fault, q->source, "not an address");
	return (!q->arp && !q->solicits) || check_neighbours(q, from, to, fault);
}

static const struct explain_link *find_link(const struct facts *f, const char *name)
{
	return name ? explain_find_link(&f->e, name) : NULL;
}

/**
 * question_packet - the packet that is asked about
 * @f: the gateway; its interfaces and ends are known
 * @q: the question
 * @packet: where to
 * @fault: why there is none
 */
bool question_packet(const struct facts *f, const struct question *q, struct explain_packet *packet,
		     struct fault *fault)
{
	struct who from, to;

	if (!find_ends(f, q, &from, &to, fault))
		return false;
	*packet = (struct explain_packet){
		.arp = q->arp, .solicits = q->solicits, .gateway = from.gateway, .to_gateway = to.gateway,
		.device = from.device, .in = find_link(f, q->in), .out = find_link(f, q->out),
	};
	packet->flow.src = from.addr;
	packet->flow.dst = to.addr;
	packet->flow.proto = q->proto;
	packet->flow.dport = q->port;
	explain_complete(&f->e, packet);
	if (from.gateway || from.named)
		return true;
	if (question_needs_interface(&from.addr) && !q->in)
		return wrong(fault, q->from, "any host may have that address: --in is needed");
	if (question_needs_interface(&from.addr) && policy_find_port(f->p, q->in) != CORDON_ANY_PORT)
		return wrong(fault, q->from, "who sends it shows in its MAC: --from DEVICE --source ADDRESS is needed");
	/* The address of a device does not make a host on an uplink that device. */
	if (q->in && policy_find_port(f->p, q->in) == CORDON_ANY_PORT)
		packet->device = CORDON_NO_DEVICE;
	return true;
}

/* A port by the name of its service, as getservbyname(3) knows it. */
static bool find_service(u8 proto, const char *name, u16 *port)
{
	const char *of = policy_proto_name(proto);
	const struct servent *service = of ? getservbyname(name, of) : NULL;

	if (service)
		*port = ntohs(service->s_port);
	return service;
}

/**
 * question_proto - read the protocol and port of a question
 * @q: where to
 * @proto: protocol, as written
 * @port: port, type or service, as written, or NULL
 * @fault: what is wrong with them
 */
bool question_proto(struct question *q, const char *proto, const char *port, struct fault *fault)
{
	int number = IPPROTO_ICMPV6;

	q->arp = !strcmp(proto, "arp");
	q->solicits = !strcmp(proto, "nd");
	if ((q->arp || q->solicits) && port)
		return wrong(fault, port, "no port goes with a question for an address");
	if (!q->arp && !q->solicits)
		number = policy_proto_parse(proto);
	if (number < 0)
		return wrong(fault, proto, "not the name or number of a protocol");
	q->proto = number;
	if (!port)
		return !cordon_proto_has_ports(q->proto) || wrong(fault, NULL, "a destination port is needed");
	return !policy_port_parse(q->proto, port, &q->port) || find_service(q->proto, port, &q->port) ||
	       wrong(fault, port, "not a port, a service or a type of that protocol");
}

/* The device of a name or a MAC, before the policy is sealed; or CORDON_NO_DEVICE. */
static u32 find_device(const struct policy *p, const char *word)
{
	bool is_mac;
	u8 mac[6];
	u32 i;

	is_mac = !policy_mac_parse(word, mac);
	for (i = 0; i < p->draft.n_devices; i++)
		if (is_mac ? !memcmp(p->draft.devices[i].mac, mac, 6) : !strcmp(p->draft.devices[i].name, word))
			return i;
	return CORDON_NO_DEVICE;
}

/* A device that learns its addresses gets one of each family. */
static u32 assume(struct facts *f, u32 device, struct policy_learned *out)
{
	const struct cordon_device_def *d = &f->p->draft.devices[device];

	if (!d->learn || d->n || f->assumed[device])
		return 0;
	f->assumed[device] = true;
	/* Reserved (RFC 1112), and for discarding (RFC 6666): nobody has them. */
	out[0].addr = cordon_addr_v4(0xf0000001 + device);
	out[1].addr = (struct cordon_addr){ 0x0100000000000000ULL, 1 + device };
	memcpy(out[0].mac, d->mac, 6);
	memcpy(out[1].mac, d->mac, 6);
	return 2;
}

/* Likewise whoever a word may stand for: a device, or the first two of a segment. */
static u32 assume_word(struct facts *f, const char *word, struct policy_learned *out)
{
	const struct cordon_draft *d = &f->p->draft;
	u32 i = find_device(f->p, word), segment, found = 0, n = 0;

	if (i != CORDON_NO_DEVICE)
		return assume(f, i, out);
	for (segment = 0; segment < d->n_segments && strcmp(d->segments[segment].name, word); segment++)
		;
	for (i = 0; segment < d->n_segments && i < d->n_devices && found < 2; i++) {
		if (d->devices[i].segment != segment)
			continue;
		found++;
		n += assume(f, i, out + n);
	}
	return n;
}

/* A file has no learned addresses: whoever is asked about is judged as if it had some. */
static int assume_addresses(struct facts *f, const char *const *words, u32 n)
{
	struct policy_learned *list = calloc(4 * (size_t)n + 1, sizeof(*list));
	u32 i, learned = 0;
	int err;

	f->assumed = calloc(f->p->draft.n_devices + 1, sizeof(*f->assumed));
	for (i = 0; list && f->assumed && i < n; i++)
		learned += assume_word(f, words[i], list + learned);
	err = !list || !f->assumed || policy_learn(f->p, list, learned);
	free(list);
	return err ? complain("policy", "out of memory") : EXIT_DONE;
}

/**
 * question_load - read the policy that is asked, from a file, with no learned addresses but assumed ones
 * @f: where to
 * @file: the file
 * @words: who is asked about
 * @n: how many
 *
 * Return: exit status, all is said.
 */
int question_load(struct facts *f, const char *file, const char *const *words, u32 n)
{
	return policy_load(file, &f->p, stderr) ? EXIT_REFUSED : assume_addresses(f, words, n);
}

/**
 * question_seal - make the policy one that answers
 * @f: the policy is there
 *
 * Return: exit status, all is said.
 */
int question_seal(struct facts *f)
{
	struct cordon_error err;
	char why[256];

	if (!policy_seal(f->p, &f->sealed, &err)) {
		f->e.p = f->sealed;
		return EXIT_DONE;
	}
	policy_error_text(f->p, &err, why, sizeof(why));
	return complain("policy", why);
}

/**
 * question_ends - say what state each device is in
 * @f: the gateway; its interfaces are known
 *
 * Return: exit status, all is said.
 */
int question_ends(struct facts *f)
{
	u32 i;

	f->e.ends = calloc(f->sealed->draft.n_devices + 1, sizeof(*f->e.ends));
	if (!f->e.ends || explain_learn(&f->e))
		return complain("explain", "out of memory");
	for (i = 0; i < f->sealed->draft.n_devices; i++) {
		f->e.ends[i] = device_end(f, i);
		if (f->runtime.devices)
			strcpy(f->e.places[i].lease, f->runtime.devices[i].lease_port);
	}
	return EXIT_DONE;
}

/**
 * question_assumes - the answer is for a device whose address is assumed
 * @f: the gateway
 * @packet: the packet
 */
bool question_assumes(const struct facts *f, const struct explain_packet *packet)
{
	u32 to = cordon_policy_device_by_addr(f->sealed, &packet->flow.dst);

	return f->assumed && ((packet->device != CORDON_NO_DEVICE && f->assumed[packet->device]) ||
			      (to != CORDON_NO_DEVICE && f->assumed[to]));
}

/**
 * question_free - free all that the answers came from
 * @f: what was gathered, may be empty
 */
void question_free(struct facts *f)
{
	explain_free(&f->e);
	free(f->sealed);
	free(f->assumed);
	policy_free(f->p);
	cnl_runtime_free(&f->runtime);
}
