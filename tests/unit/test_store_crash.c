// SPDX-License-Identifier: GPL-2.0
/* The registry when it is killed at any instant, when nothing can be opened or written any more,
 * when others use it, and when it is large.
 */
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include "store_help.h"

#define ROUNDS		100
#define ENROLMENTS	6	/* in a round, if it lives to see them */
#define DEVICES		10000

/* What SQLite writes goes through here. */
static long writes, kill_at;
static long ops, kill_at_op;
static bool victim, disk_full;

static ssize_t counted_pwrite(int fd, const void *buf, size_t len, off_t at)
{
	if (disk_full) {
		errno = ENOSPC;
		return -1;
	}
	if (++writes == kill_at && victim) {
		/* Half of it is written. */
		if (pwrite(fd, buf, len / 2, at) >= 0)
			kill(getpid(), SIGKILL);
	}
	return pwrite(fd, buf, len, at);
}

static bool hook_writes(void)
{
	sqlite3_vfs *vfs = sqlite3_vfs_find(NULL);
	static const char * const names[] = { "pwrite", "pwrite64" };
	bool hooked = false;
	size_t i;

	for (i = 0; i < 2; i++)
		if (vfs->xGetSystemCall(vfs, names[i]))
			hooked |= !vfs->xSetSystemCall(vfs, names[i],
						       (sqlite3_syscall_ptr)counted_pwrite);
	return hooked;
}

static int on_op(void *arg)
{
	(void)arg;
	if (++ops == kill_at_op && victim)
		kill(getpid(), SIGKILL);
	return 0;
}

/** struct told - what the child said before it died */
struct told {
	unsigned int n;			/* serial number, and device */
	enum { TOKEN, ISSUED, DELIVERED } what;
	char token[STORE_TOKEN_LEN];
};

static void tell(int fd, struct told *t, int what)
{
	t->what = what;
	if (write(fd, t, sizeof(*t)) != sizeof(*t))
		_exit(3);
}

static void enrol_and_tell(struct store *s, unsigned int n, int fd)
{
	struct store_certificate c = cert_of(n, n, 1);
	struct told t = { .n = n };

	if (token_of(s, n, t.token))
		_exit(2);
	tell(fd, &t, TOKEN);
	if (reserve_for_token(s, &c) || issue(s, &c))
		_exit(2);
	tell(fd, &t, ISSUED);
	if (store_cert_delivered(s, c.serial))
		_exit(2);
	tell(fd, &t, DELIVERED);
	if (store_checkin(s, c.name, c.serial, NOW, "1"))
		_exit(2);
}

static void live(unsigned int first, int fd)
{
	struct store s;
	unsigned int i;

	victim = true;
	if (store_open(&s, help_path, true))
		_exit(2);
	sqlite3_progress_handler(s.db, 1, on_op, NULL);
	for (i = 0; i < ENROLMENTS; i++)
		enrol_and_tell(&s, first + i, fd);
	store_close(&s);
	_exit(0);
}

/* The child's last words; how it died. */
static int round_of(unsigned int first, struct told *told, int *n)
{
	int fds[2], status;
	pid_t pid;

	*n = 0;
	if (pipe(fds))
		return -1;
	pid = fork();
	if (!pid) {
		close(fds[0]);
		live(first, fds[1]);
	}
	close(fds[1]);
	while (*n < 3 * ENROLMENTS && read(fds[0], &told[*n], sizeof(*told)) == sizeof(*told))
		(*n)++;
	close(fds[0]);
	waitpid(pid, &status, 0);
	return status;
}

