// SPDX-License-Identifier: GPL-2.0
/* The fleet's policy, as the file that the next start puts in force: one file, so that it is there at one stroke. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "fleet/hand.h"
#include "lib/file.h"
#include "lib/policy.h"
#include "lib/yaml.h"
#include "state/state.h"

#define MARK	"# The fleet's policy, number "
#define MAX	(64UL << 20)

static int write_file(const char *path, const char *text, size_t len)
{
	struct stat st;

	return stat(path, &st) ? file_write(path, text, len, 0644) : file_write_like(path, text, len, &st);
}

/* What is there and is not the fleet's is kept beside it: as .before, and further ones with a number. */
static int keep_before(const char *path, int64_t number)
{
	char *was, *before = NULL;
	struct stat st;
	size_t len;
	int err = file_read(path, MAX, &was, &len);

	if (err)
		return err == -ENOENT ? 0 : err;
	if (len >= strlen(MARK) && !memcmp(was, MARK, strlen(MARK))) {
		free(was);
		return 0;
	}
	if (asprintf(&before, "%s.before", path) < 0)
		before = NULL;
	if (before && !stat(before, &st)) {
		free(before);
		if (asprintf(&before, "%s.before.%lld", path, (long long)number) < 0)
			before = NULL;
	}
	err = before ? stat(path, &st) ? -errno : file_write_like(before, was, len, &st) : -ENOMEM;
	free(before);
	free(was);
	return err;
}

static char *compose(const struct policy *p, int64_t number)
{
	char *body = kept_text(p), *out = NULL;

	if (body && asprintf(&out, MARK "%lld, in force here. 'cordonctl apply --fleet' replaces this file: change it there.\n%s",
			     (long long)number, body) < 0)
		out = NULL;
	free(body);
	return out;
}

/**
 * hand_keep - the policy of the working directory is what the next start has
 * @p: where
 * @number: its
 * @why: a sentence, on failure
 *
 * Return: 0 or -errno.
 */
int hand_keep(const struct hand_place *p, int64_t number, char why[HAND_WHY])
{
	struct policy *policy = NULL;
	char path[CORDON_DEVICE_NAME_LEN + 16], *text, *said = NULL;
	size_t len;
	FILE *errors = open_memstream(&said, &len);
	int err = errors ? 0 : -ENOMEM;

	snprintf(path, sizeof(path), "gateway/%s.yaml", p->gateway);
	if (!err && policy_load(path, &policy, errors))
		err = -EINVAL;
	text = err ? NULL : compose(policy, number);
	if (!err && !text)
		err = -ENOMEM;
	if (!err)
		err = keep_before(p->policy, number);
	if (!err)
		err = write_file(p->policy, text, strlen(text));
	if (err)
		snprintf(why, HAND_WHY, "%s: %s: the policy is in force, but the next start would not know it", p->policy,
			 strerror(-err));
	if (policy)
		policy_free(policy);
	free(text);
	if (errors)
		fclose(errors);
	free(said);
	return err;
}
