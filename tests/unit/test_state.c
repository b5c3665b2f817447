// SPDX-License-Identifier: GPL-2.0
/* The saved state: what is written is read again; what is newer, broken or does not fit is left out. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/file.h"
#include "lib/yaml.h"
#include "state/state.h"

#include "tap.h"
#include "tree.h"

static char dir[] = "/tmp/cordon-state.XXXXXX";
static const u8 cam[6] = { 2, 0, 0, 0, 1, 1 }, lock_mac[6] = { 2, 0, 0, 0, 1, 2 }, extra[6] = { 2, 0, 0, 0, 7, 7 };

#define TOP	"version: 1\nports: [lan0, lan1]\nuplinks: [wan0]\nsegments: {iot: {}, critical: {}}\ndevices:\n"
#define CAM	"  - {name: cam, mac: \"02:00:00:00:01:01\", network_segment: iot, addresses: [10.0.20.11]}\n"
#define LOCK	"  - {name: lock, mac: \"02:00:00:00:01:02\", network_segment: critical, addresses: [10.0.30.12], " \
		"port: lan1}\n"
#define EXTRA	"  - {name: extra, mac: \"02:00:00:00:07:07\", network_segment: iot, " \
		"addresses: [10.0.20.77, \"fd00::7\"], port: lan0, vlan: 20, model: m1, " \
		"authentication: certificate, encryption: TLS1.3, firmware_auto_update: true}\n"

#define WAND	"  - {name: wand, mac: \"02:00:00:00:06:06\", network_segment: iot, addresses: [10.0.20.66], " \
		"ports: [lan1, lan0], roam: true}\n"
#define WAND_1	"  - {name: wand, mac: \"02:00:00:00:06:06\", network_segment: iot, addresses: [10.0.20.66], " \
		"port: lan1, roam: false}\n"

#define PHONE	"  - {name: phone, mac: \"02:00:00:00:05:05\", network_segment: iot, addresses: auto}\n"
#define PHONE_2	"  - {name: phone, mac: \"02:00:00:00:05:05\", network_segment: iot, addresses: [10.0.20.55], " \
		"auto: {static: true}}\n"

static const u8 phone[6] = { 2, 0, 0, 0, 5, 5 };

static const char *path(const char *name)
{
	static char buf[128];

	snprintf(buf, sizeof(buf), "%s/%s", dir, name);
	return buf;
}

/* What was synchronised last; the disk itself need not be waited for. */
static char synced[128];

int fsync(int fd)
{
	char link[64];
	ssize_t len;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	len = readlink(link, synced, sizeof(synced) - 1);
	synced[len > 0 ? len : 0] = 0;
	return 0;
}

static void put(const char *name, const char *text)
{
	if (file_write(path(name), text, strlen(text), 0600))
		abort();
}

static struct policy *policy(const char *yaml)
{
	struct policy *p = NULL;

	put("p.yaml", yaml);
	if (policy_load(path("p.yaml"), &p, stderr))
		abort();
	return p;
}

static char *text_of(const struct policy *p)
{
	char *text = kept_text(p);

	return text ? text : strdup("?");
}

static bool same_policy(const struct policy *p, const char *yaml)
{
	struct policy *q = policy(yaml);
	char *a = text_of(p), *b = text_of(q);
	bool same = !strcmp(a, b);

	if (!same)
		printf("# %s\n# wanted\n# %s\n", a, b);
	free(a);
	free(b);
	policy_free(q);
	return same;
}

/* What is said while @call runs. */
static char *heard;
static size_t heard_len;

static FILE *hear(void)
{
	free(heard);
	heard = NULL;
	return open_memstream(&heard, &heard_len);
}

static void learn(struct state *s, const u8 mac[6], u32 addr, u32 origin, int64_t end)
{
	struct state_binding b = { .addr = cordon_addr_v4(addr), .name = "phone", .origin = origin, .end = end };

	memcpy(b.mac, mac, 6);
	if (state_bind(s, &b))
		abort();
}

