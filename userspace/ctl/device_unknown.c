// SPDX-License-Identifier: GPL-2.0
/* device unknown, device adopt: what was seen and is not in the policy, and how it comes into it. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/ctl.h"
#include "host/oui.h"

/**
 * struct unknown - the list on its way
 * @list: devices that no policy lists
 * @n: how many
 */
struct unknown {
	struct cnl_device *list;
	size_t n;
};

static int collect(const struct cnl_device *device, void *arg)
{
	struct unknown *u = arg;
	struct cnl_device *more;

	if (!device->def.unlisted)
		return 0;
	more = reallocarray(u->list, u->n + 1, sizeof(*more));
	if (!more)
		return -ENOMEM;
	u->list = more;
	u->list[u->n++] = *device;
	return 0;
}

static int latest_first(const void *a, const void *b)
{
	const struct cnl_device *x = a, *y = b;

	if (x->sighting.last != y->sighting.last)
		return x->sighting.last < y->sighting.last ? -1 : 1;
	return memcmp(x->def.mac, y->def.mac, 6);
}

/* The bit that says that the address is of somebody's making (IEEE 802c): most often, of chance. */
static bool is_random(const u8 *mac)
{
	return mac[0] & 2;
}

static void print_text(const struct cnl_device *d, const struct oui *oui)
{
	char mac[18], first[16], last[16];
	const struct cnl_sighting *s = &d->sighting;
	const char *vendor = is_random(d->def.mac) ? "(made-up MAC)" : oui_vendor(oui, d->def.mac);

	printf("%-17s  %-24.24s %-20.20s %-8s %-8s %s%s%s\n", policy_mac_text(d->def.mac, mac), vendor ? vendor : "-",
	       s->hostname[0] ? s->hostname : "-", policy_duration_text(s->first, first), policy_duration_text(s->last, last),
	       s->vendor_class, s->vendor_class[0] && s->parameters[0] ? " " : "", s->parameters);
}

static json_t *json_unknown(const struct cnl_device *d, const struct oui *oui)
{
	const struct cnl_sighting *s = &d->sighting;
	const char *vendor = oui_vendor(oui, d->def.mac);
	char mac[18];

	return json_pack("{s:o, s:o, s:o*, s:b, s:o*, s:o*, s:o*, s:o, s:I, s:I}", "mac", json_text(policy_mac_text(d->def.mac, mac)),
			 "name", json_text(d->def.name), "vendor", vendor ? json_text(vendor) : NULL, "random_mac",
			 is_random(d->def.mac), "hostname", s->hostname[0] ? json_text(s->hostname) : NULL,
			 "vendor_class", s->vendor_class[0] ? json_text(s->vendor_class) : NULL,
			 "dhcp_parameters", s->parameters[0] ? json_text(s->parameters) : NULL,
			 "segment", json_text(d->segment),
			 "first_seen_seconds", (json_int_t)s->first, "last_seen_seconds", (json_int_t)s->last);
}

static void print(const struct unknown *u, bool json)
{
	struct oui *oui = oui_open(OUI_PATH);
	struct json_list list = { false };
	size_t i;

	if (!json && !u->n)
		puts("none");
	else if (!json)
		printf("%-17s  %-24s %-20s %-8s %-8s %s\n", "MAC", "VENDOR", "HOSTNAME", "FIRST", "LAST", "DHCP");
	for (i = 0; i < u->n; i++) {
		if (json)
			json_list_add(&list, json_unknown(&u->list[i], oui));
		else
			print_text(&u->list[i], oui);
	}
	if (json)
		json_list_end(&list);
	oui_close(oui);
}

/** device_unknown - list what was seen and no policy lists; as struct command's run */
int device_unknown(const struct command *self, int argc, char **argv)
{
	static const struct option options[] = {
		{ "json", no_argument, NULL, 'j' }, { "help", no_argument, NULL, OPTION_HELP }, { }
	};
	struct unknown u = { NULL, 0 };
	bool json = false;
	struct cnl nl;
	int o, err;

	while ((o = next_option(self, argc, argv, options)) != -1) {
		if (o == OPTION_HELP)
			return EXIT_DONE;
		if (o == OPTION_ERROR)
			return EXIT_USAGE;
		json = true;
	}
	if (argc - optind > 1)
		return usage_error(self, "too many words", argv[optind + 1]);
	if (!open_kernel(&nl))
		return EXIT_REFUSED;
	do {
		u.n = 0;
		err = cnl_device_each(&nl, collect, &u);
	} while (err == -EAGAIN);
	if (err)
		complain_nl(&nl);
	cnl_close(&nl);
	if (!err) {
		if (u.n)
			qsort(u.list, u.n, sizeof(*u.list), latest_first);
		print(&u, json);
	}
	free(u.list);
	return err ? EXIT_REFUSED : EXIT_DONE;
}

/** device_adopt - make one of them a device of the policy in force; as struct command's run */
int device_adopt(const struct command *self, int argc, char **argv)
{
	static const struct option options[] = {
		{ "segment", required_argument, NULL, 's' }, { "json", no_argument, NULL, 'j' },
		{ "help", no_argument, NULL, OPTION_HELP }, { }
	};
	struct cnl_change change = CNL_CHANGE_NONE;
	struct cnl_device now;
	char mac_text[18], why[128];
	bool json = false;
	struct cnl nl;
	u8 mac[6];
	int o, err;

	while ((o = next_option(self, argc, argv, options)) != -1) {
		if (o == OPTION_HELP)
			return EXIT_DONE;
		if (o == OPTION_ERROR)
			return EXIT_USAGE;
		if (o == 's' && strlen(optarg) >= CORDON_NAME_LEN)
			return usage_error(self, "too long a name", optarg);
		if (o == 's')
			change.segment = optarg;
		json |= o == 'j';
	}
	if (argc - optind != 3 || !change.segment)
		return usage_error(self, "adopt needs a MAC, a name and --segment", NULL);
	if (policy_mac_parse(argv[optind + 1], mac))
		return usage_error(self, "not a MAC", argv[optind + 1]);
	change.mac = mac;
	change.name = argv[optind + 2];
	if (!cordon_name_is_valid(change.name, strlen(change.name) + 1) || strlen(change.name) >= CORDON_DEVICE_NAME_LEN)
		return usage_error(self, "not a valid name", change.name);
	if (!open_kernel(&nl))
		return EXIT_REFUSED;
	err = cnl_device_get(&nl, NULL, mac, &now);
	if (!err && !now.def.unlisted) {
		cnl_close(&nl);
		snprintf(why, sizeof(why), "is device %s of the policy", now.def.name);
		return complain(policy_mac_text(mac, mac_text), why);
	}
	if (!err)
		err = cnl_device_set(&nl, &change, &now);
	if (err)
		complain_nl(&nl);
	else if (json)
		json_print(json_device(&now, true));
	else
		printf("%s (%s): in %s; 'cordonctl show policy' has it for the file\n", now.def.name,
		       policy_mac_text(now.def.mac, mac_text), now.segment);
	cnl_close(&nl);
	return err ? EXIT_REFUSED : EXIT_DONE;
}
