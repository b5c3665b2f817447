// SPDX-License-Identifier: GPL-2.0
/* Firmware: the order of versions, who is first in a roll-out, who is outdated, files by their hash. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "firmware/firmware.h"
#include "tap.h"

#define TEN	"1234567890"
#define FIFTY	TEN TEN TEN TEN TEN
#define NOW	1800000000
#define DAY	86400

struct word {
	const char *text;
	bool good;
};

static const struct word versions[] = {
	{ "1", true }, { "1.0", true }, { "1.2.3", true }, { "1.2.3.4.5", true }, { "0", true },
	{ "2026.04.01", true }, { "1.0.0-alpha", true }, { "1.0.0-alpha.1", true },
	{ "1.0.0-0.3.7", true }, { "1.0.0-x.7.z.92", true }, { "1.0.0-x-y-z.--", true },
	{ "1.0.0+20130313144700", true }, { "1.0.0-beta+exp.sha.5114f85", true }, { "1.0.0+001", true },
	{ "1.0.0--", true }, { "1-rc", true }, { FIFTY TEN ".23", true },
	{ "v1.0", true }, { "V2", true }, { "v2.0-rc1+7", true },
	{ NULL, false }, { "", false }, { "v", false }, { "vv1", false }, { "version 2", false }, { "1.", false }, { ".1", false },
	{ "1..2", false }, { "1.0-", false }, { "1.0+", false }, { "1.0-a..b", false },
	{ "1.0-01", false }, { "1.0-a.", false }, { "1.0 ", false }, { " 1.0", false },
	{ "1.0-a_b", false }, { "1.0+a+b", false }, { "1.0/2", false }, { "1.0\n", false },
	{ "-1.0", false }, { "1.0-\xc3\xa9", false }, { "latest", false }, { FIFTY TEN ".234", false },
};

/* Each is older than the next; 11.4 has the middle ones. */
static const char * const order[] = {
	"0", "0.0.1-0", "0.0.1", "0.9", "1.0.0-0", "1.0.0-1", "1.0.0-9", "1.0.0-10",
	"1.0.0-99999999999999999999", "1.0.0-100000000000000000000", "1.0.0--", "1.0.0-A",
	"1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-alpha.beta", "1.0.0-beta", "1.0.0-beta.2",
	"1.0.0-beta.11", "1.0.0-rc.1", "1.0.0", "1.0.0.1", "1.0.1", "1.2", "1.10", "2.0.0", "2.1.0",
	"2.1.1", "10", "2026-04-1", "2026", "2026-03-31", "2026.04.01", "2026-04-02", "2026.12",
	"18446744073709551615", "18446744073709551616",
	"99999999999999999999999999",
};

static const char * const equal[][2] = {
	{ "1", "1.0.0" }, { "1.0", "1.0.0.0" }, { "1.0+a", "1.0+b" }, { "1-rc", "1.0-rc+b" },
	{ "2026.4", "2026.04" }, { "2026-04-01", "2026.4.1" },
	{ "v2026-04-01+b", "2026.04.01" }, { "0", "0.0" }, { "1.2+a.b", "1.2" },
	{ "v2.0", "2.0" }, { "V2.0", "v2.0.0" }, { "v1-rc", "1-rc" },
};

static int sign(int n)
{
	return (n > 0) - (n < 0);
}

static void check_versions(void)
{
	const size_t n = sizeof(order) / sizeof(*order);
	char *huge = malloc(10001);
	size_t i, j, bad = 0;

	for (i = 0; i < sizeof(versions) / sizeof(*versions); i++)
		ok(firmware_version_is_valid(versions[i].text) == versions[i].good, "version: '%s' is %s",
		   versions[i].text ? versions[i].text : "(none)", versions[i].good ? "one" : "none");
	memset(huge, '1', 10000);
	huge[10000] = 0;
	ok(!firmware_version_is_valid(huge), "version: of 10 kB is none");
	free(huge);
	for (i = 0; i < n; i++)
		for (j = 0; j < n; j++) {
			bool wrong = sign(firmware_version_compare(order[i], order[j])) !=
				     (i > j) - (i < j);

			if (wrong)
				printf("# %s and %s: %d\n", order[i], order[j],
				       firmware_version_compare(order[i], order[j]));
			bad += wrong || !firmware_version_is_valid(order[i]);
		}
	ok(!bad, "version: the order of %zu, each with each", n);
	for (i = 0; i < sizeof(equal) / sizeof(*equal); i++)
		ok(!firmware_version_compare(equal[i][0], equal[i][1]) &&
		   !firmware_version_compare(equal[i][1], equal[i][0]), "version: %s is %s", equal[i][0],
		   equal[i][1]);
}

