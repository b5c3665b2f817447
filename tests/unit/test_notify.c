// SPDX-License-Identifier: GPL-2.0
/* Programs that are run for an alert: what they are told, as whom they run, and how many, with a clock of our own. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "lib/yaml_get.h"
#include "notify/notify.h"

#include "tap.h"
#include "tree.h"

#define HOSTILE	"cam\"; $(reboot)\n\x1b[2J\\\xff"

static char dir[] = "/tmp/cordon-notify.XXXXXX";
static char *log_text;
static size_t log_len;
static FILE *log_file;

static const char *at(const char *name)
{
	static char path[4][128];
	static unsigned int next;
	char *p = path[next++ % 4];

	snprintf(p, sizeof(path[0]), "%s/%s", dir, name);
	return p;
}

static void put(const char *name, const char *text)
{
	FILE *f = fopen(at(name), "w");

	if (!f || fputs(text, f) < 0 || fclose(f) || chmod(at(name), 0755))
		abort();
}

static char *get(const char *name)
{
	static char text[1 << 16];
	FILE *f = fopen(at(name), "r");
	size_t n = f ? fread(text, 1, sizeof(text) - 1, f) : 0;

	if (f)
		fclose(f);
	text[n] = 0;
	return text;
}

static unsigned int lines(const char *name)
{
	const char *text = get(name);
	unsigned int n = 0;

	for (; *text; text++)
		n += *text == '\n';
	return n;
}

static char *faults;

static bool load(const char *yaml, struct notify_config *c)
{
	struct report report = { .path = "watch.yaml" };
	struct loader l = { .report = &report };
	struct yaml_tree tree;
	size_t len = 0;

	free(faults);
	faults = NULL;
	report.out = open_memstream(&faults, &len);
	yaml_tree_take(&tree, strdup(yaml), strlen(yaml), &report);
	memset(c, 0, sizeof(*c));
	if (tree.root)
		notify_config_load(&l, tree.root, c);
	report_end(&report);
	yaml_tree_free(&tree);
	fclose(report.out);
	return !report.errors;
}

static struct notify *with(const char *yaml)
{
	struct notify_config c;
	struct notify *n = NULL;

	if (load(yaml, &c))
		n = notify_new(&c, log_file);
	else
		printf("# %s\n", faults);
	notify_config_free(&c);
	if (!n)
		abort();
	return n;
}

static void config(void)
{
	static const struct {
		const char *yaml;
		const char *message;
	} bad[] = {
		{ "run: []", "1:1: notify must be a list" },
		{ "[{kinds: [scan]}]", "1:2: an entry of notify without 'run'" },
		{ "[{run: [], user: nobody}]", "1:8: run holds 0 words, not 1 to 32" },
		{ "[{run: [mail]}]", "1:9: program 'mail' does not begin with /" },
		{ "[{run: /bin/true}]", "1:8: run must be a list" },
		{ "[{run: [/bin/true, [x]]}]", "1:20: a word of run must be one value" },
		{ "[{run: [/bin/true], kinds: [skan]}]", "1:29: unknown anomaly 'skan': did you mean 'scan'?" },
		{ "[{run: [/bin/true], states: [gone]}]", "1:30: a state must be " },
		{ "[{run: [/bin/true], user: nobody-there}]", "1:27: there is no user 'nobody-there'" },
		{ "[{run: [/bin/true], user: root}]", "1:27: user 'root' is root, or in its group: programs are run without" },
		{ "[{run: [/bin/true], timeout: 11m}]", "1:30: '11m' is not a duration from 1s to 10m" },
		{ "[{run: [/bin/true], shell: x}]", "1:21: unknown key 'shell'" },
	};
	struct notify_config c;
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		bool taken = load(bad[i].yaml, &c);

		ok(!taken && strstr(faults, bad[i].message), "refused: %s", bad[i].yaml);
		if (!taken && !strstr(faults, bad[i].message))
			printf("# %s\n", faults);
		notify_config_free(&c);
	}
	ok(load("[{run: [/bin/mail, -s, \"two words\", ops], kinds: [scan, rate], timeout: 5s}]", &c) && c.n == 1 &&
	   c.rules[0].kinds == (1U << CORDON_KIND_SCAN | 1U << CORDON_KIND_RATE) && !c.rules[0].states &&
	   c.rules[0].timeout == 5 && !strcmp(c.rules[0].argv[2], "two words") && !c.rules[0].argv[4],
	   "taken: words as they are, kinds alone are no states");
	notify_config_free(&c);
	ok(load("[{run: [/bin/true]}]", &c) && c.rules[0].kinds == (1U << CORDON_KINDS) - 1 &&
	   c.rules[0].states == 1U << CORDON_STATE_QUARANTINED && c.rules[0].uid, "by default: all kinds, quarantine, as nobody");
	notify_config_free(&c);
	ok(load("", &c) && !c.n, "nothing is said: nothing is run");
	notify_config_free(&c);
}

static int64_t clock_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

/* Until nothing runs, by the clock of the wall; what waits for its turn by @now goes on waiting. */
static bool settle(struct notify *n, int64_t now)
{
	int64_t end = clock_ms() + 20000;
	struct pollfd fds[NOTIFY_RUNNING];
	size_t found;

	while (clock_ms() < end) {
		notify_tick(n, now);
		found = notify_poll(n, fds);
		if (!found)
			return true;
		poll(fds, found, 100);
	}
	return false;
}