static void been(struct state *s, const u8 mac[6], u32 n, int64_t end)
{
	struct state_destinations *d = state_been(s);
	u32 i;

	if (!d)
		abort();
	memcpy(d->saved.mac, mac, 6);
	strcpy(d->saved.name, "any");
	memset(d->saved.key, 0xc3, sizeof(d->saved.key));
	for (i = 0; i < n; i++)
		d->saved.hashes[i][3] = i + 1;
	d->saved.n = n;
	d->saved.has_learning = true;
	d->learn_end = end;
}

static struct state *full(void)
{
	struct state *s = state_new();
	struct policy *p = policy(TOP EXTRA);
	struct state_device *d;

	s->saved = 1000000;
	strcpy(s->boot, "no-such-boot");
	d = state_add(s, cam);
	strcpy(d->name, "cam");
	d->quarantined = true;
	d->outdated = true;
	d = state_add(s, lock_mac);
	strcpy(d->name, "lock");
	d->leased = true;
	d->lease_end = 1003600;
	strcpy(d->lease_port, "lan1");
	d->has_certificate = true;
	memset(d->certificate, 0xa5, sizeof(d->certificate));
	state_copy_device(s->changed, p, 0);
	state_delete(s, extra);
	learn(s, phone, 0x0a001433, CORDON_ORIGIN_DHCP, 1003600);
	learn(s, phone, 0x0a001434, CORDON_ORIGIN_ARP, 0);
	been(s, cam, CORDON_DESTINATIONS_MAX, 0);
	been(s, lock_mac, 2, 1003600);
	been(s, extra, 0, 1003600);
	policy_free(p);
	return s;
}

static void test_round_trip(void)
{
	struct state *s = full(), *r = NULL;
	struct stat st;

	ok(!state_save(path("state"), s), "a state is saved");
	ok(!stat(path("state"), &st) && (st.st_mode & 07777) == 0600, "and only its owner reads it");
	ok(!state_load(path("state"), &r, stderr), "and read");
	ok(r && state_settle(r, s), "it is the same");
	ok(r && r->saved == s->saved && !strcmp(r->boot, s->boot), "with its time and its boot");
	if (r)
		r->devices[1].lease_end += 2;
	ok(r && state_settle(r, s) && r->devices[1].lease_end == s->devices[1].lease_end,
	   "the end of a lease that moved by its rounding is none that moved");
	if (r)
		r->devices[1].lease_end += 60;
	ok(r && !state_settle(r, s), "one that moved by a minute is");
	if (r)
		r->devices[1].lease_end -= 60;
	ok(r && state_settle(r, s), "one that moved back is not");
	if (r)
		r->bindings[0].end -= 2;
	ok(r && state_settle(r, s) && r->bindings[0].end == s->bindings[0].end,
	   "nor is the end of a binding, by its rounding");
	if (r)
		r->bindings[0].end += 60;
	ok(r && !state_settle(r, s), "that of a binding that was renewed is");
	if (r) {
		r->bindings[0].end -= 60;
		r->bindings[1].origin = CORDON_ORIGIN_ND;
	}
	ok(r && !state_settle(r, s), "and so is what it is by");
	if (r) {
		r->bindings[1].origin = CORDON_ORIGIN_ARP;
		r->n_bindings--;
	}
	ok(r && !state_settle(r, s), "and that there is one less");
	if (r) {
		r->n_bindings++;
		r->destinations[1].learn_end += 600;
	}
	ok(r && state_settle(r, s) && r->destinations[1].learn_end == 1003600, "learning that ends a little later is the same");
	if (r)
		r->destinations[1].learn_end = 0;
	ok(r && !state_settle(r, s), "that is over is not");
	if (r) {
		r->destinations[1].learn_end = 1003600;
		r->destinations[0].saved.hashes[159][0] = 1;
	}
	ok(r && !state_settle(r, s), "nor another destination");
	if (r) {
		r->destinations[0].saved.hashes[159][0] = 0;
		r->n_destinations--;
	}
	ok(r && !state_settle(r, s), "nor one device less");
	ok(!state_settle(s, NULL), "without one before, everything is new");
	state_free(s);
	state_free(r);
}

