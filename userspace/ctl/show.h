/* SPDX-License-Identifier: GPL-2.0 */
/* What 'show' shows. */
#ifndef CORDON_SHOW_H
#define CORDON_SHOW_H

#include "ctl/ctl.h"
#include "store/store.h"

/**
 * struct filter - what is left out
 * @name: all but this one; or NULL
 * @mac: of a device, where @name is a MAC
 * @is_mac: it is
 * @segment: all that is not of this segment; or NULL
 * @from: rules that are not from this one; or NULL
 * @to: rules that are not to this one; or NULL
 */
struct filter {
	const char *name;
	u8 mac[6];
	bool is_mac;
	const char *segment;
	const char *from;
	const char *to;
};

/**
 * struct shown - everything that show may print
 * @filter: what of it
 * @exact: numbers to their last digit
 * @p: the policy
 * @runtime: state and counters
 * @versions: of devices' firmware, as far as the registry may be read
 * @interfaces: of this network namespace, if asked for
 * @bindings: if asked for; with devices, those that were learned, by MAC
 */
struct shown {
	struct filter filter;
	bool exact;
	struct policy *p;
	struct cnl_runtime runtime;
	struct versions versions;
	struct cnl_interfaces interfaces;
	struct cnl_bindings bindings;
};

/* show_filter.c */
bool shown_wants_segment(const struct shown *s, u32 i);
bool shown_wants_network(const struct shown *s, u32 i);
bool shown_wants_rule(const struct shown *s, u32 i);
bool shown_wants_device(const struct shown *s, u32 i);
bool shown_wants_binding(const struct shown *s, u32 i);
bool shown_wants_interface(const struct shown *s, u32 i);
int shown_check_segment(const struct policy *p, const char *name);

#endif
