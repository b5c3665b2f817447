// SPDX-License-Identifier: GPL-2.0
/* Installed kernels and modules, units, Secure Boot, kernel settings: by the files that hold them. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host/health.h"
#include "lib/file.h"

#define PATH_LEN	512
#define LIST_MAX	(16 * 1024 * 1024)
#define SIGNATURE	"~Module signature appended~\n"

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

/**
 * host_module_is_signed - it has a signature, whoever made it
 * @root: in place of /
 * @release: of the kernel
 *
 * Return: HOST_SIGNED_UNKNOWN where it is compressed or missing.
 */
enum host_signed host_module_is_signed(const char *root, const char *release)
{
	char *found = find_module(root, release), path[PATH_LEN], tail[sizeof(SIGNATURE)] = "";
	enum host_signed ret = HOST_SIGNED_UNKNOWN;
	size_t len = found ? strlen(found) : 0;
	FILE *file = NULL;

	if (len > 3 && !strcmp(found + len - 3, ".ko") &&
	    snprintf(path, sizeof(path), "%s/lib/modules/%s/%s", root, release, found) < PATH_LEN)
		file = fopen(path, "re");
	free(found);
	if (file && !fseek(file, 1 - (long)sizeof(SIGNATURE), SEEK_END) &&
	    fread(tail, 1, sizeof(SIGNATURE) - 1, file) == sizeof(SIGNATURE) - 1)
		ret = strcmp(tail, SIGNATURE) ? HOST_UNSIGNED : HOST_SIGNED;
	else if (file)
		ret = HOST_UNSIGNED;
	if (file)
		fclose(file);
	return ret;
}

/**
 * host_newest_kernel - the installed kernel that a boot loader is likely to take next
 * @root: in place of /
 * @out: its release
 *
 * That with the highest version among those that have both modules and an image.
 *
 * Return: false, there is none, as where the kernel comes from elsewhere.
 */
bool host_newest_kernel(const char *root, char out[HOST_RELEASE_LEN])
{
	char path[PATH_LEN];
	struct dirent *d;
	DIR *dir = join(path, root, "/lib/modules", "", "") ? opendir(path) : NULL;

	out[0] = 0;
	while (dir && (d = readdir(dir)))
		if (d->d_name[0] != '.' && strlen(d->d_name) < HOST_RELEASE_LEN &&
		    join(path, root, "/boot/vmlinuz-", d->d_name, "") && !access(path, F_OK) &&
		    (!out[0] || strverscmp(d->d_name, out) > 0))
			strcpy(out, d->d_name);
	if (dir)
		closedir(dir);
	return out[0];
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
