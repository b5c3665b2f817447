// SPDX-License-Identifier: GPL-2.0
/* stats: counters. */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/ctl.h"
#include "metrics/metrics.h"
#include "pki/pki.h"
#include "serve/common/serve.h"
#include "store/store.h"

static unsigned long long sum_anomalies(const struct cnl_stats *s)
{
	unsigned long long sum = 0;
	u32 kind;

	for (kind = 0; kind < CORDON_KINDS; kind++)
		sum += s->anomalies[kind];
	return sum;
}

static void print_head(void)
{
	printf("%-20s %-12s %12s %14s %12s %14s %10s %10s\n", "DEVICE", "STATE", "RX-PACKETS",
	       "RX-BYTES", "TX-PACKETS", "TX-BYTES", "DENIED", "ANOMALIES");
}

static void print_row(const struct cnl_device *d, bool exact)
{
	const u64 counts[] = { d->stats.rx_packets, d->stats.rx_bytes, d->stats.tx_packets, d->stats.tx_bytes,
			       d->stats.denied, sum_anomalies(&d->stats) };
	static const int widths[] = { 12, 14, 12, 14, 10, 10 };
	char text[PEOPLE_LEN];
	size_t i;

	printf("%-20s %-12s", d->def.name, policy_state_name(d->state));
	for (i = 0; i < sizeof(counts) / sizeof(*counts); i++)
		printf(" %*s", widths[i], people_number(counts[i], exact, text));
	putchar('\n');
}

static json_t *json_row(const struct cnl_device *d)
{
	json_t *out = json_stats(&d->stats);
	char mac[18];

	json_object_set_new(out, "name", json_string(d->def.name));
	json_object_set_new(out, "mac", json_string(policy_mac_text(d->def.mac, mac)));
	json_object_set_new(out, "segment", json_string(d->segment));
	json_object_set_new(out, "state", json_string(policy_state_name(d->state)));
	return out;
}

/* A family's series stand together, so everything is read first. */
static const struct {
	enum metrics_family family;
	size_t offset;
} families[] = {
	{ METRICS_DEVICE_RX_PACKETS, offsetof(struct cnl_stats, rx_packets) },
	{ METRICS_DEVICE_RX_BYTES, offsetof(struct cnl_stats, rx_bytes) },
	{ METRICS_DEVICE_TX_PACKETS, offsetof(struct cnl_stats, tx_packets) },
	{ METRICS_DEVICE_TX_BYTES, offsetof(struct cnl_stats, tx_bytes) },
	{ METRICS_DEVICE_DENIED, offsetof(struct cnl_stats, denied) },
};

/* @more: what the family has behind a device's labels, or NULL. */
static void device_series(struct metrics_out *o, const struct cnl_device *d, const char *more, u64 value)
{
	char mac[18];
	const char *words[] = { d->def.name, policy_mac_text(d->def.mac, mac), d->segment, more };

	metrics_series(o, words, value);
}

static void prometheus_devices(struct metrics_out *o, const struct policy *p, const struct cnl_runtime *r)
{
	const struct cnl_device *d, *end = r->devices + p->draft.n_devices;
	u32 kind;
	size_t f;

	for (f = 0; f < sizeof(families) / sizeof(*families); f++) {
		metrics_begin(o, families[f].family);
		for (d = r->devices; d < end; d++)
			device_series(o, d, NULL, *(const u64 *)((const char *)&d->stats + families[f].offset));
	}
	metrics_begin(o, METRICS_DEVICE_ANOMALIES);
	for (d = r->devices; d < end; d++)
		for (kind = 0; kind < CORDON_KINDS; kind++)
			if (d->stats.anomalies[kind])
				device_series(o, d, policy_kind_name(kind), d->stats.anomalies[kind]);
	metrics_begin(o, METRICS_DEVICE_STATE);
	for (d = r->devices; d < end; d++)
		device_series(o, d, policy_state_name(d->state), 1);
	metrics_begin(o, METRICS_DEVICE_DESTINATIONS);
	for (d = r->devices; d < end; d++)
		if (d->has_destinations)
			device_series(o, d, NULL, d->destinations);
	metrics_begin(o, METRICS_DEVICE_LEASE);
	for (d = r->devices; d < end; d++)
		device_series(o, d, NULL, d->lease);
}

