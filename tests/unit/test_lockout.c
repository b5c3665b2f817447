// SPDX-License-Identifier: GPL-2.0
/* From which session a command was called, and whether a policy cuts it off. */
#include <ftw.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "host/lockout.h"
#include "lib/file.h"
#include "lib/yaml.h"
#include "tap.h"

static char root[] = "/tmp/cordon-lockout.XXXXXX";

static void put(pid_t pid, const char *name, const char *text, size_t len)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/proc/%d", root, pid);
	file_make_dirs(path, 0755);
	snprintf(path, sizeof(path), "%s/proc/%d/%s", root, pid, name);
	if (file_write(path, text, len, 0644))
		abort();
}

/* A process, with what proc(5) says of it; @ssh may be NULL. */
static void process(pid_t pid, const char *name, pid_t parent, pid_t session, int terminal, const char *ssh)
{
	char text[512], env[512] = "HOME=/root\0PATH=/bin";
	size_t len = sizeof("HOME=/root\0PATH=/bin");

	snprintf(text, sizeof(text), "%d (%s) S %d %d %d %d -1 4194560 0 0\n", pid, name, parent, pid, session, terminal);
	put(pid, "stat", text, strlen(text));
	if (ssh)
		len += snprintf(env + len, sizeof(env) - len, "SSH_CONNECTION=%s", ssh) + 1;
	put(pid, "environ", env, len);
}

static struct host_caller caller(pid_t pid)
{
	struct host_caller c;

	host_caller_find(root, pid, &c);
	return c;
}

static bool same(pid_t a, pid_t b)
{
	struct host_caller one = caller(a), other = caller(b);

	return host_caller_same(&one, &other);
}

#define SSH1 "10.0.99.7 50000 10.0.99.1 22"
#define SSH2 "10.0.99.7 50001 10.0.99.1 22"

static void test_caller(void)
{
	process(10, "sshd", 1, 10, 0, NULL);
	/* One connection: sshd, bash, sudo, its monitor in a session of its own, the command. */
	process(20, "sshd) S 1 1 (x", 10, 20, 0, NULL);
	process(21, "bash", 20, 21, 1, SSH1);
	process(22, "sudo", 21, 21, 1, SSH1);
	process(23, "sudo", 22, 23, 2, NULL);
	process(24, "cordonctl", 23, 23, 2, NULL);
	process(25, "sudo", 21, 21, 1, NULL);
	process(26, "cordonctl", 25, 26, 3, NULL);
	/* Another connection of the same user. */
	process(31, "bash", 20, 31, 4, SSH2);
	process(32, "cordonctl", 31, 31, 4, NULL);
	/* Consoles, and a script of a service. */
	process(41, "bash", 1, 41, 5, NULL);
	process(42, "cordonctl", 41, 41, 5, NULL);
	process(43, "cordonctl", 41, 41, 5, NULL);
	process(51, "bash", 1, 51, 6, NULL);
	process(52, "cordonctl", 51, 51, 6, NULL);
	process(61, "cron", 1, 61, 0, NULL);
	process(62, "sh", 61, 62, 0, NULL);
	process(63, "cordonctl", 62, 62, 0, NULL);
	process(64, "cordonctl", 62, 62, 0, NULL);
	process(65, "sh", 61, 65, 0, NULL);

	ok(!strcmp(caller(21).ssh, SSH1), "a shell under SSH: its connection");
	ok(!strcmp(caller(24).ssh, SSH1), "under sudo: the connection of a process above it");
	ok(caller(24).n == 2, "under sudo: both sessions");
	ok(!caller(42).ssh[0], "a console: no connection");
	ok(!caller(63).ssh[0] && caller(63).n == 1, "a script without a terminal: its own session only");
	ok(!caller(99).n, "a process that is gone: nothing");
	ok(same(24, 26), "two commands under sudo, in one terminal: the same");
	ok(same(42, 43), "two commands in one console: the same");
	ok(same(63, 64), "two commands in one script: the same");
	ok(!same(24, 32), "two connections: not the same");
	ok(!same(42, 52), "two consoles: not the same");
	ok(!same(63, 65), "two scripts: not the same");
	ok(!same(99, 98), "nothing is known of both: not the same");
}

