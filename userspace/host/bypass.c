// SPDX-License-Identifier: GPL-2.0
/* What takes packets past netfilter's hooks, as the kernel tells: XDP, tc, flow tables; and tables of nftables. */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/ethtool.h>
#include <linux/if.h>
#include <linux/if_link.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/pkt_cls.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <linux/sockios.h>
#include <linux/tc_act/tc_mirred.h>
#include <netlink/netlink.h>
#include <netlink/socket.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "host/bypass.h"

#define BUFFER	(64 * 1024)	/* a dump's messages are at most 32 KiB */

/* Ask for all of something. Return: 0; -errno. */
static int dump(int protocol, int type, void *head, size_t len, int (*valid)(struct nl_msg *msg, void *arg), void *arg)
{
	struct nl_sock *sock = nl_socket_alloc();
	int err = sock ? 0 : -NLE_NOMEM;

	if (!err) {
		nl_socket_disable_auto_ack(sock);
		err = nl_connect(sock, protocol);
	}
	if (!err) {
		nl_socket_set_msg_buf_size(sock, BUFFER);
		nl_socket_modify_cb(sock, NL_CB_VALID, NL_CB_CUSTOM, valid, arg);
		err = nl_send_simple(sock, type, NLM_F_DUMP, head, len);
	}
	if (err >= 0)
		err = nl_recvmsgs_default(sock);
	nl_socket_free(sock);
	if (err >= 0)
		return 0;
	return err == -NLE_PERM ? -EPERM : err == -NLE_NOMEM ? -ENOMEM : -EIO;
}

static void copy(char *out, size_t size, const struct nlattr *attr)
{
	snprintf(out, size, "%.*s", nla_len(attr), (const char *)nla_data(attr));
}

static bool find_mode(u8 attached, enum host_bypass_kind *kind)
{
	*kind = attached == XDP_ATTACHED_SKB ? HOST_XDP_GENERIC :
		attached == XDP_ATTACHED_HW ? HOST_XDP_HARDWARE : HOST_XDP_NATIVE;
	return attached != XDP_ATTACHED_NONE;
}

void host_xdp_read(struct nlmsghdr *h, const struct host_listener *l)
{
	struct nlattr *tb[IFLA_MAX + 1], *xdp[IFLA_XDP_MAX + 1];
	struct host_bypass b = { .ifindex = 0 };
	const struct ifinfomsg *info;

	if (h->nlmsg_type != RTM_NEWLINK || nlmsg_parse(h, sizeof(*info), tb, IFLA_MAX, NULL) || !tb[IFLA_XDP] ||
	    nla_parse_nested(xdp, IFLA_XDP_MAX, tb[IFLA_XDP], NULL) || !xdp[IFLA_XDP_ATTACHED] ||
	    !nla_len(xdp[IFLA_XDP_ATTACHED]) || !find_mode(nla_get_u8(xdp[IFLA_XDP_ATTACHED]), &b.kind))
		return;
	info = nlmsg_data(h);
	b.ifindex = info->ifi_index;
	if (tb[IFLA_IFNAME])
		copy(b.link, sizeof(b.link), tb[IFLA_IFNAME]);
	l->each(&b, l->arg);
}

static int on_link(struct nl_msg *msg, void *arg)
{
	host_xdp_read(nlmsg_hdr(msg), arg);
	return NL_OK;
}

/**
 * host_xdp_each - every interface with an XDP program
 * @l: told of each
 *
 * Return: 0; -errno.
 */
int host_xdp_each(const struct host_listener *l)
{
	struct ifinfomsg info = { .ifi_family = AF_UNSPEC };

	return dump(NETLINK_ROUTE, RTM_GETLINK, &info, sizeof(info), on_link, (void *)l);
}

/* Where a classifier has its actions; 0, it has none. */
static int action_of(const char *kind)
{
	static const struct {
		const char *kind;
		int attr;
	} all[] = {
		{ "matchall", TCA_MATCHALL_ACT }, { "flower", TCA_FLOWER_ACT }, { "u32", TCA_U32_ACT },
		{ "basic", TCA_BASIC_ACT }, { "fw", TCA_FW_ACT }, { "route", TCA_ROUTE4_ACT }, { "flow", TCA_FLOW_ACT },
		{ "bpf", TCA_BPF_ACT },
	};
	size_t i;

	for (i = 0; i < sizeof(all) / sizeof(*all); i++)
		if (!strcmp(all[i].kind, kind))
			return all[i].attr;
	return 0;
}

static bool is_redirect(struct nlattr *options)
{
	struct nlattr *parms = nla_find(nla_data(options), nla_len(options), TCA_MIRRED_PARMS);
	struct tc_mirred m;

	if (!parms || nla_len(parms) < (int)sizeof(m))
		return false;
	memcpy(&m, nla_data(parms), sizeof(m));
	return m.eaction == TCA_EGRESS_REDIR || m.eaction == TCA_INGRESS_REDIR;
}

