// SPDX-License-Identifier: GPL-2.0
/* doctor: what is guarded and what is not, and what mends it. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timex.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "ctl/ctl.h"
#include "host/facts.h"
#include "host/health.h"
#include "host/holder.h"
#include "host/lockout.h"
#include "lib/diff.h"
#include "lib/machine.h"
#include "lib/yaml.h"
#include "pki/pki.h"
#include "serve/common/serve.h"

#define POLICY		"/etc/cordon/policy.yaml"
#define BUILT		1735689600	/* 2025-01-01: a clock before that is wrong */
#define INTERFACES	20		/* that are told one by one */

/** enum finding - whether something is as it should be */
enum finding { GOOD, OPEN, UNKNOWN };

static const char * const states[] = { "ok", "open", "unknown" };

/**
 * struct doctor - one call
 * @root: where /sys, /proc, /lib and /etc lie, in place of /
 * @path: of the policy
 * @json: the answer is JSON
 * @list: it, as it grows
 * @open: how much is
 * @asked: the kernel answered; what follows is its
 * @nl: connection to it
 * @summary: of what is in force
 * @kernel: its policy, or NULL
 * @runtime: of that
 * @config: serve.yaml, or NULL
 */
struct doctor {
	const char *root;
	const char *path;
	bool json;
	json_t *list;
	unsigned int open;
	bool asked;
	struct cnl nl;
	struct cnl_summary summary;
	struct policy *kernel;
	struct cnl_runtime runtime;
	struct serve_config *config;
};

/* @mend: a command, or what to do; NULL, nothing is to be done. */
__attribute__((format(printf, 5, 6)))
static void say(struct doctor *d, enum finding state, const char *check, const char *mend, const char *fmt, ...)
{
	char text[512];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	d->open += state == OPEN;
	if (d->json) {
		json_array_append_new(d->list, json_pack("{s:s,s:s,s:o,s:o}", "check", check, "state", states[state], "text",
							 json_text(text), "mend", mend ? json_text(mend) : json_null()));
		return;
	}
	printf("%-8s%-14s%s\n", state == OPEN ? "OPEN" : states[state], check, text);
	if (mend)
		printf("%22s-> %s\n", "", mend);
}

/* Each line that something prints is a finding. */
static void say_lines(struct doctor *d, const char *check, const char *mend, char *lines)
{
	char *line, *text;

	while ((line = strsep(&lines, "\n"))) {
		text = strstr(line, "warning: ");
		if (*line)
			say(d, OPEN, check, mend, "%s", text ? text + strlen("warning: ") : line);
	}
}

static void check_module(struct doctor *d)
{
	struct utsname running;
	char next[HOST_RELEASE_LEN], mend[256];
	bool loaded = host_has(d->root, "/sys/module/cordon");

	if (uname(&running))
		return;
	if (loaded)
		say(d, GOOD, "module", NULL, "loaded");
	else
		say(d, OPEN, "module", "cordonctl module load", "not loaded: nothing is guarded");
	if (host_module_is_there(d->root, running.release))
		say(d, GOOD, "kernel", NULL, "the module is installed for the kernel that runs (%s)", running.release);
	else
		say(d, OPEN, "kernel", "install cordon-dkms and the kernel's headers, or: make install",
		    "the module is not installed for the kernel that runs (%s)", running.release);
	if (!host_newest_kernel(d->root, next) || !strcmp(next, running.release))
		return;
	snprintf(mend, sizeof(mend), "apt-get install linux-headers-%s && dkms autoinstall -k %s", next, next);
	if (host_module_is_there(d->root, next))
		say(d, GOOD, "next kernel", NULL, "the module is installed for %s, too", next);
	else
		say(d, OPEN, "next kernel", mend, "%s has no module: nothing is guarded once it is booted", next);
}

static void check_secure_boot(struct doctor *d)
{
	struct utsname running;
	enum host_signed is;

	if (!host_secure_boot(d->root)) {
		say(d, GOOD, "Secure Boot", NULL, "off, or not known here: modules need no signature");
		return;
	}
	is = uname(&running) ? HOST_SIGNED_UNKNOWN : host_module_is_signed(d->root, running.release);
	if (is == HOST_UNSIGNED)
		say(d, OPEN, "Secure Boot", "mokutil --import /var/lib/dkms/mok.pub, reboot and enrol it, dkms install --force",
		    "on, and the module has no signature: it cannot be loaded");
	else
		say(d, is == HOST_SIGNED ? GOOD : UNKNOWN, "Secure Boot", NULL, is == HOST_SIGNED ?
		    "on, and the module is signed" : "on; whether the module is signed cannot be seen");
}

