/* SPDX-License-Identifier: GPL-2.0 */
/* This machine's interfaces, beside what a policy says of them. */
#ifndef CORDON_MACHINE_H
#define CORDON_MACHINE_H

#include <stdio.h>

#include "policy.h"

u32 machine_interfaces(char (**out)[CORDON_IFNAME_LEN]);
bool machine_is_named(const struct policy *p, const char *ifname);
void machine_compare(const struct policy *p, const char *path, FILE *out);
void machine_compare_source(const struct policy *p, const char *path, FILE *out);

#endif
