/* SPDX-License-Identifier: GPL-2.0 */
/* Text that may not be UTF-8, for formats in which all text is. */
#ifndef CORDON_UTF8_H
#define CORDON_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define UTF8_REPLACEMENT	0xfffdU
#define UTF8_REPLACEMENT_TEXT	"\xef\xbf\xbd"

bool utf8_is_hidden(uint32_t c);
size_t utf8_next(const char *text, uint32_t *code);
char *utf8_repair(const char *text);

#endif
