// SPDX-License-Identifier: GPL-2.0
/*
 * The work of Cordon's two hooks as programs of tc, for tests/bench: each device's MAC, port and address are checked on
 * every packet, and the verdict on a connection is remembered in a map, for the generation and the segments of its ends.
 *   lan_in, lan_in_v6   a port's clsact ingress: what devices send
 *   lan_out             its egress: what is sent to devices, after NAT has been undone
 * FLAT: devices by MAC and address in global arrays, instead of hash maps.
 *
 * Not done here, and by Cordon done: IPv6 towards devices passes unchecked; fragments of IPv6 are dropped, of IPv4 they
 * are known by their first one only while that is in a small map; connections that are RELATED, but for ICMP errors of
 * IPv4; path MTU discovery of IPv6; a policy that is swapped at one stroke (maps change one by one); state that no
 * stranger can evict (the map of connections is LRU).
 */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_endian.h>
#include "guard.h"

#define ETH_P_IP	0x0800
#define ETH_P_IPV6	0x86dd
#define TC_ACT_OK	0
#define TC_ACT_SHOT	2
#define HZ		250
#define IPPROTO_ICMPV6	58
#define likely(x)	__builtin_expect(!!(x), 1)
#define unlikely(x)	__builtin_expect(!!(x), 0)
#define inline_		static __always_inline

char _license[] SEC("license") = "GPL";

const volatile __u64 ports_low = 0;	/* LAN ports with ifindex < 64 */
__u32 gen = 1;

struct { __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY); __type(key, __u32); __type(value, struct traffic); __uint(max_entries, 1); } devstat SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY); __type(key, __u32); __type(value, struct traffic); __uint(max_entries, SEGS); } segstat SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_LPM_TRIE); __type(key, struct net4); __type(value, __u32); __uint(max_entries, 8192); __uint(map_flags, BPF_F_NO_PREALLOC); } nets4 SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_LPM_TRIE); __type(key, struct net6); __type(value, __u32); __uint(max_entries, 8192); __uint(map_flags, BPF_F_NO_PREALLOC); } nets6 SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_ARRAY); __type(key, __u32); __type(value, struct pair); __uint(max_entries, SEGS * SEGS); } pairs SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_LRU_HASH); __type(key, struct fragkey); __type(value, __u32); __uint(max_entries, 1024); } frags SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_RINGBUF); __uint(max_entries, 65536); } events SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_HASH); __type(key, __u64[2]); __type(value, __u32); __uint(max_entries, 1); __uint(map_flags, BPF_F_NO_PREALLOC); } by_ip6 SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_LRU_HASH); __type(key, struct key4); __type(value, struct conn); __uint(max_entries, 262144); } conns4 SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_LRU_HASH); __type(key, struct key6); __type(value, struct conn); __uint(max_entries, 1024); } conns6 SEC(".maps");

/* ---- devices by MAC and by address ---- */
struct { __uint(type, BPF_MAP_TYPE_ARRAY); __type(key, __u32); __type(value, struct dev); __uint(max_entries, 1); __uint(map_flags, BPF_F_MMAPABLE); } devs SEC(".maps");

inline_ struct dev *dev_of(__u32 idx)
{
	return bpf_map_lookup_elem(&devs, &idx);
}
#ifdef FLAT
/* Open addressing, at most half full, written by user space through mmap(). BITS is of the slots. */
#define GOLDEN	0x9e3779b97f4a7c15ULL
#define MASK	((1U << BITS) - 1)
__u32 mac_slots[1 << BITS];
__u32 ip4_slots[1 << BITS];
struct { __u32 ip4, dev; } ip4s[1 << BITS];	/* an address that is not its device's first one has an entry of its own */

