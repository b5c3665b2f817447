// SPDX-License-Identifier: GPL-2.0
/* Before a policy is put in force: does whoever applies it still get in, and do devices get to the server? */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ctl/ctl.h"
#include "host/facts.h"
#include "host/lockout.h"
#include "host/route.h"
#include "serve/common/serve.h"

/**
 * struct guard - what is asked, and of which policies
 * @path: the file, as it is printed
 * @after: the policy that is to come
 * @before: the one that is in force, or NULL where everything passes
 * @lost: how many would lose their way in
 */
struct guard {
	const char *path;
	struct lockout after;
	struct lockout *before;
	unsigned int lost;
};

/* What a device is now, it will be under the new policy. */
static u8 *states_after(const struct policy *after, const struct cordon_policy *before,
			const struct cnl_runtime *runtime)
{
	u8 *states = malloc(after->draft.n_devices + 1);
	u32 i, old;

	for (i = 0; states && i < after->draft.n_devices; i++) {
		old = cordon_policy_device_by_mac(before, after->draft.devices[i].mac);
		states[i] = old == CORDON_NO_DEVICE ? LOCKOUT_STATE_NONE : runtime->devices[old].state;
	}
	return states;
}

static u8 *states_before(const struct policy *before, const struct cnl_runtime *runtime)
{
	u8 *states = malloc(before->draft.n_devices + 1);
	u32 i;

	for (i = 0; states && i < before->draft.n_devices; i++)
		states[i] = runtime->devices[i].state;
	return states;
}

/* As the policy lists it: what comes in by a bridge of ports comes in on one of them. */
static bool is_cut_off(struct lockout *l, const struct host_facts *f, const struct host_ssh *s, const char *link,
		       char why[LOCKOUT_WHY_LEN])
{
	return lockout_session(l, s, lockout_port(l->sealed, f, link, &s->client), why);
}

/* Who does not get in as it is loses nothing: a session that tmux remembers, say, and that is long over. */
static void check_session(struct guard *g, const struct host_ssh *s)
{
	char link[CORDON_IFNAME_LEN], client[POLICY_ADDR_LEN], server[POLICY_ADDR_LEN], why[LOCKOUT_WHY_LEN],
	     unused[LOCKOUT_WHY_LEN], shown[CORDON_IFNAME_LEN];
	struct host_facts f;
	bool lost;

	if (s->link[0])
		strcpy(link, s->link);
	else if (!host_route_ask(&s->client, &s->server, link))
		return;
	/* Without facts there are no links, and it is judged as it is called. */
	if (host_facts_read("", &f))
		f = (struct host_facts){ .n_links = 0 };
	lost = is_cut_off(&g->after, &f, s, link, why) && !(g->before && is_cut_off(g->before, &f, s, link, unused));
	host_facts_free(&f);
	if (!lost)
		return;
	g->lost++;
	fprintf(stderr, "cordonctl: %s: it would cut off the SSH session that you are in, from %s, by %s, to %s port %u: %s\n",
		g->path, policy_addr_text(&s->client, client), host_clean(link, shown),
		policy_addr_text(&s->server, server), s->port, why);
}

static u16 port_of(const struct sockaddr_storage *at)
{
	return ntohs(at->ss_family == AF_INET6 ? ((const struct sockaddr_in6 *)at)->sin6_port :
		     ((const struct sockaddr_in *)at)->sin_port);
}

static bool is_any(const struct sockaddr_storage *at)
{
	return at->ss_family == AF_INET6 ? IN6_IS_ADDR_UNSPECIFIED(&((const struct sockaddr_in6 *)at)->sin6_addr) :
	       ((const struct sockaddr_in *)at)->sin_addr.s_addr == htonl(INADDR_ANY);
}

/* The interface that has the address which the server listens at; NULL, it listens at all of them. */
static const struct explain_link *link_of(const struct explain *e, const struct sockaddr_storage *at)
{
	char text[INET6_ADDRSTRLEN];
	struct cordon_addr a;
	u32 i, j;

	if (is_any(at) ||
	    !inet_ntop(at->ss_family, at->ss_family == AF_INET6 ? (const void *)&((const struct sockaddr_in6 *)at)->sin6_addr :
		       &((const struct sockaddr_in *)at)->sin_addr, text, sizeof(text)) || policy_addr_parse(text, &a))
		return NULL;
	for (i = 0; i < e->n_links; i++)
		for (j = 0; j < e->links[i].n; j++)
			if (cordon_addr_equal(&e->links[i].self[j], &a))
				return &e->links[i];
	return NULL;
}

