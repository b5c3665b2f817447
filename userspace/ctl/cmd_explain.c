// SPDX-License-Identifier: GPL-2.0
/* explain: the verdict, by the very code that gives it in the kernel. */
#include <stdlib.h>
#include <string.h>

#include "ctl/colour.h"
#include "ctl/ctl.h"
#include "ctl/question.h"

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
			 json_rule(&f->sealed->draft, a->rule, NULL),
			 "related", a->v.related,
			 "fast_path", a->fast,
			 "switched", a->switched,
			 "neighbours", is_between_two(a) ? json_boolean(a->neighbours) : json_null(),
			 "encryption", policy_encryption_name(a->encryption));
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
		return f->sealed->draft.devices[packet->device].learn && !question_needs_interface(src) &&
		       cordon_policy_device_by_addr(f->sealed, src) == CORDON_NO_DEVICE ? src : NULL;
	if (a->v.reason == CORDON_DENY_UNKNOWN_DEVICE && has_learners(&f->sealed->draft))
		return src;
	if (a->to.segment == CORDON_NO_SEGMENT && a->to.device == CORDON_NO_DEVICE && !explain_is_many(&f->e, packet) &&
	    a->v.reason == CORDON_DENY_NO_SEGMENT && has_learners(&f->sealed->draft))
		return dst;
	return NULL;
}

static bool all_pass(const struct explain_answer *answers, u32 n)
{
	u32 i;

	for (i = 0; i < n && answers[i].v.accept; i++)
		;
	return i == n;
}

static void print_json(const struct facts *f, const struct question *q, const struct explain_packet *packet,
		       const struct explain_answer *answers, u32 n, bool many)
{
	const struct cordon_addr *missing = n ? not_learned(f, packet, &answers[0]) : NULL;
	json_t *list = json_array(), *out = json_answer(f, &answers[0]);
	u32 i;

	for (i = 0; i < n; i++)
		json_array_append_new(list, json_answer(f, &answers[i]));
	json_object_del(out, "segment");
	json_object_set_new(out, "from", json_end(f, &answers[0].from, q->from));
	json_object_set_new(out, "to", json_end(f, &answers[0].to, q->to));
	if (many) {
		json_object_set_new(out, "verdict", json_string(all_pass(answers, n) ? "allow" : "deny"));
		json_object_set(out, "answers", list);
	}
	if (question_assumes(f, packet))
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

	printf("%s%s%s: %s", colour(a->v.accept ? COLOUR_GOOD : COLOUR_BAD), a->v.accept ? "allow" : "deny",
	       colour(COLOUR_END), explain_reason(a->v.reason));
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

static void print_answers(const struct facts *f, const struct question *q, const struct explain_answer *answers, u32 n,
			  bool many)
{
	u32 i;

	print_end(f, "from", &answers[0].from, q->from);
	if (!many)
		print_end(f, "to  ", &answers[0].to, q->to);
	for (i = 0; i < n; i++)
		many ? print_many(f, &answers[i]) : print_answer(f, &answers[i]);
	if (!many)
		print_neighbours(&answers[0]);
}

static int answer(const struct facts *f, const struct question *q, bool json)
{
	struct explain_answer *answers = calloc(f->e.n_links + 1, sizeof(*answers));
	const struct cordon_addr *missing;
	struct explain_packet packet;
	struct fault fault;
	bool many, pass;
	u32 n;

	if (!answers)
		return complain("explain", "out of memory");
	if (!question_packet(f, q, &packet, &fault)) {
		free(answers);
		return complain(fault.word, fault.why);
	}
	n = explain_packet(&f->e, &packet, answers);
	many = explain_is_many(&f->e, &packet) && !packet.out && n;
	/* What its source is refused for does not depend on where it would go. */
	many &= n > 1 || answers[0].local || answers[0].out;
	missing = n ? not_learned(f, &packet, &answers[0]) : NULL;
	pass = all_pass(answers, n);
	if (json) {
		print_json(f, q, &packet, answers, n, many);
	} else {
		print_answers(f, q, answers, n, many);
		if (missing)
			print_not_learned(f, &packet, missing);
		if (question_assumes(f, &packet))
			puts("note: a file has no learned addresses: judged is as if there were one");
	}
	free(answers);
	return pass ? EXIT_DONE : EXIT_DIFFERS;
}

static int gather(struct facts *f, const struct question *q, const char *file)
{
	const char *const words[] = { q->from, q->to };
	struct cnl nl;
	int ret;

	if (file)
		return question_load(f, file, words, 2);
	if (!open_kernel(&nl))
		return EXIT_REFUSED;
	ret = cnl_fetch(&nl, &f->p, &f->runtime) || add_learned(&nl, f->p, NULL) ? complain_nl(&nl) : EXIT_DONE;
	cnl_close(&nl);
	return ret;
}

/* The gateway as it is; an interface that is asked about may be one of another machine. */
static int look(struct facts *f, const struct question *q)
{
	if (explain_machine(&f->e) || (q->in && explain_add_link(&f->e, q->in)) ||
	    (q->out && explain_add_link(&f->e, q->out)))
		return complain("explain", "the interfaces of this machine cannot be listed");
	return question_ends(f);
}

static int explain(const struct question *q, const char *file, bool json)
{
	struct facts f = { 0 };
	int ret = gather(&f, q, file);

	if (!ret)
		ret = question_seal(&f);
	if (!ret)
		ret = look(&f, q);
	if (!ret)
		ret = answer(&f, q, json);
	question_free(&f);
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
	const char *proto = NULL, *port = NULL, *file = NULL;
	struct question q = { 0 };
	struct fault fault;
	bool json = false;
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
			file = optarg;
			break;
		case 'j':
			json = true;
			break;
		}
	}
	if (argc != optind)
		return usage_error(self, "too many words", argv[optind]);
	if (!q.from || !q.to || !proto)
		return usage_error(self, "--from, --to and --proto are needed", NULL);
	if (!question_proto(&q, proto, port, &fault))
		return usage_error(self, fault.why, fault.word);
	return explain(&q, file, json);
}

const struct command cmd_explain = {
	"explain", "Say what the verdict would be, and why",
	"explain --from WHO --to WHO --proto PROTO [--dport PORT] [--source ADDRESS]\n"
	"        [--in INTERFACE] [--out INTERFACE] [--policy FILE] [--json]",
	"WHO is a device's name or MAC, a segment, an address, or gateway. Exit status 3: denied.\n\n"
	"  --proto PROTO     tcp, udp, icmp, icmp6, another protocol's name, or its number;\n"
	"                    arp or nd: who has the address of --to?\n"
	"  --dport PORT      destination port or service, or ICMP type by name or number\n"
	"  --source ADDRESS  what the packet says it comes from, if not the sender's own\n"
	"  --in INTERFACE    where it comes in, if not where its source address is\n"
	"  --out INTERFACE   where it leaves; of a group or for broadcast, one instead of all\n"
	"  --policy FILE     by a file instead of the kernel's policy, every device leased\n"
	"  --json            as JSON\n", run_explain
};