/* Registry and certificates agree one to one, and so do tokens and deliveries. */
static bool agrees(struct store *s)
{
	static const char * const never[] = {
		"SELECT count(*) FROM certificate WHERE state = 0",
		"SELECT count(*) FROM certificate WHERE state IN (1, 2) AND"
		" (substr(der, 2, 16) IS NOT serial OR length(der) <> 700)",
		"SELECT count(*) FROM certificate WHERE state = 4 AND der IS NOT NULL",
		"SELECT count(*) FROM certificate WHERE NOT EXISTS"
		" (SELECT 1 FROM device WHERE device.name = certificate.name)",
		"SELECT count(*) FROM token AS t LEFT JOIN certificate AS c ON c.serial = t.serial"
		" WHERE t.state = 2 AND c.state IS NOT 2",
		"SELECT count(*) FROM token AS t JOIN certificate AS c ON c.serial = t.serial"
		" WHERE t.state <> 2 AND c.state = 2",
		"SELECT count(*) FROM device WHERE (checkin <> 0) <>"
		" EXISTS (SELECT 1 FROM checkin WHERE checkin.device = device.id)",
	};
	size_t i;

	for (i = 0; i < sizeof(never) / sizeof(*never); i++)
		if (ask(s, never[i])) {
			printf("# %s\n", never[i]);
			return false;
		}
	return is_sound(s);
}

/* What was told before the end is there. */
static bool remembers(struct store *s, const struct told *t)
{
	struct store_certificate c = cert_of(t->n, t->n, 1);
	int verdict = verdict_of(s, t->n, t->token, 1, NOW);
	struct store_certificate got;

	if (t->what == TOKEN)
		return verdict == STORE_TOKEN_GOOD || verdict == STORE_TOKEN_PENDING ||
		       verdict == STORE_TOKEN_USED;
	if (store_cert_get(s, c.serial, &got, NULL, NULL))
		return false;
	if (t->what == DELIVERED)
		return verdict == STORE_TOKEN_USED && got.state == STORE_DELIVERED;
	return (verdict == STORE_TOKEN_PENDING && got.state == STORE_ISSUED) ||
	       (verdict == STORE_TOKEN_USED && got.state == STORE_DELIVERED);
}

/* The device tries again, and has one certificate in the end. */
static bool converges(struct store *s, const struct told *t, unsigned int n)
{
	struct store_certificate c = cert_of(n, t->n, 1), got;
	enum store_token verdict;
	uint8_t serial[16];

	if (store_token_check(s, c.name, t->token, KEY(1), NOW, &verdict, NULL, serial))
		return false;
	if (verdict == STORE_TOKEN_GOOD) {
		if (reserve_for_token(s, &c) || issue(s, &c))
			return false;
		memcpy(serial, c.serial, sizeof(serial));
	}
	if (verdict != STORE_TOKEN_USED &&
	    (store_cert_get(s, serial, &got, NULL, NULL) || got.state != STORE_ISSUED ||
	     store_cert_delivered(s, serial)))
		return false;
	return verdict_of(s, t->n, t->token, 1, NOW) == STORE_TOKEN_USED;
}

static bool survives(unsigned int first)
{
	struct told told[3 * ENROLMENTS];
	struct store s;
	bool good;
	int n, i, status;

	status = round_of(first, told, &n);
	if (!WIFSIGNALED(status) && !(WIFEXITED(status) && !WEXITSTATUS(status)))
		return false;
	if (store_open(&s, help_path, true)) {
		printf("# %s\n", s.error);
		return false;
	}
	good = !store_recover(&s, NULL) && agrees(&s);
	for (i = 0; good && i < n; i++)
		good = remembers(&s, &told[i]);
	if (good && n)
		good = converges(&s, &told[n - 1], first + ENROLMENTS) && agrees(&s);
	store_close(&s);
	return good;
}

/* How many writes and steps of SQLite's a whole round takes. */
static void measure(long *all_writes, long *all_ops)
{
	struct store s;
	unsigned int i;

	writes = 0;
	ops = 0;
	help_open(&s);
	sqlite3_progress_handler(s.db, 1, on_op, NULL);
	for (i = 0; i < ENROLMENTS; i++)
		enrol(&s, i, i);
	store_close(&s);
	*all_writes = writes;
	*all_ops = ops;
	help_remove();
}

