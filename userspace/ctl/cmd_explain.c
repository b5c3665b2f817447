// SPDX-License-Identifier: GPL-2.0
/* explain: the verdict, by the very code that gives it in the kernel. */
#include <stdlib.h>
#include <string.h>

#include "../kernel/core/decide.h"
#include "ctl/ctl.h"
#include "lib/yaml.h"

/**
 * struct question - what is asked
 * @from: who opens, as written
 * @to: towards whom, as written
 * @proto: IANA number
 * @port: destination port or ICMP type
 * @file: a policy file instead of the kernel's policy, or NULL
 * @json: answer in JSON
 */
struct question {
	const char *from;
	const char *to;
	u8 proto;
	u16 port;
	const char *file;
	bool json;
};

/**
 * struct facts - what it is answered from
 * @p: the policy
 * @sealed: the same, sealed
 * @runtime: states, where the kernel was asked
 */
struct facts {
	struct policy *p;
	struct cordon_policy *sealed;
	struct cnl_runtime runtime;
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

static bool find_end(const struct facts *f, const char *word, struct cordon_end *end)
{
	struct cordon_addr addr;
	u32 device = CORDON_NO_DEVICE;
	u8 mac[6];

	if (!strcmp(word, "gateway")) {
		*end = cordon_end_gateway();
		return true;
	}
	if (!policy_mac_parse(word, mac)) {
		device = cordon_policy_device_by_mac(f->sealed, mac);
	} else if (!policy_addr_parse(word, &addr)) {
		device = cordon_policy_device_by_addr(f->sealed, &addr);
		if (device == CORDON_NO_DEVICE) {
			*end = cordon_end_address(f->sealed, &addr);
			return true;
		}
	} else {
		device = cordon_policy_device_by_name(f->sealed, word);
	}
	if (device == CORDON_NO_DEVICE)
		return false;
	*end = device_end(f, device);
	return true;
}

static const char *reason_text(u8 reason)
{
	static const char * const text[] = {
		[CORDON_PASS_RULE] = "a rule opens it",
		[CORDON_PASS_SERVICE] = "open to every device that is not quarantined",
		[CORDON_PASS_SEGMENT] = "both ends are in one segment, and nothing isolates them",
		[CORDON_PASS_SOURCE] = "the source is the device's own",
		[CORDON_PASS_GATEWAY] = "the gateway itself opens it",
		[CORDON_DENY_NO_RULE] = "no rule opens it",
		[CORDON_DENY_ISOLATED] = "the segment isolates its devices",
		[CORDON_DENY_NO_SEGMENT] = "an end belongs to no segment",
		[CORDON_DENY_UNAUTHENTICATED] = "the device has no lease, and no rule opens it to onboarding",
		[CORDON_DENY_UNKNOWN_DEVICE] = "unknown device",
		[CORDON_DENY_MOVED] = "the device is not behind its port",
		[CORDON_DENY_SPOOFED] = "the source is not the device's",
		[CORDON_DENY_MALFORMED] = "malformed",
	};

	return reason < sizeof(text) / sizeof(*text) ? text[reason] : "?";
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

static void answer(const struct facts *f, const struct question *q,
		   const struct cordon_end *from, const struct cordon_end *to)
{
	struct cordon_verdict v = cordon_decide_room(f->sealed, from, to, q->proto, q->port);
	u8 encryption = v.accept ? cordon_decide_encryption(f->sealed, &v, from, to) :
				   CORDON_ENCRYPTION_ANY;
	u32 rule = CORDON_NO_DEVICE;

	if (v.accept && v.reason == CORDON_PASS_RULE)
		rule = cordon_policy_rule(f->sealed, from->segment, to->segment, q->proto, q->port);
	if (q->json) {
		json_print(json_pack("{s:s,s:s,s:o,s:o,s:s?,s:o,s:s}",
				     "verdict", v.accept ? "allow" : "deny",
				     "reason", reason_text(v.reason),
				     "from", json_end(f, from, q->from),
				     "to", json_end(f, to, q->to),
				     "kind", v.accept ? NULL : policy_kind_name(v.kind),
				     "rule", rule == CORDON_NO_DEVICE ? json_null() :
				     json_rule(&f->sealed->draft, rule),
				     "encryption", policy_encryption_name(encryption)));
		return;
	}
	print_end(f, "from", from, q->from);
	print_end(f, "to  ", to, q->to);
	printf("%s: %s", v.accept ? "allow" : "deny", reason_text(v.reason));
	if (rule != CORDON_NO_DEVICE)
		printf(" (rule %u: %s -> %s)", rule, segment_name(f, from), segment_name(f, to));
	if (!v.accept)
		printf(" (%s)", policy_kind_name(v.kind));
	if (encryption != CORDON_ENCRYPTION_ANY)
		printf(", if it is %s%s", policy_encryption_name(encryption),
		       encryption == CORDON_ENCRYPTION_TLS1_2 ? " or higher" : "");
	putchar('\n');
}

static int gather(const struct question *q, struct facts *f)
{
	struct cordon_error err;
	char why[256];
	struct cnl nl;
	int ret;

	if (q->file) {
		if (policy_load(q->file, &f->p, stderr))
			return EXIT_REFUSED;
	} else {
		if (!open_kernel(&nl))
			return EXIT_REFUSED;
		ret = cnl_fetch(&nl, &f->p, &f->runtime) ? complain_nl(&nl) : EXIT_DONE;
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

static int explain(const struct question *q)
{
	struct facts f = { NULL, NULL, { NULL, NULL } };
	struct cordon_end from = { 0 }, to = { 0 };
	int ret = gather(q, &f);

	if (!ret && !find_end(&f, q->from, &from))
		ret = complain(q->from, "neither a device nor an address");
	if (!ret && !find_end(&f, q->to, &to))
		ret = complain(q->to, "neither a device nor an address");
	if (!ret)
		answer(&f, q, &from, &to);
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
		{ "policy", required_argument, NULL, 'y' }, { "json", no_argument, NULL, 'j' },
		{ "help", no_argument, NULL, OPTION_HELP }, { }
	};
	const char *proto = NULL, *port = NULL;
	struct question q = { NULL, NULL, 0, 0, NULL, false };
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
	o = policy_proto_parse(proto);
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
	"explain --from WHO --to WHO --proto PROTO [--dport PORT] [--policy FILE] [--json]",
	"WHO is a device's name or MAC, an address, or gateway.\n\n"
	"  --proto PROTO  tcp, udp, icmp, icmp6, another protocol's name, or its number\n"
	"  --dport PORT   destination port, or ICMP type by name or number\n"
	"  --policy FILE  by a file instead of the kernel's policy, every device leased\n"
	"  --json         as JSON\n", run_explain
};
