// SPDX-License-Identifier: GPL-2.0
/*
 * Check-ins as the daemon makes them: over one connection, with no file and no socket to be had.
 *
 *	checkin in MAC ADDRESS IFINDEX CERTIFICATE [TIMES]
 *	checkin end MAC CERTIFICATE|any
 *	checkin show MAC...
 *	checkin whose ADDRESS
 *
 * ADDRESS may be -: none is given. A certificate is one byte in hex; all 32 are that. Prints a device as NAME STATE SEGMENT
 * CERTIFICATE|- LEASE, an address' owner as MAC NAME; a refusal as ERRNO: SENTENCE, status 1.
 */
#include <stdlib.h>
#include <sys/resource.h>

#include "nl/nl.h"

static void read_certificate(const char *text, u8 out[CORDON_CERTIFICATE_LEN])
{
	memset(out, (int)strtoul(text, NULL, 16), CORDON_CERTIFICATE_LEN);
}

static void print_device(const struct cnl_device *d)
{
	printf("%s %s %s ", d->def.name, policy_state_name(d->state), d->effective_segment);
	if (d->has_certificate)
		printf("%02x", d->certificate[CORDON_CERTIFICATE_LEN - 1]);
	printf("%s %u\n", d->has_certificate ? "" : "-", d->lease);
}

static int whose(struct cnl *nl, const char *text)
{
	struct cnl_binding b;
	struct cordon_addr addr;
	char mac[18];
	int err;

	if (policy_addr_parse(text, &addr))
		exit(2);
	err = cnl_binding_get(nl, &addr, &b);
	if (!err)
		printf("%s %s\n", policy_mac_text(b.mac, mac), b.name);
	return err;
}

static int check_in(struct cnl *nl, const u8 *mac, char **argv, int times)
{
	u8 certificate[CORDON_CERTIFICATE_LEN];
	struct cnl_device device;
	bool none = !strcmp(argv[0], "-");
	struct cordon_addr addr;
	int err = 0;

	if (!none && policy_addr_parse(argv[0], &addr))
		exit(2);
	read_certificate(argv[2], certificate);
	while (!err && times--)
		err = cnl_checkin(nl, mac, none ? NULL : &addr, strtoul(argv[1], NULL, 0), certificate, &device);
	if (!err)
		print_device(&device);
	return err;
}

static int end(struct cnl *nl, const u8 *mac, const char *text)
{
	bool any = !strcmp(text, "any");
	u8 certificate[CORDON_CERTIFICATE_LEN];
	struct cnl_device device;
	int err;

	read_certificate(text, certificate);
	err = cnl_lease_end(nl, mac, any ? NULL : certificate, &device);
	if (!err)
		print_device(&device);
	return err;
}

static int show(struct cnl *nl, char **macs)
{
	struct cnl_device device;
	u8 mac[6];
	int err = 0;

	for (; !err && *macs; macs++) {
		if (policy_mac_parse(*macs, mac))
			exit(2);
		err = cnl_device_get(nl, NULL, mac, &device);
		if (!err)
			print_device(&device);
	}
	return err;
}

int main(int argc, char **argv)
{
	const char *what = argc > 2 ? argv[1] : "";
	const struct rlimit none = { 0, 0 };
	struct cnl nl;
	u8 mac[6];
	int err;

	if (cnl_open(&nl) || setrlimit(RLIMIT_NOFILE, &none)) {
		fprintf(stderr, "checkin: %s\n", nl.error);
		return 2;
	}
	if (!strcmp(what, "whose") && argc == 3)
		err = whose(&nl, argv[2]);
	else if (!strcmp(what, "show"))
		err = show(&nl, argv + 2);
	else if (argc < 3 || policy_mac_parse(argv[2], mac))
		return 2;
	else if (!strcmp(what, "in") && (argc == 6 || argc == 7))
		err = check_in(&nl, mac, argv + 3, argc == 7 ? atoi(argv[6]) : 1);
	else if (!strcmp(what, "end") && argc == 4)
		err = end(&nl, mac, argv[3]);
	else
		return 2;
	if (err)
		fprintf(stderr, "%s: %s\n", strerrorname_np(-err), nl.error);
	cnl_close(&nl);
	return err ? 1 : 0;
}