static void check_kill(void)
{
	const char *given = getenv("CORDON_SEED");
	unsigned int seed, i, bad = 0;
	long all_writes, all_ops;

	if (given)
		seed = (unsigned int)strtoul(given, NULL, 0);
	else if (getrandom(&seed, sizeof(seed), 0) != sizeof(seed))
		seed = 1;
	srandom(seed);
	measure(&all_writes, &all_ops);
	printf("# seed %u, %ld writes and %ld steps in a round\n", seed, all_writes, all_ops);
	ok(all_writes > 50 && all_ops > 500, "kill: writes and steps are seen");
	for (i = 0; i < ROUNDS; i++) {
		writes = 0;
		ops = 0;
		kill_at = i & 1 ? 0 : 1 + random() % all_writes;
		kill_at_op = i & 1 ? 1 + random() % all_ops : 0;
		if (!survives(1000 * (i + 1))) {
			printf("# round %u: write %ld, step %ld\n", i, kill_at, kill_at_op);
			bad++;
		}
	}
	kill_at = 0;
	kill_at_op = 0;
	ok(!bad, "kill: %d times, in a write or between two steps: %u times wrong", ROUNDS, bad);
	help_remove();
}

/* The first writes make the registry. */
static void check_kill_create(void)
{
	unsigned int bad = 0;

	for (kill_at = 1; kill_at <= 25; kill_at++) {
		writes = 0;
		if (!survives(1)) {
			printf("# write %ld\n", kill_at);
			bad++;
		}
		help_remove();
	}
	kill_at = 0;
	ok(!bad, "kill: while it is made: %u times wrong", bad);
}

static void check_full(void)
{
	char sql[64], token[STORE_TOKEN_LEN];
	unsigned int n = 0;
	struct store s;
	int64_t rows;
	int err;

	help_open(&s);
	snprintf(sql, sizeof(sql), "PRAGMA max_page_count = %d",
		 (int)ask(&s, "PRAGMA page_count") + 8);
	sqlite3_exec(s.db, sql, NULL, NULL, NULL);
	do {
		n++;
		err = enrol(&s, n, n);
	} while (!err && n < 1000);
	ok(err == -ENOSPC &&
	   !strcmp(s.error, "cannot write the registry: database or disk is full"),
	   "full: after %u devices: %s", n, s.error);
	ok(ask(&s, "SELECT count(*) FROM certificate WHERE state = 2") == n - 1 && is_sound(&s),
	   "full: nothing half-done");
	sqlite3_exec(s.db, "PRAGMA max_page_count = 1000000", NULL, NULL, NULL);
	ok(!enrol(&s, 2000, n), "full: goes on when there is room");

	rows = ask(&s, "SELECT count(*) FROM device");
	disk_full = true;
	ok(token_of(&s, 3000, token) == -ENOSPC && !*token &&
	   !strcmp(s.error, "cannot write the registry: database or disk is full"),
	   "full: no token is told that is not recorded: %s", s.error);
	disk_full = false;
	ok(ask(&s, "SELECT count(*) FROM device") == rows && !enrol(&s, 3000, 3000) && is_sound(&s),
	   "full: the disk has room again");
	sqlite3_exec(s.db, "PRAGMA query_only = 1", NULL, NULL, NULL);
	ok(token_of(&s, 4000, token) == -EROFS &&
	   strstr(s.error, "cannot write the registry: attempt to write a readonly database"),
	   "read-only: %s", s.error);
	store_close(&s);
	help_remove();
}

static void check_crowd(void)
{
	int failed = 0, status, i;
	unsigned int n;
	struct store s;
	pid_t pids[4];

	for (i = 0; i < 4; i++) {
		pids[i] = fork();
		if (pids[i])
			continue;
		if (store_open(&s, help_path, true)) {
			printf("# %s\n", s.error);
			fflush(stdout);
			_exit(1);
		}
		for (n = 0; n < 10; n++)
			if (enrol(&s, 100 * (i + 1) + n, 100 * (i + 1) + n))
				_exit(2);
		store_close(&s);
		_exit(0);
	}
	for (i = 0; i < 4; i++) {
		waitpid(pids[i], &status, 0);
		failed += !!status;
	}
	help_open(&s);
	ok(!failed && ask(&s, "SELECT count(*) FROM certificate WHERE state = 2") == 40 &&
	   agrees(&s),
	   "crowd: four make it and enrol ten devices each");
	store_close(&s);
	help_remove();
}

