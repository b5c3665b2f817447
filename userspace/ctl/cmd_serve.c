// SPDX-License-Identifier: GPL-2.0
/* serve: start the processes of the enrolment, check-in and update server, or stop them. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <openssl/crypto.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <syslog.h>
#include <unistd.h>

#include "ctl/credential.h"
#include "ctl/ctl.h"
#include "lib/file.h"
#include "serve/common/serve.h"

#define PASSPHRASE_MAX	1024
#define STOP_WAIT	10	/* seconds */
#define TIME_POLL	500	/* milliseconds between two looks at a clock that is wrong */

/**
 * struct start - a server that is being started
 * @config: what holds
 * @foreground: it stays where it was called
 * @json: log as JSON
 * @lock: serve.lock, locked while it runs
 * @manager: socket of the service manager, or -1
 * @caller: pipe to the process that was called, or -1
 * @pin_refused: a token refused the PIN of the CA's key
 */
struct start {
	struct serve_config config;
	bool foreground;
	bool json;
	int lock;
	int manager;
	int caller;
	bool pin_refused;
};

static int open_lock(const struct serve_config *c, int flags)
{
	char path[SERVE_NAME_LEN + 16];

	snprintf(path, sizeof(path), "%s/serve.lock", c->run);
	return open(path, flags | O_RDWR | O_CLOEXEC | O_NOFOLLOW, 0600);
}

/*
 * Who has the lock, by the kernel's word: 0, nobody. serve.pid is for people to read; what is to be signalled does not
 * come from a file that a broken process could have written, or an old one left behind.
 */
static pid_t lock_holder(int fd)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

	if (fcntl(fd, F_GETLK, &lock) || lock.l_type == F_UNLCK)
		return 0;
	return lock.l_pid > 0 ? lock.l_pid : -1;
}

static int write_pid(const struct serve_config *c)
{
	char path[SERVE_NAME_LEN + 16], text[32];

	snprintf(path, sizeof(path), "%s/serve.pid", c->run);
	snprintf(text, sizeof(text), "%d\n", getpid());
	return file_write(path, text, strlen(text), 0644);
}

/* The lock belongs to the process that goes on, and ends with it. */
static bool take_lock(struct start *s)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	int err = file_make_dirs(s->config.run, 0755);

	s->lock = err ? -1 : open_lock(&s->config, O_CREAT);
	if (s->lock < 0) {
		complain(s->config.run, strerror(err ? -err : errno));
		return false;
	}
	if (fcntl(s->lock, F_SETLK, &lock)) {
		complain("serve", errno == EAGAIN || errno == EACCES ? "it runs already" : strerror(errno));
		return false;
	}
	err = write_pid(&s->config);
	if (!err)
		err = serve_settings_write(&s->config);
	if (err)
		complain(s->config.run, strerror(-err));
	return !err;
}

static void on_ready(void *arg)
{
	const struct start *s = arg;

	serve_log(LOG_INFO, "ready", NULL);
	serve_manager_say(s->manager, "READY=1");
	serve_caller_tell(s->caller);
}

/* sd_notify(3): a reload has its beginning and its end; what runs meanwhile is as it was. */
static void on_reload(bool over, void *arg)
{
	const struct start *s = arg;
	char text[64] = "READY=1";
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	if (!over)
		snprintf(text, sizeof(text), "RELOADING=1\nMONOTONIC_USEC=%llu",
			 now.tv_sec * 1000000ULL + now.tv_nsec / 1000);
	serve_manager_say(s->manager, text);
}

static void on_alive(void *arg)
{
	const struct start *s = arg;

	serve_manager_say(s->manager, "WATCHDOG=1");
}

/* sd_watchdog_enabled(3): twice in the time that the service manager gives; 0, it gives none. */
static unsigned int watchdog(const struct start *s)
{
	const char *usec = getenv("WATCHDOG_USEC"), *pid = getenv("WATCHDOG_PID");
	unsigned long long n = usec ? strtoull(usec, NULL, 10) : 0;

	if (s->manager < 0 || (pid && strtol(pid, NULL, 10) != getpid()) || n < 2000)
		return 0;
	return n / 2000 < INT_MAX ? n / 2000 : INT_MAX;
}