/* A device of several ports; an older version, which reads but one, ties it to that. */
static void test_ports(void)
{
	struct policy *p = policy(TOP CAM WAND), *one = policy(TOP CAM WAND_1);
	struct state *s = state_new(), *r = NULL, *other = state_new();
	char *text = NULL;
	size_t len;

	state_copy_device(s->changed, p, 1);
	state_copy_device(other->changed, one, 1);
	ok(!state_save(path("state"), s) && !file_read(path("state"), 1 << 16, &text, &len), "a device of several ports is saved");
	ok(text && strstr(text, "\"port\": \"lan1\"") && strstr(text, "\"ports\""), "with the first as the one that it has, too");
	ok(!state_load(path("state"), &r, stderr) && r && state_settle(r, s), "and read");
	ok(r && cordon_device_ports(r->changed->draft.devices) == 2 && r->changed->draft.devices[0].roam, "with both");
	ok(!state_settle(other, s), "one of them is not the same");
	free(text);
	state_free(s);
	state_free(r);
	state_free(other);
	policy_free(p);
	policy_free(one);
}

/* Each row: a file, how it ends, what is said, and how many devices, changes and deletions are read. */
static void test_files(void)
{
	static const struct {
		const char *name, *text;
		int err;
		const char *says;
		u32 devices, changed, deleted;
	} rows[] = {
		{ "a newer version, with members unknown to us",
		  "{\"version\": 9, \"saved\": 5, \"new\": [1], \"devices\": [{\"mac\": \"02:00:00:00:01:01\", "
		  "\"name\": \"cam\", \"quarantined\": true, \"newer\": {}}]}", 0, "", 1, 0, 0 },
		{ "one device that cannot be read, among others",
		  "{\"version\": 1, \"devices\": [{\"mac\": \"nonsense\"}, {\"mac\": \"02:00:00:00:01:01\"}], "
		  "\"deleted\": [7, \"02:00:00:00:07:07\"]}", 0, "devices[0]: 'mac' is no MAC; left out", 1, 0, 1 },
		{ "a change of a device that cannot be read",
		  "{\"version\": 1, \"changed\": [{\"mac\": \"02:00:00:00:01:01\", \"name\": \"a b\", "
		  "\"segment\": \"iot\"}]}", 0, "changed[0]: 'name' is no name; left out", 0, 0, 0 },
		{ "an address that is none",
		  "{\"version\": 1, \"changed\": [{\"mac\": \"02:00:00:00:01:01\", \"name\": \"a\", "
		  "\"segment\": \"iot\", \"addresses\": [\"10.0.0\"]}]}", 0, "'addresses' holds", 0, 0, 0 },
		{ "a certificate of another length",
		  "{\"version\": 1, \"devices\": [{\"mac\": \"02:00:00:00:01:01\", \"certificate\": \"aa\"}]}",
		  0, "is no SHA-256", 1, 0, 0 },
		{ "a device that learns what it cannot",
		  "{\"version\": 1, \"changed\": [{\"mac\": \"02:00:00:00:01:01\", \"name\": \"a\", "
		  "\"segment\": \"iot\", \"learn\": \"all\"}]}", 0, "changed[0]: 'learn' is a word that it cannot be; left out",
		  0, 0, 0 },
		{ "a device of one port twice",
		  "{\"version\": 1, \"changed\": [{\"mac\": \"02:00:00:00:01:01\", \"name\": \"a\", "
		  "\"segment\": \"iot\", \"ports\": [\"lan0\", \"lan0\"]}]}", 0, "changed[0]: 'ports' holds one twice; left out",
		  0, 0, 0 },
		{ "a device of no port",
		  "{\"version\": 1, \"changed\": [{\"mac\": \"02:00:00:00:01:01\", \"name\": \"a\", "
		  "\"segment\": \"iot\", \"port\": \"lan0\", \"ports\": []}]}", 0, "changed[0]: 'ports' is no list, or of none", 0, 0, 0 },
		{ "a device of five ports",
		  "{\"version\": 1, \"changed\": [{\"mac\": \"02:00:00:00:01:01\", \"name\": \"a\", \"segment\": \"iot\", "
		  "\"ports\": [\"a\", \"b\", \"c\", \"d\", \"e\"]}]}", 0, "changed[0]: 'ports' is no list, or of none or too many",
		  0, 0, 0 },
		{ "a device of a port that is no name",
		  "{\"version\": 1, \"changed\": [{\"mac\": \"02:00:00:00:01:01\", \"name\": \"a\", "
		  "\"segment\": \"iot\", \"ports\": [\"lan0\", 7]}]}", 0, "changed[0]: 'port' or 'ports' holds something", 0, 0, 0 },
		{ "destinations of no device", "{\"version\": 1, \"destinations\": [{\"key\": \"00\"}]}",
		  0, "destinations[0]: 'mac' is no MAC; left out", 0, 0, 0 },
		{ "destinations without a key", "{\"version\": 1, \"destinations\": [{\"mac\": \"02:00:00:00:01:01\"}]}",
		  0, "destinations[0]: 'key' is no key; left out", 0, 0, 0 },
		{ "destinations of half a hash", "{\"version\": 1, \"destinations\": [{\"mac\": \"02:00:00:00:01:01\", "
		  "\"key\": \"000102030405060708090a0b0c0d0e0f\", \"hashes\": \"0000000100\"}]}",
		  0, "destinations[0]: 'hashes' are none; left out", 0, 0, 0 },
		{ "a hash of 0", "{\"version\": 1, \"destinations\": [{\"mac\": \"02:00:00:00:01:01\", "
		  "\"key\": \"000102030405060708090a0b0c0d0e0f\", \"hashes\": \"0000000100000000\"}]}",
		  0, "destinations[0]: 'hashes' are none; left out", 0, 0, 0 },
		{ "learning that ends sometime", "{\"version\": 1, \"destinations\": [{\"mac\": \"02:00:00:00:01:01\", "
		  "\"key\": \"000102030405060708090a0b0c0d0e0f\", \"learn_end\": true}]}",
		  0, "destinations[0]: 'learn_end' is no number; left out", 0, 0, 0 },
		{ "a binding of no address",
		  "{\"version\": 1, \"bindings\": [{\"mac\": \"02:00:00:00:01:01\", \"origin\": \"dhcp\"}]}",
		  0, "bindings[0]: 'address' is none; left out", 0, 0, 0 },
		{ "a binding of no device", "{\"version\": 1, \"bindings\": [{\"address\": \"10.0.0.1\", \"origin\": \"dhcp\"}]}",
		  0, "bindings[0]: 'mac' is no MAC; left out", 0, 0, 0 },
		{ "a binding by the policy", "{\"version\": 1, \"bindings\": [{\"address\": \"10.0.0.1\", "
		  "\"mac\": \"02:00:00:00:01:01\", \"origin\": \"policy\"}]}",
		  0, "bindings[0]: 'origin' is a word that it cannot be; left out", 0, 0, 0 },
		{ "a binding by nothing", "{\"version\": 1, \"bindings\": [{\"address\": \"10.0.0.1\", "
		  "\"mac\": \"02:00:00:00:01:01\"}]}", 0, "'origin' is a word that it cannot be", 0, 0, 0 },
		{ "a binding that ends sometime", "{\"version\": 1, \"bindings\": [{\"address\": \"10.0.0.1\", "
		  "\"mac\": \"02:00:00:00:01:01\", \"origin\": \"nd\", \"end\": \"soon\"}]}",
		  0, "bindings[0]: 'end' is no number; left out", 0, 0, 0 },
		{ "half a file", "{\"version\": 1, \"devices\": [", -EINVAL, "state:1:", 0, 0, 0 },
		{ "an empty file", "", -EINVAL, "state:", 0, 0, 0 },
		{ "something else", "[1]", -EINVAL, "not a state of Cordon's", 0, 0, 0 },
		{ "without a version", "{}", -EINVAL, "not a state of Cordon's", 0, 0, 0 },
	};
	struct state *s;
	FILE *out;
	size_t i;
	int err;

	for (i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		put("state", rows[i].text);
		s = NULL;
		out = hear();
		err = state_load(path("state"), &s, out);
		fclose(out);
		ok(err == rows[i].err, "%s: %d", rows[i].name, err);
		ok(*rows[i].says ? !!strstr(heard, rows[i].says) : !*heard, "%s: says '%s'", rows[i].name, heard);
		ok(err || (s->n_devices == rows[i].devices && s->changed->draft.n_devices == rows[i].changed &&
			   s->n_deleted == rows[i].deleted), "%s: the rest is read", rows[i].name);
		state_free(s);
	}
	unlink(path("state"));
	out = hear();
	ok(state_load(path("state"), &s, out) == -ENOENT, "no file");
	fclose(out);
	ok(!*heard, "of which nothing is said");
}

