/* SPDX-License-Identifier: GPL-2.0 */
/* A policy in user space: a draft that grows, and what is done with it. */
#ifndef CORDON_POLICY_H
#define CORDON_POLICY_H

#include <time.h>

#include "../../kernel/core/policy.h"

#define POLICY_SERIAL_LEN	65	/* ITU-T X.520, ub-serial-number, and its end */

/**
 * struct policy_idevid - the manufacturer's certificate that a device may enrol with (IEEE 802.1AR)
 * @device: place in the draft
 * @issuer: the manufacturer, by its name in serve.yaml
 * @serial: the certificate's subject has this serial number
 */
struct policy_idevid {
	u32 device;
	char issuer[CORDON_NAME_LEN];
	char serial[POLICY_SERIAL_LEN];
};

/**
 * struct policy - a draft that owns its lists
 *
 * Filled from YAML (yaml.c) or from the kernel (nl). Begins with the built-in
 * segments. Devices name their segment and ports by place, as in cordon_draft.
 */
struct policy {
	struct cordon_draft draft;
	u32 generation;			/* of the kernel's; 0 for a file */
	struct {
		u32 ports, segments, networks, rules, matches, devices, addresses, uplinks, interfaces,
			servers;
	} room;				/* allocated length of each list */
	u16 *lookup;			/* segments seen by policy_find_segment(), by hash */
	struct policy_idevid *idevids;	/* in the devices' order; of a file alone: the kernel does not have them */
	u32 n_idevids, room_idevids;
	u32 *roaming;			/* segments whose devices may go from gateway to gateway, by place; of a file alone */
	u32 n_roaming, room_roaming;
	u32 *staying;			/* devices that say they may not, by place, in their order; likewise */
	u32 n_staying, room_staying;
};

struct policy *policy_new(void);
void policy_free(struct policy *p);

/* Append a zeroed (segments: defaulted) object. NULL: no memory. Pointers into a list
 * are valid until the next append to it. A match or an address belongs to the
 * rule or device that was appended last, an interface to the segment. */
struct cordon_port_def *policy_add_port(struct policy *p);
struct cordon_segment_def *policy_add_segment(struct policy *p);
struct cordon_network_def *policy_add_network(struct policy *p);
struct cordon_rule_def *policy_add_rule(struct policy *p);
struct cordon_match *policy_add_match(struct policy *p);
struct cordon_device_def *policy_add_device(struct policy *p);
struct cordon_addr *policy_add_address(struct policy *p);
struct cordon_uplink_def *policy_add_uplink(struct policy *p);
struct cordon_interface_def *policy_add_interface(struct policy *p);
struct cordon_addr *policy_add_server(struct policy *p);
struct policy_idevid *policy_add_idevid(struct policy *p);	/* of the device that was appended last */
bool policy_set_roaming(struct policy *p);	/* the segment that was appended last; false: no memory */
bool policy_set_staying(struct policy *p);	/* the device, likewise */
bool policy_is_roaming(const struct policy *p, u32 segment);
bool policy_is_staying(const struct policy *p, u32 device);
bool policy_may_roam(const struct policy *p, u32 device);
void policy_forget_places(struct policy *p);

/* learned.c */

/** struct policy_learned - an address that the device of a MAC has learned */
struct policy_learned {
	u8 mac[6];
	struct cordon_addr addr;
};

int policy_learn(struct policy *p, struct policy_learned *list, u32 n);

u16 policy_find_segment(const struct policy *p, const char *name);
u16 policy_find_port(const struct policy *p, const char *name);

#define POLICY_PORTS_LEN (CORDON_MAX_DEVICE_PORTS * (CORDON_IFNAME_LEN + 2))
const char *policy_ports_text(const struct cordon_draft *d, const struct cordon_device_def *v,
			      char buf[POLICY_PORTS_LEN]);		/* lan0, lan1 */

/* Seal with the kernel's own code. 0, or -errno with *err telling why. Free with free(). */
int policy_seal(const struct policy *p, struct cordon_policy **out, struct cordon_error *err);

/* A sentence for a core error: object and value named; buf is always terminated. */
void policy_error_text(const struct policy *p, const struct cordon_error *err,
		       char *buf, size_t size);

/* Text forms, the same in every command's output and in JSON. */
#define POLICY_ADDR_LEN 64
#define POLICY_PROTO_LEN 16
#define POLICY_MATCH_LEN 40
#define POLICY_TIME_LEN 24
const char *policy_addr_text(const struct cordon_addr *a, char buf[POLICY_ADDR_LEN]);
const char *policy_network_text(const struct cordon_network_def *n, char buf[POLICY_ADDR_LEN]);
const char *policy_mac_text(const u8 mac[6], char buf[18]);
const char *policy_hex_text(const u8 *bytes, size_t n, char *buf);	/* 2 * n digits, terminated */
const char *policy_time_text(time_t t, char buf[POLICY_TIME_LEN]);	/* 2026-01-02T03:04:05Z (RFC 3339) */
const char *policy_match_text(const struct cordon_match *m, char buf[POLICY_MATCH_LEN]);	/* tcp/443, any */
int policy_addr_parse(const char *text, struct cordon_addr *out);		/* 0 or -EINVAL */
int policy_network_parse(const char *text, struct cordon_network_def *out);	/* host bits stay */
int policy_hex_parse(const char *text, size_t n, u8 *out);	/* lower case */
int policy_mac_parse(const char *text, u8 mac[6]);
int policy_match_parse(const char *text, struct cordon_match *out);
int policy_port_parse(u8 proto, const char *text, u16 *port);		/* 443, echo-request; 0 or -EINVAL */
int policy_duration_parse(const char *text, u32 *seconds);			/* 30s 15m 1h 7d */
const char *policy_duration_text(u32 seconds, char buf[16]);
const char *policy_kind_name(u32 kind);		/* spoofed_source */
int policy_kind_find(const char *name);		/* or -1 */
const char *policy_state_name(u32 state);
const char *policy_encryption_name(u32 encryption);	/* any, TLS1.2, TLS1.3 */
const char *policy_authentication_name(u32 authentication);
const char *policy_action_name(u32 action);
const char *policy_mode_name(u32 mode);
const char *policy_learn_name(u32 learn);	/* none, auto, auto-static */
const char *policy_origin_name(u32 origin);	/* policy, dhcp, nd, arp */

/* protocol.c */
const char *policy_proto_name(u8 proto);	/* gre, or NULL */
const char *policy_proto_text(u8 proto, char buf[POLICY_PROTO_LEN]);
int policy_proto_parse(const char *text);	/* gre, 47; or -EINVAL */
const char *policy_proto_each(const void *of, u32 i);
u32 policy_proto_count(void);

#endif
