// SPDX-License-Identifier: GPL-2.0
/*
 * What packets tell of the addresses of devices that learn theirs: servers of DHCP, and devices by
 * ARP and neighbour discovery. Bindings are made by a worker (bind.c); what a server acknowledges
 * waits for it, so that a device has its address before it can use it.
 */
#include <linux/etherdevice.h>
#include <linux/if_ether.h>
#include <linux/inetdevice.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/netdevice.h>
#include <linux/slab.h>
#include <linux/udp.h>
#include <net/addrconf.h>

#include "admit.h"
#include "bind.h"
#include "core/dhcp.h"
#include "net.h"
#include "pkt.h"
#include "snoop.h"
#include "vlan.h"

#define AT_A_TIME	64	/* news that the worker looks at */
#define EACH		4	/* news that may wait of one device */
#define CLOSE		2	/* seconds; a lease that ends so much later is no longer one */

/* So much may wait: no one takes another's place. */
static const u32 most[CORDON_TELLERS] = {
	[CORDON_TELLER_SERVER] = 256,
	[CORDON_TELLER_DEVICE] = 256,
	[CORDON_TELLER_STRANGER] = 32,
};

enum what {
	BINDS,		/* the address is the device's */
	ENDS,		/* it is no longer */
	REFUSES,	/* a server gives the device none */
	COMES,		/* no device has the MAC */
	SENDS,		/* nothing; what was told before is to be true when @held is sent */
};

/**
 * struct news - what a packet told
 * @list: in cordon_snoop.news
 * @what: enum what
 * @by: enum cordon_teller
 * @in: of COMES: index of the port that it came in on
 * @told: of whom, and which address
 * @held: sent if the device has all that was told before; or NULL
 */
struct news {
	struct list_head list;
	u8 what;
	u8 by;
	int in;
	struct cordon_told told;
	struct sk_buff *held;
};

static void release(struct news *n)
{
	if (n->held) {
		dev_put(n->held->dev);
		kfree_skb(n->held);
	}
	kfree(n);
}

static void send(struct cordon_net *cn, struct news *n)
{
	struct sk_buff *skb = n->held;
	struct net_device *dev = skb->dev;

	n->held = NULL;
	/* It may have moved to another namespace. */
	if (net_eq(dev_net(dev), cn->net))
		dev_queue_xmit(skb);
	else
		kfree_skb(skb);
	dev_put(dev);
}

/* Who would use the address is not told of it. */
static void count_refused(struct cordon_net *cn)
{
	atomic64_inc(&cn->denied);
	atomic64_inc(&cn->tally[CORDON_KIND_UNJUDGED].count);
}

/* A server gave the device what @held says, and the device has it. */
static bool has_all(struct cordon_net *cn, const struct news *n)
{
	const struct cordon_ruleset *rs = cordon_net_ruleset(cn);
	u32 device = cordon_policy_device_by_mac(rs->policy, n->told.mac);

	return device == CORDON_NO_DEVICE ||
	       cordon_policy_device_has(rs->policy, device, &n->told.addr);
}

static void heed(struct cordon_net *cn, struct news *n)
{
	if (!cordon_net_ruleset(cn))
		return;
	switch (n->what) {
	case BINDS:
		cordon_bind(cn, &n->told, NULL);
		break;
	case ENDS:
		cordon_unbind(cn, n->told.mac, &n->told.addr);
		break;
	case REFUSES:
		cordon_bind_refused(cn, n->told.mac);
		break;
	case COMES:
		cordon_admit(cn, n->told.mac, n->in);
		break;
	case SENDS:
		if (has_all(cn, n))
			send(cn, n);
		else
			count_refused(cn);
		break;
	}
}

static struct news *next(struct cordon_snooper *s)
{
	struct news *n;

	spin_lock_bh(&s->lock);
	n = list_first_entry_or_null(&s->news, struct news, list);
	if (n) {
		list_del(&n->list);
		s->n[n->by]--;
	}
	spin_unlock_bh(&s->lock);
	return n;
}

static void work(struct work_struct *work)
{
	struct cordon_net *cn = container_of(work, struct cordon_net, snoop.work);
	int some = AT_A_TIME;
	struct news *n;

	while (some-- && (n = next(&cn->snoop))) {
		mutex_lock(&cn->lock);
		heed(cn, n);
		mutex_unlock(&cn->lock);
		release(n);
		cond_resched();
	}
	/* However much is told, others come in between. */
	if (some < 0)
		queue_work(system_wq, work);
}