#define JUMP_UNLESS(value, over) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (value), 0, (over))
#define LOAD(field) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define ANSWER(action) BPF_STMT(BPF_RET | BPF_K, (action))
#define FATAL(call) JUMP_UNLESS(__NR_##call, 1), ANSWER(SECCOMP_RET_KILL_PROCESS)
#define DENIED(call) JUMP_UNLESS(__NR_##call, 1), ANSWER(SECCOMP_RET_ERRNO | EPERM)

/*
 * From here on, to open, make or remove a file is fatal, and so is a new descriptor. To look
 * at one by its name is denied: SQLite does that when it closes a database, and only warns.
 */
static int shut(void)
{
	struct sock_filter code[] = {
		LOAD(nr),
		FATAL(openat), FATAL(openat2), FATAL(faccessat), FATAL(faccessat2),
		FATAL(unlinkat), FATAL(renameat2), FATAL(mkdirat), FATAL(readlinkat),
		DENIED(statx),
#ifdef __NR_open
		FATAL(open), FATAL(creat), FATAL(access), FATAL(unlink), FATAL(rename),
		FATAL(mkdir), FATAL(readlink), DENIED(stat), DENIED(lstat),
#endif
#ifdef __NR_newfstatat
		/* fstat() has a descriptor there. */
		JUMP_UNLESS(__NR_newfstatat, 3),
		LOAD(args[0]),
		JUMP_UNLESS((uint32_t)AT_FDCWD, 1),
		ANSWER(SECCOMP_RET_ERRNO | EPERM),
#endif
		ANSWER(SECCOMP_RET_ALLOW),
	};
	struct sock_fprog prog = { .filter = code, .len = sizeof(code) / sizeof(*code) };

	if (setrlimit(RLIMIT_NOFILE, &(struct rlimit){ 0, 0 }) ||
	    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return -1;
	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog);
}

