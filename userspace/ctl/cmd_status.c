// SPDX-License-Identifier: GPL-2.0
/* status: the policy in force, in a few lines. */
#include "ctl/ctl.h"

static void print_status(const struct cnl_summary *s)
{
	u32 kind;

	if (!s->generation) {
		printf("no policy yet%s\n", s->lockdown ? "; nothing is forwarded (lockdown)" : "");
	} else {
		printf("generation %u, mode %s\n", s->generation,
		       s->mode == CORDON_MODE_OBSERVE ? "observe" : "enforce");
		if (s->awaiting)
			printf("awaits confirmation for %u s more\n", s->confirm);
		printf("%u ports, %u uplinks, %u segments, %u networks, %u rules, %u devices\n", s->ports,
		       s->uplinks, s->segments, s->networks, s->rules, s->devices);
	}
	printf("%llu packets passed, %llu denied\n", (unsigned long long)s->stats.rx_packets,
	       (unsigned long long)s->stats.denied);
	for (kind = 0; kind < CORDON_KINDS; kind++)
		if (s->stats.anomalies[kind])
			printf("  %-18s %llu\n", policy_kind_name(kind),
			       (unsigned long long)s->stats.anomalies[kind]);
}

static int run_status(const struct command *self, int argc, char **argv)
{
	static const struct option options[] = {
		{ "json", no_argument, NULL, 'j' }, { "help", no_argument, NULL, OPTION_HELP }, { }
	};
	struct cnl_summary s;
	bool json = false;
	struct cnl nl;
	int o, ret = EXIT_DONE;

	while ((o = next_option(self, argc, argv, options)) != -1) {
		if (o == OPTION_HELP)
			return EXIT_DONE;
		if (o == OPTION_ERROR)
			return EXIT_USAGE;
		json |= o == 'j';
	}
	if (argc != optind)
		return usage_error(self, "too many words", argv[optind]);
	if (!open_kernel(&nl))
		return EXIT_REFUSED;
	if (cnl_summary(&nl, &s))
		ret = complain_nl(&nl);
	else if (json)
		json_print(json_summary(&s));
	else
		print_status(&s);
	cnl_close(&nl);
	return ret;
}

const struct command cmd_status = {
	"status", "Summary of the policy in force and of what it denied", "status [--json]", "",
	run_status
};
