// SPDX-License-Identifier: GPL-2.0
/* The machine as sysfs and procfs show it. */
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <linux/if_arp.h>
#include <linux/if_ether.h>
#include <linux/route.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/facts.h"
#include "host/words.h"
#include "lib/file.h"

#define NET		"/sys/class/net"
#define TABLE_MAX	(4 * 1024 * 1024)
#define SMALL_MAX	4096
#define ROUTES_MAX	65536

/* linux/ipv6_route.h, which does not go with netinet/in.h: the own addresses. */
#define OWN_ROUTE	(0x80000000UL | 0x00100000UL)

static char *path_of(char out[512], const char *root, const char *name, const char *file)
{
	return snprintf(out, 512, "%s" NET "/%s/%s", root, name, file) < 512 ? out : NULL;
}

static char *read_small(const char *root, const char *name, const char *file)
{
	char path[512], *text;
	size_t len;

	return path_of(path, root, name, file) && !file_read(path, SMALL_MAX, &text, &len) ? text : NULL;
}

static bool has(const char *root, const char *name, const char *file)
{
	char path[512];

	return path_of(path, root, name, file) && !access(path, F_OK);
}

/* The last part of what a symbolic link points to, if it may be an interface's name. */
static void read_link(const char *root, const char *name, const char *file, char out[CORDON_IFNAME_LEN])
{
	char path[512], to[512], *base;
	ssize_t n = path_of(path, root, name, file) ? readlink(path, to, sizeof(to) - 1) : -1;

	out[0] = 0;
	if (n <= 0)
		return;
	to[n] = 0;
	base = strrchr(to, '/');
	base = base ? base + 1 : to;
	if (strlen(base) < CORDON_IFNAME_LEN)
		strcpy(out, base);
}

/* sysfs has a link lower_NAME for what an interface lies on; a VLAN lies on one. */
static void read_below(const char *root, const char *name, char out[CORDON_IFNAME_LEN])
{
	char path[512];
	struct dirent *d;
	DIR *dir = path_of(path, root, name, "") ? opendir(path) : NULL;

	while (dir && (d = readdir(dir)))
		if (!strncmp(d->d_name, "lower_", 6) && strlen(d->d_name + 6) < CORDON_IFNAME_LEN)
			strcpy(out, d->d_name + 6);
	if (dir)
		closedir(dir);
}

static enum host_kind read_kind(const char *root, const char *name)
{
	char *type = read_small(root, name, "type"), *event = read_small(root, name, "uevent");
	long number = type ? strtol(type, NULL, 10) : ARPHRD_ETHER;
	enum host_kind kind = HOST_PLAIN;

	if (number == ARPHRD_LOOPBACK)
		kind = HOST_LOOPBACK;
	else if (has(root, name, "bridge"))
		kind = HOST_BRIDGE;
	else if (event && strstr(event, "DEVTYPE=vlan\n"))
		kind = HOST_VLAN;
	else if (number == ARPHRD_PPP)
		kind = HOST_PPP;
	else if (number != ARPHRD_ETHER)
		kind = HOST_TUNNEL;	/* WireGuard, tun, GRE, sit: no MAC tells who sends */
	free(type);
	free(event);
	return kind;
}

static unsigned long read_number(const char *root, const char *name, const char *file)
{
	char *text = read_small(root, name, file);
	unsigned long number = text ? strtoul(text, NULL, 0) : 0;

	free(text);
	return number;
}

/* docker0, br-0123456789ab, virbr0: names that Docker, Podman, libvirt and LXC give. */
static bool is_made(const char *name)
{
	static const char *const begins[] = { "docker", "podman", "virbr", "lxcbr", "lxdbr", "cni" };
	size_t i;

	for (i = 0; i < sizeof(begins) / sizeof(*begins); i++)
		if (!strncmp(name, begins[i], strlen(begins[i])))
			return true;
	return !strncmp(name, "br-", 3) && strlen(name) == 15 && strspn(name + 3, "0123456789abcdef") == 12;
}

static int compare_links(const void *a, const void *b)
{
	return strcmp(((const struct host_link *)a)->name, ((const struct host_link *)b)->name);
}

