// SPDX-License-Identifier: GPL-2.0
/* IP protocols by name. */
#include <stdio.h>

#include "policy.h"

/*
 * As Debian's /etc/protocols names them, icmp6 apart; a table of our own, so that a policy means the
 * same everywhere. Extension headers of IPv6 are not here: no packet is judged by them.
 */
static const struct protocol {
	u8 number;
	const char *name;
} protocols[] = {
	{ 1, "icmp" }, { 6, "tcp" }, { 17, "udp" }, { 58, "icmp6" },
	{ 2, "igmp" }, { 3, "ggp" }, { 4, "ipencap" }, { 5, "st" }, { 8, "egp" },
	{ 9, "igp" }, { 12, "pup" }, { 20, "hmp" }, { 22, "xns-idp" }, { 27, "rdp" },
	{ 29, "iso-tp4" }, { 33, "dccp" }, { 36, "xtp" }, { 37, "ddp" }, { 38, "idpr-cmtp" },
	{ 41, "ipv6" }, { 45, "idrp" }, { 46, "rsvp" }, { 47, "gre" }, { 50, "esp" },
	{ 51, "ah" }, { 57, "skip" }, { 59, "ipv6-nonxt" }, { 73, "rspf" }, { 81, "vmtp" },
	{ 88, "eigrp" }, { 89, "ospf" }, { 93, "ax.25" }, { 94, "ipip" }, { 97, "etherip" },
	{ 98, "encap" }, { 103, "pim" }, { 108, "ipcomp" }, { 112, "vrrp" }, { 115, "l2tp" },
	{ 124, "isis" }, { 132, "sctp" }, { 133, "fc" }, { 135, "mobility-header" }, { 136, "udplite" },
	{ 137, "mpls-in-ip" }, { 138, "manet" }, { 139, "hip" }, { 140, "shim6" }, { 141, "wesp" },
	{ 142, "rohc" }, { 143, "ethernet" },
	{ 58, "icmpv6" }, { 58, "ipv6-icmp" },	/* which are read, and written as icmp6 */
};

/**
 * policy_proto_name - the name of a protocol
 * @proto: IANA number
 *
 * Return: the name, or NULL where it has none.
 */
const char *policy_proto_name(u8 proto)
{
	size_t i;

	for (i = 0; i < sizeof(protocols) / sizeof(*protocols); i++)
		if (protocols[i].number == proto)
			return protocols[i].name;
	return NULL;
}

/**
 * policy_proto_text - a protocol's name, or its number where it has none
 * @proto: IANA number
 * @buf: where to
 *
 * Return: @buf.
 */
const char *policy_proto_text(u8 proto, char buf[POLICY_PROTO_LEN])
{
	const char *name = policy_proto_name(proto);

	if (name)
		snprintf(buf, POLICY_PROTO_LEN, "%s", name);
	else
		snprintf(buf, POLICY_PROTO_LEN, "%u", proto);
	return buf;
}

/**
 * policy_proto_parse - a protocol from its name or its number
 * @text: as policy_proto_text() writes it, or 1 to 255
 *
 * Return: the IANA number, or -EINVAL.
 */
int policy_proto_parse(const char *text)
{
	size_t len = strlen(text), i;
	unsigned long number;

	for (i = 0; i < sizeof(protocols) / sizeof(*protocols); i++)
		if (!strcmp(protocols[i].name, text))
			return protocols[i].number;
	if (!len || len > 3 || text[strspn(text, "0123456789")])
		return -EINVAL;
	number = strtoul(text, NULL, 10);
	return number && number < 256 ? (int)number : -EINVAL;
}

/**
 * policy_proto_each - the names that policy_proto_parse() takes, one by one
 * @of: not used
 * @i: which, below policy_proto_count()
 */
const char *policy_proto_each(const void *of, u32 i)
{
	(void)of;
	return protocols[i].name;
}

/** policy_proto_count - how many there are */
u32 policy_proto_count(void)
{
	return sizeof(protocols) / sizeof(*protocols);
}
