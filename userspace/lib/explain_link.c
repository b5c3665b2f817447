// SPDX-License-Identifier: GPL-2.0
/* The interfaces that explain asks about. */
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <ifaddrs.h>
#include <limits.h>
#include <linux/ethtool.h>
#include <linux/if_bridge.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "explain_in.h"

static bool read_address(const struct sockaddr *sa, struct cordon_addr *out)
{
	const struct sockaddr_in6 *v6 = (const void *)sa;
	const struct sockaddr_in *v4 = (const void *)sa;
	int i;

	if (sa && sa->sa_family == AF_INET) {
		*out = cordon_addr_v4(ntohl(v4->sin_addr.s_addr));
		return true;
	}
	if (!sa || sa->sa_family != AF_INET6)
		return false;
	*out = (struct cordon_addr){ 0, 0 };
	for (i = 0; i < 8; i++) {
		out->hi = out->hi << 8 | v6->sin6_addr.s6_addr[i];
		out->lo = out->lo << 8 | v6->sin6_addr.s6_addr[8 + i];
	}
	return true;
}

static u8 mask_length(const struct cordon_addr *mask, bool v4)
{
	u8 len = __builtin_popcountll(v4 ? (u32)mask->lo : mask->lo);

	return v4 ? 96 + len : len + __builtin_popcountll(mask->hi);
}

/* It has the wire of the interface that it lies on, as the kernel module sees it (kernel/stack.c). */
static bool shares_wire(const char *name)
{
	static const char *const drivers[] = { "macvlan", "macvtap", "ipvlan", "ipvtap" };
	struct ethtool_drvinfo info = { .cmd = ETHTOOL_GDRVINFO };
	struct ifreq request = { .ifr_data = (void *)&info };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool shared = false;
	size_t i;

	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", name);
	if (fd >= 0 && !ioctl(fd, SIOCETHTOOL, &request))
		for (i = 0; i < sizeof(drivers) / sizeof(*drivers); i++)
			shared |= !strncmp(info.driver, drivers[i], sizeof(info.driver));
	if (fd >= 0)
		close(fd);
	return shared;
}

static void find_wire(struct explain_link *link)
{
	const struct dirent *entry;
	char path[64];
	DIR *dir;

	if (!shares_wire(link->name))
		return;
	snprintf(path, sizeof(path), "/sys/class/net/%s", link->name);
	dir = opendir(path);
	while (dir && (entry = readdir(dir)))
		if (!strncmp(entry->d_name, "lower_", 6))
			snprintf(link->wire, sizeof(link->wire), "%s", entry->d_name + 6);
	if (dir)
		closedir(dir);
}

/* What it is in, and whether it is a bridge itself. */
static void find_master(struct explain_link *link)
{
	char path[64], target[PATH_MAX];
	ssize_t len;

	snprintf(path, sizeof(path), "/sys/class/net/%s/bridge", link->name);
	link->is_bridge = !access(path, F_OK);
	snprintf(path, sizeof(path), "/sys/class/net/%s/master", link->name);
	len = readlink(path, target, sizeof(target) - 1);
	if (len < 0)
		return;
	target[len] = '\0';
	snprintf(link->master, sizeof(link->master), "%s", basename(target));
}

/* The number of a port in its bridge; 0, it has none. */
static u32 number_in_bridge(const struct explain_link *link)
{
	char path[64], text[16];
	u32 number = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/sys/class/net/%s/brport/port_no", link->name);
	file = fopen(path, "re");
	if (!file)
		return 0;
	if (fgets(text, sizeof(text), file))
		number = strtoul(text, NULL, 16);
	fclose(file);
	return number;
}

static void note_seen(struct explain *e, const struct explain_link *bridge, const struct __fdb_entry *entry)
{
	u32 device = cordon_policy_device_by_mac(e->p, entry->mac_addr), i;
	u32 number = entry->port_hi << 8 | entry->port_no;

	for (i = 0; !entry->is_local && device != CORDON_NO_DEVICE && i < e->n_links; i++)
		if (!strcmp(e->links[i].master, bridge->name) && number_in_bridge(&e->links[i]) == number)
			strcpy(e->places[device].seen, e->links[i].name);
}

/**
 * explain_learn - note where the bridges of this machine have learned the policy's devices
 * @e: the gateway; its policy and interfaces are set
 *
 * Return: 0 or -ENOMEM.
 */