static void check_policy(struct doctor *d)
{
	const struct cnl_summary *s = &d->summary;

	if (!s->in_force)
		say(d, OPEN, "policy", "cordonctl apply --confirm 5m " POLICY, "none is in force: %s",
		    s->lockdown ? "nothing is forwarded" : "everything passes");
	else if (s->awaiting)
		say(d, OPEN, "policy", "cordonctl confirm", "it ends in %u s unless it is confirmed", s->confirm);
	else
		say(d, GOOD, "policy", NULL, "generation %u is in force", s->generation);
	if (s->in_force && s->mode == CORDON_MODE_OBSERVE)
		say(d, OPEN, "mode", "set mode: enforce in " POLICY ", then cordonctl apply --confirm 5m " POLICY,
		    "observe: what is not allowed is counted, and passes");
	else if (s->in_force)
		say(d, GOOD, "mode", NULL, "enforce");
	if (s->lockdown || host_unit_is_enabled(d->root, "cordon.service"))
		say(d, GOOD, "lockdown", NULL, "nothing is forwarded before the first policy");
	else
		say(d, OPEN, "lockdown", "echo options cordon lockdown=1 >/etc/modprobe.d/cordon.conf",
		    "the module was loaded without: before the first policy everything passes");
}

static void say_interface(struct doctor *d, const struct cnl_interface *i)
{
	char why[128], name[CORDON_IFNAME_LEN];

	interface_why(i, why, sizeof(why));
	host_clean(i->name, name);
	if (!i->ifindex)
		say(d, OPEN, "interfaces", "bring it up, or take it out of the policy", "%s %s is missing",
		    i->listed == CORDON_ROLE_PORT ? "port" : "uplink", name);
	else if (i->closed == CORDON_CLOSED_SWITCH)
		say(d, OPEN, "interfaces", "give each member a network of its own: ip link set MEMBER nomaster",
		    "%s is closed: %s", name, why);
	else if (i->closed == CORDON_CLOSED_NOT_LISTED)
		say(d, OPEN, "interfaces", "list it under ports or uplinks, or: ip link set INTERFACE down", "%s is closed: %s",
		    name, why);
	else
		say(d, OPEN, "interfaces", "cordonctl show interfaces; see cordon(4), An interface", "%s is closed: %s", name, why);
}

static void check_interfaces(struct doctor *d)
{
	struct cnl_interfaces all;
	unsigned int n = 0;
	u32 i;

	if (cnl_interfaces(&d->nl, &all))
		return;
	for (i = 0; i < all.n; i++) {
		const struct cnl_interface *one = &all.list[i];
		bool odd = !one->ifindex ||
			   (one->closed != CORDON_CLOSED_NONE && (one->up || one->listed != CORDON_ROLE_UNLISTED));

		if (odd && n++ < INTERFACES)
			say_interface(d, one);
	}
	if (n > INTERFACES)
		say(d, OPEN, "interfaces", "cordonctl show interfaces", "and %u more", n - INTERFACES);
	else if (!n)
		say(d, GOOD, "interfaces", NULL, "each is a port or an uplink, and none is missing");
	cnl_interfaces_free(&all);
}

/* What switches between its members by itself is seen by nobody. */
static void check_bridges(struct doctor *d)
{
	struct host_facts f;
	char name[CORDON_IFNAME_LEN];
	unsigned int n = 0;
	u32 i;

	if (host_facts_read(d->root, &f)) {
		say(d, UNKNOWN, "bridges", NULL, "the interfaces cannot be listed");
		return;
	}
	for (i = 0; i < f.n_links; i++)
		if (f.links[i].kind == HOST_BRIDGE && !f.links[i].made) {
			n++;
			say(d, OPEN, "bridges", "give each member a network of its own: ip link set MEMBER nomaster",
			    "%s: what its members send one another is not judged", host_clean(f.links[i].name, name));
		}
	if (!n)
		say(d, GOOD, "bridges", NULL, "none but those of containers and guests");
	host_facts_free(&f);
	if (host_number(d->root, "/proc/sys/net/bridge/bridge-nf-call-iptables") > 0)
		say(d, GOOD, "br_netfilter", NULL, "on: it changes nothing of what is judged");
	else
		say(d, GOOD, "br_netfilter", NULL, "off");
	if (host_has(d->root, "/sys/module/nf_flow_table"))
		say(d, GOOD, "offload", NULL, "flow tables are in use; connections of devices are kept out of them");
	else
		say(d, GOOD, "offload", NULL, "no flow tables");
}

static void check_clock(struct doctor *d)
{
	struct timex t = { .modes = 0 };
	int state = adjtimex(&t);

	if (time(NULL) < BUILT)
		say(d, OPEN, "clock", "date --set=...; systemctl enable --now systemd-timesyncd",
		    "it is years behind: certificates and leases do not hold");
	else if (state == TIME_ERROR)
		say(d, OPEN, "clock", "systemctl enable --now systemd-timesyncd",
		    "nothing keeps it right: certificates end and leases are restored by it");
	else
		say(d, state < 0 ? UNKNOWN : GOOD, "clock", NULL, "%s", state < 0 ? strerror(errno) : "synchronised");
}

