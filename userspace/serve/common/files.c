// SPDX-License-Identifier: GPL-2.0
/* Files and descriptors of the processes that have connections. */
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "serve/common/serve.h"

/**
 * serve_directory_of - where a file really is, as that is what landlock goes by
 * @file: its path
 * @out: filled
 *
 * Return: @out; NULL, nowhere.
 */
const char *serve_directory_of(const char *file, char out[PATH_MAX])
{
	char *slash;

	if (!realpath(file, out))
		return NULL;
	slash = strrchr(out, '/');
	slash[slash == out] = 0;
	return out;
}

/**
 * serve_limit_files - as many descriptors as all connections need, but no more than whoever started the server allows
 * @most: how many
 */
void serve_limit_files(rlim_t most)
{
	struct rlimit files = { most, most };

	if (getrlimit(RLIMIT_NOFILE, &files))
		return;
	if (files.rlim_max > most)
		files.rlim_max = most;
	files.rlim_cur = files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files);
}
