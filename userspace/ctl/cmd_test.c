// SPDX-License-Identifier: GPL-2.0
/* test: a policy file held against what its author expects of it; no kernel is asked, and no interface. */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/ctl.h"
#include "ctl/question.h"
#include "lib/file.h"
#include "lib/xml.h"
#include "lib/yaml_get.h"

/**
 * struct expectation - what a connection should come to
 * @at: where it stands
 * @name: what its author calls it, or NULL
 * @q: the connection
 * @proto: its protocol, as written
 * @port: its port, as written, or NULL
 * @state: enum cordon_state of the device that opens it; negative, as one with a lease
 * @to_state: likewise of the device that it is towards
 * @allow: it should pass
 * @kind: enum cordon_kind that it should count as, or negative
 * @holds: it came out so
 * @why: else, what came out
 */
struct expectation {
	struct report_mark at;
	const char *name;
	struct question q;
	const char *proto;
	const char *port;
	int state;
	int to_state;
	bool allow;
	int kind;
	bool holds;
	char why[256];
};

/**
 * struct suite - a file of them
 * @l: what it is read with
 * @policy: of which policy file it speaks, or NULL
 * @list: the expectations
 * @n: how many
 * @failed: how many of them do not hold
 * @f: the gateway
 */
struct suite {
	struct loader l;
	char *policy;
	struct expectation *list;
	u32 n;
	u32 failed;
	struct facts f;
};

enum { E_NAME, E_FROM, E_TO, E_PROTO, E_PORT, E_EXPECT, E_STATE, E_TO_STATE, E_KIND, E_SOURCE, E_IN, E_OUT, E_FIELDS };

static const struct yaml_field fields[E_FIELDS] = {
	[E_NAME] = { "name", false }, [E_FROM] = { "from", true }, [E_TO] = { "to", true },
	[E_PROTO] = { "proto", true }, [E_PORT] = { "port", false }, [E_EXPECT] = { "expect", true },
	[E_STATE] = { "state", false }, [E_TO_STATE] = { "to_state", false }, [E_KIND] = { "kind", false },
	[E_SOURCE] = { "source", false }, [E_IN] = { "in", false }, [E_OUT] = { "out", false },
};

static const char *verdict_name(u32 allow)
{
	return allow ? "allow" : "deny";
}

/* A name where one is wanted: its place, or negative where there is none, or a wrong one. */
static int load_enum(struct suite *s, const struct yaml_node *node, const char *what, const char *(*name)(u32), u32 n)
{
	return node ? yaml_enum(&s->l, node, what, name, n) : -1;
}

static const char *load_text(struct suite *s, struct yaml_node *const *value, u32 field)
{
	return value[field] ? yaml_text(&s->l, value[field], fields[field].name) : NULL;
}

static void load_proto(struct report *r, struct expectation *x, const struct yaml_node *proto,
		       const struct yaml_node *port)
{
	struct fault fault;

	if (question_proto(&x->q, x->proto, x->port, &fault))
		return;
	if (fault.word)
		report_error(r, (port && fault.word == x->port ? port : proto)->at, "%s: '%s'", fault.why, fault.word);
	else
		report_error(r, proto->at, "%s", fault.why);
}

static void load_expectation(struct suite *s, const struct yaml_node *node, struct expectation *x)
{
	struct report *r = s->l.report;
	struct yaml_node *value[E_FIELDS];

	if (!yaml_fields(&s->l, node, "an expectation", fields, E_FIELDS, value))
		return;
	*x = (struct expectation){ .at = node->at, .name = load_text(s, value, E_NAME) };
	x->q = (struct question){
		.from = load_text(s, value, E_FROM), .source = load_text(s, value, E_SOURCE),
		.to = load_text(s, value, E_TO), .in = load_text(s, value, E_IN), .out = load_text(s, value, E_OUT),
	};
	x->proto = load_text(s, value, E_PROTO);
	x->port = load_text(s, value, E_PORT);
	x->state = load_enum(s, value[E_STATE], "state", policy_state_name, CORDON_STATE_QUARANTINED + 1);
	x->to_state = load_enum(s, value[E_TO_STATE], "state", policy_state_name, CORDON_STATE_QUARANTINED + 1);
	x->kind = value[E_KIND] ? yaml_kind(&s->l, value[E_KIND]) : -1;
	x->allow = load_enum(s, value[E_EXPECT], "verdict", verdict_name, 2) == 1;
	if (x->allow && value[E_KIND])
		report_error(r, value[E_KIND]->at, "what is allowed is no anomaly");
	if (x->proto && (x->port || !value[E_PORT]))
		load_proto(r, x, value[E_PROTO], value[E_PORT]);
}

