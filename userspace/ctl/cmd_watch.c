// SPDX-License-Identifier: GPL-2.0
/* watch: what happens on the gateway, written into the history. */
#include "ctl/ctl.h"
#include "history/watch.h"

static int run_watch(const struct command *self, int argc, char **argv)
{
	static const struct option options[] = {
		{ "config", required_argument, NULL, 'c' }, { "history", required_argument, NULL, 'd' },
		{ "run", required_argument, NULL, 'r' }, { "help", no_argument, NULL, OPTION_HELP }, { }
	};
	const char *config = NULL, *dir = HISTORY_DIR, *run = HISTORY_LIVE_DIR;
	struct watch_config c;
	int o, ret;

	while ((o = next_option(self, argc, argv, options)) != -1) {
		if (o == OPTION_HELP)
			return EXIT_DONE;
		if (o == OPTION_ERROR)
			return EXIT_USAGE;
		if (o == 'c')
			config = optarg;
		if (o == 'd')
			dir = optarg;
		if (o == 'r')
			run = optarg;
	}
	if (argc != optind)
		return usage_error(self, "too many words", argv[optind]);
	ret = watch_config_load(config, &c, stderr) || watch_run(&c, dir, run) ? EXIT_REFUSED : EXIT_DONE;
	watch_config_free(&c);
	return ret;
}

const struct command cmd_watch = {
	"watch", "Write the history: counters, anomalies, states, policies", "watch [--config FILE] [--history DIR] [--run DIR]",
	"Runs until it is ended, as cordon-watch.service; 'cordonctl history' shows what it writes.\n\n"
	"  --config FILE  see cordon-watch(5) (" WATCH_CONFIG ")\n"
	"  --history DIR  where the history is kept (" HISTORY_DIR ")\n"
	"  --run DIR      where it is written how the gateway is now (" HISTORY_LIVE_DIR ")\n", run_watch
};
