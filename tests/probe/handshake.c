// SPDX-License-Identifier: GPL-2.0
/*
 * handshake N DEVICES FLOW PORT [hold]: captured TLS connections, N of them, from devices in turn through a gateway
 * between the taps gd and gx; prints the nanoseconds that one took. Every packet must have come through. PORT: the first
 * of their source ports. hold: only their first byte is sent, so that all are in their handshake at the same time. FLOW
 * is a file, or quic: one datagram each way, which is all that can be read of QUIC, to port 2001.
 *
 * Device i has the MAC and the address that tests/bench/rules.py gives it.
 */
#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#define PIECE	1448		/* bytes of a segment */
#define SERVER	0xc6120001	/* 198.18.0.1 */
#define FLIGHTS	2		/* of the flow: client's, then server's */

#define DATAGRAM	1200		/* of the least that begins QUIC (RFC 9000, 14.1) */

enum { SYN = 2, ACK = 16 };

/** struct side - one of the two: its tap, and what it says */
struct side {
	int tap;
	uint8_t gateway[6];
	uint8_t mac[6];
	uint32_t address;
	uint16_t port;
	uint32_t seq;
	uint8_t flight[16384];
	size_t len;
};

static int tap(const char *name, uint8_t mac[6])
{
	struct ifreq r = { .ifr_flags = IFF_TAP | IFF_NO_PI };
	int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC), any = socket(AF_INET, SOCK_DGRAM, 0);

	snprintf(r.ifr_name, sizeof(r.ifr_name), "%s", name);
	if (fd < 0 || any < 0 || ioctl(fd, TUNSETIFF, &r) || ioctl(any, SIOCGIFHWADDR, &r))
		err(1, "%s", name);
	memcpy(mac, r.ifr_hwaddr.sa_data, 6);
	close(any);
	return fd;
}

/* The kernel notes once in a second that carriers came; until then, what is sent to a tap is dropped. */
static void wait_for(const char *name)
{
	char path[64], state[16];
	int tries, fd;
	ssize_t n;

	snprintf(path, sizeof(path), "/sys/class/net/%s/operstate", name);
	for (tries = 0; tries < 5000; tries++) {
		fd = open(path, O_RDONLY | O_CLOEXEC);
		n = fd < 0 ? -1 : read(fd, state, sizeof(state));
		close(fd);
		if (n == 3 && !memcmp(state, "up\n", 3))
			return;
		poll(NULL, 0, 1);
	}
	errx(1, "%s does not come up", name);
}

static void read_flow(const char *name, struct side sides[2])
{
	FILE *f = fopen(name, "r");
	unsigned int byte;
	char line[256];
	int flight = -1;

	if (!f)
		err(1, "%s", name);
	while (fgets(line, sizeof(line), f)) {
		if (line[0] == 'C' || line[0] == 'S') {
			if (flight < 0 || line[0] != "CS"[flight])
				flight++;
			if (flight == FLIGHTS)
				break;
			continue;
		}
		for (char *p = line; flight >= 0 && sscanf(p, "%2x", &byte) == 1; p += 2)
			sides[flight].flight[sides[flight].len++] = byte;
	}
	fclose(f);
	if (!sides[0].len || !sides[1].len)
		errx(1, "%s: no handshake", name);
}

static uint32_t sum(const void *data, size_t len, uint32_t start)
{
	const uint8_t *p = data;

	for (; len > 1; len -= 2, p += 2)
		start += p[0] << 8 | p[1];
	return len ? start + (p[0] << 8) : start;
}

static uint16_t fold(uint32_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return htons(~sum);
}

static void put16(uint8_t *p, uint16_t v)
{
	v = htons(v);
	memcpy(p, &v, sizeof(v));
}

static void put32(uint8_t *p, uint32_t v)
{
	v = htonl(v);
	memcpy(p, &v, sizeof(v));
}

/*
 * The frame of an IP protocol that comes out of a tap. The kernel's own, as neighbour discovery, are passed over. It is
 * there at once, but where the kernel left it to a softirq.
 */
static ssize_t come_out(struct side *to, uint8_t protocol, uint8_t *seen, size_t size)
{
	struct pollfd ready = { .fd = to->tap, .events = POLLIN };
	ssize_t n;
	int others;

	for (others = 0; others < 16; others++) {
		n = read(to->tap, seen, size);
		if (n < 0 && errno == EAGAIN && poll(&ready, 1, 1000) == 1)
			n = read(to->tap, seen, size);
		if (n < 34 || (seen[12] == 0x08 && seen[13] == 0 && seen[23] == protocol))
			break;
	}
	return n;
}

