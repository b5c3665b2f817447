/* SPDX-License-Identifier: GPL-2.0 */
/* What changes between two policies, for people. */
#ifndef CORDON_CHANGES_H
#define CORDON_CHANGES_H

#include "lib/diff.h"

void changes_print(const struct policy_diff *d, size_t most);

#endif
