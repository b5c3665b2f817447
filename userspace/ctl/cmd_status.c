// SPDX-License-Identifier: GPL-2.0
/* status: the policy in force, in a few lines. */
#include <unistd.h>

#include "ctl/colour.h"
#include "ctl/ctl.h"
#include "ctl/unsaved.h"
#include "pki/pki.h"
#include "state/state.h"
#include "store/store.h"

/* Whether anything is guarded. */
static const struct guard {
	const char *name;
	enum colour colour;
	const char *word;
	const char *means;
} guarded = {
	"guarded", COLOUR_GOOD, "GUARDED", "what the policy does not allow is dropped"
}, observing = {
	"observing", COLOUR_CHANGE, "OBSERVING", "what the policy does not allow is counted, and passes"
}, open_gate = {
	"open", COLOUR_BAD, "OPEN", "no policy is in force, everything passes"
}, locked = {
	"locked", COLOUR_CHANGE, "LOCKED", "no policy is in force, nothing is forwarded (lockdown)"
};

static const struct guard *guard(const struct cnl_summary *s)
{
	if (!s->in_force)
		return s->lockdown ? &locked : &open_gate;
	return s->mode == CORDON_MODE_OBSERVE ? &observing : &guarded;
}

/** struct count - devices by their states */
struct count {
	u32 by[CORDON_STATE_QUARANTINED + 1];
};

static int count_device(const struct cnl_device *device, void *arg)
{
	struct count *c = arg;

	if (device->state <= CORDON_STATE_QUARANTINED)
		c->by[device->state]++;
	return 0;
}

static void print_states(const struct count *c)
{
	const char *before = "devices: ";
	u32 state;

	for (state = 0; state <= CORDON_STATE_QUARANTINED; state++) {
		if (!c->by[state])
			continue;
		printf("%s%u %s", before, c->by[state], policy_state_name(state));
		before = ", ";
	}
	if (*before == ',')
		putchar('\n');
}

static json_t *json_states(const struct count *c)
{
	json_t *out = json_object();
	u32 state;

	for (state = 0; state <= CORDON_STATE_QUARANTINED; state++)
		json_object_set_new(out, policy_state_name(state), json_integer(c->by[state]));
	return out;
}

static void print_status(const struct cnl_summary *s, const struct count *c)
{
	u32 kind;

	printf("%s%s%s: %s\n", colour(guard(s)->colour), guard(s)->word, colour(COLOUR_END), guard(s)->means);
	if (!s->generation) {
		puts("no policy yet");
	} else if (!s->in_force) {
		printf("no policy: the one before generation %u was not confirmed\n", s->generation);
	} else {
		printf("generation %u, mode %s\n", s->generation,
		       s->mode == CORDON_MODE_OBSERVE ? "observe" : "enforce");
		if (s->awaiting)
			printf("awaits confirmation for %u s more\n", s->confirm);
		printf("%u ports, %u uplinks, %u segments, %u networks, %u rules, %u devices\n", s->ports,
		       s->uplinks, s->segments, s->networks, s->rules, s->devices);
		print_states(c);
	}
	printf("%llu packets passed, %llu denied\n", (unsigned long long)s->stats.rx_packets,
	       (unsigned long long)s->stats.denied);
	for (kind = 0; kind < CORDON_KINDS; kind++)
		if (s->stats.anomalies[kind])
			printf("  %-18s %llu\n", policy_kind_name(kind),
			       (unsigned long long)s->stats.anomalies[kind]);
}

/* Where certificates are looked for, and the policy that was applied. */
struct places {
	const char *ca;
	const char *registry;
	const char *state;
};

/* Devices that are other in the policy in force than in its file, as far as that can be told. */
static bool find_unsaved(struct cnl *nl, const struct cnl_summary *s, const struct places *at, struct unsaved *u)
{
	return at->state && s->in_force && !s->awaiting && !access(at->state, R_OK | X_OK) &&
	       !unsaved_find(u, nl, at->state, stderr) && !unsaved_other(u);
}

static json_t *json_unsaved(const struct unsaved *u)
{
	json_t *list = json_array();
	const char *name;
	size_t at = 0;

	while ((name = unsaved_next(u, &at)))
		json_array_append_new(list, json_text(name));
	return list;
}

