// SPDX-License-Identifier: GPL-2.0
/*
 * The audit log, around every command that changes something. A line before says that it begins: whoever kills it in
 * the middle, or the pipe that it prints to, is seen. One after it says how it ended.
 */
#include <string.h>

#include "audit/audit.h"
#include "ctl/audited.h"

/* done, refused, ...: by exit status. */
static const char *result_of(int status)
{
	static const char * const names[] = { "done", "refused", "usage", "differs" };

	return status >= 0 && status < 4 ? names[status] : "failed";
}

/* @log is closed after a failure. */
static int begin(struct audit *log, json_t *line, uint64_t *seq)
{
	int err = audit_open(log, audit_path());

	if (err)
		return err;
	audit_rotate(log, AUDIT_WAIT);
	err = audit_write(log, line, AUDIT_WAIT, seq);
	if (!err)
		err = audit_sync(log, false, AUDIT_WAIT);
	if (err)
		audit_close(log);
	return err;
}

static void end(struct audit *log, json_t *line, uint64_t begun, int status)
{
	json_object_set_new(line, "result", json_string(result_of(status)));
	json_object_set_new(line, "status", json_integer(status));
	json_object_set_new(line, "begun", json_integer((json_int_t)begun));
	if (audit_write(log, line, AUDIT_WAIT, NULL) || audit_sync(log, true, AUDIT_WAIT))
		fprintf(stderr, "cordonctl: note: the audit log says that this has begun, and not how it ended: %s\n",
			log->error);
	audit_close(log);
}

static json_t *compose(int argc, char **argv)
{
	json_t *line = json_pack("{s:o*,s:o*,s:o*,s:s}", "who", audited_who(), "from", audited_from(), "what",
				 audited_words(argc, argv), "result", "begun");

	return line;
}

/**
 * audited_run - run a command, with the audit log around it where it changes something
 * @c: the command
 * @argc: its words
 * @argv: its words
 *
 * Return: exit status of the command; EXIT_REFUSED, it was not begun, as the log cannot be written.
 */
int audited_run(const struct command *c, int argc, char **argv)
{
	enum audited which = audited_which(argc, argv);
	struct audit log = { .fd = -1, .head = -1 };
	uint64_t begun = 0;
	json_t *line;
	int status;

	if (which == AUDITED_NOT)
		return c->run(c, argc, argv);
	line = compose(argc, argv);
	if (!line)
		return complain("audit log", "out of memory");
	if (begin(&log, line, &begun) && audited_is_operator()) {
		if (which == AUDITED) {
			fprintf(stderr, "cordonctl: %s: not begun, as the audit log cannot be written: %s\n", c->name,
				log.error);
			json_decref(line);
			return EXIT_REFUSED;
		}
		fprintf(stderr, "cordonctl: note: this is not in the audit log, which cannot be written: %s\n",
			log.error);
	}
	status = c->run(c, argc, argv);
	if (begun)
		end(&log, line, begun, status);
	json_decref(line);
	return status;
}
