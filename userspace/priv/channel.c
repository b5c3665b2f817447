// SPDX-License-Identifier: GPL-2.0
/* Messages over pipes: a length in network order, then so many bytes. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/uio.h>
#include <unistd.h>

#include "priv.h"

/**
 * priv_channel_pair - two ends that talk to each other
 * @here: one
 * @there: the other
 *
 * Pipes, not sockets: who holds the CA's key has no socket at all.
 *
 * Return: 0 or -errno.
 */
int priv_channel_pair(struct priv_channel *here, struct priv_channel *there)
{
	int a[2], b[2], err;

	if (pipe2(a, O_CLOEXEC))
		return -errno;
	if (pipe2(b, O_CLOEXEC)) {
		err = -errno;
		close(a[0]);
		close(a[1]);
		return err;
	}
	*here = (struct priv_channel){ .in = a[0], .out = b[1] };
	*there = (struct priv_channel){ .in = b[0], .out = a[1] };
	return 0;
}

void priv_channel_close(struct priv_channel *c)
{
	close(c->in);
	close(c->out);
	c->in = -1;
	c->out = -1;
}

/**
 * priv_send - send a message
 * @c: the channel; its pipe blocks
 * @data: the message
 * @len: at most PRIV_FRAME_MAX
 *
 * Return: 0; -EMSGSIZE; -EPIPE, the other end is gone; another -errno.
 */
int priv_send(const struct priv_channel *c, const void *data, size_t len)
{
	uint32_t head = htonl(len);
	struct iovec v[2] = { { &head, sizeof(head) }, { (void *)data, len } };
	int i = 0;
	ssize_t n;

	if (len > PRIV_FRAME_MAX)
		return -EMSGSIZE;
	while (i < 2) {
		n = writev(c->out, v + i, 2 - i);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		while (i < 2 && (size_t)n >= v[i].iov_len)
			n -= v[i++].iov_len;
		if (i < 2) {
			v[i].iov_base = (char *)v[i].iov_base + n;
			v[i].iov_len -= n;
		}
	}
	return 0;
}

static ssize_t read_all(int fd, void *buf, size_t len)
{
	size_t got = 0;
	ssize_t n;

	while (got < len) {
		n = read(fd, (char *)buf + got, len - got);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (!n)
			return got ? -EPIPE : 0;
		got += n;
	}
	return got;
}

/**
 * priv_receive - wait for a message
 * @c: the channel
 * @buf: gets it
 * @size: of @buf
 *
 * Return: its length; -EPIPE, the other end is gone; -EMSGSIZE, it does not fit; another -errno.
 */
ssize_t priv_receive(const struct priv_channel *c, void *buf, size_t size)
{
	uint32_t len;
	ssize_t n = read_all(c->in, &len, sizeof(len));

	if (n <= 0)
		return n ? n : -EPIPE;
	len = ntohl(len);
	if (len > size)
		return -EMSGSIZE;
	n = read_all(c->in, buf, len);
	return n < 0 ? n : (size_t)n == len ? n : -EPIPE;
}