static void segment_series(struct metrics_out *o, const struct cnl_segment *s, u64 value)
{
	const char *word = s->def.name;

	metrics_series(o, &word, value);
}

static void prometheus_segments(struct metrics_out *o, const struct policy *p, const struct cnl_runtime *r)
{
	const struct cnl_segment *s, *end = r->segments + p->draft.n_segments;

	metrics_begin(o, METRICS_SEGMENT_PACKETS);
	for (s = r->segments; s < end; s++)
		segment_series(o, s, s->packets);
	metrics_begin(o, METRICS_SEGMENT_BYTES);
	for (s = r->segments; s < end; s++)
		segment_series(o, s, s->bytes);
	metrics_begin(o, METRICS_SEGMENT_DENIED);
	for (s = r->segments; s < end; s++)
		segment_series(o, s, s->denied);
	metrics_begin(o, METRICS_SEGMENT_DEVICES);
	for (s = r->segments; s < end; s++)
		segment_series(o, s, s->devices);
}

static void one(struct metrics_out *o, enum metrics_family family, u64 value)
{
	metrics_begin(o, family);
	metrics_value(o, NULL, value);
}

static void prometheus_kernel(struct metrics_out *o, const struct policy *p, const struct cnl_runtime *r,
			      const struct cnl_summary *s)
{
	const char *word;
	u32 kind;

	one(o, METRICS_GENERATION, s->generation);
	one(o, METRICS_DENIED, s->stats.denied);
	metrics_begin(o, METRICS_ANOMALIES);
	for (kind = 0; kind < CORDON_KINDS; kind++) {
		word = policy_kind_name(kind);
		metrics_series(o, &word, s->stats.anomalies[kind]);
	}
	prometheus_segments(o, p, r);
	prometheus_devices(o, p, r);
}

/* Where there is no module, that is a figure as well: what server and registry know is told all the same. */
static int prometheus(const char *ca, const char *registry)
{
	struct metrics_out out = { .file = stdout, .format = METRICS_PLAIN };
	struct cnl_runtime r = { NULL, NULL, NULL };
	struct policy *p = NULL;
	struct cnl_summary s;
	struct cnl nl;
	int ret = EXIT_DONE, err = cnl_open(&nl);

	if (err) {
		complain_note(nl.error, "what follows has no figures of the kernel's");
		one(&out, METRICS_UP, 0);
	} else {
		if (cnl_fetch(&nl, &p, &r) || cnl_summary(&nl, &s)) {
			ret = complain_nl(&nl);
		} else {
			one(&out, METRICS_UP, 1);
			prometheus_kernel(&out, p, &r, &s);
		}
		cnl_close(&nl);
		cnl_runtime_free(&r);
		policy_free(p);
	}
	if (ret)
		return ret;
	prometheus_serve(&out);
	prometheus_expiry(&out, ca, registry);
	return EXIT_DONE;
}

/** struct rows - a table on its way */
struct rows {
	struct json_list list;
	bool exact;
};

static int text_row(const struct cnl_device *d, void *arg)
{
	print_row(d, ((struct rows *)arg)->exact);
	return 0;
}

static int text_kinds(const struct cnl_device *d, void *arg)
{
	u32 kind;

	(void)arg;
	for (kind = 0; kind < CORDON_KINDS; kind++)
		if (d->stats.anomalies[kind])
			printf("%-20s %-18s %12llu\n", d->def.name, policy_kind_name(kind),
			       (unsigned long long)d->stats.anomalies[kind]);
	return 0;
}

/* A line for each device and kind that was seen of it. */
static int print_kinds(struct cnl *nl)
{
	printf("%-20s %-18s %12s\n", "DEVICE", "KIND", "ANOMALIES");
	return cnl_device_each(nl, text_kinds, NULL) ? complain_nl(nl) : EXIT_DONE;
}

static int list_row(const struct cnl_device *d, void *arg)
{
	json_list_add(&((struct rows *)arg)->list, json_row(d));
	return 0;
}

static int print_all(struct cnl *nl, bool json, bool exact)
{
	struct rows rows = { .exact = exact };
	int err;

	if (!json)
		print_head();
	err = cnl_device_each(nl, json ? list_row : text_row, &rows);
	if (json)
		json_list_end(&rows.list);
	return err ? complain_nl(nl) : EXIT_DONE;
}

