// SPDX-License-Identifier: GPL-2.0
/* fleet: this gateway among others that share a registry. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/cmd_fleet.h"
#include "fleet/ask.h"
#include "store/fleet.h"

/**
 * fleet_config - serve.yaml of a gateway that is in a fleet
 * @path: NULL, the usual one
 * @out: it
 *
 * Return: an exit status; what is wrong was told.
 */
int fleet_config(const char *path, struct serve_config *out)
{
	if (serve_config_load(path, out, stderr))
		return EXIT_REFUSED;
	if (!out->fleet.n)
		return complain(out->path, "this gateway is in no fleet: registry has no etcd");
	return EXIT_DONE;
}

/**
 * fleet_question - ask cordon-fleet
 * @c: serve.yaml
 * @about: a gateway's name; or NULL
 * @question: is taken over
 * @timeout: ms
 *
 * Return: the answer, if it is "done", without that and its number; NULL, it was told why not.
 */
json_t *fleet_question(const struct serve_config *c, const char *about, json_t *question, int timeout)
{
	json_t *answer = NULL;
	const char *is, *said;
	char why[512];
	int err = fleet_ask(c->fleet.run, question, timeout, &answer, why, sizeof(why));

	if (err) {
		complain("fleet", why);
		if (err == -ENOENT)
			complain_note("it is started by", "systemctl enable --now cordon-fleet");
		return NULL;
	}
	is = json_string_value(json_object_get(answer, "is"));
	if (is && !strcmp(is, "done")) {
		json_object_del(answer, "id");
		json_object_del(answer, "is");
		return answer;
	}
	said = json_string_value(json_object_get(answer, "why"));
	snprintf(why, sizeof(why), "%s: %s", is ? is : "no answer", said ? said : "cordon-fleet does not say why");
	complain(about ? about : "fleet", why);
	json_decref(answer);
	return NULL;
}

static int done(json_t *answer)
{
	if (!answer)
		return EXIT_REFUSED;
	json_decref(answer);
	return EXIT_DONE;
}

static int expel(const struct fleet_words *w)
{
	int ret;

	if (!w->why || !*w->why)
		return usage_error(w->self, "expel wants --why TEXT: it is what all gateways show", NULL);
	if (!w->yes) {
		complain(w->name, "not expelled: all that its CA has signed is refused by all gateways from then on, and its devices "
			 "have to enrol again elsewhere");
		complain_note("if that is meant", "add --yes");
		return EXIT_REFUSED;
	}
	ret = done(fleet_question(&w->config, w->name, json_pack("{s:s, s:s, s:s}", "do", "expel", "gateway", w->name, "why",
								 w->why), FLEET_WAIT));
	if (ret)
		return ret;
	printf("gateway %s is expelled: other gateways refuse what it has signed\n", w->name);
	fleet_tell_expelled(w);
	return EXIT_DONE;
}

static int rejoin(const struct fleet_words *w)
{
	int ret = done(fleet_question(&w->config, NULL, json_pack("{s:s}", "do", "rejoin"), FLEET_WAIT));

	if (!ret)
		puts("etcd's history counts from now on; revocations, quarantine and serial numbers that it lost are written there");
	return ret;
}

/* Only while cordon-fleet does not run, as it would join again. */
static int leave(const struct fleet_words *w)
{
	struct store s = { .db = NULL };
	struct store_fleet f;
	json_t *answer = NULL;
	char why[256];
	int err = fleet_ask(w->config.fleet.run, json_pack("{s:s}", "do", "status"), FLEET_WAIT, &answer, why, sizeof(why));

	json_decref(answer);
	if (err != -ENOENT) {
		complain("fleet", "cordon-fleet runs: the registry would be in the fleet again at once");
		complain_note("stop it, and take 'etcd' out of serve.yaml", "systemctl disable --now cordon-fleet");
		return EXIT_REFUSED;
	}
	err = store_open(&s, w->config.registry, false);
	if (!err)
		err = store_fleet_get(&s, &f);
	if (err == -ENOENT && s.db) {
		store_close(&s);
		return complain("fleet", "the registry is in no fleet");
	}
	if (!err)
		err = store_fleet_leave(&s);
	if (err)
		complain(w->config.registry, s.error);
	else
		printf("the registry is this gateway's alone: what it had of the fleet stays as it is\n");
	if (s.db)
		store_close(&s);
	return err ? EXIT_REFUSED : EXIT_DONE;
}

