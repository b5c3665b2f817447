// SPDX-License-Identifier: GPL-2.0
/* A device's lines in a policy's files: shown, or taken out with everything else left as it was written. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ctl/policy_cut.h"

static u32 find_device(const struct policy *p, const char *name)
{
	u32 i;

	for (i = 0; i < p->draft.n_devices && strcmp(p->draft.devices[i].name, name); i++)
		;
	return i;
}

/* What is about devices' places goes on with the device behind. */
static void remove_device(struct policy *p, u32 device)
{
	struct cordon_draft *d = &p->draft;

	d->n_devices--;
	memmove(&d->devices[device], &d->devices[device + 1], (d->n_devices - device) * sizeof(*d->devices));
	policy_forget_places(p);	/* no difference of policies is about them */
}

/* From the first byte that the file loses to the last one: from the begin of a line, if they may begin there. */
static void find_piece(struct policy_cut *c)
{
	const struct policy_text *t = &c->texts.list[0];
	size_t from = 0, same = 0, gone = t->was_size - t->size, at;

	while (from < t->size && t->was[from] == t->text[from])
		from++;
	while (same < t->size - from && t->was[t->was_size - same - 1] == t->text[t->size - same - 1])
		same++;
	for (at = from; at && t->was[at - 1] != '\n'; at--)
		;
	if (!memcmp(t->text + at, t->was + at + gone, t->size - at)) {
		c->from = at;
		c->len = gone;
	} else {
		c->from = from;
		c->len = t->was_size - same - from;
	}
	for (c->line = 1, at = 0; at < c->from; at++)
		c->line += t->was[at] == '\n';
}

static int find(struct policy_cut *c, const char *path, const char *name, FILE *errors)
{
	struct policy *p;
	u32 device;
	int err;

	if (policy_load(path, &p, errors))
		return -EINVAL;
	device = find_device(p, name);
	err = device < p->draft.n_devices ? 0 : -ENOENT;
	if (!err) {
		remove_device(p, device);
		err = policy_edit(path, p, &c->texts, errors);
	}
	policy_free(p);
	if (!err && (c->texts.n != 1 || c->texts.list[0].size > c->texts.list[0].was_size))
		err = -EILSEQ;
	if (!err)
		find_piece(c);
	return err;
}

/**
 * policy_cut_find - find a device in a policy file, or one that it includes
 * @c: zeroed; policy_texts_free() its texts, whatever this returns
 * @path: the file
 * @name: the device's
 * @loud: tell what is wrong with the file
 *
 * Return: 0; -ENOENT, no such file or device; -EINVAL, it is no policy; -EILSEQ, the device cannot be taken out of it by
 * itself; another -errno.
 */
int policy_cut_find(struct policy_cut *c, const char *path, const char *name, bool loud)
{
	char *said = NULL;
	size_t len;
	FILE *errors;
	int err;

	if (access(path, F_OK))
		return -errno;
	errors = open_memstream(&said, &len);
	if (!errors)
		return -ENOMEM;
	err = find(c, path, name, errors);
	fclose(errors);
	if (err == -EINVAL && loud)
		fputs(said, stderr);
	free(said);
	return err;
}
