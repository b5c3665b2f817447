// SPDX-License-Identifier: GPL-2.0
/* top: what devices do now. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ctl/ctl.h"
#include "lib/watch.h"

#define TRIES		20	/* of a sample during which the policy changes */
#define HEAD_LINES	2	/* above the table */
#define MIN_LINES	4
#define DEFAULT_MS	2000
#define MIN_SECONDS	0.1
#define MAX_SECONDS	3600

/**
 * struct top - what is shown
 * @nl: the kernel
 * @watch: the devices
 * @summary: what is in force
 * @denied: packets denied in a second, those of nobody included
 * @anomalies: likewise
 * @name: the only device, or NULL
 * @mac: likewise
 * @segment: the only segment, or NULL
 * @ms: between two samples
 * @left: samples until the end; 0, there is none
 * @json: a line of JSON for each
 * @exact: numbers to their last digit
 * @key: what it is sorted by
 */
struct top {
	struct cnl nl;
	struct watch watch;
	struct cnl_summary summary;
	double denied;
	double anomalies;
	const char *name;
	const u8 *mac;
	const char *segment;
	int ms;
	unsigned long left;
	bool json;
	bool exact;
	enum watch_key key;
};

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

static double later(double a, double b)
{
	return a > b ? a : b;
}

static u64 sum_anomalies(const struct cnl_stats *s)
{
	u64 sum = 0;
	u32 kind;

	for (kind = 0; kind < CORDON_KINDS; kind++)
		sum += s->anomalies[kind];
	return sum;
}

static int add_device(const struct cnl_device *d, void *arg)
{
	struct top *t = arg;
	struct watch_row row = {
		.state = d->state,
		.counts = {
			[WATCH_C_RX_PACKETS] = d->stats.rx_packets, [WATCH_C_RX_BYTES] = d->stats.rx_bytes,
			[WATCH_C_TX_PACKETS] = d->stats.tx_packets, [WATCH_C_TX_BYTES] = d->stats.tx_bytes,
			[WATCH_C_DENIED] = d->stats.denied, [WATCH_C_ANOMALIES] = sum_anomalies(&d->stats),
		},
	};

	if (t->segment && strcmp(d->segment, t->segment) && strcmp(d->effective_segment, t->segment))
		return 0;
	memcpy(row.mac, d->def.mac, sizeof(row.mac));
	strcpy(row.name, d->def.name);
	strcpy(row.segment, d->effective_segment);
	return watch_add(&t->watch, &row);
}

static int ask_devices(struct top *t)
{
	struct cnl_device d;
	int err;

	if (!t->name && !t->mac)
		return cnl_device_each(&t->nl, add_device, t);
	err = cnl_device_get(&t->nl, t->name, t->mac, &d);
	return err ? err : add_device(&d, t);
}

static double rate(u64 after, u64 before, double seconds)
{
	return seconds > 0 ? (after < before ? after : after - before) / seconds : 0;
}

/* Return: an exit status. While the policy changes again and again, the last sample stays. */
static int take_sample(struct top *t)
{
	struct cnl_stats before = t->summary.stats;
	double at = now();
	int err = -EAGAIN, tries;

	for (tries = 0; err == -EAGAIN && tries < TRIES; tries++) {
		at = now();
		watch_begin(&t->watch);
		err = ask_devices(t);
		if (err)
			watch_undo(&t->watch);
	}
	if (err && err != -EAGAIN)
		return complain_nl(&t->nl);
	if (err)
		return EXIT_DONE;
	watch_sampled(&t->watch, at);
	if (cnl_summary(&t->nl, &t->summary))
		return complain_nl(&t->nl);
	t->denied = rate(t->summary.stats.denied, before.denied, t->watch.seconds);
	t->anomalies = rate(sum_anomalies(&t->summary.stats), sum_anomalies(&before), t->watch.seconds);
	return EXIT_DONE;
}

static double sum(const struct watch *w, enum watch_count a, enum watch_count b)
{
	double total = 0;
	size_t i;

	for (i = 0; i < w->n; i++)
		total += (double)w->rows[i].rates[a] + w->rows[i].rates[b];
	return total;
}

/* More digits say nothing. */
static json_t *json_rate(double value)
{
	return json_real((double)(u64)(value * 10 + 0.5) / 10);
}

static json_t *json_row(const struct watch_row *row)
{
	char mac[18];

	return json_pack("{s:s,s:s,s:s,s:s,s:o,s:o,s:o,s:o,s:o,s:o}", "name", row->name,
			 "mac", policy_mac_text(row->mac, mac), "segment", row->segment,
			 "state", policy_state_name(row->state),
			 "rx_packets", json_rate(row->rates[WATCH_C_RX_PACKETS]),
			 "rx_bytes", json_rate(row->rates[WATCH_C_RX_BYTES]),
			 "tx_packets", json_rate(row->rates[WATCH_C_TX_PACKETS]),
			 "tx_bytes", json_rate(row->rates[WATCH_C_TX_BYTES]),
			 "denied", json_rate(row->rates[WATCH_C_DENIED]),
			 "anomalies", json_rate(row->rates[WATCH_C_ANOMALIES]));
}