inline_ struct dev *dev_by_mac(__u64 mac, __u32 *idx)
{
	__u32 h = (mac * GOLDEN) >> (64 - BITS);

	for (int i = 0; i < 16; i++) {
		__u32 s = mac_slots[(h + i) & MASK];
		struct dev *d;

		if (!s)
			return NULL;
		s--;
		d = bpf_map_lookup_elem(&devs, &s);
		if (!d)
			return NULL;
		if (likely(d->mac == mac)) {
			*idx = s;
			return d;
		}
	}
	return NULL;
}
inline_ __u32 dev_by_ip4(__u32 ip)
{
	__u32 h = ((__u64)ip * GOLDEN) >> (64 - BITS);

	for (int i = 0; i < 16; i++) {
		__u32 s = ip4_slots[(h + i) & MASK];

		if (!s)
			return NONE;
		s = (s - 1) & MASK;
		if (likely(ip4s[s].ip4 == ip))
			return ip4s[s].dev;
	}
	return NONE;
}
#else
struct { __uint(type, BPF_MAP_TYPE_HASH); __type(key, __u64); __type(value, __u32); __uint(max_entries, 1); } by_mac SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_HASH); __type(key, __u32); __type(value, __u32); __uint(max_entries, 1); } by_ip4 SEC(".maps");

inline_ struct dev *dev_by_mac(__u64 mac, __u32 *idx)
{
	__u32 *i = bpf_map_lookup_elem(&by_mac, &mac);

	if (!i)
		return NULL;
	*idx = *i;
	return dev_of(*i);
}
inline_ __u32 dev_by_ip4(__u32 ip)
{
	__u32 *i = bpf_map_lookup_elem(&by_ip4, &ip);

	return i ? *i : NONE;
}
#endif

inline_ __u32 dev_by_ip6(const __u64 *ip)
{
	__u64 key[2] = { ip[0], ip[1] };
	__u32 *i = bpf_map_lookup_elem(&by_ip6, key);

	return i ? *i : NONE;
}

/* ---- counters and denials ---- */
inline_ void count_rx(void *map, __u32 i, __u32 len)
{
	struct traffic *s = bpf_map_lookup_elem(map, &i);

	if (likely(s)) {
		s->rx_packets++;
		s->rx_bytes += len;
	}
}
inline_ void count_tx(void *map, __u32 i, __u32 len)
{
	struct traffic *s = bpf_map_lookup_elem(map, &i);

	if (likely(s)) {
		s->tx_packets++;
		s->tx_bytes += len;
	}
}

enum { UNKNOWN_DEVICE = 1, MOVED_PORT, MALFORMED, SPOOFED_SOURCE, SEGMENT_VIOLATION, UNJUDGED };

__noinline int deny(__u64 mac, __u32 idx, __u32 kind)
{
	struct dev *d = dev_of(idx);
	struct event *e;
	__u32 now = bpf_jiffies64();

	if (d) {
		__sync_fetch_and_add(&d->denied, 1);
		if (now - d->told < HZ)
			return TC_ACT_SHOT;
		d->told = now;
	}
	e = bpf_ringbuf_reserve(&events, sizeof(*e), 0);
	if (e) {
		__builtin_memset(e, 0, sizeof(*e));
		e->mac = mac;
		e->dev = idx;
		e->kind = kind;
		bpf_ringbuf_submit(e, 0);
	}
	return TC_ACT_SHOT;
}

/* ---- who may reach whom ---- */
/* ifindex: of the interface that the device's own packet came in on, or 0 */
inline_ __u32 effective(const struct dev *d, __u32 ifindex)
{
	if (likely(!d->flags))
		return d->seg;
	if (d->flags & DEV_QUARANTINED)
		return SEG_QUARANTINE;
	if (d->flags & DEV_NEEDS_LEASE &&
	    (bpf_jiffies64() >= d->lease_end || (ifindex && d->lease_port && d->lease_port != ifindex)))
		return SEG_ONBOARDING;
	return d->flags & DEV_OUTDATED ? SEG_UPDATE : d->seg;
}

inline_ bool is_service(__u32 proto, __u32 port)
{
	if (proto == IPPROTO_UDP)
		return port == 53 || port == 67 || port == 547;
	if (proto == IPPROTO_TCP)
		return port == 53 || port == 8443 || port == 8883;
	return proto == IPPROTO_ICMPV6 && ((port >= 131 && port <= 136 && port != 134) || port == 143);
}

