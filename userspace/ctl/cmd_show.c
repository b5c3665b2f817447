// SPDX-License-Identifier: GPL-2.0
/* show: what the kernel holds. */
#include <stdlib.h>
#include <string.h>

#include "ctl/show.h"
#include "lib/yaml.h"
#include "store/store.h"

static void show_ports(const struct shown *s, bool json)
{
	struct json_list list = { false };
	u32 i;

	for (i = 0; i < s->p->draft.n_ports; i++) {
		if (json)
			json_list_add(&list, json_text(s->p->draft.ports[i].name));
		else
			puts(s->p->draft.ports[i].name);
	}
	if (json)
		json_list_end(&list);
}

static void show_uplinks(const struct shown *s, bool json)
{
	struct json_list list = { false };
	u32 i;

	for (i = 0; i < s->p->draft.n_uplinks; i++) {
		if (json)
			json_list_add(&list, json_text(s->p->draft.uplinks[i].name));
		else
			puts(s->p->draft.uplinks[i].name);
	}
	if (json)
		json_list_end(&list);
}

static json_t *json_interfaces(const struct cordon_draft *d, u32 segment)
{
	json_t *out = json_array();
	u32 i;

	for (i = 0; i < d->n_interfaces; i++)
		if (d->interfaces[i].segment == segment)
			json_array_append_new(out, json_text(d->interfaces[i].name));
	return out;
}

static void print_interfaces(const struct cordon_draft *d, u32 segment)
{
	const char *comma = "";
	u32 i;

	for (i = 0; i < d->n_interfaces; i++)
		if (d->interfaces[i].segment == segment) {
			printf("%s%s", comma, d->interfaces[i].name);
			comma = ",";
		}
	puts(*comma ? "" : "-");
}

static void show_segments(const struct shown *s, bool json)
{
	struct json_list list = { false };
	char lease[16], grace[16], postpone[16], packets[PEOPLE_LEN], denied[PEOPLE_LEN];
	u32 i;

	if (!json)
		printf("%-20s %-12s %-10s %-8s %-6s %-8s %-8s %-6s %8s %12s %10s %s\n", "SEGMENT",
		       "AUTH", "ENCRYPTION", "FIRMWARE", "GRACE", "POSTPONE", "ISOLATE", "LEASE",
		       "DEVICES", "PACKETS", "DENIED", "INTERFACES");
	for (i = 0; i < s->p->draft.n_segments; i++) {
		const struct cnl_segment *g = &s->runtime.segments[i];

		if (!shown_wants_segment(s, i))
			continue;
		if (json) {
			json_t *segment = json_segment(g);

			json_object_set_new(segment, "interfaces", json_interfaces(&s->p->draft, i));
			json_list_add(&list, segment);
			continue;
		}
		printf("%-20s %-12s %-10s %-8s %-6s %-8s %-8s %-6s %8u %12s %10s ", g->def.name,
		       policy_authentication_name(g->def.authentication),
		       policy_encryption_name(g->def.encryption), g->def.firmware ? "true" : "false",
		       policy_duration_text(g->def.grace, grace),
		       policy_duration_text(g->def.postpone, postpone), g->def.isolate ? "true" : "false",
		       policy_duration_text(g->def.lease, lease), g->devices,
		       people_number(g->packets, s->exact, packets), people_number(g->denied, s->exact, denied));
		print_interfaces(&s->p->draft, i);
	}
	if (json)
		json_list_end(&list);
}

static void show_networks(const struct shown *s, bool json)
{
	const struct cordon_draft *d = &s->p->draft;
	struct json_list list = { false };
	char buf[POLICY_ADDR_LEN];
	u32 i;

	for (i = 0; i < d->n_networks; i++) {
		const char *network = policy_network_text(&d->networks[i], buf);
		const char *segment = d->segments[d->networks[i].segment].name;

		if (!shown_wants_network(s, i))
			continue;
		if (json)
			json_list_add(&list, json_pack("{s:s,s:s}", "network", network,
						       "segment", segment));
		else
			printf("%-44s %s\n", network, segment);
	}
	if (json)
		json_list_end(&list);
}

