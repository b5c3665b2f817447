// SPDX-License-Identifier: GPL-2.0
/* What a policy is made of, to text and back. */
#include <arpa/inet.h>
#include <ctype.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <stdio.h>
#include <strings.h>

#include "policy.h"

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

/* Types by the names that nft(8) knows them under. */
struct icmp_name {
	u8 proto;
	u8 type;
	const char *name;
};

static const struct icmp_name icmp_names[] = {
	{ IPPROTO_ICMP, 0, "echo-reply" },
	{ IPPROTO_ICMP, 3, "destination-unreachable" },
	{ IPPROTO_ICMP, 4, "source-quench" },
	{ IPPROTO_ICMP, 5, "redirect" },
	{ IPPROTO_ICMP, 8, "echo-request" },
	{ IPPROTO_ICMP, 9, "router-advertisement" },
	{ IPPROTO_ICMP, 10, "router-solicitation" },
	{ IPPROTO_ICMP, 11, "time-exceeded" },
	{ IPPROTO_ICMP, 12, "parameter-problem" },
	{ IPPROTO_ICMP, 13, "timestamp-request" },
	{ IPPROTO_ICMP, 14, "timestamp-reply" },
	{ IPPROTO_ICMPV6, 1, "destination-unreachable" },
	{ IPPROTO_ICMPV6, 2, "packet-too-big" },
	{ IPPROTO_ICMPV6, 3, "time-exceeded" },
	{ IPPROTO_ICMPV6, 4, "parameter-problem" },
	{ IPPROTO_ICMPV6, 128, "echo-request" },
	{ IPPROTO_ICMPV6, 129, "echo-reply" },
	{ IPPROTO_ICMPV6, 130, "mld-listener-query" },
	{ IPPROTO_ICMPV6, 131, "mld-listener-report" },
	{ IPPROTO_ICMPV6, 132, "mld-listener-done" },
	{ IPPROTO_ICMPV6, 133, "nd-router-solicit" },
	{ IPPROTO_ICMPV6, 134, "nd-router-advert" },
	{ IPPROTO_ICMPV6, 135, "nd-neighbor-solicit" },
	{ IPPROTO_ICMPV6, 136, "nd-neighbor-advert" },
	{ IPPROTO_ICMPV6, 137, "nd-redirect" },
	{ IPPROTO_ICMPV6, 143, "mld2-listener-report" },
};

static const struct {
	char letter;
	u32 seconds;
} units[] = { { 'd', 86400 }, { 'h', 3600 }, { 'm', 60 }, { 's', 1 } };

static const char * const kinds[] = {
	"unknown_device", "unauthenticated", "spoofed_source", "arp_spoof", "nd_spoof",
	"moved_port", "rogue_dhcp", "rogue_ra", "segment_violation", "plaintext",
	"tls_downgrade", "malformed", "bad_flags", "fragment", "scan", "rate", "unjudged",
	"unlisted", "new_destination",
};
static_assert(ARRAY_LEN(kinds) == CORDON_KINDS, "every kind has a name");

static const char * const states[] = {
	"onboarding", "active", "expired", "outdated", "quarantined",
};
static const char * const encryptions[] = { "any", "TLS1.2", "TLS1.3" };
static const char * const authentications[] = { "none", "certificate" };
static const char * const actions[] = { "count", "event", "quarantine" };
static const char * const modes[] = { "enforce", "observe" };
static const char * const learns[] = { "none", "auto", "auto-static" };
static const char * const origins[] = { "policy", "dhcp", "nd", "arp" };

#define NAME_OF(table, i) ((i) < ARRAY_LEN(table) ? (table)[i] : "unknown")

/** policy_kind_name - as in YAML, sysfs and events: spoofed_source */
const char *policy_kind_name(u32 kind)
{
	return NAME_OF(kinds, kind);
}

/**
 * policy_kind_find - the kind of a name
 * @name: as policy_kind_name() gives it
 *
 * Return: enum cordon_kind, or -1.
 */
int policy_kind_find(const char *name)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(kinds); i++)
		if (!strcmp(kinds[i], name))
			return i;
	return -1;
}

/** policy_state_name - name of an enum cordon_state */
const char *policy_state_name(u32 state)
{
	return NAME_OF(states, state);
}

/** policy_encryption_name - name of an enum cordon_encryption */
const char *policy_encryption_name(u32 encryption)
{
	return NAME_OF(encryptions, encryption);
}

/** policy_authentication_name - name of an enum cordon_authentication */
const char *policy_authentication_name(u32 authentication)
{
	return NAME_OF(authentications, authentication);
}

