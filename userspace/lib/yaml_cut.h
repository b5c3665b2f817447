/* SPDX-License-Identifier: GPL-2.0 */
/* Where a device stands in a policy file, so that it can be taken out and all else stays as it was written. */
#ifndef CORDON_YAML_CUT_H
#define CORDON_YAML_CUT_H

#include <stddef.h>
#include <stdint.h>

/**
 * struct yaml_cut - the bytes to take out
 * @from: the first one
 * @to: the one after the last
 * @line: on which line that is, from 1
 */
struct yaml_cut {
	size_t from;
	size_t to;
	uint32_t line;
};

int yaml_cut_device(const char *text, size_t size, const char *name, struct yaml_cut *out);

#endif
