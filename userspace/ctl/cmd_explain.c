// SPDX-License-Identifier: GPL-2.0
/* explain: the verdict, by the very code that gives it in the kernel. */
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/ctl.h"
#include "lib/explain.h"
#include "lib/yaml.h"

/**
 * struct question - what is asked
 * @from: who opens, as written
 * @source: source address of the packet, as written; or NULL, the sender's own
 * @to: towards whom, as written
 * @in: interface that it comes in on, or NULL
 * @out: interface that it leaves by, or NULL
 * @proto: IANA number
 * @port: destination port or ICMP type
 * @arp: it is a question of ARP
 * @solicits: it is one of neighbour discovery
 * @file: a policy file instead of the kernel's policy, or NULL
 * @json: answer in JSON
 */
struct question {
	const char *from;
	const char *source;
	const char *to;
	const char *in;
	const char *out;
	u8 proto;
	u16 port;
	bool arp;
	bool solicits;
	const char *file;
	bool json;
};

/**
 * struct facts - what it is answered from
 * @p: the policy
 * @sealed: the same, sealed
 * @runtime: states, where the kernel was asked
 * @assumed: an address is assumed of a device that learns
 * @e: the gateway
 */
struct facts {
	struct policy *p;
	struct cordon_policy *sealed;
	struct cnl_runtime runtime;
	bool assumed;
	struct explain e;
};

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
 * @addr: the address, where one is written
 */
struct who {
	bool gateway;
	u32 device;
	bool named;
	struct cordon_addr addr;
};

static int find_who(const struct facts *f, const char *word, struct who *who)
{
	u8 mac[6];
	u32 i, j;

	*who = (struct who){ .device = CORDON_NO_DEVICE };
	if (!strcmp(word, "gateway")) {
		who->gateway = true;
		return EXIT_DONE;
	}
	if (!policy_addr_parse(word, &who->addr)) {
		who->device = cordon_policy_device_by_addr(f->sealed, &who->addr);
		for (i = 0; i < f->e.n_links; i++)
			for (j = 0; j < f->e.links[i].n; j++)
				who->gateway |= cordon_addr_equal(&f->e.links[i].self[j], &who->addr);
		return EXIT_DONE;
	}
	who->named = true;
	if (!policy_mac_parse(word, mac))
		who->device = cordon_policy_device_by_mac(f->sealed, mac);
	else
		who->device = cordon_policy_device_by_name(f->sealed, word);
	if (who->device != CORDON_NO_DEVICE)
		return EXIT_DONE;
	if (strchr(word, ':') && strchr(word, '.'))
		return complain(word, "an IPv4-mapped address, which no packet may bear");
	return complain(word, "neither a device nor an address");
}

/* An address of a device, of the other end's family if it has one. */
static int pick_address(const struct facts *f, struct who *who, bool v4)
{
	const struct cordon_device_def *d;
	const struct cordon_addr *a;
	u32 i;

	if (!who->named)
		return EXIT_DONE;
	d = &f->sealed->draft.devices[who->device];
	a = &f->sealed->draft.addresses[d->first];
	if (!d->n)
		return complain(d->name, "it learns its addresses, and has learned none yet");
	who->addr = a[0];
	for (i = 0; i < d->n; i++)
		if (cordon_addr_is_v4(&a[i]) == v4) {
			who->addr = a[i];
			break;
		}
	return EXIT_DONE;
}

/* Which family is meant: that of an address, where one is written. */
static bool means_v4(const struct question *q, const struct who *from, const struct who *to)
{
	if (q->arp || q->solicits)
		return q->arp;
	if (!to->named && !to->gateway)
		return cordon_addr_is_v4(&to->addr);
	if (!from->named && !from->gateway)
		return cordon_addr_is_v4(&from->addr);
	return q->proto != IPPROTO_ICMPV6;
}

static bool needs_interface(const struct cordon_addr *a)
{
	return cordon_addr_is_unspecified(a) || cordon_addr_is_link_local(a);
}

/* A question has an address of its own kind at either end, and a device asks it. */
static int check_question(const struct question *q, const struct who *from, const struct who *to)
{
	if (from->device == CORDON_NO_DEVICE)
		return complain(q->from, "no device: what others ask for is not decided on");
	if (to->gateway && !to->named && !strcmp(q->to, "gateway"))
		return complain(q->to, "which address of it is asked for?");
	if (cordon_addr_is_v4(&to->addr) != q->arp || (!q->source && cordon_addr_is_v4(&from->addr) != q->arp))
		return complain(q->arp ? "arp" : "nd", q->arp ? "asks for addresses of IPv4, of an address of IPv4" :
				"asks for addresses of IPv6, of an address of IPv6");
	return EXIT_DONE;
}

