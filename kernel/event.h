/* SPDX-License-Identifier: GPL-2.0 */
/* What the state tells those who show it: of sysfs and netlink it knows this, and no more. */
#ifndef _CORDON_EVENT_H
#define _CORDON_EVENT_H

#include "core/decide.h"

struct cordon_binding;
struct cordon_device_def;
struct cordon_net;
struct cordon_report;
struct cordon_ruleset;
struct cordon_tls_facts;
struct cordon_device;
struct cordon_segment;

/**
 * struct cordon_anomaly - an anomaly, as it is told
 * @kind: enum cordon_kind
 * @mac: source MAC, or NULL
 * @name: of the device, or NULL
 * @ifindex: where it came in; 0, unknown
 * @flow: what was opened
 * @tls: what its hellos said, or NULL
 * @suppressed: how many since the last one were not told
 * @denied: the packet was dropped
 * @acted: it reached its limit
 * @action: enum cordon_action, what followed
 * @ports: that the device is tied to, if it is for that
 * @n_ports: how many of them
 */
struct cordon_anomaly {
	u8 kind;
	const u8 *mac;
	const char *name;
	int ifindex;
	const struct cordon_flow *flow;
	const struct cordon_tls_facts *tls;
	u32 suppressed;
	bool denied;
	bool acted;
	u8 action;
	const char *ports[CORDON_MAX_DEVICE_PORTS];
	u8 n_ports;
};

/* sysfs.c: directories of a namespace, of a device, of a segment. All may sleep. */
int cordon_sysfs_net_add(struct cordon_net *cn);
void cordon_sysfs_net_del(struct cordon_net *cn);
int cordon_sysfs_device_add(struct cordon_net *cn, struct cordon_device *device);
void cordon_sysfs_device_del(struct cordon_device *device);
int cordon_sysfs_segment_add(struct cordon_net *cn, struct cordon_segment *segment);
void cordon_sysfs_segment_del(struct cordon_segment *segment);

/* netlink_event.c: events. Another policy is in force; may sleep. */
void cordon_netlink_policy(struct cordon_net *cn);
/* The state of a device changed. Context: RCU read side. */
void cordon_netlink_device(struct cordon_net *cn, const struct cordon_ruleset *rs, u32 device);
/* An interface came, went, was closed or opened. Context: RCU read side, or under RTNL. */
void cordon_netlink_interface(struct cordon_net *cn, const struct cordon_report *report);
/* A device has learned an address, or it has ended. Context: may sleep. */
void cordon_netlink_binding(struct cordon_net *cn, const struct cordon_device_def *def,
			    const struct cordon_binding *b, bool ended);
/* On the packet path, for a packet that is denied, or goes over a limit. Context: RCU read side. */
void cordon_netlink_anomaly(struct cordon_net *cn, const struct cordon_anomaly *anomaly);
/* Somebody would hear of an anomaly, or of an interface. */
bool cordon_netlink_listening(struct cordon_net *cn);

#endif
