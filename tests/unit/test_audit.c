// SPDX-License-Identifier: GPL-2.0
/* The audit log: 10,000 operations, lines removed and changed, writers at once, rotation, no room, half a line. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "audit/audit.h"
#include "lib/file.h"

#include "tap.h"

#define MANY	10000
#define WRITERS	4
#define EACH	250

static char dir[] = "/tmp/cordon-audit.XXXXXX", path[AUDIT_PATH_LEN];
static char said[4096];

/* An empty log in a directory of its own. */
static void fresh(const char *name)
{
	snprintf(path, sizeof(path), "%s/%s/audit.jsonl", dir, name);
}

static int put(struct audit *a, const char *what)
{
	json_t *line = json_pack("{s:[s],s:s}", "what", what, "result", "done");
	int err = audit_write(a, line, 1000, NULL);

	json_decref(line);
	return err;
}

/* Lines are written by one that opens the log and closes it. */
static int write_lines(unsigned int n, const char *what)
{
	struct audit a;
	int err = audit_open(&a, path);
	unsigned int i;

	for (i = 0; !err && i < n; i++)
		err = put(&a, what);
	if (!err)
		err = audit_sync(&a, true, 1000);
	audit_close(&a);
	return err;
}

static void on_finding(const struct audit_finding *f, void *arg)
{
	static const char * const names[] = {
		"missing", "cut", "changed", "unvouched", "misplaced", "foreign", "no_head", "broken", "dropped",
	};
	size_t len = strlen(said);

	(void)arg;
	snprintf(said + len, sizeof(said) - len, "%s %" PRIu64 " %" PRIu64 "; ", names[f->what], f->from, f->to);
}

/* What is found is this, and nothing else. */
static bool finds(const char *want, struct audit_verified *out)
{
	struct audit_verifier v = { .path = path, .found = on_finding };
	struct audit_verified none;

	said[0] = 0;
	if (audit_verify(&v, out ? out : &none))
		snprintf(said, sizeof(said), "%s", v.error);
	if (!strcmp(said, want))
		return true;
	printf("# wanted: %s\n# found:  %s\n", want, said);
	return false;
}

static char *read_log(size_t *len)
{
	char *text = NULL;

	if (file_read(path, 64 << 20, &text, len))
		exit(2);
	return text;
}

static void write_log(const char *text, size_t len)
{
	if (file_write(path, text, len, 0600))
		exit(2);
}

/* Where a line begins, and how long it is with its newline. */
static char *find_line(char *text, uint64_t seq, size_t *len)
{
	char word[40], *at;

	snprintf(word, sizeof(word), "{\"seq\":%" PRIu64 ",", seq);
	at = strstr(text, word);
	if (!at)
		exit(2);
	*len = strcspn(at, "\n") + 1;
	return at;
}

static void remove_line(uint64_t seq)
{
	size_t len, n;
	char *text = read_log(&len), *at = find_line(text, seq, &n);

	memmove(at, at + n, len - (at + n - text) + 1);
	write_log(text, len - n);
	free(text);
}

/* One letter of it, after @word. */
static void change_line(uint64_t seq, const char *word)
{
	size_t len, n;
	char *text = read_log(&len), *at = strstr(find_line(text, seq, &n), word);

	at += strlen(word);
	*at = *at == '7' ? '8' : '7';
	write_log(text, len);
	free(text);
}

static void test_many(void)
{
	struct audit_verified out;

	fresh("many");
	ok(!write_lines(MANY, "operation"), "10,000 lines are written");
	ok(finds("", &out) && out.lines == MANY && out.first == 1 && out.last == MANY,
	   "as they were written: nothing is found");
	remove_line(4711);
	ok(finds("missing 4711 4711; ", NULL), "one removed: it is named, and nothing else");
	change_line(812, "\"what\":[\"");
	ok(finds("missing 4711 4711; changed 812 0; ", NULL), "one changed as well: both are named, and nothing else");
	ok(!write_lines(1, "after") && finds("missing 4711 4711; changed 812 0; ", NULL),
	   "and still, once the log went on");
}

static void test_changes(void)
{
	fresh("changes");
	ok(!write_lines(30, "x") && finds("", NULL), "30 lines: nothing is found");
	change_line(10, "\"seq\":");
	ok(finds("changed 10 0; ", NULL), "the number of a line");
	change_line(20, "\"prev\":\"");
	ok(finds("changed 10 0; unvouched 19 0; changed 20 0; ", NULL), "the hash that a line has of the one before");
	change_line(1, "\"time\":\"");
	change_line(30, "\"what\":[\"");
	ok(finds("changed 1 0; changed 10 0; unvouched 19 0; changed 20 0; changed 30 0; ", NULL),
	   "the first line, and the last");
	ok(!write_lines(1,
	   "x") && finds("changed 1 0; changed 10 0; unvouched 19 0; changed 20 0; changed 30 0; ", NULL),
	   "the last line is told of though it is the last no more");
}