/** policy_action_name - name of an enum cordon_action */
const char *policy_action_name(u32 action)
{
	return NAME_OF(actions, action);
}

/** policy_mode_name - name of an enum cordon_mode */
const char *policy_mode_name(u32 mode)
{
	return NAME_OF(modes, mode);
}

/** policy_learn_name - name of an enum cordon_learn */
const char *policy_learn_name(u32 learn)
{
	return NAME_OF(learns, learn);
}

/** policy_origin_name - name of an enum cordon_origin */
const char *policy_origin_name(u32 origin)
{
	return NAME_OF(origins, origin);
}

/**
 * policy_addr_text - an address as RFC 5952 writes it
 * @a: the address
 * @buf: where to
 *
 * Return: @buf.
 */
const char *policy_addr_text(const struct cordon_addr *a, char buf[POLICY_ADDR_LEN])
{
	struct in6_addr v6;
	int i;

	if (cordon_addr_is_v4(a)) {
		struct in_addr v4 = { htonl((u32)a->lo) };

		inet_ntop(AF_INET, &v4, buf, POLICY_ADDR_LEN);
		return buf;
	}
	for (i = 0; i < 8; i++) {
		v6.s6_addr[i] = a->hi >> (56 - 8 * i);
		v6.s6_addr[8 + i] = a->lo >> (56 - 8 * i);
	}
	inet_ntop(AF_INET6, &v6, buf, POLICY_ADDR_LEN);
	return buf;
}

/**
 * policy_network_text - a network: 10.0.50.0/24
 * @n: the network
 * @buf: where to
 *
 * Return: @buf.
 */
const char *policy_network_text(const struct cordon_network_def *n, char buf[POLICY_ADDR_LEN])
{
	u8 len = cordon_addr_is_v4(&n->addr) && n->len >= 96 ? n->len - 96 : n->len;
	size_t at;

	policy_addr_text(&n->addr, buf);
	at = strlen(buf);
	snprintf(buf + at, POLICY_ADDR_LEN - at, "/%u", len);
	return buf;
}

/**
 * policy_mac_text - a MAC: 02:00:00:00:01:01
 * @mac: six bytes
 * @buf: where to
 *
 * Return: @buf.
 */
const char *policy_mac_text(const u8 mac[6], char buf[18])
{
	char *at = buf;
	int i;

	for (i = 0; i < 6; i++) {
		if (i)
			*at++ = ':';
		policy_hex_text(&mac[i], 1, at);
		at += 2;
	}
	return buf;
}

/**
 * policy_hex_text - bytes in hexadecimal digits, lower case
 * @bytes: any
 * @n: how many
 * @buf: where to; 2 * @n + 1 characters
 *
 * Return: @buf.
 */
const char *policy_hex_text(const u8 *bytes, size_t n, char *buf)
{
	static const char digits[] = "0123456789abcdef";
	size_t i;

	for (i = 0; i < n; i++) {
		buf[2 * i] = digits[bytes[i] >> 4];
		buf[2 * i + 1] = digits[bytes[i] & 15];
	}
	buf[2 * n] = 0;
	return buf;
}

/**
 * policy_time_text - a time, UTC
 * @t: seconds since 1970
 * @buf: as RFC 3339 wants it; "?", no calendar has it
 *
 * Return: @buf.
 */
const char *policy_time_text(time_t t, char buf[POLICY_TIME_LEN])
{
	struct tm tm;

	if (!gmtime_r(&t, &tm) || !strftime(buf, POLICY_TIME_LEN, "%Y-%m-%dT%H:%M:%SZ", &tm))
		snprintf(buf, POLICY_TIME_LEN, "?");
	return buf;
}

static const char *icmp_name(u8 proto, u16 type)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(icmp_names); i++)
		if (icmp_names[i].proto == proto && icmp_names[i].type == type)
			return icmp_names[i].name;
	return NULL;
}

static bool has_types(u8 proto)
{
	return proto == IPPROTO_ICMP || proto == IPPROTO_ICMPV6;
}

static u16 proto_max(u8 proto)
{
	return has_types(proto) ? 255 : 65535;
}

/**
 * policy_match_text - what a rule allows: tcp/443, icmp/echo-request, gre, any
 * @m: the match
 * @buf: where to
 *
 * Return: @buf.
 */