/** cordon_snoop_init - nothing has been told */
void cordon_snoop_init(struct cordon_snooper *s)
{
	spin_lock_init(&s->lock);
	INIT_LIST_HEAD(&s->news);
	INIT_WORK(&s->work, work);
}

/** cordon_snoop_exit - forget what was told; nobody tells more. Context: sleeps. */
void cordon_snoop_exit(struct cordon_snooper *s)
{
	struct news *n;

	cancel_work_sync(&s->work);
	while ((n = next(s)))
		release(n);
}

/* So that no device keeps others' from being heard. */
static bool waits_enough(const struct cordon_snooper *s, const struct news *what)
{
	const struct news *n;
	int of = 0;

	if (what->by != CORDON_TELLER_DEVICE)
		return false;
	list_for_each_entry(n, &s->news, list)
		of += n->by == what->by && ether_addr_equal(n->told.mac, what->told.mac);
	return of >= EACH;
}

/* Return: false, there is no memory, or too much waits already. */
static bool tell(struct cordon_net *cn, const struct news *what)
{
	struct cordon_snooper *s = &cn->snoop;
	struct news *n = kmemdup(what, sizeof(*what), GFP_ATOMIC | __GFP_NOWARN);
	bool room;

	if (!n)
		return false;
	spin_lock_bh(&s->lock);
	room = s->n[n->by] < most[n->by] && !waits_enough(s, n);
	if (room) {
		list_add_tail(&n->list, &s->news);
		s->n[n->by]++;
	}
	spin_unlock_bh(&s->lock);
	if (!room) {
		kfree(n);
		return false;
	}
	queue_work(system_highpri_wq, &s->work);
	return true;
}

static const struct cordon_device_def *def_of(const struct cordon_ruleset *rs, u32 device)
{
	return &rs->policy->draft.devices[device];
}

/* An address that a host in one of the gateway's own IPv4 networks of a link may have. */
static bool is_on_link4(const struct net_device *dev, __be32 addr)
{
	const struct in_device *in = __in_dev_get_rcu(dev);
	const struct in_ifaddr *ifa;
	bool found = false;

	if (!in)
		return false;
	in_dev_for_each_ifa_rcu(ifa, in) {
		if (ifa->ifa_local == addr)
			return false;
		if (inet_ifa_match(addr, ifa) && ifa->ifa_prefixlen < 31 &&
		    addr & ~ifa->ifa_mask && addr != (ifa->ifa_address | ~ifa->ifa_mask))
			found = true;
	}
	return found;
}

/* An address that a host beside the gateway may have, behind this port, in this VLAN. */
static bool is_on_link(struct net *net, struct net_device *dev, u16 vlan,
		       const struct cordon_addr *addr)
{
	struct net_device *master = netdev_master_upper_dev_get_rcu(dev);
	struct in6_addr v6;
	__be64 half[2];

	if (master)
		dev = cordon_vlan_interface(master, vlan);
	if (!dev)
		return false;
	if (cordon_addr_is_v4(addr))
		return is_on_link4(dev, cpu_to_be32((u32)addr->lo));
	half[0] = cpu_to_be64(addr->hi);
	half[1] = cpu_to_be64(addr->lo);
	memcpy(&v6, half, sizeof(v6));
	return !cordon_addr_is_link_local(addr) && ipv6_chk_prefix(&v6, dev) &&
	       !ipv6_chk_addr(net, &v6, NULL, 0);
}

/**
 * cordon_snoop_address - a device says on its link that it has, or would have, an address
 * @pkt: what says so; its device is set
 * @addr: the address
 *
 * The first one that says so gets it (RFC 6620), within the networks that the gateway has on the
 * link; but none that another device would derive from its MAC (RFC 4862), and so is known to all.
 *
 * Context: RCU read side. Return: it may have it, and gets it soon, or when it says so once more.
 */
bool cordon_snoop_address(const struct cordon_pkt *pkt, const struct cordon_addr *addr)
{
	const struct cordon_device_def *def = def_of(pkt->rs, pkt->device);
	bool v4 = cordon_addr_is_v4(addr);
	struct news n = {
		.what = BINDS, .by = CORDON_TELLER_DEVICE,
		.told = { .origin = v4 ? CORDON_ORIGIN_ARP : CORDON_ORIGIN_ND,
			  .seconds = CORDON_LEARNED_IDLE, .addr = *addr },
	};

	if (!def->learn || (v4 && def->learn != CORDON_LEARN_AUTO_STATIC) ||
	    cordon_policy_device_by_addr(pkt->rs->policy, addr) != CORDON_NO_DEVICE ||
	    (!v4 && cordon_identifier_is_others(pkt->rs->policy, pkt->device, addr->lo)) ||
	    cordon_policy_check_address(addr) || cordon_policy_serves(pkt->rs->policy, addr) ||
	    !is_on_link(pkt->state->net, pkt->state->in, pkt->vlan, addr))
		return false;
	ether_addr_copy(n.told.mac, def->mac);
	/* Where too much waits, it says so again; that is nobody's fault. */
	if (!pkt->again)
		tell(pkt->cn, &n);
	return true;
}

