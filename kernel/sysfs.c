// SPDX-License-Identifier: GPL-2.0
/* /sys/kernel/cordon: what a namespace's policy holds, one value a file. */
#include <linux/kobject.h>
#include <linux/module.h>
#include <linux/netdevice.h>
#include <linux/slab.h>
#include <linux/sysfs.h>
#include <linux/user_namespace.h>

#include "event.h"
#include "net.h"
#include "ruleset.h"
#include "sysfs.h"

static bool device_sysfs = true;
module_param(device_sysfs, bool, 0444);
MODULE_PARM_DESC(device_sysfs, "a directory in sysfs for each device (default: on)");

/**
 * struct cordon_node - one directory
 * @kobj: the directory
 * @cn: whose it is; good until the directory is deleted
 * @device: that it shows, of which it holds a reference; or NULL
 * @segment: that it shows, of which it holds a reference; or NULL
 */
struct cordon_node {
	struct kobject kobj;
	struct cordon_net *cn;
	struct cordon_device *device;
	struct cordon_segment *segment;
};

/** struct cordon_tree - the directories of a namespace */
struct cordon_tree {
	struct cordon_node *policy;
	struct cordon_node *devices;
	struct cordon_node *segments;
	struct cordon_node *anomalies;
};

static struct kobject root;

static struct cordon_node *node_of(const struct kobject *kobj)
{
	return container_of(kobj, struct cordon_node, kobj);
}

static void node_release(struct kobject *kobj)
{
	struct cordon_node *node = node_of(kobj);

	cordon_device_put(node->device);
	cordon_segment_put(node->segment);
	kfree(node);
}

static cordon_kobj_tag node_namespace(cordon_kobj_const struct kobject *kobj)
{
	return cordon_kobj_tag_of(node_of(kobj)->cn->net);
}

static const struct kobj_ns_type_operations *
root_child_ns_type(cordon_kobj_const struct kobject *kobj)
{
	return &net_ns_type_operations;
}

#define ATTR(group, file) \
	static struct kobj_attribute group##_##file##_attr = \
		__ATTR(file, 0444, group##_##file##_show, NULL)

#define SHOW(group, file) \
	static ssize_t group##_##file##_show(struct kobject *kobj, \
					     struct kobj_attribute *attr, char *buf)

/* One file for each kind of anomaly, with its kind beside it. */
struct kind_attr {
	struct kobj_attribute attr;
	u8 kind;
};

#define KIND(kind_show, file, number) { __ATTR(file, 0444, kind_show, NULL), number }

#define KINDS(kind_show) {							\
	KIND(kind_show, unknown_device, CORDON_KIND_UNKNOWN_DEVICE),		\
	KIND(kind_show, unauthenticated, CORDON_KIND_UNAUTHENTICATED),		\
	KIND(kind_show, spoofed_source, CORDON_KIND_SPOOFED_SOURCE),		\
	KIND(kind_show, arp_spoof, CORDON_KIND_ARP_SPOOF),			\
	KIND(kind_show, nd_spoof, CORDON_KIND_ND_SPOOF),			\
	KIND(kind_show, moved_port, CORDON_KIND_MOVED_PORT),			\
	KIND(kind_show, rogue_dhcp, CORDON_KIND_ROGUE_DHCP),			\
	KIND(kind_show, rogue_ra, CORDON_KIND_ROGUE_RA),			\
	KIND(kind_show, segment_violation, CORDON_KIND_SEGMENT_VIOLATION),	\
	KIND(kind_show, plaintext, CORDON_KIND_PLAINTEXT),			\
	KIND(kind_show, tls_downgrade, CORDON_KIND_TLS_DOWNGRADE),		\
	KIND(kind_show, malformed, CORDON_KIND_MALFORMED),			\
	KIND(kind_show, bad_flags, CORDON_KIND_BAD_FLAGS),			\
	KIND(kind_show, fragment, CORDON_KIND_FRAGMENT),			\
	KIND(kind_show, scan, CORDON_KIND_SCAN),				\
	KIND(kind_show, rate, CORDON_KIND_RATE),				\
	KIND(kind_show, unjudged, CORDON_KIND_UNJUDGED),			\
	KIND(kind_show, unlisted, CORDON_KIND_UNLISTED),			\
	KIND(kind_show, new_destination, CORDON_KIND_NEW_DESTINATION),		\
}

static u8 attr_kind(const struct kobj_attribute *attr)
{
	return container_of(attr, struct kind_attr, attr)->kind;
}

/* policy/ */

SHOW(policy, mode)
{
	struct cordon_ruleset *rs;
	bool observe;

	rcu_read_lock();
	rs = rcu_dereference(node_of(kobj)->cn->ruleset);
	observe = rs && rs->policy->draft.mode == CORDON_MODE_OBSERVE;
	rcu_read_unlock();
	return sysfs_emit(buf, "%s\n", observe ? "observe" : "enforce");
}
ATTR(policy, mode);