static int read_links(const char *root, struct host_facts *f)
{
	char path[512];
	struct dirent *d;
	DIR *dir;

	f->links = calloc(HOST_LINKS_MAX, sizeof(*f->links));
	if (!f->links)
		return -ENOMEM;
	if (!path_of(path, root, "", ""))
		return -ENAMETOOLONG;
	dir = opendir(path);
	if (!dir)
		return -errno;
	while (f->n_links < HOST_LINKS_MAX && (d = readdir(dir))) {
		struct host_link *l = &f->links[f->n_links];

		/* bonding_masters is a file among them. */
		if (d->d_name[0] == '.' || strlen(d->d_name) >= CORDON_IFNAME_LEN || !has(root, d->d_name, "type"))
			continue;
		strcpy(l->name, d->d_name);
		l->index = read_number(root, l->name, "ifindex");
		l->kind = read_kind(root, l->name);
		l->filters = l->kind == HOST_BRIDGE && read_number(root, l->name, "bridge/vlan_filtering") == 1;
		l->provider = l->filters && read_number(root, l->name, "bridge/vlan_protocol") == ETH_P_8021AD;
		l->made = l->kind == HOST_BRIDGE && is_made(l->name);
		read_link(root, l->name, "master", l->master);
		if (l->kind == HOST_VLAN)
			read_below(root, l->name, l->below);
		f->n_links++;
	}
	closedir(dir);
	qsort(f->links, f->n_links, sizeof(*f->links), compare_links);
	return 0;
}

static int add_route(struct host_facts *f, const char *link, const struct cordon_addr *addr, u8 len, bool direct)
{
	const struct host_link *l = host_find_link(f, link);
	bool all = len == (cordon_addr_is_v4(addr) ? 96 : 0);

	if (!l || l->kind == HOST_LOOPBACK)
		return 0;
	if (all)
		f->links[l - f->links].leads_out = true;
	if (!f->routes)
		f->routes = calloc(ROUTES_MAX, sizeof(*f->routes));
	if (!f->routes)
		return -ENOMEM;
	if (f->n_routes < ROUTES_MAX)
		f->routes[f->n_routes++] = (struct host_route){
			{ .addr = *addr, .len = len }, l - f->links, direct && !all };
	return 0;
}

/* proc(5): addresses as the number that their four bytes are on this machine. */
static int read_route4(char *line, struct host_facts *f)
{
	enum { LINK, TO, VIA, FLAGS, REFERENCES, USE, METRIC, MASK, N };
	unsigned long long to, flags, mask;
	struct cordon_addr addr;
	char *words[N];

	if (host_words(line, words, N) < N || !host_parse(words[TO], 16, UINT32_MAX, &to) ||
	    !host_parse(words[FLAGS], 16, UINT32_MAX, &flags) || !host_parse(words[MASK], 16, UINT32_MAX, &mask) ||
	    (flags & RTF_REJECT))
		return 0;
	addr = cordon_addr_v4(ntohl((uint32_t)to));
	return add_route(f, words[LINK], &addr, 96 + __builtin_popcountll(mask), !(flags & RTF_GATEWAY));
}

static int read_route6(char *line, struct host_facts *f)
{
	enum { TO, LEN, FROM, FROM_LEN, VIA, METRIC, REFERENCES, USE, FLAGS, LINK, N };
	unsigned long long hi, lo, len, flags;
	struct cordon_addr addr;
	char *words[N], half[17];

	if (host_words(line, words, N) < N || strlen(words[TO]) != 32)
		return 0;
	snprintf(half, sizeof(half), "%.16s", words[TO]);
	if (!host_parse(half, 16, UINT64_MAX, &hi) || !host_parse(words[TO] + 16, 16, UINT64_MAX, &lo) ||
	    !host_parse(words[LEN], 16, 128, &len) || !host_parse(words[FLAGS], 16, UINT32_MAX, &flags) ||
	    (flags & (RTF_REJECT | OWN_ROUTE)))
		return 0;
	addr = (struct cordon_addr){ hi, lo };
	if (cordon_addr_is_link_local(&addr) || cordon_addr_is_multicast(&addr))
		return 0;
	return add_route(f, words[LINK], &addr, len, !(flags & RTF_GATEWAY));
}

static int read_neighbour(char *line, struct host_facts *f)
{
	enum { ADDRESS, TYPE, FLAGS, MAC, N };
	struct host_lease n = { .name = "" };
	char *words[N];

	if (host_words(line, words, N) < N || !strcmp(words[FLAGS], "0x0") ||
	    policy_addr_parse(words[ADDRESS], &n.addr) || policy_mac_parse(words[MAC], n.mac))
		return 0;
	if (!f->neighbours)
		f->neighbours = calloc(HOST_LEASES_MAX, sizeof(*f->neighbours));
	if (!f->neighbours)
		return -ENOMEM;
	if (f->n_neighbours < HOST_LEASES_MAX)
		f->neighbours[f->n_neighbours++] = n;
	return 0;
}