static void check_source(struct doctor *d, const struct policy *file)
{
	char *lines = NULL;
	size_t size;
	FILE *out = open_memstream(&lines, &size);

	if (!out)
		return;
	machine_compare_source(file, d->path, out);
	if (fclose(out))
		return;
	if (*lines)
		say_lines(d, "rp_filter", "name the segment's interfaces, or: sysctl net.ipv4.conf.all.rp_filter=1", lines);
	else
		say(d, GOOD, "rp_filter", NULL, "on, or not needed: segments name the interfaces of their networks");
	free(lines);
}

/* The file, the same as what runs: that is what the next start brings. */
static void check_file(struct doctor *d)
{
	FILE *unused = fopen("/dev/null", "w");
	struct policy_diff diff;
	struct policy *file;
	char mend[512];
	int faults = unused ? policy_load(d->path, &file, unused) : 1;

	if (unused)
		fclose(unused);
	snprintf(mend, sizeof(mend), access(d->path, F_OK) ? "cordonctl setup" : "cordonctl check %s", d->path);
	if (faults) {
		say(d, OPEN, "file", mend, "%s: %s", d->path, access(d->path, F_OK) ? "there is none" : "it is no good policy");
		return;
	}
	check_source(d, file);
	if (!d->kernel || !d->summary.in_force) {
		say(d, GOOD, "file", NULL, "%s is a good policy", d->path);
	} else if (!policy_diff(d->kernel, file, &diff)) {
		snprintf(mend, sizeof(mend), "cordonctl diff %s; then apply it, or: cordonctl show policy >%s", d->path, d->path);
		if (diff.n)
			say(d, OPEN, "file", mend, "%s differs from the policy in force: the next start would undo %zu changes",
			    d->path, diff.n);
		else
			say(d, GOOD, "file", NULL, "%s is the policy in force", d->path);
		policy_diff_free(&diff);
	}
	policy_free(file);
}

static void check_unit(struct doctor *d, const char *unit, const char *what)
{
	char mend[128];

	snprintf(mend, sizeof(mend), "systemctl enable --now %s", unit);
	if (!host_unit_is_there(d->root, unit))
		say(d, OPEN, "units", "install the package, or: make install", "%s is not installed: %s", unit, what);
	else if (!host_unit_is_enabled(d->root, unit))
		say(d, OPEN, "units", mend, "%s is not enabled: %s", unit, what);
	else
		say(d, GOOD, "units", NULL, "%s is enabled", unit);
}

/* Some device has to prove itself, so that it needs the server. */
static bool needs_server(const struct policy *p)
{
	u32 i;

	for (i = 0; p && i < p->draft.n_devices; i++) {
		const struct cordon_device_def *v = &p->draft.devices[i];

		if (v->authentication == CORDON_AUTHENTICATION_CERTIFICATE ||
		    p->draft.segments[v->segment].authentication == CORDON_AUTHENTICATION_CERTIFICATE)
			return true;
	}
	return false;
}

static u16 port_of(const struct sockaddr_storage *at)
{
	return ntohs(at->ss_family == AF_INET6 ? ((const struct sockaddr_in6 *)at)->sin6_port :
		     ((const struct sockaddr_in *)at)->sin_port);
}

static void check_port(struct doctor *d, const struct lockout *l, const char *setting, const struct serve_listen *at)
{
	char why[LOCKOUT_WHY_LEN], mend[128];
	size_t i;

	for (i = 0; i < at->n; i++) {
		snprintf(mend, sizeof(mend), "a rule {from: onboarding, to: gateway, allow: [tcp/%u]}", port_of(&at->at[i]));
		if (lockout_service(l, port_of(&at->at[i]), why))
			say(d, OPEN, "serve", mend, "devices do not get to its port %u (%s): %s", port_of(&at->at[i]), setting, why);
	}
}

/* The unit's sandbox does not let the server see whose its port is; whoever calls this may. */
static void say_taken(struct doctor *d, const char *setting, const struct serve_listen *at)
{
	char holder[HOST_HOLDER_LEN], mend[128];
	size_t i;

	for (i = 0; i < at->n; i++) {
		snprintf(mend, sizeof(mend), "stop who has it, or set another under %s.listen in serve.yaml", setting);
		if (host_holder(d->root, port_of(&at->at[i]), holder))
			say(d, OPEN, "serve", mend, "its port %u (%s) is taken: %s", port_of(&at->at[i]), setting, holder);
	}
}