SHOW(policy, generation)
{
	return sysfs_emit(buf, "%u\n", READ_ONCE(node_of(kobj)->cn->generation));
}
ATTR(policy, generation);

static struct attribute *policy_attrs[] = {
	&policy_mode_attr.attr,
	&policy_generation_attr.attr,
	NULL
};
ATTRIBUTE_GROUPS(policy);

/* anomalies/ */

static ssize_t total_show(struct kobject *kobj, struct kobj_attribute *attr, char *buf)
{
	const struct cordon_tally *tally = node_of(kobj)->cn->tally;

	return sysfs_emit(buf, "%lld\n", cordon_tally_count(tally, attr_kind(attr)));
}

static struct kind_attr total_kinds[CORDON_KINDS] = KINDS(total_show);
static struct attribute *anomalies_attrs[CORDON_KINDS + 1];
ATTRIBUTE_GROUPS(anomalies);

/* devices/<mac>/ */

/* Shows what the ruleset says of a device now; it may have left it just now. */
static ssize_t emit_device(struct kobject *kobj, char *buf,
			   ssize_t (*emit)(const struct cordon_ruleset *rs, u32 device, char *buf))
{
	const struct cordon_node *node = node_of(kobj);
	const struct cordon_ruleset *rs;
	ssize_t ret = -ENODEV;
	u32 device;

	rcu_read_lock();
	rs = rcu_dereference(node->cn->ruleset);
	if (rs) {
		device = cordon_policy_device_by_mac(rs->policy, node->device->mac);
		if (device != CORDON_NO_DEVICE)
			ret = emit(rs, device, buf);
	}
	rcu_read_unlock();
	return ret;
}

static ssize_t emit_name(const struct cordon_ruleset *rs, u32 device, char *buf)
{
	return sysfs_emit(buf, "%s\n", rs->policy->draft.devices[device].name);
}

SHOW(device, name)
{
	return emit_device(kobj, buf, emit_name);
}
ATTR(device, name);

static ssize_t emit_segment(const struct cordon_ruleset *rs, u32 device, char *buf)
{
	const struct cordon_draft *d = &rs->policy->draft;

	return sysfs_emit(buf, "%s\n", d->segments[d->devices[device].segment].name);
}

SHOW(device, segment)
{
	return emit_device(kobj, buf, emit_segment);
}
ATTR(device, segment);

static ssize_t emit_effective(const struct cordon_ruleset *rs, u32 device, char *buf)
{
	struct cordon_end end = cordon_ruleset_end(rs, device);

	return sysfs_emit(buf, "%s\n", rs->policy->draft.segments[end.segment].name);
}

SHOW(device, effective_segment)
{
	return emit_device(kobj, buf, emit_effective);
}
ATTR(device, effective_segment);

static ssize_t emit_state(const struct cordon_ruleset *rs, u32 device, char *buf)
{
	static const char * const name[] = {
		[CORDON_STATE_ONBOARDING] = "onboarding",
		[CORDON_STATE_ACTIVE] = "active",
		[CORDON_STATE_EXPIRED] = "expired",
		[CORDON_STATE_OUTDATED] = "outdated",
		[CORDON_STATE_QUARANTINED] = "quarantined",
	};

	return sysfs_emit(buf, "%s\n", name[cordon_ruleset_end(rs, device).state]);
}

SHOW(device, state)
{
	return emit_device(kobj, buf, emit_state);
}
ATTR(device, state);

SHOW(device, lease_seconds)
{
	return sysfs_emit(buf, "%u\n", cordon_device_lease_seconds(node_of(kobj)->device));
}
ATTR(device, lease_seconds);

static struct cordon_totals device_totals(const struct kobject *kobj)
{
	struct cordon_totals totals;

	cordon_traffic_read(node_of(kobj)->device->traffic, &totals);
	return totals;
}

SHOW(device, rx_packets)
{
	return sysfs_emit(buf, "%llu\n", device_totals(kobj).rx_packets);
}
ATTR(device, rx_packets);

SHOW(device, rx_bytes)
{
	return sysfs_emit(buf, "%llu\n", device_totals(kobj).rx_bytes);
}
ATTR(device, rx_bytes);

SHOW(device, tx_packets)
{
	return sysfs_emit(buf, "%llu\n", device_totals(kobj).tx_packets);
}
ATTR(device, tx_packets);

SHOW(device, tx_bytes)
{
	return sysfs_emit(buf, "%llu\n", device_totals(kobj).tx_bytes);
}
ATTR(device, tx_bytes);

