// SPDX-License-Identifier: GPL-2.0
/* Events in the journal: a journal of our own is a socket, and a clock of our own goes as it is told. */
#include <net/if.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "event/event.h"

#include "tap.h"
#include "tree.h"

#define MINUTE	60000

static char dir[] = "/tmp/cordon-event.XXXXXX";
static char path[64];
static const u8 cam[6] = { 2, 0, 0, 0, 1, 1 };

/* The journal: entries that came, NUL after each. */
static char heard[1 << 20];
static size_t heard_len;
static unsigned int entries;

static int journal(void)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	snprintf(path, sizeof(path), "%s/socket", dir);
	strcpy(at.sun_path, path);
	unlink(path);
	if (fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof(at)))
		abort();
	return fd;
}

static void forget(void)
{
	heard_len = 0;
	entries = 0;
}

static void hear(int fd)
{
	ssize_t n;

	while ((n = recv(fd, heard + heard_len, sizeof(heard) - heard_len - 1, MSG_DONTWAIT)) > 0) {
		heard_len += n;
		heard[heard_len++] = 0;
		entries++;
	}
}

/* A field of an entry; the last one that came is -1. */
static const char *field(int which, const char *name)
{
	static char value[2048];
	const char *at = heard, *end = heard + heard_len;
	size_t len = strlen(name);
	int i;

	for (i = 0; i < (which < 0 ? (int)entries + which : which) && at < end; i++)
		at += strlen(at) + 1;
	while (at && at < end && *at) {
		if (!strncmp(at, name, len) && at[len] == '=') {
			snprintf(value, sizeof(value), "%.*s", (int)strcspn(at + len + 1, "\n"), at + len + 1);
			return value;
		}
		at = strchr(at, '\n');
		at = at ? at + 1 : NULL;
	}
	return "";
}

static bool has(int which, const char *name, const char *value)
{
	const char *is = field(which, name);

	if (strcmp(is, value))
		printf("# %s is '%s', not '%s'\n", name, is, value);
	return !strcmp(is, value);
}

/* What all entries stand for. */
static unsigned long long sum(void)
{
	unsigned long long all = 0;
	unsigned int i;

	for (i = 0; i < entries; i++)
		all += strtoull(field(i, "CORDON_COUNT"), NULL, 10);
	return all;
}

static struct cnl_event denial(u8 last, u32 suppressed)
{
	struct cnl_event e = { .cmd = CORDON_CMD_ANOMALY_NTF };

	e.anomaly.kind = CORDON_KIND_SEGMENT_VIOLATION;
	e.anomaly.has_mac = true;
	memcpy(e.anomaly.mac, cam, 6);
	e.anomaly.mac[5] = last;
	snprintf(e.anomaly.name, sizeof(e.anomaly.name), "cam%u", last);
	e.anomaly.source = cordon_addr_v4(0x0a00140b);
	e.anomaly.destination = cordon_addr_v4(0x08080808);
	e.anomaly.protocol = IPPROTO_TCP;
	e.anomaly.dport = 443;
	e.anomaly.denied = 1;
	e.anomaly.action = -1;
	e.anomaly.suppressed = suppressed;
	return e;
}

static struct cnl_event device(u32 state)
{
	struct cnl_event e = { .cmd = CORDON_CMD_DEVICE_NTF };

	memcpy(e.device.def.mac, cam, 6);
	strcpy(e.device.def.name, "cam1");
	e.device.state = state;
	strcpy(e.device.effective_segment, state == CORDON_STATE_QUARANTINED ? "quarantine" : "iot");
	return e;
}

static void tell(struct event_log *l, struct cnl_event e, int64_t now)
{
	event_log_event(l, &e, now);
}

static int seen(struct event_log *l, u32 state, int64_t now)
{
	struct cnl_event e = device(state);

	return event_log_seen(l, &e.device, now);
}

