// SPDX-License-Identifier: GPL-2.0
/* Requests and replies. */
#include <netlink/genl/ctrl.h>
#include <stdio.h>
#include <string.h>

#include "nl/nl.h"

#define BUFFER (64 * 1024)	/* a dump's messages are at most 32 KiB */
#define SMALL 4096		/* room for a request about one object */

static int fail(struct cnl *nl, int err, const char *what)
{
	snprintf(nl->error, sizeof(nl->error), "%s", what);
	return err;
}

/* As strerror(), which may open a catalogue of translations. */
static const char *describe(int err)
{
	const char *text = strerrordesc_np(err);

	return text ? text : "unknown error";
}

/**
 * cnl_open - connect to the family in this network namespace
 * @nl: filled
 *
 * Return: 0; -ENOENT, the module is not loaded; another -errno.
 */
int cnl_open(struct cnl *nl)
{
	int one = 1, err;

	memset(nl, 0, sizeof(*nl));
	nl->sock = nl_socket_alloc();
	if (!nl->sock)
		return fail(nl, -ENOMEM, "out of memory");
	nl_socket_disable_auto_ack(nl->sock);
	err = genl_connect(nl->sock);
	if (err) {
		cnl_close(nl);
		return fail(nl, -EIO, nl_geterror(err));
	}
	nl->family = genl_ctrl_resolve(nl->sock, CORDON_FAMILY_NAME);
	if (nl->family < 0) {
		cnl_close(nl);
		return fail(nl, -ENOENT, "family 'cordon' not found: is the module loaded? "
			    "try 'cordonctl module load'");
	}
	setsockopt(nl_socket_get_fd(nl->sock), SOL_NETLINK, NETLINK_EXT_ACK, &one, sizeof(one));
	setsockopt(nl_socket_get_fd(nl->sock), SOL_NETLINK, NETLINK_CAP_ACK, &one, sizeof(one));
	nl_socket_set_buffer_size(nl->sock, 1 << 20, 1 << 20);
	nl_socket_set_msg_buf_size(nl->sock, BUFFER);
	return 0;
}

void cnl_close(struct cnl *nl)
{
	nl_socket_free(nl->sock);
	nl->sock = NULL;
}

struct nl_msg *cnl_message(struct cnl *nl, u8 cmd, int flags)
{
	struct nl_msg *msg = nlmsg_alloc_size(cmd == CORDON_CMD_STAGE ? BUFFER : SMALL);

	if (msg && !genlmsg_put(msg, NL_AUTO_PORT, NL_AUTO_SEQ, nl->family, 0,
				NLM_F_REQUEST | NLM_F_ACK | flags, cmd, CORDON_FAMILY_VERSION)) {
		nlmsg_free(msg);
		return NULL;
	}
	return msg;
}

struct talk {
	struct cnl *nl;
	int (*reply)(struct nlattr **tb, void *arg);
	int (*each)(struct nlattr *attr, void *arg);
	void *arg;
	int err;
	bool done;
	bool interrupted;
};

static int tell_each(const struct talk *t, struct nlmsghdr *h)
{
	struct genlmsghdr *g = nlmsg_data(h);
	struct nlattr *attr;
	int rest, err = 0;

	nla_for_each_attr(attr, genlmsg_attrdata(g, 0), genlmsg_attrlen(g, 0), rest)
		err = err ? err : t->each(attr, t->arg);
	return err;
}

static int on_valid(struct nl_msg *msg, void *arg)
{
	struct nlattr *tb[CORDON_A_MAX + 1];
	struct nlmsghdr *h = nlmsg_hdr(msg);
	struct talk *t = arg;

	if (h->nlmsg_flags & NLM_F_DUMP_INTR)
		t->interrupted = true;
	if ((!t->reply && !t->each) || t->err)
		return NL_OK;
	if (t->each)
		t->err = tell_each(t, h);
	else if (genlmsg_parse(h, 0, tb, CORDON_A_MAX, NULL))
		t->err = -EPROTO;
	else
		t->err = t->reply(tb, t->arg);
	return NL_OK;
}

static int on_finish(struct nl_msg *msg, void *arg)
{
	struct talk *t = arg;

	if (nlmsg_hdr(msg)->nlmsg_flags & NLM_F_DUMP_INTR)
		t->interrupted = true;
	t->done = true;
	return NL_STOP;
}

static int on_ack(struct nl_msg *msg, void *arg)
{
	(void)msg;
	((struct talk *)arg)->done = true;
	return NL_STOP;
}

/* The kernel's own sentence is better than any that we could find. */
static int on_error(struct sockaddr_nl *who, struct nlmsgerr *e, void *arg)
{
	struct nlmsghdr *h = (struct nlmsghdr *)((char *)e - NLMSG_HDRLEN);
	int skip = sizeof(*e), rest;
	struct talk *t = arg;
	struct nlattr *attr;

	(void)who;
	t->err = e->error;
	t->done = true;
	snprintf(t->nl->error, sizeof(t->nl->error), "%s", e->error == -EPERM ?
		 "not permitted: CAP_NET_ADMIN is needed" : describe(-e->error));
	if (!(h->nlmsg_flags & NLM_F_ACK_TLVS))
		return NL_STOP;
	if (!(h->nlmsg_flags & NLM_F_CAPPED))
		skip += e->msg.nlmsg_len - sizeof(e->msg);
	rest = h->nlmsg_len - NLMSG_HDRLEN - NLMSG_ALIGN(skip);
	nla_for_each_attr(attr, (struct nlattr *)((char *)e + NLMSG_ALIGN(skip)), rest, rest)
		if (nla_type(attr) == NLMSGERR_ATTR_MSG)
			snprintf(t->nl->error, sizeof(t->nl->error), "%s", nla_get_string(attr));
	return NL_STOP;
}