/**
 * cordon_snoop_seen - a device uses an address on its link
 * @pkt: by this; its device is set
 * @addr: the address, which is bound to it
 */
void cordon_snoop_seen(const struct cordon_pkt *pkt, const struct cordon_addr *addr)
{
	const struct cordon_device_def *def = def_of(pkt->rs, pkt->device);

	if (def->learn)
		cordon_learned_seen(&pkt->cn->learned, def->mac, addr);
	if (def->unlisted)
		cordon_unlisted_seen(&pkt->cn->unlisted, def->mac, NULL);
}

/**
 * cordon_snoop_stranger - a frame of a MAC that no device has came in on a port
 * @cn: the namespace; the policy in force has a segment for such devices
 * @mac: six bytes; or NULL
 * @in: index of the port
 *
 * Context: RCU read side.
 */
void cordon_snoop_stranger(struct cordon_net *cn, const u8 *mac, int in)
{
	struct news n = { .what = COMES, .by = CORDON_TELLER_STRANGER, .in = in };

	if (!mac || !is_valid_ether_addr(mac) || cordon_unlisted_hurry(&cn->unlisted, in))
		return;
	ether_addr_copy(n.told.mac, mac);
	tell(cn, &n);
}

/*
 * What is behind the UDP header of a whole packet with these ports; NULL, it is none, or cannot be
 * had. @at: where its IP header begins. @source: 0, any port.
 */
static const u8 *payload(struct sk_buff *skb, unsigned int at, bool v4, u16 source, u16 to,
			 u32 *len)
{
	const struct udphdr *udp;
	struct udphdr buf;
	struct iphdr buf4;
	const struct iphdr *iph;
	struct ipv6hdr buf6;
	const struct ipv6hdr *ip6;
	u32 size;

	if (v4) {
		iph = skb_header_pointer(skb, at, sizeof(buf4), &buf4);
		if (!iph || iph->protocol != IPPROTO_UDP || iph->ihl < 5 || ip_is_fragment(iph))
			return NULL;
		at += iph->ihl * 4;
	} else {
		ip6 = skb_header_pointer(skb, at, sizeof(buf6), &buf6);
		if (!ip6 || ip6->nexthdr != IPPROTO_UDP)
			return NULL;
		at += sizeof(*ip6);
	}
	udp = skb_header_pointer(skb, at, sizeof(buf), &buf);
	if (!udp || (source && ntohs(udp->source) != source) || ntohs(udp->dest) != to)
		return NULL;
	size = ntohs(udp->len);
	if (size < sizeof(*udp) || size > skb->len - at ||
	    (skb_is_nonlinear(skb) && skb_shared(skb)) || !pskb_may_pull(skb, at + size))
		return NULL;
	*len = size - sizeof(*udp);
	return skb->data + at + sizeof(*udp);
}

/*
 * @client: gets what the client says of itself; or NULL. Return: 0; -ENODATA, it is too short for
 * any message; -EINVAL, it cannot be read.
 */
static int read(struct cordon_dhcp *m, struct sk_buff *skb, unsigned int at, bool v4,
		bool to_server, struct cordon_dhcp_client *client)
{
	const u16 server = v4 ? CORDON_PORT_DHCP : CORDON_PORT_DHCP6;
	const u16 device = v4 ? CORDON_PORT_DHCP_CLIENT : CORDON_PORT_DHCP6_CLIENT;
	const u8 *message;
	u32 len;

	/* Servers do not ask from which port a client sends. */
	message = payload(skb, at, v4, to_server ? 0 : server, to_server ? server : device, &len);
	if (!message)
		return -EINVAL;
	if (client && v4)
		cordon_dhcp_client_read(client, message, len);
	return v4 ? cordon_dhcp_read(m, message, len) : cordon_dhcp6_read(m, message, len);
}

