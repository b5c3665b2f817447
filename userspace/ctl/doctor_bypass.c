// SPDX-License-Identifier: GPL-2.0
/* doctor: what takes packets of ports and uplinks past netfilter's hooks, and what closes a gateway that is guarded. */
#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "ctl/doctor.h"
#include "host/bypass.h"
#include "host/facts.h"

#define FOUND	20	/* that are told one by one */

/**
 * struct look - a walk through what the kernel tells
 * @d: the doctor
 * @all: interfaces
 * @found: on ports and uplinks
 * @open: of these, what is open
 */
struct look {
	struct doctor *d;
	const struct cnl_interfaces *all;
	unsigned int found;
	unsigned int open;
};

/* A name that can stand in a command; else a word in its place. */
static const char *plain(const char *name, const char *word)
{
	const char *c;

	for (c = name; *c; c++)
		if (!isalnum((unsigned char)*c) && !strchr("._-@", *c))
			return word;
	return *name && *name != '-' ? name : word;
}

static bool is_guarded(const struct cnl_interface *i)
{
	return i->ifindex && (i->role == CORDON_ROLE_PORT || i->role == CORDON_ROLE_UPLINK || i->listed == CORDON_ROLE_PORT ||
			      i->listed == CORDON_ROLE_UPLINK);
}

/* The port or uplink that is meant, or NULL. */
static const struct cnl_interface *find(const struct cnl_interfaces *all, const struct host_bypass *b)
{
	u32 i;

	for (i = 0; i < all->n; i++) {
		const struct cnl_interface *one = &all->list[i];

		if (is_guarded(one) && (b->ifindex ? one->ifindex == b->ifindex : !strcmp(one->name, b->link)))
			return one;
	}
	return NULL;
}

static void say_xdp(struct look *l, const struct host_bypass *b, const char *what, const char *name)
{
	static const struct {
		const char *word;
		const char *option;
	} modes[] = {
		[HOST_XDP_NATIVE] = { "native", "xdpdrv" }, [HOST_XDP_GENERIC] = { "generic", "xdpgeneric" },
		[HOST_XDP_HARDWARE] = { "of the hardware", "xdpoffload" },
	};
	char mend[96];

	snprintf(mend, sizeof(mend), "ip link set dev %s %s off", plain(name, "INTERFACE"), modes[b->kind].option);
	doctor_say(l->d, OPEN, "XDP", mend,
		   "%s %s has an XDP program (%s): what it redirects or sends back passes no hook, and is not judged",
		   what, name, modes[b->kind].word);
}

static void say_tc(struct look *l, const struct host_bypass *b, const char *what, const char *name)
{
	char mend[96];

	snprintf(mend, sizeof(mend), "tc filter show dev %s ingress, then tc filter del", plain(name, "INTERFACE"));
	if (b->kind == HOST_TC_BPF)
		doctor_say(l->d, OPEN, "tc", mend, "%s %s has a BPF program at its ingress: what it redirects is not judged",
			   what, name);
	else
		doctor_say(l->d, OPEN, "tc", mend, "%s %s has a filter at its ingress (%s): what it redirects is not judged", what,
			   name, plain(b->name, "?"));
}

/* The module keeps devices' connections out, so there is nothing to mend. */
static void say_flow_table(struct look *l, const struct host_bypass *b, const char *what, const char *name)
{
	char family[16] = "";
	const char *table = strchr(b->table, ' ');

	snprintf(family, sizeof(family), "%.*s", (int)strcspn(b->table, " "), b->table);
	doctor_say(l->d, GOOD, "offload", NULL,
		   "%s %s is in flow table %s of table %s %s%s: devices' connections are kept out", what, name,
		   plain(b->name, "?"), family, plain(table ? table + 1 : "", "?"), b->hardware ? " (with hardware)" : "");
}

