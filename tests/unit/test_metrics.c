// SPDX-License-Identifier: GPL-2.0
/* Figures for Prometheus: what a history of a few rows gives, line by line. */
#include <errno.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

#include "history/history.h"
#include "metrics/metrics.h"
#include "serve/common/serve.h"

#include "tap.h"
#include "tree.h"

#define NOW	1800000000

static char dir[] = "/tmp/cordon-metrics.XXXXXX";
static char *text;

static const char rows[] =
	"INSERT INTO live.meta VALUES('sampled', 1799999990), ('module', 'loaded'), ('mode', 'observe'), ('in_force', 1),"
	" ('awaiting', NULL), ('denied', 7);"
	"INSERT INTO live.now(id, mac, name, segment, effective, state, listed, lease_until, destinations, rx_bytes)"
	" VALUES(1, '02:00:00:00:00:01', 'cam', 'iot', 'iot', 'active', 1, 1800000100, 0, 9000000000000000000),"
	" (2, '02:00:00:00:00:02', 'a\"b\\c' || char(10) || 'd', 'iot', 'iot', 'quarantined', 1, 1799999999, 5, 1),"
	" (3, '06:00:00:00:00:03', 'stranger', '', '', 'onboarding', 0, NULL, NULL, 1);"
	"INSERT INTO live.now_anomaly VALUES(1, 'scan', 3), (1, 'rate', 0), (3, 'unlisted', 4);"
	"INSERT INTO live.total_anomaly VALUES('scan', 3), ('of a later version', 9);"
	"INSERT INTO live.binding VALUES('10.0.0.1', 1, 'dhcp', NULL), ('10.0.0.2', 1, 'dhcp', NULL), ('10.0.0.3', 2, 'static', NULL);"
	"INSERT INTO live.certificate VALUES('a', 'cam', 'device', 1800000005), ('b', 'cam', 'device', 1809000000),"
	" ('c', 'lamp', 'device', 1799999995), ('d', 'gw', 'server', 1800000060),"
	" ('e', 'gateway', 'server', 1799999000), ('f', 'CA', 'root', 1800000070);"
	"INSERT INTO live.rule VALUES(4, 'iot', 'wan', 'tcp/443', 0, 0, NULL);"
	"INSERT INTO live.interface VALUES('lan0', 0, 0, 'port', NULL);"
	"INSERT INTO main.episode(device, kind, first, last, count, acknowledged) VALUES"
	" (1, 'scan', 1799999000, 1799999990, 17, NULL), (2, 'scan', 1799999000, 1799999990, 18, 1799999995),"
	" (1, 'rate', 1799999000, 1799999400, 19, NULL), (3, 'unlisted', 1799999000, 1799999990, 20, NULL),"
	" (0, 'unknown_device', 1799999000, 1799999990, 21, NULL);";

static int open_history(struct history *h, bool create)
{
	return (create ? history_create : history_open)(h, dir, dir);
}

static int run(struct history *h, const struct metrics_options *o)
{
	size_t len;
	FILE *out;
	int ret;

	free(text);
	text = NULL;
	out = open_memstream(&text, &len);
	ret = metrics_write(h, o, out);
	fclose(out);
	return ret;
}

static bool has(const char *line)
{
	size_t len = strlen(line);
	const char *at = text;

	for (; (at = strstr(at, line)); at++)
		if ((at == text || at[-1] == '\n') && at[len] == '\n')
			return true;
	printf("# no line: %s\n", line);
	return false;
}

static void names(void)
{
	unsigned int i, j, bad = 0;

	for (i = 0; i < METRICS_FAMILIES; i++) {
		const struct metrics_name *n = metrics_name(i);
		size_t len = n->name ? strlen(n->name) : 0;

		bad += !len || !n->help || !n->series || n->help[strlen(n->help) - 1] == '.';
		bad += (n->type == METRICS_COUNTER) != (len > 6 && !strcmp(n->name + len - 6, "_total"));
		bad += (n->type == METRICS_INFO) != (len > 5 && !strcmp(n->name + len - 5, "_info"));
		for (j = 0; j < i; j++)
			bad += !strcmp(n->name, metrics_name(j)->name);
		if (bad) {
			printf("# family %u\n", i);
			break;
		}
	}
	ok(!bad, "names: of each family, once, with the ending of its type");
}