int explain_learn(struct explain *e)
{
	struct __fdb_entry entry;
	char path[64];
	FILE *file;
	u32 i;

	e->places = calloc(e->p->draft.n_devices + 1, sizeof(*e->places));
	if (!e->places)
		return -ENOMEM;
	for (i = 0; i < e->n_links; i++) {
		if (!e->links[i].is_bridge)
			continue;
		snprintf(path, sizeof(path), "/sys/class/net/%s/brforward", e->links[i].name);
		file = fopen(path, "re");
		while (file && fread(&entry, sizeof(entry), 1, file) == 1)
			note_seen(e, &e->links[i], &entry);
		if (file)
			fclose(file);
	}
	return 0;
}

/**
 * explain_add_link - one interface more
 * @e: the gateway
 * @name: the interface's; what has it already is left alone
 *
 * Pointers to links are good until the next one is added. Return: 0 or -ENOMEM.
 */
int explain_add_link(struct explain *e, const char *name)
{
	struct explain_link *links;

	if (explain_find_link(e, name))
		return 0;
	links = realloc(e->links, (e->n_links + 1) * sizeof(*links));
	if (!links)
		return -ENOMEM;
	e->links = links;
	links = &links[e->n_links++];
	*links = (struct explain_link){ .n = 0 };
	snprintf(links->name, sizeof(links->name), "%s", name);
	return 0;
}

/**
 * explain_add_address - one address more
 * @link: the interface
 * @self: its address
 * @peer: that of the host at the other end, or the same
 * @len: prefix length of @peer's network, as in struct cordon_network_def
 *
 * Return: 0 or -ENOMEM.
 */
int explain_add_address(struct explain_link *link, const struct cordon_addr *self,
			const struct cordon_addr *peer, u8 len)
{
	struct cordon_network_def *net = realloc(link->net, (link->n + 1) * sizeof(*net));
	struct cordon_addr *own;

	if (!net)
		return -ENOMEM;
	link->net = net;
	own = realloc(link->self, (link->n + 1) * sizeof(*own));
	if (!own)
		return -ENOMEM;
	link->self = own;
	net[link->n] = (struct cordon_network_def){ .addr = *peer, .len = len };
	own[link->n++] = *self;
	return 0;
}

/**
 * explain_find_link - an interface by its name
 * @e: the gateway
 * @name: the name
 *
 * Return: NULL, it has no such interface.
 */
const struct explain_link *explain_find_link(const struct explain *e, const char *name)
{
	u32 i;

	for (i = 0; i < e->n_links; i++)
		if (!strcmp(e->links[i].name, name))
			return &e->links[i];
	return NULL;
}

static int take(struct explain *e, const struct ifaddrs *a)
{
	struct cordon_addr self, peer, mask;

	if (a->ifa_flags & IFF_LOOPBACK)
		return 0;
	if (!explain_find_link(e, a->ifa_name)) {
		if (explain_add_link(e, a->ifa_name))
			return -ENOMEM;
		find_wire(&e->links[e->n_links - 1]);
		find_master(&e->links[e->n_links - 1]);
	}
	if (!read_address(a->ifa_addr, &self) || !read_address(a->ifa_netmask, &mask))
		return 0;
	if (!(a->ifa_flags & IFF_POINTOPOINT) || !read_address(a->ifa_dstaddr, &peer))
		peer = self;
	return explain_add_address((struct explain_link *)explain_find_link(e, a->ifa_name), &self, &peer,
				   mask_length(&mask, cordon_addr_is_v4(&self)));
}

/**
 * explain_machine - take the interfaces of this network namespace
 * @e: the gateway
 *
 * Return: 0 or -errno.
 */
int explain_machine(struct explain *e)
{
	struct ifaddrs *list, *a;
	int ret = 0;

	if (getifaddrs(&list))
		return -errno;
	for (a = list; a && !ret; a = a->ifa_next)
		ret = take(e, a);
	freeifaddrs(list);
	if (!ret)
		explain_dump(e);
	return ret;
}

/**
 * explain_free - free the interfaces, the places and the ends
 * @e: the gateway; not its policy
 */
void explain_free(struct explain *e)
{
	u32 i;

	for (i = 0; i < e->n_links; i++) {
		free(e->links[i].self);
		free(e->links[i].net);
	}
	free(e->links);
	free(e->places);
	free(e->ends);
}