static void say_gro_list(struct look *l, const struct cnl_interface *i)
{
	char name[CORDON_IFNAME_LEN], mend[96];

	if (host_feature(i->name, "rx-gro-list") <= 0)
		return;
	host_clean(i->name, name);
	snprintf(mend, sizeof(mend), "ethtool -K %s rx-gro-list off", plain(name, "INTERFACE"));
	doctor_say(l->d, OPEN, "offload", mend,
		   "%s merges UDP datagrams into lists (rx-gro-list): connections that must be encrypted do not get them", name);
}

static void on_bypass(const struct host_bypass *b, void *arg)
{
	struct look *l = arg;
	const struct cnl_interface *i = find(l->all, b);
	char name[CORDON_IFNAME_LEN];
	const char *what;

	if (!i)
		return;
	l->open += b->kind != HOST_FLOW_TABLE;
	if (l->found++ >= FOUND)
		return;
	what = i->role == CORDON_ROLE_PORT || i->listed == CORDON_ROLE_PORT ? "port" : "uplink";
	host_clean(i->name, name);
	if (b->kind == HOST_FLOW_TABLE)
		say_flow_table(l, b, what, name);
	else if (b->kind == HOST_TC_REDIRECT || b->kind == HOST_TC_BPF)
		say_tc(l, b, what, name);
	else
		say_xdp(l, b, what, name);
}

static void finish(struct look *l, const char *check, const char *none, const char *show, int err)
{
	if (l->found > FOUND)
		doctor_say(l->d, l->open ? OPEN : GOOD, check, l->open ? show : NULL, "and %u more", l->found - FOUND);
	else if (err == -EPERM)
		doctor_say(l->d, UNKNOWN, check, NULL, "cannot be seen: CAP_NET_ADMIN is needed");
	else if (!l->found)
		doctor_say(l->d, GOOD, check, NULL, "%s", none);
	l->found = l->open = 0;
}

/**
 * doctor_bypass - what takes packets of ports and uplinks past the hooks
 * @d: the doctor, with the kernel's answers
 * @all: interfaces, as the module knows them
 */
void doctor_bypass(struct doctor *d, const struct cnl_interfaces *all)
{
	struct look l = { d, all, 0, 0 };
	const struct host_listener listener = { on_bypass, &l };
	int err = host_xdp_each(&listener);
	u32 i;

	finish(&l, "XDP", "no program on a port or an uplink", "ip link", err);
	for (i = 0, err = 0; i < all->n; i++)
		if (is_guarded(&all->list[i]) && err != -EPERM)
			err = host_tc_each(all->list[i].ifindex, &listener);
	finish(&l, "tc", "nothing redirects at the ingress of a port or an uplink", "tc filter show dev INTERFACE ingress",
	       err);
	err = host_flow_table_each(&listener);
	finish(&l, "offload", "no port or uplink is in a flow table", NULL, err);
	for (i = 0; i < all->n; i++)
		if (is_guarded(&all->list[i]))
			say_gro_list(&l, &all->list[i]);
}

/**
 * doctor_closed - what 'boot' closes a gateway with for as long as nobody guards it
 * @d: the doctor, with the kernel's answers
 */
void doctor_closed(struct doctor *d)
{
	int has = host_nft_has_table("cordon_closed");

	if (has == -EPERM)
		doctor_say(d, UNKNOWN, "closed", NULL,
			   "whether table inet cordon_closed is there cannot be seen: CAP_NET_ADMIN is needed");
	else if (has > 0 && d->asked && d->summary.in_force)
		doctor_say(d, OPEN, "closed", "nft delete table inet cordon_closed",
			   "table inet cordon_closed is left over: nothing is forwarded, although a policy is in force");
	else if (has > 0)
		doctor_say(d, GOOD, "closed", NULL, "table inet cordon_closed lets nothing be forwarded until a policy is in force");
	else
		doctor_say(d, GOOD, "closed", NULL, "no table of nftables is left over from a start without the module");
}
