/* SPDX-License-Identifier: GPL-2.0 */
/* Ranges and conditions of HTTP (RFC 9110, 13 and 14). Pure. */
#ifndef CORDON_RANGE_H
#define CORDON_RANGE_H

#include <stdbool.h>
#include <stdint.h>

/** enum range - what a Range field asks for */
enum range {
	RANGE_ALL,		/* nothing, or nothing that is understood: everything */
	RANGE_PART,
	RANGE_BEYOND,		/* nothing that is there */
};

enum range range_parse(const char *field, uint64_t size, uint64_t *first, uint64_t *end);
bool range_etag_matches(const char *field, const char *etag);

#endif
