/* SPDX-License-Identifier: GPL-2.0 */
/* A fleet's policy: a file for each gateway, and one that they may all include. See cordon-policy(5). */
#ifndef CORDON_YAML_FLEET_H
#define CORDON_YAML_FLEET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#define POLICY_FLEET_COMMON	"../common.yaml"
#define POLICY_FLEET_TEXT	(512U << 10)	/* bytes of a file of a fleet's policy */

int policy_fleet_includes(const char *path, const char *text, size_t size, bool *common, FILE *errors);
int policy_fleet_ports(const char *path, const char *text, size_t size, const char *gateway,
		       bool (*has)(const char *port, void *arg), void *arg, FILE *errors);

#endif
