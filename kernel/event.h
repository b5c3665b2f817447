/* SPDX-License-Identifier: GPL-2.0 */
/* What happens is told to whoever shows it: netlink, sysfs. State knows neither. */
#ifndef _CORDON_EVENT_H
#define _CORDON_EVENT_H

#include "core/decide.h"

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
 * @port: that the device is tied to, if it is for that; or NULL
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
	const char *port;
};

/**
 * struct cordon_view - those who show things
 * @net_add: directories of a namespace; may sleep
 * @net_del: takes them away again; may sleep
 * @device_add: a directory for a device; may sleep
 * @device_del: takes it away again; may sleep
 * @segment_add: a directory for a segment; may sleep
 * @segment_del: takes it away again; may sleep
 * @policy: another policy came into force; may sleep
 * @device: the state of a device changed; RCU read side
 * @interface: an interface came, went, was closed or opened; RCU read side, or under RTNL
 * @anomaly: on the packet path, for a packet that is denied; RCU read side
 * @listening: somebody would hear of an anomaly, or of an interface
 */
struct cordon_view {
	int (*net_add)(struct cordon_net *cn);
	void (*net_del)(struct cordon_net *cn);
	int (*device_add)(struct cordon_net *cn, struct cordon_device *device);
	void (*device_del)(struct cordon_device *device);
	int (*segment_add)(struct cordon_net *cn, struct cordon_segment *segment);
	void (*segment_del)(struct cordon_segment *segment);
	void (*policy)(struct cordon_net *cn);
	void (*device)(struct cordon_net *cn, const struct cordon_ruleset *rs, u32 device);
	void (*interface)(struct cordon_net *cn, const struct cordon_report *report);
	void (*anomaly)(struct cordon_net *cn, const struct cordon_anomaly *anomaly);
	bool (*listening)(struct cordon_net *cn);
};

/* main.c fills it with the functions of the adapters. */
extern const struct cordon_view cordon_view;

#endif