SHOW(device, denied)
{
	return sysfs_emit(buf, "%lld\n", atomic64_read(&node_of(kobj)->device->denied));
}
ATTR(device, denied);

static struct attribute *device_attrs[] = {
	&device_name_attr.attr,
	&device_segment_attr.attr,
	&device_effective_segment_attr.attr,
	&device_state_attr.attr,
	&device_lease_seconds_attr.attr,
	&device_rx_packets_attr.attr,
	&device_rx_bytes_attr.attr,
	&device_tx_packets_attr.attr,
	&device_tx_bytes_attr.attr,
	&device_denied_attr.attr,
	NULL
};

static const struct attribute_group device_group = { .attrs = device_attrs };

static ssize_t anomaly_show(struct kobject *kobj, struct kobj_attribute *attr, char *buf)
{
	const struct cordon_tally *tally = cordon_device_anomalies(node_of(kobj)->device);

	return sysfs_emit(buf, "%lld\n", cordon_tally_count(tally, attr_kind(attr)));
}

static struct kind_attr device_kinds[CORDON_KINDS] = KINDS(anomaly_show);
static struct attribute *device_anomaly_attrs[CORDON_KINDS + 1];

static const struct attribute_group device_anomaly_group = {
	.name = "anomalies",
	.attrs = device_anomaly_attrs,
};

static const struct attribute_group *device_groups[] = {
	&device_group,
	&device_anomaly_group,
	NULL
};

/* segments/<name>/ */

static ssize_t emit_of_segment(struct kobject *kobj, char *buf, bool devices)
{
	const struct cordon_node *node = node_of(kobj);
	const struct cordon_ruleset *rs;
	ssize_t ret = -ENODEV;
	u16 segment;

	if (devices && cordon_segment_builtin(node->segment->name) != CORDON_NO_SEGMENT)
		cordon_ruleset_recount(node->cn);
	rcu_read_lock();
	rs = rcu_dereference(node->cn->ruleset);
	if (rs) {
		segment = cordon_policy_segment_by_name(rs->policy, node->segment->name);
		if (segment != CORDON_NO_SEGMENT)
			ret = sysfs_emit(buf, "%u\n", devices ? cordon_ruleset_count(rs, segment) :
							       segment);
	}
	rcu_read_unlock();
	return ret;
}

SHOW(segment, id)
{
	return emit_of_segment(kobj, buf, false);
}
ATTR(segment, id);

SHOW(segment, devices)
{
	return emit_of_segment(kobj, buf, true);
}
ATTR(segment, devices);

SHOW(segment, packets)
{
	struct cordon_totals totals;

	cordon_traffic_read(node_of(kobj)->segment->traffic, &totals);
	return sysfs_emit(buf, "%llu\n", totals.rx_packets);
}
ATTR(segment, packets);

SHOW(segment, bytes)
{
	struct cordon_totals totals;

	cordon_traffic_read(node_of(kobj)->segment->traffic, &totals);
	return sysfs_emit(buf, "%llu\n", totals.rx_bytes);
}
ATTR(segment, bytes);

SHOW(segment, denied)
{
	return sysfs_emit(buf, "%lld\n", atomic64_read(&node_of(kobj)->segment->denied));
}
ATTR(segment, denied);

static struct attribute *segment_attrs[] = {
	&segment_id_attr.attr,
	&segment_devices_attr.attr,
	&segment_packets_attr.attr,
	&segment_bytes_attr.attr,
	&segment_denied_attr.attr,
	NULL
};
ATTRIBUTE_GROUPS(segment);

/* Whatever is right below the root is of a namespace; what is below that is so by its parent. */

static const struct kobj_type root_type = {
	.sysfs_ops = &kobj_sysfs_ops,
	.child_ns_type = root_child_ns_type,
};

#define TYPE(what, ...)								\
static const struct kobj_type what##_type = {					\
	.sysfs_ops = &kobj_sysfs_ops,						\
	.release = node_release,						\
	__VA_ARGS__								\
}

TYPE(policy, .default_groups = policy_groups, .namespace = node_namespace);
TYPE(anomalies, .default_groups = anomalies_groups, .namespace = node_namespace);
TYPE(directory, .namespace = node_namespace);
TYPE(device, .default_groups = device_groups);
TYPE(segment, .default_groups = segment_groups);

static struct cordon_node *node_new(struct cordon_net *cn, const struct kobj_type *type)
{
	struct cordon_node *node = kzalloc(sizeof(*node), GFP_KERNEL_ACCOUNT);

	if (node) {
		node->cn = cn;
		kobject_init(&node->kobj, type);
	}
	return node;
}

