// SPDX-License-Identifier: GPL-2.0
/* Behind which port of a bridge a device is, and in which VLAN, where a policy has to say it. */
#include <string.h>

#include "host/propose.h"

/**
 * propose_bridge - the bridge of ports that an interface is, or is a VLAN of
 * @p: the proposal
 * @l: the interface
 *
 * Return: NULL, there is none.
 */
const struct host_link *propose_bridge(const struct proposal *p, const struct host_link *l)
{
	if (p->roles[l - p->facts->links] != HOST_OVER_PORTS)
		return NULL;
	return l->kind == HOST_VLAN ? host_find_link(p->facts, l->below) : l;
}

static bool is_port_of(const struct proposal *p, const struct host_link *l, const struct host_link *bridge)
{
	return p->roles[l - p->facts->links] == HOST_PORT && !strcmp(l->master, bridge->name);
}

static u16 vlan_of(const struct host_link *l)
{
	return l->kind == HOST_VLAN ? l->vlan : l->pvid;
}

static bool is_seen(const struct proposal *p, const u8 mac[6], const struct host_link *bridge, u16 vlan)
{
	const struct host_facts *f = p->facts;
	u32 i;

	for (i = 0; i < f->n_seen; i++)
		if (f->seen[i].vlan == vlan && !memcmp(f->seen[i].mac, mac, 6) &&
		    is_port_of(p, &f->links[f->seen[i].link], bridge))
			return true;
	return false;
}

/* It has an address in another VLAN of the bridge, too, and was seen there. */
static bool is_in_two(const struct proposal *p, const u8 mac[6], const struct host_link *bridge,
		      const struct host_link *here)
{
	const struct host_facts *f = p->facts;
	const struct host_link *l;
	u32 i;

	for (i = 0; i < f->n_leases; i++) {
		l = memcmp(f->leases[i].mac, mac, 6) ? NULL : host_find_route(f, &f->leases[i].addr);
		if (l && l != here && propose_bridge(p, l) == bridge && is_seen(p, mac, bridge, vlan_of(l)))
			return true;
	}
	return false;
}

/*
 * Where the bridge has learned a MAC in a VLAN; 0, in any. Who is in a tagged VLAN may send now and then without a tag, too.
 * Return: false, at more than one port, if that matters.
 */
static bool find_seen(const struct proposal *p, const u8 mac[6], const struct host_link *bridge, u16 vlan,
		      struct host_place *out, bool *seen)
{
	const struct host_facts *f = p->facts;
	bool tagged = false, several = false;
	u32 i;

	*seen = false;
	for (i = 0; i < f->n_seen; i++) {
		const struct host_seen *s = &f->seen[i];
		const struct host_link *l = &f->links[s->link];

		if (memcmp(s->mac, mac, 6) || (vlan && s->vlan != vlan) || !is_port_of(p, l, bridge))
			continue;
		several |= *seen && (out->port != l || out->vlan != s->vlan);
		tagged |= s->vlan != l->pvid;
		*out = (struct host_place){ l, s->vlan };
		*seen = true;
	}
	if (*seen && !tagged)
		*out = (struct host_place){ NULL, 0 };
	return !several || !tagged;
}

/* By the VLANs of the ports alone: all that are in it have it untagged, or there is but one. */
static bool find_only(const struct proposal *p, const struct host_link *bridge, u16 vlan, struct host_place *out)
{
	const struct host_facts *f = p->facts;
	u32 i, n = 0, untagged = 0;

	for (i = 0; i < f->n_links; i++) {
		const struct host_link *l = &f->links[i];

		if (!is_port_of(p, l, bridge) || !(l->in_vlan[vlan / 8] & 1 << vlan % 8))
			continue;
		n++;
		untagged += l->pvid == vlan;
		*out = (struct host_place){ l, vlan };
	}
	if (n && n == untagged)
		*out = (struct host_place){ NULL, 0 };
	return n == 1 || (n && n == untagged);
}

/* In a bridge that filters VLANs, whose members are known. */
static const char *find_place(const struct proposal *p, const u8 mac[6], const struct host_link *bridge,
			      const struct host_link *l, struct host_place *out)
{
	u16 vlan = vlan_of(l);
	bool seen;

	if (is_in_two(p, mac, bridge, l) || !find_seen(p, mac, bridge, vlan, out, &seen))
		return "seen in more than one VLAN, or at more than one port";
	if (!seen && (!vlan || vlan > CORDON_MAX_VLAN || !find_only(p, bridge, vlan, out)))
		return "in a VLAN, and behind which port is not known";
	return out->vlan && bridge->provider ? "in a VLAN of a bridge whose tags are 802.1ad's, where none can be told" : NULL;
}

/**
 * propose_place - what a policy has to say of where a device is
 * @p: the proposal
 * @mac: the device's
 * @l: by which interface an address of it is reached
 * @out: filled: the port that it is tied to, and the VLAN of that; or neither
 *
 * Of a device in the VLAN of untagged frames nothing has to be said, wherever in a bridge it is. In another VLAN it is
 * behind one port: as the bridge has learned, or as no other port is in that VLAN.
 *
 * Return: NULL; or why nobody knows, and to list it might lock it out.
 */
const char *propose_place(const struct proposal *p, const u8 mac[6], const struct host_link *l, struct host_place *out)
{
	const struct host_link *bridge = propose_bridge(p, l);

	*out = (struct host_place){ NULL, 0 };
	if (!bridge) {
		out->port = l;
		return NULL;
	}
	if (!bridge->filters)
		return l == bridge ? NULL : "in a VLAN of a bridge that does not filter VLANs, where none can be told";
	if (!p->facts->asked)
		return l == bridge ? NULL : "in a VLAN, and behind which port is not known";
	return find_place(p, mac, bridge, l, out);
}

/**
 * propose_place_notes - say who is not listed, as nobody knows where it is
 * @p: the proposal
 * @prefix: of each line
 * @out: where to
 */
void propose_place_notes(const struct proposal *p, const char *prefix, FILE *out)
{
	const struct host_facts *f = p->facts;
	char name[CORDON_IFNAME_LEN], mac[18];
	const struct host_link *link;
	struct host_place at;
	const char *why;
	u32 i, j;

	for (i = 0; i < f->n_leases; i++) {
		link = host_find_route(f, &f->leases[i].addr);
		why = link && propose_has_devices(p, link) ? propose_place(p, f->leases[i].mac, link, &at) : NULL;
		for (j = 0; why && j < i; j++)
			if (!memcmp(f->leases[j].mac, f->leases[i].mac, 6) && host_find_route(f, &f->leases[j].addr) == link)
				why = NULL;
		if (why)
			fprintf(out, "%s%s: on %s, %s: not listed there, as to enforce might lock it out\n", prefix,
				policy_mac_text(f->leases[i].mac, mac), host_clean(link->name, name), why);
	}
}