static bool logged(const char *text)
{
	fflush(log_file);
	return log_text && strstr(log_text, text);
}

static struct notify_facts scan(unsigned int device)
{
	struct notify_facts f = { .what = CORDON_KIND_SCAN, .mac = { 2, 0, 0, 0, device >> 8, device }, .device = "cam",
				  .segment = "iot_zone", .source = "10.0.0.2", .destination = "10.0.0.9", .service = "tcp/23",
				  .denied = true, .count = 17, .first = 1800000000, .last = 1800000060 };

	return f;
}

static void told(void)
{
	struct notify_facts f = scan(1);
	char yaml[512];
	struct notify *n;
	json_t *o;
	int left = dup2(STDERR_FILENO, 77);	/* not closed on exec */

	snprintf(yaml, sizeof(yaml), "[{run: [%s, \"$(id)\", \"a b\"], kinds: [scan]}]", at("record"));
	put("record", "#!/bin/sh\ncd \"${0%/*}\" || exit 9\n"
	    "{ env; echo \"ARGS=$#:$1:$2\"; echo \"FDS=\"$(ls /proc/$$/fd); echo \"USER=$(id -u)\"; grep NoNewPrivs /proc/$$/status; } >env\n"
	    "cat >json\n");
	f.device = HOSTILE;
	f.server = "<script>";
	n = with(yaml);
	notify_begin(n, &f, 1000);
	ok(settle(n, 1000), "a program runs, and ends");
	ok(strstr(get("env"), "\nCORDON_ALERT=firing\n") && strstr(get("env"), "CORDON_ANOMALY=scan\n") &&
	   strstr(get("env"), "CORDON_MAC=02:00:00:00:00:01\n") && strstr(get("env"), "CORDON_SERVICE=tcp/23\n") &&
	   strstr(get("env"), "CORDON_COUNT=17\n") && strstr(get("env"), "CORDON_FIRST=2027-01-15T08:00:00Z\n"),
	   "environment: facts");
	ok(strstr(get("env"), "\nCORDON_DEVICE=cam\"; $(reboot)\\x0a\\x1b[2J\\\\\\xff\n"), "environment: a hostile name on one line");
	ok(strstr(get("env"), "\nARGS=2:$(id):a b\n"), "words as they are, no shell");
	ok(left == 77 && strstr(get("env"), "\nFDS=0 1 ") && !strstr(strstr(get("env"), "\nFDS="), " 77"), "descriptors are closed");
	ok(strstr(get("env"), "NoNewPrivs:\t1\n") && (getuid() || !strstr(get("env"), "USER=0\n")), "without rights");
	ok(!strstr(get("env"), "HOME=") && !strstr(get("env"), "SECRET="), "environment: nothing of the caller's");
	o = json_loads(get("json"), 0, NULL);
	ok(o && !strcmp(json_string_value(json_object_get(o, "device")), "cam\"; $(reboot)\n\x1b[2J\\\xef\xbf\xbd") &&
	   json_integer_value(json_object_get(o, "count")) == 17 && lines("json") == 1 &&
	   !strcmp(json_string_value(json_object_get(o, "server_name")), "<script>"), "JSON: the same, on one line");
	json_decref(o);
	notify_free(n);
	close(left);
}