static void test_fields(int fd)
{
	struct event_log *l = event_log_new(path, 0);
	struct cnl_event e = denial(1, 0);

	forget();
	tell(l, e, 0);
	hear(fd);
	ok(entries == 1, "a denial is an entry");
	ok(strstr(field(0, "MESSAGE"), "anomaly segment_violation: cam1 (02:00:00:00:01:01): 10.0.20.11 -> 8.8.8.8 tcp/443") &&
	   strstr(field(0, "MESSAGE"), "denied"), "with a message: %s", field(0, "MESSAGE"));
	ok(has(0, "PRIORITY", "5") && has(0, "MESSAGE_ID", JOURNAL_ANOMALY) && has(0, "SYSLOG_IDENTIFIER", "cordon"),
	   "and what a reader sorts by");
	ok(has(0, "CORDON_DEVICE", "cam1") && has(0, "CORDON_MAC", "02:00:00:00:01:01") &&
	   has(0, "CORDON_ANOMALY", "segment_violation") && has(0, "CORDON_VERDICT", "denied") &&
	   has(0, "CORDON_SOURCE", "10.0.20.11") && has(0, "CORDON_DESTINATION", "8.8.8.8") && has(0, "CORDON_COUNT", "1"),
	   "and fields");
	ok(!strncmp(field(0, "CORDON_SERVICE"), "tcp/443", 7), "the service by name: %s", field(0, "CORDON_SERVICE"));
	ok(has(0, "CORDON_INTERFACE", "") && has(0, "CORDON_PORTS", ""), "and none that is not known");
	e.anomaly.denied = 0;
	e.anomaly.ifindex = if_nametoindex("lo");
	e.anomaly.ports = (struct cnl_ports){ 2, { "lan0", "lan1" } };
	tell(l, e, 0);
	e.anomaly.action = CORDON_ACTION_QUARANTINE;
	tell(l, e, 0);
	hear(fd);
	ok(has(1, "PRIORITY", "6") && has(1, "CORDON_VERDICT", "passed"), "what passes matters less");
	ok(has(1, "CORDON_INTERFACE", "lo") && has(1, "CORDON_PORTS", "lan0 lan1"), "where it came in, and where it belongs");
	ok(has(2, "PRIORITY", "4") && has(2, "CORDON_ACTION", "quarantine"), "a limit that is reached matters more");
	event_log_free(l, 0);
}

static void test_states(int fd)
{
	struct event_log *l = event_log_new(path, 0);

	forget();
	ok(!seen(l, CORDON_STATE_ACTIVE, 0), "a device is seen");
	event_log_looked(l, true);
	hear(fd);
	ok(!entries, "which is no news");
	tell(l, device(CORDON_STATE_ACTIVE), 10);
	hear(fd);
	ok(!entries, "nor is a lease that goes on");
	tell(l, device(CORDON_STATE_QUARANTINED), 20);
	tell(l, device(CORDON_STATE_QUARANTINED), 30);
	hear(fd);
	ok(entries == 1, "a quarantine is told, once");
	ok(has(0, "MESSAGE", "device cam1: quarantined, was active, in segment quarantine") && has(0, "PRIORITY", "4") &&
	   has(0, "MESSAGE_ID", JOURNAL_QUARANTINED), "as a warning");
	ok(has(0, "CORDON_DEVICE", "cam1") && has(0, "CORDON_STATE", "quarantined") &&
	   has(0, "CORDON_STATE_BEFORE", "active") && has(0, "CORDON_SEGMENT", "quarantine"), "with its fields");
	tell(l, device(CORDON_STATE_ACTIVE), 40);
	hear(fd);
	ok(entries == 2 && has(1, "PRIORITY", "5") && has(1, "MESSAGE_ID", JOURNAL_STATE) &&
	   has(1, "CORDON_STATE_BEFORE", "quarantined"), "and so is its end");
	seen(l, CORDON_STATE_EXPIRED, 50);
	event_log_looked(l, true);
	hear(fd);
	ok(entries == 3 && has(2, "CORDON_STATE", "expired") && has(2, "PRIORITY", "5"),
	   "a lease that ended, of which there is no event, is seen");
	event_log_looked(l, true);
	seen(l, CORDON_STATE_ACTIVE, 60);
	event_log_looked(l, true);
	hear(fd);
	ok(entries == 3, "a device that comes back with a policy is none that changed");
	event_log_looked(l, true);
	seen(l, CORDON_STATE_QUARANTINED, 70);
	event_log_looked(l, false);
	hear(fd);
	ok(entries == 4 && has(3, "MESSAGE", "device cam1: quarantined, in segment quarantine"), "unless it is quarantined");
	event_log_free(l, 80);
}

static void test_policy(int fd)
{
	struct event_log *l = event_log_new(path, 0);
	struct cnl_event e = { .cmd = CORDON_CMD_POLICY_NTF };

	forget();
	e.summary = (struct cnl_summary){ .generation = 3, .in_force = true, .devices = 7, .awaiting = true };
	tell(l, e, 0);
	e.summary.in_force = false;
	tell(l, e, 0);
	hear(fd);
	ok(has(0, "MESSAGE", "policy: generation 3 is in force, mode enforce, 7 devices, awaits confirmation") &&
	   has(0, "PRIORITY", "5") && has(0, "CORDON_GENERATION", "3") && has(0, "CORDON_MODE", "enforce") &&
	   has(0, "CORDON_IN_FORCE", "1") && has(0, "CORDON_AWAITING", "1") && has(0, "CORDON_DEVICES", "7"), "a policy");
	ok(has(1, "PRIORITY", "4") && has(1, "MESSAGE_ID", JOURNAL_POLICY) && has(1, "CORDON_IN_FORCE", "0"), "that none is in force is a warning");
	event_log_free(l, 0);
}