__noinline int may(__u32 from_seg, __u32 to_seg, __u32 proto_port, __u32 both_devices)
{
	__u32 proto = proto_port >> 16, port = proto_port & 0xffff, at;
	struct pair *p;

	if (from_seg >= SEGS || to_seg >= SEGS)
		return 0;
	if (from_seg == SEG_GATEWAY)
		return 1;
	at = from_seg * SEGS + to_seg;
	p = bpf_map_lookup_elem(&pairs, &at);
	if (!p)
		return 0;
	if (p->any)
		return 1;
	for (int i = 0; i < 8; i++) {
		if (i >= p->n)
			break;
		if ((!p->o[i].proto || p->o[i].proto == proto) && port >= p->o[i].lo && port <= p->o[i].hi)
			return 1;
	}
	if (to_seg == SEG_GATEWAY && from_seg != SEG_QUARANTINE && is_service(proto, port))
		return 1;
	return from_seg == to_seg && !(both_devices && p->isolate);
}

/* segment of an address that is no device's */
inline_ __u32 net_seg4(__u32 ip)
{
	struct net4 key = { 32, ip };
	__u32 *s;

	s = bpf_map_lookup_elem(&nets4, &key);
	return s ? *s : NO_SEG;
}
inline_ __u32 net_seg6(const __u64 *ip)
{
	struct net6 key = { .len = 128 };
	__u32 *s;

	__builtin_memcpy(key.addr, ip, 16);
	s = bpf_map_lookup_elem(&nets6, &key);
	return s ? *s : NO_SEG;
}

/* ---- connections ---- */
struct pkt {
	__u64 mac;
	__u32 len;		/* of network header and payload */
	__u32 ifindex;		/* sender's */
	__u32 sender;		/* device, or NONE, LOCAL */
	__u32 sender_seg;
	__u32 receiver;
	__u32 receiver_seg;
	__u16 sport, dport;	/* network order, as on the wire; ICMP: id */
	__u16 port;		/* to judge by, host order: destination port or ICMP type */
	__u8 proto;
	__u8 tcp;		/* flags */
	__u8 v6;
	__u8 reply;		/* ICMP: an answer, so it opens nothing */
	const void *src, *dst;	/* addresses, on the stack */
};

/* the receiver's end, from its address */
inline_ void find_receiver(struct pkt *p)
{
	struct dev *d;

	p->receiver = p->v6 ? dev_by_ip6(p->dst) : dev_by_ip4(*(__u32 *)p->dst);
	if (p->receiver == LOCAL)
		p->receiver_seg = SEG_GATEWAY;
	else if (p->receiver != NONE && (d = dev_of(p->receiver)))
		p->receiver_seg = effective(d, 0);
	else
		p->receiver_seg = p->v6 ? net_seg6(p->dst) : net_seg4(*(__u32 *)p->dst);
}
/* likewise, of a sender that is not behind a port */
inline_ void find_sender(struct pkt *p)
{
	p->sender = NONE;
	p->sender_seg = p->v6 ? net_seg6(p->src) : net_seg4(*(__u32 *)p->src);
}

inline_ __u32 seg_now(__u32 end, __u32 known)
{
	struct dev *d;

	if (end >= LOCAL)
		return known;
	d = dev_of(end);
	return d ? effective(d, 0) : NO_SEG;
}

inline_ bool both(const struct pkt *p)
{
	return p->sender < LOCAL && p->receiver < LOCAL;
}

inline_ __u32 timeout_of(const struct pkt *p, __u32 sides)
{
	bool answered = (sides & 3) == 3;

	if (p->proto == IPPROTO_TCP)
		return sides & 12 ? 10 * HZ : answered ? 8000 * HZ : 60 * HZ;
	return answered ? 180 * HZ : 60 * HZ;
}

struct look {
	struct conn *c;
	bool none;		/* looked for already, in vain */
	struct key4 k4;
	struct key6 k6;
	bool is_a;
};

