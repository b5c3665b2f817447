// SPDX-License-Identifier: GPL-2.0
/* doctor: what is guarded and what is not, and what mends it. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timex.h>
#include <sys/utsname.h>
#include <syslog.h>
#include <unistd.h>

#include "ctl/colour.h"
#include "ctl/doctor.h"
#include "event/event.h"
#include "host/facts.h"
#include "host/health.h"
#include "host/holder.h"
#include "host/lockout.h"
#include "lib/diff.h"
#include "lib/machine.h"
#include "lib/yaml.h"
#include "pki/pki.h"
#include "serve/common/serve.h"
#include "state/state.h"

#define BUILT		1735689600	/* 2025-01-01: a clock before that is wrong */
#define INTERFACES	20		/* that are told one by one */
#define WAIT		1000		/* ms, for a journal that has no room */

static const char * const states[] = { "ok", "open", "unknown" };

static void tell_journal(struct journal *j, const char *check, const char *mend, const char *text)
{
	struct journal_entry e;

	journal_begin(&e, LOG_WARNING, JOURNAL_FINDING, "%s: %s; to mend it: %s", check, text, mend ? mend : "?");
	journal_add(&e, "CORDON_CHECK", "%s", check);
	if (mend)
		journal_add(&e, "CORDON_MEND", "%s", mend);
	journal_send(j, &e);
}

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
	if (d->journal && state == OPEN)
		tell_journal(d->journal, check, mend, text);
	if (d->journal)
		return;
	if (d->json) {
		json_array_append_new(d->list, json_pack("{s:s,s:s,s:o,s:o}", "check", check, "state", states[state], "text",
							 json_text(text), "mend", mend ? json_text(mend) : json_null()));
		return;
	}
	printf("%s%-8s%s%-14s%s\n", state == OPEN ? colour(COLOUR_BAD) : "", state == OPEN ? "OPEN" : states[state],
	       state == OPEN ? colour(COLOUR_END) : "", check, text);
	if (mend)
		printf("%22s-> %s\n", "", mend);
}

/**
 * doctor_say - a finding
 * @d: the doctor
 * @state: whether it is as it should be
 * @check: what was looked at, a word or two
 * @mend: a command, or what to do; NULL, nothing is to be done
 * @fmt: what was found
 */
