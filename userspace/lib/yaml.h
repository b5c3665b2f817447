/* SPDX-License-Identifier: GPL-2.0 */
/* /etc/cordon/policy.yaml, see cordon-policy(5). */
#ifndef CORDON_YAML_H
#define CORDON_YAML_H

#include <stdio.h>

struct policy;

#define POLICY_PATH	"/etc/cordon/policy.yaml"

/**
 * policy_load - read a policy file
 * @path: the file, "-" for standard input
 * @out: the policy, on success
 * @errors: where every fault of the file is written, file:line:col: text, then
 *	the line and a caret; warnings (prefixed "warning: ") go there too
 *
 * All faults of a file are reported in one run.
 * Return: 0, or the number of faults (at least 1).
 */
int policy_load(const char *path, struct policy **out, FILE *errors);

/* yaml_put.c */
void policy_print(const struct policy *p, FILE *out);
void policy_print_name(const char *name, FILE *out);

#endif
