// SPDX-License-Identifier: GPL-2.0
/* One device at a time, and what the kernel tells without being asked. */
#include <errno.h>
#include <netlink/genl/ctrl.h>
#include <stdio.h>
#include <string.h>

#include "nl/nl.h"

static int on_device(struct nlattr **tb, void *arg)
{
	return tb[CORDON_A_DEVICE] ? cnl_read_device(tb[CORDON_A_DEVICE], arg) : -EPROTO;
}

static int too_long(struct cnl *nl, struct nl_msg *msg)
{
	nlmsg_free(msg);
	snprintf(nl->error, sizeof(nl->error), "a name or text is too long");
	return -EMSGSIZE;
}

static int put_change(struct nl_msg *msg, const struct cnl_change *c)
{
	struct nlattr *nest = nla_nest_start(msg, CORDON_A_DEVICE);
	const struct {
		const char *text;
		int type;
	} texts[] = {
		{ c->name, CORDON_A_DEVICE_NAME }, { c->segment, CORDON_A_DEVICE_SEGMENT },
		{ c->model, CORDON_A_DEVICE_MODEL },
	};
	const struct {
		int64_t number;
		int type;
	} numbers[] = {
		{ c->learn, CORDON_A_DEVICE_LEARN }, { c->roam, CORDON_A_DEVICE_ROAM },
		{ c->vlan, CORDON_A_DEVICE_VLAN },
		{ c->authentication, CORDON_A_DEVICE_AUTHENTICATION },
		{ c->encryption, CORDON_A_DEVICE_ENCRYPTION },
		{ c->firmware, CORDON_A_DEVICE_FIRMWARE_AUTO_UPDATE },
		{ c->state, CORDON_A_DEVICE_STATE }, { c->lease, CORDON_A_DEVICE_LEASE },
		{ c->outdated, CORDON_A_DEVICE_OUTDATED },
	};
	int err = nest ? 0 : -ENOMEM;
	size_t i;

	if (!err && c->mac)
		err = nla_put(msg, CORDON_A_DEVICE_MAC, 6, c->mac);
	if (!err && c->certificate)
		err = nla_put(msg, CORDON_A_DEVICE_CERTIFICATE, CORDON_CERTIFICATE_LEN,
			      c->certificate);
	for (i = 0; !err && i < sizeof(texts) / sizeof(*texts); i++)
		if (texts[i].text)
			err = nla_put_string(msg, texts[i].type, texts[i].text);
	for (i = 0; !err && i < sizeof(numbers) / sizeof(*numbers); i++)
		if (numbers[i].number >= 0)
			err = nla_put_u32(msg, numbers[i].type, numbers[i].number);
	for (i = 0; !err && i < c->n_ports; i++)
		err = nla_put_string(msg, CORDON_A_DEVICE_PORT, c->ports[i]);
	for (i = 0; !err && i < c->n_addresses; i++)
		err = cnl_put_addr(msg, CORDON_A_DEVICE_ADDRESS, &c->addresses[i]);
	nla_nest_end(msg, nest);
	return err;
}

static int talk_device(struct cnl *nl, u8 cmd, const struct cnl_change *change,
		       struct cnl_device *out)
{
	struct nl_msg *msg = cnl_message(nl, cmd, 0);

	if (msg && put_change(msg, change))
		return too_long(nl, msg);
	return cnl_talk(nl, msg, out ? on_device : NULL, out);
}

/**
 * cnl_device_get - a device
 * @nl: the connection
 * @name: its name, or NULL
 * @mac: its MAC, or NULL
 * @out: filled
 */
int cnl_device_get(struct cnl *nl, const char *name, const u8 *mac, struct cnl_device *out)
{
	struct cnl_change who = CNL_CHANGE_NONE;

	who.name = name;
	who.mac = mac;
	return talk_device(nl, CORDON_CMD_DEVICE_GET, &who, out);
}

