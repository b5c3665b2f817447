// SPDX-License-Identifier: GPL-2.0
/* What a device remembers of updates, in a directory that is its owner's alone. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "device/flat.h"
#include "firmware/update.h"
#include "lib/file.h"

#define STATE_FILE	"state.json"
#define STATE_MAX	4096

static const char *const phases[] = {
	[UPDATE_IDLE] = "idle", [UPDATE_ACCEPTED] = "accepted", [UPDATE_INSTALLING] = "installing",
	[UPDATE_SUCCEEDED] = "succeeded", [UPDATE_FAILED] = "failed",
};

/* What another may put there, he may have run. */
static int check_dir(const char *dir, int fd, struct pki_error *err)
{
	struct stat st;

	if (fstat(fd, &st))
		return pki_fail(err, -errno, "%s: %s", dir, strerror(errno));
	if ((st.st_uid != geteuid() && st.st_uid) || (st.st_mode & 022))
		return pki_fail(err, -EPERM, "%s: others than its owner may write to it, or it is another's", dir);
	if (!flock(fd, LOCK_EX | LOCK_NB))
		return 0;
	return pki_fail(err, -errno, "%s: %s", dir, errno == EWOULDBLOCK ? "another update is at work" : strerror(errno));
}

/**
 * update_dir_open - make the directory where it is missing, and lock it
 * @dir: of the state
 * @err: why not
 *
 * Return: a descriptor whose close() unlocks it; -EWOULDBLOCK, somebody else has it; -EPERM, others may write to
 * it; -errno.
 */
int update_dir_open(const char *dir, struct pki_error *err)
{
	int fd, ret = file_make_dirs(dir, 0700);

	if (ret)
		return pki_fail(err, ret, "%s: %s", dir, strerror(-ret));
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return pki_fail(err, -errno, "%s: %s", dir, strerror(errno));
	ret = check_dir(dir, fd, err);
	if (!ret)
		return fd;
	close(fd);
	return ret;
}

static int path_of(const char *dir, char path[PATH_MAX], struct pki_error *err)
{
	if (snprintf(path, PATH_MAX, "%s/" STATE_FILE, dir) < PATH_MAX)
		return 0;
	return pki_fail(err, -ENAMETOOLONG, "%s: the path is too long", dir);
}

static int find_phase(const char *word)
{
	int i;

	for (i = 0; i <= UPDATE_FAILED; i++)
		if (!strcmp(word, phases[i]))
			return i;
	return -1;
}

static bool parse(const char *json, size_t len, struct update_state *s)
{
	char phase[FLAT_TEXT_LEN];
	int64_t reported;
	struct flat_field fields[] = {
		{ .name = "issued", .number = &s->issued }, { .name = "action", .number = &s->action },
		{ .name = "version", .text = s->version, .size = sizeof(s->version) },
		{ .name = "phase", .text = phase, .size = sizeof(phase) },
		{ .name = "detail", .text = s->detail, .size = sizeof(s->detail) },
		{ .name = "reported", .number = &reported },
		{ .name = "installed", .text = s->installed, .size = sizeof(s->installed) },
	};
	const size_t n = sizeof(fields) / sizeof(*fields);
	size_t i;

	if (flat_read(json, len, fields, n))
		return false;
	for (i = 0; i < n; i++)
		if (!fields[i].found)
			return false;
	if (find_phase(phase) < 0 || (s->installed[0] && !firmware_version_is_valid(s->installed)))
		return false;
	s->phase = find_phase(phase);
	s->reported = reported;
	return true;
}

/**
 * update_state_load - what a device remembers
 * @dir: of the state
 * @out: all zero where there is nothing
 * @err: why not
 *
 * Return: 0; -EINVAL, the file is damaged; -errno.
 */
int update_state_load(const char *dir, struct update_state *out, struct pki_error *err)
{
	struct update_state s = { };
	char path[PATH_MAX], *json = NULL;
	size_t len = 0;
	int ret;

	memset(out, 0, sizeof(*out));
	ret = path_of(dir, path, err);
	if (ret)
		return ret;
	ret = file_read(path, STATE_MAX, &json, &len);
	if (ret == -ENOENT)
		return 0;
	if (ret)
		return pki_fail(err, ret, "%s: %s", path, strerror(-ret));
	if (parse(json, len, &s))
		*out = s;
	else
		ret = pki_fail(err, -EINVAL, "%s: damaged; without it, this device forgets which offers it had", path);
	free(json);
	return ret;
}

static void put(FILE *out, const char *name, const char *text)
{
	fputs(name, out);
	flat_put_text(out, text);
}

/**
 * update_state_save - remember, on the disk
 * @dir: of the state
 * @state: what
 * @err: why not
 *
 * Return: 0, or -errno; what was remembered before is, still.
 */
int update_state_save(const char *dir, const struct update_state *state, struct pki_error *err)
{
	char path[PATH_MAX], *json = NULL;
	size_t len = 0;
	FILE *out;
	int ret;

	ret = path_of(dir, path, err);
	if (ret)
		return ret;
	out = open_memstream(&json, &len);
	if (!out)
		return pki_fail(err, -ENOMEM, "out of memory");
	fprintf(out, "{\"issued\": %" PRId64 ", \"action\": %" PRId64, state->issued, state->action);
	put(out, ", \"version\": ", state->version);
	put(out, ", \"phase\": ", phases[state->phase]);
	put(out, ", \"detail\": ", state->detail);
	fprintf(out, ", \"reported\": %d", state->reported);
	put(out, ", \"installed\": ", state->installed);
	fputs("}\n", out);
	ret = fclose(out) ? -ENOMEM : file_write(path, json, len, 0600);
	free(json);
	return ret ? pki_fail(err, ret, "%s: %s", path, strerror(-ret)) : 0;
}
