// SPDX-License-Identifier: GPL-2.0
/* Who calls cordonctl, and from where: what the kernel says, and what is only claimed. */
#include <fcntl.h>
#include <linux/capability.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "ctl/audited.h"
#include "ctl/ctl.h"
#include "host/session.h"
#include "host/words.h"
#include "lib/file.h"

#define INITIAL_USER_NS	"user:[4026531837]"	/* PROC_USER_INIT_INO of the kernel */
#define CLAIM_MAX	64			/* bytes of what the environment says */

static char *read_proc(const char *path)
{
	size_t len;
	char *text;

	return file_read(path, 4096, &text, &len) ? NULL : text;
}

/* The user who logged in, whatever became of it by su and sudo; false, nobody did. */
static bool login_uid(unsigned long *out)
{
	char *text = read_proc("/proc/self/loginuid"), *end = text;
	unsigned long uid = text ? strtoul(text, &end, 10) : 0;
	bool known = end != text && uid != (uid_t)-1;

	if (known)
		*out = uid;
	free(text);
	return known;
}

static void set_claim(json_t *to, const char *key, const char *value)
{
	char cut[CLAIM_MAX];

	if (!value || !*value)
		return;
	snprintf(cut, sizeof(cut), "%.*s", CLAIM_MAX - 1, value);
	json_object_set_new(to, key, json_text(cut));
}

/**
 * audited_who - who calls
 *
 * Return: uid; login_uid and user, whoever logged in; sudo_user, which is no more than what sudo's environment claims.
 */
json_t *audited_who(void)
{
	json_t *out = json_object();
	unsigned long uid = getuid();
	struct passwd *pw;

	json_object_set_new(out, "uid", json_integer((json_int_t)uid));
	if (login_uid(&uid))
		json_object_set_new(out, "login_uid", json_integer((json_int_t)uid));
	pw = getpwuid(uid);
	if (pw)
		set_claim(out, "user", pw->pw_name);
	set_claim(out, "sudo_user", getenv("SUDO_USER"));
	return out;
}

/* Names of terminals by their numbers, as proc(5) has them. */
static void set_terminal(json_t *out)
{
	enum { STATE, PARENT, GROUP, SESSION, TERMINAL, N };
	char *text = read_proc("/proc/self/stat"), *at = text ? strrchr(text, ')') : NULL, *words[N], name[32];
	unsigned long long device = 0;
	unsigned int major, minor;

	if (!at || host_words(at + 1, words, N) != N || !host_parse(words[TERMINAL], 10, UINT32_MAX, &device))
		device = 0;
	free(text);
	major = device >> 8 & 0xfff;
	minor = (device & 0xff) | (device >> 12 & 0xfff00);
	if (!device)
		return;
	if (major >= 136 && major < 144)
		snprintf(name, sizeof(name), "pts/%u", (major - 136) * 256 + minor);
	else if (major == 4)
		snprintf(name, sizeof(name), minor < 64 ? "tty%u" : "ttyS%u", minor < 64 ? minor : minor - 64);
	else
		snprintf(name, sizeof(name), "%u:%u", major, minor);
	json_object_set_new(out, "tty", json_string(name));
}

/* A service of systemd is a control group. */
static void set_unit(json_t *out)
{
	char *text = read_proc("/proc/self/cgroup"), *line = text ? strstr(text, "0::") : NULL, *name;

	if (line)
		line[strcspn(line, "\n")] = 0;
	name = line ? strrchr(line, '/') : NULL;
	if (name && strstr(name, ".service"))
		set_claim(out, "unit", name + 1);
	free(text);
}

/**
 * audited_from - from where
 *
 * Return: tty; ssh, the client's address, as the environment of a process above has it; unit, a service; pid.
 */
json_t *audited_from(void)
{
	json_t *out = json_object();
	struct host_caller caller;

	set_terminal(out);
	host_caller_find("", getpid(), &caller);
	caller.ssh[strcspn(caller.ssh, " ")] = 0;
	set_claim(out, "ssh", caller.ssh);
	if (!json_object_size(out))
		set_unit(out);
	json_object_set_new(out, "pid", json_integer(getpid()));
	return out;
}

static bool has_net_admin(void)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = { { .effective = 0 } };

	return !syscall(SYS_capget, &head, data) && (data[0].effective & 1U << CAP_NET_ADMIN);
}

/**
 * audited_is_operator - can the caller change anything of this gateway
 *
 * Somebody else has a CA of his own in his home, or rules the network namespace of a container: that is not in this
 * gateway's log.
 */
bool audited_is_operator(void)
{
	char ns[64] = "";
	bool initial = readlink("/proc/self/ns/user", ns, sizeof(ns) - 1) < 0 || !strcmp(ns, INITIAL_USER_NS);

	return (initial && (!geteuid() || has_net_admin())) || !access("/var/lib/cordon", W_OK);
}