static const struct explain_link *find_link(struct facts *f, const char *name)
{
	return name ? explain_find_link(&f->e, name) : NULL;
}

/* The packet that is asked about. */
static int make_packet(struct facts *f, const struct question *q, struct explain_packet *packet)
{
	struct who from, to;

	if (find_who(f, q->from, &from) || find_who(f, q->to, &to))
		return EXIT_REFUSED;
	if (!q->source && pick_address(f, &from, means_v4(q, &from, &to)))
		return EXIT_REFUSED;
	if (pick_address(f, &to, means_v4(q, &from, &to)))
		return EXIT_REFUSED;
	if (q->source && policy_addr_parse(q->source, &from.addr))
		return complain(q->source, "not an address");
	if ((q->arp || q->solicits) && check_question(q, &from, &to))
		return EXIT_REFUSED;
	packet->arp = q->arp;
	packet->solicits = q->solicits;
	packet->gateway = from.gateway;
	packet->to_gateway = to.gateway;
	packet->device = from.device;
	packet->flow.src = from.addr;
	packet->flow.dst = to.addr;
	packet->in = find_link(f, q->in);
	packet->out = find_link(f, q->out);
	packet->flow.proto = q->proto;
	packet->flow.dport = q->port;
	explain_complete(&f->e, packet);
	if (from.gateway || from.named)
		return EXIT_DONE;
	if (needs_interface(&from.addr) && !q->in)
		return complain(q->from, "any host may have that address: --in is needed");
	if (needs_interface(&from.addr) && policy_find_port(f->p, q->in) != CORDON_ANY_PORT)
		return complain(q->from, "who sends it shows in its MAC: --from DEVICE --source ADDRESS is needed");
	/* The address of a device does not make a host on an uplink that device. */
	if (q->in && policy_find_port(f->p, q->in) == CORDON_ANY_PORT)
		packet->device = CORDON_NO_DEVICE;
	return EXIT_DONE;
}

static const char *segment_name(const struct facts *f, const struct cordon_end *end)
{
	return end->segment == CORDON_NO_SEGMENT ? NULL :
	       f->sealed->draft.segments[end->segment].name;
}

static json_t *json_end(const struct facts *f, const struct cordon_end *end, const char *word)
{
	bool device = end->device != CORDON_NO_DEVICE;

	return json_pack("{s:o,s:s?,s:s?,s:s?}", "asked", json_text(word),
			 "device", device ? f->sealed->draft.devices[end->device].name : NULL,
			 "segment", segment_name(f, end),
			 "state", device ? policy_state_name(end->state) : NULL);
}

static bool is_counted(const struct explain_answer *a)
{
	return !a->v.accept && !a->uncounted;
}

/* It is switched from one device to another. */
static bool is_between_two(const struct explain_answer *a)
{
	return a->switched && a->to.device != CORDON_NO_DEVICE;
}

static json_t *json_answer(const struct facts *f, const struct explain_answer *a)
{
	return json_pack("{s:s,s:s,s:s?,s:s?,s:s?,s:o,s:b,s:b,s:b,s:o,s:s}",
			 "verdict", a->v.accept ? "allow" : "deny",
			 "reason", explain_reason(a->v.reason),
			 "interface", a->out ? a->out->name : NULL,
			 "segment", segment_name(f, &a->to),
			 "kind", is_counted(a) ? policy_kind_name(a->v.kind) : NULL,
			 "rule", a->rule == CORDON_NO_DEVICE ? json_null() :
			 json_rule(&f->sealed->draft, a->rule),
			 "related", a->v.related,
			 "fast_path", a->fast,
			 "switched", a->switched,
			 "neighbours", is_between_two(a) ? json_boolean(a->neighbours) : json_null(),
			 "encryption", policy_encryption_name(a->encryption));
}

