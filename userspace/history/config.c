// SPDX-License-Identifier: GPL-2.0
/* watch.yaml: defaults, what it says, and what is wrong with it. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "history/watch.h"
#include "lib/yaml_get.h"
#include "pki/pki.h"
#include "store/store.h"

#define SAMPLE		10U
#define SAMPLE_MAX	60U

static void load_sample(struct loader *l, const struct yaml_node *node, struct watch_config *c)
{
	const char *text = yaml_text(l, node, "sample");

	if (text && (policy_duration_parse(text, &c->sample) || !c->sample || c->sample > SAMPLE_MAX))
		report_error(l->report, node->at, "'%s' is not a duration from 1s to 1m", text);
}

static void load_path(struct loader *l, const struct yaml_node *node, const char *what, char out[PATH_MAX])
{
	const char *text = yaml_text(l, node, what);

	if (text && (text[0] != '/' || strlen(text) >= PATH_MAX))
		report_error(l->report, node->at, "'%s' is not an absolute path", text);
	else if (text)
		strcpy(out, text);
}

static void load_top(struct loader *l, const struct yaml_node *root, struct watch_config *c)
{
	enum { SAMPLE_AT, REGISTRY, CA, NOTIFY, N };
	static const struct yaml_field fields[] = {
		{ "sample", false }, { "registry", false }, { "ca", false }, { "notify", false },
	};
	struct yaml_node *at[N] = { NULL };

	if (yaml_is_null(root) || !yaml_fields(l, root, "watch.yaml", fields, N, at))
		return;
	if (at[SAMPLE_AT])
		load_sample(l, at[SAMPLE_AT], c);
	if (at[REGISTRY])
		load_path(l, at[REGISTRY], "registry", c->registry);
	if (at[CA])
		load_path(l, at[CA], "ca", c->ca);
	if (at[NOTIFY])
		notify_config_load(l, at[NOTIFY], &c->notify);
}

/**
 * watch_config_load - read watch.yaml
 * @path: the file; NULL, the default one, which may be missing
 * @out: what holds, defaults included; watch_config_free() it in any case
 * @errors: where every fault is written
 *
 * Return: 0, or the number of faults; @out is of no use then.
 */
int watch_config_load(const char *path, struct watch_config *out, FILE *errors)
{
	struct report report = { .path = path ? path : WATCH_CONFIG, .out = errors };
	struct loader l = { .report = &report };
	struct yaml_tree tree;

	memset(out, 0, sizeof(*out));
	out->sample = SAMPLE;
	strcpy(out->registry, STORE_PATH);
	strcpy(out->ca, PKI_CA_DIR);
	/* One that is there and cannot be read is no reason to take defaults. */
	if (!path && access(WATCH_CONFIG, F_OK) && errno == ENOENT)
		return 0;
	yaml_tree_load(&tree, report.path, &report);
	if (tree.root)
		load_top(&l, tree.root, out);
	report_end(&report);
	yaml_tree_free(&tree);
	return report.errors;
}

/** watch_config_free - free what watch_config_load() gave */
void watch_config_free(struct watch_config *c)
{
	notify_config_free(&c->notify);
	memset(c, 0, sizeof(*c));
}
