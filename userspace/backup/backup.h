/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A backup: a tar (POSIX ustar) of regular files. The first is manifest.json, which tells size, mode and SHA-256 of the
 * others; the second, manifest.sha256, is its checksum as sha256sum(1) reads it. The parts follow in the order of their
 * names.
 *
 * What is read must be, byte for byte, what the writer would have written for that manifest: no header is interpreted.
 * So there can be no path, link, owner or size but those of the manifest, and no byte of the file can change unseen.
 * The checksums tell damage; they do not tell who made the file.
 */
#ifndef CORDON_BACKUP_H
#define CORDON_BACKUP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "pki/pki.h"

#define BACKUP_FORMAT		1
#define BACKUP_NAME_LEN		100		/* of a part, terminated */
#define BACKUP_PARTS_MAX	65536
#define BACKUP_PART_MAX		(8ULL << 30)	/* bytes: what eleven octal digits can say */
#define BACKUP_MANIFEST_MAX	(32U << 20)	/* bytes */
#define BACKUP_VERSION_LEN	32
#define BACKUP_ERROR_LEN	512

/**
 * struct backup_part - a file of a backup
 * @name: its path there, of those that backup_name_is_known() knows
 * @from: where it is copied from; NULL, it is in a backup that was opened
 * @size: bytes
 * @mode: permissions
 * @sealed: it has a private key that was in the clear, and is encrypted in the backup alone
 * @sha256: of its contents
 * @at: where they begin in the backup
 */
struct backup_part {
	char name[BACKUP_NAME_LEN];
	char *from;
	uint64_t size;
	mode_t mode;
	bool sealed;
	uint8_t sha256[32];
	uint64_t at;
};

/**
 * struct backup - a backup that is made, or was opened
 * @fd: of one that was opened, else -1
 * @made: seconds since 1970
 * @version: of the cordonctl that made it
 * @parts: in the order of their names
 * @n: how many
 * @manifest: the manifest's text
 * @manifest_len: of @manifest
 * @size: of the whole file
 * @error: a sentence about what went wrong last, without the file's name
 */
struct backup {
	int fd;
	int64_t made;
	char version[BACKUP_VERSION_LEN];
	struct backup_part *parts;
	size_t n;
	char *manifest;
	size_t manifest_len;
	uint64_t size;
	char error[BACKUP_ERROR_LEN];
};

/* Every function with a backup that returns an int returns 0 or -errno, with a sentence in b->error. */

/* archive.c */
void backup_init(struct backup *b, int64_t made);
void backup_free(struct backup *b);
int backup_fail(struct backup *b, int err, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
int backup_add(struct backup *b, const char *name, const char *from, bool sealed);
int backup_write(struct backup *b, const char *path);
int backup_extract(struct backup *b, const struct backup_part *p, const char *to, bool durable);
bool backup_is_same(const struct backup_part *p, const char *path);
const struct backup_part *backup_find(const struct backup *b, const char *name);

/* open.c */
int backup_open(struct backup *b, const char *path);
int backup_check(struct backup *b);

/* key.c */
bool backup_has_key(const char *text);
int backup_recode_key(const char *text, const char *from, const char *to, char **out, size_t *len,
		      struct pki_error *why);

/* manifest.c */
bool backup_name_is_known(const char *name);
int backup_manifest_make(struct backup *b);
int backup_manifest_read(struct backup *b);

/* tar.c: what the writer writes around the contents. */
#define TAR_BLOCK	512
#define TAR_END		(2 * TAR_BLOCK)		/* bytes of nothing at the end */

static inline uint64_t tar_padding(uint64_t size)
{
	return -size % TAR_BLOCK;
}

void tar_header(const char *name, uint64_t size, mode_t mode, int64_t time, uint8_t out[TAR_BLOCK]);
int64_t tar_number(const uint8_t *field, size_t len);

#define BACKUP_MANIFEST	"manifest.json"
#define BACKUP_CHECKSUM	"manifest.sha256"
#define BACKUP_CHECKSUM_LEN (64 + 2 + sizeof(BACKUP_MANIFEST) - 1 + 1)
void backup_checksum_text(const struct backup *b, char out[BACKUP_CHECKSUM_LEN + 1]);

/* place.c: files and directories that replace others, all of them or none. */

/**
 * struct place - one that replaces another
 * @staged: what is to come, whole and on the disk
 * @to: where to
 * @kept: name of what was there, once it is replaced; empty, nothing was
 * @dir: they are directories
 * @done: @to is the new one
 */
struct place {
	char *staged;
	char *to;
	char *kept;
	bool dir;
	bool done;
};

/**
 * struct places - all of them
 * @list: in the order in which they are put there
 * @n: how many
 * @stamp: ends the names of what is kept
 */
struct places {
	struct place *list;
	size_t n;
	char stamp[32];
};

int places_add(struct places *all, const char *staged, const char *to, bool dir);
int places_put(struct places *all, char *error, size_t size);
void places_undo(struct places *all);
void places_free(struct places *all);

#endif
