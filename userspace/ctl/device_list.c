// SPDX-License-Identifier: GPL-2.0
/* device list: what kernel and registry know of devices, a line for each. */
#include <stdlib.h>
#include <string.h>

#include "ctl/inventory.h"

#define DAY	86400
#define RETIRED	(CORDON_STATE_QUARANTINED + 1)	/* beside the kernel's states */

/**
 * struct listing - which devices are listed, and how
 * @registry: its file
 * @segment: only of this one, or held in it; or NULL
 * @state: enum cordon_state, or RETIRED; -1, any
 * @expiring: seconds in which the certificate ends; 0, any
 * @json: as JSON
 * @now: seconds since 1970
 */
struct listing {
	const char *registry;
	const char *segment;
	int state;
	u64 expiring;
	bool json;
	time_t now;
};

/* A device that is out of use, and that the policy has no more, is shown only to whoever asks for it. */
static bool is_wanted(const struct listing *l, const struct inventory_device *d)
{
	const bool retired = d->known && d->registry.retired;

	if (l->state == RETIRED ? !retired : retired && !d->listed)
		return false;
	if (l->state >= 0 && l->state != RETIRED && (!d->listed || d->state != (u32)l->state))
		return false;
	if (l->segment && (!d->listed || (strcmp(d->segment, l->segment) && strcmp(d->effective, l->segment))))
		return false;
	return !l->expiring || (d->until && d->until - l->now <= (int64_t)l->expiring);
}

static const char *state_name(const struct inventory *v, const struct inventory_device *d)
{
	if (d->listed)
		return policy_state_name(d->state);
	if (d->known && d->registry.retired)
		return "retired";
	return v->kernel ? "unlisted" : "-";
}

static void add_time(json_t *out, const char *name, time_t when)
{
	char text[POLICY_TIME_LEN];

	if (when)
		json_object_set_new(out, name, json_string(policy_time_text(when, text)));
}

static json_t *json_row(const struct inventory *v, const struct inventory_device *d)
{
	const char *model = d->model[0] ? d->model : d->registry.model;
	char mac[18];
	json_t *out = json_pack("{s:s,s:s}", "name", d->name, "mac", policy_mac_text(d->mac, mac));

	if (v->kernel)
		json_object_set_new(out, "listed", json_boolean(d->listed));
	if (d->listed) {
		json_object_set_new(out, "segment", json_text(d->segment));
		json_object_set_new(out, "effective_segment", json_text(d->effective));
		json_object_set_new(out, "state", json_string(policy_state_name(d->state)));
		json_object_set_new(out, "lease_seconds", json_integer(d->lease));
	}
	if (model[0])
		json_object_set_new(out, "model", json_text(model));
	if (d->known) {
		if (d->registry.firmware[0])
			json_object_set_new(out, "firmware", json_text(d->registry.firmware));
		add_time(out, "enrolled", d->registry.enrolled);
		add_time(out, "last_checkin", d->registry.checkin);
		add_time(out, "certificate_not_after", d->until);
		add_time(out, "retired", d->registry.retired);
	}
	return out;
}

static void print_row(const struct listing *l, const struct inventory *v, const struct inventory_device *d)
{
	char lease[PEOPLE_LEN] = "-", seen[PEOPLE_LEN] = "-", until[POLICY_TIME_LEN] = "-";

	if (d->listed && d->lease)
		people_time(d->lease, lease);
	if (d->known && d->registry.checkin)
		people_time(l->now > d->registry.checkin ? l->now - d->registry.checkin : 0, seen);
	if (d->until)
		policy_time_text(d->until, until);
	printf("%-16s %-12s %-11s %6s  %-11.10s %6s  %s\n", d->name, d->listed ? d->segment : "-", state_name(v, d),
	       lease, until, seen, d->known && d->registry.firmware[0] ? d->registry.firmware : "-");
}

static void print(const struct listing *l, const struct inventory *v)
{
	struct json_list list = { false };
	size_t i;

	if (!l->json)
		printf("%-16s %-12s %-11s %6s  %-11s %6s  %s\n", "DEVICE", "SEGMENT", "STATE", "LEASE", "CERTIFICATE",
		       "SEEN", "FIRMWARE");
	for (i = 0; i < v->n; i++) {
		if (!is_wanted(l, &v->list[i]))
			continue;
		if (l->json)
			json_list_add(&list, json_row(v, &v->list[i]));
		else
			print_row(l, v, &v->list[i]);
	}
	if (l->json)
		json_list_end(&list);
}

