/* SPDX-License-Identifier: GPL-2.0 */
/* The policy of a fleet: its files, and what became of it on each gateway. */
#ifndef CORDON_CTL_FLEET_POLICY_H
#define CORDON_CTL_FLEET_POLICY_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/**
 * struct fleet_file - a gateway's file
 * @gateway: its name
 * @path: of the file
 * @text: all of it
 * @size: of @text
 * @common: it includes the common one
 * @summary: what it says, in numbers
 */
struct fleet_file {
	char *gateway;
	char *path;
	char *text;
	size_t size;
	bool common;
	char summary[128];
};

/**
 * struct fleet_dir - DIR
 * @common_path: of common.yaml
 * @common: its text; NULL, there is none
 * @common_size: of @common
 * @files: of gateways, by name
 * @n: how many
 */
struct fleet_dir {
	char *common_path;
	char *common;
	size_t common_size;
	struct fleet_file *files;
	size_t n;
};

/* fleet_dir.c */
int fleet_dir_read(struct fleet_dir *d, const char *dir);
void fleet_dir_free(struct fleet_dir *d);
int fleet_dir_check(const struct fleet_dir *d, json_t *gateways, bool force);

/**
 * struct fleet_order_options - how a policy is ordered
 * @config: serve.yaml; NULL, the usual one
 * @confirm: seconds on trial; 0, for good
 * @wait: seconds for the gateways' answers
 * @dry: nothing is ordered
 * @force: also what may be a mistake
 */
struct fleet_order_options {
	const char *config;
	uint32_t confirm;
	uint32_t wait;
	bool dry;
	bool force;
};

#define FLEET_POLICY_WAIT	30	/* seconds, unless something else is said */

/* fleet_apply.c */
int fleet_policy_apply(const char *dir, const struct fleet_order_options *o);
int fleet_policy_confirm(const char *config, uint32_t wait);

/* fleet_policy.c */
void fleet_policy_line(const char *name, const json_t *gateway, const json_t *order);

#endif
