// SPDX-License-Identifier: GPL-2.0
/*
 * The kernel's family, for a machine without the module: linked over userspace/nl with ld's --wrap into
 * build/bench/cordonctl only. Each request is a round trip to the kernel all the same, to the controller of
 * generic netlink, through the product's own cnl_message() and cnl_talk(): so what the calls cost is
 * measured, and what the module does within them is not.
 *
 * Device i has the MAC 02:00:00:a:b:c and the address 127.a.b.c. CORDON_BENCH_DEVICES: how many there are, all of
 * them of one model, whose firmware is looked after.
 */
#include <errno.h>
#include <linux/genetlink.h>
#include <netlink/genl/ctrl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "identities.h"
#include "nl/nl.h"

#define LEASE	3600

int __wrap_cnl_open(struct cnl *nl);
int __wrap_cnl_summary(struct cnl *nl, struct cnl_summary *out);
int __wrap_cnl_segment_each(struct cnl *nl, int (*each)(const struct cnl_segment *s, void *arg), void *arg);
int __wrap_cnl_device_each(struct cnl *nl, int (*each)(const struct cnl_device *d, void *arg), void *arg);
int __wrap_cnl_binding_get(struct cnl *nl, const struct cordon_addr *addr, struct cnl_binding *out);
int __wrap_cnl_checkin(struct cnl *nl, const u8 mac[6], const struct cordon_addr *peer, u32 ifindex,
		       const u8 certificate[32], struct cnl_device *out);

/** __wrap_cnl_open - as cnl_open(), but to the one family that is always there */
int __wrap_cnl_open(struct cnl *nl)
{
	memset(nl, 0, sizeof(*nl));
	nl->sock = nl_socket_alloc();
	if (!nl->sock)
		return -ENOMEM;
	nl_socket_disable_auto_ack(nl->sock);
	if (genl_connect(nl->sock)) {
		cnl_close(nl);
		return -EIO;
	}
	nl->family = GENL_ID_CTRL;
	nl_socket_set_buffer_size(nl->sock, 1 << 20, 1 << 20);
	nl_socket_set_msg_buf_size(nl->sock, 64 * 1024);
	return 0;
}

/** __wrap_cnl_summary - the policy never changes */
int __wrap_cnl_summary(struct cnl *nl, struct cnl_summary *out)
{
	(void)nl;
	memset(out, 0, sizeof(*out));
	out->generation = 1;
	return 0;
}

/** __wrap_cnl_segment_each - there is one */
int __wrap_cnl_segment_each(struct cnl *nl, int (*each)(const struct cnl_segment *s, void *arg), void *arg)
{
	struct cnl_segment s = { .def.name = "iot_zone", .def.firmware = 1 };

	(void)nl;
	return each(&s, arg);
}

/** __wrap_cnl_device_each - every device */
int __wrap_cnl_device_each(struct cnl *nl, int (*each)(const struct cnl_device *d, void *arg), void *arg)
{
	const char *n = getenv("CORDON_BENCH_DEVICES");
	struct cnl_device d = { .segment = "iot_zone", .def.firmware = CORDON_INHERIT, .def.model = BENCH_MODEL };
	int err = 0;
	u32 i;

	(void)nl;
	for (i = 0; !err && n && i < strtoul(n, NULL, 10); i++) {
		bench_name(i, d.def.name);
		bench_mac(i, d.def.mac);
		err = each(&d, arg);
	}
	return err;
}

static int on_family(struct nlattr **tb, void *arg)
{
	(void)tb;
	*(bool *)arg = true;
	return 0;
}

static int round_trip(struct cnl *nl)
{
	struct nl_msg *msg = cnl_message(nl, CTRL_CMD_GETFAMILY, 0);
	bool answered = false;
	int err;

	if (msg && nla_put_string(msg, CTRL_ATTR_FAMILY_NAME, "nlctrl")) {
		nlmsg_free(msg);
		return -EMSGSIZE;
	}
	err = cnl_talk(nl, msg, on_family, &answered);
	return err ? err : answered ? 0 : -EPROTO;
}

static bool find(const struct cordon_addr *addr, u8 mac[6], char name[CORDON_DEVICE_NAME_LEN])
{
	u32 v4 = addr->lo;

	if (!cordon_addr_is_v4(addr) || v4 >> 24 != 127)
		return false;
	memcpy(mac, (u8[]){ 2, 0, 0, v4 >> 16, v4 >> 8, v4 }, 6);
	snprintf(name, CORDON_DEVICE_NAME_LEN, "device-%u", v4 & 0xffffff);
	return true;
}

/** __wrap_cnl_binding_get - whose an address is */
int __wrap_cnl_binding_get(struct cnl *nl, const struct cordon_addr *addr, struct cnl_binding *out)
{
	int err = round_trip(nl);

	*out = (struct cnl_binding){ .addr = *addr };
	return err ? err : find(addr, out->mac, out->name) ? 0 : -ENOENT;
}

/** __wrap_cnl_checkin - a lease, if the address is the device's */
int __wrap_cnl_checkin(struct cnl *nl, const u8 mac[6], const struct cordon_addr *peer, u32 ifindex,
		       const u8 certificate[32], struct cnl_device *out)
{
	char name[CORDON_DEVICE_NAME_LEN];
	int err = round_trip(nl);
	u8 owner[6];

	(void)ifindex;
	(void)certificate;
	if (err)
		return err;
	if (!find(peer, owner, name) || memcmp(mac, owner, 6)) {
		snprintf(nl->error, sizeof(nl->error), "not an address of this device");
		return -EADDRNOTAVAIL;
	}
	memset(out, 0, sizeof(*out));
	strcpy(out->def.name, name);
	memcpy(out->def.mac, mac, 6);
	strcpy(out->segment, "iot_zone");
	strcpy(out->effective_segment, "iot_zone");
	out->lease = LEASE;
	return 0;
}
