// SPDX-License-Identifier: GPL-2.0
/* serve --reload: the server that runs reads its configuration again, which was found to be without fault. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "ctl/ctl.h"
#include "serve/common/serve.h"

#define WAIT	10	/* seconds until it should be over */
#define LOOK	20	/* milliseconds between two looks whether it is */

/* One line of two texts that have the same settings in the same order; its name, if the values differ. */
static bool differs(char **held, char **fresh, const char **name)
{
	char *was = strsep(held, "\n"), *now = strsep(fresh, "\n");

	if (!was || !now || !strcmp(was, now))
		return false;
	now[strcspn(now, " ")] = 0;
	*name = now;
	return true;
}

/* Names of settings that only a new start can change. */
static json_t *wait_for_start(char *held, char *fresh)
{
	json_t *out = json_array();
	const char *name;

	while (held && fresh && *held && *fresh)
		if (differs(&held, &fresh, &name))
			json_array_append_new(out, json_text(name));
	return out;
}

static bool has_line(const char *text, const char *line)
{
	const size_t len = strlen(line);
	const char *at = text;

	for (; (at = strstr(at, line)); at += len)
		if ((at == text || at[-1] == '\n') && at[len] == '\n')
			return true;
	return false;
}

/* The file that was looked at is the one that the server reads. */
static int check_file(const struct serve_config *c, const char *held)
{
	char line[SERVE_NAME_LEN + 16];

	snprintf(line, sizeof(line), "config %s", c->path);
	if (has_line(held, line))
		return EXIT_DONE;
	return complain(c->path, "the server runs with another file: name that with --config");
}

/* Until it is over: 0, or what to say. */
static const char *wait_for_end(const struct serve_config *c, int process, struct serve_counters *counters,
				uint64_t before)
{
	struct pollfd end = { .fd = process, .events = POLLIN };
	unsigned int i;

	for (i = 0; i < WAIT * 1000 / LOOK; i++) {
		if (poll(&end, 1, LOOK) > 0)
			return "it has ended: see its log";
		if (serve_counters_read(c->run, counters))
			return "its counters cannot be read";
		if (counters->reloads != before)
			return NULL;
	}
	return "it does not answer";
}

static void print(const struct serve_counters *c, json_t *start, bool json)
{
	const char *comma = "";
	size_t i;

	if (json) {
		json_print(json_pack("{s:o,s:o,s:o}", "config_faults", json_count(c->config_faults),
				     "certificate_faults", json_count(c->certificate_faults),
				     "after_start", json_incref(start)));
		return;
	}
	puts(c->config_faults ? "configuration: not taken: what held before holds, see the log" :
	     "configuration: taken");
	if (c->certificate_faults)
		puts("certificate and key: not taken: what held before holds, see the log");
	for (i = 0; i < json_array_size(start); i++) {
		printf("%s%s", *comma ? comma : "as it was, until the server is started again: ",
		       json_string_value(json_array_get(start, i)));
		comma = ", ";
	}
	if (*comma)
		putchar('\n');
}

static int reload(const struct serve_config *c, int process, char *held, bool json)
{
	char *fresh = serve_settings_text(c);
	struct serve_counters counters;
	const char *why = NULL;
	json_t *start = NULL;

	if (!fresh || serve_counters_read(c->run, &counters))
		why = fresh ? "its counters cannot be read: it may be of another version" : "out of memory";
	else if (syscall(SYS_pidfd_send_signal, process, SIGHUP, NULL, 0))
		why = strerror(errno);
	else
		why = wait_for_end(c, process, &counters, counters.reloads);
	if (!why) {
		start = wait_for_start(held, fresh);
		print(&counters, start, json);
		json_decref(start);
	}
	free(fresh);
	if (why)
		return complain("serve", why);
	return counters.config_faults || counters.certificate_faults ? EXIT_REFUSED : EXIT_DONE;
}

/**
 * serve_reload - have the server that runs take another configuration
 * @c: the configuration, without fault
 * @json: print JSON
 *
 * Return: EXIT_DONE; EXIT_REFUSED, also where the server did not take it.
 */
int serve_reload(const struct serve_config *c, bool json)
{
	int process = serve_holder(c), ret;
	char *held = NULL;

	if (process == -1)
		return EXIT_REFUSED;
	if (process < 0)
		return complain("serve", "it cannot be reached");
	if (serve_settings_read(c, &held))
		ret = complain("serve", "with which settings it started cannot be read: start it again");
	else
		ret = check_file(c, held);
	if (!ret)
		ret = reload(c, process, held, json);
	free(held);
	close(process);
	return ret;
}
