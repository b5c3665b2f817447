// SPDX-License-Identifier: GPL-2.0
/* Files of leases, dnsmasq's and Kea's: whose an address is by them, and until when. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host/facts.h"
#include "lib/file.h"

#include "tap.h"

#define NOW	2000000000LL
#define KEA4	"address,hwaddr,client_id,valid_lifetime,expire,subnet_id,fqdn_fwd,fqdn_rev,hostname,state,user_context,pool_id\n"
#define KEA6	"address,duid,valid_lifetime,expire,subnet_id,pref_lifetime,lease_type,iaid,prefix_len,fqdn_fwd,fqdn_rev,hostname," \
		"hwaddr,state,user_context,hwtype,hwaddr_source,pool_id\n"

static char path[] = "/tmp/cordon-lease.XXXXXX";

/* @wanted: all leases, each "MAC address until name", with a blank after it. */
static const struct {
	const char *name, *text, *wanted;
} rows[] = {
	{ "dnsmasq", "2000003600 02:00:00:00:01:01 10.0.20.11 cam 01:02:00:00:00:01:01\n"
	  "2000003600 02:00:00:00:01:02 10.0.20.12 * *\n",
	  "02:00:00:00:01:01 10.0.20.11 2000003600 cam 02:00:00:00:01:02 10.0.20.12 2000003600 - " },
	{ "dnsmasq: one without an end", "0 02:00:00:00:01:01 10.0.20.11 cam *\n",
	  "02:00:00:00:01:01 10.0.20.11 0 cam " },
	{ "dnsmasq: one that has ended, and one that ends now",
	  "1999999999 02:00:00:00:01:01 10.0.20.11 cam *\n2000000000 02:00:00:00:01:02 10.0.20.12 lock *\n", "" },
	{ "dnsmasq: DHCPv6, by DUID-LLT and DUID-LL",
	  "duid 00:01:00:01:2c:1f:2a:3b:02:00:00:00:01:ff\n"
	  "2000003600 16777473 fd00:20::11 cam 00:01:00:01:2c:1f:2a:3b:02:00:00:00:01:01\n"
	  "2000003600 T33554433 fd00:20::12 * 00:03:00:01:02:00:00:00:01:02\n",
	  "02:00:00:00:01:01 fd00:20::11 2000003600 cam 02:00:00:00:01:02 fd00:20::12 2000003600 - " },
	{ "dnsmasq: DUIDs without a MAC",
	  "2000003600 1 fd00:20::11 a 00:02:00:00:ab:11:02:00:00:00:01:01\n"
	  "2000003600 1 fd00:20::12 b 00:04:02:00:00:00:01:01:02:00:00:00:01:01:00:00:00:00\n"
	  "2000003600 1 fd00:20::13 c 00:03:00:01:02:00:00:00:01\n"
	  "2000003600 1 fd00:20::14 d 00:03:00:01:02:00:00:00:01:01:00\n"
	  "2000003600 1 fd00:20::15 e 00:03:00:06:02:00:00:00:01:01\n"
	  "2000003600 1 fd00:20::16 f 00:03:00:01:03:00:00:00:01:01\n2000003600 1 fd00:20::17 g *\n", "" },
	{ "a DUID gives no IPv4 address", "2000003600 1 10.0.20.11 a 00:03:00:01:02:00:00:00:01:01\n", "" },
	{ "Kea, IPv4", KEA4 "10.0.20.31,02:00:00:00:01:31,,3600,2000003600,1,0,0,first.lan,0,,0\n"
	  "10.0.20.32,02:00:00:00:01:32,,3600,2000003600,1,0,0,gone,2,,0\n"
	  "10.0.20.33,02:00:00:00:01:33,,3600,1999999999,1,0,0,old,0,,0\n",
	  "02:00:00:00:01:31 10.0.20.31 2000003600 first " },
	{ "Kea: one for ever", KEA4 "10.0.20.31,02:00:00:00:01:31,,4294967295,6294967295,1,0,0,first,0,,0\n",
	  "02:00:00:00:01:31 10.0.20.31 0 first " },
	{ "Kea, IPv6: by MAC, or else by DUID",
	  KEA6 "fd00:20::31,00:04:aa,3600,2000003600,1,1800,0,7,128,0,0,first,02:00:00:00:01:31,0,,1,2,0\n"
	  "fd00:20::32,00:03:00:01:02:00:00:00:01:32,3600,2000003600,1,1800,0,7,128,0,0,,,0,,,,0\n",
	  "02:00:00:00:01:31 fd00:20::31 2000003600 first 02:00:00:00:01:32 fd00:20::32 2000003600 - " },
	{ "Kea: a prefix is no address",
	  KEA6 "fd00:30::,00:03:00:01:02:00:00:00:01:32,3600,2000003600,1,1800,2,7,64,0,0,,,0,,,,0\n", "" },
	{ "the last word holds", KEA4 "10.0.20.31,02:00:00:00:01:31,,3600,2000003600,1,0,0,a,0,,0\n"
	  "10.0.20.31,02:00:00:00:01:32,,3600,2000007200,1,0,0,b,0,,0\n", "02:00:00:00:01:32 10.0.20.31 2000007200 b " },
	{ "nonsense", "a\nb c\n2000003600 02:00:00:00:01:01 10.0.20 cam *\n\n,,,\n", "" },
};

static char *told(const struct host_facts *f)
{
	char *text = NULL, mac[18], addr[POLICY_ADDR_LEN];
	size_t size;
	FILE *out = open_memstream(&text, &size);
	u32 i;

	for (i = 0; i < f->n_leases; i++)
		fprintf(out, "%s %s %lld %s ", policy_mac_text(f->leases[i].mac, mac),
			policy_addr_text(&f->leases[i].addr, addr), (long long)f->leases[i].until,
			f->leases[i].name[0] ? f->leases[i].name : "-");
	fclose(out);
	return text;
}

int main(void)
{
	struct host_facts f;
	char *got;
	size_t i;
	int err;

	close(mkstemp(path));
	for (i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		f = (struct host_facts){ .n_leases = 0 };
		if (file_write(path, rows[i].text, strlen(rows[i].text), 0600))
			return 2;
		err = host_leases_read(path, NOW, &f);
		got = told(&f);
		if (!ok(!err && !strcmp(got, rows[i].wanted), "%s", rows[i].name))
			printf("# %d: %s\n# not: %s\n", err, got, rows[i].wanted);
		free(got);
		host_facts_free(&f);
	}
	unlink(path);
	f = (struct host_facts){ .n_leases = 0 };
	ok(host_leases_read(path, NOW, &f) == -ENOENT && !f.n_leases, "a file that is not there");
	return tap_done();
}