static bool redirects(struct nlattr *actions)
{
	struct nlattr *one, *kind, *options;
	int left;

	nla_for_each_nested(one, actions, left) {
		kind = nla_find(nla_data(one), nla_len(one), TCA_ACT_KIND);
		options = nla_find(nla_data(one), nla_len(one), TCA_ACT_OPTIONS);
		if (kind && options && !nla_strcmp(kind, "mirred") && is_redirect(options))
			return true;
	}
	return false;
}

void host_tc_read(struct nlmsghdr *h, u32 ifindex, const struct host_listener *l)
{
	struct host_bypass b = { .kind = HOST_TC_REDIRECT, .ifindex = ifindex };
	struct nlattr *tb[TCA_MAX + 1], *actions;

	if (h->nlmsg_type != RTM_NEWTFILTER || nlmsg_parse(h, sizeof(struct tcmsg), tb, TCA_MAX, NULL) || !tb[TCA_KIND] ||
	    !tb[TCA_OPTIONS])
		return;
	copy(b.name, sizeof(b.name), tb[TCA_KIND]);
	actions = nla_find(nla_data(tb[TCA_OPTIONS]), nla_len(tb[TCA_OPTIONS]), action_of(b.name));
	if (action_of(b.name) && actions && redirects(actions)) {
		l->each(&b, l->arg);
	} else if (!strcmp(b.name, "bpf") && nla_find(nla_data(tb[TCA_OPTIONS]), nla_len(tb[TCA_OPTIONS]), TCA_BPF_ID)) {
		b.kind = HOST_TC_BPF;
		l->each(&b, l->arg);
	}
}

/* What on_filter() needs. */
struct filters {
	u32 ifindex;
	const struct host_listener *l;
};

static int on_filter(struct nl_msg *msg, void *arg)
{
	const struct filters *f = arg;

	host_tc_read(nlmsg_hdr(msg), f->ifindex, f->l);
	return NL_OK;
}

/**
 * host_tc_each - every filter at an interface's ingress that redirects packets, or is a program that may
 * @ifindex: of the interface
 * @l: told of each
 *
 * Return: 0; -errno.
 */
int host_tc_each(u32 ifindex, const struct host_listener *l)
{
	struct tcmsg head = {
		.tcm_ifindex = (int)ifindex, .tcm_parent = TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_INGRESS),
	};
	struct filters f = { ifindex, l };

	return dump(NETLINK_ROUTE, RTM_GETTFILTER, &head, sizeof(head), on_filter, &f);
}

static const char *family_name(u8 family)
{
	switch (family) {
	case NFPROTO_INET:	return "inet";
	case NFPROTO_IPV4:	return "ip";
	case NFPROTO_IPV6:	return "ip6";
	case NFPROTO_NETDEV:	return "netdev";
	case NFPROTO_BRIDGE:	return "bridge";
	default:		return "?";
	}
}

static bool is_nft(const struct nlmsghdr *h, int type)
{
	return h->nlmsg_type == (NFNL_SUBSYS_NFTABLES << 8 | type);
}

void host_flow_table_read(struct nlmsghdr *h, const struct host_listener *l)
{
	struct nlattr *tb[NFTA_FLOWTABLE_MAX + 1], *devs, *dev;
	struct host_bypass b = { .kind = HOST_FLOW_TABLE };
	char table[HOST_TABLE_NAME_LEN];
	int left;

	if (!is_nft(h, NFT_MSG_NEWFLOWTABLE) || nlmsg_parse(h, sizeof(struct nfgenmsg), tb, NFTA_FLOWTABLE_MAX, NULL) ||
	    !tb[NFTA_FLOWTABLE_TABLE] || !tb[NFTA_FLOWTABLE_NAME] || !tb[NFTA_FLOWTABLE_HOOK])
		return;
	copy(table, sizeof(table), tb[NFTA_FLOWTABLE_TABLE]);
	copy(b.name, sizeof(b.name), tb[NFTA_FLOWTABLE_NAME]);
	snprintf(b.table, sizeof(b.table), "%s %s", family_name(((struct nfgenmsg *)nlmsg_data(h))->nfgen_family), table);
	if (tb[NFTA_FLOWTABLE_FLAGS] && nla_len(tb[NFTA_FLOWTABLE_FLAGS]) == 4)
		b.hardware = ntohl(nla_get_u32(tb[NFTA_FLOWTABLE_FLAGS])) & NFT_FLOWTABLE_HW_OFFLOAD;
	devs = nla_find(nla_data(tb[NFTA_FLOWTABLE_HOOK]), nla_len(tb[NFTA_FLOWTABLE_HOOK]), NFTA_FLOWTABLE_HOOK_DEVS);
	if (!devs)
		return;
	nla_for_each_nested(dev, devs, left) {
		copy(b.link, sizeof(b.link), dev);
		l->each(&b, l->arg);
	}
}

