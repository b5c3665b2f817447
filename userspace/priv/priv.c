// SPDX-License-Identifier: GPL-2.0
/* Give up everything but what a role needs: user, capabilities, files, system calls. */
#include <cap-ng.h>
#include <errno.h>
#include <linux/netlink.h>
#include <pwd.h>
#include <seccomp.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "priv.h"

/* Where systemd's dynamic users begin: nobody else owns a file by these numbers. */
#define DYNAMIC_FIRST	61184
#define DYNAMIC_LAST	65519

static int fail(char error[PRIV_ERROR_LEN], const char *what, int err)
{
	snprintf(error, PRIV_ERROR_LEN, "%s: %s", what, strerror(-err));
	return err;
}

/* The same number at each start, unless somebody has taken it. */
static void find_user(const char *name, uid_t *uid, gid_t *gid)
{
	const struct passwd *pw = getpwnam(name);
	unsigned int hash = 5381, range = DYNAMIC_LAST - DYNAMIC_FIRST + 1;
	const char *c;

	if (pw) {
		*uid = pw->pw_uid;
		*gid = pw->pw_gid;
		return;
	}
	for (c = name; *c; c++)
		hash = hash * 33 + (unsigned char)*c;
	for (*uid = DYNAMIC_FIRST + hash % range; getpwuid(*uid); )
		*uid = *uid == DYNAMIC_LAST ? DYNAMIC_FIRST : *uid + 1;
	*gid = *uid;
}

/**
 * priv_group - the group that a role's process will be in
 * @user: of the role
 */
gid_t priv_group(const char *user)
{
	uid_t uid;
	gid_t gid;

	find_user(user, &uid, &gid);
	return gid;
}

static int drop_user(const struct priv_role *role, uid_t uid, gid_t gid, char error[PRIV_ERROR_LEN])
{
	capng_flags_t flags = CAPNG_DROP_SUPP_GRP;
	bool keep;
	int err;

	if (!uid)
		return fail(error, "the user to become is root", -EPERM);
	/* In a container, root may lack them: what is not there need not be given up, nor can be kept. */
	capng_get_caps_process();
	keep = role->net_admin && capng_have_capability(CAPNG_PERMITTED, CAP_NET_ADMIN);
	if (capng_have_capability(CAPNG_EFFECTIVE, CAP_SETPCAP))
		flags |= CAPNG_CLEAR_BOUNDING;
	capng_clear(CAPNG_SELECT_BOTH);
	if (keep)
		capng_update(CAPNG_ADD, CAPNG_EFFECTIVE | CAPNG_PERMITTED, CAP_NET_ADMIN);
	err = capng_change_id(uid, gid, flags);
	if (err)
		return fail(error, "cannot change the user", -EPERM);
	return 0;
}

/* What every process does: memory, clocks, pipes that are open, signals, its own end. */
static const int calls_all[] = {
	SCMP_SYS(read), SCMP_SYS(readv), SCMP_SYS(write), SCMP_SYS(writev), SCMP_SYS(close),
	SCMP_SYS(fstat), SCMP_SYS(newfstatat), SCMP_SYS(lseek), SCMP_SYS(fcntl), SCMP_SYS(poll),
	SCMP_SYS(ppoll), SCMP_SYS(brk), SCMP_SYS(mmap), SCMP_SYS(munmap), SCMP_SYS(mremap),
	SCMP_SYS(mprotect), SCMP_SYS(madvise), SCMP_SYS(futex), SCMP_SYS(clock_gettime),
	SCMP_SYS(clock_nanosleep), SCMP_SYS(nanosleep), SCMP_SYS(gettimeofday), SCMP_SYS(time),
	SCMP_SYS(getrandom), SCMP_SYS(getpid), SCMP_SYS(gettid), SCMP_SYS(geteuid),
	SCMP_SYS(getuid), SCMP_SYS(rt_sigaction), SCMP_SYS(rt_sigprocmask),
	SCMP_SYS(rt_sigreturn), SCMP_SYS(sigaltstack), SCMP_SYS(restart_syscall),
	SCMP_SYS(sched_yield), SCMP_SYS(exit), SCMP_SYS(exit_group), SCMP_SYS(tgkill),
	/* syslog, over a socket that is open */
	SCMP_SYS(sendto),
};

