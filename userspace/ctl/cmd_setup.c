// SPDX-License-Identifier: GPL-2.0
/* setup: a first policy from what the machine says of itself, and from answers where it says nothing. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "ctl/ctl.h"
#include "host/lockout.h"
#include "host/propose.h"
#include "lib/file.h"
#include "lib/yaml.h"

#define SSH_PORT	22

/**
 * struct wizard - one call of setup
 * @self: the command
 * @root: where /sys, /proc and /var lie
 * @path: of the policy, or "-"
 * @ports: as given, or NULL
 * @uplinks: likewise
 * @admin: likewise
 * @leases: likewise
 * @force: an existing policy is replaced
 * @ask: there is somebody to ask
 * @facts: the machine
 * @p: what becomes of it
 * @ssh: the session that it was called from, if @p.ssh
 */
struct wizard {
	const struct command *self;
	const char *root;
	const char *path;
	const char *ports;
	const char *uplinks;
	const char *admin;
	const char *leases;
	bool force;
	bool ask;
	struct host_facts facts;
	struct proposal p;
	struct host_ssh ssh;
};

static bool to_file(const struct wizard *w)
{
	return strcmp(w->path, "-");
}

/* The answer, or what is proposed; free() it. NULL: the end of the input, or no memory. */
static char *question(const char *what, const char *proposed)
{
	char *line = NULL;
	const char *at;
	size_t room = 0;
	ssize_t n;

	printf("%s [", what);
	for (at = proposed; *at; at++)
		putchar(*at > ' ' && *at < 0x7f ? *at : '?');
	printf("]: ");
	fflush(stdout);
	n = getline(&line, &room, stdin);
	if (n < 0) {
		putchar('\n');
		free(line);
		return NULL;
	}
	line[strcspn(line, "\r\n")] = 0;
	if (*line)
		return line;
	free(line);
	return strdup(proposed);
}

/* What is proposed for a role, as somebody would write it. */
static char *list_of(const struct wizard *w, enum host_role role)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	const char *comma = "";
	u32 i;

	if (!out)
		return NULL;
	for (i = 0; i < w->facts.n_links; i++)
		if (w->p.roles[i] == role) {
			fprintf(out, "%s%s", comma, w->facts.links[i].name);
			comma = ",";
		}
	if (!*comma)
		fputs("none", out);
	return fclose(out) ? NULL : text;
}

static int refuse_link(const char *option, const char *name, const char *why)
{
	fprintf(stderr, "cordonctl: setup: %s: %s: %s\n", option, name, why);
	return EXIT_REFUSED;
}

/* A list like lan0,lan1: these interfaces have that role, and no other has. */
static int take_list(struct wizard *w, const char *option, const char *list, enum host_role role)
{
	char *copy = strdup(list), *rest = copy, *name;
	const struct host_link *l;
	const char *fault;
	int ret = copy ? EXIT_DONE : complain("setup", "out of memory");
	u32 i;

	for (i = 0; i < w->facts.n_links; i++)
		if (w->p.roles[i] == role)
			w->p.roles[i] = HOST_NONE;
	while (!ret && strcmp(list, "none") && (name = strsep(&rest, ", "))) {
		if (!*name)
			continue;
		l = host_find_link(&w->facts, name);
		fault = !l ? "this machine has no such interface" :
			role == HOST_PORT ? propose_port_fault(&w->facts, l) :
			l->kind == HOST_LOOPBACK ? "it is the loopback interface" : NULL;
		if (fault)
			ret = refuse_link(option, name, fault);
		else
			w->p.roles[l - w->facts.links] = role;
	}
	free(copy);
	return ret;
}

/* Given, or proposed and confirmed. */
static int choose(struct wizard *w, const char *option, const char *given, const char *what, enum host_role role)
{
	char *proposed, *answer;
	int ret;

	if (given)
		return take_list(w, option, given, role);
	if (!w->ask)
		return EXIT_DONE;
	proposed = list_of(w, role);
	answer = proposed ? question(what, proposed) : NULL;
	if (!answer)
		ret = complain("setup", "no answer: nothing was written");
	else
		ret = strcmp(answer, proposed) ? take_list(w, option, answer, role) : EXIT_DONE;
	free(proposed);
	free(answer);
	return ret;
}

static bool has_role(const struct wizard *w, enum host_role role)
{
	u32 i;

	for (i = 0; i < w->facts.n_links; i++)
		if (w->p.roles[i] == role)
			return true;
	return false;
}

