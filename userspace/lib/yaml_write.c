// SPDX-License-Identifier: GPL-2.0
/* Changed files of a policy, written: all, or none; and not over what somebody else has written meanwhile. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "file.h"
#include "yaml_edit.h"

static int refuse(const struct policy_text *t, int err, FILE *errors)
{
	fprintf(errors, "cordonctl: %s: %s\n", t->path, strerror(-err));
	return err;
}

static int check_same(const struct policy_text *t, FILE *errors)
{
	char *now;
	size_t len;
	int err = file_read(t->path, t->was_size, &now, &len);
	bool same;

	if (err && err != -EFBIG)
		return refuse(t, err, errors);
	same = !err && len == t->was_size && !memcmp(now, t->was, len);
	if (!err)
		free(now);
	if (same)
		return 0;
	fprintf(errors, "cordonctl: %s: somebody is writing to it: nothing was saved\n", t->path);
	return -EBUSY;
}

/* Links are followed, and who owned the file still does. */
static int write_file(const struct policy_text *t, const char *text, size_t size, FILE *errors)
{
	char *real = realpath(t->path, NULL);
	struct stat st;
	int err;

	if (!real || stat(real, &st))
		err = -errno;
	else
		err = file_write_like(real, text, size, &st);
	free(real);
	return err ? refuse(t, err, errors) : 0;
}

/**
 * policy_texts_write - write the files
 * @texts: what they are to say
 * @errors: where faults are written
 *
 * Return: 0; -EBUSY, a file is not what it was any more; another -errno. No file is changed then.
 */
int policy_texts_write(const struct policy_texts *texts, FILE *errors)
{
	u32 i, done = 0;
	int err = 0;

	for (i = 0; !err && i < texts->n; i++)
		err = check_same(&texts->list[i], errors);
	while (!err && done < texts->n) {
		err = write_file(&texts->list[done], texts->list[done].text, texts->list[done].size, errors);
		done += !err;
	}
	while (err && done) {
		done--;
		write_file(&texts->list[done], texts->list[done].was, texts->list[done].was_size, errors);
	}
	return err;
}

/** policy_texts_free - forget them */
void policy_texts_free(struct policy_texts *texts)
{
	u32 i;

	for (i = 0; i < texts->n; i++) {
		free(texts->list[i].path);
		free(texts->list[i].text);
		free(texts->list[i].was);
	}
	free(texts->list);
	*texts = (struct policy_texts){ NULL, 0 };
}
