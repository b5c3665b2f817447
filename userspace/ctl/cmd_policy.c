// SPDX-License-Identifier: GPL-2.0
/* policy: a policy as a picture. */
#include <errno.h>
#include <string.h>

#include "ctl/ctl.h"
#include "draw/draw.h"

/**
 * struct words - what the command line says
 * @self: the command
 * @live: the kernel's policy instead of a file
 * @graph: a graph instead of a matrix
 */
struct words {
	const struct command *self;
	bool live;
	bool graph;
};

/* The kernel's rules are in the picture's order. */
static struct draw_policy *draw_live(const struct policy *p, const struct cnl_runtime *runtime)
{
	struct draw_policy *d = draw_policy_new(p);
	uint32_t i;

	for (i = 0; d && i < d->n_openings; i++) {
		const struct cnl_rule_use *use = &runtime->rules[i];

		d->openings[i].use = !use->ever ? DRAW_USE_NEVER : use->ago <= DRAW_RECENT ? DRAW_USE_RECENT : DRAW_USE_EARLIER;
	}
	return d;
}

/* Where no policy is in force, a picture of what is closed would be wrong. */
static int fetch(struct cnl *nl, struct draw_policy **out)
{
	struct cnl_runtime runtime;
	struct cnl_summary s;
	struct policy *p;

	if (cnl_summary(nl, &s))
		return complain_nl(nl);
	if (!s.in_force)
		return complain("policy", s.lockdown ? "none is in force, nothing is forwarded (lockdown)" :
							"none is in force, everything passes");
	if (cnl_fetch(nl, &p, &runtime))
		return complain_nl(nl);
	*out = draw_live(p, &runtime);
	cnl_runtime_free(&runtime);
	policy_free(p);
	return EXIT_DONE;
}

static int read_live(struct draw_policy **out)
{
	struct cnl nl;
	int ret;

	if (!open_kernel(&nl))
		return EXIT_REFUSED;
	ret = fetch(&nl, out);
	cnl_close(&nl);
	return ret;
}

static int read_file(const char *path, struct draw_policy **out)
{
	struct policy *p;

	if (policy_load(path, &p, stderr))
		return EXIT_REFUSED;
	*out = draw_policy_new(p);
	policy_free(p);
	return EXIT_DONE;
}

static int write_picture(const struct draw_policy *d, bool graph)
{
	int err = graph ? draw_graph(d, stdout) : draw_matrix(d, stdout);

	return err ? complain("policy", err == -ENOMEM ? "out of memory" : "the picture cannot be written") : EXIT_DONE;
}

static int draw(const struct words *w, const char *path)
{
	struct draw_policy *d = NULL;
	int ret = w->live ? read_live(&d) : read_file(path, &d);

	if (!ret)
		ret = d ? write_picture(d, w->graph) : complain("policy", "out of memory");
	draw_policy_free(d);
	return ret;
}

static int run_verb(const struct words *w, int argc, char **argv)
{
	const char *verb = argc > optind ? argv[optind] : NULL;

	if (!verb || strcmp(verb, "draw") != 0)
		return usage_error(w->self, "draw?", verb);
	if (argc - optind > 2)
		return usage_error(w->self, "too many words", argv[optind + 2]);
	if (w->live && argc - optind == 2)
		return usage_error(w->self, "a file, or --live", argv[optind + 1]);
	return draw(w, argc - optind == 2 ? argv[optind + 1] : POLICY_PATH);
}

static int run_policy(const struct command *self, int argc, char **argv)
{
	static const struct option options[] = {
		{ "live", no_argument, NULL, 'l' }, { "matrix", no_argument, NULL, 'm' },
		{ "graph", no_argument, NULL, 'g' }, { "help", no_argument, NULL, OPTION_HELP }, { }
	};
	struct words w = { .self = self };
	bool matrix = false;
	int o;

	while ((o = next_option(self, argc, argv, options)) != -1) {
		if (o == OPTION_HELP)
			return EXIT_DONE;
		if (o == OPTION_ERROR)
			return EXIT_USAGE;
		w.live |= o == 'l';
		w.graph |= o == 'g';
		matrix |= o == 'm';
	}
	if (matrix && w.graph)
		return usage_error(self, "--matrix or --graph?", NULL);
	return run_verb(&w, argc, argv);
}

const struct command cmd_policy = {
	"policy", "Draw a policy: who may open what towards whom",
	"policy draw [FILE] [--matrix | --graph]\npolicy draw --live [--matrix | --graph]",
	"The picture is SVG, on standard output. FILE is " POLICY_PATH "\n"
	"if none is given, and - standard input.\n\n"
	"  --live    the policy in force, with when each rule last let a connection begin\n"
	"  --matrix  a row for each segment that opens, a column for each that is opened to;\n"
	"            as without it\n"
	"  --graph   segments in a circle, and an arrow for each pair\n", run_policy
};