/* Ten denials a second for a minute, each for 9 that got no event of their own. */
static void test_burst(int fd)
{
	struct event_log *l = event_log_new(path, 0);
	unsigned int i;

	forget();
	ok(event_log_tick(l, 0) == -1, "at rest nothing is due");
	for (i = 0; i < 600; i++) {
		tell(l, denial(1, 9), 1000 + i * 100);
		hear(fd);
	}
	ok(entries == TALLY_TOLD, "of a burst %u entries are written", entries);
	ok(event_log_tick(l, MINUTE) == 1000, "the others are due when the minute is over");
	ok(event_log_tick(l, MINUTE + 1000) == -1, "and no more is then");
	hear(fd);
	ok(entries == TALLY_TOLD + 1, "they are one entry");
	ok(has(-1, "MESSAGE", "device cam1: 5950 more segment_violation in the last minute"), "with their number");
	ok(has(-1, "MESSAGE_ID", JOURNAL_MORE) && has(-1, "CORDON_DEVICE", "cam1") && has(-1, "CORDON_COUNT", "5950") &&
	   has(-1, "CORDON_ANOMALY", "segment_violation"), "and fields");
	ok(sum() == 6000, "none is counted twice, or not at all: %llu", sum());
	forget();
	tell(l, denial(1, 0), 2 * MINUTE);
	hear(fd);
	ok(entries == 1 && has(0, "MESSAGE_ID", JOURNAL_ANOMALY), "after that it is told again");
	event_log_free(l, 2 * MINUTE);
	hear(fd);
	ok(entries == 1, "and a single one leaves nothing to tell");
}

static void test_end(int fd)
{
	struct event_log *l = event_log_new(path, 0);
	unsigned int i;

	forget();
	for (i = 0; i < 7; i++)
		tell(l, denial(1, 0), 0);
	event_log_free(l, 12000);
	hear(fd);
	ok(has(-1, "MESSAGE", "device cam1: 2 more segment_violation in the last 12 s") && sum() == 7,
	   "at the end, what is left is told");
}

/* Devices and kinds have counts of their own; strangers have one together. */
static void test_apart(int fd)
{
	struct event_log *l = event_log_new(path, 0);
	struct cnl_event e = denial(2, 0);
	unsigned int i;

	forget();
	for (i = 0; i < TALLY_TOLD + 1; i++)
		tell(l, denial(1, 0), 0);
	hear(fd);
	tell(l, e, 0);
	e.anomaly.kind = CORDON_KIND_SCAN;
	tell(l, e, 0);
	hear(fd);
	ok(entries == TALLY_TOLD + 2, "who has sent too much silences nobody else");
	forget();
	for (i = 0; i < 100; i++) {
		e = denial(i, 0);
		e.anomaly.kind = CORDON_KIND_UNKNOWN_DEVICE;
		e.anomaly.name[0] = 0;
		tell(l, e, 0);
		hear(fd);
	}
	event_log_tick(l, MINUTE);
	hear(fd);
	ok(entries == TALLY_TOLD + 2, "a hundred forged MACs are one");
	ok(has(-1, "MESSAGE", "unknown devices: 95 more unknown_device in the last minute"), "which is said");
	event_log_free(l, MINUTE);
}

/* More devices than are told apart: none is lost, and the memory is what it was. */
static void test_many(int fd)
{
	struct event_log *l = event_log_new(path, 0);
	unsigned int i, all = 3 * TALLY_KEYS;
	struct cnl_event e;

	forget();
	for (i = 0; i < all; i++) {
		e = denial(1, 1);
		e.anomaly.mac[3] = i >> 8;
		e.anomaly.mac[4] = i;
		tell(l, e, 0);
		if (i % 8 == 7)
			hear(fd);
	}
	ok(entries == TALLY_KEYS, "of %u devices, %u are told", all, entries);
	event_log_tick(l, MINUTE);
	hear(fd);
	ok(entries == TALLY_KEYS + 1 && has(-1, "CORDON_COUNT", "4096") && sum() == 2ULL * all, "the rest in one sum: %s",
	   field(-1, "MESSAGE"));
	event_log_free(l, MINUTE);
}