/* VLAN interfaces: a name in 15 columns, a number, and what it lies on; below two lines of headings. */
static int read_vlan(char *line, struct host_facts *f)
{
	const size_t columns = CORDON_IFNAME_LEN - 1;
	const struct host_link *l;
	unsigned long long id;
	char *word;

	if (strlen(line) <= columns || line[columns] != '|')
		return 0;
	line[columns] = 0;
	line[strcspn(line, " ")] = 0;
	if (!host_words(line + columns + 1, &word, 1) || !host_parse(word, 10, CORDON_MAX_VLAN, &id))
		return 0;
	l = host_find_link(f, line);
	if (l && l->kind == HOST_VLAN)
		f->links[l - f->links].vlan = id;
	return 0;
}

/* A machine without IPv6 has no table of its routes. */
static int read_table(const char *root, const char *name, int (*take)(char *line, struct host_facts *f),
		      struct host_facts *f)
{
	char path[512], *text, *rest, *line;
	size_t len;
	int err;

	if ((size_t)snprintf(path, sizeof(path), "%s/proc/net/%s", root, name) >= sizeof(path))
		return -ENAMETOOLONG;
	err = file_read(path, TABLE_MAX, &text, &len);
	if (err)
		return err == -ENOENT ? 0 : err;
	rest = text;
	while (!err && (line = strsep(&rest, "\n")))
		err = take(line, f);
	free(text);
	return err;
}

/* Only root may read this table; without it, VLANs have no numbers. */
static int read_numbers(const char *root, struct host_facts *f)
{
	int err = read_table(root, "vlan/config", read_vlan, f);

	return err == -EACCES ? 0 : err;
}

/**
 * host_facts_read - interfaces, routes and neighbours
 * @root: where /sys and /proc lie, in place of /
 * @out: they, without leases; host_facts_free()
 *
 * Return: 0 or -errno.
 */
int host_facts_read(const char *root, struct host_facts *out)
{
	int err;

	memset(out, 0, sizeof(*out));
	err = read_links(root, out);
	if (!err)
		err = read_table(root, "route", read_route4, out);
	if (!err)
		err = read_table(root, "ipv6_route", read_route6, out);
	if (!err)
		err = read_table(root, "arp", read_neighbour, out);
	if (!err)
		err = read_numbers(root, out);
	if (err)
		host_facts_free(out);
	return err;
}

/**
 * host_facts_free - be done with them
 * @f: the facts
 */
void host_facts_free(struct host_facts *f)
{
	free(f->links);
	free(f->routes);
	free(f->leases);
	free(f->neighbours);
	free(f->seen);
	memset(f, 0, sizeof(*f));
}

/**
 * host_find_link - an interface by its name
 * @f: the facts
 * @name: the name
 *
 * Return: NULL, there is none.
 */
const struct host_link *host_find_link(const struct host_facts *f, const char *name)
{
	u32 i;

	for (i = 0; i < f->n_links; i++)
		if (!strcmp(f->links[i].name, name))
			return &f->links[i];
	return NULL;
}

static bool holds(const struct cordon_network_def *net, const struct cordon_addr *a)
{
	struct cordon_addr last = cordon_prefix_last(&net->addr, net->len);

	return cordon_addr_is_v4(a) == cordon_addr_is_v4(&net->addr) &&
	       cordon_addr_compare(&net->addr, a) <= 0 && cordon_addr_compare(a, &last) <= 0;
}

/**
 * host_find_route - by which interface an address is reached
 * @f: the facts
 * @to: the address
 *
 * Return: NULL, there is no route.
 */
const struct host_link *host_find_route(const struct host_facts *f, const struct cordon_addr *to)
{
	const struct host_route *best = NULL;
	u32 i;

	for (i = 0; i < f->n_routes; i++)
		if (holds(&f->routes[i].net, to) && (!best || f->routes[i].net.len > best->net.len))
			best = &f->routes[i];
	return best ? &f->links[best->link] : NULL;
}

/**
 * host_find_mac - whose an address is
 * @f: the facts
 * @addr: the address
 *
 * Return: by ARP, else by DHCP; NULL, neither knows.
 */
const u8 *host_find_mac(const struct host_facts *f, const struct cordon_addr *addr)
{
	u32 i;

	for (i = 0; i < f->n_neighbours; i++)
		if (cordon_addr_equal(&f->neighbours[i].addr, addr))
			return f->neighbours[i].mac;
	for (i = 0; i < f->n_leases; i++)
		if (cordon_addr_equal(&f->leases[i].addr, addr))
			return f->leases[i].mac;
	return NULL;
}

/**
 * host_clean - an interface's name, as a terminal may get it
 * @name: the name, which may hold any byte but a blank and a slash
 * @out: without what a terminal would take for a command
 */
const char *host_clean(const char *name, char out[CORDON_IFNAME_LEN])
{
	size_t i;

	for (i = 0; name[i] && i < CORDON_IFNAME_LEN - 1; i++)
		out[i] = name[i] > ' ' && name[i] < 0x7f ? name[i] : '?';
	out[i] = 0;
	return out;
}
