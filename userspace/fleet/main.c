// SPDX-License-Identifier: GPL-2.0
/* cordon-fleet: its options, its lock, and whom it tells that it is ready. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <syslog.h>
#include <unistd.h>

#include "fleet/internal.h"
#include "lib/file.h"

/**
 * struct start - cordon-fleet, as it begins
 * @config: what holds
 * @fleet: it
 * @foreground: it stays where it was called
 * @json: log as JSON
 * @manager: socket of the service manager, or -1
 * @caller: pipe to the process that was called, or -1
 */
struct start {
	struct serve_config config;
	struct fleet fleet;
	bool foreground;
	bool json;
	int manager;
	int caller;
};

static int complain(const char *what, const char *why)
{
	fprintf(stderr, "cordon-fleet: %s: %s\n", what, why);
	return 1;
}

static void on_ready(void *arg)
{
	struct start *s = arg;

	serve_log(LOG_INFO, "ready", NULL);
	serve_manager_say(s->manager, "READY=1");
	serve_caller_tell(s->caller);
	if (s->caller >= 0)
		serve_log_detach();
}

/* It belongs to the process that goes on, and ends with it. */
static bool take_lock(const struct serve_config *c)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	int err = file_make_dirs(c->fleet.run, 0755), fd = -1;
	char path[SERVE_NAME_LEN + 16];

	snprintf(path, sizeof(path), "%s/fleet.lock", c->fleet.run);
	if (!err)
		fd = open(path, O_CREAT | O_RDWR | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0) {
		complain(c->fleet.run, strerror(err ? -err : errno));
		return false;
	}
	if (!fcntl(fd, F_SETLK, &lock))
		return true;
	complain("cordon-fleet", errno == EAGAIN || errno == EACCES ? "it runs already" : strerror(errno));
	close(fd);
	return false;
}

static int run(struct start *s)
{
	struct fleet *f = &s->fleet;
	int err;

	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	if (!take_lock(&s->config))
		return 1;
	f->config = &s->config;
	f->owner = geteuid();
	f->since = time(NULL);
	serve_log_open("fleet", s->json, !s->foreground);
	err = fleet_hand_start(f);
	if (err) {
		serve_log(LOG_ERR, "the process that puts policies in force does not start", "why", strerror(-err), NULL);
		return 1;
	}
	s->manager = serve_manager_connect();
	err = fleet_run(f, on_ready, s);
	return err ? 1 : 0;
}

static int run_background(struct start *s)
{
	int ret = serve_background(&s->caller);

	if (ret < 0)
		return complain("cordon-fleet", ret == -ECHILD ? "not started" : strerror(-ret));
	return ret ? 0 : run(s);
}

static void usage(FILE *out)
{
	fputs("usage: cordon-fleet [--config FILE] [--foreground] [--json] [--state DIR]\n\n"
	      "Shares this gateway's registry with the other gateways of its fleet, over etcd. See cordonctl-fleet(8).\n\n"
	      "  --config FILE   the server's configuration (" SERVE_CONFIG ")\n"
	      "  --foreground    stay here, and log to standard error\n"
	      "  --json          log as JSON\n"
	      "  --state DIR     where policies are kept as the last good ones, as for 'cordonctl apply'\n", out);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "config", required_argument, NULL, 'c' }, { "foreground", no_argument, NULL, 'f' },
		{ "json", no_argument, NULL, 'j' }, { "state", required_argument, NULL, 's' }, { "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'v' }, { }
	};
	static struct start s = { .manager = -1, .caller = -1 };
	char *path = NULL;
	int o;

	while ((o = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (o) {
		case 'c':
			free(path);
			path = realpath(optarg, NULL);
			if (!path)
				return complain(optarg, strerror(errno));
			break;
		case 'f':
			s.foreground = true;
			break;
		case 'j':
			s.json = true;
			break;
		case 's':
			s.fleet.state = optarg;
			if (*optarg != '/')
				return complain(optarg, "is no absolute path");
			break;
		case 'h':
			usage(stdout);
			return 0;
		case 'v':
			puts(CORDON_VERSION);
			return 0;
		default:
			usage(stderr);
			return 2;
		}
	}
	if (optind < argc) {
		usage(stderr);
		return 2;
	}
	o = serve_config_load(path, &s.config, stderr);
	free(path);
	if (o)
		return 1;
	if (!s.config.fleet.n)
		return complain(s.config.path, "registry: no etcd is named there: this gateway is alone");
	if (!s.config.fleet.gateway[0])
		return complain(s.config.path, "registry: gateway: this gateway has no name");
	return s.foreground ? run(&s) : run_background(&s);
}