static void print_unsaved(const struct unsaved *u)
{
	const char *first, *name;
	size_t at = 0, n = 0;

	first = unsaved_next(u, &at);
	for (name = first; name; name = unsaved_next(u, &at))
		n++;
	if (n == 1)
		printf("not in the policy's file: a change of device %s: 'cordonctl save' writes it there\n", first);
	else if (n)
		printf("not in the policy's file: changes of %zu devices, as %s: 'cordonctl save' writes them there\n", n, first);
}

static void json_status(const struct cnl_summary *s, const struct cnl_interfaces *interfaces,
			const struct count *c, const struct places *at, const struct unsaved *u)
{
	json_t *out = json_summary(s), *list = json_array();
	u32 i;

	for (i = 0; i < interfaces->n; i++)
		json_array_append_new(list, json_interface(&interfaces->list[i]));
	json_object_set_new(out, "guard", json_string(guard(s)->name));
	json_object_set_new(out, "device_states", json_states(c));
	json_object_set_new(out, "interfaces", list);
	json_object_set_new(out, "certificates", json_expiry(at->ca, at->registry));
	if (u)
		json_object_set_new(out, "unsaved", json_unsaved(u));
	json_print(out);
}

static int print(struct cnl *nl, const struct places *at, bool json)
{
	struct cnl_interfaces interfaces = { NULL, 0 };
	struct unsaved unsaved = { NULL };
	struct count count = { { 0 } };
	struct cnl_summary s;
	bool known;

	if (cnl_summary(nl, &s) || cnl_interfaces(nl, &interfaces) || cnl_device_each(nl, count_device, &count)) {
		cnl_interfaces_free(&interfaces);
		return complain_nl(nl);
	}
	known = find_unsaved(nl, &s, at, &unsaved);
	if (json) {
		json_status(&s, &interfaces, &count, at, known ? &unsaved : NULL);
	} else {
		print_status(&s, &count);
		if (known)
			print_unsaved(&unsaved);
		interfaces_warn(&interfaces, true, s.mode == CORDON_MODE_OBSERVE, stdout);
		expiry_warn(at->ca, at->registry, stdout);
	}
	unsaved_free(&unsaved);
	cnl_interfaces_free(&interfaces);
	return EXIT_DONE;
}

static int run_status(const struct command *self, int argc, char **argv)
{
	static const struct option options[] = {
		{ "json", no_argument, NULL, 'j' }, { "ca", required_argument, NULL, 'c' },
		{ "registry", required_argument, NULL, 'r' }, { "state", required_argument, NULL, 's' },
		{ "help", no_argument, NULL, OPTION_HELP }, { }
	};
	struct places at = { PKI_CA_DIR, STORE_PATH, NULL };
	bool json = false;
	struct cnl nl;
	int o, ret;

	while ((o = next_option(self, argc, argv, options)) != -1) {
		if (o == OPTION_HELP)
			return EXIT_DONE;
		if (o == OPTION_ERROR)
			return EXIT_USAGE;
		json |= o == 'j';
		if (o == 'c')
			at.ca = optarg;
		if (o == 'r')
			at.registry = optarg;
		if (o == 's')
			at.state = optarg;
	}
	if (argc != optind)
		return usage_error(self, "too many words", argv[optind]);
	if (!open_kernel(&nl))
		return EXIT_REFUSED;
	/* Who may not read it is told nothing of it. */
	if (!at.state && !geteuid())
		at.state = keep_place(NULL, false);
	ret = print(&nl, &at, json);
	cnl_close(&nl);
	return ret;
}

const struct command cmd_status = {
	"status", "Summary of the policy in force and of what it denied", "status [--json]",
	"The first line begins with GUARDED, OBSERVING, OPEN or LOCKED; the last ones warn of\n"
	"interfaces that are closed or missing, and of certificates that end soon.\n\n"
	"  --json           print JSON\n"
	"  --ca DIR         the CA (" PKI_CA_DIR ")\n"
	"  --registry FILE  the registry (" STORE_PATH ")\n"
	"  --state DIR      with the policy that was applied (" STATE_DIR ")\n",
	run_status
};
