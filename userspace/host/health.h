/* SPDX-License-Identifier: GPL-2.0 */
/* What a machine's files tell of how it will be after the next start. */
#ifndef CORDON_HOST_HEALTH_H
#define CORDON_HOST_HEALTH_H

#include <stdbool.h>

#define HOST_RELEASE_LEN 80	/* of a kernel's release, NUL included */

/** enum host_signed - whether a module has a signature */
enum host_signed { HOST_UNSIGNED, HOST_SIGNED, HOST_SIGNED_UNKNOWN };

bool host_has(const char *root, const char *path);
long host_number(const char *root, const char *path);
bool host_module_is_there(const char *root, const char *release);
enum host_signed host_module_is_signed(const char *root, const char *release);
bool host_newest_kernel(const char *root, char out[HOST_RELEASE_LEN]);
bool host_secure_boot(const char *root);
bool host_unit_is_there(const char *root, const char *unit);
bool host_unit_is_enabled(const char *root, const char *unit);

#endif