static void print_json(const struct top *t)
{
	const struct watch_row **sorted = watch_sorted(&t->watch, t->key);
	json_t *devices = json_array();
	size_t i;

	for (i = 0; sorted && i < t->watch.n; i++)
		json_array_append_new(devices, json_row(sorted[i]));
	free(sorted);
	json_line(json_pack("{s:I,s:o,s:I,s:o,s:o,s:o}", "time", (json_int_t)time(NULL),
			    "seconds", json_real((double)(u64)(t->watch.seconds * 1000 + 0.5) / 1000),
			    "generation", (json_int_t)t->summary.generation,
			    "denied", json_rate(t->denied), "anomalies", json_rate(t->anomalies),
			    "devices", devices));
}

static void print_sum(const struct top *t, const struct watch_screen *screen, FILE *out)
{
	char packets[WATCH_NUMBER_LEN], bytes[WATCH_NUMBER_LEN], denied[WATCH_NUMBER_LEN],
	     anomalies[WATCH_NUMBER_LEN], line[160];

	snprintf(line, sizeof(line), "%s, %zu device%s; /s: %s packets, %s bytes, %s denied, %s anomalies",
		 !t->summary.in_force ? "no policy" :
		 t->summary.mode == CORDON_MODE_OBSERVE ? "observe" : "enforce",
		 t->watch.n, t->watch.n == 1 ? "" : "s",
		 watch_number(sum(&t->watch, WATCH_C_RX_PACKETS, WATCH_C_TX_PACKETS), packets),
		 watch_number(sum(&t->watch, WATCH_C_RX_BYTES, WATCH_C_TX_BYTES), bytes),
		 watch_number(t->denied, denied), watch_number(t->anomalies, anomalies));
	watch_line(screen, line, out);
}

/* How far the graph goes back, and the keys; the one that it is sorted by in capitals. */
static void print_keys(const struct top *t, const struct watch_screen *screen, FILE *out)
{
	static const char *const names[WATCH_KEYS][2] = {
		[WATCH_TRAFFIC] = { "traffic", "TRAFFIC" }, [WATCH_DENIED] = { "denied", "DENIED" },
		[WATCH_ANOMALIES] = { "anomalies", "ANOMALIES" }, [WATCH_NAME] = { "name", "NAME" },
	};
	double back = (double)t->ms * WATCH_HISTORY / 1000;
	char line[160];

	snprintf(line, sizeof(line), "sort: t %s, d %s, a %s, n %s; q quits; graph: last %.0f %s", names[0][t->key == 0],
		 names[1][t->key == 1], names[2][t->key == 2], names[3][t->key == 3],
		 back < 120 ? back : back / 60, back < 120 ? "s" : "min");
	watch_line(screen, line, out);
}

static void draw(const struct top *t, bool utf8)
{
	struct watch_screen screen = { .utf8 = utf8, .colour = true, .exact = t->exact, .key = t->key };
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	if (!out)
		return;
	terminal_size(&screen.columns, &screen.lines);
	screen.lines = screen.lines > MIN_LINES ? screen.lines - HEAD_LINES : MIN_LINES - HEAD_LINES;
	print_sum(t, &screen, out);
	print_keys(t, &screen, out);
	watch_table(&t->watch, &screen, out);
	fclose(out);
	terminal_draw(text, len);
	free(text);
}

static void print_table(const struct top *t, bool utf8)
{
	struct watch_screen screen = { .utf8 = utf8, .exact = t->exact, .key = t->key };

	print_sum(t, &screen, stdout);
	watch_table(&t->watch, &screen, stdout);
	putchar('\n');
}

static void pause_for(double seconds)
{
	struct timespec t;

	if (seconds <= 0)
		return;
	t.tv_sec = (time_t)seconds;
	t.tv_nsec = (long)((seconds - t.tv_sec) * 1e9);
	nanosleep(&t, NULL);
}

/* To a file or another program: a sample says something when there was one before it. */
static int run_plain(struct top *t)
{
	double next = now();
	bool utf8 = terminal_is_utf8();
	int ret;

	while (!(ret = take_sample(t))) {
		if (t->watch.sample > 1) {
			t->json ? print_json(t) : print_table(t, utf8);
			if (fflush(stdout))
				return complain("top", strerror(errno));
			if (t->left && !--t->left)
				return EXIT_DONE;
		}
		next = later(next + t->ms / 1000.0, now());
		pause_for(next - now());
	}
	return ret;
}