static void show_rules(const struct shown *s, bool json)
{
	const struct cordon_draft *d = &s->p->draft;
	struct json_list list = { false };
	char buf[POLICY_MATCH_LEN], ago[PEOPLE_LEN];
	u32 i, j;

	for (i = 0; i < d->n_rules; i++) {
		const struct cordon_rule_def *r = &d->rules[i];
		const struct cnl_rule_use *use = &s->runtime.rules[i];

		if (!shown_wants_rule(s, i))
			continue;
		if (json) {
			json_list_add(&list, json_rule(d, i, &s->runtime.rules[i]));
			continue;
		}
		printf("%5u  %s -> %s:", i, d->segments[r->from].name, d->segments[r->to].name);
		for (j = 0; j < r->n; j++)
			printf(" %s", policy_match_text(&d->matches[r->first + j], buf));
		printf("%s%s", r->plaintext ? " (plaintext)" : "", r->related ? " (related)" : "");
		if (use->ever)
			printf("; used %s ago\n", people_time(use->ago, ago));
		else
			puts("; not used");
	}
	if (json)
		json_list_end(&list);
}

static void show_interfaces(const struct shown *s, bool json)
{
	struct json_list list = { false };
	u32 i;

	if (!json)
		printf("%-15s %-8s %-8s %-15s %-4s %s\n", "INTERFACE", "ROLE", "LISTED", "BY", "LINK",
		       "BECAUSE");
	for (i = 0; i < s->interfaces.n; i++) {
		if (!shown_wants_interface(s, i))
			continue;
		if (json)
			json_list_add(&list, json_interface(&s->interfaces.list[i]));
		else
			interface_print(&s->interfaces.list[i]);
	}
	if (json)
		json_list_end(&list);
}

static int by_mac(const void *a, const void *b)
{
	const struct cnl_binding *x = a, *y = b;
	int c = memcmp(x->mac, y->mac, 6);

	return c ? c : cordon_addr_compare(&x->addr, &y->addr);
}

/* What a device has learned; @n: how many. */
static const struct cnl_binding *learned(const struct shown *s, const struct cnl_device *v, u32 *n)
{
	const struct cnl_binding *list = s->bindings.list;
	u32 first = 0, end = s->bindings.n, middle;

	while (first < end) {
		middle = first + (end - first) / 2;
		if (memcmp(list[middle].mac, v->def.mac, 6) < 0)
			first = middle + 1;
		else
			end = middle;
	}
	for (*n = 0; first + *n < s->bindings.n && !memcmp(list[first + *n].mac, v->def.mac, 6); ++*n)
		;
	return list + first;
}

static json_t *json_learned(const struct shown *s, const struct cnl_device *v)
{
	const struct cnl_binding *b;
	json_t *out = json_array();
	u32 i, n;

	b = learned(s, v, &n);
	for (i = 0; i < n; i++)
		json_array_append_new(out, json_addr(&b[i].addr));
	return out;
}

static json_t *json_shown(const struct shown *s, const struct cnl_device *v)
{
	const char *firmware = versions_find(&s->versions, v->def.name);
	json_t *out = json_device(v, false);

	if (v->def.learn)
		json_object_set_new(out, "learned", json_learned(s, v));
	if (firmware)
		json_object_set_new(out, "firmware", json_string(firmware));
	return out;
}

/* Those that the policy gives, then how others are learned, and what was; then what is known of where it goes. */
static void print_addresses(const struct shown *s, const struct cnl_device *v)
{
	const struct cnl_binding *b;
	char addr[POLICY_ADDR_LEN], text[DESTINATIONS_TEXT_LEN];
	u32 i, n;

	for (i = 0; i < v->def.n; i++)
		printf(" %s", policy_addr_text(&v->addresses[i], addr));
	if (v->def.learn) {
		printf(" %s", policy_learn_name(v->def.learn));
		b = learned(s, v, &n);
		for (i = 0; i < n; i++)
			printf("%s%s", i ? "," : ":", policy_addr_text(&b[i].addr, addr));
	}
	if (v->has_destinations)
		printf("  (%s)", destinations_text(v, text));
	putchar('\n');
}