/*
 * A machine without a battery has its time from the network, some while after it starts: until then nothing is signed,
 * not even the server's own certificate.
 */
static void wait_for_time(const struct start *s)
{
	static const char more[] = "STATUS=waiting for the right time\nEXTEND_TIMEOUT_USEC=60000000";
	struct pki_error err;
	struct pki_ca ca;
	time_t from, to;
	bool said = false;

	if (pki_ca_load(s->config.ca, false, NULL, &ca, &err))
		return;		/* signer says why */
	while (!pki_validity(ca.issuing, &from, &to) && time(NULL) < from) {
		if (!said)
			serve_log(LOG_WARNING, "the clock is before the CA's beginning: waiting for the right time", NULL);
		said = true;
		serve_manager_say(s->manager, more);
		poll(NULL, 0, TIME_POLL);
	}
	pki_ca_free(&ca);
}

static void begin_process(const struct start *s, const char *name)
{
	char comm[16];	/* of which the kernel keeps 15 */

	snprintf(comm, sizeof(comm), "cordonctl:%.5s", strcmp(name, "signer") ? name : "sign");
	prctl(PR_SET_NAME, comm);
	serve_log_open(name, s->json, !s->foreground);
}

/* The end comes by the pipe: whoever stops the service, or a terminal, signals all of them at once. */
static void begin_child(const struct start *s, const char *name)
{
	signal(SIGTERM, SIG_IGN);
	signal(SIGINT, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	close(s->lock);
	close(s->caller);
	close(s->manager);
	begin_process(s, name);
}

static pid_t start_signer(struct start *s, struct priv_channel *signer, char *passphrase)
{
	struct priv_channel agent;
	int status;
	pid_t pid;

	if (priv_channel_pair(signer, &agent))
		return -1;
	pid = fork();
	if (!pid) {
		priv_channel_close(signer);
		begin_child(s, "signer");
		_exit(serve_signer(&s->config, passphrase, &agent));
	}
	priv_channel_close(&agent);
	if (pid > 0 && !priv_receive(signer, NULL, 0))
		return pid;
	s->pin_refused = pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status) &&
			 WEXITSTATUS(status) == SERVE_PIN_REFUSED;
	return -1;
}

/* Between agent and page: each message is whole, and nobody waits; -1 both, the configuration has no page. */
static bool connect_page(const struct start *s, int page[2])
{
	page[0] = page[1] = -1;
	return (!s->config.page.n && !s->config.metrics.n) ||
	       !socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, page);
}

static pid_t start_agent(struct start *s, struct serve_counters *counters, struct priv_channel *agent,
			 struct priv_channel *signer, int page[2])
{
	struct priv_channel front;
	pid_t pid;

	if (priv_channel_pair(agent, &front))
		return -1;
	pid = fork();
	if (!pid) {
		priv_channel_close(agent);
		if (page[0] >= 0)
			close(page[0]);
		begin_child(s, "agent");
		_exit(serve_agent(&s->config, counters, &front, signer, page[1]));
	}
	priv_channel_close(&front);
	priv_channel_close(signer);
	if (page[1] >= 0)
		close(page[1]);
	return pid > 0 && !priv_receive(agent, NULL, 0) ? pid : -1;
}

/* What front has to agent is not for page. */
static bool start_page(struct start *s, struct serve_counters *counters, struct priv_channel *agent, int page)
{
	bool good = false;
	int ready[2];
	char done;
	pid_t pid;

	if (page < 0)
		return true;
	if (pipe2(ready, O_CLOEXEC))
		return false;
	pid = fork();
	if (!pid) {
		priv_channel_close(agent);
		close(ready[0]);
		begin_child(s, "page");
		_exit(serve_page(&s->config, counters, page, ready[1]));
	}
	close(ready[1]);
	close(page);
	good = pid > 0 && read(ready[0], &done, 1) == 1;
	close(ready[0]);
	return good;
}

