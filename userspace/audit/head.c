// SPDX-License-Identifier: GPL-2.0
/*
 * audit.head: number and hash of the last line, so that it is seen when lines are cut off at the end. Two places of 128
 * bytes, written in turn: whenever writing breaks off, one of them is whole. It needs no directory and no rename, so a
 * confined process can write it.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "audit/audit.h"

#define SLOT	128
#define SLOTS	2
#define DIGITS	20	/* of the number */
#define SUM	16	/* of the sum */

/* NUMBER HASH SUM, of which the sum is of what stands before it. */
static void fill(const struct audit_end *end, char out[SLOT])
{
	char text[SLOT], sum[AUDIT_HASH_LEN];
	int n = snprintf(text, sizeof(text), "%0*" PRIu64 " %.64s ", DIGITS, end->seq, end->hash);

	audit_hash(text, n, sum);
	memset(out, ' ', SLOT);
	memcpy(out, text, n);
	memcpy(out + n, sum, SUM);
	out[SLOT - 1] = '\n';
}

static bool take(const char slot[SLOT], struct audit_end *out)
{
	char number[DIGITS + 1], same[SLOT];

	snprintf(number, sizeof(number), "%.*s", DIGITS, slot);
	out->seq = strtoull(number, NULL, 10);
	snprintf(out->hash, sizeof(out->hash), "%.*s", AUDIT_HASH_LEN - 1, slot + DIGITS + 1);
	fill(out, same);
	return !memcmp(same, slot, SLOT);
}

/**
 * audit_head_read - where the log ended last
 * @fd: audit.head
 * @out: filled; zeros, nothing is known
 * @slot: which of the places it has; may be NULL
 *
 * Return: 0; -ENOENT, it has nothing; another -errno.
 */
int audit_head_read(int fd, struct audit_end *out, unsigned int *slot)
{
	char all[SLOTS * SLOT] = "";
	struct audit_end end;
	bool found = false;
	unsigned int i;

	memset(out, 0, sizeof(*out));
	if (pread(fd, all, sizeof(all), 0) < 0)
		return -errno;
	for (i = 0; i < SLOTS; i++) {
		memset(&end, 0, sizeof(end));
		if (!take(all + (size_t)i * SLOT, &end) || (found && end.seq < out->seq))
			continue;
		*out = end;
		found = true;
		if (slot)
			*slot = i;
	}
	return found ? 0 : -ENOENT;
}

/**
 * audit_head_write - the log ends here now
 * @fd: audit.head
 * @end: where
 *
 * Return: 0 or -errno; what was there before is there yet.
 */
int audit_head_write(int fd, const struct audit_end *end)
{
	struct audit_end before;
	unsigned int slot = SLOTS - 1;
	char text[SLOT];
	ssize_t n;

	audit_head_read(fd, &before, &slot);
	fill(end, text);
	n = pwrite(fd, text, SLOT, (off_t)((slot + 1) % SLOTS) * SLOT);
	if (n != SLOT)
		return n < 0 ? -errno : -ENOSPC;
	return fdatasync(fd) ? -errno : 0;
}