/* Where it begins, there is less to hold a line against. */
static void test_begin(void)
{
	fresh("begin");
	write_lines(9, "x");
	remove_line(2);
	ok(finds("missing 2 2; ", NULL), "the second line is removed");
	fresh("begin2");
	write_lines(9, "x");
	change_line(1, "\"seq\":");
	ok(finds("changed 1 0; ", NULL), "the number of the first line");
	fresh("begin3");
	write_lines(9, "x");
	remove_line(1);
	ok(finds("missing 1 1; ", NULL), "the first line is removed");
	change_line(9, "\"seq\":");
	ok(finds("missing 1 1; changed 9 0; ", NULL), "and the number of the last");
}

static void test_garbage(void)
{
	size_t len, n;
	char *text, *at;

	fresh("garbage");
	ok(!write_lines(9, "x") && finds("", NULL), "9 lines: nothing is found");
	text = read_log(&len);
	at = find_line(text, 5, &n);
	memset(at, 'x', n - 1);
	write_log(text, len);
	ok(finds("changed 5 0; ", NULL), "a line that is none any more is one that was changed");
	memmove(at + 2, at + n, len - (at + n - text));
	memcpy(at, "y\n", 2);
	write_log(text, len - n + 2);
	ok(finds("changed 5 0; ", NULL), "likewise a short one");
	free(text);
	fresh("foreign");
	write_lines(9, "x");
	text = read_log(&len);
	at = realloc(text, len + 8);
	if (!at)
		exit(2);
	find_line(at, 5, &n);
	text = find_line(at, 5, &n);
	memmove(text + 6, text, len - (text - at));
	memcpy(text, "hello\n", 6);
	write_log(at, len + 6);
	free(at);
	ok(finds("foreign 4 0; ", NULL), "what was put between lines is foreign");
}

static void test_ends(void)
{
	struct audit_verified out;
	size_t len, n;
	char *text, *at;

	fresh("ends");
	ok(!write_lines(20, "x") && finds("", NULL), "20 lines: nothing is found");
	text = read_log(&len);
	at = find_line(text, 18, &n);
	write_log(text, at - text);
	ok(finds("cut 18 20; ", NULL), "three cut off at the end");
	ok(!write_lines(2, "x") && finds("missing 18 20; ", &out) && out.last == 22,
	   "they stay missing when the log goes on");
	free(text);
	remove_line(1);
	remove_line(2);
	ok(finds("missing 18 20; missing 1 2; ", NULL), "two at the begin");
	write_log("", 0);
	ok(finds("cut 1 22; ", NULL), "all of them");
	ok(!write_lines(1, "x") && finds("missing 1 22; ", NULL), "likewise, once it goes on");
}

static void test_head(void)
{
	char head[AUDIT_PATH_LEN];

	fresh("head");
	write_lines(3, "x");
	audit_beside(path, ".head", head);
	unlink(head);
	ok(finds("no_head 0 0; ", NULL), "audit.head is gone: said");
	ok(!write_lines(1, "x") && finds("", NULL), "it is made again, and the log goes on");
	file_write(head, "rubbish", 7, 0600);
	ok(finds("no_head 0 0; ", NULL), "audit.head has rubbish: said");
}

/* Written, and not synchronised: audit.head is behind, which is no fault. */
static void test_behind(void)
{
	struct audit a;

	fresh("behind");
	write_lines(3, "x");
	ok(!audit_open(&a, path) && !put(&a, "y") && !put(&a, "y"), "two lines more, and then the process is killed");
	audit_close(&a);
	ok(finds("", NULL), "audit.head is behind: no fault");
	ok(!write_lines(1, "x") && finds("", NULL), "and the log goes on from its lines");
}

static void test_broken(void)
{
	int fd, i;

	fresh("broken");
	write_lines(3, "x");
	for (i = 0; i < 2; i++) {
		fd = open(path, O_WRONLY | O_APPEND);
		ok(write(fd, "{\"seq\":4,\"ti", 12) == 12, "writing breaks off in the middle of a line");
		close(fd);
		ok(finds(i ? "broken 3 0; broken 4 0; " : "broken 3 0; ", NULL), "that is said, and no fault");
		ok(!write_lines(1, "x") && finds(i ? "broken 3 0; broken 4 0; " : "broken 3 0; ", NULL),
		   "the log goes on, and what is whole is vouched for");
	}
	change_line(3, "\"what\":[\"");
	ok(finds("broken 3 0; broken 4 0; changed 3 0; ", NULL), "the line before half a line is vouched for, too");
}