static int run_server(struct start *s, char *passphrase)
{
	struct serve_manager manager = { .ready = on_ready, .alive = on_alive, .reload = on_reload, .arg = s };
	struct serve_counters *counters;
	struct priv_channel signer, agent;
	int err, page[2];
	pid_t pid;

	/* A pipe without a reader and a file that may not grow are errors of a write, not an end. */
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
	if (!take_lock(s))
		return EXIT_REFUSED;
	counters = serve_counters_new(s->config.run, &err);
	if (!counters)
		return complain(s->config.run, strerror(-err));
	s->manager = serve_manager_connect();
	manager.each = watchdog(s);
	serve_log_open("front", s->json, !s->foreground);
	wait_for_time(s);
	OPENSSL_init_ssl(OPENSSL_INIT_LOAD_CONFIG, NULL);
	pid = start_signer(s, &signer, passphrase);
	if (passphrase)
		OPENSSL_cleanse(passphrase, strlen(passphrase));
	if (pid < 0 && s->pin_refused)
		return SERVE_PIN_REFUSED;
	if (pid < 0 || !connect_page(s, page) || start_agent(s, counters, &agent, &signer, page) < 0 ||
	    !start_page(s, counters, &agent, page[0]))
		return EXIT_REFUSED;
	begin_process(s, "front");
	return serve_front(&s->config, counters, &agent, &manager) ? EXIT_REFUSED : EXIT_DONE;
}

/* The process that was called waits until devices may come, or until it is clear that they may not. */
static int run_background(struct start *s, char *passphrase)
{
	int ret = serve_background(&s->caller);

	if (ret < 0)
		return complain("serve", ret == -ECHILD ? "not started" : strerror(-ret));
	return ret ? EXIT_DONE : run_server(s, passphrase);
}

/* The process itself, whatever becomes of its number: -1, it does not run; -2, it cannot be reached. */
static int open_holder(int lock)
{
	pid_t pid = lock_holder(lock);
	int fd;

	if (pid <= 0)
		return pid ? -2 : -1;
	fd = syscall(SYS_pidfd_open, pid, 0);
	if (fd >= 0 && lock_holder(lock) == pid)
		return fd;
	if (fd >= 0)
		close(fd);
	return fd >= 0 || errno == ESRCH ? -1 : -2;
}

/**
 * serve_holder - the server that runs, or why there is none
 * @c: where
 *
 * Return: a descriptor of its first process, see pidfd_open(2); -1, told why; -2, it runs, and cannot be reached.
 */
int serve_holder(const struct serve_config *c)
{
	int lock = open_lock(c, 0), fd;

	if (lock < 0) {
		complain("serve", errno == ENOENT ? "it does not run" : strerror(errno));
		return -1;
	}
	fd = open_holder(lock);
	close(lock);
	if (fd == -1)
		complain("serve", "it does not run");
	return fd;
}

/* Its end is that of the other two: it waits for them. */
static int stop(const struct serve_config *c)
{
	struct pollfd process = { .fd = serve_holder(c), .events = POLLIN };
	int ret = EXIT_DONE;

	if (process.fd == -1)
		return EXIT_REFUSED;
	if (process.fd < 0 || syscall(SYS_pidfd_send_signal, process.fd, SIGTERM, NULL, 0))
		ret = complain("serve", "cannot stop it");
	else if (poll(&process, 1, STOP_WAIT * 1000) != 1)
		ret = complain("serve", "it does not stop");
	if (process.fd >= 0)
		close(process.fd);
	return ret;
}

/**
 * serve_is_running - a server with this configuration's directory runs
 * @c: the configuration
 */