/* A client gives addresses back, or says that another has them. */
static void end_those(const struct cordon_pkt *pkt, const struct cordon_dhcp *m)
{
	const struct cordon_policy *p = pkt->rs->policy;
	struct news n = { .what = ENDS, .by = CORDON_TELLER_DEVICE };
	u32 i;

	ether_addr_copy(n.told.mac, def_of(pkt->rs, pkt->device)->mac);
	for (i = 0; m->says == CORDON_DHCP_ENDS && i < m->n; i++) {
		n.told.addr = m->addresses[i];
		if (cordon_policy_device_learned(p, pkt->device, &n.told.addr))
			tell(pkt->cn, &n);
	}
}

/**
 * cordon_snoop_request - what a device says to servers of DHCP
 * @pkt: the packet; its device and its headers are set
 *
 * No device asks in the name of another MAC, by which it could have all addresses that there are,
 * or end another's; nor as a relay, by which it would have those of another network; but a relay
 * that is listed as a server.
 *
 * Return: -1, it may say so; or enum cordon_kind.
 */
int cordon_snoop_request(const struct cordon_pkt *pkt)
{
	const struct cordon_device_def *def = def_of(pkt->rs, pkt->device);
	bool v4 = pkt->skb->protocol == htons(ETH_P_IP);
	struct cordon_dhcp_client client;
	struct cordon_dhcp m;
	int ret;

	if (cordon_policy_is_server(pkt->rs->policy, pkt->device))
		return -1;
	ret = read(&m, pkt->skb, skb_network_offset(pkt->skb), v4, true,
		   def->unlisted ? &client : NULL);
	/* What is not understood here, a server might understand; IPv6 has no MAC in it. */
	if (ret)
		return v4 && ret != -ENODATA ? CORDON_KIND_MALFORMED : -1;
	if (m.relayed || (v4 && (!m.request || !ether_addr_equal(m.mac, def->mac))))
		return CORDON_KIND_SPOOFED_SOURCE;
	if (pkt->again)
		return -1;
	end_those(pkt, &m);
	if (def->unlisted)
		cordon_unlisted_seen(&pkt->cn->unlisted, def->mac, v4 ? &client : NULL);
	return -1;
}

/**
 * cordon_snoop_client - the device that a server's message for all is meant for
 * @pkt: the message
 *
 * Return: the device, or CORDON_NO_DEVICE.
 */
u32 cordon_snoop_client(const struct cordon_pkt *pkt)
{
	struct cordon_dhcp m;

	if (read(&m, pkt->skb, skb_network_offset(pkt->skb), true, false, NULL))
		return CORDON_NO_DEVICE;
	return cordon_policy_device_by_mac(pkt->rs->policy, m.mac);
}

/* A lease as the table has them: at most a year, or without an end. */
static u32 seconds_of(u32 seconds)
{
	if (seconds == CORDON_DHCP_FOREVER)
		return 0;
	return min_t(u32, seconds, CORDON_MAX_LEASE);
}

/* It is known already that the device has the address for so long. */
static bool is_known(struct cordon_net *cn, const struct cordon_told *told)
{
	struct cordon_binding b;

	if (!cordon_learned_find(&cn->learned, told->mac, &told->addr, &b) ||
	    b.origin != CORDON_ORIGIN_DHCP)
		return false;
	if (!b.end || !told->seconds)
		return !b.end && !told->seconds;
	return cordon_binding_seconds(&b) + CLOSE > told->seconds;
}

/* A device may be behind an interface, as far as is known. */
static bool may_be_behind(const struct cordon_ruleset *rs, u32 device, int ifindex)
{
	const struct cordon_ports *ports = rcu_dereference(rs->ports);
	const struct cordon_interface *port = cordon_ports_find(ports, ifindex);
	const int seen = READ_ONCE(rs->devices[device]->seen);
	const struct cordon_device_def *def = def_of(rs, device);

	if (!port || port->role != CORDON_ROLE_PORT ||
	    !cordon_ports_may_be(ports, def, port->port))
		return false;
	return def->port != CORDON_ANY_PORT || !seen || seen == ifindex;
}

/*
 * The gateway itself sends it, or a device that the policy lists as a server, from where that may
 * be. Where the policy only observes, nobody has kept others from sending with its MAC: a server
 * that is tied to no port is not believed then.
 */