/* Run-time changes that were made to @base as @then, and the policy file as it is @now. */
static void overlay(const char *name, const char *base, const char *then, const char *now, const char *wanted,
		    const char *says)
{
	struct policy *b = policy(base), *k = policy(then), *p = policy(now);
	struct state *s = state_new();
	FILE *out = hear();
	int err;

	ok(!state_compare(s, k, b), "%s: compared", name);
	err = state_overlay(p, b, s, out);
	fclose(out);
	ok(!err && same_policy(p, wanted), "%s: the policy that comes of it", name);
	ok(*says ? !!strstr(heard, says) : !*heard, "%s: says '%s'", name, heard);
	state_free(s);
	policy_free(b);
	policy_free(k);
	policy_free(p);
}

static void test_overlay(void)
{
	static const char moved[] =
		TOP "  - {name: cam, mac: \"02:00:00:00:01:01\", network_segment: iot, addresses: [10.0.20.12]}\n" LOCK;
	static const char other[] =
		TOP "  - {name: cam, mac: \"02:00:00:00:01:01\", network_segment: critical, addresses: [10.0.20.11]}\n" LOCK;
	static const char taken[] =
		TOP CAM LOCK "  - {name: new, mac: \"02:00:00:00:09:09\", network_segment: iot, addresses: [10.0.20.77]}\n";
	static const char named[] =
		TOP CAM LOCK "  - {name: extra, mac: \"02:00:00:00:09:09\", network_segment: iot, addresses: [10.0.20.78]}\n";
	static const char less[] =
		"version: 1\nports: [lan1]\nuplinks: [wan0]\nsegments: {iot: {}, critical: {}}\ndevices:\n" CAM LOCK;
	static const char gone[] =
		"version: 1\nports: [lan0, lan1]\nuplinks: [wan0]\nsegments: {critical: {}}\ndevices:\n" LOCK;

	overlay("learns since", TOP CAM PHONE, TOP CAM PHONE_2, TOP CAM PHONE, TOP CAM PHONE_2, "");
	overlay("learns, added", TOP CAM, TOP CAM PHONE, TOP CAM, TOP CAM PHONE, "");
	overlay("tied to several ports since", TOP CAM WAND_1, TOP CAM WAND, TOP CAM WAND_1, TOP CAM WAND, "");
	overlay("tied to one of them since", TOP CAM WAND, TOP CAM WAND_1, TOP CAM WAND, TOP CAM WAND_1, "");
	overlay("one of its ports is gone", TOP CAM LOCK, TOP CAM LOCK WAND, less, less,
		"'wand': the policy has no such port");
	overlay("nothing", TOP CAM LOCK, TOP CAM LOCK, TOP CAM, TOP CAM, "");
	overlay("added", TOP CAM LOCK, TOP CAM LOCK EXTRA, TOP CAM LOCK, TOP CAM LOCK EXTRA, "");
	overlay("changed", TOP CAM LOCK, moved, TOP CAM LOCK, moved, "");
	overlay("deleted", TOP CAM LOCK, TOP LOCK, TOP CAM LOCK, TOP LOCK, "");
	overlay("added, and the file has it now", TOP CAM LOCK, TOP CAM LOCK EXTRA, TOP CAM LOCK EXTRA,
		TOP CAM LOCK EXTRA, "");
	overlay("changed, and the file says something else", TOP CAM LOCK, moved, other, other,
		"'cam': the policy says something else");
	overlay("changed, and gone from the file", TOP CAM LOCK, moved, TOP LOCK, TOP LOCK,
		"'cam': the policy does not have it");
	overlay("deleted, and changed in the file", TOP CAM LOCK, TOP LOCK, other, other,
		"'cam': was deleted at run time");
	overlay("its address is another's", TOP CAM LOCK, TOP CAM LOCK EXTRA, taken, taken,
		"'extra': the policy gives its address");
	overlay("its name is another's", TOP CAM LOCK, TOP CAM LOCK EXTRA, named, named,
		"'extra': the policy has another device of that name");
	overlay("its port is gone", TOP CAM LOCK, TOP CAM LOCK EXTRA, less, less,
		"'extra': the policy has no such port");
	overlay("its segment is gone", TOP CAM LOCK, TOP CAM LOCK EXTRA, gone, gone,
		"'extra': the policy has no such segment");
}