static void load_list(struct suite *s, const struct yaml_node *list)
{
	const struct yaml_node *node;

	if (!yaml_is(&s->l, list, YAML_SEQUENCE, "tests"))
		return;
	if (!list->n)
		report_error(s->l.report, list->at, "no expectation: nothing would be tested");
	s->list = calloc(list->n + 1, sizeof(*s->list));
	if (!s->list)
		yaml_no_memory(&s->l, list);
	for (node = list->child; s->list && node; node = node->next)
		load_expectation(s, node, &s->list[s->n++]);
}

/* A path in a file is one from where that file is. */
static char *beside(const char *file, const char *path)
{
	const char *slash = *path == '/' ? NULL : strrchr(file, '/');
	char *out;

	return asprintf(&out, "%.*s%s", slash ? (int)(slash - file + 1) : 0, file, path) < 0 ? NULL : out;
}

static void load_suite(struct suite *s, const struct yaml_node *root, const char *path)
{
	static const struct yaml_field top[] = { { "policy", false }, { "tests", true } };
	struct yaml_node *value[2];
	const char *policy;

	if (!yaml_fields(&s->l, root, "a file of expectations", top, 2, value))
		return;
	policy = value[0] ? yaml_text(&s->l, value[0], "policy") : NULL;
	if (policy)
		s->policy = beside(path, policy);
	if (policy && !s->policy)
		yaml_no_memory(&s->l, value[0]);
	load_list(s, value[1]);
}

/* The words of all, so that whoever learns its addresses has some. */
static int load_policy(struct suite *s, const char *file)
{
	const char **words = calloc(2 * (size_t)s->n + 1, sizeof(*words));
	u32 i;
	int ret;

	if (!words)
		return complain("test", "out of memory");
	for (i = 0; i < s->n; i++) {
		words[2 * i] = s->list[i].q.from;
		words[2 * i + 1] = s->list[i].q.to;
	}
	ret = question_load(&s->f, file, words, 2 * s->n);
	free(words);
	if (!ret)
		ret = question_seal(&s->f);
	for (i = 0; !ret && i < s->n; i++)
		if ((s->list[i].q.in && explain_add_link(&s->f.e, s->list[i].q.in)) ||
		    (s->list[i].q.out && explain_add_link(&s->f.e, s->list[i].q.out)))
			ret = complain("test", "out of memory");
	return ret ? ret : question_ends(&s->f);
}

/* The device is in that state, for this one question. */
static bool put_state(struct suite *s, const char *word, u32 device, int state, struct expectation *x)
{
	if (state < 0)
		return true;
	if (device == CORDON_NO_DEVICE) {
		snprintf(x->why, sizeof(x->why), "only a device has a state, and '%s' is none", word);
		return false;
	}
	s->f.e.ends[device] = (struct cordon_end){ device, cordon_state_segment(s->f.sealed, device, state), state };
	return true;
}