inline_ void find(const struct pkt *p, struct look *l)
{
	if (p->v6) {
		const __u64 *s = p->src, *d = p->dst;

		l->is_a = s[0] != d[0] ? s[0] < d[0] : s[1] != d[1] ? s[1] < d[1] : p->sport < p->dport;
		l->k6 = (struct key6){ .proto = p->proto };
		l->k6.a[0] = l->is_a ? s[0] : d[0];
		l->k6.a[1] = l->is_a ? s[1] : d[1];
		l->k6.b[0] = l->is_a ? d[0] : s[0];
		l->k6.b[1] = l->is_a ? d[1] : s[1];
		l->k6.pa = l->is_a ? p->sport : p->dport;
		l->k6.pb = l->is_a ? p->dport : p->sport;
		l->c = bpf_map_lookup_elem(&conns6, &l->k6);
	} else {
		__u32 s = *(__u32 *)p->src, d = *(__u32 *)p->dst;

		l->is_a = s != d ? s < d : p->sport < p->dport;
		if (l->is_a)
			l->k4 = (struct key4){ s, d, p->sport, p->dport, p->proto };
		else
			l->k4 = (struct key4){ d, s, p->dport, p->sport, p->proto };
		l->c = bpf_map_lookup_elem(&conns4, &l->k4);
	}
}

/* True: may pass. sender and its segment are known where it is a device behind a port (from_lan). */
inline_ bool judge(struct pkt *p, bool from_lan, struct look *l)
{
	__u32 now = bpf_jiffies64();
	struct conn *c = l->c, fresh = {};
	bool is_a = l->is_a, opener;

	__u32 sides;

	if (unlikely(!c || now - c->seen > c->timeout))
		goto opens;
	opener = is_a == c->a_opened;
	sides = c->sides | 1 << is_a;
	if (p->proto == IPPROTO_TCP && p->tcp & 5)
		sides |= p->tcp & 4 ? 12 : 4 << is_a;
	if (sides != c->sides) {
		c->sides = sides;
		c->timeout = timeout_of(p, sides);
	}
	if (c->seen != now)
		c->seen = now;
	if (likely(c->gen == gen)) {
		const struct end *s = &c->end[is_a], *r = &c->end[!is_a];

		p->receiver = r->dev;
		p->receiver_seg = seg_now(r->dev, r->seg);
		if (!from_lan) {
			p->sender = s->dev;
			p->sender_seg = seg_now(s->dev, s->seg);
		}
		if (likely(s->dev == p->sender && p->sender_seg == s->seg && p->receiver_seg == r->seg))
			return true;
	} else {
		find_receiver(p);
		if (!from_lan)
			find_sender(p);
	}
	if (!may(opener ? p->sender_seg : p->receiver_seg, opener ? p->receiver_seg : p->sender_seg,
		 p->proto << 16 | c->dport, both(p)))
		return false;
	c->end[is_a] = (struct end){ p->sender, p->sender_seg };
	c->end[!is_a] = (struct end){ p->receiver, p->receiver_seg };
	c->gen = gen;
	return true;
opens:
	if (p->reply || (p->proto == IPPROTO_TCP && (p->tcp & 0x17) != 2))
		return false;
	find_receiver(p);
	if (!from_lan)
		find_sender(p);
	if (!may(p->sender_seg, p->receiver_seg, p->proto << 16 | p->port, both(p)))
		return false;
	fresh.gen = gen;
	fresh.seen = now;
	fresh.sides = 1 << is_a;
	fresh.timeout = timeout_of(p, fresh.sides);
	fresh.dport = p->port;
	fresh.a_opened = is_a;
	fresh.end[0] = is_a ? (struct end){ p->receiver, p->receiver_seg } : (struct end){ p->sender, p->sender_seg };
	fresh.end[1] = is_a ? (struct end){ p->sender, p->sender_seg } : (struct end){ p->receiver, p->receiver_seg };
	if (p->v6)
		bpf_map_update_elem(&conns6, &l->k6, &fresh, BPF_ANY);
	else
		bpf_map_update_elem(&conns4, &l->k4, &fresh, BPF_ANY);
	return true;
}

/* An ICMP error is of the connection that it quotes (IPv4). */
inline_ bool related(struct pkt *p, struct __sk_buff *skb, __u32 off)
{
	struct { struct iphdr ip; __be16 sport, dport; } q;
	struct key4 k = {};
	bool is_a;

	if (bpf_skb_load_bytes(skb, off + 8, &q, sizeof(q)) || q.ip.ihl != 5)
		return false;
	is_a = q.ip.saddr != q.ip.daddr ? q.ip.saddr < q.ip.daddr : q.sport < q.dport;
	k.a = is_a ? q.ip.saddr : q.ip.daddr;
	k.b = is_a ? q.ip.daddr : q.ip.saddr;
	k.pa = is_a ? q.sport : q.dport;
	k.pb = is_a ? q.dport : q.sport;
	k.proto = q.ip.protocol;
	return bpf_map_lookup_elem(&conns4, &k) != NULL;
}