/* Each learned address as "ADDRESS ORIGIN SECONDS", with a blank after it. */
static char *bound(const struct policy *p, const struct state *s, int64_t now, bool clock)
{
	struct cnl_begin begin = { .bindings = NULL };
	char *text = NULL, addr[POLICY_ADDR_LEN];
	size_t size;
	FILE *out = open_memstream(&text, &size);
	u32 i;

	if (state_bindings(p, s, now, clock, &begin))
		abort();
	for (i = 0; i < begin.n_bindings; i++) {
		const struct cnl_binding *b = &begin.bindings[i];

		fprintf(out, "%s %s ", policy_addr_text(&b->addr, addr), policy_origin_name(b->origin));
		fprintf(out, b->ends ? "%u " : "- ", b->lease);
	}
	fclose(out);
	free(begin.bindings);
	return text;
}

static void bindings(const char *name, const struct policy *p, const struct state *s, int64_t now, bool clock,
		     const char *wanted)
{
	char *got = bound(p, s, now, clock);

	if (!ok(!strcmp(got, wanted), "%s", name))
		printf("# '%s', not '%s'\n", got, wanted);
	free(got);
}

static void test_bindings(void)
{
	struct policy *p = policy(TOP CAM PHONE), *none = policy(TOP CAM),
		*fixed = policy(TOP CAM "  - {name: phone, mac: \"02:00:00:00:05:05\", network_segment: iot, "
				"addresses: [10.0.20.99]}\n");
	struct cnl_binding list[2] = { { .addr = cordon_addr_v4(0x0a001433), .origin = CORDON_ORIGIN_DHCP, .ends = true,
					 .lease = 3600 }, { .addr = cordon_addr_v4(0x0a001434), .origin = CORDON_ORIGIN_ND } };
	struct cnl_bindings all = { .list = list, .n = 2 };
	struct state *s = full(), *old = NULL, *c = state_new();

	bindings("learned addresses go on for what is left of them", p, s, 1000600, true,
		 "10.0.20.51 dhcp 3000 10.0.20.52 arp - ");
	bindings("one that is past is left out", p, s, 1003600, true, "10.0.20.52 arp - ");
	bindings("by a clock that cannot be relied on, they have as long as when they were saved", p, s, 5000, false,
		 "10.0.20.51 dhcp 3600 10.0.20.52 arp - ");
	bindings("those of a device that is gone are left out", none, s, 1000600, true, "");
	bindings("and those of one that learns nothing any more", fixed, s, 1000600, true, "");
	s->bindings[0].end = 1000000 + 2LL * CORDON_MAX_LEASE;
	bindings("none lasts longer than any may", p, s, 1000000, true, "10.0.20.51 dhcp 31536000 10.0.20.52 arp - ");
	put("state", "{\"version\": 1, \"saved\": 5, \"devices\": [], \"changed\": [], \"deleted\": []}");
	ok(!state_load(path("state"), &old, stderr) && !old->n_bindings, "a state of before there were any is read");
	bindings("and has none", p, old, 10, true, "");
	c->saved = 1000000;
	ok(!state_collect_bindings(c, &all) && c->n_bindings == 2 && c->bindings[0].end == 1003600 && !c->bindings[1].end &&
	   c->bindings[1].origin == CORDON_ORIGIN_ND, "they are saved with their ends by the clock");
	state_free(s);
	state_free(old);
	state_free(c);
	policy_free(p);
	policy_free(none);
	policy_free(fixed);
}

