/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The audit log. A line is a JSON object of
 *
 *	seq	its number, one more than that of the line before
 *	time	RFC 3339, UTC, with milliseconds
 *	...	what its writer says
 *	broken	SHA-256 of half a line that stands before it: its writing broke off; rarely there
 *	prev	SHA-256 of the line before, without its newline
 *
 * Beside audit.jsonl lie audit.head, which has number and hash of the last line, and audit-NUMBER.jsonl: older files,
 * by the number of their first line.
 */
#ifndef CORDON_AUDIT_H
#define CORDON_AUDIT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define AUDIT_PATH	"/var/log/cordon/audit.jsonl"
#define AUDIT_ENV	"CORDON_AUDIT"		/* another place */
#define AUDIT_PATH_LEN	256
#define AUDIT_ERROR_LEN	(AUDIT_PATH_LEN + 128)
#define AUDIT_LINK	"a symbolic link, which is not followed"
#define AUDIT_HASH_LEN	65			/* hexadecimal, terminated */
#define AUDIT_LINE_MAX	16384			/* bytes of a line, newline included */
#define AUDIT_FILE_MAX	(8U << 20)		/* bytes of a file, and then another one is begun */
#define AUDIT_KEEP	50			/* older files */
#define AUDIT_WAIT	5000			/* ms that one waits for another process to have written */

/**
 * struct audit_end - where a log ends
 * @seq: number of the last line; 0, there is none
 * @hash: of that line
 */
struct audit_end {
	uint64_t seq;
	char hash[AUDIT_HASH_LEN];
};

/**
 * struct audit - a log that is written
 * @fd: the file; -1, none is open
 * @head: audit.head
 * @path: of the file
 * @append: files are made append-only, where that can be
 * @file_max: bytes after which audit_rotate() begins another file
 * @keep: how many older ones
 * @end: after the last line that was written here
 * @dirty: something was written, and not synchronised
 * @error: a sentence, after a failure
 */
struct audit {
	int fd;
	int head;
	char path[AUDIT_PATH_LEN];
	bool append;
	size_t file_max;
	unsigned int keep;
	struct audit_end end;
	bool dirty;
	char error[AUDIT_ERROR_LEN];
};

/* log.c */
const char *audit_path(void);
int audit_open(struct audit *a, const char *path);
int audit_write(struct audit *a, json_t *fields, int wait_ms, uint64_t *seq);
int audit_sync(struct audit *a, bool head, int wait_ms);
void audit_close(struct audit *a);
__attribute__((format(printf, 3, 4)))
int audit_fail(struct audit *a, int err, const char *fmt, ...);
int audit_lock(int fd, short type, int wait_ms);
void audit_unlock(int fd);
bool audit_find_end(struct audit *a, struct audit_end *end);
int audit_put(struct audit *a, json_t *fields, uint64_t *seq);
void audit_hash(const void *data, size_t len, char out[AUDIT_HASH_LEN]);
void audit_beside(const char *path, const char *ending, char out[AUDIT_PATH_LEN]);

/* head.c */
int audit_head_read(int fd, struct audit_end *out, unsigned int *slot);
int audit_head_write(int fd, const struct audit_end *end);

/* rotate.c */
int audit_rotate(struct audit *a, int wait_ms);
int audit_set_append(int fd, bool on);

/* files.c */

/** struct audit_files - older files of a log, by the numbers of their first lines */
struct audit_files {
	uint64_t *first;
	size_t n;
};

int audit_files_list(const char *path, struct audit_files *out);
void audit_files_free(struct audit_files *f);
void audit_file_name(const char *path, uint64_t first, char out[AUDIT_PATH_LEN]);

/* read.c */

/**
 * struct audit_reader - what reads a log
 * @each: called with each line, without its newline; whatever but 0 ends it
 * @arg: for @each
 * @end: as audit.head has it, after a look at the whole log
 * @has_end: there is one
 * @error: a sentence, after a failure
 */
struct audit_reader {
	int (*each)(const char *line, size_t len, void *arg);
	void *arg;
	struct audit_end end;
	bool has_end;
	char error[AUDIT_ERROR_LEN];
};

int audit_read(struct audit_reader *r, const char *path);
int audit_read_files(struct audit_reader *r, char * const *files, size_t n);
char *audit_load(int fd, size_t *len);
uint64_t audit_seq(const json_t *line);

/* verify.c */

/** enum audit_what - what is said of lines */
enum audit_what {
	AUDIT_MISSING,		/* from, to: they were removed */
	AUDIT_CUT,		/* from, to: they were removed at the end */
	AUDIT_CHANGED,		/* from */
	AUDIT_UNVOUCHED,	/* from: the line after it has its hash, and was changed */
	AUDIT_MISPLACED,	/* from: it stands where another should */
	AUDIT_FOREIGN,		/* from: after it stands something that is no line */
	AUDIT_NO_HEAD,		/* audit.head is gone */
	AUDIT_BROKEN,		/* from: after it, writing broke off; no fault */
	AUDIT_DROPPED,		/* to: up to it, files were removed by rotation; no fault */
};

/**
 * struct audit_finding - one finding
 * @what: enum audit_what
 * @from: number of a line
 * @to: of another
 */
struct audit_finding {
	enum audit_what what;
	uint64_t from;
	uint64_t to;
};

/**
 * struct audit_verified - what verification gives
 * @lines: how many there are
 * @first: number of the first; 0, there is none
 * @last: and of the last
 * @faults: how many findings are faults
 */
struct audit_verified {
	size_t lines;
	uint64_t first;
	uint64_t last;
	size_t faults;
};

/**
 * struct audit_verifier - how a log is verified
 * @path: of a log, all files of which are read
 * @files: if not NULL, only these, of which neither begin nor end is known
 * @n_files: how many
 * @found: called for each finding
 * @arg: for @found
 * @error: a sentence, after a failure
 */
struct audit_verifier {
	const char *path;
	char * const *files;
	size_t n_files;
	void (*found)(const struct audit_finding *f, void *arg);
	void *arg;
	char error[AUDIT_ERROR_LEN];
};

int audit_verify(struct audit_verifier *v, struct audit_verified *out);
bool audit_is_fault(enum audit_what what);

/* tally.c: how many lines there may be of what others cause. */
#define AUDIT_TALLY_KEYS	64	/* reasons and addresses that are told apart at a time */
#define AUDIT_TALLY_TOLD	3	/* of each, in a window */
#define AUDIT_TALLY_ALL		64	/* of all, in a window */
#define AUDIT_TALLY_WINDOW	600	/* seconds */
#define AUDIT_TALLY_LEN		96

/**
 * struct audit_count - of one reason and address
 * @what: reason and address
 * @told: lines in this window
 * @more: what was not told
 */
struct audit_count {
	char what[AUDIT_TALLY_LEN];
	unsigned int told;
	uint64_t more;
};

/**
 * struct audit_tally - all counts of a window
 * @list: the counts
 * @n: how many
 * @told: lines of all
 * @others: what has no count of its own
 * @from: when the window began, in seconds of a clock that only goes on; 0, there is none
 */
struct audit_tally {
	struct audit_count list[AUDIT_TALLY_KEYS];
	size_t n;
	unsigned int told;
	uint64_t others;
	int64_t from;
};

bool audit_tally_may(struct audit_tally *t, const char *what, int64_t now);
void audit_tally_end(struct audit_tally *t, int64_t now, bool all,
		     void (*more)(const char *what, uint64_t n, int64_t seconds, void *arg), void *arg);

#endif