/**
 * cnl_device_new - add a device to the policy in force
 * @nl: the connection
 * @change: with name, MAC, segment, and addresses or what is to be learned, at least
 * @out: the device as it is now
 */
int cnl_device_new(struct cnl *nl, const struct cnl_change *change, struct cnl_device *out)
{
	return talk_device(nl, CORDON_CMD_DEVICE_NEW, change, out);
}

/**
 * cnl_device_set - change a device
 * @nl: the connection
 * @change: with name or MAC, and what is to be changed
 * @out: the device as it is now
 */
int cnl_device_set(struct cnl *nl, const struct cnl_change *change, struct cnl_device *out)
{
	return talk_device(nl, CORDON_CMD_DEVICE_SET, change, out);
}

/**
 * cnl_device_del - remove a device from the policy in force
 * @nl: the connection
 * @name: its name, or NULL
 * @mac: its MAC, or NULL
 */
int cnl_device_del(struct cnl *nl, const char *name, const u8 *mac)
{
	struct cnl_change who = CNL_CHANGE_NONE;

	who.name = name;
	who.mac = mac;
	return talk_device(nl, CORDON_CMD_DEVICE_DEL, &who, NULL);
}

static int put_checkin(struct nl_msg *msg, const u8 *mac, const struct cordon_addr *peer,
		       u32 ifindex, const u8 *certificate)
{
	struct nlattr *nest = nla_nest_start(msg, CORDON_A_DEVICE);

	if (!nest || nla_put(msg, CORDON_A_DEVICE_MAC, 6, mac) ||
	    (peer && cnl_put_addr(msg, CORDON_A_DEVICE_ADDRESS, peer)) ||
	    nla_put(msg, CORDON_A_DEVICE_CERTIFICATE, CORDON_CERTIFICATE_LEN, certificate))
		return -ENOMEM;
	nla_nest_end(msg, nest);
	if (!ifindex)
		return 0;
	nest = nla_nest_start(msg, CORDON_A_PORT);
	if (!nest || nla_put_u32(msg, CORDON_A_PORT_IFINDEX, ifindex))
		return -ENOMEM;
	nla_nest_end(msg, nest);
	return 0;
}

/**
 * cnl_checkin - a device has proved who it is: give it its segment's lease
 * @nl: the connection
 * @mac: whom its certificate names
 * @peer: the address that it came from; NULL, it proved itself on its link, at @ifindex
 * @ifindex: the interface that it came in by; 0, not known
 * @certificate: SHA-256 of its certificate
 * @out: the device as it is now
 *
 * Return: 0; -ENOENT, no such device, or no policy; -EADDRNOTAVAIL, @peer is not bound to it;
 * -ENODEV, @ifindex is no port; -EXDEV, it may not be on that one; -EACCES, it is quarantined;
 * another -errno.
 */
int cnl_checkin(struct cnl *nl, const u8 mac[6], const struct cordon_addr *peer, u32 ifindex,
		const u8 certificate[CORDON_CERTIFICATE_LEN], struct cnl_device *out)
{
	struct nl_msg *msg = cnl_message(nl, CORDON_CMD_CHECKIN, 0);

	if (msg && put_checkin(msg, mac, peer, ifindex, certificate))
		return too_long(nl, msg);
	return cnl_talk(nl, msg, on_device, out);
}

/**
 * cnl_lease_end - end a device's lease
 * @nl: the connection
 * @mac: whose
 * @certificate: only if a check-in with this one gave it; NULL, in any case
 * @out: the device as it is now
 *
 * Return: 0, whether or not there was one to end; -ENOENT, no such device; another -errno.
 */
int cnl_lease_end(struct cnl *nl, const u8 mac[6], const u8 certificate[CORDON_CERTIFICATE_LEN],
		  struct cnl_device *out)
{
	struct cnl_change change = CNL_CHANGE_NONE;

	change.mac = mac;
	change.lease = 0;
	change.certificate = certificate;
	return talk_device(nl, CORDON_CMD_DEVICE_SET, &change, out);
}