static void print_json(const struct facts *f, const struct question *q, const struct explain_answer *answers, u32 n,
		       bool many, const struct cordon_addr *missing)
{
	json_t *list = json_array(), *out = json_answer(f, &answers[0]);
	bool all = true;
	u32 i;

	for (i = 0; i < n; i++) {
		json_array_append_new(list, json_answer(f, &answers[i]));
		all &= answers[i].v.accept;
	}
	json_object_del(out, "segment");
	json_object_set_new(out, "from", json_end(f, &answers[0].from, q->from));
	json_object_set_new(out, "to", json_end(f, &answers[0].to, q->to));
	if (many) {
		json_object_set_new(out, "verdict", json_string(all ? "allow" : "deny"));
		json_object_set(out, "answers", list);
	}
	if (f->assumed)
		json_object_set_new(out, "assumed", json_true());
	if (missing)
		json_object_set_new(out, "not_learned", json_addr(missing));
	json_decref(list);
	json_print(out);
}

static void print_end(const struct facts *f, const char *what, const struct cordon_end *end,
		      const char *word)
{
	const char *segment = segment_name(f, end);

	printf("%s %s: ", what, word);
	if (end->device != CORDON_NO_DEVICE)
		printf("device %s, %s, ", f->sealed->draft.devices[end->device].name,
		       policy_state_name(end->state));
	printf("%s%s\n", segment ? "in segment " : "in no segment", segment ? segment : "");
}

static void print_answer(const struct facts *f, const struct explain_answer *a)
{
	const char *from = segment_name(f, &a->from), *to = segment_name(f, &a->to);

	printf("%s: %s", a->v.accept ? "allow" : "deny", explain_reason(a->v.reason));
	if (a->rule != CORDON_NO_DEVICE)
		printf(" (rule %u: %s -> %s%s)", a->rule, from, to,
		       a->v.related ? ", related too" : "");
	if (is_counted(a))
		printf(" (%s)", policy_kind_name(a->v.kind));
	if (a->encryption != CORDON_ENCRYPTION_ANY)
		printf(", if it is %s%s", policy_encryption_name(a->encryption),
		       a->encryption == CORDON_ENCRYPTION_TLS1_2 ? " or higher" : "");
	if (a->fast)
		printf("; once it is established, its packets take the fast path");
	if (a->switched && a->v.accept && a->v.reason < CORDON_REASONS)
		printf("; it is switched, and each of its packets takes the slow path");
	putchar('\n');
}

/* Of what is switched from one device to another: do they find each other? */
static void print_neighbours(const struct explain_answer *a)
{
	if (is_between_two(a))
		printf("neighbours: %s: %s\n", a->neighbours ? "allow" : "deny",
		       explain_reason(a->neighbours ? EXPLAIN_PASS_NEIGHBOURS : EXPLAIN_DENY_NEIGHBOURS));
}

static bool has_learners(const struct cordon_draft *d)
{
	return cordon_draft_learners(d) > 0;
}

/* An address that is no device's and may become one's; NULL, that is not why it is denied. */
static const struct cordon_addr *not_learned(const struct facts *f, const struct explain_packet *packet,
					     const struct explain_answer *a)
{
	const struct cordon_addr *src = &packet->flow.src, *dst = &packet->flow.dst;

	if (a->v.accept || packet->gateway)
		return NULL;
	if (a->v.reason == CORDON_DENY_SPOOFED && packet->device != CORDON_NO_DEVICE)
		return f->sealed->draft.devices[packet->device].learn && !needs_interface(src) &&
		       cordon_policy_device_by_addr(f->sealed, src) == CORDON_NO_DEVICE ? src : NULL;
	if (a->v.reason == CORDON_DENY_UNKNOWN_DEVICE && has_learners(&f->sealed->draft))
		return src;
	if (a->to.segment == CORDON_NO_SEGMENT && a->to.device == CORDON_NO_DEVICE && !explain_is_many(&f->e, packet) &&
	    a->v.reason == CORDON_DENY_NO_SEGMENT && has_learners(&f->sealed->draft))
		return dst;
	return NULL;
}

static void print_not_learned(const struct facts *f, const struct explain_packet *packet,
			      const struct cordon_addr *addr)
{
	char text[POLICY_ADDR_LEN];

	policy_addr_text(addr, text);
	if (packet->device != CORDON_NO_DEVICE && addr == &packet->flow.src)
		printf("note: device %s learns its addresses: %s is not learned yet\n",
		       f->sealed->draft.devices[packet->device].name, text);
	else
		printf("note: some devices learn their addresses: %s may be one that is not learned yet\n", text);
}