/* ---- headers ---- */
enum { READ_BAD, READ_OK, READ_ERROR /* ICMP error */, READ_LATER };

/* payload header at l4, of which 8 bytes are there; len: bytes of payload that the IP header promises */
inline_ int read_l4(struct pkt *p, void *l4, void *end, __u32 len, bool fragment)
{
	if (p->proto == IPPROTO_UDP) {
		struct udphdr *uh = l4;
		__u32 said = bpf_ntohs(uh->len);

		if (unlikely(len < 8 || (said && said < 8) || (said > len && !fragment)))
			return READ_BAD;
		p->sport = uh->source;
		p->dport = uh->dest;
		p->port = bpf_ntohs(uh->dest);
		return READ_OK;
	}
	if (p->proto == IPPROTO_TCP) {
		struct tcphdr *th = l4;

		if ((void *)(th + 1) > end || len < 20 || th->doff < 5 || (th->doff * 4 > len && !fragment))
			return READ_BAD;
		p->sport = th->source;
		p->dport = th->dest;
		p->port = bpf_ntohs(th->dest);
		p->tcp = ((__u8 *)th)[13];
		return READ_OK;
	}
	if (p->proto == IPPROTO_ICMP || p->proto == IPPROTO_ICMPV6) {
		__u8 *ic = l4;
		bool error = p->proto == IPPROTO_ICMP ? ic[0] == 3 || ic[0] == 4 || ic[0] == 5 || ic[0] == 11 || ic[0] == 12 : ic[0] < 5;

		if (len < 4)
			return READ_BAD;
		p->port = ic[0];
		if (error)
			return READ_ERROR;
		p->sport = p->dport = *(__u16 *)(ic + 4);
		if (p->proto == IPPROTO_ICMP && ic[0] == 0) {
			p->reply = 1;
			p->port = 8;
		} else if (p->proto == IPPROTO_ICMPV6 && ic[0] == 129) {
			p->reply = 1;
			p->port = 128;
		}
		return READ_OK;
	}
	return READ_OK;
}

/* ports of a fragment: those of the first one, if that came first */
__noinline int fragment4(struct __sk_buff *skb, __u32 *ports)
{
	void *data = (void *)(long)skb->data, *end = (void *)(long)skb->data_end;
	struct iphdr *ip = data + 14;
	struct fragkey k;
	__u32 *known, first;

	if (!ports || (void *)(ip + 1) > end)
		return READ_BAD;
	k = (struct fragkey){ ip->saddr, ip->daddr, ip->id, ip->protocol };
	if (ip->frag_off & bpf_htons(0x1fff)) {
		known = bpf_map_lookup_elem(&frags, &k);
		if (!known)
			return READ_BAD;
		*ports = *known;
		return READ_LATER;
	}
	first = *ports;		/* 6.1 wants it on the stack */
	bpf_map_update_elem(&frags, &k, &first, BPF_ANY);
	return READ_OK;
}

/* fills in what judge() needs; data holds at least Ethernet, IPv4 and 8 bytes */
inline_ int read4(struct __sk_buff *skb, struct pkt *p, void *data, void *end)
{
	struct iphdr *ip = data + 14;
	__u32 head = ip->ihl * 4, tot = bpf_ntohs(ip->tot_len);
	__u32 frag = ip->frag_off & bpf_htons(0x3fff);
	void *l4 = data + 14 + head;
	int r;

	if (unlikely(head < 20 || ip->version != 4 || tot < head || tot > p->len || l4 + 8 > end))
		return READ_BAD;
	p->proto = ip->protocol;
	if (unlikely(frag)) {
		__u32 ports = 0;

		if (!(frag & bpf_htons(0x1fff))) {
			r = read_l4(p, l4, end, tot - head, true);
			if (r != READ_OK)
				return r;
			ports = p->sport | (__u32)p->dport << 16;
		}
		r = fragment4(skb, &ports);
		p->sport = ports;
		p->dport = ports >> 16;
		p->port = bpf_ntohs(p->dport);
		return r;
	}
	return read_l4(p, l4, end, tot - head, false);
}

