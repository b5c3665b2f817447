// SPDX-License-Identifier: GPL-2.0
/*
 * guardctl DEV OBJECT DEVICES: load the programs of guard.bpf.c, fill their maps, and attach them to DEV; they stay.
 * DEVICES: lines `MAC segment address` and `net PREFIX/LENGTH segment`. From each segment to each other, udp/2000-4000
 * is open. Nothing is validated.
 */
#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/types.h>
#include <net/if.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "guard.h"

#define GOLDEN		0x9e3779b97f4a7c15ULL
#define SEGMENTS	8
#define CONNECTIONS	262144

struct devices {
	__u32 n, room;
	__u64 *macs;
	__u32 *ips, *places;
	struct dev *dev;
};

struct nets {
	__u32 n, segment[64];
	struct net4 key[64];
};

static struct bpf_object *object;

static void die(const char *what)
{
	fprintf(stderr, "guardctl: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void *sure(void *p)
{
	if (!p)
		die("memory");
	return p;
}

static struct bpf_map *map(const char *name)
{
	return bpf_object__find_map_by_name(object, name);
}

static void add_device(struct devices *d, const unsigned char mac[8], const unsigned char ip[4], unsigned int segment)
{
	struct dev *dev;

	if (d->n == d->room) {
		d->room = d->room ? 2 * d->room : 1024;
		d->macs = sure(realloc(d->macs, d->room * sizeof(*d->macs)));
		d->ips = sure(realloc(d->ips, d->room * sizeof(*d->ips)));
		d->places = sure(realloc(d->places, d->room * sizeof(*d->places)));
		d->dev = sure(realloc(d->dev, d->room * sizeof(*d->dev)));
	}
	dev = &d->dev[d->n];
	memset(dev, 0, sizeof(*dev));
	memcpy(&dev->mac, mac, 8);
	memcpy(&dev->ip4, ip, 4);
	dev->seg = SEG_FIRST + segment;
	d->macs[d->n] = dev->mac;
	d->ips[d->n] = dev->ip4;
	d->places[d->n] = d->n;
	d->n++;
}

static void read_devices(const char *name, struct devices *d, struct nets *nets)
{
	unsigned char mac[8] = { 0 }, ip[4];
	unsigned int segment, len;
	FILE *f = fopen(name, "r");
	char line[256];

	if (!f)
		die(name);
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "net %hhu.%hhu.%hhu.%hhu/%u %u", ip, ip + 1, ip + 2, ip + 3, &len, &segment) == 6 && nets->n < 64) {
			nets->key[nets->n].len = len;
			memcpy(&nets->key[nets->n].addr, ip, 4);
			nets->segment[nets->n++] = SEG_FIRST + segment;
			continue;
		}
		if (sscanf(line, "%hhx:%hhx:%hhx:%hhx:%hhx:%hhx %u %hhu.%hhu.%hhu.%hhu", mac, mac + 1, mac + 2, mac + 3, mac + 4,
			   mac + 5, &segment, ip, ip + 1, ip + 2, ip + 3) != 11)
			die(line);
		add_device(d, mac, ip, segment);
	}
	fclose(f);
}

/* The place of a global variable: in the map of @section when that is loaded, before in what it begins as. */
static void *global(const char *section, const char *variable, __u32 *size)
{
	struct btf *btf = bpf_object__btf(object);
	const struct btf_type *t = btf__type_by_id(btf, btf__find_by_name_kind(btf, section, BTF_KIND_DATASEC));
	const struct btf_var_secinfo *v = btf_var_secinfos(t);
	struct bpf_map *m;
	size_t all;
	int i;

	bpf_object__for_each_map(m, object)
		if (strstr(bpf_map__name(m), section))
			break;
	for (i = 0; m && i < btf_vlen(t); i++) {
		char *image = (char *)bpf_map__initial_value(m, &all);

		if (strcmp(btf__name_by_offset(btf, btf__type_by_id(btf, v[i].type)->name_off), variable))
			continue;
		if (bpf_map__fd(m) >= 0) {
			image = mmap(NULL, all, PROT_READ | PROT_WRITE, MAP_SHARED, bpf_map__fd(m), 0);
			if (image == MAP_FAILED)
				die("mmap");
		}
		if (size)
			*size = v[i].size;
		return image + v[i].offset;
	}
	die(variable);
	return NULL;
}