static int in_child(int (*what)(void))
{
	pid_t pid = fork();
	int status;

	if (!pid)
		_exit(what());
	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static int open_file(void)
{
	return shut() ? 1 : open("/dev/null", O_RDONLY) < 0 ? 2 : 3;
}

static int stat_file(void)
{
	struct stat st;

	return shut() ? 1 : stat("/", &st) && errno == EPERM ? 2 : 3;
}

static int stat_descriptor(void)
{
	struct stat st;

	return shut() || fstat(0, &st);
}

static int count_device(const struct store_device *d, void *arg)
{
	(void)d;
	++*(unsigned int *)arg;
	return 0;
}

/* Every function that a daemon calls, and a checkpoint; the line where it goes wrong. */
#define MUST(what) \
	do { \
		if (!(what)) { \
			printf("# %s: %s\n", #what, s.error); \
			fflush(stdout); \
			return 1; \
		} \
	} while (0)

static int work_shut(void)
{
	struct store_certificate c = cert_of(1, 1, 1);
	char token[STORE_TOKEN_LEN], own[32];
	unsigned int devices = 0, i;
	int logged = 0, moved = 0;
	uint64_t number;
	struct store s;
	uint8_t mac[6];

	MUST(!store_open(&s, help_path, true));
	MUST(!shut());
	MUST(!token_of(&s, 1, token) && verdict_of(&s, 1, token, 1, NOW) == STORE_TOKEN_GOOD);
	mac_of(2, mac);
	MUST(!store_token_new(&s, "own", mac, "Gr8-otter-lamp", 60, true, NOW, own, sizeof(own)));
	MUST(verdict_of(&s, 9, "x", 1, NOW) == STORE_TOKEN_WRONG &&
	     !store_device_approve(&s, "own"));
	MUST(!reserve_for_token(&s, &c) && !issue(&s, &c) && !store_cert_delivered(&s, c.serial));
	MUST(!store_recover(&s, &i) && !store_prune(&s, NOW, &i));
	for (i = 0; i < 1500; i++) {
		MUST(!store_begin(&s, i % 100 == 0));
		MUST(!store_checkin(&s, "dev-1", c.serial, NOW + i, "1.4.2") && !store_commit(&s));
	}
	MUST(!sqlite3_wal_checkpoint_v2(s.db, NULL, SQLITE_CHECKPOINT_FULL, &logged, &moved));
	MUST(logged > 0 && logged == moved);
	MUST(!sqlite3_wal_checkpoint_v2(s.db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL));
	MUST(!store_crl_number(&s, &number) && !store_cert_revoke(&s, c.serial, NOW, 1));
	MUST(!store_revocations(&s, &number) && number == 1);
	MUST(!store_device_each(&s, count_device, &devices) && devices == 2);
	MUST(store_checkin(&s, "dev-1", c.serial, NOW, NULL) == -EPERM);
	store_close(&s);
	return 0;
}

static void check_shut(void)
{
	struct store s;

	ok(in_child(open_file) == 128 + SIGSYS, "shut: to open a file is fatal");
	ok(in_child(stat_file) == 2, "shut: to look at one by its name is denied");
	ok(in_child(stat_descriptor) == 0, "shut: to look at an open one is not");
	ok(in_child(work_shut) == 0, "shut: everything works, with checkpoints, to the close");
	help_open(&s);
	ok(ask(&s, "SELECT checkins FROM device WHERE name = 'dev-1'") == 1500 && is_sound(&s),
	   "shut: and is there afterwards");
	store_close(&s);
	help_remove();
}

static int populate(struct store *s)
{
	char token[STORE_TOKEN_LEN];
	unsigned int n;
	int err;

	err = store_begin(s, false);
	for (n = 0; !err && n < DEVICES; n++) {
		struct store_certificate c = cert_of(n, n, 1);

		err = token_of(s, n, token);
		if (!err)
			err = store_cert_reserve(s, &c);
		if (!err)
			err = store_token_claim(s, c.name, c.key_id, c.serial);
		if (!err)
			err = issue(s, &c);
		if (!err)
			err = store_cert_delivered(s, c.serial);
	}
	return err ? err : store_commit(s);
}

static int scans(struct store *s)
{
	sqlite3_stmt *stmt = NULL;
	int all = 0, n;

	while ((stmt = sqlite3_next_stmt(s->db, stmt))) {
		n = sqlite3_stmt_status(stmt, SQLITE_STMTSTATUS_FULLSCAN_STEP, 1) +
		    sqlite3_stmt_status(stmt, SQLITE_STMTSTATUS_SORT, 1);
		if (n)
			printf("# scans: %s\n", sqlite3_sql(stmt));
		all += n;
	}
	return all;
}

static int one_cert(const struct store_certificate *c, void *arg)
{
	(void)c;
	++*(unsigned int *)arg;
	return 0;
}

static void check_many(void)
{
	unsigned int devices = 0, certs = 0, n;
	struct store_certificate c;
	struct store s;
	int err = 0;

	help_open(&s);
	ok(!populate(&s), "many: %d devices: %s", DEVICES, s.error);
	for (n = 0; !err && n < 1000; n++) {
		c = cert_of(n * 7919 % DEVICES, n * 7919 % DEVICES, 1);
		err = store_checkin(&s, c.name, c.serial, NOW, "2");
	}
	ok(!err && !enrol(&s, DEVICES, DEVICES) && !enrol(&s, DEVICES + 1, 77),
	   "many: check in and enrol");
	ok(!scans(&s), "many: nothing is searched but by an index");
	ok(!store_device_each(&s, count_device, &devices) && devices == DEVICES + 1,
	   "many: devices");
	ok(!store_cert_each(&s, "dev-77", one_cert, &certs) && certs == 2,
	   "many: certificates of one");
	n = 0;
	ok(!store_prune(&s, NOW + 30 * DAY + 1, &n) && n == DEVICES + 2 && is_sound(&s),
	   "many: what ended is forgotten");
	store_close(&s);
	help_remove();
}

int main(void)
{
	help_begin();
	ok(hook_writes(), "writes go through the test");
	check_kill();
	check_kill_create();
	check_full();
	check_crowd();
	check_shut();
	check_many();
	help_end();
	return tap_done();
}
