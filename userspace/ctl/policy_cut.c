// SPDX-License-Identifier: GPL-2.0
/* A device's lines in a policy file: shown, or taken out with everything else left as it was written. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ctl/policy_cut.h"
#include "lib/diff.h"
#include "lib/file.h"
#include "lib/policy.h"
#include "lib/yaml.h"
#include "lib/yaml_tree.h"

/* A policy that may be wrong, which is told only where @path is a file of the user's. */
static struct policy *load(const char *path, bool loud)
{
	struct policy *p = NULL;
	char *text = NULL;
	size_t len = 0;
	FILE *errors = open_memstream(&text, &len);

	if (!errors)
		return NULL;
	if (policy_load(path, &p, errors))
		p = NULL;
	fclose(errors);
	if (!p && loud)
		fputs(text, stderr);
	free(text);
	return p;
}

static struct policy *load_text(const char *text, size_t len)
{
	int fd = memfd_create("policy", MFD_CLOEXEC);
	struct policy *p = NULL;
	char path[32];

	if (fd < 0)
		return NULL;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (!file_write_all(fd, text, len))
		p = load(path, false);
	close(fd);
	return p;
}

/* What is left is that policy without the device, and nothing else. */
static bool is_without(const char *path, const char *left, size_t len, const char *name)
{
	struct policy *before = load(path, false), *after = load_text(left, len);
	struct policy_diff d = { NULL, 0 };
	bool good;

	good = before && after && !policy_diff(before, after, &d) && d.n == 1 && d.changes[0].op == POLICY_DELETE &&
	       !strcmp(d.changes[0].object, "device") && !strcmp(d.changes[0].name, name);
	policy_diff_free(&d);
	policy_free(before);
	policy_free(after);
	return good;
}

/**
 * policy_cut_find - find a device in a policy file
 * @c: set; policy_cut_free() it, whatever this returns
 * @path: the file
 * @name: the device's
 * @loud: tell what is wrong with the file
 *
 * Return: 0; -ENOENT, no such file or device; -EINVAL, it is no policy; -EUCLEAN, the device cannot be taken out of it
 * by itself; another -errno.
 */
int policy_cut_find(struct policy_cut *c, const char *path, const char *name, bool loud)
{
	struct policy *p;
	int err;

	memset(c, 0, sizeof(*c));
	c->path = realpath(path, NULL);
	if (!c->path)
		return -errno;
	p = load(c->path, loud);
	policy_free(p);
	if (!p)
		return -EINVAL;
	err = file_read(c->path, YAML_TREE_BYTES, &c->text, &c->len);
	if (!err)
		err = yaml_cut_device(c->text, c->len, name, &c->at);
	return err == -EINVAL ? -EUCLEAN : err;
}

/**
 * policy_cut_write - take the device out of the file
 * @c: found
 * @name: the device's
 *
 * The file keeps mode and owner, and all of its other bytes.
 *
 * Return: 0; -EUCLEAN, what would be left is not the policy without the device; another -errno. The file is as it was
 * then.
 */
int policy_cut_write(const struct policy_cut *c, const char *name)
{
	const size_t left = c->len - (c->at.to - c->at.from);
	char *text = malloc(left + 1);
	struct stat st;
	int err = 0;

	if (!text)
		return -ENOMEM;
	memcpy(text, c->text, c->at.from);
	memcpy(text + c->at.from, c->text + c->at.to, c->len - c->at.to);
	if (!is_without(c->path, text, left, name))
		err = -EUCLEAN;
	else if (stat(c->path, &st))
		err = -errno;
	else
		err = file_write(c->path, text, left, st.st_mode & 07777);
	/* Whose it was may not be in our power, and it is readable as before. */
	if (!err && (st.st_uid != geteuid() || st.st_gid != getegid()) && chown(c->path, st.st_uid, st.st_gid))
		complain_note(c->path, "its owner is another one now");
	free(text);
	return err;
}

/** policy_cut_free - forget what policy_cut_find() found */
void policy_cut_free(struct policy_cut *c)
{
	free(c->path);
	free(c->text);
	memset(c, 0, sizeof(*c));
}