static void show_devices(const struct shown *s, bool json)
{
	const struct cordon_draft *d = &s->p->draft;
	struct json_list list = { false };
	const char *firmware;
	char mac[18];
	u32 i;

	if (!json)
		printf("%-20s %-17s %-16s %-12s %-16s %7s  %-12s %s\n", "DEVICE", "MAC", "SEGMENT",
		       "STATE", "EFFECTIVE", "LEASE", "FIRMWARE", "ADDRESSES");
	for (i = 0; i < d->n_devices; i++) {
		const struct cnl_device *v = &s->runtime.devices[i];

		if (!shown_wants_device(s, i))
			continue;
		if (json) {
			json_list_add(&list, json_shown(s, v));
			continue;
		}
		firmware = versions_find(&s->versions, v->def.name);
		printf("%-20s %-17s %-16s %-12s %-16s %6us  %-12s", v->def.name,
		       policy_mac_text(v->def.mac, mac), v->segment, policy_state_name(v->state),
		       v->effective_segment, v->lease, firmware ? firmware : "-");
		print_addresses(s, v);
	}
	if (json)
		json_list_end(&list);
}

static int by_device(const void *a, const void *b)
{
	return memcmp(((const struct cordon_device_def *)a)->mac, ((const struct cordon_device_def *)b)->mac, 6);
}

/* The VLANs that the policy gives to devices, beside their bindings. Return: false, out of memory. */
static bool find_vlans(const struct cordon_draft *d, struct cnl_bindings *bindings)
{
	struct cordon_device_def *list = calloc(d->n_devices + 1, sizeof(*list)), key;
	const struct cordon_device_def *found;
	const bool good = list;
	u32 i, n = 0;

	for (i = 0; good && i < d->n_devices; i++)
		if (d->devices[i].vlan)
			list[n++] = d->devices[i];
	if (n)
		qsort(list, n, sizeof(*list), by_device);
	for (i = 0; n && i < bindings->n; i++) {
		memcpy(key.mac, bindings->list[i].mac, 6);
		found = bsearch(&key, list, n, sizeof(*list), by_device);
		bindings->list[i].vlan = found ? found->vlan : 0;
	}
	free(list);
	return good;
}

static void print_binding(const struct cnl_binding *b)
{
	char mac[18], addr[POLICY_ADDR_LEN], left[16] = "-", vlan[8] = "-", ports[POLICY_PORTS_LEN] = "any port";
	size_t at = 0;
	u32 i;

	for (i = 0; i < b->ports.n; i++)
		at += snprintf(ports + at, sizeof(ports) - at, "%s%s", i ? "," : "", b->ports.name[i]);
	if (b->vlan)
		snprintf(vlan, sizeof(vlan), "%u", b->vlan);
	if (b->ends)
		snprintf(left, sizeof(left), "%us", b->lease);
	printf("%-40s %s  %-20s %-15s %-5s %-6s %8s\n", policy_addr_text(&b->addr, addr), policy_mac_text(b->mac, mac),
	       b->name, ports, vlan, policy_origin_name(b->origin), left);
}

static void show_bindings(const struct shown *s, bool json)
{
	struct json_list list = { false };
	u32 i;

	if (!json)
		printf("%-40s %-17s  %-20s %-15s %-5s %-6s %8s\n", "ADDRESS", "MAC", "DEVICE", "PORT", "VLAN", "ORIGIN",
		       "LEASE");
	for (i = 0; i < s->bindings.n; i++) {
		if (!shown_wants_binding(s, i))
			continue;
		if (json)
			json_list_add(&list, json_binding(&s->bindings.list[i]));
		else
			print_binding(&s->bindings.list[i]);
	}
	if (json)
		json_list_end(&list);
}

static void member(const char *name, void (*show)(const struct shown *s, bool json),
		   const struct shown *s)
{
	printf(",\n\"%s\": ", name);
	show(s, true);
}