/**
 * struct verb - of this command
 * @name: its word
 * @which: asks for the name that has to follow; NULL, none does
 * @run: does it
 */
static const struct verb {
	const char *name;
	const char *which;
	int (*run)(const struct fleet_words *w);
} verbs[] = {
	{ "init", NULL, fleet_member_init },
	{ "add", "which gateway?", fleet_member_add },
	{ "status", NULL, fleet_print_status },
	{ "gateways", NULL, fleet_print_gateways },
	{ "where", "which device?", fleet_print_where },
	{ "policy", NULL, fleet_print_policy },
	{ "expel", "which gateway?", expel },
	{ "rejoin", NULL, rejoin },
	{ "leave", NULL, leave },
};

static const struct verb *find(const char *word)
{
	size_t i;

	for (i = 0; i < sizeof(verbs) / sizeof(*verbs); i++)
		if (!strcmp(verbs[i].name, word))
			return &verbs[i];
	return NULL;
}

static int run_fleet(const struct command *self, int argc, char **argv)
{
	static const struct option options[] = {
		{ "config", required_argument, NULL, 'c' }, { "json", no_argument, NULL, 'j' },
		{ "why", required_argument, NULL, 'w' }, { "yes", no_argument, NULL, 'y' },
		{ "certificate", required_argument, NULL, 'C' },
		{ "help", no_argument, NULL, OPTION_HELP }, { }
	};
	struct fleet_words w = { .self = self };
	const struct verb *verb;
	const char *path = NULL;
	int o, n, ret;

	while ((o = next_option(self, argc, argv, options)) != -1) {
		if (o == OPTION_HELP)
			return EXIT_DONE;
		if (o == OPTION_ERROR)
			return EXIT_USAGE;
		if (o == 'c')
			path = optarg;
		if (o == 'w')
			w.why = optarg;
		if (o == 'C')
			w.certificate = optarg;
		w.json |= o == 'j';
		w.yes |= o == 'y';
	}
	n = argc - optind;
	if (!n)
		return usage_error(self, "what about the fleet?", NULL);
	verb = find(argv[optind]);
	if (!verb)
		return usage_error(self, "not a verb of it", argv[optind]);
	if (n > 1 + !!verb->which)
		return usage_error(self, "too many words", argv[optind + 1 + !!verb->which]);
	if (verb->which && n < 2)
		return usage_error(self, verb->which, NULL);
	if (n > 1)
		w.name = argv[optind + 1];
	ret = fleet_config(path, &w.config);
	return ret ? ret : verb->run(&w);
}

const struct command cmd_fleet = {
	"fleet", "See and change which gateways share the registry",
	"fleet init [--json] [--config FILE]\n"
	"fleet add GATEWAY --certificate FILE [--json] [--config FILE]\n"
	"fleet status [--json] [--config FILE]\n"
	"fleet gateways [--json] [--config FILE]\n"
	"fleet where DEVICE|MAC [--json] [--config FILE]\n"
	"fleet policy [--json] [--config FILE]\n"
	"fleet expel GATEWAY --why TEXT [--yes] [--config FILE]\n"
	"fleet rejoin [--config FILE]\n"
	"fleet leave [--config FILE]",
	"Many gateways share what they know of devices over etcd; cordon-fleet does that.\n\n"
	"  --certificate FILE\n"
	"                 the issuing certificate of a gateway (PEM), which the fleet's root has signed\n"
	"  --why TEXT     the reason, which all gateways show\n"
	"  --yes          it is meant\n"
	"  --config FILE  the server's configuration (" SERVE_CONFIG ")\n"
	"  --json         as a program reads it\n", run_fleet
};
