/* SPDX-License-Identifier: GPL-2.0 */
/* What a machine's files tell of how it will be after the next start. */
#ifndef CORDON_HOST_HEALTH_H
#define CORDON_HOST_HEALTH_H

#include <stdbool.h>
#include <stddef.h>

#define HOST_RELEASE_LEN 80	/* of a kernel's release, NUL included */
#define HOST_DKMS_KEY	"/var/lib/dkms/mok.pub"

/** enum host_signed - whether a module has a signature */
enum host_signed { HOST_UNSIGNED, HOST_SIGNED, HOST_SIGNED_UNKNOWN };

/** enum host_key - whether modules that are signed with a key are loaded under Secure Boot */
enum host_key { HOST_KEY_STRANGE, HOST_KEY_ENROLLED, HOST_KEY_UNKNOWN };

bool host_has(const char *root, const char *path);
long host_number(const char *root, const char *path);
bool host_module_is_there(const char *root, const char *release);
enum host_signed host_module_is_signed(const char *root, const char *release);
size_t host_kernels(const char *root, char (**out)[HOST_RELEASE_LEN]);
bool host_secure_boot(const char *root);
bool host_wants_signatures(const char *root);
enum host_key host_key_is_enrolled(const char *root);
bool host_unit_is_there(const char *root, const char *unit);
bool host_unit_is_enabled(const char *root, const char *unit);

#endif