static void gateway(struct history *h)
{
	const struct metrics_options o = { .now = NOW };

	ok(!run(h, &o), "a history is written");
	ok(has("cordon_up 1") && has("cordon_watch_up 1") && has("cordon_sample_age_seconds 10"), "up");
	ok(has("cordon_policy_mode{mode=\"observe\"} 1") && has("cordon_policy_in_force 1") && has("cordon_denied_total 7"),
	   "policy");
	ok(!strstr(text, "\ncordon_policy_awaiting_confirmation") && !strstr(text, "\ncordon_policy_generation "),
	   "what is not known has no series");
	ok(has("cordon_anomalies_total{kind=\"scan\"} 3") && has("cordon_anomalies_total{kind=\"rate\"} 0") &&
	   !strstr(text, "later version"), "each kind that is known, from the start");
	ok(has("cordon_devices{state=\"active\"} 1") && has("cordon_devices{state=\"quarantined\"} 1") &&
	   has("cordon_devices{state=\"onboarding\"} 0") && has("cordon_unlisted_devices 1"), "devices, and strangers apart");
	ok(has("cordon_bindings{origin=\"dhcp\"} 2"), "bindings");
	ok(has("cordon_episodes_open{kind=\"scan\"} 2") && has("cordon_episodes_unacknowledged{kind=\"scan\"} 1"),
	   "episodes: open, and not acknowledged");
	ok(has("cordon_episodes_open{kind=\"rate\"} 0"), "episodes: one that is quiet is over");
	ok(has("cordon_episodes_open{kind=\"unknown_device\"} 1"), "episodes: of nobody that is known");
	ok(has("cordon_certificates{what=\"device\"} 1") && has("cordon_certificates_ending{what=\"device\"} 1"),
	   "certificates: one that was renewed counts once, by its later end");
	ok(has("cordon_certificate_expiry_seconds{what=\"server\",name=\"gw\"} 60") &&
	   !strstr(text, "what=\"device\",name="), "certificates: devices' are left out");
	ok(has("cordon_certificate_expiry_seconds{what=\"root\",name=\"CA\"} 70") && !strstr(text, "name=\"gateway\""),
	   "certificates: the server is one, whatever it was called before");
	ok(has("cordon_rule_last_used_timestamp_seconds{rule=\"4\",from=\"iot\",to=\"wan\",matches=\"tcp/443\"} 0"), "a rule without use");
	ok(has("cordon_interface_present{interface=\"lan0\",role=\"port\"} 0"), "an interface that is not there");
	ok(!strstr(text, "cordon_device_") && !strstr(text, "cordon_serve_"), "devices and server only if wanted");
	ok(has("# EOF") && !strcmp(text + strlen(text) - 6, "# EOF\n"), "the end");
}

#define CAM	"{device=\"cam\",mac=\"02:00:00:00:00:01\",segment=\"iot\""
#define HOSTILE	"{device=\"a\\\"b\\\\c\\nd\",mac=\"02:00:00:00:00:02\",segment=\"iot\""

static void of_devices(struct history *h)
{
	const struct metrics_options o = { .now = NOW, .devices = true };

	run(h, &o);
	ok(has("cordon_device_rx_bytes_total" CAM "} 9000000000000000000"), "a large number");
	ok(has("cordon_device_rx_bytes_total" HOSTILE "} 1"), "a name that is escaped");
	ok(has("cordon_device_lease_seconds" CAM "} 100") && has("cordon_device_lease_seconds" HOSTILE "} 0"), "leases");
	ok(has("cordon_device_state" HOSTILE ",state=\"quarantined\"} 1"), "states");
	ok(has("cordon_device_destinations" HOSTILE "} 5") && !strstr(text, "\ncordon_device_destinations" CAM), "destinations");
	ok(has("cordon_device_bindings" CAM "} 2"), "bindings");
	ok(has("cordon_device_anomalies_total" CAM ",kind=\"scan\"} 3") && !strstr(text, CAM ",kind=\"rate\"} 0"), "kinds that were seen");
	ok(has("cordon_device_episode_anomalies" CAM ",kind=\"scan\"} 17") &&
	   !strstr(text, "\ncordon_device_episode_anomalies" HOSTILE), "episodes: not those that are acknowledged");
	ok(!strstr(text, "stranger") && !strstr(text, "06:00:00:00:00:03"), "whom no policy lists has no series");
	ok(has("cordon_certificate_expiry_seconds{what=\"device\",name=\"lamp\"} -5"), "certificates: one that has ended");
}