struct each {
	int (*each)(const struct cnl_device *device, void *arg);
	void *arg;
};

static int on_each(struct nlattr **tb, void *arg)
{
	struct cnl_device device;
	struct each *e = arg;

	if (!tb[CORDON_A_DEVICE] || cnl_read_device(tb[CORDON_A_DEVICE], &device))
		return -EPROTO;
	return e->each(&device, e->arg);
}

/**
 * cnl_device_each - every device, as it comes
 * @nl: the connection
 * @each: told of each
 * @arg: for @each
 *
 * Return: -EAGAIN, the policy changed meanwhile and some may be missing.
 */
int cnl_device_each(struct cnl *nl, int (*each)(const struct cnl_device *device, void *arg),
		    void *arg)
{
	struct each e = { each, arg };

	return cnl_talk(nl, cnl_message(nl, CORDON_CMD_DEVICE_GET, NLM_F_DUMP), on_each, &e);
}

static int read_anomaly(struct nlattr *nest, struct cnl_event *out)
{
	struct nlattr *tb[CORDON_A_ANOMALY_MAX + 1];

	if (nla_parse_nested(tb, CORDON_A_ANOMALY_MAX, nest, NULL) || !tb[CORDON_A_ANOMALY_KIND])
		return -EPROTO;
	out->anomaly.kind = nla_get_u32(tb[CORDON_A_ANOMALY_KIND]);
	if (tb[CORDON_A_ANOMALY_MAC] && nla_len(tb[CORDON_A_ANOMALY_MAC]) == 6) {
		out->anomaly.has_mac = true;
		memcpy(out->anomaly.mac, nla_data(tb[CORDON_A_ANOMALY_MAC]), 6);
	}
	if (tb[CORDON_A_ANOMALY_NAME])
		nla_strlcpy(out->anomaly.name, tb[CORDON_A_ANOMALY_NAME],
			    sizeof(out->anomaly.name));
	if (tb[CORDON_A_ANOMALY_IFINDEX])
		out->anomaly.ifindex = nla_get_u32(tb[CORDON_A_ANOMALY_IFINDEX]);
	if (tb[CORDON_A_ANOMALY_SOURCE])
		cnl_read_addr(tb[CORDON_A_ANOMALY_SOURCE], &out->anomaly.source);
	if (tb[CORDON_A_ANOMALY_DESTINATION])
		cnl_read_addr(tb[CORDON_A_ANOMALY_DESTINATION], &out->anomaly.destination);
	if (tb[CORDON_A_ANOMALY_PROTOCOL])
		out->anomaly.protocol = nla_get_u32(tb[CORDON_A_ANOMALY_PROTOCOL]);
	if (tb[CORDON_A_ANOMALY_DPORT])
		out->anomaly.dport = nla_get_u32(tb[CORDON_A_ANOMALY_DPORT]);
	if (tb[CORDON_A_ANOMALY_SUPPRESSED])
		out->anomaly.suppressed = nla_get_u32(tb[CORDON_A_ANOMALY_SUPPRESSED]);
	if (tb[CORDON_A_ANOMALY_DENIED])
		out->anomaly.denied = nla_get_u32(tb[CORDON_A_ANOMALY_DENIED]);
	if (tb[CORDON_A_ANOMALY_SERVER_NAME])
		nla_strlcpy(out->anomaly.server, tb[CORDON_A_ANOMALY_SERVER_NAME],
			    sizeof(out->anomaly.server));
	if (tb[CORDON_A_ANOMALY_TLS_OFFERED])
		out->anomaly.tls_offered = nla_get_u32(tb[CORDON_A_ANOMALY_TLS_OFFERED]);
	if (tb[CORDON_A_ANOMALY_TLS_SELECTED])
		out->anomaly.tls_selected = nla_get_u32(tb[CORDON_A_ANOMALY_TLS_SELECTED]);
	cnl_read_ports(nest, CORDON_A_ANOMALY_PORT, &out->anomaly.ports);
	out->anomaly.action = tb[CORDON_A_ANOMALY_ACTION] ?
			      (int)nla_get_u32(tb[CORDON_A_ANOMALY_ACTION]) : -1;
	return 0;
}