static const int calls_network[] = {
	SCMP_SYS(accept), SCMP_SYS(accept4), SCMP_SYS(recvfrom), SCMP_SYS(recvmsg),
	SCMP_SYS(sendmsg), SCMP_SYS(shutdown), SCMP_SYS(getpeername), SCMP_SYS(getsockname),
	SCMP_SYS(getsockopt), SCMP_SYS(setsockopt), SCMP_SYS(epoll_ctl), SCMP_SYS(epoll_wait),
	SCMP_SYS(epoll_pwait), SCMP_SYS(epoll_pwait2), SCMP_SYS(ioctl), SCMP_SYS(wait4),
};

static const int calls_netlink[] = {
	SCMP_SYS(bind), SCMP_SYS(recvmsg), SCMP_SYS(sendmsg), SCMP_SYS(recvfrom),
	SCMP_SYS(getsockname), SCMP_SYS(getsockopt), SCMP_SYS(setsockopt),
};

static const int calls_database[] = {
	SCMP_SYS(pread64), SCMP_SYS(pwrite64), SCMP_SYS(fdatasync), SCMP_SYS(fsync),
	SCMP_SYS(ftruncate), SCMP_SYS(stat), SCMP_SYS(lstat), SCMP_SYS(access),
	SCMP_SYS(faccessat), SCMP_SYS(fchmod), SCMP_SYS(getcwd),
};

/* Which socket is connected cannot be told here: there are none but those that may be made. */
static const int calls_local[] = {
	SCMP_SYS(connect), SCMP_SYS(sendto), SCMP_SYS(recvfrom),
};

/* No socket can be made nor connected: what a module needs is open. */
static const int calls_hardware[] = {
	SCMP_SYS(recvfrom), SCMP_SYS(recvmsg), SCMP_SYS(sendmsg), SCMP_SYS(select), SCMP_SYS(pselect6),
};

static const int calls_reading[] = {
	SCMP_SYS(open), SCMP_SYS(openat), SCMP_SYS(pread64), SCMP_SYS(access), SCMP_SYS(faccessat),
};

static const int calls_writing[] = {
	SCMP_SYS(open), SCMP_SYS(openat), SCMP_SYS(rename), SCMP_SYS(renameat), SCMP_SYS(renameat2), SCMP_SYS(unlink),
	SCMP_SYS(unlinkat), SCMP_SYS(fsync), SCMP_SYS(fdatasync), SCMP_SYS(fchmod), SCMP_SYS(fchown),
	SCMP_SYS(ftruncate),
};

static const int calls_listing[] = {
	SCMP_SYS(getdents), SCMP_SYS(getdents64),
};

/* Nobody here has any business with these: it is an attack. */
static const int calls_fatal[] = {
	SCMP_SYS(execve), SCMP_SYS(execveat), SCMP_SYS(ptrace), SCMP_SYS(process_vm_readv),
	SCMP_SYS(process_vm_writev), SCMP_SYS(fork), SCMP_SYS(vfork), SCMP_SYS(clone),
	SCMP_SYS(clone3), SCMP_SYS(bpf), SCMP_SYS(init_module), SCMP_SYS(finit_module),
	SCMP_SYS(mount), SCMP_SYS(setns), SCMP_SYS(unshare), SCMP_SYS(io_uring_setup),
};

static int add(scmp_filter_ctx ctx, uint32_t action, const int *calls, size_t n)
{
	int err = 0;
	size_t i;

	for (i = 0; !err && i < n; i++) {
		err = seccomp_rule_add(ctx, action, calls[i], 0);
		/* A machine that has no such call needs no rule for it. */
		if (err == -EDOM || err == -EACCES)
			err = 0;
	}
	return err;
}

#define ADD(ctx, action, calls) add(ctx, action, calls, sizeof(calls) / sizeof(*(calls)))

/* By its protocol: netfilter's, for one, would let whoever has CAP_NET_ADMIN change the firewall. */
static int allow_netlink(scmp_filter_ctx ctx, int protocol)
{
	return seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(socket), 2, SCMP_A0(SCMP_CMP_EQ, AF_NETLINK),
				SCMP_A2(SCMP_CMP_EQ, protocol));
}