static void load(const char *name, const char *dev, __u32 n)
{
	object = bpf_object__open_file(name, NULL);
	if (!object)
		die(name);
	*(__u64 *)global(".rodata", "ports_low", NULL) = 1ULL << if_nametoindex(dev);
	if (map("by_mac") && (bpf_map__set_max_entries(map("by_mac"), n) || bpf_map__set_max_entries(map("by_ip4"), n)))
		die("by_mac");
	if (bpf_map__set_max_entries(map("devs"), n) || bpf_map__set_max_entries(map("devstat"), n) ||
	    bpf_map__set_max_entries(map("conns4"), CONNECTIONS) || bpf_object__load(object))
		die(name);
}

static void put_all(const char *name, const void *keys, const void *values, __u32 n)
{
	LIBBPF_OPTS(bpf_map_batch_opts, options);

	if (bpf_map_update_batch(bpf_map__fd(map(name)), keys, values, &n, &options))
		die(name);
}

static void put(const char *name, const void *key, const void *value)
{
	if (bpf_map_update_elem(bpf_map__fd(map(name)), key, value, 0))
		die(name);
}

static void put_slot(__u32 *slots, unsigned int bits, __u64 key, __u32 i)
{
	__u32 h = key * GOLDEN >> (64 - bits);

	while (slots[h])
		h = (h + 1) & ((1U << bits) - 1);
	slots[h] = i + 1;
}

static void fill_arrays(const struct devices *d)
{
	struct { __u32 ip4, dev; } *list = global(".bss", "ip4s", NULL);
	__u32 size, i, *by_mac = global(".bss", "mac_slots", &size), *by_ip = global(".bss", "ip4_slots", NULL);
	unsigned int bits = __builtin_ctz(size / sizeof(*by_mac));

	if (d->n >= size / sizeof(*by_mac))
		die("too many devices for BITS");
	for (i = 0; i < d->n; i++) {
		list[i].ip4 = d->ips[i];
		list[i].dev = i;
		put_slot(by_mac, bits, d->macs[i], i);
		put_slot(by_ip, bits, d->ips[i], i);
	}
}

static void fill(const struct devices *d, const struct nets *nets)
{
	size_t size = (d->n * sizeof(*d->dev) + 4095) & ~4095UL;
	struct dev *dev = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, bpf_map__fd(map("devs")), 0);
	__u32 i, from, to, at;

	if (dev == MAP_FAILED)
		die("mmap");
	memcpy(dev, d->dev, d->n * sizeof(*dev));
	if (map("by_mac")) {
		put_all("by_mac", d->macs, d->places, d->n);
		put_all("by_ip4", d->ips, d->places, d->n);
	} else {
		fill_arrays(d);
	}
	for (i = 0; i < nets->n; i++)
		put("nets4", &nets->key[i], &nets->segment[i]);
	for (from = SEG_FIRST; from < SEG_FIRST + SEGMENTS; from++)
		for (to = SEG_FIRST; to < SEG_FIRST + SEGMENTS; to++) {
			struct pair p = { .n = from != to, .o[0] = { 2000, 4000, 17 } };

			at = from * SEGS + to;
			put("pairs", &at, &p);
		}
}

static void attach(const char *dev, const char *program, bool egress, int priority)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = if_nametoindex(dev), .attach_point = egress ? BPF_TC_EGRESS : BPF_TC_INGRESS);
	LIBBPF_OPTS(bpf_tc_opts, options, .handle = 1, .priority = priority,
		    .prog_fd = bpf_program__fd(bpf_object__find_program_by_name(object, program)));

	if (bpf_tc_attach(&hook, &options))
		die(program);
}

static int warnings(enum libbpf_print_level level, const char *format, va_list args)
{
	return level == LIBBPF_WARN ? vfprintf(stderr, format, args) : 0;
}

int main(int argc, char **argv)
{
	static struct devices devices;
	static struct nets nets;
	LIBBPF_OPTS(bpf_tc_hook, hook, .attach_point = BPF_TC_INGRESS | BPF_TC_EGRESS);
	unsigned int port = argc == 4 ? if_nametoindex(argv[1]) : 0;

	if (!port || port > 63) {
		fprintf(stderr, "guardctl DEV OBJECT DEVICES; DEV is an interface with an index below 64\n");
		return 2;
	}
	libbpf_set_print(warnings);
	read_devices(argv[3], &devices, &nets);
	load(argv[2], argv[1], devices.n);
	fill(&devices, &nets);
	hook.ifindex = port;
	if (bpf_tc_hook_create(&hook))
		die(argv[1]);
	attach(argv[1], "lan_in", false, 1);
	attach(argv[1], "lan_in_v6", false, 2);
	attach(argv[1], "lan_out", true, 1);
	return 0;
}
