// SPDX-License-Identifier: GPL-2.0
/* Installed kernels and modules, units, Secure Boot, kernel settings: by the files that hold them. */
#include <dirent.h>
#include <libkmod.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host/health.h"
#include "lib/file.h"

#define PATH_LEN	512
#define LIST_MAX	(16 * 1024 * 1024)

static bool join(char out[PATH_LEN], const char *root, const char *dir, const char *name, const char *file)
{
	return snprintf(out, PATH_LEN, "%s%s%s%s", root, dir, name, file) < PATH_LEN;
}

/**
 * host_has - a file is there
 * @root: in place of /
 * @path: the file
 */
bool host_has(const char *root, const char *path)
{
	char full[PATH_LEN];

	return join(full, root, path, "", "") && !access(full, F_OK);
}

/**
 * host_number - what a file of one number says
 * @root: in place of /
 * @path: the file
 *
 * Return: -1, it cannot be read.
 */
long host_number(const char *root, const char *path)
{
	char full[PATH_LEN], *text;
	size_t len;
	long n;

	if (!join(full, root, path, "", "") || file_read(full, 4096, &text, &len))
		return -1;
	n = strtol(text, NULL, 10);
	free(text);
	return n;
}

/* The line of modules.dep(5) that begins with the module's path. Return: free() it; NULL. */
static char *find_module(const char *root, const char *release)
{
	char path[PATH_LEN], *text, *line, *rest, *end, *found = NULL;
	size_t len;

	if (!join(path, root, "/lib/modules/", release, "/modules.dep") || file_read(path, LIST_MAX, &text, &len))
		return NULL;
	rest = text;
	while (!found && (line = strsep(&rest, "\n"))) {
		end = strchr(line, ':');
		if (!end)
			continue;
		*end = 0;
		end = strrchr(line, '/');
		if (!strncmp(end ? end + 1 : line, "cordon.ko", 9))
			found = strdup(line);
	}
	free(text);
	return found;
}

/**
 * host_module_is_there - the module is installed for a kernel, and depmod knows it
 * @root: in place of /
 * @release: of the kernel
 */
bool host_module_is_there(const char *root, const char *release)
{
	char *found = find_module(root, release);

	free(found);
	return found;
}

static bool has_signature(const struct kmod_list *info)
{
	const struct kmod_list *item;

	kmod_list_foreach(item, info)
		if (!strcmp(kmod_module_info_get_key(item), "sig_id"))
			return true;
	return false;
}

/* By what modinfo(8) would show, since the file may be compressed. */
static enum host_signed read_signature(const char *path)
{
	struct kmod_ctx *ctx = kmod_new(NULL, NULL);
	enum host_signed ret = HOST_SIGNED_UNKNOWN;
	struct kmod_module *mod = NULL;
	struct kmod_list *info = NULL;

	if (ctx)
		kmod_set_log_fn(ctx, NULL, NULL);
	if (ctx && !kmod_module_new_from_path(ctx, path, &mod) && kmod_module_get_info(mod, &info) >= 0)
		ret = has_signature(info) ? HOST_SIGNED : HOST_UNSIGNED;
	kmod_module_info_free_list(info);
	kmod_module_unref(mod);
	kmod_unref(ctx);
	return ret;
}

/**
 * host_module_is_signed - it has a signature, whoever made it
 * @root: in place of /
 * @release: of the kernel
 *
 * Return: HOST_SIGNED_UNKNOWN where it is missing or cannot be read.
 */
enum host_signed host_module_is_signed(const char *root, const char *release)
{
	char *found = find_module(root, release), path[PATH_LEN];
	enum host_signed ret = HOST_SIGNED_UNKNOWN;

	if (found && snprintf(path, sizeof(path), "%s/lib/modules/%s/%s", root, release, found) < PATH_LEN)
		ret = read_signature(path);
	free(found);
	return ret;
}

/* An image beside modules: the directory of a kernel that was removed may stay. */
static bool has_image(const char *root, const char *release)
{
	char path[PATH_LEN];

	return (join(path, root, "/boot/vmlinuz-", release, "") && !access(path, F_OK)) ||
	       (join(path, root, "/lib/modules/", release, "/vmlinuz") && !access(path, F_OK));
}

/**
 * host_kernels - the installed kernels, those that a boot loader may start
 * @root: in place of /
 * @out: their releases, the newest first; free() it
 *
 * Return: how many; 0 also where they cannot be listed, as where the kernel comes from elsewhere.
 */