static void judge(struct suite *s, struct expectation *x, const struct explain_packet *packet)
{
	struct explain_answer *answers = calloc(s->f.e.n_links + 1, sizeof(*answers)), *a = answers;
	const char *kind;

	if (!answers) {
		snprintf(x->why, sizeof(x->why), "not enough memory");
		return;
	}
	explain_packet(&s->f.e, packet, answers);
	kind = a->v.accept || a->uncounted ? NULL : policy_kind_name(a->v.kind);
	x->holds = a->v.accept == x->allow && (x->kind < 0 || (kind && !strcmp(kind, policy_kind_name(x->kind))));
	snprintf(x->why, sizeof(x->why), "%s%s%s, and it is %s: %s%s%s%s", verdict_name(x->allow),
		 x->kind < 0 ? "" : " as ", x->kind < 0 ? "" : policy_kind_name(x->kind), verdict_name(a->v.accept),
		 explain_reason(a->v.reason), kind ? " (" : "", kind ? kind : "", kind ? ")" : "");
	free(answers);
}

static void test_one(struct suite *s, struct expectation *x)
{
	struct explain_packet packet;
	struct cordon_end from, to;
	struct fault fault;
	u32 target;

	if (!question_packet(&s->f, &x->q, &packet, &fault)) {
		snprintf(x->why, sizeof(x->why), "%s: '%s'", fault.why, fault.word);
		return;
	}
	if (explain_is_many(&s->f.e, &packet)) {
		snprintf(x->why, sizeof(x->why), "what is for many goes where the gateway's interfaces are, which no file tells");
		return;
	}
	target = cordon_policy_device_by_addr(s->f.sealed, &packet.flow.dst);
	from = s->f.e.ends[packet.device == CORDON_NO_DEVICE ? 0 : packet.device];
	to = s->f.e.ends[target == CORDON_NO_DEVICE ? 0 : target];
	if (put_state(s, x->q.from, packet.device, x->state, x) && put_state(s, x->q.to, target, x->to_state, x))
		judge(s, x, &packet);
	if (packet.device != CORDON_NO_DEVICE)
		s->f.e.ends[packet.device] = from;
	if (target != CORDON_NO_DEVICE)
		s->f.e.ends[target] = to;
}

/* cam -> 192.0.2.10 tcp/443, quarantined */
static void put_title(FILE *out, const struct expectation *x)
{
	if (x->name) {
		fputs(x->name, out);
		return;
	}
	fprintf(out, "%s -> %s %s%s%s", x->q.from, x->q.to, x->proto, x->port ? "/" : "", x->port ? x->port : "");
	if (x->state >= 0)
		fprintf(out, ", %s", policy_state_name(x->state));
	if (x->to_state >= 0)
		fprintf(out, ", towards it %s", policy_state_name(x->to_state));
}

static char *title_of(const struct expectation *x)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	if (!out)
		return NULL;
	put_title(out, x);
	return fclose(out) ? NULL : text;
}

static void put_xml(FILE *out, const char *text)
{
	xml_text(text, strlen(text), UINT_MAX, out);
}

static void put_junit(FILE *out, const struct suite *s, const char *policy)
{
	const char *path = s->l.report->path;
	const struct expectation *x;
	char *title;
	u32 i;

	fputs("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuite name=\"", out);
	put_xml(out, path);
	fprintf(out, "\" tests=\"%u\" failures=\"%u\" errors=\"0\" skipped=\"0\">\n", s->n, s->failed);
	for (i = 0; i < s->n; i++) {
		x = &s->list[i];
		title = title_of(x);
		fputs("  <testcase classname=\"", out);
		put_xml(out, policy);
		fputs("\" name=\"", out);
		put_xml(out, title ? title : "?");
		fprintf(out, "\" line=\"%u\"", x->at.line + 1);
		free(title);
		if (x->holds) {
			fputs("/>\n", out);
			continue;
		}
		fputs(">\n    <failure message=\"expected ", out);
		put_xml(out, x->why);
		fputs("\">", out);
		put_xml(out, path);
		fprintf(out, ":%u:%u</failure>\n  </testcase>\n", x->at.line + 1, x->at.column + 1);
	}
	fputs("</testsuite>\n", out);
}

static int write_junit(const struct suite *s, const char *policy, const char *path)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);
	int err;

	if (!out)
		return complain(path, "not enough memory");
	put_junit(out, s, policy);
	err = fclose(out) ? -errno : file_write(path, text, len, 0644);
	free(text);
	return err ? complain(path, strerror(-err)) : EXIT_DONE;
}

