/* SPDX-License-Identifier: GPL-2.0 */
/* What a policy's YAML is read with: fields of a mapping, names of values, what was seen already. */
#ifndef CORDON_YAML_GET_H
#define CORDON_YAML_GET_H

#include "policy.h"
#include "yaml_tree.h"

#define YAML_PREFIX_LENGTHS	129

/**
 * struct yaml_field - a key that a mapping may have
 * @name: the key
 * @required: it must be there
 */
struct yaml_field {
	const char *name;
	bool required;
};

/**
 * struct seen_key - what must not come twice
 * @hi: a number, or the hash of @text
 * @lo: more of it
 * @text: a name that outlives the table, or NULL
 */
struct seen_key {
	u64 hi;
	u64 lo;
	const char *text;
};

/**
 * struct seen - a hash table of what was seen, and on which line
 * @slots: open addressing
 * @mask: number of slots less one
 * @n: slots in use
 */
struct seen {
	struct seen_slot *slots;
	u32 mask;
	u32 n;
};

/**
 * struct loader - a policy on its way from YAML
 * @report: collects the faults
 * @policy: what is being built
 * @names: of devices
 * @segments: names of segments
 * @ports: names of ports
 * @uplinks: names of uplinks
 * @macs: of devices
 * @addresses: of devices
 * @servers: of DHCP
 * @idevids: manufacturers' certificates of devices
 * @networks: of segments, by length
 * @warned_kinds: the warning was given, by kind of anomaly
 */
struct loader {
	struct report *report;
	struct policy *policy;
	struct seen names;
	struct seen segments;
	struct seen ports;
	struct seen uplinks;
	struct seen macs;
	struct seen addresses;
	struct seen servers;
	struct seen idevids;
	struct seen networks[YAML_PREFIX_LENGTHS];
	bool warned_kinds[CORDON_KINDS];
};

bool yaml_fields(struct loader *l, const struct yaml_node *map, const char *what,
		 const struct yaml_field *fields, u32 n, struct yaml_node **out);
bool yaml_has(const struct yaml_node *map, const struct yaml_field *fields, u32 n, u32 field);
bool yaml_is(struct loader *l, const struct yaml_node *node, enum yaml_kind kind, const char *what);
const char *yaml_text(struct loader *l, const struct yaml_node *node, const char *what);
int yaml_enum(struct loader *l, const struct yaml_node *node, const char *what,
	      const char *(*name)(u32), u32 n);
int yaml_bool(struct loader *l, const struct yaml_node *node, const char *what);
bool yaml_name(struct loader *l, const struct yaml_node *node, const char *what,
	       char *out, size_t size);
u16 yaml_segment(struct loader *l, const struct yaml_node *node, const char *what);
int yaml_kind(struct loader *l, const struct yaml_node *node);
u16 yaml_port(struct loader *l, const struct yaml_node *node);

struct seen_key seen_name(const char *text);
bool yaml_seen(struct loader *l, struct seen *s, struct seen_key key,
	       const struct yaml_node *node, const char *what);
bool yaml_was_seen(const struct seen *s, struct seen_key key);
void yaml_no_memory(struct loader *l, const struct yaml_node *node);

/* yaml_segment.c */
void yaml_load_segments(struct loader *l, const struct yaml_node *map);
void yaml_load_rules(struct loader *l, const struct yaml_node *list);

/* yaml_interface.c */
void yaml_load_ports(struct loader *l, const struct yaml_node *list);
void yaml_load_uplinks(struct loader *l, const struct yaml_node *list);
void yaml_load_interfaces(struct loader *l, const struct yaml_node *list);
void yaml_want_uplinks(struct loader *l, struct report_mark at);

/* yaml_device.c */
void yaml_load_devices(struct loader *l, const struct yaml_node *list);
void yaml_load_servers(struct loader *l, const struct yaml_node *list);

#endif