static void check_server(struct doctor *d)
{
	struct lockout l;
	char mend[SERVE_NAME_LEN + 32];

	if (!needs_server(d->kernel)) {
		say(d, GOOD, "serve", NULL, "no device needs a certificate, and so the server");
		return;
	}
	check_unit(d, "cordon-serve.service", "devices cannot check in after the next start");
	if (!d->config) {
		say(d, OPEN, "serve", "cordonctl serve --check", "its configuration has faults");
		return;
	}
	snprintf(mend, sizeof(mend), "cordonctl ca init --dir %s", d->config->ca);
	if (access(d->config->ca, F_OK))
		say(d, OPEN, "serve", mend, "there is no CA at %s", d->config->ca);
	if (serve_is_running(d->config)) {
		say(d, GOOD, "serve", NULL, "it runs");
	} else {
		say(d, OPEN, "serve", "systemctl start cordon-serve", "it does not run: leases end, and are not renewed");
		say_taken(d, "est", &d->config->est);
		say_taken(d, "checkin", &d->config->checkin);
	}
	if (!lockout_new(d->kernel, NULL, &l)) {
		check_port(d, &l, "est", &d->config->est);
		check_port(d, &l, "checkin", &d->config->checkin);
		lockout_free(&l);
	}
}

static void check_certificates(struct doctor *d)
{
	char *lines = NULL;
	size_t size;
	FILE *out = open_memstream(&lines, &size);

	if (!out)
		return;
	if (d->config)
		expiry_warn(d->config->ca, d->config->registry, out);
	if (fclose(out))
		return;
	if (*lines)
		say_lines(d, "certificates", "cordonctl ca list --expiring 30d", lines);
	else
		say(d, geteuid() ? UNKNOWN : GOOD, "certificates", NULL, "none %s ends soon",
		    geteuid() ? "that may be read" : "of the CA, the server and devices");
	free(lines);
}

static void load_config(struct doctor *d)
{
	FILE *unused = fopen("/dev/null", "w");

	d->config = calloc(1, sizeof(*d->config));
	if (d->config && (!unused || serve_config_load(NULL, d->config, unused))) {
		free(d->config);
		d->config = NULL;
	}
	if (unused)
		fclose(unused);
}

static void ask_kernel(struct doctor *d)
{
	if (cnl_open(&d->nl))
		return;
	d->asked = !cnl_summary(&d->nl, &d->summary) && !cnl_fetch(&d->nl, &d->kernel, &d->runtime);
	if (!d->asked)
		say(d, UNKNOWN, "policy", NULL, "the kernel does not tell: %s", d->nl.error);
}

static void examine(struct doctor *d)
{
	check_module(d);
	check_secure_boot(d);
	ask_kernel(d);
	if (d->asked) {
		check_policy(d);
		check_interfaces(d);
	}
	check_bridges(d);
	check_clock(d);
	check_file(d);
	check_unit(d, "cordon.service", "after the next start no policy is in force");
	load_config(d);
	if (d->asked)
		check_server(d);
	check_certificates(d);
	cnl_runtime_free(&d->runtime);
	policy_free(d->kernel);
	cnl_close(&d->nl);
	free(d->config);
}

static int run_doctor(const struct command *self, int argc, char **argv)
{
	static const struct option options[] = {
		{ "json", no_argument, NULL, 'j' }, { "policy", required_argument, NULL, 'p' },
		{ "root", required_argument, NULL, 'r' }, { "help", no_argument, NULL, OPTION_HELP }, { }
	};
	struct doctor d = { .root = "", .path = POLICY };
	int o;

	while ((o = next_option(self, argc, argv, options)) != -1) {
		if (o == OPTION_HELP || o == OPTION_ERROR)
			return o == OPTION_HELP ? EXIT_DONE : EXIT_USAGE;
		d.json |= o == 'j';
		if (o == 'p')
			d.path = optarg;
		if (o == 'r')
			d.root = optarg;
	}
	if (argc != optind)
		return usage_error(self, "too many words", argv[optind]);
	d.list = json_array();
	examine(&d);
	if (d.json)
		json_print(json_pack("{s:o,s:I}", "findings", d.list, "open", (json_int_t)d.open));
	else
		printf("%u open\n", d.open);
	if (!d.json)
		json_decref(d.list);
	return d.open ? EXIT_REFUSED : EXIT_DONE;
}

const struct command cmd_doctor = {
	"doctor", "Say what is guarded and what is not, and what mends it",
	"doctor [--json] [--policy FILE]",
	"Exit status 1 if anything is open. Changes nothing.\n\n"
	"  --json         print JSON\n"
	"  --policy FILE  instead of " POLICY "\n"
	"  --root DIR     look at /sys, /proc, /lib, /boot and /etc/systemd below DIR\n",
	run_doctor
};