/* Who adopts it may take its time. */
static bool is_gone(const char *pid)
{
	int64_t end = clock_ms() + 5000;
	char path[64], state;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/stat", atoi(pid));
	while (clock_ms() < end) {
		f = fopen(path, "r");
		state = 'X';
		if (f && fscanf(f, "%*d (%*[^)]) %c", &state) != 1)
			state = 'X';
		if (f)
			fclose(f);
		if (state == 'X' || state == 'Z')
			return true;
		poll(NULL, 0, 10);
	}
	return false;
}

/* A line for each run. */
static const char *count_yaml(const char *more)
{
	static char yaml[512];

	put("count", "#!/bin/sh\ncd \"${0%/*}\" || exit 9\n"
	    "echo \"$CORDON_ALERT $CORDON_MAC $CORDON_ANOMALY$CORDON_STATE ${CORDON_SUPPRESSED:-0}\" >>runs\n");
	unlink(at("runs"));
	snprintf(yaml, sizeof(yaml), "[{run: [%s]%s}]", at("count"), more);
	return yaml;
}

static void once(void)
{
	struct notify *n = with(count_yaml(""));
	struct notify_facts f = scan(1), other = scan(1), state = scan(1);
	unsigned int i;

	for (i = 0; i < 100; i++)
		notify_begin(n, &f, 1000);
	settle(n, 1000);
	ok(!strcmp(get("runs"), "firing 02:00:00:00:00:01 scan 0\n"), "a hundred times: told of once");
	other.what = CORDON_KIND_RATE;
	notify_begin(n, &other, 1000);
	settle(n, 1000);
	ok(lines("runs") == 2, "another kind: told of");
	notify_end(n, &f, 2000);
	notify_end(n, &f, 2000);
	settle(n, 2000);
	ok(lines("runs") == 3 && strstr(get("runs"), "resolved 02:00:00:00:00:01 scan 0\n"), "over: told of once");
	notify_begin(n, &f, 3000);
	settle(n, 3000);
	ok(lines("runs") == 4, "and then it may begin again");
	state.is_state = true;
	state.what = CORDON_STATE_ACTIVE;
	notify_begin(n, &state, 3000);
	state.what = CORDON_STATE_QUARANTINED;
	notify_begin(n, &state, 3000);
	settle(n, 3000);
	ok(lines("runs") == 5 && strstr(get("runs"), "firing 02:00:00:00:00:01 quarantined 0\n"), "states: those that are meant");
	notify_free(n);
	n = with(count_yaml(", kinds: [rate]"));
	notify_begin(n, &f, 1000);
	settle(n, 1000);
	ok(!lines("runs"), "kinds: another is not told of");
	notify_begin(n, &other, 1000);
	settle(n, 1000);
	ok(lines("runs") == 1, "kinds: control");
	notify_free(n);
	n = with(count_yaml(""));
	notify_known(n, &f);
	notify_begin(n, &f, 1000);
	settle(n, 1000);
	ok(!lines("runs"), "told of before a restart: not again");
	notify_end(n, &f, 1000);
	settle(n, 1000);
	ok(lines("runs") == 1 && strstr(get("runs"), "resolved"), "but that it is over");
	notify_free(n);
	n = with(count_yaml(""));
	f.many = other.many = true;
	other.what = f.what;
	other.mac[5] = 9;
	notify_begin(n, &f, 1000);
	notify_begin(n, &other, 1000);
	settle(n, 1000);
	ok(lines("runs") == 1, "devices that are not told apart: told of once");
	memset(f.mac, 0, sizeof(f.mac));
	notify_end(n, &f, 1000);
	settle(n, 1000);
	ok(lines("runs") == 2 && strstr(get("runs"), "resolved  scan"), "and that it is over, of whichever it was");
	notify_free(n);
}