/* Why a machine has no port to propose: it may be that of its bridge. */
static int no_port(const struct wizard *w)
{
	char name[CORDON_IFNAME_LEN];
	u32 i;

	for (i = 0; i < w->facts.n_links; i++)
		if (w->facts.links[i].kind == HOST_BRIDGE && !w->facts.links[i].made)
			return refuse_link("no port", host_clean(w->facts.links[i].name, name),
					   propose_port_fault(&w->facts, &w->facts.links[i]));
	return complain("setup", "no port: no interface has an address and no default route: say behind which devices live, "
			"--ports INTERFACE,...");
}

static int choose_links(struct wizard *w)
{
	int ret = choose(w, "--ports", w->ports, "Interfaces behind which devices live", HOST_PORT);

	if (!ret)
		propose_stacks(&w->p);
	if (!ret)
		ret = choose(w, "--uplinks", w->uplinks, "Other interfaces that forward: uplinks", HOST_UPLINK);
	if (!ret)
		propose_stacks(&w->p);
	if (!ret && !has_role(w, HOST_PORT))
		return no_port(w);
	if (!ret && !w->uplinks && !has_role(w, HOST_UPLINK))
		return complain("setup", "no uplink: there is no default route: say by which interfaces networks are reached, "
				"--uplinks INTERFACE,... or --uplinks none");
	return ret;
}

static bool is_loopback(const struct cordon_addr *a)
{
	return cordon_addr_is_v4(a) ? ((u32)a->lo >> 24) == 127 : !a->hi && a->lo == 1;
}

/* A session that comes in by no interface that is judged, as one from this machine itself, needs nothing. */
static void find_session(struct wizard *w)
{
	struct host_caller caller;

	host_caller_find("", getpid(), &caller);
	if (!caller.ssh[0] || !host_ssh_parse(caller.ssh, &w->ssh) || is_loopback(&w->ssh.client) ||
	    cordon_addr_equal(&w->ssh.client, &w->ssh.server))
		return;
	w->p.ssh = &w->ssh;
	w->p.service = w->ssh.port;
	w->p.link = w->ssh.link[0] ? host_find_link(&w->facts, w->ssh.link) : host_find_route(&w->facts, &w->ssh.client);
}

static int take_admin(struct wizard *w, const char *text)
{
	struct cordon_addr rest;

	if (!strcmp(text, "none"))
		return EXIT_DONE;
	if (policy_network_parse(text, &w->p.admin_net) || cordon_addr_is_link_local(&w->p.admin_net.addr))
		return refuse_link("--admin", text, "not a network like 10.0.99.0/24, an address, or none");
	rest = cordon_prefix_last(&(struct cordon_addr){ 0, 0 }, w->p.admin_net.len);
	if ((w->p.admin_net.addr.hi & rest.hi) || (w->p.admin_net.addr.lo & rest.lo))
		return refuse_link("--admin", text, "an address with bits beyond the prefix: not a network");
	w->p.admin_link = host_find_route(&w->facts, &w->p.admin_net.addr);
	if (w->p.admin_link && propose_has_devices(&w->p, w->p.admin_link))
		return refuse_link("--admin", text, "it is behind a port, where each host is a device of the policy and no "
				   "network is: --admin none, and list who administers from there as a device");
	w->p.admin = true;
	return EXIT_DONE;
}

/* From where is the gateway administered? The session says it, or somebody does. */
static int choose_admin(struct wizard *w)
{
	bool by_port = w->p.link && propose_has_devices(&w->p, w->p.link);
	char proposed[POLICY_ADDR_LEN], *answer;
	int ret;

	if (w->p.ssh && !w->p.link)
		return complain("setup", "there is no route to the client of the SSH session that this is");
	if (w->p.link && !by_port)
		w->p.roles[w->p.link - w->facts.links] = HOST_UPLINK;
	if (w->admin)
		return take_admin(w, w->admin);
	if (by_port)
		return EXIT_DONE;
	strcpy(proposed, "none");
	if (w->p.ssh && !cordon_addr_is_link_local(&w->ssh.client))
		policy_network_text(&(struct cordon_network_def){ .addr = w->ssh.client, .len = 128 }, proposed);
	else if (!w->ask)
		return complain("setup", "no SSH session tells from where this gateway is administered: --admin NETWORK, or "
				"--admin none");
	if (!w->ask)
		return take_admin(w, proposed);
	answer = question("Network from which this gateway is administered by SSH, or none", proposed);
	ret = answer ? take_admin(w, answer) : complain("setup", "no answer: nothing was written");
	free(answer);
	return ret;
}

