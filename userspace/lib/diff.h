/* SPDX-License-Identifier: GPL-2.0 */
/* What changes between two policies. */
#ifndef CORDON_DIFF_H
#define CORDON_DIFF_H

#include <stddef.h>

struct policy;

enum policy_change_op { POLICY_ADD, POLICY_DELETE, POLICY_CHANGE };

/**
 * struct policy_change - one difference
 * @op: what happens to the object
 * @object: "mode", "port", "uplink", "dhcp_server", "segment", "network", "rule", "device"
 * @name: of the object (a rule's: "iot_zone -> wan")
 * @field: POLICY_CHANGE: the field's name as in YAML, else NULL
 * @before: its text before, or NULL
 * @after: its text after, or NULL
 */
struct policy_change {
	enum policy_change_op op;
	const char *object;
	char *name;
	const char *field;
	char *before;
	char *after;
};

struct policy_diff {
	struct policy_change *changes;
	size_t n;
};

/* The order of ports, segments, networks and devices does not matter; that of
 * rules does not either, since all of them only allow. 0 or -ENOMEM. */
int policy_diff(const struct policy *before, const struct policy *after,
		struct policy_diff *out);
void policy_diff_free(struct policy_diff *d);

#endif
