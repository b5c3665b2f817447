// SPDX-License-Identifier: GPL-2.0
/* Readers of DHCP: bytes in, what they say of addresses out. */
#include "dhcp.h"

/* RFC 2131, 2, and RFC 2132 */
#define BOOTREQUEST		1
#define BOOTREPLY		2
#define ETHERNET		1
#define AT_CIADDR		12
#define AT_YIADDR		16
#define AT_GIADDR		24
#define AT_CHADDR		28
#define AT_SNAME		44
#define AT_FILE			108
#define AT_COOKIE		236
#define AT_OPTIONS		240
#define COOKIE			0x63825363U
#define OPTION_PAD		0
#define OPTION_HOSTNAME		12
#define OPTION_REQUESTED	50
#define OPTION_TIME		51
#define OPTION_OVERLOAD		52
#define OPTION_TYPE		53
#define OPTION_PARAMETERS	55
#define OPTION_CLASS		60
#define OPTION_END		255
#define DHCPDECLINE		4
#define DHCPACK			5
#define DHCPNAK			6
#define DHCPRELEASE		7

/* RFC 8415, 7.3 and 21 */
#define DHCP6_REPLY		7
#define DHCP6_RELEASE		8
#define DHCP6_DECLINE		9
#define DHCP6_RELAY_FORW	12
#define OPTION6_IA_NA		3
#define OPTION6_IA_TA		4
#define OPTION6_IAADDR		5
#define IA_NA_OPTIONS		12	/* behind IAID, T1 and T2 */
#define IA_TA_OPTIONS		4	/* behind IAID */
#define IAADDR_LEN		24	/* address and two lifetimes */
#define IAADDR_VALID		20

static u16 get16(const u8 *at)
{
	return (u16)(at[0] << 8 | at[1]);
}

static u32 get32(const u8 *at)
{
	return (u32)get16(at) << 16 | get16(at + 2);
}

static u64 get64(const u8 *at)
{
	return (u64)get32(at) << 32 | get32(at + 4);
}

/**
 * struct options - what is wanted of the options of DHCPv4
 * @type: DHCP message type; 0, none
 * @overload: which other fields have options, too: 1, file; 2, sname
 * @timed: @seconds was there
 * @seconds: lease time
 * @requested: address; 0, none
 * @client: gets what the client says of itself; or NULL
 */
struct options {
	u8 type;
	u8 overload;
	bool timed;
	u32 seconds;
	u32 requested;
	struct cordon_dhcp_client *client;
};

static void take_text(u8 *text, u8 *text_len, const u8 *value, u8 len)
{
	*text_len = len < CORDON_DHCP_TEXT_LEN ? len : CORDON_DHCP_TEXT_LEN;
	memcpy(text, value, *text_len);
}

static void take_of_client(struct cordon_dhcp_client *c, u8 code, const u8 *value, u8 len)
{
	if (code == OPTION_HOSTNAME)
		take_text(c->hostname, &c->hostname_len, value, len);
	else if (code == OPTION_CLASS)
		take_text(c->class, &c->class_len, value, len);
	else if (code == OPTION_PARAMETERS)
		take_text(c->parameters, &c->n_parameters, value, len);
}

static void take_option(struct options *o, u8 code, const u8 *value, u8 len)
{
	if (code == OPTION_TYPE && len == 1) {
		o->type = value[0];
	} else if (code == OPTION_OVERLOAD && len == 1) {
		o->overload = value[0] & 3;
	} else if (code == OPTION_REQUESTED && len == 4) {
		o->requested = get32(value);
	} else if (code == OPTION_TIME && len == 4) {
		o->timed = true;
		o->seconds = get32(value);
	} else if (o->client) {
		take_of_client(o->client, code, value, len);
	}
}

/* Return: 0, or -EINVAL, an option is cut off. */
static int read_options(struct options *o, const u8 *at, u32 len)
{
	const u8 *end = at + len;
	u8 code;

	while (at < end) {
		code = *at++;
		if (code == OPTION_PAD)
			continue;
		if (code == OPTION_END)
			break;
		if (at == end || *at > end - at - 1)
			return -EINVAL;
		take_option(o, code, at + 1, *at);
		at += 1 + *at;
	}
	return 0;
}

static int read_all_options(struct options *o, const u8 *message, u32 len)
{
	u8 overload;
	int ret;

	ret = read_options(o, message + AT_OPTIONS, len - AT_OPTIONS);
	overload = o->overload;
	if (!ret && overload & 1)
		ret = read_options(o, message + AT_FILE, AT_COOKIE - AT_FILE);
	if (!ret && overload & 2)
		ret = read_options(o, message + AT_SNAME, AT_FILE - AT_SNAME);
	return ret;
}

static void add(struct cordon_dhcp *out, const struct cordon_addr *a, u32 seconds)
{
	if (out->n == CORDON_DHCP_MAX_ADDRESSES)
		return;
	out->addresses[out->n] = *a;
	out->seconds[out->n++] = seconds;
}

static void add_v4(struct cordon_dhcp *out, u32 address, u32 seconds)
{
	const struct cordon_addr a = cordon_addr_v4(address);

	if (address)
		add(out, &a, seconds);
}