/* Extension headers are rare: at most four are skipped here, fragments of IPv6 are dropped. */
inline_ int read6(struct __sk_buff *skb, struct pkt *p, void *data, void *end)
{
	struct ipv6hdr *ip = data + 14;
	__u32 off = 14 + 40, left = bpf_ntohs(ip->payload_len);
	__u8 next = ip->nexthdr;
	void *l4;

	for (int i = 0; i < 4; i++) {
		__u8 *x;

		if (likely(next != 0 && next != 43 && next != 60))
			break;
		x = data + off;
		if ((void *)(x + 8) > end || left < 8)
			return READ_BAD;
		next = x[0];
		left -= (x[1] + 1) * 8;
		off += (x[1] + 1) * 8;
		if (off > 400 || left > 65535)
			return READ_BAD;
	}
	if (next == 44)
		return READ_BAD;
	l4 = data + off;
	if (l4 + 8 > end)
		return READ_BAD;
	p->proto = next;
	return read_l4(p, l4, end, left, false);
}

/* What a device must send before it has an address: DHCP, router solicitation, DAD. */
inline_ bool plumbing4(const struct pkt *p, __u32 src, __u32 dst)
{
	return !src && p->proto == IPPROTO_UDP && p->sport == bpf_htons(68) && p->port == 67 && dst == 0xffffffff;
}
inline_ bool plumbing6(const struct pkt *p, const __u64 *src)
{
	bool local = (src[0] & bpf_htons(0xffc0)) == bpf_htons(0xfe80), none = !src[0] && !src[1];

	if (p->proto == IPPROTO_ICMPV6 && (local || none))
		return (p->port >= 131 && p->port <= 136 && p->port != 134) || p->port == 143;
	return local && p->proto == IPPROTO_UDP && p->sport == bpf_htons(546) && p->port == 547;
}

/* ---- the programs ---- */
inline_ __u64 mac_of(const void *src)
{
	return *(__u32 *)src | (__u64)*(__u16 *)(src + 4) << 32;
}

/* least: bytes of headers that must lie in the linear part */
inline_ bool pull(struct __sk_buff *skb, void **data, void **end, __u32 least)
{
	*data = (void *)(long)skb->data;
	*end = (void *)(long)skb->data_end;
	if (likely(*data + least <= *end))
		return true;
	if (bpf_skb_pull_data(skb, skb->len < 128 ? skb->len : 128))
		return false;
	*data = (void *)(long)skb->data;
	*end = (void *)(long)skb->data_end;
	return *data + least <= *end;
}


/*
 * The way of most packets: IPv4, no options, no fragment, TCP or UDP, of a connection that this policy has judged
 * between these two effective segments. The connection names the device; that it is the sender is seen by MAC,
 * address and port, as it is for a new connection. Whatever is not so goes the long way, from its beginning.
 */