static int on_flow_table(struct nl_msg *msg, void *arg)
{
	host_flow_table_read(nlmsg_hdr(msg), arg);
	return NL_OK;
}

static int dump_nft(int type, int (*valid)(struct nl_msg *msg, void *arg), void *arg)
{
	struct nfgenmsg head = { .nfgen_family = NFPROTO_UNSPEC, .version = NFNETLINK_V0 };

	return dump(NETLINK_NETFILTER, NFNL_SUBSYS_NFTABLES << 8 | type, &head, sizeof(head), valid, arg);
}

/**
 * host_flow_table_each - every interface of every flow table of nftables
 * @l: told of each
 *
 * Return: 0; -EPERM, CAP_NET_ADMIN is needed; another -errno, as where there is no nftables.
 */
int host_flow_table_each(const struct host_listener *l)
{
	return dump_nft(NFT_MSG_GETFLOWTABLE, on_flow_table, (void *)l);
}

/* What on_table() looks for. */
struct wanted {
	const char *name;
	bool found;
};

static int on_table(struct nl_msg *msg, void *arg)
{
	struct nlmsghdr *h = nlmsg_hdr(msg);
	struct nlattr *tb[NFTA_TABLE_MAX + 1];
	struct wanted *w = arg;

	if (is_nft(h, NFT_MSG_NEWTABLE) && !nlmsg_parse(h, sizeof(struct nfgenmsg), tb, NFTA_TABLE_MAX, NULL) &&
	    tb[NFTA_TABLE_NAME] && ((struct nfgenmsg *)nlmsg_data(h))->nfgen_family == NFPROTO_INET)
		w->found |= !nla_strcmp(tb[NFTA_TABLE_NAME], w->name);
	return NL_OK;
}

/**
 * host_nft_has_table - nftables has a table of the family inet
 * @name: its name
 *
 * Return: 1, it has; 0; -EPERM, CAP_NET_ADMIN is needed; another -errno, as where there is no nftables.
 */
int host_nft_has_table(const char *name)
{
	struct wanted w = { name, false };
	int err = dump_nft(NFT_MSG_GETTABLE, on_table, &w);

	return err ? err : w.found;
}

static int ethtool(int fd, const char *link, void *data)
{
	struct ifreq request = { .ifr_data = data };

	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", link);
	return ioctl(fd, SIOCETHTOOL, &request) ? -errno : 0;
}

/* How many features this kernel knows, the same for every interface. */
static int count_features(int fd, const char *link, u32 *n)
{
	struct {
		struct ethtool_sset_info info;
		u32 len;
	} q = { .info = { .cmd = ETHTOOL_GSSET_INFO, .sset_mask = 1ULL << ETH_SS_FEATURES } };
	int err = ethtool(fd, link, &q);

	*n = q.info.sset_mask ? q.len : 0;
	return err ? err : *n ? 0 : -EOPNOTSUPP;
}

/* The feature's number. */
static int find_feature(int fd, const char *link, const char *feature, u32 n)
{
	struct ethtool_gstrings *names = calloc(1, sizeof(*names) + (size_t)n * ETH_GSTRING_LEN);
	int found;
	u32 i;

	if (!names)
		return -ENOMEM;
	names->cmd = ETHTOOL_GSTRINGS;
	names->string_set = ETH_SS_FEATURES;
	names->len = n;
	found = ethtool(fd, link, names);
	if (!found)
		found = -ENOENT;
	for (i = 0; found == -ENOENT && i < n && i < names->len; i++)
		if (!strncmp((char *)names->data + (size_t)i * ETH_GSTRING_LEN, feature, ETH_GSTRING_LEN))
			found = (int)i;
	free(names);
	return found;
}

static int is_active(int fd, const char *link, u32 feature, u32 n)
{
	u32 blocks = (n + 31) / 32;
	struct ethtool_gfeatures *f = calloc(1, sizeof(*f) + blocks * sizeof(f->features[0]));
	int ret;

	if (!f)
		return -ENOMEM;
	f->cmd = ETHTOOL_GFEATURES;
	f->size = blocks;
	ret = ethtool(fd, link, f);
	if (!ret)
		ret = f->features[feature / 32].active >> feature % 32 & 1;
	free(f);
	return ret;
}

/**
 * host_feature - an interface has a feature, and it is on
 * @link: name of the interface
 * @feature: as ethtool(8) calls it
 *
 * Return: 1, it is on; 0, it is off; -ENODEV; -ENOENT, this kernel does not know it; another -errno.
 */
int host_feature(const char *link, const char *feature)
{
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0), ret;
	u32 n;

	if (fd < 0)
		return -errno;
	ret = count_features(fd, link, &n);
	if (!ret)
		ret = find_feature(fd, link, feature, n);
	if (ret >= 0)
		ret = is_active(fd, link, ret, n);
	close(fd);
	return ret;
}