static void test_parse(void)
{
	static const char *const bad[] = {
		"", "10.0.99.7", "10.0.99.7 1 10.0.99.1", "x 1 10.0.99.1 22", "10.0.99.7 1 y 22", "10.0.99.7 1 10.0.99.1 0",
		"10.0.99.7 1 10.0.99.1 65536", "10.0.99.7 1 10.0.99.1 22 more", "fe80::7%012345678901234567 1 fe80::1 22",
		"fe80::7% 1 fe80::1 22",
	};
	struct host_ssh s;
	char text[POLICY_ADDR_LEN];
	size_t i;

	ok(host_ssh_parse(SSH1, &s) && s.port == 22 && !strcmp(policy_addr_text(&s.client, text), "10.0.99.7") && !s.link[0],
	   "SSH_CONNECTION, IPv4");
	ok(host_ssh_parse("fd00::7 50000 fd00::1 2222", &s) && s.port == 2222 &&
	   !strcmp(policy_addr_text(&s.client, text), "fd00::7"), "SSH_CONNECTION, IPv6");
	ok(host_ssh_parse("::ffff:10.0.99.7 50000 ::ffff:10.0.99.1 22", &s) &&
	   !strcmp(policy_addr_text(&s.client, text), "10.0.99.7"), "SSH_CONNECTION, IPv4 in IPv6");
	ok(host_ssh_parse("fe80::7%lan0 50000 fe80::1%lan0 22", &s) && !strcmp(s.link, "lan0"),
	   "SSH_CONNECTION, link-local: the interface");
	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		ok(!host_ssh_parse(bad[i], &s), "SSH_CONNECTION: refused: '%s'", bad[i]);
}

static struct policy *load(const char *mode, const char *more)
{
	char path[128], text[2048];
	struct policy *p;

	snprintf(path, sizeof(path), "%s/policy.yaml", root);
	snprintf(text, sizeof(text), "version: 1\nmode: %s\nports: [lan0]\nuplinks: [wan0, wg0]\nsegments:\n"
		 "  iot: {authentication: certificate, encryption: TLS1.3}\n"
		 "  desk: {encryption: any}\n"
		 "  admin: {networks: [10.0.99.0/24], interfaces: [wan0]}\n"
		 "  wan: {networks: [0.0.0.0/0, \"::/0\"]}\n"
		 "rules:\n  - {from: admin, to: gateway, allow: [tcp/22]}\n"
		 "  - {from: desk, to: gateway, allow: [tcp/22]}\n"
		 "  - {from: iot, to: gateway, allow: [tcp/22]}\n%s"
		 "devices:\n  - {name: cam, mac: \"02:00:00:00:01:01\", network_segment: iot, addresses: [10.0.20.11]}\n"
		 "  - {name: pc, mac: \"02:00:00:00:01:02\", network_segment: desk, addresses: [10.0.20.12]}\n", mode, more);
	if (file_write(path, text, strlen(text), 0644) || policy_load(path, &p, stderr))
		abort();
	return p;
}

static void session(struct lockout *l, const char *ssh, const char *link, const char *why)
{
	char said[LOCKOUT_WHY_LEN] = "";
	struct host_ssh s;
	bool lost = host_ssh_parse(ssh, &s) && lockout_session(l, &s, link, said);

	ok(why ? lost && strstr(said, why) : !lost, "%s by %s: %s", ssh, link, why ? why : "keeps its way in");
	if (why ? !strstr(said, why) : lost)
		printf("# %s\n", said);
}

static void test_session(void)
{
	static const u8 active[] = { CORDON_STATE_ACTIVE, CORDON_STATE_ACTIVE },
			quarantined[] = { CORDON_STATE_ACTIVE, CORDON_STATE_QUARANTINED };
	struct policy *p = load("enforce", "");
	struct lockout l;

	ok(!lockout_new(p, NULL, &l), "a policy is made ready");
	session(&l, SSH1, "wan0", NULL);
	session(&l, SSH1, "lo", NULL);
	session(&l, "10.0.99.7 50000 10.0.99.1 2222", "wan0", "no rule opens it (from segment admin to gateway)");
	session(&l, SSH1, "wg0", "the source address is not the sender's");
	session(&l, SSH1, "eth9", "the policy does not list the interface");
	session(&l, "198.51.100.7 50000 10.0.99.1 22", "wan0", "no rule opens it (from segment wan to gateway)");
	session(&l, "2001:db8::7 50000 2001:db8::1 22", "wan0", "no rule opens it (from segment wan to gateway)");
	session(&l, "fe80::7%wan0 50000 fe80::1%wan0 22", "wan0", NULL);
	session(&l, "10.0.20.12 50000 10.0.20.1 22", "lan0", NULL);
	session(&l, "10.0.20.12 50000 10.0.20.1 22", "wan0", "the source address is not the sender's");
	session(&l, "10.0.20.99 50000 10.0.20.1 22", "lan0", "its sender is no device of the policy");
	session(&l, "10.0.20.11 50000 10.0.20.1 22", "lan0", "the device has no lease");
	lockout_free(&l);

	ok(!lockout_new(p, active, &l), "with states");
	session(&l, "10.0.20.11 50000 10.0.20.1 22", "lan0", "segment iot demands TLS, which SSH is not");
	lockout_free(&l);
	ok(!lockout_new(p, quarantined, &l), "with a quarantine");
	session(&l, "10.0.20.12 50000 10.0.20.1 22", "lan0", "(from segment quarantine to gateway)");
	lockout_free(&l);
	policy_free(p);
}