inline_ int fast4(struct __sk_buff *skb, bool from_lan, struct look *l)
{
	void *data = (void *)(long)skb->data, *end = (void *)(long)skb->data_end;
	struct iphdr *ip = data + 14;
	__u32 *l4 = data + 34;
	__u32 src, dst, ports, tot, len, now, side, other;
	struct key4 k;
	struct conn *c;
	struct dev *d, *o;
	struct end *e;

	l->none = false;

	if (unlikely(data + 54 > end || *(__u8 *)ip != 0x45 || ip->frag_off & bpf_htons(0x3fff)))
		return -1;
	len = skb->len - 14;
	tot = bpf_ntohs(ip->tot_len);
	if (unlikely(tot > len))
		return -1;
	k.proto = ip->protocol;
	if (k.proto == IPPROTO_UDP) {
		__u32 said = bpf_ntohs(((struct udphdr *)l4)->len);

		if (unlikely(said < 8 || said + 20 > tot))
			return -1;
	} else if (k.proto == IPPROTO_TCP) {
		__u32 head = ((__u8 *)l4)[12] >> 2 & 60;

		if (unlikely(head < 20 || head + 20 > tot || ((__u8 *)l4)[13] & 5))
			return -1;
	} else {
		return -1;
	}
	src = ip->saddr;
	dst = ip->daddr;
	ports = *l4;
	side = src < dst;
	if (unlikely(src == dst))
		return -1;
	k.a = side ? src : dst;
	k.b = side ? dst : src;
	if (!side)
		ports = ports << 16 | ports >> 16;
	k.pa = ports;
	k.pb = ports >> 16;
	c = bpf_map_lookup_elem(&conns4, &k);
	if (unlikely(!c)) {
		l->none = true;
		l->k4 = k;
		l->is_a = side;
		return -1;
	}
	now = bpf_jiffies64();
	if (unlikely(c->gen != gen || now - c->seen > c->timeout || !(c->sides & 1 << side)))
		return -1;
	e = &c->end[side];
	other = c->end[!side].dev;
	if (from_lan) {
		d = dev_of(e->dev);
		if (unlikely(!d || d->mac != mac_of(data + 6) || d->ip4 != src || (d->port && d->port != skb->ifindex) ||
			     effective(d, skb->ifindex) != e->seg))
			return -1;
		if (other < LOCAL) {
			o = dev_of(other);
			if (unlikely(!o || effective(o, 0) != c->end[!side].seg))
				return -1;
			count_tx(&devstat, other, len);
		}
		count_rx(&devstat, e->dev, len);
	} else {
		/* from an uplink to a device; what the gateway itself sends goes the long way */
		o = dev_of(other);
		if (unlikely(!o || e->dev < LOCAL || effective(o, 0) != c->end[!side].seg))
			return -1;
		count_tx(&devstat, other, len);
	}
	count_rx(&segstat, e->seg, len);
	if (c->seen != now)
		c->seen = now;
	return TC_ACT_OK;
}

/* At a port with no device found, the source taken, or a bad header. */
inline_ int lan_in4(struct __sk_buff *skb, struct look *l)
{
	struct pkt p = { .v6 = 0 };
	__u32 idx = NONE, src, dst;
	void *data, *end;
	struct dev *d = NULL;
	struct iphdr *ip;
	int r;

	if (!pull(skb, &data, &end, 14 + 20 + 8))
		return deny(0, NONE, MALFORMED);
	ip = data + 14;
	p.mac = mac_of(data + 6);
	p.ifindex = skb->ifindex;
	p.len = skb->len - 14;
	src = ip->saddr;
	dst = ip->daddr;
	p.src = &src;
	p.dst = &dst;
	r = read4(skb, &p, data, end);
	d = dev_by_mac(p.mac, &idx);
	if (unlikely(!d))
		return deny(p.mac, NONE, UNKNOWN_DEVICE);
	if (unlikely(d->port && d->port != p.ifindex))
		return deny(p.mac, idx, MOVED_PORT);
	if (unlikely(r == READ_BAD))
		return deny(p.mac, idx, MALFORMED);
	if (unlikely(d->ip4 != src)) {
		__u32 owner = dev_by_ip4(src);

		if (owner != idx && !(owner == NONE && plumbing4(&p, src, dst)))
			return deny(p.mac, idx, SPOOFED_SOURCE);
	}
	if (r != READ_ERROR) {
		if (l->none)
			l->c = NULL;
		else
			find(&p, l);
	}
	count_rx(&devstat, idx, p.len);
	p.sender = idx;
	p.sender_seg = effective(d, p.ifindex);
	p.receiver = NONE;
	if (unlikely(r == READ_ERROR)) {
		if (!related(&p, skb, 14 + 20))
			return deny(p.mac, idx, UNJUDGED);
	} else if (unlikely(!judge(&p, true, l))) {
		return deny(p.mac, idx, SEGMENT_VIOLATION);
	}
	count_rx(&segstat, p.sender_seg, p.len);
	if (p.receiver < LOCAL)
		count_tx(&devstat, p.receiver, p.len);
	return TC_ACT_OK;
}