bool serve_is_running(const struct serve_config *c)
{
	int fd = open_lock(c, 0);
	bool runs = fd >= 0 && lock_holder(fd);

	if (fd >= 0)
		close(fd);
	return runs;
}

static int status(const struct serve_config *c, bool json)
{
	int fd = serve_holder(c);

	if (fd >= 0)
		close(fd);
	return fd == -1 ? EXIT_REFUSED : serve_status(c, json);
}

static int read_passphrase(const struct serve_config *c, char **out)
{
	const char *path = c->passphrase_file;
	char credential[PATH_MAX];
	size_t len;
	int err;

	*out = NULL;
	if (!path[0] && !credential_find(CREDENTIAL_PASSPHRASE, credential))
		return 0;
	if (!path[0])
		path = credential;
	err = file_read(path, PASSPHRASE_MAX, out, &len);
	if (err) {
		complain(path, strerror(-err));
		return err;
	}
	(*out)[strcspn(*out, "\r\n")] = 0;
	return 0;
}

static int run_serve(const struct command *self, int argc, char **argv)
{
	static const struct option options[] = {
		{ "config", required_argument, NULL, 'c' }, { "foreground", no_argument, NULL, 'f' },
		{ "json", no_argument, NULL, 'j' }, { "stop", no_argument, NULL, 's' },
		{ "check", no_argument, NULL, 'k' }, { "status", no_argument, NULL, 't' },
		{ "reload", no_argument, NULL, 'r' },
		{ "help", no_argument, NULL, OPTION_HELP }, { }
	};
	struct start s = { .manager = -1, .caller = -1 };
	bool to_stop = false, only_check = false, only_status = false, to_reload = false;
	const char *path = NULL;
	char *full = NULL, *passphrase;
	int o, ret;

	while ((o = next_option(self, argc, argv, options)) != -1) {
		if (o == OPTION_HELP)
			return EXIT_DONE;
		if (o == OPTION_ERROR)
			return EXIT_USAGE;
		if (o == 'c')
			path = optarg;
		s.foreground |= o == 'f';
		s.json |= o == 'j';
		to_stop |= o == 's';
		only_check |= o == 'k';
		only_status |= o == 't';
		to_reload |= o == 'r';
	}
	if (argc > optind)
		return usage_error(self, "too many words", argv[optind]);
	if (path) {
		full = realpath(path, NULL);
		if (!full)
			return complain(path, strerror(errno));
	}
	ret = serve_config_load(full, &s.config, stderr) ? EXIT_REFUSED : EXIT_DONE;
	free(full);
	if (ret || only_check)
		return ret;
	if (only_status)
		return status(&s.config, s.json);
	if (to_reload)
		return serve_reload(&s.config, s.json);
	if (to_stop)
		return stop(&s.config);
	if (read_passphrase(&s.config, &passphrase))
		return EXIT_REFUSED;
	ret = s.foreground ? run_server(&s, passphrase) : run_background(&s, passphrase);
	free(passphrase);
	return ret;
}

const struct command cmd_serve = {
	"serve", "Enrol devices by EST, let them check in, offer them firmware",
	"serve [--config FILE] [--foreground] [--json]\n"
	"serve --stop | --check | --status | --reload [--config FILE] [--json]",
	"Three processes, of which none is root: one faces the devices, one has the registry and\n"
	"speaks to the kernel, one has the CA's key; and a fourth where the configuration has a\n"
	"page for people, or metrics. It returns when devices may come.\n\n"
	"  --config FILE   instead of /etc/cordon/serve.yaml, see cordon-serve(5)\n"
	"  --foreground    stay in the foreground, log to standard error\n"
	"  --json          log, or print, as JSON\n"
	"  --stop          stop the one that runs\n"
	"  --check         only read the configuration\n"
	"  --status        does one run: where, since when, until when its certificate lasts,\n"
	"                  what it granted and refused, did it take the configuration\n"
	"  --reload        have it read its configuration again, if there is no fault in it;\n"
	"                  what only a new start can change is named\n",
	run_serve
};
