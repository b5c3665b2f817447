/* SPDX-License-Identifier: GPL-2.0 */
/* /etc/cordon/policy.yaml, see cordon-policy(5). */
#ifndef CORDON_YAML_H
#define CORDON_YAML_H

#include <stdint.h>
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
int policy_load_files(const char *path, struct policy **out, char ***files, FILE *errors);
void policy_files_free(char **files);

/**
 * struct policy_text - what a file is about to say
 * @path: of the file
 * @text: all of it
 * @size: of @text
 * @was: what it said when that was made
 * @was_size: of @was
 */
struct policy_text {
	char *path;
	char *text;
	size_t size;
	char *was;
	size_t was_size;
};

/* yaml_put.c */
#define POLICY_DEVICE_KEYS 13
const char *policy_device_key(uint32_t key);
void policy_print_value(const struct policy *p, uint32_t i, uint32_t key, FILE *out);
void policy_print_device(const struct policy *p, uint32_t i, FILE *out);
void policy_print(const struct policy *p, FILE *out);
void policy_print_name(const char *name, FILE *out);

#endif