static void say(struct cordon_dhcp *out, const struct options *o, const u8 *message)
{
	/* Without a time it answers DHCPINFORM, and gives no address (RFC 2131, 4.3.5). */
	if (!out->request && o->type == DHCPACK && o->timed && o->seconds) {
		out->says = CORDON_DHCP_BINDS;
		add_v4(out, get32(message + AT_YIADDR), o->seconds);
	} else if (!out->request && o->type == DHCPNAK) {
		out->says = CORDON_DHCP_REFUSES;
	} else if (out->request && o->type == DHCPRELEASE) {
		out->says = CORDON_DHCP_ENDS;
		add_v4(out, get32(message + AT_CIADDR), 0);
	} else if (out->request && o->type == DHCPDECLINE) {
		out->says = CORDON_DHCP_ENDS;
		add_v4(out, o->requested, 0);
	}
}

/**
 * cordon_dhcp_read - a message of DHCPv4 (RFC 2131)
 * @out: overwritten
 * @message: what is behind the UDP header
 * @len: bytes of it
 *
 * Of options that are there twice, the last one counts.
 *
 * Return: 0; -ENODATA, it is too short for one; -EINVAL, it is none; then @out says nothing.
 */
int cordon_dhcp_read(struct cordon_dhcp *out, const u8 *message, u32 len)
{
	struct options o = { 0 };

	memset(out, 0, sizeof(*out));
	if (len < AT_COOKIE)
		return -ENODATA;
	if (len < AT_OPTIONS || get32(message + AT_COOKIE) != COOKIE ||
	    (message[0] != BOOTREQUEST && message[0] != BOOTREPLY) ||
	    read_all_options(&o, message, len) || !o.type)
		return -EINVAL;
	out->request = message[0] == BOOTREQUEST;
	out->relayed = get32(message + AT_GIADDR);
	if (message[1] == ETHERNET && message[2] == sizeof(out->mac))
		memcpy(out->mac, message + AT_CHADDR, sizeof(out->mac));
	say(out, &o, message);
	return 0;
}

/**
 * cordon_dhcp_client_read - what a client says of itself in a message of DHCPv4
 * @out: overwritten
 * @message: what cordon_dhcp_read() has read
 * @len: bytes of it
 */
void cordon_dhcp_client_read(struct cordon_dhcp_client *out, const u8 *message, u32 len)
{
	struct options o = { .client = out };

	memset(out, 0, sizeof(*out));
	if (len >= AT_OPTIONS)
		read_all_options(&o, message, len);
}

/* One address of an association. Return: 0 or -EINVAL. */
static int read_address6(struct cordon_dhcp *out, const u8 *at, u32 len)
{
	struct cordon_addr a;

	if (len < IAADDR_LEN)
		return -EINVAL;
	a.hi = get64(at);
	a.lo = get64(at + 8);
	/* No address of IPv6 by which packets of IPv4 would be meant. */
	if (!cordon_addr_is_v4(&a))
		add(out, &a, get32(at + IAADDR_VALID));
	return 0;
}

/* What lies at @depth: options of the message, or, in an association, its addresses. */
static int read_options6(struct cordon_dhcp *out, const u8 *at, u32 len, int depth)
{
	u32 skip, size;
	u16 code;
	int ret = 0;

	while (!ret && len) {
		if (len < 4)
			return -EINVAL;
		code = get16(at);
		size = get16(at + 2);
		at += 4;
		len -= 4;
		if (size > len)
			return -EINVAL;
		if (depth && code == OPTION6_IAADDR) {
			ret = read_address6(out, at, size);
		} else if (!depth && (code == OPTION6_IA_NA || code == OPTION6_IA_TA)) {
			skip = code == OPTION6_IA_NA ? IA_NA_OPTIONS : IA_TA_OPTIONS;
			if (size < skip)
				return -EINVAL;
			ret = read_options6(out, at + skip, size - skip, 1);
		}
		at += size;
		len -= size;
	}
	return ret;
}

/**
 * cordon_dhcp6_read - a message of DHCPv6 (RFC 8415)
 * @out: overwritten; a valid lifetime of 0 ends a binding
 * @message: what is behind the UDP header
 * @len: bytes of it
 *
 * What is within messages between relays and servers says nothing here.
 *
 * Return: 0; -EINVAL, it is none, and @out says nothing.
 */
int cordon_dhcp6_read(struct cordon_dhcp *out, const u8 *message, u32 len)
{
	memset(out, 0, sizeof(*out));
	if (len < 4)
		return -EINVAL;
	switch (message[0]) {
	case DHCP6_REPLY:
		out->says = CORDON_DHCP_BINDS;
		break;
	case DHCP6_RELEASE:
	case DHCP6_DECLINE:
		out->says = CORDON_DHCP_ENDS;
		out->request = true;
		break;
	case DHCP6_RELAY_FORW:
		out->request = true;
		out->relayed = true;
		return 0;
	default:
		return 0;
	}
	if (!read_options6(out, message + 4, len - 4, 0))
		return 0;
	memset(out, 0, sizeof(*out));
	return -EINVAL;
}