/* Of a packet for many a line for each that it may reach. */
static void print_many(const struct facts *f, const struct explain_answer *a)
{
	const char *from = segment_name(f, &a->from), *to = segment_name(f, &a->to);

	printf("%s: ", a->local ? "gateway" : a->out ? a->out->name : "?");
	if (!a->v.accept && !a->local && from && to && a->v.reason < CORDON_REASONS)
		printf("%s -> %s: ", from, to);
	print_answer(f, a);
}

static int answer(struct facts *f, const struct question *q)
{
	struct explain_answer *answers = calloc(f->e.n_links + 1, sizeof(*answers));
	const struct cordon_addr *missing;
	struct explain_packet packet = { 0 };
	bool many;
	u32 n, i;
	int ret;

	if (!answers)
		return complain("explain", "out of memory");
	ret = make_packet(f, q, &packet);
	if (!ret) {
		n = explain_packet(&f->e, &packet, answers);
		many = explain_is_many(&f->e, &packet) && !packet.out && n;
		/* What its source is refused for does not depend on where it would go. */
		many &= n > 1 || answers[0].local || answers[0].out;
		missing = n ? not_learned(f, &packet, &answers[0]) : NULL;
		if (q->json) {
			print_json(f, q, answers, n, many, missing);
		} else {
			print_end(f, "from", &answers[0].from, q->from);
			if (!many)
				print_end(f, "to  ", &answers[0].to, q->to);
			for (i = 0; i < n; i++)
				many ? print_many(f, &answers[i]) : print_answer(f, &answers[i]);
			if (!many)
				print_neighbours(&answers[0]);
			if (missing)
				print_not_learned(f, &packet, missing);
			if (f->assumed)
				puts("note: a file has no learned addresses: judged is as if there were one");
		}
	}
	free(answers);
	return ret;
}

/* The device of a name or a MAC, before the policy is sealed; or NULL. */
static const struct cordon_device_def *find_device(const struct policy *p, const char *word)
{
	bool is_mac;
	u8 mac[6];
	u32 i;

	is_mac = !policy_mac_parse(word, mac);
	for (i = 0; i < p->draft.n_devices; i++)
		if (is_mac ? !memcmp(p->draft.devices[i].mac, mac, 6) : !strcmp(p->draft.devices[i].name, word))
			return &p->draft.devices[i];
	return NULL;
}

/* A file has no learned addresses: whoever is asked about is judged as if it had one, of each family. */
static int assume_addresses(const struct question *q, struct facts *f)
{
	const char *const words[] = { q->from, q->to };
	const struct cordon_device_def *d;
	struct policy_learned list[4];
	u32 i, n = 0;

	for (i = 0; i < 2; i++) {
		d = find_device(f->p, words[i]);
		if (!d || !d->learn || d->n || (i && n && !memcmp(list[0].mac, d->mac, 6)))
			continue;
		/* Reserved (RFC 1112), and for discarding (RFC 6666): nobody has them. */
		list[n].addr = cordon_addr_v4(0xf0000001 + i);
		memcpy(list[n++].mac, d->mac, 6);
		list[n].addr = (struct cordon_addr){ 0x0100000000000000ULL, 1 + i };
		memcpy(list[n++].mac, d->mac, 6);
	}
	f->assumed = n;
	return policy_learn(f->p, list, n) ? complain("explain", "out of memory") : EXIT_DONE;
}

static int gather(const struct question *q, struct facts *f)
{
	struct cordon_error err;
	char why[256];
	struct cnl nl;
	int ret;

	if (q->file) {
		if (policy_load(q->file, &f->p, stderr) || assume_addresses(q, f))
			return EXIT_REFUSED;
	} else {
		if (!open_kernel(&nl))
			return EXIT_REFUSED;
		ret = cnl_fetch(&nl, &f->p, &f->runtime) || add_learned(&nl, f->p, NULL) ? complain_nl(&nl) : EXIT_DONE;
		cnl_close(&nl);
		if (ret)
			return ret;
	}
	if (policy_seal(f->p, &f->sealed, &err)) {
		policy_error_text(f->p, &err, why, sizeof(why));
		return complain("policy", why);
	}
	return EXIT_DONE;
}