/* A device that changes its state all the time; its quarantine is told in any case. */
static void test_flapping(int fd)
{
	struct event_log *l = event_log_new(path, 0);
	unsigned int i;

	forget();
	for (i = 0; i < 50; i++) {
		tell(l, device(i % 2 ? CORDON_STATE_OUTDATED : CORDON_STATE_ACTIVE), i);
		hear(fd);
	}
	ok(entries == TALLY_TOLD, "changes of state are limited, too");
	tell(l, device(CORDON_STATE_QUARANTINED), 60);
	hear(fd);
	ok(entries == TALLY_TOLD + 1 && has(-1, "CORDON_STATE", "quarantined"), "a quarantine is not");
	event_log_tick(l, MINUTE);
	hear(fd);
	ok(has(-1, "MESSAGE", "device cam1: 45 more changes of state in the last minute"), "the others are summed up");
	event_log_free(l, MINUTE);
}

static void test_hostile(int fd)
{
	static const char bad[] = "a\nPRIORITY=0\nMESSAGE=\x1b[2J\xff\\";
	struct event_log *l = event_log_new(path, 0);
	struct cnl_event e = denial(1, 0);
	size_t i;

	forget();
	strcpy(e.anomaly.server, bad);
	tell(l, e, 0);
	memset(e.anomaly.server, '\n', sizeof(e.anomaly.server) - 1);
	tell(l, e, 0);
	hear(fd);
	ok(has(0, "CORDON_SERVER_NAME", "a\\x0aPRIORITY=0\\x0aMESSAGE=\\x1b[2J\\xff\\\\"), "a name that is none is escaped");
	ok(has(0, "PRIORITY", "5"), "and begins no field");
	for (i = 0; i < heard_len && (heard[i] == '\n' || !heard[i] || (heard[i] >= ' ' && heard[i] < 0x7f)); i++)
		;
	ok(i == heard_len, "nothing but text is written");
	ok(entries == 2 && has(1, "CORDON_COUNT", "1"), "a long one leaves the other fields as they are");
	event_log_free(l, 0);
}

/* The journal takes nothing for a while. */
static void test_stuck(int fd)
{
	struct event_log *l = event_log_new(path, 0);
	unsigned int i, n = 0;

	forget();
	for (i = 0; i < 4000; i++)
		tell(l, denial(i % 200, 0), 0);
	for (i = 0; i < 11; i++)
		tell(l, device(i % 2 ? CORDON_STATE_ACTIVE : CORDON_STATE_QUARANTINED), 0);
	hear(fd);
	ok(entries > 0 && entries < 1000, "a journal that takes nothing for a while gets %u entries", entries);
	for (i = 1; event_log_tick(l, i * MINUTE) >= 0 && i < 1000; i++)
		hear(fd);
	tell(l, device(CORDON_STATE_QUARANTINED), i * MINUTE);
	hear(fd);
	for (i = 0; i < entries; i++)
		if (!strcmp(field(i, "MESSAGE_ID"), JOURNAL_LOST))
			n = strtoul(field(i, "CORDON_COUNT"), NULL, 10);
	ok(n == 6, "quarantines that it did not take are told by their number: %u", n);
	for (i = 0, n = 0; i < entries; i++)
		if (*field(i, "CORDON_ANOMALY"))
			n += strtoul(field(i, "CORDON_COUNT"), NULL, 10);
	ok(n == 4000, "and denials are summed up later, all of them: %u", n);
	event_log_free(l, 0);
}

/* Of a device at another port than its own: these are named. */
static void test_moved(void)
{
	struct cnl_event e = denial(1, 0);
	char text[EVENT_TEXT_LEN];

	e.anomaly.kind = CORDON_KIND_MOVED_PORT;
	ok(strstr(event_anomaly_text(&e, text), "cam1 (02:00:00:00:01:01): 10.0.20.11 -> "), "moved, of no port: %s", text);
	e.anomaly.ports = (struct cnl_ports){ 1, { "lan0" } };
	ok(strstr(event_anomaly_text(&e, text), "(02:00:00:00:01:01), not on its port lan0: 10.0.20.11 -> "),
	   "of one port: %s", text);
	e.anomaly.ports = (struct cnl_ports){ 3, { "lan0", "lan1", "wlan0" } };
	ok(strstr(event_anomaly_text(&e, text), "(02:00:00:00:01:01), not on its ports lan0, lan1, wlan0: 10.0.20.11 -> "),
	   "of several: %s", text);
}