static void test_writers(void)
{
	struct audit_verified out;
	int i, status, bad = 0;

	fresh("writers");
	for (i = 0; i < WRITERS; i++)
		if (!fork())
			_exit(write_lines(EACH, "at once") ? 1 : 0);
	while (wait(&status) > 0)
		bad += status != 0;
	ok(!bad && finds("", &out) && out.lines == WRITERS * EACH && out.last == WRITERS * EACH,
	   "%d processes write %d lines each: one chain", WRITERS, EACH);
}

static void test_lock(void)
{
	struct audit a, b;

	fresh("lock");
	ok(!audit_open(&a, path) && !audit_open(&b, path) && !audit_lock(a.fd, F_WRLCK, 0),
	   "somebody has the lock, and stops");
	ok(audit_write(&b, NULL, 20, NULL) == -ETIMEDOUT && strstr(b.error, "lock"), "others do not wait for ever");
	audit_unlock(a.fd);
	ok(!put(&b, "x"), "allowed: once it is let go");
	audit_close(&a);
	audit_close(&b);
}

static unsigned int count_files(void)
{
	struct audit_files f;
	unsigned int n;

	if (audit_files_list(path, &f))
		return 0;
	n = f.n;
	audit_files_free(&f);
	return n;
}

/* Each time so many lines that the file is larger than it may be. */
static int rotate_once(unsigned int keep)
{
	struct audit a;
	int err = audit_open(&a, path), i;

	a.file_max = 2000;
	a.keep = keep;
	for (i = 0; !err && i < 20; i++)
		err = put(&a, "x");
	if (!err)
		err = audit_sync(&a, true, 1000);
	if (!err)
		err = audit_rotate(&a, 1000);
	audit_close(&a);
	return err;
}

static void test_rotation(void)
{
	char first[AUDIT_PATH_LEN];
	struct audit_verified out;
	struct audit open;
	struct stat st;
	int i;

	fresh("rotation");
	ok(!audit_open(&open, path) && !put(&open, "before"), "a process has the log open all the while");
	for (i = 0; i < 3; i++)
		ok(!rotate_once(3), "a file is large enough: another one is begun");
	ok(count_files() == 3 && finds("", &out) && out.lines == 64 && out.last == 64,
	   "three older files, and one chain");
	audit_file_name(path, 1, first);
	ok(!stat(first, &st) && (st.st_mode & 07777) == 0600, "older files are 0600");
	ok(!put(&open, "after") && finds("", &out) && out.last == 65, "who had it open writes to the new one");
	audit_close(&open);
	ok(!rotate_once(3) && count_files() == 3 && finds("dropped 0 21; ", &out) && out.first == 22,
	   "more files than are kept: the oldest is gone, which is recorded and no fault");
	audit_file_name(path, 22, first);
	ok(!unlink(first) && finds("dropped 0 21; missing 22 42; ", NULL), "somebody else removes one at the begin");
	audit_file_name(path, 43, first);
	ok(!unlink(first) && !write_lines(1, "x") && finds("dropped 0 21; missing 22 63; ", NULL), "and the next");
}

/* The copy was made, and the file not emptied. */
static void test_rotation_broken(void)
{
	struct audit_verified out;
	char copy[AUDIT_PATH_LEN], *text;
	size_t len;

	fresh("rotation2");
	write_lines(20, "x");
	audit_file_name(path, 1, copy);
	text = read_log(&len);
	ok(!file_write(copy, text, len, 0600), "a rotation breaks off between the copy and the new file");
	free(text);
	ok(finds("", &out) && out.lines == 20, "no line is taken for two");
	ok(!write_lines(3, "x") && finds("", &out) && out.lines == 23, "and none is lost when it goes on");
	ok(!rotate_once(3) && count_files() == 1 && finds("", &out) && out.lines == 44,
	   "the next rotation copies it all");
}