static int parse_state(const char *word)
{
	u32 i;

	for (i = 0; i <= CORDON_STATE_QUARANTINED; i++)
		if (!strcasecmp(word, policy_state_name(i)))
			return i;
	return strcasecmp(word, "retired") ? -1 : RETIRED;
}

/* Days, or a duration. */
static bool parse_days(const char *word, u64 *seconds)
{
	unsigned long days;
	u32 duration;
	char *end;

	if (!policy_duration_parse(word, &duration)) {
		*seconds = duration;
		return duration;
	}
	days = strtoul(word, &end, 10);
	if (word[0] < '0' || word[0] > '9' || *end || !days || days > 36500)
		return false;
	*seconds = (u64)days * DAY;
	return true;
}

/* One option; a sentence about what is wrong with it, or NULL. */
static const char *take(struct listing *l, int option, const char *value)
{
	switch (option) {
	case 's':
		l->segment = value;
		return strlen(value) >= CORDON_NAME_LEN ? "too long a name" : NULL;
	case 't':
		l->state = parse_state(value);
		return l->state < 0 ? "not onboarding, active, expired, outdated, quarantined or retired" : NULL;
	case 'e':
		return parse_days(value, &l->expiring) ? NULL : "neither a number of days nor a duration as 12h";
	case 'r':
		l->registry = value;
		return NULL;
	}
	l->json = true;
	return NULL;
}

struct finding {
	const char *name;
	bool found;
};

static int find_segment(const struct cnl_segment *g, void *arg)
{
	struct finding *f = arg;

	f->found |= !strcmp(g->def.name, f->name);
	return 0;
}

/* A segment that there is not is a mistake, and not one that nobody is in. */
static bool is_segment(const char *name)
{
	struct finding f = { name, false };
	struct cnl nl;

	if (!open_kernel(&nl))
		return false;
	if (cnl_segment_each(&nl, find_segment, &f))
		complain_nl(&nl);
	else if (!f.found)
		complain(name, "no such segment: 'cordonctl show segments' lists them");
	cnl_close(&nl);
	return f.found;
}

/* What was asked for can only be told by one that is not there: why that is, is said already. */
static bool can_answer(const struct listing *l, const struct inventory *v)
{
	const bool needs_kernel = l->segment || (l->state >= 0 && l->state != RETIRED);
	const bool needs_registry = l->expiring || l->state == RETIRED;

	if (needs_kernel && !v->kernel)
		complain("device", "segments and states are the kernel's to tell");
	else if (needs_registry && !v->registry)
		complain("device", "what certificates end and who is retired is the registry's to tell");
	else
		return !l->segment || is_segment(l->segment);
	return false;
}

/** device_list - list devices, as kernel and registry know them; as struct command's run */
int device_list(const struct command *self, int argc, char **argv)
{
	static const struct option options[] = {
		{ "segment", required_argument, NULL, 's' }, { "state", required_argument, NULL, 't' },
		{ "expiring", required_argument, NULL, 'e' }, { "registry", required_argument, NULL, 'r' },
		{ "json", no_argument, NULL, 'j' }, { "help", no_argument, NULL, OPTION_HELP }, { }
	};
	struct listing l = { .registry = STORE_PATH, .state = -1, .now = time(NULL) };
	struct inventory v;
	const char *problem;
	int o, ret;

	while ((o = next_option(self, argc, argv, options)) != -1) {
		if (o == OPTION_HELP)
			return EXIT_DONE;
		if (o == OPTION_ERROR)
			return EXIT_USAGE;
		problem = take(&l, o, optarg);
		if (problem)
			return usage_error(self, problem, optarg);
	}
	if (argc - optind > 1)
		return usage_error(self, "too many words", argv[optind + 1]);
	ret = inventory_load(&v, l.registry);
	if (!ret && !can_answer(&l, &v))
		ret = EXIT_REFUSED;
	if (!ret)
		print(&l, &v);
	inventory_free(&v);
	return ret;
}