/* Where each device had been as "MAC'S-LAST-BYTE DESTINATIONS SECONDS", with a blank after it. */
static void destinations(const char *name, const struct policy *p, const struct state *s, int64_t now, bool clock,
			 const char *wanted)
{
	struct cnl_begin begin = { .destinations = NULL };
	char got[256] = "";
	size_t at = 0;
	u32 i;

	if (state_destinations(p, s, now, clock, &begin))
		abort();
	for (i = 0; i < begin.n_destinations; i++)
		at += snprintf(got + at, sizeof(got) - at, "%02x %u %u ", begin.destinations[i].mac[5],
			       begin.destinations[i].n, begin.destinations[i].learning);
	if (!ok(!strcmp(got, wanted), "%s", name))
		printf("# '%s', not '%s'\n", got, wanted);
	free(begin.destinations);
}

#define LEARNS(iot, critical) "version: 1\nports: [lan0, lan1]\nuplinks: [wan0]\nsegments: {iot: {" iot "}, critical: {" \
	critical "}}\ndevices:\n  - {name: cam, mac: \"02:00:00:00:01:01\", network_segment: iot, addresses: [10.0.20.11]}\n" \
	"  - {name: lock, mac: \"02:00:00:00:01:02\", network_segment: critical, addresses: [10.0.30.12]}\n"