static void print_json(const struct suite *s, const char *policy)
{
	json_t *list = json_array();
	const struct expectation *x;
	char *title;
	u32 i;

	for (i = 0; i < s->n; i++) {
		x = &s->list[i];
		title = title_of(x);
		json_array_append_new(list, json_pack("{s:s?,s:i,s:b,s:s?}", "name", title, "line", x->at.line + 1,
						      "holds", x->holds, "why", x->holds ? NULL : x->why));
		free(title);
	}
	json_print(json_pack("{s:s,s:o,s:o,s:o}", "policy", policy, "passed", json_count(s->n - s->failed),
			     "failed", json_count(s->failed), "tests", list));
}

static void print_text(const struct suite *s)
{
	const struct expectation *x;
	char *title;
	u32 i;

	for (i = 0; i < s->n; i++) {
		x = &s->list[i];
		if (x->holds)
			continue;
		title = title_of(x);
		report_error(s->l.report, x->at, "%s: expected %s", title ? title : "?", x->why);
		free(title);
	}
	report_end(s->l.report);
	printf("%u expectations: %u hold, %u do not\n", s->n, s->n - s->failed, s->failed);
}

static int test(struct suite *s, const char *policy, const char *junit, bool json)
{
	int ret = load_policy(s, policy);
	u32 i;

	if (ret)
		return ret;
	for (i = 0; i < s->n; i++) {
		test_one(s, &s->list[i]);
		s->failed += !s->list[i].holds;
	}
	if (json)
		print_json(s, policy);
	else
		print_text(s);
	if (junit)
		ret = write_junit(s, policy, junit);
	return ret || s->failed ? EXIT_REFUSED : EXIT_DONE;
}

static int run_suite(const char *path, const char *policy, const char *junit, bool json)
{
	struct report report = { .path = strcmp(path, "-") ? path : "<stdin>", .out = stderr };
	struct suite s = { .l.report = &report };
	struct yaml_tree tree;
	int ret = EXIT_REFUSED;

	yaml_tree_load(&tree, path, &report);
	if (tree.root)
		load_suite(&s, tree.root, path);
	if (report.errors) {
		report_end(&report);
	} else {
		report.out = stdout;
		ret = test(&s, policy ? policy : s.policy ? s.policy : POLICY_PATH, junit, json);
	}
	question_free(&s.f);
	free(s.policy);
	free(s.list);
	yaml_tree_free(&tree);
	return ret;
}

static int run_test(const struct command *self, int argc, char **argv)
{
	static const struct option options[] = {
		{ "policy", required_argument, NULL, 'y' }, { "junit", required_argument, NULL, 'u' },
		{ "json", no_argument, NULL, 'j' }, { "help", no_argument, NULL, OPTION_HELP }, { }
	};
	const char *policy = NULL, *junit = NULL;
	bool json = false;
	int o;

	while ((o = next_option(self, argc, argv, options)) != -1) {
		switch (o) {
		case OPTION_HELP:
			return EXIT_DONE;
		case OPTION_ERROR:
			return EXIT_USAGE;
		case 'y':
			policy = optarg;
			break;
		case 'u':
			junit = optarg;
			break;
		case 'j':
			json = true;
			break;
		}
	}
	if (argc - optind != 1)
		return usage_error(self, argc == optind ? "a file is needed" : "too many words",
				   argc == optind ? NULL : argv[optind + 1]);
	return run_suite(argv[optind], policy, junit, json);
}

const struct command cmd_test = {
	"test", "Hold a policy file against what is expected of it",
	"test FILE [--policy FILE] [--junit FILE] [--json]",
	"FILE lists expectations, see cordonctl(8); - is standard input. The kernel is not asked.\n"
	"Exit status 1: one of them does not hold.\n\n"
	"  --policy FILE  the policy, instead of the one that FILE names, or /etc/cordon/policy.yaml\n"
	"  --junit FILE   also write the results there, as JUnit's XML\n"
	"  --json         as JSON\n", run_test
};
