// SPDX-License-Identifier: GPL-2.0
/* The files in which dnsmasq and Kea keep their leases. What devices say of themselves is in them. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "host/facts.h"
#include "lib/file.h"

#define FILE_MAX	(16 * 1024 * 1024)

enum { ADDRESS, HWADDR, EXPIRE, HOSTNAME, STATE, DUID, LEASE_TYPE, N_COLUMNS };

#define NO_END	(100LL * 365 * 86400)	/* seconds: what lasts longer is a lease for ever */

/* A host's name, if it can stand as a device's: the part before the first dot. */
static void take_name(const char *text, char out[CORDON_DEVICE_NAME_LEN])
{
	size_t n = strcspn(text, ".");

	out[0] = 0;
	if (!n || n >= CORDON_DEVICE_NAME_LEN)
		return;
	memcpy(out, text, n);
	out[n] = 0;
	if (!cordon_name_is_valid(out, CORDON_DEVICE_NAME_LEN))
		out[0] = 0;
}

static void drop(struct host_facts *f, const struct cordon_addr *addr)
{
	u32 i;

	for (i = 0; i < f->n_leases; i++)
		if (cordon_addr_equal(&f->leases[i].addr, addr)) {
			f->n_leases--;
			memmove(&f->leases[i], &f->leases[i + 1], (f->n_leases - i) * sizeof(*f->leases));
			return;
		}
}

/* The MAC in a DUID: of kind LLT or LL, of Ethernet (RFC 8415, 11.2 and 11.4). */
static bool duid_mac(const char *duid, u8 mac[6])
{
	size_t skip = !strncmp(duid, "00:01:00:01:", 12) ? 24 : !strncmp(duid, "00:03:00:01:", 12) ? 12 : 0;

	return skip && strlen(duid) == skip + 17 && !policy_mac_parse(duid + skip, mac);
}

/*
 * One word on an address: the last one holds. A client of DHCPv6 may be known by its DUID alone.
 * Return: 0 or -ENOMEM.
 */
static int put(struct host_facts *f, const char *address, const char *mac, const char *duid, const char *name,
	       long long until, time_t now, bool over)
{
	struct host_lease lease;

	if (policy_addr_parse(address, &lease.addr))
		return 0;
	if (policy_mac_parse(mac, lease.mac) && (cordon_addr_is_v4(&lease.addr) || !duid_mac(duid, lease.mac)))
		return 0;
	if (lease.mac[0] & 1)
		return 0;
	over |= until && until <= now;
	drop(f, &lease.addr);
	if (over)
		return 0;
	if (f->n_leases == HOST_LEASES_MAX) {
		f->more_leases = true;
		return 0;
	}
	if (!f->leases)
		f->leases = calloc(HOST_LEASES_MAX, sizeof(*f->leases));
	if (!f->leases)
		return -ENOMEM;
	lease.until = until - now > NO_END ? 0 : until;
	take_name(name, lease.name);
	f->leases[f->n_leases++] = lease;
	return 0;
}

/* dnsmasq: expiry, MAC (of DHCPv6: IAID), address, name, client (of DHCPv6: DUID). 0 is no expiry. */
static int read_dnsmasq(char *line, time_t now, struct host_facts *f)
{
	char *rest = NULL, *expiry = strtok_r(line, " ", &rest), *mac = strtok_r(NULL, " ", &rest),
	     *address = strtok_r(NULL, " ", &rest), *name = strtok_r(NULL, " ", &rest),
	     *client = strtok_r(NULL, " ", &rest);
	long long until = expiry ? strtoll(expiry, NULL, 10) : 0;

	if (!name)
		return 0;
	return put(f, address, mac, client ? client : "", strcmp(name, "*") ? name : "", until, now, false);
}

static void find_columns(char *line, int columns[N_COLUMNS])
{
	static const char *const names[] = { "address", "hwaddr", "expire", "hostname", "state", "duid", "lease_type" };
	char *word;
	int at, i;

	for (i = 0; i < N_COLUMNS; i++)
		columns[i] = -1;
	for (at = 0; (word = strsep(&line, ",")); at++)
		for (i = 0; i < N_COLUMNS; i++)
			if (!strcmp(word, names[i]))
				columns[i] = at;
}

/* Kea: columns as its first line names them; state 0 is a lease, others are one that was; type 2 is a prefix. */
static int read_kea(char *line, const int columns[N_COLUMNS], time_t now, struct host_facts *f)
{
	char *values[N_COLUMNS] = { "", "", "0", "", "0", "", "0" }, *word;
	int at, i;

	for (at = 0; (word = strsep(&line, ",")); at++)
		for (i = 0; i < N_COLUMNS; i++)
			if (columns[i] == at)
				values[i] = word;
	if (!strcmp(values[LEASE_TYPE], "2"))
		return 0;
	return put(f, values[ADDRESS], values[HWADDR], values[DUID], values[HOSTNAME],
		   strtoll(values[EXPIRE], NULL, 10), now, strcmp(values[STATE], "0"));
}

/**
 * host_leases_read - take the leases of one file
 * @path: the file, dnsmasq's or Kea's
 * @now: what ended before is left out
 * @f: where to
 *
 * Lines that make no sense are left out. Return: 0 or -errno.
 */
int host_leases_read(const char *path, time_t now, struct host_facts *f)
{
	int columns[N_COLUMNS], err;
	u32 before = f->n_leases;
	char *text, *rest, *line;
	bool kea = false;
	size_t len;

	err = file_read(path, FILE_MAX, &text, &len);
	if (err)
		return err;
	rest = text;
	while (!err && (line = strsep(&rest, "\n"))) {
		line[strcspn(line, "\r")] = 0;
		if (!strncmp(line, "address,", 8)) {
			kea = true;
			find_columns(line, columns);
		} else {
			err = kea ? read_kea(line, columns, now, f) : read_dnsmasq(line, now, f);
		}
	}
	free(text);
	if (f->n_leases > before)
		snprintf(f->lease_file, sizeof(f->lease_file), "%s", path);
	return err;
}

/**
 * host_leases_known - take the leases of the files at their usual places
 * @root: where they lie, in place of /
 * @now: what ended before is left out
 * @f: where to
 *
 * Return: 0, also where there is none; -errno.
 */
int host_leases_known(const char *root, time_t now, struct host_facts *f)
{
	static const char *const places[] = {
		"/var/lib/misc/dnsmasq.leases", "/var/lib/dnsmasq/dnsmasq.leases", "/tmp/dhcp.leases",
		"/var/lib/kea/kea-leases4.csv.2", "/var/lib/kea/kea-leases4.csv",
		"/var/lib/kea/kea-leases6.csv.2", "/var/lib/kea/kea-leases6.csv",
	};
	char path[512];
	size_t i;
	int err = 0;

	for (i = 0; !err && i < sizeof(places) / sizeof(*places); i++) {
		if ((size_t)snprintf(path, sizeof(path), "%s%s", root, places[i]) >= sizeof(path))
			return -ENAMETOOLONG;
		err = host_leases_read(path, now, f);
		if (err == -ENOENT || err == -EACCES)
			err = 0;
	}
	return err;
}
