// SPDX-License-Identifier: GPL-2.0
/* watch.yaml and its faults; the socket over which episodes are acknowledged, and what is no question. */
#include <errno.h>
#include <poll.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "history/watch.h"
#include "history/writer.h"
#include "tap.h"

static char dir[] = "/tmp/cordon-watch.XXXXXX";
static struct history_writer w;
static struct watch_control control;

/* What is said of a file; "" if it is good. */
static const char *load(const char *yaml, struct watch_config *c)
{
	static char said[4096];
	char path[64];
	FILE *file, *errors = fmemopen(said, sizeof(said), "w");

	said[0] = 0;
	snprintf(path, sizeof(path), "%s/watch.yaml", dir);
	file = fopen(path, "w");
	if (!file || !errors)
		exit(2);
	fputs(yaml, file);
	fclose(file);
	watch_config_load(path, c, errors);
	fclose(errors);
	return said;
}

static void test_config(void)
{
	static const struct {
		const char *yaml, *said;
	} bad[] = {
		{ "sample: 0s\n", "'0s' is not a duration from 1s to 1m" },
		{ "sample: 2m\n", "'2m' is not a duration from 1s to 1m" },
		{ "sample: often\n", "'often' is not a duration" },
		{ "registry: here\n", "'here' is not an absolute path" },
		{ "ca: here\n", "'here' is not an absolute path" },
		{ "samples: 1s\n", "samples" },
		{ "- sample\n", "mapping" },
		{ "notify: [{run: [mail]}]\n", "program 'mail' does not begin with /" },
	};
	struct watch_config c;
	const char *said;
	size_t i;

	ok(!*load("", &c) && c.sample == 10 && !strcmp(c.registry, "/var/lib/cordon/registry.db") &&
	   !strcmp(c.ca, "/var/lib/cordon/ca"), "nothing: the defaults");
	watch_config_free(&c);
	ok(!*load("sample: 5s\nregistry: /tmp/r.db\nnotify: [{run: [/bin/true, x]}]\n", &c) && c.sample == 5 &&
	   !strcmp(c.registry, "/tmp/r.db") && c.notify.n == 1, "all of it is read");
	watch_config_free(&c);
	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		said = load(bad[i].yaml, &c);
		if (!ok(strstr(said, bad[i].said) && strstr(said, "watch.yaml:1:"), "refused: %s", bad[i].yaml))
			printf("# %s\n", said);
		watch_config_free(&c);
	}
}

/* Serve until a client is done; what it was answered. */
static const char *ask(int (*client)(char answer[WATCH_LINE]))
{
	struct pollfd fds[1 + WATCH_CLIENTS];
	static char answer[WATCH_LINE];
	int pipes[2], status;
	ssize_t n;
	pid_t pid;

	if (pipe(pipes))
		exit(2);
	pid = fork();
	if (!pid) {
		char said[WATCH_LINE] = "";
		int err = client(said);

		dprintf(pipes[1], "%d %s", err, said);
		_exit(0);
	}
	while (!waitpid(pid, &status, WNOHANG)) {
		unsigned int count = watch_control_poll(&control, fds);

		if (poll(fds, count, 20) <= 0)
			memset(fds, 0, sizeof(fds));
		watch_control_answer(&control, fds, &w);
	}
	n = read(pipes[0], answer, sizeof(answer) - 1);
	answer[n > 0 ? n : 0] = 0;
	close(pipes[0]);
	close(pipes[1]);
	return answer;
}

static int good(char answer[WATCH_LINE])
{
	return watch_acknowledge(dir, 1, "anna", answer);
}

static int missing(char answer[WATCH_LINE])
{
	return watch_acknowledge(dir, 7, "anna", answer);
}

static const char *raw_text;
static size_t raw_len;

static int raw(char answer[WATCH_LINE])
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_SEQPACKET, 0);
	ssize_t n = -1;

	snprintf(at.sun_path, sizeof(at.sun_path), "%s/control", dir);
	if (!connect(fd, (struct sockaddr *)&at, sizeof(at)) && send(fd, raw_text, raw_len, 0) == (ssize_t)raw_len)
		n = recv(fd, answer, WATCH_LINE - 1, 0);
	close(fd);
	answer[n > 0 ? n : 0] = 0;
	return 0;
}

static void test_control(void)
{
	static const char *const no[] = {
		"acknowledge 2 anna", "acknowledge -1 anna\n", "acknowledge 2\n", "acknowledge 2 \n", "acknowledge x anna\n",
		"acknowledge 99999999999999999999 anna\n", "acknowledge 2 an\033na\n", "drop 2 anna\n", "\n",
	};
	struct stat st;
	size_t i;

	if (history_writer_open(&w, dir, dir, "a", 1800000000) || watch_control_open(&control, dir))
		exit(2);
	ok(!stat(control.path, &st) && !(st.st_mode & 07), "the socket is nobody else's");
	sqlite3_exec(w.h.db, "INSERT INTO episode(id, device, kind, first, last, count) VALUES(1, 1, 'scan', 1, 1, 1), "
		     "(2, 1, 'scan', 1, 1, 1)", NULL, NULL, NULL);
	ok(!strcmp(ask(good), "0 ok"), "an episode is acknowledged");
	ok(strstr(ask(good), "it was acknowledged before"), "not twice");
	ok(strstr(ask(missing), "there is no such episode"), "nor one that is not there");
	for (i = 0; i < sizeof(no) / sizeof(*no); i++) {
		raw_text = no[i];
		raw_len = strlen(no[i]);
		ok(strstr(ask(raw), "not understood"), "no question: %s", no[i]);
	}
	raw_text = "acknowledge 2 an\0na\n";
	raw_len = 20;
	ok(strstr(ask(raw), "not understood"), "nor one with a NUL in it");
	raw_text = "acknowledge 2 bob\n";
	raw_len = strlen(raw_text);
	ok(!strcmp(ask(raw), "0 ok\n"), "control: and all the while nothing was acknowledged");
	watch_control_close(&control);
	ok(!strncmp(ask(good), "-2", 2), "where nobody listens, it is said");
	history_writer_close(&w);
}

int main(void)
{
	char command[64];

	if (!mkdtemp(dir))
		return 2;
	test_config();
	test_control();
	snprintf(command, sizeof(command), "rm -rf %s", dir);
	return system(command) ? 2 : tap_done();
}