static const struct word files[] = {
	{ "app-1.0.swu", true }, { "a", true }, { "_x~1+2.bin", true }, { FIFTY FIFTY TEN TEN "1234567", true },
	{ NULL, false }, { "", false }, { ".", false }, { "..", false }, { ".hidden", false }, { "-rf", false },
	{ "a/b", false }, { "/etc/passwd", false }, { "../../x", false }, { "a\\b", false }, { "a b", false },
	{ "a%2fb", false }, { "a?b", false }, { "a#b", false }, { "a\nb", false }, { "a\"b", false },
	{ "\xc3\xa9", false }, { FIFTY FIFTY TEN TEN "12345678", false },
};

static void check_files(void)
{
	size_t i;

	for (i = 0; i < sizeof(files) / sizeof(*files); i++)
		ok(firmware_file_is_valid(files[i].text) == files[i].good, "file name: '%s' is %s",
		   files[i].text ? files[i].text : "(none)", files[i].good ? "one" : "none");
	ok(firmware_model_is_valid("acme-t1") && !firmware_model_is_valid("") && !firmware_model_is_valid("a b") &&
	   !firmware_model_is_valid(TEN TEN TEN "12") && firmware_model_is_valid(TEN TEN TEN "1"), "model: names");
}

/* The first @share of the circle from where a release begins. */
static unsigned int first_of(int64_t release, unsigned int share, bool in[1000])
{
	int64_t begin = firmware_place_first(release);
	unsigned int i, j, ahead, n = 0;
	uint64_t place[1000];
	char name[16];

	for (i = 0; i < 1000; i++) {
		snprintf(name, sizeof(name), "dev-%u", i);
		/* Round the circle: what lies before its beginning comes last. */
		place[i] = ((uint64_t)firmware_place(name) - begin) & INT64_MAX;
	}
	for (i = 0; i < 1000; i++) {
		for (j = ahead = 0; j < 1000; j++)
			ahead += place[j] < place[i];
		in[i] = ahead < share;
		n += in[i];
	}
	return n;
}

static void check_rollout(void)
{
	bool one[1000], two[1000];
	unsigned int i, both = 0, percent, n;
	bool grows = true;

	for (percent = 0; percent <= 100; percent += 5) {
		n = first_of(7, firmware_share(1000, percent), two);
		if (n != percent * 10)
			grows = false;
		for (i = 0; percent && i < 1000; i++)
			grows = grows && (!one[i] || two[i]);
		memcpy(one, two, sizeof(one));
	}
	ok(grows, "roll-out: N %% are N %%, and who is in stays in");
	first_of(7, 200, one);
	first_of(8, 200, two);
	for (i = 0; i < 1000; i++)
		both += one[i] && two[i];
	ok(both < 200, "roll-out: another release begins elsewhere (%u of 200 are first in both)", both);
	ok(firmware_share(100, 20) == 20 && firmware_share(10, 1) == 1 && firmware_share(0, 50) == 0 &&
	   firmware_share(10, 0) == 0 && firmware_share(3, 34) == 2 && firmware_share(7, 100) == 7 &&
	   firmware_share(4294967295u, 100) == 4294967295u, "roll-out: shares are rounded up");
	/* In registries: never another. */
	ok(firmware_place("thermostat-1") == firmware_place("thermostat-1") && firmware_place("") >= 0 &&
	   firmware_place("a") != firmware_place("b"), "roll-out: places");
}

