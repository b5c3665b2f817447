/* SPDX-License-Identifier: GPL-2.0 */
/* One JSON object of strings and numbers, read and written without a library. */
#ifndef CORDON_EST_FLAT_H
#define CORDON_EST_FLAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define FLAT_TEXT_LEN	128

/**
 * struct flat_field - a member that is looked for
 * @name: its key
 * @text: where its text goes; NULL where a number is wanted
 * @size: of @text; 0, FLAT_TEXT_LEN. What does not fit is malformed
 * @number: where a number goes, or NULL
 * @found: it was there
 */
struct flat_field {
	const char *name;
	char *text;
	size_t size;
	int64_t *number;
	bool found;
};

int flat_read(const char *json, size_t len, struct flat_field *fields, size_t n);
void flat_put_text(FILE *out, const char *text);

#endif