static void print_one(const struct cnl_device *d, bool exact)
{
	char text[PEOPLE_LEN];
	u32 kind;

	print_head();
	print_row(d, exact);
	for (kind = 0; kind < CORDON_KINDS; kind++)
		if (d->stats.anomalies[kind])
			printf("  %-18s %s\n", policy_kind_name(kind),
			       people_number(d->stats.anomalies[kind], exact, text));
}

static int one_device(const struct command *self, struct cnl *nl, const char *word, bool json, bool exact)
{
	struct cnl_device d;
	const char *name;
	const u8 *mac;
	u8 buf[6];

	if (!parse_device(word, &name, &mac, buf))
		return usage_error(self, "neither a device's name nor a MAC", word);
	if (cnl_device_get(nl, name, mac, &d))
		return complain_nl(nl);
	if (json)
		json_print(json_row(&d));
	else
		print_one(&d, exact);
	return EXIT_DONE;
}

static int run_stats(const struct command *self, int argc, char **argv)
{
	static const struct option options[] = {
		{ "json", no_argument, NULL, 'j' }, { "prometheus", no_argument, NULL, 'p' },
		{ "kinds", no_argument, NULL, 'k' }, { "bytes", no_argument, NULL, 'b' },
		{ "serve", no_argument, NULL, 's' }, { "run", required_argument, NULL, 'r' },
		{ "ca", required_argument, NULL, 'c' }, { "registry", required_argument, NULL, 'R' },
		{ "help", no_argument, NULL, OPTION_HELP }, { }
	};
	bool json = false, prom = false, serve = false, kinds = false, exact = false;
	const char *run = NULL, *ca = NULL, *registry = NULL;
	struct cnl nl;
	int o, ret;

	while ((o = next_option(self, argc, argv, options)) != -1) {
		if (o == OPTION_HELP)
			return EXIT_DONE;
		if (o == OPTION_ERROR)
			return EXIT_USAGE;
		json |= o == 'j';
		prom |= o == 'p';
		serve |= o == 's';
		kinds |= o == 'k';
		exact |= o == 'b';
		if (o == 'r')
			run = optarg;
		if (o == 'c')
			ca = optarg;
		if (o == 'R')
			registry = optarg;
	}
	if (argc - optind > 1)
		return usage_error(self, "too many words", argv[optind + 1]);
	if (prom && (json || serve || argc > optind))
		return usage_error(self, "--prometheus tells of everything, in its own format", NULL);
	if (kinds && (json || prom || serve || argc > optind))
		return usage_error(self, "--kinds is a table of all devices: --json, and stats of one device, tell kinds anyway",
				   NULL);
	if (serve && argc > optind)
		return usage_error(self, "the server counts for all devices together", argv[optind]);
	if (run && !serve)
		return usage_error(self, "--run goes with --serve", NULL);
	if ((ca || registry) && !prom)
		return usage_error(self, "--ca and --registry go with --prometheus", NULL);
	if (serve)
		return serve_stats(run ? run : SERVE_RUN, json);
	if (prom)
		return prometheus(ca ? ca : PKI_CA_DIR, registry ? registry : STORE_PATH);
	if (!open_kernel(&nl))
		return EXIT_REFUSED;
	if (kinds)
		ret = print_kinds(&nl);
	else if (argc > optind)
		ret = one_device(self, &nl, argv[optind], json, exact);
	else
		ret = print_all(&nl, json, exact);
	cnl_close(&nl);
	return ret;
}

const struct command cmd_stats = {
	"stats", "Print counters of devices", "stats [DEVICE] [--bytes | --json]\nstats --kinds\nstats --serve [--run DIR] [--json]\nstats --prometheus [--ca DIR] [--registry FILE]",
	"  --bytes       all digits of every number; large ones are rounded otherwise\n"
	"  --json        as JSON\n"
	"  --kinds       a line for each device and kind of anomaly that was seen of it\n"
	"  --serve       of the enrolment and check-in server that runs, or ran last\n"
	"  --run DIR     which it counts in, by default " SERVE_RUN "\n"
	"  --prometheus  everything, in Prometheus' text format; without the module what the\n"
	"                server and the registry know, and cordon_up 0\n"
	"  --ca DIR, --registry FILE\n"
	"                where certificates are looked for (" PKI_CA_DIR ",\n"
	"                " STORE_PATH ")\n", run_stats
};