/* As a file: what to know, and the policy. */
static char *print_policy(const struct wizard *w, const struct policy *p, size_t *size)
{
	char *text = NULL;
	FILE *out = open_memstream(&text, size);

	if (!out)
		return NULL;
	fputs("# Made by 'cordonctl setup' from what this machine said of itself; see cordon-policy(5).\n"
	      "# In mode observe nothing is dropped: 'cordonctl monitor' tells what would be. When that is as it should be,\n"
	      "# set mode: enforce, 'cordonctl apply --confirm 5m' it, and 'cordonctl confirm' from a new session.\n", out);
	propose_notes(&w->p, "# ", out);
	policy_print(p, out);
	return fclose(out) ? NULL : text;
}

/* What was made must be good when it is read, and let its maker in once it is enforced. */
static int check(struct wizard *w, const char *text, size_t size)
{
	int fd = memfd_create("policy", MFD_CLOEXEC), ret = EXIT_DONE;
	struct lockout l = { NULL };
	char path[32], why[LOCKOUT_WHY_LEN];
	struct policy *p;
	bool good;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	good = fd >= 0 && !file_write_all(fd, text, size) && !policy_load(path, &p, stderr);
	if (fd >= 0)
		close(fd);
	if (!good)
		return complain("setup", "what it made of this machine is no policy: nothing was written");
	if (lockout_new(p, NULL, &l))
		ret = complain("setup", "out of memory");
	else if (w->p.ssh && lockout_session(&l, &w->ssh, lockout_port(l.sealed, &w->facts, w->p.link->name, &w->ssh.client),
					     why))
		ret = complain("setup: it would cut off the SSH session that you are in", why);
	lockout_free(&l);
	policy_free(p);
	return ret;
}

static int keep(const struct wizard *w, const char *temp)
{
	if (w->force ? rename(temp, w->path) : link(temp, w->path))
		return complain(w->path, errno == EEXIST ? "there is a policy already: --force replaces it" : strerror(errno));
	if (!w->force)
		unlink(temp);
	return EXIT_DONE;
}

static int write_policy(const struct wizard *w, const char *text, size_t size)
{
	char *temp = NULL, *slash = strrchr(w->path, '/');
	char *dir = slash && slash != w->path ? strndup(w->path, slash - w->path) : NULL;
	int err = dir ? file_make_dirs(dir, 0755) : 0, ret = EXIT_REFUSED;

	if (asprintf(&temp, "%s.setup", w->path) < 0)
		temp = NULL;
	if (!temp)
		err = -ENOMEM;
	if (!err)
		err = file_write(temp, text, size, 0644);
	if (err) {
		complain(w->path, strerror(-err));
	} else {
		ret = keep(w, temp);
		if (ret)
			unlink(temp);
		else
			file_sync_dir(dir ? dir : ".");
	}
	free(dir);
	free(temp);
	return ret;
}

/* As the shell takes it, if it is plain. */
static const char *lease_file(const struct wizard *w)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._-";
	const char *file = w->facts.lease_file;

	return *file && !file[strspn(file, plain)] ? file : "FILE";
}

static void tell(const struct wizard *w, const struct policy *p)
{
	printf("%s: %u ports, %u uplinks, %u devices, mode observe\n", w->path, p->draft.n_ports, p->draft.n_uplinks,
	       p->draft.n_devices);
	propose_notes(&w->p, "  ", stdout);
	printf("Read it, then:\n  cordonctl check %s\n  cordonctl apply %s\n", w->path, w->path);
	if (cordon_draft_learners(&p->draft))
		printf("  cordonctl device bind --leases %s    # addresses that devices have already\n", lease_file(w));
	puts("  cordonctl monitor    # what would be denied\n  cordonctl doctor     # what is not guarded yet");
}

static int make(struct wizard *w)
{
	struct policy *p;
	char why[256], *text;
	size_t size;
	int err = propose_policy(&w->p, &p, why), ret;

	if (err)
		return complain("setup", err == -EINVAL ? why : strerror(-err));
	text = print_policy(w, p, &size);
	ret = text ? check(w, text, size) : complain("setup", "out of memory");
	if (!ret && !to_file(w))
		ret = fwrite(text, 1, size, stdout) == size ? EXIT_DONE : EXIT_REFUSED;
	else if (!ret)
		ret = write_policy(w, text, size);
	if (!ret && to_file(w))
		tell(w, p);
	free(text);
	policy_free(p);
	return ret;
}