/* The gateway as it is; an interface that is asked about may be one of another machine. */
static int look(const struct question *q, struct facts *f)
{
	u32 i;

	f->e.p = f->sealed;
	f->e.ends = calloc(f->sealed->draft.n_devices + 1, sizeof(*f->e.ends));
	if (!f->e.ends || explain_machine(&f->e) || (q->in && explain_add_link(&f->e, q->in)) ||
	    (q->out && explain_add_link(&f->e, q->out)))
		return complain("explain", "the interfaces of this machine cannot be listed");
	if (explain_learn(&f->e))
		return complain("explain", "out of memory");
	for (i = 0; i < f->sealed->draft.n_devices; i++) {
		f->e.ends[i] = device_end(f, i);
		if (f->runtime.devices)
			strcpy(f->e.places[i].lease, f->runtime.devices[i].lease_port);
	}
	return EXIT_DONE;
}

static int explain(const struct question *q)
{
	struct facts f = { 0 };
	int ret = gather(q, &f);

	if (!ret)
		ret = look(q, &f);
	if (!ret)
		ret = answer(&f, q);
	explain_free(&f.e);
	free(f.sealed);
	policy_free(f.p);
	cnl_runtime_free(&f.runtime);
	return ret;
}

static int run_explain(const struct command *self, int argc, char **argv)
{
	static const struct option options[] = {
		{ "from", required_argument, NULL, 'f' }, { "to", required_argument, NULL, 't' },
		{ "proto", required_argument, NULL, 'p' }, { "dport", required_argument, NULL, 'd' },
		{ "source", required_argument, NULL, 's' }, { "in", required_argument, NULL, 'i' },
		{ "out", required_argument, NULL, 'o' },
		{ "policy", required_argument, NULL, 'y' }, { "json", no_argument, NULL, 'j' },
		{ "help", no_argument, NULL, OPTION_HELP }, { }
	};
	const char *proto = NULL, *port = NULL;
	struct question q = { 0 };
	int o;

	while ((o = next_option(self, argc, argv, options)) != -1) {
		switch (o) {
		case OPTION_HELP:
			return EXIT_DONE;
		case OPTION_ERROR:
			return EXIT_USAGE;
		case 'f':
			q.from = optarg;
			break;
		case 't':
			q.to = optarg;
			break;
		case 'p':
			proto = optarg;
			break;
		case 'd':
			port = optarg;
			break;
		case 's':
			q.source = optarg;
			break;
		case 'i':
			q.in = optarg;
			break;
		case 'o':
			q.out = optarg;
			break;
		case 'y':
			q.file = optarg;
			break;
		case 'j':
			q.json = true;
			break;
		}
	}
	if (argc != optind)
		return usage_error(self, "too many words", argv[optind]);
	if (!q.from || !q.to || !proto)
		return usage_error(self, "--from, --to and --proto are needed", NULL);
	q.arp = !strcmp(proto, "arp");
	q.solicits = !strcmp(proto, "nd");
	if (port && (q.arp || q.solicits))
		return usage_error(self, "no --dport goes with a question for an address", port);
	o = q.arp || q.solicits ? IPPROTO_ICMPV6 : policy_proto_parse(proto);
	if (o < 0)
		return usage_error(self, "not the name or number of a protocol", proto);
	q.proto = o;
	if (port && policy_port_parse(q.proto, port, &q.port))
		return usage_error(self, "not a port or type of that protocol", port);
	if (!port && cordon_proto_has_ports(q.proto))
		return usage_error(self, "--dport is needed", NULL);
	return explain(&q);
}

const struct command cmd_explain = {
	"explain", "Say what the verdict would be, and why",
	"explain --from WHO --to WHO --proto PROTO [--dport PORT] [--source ADDRESS]\n"
	"        [--in INTERFACE] [--out INTERFACE] [--policy FILE] [--json]",
	"WHO is a device's name or MAC, an address, or gateway.\n\n"
	"  --proto PROTO     tcp, udp, icmp, icmp6, another protocol's name, or its number;\n"
	"                    arp or nd: who has the address of --to?\n"
	"  --dport PORT      destination port, or ICMP type by name or number\n"
	"  --source ADDRESS  what the packet says it comes from, if not the sender's own\n"
	"  --in INTERFACE    where it comes in, if not where its source address is\n"
	"  --out INTERFACE   where it leaves; of a group or for broadcast, one instead of all\n"
	"  --policy FILE     by a file instead of the kernel's policy, every device leased\n"
	"  --json            as JSON\n", run_explain
};