const char *policy_match_text(const struct cordon_match *m, char buf[POLICY_MATCH_LEN])
{
	bool all = !m->lo && m->hi == proto_max(m->proto);
	char proto[POLICY_PROTO_LEN];
	const char *name = NULL;

	if (m->proto == CORDON_PROTO_ANY)
		return strcpy(buf, "any");
	policy_proto_text(m->proto, proto);
	if (m->lo == m->hi)
		name = icmp_name(m->proto, m->lo);
	if (name)
		snprintf(buf, POLICY_MATCH_LEN, "%s/%s", proto, name);
	else if (all && !cordon_proto_has_ports(m->proto) && !has_types(m->proto))
		snprintf(buf, POLICY_MATCH_LEN, "%s", proto);
	else if (all)
		snprintf(buf, POLICY_MATCH_LEN, "%s/*", proto);
	else if (m->lo == m->hi)
		snprintf(buf, POLICY_MATCH_LEN, "%s/%u", proto, m->lo);
	else
		snprintf(buf, POLICY_MATCH_LEN, "%s/%u-%u", proto, m->lo, m->hi);
	return buf;
}

/**
 * policy_addr_parse - an address from its text
 * @text: IPv4 or IPv6; an IPv4-mapped address must be written as IPv4
 * @out: where to, on success
 *
 * Return: 0, or -EINVAL.
 */
int policy_addr_parse(const char *text, struct cordon_addr *out)
{
	struct cordon_addr a = { 0, 0 };
	struct in6_addr v6;
	struct in_addr v4;
	int i;

	if (inet_pton(AF_INET, text, &v4) == 1) {
		*out = cordon_addr_v4(ntohl(v4.s_addr));
		return 0;
	}
	if (inet_pton(AF_INET6, text, &v6) != 1)
		return -EINVAL;
	for (i = 0; i < 8; i++) {
		a.hi = a.hi << 8 | v6.s6_addr[i];
		a.lo = a.lo << 8 | v6.s6_addr[8 + i];
	}
	if (cordon_addr_is_v4(&a))
		return -EINVAL;
	*out = a;
	return 0;
}

/* Digits and nothing else, up to @end. */
static int number(const char *text, const char *end, u32 max, u32 *out)
{
	u64 n = 0;

	if (text == end || end - text > 10)
		return -EINVAL;
	for (; text < end; text++) {
		if (!isdigit((unsigned char)*text))
			return -EINVAL;
		n = n * 10 + (*text - '0');
	}
	if (n > max)
		return -EINVAL;
	*out = n;
	return 0;
}

/**
 * policy_network_parse - a network from its text
 * @text: address/length
 * @out: where to, on success; its segment is left alone
 *
 * Host bits are kept: whoever seals the policy refuses them, and whoever
 * reports that can say which network was meant.
 *
 * Return: 0, or -EINVAL.
 */
int policy_network_parse(const char *text, struct cordon_network_def *out)
{
	const char *slash = strchr(text, '/');
	char addr[POLICY_ADDR_LEN];
	struct cordon_addr a;
	bool v4;
	u32 len;

	if (!slash || (size_t)(slash - text) >= sizeof(addr))
		return -EINVAL;
	memcpy(addr, text, slash - text);
	addr[slash - text] = 0;
	if (policy_addr_parse(addr, &a))
		return -EINVAL;
	v4 = cordon_addr_is_v4(&a);
	if (number(slash + 1, strchr(slash, 0), v4 ? 32 : 128, &len))
		return -EINVAL;
	out->addr = a;
	out->len = v4 ? len + 96 : len;
	return 0;
}

static int hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/**
 * policy_hex_parse - bytes from their text, as policy_hex_text() writes it
 * @text: two digits each and nothing else
 * @n: so many bytes
 * @out: where to, on success
 *
 * Return: 0, or -EINVAL.
 */
int policy_hex_parse(const char *text, size_t n, u8 *out)
{
	size_t i;

	if (strspn(text, "0123456789abcdef") != 2 * n || text[2 * n])
		return -EINVAL;
	for (i = 0; i < n; i++)
		out[i] = hex(text[2 * i]) << 4 | hex(text[2 * i + 1]);
	return 0;
}

/**
 * policy_mac_parse - a MAC from its text
 * @text: six pairs of hexadecimal digits, ':' or '-' between them
 * @mac: where to, on success
 *
 * Return: 0, or -EINVAL.
 */
int policy_mac_parse(const char *text, u8 mac[6])
{
	u8 out[6];
	int i;

	if (strlen(text) != 17 || (text[2] != ':' && text[2] != '-'))
		return -EINVAL;
	for (i = 0; i < 6; i++, text += 3) {
		if (hex(text[0]) < 0 || hex(text[1]) < 0 ||
		    (i < 5 && text[2] != (i ? text[-1] : text[2])))
			return -EINVAL;
		out[i] = hex(text[0]) << 4 | hex(text[1]);
	}
	memcpy(mac, out, 6);
	return 0;
}

