// SPDX-License-Identifier: GPL-2.0
/* checkin: a device proves who it is, and gets its lease. */
#include <inttypes.h>
#include <string.h>
#include <strings.h>

#include "ctl/remote.h"
#include "device/flat.h"

#define CHECKIN_PORT		"8883"
#define FIRMWARE_LEN_MAX	64

/**
 * struct words - what the command line says
 * @r: server, deadline
 * @https: over HTTPS, not over the bare port
 * @firmware: which runs, or NULL
 */
struct words {
	struct remote r;
	bool https;
	const char *firmware;
};

static const struct option options[] = {
	{ "server", required_argument, NULL, 's' }, { "firmware", required_argument, NULL, 'f' }, REMOTE_CERT,
	REMOTE_OPTIONS
};

static const char *take_server(struct words *w, const char *value)
{
	const char *problem;

	w->https = !strncasecmp(value, "https://", 8);
	if (w->https)
		return remote_server(&w->r, value);
	problem = remote_host(&w->r, value, CHECKIN_PORT);
	if (!problem)
		memmove(w->r.url, w->r.url + strlen("https://"),
			strlen(w->r.url) - strlen("https://") + 1);
	return problem;
}

static const char *take_firmware(struct words *w, const char *value)
{
	const char *c;

	for (c = value; *c; c++)
		if (*c <= ' ' || *c > '~')
			return "a character that no version has";
	w->firmware = value;
	return c == value || c - value > FIRMWARE_LEN_MAX ? "not 1 to 64 characters" : NULL;
}

/* One option; a sentence about what is wrong with it, or NULL. */
static const char *take(struct words *w, int option, char *value)
{
	switch (option) {
	case 's':
		return take_server(w, value);
	case 'f':
		return take_firmware(w, value);
	}
	return remote_take(&w->r, option, value);
}

static int greet(struct words *w)
{
	char answer[EST_ANSWER_LEN];
	enum est_result ret = est_greet(&w->r.est, w->firmware, answer);

	if (ret == EST_FAILED)
		return remote_failed(&w->r);
	if (w->r.json) {
		fputs("{\"answer\": ", stdout);
		flat_put_text(stdout, answer);
		printf(", \"welcome\": %s}\n", ret == EST_DONE ? "true" : "false");
	} else {
		puts(answer);
	}
	return ret == EST_DONE ? EXIT_DONE : EXIT_REFUSED;
}

static int post(struct words *w)
{
	struct est_lease lease;

	if (est_checkin(&w->r.est, w->firmware, &lease) != EST_DONE)
		return remote_failed(&w->r);
	if (w->r.json) {
		fputs("{\"device\": ", stdout);
		flat_put_text(stdout, lease.device);
		fputs(", \"segment\": ", stdout);
		flat_put_text(stdout, lease.segment);
		printf(", \"lease_seconds\": %" PRId64 "}\n", lease.seconds);
	} else {
		printf("%s: in %s, leased for %" PRId64 " s\n", lease.device, lease.segment,
		       lease.seconds);
	}
	return EXIT_DONE;
}

static int check_in(struct words *w)
{
	struct identity id = { .key_path = w->r.key, .cert_path = w->r.cert, .lock = -1 };
	int ret = EXIT_REFUSED;

	if (identity_load(&id)) {
		remote_complain(&w->r, NULL, id.error);
		goto out;
	}
	w->r.est.cert = id.cert;
	w->r.est.key = id.key;
	w->r.est.trust = identity_trust_load(w->r.ca, id.error);
	if (!w->r.est.trust)
		remote_complain(&w->r, NULL, id.error);
	else
		ret = w->https ? post(w) : greet(w);
out:
	identity_free(&id);
	return ret;
}

static int run_checkin(const struct command *self, int argc, char **argv)
{
	const char *problem;
	struct words w = { };
	int o, ret;

	remote_init(&w.r, self);
	while ((o = next_option(self, argc, argv, options)) != -1) {
		if (o == OPTION_HELP || o == OPTION_ERROR)
			return o == OPTION_HELP ? EXIT_DONE : EXIT_USAGE;
		problem = take(&w, o, optarg);
		if (problem)
			return usage_error(self, problem, optarg);
	}
	if (optind < argc)
		return usage_error(self, "too many words", argv[optind]);
	if (!w.r.url[0] || !w.r.cert || !w.r.key || !w.r.ca)
		return usage_error(self, "--server, --cert, --key and --ca are needed", NULL);
	ret = check_in(&w);
	remote_free(&w.r);
	return ret;
}

const struct command cmd_checkin = {
	"checkin", "Prove who this device is, and get its lease",
	"checkin --server HOST[:PORT] --cert FILE --key FILE --ca FILE [OPTION...]\n"
	"checkin --server https://HOST[:PORT] --cert FILE --key FILE --ca FILE [OPTION...]",
	"On the device. Prints what the gateway answers; exit status 0 only for a welcome.\n\n"
	"  --server HOST[:PORT] the gateway (default port 8883)\n"
	"  --server URL         over HTTPS (default port 8443): tells segment and lease, too\n"
	"  --cert FILE          the device's certificate, PEM\n"
	"  --key FILE|URI       its key, PEM; or a key in hardware, as 'enroll' takes it\n"
	"  --ca FILE            whom to trust: root certificate of the gateway, PEM\n"
	"  --firmware VERSION   which this device runs\n"
	"  --timeout DURATION   for everything (default 60s)\n"
	"  --json               print the answer as JSON\n",
	run_checkin
};
