// SPDX-License-Identifier: GPL-2.0
/* Landlock: no file but those below one directory, no TCP but what is open; the C library has no wrappers. */
#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "priv.h"

/* By number of the ABI: file system rights up to 13 bits, refer, truncate, ioctl; then TCP bind and connect. */
#define FS_ABI_1	((1ULL << 13) - 1)
#define FS_REFER	(1ULL << 13)
#define FS_TRUNCATE	(1ULL << 14)
#define FS_IOCTL	(1ULL << 15)
#define NET_TCP		3ULL
#define NET_CONNECT	2ULL
#define RULE_NET_PORT	2

/* As of ABI 4; kernels before take a shorter one. */
struct ruleset {
	uint64_t fs;
	uint64_t net;
};

/* Likewise. */
struct port {
	uint64_t access;
	uint64_t port;
};

#define READING		(LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
#define WRITING		(LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_REMOVE_FILE)

static int allow(int ruleset, const char *path, uint64_t access)
{
	struct landlock_path_beneath_attr rule = { .allowed_access = access };
	int err = 0;

	rule.parent_fd = open(path, O_PATH | O_CLOEXEC);
	if (rule.parent_fd < 0)
		return 0;	/* what is not there need not be readable */
	if (syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0))
		err = -errno;
	close(rule.parent_fd);
	return err;
}

static int allow_ports(int ruleset, const struct priv_role *role)
{
	struct port rule = { .access = NET_CONNECT };
	size_t i;

	for (i = 0; i < PRIV_CONNECT && role->connect[i]; i++) {
		rule.port = role->connect[i];
		if (syscall(SYS_landlock_add_rule, ruleset, RULE_NET_PORT, &rule, 0))
			return -errno;
	}
	return 0;
}

/* @truncate: that right, where the kernel tells it from writing. */
static int allow_role(int ruleset, const struct priv_role *role, uint64_t truncate)
{
	int err = role->readable ? allow(ruleset, role->readable, READING) : 0;
	size_t i;

	for (i = 0; !err && i < PRIV_ALSO; i++)
		if (role->also[i] && role->also[i][0])
			err = allow(ruleset, role->also[i], READING);
	if (!err && role->writable)
		err = allow(ruleset, role->writable, READING | WRITING | truncate);
	return err;
}

/**
 * priv_landlock - no files from now on, but what a role may still read
 * @role: the role
 *
 * Return: the ABI; -ENOSYS or -EOPNOTSUPP, the kernel has no landlock or it is off; another -errno.
 */
int priv_landlock(const struct priv_role *role)
{
	int abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
	struct ruleset r = { .fs = FS_ABI_1 };
	int fd, err;

	if (abi < 0)
		return -errno;
	if (abi >= 2)
		r.fs |= FS_REFER;
	if (abi >= 3)
		r.fs |= FS_TRUNCATE;
	if (abi >= 5)
		r.fs |= FS_IOCTL;
	if (abi >= 4)
		r.net = NET_TCP;
	fd = syscall(SYS_landlock_create_ruleset, &r, abi >= 4 ? sizeof(r) : sizeof(r.fs), 0);
	if (fd < 0)
		return -errno;
	err = allow_role(fd, role, r.fs & FS_TRUNCATE);
	if (!err && r.net)
		err = allow_ports(fd, role);
	if (!err && (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
		     syscall(SYS_landlock_restrict_self, fd, 0)))
		err = -errno;
	close(fd);
	return err ? err : abi;
}
