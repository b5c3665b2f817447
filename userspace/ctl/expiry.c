// SPDX-License-Identifier: GPL-2.0
/* Certificates that end soon, for whoever may read the CA and the registry: warnings, JSON, Prometheus' format. */
#include <string.h>

#include "ctl/ctl.h"
#include "metrics/metrics.h"
#include "serve/common/expiry.h"

#define DAY	86400
#define NAMED	10	/* devices that are told by name */

/* What is printed or collected. */
struct out {
	time_t now;
	FILE *file;
	struct metrics_out *metrics;
	json_t *list;
	size_t late;
	char names[NAMED * (PKI_NAME_LEN + 1) + 8];
	size_t len;
};

/* What cannot be read is left out, as for whoever is not root. */
static void walk(const char *dir, const char *registry, int (*each)(const struct expiry *e, void *arg), struct out *o)
{
	struct pki_error unused;
	struct pki_ca ca;
	struct store s;
	bool has_ca = !pki_ca_load(dir, false, NULL, &ca, &unused), has_store = !store_peek(&s, registry);

	o->now = time(NULL);
	expiry_each(has_ca ? &ca : NULL, has_store ? &s : NULL, o->now, each, o);
	if (has_ca)
		pki_ca_free(&ca);
	if (has_store)
		store_close(&s);
}

static void print_left(FILE *file, const char *what, time_t until, time_t now)
{
	char day[16] = "?";
	struct tm tm;

	if (gmtime_r(&until, &tm))
		strftime(day, sizeof(day), "%Y-%m-%d", &tm);
	if (until <= now)
		fprintf(file, "warning: %s ended %s", what, day);
	else
		fprintf(file, "warning: %s ends %s, in %lld days", what, day, (long long)(until - now) / DAY);
}

static int warn(const struct expiry *e, void *arg)
{
	struct out *o = arg;

	if (!e->soon)
		return 0;
	if (!strcmp(e->what, "device")) {
		if (o->late++ < NAMED)
			o->len += snprintf(o->names + o->len, sizeof(o->names) - o->len, " %s", e->name);
		else if (o->late == NAMED + 1)
			snprintf(o->names + o->len, sizeof(o->names) - o->len, " ...");
		return 0;
	}
	if (!strcmp(e->what, "server")) {
		print_left(o->file, "the server's certificate", e->until, o->now);
		fputs(": does the server run?\n", o->file);
		return 0;
	}
	print_left(o->file, e->what[0] == 'r' ? "the CA's root" : "the CA's issuing certificate", e->until, o->now);
	fputs(": see 'ca init --rollover' in cordonctl(8)\n", o->file);
	return 0;
}

/**
 * expiry_warn - print a line for each certificate of the CA and the server that ends soon, and one for devices
 * @dir: of the CA
 * @registry: its file
 * @file: where to
 */
void expiry_warn(const char *dir, const char *registry, FILE *file)
{
	struct out o = { .file = file };

	walk(dir, registry, warn, &o);
	if (o.late)
		fprintf(file, "warning: %zu %s not renewed, and the certificate ends soon or has ended:%s\n", o.late,
			o.late == 1 ? "device has" : "devices have", o.names);
}

static int collect(const struct expiry *e, void *arg)
{
	struct out *o = arg;

	if (e->soon)
		json_array_append_new(o->list, json_pack("{ss ss* sI}", "what", e->what, "name",
							 e->name[0] ? e->name : NULL, "seconds",
							 (json_int_t)(e->until - o->now)));
	return 0;
}

/**
 * json_expiry - what expiry_warn() warns of
 * @dir: of the CA
 * @registry: its file
 *
 * Return: an array.
 */
json_t *json_expiry(const char *dir, const char *registry)
{
	struct out o = { .list = json_array() };

	walk(dir, registry, collect, &o);
	return o.list;
}

static int metric(const struct expiry *e, void *arg)
{
	const char *words[] = { e->what, e->name };
	struct out *o = arg;

	if (!o->late++)
		metrics_begin(o->metrics, METRICS_CERTIFICATE_END);
	metrics_series(o->metrics, words, e->until - o->now);
	return 0;
}

/**
 * prometheus_expiry - print when certificates end
 * @out: where to
 * @dir: of the CA
 * @registry: its file
 */
void prometheus_expiry(struct metrics_out *out, const char *dir, const char *registry)
{
	struct out o = { .metrics = out };

	walk(dir, registry, metric, &o);
}
