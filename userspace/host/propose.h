/* SPDX-License-Identifier: GPL-2.0 */
/* A first policy for a machine. */
#ifndef CORDON_HOST_PROPOSE_H
#define CORDON_HOST_PROPOSE_H

#include <stdio.h>

#include "host/facts.h"
#include "host/session.h"

/** enum host_role - what an interface becomes */
enum host_role {
	HOST_NONE,
	HOST_PORT,
	HOST_UPLINK,
	HOST_OVER_PORTS,	/* a bridge in which ports are, or a VLAN of one: in no list */
};

/**
 * struct proposal - what a policy is made from
 * @facts: the machine
 * @roles: beside @facts->links, one for each
 * @ssh: the session that is to be kept, or NULL
 * @link: by which it comes in, or NULL
 * @admin: whether @admin_net is
 * @admin_net: from where the machine is administered
 * @admin_link: by which interface it is reached
 * @service: port of SSH
 */
struct proposal {
	const struct host_facts *facts;
	enum host_role *roles;
	const struct host_ssh *ssh;
	const struct host_link *link;
	bool admin;
	struct cordon_network_def admin_net;
	const struct host_link *admin_link;
	u16 service;
};

/**
 * struct host_place - where a device is
 * @port: the port that it is tied to; NULL, none
 * @vlan: the VLAN of that port; 0, that of untagged frames
 */
struct host_place {
	const struct host_link *port;
	u16 vlan;
};

/* place.c */
const struct host_link *propose_bridge(const struct proposal *p, const struct host_link *l);
const char *propose_place(const struct proposal *p, const u8 mac[6], const struct host_link *l, struct host_place *out);
void propose_place_notes(const struct proposal *p, const char *prefix, FILE *out);

/* propose.c */
int propose_roles(struct proposal *p);
void propose_stacks(struct proposal *p);
bool propose_has_devices(const struct proposal *p, const struct host_link *l);
const char *propose_port_fault(const struct host_facts *f, const struct host_link *l);
void propose_notes(const struct proposal *p, const char *prefix, FILE *out);
int propose_policy(const struct proposal *p, struct policy **out, char why[256]);

#endif
