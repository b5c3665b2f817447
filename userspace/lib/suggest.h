/* SPDX-License-Identifier: GPL-2.0 */
/* Words that were mistyped. */
#ifndef _CORDON_SUGGEST_H
#define _CORDON_SUGGEST_H

#include "../../kernel/core/types.h"

const char *suggest(const char *word, const char *(*candidate)(const void *, u32), const void *of,
		    u32 n);

#endif