static void show_servers(const struct shown *s, bool json)
{
	struct json_list list = { false };
	u32 i;

	(void)json;
	for (i = 0; i < s->p->draft.n_servers; i++)
		json_list_add(&list, json_addr(&s->p->draft.servers[i]));
	json_list_end(&list);
}

static void show_policy(const struct shown *s, bool json)
{
	if (!json) {
		policy_print(s->p, stdout);
		return;
	}
	printf("{\"version\": 1, \"generation\": %u, \"mode\": \"%s\"", s->p->generation,
	       s->p->draft.mode == CORDON_MODE_OBSERVE ? "observe" : "enforce");
	member("ports", show_ports, s);
	member("uplinks", show_uplinks, s);
	member("dhcp_servers", show_servers, s);
	printf(",\n\"unknown\": \"%s\"", s->p->draft.unknown ? s->p->draft.segments[s->p->draft.unknown].name : "deny");
	member("segments", show_segments, s);
	member("networks", show_networks, s);
	member("rules", show_rules, s);
	member("devices", show_devices, s);
	puts("}");
}

/* What is shown besides the policy itself. */
static int fetch_more(struct cnl *nl, struct shown *s, const char *what, bool json, const char *registry)
{
	bool devices = !strcmp(what, "devices") || (json && !strcmp(what, "policy"));

	if (devices)
		versions_load(&s->versions, registry);
	if (!strcmp(what, "interfaces") && cnl_interfaces(nl, &s->interfaces))
		return complain_nl(nl);
	if ((devices && cordon_draft_learners(&s->p->draft)) || !strcmp(what, "bindings")) {
		if (cnl_bindings(nl, devices, &s->bindings))
			return complain_nl(nl);
	}
	if (!devices && s->bindings.n && !find_vlans(&s->p->draft, &s->bindings))
		return complain("show", "out of memory");
	if (devices && s->bindings.n)
		qsort(s->bindings.list, s->bindings.n, sizeof(*s->bindings.list), by_mac);
	return EXIT_DONE;
}

enum { NAME = 1, SEGMENT = 2, ENDS = 4 };

/**
 * struct showing - what can be shown
 * @what: its word
 * @show: does it
 * @filters: that it knows
 * @one: what a name names
 * @wants: is the i-th one of those that the filter leaves; NULL with no filters
 */
static const struct showing {
	const char *what;
	void (*show)(const struct shown *s, bool json);
	unsigned int filters;
	const char *one;
	bool (*wants)(const struct shown *s, u32 i);
} shows[] = {
	{ "policy", show_policy, 0, NULL, NULL },
	{ "segments", show_segments, NAME, "segment", shown_wants_segment },
	{ "rules", show_rules, ENDS, "rule", shown_wants_rule },
	{ "devices", show_devices, NAME | SEGMENT, "device", shown_wants_device },
	{ "networks", show_networks, NAME | SEGMENT, "network of a segment", shown_wants_network },
	{ "bindings", show_bindings, NAME, "device or address", shown_wants_binding },
	{ "ports", show_ports, 0, NULL, NULL },
	{ "uplinks", show_uplinks, 0, NULL, NULL },
	{ "interfaces", show_interfaces, NAME, "interface", shown_wants_interface },
};

static const struct showing *find_showing(const char *what)
{
	size_t i;

	for (i = 0; i < sizeof(shows) / sizeof(*shows); i++)
		if (!strcmp(shows[i].what, what))
			return &shows[i];
	return NULL;
}

static u32 count(const struct shown *s, const struct showing *what)
{
	const struct cordon_draft *d = &s->p->draft;

	return what->show == show_segments ? d->n_segments : what->show == show_rules ? d->n_rules :
	       what->show == show_devices ? d->n_devices : what->show == show_networks ? d->n_networks :
	       what->show == show_bindings ? s->bindings.n : s->interfaces.n;
}