static struct cnl_event binding(u8 last, u32 address, u32 lease)
{
	struct cnl_event e = { .cmd = CORDON_CMD_BINDING_NTF };

	e.binding.addr = cordon_addr_v4(address);
	memcpy(e.binding.mac, cam, 6);
	e.binding.mac[5] = last;
	snprintf(e.binding.name, sizeof(e.binding.name), "cam%u", last);
	e.binding.origin = CORDON_ORIGIN_DHCP;
	e.binding.ends = lease;
	e.binding.lease = lease;
	return e;
}

static void test_binding(int fd)
{
	struct event_log *l = event_log_new(path, 0);
	char text[EVENT_TEXT_LEN];
	struct cnl_event e;
	u32 i;

	forget();
	tell(l, binding(1, 0x0a00140b, 3600), 0);
	hear(fd);
	ok(entries == 1 && has(-1, "MESSAGE", "address 10.0.20.11: bound to cam1 (02:00:00:00:01:01) by DHCP, for 3600 s") &&
	   has(-1, "MESSAGE_ID", JOURNAL_BINDING) && has(-1, "PRIORITY", "6") && has(-1, "CORDON_DEVICE", "cam1") &&
	   has(-1, "CORDON_MAC", "02:00:00:00:01:01") && has(-1, "CORDON_ADDRESS", "10.0.20.11") &&
	   has(-1, "CORDON_ORIGIN", "dhcp"), "a learned address");
	tell(l, binding(1, 0x0a00140b, 3600), 1000);
	hear(fd);
	ok(entries == 1, "that its lease was renewed is no news");
	tell(l, binding(2, 0x0a00140b, 3600), 1000);
	hear(fd);
	ok(entries == 2 && has(-1, "CORDON_DEVICE", "cam2"), "that another device has it is");
	e = binding(2, 0x0a00140b, 0);
	e.binding.ends = true;
	tell(l, e, 1000);
	hear(fd);
	ok(entries == 3 && has(-1, "MESSAGE", "address 10.0.20.11: no longer bound to cam2 (02:00:00:00:01:02)"),
	   "that it has ended");
	tell(l, binding(2, 0x0a00140b, 3600), 1000);
	hear(fd);
	ok(entries == 4 && !!strstr(field(-1, "MESSAGE"), ": bound to cam2"), "and that it is bound again");
	forget();
	for (i = 0; i < 100; i++)
		tell(l, binding(3, 0x0a010000 + i, 0), 2000);
	event_log_tick(l, 2000 + MINUTE);
	hear(fd);
	ok(entries == 6 && has(-1, "MESSAGE_ID", JOURNAL_MORE) && has(-1, "CORDON_COUNT", "95") &&
	   has(-1, "MESSAGE", "device cam3: 95 more addresses bound or ended in the last minute") && !*field(-1, "CORDON_ANOMALY"),
	   "a device with many: five are told, and how many more");
	event_log_free(l, 0);
	e = binding(1, 0x0a00140b, 0);
	e.binding.origin = CORDON_ORIGIN_ND;
	ok(!strcmp(event_binding_text(&e.binding, text),
		   "address 10.0.20.11: bound to cam1 (02:00:00:00:01:01) by neighbour discovery"), "one without an end");
	e.binding.origin = 99;
	ok(!!strstr(event_binding_text(&e.binding, text), " by unknown"), "one by something newer");
}

static void test_none(void)
{
	char *said = NULL;
	size_t len = 0;
	struct journal j;
	struct journal_entry e;
	FILE *out = open_memstream(&said, &len);

	journal_open(&j, "/nonexistent/socket", 0);
	j.plain = out;
	journal_begin(&e, 4, JOURNAL_STATE, "device %s: quarantined", "c\nam");
	journal_add(&e, "CORDON_DEVICE", "cam");
	ok(!journal_send(&j, &e), "without a journal");
	fclose(out);
	ok(!strcmp(said, "cordon: device c\\x0aam: quarantined\n"), "it is one plain line");
	free(said);
	journal_close(&j);
}

int main(void)
{
	int fd;

	if (!mkdtemp(dir))
		return 2;
	fd = journal();
	test_fields(fd);
	test_states(fd);
	test_policy(fd);
	test_burst(fd);
	test_end(fd);
	test_apart(fd);
	test_many(fd);
	test_flapping(fd);
	test_hostile(fd);
	test_stuck(fd);
	test_moved();
	test_binding(fd);
	test_none();
	close(fd);
	tree_remove(dir);
	return tap_done();
}