/* What comes in by a bridge comes in on one of its members. */
static void test_bridge(void)
{
	struct host_link links[] = {
		{ .name = "br0", .kind = HOST_BRIDGE }, { .name = "eth7", .master = "br0" }, { .name = "lan0", .master = "br0" },
		{ .name = "br1", .kind = HOST_BRIDGE }, { .name = "eth8", .master = "br1" }, { .name = "wan0" },
		{ .name = "br0.20", .kind = HOST_VLAN, .below = "br0" }, { .name = "wan0.7", .kind = HOST_VLAN, .below = "wan0" },
	};
	const struct host_facts f = { .links = links, .n_links = sizeof(links) / sizeof(*links) };
	const struct cordon_addr pc = cordon_addr_v4(0x0a00140c);
	struct policy *p = load("enforce", "");
	struct lockout l;
	u32 i;

	ok(!lockout_new(p, NULL, &l), "a policy of ports in a bridge");
	ok(!strcmp(lockout_port(l.sealed, &f, "br0", &pc), "lan0"), "a bridge: by its member that is a port");
	ok(!strcmp(lockout_port(l.sealed, &f, "br1", &pc), "br1"), "a bridge without ports: as itself");
	ok(!strcmp(lockout_port(l.sealed, &f, "wan0", &pc), "wan0"), "an uplink: as itself");
	session(&l, "10.0.20.12 50000 10.0.20.1 22", lockout_port(l.sealed, &f, "br0", &pc), NULL);
	session(&l, "10.0.20.12 50000 10.0.20.1 22", lockout_port(l.sealed, &f, "br1", &pc),
		"the policy does not list the interface");
	ok(!strcmp(lockout_port(l.sealed, &f, "br0.20", &pc), "lan0"), "a VLAN of a bridge: by a member of that");
	ok(!strcmp(lockout_port(l.sealed, &f, "wan0.7", &pc), "wan0.7"), "a VLAN of something else: as itself");
	lockout_free(&l);
	/* pc is in a VLAN of its port. */
	for (i = 0; i < p->draft.n_devices; i++) {
		p->draft.devices[i].port = policy_find_port(p, "lan0");
		p->draft.devices[i].vlan = 20;
	}
	ok(!lockout_new(p, NULL, &l), "a policy of devices in VLANs");
	session(&l, "10.0.20.12 50000 10.0.20.1 22", lockout_port(l.sealed, &f, "br0.20", &pc), NULL);
	session(&l, "10.0.20.12 50000 10.0.20.1 23", "lan0", "no rule opens it");
	session(&l, "10.0.20.12 50000 10.0.20.1 22", "br1", "the policy does not list the interface");
	lockout_free(&l);
	policy_free(p);
	p = load("enforce", "");
	strcpy(policy_add_port(p)->name, "lan1");
	strcpy(policy_add_port(p)->name, "eth7");
	strcpy(policy_add_port(p)->name, "lan2");
	ok(!lockout_new(p, NULL, &l) && !strcmp(lockout_port(l.sealed, &f, "br0", &pc), "eth7"), "tied to none: by the first");
	lockout_free(&l);
	cordon_device_add_port(&p->draft.devices[1], 3);
	cordon_device_add_port(&p->draft.devices[1], 0);
	ok(!lockout_new(p, NULL, &l) && !strcmp(lockout_port(l.sealed, &f, "br0", &pc), "lan0"),
	   "tied to several: by the one that is there");
	lockout_free(&l);
	policy_free(p);
}

static void test_service(void)
{
	char why[LOCKOUT_WHY_LEN];
	struct policy *p = load("enforce", "");
	struct lockout l;

	ok(!lockout_new(p, NULL, &l), "a policy with devices that must enrol");
	ok(!lockout_service(&l, 8443, why) && !lockout_service(&l, 8883, why), "the ports of serve are open to them");
	ok(lockout_service(&l, 9443, why) && strstr(why, "from segment onboarding to gateway"), "another port is not");
	lockout_free(&l);
	policy_free(p);
	p = load("enforce", "  - {from: onboarding, to: gateway, allow: [tcp/9443]}\n");
	ok(!lockout_new(p, NULL, &l) && !lockout_service(&l, 9443, why), "unless a rule opens it");
	lockout_free(&l);
	p->draft.n_devices = 0;
	p->draft.n_addresses = 0;
	ok(!lockout_new(p, NULL, &l) && !lockout_service(&l, 9999, why), "nobody loses what nobody has");
	lockout_free(&l);
	policy_free(p);
}

static int drop(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st;
	(void)type;
	(void)at;
	return remove(path);
}

int main(void)
{
	if (!mkdtemp(root))
		return 1;
	test_caller();
	test_parse();
	test_session();
	test_bridge();
	test_service();
	nftw(root, drop, 16, FTW_DEPTH | FTW_PHYS);
	return tap_done();
}