/* What was asked for by its name is there. */
static int check_filter(const struct shown *s, const struct showing *what)
{
	const struct filter *f = &s->filter;
	char why[64];
	u32 i, n;

	if (shown_check_segment(s->p, f->segment) || shown_check_segment(s->p, f->from) || shown_check_segment(s->p, f->to))
		return EXIT_REFUSED;
	if (what->show == show_segments)
		return shown_check_segment(s->p, f->name);
	n = f->name ? count(s, what) : 0;
	for (i = 0; i < n; i++)
		if (what->wants(s, i))
			return EXIT_DONE;
	if (!f->name)
		return EXIT_DONE;
	snprintf(why, sizeof(why), "no such %s", what->one);
	return complain(f->name, why);
}

static int show(struct shown *s, const struct showing *what, bool json, const char *registry)
{
	struct cnl nl;
	int ret;

	if (!open_kernel(&nl))
		return EXIT_REFUSED;
	ret = cnl_fetch(&nl, &s->p, &s->runtime) ? complain_nl(&nl) : EXIT_DONE;
	if (!ret)
		ret = fetch_more(&nl, s, what->what, json, registry);
	if (!ret)
		ret = check_filter(s, what);
	if (!ret)
		what->show(s, json);
	versions_free(&s->versions);
	cnl_interfaces_free(&s->interfaces);
	cnl_bindings_free(&s->bindings);
	cnl_close(&nl);
	cnl_runtime_free(&s->runtime);
	policy_free(s->p);
	return ret;
}

static int run_show(const struct command *self, int argc, char **argv)
{
	static const struct option options[] = {
		{ "json", no_argument, NULL, 'j' }, { "registry", required_argument, NULL, 'r' },
		{ "segment", required_argument, NULL, 's' }, { "from", required_argument, NULL, 'f' },
		{ "to", required_argument, NULL, 't' }, { "bytes", no_argument, NULL, 'b' },
		{ "help", no_argument, NULL, OPTION_HELP }, { }
	};
	const char *word = "policy", *registry = STORE_PATH;
	const struct showing *what;
	struct shown s = { .p = NULL };
	bool json = false;
	int o;

	while ((o = next_option(self, argc, argv, options)) != -1) {
		if (o == OPTION_HELP)
			return EXIT_DONE;
		if (o == OPTION_ERROR)
			return EXIT_USAGE;
		json |= o == 'j';
		s.exact |= o == 'b';
		if (o == 'r')
			registry = optarg;
		else if (o == 's')
			s.filter.segment = optarg;
		else if (o == 'f')
			s.filter.from = optarg;
		else if (o == 't')
			s.filter.to = optarg;
	}
	if (argc > optind)
		word = argv[optind++];
	what = find_showing(word);
	if (!what)
		return usage_error(self, "nothing of that name", word);
	if (argc > optind && (what->filters & NAME)) {
		s.filter.name = argv[optind++];
		s.filter.is_mac = !policy_mac_parse(s.filter.name, s.filter.mac);
	}
	if (argc > optind)
		return usage_error(self, "too many words", argv[optind]);
	if (s.filter.segment && !(what->filters & SEGMENT))
		return usage_error(self, "--segment is for devices and networks, not for", word);
	if ((s.filter.from || s.filter.to) && !(what->filters & ENDS))
		return usage_error(self, "--from and --to are for rules, not for", word);
	return show(&s, what, json, registry);
}

const struct command cmd_show = {
	"show", "Print what the kernel holds",
	"show [policy|ports|uplinks] [--json] [--registry FILE]\n"
	"show segments [SEGMENT] [--bytes] [--json]\n"
	"show rules [--from SEGMENT] [--to SEGMENT] [--json]\n"
	"show devices [DEVICE] [--segment SEGMENT] [--json] [--registry FILE]\n"
	"show networks [SEGMENT] [--json]\n"
	"show bindings [DEVICE|ADDRESS] [--json]\n"
	"show interfaces [INTERFACE] [--json]",
	"'show policy', the default, prints YAML that 'apply' reads. Devices come with their\n"
	"firmware, if the registry (" STORE_PATH ") may be read.\n\n"
	"  --segment SEGMENT  its devices, and those that are held in it\n"
	"  --from, --to       rules from or to that segment alone\n"
	"  --bytes            all digits of every number\n", run_show
};