static bool is_listed(const struct cordon_policy *p, const char *link)
{
	u32 i;

	for (i = 0; i < p->draft.n_ports; i++)
		if (!strcmp(p->draft.ports[i].name, link))
			return true;
	return cordon_policy_is_uplink(p, link);
}

static void check_listener(struct guard *g, const char *setting, const struct sockaddr_storage *at)
{
	const struct explain_link *link = link_of(&g->after.e, at);
	char why[LOCKOUT_WHY_LEN], unused[LOCKOUT_WHY_LEN], shown[CORDON_IFNAME_LEN];

	if (lockout_service(&g->after, port_of(at), why) &&
	    !(g->before && lockout_service(g->before, port_of(at), unused))) {
		g->lost++;
		fprintf(stderr, "cordonctl: %s: devices would no longer reach 'cordonctl serve' (%s: port %u): %s\n",
			g->path, setting, port_of(at), why);
	}
	if (link && !is_listed(g->after.sealed, link->name) &&
	    (!g->before || is_listed(g->before->sealed, link->name))) {
		g->lost++;
		fprintf(stderr, "cordonctl: %s: it would close %s, at whose address 'cordonctl serve' listens (%s: port %u): "
			"the policy does not list the interface\n", g->path, host_clean(link->name, shown), setting, port_of(at));
	}
}

/* serve.yaml of a server that runs, or NULL: one that starts later is told of by 'doctor'. free() it. */
static struct serve_config *find_server(void)
{
	struct serve_config *c = calloc(1, sizeof(*c));
	FILE *unused = fopen("/dev/null", "w");
	bool runs = c && unused && !serve_config_load(NULL, c, unused) && serve_is_running(c);

	if (unused)
		fclose(unused);
	if (runs)
		return c;
	free(c);
	return NULL;
}

static void check_server(struct guard *g, const struct serve_config *c)
{
	size_t i;

	for (i = 0; i < c->est.n; i++)
		check_listener(g, "est", &c->est.at[i]);
	for (i = 0; i < c->checkin.n; i++)
		check_listener(g, "checkin", &c->checkin.at[i]);
}

static bool find_session(struct host_ssh *out)
{
	struct host_caller caller;

	host_caller_find("", getpid(), &caller);
	return caller.ssh[0] && host_ssh_parse(caller.ssh, out);
}

/**
 * guard_check - tell who would lose the way in to this machine
 * @nl: the kernel
 * @path: of the file, as it is printed
 * @after: its policy
 * @before: the kernel's
 * @runtime: of @before
 *
 * In mode observe nobody does. Each is told on standard error.
 *
 * Return: how many; what cannot be judged, for want of memory, is none.
 */
unsigned int guard_check(struct cnl *nl, const char *path, const struct policy *after, const struct policy *before,
			 const struct cnl_runtime *runtime)
{
	struct guard g = { .path = path };
	struct serve_config *server = find_server();
	struct lockout old = { NULL };
	struct cnl_summary s;
	struct host_ssh ssh;
	bool session = find_session(&ssh);
	u8 *states = NULL;

	if ((!session && !server) || after->draft.mode == CORDON_MODE_OBSERVE || cnl_summary(nl, &s))
		goto out;
	states = states_before(before, runtime);
	if (!states || lockout_new(before, states, &old))
		goto out;
	free(states);
	states = states_after(after, old.sealed, runtime);
	if (!states || lockout_new(after, states, &g.after) || explain_machine(&g.after.e) || explain_machine(&old.e))
		goto out;
	if (s.in_force && s.mode == CORDON_MODE_ENFORCE)
		g.before = &old;
	if (session)
		check_session(&g, &ssh);
	if (server)
		check_server(&g, server);
out:
	free(states);
	free(server);
	lockout_free(&old);
	lockout_free(&g.after);
	return g.lost;
}
