// SPDX-License-Identifier: GPL-2.0
/*
 * The one process of cordon-fleet that stays root. It reads a question from a pipe, and calls cordonctl with words that
 * are fixed: what comes from the fleet is in files, whose names are fixed, too. Its working directory is the policies',
 * opened before anybody else of cordon-fleet runs, so nobody makes it write elsewhere.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fleet/hand.h"
#include "lib/file.h"
#include "lib/policy.h"
#include "lib/yaml_fleet.h"

#define NOTE	"state.json"

/**
 * hand_enter - go to the directory of policies
 * @directory: made where it is missing
 *
 * Return: 0; -EPERM, it is somebody else's; another -errno.
 */
int hand_enter(const char *directory)
{
	int err = file_make_dirs(directory, 0700), fd;
	struct stat st;

	if (err)
		return err;
	fd = open(directory, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st))
		err = -errno;
	else if (st.st_uid != geteuid() || st.st_mode & 0022)
		err = -EPERM;
	else if (fchdir(fd))
		err = -errno;
	if (fd >= 0)
		close(fd);
	return err ? err : file_make_dirs("gateway", 0700);
}

static int fail(int err, const char *what, char why[HAND_WHY])
{
	snprintf(why, HAND_WHY, "%s: %s", what, strerror(-err));
	return err;
}

/* Nothing of this gateway's disk may come into what is then told to the fleet. */
static int check(const char *path, const char *text, size_t len, bool *common, char why[HAND_WHY])
{
	char *said = NULL;
	size_t size;
	FILE *errors = open_memstream(&said, &size);
	int faults;

	if (!errors)
		return fail(-ENOMEM, path, why);
	faults = policy_fleet_includes(path, text, len, common, errors);
	fclose(errors);
	if (faults)
		snprintf(why, HAND_WHY, "%s", said);
	free(said);
	return faults ? -EINVAL : 0;
}

static int write_texts(const char *path, const struct hand_question *q, const char *common, const char *text,
		       char why[HAND_WHY])
{
	bool has = q->common != HAND_ABSENT, needed;
	int err = check(path, text, q->text, &needed, why);

	if (err)
		return err;
	if (has)
		err = file_write("common.yaml", common, q->common, 0600);
	else if (unlink("common.yaml") && errno != ENOENT)
		err = -errno;
	if (err)
		return fail(err, "common.yaml", why);
	err = file_write(path, text, q->text, 0600);
	return err ? fail(err, path, why) : 0;
}

/* Behind the other words: room for three. */
static void add_state(const struct hand_place *p, char **argv)
{
	argv[0] = p->state ? "--state" : NULL;
	argv[1] = (char *)p->state;
	argv[2] = NULL;
}

static int apply(const struct hand_place *p, const struct hand_question *q, const char *common, const char *text,
		 char why[HAND_WHY])
{
	char path[CORDON_DEVICE_NAME_LEN + 16], seconds[16], *argv[10];
	int n = 0, status;

	snprintf(path, sizeof(path), "gateway/%s.yaml", p->gateway);
	snprintf(seconds, sizeof(seconds), "%us", q->confirm);
	status = write_texts(path, q, common, text, why);
	if (status)
		return status;
	argv[n++] = "cordonctl";
	argv[n++] = "apply";
	argv[n++] = path;
	if (q->confirm) {
		argv[n++] = "--confirm";
		argv[n++] = seconds;
	}
	if (q->force)
		argv[n++] = "--force";
	add_state(p, argv + n);
	status = hand_run(p->cordonctl, argv, p->timeout, why);
	return status || q->confirm ? status : hand_keep(p, q->number, why);
}

static int confirm(const struct hand_place *p, const struct hand_question *q, char why[HAND_WHY])
{
	char *argv[5] = { "cordonctl", "confirm" };
	int status;

	add_state(p, argv + 2);
	status = hand_run(p->cordonctl, argv, p->timeout, why);
	return status ? status : hand_keep(p, q->number, why);
}

static int differs(const struct hand_place *p, char why[HAND_WHY])
{
	char path[PATH_MAX], *argv[] = { "cordonctl", "diff", path, NULL };

	snprintf(path, sizeof(path), "%s", p->policy);
	return hand_run(p->cordonctl, argv, p->timeout, why);
}

static int read_note(char text[HAND_NOTE])
{
	size_t len;
	char *note;
	int err = file_read(NOTE, HAND_NOTE - 1, &note, &len);

	if (err)
		return err;
	memcpy(text, note, len);
	text[len] = 0;
	free(note);
	return 0;
}

/* Return: false, there is no sense in it. */
static bool split(const char *message, size_t len, struct hand_question *q, const char **common, const char **text)
{
	size_t first;

	if (len < sizeof(*q))
		return false;
	memcpy(q, message, sizeof(*q));
	first = q->common == HAND_ABSENT ? 0 : q->common;
	len -= sizeof(*q);
	if (first > POLICY_FLEET_TEXT || q->text > POLICY_FLEET_TEXT || len != first + q->text || q->confirm > 86400 ||
	    (q->what == HAND_WRITE && q->text >= HAND_NOTE))
		return false;
	*common = message + sizeof(*q);
	*text = *common + first;
	return true;
}

static int answer(const struct hand_place *p, const struct hand_question *q, const char *common, const char *text,
		  char out[HAND_NOTE])
{
	switch (q->what) {
	case HAND_APPLY:
		return apply(p, q, common, text, out);
	case HAND_CONFIRM:
		return confirm(p, q, out);
	case HAND_KEEP:
		return hand_keep(p, q->number, out);
	case HAND_DIFFERS:
		return differs(p, out);
	case HAND_WRITE:
		return file_write(NOTE, text, q->text, 0600);
	case HAND_READ:
		return read_note(out);
	default:
		return -EINVAL;
	}
}

/**
 * hand_serve - do what is asked, until the other end of the pipe is gone
 * @c: the pipe
 * @p: where
 *
 * What makes no sense ends it: then whoever asked is not who it was.
 */
void hand_serve(const struct priv_channel *c, const struct hand_place *p)
{
	const size_t size = sizeof(struct hand_question) + 2 * POLICY_FLEET_TEXT;
	struct { struct hand_answer head; char text[HAND_NOTE]; } out;
	const char *common, *text;
	struct hand_question q;
	char *message = malloc(size);
	ssize_t n;

	while (message && (n = priv_receive(c, message, size)) >= 0 && split(message, n, &q, &common, &text)) {
		out.text[0] = 0;
		out.head.status = answer(p, &q, common, text, out.text);
		out.head.sequence = q.sequence;
		out.head.len = strlen(out.text);
		if (priv_send(c, &out, sizeof(out.head) + out.head.len))
			break;
	}
	free(message);
}