/* Of TCP; landlock says to which ports, where the kernel has that. */
static int allow_connect(scmp_filter_ctx ctx)
{
	static const int families[] = { AF_INET, AF_INET6 };
	int err = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(connect), 0);
	size_t i;

	for (i = 0; !err && i < sizeof(families) / sizeof(*families); i++)
		err = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(socket), 2, SCMP_A0(SCMP_CMP_EQ, families[i]),
				       SCMP_A1(SCMP_CMP_MASKED_EQ, 0xf, SOCK_STREAM));
	return err;
}

/* Of another service of this machine; an AF_UNIX socket of that type, and no other one. */
static int allow_local(scmp_filter_ctx ctx, int type)
{
	int err = ADD(ctx, SCMP_ACT_ALLOW, calls_local);

	return err ? err : seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(socket), 2, SCMP_A0(SCMP_CMP_EQ, AF_UNIX),
					    SCMP_A1(SCMP_CMP_EQ, type | SOCK_NONBLOCK | SOCK_CLOEXEC));
}

static bool has_more(const struct priv_role *role)
{
	size_t i;

	for (i = 0; i < PRIV_ALSO; i++)
		if (role->also[i] && role->also[i][0])
			return true;
	return false;
}

static int filter_calls(const struct priv_role *role, char error[PRIV_ERROR_LEN])
{
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ERRNO(EPERM));
	int err;

	if (!ctx)
		return fail(error, "seccomp", -ENOMEM);
	err = ADD(ctx, SCMP_ACT_ALLOW, calls_all);
	if (!err)
		err = ADD(ctx, SCMP_ACT_KILL_PROCESS, calls_fatal);
	if (!err && role->network)
		err = ADD(ctx, SCMP_ACT_ALLOW, calls_network);
	if (!err && role->netlink)
		err = ADD(ctx, SCMP_ACT_ALLOW, calls_netlink);
	if (!err && role->netlink)
		err = allow_netlink(ctx, NETLINK_GENERIC);
	if (!err && role->netlink)
		err = allow_netlink(ctx, NETLINK_ROUTE);
	if (!err && role->local)
		err = allow_local(ctx, SOCK_SEQPACKET);
	if (!err && role->stream)
		err = allow_local(ctx, SOCK_STREAM);
	if (!err && role->connect[0])
		err = allow_connect(ctx);
	if (!err && role->database)
		err = ADD(ctx, SCMP_ACT_ALLOW, calls_database);
	if (!err && role->hardware)
		err = ADD(ctx, SCMP_ACT_ALLOW, calls_hardware);
	if (!err && (role->readable || has_more(role)))
		err = ADD(ctx, SCMP_ACT_ALLOW, calls_reading);
	if (!err && role->writable)
		err = ADD(ctx, SCMP_ACT_ALLOW, calls_writing);
	if (!err && role->listing)
		err = ADD(ctx, SCMP_ACT_ALLOW, calls_listing);
	if (!err)
		err = seccomp_load(ctx);
	seccomp_release(ctx);
	return err ? fail(error, "seccomp", err) : 0;
}

/**
 * priv_enter - from now on, this process can do what its role needs, and no more
 * @role: the role
 * @error: a sentence, on failure
 *
 * Files, sockets and keys that the role uses are open by now. Who is not root keeps the
 * user and is confined all the same.
 *
 * Return: the ABI of landlock, 0 where the kernel has none; or -errno, and the process
 * must not go on.
 */
int priv_enter(const struct priv_role *role, char error[PRIV_ERROR_LEN])
{
	const struct rlimit none = { 0, 0 };
	uid_t uid;
	gid_t gid;
	int abi, err;

	setrlimit(RLIMIT_CORE, &none);
	/* As long as it can be looked up: landlock hides /etc/passwd. */
	find_user(role->user, &uid, &gid);
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return fail(error, "prctl", -errno);
	abi = priv_landlock(role);
	if (abi == -ENOSYS || abi == -EOPNOTSUPP)
		abi = 0;
	if (abi < 0)
		return fail(error, "landlock", abi);
	err = geteuid() ? 0 : drop_user(role, uid, gid, error);
	if (!err)
		err = filter_calls(role, error);
	return err ? err : abi;
}
