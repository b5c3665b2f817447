// SPDX-License-Identifier: GPL-2.0
/*
 * A file whose PIN was refused has a file beside it, FILE.refused, until it is changed or touched: a timer that starts a
 * command again and again would lock the token. Where none can be written, whoever starts the command must see to it.
 */
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../lib/file.h"
#include "hardware.h"

#define SUFFIX	".refused"

static bool is_later(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec != b->tv_sec ? a->tv_sec > b->tv_sec : a->tv_nsec > b->tv_nsec;
}

static void mark_of(const char *file, char out[PKI_URI_MAX + sizeof(SUFFIX)])
{
	snprintf(out, PKI_URI_MAX + sizeof(SUFFIX), "%s" SUFFIX, file);
}

/**
 * pki_pin_is_refused - was this file's PIN refused, as it is now
 * @file: that holds a PIN
 */
bool pki_pin_is_refused(const char *file)
{
	char mark[PKI_URI_MAX + sizeof(SUFFIX)];
	struct stat pin, refused;

	mark_of(file, mark);
	return !stat(file, &pin) && !stat(mark, &refused) && !is_later(&pin.st_ctim, &refused.st_mtim);
}

/**
 * pki_pin_remember - remember what a token said to a file's PIN
 * @file: that holds it
 * @was_refused: else it was accepted
 */
void pki_pin_remember(const char *file, bool was_refused)
{
	char mark[PKI_URI_MAX + sizeof(SUFFIX)];

	mark_of(file, mark);
	if (was_refused)
		file_write(mark, "", 0, 0600);
	else if (!access(mark, F_OK))
		unlink(mark);
}
