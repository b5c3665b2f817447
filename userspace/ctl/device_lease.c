// SPDX-License-Identifier: GPL-2.0
/* device lease --certificate: the lease of a device whose certificate somebody else has seen proved. */
#include <string.h>

#include "ctl/certified.h"
#include "store/store.h"

/**
 * struct words - what the command line says
 * @name: of the device, or NULL
 * @mac: likewise
 * @certificate: serial number, or NULL
 * @port: or NULL
 * @registry: its file
 * @end: no more of it
 * @json: print the device as JSON
 */
struct words {
	const char *name;
	const u8 *mac;
	u8 mac_buf[6];
	const char *certificate;
	const char *port;
	const char *registry;
	bool end;
	bool json;
};

static const struct option options[] = {
	{ "certificate", required_argument, NULL, 'c' }, { "port", required_argument, NULL, 'p' },
	{ "registry", required_argument, NULL, 'r' }, { "json", no_argument, NULL, 'j' },
	{ "help", no_argument, NULL, OPTION_HELP }, { }
};

/* Whose MAC; the certificate is held against that. */
static bool find(const struct words *w, u8 mac[6])
{
	struct cnl_device device;
	struct cnl nl;
	bool found;

	if (!open_kernel(&nl))
		return false;
	found = !cnl_device_get(&nl, w->name, w->mac, &device);
	if (found)
		memcpy(mac, device.def.mac, 6);
	else
		complain_nl(&nl);
	cnl_close(&nl);
	return found;
}

static void print(const struct words *w, const struct cnl_device *d)
{
	char mac[18];

	if (w->json)
		json_print(json_device(d, true));
	else
		printf("%s (%s): %s, in %s, %u s of its lease left\n", d->def.name, policy_mac_text(d->def.mac, mac),
		       policy_state_name(d->state), d->effective_segment, d->lease);
}

static int end(const struct words *w, struct certified_lease *l)
{
	struct store_certificate cert;
	struct store s;
	bool good;

	if (store_peek(&s, w->registry))
		return complain(w->registry, s.error);
	good = !store_cert_get(&s, l->serial, &cert, NULL, NULL);
	if (!good)
		complain(w->registry, s.error);
	store_close(&s);
	/* Whatever has become of the certificate. */
	if (good && certified_end(l->mac, cert.fingerprint, l->why)) {
		complain("device", l->why);
		good = false;
	}
	return good ? EXIT_DONE : EXIT_REFUSED;
}

static int run(const struct words *w, const u8 serial[PKI_SERIAL_LEN])
{
	struct certified_lease l = { .why = "" };

	memcpy(l.serial, serial, sizeof(l.serial));
	if (!find(w, l.mac))
		return EXIT_REFUSED;
	if (w->end)
		return end(w, &l);
	snprintf(l.port, sizeof(l.port), "%s", w->port);
	if (certified_give(w->registry, &l) != CERTIFIED_LEASED)
		return complain(w->name ? w->name : "device", l.why);
	print(w, &l.device);
	return EXIT_DONE;
}

static bool take(struct words *w, int option, char *value)
{
	switch (option) {
	case 'c':
		w->certificate = value;
		return true;
	case 'p':
		w->port = value;
		return true;
	case 'r':
		w->registry = value;
		return true;
	case 'j':
		w->json = true;
		return true;
	}
	return false;
}

/**
 * device_lease_is_certified - is a lease asked for on the word of a certificate
 * @argc: of the command
 * @argv: likewise
 */
bool device_lease_is_certified(int argc, char **argv)
{
	int i;

	for (i = 1; i < argc; i++)
		if (!strncmp(argv[i], "--certificate", strlen("--certificate")) ||
		    !strncmp(argv[i], "--registry", strlen("--registry")))
			return true;
	return false;
}

/**
 * device_lease - give a device its segment's lease on the word of a certificate, or end that
 * @self: the command
 * @argc: its
 * @argv: its; the first word after it is the verb
 *
 * Return: an exit status.
 */
int device_lease(const struct command *self, int argc, char **argv)
{
	struct words w = { .registry = STORE_PATH };
	u8 serial[PKI_SERIAL_LEN];
	int o, words;

	while ((o = next_option(self, argc, argv, options)) != -1) {
		if (o == OPTION_HELP)
			return EXIT_DONE;
		if (o == OPTION_ERROR || !take(&w, o, optarg))
			return EXIT_USAGE;
	}
	words = argc - optind;
	if (words < 2)
		return usage_error(self, "which device?", NULL);
	if (!w.certificate)
		return usage_error(self, "--registry goes with --certificate", NULL);
	w.end = words == 3 && !strcmp(argv[optind + 2], "end");
	if (words > 2 && !w.end)
		return usage_error(self, "with --certificate the lease is its segment's; or 'end'", argv[optind + 2]);
	if (!parse_device(argv[optind + 1], &w.name, &w.mac, w.mac_buf))
		return usage_error(self, "neither a device's name nor a MAC", argv[optind + 1]);
	if (pki_serial_find(w.certificate, serial))
		return usage_error(self, "not a serial number", w.certificate);
	if (!w.end && (!w.port || strlen(w.port) >= CORDON_IFNAME_LEN))
		return usage_error(self, "with --certificate the port is needed that it was proved on: --port", w.port);
	return run(&w, serial);
}
