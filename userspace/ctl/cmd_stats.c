// SPDX-License-Identifier: GPL-2.0
/* stats: counters. */
#include <stdlib.h>
#include <string.h>

#include "ctl/ctl.h"
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

/* Prometheus' text format wants a metric's lines together, so everything is read first. */
struct family {
	const char *name;
	const char *help;
	u64 (*value)(const struct cnl_stats *s);
};

static u64 rx_packets(const struct cnl_stats *s)
{
	return s->rx_packets;
}

static u64 rx_bytes(const struct cnl_stats *s)
{
	return s->rx_bytes;
}

static u64 tx_packets(const struct cnl_stats *s)
{
	return s->tx_packets;
}

static u64 tx_bytes(const struct cnl_stats *s)
{
	return s->tx_bytes;
}

static u64 denied(const struct cnl_stats *s)
{
	return s->denied;
}

static const struct family families[] = {
	{ "rx_packets", "Packets that came from the device", rx_packets },
	{ "rx_bytes", "Bytes that came from the device", rx_bytes },
	{ "tx_packets", "Packets that went to the device", tx_packets },
	{ "tx_bytes", "Bytes that went to the device", tx_bytes },
	{ "denied", "Packets from or to the device that were denied", denied },
};

/* Names are words (cordon_name_is_valid()), so that no label needs escaping. */
static void labels(const struct cnl_device *d)
{
	char mac[18];

	printf("{device=\"%s\",mac=\"%s\",segment=\"%s\"", d->def.name,
	       policy_mac_text(d->def.mac, mac), d->segment);
}

static void metric(const char *name, const char *help, const char *type)
{
	printf("# HELP cordon_%s %s.\n# TYPE cordon_%s %s\n", name, help, name, type);
}

static void prometheus_devices(const struct policy *p, const struct cnl_runtime *r)
{
	char name[64];
	u32 i, kind;
	size_t f;

	for (f = 0; f < sizeof(families) / sizeof(*families); f++) {
		snprintf(name, sizeof(name), "device_%s_total", families[f].name);
		metric(name, families[f].help, "counter");
		for (i = 0; i < p->draft.n_devices; i++) {
			printf("cordon_%s", name);
			labels(&r->devices[i]);
			printf("} %llu\n",
			       (unsigned long long)families[f].value(&r->devices[i].stats));
		}
	}
	metric("device_anomalies_total", "Anomalies of the device that were seen", "counter");
	for (i = 0; i < p->draft.n_devices; i++)
		for (kind = 0; kind < CORDON_KINDS; kind++) {
			if (!r->devices[i].stats.anomalies[kind])
				continue;
			fputs("cordon_device_anomalies_total", stdout);
			labels(&r->devices[i]);
			printf(",kind=\"%s\"} %llu\n", policy_kind_name(kind),
			       (unsigned long long)r->devices[i].stats.anomalies[kind]);
		}
	metric("device_state", "1 for the state that the device is in", "gauge");
	for (i = 0; i < p->draft.n_devices; i++) {
		fputs("cordon_device_state", stdout);
		labels(&r->devices[i]);
		printf(",state=\"%s\"} 1\n", policy_state_name(r->devices[i].state));
	}
	metric("device_destinations", "Destinations of the device that are known; at 160 no more are learned", "gauge");
	for (i = 0; i < p->draft.n_devices; i++) {
		if (!r->devices[i].has_destinations)
			continue;
		fputs("cordon_device_destinations", stdout);
		labels(&r->devices[i]);
		printf("} %u\n", r->devices[i].destinations);
	}
	metric("device_lease_seconds", "Seconds left of the device's lease", "gauge");
	for (i = 0; i < p->draft.n_devices; i++) {
		fputs("cordon_device_lease_seconds", stdout);
		labels(&r->devices[i]);
		printf("} %u\n", r->devices[i].lease);
	}
}

static void prometheus_segments(const struct policy *p, const struct cnl_runtime *r)
{
	u32 i;

	metric("segment_packets_total", "Packets that the segment's members sent", "counter");
	for (i = 0; i < p->draft.n_segments; i++)
		printf("cordon_segment_packets_total{segment=\"%s\"} %llu\n",
		       r->segments[i].def.name, (unsigned long long)r->segments[i].packets);
	metric("segment_bytes_total", "Bytes that the segment's members sent", "counter");
	for (i = 0; i < p->draft.n_segments; i++)
		printf("cordon_segment_bytes_total{segment=\"%s\"} %llu\n",
		       r->segments[i].def.name, (unsigned long long)r->segments[i].bytes);
	metric("segment_denied_total", "Packets of the segment's members that were denied",
	       "counter");
	for (i = 0; i < p->draft.n_segments; i++)
		printf("cordon_segment_denied_total{segment=\"%s\"} %llu\n",
		       r->segments[i].def.name, (unsigned long long)r->segments[i].denied);
	metric("segment_devices", "Devices of the segment", "gauge");
	for (i = 0; i < p->draft.n_segments; i++)
		printf("cordon_segment_devices{segment=\"%s\"} %u\n", r->segments[i].def.name,
		       r->segments[i].devices);
}

static void prometheus_kernel(const struct policy *p, const struct cnl_runtime *r, const struct cnl_summary *s)
{
	u32 kind;

	metric("policy_generation", "Number of the policy in force", "gauge");
	printf("cordon_policy_generation %u\n", s->generation);
	metric("denied_total", "Packets that were denied", "counter");
	printf("cordon_denied_total %llu\n", (unsigned long long)s->stats.denied);
	metric("anomalies_total", "Anomalies that were seen, of unknown devices included", "counter");
	for (kind = 0; kind < CORDON_KINDS; kind++)
		printf("cordon_anomalies_total{kind=\"%s\"} %llu\n", policy_kind_name(kind),
		       (unsigned long long)s->stats.anomalies[kind]);
	prometheus_segments(p, r);
	prometheus_devices(p, r);
}

static void prometheus_up(bool up)
{
	metric("up", "1 if the kernel module is loaded, and its figures are among these", "gauge");
	printf("cordon_up %d\n", up);
}

/* Where there is no module, that is a figure as well: what server and registry know is told all the same. */
static int prometheus(const char *ca, const char *registry)
{
	struct cnl_runtime r = { NULL, NULL, NULL };
	struct policy *p = NULL;
	struct cnl_summary s;
	struct cnl nl;
	int ret = EXIT_DONE, err = cnl_open(&nl);

	if (err) {
		complain_note(nl.error, "what follows has no figures of the kernel's");
		prometheus_up(false);
	} else {
		if (cnl_fetch(&nl, &p, &r) || cnl_summary(&nl, &s)) {
			ret = complain_nl(&nl);
		} else {
			prometheus_up(true);
			prometheus_kernel(p, &r, &s);
		}
		cnl_close(&nl);
		cnl_runtime_free(&r);
		policy_free(p);
	}
	if (ret)
		return ret;
	prometheus_serve();
	prometheus_expiry(ca, registry);
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