static void flood(void)
{
	struct notify *n = with(count_yaml(""));
	struct notify_facts f;
	int64_t now = 1000;
	unsigned int i;

	for (i = 0; i < 10000; i++) {
		f = scan(i);
		notify_begin(n, &f, now);
	}
	ok(settle(n, now) && lines("runs") == NOTIFY_BURST, "10,000 devices at once: %d runs", NOTIFY_BURST);
	ok(notify_tick(n, now) == NOTIFY_EVERY, "the next one is due in a while");
	now += NOTIFY_EVERY;
	settle(n, now);
	ok(lines("runs") == NOTIFY_BURST + 1, "then one more");
	for (i = 0; i < 10000; i++) {
		f = scan(i);
		notify_end(n, &f, now);
	}
	now += 100000000;
	while (settle(n, now), notify_tick(n, now) >= 0)
		now += 10 * NOTIFY_EVERY;
	ok(lines("runs") == 2 * (NOTIFY_BURST + 1), "over: who was told of the beginning is told of the end, nobody else");
	f = scan(20000);
	notify_begin(n, &f, now);
	settle(n, now);
	ok(lines("runs") == 2 * (NOTIFY_BURST + 1) + 1, "and the next is told of");
	i = 0;
	for (const char *at_line = get("runs"); *at_line; at_line = strchr(at_line, '\n') + 1) {
		unsigned int more = 0;

		sscanf(at_line, "%*s %*s %*s %u", &more);
		i += more;
	}
	ok(i >= 10000 - NOTIFY_QUEUE - NOTIFY_BURST && i <= 10000 - NOTIFY_QUEUE - NOTIFY_RUNNING, "CORDON_SUPPRESSED: the sum of those that did not fit (%u)", i);
	notify_free(n);
}

static void bad_programs(void)
{
	struct notify_facts f = scan(1);
	struct pollfd fds[NOTIFY_RUNNING];
	char yaml[256];
	struct notify *n = with("[{run: [/nonexistent/program]}]");

	notify_begin(n, &f, 1000);
	ok(settle(n, 1000) && logged("notify: /nonexistent/program cannot be run: No such file or directory\n"),
	   "one that is not there: a line in the log");
	notify_free(n);
	put("fails", "#!/bin/sh\nexit 3\n");
	snprintf(yaml, sizeof(yaml), "[{run: [%s]}]", at("fails"));
	n = with(yaml);
	notify_begin(n, &f, 1000);
	ok(settle(n, 1000) && logged("/fails ended with status 3\n"), "one that fails: a line in the log");
	notify_free(n);
	put("hangs", "#!/bin/sh\ntrap '' TERM\ncd \"${0%/*}\"\nsleep 1000 &\necho $! >child\nwait\nwait\n");
	snprintf(yaml, sizeof(yaml), "[{run: [%s], timeout: 1s}]", at("hangs"));
	n = with(yaml);
	notify_begin(n, &f, 1000);
	while (!lines("child"))
		poll(NULL, 0, 10);
	ok(notify_tick(n, 1500) == 500 && notify_poll(n, fds) == 1, "one that hangs: its end is due");
	notify_tick(n, 2000);
	ok(notify_tick(n, 2000) == NOTIFY_GRACE && notify_poll(n, fds) == 1, "it is asked to end, and does not");
	notify_tick(n, 2000 + NOTIFY_GRACE);
	ok(settle(n, 2001 + NOTIFY_GRACE) && logged("/hangs took too long, and was ended\n"), "it is killed");
	ok(is_gone(get("child")), "and what it has begun");
	notify_begin(n, &f, 9000);
	f = scan(2);
	notify_begin(n, &f, 9000);
	notify_free(n);
	ok(true, "the end of it all does not wait for a program");
}

int main(void)
{
	setenv("SECRET", "of the caller", 1);
	log_file = open_memstream(&log_text, &log_len);
	if (!mkdtemp(dir) || chmod(dir, 0777))
		abort();
	config();
	told();
	once();
	flood();
	bad_programs();
	fclose(log_file);
	free(log_text);
	free(faults);
	tree_remove(dir);
	return tap_done();
}