static struct cordon_node *directory_new(struct cordon_net *cn, const struct kobj_type *type,
					 const char *name)
{
	struct cordon_node *node = node_new(cn, type);

	if (!node)
		return NULL;
	if (kobject_add(&node->kobj, &root, "%s", name)) {
		kobject_put(&node->kobj);
		return NULL;
	}
	return node;
}

static void node_del(struct cordon_node *node)
{
	if (!node)
		return;
	kobject_del(&node->kobj);
	kobject_put(&node->kobj);
}

/**
 * cordon_sysfs_net_add - directories of a namespace
 * @cn: the namespace
 *
 * Return: 0 or -ENOMEM.
 */
int cordon_sysfs_net_add(struct cordon_net *cn)
{
	struct cordon_tree *tree = kzalloc(sizeof(*tree), GFP_KERNEL_ACCOUNT);

	if (!tree)
		return -ENOMEM;
	cn->tree = tree;
	tree->policy = directory_new(cn, &policy_type, "policy");
	tree->devices = directory_new(cn, &directory_type, "devices");
	tree->segments = directory_new(cn, &directory_type, "segments");
	tree->anomalies = directory_new(cn, &anomalies_type, "anomalies");
	if (tree->policy && tree->devices && tree->segments && tree->anomalies)
		return 0;
	cordon_sysfs_net_del(cn);
	return -ENOMEM;
}

/**
 * cordon_sysfs_net_del - the reverse of cordon_sysfs_net_add()
 * @cn: the namespace; its devices and segments are gone
 */
void cordon_sysfs_net_del(struct cordon_net *cn)
{
	node_del(cn->tree->anomalies);
	node_del(cn->tree->segments);
	node_del(cn->tree->devices);
	node_del(cn->tree->policy);
	kfree(cn->tree);
	cn->tree = NULL;
}

/**
 * cordon_sysfs_device_add - a directory for a device
 * @cn: whose it is
 * @device: the device
 *
 * In a namespace of another user namespace than the initial one there is none: its about thirty
 * nodes are not accounted to whoever makes them. Netlink says the same, and more.
 *
 * Context: cordon_net.lock held. Return: 0 or -errno.
 */
int cordon_sysfs_device_add(struct cordon_net *cn, struct cordon_device *device)
{
	struct cordon_node *node;
	int ret;

	if (!device_sysfs || cn->net->user_ns != &init_user_ns)
		return 0;
	node = node_new(cn, &device_type);
	if (!node)
		return -ENOMEM;
	node->device = cordon_device_get(device);
	ret = kobject_add(&node->kobj, &cn->tree->devices->kobj, "%pM", device->mac);
	if (ret)
		kobject_put(&node->kobj);
	else
		device->node = &node->kobj;
	return ret;
}

/**
 * cordon_sysfs_device_del - the reverse of cordon_sysfs_device_add()
 * @device: the device
 *
 * Context: cordon_net.lock held.
 */
void cordon_sysfs_device_del(struct cordon_device *device)
{
	struct cordon_node *node = node_of(device->node);

	device->node = NULL;
	node_del(node);
}

/**
 * cordon_sysfs_segment_add - a directory for a segment
 * @cn: whose it is
 * @segment: the segment
 *
 * Context: cordon_net.lock held. Return: 0 or -errno.
 */
int cordon_sysfs_segment_add(struct cordon_net *cn, struct cordon_segment *segment)
{
	struct cordon_node *node;
	int ret;

	node = node_new(cn, &segment_type);
	if (!node)
		return -ENOMEM;
	node->segment = cordon_segment_get(segment);
	ret = kobject_add(&node->kobj, &cn->tree->segments->kobj, "%s", segment->name);
	if (ret)
		kobject_put(&node->kobj);
	else
		segment->node = &node->kobj;
	return ret;
}

/**
 * cordon_sysfs_segment_del - the reverse of cordon_sysfs_segment_add()
 * @segment: the segment
 *
 * Context: cordon_net.lock held.
 */
void cordon_sysfs_segment_del(struct cordon_segment *segment)
{
	struct cordon_node *node = node_of(segment->node);

	segment->node = NULL;
	node_del(node);
}

/** cordon_sysfs_init - /sys/kernel/cordon itself */
int cordon_sysfs_init(void)
{
	int i, ret;

	for (i = 0; i < CORDON_KINDS; i++) {
		anomalies_attrs[i] = &total_kinds[i].attr.attr;
		device_anomaly_attrs[i] = &device_kinds[i].attr.attr;
	}
	memset(&root, 0, sizeof(root));
	ret = kobject_init_and_add(&root, &root_type, kernel_kobj, "cordon");
	if (ret)
		kobject_put(&root);
	return ret;
}

/** cordon_sysfs_exit - the reverse of cordon_sysfs_init() */
void cordon_sysfs_exit(void)
{
	kobject_del(&root);
	kobject_put(&root);
}