static void test_append(void)
{
	struct audit_verified out;
	struct audit a;
	int fd, has;

	fresh("append");
	write_lines(1, "x");
	fd = open(path, O_RDONLY);
	has = audit_set_append(fd, true);
	if (has < 0) {
		printf("ok %u - append-only files # SKIP there are none here\n", ++tap_count);
		close(fd);
		return;
	}
	ok(open(path, O_WRONLY) < 0 && truncate(path, 0), "append-only: nobody changes or empties it");
	ok(!write_lines(20, "x") && finds("", NULL), "allowed: it is written");
	ok(!audit_open(&a, path) && fcntl(a.fd, F_SETFL, 0) && ftruncate(a.fd, 0),
	   "nor does a process that has it open");
	audit_close(&a);
	ok(!rotate_once(2) && !rotate_once(2) && !rotate_once(2) && count_files() == 2 && finds("dropped 0 41; ", &out),
	   "it is rotated, and old files are removed");
	ok(audit_set_append(fd, false) == 1, "and is append-only yet");
	close(fd);
}

/* Let go of what would keep the test's directory from being removed. */
static void loosen(void)
{
	char name[AUDIT_PATH_LEN];
	struct audit_files f;
	size_t i;
	int fd;

	if (audit_files_list(path, &f))
		return;
	for (i = 0; i <= f.n; i++) {
		audit_file_name(path, i < f.n ? f.first[i] : 0, name);
		fd = open(i < f.n ? name : path, O_RDONLY);
		if (fd < 0)
			continue;
		audit_set_append(fd, false);
		close(fd);
	}
	audit_files_free(&f);
}

static void test_no_room(void)
{
	const struct rlimit little = { 4096, RLIM_INFINITY };
	struct rlimit before;
	struct stat st, now;
	int err;

	fresh("room");
	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &before);
	write_lines(1, "x");
	setrlimit(RLIMIT_FSIZE, &little);
	err = write_lines(100, "x");
	stat(path, &st);
	ok(err == -EFBIG && st.st_size <= 4096, "no room: refused");
	ok(write_lines(1, "x") == -EFBIG && !stat(path, &now) && now.st_size == st.st_size,
	   "and no half of a line is left");
	setrlimit(RLIMIT_FSIZE, &before);
	ok(finds("", NULL) && !write_lines(1, "x") && finds("", NULL), "room again: the log goes on");
}

static void test_places(void)
{
	char other[AUDIT_PATH_LEN];
	struct audit a;

	fresh("places");
	write_lines(1, "x");
	chmod(path, 0622);
	ok(audit_open(&a, path) == -EPERM && strstr(a.error, "others may write"), "refused: others may write to it");
	chmod(path, 0600);
	snprintf(other, sizeof(other), "%s/places/link.jsonl", dir);
	ok(!symlink(path, other) && audit_open(&a, other) == -ELOOP, "refused: a symbolic link");
	ok(audit_open(&a, "/dev/null") == -EINVAL, "refused: a device");
	ok(!audit_open(&a, path), "allowed: a file of one's own");
	audit_close(&a);
}

static unsigned int summed;
static uint64_t sum;

static void on_more(const char *what, uint64_t n, int64_t seconds, void *arg)
{
	(void)what;
	(void)arg;
	summed += seconds == AUDIT_TALLY_WINDOW;
	sum += n;
}

static void test_tally(void)
{
	static struct audit_tally t;
	unsigned int told = 0, i;
	char what[32];

	for (i = 0; i < 1000; i++)
		told += audit_tally_may(&t, "bad_token 10.0.0.1", 5);
	ok(told == AUDIT_TALLY_TOLD, "of one reason and address, %d lines", AUDIT_TALLY_TOLD);
	for (i = 0; i < 100000; i++) {
		snprintf(what, sizeof(what), "bad_token %u", i);
		told += audit_tally_may(&t, what, 6);
	}
	ok(told == AUDIT_TALLY_ALL, "of any number of addresses, %d", AUDIT_TALLY_ALL);
	audit_tally_end(&t, 5 + AUDIT_TALLY_WINDOW - 1, false, on_more, NULL);
	ok(!summed, "they are summed up when the window ends, not before");
	audit_tally_end(&t, 5 + AUDIT_TALLY_WINDOW, false, on_more, NULL);
	ok(summed && summed <= AUDIT_TALLY_KEYS + 1 && sum + told == 101000,
	   "with the exact number of those that were not told");
	ok(audit_tally_may(&t, "bad_token 10.0.0.1", 700), "allowed: in the next window");
}

int main(void)
{
	char command[64];

	if (!mkdtemp(dir))
		return 2;
	test_many();
	test_changes();
	test_begin();
	test_garbage();
	test_ends();
	test_head();
	test_behind();
	test_broken();
	test_writers();
	test_lock();
	test_rotation();
	test_rotation_broken();
	test_append();
	loosen();
	test_no_room();
	test_places();
	test_tally();
	snprintf(command, sizeof(command), "rm -rf %s", dir);
	if (system(command))
		printf("# %s stays\n", dir);
	return tap_done();
}