static void formats(struct history *h)
{
	static struct serve_counters c = { .started = 5, .connections = 6 };
	struct metrics_options o = { .now = NOW, .serve = &c };

	c.refused[SERVE_BAD_TOKEN] = 8;
	run(h, &o);
	ok(has("# TYPE cordon_denied counter") && has("# TYPE cordon_build info"), "OpenMetrics: a family's name");
	ok(has("cordon_serve_connections 6") && has("cordon_serve_refused_total{reason=\"bad_token\"} 8") &&
	   has("cordon_serve_start_time_seconds 5"), "what the server counts");
	o.format = METRICS_PLAIN;
	run(h, &o);
	ok(has("# TYPE cordon_denied_total counter") && has("# TYPE cordon_build_info gauge") && !strstr(text, "EOF"),
	   "the older format: its name");
	o.now = NOW + 60;
	run(h, &o);
	ok(has("cordon_up 0") && has("cordon_watch_up 0") && has("cordon_sample_age_seconds 70"), "an old sample: not up");
	ok(!run(NULL, &o) && has("cordon_up 0") && has("cordon_watch_up 0") && has("cordon_serve_connections 6") &&
	   !strstr(text, "cordon_sample_age_seconds"), "no history: what there is");
}

static void labels(void)
{
	struct metrics_labels l = { .len = 0 };
	char name[2000];
	unsigned int i;

	memset(name, 'x', sizeof(name) - 1);
	name[sizeof(name) - 1] = 0;
	memcpy(name + METRICS_VALUE_LEN - 1, "\xc3\xbc", 2);
	metrics_label(&l, "a", name);
	ok(l.len == 4 + METRICS_VALUE_LEN - 1 && l.text[l.len - 1] == '"', "a long value is cut, and no character in two");
	name[METRICS_VALUE_LEN - 1] = '"';
	l.len = 0;
	metrics_label(&l, "a", name);
	ok(l.len == 4 + METRICS_VALUE_LEN - 1 && l.text[l.len - 2] == 'x', "nor is an escape");
	for (i = 0; i < 100; i++)
		metrics_label(&l, "another", name);
	ok(l.len < sizeof(l.text) && l.text[l.len] == 0 && l.text[l.len - 1] == '"', "no more labels than there is room");
	l.len = 0;
	metrics_label(&l, "a", "x\xff\xc0\xafy\xf0\x9f\x92\xa9");
	ok(!strcmp(l.text, "a=\"x\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbdy\xf0\x9f\x92\xa9\""), "what is no UTF-8 is replaced");
}

static void faults(struct history *h)
{
	const struct metrics_options o = { .now = NOW, .devices = true };
	struct history w;

	ok(!open_history(&w, false), "a second reader");
	sqlite3_close(w.db);
	if (sqlite3_open("", &w.db))
		abort();
	ok(run(&w, &o) == -EIO && strstr(w.error, "figures cannot be read"), "a history without tables: an error, and why");
	sqlite3_close(w.db);
	ok(!run(h, &o) && !run(h, &o), "and the next scrape works");
}

int main(void)
{
	struct history h;

	if (!mkdtemp(dir) || open_history(&h, true))
		abort();
	if (sqlite3_exec(h.db, rows, NULL, NULL, NULL))
		printf("# %s\n", sqlite3_errmsg(h.db));
	history_close(&h);
	if (open_history(&h, false))
		abort();
	names();
	gateway(&h);
	of_devices(&h);
	formats(&h);
	labels();
	faults(&h);
	history_close(&h);
	free(text);
	tree_remove(dir);
	return tap_done();
}
