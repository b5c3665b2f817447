// SPDX-License-Identifier: GPL-2.0
/*
 * enter NAMESPACE COMMAND...: run a command in a network namespace, with a /sys of that one; what `ip netns exec` does,
 * less /etc/netns. Linked statically: in the emulator, to load ip's libraries takes longer than most commands do.
 *
 * enter -s DIRECTORY NAMESPACE: mount its /sys there, for whoever is outside; enter -u DIRECTORY: the reverse.
 * enter -w NAMESPACE KEY=VALUE...: as sysctl -qw there.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/statvfs.h>
#include <unistd.h>

static void die(const char *what)
{
	perror(what);
	exit(255);
}

static void enter(const char *name)
{
	char path[256];
	int fd;

	snprintf(path, sizeof(path), "/run/netns/%s", name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || setns(fd, CLONE_NEWNET))
		die(name);
}

static int mount_outside(const char *dir, const char *name)
{
	enter(name);
	if (mount(name, dir, "sysfs", 0, NULL))
		die(dir);
	return 0;
}

static int write_value(char *setting)
{
	char path[256], *value = strchr(setting, '='), *dot;
	int fd;

	if (!value)
		return 1;
	*value++ = '\0';
	for (dot = setting; (dot = strchr(dot, '.')); )
		*dot = '/';
	snprintf(path, sizeof(path), "/proc/sys/%s", setting);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, value, strlen(value)) < 0) {
		perror(path);
		return 1;
	}
	return close(fd);
}

static int write_values(const char *name, char **settings)
{
	int failed = 0;

	enter(name);
	for (; *settings; settings++)
		failed |= write_value(*settings);
	return failed;
}

int main(int argc, char **argv)
{
	struct statvfs sys;

	if (argc == 4 && !strcmp(argv[1], "-s"))
		return mount_outside(argv[2], argv[3]);
	if (argc == 3 && !strcmp(argv[1], "-u"))
		return !!umount2(argv[2], MNT_DETACH);
	if (argc > 2 && !strcmp(argv[1], "-w"))
		return write_values(argv[2], argv + 3);
	if (argc < 3)
		return 255;
	enter(argv[1]);
	if (unshare(CLONE_NEWNS) || mount("", "/", "none", MS_SLAVE | MS_REC, NULL))
		die("mounts");
	if (statvfs("/sys", &sys))
		sys.f_flag = 0;
	umount2("/sys", MNT_DETACH);
	if (mount(argv[1], "/sys", "sysfs", sys.f_flag & ST_RDONLY ? MS_RDONLY : 0, NULL))
		die("/sys");
	execvp(argv[2], argv + 2);
	die(argv[2]);
}