static int talk(struct talk *t, struct nl_msg *msg)
{
	struct nl_cb *cb = nl_cb_alloc(NL_CB_DEFAULT);
	struct cnl *nl = t->nl;
	int err;

	nl->error[0] = '\0';
	if (!msg || !cb) {
		nlmsg_free(msg);
		nl_cb_put(cb);
		return fail(nl, -ENOMEM, "out of memory");
	}
	nl_cb_set(cb, NL_CB_VALID, NL_CB_CUSTOM, on_valid, t);
	nl_cb_set(cb, NL_CB_FINISH, NL_CB_CUSTOM, on_finish, t);
	nl_cb_set(cb, NL_CB_ACK, NL_CB_CUSTOM, on_ack, t);
	nl_cb_err(cb, NL_CB_CUSTOM, on_error, t);
	err = nl_send_auto(nl->sock, msg);
	nlmsg_free(msg);
	while (err >= 0 && !t->done)
		err = nl_recvmsgs(nl->sock, cb);
	nl_cb_put(cb);
	if (t->err) {
		if (!nl->error[0])
			fail(nl, t->err, describe(-t->err));
		return t->err;
	}
	if (err == -NLE_DUMP_INTR || t->interrupted)
		return fail(nl, -EAGAIN, "the policy changed meanwhile");
	if (err < 0)
		return fail(nl, -EIO, nl_geterror(err));
	return 0;
}

/**
 * cnl_talk - send a request and hear all of the answer
 * @nl: the connection
 * @msg: the request, freed
 * @reply: gets each reply's attributes, may be NULL
 * @arg: for @reply
 *
 * Return: 0; -EAGAIN, a dump was interrupted by a change; -errno of the kernel's or @reply's.
 */
int cnl_talk(struct cnl *nl, struct nl_msg *msg,
	    int (*reply)(struct nlattr **tb, void *arg), void *arg)
{
	struct talk t = { .nl = nl, .reply = reply, .arg = arg };

	return talk(&t, msg);
}

/**
 * cnl_talk_each - likewise, where an attribute may come more than once
 * @nl: the connection
 * @msg: the request, freed
 * @each: gets every attribute of each reply
 * @arg: for @each
 *
 * Return: as cnl_talk().
 */
int cnl_talk_each(struct cnl *nl, struct nl_msg *msg,
		  int (*each)(struct nlattr *attr, void *arg), void *arg)
{
	struct talk t = { .nl = nl, .each = each, .arg = arg };

	return talk(&t, msg);
}

int cnl_put_addr(struct nl_msg *msg, int type, const struct cordon_addr *a)
{
	u8 bytes[16];
	int i;

	for (i = 0; i < 8; i++) {
		bytes[i] = a->hi >> (56 - 8 * i);
		bytes[8 + i] = a->lo >> (56 - 8 * i);
	}
	return cordon_addr_is_v4(a) ? nla_put(msg, type, 4, bytes + 12) :
				      nla_put(msg, type, 16, bytes);
}

int cnl_read_addr(struct nlattr *attr, struct cordon_addr *out)
{
	const u8 *bytes = nla_data(attr);
	int i;

	*out = (struct cordon_addr){ 0, 0 };
	if (nla_len(attr) == 4) {
		*out = cordon_addr_v4((u32)bytes[0] << 24 | bytes[1] << 16 | bytes[2] << 8 | bytes[3]);
		return 0;
	}
	if (nla_len(attr) != 16)
		return -EPROTO;
	for (i = 0; i < 8; i++) {
		out->hi = out->hi << 8 | bytes[i];
		out->lo = out->lo << 8 | bytes[8 + i];
	}
	return 0;
}

static int read_generation(struct nlattr **tb, void *arg)
{
	if (!tb[CORDON_A_GENERATION])
		return -EPROTO;
	*(u32 *)arg = nla_get_u32(tb[CORDON_A_GENERATION]);
	return 0;
}

/**
 * cnl_confirm - keep the policy that awaits it
 * @nl: the connection
 * @generation: which one that is
 */
int cnl_confirm(struct cnl *nl, u32 *generation)
{
	return cnl_talk(nl, cnl_message(nl, CORDON_CMD_CONFIRM, 0), read_generation, generation);
}

static int read_summary(struct nlattr **tb, void *arg)
{
	return cnl_read_summary(tb, arg);
}

/**
 * cnl_summary - what is in force, and the namespace's totals
 * @nl: the connection
 * @out: filled
 */
int cnl_summary(struct cnl *nl, struct cnl_summary *out)
{
	return cnl_talk(nl, cnl_message(nl, CORDON_CMD_POLICY_GET, 0), read_summary, out);
}
