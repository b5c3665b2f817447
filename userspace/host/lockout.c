// SPDX-License-Identifier: GPL-2.0
/* Whether somebody still gets to this machine under a policy: explain is asked, which runs the kernel's code. */
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/lockout.h"

#define EPHEMERAL	49152

static struct cordon_end device_end(const struct cordon_policy *p, u32 i, const u8 *states)
{
	struct cordon_posture posture = { .leased = false };

	if (!states || states[i] == LOCKOUT_STATE_NONE)
		return cordon_end_device(p, i, &posture);
	return (struct cordon_end){ i, cordon_state_segment(p, i, states[i]), states[i] };
}

/**
 * lockout_new - make a policy ready
 * @p: the policy
 * @states: enum cordon_state of each of its devices, or LOCKOUT_STATE_NONE; NULL, none is known
 * @out: it, without interfaces
 *
 * A device that is not known has no lease. Return: 0; -EINVAL, it is not sound; -ENOMEM.
 */
int lockout_new(const struct policy *p, const u8 *states, struct lockout *out)
{
	struct cordon_error unused;
	u32 i;
	int err;

	*out = (struct lockout){ .sealed = NULL };
	err = policy_seal(p, &out->sealed, &unused);
	if (err)
		return err;
	out->e.p = out->sealed;
	out->e.ends = calloc(p->draft.n_devices + 1, sizeof(*out->e.ends));
	if (!out->e.ends) {
		lockout_free(out);
		return -ENOMEM;
	}
	for (i = 0; i < p->draft.n_devices; i++)
		out->e.ends[i] = device_end(out->sealed, i, states);
	return 0;
}

/**
 * lockout_free - be done with it
 * @l: what lockout_new() made
 */
void lockout_free(struct lockout *l)
{
	explain_free(&l->e);
	free(l->sealed);
	*l = (struct lockout){ .sealed = NULL };
}

static bool is_port(const struct cordon_policy *p, const char *link)
{
	u32 i;

	for (i = 0; i < p->draft.n_ports; i++)
		if (!strcmp(p->draft.ports[i].name, link))
			return true;
	return false;
}

static bool is_tied_to(const struct cordon_policy *p, u32 device, const char *port)
{
	const struct cordon_device_def *d = &p->draft.devices[device];
	u32 i;

	for (i = 0; i < cordon_device_ports(d); i++)
		if (!strcmp(p->draft.ports[cordon_device_port(d, i)].name, port))
			return true;
	return false;
}

/**
 * lockout_port - the interface by which somebody comes in, as a policy lists it
 * @p: the policy
 * @f: the machine
 * @link: what the machine calls it
 * @client: who comes in
 *
 * Return: of a bridge of ports, or a VLAN of it, a port that the client is tied to, or else the first; of others, @link.
 */
const char *lockout_port(const struct cordon_policy *p, const struct host_facts *f, const char *link,
			 const struct cordon_addr *client)
{
	u32 device = cordon_policy_device_by_addr(p, client), i;
	const struct host_link *l = host_find_link(f, link);
	const char *first = NULL, *name, *bridge = link;

	if (is_port(p, link) || cordon_policy_is_uplink(p, link))
		return link;
	if (l && l->kind == HOST_VLAN)
		bridge = l->below;
	for (i = 0; i < f->n_links; i++) {
		name = f->links[i].name;
		if (strcmp(f->links[i].master, bridge) || !is_port(p, name))
			continue;
		if (device != CORDON_NO_DEVICE && is_tied_to(p, device, name))
			return name;
		first = first ? first : name;
	}
	return first ? first : link;
}

/* What it is refused for; encryption, too, where it is demanded and the connection has none that counts. */
static bool tell(const struct lockout *l, const struct explain_answer *a, bool tls, char why[LOCKOUT_WHY_LEN])
{
	u16 from = a->from.segment;

	if (a->v.accept && (tls || a->encryption == CORDON_ENCRYPTION_ANY))
		return false;
	if (a->v.accept)
		snprintf(why, LOCKOUT_WHY_LEN, "segment %s demands TLS, which SSH is not",
			 l->sealed->draft.segments[from].name);
	else if (from != CORDON_NO_SEGMENT)
		snprintf(why, LOCKOUT_WHY_LEN, "%s (from segment %s to gateway)", explain_reason(a->v.reason),
			 l->sealed->draft.segments[from].name);
	else
		snprintf(why, LOCKOUT_WHY_LEN, "%s", explain_reason(a->v.reason));
	return true;
}

/* A device is in a VLAN of this port. */
static bool is_in_vlan(const struct cordon_policy *p, u32 device, const char *port)
{
	const struct cordon_device_def *d = device == CORDON_NO_DEVICE ? NULL : &p->draft.devices[device];

	return d && d->vlan && is_tied_to(p, device, port);
}

/**
 * lockout_session - an SSH session would be cut off
 * @l: the policy
 * @s: the session
 * @link: interface by which its client is reached
 * @why: set, if so
 *
 * What comes in on the loopback interface is not judged, and not cut off. In which VLANs a port is, is not known here: a
 * device in one is taken to be in it, behind its port.
 */
bool lockout_session(struct lockout *l, const struct host_ssh *s, const char *link, char why[LOCKOUT_WHY_LEN])
{
	struct explain_packet packet = {
		.to_gateway = true, .device = CORDON_NO_DEVICE,
		.flow = { .src = s->client, .dst = s->server, .proto = IPPROTO_TCP, .sport = EPHEMERAL,
			  .dport = s->port },
	};
	struct explain_answer answer[1];
	struct explain e = l->e;

	if (!strcmp(link, "lo"))
		return false;
	if (is_port(l->sealed, link))
		packet.device = cordon_policy_device_by_addr(l->sealed, &s->client);
	/* No interface but this one; and none, where that would have to be one of a bridge. */
	e.links = NULL;
	e.n_links = 0;
	if (!is_in_vlan(l->sealed, packet.device, link) && explain_add_link(&e, link)) {
		snprintf(why, LOCKOUT_WHY_LEN, "it cannot be judged: out of memory");
		return true;
	}
	packet.in = explain_find_link(&e, link);
	explain_packet(&e, &packet, answer);
	free(e.links);
	return tell(l, answer, false, why);
}

/* A device that has to prove itself before it gets further. */
static u32 find_newcomer(const struct cordon_policy *p)
{
	const struct cordon_posture none = { .leased = false };
	u32 i;

	for (i = 0; i < p->draft.n_devices; i++)
		if (cordon_device_state(p, i, &none) == CORDON_STATE_ONBOARDING)
			return i;
	return CORDON_NO_DEVICE;
}

/**
 * lockout_service - devices without a lease would not get to where they are to enrol or check in
 * @l: the policy
 * @port: of TCP, on this machine
 * @why: set, if so
 */
bool lockout_service(const struct lockout *l, u16 port, char why[LOCKOUT_WHY_LEN])
{
	struct explain_answer a = { .rule = CORDON_NO_DEVICE };
	const struct cordon_posture none = { .leased = false };
	u32 device = find_newcomer(l->sealed);
	struct cordon_end to = cordon_end_gateway();

	if (device == CORDON_NO_DEVICE)
		return false;
	a.from = cordon_end_device(l->sealed, device, &none);
	a.v = cordon_decide_connection(l->sealed, &a.from, &to, IPPROTO_TCP, port);
	return tell(l, &a, true, why);
}