static void check_outdated(void)
{
	struct firmware_floor floor = {
		.version = "1.3", .since = NOW, .n_older = 2,
		.older = { { "1.2", NOW - 10 * DAY }, { "1.1", NOW - 20 * DAY } },
	};
	time_t until = 1;

	ok(!firmware_is_outdated(NULL, "0.1", 0, NOW, &until) && !until, "outdated: without a floor, nobody");
	ok(!firmware_is_outdated(&floor, "1.3.0", 0, NOW, &until) && !until, "outdated: not who is at the floor");
	ok(!firmware_is_outdated(&floor, "2", 0, NOW, NULL), "outdated: not who is above");
	ok(firmware_is_outdated(&floor, "1.3-rc", 0, NOW, &until) && !until, "outdated: a pre-release, without grace");
	ok(!firmware_is_outdated(&floor, "1.2.9", 7 * DAY, NOW, &until) && until == NOW + 7 * DAY,
	   "outdated: whom the floor caught now has its grace");
	ok(!firmware_is_outdated(&floor, "1.2.9", 7 * DAY, NOW + 7 * DAY - 1, &until) && until == NOW + 7 * DAY,
	   "outdated: to its last second");
	ok(firmware_is_outdated(&floor, "1.2.9", 7 * DAY, NOW + 7 * DAY, &until) && !until, "outdated: and then");
	ok(firmware_is_outdated(&floor, "1.1", 7 * DAY, NOW, &until), "outdated: no second grace when it is raised");
	ok(!firmware_is_outdated(&floor, "1.1", 11 * DAY, NOW, &until) && until == NOW + DAY,
	   "outdated: its grace began with the floor that caught it");
	ok(firmware_is_outdated(&floor, "1.0", 20 * DAY, NOW, NULL), "outdated: or with the one before");
	ok(firmware_is_outdated(&floor, NULL, 20 * DAY, NOW, NULL) && firmware_is_outdated(&floor, "", 20 * DAY, NOW, NULL),
	   "outdated: who never told counts as below all");
	until = 1;
	ok(!firmware_is_outdated(&floor, "nightly", 20 * DAY, NOW, &until) && !until,
	   "outdated: not who tells what cannot be compared");
	ok(!firmware_is_outdated(&floor, "1.2.9", 7 * DAY, NOW - 100, &until) && until == NOW + 7 * DAY,
	   "outdated: the clock was set back");
	ok(!firmware_is_outdated(&floor, "1.2.9", UINT32_MAX, NOW, &until) && until > NOW, "outdated: the longest grace");
}

static char dir[64], store[80], source[80];

static unsigned int count_entries(void)
{
	const struct dirent *entry;
	DIR *d = opendir(store);
	unsigned int n = 0;

	while (d && (entry = readdir(d)))
		n += entry->d_name[0] != '.' || strlen(entry->d_name) > 2;
	if (d)
		closedir(d);
	return n;
}