inline_ int lan_in6(struct __sk_buff *skb)
{
	struct pkt p = { .v6 = 1 };
	__u64 src[2], dst[2];
	void *data, *end;
	__u32 idx = NONE;
	struct dev *d;
	int r;
	struct look l;

	if (!pull(skb, &data, &end, 14 + 40 + 8))
		return deny(0, NONE, MALFORMED);
	p.mac = mac_of(data + 6);
	d = dev_by_mac(p.mac, &idx);
	if (unlikely(!d))
		return deny(p.mac, NONE, UNKNOWN_DEVICE);
	p.ifindex = skb->ifindex;
	if (unlikely(d->port && d->port != p.ifindex))
		return deny(p.mac, idx, MOVED_PORT);
	p.len = skb->len - 14;
	__builtin_memcpy(src, data + 14 + 8, 16);
	__builtin_memcpy(dst, data + 14 + 24, 16);
	r = read6(skb, &p, data, end);
	if (unlikely(r == READ_BAD))
		return deny(p.mac, idx, MALFORMED);
	if (unlikely(d->ip6[0] != src[0] || d->ip6[1] != src[1])) {
		__u32 owner = dev_by_ip6(src);

		if (owner != idx && !(owner == NONE && plumbing6(&p, src)))
			return deny(p.mac, idx, SPOOFED_SOURCE);
	}
	count_rx(&devstat, idx, p.len);
	p.sender = idx;
	p.sender_seg = effective(d, p.ifindex);
	p.src = src;
	p.dst = dst;
	if (unlikely(r == READ_ERROR))
		return deny(p.mac, idx, UNJUDGED);
	find(&p, &l);
	if (unlikely(!judge(&p, true, &l)))
		return deny(p.mac, idx, SEGMENT_VIOLATION);
	count_rx(&segstat, p.sender_seg, p.len);
	if (p.receiver < LOCAL)
		count_tx(&devstat, p.receiver, p.len);
	return TC_ACT_OK;
}

SEC("tc")
int lan_in(struct __sk_buff *skb)
{
	if (skb->protocol == bpf_htons(ETH_P_IP)) {
		struct look l;
		l.none = false;
		if (likely(fast4(skb, true, &l) == TC_ACT_OK))
			return TC_ACT_OK;
		return lan_in4(skb, &l);
	}
	return -1;	/* TC_ACT_UNSPEC: lan_in_v6 is next. Of both together the stack would be too small on 6.1 */
}

SEC("tc")
int lan_in_v6(struct __sk_buff *skb)
{
	if (skb->protocol == bpf_htons(ETH_P_IPV6))
		return lan_in6(skb);
	return TC_ACT_OK;
}

/* What comes from uplinks or from the gateway itself. From another port: judged when it came in. */
SEC("tc")
int lan_out(struct __sk_buff *skb)
{
	struct pkt p = { .v6 = 0 };
	__u32 in = skb->ingress_ifindex, src, dst;
	void *data, *end;
	struct iphdr *ip;
	int r;
	struct look l;

	if (skb->protocol != bpf_htons(ETH_P_IP) || (in < 64 && ports_low >> in & 1))
		return TC_ACT_OK;
	if (in && likely(fast4(skb, false, &l) == TC_ACT_OK))
		return TC_ACT_OK;
	if (!pull(skb, &data, &end, 14 + 20 + 8))
		return TC_ACT_SHOT;
	ip = data + 14;
	p.len = skb->len - 14;
	r = read4(skb, &p, data, end);
	if (unlikely(r == READ_BAD))
		return deny(0, NONE, MALFORMED);
	src = ip->saddr;
	dst = ip->daddr;
	p.src = &src;
	p.dst = &dst;
	/* a device's address never comes from an uplink */
	if (in && unlikely(dev_by_ip4(src) < LOCAL))
		return deny(0, NONE, SPOOFED_SOURCE);
	if (unlikely(r == READ_ERROR)) {
		if (!related(&p, skb, 14 + 20))
			return deny(0, NONE, UNJUDGED);
	} else {
		find(&p, &l);
		if (unlikely(!judge(&p, false, &l))) {
			/* what the gateway opens itself passes */
			if (in || p.receiver >= LOCAL)
				return deny(0, NONE, SEGMENT_VIOLATION);
		}
	}
	if (in)
		count_rx(&segstat, p.sender_seg, p.len);
	if (p.receiver < LOCAL)
		count_tx(&devstat, p.receiver, p.len);
	return TC_ACT_OK;
}