static int on_event(struct nl_msg *msg, void *arg)
{
	struct nlmsghdr *h = nlmsg_hdr(msg);
	struct nlattr *tb[CORDON_A_MAX + 1];
	struct cnl_listener *l = arg;
	struct cnl_event event;
	int err = -EPROTO;

	memset(&event, 0, sizeof(event));
	if (genlmsg_parse(h, 0, tb, CORDON_A_MAX, NULL))
		return NL_SKIP;
	event.cmd = ((struct genlmsghdr *)nlmsg_data(h))->cmd;
	if (event.cmd == CORDON_CMD_POLICY_NTF)
		err = cnl_read_summary(tb, &event.summary);
	else if (event.cmd == CORDON_CMD_DEVICE_NTF && tb[CORDON_A_DEVICE])
		err = cnl_read_device(tb[CORDON_A_DEVICE], &event.device);
	else if (event.cmd == CORDON_CMD_ANOMALY_NTF && tb[CORDON_A_ANOMALY])
		err = read_anomaly(tb[CORDON_A_ANOMALY], &event);
	else if (event.cmd == CORDON_CMD_INTERFACE_NTF && tb[CORDON_A_INTERFACE])
		err = cnl_read_interface(tb[CORDON_A_INTERFACE], &event.interface);
	else if (event.cmd == CORDON_CMD_BINDING_NTF && tb[CORDON_A_BINDING])
		err = cnl_read_binding(tb[CORDON_A_BINDING], &event.binding);
	if (err)
		return NL_SKIP;
	l->stop = l->event(&event, l->arg);
	return l->stop ? NL_STOP : NL_OK;
}

/**
 * cnl_join - have events sent to this connection
 * @nl: the connection, of no other use from now on
 * @listener: told of each; it must live as long as the connection
 */
int cnl_join(struct cnl *nl, struct cnl_listener *listener)
{
	int group, err;

	group = genl_ctrl_resolve_grp(nl->sock, CORDON_FAMILY_NAME, CORDON_MCGRP_EVENTS);
	err = group < 0 ? group : nl_socket_add_membership(nl->sock, group);
	if (err) {
		snprintf(nl->error, sizeof(nl->error), "cannot hear events: %s",
			 err == -NLE_PERM ? "that needs CAP_NET_ADMIN" : nl_geterror(err));
		return -EIO;
	}
	nl_socket_disable_seq_check(nl->sock);
	nl_socket_modify_cb(nl->sock, NL_CB_VALID, NL_CB_CUSTOM, on_event, listener);
	return 0;
}

/**
 * cnl_hear - wait for events, and tell the listener
 * @nl: the connection, after cnl_join()
 *
 * Return: 0, also when a signal came; -ENOBUFS, events were lost; -EIO.
 */
int cnl_hear(struct cnl *nl)
{
	int err = nl_recvmsgs_default(nl->sock);

	if (err >= 0 || err == -NLE_INTR)
		return 0;
	snprintf(nl->error, sizeof(nl->error), "%s", nl_geterror(err));
	return err == -NLE_NOMEM ? -ENOBUFS : -EIO;
}

/**
 * cnl_listen - hear events
 * @nl: the connection, of no other use from now on
 * @event: told of each; whatever but 0 ends it. Told of NULL once, when it begins
 * @arg: for @event
 */
int cnl_listen(struct cnl *nl, int (*event)(const struct cnl_event *event, void *arg), void *arg)
{
	struct cnl_listener l = { event, arg, 0 };
	int err = cnl_join(nl, &l);

	if (err)
		return err;
	l.stop = event(NULL, arg);
	while (!l.stop) {
		err = cnl_hear(nl);
		/* Lost events are no reason to stop hearing. */
		if (err && err != -ENOBUFS)
			return err;
	}
	return 0;
}