static int look(struct wizard *w)
{
	int err = host_facts_read(w->root, &w->facts);

	if (err)
		return complain("setup: interfaces and routes", strerror(-err));
	w->p.facts = &w->facts;
	/* Below another root there is no kernel to ask. */
	if (!*w->root)
		host_bridges_read(&w->facts);
	err = w->leases ? host_leases_read(w->leases, time(NULL), &w->facts) :
	      host_leases_known(w->root, time(NULL), &w->facts);
	if (err)
		return complain(w->leases ? w->leases : "setup: leases", strerror(-err));
	return propose_roles(&w->p) ? complain("setup", "out of memory") : EXIT_DONE;
}

/* The example that is installed, say: without a port it guards nothing, and without a device it knows nothing. */
static bool guards_nothing(const char *path)
{
	FILE *unsaid = fopen("/dev/null", "we");
	struct policy *p = NULL;
	bool nothing = false;

	if (unsaid && !policy_load(path, &p, unsaid)) {
		nothing = !p->draft.n_ports && !p->draft.n_devices;
		policy_free(p);
	}
	if (unsaid)
		fclose(unsaid);
	return nothing;
}

static int set_up(struct wizard *w)
{
	int ret;

	if (to_file(w) && !w->force && !access(w->path, F_OK)) {
		if (!guards_nothing(w->path))
			return complain(w->path, "there is a policy already: --force replaces it, --out - only prints");
		fprintf(stderr, "cordonctl: note: %s: names no port and no device, and is replaced\n", w->path);
		w->force = true;
	}
	ret = look(w);
	if (!ret) {
		find_session(w);
		ret = choose_links(w);
	}
	if (!ret)
		ret = choose_admin(w);
	if (!ret)
		ret = make(w);
	free(w->p.roles);
	host_facts_free(&w->facts);
	return ret;
}

static int run_setup(const struct command *self, int argc, char **argv)
{
	static const struct option options[] = {
		{ "ports", required_argument, NULL, 'p' }, { "uplinks", required_argument, NULL, 'u' },
		{ "admin", required_argument, NULL, 'a' }, { "leases", required_argument, NULL, 'l' },
		{ "out", required_argument, NULL, 'o' }, { "root", required_argument, NULL, 'r' },
		{ "force", no_argument, NULL, 'f' }, { "yes", no_argument, NULL, 'y' },
		{ "help", no_argument, NULL, OPTION_HELP }, { }
	};
	struct wizard w = { .self = self, .root = "", .path = POLICY_PATH, .ask = isatty(STDIN_FILENO), .p.service = SSH_PORT };
	int o;

	while ((o = next_option(self, argc, argv, options)) != -1) {
		if (o == OPTION_HELP || o == OPTION_ERROR)
			return o == OPTION_HELP ? EXIT_DONE : EXIT_USAGE;
		w.force |= o == 'f';
		w.ask &= o != 'y';
		if (o == 'p')
			w.ports = optarg;
		if (o == 'u')
			w.uplinks = optarg;
		if (o == 'a')
			w.admin = optarg;
		if (o == 'l')
			w.leases = optarg;
		if (o == 'o')
			w.path = optarg;
		if (o == 'r')
			w.root = optarg;
	}
	if (argc != optind)
		return usage_error(self, "too many words", argv[optind]);
	return set_up(&w);
}

const struct command cmd_setup = {
	"setup", "Write a first policy, in mode observe, from what this machine says of itself",
	"setup [--ports LIST] [--uplinks LIST] [--admin NETWORK] [--leases FILE]\n"
	"      [--out FILE] [--force] [--yes]",
	"Looks at interfaces, bridges, routes, DHCP leases and the SSH session it is called from;\n"
	"asks, on a terminal, what it proposes. Changes nothing but the file.\n\n"
	"  --ports LIST     interfaces behind which devices live: lan0,lan1\n"
	"  --uplinks LIST   others that forward, or none\n"
	"  --admin NETWORK  from where the gateway is administered by SSH, or none\n"
	"  --leases FILE    of dnsmasq or Kea, instead of those at their usual places\n"
	"  --out FILE       instead of " POLICY_PATH "; - prints it\n"
	"  --force          replace a policy that is there\n"
	"  --yes            ask nothing\n"
	"  --root DIR       look at /sys, /proc and /var below DIR\n",
	run_setup
};