#define NEW "anomalies: {new_destination: {limit: 1/1h, then: event}}"

static void test_destinations(void)
{
	struct policy *both = policy(LEARNS(NEW, NEW)), *one = policy(LEARNS("", NEW)), *none = policy(LEARNS("", ""));
	static struct cnl_destinations list[3] = { { .n = 1, .has_learning = true, .learning = 3600 },
						   { .n = 2, .has_learning = true }, { .n = 0 } };
	struct cnl_destinations_list all = { list, 3 };
	struct state *s = full(), *c = state_new();

	destinations("where devices had been, with what is left to learn", both, s, 1000600, true, "01 160 0 02 2 3000 ");
	destinations("learning that is past is over", both, s, 1003600, true, "01 160 0 02 2 0 ");
	destinations("by a clock that cannot be relied on, it goes on as long as when it was saved", both, s, 5000, false,
		     "01 160 0 02 2 3600 ");
	destinations("of a segment that does not ask, nothing", one, s, 1000600, true, "02 2 3000 ");
	destinations("nor where none does", none, s, 1000600, true, "");
	ok(state_policy_learns(both) && state_policy_learns(one) && !state_policy_learns(none), "and that is known beforehand");
	c->saved = 1000000;
	ok(!state_collect_destinations(c, &all) && c->n_destinations == 2 && c->destinations[0].learn_end == 1003600 &&
	   !c->destinations[0].saved.learning && !c->destinations[1].learn_end,
	   "they are saved with the end of learning by the clock; not of who has opened nothing");
	state_free(s);
	state_free(c);
	policy_free(both);
	policy_free(one);
	policy_free(none);
}