/* Return: false, it ends. */
static bool take_key(struct top *t, int key)
{
	const char word[] = { (char)key, '\0' };
	int sort = key > 0 && key < 0x80 ? watch_key_parse(word) : -1;

	if (sort >= 0)
		t->key = sort;
	return key != 'q' && key != 'Q';
}

/* Draw, and draw again for keys and sizes, until the next sample is due. Return: false, it ends. */
static bool show_until(struct top *t, double due, bool utf8)
{
	double left;
	int key;

	do {
		draw(t, utf8);
		do {
			left = due - now();
			if (left <= 0)
				return true;
			key = terminal_wait((int)(left * 1000) + 1);
		} while (!key);
	} while (take_key(t, key));
	return false;
}

static int run_terminal(struct top *t)
{
	bool utf8 = terminal_is_utf8();
	double due = now();
	int ret = take_sample(t);

	/* What is wrong from the beginning is told where it can be read. */
	if (ret)
		return ret;
	terminal_begin();
	for (;;) {
		due = later(due + t->ms / 1000.0, now());
		if (!show_until(t, due, utf8) || (t->watch.sample > 1 && t->left && !--t->left))
			break;
		ret = take_sample(t);
		if (ret)
			break;
	}
	terminal_end();
	return ret;
}

static int parse_interval(const struct command *self, const char *word, int *ms)
{
	char *end;
	double seconds = strtod(word, &end);

	if (*end == 's')
		end++;
	if (end == word || *end || !(seconds >= MIN_SECONDS && seconds <= MAX_SECONDS))
		return usage_error(self, "--interval takes seconds, from 0.1 to 3600", word);
	*ms = (int)(seconds * 1000);
	return EXIT_DONE;
}

static int parse_option(const struct command *self, struct top *t, int o, u8 mac[6])
{
	char *end;
	int key;

	switch (o) {
	case 'i':
		return parse_interval(self, optarg, &t->ms);
	case 'c':
		t->left = strtoul(optarg, &end, 10);
		return *end || !t->left || *optarg == '-' ? usage_error(self, "not a number of samples", optarg) : EXIT_DONE;
	case 's':
		key = watch_key_parse(optarg);
		if (key < 0)
			return usage_error(self, "--sort takes traffic, denied, anomalies or name", optarg);
		t->key = key;
		return EXIT_DONE;
	case 'd':
		return parse_device(optarg, &t->name, &t->mac, mac) ? EXIT_DONE :
		       usage_error(self, "neither a device's name nor a MAC", optarg);
	case 'g':
		t->segment = optarg;
		return EXIT_DONE;
	case 'b':
		t->exact = true;
		return EXIT_DONE;
	default:
		t->json = true;
		return EXIT_DONE;
	}
}

static int run_top(const struct command *self, int argc, char **argv)
{
	static const struct option options[] = {
		{ "sort", required_argument, NULL, 's' }, { "interval", required_argument, NULL, 'i' },
		{ "count", required_argument, NULL, 'c' }, { "device", required_argument, NULL, 'd' },
		{ "segment", required_argument, NULL, 'g' }, { "json", no_argument, NULL, 'j' },
		{ "bytes", no_argument, NULL, 'b' },
		{ "help", no_argument, NULL, OPTION_HELP }, { }
	};
	struct top t = { .ms = DEFAULT_MS, .key = WATCH_TRAFFIC };
	u8 mac[6];
	int o, ret;

	while ((o = next_option(self, argc, argv, options)) != -1) {
		if (o == OPTION_HELP)
			return EXIT_DONE;
		if (o == OPTION_ERROR || parse_option(self, &t, o, mac))
			return EXIT_USAGE;
	}
	if (argc != optind)
		return usage_error(self, "too many words", argv[optind]);
	if (!open_kernel(&t.nl))
		return EXIT_REFUSED;
	ret = t.json || !terminal_is() ? run_plain(&t) : run_terminal(&t);
	watch_free(&t.watch);
	cnl_close(&t.nl);
	return ret;
}

const struct command cmd_top = {
	"top", "Watch what devices do",
	"top [--sort traffic|denied|anomalies|name] [--interval SECONDS] [--count N]\n"
	"        [--device DEVICE] [--segment SEGMENT] [--bytes] [--json]",
	"  --sort KEY          traffic, denied, anomalies or name\n"
	"  --interval SECONDS  between two samples, by default 2\n"
	"  --count N           end after N samples\n"
	"  --device DEVICE     that one alone\n"
	"  --segment SEGMENT   its devices, and those that are held in it\n"
	"  --bytes             all digits of every number, and no graph\n"
	"  --json              a line of JSON for each sample\n\n"
	"Keys: t, d, a, n sort by another one, q quits.\n"
	"All numbers are those of a second; RX is what came from the device.\n"
	"To a file or a pipe it prints a table for each sample.\n", run_top
};
