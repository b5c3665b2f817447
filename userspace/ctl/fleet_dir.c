// SPDX-License-Identifier: GPL-2.0
/* DIR/common.yaml and DIR/gateway/NAME.yaml: read, and held against the gateways that there are. */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "ctl/ctl.h"
#include "ctl/fleet_policy.h"
#include "lib/file.h"
#include "lib/yaml_fleet.h"
#include "store/fleet.h"

#define SUFFIX	".yaml"

static char *join(const char *dir, const char *name)
{
	char *path;

	return asprintf(&path, "%s/%s", dir, name) < 0 ? NULL : path;
}

/* Return: exit status; the fault was told. */
static int read_text(const char *path, char **text, size_t *size)
{
	int err = path ? file_read(path, POLICY_FLEET_TEXT, text, size) : -ENOMEM;

	if (err == -EFBIG)
		return complain(path, "too large for a fleet: at most 512 KiB");
	if (err)
		return complain(path ? path : "policy", strerror(-err));
	if (memchr(*text, 0, *size))
		return complain(path, "a NUL character: this is no text");
	return EXIT_DONE;
}

static int is_yaml(const struct dirent *e)
{
	size_t len = strlen(e->d_name);

	return e->d_name[0] != '.' && len > strlen(SUFFIX) && !strcmp(e->d_name + len - strlen(SUFFIX), SUFFIX);
}

static void count(struct fleet_file *f, const struct policy *p)
{
	snprintf(f->summary, sizeof(f->summary), "%u ports, %u segments, %u rules, %u devices", p->draft.n_ports,
		 p->draft.n_segments - CORDON_BUILTIN_SEGMENTS, p->draft.n_rules, p->draft.n_devices);
}

static int read_file(struct fleet_dir *d, const char *dir, const char *name)
{
	struct fleet_file *f = &d->files[d->n++];
	struct policy *p;
	int ret;

	f->path = join(dir, name);
	f->gateway = strndup(name, strlen(name) - strlen(SUFFIX));
	if (!f->path || !f->gateway)
		return complain(name, strerror(ENOMEM));
	if (!cordon_name_is_valid(f->gateway, STORE_GATEWAY_LEN))
		return complain(f->path, "is no name of a gateway");
	ret = read_text(f->path, &f->text, &f->size);
	if (ret)
		return ret;
	if (policy_fleet_includes(f->path, f->text, f->size, &f->common, stderr) || policy_load(f->path, &p, stderr))
		return EXIT_REFUSED;
	count(f, p);
	policy_free(p);
	return EXIT_DONE;
}

/* All faults of all files, not only the first. */
static int read_files(struct fleet_dir *d, const char *dir)
{
	struct dirent **names;
	int n = scandir(dir, &names, is_yaml, alphasort), ret = EXIT_DONE, i;

	if (n < 0)
		return complain(dir, strerror(errno));
	d->files = calloc(n + 1, sizeof(*d->files));
	for (i = 0; i < n; i++) {
		if (!d->files || read_file(d, dir, names[i]->d_name))
			ret = EXIT_REFUSED;
		free(names[i]);
	}
	free(names);
	if (!d->files)
		return complain(dir, strerror(ENOMEM));
	return n ? ret : complain(dir, "there is no NAME" SUFFIX ", with a gateway's name");
}

static int read_common(struct fleet_dir *d, const char *dir)
{
	struct stat st;

	d->common_path = join(dir, "common" SUFFIX);
	if (!d->common_path)
		return complain(dir, strerror(ENOMEM));
	if (lstat(d->common_path, &st) && errno == ENOENT)
		return EXIT_DONE;
	return read_text(d->common_path, &d->common, &d->common_size);
}

/**
 * fleet_dir_read - read a fleet's policy
 * @d: set; fleet_dir_free() it, whatever this returns
 * @dir: DIR
 *
 * Return: an exit status; what is wrong was told.
 */
int fleet_dir_read(struct fleet_dir *d, const char *dir)
{
	char *gateways = join(dir, "gateway");
	bool used = false;
	int ret, common;
	size_t i;

	memset(d, 0, sizeof(*d));
	common = read_common(d, dir);
	ret = gateways ? read_files(d, gateways) : complain(dir, strerror(ENOMEM));
	free(gateways);
	for (i = 0; i < d->n; i++)
		used |= d->files[i].common;
	if (!ret && d->common && !used)
		fprintf(stderr, "cordonctl: warning: %s: no gateway's file has 'include: " POLICY_FLEET_COMMON "'\n",
			d->common_path);
	return common ? common : ret;
}

/** fleet_dir_free - forget it */
void fleet_dir_free(struct fleet_dir *d)
{
	size_t i;

	for (i = 0; i < d->n; i++) {
		free(d->files[i].gateway);
		free(d->files[i].path);
		free(d->files[i].text);
	}
	free(d->files);
	free(d->common);
	free(d->common_path);
}

static const struct fleet_file *find(const struct fleet_dir *d, const char *gateway)
{
	size_t i;

	for (i = 0; i < d->n; i++)
		if (!strcmp(d->files[i].gateway, gateway))
			return &d->files[i];
	return NULL;
}

static bool has_port(const char *port, void *arg)
{
	json_t *ports = arg, *one;
	size_t i;

	json_array_foreach(ports, i, one)
		if (json_is_string(one) && !strcmp(json_string_value(one), port))
			return true;
	return false;
}

/* Of a gateway that never said which interfaces it has, nothing can be checked. */
static int check_ports(const struct fleet_dir *d, const struct fleet_file *f, json_t *ports)
{
	int faults;

	if (!json_array_size(ports)) {
		fprintf(stderr, "cordonctl: warning: %s: gateway '%s' has not said which interfaces it has: not checked\n", f->path,
			f->gateway);
		return 0;
	}
	faults = policy_fleet_ports(f->path, f->text, f->size, f->gateway, has_port, ports, stderr);
	if (f->common && d->common)
		faults += policy_fleet_ports(d->common_path, d->common, d->common_size, f->gateway, has_port, ports, stderr);
	return faults;
}

/**
 * fleet_dir_check - each gateway has a file, each file a gateway, and each port is there
 * @d: what was read
 * @gateways: all of the fleet, by name: see the question "policy"
 * @force: only what cannot be is refused: a file of a gateway that is not in the fleet
 *
 * Return: an exit status; all that is wrong was told.
 */
int fleet_dir_check(const struct fleet_dir *d, json_t *gateways, bool force)
{
	int faults = 0, doubts = 0;
	const char *name;
	json_t *gateway;
	size_t i;

	for (i = 0; i < d->n; i++) {
		gateway = json_object_get(gateways, d->files[i].gateway);
		if (!gateway || json_is_true(json_object_get(gateway, "expelled")))
			faults += complain(d->files[i].path, gateway ? "this gateway was expelled from the fleet" :
					   "there is no gateway of this name in the fleet");
		else
			doubts += check_ports(d, &d->files[i], json_object_get(gateway, "ports"));
	}
	json_object_foreach(gateways, name, gateway)
		if (!json_is_true(json_object_get(gateway, "expelled")) && !find(d, name)) {
			fprintf(stderr, "cordonctl: gateway '%s' is in the fleet, and has no file gateway/%s" SUFFIX "\n", name, name);
			doubts++;
		}
	if (doubts && !faults && !force)
		fputs("cordonctl: nothing was changed: --force applies it all the same\n", stderr);
	return faults || (doubts && !force) ? EXIT_REFUSED : EXIT_DONE;
}
