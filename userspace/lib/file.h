/* SPDX-License-Identifier: GPL-2.0 */
/* Files, whole: read up to a limit, written so that there is the old one or the new one. */
#ifndef CORDON_FILE_H
#define CORDON_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct stat;

int file_read(const char *path, size_t max, char **out, size_t *len);
int file_write(const char *path, const void *data, size_t len, mode_t mode);
int file_write_like(const char *path, const void *data, size_t len, const struct stat *like);
int file_write_all(int fd, const void *data, size_t len);
int file_sync(const char *path);
int file_sync_dir(const char *path);
int file_sync_parent(const char *path);
int file_make_dirs(const char *path, mode_t mode);
bool file_is_same(const struct stat *a, const struct stat *b);

#endif