void doctor_say(struct doctor *d, enum finding state, const char *check, const char *mend, const char *fmt, ...)
{
	char text[512];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	say(d, state, check, mend, "%s", text);
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

/* What gets a kernel its module, from what there is: DKMS with the module's source, the kernel's headers. */
static const char *how_to_build(const struct doctor *d, const char *release, char mend[512])
{
	char headers[HOST_RELEASE_LEN + 32];

	snprintf(headers, sizeof(headers), "/lib/modules/%s/build", release);
	if (!host_has(d->root, "/var/lib/dkms/cordon"))
		snprintf(mend, 512, "install cordon-dkms and linux-headers-%s, or: make install", release);
	else if (!host_has(d->root, headers))
		snprintf(mend, 512, "apt-get install linux-headers-%s && dkms autoinstall -k %s", release, release);
	else
		snprintf(mend, 512, "dkms autoinstall -k %s; if that fails, see /var/lib/dkms/cordon/*/build/make.log", release);
	return mend;
}

/* Any kernel that is installed may be the one that is started next. */
static void check_kernels(struct doctor *d, const char *running)
{
	char (*all)[HOST_RELEASE_LEN], mend[512];
	size_t n = host_kernels(d->root, &all), i;

	if (host_module_is_there(d->root, running))
		say(d, GOOD, "kernel", NULL, "the module is installed for the kernel that runs (%s)", running);
	else
		say(d, OPEN, "kernel", how_to_build(d, running, mend), "the module is not installed for the kernel that runs (%s)",
		    running);
	for (i = 0; i < n; i++)
		if (!strcmp(all[i], running))
			continue;
		else if (host_module_is_there(d->root, all[i]))
			say(d, GOOD, "next kernel", NULL, "the module is installed for %s, too", all[i]);
		else
			say(d, OPEN, "next kernel", how_to_build(d, all[i], mend),
			    "%s has no module: nothing is guarded once it is booted", all[i]);
	free(all);
}

static void check_module(struct doctor *d)
{
	bool by_unit = host_unit_is_enabled(d->root, "cordon.service");
	struct utsname running;

	if (uname(&running))
		return;
	if (host_has(d->root, "/sys/module/cordon"))
		say(d, GOOD, "module", NULL, "loaded");
	else
		say(d, OPEN, "module", by_unit ? "mend what follows, then systemctl start cordon" : "cordonctl module load",
		    "not loaded: nothing is guarded");
	check_kernels(d, running.release);
}

/* A module that is loaded has been accepted, by whatever key. */
static void check_key(struct doctor *d, const char *on, enum host_signed is)
{
	enum host_key key = host_key_is_enrolled(d->root);

	if (is == HOST_SIGNED && host_has(d->root, "/sys/module/cordon"))
		say(d, GOOD, "Secure Boot", NULL, "%s, and the module is signed", on);
	else if (key == HOST_KEY_STRANGE && !host_has(d->root, "/sys/module/cordon"))
		say(d, OPEN, "Secure Boot", "mokutil --import " HOST_DKMS_KEY ", then reboot, and at the console: Enroll MOK",
		    "%s, and the key that DKMS signs with is not enrolled: the module cannot be loaded", on);
	else if (is == HOST_SIGNED && key == HOST_KEY_ENROLLED)
		say(d, GOOD, "Secure Boot", NULL, "%s, and the module is signed; DKMS's key is enrolled", on);
	else
		say(d, UNKNOWN, "Secure Boot", NULL, is == HOST_SIGNED ? "%s; whether the module's key is enrolled cannot be seen" :
		    "%s; whether the module is signed cannot be seen", on);
}

static void check_secure_boot(struct doctor *d)
{
	bool firmware = host_secure_boot(d->root);
	const char *on = firmware ? "on" : "off, but the kernel demands signatures (module.sig_enforce)";
	struct utsname running;
	enum host_signed is;
	char mend[512];

	if (uname(&running))
		return;
	is = host_module_is_signed(d->root, running.release);
	snprintf(mend, sizeof(mend), "dkms unbuild cordon/" CORDON_VERSION " -k %s && dkms autoinstall -k %s, which signs it",
		 running.release, running.release);
	if (!firmware && !host_wants_signatures(d->root))
		say(d, GOOD, "Secure Boot", NULL, "off, or not known here: modules need no signature");
	else if (is == HOST_UNSIGNED)
		say(d, OPEN, "Secure Boot", mend, "%s, and the module has no signature: it cannot be loaded", on);
	else
		check_key(d, on, is);
}

static void check_policy(struct doctor *d)
{
	const struct cnl_summary *s = &d->summary;

	if (!s->in_force)
		say(d, OPEN, "policy", "cordonctl apply --confirm 5m " POLICY_PATH, "none is in force: %s",
		    s->lockdown ? "nothing is forwarded" : "everything passes");
	else if (s->awaiting)
		say(d, OPEN, "policy", "cordonctl confirm", "it ends in %u s unless it is confirmed", s->confirm);
	else
		say(d, GOOD, "policy", NULL, "generation %u is in force", s->generation);
	if (s->in_force && s->mode == CORDON_MODE_OBSERVE)
		say(d, OPEN, "mode", "set mode: enforce in " POLICY_PATH ", then cordonctl apply --confirm 5m " POLICY_PATH,
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
		say(d, OPEN, "interfaces", "list its members under ports", "%s is closed: %s", name, why);
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
	doctor_bypass(d, &all);
	cnl_interfaces_free(&all);
}

/* One of its members is a port of the policy in force. */
static bool is_over_ports(const struct doctor *d, const struct host_facts *f, const char *bridge)
{
	u32 i;

	for (i = 0; d->asked && i < f->n_links; i++)
		if (!strcmp(f->links[i].master, bridge) &&
		    policy_find_port(d->kernel, f->links[i].name) != CORDON_ANY_PORT)
			return true;
	return false;
}

/* What is switched between members that are no ports is judged by nobody. */
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
			host_clean(f.links[i].name, name);
			if (is_over_ports(d, &f, f.links[i].name))
				say(d, GOOD, "bridges", NULL, "%s: what its members send one another is judged", name);
			else
				say(d, OPEN, "bridges", "list its members under ports",
				    "%s: what its members send one another is not judged", name);
		}
	if (!n)
		say(d, GOOD, "bridges", NULL, "none but those of containers and guests");
	host_facts_free(&f);
	if (host_number(d->root, "/proc/sys/net/bridge/bridge-nf-call-iptables") > 0)
		say(d, GOOD, "br_netfilter", NULL, "on: it changes nothing of what is judged");
	else
		say(d, GOOD, "br_netfilter", NULL, "off");
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
		say_taken(d, "status", &d->config->status);
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
	if (d->config && (!unused || serve_config_load(d->config_path, d->config, unused))) {
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
	doctor_closed(d);
	check_bridges(d);
	check_clock(d);
	check_file(d);
	check_unit(d, "cordon.service", "after the next start no policy is in force");
	doctor_kept(d);
	load_config(d);
	if (d->asked)
		check_server(d);
	check_certificates(d);
	doctor_revoked(d);
	doctor_ca(d);
	cnl_runtime_free(&d->runtime);
	policy_free(d->kernel);
	cnl_close(&d->nl);
	free(d->config);
}

static void tell(struct doctor *d)
{
	if (d->json)
		json_print(json_pack("{s:o,s:I}", "findings", d->list, "open", (json_int_t)d->open));
	else if (!d->journal)
		printf("%u open\n", d->open);
	if (!d->json)
		json_decref(d->list);
}

static int run_doctor(const struct command *self, int argc, char **argv)
{
	static const struct option options[] = {
		{ "json", no_argument, NULL, 'j' }, { "journal", optional_argument, NULL, 'J' },
		{ "policy", required_argument, NULL, 'p' }, { "root", required_argument, NULL, 'r' },
		{ "state", required_argument, NULL, 's' }, { "config", required_argument, NULL, 'c' },
		{ "help", no_argument, NULL, OPTION_HELP }, { }
	};
	struct doctor d = { .root = "", .path = POLICY_PATH };
	const char *socket = NULL;
	struct journal journal;
	bool quiet = false;
	int o;

	while ((o = next_option(self, argc, argv, options)) != -1) {
		if (o == OPTION_HELP || o == OPTION_ERROR)
			return o == OPTION_HELP ? EXIT_DONE : EXIT_USAGE;
		d.json |= o == 'j';
		quiet |= o == 'J';
		if (o == 'J')
			socket = optarg;
		if (o == 'c')
			d.config_path = optarg;
		if (o == 'p')
			d.path = optarg;
		if (o == 'r')
			d.root = optarg;
		if (o == 's')
			d.state = optarg;
	}
	if (argc != optind)
		return usage_error(self, "too many words", argv[optind]);
	if (d.json && quiet)
		return usage_error(self, "--json and --journal are two ways to tell", NULL);
	if (quiet) {
		journal_open(&journal, socket, WAIT);
		d.journal = &journal;
	}
	d.list = json_array();
	examine(&d);
	tell(&d);
	if (quiet)
		journal_close(&journal);
	return d.open ? EXIT_REFUSED : EXIT_DONE;
}

const struct command cmd_doctor = {
	"doctor", "Say what is guarded and what is not, and what mends it",
	"doctor [--json | --journal] [--policy FILE] [--config FILE] [--state DIR]",
	"Exit status 1 if anything is open. Changes nothing.\n\n"
	"  --json         print JSON\n"
	"  --journal      print nothing: what is open is a warning in the journal\n"
	"  --config FILE  of the server, instead of /etc/cordon/serve.yaml\n"
	"  --state DIR    where state and last good policy are kept (" STATE_DIR ")\n"
	"  --policy FILE  instead of " POLICY_PATH "\n"
	"  --root DIR     look at /sys, /proc, /lib, /boot and /etc/systemd below DIR\n",
	run_doctor
};