static int icmp_type(u8 proto, const char *name)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(icmp_names); i++)
		if (icmp_names[i].proto == proto && !strcmp(icmp_names[i].name, name))
			return icmp_names[i].type;
	return -1;
}

/**
 * policy_port_parse - a port, or a type of ICMP, from its text
 * @proto: IANA number
 * @text: 443, or for ICMP 8 or echo-request
 * @port: where to, on success
 *
 * Return: 0, or -EINVAL, also for a protocol that has neither.
 */
int policy_port_parse(u8 proto, const char *text, u16 *port)
{
	int type = icmp_type(proto, text);
	u32 n = type;

	if (!has_types(proto) && !cordon_proto_has_ports(proto))
		return -EINVAL;
	if (type < 0 && number(text, strchr(text, 0), proto_max(proto), &n))
		return -EINVAL;
	*port = n;
	return 0;
}

/* 443, 8000-8100, *; types of ICMP are no ranges. */
static int parse_range(const char *text, struct cordon_match *m)
{
	u32 lo, hi, max = proto_max(m->proto);
	const char *dash = strchr(text, '-');

	m->hi = max;
	if (!strcmp(text, "*"))
		return 0;
	if (!policy_port_parse(m->proto, text, &m->lo)) {
		m->hi = m->lo;
		return 0;
	}
	if (has_types(m->proto) || !dash || number(text, dash, max, &lo) ||
	    number(dash + 1, strchr(dash, 0), max, &hi) || lo > hi)
		return -EINVAL;
	m->lo = lo;
	m->hi = hi;
	return 0;
}

/* By which devices are found: multicast DNS (RFC 6762), and SSDP of UPnP. */
static const struct {
	const char *name;
	u16 port;
} discovery[] = { { "mdns", 5353 }, { "ssdp", 1900 } };

/**
 * policy_match_parse - what a rule allows, from its text
 * @text: tcp/443, sctp/8000-8100, udp/\*, icmp/echo-request, icmp6/128, gre, 47, mdns, any
 * @out: where to, on success
 *
 * Return: 0; -EPROTONOSUPPORT, there is no such protocol; -ENOPROTOOPT, ports of one that has none;
 * -ENODATA, one that has ports, or types, without them; -EINVAL, they are none.
 */
int policy_match_parse(const char *text, struct cordon_match *out)
{
	const char *slash = strchrnul(text, '/');
	struct cordon_match m = { 0 };
	char name[POLICY_PROTO_LEN];
	size_t i;
	int proto;

	for (i = 0; i < ARRAY_LEN(discovery); i++)
		if (!strcmp(text, discovery[i].name)) {
			*out = (struct cordon_match){ 17, discovery[i].port, discovery[i].port };
			return 0;
		}
	if (!strcmp(text, "any")) {
		*out = (struct cordon_match){ CORDON_PROTO_ANY, 0, 65535 };
		return 0;
	}
	snprintf(name, sizeof(name), "%.*s", (int)(slash - text), text);
	proto = slash - text < POLICY_PROTO_LEN ? policy_proto_parse(name) : -EINVAL;
	if (proto < 0)
		return -EPROTONOSUPPORT;
	m.proto = proto;
	m.hi = 65535;
	if (!cordon_proto_has_ports(proto) && !has_types(proto)) {
		if (*slash)
			return -ENOPROTOOPT;
	} else if (!*slash) {
		return -ENODATA;
	} else if (parse_range(slash + 1, &m)) {
		return -EINVAL;
	}
	*out = m;
	return 0;
}

/**
 * policy_duration_parse - a duration from its text
 * @text: a number and one of s, m, h, d
 * @seconds: where to, on success
 *
 * Return: 0, or -EINVAL.
 */
int policy_duration_parse(const char *text, u32 *seconds)
{
	size_t len = strlen(text), i;
	u32 n;

	for (i = 0; len && i < ARRAY_LEN(units); i++) {
		if (text[len - 1] != units[i].letter)
			continue;
		if (number(text, text + len - 1, UINT32_MAX / units[i].seconds, &n))
			return -EINVAL;
		*seconds = n * units[i].seconds;
		return 0;
	}
	return -EINVAL;
}

/**
 * policy_duration_text - a duration in the largest unit that divides it
 * @seconds: how long
 * @buf: where to
 *
 * Return: @buf.
 */
const char *policy_duration_text(u32 seconds, char buf[16])
{
	size_t i = 0;

	while (seconds ? seconds % units[i].seconds : units[i].seconds != 1)
		i++;
	snprintf(buf, 16, "%" PRIu32 "%c", seconds / units[i].seconds, units[i].letter);
	return buf;
}