static void test_starts(void)
{
	struct policy *p = policy(TOP CAM LOCK), *less =
		policy("version: 1\nports: [lan0]\nuplinks: [wan0]\nsegments: {iot: {}, "
		"critical: {}}\ndevices:\n"
		"  - {name: lock, mac: \"02:00:00:00:01:02\", network_segment: critical, addresses: [10.0.30.12]}\n");
	struct cnl_start *starts = NULL;
	struct state *s = full();
	FILE *out = hear();

	ok(!state_starts(p, s, 1000600, true, &starts, out), "starts of a policy");
	ok(starts[0].quarantined && starts[0].outdated && !starts[0].leased, "the quarantined device is");
	ok(starts[1].leased && starts[1].lease == 3000 && !strcmp(starts[1].lease_port, "lan1") &&
	   starts[1].has_certificate && starts[1].certificate[31] == 0xa5 && !starts[1].quarantined,
	   "a lease goes on for what is left of it");
	free(starts);
	state_starts(p, s, 1003600, true, &starts, out);
	ok(starts[1].leased && !starts[1].lease && starts[0].quarantined,
		"a lease that is past has ended; the quarantine has not");
	free(starts);
	state_starts(p, s, 1000600, false, &starts, out);
	ok(starts[1].leased && !starts[1].lease && starts[0].quarantined,
		"by a clock that cannot be relied on none goes on");
	free(starts);
	fclose(out);
	ok(!*heard, "nothing is said of all that");
	out = hear();
	state_starts(less, s, 1000600, true, &starts, out);
	fclose(out);
	ok(!starts[0].lease && !starts[0].quarantined, "a lease for a port that is gone is none");
	ok(strstr(heard, "port 'lan1'") && strstr(heard, "'cam': the policy does not have it any more"),
		"which is said: %s", heard);
	free(starts);
	ok(!state_clock_is_right(s, s->saved - 1), "a clock from before the state was saved is wrong");
	state_free(s);
	policy_free(p);
	policy_free(less);
}

static void test_kept(void)
{
	struct policy *p = policy(TOP CAM), *q = policy(TOP LOCK), *r;
	struct stat st;
	int lock = kept_lock(path("kept/deep")), err;
	char *text = kept_text(p), place[128];
	FILE *out;

	snprintf(place, sizeof(place), "%s", path("kept/deep"));
	ok(lock >= 0, "the directory is made");
	ok(!kept_last_good(place, stderr), "there is no last good policy yet");
	ok(!kept_unconfirmed(place, text) && kept_is_unconfirmed(place, p), "a policy that is tried");
	ok(!kept_is_unconfirmed(place, q), "another is not");
	err = kept_policy(place, q);
	r = kept_last_good(place, stderr);
	ok(!err && r && same_policy(r, TOP LOCK), "a policy is kept");
	ok(!stat(path("kept/deep/policy.yaml"), &st) && (st.st_mode & 07777) == 0600, "and only its owner reads it");
	ok(!kept_is_unconfirmed(place, p), "and none is tried any more");
	err = kept_unconfirmed(place, text);
	synced[0] = 0;
	ok(!err && !kept_forget(place) && !strcmp(synced, place), "nor after a power cut: synchronised is '%s'", synced);
	put("synced", "");
	synced[0] = 0;
	ok(!file_sync(path("synced")) && !strcmp(synced, dir), "a file that somebody else wrote, and its directory");
	ok(!file_make_dirs(path("made/here"), 0700) && !strcmp(synced, path("made")), "a directory that is made: '%s'", synced);
	policy_free(r);
	put("kept/deep/policy.yaml", "version: 1\nmode: observe\nports: [lan0]\n");
	out = hear();
	r = kept_last_good(place, out);
	fclose(out);
	ok(r && !*heard, "warnings of it are not repeated: '%s'", heard);
	policy_free(r);
	put("kept/deep/policy.yaml", "version: 2\n");
	out = hear();
	r = kept_last_good(place, out);
	fclose(out);
	ok(!r && strstr(heard, "policy.yaml:1:"), "that it cannot be read is said: '%s'", heard);
	ok(kept_is_default_place() != 0 || geteuid(), "this namespace is the machine's");
	if (lock >= 0)
		close(lock);
	policy_free(p);
	policy_free(q);
	policy_free(r);
	free(text);
}

int main(void)
{
	if (!mkdtemp(dir))
		return 2;
	test_round_trip();
	test_ports();
	test_files();
	test_overlay();
	test_starts();
	test_bindings();
	test_destinations();
	test_kept();
	tree_remove(dir);
	free(heard);
	return tap_done();
}