static bool is_trusted(const struct cordon_ruleset *rs, const struct sk_buff *skb)
{
	const struct ethhdr *eth = (const struct ethhdr *)skb->data;
	const struct net_device *from;
	u32 device;

	if (!skb->skb_iif)
		return true;
	from = dev_get_by_index_rcu(dev_net(skb->dev), skb->skb_iif);
	device = cordon_policy_device_by_mac(rs->policy, eth->h_source);
	if (!from || device == CORDON_NO_DEVICE || !cordon_policy_is_server(rs->policy, device) ||
	    !may_be_behind(rs, device, skb->skb_iif) ||
	    !cordon_vlan_leaves(skb, skb->dev, cordon_vlan_of(def_of(rs, device), from)))
		return false;
	return rs->policy->draft.mode == CORDON_MODE_ENFORCE ||
	       def_of(rs, device)->port != CORDON_ANY_PORT;
}

/* Return: false, nobody need be told of an address; it has no binding so far, if @fresh. */
static bool is_news(struct cordon_net *cn, const struct cordon_ruleset *rs, u32 device,
		    const struct news *n, bool *fresh)
{
	const struct cordon_addr *addr = &n->told.addr;

	*fresh = n->what == BINDS && !cordon_policy_device_has(rs->policy, device, addr);
	if (*fresh)
		return true;
	return cordon_policy_device_learned(rs->policy, device, addr) &&
	       !(n->what == BINDS && is_known(cn, &n->told));
}

/* Addresses that a server gives a device. Return: as cordon_snoop_reply(). */
static unsigned int tell_given(struct cordon_net *cn, const struct cordon_ruleset *rs, u32 device,
			       const struct cordon_dhcp *m, struct sk_buff *skb)
{
	const u16 vlan = cordon_vlan_of(def_of(rs, device), skb->dev);
	struct news n = { .told.origin = CORDON_ORIGIN_DHCP };
	bool fresh, wait = false, told = true;
	u32 i, last = 0;

	ether_addr_copy(n.told.mac, def_of(rs, device)->mac);
	for (i = 0; told && i < m->n; i++) {
		n.what = m->seconds[i] ? BINDS : ENDS;
		n.told.seconds = seconds_of(m->seconds[i]);
		n.told.addr = m->addresses[i];
		if (!is_news(cn, rs, device, &n, &fresh))
			continue;
		/* The gateway's own server knows best; another one, of its link alone. */
		if (fresh && skb->skb_iif && !is_on_link(cn->net, skb->dev, vlan, &n.told.addr))
			continue;
		wait |= fresh;
		last = fresh ? i : last;
		told = tell(cn, &n);
	}
	if (!wait || rs->policy->draft.mode == CORDON_MODE_OBSERVE)
		return NF_ACCEPT;
	/* What only sends comes behind all of them. */
	n.what = SENDS;
	n.told.addr = m->addresses[last];
	n.held = skb;
	skb_dst_force(skb);
	dev_hold(skb->dev);
	if (told && tell(cn, &n))
		return NF_STOLEN;
	dev_put(skb->dev);
	count_refused(cn);
	return NF_DROP;
}

/**
 * cordon_snoop_reply - a packet leaves by a port: maybe what a server of DHCP says to a device
 * @cn: the namespace
 * @rs: in force
 * @skb: the packet, whose data begins with its Ethernet header
 *
 * Context: RCU read side. Return: NF_ACCEPT; NF_STOLEN, it is sent when the device has the address;
 * NF_DROP, there is no memory for that.
 */
unsigned int cordon_snoop_reply(struct cordon_net *cn, const struct cordon_ruleset *rs,
				struct sk_buff *skb)
{
	const bool v4 = skb->protocol == htons(ETH_P_IP);
	struct cordon_dhcp m;
	struct news n = { .what = REFUSES };
	u32 device;

	if (read(&m, skb, ETH_HLEN, v4, false, NULL) || m.request || m.says == CORDON_DHCP_OTHER ||
	    !is_trusted(rs, skb))
		return NF_ACCEPT;
	device = cordon_policy_device_by_mac(rs->policy, v4 ? m.mac :
					     ((const struct ethhdr *)skb->data)->h_dest);
	/* Of one for all, the copies by other ports tell nothing. */
	if (device == CORDON_NO_DEVICE || !def_of(rs, device)->learn ||
	    !may_be_behind(rs, device, skb->dev->ifindex) ||
	    !cordon_vlan_leaves(skb, skb->dev, cordon_vlan_of(def_of(rs, device), skb->dev)))
		return NF_ACCEPT;
	if (m.says == CORDON_DHCP_BINDS)
		return tell_given(cn, rs, device, &m, skb);
	ether_addr_copy(n.told.mac, def_of(rs, device)->mac);
	tell(cn, &n);
	return NF_ACCEPT;
}
