/* SPDX-License-Identifier: GPL-2.0 */
/* Which process listens at a port. */
#ifndef CORDON_HOST_HOLDER_H
#define CORDON_HOST_HOLDER_H

#include <stdbool.h>
#include <stdint.h>

#define HOST_HOLDER_LEN 48

bool host_holder(const char *root, uint16_t port, char out[HOST_HOLDER_LEN]);

#endif
