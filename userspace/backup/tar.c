// SPDX-License-Identifier: GPL-2.0
/* Headers of a tar as POSIX has them (ustar), of regular files of nobody in particular. */
#include <stdio.h>
#include <string.h>

#include "backup/backup.h"

/* Where the fields are, IEEE Std 1003.1, pax, "ustar Interchange Format". */
enum { MODE = 100, UID = 108, GID = 116, SIZE = 124, TIME = 136, SUM = 148, TYPE = 156, MAGIC = 257 };

static void put_octal(uint8_t *field, int digits, uint64_t value)
{
	char text[24];

	snprintf(text, sizeof(text), "%0*llo", digits, (unsigned long long)value);
	memcpy(field, text, digits + 1);
}

/**
 * tar_header - what stands in front of a file
 * @name: shorter than BACKUP_NAME_LEN
 * @size: less than BACKUP_PART_MAX
 * @mode: permissions
 * @time: seconds since 1970, not negative
 * @out: the header
 */
void tar_header(const char *name, uint64_t size, mode_t mode, int64_t time, uint8_t out[TAR_BLOCK])
{
	static const char magic[] = { 'u', 's', 't', 'a', 'r', 0, '0', '0' };
	unsigned int sum = 0;
	int i;

	memset(out, 0, TAR_BLOCK);
	for (i = 0; i < BACKUP_NAME_LEN && name[i]; i++)
		out[i] = (uint8_t)name[i];
	put_octal(out + MODE, 7, mode & 07777);
	put_octal(out + UID, 7, 0);
	put_octal(out + GID, 7, 0);
	put_octal(out + SIZE, 11, size & 077777777777);
	put_octal(out + TIME, 11, (uint64_t)time & 077777777777);
	out[TYPE] = '0';
	memcpy(out + MAGIC, magic, sizeof(magic));
	memset(out + SUM, ' ', 8);
	for (i = 0; i < TAR_BLOCK; i++)
		sum += out[i];
	put_octal(out + SUM, 6, sum);
}

/**
 * tar_number - a number of a header
 * @field: octal digits, then a NUL
 * @len: of @field
 *
 * Return: the number; -1, there is none.
 */
int64_t tar_number(const uint8_t *field, size_t len)
{
	int64_t value = 0;
	size_t i;

	for (i = 0; i < len - 1; i++) {
		if (field[i] < '0' || field[i] > '7')
			return -1;
		value = value << 3 | (field[i] - '0');
	}
	return field[i] ? -1 : value;
}