static int put_source(const char *data, size_t len)
{
	int fd = open(source, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	if (write(fd, data, len) != (ssize_t)len)
		abort();
	/* Read from its beginning, wherever it stands. */
	return fd;
}

static bool is_hex(const uint8_t *bytes, size_t n, const char *hex)
{
	char text[3];
	size_t i;

	for (i = 0; i < n; i++) {
		snprintf(text, sizeof(text), "%02x", bytes[i]);
		if (strncmp(text, hex + 2 * i, 2))
			return false;
	}
	return true;
}

static void check_file_add(void)
{
	struct firmware_hashes h;
	char path[160], got[8] = "";
	struct pki_error err;
	mode_t mask = umask(0777);
	struct stat st;
	uint8_t *der;
	uint64_t size = 0;
	size_t len;
	int fd;

	fd = put_source("abc", 3);
	ok(!firmware_file_add(store, fd, &size, &h, &err) && size == 3, "file: added");
	umask(mask);
	close(fd);
	/* FIPS 180-4 and RFC 1321 have them. */
	ok(is_hex(h.sha256, 32, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad") &&
	   is_hex(h.sha1, 20, "a9993e364706816aba3e25717850c26c9cd0d89d") &&
	   is_hex(h.md5, 16, "900150983cd24fb0d6963f7d28e17f72"), "file: its three hashes");
	snprintf(path, sizeof(path), "%s/ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", store);
	ok(!stat(path, &st) && (st.st_mode & 07777) == 0640 && st.st_size == 3, "file: named by its hash, mode 0640");
	fd = firmware_file_open(store, h.sha256);
	ok(fd >= 0 && read(fd, got, sizeof(got)) == 3 && !strcmp(got, "abc"), "file: opened");
	close(fd);
	fd = put_source("abc", 3);
	ok(!firmware_file_add(store, fd, &size, &h, &err) && count_entries() == 1, "file: added twice is there once");
	close(fd);
	ok(!firmware_signature_put(store, h.sha256, (const uint8_t *)"signed", 6, &err) && count_entries() == 2,
	   "signature: put beside it");
	ok(!firmware_signature_get(store, h.sha256, &der, &len) && len == 6 && !memcmp(der, "signed", 6),
	   "signature: got");
	free(der);
	strcat(path, ".p7s");
	ok(!stat(path, &st) && (st.st_mode & 07777) == 0640, "signature: mode 0640");
	ok(firmware_signature_put(store, h.sha256, (const uint8_t *)"", 0, &err) == -EFBIG &&
	   !strcmp(err.text, "a signature has 1 to 65536 bytes, not 0"), "signature: none: %s", err.text);
	ok(!firmware_file_remove(store, h.sha256) && !count_entries(), "file: removed with its signature");
	ok(!firmware_file_remove(store, h.sha256), "file: removed twice");
	ok(firmware_file_open(store, h.sha256) == -ENOENT &&
	   firmware_signature_get(store, h.sha256, &der, &len) == -ENOENT, "file: gone");
}

static bool refuses(int fd, int code, const char *why)
{
	struct firmware_hashes h;
	struct pki_error err = { "" };
	uint64_t size;
	int got = firmware_file_add(store, fd, &size, &h, &err);

	if (got != code || strcmp(err.text, why))
		printf("# %d: %s\n", got, err.text);
	close(fd);
	return got == code && !strcmp(err.text, why) && !count_entries();
}

static void check_file_refuse(void)
{
	struct firmware_hashes h;
	struct rlimit limit = { 1 << 20, RLIM_INFINITY };
	struct pki_error err;
	int fd, pipes[2];
	uint64_t size;
	int status;
	pid_t pid;

	ok(refuses(open("/", O_RDONLY | O_CLOEXEC), -EISDIR, "it is a directory"), "file: a directory is refused");
	ok(refuses(put_source("", 0), -EINVAL, "it is empty"), "file: empty is refused");
	fd = put_source("x", 1);
	ok(!ftruncate(fd, (4LL << 30) + 1) && refuses(fd, -EFBIG, "it is larger than 4 GiB"),
	   "file: larger than 4 GiB is refused");
	ok(!pipe(pipes) && refuses(pipes[0], -EINVAL, "it is not a regular file"), "file: a pipe is refused");
	close(pipes[1]);
	ok(refuses(open("/dev/zero", O_RDONLY | O_CLOEXEC), -EINVAL, "it is not a regular file"),
	   "file: a device is refused");
	/* A file that may not grow fails as a disk that is full does, and is there without being root. */
	fd = put_source("x", 1);
	if (ftruncate(fd, 3 << 20))
		abort();
	pid = fork();
	if (!pid) {
		signal(SIGXFSZ, SIG_IGN);
		setrlimit(RLIMIT_FSIZE, &limit);
		_exit(firmware_file_add(store, fd, &size, &h, &err) != -EFBIG ||
		      strcmp(err.text, "cannot write a copy: File too large") || count_entries());
	}
	waitpid(pid, &status, 0);
	ok(!status, "file: a full disk leaves nothing");
	close(fd);
	ok(firmware_file_add("/nonexistent", put_source("x", 1), &size, &h, &err) == -ENOENT &&
	   !strcmp(err.text, "cannot write into '/nonexistent': No such file or directory"),
	   "file: no directory: %s", err.text);
}

/* Killed while it copies: a temporary file, which the next sweep removes. */
static void check_file_killed(void)
{
	struct firmware_hashes h;
	struct pki_error err;
	unsigned int i, whole = 0, kept;
	uint64_t size;
	int fd, status;
	pid_t pid;

	fd = put_source("x", 1);
	if (ftruncate(fd, 8 << 20))
		abort();
	for (i = 0; i < 40; i++) {
		pid = fork();
		if (!pid)
			_exit(!!firmware_file_add(store, fd, &size, &h, &err));
		usleep(i * 1500);
		kill(pid, SIGKILL);
		waitpid(pid, &status, 0);
	}
	close(fd);
	fd = firmware_dir_lock(store, -1, &err);
	kept = count_entries();
	ok(fd >= 0, "file: killed at 40 moments: %u files are there", kept);
	close(fd);
	fd = put_source("abc", 3);
	ok(!firmware_file_add(store, fd, &size, &h, &err), "file: and another one is added");
	close(fd);
	fd = firmware_file_open(store, h.sha256);
	whole = fd >= 0;
	close(fd);
	ok(whole, "file: which is whole");
}

static int need_abc(const uint8_t sha256[32], void *arg)
{
	unsigned int *asked = arg;

	++*asked;
	return sha256[0] == 0xba;
}

static int need_fails(const uint8_t sha256[32], void *arg)
{
	(void)sha256;
	(void)arg;
	return -EBUSY;
}

static void touch(const char *name)
{
	char path[200];

	snprintf(path, sizeof(path), "%s/%s", store, name);
	close(open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
}

static void check_dir(void)
{
	unsigned int asked = 0;
	struct pki_error err;
	mode_t mask = umask(0);
	char path[160];
	struct stat st;
	int fd, other;

	snprintf(path, sizeof(path), "%s/a/b", dir);
	fd = firmware_dir_lock(path, -1, &err);
	ok(fd >= 0 && !stat(path, &st) && (st.st_mode & 07777) == 0750, "directory: made, mode 0750, umask 0");
	close(fd);
	umask(mask);
	chmod(path, 0770);
	ok(firmware_dir_lock(path, -1, &err) == -EPERM && !strcmp(err.text, "others may write there"),
	   "directory: that others may write to: %s", err.text);
	if (!geteuid()) {
		ok(!chmod(path, 0750) && !chown(path, 12345, 0) && firmware_dir_lock(path, -1, &err) == -EPERM,
		   "directory: another's: %s", err.text);
	}
	rmdir(path);
	*strrchr(path, '/') = 0;
	rmdir(path);
	ok(firmware_dir_lock(source, -1, &err) == -ENOTDIR && !strcmp(err.text, "Not a directory"),
	   "directory: a file: %s", err.text);
	touch("0000000000000000000000000000000000000000000000000000000000000000");
	touch("0000000000000000000000000000000000000000000000000000000000000000.p7s");
	touch("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad.p7s.abcdef");
	touch("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad.p7s");
	touch("README");
	fd = firmware_dir_lock(store, -1, &err);
	ok(firmware_dir_sweep(store, need_fails, NULL) == -EBUSY, "sweep: ends with the registry's error");
	ok(!firmware_dir_sweep(store, need_abc, &asked) && count_entries() == 3,
	   "sweep: an artifact, its signature and another's file stay (%u)", count_entries());
	close(fd);
	if (!geteuid()) {
		fd = firmware_dir_lock(store, 12345, &err);
		snprintf(path, sizeof(path),
			 "%s/ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", store);
		ok(fd >= 0 && !stat(path, &st) && st.st_gid == 12345 && !stat(store, &st) && st.st_gid == 12345,
		   "directory: goes to another group with what is in it");
		close(fd);
	}
	fd = firmware_dir_lock(store, -1, &err);
	other = fork();
	if (!other) {
		alarm(1);
		_exit(firmware_dir_lock(store, -1, &err) >= 0);
	}
	waitpid(other, &fd, 0);
	ok(WIFSIGNALED(fd), "directory: one at a time");
}

int main(void)
{
	char command[96];

	snprintf(dir, sizeof(dir), "%s/firmware-XXXXXX", access("/dev/shm", W_OK) ? "/tmp" : "/dev/shm");
	if (!mkdtemp(dir))
		return 1;
	snprintf(store, sizeof(store), "%s/store", dir);
	snprintf(source, sizeof(source), "%s/source", dir);
	mkdir(store, 0750);
	check_versions();
	check_files();
	check_rollout();
	check_outdated();
	check_file_add();
	check_file_refuse();
	check_file_killed();
	check_dir();
	snprintf(command, sizeof(command), "rm -rf '%s'", dir);
	if (system(command))
		return 1;
	return tap_done();
}