/* One segment; it must come out of the other tap. */
static void say(struct side *from, struct side *to, int flags, const void *data, size_t len)
{
	uint8_t frame[14 + 40 + PIECE] = { 0 }, *ip = frame + 14, *tcp = ip + 20, seen[2048];
	uint16_t check;

	memcpy(frame, from->gateway, 6);
	memcpy(frame + 6, from->mac, 6);
	put16(frame + 12, 0x0800);
	ip[0] = 0x45, ip[8] = 64, ip[9] = 6;
	put16(ip + 2, 40 + len);
	put32(ip + 12, from->address);
	put32(ip + 16, to->address);
	check = fold(sum(ip, 20, 0));
	memcpy(ip + 10, &check, 2);
	put16(tcp, from->port);
	put16(tcp + 2, to->port);
	put32(tcp + 4, from->seq);
	put32(tcp + 8, flags & ACK ? to->seq : 0);
	tcp[12] = 0x50, tcp[13] = flags;
	put16(tcp + 14, 64000);
	memcpy(tcp + 20, data, len);
	check = fold(sum(tcp, 20 + len, sum(ip + 12, 8, 6 + 20 + len)));
	memcpy(tcp + 16, &check, 2);
	if (write(from->tap, frame, 54 + len) != (ssize_t)(54 + len))
		err(1, "write");
	if (come_out(to, 6, seen, sizeof(seen)) != (ssize_t)(54 + len) || memcmp(seen + 54, data, len))
		errx(1, "connection %u: a segment of %zu bytes did not come through", from->port, len);
	from->seq += len + !!(flags & SYN);
}

static void fly(struct side *from, struct side *to)
{
	size_t at, n;

	for (at = 0; at < from->len; at += n) {
		n = from->len - at < PIECE ? from->len - at : PIECE;
		say(from, to, ACK, from->flight + at, n);
	}
}

/* One datagram of QUIC, likewise: a long header of version 1, with connection ids of eight zeros. */
static void say_quic(struct side *from, struct side *to, uint8_t type)
{
	uint8_t frame[14 + 28 + DATAGRAM] = { 0 }, *ip = frame + 14, *udp = ip + 20, *quic = udp + 8, seen[2048];
	size_t at = 5;
	uint16_t check;

	memcpy(frame, from->gateway, 6);
	memcpy(frame + 6, from->mac, 6);
	put16(frame + 12, 0x0800);
	ip[0] = 0x45, ip[8] = 64, ip[9] = 17;
	put16(ip + 2, 28 + DATAGRAM);
	put32(ip + 12, from->address);
	put32(ip + 16, to->address);
	check = fold(sum(ip, 20, 0));
	memcpy(ip + 10, &check, 2);
	put16(udp, from->port);
	put16(udp + 2, to->port);
	put16(udp + 4, 8 + DATAGRAM);
	quic[0] = type, quic[4] = 1;
	quic[at] = 8, at += 9;
	quic[at] = 8, at += 9;
	at += !(type & 0x30);	/* the length of a token, 0; only an Initial has one */
	put16(quic + at, 0x4000 | (DATAGRAM - at - 2));
	if (write(from->tap, frame, sizeof(frame)) != sizeof(frame))
		err(1, "write");
	if (come_out(to, 17, seen, sizeof(seen)) != sizeof(frame))
		errx(1, "connection %u: a datagram did not come through", from->port);
}

static void connection_of_quic(struct side *device, struct side *server, uint32_t i, uint32_t devices, uint16_t port)
{
	uint32_t mac = i % devices;

	device->address = 0x0a000010 + (mac + 1) % devices;
	put32(device->mac + 2, mac);
	device->port = port + i / devices;
	server->port = 2001;
	say_quic(device, server, 0xc0);		/* Initial */
	say_quic(server, device, 0xe0);		/* Handshake */
}

static void connection(struct side *device, struct side *server, uint32_t i, uint32_t devices, uint16_t port,
		       bool hold)
{
	uint32_t mac = i % devices;

	device->address = 0x0a000010 + (mac + 1) % devices;
	put32(device->mac + 2, mac);
	device->port = port + i / devices;
	device->seq = server->seq = i;
	say(device, server, SYN, "", 0);
	say(server, device, SYN | ACK, "", 0);
	say(device, server, ACK, "", 0);
	if (hold) {
		say(device, server, ACK, device->flight, 1);
		return;
	}
	fly(device, server);
	fly(server, device);
	say(device, server, ACK, "", 0);
}

int main(int argc, char **argv)
{
	static struct side sides[2] = { { .mac = { 2 } }, { .mac = { 6, 0, 0, 0, 0, 1 }, .address = SERVER, .port = 443 } };
	struct timespec from, to;
	unsigned long n, devices;
	bool quic;
	uint32_t i;

	if (argc < 5)
		errx(2, "handshake N DEVICES FLOW PORT [hold]");
	n = strtoul(argv[1], NULL, 10);
	devices = strtoul(argv[2], NULL, 10);
	sides[0].tap = tap("gd", sides[0].gateway);
	sides[1].tap = tap("gx", sides[1].gateway);
	wait_for("gd");
	wait_for("gx");
	quic = !strcmp(argv[3], "quic");
	if (!quic)
		read_flow(argv[3], sides);
	clock_gettime(CLOCK_MONOTONIC, &from);
	for (i = 0; i < n; i++)
		if (quic)
			connection_of_quic(&sides[0], &sides[1], i, devices, atoi(argv[4]));
		else
			connection(&sides[0], &sides[1], i, devices, atoi(argv[4]), argc > 5);
	clock_gettime(CLOCK_MONOTONIC, &to);
	printf("%.0f\n", ((to.tv_sec - from.tv_sec) * 1e9 + to.tv_nsec - from.tv_nsec) / n);
	return 0;
}