size_t host_kernels(const char *root, char (**out)[HOST_RELEASE_LEN])
{
	struct dirent **all = NULL;
	char path[PATH_LEN];
	size_t n = 0;
	int i;

	i = join(path, root, "/lib/modules", "", "") ? scandir(path, &all, NULL, versionsort) : -1;
	*out = i > 0 ? calloc(i, sizeof(**out)) : NULL;
	while (i-- > 0) {
		if (*out && all[i]->d_name[0] != '.' && strlen(all[i]->d_name) < HOST_RELEASE_LEN &&
		    has_image(root, all[i]->d_name))
			strcpy((*out)[n++], all[i]->d_name);
		free(all[i]);
	}
	free(all);
	return n;
}

/**
 * host_secure_boot - the firmware starts signed systems only
 * @root: in place of /
 */
bool host_secure_boot(const char *root)
{
	static const char name[] = "/sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c";
	char path[PATH_LEN], *bytes;
	size_t len;
	bool on;

	if (!join(path, root, name, "", "") || file_read(path, 64, &bytes, &len))
		return false;
	on = len == 5 && bytes[4] == 1;		/* four bytes of attributes come first */
	free(bytes);
	return on;
}

/**
 * host_wants_signatures - the kernel refuses modules without a good signature, by its own settings
 * @root: in place of /
 */
bool host_wants_signatures(const char *root)
{
	char path[PATH_LEN], *word;
	size_t len;
	bool on;

	if (!join(path, root, "/sys/module/module/parameters/sig_enforce", "", "") || file_read(path, 64, &word, &len))
		return false;
	on = word[0] == 'Y';
	free(word);
	return on;
}

static bool holds(const char *root, const char *list, const char *key, size_t key_len)
{
	char path[PATH_LEN], *bytes;
	size_t len;
	bool found;

	if (!join(path, root, "/sys/firmware/efi/efivars/", list, "") || file_read(path, LIST_MAX, &bytes, &len))
		return false;
	found = memmem(bytes, len, key, key_len);
	free(bytes);
	return found;
}

/**
 * host_key_is_enrolled - the firmware, or shim, knows the key that DKMS signs with
 * @root: in place of /
 *
 * Its certificate stands in one of their lists as it is in the file. Return: HOST_KEY_UNKNOWN, it cannot be read.
 */
enum host_key host_key_is_enrolled(const char *root)
{
	char path[PATH_LEN], *key;
	enum host_key ret;
	size_t len;

	if (!join(path, root, HOST_DKMS_KEY, "", "") || file_read(path, 64 << 10, &key, &len))
		return HOST_KEY_UNKNOWN;
	ret = len && (holds(root, "MokListRT-605dab50-e046-4300-abb6-3dd810dd8b23", key, len) ||
		      holds(root, "db-d719b2cb-3d3a-4596-a3bc-dad00e67656f", key, len)) ? HOST_KEY_ENROLLED : HOST_KEY_STRANGE;
	free(key);
	return ret;
}

/**
 * host_unit_is_there - systemd finds a unit
 * @root: in place of /
 * @unit: its name
 */
bool host_unit_is_there(const char *root, const char *unit)
{
	static const char *const dirs[] = {
		"/etc/systemd/system/", "/usr/local/lib/systemd/system/", "/usr/lib/systemd/system/", "/lib/systemd/system/",
	};
	char path[PATH_LEN];
	size_t i;

	for (i = 0; i < sizeof(dirs) / sizeof(*dirs); i++)
		if (join(path, root, dirs[i], unit, "") && !access(path, F_OK))
			return true;
	return false;
}

/* A link in some target's directory; where it points to may lie outside of @root. */
static bool is_wanted(const char *root, const char *dir, const char *target, const char *unit)
{
	char path[PATH_LEN], to[8];
	const char *end = strrchr(target, '.');

	if (!end || (strcmp(end, ".wants") && strcmp(end, ".requires")))
		return false;
	if (snprintf(path, sizeof(path), "%s%s/%s/%s", root, dir, target, unit) >= PATH_LEN)
		return false;
	return readlink(path, to, sizeof(to)) > 0;
}

/**
 * host_unit_is_enabled - systemd starts a unit with the machine
 * @root: in place of /
 * @unit: its name
 */
bool host_unit_is_enabled(const char *root, const char *unit)
{
	static const char at[] = "/etc/systemd/system";
	char path[PATH_LEN];
	struct dirent *d;
	bool found = false;
	DIR *dir = join(path, root, at, "", "") ? opendir(path) : NULL;

	while (dir && !found && (d = readdir(dir)))
		found = is_wanted(root, at, d->d_name, unit);
	if (dir)
		closedir(dir);
	return found;
}
